"""Chains by matrix products beside the forms that hold every state."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import jqd
from jqd.laws.husimi import (
    Exact,
    FirstOrder,
    GaussianSum,
    HusimiFokkerPlanck,
    PSamples,
    Sectors,
    chain_moments,
)
from jqd.laws.husimi import matrix_products as products
from jqd.spaces.symbols import Symbol, bose_hubbard
from jqd.status import Status

NEAR = Exact(Sectors(), FirstOrder())
THREE = GaussianSum.coherent([np.sqrt(2.0), 0.0, 0.0])
WITHOUT = "quimb is not installed: pip install 'jqd[mps]'"


def law_of(C, form, modes=3, U=0.5, J=1.0):
    graph = [(i, i + 1) for i in range(modes - 1)]
    return HusimiFokkerPlanck(bose_hubbard(J, U, graph), C, form=form)


def on_sectors(law, psi, ts, moments):
    """The same moments of the law itself, (T, moments)."""
    states, _ = law.orbit(law.prepare(psi), jnp.asarray(ts))
    each = [jax.vmap(lambda s, p=p: law.moment(s, *p))(states) for p in moments]
    return np.stack(each, axis=1)


@pytest.fixture
def quimb():
    return pytest.importorskip("quimb.tensor", reason=WITHOUT)


def test_response_of_four_sites(quimb):
    """Complex hopping, site energies, moments of one site and of three."""
    hops, fill = np.array([1.0, 0.6 + 0.5j, 0.8]), np.array([0.3, 0.0, -0.2, 0.1])
    symbol = bose_hubbard(hops, 0.5, [(0, 1), (1, 2), (2, 3)], mu=fill, hbar=0.9)
    psi = GaussianSum.coherent([0.5, 0.0, 0.3j, 0.0], hbar=0.9)
    moments = [((1, 0, 0, 0), (1, 0, 0, 0)), ((1, 0, 0, 1), (0, 2, 0, 0))]
    ts = [0.0, 0.3, 0.7]
    law = HusimiFokkerPlanck(
        symbol, 1.04, hbar=0.9, form=Exact(Sectors(8), FirstOrder())
    )
    got = chain_moments(law, psi, ts, moments, step=0.1, cutoff=1e-14, levels=9)
    expected = on_sectors(law, psi, ts, moments)
    # more than 8 quanta: 1e-8, and splits leave amplitudes of 1e-7 out
    np.testing.assert_allclose(got.values, expected, rtol=0, atol=2e-7)
    assert float(jnp.max(got.error)) < 2e-7
    assert got.stderr is None
    np.testing.assert_array_equal(got.status, Status.OK)


def test_samples_of_three_sites(quimb):
    """The same kets, so the same means and standard errors."""
    psi = GaussianSum.thermal(0.02, [0.5, 0.0, 0.2])
    law = law_of(0.95, Exact(Sectors(11), PSamples(8, 3)))
    ts, m = [0.0, 0.4], (1, 0, 0)
    got = chain_moments(law, psi, ts, [(m, m)], step=0.2, cutoff=1e-12, levels=12)
    expected = on_sectors(law, psi, ts, [(m, m)])
    # splits leave amplitudes of 1e-6 out, as does the step
    np.testing.assert_allclose(got.values, expected, rtol=0, atol=1e-5)
    states, _ = law.orbit(law.prepare(psi), jnp.asarray(ts))
    last = jax.tree.map(lambda leaf: leaf[1], states)
    error = law.form.standard_error(law.equation, last, m, m)
    np.testing.assert_allclose(got.stderr[1, 0], error, rtol=0, atol=1e-5)


def test_steps_are_of_fourth_order_and_their_error_is_known(quimb):
    law = law_of(1.0, Exact(Sectors(8), FirstOrder()), J=2.0)
    psi = GaussianSum.coherent([0.9, 0.0, 0.0])
    exact = on_sectors(law, psi, [0.0, 1.2], [((1, 0, 0), (1, 0, 0))])[1, 0]

    def run(step):
        moments = [((1, 0, 0), (1, 0, 0))]
        return chain_moments(law, psi, [0.0, 1.2], moments, step=step, cutoff=1e-17,
                             levels=9)  # fmt: skip

    runs = {step: run(step) for step in (0.3, 0.15)}
    far, near = (abs(runs[step].values[1, 0] - exact) for step in (0.3, 0.15))
    # 2^4; the next order changes it by a few hundredths
    np.testing.assert_allclose(far / near, 16, rtol=0.1)
    # at C = 1 there is one ket: the estimate is that of the error itself
    np.testing.assert_allclose(runs[0.3].error[1, 0], far, rtol=0.1)


def test_limits_are_told(quimb):
    psi = GaussianSum.coherent([1.0, 0.5])
    law = law_of(1.0, NEAR, modes=2)
    cut = chain_moments(law, psi, [0.0, 0.5], step=0.25, bond=1)
    few = chain_moments(law, psi, [0.0, 0.5], step=0.25, levels=3)
    np.testing.assert_array_equal(cut.status, [Status.OK, Status.CUTOFF])
    assert int(cut.bond[1]) == 1
    assert float(cut.left_out[1]) > 1e-5
    assert float(few.top_share[0]) > 1e-3
    assert few.status[0] == Status.CUTOFF
    assert "edge of its basis" in few.describe()


def test_a_far_quantum_leaves_idle_bonds_alone(quimb):
    """Between the two sites that hold quanta nothing moves."""
    modes = 12
    law = law_of(1.0, NEAR, modes=modes)
    bonds = jqd.laws.husimi.chains._bonds(law.symbol)
    table = np.zeros((modes, 8), complex)
    table[:, 0] = 1.0
    table[0], table[-1] = np.eye(8)[2], np.eye(8)[1]
    ket = products.MatrixProduct(
        table, products.Gates(bonds, 1.0), products.Limits(8, 1e-10, 8)
    )
    ket.advance(0.05, 1)
    sizes = ket._psi.bond_sizes()
    assert sizes[0] > 1
    assert sizes[-1] > 1
    # amplitudes below 1e-8 of the fastest path start nothing
    assert sizes[4:-4] == [1] * (modes - 9)
    np.testing.assert_allclose(ket.norm2(), 1, rtol=0, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("C", [1.0, 0.97])
def test_free_hopping_of_32_sites(quimb, C):
    """U = 0: α moves by exp(-i h t) and n_eff stays, |α_i|² + ħ."""
    modes, t = 32, 0.5
    law = law_of(C, NEAR, modes, U=0.0)
    alpha = np.zeros(modes)
    alpha[[0, 20]] = np.sqrt(2.0), 0.4
    got = chain_moments(law, GaussianSum.coherent(alpha), [0.0, t], step=0.1)
    hopping = -np.eye(modes, k=1) - np.eye(modes, k=-1)
    moved = expm(-1j * hopping * t) @ alpha
    # a quadratic H makes the response exact; splits leave 1e-8 of the norm out
    np.testing.assert_allclose(got.values[1], np.abs(moved) ** 2 + 1, rtol=0, atol=2e-5)
    assert int(got.bond[1]) <= 16


@pytest.mark.slow
def test_two_quanta_in_32_sites(quimb):
    """At t = 1 they have not met the end of eight sites."""
    modes = 32
    law = law_of(1.0, NEAR, modes)
    alpha = np.zeros(modes)
    alpha[0] = np.sqrt(2.0)
    one = (1,) + (0,) * (modes - 1)
    psi = GaussianSum.coherent(alpha)
    got = chain_moments(law, psi, [0.0, 1.0], [(one, one)], step=0.1)
    # six sites with up to 13 quanta by number sectors in SciPy, which leave out 6e-7;
    # with eight sites and eight quanta, which leave out 2e-4 of the trace, it is .7376
    np.testing.assert_allclose(got.values[1, 0], 1 + 0.739275, rtol=0, atol=1e-5)
    assert float(got.error[1, 0]) < 1e-5
    np.testing.assert_array_equal(got.status, Status.OK)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"law": "psi"}, r"`law` must be a HusimiFokkerPlanck, but is of type str"),
        ({"law": law_of(1.0, Exact(Sectors()))}, "must have the start `FirstOrder`"),
        (
            {"law": HusimiFokkerPlanck(bose_hubbard(1.0, 0.5, [(0, 1), (0, 2)]),
                                       form=NEAR)},
            r"of two neighbours, but has the term a1\* a3",
        ),
        (
            {"law": HusimiFokkerPlanck("0.25*ad^2*a^2", form=NEAR),
             "psi": GaussianSum.coherent(0.5)},
            r"`law` must have at least 2 modes, but has 1",
        ),
        (
            {"law": HusimiFokkerPlanck("g(t)*(ad1*a2 + ad2*a1)", form=NEAR,
                                       g=lambda t: t)},
            r"`law` must have a Hamiltonian that is constant in time",
        ),
        (
            # levels hold it, but sites at rest are passed over
            {"law": HusimiFokkerPlanck("a1 + ad1 + a2 + ad2",
                                       form=Exact(start=FirstOrder()))},
            r"that conserves the number of quanta, but has the term a2\*",
        ),
        ({"psi": GaussianSum.squeezed(0.3, displacement=[0.5] * 3)}, "is squeezed or"),
        ({"psi": GaussianSum.coherent([0.5])}, "must be one Gaussian of 3 modes"),
        ({"ts": [0.0, 0.0]}, "`ts` must increase strictly"),
        ({"step": 0.0}, "`step` must be positive"),
        ({"cutoff": -1.0}, "`cutoff` must be positive"),
        ({"tolerance": None}, "`tolerance` must be a number"),
        ({"bond": 0}, "`bond` must be at least 1"),
        ({"levels": 1}, "`levels` must be at least 2"),
        ({"moments": []}, r"`moments` must be pairs of powers \(m, n\)"),
        ({"moments": [(1, 0, 0)]}, r"`moments` must be pairs of powers \(m, n\)"),
        ({"moments": [((1, 0), (1, 0))]}, "`moments` must be 3 powers"),
        ({"law": law_of(1.05, Exact(start=PSamples(40)))}, "`C` must be at most 1"),
    ],
)  # fmt: skip
def test_refusals(change, complaint):
    given = {
        "law": law_of(1.0, NEAR),
        "psi": THREE,
        "ts": [0.0, 1.0],
    }
    given |= {"step": 0.1} | change
    with pytest.raises(ValueError, match=complaint):
        chain_moments(given.pop("law"), given.pop("psi"), given.pop("ts"), **given)


def test_values_that_are_traced_are_refused():
    def run(C):
        return chain_moments(law_of(C, NEAR), THREE, [0.0, 1.0], step=0.1).values

    with pytest.raises(ValueError, match=r"outside of `jax\.jit`"):
        jax.jit(run)(1.0)


def test_without_quimb(monkeypatch):
    monkeypatch.setitem(sys.modules, "quimb", None)
    monkeypatch.setitem(sys.modules, "quimb.tensor", None)
    with pytest.raises(ImportError, match=r'pip install "jqd\[mps\]"'):
        chain_moments(law_of(1.0, NEAR), THREE, [0.0, 1.0], step=0.1)


def test_terms_of_a_site_go_half_to_each_neighbour():
    """The bonds add up to H, whatever terms it has."""
    H = Symbol.from_terms(
        {
            ((1, 0, 0), (1, 0, 0)): 0.3,
            ((0, 1, 1), (0, 1, 1)): 0.2,
            ((0, 1, 0),) * 2: 0.7,
        }
    )
    bonds = jqd.laws.husimi.chains._bonds(H)
    points = np.array([0.3 + 0.1j, -0.4j, 0.8])
    total = sum(one(points[i : i + 2]) for i, one in enumerate(bonds))
    np.testing.assert_allclose(total, H(points), rtol=0, atol=1e-15)
