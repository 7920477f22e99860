"""The part of README.md that is made from the stored results."""

import inspect
import math
from pathlib import Path
from typing import NamedTuple

from . import NAMES, ON_REQUEST, WHERE, function_of, module_of
from .store import RESULTS, Result, Row, newest
from .tables import cases, cells, goals, markdown, over, reference
from .timing import unit_seconds

README = Path(__file__).parent / "README.md"
BEGIN = "<!-- {}: written by `python -m benchmarks --table` -->"
END = "<!-- end of {} -->"
UNKNOWN = "no reason known"
SCATTER = "within the scatter of the rounds"
# Errors are alike if the peer's is at most so many times jqd's, or below this.
ALIKE, SMALL = 10.0, 1e-9
# A peer so little ahead, in times that overlap from round to round, is level.
LEVEL = 0.95


class Source(NamedTuple):
    """What a benchmark's file says about its table.

    Attributes:
        behind: reasons why a peer is ahead, by "case: program" or by program.
        shown: columns of its own.
        figures: file beside the results and what it shows.
    """

    behind: dict[str, str]
    shown: tuple[str, ...]
    figures: dict[str, str]


class Behind(NamedTuple):
    """A peer that was faster at like error.

    Attributes:
        ratio: its time over jqd's.
        over_floor: its time over jqd's floor, where it is below even that.
    """

    name: str
    case: str
    program: str
    ratio: float
    reason: str
    over_floor: float | None = None


def source(name: str) -> Source:
    """`BEHIND`, `SHOWN` and `FIGURES` of a benchmark's file; empty where not there."""
    module = module_of(name)
    return Source(
        getattr(module, "BEHIND", {}),
        getattr(module, "SHOWN", ()),
        getattr(module, "FIGURES", {}),
    )


# -- comparison -----------------------------------------------------------------


def behind(name: str, report: Row, reasons: dict[str, str]) -> list[Behind]:
    """Peers that are faster than jqd at like error, each with its reason."""
    found = []
    for case, rows in cases(report["rows"]):
        ours = reference(rows)
        peers = [row for row in rows if row["role"] == "peer"]
        for row in peers if ours else []:
            times = over(row, ours)
            for other in _spread(rows):
                times = max(times, unit_seconds(row) / unit_seconds(other))
            if times >= 1 or not _alike(row, ours):
                continue
            program = row["program"]
            reason = reasons.get(f"{case}: {program}", reasons.get(program))
            if reason is None:
                reason = SCATTER if _level(row, ours, times) else UNKNOWN
            share = row.get("share_of_floor", 0.0)
            below = 1 / share if share > 1 else None
            found.append(Behind(name, case, program, times, reason, below))
    return found


def behind_bare(name: str, report: Row) -> list[tuple[str, str, float]]:
    """(benchmark, case, ratio) where the same formula in plain JAX is faster."""
    found = []
    for case, rows in cases(report["rows"]):
        ours = reference(rows)
        bare = [row for row in rows if row["role"] == "bare"]
        ratios = [over(row, ours) for row in bare] if ours else []
        found += [(name, case, ratio) for ratio in ratios if ratio < LEVEL]
    return found


def _spread(rows: list[Row]) -> list[Row]:
    """Rows of jqd on all cores, with which peers that use them are compared too."""
    return [row for row in rows if row["role"] == "jqd" and row.get("spread")]


def _alike(row: Row, ours: Row) -> bool:
    theirs, own = row.get("error"), ours.get("error")
    if theirs is None or own is None:
        return True
    return not math.isnan(theirs) and theirs <= max(ALIKE * own, SMALL)


def _level(row: Row, ours: Row, times: float) -> bool:
    least = ours.get("min_s", ours["median_s"]) / ours.get("work", 1)
    return times >= LEVEL and least <= unit_seconds(row)


# -- text -----------------------------------------------------------------------


def write(readme: Path = README, folder: Path = RESULTS) -> None:
    """Put the results between their markers; what stands outside them stays.

    Raises:
        ValueError: if the file has not both markers of each part.
    """
    readme.write_text(merged(readme.read_text(), names() | parts(folder)))


def names() -> dict[str, str]:
    """What each benchmark measures, as Markdown: the first words in its file."""
    rows = []
    for name in (*NAMES, *ON_REQUEST):
        told = function_of(name) if name in WHERE else module_of(name)
        first = inspect.getdoc(told) or ""
        text = " ".join(first.partition("\n\n")[0].split())
        rows.append([name, f"by name: {text}" if name in ON_REQUEST else text])
    return {"names": markdown(["name", "what it measures"], rows)}


def merged(old: str, found: dict[str, str]) -> str:
    """`old` with each part between its markers."""
    for part, text in found.items():
        begin, end = BEGIN.format(part), END.format(part)
        head, one, rest = old.partition(begin)
        _, two, tail = rest.partition(end)
        if not one or not two:
            raise ValueError(f"Argument `old` must have the lines {begin} and {end}.")
        old = f"{head}{begin}\n\n{text}\n\n{end}{tail}"
    return old


def parts(folder: Path = RESULTS) -> dict[str, str]:
    """What is behind a peer, and all results, as Markdown."""
    results = newest(folder)
    sources = {name: source(name) for one in results.values() for name in one}
    top, below = [], []
    for device, found in results.items():
        flat = [
            entry
            for name, result in found.items()
            for entry in behind(name, result.report, sources[name].behind)
        ]
        bare = [
            entry
            for name, result in found.items()
            for entry in behind_bare(name, result.report)
        ]
        several = f", {device}" if len(results) > 1 else ""
        rows = [row for result in found.values() for row in result.report["rows"]]
        timed = {row.get("role") for row in rows if "median_s" in row}
        texts = {"peer": _behind_text(flat), "bare": _bare_text(bare)}
        told = [text for role, text in texts.items() if role in timed]
        # where nobody stands beside jqd nothing is said of who is faster
        top += [f"## Behind a peer{several}", *told] if told else []
        below += [_device(device, found), _goals(found)]
        below += [
            _section(name, result, sources[name], several, folder)
            for name, result in found.items()
        ]
    return {"behind": "\n\n".join(top), "results": "\n\n".join(below)}


def _device(device: str, found: dict[str, Result]) -> str:
    days = {result.record["date"]: result.record for result in found.values()}
    lines = [f"## Results: {device}"]
    for day, record in sorted(days.items()):
        versions = ", ".join(
            f"{name} {number}"
            for name, number in record["versions"].items()
            if number != "not installed"
        )
        kind = record.get("memory", "not measured")
        lines.append(
            f"{day}: {record['platform'].upper()}, {record['cores']} cores, Python "
            f"{record['python']}, {versions}. Memory: {kind}."
        )
    return "\n\n".join(lines)


def _behind_text(entries: list[Behind]) -> str:
    if not entries:
        return "No peer of like error is faster than jqd in any row."
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for one in entries:
        key = one.name, one.program, one.reason
        where = f"{one.case}: {one.ratio:.2f}" if one.case else f"{one.ratio:.2f}"
        if one.over_floor is not None:
            where += f" ({one.over_floor:.2f} of XLA's floor)"
        grouped.setdefault(key, []).append(where)
    header = ["benchmark", "peer", "where: its time over jqd's", "reason"]
    lines = [
        [name, program, "; ".join(where), reason]
        for (name, program, reason), where in grouped.items()
    ]
    return markdown(header, lines)


def _bare_text(entries: list[tuple[str, str, float]]) -> str:
    share = f"{100 * (1 - LEVEL):.0f} %"
    head = f"Behind the same formula in plain JAX by more than {share}"
    if not entries:
        return f"{head}: nowhere."
    where = [
        f"{', '.join(filter(None, (name, case)))} {ratio:.2f}"
        for name, case, ratio in entries
    ]
    return f"{head} (its time over jqd's): {'; '.join(where)}."


def _goals(found: dict[str, Result]) -> str:
    header = ["benchmark", "goal", "target", "measured", ""]
    rows = [
        [name, *goal, met if met != "not met" else "**not met**"]
        for name, result in found.items()
        for *goal, met in goals(result.report)
    ]
    return f"### Goals\n\n{markdown(header, rows)}"


def _section(
    name: str, result: Result, origin: Source, device: str, folder: Path
) -> str:
    report, record = result.report, result.record
    loads = [report.get("load_before"), report.get("load_after")]
    lines = [f"### {name}{device}", "", f"{report['title']}.", ""]
    lines += [f"{record['date']}, load {loads[0]} before and {loads[1]} after.", ""]
    lines.append(markdown(*cells(report["rows"], origin.shown)))
    lines += [f"\n{note}" for note in report["notes"]]
    for file, caption in origin.figures.items():
        if (folder / file).is_file() and record["platform"] == "cpu":
            lines.append(f"\n![{caption}](results/{file})")
    return "\n".join(lines)
