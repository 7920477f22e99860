"""Stores that differ, damage, full disks, interrupts: one line each, nothing lost."""

import errno
import json
import math
import os
import shutil
import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd._files import Interrupted, OutputError
from jqd.cli import main
from jqd.sweeps import Store, layout, objects
from jqd.sweeps.points import Blocks
from jqd.sweeps.progress import Progress
from jqd.sweeps.work import DamagedChunk

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
    file = store / Store(store).key("pair", 3)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"chunk 3 .* 'pair' cannot be read"):
        jqd.open_sweep(store)
    with pytest.warns(DamagedChunk, match=r"^Chunk 3 of .* computed again\.$"):
        run(store)
    assert bits(store) == before


def test_a_lost_file_and_a_torn_mark_are_damage_too(store):
    run(store)
    before = bits(store)
    (store / Store(store).key("x", 0)).unlink()
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
    old = (store / Store(store).key("x", 2)).with_name("2#1")
    old.write_bytes(b"half")
    # of a process that lives, or may
    young = "commits/0000002.json#1"
    (store / young).write_text("{")
    os.utime(old, (0, 0))
    run(store)
    after = bits(store)
    assert after.pop(young)
    assert after == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_gives_out_costs_what_is_not_committed(store, monkeypatch, code):
    flush, calls = objects._flush, []

    def failing(path):
        calls.append(path)
        if len(calls) > 40:  # beyond those of the empty store and some chunks
            raise OSError(code, os.strerror(code))
        flush(path)

    monkeypatch.setattr(objects, "_flush", failing)
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


@pytest.mark.slow
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
    commit, done = Store.commit, []

    def stopped(self, chunk, *rest):
        if len(done) == 4:
            raise KeyboardInterrupt
        commit(self, chunk, *rest)
        done.append(chunk)

    monkeypatch.setattr(Store, "commit", stopped)
    with pytest.raises(Interrupted, match=r"^4 of 8 chunks are in .*; the same call"):
        run(store)
    monkeypatch.undo()
    run(store)
    assert len(Store(store).committed()) == 8


def test_what_a_killed_worker_wrote_and_did_not_commit_is_not_done(
    store, monkeypatch, capsys
):
    """Killed between the values of its second chunk and its commit, as by kill -9."""
    put_new = objects.Objects.put_new

    def killed(self, key, data):
        if key.startswith("commits/") and Store(self).committed():
            raise SystemExit
        return put_new(self, key, data)

    monkeypatch.setattr(objects.Objects, "put_new", killed)
    with pytest.raises(SystemExit):
        run(store, last_letters, {"q": np.arange(10.0)}, tile=4, chunk=4)
    monkeypatch.undo()
    ((first,), opened) = Store(store).committed(), Store(store)
    done = opened.blocks.points([first])
    # the last chunk has 2 points
    assert done == (2 if first == 2 else 4)
    assert int((opened.dataset()["status"] == 0).sum()) == done
    assert int((jqd.open_sweep(store)["status"] == -1).sum()) == 10 - done
    assert Progress(opened, {first}, show=False)._done() == done
    assert main(["sweep", "status", str(store), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["chunks"] == "1 of 3"
    assert told["status"] == {"ok": done, "pending": 10 - done}


def test_points_of_chunks_are_those_of_their_regions():
    blocks = Blocks.of((3, 10), 4)
    sizes = [math.prod(s.stop - s.start for s in blocks.region(c)) for c in range(9)]
    assert [blocks.points([c]) for c in range(9)] == sizes
    assert blocks.points(set(range(9))) == blocks.size == 30
    assert blocks.points(set()) == 0


def last_letters(q):
    return {"zz": 2 * q}


@pytest.mark.parametrize("stop", range(1, 5))
def test_a_store_that_was_being_made_is_made_by_the_same_call(
    store, tmp_path, monkeypatch, stop
):
    """Killed at any moment: its root comes last, whatever the names are."""
    put_new, made = objects.Objects.put_new, []

    def killed(self, key, data):
        if len(made) == stop:
            raise SystemExit
        made.append(key)
        return put_new(self, key, data)

    monkeypatch.setattr(objects.Objects, "put_new", killed)
    with pytest.raises(SystemExit):
        run(store, last_letters)
    monkeypatch.undo()
    assert "zarr.json" not in made
    monkeypatch.setattr(layout, "WAIT", 0.1)
    with pytest.raises(
        OutputError, match=r"another sweep is being made, .*'q' has other values; its"
    ):
        run(store, lambda q: {"zz": jnp.stack([q, q])}, {"q": AXES["q"] + 1})
    run(store, last_letters)
    run(tmp_path / "whole", last_letters)
    assert bits(store) == bits(tmp_path / "whole")


def test_a_store_of_another_precision_is_refused(store):
    """The program is the same, of float32; random bits and constants may not be."""

    def single(q):
        return {"x": jnp.float32(2) * q}

    axes = {"q": np.linspace(0, 1, 8, dtype=np.float32)}
    run(store, single, axes)
    with (
        jax.enable_x64(False),
        pytest.raises(ValueError, match="its precision is float64"),
    ):
        run(store, single, axes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"chunk": 16}, r"its chunks are \[8\], not \[16\] \(`chunk`\)"),
        ({"tile": 4}, "its tile is 8, not 4"),
        ({"seed": 3}, "its seed is 0, not 3"),
        ({"lease": 7.0}, r"its leases last 120 s, not 7 s \(`lease`\)"),
    ],
)
def test_of_two_who_begin_at_once_the_second_is_told_how_it_differs(
    store, monkeypatch, change, said
):
    """The first has said what it makes, and goes on while the second looks."""
    put_new, turn = objects.Objects.put_new, []

    def other_first(self, key, data):
        if not turn:
            turn.append(key)
            run(store)
        return put_new(self, key, data)

    monkeypatch.setattr(objects.Objects, "put_new", other_first)
    with pytest.raises(ValueError, match=said):
        run(store, **change)
    assert turn == [layout.MAKING]
    assert not (store / layout.MAKING).exists()
    assert Store(store).damage() == {}
