"""The page about pulse sequences, whose code runs from top to bottom."""

import re
from pathlib import Path

import numpy as np
import pytest

import jqd

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "pulse_sequences.md"


def cells():
    return re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)


@pytest.mark.slow
def test_the_page_bounds_q_from_pulse_sequences(capsys):
    """Data of quantum mechanics: q is 1/2 within its error, nuisances are the true
    ones, and the error of q is of the size that least squares about q = 1/2 give."""
    names = {}
    for cell in cells():
        exec(cell, names)
    found = names["found"]
    assert found.status == "converged"
    assert "q" in capsys.readouterr().out
    true = {"q": 0.5, "pulse[0].delta": 2.0, "sd": 0.4}
    for name, value in true.items():
        one = found.constants[name]
        # beyond 4 standard errors once in 1e4 records
        assert abs(one.value - value) < 4 * one.stderr
    # least squares about q = 1/2 in NumPy, by a run of the copy law of its own for each
    # gap and node, give .069; where the record puts q, slopes are others
    assert found.constants["q"].stderr == pytest.approx(0.069, rel=0.35)


def test_the_table_of_the_page_is_a_scan(tmp_path):
    (table,) = re.findall(r"```text\n(t,n0.*?)```", PAGE.read_text("utf-8"), re.S)
    file = tmp_path / "ramsey.csv"
    file.write_text(table)
    scan = jqd.records.load_record(file)
    assert isinstance(scan, jqd.Scan)
    np.testing.assert_array_equal(scan.settings["pulse[1].end"], scan.ts)
    np.testing.assert_array_equal(np.sum(scan.values, axis=1), 400)
