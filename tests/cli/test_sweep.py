"""`jqd sweep` and `jqd sweep status`."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr

from jqd.cli import main

FILE = """
import jax
import jax.numpy as jnp
import numpy as np

units = {"x": "m"}
constants = {"factor": 2}


def axes(quick):
    return {"q": np.arange(5.0 if quick else 30.0)}


def point(q, key):
    return {"x": 2 * q + 0 * jax.random.normal(key), "status": jnp.where(q > 27, 4, 0)}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "doubling.py"
    path.write_text(FILE)
    return path


def test_a_sweep_and_its_status(file, tmp_path, printed):
    store = tmp_path / "store"
    assert main(["sweep", str(file), "--out", str(store), "--json"]) == 0
    summary = printed("sweep run")
    assert summary["points"] == 30
    assert summary["status"] == {"ok": 28, "horizon": 2}
    dataset = xr.open_zarr(store)
    np.testing.assert_array_equal(dataset.x, 2 * np.arange(30.0))
    assert dataset.x.attrs["units"] == "m"
    assert dataset.attrs["constants"] == {"factor": 2}

    assert main(["sweep", "status", str(store), "--json"]) == 0
    status = printed("sweep status")
    assert status["function"] == "point"
    assert status["axes"] == {"q": [30]}
    assert status["damaged chunks"] is None
    assert status["leases"] == []
    assert status["status"] == {"ok": 28, "horizon": 2}


def test_it_goes_on_and_says_so_in_a_table(file, tmp_path, capsys):
    store = tmp_path / "store"
    words = ["sweep", str(file), "--out", str(store), "--chunk", "4", "--tile", "4"]
    assert main(words) == 0
    (store / "commits" / "0000003.json").unlink()
    assert main(["sweep", "status", str(store)]) == 1
    assert "7 of 8" in capsys.readouterr().out
    assert main(words) == 0
    assert "status.ok" in capsys.readouterr().out


def test_a_damaged_chunk_is_reported_in_a_line(file, tmp_path, capsys):
    store = tmp_path / "store"
    assert main(["sweep", str(file), "--out", str(store)]) == 0
    (store / "x" / "c" / "0").write_bytes(b"not this")
    capsys.readouterr()
    assert main(["sweep", "status", str(store), "--check", "--json"]) == 1
    damage = json.loads(capsys.readouterr().out)["damaged chunks"]
    assert damage == {"0": "'x' cannot be read"}
    assert main(["sweep", str(file), "--out", str(store)]) == 0
    error = capsys.readouterr().err
    assert error.startswith("Note: Chunk 0 of ")
    assert "Warning" not in error
    assert main(["sweep", "status", str(store), "--check"]) == 0


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("text", "words", "code", "message"),
    [
        (FILE, ["--seed", "1"], 2, "`--out` must be the store of this sweep, but"),
        (FILE, ["--seed", "1"], 2, "its seed is 0, not 1"),
        (FILE, ["--lease", "7"], 2, "its leases last 120 s, not 7 s (`--lease`)"),
        (FILE, ["--out", "ftp://x/y"], 2, "Argument `--out` must be a path or a URL"),
        (FILE, ["--chunk", "0"], 2, "greater than or equal to 1"),
        (FILE.replace("def point", "def dot"), [], 2, "define a function `point("),
        (FILE.replace("def axes", "def box"), [], 2, "must define `axes`"),
        (FILE.replace("2 * q", "2 * qq"), [], 1, "doubling.py:15: NameError"),
        (FILE.replace("(q, key)", "(p, key)"), [], 2, "no axis is called 'p'"),
    ],
)
def test_what_goes_wrong_is_one_line(
    file, tmp_path, capsys, text, words, code, message
):
    store = tmp_path / "store"
    assert main(["sweep", str(file), "--out", str(store), "--quick"]) == 0
    capsys.readouterr()
    file.write_text(text)
    words = ["sweep", str(file), "--out", str(store), "--quick", *words]
    assert main(words) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_a_store_must_be_named(file, capsys, monkeypatch):
    assert main(["sweep", str(file)]) == 2
    assert capsys.readouterr().err == "Error: Missing option '--out'.\n"
    monkeypatch.setenv("COLUMNS", "78")
    assert main(["sweep", "run", "--help"]) == 0
    assert "MISSING" not in capsys.readouterr().out


def test_status_of_what_is_no_store(tmp_path, capsys):
    assert main(["sweep", "status", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: Argument `STORE` must be")
    assert "holds nothing" in said


def test_no_sound_point_is_exit_code_1(file, tmp_path):
    file.write_text(FILE.replace("q > 27", "q > -1"))
    assert main(["sweep", str(file), "--out", str(tmp_path / "s"), "--quick"]) == 1


SLOW = """
import jax
import numpy as np

axes = {"q": np.arange(20000.0)}


def point(q, key):
    return {"x": q * jax.random.normal(key, (50,))}
"""


@pytest.mark.slow
def test_an_interrupt_leaves_a_store_to_go_on_with(tmp_path):
    file, store = tmp_path / "slow.py", tmp_path / "store"
    file.write_text(SLOW)
    words = ["sweep", str(file), "--out", str(store), "--chunk", "16", "--tile", "16"]
    code = "import sys; from jqd.cli import main; sys.exit(main(sys.argv[1:]))"
    child = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "JQD_CACHE": "off"},
    )  # fmt: skip
    commits = store / "commits"
    while child.poll() is None and not (commits.exists() and any(commits.iterdir())):
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=60)
    assert child.returncode == 1
    # a write that was under way may complain after it, from Zarr's event loop
    assert any(line.startswith("Error: interrupted; ") for line in error.splitlines())
    assert "go" in error
    assert main(["sweep", "status", str(store)]) == 1


def test_a_second_worker_joins_with_the_settings_of_the_store(
    file, tmp_path, printed, capsys
):
    store = tmp_path / "store"
    words = ["sweep", str(file), "--out", str(store), "--chunk", "4", "--tile", "4"]
    assert main([*words, "--seed", "3", "--quick"]) == 0
    # some of it is to be done again, by who knows neither seed nor --quick
    (store / "commits" / "0000001.json").unlink()
    capsys.readouterr()
    assert main(["sweep", "work", str(store), str(file), "--json"]) == 0
    assert printed("sweep work")["points"] == 5
    file.write_text(FILE.replace("2 * q", "3 * q"))
    assert main(["sweep", "work", str(store), str(file)]) == 2


def test_to_join_what_is_not_there_is_refused(file, tmp_path, capsys):
    assert main(["sweep", "work", str(tmp_path / "none"), str(file)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: Argument `STORE` must be")
    assert "holds nothing" in said
    assert not (tmp_path / "none").exists()


def test_status_shows_who_computes_what(file, tmp_path, printed, capsys):
    store = tmp_path / "store"
    words = ["sweep", str(file), "--out", str(store), "--chunk", "4", "--tile", "4"]
    assert main(words) == 0
    (store / "commits" / "0000002.json").unlink()
    lease = store / "leases" / "0000002.1"
    lease.write_text('{"host": "node7", "pid": 99}')
    ago = time.time() - 50
    os.utime(lease, (ago, ago))
    capsys.readouterr()
    assert main(["sweep", "status", str(store), "--json"]) == 1
    (found,) = printed("sweep status")["leases"]
    # that the command itself takes some time
    assert 50 <= found.pop("age") < 80
    assert found == {"chunk": 2, "host": "node7", "pid": 99, "generation": 1}
    assert main(["sweep", "status", str(store)]) == 1
    out = capsys.readouterr().out
    assert "node7" in out
    assert {p.name for p in (store / "leases").iterdir()} == {"finished", "0000002.1"}


def test_a_sweep_without_a_store_is_refused(file, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(file)]) == 2
    assert "Missing option '--out'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.slow
def test_local_workers_get_the_same_command(file, tmp_path, capsys):
    store = tmp_path / "store"
    words = ["sweep", str(file), "--out", str(store), "--chunk", "4", "--tile", "4"]
    assert main([*words, "--workers", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == {"ok": 28, "horizon": 2}
    np.testing.assert_array_equal(xr.open_zarr(store).x, 2 * np.arange(30.0))
    assert main([*words, "--workers", "2", "--seed", "1"]) == 2
    error = capsys.readouterr().err
    assert error.strip().endswith("or remove it.")
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [["--ray", "--workers", "2"], ["--ray=nowhere:1"]])
def test_ray_that_is_not_there_is_one_line(file, tmp_path, capsys, words, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["sweep", str(file), "--out", str(tmp_path / "s"), *words]) == 2
    error = capsys.readouterr().err
    assert "pip install 'jqd[engine]'" in error
    assert len(error.strip().splitlines()) == 1
