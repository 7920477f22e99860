"""Engines: the files of the docs, and a run of each on this machine."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
import yaml

import jqd
from jqd.cli._app import with_address
from jqd.cli.sweeping import _without
from jqd.sweeps import Local, Ray, Store, SweepError
from jqd.sweeps.engines import last_line, shares
from jqd.sweeps.program import use_processors

from .conftest import values

DOCS = (Path(__file__).parents[2] / "docs" / "engines.md").read_text()
AXES = {"q": np.arange(40.0)}
# What all workers of these tests compute, in a file as they need it.
POINT = """
import jax
import numpy as np

axes = {"q": np.arange(40.0)}


def point(q, key):
    return {"x": 2 * q + 0 * jax.random.normal(key)}


def wrong(q):
    return {"x": undefined}
"""


def block(language, heading):
    """The code of a section of docs/engines.md."""
    section = DOCS.partition(f"## {heading}\n")[2]
    return re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)[1]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "doubled.py"
    path.write_text(POINT)
    return path


@pytest.fixture
def point(file, monkeypatch):
    """The function `point` of that file."""
    return imported(file).point


def imported(file):
    spec = importlib.util.spec_from_file_location("doubled", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def command(tmp_path):
    """A folder with a program `jqd`, and an `srun` that runs what it is given."""
    programs = tmp_path / "bin"
    programs.mkdir()
    code = "import sys; from jqd.cli import main; sys.exit(main())"
    for name, line in {
        "jqd": f'exec {sys.executable} -c "{code}" "$@"',
        "srun": 'exec "$@"',
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    return programs


def check_sound(store):
    dataset = jqd.open_sweep(store)
    np.testing.assert_array_equal(dataset.x, 2 * AXES["q"])
    assert (dataset.status == 0).all()


# -- the files --------------------------------------------------------------------


def test_the_file_for_slurm_is_an_array_of_workers():
    text = block("bash", "SLURM")
    assert subprocess.run(["bash", "-n"], input=text, text=True).returncode == 0
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)(?:=(\S+))?$", text, re.MULTILINE))
    assert text.startswith("#!/bin/bash\n")
    assert re.fullmatch(r"\d+-\d+%\d+", options["array"])
    assert {"gpus-per-task", "time", "requeue"} <= options.keys()
    # nothing tells one worker from another
    assert "SLURM" not in re.sub(r"^#.*$", "", text, flags=re.MULTILINE)


def test_the_file_for_kubernetes_is_a_job_without_an_index():
    job = yaml.safe_load(block("yaml", "Kubernetes"))
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec = job["spec"]
    assert spec["completionMode"] == "NonIndexed"
    assert "completions" not in spec
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "OnFailure"
    (container,) = pod["containers"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 1}
    named = {entry["name"] for entry in container["env"]}
    wanted = {w[2:-1] for w in container["command"] if w.startswith("$(")}
    assert wanted == named
    # credentials come as a secret, never as a word of the command
    assert container["envFrom"] == [{"secretRef": {"name": "store-credentials"}}]


def test_the_commands_for_ray_can_be_read():
    text = block("bash", "Ray")
    assert subprocess.run(["bash", "-n"], input=text, text=True).returncode == 0
    last = with_address(text.strip().splitlines()[-1].split())
    assert last[:2] == ["jqd", "sweep"]
    assert _without(last, ("--ray", "--gpus-per-worker")) == [
        "jqd", "sweep", '"$FILE"', "--out", '"$STORE"',
    ]  # fmt: skip


@pytest.mark.slow
def test_three_tasks_of_the_slurm_array_share_a_sweep(command, file, tmp_path):
    script, store = tmp_path / "sweep.sbatch", tmp_path / "store"
    script.write_text(block("bash", "SLURM"))
    tasks = [
        subprocess.Popen(
            ["bash", str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {
                "PATH": f"{command}:{os.environ['PATH']}", "FILE": str(file),
                "STORE": str(store), "SLURM_JOB_ID": "17",
                "SLURM_ARRAY_TASK_ID": str(i), "SLURM_ARRAY_TASK_COUNT": "3",
                "SLURM_PROCID": "0", "SLURM_NTASKS": "1", "SLURM_CPUS_PER_TASK": "1",
            },
        )
        for i in range(3)
    ]  # fmt: skip
    for task in tasks:
        _, error = task.communicate(timeout=200)
        assert task.returncode == 0, error
    check_sound(store)


@pytest.mark.slow
def test_the_container_of_the_kubernetes_job_is_a_worker(command, file, tmp_path):
    job = yaml.safe_load(block("yaml", "Kubernetes"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    own = {"FILE": str(file), "STORE": str(tmp_path / "store")}
    words = [
        re.sub(r"\$\((\w+)\)", lambda match: own[match[1]], word)
        for word in container["command"]
    ]
    path = f"{command}:{os.environ['PATH']}"
    program = shutil.which(words[0], path=path)
    done = subprocess.run(
        [program, *words[1:]], capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    check_sound(tmp_path / "store")


# -- processes of this machine ----------------------------------------------------


def test_shares_of_the_processors_cover_all(monkeypatch):
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda pid: {3, 5, 7, 9, 11}, raising=False
    )
    assert shares(1) == [[3, 5, 7, 9, 11]]
    assert shares(2) == [[3, 5], [7, 9, 11]]
    assert shares(5) == [[3], [5], [7], [9], [11]]
    assert shares(7) == [[3], [5], [7], [9], [11], [3], [5]]


@pytest.mark.parametrize(("given", "devices"), [("1", 2), ("3", 3)])
def test_a_worker_has_two_devices_at_least(monkeypatch, given, devices):
    """XLA compiles otherwise for one: last bits would tell who had one alone."""
    monkeypatch.setenv("NPROC", given)
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    taken = {}
    monkeypatch.setattr(jax.config, "update", taken.__setitem__)
    use_processors()
    assert taken == {"jax_num_cpu_devices": devices}
    assert os.environ["NPROC"] == "4"  # more threads than devices


@pytest.mark.slow
def test_local_workers_share_a_sweep(point, store):
    dataset = jqd.sweep(
        point, AXES, store=store, engine=Local(2), chunk=4, tile=4, progress=False
    )
    np.testing.assert_array_equal(dataset.x, 2 * AXES["q"])
    alone = jqd.sweep(
        point, AXES, store=store.with_name("alone"), chunk=4, tile=4, progress=False
    )
    assert values(dataset) == values(alone)


@pytest.mark.slow
def test_what_a_local_worker_refuses_is_told(file, point, store):
    jqd.sweep(point, AXES, store=store, seed=3, progress=False)
    with pytest.raises(ValueError, match="its seed is 3, not 4"):
        jqd.sweep(point, AXES, store=store, seed=4, engine=Local(2), progress=False)
    with pytest.raises(SweepError, match="NameError: name 'undefined'"):
        jqd.sweep(
            imported(file).wrong, AXES, store=store.with_name("w"), engine=Local(1),
            progress=False,
        )  # fmt: skip


def test_a_function_that_no_other_process_finds_is_refused(store):
    def inner(q):
        return {"x": q}

    for function in (inner, lambda q: {"x": q}, jqd.Schrodinger.step):
        with pytest.raises(ValueError, match="must be defined at the top of a file"):
            jqd.sweep(function, AXES, store=store, engine=Local(2))
    assert not store.exists()


def test_words_of_the_command_that_workers_get():
    options = ("--workers", "--ray", "--gpus-per-worker")
    words = with_address(["sweep", "f.py", "--ray", "--out", "s", "--workers=3"])
    assert _without(words, options) == ["sweep", "f.py", "--out", "s"]
    words = ["sweep", "--ray", "10.0.0.1:6379", "f.py", "--workers", "3", "--json"]
    assert _without(words, options, ("--json",)) == ["sweep", "f.py"]
    assert with_address(["--ray", "f.py"]) == ["--ray", "local", "f.py"]
    assert with_address(["f.py", "--ray"]) == ["f.py", "--ray", "local"]
    assert with_address(["--ray", "ray://h:1"]) == ["--ray", "ray://h:1"]
    assert last_line("a\nError: b\n\n") == "Error: b"


# -- Ray --------------------------------------------------------------------------

ray_is_here = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason="Ray is not installed: pip install -e '.[engine]'",
)
DRIVER = """
import sys, numpy as np, jax
jax.config.update("jax_enable_x64", True)
import importlib.util, jqd
from jqd.sweeps import Ray
spec = importlib.util.spec_from_file_location("slow", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
jqd.sweep(module.point, module.axes, store=sys.argv[2], engine=Ray(workers=2, gpus=0),
          chunk=16, tile=16, lease=3.0, progress=False)
"""
SLOW = """
import jax, os
import jax.numpy as jnp
import numpy as np

axes = {"q": np.arange(1600.0)}


def point(q, key):
    x = jax.random.normal(key, (50,))
    step = lambda x, _: (jnp.sin(x) + 1e-3 * q, None)
    return {"x": q * x, "mean": jax.lax.scan(step, x, length=25_000)[0].mean()}
"""


def test_without_ray_one_is_told_what_to_install(monkeypatch, point, store):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install 'jqd\[engine\]'"):
        jqd.sweep(point, AXES, store=store, engine=Ray(), progress=False)


@pytest.fixture
def slow_sweep(tmp_path):
    """A file and a store, and that sweep by one worker alone."""
    path = tmp_path / "slow.py"
    path.write_text(SLOW)
    alone = jqd.sweep(
        imported(path).point, imported(path).axes, store=tmp_path / "alone", chunk=16,
        tile=16, progress=False,
    )  # fmt: skip
    return path, tmp_path / "store", values(alone)


def drive(path, store):
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(path), str(store)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"RAY_AUTH_MODE": "disabled"},
    )  # fmt: skip


def done_chunks(store):
    commits = store / "commits"
    return len(list(commits.glob("*.json"))) if commits.exists() else 0


def wait_for_the_end(store):
    """Until no chunk has come for as long as many chunks take."""
    before = -1
    while (now := done_chunks(store)) > before:
        before = now
        time.sleep(2)


def wait_for(store, count, process):
    while done_chunks(store) < count:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)


def actors(of):
    """Processes of the actors that a process has started through Ray."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            title = (entry / "cmdline").read_text()
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if "ray::Worker" in title and of.encode() in environment:
            found.append(int(entry.name))
    return found


@pytest.mark.slow
@ray_is_here
def test_an_actor_that_is_killed_is_started_again(slow_sweep, monkeypatch):
    path, store, alone = slow_sweep
    mark = f"JQD_TEST={store}"
    monkeypatch.setenv("JQD_TEST", str(store))
    driver = drive(path, store)
    wait_for(store, 10, driver)
    first = actors(mark)
    assert len(first) == 2
    os.kill(first[0], signal.SIGKILL)
    _, error = driver.communicate(timeout=300)
    assert driver.returncode == 0, error
    assert values(jqd.open_sweep(store)) == alone


@pytest.mark.slow
@ray_is_here
def test_a_driver_that_is_killed_loses_what_is_not_committed(slow_sweep, monkeypatch):
    path, store, alone = slow_sweep
    driver = drive(path, store)
    wait_for(store, 10, driver)
    driver.kill()
    driver.communicate()
    wait_for_the_end(store)  # Ray ends its workers
    when = {f: f.stat().st_mtime_ns for f in (store / "commits").glob("*.json")}
    assert 10 <= len(when) < Store(store).blocks.count
    again = drive(path, store)
    _, error = again.communicate(timeout=300)
    assert again.returncode == 0, error
    # only what was missing is computed
    assert {file: file.stat().st_mtime_ns for file in when} == when
    assert values(jqd.open_sweep(store)) == alone
