"""ν from ideal passages and from relaxation, and from nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jqd
from jqd import Status
from jqd.ensembles import Cells, arrival, survival
from jqd.exact import free_gaussian
from jqd.inference.estimators import nu_from_arrivals, nu_from_relaxation
from jqd.inference.estimators.noise_of_paths import _chance

# An oscillator's ground state, m = ω = ħ = 1: crossings of its centre.
TS = jnp.geomspace(1e-6, 12.0, 1000)
NU = 0.5


def centre(nu):
    """Share that has crossed, 1 - (2/π) arcsin e^(-2νt)."""
    return 1 - 2 / jnp.pi * jnp.arcsin(jnp.exp(-2 * nu * TS))


def crossings(key, n=10_000):
    u = jax.random.uniform(key, (n,))
    return -jnp.log(jnp.sin(jnp.pi * u / 2)) / (2 * NU)


@pytest.mark.equation("diffusion", "claim-noise-untold")
def test_crossings_of_the_centre(key):
    """Information .5909 a crossing, sd(ν)/ν = .0130 at 1e4, and pulls of width 1."""
    keys = jax.random.split(key, 100)
    fit = jax.vmap(
        lambda key: nu_from_arrivals(
            crossings(key), TS, centre, passages="ideal", start=1.3
        )
    )(keys)
    # The p-values of one in a thousand are below 1e-3; 2 of 100 by a chance of 5e-3.
    assert ((fit.status == Status.OK) | (fit.status == Status.MISFIT)).all()
    assert (fit.status == Status.MISFIT).sum() <= 2
    # bins of 1.6 % in t leave out 1e-4 of it
    np.testing.assert_allclose(fit.information, 0.5909, atol=2e-4)
    np.testing.assert_allclose(fit.stderr / fit.nu, 0.0130, atol=1e-4)
    pull = (fit.nu - NU) / fit.stderr
    # of 100: the mean to 0.1, the width to 0.07; 4 of these
    assert abs(pull.mean()) < 0.4
    assert float(pull.std(ddof=1)) == pytest.approx(1, abs=0.28)
    # p-values are spread over (0, 1)
    assert float(fit.p_value.mean()) == pytest.approx(0.5, abs=4 * 0.029)


def test_another_clock_is_a_misfit(key):
    """Crossings in √t are those of no ν."""
    times = crossings(key) ** 0.5
    fit = nu_from_arrivals(times, TS, centre, passages="ideal", start=1.0)
    assert fit.status == Status.MISFIT
    assert "does not describe the data" in fit.describe()


@pytest.mark.slow
def test_paths_of_a_free_packet(key):
    """Arrivals by paths, F by finite volumes: sd(ν)/ν near .056 at 1e4."""
    line = jqd.Grid((-30.0, 50.0), 512)
    law = jqd.Schrodinger.on_grid(line, 0 * line.x)
    psi, ts, n = (
        free_gaussian(line.x, 0.0, momentum=1.0),
        np.linspace(0, 20, 41),
        4_000,
    )

    def arrived(nu):
        run = survival(law, psi, ts, detector=5.0, nu=nu, cells=400, substeps=20)
        return run.arrived

    paths = arrival(
        law, psi, ts, key, detector=5.0, nu=NU, paths=n, error_paths=0, substeps=30
    )
    fit = nu_from_arrivals(paths.times, ts, arrived, passages="ideal", start=0.2)
    assert fit.status == Status.OK
    assert abs(fit.nu - NU) < 4 * fit.stderr
    # that of 4000, at a ν known to 9 %: a tenth of it at 1e4, and 1.6 times that here;
    # what comes after t = 20 would tell a little more
    assert fit.stderr / fit.nu == pytest.approx(0.056 * np.sqrt(2.5), rel=0.16)


# A displaced density in that ground state: centre δe^(-2νt).
EDGES = jnp.linspace(-2.5, 2.5, 21)
LATER = np.array([0.3, 0.8])


def shares(nu, shift=1.0):
    mean = shift * jnp.exp(-2 * nu * LATER)
    F = jax.scipy.stats.norm.cdf(EDGES[None], mean[:, None], 0.5**0.5)
    return jnp.diff(F, prepend=0, append=1)


def test_a_displaced_density(key):
    keys, n = jax.random.split(key, 100), 4000

    def draw(key):
        steps = jax.random.normal(key, (2, n)) * 0.5**0.5
        x = steps + np.exp(-2 * NU * LATER)[:, None]
        number = jnp.searchsorted(EDGES, x.reshape(-1)).reshape(2, n)
        return jax.vmap(lambda row: jnp.zeros(22).at[row].add(1))(number)

    fit = jax.vmap(lambda key: nu_from_relaxation(draw(key), shares, start=1.0))(keys)
    assert (fit.status == Status.OK).all()
    # of a Gaussian's mean: Σ (∂ mean/∂ ln ν)²/σ² over two; cells lose 1 %
    mean = np.exp(-2 * NU * LATER)
    known = np.mean((2 * NU * LATER * mean) ** 2 / 0.5)
    np.testing.assert_allclose(fit.information, known, rtol=0.03 + 0.05)
    pull = (fit.nu - NU) / fit.stderr
    assert abs(pull.mean()) < 0.4
    assert float(pull.std(ddof=1)) == pytest.approx(1, abs=0.28)


def decaying(nu):
    """Three cells at two times: e^-ν, its rest, and one that is never entered."""
    stays = jnp.exp(-nu * jnp.asarray([0.5, 1.0]))
    return jnp.stack([stays, 1 - stays, jnp.zeros(2)], axis=1)


def test_what_the_law_excludes_and_is_seen_is_a_misfit():
    counts = np.array([[600.0, 400.0, 0.0], [370.0, 630.0, 0.0]])
    fine = nu_from_relaxation(counts, decaying, start=0.7)
    assert (fine.status, fine.excluded) == (Status.OK, 0)
    counts[1] += [0.0, -1.0, 1.0]
    fit = nu_from_relaxation(counts, decaying, start=0.7)
    assert fit.status == Status.MISFIT
    assert fit.p_value < 1e-12
    assert fit.excluded == 1
    assert "excludes were seen 1 times" in fit.describe()


@pytest.mark.equation("diffusion", "claim-noise-untold")
def test_equilibrium_tells_nothing():
    """|ψ|² at any number of times, from the library's own densities."""
    line = jqd.Grid((-8.0, 8.0), 96)
    law = jqd.Schrodinger.on_grid(line, lambda x: x**2 / 2)
    ground = np.exp(-(np.asarray(line.x) ** 2)) / np.sqrt(np.pi)
    cells = Cells((-2.5, 2.5), 10)

    def still(nu):
        later = jqd.ensembles.relaxed_density(law, ground, [0.0, 1.0, 2.0], nu=nu)
        return jax.vmap(lambda rho: cells.shares(rho, line))(later[1:])

    counts = np.round(1000 * np.asarray(still(NU)))
    with pytest.raises(
        jqd.inference.Unidentifiable, match=r"density of paths for every ν"
    ):
        nu_from_relaxation(counts, still, start=0.3)

    # Negative control: the same with a displaced start.
    def moving(nu):
        rho = np.roll(ground, 6)
        later = jqd.ensembles.relaxed_density(law, rho, [0.0, 1.0, 2.0], nu=nu)
        return jax.vmap(lambda rho: cells.shares(rho, line))(later[1:])

    counts = np.round(1000 * np.asarray(moving(NU)))
    fit = nu_from_relaxation(counts, moving, start=0.3)
    # rounded counts, an error of 0.3 each
    assert abs(fit.nu - NU) < fit.stderr
    few = nu_from_relaxation(np.round(counts / 500), moving, start=NU)
    assert few.status == Status.UNIDENTIFIABLE


def test_records_and_densities_are_refused(key):
    times = crossings(key, 100)
    with pytest.raises(
        jqd.inference.Unidentifiable, match="the same distribution for every ν"
    ):
        nu_from_arrivals(times, TS, centre, passages="recorded", start=1.0)
    with pytest.raises(
        jqd.inference.Unidentifiable, match="`arrived` must depend on ν"
    ):
        nu_from_arrivals(
            times, TS, lambda nu: centre(NU + 0 * nu), passages="ideal", start=1.0
        )
    line = jqd.Grid((-8.0, 8.0), 48)
    law = jqd.Schrodinger.on_grid(line, lambda x: x**2 / 2)
    psi = line.normalise(jnp.exp(-(line.x**2) / 2) + 0j)
    record = jqd.Record([0.0, 1.0], np.tile(np.abs(np.asarray(psi)) ** 2, (2, 1)))
    with pytest.raises(
        ValueError, match="`free` must name constants that a record determines"
    ):
        jqd.recover(law, record, psi0=psi, free="nu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"passages": "measured"}, "`passages` must be one of 'ideal', 'recorded'"),
        ({"start": 0.0}, "`start` must be positive"),
        ({"times": [[1.0]]}, "`times` must have shape"),
        ({"ts": [1.0, 1.0]}, "`ts` must increase strictly"),
        ({"arrived": 3}, "`arrived` must be a function"),
        ({"arrived": lambda nu: jnp.ones(3)}, "`arrived` must have shape"),
    ],
)
def test_input(change, message):
    good = {"times": [1.0, 2.0], "ts": TS, "arrived": centre, "passages": "ideal"}
    with pytest.raises(ValueError, match=message):
        nu_from_arrivals(**{**good, "start": 1.0} | change)


def test_chance_has_one_degree_of_freedom_fewer_for_the_noise_that_was_fitted():
    """Two rows of four bins: 2 (4 - 1) - 1 = 5, by SciPy."""
    expected = np.array([[400.0, 300, 200, 100], [250, 250, 250, 250]])
    counts = expected + np.array([[20, -30, 15, -5], [10, -5, -15, 10.0]])
    chi2, excess = np.sum((counts - expected) ** 2 / expected), np.sum(1 / expected)
    variance = 2 * 5 + excess
    gamma = stats.gamma(25 / variance, scale=variance / 5)
    found = _chance(jnp.asarray(counts), jnp.asarray(expected))
    np.testing.assert_allclose(found, gamma.sf(chi2), rtol=1e-10)
