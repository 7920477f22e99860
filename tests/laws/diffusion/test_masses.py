"""Densities of several particles: a mass and a D along each axis."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import exact
from jqd.laws.diffusion.links import link_energy, link_rates
from jqd.readings import energies, fields
from jqd.spaces import dispersion_bound

HBAR, MASSES = 0.9, (1.0, 2.5)
GRID = jqd.Grid([(-6.05, 5.95), (-4.03, 3.97)], (36, 36))
X, Y = GRID.coordinates
TS = jnp.array([0.0, 0.4])


def well(x, y):
    return x**2 / 2 + y**2 + 0.3 * x * y


def packet():
    return GRID.normalise(jnp.exp(-((X - 0.4) ** 2) / 2 - Y**2 + 0.4j * Y + 0.2j * X))


@pytest.fixture(scope="module")
def quantum():
    V = np.broadcast_to(well(*map(np.asarray, GRID.coordinates)), GRID.shape)
    psi = exact.on_grids.propagate(GRID, V, packet(), TS, mass=MASSES, hbar=HBAR)
    return np.abs(np.asarray(psi[-1])) ** 2


@pytest.mark.slow
@pytest.mark.parametrize("form", ["amplitude", "links", "literal"])
def test_each_form_moves_the_density_of_two_masses(form, quantum):
    law = jqd.ConservativeDiffusion(GRID, well, mass=MASSES, hbar=HBAR, form=form)
    run = jqd.evolve(law, law.prepare(packet()), TS, observe="density")
    assert int(run.status) == 0
    # differences of order 6 and 8 at spacings of .33 and .22
    bound = {"amplitude": 1e-7, "links": 2e-4, "literal": 2e-4}[form]
    gap = GRID.cell * np.sum(np.abs(run.values[-1] - quantum))
    assert gap < bound


def test_one_mass_for_both_axes_is_far_off(quantum):
    """As a code that had only one would take it: the bounds above tell them apart."""
    steps = jqd.Fixed(jqd.steppers.strang, 20, estimate_error=False)
    for one in (*MASSES, float(np.mean(MASSES))):
        wrong = jqd.Schrodinger.on_grid(GRID, well, mass=one, hbar=HBAR)
        run = jqd.evolve(wrong, packet(), TS, observe="density", method=steps)
        assert GRID.cell * np.sum(np.abs(run.values[-1] - quantum)) > 0.01


def test_madelungs_fluid_has_two_masses_as_well():
    law = jqd.Madelung(GRID, well, mass=MASSES, hbar=HBAR)
    same = jqd.ConservativeDiffusion(GRID, well, mass=MASSES, hbar=HBAR, form="links")
    state = law.prepare(packet())
    rates = [one.vector_field(0.0, state) for one in (law, same)]
    np.testing.assert_array_equal(rates[0].log_amplitude, rates[1].log_amplitude)
    yardstick = law.yardstick()
    np.testing.assert_array_equal(yardstick.hamiltonian.mass, MASSES)
    again = law.on(yardstick)
    np.testing.assert_array_equal(again.mass, MASSES)


def test_energies_are_sums_over_the_axes():
    """⟨H⟩ by NumPy, from the links, from ψ and from drift and diffusion."""
    psi = packet()
    expected = 0.0
    V = well(*map(np.asarray, GRID.coordinates))
    values = np.asarray(psi)
    for axis, m in enumerate(MASSES):
        spectrum = np.abs(np.fft.fft(values, axis=axis)) ** 2 / values.shape[axis]
        k = np.asarray(GRID.wavenumbers[axis])
        expected += GRID.cell * np.sum(HBAR**2 * k**2 / (2 * m) * spectrum)
    expected += GRID.cell * np.sum(V * np.abs(values) ** 2)
    for form, bound in (("amplitude", 1e-12), ("links", 2e-4), ("literal", 2e-4)):
        law = jqd.ConservativeDiffusion(GRID, well, mass=MASSES, hbar=HBAR, form=form)
        energy = law.invariants(law.prepare(psi))["energy"]
        assert energy == pytest.approx(expected, abs=bound)
    budget = energies.energy_budget(psi, GRID, V, hbar=HBAR, mass=jnp.asarray(MASSES))
    assert budget.total == pytest.approx(expected, abs=1e-12)
    # of exp(-x²/2 - y²) the diffusion energy is ħ²/4m1 + ħ²/2m2
    u = HBAR**2 * (1 / (4 * MASSES[0]) + 1 / (2 * MASSES[1]))
    assert budget.diffusion == pytest.approx(u, abs=1e-9)
    # fields: v of the plane wave, and the quantum potential has the same mean
    v = fields.current_velocity(psi, GRID, hbar=HBAR, mass=jnp.asarray(MASSES))
    middle = v[:, 18, 18]
    np.testing.assert_allclose(middle, HBAR * np.array([0.2, 0.4]) / MASSES, atol=1e-8)
    for form in ("curvature", "osmotic"):
        U = fields.quantum_potential(
            psi, GRID, hbar=HBAR, mass=jnp.asarray(MASSES), form=form, gradient="local"
        )
        mean = GRID.cell * jnp.sum(U * jnp.abs(psi) ** 2)
        assert mean == pytest.approx(u, abs=2e-4)


def test_links_of_different_2mD_along_two_axes():
    """No quantum mechanics: rates and energy are those of two lines, by NumPy."""
    D = jnp.array([0.3, 0.7])
    a, s = np.log(np.abs(packet())) / 1, np.asarray(0.2 * X**2 + 0.3 * Y * X)
    found = link_rates(jnp.asarray(a), jnp.asarray(s), GRID, D, jnp.asarray(MASSES))
    total = [np.zeros(GRID.shape), np.zeros(GRID.shape)]
    energy = 0.0
    for axis in range(2):
        for index in range(GRID.shape[1 - axis]):
            line = jqd.Grid(GRID.bounds[axis], GRID.shape[axis])
            at = (slice(None), index) if axis == 0 else (index, slice(None))
            rates = link_rates(a[at], jnp.asarray(s[at]), line, D[axis], MASSES[axis])
            for sum_, rate in zip(total, rates, strict=True):
                sum_[at] += rate
            own = link_energy(a[at], jnp.asarray(s[at]), line, D[axis], MASSES[axis])
            energy += own * GRID.spacing[1 - axis]
    np.testing.assert_allclose(found[0], total[0], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found[1], total[1], rtol=1e-10, atol=1e-10)
    whole = link_energy(jnp.asarray(a), jnp.asarray(s), GRID, D, jnp.asarray(MASSES))
    assert whole == pytest.approx(float(energy), rel=1e-12)


def test_what_differences_miss_is_weighed_by_each_axis():
    """2 rms[Σ D_i (k_i² - k_h²)] by NumPy; the heavy particle is the fast one."""
    psi = GRID.normalise(jnp.exp(-(X**2) / 2 - Y**2 + 3j * Y))
    D, weights = (0.5, 0.05), (8 / 5, -1 / 5, 8 / 315, -1 / 560)
    missed = np.zeros(GRID.shape)
    for axis, h in enumerate(GRID.spacing):
        k = np.asarray(GRID.wavenumbers[axis])
        seen = sum(w * (2 - 2 * np.cos(j * k * h)) for j, w in enumerate(weights, 1))
        missed = missed + D[axis] * (k**2 - seen / h**2)
    share = np.abs(np.fft.fft2(np.asarray(psi))) ** 2
    expected = 2 * np.sqrt(np.sum(share * missed**2) / np.sum(share))
    assert dispersion_bound(GRID, psi, 8, D, 1.0) == pytest.approx(expected, rel=1e-9)
    # and of the law, per unit of time
    law = jqd.ConservativeDiffusion(GRID, well, D, mass=MASSES, form="links")
    state = law.prepare((jnp.abs(psi) ** 2, jnp.zeros(GRID.shape)))
    own = dispersion_bound(GRID, jnp.abs(psi), 8, D, 1.0)
    assert law.watch().resolution(state).rate == pytest.approx(float(own), rel=1e-6)
    # scalar and one an axis are the same
    both = [dispersion_bound(GRID, psi, 8, D, 1.0) for D in (0.4, [0.4, 0.4])]
    assert both[0] == pytest.approx(float(both[1]), rel=1e-12)


def test_paths_of_the_fluid_take_its_D():
    law = jqd.ConservativeDiffusion(GRID, well, mass=MASSES, hbar=HBAR)
    quick = jqd.ensembles.nelson(
        law, packet(), jnp.array([0.0, 1e-3]), jax.random.key(0), paths=2000,
        substeps=1, error_paths=0,
    )  # fmt: skip
    moved = quick.displacement().value[1] / 2e-3
    # 2Dt at short times; 4 standard errors of squares, √(2/2000) each
    np.testing.assert_allclose(moved, HBAR / (2 * np.array(MASSES)), rtol=0.13)


def test_gradient_of_a_density_by_each_mass():
    psi = packet()

    def loss(mass):
        law = jqd.ConservativeDiffusion(GRID, well, mass=mass, D=HBAR / (2 * mass))
        run = jqd.evolve(
            law, law.prepare(psi), TS, observe="density",
            method=jqd.Fixed(jqd.steppers.strang, 8, estimate_error=False),
        )  # fmt: skip
        return jnp.sum(run.values[-1] * X**2)

    loss, at, step = jax.jit(loss), jnp.asarray(MASSES), 1e-5
    slopes = jax.grad(loss)(at)
    for i, e in enumerate(step * jnp.eye(2)):
        found = (loss(at + e) - loss(at - e)) / (2 * step)
        assert slopes[i] == pytest.approx(float(found), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mass": MASSES, "D": 0.5, "form": "amplitude"}, "`form` must not be 'ampli"),
        ({"mass": [1.0, jnp.inf]}, "`mass` must be finite"),
        ({"mass": [1.0, 2.0, 3.0]}, "`mass` must have shape (2,)"),
        ({"mass": MASSES, "D": np.full((36, 36), 0.5)}, "`mass` must be one number"),
        ({"D": [0.1, 0.2, 0.3]}, "`D` must have shape (36, 36)"),
        ({"D": [0.1, -0.2]}, "`D` must be positive"),
    ],
)
def test_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        jqd.ConservativeDiffusion(GRID, well, **change)


def test_fits_of_one_number_an_axis_take_the_links():
    law = jqd.ConservativeDiffusion(GRID, well, mass=MASSES)
    assert "one 2 m D for all axes, and D has" in law.fits().why_not(("D",))
    assert law.fits().why_not(("potential.k",)) is None
    links = jqd.ConservativeDiffusion(GRID, well, mass=MASSES, form="links")
    assert links.fits().why_not(("D", "mass")) is None
    # no one value at which it is quantum mechanics
    assert "D" not in jqd.constants.quantum_values(links)
    one = jqd.ConservativeDiffusion(GRID, well, mass=2.0)
    assert jqd.constants.quantum_values(one)["D"] == 0.25


def study_of(law, free, nuisances=None):
    data = jqd.Record(
        TS[1:], np.zeros((1, *law.space.shape)), jqd.Gaussian(0.1), t0=0.0
    )
    psi = law.space.normalise(jnp.exp(-sum(x**2 for x in law.space.coordinates)))
    return jqd.Study(
        law, data, psi0=psi, free=free, instrument="density", nuisances=nuisances
    )


@pytest.mark.slow
def test_each_axis_of_D_has_its_value_in_quantum_mechanics():
    """ħ/2m of each; none where m is fitted as well, free or beside a prior."""
    space = jqd.Grid([(-3, 3), (-3, 3)], (10, 10))
    law = jqd.ConservativeDiffusion(
        space, well, mass=MASSES, D=[0.4, 0.3], hbar=HBAR, form="links"
    )
    study = study_of(law, "D")
    assert study.labels() == ["D[0]", "D[1]"]
    expected = [HBAR / (2 * m) for m in MASSES]
    assert study.references() == pytest.approx(expected, rel=1e-12)
    assert study_of(law, ("friction", "D")).references()[0] == 0.0
    assert study_of(law, ("D", "mass")).references() == [None] * 4
    beside = study_of(law, "D", {"mass": (1.0, 0.1)})
    assert beside.references() == [None] * 4
    # one mass for both axes: one number, of each D
    one = jqd.ConservativeDiffusion(
        space, well, mass=2.0, D=[0.4, 0.3], hbar=HBAR, form="links"
    )
    assert study_of(one, "D").references() == pytest.approx([HBAR / 4] * 2, rel=1e-12)


def test_where_2mD_differs_the_links_take_over():
    law = jqd.ConservativeDiffusion(GRID, well, mass=MASSES, D=0.5)
    assert type(law.form).__name__ == "Links"
    # a graph has no axes
    graph = jqd.spaces.Graph([(0, 1), (1, 2)])
    with pytest.raises(ValueError, match="Argument `mass` must have shape"):
        jqd.ConservativeDiffusion(graph, np.zeros(3), mass=[1.0, 2.0])
