"""Claim: N systems that copy each other miss quantum mechanics by 1/N, at a known rate.

    N E[1 - F](t) = (1/4) ∫ Σ_{a<b} |J_ab| (1/ρ_a + 1/ρ_b) dt',    F = |<ψ|ensemble>|²

J_ab is the probability current between classes a and b. Every copy is a kick of size
1/N at a random moment. The unitary motion preserves the kicks, and their squares add
up. So densities scatter by N^(-1/2), and an ensemble forgets its state at a rate that
the currents and densities set. Samples off this law, or another power of N, would
refute it.

Verdict: it holds. For N = 1e3 to 1e6, in three systems, the samples lie on the law, and
the scatter falls with slope -0.50. For N = 1e2 they deviate more where a class comes to
hold a few systems: some of the ensembles lose it for good.

Source: Smolin (2012), eqs. (39), (40), with the sign of (39) corrected; section 3.4
asks for corrections that depend on the size of the ensemble. The law follows from
linear noise.
"""

import jax
import numpy as np
import xarray as xr
from _support.statistics import mean_error

import jqd
from jqd import problems
from jqd.ensembles import copying
from jqd.ensembles.copying.laws_of_noise import infidelity
from jqd.figures.style import AMBER, BLUE, GREEN, GREY, INK, PURPLE, VERMILLION
from jqd.report import subplots
from jqd.report.tables import plus_minus

# --- Parameters (ħ = 1) -----------------------------------------------------------

NUMBERS = (1e2, 1e3, 1e4, 1e5, 1e6)
COLORS = (VERMILLION, AMBER, GREEN, BLUE, PURPLE)
STEP, QUICK = 0.1, 0.2  # of the leap; its bias of N(1 - F) is .1 %, .4 % if quick
TIMES = 11
SITES, HOP = 5, 0.5

# --- Problems ---------------------------------------------------------------------


def ring():
    """Five sites; a wave runs around the ring, with density 1 + ½ cos 2πa/5."""
    near = np.roll(np.eye(SITES), 1, axis=0)
    hop, delta = HOP * (near + near.T), np.pi * (near - near.T)
    law = jqd.CopyDynamics(np.zeros(SITES), hop, delta)
    angle = 2 * np.pi * np.arange(SITES) / SITES
    return law, np.sqrt((1 + 0.5 * np.cos(angle)) / SITES) * np.exp(1j * angle)


# Law, ψ and last time of each.
SYSTEMS = {
    "Three levels": (*problems.golden(), 5.0),
    "Two levels, Rabi": (*problems.two_classes(0.2, 0.0), 2 * np.pi),
    "Ring of five sites": (*ring(), 6.0),
}

# --- Comparison -------------------------------------------------------------------


def compare(law, psi, end, count, step, seed):
    """One system, all N: N(1 - F), squared deviation of ρ, extinctions."""
    fine = np.linspace(0, end, 20 * (TIMES - 1) + 1)
    ts, line = fine[::20], infidelity(law, psi, fine)
    quantum = jqd.Schrodinger(law.hamiltonian())
    exact = jqd.evolve(quantum, psi, ts, method=jqd.Propagator()).values
    rows = []
    for k, number in enumerate(NUMBERS):
        copies = copying.sample(
            law, psi, ts, jax.random.fold_in(jax.random.key(seed), k), copies=number,
            trajectories=count, step=step, error_trajectories=0,
        )  # fmt: skip
        lost = number * copies.infidelity(exact)
        scatter = np.sum((copies.density - np.abs(exact)[None] ** 2) ** 2, axis=-1)
        extinct = np.mean(copies.extinction_time < end)
        rows.append([*mean_error(lost), *mean_error(scatter.mean(-1)), extinct])
    names = "lost", "lost_error", "scatter", "scatter_error", "extinct"
    sampled = dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))
    return sampled | {"t": ts, "fine": fine, "law": np.asarray(line.value)}


def slope(result):
    """d ln rms/d ln N, its standard error, and rms √N at N = 1."""
    weight = 2 * result["scatter"] / result["scatter_error"]
    x, y = np.log(NUMBERS), np.log(result["scatter"]) / 2
    (slope, offset), covariance = np.polyfit(x, y, 1, w=weight, cov="unscaled")
    return slope, covariance[0, 0] ** 0.5, np.exp(offset)


def run(context):
    count, step = (128, QUICK) if context.quick else (1000, STEP)
    results = {}
    for seed, name in enumerate(context.progress(SYSTEMS, "systems")):
        results[name] = compare(*SYSTEMS[name], count, step, seed)
    fits = {name: slope(result) for name, result in results.items()}
    ends = [(r["lost"][:, -1], r["lost_error"][:, -1], r["law"][-1])
            for r in results.values()]  # fmt: skip
    ratios, errors = (np.array([end[k] / end[2] for end in ends]) for k in (0, 1))

    # --- Result -------------------------------------------------------------------
    context.save_figure(figure(results, fits), "finite_ensemble")
    dims = dict.fromkeys(("lost", "lost_error"), ("system", "N", "k"))
    dims |= dict.fromkeys(("scatter", "scatter_error", "extinct"), ("system", "N"))
    dims |= {"t": ("system", "k"), "fine": ("system", "j"), "law": ("system", "j")}
    data = {key: (d, [r[key] for r in results.values()]) for key, d in dims.items()}
    at, about = {"system": list(results), "N": list(NUMBERS)}, {"runs": count}
    context.save_dataset(xr.Dataset(data, at, about))
    beyond = np.abs(ratios - 1)[:, 1:] - 0.02
    steep = [abs(fit[0] + 0.5) - 2 * fit[1] for fit in fits.values()]
    holds = (beyond < 4 * errors[:, 1:]).all() and max(steep) < 0.03
    return {
        "status": "ok" if holds else "The samples do not follow the law.",
        "runs": count,
        "slopes": {name: fit[0] for name, fit in fits.items()},
        "slope_errors": {name: fit[1] for name, fit in fits.items()},
        "sampled_over_law": dict(zip(results, ratios, strict=True)),
        "its_error": dict(zip(results, errors, strict=True)),
        "extinct": {name: r["extinct"] for name, r in results.items()},
    }


def figure(results, fits):
    fig, axes = subplots(1, 4, size=(14.4, 3.9))
    for axis, (name, result) in zip(axes[0], results.items(), strict=False):
        line, end = result["law"], result["t"][-1]
        for k, number in enumerate(NUMBERS):
            aside = (k - 2) * end / 120
            axis.errorbar(
                result["t"][1:] + aside, result["lost"][k][1:],
                result["lost_error"][k][1:], fmt="o", ms=3.5, lw=1.2, color=COLORS[k],
                label=f"N = $10^{np.log10(number):.0f}$",
            )  # fmt: skip
        axis.plot(result["fine"], line, "--", color=INK, label="law")
        axis.set(
            xlabel="time t  (ħ/energy)", ylabel="lost fidelity  N E[1 - F]", title=name
        )
        axis.set(xlim=(0, None), ylim=(0, 1.6 * line[-1]))
        if (share := result["extinct"][0]) > 0.001:
            note = f"{share:.0%} of the ensembles of\n$10^2$ have lost a class"
            axis.annotate(note, (0.98, 0.03), xycoords="axes fraction", ha="right",
                          color=VERMILLION, fontsize=9)  # fmt: skip
    axes[0, 0].legend(fontsize=9, loc="upper left")
    axis = axes[0, 3]
    for (name, result), marker in zip(results.items(), "os^", strict=True):
        value, error, offset = fits[name]
        axis.loglog(NUMBERS, np.sqrt(result["scatter"]), marker, color=INK, ms=5,
                    label=f"{name}\nslope {plus_minus(value, error)}")  # fmt: skip
        axis.loglog(NUMBERS, offset * np.power(NUMBERS, value), color=GREY, lw=1)
    axis.set(xlabel="number of systems N", ylabel="rms distance of ρ to |ψ|²")
    axis.set_title(r"Scatter over N, and fitted powers")
    axis.legend(fontsize=8, loc="lower left")
    return fig
