"""`jqd.load` reads what the loader of a kind reads, by what a file holds."""

import jax
import numpy as np
import pytest

import jqd
from jqd import records
from jqd.records.kinds import KINDS, contents_of, kind_of

TS = np.array([0.0, 0.5, 1.0])
HALF = np.full((3, 2), 0.5)
X = np.linspace(-4.0, 4.0, 16)
KET = np.array([0.6, 0.8j])
H = np.array([[0.0, 1.0], [1.0, 0.5]])
FILES = {
    "populations.csv": ("populations", "t,p0,p1\n0,0.5,0.5\n1,0.5,0.5\n"),
    "counts.csv": ("populations", "# a comment\nt,n0,n1\n0,5,5\n1,4,6\n"),
    "p.npz": ("populations", {"t": TS, "p": HALF}),
    "matrix.csv": ("matrix", "0,1\n1,0.5\n"),
    "H.npy": ("matrix", H),
    "H.npz": ("matrix", {"hamiltonian": H, "label": np.array(1)}),
    "lone.npz": ("matrix", {"anything": H}),
    "state.csv": ("state", "0.6\n0.8j\n"),
    "psi.npy": ("state", KET),
    "psi.npz": ("state", {"psi0": KET, "label": np.array(1)}),
    "lone_state.npz": ("state", {"anything": KET}),
    "pulse.csv": ("pulse", "t,f\n0,0\n1,0.5\n2,0.5\n3,0\n"),
    "samples.npz": ("phase space", {"t": TS, "samples": HALF + 0j, "psi0": KET}),
    "levels.npz": ("density", {"x": X, "potential": X**2, "levels": TS + 1}),
    "chain.npz": (
        "atoms",
        {"t": TS, "x": HALF, "x0": np.arange(2.0), "v0": np.zeros(2)},
    ),
    "curve.csv": ("statistics", "E,nbar\n1,2\n2,1\n"),
    "weights.csv": ("statistics", "n0,n1\n3,1\n2,2\n"),
    "light.csv": ("light", "omega,n\n1,3\n2,0\n"),
    "tables.npz": ("tables", {"counts": np.arange(9).reshape(3, 3), "shots": 9}),
    "plan.toml": ("settings", "t = [0.5, 2.0]\nshots = [300, 700]\n"),
}


@pytest.fixture
def written(tmp_path):
    def write(name, held):
        path = tmp_path / name
        if isinstance(held, str):
            path.write_text(held)
        elif isinstance(held, dict):
            np.savez(path, **held)
        else:
            np.save(path, held)
        return path

    return write


@pytest.mark.parametrize("name", FILES)
def test_it_is_what_the_loader_of_its_kind_gives(name, written):
    kind, held = FILES[name]
    path = written(name, held)
    assert kind_of(path) == kind
    by_kind = KINDS[kind].load(path)
    found = jqd.load(path)
    assert type(found) is type(by_kind)
    for one, other in zip(
        jax.tree.leaves(vars(found) if hasattr(found, "__dict__") else found),
        jax.tree.leaves(vars(by_kind) if hasattr(by_kind, "__dict__") else by_kind),
        strict=True,
    ):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("name", FILES)
def test_every_kind_says_what_it_holds(name, written):
    """For `jqd show`: facts, and columns as long as what they stand over."""
    seen = contents_of(jqd.load(written(name, FILES[name][1])))
    assert seen.data
    assert seen.lines
    assert {len(one) for one in seen.columns.values()} == {len(seen.along[1])}


def test_every_kind_is_loaded():
    assert {kind for kind, _ in FILES.values()} == set(KINDS)
    assert all(getattr(records, of.loader) is of.load for of in KINDS.values())


def test_a_store_of_xarray(tmp_path):
    import xarray as xr

    made = xr.Dataset(
        {"counts": (("t", "a"), np.array([[5, 5], [4, 6]]))}, {"t": [0, 1.0]}
    )
    made.to_netcdf(tmp_path / "c.nc")
    assert np.array_equal(jqd.load(tmp_path / "c.nc").values, [[5, 5], [4, 6]])


def test_what_was_saved_and_a_store_of_data_lie_in_folders_of_one_kind(tmp_path):
    import xarray as xr

    shares = xr.Dataset({"populations": (("t", "a"), HALF)}, {"t": TS})
    shares.to_zarr(tmp_path / "p.zarr", zarr_format=3, consolidated=False)
    assert np.array_equal(jqd.load(tmp_path / "p.zarr").values, HALF)
    law = jqd.Schrodinger(H)
    run = jqd.evolve(law, KET, TS, observe="density")
    again = jqd.load(run.save(tmp_path / "run.zarr"))
    assert np.array_equal(again.values, run.values)
    with pytest.raises(
        ValueError, match=r"`sigma` must not be given for what `\.save`"
    ):
        jqd.load(tmp_path / "run.zarr", sigma=0.1)


def test_options_of_the_loader(written):
    path = written("p.npz", {"t": TS, "p": HALF})
    record = jqd.load(path, noise="gaussian", sigma=0.01)
    assert np.allclose(record.noise.sigma, 0.01)
    with pytest.raises(ValueError, match=r"`sgma` must not be given .* noise, sigma"):
        jqd.load(path, sgma=0.01)
    path = written("H.npy", H)
    with pytest.raises(ValueError, match=r"`sigma` must not be given .* kind matrix"):
        jqd.load(path, sigma=0.01)


@pytest.mark.parametrize(
    ("name", "held", "said"),
    [
        ("a.csv", "time;value\n1;2\n", "separate columns by commas"),
        (
            "a.csv",
            "time,value\n1,2\n",
            "docs/files.md lists, but a.csv has time, value",
        ),
        ("a.csv", "", "hold data, but"),
        ("a.npz", {"t": TS, "nothing": TS}, "has nothing, t"),
        ("a.npz", {"hamiltonian": H, "psi0": KET}, "fits matrix and state"),
        ("a.npz", {"t": TS, "p": HALF, "n": HALF}, "data of one kind, but"),
        ("a.txt", "1", "be a file ending in .csv"),
        ("a.npy", "no", "a pickle is refused"),
    ],
)
def test_what_cannot_be_told_is_one_line(name, held, said, written):
    path = written(name, held)
    with pytest.raises(ValueError, match=r"^Argument `(path|data)` must") as error:
        jqd.load(path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="`path` must be a file, but"):
        jqd.load(path.with_name("nobody.csv"))
