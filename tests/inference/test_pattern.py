"""Patterns of residuals over time: found where they are, and nowhere else."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

import jqd
from jqd.inference.goodness import MISFIT
from jqd.inference.pattern import Pattern, find_pattern, pattern_of
from jqd.instruments import Direct, Gaussian
from jqd.report import posterior_summary, recovery_summary
from jqd.steppers import rk4

from .models import itself

TS = np.linspace(0.1, 12.0, 40)
LAW = np.stack([np.cos(2 * TS), 0.7 * np.sin(2.6 * TS + 0.4)], axis=1)
LATE = ((TS - TS[0]) / np.ptp(TS))[:, None]
ABOUT = LAW - LAW.mean(axis=0)
SPEED = np.stack([-2 * np.sin(2 * TS), 1.82 * np.cos(2.6 * TS + 0.4)], axis=1)
TEMPLATES = {
    ("less contrast", "more contrast"): ABOUT[None],
    ("decay", "growth"): (ABOUT * LATE)[None],
    ("behind", "ahead"): (SPEED * LATE)[None],
    ("late", "early"): SPEED[None],
}
NOTHING = np.zeros((80, 0))
ONE = np.eye(40)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("decay", -ABOUT * (1 - np.exp(-2 * LATE))),
        ("growth", ABOUT * LATE),
        ("less contrast", -ABOUT),
        ("more contrast", ABOUT),
        ("ahead", SPEED * LATE),
        ("behind", -SPEED * LATE),
        ("early", SPEED),
        ("late", -SPEED),
        ("offset", np.ones((40, 1)) * [1, -0.4]),
        ("drift", LATE * [1.0, 0.3]),
        ("oscillation", np.cos(5.3 * TS)[:, None] * [1.0, -1.0]),
        ("first row", 4 * ONE[:, :1] * [1.0, 1.0]),
        ("row", 4 * ONE[:, 17:18] * [1.0, 1.0]),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_each_pattern_is_found_by_its_name(name, pattern, scale):
    """Whatever the unit of the errors: it is taken from what the pattern leaves."""
    noise = np.random.default_rng(3).normal(size=(40, 2))
    found = find_pattern(scale * (noise + 4 * pattern), TS, TEMPLATES, NOTHING)
    assert found.name == name
    assert found.p_value < 1e-3
    # what it explains is at least what it has of the sum, less the noise along it
    assert 0.2 < found.share < 1
    if name == "oscillation":  # to the spacing of the frequencies, 2π/12.2
        assert found.frequency == pytest.approx(5.3, abs=0.26)
    if name in ("row", "first row"):
        assert found.time == TS[17 if name == "row" else 0]
        assert f"t = {found.time:.6g}" in found.describe()
    assert f"{100 * found.share:.0f} %" in found.describe()


@pytest.mark.parametrize("kind", ["alike", "one column", "both together"])
def test_scatter_without_a_pattern_gets_no_name(kind):
    """Residuals three times too large, whatever their covariance over the columns.

    A name is given once in a thousand times by Bonferroni's bound: 2 of 150 are beyond
    the 1 % quantile of a binomial.
    """
    rng, named = np.random.default_rng(8), 0
    for _ in range(150):
        R = 3 * rng.normal(size=(40, 2))
        if kind == "one column":
            R[:, 0] *= 10
        if kind == "both together":
            R += 20 * rng.normal(size=(40, 1))
        named += find_pattern(R, TS, TEMPLATES, NOTHING).name != "none"
    assert named <= 1
    said = Pattern("none", 0.0, 1.0).describe()
    assert "None of the patterns" in said
    assert "Errors that are too small" in said


def test_what_constants_can_do_is_no_pattern():
    """A fit that stopped early leaves what its constants would take away."""
    noise = np.random.default_rng(3).normal(size=(40, 2))
    R, slope = noise - 4 * ABOUT * LATE, np.ravel(ABOUT * LATE)[:, None]
    assert find_pattern(R, TS, TEMPLATES, NOTHING).name == "decay"
    assert find_pattern(R, TS, TEMPLATES, slope).name == "none"


def test_of_several_templates_the_best_counts_and_all_were_tried():
    """A template of noise beside the right one changes p by the number tried alone."""
    rng = np.random.default_rng(3)
    R = rng.normal(size=(40, 2)) - 2 * ABOUT * LATE
    names, other = ("decay", "growth"), rng.normal(size=(40, 2))
    one = find_pattern(R, TS, {names: (ABOUT * LATE)[None]}, NOTHING)
    two = find_pattern(R, TS, {names: np.stack([other, ABOUT * LATE])}, NOTHING)
    assert (one.name, two.name) == ("decay", "decay")
    assert one.share == pytest.approx(two.share, rel=1e-12)
    # offset, drift, 19 frequencies and 40 rows beside the templates
    assert two.p_value / one.p_value == pytest.approx(63 / 62, rel=1e-9)


class Tilted(jqd.Motion):
    """d(x, y, z)/dt = ω n × (x, y, z) of a spin about an axis that is tilted."""

    omega: Array = jqd.free(quantum=1.0)
    tilt: Array = jqd.free()

    def vector_field(self, t, state, args=None):
        axis = jnp.stack([jnp.sin(self.tilt), jnp.zeros(()), jnp.cos(self.tilt)])
        return self.omega * jnp.cross(axis, state)


WEAK, LOOKS = 0.2, np.linspace(0.25, 10.0, 40)


def upper(t):
    """Both outcomes of a spin that begins upwards: z = 1 - s + s cos ωt, s = WEAK."""
    z = 1 - WEAK + WEAK * np.cos(2.0 * t)
    return np.stack([1 + z, 1 - z], axis=1) / 2


SHARES, FULL = upper(LOOKS), np.ones((40, 1)) * [0.01, -0.01]


@pytest.fixture(scope="module")
def tilted():
    """A spin that is never near equal shares, with nothing to fit."""
    law = Tilted(jnp.asarray(2.0), jnp.asarray(np.arcsin(np.sqrt(WEAK))))
    data = jqd.Record(LOOKS, SHARES, Gaussian(0.002), t0=0.0)
    return jqd.Study(
        law, data, psi0=jnp.asarray([0.0, 0.0, 1.0]), free=(),
        instrument=Direct(lambda t, s: jnp.stack([1 + s[2], 1 - s[2]]) / 2),
        method=jqd.Fixed(rk4, 20, estimate_error=False),
    )  # fmt: skip


def pattern_beside(study, residuals):
    """The pattern of a record that is off by these, with scatter of .002."""
    noise = 0.002 * np.random.default_rng(5).normal(size=(40, 1)) * [1, -1]
    values = jnp.asarray(SHARES + residuals + noise)
    study = eqx.tree_at(lambda study: study.data.values, study, values)
    theta = study.theta()
    prediction = study.predict(theta)
    # what is the record's own is the law's, to a hundredth of an error
    np.testing.assert_allclose(prediction, SHARES, atol=2e-5)
    at = study.weights(theta, prediction)
    found = pattern_of(study, theta, prediction, at)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "residuals", "words"),
    [
        *(
            ("decay", c * (0.5 - SHARES) * -np.expm1(-LOOKS / T)[:, None], "fades")
            for c, T in ((1.0, 100.0), (0.1, 10.0), (0.05, 2.0))
        ),
        (
            "decay",
            (SHARES.mean(axis=0) - SHARES) * -np.expm1(-LOOKS / 20)[:, None],
            "the contrast of the record fades with time",
        ),
        ("growth", 0.1 * (SHARES - 0.5) * LOOKS[:, None] / 10, "grows with time"),
        ("less contrast", 0.05 * (0.5 - SHARES), "less contrast than the law"),
        ("offset", FULL, "the same offset at all times"),
        ("late", upper(LOOKS - 0.05) - SHARES, "by the same time at all times"),
        ("early", upper(LOOKS + 0.05) - SHARES, "by the same time at all times"),
        ("behind", upper(0.995 * LOOKS) - SHARES, "by a time that grows"),
        ("none", 0 * SHARES, "None of the patterns in time"),
    ],
    ids=lambda x: x if isinstance(x, str) and " " not in x else "",
)
def test_each_change_of_a_record_far_from_equal_shares_has_its_name(
    tilted, name, residuals, words
):
    """Contrast that is lost towards 1/2 is no offset, no drift and no delay, though
    columns have other means: what is lost is 1/2 less the law, and mostly a level."""
    found = pattern_beside(tilted, residuals)
    assert found.name == name
    assert words in found.describe()


def test_shares_that_scatter_too_much_get_no_name(tilted):
    """Ten times the errors, of both columns at once: 60 records, each of which chance
    names at most once in a thousand; 2 are beyond the 1 % quantile of a binomial."""
    rng, named = np.random.default_rng(2), 0
    for _ in range(60):
        noise = 0.02 * rng.normal(size=(40, 1)) * [1, -1]
        named += pattern_beside(tilted, noise).name != "none"
    assert named <= 1


class Turning(jqd.Motion):
    """d(x, y)/dt = ω (-y, x): a circle, whose frequency is known but for 10 %."""

    omega: Array = jqd.free(span=(0.9, 1.1), quantum=1.0)

    def vector_field(self, t, state, args=None):
        return self.omega * jnp.stack([-state[1], state[0]])


def recovered(values, **options):
    data = jqd.Record(TS, values, Gaussian(0.02), t0=0.0)
    return jqd.recover(
        Turning(jnp.asarray(1.0)), data, psi0=jnp.asarray([1.0, 0.0]), free=("omega",),
        instrument=Direct(itself), starts=[[0.99]], search=None,
        substeps=8, held_out=0.0, **options,
    )  # fmt: skip


CIRCLE = np.stack([np.cos(1.003 * TS), np.sin(1.003 * TS)], axis=1)


@pytest.fixture(scope="module")
def fading():
    """A record that decays, fitted with a law that does not."""
    noise = np.random.default_rng(0).normal(0, 0.02, CIRCLE.shape)
    return recovered(CIRCLE * np.exp(-TS / 15)[:, None] + noise)


def test_a_misfit_has_a_pattern_and_no_deviation(fading):
    assert fading.status == MISFIT
    assert fading.pattern.name == "decay"
    assert "fades with time" in fading.message
    assert "Decoherence or loss that the law lacks would leave this" in fading.message
    for said in (fading.message, str(fading)):
        assert "more starts" not in said
        assert "±" not in said
    omega = fading.constants["omega"]
    assert omega.reference == 1.0
    assert omega.deviation is None
    assert omega.sigmas is None
    assert f"omega = {omega.value:.3g} at the best fit; no error holds" in str(fading)
    summary = recovery_summary(fading, 1.0)
    assert summary["pattern"] == fading.pattern.describe()
    assert summary["deviation"] == summary["deviation_sigmas"] == {"omega": None}


def test_a_misfit_that_did_not_settle_asks_for_no_starts():
    """Neither starts nor rows make a fit of a law that misses the record."""
    noise = np.random.default_rng(0).normal(0, 0.02, CIRCLE.shape)
    values = CIRCLE * np.exp(-TS / 15)[:, None] + noise
    found = recovered(values, polish=jqd.inference.Polish(max_steps=1))
    assert found.status == "not converged"
    assert "more starts" not in found.message
    assert "fades with time" in found.message
    assert found.constants["omega"].sigmas is None


def test_a_true_law_has_digits_of_its_error_and_a_deviation(fading):
    noise = np.random.default_rng(1).normal(0, 0.02, CIRCLE.shape)
    found = recovered(CIRCLE + noise)
    assert found.status == "converged"
    assert found.pattern is None
    omega = found.constants["omega"]
    # ∂(residuals)/∂ω has the square Σ t²/σ²
    error = 0.02 / np.sqrt(np.sum(TS**2))
    assert omega.stderr == pytest.approx(error, rel=1e-3)
    assert omega.deviation == omega.value - 1
    assert f"omega = {omega.value:.5f} ± {error:.5f} (" in str(found)
    assert "omega = 1.00" in repr(found)


@pytest.mark.slow
def test_a_batch_of_fits_has_nan_for_what_does_not_hold():
    noise = np.random.default_rng(1).normal(0, 0.02, CIRCLE.shape)
    both = np.stack([CIRCLE, CIRCLE * np.exp(-TS / 15)[:, None]]) + noise

    @jax.vmap
    def fits(values):
        data = jqd.Record(jnp.asarray(TS), values, Gaussian(0.02), t0=0.0)
        return jqd.fit(
            Turning(jnp.asarray(1.0)), data, psi0=jnp.asarray([1.0, 0.0]),
            free=("omega",), instrument=Direct(itself), starts=1,
            start={"omega": 0.99}, search=None,
        )  # fmt: skip

    omega = fits(jnp.asarray(both)).constants["omega"]
    apart = omega.value - 1
    np.testing.assert_array_equal(omega.deviation, [apart[0], np.nan])
    np.testing.assert_array_equal(omega.sigmas, [apart[0] / omega.stderr[0], np.nan])


def test_what_is_printed_has_the_digits_of_its_error():
    data = jqd.Record(TS, CIRCLE, Gaussian(0.02), t0=0.0)
    found = jqd.fit(
        Turning(jnp.asarray(1.0)), data, psi0=jnp.asarray([1.0, 0.0]), free=("omega",),
        instrument=Direct(itself), starts=1, start={"omega": 0.99},
        search=None,
    )  # fmt: skip
    # an exact record: the value is that of the circle, to far less than an error
    assert f"omega = 1.00300 ± {0.02 / np.sqrt(np.sum(TS**2)):.5f}" in str(found)
    assert repr(found) == str(found)


def test_no_design_is_drawn_from_a_misfit(fading):
    """Its shots count with a covariance that says nothing."""
    with pytest.raises(ValueError, match="`after` must be a fit whose standard errors"):
        jqd.design(fading.study, shots=100, after=fading)


@pytest.mark.slow
def test_a_posterior_of_a_misfit_has_no_interval(fading):
    found = jqd.posterior(fading, "laplace", draws=300, key=jax.random.key(0))
    # the status says first that the draws are worth too little
    assert found.status == "not normal"
    assert found.misfits
    (line,) = found.lines()
    assert line[1] == f"{found.mean['omega']:.3g}"
    assert line[2:6] == ("none",) * 4
    assert "No interval is given" in str(found)
    assert repr(found) == str(found)
    one = posterior_summary(found)["constants"]["omega"]
    assert one["sd"] is one["low"] is one["high"] is None
