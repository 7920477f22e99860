"""Claim: no non-negative average of paths gives a pure state that is not Gaussian.

    Q₀(x, y) = ∫ k_T(x|x') w(x', y) dx',    d(T) = min over w >= 0 of ½ ∫|Q₀ - k_T w|

The paths are those of the amplifier: X backward from T, Y forward from t = 0, weighted
by w. Convolution with k_T has one inverse, so that one w alone gives Q: if it were
nowhere negative for a cat (a superposition of coherent states) or for one quantum, the
claim would be refuted. For one quantum, with v = (1 + exp(-2T))/4 the variance of x,

    w ∝ [1/2 + (x/2v)² - 1/(4v) + y²] exp(-x²/2v - y²),    negative at 0 for T > 0

The computed d is an upper bound, which cannot show that d > 0; it says how much of the
negative part is left in Q.

Control: a cat of half the coherence has a weight w >= 0, and the best weight must miss
it by rounding alone, on the same grid.

Verdict: it holds for cats and for one quantum at the times tried: the only weight is
negative in places. The best non-negative weight misses less than a hundredth in total
variation, because the negative part is smoothed away; averages of X or of Y can hardly
show it. A cat at ±β can keep the share exp(-β² tanh gT) of its coherence; d becomes too
small to see somewhat earlier.

Context: "whether the evolution equation derived here supports a consistent
interpretation in terms of stochastic trajectories is, at this stage, an open question"
(sec. VI of the source). Of pure states only Gaussian ones have a non-negative Wigner
function: R. L. Hudson, Rep. Math. Phys. 6, 249 (1974). The weights of paths divide the
states tried here in the same way, although Q itself is never negative.

Source: secs. IV E, V E and VI A of "Can Quantum Field Theory be Recovered from
Time-Symmetric Stochastic Mechanics? Part I".
"""

import numpy as np
import xarray as xr
from _support.figures import MARKERS, draw_lines

from jqd import states
from jqd.figures.style import CYCLE, GREY, subplots
from jqd.laws.husimi import GaussianSum
from jqd.readings.path_weights import backward_noise, path_distance, path_weight
from jqd.states import phase_grid

# --- Parameters (ħ = g = 1) -------------------------------------------------------

SMALL, LARGE = 0.8, 1.5  # β of the cats
TIMES = (0.1, 0.5, 1.0, 3.0)
LOST = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)  # m, coherence lost
AT = 1.0  # gT at which coherence is removed
REACH_X, REACH_Y = 4.0, 3.2
LEAST = 1e-6  # of d on the logarithmic part of the axis; all below is near 0

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


def weight_of_one_quantum(x, y, end):
    """The only weight of one quantum, over exp(-T) x', without its factor."""
    v = 0.5 - float(backward_noise(end))
    curve = 0.5 + (x / (2 * v)) ** 2 - 1 / (4 * v) + y**2
    return curve * np.exp(-(x**2) / (2 * v) - y**2) / np.sqrt(v)


def lowest_of_one_quantum(end):
    """Its lowest value over its highest, and how far the kernel leads it from Q."""
    x, y = np.linspace(-6, 6, 481), np.linspace(-3, 3, 121)
    weight = weight_of_one_quantum(x[:, None], y[None, :], end)
    noise = float(backward_noise(end))
    inner = x[np.abs(x) < 3]
    kernel = np.exp(-((inner[:, None] - x[None, :]) ** 2) / (2 * noise))
    # the factor of w that makes the peak of exp(-x²) 1, times that of the kernel
    found = kernel @ weight * (x[1] - x[0]) / np.sqrt(4 * np.pi * noise)
    square = inner[:, None] ** 2 + y[None, :] ** 2
    off = np.abs(found - square * np.exp(-square)).max()
    return float(weight.min() / weight.max()), float(off)


# --- Comparison -------------------------------------------------------------------


def run(context):
    x = np.linspace(-REACH_X, REACH_X, 81 if context.quick else 161)
    y = np.linspace(-REACH_Y, REACH_Y, 21 if context.quick else 41)
    plane = np.swapaxes(phase_grid(x, y), 0, 1)[..., None]  # axes x, y
    times, losses = (TIMES[::2], LOST[::2]) if context.quick else (TIMES, LOST)

    distances = {
        name: [path_distance(density(plane), x, y, end) for end in times]
        for name, density in context.progress(list(STATES.items()), "states")
    }
    mixed = [
        path_distance(cat(SMALL, m).density(plane), x, y, AT)
        for m in context.progress(losses, "m")
    ]
    negative = [lowest(cat(SMALL, m), AT) for m in losses]
    one, off = np.transpose([lowest_of_one_quantum(end) for end in times])
    weights = {
        "one quantum": one.tolist(),
        **{f"cat at ±{b:g}": [lowest(cat(b), end) for end in times]
           for b in (LARGE, SMALL)},
        "its coherence halved": [lowest(cat(SMALL, 0.5), end) for end in times],
    }  # fmt: skip
    # the same on every second point of both axes
    coarse = {
        name: path_distance(density(plane[::2, ::2]), x[::2], y[::2], AT)
        for name, density in list(STATES.items())[:-1]
    }
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
    shares = np.array(mixed) / mixed[0]
    context.save_figure(
        figure(times, distances, losses, shares, threshold), "negative_weights"
    )
    data = {
        "distance": (("state", "gT"), list(distances.values())),
        "mixed": ("lost", mixed),
    }
    at = {"state": list(distances), "gT": list(times), "lost": list(losses)}
    context.save_dataset(xr.Dataset(data, at, {"units": "hbar = g = 1"}))
    *pure, control = (max(values) for values in distances.values())
    least = min(min(values) for values in list(distances.values())[:-1])
    # the residual of least squares for the control, largest where kernels are narrowest
    left = control < 1e-3 * least
    *negatives, positive = weights.values()
    decided = np.max(negatives) < 0 <= min(positive) and max(off) < 1e-9
    holds = left and decided and max(pure) < 0.01 and around[0] < 0 < around[1]
    return {
        "status": "ok" if holds else "The weights are not as expected.",
        "verdict": (
            f"For {len(negatives)} pure states at {len(times)} times the only weight "
            f"is negative in places: its minimum is {np.min(negatives):.1g} to "
            f"{np.max(negatives):.1g} of its maximum. The best weight w >= 0 misses at "
            f"most {max(pure):.1e} of Q; of the control, which has a weight w >= 0, it "
            f"misses {control:.0e}."
        ),
        "lowest_of_the_weight": weights,
        "one_quantum_by_the_kernel": off,
        "distances": distances,
        "distances_on_every_second_point_at_gT_1": coarse,
        "coherence_lost": dict(zip(map(str, losses), mixed, strict=True)),
        "lowest_weight_over_highest": negative,
        "threshold": threshold,
        "lowest_around_the_threshold": around,
    }


def figure(times, distances, losses, shares, threshold):
    fig, ((left, right),) = subplots(1, 2, size=(8.8, 4.3))
    for k, (name, values) in enumerate(distances.items()):
        left.plot(times, values, f"{MARKERS[k]}-", color=CYCLE[k], label=name)
    # linear below LEAST: what is left by rounding is drawn at 0
    left.set_yscale("symlog", linthresh=LEAST, linscale=0.7)
    left.set(xscale="log", ylim=(-0.3 * LEAST, 0.03), xlim=(0.07, 4.5))
    left.set(xlabel="gT", ylabel="d, at most")
    left.set_title("Distance of Q from the best weight w ≥ 0, in\ntotal variation "
                   f"(linear below {LEAST:.0e})")  # fmt: skip
    fig.legend(loc="outside lower center", ncols=len(distances), fontsize=9)
    draw_lines(
        right, losses, {"": shares}, "o-", legend=None, ylim=(-0.05, 1.05),
        xlim=(-0.02, 0.52), xlabel="coherence lost, m", ylabel="d(m) / d(0), at most",
        title=f"Cat at ±{SMALL:g}, gT = {AT:g}: d over that of\nthe whole "
        "coherence (dotted: threshold)",
    )  # fmt: skip
    right.axvline(threshold, color=GREY, lw=0.8, ls=":")
    return fig
