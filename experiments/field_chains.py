"""Claim: cut at second derivatives, a φ⁴ field of L sites deviates from quantum theory.

    H = Σ_j (p_j² + m² q_j² + g (q_{j+1} - q_j)²)/2 + λ Σ_j q_j⁴,    a ring

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", eqs. (63), (70)-(72): the third of its reactions to theories that are not
Fokker-Planck is to take the equation seriously as a rival to quantum mechanics.
Verdict: from the vacuum and at first order in λ, in total variation, it does: for two
and three sites no more than for one, from four on the more the larger the field. It
does not grow in time as far as was followed. First order is all this says; it is small
where λ times the figure is. Runs of the cut equation itself with two cut-offs were
followed to their horizon for L = 1 alone.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_lines

from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.papers.husimi.chains import chain_symbol, chain_total_variation
from jqd.papers.husimi.truncation import horizon
from jqd.report.style import INK, subplots
from jqd.states import coherent

# --- Parameters (ħ = m = 1) -------------------------------------------------------

MASS, COUPLING = 1.0, 0.5
SITES = (1, 2, 3, 4, 8, 16, 32, 50)
TIMES = np.array([0.5, 1.0, 2.0, 8.0])
PERCENT = 0.01

LAMBDA = 0.02
LAMBDA_T = np.concatenate([[0], np.geomspace(5e-4, 0.06, 60)])
CUT_OFFS = {1: (10, 12)}  # levels of each mode

# --- Problem and law --------------------------------------------------------------


def total_variation(sites, count):
    """Per λ, with its standard error, at all times."""
    vacuum = jnp.zeros(2 * sites)
    return chain_total_variation(
        jax.random.key(sites), vacuum, TIMES,
        mass=MASS, coupling=COUPLING, count=count,
    )  # fmt: skip


def followed(sites, levels):
    """Until when runs from the vacuum with two cut-offs agree to a hundredth."""
    rng = np.random.default_rng(sites)
    points = (rng.normal(size=(64, sites)) + 1j * rng.normal(size=(64, sites))) / 2
    points = points[:, 0] if sites == 1 else points
    vacuum = coherent(np.zeros(sites), (2,) * sites) if sites > 1 else coherent(0.0, 2)
    law = HusimiFokkerPlanck(
        chain_symbol(sites, MASS, COUPLING, LAMBDA), points=points, form=Fock(levels[0])
    )
    return LAMBDA * horizon(law, vacuum, LAMBDA_T / LAMBDA, levels=levels).time


# --- Comparison -------------------------------------------------------------------


def run(context):
    sites = SITES[:4] if context.quick else SITES
    count = 1000 if context.quick else 4000
    values, errors = (
        np.array(found)
        for found in zip(
            *(total_variation(L, count) for L in context.progress(sites, "L")),
            strict=True,
        )
    )
    needed = PERCENT / values.max(axis=1)
    # √L at four times the number of sites, from four on
    growth = {
        f"{L} to {4 * L}": values[sites.index(4 * L)].max() / values[k].max()
        for k, L in enumerate(sites)
        if L >= 4 and 4 * L in sites
    }
    horizons = {
        L: followed(L, levels)
        for L, levels in context.progress(list(CUT_OFFS.items()), "horizons")
    }

    # --- Result -------------------------------------------------------------------
    rows = [
        {"sites": L, "time": t, "total_variation": value, "standard_error": error}
        for L, *found in zip(sites, values, errors, strict=True)
        for t, value, error in zip(TIMES, *found, strict=True)
    ]
    context.save_table(rows, "total_variation")
    context.save_figure(figure(sites, values, errors, needed), "field_chains")
    context.save_dataset(
        xr.Dataset(
            {
                "total_variation": (("sites", "time"), values),
                "standard_error": (("sites", "time"), errors),
            },
            {"sites": list(sites), "time": TIMES},
            {"units": "hbar = m = 1", "g": COUPLING, "per": "lambda"},
        )
    )
    bounded = np.all(
        values[:, -1] < 1.2 * values[:, :-1].max(axis=1) + 3 * errors[:, -1]
    )
    seen = np.all(values > 5 * errors)
    return {
        "status": "ok" if bounded and seen else "The field deviates otherwise.",
        "total_variation": dict(zip(map(str, sites), values, strict=True)),
        "standard_errors": dict(zip(map(str, sites), errors, strict=True)),
        "lambda_of_one_per_cent": dict(zip(map(str, sites), needed, strict=True)),
        "growth": growth,
        "cut_offs": {str(L): list(levels) for L, levels in CUT_OFFS.items()},
        "horizon_lambda_t": {str(L): value for L, value in horizons.items()},
    }


def figure(sites, values, errors, needed):
    fig, axes = subplots(1, 2, size=(8.6, 3.9))
    axis = axes[0, 0]
    draw_lines(
        axis, sites, {f"mt = {t:g}": v for t, v in zip(TIMES, values.T, strict=True)},
        "o-", xscale="log", yscale="log",
        xlabel="sites L", ylabel="total variation over λ",
        title="Larger fields deviate more,\nnot longer runs",
    )  # fmt: skip
    axis.errorbar(np.tile(sites, len(TIMES)), values.T.ravel(), errors.T.ravel(),
                  fmt="none", ecolor=INK, lw=0.8)  # fmt: skip
    draw_lines(
        axes[0, 1], sites, {"": needed}, "o-", legend=None, xscale="log", yscale="log",
        xlabel="sites L", ylabel="λ",
        title="Coupling at which they are\n1 % apart, at first order",
    )  # fmt: skip
    for axis in axes[0]:
        axis.set_xticks(sites, [str(L) for L in sites])
        axis.xaxis.minorticks_off()
    return fig
