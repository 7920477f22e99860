"""Springs and anharmonicity from the motion of atoms: light cone, windows, bounds."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants, problems
from jqd.inference import Polish, Search, Study, horizon, recover
from jqd.inference.polish import polish_all, polish_one, polish_through_windows
from jqd.inference.search import window_counts
from jqd.inference.slopes import jacobian
from jqd.records.atoms import AtomPositions, AtomRecord, load_atoms


def problem_of(record, free, law):
    data, observe = record.data()
    method = jqd.Fixed(law.stepper)
    study = Study(
        law, data, psi0=record.state(), free=free, instrument=observe, method=method
    )
    return study.with_substeps(2)


@pytest.fixture(scope="module")
def ladder():
    """Six springs, watched at one end: the echo of the last is back after 12."""
    record = problems.spring_chain(16.0, springs=6)
    problem = problem_of(record, ("K",), record.law(record.truth["K"]))
    return problem, horizon(problem, problem.theta())


@pytest.mark.slow
@pytest.mark.equation("thermalization", "fit-springs")
def test_springs_are_known_one_after_the_other(ladder):
    """A spring tells of itself when its echo is back: 2n/c for the n-th, c = 1."""
    _, seen = ladder
    times = np.asarray(seen.known_from(0.05))
    assert np.all(np.diff(times) > 0)
    # c lies between √.8 and √1.2, and the front is some width ahead of 2n
    assert np.all(times > 2 * np.arange(6) - 1.5)
    assert np.all(times < 2 * np.arange(1, 7) / np.sqrt(0.8) + 1)
    early = np.asarray(seen.ts) < 8
    assert np.all(np.asarray(seen.stderr)[early, 5] > 1)
    assert seen.condition[-1] < 30 < seen.condition[np.sum(early)]


def test_bound_against_plain_linear_algebra(ladder):
    problem, seen = ladder
    at, mask = problem.first_weights(), jnp.ones_like(problem.data.ts)
    slope = np.asarray(jacobian(problem, problem.theta(), at, mask)[1])
    for rows in (52, 65):
        information = slope[:rows].T @ slope[:rows]
        expected = np.sqrt(np.diag(np.linalg.inv(information)))
        # the information matrix loses the square of its condition, 1e4 here
        np.testing.assert_allclose(seen.stderr[rows - 1], expected, rtol=1e-7)
    # more rows never tell less, once the first of them tell more than rounding
    assert np.all(np.diff(np.asarray(seen.stderr)[48:], axis=0) < 1e-12)


@pytest.mark.parametrize("stiffness", [1.0, 1e3])
def test_positions_of_a_stiff_chain_are_those_of_its_modes(stiffness):
    """x(t) = Σ e_k² sin(ω_k t)/ω_k of two atoms: ω = 0 and √2K."""
    record = problems.spring_chain(20.0, springs=1, sigma=1e-12, K=[stiffness])
    ts, omega = record.ts, np.sqrt(2 * stiffness)
    expected = ts / 2 + np.sin(omega * ts) / omega / 2
    np.testing.assert_allclose(record.x[:, 0], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("K", "words"), [(-1.0, "be positive"), (2e6, r"be in \[0, 1e\+06\]")]
)
def test_springs_that_no_record_can_have(K, words):
    with pytest.raises(ValueError, match=f"Argument `K` must {words}"):
        problems.spring_chain(1.0, springs=1, K=[K])


def test_rows_of_windows():
    ts = jnp.linspace(0.5, 8.0, 16)
    seen, t0 = jnp.ones(16, bool), jnp.asarray(0.0)
    assert window_counts(ts, seen, t0, 4, 2).tolist() == [3, 4, 8, 16]
    assert window_counts(ts, seen, t0, 1, 2).tolist() == [16]
    assert window_counts(ts, seen, t0, 3, 6).tolist() == [6, 8, 16]


@pytest.mark.slow
@pytest.mark.equation("thermalization", "fit-springs")
def test_ten_springs_from_one_end():
    """All springs to 5e-4 where the bound is 4e-4; too short a record says so."""
    record = problems.spring_chain(60.0)
    data, observe = record.data()
    found = recover(
        record.law(jnp.ones(10)), data, psi0=record.state(), free=("K",), starts=1,
        start={"K": jnp.ones(10)}, search=None, polish=Polish(windows=4),
        instrument=observe,
    ).beside(record.truth)  # fmt: skip
    off = np.array([c.deviation for c in found.constants.values()])
    assert found.status == "converged"
    assert np.sqrt(np.mean(off**2)) < 1.6  # ten standard normal numbers: 3 sigma
    errors = found.theta - record.truth["K"]
    assert np.max(np.abs(errors)) < 1e-3
    assert max(c.stderr for c in found.constants.values()) < 5e-4
    # chi² of 231 values: 3 sigma
    assert abs(found.chi2_per_dof - 1) < 3 * np.sqrt(2 / 231)


@pytest.mark.slow
@pytest.mark.equation("thermalization", "fit-anharmonicity")
def test_anharmonicity_needs_growing_windows():
    """From starts all over the place: a long record has false minima, in which most of
    them end; led through windows all end at the true constants."""
    record = problems.fput_chain(60.0)
    problem = problem_of(record, ("K", "alpha", "beta"), record.law(**record.truth))
    truth = np.array([1.0, 0.3, 0.6])
    share = jax.random.uniform(jax.random.key(1), (12, 3))
    starts = jnp.array([[0.4, -0.8, 0.0]]) + share * jnp.array([[1.6, 1.6, 1.5]])
    mask = jnp.ones_like(problem.data.ts)
    direct, _, _ = polish_all(Polish(), problem, starts, mask)  # control
    led = polish_through_windows(Polish(windows=6), problem, starts, mask)
    ends, _, _ = polish_all(Polish(), problem, led, mask)
    bound = np.asarray(horizon(problem, jnp.asarray(truth)).stderr[-1])
    assert np.all(bound < 1e-4)
    assert np.all(np.abs(np.asarray(ends) - truth) < 4 * bound)
    lost = np.any(np.abs(np.asarray(direct) - truth) > 0.1, axis=1)
    assert np.sum(lost) > 6


@pytest.mark.slow
@pytest.mark.equation("thermalization", "fit-anharmonicity")
def test_scatter_of_fits_is_the_bound():
    """Forty records that differ in their noise alone."""
    record = problems.fput_chain(10.0, atoms=6)
    truth = [float(record.truth[name]) for name in ("K", "alpha", "beta")]
    law = record.law(*truth)
    problem = problem_of(record, ("K", "alpha", "beta"), law)
    exact = problem.predict(problem.theta())
    mask = jnp.ones_like(problem.data.ts)

    def fit(key):
        noisy = exact + record.sigma * jax.random.normal(key, exact.shape)
        again = eqx.tree_at(lambda p: p.data.values, problem, noisy)
        return polish_one(Polish(), again, problem.theta(), mask)[0]

    ends = jax.jit(jax.vmap(fit))(jax.random.split(jax.random.key(8), 40))
    bound = np.asarray(horizon(problem, problem.theta()).stderr[-1])
    ratio = np.std(np.asarray(ends), axis=0) / bound
    # the standard deviation of 40 numbers scatters by 11 %: 3 sigma
    assert np.all(np.abs(ratio - 1) < 0.35)
    assert np.all(
        np.abs(np.mean(np.asarray(ends), axis=0) - np.array(truth))
        < 4 * bound / np.sqrt(40)
    )


@pytest.mark.slow
@pytest.mark.equation("thermalization", "fit-horizon")
def test_sensitivity_grows_until_gradients_are_useless():
    """|∂q/∂θ| of a chaotic chain grows without bound, of a harmonic one linearly."""
    record = problems.fput_chain(120.0)
    K = 1.0
    growth = []
    for beta in (6.0, 0.0):
        law = record.law(K, 0.0, beta)
        problem = problem_of(record, ("K",), law).with_substeps(8)
        seen = horizon(problem, problem.theta()).sensitivity
        growth.append(float(seen[-1] / seen[len(seen) // 8]))
    assert growth[0] > 100 * growth[1]
    assert growth[1] < 20


@pytest.mark.slow
@pytest.mark.equation("thermalization", "fit-tower")
def test_constants_of_a_tower():
    """λ, ω and β from the norms of four levels, to .004."""
    record = problems.tower_record(levels=30, photons=6)
    truth = {name: getattr(record.law, name) for name in ("strength", "omega", "beta")}
    start = {"strength": 0.13, "omega": 0.85, "beta": 0.62}
    law = record.law
    for name, value in start.items():
        law = constants.unpack(law, name, jnp.array([value]))
    from jqd.matter.tower.random_tower import FOOT, LevelNorms

    found = recover(
        law, record.data, psi0=law.foot(FOOT), free=tuple(start), start=start,
        starts=1, search=None, polish=Polish(windows=3), instrument=LevelNorms(4),
        method=jqd.Propagator(terms=60),
    ).beside(truth)  # fmt: skip
    assert found.status == "converged"
    for constant in found.constants.values():
        assert abs(constant.deviation) < 4
        assert abs(constant.value - constant.reference) < 4e-3
    assert abs(found.chi2_per_dof - 1) < 3 * np.sqrt(2 / 237)
    assert found.singular_values[0] / found.singular_values[-1] < 100


def test_search_stops_at_its_share():
    """`until` leaves the rest of the record to the polish."""
    assert Search(until=0.25).until == 0.25
    record = AtomRecord(
        np.arange(5.0), np.zeros((5, 1)), np.array([0]), np.arange(2.0), np.zeros(2)
    )
    assert record.bonds == 1
    assert dataclasses.replace(record, ends="fixed").bonds == 3


# -- files ------------------------------------------------------------------------


def good():
    return {
        "t": np.arange(1.0, 4.0), "x": np.ones((3, 2)), "atoms": np.array([0, 2]),
        "x0": np.arange(3.0), "v0": np.zeros(3), "sigma": np.array(1e-3),
    }  # fmt: skip


def test_a_file_is_read(tmp_path):
    np.savez(tmp_path / "chain.npz", **good(), ends=np.array(1), mass=np.ones(3))
    record = load_atoms(tmp_path / "chain.npz")
    data, observe = record.data()
    assert record.ends == "fixed"
    assert observe == AtomPositions((0, 2))
    assert float(data.noise.sigma) == 1e-3
    assert data.t0 == 0
    np.testing.assert_array_equal(record.state().x[:, 0], np.arange(3.0))
    assert load_atoms(tmp_path / "chain.npz", sigma=0.1).sigma == 0.1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x0": None}, "must hold `x0` for positions of atoms"),
        ({"x": np.ones((3, 3))}, r"`x` must have shape \(3, 2\)"),
        ({"v0": np.zeros(2)}, "`v0` must have shape"),
        ({"t": np.array([1.0, 1.0, 2.0])}, "must increase strictly"),
        ({"atoms": np.array([0, 3])}, "must name atoms from 0 to 2"),
        ({"atoms": np.array([0.0, 1.0])}, "must name atoms from 0 to 2"),
        ({"ends": np.array(7)}, "must be 0"),
        ({"sigma": np.array(-1.0)}, "`sigma` must be positive"),
        ({"mass": np.array(0.0)}, "`mass` must be positive"),
        ({"x": np.full((3, 2), np.nan)}, "must be finite"),
    ],
)
def test_bad_files(tmp_path, changes, message):
    arrays = {k: v for k, v in (good() | changes).items() if v is not None}
    np.savez(tmp_path / "chain.npz", **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        load_atoms(tmp_path / "chain.npz")
    assert "chain.npz" in str(caught.value)
