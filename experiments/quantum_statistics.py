"""Claim: classical particles become bosons if random weights of the states are shared.

    P_g(n) = N!/Π n_i! Π_i Π_{k<n_i} (1 + g k) / Π_{k<N} (M + g k)

g = 0 is Maxwell-Boltzmann, eq. (45), g = 1 Bose-Einstein, eq. (47), g = -1 Fermi-Dirac,
eq. (49). Eq. (52) averages over weights w_i of the states. Its text gives the
deviations "for each particle"; but then particles stay independent and g = 0. Only one
vector of weights for all N particles gives g = 1. A fitted g that is not the expected
one would refute the claim.

Verdict: it holds with shared weights, and not with separate weights for each particle.
Draws tend to the exact probabilities as 1/√draws. Fits to counts give back g, and so do
fits to occupation curves 1/(exp((E - μ)/kT) - g) with 1 % noise, for g = -1, 0, 1/2 and
1.

Source: Zakir, "Diffusion treatment of quantum theory and gravity. 1", sections 4.1 and
4.2.
"""

import jax
import numpy as np
import xarray as xr
from _support.statistics import configuration_index

from jqd import statistics
from jqd.figures.style import BLUE, CYCLE, GREEN, GREY, VERMILLION, subplots
from jqd.inference.estimators.counts import fit_counts
from jqd.inference.estimators.curve import fit_curve
from jqd.report.tables import plus_minus

# --- Parameters (k = 1, energies in units of kT = 1) ------------------------------

SMALL = (3, 4)  # particles and states of the draws that are compared one by one
LARGE = (50, 20, 400)  # particles, states, draws of the counts that g is fitted to
CURVES = {-1.0: 1.5, 0.0: 0.6, 0.5: -0.1, 1.0: -0.3}  # g: μ
ENERGIES = np.linspace(0.0, 4.0, 40)
NOISE = 0.01  # relative
WAYS = {  # name: (g of what is drawn, options, g expected)
    "shared weights": (1.0, {}, 1.0),
    "own weights": (1.0, {"shared": False}, 0.0),
    "one place per state": (-1.0, {}, -1.0),
}
LAWS = {1.0: "Bose-Einstein", 0.0: "Maxwell-Boltzmann", -1.0: "Fermi-Dirac"}
COLORS = dict(zip(WAYS, (BLUE, VERMILLION, GREEN), strict=True))

# --- Draws and fits ---------------------------------------------------------------


def distances(n, g, numbers):
    """Total variation of the first 10, 100, .. draws from P_g."""
    rows = statistics.configurations(*SMALL)
    index = configuration_index(n, SMALL[0])
    p = np.exp(statistics.log_probability(rows, g))
    shares = [np.bincount(index[:k], minlength=len(rows)) / k for k in numbers]
    return np.array([np.abs(share - p).sum() / 2 for share in shares])


def curve(g, mu, rng):
    """Occupations with noise, and their fit."""
    exact = np.asarray(statistics.occupation(ENERGIES, 1.0, mu, g))
    sigma = NOISE * exact
    seen = exact + sigma * rng.normal(size=exact.shape)
    return seen, fit_curve(seen, ENERGIES, sigma).constants


def run(context):
    draws = 10 ** np.arange(1, 5 if context.quick else 7)
    keys = jax.random.split(jax.random.key(1), 6)
    table, tv, drawn = [], {}, {}
    for i, (name, (g, options, expected)) in enumerate(
        context.progress(WAYS.items(), "draws")
    ):
        most = draws[draws <= 1e5] if options else draws  # N M numbers a draw
        n = statistics.sample_occupations(keys[i], *SMALL, g, (most[-1],), **options)
        for law in {expected, 1.0 if options else expected}:
            tv[name, law] = (most, distances(n, law, most))
        N, M, number = LARGE
        N = N if g > 0 else M // 2  # fermions: N <= M
        n = statistics.sample_occupations(keys[3 + i], N, M, g, (number,), **options)
        drawn[name] = np.asarray(n)
        fit = fit_counts(n)
        row = {"what": name, "g": expected, "at_edge": fit.at_edge}
        found = fit.constants["g"]
        table.append(row | {"found": found.value, "standard_error": found.stderr})
    rng = np.random.default_rng(0)
    curves = {}
    for g, mu in context.progress(CURVES.items(), "curves"):
        seen, found = curve(g, mu, rng)
        curves[g] = (seen, {name: c.value for name, c in found.items()})
        row = {"what": "curve", "g": g, "at_edge": False, "found": found["g"].value}
        table.append(row | {"standard_error": found["g"].stderr})

    # --- Result -------------------------------------------------------------------
    sigmas = [(row["found"] - row["g"]) / row["standard_error"] for row in table]
    chance = np.sqrt(20 / (2 * np.pi * draws))  # expected of bosons: 20 fillings
    wrong = tv.pop(("own weights", 1.0))
    ratio = max(float(np.max(v / chance[: len(v)])) for _, v in tv.values())
    context.save_table(table, "constants")
    context.save_figure(
        figure(draws, chance, tv, wrong, drawn, curves, table), "statistics"
    )
    data = {"occupation": (("g", "E"), [curves[g][0] for g in CURVES])}
    about = {"units": "kT = 1", "relative_noise": NOISE}
    context.save_dataset(xr.Dataset(data, {"g": list(CURVES), "E": ENERGIES}, about))
    # own weights: 0.175 from Bose-Einstein by enumeration
    holds = np.max(np.abs(sigmas)) < 4 and ratio < 2 and wrong[1][-1] > 0.1
    return {
        "status": "ok" if holds else "The draws or the fits do not give g.",
        "distance_at_last": {name: float(v[-1]) for (name, _), (_, v) in tv.items()},
        "distance_of_own_weights_from_bosons": float(wrong[1][-1]),
        "largest_distance_over_chance": ratio,
        "g": {f"{r['what']}, g = {r['g']:g}": r["found"] for r in table},
        "standard_errors": [row["standard_error"] for row in table],
        "deviation_sigmas": sigmas,
    }


# --- Figure -----------------------------------------------------------------------


def figure(draws, chance, tv, wrong, drawn, curves, table):
    fig, ((left, middle, right),) = subplots(1, 3, size=(13.4, 4.2))
    found = {row["what"]: row for row in table}
    for (name, law), (most, values) in tv.items():
        label = f"{name}, from {LAWS[law]}"
        left.loglog(most, values, "o-", color=COLORS[name], label=label)
        N, M = int(drawn[name][0].sum()), LARGE[1]
        n = np.arange(min(N, 14) + 1)
        share = np.bincount(drawn[name].ravel(), minlength=N + 1) / drawn[name].size
        middle.plot(n, share[: len(n)], "o", color=COLORS[name])
        p = np.exp(statistics.log_marginal(n, N, M, WAYS[name][2]))
        g, error = found[name]["found"], found[name]["standard_error"]
        label = f"{name}, N = {N}: g = {plus_minus(g, error)}"
        middle.plot(n, p, color=COLORS[name], lw=1, label=label)
    label = "own weights, from Bose-Einstein"
    left.loglog(*wrong, "o--", color=VERMILLION, mfc="white", label=label)
    left.loglog(draws, chance, color=GREY, ls=":", label="chance alone (bosons)")
    left.set(xlabel="draws", ylabel="total variation from P_g", ylim=(3e-5, 1))
    left.set_title(f"{SMALL[0]} particles, {SMALL[1]} states: distance over draws")
    middle.set(xlabel="particles in a state", ylabel="share of states", ylim=(0, 0.55))
    middle.set_title(f"{LARGE[1]} states: counts (dots), exact (lines), g recovered")
    E = np.linspace(ENERGIES[0], ENERGIES[-1], 200)
    rows = [row for row in table if row["what"] == "curve"]
    for (seen, c), row, color in zip(curves.values(), rows, CYCLE, strict=False):
        right.semilogy(ENERGIES, seen, ".", color=color)
        fitted = statistics.occupation(E, c["T"], c["mu"], c["g"])
        label = f"g = {plus_minus(row['found'], row['standard_error'])}"
        right.plot(E, fitted, color=color, lw=1, label=label)
    right.set(xlabel="energy E, in kT", ylabel="mean occupation of a state")
    right.set_title(f"Curves with {100 * NOISE:g} % noise, and g recovered")
    for axis in (left, middle, right):
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=9)
    return fig
