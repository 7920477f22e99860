"""Potentials as functions of one vector, and Newton's law for them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from ... import _checks
from ..._program import program
from ...constants import constant
from ...laws.groups import Exact
from ...laws.motion import Motion
from ...steppers import Flows, srkn11
from ...steppers.flows import general_flow

# A squared frequency below this share of the largest counts as a free motion.
ZERO_MODE = 1e-7


def as_function(function: Any) -> Any:
    """A callable as a PyTree that crosses jit, its Python floats as array leaves."""
    if not isinstance(function, eqx.Module | jax.tree_util.Partial):
        function = jax.tree_util.Partial(function)

    def convert(leaf: Any) -> Any:
        return constant(leaf, "leaf") if isinstance(leaf, float) else leaf

    return jax.tree.map(convert, function)


def mass_weighted(
    hessian: Float[Array, "n n"], masses: Float[Array, " n"]
) -> Float[Array, "n n"]:
    """H_ij = V_ij / √(m_i m_j), whose eigenvalues are the squared frequencies."""
    root = jnp.sqrt(masses)
    return hessian / (root[:, None] * root[None, :])


def check_system(hessian: ArrayLike, masses: ArrayLike) -> tuple[Array, Array]:
    """Hessian (n, n) and masses (n,) as arrays of one dtype.

    Raises:
        ValueError: not square, not symmetric, or masses not n positive numbers.
    """
    _checks.check_square(hessian, "hessian")
    _checks.check_hermitian(hessian, "hessian", tolerance=_tolerance(hessian))
    _checks.check_positive(masses, "masses", (np.shape(hessian)[0],))
    hessian, masses = constant(hessian, "hessian"), constant(masses, "masses")
    dtype = jnp.result_type(hessian, masses)
    return hessian.astype(dtype), masses.astype(dtype)


def _tolerance(hessian: ArrayLike) -> float | None:
    """Second derivatives by nested differentiation are symmetric to 1e-10 of them."""
    if not _checks.is_concrete(hessian):
        return None
    values = np.asarray(hessian)
    eps = np.finfo(values.dtype).eps if values.dtype.kind == "f" else 0.0
    return max(1e-10, 100 * float(eps)) * max(float(np.max(np.abs(values))), 1e-300)


class PhasePoint(NamedTuple):
    """A point of phase space.

    Attributes:
        q: coordinates, (n,).
        p: momenta, (n,).
    """

    q: Float[Array, " n"]
    p: Float[Array, " n"]


class ClassicalMotion(Motion):
    """M q'' = -∂V/∂q.

    Units are the caller's. The motion conserves the energy p²/2m + V and is reversible.
    State: `PhasePoint`; flows: kick (outer), drift (inner).

    Attributes:
        potential: V, q (n,) -> scalar energy.
        masses: (n,).
    """

    potential: Any
    masses: Float[Array, " n"]

    def __init__(self, potential: Callable[[Array], Array], masses: ArrayLike):
        """Newton's law of motion in this potential.

        Args:
            potential: V, q (n,) -> scalar; a function, or an `equinox.Module` whose
                array fields are then constants of the law.
            masses: (n,), positive.

        Raises:
            ValueError: masses that are not a vector of positive numbers.
        """
        _checks.check_positive(masses, "masses", (None,))
        self.potential = as_function(potential)
        self.masses = constant(masses, "masses")

    def prepare(self, start: Any) -> PhasePoint:
        """A point of phase space from (q, p).

        Raises:
            ValueError: not (n,) and (n,), or not finite.
        """
        q, p = start
        for name, value in (("q", q), ("p", p)):
            _checks.check_finite(value, name, self.masses.shape)
        return PhasePoint(constant(q, "q"), constant(p, "p"))

    def admit(self, start: Any) -> PyTree[Array]:
        """(q, p) as arrays."""
        return jax.tree.map(jnp.asarray, tuple(start))

    def vector_field(
        self, t: ArrayLike, state: PhasePoint, args: Any = None
    ) -> PhasePoint:
        """(p/m, -∂V/∂q)."""
        del t, args
        return PhasePoint(state.p / self.masses, -jax.grad(self.potential)(state.q))

    def exact(self) -> Exact:
        """Kick by the potential and drift by the momenta, each exact."""

        def kick(t: ArrayLike, state: PhasePoint, dt: ArrayLike) -> PhasePoint:
            del t
            return state._replace(p=state.p - dt * jax.grad(self.potential)(state.q))

        def drift(t: ArrayLike, state: PhasePoint, dt: ArrayLike) -> PhasePoint:
            del t
            return state._replace(q=state.q + dt * state.p / self.masses)

        return Exact(flows=lambda: Flows(general_flow(kick), general_flow(drift)))

    @program
    def step(self, t: ArrayLike, state: PhasePoint, dt: ArrayLike) -> PhasePoint:
        """A step of the symplectic `srkn11`, order 6."""
        return srkn11(self, t, state, dt)

    @property
    def step_order(self) -> int:
        """The order of the splitting."""
        return srkn11.order

    def energy(self, state: PhasePoint) -> Float[Array, ""]:
        """p²/2m + V(q)."""
        return jnp.sum(state.p**2 / self.masses) / 2 + self.potential(state.q)

    def invariants(self, state: PhasePoint) -> dict[str, Array]:
        """The energy."""
        return {"energy": self.energy(state)}
