"""Records: noise models, files, and what is refused."""

import importlib.util
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import jqd
from jqd import problems
from jqd.instruments import Gaussian, Multinomial
from jqd.records import Record
from jqd.records.populations import as_data


def test_records_from_csv_npz_and_zarr_agree(tmp_path):
    record = problems.four_level().populations
    ts, values = np.asarray(record.ts), np.asarray(record.values)
    np.savez(tmp_path / "data.npz", t=ts, p=values)
    dataset = xr.Dataset({"populations": (("t", "level"), values)}, coords={"t": ts})
    dataset.to_zarr(tmp_path / "data.zarr", zarr_format=2)
    columns = ["p2", "t", "p0", "p1", "p3"]  # the order is free
    table = np.column_stack([values[:, 2], ts, values[:, [0, 1, 3]]])
    rows = "\n".join(",".join(map(repr, row)) for row in table.tolist())
    (tmp_path / "data.csv").write_text(f"# by hand\n{','.join(columns)}\n{rows}\n")
    for name in ("data.npz", "data.zarr", "data.csv"):
        found = jqd.records.load_record(tmp_path / name)
        np.testing.assert_array_equal(found.ts, ts)
        np.testing.assert_array_equal(found.values, values)


SHARES = np.array([[0.9, 0.11], [0.5, 0.5], [0.2, 0.8]])
EACH = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])


@pytest.mark.parametrize(
    ("name", "sigma"),
    [
        (name, sigma)
        for name in ("data.npz", "data.zarr", "data.csv")
        for sigma in (np.array(0.1), EACH[:, 0], EACH)
        # a table has one column of errors
        if sigma.ndim < 2 or name != "data.csv"
    ],
)
def test_errors_in_a_file_are_read(tmp_path, name, sigma):
    """One, one for each time or one for each value; the noise is theirs."""
    path, ts = tmp_path / name, np.arange(3.0)
    if path.suffix == ".npz":
        np.savez(path, t=ts, p=SHARES, sigma=sigma)
    elif path.suffix == ".zarr":
        dataset = xr.Dataset(
            {"populations": (("t", "level"), SHARES),
             "sigma": (("t", "level")[: sigma.ndim], sigma)}, coords={"t": ts},
        )  # fmt: skip
        dataset.to_zarr(path, zarr_format=2)
    else:
        column = np.broadcast_to(sigma, 3)
        np.savetxt(
            path, np.column_stack([ts, SHARES, column]), delimiter=",",
            header="t,p0,p1,sigma", comments="",
        )  # fmt: skip
    found = jqd.records.load_record(path)
    assert isinstance(found.noise, Gaussian)
    wanted = np.broadcast_to(sigma[:, None] if sigma.ndim == 1 else sigma, (3, 2))
    np.testing.assert_allclose(
        np.broadcast_to(found.noise.sigma, (3, 2)), wanted, rtol=1e-6
    )
    given = jqd.records.load_record(path, "gaussian", 0.7)
    assert float(given.noise.sigma) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("sigma", "said"),
    [(np.ones(4), r"has shape \(4,\) for values of shape \(3, 2\)"),
     ([0.1, 0.0, 0.1], "hold a positive `sigma`, but data.npz has 0")],
)  # fmt: skip
def test_errors_in_a_file_that_cannot_be(tmp_path, sigma, said):
    np.savez(tmp_path / "data.npz", t=np.arange(3.0), p=SHARES, sigma=sigma)
    with pytest.raises(ValueError, match=said):
        jqd.records.load_record(tmp_path / "data.npz")


def test_the_time_of_the_state_can_be_said(tmp_path):
    np.savez(tmp_path / "n.npz", t=[1.0, 2.0], n=[[1, 2], [3, 0]], t0=0.5)
    assert float(jqd.records.load_record(tmp_path / "n.npz").t0) == 0.5
    found = jqd.records.load_record(tmp_path / "n.npz", t0=0.25)
    assert float(found.t0) == 0.25
    assert not found.from_start
    with pytest.raises(ValueError, match="`t0` must not be after"):
        jqd.records.load_record(tmp_path / "n.npz", t0=1.5)


def test_counts_are_multinomial_and_shares_are_frequencies():
    counts = problems.four_level().counts
    assert isinstance(counts.noise, Multinomial)
    np.testing.assert_allclose(counts.shares.sum(axis=1), 1, rtol=1e-15)
    assert counts.values.sum(axis=1).tolist() == [20000.0] * 61


def test_packaged_data_are_the_shared_ones(shared_data):
    for path in sorted(shared_data.glob("four_level_*")):
        assert (problems.DATA / path.name).read_bytes() == path.read_bytes()


def test_multinomial_residuals_have_unit_variance(key):
    """Pearson residuals: their squares sum to M - 1 a row on average."""
    import jax

    p = jnp.array([0.5, 0.3, 0.2])
    shots, rows = 1000, 2000
    counts = jax.random.multinomial(key, shots, p, shape=(rows, 3))
    residuals = Multinomial().residuals(p[None, :], counts, p[None, :])
    total = jnp.mean(jnp.sum(residuals**2, axis=1))
    # standard deviation of the mean: sqrt(2 (M - 1) / rows) = 0.045
    assert abs(float(total) - 2) < 0.2


def test_complex_matrices_from_csv(tmp_path):
    H = np.array([[0, 1 - 2j], [1 + 2j, 3]])
    text = "\n".join(",".join(str(z).strip("()") for z in row) for row in H)
    (tmp_path / "H.csv").write_text(text)
    np.testing.assert_array_equal(jqd.records.load_matrix(tmp_path / "H.csv"), H)
    np.savez(tmp_path / "H.npz", hamiltonian=H, other=np.zeros(2))
    np.testing.assert_array_equal(jqd.records.load_matrix(tmp_path / "H.npz"), H)


def test_pickles_inside_archives_are_refused(tmp_path):
    np.savez(tmp_path / "H.npz", hamiltonian=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="never unpickled"):
        jqd.records.load_matrix(tmp_path / "H.npz")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0.0, 1.0], [[0.5, 0.5]]), "one row for each time"),
        (([0.0, 0.0], [[1.0], [1.0]]), "increase"),
        (([0.0, 1.0], [[1.0], [np.nan]]), "finite"),
        (([0.0, 1.0], [[1.0, -1.0], [1.0, 2.0]], Multinomial()), "not negative"),
        (
            ([0.0, 1.0], [[0.0, 0.0], [1.0, 2.0]], Multinomial()),
            "some counts in each row",
        ),
        (([0.0, 1.0], [[1.0], [1.0]], None, 0.5), "t0"),
        (([0.0, 1.0], [1.0, 2.0], Multinomial()), "a column for each class"),
        (([0.0, 1.0], [[1.0], [1.0]], Multinomial), "but is <class .*Multinomial'>"),
    ],
)
def test_bad_records(arguments, words):
    with pytest.raises(ValueError, match=words):
        Record(*arguments)


def test_bad_settings():
    with pytest.raises(ValueError, match="sigma"):
        Gaussian(-1.0)
    problem = problems.four_level()
    law = jqd.CopyDynamics.from_hamiltonian(problem.hamiltonian)

    def fit(data=problem.populations, **options):
        options = {"psi0": problem.psi0, "free": ("q",)} | options
        return jqd.recover(law, data, **options)

    with pytest.raises(ValueError, match=r"`free`.*zeta"):
        fit(free=("zeta",))
    with pytest.raises(ValueError, match="once"):
        fit(free=("q", "q"))
    with pytest.raises(ValueError, match=r"`start`.*r"):
        fit(start={"r": 1.0})
    with pytest.raises(ValueError, match="at least 1"):
        fit(starts=0)
    with pytest.raises(
        ValueError, match=r"`starts` must be a whole number, but is 2\.5"
    ):
        fit(starts=2.5)
    with pytest.raises(ValueError, match=r"`starts` must have shape \(any, 1\)"):
        fit(starts=[0.3, 0.5])
    with pytest.raises(ValueError, match="held_out"):
        fit(held_out=1.0)
    with pytest.raises(ValueError, match="`data`"):
        fit(data=[1, 2, 3])
    with pytest.raises(ValueError, match="coordinate `t`"):
        fit(data=xr.DataArray(np.zeros((2, 4)), dims=("x", "y")))
    with pytest.raises(ValueError, match=r"shape \(61, 4\)"):
        fit(data=(problem.populations.ts, problem.populations.values[:, :3]))


def test_float64_is_required():
    code = (
        "import jax, jqd; from jqd import problems\n"
        "try:\n"
        "    p = problems.four_level()\n"
        "    law = jqd.CopyDynamics.from_hamiltonian(p.hamiltonian)\n"
        "    jqd.recover(law, p.populations, psi0=p.psi0, free=('q',))\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "64-bit" in done.stdout


@pytest.mark.slow
def test_gaussian_errors_scale_with_sigma():
    problem = problems.four_level()
    law = jqd.CopyDynamics.from_hamiltonian(problem.hamiltonian)
    ts, values = (x[:21] for x in (problem.populations.ts, problem.populations.values))
    rng = np.random.default_rng(5)
    noise = 1e-3 * rng.standard_normal(values.shape)
    data = Record(ts, values + noise, Gaussian(1e-3))
    recovery = jqd.recover(
        law, data, psi0=problem.psi0, free=("q", "r"), starts=2, search=None,
        start={"q": 0.45, "r": -0.55},
    )  # fmt: skip
    for constant in recovery.constants.values():
        assert abs(constant.deviation) < 4
        assert 1e-5 < constant.stderr < 1e-2
    # 84 values, all with errors of their own: 4 standard deviations of chi2/dof
    assert abs(recovery.chi2_per_dof - 1) < 4 * np.sqrt(2 / 82)


def test_tables_of_pandas(tmp_path):
    """The columns of a CSV file, in a DataFrame; an index `t` is as good."""
    pandas = pytest.importorskip("pandas")
    problem = problems.four_level()
    values, ts = np.asarray(problem.counts.values), np.asarray(problem.counts.ts)
    frame = pandas.DataFrame(values.astype(int), columns=["n0", "n1", "n2", "n3"])
    frame.insert(0, "t", ts)
    for table in (frame, frame.set_index("t"), frame[["n2", "t", "n0", "n3", "n1"]]):
        data = as_data(table)
        assert isinstance(data.noise, Multinomial)
        np.testing.assert_array_equal(data.values, values)
        np.testing.assert_array_equal(data.ts, ts)
    np.testing.assert_array_equal(Record(ts, frame.drop(columns="t")).values, values)
    for wrong, words in (
        (frame.drop(columns="t"), "but the DataFrame has n0,n1,n2,n3"),
        (frame.rename(columns={"n3": "x"}), "has t,n0,n1,n2,x"),
        (frame.assign(n1="many"), "must hold numbers"),
        (frame.assign(n1=0.5), "whole numbers"),
        (frame.assign(n1=np.nan), "finite"),
    ):
        with pytest.raises(ValueError, match=words):
            as_data(wrong)


class Frame:
    """As much of a table of polars as is asked for: it has no index."""

    def __init__(self, **columns):
        self._columns = {name: np.asarray(held) for name, held in columns.items()}
        self.columns = list(columns)
        self.dtypes = [held.dtype for held in self._columns.values()]

    def to_numpy(self):
        return np.stack([*self._columns.values()], axis=-1)


def test_tables_in_memory_are_completed_like_files():
    """Of two classes one, shots in a column, counts of one time in two rows."""
    found = as_data(Frame(t=[0.0, 1.0], p1=[0.25, 0.5]))
    np.testing.assert_array_equal(found.values, [[0.75, 0.25], [0.5, 0.5]])
    assert not found.noise.known
    found = as_data(Frame(t=[1.0, 0.0, 1.0], n1=[3.0, 1.0, 2.0], shots=[4.0, 5.0, 8.0]))
    assert isinstance(found.noise, Multinomial)
    np.testing.assert_array_equal(found.ts, [0, 1])
    np.testing.assert_array_equal(found.values, [[4, 1], [7, 5]])
    for wrong, words in (
        (Frame(t=[0.0], n1=[3.0]), "say by `shots` how many"),
        (Frame(t=[], p0=[], p1=[]), "hold values, but the DataFrame has none"),
        (Frame(t=["a"], p0=["b"]), "hold numbers, but the DataFrame has the types"),
        # cut to their real parts, or read as 110, these would be data
        (Frame(t=[0.0], p0=[0.5j], p1=[1]), "has the types float64, complex128"),
        (Frame(t=["0"], n0=["0110"], n1=["1"]), "hold numbers, but the DataFrame"),
        (
            Frame(t=np.array([0], object), n0=np.array(["0110"], object), n1=[1]),
            "has the types object, object, int64",
        ),
    ):
        with pytest.raises(ValueError, match=words):
            as_data(wrong)


def test_datasets_of_xarray_by_their_labels():
    """Variables of a netCDF file, axes by name, shares with errors and t0."""
    ts, shares = [0.5, 1.0, 2.0], np.array([[0.9, 0.1], [0.5, 0.5], [0.25, 0.75]])
    held = {"populations": (("level", "t"), shares.T), "sigma": ("t", [0.1, 0.2, 0.3])}
    found = as_data(xr.Dataset(held, {"t": ts}, {"t0": 0.25}))
    np.testing.assert_array_equal(found.values, shares)
    np.testing.assert_array_equal(found.noise.sigma, [[0.1], [0.2], [0.3]])
    assert float(found.t0) == 0.25
    counts = xr.Dataset({"counts": (("t", "level"), [[9, 1], [5, 5]])}, {"t": [1, 0]})
    found = as_data(counts)
    assert isinstance(found.noise, Multinomial)
    np.testing.assert_array_equal(found.values, [[5, 5], [9, 1]])
    with pytest.raises(ValueError, match=r"`populations`.*but the Dataset has a, t"):
        as_data(xr.Dataset({"a": ("t", [1.0])}, {"t": [0.0]}))


def test_netcdf(tmp_path):
    record = problems.four_level().populations
    ts, values = np.asarray(record.ts), np.asarray(record.values)
    dataset = xr.Dataset({"populations": (("level", "t"), values.T)}, {"t": ts})
    dataset.to_netcdf(tmp_path / "old.nc", engine="scipy")
    found = jqd.records.load_record(tmp_path / "old.nc")
    np.testing.assert_array_equal(found.values, values)
    (tmp_path / "other.nc").write_bytes(b"neither")
    with pytest.raises(ValueError, match=r"other\.nc is broken.*neither netCDF-3"):
        jqd.records.load_record(tmp_path / "other.nc")
    (tmp_path / "new.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    if importlib.util.find_spec("h5netcdf") is None:
        with pytest.raises(ValueError, match=r"new\.nc is netCDF-4; `pip install h5"):
            jqd.records.load_record(tmp_path / "new.nc")
        return
    with pytest.raises(ValueError, match=r"new\.nc is broken"):
        jqd.records.load_record(tmp_path / "new.nc")
    dataset.to_netcdf(tmp_path / "new.nc", engine="h5netcdf")
    found = jqd.records.load_record(tmp_path / "new.nc")
    np.testing.assert_array_equal(found.values, values)


def test_populations_may_stray_by_six_of_their_errors(tmp_path):
    """A sum of four has twice the error of one; without known errors, 1e-6."""
    path = tmp_path / "p.csv"

    def load(away, **options):
        path.write_text(f"t,p0,p1,p2,p3\n0,1,0,0,0\n1,{0.7 + away},0.1,0.1,0.1\n")
        return jqd.records.load_record(path, **options)

    known = {"noise": "gaussian", "sigma": 0.01}
    assert load(0.11, **known).noise.sigma == 0.01
    with pytest.raises(ValueError, match=r"row 1 sums to 1\.13"):
        load(0.13, **known)
    with pytest.raises(ValueError, match=r"row 1 sums to 1\.00001"):
        load(1e-5)
