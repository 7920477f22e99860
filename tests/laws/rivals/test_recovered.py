"""The constants of nonlinear rivals, found again from exact records and from counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.instruments import Confusion

H = np.array([[0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
PSI = np.sqrt([0.5, 0.3, 0.2]) * np.exp(1j * np.array([0, 1.2, -0.7]))
TS = np.linspace(0.25, 4, 16)
X = jqd.Grid((-8, 8), 64)
RHO = np.array([[0.5, 0.2, 0.1j], [0.2, 0.3, 0.1], [-0.1j, 0.1, 0.2]])

MATRICES = {
    "b": (jqd.laws.Logarithmic, 0.12),
    "g": (jqd.laws.GrossPitaevskii, 0.17),
    "eps": (jqd.laws.Weinberg, 0.23),
    "lam": (jqd.laws.Gisin, 0.08),
}


def followed(law, start, ts):
    """A record of the law itself, by steps that are not those of the fit."""
    tight = jqd.Adaptive(rtol=1e-11, atol=1e-12, estimate_error=False)
    run = jqd.evolve(
        law, law.prepare(start), np.r_[0, ts], method=tight, observe="density"
    )
    return jqd.Record(ts, run.values[1:], t0=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", MATRICES)
def test_populations_tell_a_constant(name):
    make, true = MATRICES[name]
    law = make(H, **{name: true})
    exact = followed(law, PSI, TS)
    found = jqd.recover(make(H), exact, psi0=PSI, free=name, starts=4)
    assert found.status == "converged"
    # 1e-11 of the record's run, over slopes of a tenth and more
    assert found.constants[name].value == pytest.approx(true, abs=1e-8)
    shown = Confusion()
    counts = jqd.simulate(law, PSI, TS, shown, 20000, jax.random.key(3), t0=0.0)
    study = jqd.Study(make(H), counts, psi0=PSI, free=name, instrument=shown)
    found = jqd.recover(study, starts=4)
    one = found.constants[name]
    # beyond 4 standard errors once in 1e4 seeds
    assert abs(one.value - true) < 4 * one.stderr
    assert one.stderr < 0.1 * true
    assert found.p_value > 1e-3


@pytest.mark.slow
def test_mixed_states_tell_how_fast_entropy_rises():
    """Of a pure state, Beretta's law is quantum mechanics."""
    law = jqd.laws.Beretta(H, kappa=0.3)
    record = followed(law, RHO, TS)
    found = jqd.recover(jqd.laws.Beretta(H), record, psi0=RHO, free="kappa", starts=4)
    assert found.status == "converged"
    assert found.constants["kappa"].value == pytest.approx(0.3, abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("b", jqd.laws.Logarithmic),
        ("g", jqd.laws.GrossPitaevskii),
        ("G", jqd.laws.SchrodingerNewton),
    ],
)
def test_densities_tell_a_constant(name, make):
    quantum = jqd.Schrodinger.on_grid(X, lambda x: x**2 / 2)
    x = np.asarray(X.x)
    psi = np.exp(-((x - 0.8) ** 2) / 2) / np.pi**0.25 + 0j
    ts = np.linspace(0.25, 2, 8)
    record = followed(make(quantum, **{name: 0.14}), psi, ts)
    found = jqd.recover(make(quantum), record, psi0=psi, free=name, starts=4)
    assert found.status == "converged"
    assert found.constants[name].value == pytest.approx(0.14, abs=1e-7)


@pytest.mark.slow
def test_densities_on_a_ring_tell_how_currents_diffuse():
    """Of Doebner and Goldin's law off its line; on it no density tells D."""
    grid = jqd.Grid((0.0, 2 * np.pi), 32)
    quantum = jqd.Schrodinger.on_grid(grid, lambda x: 0.4 * jnp.cos(x))
    x = np.asarray(grid.x)
    psi = 1 + 0.4 * np.exp(1j * x) + 0.2 * np.exp(-2j * x)
    psi = psi / np.sqrt(grid.cell * np.sum(np.abs(psi) ** 2))
    ts = np.linspace(0.1, 0.6, 6)
    record = followed(jqd.laws.DoebnerGoldin(quantum, 0.07), psi, ts)
    law = jqd.laws.DoebnerGoldin(quantum)
    found = jqd.recover(law, record, psi0=psi, free="D", starts=4)
    assert found.status == "converged"
    assert found.constants["D"].value == pytest.approx(0.07, abs=1e-7)


KERNELS = {
    "lam": (jqd.laws.QuadraticDecay, (0.14,)),
    "G_m2": (jqd.laws.NewtonianDecay, (0.3, 0.8)),
    "lam and r_C": (jqd.laws.GaussianDecay, (0.3, 0.9)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KERNELS)
def test_mean_densities_tell_how_a_particle_is_localised(name):
    """In the mean over paths."""
    make, true = KERNELS[name]
    free = tuple(name.split(" and "))
    grid = jqd.Grid((-5, 5), 24)
    quantum = jqd.Schrodinger.on_grid(grid, lambda x: x**2 / 2)
    x = np.asarray(grid.x)
    psi = np.exp(-((x - 0.8) ** 2) / 2) / np.pi**0.25 + 0j
    ts = np.linspace(0.5, 2, 4)
    law = jqd.laws.Decoherence(quantum, make(*true))
    run = jqd.evolve(
        law, law.prepare(psi), np.r_[0, ts], observe="density",
        method=jqd.Fixed(jqd.steppers.strang, 200, estimate_error=False),
    )  # fmt: skip
    record = jqd.Record(ts, run.values[1:], t0=0.0)
    start = [0.7 * v if i < len(free) else v for i, v in enumerate(true)]
    wrong = jqd.laws.Decoherence(quantum, make(*start))
    found = jqd.recover(wrong, record, psi0=psi, free=free, starts=1)
    assert found.status == "converged"
    for constant, value in zip(free, true, strict=False):
        # Strang's steps of the record: (1/400)² over slopes of a tenth
        one = found.constants[constant].value
        assert one == pytest.approx(value, abs=1e-4)
