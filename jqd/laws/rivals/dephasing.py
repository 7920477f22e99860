"""Dephasing by commuting observables: the mean of measuring them."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import divisor
from ...constants import Scales, constant, fixed, free
from ...interop import as_array
from ...spaces.hamiltonians import matrix_hamiltonian
from ...steppers import Flows, Splitting, strang
from ...steppers.flows import Flow, without_correction
from ..groups import Exact
from ..schrodinger import Schrodinger
from .density_operators import DensityOperators, unitary_flow, unitary_rate
from .quantum import at_all_times


def measured_rate(law: Any, scales: Scales) -> Float[Array, " K"]:
    """1 over the time and the square of the range of each observable A_k."""
    across = jnp.max(law.A, axis=1) - jnp.min(law.A, axis=1)
    return scales.rate / divisor(across) ** 2


class Dephasing(DensityOperators):
    """dρ/dt = -i[H, ρ]/ħ - ½ Σ_k γ_k [A_k, [A_k, ρ]],  A_k diagonal.

    The state is the density operator, (n, n). The law is linear in it and conserves its
    trace. A step is Strang's, of two exact flows: any dt keeps ρ positive.

    Attributes:
        H: Hermitian (n, n), or real (n,) if diagonal, in energy units.
        A: diagonals of the observables, (K, n).
        gamma: rates γ_k, (K,), in 1 over the unit of time and of A_k².
        hbar: ħ, scalar.

    Source: G. Lindblad (1976) Commun. Math. Phys. 48, 119.
    """

    H: Array = fixed()
    A: Float[Array, "K n"] = fixed()
    gamma: Float[Array, " K"] = free(
        quantum=0.0, span=(0, 1), bounds=(0.0, jnp.inf), unit=measured_rate
    )
    hbar: Float[Array, ""] = fixed()

    def __init__(
        self, H: Any, A: ArrayLike, gamma: ArrayLike, hbar: ArrayLike = 1.0
    ) -> None:
        """Dephasing of H by these observables.

        Args:
            H: (n, n) Hermitian or (n,) real; arrays, QuTiP and dynamiqs operators.
            A: (K, n), or (n,) for one observable, real.
            gamma: γ_k >= 0, (K,), or one for all.
            hbar: ħ, scalar.

        Raises:
            ValueError: H not Hermitian, shapes that do not fit, a rate below zero.
        """
        self.H, self.A, self.gamma, self.hbar = read_measured(H, A, gamma, hbar)

    def decay(self) -> Float[Array, "n n"]:
        """½ Σ_k γ_k (A_kx - A_ky)²: the rate at which ρ_xy is lost."""
        apart = self.A[:, :, None] - self.A[:, None, :]
        return 0.5 * jnp.sum(self.gamma[:, None, None] * apart**2, axis=0)

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """-i[H, ρ]/ħ - decay ρ."""
        del t, args
        return unitary_rate(self.H, self.hbar, state) - self.decay() * state

    def exact(self) -> Exact:
        """Both parts, exactly: rotation by H (outer), decay (inner)."""

        def kept(t: ArrayLike, dt: ArrayLike) -> Array:
            del t
            return jnp.exp(-self.decay() * dt)

        fade = Flow(without_correction(kept), jnp.multiply)
        return Exact(flows=lambda: Flows(unitary_flow(self.H, self.hbar), fade))

    @property
    def stepper(self) -> Splitting:
        """Strang's splitting."""
        return strang

    def yardstick(self) -> Schrodinger:
        """The law of H alone."""
        return Schrodinger(self.H, self.hbar)

    def on(self, quantum: Schrodinger) -> "Dephasing":
        """The same observables with another H."""
        return Dephasing(
            at_all_times(quantum, "quantum"), self.A, self.gamma, quantum.hbar
        )

    def pair(self, other: Array) -> "Dephasing | None":
        """The law of a pair of which only this system is dephased."""
        both = self.yardstick().pair(other)
        if both is None:
            return None
        A = jnp.repeat(self.A, other.shape[0], axis=1)
        return Dephasing(at_all_times(both, "quantum"), A, self.gamma, self.hbar)


def read_measured(
    H: Any, A: ArrayLike, gamma: ArrayLike, hbar: ArrayLike
) -> tuple[Array, Array, Array, Array]:
    """H, A (K, n), γ (K,) and ħ as checked array leaves; see `Dephasing`."""
    H = as_array(H, "H")
    _checks.check_finite(H, "H")
    _checks.check_hermitian(H, "H")
    matrix = matrix_hamiltonian(H).matrix
    _checks.check_reals(A, "A")
    A = constant(A, "A")
    A = A[None] if A.ndim == 1 else A
    _checks.check_shape(A, "A", (None, matrix.shape[0]))
    _checks.check_not_negative(gamma, "gamma")
    gamma = constant(gamma, "gamma")
    if gamma.shape not in ((), (1,), A.shape[:1]):
        raise ValueError(
            f"Argument `gamma` must be one rate or one per observable ({A.shape[0]}), "
            f"but its shape is {gamma.shape}."
        )
    _checks.check_positive(hbar, "hbar", ())
    return matrix, A, jnp.broadcast_to(gamma, A.shape[:1]), constant(hbar, "hbar")
