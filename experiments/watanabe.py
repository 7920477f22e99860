"""Claim: a law with a forward kernel leaves the backward one to the preparation.

    P(x, t | x', t+Δt) = P(x', t+Δt | x, t) P(x, t) / P(x', t+Δt)

A kernel is the conditional probability of the position at one time given that at
another. The law here is an ordinary diffusion, dx = -x dt + √(2T) dW. One backward
kernel for all preparations would refute the claim.

Verdict: it holds for this diffusion. The backward kernel is different for each of three
preparations, and equal to the forward one only in equilibrium. For cases where the
claim fails, see `jqd equations husimi`; for how the Husimi law escapes, see
watanabe_reversal.py.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", secs. II A and II B, eqs. (1)-(5), after S. Watanabe, Rev. Mod. Phys. 27, 179
(1955).
"""

import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_lines
from _support.husimi import ornstein_uhlenbeck_kernel

from jqd.figures.style import INK, subplots
from jqd.observe import total_variation
from jqd.readings.path_weights import backward_kernel

# --- Parameters -------------------------------------------------------------------

TEMPERATURE, STEP = 0.5, 0.4
PREPARED = {"narrow": (1.0, 0.3), "wide": (-1.0, 0.9), "equilibrium": (0.0, 0.5**0.5)}
X = np.linspace(-5, 5, 401)
CELL = X[1] - X[0]
SEEN = 0.5  # x' at which kernels are compared

# --- Problem and law --------------------------------------------------------------


def gaussian(mean, width):
    """Probability of each cell of x."""
    p = np.exp(-(((X - mean) / width) ** 2) / 2)
    return p * CELL / (np.sqrt(2 * np.pi) * width)


def forward_kernel(dt):
    """P(x'|x) times the cell: rows x', columns x, which add up to 1."""
    kernel = ornstein_uhlenbeck_kernel(X[:, None], X[None, :], dt, TEMPERATURE)
    return np.asarray(kernel / kernel.sum(axis=0)[None, :])


def bayes_mean(mean, width):
    """The mean of x before, by Bayes' rule for Gaussians."""
    noise = TEMPERATURE * (1 - np.exp(-2 * STEP))
    precision = width**-2 + np.exp(-2 * STEP) / noise
    return (mean / width**2 + np.exp(-STEP) * SEEN / noise) / precision


# --- Comparison -------------------------------------------------------------------


def run(context):
    kernel, row = forward_kernel(STEP), np.argmin(np.abs(X - SEEN))
    forward, backward, table = kernel[:, row], {}, []
    for name, prepared in PREPARED.items():
        p = backward_kernel(jnp.asarray(kernel), gaussian(*prepared))[:, row]
        found, expected = float(np.sum(X * p)), bayes_mean(*prepared)
        table.append({"preparation": name, "mean_before": found, "expected": expected})
        backward[name] = np.asarray(p)
    detailed = float(total_variation(backward["equilibrium"], forward))
    apart = float(total_variation(backward["narrow"], backward["wide"]))
    others = min(
        float(total_variation(backward[name], forward)) for name in ("narrow", "wide")
    )

    # --- Result -------------------------------------------------------------------
    context.save_table(table, "backward")
    context.save_figure(figure(forward, backward), "watanabe")
    densities = [p / CELL for p in backward.values()]
    data = {"backward": (("preparation", "x"), densities)}
    at = {"preparation": list(backward), "x": X}
    context.save_dataset(xr.Dataset(data, at, {"x_after": SEEN, "step": STEP}))
    slip = max(abs(line["mean_before"] - line["expected"]) for line in table)
    holds = min(apart, others) > 0.1 and detailed < 1e-6 and slip < 1e-8
    return {
        "status": "ok" if holds else "The backward kernels are not as claimed.",
        "distance_of_backward_kernels": apart,
        "backward_minus_forward_in_equilibrium": detailed,
        "backward_minus_forward_elsewhere": others,
        "backward_mean_minus_bayes": slip,
    }


def figure(forward, backward):
    fig, ((axis,),) = subplots(size=(5.6, 4.0))
    once = {"color": INK, "lw": 1, "ls": "--", "zorder": 3}
    axis.plot(X, forward / CELL, label="forward (one for all)", **once)
    draw_lines(
        axis, X, {f"backward, {name}": p / CELL for name, p in backward.items()},
        legend="upper right", xlim=(-2.5, 3.5), ylim=(0, 2.1),
        xlabel="x, for a given x' = 0.5", ylabel="density of x",
        title="Ordinary diffusion: backward kernels\nof several preparations",
    )  # fmt: skip
    return fig
