"""Constants of charges and spins from counts: D and qΦ together, and g."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2

import jqd
from jqd.instruments import Confusion, Direct, Multinomial
from jqd.spaces import magnetic_field

RING = jqd.Grid((-np.pi, np.pi), 48)
D, CHARGE, COUNTS = 0.5, 0.3, 100_000
TIMES = np.array([1.2, 1.8, 2.4, 3.0])
STEPS = jqd.Fixed(jqd.steppers.srkn11, 8, estimate_error=False)


def far_side(x):
    """A where the packet is not at the start; of the flux 2π, so that q is φ."""
    return (jnp.exp(6 * jnp.cos(x - jnp.pi)) / np.i0(6.0),)


def interferometer():
    """A packet that goes round a ring both ways, with a flux through it."""
    law = jqd.ConservativeDiffusion(
        RING, lambda x: 0 * x, D, boundary="periodic", vector_potential=far_side,
        charge=CHARGE,
    )  # fmt: skip
    return law, RING.normalise(jnp.exp(4 * (jnp.cos(RING.x) - 1)) + 0j)


def fitted(law, psi, free, start, times, instrument, shots, method, key):
    record = jqd.simulate(
        law, psi, times, instrument, shots, key, t0=0.0, method=method
    )
    found = jqd.fit(
        law, record, psi0=psi, free=free, start=start, instrument=instrument, starts=1,
        search=None, method=method,
    )  # fmt: skip
    return found.value, found.stderr, found.status


def pulls(run, truth, seeds, key):
    """(seeds, constants), of records of their own."""
    values, errors, status = jax.jit(jax.vmap(run))(jax.random.split(key, seeds))
    assert np.all(np.asarray(status) == jqd.Status.OK)
    return np.stack(
        [(values[name] - true) / errors[name] for name, true in truth.items()], axis=1
    )


def assert_of_width_one(found):
    """Their squares add up as chi-square does, and their mean as chance lets it; each
    bound is passed by chance once in 1e4 times."""
    n = len(found)
    low, high = chi2.ppf([5e-5, 1 - 5e-5], n)
    squares = np.sum(found**2, axis=0)
    assert np.all((low < squares) & (squares < high)), np.sqrt(squares / n)
    assert np.all(np.abs(np.mean(found, axis=0)) < 3.9 / np.sqrt(n))


@pytest.mark.slow
def test_diffusion_constant_and_flux_together():
    """1e5 counts of an interference through a ring with a flux."""
    law, psi = interferometer()
    run = functools.partial(
        fitted, law, psi, ("D", "charge"), {"D": 0.45, "charge": 0.25}, TIMES,
        Confusion(), COUNTS // TIMES.size, STEPS,
    )  # fmt: skip
    truth = {"D": D, "charge": CHARGE}
    assert_of_width_one(pulls(run, truth, 40, jax.random.key(2)))


def test_a_record_of_another_flux_is_no_quantum_of_h_away():
    """The same counts at q + 2mDh/Φ, a whole quantum, and others at half of one."""
    law, psi = interferometer()

    def seen(charge):
        moved = jqd.constants.unpack(law, "charge", jnp.array([charge]))
        run = jqd.evolve(
            moved, moved.prepare(psi), np.array([0.0, 3.0]), observe="populations",
            method=jqd.Fixed(jqd.steppers.srkn11, 30, estimate_error=False),
        )  # fmt: skip
        return run.values[-1]

    one, whole, half = (seen(CHARGE + d) for d in (0.0, 1.0, 0.5))
    # a gauge of one turn, but for the tail of the packet, 1e-3, where A turns it
    assert jnp.sum(jnp.abs(whole - one)) < 2e-3
    assert jnp.sum(jnp.abs(half - one)) > 0.3


LINE = jqd.Grid((-16.0, 16.0), 128)
PACKET = LINE.normalise(jnp.exp(-(LINE.x**2) / 4))


def precession():
    """A spin that starts along z in a field along x; ups and downs are counted."""
    law = jqd.Pauli(LINE, lambda x: 0 * x, lambda x: 0.7, direction=(1.0, 0.0, 0.0))
    return law, jnp.multiply.outer(jnp.array([1.0, 0j]), PACKET)


@pytest.mark.slow
def test_g_from_spins_that_turn():
    law, psi = precession()
    ups = Direct("spin_populations", Multinomial())
    run = functools.partial(
        fitted, law, psi, ("g",), {"g": 2.1}, np.linspace(0.5, 6.0, 12), ups, 1000,
        jqd.Fixed(jqd.steppers.strang, 1, estimate_error=False),  # exact of this spin
    )  # fmt: skip
    found = pulls(run, {"g": 2.0}, 40, jax.random.key(1))
    assert_of_width_one(found)


@pytest.mark.slow
def test_g_from_counts_behind_a_magnet():
    """Stern and Gerlach's: where the two spots are tells g q b/m, and b is known."""
    field = magnetic_field(lambda z, b: b * z, LINE, b=1.1)
    law = jqd.Pauli(LINE, lambda z: 0 * z, field, g=1.6, charge=2.0)
    spin = jnp.sqrt(jnp.array([0.3, 0.7])) + 0j
    psi = jnp.multiply.outer(spin, PACKET)
    record = jqd.simulate(
        law, psi, np.array([1.5, 3.0]), Confusion(), 5000, jax.random.key(4), t0=0.0,
        method=jqd.Fixed(jqd.steppers.srkn11, 10, estimate_error=False),
    )  # fmt: skip
    guess = jqd.constants.unpack(law, "g", jnp.array([2.0]))
    found = jqd.recover(
        guess, record, psi0=psi, free="g", instrument=Confusion(), starts=2
    )
    assert found.status == "converged"
    (g,) = found.constants.values()
    # the law has no quantum value of g from which it could be away
    assert g.reference is None
    assert abs(g.value - 1.6) < 4 * g.stderr
    # the centres of two spots, each known to a width over √n, moved by g·(const.)
    assert 1e-3 < g.stderr < 0.05


@pytest.mark.slow
def test_g_and_field_are_not_told_apart():
    field = magnetic_field(lambda z, b: b * z, LINE, b=1.1)
    law = jqd.Pauli(LINE, lambda z: 0 * z, field, g=1.6, charge=2.0)
    psi = jnp.multiply.outer(jnp.sqrt(jnp.array([0.3, 0.7])) + 0j, PACKET)
    record = jqd.simulate(
        law, psi, np.array([1.5]), Confusion(), 5000, jax.random.key(4), t0=0.0,
        method=jqd.Fixed(jqd.steppers.srkn11, 10, estimate_error=False),
    )  # fmt: skip
    with pytest.raises(jqd.inference.Unidentifiable, match=r"g.*b|b.*g"):
        jqd.recover(law, record, psi0=psi, free=("g", "b"), instrument=Confusion())
