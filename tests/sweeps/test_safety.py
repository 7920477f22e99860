"""Stores that differ, damage, full disks, interrupts: one line each, nothing lost."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import jax
import numpy as np
import pytest

import jqd
from jqd._files import Interrupted, OutputError
from jqd.sweeps import Store
from jqd.sweeps import store as store_module
from jqd.sweeps.run import DamagedChunk

from .conftest import bits

AXES = {"q": np.linspace(0.0, 1.0, 60)}


def plain(q, key):
    """Quick to compile."""
    return {"x": q * 2 + jax.random.uniform(key), "pair": q * np.arange(2.0)}


def run(store, function=plain, axes=AXES, **options):
    options = {"tile": 8, "chunk": 8, "progress": False} | options
    return jqd.sweep(function, axes, store=store, **options)


def other(q, key):
    return {"x": q * 3 + jax.random.uniform(key), "pair": q * np.arange(2.0)}


def more(q, key):
    return plain(q, key) | {"y": q}


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"function": other}, "its function 'plain' computes something else"),
        ({"function": more}, "its results are .* not "),
        ({"axes": {"q": np.linspace(0, 2, 60)}}, "its axis 'q' has other values"),
        ({"axes": {"q": np.arange(61.0)}}, r"'q' has shape \(60,\), not \(61,\)"),
        ({"axes": jqd.Points(**AXES)}, "are an outer product, not a table"),
        ({"seed": 1}, "its seed is 0, not 1"),
        ({"tile": 4}, "its tile is 8, not 4"),
        ({"chunk": 16}, r"its chunks are \[8\], not \[16\]"),
    ],
)
def test_a_store_of_another_sweep_is_refused_and_kept(store, change, message):
    run(store)
    before = bits(store)
    with pytest.raises(ValueError, match=f"^Argument `store` must .*{message}") as info:
        run(store, **change)
    assert "\n" not in str(info.value)
    assert bits(store) == before


def test_axes_of_other_names_are_refused(store):
    run(store)
    with pytest.raises(ValueError, match="its axes are q, not r"):
        run(store, lambda r: {"x": r}, {"r": AXES["q"]})


@pytest.mark.parametrize("package", ["jqd", "jax", "jaxlib"])
def test_a_store_of_other_versions_is_refused(store, package):
    run(store)
    text = (store / "zarr.json").read_text()
    version = Store(store).manifest["versions"][package]
    (store / "zarr.json").write_text(
        text.replace(f'"{package}": "{version}"', f'"{package}": "0.0.1"')
    )
    with pytest.raises(ValueError, match=f"it was made with {package} 0.0.1, and this"):
        run(store)


def test_what_is_no_store_is_refused_and_kept(store):
    store.mkdir()
    (store / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="must be a new folder or the store"):
        run(store)
    assert (store / "thesis.tex").read_text() == "years of work"
    with pytest.raises(ValueError, match="must be a new folder with resume=False"):
        run(store, resume=False)
    with pytest.raises(ValueError, match="holds something else"):
        jqd.open_sweep(store)


def test_a_damaged_chunk_is_named_and_computed_again(store):
    run(store)
    before = bits(store)
    file = Store(store).file("pair", 3)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"chunk 3 .* 'pair' has another checksum"):
        jqd.open_sweep(store)
    with pytest.warns(DamagedChunk, match=r"^Chunk 3 of .* computed again\.$"):
        run(store)
    assert bits(store) == before


def test_a_lost_file_and_a_torn_mark_are_damage_too(store):
    run(store)
    before = bits(store)
    Store(store).file("x", 0).unlink()
    (store / "commits" / "0000005.json").write_text('{"sha256": {')
    assert set(Store(store).damage()) == {0, 5}
    with pytest.warns(DamagedChunk) as record:
        run(store)
    assert len(record) == 2
    assert bits(store) == before


def test_drafts_that_a_killed_process_left_are_removed(store):
    run(store)
    before = bits(store)
    Store(store).withdraw([2])
    draft = Store(store).file("x", 2).with_suffix(".0123.partial")
    draft.write_bytes(b"half")
    (store / "commits" / ".0000002-77.json").write_text("{")
    run(store)
    assert bits(store) == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_gives_out_costs_what_is_not_committed(store, monkeypatch, code):
    flush, calls = store_module._flush, []

    def failing(path):
        calls.append(path)
        if len(calls) > 7:  # the third chunk: three files and a mark each
            raise OSError(code, os.strerror(code))
        flush(path)

    monkeypatch.setattr(store_module, "_flush", failing)
    with pytest.raises(OutputError, match=os.strerror(code)) as info:
        run(store)
    assert str(info.value).startswith("Argument `store` must be a writable folder")
    monkeypatch.undo()
    kept = Store(store)
    done = kept.committed()
    assert 0 < len(done) < kept.blocks.count
    assert kept.damage() == {}
    first = bits(store)
    run(store)
    after = bits(store)
    marks = [f"commits/{chunk:07d}.json" for chunk in done]
    assert {m: first[m] for m in marks} == {m: after[m] for m in marks}


def test_a_small_disk_that_is_full(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("a file system of its own cannot be mounted here")
    try:
        axes = {"q": np.arange(4000.0)}
        with pytest.raises(OutputError, match="No space left on device"):
            run(disk / "store", axes=axes, tile=64, chunk=64)
        kept = Store(disk / "store")
        done = kept.committed()
        assert done
        assert kept.damage() == {}
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        run(disk / "store", axes=axes, tile=64, chunk=64)
        whole = run(tmp_path / "whole", axes=axes, tile=64, chunk=64)
        found = jqd.open_sweep(disk / "store")
        assert found.x.values.tobytes() == whole.x.values.tobytes()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("where", ["/proc/no/store", "/dev/null/store"])
def test_a_store_that_cannot_be_made_is_one_line(where):
    with pytest.raises(OutputError, match=r"^Argument `store` must be a writable fold"):
        run(Path(where))


def test_an_interrupt_says_how_far_it_is(store, monkeypatch):
    commit = Store.commit

    def stopped(self, chunk, *rest):
        if chunk == 4:
            raise KeyboardInterrupt
        commit(self, chunk, *rest)

    monkeypatch.setattr(Store, "commit", stopped)
    with pytest.raises(Interrupted, match=r"^4 of 8 chunks are in .*; the same call"):
        run(store)
    monkeypatch.undo()
    run(store)
    assert len(Store(store).committed()) == 8


SCRIPT = textwrap.dedent(
    """
    import os, random, signal, sys, time, warnings

    warnings.filterwarnings("ignore")  # of fork: JAX has started nothing yet
    import jax

    jax.config.update("jax_enable_x64", True)
    import jqd
    import numpy as np


    def point(q, key):
        x = jax.random.normal(key, (50,))
        return {"x": q * x, "mean": x.mean()}


    def begin(store):
        child = os.fork()
        if child == 0:
            jqd.sweep(
                point, {"q": np.arange(4000.0)}, store=store, tile=16, chunk=16,
                progress=False,
            )
            os._exit(0)
        return child


    def marks(store):
        try:
            return {f for f in os.listdir(store + "/commits") if f[0] != "."}
        except FileNotFoundError:
            return set()


    whole, store, kills, seed = *sys.argv[1:3], *map(int, sys.argv[3:])
    began = time.monotonic()
    os.waitpid(begin(whole), 0)
    length = time.monotonic() - began
    random.seed(seed)
    counts, when = [], {}
    for _ in range(kills):
        child = begin(store)
        # the second half: the first goes by with imports and compilation
        time.sleep(random.uniform(0.4, 0.9) * length)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for mark in when:  # no chunk that was committed is computed again
            assert os.stat(store + "/commits/" + mark).st_mtime_ns == when[mark]
        now = marks(store)
        assert set(when) <= now
        when = {m: os.stat(store + "/commits/" + m).st_mtime_ns for m in now}
        counts.append(len(now))
    _, code = os.waitpid(begin(store), 0)
    assert code == 0
    for mark in when:
        assert os.stat(store + "/commits/" + mark).st_mtime_ns == when[mark]
    print(*counts)
    """
)


def kill_again_and_again(tmp_path, kills, seed):
    """Chunks committed after each kill."""
    whole, store = tmp_path / "whole", tmp_path / "store"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(whole), str(store), str(kills), str(seed)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert bits(store) == bits(whole)
    return [int(word) for word in done.stdout.split()]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_five_kills_leave_the_store_of_an_undisturbed_run(tmp_path):
    counts = kill_again_and_again(tmp_path, kills=5, seed=1)
    assert counts == sorted(counts)
    assert counts[-1] > 0  # some of the kills hit it while it wrote


@pytest.mark.slow
def test_twenty_kills_leave_the_store_of_an_undisturbed_run(tmp_path):
    counts = kill_again_and_again(tmp_path, kills=20, seed=2)
    assert counts == sorted(counts)
    assert counts[-1] > 0
