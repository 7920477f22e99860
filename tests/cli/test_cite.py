"""`jqd cite` and `jqd examples`: what to cite, what to start from."""

import re

import pytest

from jqd.cli import main
from jqd.report.examples import examples, examples_folder


def test_cite_names_the_paper_of_a_law_and_its_source(printed, capsys):
    assert main(["cite", "CopyDynamics", "--json"]) == 0
    result = printed("cite")
    assert [one["key"] for one in result["references"]] == ["jqd", "smolin2012"]
    assert result["source"].startswith("Smolin (2012), eqs. (20)")
    assert main(["cite", "GRW", "--json"]) == 0
    result = printed("cite")
    assert [one["key"] for one in result["references"]] == ["jqd"]
    assert "Ghirardi, A. Rimini & T. Weber (1986)" in result["source"]
    assert main(["cite", "--bibtex"]) == 0
    out = capsys.readouterr().out
    assert len(re.findall(r"^@\w+\{[^,]+,$", out, re.MULTILINE)) == 5
    assert out.count("{") == out.count("}")
    assert "  year = {2012}," in out


def test_cite_refuses_what_is_no_law(complaint):
    line = complaint("cite", "gravity")
    assert line.startswith("Error: Argument `law` must be one of copying, husimi")


def test_examples_are_listed_with_their_claims(printed):
    assert main(["examples", "list", "--json"]) == 0
    listed = {one["name"]: one for one in printed("examples list")["examples"]}
    assert set(listed) == {f.stem for f in examples_folder().glob("*.py")}
    claim = listed["nelson_two_times"]["claim"]
    assert claim == (
        "Nelson's paths have the density of quantum mechanics, not its joint densities."
    )


def test_every_experiment_opens_with_its_claim():
    for one in examples().values():
        assert one.claim, one.name
        assert "Claim" in one.parts, one.name


def test_a_copied_example_is_whole(tmp_path, capsys):
    assert main(["examples", "copy", "spectators", "--out", str(tmp_path / "a")]) == 0
    assert "jqd run" in capsys.readouterr().out
    copies = tmp_path / "a"
    source = examples_folder()
    # other files, and a sweep, that experiments import
    shared = [*source.glob("_support/*.py"), *source.glob("sweeps/*.py")]
    assert source / "sweeps" / "copying_exponents.py" in shared
    for file in (source / "spectators.py", *shared):
        assert file.read_bytes() == (copies / file.relative_to(source)).read_bytes()
    assert main(["examples", "copy", "spectators", "--out", str(copies)]) == 2
    assert "is there" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["relaxation.py", "_support", "../README"])
def test_only_experiments_are_copied(name, tmp_path, capsys):
    assert main(["examples", "copy", name, "--out", str(tmp_path)]) == 2
    assert "must be one of" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
