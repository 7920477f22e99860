"""Particles guided by a law, compared with the density that it predicts."""

import jax
import numpy as np

from ..ensembles.paths.processes import nelson
from ..laws import Law
from .card import STEADY, Row, Verdict, absent
from .runs import Runs

PARTICLES, KETS = 4000, 2


def equivariance(runs: Runs, law: Law, kets: np.ndarray, seed: int) -> Row:
    """Particles drawn from ρ that diffuse by Nelson's law remain distributed by ρ."""
    name = "Born equivariance"
    grid = getattr(law, "grid", None)
    if grid is None or grid.ndim != 1:
        return absent(name, "the law has no particles on a line")
    ts = np.linspace(0.0, runs.time, runs.looks + 1)

    def distances(finer: int) -> tuple[float, float, int]:
        """The largest distance, the line below it, and how many paths ended."""
        worst, line, ended = 0.0, 0.0, 0
        for number, ket in enumerate(kets[:KETS]):
            paths = nelson(
                law, ket, ts, jax.random.key(seed + number), paths=PARTICLES,
                substeps=finer * max(1, runs.steps // runs.looks), error_paths=0,
                periodic=True,
            )  # fmt: skip
            worst = max(worst, float(np.asarray(paths.ks).max()))
            line = float(paths.ks_line)
            ended += int(np.sum(~np.asarray(paths.ok)))
        return worst, line, ended

    try:
        coarse, line, ended = distances(1)
    except ValueError as error:
        return absent(name, f"no particles: {error}")
    note = f"distance of {PARTICLES} particles to ρ, the largest of {runs.looks} times"
    note += f"; 95 % of samples of ρ stay below {line:.2g} at one time"
    # 2.5/√n: one sample of ρ in 1e5
    far = line * 2.5 / 1.358
    if coarse <= far and not ended:
        return Row(name, coarse, line, Verdict.HOLDS, note)
    fine = coarse
    if not ended:
        fine, _, ended = distances(2)
    if ended:
        return Row(name, fine, line, Verdict.NOT_DECIDED, f"{ended} paths ended")
    # beyond what chance does to a distance, halved steps may not change it
    steady = abs(fine - coarse) <= STEADY * fine + line
    verdict = Verdict.FAILS if fine > far and steady else Verdict.NOT_DECIDED
    return Row(name, fine, max(line, abs(fine - coarse)), verdict, note)
