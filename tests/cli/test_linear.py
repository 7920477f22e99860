"""`jqd linear`: tables of two waits, one table of told or inferred shots, bad input."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jqd.cli import main
from jqd.cli.linear import _printed
from jqd.inference.linear import JointTest, Power, RankTest

SHOTS = 999


def probabilities():
    """A qubit at two waits, (2, P, M): p = (1 + r . e)/2, r shorter after the wait."""
    rng = np.random.default_rng(4)
    r, e = rng.normal(size=(2, 12, 3))
    r /= np.linalg.norm(r, axis=1)[:, None]
    e *= 0.9 / np.linalg.norm(e, axis=1)[:, None]
    return np.stack([(1 + r @ e.T) / 2, (1 + 0.7 * r @ e.T) / 2])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Tables of two waits and two runs, and the first as a table of text."""
    monkeypatch.chdir(tmp_path)
    p = np.repeat(probabilities()[:, None], 2, axis=1)
    counts = np.random.default_rng(5).binomial(SHOTS, p)
    np.savez("tables.npz", counts=counts, shots=SHOTS, wait_us=[0.0, 10.0], run=[1, 2])
    np.savez("bare.npz", counts=counts)
    np.savetxt("table.csv", counts[0, 0], fmt="%d", delimiter=",")
    np.savetxt("shares.csv", counts[0, 0] / SHOTS, delimiter=",")
    return tmp_path


def test_tables_of_two_waits(folder, printed):
    assert main(["linear", "tables.npz", "--json", "--out", "run"]) == 0
    found = printed("linear")
    assert found["rank"] == 4
    assert found["unit"] == "us"
    assert [one["wait"] for one in found["tables"]] == [0, 0, 10, 10]
    (test,) = found["joint"]
    assert test["runs"] == 2
    assert test["rise_dof"] == 2 * (12 - 4) * 4
    assert [one["wait"] for one in found["controls"]] == [0, 10]
    assert found["sentence"].startswith("No sign of nonlinearity: at wait 10 us")
    kept = json.loads((folder / "run" / "summary.json").read_text())
    assert {name: kept[name] for name in found} == found
    names = {one.name for one in (folder / "run").iterdir()}
    assert {"linearity.png", "linearity.svg"} <= names
    assert main(["report", "run"]) == 0


def test_what_a_person_reads(folder, capsys):
    assert main(["linear", "tables.npz"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    text = " ".join(out.split())
    for part in ("Rank of the first table", "rise/dof", "Runs of one wait side by side",
                 "Shots are given.", "No sign of nonlinearity"):  # fmt: skip
        assert part in text


def test_a_chance_below_all_floats_is_not_zero(folder, printed):
    """Preparations that change by tenths between the waits, seen at 1e6 shots."""
    first, later = probabilities()
    p = np.stack([first, np.roll(later, 1, axis=0)])
    counts = np.random.default_rng(5).binomial(1_000_000, p[:, None])
    np.savez("moved.npz", counts=counts, shots=1_000_000, wait=[0, 1])
    assert main(["linear", "moved.npz", "--json"]) == 0
    found = printed("linear")
    assert found["p_value"] == 0
    assert "(p < 1e-300)" in found["sentence"]


def test_sizes_stand_below_their_laws():
    """Of waits of which not each has the power of each law."""
    copying, weinberg = (
        Power(law, "", 0.1, 1.0, size)
        for law, size in (("copying", 0.3), ("weinberg", 0.2))
    )
    joint = [
        JointTest(wait, 1, 1.0, 0.0, 32.0, 32, 0.5, power)
        for wait, power in ((1.0, ()), (2.0, (weinberg, copying)), (3.0, (copying,)))
    ]
    found: Any = SimpleNamespace(
        ranks=[RankTest(4, 64.0, 64, 0.0, 0.5)], unit="", joint=joint, controls=[]
    )
    _, table = _printed(found)
    cells = {column.header: [*column.cells] for column in table.columns[-2:]}
    assert cells == {"weinberg": ["", "0.2", ""], "copying": ["", "0.3", "0.3"]}


def test_one_table_and_its_shots(folder, printed, capsys):
    assert main(["linear", "table.csv", "--shots", str(SHOTS), "--json"]) == 0
    told = printed("linear")
    assert told["joint"] == told["controls"] == []
    assert told["p_value"] is None
    assert main(["linear", "shares.csv", "--json"]) == 0
    found = printed("linear")
    assert found["tables"][0]["shots"] == SHOTS
    assert found["shots_from"].startswith("inferred")
    assert found["ranks"][3]["chi2"] == pytest.approx(told["ranks"][3]["chi2"])


def test_no_rank_is_exit_code_1(folder, printed):
    words = ["linear", "table.csv", "--shots", str(SHOTS), "--rank", "2", "--json"]
    assert main(words) == 1
    assert printed("linear")["status"].startswith("the rank does not describe")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("none.npz", "`TABLE` must be a file, but none.npz does not exist"),
        ("bare.npz", "`TABLE` must hold `shots` for tables of preparations"),
        ("table.csv", "`--shots` must be given for counts"),
        ("tables.npz --shots 999", "`--shots` must not be given for tables.npz"),
        ("table.csv --shots 500", "`--shots` must be no less than any of the counts"),
        ("tables.npz --rank 12", "`--rank` must be at most 11"),
        ("tables.npz --size -1", "`--size` must be positive"),
    ],
)
def test_bad_input_is_one_line(folder, complaint, words, said):
    assert said in complaint("linear", *words.split())
