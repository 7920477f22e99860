"""CSL of one particle: continuous spontaneous localisation."""

from typing import Any

from jaxtyping import ArrayLike

from .localisation import Localisation, read_localised
from .localisation_kernels import GaussianDecay


class CSL(Localisation[GaussianDecay]):
    """Γ = λ (1 - exp(-d²/4r_C²)): `Localisation` by a field that is smeared over r_C.

    Continuous spontaneous localisation of one particle. Its channels are Gaussians
    exp(-(x - z)²/2r_C²) at all places z. They are not put on a lattice: with Gaussians
    on one of spacing a, Γ would ripple by 2 exp(-π²r_C²/a²) of λ, 1e-17 at a = r_C/2,
    1e-4 at r_C and 0.17 at 2r_C. Γ tells no difference from `GRW`, whose mean is the
    same.

    Attributes:
        quantum: Schrödinger's law on a grid, with H and ħ.
        kernel: Γ, with `lam` and `r_C`.
        draw: whether records are drawn (static), see `Localisation`.

    Source: G. C. Ghirardi, P. Pearle & A. Rimini (1990) Phys. Rev. A 42, 78.
    """

    def __init__(
        self,
        quantum: Any,
        lam: ArrayLike = 0.0,
        r_C: ArrayLike = 1.0,
        *,
        draw: bool = True,
    ) -> None:
        """The law.

        Args:
            quantum: a `Schrodinger` on a grid.
            lam: λ >= 0, in 1 over the unit of time.
            r_C: width, length.
            draw: whether x_0 is drawn, or paths are smooth functions of the noise.

        Raises:
            ValueError: no grid, an absorber; a constant out of its range.
        """
        self.quantum, self.draw = read_localised(quantum, draw)
        self.kernel = GaussianDecay(lam, r_C)

    def pathwise(self) -> "CSL":
        """The law with `draw=False`."""
        return CSL(self.quantum, self.kernel.lam, self.kernel.r_C, draw=False)
