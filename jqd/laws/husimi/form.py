"""What every way to carry a Husimi function offers."""

import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from ...states import as_ensemble
from ...steppers import rk4
from ..motion import Resolution
from ..status import Status

if TYPE_CHECKING:
    from .law import HusimiFokkerPlanck


class Form(eqx.Module):
    """How the state of `HusimiFokkerPlanck` is carried and moved.

    A form holds sizes and grids and no constant of the law; those it reads from the
    law. `solvable` forms know their states at all times at once (`orbit`).
    """

    @property
    def solvable(self) -> bool:
        """Whether `orbit` is there."""
        return False

    def solves(self, law: "HusimiFokkerPlanck") -> bool:
        """Whether `orbit` is there for this law."""
        del law
        return self.solvable

    @property
    def stepper(self) -> Callable[..., PyTree[Array]]:
        """The one-step method with which `recover` follows the law."""
        return rk4

    @abc.abstractmethod
    def check(self, law: "HusimiFokkerPlanck") -> None:
        """Raise ValueError where this form cannot carry this law."""

    @abc.abstractmethod
    def prepare(self, law: "HusimiFokkerPlanck", psi: Any) -> PyTree[Array]:
        """The state for a ket, a density operator or another quantum state."""

    def admit(self, law: "HusimiFokkerPlanck", psi: Any) -> PyTree[Array]:
        """A quantum state as what `prepare` takes under jit as well."""
        return as_ensemble(psi, law.modes, "psi")

    @abc.abstractmethod
    def vector_field(
        self, law: "HusimiFokkerPlanck", t: ArrayLike, state: PyTree[Array]
    ) -> PyTree[Array]:
        """Time derivative of the state."""

    @abc.abstractmethod
    def step(
        self,
        law: "HusimiFokkerPlanck",
        t: ArrayLike,
        state: PyTree[Array],
        dt: ArrayLike,
    ) -> PyTree[Array]:
        """The state at t + dt by the form's best step."""

    @abc.abstractmethod
    def density(
        self,
        law: "HusimiFokkerPlanck",
        state: PyTree[Array],
        points: Complex[Array, "..."],
    ) -> Float[Array, "..."]:
        """Values per d²α at points (...,) for one mode, (..., N) for N."""

    @abc.abstractmethod
    def moment(
        self,
        law: "HusimiFokkerPlanck",
        state: PyTree[Array],
        m: tuple[int, ...],
        n: tuple[int, ...],
    ) -> Complex[Array, ""]:
        """∫ Π_i α_i^m_i α_i*^n_i Q d²ᴺα"""

    def orbit(
        self, law: "HusimiFokkerPlanck", state0: PyTree[Array], ts: Array
    ) -> tuple[PyTree[Array], Array]:
        """States at times `ts` and a bound on their relative error, shape (T,)."""
        raise NotImplementedError

    def resolution(
        self, law: "HusimiFokkerPlanck", state: PyTree[Array]
    ) -> Resolution | None:
        """What levels or grid lack for a state, see `Law.resolution`; None: unknown."""
        del law, state
        return None

    def alarm(
        self,
        law: "HusimiFokkerPlanck",
        t: ArrayLike,
        before: PyTree[Array],
        after: PyTree[Array],
    ) -> Array:
        """A code of `jqd.laws.law` if the step met trouble, else 0."""
        del law, t, before, after
        return jnp.asarray(Status.OK)
