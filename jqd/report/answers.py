"""What a fit says of quantum mechanics: a limit for each free constant."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# Two-sided 95 % of a normal distribution, in standard deviations.
_TWO_SIDED = 1.959964
LEVEL = "95 %, statistical"


class Answer(NamedTuple):
    """A limit on the distance of a constant from its value in quantum mechanics.

    Attributes:
        constant: its name.
        bound: of its distance from a reference, in words.
        limit: the number in it.
        level: confidence, and of what kind the error is.
        more: what was fitted beside it, or held; empty for nothing.
        published: published bounds on the same constant in the same units, in words.
    """

    constant: str
    bound: str
    limit: float
    level: str
    more: str = ""
    published: tuple[str, ...] = ()

    def __str__(self) -> str:
        ends = [one for one in (self.more,) if one]
        ends += [f"published: {one}" for one in self.published]
        return "; ".join([f"{self.bound} ({self.level})", *ends]) + "."

    def own(self) -> dict[str, Any]:
        """The limit without what others have published, as JSON holds it."""
        kept = self._asdict()
        del kept["published"]
        return kept


def read_answer(kept: Any) -> Answer:
    """An answer as summary.json keeps it, without published bounds."""
    kinds = {"constant": str, "bound": str, "limit": float, "level": str, "more": str}
    if not isinstance(kept, Mapping) or not all(
        isinstance(kept.get(name), kind) for name, kind in kinds.items()
    ):
        raise ValueError(f"{kept!r} is no limit")
    return Answer(**{name: kept[name] for name in kinds})


def answers(recovery: Any) -> list[Answer]:
    """How far each free constant may be from quantum mechanics.

    None of a constant without an error that holds, at a bound, or whose error is of
    steps and rounding rather than of scatter; none of nuisances, and none where nothing
    is left to tell a scatter that is fitted. Constants at a bound are named, since the
    errors of the others are for these at their bounds.

    Args:
        recovery: what `jqd.recover` returned.
    """
    from ..inference.bounds.table import beside_fit  # a fit has loaded the rest

    study = recovery.study
    known = dict(zip(study.labels(), study.references(), strict=True))
    measured = {
        name: one
        for name, one in recovery.constants.items()
        if one.pull is None and known[name] is not None and one.sigmas is not None
    }
    freedom = _freedom(recovery) if measured else 0
    if freedom <= 0:
        return []
    beside = ", ".join(study.nuisances)
    held = ", ".join(one.name for one in recovery.constants.values() if one.at_bound)
    more = [f"fitted beside it: {beside}"] if beside else []
    more += [f"held at a bound: {held}"] if held else []
    more += _scatter(recovery)
    return [
        bound_of(
            name, float(one.value), float(one.stderr), known[name], freedom
        )._replace(
            more="; ".join(more),
            published=tuple(
                f"{bound.told} ({bound.level}; {bound.published.cited})"
                for bound in beside_fit(recovery.law_name, name)
            ),
        )
        for name, one in measured.items()
    ]


def _scatter(recovery: Any) -> list[str]:
    """That the errors include a scatter that is fitted, where it is."""
    study = recovery.study
    if not study.scattered:
        return []
    from ..inference.goodness import factor_words

    factors = [
        np.asarray(one.noise_at(own).factor(one.data.values))
        for one, own in study.singles(recovery.theta)
        if one.scattered
    ]
    times = f"{factor_words(np.concatenate(factors))} times that of independent shots"
    return [f"errors include a fitted variance, {times}"]


def _freedom(recovery: Any) -> float:
    """Degrees of freedom that tell the size of the scatter; infinite where it is
    known. Of several studies those of the one with the fewest.

    A fitted scatter is found from what constants leave that nothing but the data
    determine, and takes nothing itself: it is the residuals' mean square.
    """
    study, least = recovery.study, math.inf
    if study.data.noise.known and not study.scattered:
        return least
    sides = np.array([one.at_bound for one in recovery.constants.values()])
    for one, own in study.singles(sides):
        data = one.data
        if data.noise.known and not one.scattered:
            continue
        inside = own == 0
        free = np.sum(inside & one.absorbing if one.scattered else inside)
        values = _independent(data.noise, data.values, data.shares)
        least = min(least, float(values) - float(free))
    return least


@jax.jit
def _independent(noise: Any, values: Any, shares: Any) -> Any:
    """Number of independent values of a record."""
    return noise.independent(
        values, noise.first_weights(shares), jnp.ones(values.shape[0])
    )


def two_sided(freedom: float = math.inf) -> float:
    """Half of a 95 % interval in standard errors: Student's where the fit estimates the
    scatter with so many degrees of freedom."""
    if math.isinf(freedom):
        return _TWO_SIDED
    from scipy.special import stdtrit  # takes a while to load

    return float(stdtrit(freedom, 0.975))


def bound_of(
    name: str, value: float, stderr: float, reference: float, freedom: float = math.inf
) -> Answer:
    """The farther end of the 95 % interval, as a distance from a reference.

    Args:
        freedom: degrees of freedom that tell the scatter; infinite where it is known.
    """
    most = abs(value - reference) + two_sided(freedom) * stderr
    # rounded up: a bound claims no more than was found
    unit = 10.0 ** (math.floor(math.log10(most)) - 2)
    limit = f"{math.ceil(most / unit) * unit:.3g}"
    sign, apart = "-" if reference >= 0 else "+", name
    if reference:
        # to a thousandth of the bound: of one that is rounded less may not be true
        digits = max(6, math.ceil(math.log10(abs(reference) / most)) + 3)
        apart = f"{name} {sign} {abs(reference):.{min(digits, 17)}g}"
    return Answer(name, f"abs({apart}) < {limit}", float(limit), LEVEL)


def kept_answers(said: Sequence[Answer]) -> list[dict[str, Any]]:
    """Answers as summary.json keeps them, each with its sentence."""
    return [one._asdict() | {"said": str(one)} for one in said]
