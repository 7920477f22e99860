"""The tower as a law: its Hamiltonian, conservation, cut-off, derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import jqd
from jqd.evolution.evolution import in_precision
from jqd.matter import tower


def complex_matter(size, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return tower.Matter(jnp.sort(jnp.asarray(rng.uniform(0, 4, size))),
                        jnp.asarray(X + X.conj().T))  # fmt: skip


@pytest.mark.parametrize(
    ("form", "cutoff", "hbar"),
    [
        ("rabi", 3.0, 0.7),
        pytest.param("rwa", 18.5, 1.0, marks=pytest.mark.slow),
    ],
    ids=["rabi-dense", "rwa-gathered"],
)
def test_hamiltonian_is_the_sum_of_its_parts(form, cutoff, hbar):
    """Against Kronecker products, with few and with many (> 128) configurations."""
    matter, omega = complex_matter(3, 1), np.array([1.0, 1.3])
    strength = np.array([0.2, 0.3])
    law = tower.Tower(matter, omega, strength, hbar * cutoff, form=form, hbar=hbar)
    kept = law.configurations
    assert (kept.size > 128) == (cutoff > 3)
    X, lower = np.asarray(matter.coupling), kept.lowering()
    a = np.tensordot(strength, lower, 1)
    H = np.kron(np.diag(np.asarray(matter.energies)), np.eye(kept.size)) + np.kron(
        np.eye(3), np.diag(hbar * kept.numbers @ omega)
    ).astype(complex)
    if form == "rabi":
        H += np.kron(X, a + a.T)
    else:
        # emission: to a lower level, which has the smaller number
        H += np.kron(np.triu(X, 1), a.T) + np.kron(np.tril(X, -1), a)
    np.testing.assert_allclose(law.dense(), H, atol=1e-14)  # sums of few products
    # the number states are those of oscillators: [a, a†] = 1 below the cut-off
    inner = ~kept.edge
    number = np.diagonal(lower[0].T @ lower[0])
    np.testing.assert_allclose(number, kept.numbers[:, 0], atol=1e-14)
    commutator = np.diagonal(lower[1] @ lower[1].T) - kept.numbers[:, 1]
    np.testing.assert_allclose(commutator[inner], 1, atol=1e-14)
    low, high = law.spectral_bounds()
    levels = np.linalg.eigvalsh(H)
    width = levels[-1] - levels[0]
    assert levels[0] - 0.1 * width < low < levels[0]
    assert levels[-1] < high < levels[-1] + 0.1 * width


@pytest.mark.parametrize("form", tower.tower.FORMS)
def test_coupling_of_many_configurations(form):
    """Beyond 128 of them columns are moved, with the same factors √n and √(n + 1)."""
    matter, omega = complex_matter(2, 1), np.array([1.0, 1.3])
    strength = np.array([0.2, 0.3])
    law = tower.Tower(matter, omega, strength, 18.5, form=form)
    kept = law.configurations
    assert kept.size > 128
    rng = np.random.default_rng(5)
    psi = rng.normal(size=law.shape) + 1j * rng.normal(size=law.shape)
    a = np.tensordot(strength, kept.lowering(), 1)
    X = np.asarray(matter.coupling)
    if form == "rabi":
        wanted = X @ psi @ (a + a.T)
    else:
        wanted = np.triu(X, 1) @ psi @ a + np.tril(X, -1) @ psi @ a.T
    # a sum of some ten products of numbers up to 30
    np.testing.assert_allclose(law.interact(jnp.asarray(psi)), wanted, atol=1e-12)


@pytest.mark.equation("thermalization", "claim-A8-tower")
def test_propagation_equals_the_eigenbasis(climb):
    """T15: and |c_a|² of the eigenstates never change."""
    states = climb.run.values[-1]

    @jax.jit
    def compare(basis, states):
        exact = basis.states(climb.psi, climb.run.ts[-1])
        share = jnp.abs(basis.amplitudes(states)) ** 2
        return jnp.max(jnp.abs(states - exact)), jnp.max(jnp.abs(share - share[:1]))

    miss, drift = compare(climb.basis, states)
    # rounding of |E| t = 1500 radians in the eigenvalues
    assert float(miss) < 4e-12
    assert float(drift) < 1e-12
    # negative control: another coupling is another motion
    assert float(compare(climb.basis, climb.run.values[1])[0]) > 0.1


@pytest.mark.slow
def test_rotating_wave_form_conserves_too(climb):
    law = climb.make(0.12, "rwa")
    ts = jnp.linspace(0.0, 30.0, 11)
    run = jqd.evolve(law, climb.psi, ts, method=jqd.Propagator(), observe="density")
    assert run.ok
    assert run.diagnostics["norm_drift"] < 1e-13
    assert run.diagnostics["energy_drift"] < 1e-12
    p = np.sum(run.values[-1], axis=0)
    assert p[0] < 0.9
    # without counter-rotating terms no photon outruns the energy, 6 quanta
    assert np.sum(p[8:]) < 1e-4


@pytest.mark.equation("thermalization", "claim-C1")
def test_norm_and_energy_are_conserved(climb):
    """T15, at the accuracy of rounding: the goal is 1e-10 for both."""
    drifts = climb.run.diagnostics
    assert np.all(climb.run.status == jqd.Status.OK)
    assert np.max(drifts["norm_drift"]) < 1e-13
    assert np.max(drifts["energy_drift"]) < 1e-12
    norms = jax.vmap(jax.vmap(tower.configuration_weights))(climb.run.values)
    p = tower.level_norms(climb.tower.configurations, norms)
    # norm has climbed, at the stronger coupling more than half of it
    assert float(p[-1, -1, 0]) < 0.8
    assert float(p[0, 0, 0]) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.equation("thermalization", "claim-C1-energy")
def test_energy_needs_the_coupling(climb):
    """ΣE_{N,k} as printed drifts in the order λ²; with <H_int> it is conserved."""

    @jax.jit
    @jax.vmap
    def energies(strength, states):
        law = climb.make(strength)
        free = jax.vmap(lambda psi: jnp.sum(tower.levels(law, psi).energy))(states)
        rest = jax.vmap(lambda psi: tower.interaction_energy(law, psi))(states)
        return free, rest

    strengths = jnp.array(climb.strengths)
    free, rest = map(np.asarray, energies(strengths, climb.run.values))
    assert np.max(np.abs(free + rest - free[:, :1])) < 1e-12
    printed = np.max(np.abs(free - free[:, :1]), axis=1)
    scaled = printed / np.asarray(strengths) ** 2
    # 6 to 9 λ² over λ = 0.03..0.24 for 400 levels; fewer levels scatter more
    assert np.all((scaled > 4) & (scaled < 12))
    assert printed[2] > 0.05


@pytest.mark.equation("thermalization", "claim-C2")
def test_a_photon_carries_its_quantum(climb):
    """T15b: dE_γ/d<n> = ħω along the climb, ħ = 1, one mode."""
    weights = tower.configuration_weights(climb.run.values[-1])
    photons = weights @ climb.tower.photon_energies
    number = tower.occupations(climb.tower.configurations, weights)[:, 0]
    ratio = (photons[1:] - photons[:-1]) / (number[1:] - number[:-1])
    # differences of about 1e-2 keep 14 digits
    np.testing.assert_allclose(ratio, 1.0, atol=1e-10)


@pytest.mark.slow
def test_a_cut_off_too_low_is_said(climb):
    """Room for three photons where six are reached: CUTOFF at the first such time."""
    low = tower.Tower(
        tower.random_matter(jax.random.key(5), 60, tower.ExponentialDensity(0.8, 7.0),
                            tower.GaussianShape(3.0)),
        1.0, 0.12, 3.0,
    )  # fmt: skip
    psi, ts = tower.level_state(low, 6.0), jnp.linspace(0.0, 90.0, 31)
    run = jqd.evolve(low, psi, ts, method=jqd.Propagator(terms=75), observe="density")
    assert run.status == jqd.Status.CUTOFF
    assert "raise the levels" in run.describe()
    edge = np.asarray(jnp.sum(run.values[:, :, 3], axis=1))
    assert float(run.failure_time) == float(ts[np.argmax(edge > 1e-2)])
    assert float(run.diagnostics["max_edge_norm"]) > 1e-2
    # the same tower with room enough never comes near its edge
    assert np.max(climb.run.diagnostics["max_edge_norm"]) < 1e-4


@pytest.mark.slow
def test_seeds_in_a_batch_are_the_seeds_alone():
    density, kept = tower.ExponentialDensity(0.8, 7.0), tower.photon_configurations(
        1.0, 5.0
    )  # fmt: skip
    ts = jnp.linspace(0.0, 4.0, 3)

    def norms(key):
        matter = tower.random_matter(key, 20, density, tower.GaussianShape(3.0))
        law = tower.Tower(matter, 1.0, 0.2, kept)
        psi = tower.level_state(law, 4.0, width=0.3)
        run = jqd.evolve(law, psi, ts, method=jqd.Propagator(terms=40))
        return tower.configuration_weights(run.values)

    keys = jax.random.split(jax.random.key(2), 3)
    batch = jax.jit(jax.vmap(norms))(keys)
    alone = jax.jit(norms)(keys[1])
    np.testing.assert_allclose(batch[1], alone, atol=1e-13)  # order of sums
    assert float(jnp.max(jnp.abs(batch[0] - batch[1]))) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("reverse", [False, True])
def test_derivatives(key, reverse):
    """p_k(t) in λ, ω and β: forward mode, reverse mode and differences agree."""
    kept, ts = tower.photon_configurations(0.8, 4.0), jnp.linspace(0.0, 6.0, 4)

    def norms(constants):
        strength, omega, beta = constants
        density = tower.ExponentialDensity(beta, 5.0)
        matter = tower.random_matter(key, 16, density, tower.GaussianShape(3.0))
        law = tower.Tower(matter, omega, strength, kept)
        psi = tower.level_state(law, 4.0)
        run = jqd.evolve(law, psi, ts, method=jqd.Propagator(terms=50))
        weights = tower.configuration_weights(run.values)
        return tower.level_norms(kept, weights)[1:, :3]

    at = jnp.array([0.15, 0.8, 0.7])
    forward = jax.jit(jax.jacfwd(norms))(at)
    if reverse:
        slope = jax.jit(jax.grad(lambda c: norms(c)[-1, 0]))(at)
        np.testing.assert_allclose(slope, forward[-1, 0], atol=1e-11)
        return
    h = 1e-5  # its square, and rounding over it
    steps = at[None, :] + h * jnp.concatenate([jnp.eye(3), -jnp.eye(3)])
    moved = jax.jit(jax.vmap(norms))(steps)
    difference = jnp.moveaxis(moved[:3] - moved[3:], 0, -1) / (2 * h)
    np.testing.assert_allclose(forward, difference, atol=1e-8)
    assert float(jnp.min(jnp.max(jnp.abs(forward), axis=(0, 1)))) > 1e-2


def test_states_are_checked(climb):
    with pytest.raises(ValueError, match=r"Argument `psi` must have shape \(60, 10\)"):
        climb.tower.prepare(np.ones(3))
    with pytest.raises(ValueError, match="Argument `psi` must be normalised"):
        climb.tower.prepare(2 * climb.psi)

    @jax.jit
    def look(key):
        packet = tower.level_state(climb.tower, 5.0, width=0.4, key=key)
        return tower.levels(climb.tower, climb.tower.prepare(packet))

    found = look(jax.random.key(1))
    # a discrete sum over levels of uneven density: E shifts by β w² = 0.13
    assert float(found.matter_spread[0]) == pytest.approx(0.4, rel=0.1)
    assert float(found.matter_energy[0]) == pytest.approx(5.13, abs=0.1)


def test_lanczos_of_a_diagonal_tower_and_of_few_levels():
    """Without coupling, and where the steps exhaust the space."""
    law = tower.Tower(tower.harmonic_ladder(2, 1.0), 1.0, 0.0, 1.0)
    low, high = law.spectral_bounds()
    assert -0.5 < low < 0
    assert 2 < high < 2.5


def random_tower(levels, photons, *constants, energy=1.0, **more):
    """A tower of energies up to 7 units, whose coupling reaches 2 of them."""
    sizes = {"width": 7.0 * energy, "bandwidth": 2.0 * energy}
    return tower.RandomTower(
        jax.random.key(0), levels, photons, *constants, **sizes, **more
    )


def test_a_random_tower_goes_with_the_units_of_its_matter():
    """λX is an energy, and X goes with its root; a time is ħ over an energy."""
    hbar, energy = 1.05e-34, 1.6e-19
    here = random_tower(6, 2, 0.05, 1.0, 0.3)
    constants = 0.05 * energy**0.5, energy / hbar, 0.3 / energy
    there = random_tower(6, 2, *constants, energy=energy, hbar=hbar)
    H = np.asarray(here.inner.dense())
    # rounding of 18 levels
    np.testing.assert_allclose(there.inner.dense() / energy, H, rtol=0, atol=1e-13)
    ts, psi = np.linspace(0, 2, 3), np.asarray(here.foot(0.5)).ravel()
    times, method = ts * hbar / energy, jqd.Propagator()
    run = jqd.evolve(there, there.foot(0.5), times, method=method)
    expected = [scipy.linalg.expm(-1j * H * t) @ psi for t in ts]
    assert run.status == jqd.Status.OK
    # rounding of phases below 20
    np.testing.assert_allclose(
        np.reshape(run.values, (3, -1)), expected, rtol=0, atol=1e-13
    )
    with pytest.raises(TypeError, match="width"):
        tower.RandomTower(jax.random.key(0), 6, 2, *constants, bandwidth=energy)


def test_the_spectrum_of_a_tower_in_si_and_single_precision():
    """Squares of energies, 1e-38, are no numbers there."""
    hbar, energy = 1.05e-34, 1.6e-19
    constants = 0.05 * energy**0.5, energy / hbar, 0.3 / energy
    law = random_tower(6, 2, *constants, energy=energy, hbar=hbar).inner
    low, high = in_precision(law, jnp.float32).spectral_bounds()
    levels = np.linalg.eigvalsh(law.dense()) / energy
    # a margin of 2 % of the width on either side
    width = levels[-1] - levels[0]
    assert levels[0] - 0.05 * width < float(low) / energy < levels[0]
    assert levels[-1] < float(high) / energy < levels[-1] + 0.05 * width


def test_a_random_tower_says_what_its_tower_says():
    """One photon is too few: the run ends at the cut-off, as the tower's does."""
    law = random_tower(6, 1, 0.3, 1.0, 0.3)
    start = law.prepare(law.foot(0.5))
    run = jqd.evolve(law, start, [0.0, 4.0], method=jqd.Fixed(substeps=200))
    assert run.status == jqd.Status.CUTOFF
    # of the row at t = 0, which was reached
    assert run.diagnostics["max_edge_norm"] == 0
    # the same energy as of the matrix
    psi = np.asarray(start).ravel()
    energy = (psi.conj() @ np.asarray(law.inner.dense()) @ psi).real
    np.testing.assert_allclose(law.invariants(start)["energy"], energy, rtol=1e-12)
