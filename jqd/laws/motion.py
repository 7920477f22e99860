"""The interface of everything that moves."""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PyTree

from .. import _html, constants
from .._program import program
from ..status import Status
from ..steppers import Flows, rk4


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


class Generator(NamedTuple):
    """What moves a ψ: iħ dψ/dt = Hψ.

    Attributes:
        hamiltonian: H, a matrix, a particle on a grid, or anything that knows `apply`,
            `autonomous` and `spectral_bounds`.
        hbar: ħ, scalar.
    """

    hamiltonian: Any
    hbar: Array


class StepNoise(NamedTuple):
    """Chance in a step of a random motion; as `noise_shape`, the shapes of it.

    Attributes:
        increments: W(t + dt) - W(t), normal of variance dt, unit √time. Those of a
            long step are the sums of those of the short ones within it.
        uniforms: in [0, 1), one set a step, whatever its length: what is drawn from a
            distribution is drawn by them. None where nothing is.
    """

    increments: Any
    uniforms: Any = None


class Motion(eqx.Module):
    """d(state)/dt = vector_field(t, state).

    A field of a motion is an array leaf (a constant) or static (a size, a grid), so
    that plain `jax.jit`, `jax.vmap`, `jax.grad` and optax act on motions. Concrete
    motions are final: none is a subclass of another.

    What is not abstract has a default, which stands for "there is none".
    """

    @abc.abstractmethod
    def vector_field(
        self, t: ArrayLike, state: PyTree[Array], args: Any = None
    ) -> PyTree[Array]:
        """Time derivative of the state (diffrax's signature)."""

    @program
    def step(self, t: ArrayLike, state: PyTree[Array], dt: ArrayLike) -> PyTree[Array]:
        """The state at t + dt by the motion's best fixed step; `stepper` by default.

        A random motion, one that declares its `noise_shape`, takes its noise from
        outside as well: `step(t, state, dt, w)`, with w a `StepNoise` of these shapes.
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

    def diagnose(self, state: PyTree[Array]) -> dict[str, Array]:
        """What `jqd.evolve` records of each saved state."""
        return self.invariants(state)

    def observables(self) -> dict[str, Callable[[PyTree[Array]], Array]]:
        """Everyday observables by name, functions of a state: for `jqd.evolve`."""
        return {}

    def alarm(self, t: ArrayLike, before: PyTree[Array], after: PyTree[Array]) -> Array:
        """A `Status` other than OK if the step from `before` to `after` met a node or
        another end of what the motion can tell."""
        del t, before, after
        return jnp.asarray(Status.OK)

    def resolution(self, state: PyTree[Array]) -> Resolution | None:
        """What the grid or basis lacks for a state.

        None where there is none (matrices, classes), or where the motion cannot tell.
        """
        del state
        return None

    def jumps(self) -> Array | None:
        """Times at which `vector_field` jumps, (J,), where steps end; None for none."""
        return None

    def impulses(self) -> Array | None:
        """Times at which the state changes at once, (K,); None for none.

        A run that begins, passes or ends at one of them takes it, and what is saved at
        that time is the state after it.
        """
        return None

    def struck(self, k: int, state: PyTree[Array]) -> PyTree[Array]:
        """The state after the k-th impulse."""
        del k
        return state

    def apart(self, one: PyTree[Array], other: PyTree[Array]) -> Array | None:
        """Relative difference of two states, by which runs with other steps are judged.

        None where the motion has no measure of it, and runs are not compared.
        """
        del one, other
        return None

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

    def flows(self) -> Flows | None:
        """Exact partial flows, for `jqd.steppers.Splitting`."""
        return None

    def generator(self) -> Generator | None:
        """H and ħ where the state is a ψ that they move, for `jqd.Propagator`.

        Not what a law calls its Hamiltonian: copies and Husimi functions have one and
        do not move linearly by it.
        """
        return None

    @property
    def solvable(self) -> bool:
        """Whether `orbit` knows the states of all times at once."""
        return False

    def orbit(
        self, state0: PyTree[Array], ts: Array
    ) -> tuple[PyTree[Array], Array] | None:
        """States at times `ts`, stacked, and a bound on their relative error (T,)."""
        del state0, ts
        return None

    # -- chance -----------------------------------------------------------------------

    @property
    def noise_shape(self) -> StepNoise | None:
        """Shapes of the noise that a step takes; None if nothing is left to chance."""
        return None

    def pathwise(self) -> "Motion | None":
        """The motion in a form whose paths converge as steps are halved under the same
        increments, by which the error of a step is judged.

        Itself where increments are all its noise; None where there is no such form.
        """
        noise = self.noise_shape
        return self if noise is None or noise.uniforms is None else None

    def mean_field(self) -> "Motion | None":
        """The equation of the mean of a random motion, or None."""
        return None

    # -- fits -------------------------------------------------------------------------

    def refusal(self, free: tuple[str, ...]) -> str | None:
        """Why no data at all could tell these constants apart, or None."""
        del free
        return None

    def limits(self, start: Any, /) -> dict[str, tuple[ArrayLike, ArrayLike]]:
        """Between which values of its constants the motion can move a start.

        Lower and upper ends by the motion's own names, beside the bounds that it
        declares of each whatever the start. A fit stays within them; they may be
        traced, their names are not.

        Args:
            start: what a user starts from, as `Start.state` gives it.
        """
        del start
        return {}
