"""Claim: cut at second derivatives, a φ⁴ field of L sites deviates from quantum theory.

    H = Σ_j (p_j² + m² q_j² + g (q_{j+1} - q_j)²)/2 + λ Σ_j q_j⁴,    a ring

For theories that are not of Fokker-Planck form, one reaction of the paper is to take
the equation cut at second derivatives as a rival to quantum mechanics. A deviation
within its error of 0, or one that grows in time without bound, would refute the claim.

Verdict: it holds from the vacuum and at first order in λ, in total variation. Two and
three sites deviate no more than one; from four on, larger fields deviate more. The
deviation does not grow with time as far as it was followed. All of this is first order
only: the deviation is small where λ times the plotted value is small.

Runs of the cut equation itself, with two different numbers of levels in each mode,
separate at some time, the horizon, for L = 1, 2 and 3 and each C tried. The horizon
falls as C grows and, from 6 and 8 levels on, as levels are added. It shows how far such
runs can be followed and is no property of the equation. Runs of quantum mechanics with
as many levels agree to the end, except with 4 and 6 levels for one or two sites.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", eqs. (63), (70)-(72), and the third reaction of sec. V D.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_lines

from jqd.figures.style import CYCLE, INK, subplots
from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.readings.chains import chain_symbol, chain_total_variation
from jqd.readings.truncation import horizon
from jqd.states import coherent
from jqd.status import Status

# --- Parameters (ħ = m = 1) -------------------------------------------------------

MASS, COUPLING = 1.0, 0.5
SITES = (1, 2, 3, 4, 8, 16, 32, 50)
TIMES = np.array([0.5, 1.0, 2.0, 8.0])
PERCENT = 0.01

LAMBDA = 0.1  # of runs of the cut equation
STRENGTHS = (0.8, 1.0, 1.2)  # C
LAMBDA_T = np.linspace(0, 0.12, 241)
REACH, POINTS, DRAWS = 1.5, 512, 2  # |α| up to which Q is compared, and where
CUT_OFFS = (4, 6)  # levels of each mode, for every L
MORE = ((6, 8), (8, 10), (10, 12))  # for L = 1 and 2

# --- Problem and law --------------------------------------------------------------


def total_variation(sites, count):
    """Per λ, with its standard error, at all times."""
    vacuum = jnp.zeros(2 * sites)
    return chain_total_variation(
        jax.random.key(sites), vacuum, TIMES,
        mass=MASS, coupling=COUPLING, count=count,
    )  # fmt: skip


def within_reach(sites, draw):
    """Points drawn evenly from |α| <= `REACH`, for one site (P,), for more (P, L)."""
    rng = np.random.default_rng([sites, draw])
    directions = rng.normal(size=(POINTS, 2 * sites))
    radii = REACH * rng.uniform(size=POINTS) ** (1 / (2 * sites))
    xy = directions * (radii / np.linalg.norm(directions, axis=1))[:, None]
    points = xy[:, :sites] + 1j * xy[:, sites:]
    return points[:, 0] if sites == 1 else points


def followed(sites, C, levels, draw=0, orders=2):
    """The time until which runs from the vacuum with two cut-offs agree to 0.01."""
    vacuum = coherent(np.zeros(sites), (2,) * sites) if sites > 1 else coherent(0.0, 2)
    law = HusimiFokkerPlanck(
        chain_symbol(sites, MASS, COUPLING, LAMBDA), C,
        points=within_reach(sites, draw), form=Fock(levels[0], orders),
    )  # fmt: skip
    return horizon(law, vacuum, LAMBDA_T / LAMBDA, levels=levels)


def bracket(sites, C, levels, draws):
    """λt between which all draws of points put the horizon."""
    found = [followed(sites, C, levels, draw) for draw in range(draws)]
    return (
        LAMBDA * min(one.time for one in found),
        LAMBDA * max(one.until for one in found),
    )


# --- Comparison -------------------------------------------------------------------


def run(context):
    sites = SITES[:4] if context.quick else SITES
    count = 1000 if context.quick else 4000
    found = [total_variation(L, count) for L in context.progress(sites, "L")]
    values, errors = np.moveaxis(found, 1, 0)
    needed = PERCENT / values.max(axis=1)
    # √L at four times the number of sites, from four on
    growth = {
        f"{L} to {4 * L}": values[sites.index(4 * L)].max() / values[k].max()
        for k, L in enumerate(sites)
        if L >= 4 and 4 * L in sites
    }
    chains = (1, 2) if context.quick else (1, 2, 3)
    cut_offs = {L: (CUT_OFFS, *MORE) if L < 3 else (CUT_OFFS,) for L in chains}
    cases = [
        (L, C, levels)
        for L in chains
        for C in STRENGTHS
        for levels in (cut_offs[L][:2] if context.quick else cut_offs[L])
    ]
    draws = 1 if context.quick else DRAWS
    horizons = {
        case: bracket(*case, draws) for case in context.progress(cases, "horizons")
    }
    # quantum mechanics of the same H with as few levels: of one and two sites, 4 and 6
    # levels lose that as well
    control = {
        L: followed(L, 1.0, MORE[1] if L < 3 else CUT_OFFS, orders=None) for L in chains
    }

    # --- Result -------------------------------------------------------------------
    rows = [
        {"sites": L, "time": t, "total_variation": value, "standard_error": error}
        for L, *found in zip(sites, values, errors, strict=True)
        for t, value, error in zip(TIMES, *found, strict=True)
    ]
    context.save_table(rows, "total_variation")
    ends = [
        {"sites": L, "C": C, "levels": f"{few} and {more}", "from": low, "to": high}
        for (L, C, (few, more)), (low, high) in horizons.items()
    ]
    context.save_table(ends, "horizons")
    context.save_figure(figure(sites, values, errors, needed, horizons), "field_chains")
    data = {
        "total_variation": (("sites", "time"), values),
        "standard_error": (("sites", "time"), errors),
    }
    about = {"units": "hbar = m = 1", "g": COUPLING, "per": "lambda"}
    context.save_dataset(xr.Dataset(data, {"sites": list(sites), "time": TIMES}, about))
    bounded = np.all(
        values[:, -1] < 1.2 * values[:, :-1].max(axis=1) + 3 * errors[:, -1]
    )
    seen = np.all(values > 5 * errors)
    parts = in_order(horizons, chains)
    sound = all(one.status == Status.OK for one in control.values())
    holds = bounded and seen and parts and sound
    return {
        "status": "ok" if holds else "The field does not deviate as claimed.",
        "total_variation": dict(zip(map(str, sites), values, strict=True)),
        "standard_errors": dict(zip(map(str, sites), errors, strict=True)),
        "lambda_of_one_per_cent": dict(zip(map(str, sites), needed, strict=True)),
        "growth": growth,
        "levels": list(CUT_OFFS),
        "horizon_lambda_t": {
            f"L = {L}, C = {C:g}": horizons[L, C, CUT_OFFS]
            for L in chains
            for C in STRENGTHS
        },
        "horizon_with_more_levels": {
            f"L = {L}, C = {C:g}, {levels[0]} and {levels[1]}": horizons[L, C, levels]
            for L, C, levels in horizons
            if levels != CUT_OFFS
        },
        "quantum_runs_agree": bool(sound),
    }


def in_order(horizons, chains):
    """Whether horizons fall as C grows and as levels are added, beyond their errors."""

    def falls(found):
        return all(b[1] < a[0] for a, b in itertools.pairwise(found))

    by_C = [
        falls([horizons[L, C, levels] for C in STRENGTHS])
        for L, levels in {(L, levels) for L, _, levels in horizons}
    ]
    by_levels = [
        falls([horizons[L, C, n] for n in MORE if (L, C, n) in horizons])
        for L in chains
        for C in STRENGTHS
    ]
    return all(by_C) and all(by_levels)


def figure(sites, values, errors, needed, horizons):
    fig, axes = subplots(1, 3, size=(12.6, 3.9))
    axis = axes[0, 0]
    draw_lines(
        axis, sites, {f"mt = {t:g}": v for t, v in zip(TIMES, values.T, strict=True)},
        "o-", xscale="log", yscale="log",
        xlabel="sites L", ylabel="total variation over λ",
        title="Deviation over the size of fields,\nby time",
    )  # fmt: skip
    axis.errorbar(np.tile(sites, len(TIMES)), values.T.ravel(), errors.T.ravel(),
                  fmt="none", ecolor=INK, lw=0.8)  # fmt: skip
    draw_lines(
        axes[0, 1], sites, {"": needed}, "o-", legend=None, xscale="log", yscale="log",
        xlabel="sites L", ylabel="coupling λ",
        title="Coupling at which they are\n1 % apart, at first order",
    )  # fmt: skip
    draw_horizons(axes[0, 2], horizons)
    for axis in axes[0, :2]:
        axis.set_xticks(sites, [str(L) for L in sites])
        axis.xaxis.minorticks_off()
    return fig


def draw_horizons(axis, horizons):
    """Over C, with `CUT_OFFS` levels; bars from the last agreement to the first gap."""
    for L, color in zip(sorted({L for L, _, _ in horizons}), CYCLE, strict=False):
        ends = np.array([horizons[L, C, CUT_OFFS] for C in STRENGTHS])
        middle = ends.mean(axis=1)
        axis.errorbar(STRENGTHS, middle, np.abs(ends.T - middle[None, :]), fmt="o-",
                      color=color, capsize=3, label=f"L = {L}")  # fmt: skip
    few, more = CUT_OFFS
    axis.set(
        xlabel="constant C", ylabel="time λt", ylim=(0, None),
        title=f"Horizon of the cut equation with {few}\nand {more} levels per mode",
    )  # fmt: skip
    axis.legend(fontsize=9)
