import errno
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from jqd import _files as files
from jqd import _revision
from jqd.cli import fit as command
from jqd.cli.options import Common, Sampling
from jqd.inference.limits import bound_of
from jqd.inference.recovery_numbers import recovery_dataset
from jqd.report import store
from jqd.report.tables import recovery_details, recovery_summary

ROOT = Path(__file__).resolve().parents[2]


def test_a_second_run_gets_a_numbered_folder(tmp_path):
    wanted = tmp_path / "results" / "copying"
    first = store.new_run_folder(wanted)
    assert first == wanted
    # Even before the first run has written anything.
    second = store.new_run_folder(wanted)
    assert second.name == "copying-2"
    files.write_json({}, second / "summary.json")
    assert store.new_run_folder(wanted).name == "copying-3"


def test_an_empty_folder_is_used_and_a_full_one_is_not(tmp_path):
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    assert store.new_run_folder(empty) == empty
    assert store.new_run_folder(full).name == "full-2"
    assert [file.name for file in full.iterdir()] == ["notes.txt"]


def test_the_working_folder_itself_can_be_named(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "notes.txt").write_text("mine")
    assert store.new_run_folder(".") == tmp_path / "here-2"


@pytest.mark.parametrize("inside", [False, True])
def test_a_file_in_the_place_of_the_folder(tmp_path, inside):
    file = tmp_path / "file"
    file.write_text("mine")
    out = file / "run" if inside else file
    with pytest.raises(files.OutputError, match="`--out` must be a writable folder"):
        store.new_run_folder(out)
    assert file.read_text() == "mine"


def test_json_holds_arrays_and_no_nan(tmp_path):
    value = {"a": jnp.array([1.0, jnp.nan]), "b": np.float64(2), "c": (True, None)}
    path = files.write_json(value | {"z": 1 + 2j}, tmp_path / "x.json")
    assert json.loads(path.read_text()) == {
        "a": [1.0, None],
        "b": 2.0,
        "c": [True, None],
        "z": {"real": 1.0, "imag": 2.0},
    }
    with pytest.raises(TypeError, match="JSON cannot hold a set"):
        files.to_json({"a": {1}})


def test_csv_has_the_columns_of_all_rows(tmp_path):
    rows = [{"q": 0.5, "name": "a, b"}, {"q": np.float64(0.1), "r": 2}]
    path = store.write_csv(rows, tmp_path / "x.csv")
    assert path.read_text().splitlines() == ["q,name,r", '0.5,"a, b",', "0.1,,2"]


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("old")

    def full_disk():
        with files.atomic_file(path) as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(files.OutputError, match="No space left on device"):
        full_disk()
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]
    assert path.read_text() == "old"


def test_a_failed_dataset_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "data.zarr"
    store.write_dataset(xr.Dataset({"x": ("t", [1.0])}), path)

    def full_disk(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_zarr", full_disk)
    with pytest.raises(files.OutputError, match="No space left on device"):
        store.write_dataset(xr.Dataset({"x": ("t", [2.0])}), path)
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["data.zarr"]
    with xr.open_zarr(path) as back:
        assert back["x"].values == [1.0]


def test_a_dataset_comes_back_and_replaces_the_one_before(tmp_path):
    for value in (1j, 2j):
        dataset = xr.Dataset({"psi": ("x", [value])}, attrs={"q": jnp.array(0.5)})
        path = store.write_dataset(dataset, tmp_path / "data.zarr")
    with xr.open_zarr(path) as back:
        assert back["psi"].values == [2j]
        assert back.attrs == {"q": 0.5}


def test_an_interruption_says_where_the_finished_files_are(tmp_path):
    folder = tmp_path / "run"
    for words in ("no file was finished in .*run", "finished files are in .*run"):
        with (
            pytest.raises(KeyboardInterrupt, match=words),
            files.finished_work_in(folder),
        ):
            raise KeyboardInterrupt
        folder.mkdir(exist_ok=True)
        (folder / "table.csv").touch()


def test_provenance_names_versions_and_precision():
    origin = files.provenance()
    assert origin["precision"] == "float64"
    assert origin["date"].endswith("+00:00")
    assert {"jqd", "jax", "numpy", "python", "backend", "device"} <= set(origin)


def git(folder, *words):
    who = ["-c", "user.name=x", "-c", "user.email=x@y", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, "-C", folder, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def other(tmp_path):
    """A repository of the user with a package of the name jqd in it."""
    package = tmp_path / "other" / "jqd"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("x = 1\n")
    git(package.parent, "init", "-q")
    git(package.parent, "add", ".")
    git(package.parent, "commit", "-qm", "first")
    return package.parent


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="jqd from an archive")
def test_the_revision_is_that_of_jqd_wherever_the_user_stands(other, monkeypatch):
    _revision.revision.cache_clear()
    monkeypatch.chdir(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    found = files.provenance()["jqd_revision"]
    monkeypatch.undo()
    assert found.removesuffix("-dirty") == git(ROOT, "rev-parse", "HEAD")
    assert found.removesuffix("-dirty") != git(other, "rev-parse", "HEAD")


def test_a_repository_around_the_package_is_not_its_own(other):
    # tracked, but by a project of another name or of none
    assert _revision.revision(other / "jqd") is None
    (other / "pyproject.toml").write_text("[project]\nname = 'theirs'\n")
    _revision.revision.cache_clear()
    assert _revision.revision(other / "jqd") is None
    # in an environment inside of it, beside a pyproject of its own
    inner = other / "venv" / "jqd"
    inner.mkdir(parents=True)
    (inner / "__init__.py").write_text("")
    (inner.parent / "pyproject.toml").write_text("[project]\nname = 'jqd'\n")
    assert _revision.revision(inner) is None


def test_a_changed_package_is_marked(other):
    package = other / "jqd"
    (other / "pyproject.toml").write_text("[project]\nname = 'jqd'\n")
    head = git(other, "rev-parse", "HEAD")

    def now():
        _revision.revision.cache_clear()
        _revision.sources.cache_clear()
        return _revision.revision(package), _revision.sources(package)

    clean, first = now()
    assert clean == head
    (package / "__init__.py").write_text("x = 2\n")
    changed, second = now()
    assert changed == head + "-dirty"
    git(other, "checkout", "-q", "jqd")
    assert now() == (head, first)
    # a file that git does not know runs as well
    (package / "more.py").write_text("")
    more, third = now()
    assert more == head + "-dirty"
    assert len({first, second, third}) == 3
    (package / "more.py").unlink()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_bytes(b"1")
    assert now()[1] == first


def test_the_summary_of_a_recovery_has_the_promised_keys(recovery):
    summary = recovery_summary(recovery, 12.34567)
    plain = json.loads(files.to_json(summary))
    assert plain == {
        "law": "CopyDynamics",
        "constants": {
            "q": {"value": 0.50012, "stderr": 1e-4, "reference": 0.5},
            "R[0,1]": {"value": -0.4, "stderr": 0.02, "reference": None},
        },
        "step_bias": {"q": 2e-10, "R[0,1]": 1e-9},
        "deviation": {"q": 1.2e-4, "R[0,1]": None},
        "deviation_sigmas": {"q": 1.2, "R[0,1]": None},
        "status": "converged",
        "message": "4 of 5 starts agree",
        "errors_hold": True,
        "starts": 5,
        "chi2_per_dof": None,
        "p_value": None,
        "agreeing_starts": 0.8,
        "held_out": 0.0123,
        "runs": None,
        "runs_p_value": None,
        "pattern": None,
        "pulled": [],
        "seconds": 12.346,
    }
    details = json.loads(files.to_json(recovery_details(recovery)))
    assert details["covariance"] == [[1e-8, 0], [0, 4e-4]]


def test_draws_that_are_stopped_leave_the_fit(recovery, tmp_path, monkeypatch):
    """They take minutes, and the fit before them may have taken hours."""
    recovery.beside = lambda truth: recovery
    recovery.study.free = ("q", "R")
    recovery.substeps, recovery.held_out_rows = 3, 0
    recovery.ts, recovery.observed = np.linspace(0, 1, 4), np.eye(4)[:, :3]
    recovery.prediction = recovery.start_prediction = recovery.observed

    def stopped(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "recover", lambda *given, **options: recovery)
    limit = bound_of("q", 0.5, 1.5e-4, 0.5)
    monkeypatch.setattr(command, "limits_of", lambda *found, report: ([limit], []))
    monkeypatch.setattr(command, "draw_posterior", stopped)
    data = SimpleNamespace(noise=SimpleNamespace(known=True))
    with pytest.raises(files.Interrupted, match="finished files are in"):
        command.fit(
            Common(out=tmp_path / "run"), None, data, names=["p0", "p1", "p2"],
            settings={"data": "counts.csv"}, landscape=False,
            sampling=Sampling(posterior=True, sampler="laplace"),
            found=lambda one: {"grid_error": 3e-4}, note=lambda more: f"{more}",
        )  # fmt: skip
    kept = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert kept["constants"]["q"]["value"] == 0.50012
    assert [one["bound"] for one in kept["answers"]] == ["abs(q - 0.5) < 0.000294"]
    assert (kept["grid_error"], kept["note"]) == (3e-4, "{'grid_error': 0.0003}")
    assert kept["settings"]["data"] == "counts.csv"
    with xr.open_zarr(tmp_path / "run" / "data.zarr") as back:
        assert float(back["value"].sel(constant="q")) == 0.50012


def test_the_dataset_of_a_recovery_comes_back(recovery, tmp_path):
    ts, data = np.linspace(0, 1, 4), np.eye(4)[:, :3]
    recovery.ts, recovery.observed = ts, data
    recovery.prediction, recovery.start_prediction = data, data * np.nan
    dataset = recovery_dataset(
        recovery,
        ["p0", "p1", "p2"],
        landscape=(np.arange(3), np.arange(2), np.ones((2, 3))),
        attributes={"seed": 7, "sigma": None},
    )
    path = store.write_dataset(dataset, tmp_path / "data.zarr")
    with xr.open_zarr(path) as back:
        back = back.load()
    assert list(back["constant"].values) == ["q", "R[0,1]"]
    assert float(back["value"].sel(constant="q")) == 0.50012
    assert np.isnan(back["reference"].sel(constant="R[0,1]"))
    assert back["landscape"].shape == (2, 3)
    np.testing.assert_array_equal(back["data"], data)
    np.testing.assert_array_equal(back["starts"], recovery.starts)
    assert back.attrs["seed"] == 7
    assert back.attrs["law"] == "CopyDynamics"
    assert "precision" in back.attrs
    undescribed = [n for n in back.data_vars if "description" not in back[n].attrs]
    assert undescribed == []
