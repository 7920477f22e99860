"""Sweeps on one device: values, bits, status, what is on disk."""

import json
import sys
from enum import IntEnum

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
import zarr

import jqd
from jqd.report.sweep_words import status_counts
from jqd.sweeps import Store, program, tiles
from jqd.sweeps.points import Lattice
from jqd.sweeps.trace import Traced

from .conftest import bits, kicked

AXES = {"q": np.linspace(0.1, 2.0, 10), "r": np.linspace(-1.0, 1.0, 7)}


def run(store, function=kicked, axes=AXES, **options):
    options = {"tile": 8, "chunk": 21, "progress": False} | options
    return jqd.sweep(function, axes, store=store, **options)


def test_values_are_those_of_the_function(store):
    dataset = run(store, seed=3)
    assert dict(dataset.sizes) == {"q": 10, "r": 7, "density_0": 16}
    np.testing.assert_array_equal(dataset.q, AXES["q"])
    assert dataset["count"].dtype.kind == "i"
    for i, j in ((0, 0), (4, 6), (9, 3)):
        key = jax.random.fold_in(jax.random.key(3), 7 * i + j)
        expected = kicked(AXES["q"][i], AXES["r"][j], key)
        found = dataset.isel(q=i, r=j)
        for name, value in expected.items():
            # compiled with other points around: rounding of some 50 operations
            np.testing.assert_allclose(found[name], value, rtol=1e-13, atol=1e-15)
    assert np.all(dataset.status == 0)


@pytest.mark.bits
def test_bits_do_not_depend_on_batch_nor_chunk(store, tmp_path):
    whole = run(store)
    for number, options in enumerate(
        ({"batch": 8}, {"batch": 1000}, {"chunk": 5}, {"chunk": 70}, {"batch": 1})
    ):
        other = run(tmp_path / str(number), **options)
        for name in whole.data_vars:
            assert whole[name].values.tobytes() == other[name].values.tobytes()


def test_the_same_sweep_gives_the_same_files(store, tmp_path):
    run(store)
    run(tmp_path / "again", batch=16)
    assert bits(store) == bits(tmp_path / "again")
    run(tmp_path / "other", seed=1)
    assert bits(store) != bits(tmp_path / "other")


def test_the_function_is_traced_once(store):
    traces = []

    def counted(q):
        traces.append(q)
        return {"x": q}

    run(store, counted, {"q": np.arange(200.0)}, chunk=16, batch=16)
    assert len(traces) == 1


def test_a_store_opens_in_xarray_and_zarr_without_a_word(store):
    dims = {"density": ["site"]}
    run(
        store, dims=dims, coords={"site": np.arange(16.0)},
        units={"q": "1", "density": "1/m"}, constants={"steps": 20}, seed=4,
    )  # fmt: skip
    dataset = xr.open_zarr(store)  # warnings are errors here
    assert dataset.density.dims == ("q", "r", "site")
    assert dataset.density.attrs["units"] == "1/m"
    assert dataset.attrs["constants"] == {"steps": 20}
    assert dataset.attrs["seed"] == 4
    assert dataset.attrs["jax"] == jax.__version__
    assert len(dataset.attrs["jqd_revision"] or "x" * 40) >= 40
    assert len(dataset.attrs["jqd_sources"]) == 64
    assert dataset.status.attrs["flag_meanings"].split()[:3] == [
        "failed", "pending", "ok",
    ]  # fmt: skip
    names = set(zarr.open_group(store, mode="r").array_keys())
    assert names == {"q", "r", "site", "status", *kicked(1.0, 1.0, jax.random.key(0))}


def test_a_table_of_points_and_arrays(store):
    matrices = np.arange(12.0).reshape(3, 2, 2)
    table = jqd.Points(H=matrices, shift=[1, 2, 3])
    dataset = run(store, lambda H, shift: {"trace": jnp.trace(H) + shift}, table)
    np.testing.assert_array_equal(dataset.trace, [4.0, 13.0, 22.0])
    assert dataset.trace.dims == ("point",)
    np.testing.assert_array_equal(dataset.coords["H"], matrices)
    np.testing.assert_array_equal(dataset.coords["shift"], [1, 2, 3])


def test_an_axis_of_matrices(store):
    axes = {"H": np.arange(8.0).reshape(2, 2, 2), "s": [1.0, 10.0]}
    dataset = run(store, lambda H, s: {"trace": s * jnp.trace(H)}, axes)
    np.testing.assert_array_equal(dataset.trace, [[3.0, 30.0], [11.0, 110.0]])
    np.testing.assert_array_equal(dataset.coords["H_value"], axes["H"])


def test_a_status_of_the_function_travels_with_the_data(store):
    def one(q):
        return {"x": jnp.log(q), "status": jnp.where(q > 1.5, 4, 0)}

    with jax.debug_nans(False):
        dataset = run(store, one, {"q": [-1.0, 1.0, 2.0]})
    np.testing.assert_array_equal(dataset.status, [jqd.Status.NON_FINITE, 0, 4])


def test_statuses_of_another_kind_can_be_named(store):
    class Fit(IntEnum):
        CONVERGED = 0
        LOST = 9

    dataset = run(
        store, lambda q: {"status": 9 * jnp.int32(q > 1)}, {"q": [1.0, 2.0]},
        statuses=Fit,
    )  # fmt: skip
    np.testing.assert_array_equal(dataset.status, [0, 9])
    meanings = dataset.status.attrs["flag_meanings"]
    assert meanings == "failed pending converged lost"


@pytest.mark.bits
def test_one_failing_point_does_not_stop_the_sweep(store, tmp_path):
    def checked(q, r, key):
        found = kicked(q, r, key)
        bad = (q > 1.1) & (q < 1.2) & (r > 0.9)
        return eqx.error_if(found, bad, "the point is bad", on_error="raise")

    dataset = run(store, checked)
    np.testing.assert_array_equal(np.argwhere(dataset.status.values), [[5, 6]])
    assert dataset.status[5, 6] == -2
    assert np.all(np.isnan(dataset.density[5, 6]))
    opened = Store(store)
    said = opened.failures(opened.committed())
    assert list(said) == [5 * 7 + 6]
    assert "the point is bad" in said[41]
    # all others have the bits of a sweep in which no point fails
    whole = run(tmp_path / "whole")
    sound = dataset.status.values == 0
    for name in ("density", "mean", "noise"):
        assert (
            whole[name].values[sound].tobytes() == dataset[name].values[sound].tobytes()
        )


def test_a_device_out_of_memory_gets_smaller_calls(store, tmp_path, monkeypatch):
    start, calls = program.Program.start, []

    def short(self, tiles):
        calls.append(len(tiles))
        if len(tiles) > 2:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
        return start(self, tiles)

    monkeypatch.setattr(program.Program, "start", short)
    run(store, batch=1000)
    assert max(calls) > 2
    assert calls[-1] <= 2
    monkeypatch.undo()
    run(tmp_path / "roomy", batch=1000)
    assert bits(store) == bits(tmp_path / "roomy")


def test_memory_that_not_even_a_tile_has_is_named(store, monkeypatch):
    monkeypatch.setattr(program, "free_memory", lambda devices: 10)
    with pytest.raises(ValueError, match=r"^Argument `tile` must be below 8, but is"):
        run(store)
    assert not store.exists()


def test_a_call_is_cut_to_the_memory_that_is_there(monkeypatch):
    lattice = Lattice(AXES)
    traced = Traced(kicked, lattice, 0, 8)
    devices = jax.local_devices()[:1]
    roomy = program.Program(traced, lattice, devices, 64)
    assert roomy.tiles == 64
    need = program._needs(roomy._compiled)
    monkeypatch.setattr(program, "free_memory", lambda devices: need / 4)
    assert 1 <= program.Program(traced, lattice, devices, 64).tiles <= 16


def test_the_tile_of_an_accelerator_goes_by_its_arrays(monkeypatch):
    monkeypatch.setattr(program, "TILE", {})
    lattice, devices = Lattice({"q": np.arange(1e6)}), jax.local_devices()
    small = Traced(lambda q: {"x": q + 1}, lattice, 0, 8)
    assert program.default_tile(devices, lattice.size, small) == program.MOST
    assert program.default_tile(devices, 100, small) == 128
    large = Traced(lambda q: {"x": (q + jnp.ones(2**15)).sum()}, lattice, 0, 8)
    # 2^15 numbers of 8 bytes a point: 2^10 points fill 2^28 bytes
    assert program.default_tile(devices, lattice.size, large) == 2**10


def test_a_log_gets_a_line_now_and_then(store, monkeypatch, capsys):
    monkeypatch.setattr(sys.modules["jqd.sweeps.progress"], "LOOK", 0.0)
    monkeypatch.setattr(sys.modules["jqd.sweeps.progress"], "LINE", 0.0)
    run(store, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("21 of 70 points, ")
    assert lines[-1].startswith("70 of 70 points, ")


def test_a_tile_is_cut_to_what_fourier_transforms_may_take(store, monkeypatch):
    module = sys.modules["jqd.sweeps.plan"]
    monkeypatch.setattr(module, "FFT_BYTES", 5 * 16 * 16)
    run(store, tile=None)
    assert Store(store).manifest["tile"] == 5


def test_what_is_committed_is_not_computed_again(store, monkeypatch):
    run(store)
    before = bits(store)
    seen = []
    monkeypatch.setattr(
        tiles, "_start", lambda program, group: seen.append(group) or None
    )
    run(store)
    assert seen == []
    assert bits(store) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "Argument `batch` must be a positive whole number, but is 0"),
        ({"tile": 2.5}, "Argument `tile` must be a positive whole number"),
        ({"chunk": "all"}, "Argument `chunk` must be a positive whole number"),
        ({"dims": {"density": ["a", "b"]}}, "name 1 dimensions of 'density'"),
        ({"dims": {"q": ["a"]}}, "'q' is not among"),
        ({"units": {"x": "m"}}, "'x' is not among"),
        ({"coords": {"site": [1.0]}}, "Argument `coords` must give 'site'"),
    ],
)
def test_unfit_arguments_are_refused_before_anything_is_written(
    store, options, message
):
    with pytest.raises(ValueError, match=message):
        run(store, **options)
    assert not store.exists()


def test_pending_points_are_seen_as_such(store):
    dataset = run(store)
    opened = Store(store)
    assert json.loads((store / "commits" / "0000000.json").read_text())["sha256"]
    opened.withdraw([0])
    dataset = jqd.open_sweep(store)
    assert np.sum(dataset.status == -1) == 21
    assert np.sum(np.isnan(dataset["mean"])) == 21


def test_points_whose_error_is_as_large_as_their_result_are_counted(store):
    """Under the name of their status, in the dataset as in what the command prints."""
    law = jqd.Schrodinger(jnp.array([[1.0, 0.3], [0.3, -1.0]]))
    psi = jnp.array([1.0, 0.0], complex)

    def point(t):
        method = jqd.Propagator()
        run = jqd.evolve(
            law, psi, jnp.stack([0.0, t]), method=method, observe="density"
        )
        return {"density": run.values[-1], "status": run.status}

    dataset = jqd.sweep(point, {"t": [1.0, 2.0, 1e17]}, store=store, progress=False)
    assert status_counts(dataset.status) == {"ok": 2, "inaccurate": 1}
