"""Particles guided by a law, compared with the density that it predicts."""

import jax
import numpy as np

from ..ensembles.paths.processes import nelson
from ..laws import Law
from .card import Row, Verdict, absent
from .runs import Runs

PARTICLES, KETS = 4000, 2


def equivariance(runs: Runs, law: Law, kets: np.ndarray, seed: int) -> Row:
    """Particles drawn from ρ that diffuse by Nelson's law remain distributed by ρ."""
    name = "Born equivariance"
    grid = getattr(law, "grid", None)
    if grid is None or grid.ndim != 1:
        return absent(name, "the law has no particles on a line")
    worst, line, ended = 0.0, 0.0, 0
    ts = np.linspace(0.0, runs.time, runs.looks + 1)
    for number, ket in enumerate(kets[:KETS]):
        try:
            paths = nelson(
                law, ket, ts, jax.random.key(seed + number), paths=PARTICLES,
                substeps=max(1, runs.steps // runs.looks), error_paths=0,
                periodic=True,
            )  # fmt: skip
        except ValueError as error:
            return absent(name, f"no particles: {error}")
        worst = max(worst, float(np.asarray(paths.ks).max()))
        line = float(paths.ks_line)
        ended += int(np.sum(~np.asarray(paths.ok)))
    note = f"distance of {PARTICLES} particles to ρ, the largest of {runs.looks} times"
    note += f"; 95 % of samples of ρ stay below {line:.2g} at one time"
    if ended:
        return Row(name, worst, line, Verdict.NOT_DECIDED, f"{ended} paths ended")
    # 2.5/√n: one sample of ρ in 1e5
    verdict = Verdict.HOLDS if worst <= line * 2.5 / 1.358 else Verdict.FAILS
    return Row(name, worst, line, verdict, note)
