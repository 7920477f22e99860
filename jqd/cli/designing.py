"""What the commands that design experiments share: options, the design, its files."""

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from .. import report
from .._bars import plain_console
from .._files import whole_files
from ..inference import Design, Study
from ..inference import design as find_design
from ..records import Settings, check_new, save
from ..status import Status
from .design_options import Designing
from .design_words import Need, constants_of, told
from .options import parse_free
from .session import check_parent, conclude, make_parent, write_figures

# A constant closer than this to that of quantum mechanics is it.
ROUNDING = 1e-9


class Planned(NamedTuple):
    """A problem whose settings are to be found.

    Attributes:
        law: what the commands call it.
        name: of the class of the law.
        study: the candidates are its rows; None where the law ended too early.
        ended: how the run of the law at the true constants ended.
        simulate: words after `jqd simulate` that draw its record, but for settings and
            the file.
        least: fewest shots at a time of which a record can be made.
    """

    law: str
    name: str
    study: Study | None
    ended: Status
    simulate: Sequence[Any]
    least: int = 1


def carry_out(designing: Designing, free: str, prepare: Callable[[], Planned]) -> int:
    """Find settings, print them, write them.

    Args:
        free: constants that are to be told, with commas between.

    Returns:
        Exit code: 0; 1 where the law ends before the last candidate, where the gap is
        too wide, or where derivatives disagree.
    """
    names = parse_free(free)
    arguments, steps = designing.arguments(names), designing.steps(names)
    criterion = arguments["criterion"]
    _check_new(designing.out)
    with plain_console(stderr=True).status("Following the law") as shown:
        planned = prepare()
        if planned.study is None:
            return _refuse(designing, planned, criterion, planned.ended.sentence)
        shown.update("Derivatives, and shares of shots")
        found = find_design(planned.study, **arguments)
        if not math.isfinite(found.value):
            return _refuse(designing, planned, criterion, found.describe())
        steps = steps or _from_quantum(planned.study)
        needs = _needs(found, steps, designing.sigmas)
    looks = _looks(found, planned)
    out = designing.out
    files = [] if out is None else [out, *_figures(out), _summary_file(out)]
    follow = None if out is None else _command(out, planned)
    theta = zip(planned.study.labels(), np.asarray(found.theta).tolist(), strict=True)
    null = np.asarray(found.null_vectors).tolist()
    summary = _summary(designing, planned, criterion, {
        "status": "ok" if found.status is Status.OK else found.describe(),
        "value": found.value,
        "gap": found.gap,
        "settings": [dict(zip(_LOOK, one, strict=True)) for one in looks],
        "constants": constants_of(found),
        "null_vectors": [dict(zip(found.labels, row, strict=True)) for row in null],
        "steps": [need._asdict() for need in needs],
        "at": dict(theta),
        "files": [str(path) for path in files],
        "simulate": follow,
    })  # fmt: skip
    if out is not None:
        make_parent(out)
        origin = {"provenance": report.provenance()}
        with whole_files(out, _summary_file(out)) as (plan, kept):
            _write(plan, designing, looks, planned, free)
            report.write_json(summary | origin, kept)
        if not write_figures(lambda: _figure(out, found), out.parent):
            summary["files"] = [str(out), str(_summary_file(out))]
            report.write_json(summary | origin, _summary_file(out))
    printed = told(summary, box=bool(designing.over))
    code = conclude(summary, printed, as_json=designing.as_json)
    if not designing.as_json and files:
        # not folded at the width of a terminal, so that it can be copied
        print(f"Written: {', '.join(summary['files'])}\nSimulate with: {follow}")
    return code


_LOOK = ("t", "share", "shots")


def _summary(
    designing: Designing, planned: Planned, criterion: str, found: Mapping[str, Any]
) -> dict[str, Any]:
    """What `--json` prints: of a law that ended too early, its status alone."""
    nothing: dict[str, Any] = {
        "value": None, "gap": None, "settings": [], "constants": {},
        "null_vectors": [], "steps": [], "at": {}, "files": [], "simulate": None,
    }  # fmt: skip
    return {
        "law": planned.name,
        "criterion": criterion,
        "shots": designing.number(),
        **nothing,
        **found,
        "seconds": round(perf_counter() - designing.began, 3),
    }


def _refuse(designing: Designing, planned: Planned, criterion: str, words: str) -> int:
    """What is told of a law that ends before its last candidate."""
    summary = _summary(designing, planned, criterion, {"status": words})
    text = f"There is no design at these constants. {words}"
    return conclude(summary, [text], as_json=designing.as_json)


def _check_new(out: Path | None) -> None:
    """Raise ValueError where the settings, or what goes with them, are there."""
    if out is None:
        return
    check_new(out, "settings", "--out")
    check_parent(out)
    for path in [*_figures(out), _summary_file(out)]:
        if path.exists():
            raise ValueError(
                "Argument `--out` must leave its figure and summary a place, but "
                f"{path} is there already."
            )


# -- numbers ---------------------------------------------------------------------


def _from_quantum(study: Study) -> dict[str, float]:
    """How far free constants are from quantum mechanics, where they are."""
    free = zip(study.labels(), study.references(), study.theta().tolist(), strict=True)
    apart = {
        name: abs(value - quantum)
        for name, quantum, value in list(free)[: study.wanted]
        if quantum is not None
    }
    return {name: step for name, step in apart.items() if step > ROUNDING}


def _needs(found: Design, steps: Mapping[str, float], sigmas: float) -> list[Need]:
    """Shots that these steps take, or the rival's whole difference."""
    if found.criterion == "KL":
        return [Need("difference", 1.0, sigmas, *found.shots_for(sigmas))]
    return [
        Need(name, step, sigmas, *found.shots_for(sigmas, step, of=name))
        for name, step in steps.items()
    ]


def _looks(found: Design, planned: Planned) -> list[tuple[float, float, int]]:
    """Time, share and shots of each setting that has shots.

    Where a record needs more at a time, those go to the setting that has most.
    """
    counts = found.allocation()
    few = (counts > 0) & (counts < planned.least)
    counts[np.argmax(counts)] += counts[few].sum()
    counts[few] = 0
    shares = np.asarray(found.weights).tolist()
    rows = zip(found.settings, shares, counts.tolist(), strict=True)
    return [(one.t, share, count) for one, share, count in rows if count > 0]


# -- what is written and printed -----------------------------------------------------


def _figures(out: Path) -> list[Path]:
    return [out.with_name(f"{out.stem}_sensitivity.{kind}") for kind in ("png", "svg")]


def _summary_file(out: Path) -> Path:
    return out.with_name(f"{out.stem}_summary.json")


def _write(
    out: Path,
    designing: Designing,
    looks: Sequence[tuple[float, float, int]],
    planned: Planned,
    free: str,
) -> None:
    """Write the settings."""
    ts, _, shots = map(np.asarray, zip(*looks, strict=True))
    names, nuisance = ",".join(parse_free(free)), designing.nuisance.strip()
    save(out, Settings(ts, shots, planned.law, names, nuisance))


def _figure(out: Path, found: Design) -> dict[str, Any]:
    """What the candidates tell, by the name of its files."""
    figure = report.figure_sensitivity(
        [one.t for one in found.settings], found.sensitivity, found.weights,
        found.criterion,
    )  # fmt: skip
    return {f"{out.stem}_sensitivity": figure}


def _command(out: Path, planned: Planned) -> str:
    record = out.with_name(f"{out.stem}_record.npz")
    words = ["jqd", "simulate", planned.law, "--settings", out, *planned.simulate]
    return shlex.join(str(word) for word in [*words, "--out", record])
