"""Linear response of many modes at C = 1."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.laws.husimi import Exact, FirstOrder, GaussianSum, HusimiFokkerPlanck, Sectors
from jqd.laws.husimi import sectors as number_sectors
from jqd.spaces.symbols import bose_hubbard
from jqd.states import coherent, product

ALPHA = [np.sqrt(2.0), 0.0, 0.0]
ONE = (1, 0, 0)


def law_of(C, form, modes=3):
    graph = [(i, i + 1) for i in range(modes - 1)]
    return HusimiFokkerPlanck(bose_hubbard(1.0, 0.5, graph), C, form=form)


def first_mode(C, form, ts, modes=3):
    """<|α_1|²> at each time."""
    law, one = law_of(C, form, modes), ONE[:modes]
    states, _ = law.orbit(law.prepare(GaussianSum.coherent(ALPHA[:modes])), ts)
    return jax.vmap(lambda state: jnp.real(law.moment(state, one, one)))(states)


@pytest.mark.slow
def test_derivative_at_C_1():
    ts = jnp.asarray([0.0, 1.0, 2.0])
    slope = jax.jacfwd(lambda C: first_mode(C, Exact(Sectors(15), FirstOrder()), ts))(
        1.0
    )
    # six digits are known; 15 quanta leave out 5e-8
    np.testing.assert_allclose(slope[1:], [-0.125675, -0.352414], rtol=0, atol=1e-5)
    # |α|² at the start does not depend on C
    np.testing.assert_allclose(slope[0], 0, rtol=0, atol=1e-5)


def test_what_is_left_out_is_quadratic():
    ts = jnp.asarray([0.0, 1.0, 2.0])

    @jax.jit
    def left(C):
        response = first_mode(C, Exact(Sectors(17), FirstOrder()), ts, modes=2)
        return response - first_mode(C, Exact(Sectors(17)), ts, modes=2)

    for side in (1, -1):
        near, far = left(1 + 0.02 * side), left(1 + 0.04 * side)
        # as (C-1)²; a third order of one or two (C-1)³ changes 4 by 0.04 to 0.08
        np.testing.assert_allclose((far / near)[1:], 4, rtol=0, atol=0.15)
        # 0.25 (C-1)² at the second time
        assert np.all(np.abs(near) < 1.5e-4)


@pytest.mark.slow
@pytest.mark.parametrize("modes", [1, 2])
def test_at_C_1_it_is_quantum_mechanics(modes):
    """Density and moments that do not conserve the number of quanta included."""
    alpha = [0.6, -0.3j][:modes]
    symbol = law_of(1.0, "exact", 2).symbol if modes == 2 else "0.25*ad^2*a^2"
    response = HusimiFokkerPlanck(symbol, form=Exact(Sectors(16), FirstOrder()))
    exact = HusimiFokkerPlanck(symbol, form=Exact(16))
    ket = product(*(coherent(a, 12) for a in alpha))
    ts = jnp.asarray([0.0, 0.9])
    a, _ = response.orbit(response.prepare(GaussianSum.coherent(alpha)), ts)
    b, _ = exact.orbit(exact.prepare(ket), ts)
    one, other = (jax.tree.map(lambda leaf: leaf[1], state) for state in (a, b))
    points = jnp.asarray([[0.3 + 0.5j, -0.8j], [0.1, 0.2]])[:, :modes]
    points = points[:, 0] if modes == 1 else points
    # amplitudes of more than 12 quanta are 1e-8
    np.testing.assert_allclose(
        response.density(one, points), exact.density(other, points), rtol=0, atol=1e-8
    )
    m, n = ((2,), (1,)) if modes == 1 else ((1, 0), (0, 0))
    np.testing.assert_allclose(
        response.moment(one, m, n), exact.moment(other, m, n), rtol=0, atol=1e-7
    )


@pytest.mark.slow
def test_large_sectors_by_series(monkeypatch):
    law = law_of(1.03, Exact(Sectors(6), FirstOrder()))
    start = law.prepare(GaussianSum.coherent(ALPHA))
    ts = jnp.asarray([0.0, 0.4, 9.0])
    dense, _ = law.orbit(start, ts)
    monkeypatch.setattr(number_sectors, "LARGEST_SECTOR", 1)
    series, _ = law.orbit(start, ts)
    # phases of a few hundred, rounded
    np.testing.assert_allclose(series.kets, dense.kets, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_rate_is_that_of_the_orbit():
    law = law_of(0.97, Exact(Sectors(4), FirstOrder()))
    start = law.prepare(GaussianSum.coherent(ALPHA))
    step = 1e-5
    states, _ = law.orbit(start, jnp.asarray([0.0, step, 2 * step]))
    rate = law.vector_field(0.0, jax.tree.map(lambda leaf: leaf[1], states))
    numeric = (states.kets[2] - states.kets[0]) / (2 * step)
    # rounding 1e-16 over the step, and its square times the cube of the energies
    np.testing.assert_allclose(numeric, rate.kets, rtol=0, atol=1e-7)


def test_refusals():
    form = Exact(Sectors(), FirstOrder())
    with pytest.raises(ValueError, match=r"must be a GaussianSum .* `FirstOrder`"):
        law_of(1.0, form).prepare(np.ones((2, 2, 2)) / np.sqrt(8))
    with pytest.raises(ValueError, match="must conserve the number of quanta"):
        HusimiFokkerPlanck("a + ad", form=form)
