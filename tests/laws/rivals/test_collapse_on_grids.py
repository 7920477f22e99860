"""Localisation on grids: against matrices, closed forms and its own mean."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import Grid
from jqd.exact import on_grids, rivals
from jqd.laws import (
    CSL,
    GRW,
    QMUPL,
    Collapse,
    Decoherence,
    Dephasing,
    DiosiPenrose,
    GaussianDecay,
    NewtonianDecay,
    QuadraticDecay,
    StepNoise,
)
from jqd.laws.rivals.open_space import doubled

KEY = jax.random.key(7)
KERNELS = {
    "QMUPL": QuadraticDecay(0.5),
    "CSL": GaussianDecay(0.8, 1.2),
    "DP": NewtonianDecay(0.9, 0.8),
}
LAWS = {
    "QMUPL": lambda quantum: QMUPL(quantum, 0.5),
    "CSL": lambda quantum: CSL(quantum, 0.8, 1.2),
    "DP": lambda quantum: DiosiPenrose(quantum, 0.9, 0.8),
    "GRW": lambda quantum: GRW(quantum, 0.8, 1.2),
}


def trap(half, n, omega=1.0, **more):
    grid = Grid((-half, half), n)
    return grid, jqd.Schrodinger.on_grid(grid, lambda x: omega**2 * x**2 / 2, **more)


def packet(grid, at=0.0, width=1.0, momentum=0.0):
    psi = jnp.exp(-((grid.x - at) ** 2) / (4 * width**2) + 1j * momentum * grid.x)
    return grid.normalise(psi)


def humps(grid, p=0.3, width=0.05):
    """Two far ends of a box, of weights p and 1 - p."""
    sides = [packet(grid, at, width) for at in (1.0, -1.0)]
    return grid.normalise(np.sqrt(p) * sides[0] + np.sqrt(1 - p) * sides[1])


def still(half, n):
    """A grid on which nothing moves by itself."""
    grid = Grid((-half, half), n)
    return grid, jqd.Schrodinger.on_grid(grid, lambda x: 0 * x, mass=1e12)


def root_of(kernel, grid):
    """Channels A_kx, (K, n), whose field is that of a kernel: what it is made of."""
    (size,) = kernel.noise(grid)
    unit = jnp.eye(size)
    return jax.vmap(lambda w: kernel.field(grid, jnp.ones(()), w))(unit)


def evolved(law, psi, time, steps, observe, **more):
    method = jqd.Fixed(substeps=steps, estimate_error=False)
    return jqd.evolve(
        law, law.prepare(psi), jnp.array([0.0, time]), method=method,
        observe=lambda t, state: observe(law.density(state)), **more,
    )  # fmt: skip


# -- the kernels -----------------------------------------------------------------------


@pytest.mark.parametrize("name", KERNELS)
def test_the_noise_has_the_correlation_of_the_rate(name):
    """½ Σ_k (A_k(x) - A_k(y))² = Γ(x - y), and what else is made of Γ."""
    kernel, hbar = KERNELS[name], jnp.asarray(1.0)
    grid = Grid((-8.0, 8.0), 32)
    A = root_of(kernel, grid)
    made = 0.5 * jnp.sum((A[:, :, None] - A[:, None, :]) ** 2, axis=0)
    apart = grid.x[:, None] - grid.x[None, :]
    exact = kernel.decay((apart,), hbar)
    # rounding; at the seam of the doubled box Newton's kernel loses (R_0/L)² Gm²/ħR_0
    most = 0.9 / 0.8 * (0.8 / 16) ** 2 if name == "DP" else 1e-12
    np.testing.assert_allclose(made, exact, atol=most)
    # the noise, what a point is surrounded by and what is smeared go together
    for point in (0, 5, 31):
        around = kernel.around(grid, hbar, jnp.asarray(point))
        np.testing.assert_allclose(around, made[:, point], atol=1e-12)
    f = jax.random.normal(KEY, (32,))
    np.testing.assert_allclose(kernel.spread(grid, hbar, f), made @ f, atol=1e-11)


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_in_two_dimensions(name):
    kernel, hbar = KERNELS[name], jnp.asarray(0.7)
    grid = Grid(((-6.0, 6.0), (-5.0, 5.0)), (12, 10))
    shape = kernel.noise(grid)
    assert shape == ((2,) if name == "QMUPL" else doubled(grid))
    unit = jnp.eye(int(np.prod(shape))).reshape(-1, *shape)
    A = jax.vmap(lambda w: kernel.field(grid, hbar, w))(unit).reshape(-1, 120)
    made = 0.5 * jnp.sum((A[:, :, None] - A[:, None, :]) ** 2, axis=0)
    x, y = (np.broadcast_to(c, grid.shape).ravel() for c in grid.coordinates)
    exact = kernel.decay((x[:, None] - x, y[:, None] - y), hbar)
    # a coarse and narrow box: a share of Newton's kernel is left out
    most = 0.02 if name == "DP" else 1e-11
    np.testing.assert_allclose(made, exact, atol=most)
    around = kernel.around(grid, hbar, jnp.asarray(47))
    np.testing.assert_allclose(around.ravel(), made[:, 47], atol=1e-11)
    f = jax.random.normal(KEY, grid.shape)
    np.testing.assert_allclose(
        kernel.spread(grid, hbar, f).ravel(), made @ f.ravel(), atol=1e-10
    )


def test_rates_are_those_of_closed_forms():
    d, hbar = jnp.linspace(0.0, 9.0, 40), jnp.asarray(0.7)
    found = KERNELS["CSL"].decay((d,), hbar)
    np.testing.assert_allclose(found, rivals.csl_rate(d, 0.8, 1.2), atol=1e-15)
    found = KERNELS["DP"].decay((d,), hbar)
    exact = rivals.newtonian_self_energy(d, 0.9, 0.8) / 0.7
    np.testing.assert_allclose(found, exact, atol=1e-15)


@pytest.mark.parametrize(
    ("spacing", "ripple"), [(0.5, 1e-15), (1.0, 1.034e-4), (2.0, 0.1696)]
)
def test_gaussians_on_a_lattice_ripple_where_it_is_coarse(spacing, ripple):
    """Channels exp(-(x - z)²/2r_C²) at lattice places, 2 exp(-π² r_C²/a²) of λ."""
    r_C, lam, a = 1.2, 0.8, 1.2 * spacing
    x = np.linspace(-2.4, 2.4, 49)
    z = a * np.arange(-30, 31)
    A = np.exp(-((x[None, :] - z[:, None]) ** 2) / (2 * r_C**2))
    # Σ_k A_k² is 1 where the lattice is fine
    gamma = lam * a / (np.sqrt(np.pi) * r_C)
    strength = gamma * np.sum(A**2, axis=0) / lam
    rate = Dephasing(np.zeros(49), A, gamma).decay()
    exact = rivals.csl_rate(x[:, None] - x[None, :], lam, r_C)
    assert np.max(np.abs(strength - 1)) == pytest.approx(ripple, rel=0.02, abs=1e-14)
    off = float(np.max(np.abs(rate - exact)))
    # the ripples of A_k(x)², A_k(y)² and of twice their product
    assert off < max(2 * ripple, 1e-14)
    if spacing == 2.0:
        assert off > 0.02


# -- a step ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["QMUPL", "CSL", "DP"])
def test_a_step_is_that_of_collapse_with_all_its_channels(name):
    """H = 0: the same noise, and every channel of it in a matrix."""
    grid, quantum = still(4.0, 16)
    law = LAWS[name](quantum)
    A = root_of(law.kernel, grid)
    psi = packet(grid, 0.4, 1.1, 0.6)
    w = np.sqrt(0.3) * jax.random.normal(KEY, law.chance().noise.increments)
    noise = StepNoise(w, jnp.asarray(0.37))
    matrix = Collapse(jnp.zeros(16), A, 1.0)
    expected = matrix.step(0.0, psi * grid.cell**0.5, 0.3, noise)
    found = law.step(0.0, psi, 0.3, noise) * grid.cell**0.5
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("name", ["QMUPL", "CSL"])
def test_pathwise_steps_have_the_covariance_of_the_record(name):
    """dY = 2⟨A⟩dt + √(1 + 4dt Cov) w by matrices: of one channel at any dt; of many to
    the order dt^(5/2) of a step."""
    grid, quantum = still(4.0, 16)
    law = LAWS[name](quantum).pathwise()
    A = np.asarray(root_of(law.kernel, grid))
    psi = packet(grid, 0.4, 1.1, 0.6)
    p = grid.cell * np.abs(np.asarray(psi)) ** 2
    mean = A @ p
    covariance = (A * p) @ A.T - np.outer(mean, mean)
    values, vectors = np.linalg.eigh(covariance)
    w = np.asarray(jax.random.normal(KEY, law.chance().noise.increments))

    def off(dt):
        noise = np.sqrt(dt) * w
        root = (vectors * np.sqrt(1 + 4 * dt * values)) @ vectors.T
        record = 2 * mean * dt + root @ noise
        known = np.asarray(psi) * np.exp(record @ A - dt * np.sum(A**2, axis=0))
        known = known / np.sqrt(grid.cell * np.sum(np.abs(known) ** 2))
        found = law.step(0.0, psi, dt, StepNoise(jnp.asarray(noise)))
        return float(np.max(np.abs(found - known)))

    if name == "QMUPL":
        assert off(0.3) < 1e-12
    else:
        assert np.log2(off(4e-3) / off(2e-3)) == pytest.approx(2.5, abs=0.2)


@pytest.mark.parametrize("name", LAWS)
def test_no_rate_is_schrodingers_equation(name):
    grid, quantum = trap(8.0, 64)
    zero = {"QMUPL": QMUPL, "CSL": CSL, "DP": DiosiPenrose, "GRW": GRW}[name](quantum)
    assert list(jqd.constants.quantum_values(zero).values()) == [0.0]
    psi = packet(grid, 0.7)
    w = jax.tree.map(
        lambda shape: 0.3 * jnp.ones(shape), zero.chance().noise,
        is_leaf=lambda node: node is None or not isinstance(node, StepNoise),
    )  # fmt: skip
    after = zero.step(0.0, zero.prepare(psi), 0.2, w)
    psi = jqd.steppers.strang(
        quantum, 0.1, jqd.steppers.strang(quantum, 0.0, psi, 0.1), 0.1
    )
    # rounding
    np.testing.assert_allclose(zero.density(after), jnp.abs(psi) ** 2, atol=1e-13)


@pytest.mark.parametrize("draw", [True, False])
def test_a_packet_keeps_its_variance_on_every_path(draw):
    """Strang's steps of it, and its limit."""
    grid, quantum = trap(16.0, 128, 0.0)
    law = QMUPL(quantum, 0.5, draw=draw)

    def variance(rho):
        mean = grid.integrate(grid.x * rho)
        return grid.integrate((grid.x - mean) ** 2 * rho)

    found = []
    for steps in (10, 20, 40):
        run = evolved(
            law, packet(grid), 2.0, steps, variance, key=KEY, paths=8, keep_paths=True
        )
        assert np.all(run.ok)
        # the same on all paths, whatever they meet: rounding
        assert float(jnp.std(run.paths[:, -1])) < 1e-13
        found.append(float(run.values[-1]))
    # seven printed digits
    np.testing.assert_allclose(found, [0.6905520, 0.6878848, 0.6872255], atol=1e-7)
    exact = float(rivals.qmupl_packet(2.0, 0.5, 1.0)[0])
    coarse, fine = np.array(found[1:]) - exact
    assert np.log2(coarse / fine) == pytest.approx(2, abs=0.05)


# -- the mean --------------------------------------------------------------------------


@pytest.mark.parametrize("name", KERNELS)
def test_the_mean_is_lindblads_equation(name):
    """On a small grid with its channels as matrices, beside `Dephasing`."""
    grid, quantum = trap(4.0, 16, mass=1.3, hbar=0.7)
    law = Decoherence(quantum, KERNELS[name])
    H = on_grids.hamiltonian(grid, grid.x**2 / 2, mass=1.3, hbar=0.7)
    kernel = KERNELS[name]
    (size,) = kernel.noise(grid)
    A = jax.vmap(lambda w: kernel.field(grid, jnp.asarray(0.7), w))(jnp.eye(size))
    matrix = Dephasing(H, A, 1.0, 0.7)
    psi = packet(grid, 0.4, 0.8, 0.6)
    rho = law.prepare(psi)
    expected = matrix.vector_field(0.0, rho)
    # rounding of numbers up to 20; what the seam of a small box takes from a kernel
    most = {"QMUPL": 1e-12, "CSL": np.exp(-((8 / 2.4) ** 2)), "DP": 0.02}[name]
    np.testing.assert_allclose(law.vector_field(0.0, rho), expected, atol=most)
    # its step, which is symmetric, against its equation
    h = 1e-4
    rate = (law.step(0.0, rho, h) - law.step(0.0, rho, -h)) / (2 * h)
    # h² of a third derivative: frequencies of up to 20
    np.testing.assert_allclose(rate, law.vector_field(0.0, rho), atol=1e-3)
    np.testing.assert_allclose(law.density(rho), jnp.abs(psi) ** 2, atol=1e-14)
    np.testing.assert_allclose(law.prepare(rho), rho)


def test_moments_of_qmupl():
    """⟨p²⟩ grows by λ at every step, and Strang's error of ⟨x²⟩ is λT dt²/6."""
    grid, quantum = trap(16.0, 128, 0.0)
    law = QMUPL(quantum, 0.5).mean_field()

    def seen(t, rho):
        spectrum = jnp.real(
            jnp.diagonal(jnp.fft.fft(jnp.fft.ifft(rho, axis=1), axis=0))
        )
        p2 = jnp.sum(grid.k2 * spectrum) / jnp.sum(spectrum)
        return grid.integrate(grid.x**2 * law.density(rho)), p2

    run = jqd.evolve(
        law, law.prepare(packet(grid)), jnp.array([0.0, 2.0]), observe=seen,
        method=jqd.Fixed(substeps=20),
    )  # fmt: skip
    assert np.all(run.ok)
    x2, p2 = (float(each[-1]) for each in run.values)
    strangs = 0.5 * 2.0 * 0.1**2 / 6
    exact = float(rivals.qmupl_spread(2.0, 0.5, 1.0))
    # tails at the walls of the box
    assert x2 == pytest.approx(exact + strangs, abs=1e-9)
    assert p2 == pytest.approx(0.25 + 0.5 * 2.0, abs=1e-9)
    assert float(run.diagnostics["norm_drift"]) < 1e-12


def test_long_steps_of_the_mean_keep_a_density_operator():
    grid, quantum = trap(6.0, 32)
    law = Decoherence(quantum, KERNELS["CSL"])
    rho = law.step(0.0, law.prepare(packet(grid, 1.0)), 30.0)
    assert float(law.invariants(rho)["norm"]) == pytest.approx(1, abs=1e-12)
    assert np.linalg.eigvalsh(rho).min() > -1e-13
    with pytest.raises(ValueError, match="must not have negative coefficients"):
        jqd.evolve(
            law, rho, jnp.array([0.0, 1.0]), method=jqd.Fixed(jqd.steppers.srkn11, 2)
        )


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.slow
def test_means_over_paths_are_those_of_the_mean_law(name):
    grid, quantum = trap(8.0, 64)
    law, psi = LAWS[name](quantum), packet(grid, 1.0, 0.8, 0.5)
    mean = law.mean_field()
    other = grid.x < 0.5

    def of_rho(rho):
        density = jnp.real(jnp.diagonal(rho))
        k = grid.wavenumbers[0]
        p = jnp.real(jnp.diagonal(jnp.fft.fft(jnp.fft.ifft(rho, axis=1), axis=0)))
        far = rho[28, 36] * grid.cell
        return jnp.stack(
            [
                grid.integrate(grid.x * density),
                grid.integrate(grid.x**2 * density),
                grid.integrate(other * density),
                jnp.sum(k * p) / jnp.sum(p),
                jnp.sum(k**2 * p) / jnp.sum(p),
                jnp.real(far),
                jnp.imag(far),
            ]
        )

    def of_path(t, state):
        ket = state.psi if name == "GRW" else state
        return of_rho(ket[:, None] * jnp.conj(ket)[None, :])

    ts = jnp.array([0.0, 1.0])
    run = jqd.evolve(
        law, law.prepare(psi), ts, observe=of_path, key=KEY, paths=3000,
        method=jqd.Fixed(substeps=40, estimate_error=False),
    )  # fmt: skip
    exact = jqd.evolve(
        mean, mean.prepare(psi), ts, observe=lambda t, rho: of_rho(rho),
        method=jqd.Fixed(substeps=200),
    )  # fmt: skip
    assert np.all(run.ok)
    assert np.all(exact.ok)
    # four standard errors, of which 28 are looked at; of 40 steps 1e-4 and of what a
    # box leaves out of Newton's kernel 1e-3
    most = 4 * run.stderr[-1] + 5e-4
    assert np.all(np.abs(run.values[-1] - exact.values[-1]) < most)
    # without the rate they would be elsewhere
    free = jqd.evolve(
        quantum, quantum.prepare(psi), ts,
        observe=lambda t, psi: of_rho(psi[:, None] * jnp.conj(psi)[None, :]),
        method=jqd.Fixed(substeps=200),
    )  # fmt: skip
    assert np.any(np.abs(run.values[-1] - free.values[-1]) > 3 * most)


@pytest.mark.slow
def test_the_spread_of_paths_is_the_closed_one():
    """Of packets that all have one width."""
    grid, quantum = trap(16.0, 128, 0.0)
    run = evolved(
        QMUPL(quantum, 0.5), packet(grid), 2.0, 40,
        lambda rho: grid.integrate(grid.x**2 * rho), key=KEY, paths=4000,
    )  # fmt: skip
    exact = float(rivals.qmupl_spread(2.0, 0.5, 1.0))
    # four standard errors, and λT dt²/6 of Strang's steps
    assert abs(run.values[-1] - exact) < 4 * run.stderr[-1] + 5e-4
    assert run.stderr[-1] < 0.08


class WithoutTilt(jqd.laws.rivals.Localisation):
    """A record of the right mean and of white noise alone: right to first order."""

    def _followed(self, p, dt, w):
        grid, hbar = self.quantum.grid, self.quantum.hbar
        field = self.kernel.field(grid, hbar, w.increments)
        return field - 2 * dt * self.kernel.spread(grid, hbar, p)


@pytest.mark.slow
def test_borns_weights_stay_and_without_the_tilt_they_do_not():
    """Humps at ±1 are the qubit of A = ±1."""
    grid, quantum = still(2.0, 32)
    psi = grid.normalise(
        jnp.sqrt(jnp.where(grid.x == 1, 0.3, jnp.where(grid.x == -1, 0.7, 0.0))) + 0j
    )
    right = grid.x > 0

    def born(law, paths):
        run = evolved(
            law, psi, 0.5, 4, lambda rho: grid.integrate(right * rho), key=KEY,
            paths=paths,
        )  # fmt: skip
        return float(run.values[-1]), float(run.stderr[-1])

    for make in LAWS.values():
        mean, error = born(make(quantum), 4000)
        assert 0 < error < 0.01
        assert abs(mean - 0.3) < 4 * error
    wrong, error = born(WithoutTilt(quantum, QuadraticDecay(0.5), draw=False), 40000)
    # as was measured elsewhere with an error of 0.0005
    assert abs(wrong - 0.28898) < 4 * np.hypot(error, 0.0005)
    assert abs(wrong - 0.3) > 5 * error


# -- hits ------------------------------------------------------------------------------


@pytest.mark.slow
def test_hits_come_as_poissons_law_says_and_take_coherence():
    """At rest, in one step or in four: the same hits, exact at any step."""
    grid, quantum = still(2.0, 32)
    law, psi = GRW(quantum, 0.8, 1.2), humps(grid)
    t, here, there = 1.7, 24, 8

    def seen(t, state):
        coherence = jnp.real(state.psi[here] * jnp.conj(state.psi[there]))
        number = jnp.maximum(state.number, 0).astype(coherence.dtype)
        return coherence, number, number**2

    def run(steps):
        return jqd.evolve(
            law, law.prepare(psi), jnp.array([0.0, t]), observe=seen, key=KEY,
            paths=4000, keep_paths=True,
            method=jqd.Fixed(substeps=steps, estimate_error=False, lattice=8),
        )  # fmt: skip

    one, four = run(1), run(4)
    np.testing.assert_array_equal(one.paths[1], four.paths[1])
    # the phases of a heavy particle, 1e-12, and rounding
    np.testing.assert_allclose(one.paths[0], four.paths[0], atol=1e-9)
    rate = float(rivals.csl_rate(2.0, 0.8, 1.2))
    start = float(jnp.real(psi[here] * jnp.conj(psi[there])))
    exact = (start * np.exp(-rate * t), 0.8 * t, 0.8 * t + (0.8 * t) ** 2)
    for found, error, known in zip(one.values, one.stderr, exact, strict=True):
        assert abs(found[-1] - known) < 4 * error[-1]


def test_a_hit_is_a_gaussian_about_a_place_drawn_from_the_norm():
    """The density of z is |ψ|² smeared: of one hump a normal law of known width."""
    grid, quantum = still(6.0, 96)
    law, psi = GRW(quantum, 1.0, 0.5), packet(grid, 0.8, 0.6)
    keys = jax.random.split(KEY, 4000)
    after = jax.jit(jax.vmap(lambda key: law._gathered(law.prepare(psi).psi, key)))(
        keys
    )
    rho = jnp.abs(after) ** 2
    mean = grid.integrate(grid.x[None] * rho)
    narrow = grid.integrate((grid.x[None] - mean[:, None]) ** 2 * rho)
    # 1/s² = 1/0.36 + 2/0.25, on all paths; (z s0² + x0 r²/2)/(s0² + r²/2) is the mean
    np.testing.assert_allclose(narrow, 1 / (1 / 0.36 + 8), rtol=1e-10)
    spread = 0.36**2 / (0.36 + 0.125)
    assert abs(jnp.mean(mean) - 0.8) < 4 * np.sqrt(spread / 4000)
    assert jnp.var(mean) == pytest.approx(spread, rel=4 * np.sqrt(2 / 4000))


# -- programs --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CSL", "GRW"])
def test_a_path_has_the_same_bits_in_every_batch(name):
    """Paths do not depend on who else is in the batch."""
    grid, quantum = trap(6.0, 32)
    law, psi = LAWS[name](quantum), packet(grid, 0.5)

    def paths(number):
        return evolved(
            law, psi, 1.0, 4, lambda rho: rho, key=KEY, paths=number, keep_paths=True
        ).paths

    all_of_them = paths(64)
    for number in (7, 1):
        np.testing.assert_array_equal(paths(number), all_of_them[:number])
    # some paths are not hit by then
    assert len(np.unique(all_of_them[:, -1, 16])) > 30


@pytest.mark.slow
def test_steps_are_judged_by_halved_ones():
    grid, quantum = trap(6.0, 32)
    for make in (LAWS["CSL"], LAWS["GRW"]):
        law = make(quantum)
        run = jqd.evolve(
            law, law.prepare(packet(grid, 0.5)), jnp.array([0.0, 1.0]),
            observe=lambda t, state, law=law: grid.integrate(
                grid.x * law.density(state)
            ),
            key=KEY, paths=64, method=jqd.Fixed(substeps=16),
        )  # fmt: skip
        assert np.all(run.ok)
        assert 0 < float(run.error[-1]) < 0.05


@pytest.mark.slow
def test_paths_have_derivatives_and_draws_refuse_them():
    grid, quantum = trap(6.0, 32)
    psi = packet(grid, 0.5)
    w = 0.3 * jax.random.normal(KEY, (64,))

    def end(lam, r_C=1.2, draw=False):
        law = CSL(quantum, lam, r_C, draw=draw)
        noise = StepNoise(w, jnp.asarray(0.4) if draw else None)
        psi_1 = law.step(0.0, psi, 0.1, noise)
        return grid.integrate(grid.x * law.density(law.step(0.1, psi_1, 0.1, noise)))

    h = 1e-5
    for i, at in enumerate((0.8, 1.2)):
        slope = jax.jit(jax.grad(end, i))(0.8, 1.2)
        ends = [
            end(*(at + s if j == i else known for j, known in enumerate((0.8, 1.2))))
            for s in (h, -h)
        ]
        # central differences: h² times a third derivative, and rounding/h
        assert slope == pytest.approx(float(ends[0] - ends[1]) / (2 * h), rel=1e-6)
    assert np.isfinite(jax.grad(end)(0.0))
    with pytest.raises(ValueError, match=r"must not draw .* draw=False"):
        jax.grad(lambda lam: end(lam, draw=True))(0.8)
    hit = GRW(quantum, 0.8, 1.2)
    with pytest.raises(ValueError, match="must not draw"):
        jax.jvp(lambda psi: hit._gathered(psi, KEY), (psi,), (jnp.ones_like(psi),))


@pytest.mark.slow
def test_the_rate_of_the_mean_has_slopes():
    grid, quantum = trap(5.0, 24)
    psi = packet(grid, 0.5)

    def end(G_m2, R0):
        law = Decoherence(quantum, NewtonianDecay(G_m2, R0))
        rho = law.prepare(psi)
        for _ in range(2):
            rho = law.step(0.0, rho, 0.3)
        return grid.integrate(grid.x**2 * law.density(rho))

    h = 1e-5
    slopes = jax.grad(end, (0, 1))(0.9, 0.8)
    differences = (
        (end(0.9 + h, 0.8) - end(0.9 - h, 0.8)) / (2 * h),
        (end(0.9, 0.8 + h) - end(0.9, 0.8 - h)) / (2 * h),
    )
    np.testing.assert_allclose(slopes, differences, rtol=1e-6)


def test_beside_another_hamiltonian():
    grid, quantum = trap(6.0, 32)
    other = jqd.Schrodinger.on_grid(grid, lambda x: 0 * x, hbar=0.5)
    for name, make in LAWS.items():
        law = make(quantum)
        assert law.yardstick() is quantum
        assert float(law.on(other).quantum.hbar) == 0.5
        mean = law.on(other).mean_field()
        assert float(mean.quantum.hbar) == 0.5
        assert set(jqd.constants.names(mean)) == set(jqd.constants.names(law.on(other)))
        free = {"QMUPL": {"lam"}, "DP": {"G_m2", "R0"}}.get(name, {"lam", "r_C"})
        assert free <= set(jqd.constants.names(law))


QUANTUM = trap(4.0, 16)[1]
WALLS = jqd.Schrodinger.on_grid(
    Grid((-4.0, 4.0), 16), lambda x: 0 * x, absorber=np.ones(16)
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: QMUPL(QUANTUM, -0.1), "`lam` must not be negative"),
        (lambda: CSL(QUANTUM, 0.1, 0.0), "`r_C` must be positive"),
        (lambda: CSL(QUANTUM, [0.1, 0.2], 1.0), "`lam` must"),
        (lambda: CSL(QUANTUM, 0.1, draw="no"), "`draw` must be True or False"),
        (lambda: DiosiPenrose(QUANTUM, 0.1, -1.0), "`R0` must be positive"),
        (lambda: DiosiPenrose(QUANTUM, "x", 1.0), "`G_m2` must"),
        (lambda: GRW(QUANTUM, np.nan), "`lam` must be finite"),
        (lambda: QMUPL(np.eye(3), 0.1), "`quantum` must be a `Schrodinger` on a grid"),
        (lambda: GRW(WALLS, 0.1), "must not have an absorber"),
        (lambda: Decoherence(QUANTUM, 0.3), "`kernel` must be one of"),
        (lambda: QMUPL(QUANTUM, 0.1).prepare(np.ones(16)), "`psi` must be normalised"),
        (lambda: CSL(QUANTUM, 0.1).step(0.0, np.ones(16), 0.1), "`w` must be"),
        (
            lambda: GRW(QUANTUM, 0.1).step(0.0, None, 0.1),  # pyright: ignore
            "`w` must be the noise",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
