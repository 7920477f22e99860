"""Properties of a motion besides its equation: four groups, and one for fits.

One method of a `Motion` returns each group as a whole: a motion that holds another one
passes it on whole, and the defaults for what a law leaves out stand here, once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PyTree

from ..status import Status
from ..steppers import Flows

State = PyTree[Array]


class Lens(NamedTuple):
    """A lens says how the states of a motion hold those of another one.

    Attributes:
        inside: state -> state of the other motion.
        around: (state, state of the other motion) -> the state with the latter in it.
    """

    inside: Callable[[State], State]
    around: Callable[[State, State], State]


# for states that are those of the other motion
SAME = Lens(lambda state: state, lambda state, inside: inside)


class Resolution(NamedTuple):
    """Error of a run from the grid or the basis of a law, as the law estimates it.

    Estimates of the relative error of the probabilities, ∫|ρ - ρ_exact| / ∫ρ. They give
    the order of magnitude; each law says how far that was tested.

    Attributes:
        share: error from the part of a state that grid or basis cannot hold, or from
            the nodes of an average, scalar.
        rate: error that is added per unit of time, scalar.
    """

    share: Array
    rate: Array


class Generator(NamedTuple):
    """The generator of a ψ: iħ dψ/dt = Hψ.

    Attributes:
        hamiltonian: H, a matrix, a particle on a grid, or anything that has `apply`,
            `autonomous` and `spectral_bounds`.
        hbar: ħ, scalar.
    """

    hamiltonian: Any
    hbar: Array


class StepNoise(NamedTuple):
    """Random numbers of a step of a random motion; in `Chance`, their shapes.

    Attributes:
        increments: W(t + dt) - W(t), normal of variance dt, unit √time. Those of a
            long step are the sums of those of the short steps within it.
        uniforms: in [0, 1), one set per step, whatever its length, for draws from a
            distribution. None where nothing is drawn.
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
    """Noise of a random motion, and other forms of the motion.

    Attributes:
        noise: shapes of the noise w of `step(t, state, dt, w)`.
        pathwise: () -> the motion in a form whose paths converge as steps are halved
            under the same increments; it serves to estimate the error of a step. None:
            the motion itself where increments are all its noise, else no such form.
        mean_field: () -> the equation of the mean, or None.
    """

    noise: StepNoise
    pathwise: Callable[[], Any] | None = None
    mean_field: Callable[[], Any] = _none


class Breaks(NamedTuple):
    """Times at which the rates of a motion jump, or its state changes at once.

    Attributes:
        jumps: times at which `vector_field` jumps, (J,), where steps end; None for
            none.
        impulses: times at which the state changes at once, (K,); None for none. A run
            that begins, passes or ends at one of them takes it, and what is saved at
            that time is the state after it.
        after_impulse: (k, state) -> the state after the k-th impulse.
        displaced: (k, x) -> positions of paths on a grid after the k-th one, (n, d).
    """

    jumps: Array | None = None
    impulses: Array | None = None
    after_impulse: Callable[[int, State], State] = _unchanged
    displaced: Callable[[int, Array], Array] = _unchanged

    def through(self, lens: Lens | None) -> "Breaks":
        """The breaks of a motion whose states hold those of this one, or none."""
        if lens is None:
            return self._replace(after_impulse=_unchanged)

        def after_impulse(k: int, state: State) -> State:
            return lens.around(state, self.after_impulse(k, lens.inside(state)))

        return self._replace(after_impulse=after_impulse)


class Watch(NamedTuple):
    """Checks and diagnostics of the states of a motion during a run.

    Attributes:
        alarm: (t, before, after) -> a `Status` other than OK if the step from `before`
            to `after` met a node or another limit of the motion's validity.
        resolution: state -> its error from the grid or basis, a `Resolution`; None
            where there is neither (matrices, classes), or no estimate.
        records: state -> diagnostics by name that `jqd.evolve` records for each saved
            state besides the invariants; None for `min_density` of a law.
        difference: (one, other) -> relative difference of two states, by which runs
            with different steps are compared: a scalar, or None where they are not;
            None itself for that of a law's probabilities, Σ|ρ₁ - ρ₂| / Σ|ρ₁|.
        reversed: state -> that with all velocities reversed, of the conjugate ψ; None
            for the conjugate state.
        convection: (t, x, wave) -> velocity of paths on grids, at positions x, (n, d),
            in addition to (ħ/m) Im ∇ψ/ψ, length over time, (n, d), or None. `wave`
            gives [ψ, ∂ψ/∂x_1, ..] at positions, each (n,), of spinors (2, n); it is
            None where the caller asks only whether there is such a velocity.
    """

    alarm: Callable[[ArrayLike, State, State], Array] = _silent
    resolution: Callable[[State], Resolution | None] = _none
    records: Callable[[State], dict[str, Array]] | None = None
    difference: Callable[[State, State], Array | None] | None = None
    reversed: Callable[[State], State] | None = None
    convection: Callable[[ArrayLike, Array, Any], Array | None] = _none

    def through(self, lens: Lens | None) -> "Watch":
        """The watch of a motion whose states hold those of this one, or none."""
        if lens is None:
            return Watch(convection=self.convection)
        if lens is SAME:
            return self
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
    """Generators, flows and solutions of a motion that need no small steps.

    Attributes:
        generator: H and ħ where the state is a ψ that they move, for `jqd.Propagator`.
            Not every law with a Hamiltonian has one: copies and Husimi functions do
            not move linearly by theirs.
        flows: () -> exact partial flows, for `jqd.steppers.Splitting`, or None.
        orbit: (state0, ts) -> states at times `ts`, stacked, and a bound on their
            relative error (T,); None where there is no such solution.
    """

    generator: Generator | None = None
    flows: Callable[[], Flows | None] = _none
    orbit: Callable[[State, Array], tuple[State, Array]] | None = None


class Fits(NamedTuple):
    """Information for fits of a motion, besides the declarations of its constants.

    Attributes:
        why_not: names of free constants -> why no data at all could distinguish them,
            as the end of a sentence, or None.
        limits: initial state, as `Start.state` gives it -> lower and upper values of
            constants, by the motion's own names, between which the motion can evolve
            it, besides the bounds that it declares for every initial state. A fit stays
            within them; they may be traced, their names are not.
    """

    why_not: Callable[[tuple[str, ...]], str | None] = _none
    limits: Callable[[Any], dict[str, tuple[ArrayLike, ArrayLike]]] = _no_limits
