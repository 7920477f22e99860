"""Tables that a person reads, beside the summary that a program reads."""

import io

import pytest
from rich.console import Console

from jqd._bars import plain_console
from jqd.report.tables import (
    plus_minus,
    recovery_summary,
    recovery_tables,
    summary_table,
    with_error,
)


def test_the_printed_recovery_has_every_number(recovery):
    out = io.StringIO()
    Console(file=out, width=100).print(*recovery_tables(recovery))
    text = out.getvalue()
    # Two uncertain digits: the error is 0.0001.
    for part in ("q", "0.50012", "1.0e-04", "0.5", "+1.2", "R[0,1]", "-0.400", "none"):
        assert part in text
    for part in ("4 of 5 (80 %)", "1.23e-02", "1.0e-09 at most", "4 of 5 starts agree"):
        assert part in text


def test_rows_that_a_run_does_not_reach_have_no_distance_in_the_table(recovery):
    recovery.held_out_start = None
    out = io.StringIO()
    Console(file=out, width=150).print(*recovery_tables(recovery))
    said = "1.23e-02 (before the fit none, the run does not reach these rows)"
    assert said in out.getvalue()


def test_the_summary_gives_no_error_that_the_table_withholds(recovery):
    """Nor what the error were with known nuisances, or without their priors."""
    q, coupling = recovery.constants.values()
    q.known, q.alone, coupling.pull = 5e-5, 2e-4, 0.5
    for holds in (True, False):
        recovery.errors_hold = holds
        out = io.StringIO()
        Console(file=out, width=100).print(*recovery_tables(recovery))
        found = recovery_summary(recovery, 1.0)["constants"]
        assert ("1.0e-04" in out.getvalue()) == holds
        assert ("were the nuisances known" in out.getvalue()) == holds
        errors = [found["q"][name] for name in ("stderr", "known", "alone")]
        assert errors == ([1e-4, 5e-5, 2e-4] if holds else [None] * 3)
        assert found["R[0,1]"]["stderr"] == (0.02 if holds else None)
        assert found["q"]["value"] == 0.50012


@pytest.mark.parametrize(
    ("value", "stderr", "text"),
    [
        (0.5, 3e-10, "0.50000000000"),
        (0.5, 1e-17, "0.500000000000"),
        (0.5, 0.0, "0.500000000000"),
        (0.5, float("nan"), "0.500000000000"),
        (1234.5, 70.0, "1234"),
        (1.0545718e-34, 2e-39, "1.054572e-34"),
        (3e-10, 0.0, "3e-10"),
        (1.23456e23, 2e20, "1.2346e+23"),
    ],
)
def test_digits_follow_the_error(value, stderr, text):
    assert with_error(value, stderr) == text


@pytest.mark.parametrize(
    ("value", "stderr", "text"),
    [
        (0.99432, 0.0267, "0.994 ± 0.027"),
        (-0.0059, 0.0061, "-0.0059 ± 0.0061"),
        (0.846, 0.131, "0.85 ± 0.13"),
        (1234.5, 70.0, "1234 ± 70"),
        (1.0545718e-34, 2e-39, "1.054572e-34 ± 2.0e-39"),
        (1.23456e23, 2e20, "1.2346e+23 ± 2.0e+20"),
    ],
)
def test_a_value_and_its_error_have_the_same_decimals(value, stderr, text):
    assert plus_minus(value, stderr) == text


def test_a_summary_is_flat_and_long_lists_are_cut(capsys):
    summary = {"a": {"b": 0.5, "c": None}, "d": list(range(9)), "[e]": "[/f]"}
    plain_console().print(summary_table(summary, "title [/g]"))
    shown = capsys.readouterr().out
    for part in ("a.b", "0.5", "none", "(9 in all)", "[e]", "[/f]", "title [/g]"):
        assert part in shown


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_table_keeps_the_names_of_its_constants(recovery, width):
    """80 columns is what rich takes where standard output is no terminal."""
    q, coupling = recovery.constants.values()
    q.value, q.stderr, q.reference = -0.500000000123, 6.3e-11, -0.5
    q.digits = "-0.500000000123"
    recovery.constants = {"classical_d": q, "R[0,1]": coupling}
    recovery.message = "The polish settled with 48 steps a row. " * 3
    out = io.StringIO()
    Console(file=out, width=width).print(*recovery_tables(recovery))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    for name in (*recovery.constants, "constant"):
        assert any(line.startswith(name) for line in lines)
    assert any(line.startswith("starts that reached the best fit") for line in lines)
    assert "…" not in out.getvalue()
    if width == 80:
        (row,) = (line for line in lines if line.startswith("classical_d"))
        assert "-0.500000000123" in row
        assert "step bias" not in row
        assert "status: " not in out.getvalue()
        assert any(line.startswith("status") and "polish" in line for line in lines)
        assert len(lines) < 16
