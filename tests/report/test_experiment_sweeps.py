"""What an experiment with sweeps keeps when it is stopped, and how it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jqd.cli import main
from jqd.report.experiment import run_experiment
from jqd.report.user_code import ExperimentError
from jqd.sweeps import Store

ROOT = Path(__file__).resolve().parents[2]

# Each point adds its number to a log; point 2 fails, or waits to be killed, at first.
WALK = """
import time
from functools import partial
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
STEP = {step}


def place(k, far):
    first = not (HERE / "again").exists()
    (HERE / "again").touch() if k == 2 else None
    while k == 2 and first and {wait}:
        time.sleep(0.01)
    if k == 2 and first:
        {fail}
    with open(HERE / "log", "a") as file:
        file.write(f"{{k}} ")
    return {{"x": k * STEP / far}}


def run(context):
    axes = {{"k": np.arange(4)}}
    found = context.sweep(partial(place, far=3), axes, "walk", trace=False)
    return {{"x": found.x.values, "quick": context.quick}}
"""


@pytest.fixture
def walk(tmp_path):
    def write(step=1.0, *, wait=False, fail="pass"):
        path = tmp_path / "walk.py"
        path.write_text(WALK.format(step=step, wait=wait, fail=fail))
        return path

    return write


def log_of(path):
    return (path.parent / "log").read_text().split()


def test_a_run_that_failed_goes_on_where_it_was(walk, tmp_path):
    path, out = walk(fail="raise OSError('no more')"), tmp_path / "out"
    with pytest.raises(ExperimentError, match="no more"):
        run_experiment(path, out, quick=True)
    done = Store(out / "sweeps" / "walk.zarr").committed()
    # a worker begins at a random chunk
    assert sorted(log_of(path)) == [str(k) for k in sorted({0, *done})]
    assert 2 not in done
    summary, folder = run_experiment(path, resume=out)
    assert folder == out
    # no point twice, the same bits as without a stop, and still the smaller version;
    # the first point, whose results all must be like, is called before the store is
    assert sorted(set(log_of(path))) == ["0", "1", "2", "3"]
    assert all(log_of(path).count(str(k)) == 1 for k in (1, 2, 3))
    assert summary["x"] == [k / 3 for k in range(4)]
    assert summary["quick"] is True
    assert not (out / "sweeps").exists()
    with pytest.raises(ValueError, match="has its summary: it is done"):
        run_experiment(path, resume=out)


def test_an_interrupt_says_how_to_go_on(walk, tmp_path):
    path, out = walk(fail="raise KeyboardInterrupt"), tmp_path / "an out"
    way = rf"go on with: jqd run {path} --resume '.*an out'$"
    with pytest.raises(KeyboardInterrupt, match=way):
        run_experiment(path, out)


def test_a_run_of_another_function_is_refused(walk, tmp_path):
    path, out = walk(fail="raise OSError"), tmp_path / "out"
    with pytest.raises(ExperimentError):
        run_experiment(path, out)
    walk(step=2.0)
    with pytest.raises(ExperimentError, match="computes something else than 'place'"):
        run_experiment(path, resume=out)


def test_runs_share_a_store_elsewhere_which_stays(walk, tmp_path):
    path, store = walk(), tmp_path / "shared"
    one, _ = run_experiment(path, tmp_path / "one", store=str(store))
    calls = len(log_of(path))
    two, _ = run_experiment(path, tmp_path / "two", store=str(store))
    assert one["x"] == two["x"]
    assert len(log_of(path)) == calls
    assert Store(store / "walk.zarr").committed() == [0, 1, 2, 3]


def test_what_was_stopped_goes_on_in_its_store(walk, tmp_path):
    path, store = walk(fail="raise OSError('no more')"), tmp_path / "shared"
    with pytest.raises(ExperimentError, match="no more"):
        run_experiment(path, tmp_path / "out", store=str(store))
    run_experiment(path, resume=tmp_path / "out")
    assert all(log_of(path).count(str(k)) == 1 for k in (1, 2, 3))
    assert Store(store / "walk.zarr").committed() == [0, 1, 2, 3]


RAISES = """
import equinox as eqx
import numpy as np


def point(q):
    return {"x": eqx.error_if(q, q > 2, "q is too much")}


def run(context):
    context.sweep(point, {"q": np.arange(4.0)}, NAME)
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [("fine", "1 points of .*fine.zarr have no values: .*q is too much"),
     ("a/b", "`name` must be a plain file name"), ("", "`name` must be a plain")],
)  # fmt: skip
def test_points_without_values_are_no_result(tmp_path, name, message):
    path = tmp_path / "raises.py"
    path.write_text(RAISES.replace("NAME", repr(name)))
    with pytest.raises(ExperimentError, match=message):
        run_experiment(path, tmp_path / "out")


@pytest.mark.slow
def test_workers_share_the_sweeps_of_a_run(walk, tmp_path, capfd):
    path, out = walk(), tmp_path / "out"
    words = ["run", str(path), "--out", str(out), "--workers", "2", "--json"]
    assert main(words) == 0
    assert json.loads(capfd.readouterr().out)["x"] == [k / 3 for k in range(4)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (None, "has no settings.json"),
        ("{", "cannot be read"),
        (
            json.dumps({"experiment": "run", "quick": False, "store": None}),
            "is one of run",
        ),
        (json.dumps({"copies": 1e6}), "has other settings"),
    ],
)
def test_what_is_no_stopped_run_is_refused(walk, tmp_path, settings, message):
    if settings is not None:
        (tmp_path / "settings.json").write_text(settings)
    with pytest.raises(ValueError, match=rf"`--resume` must be .*{message}"):
        run_experiment(walk(), resume=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_killed_run_is_taken_up_again(walk, tmp_path, capfd, how):
    path, out = walk(wait=True), tmp_path / "out"
    code = "import sys; from jqd.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", str(path), "--out", str(out)],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not (tmp_path / "again").exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(how)
    _, complaint = process.communicate(timeout=300)
    if how == signal.SIGINT:
        assert f"go on with: jqd run {path} --resume {out}" in complaint
    store = out / "sweeps" / "walk.zarr"
    assert 2 not in Store(store).committed()
    for lease in (store / "leases").glob("*.1"):  # as if half a minute had gone by
        os.utime(lease, (time.time() - 60,) * 2)
    assert main(["run", str(path), "--resume", str(out), "--json"]) == 0
    assert all(log_of(path).count(str(k)) == 1 for k in (1, 2, 3))
    assert json.loads(capfd.readouterr().out)["quick"] is False
