"""Laws that hold another law and pass on its properties."""

import abc
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

from jaxtyping import Array, ArrayLike, PyTree

from .groups import SAME, Breaks, Chance, Exact, Fits, Lens, StepNoise, Watch
from .law import Law


class Wrapped(Law):
    """A law that holds another one, and changes only what it defines itself.

    Everything else of the other law is passed on, group by group, so that no part can
    be forgotten. The motion is one piece: where the law has a `vector_field` or a
    `step` of its own, the stepper, the chance, the exact flows and the invariants of
    the other law are not passed on.

    Attributes:
        lens: how its states hold those of the other law; None where they hold none.
    """

    lens: ClassVar[Lens | None] = SAME

    @property
    @abc.abstractmethod
    def inner(self) -> Law:
        """The other law, which this one holds."""

    @property
    def _alike(self) -> bool:
        """Whether it moves as the other law does."""
        kind = type(self)
        same = kind.vector_field is Wrapped.vector_field and kind.lens is SAME
        return same and kind.step is Wrapped.step

    # -- states ------------------------------------------------------------------------

    @property
    def cell(self) -> float:
        """The volume that an entry of `density` stands for."""
        return self.inner.cell

    def admit(self, psi: Any) -> PyTree[Array]:
        """The state as the other law admits it."""
        return self.inner.admit(psi)

    def prepare(self, psi: Any) -> PyTree[Array]:
        """The state of the other law."""
        return self.inner.prepare(psi)

    def carry(self, state: PyTree[Array], *, splits: bool) -> PyTree[Array]:
        """The state as the other law carries it."""
        lens = self.lens
        if lens is None:
            return state
        carried = self.inner.carry(lens.inside(state), splits=splits)
        return lens.around(state, carried)

    def density(self, state: PyTree[Array]) -> Array:
        """The probabilities of the other law."""
        lens = self.lens
        return self.inner.density(state if lens is None else lens.inside(state))

    def observables(self) -> dict[str, Callable[[PyTree[Array]], Array]]:
        """`density` and `populations` of this law, and all others of the other law."""
        own, lens = super().observables(), self.lens
        if lens is None:
            return own

        def of(name: str) -> Callable[[PyTree[Array]], Array]:
            return lambda state: self.inner.observables()[name](lens.inside(state))

        return {**{name: of(name) for name in self.inner.observables()}, **own}

    # -- how it moves ------------------------------------------------------------------

    def vector_field(
        self, t: ArrayLike, state: PyTree[Array], args: Any = None
    ) -> PyTree[Array]:
        """Time derivative of the state by the other law."""
        return self.inner.vector_field(t, state, args)

    def step(
        self,
        t: ArrayLike,
        state: PyTree[Array],
        dt: ArrayLike,
        w: StepNoise | None = None,
    ) -> PyTree[Array]:
        """A step of the other law; of the stepper where `vector_field` is its own."""
        if not self._alike:
            if w is not None:
                raise ValueError(
                    "Argument `law` must have a `step` of its own that takes its "
                    f"noise, but {type(self).__name__} has a `chance` without one."
                )
            return super().step(t, state, dt)
        noise = () if w is None else (w,)
        return cast(Any, self.inner).step(t, state, dt, *noise)

    def made(self, dt: ArrayLike) -> Any:
        """What steps of the other law have in common, if both move alike."""
        own = type(self).step is not Wrapped.step
        return None if own or not self._alike else self.inner.made(dt)

    def step_with(
        self, made: Any, t: ArrayLike, state: PyTree[Array], dt: ArrayLike, *noise: Any
    ) -> PyTree[Array]:
        """As `step`, with what `made` gave for dt."""
        if made is None:
            return self.step(t, state, dt, *noise)
        return self.inner.step_with(made, t, state, dt, *noise)

    @property
    def by_stepper(self) -> bool:
        """Whether `step` is a step of `stepper`."""
        own = type(self).step is not Wrapped.step
        return not own and (not self._alike or self.inner.by_stepper)

    def flow(
        self,
        ts: Sequence[ArrayLike],
        factors: Sequence[float],
        state: PyTree[Array],
        dt: ArrayLike,
    ) -> PyTree[Array]:
        """The flow of the other law by which steppers such as `cf4` move it.

        Raises:
            ValueError: a law that does not move as the other one does, or another one
                that has no flow.
        """
        flow = getattr(self.inner, "flow", None)
        if not self._alike or flow is None:
            raise ValueError(
                "Argument `stepper` must not be one that takes exponentials, such as "
                f"cf4, for {type(self).__name__}, but is."
            )
        return flow(ts, factors, state, dt)

    @property
    def stepper(self) -> Callable[..., PyTree[Array]]:
        """The stepper of the other law, if both move alike."""
        return self.inner.stepper if self._alike else super().stepper

    @property
    def step_order(self) -> int:
        """Order of `step`, that of the other law if both move alike."""
        if self._alike:
            return self.inner.step_order
        own = type(self).step is not Wrapped.step
        return 1 if own else getattr(self.stepper, "order", 1)

    def invariants(self, state: PyTree[Array]) -> dict[str, Array]:
        """The invariants of the other law, if both move alike."""
        return self.inner.invariants(state) if self._alike else {}

    def yardstick(self) -> Law | None:
        """Quantum mechanics that the other law departs from."""
        return self.inner.yardstick()

    # -- the groups --------------------------------------------------------------------

    def chance(self) -> Chance | None:
        """The chance of the other law, if both move alike."""
        return self.inner.chance() if self._alike else None

    def breaks(self) -> Breaks:
        """The breaks of the other law."""
        return self.inner.breaks().through(self.lens)

    def watch(self) -> Watch:
        """The watch of the other law, less its density where this law has its own."""
        watch = self.inner.watch().through(self.lens)
        if type(self).density is Wrapped.density:
            return watch
        return watch._replace(records=None, difference=None)

    def exact(self) -> Exact:
        """Exact solutions of the other law, if both move alike."""
        return self.inner.exact() if self._alike else Exact()

    def fits(self) -> Fits:
        """Limits and refusals of the other law."""
        return self.inner.fits()
