"""Palindromic splitting methods: Strang, Yoshida, Suzuki, Kahan-Li, Blanes-Moan, Chin.

One step begins with an outer flow of b_0 dt, then alternates inner flows of a_j dt and
outer flows of b_j dt. All lists are palindromic, so a step of -dt undoes a step of dt.
"""

import itertools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PyTree

from .flows import REACHES, Flows, Splittable, flows_of


class Splitting(eqx.Module):
    """A palindromic two-part splitting method.

    Attributes:
        name: the method's name.
        order: order of the global error.
        a: inner coefficients, s of them.
        b: outer coefficients, s + 1 of them.
        c: coefficients of dt^3 w' in each outer flow (gradient-corrected methods),
            or None.
        kind: what the method assumes of a law, of `steppers.flows.REACHES`.
    """

    name: str = eqx.field(static=True)
    order: int = eqx.field(static=True)
    a: tuple[float, ...] = eqx.field(static=True)
    b: tuple[float, ...] = eqx.field(static=True)
    c: tuple[float, ...] | None = eqx.field(static=True, default=None)
    kind: str = eqx.field(static=True, default="nystroem")

    def __check_init__(self) -> None:
        if len(self.b) != len(self.a) + 1:
            raise ValueError(
                "Argument `b` must have one entry more than `a`, but has "
                f"{len(self.b)} for {len(self.a)}."
            )
        for name, values in (("a", self.a), ("b", self.b)):
            mirrored = all(
                abs(x - y) < 1e-14 for x, y in zip(values, values[::-1], strict=True)
            )
            if not mirrored or abs(sum(values) - 1) > 1e-12:
                raise ValueError(
                    f"Argument `{name}` must be palindromic with sum 1, but is "
                    f"{values}."
                )

    def __call__(
        self,
        law: Splittable,
        t: ArrayLike,
        state: PyTree[Array],
        dt: ArrayLike,
        made: list[PyTree[Array]] | None = None,
    ) -> PyTree[Array]:
        """The state at t + dt, for a law whose `exact()` has flows.

        Args:
            law: the law.
            t: time, scalar.
            state: of the law.
            dt: step, scalar, of either sign.
            made: what `made` gives for this step, or None.
        """
        flows, stages = self.flows(law), self.stages(merged=False)
        made = self.factors(flows, t, dt, stages) if made is None else made
        return _applied(flows, stages, made, state)

    def made(self, law: Splittable, dt: ArrayLike) -> list[PyTree[Array]] | None:
        """The factors of a step of dt, or None where they change in time."""
        flows = self.flows(law)
        if not (flows.outer.autonomous and flows.inner.autonomous):
            return None
        return self.factors(flows, 0.0, dt, self.stages(merged=False))

    def stages(self, *, merged: bool = True) -> list[tuple[str, float, float, float]]:
        """(part, coefficient, correction, offset in units of dt) of one step.

        Parts that take no time are left out.

        Args:
            merged: whether the last outer flow is merged with the first one of the next
                step, and the step begins behind its own first one.
        """
        c = self.c or (0.0,) * len(self.b)
        kicks: list[Any] = [*zip(self.b, c, strict=True)]
        result, offset = [], 0.0
        if merged:
            kicks[-1] = tuple(map(sum, zip(kicks[-1], kicks[0], strict=True)))
        else:
            result.append(("outer", *kicks[0], offset))
        for a, kick in zip(self.a, kicks[1:], strict=True):
            result.append(("inner", a, 0.0, offset))
            offset += a
            result.append(("outer", *kick, offset))
        # methods that begin with the inner part have no outer flow there
        return [stage for stage in result if stage[1] != 0 or stage[2] != 0]

    def entry(self) -> tuple[float, float]:
        """(coefficient, correction) of the outer flow that opens a step."""
        return self.b[0], (self.c or (0.0,))[0]

    def outer_factor(
        self, flows: Flows, t: ArrayLike, dt: ArrayLike, b: float, c: float
    ) -> PyTree[Array]:
        """The factor of an outer flow of b dt with correction c dt^3."""
        correction = c * dt**3 if self.c is not None else None
        return flows.outer.factor(t, b * dt, correction)

    def factors(
        self,
        flows: Flows,
        t: ArrayLike,
        dt: ArrayLike,
        stages: list[tuple[str, float, float, float]] | None = None,
    ) -> list[PyTree[Array]]:
        """The factors of the stages, the merged ones by default, of a step from t."""
        stages = self.stages() if stages is None else stages
        known: dict[tuple[str, float, float, float], PyTree[Array]] = {}
        result = []
        for part, coefficient, correction, offset in stages:
            frozen = getattr(flows, part).autonomous
            key = (part, coefficient, correction, 0.0 if frozen else offset)
            if key not in known:
                time = t + offset * dt
                known[key] = (
                    self.outer_factor(flows, time, dt, coefficient, correction)
                    if part == "outer"
                    else flows.inner.factor(time, coefficient * dt)
                )
            result.append(known[key])
        return result

    def sweep(
        self,
        law: Splittable,
        t: ArrayLike,
        state: PyTree[Array],
        dt: ArrayLike,
        steps: int | Array,
        most: int | None = None,
        loop: Callable[..., Any] | None = None,
    ) -> PyTree[Array]:
        """The state after `steps` steps of dt from t; adjoining outer flows are merged.

        Args:
            law: law with exact flows.
            t: start time.
            state: state at t.
            dt: step.
            steps: number of steps, static or traced.
            most: upper bound of a traced number of steps; None if only forward mode is
                needed.
            loop: (body, state) -> the state after all steps, with a body as that of a
                scan; None for a scan that keeps every state for reverse mode.

        Returns:
            The state at t + steps dt.

        Raises:
            ValueError: see `flows`.
        """
        flows = self.flows(law)
        b, c = self.entry()
        state = flows.outer.apply(self.outer_factor(flows, t, dt, b, c), state)
        body = self.merged_step(flows, t, dt)
        most = steps if isinstance(steps, int) else most
        step = lambda psi, i: (body(i, psi), None)  # noqa: E731
        if loop is not None:
            state = loop(step, state)
        elif most is not None:
            state, _ = jax.lax.scan(as_many(step, steps), state, jnp.arange(most))
        else:
            state = jax.lax.fori_loop(0, steps, body, state)
        end = t + steps * dt
        return flows.outer.apply(self.outer_factor(flows, end, dt, -b, -c), state)

    def flows(self, law: Splittable) -> Flows:
        """The flows of a law that this method can follow.

        Raises:
            ValueError: the law has no flows; a part of it decays, and this method would
                step it back; or the method would lose its order.
        """
        flows = flows_of(law)
        if REACHES.index(self.kind) < REACHES.index(flows.reach):
            good = {"two-part": "s6, kahan_li6", "composition": "kahan_li6, kahan_li8"}
            raise ValueError(
                f"Argument `stepper` must keep its order, but `{self.name}` would not: "
                f"{flows.reason}; use {good[flows.reach]} or strang."
            )
        self._refuse_growth(flows)
        return flows

    def _refuse_growth(self, flows: Flows) -> None:
        """Raise where a coefficient below zero would make a decaying part grow."""
        for flow, coefficients in zip(
            (flows.outer, flows.inner), (self.b, self.a), strict=True
        ):
            if flow.decays and min(coefficients) < 0:
                raise ValueError(
                    "Argument `stepper` must not have negative coefficients of the "
                    f"potential for a law with an absorber, but `{self.name}` has: it "
                    "would make the wave grow there; use `strang` or `chin4a`."
                )

    def merged_step(self, flows: Flows, t: ArrayLike, dt: ArrayLike):
        """(i, state) -> state: the i-th merged step from t."""
        autonomous = flows.outer.autonomous and flows.inner.autonomous
        fixed = self.factors(flows, t, dt) if autonomous else None
        stages = self.stages()

        def body(i: Array, state: PyTree[Array]) -> PyTree[Array]:
            factors = fixed
            if factors is None:
                factors = self.factors(flows, t + i * dt, dt)
            return _applied(flows, stages, factors, state)

        return body


def _applied(
    flows: Flows,
    stages: list[tuple[str, float, float, float]],
    factors: list[PyTree[Array]],
    state: PyTree[Array],
) -> PyTree[Array]:
    """The state after these stages."""
    for (part, *_), factor in zip(stages, factors, strict=True):
        state = getattr(flows, part).apply(factor, state)
    return state


def as_many(body: Callable[..., Any], steps: int | Array) -> Callable[..., Any]:
    """The body of a scan, which is skipped from the `steps`-th turn on.

    Args:
        body: (carry, i) -> (carry, None).
        steps: a traced number; for a static number the scan itself has as many turns.
    """
    if isinstance(steps, int):
        return body

    def some(carry: Any, i: Array) -> tuple[Any, None]:
        go_on = lambda carry: body(carry, i)[0]  # noqa: E731
        return jax.lax.cond(i < steps, go_on, lambda carry: carry, carry), None

    return some


def _compose(name: str, order: int, weights: tuple[float, ...]) -> Splitting:
    """A symmetric composition of Strang steps with these weights."""
    padded = (0.0, *weights, 0.0)
    b = tuple((left + right) / 2 for left, right in itertools.pairwise(padded))
    return Splitting(name, order, weights, b, kind="composition")


def _mirror(
    half: tuple[float, ...], *, middle: bool, total: float = 1.0
) -> tuple[float, ...]:
    """A palindrome from its first half, completed so that it sums to `total`.

    middle: the missing entry stands alone in the middle; otherwise it is doubled.
    """
    rest = total - 2 * sum(half)
    if middle:
        return (*half, rest, *half[::-1])
    return (*half, rest / 2, rest / 2, *half[::-1])


_y = 1 / (2 - 2 ** (1 / 3))
_s = 1 / (4 - 4 ** (1 / 3))
_KAHAN_LI_6 = (
    0.39216144400731413928,
    0.33259913678935943860,
    -0.70624617255763935981,
    0.082213596293550800230,
)
_KAHAN_LI_8 = (
    0.13020248308889008087881763,
    0.56116298177510838456196441,
    -0.38947496264484728640807860,
    0.15884190655515560089621075,
    -0.39590389413323757733623154,
    0.18453964097831570709183254,
    0.25837438768632204729397911,
    0.29501172360931029887096624,
)

strang = Splitting("strang", 2, (1.0,), (0.5, 0.5), kind="composition")
"""Strang (1968): order 2."""

yoshida4 = _compose("yoshida4", 4, (_y, 1 - 2 * _y, _y))
"""Yoshida (1990) Phys. Lett. A 150, 262: order 4, 3 Strang steps."""

suzuki4 = _compose("suzuki4", 4, (_s, _s, 1 - 4 * _s, _s, _s))
"""Suzuki (1990) Phys. Lett. A 146, 319: order 4, 5 Strang steps."""

kahan_li6 = _compose("kahan_li6", 6, _mirror(_KAHAN_LI_6, middle=True))
"""Kahan & Li (1997) Math. Comp. 66, 1089: order 6, 9 Strang steps."""

kahan_li8 = _compose("kahan_li8", 8, _mirror(_KAHAN_LI_8, middle=True))
"""Kahan & Li (1997) Math. Comp. 66, 1089: order 8, 17 Strang steps."""

chin4a = Splitting(
    "chin4a",
    4,
    (0.5, 0.5),
    (1 / 6, 2 / 3, 1 / 6),
    # (2/3)(V - dt^2 |grad V|^2 / (48 m)); w' = |grad V|^2 / (m hbar)
    (0.0, 1 / 72, 0.0),
)
"""Chin & Chen (2001) J. Chem. Phys. 114, 7338, algorithm 4A: order 4, positive steps,
one |grad V|^2; for laws whose outer part is a potential."""

srkn6 = Splitting(
    "srkn6",
    4,
    _mirror((0.245298957184271, 0.604872665711080), middle=False),
    _mirror((0.0829844064174052, 0.396309801498368, -0.0390563049223486), middle=True),
)
"""Blanes & Moan (2002) J. Comput. Appl. Math. 142, 313: Nystroem type, order 4, 6
stages; the outer part must depend on position alone."""

srkn11 = Splitting(
    "srkn11",
    6,
    _mirror(
        (
            0.123229775946271,
            0.290553797799558,
            -0.127049212625417,
            -0.246331761062075,
            0.357208872795928,
        ),
        middle=True,
    ),
    _mirror(
        (
            0.0414649985182624,
            0.198128671918067,
            -0.0400061921041533,
            0.0752539843015807,
            -0.0115113874206879,
        ),
        middle=False,
    ),
)
"""Blanes & Moan (2002) J. Comput. Appl. Math. 142, 313: Nystroem type, order 6, 11
stages; the outer part must depend on position alone. Recommended."""

_XI, _LAMBDA, _CHI = 0.1786178958448091, -0.2123418310626054, -0.06626458266981849

pefrl = Splitting(
    "pefrl",
    4,
    (_XI, _CHI, 1 - 2 * (_CHI + _XI), _CHI, _XI),
    (0.0, *_mirror((0.5 - _LAMBDA,), middle=False), 0.0),
)
"""Omelyan, Mryglod & Folk (2002) Comput. Phys. Commun. 146, 188: order 4, 4 stages,
the inner part first; the outer part must be a force that depends on position alone."""

s6 = Splitting(
    "s6",
    4,
    _mirror((0.209515106613362, -0.143851773179818), middle=False),
    _mirror((0.0792036964311957, 0.353172906049774, -0.0420650803577195), middle=True),
    kind="two-part",
)
"""Blanes & Moan (2002) J. Comput. Appl. Math. 142, 313: order 4, 6 stages, any
splitting."""
