"""Claim: a few systems that never copy carry an ensemble over a node; many spoil it.

A class without systems cannot be copied, so that an ensemble that meets a node of ψ (an
empty class) freezes there. Two remedies, for two classes that begin at ψ = (1, 0):

- s spectators in each class, copied and never copying, with the phase of their class.
  They count in all rates, so that the ensemble follows a system of N + 2s: the error is
  about 0.9 √(s/N) for many. With a few, the error stays at the noise of copying,
  ~ 1/√N.
- an admixture: begin with (1 - ε) ρ + ε/2. The node then holds k = Nε/2 systems,
  which a share exp(-k) of the ensembles loses at once, and ρ is wrong by ~ ε.

A best number of spectators that is large, or an error of a few above 3.5/√N, would
refute the claim.

Verdict: it holds. One to five spectators are best, with errors of 2/√N to 2.5/√N over
four passages. An admixture comes as near once Nε/2 is 20 to 50. Without a remedy
nothing moves. The class that is empty at first begins at its turning point, x = 0.
Where x = ±π/2 exactly, <H> = 0 is conserved, and spectators alone do not help.

Source: Smolin (2012), section 3.4, nodes and their remedies (2) and (3); rates of
eqs. (39), (40), with the sign of (39) corrected.
"""

import jax
import numpy as np
import xarray as xr
from _support.statistics import standard_error

from jqd import problems
from jqd.ensembles import copying
from jqd.figures.style import BLUE, GREY, INK, PALE, PURPLE, VERMILLION, subplots

# --- Parameters (R = 1: densities have the period π) ------------------------------

SEED = 3
TS = np.linspace(0, 2 * np.pi, 25)  # four passages: π/2, π, 3π/2, 2π
SPECTATORS = (1, 2, 3, 5, 10, 30, 100, 300)
SMALLEST = (2, 5, 10, 20, 50, 100, 200)  # Nε/2
COLORS = {1000: BLUE, 10_000: PURPLE}
MANY = 0.9  # of √(s/N)
TINY = 1e-24  # a density below one system: it gives the empty class its phase

# --- Comparison -------------------------------------------------------------------


def ensembles(copies, count, empty, spectators=0):
    """Densities of the class that is full at first, (S, T)."""
    law, psi = problems.two_classes(empty, 0.0)
    result = copying.sample(
        law, psi, TS, jax.random.key(SEED), copies=copies, trajectories=count,
        spectators=spectators, error_trajectories=0,
    )  # fmt: skip
    return np.asarray(result.density)[:, :, 1]


def error(density):
    """rms of ρ - cos² t over ensembles and times, and its standard error."""
    squares = np.mean((density - np.cos(TS)[None] ** 2)[:, 1:] ** 2, axis=1)
    rms = np.sqrt(squares.mean())
    return rms, standard_error(squares) / (2 * rms)


def run(context):
    count, numbers = (64, (1000,)) if context.quick else (300, tuple(COLORS))
    crew = SPECTATORS[::2] if context.quick else SPECTATORS
    smallest = SMALLEST[::2] if context.quick else SMALLEST
    watched, mixed, traces = [], [], {}
    for number in numbers:
        rows = []
        for s in context.progress(crew, f"spectators, N = {number}"):
            density = ensembles(number, count, TINY, spectators=s)
            rows.append(error(density))
            if number == 1000 and s in (3, 100):
                traces[f"{s} spectators per class"] = density[0]
        watched.append(rows)
        mixed.append(
            [error(ensembles(number, count, k / number))
             for k in context.progress(smallest, f"admixtures, N = {number}")]
        )  # fmt: skip
    frozen = ensembles(1000, count, 0.0)
    traces["none"] = frozen[0]
    watched, mixed = np.array(watched), np.array(mixed)

    # --- Result -------------------------------------------------------------------
    root = np.sqrt(np.array(numbers))[:, None]
    context.save_figure(
        figure(traces, numbers, (crew, watched), (smallest, mixed)), "spectators"
    )
    data = {
        "rms": (("N", "s", "error"), watched),
        "rms_admixture": (("N", "k", "error"), mixed),
        "frozen": ("t", frozen[0]),
    }
    at = {"N": list(numbers), "s": list(crew), "k": list(smallest), "t": TS}
    context.save_dataset(xr.Dataset(data, at, {"runs": count, "seed": SEED}))
    scaled = watched[:, :, 0] * root
    few = scaled[:, np.array(crew) <= 5]
    many = watched[:, crew.index(100), 0] * root[:, 0] / np.sqrt(100)
    best = np.array(crew)[np.argmin(scaled, axis=1)]
    holds = few.max() < 3.5 and np.all(best <= 10) and np.all(frozen == 1)
    return {
        "status": "ok" if holds else "Spectators do not act as claimed.",
        "runs": count,
        "best_number": dict(zip(map(str, numbers), best, strict=True)),
        "rms_root_N_of_1_to_5": few,
        "rms_root_N_over_s_of_100": many,
        "rms_root_N_of_admixtures": mixed[:, :, 0] * root,
        "without_remedy_rms": error(frozen)[0],
    }


def figure(traces, numbers, watched, mixed):
    fig, axes = subplots(1, 3, size=(13.2, 4.1))
    axis, fine = axes[0, 0], np.linspace(0, TS[-1], 300)
    axis.plot(fine / np.pi, np.cos(fine) ** 2, "--", color=INK, label="quantum")
    colors = {"none": GREY, "3": BLUE, "100": VERMILLION}
    for name, density in traces.items():
        axis.plot(TS / np.pi, density, "o-", lw=1, color=colors[name.split()[0]],
                  label=name)  # fmt: skip
    axis.set(xlabel="time t/π  (ħ/R)", ylabel="share of the class full at first",
             ylim=(-0.03, 1.32), title="One ensemble each, N = 1000")  # fmt: skip
    axis.legend(fontsize=8, loc="upper center", ncols=2)
    panels = zip(axes[0, 1:], (watched, mixed), strict=True)
    for axis, (x, rms) in panels:
        for number, row in zip(numbers, rms, strict=True):
            root, color = number**0.5, COLORS[number]
            axis.errorbar(x, row[:, 0] * root, 2 * row[:, 1] * root, fmt="o-", lw=1,
                          color=color, capsize=2, label=f"N = {number}")  # fmt: skip
        axis.set(xscale="log", yscale="log", ylim=(1, 60))
        axis.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        axis.set_xticks(x, [str(number) for number in x])
        axis.minorticks_off()
    s = np.array([10.0, 400.0])
    axis = axes[0, 1]
    axis.plot(s, MANY * np.sqrt(s), "--", color=INK, lw=1, label="0.9 √s")
    axis.set(
        xlabel="s, spectators of each class", ylabel="rms error of the density × √N",
        title="Error over the number of spectators",
    )  # fmt: skip
    axes[0, 2].axvspan(20, 50, color=PALE, lw=0, zorder=0)
    axes[0, 2].set(
        xlabel="k = Nε/2, systems admixed at the node",
        ylabel=axis.get_ylabel(),
        title="Error over the admixture",
    )
    for axis in axes[0, 1:]:
        axis.legend(fontsize=9, loc="upper right" if axis is axes[0, 2] else "best")
    return fig
