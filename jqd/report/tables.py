"""Tables for the terminal."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..laws import constants


def recovery_table(recovery: Any) -> Table:
    """One row for each recovered constant, beside its known value: in quantum
    mechanics, or, for a law that has none there, that of the computed record.

    Args:
        recovery: what `jqd.recover` returned.

    Returns:
        The table.
    """
    table = Table(title=f"Constants of the law {escape(recovery.law_name)}")
    table.title_justify = "left"
    table.add_column("constant", style="bold", overflow="fold")
    for heading in (
        "recovered",
        "standard error" if recovery.errors_hold else "standard error\n(not to trust)",
        "exact value in\nquantum mechanics"
        if constants.quantum_values(recovery.law)
        else "value it was\ncomputed with",
        "deviation",
        "in standard\nerrors",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, constant in recovery.constants.items():
        reference, deviation = constant.reference, constant.deviation
        table.add_row(
            escape(name),
            with_error(float(constant.value), float(constant.stderr)),
            f"{float(constant.stderr):.1e}",
            "none" if reference is None else f"{float(reference):g}",
            "none" if deviation is None else f"{float(deviation):+.1e}",
            _sigmas(constant),
        )
    return table


def _sigmas(constant: Any) -> str:
    if constant.deviation is None:
        return "none"
    return "step bias" if constant.sigmas is None else f"{float(constant.sigmas):+.2g}"


def recovery_tables(recovery: Any) -> tuple[Table, Table]:
    """The table of constants, and one that says how far to trust them.

    Args:
        recovery: what `jqd.recover` returned.

    Returns:
        The tables, to be printed one below the other.
    """
    agree, starts = sum(map(bool, recovery.agree)), len(recovery.agree)
    share = 100 * float(recovery.agreeing_starts)
    biases = [abs(float(c.step_bias)) for c in recovery.constants.values()]
    lines = {
        "starts that reached the best fit": f"{agree} of {starts} ({share:.3g} %)",
        "held-out distance": "none held out"
        if recovery.held_out is None
        else f"{recovery.held_out:.2e} (before the fit {recovery.held_out_start:.2e})",
        "step-size bias": f"{max(biases, default=math.nan):.1e} at most",
    }
    if recovery.chi2_per_dof is not None:
        text = f"{float(recovery.chi2_per_dof):.4g} (p = {float(recovery.p_value):.2g})"
        lines["chi-square per degree of freedom"] = text
    lines["status"] = recovery.status
    if recovery.message and recovery.message != recovery.status:
        lines["status"] += f": {recovery.message}"
    grid = Table.grid(padding=(0, 2))
    for label, text in lines.items():
        grid.add_row(label, escape(text))
    return recovery_table(recovery), grid


def print_recovery(recovery: Any, console: Console) -> None:
    """Print `recovery_tables`.

    Args:
        recovery: what `jqd.recover` returned.
        console: where to; `rich.console.Console()` is standard output.
    """
    for table in recovery_tables(recovery):
        console.print(table)


def summary_table(summary: Mapping[str, Any], title: str) -> Table:
    """The summary of an experiment, a row for each number.

    Args:
        summary: nested dicts; the names of nested entries are joined with dots.
        title: what the table shows.

    Returns:
        The table. Long lists are cut; summary.json has them whole.
    """
    table = Table(title=escape(title), show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _flatten(summary):
        table.add_row(escape(name), escape(_short(value)))
    return table


def with_error(value: float, stderr: float) -> str:
    """A value to the digits that its standard error leaves, two of them uncertain.

    Args:
        value: the value.
        stderr: its standard error; if not positive, twelve decimals are shown.

    Returns:
        The value as text, with at most twelve decimals.
    """
    if not (math.isfinite(stderr) and stderr > 0):
        return f"{value:.12f}"
    decimals = 1 - math.floor(math.log10(stderr))
    return f"{value:.{min(max(decimals, 0), 12)}f}"


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
