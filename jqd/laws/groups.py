"""What a motion may have beside its equation: four groups, and what fits ask.

Each is told by one method of a `Motion`, in one piece: what holds another motion passes
it on whole, and what a law leaves out is said here, once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PyTree

from ..status import Status
from ..steppers import Flows

State = PyTree[Array]


class Lens(NamedTuple):
    """How the states of a motion hold those of another one.

    Attributes:
        inside: state -> that of the other motion.
        around: (state, that of the other motion) -> the state with this one in it.
    """

    inside: Callable[[State], State]
    around: Callable[[State, State], State]


# of states that are those of the other motion
SAME = Lens(lambda state: state, lambda state, inside: inside)


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
    """Chance in a step of a random motion; in `Chance`, the shapes of it.

    Attributes:
        increments: W(t + dt) - W(t), normal of variance dt, unit √time. Those of a
            long step are the sums of those of the short ones within it.
        uniforms: in [0, 1), one set a step, whatever its length: what is drawn from a
            distribution is drawn by them. None where nothing is.
    """

    increments: Any
    uniforms: Any = None


# -- the groups ------------------------------------------------------------------------


def _none(*of: Any) -> None:
    del of


def _silent(t: ArrayLike, before: State, after: State) -> Array:
    del t, before, after
    return jnp.asarray(Status.OK)


def _no_limits(start: Any) -> dict[str, tuple[ArrayLike, ArrayLike]]:
    del start
    return {}


def _unchanged(k: int, what: Any) -> Any:
    del k
    return what


class Chance(NamedTuple):
    """What a random motion leaves to chance.

    Attributes:
        noise: shapes of the noise w of `step(t, state, dt, w)`.
        pathwise: () -> the motion in a form whose paths converge as steps are halved
            under the same increments, by which the error of a step is judged; None for
            the motion itself where increments are all its noise, else for no such form.
        mean_field: () -> the equation of the mean, or None.
    """

    noise: StepNoise
    pathwise: Callable[[], Any] | None = None
    mean_field: Callable[[], Any] = _none


class Breaks(NamedTuple):
    """Where a motion breaks off: its rates jump, or its state changes at once.

    Attributes:
        jumps: times at which `vector_field` jumps, (J,), where steps end; None for
            none.
        impulses: times at which the state changes at once, (K,); None for none. A run
            that begins, passes or ends at one of them takes it, and what is saved at
            that time is the state after it.
        after_impulse: (k, state) -> the state after the k-th impulse.
        displaced: (k, x) -> positions of paths on a grid after it, (n, d).
    """

    jumps: Array | None = None
    impulses: Array | None = None
    after_impulse: Callable[[int, State], State] = _unchanged
    displaced: Callable[[int, Array], Array] = _unchanged

    def through(self, lens: Lens | None) -> "Breaks":
        """Those of a motion whose states hold the states of this one, or none."""
        if lens is None:
            return self._replace(after_impulse=_unchanged)

        def after_impulse(k: int, state: State) -> State:
            return lens.around(state, self.after_impulse(k, lens.inside(state)))

        return self._replace(after_impulse=after_impulse)


class Watch(NamedTuple):
    """What is seen of the states of a motion, beside what a run is asked for.

    Attributes:
        alarm: (t, before, after) -> a `Status` other than OK if the step from `before`
            to `after` met a node or another end of what the motion can tell.
        resolution: state -> what the grid or basis lacks for it, a `Resolution`; None
            where there is neither (matrices, classes), or where the motion cannot tell.
        records: state -> figures by name that `jqd.evolve` records of each saved state
            beside the invariants; None for `min_density` of a law.
        difference: (one, other) -> relative difference of two states, by which runs
            with other steps are judged: a scalar, or None where they are not compared;
            None itself for that of a law's probabilities, Σ|ρ₁ - ρ₂| / Σ|ρ₁|.
        reversed: state -> that with all velocities turned round, of the conjugate ψ;
            None for the conjugate state.
        convection: (t, x, wave) -> what the velocity of paths at positions x, (n, d),
            on grids has beside (ħ/m) Im ∇ψ/ψ, length over time, (n, d), or None. `wave`
            gives [ψ, ∂ψ/∂x_1, ..] at positions, each (n,), of spinors (2, n); it is
            None where only whether there is anything is asked.
    """

    alarm: Callable[[ArrayLike, State, State], Array] = _silent
    resolution: Callable[[State], Resolution | None] = _none
    records: Callable[[State], dict[str, Array]] | None = None
    difference: Callable[[State, State], Array | None] | None = None
    reversed: Callable[[State], State] | None = None
    convection: Callable[[ArrayLike, Array, Any], Array | None] = _none

    def through(self, lens: Lens | None) -> "Watch":
        """That of a motion whose states hold the states of this one, or none."""
        if lens is None:
            return Watch(convection=self.convection)
        inside = lens.inside

        def alarm(t: ArrayLike, before: State, after: State) -> Array:
            return self.alarm(t, inside(before), inside(after))

        def seen(function: Callable[..., Any] | None) -> Callable[..., Any] | None:
            if function is None:
                return None
            return lambda *states: function(*map(inside, states))

        def placed(function: Callable[[State], State] | None) -> Any:
            if function is None:
                return None
            return lambda state: lens.around(state, function(inside(state)))

        return Watch(
            alarm,
            lambda state: self.resolution(inside(state)),
            seen(self.records),
            seen(self.difference),
            placed(self.reversed),
            self.convection,
        )


class Exact(NamedTuple):
    """What is known of a motion without small steps.

    Attributes:
        generator: H and ħ where the state is a ψ that they move, for `jqd.Propagator`.
            Not what a law calls its Hamiltonian: copies and Husimi functions have one
            and do not move linearly by it.
        flows: () -> exact partial flows, for `jqd.steppers.Splitting`, or None.
        orbit: (state0, ts) -> states at times `ts`, stacked, and a bound on their
            relative error (T,); None where they are not known at once.
    """

    generator: Generator | None = None
    flows: Callable[[], Flows | None] = _none
    orbit: Callable[[State, Array], tuple[State, Array]] | None = None


class Fits(NamedTuple):
    """What fits ask of a motion, beside the declarations of its constants.

    Attributes:
        why_not: names of free constants -> why no data at all could tell these apart,
            as the end of a sentence, or None.
        limits: what a user starts from, as `Start.state` gives it -> between which
            values of its constants the motion can move it: lower and upper ends by the
            motion's own names, beside the bounds that it declares of each whatever the
            start. A fit stays within them; they may be traced, their names are not.
    """

    why_not: Callable[[tuple[str, ...]], str | None] = _none
    limits: Callable[[Any], dict[str, tuple[ArrayLike, ArrayLike]]] = _no_limits
