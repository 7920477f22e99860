"""The laws that `jqd vet` knows by name beside those of a matrix, each on its ground.

On a ring of 64 points from 0 to 2π with V = 0.4 cos x, of 48 where steps are explicit;
the Husimi function of a Kerr oscillator with U = 0.5.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..laws import (
    CSL,
    GRW,
    QMUPL,
    ConservativeDiffusion,
    DiosiPenrose,
    DoebnerGoldin,
    DoebnerGoldinLine,
    HusimiFokkerPlanck,
    Law,
    Madelung,
    Schrodinger,
    SchrodingerNewton,
)
from ..spaces.grids import Grid

POINTS, FEW, HEIGHT = 64, 48, 0.4
# Half the width of the net of points of a mode, and their number along it.
NET, ACROSS = 7.0, 41
KERR, U = "0.5*U*ad^2*a^2", 0.5


def _ring(points: int = POINTS) -> tuple[Grid, np.ndarray]:
    """The grid, and V on it."""
    grid = Grid((0.0, 2 * np.pi), points)
    return grid, HEIGHT * np.cos(np.asarray(grid.x))


def _on_ring(make: Callable[..., Law], points: int = POINTS) -> Callable[..., Law]:
    return lambda **values: make(Schrodinger.on_grid(*_ring(points)), **values)


def _diffusion(**values: Any) -> Law:
    return ConservativeDiffusion(*_ring(), boundary="periodic", **values)


def _husimi(**values: Any) -> Law:
    line = np.linspace(-NET, NET, ACROSS)
    points = line[None, :] + 1j * line[:, None]
    return HusimiFokkerPlanck(KERR, points=points, U=U, **values)


# Names, what makes the law of values of its constants, and these.
GROUNDS: dict[str, tuple[Callable[..., Law], tuple[str, ...]]] = {
    "husimi": (_husimi, ("C",)),
    "diffusion": (_diffusion, ("D",)),
    "madelung": (lambda: Madelung(*_ring(FEW), boundary="periodic"), ()),
    "doebner_goldin": (_on_ring(DoebnerGoldin, FEW), ("D",)),
    "doebner_goldin_line": (_on_ring(DoebnerGoldinLine), ("D",)),
    "schrodinger_newton": (_on_ring(SchrodingerNewton), ("G",)),
    "qmupl": (_on_ring(QMUPL), ("lam",)),
    "csl": (_on_ring(CSL), ("lam", "r_C")),
    "grw": (_on_ring(GRW), ("lam", "r_C")),
    "diosi_penrose": (_on_ring(DiosiPenrose), ("G_m2", "R0")),
}
KNOWN = {name: constants for name, (_, constants) in GROUNDS.items()}
# All laws of the library that depart from quantum mechanics, for `jqd vet all`.
ALL = (
    "schrodinger,copying[q=0.4],copying[r=-0.8],husimi[C=0.9],diffusion[D=0.45],"
    "madelung,logarithmic[b=0.2],gross_pitaevskii[g=0.3],"
    "weinberg[eps=0.3],doebner_goldin[D=0.1],doebner_goldin_line[D=0.1],"
    "schrodinger_newton[G=0.5],gisin[lam=0.1],beretta[kappa=0.2],dephasing[gamma=0.1],"
    "qmupl[lam=0.1],csl[lam=0.2,r_C=0.5],grw[lam=0.2,r_C=0.5],"
    "diosi_penrose[G_m2=0.2,R0=0.5]"
)
