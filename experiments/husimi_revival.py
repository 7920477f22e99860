"""Claim: with C = 1 a coherent state in a Kerr medium becomes a cat, and itself again.

    ∂ₜQ = i ∂[(∂*H) Q] + (iħC/2) ∂²[(∂*²H) Q] + c.c.,   H = (U/2)(|α|⁴ - 4ħ|α|² + 2ħ²)

The law with constant C is quantum mechanics with Cħ in place of ħ: its cat (a
superposition of two coherent states) comes at t = π/ħUC, its revival at 2π/ħUC, turned
by 2π(2 - 2/C). At C = 1 that is the initial state, at C = 0.8 its mirror image. A
revival that is off would refute the claim.

Verdict: it holds to rounding, in the law and in its closed form alike. The diffusion,
of both signs, undoes itself and nothing is lost. Both the cat and its time distinguish
C = 0.8 from C = 1.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", eqs. (43), (67)-(69), with the symbol of n(n - 1) corrected.
"""

import numpy as np
import xarray as xr
from _support.animation import write_animation
from _support.figures import figure_time_strip

import jqd
from jqd.exact import husimi as exact
from jqd.figures.style import BLUE, GREY, VERMILLION, subplots
from jqd.laws.husimi import Exact, HusimiFokkerPlanck, Series
from jqd.spaces import symbols
from jqd.states import coherent, phase_grid

# --- Parameters (ħ = U = 1) -------------------------------------------------------

ALPHA = 2.0
STRENGTHS = (1.0, 0.8)
LEVELS = 80
LAST = 2.5 * np.pi
STRIP = np.array([0, 0.2, 0.4, 0.5, 0.8, 1])  # in units of LAST
NAMES = [f"C = {C:g}" for C in STRENGTHS]
LABELS = ("Ut = 0", "π/2", "π", "5π/4", "2π", "5π/2")
SPOTS = np.array([ALPHA, -ALPHA, 1j * ALPHA])

# --- Problem and law --------------------------------------------------------------


def densities(C, ts, points):
    """Q of the law at each time and point, from a coherent state."""
    law = HusimiFokkerPlanck(
        symbols.kerr(1.0), C, points=points, form=Exact(LEVELS, Series(30))
    )
    start = law.prepare(coherent(ALPHA, 44))
    return np.asarray(jqd.evolve(law, start, ts, observe="density").values)


# --- Comparison -------------------------------------------------------------------


def run(context):
    x = np.linspace(-3.5, 3.5, 41 if context.quick else 71)
    plane = phase_grid(x, x)
    points = np.concatenate([np.ravel(plane), SPOTS])
    ts = np.linspace(0, LAST, 41 if context.quick else 241)
    some = plane[::2, ::2]  # where the closed form is summed
    shown = np.rint(STRIP * (ts.size - 1)).astype(int)
    films, traces, table = [], [], []
    for C in context.progress(STRENGTHS, "strengths of the diffusion"):
        values = densities(C, ts, points)
        film = values[:, : plane.size].reshape(-1, *plane.shape)
        closed = exact.kerr(
            some[None], ts[shown, None, None], U=1.0, b=-4.0, alpha0=ALPHA, C=C
        )
        turned = ALPHA * np.exp(2j * np.pi * (2 - 2 / C))
        revived = np.exp(-(np.abs(plane - turned) ** 2)) / np.pi
        back, half = (np.rint(f / C * (ts.size - 1)).astype(int) for f in (0.8, 0.4))
        table.append(
            {
                "C": C,
                "revival_Ut": ts[back],
                "error_at_revival": np.max(np.abs(film[back] - revived)),
                "Q_2i_at_pi": values[shown[2], -1],
                "largest_Q_at_half_revival": np.max(film[half]),
                "law_minus_closed_form": np.max(np.abs(film[shown, ::2, ::2] - closed)),
            }
        )
        films.append(film)
        traces.append(values[:, plane.size :])

    # --- Result -------------------------------------------------------------------
    strips = np.stack([film[shown] for film in films])
    context.save_figure(figure_time_strip(strips, LABELS, x, x, names=NAMES), "strip")
    context.save_figure(figure(ts, traces), "revival")
    write_animation(
        context.folder / "kerr.gif", np.stack(films, axis=1)[::4], ts[::4], x, x,
        titles=NAMES, clock="Ut",
    )  # fmt: skip
    context.save_table(table, "revivals")
    data = {
        "density": (("C", "shown", "y", "x"), strips),
        "at_spots": (("C", "time", "spot"), np.stack(traces)),
    }
    at = {"C": list(STRENGTHS), "shown": ts[shown], "time": ts, "x": x, "y": x}
    about = {"units": "hbar = U = 1", "alpha0": ALPHA}
    context.save_dataset(xr.Dataset(data, at, about))
    errors = [row["law_minus_closed_form"] for row in table]
    returns = [row["error_at_revival"] for row in table]
    lost = float(np.abs(strips[1][4] - strips[0][4]).max())
    holds = max(errors) < 1e-10 and max(returns) < 1e-10 and lost > 0.1
    return {
        "status": "ok" if holds else "The state does not revive.",
        "revival_errors": returns,
        "law_minus_closed_form": errors,
        "cat_at_pi": {f"C = {row['C']:g}": row["Q_2i_at_pi"] for row in table},
        "difference_at_two_pi": lost,
        "smallest_density": float(np.min(films)),
    }


def figure(ts, traces):
    fig, axes = subplots(2, 1, size=(7.6, 4.8), sharex=True, sharey=True)
    for axis, C, trace in zip(axes[:, 0], STRENGTHS, traces, strict=True):
        for k, (label, color) in enumerate(
            (("at α₀", BLUE), ("at -α₀", VERMILLION), ("at iα₀ (cat)", GREY))
        ):
            axis.plot(ts / np.pi, np.pi * trace[:, k], color=color, label=label)
        axis.axvline(2 / C, color=GREY, lw=0.8, ls=":")
        axis.axvline(1 / C, color=GREY, lw=0.8, ls=":")
        axis.set_title(f"C = {C:g}  (dotted: Ut = π/C and 2π/C)")
        axis.set(ylabel="π ħ Q", ylim=(0, 1.05))
    axes[1, 0].set(xlabel="Ut / π", xlim=(0, ts[-1] / np.pi))
    fig.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3
    )
    return fig
