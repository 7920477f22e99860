"""Claim: of all exponents of copy dynamics only one pair gives quantum mechanics.

With copy rate (ρ_a/ρ_b)^q and phase rate (ρ_a/ρ_b)^r that pair is q = 1/2, r = -1/2.
Four classes run from t = 0 to 10. At each of 1000 x 1000 pairs of exponents, q from 0.3
to 0.7 and r from -0.7 to -0.3, the map shows the largest total variation from quantum
evolution over 200 times. A second pair as near would refute the claim.

Verdict: it holds on this map if its lowest point is (1/2, -1/2) and less than 2 % of
the pairs stay within 0.01, which the run checks.

Source: Smolin (2012), section 3.1.1, eqs. (39), (40). The sweep is that of
sweeps/copying_exponents.py, which this experiment runs and draws.
"""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.colors import LogNorm
from sweeps import copying_exponents

import jqd
from jqd.report.experiment import Context


def run(context: Context) -> dict[str, Any]:
    """Sweep, draw the plane, and find its least point."""
    dataset = jqd.sweep(
        copying_exponents.point,
        copying_exponents.axes(context.quick),
        store=context.folder / "sweep.zarr",
        units=copying_exponents.units,
        constants=copying_exponents.constants,
    ).load()
    worst = dataset.worst.where(dataset.status == jqd.Status.OK)
    context.save_figure(_figure(worst), "exponents")
    least = worst.where(worst == worst.min(), drop=True)
    best, near = (float(least.q[0]), float(least.r[0])), float((worst < 0.01).mean())
    alone = best == (0.5, -0.5) and near < 0.02
    return {
        "status": "ok" if alone else "Other exponents come as near.",
        "points": int(worst.size),
        "least": float(worst.min()),
        "q at the least": best[0],
        "r at the least": best[1],
        "within a hundredth": near,
        "ended early": float((dataset.status != jqd.Status.OK).mean()),
    }


def _figure(worst: Any) -> Any:
    figure, axes = plt.subplots(figsize=(5.2, 4.2), layout="constrained")
    picture = axes.pcolormesh(
        worst.q, worst.r, worst.T, norm=LogNorm(1e-3, 1), rasterized=True
    )
    figure.colorbar(picture, label="largest total variation from quantum evolution")
    axes.plot(0.5, -0.5, "+", color="white", markersize=12)
    axes.set(xlabel="q, exponent of the copy rate", ylabel="r, exponent of the phase")
    return figure
