"""Open quantum systems: Lindblad's equation for a matrix, with named jumps."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import FEW, abs2, divisor, matmul
from ..._program import program
from ...constants import Scales, constant, fixed, free, parts, scalars
from ...interop import as_array
from ...spaces.driven import Driven
from ...spaces.driven_input import read_hamiltonian
from ...spaces.fock import destroy
from ...spaces.hamiltonians import MatrixHamiltonian
from ...steppers import cf4, exponential, taylor18
from ...steppers.eigenbasis import exponential_orbit
from ..groups import Breaks, Exact
from ..husimi.bath import Bath
from ..schrodinger import Schrodinger
from .density_operators import DensityOperators

# Levels up to which the generator is a matrix whose exponential is taken.
LARGEST_DENSE = 12


def _unit(jump: "Jump", scales: Scales) -> Array:
    """1 over the time and the square of L, of whose columns the mean square counts."""
    size = jnp.sum(abs2(jump.operator)) / jump.operator.shape[0]
    return scales.rate / divisor(size)


def _operator(given: Any, name: str) -> Complex[Array, "n n"]:
    operator = as_array(given, name)
    _checks.check_square(operator, name)
    _checks.check_finite(operator, name)
    return _checks.complex_of(constant(operator, name))


class Jump(eqx.Module):
    """One effect of the surroundings on a system: γ(n̄ + 1) D[L] + γ n̄ D[L†].

    Attributes:
        operator: L, (n, n); arrays, QuTiP and dynamiqs operators. These programs
            include the rate in it, √γ L.
        rate: γ >= 0, in 1 over the unit of time and of L²; 0 in quantum mechanics, and
            1 for an operator that includes it already.
        nbar: n̄ >= 0, thermal quanta, by which the reverse jump happens as well.
    """

    operator: Complex[Array, "n n"] = fixed(read=_operator)
    rate: Float[Array, ""] = free(
        quantum=0.0, span=(0, 1), bounds=(0.0, np.inf), unit=_unit, default=1.0
    )
    nbar: Float[Array, ""] = free(bounds=(0.0, np.inf), default=0.0)


class Lindblad(DensityOperators):
    """dρ/dt = -i[H, ρ]/ħ + Σ_k γ_k {(n̄_k + 1) D[L_k] + n̄_k D[L_k†]} ρ

    D[L]ρ = LρL† - ½(L†Lρ + ρL†L). The state is the density operator, (n, n); its trace
    is conserved. Rates are constants by the names of their jumps, "loss.rate",
    "loss.nbar". A fit may free them, or take them as nuisances with priors, so that
    loss competes as an explanation with a law that departs from quantum mechanics. Up
    to 12 levels and with a constant H the equation is solved by exponentials of a
    matrix, without steps; else by series.

    Attributes:
        hamiltonian: a matrix, or one that changes in time.
        channels: jumps, by name.
        hbar: ħ, scalar.

    Source: G. Lindblad (1976) Commun. Math. Phys. 48, 119.
    """

    hamiltonian: MatrixHamiltonian | Driven
    channels: dict[str, Jump] = parts()
    hbar: Float[Array, ""] = fixed()

    def __init__(
        self,
        hamiltonian: Any,
        jumps: Mapping[str, Jump] | Sequence[Any],
        hbar: ArrayLike = 1.0,
    ):
        """Lindblad's equation of H and these jumps.

        Args:
            hamiltonian: (n, n) Hermitian or (n,) real, in energy units, as
                `jqd.Schrodinger` takes it, pulses included.
            jumps: by name, at least one; or a list of jumps, or of operators that
                include their rates, √γ L, then named "jump0", "jump1" and so on.
            hbar: ħ, scalar.

        Raises:
            ValueError: H not Hermitian, no jumps, operators of another size, ħ not
                positive.
        """
        self.hamiltonian = read_hamiltonian(hamiltonian)
        size = self.hamiltonian.levels
        self.channels = _named(jumps)
        for name, jump in self.channels.items():
            _checks.check_shape(jump.operator, f"jumps[{name!r}]", (size, size))
        (self.hbar,) = scalars(hbar=hbar)
        _checks.check_positive(self.hbar, "hbar")

    @classmethod
    def of_mode(cls, hamiltonian: Any, bath: Bath, hbar: ArrayLike = 1.0) -> "Lindblad":
        """A bosonic mode in its number states, in a bath.

        Jumps `loss` (a, with its n̄), `gain` (a†) and `dephasing` (a†a), as in `Bath`.

        Args:
            hamiltonian: (n, n) or (n,), between the n lowest number states.
            bath: its rates, numbers.
            hbar: ħ, scalar.

        Raises:
            ValueError: as for the law; rates of several modes.
        """
        hamiltonian = read_hamiltonian(hamiltonian)
        a = destroy(hamiltonian.levels)
        jumps = {
            "loss": Jump(a, bath.gamma, bath.nbar),
            "gain": Jump(a.T, bath.gain),
            "dephasing": Jump(a.T @ a, bath.dephasing),
        }
        return cls(hamiltonian, jumps, hbar)

    def yardstick(self) -> Schrodinger:
        """The law of H alone."""
        return Schrodinger(self.hamiltonian, self.hbar)

    def on(self, quantum: Schrodinger) -> "Lindblad":
        """The same jumps with another H."""
        return Lindblad(quantum.hamiltonian, self.channels, quantum.hbar)

    def pair(self, other: Array) -> "Lindblad | None":
        """The law of a pair of which only this system jumps."""
        both = self.yardstick().pair(other)
        if both is None:
            return None
        unit = jnp.eye(other.shape[0])
        jumps = {
            name: eqx.tree_at(
                lambda jump: jump.operator, jump, jnp.kron(jump.operator, unit)
            )
            for name, jump in self.channels.items()
        }
        return Lindblad(both.hamiltonian, jumps, self.hbar)

    @property
    def levels(self) -> int:
        """n, the number of levels."""
        return self.hamiltonian.levels

    # -- dynamics ------------------------------------------------------------------

    def operators(self) -> tuple[Array, Array]:
        """Operators L and L† of all jumps, (2K, n, n), and their rates, (2K,)."""
        jumps = list(self.channels.values())
        L = jnp.stack([jump.operator for jump in jumps])
        rate = jnp.stack([jump.rate for jump in jumps])
        nbar = jnp.stack([jump.nbar for jump in jumps])
        both = jnp.concatenate([L, jnp.conj(jnp.swapaxes(L, 1, 2))])
        return both, jnp.concatenate([rate * (nbar + 1), rate * nbar])

    def _field(
        self, matrix: Array, weight: ArrayLike, kind: Any
    ) -> Callable[[Array], Complex[Array, "n n"]]:
        """ρ -> the right side with this H, and all rates multiplied by a number."""
        if self.levels**2 <= FEW:
            G = self._generator(matrix, weight, kind)
            return lambda state: matmul(G, jnp.ravel(state)).reshape(state.shape)
        K, L, rates = self._parts(matrix, weight, kind)

        def field(state: Array) -> Array:
            fed = jnp.einsum("k,kab,bc,kdc->ad", rates, L, state, jnp.conj(L))
            return matmul(K, state) + matmul(state, jnp.conj(K.T)) + fed

        return field

    def _parts(
        self, matrix: Array, weight: ArrayLike, kind: Any
    ) -> tuple[Array, Array, Array]:
        """K = -iH/ħ - ½ Σ_k r_k L_k†L_k, the L_k, and their rates r_k with weight."""
        L, rates = self.operators()
        L, rates = L.astype(kind), jnp.multiply(weight, rates)
        return -1j / self.hbar * matrix - loss(L, rates) / 2, L, rates

    def _generator(
        self, matrix: Array, weight: ArrayLike, kind: Any
    ) -> Complex[Array, "n2 n2"]:
        """K ⊗ 1 + 1 ⊗ K* + Σ_k r_k L_k ⊗ L_k*, which acts on ρ, flat by rows."""
        K, L, rates = self._parts(matrix, weight, kind)
        unit, size = jnp.eye(self.levels, dtype=kind), self.levels**2
        left = K[:, None, :, None] * unit[None, :, None, :]
        right = unit[:, None, :, None] * jnp.conj(K)[None, :, None, :]
        weighted = rates[:, None, None] * L
        fed = weighted[:, :, None, :, None] * jnp.conj(L)[:, None, :, None, :]
        fed = jnp.sum(fed, axis=0)
        return (left + right + fed).reshape(size, size)

    def vector_field(
        self, t: ArrayLike, state: Array, args: Any = None
    ) -> Complex[Array, "n n"]:
        """-i[H, ρ]/ħ + Σ_k rate D[L_k] ρ"""
        del args
        return self._field(self.matrix(t), 1.0, state.dtype)(state)

    def matrix(self, t: ArrayLike) -> Array:
        """H(t), (n, n)."""
        return self.hamiltonian.at(t)

    def flow(
        self,
        ts: Sequence[ArrayLike],
        factors: Sequence[float],
        state: Array,
        dt: ArrayLike,
    ) -> Complex[Array, "n n"]:
        """exp(dt Σ_k f_k G(t_k)) ρ by its series, for `cf4`."""
        turns = (f * self.matrix(t) for f, t in zip(factors, ts, strict=True))
        matrix = functools.reduce(jnp.add, turns)
        field = self._field(matrix, sum(factors), state.dtype)
        return exponential(field, state, dt, unroll=self.levels**2 <= FEW)

    @property
    def stepper(self) -> Any:
        """The method with which `recover` follows the law where it is not solvable."""
        return taylor18 if self.hamiltonian.autonomous else cf4

    def breaks(self) -> Breaks:
        """Times at which a pulse jumps."""
        return Breaks(self.hamiltonian.jumps())

    @property
    def solvable(self) -> bool:
        """Whether H is constant and small enough for `orbit`."""
        return self.hamiltonian.autonomous and self.levels <= LARGEST_DENSE

    def exact(self) -> Exact:
        """States at all times at once, where the law is solvable."""
        return Exact(orbit=self.orbit if self.solvable else None)

    def generator_matrix(self) -> Complex[Array, "n2 n2"]:
        """The right side as a matrix that acts on ρ, flat by rows."""
        matrix = self.matrix(0.0)
        kind = jnp.result_type(matrix.dtype, jnp.complex64)
        return self._generator(matrix, 1.0, kind)

    def orbit(
        self, state0: Complex[Array, "n n"], ts: Array
    ) -> tuple[Complex[Array, "T n n"], Array]:
        """exp(G (t' - t)) from each time to the next, and a bound on its rounding.

        Times at equal distances share one exponential.
        """
        G = self.generator_matrix().astype(state0.dtype)
        states = exponential_orbit(G, jnp.ravel(state0), ts)
        states = jnp.reshape(states, (-1, *state0.shape))
        size = jnp.sqrt(jnp.sum(abs2(G)))
        return states, jnp.finfo(ts.dtype).eps * (1 + size * (ts - ts[0]))

    @program
    def step(self, t: ArrayLike, state: Array, dt: ArrayLike) -> Array:
        """The state at t + dt: exact where H is constant and ρ has at most nine
        entries, else by the stepper."""
        return self.step_with(self.made(dt), t, state, dt)

    def step_with(
        self,
        made: Array | None,
        t: ArrayLike,
        state: Array,
        dt: ArrayLike,
        *noise: Any,
    ) -> Array:
        """As `step`, with what `made` gave for dt."""
        del noise
        if made is None:
            return self.stepper(self, t, state, dt)
        moved = matmul(made.astype(state.dtype), jnp.ravel(state))
        return moved.reshape(state.shape)

    def made(self, dt: ArrayLike) -> Complex[Array, "n2 n2"] | None:
        """exp(G dt) of a small law with a constant H; else None.

        Of more levels it costs more than the steps of a save interval.
        """
        if not self.solvable or self.levels**2 > FEW:
            return None
        return jax.scipy.linalg.expm(self.generator_matrix() * dt)

    @property
    def step_order(self) -> int:
        """Order of the series or of the exponentials."""
        return self.stepper.order


def loss(L: Array, rates: Array) -> Complex[Array, "n n"]:
    """Σ_k r_k L_k†L_k of operators L, (K, n, n), and rates r, (K,)."""
    weighted = rates[:, None, None] * L
    if L.shape[-1] > FEW:
        return jnp.einsum("kba,kbc->ac", jnp.conj(L), weighted)
    return jnp.sum(jnp.conj(L)[:, :, :, None] * weighted[:, :, None, :], axis=(0, 1))


def _named(jumps: Any) -> dict[str, Jump]:
    """Jumps by name, of a mapping or of a list as QuTiP has it.

    Raises:
        ValueError: neither, or empty; a name that is none; what is no jump.
    """
    if isinstance(jumps, list | tuple):
        jumps = {
            f"jump{i}": one
            if isinstance(one, Jump)
            else Jump(as_array(one, f"jumps[{i}]"))
            for i, one in enumerate(jumps)
        }
    if not isinstance(jumps, Mapping):
        raise ValueError(
            "Argument `jumps` must hold jumps by names, or be a list of operators, but "
            f"is a {type(jumps).__name__}."
        )
    if not jumps:
        raise ValueError(
            "Argument `jumps` must hold a jump, but is empty; without any the law is "
            "`jqd.Schrodinger`."
        )
    for name, jump in jumps.items():
        if not isinstance(jump, Jump) or not str(name).isidentifier():
            raise ValueError(
                "Argument `jumps` must hold jumps by names, but "
                f"{name!r} holds a {type(jump).__name__}."
            )
    return dict(jumps)
