"""Runs of many kets by one law, with one compiled program."""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Complex, Float

from .._math import abs2, divisor
from .._program import saved_scan
from ..laws import HusimiFokkerPlanck, Law, Resolution
from ..status import Status


def _moved(law: Law, state: Any, start: ArrayLike, dt: ArrayLike, steps: Array) -> Any:
    """State after some steps, and whether the law raised an alarm in one."""
    orbit = law.exact().orbit if isinstance(law, HusimiFokkerPlanck) else None
    if orbit is not None:
        # known at once; a step would diagonalise H each time
        ts = jnp.stack([jnp.zeros_like(dt), dt * steps])
        states, _ = orbit(state, ts)
        return jax.tree.map(lambda leaf: leaf[1], states), jnp.asarray(False)

    def move(i: Array, carry: tuple[Any, Array]) -> tuple[Any, Array]:
        now, alarmed = carry
        t = start + i * dt
        after = law.step(t, now, dt)
        met = law.watch().alarm(t, now, after) != Status.OK.value
        return after, alarmed | met

    return jax.lax.fori_loop(0, steps, move, (state, jnp.asarray(False)))


@eqx.filter_jit
def _followed(
    law: Law, kets: Array, time: ArrayLike, steps: Array, looks: int
) -> tuple[Float[Array, "K looks ..."], Bool[Array, " K"]]:
    """Probabilities at looks + 1 times; `steps` in each interval between two."""
    dt = time / (looks * steps)

    def one(ket: Array) -> tuple[Array, Array]:
        state = law.prepare(ket)

        def look(carry: Any, k: Array) -> tuple[Any, Array]:
            now, alarmed = carry
            after, met = _moved(law, now, time * k / looks, dt, steps)
            return (after, alarmed | met), law.cell * law.density(after)

        first = law.cell * law.density(state)
        begin = state, jnp.asarray(False)
        (_, alarmed), rows = saved_scan(look, begin, jnp.arange(looks), first)
        return rows, alarmed

    return jax.vmap(one)(kets)


@eqx.filter_jit
def _grown(
    law: Law, kets: Array, tangents: Array, time: ArrayLike, steps: Array, looks: int
) -> Float[Array, "K looks"]:
    """ln of the length of a small difference of states at times after the start."""
    dt = time / (looks * steps)

    def one(ket: Array, tangent: Array) -> Array:
        state, apart = jax.jvp(law.prepare, (ket,), (tangent,))
        apart = _shortened(_across(state, apart, ket))[0]

        def look(carry: Any, k: Array) -> tuple[Any, Array]:
            now, apart, length = carry
            move = partial(_moved, law, start=time * k / looks, dt=dt, steps=steps)
            after, grown = jax.jvp(lambda state: move(state)[0], (now,), (apart,))
            apart, size = _shortened(_across(after, grown, ket))
            length = length + jnp.log(size)
            return (after, apart, length), length

        begin = (state, apart, jnp.zeros(()))
        return jax.lax.scan(look, begin, jnp.arange(looks))[1]

    return jax.vmap(one)(kets, tangents)


def _across(state: Any, apart: Any, ket: Array) -> Any:
    """A difference of kets without what only scales or turns them."""
    if not isinstance(state, Array) or state.shape != ket.shape:
        return apart
    share = jnp.sum(jnp.conj(state) * apart) / jnp.sum(abs2(state))
    return apart - share * state


def _shortened(apart: Any) -> tuple[Any, Array]:
    """A difference over its length, and that."""
    leaves = [leaf for leaf in jax.tree.leaves(apart) if eqx.is_inexact_array(leaf)]
    size = jnp.sqrt(sum((jnp.sum(abs2(x)) for x in leaves), jnp.zeros(())))
    safe = divisor(size)
    return jax.tree.map(
        lambda x: x / safe if eqx.is_inexact_array(x) else x, apart
    ), size


@eqx.filter_jit
def _resolved(law: Law, kets: Array) -> Resolution | None:
    return jax.vmap(lambda ket: law.watch().resolution(law.prepare(ket)))(kets)


@eqx.filter_jit
def _ended(law: Law, states: Any, time: ArrayLike, steps: Array) -> Any:
    return jax.vmap(lambda state: _moved(law, state, 0.0, time / steps, steps)[0])(
        states
    )


class Runs(eqx.Module):
    """Runs kets by a law for some time and steps, and returns probabilities.

    Attributes:
        time: duration of a run, in the law's unit.
        steps: total number of steps of the coarser run (static).
        looks: number of later times at which probabilities are compared (static).
        thrift: factor by which a search for worst cases takes fewer steps (static).
        unit: the law's own time, the unit of times that rows choose by themselves.
    """

    time: float = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    looks: int = eqx.field(static=True, default=8)
    thrift: int = eqx.field(static=True, default=4)
    unit: float = eqx.field(static=True, default=1.0)

    def __call__(
        self, law: Law, kets: Complex[np.ndarray, "K n"], finer: int = 1
    ) -> Float[np.ndarray, "K looks n"]:
        """Probabilities at `looks` + 1 times, flat over a grid.

        Args:
            law: a law without chance.
            kets: normalised or not, (K, *shape); or density operators.
            finer: factor by which the steps are shortened.
        """
        return self.with_alarms(law, kets, finer)[0]

    def with_alarms(
        self, law: Law, kets: Complex[np.ndarray, "K n"], finer: int = 1
    ) -> tuple[Float[np.ndarray, "K looks n"], Bool[np.ndarray, " K"]]:
        """Probabilities, and for which kets the law raised an alarm."""
        steps = jnp.asarray(max(1, -(-self.steps * finer // self.looks)))
        found, alarmed = map(
            np.asarray, _followed(law, jnp.asarray(kets), self.time, steps, self.looks)
        )
        return found.reshape(*found.shape[:2], -1), alarmed

    def refined(self, times: int) -> "Runs":
        """The same runs with steps shorter by this factor."""
        steps = self.steps * times
        return Runs(self.time, steps, self.looks, self.thrift, self.unit)

    @property
    def sparing(self) -> "Runs":
        """The same runs with fewer steps, by which worst cases are searched for."""
        steps = max(4 * self.looks, self.steps // self.thrift)
        return Runs(self.time, steps, self.looks, unit=self.unit)

    def heeding(self, law: Law, kets: np.ndarray) -> "Runs":
        """The same runs; without thrift where the law ends with fewer steps."""
        p, alarmed = self.sparing.with_alarms(law, kets)
        if np.isfinite(p).all() and not alarmed.any():
            return self
        return Runs(self.time, self.steps, self.looks, 1, self.unit)

    def grown(
        self, law: Law, kets: np.ndarray, tangents: np.ndarray, finer: int = 1
    ) -> Float[np.ndarray, "K looks"]:
        """ln of the growth of a small difference of states, at `looks` times.

        For kets, a common phase or scale of the difference does not count.

        Args:
            law: a law without chance.
            kets: (K, *shape).
            tangents: their small differences, (K, *shape).
            finer: factor by which the steps are shortened.
        """
        steps = jnp.asarray(max(1, -(-self.steps * finer // self.looks)))
        ket, apart = jnp.asarray(kets), jnp.asarray(tangents)
        return np.asarray(_grown(law, ket, apart, self.time, steps, self.looks))

    def lacking(self, law: Law, kets: np.ndarray) -> float:
        """The law's own estimate of the error of probabilities by its grid or basis."""
        found = _resolved(law, jnp.asarray(kets))
        if found is None:
            return 0.0
        share, rate = (float(jnp.max(part)) for part in found)
        return share + rate * self.time

    def prepared(self, law: Law, kets: Complex[np.ndarray, "K n"]) -> Any:
        """The states that the law prepares from kets."""
        return jax.vmap(law.prepare)(jnp.asarray(kets))

    def ended(self, law: Law, states: Any, finer: int = 1) -> Any:
        """The states at the end of a run, from initial states."""
        return _ended(law, states, self.time, jnp.asarray(self.steps * finer))


def distance(p: np.ndarray, other: np.ndarray | float) -> np.ndarray:
    """½ Σ|p - p'| over the last axis."""
    return 0.5 * np.abs(p - other).sum(-1)
