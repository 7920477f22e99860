"""The interface of everything that moves."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, ArrayLike, PyTree

from .. import _html, constants
from .._program import program
from ..steppers import rk4
from .groups import Breaks, Chance, Exact, Fits, Watch

# methods that motions had of their own before the groups held them
_ONCE = {
    "chance": ("noise_shape", "pathwise", "mean_field"),
    "breaks": ("jumps", "impulses", "struck", "displaced"),
    "watch": ("alarm", "diagnose", "resolution", "apart", "reversed", "convection"),
    "exact": ("generator", "flows", "solvable", "orbit"),
    "fits": ("refusal", "limits"),
}
_LIBRARY = __name__.partition(".")[0]


class Motion(eqx.Module):
    """d(state)/dt = vector_field(t, state).

    A field of a motion is an array leaf (a constant) or static (a size, a grid), so
    that plain `jax.jit`, `jax.vmap`, `jax.grad` and optax act on motions. Concrete
    motions are final: none is a subclass of another.

    Methods that are not abstract have a default, which stands for "there is none". The
    properties of a motion besides its equation form groups, each returned as a whole:
    `chance`, `breaks`, `watch`, `exact` and, for fits, `fits`.

    Raises:
        ValueError: a class has a method that is read only through its group, such as
            `alarm`, and inherits the group from a class of the library.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for group, methods in _ONCE.items():
            owner = next(kind for kind in cls.__mro__ if group in vars(kind))
            # a group of its own, or of a base of the user's, may read what it likes
            if owner is cls or owner.__module__.partition(".")[0] != _LIBRARY:
                continue
            for name in methods:
                said = vars(cls).get(name)
                if any(name in vars(kind) for kind in cls.__mro__[1:]):
                    continue  # what the base has it may read
                if callable(said) or isinstance(said, property):
                    raise ValueError(
                        f"Method `{cls.__name__}.{name}` must be named in "
                        f"`{group}()`, but the class has none, so that it is not "
                        "read; see `jqd.laws.groups`."
                    )

    @abc.abstractmethod
    def vector_field(
        self, t: ArrayLike, state: PyTree[Array], args: Any = None
    ) -> PyTree[Array]:
        """Time derivative of the state (diffrax's signature)."""

    @program
    def step(self, t: ArrayLike, state: PyTree[Array], dt: ArrayLike) -> PyTree[Array]:
        """The state at t + dt by the motion's best fixed step; `stepper` by default.

        A random motion, one with a `chance`, takes its noise as an argument as well:
        `step(t, state, dt, w)`, with w a `StepNoise` of the shapes of its noise.
        """
        return self.stepper(self, t, state, dt)

    def made(self, dt: ArrayLike) -> Any:
        """What all steps of this length have in common, for `step_with`, or None.

        A run makes it once for its equal steps, derivatives included.
        """
        make = getattr(self.stepper, "made", None) if self.by_stepper else None
        return None if make is None else make(self, dt)

    def step_with(
        self, made: Any, t: ArrayLike, state: PyTree[Array], dt: ArrayLike, *noise: Any
    ) -> PyTree[Array]:
        """As `step`, with what `made` gave for dt."""
        if made is None:
            return self.step(t, state, dt, *noise)
        return self.stepper(self, t, state, dt, made)

    @property
    def by_stepper(self) -> bool:
        """Whether `step` is a step of `stepper`."""
        return type(self).step is Motion.step

    def __repr__(self) -> str:
        return eqx.tree_pformat(jax.tree.map(_html.legible, self))

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        known, lines = constants.quantum_values(self), []
        for name, value in constants.values(self).items():
            few = np.size(value) <= _html.MOST_LINES
            shown = repr(_html.legible(value)) if few else _html.shape_of(value)
            lines.append((name, shown, f"{known[name]:g}" if name in known else "none"))
        headings = ("constant", "value", "in quantum mechanics")
        subject = (type(self).__doc__ or "").strip().partition("\n\n")[0]
        return _html.Card(
            type(self).__name__,
            tables=[_html.Table(headings, lines)],
            notes=[" ".join(subject.split())],
        )

    # -- states -----------------------------------------------------------------------

    def prepare(self, start: Any, /) -> PyTree[Array]:
        """The state for an initial state as a user gives it, checked."""
        return start

    def admit(self, start: Any, /) -> PyTree[Array]:
        """The user's initial state as arrays that `prepare` takes under jit as well."""
        return self.prepare(start)

    def carry(self, state: PyTree[Array], *, splits: bool) -> PyTree[Array]:
        """The state as a run carries it from step to step.

        Where `splits`, that is where a splitting moves it, quantities computed from the
        state may go with it; for other methods a state must be numbers that can be
        added. The states that a run returns carry nothing.
        """
        del splits
        return state

    def invariants(self, state: PyTree[Array]) -> dict[str, Array]:
        """Scalars by name whose drift `jqd.evolve` reports."""
        del state
        return {}

    def observables(self) -> dict[str, Callable[[PyTree[Array]], Array]]:
        """Common observables by name, functions of a state, for `jqd.evolve`."""
        return {}

    # -- ways to follow it ------------------------------------------------------------

    @property
    def stepper(self) -> Callable[..., PyTree[Array]]:
        """The one-step method with which `recover` follows the motion."""
        return rk4

    @property
    def step_order(self) -> int:
        """Order of the error of a run by `step`; 1 where it is not declared."""
        own = type(self).step is Motion.step
        return getattr(self.stepper, "order", 1) if own else 1

    # -- the groups -------------------------------------------------------------------

    def chance(self) -> Chance | None:
        """The noise of a step and forms of the motion; None if nothing is random."""
        return None

    def breaks(self) -> Breaks:
        """Times at which its rates jump, or its state changes at once."""
        return Breaks()

    def watch(self) -> Watch:
        """Checks and diagnostics of its states, and where a run ends."""
        return Watch()

    def exact(self) -> Exact:
        """Generators, flows and solutions that need no small steps."""
        return Exact()

    def fits(self) -> Fits:
        """Information for fits, besides the declarations of its constants."""
        return Fits()
