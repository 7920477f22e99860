"""`jqd sample copying`: what it writes, how it is stopped and taken up again."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import jax
import jsonschema
import numpy as np
import pytest
import xarray as xr

from jqd import problems
from jqd.cli import main, sample_copying
from jqd.ensembles.copying import sample
from jqd.laws import CopyDynamics
from jqd.report import json_schema
from jqd.sweeps import Store

# till 0.3 no class of the built-in problem comes near a node
WORDS = [
    "sample",
    "copying",
    "--copies",
    "2000",
    "--trajectories",
    "10",
    "--time",
    "0.3",
]
WORDS += ["--rows", "3", "--method", "exact"]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(sample_copying, "block_width", lambda size: 4)


def run(*words):
    return main([*WORDS, *map(str, words)])


def resume(place, *words):
    return main(["sample", "copying", "--resume", str(place), *map(str, words)])


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A run in one go: its folder, its store, and what it has printed."""
    folder, said = tmp_path_factory.mktemp("once"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setattr(sample_copying, "block_width", lambda size: 4)
        words = ["--seed", 3, "--out", folder / "run", "--store", folder / "store"]
        assert run(*words, "--json") == 0
    return folder / "run", folder / "store", said.getvalue()


@pytest.fixture
def shared(once, tmp_path):
    """A copy of that store, of which block 1 is not done."""
    store = tmp_path / "shared"
    shutil.copytree(once[1], store)
    Store(store).withdraw([1])
    (store / "leases" / "finished").unlink()
    return store


def test_results_are_written_and_printed(once):
    folder, _, said = once
    result = json.loads(said)
    jsonschema.validate(result, json_schema("sample copying"))
    assert result["status"] == "ok"
    assert result["trajectories"] == 10
    law, mean, error = (np.array(result[f"final_{name}"])
                        for name in ("law", "density", "stderr"))  # fmt: skip
    # four standard errors of four shares: one run in 4000 would fail
    assert np.all(np.abs(mean - law) < 4 * error)
    with xr.open_zarr(folder / "data.zarr") as data:
        assert data["occupation"].shape == (10, 3, 4)
        np.testing.assert_array_equal(data["occupation"].sum("class"), 2000)
    assert (folder / "copies.png").exists()


def test_a_block_has_the_key_of_its_number(once):
    """That of `sample` is fold_in(key(seed), block); the last block is cut off."""
    problem = problems.four_level()
    law = CopyDynamics.from_hamiltonian(np.asarray(problem.hamiltonian) + 0j)
    blocks = [
        sample(
            law, problem.psi0, np.linspace(0, 0.3, 3),
            jax.random.fold_in(jax.random.key(3), block), copies=2000, trajectories=4,
            method="exact",
        ).occupation
        for block in range(3)
    ]  # fmt: skip
    data = xr.open_zarr(once[0] / "data.zarr")
    # counts: rounding of times in another program would have to move a whole copy
    np.testing.assert_array_equal(data["occupation"], np.concatenate(blocks)[:10])


def test_a_stopped_run_goes_on_where_it_was(once, tmp_path, capsys, monkeypatch):
    """Nothing is lost or done twice: the result is that of one run, bit for bit."""
    commit, done = Store.commit, []

    def count(store, chunk, *results):
        if len(done) == 1:
            done.append("stopped")
            raise KeyboardInterrupt
        commit(store, chunk, *results)
        done.append(chunk)

    monkeypatch.setattr(Store, "commit", count)
    stopped = tmp_path / "stopped"
    assert run("--out", stopped, "--seed", 3) == 1
    complaint = capsys.readouterr().err
    assert "interrupted" in complaint
    assert f"jqd sample copying --resume {stopped}" in " ".join(complaint.split())
    store = stopped / "blocks.zarr"
    assert Store(store).committed() == [done[0]]
    assert not (stopped / "summary.json").exists()

    assert resume(stopped, "--seed", 4) == 2
    assert "`--seed` must not be given with `--resume`" in capsys.readouterr().err
    assert resume(stopped, "--json") == 0
    assert sorted(c for c in done if c != "stopped") == [0, 1, 2]
    check_equal(stopped, once[0])
    assert not store.exists()
    capsys.readouterr()
    assert resume(stopped) == 2
    assert "it is done" in capsys.readouterr().err


def check_equal(one, other):
    data = [xr.open_zarr(run / "data.zarr").load() for run in (one, other)]
    assert data[0].equals(data[1])
    for name in data[0].data_vars:
        assert data[0][name].values.tobytes() == data[1][name].values.tobytes()


def test_a_store_elsewhere_is_shared_and_stays(once, shared, tmp_path, capsys):
    # who joins needs no other option, and writes a folder of results of its own
    assert resume(shared, "--out", tmp_path / "two") == 0
    check_equal(once[0], tmp_path / "two")
    assert Store(shared).committed() == [0, 1, 2]
    capsys.readouterr()
    words = ["--store", shared, "--out", tmp_path / "three", "--seed", 3]
    assert run(*words, "--q", "0.4") == 2
    assert "computes something else than" in capsys.readouterr().err
    assert not (tmp_path / "three").exists()
    assert resume(shared, "--store", shared) == 2
    assert "must not be given with `--resume`" in capsys.readouterr().err


def test_blocks_that_were_given_up_are_no_result(once, shared, tmp_path, capsys):
    (shared / "leases" / "0000001.failed").write_text('{"reason": "it was too much"}')
    words = ["--out", tmp_path / "run"]
    assert resume(shared, *words) == 1
    error = capsys.readouterr().err
    assert "it was too much" in error
    assert "1 of 3 blocks" in error.splitlines()[-1]
    assert not (tmp_path / "run").exists()
    assert resume(shared, *words, "--retry-failed") == 0
    check_equal(once[0], tmp_path / "run")


# -- processes --------------------------------------------------------------------

LONG = ["--copies", "1e6", "--trajectories", "50", "--time", "1", "--rows", "3"]
# One that is to be killed stops before its third commit, and waits for it.
CODE = """
import os, sys, time
from jqd.cli import main, sample_copying
from jqd.sweeps import Store

sample_copying.block_width = lambda size: 4
commit, done = Store.commit, []


def hold(store, chunk, *results):
    if len(done) == 2:
        time.sleep(600)
    commit(store, chunk, *results)
    done.append(chunk)


if "HELD" in os.environ:
    Store.commit = hold
sys.exit(main(["sample", "copying", *sys.argv[1:]]))
"""


@pytest.mark.slow
def test_killed_and_resumed_by_two_workers_it_has_the_same_bits(tmp_path):
    """The leap: 13 blocks of 4, and two with halved steps; kill -9 after two."""

    def start(*words, **environment):
        return subprocess.Popen(
            [sys.executable, "-c", CODE, *map(str, words)], text=True,
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
            env=os.environ | environment,
        )  # fmt: skip

    once, killed, store = (tmp_path / name for name in ("once", "killed", "store"))
    alone = start(*LONG, "--out", once)
    _, error = alone.communicate(timeout=600)
    assert alone.returncode == 0, error
    words = ["--out", tmp_path / "none", "--store", store, "--lease", "5"]
    process, commits = start(*LONG, *words, HELD="1"), store / "commits"
    while process.poll() is None and len(list(commits.glob("*.json"))) < 2:
        time.sleep(0.01)
    process.kill()
    _, error = process.communicate()
    assert process.returncode == -signal.SIGKILL, error
    before = {file: file.stat().st_mtime_ns for file in commits.glob("*.json")}
    assert len(before) == 2
    # told to take one thread, as an engine may: XLA would round otherwise
    words = ["--resume", store, "--out", killed, "--workers", 2]
    again = start(*words, NPROC="1")
    _, error = again.communicate(timeout=600)
    assert again.returncode == 0, error
    assert len(list(commits.glob("*.json"))) == 15
    for file, written in before.items():  # none of them was computed again
        assert file.stat().st_mtime_ns == written
    check_equal(once, killed)
    steps = Store(store).dataset()["steps"].values
    # leaps end at times that are recorded, 2 in some fifty steps
    assert np.mean(steps[13:]) / np.mean(steps[:13]) == pytest.approx(2, rel=0.05)


@pytest.mark.slow
def test_extinction_is_said_and_exits_with_1(tmp_path, capsys):
    state, matrix = tmp_path / "psi.npy", tmp_path / "H.npy"
    np.save(state, np.array([1.0, 0.0]))
    np.save(matrix, np.array([[0.0, 1.0], [1.0, 0.0]]))
    words = ["--state", state, "--hamiltonian", matrix, "--out", tmp_path / "run"]
    assert run(*words) == 1
    assert "lost its last system" in " ".join(capsys.readouterr().out.split())
    assert run(*words, "--remedy", "spectators:2e0") == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--remedy", "magic:3"], "`--remedy` must be one of none, spectators:NUMBER"),
        (["--remedy", "spectators:some"], "`--remedy`"),
        (["--remedy", "spectators:2.5"], "`--remedy` must be one of none"),
        (["--remedy", "spectators:inf"], "'spectators:inf' has no whole number"),
        (["--remedy", "admixture:2"], "`admixture` must be in"),
        (["--copies", "0"], "`--copies` must be a whole number above 0"),
        (["--copies", "2.5"], "`--copies` must be a whole number"),
        (["--copies", "3"], "`--copies` must be at least the 4 classes"),
        (["--copies", "4"], "`--copies` must represent the populations"),
        (["--method", "euler"], "`--method` must be one of"),
        (["--time", "-1"], "`--time` must be positive"),
        (["--time", "1e300"], "`--time` must be reached in 1e+09 steps"),
        (["--trajectories", "99999999999999"], "`--trajectories` must fit into memory"),
        (["--rows", "99999999999999"], "of them at 99999999999999 times takes"),
        (["--copies", "1e300"], "`--copies` must be at most 9007199254740992"),
        (["--remedy", "spectators:100000000000000000"], "`spectators` must be at most"),
        (["--state", "x.npy"], "`--hamiltonian` and `--state` must be given together"),
        (["--resume", "nowhere"], "`--resume` must be a run of `jqd sample copying`"),
    ],
)
def test_bad_input_is_one_line_and_no_folder(tmp_path, capsys, words, message):
    out = tmp_path / "run"
    assert run("--out", out, *words) == 2
    complaint = capsys.readouterr().err.strip()
    assert message in complaint
    assert "\n" not in complaint
    assert not out.exists()


def test_a_run_that_was_stopped_while_it_wrote_goes_on(tmp_path):
    """Its blocks are removed last: before that the summary is not all there is."""
    (tmp_path / "summary.json").write_text("{}")
    blocks = tmp_path / sample_copying.BLOCKS
    blocks.mkdir()
    found = sample_copying._stopped(str(tmp_path))
    assert found == (tmp_path, str(blocks))
    blocks.rmdir()
    with pytest.raises(ValueError, match="has its summary: it is done"):
        sample_copying._stopped(str(tmp_path))


def test_what_is_no_run_cannot_be_resumed(tmp_path, capsys):
    file, store = tmp_path / "f.py", tmp_path / "store"
    file.write_text("axes = {'q': [0.1]}\ndef point(q):\n    return {'x': q}\n")
    assert main(["sweep", str(file), "--out", str(store)]) == 0
    capsys.readouterr()
    assert resume(store) == 2
    assert "is another sweep" in capsys.readouterr().err
