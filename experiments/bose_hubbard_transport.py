"""Claim: the larger the diffusion constant C, the sooner bosons spread along a chain.

    ∂ₜQ = i Σ_i ∂_i[(∂*_i H) Q] + (iħC/2) Σ_ij ∂_i ∂_j[(∂*_i ∂*_j H) Q] + c.c.
    H = -J Σ_i (α_i* α_{i+1} + c.c.) + (U/2) Σ_i (|α_i|⁴ - 4ħ|α_i|² + 2ħ²)

The law with constant C is a Bose-Hubbard chain of interaction CU that starts from
displaced thermal sites, n_eff = (1 - C)/C. Its mean field is the same, its fluctuations
are not. A transport that is not ordered by C would refute the claim.

Verdict: it holds for five C from 0.9 to 1.1. Of two quanta in the first of three sites,
0.128 are left at Jt = 2 with C = 0.95, 0.110 in quantum mechanics (C = 1), and 0.093
with C = 1.05: a measurement to 1 % determines C to 0.003. The total number of quanta
does not depend on C.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", eqs. (43), (68), (69), with the symbol of n(n - 1) corrected.
"""

import jax.numpy as jnp
import numpy as np
import xarray as xr

import jqd
from jqd.figures.style import BLUE, GREY, VERMILLION, subplots
from jqd.laws.husimi import Exact, FirstOrder, GaussianSum, HusimiFokkerPlanck, Sectors
from jqd.spaces.symbols import bose_hubbard

# --- Parameters (ħ = J = 1) -------------------------------------------------------

U = 0.5
QUANTA = 2.0  # initial mean number, in the first site
STRENGTHS = (0.9, 0.95, 1.0, 1.05, 1.1)
SHOWN = (0.9, 1.0, 1.1)
LAST = 4.0

# --- Problem and law --------------------------------------------------------------


def populations(sites, C, ts, form):
    """Mean quanta of each site, (T, M), and the part of the trace left out."""
    graph = [(i, i + 1) for i in range(sites - 1)]
    law = HusimiFokkerPlanck(bose_hubbard(1.0, U, graph), C, form=form)
    alpha = np.zeros(sites)
    alpha[0] = np.sqrt(QUANTA)
    run = jqd.evolve(law, law.prepare(GaussianSum.coherent(alpha)), ts, observe="n")
    return np.asarray(run.values), float(np.max(run.resolution))


# --- Comparison -------------------------------------------------------------------


def run(context):
    sites, quanta = 3, 12 if context.quick else 17
    ts = jnp.linspace(0, LAST, 9 if context.quick else 81)
    n, lost = [], []
    for C in context.progress(STRENGTHS, "strengths of the diffusion"):
        values, share = populations(sites, C, ts, Exact(Sectors(quanta)))
        n.append(values)
        lost.append(share)
    n = np.stack(n)  # (C, T, site)
    middle = STRENGTHS.index(1.0)
    slope = (n[middle + 1] - n[middle - 1]) / (
        STRENGTHS[middle + 1] - STRENGTHS[middle - 1]
    )
    near = [
        populations(sites, C, ts, Exact(Sectors(quanta), FirstOrder()))[0]
        for C in (0.95, 1.05)
    ]
    response = (near[1] - near[0]) / 0.1
    place = np.arange(sites)
    where = n @ place / QUANTA
    at = int(np.argmin(np.abs(np.asarray(ts) - 2.0)))

    # --- Result -------------------------------------------------------------------
    table = [
        {
            "C": C,
            "left_in_first_site_at_Jt_2": values[at, 0],
            "mean_site_at_Jt_2": values[at] @ place / QUANTA,
            "change_of_total": np.max(np.abs(values.sum(axis=1) - QUANTA)),
            "left_out_of_trace": share,
        }
        for C, values, share in zip(STRENGTHS, n, lost, strict=True)
    ]
    context.save_table(table, "transport")
    context.save_figure(figure(ts, n, where), "transport")
    data = {"quanta": (("C", "time", "site"), n)}
    axes = {"C": list(STRENGTHS), "time": np.asarray(ts), "site": place + 1}
    about = {"units": "hbar = J = 1", "U": U, "quanta_at_start": QUANTA}
    context.save_dataset(xr.Dataset(data, axes, about))
    left = [row["left_in_first_site_at_Jt_2"] for row in table]
    drift = max(row["change_of_total"] for row in table)
    # the part of the trace left out holds up to a few times `quanta` each
    holds = bool(np.all(np.diff(left) < 0)) and drift < 3 * quanta * max(lost)
    return {
        "status": "ok" if holds else "C does not order the transport.",
        "sites": sites,
        "left_in_first_site_at_Jt_2": left,
        "change_of_total": drift,
        "left_out_of_trace": max(lost),
        "slope_in_C_at_Jt_2": slope[at].tolist(),
        "response_minus_slope": float(np.max(np.abs(response - slope))),
    }


def figure(ts, n, where):
    fig, axes = subplots(1, 2, size=(7.6, 3.2))
    for C, color in zip(SHOWN, (BLUE, GREY, VERMILLION), strict=True):
        k = STRENGTHS.index(C)
        axes[0, 0].plot(ts, n[k, :, 0], color=color, label=f"C = {C:g}")
        axes[0, 0].plot(ts, n[k, :, -1], color=color, ls="--")
        axes[0, 1].plot(ts, where[k], color=color)
    axes[0, 0].set(
        xlabel="Jt", ylabel="quanta", title="First site (solid) and last (dashed)"
    )
    axes[0, 1].set(
        xlabel="Jt", ylabel="sites", title="Mean distance from the first site"
    )
    fig.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3
    )
    return fig
