"""Claim: cut at second derivatives, φ⁴ has an evolution.

    ∂ₜQ = (orders |m| = 1 and 2 of eq. (63)) Q,    H = ω α̂†α̂ + λ q̂⁴

For theories that are not of Fokker-Planck form, one reaction of the paper is to take
the equation cut at second derivatives as a rival to quantum mechanics. That needs an
evolution. Runs that agree for longer with more levels would support one; here they part
at a time, the horizon.

Verdict: open, and doubtful as far as numbers can show. Runs of N, N + 2 and N + 4
levels agree to a hundredth for a time that falls with N, and past that horizon no value
is given. This does not show that no evolution exists. What can be tested is the first
order in λ, in truncated_field.py.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", eqs. (63), (70), and the third reaction of sec. V D.
"""

import numpy as np
import xarray as xr
from _support.figures import draw_lines

from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.readings.truncation import horizon
from jqd.report.style import subplots
from jqd.spaces import symbols
from jqd.states import coherent, phase_grid

# --- Parameters (ħ = ω = 1) -------------------------------------------------------

ALPHA = 1.0
COUPLINGS = (0.005, 0.02, 0.05)
SIZES = (10, 14, 18, 24)  # runs of N, N + 2 and N + 4 levels are compared
LAMBDA_T = np.concatenate([[0], np.geomspace(5e-4, 0.04, 67)])

# --- Problem and law --------------------------------------------------------------


def cut_equation(lam, ts, points, fewest):
    """Runs of three sizes, as far as they agree to a hundredth."""
    law = HusimiFokkerPlanck(symbols.phi4(lam), points=points, form=Fock(fewest))
    ket = coherent(ALPHA, min(fewest, 16))
    return horizon(law, ket, ts, levels=(fewest, fewest + 2, fewest + 4))


# --- Comparison -------------------------------------------------------------------


def run(context):
    x = np.linspace(-3.5, 3.5, 33 if context.quick else 61)[::4]
    points = np.ravel(phase_grid(x, x))
    sizes = SIZES[: 2 if context.quick else None]
    horizons, refused = {}, True
    for lam in context.progress(COUPLINGS[1:2] if context.quick else COUPLINGS, "λ"):
        horizons[lam] = []
        for size in sizes:
            found = cut_equation(lam, LAMBDA_T / lam, points, size)
            horizons[lam].append(lam * found.time)
            late = LAMBDA_T / lam > found.time
            refused &= bool(np.isnan(found.densities[late]).all() and late.any())

    # --- Result -------------------------------------------------------------------
    rows = [
        {"lambda": lam, "fewest_levels": n, "horizon_lambda_t": value}
        for lam, values in horizons.items()
        for n, value in zip(sizes, values, strict=True)
    ]
    context.save_table(rows, "horizons")
    context.save_figure(figure(sizes, horizons), "horizon")
    context.save_dataset(
        xr.Dataset(
            {"horizon": (("lambda", "levels"), list(horizons.values()))},
            {"lambda": list(horizons), "levels": list(sizes)},
            {"units": "hbar = omega = 1", "alpha0": ALPHA},
        )
    )
    shorter = all(values[-1] < values[0] for values in horizons.values())
    return {
        "status": "ok"
        if refused and shorter
        else "More levels do not shorten the horizon.",
        "horizon_lambda_t": horizons,
        "nothing_past_the_horizon": refused,
    }


def figure(sizes, horizons):
    fig, axes = subplots(size=(5.4, 3.9))
    axis = axes[0, 0]
    draw_lines(
        axis, sizes, {f"λ = {lam:g}": v for lam, v in horizons.items()}, "o-",
        xscale="log", yscale="log",
        xlabel="levels N", ylabel="λt up to which N, N + 2, N + 4 agree",
        title="Horizon over the number of levels",
    )  # fmt: skip
    axis.set_xticks(sizes, [str(n) for n in sizes])
    axis.xaxis.minorticks_off()
    return fig
