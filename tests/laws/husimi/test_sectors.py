"""The density operator of many modes, one block for each number of quanta."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.laws.husimi import Exact, GaussianSum, HusimiFokkerPlanck, Sectors, Series
from jqd.laws.husimi.occupations import (
    monomial_entries,
    occupations,
    positions,
    sector_sizes,
)
from jqd.spaces.symbols import Symbol, bose_hubbard, matrix
from jqd.states import coherent, product

ROOT = np.sqrt(2.0)


def chain(modes, J=1.0, U=0.5):
    return bose_hubbard(J, U, [(i, i + 1) for i in range(modes - 1)])


def populations(modes, C, ts, quanta):
    """<|α_i|²> - 1 from √2 quanta in the first mode, shape (T, M)."""
    law = HusimiFokkerPlanck(chain(modes), C, form=Exact(Sectors(quanta)))
    start = law.prepare(GaussianSum.coherent([ROOT] + [0.0] * (modes - 1)))
    run = jqd.evolve(law, start, jnp.asarray(ts), observe="n")
    assert bool(run.ok), run.describe()
    return np.asarray(run.values)


@pytest.mark.slow
def test_three_modes_below_C_1():
    values = populations(3, 0.95, [0.0, 1.0, 2.0], 18)
    expected = [[0.74771909, 0.92174759, 0.33053331]]
    expected += [[0.12801055, 0.29901121, 1.57297823]]
    # the table gives eight digits; 4e-10 of the trace is left out
    np.testing.assert_allclose(values[1:], expected, rtol=0, atol=2e-8)


@pytest.mark.slow
def test_three_modes_above_C_1():
    values = populations(3, 1.05, [0.0, 1.0, 2.0], 18)
    # as above
    expected = [0.73515128, 0.09281115]
    np.testing.assert_allclose(values[1:, 0], expected, rtol=0, atol=2e-8)


@pytest.mark.slow
def test_four_modes():
    values = populations(4, 0.95, [0.0, 2.0], 15)
    expected = [0.136392, 0.387977, 0.655233, 0.820398]
    # 13, 14, 15 quanta give .136375, .136388, .136391 for the first
    np.testing.assert_allclose(values[1], expected, rtol=0, atol=3e-6)


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.9, 1.0, 1.1])
def test_agrees_with_all_kets(C):
    symbol, alpha = chain(2), [0.5, 0.3j]
    whole = HusimiFokkerPlanck(symbol, C, form=Exact(11, Series(20)))
    blocks = HusimiFokkerPlanck(symbol, C, form=Exact(Sectors(10)))
    ket = product(*(coherent(a, 10) for a in alpha))
    ts = jnp.asarray([0.0, 0.7])
    a, _ = whole.orbit(whole.prepare(ket), ts)
    b, _ = blocks.orbit(blocks.prepare(GaussianSum.coherent(alpha)), ts)
    one, other = (jax.tree.map(lambda x: x[1], state) for state in (a, b))
    for m, n in (((1, 0), (1, 0)), ((1, 0), (0, 1)), ((1, 1), (0, 2))):
        # n_eff/(1+n_eff) = .1 in size: 1e-9 of the trace has more than 10 quanta
        got, want = blocks.moment(other, m, n), whole.moment(one, m, n)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-6)


def test_a_thermal_start_is_one_coherent_at_another_C():
    """n_eff = (n̄+1)/C - 1: at C = n̄ + 1 the operator is a coherent state."""
    law = HusimiFokkerPlanck(chain(2), 1.2, form=Exact(Sectors(9)))
    state = law.prepare(GaussianSum.thermal(0.2, [0.5, 0.3j]))
    # of rank one: each block squares to its trace times itself
    for block in state.pieces:
        square = jnp.matmul(block, block)
        trace = jnp.trace(block, axis1=1, axis2=2)[:, None, None]
        # sums of ten terms of size 1
        np.testing.assert_allclose(square, trace * block, rtol=0, atol=1e-13)
    mean = law.moment(state, (1, 0), (1, 0))
    # <|α|²> = |α|² + n̄ + 1; a share of 1e-11 has more than 9 quanta
    np.testing.assert_allclose(mean, 0.25 + 1.2, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_quanta_are_chosen_by_the_tail():
    law = HusimiFokkerPlanck(chain(3), 0.95, form=Exact(Sectors(tolerance=1e-5)))
    state = law.prepare(GaussianSum.coherent([ROOT, 0.0, 0.0]))
    # 12 quanta leave 5e-6 of the trace out, 15 leave 5e-8
    assert 12 < state.quanta <= 15
    share = law.watch().resolution(state).share
    assert 1e-8 < float(share) < 1e-6


@pytest.mark.sampled
@pytest.mark.parametrize("which", ["C", "J", "U"])
def test_derivatives(which):
    def value(x):
        given = {"C": 1.0, "J": 1.0, "U": 0.0, which: x}
        law = HusimiFokkerPlanck(
            chain(2, given["J"], given["U"]), given["C"], form=Exact(Sectors(5))
        )
        start = law.prepare(GaussianSum.coherent([0.7, 0.2j]))
        states, _ = law.orbit(start, jnp.asarray([0.0, 0.8]))
        end = jax.tree.map(lambda leaf: leaf[1], states)
        return jnp.real(law.moment(end, (1, 0), (1, 0)))

    # at U = 0 levels are degenerate between sectors, at C = 1 n_eff changes its sign
    at = {"C": 1.0, "J": 1.0, "U": 0.0}[which]
    step = 1e-4
    value = jax.jit(value)
    numeric = (value(at + step) - value(at - step)) / (2 * step)
    # third derivatives of order 1 times the step squared
    np.testing.assert_allclose(jax.grad(value)(at), numeric, rtol=0, atol=1e-6)


def test_rate_is_that_of_the_orbit():
    law = HusimiFokkerPlanck(chain(2), 0.9, form=Exact(Sectors(4)))
    state = law.prepare(GaussianSum.coherent([0.7, 0.2j]))
    step = 1e-5
    states, _ = law.orbit(state, jnp.asarray([0.0, step, 2 * step]))
    rate = law.vector_field(0.0, jax.tree.map(lambda x: x[1], states))
    for moved, exact in zip(states.pieces, rate.pieces, strict=True):
        # rounding 1e-16 over the step, and its square
        numeric = (moved[2] - moved[0]) / (2 * step)
        np.testing.assert_allclose(numeric, exact, rtol=0, atol=1e-8)


def test_states_of_many_modes_are_in_order():
    states = occupations(5, 4)
    assert len(states) == sum(sector_sizes(5, 4)) == 126
    np.testing.assert_array_equal(positions(states), np.arange(126))
    assert len(occupations(32, 3)) == sum(sector_sizes(32, 3)) == 6545
    # beyond what a table of all levels could number
    np.testing.assert_array_equal(positions(occupations(32, 3)), np.arange(6545))


def test_entries_are_those_of_the_operators():
    power = ((1, 0), (0, 2))
    _, rows, columns, values = monomial_entries((power,), 3)
    whole = np.asarray(matrix(Symbol([1.0], [power]), 4))
    flat = np.ravel_multi_index(tuple(occupations(2, 3).T), (4, 4))
    # roots of whole numbers
    np.testing.assert_allclose(
        whole[flat[rows], flat[columns]], values, rtol=0, atol=1e-13
    )
    assert np.count_nonzero(whole[np.ix_(flat, flat)]) == len(values)


def test_refusals():
    law = HusimiFokkerPlanck(chain(2), form=Exact(Sectors(4)))
    state = law.prepare(GaussianSum.coherent([0.7, 0.2j]))
    with pytest.raises(ValueError, match="`m` must be of as many powers as `n`"):
        law.moment(state, (1, 0), (0, 0))
    with pytest.raises(ValueError, match="`points` must be None for blocks in"):
        law.density(state, jnp.zeros((1, 2), complex))
    with pytest.raises(ValueError, match="must be a GaussianSum of coherent"):
        law.prepare(np.eye(4)[:2, :2])
    with pytest.raises(ValueError, match="is squeezed or correlated"):
        law.prepare(GaussianSum.squeezed([0.3, 0.0]))
    with pytest.raises(ValueError, match=r"`C` must be in \(0, C_max\) with C_max = 2"):
        HusimiFokkerPlanck(chain(2), 2.1, form=Exact(Sectors(4))).prepare(
            GaussianSum.coherent([0.7, 0.2j])
        )
    pump = Symbol([0.5, 0.5], [((2,), (0,)), ((0,), (2,))])
    with pytest.raises(ValueError, match=r"must conserve .* the term a\*\^2"):
        HusimiFokkerPlanck(pump, form=Exact(Sectors()))
    with pytest.raises(ValueError, match="`tolerance` must be given to `Sectors`"):
        HusimiFokkerPlanck(chain(2), form=Exact(Sectors(4), Series(tolerance=1e-3)))
    with pytest.raises(ValueError, match="20 quanta in 4 modes are 1771"):
        HusimiFokkerPlanck(chain(4), form=Exact(Sectors(20)))
    with pytest.raises(ValueError, match="`quanta` must be given to `Sectors`"):
        jax.jit(
            lambda C: HusimiFokkerPlanck(chain(2), C, form=Exact(Sectors())).prepare(
                GaussianSum.coherent([0.7, 0.2j])
            )
        )(0.9)
