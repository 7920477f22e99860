"""Diósi and Penrose: gravity between places takes their coherence."""

from typing import Any

from jaxtyping import ArrayLike

from .localisation import Localisation, read_localised
from .localisation_kernels import NewtonianDecay


class DiosiPenrose(Localisation[NewtonianDecay]):
    """Γ = E_Δ(d)/ħ,  E_Δ = Gm² (1/(√π R_0) - erf(d/2R_0)/d).

    `Localisation` by a field with the correlation of Newton's potential, for a mass m
    smeared as a Gaussian of standard deviation R_0 in each direction of space, whatever
    the dimension of the grid. E_Δ = ½∫∫ Δ(r) G Δ(r')/|r - r'| is the self-energy of the
    difference of the two densities, with Diósi's factor ½; Penrose's is up to 8π
    larger. Γ is long-ranged: in a box of length L the noise has it to within
    (R_0/L)² of Gm²/ħR_0, see `FieldKernel`.

    Attributes:
        quantum: Schrödinger's law on a grid, with H and ħ.
        kernel: Γ, with `G_m2` and `R0`.
        draw: whether records are drawn (static), see `Localisation`.

    Source: L. Diósi (1987) Phys. Lett. A 120, 377; R. Penrose (1996) Gen. Relativ.
    Gravit. 28, 581.
    """

    def __init__(
        self,
        quantum: Any,
        G_m2: ArrayLike = 0.0,
        R0: ArrayLike = 1.0,
        *,
        draw: bool = True,
    ) -> None:
        """The law.

        Args:
            quantum: a `Schrodinger` on a grid.
            G_m2: Gm² >= 0, energy times length.
            R0: R_0, length.
            draw: whether x_0 is drawn, or paths are smooth functions of the noise.

        Raises:
            ValueError: no grid, an absorber; a constant out of its range.
        """
        self.quantum, self.draw = read_localised(quantum, draw)
        self.kernel = NewtonianDecay(G_m2, R0)

    def pathwise(self) -> "DiosiPenrose":
        """The law with `draw=False`."""
        return DiosiPenrose(self.quantum, self.kernel.G_m2, self.kernel.R0, draw=False)
