"""The code blocks of the README and of docs/laws.md run as they stand."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


COMMANDS = (ROOT / "docs" / "howto" / "commands.md").read_text(encoding="utf-8")
SWEEPS = (ROOT / "docs" / "guide" / "sweeps.md").read_text(encoding="utf-8")
LAWS = (ROOT / "docs" / "laws.md").read_text(encoding="utf-8")


def blocks(language, text=README):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def snippets(title):
    """The snippets in a section of docs/laws.md."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", LAWS, re.S | re.M)
    return blocks("python", text)


def section(title):
    """The one snippet in a section of docs/laws.md."""
    (code,) = snippets(title)
    return code


def output(code, cwd=ROOT):
    """What code prints that ends without an error."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, env=environment, cwd=cwd, timeout=600,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_snippet_prints_what_stands_below_it():
    code, *_ = blocks("python")
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 22  # it is a quickstart
    out = output(code)
    shown, *_ = blocks("text")

    def exponents(text):
        found = re.findall(r"  ([qr]) = (\S+) ± (\S+)", text)
        return {name: (value, error) for name, value, error in found}

    # a last digit of the bias may differ from one processor to another
    assert exponents(out) == exponents(shown)
    assert out.splitlines()[0] == shown.splitlines()[0]
    for name, quantum in (("q", 0.5), ("r", -0.5)):
        value, error = map(float, exponents(shown)[name])
        assert abs(value - quantum) < 3 * error


def test_bounds_block_runs():
    page = (ROOT / "docs" / "bounds.md").read_text(encoding="utf-8")
    (code,) = blocks("python", page)
    out = output(code)
    assert "q: |q - 1/2| < 0.00032" in out


# by section of docs/laws.md
SAID = {
    "Phase space": ["reached its last time", "(7, 33, 33)"],
    "Comparison": ["quantum", "No law is clearly preferred"],
    "Posteriors": ["nuts: converged.", "R-hat"],
    "Baths": [
        "C_max = 1.67032 for this state, exactly.", "'strength', 'gamma', 'nbar'",
        "reached its last time",
    ],
    # with what the steps and the grid may have done to it
    "Diffusion": [
        "The run reached its last time. Integration error",
        "of the probabilities. (3, 200) (3, 200)",
    ],
    "Copies": ["64 of 64: The trajectory reached the last time"],
}  # fmt: skip


@pytest.mark.parametrize(
    "title",
    [
        "Phase space",
        *(pytest.param(one, marks=pytest.mark.slow) for one in [*SAID][1:]),
    ],
)
def test_block_runs(title):
    out = output(section(title))
    assert [part for part in SAID[title] if part not in out] == []


@pytest.mark.slow
def test_many_modes_block_runs():
    pytest.importorskip("quimb", reason="quimb is not installed: pip install jqd[mps]")
    out = output(section("Many modes"))
    assert "reached its last time" in out


@pytest.mark.slow
def test_relaxation_block_runs():
    out = output(section("Relaxation"))
    assert "3 of 3: The paths are no sample of |ψ|²" in out
    # rates n, and the gap of each half
    assert re.match(r"\[0\. *1\. *2\.", out)
    assert re.search(r"\[1\.999\d* 1\.999\d*\]", out)


@pytest.mark.slow
def test_arrival_block_runs():
    out = output(section("Times of arrival"))
    known, sampled = (
        [float(word) for word in line.split()] for line in out.splitlines()
    )
    # Nelson, Bohm, Kijowski; finite volumes of 300 cells are good to 4e-4
    assert np.allclose(known, [0.17421, 0.13363, 0.14227], rtol=0, atol=4e-4)
    share, error, first = sampled
    assert abs(share - known[0]) < 4 * error
    assert 0 < error < 0.02  # at most √(p(1 - p)/2000)
    assert 0 < first < 3


@pytest.mark.slow
def test_several_particles_block_runs():
    out = output(section("Several particles"))
    levels, run, apart = out.splitlines()
    # two of an oscillator, and the first odd state; 32 points leave 1e-9
    assert np.allclose([float(e) for e in levels.split()], [1, 2], rtol=0, atol=1e-8)
    assert run.startswith("The run reached its last time.")
    assert abs(float(run.split()[-1]) - 1) < 1e-12  # rounding of 200 steps
    # rows of 0.05 miss some of what the node does: 0.034, with 400 rows 0.008
    assert 0.9 < float(apart) <= 1


@pytest.mark.slow
def test_measurement_block_runs():
    out = output(section("Measurement"))
    first, shapes, last = out.splitlines()
    number = r"(-?\d\.\d+)"
    sampled = re.search(f"record {number} path {number}", first)
    known = re.fullmatch(f"record {number} path {number}", last)
    assert sampled is not None
    assert known is not None
    record, path = map(float, known.groups())
    assert abs(record + 0.5) < 1e-9
    assert abs(path + 0.239197) < 1e-6
    # of 2000 paths, four standard errors of products of spread below .8
    for mine, exact in zip(map(float, sampled.groups()), (record, path), strict=True):
        assert abs(mine - exact) < 0.07
    assert shapes == "(2000, 40) (2000,)"


@pytest.mark.slow
def test_spin_and_fields_block_runs():
    out = output(section("Spin and fields"))
    assert "The run reached its last time." in out
    up = re.search(r"\[(-[\d.e+]+) +(-[\d.e+]+) +([\d.e+]+) +([\d.e+]+)\] \[", out)
    assert up, out
    for name, truth in (("D", 0.5), ("charge", 0.3)):
        value, error = re.search(rf"  {name} = (\S+) ± (\S+)", out).groups()
        assert abs(float(value) - truth) < 4 * float(error)


def test_commands_exist():
    """Each `jqd` line names a command and files that are there."""
    import typer

    from jqd.cli import app

    known = set(typer.main.get_command(app).commands)
    lines = [
        line.split("#")[0].split()
        for block in (*blocks("sh"), *blocks("sh", COMMANDS), *blocks("sh", SWEEPS))
        for line in block.splitlines()
        if line.startswith("jqd ")
    ]
    assert len(lines) >= 30
    for words in lines:
        assert words[1] in known
        for word in words[2:]:
            if word.startswith("experiments/"):
                assert (ROOT / word).exists()


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_pictures_and_pages_exist():
    links = re.findall(r"\]\((?!http)(.*?)(?:#.*?)?\)", README)
    assert len(links) > 20
    for path in links:
        # the page of a directory is made where there is one index
        assert (ROOT / path).exists(), path


def test_a_newcomer_reads_two_screens():
    assert len(README.splitlines()) <= 110


@pytest.mark.slow
def test_matter_block_runs():
    out = output(section("Matter"))
    assert out.count("reached its last time") == 2


@pytest.mark.slow
def test_a_law_of_ones_own_finds_quantum_mechanics():
    assert len(blocks("python", LAWS)) == 20  # each has its test
    out = output(section("A law of your own"))
    assert "converged" in out
    (found,) = re.findall(r"  g = (\S+) ±", out)
    assert abs(float(found)) < 1e-8


@pytest.mark.slow
def test_driven_block_runs():
    out = output(section("Drives"))
    quantum, copies, slope = map(float, out.split())
    # at q = 1/2, r = -1/2 both are quantum mechanics; steps of 1/40 and 1/100
    assert abs(quantum - copies) < 1e-6
    assert abs(slope) > 0.1


@pytest.mark.slow
def test_instruments_block_runs():
    out = output(section("Instruments"))
    assert "CopyDynamics: converged" in out
    known, error, alone, pull = map(float, out.splitlines()[-1].split())
    assert known < error < alone
    assert abs(pull) < 3


@pytest.mark.slow
def test_design_block_runs():
    out = output(section("Design"))
    *_, need, errors = out.strip().splitlines()
    assert need.startswith("Shots(number=")
    got, planned = map(float, errors.split())
    # counts of one record, whose weights are its own
    assert abs(got / planned - 1) < 0.05


@pytest.mark.slow
def test_four_commands_from_a_design_to_a_comparison(tmp_path, monkeypatch, capsys):
    from jqd.cli import main

    page = (ROOT / "docs" / "experiment.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    printed = []
    for block in blocks("sh", page):
        first, *words = shlex.split(block)
        assert first == "jqd"
        assert main(words) == 0, block
        printed.append(" ".join(capsys.readouterr().out.split()))
    design, _, recovered, compared = printed
    assert "A step of 0.05 in q at 5 standard errors" in design
    assert "converged" in recovered
    assert "The record prefers copying[q]" in compared
    summary = json.loads(Path("results/planned/summary.json").read_text())
    q = summary["constants"]["q"]
    assert abs(q["value"] - 0.45) < 4 * q["stderr"]


@pytest.mark.slow
def test_chance_block_runs():
    out = output(section("Chance"))
    said, apart = out.strip().splitlines()
    assert said.startswith("2000 of 2000: The path reached the last time. Standard")
    # the largest of 8 deviations, two of each time alike, in standard errors
    assert float(apart) < 4


@pytest.mark.slow
def test_open_systems_block_runs_and_finds_the_rate():
    out = output(snippets("Open systems")[0])
    rate, error = re.findall(r"decay.rate = (\S+) ± (\S+) ", out)[0]
    # one seed: beyond 4 standard errors once in 1e4 times
    assert abs(float(rate) - 0.06) < 4 * float(error)


@pytest.mark.slow
def test_paths_of_an_open_oscillator_have_its_mean():
    out = output(snippets("Open systems")[1])
    values, stderr = (
        np.array(row.split(), float) for row in re.findall(r"\[(.*?)\]", out)
    )
    # d<n>/dt = -gamma (<n> - nbar)
    decay = np.exp(-0.1 * np.array([0.0, 0.5, 1.0]))
    assert np.all(np.abs(values - 0.2 - 15.8 * decay) <= 4 * stderr + 1e-6)
    # a chance that is there, and no more than of 200 paths of some 15 +- 4 quanta
    assert np.all((stderr[1:] > 0) & (stderr[1:] < 4 / 200**0.5))


def test_links_into_the_page_of_laws_arrive():
    headings = re.findall(r"^## (.*)$", LAWS, flags=re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    links = re.findall(r"docs/laws\.md#([a-z-]+)", README)
    assert links
    assert set(links) <= anchors


def test_sweep_block_runs_and_goes_on(tmp_path):
    assert len(blocks("python")) == 1  # has its test, above
    (code,) = blocks("python", SWEEPS)
    for _ in range(2):  # the second time there is nothing left to compute
        out = output(code, tmp_path)
        # at (1/2, -1/2) the law is quantum mechanics, but for 160 steps of order 4
        assert float(out) < 1e-6
    assert (tmp_path / "exponents.zarr" / "commits").is_dir()
