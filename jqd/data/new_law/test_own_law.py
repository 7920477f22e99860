"""What every law has to hold, and a closed form of this one; run it with pytest."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import jqd
from jqd.report import load_law

jax.config.update("jax_enable_x64", True)

make = load_law(Path(__file__).with_name("own_law.py"), "OwnLaw")
matrix = jnp.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
g = 0.3  # away from quantum mechanics


def test_constants_are_arrays():
    law = make(matrix, g)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(law))
    assert jqd.constants.declared(law) == ("g",)
    assert jqd.constants.quantum_values(law) == {"g": 0.0}


# bits of a batch are those of its members, slopes those of differences, ..
@pytest.mark.parametrize(
    "row",
    ["norm", "quantum limit", "energy", "order of steps", "gradients", "batching"],
)
def test_row_of_the_card(row):
    card = jqd.vet(make(matrix, g), rows=(row,), steps=200)
    assert card.rows[row].verdict == "holds", card


def test_it_is_not_quantum_mechanics():
    card = jqd.vet(make(matrix, g), rows=("quantum mechanics",), steps=200)
    assert card.rows["quantum mechanics"].verdict == "fails", card


# >>> Your closed form here. This one: energies alone, no couplings. Then densities
# >>> stay and phases turn, φ_a = (E_a + U(ρ_a)) t. Numbers, not the law's own code.
def test_closed_form():
    energies, rho, t = jnp.array([0.4, -0.3]), jnp.array([0.8, 0.2]), 2.0
    law = make(jnp.diag(energies), g, rho_s=0.5)
    state = jqd.evolve(law, jnp.sqrt(rho) + 0j, jnp.array([0.0, t])).values[-1]
    U = 0.3 * jnp.array([0.8 / 2.6, 0.2 / 1.4])
    exact = jnp.sqrt(rho) * jnp.exp(-1j * (energies + U) * t)
    # evolved to relative errors of 1e-8
    assert jnp.max(jnp.abs(state - exact)) < 1e-7
