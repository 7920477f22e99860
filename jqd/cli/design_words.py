"""A design in words and tables."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from ..inference import Design

# Shares below this are not printed.
SHOWN = 5e-4


class Need(NamedTuple):
    """Shots that a step of a constant takes.

    Attributes:
        constant: its name, or "difference" of a rival.
        step: of it.
        sigmas: so many standard errors.
        shots: their number; inf where no number is enough.
        limit: standard error that any number of shots leaves.
    """

    constant: str
    step: float
    sigmas: float
    shots: float
    limit: float


def constants_of(found: Design) -> dict[str, Any]:
    """Standard errors by name, and what calibration leaves of each."""
    three = (np.asarray(x).tolist() for x in found.standard_errors)
    rows = zip(found.labels, *three, strict=True)
    return {
        name: {
            "known": known,
            "stderr": aided,
            "alone": alone,
            "limit": found.shots_for(1, 1.0, of=name).limit,
        }
        for name, known, aided, alone in rows
    }


def told(summary: Mapping[str, Any], *, box: bool) -> list[Any]:
    """Tables and sentences of a design."""
    gap = f"gap of the equivalence theorem {summary['gap']:.1e}"
    if box:
        gap = f"at most {summary['gap']:.1e} above the best for the values that count"
    lines = [
        f"{summary['criterion']} {summary['value']:.6g}, {gap}.",
        *map(_null_words, summary["null_vectors"]),
        *(_need_words(need) for need in summary["steps"]),
    ]
    if box:
        where = ", ".join(f"{k} = {v:.6g}" for k, v in summary["at"].items())
        lines.append(f"Worst constants found in the box: {where}.")
    if summary["status"] != "ok":
        lines.append(summary["status"])
    return [_settings_table(summary), _errors_table(summary), *lines]


def _null_words(vector: Mapping[str, float]) -> str:
    parts = [f"{v:+.4g} {name}" for name, v in vector.items() if abs(v) > 1e-6]
    return f"Without priors the data constrain nothing along {', '.join(parts)}."


def _need_words(need: Mapping[str, Any]) -> str:
    name, sigmas = need["constant"], f"{need['sigmas']:g} standard errors"
    what = f"A step of {need['step']:.4g} in {name} at {sigmas}"
    if name == "difference":
        what = f"The rival at {sigmas}"
    if math.isinf(need["shots"]):
        unit = " of the difference" if name == "difference" else ""
        return (
            f"{what}: with these shares no number of shots is enough; calibration "
            f"leaves a standard error of {need['limit']:.4g}{unit}."
        )
    return f"{what}: {need['shots']:.4g} shots with these shares."


def _settings_table(summary: Mapping[str, Any]) -> Table:
    table = Table(
        title="Settings", title_justify="left", show_edge=False, pad_edge=False
    )
    for heading in ("t", "share", "shots"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in summary["settings"]:
        if one["share"] > SHOWN:
            table.add_row(f"{one['t']:g}", f"{one['share']:.4f}", str(one["shots"]))
    return table


def _errors_table(summary: Mapping[str, Any]) -> Table:
    table = Table(
        title="Standard errors", title_justify="left", show_edge=False, pad_edge=False
    )
    table.add_column("constant", style="bold", no_wrap=True)
    for heading in (
        "nuisances\nknown", "with\npriors", "without\npriors", "any number\nof shots"
    ):  # fmt: skip
        table.add_column(heading, justify="right", no_wrap=True)
    for name, row in summary["constants"].items():
        cells = (row["known"], row["stderr"], row["alone"], row["limit"])
        table.add_row(name, *(f"{x:.4g}" for x in cells))
    return table
