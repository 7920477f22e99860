"""Zarr stores and netCDF files: axes by name, codecs by a list, data of their own."""

import itertools
import json
import os
import pickle

import h5py
import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr

from jqd.records import load_atoms, load_density, load_phase_space, load_record

TS = np.array([0.0, 1.0, 2.0])
# Nothing in it is symmetric: a transposed one is another one.
SHARES = np.array([[0.7, 0.2, 0.1], [0.5, 0.2, 0.3], [0.1, 0.1, 0.8]])


def written(folder, variables, suffix, **options):
    path = folder / f"record{suffix}"
    dataset = xr.Dataset(variables)
    if suffix == ".nc":
        dataset.to_netcdf(path, engine="scipy", **options)
    else:
        dataset.to_zarr(path, consolidated=False, **options)
    return path


# -- axes -------------------------------------------------------------------------


def plane():
    """A density over (t, y, x) on a square grid, and a potential over (x, y)."""
    x = np.linspace(-3.0, 3.0, 12, endpoint=False)
    packet = np.exp(-((x[:, None] - 1) ** 2) - x[None, :] ** 2 / 2)
    density = np.stack([packet, packet**1.5]) / np.array(0.25)
    density /= density.sum((1, 2), keepdims=True) * 0.25
    potential = np.where(x[:, None] > 0, 3.0, 0.0) + x[None, :]
    return x, density, potential  # both over x, y


@pytest.mark.parametrize("order", [*itertools.permutations("txy")])
def test_densities_are_read_by_the_names_of_their_axes(tmp_path, order):
    x, density, potential = plane()
    over = ("t", "x", "y")
    turned = density.transpose([over.index(name) for name in order])
    path = written(tmp_path, {
        "t": ("t", TS[:2]), "x": ("x", x), "y": ("y", x), "mass": ((), 1.0),
        "density": (order, turned), "potential": (("y", "x"), potential.T),
        "psi0": (("y", "x"), np.sqrt(density[0]).T),
    }, ".nc")  # fmt: skip
    record = load_density(path)
    np.testing.assert_array_equal(record.density, density)
    np.testing.assert_array_equal(record.potential, potential)
    np.testing.assert_array_equal(record.initial, np.sqrt(density[0]))


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize("dims", [("t", "class"), ("class", "t")])
def test_rows_of_populations_are_times(tmp_path, suffix, dims):
    values = SHARES if dims[0] == "t" else SHARES.T
    path = written(tmp_path, {"t": ("t", TS), "populations": (dims, values)}, suffix)
    np.testing.assert_array_equal(load_record(path).values, SHARES)


def test_an_axis_is_called_as_the_points_along_it(tmp_path):
    """t over `time` says that `time` is the axis of times."""
    path = written(
        tmp_path, {"t": ("time", TS), "populations": (("a", "time"), SHARES.T)}, ".nc"
    )
    np.testing.assert_array_equal(load_record(path).values, SHARES)


def test_points_and_orders_follow_the_arrays_they_belong_to(tmp_path):
    rng = np.random.default_rng(0)
    points, values = rng.standard_normal((2, 2, 3)), rng.random((3, 2))
    path = written(tmp_path, {
        "t": ("t", TS), "husimi": (("place", "t"), values.T),
        "points": (("mode", "place"), points[0, :, :2]),
        "alpha0": ("mode", np.array([0.1, 0.2])),
    }, ".nc")  # fmt: skip
    record = load_phase_space(path)
    np.testing.assert_array_equal(record.values, values)
    np.testing.assert_array_equal(record.points, points[0, :, :2].T)


def test_positions_of_atoms_are_read_by_the_names_of_their_axes(tmp_path):
    x = np.arange(9.0).reshape(3, 3)  # of 3 atoms at 3 times
    path = written(tmp_path, {
        "t": ("t", TS), "x": (("atom", "t"), x.T), "x0": ("atom", x[0]),
        "v0": ("atom", np.zeros(3)),
    }, ".nc")  # fmt: skip
    np.testing.assert_array_equal(load_atoms(path).x, x)


@pytest.mark.parametrize(
    ("variables", "load", "said"),
    [
        (
            {"t": ("t", TS), "populations": (("a", "time"), SHARES)},
            load_record,
            "must hold `populations` over t, but record.nc has it over a, time",
        ),
        (
            {
                "x": ("x", np.arange(4.0)), "y": ("y", np.arange(4.0)),
                "potential": (("a", "b"), np.zeros((4, 4))), "levels": ("n", TS),
            },
            load_density,
            "must hold `potential` over x, y, but record.nc has it over a, b",
        ),
    ],
)  # fmt: skip
def test_axes_that_nobody_knows_are_refused(tmp_path, variables, load, said):
    with pytest.raises(ValueError, match=said):
        load(written(tmp_path, variables, ".nc"))


# -- zeros of Zarr, version 2 ------------------------------------------------------


@pytest.mark.parametrize("kind", [float, int])
def test_zeros_of_zarr_2_are_zeros(tmp_path, kind):
    """0 is what an array that says nothing of missing values is filled with."""
    group = zarr.create_group(tmp_path / "record.zarr", zarr_format=2)
    counts = np.array([[0, 9], [4, 5], [9, 0]])
    for name, values, dims in (
        ("t", TS, ["t"]), ("counts", counts.astype(kind), ["t", "class"]),
    ):  # fmt: skip
        made = group.create_array(
            name, shape=values.shape, dtype=values.dtype, fill_value=0
        )
        made[:] = values
        made.attrs["_ARRAY_DIMENSIONS"] = dims
    record = load_record(tmp_path / "record.zarr")
    np.testing.assert_array_equal(record.values, counts)
    np.testing.assert_array_equal(record.ts, TS)


def test_another_fill_value_of_zarr_2_marks_what_is_missing(tmp_path):
    shares = np.where(SHARES == 0.8, np.nan, SHARES)
    path = written(
        tmp_path, {"t": ("t", TS), "populations": (("t", "a"), shares)}, ".zarr",
        zarr_format=2, encoding={"populations": {"_FillValue": -999.0}},
    )  # fmt: skip
    with pytest.raises(ValueError, match="must be finite, but `populations`"):
        load_record(path)


# -- codecs ------------------------------------------------------------------------


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("where", ["compressor", "filters"])
def test_nothing_is_unpickled_however_wide_the_gate_of_others_is(
    tmp_path, monkeypatch, where
):
    ran, path = tmp_path / "ran", tmp_path / "record.zarr"
    variables = {"t": ("t", TS), "populations": (("t", "a"), SHARES)}
    written(tmp_path, variables, ".zarr", zarr_format=2)
    note = path / "note"
    note.mkdir()
    codecs = {
        "compressor": {"filters": [{"id": "vlen-utf8"}],
                       "compressor": {"id": "pickle"}},
        "filters": {"filters": [{"id": "vlen-utf8"}, {"id": "pickle"}],
                    "compressor": None},
    }[where]  # fmt: skip
    described = {
        "zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "order": "C",
        "fill_value": "", **codecs,
    }  # fmt: skip
    (note / ".zarray").write_text(json.dumps(described))
    (note / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["n"]}')
    (note / "0").write_bytes(pickle.dumps(Bomb(ran)))
    pickles = numcodecs.pickles.Pickle
    # as a version of numcodecs without a gate, or with an open one, knows it
    monkeypatch.setitem(numcodecs.registry.codec_registry, "pickle", pickles)
    monkeypatch.setenv("NUMCODECS_ALLOW_PICKLE", "1")
    with pytest.raises(ValueError, match="coded by 'pickle', which is never run"):
        load_record(path)
    assert not ran.exists()


@pytest.mark.parametrize(
    "codec",
    [
        {"name": "numcodecs.pickle", "configuration": {}},
        {"name": "sharding_indexed", "configuration": {
            "chunk_shape": [3], "codecs": [{"name": "own"}], "index_codecs": []}},
        {"configuration": {}},
        "pickle",
    ],
)  # fmt: skip
def test_codecs_of_version_3_are_those_of_the_list(tmp_path, codec):
    variables = {"t": ("t", TS), "populations": (("t", "a"), SHARES)}
    path = written(tmp_path, variables, ".zarr")
    file = path / "populations" / "zarr.json"
    described = json.loads(file.read_text())
    described["codecs"] = [codec]
    file.write_text(json.dumps(described))
    with pytest.raises(ValueError, match=r"record\.zarr .*which is never run"):
        load_record(path)


@pytest.mark.parametrize("version", [2, 3])
def test_texts_and_common_codecs_are_read(tmp_path, version):
    variables = {
        "t": ("t", TS), "populations": (("t", "a"), SHARES),
        "a": ("a", np.array(["up", "down", "out"], np.dtypes.StringDType())),
    }  # fmt: skip
    path = written(tmp_path, variables, ".zarr", zarr_format=version)
    np.testing.assert_array_equal(load_record(path).values, SHARES)


# -- data outside of a file --------------------------------------------------------


def test_links_out_of_a_store_are_not_followed(tmp_path):
    variables = {"t": ("t", TS), "populations": (("t", "a"), SHARES)}
    path = written(tmp_path, variables, ".zarr")
    (path / "populations").rename(tmp_path / "elsewhere")
    (path / "populations").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="link to something outside of it"):
        load_record(path)
    (tmp_path / "own.zarr").symlink_to(path)  # of the user
    (path / "populations").unlink()
    (tmp_path / "elsewhere").rename(path / "populations")
    np.testing.assert_array_equal(load_record(tmp_path / "own.zarr").values, SHARES)


def hdf5(folder, how):
    """A record whose populations lie in another file, in one of four ways."""
    other, path = folder / "other.nc", folder / "record.nc"
    with h5py.File(other, "w") as file:
        file["populations"] = SHARES
    SHARES.tofile(folder / "raw.bin")
    with h5py.File(path, "w") as file:
        file["t"] = TS
        if how == "link":
            file["populations"] = h5py.ExternalLink(str(other), "populations")
        elif how == "link to a group":
            file["group"] = h5py.ExternalLink(str(other), "/")
            file["populations"] = h5py.SoftLink("/group/populations")
        elif how == "storage":
            file.create_dataset(
                "populations", (3, 3), "f8", external=[(str(folder / "raw.bin"), 0, 72)]
            )
        else:
            layout = h5py.VirtualLayout((3, 3), "f8")
            layout[:] = h5py.VirtualSource(str(other), "populations", (3, 3))
            file.create_virtual_dataset("populations", layout)
    return path


@pytest.mark.parametrize("how", ["link", "link to a group", "storage", "virtual"])
def test_what_hdf5_says_of_other_files_is_not_followed(tmp_path, how):
    with pytest.raises(ValueError, match=r"hold all its data.*another file"):
        load_record(hdf5(tmp_path, how))
