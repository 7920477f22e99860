"""`jqd bounds`: the table, JSON, a bound on N, bad input in one line."""

import json

import pytest

import jqd
from jqd.cli import main


def test_the_table(capsys):
    assert main(["bounds"]) == 0
    out = capsys.readouterr().out
    read, unread = out.split("Not read in print: not used")
    assert "|q - 1/2| < 0.00032" in read
    assert "|D/D_QM - 1| < 2.7e-09" in read
    assert "3.3e-07" not in read
    assert "|D/D_QM - 1| < 3.3e-07" in unread
    assert "|r + 1/2| < 0.029" in unread
    assert "N > 2.3e+13" in unread
    assert "b < 3.3e-15 eV" in read
    assert "lambda <= 8.3e-11 s^-1" in read
    assert "lambda <= 2.96e-08 s^-1" in unread
    assert "lambda < 3.7e-17 s^-1" in unread
    assert "R0 > 4.5e-10 m" in unread
    together = " ".join(unread.split())
    for note in jqd.bounds().notes:
        assert note in together


def test_json(printed):
    assert main(["bounds", "--json"]) == 0
    result = printed("bounds")
    assert len(result["rows"]) == len(jqd.bounds().rows)
    assert result["stated"]["r"] == result["stated"]["C"] == []
    (D,) = result["stated"]["D"]
    assert D["limit"] == pytest.approx(2.635e-9, rel=1e-3)
    assert main(["bounds", "--constant", "q", "--json"]) == 0
    result = printed("bounds")
    assert {row["constant"] for row in result["rows"]} == {"q"}
    assert [row["entry"] for row in result["stated"]["q"]] == ["calcium_gate"]
    assert main(["bounds", "--constant", "csl.lam", "--json"]) == 0
    result = printed("bounds")
    (stated,) = result["stated"]["csl.lam"]
    assert (stated["sense"], stated["limit"]) == ("<=", 8.3e-11)
    found = {row["limit"]: row for row in result["rows"]}
    assert set(found) == {2.96e-8, 8.3e-11, 4.94e-15, 3.7e-17}
    row = found[2.96e-8]
    assert (row["sense"], row["limit_unit"], row["sd"]) == ("<=", "s^-1", 0.12e-8)
    assert row["as_printed"]
    assert row["confidence"] is row["authors"] is row["mapping"] is None
    assert main(["bounds", "--constant", "logarithmic.b", "--json"]) == 0
    (stated,) = printed("bounds")["stated"]["logarithmic.b"]
    assert (stated["sense"], stated["limit"]) == ("<", 3.3e-15)
    # the name that a fit has for it
    assert main(["bounds", "--constant", "b", "--json"]) == 0
    assert printed("bounds")["stated"] == {"logarithmic.b": [stated]}


LIMIT = {
    "constant": "q",
    "bound": "abs(q - 0.5) < 0.0296",
    "limit": 0.0296,
    "low": 0.49,
    "high": 0.5296,
    "level": "95 %, statistical",
    "more": "fitted beside it: flip",
}
PUBLISHED = [
    "|q - 1/2| < 0.00032 (95 %, one-sided; M. C. Smith et al., arXiv:2412.04421 (2024))"
]
KEPT = LIMIT | {"published": PUBLISHED, "said": "abs(q - 0.5) < 0.0296."}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Writes the summary of a run of `jqd recover`; the folder is `run`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()

    def write(**changes):
        kept = {"law": "CopyDynamics", "status": "converged", "provenance": {}}
        text = json.dumps(kept | {"answers": [KEPT]} | changes)
        (tmp_path / "run" / "summary.json").write_text(text, encoding="utf-8")

    return write


def test_a_limit_of_one_s_own_stands_in_the_table(run, capsys, printed):
    run()
    assert main(["bounds", "--constant", "q", "--beside", "run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (own,) = (line for line in lines if "abs(q - 0.5) < 0.0296" in line)
    (other,) = (line for line in lines if line.startswith("q ") and "0.00032" in line)
    assert lines.index(own) < lines.index(other)
    together = " ".join(" ".join(lines).split())
    assert "units of its data" in together
    # a file of results will do, and all constants
    assert main(["bounds", "--beside", "run/summary.json", "--json"]) == 0
    result = printed("bounds")
    assert result["beside"] == [
        {
            "law": "CopyDynamics",
            "results": "run/summary.json",
        }
        | LIMIT
    ]
    assert len(result["rows"]) == len(jqd.bounds().rows)
    assert result["notes"][:-1] == list(jqd.bounds().notes)
    # of several fits each has its own
    g = {"constant": "g", "bound": "abs(g - 1) < 0.000311", "limit": 0.000311}
    fit = {"answers": [LIMIT | g | {"more": ""}]}
    run(law="statistics", answers=[], shared=fit, details={"shared": {}})
    assert main(["bounds", "--constant", "C", "--beside", "run", "--json"]) == 0
    (own,) = printed("bounds")["beside"]
    assert (own["constant"], own["limit"], own["more"]) == ("g", 0.000311, "")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (
            {"answers": [], "status": "the law does not describe the record"},
            "run has none: the fit ended with the status “the law does not describe",
        ),
        ({"answers": []}, "run has none: no constant has a value in quantum mechanics"),
        ({"answers": ["q is 1/2"]}, "run is damaged: 'q is 1/2' is no limit"),
        ({"answers": 3}, "run is damaged"),
        ({"answers": [3]}, "run is damaged"),
        ({"laws": {}}, "run is of another command"),
        ({"provenance": 3}, "does not say where it comes from"),
    ],
)
def test_results_without_a_limit_are_refused_in_a_line(run, complaint, changes, part):
    run(**changes)
    line = complaint("bounds", "--beside", "run")
    assert line.startswith("Error: Argument `--beside` must be ")
    assert part in line


OWN = ["bounds", "--copies", "--failures", "37", "--shots", "100000"]


def test_copies(capsys, printed):
    assert main([*OWN, "--lambda", "138.629"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("N >= 2.848e+05 (95 %, one-sided)")
    assert "This is a lower bound only" in out
    assert main([*OWN, "--lambda", "138.629", "--confidence", "0.99", "--json"]) == 0
    result = printed("bounds")
    assert result["confidence"] == 0.99
    assert result["copies"] < 2.848e5
    assert result["copies"] == pytest.approx(138.629 / result["failure_limit"])
    assert result["lambda_error"] == 0
    words = ["--lambda", "138.629", "--lambda-error", "38.629", "--json"]
    assert main([*OWN, *words]) == 0
    result = printed("bounds")
    assert result["copies"] == pytest.approx(100 / result["failure_limit"])


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("--constant z", "`--constant` must be one of q, r, N, D, C, logarithmic.b,"),
        ("--constant eps", "several: weinberg.eps, kaplan_rajendran.eps"),
        ("--failures 3", "`--failures` must not be given without `--copies`"),
        ("--confidence 0.9", "`--confidence` must not be given without"),
        ("--copies --failures 3 --shots 9", "`--lambda` must be given with"),
        ("--copies --constant N", "`--constant` must not be given with `--copies`"),
        ("--copies --beside run", "`--beside` must not be given with `--copies`"),
        ("--beside no-such-run", "`--beside` must be what a command of jqd has"),
        ("--copies --failures 9 --shots 3 --lambda 1", "`--failures` must be at most"),
        ("--copies --failures -1 --shots 3 --lambda 1", "`--failures` must hold whole"),
        ("--copies --failures 0 --shots 0 --lambda 1", "`--shots` must be positive"),
        ("--copies --failures 0 --shots 3 --lambda 0", "`--lambda` must be positive"),
        ("--copies --failures 0 --shots 3 --lambda inf", "`--lambda` must be finite"),
        ("--lambda-error 1", "`--lambda-error` must not be given without"),
        (
            "--copies --failures 0 --shots 3 --lambda 1 --lambda-error 2",
            "`--lambda-error` must be below",
        ),
        (
            "--copies --failures 0 --shots 3 --lambda 1 --confidence 1",
            "`--confidence` must be below 1",
        ),
        ("--copies --failures 1.5 --shots 3 --lambda 1", "--failures"),
    ],
)
def test_bad_input_is_one_line(complaint, words, part):
    assert part in complaint("bounds", *words.split())


def test_a_damaged_entry_is_one_line(capsys, monkeypatch, tmp_path):
    from jqd.inference.bounds import entries, table

    (tmp_path / "broken.toml").write_text("number = 3\n")
    monkeypatch.setattr(table, "published", lambda: entries.read_folder(tmp_path))
    assert main(["bounds"]) == 2
    said = capsys.readouterr().err
    assert said == "Error: broken.toml, key `quantity`: must be given, but is not.\n"
