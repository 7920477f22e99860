"""Studies with nuisances: names, priors, bounds, and three standard errors."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jqd
from jqd.inference import Study, standard_errors
from jqd.instruments import Confusion, Direct, Gaussian
from jqd.problems import golden

from .models import Parabola, itself, kerr

FIXED = jqd.Fixed(jqd.steppers.rk4, 40, estimate_error=False)
NEAR: dict[str, Any] = {"starts": 1, "search": None, "held_out": 0.0}
TIMES = np.linspace(0.25, 5, 20)


def counts(q=0.5, r=-0.5, readout=0.0, shots=20000, seed=0):
    law, psi = golden(q, r)
    key, instrument = jax.random.key(seed), Confusion(readout=readout)
    return jqd.simulate(law, psi, TIMES, instrument, shots, key, t0=0.0, method=FIXED)


def study_of(free: Any = ("q", "r"), nuisances: Any = None, **options):
    law, psi = golden()
    options.setdefault("data", counts())
    options.setdefault("instrument", Confusion(readout=0.01))
    return Study(law, psi0=psi, free=free, nuisances=nuisances, **options)


# -- names ---------------------------------------------------------------------------


def test_names_lead_into_law_start_and_instrument():
    study = study_of(("q", "R", "phase0"), {"instrument.readout": (0.01, 0.002)})
    assert study.labels() == [
        "q", "R[0,1]", "R[0,2]", "R[1,2]", "phase0[0]", "phase0[1]", "phase0[2]",
        "instrument.readout",
    ]  # fmt: skip
    start = {"instrument.readout": 0.02, "R[0,2]": 0.45, "phase0": 0.1}
    scene = study.scene_at(study.theta(start))
    np.testing.assert_allclose(scene.instrument.readout, 0.02)
    np.testing.assert_allclose(scene.law.R[2, 0], 0.45)
    np.testing.assert_allclose(scene.start.phase0, 0.1)


@pytest.mark.parametrize(
    ("free", "nuisances", "said"),
    [
        (("q", "nobody"), None, "`free` must be one of .*q, r.*, but is 'nobody'"),
        (("q",), {"nobody": (0.0, 1.0)}, "`nuisances` must be one of"),
        (("q", "q"), None, "each constant once, but 'q' is named twice"),
        (("q",), {"q": (0.5, 0.1)}, "each constant once, but 'q' is named twice"),
        (("q",), {"readout": (0.01, 0.0)}, "must be positive, but .*0"),
        (("q",), {"readout": (0.01, -0.1)}, "must be positive"),
        (("q",), {"readout": (0.01, np.nan)}, "must be finite"),
        (("q",), {"readout": 0.01}, "a prior or a pair"),
        (("q",), {"readout": (1.5, 0.1)}, r"must be in \[0, 1\], but its first"),
    ],
)
def test_names_and_priors_that_cannot_be(free, nuisances, said):
    with pytest.raises(ValueError, match=said):
        study_of(free, nuisances)


def test_nothing_free_is_nothing_to_fit():
    study = study_of(())
    assert study.theta().shape == (0,)
    assert study.predict(study.theta()).shape == (20, 3)
    for function in (jqd.recover, jqd.fit):
        with pytest.raises(ValueError, match="`free` must name at least one"):
            function(study)


def test_two_names_of_one_constant_are_seen():
    with pytest.raises(ValueError, match=r"'instrument\.readout' is named twice, as"):
        study_of(("q",), {"readout": (0.01, 1e-3), "instrument.readout": (0.01, 1e-3)})


def test_a_name_that_may_be_several_is_refused_with_all_of_them():
    def wave(t, area):
        return area * jnp.sin(t)

    z, x = np.diag([1.0, -1.0]), np.array([[0.0, 1.0], [1.0, 0.0]])
    first, second = (jqd.pulse(wave, area=area) for area in (0.3, 0.7))
    law = jqd.CopyDynamics.from_hamiltonian(jqd.driven(x, (z, first), (x, second)))
    data = (np.arange(3.0), np.full((3, 2), 0.5))
    with pytest.raises(ValueError, match=r"'area' may be .*pulse\[0\].area, .*\[1\]"):
        Study(law, data, psi0=np.ones(2) / 2**0.5, free="area")


# -- errors --------------------------------------------------------------------------


def test_errors_are_those_of_the_schur_complement():
    """Known, with priors, without: from the information by NumPy (T17)."""
    study = study_of(("q", "r"), {"readout": (0.01, 0.002), "R": (0.6, 0.02)})
    theta = study.theta()
    found = standard_errors(study, theta)
    F = np.asarray(study.information(theta))
    prior = np.diag(np.r_[0.0, 0.0, 0.002**-2, np.full(3, 0.02**-2)])
    data = F - prior
    tt, te, ee = F[:2, :2], F[:2, 2:], F[2:, 2:]
    schur = np.linalg.inv(tt - te @ np.linalg.inv(ee) @ te.T)
    whole = np.linalg.inv(F)
    # inverses of matrices of condition 1e5, on entries of 15 digits
    np.testing.assert_allclose(schur, whole[:2, :2], rtol=1e-9)
    aided = np.sqrt(np.diag(whole))
    np.testing.assert_allclose(found.aided, aided, rtol=1e-9)
    known = np.sqrt(np.diag(np.linalg.inv(data[:2, :2])))
    np.testing.assert_allclose(found.known[:2], known, rtol=1e-9)
    alone = np.sqrt(np.diag(np.linalg.inv(data)))
    np.testing.assert_allclose(found.alone, alone, rtol=1e-6)
    assert np.all(known < aided[:2])
    assert np.all(aided < alone)


@pytest.mark.slow
def test_a_fit_with_priors_is_the_posterior_mean_of_a_linear_model():
    """θ = (A^T W A + P)^-1 (A^T W y + P m), which the fit must find (T17)."""
    ts, sigma = np.linspace(0.2, 2, 7), 0.3
    values = np.array([0.9, 0.2, 1.4, 0.8, 2.2, 1.9, 4.0])[:, None]
    law = Parabola(jnp.asarray(0.5), jnp.asarray(0.1))
    data = jqd.Record(ts, values, Gaussian(sigma), t0=0.0)
    method = jqd.Fixed(jqd.steppers.rk4, estimate_error=False)
    found = jqd.recover(
        law, data, psi0=jnp.zeros(1), free="a", nuisances={"b": (0.3, 0.2)},
        instrument=Direct(itself), method=method, **NEAR,
    )  # fmt: skip
    A = np.stack([ts, ts**2], axis=1) / sigma
    F = A.T @ A + np.diag([0.0, 0.2**-2])
    mean = np.linalg.solve(F, A.T @ values[:, 0] / sigma + [0.0, 0.3 / 0.2**2])
    got = [found.constants[name].value for name in ("a", "b")]
    np.testing.assert_allclose(got, mean, rtol=1e-10)
    stderr = [found.constants[name].stderr for name in ("a", "b")]
    np.testing.assert_allclose(stderr, np.sqrt(np.diag(np.linalg.inv(F))), rtol=1e-10)
    a, b = found.constants["a"], found.constants["b"]
    np.testing.assert_allclose(a.known, np.linalg.norm(A[:, 0]) ** -1, rtol=1e-10)
    np.testing.assert_allclose(b.pull, (mean[1] - 0.3) / 0.2, rtol=1e-9)
    # nine numbers less two constants: seven values and one prior
    misses = np.sum((A @ mean - values[:, 0] / sigma) ** 2) + b.pull**2
    np.testing.assert_allclose(found.chi2_per_dof, misses / (7 + 1 - 2), rtol=1e-9)
    # the log likelihood is quadratic with this curvature
    likelihood = found.study.log_likelihood
    curvature = -jax.jacfwd(jax.jacfwd(likelihood))(jnp.asarray(mean))
    np.testing.assert_allclose(curvature, F, rtol=1e-9)


@pytest.mark.slow
def test_calibration_limits_what_a_kerr_oscillator_tells_of_C():
    study = kerr(
        nuisances={"n0": (0.02, 5e-3), "scale": (1.0, 5e-3), "V": (0.98, 5e-3)}
    )
    found = standard_errors(study, study.theta())
    # the table's figures come from differences of steps 1e-4
    np.testing.assert_allclose(found.aided[0], 0.0041027, rtol=1e-4)
    np.testing.assert_allclose(found.known[0], 0.0020856, rtol=1e-4)
    # ... and without priors C cannot be told from U, alpha, n0, scale and V together
    labels = study.labels()
    shift = {
        "C": 1.0, "U": -1.0, "delta": -2.0, "alpha.re": 0.6, "n0": 1.02, "scale": 0.5,
        "V": 0.98,
    }  # fmt: skip
    null = np.array([shift.get(label, 0.0) for label in labels])
    seen = np.asarray(study.slope(study.theta()))[: study.seen]
    # rounding of derivatives over a run, beside those along other directions
    assert np.linalg.norm(seen @ null) < 1e-9 * np.linalg.norm(seen * null[None, :])
    assert all(np.isinf(found.alone[labels.index(name)]) for name in shift)
    assert np.isfinite(found.alone[labels.index("eps")])


# -- fits ----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_readout_error_is_fitted_beside_q_and_r():
    record = counts(0.45, -0.55, 0.012)
    # the same steps for both fits: each would choose its own
    how = NEAR | {"substeps": 12}
    found = jqd.recover(
        study_of(data=record, nuisances={"readout": (0.01, 2e-3)}), **how
    )
    assert found.status == "converged"
    q, r, readout = (found.constants[name] for name in ("q", "r", "readout"))
    for constant, truth in ((q, 0.45), (r, -0.55), (readout, 0.012)):
        # one seed: beyond 4 standard errors once in 1e4 times
        assert abs(constant.value - truth) < 4 * constant.stderr
    assert q.known < q.stderr < q.alone
    assert abs(readout.pull - (readout.value - 0.01) / 2e-3) < 1e-9
    assert q.pull is None
    assert readout.reference is None
    # what is known cannot be told from a fit in which it is fixed
    fixed = Confusion(readout=readout.value)
    alone = jqd.recover(study_of(data=record, instrument=fixed), **how)
    # polishes settle to 1e-7 of an error; of the same at other constants
    np.testing.assert_allclose(alone.constants["q"].stderr, q.known, rtol=1e-5)
    np.testing.assert_allclose(alone.constants["q"].value, q.value, atol=1e-8)


@pytest.mark.slow
def test_a_fit_as_a_pure_function_knows_the_same():
    study = study_of(data=counts(readout=0.012), nuisances={"readout": (0.01, 2e-3)})
    one, many = jqd.recover(study, **NEAR), jqd.fit(study, substeps=40, **NEAR)
    for name, constant in one.constants.items():
        # its polish settles to 1e-7 of spans of the starts, which are below 2
        np.testing.assert_allclose(many.value[name], constant.value, atol=1e-6)
        # the bias of steps, a hundredth of the scatter and more, adds in squares
        np.testing.assert_allclose(many.stderr[name], constant.stderr, rtol=2e-3)
    pull = one.constants["readout"].pull
    # 1e-6 of the value, in widths of its prior
    np.testing.assert_allclose(many.constants["readout"].pull, pull, atol=1e-6 / 2e-3)
    known = one.constants["q"].known
    # as the errors, from which it differs by what is known of the readout alone
    np.testing.assert_allclose(many.constants["q"].known, known, rtol=2e-3)


@pytest.mark.slow
def test_a_fit_stays_within_the_bounds_of_an_instrument():
    """Counts without any readout error draw ε below 0, where it is not."""
    record = counts(seed=1)
    low = []
    for seed in (1, 2, 3):
        study = study_of(data=counts(seed=seed), nuisances={"readout": (0.0, 0.01)})
        found = jqd.recover(study, **NEAR)
        readout = found.constants["readout"]
        # on the bound, and said so, or inside by more than the rounding of a wall
        assert readout.value == 0 if readout.at_bound else readout.value > 1e-11
        low.append(readout.at_bound == -1)
    # half of the seeds pull it there; all three on one side once in 8 times
    assert any(low)
    inside = study_of(data=record, nuisances={"readout": (0.01, 0.01)})
    theta = inside.theta({"readout": 0.0})
    beyond = theta.at[2].set(-0.01)
    assert inside.log_likelihood(beyond) == -jnp.inf
    assert np.isfinite(inside.log_likelihood(theta))


def test_a_failed_run_has_no_likelihood():
    """Past a node there is no prediction, whatever the numbers would be."""
    law, psi = golden()
    study = Study(law, counts(), psi0=psi, free=("q", "r"), method=FIXED)
    assert study.status(jnp.array([0.9, 0.5])) == jqd.Status.NODE
    assert study.log_likelihood(jnp.array([0.9, 0.5])) == -jnp.inf
    good = study.log_likelihood(jnp.array([0.5, -0.5]))
    assert np.isfinite(good)
    bare = jqd.Record(TIMES, counts().shares, t0=0.0)
    bare = Study(law, bare, psi0=psi, free="q", method=FIXED)
    with pytest.raises(ValueError, match="must say how its values scatter"):
        bare.log_likelihood(jnp.array([0.5]))


# -- constants within a law --------------------------------------------------------


def area_pulse(t, area, centre, width):
    x = (t - centre) / width
    return area * jnp.exp(-(x**2) / 2) / (width * jnp.sqrt(2 * jnp.pi))


@pytest.mark.slow
def test_q_and_r_under_two_pulses_with_an_area_that_is_not_known():
    """From data of SciPy's DOP853 for ψ; the areas are fitted beside q and r."""
    H0 = np.array([[0.0, 0.5, 0.2j], [0.5, 0.4, 0.6], [-0.2j, 0.6, -0.3]])
    H1, H2 = np.diag([1.0, 0.0, -1.0]), np.zeros((3, 3))
    H2[0, 2] = H2[2, 0] = 1.0
    psi = np.sqrt([0.5, 0.3, 0.2]) * np.exp(-1j * np.array([0.0, 0.5, -0.8]))
    truth = {"first": 0.8, "second": 0.6}

    def right(t, y):
        a = truth["first"] * np.exp(-(((t - 1) / 0.4) ** 2) / 2) / (0.4 * 2.0**0.5)
        b = truth["second"] * np.exp(-(((t - 2) / 0.5) ** 2) / 2) / (0.5 * 2.0**0.5)
        return -1j * (H0 + (a * H1 + b * H2) / np.sqrt(np.pi)) @ y

    ts = np.linspace(0, 3, 16)
    exact = solve_ivp(right, (0, 3), psi, "DOP853", ts, rtol=1e-13, atol=1e-14)
    p = np.abs(exact.y.T) ** 2

    def law(first, second):
        one = jqd.pulse(area_pulse, area=first, centre=1.0, width=0.4)
        other = jqd.pulse(area_pulse, area=second, centre=2.0, width=0.5)
        return jqd.CopyDynamics.from_hamiltonian(jqd.driven(H0, (H1, one), (H2, other)))

    record = jqd.Record(ts, p / p.sum(axis=1, keepdims=True), Gaussian(1e-9))
    found = jqd.recover(
        law(0.7, 0.65), record, psi0=psi, free=("q", "r"),
        nuisances={"pulse[0].area": (0.7, 0.2), "pulse[1].area": (0.65, 0.1)},
        start={"q": 0.47, "r": -0.53}, step_tolerance=1e-9, **NEAR,
    )  # fmt: skip
    # DOP853 and the finest step leave some 1e-10
    assert abs(found.constants["q"].value - 0.5) < 1e-8
    assert abs(found.constants["r"].value + 0.5) < 1e-8
    assert abs(found.constants["pulse[0].area"].value - 0.8) < 1e-7
    assert abs(found.constants["pulse[1].area"].value - 0.6) < 1e-7


def double_well(x, k, g):
    return -0.5 * k * x**2 + g * x**4


@pytest.mark.slow
def test_stiffness_and_quartic_term_of_a_double_well_beside_D():
    """From densities of a split-step program in NumPy on a grid twice as fine."""
    n, half, k, g = 256, 5.0, 2.0, 0.35
    x = -half + 2 * half / n * np.arange(n)
    V, dt, ts = double_well(x, k, g), 1e-4, np.linspace(0, 1, 11)
    momentum = 2 * np.pi * np.fft.fftfreq(n, 2 * half / n)
    psi = np.exp(-((x - 0.8) ** 2) / 2 + 0.4j * x)
    psi /= np.sqrt(np.sum(np.abs(psi) ** 2) * 2 * half / n)
    rows, now = [np.abs(psi) ** 2], psi.astype(complex)
    # fourth order: Suzuki's five Strang steps
    s = 1 / (4 - 4 ** (1 / 3))
    parts = [
        (np.exp(-0.5j * c * dt * V), np.exp(-0.5j * c * dt * momentum**2))
        for c in (s, s, 1 - 4 * s, s, s)
    ]
    for _ in ts[1:]:
        for _ in range(round((ts[1] - ts[0]) / dt)):
            for kick, drift in parts:
                now = kick * np.fft.ifft(drift * np.fft.fft(kick * now))
        rows.append(np.abs(now) ** 2)
    grid = jqd.Grid((-half, half), n)
    law = jqd.ConservativeDiffusion(grid, double_well, k=1.8, g=0.4)
    data = jqd.Record(ts, np.stack(rows), Gaussian(1e-9))
    found = jqd.recover(
        law, data, psi0=psi, free=("D", "potential.k", "potential.g"),
        start={"D": 0.48}, **NEAR,
    )  # fmt: skip
    assert abs(found.constants["D"].value - 0.5) < 1e-7
    assert abs(found.constants["potential.k"].value - k) < 1e-7
    assert abs(found.constants["potential.g"].value - g) < 1e-7


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("readout", "give `instrument=jqd.instruments.Confusion(..)`, which has it"),
        ("instrument.flip", "instruments.Confusion"),
        ("psf", "give `instrument=jqd.instruments.Image(..)`"),
        ("rho", "give data with `noise=jqd.instruments.DirichletMultinomial(..)`"),
    ],
)
def test_a_constant_of_what_shows_data_says_what_has_it(name, told):
    law = jqd.Schrodinger(np.eye(2))
    data, psi0 = (np.ones(1), np.array([[0.5, 0.5]])), np.sqrt([0.5, 0.5])
    for free, nuisances in (((name,), None), ((), {name: (0.1, 0.1)})):
        with pytest.raises(
            ValueError, match=rf"must be one of hbar.*{re.escape(told)}"
        ):
            Study(law, data, psi0=psi0, free=free, nuisances=nuisances)
    scan = jqd.Scan({name: [0.1]}, [[0.5, 0.5]], ts=1.0)
    with pytest.raises(ValueError, match=re.escape(told)):
        Study(law, scan, psi0=psi0, free=("hbar",))
