"""`jqd.recover`: from QuTiP's data and from exact evolution."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray as xr

import jqd
from jqd import constants, problems
from jqd.inference import Study, identifiability


@pytest.fixture(scope="module")
def four_level():
    return problems.four_level()


@pytest.fixture(scope="module")
def law(four_level):
    return jqd.CopyDynamics.from_hamiltonian(four_level.hamiltonian)


def exact_record(ts):
    """Populations of the golden problem by exact evolution."""
    law, psi0 = problems.golden()
    states = jqd.exact.matrices.propagate(law.hamiltonian(), psi0, ts)
    return law, psi0, jqd.Record(ts, jnp.abs(states) ** 2)


def fitted(four_level, law, data=None, free=("q", "r"), **options):
    data = four_level.populations if data is None else data
    return jqd.recover(law, data, psi0=four_level.psi0, free=free, **options)


NEAR = {"start": {"q": 0.3, "r": -0.8}, "starts": 4}


@pytest.fixture(scope="module")
def from_populations(four_level, law):
    return fitted(four_level, law, **NEAR)


@pytest.fixture(scope="module")
def from_counts(four_level, law):
    return fitted(four_level, law, four_level.counts, **NEAR)


def test_populations_by_qutip_give_the_quantum_values(from_populations):
    q, r = from_populations.constants["q"], from_populations.constants["r"]
    assert from_populations.status == "converged"
    # the record has 12 digits; what is left is the step bias, 1e-10 by choice
    assert abs(q.value - 0.5) < 1e-9
    assert abs(r.value + 0.5) < 1e-9
    # the errors that are reported cover the errors that are there
    assert abs(q.deviation) < 4
    assert abs(r.deviation) < 4
    assert max(q.stderr, r.stderr) < 1e-8
    # the held-out fifth is predicted to the same accuracy, the first start is not
    assert from_populations.held_out < 1e-8
    assert from_populations.held_out_start > 0.1
    assert from_populations.held_out_rows == 12


def test_what_was_found_is_kept(from_populations, tmp_path):
    names = ["ground", "first", "second", "third"]
    table = from_populations.to_xarray(names)
    assert list(table["component"].values) == names
    place = from_populations.save(tmp_path / "found.zarr")
    with xr.open_zarr(place, chunks=None) as kept:
        for name in ("value", "stderr"):
            want = [getattr(c, name) for c in from_populations.constants.values()]
            np.testing.assert_array_equal(kept[name], want)
        np.testing.assert_array_equal(kept["data"], from_populations.observed)
        np.testing.assert_array_equal(kept["fitted"], from_populations.prediction)
        assert kept.attrs["status"] == "converged"
    with pytest.raises(ValueError, match="must be a folder that does not exist"):
        from_populations.save(place)
    with pytest.raises(ValueError, match="must hold data of one kind that docs/files"):
        jqd.load(place)
    with pytest.raises(ValueError, match="`names` must have 4 entries"):
        from_populations.to_xarray(names[:2])


@pytest.mark.slow
def test_wrong_data_do_not_give_the_quantum_values(four_level, law):
    """Negative control: the same fit on another Hamiltonian's data."""
    wrong = four_level.hamiltonian.at[0, 0].add(0.3)
    ts = four_level.populations.ts
    states = jqd.exact.matrices.propagate(wrong, four_level.psi0, ts)
    recovery = jqd.recover(
        law,
        (ts, jnp.abs(states) ** 2),
        psi0=four_level.psi0,
        free=("q", "r"),
        starts=[[0.5, -0.5]],
        search=None,
    )
    found = np.array([c.value for c in recovery.constants.values()])
    assert np.abs(found - [0.5, -0.5]).max() > 1e-3
    assert recovery.held_out > 1e-3


class Bursting(jqd.Motion):
    """x' = a x², which from x = 1 has x(t) = 1/(1 - a t) and ends at t = 1/a."""

    a: jax.Array = jqd.free(default=0.2)

    def vector_field(self, t, state, args=None):
        return self.a * state**2


def test_rows_that_the_first_guess_does_not_reach_have_no_distance():
    ts = np.linspace(0.2, 2.0, 10)
    data = jqd.Record(ts, 1 / (1 - 0.2 * ts)[:, None], jqd.Gaussian(0.01), t0=0.0)
    recovery = jqd.recover(
        Bursting(), data, psi0=np.ones(1), free=("a",), search=None,
        instrument=jqd.instruments.Direct(lambda t, state: state),
        method=jqd.Fixed(None, 16), starts=[[1.0], [0.21]],
    )  # fmt: skip
    assert recovery.status == "converged"
    assert recovery.held_out_rows == 2
    assert recovery.held_out < 1e-3
    assert recovery.held_out_start is None
    assert recovery.to_xarray() is not None


def test_counts_give_the_values_within_errors(from_counts):
    assert from_counts.status == "converged"
    for constant in from_counts.constants.values():
        assert abs(constant.deviation) < 3
    # 180 independent counts: chi2/dof has standard deviation sqrt(2/180) = 0.1
    assert abs(from_counts.chi2_per_dof - 1) < 0.4


def test_errors_of_counts_reach_the_cramer_rao_bound(four_level, law, from_counts):
    """Fisher information at the truth, by differences of exact RK4 predictions."""
    shots, ts = 20000, four_level.counts.ts

    def predict(q, r):
        there = jqd.CopyDynamics.from_hamiltonian(four_level.hamiltonian, q, r)
        method = jqd.Fixed(jqd.steppers.rk4, 40, estimate_error=False)
        run = jqd.evolve(there, four_level.psi0, ts, method=method, observe="density")
        return np.asarray(run.values)

    h = 1e-4
    slopes = [
        (predict(0.5 + h, -0.5) - predict(0.5 - h, -0.5)) / (2 * h),
        (predict(0.5, -0.5 + h) - predict(0.5, -0.5 - h)) / (2 * h),
    ]
    p = predict(0.5, -0.5)
    fisher = [[np.sum(shots * a * b / p) for a in slopes] for b in slopes]
    bound = np.sqrt(np.diag(np.linalg.inv(fisher)))
    stderr = np.array([c.stderr for c in from_counts.constants.values()])
    # both are the same matrix up to the shift of the constants by one standard error
    np.testing.assert_allclose(stderr, bound, rtol=0.05)


@pytest.mark.slow
def test_fit_to_rounding():
    """(q, r) from 20 populations up to T = 2: physics table, T21."""
    law, psi0, data = exact_record(jnp.linspace(0, 2, 21))
    recovery = jqd.recover(
        law,
        data,
        psi0=psi0,
        free=("q", "r"),
        starts=[[0.35, -0.65]],
        search=None,
        step_tolerance=1e-12,
    )
    found = np.array([c.value for c in recovery.constants.values()])
    assert np.abs(found - [0.5, -0.5]).max() < 1e-10
    # h = 0.1 / 40 gives 2.2e-12 by the same table; the fit found a step like that
    assert recovery.substeps >= 20


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("observe", "phases", "null"),
    [("density", False, 1), ("density", True, 4), ("psi", False, 0), ("psi", True, 0)],
)
def test_null_directions(observe, phases, null):
    """What populations and amplitudes cannot tell: physics table, T22."""
    law, psi0 = problems.golden()
    ts = jnp.linspace(0, 6, 31)
    look = observe if observe == "density" else _parts
    shape = (31, 3 if observe == "density" else 6)
    free = ("q", "r", "omega", "R", "delta", *(("phase0",) if phases else ()))
    # from later on: what it shows does not matter, nor is it compared with the state
    data = jqd.Record(ts, jnp.ones(shape), t0=-1e-9)
    study = Study(
        law,
        data,
        psi0=psi0,
        free=free,
        instrument=look,
        method=jqd.Fixed(jqd.steppers.rk4),
    ).with_substeps(20)
    found = identifiability(study, study.theta())
    assert int(found.null) == null
    # the smallest real one stands far above the largest null one
    values = np.asarray(found.singular_values)
    real = values[: len(values) - null]
    assert real.min() > 1e-3
    assert found.null_directions.shape == (null, len(values))


def _parts(t, state):
    del t
    return jnp.concatenate([state.real, state.imag])


@pytest.mark.slow
def test_a_study_is_as_good_as_what_it_is_made_of(four_level, law):
    given = {"psi0": four_level.psi0, "free": ("q",)}
    settings = {"starts": [[0.45]], "search": None, "polish": None}
    study = Study(law, four_level.populations, **given)
    alone = jqd.fit(study, **settings)
    parts = jqd.fit(law, four_level.populations, **given, **settings)
    assert float(alone.cost) == float(parts.cost)
    with pytest.raises(ValueError, match="`psi0` must not be given beside a study"):
        jqd.recover(study, psi0=four_level.psi0)


def test_omega_shift_is_refused_in_words(four_level, law):
    with pytest.raises(jqd.inference.Unidentifiable, match=r"omega\[0\].*omega\[3\]"):
        jqd.recover(
            law, four_level.counts, psi0=four_level.psi0, free=("q", "r", "omega")
        )


@pytest.mark.slow
def test_a_stationary_record_identifies_nothing():
    law, _ = problems.golden()
    _, vectors = np.linalg.eigh(law.hamiltonian())
    ts = jnp.linspace(0, 1, 8)
    record = jnp.tile(jnp.abs(vectors[:, 0])[None, :] ** 2, (8, 1))
    exponents = jqd.CopyDynamics(law.omega, law.R, law.delta)
    # at an eigenstate nothing moves for q; r only through exact balance
    with pytest.raises(jqd.inference.Unidentifiable):
        jqd.recover(
            exponents, (ts, record), psi0=vectors[:, 0], free=("omega", "q", "r")
        )


@pytest.mark.slow
def test_search_alone_and_other_optimizers(four_level, law):
    """Any GradientTransformation, with or without the polish."""
    common = {
        "psi0": four_level.psi0,
        "free": ("q", "r"),
        "starts": [[0.4, -0.6], [0.55, -0.4]],
        "substeps": 2,
    }
    adam = jqd.recover(law, four_level.populations, polish=None, **common)
    found = np.array([c.value for c in adam.constants.values()])
    # Adam's last learning rate is 5e-4 of the span
    assert np.abs(found - [0.5, -0.5]).max() < 0.05
    assert adam.history.shape == (2, 5 * 40)
    lbfgs = jqd.recover(
        law,
        four_level.populations,
        search=jqd.inference.Search(optax.lbfgs(), steps=10, windows=2, chunk=5),
        **common,
    )
    found = np.array([c.value for c in lbfgs.constants.values()])
    assert np.abs(found - [0.5, -0.5]).max() < 1e-8


@pytest.mark.slow
def test_joint_fit_of_rates_and_exponents():
    """11 constants less the gauge ones, from populations with 5 % wrong starts."""
    law, psi0, data = exact_record(jnp.linspace(0, 6, 41))
    wrong = jqd.CopyDynamics(law.omega, 1.05 * law.R, law.delta, 0.45, -0.55)
    recovery = jqd.recover(
        wrong,
        data,
        psi0=psi0,
        free=("q", "r", "R"),
        starts=jnp.array([[0.45, -0.55, *(1.05 * constants.pack(law, "R"))]]),
        search=None,
    )
    found = np.array([c.value for c in recovery.constants.values()])
    truth = np.array([0.5, -0.5, *constants.pack(law, "R")])
    # step bias 1e-10 by default, a few times that in correlated directions
    assert np.abs(found - truth).max() < 1e-8
    assert list(recovery.constants) == ["q", "r", "R[0,1]", "R[0,2]", "R[1,2]"]


@pytest.mark.slow
def test_progress_and_partial_results_are_handed_out(four_level, law):
    reports, kept = [], []
    fitted(
        four_level,
        law,
        starts=2,
        search=jqd.inference.Search(steps=4, windows=2, chunk=2),
        report=lambda *done: reports.append(done),
        keep=lambda *found: kept.append([np.asarray(one).shape for one in found]),
    )
    assert reports[:5] == [("search", k, 4) for k in range(5)]
    assert reports[-1] == ("polish", 4, 4)
    assert kept == [[(2, 2), (2, 2), (2, 4)], [(2, 2), (2, 2), (2, 8)]]


@pytest.mark.slow
def test_same_key_same_answer(four_level, law):
    def run(seed):
        search = jqd.inference.Search(steps=4, windows=1, chunk=2)
        key = jax.random.key(seed)
        return fitted(four_level, law, None, ("q",), starts=3, search=search, key=key)

    first, again, other = run(3), run(3), run(4)
    np.testing.assert_array_equal(first.ends, again.ends)
    assert not np.array_equal(first.starts, other.starts)


@pytest.mark.slow
def test_xarray_records(four_level, law):
    import xarray as xr

    record = xr.DataArray(
        np.asarray(four_level.populations.values).T,
        dims=("level", "t"),
        coords={"t": np.asarray(four_level.populations.ts)},
    )
    recovery = fitted(four_level, law, record, ("q",), starts=1, search=None)
    assert abs(recovery.constants["q"].value - 0.5) < 1e-8


@pytest.mark.slow
def test_every_start_of_a_grid_converges_with_the_curriculum():
    """All but one at most of 6 x 6 starts on [0, 1] x [-1.5, 0.5], T = 10."""
    law, psi0, data = exact_record(jnp.linspace(0, 10, 51))
    q, r = np.meshgrid(np.linspace(0, 1, 6), np.linspace(-1.5, 0.5, 6))
    starts = np.stack([q.ravel(), r.ravel()], 1)
    common = {"psi0": psi0, "free": ("q", "r"), "starts": starts, "held_out": 0.0}
    recovery = jqd.recover(law, data, **common)
    assert recovery.agreeing_starts >= 35 / 36
    found = np.array([c.value for c in recovery.constants.values()])
    assert np.abs(found - [0.5, -0.5]).max() < 1e-9
    # negative control: without the curriculum most starts are lost
    alone = jqd.recover(law, data, search=jqd.inference.Search(windows=1), **common)
    assert alone.agreeing_starts < 0.9


@pytest.mark.slow
def test_a_hundred_starts_in_one_vmap(four_level, law):
    search = jqd.inference.Search(steps=20, windows=4)
    recovery = fitted(four_level, law, starts=100, search=search)
    assert recovery.ends.shape == (100, 2)
    assert recovery.agreeing_starts > 0.5
    assert abs(recovery.constants["q"].value - 0.5) < 1e-8
