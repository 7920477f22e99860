"""Nonlinear rivals against closed forms, other programs and their own invariants."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from scipy.integrate import solve_ivp
from scipy.special import ellipj

import jqd
from jqd import Schrodinger
from jqd.exact import rivals
from jqd.laws import (
    Beretta,
    DoebnerGoldin,
    DoebnerGoldinLine,
    Gisin,
    GrossPitaevskii,
    Logarithmic,
    SchrodingerNewton,
    Weinberg,
)
from jqd.spaces import Grid
from jqd.steppers import srkn11, strang

H3 = np.array([[0.0, 0.7, 0.2j], [0.7, 0.4, 0.6], [-0.2j, 0.6, -0.3]])
PSI3 = np.array([0.6, 0.48 + 0.36j, 0.4 - 0.346410161513775j])


def free(length, n):
    grid = Grid((-length / 2, length / 2), n)
    return grid, Schrodinger.on_grid(grid, lambda x: 0 * x)


def trap(length, n):
    grid = Grid((-length / 2, length / 2), n)
    return grid, Schrodinger.on_grid(grid, lambda x: x**2 / 2)


def last(law, psi, time, steps, stepper=srkn11):
    run = jqd.evolve(
        law, law.prepare(psi), np.array([0.0, time]),
        method=jqd.Fixed(stepper, substeps=steps),
    )  # fmt: skip
    assert run.ok
    return run.values[-1]


def variance(grid, rho):
    mean = grid.integrate(grid.x * rho)
    return float(grid.integrate((grid.x - mean) ** 2 * rho))


# -- closed forms ----------------------------------------------------------------------


def test_a_gausson_moves_as_it_is():
    grid, quantum = free(24, 256)
    law = Logarithmic(quantum, 0.5)

    def exact(t):
        return rivals.gausson(grid.x, t, 0.5, velocity=1.0, center=-3.0)

    def error(steps, stepper):
        apart = last(law, exact(0.0), 4.0, steps, stepper) - exact(4.0)
        return float(jnp.sqrt(grid.norm2(apart)))

    found = [error(n, strang) for n in (100, 200, 400)]
    np.testing.assert_allclose(found, [1.481e-4, 3.703e-5, 9.256e-6], rtol=0.02)
    assert error(100, srkn11) < 1e-12
    energy = law.invariants(law.prepare(rivals.gausson(grid.x, 0.0, 0.5)))["energy"]
    # what it turns with, b + b/2 ln(π/2b), and b ∫ρ
    turns = 0.5 + 0.25 * np.log(np.pi / (2 * 0.5))
    assert energy == pytest.approx(turns + 0.5, abs=1e-10)


def test_a_free_gaussian_breathes_in_the_logarithmic_law():
    grid, quantum = free(40, 512)
    psi = grid.normalise(jnp.exp(-(grid.x**2) / 4))
    rho = jnp.abs(last(Logarithmic(quantum, 0.5), psi, 3.0, 150)) ** 2
    # its tail ends at the smallest number: the error of the box
    assert variance(grid, rho) ** 0.5 == pytest.approx(0.6307358302, abs=1e-9)


@pytest.mark.slow
def test_two_humps_of_the_logarithmic_law_need_short_steps():
    """Past the threshold of the step where the density nearly vanishes."""
    grid, quantum = trap(24, 256)
    law, x = Logarithmic(quantum, 0.5), grid.x
    two = jnp.exp(-((x - 2) ** 2) + 0.5j * x) + 0.7 * jnp.exp(-((x + 2) ** 2))
    one = jnp.exp(-((x - 1) ** 2) + 0.5j * x)
    for psi, steps, most in ((two, 320, 1e-9), (one, 80, 1e-11)):
        psi = grid.normalise(psi)
        apart = last(law, psi, 2.0, steps) - last(law, psi, 2.0, 4000)
        assert float(jnp.sqrt(grid.norm2(apart))) < most


def test_the_gaussian_at_rest_in_a_trap():
    grid, quantum = trap(20, 256)
    # ω² s² + b s - 1/4 = 0 at b = 0.1, ω = 1
    s = (np.sqrt(0.1**2 + 1) - 0.1) / 2
    assert s == pytest.approx(0.4524937811, abs=1e-9)
    psi = grid.normalise(jnp.exp(-(grid.x**2) / (4 * s)))
    law = Logarithmic(quantum, 0.1)
    # what it turns with, and b ∫ρ
    assert law.invariants(law.prepare(psi))["energy"] == pytest.approx(
        0.6047385714 + 0.1, abs=1e-9
    )
    rho = jnp.abs(last(law, psi, 2.0, 80)) ** 2
    np.testing.assert_allclose(rho, jnp.abs(psi) ** 2, atol=1e-10)


def test_a_bright_soliton():
    grid, quantum = free(40, 256)
    law = GrossPitaevskii(quantum, -2.0)
    psi = rivals.bright_soliton(grid.x, 0.0, -2.0, velocity=0.7)
    apart = last(law, psi, 3.0, 43) - rivals.bright_soliton(
        grid.x, 3.0, -2.0, velocity=0.7
    )
    # sech(20) of the box
    assert float(jnp.sqrt(grid.norm2(apart))) < 2e-8


def test_a_splitting_keeps_its_order_in_a_trapped_condensate():
    grid, quantum = trap(20, 256)
    law = GrossPitaevskii(quantum, 3.0)
    psi = grid.normalise(jnp.exp(-((grid.x - 1) ** 2)))
    fine = last(law, psi, 2.0, 1280)
    errors = [
        float(jnp.sqrt(grid.norm2(last(law, psi, 2.0, n) - fine))) for n in (80, 160)
    ]
    # without the condition of Nyström it would be 4; longer steps are not yet of an
    # order, shorter ones are near rounding
    assert np.log2(errors[0] / errors[1]) == pytest.approx(6.3, abs=0.4)


@pytest.mark.parametrize("U", [3.0, 5.0])
def test_a_dimer_swings_or_traps_itself(U):
    law = GrossPitaevskii(np.array([[0.0, -1.0], [-1.0, 0.0]]), U)
    run = jqd.evolve(
        law, law.prepare(np.array([1.0, 0.0])), np.array([0.0, 2.0]),
        observe="density", method=jqd.Adaptive(rtol=1e-12, atol=1e-13),
    )  # fmt: skip
    p = np.asarray(run.values)[-1]
    exact = ellipj(4.0, (U / 4) ** 2)[1] if U < 4 else ellipj(U, (4 / U) ** 2)[2]
    assert p[0] - p[1] == pytest.approx(exact, abs=1e-9)
    assert exact == pytest.approx({3.0: -0.9842890167, 5.0: 0.7709669482}[U], abs=1e-9)


@pytest.mark.parametrize("a", [0.1, 0.5, 0.9])
def test_weinbergs_frequency_depends_on_the_state(a):
    law = Weinberg(np.array([0.0, 1.0]), 0.3)
    psi = np.sqrt([1 - a, a]) * np.exp([0, 0.4j])
    slopes = 1j * law.vector_field(0.0, law.prepare(psi)) / psi
    assert float(jnp.real(slopes[1] - slopes[0])) == pytest.approx(1 + 0.6 * a)


def test_weinbergs_atom_is_driven():
    H = np.array([[0.0, 0.25], [0.25, 1.0]])

    def p2(eps):
        law = Weinberg(H, eps)
        return abs(last(law, np.array([1.0, 0.0]), 10.0, 2000, None)[1]) ** 2

    # Rabi's formula
    exact = 0.2 * np.sin(5 * np.sqrt(1.25)) ** 2
    assert p2(0.0) == pytest.approx(exact, abs=1e-9)
    assert p2(0.3) == pytest.approx(0.0180579128, abs=1e-9)


def test_a_pulse_drives_weinbergs_atom():
    """SciPy integrates the same two equations."""
    X, Z, psi0 = np.array([[0, 1], [1, 0]]), np.diag([0, 0.4]), np.array([0.8, 0.6j])
    drive = jqd.pulse(lambda t, height: height * jnp.sin(t), height=1.3)
    law, ts = Weinberg(jqd.driven(Z, (X, drive)), 0.3), np.linspace(0, 3, 4)
    run = jqd.evolve(law, psi0, ts, method=jqd.Adaptive(rtol=1e-10, atol=1e-12))

    def slope(t, psi):
        a = abs(psi[1]) ** 2 / np.sum(np.abs(psi) ** 2)
        own = 0.3 * (2 * a * np.array([0, 1]) - a**2)
        return -1j * ((Z + 1.3 * np.sin(t) * X) @ psi + own * psi)

    known = solve_ivp(
        slope, (0, 3), psi0.astype(complex), t_eval=ts, rtol=1e-11, atol=1e-13
    )
    # both to ten digits
    np.testing.assert_allclose(run.values, known.y.T, atol=2e-9)


def test_partners_of_weinbergs_atom():
    """Of a product state both laws are that of the system alone."""
    own, other = np.diag([0.2, -0.1, 0.5]) + 0.3 * np.eye(3, k=1), np.diag([0.3, -0.2])
    own = (own + own.T) / 2
    pair = np.kron(own, np.eye(2)) + np.kron(np.eye(3), other)
    chi = np.sqrt([0.3, 0.7]) * np.exp([0, 0.5j])
    alone = Weinberg(own, 0.4, A=[0.0, 0.5, 1.0])
    expected = np.abs(last(alone, PSI3, 2.0, 400, None)) ** 2
    for partner in ("bare", "reduced"):
        law = Weinberg(pair, 0.4, A=[0.0, 0.5, 1.0], levels=2, partner=partner)
        end = np.abs(last(law, np.kron(PSI3, chi), 2.0, 400, None)) ** 2
        np.testing.assert_allclose(end.reshape(3, 2).sum(1), expected, atol=1e-9)


def test_doebner_and_goldins_line_is_quantum_mechanics():
    grid = Grid((0, 2 * np.pi), 64)
    quantum = Schrodinger.on_grid(grid, lambda x: 0.4 * jnp.cos(x))
    x = grid.x
    psi = grid.normalise(1 + 0.4 * jnp.exp(1j * x) + 0.2 * jnp.exp(-2j * x))
    exact = jnp.abs(last(quantum, psi, 0.5, 100)) ** 2
    for D, apart in ((0.1, 0.0155927), (0.2, 0.0288294)):
        line = DoebnerGoldinLine(quantum, D)
        phi = line.prepare(psi)
        np.testing.assert_allclose(line.amplitude(phi), psi, atol=1e-14)
        # the equation itself, of ψ, against Schrödinger's law of φ
        ours = line.general().vector_field(0.0, psi)
        moved = jax.jvp(line.amplitude, (phi,), (line.vector_field(0.0, phi),))[1]
        np.testing.assert_allclose(ours, moved, atol=2e-9)
        # from the same φ the densities are those of quantum mechanics
        rho = jnp.abs(last(line.general(), line.amplitude(psi), 0.5, 2000, None)) ** 2
        assert float(jnp.max(jnp.abs(rho - exact))) < 1e-10
        rho = jnp.abs(last(DoebnerGoldin(quantum, D), psi, 0.5, 2000, None)) ** 2
        away = 0.5 * float(grid.integrate(jnp.abs(rho - exact)))
        assert away == pytest.approx(apart, abs=1e-6)


def test_the_doebner_goldin_law_ends_at_nodes():
    grid = Grid((0, 2 * np.pi), 64)
    quantum = Schrodinger.on_grid(grid, lambda x: 0 * x)
    psi = grid.normalise(jnp.cos(grid.x) + 0.01j)
    law = DoebnerGoldin(quantum, 0.1)
    run = jqd.evolve(law, law.prepare(psi), np.array([0.0, 0.1]), observe="density",
                     method=jqd.Fixed(substeps=20))  # fmt: skip
    assert not run.ok
    assert "reached zero" in run.describe()


def test_gisins_shares():
    law = Gisin(np.array([0.0, 1.0]), 0.1)
    psi = np.sqrt([0.3, 0.7]).astype(complex)
    for steps in (1, 7):  # exact at any step
        p = np.abs(last(law, psi, 3.0, steps, None)) ** 2
        assert p[1] == pytest.approx(0.5615113009, abs=1e-9)
    exact = rivals.gisin_populations([0.3, 0.7], [0.0, 1.0], 0.1, 3.0)
    np.testing.assert_allclose(p, exact, atol=1e-12)
    # of a matrix: its own equation
    law, psi = Gisin(H3, 0.2), PSI3 / np.linalg.norm(PSI3)
    by_step = last(law, psi, 1.0, 3, None)
    by_field = last(law, psi, 1.0, 400, jqd.steppers.rk4)
    np.testing.assert_allclose(by_step, by_field, atol=1e-9)


@pytest.mark.parametrize(
    "H", [np.array([0.5, 1.5]), np.diag([0.5, 1.5]), H3 + 40 * np.eye(3)]
)
def test_gisins_phase_is_that_of_the_equation(H):
    """exp(-(i + λ) H t) ψ, normalised, by SciPy, of every kind of matrix."""
    psi = PSI3 / np.linalg.norm(PSI3) if len(H) == 3 else np.array([0.6, 0.8])
    dense = np.diag(H) if H.ndim == 1 else H
    for lam in (0.0, 0.3):
        expected = scipy.linalg.expm(-(1j + lam) * dense) @ psi
        expected /= np.linalg.norm(expected)
        end = last(Gisin(H, lam), psi.astype(complex), 1.0, 3, None)
        # phases of up to 41 in three steps
        np.testing.assert_allclose(end, expected, atol=1e-13)
    if len(H) == 2:
        end = last(Gisin(H, 0.0), psi.astype(complex), 1.0, 3, None)
        np.testing.assert_allclose(end, [0.5265 - 0.2877j, 0.0566 - 0.798j], atol=1e-4)


def test_gisins_step_does_not_overflow():
    """Energies far from zero, and steps as long as their scatter."""
    # exp(λ 3000) would be infinite
    for H in (H3 - 3e3 * np.eye(3), np.array([-3e3, -2999.0])):
        psi = PSI3 / np.linalg.norm(PSI3) if len(H) == 3 else np.array([0.6, 0.8])
        law = Gisin(H, 1.0)
        assert np.all(np.isfinite(law.step(0.0, law.prepare(psi), 1.0)))


def test_berettas_entropy_rises_at_one_energy():
    law = Beretta(np.array([0.0, 1.0, 3.0]), 1.0)
    rho = law.prepare(np.diag([0.2, 0.5, 0.3]).astype(complex))
    end = last(law, np.diag([0.2, 0.5, 0.3]).astype(complex), 1.0, 200, None)
    np.testing.assert_allclose(
        np.diag(end).real, [0.27313035, 0.39030447, 0.33656518], atol=1e-7
    )
    assert float(law.entropy(rho)) == pytest.approx(1.0296530, abs=1e-7)
    assert float(law.entropy(end)) == pytest.approx(1.0881868, abs=1e-7)
    energies = [float(law.invariants(state)["energy"]) for state in (rho, end)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-10)


def test_berettas_law_of_pure_states_is_quantum_mechanics():
    psi = PSI3 / np.linalg.norm(PSI3)
    # a share p of another state grows as p^exp(-κt): rounding becomes 1e-8 here
    pure = last(Beretta(H3, 0.7), psi, 1.0, 200, None)
    exact = last(Schrodinger(H3), psi, 1.0, 200, None)
    np.testing.assert_allclose(pure, np.outer(exact, exact.conj()), atol=1e-7)


def test_the_slope_of_rho_ln_rho_in_any_basis():
    rng = np.random.default_rng(3)
    U = np.linalg.qr(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)))[0]
    for p in ([0.2, 0.3, 0.5], [0.3, 0.3, 0.4]):
        rho = jnp.asarray(U @ np.diag(p) @ U.conj().T)
        change = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
        change = jnp.asarray(change + change.conj().T)

        def field(h, rho=rho, change=change):
            return Beretta(H3, 1.0).vector_field(0.0, rho + h * change)

        h = 1e-5
        difference = (field(h) - field(-h)) / (2 * h)
        slope = jax.jvp(field, (0.0,), (1.0,))[1]
        np.testing.assert_allclose(slope, difference, atol=1e-8)


# -- the field of one's own density ----------------------------------------------------


def test_the_field_is_that_of_open_space():
    grid = Grid(((-3, 3), (-2.5, 2.5)), (12, 10))
    quantum = Schrodinger.on_grid(grid, lambda x, y: 0 * x * y)
    law = SchrodingerNewton(quantum, 0.7, soft=0.4)
    rng = np.random.default_rng(0)
    rho = rng.random(grid.shape)
    x, y = (np.broadcast_to(c, grid.shape).ravel() for c in grid.coordinates)
    r2 = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    sums = -0.7 * grid.cell * (1 / np.sqrt(r2 + 0.16)) @ rho.ravel()
    np.testing.assert_allclose(
        law.self_potential(jnp.asarray(rho)), sums.reshape(grid.shape), rtol=1e-12
    )


def test_a_charge_that_feels_itself():
    _, quantum = free(20, 64)
    law = jqd.laws.kaplan_rajendran(quantum, 0.2, charge=1.5, soft=0.5)
    assert float(law.G) == pytest.approx(-0.45)
    with pytest.raises(ValueError, match="`quantum` must be a `Schrodinger` on a grid"):
        SchrodingerNewton(H3, 0.1)
    with pytest.raises(ValueError, match="`soft` must be"):
        SchrodingerNewton(quantum, 0.1, soft=0.0)


# -- all of them -----------------------------------------------------------------------


def zoo():
    _, line = free(20, 64)
    return [
        Logarithmic(H3, 0.2), GrossPitaevskii(H3, 0.3), Weinberg(H3, 0.3),
        Gisin(H3, 0.1), Beretta(H3, 0.2),
        SchrodingerNewton(line, 0.4), Logarithmic(line, 0.2),
        GrossPitaevskii(line, 0.5),
    ]  # fmt: skip


def start(law):
    grid = law.quantum.grid
    if grid is None:
        return PSI3 / np.linalg.norm(PSI3)
    x = grid.x
    return grid.normalise(jnp.exp(-((x - 0.5) ** 2) / 4 + 0.4j * x) + 0.1)


@pytest.mark.parametrize("law", zoo(), ids=lambda law: type(law).__name__)
def test_what_is_conserved_and_what_is_quantum(law):
    psi = start(law)
    run = jqd.evolve(law, law.prepare(psi), np.linspace(0, 1, 3), observe="density",
                     method=jqd.Fixed(substeps=200))  # fmt: skip
    assert run.ok
    # Strang's error of the energy, dt²
    assert float(run.diagnostics["norm_drift"]) < 1e-10
    assert float(run.diagnostics.get("energy_drift", 0.0)) < 1e-4
    ((name, value),) = jqd.constants.quantum_values(law).items()
    at = jqd.constants.unpack(law, name, jnp.full(1, value))
    ours, exact = (
        jqd.evolve(one, one.prepare(psi), np.array([0.0, 1.0]), observe="density",
                   method=jqd.Fixed(substeps=400)).values
        for one in (at, law.quantum)
    )  # fmt: skip
    np.testing.assert_allclose(ours, exact, atol=1e-9)


def test_an_independent_program_of_the_logarithmic_law():
    psi = PSI3 / np.linalg.norm(PSI3)

    def field(t, y):
        return -1j * (H3 @ y - 0.2 * np.log(np.abs(y) ** 2) * y)

    known = solve_ivp(field, (0, 2), psi, rtol=1e-11, atol=1e-13).y[:, -1]
    ours = last(Logarithmic(H3, 0.2), psi, 2.0, 2000, None)
    np.testing.assert_allclose(np.abs(ours) ** 2, np.abs(known) ** 2, atol=1e-9)


def test_slopes_by_the_constants():
    psi, h = PSI3 / np.linalg.norm(PSI3), 1e-5
    makers = [
        lambda c: Logarithmic(H3, c), lambda c: GrossPitaevskii(H3, c),
        lambda c: Weinberg(H3, c), lambda c: Gisin(H3, c),
    ]  # fmt: skip
    for make in makers:

        def end(c, make=make):
            law = make(c)
            state = law.prepare(psi)

            def body(now, _):
                return law.step(0.0, now, 0.05), None

            return law.density(jax.lax.scan(body, state, length=20)[0])

        slope = jax.jacfwd(end)(0.2)
        difference = (end(0.2 + h) - end(0.2 - h)) / (2 * h)
        np.testing.assert_allclose(slope, difference, atol=1e-8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Logarithmic(H3, "x"), "`b` must"),
        (lambda: Logarithmic(np.ones((2, 3)), 0.1), "`quantum` must"),
        (lambda: Weinberg(H3, 0.1, levels=2), "`levels` must divide the 3 levels"),
        (lambda: Weinberg(H3, 0.1, partner="x"), "`partner` must"),
        (lambda: Weinberg(H3, 0.1, A=[1.0, 0.0]), "`A` must"),
        (lambda: Weinberg(free(8, 16)[1], 0.1), "`quantum` must be a matrix"),
        (lambda: Gisin(free(8, 16)[1], 0.1), "`quantum` must be a matrix"),
        (lambda: Beretta(H3, -0.1), "`kappa` must"),
        (lambda: DoebnerGoldin(H3, 0.1), "`quantum` must be a `Schrodinger` on a grid"),
        (lambda: DoebnerGoldin(free(8, 16)[1], 0.1, [0.1, 0.2]), "`c` must"),
        (lambda: rivals.gausson(0.0, 0.0, -1.0), "`b` must be positive"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_slopes_of_berettas_law_where_a_share_is_zero():
    """Rounding in the place of what has no share does not grow in a derivative."""
    H = np.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
    kets = np.array([[1, 0.5j, 0.2], [0.3, -0.4, 0.8j]])
    kets = kets / np.linalg.norm(kets, axis=1, keepdims=True)
    rho = np.einsum("k,ka,kb->ab", [0.6, 0.4], kets, np.conj(kets))

    def ends(kappa):
        law = jqd.laws.Beretta(H, kappa)

        def move(i, state):
            return law.step(0.02 * i, state, 0.02)

        return law.density(jax.lax.fori_loop(0, 100, move, law.prepare(rho)))

    slope = jax.jacfwd(ends)(jnp.asarray(0.2))
    h = 1e-4
    apart = (ends(0.2 + h) - ends(0.2 - h)) / (2 * h)
    # differences are off by h², some 1e-8
    np.testing.assert_allclose(slope, apart, rtol=0, atol=1e-6)


@pytest.mark.parametrize("partner", ["bare", "reduced"])
def test_weinbergs_pair_moves_by_the_gradient_of_its_energy(partner):
    """iħ dψ/dt = ∂h/∂ψ* of an entangled state, by differences of h in NumPy."""
    rng = np.random.default_rng(2)
    H, A, eps = np.kron(np.diag([0.2, -0.3]), np.eye(3)), np.array([0.3, 1.0]), 0.7
    psi = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))

    def h(psi):
        rho = np.abs(psi) ** 2
        n, part = rho.sum(0), A @ rho
        if partner == "reduced":
            n, part = n.sum(), part.sum()
        return np.vdot(psi, H @ psi.ravel()).real + eps * np.sum(part**2 / n)

    law = Weinberg(H, eps, A=A, levels=3, partner=partner)
    found = 1j * np.asarray(law.vector_field(0.0, jnp.asarray(psi.ravel())))
    small, slope = 1e-5, np.zeros((2, 3), complex)
    for index in np.ndindex(2, 3):
        for way in (1, 1j):
            step = np.zeros((2, 3), complex)
            step[index] = small * way
            slope[index] += way * (h(psi + step) - h(psi - step)) / (4 * small)
    # differences of second order: 1e-10, and rounding 1e-16/1e-5
    np.testing.assert_allclose(found, slope.ravel(), atol=1e-8)


def test_the_doebner_goldin_line_turns_velocities_round():
    """The state of ψ* is φ* exp(-4iD ln|φ|), and not φ*."""
    grid, quantum = free(2 * np.pi, 16)
    line = DoebnerGoldinLine(quantum, 0.3)
    phi = np.asarray(grid.normalise(1 + 0.4 * jnp.exp(1j * grid.x)))
    turned = line.watch().reversed(jnp.asarray(phi))
    expected = np.conj(phi) * np.exp(-1.2j * np.log(np.abs(phi)))
    np.testing.assert_allclose(turned, expected, atol=1e-14)  # rounding
    again = np.conj(line.amplitude(turned))
    np.testing.assert_allclose(again, line.amplitude(jnp.asarray(phi)), atol=1e-14)
