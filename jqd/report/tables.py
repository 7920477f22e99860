"""Results as tables for readers, and as a summary for programs."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.table import Table

from .. import constants
from .._files import provenance
from .._html import plus_minus as plus_minus
from .._html import with_error as with_error
from .._words import p_words
from ..inference.recovery_numbers import numbers_of, verdict


def recovery_tables(recovery: Any) -> tuple[Table, Table]:
    """The table of constants, and a table of checks on how far to trust them.

    A constant is shown beside its known value: that in quantum mechanics, or, for a law
    that has none there, that of the synthetic data.
    """
    holds = recovery.errors_hold
    table = Table(
        title=f"Constants of the law {recovery.law_name}"
        + ("" if holds else " at the best fit: no standard error holds"),
        title_justify="left", show_edge=False, pad_edge=False,
    )  # fmt: skip
    # at any width a constant keeps its name; digits of numbers may wrap
    table.add_column(
        "constant", style="bold", no_wrap=True,
        min_width=max([8, *map(len, recovery.constants)]),
    )  # fmt: skip
    for heading in (
        "recovered" if holds else "best fit",
        "standard\nerror",
        "exact value\nin quantum\nmechanics"
        if constants.quantum_values(recovery.law)
        else "true value of\nsynthetic\ndata",
        "deviation",
        "in\nstandard\nerrors",
    ):
        table.add_column(heading, justify="right", overflow="fold")
    for name, row in numbers_of(recovery).items():
        deviation, sigmas = row["deviation"], row["sigmas"]
        error = "none"
        if holds and row["stderr"] is not None:
            error = f"{row['stderr']:.1e}" + " inwards" * bool(row["at_bound"])
        unsure = "at its bound" if row["at_bound"] else "step bias"
        apart = unsure if sigmas is None else f"{sigmas:+.2g}"
        table.add_row(
            name,
            recovery.constants[name].digits,
            error,
            "none" if row["reference"] is None else f"{row['reference']:g}",
            "none" if deviation is None else f"{deviation:+.1e}",
            "none" if deviation is None else apart,
        )
    agree, starts = sum(map(bool, recovery.agree)), len(recovery.agree)
    share = 100 * float(recovery.agreeing_starts)
    biases = [abs(float(c.step_bias)) for c in recovery.constants.values()]
    lines = {
        "starts that reached the best fit": f"{agree} of {starts} ({share:.3g} %)",
        "held-out distance": _held_out(recovery),
        "step-size bias": f"{max(biases, default=math.nan):.1e} at most",
    }
    lines |= _beside(recovery)
    if recovery.chi2_per_dof is not None:
        lines |= chi_square_line(
            recovery.chi2_per_dof, recovery.p_value,
            ", scatter too small" if recovery.scatter_too_small else "",
        )  # fmt: skip
    if recovery.runs is not None:
        along = "time" if recovery.study.data.over_time else "rows"
        lines[f"residuals over {along}"] = recovery.runs.describe()
    return table, checks_table(lines | status_line(recovery.status, recovery.message))


def chi_square_line(chi2_per_dof: Any, p: Any, more: str = "") -> dict[str, str]:
    """The line of `checks_table` on chi-square and its p-value."""
    text = f"{float(chi2_per_dof):.4g} (p {p_words(float(p))}{more})"
    return {"chi-square per degree of freedom": text}


def status_line(status: str, message: str) -> dict[str, str]:
    """The line of `checks_table` on the status of a fit, with its sentence."""
    more = f": {message}" if message and message != status else ""
    return {"status": status + more}


def checks_table(lines: Mapping[str, str]) -> Table:
    """What a fit says of itself, a line for each check."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in lines.items():
        grid.add_row(label, text)
    return grid


def _beside(recovery: Any) -> dict[str, str]:
    """What nuisances do to a fit, in words."""
    lines, constants = {}, recovery.constants.values()
    pulls = [(c.name, float(c.pull)) for c in constants if c.pull is not None]
    for c in constants:
        if pulls and c.pull is None and not c.at_bound and recovery.errors_hold:
            lines[f"error of {c.name}"] = (
                f"{float(c.known):.2g} were the nuisances known, {float(c.alone):.2g} "
                "without their priors"
            )
    for name, pull in pulls:
        far = " (far from it)" if name in recovery.pulled else ""
        lines[f"pull of {name}"] = f"{pull:+.2g} widths of its prior{far}"
    return lines


def summary_table(summary: Mapping[str, Any], title: str) -> Table:
    """The summary of an experiment, with a row for each number.

    Args:
        summary: nested dicts; the names of nested entries are joined with dots.
        title: title of the table.

    Returns:
        The table. Long lists are cut; summary.json has them in full.
    """
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _flatten(summary):
        table.add_row(name, _short(value))
    return table


def _flatten(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        return [(name, value)]
    rows = []
    for key, item in value.items():
        rows += _flatten(item, f"{name}.{key}" if name else str(key))
    return rows


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.8g}"
    if isinstance(value, list):
        shown = ", ".join(_short(item) for item in value[:6])
        rest = f", ... ({len(value)} in all)" if len(value) > 6 else ""
        return f"[{shown}{rest}]"
    return "none" if value is None else str(value)


def recovery_summary(recovery: Any, seconds: float) -> dict[str, Any]:
    """The result in the few numbers that `--json` prints.

    Args:
        recovery: what `jqd.recover` returned.
        seconds: time that the whole command took.

    Returns:
        law, constants (value, stderr and reference of each; with nuisances also the
        errors if these were known, the errors without their priors, and the pulls of
        the nuisances in widths of their priors; at_bound, "lower" or "upper", of a
        constant at a bound, whose stderr is one-sided; infinite errors are None, and so
        are all errors where errors_hold is False), step_bias, deviation and
        deviation_sigmas of each constant (None where there is no reference, where no
        standard error holds, or where the error is step bias and rounding rather than
        scatter), status and message,
        errors_hold (whether no test speaks against the errors), chi2_per_dof and
        p_value (None where no errors are known), starts and agreeing_starts (the number
        of initial guesses, and the share that reached the best fit), held_out, runs (of
        residuals of one sign over time: their number, the one expected and its sd) and
        runs_p_value, pattern (the pattern in the residuals of a misfit, and what would
        leave it; else None), pulled (nuisances further than 3 widths from their prior)
        and seconds. A reference is None where quantum mechanics has none.
    """
    rows = numbers_of(recovery)
    shown = ["value", "stderr", "reference"]
    if any(one.pull is not None for one in recovery.constants.values()):
        shown += ["known", "alone", "pull"]
    return {
        "law": recovery.law_name,
        "constants": {
            name: {field: row[field] for field in shown}
            | _bound(recovery.constants[name])
            for name, row in rows.items()
        },
        "step_bias": {name: row["step_bias"] for name, row in rows.items()},
        "deviation": {name: row["deviation"] for name, row in rows.items()},
        "deviation_sigmas": {name: row["sigmas"] for name, row in rows.items()},
        "status": recovery.status,
        "message": recovery.message,
        "errors_hold": recovery.errors_hold,
        "starts": len(recovery.agree),
        **verdict(recovery),
        "runs": None if recovery.runs is None else _runs(recovery.runs),
        "runs_p_value": None if recovery.runs is None else recovery.runs.p_value,
        "pattern": None if recovery.pattern is None else recovery.pattern.describe(),
        "pulled": list(recovery.pulled),
        "seconds": round(seconds, 3),
    }


def _runs(runs: Any) -> dict[str, float]:
    return {name: float(getattr(runs, name)) for name in ("number", "expected", "sd")}


def _bound(constant: Any) -> dict[str, str]:
    """Which bound a constant is at, where it is at one."""
    if not constant.at_bound:
        return {}
    return {"at_bound": "lower" if constant.at_bound < 0 else "upper"}


def recovery_details(recovery: Any) -> dict[str, Any]:
    """The contents of summary.json beyond `recovery_summary`.

    Args:
        recovery: what `jqd.recover` returned.

    Returns:
        covariance, singular values, null directions in the constants' own units, and
        the provenance.
    """
    return {
        "covariance": np.asarray(recovery.covariance),
        "singular_values": np.asarray(recovery.singular_values),
        "null_directions": np.asarray(recovery.null_directions),
        "provenance": provenance(),
    }


def _held_out(recovery: Any) -> str:
    """How far the rows are that were held out, after the fit and before."""
    if not recovery.held_out_rows:
        return "none held out"
    after, before = (
        "none, the run does not reach these rows" if apart is None else f"{apart:.2e}"
        for apart in (recovery.held_out, recovery.held_out_start)
    )
    return f"{after} (before the fit {before})"
