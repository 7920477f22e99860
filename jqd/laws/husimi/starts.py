"""Starts: the operator at ħ_eff = Cħ that has the Husimi function of a state at ħ."""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import abs2
from ...constants import static
from ...spaces.fock import coherent_amplitudes, log_binomials
from ...states import Ensemble, State
from ...states.amplifier import amplified
from .form import Equation, check_fits, check_orders
from .gaussian_sum import GaussianSum

# How far a covariance may be from that of displaced thermal modes.
_ISOTROPIC = 1e-9
# Bases and starts that take such modes alone.
_TAKERS = "`Sectors`, `FirstOrder` and `PSamples`"


# -- kinds of start --------------------------------------------------------------------


class Series(eqx.Module):
    """A start for every state, exactly: one ket ψ becomes Σ_k (1-C)^k v_k v_k†.

    v_k = Σ_n √binom(n+k, k) C^((n+1)/2) ψ_n |n+k>. At C = 1 one ket is left, and
    derivatives with respect to C pass smoothly through it. `Sectors` take the sums over
    all k, for products of coherent or thermal modes.

    Attributes:
        orders: largest total k, or None: as many as the tolerance asks for where C is
            known, all that fit where it is traced (one mode only; give it for more).
        tolerance: of the series in k, where C is known.

    Source: for the amplifier that k counts the quanta of, C. M. Caves, Phys. Rev. D 26,
    1817 (1982).
    """

    orders: int | None = static(default=None)
    tolerance: float = static(default=1e-12)

    def check(self, modes: int) -> None:
        """Raise ValueError for invalid settings."""
        del modes
        check_orders(self.orders, 0, "a whole number or None")
        _checks.check_positive(self.tolerance, "tolerance", ())

    def kets(
        self, equation: Equation, psi: Ensemble | State, levels: tuple[int, ...]
    ) -> Ensemble:
        """The weighted kets at ħ_eff; see `amplify`.

        A described mixed state is already a pure one after an amplifier: the series
        begins at that pure state, which is the only way to C >= 2.

        Raises:
            ValueError: more levels than are kept, or `orders` missing where C is traced
                and there are several modes.
        """
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
                "Argument `orders` must be given to `Series` for several modes where C "
                "is traced, but is None."
            )
        return levels[0] - 1


class FirstOrder(eqx.Module):
    """A start for many modes near C = 1: one quantum more in each mode in turn.

    ρ = (1 - Σ_i n_i) |b><b| + Σ_i n_i |b,i><b,i|,   |b,i> = (b_i† - b_i*)|b>

    The state to first order in n_eff = (1-C)/C, with b_i = α_i/√ħ_eff: M+1 kets, on
    both sides of C = 1, where the derivative by C is exact. H_eff and b are those at C.
    The part left out is of second order in n_eff, so that means deviate from the law by
    a multiple of (C-1)²: for two quanta in a chain of three sites with U = J/2, by
    0.05 (C-1)² at Jt = 1 and 0.25 (C-1)² at Jt = 2. Use it for |C-1| up to 0.05.

    Initial states are products of coherent modes, `GaussianSum.coherent`, or of thermal
    ones whose n_eff = (n̄+1)/C - 1 is small. For long chains see `chain_moments`.
    """

    def check(self, modes: int) -> None:
        """Check nothing: this start has no settings."""
        del modes

    def kets(
        self, equation: Equation, start: "ProductStart", levels: int
    ) -> "ProductKets":
        """|b>, and |b,i> of each mode, with this number of levels."""
        del equation
        b, excess = start.amplitudes, start.gains - 1
        modes = b.shape[0]
        plain = coherent_amplitudes(b, levels)
        roots = jnp.sqrt(jnp.arange(1, levels, dtype=excess.dtype))
        raised = jnp.pad(plain[:, :-1] * roots[None, :], ((0, 0), (1, 0)))
        raised = raised - jnp.conj(b)[:, None] * plain
        # no mode raised, then each in turn
        which = jnp.eye(modes + 1, modes, -1, dtype=bool)
        tables = jnp.where(which[:, :, None], raised[None], plain[None])
        weights = jnp.concatenate([1 - jnp.sum(excess, keepdims=True), excess])
        return ProductKets(tables, weights)


class PSamples(eqx.Module):
    """A start for many modes, C < 1: ρ = E|b><b|, b drawn from the P function.

    b_i = α_i/√ħ_eff + √(n_i/2) (x_i + i y_i),   n_i = (n̄+1)/C - 1 >= 0

    with x, y standard normal: each sample is one ket, initially a product of coherent
    modes. Moments are means without bias; the part of them that is linear in x and y,
    whose mean is known to be 0, is subtracted (a control variate). Their standard
    errors, see `Exact.standard_error`, fall as 1/√samples, grow as √(1-C) and do not
    grow with the number of modes; with 100 samples they are a tenth too small. For long
    chains see `chain_moments`.

    For n_i < 0, that is C > 1 with coherent modes, P is no density: signed weights
    would have the variance (C/(2-C))^(2M). Use `FirstOrder` or `Series` there, and
    `FirstOrder` for derivatives by C at C = 1.

    Attributes:
        samples: number of kets S (static).
        seed: of the samples (static).

    Source: R. J. Glauber, Phys. Rev. 131, 2766 (1963), for P.
    """

    samples: int = static(default=1000)
    seed: int = static(default=0)

    def check(self, modes: int) -> None:
        """Raise ValueError for too few samples, or numbers that are not whole."""
        _checks.whole_number(self.samples, "samples", 2 * modes + 2)
        _checks.whole_number(self.seed, "seed", 0)

    def kets(
        self, equation: Equation, start: "ProductStart", levels: int
    ) -> "ProductKets":
        """The coherent kets that are drawn, with this number of levels.

        Raises:
            ValueError: n_eff < 0.
        """
        _check_positive(start, equation)
        real, modes = start.gains.dtype, start.gains.shape[0]
        normals = self.normals(modes, real)
        noise = jax.lax.complex(normals[:, :modes], normals[:, modes:])
        excess = start.gains - 1
        # rounding at C = 1 is no negative n_eff; a traced C above it gives NaN
        small = jnp.abs(excess) < 64 * jnp.finfo(real).eps
        spread = jnp.sqrt(jnp.where(small, 0, excess) / 2)
        amplitudes = start.amplitudes[None, :] + spread[None, :] * noise
        weights = jnp.full(self.samples, 1 / self.samples, normals.dtype)
        return ProductKets(coherent_amplitudes(amplitudes, levels), weights, normals)

    def normals(self, modes: int, dtype: DTypeLike) -> Float[Array, "S 2M"]:
        """The x and y of each sample, the same at every call."""
        shape = (self.samples, 2 * modes)
        return jax.random.normal(jax.random.key(self.seed), shape, dtype)


Start = Series | FirstOrder | PSamples


def _check_positive(start: "ProductStart", equation: Equation) -> None:
    """Raise where the P function of the start is no density (skipped for tracers)."""
    if not _checks.is_concrete((start, equation.C)):
        return
    gains = np.asarray(start.gains)
    if np.min(gains) < 1 - 1e-12:
        value = float(np.asarray(equation.C))
        factor = float(np.prod((2 * gains - 1) ** -2.0))
        raise ValueError(
            f"Argument `C` must be at most {value * np.min(gains):.6g} for samples of "
            f"this state, but is {value:.6g}: signed samples would have "
            f"(C/(2-C))^2M = {factor:.3g} times the variance; use `FirstOrder` or "
            "`Series`."
        )


# -- the series ------------------------------------------------------------------------


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
    with p_n the share of n quanta in all: terms grow with k before the powers win.

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


# -- products of modes -----------------------------------------------------------------


class ProductStart(NamedTuple):
    """Displaced thermal modes at ħ_eff.

    Attributes:
        amplitudes: b_i = α_i/√ħ_eff, (M,).
        gains: 1 + n_eff of each mode, (M,): 1/C for a coherent one, below 1 for C > 1.
    """

    amplitudes: Complex[Array, " M"]
    gains: Float[Array, " M"]

    def matrices(self, levels: int) -> Complex[Array, "M L L"]:
        """R_i = <n|ρ_i|m>, exact for every n_eff above -1/2, signed below 0.

        It is a coherent state of amplitude b_i/√gain after an amplifier of this gain.
        """

        def one(amplitude, gain):
            ket = coherent_amplitudes(amplitude / jnp.sqrt(gain), levels)
            pure = Ensemble(ket[None], jnp.ones(1, gain.dtype))
            return amplify(pure, 1 / gain, (levels,), levels - 1).matrix()

        return jax.vmap(one)(self.amplitudes, self.gains)


def read_product(psi: Any, equation: Equation) -> GaussianSum:
    """A product of displaced thermal modes, as a `GaussianSum` or described.

    Raises:
        ValueError: anything else, a covariance that is not a multiple of the unit
            matrix in each mode, or C outside its window.
    """
    if isinstance(psi, State):
        psi = GaussianSum.of(psi, hbar=equation.hbar)
    if not isinstance(psi, GaussianSum):
        raise ValueError(
            "Argument `psi` must be a GaussianSum of coherent or thermal modes, such "
            f"as `GaussianSum.coherent(alpha)`, for {_TAKERS}, but is of type "
            f"{type(psi).__name__}."
        )
    if psi.modes != equation.modes or psi.weights.shape[0] != 1:
        raise ValueError(
            f"Argument `psi` must be one Gaussian of {equation.modes} modes for "
            f"{_TAKERS}, but is {psi.weights.shape[0]} of {psi.modes}."
        )
    if _checks.is_concrete(psi):
        cov, modes = np.asarray(psi.covariance), psi.modes
        away = cov - np.diag(np.tile(np.diag(cov)[:modes], 2))
        if np.max(np.abs(away)) > _ISOTROPIC * np.max(np.abs(cov)):
            raise ValueError(
                "Argument `psi` must be a product of coherent or thermal modes for "
                f"{_TAKERS}, but is squeezed or correlated; use `Levels` and `Series`."
            )
    return psi


def product_start(psi: GaussianSum, equation: Equation) -> ProductStart:
    """The initial modes at ħ_eff.

    Raises:
        ValueError: C outside its window.
    """
    modes, hbar = psi.modes, equation.hbar_eff
    spreads = 2 * jnp.diag(psi.covariance)[:modes]
    if _checks.is_concrete((spreads, hbar)):
        end = float(2 * np.min(np.asarray(spreads)) / np.asarray(equation.hbar))
        if not 0 < float(np.asarray(equation.C)) < end * (1 - 1e-9):
            raise ValueError(
                f"Argument `C` must be in (0, C_max) with C_max = {end:.6g} for this "
                f"state, but is {float(np.asarray(equation.C)):.6g}."
            )
    means = psi.means[0].real
    alpha = jax.lax.complex(means[:modes], means[modes:])
    return ProductStart(alpha / jnp.sqrt(hbar), spreads / hbar)


class ProductKets(NamedTuple):
    """ρ = Σ_k w_k |k><k|, each |k> a product of one-mode kets.

    Attributes:
        tables: amplitudes in the number basis, (K, M, L).
        weights: w_k, (K,), real.
        normals: the standard normals from which each ket was drawn, (K, 2M), or None
            where nothing was drawn.
    """

    tables: Complex[Array, "K M L"]
    weights: Float[Array, " K"]
    normals: Float[Array, "K 2M"] | None = None

    def average(self, each: Complex[Array, " K"]) -> tuple[Array, Array | None]:
        """Σ_k w_k x_k, and its standard error where kets were drawn, else None."""
        if self.normals is None:
            return jnp.sum(self.weights * each), None
        return regression(each, self.normals)


def regression(values: Array, normals: Array) -> tuple[Array, Array]:
    """The mean at normals of 0 by least squares, and its standard error.

    Values scatter more where normals are large: each residual counts by itself,
    corrected for its leverage (HC3, MacKinnon and White, J. Econometrics 29, 305
    (1985)).
    """
    count = normals.shape[0]
    centre = jnp.mean(normals, axis=0)
    away = normals - centre[None, :]
    mean = jnp.mean(values)
    ways = jnp.linalg.solve(jnp.matmul(away.T, away), away.T)
    slopes = jnp.matmul(ways.astype(values.dtype), values - mean)
    left = values - mean - jnp.matmul(away.astype(values.dtype), slopes)
    shares = 1 / count - jnp.matmul(centre, ways)
    levers = 1 / count + jnp.sum(away.T * ways, axis=0)
    terms = shares**2 * abs2(left) / (1 - levers) ** 2
    return mean - jnp.sum(centre * slopes), jnp.sqrt(jnp.sum(terms))
