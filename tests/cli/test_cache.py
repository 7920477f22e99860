"""Compiled code is kept between starts, and nothing goes wrong where it cannot be."""

import ast
import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

from jqd.cli import cache, main

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = "import sys; from jqd.cli import main; sys.exit(main())"
HIT, MISS = (f"/jax/compilation_cache/cache_{what}" for what in ("hits", "misses"))

# `sum_of_squares` names its entry of the cache; nothing else here is compiled.
EXPERIMENT = f"""
import jax
import numpy as np

def sum_of_squares(x):
    return (x @ x) ** 0.5

def run(context):
    events = []
    jax.monitoring.register_event_listener(lambda name, **_: events.append(name))
    value = jax.jit(sum_of_squares)(np.linspace(0, 1, 7))
    counts = {{"hits": events.count({HIT!r}), "misses": events.count({MISS!r})}}
    return {{"bits": float(value).hex(), **counts}}
"""


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """A folder for each test; JAX looks at the folder once and is told to forget it."""
    for name in ("JAX_COMPILATION_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JQD_CACHE", str(tmp_path / "cache"))
    names = (
        "jax_enable_compilation_cache",
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
    )
    before = {name: getattr(jax.config, name) for name in names}
    jax.config.update("jax_enable_compilation_cache", True)
    jax.config.update("jax_compilation_cache_dir", None)
    compilation_cache.reset_cache()
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


@pytest.fixture
def start(capsys, tmp_path):
    """Run an experiment as a new start would: what it says, and standard error."""
    file = tmp_path / "experiment.py"
    file.write_text(EXPERIMENT)

    def call():
        jax.clear_caches()
        jax.monitoring.clear_event_listeners()
        words = ["run", str(file), "--out", str(tmp_path / "out"), "--json"]
        assert main(words) == 0
        captured = capsys.readouterr()
        return json.loads(captured.out), captured.err

    yield call
    jax.monitoring.clear_event_listeners()


def entries(folder):
    return sorted(path.name for path in folder.glob("jit_sum_of_squares-*-cache"))


def test_the_second_start_compiles_nothing(start, tmp_path):
    first, _ = start()
    assert (first["hits"], first["misses"]) == (0, 1)
    assert len(entries(tmp_path / "cache")) == 1
    second, complaint = start()
    assert (second["hits"], second["misses"]) == (1, 0)
    assert second["bits"] == first["bits"]
    assert complaint == ""


@pytest.mark.slow
def test_a_fit_starts_with_few_programs(tmp_path):
    """Each is traced and loaded anew at each start, and 53 took as long again as 16.

    They are counted, not timed: seconds depend on what else a machine does. Four of
    them are the solver's own, of codes of a few bytes.
    """
    environment = {"JQD_CACHE": str(tmp_path / "cache"), "JAX_LOG_COMPILES": "1"}
    environment["XLA_FLAGS"] = ""  # programs as users have them
    for i in range(2):
        words = ["recover", "copying", "--out", str(tmp_path / f"out{i}")]
        run = subprocess.run(
            [sys.executable, "-c", COMMAND, *words], env={**os.environ, **environment},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        programs = re.findall(r"Compiling jit\((\w+)\) with", run.stderr)
        assert 5 < len(programs) <= 16
        assert "Results in" in run.stdout
        # the second start finds all that the first one kept
        entries = {path.name for path in (tmp_path / "cache").glob("*-cache")}
        assert len(entries) <= 16
        if i == 0:
            kept = entries
    assert entries == kept


@pytest.mark.slow
def test_processes_share_the_folder(tmp_path):
    """In processes of their own: the same bits, and nothing on standard error."""
    file = tmp_path / "experiment.py"
    file.write_text(EXPERIMENT)
    words = [sys.executable, "-c", COMMAND, "run", str(file), "--json"]
    outcomes = []
    for _ in range(2):
        done = subprocess.run(
            [*words, "--out", str(tmp_path / "out")], capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        outcomes.append(json.loads(done.stdout))
    first, second = outcomes
    assert (first["hits"], first["misses"]) == (0, 1)
    assert (second["hits"], second["misses"]) == (1, 0)
    assert second["bits"] == first["bits"]


def test_off_keeps_nothing(start, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    with monkeypatch.context() as patch:
        patch.setenv("JQD_CACHE", "off")
        for _ in range(2):
            result, _ = start()
            assert (result["hits"], result["misses"]) == (0, 0)
        assert not (tmp_path / "home" / "jqd").exists()


@pytest.mark.parametrize("kind", ["file", "below a file"])
def test_a_folder_that_cannot_be_written_is_done_without(
    start, monkeypatch, tmp_path, kind
):
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    folder = blocked if kind == "file" else blocked / "cache"
    monkeypatch.setenv("JQD_CACHE", str(folder))
    result, complaint = start()
    assert (result["hits"], result["misses"]) == (0, 0)
    assert complaint == ""


@pytest.mark.parametrize(
    "where", ["folder", "above", "owner", "entry", "mode", "link", "way", "target"]
)
def test_a_folder_of_others_is_refused(start, monkeypatch, tmp_path, where):
    """Whoever may write there could have anything run; the start goes on without."""
    above = tmp_path / "above"
    folder = above / "cache"
    folder.mkdir(parents=True, mode=0o700)
    if where == "owner":
        user = folder.stat().st_uid
        monkeypatch.setattr(os, "getuid", lambda: user + 1)
    elif where == "entry":
        entry = folder / "foreign-cache"
        entry.write_bytes(b"")
        mode, user = entry.stat().st_mode, folder.stat().st_uid
        state, lstat = SimpleNamespace(st_uid=user + 1, st_mode=mode), Path.lstat
        monkeypatch.setattr(
            Path, "lstat", lambda path: state if path == entry else lstat(path)
        )
    elif where == "mode":
        folder.chmod(0o755)
        (folder / "foreign-cache").write_bytes(b"")
        (folder / "foreign-cache").chmod(0o666)
    elif where == "link":
        (tmp_path / "foreign").write_bytes(b"")
        (folder / "foreign-cache").symlink_to(tmp_path / "foreign")
    elif where in ("way", "target"):
        # `above` is a link, in a folder of all or to something in one
        (tmp_path / "open").mkdir()
        above.rename(tmp_path / "open" / "real")
        if where == "way":
            (tmp_path / "open" / "real").rename(tmp_path / "real")
            (tmp_path / "open" / "link").symlink_to(tmp_path / "real")
            folder = tmp_path / "open" / "link" / "cache"
        else:
            above.symlink_to(tmp_path / "open" / "real")
        (tmp_path / "open").chmod(0o777)
    else:
        (folder if where == "folder" else above).chmod(0o770)
    monkeypatch.setenv("JQD_CACHE", str(folder))
    result, complaint = start()
    assert (result["hits"], result["misses"]) == (0, 0)
    assert complaint.count("\n") == 1
    assert "compiled code is not kept" in complaint
    assert str(above) in complaint or where in ("way", "target")
    assert "foreign-cache" in complaint or where not in ("entry", "mode", "link")
    assert entries(folder) == []


def test_a_mode_that_nobody_reaches_is_fine(start, tmp_path):
    """Entries of who works with umask 002, in the folder that jqd makes."""
    assert start()[1] == ""
    for path in (tmp_path / "cache").iterdir():
        path.chmod(0o664)
    second, complaint = start()
    assert complaint == ""
    assert second["hits"] == 1


def test_a_shared_place_with_the_sticky_bit_is_fine_above(start, tmp_path, monkeypatch):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setenv("JQD_CACHE", str(shared / "mine"))
    assert start()[1] == ""
    assert len(entries(shared / "mine")) == 1
    assert (shared / "mine").stat().st_mode & 0o777 == 0o700


class Marker:
    """What leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.slow
def test_a_hostile_file_is_not_run(tmp_path, monkeypatch):
    """Pickles under the names of entries, an index that names them: nothing loads."""
    folder, marker = tmp_path / "cache", tmp_path / "marker"
    folder.mkdir(mode=0o700)
    payload = pickle.dumps(Marker(marker))
    whole = hashlib.sha256(payload).digest() + payload
    for name in ("program-polish_one-00-cache", "jit_residuals-00-cache"):
        (folder / name).write_bytes(whole)
    for task in ("recover", "recover-copying"):
        (folder / f"programs-{task}").write_text("program-polish_one-00-cache")
    missing = ["--data", "no.csv", "--hamiltonian", "no.npy", "--state", "no.npy"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "recover", "copying", *missing],
        env={**os.environ, "PYTHONPATH": str(ROOT), "JQD_CACHE": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert not marker.exists()
    pickle.loads(payload)  # the payload works
    assert marker.exists()


def test_nothing_is_unpickled_or_evaluated():
    """No call that runs what a file holds stands anywhere in the package."""
    runs = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
    for path in sorted((ROOT / "jqd").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not runs & {a.name.partition(".")[0] for a in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in runs, path
                names = {alias.name for alias in node.names}
                assert not names & {*runs, "serialize_executable"}, path
            elif isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("eval", "exec"), path
                for keyword in node.keywords:
                    assert keyword.arg != "allow_pickle" or (
                        isinstance(keyword.value, ast.Constant)
                        and keyword.value.value is False
                    ), path


def test_half_an_entry_is_replaced(start, tmp_path):
    """What a killed process may leave; JAX alone would warn at every later start."""
    first, _ = start()
    folder = tmp_path / "cache"
    (name,) = entries(folder)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    broken, complaint = start()
    assert (broken["hits"], broken["misses"]) == (0, 1)
    assert broken["bits"] == first["bits"]
    assert complaint == ""
    assert start()[0]["hits"] == 1


def test_other_warnings_are_shown(tmp_path, capsys):
    file = tmp_path / "loud.py"
    file.write_text("import warnings\ndef run(context):\n    warnings.warn('loud')\n")
    with pytest.warns(UserWarning, match="loud"):
        main(["run", str(file), "--out", str(tmp_path / "out")])


def test_the_least_used_entries_go_first(monkeypatch, tmp_path):
    ages = {"new": 3, "old": 1, "middle": 2}
    for name, when in ages.items():
        path = tmp_path / f"{name}-cache"
        path.write_bytes(b"x" * 10)
        os.utime(path, (when, when))
    assert cache.cache_size(tmp_path) == (3, 30)
    for bound, kept in ((30, 3), (29, 2), (10, 1)):
        monkeypatch.setattr(cache, "MOST_BYTES", bound)
        monkeypatch.setenv("JQD_CACHE", str(tmp_path))
        cache.use_cache()
        left = {path.name.removesuffix("-cache") for path in tmp_path.glob("*-cache")}
        assert left == set(sorted(ages, key=lambda name: -ages[name])[:kept])


def test_where_the_folder_is(monkeypatch, tmp_path):
    assert cache.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("JQD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache.cache_folder()
    assert folder.parent == tmp_path / "jqd"
    assert folder.name.startswith("compiled-")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.cache_folder() == tmp_path / "home" / ".cache" / "jqd" / folder.name
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "own"))
    assert cache.cache_folder() == tmp_path / "own"
    monkeypatch.setenv("JQD_CACHE", "Off")
    assert cache.cache_folder() is None


def test_a_user_without_a_home(monkeypatch):
    monkeypatch.delenv("JQD_CACHE")

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert cache.cache_folder() is None


def test_info_says_where_and_how_much(start, capsys, tmp_path):
    start()
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    folder = tmp_path / "cache"
    sizes = [path.stat().st_size for path in folder.glob("*-cache")]
    assert facts["cache"] == str(folder)
    assert (facts["cache_entries"], facts["cache_bytes"]) == (len(sizes), sum(sizes))
    assert sizes
