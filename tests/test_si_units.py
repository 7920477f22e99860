"""One problem in SI and with ħ = 1: the same answer, whatever is asked of it.

What is compared is without dimension: densities times a length, energies over ħ/t,
constants over their units. SI here is ħ = 1.05e-34 J s, times of 1e-9 s where there is
no mass, and m = 1e-26 kg with lengths of 1e-6 m, hence t = m l²/ħ, where there is one.
"""

import json
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants
from jqd.cli import main
from jqd.laws.husimi import Bath, Exact
from jqd.laws.scales import scales_of
from jqd.states import coherent, phase_grid

SX, SZ = np.array([[0, 1.0], [1, 0]]), np.diag([1.0, -1])
LOWER = np.array([[0, 1.0], [0, 0]])
PSI = np.array([0.6, 0.8])
MIXED = np.array([[0.6, 0.2], [0.2, 0.4]])
LEVELS = 0.5 * SX + 0.2 * SZ
# Programs differ by rounding, which a run of some hundred steps adds up.
ROUNDING = 1e-11


class Units(NamedTuple):
    """One of each, in the units of numbers that a law is given."""

    hbar: float
    time: float
    length: float = 1.0
    mass: float = 1.0

    @property
    def energy(self):
        return self.hbar / self.time

    @property
    def rate(self):
        return 1 / self.time

    @property
    def spread(self):
        return self.length**2 / self.time


NATURAL = Units(1.0, 1.0)
SI = Units(1.05e-34, 1e-9)
SI_GRID = Units(1.05e-34, 1e-26 * 1e-6**2 / 1.05e-34, 1e-6, 1e-26)


def quantum(u, H=LEVELS):
    return jqd.Schrodinger(u.energy * H, u.hbar)


def copies(u, q=0.4, r=-0.6, **options):
    law = jqd.CopyDynamics.from_hamiltonian(u.energy * LEVELS, hbar=u.hbar)
    return jqd.CopyDynamics(law.omega, law.R, law.delta, q, r, hbar=u.hbar, **options)


def detuning(t, delta):
    """A rate that does not change in time."""
    return delta + 0 * t


MATRIX = {
    "schrodinger": quantum,
    "copying": copies,
    "literal": lambda u: copies(u, literal=True),
    "weinberg": lambda u: jqd.laws.Weinberg(quantum(u), 0.3 * u.energy),
    "logarithmic": lambda u: jqd.laws.Logarithmic(quantum(u), 0.2 * u.energy),
    "cubic": lambda u: jqd.laws.GrossPitaevskii(quantum(u), 0.3 * u.energy),
    "gisin": lambda u: jqd.laws.Gisin(quantum(u), 0.1),
    "beretta": lambda u: jqd.laws.Beretta(quantum(u), 0.2 * u.rate),
    "dephasing": lambda u: jqd.laws.Dephasing(
        u.energy * LEVELS, np.array([0.0, 2.0]), 0.1 * u.rate, u.hbar
    ),
    "lindblad": lambda u: jqd.Lindblad(
        u.energy * LEVELS, {"loss": jqd.laws.Jump(LOWER, 0.2 * u.rate)}, u.hbar
    ),
    "decay": lambda u: jqd.laws.Decay(quantum(u), 5 * u.time, 4 * u.time),
    "jitter": lambda u: jqd.laws.RandomFrequencies(copies(u), 0.1 * u.rate),
    "spread": lambda u: jqd.laws.RandomConstant(
        jqd.Schrodinger(
            jqd.driven(
                u.energy * LEVELS,
                (u.hbar * SZ, jqd.pulse(detuning, delta=0.3 * u.rate)),
            ),
            u.hbar,
        ),
        "delta",
        0.1 * u.rate,
        nodes=5,
    ),
}
JUMPING = {
    "jumps": lambda u: jqd.laws.QuantumJumps(MATRIX["lindblad"](u)),
    "collapse": lambda u: jqd.laws.Collapse(
        u.energy * LEVELS, np.array([0.0, 2.0]), 0.1 * u.rate, u.hbar
    ),
    "kicks": lambda u: jqd.laws.PhaseKicks(copies(u), 0.1 * u.rate),
}


def grid(u, points=32):
    return jqd.Grid((-6 * u.length, 6 * u.length), points)


def on_grid(u, points=32):
    return jqd.Schrodinger.on_grid(
        grid(u, points), lambda x: u.energy / 2 * (x / u.length) ** 2,
        mass=u.mass, hbar=u.hbar,
    )  # fmt: skip


def packet(u, points=32):
    x = np.asarray(grid(u, points).x) / u.length
    return np.exp(-((x - 0.5) ** 2) / 2 + 0.3j * x) * np.pi**-0.25 / u.length**0.5


def diffusion(u, **options):
    return jqd.ConservativeDiffusion(
        grid(u), lambda x: u.energy / 2 * (x / u.length) ** 2, 0.45 * u.spread,
        u.mass, 0.1 * u.rate, 0.02 * u.spread, hbar=u.hbar, **options,
    )  # fmt: skip


GRIDS = {
    "schrodinger": on_grid,
    "logarithmic": lambda u: jqd.laws.Logarithmic(on_grid(u), 0.2 * u.energy),
    "cubic": lambda u: jqd.laws.GrossPitaevskii(on_grid(u), 0.3 * u.energy * u.length),
    "newton": lambda u: jqd.laws.SchrodingerNewton(
        on_grid(u), 0.3 * u.energy * u.length
    ),
    "diffusion": diffusion,
    "links": lambda u: diffusion(u, form="links"),
    "madelung": lambda u: jqd.Madelung(
        grid(u),
        lambda x: u.energy / 2 * (x / u.length) ** 2,
        mass=u.mass,
        hbar=u.hbar,
        form="window",
    ),
    "pauli": lambda u: jqd.Pauli(
        grid(u),
        lambda x: u.energy / 2 * (x / u.length) ** 2,
        # the moment g q ħ/4m makes an energy of it
        lambda x: (0 * x + 2 * u.mass * u.rate, 0 * x, 0 * x),
        mass=u.mass,
        hbar=u.hbar,
    ),
}
KERNELS = {
    "qmupl": lambda u: jqd.laws.QMUPL(on_grid(u), 0.1 * u.rate / u.length**2),
    "grw": lambda u: jqd.laws.GRW(on_grid(u), 0.2 * u.rate, u.length),
    "diosi": lambda u: jqd.laws.DiosiPenrose(
        on_grid(u), 0.2 * u.energy * u.length, u.length
    ),
}
# Of waves without nodes: not moved with the packet of the others.
CURRENTS = {
    "goldin": lambda u: jqd.laws.DoebnerGoldin(
        on_grid(u, 64),
        0.2 * u.spread,
        np.array([0.1, -0.05, 0.03, 0.02, 0.04]) * u.spread,
    ),
    "goldin_line": lambda u: jqd.laws.DoebnerGoldinLine(on_grid(u, 64), 0.2 * u.spread),
}
METHODS = {
    "fixed": lambda: jqd.Fixed(jqd.steppers.rk4, 40),
    "adaptive": jqd.Adaptive,
    "own": lambda: None,
}


def both(make, si):
    """What `make` gives in natural units and in SI."""
    return [make(u) for u in (NATURAL, si)]


def spans(law, u):
    """Widths and ends of the spans of all constants that declare one."""
    scales = scales_of(law, u.time)
    return {name: constants.span(law, name, scales) for name in constants.declared(law)}


# -- where fits begin ----------------------------------------------------------------

# What each constant is measured in, as the laws' docstrings say.
OF = {
    "eps": "energy", "b": "energy", "kappa": "rate", "rate": "rate", "gamma": "rate",
    "sd": "rate", "omega": "rate", "R": "rate", "friction": "rate", "D": "spread",
    "classical_diffusion": "spread", "c": "spread", "mass": "mass", "r_C": "length",
    "R0": "length", "T1": "time", "T2": "time",
}  # fmt: skip


def unit_of(name, label, u):
    last = label.rpartition(".")[2]
    if last in ("g", "G", "G_m2") and name != "pauli":
        return u.energy * (u.length if name in ("cubic", "newton", "diosi") else 1)
    if last == "lam" and name != "gisin":
        return u.rate / (u.length**2 if name == "qmupl" else 1)
    return getattr(u, OF[last]) if last in OF else 1.0


@pytest.mark.parametrize("name", MATRIX)
def test_spans_of_laws_of_levels(name):
    compare_spans(name, MATRIX[name], SI)


@pytest.mark.parametrize("name", [*GRIDS, *KERNELS, *CURRENTS])
def test_spans_of_laws_on_grids(name):
    compare_spans(name, (GRIDS | KERNELS | CURRENTS)[name], SI_GRID)


def compare_spans(name, make, si):
    natural, other = (spans(make(u), u) for u in (NATURAL, si))
    assert natural.keys() == other.keys()
    for label, ends in natural.items():
        unit = unit_of(name, label, si)
        for end, one in zip(ends, other[label], strict=True):
            np.testing.assert_allclose(one / unit, end, rtol=1e-12, err_msg=label)


def test_spans_as_they_are_told():
    """Of a run of sixteen units of time: what laws had without units, by hand."""
    scales = constants.Scales(time=1.0, hbar=2.0, length=3.0)
    law = jqd.laws.Weinberg(jqd.Schrodinger(LEVELS, 2.0))
    assert np.allclose(np.ravel(constants.span(law, "eps", scales)), [-1, 1])
    jump = jqd.Lindblad(LEVELS, {"c": jqd.laws.Jump(2 * LOWER, 0.0)})
    # tr L†L / 2 = 2
    assert np.allclose(np.ravel(constants.span(jump, "rate", scales)), [0, 0.5])
    lost = jqd.laws.Dephasing(LEVELS, np.array([0, 4.0]), 0.0)
    assert np.allclose(constants.span(lost, "gamma", scales), [[0], [1 / 16]])
    local = jqd.laws.QMUPL(on_grid(NATURAL), 0.0)
    assert np.allclose(np.ravel(constants.span(local, "lam", scales)), [0, 1 / 9])


def test_a_constant_without_a_declaration_is_measured_by_itself():
    def well(x, k, tilt):
        return k * x**2 + tilt * x

    for k in (3.0, 3e-20):
        law = jqd.Schrodinger.on_grid(grid(NATURAL), jax.tree_util.Partial(
            well, k=jnp.asarray(k), tilt=jnp.asarray(0.0)
        ))  # fmt: skip
        low, high = constants.span(law, "k")
        np.testing.assert_allclose([low / k, high / k], [[0.4], [1.6]])
        # of 0 the unit is not known
        assert np.allclose(constants.span(law, "tilt"), [[-0.1], [0.1]])


# -- motion --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", MATRIX)
def test_laws_of_levels_move_alike(name, method):
    # of a pure state Beretta's entropy has an infinite slope
    psi = MIXED if name == "beretta" else PSI

    def densities(u):
        ts = np.linspace(0, 3, 4) * u.time
        law = MATRIX[name](u)
        run = jqd.evolve(
            law, law.prepare(psi), ts, method=METHODS[method](), observe="density"
        )
        assert bool(run.ok)
        return run.values, run.error

    compare_runs(*both(densities, SI), method == "fixed")


# Of Madelung's equations 40 steps are too few: below.
ON_GRIDS = [
    (name, method) for name in GRIDS for method in METHODS
    if (name, method) != ("madelung", "fixed")
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "method"), ON_GRIDS)
def test_laws_on_grids_move_alike(name, method):
    def densities(u):
        ts = np.linspace(0, 1, 3) * u.time
        law = GRIDS[name](u)
        psi = packet(u)
        psi = law.prepare(np.stack([psi, 0 * psi]) if name == "pauli" else psi)
        run = jqd.evolve(law, psi, ts, method=METHODS[method](), observe="density")
        assert bool(run.ok)
        return run.values * u.length, run.error * u.length

    # another unit of density turns ψ by b ln of it: Runge and Kutta's errors with it
    alike = method == "fixed" and name != "logarithmic"
    compare_runs(*both(densities, SI_GRID), alike)


def test_currents_that_diffuse_are_alike():
    """Of both laws, and on the line those of ψ are those of φ."""

    def rates(u):
        x = np.pi * np.asarray(grid(u, 64).x) / u.length / 6
        psi = 1 + 0.4 * np.exp(1j * x) + 0.2 * np.exp(-2j * x)
        psi = jnp.asarray(psi / np.sqrt(12 * 1.2 * u.length))
        law, line = (CURRENTS[name](u) for name in CURRENTS)
        phi = line.prepare(psi)
        moved = line.vector_field(0.0, phi)
        found = (
            law.vector_field(0.0, psi),
            line.general().vector_field(0.0, psi),
            jax.jvp(line.amplitude, (phi,), (moved,))[1],
        )
        return np.stack(found) * u.time * u.length**0.5

    natural, si = both(rates, SI_GRID)
    np.testing.assert_allclose(si, natural, rtol=0, atol=1e-10)
    np.testing.assert_allclose(si[1], si[2], rtol=0, atol=1e-8)
    assert np.max(np.abs(si[0] - si[1])) > 1e-3


@pytest.mark.slow
def test_a_form_ends_alike():
    """Where noise outgrows Madelung's fields, in either unit of time."""

    def end(u):
        law, ts = GRIDS["madelung"](u), np.linspace(0, 1, 3) * u.time
        method = METHODS["fixed"]()
        run = jqd.evolve(law, law.prepare(packet(u)), ts, method=method)
        return int(run.status), float(run.failure_time) / u.time

    natural, si = both(end, SI_GRID)
    assert natural[0] == si[0] == jqd.Status.HORIZON
    np.testing.assert_allclose(si[1], natural[1], rtol=1e-9)


def compare_runs(one, other, steps_alike):
    """Values agree to rounding, or to their errors: first steps are guessed in time."""
    (values, error), (values_si, error_si) = one, other
    largest = np.max(error), np.max(error_si)
    assert max(largest) < 1e-5
    within = ROUNDING + (0 if steps_alike else sum(largest))
    np.testing.assert_allclose(values_si, values, rtol=0, atol=within)


@pytest.mark.slow
@pytest.mark.parametrize("name", KERNELS)
def test_random_laws_on_grids_move_alike(name):
    """Paths of the same random numbers."""

    def densities(u):
        ts = np.linspace(0, 1, 3) * u.time
        law = KERNELS[name](u)
        run = jqd.evolve(
            law, law.prepare(packet(u) + 0j), ts, method=jqd.Fixed(substeps=20),
            observe="density", key=jax.random.key(1), paths=8,
        )  # fmt: skip
        return run.values * u.length

    one, other = both(densities, SI_GRID)
    np.testing.assert_allclose(other, one, rtol=0, atol=ROUNDING)


@pytest.mark.slow
@pytest.mark.parametrize("name", JUMPING)
def test_random_laws_of_levels_move_alike(name):
    """Paths of the same random numbers."""

    def densities(u):
        law = JUMPING[name](u)
        run = jqd.evolve(
            law, law.prepare(PSI + 0j), np.linspace(0, 3, 4) * u.time,
            method=jqd.Fixed(substeps=40), observe="density",
            key=jax.random.key(1), paths=8,
        )  # fmt: skip
        return run.values

    one, other = both(densities, SI)
    np.testing.assert_allclose(other, one, rtol=0, atol=ROUNDING)


def test_phases_align_alike():
    """Of four individuals, who start out of line; φ is in radians, π in 1/time."""

    def motion(u):
        law = jqd.PhaseAlignment(
            [0, 0, 1, 1], u.rate * np.array([0.2, -0.2]), u.rate * 0.5 * SX, 0 * SX,
            1.3 * u.rate, damping=0.1 * u.rate,
        )  # fmt: skip
        start = law.start([0.1, -0.4, 0.3, 0.9])
        ts = np.linspace(0, 3, 4) * u.time
        run = jqd.evolve(law, start, ts, method=jqd.Fixed(jqd.steppers.rk4, 40))
        return run.values.phase, run.values.momentum / u.rate

    for one, other in zip(*both(motion, SI), strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=ROUNDING)


HUSIMI = {
    "exact": {}, "fock": {}, "gaussian": {"symbol": "w*ad*a"},
    "master": {"bath": lambda u: jqd.laws.husimi.Bath(0.1 * u.rate, 0.2)},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.8, 1.0])
@pytest.mark.parametrize("form", HUSIMI)
def test_forms_of_husimi_move_alike(form, C):
    """α is a root of an action and Q per action: times √ħ and 1/ħ."""
    options = dict(HUSIMI[form])
    text = options.pop("symbol", "w*ad*a + k*ad^2*a^2")

    def densities(u):
        points = u.hbar**0.5 * np.array([0.3 + 0.1j, -0.4 + 0.5j, 0.8])
        bath = options["bath"](u) if options else None
        values = {"w": u.rate, "k": 0.2 * u.rate / u.hbar}
        law = jqd.HusimiFokkerPlanck(
            text, C, hbar=u.hbar, points=points, form=form, bath=bath,
            **{name: values[name] for name in values if name in text},
        )  # fmt: skip
        ket = jqd.states.coherent(0.5, 12)
        psi = jqd.states.GaussianState(0.5) if form == "gaussian" else ket
        ts = np.linspace(0, 1, 3) * u.time
        run = jqd.evolve(law, law.prepare(psi), ts, observe="density")
        assert bool(run.ok)
        return run.values * u.hbar

    one, other = both(densities, SI)
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-9)


def test_a_part_of_a_state_that_is_tiny_in_si_is_followed():
    """x'' = -ω²x with x = 1e-6 m, p = 0 and m = 1e-26 kg: atol is not absolute.

    Steps of 1e-9 relative error over three periods: 1e-7 is a hundred of them.
    """

    class Oscillator(jqd.laws.Motion):
        k: jax.Array
        mass: jax.Array

        def vector_field(self, t, state, args=None):
            x, p = state
            return p / self.mass, -self.k * x

    def position(u):
        law = Oscillator(jnp.asarray(u.mass / u.time**2), jnp.asarray(u.mass))
        start = jnp.asarray(u.length), jnp.asarray(0.0)
        ts = np.linspace(0, 6 * np.pi, 7) * u.time
        run = jqd.evolve(law, start, ts, method=jqd.Adaptive(max_steps=4096))
        return np.asarray(run.values[0]) / u.length

    expected = np.cos(np.linspace(0, 6 * np.pi, 7))
    for found in both(position, SI_GRID):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


# -- records, copies and paths that are drawn ------------------------------------------


@pytest.mark.slow
def test_counts_are_drawn_alike():
    def counts(u):
        ts = np.linspace(0, 3, 4) * u.time
        law = MATRIX["weinberg"](u)
        drawn = jqd.simulate(
            law, PSI, ts, shots=100, key=jax.random.key(4),
            instrument=jqd.instruments.Confusion(),
        )  # fmt: skip
        return np.asarray(drawn.values)

    natural, si = both(counts, SI)
    np.testing.assert_array_equal(si, natural)


@pytest.mark.slow
def test_noise_of_copies_is_alike():
    from jqd.ensembles import copying

    def noise(u):
        law, ts = copies(u, 0.5, -0.5), np.linspace(0, 4, 3) * u.time
        lost = copying.infidelity(law, PSI, ts)
        scatter = copying.linear_noise(law, PSI, ts)
        assert np.all(np.asarray(lost.status) == 0)
        return lost.value, scatter.state_covariance

    for one, other in zip(*both(noise, SI), strict=True):
        # steps are found by errors of 1e-9 or so, in either unit
        np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_copies_are_sampled_alike():
    from jqd.ensembles import copying

    def counts(u):
        ts = np.linspace(0, 1, 3) * u.time
        run = copying.sample(
            copies(u, 0.5, -0.5), PSI, ts, jax.random.key(5), copies=500, trajectories=4
        )
        return np.asarray(run.occupation)

    natural, si = both(counts, SI)
    np.testing.assert_array_equal(si, natural)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nelson", "bohm"])
def test_paths_are_alike(name):
    from jqd import ensembles

    def positions(u):
        ts = np.linspace(0, 1, 3) * u.time
        follow, key = getattr(ensembles, name), jax.random.key(6)
        psi = packet(u, 64) + 0j
        run = follow(on_grid(u, 64), psi, ts, key, paths=32)
        return np.asarray(run.positions) / u.length, np.asarray(run.status)

    natural, si = both(positions, SI_GRID)
    np.testing.assert_allclose(si[0], natural[0], rtol=0, atol=1e-8)
    np.testing.assert_array_equal(si[1], natural[1])


@pytest.mark.slow
def test_arrivals_are_alike():
    from jqd import ensembles

    def arrived(u):
        ts = np.linspace(0, 1, 3) * u.time
        detector = {"detector": 0.5 * u.length}
        psi = packet(u, 64) + 0j
        flux = ensembles.arrival_flux(on_grid(u, 64), psi, ts, **detector)
        seen = ensembles.survival(
            on_grid(u, 64), psi, ts, nu=0.25 * u.spread, cells=200, **detector
        )
        return flux.current * u.time, flux.arrived, seen.survival

    for one, other in zip(*both(arrived, SI_GRID), strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-8)


# -- ground states -------------------------------------------------------------------


def test_ground_state_of_a_trap():
    """ħω/2 with ω = 1e4/s and m = 1e-26 kg: an energy of 5e-31 J."""
    hbar, mass, omega = 1.05e-34, 1e-26, 1e4
    length = np.sqrt(hbar / (mass * omega))
    x = jqd.Grid((-8 * length, 8 * length), 64)
    law = jqd.Schrodinger.on_grid(
        x, lambda x: mass * omega**2 * x**2 / 2, mass=mass, hbar=hbar
    )
    found = jqd.ground_state(law, dtau=5e-6)
    assert int(found.status) == 0
    # (ω dτ)⁴ of the step, as with ħ = 1
    np.testing.assert_allclose(found.energy / (hbar * omega), 0.5, rtol=0, atol=1e-9)
    assert 0 < found.error / (hbar * omega) < 1e-9


# -- fits ----------------------------------------------------------------------------


def record(u, law, psi, rows=24, sigma=None):
    ts = np.linspace(0, 8, rows) * u.time
    run = jqd.evolve(
        law,
        law.prepare(psi),
        ts,
        method=jqd.Fixed(jqd.steppers.rk4, 60, estimate_error=False),
        observe="density",
    )
    noise = None if sigma is None else jqd.Gaussian(sigma)
    return jqd.Record(ts, np.asarray(run.values), noise)


def weinberg(u, eps, sigma=None):
    data = record(u, jqd.laws.Weinberg(quantum(u), 0.3 * u.energy), PSI, sigma=sigma)
    return jqd.Study(
        jqd.laws.Weinberg(quantum(u), eps * u.energy), data, psi0=PSI, free=("eps",)
    )


@pytest.mark.slow
def test_recover_an_energy():
    """The same program in both: a second fit costs no compilation."""

    def eps(u):
        found = jqd.recover(weinberg(u, 0.0), starts=3)
        assert found.status == "converged"
        one = found.constants["eps"]
        return one.value / u.energy, one.stderr / u.energy, found.ends / u.energy

    natural, si = both(eps, SI)
    np.testing.assert_allclose(natural[0], 0.3, rtol=1e-8)
    np.testing.assert_allclose(si[0], natural[0], rtol=1e-10)
    np.testing.assert_allclose(si[1], natural[1], rtol=1e-2)
    # where every start went, before it was polished to the end
    np.testing.assert_allclose(si[2], natural[2], rtol=1e-6)


CONSTANTS = {
    "copying": (
        lambda u: copies(u, 0.45, -0.45), ("q", "R"), lambda u: copies(u, 0.4, -0.45),
    ),
    "cubic": (lambda u: jqd.laws.GrossPitaevskii(quantum(u)), ("g",), MATRIX["cubic"]),
    "lindblad": (
        lambda u: jqd.Lindblad(
            u.energy * LEVELS, {"loss": jqd.laws.Jump(LOWER, 0.0)}, u.hbar
        ),
        ("loss.rate",), MATRIX["lindblad"],
    ),
    "beretta": (
        lambda u: jqd.laws.Beretta(quantum(u), 0.01 * u.rate), ("kappa",),
        MATRIX["beretta"],
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CONSTANTS)
def test_recover_constants_of_laws_of_levels(name):
    law, free, true = CONSTANTS[name]
    psi = MIXED if name == "beretta" else PSI

    def fitted(u):
        found = jqd.recover(
            law(u), record(u, true(u), psi), psi0=psi, free=free, starts=2
        )
        assert found.status == "converged"
        return [
            one.value / unit_of(name, label.partition("[")[0], u)
            for label, one in found.constants.items()
        ]

    natural, si = both(fitted, SI)
    # both settle to 1e-10 of the spans or to their steps
    np.testing.assert_allclose(si, natural, rtol=1e-6)


@pytest.mark.slow
def test_recover_a_diffusion_on_a_grid():
    """A density in 1/m is 1e6 where it was 1: what an exact record counts in."""

    def fitted(u):
        data = record_on_grid(u)
        law = diffusion(u)
        start = {"D": 0.5 * u.spread, "friction": 0.0}
        found = jqd.recover(
            law, data, psi0=packet(u) + 0j, free=("D", "friction"), starts=1,
            start=start,
        )  # fmt: skip
        assert found.status == "converged"
        D, friction = found.constants.values()
        return D.value / u.spread, friction.value / u.rate

    natural, si = both(fitted, SI_GRID)
    np.testing.assert_allclose(natural, [0.45, 0.1], rtol=1e-4)
    np.testing.assert_allclose(si, natural, rtol=1e-6)


def record_on_grid(u):
    ts = np.linspace(0, 1, 6) * u.time
    method = jqd.Fixed(jqd.steppers.rk4, 60, estimate_error=False)
    law = diffusion(u)
    run = jqd.evolve(law, law.prepare(packet(u)), ts, method=method, observe="density")
    return ts, np.asarray(run.values)


def test_a_run_that_fails_misses_by_the_size_of_the_record():
    """Beside densities of 1e6/m a miss by 1 would be nothing."""

    def missed(u):
        values = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]) / u.length
        ts = np.array([0.0, 1, 2]) * u.time
        law = Runaway(jnp.asarray(u.rate), jnp.asarray(u.length))
        study = jqd.Study(
            law,
            jqd.Record(ts, values),
            psi0=values[0],
            free=("speed",),
        )
        at, mask = study.first_weights(), jnp.ones(3)
        far = jnp.asarray([1e3]) * u.rate
        return np.asarray(study.residuals(far, at, mask)) * u.length

    natural, si = both(missed, SI_GRID)
    np.testing.assert_allclose(si, natural, rtol=1e-9)
    np.testing.assert_allclose(natural[2:6], 0.9, rtol=1e-9)


class Runaway(jqd.Law):
    """ρ' = v ρ: it blows up."""

    speed: jax.Array = jqd.free(unit="rate")
    unit: jax.Array = jqd.fixed()

    def prepare(self, psi):
        return jnp.asarray(psi)

    def density(self, state):
        return state

    def vector_field(self, t, state, args=None):
        return self.speed * state


# -- posterior, Fisher information, designs, comparison ------------------------------


@pytest.mark.slow
def test_fisher_of_constants_of_unlike_units():
    """An energy of 1e-25 J beside an exponent: neither drowns in the other's unit."""

    def told(u):
        data = record(u, copies(u), PSI, sigma=0.01)
        study = jqd.Study(copies(u), data, psi0=PSI, free=("R", "q", "r"))
        found = jqd.fisher(study)
        assert found.status is jqd.Status.OK
        units = np.array([u.rate, 1, 1])
        return found.errors.aided / units, found.aided.singular_values

    natural, si = both(told, SI)
    np.testing.assert_allclose(si[0], natural[0], rtol=1e-8)
    np.testing.assert_allclose(si[1], natural[1], rtol=1e-8)


@pytest.mark.slow
def test_designs_of_constants_of_unlike_units():
    def shares(u):
        data = record(u, copies(u), PSI, rows=8, sigma=0.01)
        study = jqd.Study(copies(u), data, psi0=PSI, free=("R", "q", "r"))
        found = jqd.design(study, shots=1000, criterion="D")
        assert found.status is jqd.Status.OK
        units = np.array([u.rate, 1, 1])
        return found.weights, found.standard_errors.aided / units

    natural, si = both(shares, SI)
    np.testing.assert_allclose(si[0], natural[0], rtol=0, atol=1e-3)
    np.testing.assert_allclose(si[1], natural[1], rtol=1e-3)


@pytest.mark.slow
def test_posterior_of_an_energy():
    def draws(u):
        found = jqd.posterior(
            weinberg(u, 0.3, sigma=0.01), "laplace", chains=2, draws=100,
            key=jax.random.key(2),
        )  # fmt: skip
        return found.chains.theta / u.energy

    natural, si = both(draws, SI)
    np.testing.assert_allclose(si, natural, rtol=1e-6)
    assert np.std(natural) > 0


@pytest.mark.slow
def test_compare_of_two_laws():
    def evidence(u):
        data = record(u, jqd.laws.Weinberg(quantum(u), 0.3 * u.energy), PSI, sigma=0.02)
        laws = {
            "weinberg": (jqd.laws.Weinberg(quantum(u)), ("eps",)),
            "cubic": (jqd.laws.GrossPitaevskii(quantum(u)), ("g",)),
        }
        studies = {
            name: jqd.Study(law, data, psi0=PSI, free=free)
            for name, (law, free) in laws.items()
        }
        found = jqd.compare(studies, folds=4)
        return [(row.chi2, float(row.evidence.log), row.p_value) for row in found.rows]

    natural, si = both(evidence, SI)
    np.testing.assert_allclose(si, natural, rtol=1e-5, atol=1e-9)


# -- cards and sweeps ----------------------------------------------------------------

ROWS = ("norm", "quantum mechanics", "quantum limit", "gradients", "identifiability")
SIGNAL = "signal by a distant Hamiltonian"


def card(law, rows, **options):
    found = jqd.vet(law, rows=rows, steps=100, tries=1, **options)
    return {name: (row.verdict, row.figure) for name, row in found.rows.items()}


def compare_cards(natural, si):
    for name, (verdict, figure) in natural.items():
        assert si[name][0] is verdict, name
        if figure is not None and figure > 1e-9:
            np.testing.assert_allclose(si[name][1], figure, rtol=1e-4, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["weinberg", "gisin"])
def test_cards_of_laws_of_levels(name):
    def said(u):
        return card(MATRIX[name](u), (*ROWS, SIGNAL, "stability", "order of steps"))

    compare_cards(*both(said, SI))


@pytest.mark.slow
def test_cards_of_laws_on_grids():
    def said(u):
        # by custom the time is a power of ten
        rows = ("norm", "quantum mechanics", "energy")
        return card(GRIDS["cubic"](u), rows, time=2 * u.time)

    compare_cards(*both(said, SI_GRID))


def test_a_card_chooses_its_time():
    """Two of the law's own times: 2 where levels are of order 1, as before."""
    assert jqd.vet(quantum(NATURAL), rows=["norm"], steps=16).time == 2.0
    found = jqd.vet(quantum(SI), rows=["norm"], steps=16)
    np.testing.assert_allclose(found.time, 2e-9)
    # 1 - cos² of a turn by 2 · 0.5 · 2: something does move in it
    far = jqd.vet(
        jqd.laws.Weinberg(quantum(SI), 0.3 * SI.energy),
        rows=["quantum mechanics"],
        steps=64,
    )
    assert far.rows["quantum mechanics"].figure > 0.05


@pytest.mark.slow
def test_a_sweep_over_an_energy(tmp_path):
    def ends(u):
        def end(eps):
            law = jqd.laws.Weinberg(quantum(u), eps)
            ts = np.array([0, 2.0]) * u.time
            run = jqd.evolve(law, PSI + 0j, ts, method=jqd.Fixed(jqd.steppers.rk4, 40))
            return {"p": jnp.abs(run.values[-1]) ** 2}

        eps = np.linspace(-0.5, 0.5, 4) * u.energy
        store = tmp_path / f"{u.hbar}"
        found = jqd.sweep(end, {"eps": eps}, store=store, progress=False)
        return np.asarray(found["p"])

    natural, si = both(ends, SI)
    np.testing.assert_allclose(si, natural, rtol=0, atol=ROUNDING)


@pytest.mark.slow
def test_a_bath_and_a_drive_from_the_shell(tmp_path, capsys):
    """Rates of 1e9 1/s in the words of options, ħ = 1: an amplitude has no units."""
    line, psi = np.linspace(-2, 2, 7), coherent(0.8 + 0.3j, 20)
    text = "0.5*U*ad^2*a^2 + drive(t)*(ad + a)"
    noise = 1e-3 * np.random.default_rng(0).normal(size=(4, 7, 7))

    def found(u):
        shape = {"area": 0.5, "center": 0.4 * u.time, "width": 0.1 * u.time}
        bath = {"gamma": 0.2 * u.rate, "nbar": 0.1}
        law = jqd.HusimiFokkerPlanck(
            text, C=0.9, points=phase_grid(line, line), bath=Bath(**bath),
            form=Exact(20), U=u.rate, drive=jqd.spaces.named_pulse("gaussian", **shape),
        )  # fmt: skip
        ts = u.time * np.array([0.0, 0.3, 0.6, 0.9, 1.2])
        run = jqd.evolve(law, law.prepare(psi), ts, observe="density")
        file = tmp_path / f"{u.time}.npz"
        maps = np.asarray(run.values)[1:] + noise
        np.savez(
            file, t=ts[1:], x=line, y=line, g=2, husimi=maps, alpha0=0.8 + 0.3j,
            sigma=1e-3, t0=0.0,
        )  # fmt: skip
        words = ["recover", "husimi", "--data", str(file), "--hamiltonian", text]
        words += ["--set", f"U={u.rate!r}", "--bath", said(bath), "--free", "C,gamma"]
        words += ["--pulse", f"drive=gaussian:{said(shape)}", "--levels", "20"]
        # about a third of the initial guesses lead there, the others to gamma = 0
        words += ["--starts", "6", "--json", "--out", str(tmp_path / f"{u.time}")]
        assert main(words) == 0
        result = json.loads(capsys.readouterr().out)
        one = np.array([1.0, u.rate])
        constants = [result["constants"][name] for name in ("C", "gamma")]
        return [
            np.array([c[of] for c in constants]) / one for of in ("value", "stderr")
        ]

    def said(options):
        return ",".join(f"{name}={value!r}" for name, value in options.items())

    natural, si = both(found, SI)
    assert np.all(np.abs(natural[0] - [0.9, 0.2]) < 4 * natural[1])
    # each fit ends within a hundredth of its errors
    assert np.all(np.abs(si[0] - natural[0]) < 0.02 * natural[1])
    np.testing.assert_allclose(si[1], natural[1], rtol=1e-2)


# -- numbers that tolerances were absolute in ----------------------------------------


def test_diffusion_from_levels_of_1e_25_joules():
    """D = ħ/2m of a trap's levels, from a start by custom."""
    from jqd.inference.estimators import diffusion_from_levels

    for u in (NATURAL, SI_GRID):
        x = jqd.Grid((-8 * u.length, 8 * u.length), 64)
        levels = u.energy * (np.arange(3) + 0.5)
        V = u.energy / 2 * (np.asarray(x.x) / u.length) ** 2
        found = diffusion_from_levels(levels, x, V, mass=u.mass)
        assert found.converged
        np.testing.assert_allclose(found.D / u.spread, 0.5, rtol=1e-8)


@pytest.mark.parametrize("form", ["wigner", "literal"])
def test_a_box_that_cannot_hold_what_hbar_makes_is_refused(form):
    """5 √action by custom: of ħ = 1e-34 all of a state lies at one point."""
    with pytest.raises(ValueError, match=r"`half_width` must be some 5 √ħ"):
        jqd.HusimiFokkerPlanck("ad*a", hbar=SI.hbar, form=form)
