"""Records of one ensemble: weights of linear noise, coverage, what is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import problems
from jqd.ensembles.copying.linear_noise import linear_noise
from jqd.inference import Study, recover
from jqd.inference.slopes import jacobian
from jqd.instruments import EnsembleNoise
from jqd.records import Record

COPIES = 20_000
TS = np.linspace(0, 4, 21)
NOISE = EnsembleNoise(COPIES)


def sample_ensembles(runs, seed, copies=COPIES, step=0.02):
    """Counts (runs, T, M) of golden ensembles: a leap with exact mean motion."""
    law, psi0 = problems.golden()
    H, rng = np.asarray(law.hamiltonian()), np.random.default_rng(seed)
    energies, basis = np.linalg.eigh(H)
    links = H * (1 - np.eye(3))

    def move(t):
        return (basis * np.exp(-1j * energies * t)) @ basis.conj().T

    def flow(psi):
        drive = psi.conj()[:, :, None] * links * psi[:, None, :]
        return np.maximum(2 * np.imag(drive), 0)

    n = np.tile(np.round(copies * np.abs(psi0) ** 2).astype(int), (runs, 1))
    unit = np.tile(np.asarray(psi0 / np.abs(psi0)), (runs, 1))
    rows = [n]
    for _ in TS[1:]:
        for _ in range(round(TS[1] / step)):
            psi = np.sqrt(n / copies) * unit
            middle, after = psi @ move(step / 2).T, psi @ move(step).T
            K = step / 6 * (flow(psi) + 4 * flow(middle) + flow(after))
            p = np.clip(K * copies / np.maximum(n, 1)[:, None, :], 0, 1)
            moved = rng.binomial(np.broadcast_to(n[:, None, :], p.shape), p)
            n = n + moved.sum(axis=2) - moved.sum(axis=1)
            unit = after / np.abs(after)
        rows.append(n)
    return np.stack(rows, axis=1).astype(float)


@jax.jit
def fit_all(study, records, weights, starts):
    """Gauss-Newton of every record: q and r, standard errors, χ²."""

    def one(values, weights, start):
        here = eqx.tree_at(lambda each: each.data.values, study, values)

        def step(theta, _):
            residuals, slope = jacobian(here, theta, weights, jnp.ones(len(TS)))
            inverse = jnp.linalg.inv(slope.T @ slope)
            errors = jnp.sqrt(jnp.diagonal(inverse))
            theta = theta - inverse @ (slope.T @ residuals)
            return theta, (errors, jnp.sum(residuals**2))

        theta, (errors, chi2) = jax.lax.scan(step, start, None, length=8)
        return theta, errors[-1], chi2[-1]

    return jax.vmap(one)(records, weights, starts)


@jax.jit
def weigh(study, records, thetas):
    def one(values, theta):
        here = eqx.tree_at(lambda each: each.data.values, study, values)
        return here.first_weights(), here.weights(theta, values)

    return jax.vmap(one)(records, thetas)


@pytest.mark.slow
def test_intervals_of_real_records_are_honest():
    """95 % intervals of q and r: as wide as they say, and naive ones are not."""
    count, (law, psi) = 300, problems.golden()
    records = jnp.asarray(sample_ensembles(count, seed=1))
    data = Record(TS, records[0], NOISE)
    method = jqd.Fixed(jqd.steppers.rk4)
    study = Study(law, data, psi0=psi, free=("q", "r"), method=method)
    study = study.with_substeps(4)
    start = jnp.broadcast_to(jnp.array([0.48, -0.52]), (count, 2))
    naive = fit_all(study, records, weigh(study, records, start)[0], start)
    weights = weigh(study, records, naive[0])[1]
    theta, errors, chi2 = fit_all(study, records, weights, naive[0])
    truth = jnp.array([0.5, -0.5])[None]
    covered = np.mean(np.abs(theta - truth) < 1.96 * errors, axis=0)
    naively = np.mean(np.abs(naive[0] - truth) < 1.96 * naive[1], axis=0)
    # the claim, 93-97 %
    assert np.all(np.abs(covered - 0.95) <= 0.02 + 1e-12)
    assert np.all(naively < 0.65)
    # 38 degrees of freedom a record
    assert np.mean(chi2) / 38 == pytest.approx(1, abs=4 * np.sqrt(2 / 38 / count))
    # standard errors are the scatter: √(1/2n) each
    ratio = np.std(theta, axis=0) / np.mean(errors, axis=0)
    np.testing.assert_allclose(ratio, 1, atol=4 / np.sqrt(2 * count))
    assert float(jnp.min(weights.rank[:, 1:])) == 2
    assert float(jnp.max(weights.rank[:, 0])) == 0


@pytest.fixture(scope="module")
def golden():
    """Weights of six rows, the first an exact start, and their covariance."""
    law, psi = problems.golden(q=0.45, r=-0.6)
    ts = jnp.linspace(0, 2, 6)
    weights = NOISE.along(law, psi, ts, jnp.asarray(50))
    covariance = linear_noise(law, psi, ts, substeps=jnp.asarray(50)).covariance
    return weights, np.asarray(covariance) / COPIES


def test_whitening_is_generalised_least_squares(golden):
    """rᵀ C⁻¹ r and ln det C of the whole record, and of its beginning."""
    weights, covariance = golden
    rng = np.random.default_rng(4)
    away = rng.normal(size=(6, 3)) / np.sqrt(COPIES)
    away[0] = 0
    away -= away.mean(axis=1, keepdims=True)
    white = np.asarray(weights(jnp.asarray(away)))
    for rows in (3, 6):
        # without the exact row, and the last class of each: it is the others' sum
        block = covariance[1:rows, :2, 1:rows, :2].reshape(2 * rows - 2, -1)
        part = away[1:rows, :2].ravel()
        dense = part @ np.linalg.solve(block, part)
        # the sums of shares, which steps keep to 1e-7, are exact here
        assert np.sum(white[:rows] ** 2) == pytest.approx(dense, rel=1e-5)
        mask = jnp.where(jnp.arange(6) < rows, 1.0, 0)
        assert float(NOISE.independent(away, weights, mask)) == 2 * rows - 2
        # det of two of three classes: a third of that of the two free directions
        logdet = np.linalg.slogdet(COPIES * block)[1] + (rows - 1) * np.log(3)
        assert float(NOISE.penalty(weights, mask)) == pytest.approx(logdet, abs=1e-5)
    # rows are not independent: the blocks alone say something else
    blocks = [covariance[k, :2, k, :2] for k in range(1, 6)]
    apart = sum(
        r @ np.linalg.solve(C, r) for r, C in zip(away[1:, :2], blocks, strict=True)
    )
    assert abs(apart / dense - 1) > 0.1


def test_rows_that_no_run_reaches_count(golden):
    """A whole unit of density in every class, which no scatter of shares can be."""
    weights, _ = golden
    missed = jnp.zeros((6, 3)).at[4:].set(1.0)
    white = weights(missed)
    assert float(jnp.min(jnp.sum(white[4:] ** 2, axis=1))) > COPIES
    assert float(jnp.max(jnp.abs(white[:4]))) == 0


def test_complaint_about_few_copies(golden):
    weights, _ = golden
    assert NOISE.complaint(weights) is None
    few = eqx.tree_at(lambda w: w.least_copies, weights, jnp.asarray(3.2))
    complaint = NOISE.complaint(few)
    assert complaint is not None
    assert "3.2 copies" in complaint
    assert "fewer than 20 linear noise" in complaint
    # a long record asks for more: E[1 - F] must stay small beside the smallest class
    law, psi = problems.golden()
    # as many rows and steps as an array: the program of `golden` serves
    ts, substeps = jnp.array([0.0, 1, 2, 3, 5, 20]), jnp.asarray(200)
    long = EnsembleNoise(1000).along(law, psi, ts, substeps)
    assert float(long.least_copies) > 20
    assert NOISE.complaint(long) is not None
    many = EnsembleNoise(4000).along(law, psi, ts, substeps)
    assert NOISE.holds(many)


def test_a_motion_that_meets_a_node_is_told(golden):
    """Linear noise has no scatter there; independent shots do not pass for it."""
    del golden  # its program serves here
    law, _ = problems.golden(q=0.45, r=-0.6)
    start, ts = jnp.array([1.0, 0, 0]) + 0j, jnp.linspace(0, 2, 6)
    seen = jnp.full((6, 3), COPIES / 3)
    at = NOISE.weights(seen, seen, lambda: (law, start, ts, jnp.asarray(50)))
    assert jnp.isfinite(at.root).all()
    assert not NOISE.holds(at)
    assert "meets a node" in str(NOISE.complaint(at))


def counts(row=1, column=0, value=10.0):
    table = np.full((3, 2), 10.0)
    table[row, column] = value
    return table


@pytest.mark.parametrize(
    ("values", "copies", "words"),
    [
        (counts(value=10.5), 20, "row 1 has 10.5 in column 0"),
        (counts(value=-1), 20, "row 1 has -1"),
        (counts(value=11), 20, "row 1 has 21 where N = 20"),
        (counts(), 21, "row 0 has 20 where N = 21"),
        (counts(), -3, "`copies` must be positive"),
    ],
)
def test_wrong_records(values, copies, words):
    with pytest.raises(ValueError, match=words):
        Record([0.0, 1.0, 2.0], values, EnsembleNoise(copies))


def test_other_laws_have_no_such_scatter():
    law = jqd.Schrodinger(np.diag([0.0, 1.0]))
    data = Record([0.0, 1.0, 2.0], counts(), EnsembleNoise(20))
    with pytest.raises(ValueError, match="systems that copy each other"):
        recover(law, data, psi0=np.sqrt([0.5, 0.5]) + 0j, free="hbar")


def test_files(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text("t,n0,n1\n0,10,10\n1,12,8\n")
    data = jqd.records.load_record(path, "ensemble")
    assert isinstance(data.noise, EnsembleNoise)
    assert float(data.noise.copies) == 20
    np.testing.assert_allclose(data.shares[1], [0.6, 0.4])
    path.write_text("t,n0,n1\n0,10,10\n1,12,9\n")
    with pytest.raises(ValueError, match="one ensemble over time"):
        jqd.records.load_record(path, "ensemble")


@pytest.mark.slow
def test_recover():
    """The whole fit: honest and converged, and not called so with few copies."""
    law, psi = problems.golden()
    settings = {"psi0": psi, "free": ("q", "r"), "starts": 4}
    record = sample_ensembles(1, seed=3)[0]
    fit = recover(law, Record(TS, record, NOISE), **settings)
    assert fit.status == "converged"
    # 38 degrees of freedom: 4 standard deviations of χ²
    assert fit.chi2_per_dof == pytest.approx(1, abs=4 * np.sqrt(2 / 38))
    # √N σ of this design
    scaled = [np.sqrt(COPIES) * c.stderr for c in fit.constants.values()]
    np.testing.assert_allclose(scaled, [0.87, 0.095], rtol=0.05)
    for constant in fit.constants.values():
        assert abs(constant.deviation) < 4
    few = sample_ensembles(1, seed=3, copies=100)[0]
    fit = recover(law, Record(TS, few, EnsembleNoise(100)), **settings)
    assert fit.status == "linear noise not valid"
    assert "copies" in fit.message
    # rows from later on: the start is exact but was not seen
    late = Record(TS[5:], record[5:], EnsembleNoise(COPIES), t0=0.0)
    fit = recover(law, late, **settings)
    assert fit.status == "converged"
    assert fit.chi2_per_dof == pytest.approx(1, abs=4 * np.sqrt(2 / 30))
