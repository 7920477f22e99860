"""Chunks of a sweep."""

import math

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jqd
from jqd.sweeps.points import CHUNK_BYTES, CHUNKS, Blocks, chunk_points
from jqd.sweeps.program import Program
from jqd.sweeps.store import Store

shapes = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


@settings(max_examples=60, deadline=None)
@given(shapes, st.integers(1, 60))
def test_chunks_are_runs_of_points_that_cover_all_once(shape, points):
    blocks = Blocks.of(shape, points)
    every = np.arange(math.prod(shape)).reshape(shape)
    seen = []
    for chunk in range(blocks.count):
        first, last = blocks.ends(chunk)
        inside = every[blocks.region(chunk)]
        np.testing.assert_array_equal(inside.ravel(), np.arange(first, last + 1))
        assert inside.size <= min(points, blocks.most)
        seen += range(first, last + 1)
    assert seen == list(range(math.prod(shape)))


def test_a_chunk_takes_whole_rows_where_it_can():
    assert Blocks.of((1000, 3), 64).block == (21, 3)
    assert Blocks.of((10, 100, 100), 500).block == (1, 5, 100)
    assert Blocks.of((10, 100), 1).block == (1, 1)
    assert Blocks.of((10, 100), 10**6).count == 1


@pytest.mark.parametrize(
    ("size", "tile", "each", "points"),
    [
        (10**6, 64, 8, -(-(10**6) // CHUNKS)),  # so many chunks by custom
        (1000, 64, 8, 64),  # never less than is computed at once ...
        (10**6, 64, CHUNK_BYTES // 10, 10),  # ... but a file has a limit
        (10**6, 64, 2 * CHUNK_BYTES, 1),
    ],
)
def test_size_of_a_chunk(size, tile, each, points):
    assert chunk_points(size, tile, each) == points


def test_a_device_has_its_next_program_before_the_last_one_is_kept(
    tmp_path, monkeypatch
):
    """So that it never waits for the host, unless to keep takes longer than to run."""
    told, start, commit = [], Program.start, Store.commit

    def started(self, tiles):
        told.append("start")
        return start(self, tiles)

    def committed(self, *chunk):
        told.append("commit")
        return commit(self, *chunk)

    monkeypatch.setattr(Program, "start", started)
    monkeypatch.setattr(Store, "commit", committed)
    axes = {"q": np.linspace(0.3, 0.7, 64)}
    options = {"tile": 8, "chunk": 8, "batch": 1, "devices": jax.devices()[:1]}
    jqd.sweep(lambda q: {"square": q**2}, axes, store=tmp_path / "s", **options)
    starts = np.cumsum([what == "start" for what in told])
    # when the k-th chunk is committed, k + 1 programs have begun, or all eight
    begun = starts[[what == "commit" for what in told]]
    np.testing.assert_array_equal(begun, np.minimum(np.arange(2, 10), 8))
