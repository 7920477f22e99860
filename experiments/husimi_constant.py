"""Claim: exact quantum evolution alone determines C = 1 in the Husimi function's law.

    ∂ₜQ = i Σ_i ∂_i[(∂*_i H) Q] + (iħC/2) Σ_ij ∂_i ∂_j[(∂*_i ∂*_j H) Q] + c.c.

The data are Husimi functions at a few points, computed in the number basis without use
of the equation, once exact and once with normal errors. A fit that ends at another C
would refute the claim.

Verdict: it holds for four Hamiltonians of one and two modes. Each initial guess
converges to C = 1, to rounding; with errors C = 1 lies within three standard errors.
The law contains only the product Cħ, so that what is determined is Cħ: the ħ of the
coherent states.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", secs. III C and III D, eqs. (40), (43).
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_dots
from _support.problems import husimi_problems

from jqd.exact import husimi as exact
from jqd.figures.style import BLUE, GREY, INK, VERMILLION, subplots
from jqd.inference import recover
from jqd.laws.husimi import HusimiFokkerPlanck
from jqd.records import Record
from jqd.spaces import symbols
from jqd.states import phase_grid

# --- Parameters (ħ = 1, quanta) ---------------------------------------------------

TIMES = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1.0])
NOISE = 1e-3  # standard deviation of an error; the largest Q is 1/π
STARTS = {1: [0.4, 0.7, 1.2, 1.6], 2: [0.9, 1.1]}  # by the number of modes
GRID = np.linspace(-2.5, 2.5, 11)

# --- Problem and law --------------------------------------------------------------


def laws(quick):
    """Name: (law at a wrong C, ket)."""
    rng = np.random.default_rng(0)
    pairs = rng.normal(size=(40, 2)) + 1j * rng.normal(size=(40, 2))
    points = {1: phase_grid(GRID, GRID), 2: pairs}
    chosen = list(husimi_problems().items())[: 1 if quick else None]
    return {
        name: (HusimiFokkerPlanck(H, C=0.5, points=points[H.modes], form=form), ket)
        for name, (H, form, ket) in chosen
    }


def record(law, ket):
    """Q at `TIMES` from the Schrödinger equation."""
    hamiltonian = symbols.matrix(law.symbol, ket.shape)
    ts = jnp.concatenate([jnp.zeros(1), TIMES])
    return exact.propagate(hamiltonian, ket, ts, law.points, modes=law.modes)[1:]


# --- Comparison -------------------------------------------------------------------


def run(context):
    table = []
    for name, (law, ket) in context.progress(laws(context.quick).items()):
        values = record(law, ket)
        errors = NOISE * jax.random.normal(jax.random.key(len(table)), values.shape)
        starts = np.array(STARTS[law.modes])[:, None]
        for noise, seen in ((0.0, values), (NOISE, values + errors)):
            fit = recover(
                law, Record(TIMES, seen, t0=0.0), psi0=ket, free=("C",), starts=starts,
                search=None, held_out=0.0,
            )  # fmt: skip
            constant = fit.constants["C"]
            table.append(
                {
                    "hamiltonian": name,
                    "noise": noise,
                    "C": constant.value,
                    "standard_error": constant.stderr,
                    "off": constant.value - 1,
                    "agreeing_starts": fit.agreeing_starts,
                    "points": int(np.prod(values.shape)),
                }
            )

    # --- Result -------------------------------------------------------------------
    clean, noisy = table[::2], table[1::2]
    names = [row["hamiltonian"] for row in clean]
    worst = max(abs(row["off"]) for row in clean)
    sigmas = [row["off"] / row["standard_error"] for row in noisy]
    context.save_table(table, "constants")
    context.save_figure(figure(names, clean, noisy), "constant")
    dims, data = ("noise", "hamiltonian"), {}
    for key in ("C", "standard_error"):
        data[key] = dims, [[row[key] for row in rows] for rows in (clean, noisy)]
    at = {"noise": [0.0, NOISE], "hamiltonian": names}
    context.save_dataset(xr.Dataset(data, at, {"units": "hbar = 1", "times": TIMES}))
    converged = min(row["agreeing_starts"] for row in table)
    holds = worst < 1e-8 and np.max(np.abs(sigmas)) < 3 and converged == 1
    return {
        "status": "ok" if holds else "The data do not give C = 1.",
        "largest_error_without_noise": worst,
        "C_with_noise": {row["hamiltonian"]: row["C"] for row in noisy},
        "standard_errors": [row["standard_error"] for row in noisy],
        "deviation_sigmas": sigmas,
        "agreeing_starts": converged,
    }


def figure(names, clean, noisy):
    """C and its error bar for each Hamiltonian, and the error without noise."""
    fig, axes = subplots(1, 2, size=(9.4, 1.5 + 0.5 * len(names)), sharey=True)
    axis, y = axes[0, 0], np.arange(len(names))[::-1]
    axis.axvline(0, color=GREY, lw=1)
    off = [1000 * (row["C"] - 1) for row in noisy]
    bars = [1000 * row["standard_error"] for row in noisy]
    axis.errorbar(off, y, xerr=bars, fmt="o", color=BLUE, capsize=3)
    axis.set_title(f"C from Q with errors of {NOISE}")
    axis.set_xlabel("1000 (recovered C - 1), one standard error")
    axes[0, 1].axvline(2.2e-16, color=INK, lw=0.8, ls=":")
    draw_dots(
        axes[0, 1], names, {"": [abs(row["off"]) for row in clean]}, floor=1e-17,
        colors=(VERMILLION,), xlim=(1e-17, 1e-8), xlabel="|recovered C - 1|",
        title="C - 1 without errors (dotted: 2e-16)",
    )  # fmt: skip
    return fig
