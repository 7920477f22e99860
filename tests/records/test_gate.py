"""The gate of records: whatever a file holds, it is a record or one line with its name.

Each kind of file is damaged 200 times: other dtypes, shapes, signs and numbers, arrays
left out, bytes cut off or changed.
"""

import csv
import io
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jqd.cli import main
from jqd.instruments import Correlated, EnsembleNoise, Gaussian, Multinomial
from jqd.problems import DATA
from jqd.records import (
    Record,
    load_density,
    load_matrix,
    load_phase_space,
    load_photons,
    load_record,
    load_state,
    load_statistics,
)
from jqd.records.atoms import load_atoms

TS = np.array([0.0, 0.4, 0.9])
X = np.linspace(-5.0, 5.0, 21)
ALPHA = 0.6 + 0.3j

often = settings(
    derandomize=True, max_examples=200, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


# -- valid files -------------------------------------------------------------------


def gaussian(x, width=1.0):
    return np.exp(-(x**2) / 2 / width**2) / np.sqrt(2 * np.pi) / width


def husimi():
    points = X[None, :] + 1j * X[1:, None]
    q = np.exp(-(np.abs(points - ALPHA) ** 2)) / np.pi
    maps = np.stack([q] * 3)
    return {"t": TS, "x": X, "y": X[1:], "husimi": maps, "alpha0": ALPHA, "g": 2.0,
            "sigma": 0.01, "U": 1.0, "t0": -0.5}  # fmt: skip


def unnamed_g():
    return {k: v for k, v in husimi().items() if k not in ("g", "t0")}


def moments():
    orders = np.array([[1, 0], [1, 1]])
    values = np.tile([ALPHA, abs(ALPHA) ** 2 + 1], (3, 1))
    return {"t": TS, "moments": values, "orders": orders, "psi0": np.eye(8)[0]}


def samples():
    drawn = np.random.default_rng(0).standard_normal((3, 40, 2)) @ [1, 1j]
    return {"t": TS, "samples": drawn, "rho0": np.diag([0.7, 0.3])}


def density():
    rows = np.stack([gaussian(X), gaussian(X, 1.1), gaussian(X, 1.2)])
    return {"t": TS, "x": X, "density": rows / (rows.sum(1)[:, None] * 0.5),
            "potential": X**2 / 2, "mass": 1.3, "hbar": 0.9, "x0": 0.0, "s0": 1.0,
            "p0": 0.2, "sigma": 0.01}  # fmt: skip


def counted():
    rows = np.random.default_rng(0).poisson(5.0, (3, 21))
    return density() | {"density": rows, "psi0": np.sqrt(gaussian(X)) + 0j}


def levels():
    return {"x": X, "potential": X**2 / 2, "levels": np.arange(4) + 0.5, "mass": 1.0}


def atoms():
    x0 = np.arange(4.0)
    return {"t": TS, "x": np.tile(x0[[0, 2]], (3, 1)), "atoms": np.array([0, 2]),
            "x0": x0, "v0": np.zeros(4), "mass": 1.0, "length": 1.0, "ends": 1,
            "sigma": 0.01, "t0": 0.0}  # fmt: skip


def populations():
    p = np.cos(TS) ** 2
    return {"t": TS, "p": np.stack([p, 1 - p], axis=1)}


def counts():
    return {"t": TS, "n": np.array([[9, 1], [5, 5], [2, 8]])}


def with_data(load):
    return lambda path: load(path).data()


ARCHIVES = {
    "husimi": (husimi, with_data(load_phase_space)),
    "husimi without g": (unnamed_g, with_data(load_phase_space)),
    "moments": (moments, with_data(load_phase_space)),
    "samples": (samples, with_data(load_phase_space)),
    "density": (density, with_data(load_density)),
    "counted": (counted, with_data(load_density)),
    "levels": (levels, load_density),
    "atoms": (atoms, with_data(load_atoms)),
    "populations": (populations, load_record),
    "counts": (counts, load_record),
}
TABLES = {
    "populations": ("t,p0,p1\n0,0.9,0.1\n1,0.5,0.5\n2,0.2,0.8\n", load_record),
    "counts": ("t,n0,n1\n0,9,1\n1,5,5\n2,2,8\n", load_record),
    "one ensemble": (
        "t,n0,n1\n0,9,1\n1,5,5\n2,2,8\n", lambda path: load_record(path, "ensemble"),
    ),
    "curve": ("E,nbar,sigma\n0,2,0.1\n1,0.6,0.1\n2,0.2,0.1\n", load_statistics),
    "draws": ("n0,n1\n3,1\n2,2\n0,4\n", load_statistics),
    "photons": ("omega,n\n1,3\n1,0\n2,1\n", load_photons),
    "light": ("omega,nbar,sigma\n1,0.6,0.1\n2,0.2,0.1\n3,0.1,0.1\n", load_photons),
}  # fmt: skip


# -- damage ------------------------------------------------------------------------

CASTS = (complex, np.float32, np.int64, bool, "U8", "S4", object, "M8[s]", "u1")
NUMBERS = (np.nan, np.inf, -np.inf, 1e300, -1e300, 0.0, -1.0, 0.5, 1e-320)


def other_array(array, how, pick):
    """The array with another dtype, shape, sign or number."""
    array = np.asarray(array)
    if how == "cast":
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            return array.astype(CASTS[pick % len(CASTS)])
    if how == "imaginary":
        return array + 0.1j
    if how == "number":
        kind = complex if np.iscomplexobj(array) else float
        changed = np.array(array, kind)
        if changed.size:
            changed.flat[pick % changed.size] = NUMBERS[pick % len(NUMBERS)]
        return changed
    if how == "all":
        return np.full(array.shape, NUMBERS[pick % len(NUMBERS)])
    if how == "negative":
        return -1.0 * array
    shapes = {
        "flat": lambda: array.ravel(),
        "axis": lambda: array[None],
        "last axis": lambda: array[..., None],
        "transposed": lambda: array.T,
        "cut": lambda: array[:-1] if array.ndim else array,
        "empty": lambda: array.ravel()[:0],
        "reversed": lambda: array[::-1] if array.ndim else array,
        "repeated": lambda: np.stack([array] * 2, axis=-1),
        "one": lambda: array.ravel()[:1],
    }
    return shapes[how]()


HOW = (
    "cast", "imaginary", "number", "all", "negative", "flat", "axis", "last axis",
    "transposed", "cut", "empty", "reversed", "repeated", "one",
)  # fmt: skip
# which array, what of it; None leaves it out
change = st.tuples(
    st.integers(0, 99), st.sampled_from((*HOW, None)), st.integers(0, 999)
)
changes = st.lists(change, min_size=1, max_size=2)
# at which share of the file, and whether it is cut there or a bit of it is turned
damage = st.one_of(st.none(), st.none(), st.tuples(st.floats(0, 1), st.booleans()))


def altered(arrays, changes):
    arrays = dict(arrays)
    for which, how, pick in changes:
        name = sorted(arrays)[which % len(arrays)]
        if how is None:
            del arrays[name]
        else:
            arrays[name] = other_array(arrays[name], how, pick)
        if not arrays:
            break
    return arrays


def spoil(path, damage):
    if damage is None:
        return
    share, cut = damage
    whole = bytearray(path.read_bytes())
    place = int(share * (len(whole) - 1))
    if cut:
        whole = whole[:place]
    else:
        whole[place] ^= 0x55
    path.write_bytes(whole)


def admitted(load, path):
    """Whether the gate lets a file through; else its line names the file."""
    try:
        record = load(path)
    except ValueError as error:
        message = str(error)
        assert message.startswith("Argument `")
        assert path.name in message
        assert "\n" not in message
        return False
    data = record[0] if isinstance(record, tuple) else record
    if isinstance(data, Record):
        assert np.all(np.isfinite(np.asarray(data.values)))
        assert np.all(np.diff(np.asarray(data.ts)) > 0)
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("gate")


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives(kind, folder):
    make, load = ARCHIVES[kind]
    path = folder / "record.npz"
    np.savez(path, **make())
    assert admitted(load, path)

    @often
    @given(changes, damage)
    def gate(changes, damage):
        np.savez(path, **altered(make(), changes))
        spoil(path, damage)
        admitted(load, path)

    gate()


@pytest.mark.parametrize("kind", TABLES)
def test_tables(kind, folder):
    text, load = TABLES[kind]
    path = folder / "record.csv"
    path.write_text(text)
    assert admitted(load, path)
    cells = st.sampled_from(
        ("", "nan", "inf", "-1", "0.5", "1e400", "x", "1j", "t", "0", "p1", "n0", '"',
         "\x00", "é", "3" * 400, "1,1", "\n", "#")
    )  # fmt: skip
    cell = st.tuples(st.integers(0, 9), st.integers(0, 9), cells)

    @often
    @given(st.lists(cell, min_size=1, max_size=3), damage)
    def gate(changed, damage):
        rows = list(csv.reader(io.StringIO(text)))
        for row, column, new in changed:
            line = rows[row % len(rows)]
            line[column % len(line)] = new
        path.write_text("\n".join(map(",".join, rows)), encoding="utf-8")
        spoil(path, damage)
        admitted(load, path)

    gate()


@pytest.mark.parametrize("load", [load_matrix, load_state])
def test_matrices_and_states(load, folder):
    path = folder / "array.npy"
    valid = np.eye(3) if load is load_matrix else np.eye(3)[0]
    np.save(path, valid)
    load(path)

    @often
    @given(st.sampled_from(HOW), st.integers(0, 999), damage)
    def gate(how, pick, damage):
        np.save(path, other_array(valid, how, pick))
        spoil(path, damage)
        if admitted(load, path):
            assert load(path).ndim == valid.ndim

    gate()


@pytest.mark.slow
def test_zarr_stores(folder):
    """Every file of a store is damaged: shapes, names of types, chunks."""
    sound, path = folder / "sound.zarr", folder / "record.zarr"
    arrays, load = husimi(), with_data(load_phase_space)
    dataset = xr.Dataset(
        {"husimi": (("t", "y", "x"), arrays["husimi"])},
        {name: arrays[name] for name in "txy"},
        {"alpha0": 0.6, "g": 2.0},
    )
    dataset.to_zarr(sound, consolidated=False)
    shutil.copytree(sound, path)
    assert admitted(load, path)
    files = [file.relative_to(sound) for file in sound.rglob("*") if file.is_file()]
    values = st.sampled_from(
        ([], {}, None, -1, 10**15, "x", [1], [10**12], "float32", {"name": "x"}, 3)
    )

    @often
    @given(st.sampled_from(sorted(files)), st.integers(0, 99), values, damage)
    def gate(file, key, value, damage):
        shutil.rmtree(path)
        shutil.copytree(sound, path)
        target = path / file
        if damage is not None:
            spoil(target, damage)
        elif file.suffix == ".json":
            described = json.loads(target.read_text())
            described[sorted(described)[key % len(described)]] = value
            target.write_text(json.dumps(described))
        else:
            target.unlink()
        admitted(load, path)

    gate()


# -- values that come from no file -------------------------------------------------

NOISES = {
    "none": lambda v: None,
    "gaussian": lambda v: Gaussian(0.1),
    "gaussian of each": lambda v: Gaussian(0.1 * np.ones((3, 2))),
    "correlated": lambda v: Correlated(np.stack([np.eye(2)] * 3)),
    "multinomial": lambda v: Multinomial(),
    "ensemble": lambda v: EnsembleNoise(10.0),
}


@often
@given(st.sampled_from(sorted(NOISES)), changes)
def test_data_in_memory(noise, changes):
    valid = {"ts": TS, "values": counts()["n"], "t0": 0.0}
    arrays = altered(valid, changes)

    def make(path):
        return Record(
            arrays.get("ts", TS), arrays.get("values", valid["values"]),
            NOISES[noise](None), arrays.get("t0"),
        )  # fmt: skip

    # no file has a name here: any line will do
    admitted(make, Path())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Record(TS, np.ones((3, 2)) + 1j), "`values` must be real"),
        (lambda: Record(TS + 1j, np.ones((3, 2))), "`ts` must be real"),
        (lambda: Record(TS, np.ones((3, 2)), t0=[0.0]), "`t0` must have shape"),
        (lambda: Record(TS, [["a", "b"]] * 3), "array of numbers"),
        (lambda: Record(TS, [[1.0, 2.0], [1.0], [1.0]]), "differ in length"),
        (lambda: Record(TS, np.full((3, 2), 0.5), Multinomial()), "whole numbers"),
        (lambda: Record(TS, np.ones((3, 2)), Gaussian(np.ones(3))), "`sigma` must be"),
        (lambda: Record(TS, np.ones((3, 2)), 0.1), "`noise` must be"),
        (lambda: Gaussian(np.inf), "`sigma` must be finite"),
        (lambda: Gaussian(1j), "`sigma` must be real"),
        (lambda: Gaussian(0.0), "`sigma` must be positive"),
        (lambda: Correlated(np.ones((3, 2))), "`covariance` must hold a matrix for"),
        (lambda: Correlated(-np.eye(2)[None]), "no negative eigenvalue, but .* row 0"),
        (
            lambda: Correlated([[[1, 2.0], [2.0, 1]]]),
            "must have no negative eigenvalue",
        ),
        (lambda: Correlated([[[1, 0.5], [0.4, 1]]]), "must be symmetric, but .* row 0"),
        (lambda: Correlated(np.full((3, 2, 2), np.nan)), "`covariance` must be finite"),
    ],
)
def test_bad_data_in_memory(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# -- whole commands ----------------------------------------------------------------


def huge_header(folder):
    """An .npy whose header claims 7 GiB."""
    path = folder / "big.npy"
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (30655, 30655), }"
    size = 118
    whole = b"\x93NUMPY\x01\x00" + size.to_bytes(2, "little")
    path.write_bytes(whole + header.ljust(size - 1).encode() + b"\n" + bytes(32))
    files = {
        "--data": DATA / "four_level_populations.csv", "--hamiltonian": path,
        "--state": DATA / "four_level_psi0.npy",
    }  # fmt: skip
    words = [word for pair in files.items() for word in pair]
    return ["copying", *words], "claims 7517832200 bytes"


def half_an_archive(folder):
    path = folder / "half.npz"
    whole = (DATA / "kerr_husimi.npz").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return ["husimi", "--data", path], "broken"


def list_of_attributes(folder):
    path = folder / "list.zarr"
    xr.Dataset({"husimi": ("t", TS)}, {"t": TS}).to_zarr(path, consolidated=False)
    described = json.loads((path / "zarr.json").read_text())
    (path / "zarr.json").write_text(json.dumps(described | {"attributes": []}))
    return ["husimi", "--data", path], "broken"


def netcdf_4(folder):
    path = folder / "new.nc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    return ["husimi", "--data", path], ""


def no_mass(folder):
    path = folder / "light.npz"
    np.savez(path, **density() | {"mass": 0.0})
    return ["diffusion", "--data", path], "`mass` must be positive"


def no_g(folder):
    path = folder / "unnamed.npz"
    np.savez(path, **unnamed_g() | {"t": TS + 0.1, "alpha0": 2.0})
    return ["husimi", "--data", path], "must hold `g`"


def another_g(folder):
    path = folder / "another.npz"
    arrays = husimi() | {"g": np.sqrt(2), "t0": 0.0, "sigma": 1e-3}
    np.savez(path, **arrays)
    return ["husimi", "--data", path], "it fits if g is 1.414 times"


def far_out(folder):
    path = folder / "far.npz"
    np.savez(path, **husimi() | {"alpha0": 1e8})
    return ["husimi", "--data", path], "levels"


def far_out_of_two_modes(folder):
    path = folder / "further.npz"
    arrays = {"t": TS, "points": np.ones((3, 2)), "husimi": np.full((3, 3), 0.1)}
    np.savez(path, **arrays, alpha0=np.array([1e8, 0.0]))
    return ["husimi", "--hamiltonian", "ad1^2*a1^2 + ad2*a1 + ad1*a2", "--data",
            path], "memory"  # fmt: skip


@pytest.mark.parametrize(
    "build",
    [
        huge_header, half_an_archive, list_of_attributes, netcdf_4, no_mass, no_g,
        another_g, far_out, far_out_of_two_modes,
    ],
)  # fmt: skip
def test_commands_refuse_in_one_line(build, tmp_path, capsys):
    words, message = build(tmp_path)
    code = main(["recover", *map(str, words), "--out", str(tmp_path / "run")])
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("Error: Argument `")
    assert message in captured.err
    name = next(str(word) for word in words if str(tmp_path) in str(word))
    assert name.rpartition("/")[2] in captured.err
