"""Individuals and copying: the right form holds, the printed one fails."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from .angular import copy_angular, phase_angular
from .classes import (
    class_phase_rate,
    copy_function,
    density_rate,
    master_rate,
    occupation_rate,
    power_law,
    transition_rate,
)
from .conftest import REFUTED, ROUNDING, equation, gap
from .individuals import (
    copy_beables,
    copy_rate,
    copy_rate_from_function,
    folded_phase_rate,
    occupation_rate_of_individuals,
    occupations,
    phase_coupling,
    phase_rate,
    power_copy_rate,
)
from .quantum_point import (
    hamiltonian,
    quantum_density_rate,
    quantum_phase_rate,
    quantum_state,
    schrodinger_rate,
)


@equation("1")
@equation("4")
def test_copying_moves_both_beables(ens):
    copier, copied = 3, int(np.flatnonzero(ens.beable != ens.beable[3])[0])
    beable, phase = copy_beables(ens.beable, ens.phase, copier, copied)
    assert beable[copier] == ens.beable[copied] != ens.beable[copier]
    assert phase[copier] == ens.phase[copied] != ens.phase[copier]
    others = np.arange(len(beable)) != copier
    assert np.array_equal(beable[others], ens.beable[others])
    assert np.array_equal(phase[others], ens.phase[others])


@equation("2")
@equation("34")
def test_wave_function_sign(ens):
    rates = (
        quantum_density_rate(ens.density, ens.class_phase, ens.R, ens.delta),
        quantum_phase_rate(ens.density, ens.class_phase, ens.omega, ens.R, ens.delta),
    )
    H = hamiltonian(ens.omega, ens.R, ens.delta)

    def residual(printed):
        psi, rate = jax.jvp(
            partial(quantum_state, printed=printed),
            (ens.density, ens.class_phase),
            rates,
        )
        return gap(rate, schrodinger_rate(psi, H))

    assert residual(printed=False) < ROUNDING
    assert residual(printed=True) > REFUTED


@pytest.mark.sampled
@equation("3")
def test_rates_depend_on_the_pair_alone(ens):
    rate = copy_rate(ens.beable, ens.phase, ens.R, ens.delta)
    moved = ens.phase.at[7].add(1.3)
    changed = copy_rate(ens.beable, moved, ens.R, ens.delta) != rate
    others = np.arange(len(ens.beable)) != 7
    assert not np.any(changed[np.ix_(others, others)])
    assert np.any(changed[7])
    assert np.any(changed[:, 7])
    # Nor does it matter to others of which class a third is, but for the occupations.
    beable = ens.beable.at[7].set((ens.beable[7] + 1) % 4)
    changed = copy_rate(beable, ens.phase, ens.R, ens.delta) != rate
    touched = np.isin(ens.beable, [ens.beable[7], beable[7]])
    assert not np.any(changed[np.ix_(~touched, ~touched)])
    assert np.any(changed[np.ix_(touched & others, others)])
    same = {"occupation": ens.occupation}
    rate, moved = (
        copy_rate(a, ens.phase, ens.R, ens.delta, **same) for a in (ens.beable, beable)
    )
    assert not np.any((rate != moved)[np.ix_(others, others)])
    assert np.any((rate != moved)[7])


@equation("5")
def test_labels_of_the_copy_function(ens):
    n = ens.occupation
    F = copy_function(n, ens.class_phase, ens.R, ens.delta, 0.4)
    assert np.min(F) >= 0
    expected = occupation_rate(F, n)

    def residual(printed):
        rate = copy_rate_from_function(F, ens.beable, printed=printed)
        summed = occupation_rate_of_individuals(rate, ens.beable, n.shape[0])
        return gap(summed, expected)

    # Occupation rates are of the order of N times a coupling.
    assert residual(printed=False) < 40 * ROUNDING
    assert residual(printed=True) > 40 * REFUTED
    # The rates of the final rule (39) are components of such a function.
    F = copy_function(n, ens.class_phase, ens.R, ens.delta, 0.5)
    rate = copy_rate(ens.beable, ens.aligned, ens.R, ens.delta)
    by_class = copy_rate_from_function(F, ens.beable)
    assert gap(by_class, rate) < ROUNDING


@equation("6")
def test_phase_rate_is_a_sum_over_pairs(ens):
    pull = phase_coupling(ens.beable, ens.phase, ens.R, ens.delta)
    rate = phase_rate(ens.beable, ens.phase, ens.omega, ens.R, ens.delta)
    assert gap(rate, ens.omega[ens.beable] + jnp.sum(pull, axis=1)) < ROUNDING
    moved = ens.phase.at[7].add(1.3)
    changed = pull != phase_coupling(ens.beable, moved, ens.R, ens.delta)
    others = np.arange(len(ens.beable)) != 7
    assert not np.any(changed[np.ix_(others, others)])
    assert np.any(changed[7])


@equation("7")
def test_occupations_follow_individuals(ens):
    rng = np.random.default_rng(5)
    M, N = ens.omega.shape[0], ens.beable.shape[0]
    # First line: any rates at all. One copy moves one system from class to class.
    rate = rng.uniform(size=(N, N))
    expected = np.zeros(M)
    for copier in range(N):
        for copied in range(N):
            expected[ens.beable[copied]] += rate[copier, copied]
            expected[ens.beable[copier]] -= rate[copier, copied]
    summed = occupation_rate_of_individuals(jnp.asarray(rate), ens.beable, M)
    # 2 N² = 3200 terms of order 1, added one by one.
    assert gap(summed, expected) < 4e3 * ROUNDING
    # Third line: rates that depend on the classes alone.
    F = jnp.asarray(rng.uniform(size=(M, M)))
    by_class = copy_rate_from_function(F, ens.beable)
    summed = occupation_rate_of_individuals(by_class, ens.beable, M)
    total = occupation_rate(F, ens.occupation)
    assert gap(summed, total) < 4e3 * ROUNDING
    assert np.max(np.abs(total)) > 1


@equation("8")
def test_density_is_a_share(ens):
    M, N = ens.omega.shape[0], ens.beable.shape[0]
    n = occupations(ens.beable, M)
    assert np.array_equal(n, [np.sum(ens.beable == a) for a in range(M)])
    assert float(jnp.sum(n / N)) == pytest.approx(1, abs=ROUNDING)


@equation("9")
def test_master_equation(ens):
    rate = copy_rate(ens.beable, ens.aligned, ens.R, ens.delta)
    transition = jnp.asarray(ens.transition_rates(rate))
    total = master_rate(ens.density, transition)
    assert gap(total, ens.density_rate(rate)) < ROUNDING
    assert gap(total, ens.quantum_rates()[0]) < ROUNDING
    reverse = master_rate(ens.density, transition.T)
    assert gap(reverse, ens.quantum_rates()[0]) > REFUTED


@equation("10")
def test_transition_rate_of_one_system(ens):
    F = copy_function(ens.occupation, ens.class_phase, ens.R, ens.delta, 0.5)
    transition = transition_rate(F, ens.occupation)

    def residual(printed):
        rate = copy_rate_from_function(F, ens.beable, printed=printed)
        return gap(ens.transition_rates(rate), transition)

    assert residual(printed=False) < ROUNDING
    assert residual(printed=True) > REFUTED


@equation("11")
def test_alignment_is_preserved(ens):
    args = (ens.omega, ens.R, ens.delta)
    same = ens.beable[:, None] == ens.beable[None, :]

    def spread(phase):
        rate = phase_rate(ens.beable, phase, *args)
        return gap(jnp.where(same, rate[:, None] - rate[None, :], 0), 0)

    assert spread(ens.aligned) < ROUNDING
    assert spread(ens.phase) > REFUTED


@equation("12")
@equation("40")
def test_sum_over_classes_includes_oneself(ens):
    args = (ens.beable, ens.aligned, ens.omega, ens.R, ens.delta)
    folded = np.asarray(ens.R) + np.diag(ens.omega)
    n = np.asarray(ens.occupation)
    G = folded * np.cos(ens.difference + ens.delta) / np.sqrt(np.outer(n, n))
    by_class = (G @ n)[ens.beable]
    assert gap(folded_phase_rate(*args), by_class) < ROUNDING
    lost = by_class - folded_phase_rate(*args, printed=True)
    # Without J = I exactly one n-th of the frequency is lost.
    assert gap(lost, (ens.omega / n)[ens.beable]) < ROUNDING
    # |omega| / n: frequencies of order 1, classes of 5 to 20 systems.
    assert np.max(np.abs(lost)) > 0.02


@equation("13")
@equation("26")
def test_class_phases_obey_a_closed_law(ens):
    U = phase_angular(ens.difference, ens.R, ens.delta)
    individual = phase_rate(ens.beable, ens.aligned, ens.omega, ens.R, ens.delta)
    law = partial(class_phase_rate, ens.density, U, ens.omega)
    assert gap(law(-0.5)[ens.beable], individual) < ROUNDING
    M = ens.omega.shape[0]
    for r in (-0.8, 0.3):
        expected = [
            ens.omega[a]
            + sum(
                (ens.occupation[a] / ens.occupation[b]) ** r
                * ens.R[a, b]
                * np.cos(ens.class_phase[a] - ens.class_phase[b] + ens.delta[a, b])
                for b in range(M)
                if b != a
            )
            for a in range(M)
        ]
        assert gap(law(r), expected) < ROUNDING
    assert gap(law(0.5)[ens.beable], individual) > REFUTED


@equation("14")
@equation("16")
def test_slots_of_the_copy_function(ens):
    args = (ens.beable, ens.aligned, ens.R, ens.delta)
    R = copy_angular(ens.difference, ens.R, ens.delta)
    for q in (0.5, 0.3):
        rate = power_copy_rate(*args, q)
        expected = density_rate(ens.density, R, q)
        assert gap(ens.density_rate(rate), expected) < ROUNDING
        # Each rate is a power of the ratio times a function of the relative phase,
        # whatever the number of copies is.
        factors = power_law(ens.density, R, q)
        assert gap(ens.transition_rates(rate), factors) < ROUNDING
        large = ens._replace(beable=jnp.tile(ens.beable, 3))
        rate = power_copy_rate(large.beable, large.aligned + 0.9, ens.R, ens.delta, q)
        assert gap(large.transition_rates(rate), factors) < ROUNDING
    # With the copier in the first slot the density runs backwards: at q = 1/2 this
    # is the printed eq. 39.
    printed = power_copy_rate(*args, 0.5, printed=True)
    backwards = ens.density_rate(printed)
    assert gap(backwards, -ens.quantum_rates()[0]) < ROUNDING
    assert gap(backwards, ens.quantum_rates()[0]) > REFUTED
    assert gap(printed, copy_rate(*args, printed=True)) < ROUNDING


@equation("15")
def test_phase_rate_depends_on_ratios(ens):
    U = phase_angular(ens.difference, ens.R, ens.delta)
    factor = power_law(ens.occupation, U, -0.7)
    assert gap(power_law(ens.density, U, -0.7), factor) < ROUNDING
    law = (ens.omega, ens.R, ens.delta)
    turn = phase_rate(ens.beable, ens.phase, *law)
    shifted = phase_rate(ens.beable, ens.phase + 0.9, *law)
    assert gap(shifted, turn) < ROUNDING
    assert gap(power_law(ens.occupation**2, U, -0.7), factor) > REFUTED


@equation("17")
@equation("18")
@equation("19")
def test_factors_are_powers_times_phase_functions(ens):
    density, other = ens.density, ens.density[::-1] ** 2
    U = phase_angular(ens.difference, ens.R, ens.delta)
    one = power_law(density, U, 0.3)
    two = power_law(other, U, 0.3)
    ratio = np.divide.outer(np.asarray(density), np.asarray(density))
    off = ~np.eye(len(density), dtype=bool)
    assert gap(one, ratio**0.3 * np.asarray(U)) < ROUNDING
    # A change of the occupations rescales every entry, whatever the phases are.
    shifted = phase_angular(ens.difference + 0.4, ens.R, ens.delta)
    scale = np.asarray(two)[off] / np.asarray(one)[off]
    again = power_law(other, shifted, 0.3)[off]
    first = power_law(density, shifted, 0.3)[off]
    assert gap(again, scale * np.asarray(first)) < ROUNDING
    assert np.max(np.abs(scale - 1)) > REFUTED
