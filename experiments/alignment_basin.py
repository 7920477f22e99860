"""Claim: if damped, random phases align under 1 - cos, and under sin² only modulo π.

A class is the set of systems that share one value of the beable; it is aligned when all
its phases φ_I are equal. The alignment model is

    φ̇_I = π_I + Ω_I,  π̇_I = -f² Σ_{J in a_I} U'(φ_I - φ_J) - Σ_K π_K ∂Ω_K/∂φ_I - γ π_I

The paper's U = sin²y has minima at y = 0 and at y = π. In a class of n systems, each of
the 2^(n-1) ways to turn some members by π has as little energy as alignment, but only
equal phases give quantum mechanics. U = 2 (1 - cos y) has the same frequency at its one
minimum. The paper has γ = 0: energy is conserved and nothing settles.

Verdict: it holds for two classes of 12 and 8 systems, from 500 random initial states.
With damping γ = 3, sin² aligns at most 1 % of them, but at least 99 % modulo π, and
1 - cos aligns at least 99 %. Without damping neither aligns any by t = 12. Other shares
would refute it.

Source: Smolin (2012), section 3.2, eqs. (42), (46), (50), with the sum and the factor 2
that (46) lacks. The potential 1 - cos and the damping are ours.
"""

import jax
import numpy as np
import xarray as xr

from jqd.figures.style import BLUE, GREY, INK, VERMILLION, subplots
from jqd.laws.alignment import POTENTIALS, PhaseAlignment
from jqd.readings.stability import align_from_random

# --- Parameters (R = 1, ω = δ = 0) ------------------------------------------------

OCCUPATION = (12, 8)
F, GAMMAS = 3.0, (0.0, 3.0)
TIME, STEPS, SAVES = 12.0, 1200, 60
SEED = 7
NAMES = {"sin2": "sin²y", "1-cos": "2 (1 - cos y)"}


def law_of(potential, gamma):
    return PhaseAlignment.of_occupation(
        OCCUPATION, np.zeros(2), 1 - np.eye(2), np.zeros((2, 2)), F,
        damping=gamma, potential=potential,
    )  # fmt: skip


def run(context):
    starts = 20 if context.quick else 500
    cases = [(potential, gamma) for gamma in GAMMAS for potential in POTENTIALS]
    runs = {}
    for potential, gamma in context.progress(cases, "potential and damping"):
        runs[potential, gamma] = align_from_random(
            law_of(potential, gamma), jax.random.key(SEED), starts=starts, time=TIME,
            steps=STEPS, saves=SAVES,
        )  # fmt: skip

    # --- Result -------------------------------------------------------------------
    def stack(name):
        parts = [[getattr(runs[p, g], name) for p in POTENTIALS] for g in GAMMAS]
        return np.array(parts)

    dims = ("damping", "potential", "start", "t", "class")
    errors = np.array(
        [[runs[p, g].errors["order"] for p in POTENTIALS] for g in GAMMAS]
    )
    data = xr.Dataset(
        {
            "order": (dims, stack("order")),
            "order_error": (dims, errors),
            "nematic": (dims, stack("nematic")),
            "phase": (("damping", "potential", "start", "individual"), stack("phase")),
        },
        {"damping": list(GAMMAS), "potential": list(POTENTIALS),
         "t": np.asarray(runs[cases[0]].ts)},
        {"units": "R = 1", "f": F, "seed": SEED, "occupation": OCCUPATION},
    )  # fmt: skip
    context.save_dataset(data)
    shares = {case: float(found.share_aligned()) for case, found in runs.items()}
    undecided = {case: float(run.share_undecided()) for case, run in runs.items()}
    context.save_figure(figure(data, shares), "basin")
    modulo = (data.nematic[1, 0, :, -1] > 0.99).all("class").mean()
    # 2 of the 2^n ways to give signs to a class are alike: 2^-11 2^-7 for both
    holds = (
        shares["sin2", 3.0] + undecided["sin2", 3.0] <= 0.01
        and shares["1-cos", 3.0] - undecided["1-cos", 3.0] >= 0.99
        and modulo >= 0.99
        and max(shares[p, 0.0] for p in POTENTIALS) == 0
    )
    return {
        "status": "ok" if holds else "Random phases do not align as claimed.",
        "starts": starts,
        "aligned_sin2_damped": shares["sin2", 3.0],
        "aligned_modulo_pi_sin2_damped": float(modulo),
        "aligned_1_cos_damped": shares["1-cos", 3.0],
        "aligned_sin2": shares["sin2", 0.0],
        "aligned_1_cos": shares["1-cos", 0.0],
        "undecided_by_steps_damped": max(undecided[p, 3.0] for p in POTENTIALS),
        # for chaotic motion the error of the time steps grows without bound
        "undecided_by_steps": max(undecided[p, 0.0] for p in POTENTIALS),
        "mean_order_sin2_damped": float(data.order[1, 0, :, -1].mean()),
    }


def figure(data, aligned):
    fig, axes = subplots(2, 3, size=(12.6, 7.4), width_ratios=(1, 1.35, 1.15))
    for k, (name, color) in enumerate(zip(POTENTIALS, (VERMILLION, BLUE), strict=True)):
        circle(axes[k, 0], data.phase[1, k, 0].values)
        axes[k, 0].set_title(
            f"U = {NAMES[name]}, damped: final phases\nof one initial state"
        )
        axis = axes[k, 1]
        for g, (shade, label) in enumerate(
            ((GREY, "γ = 0"), (color, f"γ = {GAMMAS[1]:g}"))
        ):
            order = data.order[g, k, :, :, 0]
            low, high = np.quantile(order, (0.05, 0.95), axis=0)
            axis.fill_between(data.t, low, high, color=shade, alpha=0.2, lw=0)
            axis.plot(data.t, order.mean("start"), color=shade, label=label)
        axis.plot(data.t, data.nematic[1, k, :, :, 0].mean("start"), ":", color=color,
                  label=f"γ = {GAMMAS[1]:g}, modulo π")  # fmt: skip
        axis.set(xlabel="time  (1/R)", ylabel="alignment |⟨exp iφ⟩|", ylim=(0, 1.05))
        axis.set_title("Larger class: mean and 90 % of initial states")
        axis.legend(fontsize=8, loc=((0.62, 0.6), (0.62, 0.06))[k])
        axis = axes[k, 2]
        # by rounding, the mean of equal phases can be longer than 1
        ends = np.clip(data.order[:, k, :, -1, 0].values, 0, 1)
        bins = np.linspace(0, 1, 26)
        axis.hist(ends[0], bins, color=GREY, alpha=0.5, label="γ = 0")
        axis.hist(ends[1], bins, color=color, alpha=0.7, label=f"γ = {GAMMAS[1]:g}")
        axis.set(xlabel="final alignment", ylabel="initial states")
        plain, damped = (aligned[name, gamma] for gamma in GAMMAS)
        axis.set_title(f"Both aligned: {damped:.0%} of starts\n({plain:.0%} undamped)")
        axis.legend(fontsize=8, loc="upper center")
    return fig


def circle(axis, phase):
    """The phases of both classes on circles, stacked where members coincide."""
    turn = np.linspace(0, 2 * np.pi, 200)
    first = OCCUPATION[0]
    for radius, members, color in (
        (1.0, phase[:first], INK),
        (0.62, phase[first:], GREY),
    ):
        axis.plot(radius * np.cos(turn), radius * np.sin(turn), color=GREY, lw=0.6)
        slot = np.round(np.mod(members, 2 * np.pi) / 0.1)
        stack = np.array([np.sum(slot[:i] == s) for i, s in enumerate(slot)])
        r = radius + 0.035 * stack
        axis.plot(r * np.cos(members), r * np.sin(members), "o", color=color, ms=4)
    words = "inner: class of 8\nouter: class of 12"
    axis.text(0, 0, words, ha="center", va="center", fontsize=8)
    axis.set(aspect="equal", xlim=(-1.5, 1.5), ylim=(-1.5, 1.5))
    axis.axis("off")
