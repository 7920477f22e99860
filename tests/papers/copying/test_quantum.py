"""The quantum point, and what the paper claims about it."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from .classes import occupation_rate
from .conftest import REFUTED, ROUNDING, equation, gap
from .individuals import copy_rate, phase_coupling, phase_rate
from .quantum_point import (
    action_phase,
    hamiltonian,
    lagrangian,
    quantum_density_rate,
    quantum_phase_rate,
    quantum_state,
    schrodinger_rate,
)


@equation("32")
@equation("33")
def test_equivalence_with_schrodinger(ens):
    density_rate, phase_rate = ens.quantum_rates()
    got = quantum_density_rate(ens.density, ens.class_phase, ens.R, ens.delta)
    assert gap(got, density_rate) < ROUNDING
    law = partial(
        quantum_phase_rate,
        ens.density, ens.class_phase, ens.omega, ens.R, ens.delta,
    )  # fmt: skip
    assert gap(law(), phase_rate) < ROUNDING
    assert gap(law(r=0.5), phase_rate) > REFUTED


@equation("35")
@equation("36")
def test_schrodinger_with_units(ens):
    hbar = 0.3
    action = action_phase(ens.class_phase, hbar)
    assert gap(action / hbar, ens.class_phase) < ROUNDING
    density_rate, phase_rate = ens.quantum_rates()
    psi, rate = jax.jvp(
        lambda density, S: quantum_state(density, S / hbar),
        (ens.density, action),
        (jnp.asarray(density_rate), hbar * jnp.asarray(phase_rate)),
    )
    H = hamiltonian(ens.omega, ens.R, ens.delta, hbar)
    assert gap(rate, schrodinger_rate(psi, H, hbar)) < ROUNDING
    assert gap(rate, schrodinger_rate(psi, H)) > REFUTED


@equation("37")
@equation("38")
def test_hamiltonian_entries(ens):
    hbar = 0.3
    H = np.asarray(hamiltonian(ens.omega, ens.R, ens.delta, hbar))
    assert gap(np.diag(H), hbar * np.asarray(ens.omega)) < ROUNDING
    a, b = 0, 2
    entry = hbar * ens.R[a, b] * np.exp(1j * ens.delta[a, b])
    assert abs(H[a, b] - entry) < ROUNDING
    assert abs(H[b, a] - np.conj(entry)) < ROUNDING
    assert abs(H[b, a] - entry) > 1e-3
    assert gap(H, H.conj().T) < ROUNDING


@equation("39")
def test_copy_rule(ens):
    args = (ens.beable, ens.aligned, ens.R, ens.delta)
    right = ens.density_rate(copy_rate(*args))
    printed = copy_rate(*args, printed=True)
    wrong = ens.density_rate(printed)
    expected = ens.quantum_rates()[0]
    assert gap(right, expected) < ROUNDING
    assert gap(wrong, -expected) < ROUNDING  # time runs backwards
    assert gap(wrong, expected) > REFUTED


@equation("40")
def test_phase_rule(ens):
    expected = ens.quantum_rates()[1][ens.beable]
    # The frequency of a class as its coupling to itself, as after eq. 26.
    folded = ens.R + jnp.diag(ens.omega)
    rule = partial(phase_rate, ens.beable, ens.aligned, ens.omega)
    assert gap(rule(folded, ens.delta), expected) < ROUNDING
    excess = rule(folded, ens.delta, printed=True) - expected
    own = (ens.omega * (1 - 1 / ens.occupation))[ens.beable]
    assert gap(excess, own) < ROUNDING
    assert gap(excess, 0) > REFUTED
    # The weight 1/sqrt(n_I n_J) is needed: neither none nor 1/N will do.
    for weight in (1.0, 40.0):
        n = jnp.full_like(ens.occupation, weight)
        pull = phase_coupling(ens.beable, ens.aligned, ens.R, ens.delta, occupation=n)
        rate = ens.omega[ens.beable] + jnp.sum(pull, axis=1)
        assert gap(rate, expected) > REFUTED


@equation("55")
def test_action_principle(ens):
    density_rate, phase_rate = map(jnp.asarray, ens.quantum_rates())
    args = (ens.density, ens.class_phase, phase_rate, ens.omega, ens.R, ens.delta)
    by_density, by_phase, momentum = jax.grad(lagrangian, argnums=(0, 1, 2))(*args)
    assert gap(momentum, ens.density) < ROUNDING
    assert gap(by_phase, density_rate) < ROUNDING
    assert gap(by_density, 0) < ROUNDING
    wrong = (*args[:2], phase_rate + 1, *args[3:])
    assert gap(jax.grad(lagrangian)(*wrong), 0) > REFUTED


@equation("claim-literal-rules")
@equation("39")
def test_literal_rules_run_away(rk4):
    R = jnp.array([[0.0, 1.0], [1.0, 0.0]])
    zero, both = jnp.zeros((2, 2)), jnp.arange(2)

    def field(printed, state):
        density, phase = state
        # One individual stands for its class; sums over J carry its density.
        args = (both, phase, R, zero)
        rate = copy_rate(*args, occupation=density, printed=printed)
        pull = phase_coupling(*args, occupation=density)
        return occupation_rate(rate.T, density), pull @ density

    def imbalance(printed):
        start = jnp.array([0.5 + 5e-7, 0.5 - 5e-7]), jnp.zeros(2)
        density, _ = rk4(partial(field, printed), start, 1e-3, 2000)
        return (density[:, 0] - density[:, 1])[jnp.array([499, 999, 1999])] / 1e-6

    t = np.array([0.5, 1, 2])
    saddle, centre = np.cosh(2 * t), np.cos(2 * t)
    assert gap(saddle, [1.543081, 3.762196, 27.30823]) < 1e-5
    # Rounding of the density against the start: 1e-16 / 1e-6, grown a hundredfold.
    assert gap(imbalance(printed=True) / saddle, 1) < 1e-5
    assert gap(imbalance(printed=False), centre) < 1e-5


@equation("claim-jump-process")
@equation("39")
def test_copy_rule_is_the_minimal_jump_process(ens):
    rate = copy_rate(ens.beable, ens.aligned, ens.R, ens.delta)
    H = np.asarray(hamiltonian(ens.omega, ens.R, ens.delta))
    psi = np.sqrt(ens.density) * np.exp(-1j * np.asarray(ens.class_phase))
    current = 2 * np.imag(np.outer(psi.conj(), psi) * H)
    expected = np.maximum(current, 0) / np.asarray(ens.density)[None, :]
    assert gap(ens.transition_rates(rate), expected) < ROUNDING
    # Minimal: each pair of classes has traffic one way only.
    transition = ens.transition_rates(rate)
    assert gap(np.minimum(transition, transition.T), 0) < ROUNDING
    assert np.max(transition) > REFUTED


@equation("claim-large-ensemble")
def test_size_of_the_ensemble_drops_out(ens):
    large = ens._replace(
        beable=jnp.tile(ens.beable, 3),
        phase=jnp.tile(ens.phase, 3),
    )

    def chances(e):
        rate = copy_rate(e.beable, e.phase, e.R, e.delta)
        return e.transition_rates(rate)

    def turn(e):
        return phase_rate(e.beable, e.phase, e.omega, e.R, e.delta)

    assert gap(chances(ens), chances(large)) < ROUNDING
    assert gap(turn(ens), turn(large)[: ens.beable.shape[0]]) < ROUNDING
    # Not so for the rate of copying one given individual.
    one = copy_rate(ens.beable, ens.phase, ens.R, ens.delta)
    three = copy_rate(large.beable, large.phase, ens.R, ens.delta)
    assert float(jnp.max(one)) == pytest.approx(3 * float(jnp.max(three)))


@equation("claim-mixing")
def test_eigenstates_do_not_mix():
    rng = np.random.default_rng(4)
    H = rng.normal(size=(5, 5))
    H = H + H.T
    _, vectors = np.linalg.eigh(H)
    upper = np.triu(np.where(H < 0, np.pi, 0), 1)
    R, delta = jnp.asarray(np.abs(H)), jnp.asarray(upper - upper.T)

    def most(psi):
        phase = jnp.asarray(-np.angle(psi))
        n = jnp.asarray(np.abs(psi) ** 2)
        return np.max(copy_rate(jnp.arange(5), phase, R, delta, occupation=n))

    for vector in vectors.T:
        # sin(k pi) = k 1e-16, over a least density of about 1e-3.
        assert most(vector + 0j) < 1e2 * ROUNDING
    assert most((vectors[:, 0] + 1j * vectors[:, 1]) / np.sqrt(2)) > REFUTED


@equation("claim-attractor")
def test_alignment_is_neutral(ens):
    rng = np.random.default_rng(6)
    member = np.asarray(jax.nn.one_hot(ens.beable, ens.omega.shape[0]))
    offset = rng.normal(size=ens.beable.shape[0])
    offset -= member @ (member.T @ offset / np.asarray(ens.occupation)[:, None].T[0])
    _, turn = jax.jvp(
        lambda p: phase_rate(ens.beable, p, ens.omega, ens.R, ens.delta),
        (ens.aligned,),
        (jnp.asarray(offset),),
    )
    # Offsets shrink as 1/sqrt(rho) where the class grows: rho · variance is constant.
    growth = (ens.quantum_rates()[0] / np.asarray(ens.density))[ens.beable]
    assert gap(turn, -growth / 2 * offset) < ROUNDING
    assert np.max(growth) > REFUTED
    assert np.min(growth) < -REFUTED


@equation("claim-signalling")
def test_empty_classes_allow_signalling(rk4):
    # Classes 2A + B of a pair of spins; A precesses about x, B is left alone.
    R = jnp.zeros((4, 4)).at[jnp.array([0, 2, 1, 3]), jnp.array([2, 0, 3, 1])].set(1.0)
    zero = jnp.zeros((4, 4))

    def field(state):
        return (
            quantum_density_rate(*state, R, zero),
            quantum_phase_rate(*state, zero[0], R, zero),
        )

    def polarisation(psi):
        start = jnp.asarray(psi**2), jnp.where(psi < 0, jnp.pi, 0.0)
        density = rk4(field, start, np.pi / 800, 100)[0][-1]
        return float(density[0] + density[1] - density[2] - density[3])

    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    assert polarisation(np.array([c, 0, 0, s])) == pytest.approx(0.5, abs=ROUNDING)
    turned = np.array([c, c, -s, s]) / np.sqrt(2)
    # RK4 with 100 steps of 0.004: error below dt^4.
    assert polarisation(turned) == pytest.approx(0.5 / np.sqrt(2), abs=1e-8)
