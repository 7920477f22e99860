"""Claim: exact quantum evolution alone tells C = 1 of the Husimi function's law.

    ∂ₜQ = i Σ_i ∂_i[(∂*_i H) Q] + (iħC/2) Σ_ij ∂_i ∂_j[(∂*_i ∂*_j H) Q] + c.c.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", eqs. (40), (43). The records are Husimi functions at a few points, computed in
the number basis without use of the equation, once exact and once with normal errors.
Verdict: it holds, for four Hamiltonians of one and two modes: each start reaches C = 1
to rounding, and with errors C = 1 lies within the error bars.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from jqd.exact import husimi as exact
from jqd.laws.husimi import GaussianForm, Heff, HusimiFokkerPlanck
from jqd.recover import Data, recover
from jqd.report.style import BLUE, GREY, INK, VERMILLION, subplots
from jqd.spaces import symbols
from jqd.states import coherent, phase_grid

# --- Parameters (ħ = 1, quanta) ---------------------------------------------------

TIMES = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1.0])
NOISE = 1e-3  # standard deviation of an error; the largest Q is 1/π
STARTS = np.array([[0.4], [0.7], [1.2], [1.6]])
GRID = np.linspace(-2.5, 2.5, 11)

# --- Problem and law --------------------------------------------------------------


def generic():
    """0.4|a|⁴ - |a|² + a quarter of 2 Re a + squeezing + a cubic drive."""
    real = {((1,), (0,)): 0.25, ((2,), (0,)): 0.1 + 0.05j, ((2,), (1,)): 0.05}
    terms = {((2,), (2,)): 0.4, ((1,), (1,)): -1.0}
    for (m, n), value in real.items():
        terms |= {(m, n): value, (n, m): np.conj(value)}
    return symbols.Symbol.from_terms(terms)


def cases(quick):
    """Name: (law at a wrong C, ket, starts of the fit)."""
    rng = np.random.default_rng(0)
    plane = phase_grid(GRID, GRID)
    pairs = rng.normal(size=(40, 2)) + 1j * rng.normal(size=(40, 2))
    levels = (14, 14)
    drawn = {
        "Kerr oscillator": (
            symbols.kerr(1.0), Heff(80, orders=40), plane,
            coherent(1.2 + 0.5j, 40), STARTS,
        ),
        "squeezed oscillator": (
            symbols.squeezed_oscillator(1.0, 0.4j), GaussianForm(), plane,
            coherent(0.6 - 0.4j, 60), STARTS,
        ),
        "all terms of (64), one mode": (
            generic(), Heff(60, orders=30), plane, coherent(0.6 - 0.4j, 40), STARTS,
        ),
        "Bose-Hubbard, two sites": (
            symbols.bose_hubbard(1.0, 0.5, [(0, 1)]), Heff(levels, orders=5), pairs,
            coherent(jnp.array([1.0, 0.5j]), levels), np.array([[0.9], [1.1]]),
        ),
    }  # fmt: skip
    names = list(drawn)[:1] if quick else list(drawn)
    return {
        name: (HusimiFokkerPlanck(symbol, C=0.5, points=points, form=form), ket, starts)
        for name in names
        for symbol, form, points, ket, starts in [drawn[name]]
    }


def record(law, ket):
    """Q at `TIMES` from the Schrödinger equation."""
    hamiltonian = symbols.matrix(law.symbol, ket.shape)
    ts = jnp.concatenate([jnp.zeros(1), TIMES])
    return exact.propagate(hamiltonian, ket, ts, law.points, modes=law.modes)[1:]


# --- Comparison -------------------------------------------------------------------


def run(context):
    table = []
    for name, (law, ket, starts) in context.progress(cases(context.quick).items()):
        values = record(law, ket)
        errors = NOISE * jax.random.normal(jax.random.key(len(table)), values.shape)
        for noise, seen in ((0.0, values), (NOISE, values + errors)):
            fit = recover(
                law, Data(TIMES, seen, t0=0.0), psi0=ket, free=("C",), starts=starts,
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
                    "converged_starts": fit.converged_starts,
                    "points": int(np.prod(values.shape)),
                }
            )

    # --- Result -------------------------------------------------------------------
    clean = [row for row in table if row["noise"] == 0]
    noisy = [row for row in table if row["noise"] > 0]
    worst = max(abs(row["off"]) for row in clean)
    sigmas = [row["off"] / row["standard_error"] for row in noisy]
    context.save_table(table, "constants")
    context.save_figure(figure(clean, noisy), "constant")
    context.save_dataset(
        xr.Dataset(
            {
                "C": (("noise", "hamiltonian"), by_noise(clean, noisy, "C")),
                "standard_error": (
                    ("noise", "hamiltonian"), by_noise(clean, noisy, "standard_error"),
                ),
            },
            {"noise": [0.0, NOISE], "hamiltonian": [r["hamiltonian"] for r in clean]},
            {"units": "hbar = 1", "times": TIMES},
        )
    )  # fmt: skip
    converged = min(row["converged_starts"] for row in table)
    holds = worst < 1e-8 and np.max(np.abs(sigmas)) < 3 and converged == 1
    return {
        "status": "ok" if holds else "The records do not give C = 1.",
        "largest_error_without_noise": worst,
        "C_with_noise": {row["hamiltonian"]: row["C"] for row in noisy},
        "standard_errors": [row["standard_error"] for row in noisy],
        "deviation_sigmas": sigmas,
        "converged_starts": converged,
    }


def by_noise(clean, noisy, key):
    return [[row[key] for row in rows] for rows in (clean, noisy)]


def figure(clean, noisy):
    """C and its error bar for each Hamiltonian, and the error without noise."""
    names = [row["hamiltonian"] for row in clean]
    y = np.arange(len(names))[::-1]
    fig, axes = subplots(1, 2, size=(9.4, 1.5 + 0.5 * len(names)), sharey=True)
    axis = axes[0, 0]
    axis.axvline(1, color=GREY, lw=1)
    bars = [row["standard_error"] for row in noisy]
    axis.errorbar([r["C"] for r in noisy], y, xerr=bars, fmt="o", color=BLUE, capsize=3)
    axis.set_yticks(y, names)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.set_title(f"With errors of {NOISE} in Q, C is 1 within its error")
    axis.set_xlabel("recovered C (bars: one standard error)")
    axis = axes[0, 1]
    off = np.maximum([abs(row["off"]) for row in clean], 1e-17)
    axis.semilogx(off, y, "D", color=VERMILLION)
    axis.axvline(2.2e-16, color=INK, lw=0.8, ls=":")
    axis.set_xlim(1e-17, 1e-8)
    axis.set_title("Without errors, C is 1 to rounding (dotted: 2e-16)")
    axis.set_xlabel("|recovered C - 1|")
    return fig
