"""The table of bounds, and the statements that it allows."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

from ... import _checks
from ..._words import did_you_mean
from .entries import NOT_STATED, Claim, Published, published
from .mappings import MAPPINGS, PRINTED, SILENT, Link
from .words import outward, percent, with_unit

NOT_READ = "not read in print: not used"
CONSERVATIVE = (
    "All of the error is attributed to the constant, which is conservative; it is "
    "assumed that no other error cancels the effect of the constant."
)
APART = "Rows are not combined unless their assumptions are the same."
NEW = "No bound on q, r, N, D or C from experiments was known to us before."
AS_PRINTED = (
    "Limits on constants of rival laws, LAW.CONSTANT, are as printed in their sources, "
    "in the units of the table; jqd derives none of them."
)

# Constants of fits of which published numbers speak in the same units, by class of the
# law: pure numbers. A limit in eV, s^-1 or m is none in the units of a record, and that
# on D is of a ratio.
_FITTED = {("CopyDynamics", "q"): "q", ("CopyDynamics", "r"): "r"}


class Bound(NamedTuple):
    """The bound from one published number on one constant.

    Attributes:
        published: the published number.
        reference: the number with which it is compared, or None.
        claim: mapping, assumptions, confidence.
        link: the mapping.
        estimate: the quantity `link.symbol`, with sign, at the published number; None
            where it gives none, and for a limit.
        sd: standard error of the estimate where it has one: where it is a difference
            from a reference.
        limit: of the quantity, in `link.unit`, at the confidence of the claim, or None.
        takes_part: whether it may be stated: all its numbers were read in print, and
            there is a limit.
    """

    published: Published
    reference: Published | None
    claim: Claim
    link: Link
    estimate: float | None
    sd: float | None
    limit: float | None
    takes_part: bool

    @property
    def read(self) -> bool:
        """Whether all its numbers were read in print."""
        numbers = self.published, self.reference
        return all(one.read_in_text for one in numbers if one is not None)

    @property
    def printed(self) -> bool:
        """Whether it is a limit that is taken as printed."""
        return self.published.sense is not None

    @property
    def sense(self) -> str:
        """The relation to the limit: "<", ">", or where printed so "<=", ">="."""
        return self.published.sense or self.link.sense

    @property
    def told(self) -> str:
        """The bound in a few words: as printed, or rounded to the safe side."""
        if self.limit is None:
            return "no bound"
        limit = f"{self.limit:.10g}"
        if not self.printed:
            limit = outward(self.limit, self.link.sense)
        return f"{self.link.symbol} {self.sense} {with_unit(limit, self.link.unit)}"

    @property
    def level(self) -> str:
        """The confidence, and whether it is one-sided."""
        if self.claim.confidence is None:
            return f"confidence {NOT_STATED}"
        words = [percent(self.claim.confidence)]
        words += ["one-sided"] if self.claim.one_sided else []
        words += ["order of magnitude only"] if self.claim.indicative else []
        return ", ".join(words)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        """The bound in one line."""
        line = f"{self.claim.constant}: {self.told}"
        line += f" ({self.level})" if self.limit is not None else ""
        line += f"; {number_text(self.published)}, {self.published.quantity}"
        line += f" [{self.published.cited}]"
        return line if self.read else f"{line}; it assumes: {self.assumed}; {NOT_READ}"

    @property
    def assumed(self) -> str:
        """The assumptions of the bound, in one line."""
        return "; ".join(self.claim.assumptions)


class Bounds(NamedTuple):
    """Rows of bounds, and the statements that they allow; printed in words.

    Attributes:
        rows: bounds, those that were read in print first.
        statements: one sentence or more for each constant.
    """

    rows: tuple[Bound, ...]
    statements: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes that hold for all rows."""
        kinds = {row.printed for row in self.rows}
        found = (CONSERVATIVE, APART, NEW) if False in kinds else ()
        return (*found, AS_PRINTED) if True in kinds else found

    def stated(self, constant: str) -> tuple[Bound, ...]:
        """The rows that are stated for a constant, one for each set of assumptions."""
        return tuple(max(rows, key=_weakness) for rows in _groups(self.rows, constant))

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines: Sequence[object] = [*self.rows, *self.statements, *self.notes]
        return "\n".join(map(str, lines))


def constants() -> tuple[str, ...]:
    """The constants in the table of bounds, those without a published number included.

    Returns:
        Names; those of rival laws include the law, as in "logarithmic.b".
    """
    mapped = (link.constant for link in MAPPINGS.values())
    return tuple(dict.fromkeys((*mapped, *PRINTED, *SILENT)))


def bounds(constant: str | None = None) -> Bounds:
    """The bounds of published experiments on the constants of the laws.

    Each bound attributes the whole error of its number to the constant; limits on
    constants of rival laws are as printed. Numbers that were not read in print are in
    the table, but in no statement. Where several rest on the same assumptions, the
    weakest is stated.

    Args:
        constant: one of `jqd.inference.bounds.constants()`, as "q" or "csl.lam"; the
            last part is enough where only one law has it. All of them by default.

    Returns:
        The rows and the statements that they allow; `print` shows both.

    Raises:
        ValueError: none of these constants, or a last part that several laws have.
    """
    _checks.check_type(constant, "constant", str | None, "the name of a constant")
    return table_of(published(), None if constant is None else full_name(constant))


def beside_fit(law: str, constant: str) -> tuple[Bound, ...]:
    """The published bounds that are stated for a constant of a fit.

    Args:
        law: name of the law, see `Study.law_name`; its innermost one counts.
        constant: name of the constant.

    Returns:
        One for each set of assumptions; none where nothing published speaks of the same
        constant in the same units.
    """
    name = _FITTED.get((law.rpartition(" of ")[2], constant))
    return () if name is None else table_of(published(), name).stated(name)


def full_name(constant: str) -> str:
    """The one of `constants()` that has this name, or this last part."""
    if constant in constants():
        return constant
    ending = [name for name in constants() if name.rpartition(".")[2] == constant]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise ValueError(
            f"Argument `constant` must say which law it means, but {constant!r} is a "
            f"constant of several: {', '.join(ending)}."
        )
    raise ValueError(
        f"Argument `constant` must be one of {', '.join(constants())}, but is "
        f"{constant!r}{did_you_mean(constant, constants())}"
    )


def table_of(entries: Mapping[str, Published], constant: str | None = None) -> Bounds:
    """The table of bounds from these entries, by name."""
    wanted = constants() if constant is None else (constant,)
    rows = [
        _bound(entry, claim, entries)
        for name in wanted
        for entry in entries.values()
        for claim in entry.claims
        if claim.constant == name
    ]
    rows = tuple(sorted(rows, key=lambda row: not row.read))
    said = [sentence for name in wanted for sentence in _statements(rows, name)]
    return Bounds(rows, tuple(said))


def _bound(entry: Published, claim: Claim, entries: Mapping[str, Published]) -> Bound:
    if claim.mapping is None or claim.confidence is None:
        link, read = PRINTED[claim.constant], entry.read_in_text
        return Bound(entry, None, claim, link, None, None, entry.number, read)
    link = MAPPINGS[claim.mapping]
    other = None if claim.reference is None else entries[claim.reference]
    at = math.nan if other is None else other.number
    error = _error(entry, other)
    limit = sd = None
    if error is not None:
        far = _quantile(claim.confidence, claim.one_sided) * error
        # an error rate bounds by how large it may be, a difference by both of its ends
        near = far if claim.one_sided else -far
        limit = _limit(link, at, entry.number + near, entry.number + far)
        ends = _values(link, at, entry.number - error, entry.number + error)
        if other is not None and ends is not None:
            sd = abs(ends[1] - ends[0]) / 2
    estimate = link.value(entry.number, at)
    bound = Bound(entry, other, claim, link, estimate, sd, limit, False)
    return bound._replace(takes_part=bound.read and limit is not None)


def _error(entry: Published, other: Published | None) -> float | None:
    """Standard error of the difference from the reference, or of the number alone."""
    numbers = [entry] if other is None else [entry, other]
    errors = [one.sd for one in numbers if one.sd is not None]
    return math.hypot(*errors) if len(errors) == len(numbers) else None


def _quantile(confidence: float, one_sided: bool) -> float:
    """Standard errors between a number and the worst one that the confidence leaves."""
    return NormalDist().inv_cdf(confidence if one_sided else (1 + confidence) / 2)


def _limit(link: Link, at: float, *ends: float) -> float | None:
    """The quantity at the worst of these numbers."""
    values = _values(link, at, *ends)
    if values is None:
        return None
    return max(map(abs, values)) if link.sense == "<" else min(values)


def _values(link: Link, at: float, *numbers: float) -> list[float] | None:
    """The quantity at several numbers; None if one of them says nothing."""
    found = [link.value(number, at) for number in numbers]
    known = [value for value in found if value is not None]
    return known if len(known) == len(found) else None


def _weakness(row: Bound) -> float:
    """Of rows that take part, larger for a weaker limit."""
    limit = math.inf if row.limit is None else row.limit
    return limit if row.link.sense == "<" else -limit


def _groups(rows: Sequence[Bound], constant: str) -> Iterator[list[Bound]]:
    """Rows that take part, together where they assume the same."""
    some = [r for r in rows if r.claim.constant == constant and r.takes_part]
    some.sort(key=_basis)
    for _, group in itertools.groupby(some, _basis):
        yield list(group)


def _basis(row: Bound) -> tuple[str, str, tuple[str, ...]]:
    # limits as printed hold together: each stands for itself
    basis = row.claim.mapping or row.published.name
    return basis, row.claim.reference or "", row.claim.assumptions


def _statements(rows: Sequence[Bound], constant: str) -> Iterator[str]:
    """What the rows allow to say of one constant."""
    groups = list(_groups(rows, constant))
    for group in groups:
        weakest = max(group, key=_weakness)
        sentence = f"{constant}: {weakest.told} ({weakest.level})"
        if len(group) > 1:
            each = " and ".join(f"{r.told} from {r.published.quantity}" for r in group)
            sentence += f", the weakest of {each}: {_disagreement(group)}"
        yield f"{sentence}. It assumes: {weakest.assumed}."
    if not groups:
        yield f"{constant}: no bound: {'; '.join(_why_not(rows, constant))}."


def _why_not(rows: Sequence[Bound], constant: str) -> list[str]:
    mine = [row for row in rows if row.claim.constant == constant]
    reasons = [
        NOT_READ if row.printed or row.estimate is not None else row.link.reason
        for row in mine
    ]
    silent = SILENT.get(constant, "no published number speaks of it")
    return list(dict.fromkeys(reasons)) or [silent]


def _disagreement(group: Sequence[Bound]) -> str:
    """How far apart rows of the same assumptions are; their reference drops out."""
    apart = max(
        abs(a.published.number - b.published.number)
        / math.hypot(a.published.sd or 0, b.published.sd or 0)
        for a, b in itertools.combinations(group, 2)
    )
    return f"they are {apart:.2g} standard deviations apart and are not combined"


def number_text(entry: Published) -> str:
    """A published number with its error, in its unit."""
    printed = entry.sense is not None
    if entry.sd is None:
        return (
            "as printed" if printed else with_unit(f"{entry.number:.10g}", entry.unit)
        )
    told = with_unit(f"{entry.number:.12g} +- {entry.sd:.2g}", entry.unit)
    return f"{told} as printed" if printed else told
