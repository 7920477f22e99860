"""Claim: no non-negative average of paths gives a pure state that is not Gaussian.

    Q₀(x, y) = ∫ k_T(x|x') w(x', y) dx',    d(T) = min over w >= 0 of ½ ∫|Q₀ - k_T w|

The paths are those of the amplifier: X backward from T, Y forward from t = 0, weighted
by w. A weight w >= 0 that leaves d = 0 for a cat (a superposition of coherent states)
would refute the claim.

Verdict: it holds for cats and for one quantum at the times tried: the only weight is
negative in places. The best non-negative weight misses less than a hundredth in total
variation, because the negative part is smoothed away; averages of X or of Y can hardly
show it. As a control, a cat of half the coherence has a weight and is missed by
rounding alone, on the same grid. A cat at ±β can keep the share exp(-β² tanh gT) of its
coherence; d becomes too small to see somewhat before.

Source: secs. IV E, V E and VI A of "Can Quantum Field Theory be Recovered from
Time-Symmetric Stochastic Mechanics? Part I".
"""

import numpy as np
import xarray as xr
from _support.figures import draw_lines

from jqd import states
from jqd.laws.husimi import GaussianSum
from jqd.readings.path_weights import path_distance, path_weight
from jqd.report.style import GREY, subplots
from jqd.states import phase_grid

# --- Parameters (ħ = g = 1) -------------------------------------------------------

SMALL, LARGE = 0.8, 1.5  # β of the cats
TIMES = (0.1, 0.5, 1.0, 3.0)
LOST = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)  # m, coherence lost
AT = 1.0  # gT at which coherence is removed
REACH_X, REACH_Y = 4.0, 3.2

# --- Problem and law --------------------------------------------------------------


def cat(beta, lost=0.0):
    """|β> + |-β>, the terms between them times 1 - m."""
    whole = GaussianSum.cat([beta, -beta], [1, 1])
    weights = whole.weights * np.array([1, 1 - lost, 1 - lost, 1])
    return GaussianSum(weights / np.sum(weights), whole.means, whole.covariance)


def one_quantum(points):
    return states.husimi(states.number_state(1, 2), points[..., 0])


STATES = {
    "one quantum": one_quantum,
    f"cat at ±{LARGE:g}": cat(LARGE).density,
    f"cat at ±{SMALL:g}": cat(SMALL).density,
    "its coherence halved": cat(SMALL, 0.5).density,
}


def lowest(state, end):
    """The lowest value of the only weight over its highest."""
    x = np.exp(end) * np.linspace(-REACH_X, REACH_X, 161)
    points = phase_grid(x, np.linspace(-REACH_Y, REACH_Y, 161))[..., None]
    weight = np.asarray(path_weight(state, end).density(points))
    return float(weight.min() / weight.max())


# --- Comparison -------------------------------------------------------------------


def run(context):
    x = np.linspace(-REACH_X, REACH_X, 81 if context.quick else 161)
    y = np.linspace(-REACH_Y, REACH_Y, 21 if context.quick else 41)
    plane = np.swapaxes(phase_grid(x, y), 0, 1)[..., None]  # axes x, y
    times, losses = (TIMES[2:3], LOST[::7]) if context.quick else (TIMES, LOST)

    distances = {
        name: [path_distance(density(plane), x, y, end) for end in times]
        for name, density in context.progress(list(STATES.items()), "states")
    }
    mixed = [
        path_distance(cat(SMALL, m).density(plane), x, y, AT)
        for m in context.progress(losses, "m")
    ]
    negative = [lowest(cat(SMALL, m), AT) for m in losses]
    threshold = float(-np.expm1(-(SMALL**2) * np.tanh(AT)))
    around = [lowest(cat(SMALL, threshold + step), AT) for step in (-0.01, 0.01)]

    # --- Result -------------------------------------------------------------------
    rows = [
        {"state": name, "gT": end, "distance": value}
        for name, values in distances.items()
        for end, value in zip(times, values, strict=True)
    ]
    context.save_table(rows, "distances")
    scan = zip(losses, mixed, negative, strict=True)
    columns = ("coherence_lost", "distance", "lowest_weight_over_highest")
    context.save_table([dict(zip(columns, row, strict=True)) for row in scan], "mixed")
    context.save_figure(
        figure(times, distances, losses, mixed, threshold), "negative_weights"
    )
    context.save_dataset(
        xr.Dataset(
            {
                "distance": (("state", "gT"), list(distances.values())),
                "mixed": ("lost", mixed),
            },
            {"state": list(distances), "gT": list(times), "lost": list(losses)},
            {"units": "hbar = g = 1"},
        )
    )
    *pure, control = (max(values) for values in distances.values())
    least = min(min(values) for values in list(distances.values())[:-1])
    # the residual of least squares for the control, largest where kernels are narrowest
    left = control < 1e-3 * least
    holds = left and max(pure) < 0.01 and around[0] < 0 < around[1]
    return {
        "status": "ok" if holds else "The weights are not as expected.",
        "distances": distances,
        "coherence_lost": dict(zip(map(str, losses), mixed, strict=True)),
        "lowest_weight_over_highest": negative,
        "threshold": threshold,
        "lowest_around_the_threshold": around,
    }


def figure(times, distances, losses, mixed, threshold):
    fig, axes = subplots(1, 2, size=(8.6, 3.9))
    floor = 1e-16  # rounding, on a logarithmic axis
    draw_lines(
        axes[0, 0], times,
        {name: np.maximum(values, floor) for name, values in distances.items()}, "o-",
        xscale="log", yscale="log", ylim=(floor / 3, 1),
        xlabel="gT", ylabel="d, at most",
        title="Distance of Q from the best weight\nw ≥ 0, in total variation",
    )  # fmt: skip
    axis = axes[0, 1]
    draw_lines(
        axis, losses, {"": np.maximum(mixed, floor)}, "o-", legend=None,
        yscale="log", ylim=(floor / 3, 1),
        xlabel="coherence lost, m", ylabel="d, at most",
        title=f"The same, cat at ±{SMALL:g}, gT = {AT:g}\n(dotted: threshold)",
    )  # fmt: skip
    axis.axvline(threshold, color=GREY, lw=0.8, ls=":")
    return fig
