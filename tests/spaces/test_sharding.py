"""Grids spread over devices: the same results, in pieces, with no state gathered."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd

HERE = Path(__file__).resolve().parent
# Same arithmetic but for the order of sums in norms and transforms: what rounding
# makes of values of order one in some tens of transforms. Far above it stands what
# any wrong order of axes or factors would do, see `test_wrong_order_is_noticed`.
ROUNDING = 1e-12
FAST = ("transforms", "refusals", "placement", "evolution", "gradients")
FAST += ("traffic", "wrong_order")
SLOW = ("more_evolution", "more_gradients", "single", "observables", "other_methods")


def start(script, *arguments, devices):
    """A process with this many virtual devices."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    more = {
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flags}",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(HERE.parents[1]),
    }
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(HERE / script), *arguments],
        env=os.environ | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def found():
    return finish(start("sharded_runs.py", *FAST, devices=8))


@pytest.fixture(scope="module")
def found_slowly():
    return finish(start("sharded_runs.py", *SLOW, devices=8))


@pytest.mark.slow
def test_fft_on_any_mesh(found):
    """Forward, back, transpose, tangent and batch; also blocks of odd sizes."""
    assert len(found["transforms"]) == 11
    for case, gap in found["transforms"].items():
        assert gap < ROUNDING, case


def test_evolution_equals_one_device(found):
    assert_same(found["evolution"], pieces=8)


@pytest.mark.slow
def test_evolution_of_other_steppers_equals_one_device(found_slowly):
    runs = found_slowly["more_evolution"]
    assert_same({"driven": runs.pop("driven")}, pieces=4)
    assert_same(runs, pieces=8)


def assert_same(runs, pieces):
    for case, run in runs.items():
        assert run["values"] < ROUNDING, case
        assert run["error"] < ROUNDING, case
        assert run["drifts"] < ROUNDING, case
        assert run["status"] == 0, case
        assert run["pieces"] == pieces, case


def test_wrong_order_is_noticed(found):
    """Negative control: a kinetic factor that is not rotated like the spectrum."""
    assert found["wrong_order"] > 0.01


def test_every_array_lies_in_pieces(found):
    """States, potentials and wavenumbers are an eighth on each of eight devices."""
    placement = found["placement"]
    assert len(placement["blocks"]) == 10
    for name, block in placement["blocks"].items():
        assert block == 1 / 8, name
    assert placement["k2"] == placement["eager"] == 0
    assert placement["states"] < ROUNDING


def test_grids_differ_by_their_devices(found):
    placement = found["placement"]
    assert placement["equal"]
    assert placement["same"]
    assert not placement["other"]


def test_nothing_is_gathered(found):
    """Two exchanges a step in slabs, four in pencils, and no state on one device."""
    traffic = found["traffic"]
    for layout, exchanges in (("slabs", 2), ("pencils", 4)):
        assert traffic[layout]["all-gather"] == 0
        assert traffic[layout]["collective-permute"] == 0
        # the loop over steps stands once in the program
        assert traffic[layout]["all-to-all"] == exchanges
        # the state on each device would alone be eight blocks
        assert traffic[f"{layout}, blocks of a state"] == 8
        assert traffic[f"{layout}, blocks of memory"] < 7
        # negative control: the FFT of jax.numpy gathers
        assert traffic[f"{layout}, jnp.fft"]["all-gather"] > 0


def test_gradients_equal_one_device(found):
    """By constants, by V at every point and by ψ, stepping back in time."""
    assert found["gradients"]["gap"] < ROUNDING
    assert found["gradients"]["sent"]["all-gather"] == 0
    assert found["gradients"]["sent"]["all-to-all"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["reversible", "checkpointed"])
def test_gradients_on_solids_equal_one_device(found_slowly, kind):
    gradients = found_slowly["more_gradients"][kind]
    assert gradients["gap"] < ROUNDING
    assert gradients["sent"]["all-gather"] == 0


@pytest.mark.slow
def test_single_precision(found_slowly):
    single = found_slowly["single"]
    assert single["dtype"] == "complex64"
    # eps = 1.2e-7: a few roundings a transform over 12 transforms
    assert single["one"] < 5e-6
    assert 1e-9 < single["exact"] < 5e-6


@pytest.mark.slow
def test_observables(found_slowly):
    assert found_slowly["observables"]["grid"] < ROUNDING
    assert found_slowly["observables"]["evolve"] < ROUNDING


@pytest.mark.slow
@pytest.mark.parametrize(
    "what", ["energy", "absorber", "adaptive", "batch", "batch in pieces"]
)
def test_other_methods(found_slowly, what):
    assert found_slowly["other_methods"]["status"] == 0
    assert found_slowly["other_methods"][what] < ROUNDING


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            "first axis",
            r"`mesh` must divide .* 'a' has 8 devices for 12 points of axis 0",
        ),
        ("second axis", r"`mesh` must divide .* 'a' has 8 .* 12 points of axis 1"),
        (
            "last axis",
            r"`mesh` must divide .* 'b' has 4 devices for 6 points of axis 2",
        ),
        ("one dimension", r"`names` must be one axis .* is \('a',\) for a grid of 1"),
        ("pencils in 2D", r"`names` must be one axis .* \('a', 'b'\) for a grid of 2"),
        ("name", r"`names` must be different axes of the mesh, \('a',\), but is"),
        (
            "shape",
            r"`f` must end in the grid's shape \(16, 24\), but its shape is \(24",
        ),
        ("norm", r"`psi` must be normalised, but its squared norm is 100"),
        ("finite", r"`psi` must be finite, but 384 of its entries are not"),
        ("absorber", r"`absorber` must not be negative, but its smallest entry is -1"),
    ],
)
def test_what_does_not_fit_is_refused(found, case, message):
    assert re.search(r"^Argument " + message, found["refusals"][case])


def test_one_device_is_as_before():
    """Without a mesh the transform is that of jax.numpy, and nothing is placed."""
    grid = jqd.Grid([(-1.0, 1.0), (-2.0, 2.0)], (8, 6))
    assert grid.sharding is None
    assert grid.fft.forward is jnp.fft.fftn
    assert grid.fft.backward is jnp.fft.ifftn
    assert grid.fft.order == (0, 1)
    f = jnp.ones(grid.shape)
    assert grid.shard(f) is f
    np.testing.assert_array_equal(grid.spectral_k2, grid.k2)
    x, y = grid.coordinates
    np.testing.assert_array_equal(grid.sample(lambda x, y: x * y), x * y)
    assert grid.sample(lambda x, y: x).shape == grid.shape


def test_a_mesh_of_one_device():
    grid = jqd.Grid([(-4.0, 4.0), (-5.0, 5.0)], (12, 10))
    spread = grid.sharded(jax.make_mesh((1,), ("a",)))
    f = grid.sample(lambda x, y: jnp.exp(-(x**2) - y**2 + 1j * x))
    found = spread.fft.backward(spread.spectral_k2 * spread.fft.forward(f))
    expected = jnp.fft.ifftn(grid.k2 * jnp.fft.fftn(f))
    np.testing.assert_allclose(found, expected, atol=ROUNDING)
    off = jax.sharding.NamedSharding(
        spread.sharding.mesh, jax.sharding.PartitionSpec(None, "a")
    )
    with pytest.raises(ValueError, match="`sharding` must spread the first axes"):
        jqd.Grid(grid.bounds, grid.shape, off)
    abstract = jax.sharding.AbstractMesh((1,), ("a",))
    with pytest.raises(ValueError, match="Argument `mesh` must have devices"):
        grid.sharded(abstract)


@pytest.mark.slow
def test_two_processes():
    """Four devices of each of two processes hold one state."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    processes = [start("sharded_process.py", str(i), port, devices=4) for i in range(2)]
    one, other = map(finish, processes)
    assert one["devices"] == other["devices"] == [4, 8]
    assert one["x2"] == other["x2"]
    assert max(one["gap"], other["gap"]) < ROUNDING
