"""Level densities, matter and photon configurations: spectra, couplings, refusals."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.tower_matter import kim_huse_ising, spin_sum
from jax.scipy.special import logsumexp

from jqd import constants
from jqd.matter import tower

EXPONENTIAL = tower.ExponentialDensity(0.8, 7.0)


@pytest.mark.equation("thermalization", "claim-D")
def test_ising_chain_of_eight_spins():
    """T(E = -4, η = 1) and its slope in both fields, through eigvalsh."""

    @jax.jit
    @jax.value_and_grad
    def temperature(fields):
        levels = jnp.linalg.eigvalsh(kim_huse_ising(8, *fields))
        return 1 / jax.grad(lambda E: logsumexp(-((E - levels) ** 2) / 2))(-4.0)

    T, slope = temperature(jnp.array([0.9045, 0.8090]))
    # the references are given to so many digits
    assert float(T) == pytest.approx(5.919571, abs=1e-5)
    np.testing.assert_allclose(slope, [4.687881, 4.361625], atol=1e-5)
    # negative controls: a ring, and a chain without defects, are other chains
    H = kim_huse_ising(8)
    assert not np.allclose(H, kim_huse_ising(8, periodic=True))
    assert not np.allclose(H, kim_huse_ising(8, defects={}))


def test_ising_chain_is_a_sum_of_products():
    Z, X, one = np.diag([1.0, -1.0]), np.array([[0, 1.0], [1, 0]]), np.eye(2)

    def at(site, operator):
        # bit 0 is the last factor
        factors = [operator if j == site else one for j in (2, 1, 0)]
        return np.kron(np.kron(factors[0], factors[1]), factors[2])

    expected = at(0, Z) @ at(1, Z) + at(1, Z) @ at(2, Z)
    for j in range(3):
        expected += 0.4 * at(j, X) + 0.3 * (1.0 + (0.2 if j == 1 else 0)) * at(j, Z)
    H = kim_huse_ising(3, 0.4, 0.3, defects={1: 0.2})
    np.testing.assert_allclose(H, expected, atol=1e-15)  # sums of three numbers
    np.testing.assert_allclose(
        spin_sum(np.array([1.0, 2.0, 3.0]), "z"),
        at(0, Z) + 2 * at(1, Z) + 3 * at(2, Z),
        atol=0,
    )


def test_a_density_of_levels():
    """Quantiles invert the integral of g, which is 1; T⁻¹ = ∂ ln g/∂E."""

    @jax.jit
    def look():
        low, high = EXPONENTIAL.quantile(jnp.array([0.0, 1.0]))
        E = jnp.linspace(low, high, 4001)
        logs = EXPONENTIAL.log_density(jnp.concatenate([E, jnp.stack([low, high]) * 2]))
        return E, logs, EXPONENTIAL.levels(9), EXPONENTIAL.temperature(3.0)

    E, logs, levels, T = map(np.asarray, look())
    g = np.exp(logs[1:4000])
    g = np.concatenate([g[:1], g, g[-1:]])
    below = np.concatenate([[0], np.cumsum((g[1:] + g[:-1]) / 2)]) * (E[1] - E[0])
    # trapezoids of 4000 cells, the end values replaced by their neighbours
    assert below[-1] == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(
        np.interp(levels, E, below), (np.arange(9) + 0.5) / 9, atol=1e-3
    )
    assert float(T) == pytest.approx(1.25, rel=1e-12)
    assert np.isneginf(logs[-1])


@pytest.mark.parametrize("beta", [-200.0, 200.0])
def test_a_density_may_rise_or_fall_steeply(beta):
    """e^(βW) = e^1400 is no number; from the end of most levels, E = ln(u)/β."""
    density = tower.ExponentialDensity(beta, 7.0)
    u = (np.arange(4) + 0.5) / 4
    # 1 - u counts from the other end
    end, share = (7.0, u) if beta > 0 else (0.0, 1 - u)
    expected = end + np.log(share) / beta
    np.testing.assert_allclose(density.levels(4), expected, rtol=1e-12)
    logs = np.log(200 * share)  # g = |β| u there
    np.testing.assert_allclose(density.log_density(expected), logs, atol=1e-9)
    matter = tower.random_matter(
        jax.random.key(0), 4, density, tower.GaussianShape(1.0)
    )
    assert np.all(np.isfinite(matter.coupling))


def test_light_begins_in_a_level_of_the_matter():
    """Of two levels none is above three quarters of all: the upper one is taken."""
    law = tower.RandomTower(
        jax.random.key(0), 2, 1, 0.1, 0.8, 0.7, width=7.0, bandwidth=2.0
    )
    np.testing.assert_array_equal(law.foot(0.75), [[0, 0], [1, 0]])
    # and a fit keeps the frequency that a tower refuses below 0
    assert constants.bounds(law, "omega") == (0.0, np.inf)


@pytest.mark.slow
def test_random_matter(key):
    """<X_ij²> sqrt(g_i g_j)/f² = 1; X is a function of β at a given key."""
    D, shape = 300, tower.GaussianShape(3.0)

    @jax.jit
    def draw():
        matter = tower.random_matter(key, D, EXPONENTIAL, shape)
        g = D * jnp.exp(EXPONENTIAL.log_density(matter.energies))
        return matter.energies, matter.coupling, g**0.25

    E, X, root = map(np.asarray, draw())
    R = X * root[:, None] * root[None, :]
    R = R / np.exp(-(((E[:, None] - E[None, :]) / 3) ** 2))
    off = np.asarray(R)[np.triu_indices(D, 1)]
    # 4.5e4 numbers of variance 1: sd of their variance sqrt(2/4.5e4) = .007, four
    assert np.var(off) == pytest.approx(1, abs=0.028)
    assert np.var(np.diagonal(R)) == pytest.approx(2, abs=4 * 2 * np.sqrt(2 / D))

    def corner(beta):
        density = tower.ExponentialDensity(beta, 7.0)
        return tower.random_matter(key, 20, density, shape).coupling[3, 15]

    slope = jax.jit(jax.grad(corner))(0.8)
    h = 1e-5  # h² f'''/6 ~ 1e-10, rounding 1e-16/1e-5
    near = jax.jit(jax.vmap(corner))(jnp.array([0.8 - h, 0.8 + h]))
    difference = (near[1] - near[0]) / (2 * h)
    assert float(slope) == pytest.approx(float(difference), rel=1e-6)


def test_user_matter_keeps_its_operators():
    rng = np.random.default_rng(3)
    H, X = rng.normal(size=(2, 6, 6)) + 1j * rng.normal(size=(2, 6, 6))
    H, X = H + H.conj().T, X + X.conj().T
    matter = tower.user_matter(H, X)
    V = np.asarray(matter.vectors)
    # rounding of a 6 x 6 eigenbasis
    np.testing.assert_allclose(
        V * np.asarray(matter.energies) @ V.conj().T, H, atol=1e-13
    )
    np.testing.assert_allclose(
        V @ np.asarray(matter.coupling) @ V.conj().T, X, atol=1e-13
    )
    diagonal = tower.user_matter([3.0, 1.0, 2.0], np.real(X[:3, :3]))
    assert diagonal.energies.tolist() == [1.0, 2.0, 3.0]
    assert float(diagonal.coupling[0, 2]) == X[1, 0].real


def test_integrable_matter():
    ladder = tower.harmonic_ladder(4, 0.5)
    assert ladder.energies.tolist() == [0, 0.5, 1.0, 1.5]
    # [b, b†] = 1: X² has 2n + 1 on its diagonal, but for the top level
    X = np.asarray(ladder.coupling)
    np.testing.assert_allclose(np.diagonal(X @ X)[:3], [1, 3, 5], rtol=1e-15)
    fields = np.diagonal(spin_sum(np.array([0.5, 1.0]), "z"))
    spins = tower.user_matter(fields, spin_sum(np.ones(2)))
    assert spins.energies.tolist() == [-1.5, -0.5, 0.5, 1.5]


def test_configurations():
    kept = tower.photon_configurations([1.0, 0.7], 2.1)
    assert kept.numbers.tolist() == [
        [0, 0],
        [0, 1],
        [1, 0],
        [0, 2],
        [1, 1],
        [2, 0],
        [0, 3],
    ]
    assert kept.totals.tolist() == [0, 1, 1, 2, 2, 2, 3]
    assert kept.raised.tolist() == [[2, 4, 5, 7, 7, 7, 7], [1, 3, 4, 6, 7, 7, 7]]
    assert kept.lowered.tolist() == [[7, 7, 0, 7, 1, 2, 7], [7, 0, 7, 1, 2, 7, 3]]
    assert kept.edge.tolist() == [False] * 3 + [True] * 4
    assert kept == tower.photon_configurations([1.0, 0.7], 2.1)
    assert len({kept, tower.photon_configurations([1.0, 0.7], 2.2)}) == 1
    assert kept != tower.photon_configurations([1.0, 0.7], 3.0)


def _matter(energies=(0.0, 1.0), coupling=((0.0, 1.0), (1.0, 0.0))):
    return tower.Matter(jnp.asarray(energies), jnp.asarray(coupling))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tower.user_matter([[0, 1.0], [2.0, 0]], np.eye(2)),
         "`hamiltonian` must be Hermitian"),
        (lambda: tower.user_matter(np.eye(2), [[0, 1.0], [2.0, 0]]),
         "`coupling` must be Hermitian"),
        (lambda: tower.user_matter(np.eye(3), np.eye(2)),
         "`coupling` must have shape (3, 3)"),
        (lambda: tower.user_matter([0.0, np.nan], np.eye(2)),
         "`hamiltonian` must be finite"),
        (lambda: _matter((1.0, 0.0)), "`energies` must be in ascending order"),
        (lambda: _matter((1.0,)), "`energies` must be a vector of at least two"),
        (lambda: tower.random_matter(None, 1, EXPONENTIAL, jnp.cos),
         "`levels` must be a whole number of at least 2"),
        (lambda: tower.ExponentialDensity(0.0, 1.0), "`beta` must not be zero"),
        (lambda: tower.ExponentialDensity(1.0, -1.0), "`width` must be positive"),
        (lambda: tower.photon_configurations([1.0, 2.0], 1.9),
         "`cutoff` must leave room for one quantum of each mode, 2,"),
        (lambda: tower.photon_configurations([1.0, -2.0], 9.0),
         "`omega` must be positive"),
        (lambda: tower.photon_configurations(np.ones(30), 9.0),
         "`cutoff` must keep at most 200000"),
        (lambda: tower.Configurations(np.array([[1], [2]])),
         "`numbers` must hold the vacuum"),
        (lambda: tower.Tower(_matter(), -1.0, 0.1, 3.0), "`omega` must be positive"),
        (lambda: tower.Tower(_matter(), 1.0, np.nan, 3.0), "`strength` must be finite"),
        (lambda: tower.Tower(_matter(), 1.0, 0.1j, 3.0), "`strength` must be real"),
        (lambda: tower.Tower(_matter(), 1.0, [0.1, 0.2], 3.0),
         "`strength` must have shape (1,)"),
        (lambda: tower.Tower(_matter(), 1.0, 0.1, 0.5), "`cutoff` must leave room"),
        (lambda: tower.Tower(_matter(), 1.0, 0.1, 3.0, form="dicke"),
         "`form` must be one of 'rabi', 'rwa'"),
        (lambda: jax.jit(lambda w: tower.Tower(_matter(), w, 0.1, 3.0))(1.0),
         "`cutoff` must be `photon_configurations` where"),
    ],
)  # fmt: skip
def test_refusals(make, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        make()
