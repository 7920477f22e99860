"""`jqd.recover` and `jqd.fit` under jit and vmap."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest

import jqd
from jqd import Status, problems
from jqd.inference import fit

TS = jnp.linspace(0.2, 3.0, 15)
SIGMA, START = 0.01, {"q": 0.46, "r": -0.56}
# no worse than 1e-6 of the span of the starts, a hundredth of a standard error or less
POLISH = jqd.inference.Polish(rtol=1e-6, atol=1e-6)
SETTINGS = {
    "free": ("q", "r"), "start": START, "starts": 1, "search": None, "polish": POLISH,
    "held_out": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def golden():
    """The law, psi0 and populations by exact evolution."""
    law, psi0 = problems.golden()
    ts = jnp.concatenate([jnp.zeros(1), TS])
    states = jqd.exact.matrices.propagate(law.hamiltonian(), psi0, ts)[1:]
    return law, psi0, jnp.abs(states) ** 2


def noisy(golden, key):
    return golden[2] + SIGMA * jax.random.normal(key, golden[2].shape)


def record(values):
    return jqd.Record(TS, values, jqd.Gaussian(SIGMA), t0=0.0)


@pytest.fixture(scope="module")
def traces():
    return []


@pytest.fixture(scope="module")
def fits(golden, traces):
    """A batch of fits, compiled once."""
    law, psi0, _ = golden

    def one(values):
        traces.append(values.shape)
        return jqd.recover(law, record(values), psi0=psi0, substeps=4, **SETTINGS)

    return jax.jit(jax.vmap(one))


@pytest.fixture(scope="module")
def many(golden):
    keys = jax.random.split(jax.random.key(3), 200)
    return jax.vmap(lambda key: noisy(golden, key))(keys)


@pytest.fixture(scope="module")
def found(fits, many):
    return fits(many)


@pytest.mark.slow
def test_scatter_of_fits_is_what_their_error_bars_say(found):
    # p < 1e-3 is a misfit: 0.2 of 200 true records on average, 3 once in a thousand
    misfit = np.asarray(found.status) == Status.MISFIT
    assert np.sum(misfit) <= 2
    np.testing.assert_array_equal(found.status[~misfit], Status.OK)
    np.testing.assert_array_equal(misfit, np.asarray(found.p_value) < 1e-3)
    assert kstest(found.p_value, "uniform").pvalue > 1e-3
    assert found.held_out is None
    for name, truth in (("q", 0.5), ("r", -0.5)):
        z = (found.value[name] - truth) / found.stderr[name]
        # sampling: 4 standard errors of mean and deviation of 200 normal numbers
        assert abs(np.mean(z)) < 4 / np.sqrt(200)
        assert abs(np.std(z) - 1) < 4 / np.sqrt(400)
        assert np.all(found.constants[name].reference == truth)
        # the step leaves less than the scatter: it does not decide this test
        bias = found.constants[name].step_bias
        assert np.max(bias) < 0.05 * np.min(found.stderr[name])
    # 45 values less 2 constants: chi2/dof has the variance 2/43
    assert abs(np.mean(found.chi2_per_dof) - 1) < 4 * np.sqrt(2 / 43 / 200)
    # correlated errors, as the covariance says
    z = np.stack([found.value["q"] - 0.5, found.value["r"] + 0.5])
    expected = np.mean(found.covariance, axis=0)
    correlation = expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1])
    assert abs(np.corrcoef(z)[0, 1] - correlation) < 4 / np.sqrt(200)


def test_one_trace_serves_every_record(fits, found, many, traces):
    # a batch of another size, which another test may have fitted before, is a trace too
    known = len(traces)
    assert known >= 1
    fits(many[::-1])
    assert len(traces) == known


@pytest.mark.slow
def test_a_record_with_a_hole_spoils_no_other(fits, found, many):
    holed = fits(many.at[3, 4, 1].set(jnp.nan).at[8, 0, 0].set(jnp.inf))
    bad = np.isin(np.arange(200), (3, 8))
    np.testing.assert_array_equal(holed.status[bad], Status.NON_FINITE)
    for name in ("q", "r"):
        assert np.all(np.isnan(holed.value[name][bad]))
        assert np.all(np.isnan(holed.stderr[name][bad]))
    for one, other in zip(*map(jax.tree.leaves, (holed, found)), strict=True):
        one, other = np.asarray(one), np.asarray(other)
        if one.ndim:
            np.testing.assert_array_equal(one[~bad], other[~bad])


@pytest.mark.slow
def test_members_alone(golden, fits, found, many):
    """Rounding depends on the batch, so that the polish may stop a step earlier."""
    few = fits(many[:2])
    span = {"q": 1.0, "r": 2.0}
    for name in ("q", "r"):
        gap = np.abs(few.value[name] - found.value[name][:2])
        assert np.max(gap) < 1e-6 * span[name]
    # control: neighbours differ by far more
    assert np.abs(found.value["q"][0] - found.value["q"][1]) > 1e-4


@pytest.mark.slow
def test_batches_find_what_recover_finds_one_by_one(golden, found, many):
    law, psi0, _ = golden
    for i in range(3):
        alone = jqd.recover(law, record(many[i]), psi0=psi0, **SETTINGS)
        assert alone.status == "converged"
        for name in ("q", "r"):
            constant = alone.constants[name]
            # recover refines the step until its bias is 0.01 of the standard error
            bias = found.constants[name].step_bias[i] + 0.02 * constant.stderr
            assert abs(found.value[name][i] - constant.value) < bias + 2e-6
            np.testing.assert_allclose(
                found.stderr[name][i], constant.stderr, rtol=0.02
            )
        np.testing.assert_allclose(found.chi2_per_dof[i], alone.chi2_per_dof, rtol=1e-3)


@pytest.mark.slow
def test_what_no_record_tells_has_its_status(golden):
    """A shift of all omega changes no population."""
    law, psi0, _ = golden

    @jax.jit
    def one(values):
        return fit(
            law, record(values), psi0=psi0, free=("omega",), starts=1,
            search=None, polish=None, substeps=4,
        )  # fmt: skip

    lost = one(noisy(golden, jax.random.key(1)))
    assert lost.status == Status.UNIDENTIFIABLE
    assert lost.describe() == Status.UNIDENTIFIABLE.sentence
    assert all(np.isnan(value) for value in lost.value.values())
    assert np.all(np.isfinite(lost.singular_values))


@pytest.mark.slow
def test_a_fit_that_runs_into_a_node_has_its_status(golden):
    """q + r > 0 leads to nodes; the quantum point beside it does not."""
    exact, psi0, _ = golden
    ts = jnp.linspace(1.0, 15.0, 15)
    times = jnp.concatenate([jnp.zeros(1), ts])
    states = jqd.exact.matrices.propagate(exact.hamiltonian(), psi0, times)[1:]
    populations = jnp.abs(states) ** 2

    @jax.jit
    @jax.vmap
    def one(r):
        law, _ = problems.golden(0.9, r)
        data = jqd.Record(ts, populations, jqd.Gaussian(SIGMA), t0=0.0)
        return fit(
            law, data, psi0=psi0, free=("q",), starts=1, start={"q": 0.5},
            search=None, polish=None, substeps=20,
        )  # fmt: skip

    met, passed = one(jnp.array([0.5, -0.5])).status
    assert met == Status.UNREACHED
    assert passed == Status.OK


@pytest.mark.slow
def test_search_and_held_out_rows_under_vmap(golden, many):
    """From random starts, with the search, to where a near start leads."""
    law, psi0, _ = golden

    @jax.jit
    @jax.vmap
    def one(values, key):
        return fit(
            law, record(values), psi0=psi0, free=("q", "r"), held_out=0.2, key=key,
            substeps=4,
        )  # fmt: skip

    keys = jax.random.split(jax.random.key(5), 8)
    searched = one(many[:8], keys)
    np.testing.assert_array_equal(searched.status, Status.OK)
    for name, truth in (("q", 0.5), ("r", -0.5)):
        assert np.all(np.abs(searched.value[name] - truth) < 5 * searched.stderr[name])
    assert searched.ends.shape == (8, 4, 2)
    assert np.all(searched.agree.any(axis=1))
    # a mean of 9 differences of noise, |N(0, sigma)|/2 each, three a row
    expected = 1.5 * SIGMA * np.sqrt(2 / np.pi)
    assert np.all(np.abs(searched.held_out - expected) < 0.7 * expected)


@pytest.mark.slow
def test_gradient_of_a_constant_by_the_data(golden, many):
    """dq/d(data) by the implicit function theorem and by differences."""
    law, psi0, _ = golden
    tight = SETTINGS | {"polish": jqd.inference.Polish()}

    def q(values):
        return fit(law, record(values), psi0=psi0, substeps=4, **tight).value["q"]

    along = jax.random.normal(jax.random.key(2), many[0].shape)
    gradient = jax.jit(jax.grad(q))(many[0])
    q = jax.jit(q)
    h = 1e-4
    slope = (q(many[0] + h * along) - q(many[0] - h * along)) / (2 * h)
    # truncation h^2 and the polish's 1e-11 / h
    np.testing.assert_allclose(np.sum(gradient * along), slope, rtol=1e-4)


def test_settings_that_need_the_host_are_refused(golden):
    law, psi0, populations = golden

    def one(values):
        return jqd.recover(
            law, record(values), psi0=psi0, report=lambda *done: None, **SETTINGS
        )

    with pytest.raises(ValueError, match="`report`"):
        jax.eval_shape(one, populations)


@pytest.mark.slow
def test_point_of_the_sweep_of_error_bars():
    folder = Path(__file__).resolve().parents[2] / "experiments" / "sweeps"
    spec = importlib.util.spec_from_file_location("eb", folder / "error_bars.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    axes = module.axes(quick=True)
    sigma = axes["sigma"][jnp.array([0, 0, 3, 3])]
    length = axes["length"][jnp.array([0, 3, 0, 3])]
    keys = jax.random.split(jax.random.key(0), 4)
    out = jax.jit(jax.vmap(module.point))(sigma, length, jnp.arange(4), keys)
    np.testing.assert_array_equal(out["status"], Status.OK)
    assert np.all(np.abs(out["q"] - 0.5) < 5 * out["q_stderr"])
    # a linear fit: error bars grow with the noise, at the same times
    ratio = np.array(out["q_stderr"][2:] / out["q_stderr"][:2])
    np.testing.assert_allclose(ratio, sigma[2] / sigma[0], rtol=0.2)
    # and longer records tell more
    assert np.all(out["q_stderr"][1::2] < out["q_stderr"][::2])
