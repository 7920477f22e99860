"""What an experiment in parts keeps when it is stopped, and how it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from jqd.cli import main
from jqd.report.experiment import run_experiment
from jqd.report.parts import Parts
from jqd.report.user_code import ExperimentError

ROOT = Path(__file__).resolve().parents[2]

# Each part adds its name to a log; part 2 fails, or waits to be killed, at first.
WALK = """
import os
import time
from pathlib import Path

HERE = Path(__file__).parent
STEP = {step}


def run(context):
    x = 0.0
    for k in context.progress(4, "walking"):

        def work(k=k, x=x):
            first = not (HERE / "again").exists()
            (HERE / "again").touch() if k == 2 else None
            while k == 2 and first and {wait}:
                time.sleep(0.01)
            if k == 2 and first:
                {fail}
            with open(HERE / "log", "a") as file:
                file.write(f"{{k}} ")
            return {{"x": x + STEP / 3}}

        x = float(context.part(f"walk-{{k}}", work, {{"step": STEP, "x": x}})["x"])
    return {{"x": x, "quick": context.quick}}
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
    kept = sorted(file.name for file in (out / "parts").iterdir())
    assert kept == ["walk-0.npz", "walk-1.npz"]
    summary, folder = run_experiment(path, resume=out)
    assert folder == out
    # no part twice, the same bits as without a stop, and still the smaller version
    assert log_of(path) == ["0", "1", "2", "3"]
    expected = 0.0
    for _ in range(4):
        expected += 1.0 / 3
    assert summary["x"] == expected
    assert summary["quick"] is True
    assert not (out / "parts").exists()
    with pytest.raises(ValueError, match="has its summary: it is done"):
        run_experiment(path, resume=out)


def test_an_interrupt_says_how_to_go_on(walk, tmp_path):
    path, out = walk(fail="raise KeyboardInterrupt"), tmp_path / "an out"
    way = rf"go on with: jqd run {path} --resume '.*an out'$"
    with pytest.raises(KeyboardInterrupt, match=way):
        run_experiment(path, out)


def test_parts_of_other_parameters_are_refused(walk, tmp_path):
    path, out = walk(fail="raise OSError"), tmp_path / "out"
    with pytest.raises(ExperimentError):
        run_experiment(path, out)
    walk(step=2.0)
    with pytest.raises(ExperimentError, match=r"'walk-0' must have .* differs in step"):
        run_experiment(path, resume=out)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (None, "has no settings.json"),
        ("{", "cannot be read"),
        (json.dumps({"experiment": "run", "quick": False}), "is one of run"),
        (json.dumps({"copies": 1e6}), "has other settings"),
    ],
)
def test_what_is_no_stopped_run_is_refused(walk, tmp_path, settings, message):
    if settings is not None:
        (tmp_path / "settings.json").write_text(settings)
    with pytest.raises(ValueError, match=rf"`--resume` must be .*{message}"):
        run_experiment(walk(), resume=tmp_path)


def test_a_part_has_a_plain_name_and_whole_file(tmp_path):
    parts = Parts(tmp_path)
    for name in ("", "a/b"):
        with pytest.raises(ValueError, match="`name` must be a plain file name"):
            parts.once(name, dict, {})
    rows = parts.once("a", lambda: {"x": np.arange(3)}, {"ts": np.arange(2.0)})
    assert list(rows) == ["x"]
    again = parts.once("a", dict, {"ts": [0.0, 1.0]})
    np.testing.assert_array_equal(again["x"], np.arange(3))
    (tmp_path / "parts" / "a.npz").write_bytes(b"PK half")
    with pytest.raises(ValueError, match=r"a\.npz cannot be read .* remove it"):
        parts.once("a", dict, {})


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
    assert log_of(path) == ["0", "1"]
    assert main(["run", str(path), "--resume", str(out), "--json"]) == 0
    assert log_of(path) == ["0", "1", "2", "3"]
    assert json.loads(capfd.readouterr().out)["quick"] is False
