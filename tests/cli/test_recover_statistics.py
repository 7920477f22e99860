"""`jqd recover statistics`: g from built-in and own data, bad input in one line."""

import json

import numpy as np
import pytest

from jqd.cli.recover_statistics import StatisticsOptions, recover_statistics


@pytest.fixture
def recover(tmp_path):
    def recover(data=None, **changes):
        options = {
            "data": data, "free": (), "start": {}, "starts": 4, "seed": 0,
            "out": tmp_path / "run", "as_json": True, "quick": False,
        }  # fmt: skip
        return recover_statistics(StatisticsOptions(**options | changes))

    return recover


def write(path, header, table):
    np.savetxt(path, table, delimiter=",", header=header, comments="")
    return path


@pytest.mark.slow
def test_random_weights(recover, tmp_path, capsys):
    """One vector of weights for all particles: bosons; one for each: classical."""
    assert recover() == 0
    result = json.loads(capsys.readouterr().out)  # nothing else on standard output
    assert result["status"] == "converged"
    for weights, g in (("shared", 1.0), ("independent", 0.0)):
        found = result[weights]["constants"]["g"]
        assert found["reference"] == g
        assert abs(found["value"] - g) < 4 * found["stderr"]
        assert found["stderr"] < 0.05
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["shared"] == result["shared"]
    assert summary["settings"]["data"] == "built-in"
    assert (tmp_path / "run" / "fit.png").stat().st_size > 1e4


def test_own_curve(recover, tmp_path, capsys):
    E = np.linspace(0, 4, 30)
    nbar = 1 / (np.exp((E + 0.3) / 1.2) - 1)
    table = np.column_stack([E, nbar, 0.01 * nbar])
    assert recover(write(tmp_path / "curve.csv", "E,nbar,sigma", table)) == 0
    constants = json.loads(capsys.readouterr().out)["constants"]
    for name, value in (("g", 1.0), ("T", 1.2), ("mu", -0.3)):
        assert constants[name]["value"] == pytest.approx(value, abs=1e-8)
        assert constants[name]["stderr"] > 1e-4


def test_own_counts(recover, tmp_path, capsys):
    """Columns in any order, sums that differ; at most one a state: fermions."""
    rng = np.random.default_rng(0)
    counts = np.array([rng.permutation([1, 1, 1, 1, i % 2, 0]) for i in range(50)])
    header = "n0,n2,n1,n3,n5,n4"
    assert recover(write(tmp_path / "counts.csv", header, counts)) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["constants"]["g"]["value"] == -1
    assert result["at_edge"]
    assert "edge" in result["message"]
    assert recover(tmp_path / "counts.csv", as_json=False) == 0
    assert "Fermi-Dirac" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        (None, {"free": ("g", "T")}, "must be g for counts"),
        (None, {"start": {"g": 1.0}}, "must not be given for counts"),
        ("", {}, "is empty"),
        ("E,nbar\n", {}, "1 lines"),
        ("E,number\n1,2\n", {}, "`E,nbar"),
        ("E,nbar,nbar\n1,2,3\n", {}, "each column once"),
        ("n0,n2\n1,2\n", {}, "`n0,n1,..`"),
        ("n0,n1\n1,2.5\n", {}, "whole numbers"),
        ("n0,n1\n1\n", {}, "line 2"),
        ("E,nbar\n1,x\n", {}, "'x'"),
        ("E,nbar\n1,nan\n", {}, "must be finite"),
        ("E,nbar\n0,1\n1,.5\n", {}, "at least 4 energies"),
        ("n0,n1\n1,0\n0,1\n", {}, "too dilute"),
        ("E,nbar\n0,1\n1,.5\n", {"free": ("q",)}, "must be one of"),
    ],
)
def test_bad_input(recover, tmp_path, capsys, text, changes, message):
    data = None
    if text is not None:
        data = tmp_path / "data.csv"
        data.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        recover(data, **changes)
    assert "\n" not in str(error.value)
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "run").exists()


def test_other_files_are_refused(recover, tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        recover(tmp_path / "nowhere.csv")
    (tmp_path / "data.npz").write_bytes(b"0")
    with pytest.raises(ValueError, match="csv"):
        recover(tmp_path / "data.npz")
