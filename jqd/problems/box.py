"""A plane box with hard walls, in which many modes are excited."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from .. import _checks
from .._gate import gated
from ..ensembles import Cells
from ..laws import Schrodinger
from ..spaces import Grid

# The golden section less 1, whose multiples fill the circle most evenly.
_GOLDEN = (5**0.5 - 1) / 2
_PHASES = {"quadratic": lambda k: _GOLDEN * k**2, "linear": lambda k: 11 * _GOLDEN * k}


class BoxOfModes(eqx.Module):
    """A superposition of modes in a box of side π; ħ = m = 1, period 4π.

    The box is a quarter of the grid, the torus (0, 2π)², on which ψ is odd across each
    wall. Free motion on the torus evolves it exactly, and ψ is 0 at the walls.

    Attributes:
        law: the law of a free particle on the torus.
        psi0: ψ at t = 0, normalised on the torus, not in the box.
        ground: density of the ground state of the box, likewise normalised.
        cells: cells of the box alone, with mirror images.
    """

    law: Schrodinger
    psi0: Complex[Array, "n n"]
    ground: Float[Array, "n n"]
    cells: Cells


@gated
def box_of_modes(
    phases: str = "quadratic", *, modes: int = 4, cells: int = 16, points: int = 48
) -> BoxOfModes:
    """Modes of a box, all of equal amplitude.

    ψ = Σ (1/M) (2/π) sin mx sin ny exp(i(θ_k - E t)), E = (m² + n²)/2, m, n = 1..M,
    k = M(m - 1) + n

    Args:
        phases: "quadratic", θ_k = 2π frac(g k²), or "linear", 2π frac(11 g k), with
            g = (√5 - 1)/2. Linear phases focus the wave into a packet.
        modes: M, number of modes along each axis.
        cells: number of cells of the box along each axis.
        points: number of grid points along each axis, twice as many as in the box.

    Raises:
        ValueError: unknown phases, or fewer than four points for each mode.
    """
    _checks.check_choice(phases, "phases", tuple(_PHASES))
    modes = _checks.whole_number(modes, "modes", 1)
    points = _checks.whole_number(points, "points", 4 * modes)
    grid = Grid([(0.0, 2 * np.pi)] * 2, (points, points))
    k = np.arange(1, modes**2 + 1).reshape(modes, modes)
    theta = 2 * np.pi * (_PHASES[phases](k) % 1)
    x = np.asarray(grid.coordinates[0]).ravel()
    waves = np.sin(np.outer(np.arange(1, modes + 1), x))
    psi = np.exp(1j * theta) / (modes * np.pi)
    psi = np.einsum("mn,mx,ny->xy", psi, waves, waves)
    ground = np.outer(np.sin(x) ** 2, np.sin(x) ** 2) / np.pi**2
    law = Schrodinger.on_grid(grid, jnp.zeros(grid.shape))
    side = Cells([(0.0, np.pi)] * 2, (cells, cells), mirrored=True)
    return BoxOfModes(law, jnp.asarray(psi), jnp.asarray(ground), side)
