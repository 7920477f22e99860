"""`jqd compare`: the table, JSON, bad input in one line."""

import numpy as np
import pytest

from jqd.cli import main
from jqd.cli.compare import parse_laws


@pytest.fixture
def files(tmp_path):
    """Two classes that turn into each other, as counts of 1000."""
    ts = np.linspace(0, 2, 11)
    p = 0.5 + 0.3 * np.cos(ts)  # H = σ_x/2 from p = .8, phases equal: Bloch's z
    first = np.round(1000 * p).astype(int)
    rows = [f"{t},{a},{1000 - a}" for t, a in zip(ts, first, strict=True)]
    (tmp_path / "counts.csv").write_text("\n".join(["t,n0,n1", *rows]) + "\n")
    np.save(tmp_path / "H.npy", np.array([[0.0, 0.5], [0.5, 0.0]]))
    np.save(tmp_path / "psi.npy", np.sqrt([0.8, 0.2]))
    return [
        "compare", "--data", str(tmp_path / "counts.csv"),
        "--hamiltonian", str(tmp_path / "H.npy"), "--state", str(tmp_path / "psi.npy"),
        "--noise", "multinomial",
    ]  # fmt: skip


def test_two_fixed_laws(files, capsys, printed):
    words = [*files, "--laws", "schrodinger,copying[q=0.3]", "--folds", "2"]
    assert main(words) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "schrodinger" in out
    assert "The record prefers schrodinger" in out
    assert main([*words, "--json"]) == 0
    result = printed("compare")
    quantum, other = result["laws"]
    assert quantum["name"] == "schrodinger"
    assert quantum["p_value"] > 0.99  # counts rounded from exact ones
    assert other["log_bayes"][1] == pytest.approx(
        other["log_likelihood"] - quantum["log_likelihood"]
    )
    assert other["log_bayes"][1] < -5


@pytest.mark.slow
def test_the_built_in_counts(printed):
    """Drawn from quantum mechanics: no other law is preferred."""
    words = ["compare", "--laws", "schrodinger,dephasing[gamma],copying[q]"]
    assert main([*words, "--starts", "2", "--json"]) == 0
    result = printed("compare")
    quantum, dephasing, copying = result["laws"]
    assert all(law["p_value"] > 1e-3 for law in result["laws"])
    assert max(dephasing["log_bayes"] + copying["log_bayes"]) < 0
    assert abs(copying["constants"]["q"] - 0.5) < 4 * copying["stderr"]["q"]
    assert quantum["parameters"] == 0


def test_words_of_laws():
    found = parse_laws("schrodinger, copying[q,r=-0.4],dephasing[gamma]")
    assert list(found) == ["schrodinger", "copying[q,r=-0.4]", "dephasing[gamma]"]
    assert found["copying[q,r=-0.4]"].free == ("q",)
    assert found["copying[q,r=-0.4]"].values == {"r": -0.4}


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("--laws bohm", "`--laws` must name laws out of schrodinger, dephasing,"),
        ("--laws copying[q,q]", "`--laws` must name constants of copying, each once"),
        ("--laws schrodinger[q]", "out of none, but 'schrodinger[q]'"),
        ("--laws copying[q=x]", "`--laws` must give numbers to constants"),
        ("--laws copying[q],copying[q]", "each law once, but 'copying[q]' comes twice"),
        ("--laws copying[q]x", "but 'copying[q]x' was given"),
        ("--noise none", "for counts, but is 'none'"),
        ("--folds 12", "`folds` must be at most the number of rows, 11"),
        ("--nuisance nobody=0.1+-0.1", "'nobody'"),
    ],
)
def test_bad_words_are_one_line_and_exit_code_2(words, part, files, capsys):
    given = files[:-2] if "--noise" in words else files
    assert main([*given, *words.split()]) == 2
    captured = capsys.readouterr()
    assert part in captured.err.replace("\n", " ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_values_without_errors_prefer_nothing(capsys):
    assert main(["compare", "--noise", "none"]) == 2
    assert "has values without errors" in capsys.readouterr().err


def test_files_belong_together(files, capsys):
    assert main(files[:3]) == 2
    assert "must be given together" in capsys.readouterr().err
