"""Ground and excited states by imaginary time, against dense diagonalisation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Grid, Schrodinger, Status
from jqd.evolution.imaginary_time import ground_state
from jqd.exact import coherent_state
from jqd.exact.eigenstates import eigenstates
from jqd.spaces import absorbing_layer
from jqd.steppers import chin4a, srkn11, strang

GRID = Grid((-8.0, 8.0), 64)


def quartic(x):
    return x**4 / 4


def double_well(x):
    return (x**2 - 4) ** 2 / 16


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("stepper", "bias"),
    # of the step 0.05 in the ground state of x⁴/4: twice the order of the splitting
    [(strang, 2.95e-7), (chin4a, 6e-13)],
    ids=lambda x: getattr(x, "name", ""),
)
def test_bias_of_the_step(stepper, bias):
    law = Schrodinger.on_grid(GRID, quartic(GRID.x))
    found = ground_state(law, dtau=0.05, stepper=stepper)
    level = eigenstates(GRID, quartic(GRID.x), 1)[0][0]
    off = float(found.energy - level)
    assert found.ok
    # two digits; Chin's bias is near rounding of energies of 1000 at the walls
    np.testing.assert_allclose(off, bias, rtol=0.02, atol=2e-12)
    assert abs(off) < found.error + 1e-13 < 2 * bias + 4e-12  # the estimate is fair
    # a level lies within the residual, which is of first order in the bias
    assert abs(off) < found.residual
    np.testing.assert_allclose(GRID.norm2(found.state), 1, rtol=1e-12)


def test_two_masses_have_two_frequencies():
    """V = x²/2 + y² + .3xy: half the sum of the roots of M⁻¹K."""
    plane = Grid([(-6.0, 6.0), (-4.5, 4.5)], (32, 32))
    masses, K = [1.0, 2.5], np.array([[1.0, 0.3], [0.3, 2.0]])
    law = Schrodinger.on_grid(
        plane, lambda x, y: x**2 / 2 + y**2 + 0.3 * x * y, mass=masses
    )
    found = ground_state(law, dtau=0.02)
    expected = np.sum(np.sqrt(np.linalg.eigvals(np.diag(1 / np.array(masses)) @ K))) / 2
    assert found.ok
    # Chin's bias is 1e-12; rounding of energies of 100 at the walls
    np.testing.assert_allclose(found.energy, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mass": [1.0, jnp.inf]}, "have finite masses"),
        ({"vector_potential": lambda x, y: (0 * x, x)}, "be free of vector potentials"),
        ({"couplings": {1: lambda x, y: x}}, "be free of vector potentials"),
    ],
)
def test_what_has_no_decaying_flows_is_refused(options, message):
    plane = Grid([(-6.0, 6.0), (-6.0, 6.0)], (16, 16))
    law = Schrodinger.on_grid(plane, lambda x, y: x**2 / 2, **options)
    with pytest.raises(ValueError, match=f"Argument `law` must {message}"):
        ground_state(law, dtau=0.1)


def test_levels_of_the_double_well():
    """The first two, which lie close together: what is left to lose is seen."""
    levels, states = eigenstates(GRID, double_well(GRID.x), 3)
    law = Schrodinger.on_grid(GRID, double_well(GRID.x))
    kept = jnp.zeros((0, 64))
    for n, known in enumerate([0.572412387, 0.688019377]):
        found = ground_state(law, dtau=0.1, below=kept)
        assert found.ok
        # Chin's bias at 0.1; the last digit that is known
        np.testing.assert_allclose(found.energy, levels[n], rtol=0, atol=1e-11)
        np.testing.assert_allclose(found.energy, known, rtol=0, atol=1e-9)
        assert abs(found.energy - levels[n]) < 2 * found.error
        overlap = GRID.inner(states[n], found.state)
        np.testing.assert_allclose(jnp.abs(overlap), 1, rtol=1e-10)
        kept = jnp.concatenate([kept, found.state[None]])


def test_a_state_below_may_have_any_phase():
    """What is taken away is |φ><φ|, which knows no phase of φ; units not 1."""
    mass, hbar, omega = 1.3, 0.8, 0.9
    V = mass * omega**2 * GRID.x**2 / 2
    law = Schrodinger.on_grid(GRID, V, mass=mass, hbar=hbar)
    below = coherent_state(GRID.x, 0.0, mass=mass, hbar=hbar, omega=omega)
    found = ground_state(law, dtau=0.1, below=below[None] * np.exp(0.7j))
    assert found.ok
    # what is left of the state below: the square of 1e-8
    np.testing.assert_allclose(found.energy, 1.5 * hbar * omega, rtol=0, atol=1e-9)


def test_units():
    mass, hbar, omega = 1.3, 0.8, 0.9
    V = mass * omega**2 * GRID.x**2 / 2
    law = Schrodinger.on_grid(GRID, V, mass=mass, hbar=hbar)
    found = ground_state(law, dtau=0.1)
    np.testing.assert_allclose(found.energy, hbar * omega / 2, rtol=0, atol=1e-11)
    exact = coherent_state(GRID.x, 0.0, mass=mass, hbar=hbar, omega=omega)
    # the residual over the gap: 1e-6
    np.testing.assert_allclose(jnp.abs(found.state), jnp.abs(exact), atol=2e-6)


def test_a_plane_in_single_precision():
    plane = Grid(((-6.0, 6.0), (-5.0, 5.0)), (36, 40))
    x, y = plane.coordinates
    law = Schrodinger.on_grid(plane, x**2 / 2 + 2 * y**2)
    start = jnp.exp(-((x - 0.5) ** 2) - (y - 0.2) ** 2).astype(jnp.complex64)
    found = ground_state(law, start, dtau=0.05, tol=1e-6)
    assert found.state.dtype == jnp.complex64
    assert found.energy.dtype == jnp.float32
    assert found.ok
    # single precision of energies of 70 at the walls
    np.testing.assert_allclose(found.energy, 1.5, rtol=0, atol=2e-5)


def test_batches_and_gradients():
    """dE/dk of the oscillator is 1/4 k^(-1/2) for m = ħ = 1."""

    def energy(k):
        law = Schrodinger.on_grid(GRID, lambda x, k: k * x**2 / 2, k=k)
        return ground_state(law, dtau=0.1).energy

    ks = jnp.array([0.5, 1.0, 2.0])
    energies, slopes = jax.jit(jax.vmap(jax.value_and_grad(energy)))(ks)
    # bias of the step, (omega dtau)⁸; the slope sees it to first order, 1e-6
    np.testing.assert_allclose(energies, np.sqrt(ks) / 2, rtol=0, atol=1e-9)
    np.testing.assert_allclose(slopes, 0.25 / np.sqrt(ks), rtol=0, atol=3e-6)


def test_status():
    law = Schrodinger.on_grid(GRID, double_well(GRID.x))
    short = ground_state(law, dtau=0.1, max_steps=50)
    assert short.status == Status.STEP_BUDGET
    assert short.num_steps == 100  # the check run has the same budget
    level = eigenstates(GRID, double_well(GRID.x), 1)[0][0]
    assert abs(short.energy - level) < 2 * short.error  # it knows
    free = ground_state(Schrodinger.on_grid(GRID, np.zeros(64)), np.ones(64), dtau=0.1)
    assert free.ok  # exact from the start, and known to be
    assert abs(free.energy) < 1e-14
    assert free.error < 1e-14
    broken = ground_state(law, jnp.full(64, 1e200), dtau=0.1)
    assert broken.status == Status.NON_FINITE


def driven(x, t):
    return x**2 * jnp.cos(t)


@pytest.mark.parametrize(
    ("law", "options", "message"),
    [
        (lambda: Schrodinger(np.eye(2)), {}, "`law` must be a particle on a grid"),
        (lambda: Schrodinger.on_grid(GRID, driven), {}, "`law` must have a potential"),
        (
            lambda: Schrodinger.on_grid(
                GRID, quartic, absorber=absorbing_layer(GRID, 2.0, 1.0)
            ),
            {},
            "`law` must not have an absorber",
        ),
        (None, {"stepper": srkn11}, "`stepper` must not have negative coefficients"),
        (None, {"dtau": -0.1}, "`dtau` must be positive"),
        (None, {"psi0": np.ones(3)}, r"`psi0` must have shape \(64,\)"),
        (None, {"below": np.ones((1, 3))}, r"`below` must have shape \(any, 64\)"),
        (None, {"below": np.ones((1, 64))}, "`below` must be orthonormal, but its ov"),
    ],
)
def test_refused(law, options, message):
    law = Schrodinger.on_grid(GRID, quartic(GRID.x)) if law is None else law()
    with pytest.raises(ValueError, match=message):
        ground_state(law, **({"dtau": 0.1} | options))
