"""Many modes for C < 1 from coherent starts drawn at random."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.laws.husimi import Exact, GaussianSum, HusimiFokkerPlanck, PSamples, Sectors
from jqd.laws.husimi.sectors import SectorKets
from jqd.laws.husimi.starts import regression
from jqd.spaces.symbols import bose_hubbard

UNITS = [tuple(row) for row in np.eye(3, dtype=int).tolist()]
# <|α_i|²> - 1 at C = .95, t = 1
EXPECTED = np.array([0.74771909, 0.92174759, 0.33053331])


def law_of(form, C=0.95, modes=3):
    graph = [(i, i + 1) for i in range(modes - 1)]
    return HusimiFokkerPlanck(bose_hubbard(1.0, 0.5, graph), C, form=form)


def at(law, t):
    start = law.prepare(GaussianSum.coherent([np.sqrt(2.0)] + [0.0] * (law.modes - 1)))
    states, _ = law.orbit(start, jnp.asarray([0.0, t]))
    return jax.tree.map(lambda leaf: leaf[1], states)


def of_each(law, state, m):
    """<|α|²> of each sample."""
    return SectorKets().means(law.equation.quantum, state, m, m)


@pytest.mark.slow
def test_means_and_spread():
    law = law_of(Exact(Sectors(13), PSamples(4000)))
    state = at(law, 1.0)
    for unit, expected in zip(UNITS, EXPECTED, strict=True):
        value = float(jnp.real(law.moment(state, unit, unit))) - 1
        error = float(law.form.standard_error(law.equation, state, unit, unit))
        # beyond four standard errors once in 16000; 1e-6 of the trace is left out
        assert abs(value - expected) < 4 * error + 1e-5
        each = np.asarray(of_each(law, state, unit)).real
        # the linear part is taken out
        assert error < np.std(each) / np.sqrt(4000)
    each = np.asarray(of_each(law, state, UNITS[0]))
    # known to two digits
    np.testing.assert_allclose(np.std(each.real), 0.29, rtol=0.1)


@pytest.mark.slow
def test_errors_are_honest():
    """Of 64 sets of samples, deviations in standard errors have width 1."""
    sets, count = 64, 400
    law = law_of(Exact(Sectors(13), PSamples(sets * count)))
    state = at(law, 1.0)
    each = of_each(law, state, UNITS[0]).reshape(sets, count)
    normals = law.form.start.normals(3, float).reshape(sets, count, -1)

    def look(each, normals):
        mean, error = regression(each, normals)
        return jnp.real(mean) - 1, error

    values, errors = map(np.asarray, jax.lax.map(lambda x: look(*x), (each, normals)))
    pulls = (values - EXPECTED[0]) / errors
    # 64 deviates: their width is known to 9 %, their mean to 0.125; three of those
    assert abs(np.std(pulls) - 1) < 0.27
    assert abs(np.mean(pulls)) < 0.38


def test_same_seed_same_samples():
    one, two, other = (
        law_of(Exact(Sectors(3), PSamples(40, seed))).prepare(
            GaussianSum.coherent([0.5] * 3)
        )
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.kets, two.kets)
    assert np.max(np.abs(one.kets - other.kets)) > 0.1


@pytest.mark.slow
def test_at_C_1_all_samples_are_the_state():
    state = at(law_of(Exact(Sectors(4), PSamples(10)), C=1.0), 0.5)
    # the same amplitudes, added up in the same order
    kets = np.asarray(state.kets)
    np.testing.assert_allclose(kets, kets[:1].repeat(10, axis=0), rtol=0, atol=1e-14)


@pytest.mark.slow
def test_thermal_starts_above_C_1():
    """n_eff = (1 + 0.3)/1.1 - 1 > 0: the same mean as from blocks."""
    start = GaussianSum.thermal(0.3, [0.5, 0.2j])
    sampled = law_of(Exact(Sectors(9), PSamples(4000)), C=1.1, modes=2)
    blocks = law_of(Exact(Sectors(9)), C=1.1, modes=2)
    drawn, whole = sampled.prepare(start), blocks.prepare(start)
    m = (1, 0)
    value, expected = sampled.moment(drawn, m, m), blocks.moment(whole, m, m)
    error = sampled.form.standard_error(sampled.equation, drawn, m, m)
    # beyond four standard errors once in 16000
    assert abs(float(jnp.real(value - expected))) < 4 * float(error)


@pytest.mark.slow
def test_eight_modes():
    """Sectors of thousands of states, by series."""
    law = law_of(Exact(Sectors(8), PSamples(32)), modes=8)
    state = at(law, 1.0)
    m = (1,) + (0,) * 7
    value = float(jnp.real(law.moment(state, m, m))) - 1
    error = float(law.form.standard_error(law.equation, state, m, m))
    # known at C = 1 and 8 quanta; C = .95 adds what three modes show, 0.006
    assert abs(value - 0.7376 - 0.006) < 4 * error + 0.01
    assert float(law.watch().resolution(state).share) < 0.02


def test_refusals():
    start = GaussianSum.coherent([0.5] * 3)
    # (1.05/.95)^6 = 1.82
    with pytest.raises(ValueError, match=r"`C` must be at most 1 .* = 1.82 times"):
        law_of(Exact(Sectors(3), PSamples(40)), C=1.05).prepare(start)
    with pytest.raises(ValueError, match="`samples` must be"):
        law_of(Exact(Sectors(), PSamples(4)))
