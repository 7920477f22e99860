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

# what motions said by methods of their own before they said it in groups
_ONCE = {
    "chance": ("noise_shape", "pathwise", "mean_field"),
    "breaks": ("jumps", "impulses", "struck", "displaced"),
    "watch": ("alarm", "diagnose", "resolution", "apart", "reversed", "convection"),
    "exact": ("generator", "flows", "solvable", "orbit"),
    "fits": ("refusal", "limits"),
}
_INTERFACES = frozenset(f"{__package__}.{name}" for name in ("motion", "wrapped"))


class Motion(eqx.Module):
    """d(state)/dt = vector_field(t, state).

    A field of a motion is an array leaf (a constant) or static (a size, a grid), so
    that plain `jax.jit`, `jax.vmap`, `jax.grad` and optax act on motions. Concrete
    motions are final: none is a subclass of another.

    What is not abstract has a default, which stands for "there is none". What a motion
    may have beside its equation stands in groups, each told in one piece: `chance`,
    `breaks`, `watch`, `exact` and, for fits, `fits`.

    Raises:
        ValueError: a class has a method that only its group could make known, such as
            `alarm`, and leaves the group to the class that it is made of.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for group, methods in _ONCE.items():
            # a group of the interfaces reads no method of the class
            if getattr(cls, group).__module__ not in _INTERFACES:
                continue
            for name in methods:
                said = vars(cls).get(name)
                if callable(said) or isinstance(said, property):
                    raise ValueError(
                        f"Method `{cls.__name__}.{name}` must be told in "
                        f"`{group}()`, but the class has none, so that nobody would "
                        "read it; see `jqd.laws.groups`."
                    )

    @abc.abstractmethod
    def vector_field(
        self, t: ArrayLike, state: PyTree[Array], args: Any = None
    ) -> PyTree[Array]:
        """Time derivative of the state (diffrax's signature)."""

    @program
    def step(self, t: ArrayLike, state: PyTree[Array], dt: ArrayLike) -> PyTree[Array]:
        """The state at t + dt by the motion's best fixed step; `stepper` by default.

        A random motion, one that says its `chance`, takes its noise from outside as
        well: `step(t, state, dt, w)`, with w a `StepNoise` of the shapes of its noise.
        """
        return self.stepper(self, t, state, dt)

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
        """The state for what a user starts from, checked."""
        return start

    def admit(self, start: Any, /) -> PyTree[Array]:
        """What a user starts from as arrays that `prepare` takes under jit as well."""
        return self.prepare(start)

    def carry(self, state: PyTree[Array], *, splits: bool) -> PyTree[Array]:
        """The state as a run carries it from step to step.

        What is found anew from a state may go with it, where `splits`, that is where a
        splitting moves it; to other methods a state is numbers that can be added. What
        a run returns is carried by nothing.
        """
        del splits
        return state

    def invariants(self, state: PyTree[Array]) -> dict[str, Array]:
        """Scalars by name whose drift `jqd.evolve` reports."""
        del state
        return {}

    def observables(self) -> dict[str, Callable[[PyTree[Array]], Array]]:
        """Everyday observables by name, functions of a state: for `jqd.evolve`."""
        return {}

    # -- ways to follow it ------------------------------------------------------------

    @property
    def stepper(self) -> Callable[..., PyTree[Array]]:
        """The one-step method with which `recover` follows the motion."""
        return rk4

    @property
    def step_order(self) -> int:
        """Order of the error that `step` leaves of a run; 1 where nobody says it."""
        own = type(self).step is Motion.step
        return getattr(self.stepper, "order", 1) if own else 1

    # -- the groups -------------------------------------------------------------------

    def chance(self) -> Chance | None:
        """What a step leaves to chance; None if nothing is."""
        return None

    def breaks(self) -> Breaks:
        """Where its rates jump, or its state changes at once."""
        return Breaks()

    def watch(self) -> Watch:
        """What is seen of its states, and at which of them a run ends."""
        return Watch()

    def exact(self) -> Exact:
        """What is known of it without small steps."""
        return Exact()

    def fits(self) -> Fits:
        """What fits ask of it beside the declarations of its constants."""
        return Fits()
