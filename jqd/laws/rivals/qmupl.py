"""QMUPL: the position itself is measured without end."""

from typing import Any

from jaxtyping import ArrayLike

from .localisation import Localisation, read_localised
from .localisation_kernels import QuadraticDecay


class QMUPL(Localisation[QuadraticDecay]):
    """dψ = [-iH dt/ħ - λ/2 (x - ⟨x⟩)² dt + √λ (x - ⟨x⟩) dW] ψ,  Γ = λ d²/2.

    Quantum mechanics with universal position localisation: `Localisation` whose one
    channel a dimension is √λ x. Free Gaussians keep their shape, end with a variance
    1/(2√λ) in units of ħ = m = 1, and gain λ/2 of energy per unit of time: closed forms
    in `jqd.exact.rivals`. ψ is to stay away from the ends of the box, where x jumps.

    Attributes:
        quantum: Schrödinger's law on a grid, with H and ħ.
        kernel: Γ, with `lam`.
        draw: whether records are drawn (static), see `Localisation`.

    Source: L. Diósi (1989) Phys. Rev. A 40, 1165; A. Bassi (2005) J. Phys. A 38,
    3173.
    """

    def __init__(
        self, quantum: Any, lam: ArrayLike = 0.0, *, draw: bool = True
    ) -> None:
        """The law.

        Args:
            quantum: a `Schrodinger` on a grid.
            lam: λ >= 0, in 1 over the unit of time and of length².
            draw: whether x_0 is drawn, or paths are smooth functions of the noise.

        Raises:
            ValueError: no grid, an absorber; a constant out of its range.
        """
        self.quantum, self.draw = read_localised(quantum, draw)
        self.kernel = QuadraticDecay(lam)

    def pathwise(self) -> "QMUPL":
        """The law with `draw=False`."""
        return QMUPL(self.quantum, self.kernel.lam, draw=False)
