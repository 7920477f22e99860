"""Von Neumann evolution with ħ_eff = Cħ: the default form of the law.

Its operators are those at ħ_eff that share their Husimi function with one at ħ.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import abs2, divisor
from ...constants import static
from ...spaces.fock import log_binomials
from ...spaces.symbols import Symbol, apply, couplings, diagonal, matrix
from ...states import Ensemble, State, check_modes, husimi
from ...states.amplifier import amplified
from ...states.husimi import ensemble_moment
from ...status import Status
from ...steppers.blocks import connected_rows, pieces_orbit, split_entries
from ...steppers.chebyshev import hermitian_exponential
from ...steppers.eigenbasis import unitary_orbit
from ..groups import Resolution
from .form import (
    Equation,
    Form,
    Powers,
    check_fits,
    check_orders,
    read_levels,
)
from .window import check_window, limits

# Share of the trace in the highest level of a mode above which a run is marked.
EDGE = 1e-6
# Levels up to which a step under a drive takes the exponential of a matrix: beyond, the
# series on the kets, whose steps are to keep |H_eff| dt/ħ_eff below about 2.
LARGEST_DENSE = 160


class Heff(Form):
    """iħ_eff dρ/dt = [H_eff, ρ], ħ_eff = Cħ, whose Husimi function at ħ_eff is Q.

    Where no term of H has more than two powers of α or of α*, the law at strength C is
    quantum mechanics with another ħ, exactly. ρ is carried as weighted kets: one ket
    becomes Σ_k (1-C)^k v_k v_k† with v_k = Σ_n √binom(n+k, k) C^((n+1)/2) ψ_n |n+k>,
    which ends with one ket at C = 1, so that derivatives with respect to C pass through
    C = 1 smoothly.

    Attributes:
        levels: levels kept of each mode, at ħ_eff (static).
        orders: largest total k, or None: as many as the tolerance asks for where C is
            known, all that fit where it is traced (one mode only; give it for more).
        tolerance: of the series in k, where C is known.
        terms: of the Chebyshev series by which `flow` acts on the kets (static), or
            None: the exponential of a matrix, dearer for few kets and above all for
            its gradient. Some 10 more than half the spread of H_eff dt/ħ_eff; too few
            end a run with the status NON_FINITE.

    Source: for the amplifier that k counts the quanta of, C. M. Caves, Phys. Rev. D 26,
    1817 (1982).
    """

    levels: int | tuple[int, ...] = static(default=64)
    orders: int | None = static(default=None)
    tolerance: float = static(default=1e-12)
    terms: int | None = static(default=None)

    def solves(self, equation: Equation) -> bool:
        """The kets are known at all times at once."""
        del equation
        return True

    @property
    def linear(self) -> bool:
        """It is."""
        return True

    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """At most two powers of α and of α*, coherent states that match.

        Raises:
            ValueError: else.
        """
        del points
        verdict = equation.symbol.is_fokker_planck()
        if not verdict:
            raise ValueError(
                "Argument `symbol` must have at most two powers of α and two of α* in "
                f"each term for form 'heff', but has {', '.join(verdict.offending)}; "
                "use form 'fock'."
            )
        if equation.s is not None:
            raise ValueError(
                "Argument `s` must be None for form 'heff', but is given; use form "
                "'fock'."
            )
        read_levels(self.levels, equation.modes)
        check_orders(self.orders, 0, "a whole number or None")
        if self.terms is not None:
            _checks.whole_number(self.terms, "terms", 2)
        _checks.check_scalar(self.tolerance, "tolerance")
        _checks.check_positive(self.tolerance, "tolerance")

    def admit(self, equation: Equation, psi: Any) -> Ensemble | State:
        """A described state as it is, all else as weighted kets."""
        if isinstance(psi, State):
            check_modes(psi, equation.modes, "psi")
            return psi
        return super().admit(equation, psi)

    def prepare(self, equation: Equation, psi: Ensemble | State) -> Ensemble:
        """The weighted kets at ħ_eff; see `amplify`.

        A described mixed state is the amplifier of a pure one already: the series goes
        from there at once, which is the only way to C >= 2.

        Raises:
            ValueError: C outside its window, more levels than are kept, or `orders`
                missing where C is traced and there are several modes.
        """
        levels = read_levels(self.levels, psi.modes)
        check_window(equation.C, psi)
        if isinstance(psi, Ensemble):
            check_fits(psi, levels)
            return self._amplified(psi, equation.C, levels)
        found = [
            self._amplified(
                Ensemble(seed.ket[None], seed.weight[None]),
                equation.C if seed.gain is None else equation.C / seed.gain,
                levels,
                noisy=seed.gain is not None,
            )
            for seed in psi.seeds(levels)
        ]
        kets, weights = (
            [*parts]
            for parts in zip(*((e.kets, e.weights) for e in found), strict=True)
        )
        return Ensemble(jnp.concatenate(kets), jnp.concatenate(weights))

    def limits(self, psi: Any) -> dict[str, tuple[ArrayLike, ArrayLike]]:
        """The window of a start that declares it."""
        return limits(psi, kets=False)

    def _amplified(
        self, psi: Ensemble, C: Array, levels: tuple[int, ...], *, noisy: bool = False
    ) -> Ensemble:
        return amplify(psi, C, levels, self._orders(C, psi, levels, noisy))

    def _orders(
        self, C: Array, psi: Ensemble, levels: tuple[int, ...], noisy: bool
    ) -> int:
        # what `orders` allows for C near 1 is not enough for thermal quanta
        if self.orders is not None and not noisy:
            return self.orders
        if _checks.is_concrete((C, psi)):
            return series_length(C, psi, self.tolerance, levels)
        if noisy:
            return sum(levels) - len(levels)
        if psi.modes > 1:
            raise ValueError(
                "Argument `orders` must be given to `Heff` for several modes where C "
                "is traced, but is None."
            )
        return levels[0] - 1

    def orbit(
        self, equation: Equation, state0: Ensemble, ts: Array
    ) -> tuple[Ensemble, Array]:
        """exp(-i H_eff t/ħ_eff) on each ket, block by block where H_eff has blocks."""
        levels, hbar = state0.levels, equation.hbar_eff
        times = ts - ts[0]
        run, size = _propagator(equation.symbol, levels, times, hbar)
        kets = run(state0.flat())
        weights = jnp.broadcast_to(
            state0.weights[None], (ts.shape[0], *state0.weights.shape)
        )
        # backward error of a Hermitian eigensolver: a few eps of the norm of H
        eps = jnp.finfo(kets.dtype).eps
        bound = eps * math.sqrt(kets.shape[-1]) * (1 + size / hbar * times)
        return Ensemble(jnp.reshape(kets, (*kets.shape[:2], *levels)), weights), bound

    def vector_field(self, equation: Equation, state: Ensemble) -> Ensemble:
        """-i H_eff v/ħ_eff for each ket."""
        hbar = equation.hbar_eff
        image = apply(equation.symbol, state.flat(), state.levels, hbar=hbar)
        rate = -1j / hbar * image
        return Ensemble(jnp.reshape(rate, state.kets.shape), 0 * state.weights)

    def flow(self, equation: Equation, state: Ensemble, dt: ArrayLike) -> Ensemble:
        """exp(-i H_eff dt/ħ_eff) on each ket, by a matrix up to `LARGEST_DENSE`."""
        levels, hbar = state.levels, equation.hbar_eff
        if self.terms is None and math.prod(levels) > LARGEST_DENSE:
            return super().flow(equation, state, dt)
        turned = jnp.asarray(dt / hbar) * matrix(equation.symbol, levels, hbar=hbar)
        if self.terms is not None:
            kets = hermitian_exponential(turned, state.flat(), self.terms)
        else:
            turn = jax.scipy.linalg.expm(-1j * turned)
            kets = jnp.matmul(state.flat(), turn.T)
        return Ensemble(jnp.reshape(kets, state.kets.shape), state.weights)

    def density(
        self, equation: Equation, state: Ensemble, points: Complex[Array, "... N"]
    ) -> Float[Array, "..."]:
        """Σ_k w_k |<α/√ħ_eff|v_k>|²/(πħ_eff)^N"""
        modes, hbar = points.shape[-1], equation.hbar_eff
        return husimi(
            state, points[..., 0] if modes == 1 else points, hbar=hbar, modes=modes
        )

    def moment(
        self, equation: Equation, state: Ensemble, m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """ħ_eff^((|m|+|n|)/2) Tr(ρ b^m b†^n)"""
        return ensemble_moment(state, m, n, equation.hbar_eff)

    def resolution(self, equation: Equation, state: Ensemble) -> Resolution:
        """The error that the highest levels leave, see `cut_error`."""
        del equation
        return cut_error(edge_share(state))

    def alarm(self, equation: Equation, state: Ensemble) -> Array:
        """`Status.CUTOFF` where the highest level of a mode holds more than `EDGE`."""
        del equation
        return jnp.where(edge_share(state) > EDGE, Status.CUTOFF, Status.OK)


def _propagator(
    symbol: Symbol, levels: tuple[int, ...], times: Array, hbar: Array
) -> tuple[Callable[[Array], Array], Array]:
    """The map of kets to their orbits, and the Frobenius norm of H_eff."""

    def whole(hamiltonian):
        norm = jnp.sqrt(jnp.sum(abs2(hamiltonian)))

        def orbit(ket):
            return unitary_orbit(hamiltonian, ket, times, hbar)

        return jax.vmap(orbit, out_axes=1), norm

    if all(m == n for m, n in symbol.powers):
        return whole(diagonal(symbol, levels, hbar=hbar))
    entries, size = couplings(symbol, levels, hbar=hbar), math.prod(levels)
    blocks = connected_rows(*entries.pattern(size), size)
    if blocks is None:
        return whole(matrix(symbol, levels, hbar=hbar))
    values = jnp.asarray(entries.values)
    pieces = split_entries(entries.rows, entries.columns, values, blocks, size)
    norm = jnp.sqrt(sum(jnp.sum(abs2(parts)) for _, parts in pieces))
    return lambda kets: pieces_orbit(pieces, kets, times, hbar), norm


def cut_error(share: Float[Array, ""]) -> Resolution:
    """Relative error of Q from the levels left out, √2 p^¾ of the share p at the edge.

    What is cut off lies far out in phase space. Where it does not overlap with the rest
    the error is p, where it does the interference of amplitudes, 2√p: this is the
    geometric mean. Within a factor of 20 of ∫|Q - Q_exact| d²α in the tested cases,
    where that is above 1e-10: oscillators driven, squeezed and anharmonic, one mode.

    Args:
        share: p, of the trace in the two highest levels of a mode.
    """
    error = jnp.where(share > 0, math.sqrt(2) * divisor(share) ** 0.75, 0)
    return Resolution(error, jnp.zeros_like(error))


def edge_share(state: Ensemble) -> Float[Array, ""]:
    """Largest share of the trace in the two highest levels of a mode.

    Two, since Hamiltonians that move quanta in pairs leave every other level empty.
    """
    scale = jnp.reshape(state.weights, (-1,) + (1,) * state.modes)
    density = scale * abs2(state.kets)
    shares = []
    for axis, size in enumerate(state.levels, 1):
        top = jax.lax.slice_in_dim(density, max(size - 2, 0), size, axis=axis)
        shares.append(jnp.abs(jnp.sum(top)))
    return jnp.max(jnp.stack(shares))


def amplify(
    ensemble: Ensemble, C: ArrayLike, levels: tuple[int, ...], orders: int
) -> Ensemble:
    """The operator whose Husimi function at Cħ is that of the given one at ħ.

    ρ_eff = Σ_k (1-C)^|k| v_k v_k†, v_k = Π_i √binom(n_i+k_i, k_i) C^((n_i+1)/2) ψ_n,
    shifted up by k: an amplifier of gain 1/C, continued to C > 1.

    Args:
        ensemble: kets at ħ.
        C: scalar, or one of each mode (N,).
        levels: levels kept of each mode.
        orders: largest total k.

    Returns:
        Kets at ħ_eff, one for each of the given ones and each k.
    """
    return Ensemble(*amplified(ensemble.kets, ensemble.weights, C, levels, orders))


def series_length(
    C: ArrayLike, ensemble: Ensemble, tolerance: float, levels: tuple[int, ...]
) -> int:
    """Largest total k that `amplify` needs for a remainder below the tolerance.

    Order k adds |1-C|^k Σ_n C^(n+N) binom(n+k+N-1, k) p_n to the trace norm at most,
    with p_n the share of n quanta in all: kets grow with k before the powers win.

    Args:
        C: strength of the diffusion, or one of each mode.
        ensemble: kets at ħ, concrete.
        tolerance: of the trace norm of what is left out.
        levels: levels kept of each mode; no order beyond them has an effect.
    """
    C, modes = np.asarray(C, float), ensemble.modes
    ratio, C = float(np.max(np.abs(1 - C))), float(np.max(np.abs(C)))
    most = sum(size - 1 for size in levels)
    if ratio == 0:
        return 0
    weights = np.abs(np.asarray(ensemble.weights, float))
    shares = abs2(np.asarray(ensemble.kets, complex))
    shares = np.tensordot(weights, shares, 1).ravel()
    quanta = np.indices(ensemble.levels).sum(axis=0).ravel()
    p = np.bincount(quanta, shares)
    n, k = np.arange(len(p))[None, :], np.arange(most + 1)[:, None]
    binomials = log_binomials(n.max() + most + modes)[n + k + modes - 1, k]
    grown = np.exp(k * math.log(ratio) + (n + modes) * math.log(C) + binomials)
    left = np.cumsum((grown @ p)[::-1])[::-1]  # of order k and all after it
    return int(np.argmax(left < tolerance)) if np.any(left < tolerance) else most
