"""What is written is what its loader reads, to the last bit; nothing is overwritten."""

from dataclasses import replace

import numpy as np
import pytest

from jqd import records
from jqd.instruments import (
    Correlated,
    DirichletMultinomial,
    Gaussian,
    Multinomial,
)
from jqd.records import (
    AtomRecord,
    CountsRecord,
    CurveRecord,
    DensityRecord,
    PhaseSpaceRecord,
    PhotonCounts,
    PhotonCurve,
    Record,
)
from jqd.records.kinds import KINDS
from jqd.spaces import Grid

rng = np.random.default_rng(5)
TABLES = (".csv", ".npz", ".zarr", ".nc")
ARCHIVES = TABLES[1:]
# sums, thirds and roots: numbers that need all their digits
TS = np.cumsum(rng.random(3)) / 3
SHARES = rng.dirichlet(np.ones(3), 3)
COUNTS = rng.multinomial(2**40, SHARES)
KET = np.array([0.6, 0.8j])
POINTS = rng.normal(size=4) + 1j * rng.normal(size=4)
AXES = np.sort(rng.normal(size=4)), np.sort(rng.normal(size=2))
GRID = Grid([(-1.0, 2.0)], [6])
PLANE = Grid([(-1.0, 2.0), (0.0, 1 / 3)], [3, 2])


def same(one, other):
    """Every number of one record is that of the other, and none is missing."""
    fields = vars(one) if hasattr(one, "__dict__") else one._asdict()
    for name in fields:
        mine, theirs = getattr(one, name), getattr(other, name)
        if isinstance(mine, dict):
            assert mine.keys() == theirs.keys()
            mine, theirs = list(mine.values()), list(theirs.values())
        if isinstance(mine, Grid):
            assert mine.shape == theirs.shape
            # its upper end is not in the file, but one step beyond the last point
            np.testing.assert_allclose(mine.bounds, theirs.bounds, rtol=4e-16)
            continue
        if isinstance(mine, tuple | list):
            assert len(mine) == len(theirs)
            for a, b in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(a, b)
            continue
        assert (mine is None) == (theirs is None), name
        np.testing.assert_array_equal(mine, theirs)


def phase_space(kind, values, **others):
    given = {"points": None, "axes": None, "orders": None, "g": None} | others
    initial = given.pop("initial", {"psi0": KET})
    parts = (given.pop(name) for name in ("points", "axes", "orders"))
    given = {"t0": 0.1, "sigma": 1 / 7} | given
    return PhaseSpaceRecord(kind, TS, values, *parts, initial, {"U": 1 / 3}, **given)


def density(grid, values, **others):
    given = {"action": None, "initial": None, "levels": None, "sigma": None} | others
    V = rng.random(grid.shape)
    parts = (given.pop(n) for n in ("action", "initial", "levels", "sigma"))
    ts = given.pop("ts", TS)
    return DensityRecord(grid, V, 2 / 3, ts, values, *parts, **given)


def of_norm_one(grid):
    values = rng.random((3, *grid.shape))
    axes = tuple(range(1, values.ndim))
    return values / (values.sum(axes, keepdims=True) * grid.cell)


HUSIMI = np.abs(rng.normal(size=(3, 8)))
PSI = rng.normal(size=6) + 1j * rng.normal(size=6)
PSI /= np.sqrt(np.sum(np.abs(PSI) ** 2) * GRID.cell)
FIELDS = of_norm_one(PLANE)
POSITIONS = rng.multinomial(900, np.full(6, 1 / 6), 3)
CASES = {
    "maps": (ARCHIVES, "phase_space", phase_space(
        "husimi", HUSIMI, axes=AXES, g=2.0,
        points=(AXES[0][None] + 1j * AXES[1][:, None]).ravel())),
    "points": (ARCHIVES, "phase_space", phase_space(
        "husimi", HUSIMI[:, :4], points=POINTS, initial={"alpha0": np.array(1 + 1j)})),
    "two modes": (ARCHIVES, "phase_space", phase_space(
        "husimi", HUSIMI[:, :4], points=np.stack([POINTS, 2 * POINTS], 1), sigma=None,
        initial={"psi0": np.outer(KET, KET)})),
    "moments": (ARCHIVES, "phase_space", phase_space(
        "moments", rng.normal(size=(3, 2)) * (1 + 2j), orders=((1, 0), (2, 1)))),
    "samples": (ARCHIVES, "phase_space", phase_space(
        "samples", rng.normal(size=(3, 5)) * (1 + 2j), sigma=None)),
    "mixed": (ARCHIVES, "phase_space", phase_space(
        "samples", rng.normal(size=(3, 5)) + 0j,
        initial={"rho0": np.diag([0.25, 0.75]) + 0j})),
    "densities": (ARCHIVES, "density", density(
        GRID, of_norm_one(GRID), initial=PSI, sigma=1 / 7, t0=-0.1, hbar=1 / 3)),
    "planes": (ARCHIVES, "density", density(
        PLANE, FIELDS, action=FIELDS / 3, initial=(FIELDS[0], FIELDS[1]),
        action_rate=FIELDS[0], levels=np.sort(rng.random(3)))),
    "positions": (ARCHIVES, "density", density(
        GRID, POSITIONS / (POSITIONS.sum(1, keepdims=True) * GRID.cell), initial=PSI,
        counts=POSITIONS)),
    "levels": (ARCHIVES, "density", density(
        GRID, np.zeros((0, 6)), levels=np.sort(rng.random(3)), sigma=1e-3,
        ts=np.zeros(0))),
    "atoms": (ARCHIVES, "atoms", AtomRecord(
        TS, rng.normal(size=(3, 2)), np.array([2, 0]), rng.random(3), rng.random(3),
        "fixed", rng.random(3) + 1, rng.random(4), 1e-3, 0.05)),
    "draws": (TABLES[:1], "statistics", CountsRecord(rng.integers(0, 9, (4, 3)))),
    "curve": (TABLES[:1], "statistics", CurveRecord(TS, TS + 1, TS / 7)),
    "no errors": (TABLES[:1], "statistics", CurveRecord(TS, TS + 1, None)),
    "a background": (
        TABLES[:1], "statistics", CurveRecord(TS, TS + 1, TS / 7, TS - 3),
    ),
    "photons": (TABLES[:1], "photons", PhotonCounts(TS, np.arange(3.0), None)),
    "cut off": (TABLES[:1], "photons", PhotonCounts(TS, np.ones(3), np.full(3, 4.0))),
    "light": (TABLES[:1], "photons", PhotonCurve(TS, TS + 1, TS / 7)),
}  # fmt: skip
ROWS = [(name, suffix) for name, case in CASES.items() for suffix in case[0]]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "suffix"), ROWS)
def test_a_record_comes_back_to_the_last_bit(tmp_path, name, suffix):
    _, kind, record = CASES[name]
    path = tmp_path / f"file{suffix}"
    assert records.save(path, record) == path
    same(record, getattr(records, f"load_{kind}")(path))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_every_ending_of_every_kind_is_tried():
    """Those of populations, matrices and states stand below."""
    tried = {"phase_space": "phase space", "photons": "light"}
    for _, kind, _ in CASES.values():
        of = KINDS[tried.get(kind, kind)]
        found = {s for suffixes, other, _ in CASES.values() if other == kind
                 for s in suffixes}  # fmt: skip
        assert found == set(of.suffixes)


@pytest.mark.parametrize("suffix", TABLES)
@pytest.mark.parametrize(("values", "noise"), [(SHARES, None), (COUNTS, Multinomial())])
def test_populations_and_counts_come_back(tmp_path, suffix, values, noise):
    path = records.save(tmp_path / f"p{suffix}", Record(TS, values, noise))
    found = records.load_record(path)
    np.testing.assert_array_equal(found.ts, TS)
    np.testing.assert_array_equal(found.values, values)
    assert type(found.noise) is type(Record(TS, values, noise).noise)


EACH = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]])


@pytest.mark.parametrize("suffix", TABLES)
@pytest.mark.parametrize("sigma", [np.array(0.1), EACH[:, :1], EACH])
def test_errors_of_populations_come_back(tmp_path, suffix, sigma):
    """A table has a column of them; several in a row are no table."""
    path, record = tmp_path / f"p{suffix}", Record(TS, SHARES, Gaussian(sigma))
    if suffix == ".csv" and sigma.shape == SHARES.shape:
        with pytest.raises(ValueError, match="must have one error for each time"):
            records.save(path, record)
        assert not path.exists()
        return
    found = records.load_record(records.save(path, record))
    assert isinstance(found.noise, Gaussian)
    every = np.broadcast_to(found.noise.sigma, SHARES.shape)
    np.testing.assert_allclose(every, np.broadcast_to(sigma, (3, 3)), rtol=1e-6)


def test_noisy_populations_are_written_as_they_are(tmp_path):
    """Some below 0, with sums beside 1: within the noise that the record names."""
    noisy = np.array([[1.001, -0.002], [0.5, 0.503]])
    record = Record(np.arange(2.0), noisy, Gaussian(2e-3))
    path = records.save(tmp_path / "p.csv", record)
    found = records.load_record(path, "gaussian", 2e-3)
    np.testing.assert_array_equal(found.values, noisy)
    with pytest.raises(ValueError, match="negative populations"):
        records.save(tmp_path / "q.csv", Record(np.arange(2.0), noisy))
    assert not (tmp_path / "q.csv").exists()


@pytest.mark.parametrize("suffix", TABLES)
@pytest.mark.parametrize(
    ("values", "noise", "instead"),
    [
        (COUNTS, DirichletMultinomial(0.01), "Multinomial"),
        (SHARES, Correlated(np.tile(1e-4 * np.eye(3), (3, 1, 1))), "Gaussian"),
    ],
)
def test_noise_that_no_file_holds_is_not_dropped(
    tmp_path, suffix, values, noise, instead
):
    """Read again, such counts would be of independent shots, and such shares exact."""
    record, path = Record(TS, values, noise), tmp_path / f"p{suffix}"
    words = f"has a {type(noise).__name__}, which .* same values with {instead}"
    with pytest.raises(ValueError, match=words):
        records.save(path, record)
    assert not path.exists()


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv"])
def test_matrices_and_states_come_back(tmp_path, suffix):
    H = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)) / 3
    for number, matrix in enumerate((H, H.real, -1e-7j * H)):
        path = records.save(tmp_path / f"H{number}{suffix}", matrix)
        np.testing.assert_array_equal(records.load_matrix(path), matrix)
        path = records.save(tmp_path / f"psi{number}{suffix}", matrix[0])
        np.testing.assert_array_equal(records.load_state(path), matrix[0])


def test_nothing_is_overwritten(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("mine")
    with pytest.raises(ValueError, match=r"`path` must be a new file, but .*data\.csv"):
        records.save(path, CASES["photons"][2])
    assert path.read_text() == "mine"


def test_refusals_name_what_is_allowed(tmp_path):
    with pytest.raises(ValueError, match=r"ending in \.npz, \.zarr, \.nc, but is"):
        records.save(tmp_path / "chain.csv", CASES["atoms"][2])
    with pytest.raises(ValueError, match=r"`--out` must be a file ending in \.csv, "):
        records.check_new(tmp_path / "n.txt", "light", "--out")
    with pytest.raises(ValueError, match="`path` must be a writable folder"):
        records.save(tmp_path / "no" / "n.csv", CASES["photons"][2])
    later = Record(TS, SHARES, t0=0.0)
    with pytest.raises(ValueError, match="`record` must have its t0 as first time"):
        records.save(tmp_path / "p.csv", later)


def test_what_a_loader_would_refuse_is_not_written(tmp_path):
    """One line of the loader's, and neither the file nor a draft is left."""
    chain = replace(CASES["atoms"][2], atoms=np.array([0, 7]))
    with pytest.raises(ValueError, match=r"atoms from 0 to 2.*chain\.npz"):
        records.save(tmp_path / "chain.npz", chain)
    assert not list(tmp_path.iterdir())


def test_without_h5netcdf_complex_numbers_are_refused(tmp_path, monkeypatch):
    find = "jqd.records.writing.importlib.util.find_spec"
    monkeypatch.setattr(find, lambda name: None)
    with pytest.raises(ValueError, match="pip install h5netcdf"):
        records.save(tmp_path / "a.nc", CASES["samples"][2])
    path = records.save(tmp_path / "a.nc", CASES["atoms"][2])
    assert path.read_bytes()[:3] == b"CDF"
    same(CASES["atoms"][2], records.load_atoms(path))
