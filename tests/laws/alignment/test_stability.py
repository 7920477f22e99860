"""Spectra, Floquet, Lyapunov, symplectic flows and the basin of alignment."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.alignment import AlignedClasses
from jax.flatten_util import ravel_pytree

from jqd.problems import golden, two_classes
from jqd.readings.stability import (
    align_from_random,
    hill,
    lyapunov_exponents,
    spectrum,
    tongues,
)

PERIOD = np.pi
A = 0.6


def share(t):
    """A class in Rabi oscillations, R = 1."""
    return (1 + A * jnp.cos(2 * t)) / 2


def test_hill_traces():
    """T15."""
    one = jax.jit(jax.vmap(lambda k: hill(share, PERIOD, k)))
    result = one(jnp.array([1.0, 50.0, 2.0, 0.5]))
    np.testing.assert_allclose(
        result.trace[:2], [-1.2908980104, -1.8325545603], atol=1e-7
    )
    np.testing.assert_array_equal(result.growth[:2], 0)
    # the digits above are those of 1000 steps, which know their own error
    assert np.all(result.trace_error < 1e-7)
    assert np.all(result.trace_error > 0)
    # κ = 2 lies in the first tongue.
    assert result.trace[2] < -2
    assert result.growth[2] == pytest.approx(np.arccosh(-result.trace[2] / 2) / PERIOD)
    # Negative control: f²N, as (47) is printed, halves κ.
    assert abs(result.trace[3] - -1.2908980104) > 0.1


def test_errors_of_hill_are_those_of_its_steps():
    """Each number of steps tells its own error, or up to twice as much."""
    kappa = jnp.array([1.0, 2.0, 8.5])

    def of(steps):
        return jax.jit(jax.vmap(lambda k: hill(share, PERIOD, k, steps=steps)))(kappa)

    fine = of(2000)
    for steps in (64, 128, 256):
        run = of(steps)
        for name in ("trace", "growth"):
            told = np.asarray(getattr(run, name + "_error"))
            true = np.abs(np.asarray(getattr(run, name) - getattr(fine, name)))
            grows = true > 1e-12
            # the power of the step is 4, or 5 where that of 4 is small: (2⁵ - 1)/15
            ratio = told[grows] / true[grows]
            assert np.all((ratio > 0.95) & (ratio < 31 / 15))
            assert np.all(told[~grows] < 1e-12)
    with pytest.raises(ValueError, match="Argument `steps` must be at least 2"):
        hill(share, PERIOD, 1.0, steps=1)


def test_growth_at_the_edge_has_the_error_of_a_root():
    """At ρ = 1/2 all tongues are closed: |trace| = 2 at κ = 2 n²."""
    run = hill(lambda t: 0.5 + 0 * t, PERIOD, 2.0, steps=20)
    # X = -1 exactly: the steps cannot tell growth of so much from none
    root = np.arccosh(1 + (run.trace_error + abs(run.trace + 2)) / 2) / PERIOD
    assert 0 < run.growth_error <= root
    assert run.growth <= run.growth_error


@pytest.mark.slow
@pytest.mark.equation("copying", "question-alignment-tongues")
def test_tongues():
    """Edges to the two digits of the reference; damping makes them narrower."""
    kappas = np.arange(0.5, 21.0, 0.25)
    edges, error, undecided = tongues(share, PERIOD, kappas, steps=300, rounds=12)
    fine = tongues(share, PERIOD, kappas, steps=1200, rounds=30).edges
    assert np.all(np.abs(edges - fine) < error)
    assert error.max() < 1e-4
    assert undecided.size == 0
    expected = [[1.53, 2.79], [7.78, 9.32], [18.4, 19.8]]
    # The reference was read off a grid of some 0.02; its last row has a digit less.
    assert np.max(np.abs(edges - expected)[:2]) < 0.02
    assert np.max(np.abs(edges - expected)[2]) < 0.06
    damped = tongues(share, PERIOD, kappas[:12], damping=0.1, steps=300, rounds=8)
    damped = damped.edges
    assert damped.shape == (1, 2)
    assert edges[0, 0] + 0.02 < damped[0, 0] < damped[0, 1] < edges[0, 1] - 0.02
    with pytest.raises(ValueError, match="Argument `kappas` must increase strictly"):
        tongues(share, PERIOD, [2.0, 1.0])
    # All of the grid inside: a tongue that runs out of it on both sides.
    inside = tongues(share, PERIOD, [2.0, 2.5], steps=300)
    np.testing.assert_array_equal(inside.edges, [[2.0, 2.5]])
    assert np.all(np.isnan(inside.error))


def test_a_closed_tongue_is_not_decided():
    """Of constant density none is open; at κ = 2, X = -1 and steps see either."""
    found = tongues(lambda t: 0.5 + 0 * t, PERIOD, [1.0, 2.0, 3.0], steps=50)
    assert found.edges.shape == (0, 2)
    np.testing.assert_array_equal(found.undecided, [2.0])


def test_steps_end_where_the_share_jumps():
    """ρ is 0.8 for a time s and 0.3 for the rest of 1, κ = 12: two rotations by √(κρ)
    times their duration, of the trace 2 cos cos - (r + 1/r) sin sin, r = √(0.8/0.3)."""
    s, kappa = 0.3712, 12.0
    one, two = np.sqrt(kappa * 0.8) * s, np.sqrt(kappa * 0.3) * (1 - s)
    r = np.sqrt(0.8 / 0.3)
    expected = 2 * np.cos(one) * np.cos(two) - (r + 1 / r) * np.sin(one) * np.sin(two)
    run = hill(lambda t: jnp.where(t % 1 < s, 0.8, 0.3), 1.0, kappa, steps=50)
    # (√(κρ)/50)⁴/120, times the angle of 3
    assert abs(run.trace - expected) < 1e-6
    assert abs(run.trace - expected) < 2 * run.trace_error


@pytest.mark.slow
def test_a_longer_period_has_another_trace():
    """By a constant share 1/2 it is 2 cos √(κ/2) T; a share that jumps at a time of its
    own, at 0.3712 of 1, is 0.3 beyond: ∂X/∂T = A(T) X."""
    omega = np.sqrt(1.5)

    def steady(period):
        return hill(lambda t: 0.5 + 0 * t, period, 3.0, steps=100).trace

    expected = -2 * omega * np.sin(2 * omega)
    # (ω/50)⁴/120 and its like
    assert jax.grad(steady)(2.0) == pytest.approx(expected, rel=1e-6)

    s, kappa = 0.3712, 12.0
    one, two = np.sqrt(kappa * 0.8), np.sqrt(kappa * 0.3)
    r = np.sqrt(0.8 / 0.3)
    a, b = one * s, two * (1 - s)
    expected = -two * (2 * np.cos(a) * np.sin(b) + (r + 1 / r) * np.sin(a) * np.cos(b))

    def jumping(period):
        return hill(lambda t: jnp.where(t < s, 0.8, 0.3), period, kappa, steps=100)

    slope = jax.jacfwd(lambda period: jumping(period).trace)(1.0)
    assert slope == pytest.approx(expected, rel=1e-5)


def test_partial_functions_are_shares():
    """What they hold may be a name, or a number that decides."""

    def of(kind, depth, t):
        return 0.5 + (depth * jnp.cos(2 * t) / 2 if kind == "wave" and depth > 0 else 0)

    one = jax.jit(lambda: hill(functools.partial(of, "wave", A), PERIOD, 2.0, steps=20))
    expected = hill(share, PERIOD, 2.0, steps=20).trace
    assert one().trace == pytest.approx(float(expected), rel=1e-9)


def test_unstable_steps_are_all_error():
    """A constant density neither grows nor falls. Steps of 10 rad grow by 1e130, and
    half as many by less: a fraction of the change would say 7 %."""

    def density(t):
        return 0.5 + 0 * t

    found = hill(density, 6.28, 12800.0, steps=50)
    assert found.trace_error >= 0.9 * abs(found.trace) > 1e100
    assert found.growth_error >= found.growth > 1
    # and of 1e9 the trace overflows
    told = tongues(density, 6.28, [2.0, 12800.0, 1e9], steps=50)
    assert told.edges.size == 0
    np.testing.assert_array_equal(told.undecided, [12800.0, 1e9])


def test_growth_with_damping():
    """Rates of a constant oscillator, and Liouville's determinant."""

    @jax.jit
    @jax.vmap
    def constant(kappa, damping):
        return hill(lambda t: 0.5 + 0 * t, 2.0, kappa, damping=damping, steps=200)

    result = constant(jnp.array([3.0, 0.5]), jnp.array([0.4, 2.0]))
    np.testing.assert_allclose(result.determinant, np.exp([-0.8, -4]))
    # -γ/2; overdamped, (-γ + √(γ² - 4κρ))/2
    np.testing.assert_allclose(result.growth, [-0.2, (-2 + np.sqrt(3)) / 2], rtol=1e-8)


def test_growth_has_a_gradient_on_either_side_of_an_edge():
    def growth(kappa):
        return hill(share, PERIOD, kappa, steps=100).growth

    slope = jax.jit(jax.vmap(jax.jacfwd(growth)))(jnp.array([1.0, 2.0]))
    assert slope[0] == 0
    assert np.isfinite(slope[1])
    assert slope[1] != 0


@pytest.mark.equation("copying", "question-alignment-occupations")
def test_spectrum_at_fixed_occupations(pair):
    """T17: 12 and 8 at x = π/2, f = 0.3."""
    law = pair(0.3)
    found = jax.jit(lambda phase: spectrum(law, law.start(phase)))(np.zeros(20))
    values = np.sort(np.asarray(found).real)
    largest = np.sqrt(12 / 8) - np.sqrt(8 / 12)
    assert largest == pytest.approx(0.4082482905, abs=1e-10)
    assert values[-1] == pytest.approx(largest, abs=1e-8)
    # λ² = g² - 2 f² n, g = √(12/8): the 7 differences within the second class
    np.testing.assert_allclose(values[-8:-1], np.sqrt(1.5 - 1.44), atol=1e-7)
    # √(eps) of the double root 0, and nothing else
    assert np.all(np.abs(values[8:-8]) < 1e-6)
    # Negative control: f² n, as printed, would split them further.
    assert abs(np.sqrt(1.5 - 0.72) - np.sqrt(1.5 - 1.44)) > 0.5


def flow_jacobian(law, state, time, steps):
    """S = ∂y(t)/∂y(0), through the law's own steps, in the order of the leaves."""
    vector, restore = ravel_pytree(state)

    def flow(y):
        def one(state, _):
            return law.step(0.0, state, time / steps), None

        return ravel_pytree(jax.lax.scan(one, restore(y), None, length=steps)[0])[0]

    return jax.jacfwd(flow)(vector)


def symplectic_defect(S, factor):
    """max |Sᵀ Ω S - k Ω|,  Ω = [[0, 1], [-1, 0]];  k = 1 canonical, e^{-γt} damped."""
    one = np.eye(S.shape[-1] // 2)
    form = np.block([[0 * one, one], [-one, 0 * one]])
    return jnp.max(jnp.abs(S.T @ form @ S - factor * form))


def test_flow_is_symplectic_unless_damped(law_of):
    rng = np.random.default_rng(3)
    phase, momentum = rng.uniform(-3, 3, 12), rng.normal(size=12)

    @jax.jit
    def defect(damping, factor):
        law = law_of(damping=damping)
        S = flow_jacobian(law, law.start(phase, momentum), 0.5, steps=200)
        return symplectic_defect(S, factor), jnp.max(jnp.abs(S))

    canonical, size = defect(0.0, 1.0)
    # Runge-Kutta is not symplectic: some h⁴.
    assert size > 1.2
    assert canonical < 1e-7
    assert defect(0.8, np.exp(-0.8 * 0.5))[0] < 1e-7
    assert defect(0.8, 1.0)[0] > 0.1


class Lorenz:
    def step(self, t, y, dt):
        from jqd.steppers import rk4

        return rk4(self, t, y, dt)

    def vector_field(self, t, y):
        x, y, z = y
        return jnp.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def test_lyapunov_exponents_of_lorenz():
    start = jnp.array([1.0, 2.0, 25.0])
    run = jax.jit(lambda y: lyapunov_exponents(Lorenz(), y, 0.01, blocks=2000))
    result = run(start)
    # 0.906, 0, -14.572 (Sprott 2003); the time of 200 leaves some 0.05. Their sum,
    # the divergence -(10 + 1 + 8/3), knows the step alone.
    np.testing.assert_allclose(result.exponents, [0.906, 0, -14.572], atol=0.06)
    np.testing.assert_allclose(np.sum(result.exponents), -41 / 3, atol=1e-3)
    assert result.history.shape == (2000, 3)
    assert result.ts[-1] == pytest.approx(200)
    # a sum of 41/3 to 1e-3, of which steps twice as long change more; the largest of
    # a chaotic motion scatters as that of another run does
    off = np.abs(np.sum(result.exponents) + 41 / 3)
    assert off < np.sum(result.error)
    assert 1e-3 < result.error[0] < 0.06


def test_errors_of_exponents_where_nothing_is_chaotic():
    """ẏ = (-y1, -2 y2) by rk4: λ is off by h⁴/120 and 32 h⁴/120."""

    class Decay(Lorenz):
        def vector_field(self, t, y):
            return -jnp.array([1.0, 2.0]) * y

    for substeps, ratio in ((4, 15), (3, 1 - 2**-4)):
        run = lyapunov_exponents(Decay(), jnp.ones(2), 0.1, blocks=5, substeps=substeps)
        true = np.abs(run.exponents - np.array([-1.0, -2.0]))
        # twice as long steps change 15 times the error, half as long 15/16 of it; the
        # next power is of relative size h
        np.testing.assert_allclose(run.error, ratio * true, rtol=0.35)


def top(copy_momentum, psi, base, damping=0.0):
    law = AlignedClasses(
        base.omega, base.R, base.delta, damping=damping, copy_momentum=copy_momentum
    )
    return lyapunov_exponents(
        law, law.prepare(psi), 0.02, blocks=300, among=lambda s: s.momentum
    ).exponents


@pytest.mark.sampled
@pytest.mark.equation("copying", "question-alignment-momenta")
@pytest.mark.parametrize("copy_momentum", [True, False])
def test_momenta_of_many_classes(copy_momentum):
    """Copied momenta grow on most trajectories of M = 3, others are neutral."""
    rng = np.random.default_rng(4)
    base, psi = golden()
    psis = np.sqrt(rng.dirichlet([2, 2, 2], 8)) * np.exp(
        2j * np.pi * rng.random((8, 3))
    )
    psis = np.concatenate([psis, psi[None]])
    run = jax.jit(jax.vmap(lambda psi, g: top(copy_momentum, psi, base, g), (0, None)))
    exponents = run(jnp.asarray(psis), 0.0)[:, 0]
    if copy_momentum:
        # 0.32 to 0.64 on all but one of the random ones; the golden motion is gentle
        random = np.sort(exponents[:8])
        assert 0.04 < random[0] < 0.1
        assert 0.3 < random[1] < random[-1] < 0.66
        assert abs(exponents[8]) < 0.05
    else:
        # Σρπ is conserved; the time of 60 leaves ln(ρ ratio)/60.
        assert np.all(np.abs(exponents) < 0.08)
    # Damping takes γ off each, to the order of the step in passing near a node.
    damped = run(jnp.asarray(psis), 0.3)[:, 0]
    np.testing.assert_allclose(damped, exponents - 0.3, atol=1e-4)


@pytest.mark.slow
def test_all_exponents_of_the_classes():
    """At rest the ψ part is Schrödinger's, neutral; momenta have theirs besides."""
    base, psi = two_classes(0.8, 0.3)
    law = AlignedClasses(base.omega, base.R, base.delta, copy_momentum=False)

    @jax.jit
    def run(psi):
        part = lyapunov_exponents(
            law, law.prepare(psi), 0.02, blocks=100, among=lambda s: s.momentum
        )
        return lyapunov_exponents(law, law.prepare(psi), 0.02, blocks=100), part

    whole, part = run(psi)
    assert whole.exponents.shape == (6,)
    # Sums are those of the divergence, whatever frame carries them.
    total, of_momenta = np.sum(whole.exponents), np.sum(part.exponents)
    np.testing.assert_allclose(total, of_momenta, atol=1e-6)
    assert of_momenta < -0.5


@pytest.mark.sampled
@pytest.mark.equation("copying", "question-alignment-basin")
@pytest.mark.parametrize(("potential", "aligned"), [("sin2", 0.0), ("1-cos", 1.0)])
def test_basin(key, potential, aligned, pair):
    """Random phases, N = 20, γ = f = 3: sin² aligns modulo π, 1 - cos aligns."""
    law = pair(3.0, damping=3.0, potential=potential)
    run = align_from_random(law, key, starts=20, time=16.0, steps=800, saves=2)
    assert run.order.shape == run.nematic.shape == (20, 3, 2)
    assert run.share_aligned() == aligned
    assert run.share_undecided() == 0
    assert {name: x.shape for name, x in run.errors.items()} == {
        name: getattr(run, name).shape
        for name in ("order", "nematic", "speed", "phase")
    }
    assert run.nematic[:, -1].min() > 0.999
    assert run.nematic[:, 0].max() < 0.9
    np.testing.assert_allclose(run.ts, [0, 8, 16])
    if potential == "1-cos":
        assert run.speed[:, -1].max() < 1e-6
        assert np.std(np.exp(1j * run.phase[:, :12]), axis=1).max() < 1e-6
    else:
        assert run.order[:, -1].min() < 0.5


def test_errors_leave_open_whether_a_start_aligns(pair, key):
    """Without damping a motion is chaotic: its order is what the steps make of it."""
    law = pair(3.0, damping=0.0, potential="1-cos")
    run = align_from_random(law, key, starts=4, time=30.0, steps=600)
    threshold = np.median(np.min(run.order[:, -1], axis=-1))
    assert run.share_undecided(threshold) > 0.4
    assert np.max(run.errors["order"][:, -1]) > 0.1
    still = align_from_random(law, key, starts=4, time=0.1, steps=60)
    assert np.max(still.errors["order"]) < 1e-6


def test_input(pair, key):
    law = pair(1.0)
    with pytest.raises(ValueError, match="Argument `starts` must be at least 1"):
        align_from_random(law, key, starts=0, time=1.0, steps=2)
    with pytest.raises(ValueError, match="Argument `steps` must be a multiple of"):
        align_from_random(law, key, starts=1, time=1.0, steps=3, saves=2)
    with pytest.raises(ValueError, match="Argument `count` must be at least 1 and at"):
        lyapunov_exponents(Lorenz(), jnp.zeros(3), 0.1, blocks=1, count=4)
    with pytest.raises(ValueError, match="Argument `norm` must be one of"):
        hill(share, PERIOD, 1.0, norm="other")
