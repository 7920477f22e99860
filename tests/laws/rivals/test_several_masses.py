"""Several masses, fields and pointers: what takes them, and what refuses in a line."""

import re

import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.ensembles import absorbing_boundary, arrival_flux, kijowski, survival
from jqd.laws.rivals import GaussianDecay

GRID = jqd.Grid([(-6.0, 6.0)] * 2, (24, 24))
LINE = jqd.Grid((-6.0, 6.0), 32)


def well(x, y):
    return (x**2 + y**2) / 2


TWO = jqd.Schrodinger.on_grid(GRID, well, mass=[1.0, 2.0])
POINTER = jqd.Schrodinger.on_grid(
    GRID,
    well,
    mass=[1.0, jnp.inf],
    couplings={1: (lambda x, y: x, jqd.spaces.impulse(0.0, 1.0))},
)


@pytest.mark.parametrize(
    "make",
    [
        lambda law: jqd.laws.QMUPL(law, 0.1),
        lambda law: jqd.laws.CSL(law, 0.1),
        lambda law: jqd.laws.GRW(law, 0.1),
        lambda law: jqd.laws.DiosiPenrose(law),
        lambda law: jqd.laws.Decoherence(law, GaussianDecay(0.1, 1.0)),
        lambda law: jqd.laws.DoebnerGoldin(law, 0.1),
    ],
    ids=["QMUPL", "CSL", "GRW", "DiosiPenrose", "Decoherence", "DoebnerGoldin"],
)
def test_laws_of_one_particle_refuse_more(make):
    with pytest.raises(ValueError, match="Argument `quantum` must be of one mass, wit"):
        make(TWO)
    with pytest.raises(ValueError, match="Argument `quantum` must not have couplings"):
        make(POINTER)


@pytest.mark.parametrize(
    "make",
    [
        lambda law: jqd.laws.GrossPitaevskii(law, 0.1),
        lambda law: jqd.laws.Logarithmic(law, 0.1),
        lambda law: jqd.laws.SchrodingerNewton(law, 0.1),
    ],
    ids=["GrossPitaevskii", "Logarithmic", "SchrodingerNewton"],
)
def test_potentials_of_the_density_refuse_pointers_alone(make):
    with pytest.raises(ValueError, match="Argument `quantum` must not have couplings"):
        make(POINTER)
    assert make(TWO).exact().flows() is not None


@pytest.mark.slow
def test_a_mean_field_of_two_masses_by_splitting_and_by_derivatives():
    law = jqd.laws.GrossPitaevskii(TWO, 0.5)
    x, y = GRID.coordinates
    psi = GRID.normalise(jnp.exp(-((x - 0.5) ** 2) / 2 - y**2) + 0j)
    ts = jnp.array([0.0, 0.5])
    method = jqd.Fixed(jqd.steppers.srkn11, 10, estimate_error=False)
    split = jqd.evolve(law, psi, ts, method=method).values[1]
    whole = jqd.evolve(law, psi, ts).values[1]
    # adaptive steps of 1e-9
    np.testing.assert_allclose(split, whole, atol=2e-8)
    # a vector potential goes with compositions, and says so
    field = jqd.Schrodinger.on_grid(
        GRID, well, vector_potential=lambda x, y: (-0.2 * y, 0.2 * x)
    )
    law = jqd.laws.GrossPitaevskii(field, 0.5)
    with pytest.raises(ValueError, match="`stepper` must keep its order"):
        jqd.evolve(law, psi, ts, method=method)


def test_the_card_asks_for_one_mass():
    for law in (TWO, jqd.laws.GrossPitaevskii(TWO, 0.1)):
        with pytest.raises(ValueError, match="a particle of one mass on a grid or one"):
            jqd.vet(law)


def test_distributions_on_a_line_refuse_what_moves_it_otherwise():
    """A coupling that shifts the line itself, as an impulse too."""
    psi = LINE.normalise(jnp.exp(-(LINE.x**2)) + 0j)
    for strength in (jqd.pulse(lambda t: jnp.cos(t)), jqd.spaces.impulse(0.5, 1.0)):
        law = jqd.Schrodinger.on_grid(
            LINE, lambda x: 0 * x, couplings={0: (lambda x: jnp.ones(1), strength)}
        )
        calls = [
            lambda law=law: arrival_flux(law, psi, [0.0, 1.0], detector=1.0),
            lambda law=law: survival(law, psi, [0.0, 1.0], detector=1.0, nu=0.5),
            lambda law=law: kijowski(law, psi, [0.0, 1.0], detector=1.0),
            lambda law=law: absorbing_boundary(
                law, psi, [0.0, 1.0], detector=1.0, kappa=1.0
            ),
        ]
        for call in calls:
            with pytest.raises(ValueError, match=re.escape("Argument `law` must not")):
                call()
