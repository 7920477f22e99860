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


def run_code(code, cwd=ROOT):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, env=environment, cwd=cwd, timeout=600,
        check=False,
    )  # fmt: skip


def test_the_first_snippet_prints_what_stands_below_it():
    code, *_ = blocks("python")
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 22  # it is a quickstart
    done = run_code(code)
    assert done.returncode == 0, done.stderr
    shown, *_ = blocks("text")

    def exponents(text):
        found = re.findall(r"  ([qr]) = (\S+) ± (\S+)", text)
        return {name: (value, error) for name, value, error in found}

    # a last digit of the bias may differ from one processor to another
    assert exponents(done.stdout) == exponents(shown)
    assert done.stdout.splitlines()[0] == shown.splitlines()[0]
    for name, quantum in (("q", 0.5), ("r", -0.5)):
        value, error = map(float, exponents(shown)[name])
        assert abs(value - quantum) < 3 * error


def test_bounds_block_runs():
    page = (ROOT / "docs" / "bounds.md").read_text(encoding="utf-8")
    (code,) = blocks("python", page)
    done = run_code(code)
    assert done.returncode == 0, done.stderr
    assert "q: |q - 1/2| < 0.00032" in done.stdout


@pytest.mark.slow
def test_comparison_block_runs():
    done = run_code(section("Comparison"))
    assert done.returncode == 0, done.stderr
    assert "quantum" in done.stdout
    assert "No law is clearly preferred" in done.stdout


@pytest.mark.slow
def test_posteriors_block_runs():
    done = run_code(section("Posteriors"))
    assert done.returncode == 0, done.stderr
    assert "nuts: converged." in done.stdout
    assert "R-hat" in done.stdout


def test_phase_space_block_runs():
    done = run_code(section("Phase space"))
    assert done.returncode == 0, done.stderr
    assert "reached its last time" in done.stdout
    assert "(7, 33, 33)" in done.stdout


@pytest.mark.slow
def test_many_modes_block_runs():
    pytest.importorskip("quimb", reason="quimb is not installed: pip install jqd[mps]")
    done = run_code(section("Many modes"))
    assert done.returncode == 0, done.stderr
    assert "reached its last time" in done.stdout


@pytest.mark.slow
def test_bath_block_runs():
    done = run_code(section("Baths"))
    assert done.returncode == 0, done.stderr
    assert "C_max = 1.67032 for this state, exactly." in done.stdout
    assert "'strength', 'gamma', 'nbar'" in done.stdout
    assert "reached its last time" in done.stdout


@pytest.mark.slow
def test_hydrodynamic_block_runs():
    done = run_code(section("Diffusion"))
    assert done.returncode == 0, done.stderr
    # with what the steps and the grid may have done to it
    assert "The run reached its last time. Integration error" in done.stdout
    assert "of the probabilities. (3, 200) (3, 200)" in done.stdout


@pytest.mark.slow
def test_relaxation_block_runs():
    done = run_code(section("Relaxation"))
    assert done.returncode == 0, done.stderr
    assert "3 of 3: The paths are no sample of |ψ|²" in done.stdout
    # rates n, and the gap of each half
    assert re.match(r"\[0\. *1\. *2\.", done.stdout)
    assert re.search(r"\[1\.999\d* 1\.999\d*\]", done.stdout)


@pytest.mark.slow
def test_arrival_block_runs():
    done = run_code(section("Times of arrival"))
    assert done.returncode == 0, done.stderr
    known, sampled = (
        [float(word) for word in line.split()] for line in done.stdout.splitlines()
    )
    # Nelson, Bohm, Kijowski; finite volumes of 300 cells are good to 4e-4
    assert np.allclose(known, [0.17421, 0.13363, 0.14227], rtol=0, atol=4e-4)
    share, error, first = sampled
    assert abs(share - known[0]) < 4 * error
    assert 0 < error < 0.02  # at most √(p(1 - p)/2000)
    assert 0 < first < 3


@pytest.mark.slow
def test_several_particles_block_runs():
    done = run_code(section("Several particles"))
    assert done.returncode == 0, done.stderr
    levels, run, apart = done.stdout.splitlines()
    # two of an oscillator, and the first odd state; 32 points leave 1e-9
    assert np.allclose([float(e) for e in levels.split()], [1, 2], rtol=0, atol=1e-8)
    assert run.startswith("The run reached its last time.")
    assert abs(float(run.split()[-1]) - 1) < 1e-12  # rounding of 200 steps
    # rows of 0.05 miss some of what the node does: 0.034, with 400 rows 0.008
    assert 0.9 < float(apart) <= 1


@pytest.mark.slow
def test_measurement_block_runs():
    done = run_code(section("Measurement"))
    assert done.returncode == 0, done.stderr
    first, shapes, last = done.stdout.splitlines()
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
    done = run_code(section("Spin and fields"))
    assert done.returncode == 0, done.stderr
    assert "The run reached its last time." in done.stdout
    up = re.search(
        r"\[(-[\d.e+]+) +(-[\d.e+]+) +([\d.e+]+) +([\d.e+]+)\] \[", done.stdout
    )
    assert up, done.stdout
    for name, truth in (("D", 0.5), ("charge", 0.3)):
        value, error = re.search(rf"  {name} = (\S+) ± (\S+)", done.stdout).groups()
        assert abs(float(value) - truth) < 4 * float(error)


@pytest.mark.slow
def test_copies_block_runs():
    done = run_code(section("Copies"))
    assert done.returncode == 0, done.stderr
    assert "64 of 64: The trajectory reached the last time" in done.stdout


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
    done = run_code(section("Matter"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("reached its last time") == 2


@pytest.mark.slow
def test_a_law_of_ones_own_finds_quantum_mechanics():
    assert len(blocks("python", LAWS)) == 20  # each has its test
    done = run_code(section("A law of your own"))
    assert done.returncode == 0, done.stderr
    assert "converged" in done.stdout
    (found,) = re.findall(r"  g = (\S+) ±", done.stdout)
    assert abs(float(found)) < 1e-8


@pytest.mark.slow
def test_driven_block_runs():
    done = run_code(section("Drives"))
    assert done.returncode == 0, done.stderr
    quantum, copies, slope = map(float, done.stdout.split())
    # at q = 1/2, r = -1/2 both are quantum mechanics; steps of 1/40 and 1/100
    assert abs(quantum - copies) < 1e-6
    assert abs(slope) > 0.1


@pytest.mark.slow
def test_instruments_block_runs():
    done = run_code(section("Instruments"))
    assert done.returncode == 0, done.stderr
    assert "CopyDynamics: converged" in done.stdout
    known, error, alone, pull = map(float, done.stdout.splitlines()[-1].split())
    assert known < error < alone
    assert abs(pull) < 3


@pytest.mark.slow
def test_design_block_runs():
    done = run_code(section("Design"))
    assert done.returncode == 0, done.stderr
    *_, need, errors = done.stdout.strip().splitlines()
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
    done = run_code(section("Chance"))
    assert done.returncode == 0, done.stderr
    said, apart = done.stdout.strip().splitlines()
    assert said.startswith("2000 of 2000: The path reached the last time. Standard")
    # the largest of 8 deviations, two of each time alike, in standard errors
    assert float(apart) < 4


@pytest.mark.slow
def test_open_systems_block_runs_and_finds_the_rate():
    done = run_code(snippets("Open systems")[0])
    assert done.returncode == 0, done.stderr
    rate, error = re.findall(r"decay.rate = (\S+) ± (\S+) ", done.stdout)[0]
    # one seed: beyond 4 standard errors once in 1e4 times
    assert abs(float(rate) - 0.06) < 4 * float(error)


@pytest.mark.slow
def test_paths_of_an_open_oscillator_have_its_mean():
    done = run_code(snippets("Open systems")[1])
    assert done.returncode == 0, done.stderr
    values, stderr = (
        np.array(row.split(), float) for row in re.findall(r"\[(.*?)\]", done.stdout)
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
        done = run_code(code, tmp_path)
        assert done.returncode == 0, done.stderr
        # at (1/2, -1/2) the law is quantum mechanics, but for 160 steps of order 4
        assert float(done.stdout) < 1e-6
    assert (tmp_path / "exponents.zarr" / "commits").is_dir()
