"""Classes while copying goes on: momenta, and the spread of phases within."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from _support.alignment import (
    AlignedClasses,
    ClassSpread,
    SpreadState,
    momentum_generator,
)

import jqd
from jqd.laws.alignment import PhaseAlignment
from jqd.problems import golden, two_classes
from jqd.readings.stability import hill

GOLDEN, PSI = golden()
COUPLINGS = (GOLDEN.omega, GOLDEN.R, GOLDEN.delta)
RHO = np.array([0.5, 0.3, 0.2])


def fixed(substeps):
    return jqd.Fixed(substeps=substeps, estimate_error=False)


def propagator(flow, psi, law, time):
    """∂π(t)/∂π(0) at rest, and ψ(t)."""

    def end(momentum):
        after = flow(law, law.prepare(psi, momentum), time, 200)
        return after.momentum, after.psi

    return jax.jit(jax.jacfwd(end, has_aux=True))(jnp.zeros(psi.shape))


@pytest.mark.slow
def test_propagator_of_the_momenta(flow):
    """T19; Runge-Kutta at 0.01 leaves 1e-9."""
    X, psi = propagator(flow, PSI, AlignedClasses(*COUPLINGS), 2.0)
    assert np.linalg.det(X) == pytest.approx(0.9123968989, abs=1e-7)
    kept = AlignedClasses(*COUPLINGS, copy_momentum=False)
    kept, _ = propagator(flow, PSI, kept, 2.0)
    # At rest the classes follow Schrödinger's law.
    exact = scipy.linalg.expm(-2j * np.asarray(GOLDEN.hamiltonian())) @ PSI
    np.testing.assert_allclose(psi, exact, atol=1e-8)
    rho = np.abs(psi) ** 2
    np.testing.assert_allclose(rho @ kept, RHO, atol=1e-7)
    # Negative controls: each has its own property alone.
    assert np.max(np.abs(rho @ X - RHO)) > 0.1
    assert abs(np.linalg.det(kept) - 0.9123968989) > 0.5


def test_momenta_of_individuals_on_average():
    """At fixed beables the mean force on a class is that with copied momenta."""
    law = PhaseAlignment.of_occupation([10, 6, 4], *COUPLINGS, 0.5)
    p = np.array([0.3, -0.4, 0.9])

    @jax.jit
    def look(psi):
        state = law.start(law.prepare(psi).phase, p[np.asarray(law.beable)])
        force = law.class_sum(law.vector_field(0.0, state).momentum) / law.occupation
        rules = (True, False)
        return force, [momentum_generator(law, psi, copy_momentum=r) @ p for r in rules]

    force, (copied, kept) = look(PSI)
    np.testing.assert_allclose(force, copied, atol=1e-14)
    assert np.max(np.abs(force - kept)) > 0.1


def test_two_classes_are_neutral(flow):
    """π_1 + π_2 goes as √(ρ_1 ρ_2)."""
    base, psi = two_classes(0.8, 0.3)
    law = AlignedClasses(base.omega, base.R, base.delta)
    X, after = propagator(flow, psi, law, 1.0)
    expected = np.prod(np.abs(after)) / np.prod(np.abs(psi))
    np.testing.assert_allclose(np.sum(X, axis=0), expected, rtol=1e-8)


def test_a_node_ends_the_run():
    law = AlignedClasses(np.zeros(2), 1 - np.eye(2), np.zeros((2, 2)))
    start = law.prepare(np.array([1.0, 1j]) / np.sqrt(2))
    run = jqd.evolve(law, start, np.array([0.0, 0.5, 1.0]), method=fixed(100))
    # ψ_a is empty a quarter of π later, on one side or the other
    assert run.status == jqd.Status.NODE
    assert run.failure_time == pytest.approx(np.pi / 4, abs=0.01)


def moments(state):
    return jnp.stack([state.variance, state.covariance, state.momentum_variance])


@pytest.mark.parametrize(
    "norm", ["paper", pytest.param("class", marks=pytest.mark.slow)]
)
def test_spread_grows_as_hills_equation(flow, norm):
    """Moments are means over oscillators: their rate is twice Hill's."""
    options = {"norm": norm, "damping": 0.05}
    base, psi = two_classes(0.8, 0.0)  # ρ_1 = (1 + 0.6 cos 2t)/2, period π
    kappas = jnp.array([1.0, 2.0, 8.5])

    def share(t):
        return (1 + 0.6 * jnp.cos(2 * t)) / 2

    def period_map(kappa):
        """What one Rabi period does to the six moments."""
        couplings = (base.omega, base.R, base.delta)
        law = ClassSpread(*couplings, jnp.sqrt(kappa / 2), 1.0, **options)

        def end(values):
            return moments(flow(law, SpreadState(psi, *values), jnp.pi, 300)).ravel()

        return jax.jacfwd(end)(jnp.ones((3, 2))).reshape(6, 6)

    @jax.jit
    @jax.vmap
    def both(kappa):
        one = hill(share, jnp.pi, kappa, steps=300, **options)
        return period_map(kappa), one.growth

    maps, expected = both(kappas)
    largest = np.max(np.abs(np.linalg.eigvals(maps)), axis=-1)
    np.testing.assert_allclose(np.log(largest) / (2 * np.pi), expected, atol=1e-7)
    # Both kinds are among them.
    assert expected.min() < -0.02 < 0.05 < expected.max()


def test_without_attraction_variance_times_share_is_constant():
    law = ClassSpread(*COUPLINGS, 0.0, 100.0)
    ts = np.linspace(0, 3, 7)

    def look(t, state):
        return state.variance, law.density(state)

    run = jqd.evolve(law, law.prepare(PSI), ts, method=fixed(50), observe=look)
    variance, rho = map(np.asarray, run.values)
    np.testing.assert_allclose(variance * rho, np.tile(RHO, (7, 1)), rtol=1e-7)
    # The variance itself is not.
    assert np.ptp(variance) > 1


def jump(rng, psi, links, a, dt):
    """Who copies whom in a step: rates [J_ab]₊/ρ_b of b → a, any member of a."""
    rho = np.abs(psi) ** 2
    J = 2 * np.imag(psi.conj()[:, None] * links * psi[None, :])
    chance = np.cumsum(np.maximum(J, 0) / rho[None, :] * dt, axis=0)[:, a]
    draw = rng.random(a.size)
    copiers = np.flatnonzero(draw < chance[-1])
    goal = np.sum(draw[copiers] >= chance[:, copiers], axis=0)
    order, count = np.argsort(a, kind="stable"), np.bincount(a, minlength=3)
    place = (rng.random(copiers.size) * count[goal]).astype(int)
    return copiers, goal, order[(np.cumsum(count) - count)[goal] + place], J, rho


def individuals(psis, start, k, dt, copy_momentum, size=20_000):
    """Second moments within the classes after all steps, (3, 3)."""
    rng = np.random.default_rng(8)
    links = np.asarray(GOLDEN.R * np.exp(1j * np.asarray(GOLDEN.delta)))
    a = np.repeat(np.arange(3), np.round(size * RHO).astype(int))
    y, p = rng.normal(size=size), rng.normal(size=size) * np.sqrt(start)[a]
    for psi in psis:
        copiers, goal, model, J, rho = jump(rng, psi, links, a, dt)
        g, pull = (J.sum(1) / (2 * rho))[a], (k * rho)[a]
        # kick, drift, kick, of Jacobian 1
        p = (p - dt / 2 * pull * y) * np.exp(dt / 2 * g)
        y = y * np.exp(-dt * g) + dt * p
        p = p * np.exp(dt / 2 * g) - dt / 2 * pull * y
        y[copiers], a[copiers] = y[model], goal
        if copy_momentum:
            p[copiers] = p[model]
    covariances = [np.cov(y[a == c], p[a == c]) for c in range(3)]
    return np.array([[c[0, 0], c[0, 1], c[1, 1]] for c in covariances]).T


@pytest.mark.slow
def test_spread_of_individuals_that_copy():
    """The terms for momenta that are not copied, against jumps one by one."""
    f, copies, time, steps = 0.2, 20.0, 2.0, 500
    start, ts = np.array([0.1, 0.5, 2.0]), np.linspace(0, time, steps + 1)
    seen, expected = {}, {}
    for rule in (True, False):
        law = ClassSpread(*COUPLINGS, f, copies, copy_momentum=rule)
        state = law.prepare(PSI, 1.0, start)
        run = jqd.evolve(law, state, ts, method=fixed(1)).values
        expected[rule] = np.asarray(moments(run))[:, -1]
        psis, k = np.asarray(run.psi)[:-1], 2 * f**2 * copies
        seen[rule] = individuals(psis, start, k, time / steps, rule)
    scale = np.max(expected[False], axis=0)
    for rule in (True, False):
        # Some 2000 members in the smallest class, most of them copies of fewer: 10 %;
        # the first-order step leaves 1 %.
        np.testing.assert_allclose(
            seen[rule] / scale, expected[rule] / scale, atol=0.15
        )
        # Negative control: not by the other rule.
        assert np.max(np.abs(seen[rule] - expected[not rule]) / scale) > 0.3


def test_input():
    with pytest.raises(ValueError, match="Argument `copies` must not be negative"):
        ClassSpread(*COUPLINGS, 1.0, -3.0)
    with pytest.raises(ValueError, match="Argument `norm` must be one of"):
        ClassSpread(*COUPLINGS, 1.0, 3.0, norm="other")
    with pytest.raises(ValueError, match="Argument `damping` must not be negative"):
        AlignedClasses(*COUPLINGS, damping=-1.0)
