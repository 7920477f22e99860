"""Exact partial flows, the building blocks of splitting methods."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, PyTree

from .._math import expi

# Kinds of splittings, from the most to the least specialised: those that assume an
# outer part that depends only on position and an inner one quadratic in the momenta;
# those that assume only that both are exact flows; compositions of Strang's step.
REACHES = ("nystroem", "two-part", "composition")

NO_CORRECTION = (
    "Argument `stepper` must not need the gradient of the potential, but this law has "
    "no gradient correction; use another splitting."
)


class Splittable(Protocol):
    """A law that a splitting can follow."""

    def exact(self) -> Any:
        """The law's exact parts; their `flows()` are exact partial `Flows`, or None."""
        ...


def flows_of(law: Splittable) -> "Flows":
    """The flows of a law that a splitting is to follow.

    Raises:
        ValueError: the law has none, or `check_followed` refuses it.
    """
    flows = law.exact().flows()
    if flows is None:
        raise ValueError(
            "Argument `stepper` must not be a splitting for this law, but is: "
            f"{type(law).__name__} has no exact flows here; use `rk4`, the law's own "
            "step, None, `Adaptive()` or, for a matrix, `Propagator()`."
        )
    check_followed(law, "exact")
    return flows


def check_followed(law: object, name: str) -> None:
    """Raise where a subclass redefines `vector_field` but inherits what `name` names.

    Args:
        law: the law.
        name: attribute that is followed in place of `vector_field`, such as "exact".

    Raises:
        ValueError: a subclass of the class with `name` has a `vector_field` of its own.
    """
    for cls in type(law).__mro__:
        own = vars(cls).keys() | inspect.get_annotations(cls).keys()
        if name in own:
            return
        if "vector_field" in own:
            raise ValueError(
                f"Argument `law` must have an `{name}` that goes with its "
                f"`vector_field`, but {cls.__name__} has the latter alone, and this "
                "method would go on without it."
            )


@dataclass(frozen=True)
class Flow:
    """An exact part of the motion: state -> apply(factor(t, dt), state).

    The factor depends only on (t, dt) and the application only on (factor, state), so
    that steppers compute factors once where nothing depends on time.

    Attributes:
        factor: (t, dt, correction) -> PyTree of arrays; `correction` weights the double
            commutator of gradient-corrected steps, and is None or left out otherwise.
            It raises a ValueError where the part has no double commutator, see
            `without_correction`.
        apply: (factor, state) -> the state after the flow.
        autonomous: whether no factor depends on t.
        decays: whether the flow reduces the norm, and makes it grow when stepped back:
            methods with a negative coefficient for this part are refused.
    """

    factor: Callable[..., PyTree[Array]]
    apply: Callable[[Any, Any], Any]
    autonomous: bool = True
    decays: bool = False

    def __call__(self, t: ArrayLike, state: Any, dt: ArrayLike) -> Any:
        """The state after time dt of this part alone."""
        return self.apply(self.factor(t, dt), state)


def without_correction(factor: Callable[..., Any]) -> Callable[..., Any]:
    """A function of (t, dt) as the factor of a flow without gradient correction."""

    def only(t: ArrayLike, dt: ArrayLike, correction: ArrayLike | None = None) -> Any:
        if correction is not None:
            raise ValueError(NO_CORRECTION)
        return factor(t, dt)

    return only


def _identity(psi: Array) -> Array:
    return psi


@dataclass(frozen=True)
class PhaseFlow:
    """A `Flow` that is unitary and diagonal in some basis.

    psi -> B^-1 [ exp(-i (dt w(t) - c w'(t))) B psi ]

    It has a class of its own because `pullback` reverses it exactly, and because
    imaginary time uses its rates.

    Attributes:
        rate: t -> w(t), real array in the basis (rad per unit of time).
        correction: t -> w'(t), the double commutator used by gradient-corrected
            steps, or None where the law has none.
        to_basis: B.
        from_basis: B^-1.
        autonomous: whether w does not depend on t.
        precision: real dtype of the factor; None for that of the angle. The angle is
            computed in the grid's precision, the default one, and then rounded.
    """

    rate: Callable[[ArrayLike], Array]
    correction: Callable[[ArrayLike], Array] | None = None
    to_basis: Callable[[Array], Array] = _identity
    from_basis: Callable[[Array], Array] = _identity
    autonomous: bool = True
    precision: Any = None

    decays: ClassVar[bool] = False

    def factor(
        self, t: ArrayLike, dt: ArrayLike, correction: ArrayLike | None = None
    ) -> Complex[Array, "..."]:
        """exp(-i (dt w - correction w'))."""
        angle = dt * self.rate(t)
        if correction is not None:
            if self.correction is None:
                raise ValueError(NO_CORRECTION)
            angle = angle - correction * self.correction(t)
        factor = expi(-angle)
        if self.precision is None:
            return factor
        return factor.astype(jnp.result_type(self.precision, jnp.complex64))

    def apply(self, factor: Array, psi: Array) -> Array:
        """The state after the flow with this factor."""
        return self.from_basis(factor * self.to_basis(psi))

    def __call__(self, t: ArrayLike, psi: Array, dt: ArrayLike) -> Array:
        """The state after time dt of this part alone."""
        return self.apply(self.factor(t, dt), psi)

    def pullback(
        self, factor: Array, psi: Array, cotangent: Array
    ) -> tuple[Array, Array, Array]:
        """One step of reverse-mode differentiation that needs no stored state.

        Args:
            factor: the factor with which `psi` was reached.
            psi: the state after the flow.
            cotangent: cotangent of that state.

        Returns:
            The state before the flow, its cotangent, and the factor's cotangent.
        """
        before = jnp.conj(factor) * self.to_basis(psi)
        state = self.from_basis(before)
        (pulled,) = jax.linear_transpose(self.from_basis, before)(cotangent)
        (result,) = jax.linear_transpose(self.to_basis, state)(factor * pulled)
        return state, result, before * pulled


def damped_flow(
    phase: PhaseFlow,
    decay: Callable[[ArrayLike], Array],
    correction: Callable[[ArrayLike], Array],
) -> Flow:
    """A phase flow with a decay in the same basis, for one direction of time.

    psi -> B^-1 [ exp(-i (dt w - c w') - (dt g - c g')) B psi ]

    Args:
        phase: the unitary part, w and w'.
        decay: t -> g >= 0, real array in the basis (per unit of time).
        correction: t -> g', what the double commutator adds to the decay.
    """

    def factor(
        t: ArrayLike, dt: ArrayLike, weight: ArrayLike | None = None
    ) -> Complex[Array, "..."]:
        damping = dt * decay(t)
        if weight is not None:
            damping = damping - weight * correction(t)
        turn = phase.factor(t, dt, weight)
        return jnp.exp(-damping).astype(turn.real.dtype) * turn

    return Flow(factor, phase.apply, phase.autonomous, decays=True)


def covariant_flow(
    axis: int,
    turn: Callable[[ArrayLike], Array],
    rate: Callable[[ArrayLike], Array],
    autonomous: bool = True,
    precision: Any = None,
) -> Flow:
    """The flow of (p - qA)²/2m along one axis, exact for any A along it.

    psi -> exp(iqχ/ħ) F^-1 [ exp(-i dt (ħk - q a)²/2mħ) F exp(-iqχ/ħ) psi ]

    with A = a + ∂χ/∂x along the axis, a its mean there and χ periodic.

    Args:
        axis: axis of the state, counted from its last one.
        turn: t -> exp(-iqχ/ħ), of the grid's shape.
        rate: t -> (ħk - q a)²/2mħ, k along the axis in FFT order.
        autonomous: whether A does not depend on t.
        precision: real dtype of the factors, as of a `PhaseFlow`.
    """

    def factor(t: ArrayLike, dt: ArrayLike) -> tuple[Array, Array]:
        phase = PhaseFlow(rate, precision=precision).factor(t, dt)
        return turn(t).astype(phase.dtype), phase

    def apply(factor: tuple[Array, Array], psi: Array) -> Array:
        turned, phase = factor
        return jnp.conj(turned) * along(axis, phase, turned * psi)

    return Flow(without_correction(factor), apply, autonomous)


def along(axis: int, symbol: Array, psi: Array) -> Array:
    """Multiply the Fourier transform of psi along one axis by a symbol."""
    return jnp.fft.ifft(symbol * jnp.fft.fft(psi, axis=axis), axis=axis)


def sequence(parts: tuple[Flow | PhaseFlow, ...], *, commute: bool) -> Flow:
    """Flows one after the other: exact for parts that commute, else Strang's step.

    Strang's step takes half of each part but the last, the last part, and the halves
    again in reverse. It is of order 2 and symmetric, which suffices for the inner part
    in compositions of Strang's step. Parts that commute take their explicit time at
    their start, as an outer part does; other parts, which carry time along, take it in
    the middle of their own step.

    Args:
        parts: the flows.
        commute: whether all of them commute, at any two times.
    """
    still = all(part.autonomous for part in parts)
    order = parts if commute else (*parts, *parts[-2::-1])

    def factor(t: ArrayLike, dt: ArrayLike) -> list[PyTree[Array]]:
        """The factors in the order in which they act."""
        if commute:
            return [part.factor(t, dt) for part in parts]
        *halves, whole = parts
        first = [part.factor(t + dt / 4, dt / 2) for part in halves]
        second = first
        if not still:
            second = [part.factor(t + 3 * dt / 4, dt / 2) for part in halves]
        return [*first, whole.factor(t + dt / 2, dt), *second[::-1]]

    def apply(factor: list[PyTree[Array]], psi: Array) -> Array:
        for part, own in zip(order, factor, strict=True):
            psi = part.apply(own, psi)
        return psi

    decays = any(part.decays for part in parts)
    return Flow(without_correction(factor), apply, still, decays)


def general_flow(
    function: Callable[..., PyTree[Array]], autonomous: bool = True
) -> Flow:
    """An exact partial flow given as a function (t, state, dt) -> state.

    Nothing can be computed in advance: the factor is just the time and the step.

    Args:
        function: the flow; it takes the time, the state and the step.
        autonomous: whether it does not depend on the time.
    """

    def apply(factor: tuple[ArrayLike, ArrayLike], state: Any) -> Any:
        t, dt = factor
        return function(t, state, dt)

    return Flow(without_correction(lambda t, dt: (t, dt)), apply, autonomous)


class Flows(NamedTuple):
    """The two parts of a split law.

    Attributes:
        outer: the part that starts and ends each step (the potential); its explicit
            time is frozen during its own flow.
        inner: the part in between (the kinetic energy), which carries time along.
        reach: the most specialised kind of splitting, of `REACHES`, that keeps its
            order.
        reason: why more specialised kinds do not, as a clause for an error message.
    """

    outer: Flow | PhaseFlow
    inner: Flow | PhaseFlow
    reach: str = "nystroem"
    reason: str = ""
