"""g from counts and curves: within its error, refused where the data cannot tell."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from jqd.inference import Unidentifiable
from jqd.inference.estimators.counts import fit_counts
from jqd.inference.estimators.curve import fit_curve
from jqd.statistics import occupation

E = np.linspace(0.0, 4.0, 40)
CURVES = {1.0: (1.0, -0.3), 0.0: (1.0, 0.5), -1.0: (0.8, 1.5), 0.5: (1.0, -0.1)}


def polya(rng, N, M, g, draws):
    """Draws by NumPy alone: Dirichlet weights, then a multinomial."""
    weights = rng.dirichlet(np.full(M, 1 / g), draws) if g else np.full(M, 1 / M)
    return rng.multinomial(N, weights, None if g else draws)


@pytest.mark.parametrize(
    ("g", "error"), [(1.0, 0.036), (0.5, 0.023), (0.2, 0.015), (0.0, 0.010)]
)
def test_g_from_counts(g, error):
    """N = 50, M = 20, 200 draws: within four standard errors, of the known size."""
    counts = polya(np.random.default_rng(5), 50, 20, g, 200)
    fit = fit_counts(counts)
    found = fit.constants["g"]
    assert fit.status == "converged"
    assert fit.agree.all()
    assert found.stderr == pytest.approx(error, rel=0.2)
    assert abs(found.value - g) < 4 * found.stderr
    # Negative controls: the other statistics are far away.
    for other in {0.0, 1.0, -1.0} - {g}:
        assert abs(found.value - other) > 4 * found.stderr


@pytest.mark.parametrize("k", [1, 2, 3])
def test_g_at_its_edge(k):
    """N of k M places filled: g = -1/k exactly, and the edge is said."""
    rng = np.random.default_rng(k)
    N, M = 5 * k, 8
    places = np.array([rng.permutation(k * M)[:N] // k for _ in range(100)])
    counts = np.apply_along_axis(np.bincount, 1, places, minlength=M)
    fit = fit_counts(counts)
    assert fit.constants["g"].value == -1 / k
    assert fit.at_edge
    assert "edge" in fit.message


def test_error_bars_are_right():
    """60 fits: their deviations in standard errors have the variance 1."""
    rng = np.random.default_rng(0)
    fits = [fit_counts(polya(rng, 50, 20, 1.0, 200)).constants["g"] for _ in range(60)]
    sigmas = [(fit.value - 1) / fit.stderr for fit in fits]
    # Standard error of a variance: sqrt(2/60); four of them.
    assert np.mean(np.square(sigmas)) == pytest.approx(1, abs=4 * np.sqrt(2 / 60))


@pytest.mark.parametrize("counts", [np.eye(6, dtype=int), [[1, 1, 0, 0]], [[0, 0]]])
def test_dilute_counts_are_refused(counts):
    with pytest.raises(Unidentifiable, match="too dilute"):
        fit_counts(counts)


@pytest.mark.sampled
@pytest.mark.parametrize("g", CURVES)
def test_g_T_and_mu_from_a_curve(g):
    """40 points of 1 % noise: all within four standard errors, one basin."""
    T, mu = CURVES[g]
    nbar = np.asarray(occupation(E, T, mu, g))
    sigma = 0.01 * nbar
    noise = np.random.default_rng(7).normal(size=40)
    fit = fit_curve(nbar + sigma * noise, E, sigma)
    for name, true in (("g", g), ("T", T), ("mu", mu)):
        found = fit.constants[name]
        assert abs(found.value - true) < 4 * found.stderr
    assert fit.constants["g"].stderr < 0.03
    assert fit.status == "converged"
    assert fit.agree.all()
    # χ²/37 = 1 +- sqrt(2/37); four standard errors.
    assert fit.chi2_per_dof == pytest.approx(1, abs=0.93)


def test_without_noise_to_rounding():
    T, mu = CURVES[1.0]
    fit = fit_curve(occupation(E, T, mu, 1.0), E)
    found = [fit.constants[name].value for name in ("g", "T", "mu")]
    # LM's own tolerance, 1e-10, squared by its last step.
    np.testing.assert_allclose(found, [1.0, T, mu], atol=1e-9)
    assert fit.chi2_per_dof is None
    assert fit.freedom == 37


def test_correlated_errors_of_a_curve():
    """(J^T C⁻¹ J)⁻¹ of exact data, and r^T C⁻¹ r of others, by NumPy."""
    T, mu = CURVES[1.0]
    nbar, sigma = np.asarray(occupation(E, T, mu, 1.0)), 0.01 + 0.002 * E
    R = 0.6 ** np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    inverse = np.linalg.inv(R * np.outer(sigma, sigma))
    x = (E - mu) / T
    rise = nbar**2 * np.exp(x) / T
    J = np.stack([nbar**2, rise * x, rise], axis=1)
    fit = fit_curve(nbar, E, sigma, correlation=R)
    # second derivatives of exact data weigh nothing; LM ends within 1e-10
    wanted = np.linalg.inv(J.T @ inverse @ J)
    np.testing.assert_allclose(fit.covariance, wanted, rtol=1e-5)
    bent = fit_curve(nbar + 0.01 * np.sin(3 * E), E, sigma, correlation=R)
    values = {name: one.value for name, one in bent.constants.items()}
    apart = nbar + 0.01 * np.sin(3 * E) - occupation(E, values["T"], values["mu"],
                                                     values["g"])  # fmt: skip
    assert bent.chi2_per_dof == pytest.approx(float(apart @ inverse @ apart) / 37)


@pytest.mark.parametrize("known", [True, False])
def test_a_background_of_a_curve(known):
    """Constants, errors and chi-square beside b, by SciPy's least squares."""
    T, mu = CURVES[1.0]
    nbar, sigma = np.asarray(occupation(E, T, mu, 1.0)), 0.01 + 0.002 * E
    shape = np.exp(-((E - 2) ** 2))
    noise = sigma * np.random.default_rng(0).normal(size=40)
    R = 0.6 ** np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    apart = np.linalg.inv(np.linalg.cholesky(R)) if known else np.eye(40)
    seen = nbar + 0.3 * shape + noise
    size = sigma if known else 0.01 * seen.max()

    def residuals(x):
        model = 1 / (np.exp((E - x[2]) / x[1]) - x[0]) + x[3] * shape
        return apart @ ((model - seen) / size)

    best = least_squares(residuals, [1, T, mu, 0.3], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    wanted = np.linalg.inv(best.jac.T @ best.jac)
    wanted *= 1 if known else np.sum(best.fun**2) / 36
    options = {"sigma": sigma, "correlation": R} if known else {}
    fit = fit_curve(seen, E, background=shape, **options)
    assert list(fit.constants) == ["g", "T", "mu", "background"]
    errors = np.sqrt(np.diag(wanted))
    found = [one.value for one in fit.constants.values()]
    # SciPy ends within 1e-6 standard errors, its differences are good to 1e-6
    np.testing.assert_allclose((found - best.x) / errors, 0, atol=1e-4)
    np.testing.assert_allclose(fit.covariance, wanted, rtol=1e-4)
    if known:
        assert fit.chi2_per_dof == pytest.approx(np.sum(best.fun**2) / 36, rel=1e-8)
    else:
        assert fit.freedom == 36


@pytest.mark.parametrize(
    ("background", "said"),
    [
        (np.zeros(40), "`background` must not be 0 everywhere"),
        (np.ones(39), "`background` must have shape"),
        (np.full(40, np.nan), "`background` must be finite"),
    ],
)
def test_backgrounds_that_cannot_be(background, said):
    nbar = np.asarray(occupation(E, 1.0, -0.3, 1.0))
    with pytest.raises(ValueError, match=said):
        fit_curve(nbar, E, background=background)


@pytest.mark.parametrize(
    ("sigma", "correlation", "said"),
    [
        (None, np.eye(40), "`correlation` must be given only with `sigma`"),
        (0.01, np.eye(39), "`correlation` must have shape"),
        (0.01, 2 * np.eye(40), "with 1 on its diagonal"),
        (0.01, np.tri(40), "must be symmetric"),
        (0.01, np.ones((40, 40)), "positive definite"),
    ],
)
def test_correlations_that_cannot_be(sigma, correlation, said):
    nbar = np.asarray(occupation(E, 1.0, -0.3, 1.0))
    with pytest.raises(ValueError, match=said):
        fit_curve(nbar, E, sigma, correlation=correlation)


def test_known_constants_are_kept():
    nbar = np.asarray(occupation(E, 1.0, -0.3, 1.0))
    fit = fit_curve(nbar, E, 0.01, free=("g", "mu"), start={"T": 1.0, "g": 0.1})
    assert fit.known == {"T": 1.0}
    assert fit.constants["g"].value == pytest.approx(1.0, abs=1e-8)
    assert fit.covariance.shape == (2, 2)
    # A wrong temperature cannot be made up for by g and μ.
    wrong = fit_curve(nbar, E, 0.01, free=("g", "mu"), start={"T": 1.3})
    assert wrong.chi2_per_dof > 3
    free = fit_curve(nbar, E, 0.01)
    assert free.constants["g"].stderr > fit.constants["g"].stderr


def test_a_dilute_curve_is_refused():
    nbar = np.asarray(occupation(E, 1.0, -3.0, 1.0))
    assert nbar.max() < 0.055
    with pytest.raises(Unidentifiable, match=r"\+-0.2.*Jacobian.*cube"):
        fit_curve(nbar, E, 0.01 * nbar)
    # T and μ are still to be had.
    fit = fit_curve(nbar, E, 0.01 * nbar, free=("T", "mu"), start={"g": 0.0})
    assert fit.constants["T"].value == pytest.approx(1.0, rel=0.02)


def test_one_energy_cannot_tell_three_constants():
    with pytest.raises(Unidentifiable, match="change no prediction"):
        fit_curve(np.full(40, 0.4), np.ones(40), 0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_counts([1, 2]), "a draw of at least two states"),
        (lambda: fit_counts([[1, 2.5]]), "whole numbers"),
        (lambda: fit_counts([[1, -2]]), "whole numbers"),
        (lambda: fit_counts([[1, np.nan]]), "finite"),
        (lambda: fit_curve(E[:-1], E), "`nbar` must have shape"),
        (lambda: fit_curve(-E, E), "positive entries"),
        (lambda: fit_curve(E[:2], E[:2]), "at least 4 energies"),
        (lambda: fit_curve(E, E, 0.0), "`sigma` must be positive"),
        (lambda: fit_curve(E, E, free=("g", "hbar")), "must be one of"),
        (lambda: fit_curve(E, E, free=("g", "g")), "each constant once"),
        (lambda: fit_curve(E, E, free=("g",)), "must give T a value"),
        (lambda: fit_curve(E, E, start={"T": -1.0}), "`T` must be positive"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
