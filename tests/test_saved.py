"""Outcomes as datasets with named dimensions, and back from files bit for bit."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import jqd
from jqd._saved import TREE
from jqd.ensembles.copying import Copies, Estimate, StepBias
from jqd.inference.constant import Constant

TS = np.linspace(0, 1, 4)
ZERO, INF = np.asarray(0), np.asarray(np.inf)


def run(values, ts=TS, status=ZERO, failure_time=INF, **more):
    """A trajectory of these values."""
    fields = {"error": None, "diagnostics": {"norm_drift": np.asarray(1e-9)}} | more
    return jqd.Trajectory(
        ts, values, status=status, failure_time=failure_time, **fields
    )


def same(one, other):
    """Whether two outcomes have the same structure, dtypes, shapes and bits."""
    a, b = (jax.tree.flatten(x) for x in (one, other))
    assert a[1] == b[1]
    for x, y in zip(a[0], b[0], strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert (x.dtype, x.shape) == (y.dtype, y.shape)
        assert x.tobytes() == y.tobytes()


def test_values_by_name_with_named_axes():
    grid = jqd.Grid((-1, 1), 6)
    values = {"p": np.arange(8.0).reshape(4, 2), "rho": np.ones((4, 6))}
    found = run(values, error=jax.tree.map(np.zeros_like, values))
    dataset = found.to_xarray({"p": ("class",), "rho": grid}, {"class": ["a", "b"]})
    assert dataset["p"].dims == ("t", "class")
    assert dataset["rho"].dims == dataset["rho_error"].dims == ("t", "x")
    np.testing.assert_array_equal(dataset["x"], grid.x)
    np.testing.assert_array_equal(dataset["t"], TS)
    assert dataset["p"].sel({"class": "b"}, method=None).values.tolist() == [1, 3, 5, 7]
    assert dataset["norm_drift"].item() == 1e-9
    assert dataset["status"].dims == ()
    assert dataset.attrs["outcome"] == "The run reached its last time."
    assert found.to_xarray()["rho"].dims == ("t", "rho_0")


def test_a_batch_has_axes_of_its_own():
    H, psi = np.array([[0, 0.5], [0.5, 0.3]]), np.sqrt([0.8, 0.2 + 0j])

    def follow(q):
        law = jqd.CopyDynamics.from_hamiltonian(H, q)
        p = {"p": lambda t, psi: jnp.abs(psi) ** 2}
        method = jqd.Fixed(jqd.steppers.rk4, 4)
        return jqd.evolve(law, psi, TS, observe=p, method=method)

    qs = jnp.asarray([0.4, 0.5, 0.6])
    found = jax.vmap(follow)(qs)
    dataset = found.to_xarray({"p": ("class",)}, {"q": qs}, batch=("q",))
    assert dataset["p"].dims == ("q", "t", "class")
    assert dataset["status"].dims == dataset["norm_drift"].dims == ("q",)
    np.testing.assert_array_equal(dataset["t"], TS)
    middle = dataset["p"].sel(q=0.5).values
    np.testing.assert_array_equal(middle, np.asarray(found.values["p"])[1])
    assert found.to_xarray()["p"].dims == ("batch_0", "t", "p_0")


def test_means_over_paths():
    values = np.ones((4, 2))
    found = run(
        values, stderr=values, paths=np.ones((5, 4, 2)), status=np.zeros(5, int),
        failure_time=np.full(5, np.inf), diagnostics={"num_paths": np.full(4, 5)},
    )  # fmt: skip
    dataset = found.to_xarray({"values": ("x",)})
    assert dataset["paths"].dims == ("path", "t", "x")
    assert dataset["stderr"].dims == ("t", "x")
    assert dataset["status"].dims == ("path",)
    assert dataset["num_paths"].dims == ("t",)


def test_names_that_do_not_fit_are_refused():
    found = run({"p": np.ones((4, 2))})
    for match, words in (
        ("`dims` must name values out of p, but names 'q'", [{"q": ("x",)}]),
        ("`dims` must name 1 axes of p", [{"p": ("x", "y")}]),
        ("`batch` must name 0 axes", [None, None, ("q",)]),
        ("`coords` must be along axes that there are, but 'z'", [None, {"z": [1.0]}]),
        ("`dims` and `coords` must fit", [{"p": ("x",)}, {"x": [1.0]}]),
    ):
        with pytest.raises(ValueError, match=match):
            found.to_xarray(*words)


def test_what_is_no_number_is_refused(tmp_path):
    for values, what in (
        (jax.random.split(jax.random.key(0), 4), "key<fry>"),
        ({1: np.ones(4)}, "a dict"),
        (Estimate, "a type"),
        (np.array(["a"] * 4), "<U1"),
        (jnp.ones(4, jnp.bfloat16), "bfloat16"),
    ):
        with pytest.raises(ValueError, match="`values` must hold arrays of n.*" + what):
            run(values, diagnostics={}).save(tmp_path / "x")
    assert not list(tmp_path.iterdir())


# -- there and back ------------------------------------------------------------------

DTYPES = ("<f8", "<f4", "<c16", "<c8", "<i4", "<i8", "u1", "?")
ARRAYS = st.tuples(
    st.sampled_from(DTYPES), hnp.array_shapes(max_dims=2, min_side=0)
).flatmap(lambda x: hnp.arrays(x[0], (4, *x[1])))
KEYS = st.text(max_size=4) | st.sampled_from(
    [
        "t",
        "status",
        "values",
        "T",
        "p",
        "P",
        "p_error",
        "a/b",
        "zarr.json",
        "norm_drift",
    ]
)
TREES = st.recursive(
    ARRAYS,
    lambda inner: (
        st.dictionaries(KEYS, inner, max_size=3)
        | st.lists(inner, max_size=2)
        | st.lists(inner, max_size=2).map(tuple)
    ),
    max_leaves=4,
)


@pytest.mark.slow
@settings(deadline=None, derandomize=True, max_examples=40)
@given(values=TREES, error=st.booleans())
def test_a_trajectory_comes_back(tmp_path_factory, values, error):
    path = tmp_path_factory.mktemp("saved") / "run.zarr"
    found = run(values, error=values if error else None)
    found.save(path)
    same(jqd.load(path), found)
    with xr.open_zarr(path, mask_and_scale=False, decode_times=False) as dataset:
        assert dataset["t"].values.tolist() == TS.tolist()


def test_names_that_meet_are_told_apart(tmp_path):
    one = np.ones((4, 2))
    values = {"p": one, "P": 2 * one, "p_error": 3 * one, "t": 4 * one, "a/b": 5 * one}
    found = run(values | {"a": {"b": 6 * one}}, error=values | {"a": {"b": 7 * one}})
    found.save(tmp_path / "x")
    same(jqd.load(tmp_path / "x"), found)
    names = [str(name) for name in found.to_xarray().variables]
    # some file systems do not tell "p" from "P"
    assert len({name.casefold() for name in names}) == len(names)
    assert all(name.isidentifier() for name in names)


def copies():
    n = np.arange(24.0).reshape(3, 4, 2)
    bias = Estimate(np.zeros((4, 2)), np.ones((4, 2)))
    return Copies(
        TS, np.asarray(30.0), n, n + 1j, None, {"a": np.ones((3, 4))}, np.zeros(3, int),
        np.full(3, np.inf), np.ones(3, int), np.ones(3, int), np.ones(3),
        StepBias(bias, bias, None, 2),
    )  # fmt: skip


def fit():
    q = Constant("q", np.asarray(0.5), np.asarray(0.1), np.asarray(0.0), 0.5)
    return jqd.inference.Fit(
        {"q": q}, np.eye(1), np.ones(1), np.asarray(1.0), None, None, None,
        np.ones((2, 1)), np.ones(2, bool), np.asarray(0),
    )  # fmt: skip


@pytest.mark.parametrize("make", [copies, fit])
def test_others_come_back(tmp_path, make):
    found = make()
    found.save(tmp_path / "x")
    same(jqd.load(tmp_path / "x"), found)
    assert str(jqd.load(tmp_path / "x")) == str(found)


def test_copies_have_named_axes():
    dataset = copies().to_xarray()
    assert dataset["occupation"].dims == ("trajectory", "t", "class")
    assert dataset["status"].dims == ("trajectory",)
    assert dataset["a"].dims == ("trajectory", "t")
    np.testing.assert_array_equal(dataset["t"], TS)


# -- what is refused -----------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    return run({"p": np.linspace(0, 1, 8).reshape(4, 2)}).save(tmp_path / "run.zarr")


def said(path):
    with pytest.raises(ValueError, match="Argument `path` must be what") as error:
        jqd.load(path)
    text = str(error.value)
    assert len(text.splitlines()) == 1
    assert str(path) in text or "not known" in text
    return text


def change(path, edit):
    """Another description of the same arrays."""
    root = path / "zarr.json"
    held = json.loads(root.read_text())
    tree = json.loads(held["attributes"][TREE])
    edit(tree)
    held["attributes"][TREE] = json.dumps(tree)
    root.write_text(json.dumps(held))


def test_nothing_is_overwritten(saved):
    with pytest.raises(ValueError, match="must be a folder that does not exist"):
        run(np.ones(4)).save(saved)
    with pytest.raises(ValueError, match="`path` must be a writable folder"):
        run(np.ones(4)).save(saved.parent / "no" / "folder")


def test_other_files_are_refused(saved, tmp_path):
    with pytest.raises(ValueError, match=r"`path` must be a file, but .*missing does"):
        jqd.load(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    said(tmp_path / "empty")
    xr.Dataset({"a": 1.0}).to_zarr(
        tmp_path / "other", zarr_format=3, consolidated=False
    )
    assert "of something else" in said(tmp_path / "other")
    xr.Dataset(attrs={"sampler": "nuts"}).to_zarr(
        tmp_path / "draws", zarr_format=3, consolidated=False
    )
    assert "a posterior" in said(tmp_path / "draws")


def test_what_is_not_known_is_refused(saved):
    change(saved, lambda held: held.update(format=99))
    assert "format 99" in said(saved)
    change(saved, lambda held: held.update(format=1))
    jqd.load(saved)
    # a name of a class is looked up among those that are known, and nowhere else
    for kind in ("os.system", "Schrodinger", "Popen", "__class__"):
        change(saved, lambda held, kind=kind: held["tree"].update(kind=kind))
        assert "not known" in said(saved)


def test_codecs_are_those_of_a_list_and_links_are_not_followed(saved, tmp_path):
    file = saved / "p" / "zarr.json"
    text = file.read_text()
    described = json.loads(text)
    described["codecs"].append({"name": "numcodecs.pickle"})
    file.write_text(json.dumps(described))
    assert "coded by 'numcodecs.pickle', which is never run" in said(saved)
    file.write_text(text)
    (saved / "p").rename(tmp_path / "elsewhere")
    (saved / "p").symlink_to(tmp_path / "elsewhere")
    assert "link to something outside" in said(saved)


@pytest.mark.parametrize("given", [None, b"run.zarr", 3])
def test_what_is_no_path_is_refused(given):
    for call in (jqd.load, run(np.ones(4)).save):
        with pytest.raises(
            ValueError, match=r"^Argument `path` must be a path, but is"
        ):
            call(given)
    with pytest.raises(ValueError, match=r"^Argument `store` must be a path, but is"):
        jqd.open_sweep(given)


def test_damage_is_told(saved, tmp_path):
    for edit in (
        lambda held: held["tree"]["fields"].pop("ts"),
        lambda held: held.pop("names"),
        lambda held: held["names"].clear(),
        lambda held: held.update(tree=7),
    ):
        copy = shutil.copytree(saved, tmp_path / "copy")
        change(copy, edit)
        assert "damaged" in said(copy)
        shutil.rmtree(copy)
    # another value in a chunk, and half a chunk
    (chunk,) = (file for file in (saved / "p" / "c").rglob("*") if file.is_file())
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in said(saved)
    other = run({"p": np.ones((4, 2))}).save(tmp_path / "other.zarr")
    (chunk2,) = (file for file in (other / "p" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(chunk2.read_bytes())
    assert "'p'" in said(saved) or "p has other values" in said(saved)
