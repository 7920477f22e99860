"""Limits on how far constants are from their values in quantum mechanics."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .bounds.words import percent
from .goodness import factor_words
from .profile import Interval, NoEndError, interval_of
from .search import Report

LEVEL = 0.95


class Limit(NamedTuple):
    """A limit on the distance of a constant from its value in quantum mechanics.

    Attributes:
        constant: its name.
        bound: of its distance from a reference, in words.
        limit: the number in it.
        low, high: ends of the two-sided interval of the constant.
        level: confidence, of what kind the error is, and the method where it is not
            that of normal errors.
        more: what was fitted beside it, or held; empty for nothing.
        published: published bounds on the same constant in the same units, in words.
    """

    constant: str
    bound: str
    limit: float
    low: float
    high: float
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


def limit_of(recovery: Any, name: str, level: float = LEVEL) -> Limit:
    """The limit on one constant of a fit, see `Recovery.limit`.

    Args:
        recovery: what `jqd.recover` returned.
        name: label of the constant.
        level: confidence.

    Raises:
        ValueError: no such constant, a level out of (0, 1), or no limit: the error does
            not hold, or there is nothing in quantum mechanics to compare with.
    """
    _checks.check_choice(name, "name", list(recovery.constants))
    _checks.check_scalar(level, "level")
    # of a level next to 0 or 1 the quantile would be 0 or infinite
    if not 0.5 < (1 + level) / 2 < 1:
        raise ValueError(
            f"Argument `level` must be between 0 and 1, but is {level:g}; 0.95 is 95 %."
        )
    why = _why_not(recovery, name)
    if why is None:
        try:
            return _limit(recovery, name, level)
        except NoEndError as error:
            why = str(error)
    raise ValueError(
        f"Argument `name` must be a constant with a limit, but {name!r} has none: "
        f"{why}."
    )


def limits_of(
    recovery: Any, level: float = LEVEL, report: Report | None = None
) -> tuple[list[Limit], list[str]]:
    """How far each free constant may be from quantum mechanics.

    There is none of a constant without an error that holds, or whose error is of steps
    and rounding rather than of scatter; none of nuisances, and none where nothing is
    left to determine a scatter that is fitted.

    Args:
        recovery: what `jqd.recover` returned.
        level: confidence.
        report: called as report("limits", done, total) where ends of intervals are
            found by fits.

    Returns:
        The limits; and a sentence for each constant whose interval has no end.
    """
    found, without = [], []
    names = [name for name in recovery.constants if _why_not(recovery, name) is None]
    for i, name in enumerate(names):

        def ends(count: int, i: int = i) -> None:
            if report is not None:
                report("limits", 2 * i + count, 2 * len(names))

        try:
            found.append(_limit(recovery, name, level, ends))
        except NoEndError as error:
            without.append(f"There is no limit on {name}: {error}.")
    return found, without


def two_sided(freedom: float = math.inf, level: float = LEVEL) -> float:
    """Half of a two-sided interval in standard errors: Student's where the fit
    estimates the scatter with so many degrees of freedom."""
    share = (1 + level) / 2
    if math.isinf(freedom):
        return NormalDist().inv_cdf(share)
    from scipy.special import stdtrit  # takes a while to load

    return float(stdtrit(freedom, share))


def bound_of(
    name: str,
    value: float,
    stderr: float,
    reference: float,
    freedom: float = math.inf,
    level: float = LEVEL,
) -> Limit:
    """The farther end of the interval of normal errors, as a distance from a reference.

    Args:
        name: of the constant.
        value, stderr: of the fit.
        reference: the value in quantum mechanics.
        freedom: degrees of freedom that determine the scatter; infinite where it is
            known.
        level: confidence.
    """
    half = two_sided(freedom, level) * stderr
    ends = Interval(value - half, value + half, profiled=False)
    return _bound(name, abs(value - reference) + half, ends, reference, level)


def _limit(
    recovery: Any,
    name: str,
    level: float,
    report: Callable[[int], None] | None = None,
) -> Limit:
    """The limit on a constant that was measured; `report` as for `interval_of`."""
    from .bounds.table import beside_fit  # reads the published numbers

    study, one = recovery.study, recovery.constants[name]
    reference, freedom = _references(study)[name], _freedom(recovery)
    assert reference is not None  # `_why_not` has said so else
    ends = interval_of(recovery, name, two_sided(freedom, level), freedom, report)
    if ends.profiled or any(ends.walled):
        most = max(ends.high - reference, reference - ends.low)
        found = _bound(name, most, ends, reference, level)
    else:
        error = float(one.stderr)
        found = bound_of(name, float(one.value), error, reference, freedom, level)
    beside = ", ".join(study.nuisances)
    more = [f"fitted beside it: {beside}"] if beside else []
    if one.at_bound:
        more.append(f"the fit is at the {_END[one.at_bound]} bound of {name}")
    side = 1 if ends.high - reference >= reference - ends.low else -1
    if ends.walled[side > 0]:
        wall = f"the {_END[side]} bound of {name}"
        more.append(f"this limit is {wall}, which the data do not exclude")
    if not ends.profiled:
        # else they follow, off their bounds as well
        held = ", ".join(c.name for c in recovery.constants.values() if c.at_bound)
        more += [f"held at a bound: {held}"] if held else []
    more += _scatter(recovery)
    published = tuple(
        f"{bound.told} ({bound.level}; {bound.published.cited})"
        for bound in beside_fit(recovery.law_name, name)
    )
    return found._replace(more="; ".join(more), published=published)


_END = {-1: "lower", 1: "upper"}


def _bound(
    name: str, most: float, ends: Interval, reference: float, level: float
) -> Limit:
    """The limit in words, of so large a distance from the reference."""
    # rounded up: a bound claims no more than was found
    unit = 10.0 ** (math.floor(math.log10(most)) - 2)
    limit = f"{math.ceil(most / unit) * unit:.3g}"
    sign, apart = "-" if reference >= 0 else "+", name
    if reference:
        # to a thousandth of the bound: of one that is rounded less may not be true
        digits = max(6, math.ceil(math.log10(abs(reference) / most)) + 3)
        apart = f"{name} {sign} {abs(reference):.{min(digits, 17)}g}"
    words = f"{percent(level)}, statistical"
    words += ", by profile likelihood" * ends.profiled
    bound = f"abs({apart}) < {limit}"
    return Limit(name, bound, float(limit), ends.low, ends.high, words)


def _references(study: Any) -> dict[str, float | None]:
    """The value in quantum mechanics of each constant, by label."""
    return dict(zip(study.labels(), study.references(), strict=True))


def _why_not(recovery: Any, name: str) -> str | None:
    """Why a constant was not measured for a limit, or None."""
    one = recovery.constants[name]
    if one.pull is not None:
        return "it is a nuisance"
    if not one.holds:
        return f"its standard error does not hold; the fit says {recovery.status!r}"
    if _references(recovery.study)[name] is None:
        return "quantum mechanics gives it no fixed value"
    # steps and rounding move a constant at its bound nowhere: the others speak for it
    free = [x for x in recovery.constants.values() if x.pull is None and not x.at_bound]
    for x in [one] if not one.at_bound else [one, *free]:
        scatter = x.stderr if x.scatter is None else x.scatter
        if not (scatter > 0 and x.stderr <= 1.5 * scatter):
            whose = "its error" if x is one else f"the error of {x.name}"
            return f"{whose} is of time steps and rounding, not of the data's scatter"
    if _freedom(recovery) <= 0:
        return "the data have too few values to determine how they scatter"
    return None


def _scatter(recovery: Any) -> list[str]:
    """That the errors include a scatter that is fitted, where it is."""
    study = recovery.study
    if not study.scattered:
        return []
    factors = [
        np.asarray(one.noise_at(own).factor(one.data.values))
        for one, own in study.singles(recovery.theta)
        if one.scattered
    ]
    times = f"{factor_words(np.concatenate(factors))} times that of independent shots"
    return [f"errors include a fitted variance, {times}"]


def _freedom(recovery: Any) -> float:
    """Degrees of freedom that determine the size of the scatter; infinite where it is
    known. Of several studies those of the one with the fewest.

    A fitted scatter is found from what constants leave that nothing but the data
    determine, and takes nothing itself: it is the residuals' mean square.
    """
    study, least = recovery.study, math.inf
    if study.data.noise.known and not study.scattered:
        return least
    sides = np.array([one.at_bound for one in recovery.constants.values()])
    theta = recovery.theta if study.scattered else sides
    parts = zip(study.singles(sides), study.singles(theta), strict=True)
    for (one, own), (_, at) in parts:
        data = one.data
        if data.noise.known and not one.scattered:
            continue
        inside = own == 0
        free = np.sum(inside & one.absorbing if one.scattered else inside)
        # small clusters often lack a class that the law expects in them
        shares = one.predict(at) if one.scattered else data.shares
        values = _independent(data.noise, data.values, shares)
        least = min(least, float(values) - float(free))
    return least


@jax.jit
def _independent(noise: Any, values: Any, shares: Any) -> Any:
    """Number of independent values of a record."""
    return noise.independent(
        values, noise.first_weights(shares), jnp.ones(values.shape[0])
    )
