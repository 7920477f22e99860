"""`jqd recover statistics`: g from built-in and own data, bad input in one line."""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from jqd._bars import plain_console
from jqd.cli import main
from jqd.cli.recover_statistics import _part, _printed
from jqd.inference.constant import Constant
from jqd.inference.estimators import StatisticsFit
from jqd.inference.goodness import MISFIT

ROOT = Path(__file__).resolve().parents[2]
# The spectrum of FIRAS is not part of jqd: a folder of one's own has it.
FOLDER = Path(os.environ.get("JQD_REAL_DATA", ROOT / "data" / "real"))
FIRAS = [
    FOLDER / f"firas_{name}.txt" for name in ("monopole_spec_v1", "correlation_matrix")
]


@pytest.fixture
def recover(tmp_path):
    """Run the command: its exit code."""

    def recover(data=None, *words):
        words = [*([] if data is None else ["--data", str(data)]), *words]
        out = ["--starts", "4", "--out", str(tmp_path / "run")]
        return main(["recover", "statistics", *words, *out])

    return recover


def write(path, header, table):
    np.savetxt(path, table, delimiter=",", header=header, comments="")
    return path


@pytest.mark.slow
def test_random_weights(recover, tmp_path, printed):
    """One vector of weights for all particles: bosons; one for each: classical."""
    assert recover(None, "--json") == 0
    result = printed("recover statistics")
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


@pytest.mark.slow
def test_own_curve(recover, tmp_path, printed):
    E = np.linspace(0, 4, 30)
    nbar = 1 / (np.exp((E + 0.3) / 1.2) - 1)
    table = np.column_stack([E, nbar, 0.01 * nbar])
    assert recover(write(tmp_path / "curve.csv", "E,nbar,sigma", table), "--json") == 0
    constants = printed("recover statistics")["constants"]
    for name, value in (("g", 1.0), ("T", 1.2), ("mu", -0.3)):
        assert constants[name]["value"] == pytest.approx(value, abs=1e-8)
        assert constants[name]["stderr"] > 1e-4


@pytest.mark.slow
def test_correlated_errors_of_own_curve(recover, tmp_path, printed):
    """T of photons: two rows that err together say as much as one."""
    E = np.repeat(np.linspace(0.5, 4, 20), 2)
    nbar = 1 / np.expm1(E / 1.2)
    table = np.column_stack([E, nbar, 0.01 * np.ones(40)])
    curve = write(tmp_path / "curve.csv", "E,nbar,sigma", table)
    np.save(tmp_path / "R.npy", np.kron(np.eye(20), [[1, 0.999], [0.999, 1]]))
    words = ["--free", "T", "--start", "g=1,mu=0", "--json"]
    errors = []
    for more in ([], ["--correlation", str(tmp_path / "R.npy")]):
        assert recover(curve, *words, *more) == 0
        errors.append(printed("recover statistics")["constants"]["T"]["stderr"])
    # the mean of two has the variance (1 + .999)/2
    assert errors[1] == pytest.approx(errors[0] * np.sqrt(1.999), rel=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(
    not all(file.exists() for file in FIRAS),
    reason=f"no {FIRAS[0].name} or {FIRAS[1].name} in data/real or $JQD_REAL_DATA",
)
def test_the_microwave_background(tmp_path, monkeypatch, printed, capsys):
    """The tutorial, from the two tables on; figures of another program, by SciPy."""
    page = ROOT / "docs" / "tutorials" / "microwave_background.md"
    text = page.read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    for file in FIRAS:
        shutil.copy(file, tmp_path)
    exec(*re.findall(r"```text\n(.*?)```", text, re.S), {})
    (block,) = re.findall(r"```sh\n(.*?)```", text, re.S)
    show, *fits = [shlex.split(line)[1:] for line in block.splitlines()]
    assert main([*show, "--json"]) == 0
    assert printed("show")["data"] == "occupations over energy"
    for words, g, error, chi2, dof in zip(
        fits, (1.00007275, 1.00014348, 1.00013717, 1.000165),
        (1.212e-4, 2.578e-4, 2.526e-4, 2.793e-4), (48.45, 48.36, 44.69, 48.32),
        (41, 40, 40, 39), strict=True,
    ):  # fmt: skip
        assert main([*words, "--json"]) == 0
        found = printed("recover statistics")
        # a fit that converged is within 1e-3 of its error from the minimum
        assert found["constants"]["g"]["value"] == pytest.approx(g, abs=3e-7)
        assert found["constants"]["g"]["stderr"] == pytest.approx(error, rel=1e-3)
        assert found["chi2_per_dof"] * dof == pytest.approx(chi2, abs=0.01)
        # rounded up to three digits
        (answer,) = found["answers"]
        most = g - 1 + 1.959964 * error
        assert 0 <= answer["limit"] - most < 0.01 * most
    assert main(fits[0]) == 0
    assert "abs(g - 1) < 0.000311 (95 %" in " ".join(capsys.readouterr().out.split())


def test_correlations_belong_to_a_curve_with_errors(recover, tmp_path, capsys):
    np.save(tmp_path / "R.npy", np.eye(2))
    R = ["--correlation", str(tmp_path / "R.npy")]
    (tmp_path / "n.csv").write_text("n0,n1\n1,2\n2,1\n")
    (tmp_path / "E.csv").write_text("E,nbar\n0,2\n1,1\n2,.5\n3,.2\n")
    nowhere = ["--correlation", str(tmp_path / "none.npy")]
    for data, words, said in (
        (None, R, "`--correlation` must be given only with --data"),
        (tmp_path / "n.csv", R, "`--correlation` must not be given for counts"),
        (tmp_path / "E.csv", R, "`--correlation` must be given only with `sigma`"),
        (tmp_path / "E.csv", nowhere, "`--correlation` must be a file, but"),
    ):
        assert recover(data, *words) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err


def test_own_counts(recover, tmp_path, capsys, printed):
    """Columns in any order, sums that differ; at most one a state: fermions."""
    rng = np.random.default_rng(0)
    counts = np.array([rng.permutation([1, 1, 1, 1, i % 2, 0]) for i in range(50)])
    header = "n0,n2,n1,n3,n5,n4"
    assert recover(write(tmp_path / "counts.csv", header, counts), "--json") == 0
    result = printed("recover statistics")
    assert result["constants"]["g"]["value"] == -1
    assert result["at_edge"]
    assert "edge" in result["message"]
    assert recover(tmp_path / "counts.csv") == 0
    told = " ".join(capsys.readouterr().out.split())
    for words in ("Fermi-Dirac", "of 4", f"status converged: {result['message']}"):
        assert words in told


def test_a_curve_that_does_not_fit_says_so_as_other_fits_do(capsys):
    """Chi-square, p, starts and status; no error, neither printed nor in JSON."""
    g = Constant("g", 0.93, 0.02, 0.0, None, holds=False)
    ends, agree = np.zeros((3, 1)), np.array([True, True, False])
    fit = StatisticsFit(
        {"g": g}, {}, np.eye(1), False, None, 7.5, 2e-9, ends, ends, agree, MISFIT,
        "Too large.",
    )  # fmt: skip
    for part in _printed({"": fit}):
        plain_console().print(part)
    told = " ".join(capsys.readouterr().out.split())
    for words in ("7.5 (p = 2e-09)", "2 of 3", f"status {MISFIT}: Too large."):
        assert words in told
    assert "2.0e-02" not in told
    part = _part("", fit)
    assert part["constants"]["g"]["stderr"] is None
    assert part["status"] == MISFIT


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        (None, ["--free", "g,T"], "must be g for counts"),
        (None, ["--start", "g=1"], "must not be given for counts"),
        ("", [], "is empty"),
        ("E,nbar\n", [], "1 lines"),
        ("E,number\n1,2\n", [], "`E,nbar["),
        ("E,nbar,nbar\n1,2,3\n", [], "each column once"),
        ("n0,n2\n1,2\n", [], "`n0,n1,..`"),
        ("n0,n1\n1,2.5\n", [], "whole numbers"),
        ("n0,n1\n1\n", [], "line 2"),
        ("E,nbar\n1,x\n", [], "'x'"),
        ("E,nbar\n1,nan\n", [], "must be finite"),
        ("E,nbar\n0,1\n1,.5\n", [], "at least 4 energies"),
        ("n0,n1\n1,0\n0,1\n", [], "too dilute"),
        ("E,nbar\n0,1\n1,.5\n", ["--free", "q"], "must be one of"),
    ],
)
def test_bad_input(recover, tmp_path, capsys, text, words, message):
    data = None
    if text is not None:
        data = tmp_path / "data.csv"
        data.write_text(text)
    assert recover(data, *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_other_files_are_refused(recover, tmp_path, capsys):
    assert recover(tmp_path / "nowhere.csv") == 2
    assert "does not exist" in capsys.readouterr().err
    (tmp_path / "data.npz").write_bytes(b"0")
    assert recover(tmp_path / "data.npz") == 2
    assert "csv" in capsys.readouterr().err
