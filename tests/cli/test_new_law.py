"""`jqd new-law`: three files that work as written, or none."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jqd
from jqd.cli import main
from jqd.evolution import Fixed
from jqd.inference import Polish
from jqd.instruments import Multinomial
from jqd.records import Record
from jqd.report import load_law

ROOT = Path(__file__).resolve().parents[2]
FILES = ["my_law.py", "test_my_law.py", "experiment_my_law.py"]
H = np.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
PSI0 = np.sqrt([0.5, 0.3, 0.2]) + 0j


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def written(here, capsys):
    """A folder with the files of `my_law`."""
    assert main(["new-law", "my_law"]) == 0
    capsys.readouterr()
    return here


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_says_what_to_do_next(here, capsys):
    assert main(["new-law", "my_law"]) == 0
    assert names(here) == sorted(FILES)
    out = capsys.readouterr().out
    assert out.startswith(f"Written: {', '.join(FILES)}\n")
    for command in (
        "python -m pytest test_my_law.py",
        "jqd vet 'my_law.py:MyLaw[g=0.3]'",
        "jqd run experiment_my_law.py",
    ):
        assert f"  {command}" in out


def test_as_json_in_another_folder(here, printed):
    assert main(["new-law", "x2", "--out", "laws/new", "--json"]) == 0
    found = printed("new-law")
    assert found["law"] == "laws/new/x2.py:X2"
    assert found["files"] == [
        "laws/new/x2.py", "laws/new/test_x2.py", "laws/new/experiment_x2.py"
    ]  # fmt: skip
    assert all(Path(file).exists() for file in found["files"])


def test_the_law_is_short_and_names_nothing_of_the_template(written):
    text = (written / "my_law.py").read_text()
    assert len(text.splitlines()) < 60
    for file in FILES:
        text = (written / file).read_text()
        assert "own_law" not in text
        assert "OwnLaw" not in text
        assert "my_law" in text or "MyLaw" in text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MyLaw", "small letters, digits and single underscores, as my_law"),
        ("my-law", "but is 'my-law'"),
        ("2law", "but is '2law'"),
        ("my__law", "but is 'my__law'"),
        ("law_", "but is 'law_'"),
        ("", "but is ''"),
        ("../law", "but is '../law'"),
        ("grün", "but is 'grün'"),
        ("lambda", "but is 'lambda'"),
        ("jax", "must not be that of a Python library, but is 'jax'"),
        ("random", "must not be that of a Python library"),
    ],
)
def test_bad_names_are_one_line_and_exit_code_2(name, said, here, complaint):
    line = complaint("new-law", name)
    assert line.startswith("Error: Argument `NAME` must")
    assert said in line
    assert names(here) == []


@pytest.mark.parametrize("there", FILES)
def test_nothing_is_overwritten(there, here, capsys):
    (here / there).write_text("mine")
    assert main(["new-law", "my_law"]) == 2
    assert f"{there} is there already; nothing was written" in capsys.readouterr().err
    assert names(here) == [there]
    assert (here / there).read_text() == "mine"


def test_a_link_to_nowhere_is_not_followed(here, capsys):
    (here / "test_my_law.py").symlink_to(here / "elsewhere.py")
    assert main(["new-law", "my_law"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert names(here) == ["test_my_law.py"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(OSError(28, "No space left", "f"), 2), (KeyboardInterrupt(), 1)],
)
def test_all_files_or_none(error, code, here, capsys, monkeypatch):
    opened, ours = Path.open, []

    def once(path, mode="r", *args, **options):
        if "x" in mode and ours:
            raise error
        ours.extend([path] if "x" in mode else [])
        return opened(path, mode, *args, **options)

    monkeypatch.setattr(Path, "open", once)
    assert main(["new-law", "my_law"]) == code
    assert len(ours) == 1
    assert names(here) == []
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_folder_that_is_a_file(here, capsys):
    (here / "file").write_text("")
    assert main(["new-law", "my_law", "--out", "file"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "`--out` must be a writable folder" in line


def test_the_law_is_what_it_says(written):
    """Beside an independent program: SciPy's DOP853 of the printed equation."""
    rates = np.array([[0.2, 0.3 - 0.4j], [0.3 + 0.4j, -0.1]])
    start = np.array([0.6, 0.8j])
    ts = np.linspace(0, 3, 7)

    def field(t, psi):
        rho = np.abs(psi) ** 2
        return -1j * (rates @ psi - 0.7 * rho / (1 + rho / 0.25) * psi)

    other = solve_ivp(field, (0, 3), start, "DOP853", ts, rtol=1e-12, atol=1e-12)
    law = load_law("my_law.py")(rates, g=-0.7, rho_s=0.25)
    run = jqd.evolve(law, law.prepare(start), ts, observe="density")
    # evolved to relative errors of 1e-8
    np.testing.assert_allclose(run.values, np.abs(other.y.T) ** 2, atol=1e-7)
    # E is what U conserves together with <H>
    assert run.diagnostics["energy_drift"] < 1e-7


@pytest.mark.slow
def test_the_tests_run_as_written(written):
    def tests(*which):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *which],
            capture_output=True, text=True, timeout=300,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    done = tests(*FILES)
    assert done.returncode == 0, done.stdout
    assert "9 passed" in done.stdout
    # negative controls: an energy that is not of U; a U that is not the printed one
    text = (written / "my_law.py").read_text()
    for old, new, row in (
        ("jnp.log1p(x)", "jnp.log1p(2 * x)", "test_row_of_the_card[energy]"),
        ("1 + rho / self.rho_s", "1 + rho", "test_closed_form"),
        ("quantum=0.0", "quantum=0.1", "test_row_of_the_card[quantum limit]"),
    ):
        assert old in text
        (written / "my_law.py").write_text(text.replace(old, new, 1))
        done = tests(f"test_my_law.py::{row}")
        assert done.returncode == 1
        assert f"FAILED test_my_law.py::{row}" in done.stdout


@pytest.mark.slow
def test_its_constant_is_recovered_from_counts(written):
    """Pulls of g from 36 records of 1000 shots at each of 21 times."""
    make, ts, truth = load_law("my_law.py", "MyLaw"), jnp.linspace(0, 4, 21), 0.3
    law = make(H, truth)
    p = jqd.evolve(law, law.prepare(PSI0), ts, observe="density").values
    keys = jax.random.split(jax.random.key(0), 36)
    counts = jax.lax.map(lambda key: Multinomial().sample(key, p, 1000), keys)

    def fit(n):
        return jqd.fit(
            make(H), Record(ts, n, Multinomial()), psi0=PSI0, free=("g",),
            start={"g": 0.0}, starts=1, search=None,
            method=Fixed(jqd.steppers.rk4), substeps=8,
            # to 1e-6 of the span of g, far below its error
            polish=Polish(rtol=1e-6, atol=1e-6),
        )  # fmt: skip

    found = jax.jit(jax.vmap(fit))(counts)
    assert np.all(np.asarray(found.status) == jqd.Status.OK)
    g = found.constants["g"]
    pulls = (np.asarray(g.value) - truth) / np.asarray(g.stderr)
    # the mean of 36 normal pulls scatters by 1/6, their width by 0.12, and 29 or fewer
    # of them are within two in one case of 950
    assert abs(pulls.mean()) < 0.5
    assert abs(pulls.std(ddof=1) - 1) < 0.33
    assert np.sum(np.abs(pulls) <= 2) >= 30
    # told from quantum mechanics on the whole
    assert np.median(np.asarray(g.stderr)) < truth / 4


@pytest.mark.slow
def test_the_page_runs_as_printed(here, capsys):
    """From `jqd new-law` to a vetted, designed, simulated and recovered law, of a
    matrix and on a grid."""
    page = (ROOT / "docs" / "own_law.md").read_text(encoding="utf-8")
    printed = []
    for kind, block in re.findall(r"```(sh|python)\n(.*?)```", page, flags=re.DOTALL):
        if "def ground" in block:
            with Path("my_law.py").open("a") as file:
                file.write(f"\n\n{block}")
        if kind == "python":
            continue
        first, *words = shlex.split(block)
        if first == "jqd":  # pytest has a test of its own
            assert main(words) == 0, block
            printed.append(" ".join(capsys.readouterr().out.split()))
    assert len(printed) == 12
    assert "superposition" in printed[1]
    results = Path("results/experiment_my_law")
    summary = json.loads((results / "summary.json").read_text())
    assert summary["status"] == "ok"
    assert summary["norm"] == summary["energy"] == "holds"
    assert summary["superposition"] == "fails"
    assert {"card.csv", "distance.png", "sweep.zarr"} <= {*names(results)}
    for design, folder in ((3, "law"), (7, "on_grid")):
        summary = json.loads(Path(f"results/{folder}/summary.json").read_text())
        assert list(summary["constants"]) == ["g"]
        g = summary["constants"]["g"]
        # two draws: beyond 4 standard errors once in 5000 times
        assert abs(g["value"] - 0.5) < 4 * g["stderr"]
        planned = re.search(r"g \u2502 (\S+)", printed[design])
        assert g["stderr"] == pytest.approx(float(planned[1]), rel=0.1)
    assert "positions counted at 64 points" in printed[8]
    assert "The finite grid shifts about" in printed[9]
