"""Rows of settings: a Ramsey scan and preparations, by closed forms in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

import jqd
from jqd.inference import horizon
from jqd.inference.search import window_counts
from jqd.instruments import Direct
from jqd.laws import Start
from jqd.laws.groups import Fits
from jqd.records import save
from jqd.spaces.driven import Driven

X = np.array([[0.0, 1.0], [1.0, 0.0]])
Z = np.diag([1.0, -1.0])
UP = np.array([1.0, 0.0])
# two pulses of π/2 of this width; detuning; gaps between them
WIDTH, DELTA = 0.25, 0.83
RABI = np.pi / 2 / WIDTH
GAPS = np.linspace(0.0, 4.0, 11)
SIGMA = 1e-3
# every leg between two jumps takes one step at least, in which H is constant
METHOD = jqd.Fixed(None, 8, estimate_error=False)


def turned(delta, rabi, t):
    """exp(-iHt) for H = (δ Z + Ω X)/2: cos(wt) - i sin(wt) H/w, w = √(δ² + Ω²)/2."""
    w = np.hypot(delta, rabi) / 2
    H = (delta * Z + rabi * X) / 2
    return np.cos(w * t) * np.eye(2) - 1j * np.sin(w * t) * H / w


def populations(delta, gaps):
    """(R, 2)"""
    pulse = turned(delta, RABI, WIDTH)
    kets = [pulse @ turned(delta, 0.0, gap) @ pulse @ UP for gap in gaps]
    return np.abs(np.stack(kets)) ** 2


def slope(delta, gaps, h=1e-5):
    """Central differences: errors of h² and of rounding/h, 1e-10 each."""
    apart = populations(delta + h, gaps) - populations(delta - h, gaps)
    return apart / (2 * h)


def law_at(delta):
    pulses = {
        "first": jqd.spaces.named_pulse("square", height=RABI, start=0.0, end=WIDTH),
        "second": jqd.spaces.named_pulse(
            "square", height=RABI, start=1.0, end=1.0 + WIDTH
        ),
    }
    one, other = jnp.asarray(Z / 2), jnp.asarray(X / 2)
    operators = {"delta": one, "first": other, "second": other}
    H = Driven(jnp.asarray(0 * Z), operators, {"delta": delta, **pulses})
    return jqd.Schrodinger(H)


def settings_for(gaps):
    return {"second.start": WIDTH + gaps, "second.end": 2 * WIDTH + gaps}


def study_of(gaps=GAPS, delta=DELTA, guess=0.8):
    values, noise = populations(delta, gaps), jqd.Gaussian(SIGMA)
    scan = jqd.Scan(settings_for(gaps), values, noise, ts=2 * WIDTH + gaps)
    return jqd.Study(law_at(guess), scan, psi0=UP, free=("delta",), method=METHOD)


def fit_of(study):
    return jqd.fit(study, start={}, starts=1, search=None)


@pytest.fixture(scope="module")
def study():
    return study_of()


@pytest.fixture(scope="module")
def found(study):
    return fit_of(study)


def test_rows_are_those_of_the_closed_form(study):
    shown = study.predict(jnp.array([DELTA]))
    # steps of a constant H, to rounding
    np.testing.assert_allclose(shown, populations(DELTA, GAPS), rtol=0, atol=1e-12)


def test_a_ramsey_scan_tells_the_detuning(found):
    """Rows sum to 1, so that each is one number with the error σ: σ_δ = σ/|dp/dδ|."""
    assert int(found.status) == jqd.Status.OK
    error = SIGMA / np.linalg.norm(slope(DELTA, GAPS)[:, 1])
    assert abs(float(found.value["delta"]) - DELTA) < 1e-3 * error
    assert float(found.stderr["delta"]) == pytest.approx(error, rel=1e-5)


def test_information_of_a_scan(study):
    error = SIGMA / np.linalg.norm(slope(DELTA, GAPS)[:, 1])
    known = jqd.fisher(study, [DELTA])
    assert known.stderr("delta") == pytest.approx(error, rel=1e-4)


def test_reverse_gradient_of_all_rows(study):
    weights = np.linspace(-1.0, 2.0, GAPS.size)

    def loss(theta):
        return jnp.sum(weights * study.predict(theta)[:, 1])

    found = jax.grad(loss)(jnp.array([DELTA]))
    exact = np.sum(weights * slope(DELTA, GAPS)[:, 1])
    np.testing.assert_allclose(found, [exact], rtol=1e-8)


def test_other_gaps_compile_nothing(found):
    """Rows are data of one program; `found` compiled it."""
    heard, listening = [], [True]

    def listen(event, seconds, **more):
        if listening and event.endswith("backend_compile_duration"):
            heard.append(event)

    fit_of(study_of(GAPS + 0.05))
    other = study_of(GAPS + 0.11, delta=0.77)
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        again = fit_of(other)
        jax.block_until_ready(again)
    finally:
        listening.clear()
    assert heard == []
    assert float(again.value["delta"]) == pytest.approx(0.77, abs=1e-6)


@pytest.mark.slow
def test_recover_takes_a_scan():
    """101 sequences of counts: search, polish, steps and tests of the fit."""
    gaps = np.linspace(0.0, 6.0, 101)
    scan = jqd.simulate(
        law_at(DELTA), UP, 2 * WIDTH + gaps, jqd.instruments.Confusion(), 500,
        jax.random.key(3), settings=settings_for(gaps), method=METHOD,
    )  # fmt: skip
    found = jqd.recover(
        law_at(0.6), scan, psi0=UP, free=("delta",), starts=4,
        instrument=jqd.instruments.Confusion(),
    )  # fmt: skip
    assert found.status == "converged"
    # σ_δ of N shots of p: Σ_r N (dp/dδ)²/(p (1 - p))
    p = populations(DELTA, gaps)[:, 1]
    told = 500 * slope(DELTA, gaps)[:, 1] ** 2 / (p * (1 - p))
    error = 1 / np.sqrt(np.sum(told))
    one = found.constants["delta"]
    assert abs(one.value - DELTA) < 4 * error
    assert one.stderr == pytest.approx(error, rel=0.05)
    assert found.pattern is None


# -- preparations and instruments ----------------------------------------------------


class Tilted(Start):
    """(cos θ/2, sin θ/2)."""

    theta: Float[Array, ""] = jqd.free(span=(0.0, 3.0), default=0.0)

    def state(self):
        return jnp.stack([jnp.cos(self.theta / 2), jnp.sin(self.theta / 2)]) + 0j


def test_preparations_and_readouts_by_row():
    """p₁ = sin²(t/2) cos²(θ/2) + cos²(t/2) sin²(θ/2) under X/2, mixed with 1/2."""
    theta, readout, t = np.array([0.3, 1.1, 2.0]), np.array([0.0, 0.1, 0.2]), 0.7
    settings = {"start.theta": theta, "instrument.readout": readout}
    scan = jqd.Scan(settings, np.full((3, 2), 5), jqd.Multinomial(), ts=t)
    study = jqd.Study(
        jqd.Schrodinger(X / 2), scan, psi0=Tilted(), free=(),
        instrument=jqd.instruments.Confusion(), method=jqd.Propagator(),
    )  # fmt: skip
    c, s = np.cos(theta / 2) ** 2, np.sin(theta / 2) ** 2
    p = np.sin(t / 2) ** 2 * c + np.cos(t / 2) ** 2 * s
    shown = study.predict(jnp.zeros(0))
    exact = (1 - readout) * p + readout / 2
    np.testing.assert_allclose(shown[:, 1], exact, rtol=0, atol=1e-13)


def look(t, state):
    return state


class Held(jqd.Motion):
    """x' = g, where g is no more than 1/x(0)."""

    g: Float[Array, ""] = jqd.free(span=(0.0, 3.0), default=0.1)

    def vector_field(self, t, state, args=None):
        return self.g * jnp.ones_like(state)

    def fits(self):
        return Fits(limits=lambda x: {"g": (-np.inf, 1 / jnp.max(jnp.abs(x)))})


class From(Start):
    """x(0)"""

    x: Float[Array, ""] = jqd.free(default=0.5)

    def state(self):
        return self.x[None]


def test_limits_are_the_narrowest_of_all_rows():
    """Of starts at .5, 2.5 and 1: 1/2.5 = .4, though the start as given allows 2."""
    scan = jqd.Scan(
        {"start.x": [0.5, 2.5, 1.0]}, np.ones((3, 1)), jqd.Gaussian(0.1), ts=1.0
    )
    study = jqd.Study(
        Held(), scan, psi0=From(), free="g", method=METHOD,
        instrument=Direct(look),
    )  # fmt: skip
    theta = study.theta()
    assert [float(end[0]) for end in study.walls(theta)] == [-np.inf, 0.4]
    assert [float(end[0]) for end in study.bounds()] == [0.0, 0.4]
    # beyond it no likelihood: x(1) = x(0) + g within it
    assert float(study.log_likelihood(jnp.array([0.5]))) == -np.inf
    shown = study.predict(jnp.array([0.3]))[:, 0]
    np.testing.assert_allclose(shown, [0.8, 2.8, 1.3], rtol=1e-12)


class Bursting(jqd.Motion):
    """x' = a x², which has x(t) = x/(1 - a x t) and ends at t = 1/(a x)."""

    a: Float[Array, ""] = jqd.free(default=1.0)

    def vector_field(self, t, state, args=None):
        return self.a * state**2


def test_a_row_that_its_run_does_not_reach_is_missed_alone():
    """As later rows of a record are: by the largest value, 1/.1 errors."""
    values = np.array([[1 / 3], [0.2], [1.0]])
    scan = jqd.Scan({"start.x": [0.25, 2.0, 0.5]}, values, jqd.Gaussian(0.1), ts=1.0)
    study = jqd.Study(
        Bursting(), scan, psi0=From(), free="a", instrument=Direct(look),
        method=jqd.Fixed(None, 64, estimate_error=False),
    )  # fmt: skip
    theta = study.theta()
    assert study.trajectory(theta).ok.tolist() == [True, False, True]
    assert int(study.status(theta)) != jqd.Status.OK
    at, mask = study.first_weights(), jnp.ones(3)
    # Runge-Kutta of 64 steps is off by 1e-8
    misses = study.residuals(theta, at, mask)
    np.testing.assert_allclose(misses, [0, 10, 0], atol=1e-5)
    rows = study.log_likelihood_rows(theta)
    assert np.isfinite(rows).tolist() == [True, False, True]
    assert float(study.log_likelihood(theta)) == -np.inf


def test_a_drawn_scan_is_that_of_its_rows():
    scan = jqd.simulate(
        law_at(DELTA), UP, 2 * WIDTH + GAPS, settings=settings_for(GAPS), method=METHOD
    )
    assert isinstance(scan, jqd.Scan)
    np.testing.assert_array_equal(scan.settings["second.start"], WIDTH + GAPS)
    exact = populations(DELTA, GAPS)
    np.testing.assert_allclose(scan.values, exact, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_a_setting_that_is_no_number_is_a_fit_that_failed():
    """Traced, it is seen as late as that; the other fit of the batch holds."""

    def one(readout):
        scan = jqd.Scan(
            {"readout": readout}, np.full((3, 2), 50.0), jqd.Multinomial(),
            ts=np.array([0.5, 0.9, 1.4]),
        )  # fmt: skip
        fit = jqd.fit(
            jqd.Schrodinger(X / 2), scan, psi0=Tilted(1.0), free=("start.theta",),
            instrument=jqd.instruments.Confusion(), start={}, starts=1, search=None,
        )  # fmt: skip
        return fit.status

    rows = jnp.array([[0.1, 0.1, 0.1], [0.1, jnp.nan, 0.1]])
    sound, lost = jax.jit(jax.vmap(one))(rows)
    assert jqd.Status(int(lost)) is jqd.Status.NON_FINITE
    assert jqd.Status(int(sound)) is not jqd.Status.NON_FINITE


def test_a_scan_shows_its_settings():
    settings = {"pulse.start": [0.5, 1.5], "theta": [1.0, 1.0]}
    scan = jqd.Scan(settings, [[6, 4], [5, 5]], jqd.Multinomial(), ts=2.0)
    assert repr(scan).splitlines() == [
        "Scan",
        "  rows: 2, each a run of its own",
        "  times: 2",
        "  state at: t0 = 0",
        "  values: 2 in each row, 4 to 6",
        "  shots: 10 in each row",
        "  errors: those of counts of independent shots",
        "  setting pulse.start: 0.5 to 1.5",
        "  setting theta: 1",
    ]
    noise = jqd.instruments.DirichletMultinomial(0.1)
    alike = jqd.Scan(settings, [[6, 4], [5, 5]], noise, ts=2.0)
    assert "errors: those of counts whose shots correlate, rho = 0.1" in repr(alike)


# -- a search and refusals -----------------------------------------------------------


@pytest.mark.parametrize("t", [2.0, -2.0])
def test_rows_of_one_time_are_all_in_the_first_window(t):
    counts = window_counts(np.full(6, t), np.ones(6, bool), t, 4, 1)
    np.testing.assert_array_equal(counts, [6, 6, 6, 6])


@pytest.mark.parametrize(
    ("settings", "changed", "said"),
    [
        ({}, {}, "must name what changes from row to row"),
        ({"delta": 0.1}, {}, r"settings\[delta\]` must have one value for each row"),
        ({"delta": [0.1, 0.2, 0.3]}, {"ts": np.arange(1.0, 5)}, "for 4 rows"),
        ({"delta": np.ones(4)}, {"ts": [1.0, 2, 1.5, 3]}, "must not decrease"),
        ({"delta": np.ones(4)}, {"ts": 0.0}, "must be after t0"),
        (
            {"delta": np.ones(4)},
            {"noise": jqd.instruments.EnsembleNoise(1e4), "values": np.full((4, 2), 9)},
            "must be that of rows which scatter on their own",
        ),
    ],
)
def test_a_scan_that_cannot_be(settings, changed, said):
    given = {"values": np.full((4, 2), 0.5), "ts": 1.0} | changed
    with pytest.raises(ValueError, match=said):
        jqd.Scan(settings, **given)


@pytest.mark.parametrize(
    ("settings", "free", "said"),
    [
        ({"gap": np.ones(2)}, ("delta",), "`settings` must be one of"),
        ({"delta": np.ones(2)}, ("delta",), "`free` must leave out what the rows"),
        ({"delta": np.ones((2, 1))}, (), r"settings\[delta\]` must have shape \(2,\)"),
        ({"delta": 1j * np.ones(2)}, (), r"settings\[delta\]` must be real"),
        (
            {"second.start": np.ones(2), "hamiltonian.second.start": np.ones(2)},
            ("delta",),
            "must name each constant once",
        ),
        ({"readout": np.full(2, 1.5)}, ("delta",), r"must be in \[0, 1\]"),
    ],
)
def test_settings_that_the_law_does_not_have(settings, free, said):
    scan = jqd.Scan(settings, np.full((2, 2), 5), jqd.Multinomial(), ts=1.0)
    with pytest.raises(ValueError, match=said):
        jqd.Study(
            law_at(DELTA), scan, psi0=UP, free=free, method=METHOD,
            instrument=jqd.instruments.Confusion(),
        )  # fmt: skip


def test_what_needs_a_course_in_time_refuses_a_scan(study, tmp_path):
    for call in (
        lambda: jqd.design(study, shots=10),
        lambda: horizon(study, study.theta()),
    ):
        with pytest.raises(ValueError, match="`study` must have rows over time"):
            call()
    with pytest.raises(ValueError, match="`record` must have rows over time"):
        save(tmp_path / "scan.npz", study.data)
