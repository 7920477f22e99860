"""One problem in SI and with ħ = 1: the same answer, whatever is asked of it.

What is compared is without dimension: densities times a length, energies over ħ/t,
constants over their units. SI here is ħ = 1.05e-34 J s, times of 1e-9 s where there is
no mass, and m = 1e-26 kg with lengths of 1e-6 m, hence t = m l²/ħ, where there is one.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants
from jqd.laws.scales import scales_of

SX, SZ = np.array([[0, 1.0], [1, 0]]), np.diag([1.0, -1])
LOWER = np.array([[0, 1.0], [0, 0]])
PSI = np.array([0.6, 0.8])
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


MATRIX = {
    "schrodinger": quantum,
    "copying": copies,
    "literal": lambda u: copies(u, literal=True),
    "weinberg": lambda u: jqd.Weinberg(quantum(u), 0.3 * u.energy),
    "logarithmic": lambda u: jqd.Logarithmic(quantum(u), 0.2 * u.energy),
    "cubic": lambda u: jqd.GrossPitaevskii(quantum(u), 0.3 * u.energy),
    "gisin": lambda u: jqd.Gisin(quantum(u), 0.1),
    "beretta": lambda u: jqd.Beretta(quantum(u), 0.2 * u.rate),
    "dephasing": lambda u: jqd.laws.Dephasing(
        u.energy * LEVELS, np.array([0.0, 2.0]), 0.1 * u.rate, u.hbar
    ),
    "lindblad": lambda u: jqd.Lindblad(
        u.energy * LEVELS, {"loss": jqd.Jump(LOWER, 0.2 * u.rate)}, u.hbar
    ),
    "jitter": lambda u: jqd.RandomFrequencies(copies(u), 0.1 * u.rate),
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
    "logarithmic": lambda u: jqd.Logarithmic(on_grid(u), 0.2 * u.energy),
    "cubic": lambda u: jqd.GrossPitaevskii(on_grid(u), 0.3 * u.energy * u.length),
    "newton": lambda u: jqd.SchrodingerNewton(on_grid(u), 0.3 * u.energy * u.length),
    "diffusion": diffusion,
    "links": lambda u: diffusion(u, form="links"),
}
KERNELS = {
    "qmupl": lambda u: jqd.QMUPL(on_grid(u), 0.1 * u.rate / u.length**2),
    "grw": lambda u: jqd.GRW(on_grid(u), 0.2 * u.rate, u.length),
    "diosi": lambda u: jqd.DiosiPenrose(on_grid(u), 0.2 * u.energy * u.length, u.length),
}
METHODS = {
    "fixed": lambda: jqd.Fixed(jqd.rk4, 40),
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
    "classical_diffusion": "spread", "mass": "mass", "r_C": "length", "R0": "length",
}  # fmt: skip


def unit_of(name, label, u):
    last = label.rpartition(".")[2]
    if last in ("g", "G", "G_m2"):
        return u.energy * (u.length if name in ("cubic", "newton", "diosi") else 1)
    if last == "lam" and name != "gisin":
        return u.rate / (u.length**2 if name == "qmupl" else 1)
    return getattr(u, OF[last]) if last in OF else 1.0


@pytest.mark.parametrize("name", MATRIX)
def test_spans_of_laws_of_levels(name):
    compare_spans(name, MATRIX[name], SI)


@pytest.mark.parametrize("name", [*GRIDS, *KERNELS])
def test_spans_of_laws_on_grids(name):
    compare_spans(name, (GRIDS | KERNELS)[name], SI_GRID)


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
    law = jqd.Weinberg(jqd.Schrodinger(LEVELS, 2.0))
    assert np.allclose(np.ravel(constants.span(law, "eps", scales)), [-1, 1])
    jump = jqd.Lindblad(LEVELS, {"c": jqd.Jump(2 * LOWER, 0.0)})
    # tr L†L / 2 = 2
    assert np.allclose(np.ravel(constants.span(jump, "rate", scales)), [0, 0.5])
    lost = jqd.laws.Dephasing(LEVELS, np.array([0, 4.0]), 0.0)
    assert np.allclose(constants.span(lost, "gamma", scales), [[0], [1 / 16]])
    local = jqd.QMUPL(on_grid(NATURAL), 0.0)
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
    def densities(u):
        ts = np.linspace(0, 3, 4) * u.time
        law = MATRIX[name](u)
        run = jqd.evolve(law, PSI, ts, method=METHODS[method](), observe="density")
        assert bool(run.ok)
        return run.values, run.error

    (one, error), (other, error_si) = both(densities, SI)
    # adaptive steps are chosen anew: their errors are their own
    within = ROUNDING + (np.max(error) if method != "fixed" else 0)
    np.testing.assert_allclose(other, one, rtol=0, atol=within)
    np.testing.assert_allclose(error_si, error, rtol=0.5, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", GRIDS)
def test_laws_on_grids_move_alike(name, method):
    def densities(u):
        ts = np.linspace(0, 1, 3) * u.time
        law, psi = GRIDS[name](u), packet(u)
        run = jqd.evolve(law, psi, ts, method=METHODS[method](), observe="density")
        assert bool(run.ok)
        return run.values * u.length, run.error * u.length, run.resolution

    one, other = both(densities, SI_GRID)
    within = ROUNDING + (np.max(one[1]) if method != "fixed" else 0)
    np.testing.assert_allclose(other[0], one[0], rtol=0, atol=within)
    np.testing.assert_allclose(other[1], one[1], rtol=0.5, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", KERNELS)
def test_random_laws_on_grids_move_alike(name):
    """Paths of the same random numbers."""

    def densities(u):
        ts = np.linspace(0, 1, 3) * u.time
        run = jqd.evolve(
            KERNELS[name](u), packet(u), ts, method=jqd.Fixed(substeps=20),
            observe="density", key=jax.random.key(1), paths=8,
        )  # fmt: skip
        return run.values * u.length

    one, other = both(densities, SI_GRID)
    np.testing.assert_allclose(other, one, rtol=0, atol=ROUNDING)


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
    run = jqd.evolve(law, psi, ts, method=jqd.Fixed(jqd.rk4, 60), observe="density")
    noise = None if sigma is None else jqd.Gaussian(sigma)
    return jqd.Record(ts, np.asarray(run.values), noise)


def weinberg(u, eps, sigma=None):
    data = record(u, jqd.Weinberg(quantum(u), 0.3 * u.energy), PSI, sigma=sigma)
    return jqd.Study(
        jqd.Weinberg(quantum(u), eps * u.energy), data, psi0=PSI, free=("eps",)
    )


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
