"""Lumped classes, parts of composite systems, and systems with few copies or none."""

import math
from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest

from jqd.states import composite

from .angular import copy_angular, phase_angular
from .classes import power_law
from .conftest import equation, gap
from .individuals import copy_rate, phase_rate
from .links import link_angle
from .nodes import node_occupation_acceleration
from .quantum_point import quantum_density_rate

# Sums of some ten terms of order 1 in float64.
ROUNDING = 1e-12
# Two rates are different if they differ by a good part of the couplings (0.3 to 1).
DIFFERENT = 0.05


# -- coarse graining -----------------------------------------------------------------

OMEGA = np.array([0.2, 0.2, -0.5, 0.7])
LUMP_OF = np.array([0, 0, 1, 2])
LUMP = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def lumps(lump_of=LUMP_OF):
    """Couplings of classes that are alike within their lump, and of the three lumps."""
    R = np.array([[0.0, 0.6, 0.3], [0.6, 0.0, 0.8], [0.3, 0.8, 0.0]])
    delta = np.array([[0.0, 0.4, -1.1], [-0.4, 0.0, 2.0], [1.1, -2.0, 0.0]])
    fine = R[np.ix_(lump_of, lump_of)], delta[np.ix_(lump_of, lump_of)]
    fine[0][lump_of[:, None] == lump_of] = 0.4
    return fine, (R, delta)


def links(psi, R, delta, q, r):
    """(ρ_a/ρ_b)^q A_ab and (ρ_a/ρ_b)^r C_ab."""
    rho = jnp.asarray(np.abs(psi) ** 2)
    x = link_angle(jnp.asarray(-np.angle(psi)), jnp.asarray(delta))
    R = jnp.asarray(R)
    copying = power_law(rho, copy_angular(x, R, 0 * x), q)
    return copying, power_law(rho, phase_angular(x, R, 0 * x), r)


@equation("question-coarse-laws")
@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize(("q", "r"), [(0.5, -0.5), (0.4, -0.5), (0.5, -0.8)])
def test_like_classes_lump_at_the_quantum_point_alone(m, q, r):
    lump_of = np.array([0] * m + [1, 2])
    fine, coarse = lumps(lump_of)
    density, phase = np.array([0.5, 0.3, 0.2]), np.array([0.3, 2, -1])
    lumped = np.sqrt(density) * np.exp(-1j * phase)
    psi = (lumped / np.sqrt([m, 1, 1]))[lump_of]
    copying, turning = (np.asarray(v) for v in links(psi, *fine, q, r))
    one_copying, one_turning = (np.asarray(v) for v in links(lumped, *coarse, q, r))
    into, out = copying[:m, m:].sum(axis=0), copying[m:, 0]
    own, others = turning[0, m:], turning[m:, :m].sum(axis=1)
    # Each lump as one class, at couplings times the factors on the right.
    assert gap(into, m ** (1 - q) * one_copying[0, 1:]) < ROUNDING
    assert gap(out, m**q * one_copying[1:, 0]) < ROUNDING
    assert gap(own, m**-r * one_turning[0, 1:]) < ROUNDING
    assert gap(others, m ** (1 + r) * one_turning[1:, 0]) < ROUNDING
    # A copy law has one R for all four: √m times the coupling of one class, if any.
    assert (np.ptp([1 - q, q, -r, 1 + r]) < ROUNDING) == ((q, r) == (0.5, -0.5))
    # They do copy, in and out.
    assert max(into) > DIFFERENT
    assert max(out) > DIFFERENT


@equation("question-coarse-closed")
def test_lumped_densities_obey_no_law_of_their_own():
    fine, _ = map(partial(map, jnp.asarray), lumps())
    rate = partial(_lumped_rate, *fine)
    even = rate(np.array([0.25, 0.25, 0.3, 0.2]), np.array([0.3, 0.3, 2, -1]))
    # The same lumps, filled otherwise: other rates.
    for share, turn in ((0.45, 0.0), (0.25, 1.0)):
        uneven = rate(
            np.array([share, 0.5 - share, 0.3, 0.2]),
            np.array([0.3 + turn, 0.3 - turn, 2, -1]),
        )
        assert gap(uneven, even) > DIFFERENT
    # That is so of quantum mechanics too: its rates are the same.
    H = np.diag(OMEGA) + np.asarray(lumps()[0][0] * np.exp(1j * lumps()[0][1]))
    psi = np.sqrt([0.25, 0.25, 0.3, 0.2]) * np.exp(-1j * np.array([0.3, 0.3, 2, -1]))
    exact = LUMP @ (2 * np.imag(psi.conj() * (H @ psi)))
    assert gap(even, exact) < ROUNDING


def _lumped_rate(R, delta, density, phase):
    density, phase = jnp.asarray(density), jnp.asarray(phase)
    return LUMP @ np.asarray(quantum_density_rate(density, phase, R, delta))


@equation("question-coarse-copying")
def test_more_is_copied_between_lumps_than_they_need():
    fine, _ = lumps()

    def traffic(phase):
        psi = np.sqrt([0.25, 0.25, 0.3, 0.2]) * np.exp(-1j * phase)
        T = links(psi, *fine, 0.5, -0.5)[0]
        moved = LUMP @ (np.asarray(T) * np.abs(psi)[None] ** 2) @ LUMP.T
        both = (moved + moved.T)[0, 1:]
        return both, np.abs(moved - moved.T)[0, 1:]

    # Alike in phase too: one way only, as a copy law of the lumps has it.
    both, net = traffic(np.array([0.3, 0.3, 2, -1]))
    assert gap(both, net) < ROUNDING
    # Opposite ways from the two halves of a lump: copies that cancel in the density.
    both, net = traffic(np.array([0.3, 0.3 + np.pi, 2, -1]))
    assert gap(net, 0) < ROUNDING
    assert min(both) > DIFFERENT


# -- composite systems ---------------------------------------------------------------


def polar(H):
    return np.abs(H) * (1 - np.eye(len(H))), np.angle(H)


def hermitian(rng, size):
    a = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return (a + a.conj().T) / 2


def state(rng, size):
    psi = np.sqrt(rng.dirichlet([3.0] * size)) * np.exp(2j * rng.normal(size=size))
    return psi / np.linalg.norm(psi)


@equation("question-hierarchy")
@pytest.mark.parametrize(
    ("q", "r"), [(0.5, -0.5), (0.4, -0.8), (0.9, 0.3), (-0.6, -1.7)]
)
def test_a_beable_may_belong_to_several_levels(q, r):
    # A and B entangled and coupled, C apart: does each level have rates of its own?
    rng = np.random.default_rng(5)
    H_AB, H_C = hermitian(rng, 4), hermitian(rng, 2)
    pair, single = state(rng, 4), state(rng, 2)
    H = np.asarray(composite.hamiltonian(H_AB, H_C))
    whole = np.asarray(composite.product(pair, single))
    got = links(whole, *polar(H), q, r)
    own = links(pair, *polar(H_AB), q, r)
    for mine, alone in zip(got, own, strict=True):
        table = np.asarray(mine).reshape(4, 2, 4, 2)
        # The pair moves as an ensemble of pairs would, whatever C is.
        assert gap(table[:, 0, :, 0], alone) < ROUNDING
        assert gap(table[:, 1, :, 1], alone) < ROUNDING
    # So does C, whatever the pair is.
    for mine, alone in zip(got, links(single, *polar(H_C), q, r), strict=True):
        table = np.asarray(mine).reshape(4, 2, 4, 2)
        for pair_class in range(4):
            assert gap(table[pair_class, :, pair_class], alone) < ROUNDING
    # A alone: its rates depend on what B is, though H acts on A alone.
    H_A = np.asarray(composite.hamiltonian(hermitian(rng, 2), np.zeros((2, 2))))
    for mine in links(pair, *polar(H_A), q, r):
        table = np.asarray(mine).reshape(2, 2, 2, 2)
        assert gap(table[:, 0, :, 0], table[:, 1, :, 1]) > DIFFERENT


# -- few copies ----------------------------------------------------------------------


@equation("claim-unique-systems")
def test_a_system_without_copies_stays(ens):
    alone = jnp.array([1])
    args = (alone, ens.phase[:1])
    assert gap(copy_rate(*args, ens.R, ens.delta), 0) == 0
    turn = phase_rate(*args, ens.omega, ens.R, ens.delta)
    assert gap(turn, ens.omega[1]) == 0
    # Quantum mechanics would take it elsewhere; and a second one can be copied.
    n = jnp.zeros(4).at[1].set(1.0)
    later = node_occupation_acceleration(n, ens.class_phase, ens.R, ens.delta)
    assert float(later[0]) == pytest.approx(2 * float(ens.R[0, 1]) ** 2)
    two = jnp.array([1, 0]), ens.phase[:2]
    assert np.max(copy_rate(*two, ens.R, ens.delta)) > 0


def poisson_root(mean):
    """E[√n]."""
    n = np.arange(1, 400)
    log = n * np.log(mean) - mean - np.array([math.lgamma(k + 1) for k in n])
    return np.sum(np.sqrt(n) * np.exp(log))


@equation("claim-macroscopic")
def test_bodies_with_more_states_than_copies_hardly_begin_to_turn():
    # K two-valued parts, each turning about x; all in one product state.
    K = 10
    size = 2**K
    bits = (np.arange(size)[:, None] >> np.arange(K)[None]) & 1
    R = np.zeros((size, size))
    for k in range(K):
        R[np.arange(size), np.arange(size) ^ (1 << k)] = 1
    phase, zero = jnp.asarray(0.9 * bits.sum(axis=1)), jnp.zeros((size, size))

    def rate(occupation):
        """Mean d<z>/dt of the parts."""
        density = jnp.asarray(occupation / occupation.sum())
        moved = quantum_density_rate(density, phase, jnp.asarray(R), zero)
        return np.mean(np.asarray(moved) @ (1 - 2 * bits))

    exact = rate(np.ones(size))
    assert abs(exact) == pytest.approx(2 * np.sin(0.9))
    rng = np.random.default_rng(6)
    ratio = {}
    for mean in (0.25, 1.0, 25.0, 100.0):
        draws = [rate(rng.poisson(mean, size)) / exact for _ in range(4)]
        ratio[mean] = np.mean(draws)
        # 4 standard errors; at 0.25 both ends are held of one link in twenty
        error = 4 * np.std(draws, ddof=1) / 2 + 0.01
        assert ratio[mean] == pytest.approx(poisson_root(mean) ** 2 / mean, abs=error)
        assert error < 0.1
    assert ratio[0.25] < 0.3
    # 1 - 1/4m where copies are many
    assert poisson_root(25.0) ** 2 / 25 == pytest.approx(0.99, abs=3e-4)
    assert ratio[100.0] > 0.99


@equation("claim-no-copies")
def test_a_composite_has_more_states_than_there_are_atoms_to_copy_it():
    """2^K states of K two-valued parts pass 1e80 at K = 266."""
    assert 2**265 < 10**80 < 2**266
    # members spread evenly: one has others in its state with 1 - exp(-(N - 1)/2^K)
    others = [-math.expm1(-((10**80 - 1) / 2**K)) for K in (260, 266, 286)]
    assert others[0] > 1 - 1e-9
    assert others[1] == pytest.approx(0.57, abs=0.01)
    assert others[2] < 1e-6
