"""Vector potentials in density and action: rings with a flux, gauges, circulation."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import jqd
from jqd import Status, steppers
from jqd.ensembles import bohm
from jqd.laws.diffusion import Links
from jqd.readings import fields
from jqd.readings.circulation import check_circulation, circulation
from jqd.spaces import Graph
from jqd.spaces.resolution import SECOND_DIFFERENCES

N = 32
RING = jqd.Grid((0.0, 2 * np.pi), N)
THETA = np.asarray(RING.x)
EXACT = jqd.Adaptive(rtol=1e-11, atol=1e-12)


def nothing(x):
    return 0 * x


def level_ground(x, y):
    return 0 * x * y


def start(grid=RING):
    th = grid.x
    return grid.normalise(1 + 0.5 * jnp.exp(1j * th) + 0.2 * jnp.exp(-2j * th))


def ring(phi, *, form=None, grid=RING, **options):
    """A flux of φ quanta h/q through a ring of radius 1: A = φ ħ/q."""
    return jqd.ConservativeDiffusion(
        grid, nothing, boundary="periodic", form=form or Links(8),
        vector_potential=lambda x: (phi + 0 * x,), **options,
    )  # fmt: skip


def by_links(works, **options):
    """The same with ∫ A·dl of the N links: one program for all of them."""
    return jqd.ConservativeDiffusion(
        RING, nothing, boundary="periodic", form=Links(8),
        vector_potential=np.reshape(works, (1, N)), **options,
    )  # fmt: skip


def evenly(phi):
    return np.full(N, 2 * np.pi * phi / N)


def on_one(phi, link):
    return np.where(np.arange(N) == link, 2 * np.pi * phi, 0.0)


def lattice(phi, order=8):
    """H of the ring by NumPy, hopping with Peierls' phases."""
    h, H = 2 * np.pi / N, np.zeros((N, N), complex)
    for j, w in enumerate(SECOND_DIFFERENCES[order], start=1):
        for a in range(N):
            b = (a + j) % N
            H[[a, b], [a, b]] += w / (2 * h**2)
            turn = w / (2 * h**2) * np.exp(1j * phi * j * h)
            H[b, a] -= turn
            H[a, b] -= turn.conj()
    return H


def level(law, k):
    """Energy of exp(ikθ)."""
    psi = RING.normalise(jnp.exp(1j * k * RING.x))
    return float(law.invariants(law.prepare(psi))["energy"])


def test_levels_of_a_ring_with_a_flux():
    """Row P19: (k - φ)²/2 for the levels of order 8, and twofold at half a quantum."""
    law = ring(0.25)
    found = [level(law, k) for k in (0, 1, -1, 2)]
    expected = [0.031250000, 0.281250000, 0.78125000, 1.53124991]
    np.testing.assert_allclose(found, expected, atol=1e-8)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(lattice(0.25))[:4], atol=1e-12)
    # of order 2 they are others
    assert level(ring(0.25, form=Links(2)), 0) == pytest.approx(0.03124373, abs=1e-8)
    assert level(ring(0.25, form=Links(2)), 1) == pytest.approx(0.2807421, abs=1e-7)
    half = ring(0.5)
    assert level(half, 0) == pytest.approx(0.125, abs=1e-8)
    assert level(half, 1) == pytest.approx(0.125, abs=1e-8)
    # the current -dE/dΦ changes its sign there, where the other level takes over
    gain = [level(ring(0.5 + d), round(0.5 + d)) for d in (-1e-3, 0, 1e-3)]
    assert gain[0] < gain[1]
    assert gain[2] < gain[1]


def density(law, psi, t=2.0, method=EXACT):
    run = jqd.evolve(law, law.prepare(psi), [0.0, t], method=method, observe="density")
    assert bool(run.ok), run.describe()
    return np.asarray(run.values[-1])


@pytest.mark.slow
@pytest.mark.equation("diffusion", "claim-gauge")
def test_a_ring_in_two_gauges_and_by_its_matrix():
    """Row P20: the same potential everywhere, or all of it on one link."""
    phi, psi = 0.3, start()
    even = density(by_links(evenly(phi)), psi)
    expected = [0.29807203, 0.15949789, 0.06648056]
    np.testing.assert_allclose(even[[0, N // 4, N // 2]], expected, atol=1e-8)
    by_matrix = np.abs(expm(-2j * lattice(phi)) @ np.asarray(psi)) ** 2
    # the solver's 1e-11 a step
    np.testing.assert_allclose(even, by_matrix, atol=1e-10)
    one_link = density(by_links(on_one(phi, N - 1)), psi * np.exp(-1j * phi * THETA))
    np.testing.assert_allclose(one_link, even, atol=1e-10)
    # without a flux another density: the probability of a site differs by .0273
    gap = np.max(np.abs(density(by_links(evenly(0.0)), psi) - even)) * RING.cell
    assert gap == pytest.approx(0.0273, abs=1e-4)
    # and a function of the coordinates is what its links are
    state = ring(phi).prepare(psi)
    rates = [law.vector_field(0.0, state) for law in (ring(phi), by_links(evenly(phi)))]
    np.testing.assert_allclose(rates[0].action, rates[1].action, atol=1e-11)
    np.testing.assert_allclose(
        rates[0].log_amplitude, rates[1].log_amplitude, atol=1e-11
    )


@pytest.mark.slow
def test_a_graph_has_phases_on_its_links():
    """The ring of order 2 as a graph, numbered at random, links either way round."""
    phi, rng = 0.3, np.random.default_rng(0)
    name = rng.permutation(N)
    way = rng.random(N) < 0.5
    pairs = np.array([(name[a], name[(a + 1) % N]) for a in range(N)])
    pairs[way] = pairs[way, ::-1]
    h = 2 * np.pi / N
    works = np.where(way, -1, 1) * phi * h
    law = jqd.ConservativeDiffusion(
        Graph(pairs, h**-2), np.zeros(N), vector_potential=works / 0.4, charge=0.4
    )
    psi = np.zeros(N, complex)
    psi[name] = np.asarray(start()) * np.sqrt(h)
    found = density(law, psi)[name] / h
    by_matrix = expm(-2j * lattice(phi, 2)) @ np.asarray(start())
    np.testing.assert_allclose(found, np.abs(by_matrix) ** 2, atol=1e-10)


def test_any_gauge_of_links_is_exact():
    """S -> S + qχ, ∫A -> ∫A + χ_b - χ_a with any χ of the sites, in two dimensions."""
    grid = jqd.Grid([(-3.0, 3.0), (-2.5, 2.5)], (14, 12))
    rng = np.random.default_rng(0)
    q, m = -0.7, 1.3
    works, chi = rng.normal(size=(2, 14, 12)), rng.normal(size=grid.shape)
    gauged = works + np.stack([np.roll(chi, -1, axis) - chi for axis in (0, 1)])
    a, s = rng.normal(size=grid.shape) / 4, rng.normal(size=grid.shape)

    def law(works):
        return jqd.ConservativeDiffusion(
            grid, level_ground, mass=m, boundary="periodic", form=Links(6),
            vector_potential=works, charge=q,
        )  # fmt: skip

    one = jqd.laws.AmplitudeAction(jnp.asarray(a), jnp.asarray(s))
    two = jqd.laws.AmplitudeAction(jnp.asarray(a), jnp.asarray(s + q * chi))
    rates = [law(w).vector_field(0.0, z) for w, z in ((works, one), (gauged, two))]
    # rounding, of rates of 1e2
    np.testing.assert_allclose(
        rates[1].log_amplitude, rates[0].log_amplitude, atol=1e-11
    )
    np.testing.assert_allclose(rates[1].action, rates[0].action, atol=1e-11)
    # forgetting the action is another motion
    gap = law(gauged).vector_field(0.0, one).log_amplitude - rates[0].log_amplitude
    assert jnp.max(jnp.abs(gap)) > 1
    # and what is said of the grid does not change either
    pairs = ((works, one), (gauged, two))
    seen = [law(w).watch().records(z)["max_dispersion"] for w, z in pairs]
    assert seen[1] == pytest.approx(float(seen[0]), rel=1e-9)


def test_what_the_links_miss_is_told_by_the_covariant_wavenumber():
    """κ = k - φ of exp(ikθ), whatever k and φ are; still waves too may be too fast."""
    h = RING.spacing[0]
    for k, phi in ((0, 2.3), (1, 3.3), (-2, 0.3)):
        psi = RING.normalise(jnp.exp(1j * k * RING.x))
        law = ring(phi, D=0.5, mass=1.0)
        symbol = sum(
            w * (2 - 2 * np.cos(j * (k - phi) * h)) / h**2
            for j, w in enumerate(SECOND_DIFFERENCES[8], start=1)
        )
        missed = law.watch().records(law.prepare(psi))["max_dispersion"]
        # 2 D |κ² - κ_h²|; a difference of numbers of 5
        assert missed == pytest.approx((k - phi) ** 2 - symbol, rel=1e-6)
        assert law.watch().resolution(law.prepare(psi)).rate == missed
    psi = RING.normalise(1 + 0j * RING.x)
    law = ring(12.0)
    state = law.prepare(psi)
    assert law.watch().alarm(0.0, state, state) == Status.CUTOFF
    # a whole number of turns of links is nothing at all
    law = ring(float(N))
    assert law.watch().alarm(0.0, state, state) == Status.OK


def test_links_and_rates_belong_to_one_energy():
    """δH/δS and -δH/δρ by automatic differentiation, with work along links."""
    law = ring(0.3, charge=1.4, mass=0.8, D=0.7)
    rng = np.random.default_rng(2)
    a, s = jnp.asarray(rng.normal(size=N) / 5), jnp.asarray(rng.normal(size=N))

    def energy(rho, s):
        state = jqd.laws.AmplitudeAction(jnp.log(rho) / 2, s)
        return law.form.energy(law.fluid, state)

    rho = jnp.exp(2 * a)
    by_rho, by_s = jax.grad(energy, (0, 1))(rho, s)
    rates = law.vector_field(0.0, jqd.laws.AmplitudeAction(a, s))
    np.testing.assert_allclose(
        2 * rho * rates.log_amplitude, by_s / RING.cell, atol=1e-11
    )
    np.testing.assert_allclose(rates.action, -by_rho / RING.cell, atol=1e-11)


# -- the amplitude ---------------------------------------------------------------------


def bump(x, height=1.0):
    """A on the far side of the ring, of the flux 2π · height."""
    return (height * jnp.exp(6 * (jnp.cos(x) - 1)) / 0.1676,)


def test_links_and_amplitude_are_one_law():
    """Off the quantum values: D, m and q of their own; A not the same everywhere."""
    grid = jqd.Grid((-np.pi, np.pi), 96)
    psi = grid.normalise(jnp.exp(0.5 * (jnp.cos(grid.x - np.pi) - 1)) + 0j)
    options = {"D": 0.7, "mass": 0.8, "vector_potential": bump, "charge": 0.4}
    laws = [
        jqd.ConservativeDiffusion(
            grid, jnp.cos, boundary="periodic", form=form, **options
        )
        for form in (Links(8), "amplitude")
    ]
    assert laws[1].exact().flows().reach == "nystroem"
    # ∂ψ/∂t of the links is that of the amplitude: order 8 in h = 2π/96, of k to 12
    state = laws[0].prepare(psi * jnp.exp(0.4j * jnp.sin(grid.x)))
    wave = laws[0].amplitude(state)
    rates = laws[0].vector_field(0.0, state)
    found = wave * (rates.log_amplitude + 1j * rates.action / (2 * 0.8 * 0.7))
    exact = laws[1].vector_field(0.0, wave)
    np.testing.assert_allclose(found, exact, atol=2e-5)
    blind = jqd.ConservativeDiffusion(
        grid, jnp.cos, 0.7, 0.8, boundary="periodic", form="amplitude"
    )
    assert jnp.max(jnp.abs(blind.vector_field(0.0, wave) - exact)) > 0.1
    # with D = ħ/2m it is quantum mechanics of `Schrodinger`
    law = jqd.ConservativeDiffusion(
        grid, jnp.cos, mass=0.8, boundary="periodic", vector_potential=bump, charge=0.4
    )
    quantum = jqd.Schrodinger.on_grid(
        grid, jnp.cos, mass=0.8, vector_potential=bump, charge=0.4
    )
    method = jqd.Fixed(jqd.steppers.srkn11, 20)
    # 2mD is ħ to an ulp, of which phases of some hundred make 1e-14
    np.testing.assert_allclose(
        density(law, psi, 1.0, method), density(quantum, psi, 1.0, method), atol=1e-13
    )
    assert "charge" in jqd.constants.declared(law)
    assert law.yardstick().hamiltonian.charge == 0.4


def test_only_charge_over_D_shows():
    """(m, V, q, S) -> c (m, V, q, S) is the same motion of the density."""
    grid = jqd.Grid((-np.pi, np.pi), 64)
    psi = grid.normalise(jnp.exp(2 * (jnp.cos(grid.x - np.pi) - 1)) + 0j)
    method = jqd.Fixed(jqd.steppers.srkn11, 20)
    one, two = (
        density(
            jqd.ConservativeDiffusion(
                grid, lambda x, c=c: c * jnp.cos(x), 0.6, 0.8 * c, boundary="periodic",
                vector_potential=bump, charge=0.4 * c,
            ),
            psi, 1.0, method,
        )
        for c in (1.0, 3.0)
    )  # fmt: skip
    np.testing.assert_allclose(one, two, atol=1e-12)


def test_paths_of_the_law_drift_with_the_vector_potential():
    """At rest in S, a uniform ρ drifts with -qA/m once round."""
    law = ring(0.3, form="amplitude", charge=1.5, mass=0.8)
    psi = RING.normalise(1 + 0j * RING.x)
    paths = bohm(
        law, psi, jnp.array([0.0, 1.0]), x0=jnp.array([1.0, 4.0]), substeps=20,
        error_paths=0, periodic=True,
    )  # fmt: skip
    np.testing.assert_allclose(
        paths.positions[-1, :, 0], np.array([1.0, 4.0]) - 1.5 * 0.3 / 0.8, atol=1e-9
    )


SQUARE = jqd.Grid([(-6.0, 6.0)] * 2, (48, 48))


def landau(x, y, b=0.8):
    return -b * y / 2, b * x / 2


@pytest.mark.slow
def test_two_dimensions_by_links_and_by_amplitude():
    """A packet in a uniform field and a well, whose gauge jumps at the seams."""
    x, y = SQUARE.coordinates
    psi = SQUARE.normalise(jnp.exp(-((x - 0.8) ** 2 + y**2) / 2) + 0j)

    def V(x, y):
        return (x**2 + y**2) / 2

    law = jqd.ConservativeDiffusion(SQUARE, V, vector_potential=landau)
    assert law.stepper is steppers.kahan_li6
    one = density(law, psi, 1.0, jqd.Fixed(steppers.kahan_li6, 12))
    # ψ is no coherent state, and its mean swings as that of one
    mean = [SQUARE.cell * np.sum(one * np.asarray(q)) for q in (x, y)]
    turn = np.array([np.cos(0.4), -np.sin(0.4)])
    swing = 0.8 * np.cos(np.sqrt(1 + 0.16))
    np.testing.assert_allclose(mean, swing * turn, atol=1e-6)
    # ∂ψ/∂t of the links is that of the amplitude: order 8 in h = 1/4; but by the walls,
    # where links of reach 4 end and the amplitude sees the seam
    links = jqd.ConservativeDiffusion(SQUARE, V, vector_potential=landau, form="links")
    state = links.prepare(psi * jnp.exp(0.4j * y))
    rates = links.vector_field(0.0, state)
    found = psi * jnp.exp(0.4j * y) * (rates.log_amplitude + 1j * rates.action)
    exact = law.vector_field(0.0, psi * jnp.exp(0.4j * y))
    inner = (slice(6, -6), slice(6, -6))
    np.testing.assert_allclose(found[inner], exact[inner], atol=4e-6)
    assert jnp.max(jnp.abs(exact)) > 0.3


# -- circulation -----------------------------------------------------------------------


def test_circulation_of_a_ring_with_a_flux():
    """Row P21: m ∮ v·dl + qΦ = n h, at any flux; of v alone it is not whole."""
    phi, hbar, m, q = 0.3, 1.3, 0.7, -0.9
    grid = jqd.Grid((0.0, 2 * np.pi), 64)
    A = phi * hbar / q
    law = jqd.Schrodinger.on_grid(
        grid, nothing, mass=m, hbar=hbar, charge=q,
        vector_potential=lambda x: (A * (1 + jnp.cos(x)),),
    )  # fmt: skip
    for n in (0, 2):
        psi = grid.normalise(jnp.exp(1j * n * grid.x) * (1 + 0.3 * jnp.cos(grid.x)))
        run = jqd.evolve(
            law,
            law.prepare(psi),
            [0.0, 0.4],
            method=jqd.Fixed(jqd.steppers.srkn11, 10, estimate_error=False),
        )
        moved = run.values[-1]
        slope = np.fft.ifft(1j * np.asarray(grid.wavenumbers[0]) * np.fft.fft(moved))
        wave = np.asarray(moved)
        current = hbar / m * (np.conj(wave) * slope).imag / np.abs(wave) ** 2
        v = (
            current
            + np.asarray(law.watch().convection(0.0, grid.x[:, None], None))[:, 0]
        )
        around = m * np.sum(v) * grid.cell / (2 * np.pi * hbar)
        assert around + phi == pytest.approx(n, abs=1e-8)
        assert abs(around - n) > 0.2


def solenoid(x, y, flux=1.0):
    """A thin one along z at the origin: a pole, whose field no loop crosses."""
    return tuple(flux / (2 * np.pi) * c / (x**2 + y**2) for c in (-y, x))


@pytest.mark.equation("diffusion", "claim-flux")
def test_circulation_round_a_solenoid_is_not_refused():
    """v of ψ ~ e^{inθ} is (nħ - qΦ/2π)/mr: whole with the flux, refused without."""
    grid = jqd.Grid([(-6.05, 5.95)] * 2, (60, 60))
    loop, hbar, m, q = ((15, 46), (14, 45)), 1.3, 0.7, 0.9
    x, y = grid.coordinates
    flux = 0.3 * 2 * np.pi * hbar / q
    psi = (x + 1j * y) * jnp.exp(-(x**2 + y**2) / 4)
    v = fields.current_velocity(psi, grid, hbar=hbar, mass=m, gradient="local")
    A = jnp.stack(jnp.broadcast_arrays(*solenoid(x, y, flux)))
    v = v - q / m * A
    known = {"hbar": hbar, "mass": m, "charge": q}

    def potential(x, y):
        return solenoid(x, y, flux)

    assert check_circulation(v, grid, loop, vector_potential=potential, **known) == 1
    with pytest.raises(ValueError, match="must have a whole circulation"):
        check_circulation(v, grid, loop, hbar=hbar, mass=m)
    alone = circulation(v, grid, loop, hbar=hbar, mass=m)
    # Gregory's rule, 30 points a side, around a pole; and central differences
    assert float(alone) == pytest.approx(0.7, abs=1e-4)
    # a loop beside the solenoid encloses none
    aside = ((38, 50), (36, 52))
    assert check_circulation(v, grid, aside, hbar=hbar, mass=m) == 0


@pytest.mark.parametrize("phi", [0.3, 0.8])
def test_a_flux_does_not_tear_the_action(phi):
    """2mD ≠ ħ on a ring with all the potential on one link: no winding, no refusal."""
    cut = on_one(phi, 11)
    chi = np.where(np.arange(N) > 11, 2 * np.pi * phi, 0) - phi * THETA
    still = RING.normalise(1 + 0.3 * jnp.cos(RING.x))
    law, even = (by_links(works, D=0.35) for works in (cut, evenly(phi)))
    one = density(law, still * np.exp(1j * chi), 1.0)
    # the same by an even potential, of which S = 0
    np.testing.assert_allclose(one, density(even, still, 1.0), atol=1e-9)
    # what winds round is refused, at any flux
    for turning in (law, even):
        wound = still * jnp.exp(1j * RING.x)
        wound = wound * np.exp(1j * chi) if turning is law else wound
        with pytest.raises(ValueError, match="must have a single-valued action"):
            turning.prepare(wound)


# -- input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"charge": 1.0, "vector_potential": None}, "`charge` must come with a"),
        ({"vector_potential": lambda x: (x,)}, "`vector_potential` must be periodic"),
        ({"vector_potential": np.zeros(N)}, "`vector_potential` must have shape (1, 3"),
        ({"vector_potential": "A"}, "`vector_potential` must be a number or an array"),
        (
            {"vector_potential": np.full((1, N), np.nan)},
            "`vector_potential` must be fi",
        ),
        ({"form": "window"}, "`form` must not be 'window' here, but is: it knows no v"),
        ({"form": "literal"}, "`form` must not be 'literal' here"),
        (
            {"form": "amplitude", "vector_potential": np.zeros((1, N))},
            "`form` must not be 'amplitude' here, but is: it takes the vector",
        ),
        (
            {"form": "links", "friction": 0.1, "boundary": "reflecting"},
            "`friction` must be 0 in a vector potential",
        ),
    ],
)
def test_refused(change, message):
    options = {"vector_potential": lambda x: (0.3 + 0 * x,)} | change
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        jqd.ConservativeDiffusion(RING, nothing, **options)


def test_refused_on_a_graph_and_in_a_fit():
    graph = Graph([(0, 1), (1, 2)], 1.0)
    with pytest.raises(ValueError, match=r"`vector_potential` must have shape \(2,\)"):
        jqd.ConservativeDiffusion(graph, np.zeros(3), vector_potential=np.zeros(3))
    assert "gauge" in ring(0.3).fits().why_not(("friction",))


def test_weight_at_a_seam_where_the_potential_jumps_is_refused():
    """And ends a run, of every law that takes a vector potential."""
    x, y = SQUARE.coordinates
    near = SQUARE.normalise(jnp.exp(-((x - 3.0) ** 2 + y**2)) + 0j)
    spin = jnp.array([0.6, 0.8j])
    laws = [
        jqd.ConservativeDiffusion(
            SQUARE, level_ground, vector_potential=landau, boundary="periodic"
        ),
        jqd.Schrodinger.on_grid(SQUARE, level_ground, vector_potential=landau),
        jqd.Pauli(SQUARE, level_ground, vector_potential=landau),
    ]
    message = "`psi` must have no weight at a seam of the box across which the vector"
    for law in laws:
        spinor = isinstance(law, jqd.Pauli)
        psi = jnp.multiply.outer(spin, near) if spinor else near
        with pytest.raises(ValueError, match=message):
            law.prepare(jnp.roll(psi, 6, axis=-2))
        law.prepare(psi)
        pushed = psi * jnp.exp(4j * x)[None] if spinor else psi * jnp.exp(4j * x)
        run = jqd.evolve(
            law, law.prepare(pushed), [0.0, 0.2, 0.6],
            method=jqd.Fixed(steppers.strang, 20, estimate_error=False),
        )  # fmt: skip
        assert run.status == Status.EDGE
    # a potential that is periodic on the box has no such seam
    k = np.pi / 3

    def periodic(x, y):
        return jnp.cos(k * y), jnp.sin(k * x)

    law = jqd.Schrodinger.on_grid(SQUARE, level_ground, vector_potential=periodic)
    law.prepare(jnp.roll(near, 6, axis=0))
