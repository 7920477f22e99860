"""The interface that every law implements."""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PyTree

from .. import _checks
from ..interop import as_array
from ..steppers import rk4

# What `Law.alarm` may say about a step; `jqd.evolve` adds its own codes.
ALARM_NONE = 0
ALARM_NODE = 1
ALARM_HORIZON = 4
ALARM_CUTOFF = 5
ALARM_EDGE = 6


def constant(value: ArrayLike, name: str = "value") -> Array:
    """A constant of a law as an array leaf of floating dtype.

    A Python float in a law would be static: its gradient would be missing and each
    new value would compile anew. Weak types are dropped for the same reason.

    Args:
        value: number or array; integers become floats of jax's default precision.
        name: what the caller calls it.

    Returns:
        Array with the shape of `value`.

    Raises:
        ValueError: it is no number.
    """
    _checks.check_numbers(value, name)
    array = jnp.asarray(value)
    if not jnp.issubdtype(array.dtype, jnp.inexact) or array.weak_type:
        # dtype of the active precision: float (or complex) as jax is configured
        kind = complex if jnp.iscomplexobj(array) else float
        array = array.astype(jnp.result_type(kind))
    return array


class Resolution(NamedTuple):
    """What the grid or the basis of a law does to a run, as the law itself sees it.

    Estimates of the relative error of the probabilities, ∫|ρ - ρ_exact| / ∫ρ: of the
    order of magnitude, each law says how far that was tested.

    Attributes:
        share: from what the grid or basis cannot hold of a state, scalar.
        rate: what it adds per unit of time, scalar.
    """

    share: Array
    rate: Array


class Law(eqx.Module):
    """d(state)/dt = vector_field(t, state).

    A field of a law is an array leaf (a constant) or static (a size, a grid), so that
    plain `jax.jit`, `jax.vmap`, `jax.grad` and optax act on laws. Concrete laws are
    final: they subclass `Law` directly and are never subclassed.

    A law that has exact partial flows also offers `flows()` (see
    `jqd.steppers.Splitting`); one whose states are known at all times at once is
    `solvable` and offers `orbit(state0, ts)` (see `jqd.Propagator`).
    """

    @abc.abstractmethod
    def prepare(self, psi: Any) -> PyTree[Array]:
        """The law's state for a quantum state psi."""

    def admit(self, psi: Any) -> PyTree[Array]:
        """A quantum state as arrays that `prepare` takes under jit as well."""
        return as_array(psi)

    @abc.abstractmethod
    def vector_field(
        self, t: ArrayLike, state: PyTree[Array], args: Any = None
    ) -> PyTree[Array]:
        """Time derivative of the state (diffrax's signature)."""

    @abc.abstractmethod
    def step(self, t: ArrayLike, state: PyTree[Array], dt: ArrayLike) -> PyTree[Array]:
        """The state at t + dt by the law's best fixed step."""

    @abc.abstractmethod
    def density(self, state: PyTree[Array]) -> Array:
        """The probabilities that the law predicts."""

    def invariants(self, state: PyTree[Array]) -> dict[str, Array]:
        """Scalars by name whose drift `jqd.evolve` reports."""
        del state
        return {}

    def diagnose(self, state: PyTree[Array]) -> dict[str, Array]:
        """What `jqd.evolve` records of each saved state: invariants, `min_density`."""
        return {**self.invariants(state), "min_density": jnp.min(self.density(state))}

    def alarm(self, t: ArrayLike, before: PyTree[Array], after: PyTree[Array]) -> Array:
        """One of the codes `ALARM_...` if the step from `before` to `after` met a node
        or another end of what the law can tell, else 0."""
        del t, before, after
        return jnp.asarray(ALARM_NONE)

    def resolution(self, state: PyTree[Array]) -> Resolution | None:
        """What the law's grid or basis lacks for a state.

        None where there is none (matrices, classes), or where the law cannot tell.
        """
        del state
        return None

    def apart(self, one: PyTree[Array], other: PyTree[Array]) -> Array | None:
        """Relative difference of two states' probabilities, Σ|ρ₁ - ρ₂| / Σ|ρ₁|.

        `jqd.evolve` compares runs with other steps by it; None where a law has no
        probabilities, and is not compared.
        """
        mine, others = self.density(one), self.density(other)
        total = jnp.sum(jnp.abs(mine))
        return jnp.sum(jnp.abs(mine - others)) / jnp.where(total > 0, total, 1)

    @property
    def stepper(self) -> Callable[..., PyTree[Array]]:
        """The one-step method with which `recover` follows the law."""
        return rk4

    @property
    def solvable(self) -> bool:
        """Whether the law offers `orbit(state0, ts)`: (states, error bound)."""
        return False

    def orbit(self, state0: PyTree[Array], ts: Array) -> tuple[PyTree[Array], Array]:
        """States at times `ts`, stacked, and a bound on their relative error (T,)."""
        raise NotImplementedError

    def constant_names(self) -> tuple[str, ...]:
        """Names of the array constants of the law that a fit may free."""
        return tuple(
            name
            for name in self.__dataclass_fields__
            if eqx.is_inexact_array(getattr(self, name))
        )

    def pack(self, name: str) -> Array:
        """The independent entries of the constant `name`, flat (for fits)."""
        return jnp.ravel(getattr(self, name))

    def unpack(self, name: str, values: Array) -> "Law":
        """A copy of the law whose constant `name` has these independent entries."""
        old = getattr(self, name)
        return eqx.tree_at(
            lambda law: getattr(law, name), self, jnp.reshape(values, jnp.shape(old))
        )

    def span(self, name: str) -> tuple[Array, Array]:
        """Where a fit draws its starts: lower and upper ends, like `pack(name)`."""
        value = self.pack(name)
        width = 0.5 * jnp.abs(value) + 0.1
        return value - width, value + width

    def quantum_values(self) -> dict[str, float]:
        """The values of free constants at which the law is quantum mechanics."""
        return {}

    def refusal(self, free: tuple[str, ...]) -> str | None:
        """Why no data at all could tell these constants apart, or None."""
        del free
        return None

    def labels(self, name: str) -> list[str]:
        """A label for each entry of `pack(name)`, such as "omega[2]"."""
        shape = jnp.shape(getattr(self, name))
        if shape == ():
            return [name]
        return [f"{name}[{','.join(map(str, index))}]" for index in _indices(shape)]


def scalars(**values: ArrayLike) -> list[Array]:
    """Constants of a law that are one real number each.

    Args:
        **values: the numbers, by the names of the arguments.

    Returns:
        One array leaf a number, each of shape ().

    Raises:
        ValueError: one is no real, finite number.
    """
    for name, value in values.items():
        _checks.check_scalar(value, name)
    return [constant(value, name) for name, value in values.items()]


def _indices(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    import numpy as np

    return [tuple(int(i) for i in index) for index in np.ndindex(*shape)]
