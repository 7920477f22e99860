"""Claim: Nelson's paths have the density of quantum mechanics, not its joint densities.

    dX = (v + ν∇ρ/ρ) dt + √(2ν) dW, ρ = |ψ|²; an oscillator's ground state, D = ħ/2m:
    Nelson, ν = D:   <x(0) x(t)> = (ħ/2mω) exp(-ωt),    <(x(t) - x(0))²> -> 2Dt
    quantum:         ½<xx(t) + x(t)x> = (ħ/2mω) cos ωt,  <...> = (ħ/mω)(1 - cos ωt) ~ t²
    any ν >= 0:      the same density at every time.

A distance of the paths from |ψ|² beyond chance, or a quantum correlation at ωt = π,
would refute the claim.

Verdict: it holds. At ωt = π the paths keep exp(-π) = 4 % of their correlation where
quantum mechanics has -100 %, and none of ν = 0, D/2, D, 2D mends that. Their distances
to |ψ|² stay within chance: a density at one time cannot determine ν, two times of a
path can. All this is about paths that nothing measures; measured ones were not
followed.

Source: E. Nelson (1966) Phys. Rev. 150, 1079; H. Grabert, P. Hänggi and P. Talkner
(1979) Phys. Rev. A 19, 2440; M. Davidson (1979) Lett. Math. Phys. 3, 271. Zakir's
diffusion is read as conservative, so that its paths sample ρ and claim no more.
"""

import jax
import numpy as np
import xarray as xr

import jqd
from jqd.ensembles import nelson
from jqd.exact import squeezed_state
from jqd.figures.style import CYCLE, GREY, INK, PALE, subplots

# --- Parameters (ħ = m = ω = 1, so D = 1/2) ---------------------------------------

D = 0.5
NUS = (0.0, 0.25, 0.5, 1.0)
NAMES = ("0  (Bohm)", "D/2", "D  (Nelson)", "2D")
GRID = jqd.Grid((-9.0, 9.0), 128)
LAW = jqd.Schrodinger.on_grid(GRID, lambda x: x**2 / 2)
CORRELATION = np.linspace(0, 1.3 * np.pi, 14)
SHORT = np.concatenate([[0.0], np.geomspace(0.01, 1.0, 13)])
SQUEEZED = np.linspace(0, np.pi, 14)
WIDTH, CENTER = 0.5, 1.5

# --- Comparison -------------------------------------------------------------------


def decay(ts, nu):
    """<x(0) x(t)> of the paths: dX = -2ν x dt + √(2ν) dW, since ∇ρ/ρ = -2x."""
    return 0.5 * np.exp(-2 * nu * ts)


def sample(ts, psi, nu, count, seed):
    return nelson(
        LAW, psi, ts, jax.random.key(seed), nu=nu, paths=count, substeps=20,
        error_paths=0,
    )  # fmt: skip


def run(context):
    count = 1_500 if context.quick else 50_000
    ground = squeezed_state(GRID.x, 0.0, width=np.sqrt(0.5))
    squeezed = squeezed_state(GRID.x, 0.0, width=WIDTH, center=CENTER)
    correlations, moved, distances = [], [], []
    for nu in context.progress(NUS, "noise"):
        paths = sample(CORRELATION, ground, nu, count, 1)
        correlations.append([a[:, 0] for a in paths.correlation()])
        paths = sample(SHORT, ground, nu, count, 2)
        moved.append([a[:, 0] for a in paths.displacement()])
        paths = sample(SQUEEZED, squeezed, nu, count, 3)
        distances.append(paths.ks[:, 0])
        line = float(paths.ks_line)
    correlations, moved, distances = map(np.array, (correlations, moved, distances))

    # --- Result -------------------------------------------------------------------
    at = {"noise": list(NAMES), "t": CORRELATION, "s": SHORT, "r": SQUEEZED}
    data = xr.Dataset(
        {
            "correlation": (("noise", "t"), correlations[:, 0]),
            "correlation_error": (("noise", "t"), correlations[:, 1]),
            "displacement": (("noise", "s"), moved[:, 0]),
            "distance": (("noise", "r"), distances),
        },
        at,
        {"units": "hbar = m = omega = 1", "paths": count, "line_95": line},
    )
    context.save_dataset(data)
    context.save_figure(figure(data, line), "two_times")
    exact = np.array([decay(CORRELATION, nu) for nu in NUS])
    with np.errstate(invalid="ignore", divide="ignore"):
        sigmas = np.abs(correlations[:, 0] - exact) / correlations[:, 1]
    pi = np.argmin(np.abs(CORRELATION - np.pi))
    value, error = correlations[2, :, pi]
    # Of 4 x 14 distances some lie above a 95 % line by chance; 1.95/√n: 99.9 %.
    alike = distances.max() < line * 1.95 / 1.358
    quantum = 0.5 * np.cos(CORRELATION[pi])
    holds = alike and sigmas.max() < 4.5 and abs(value - quantum) > 30 * error
    return {
        "status": "ok" if holds else "The paths are not as expected.",
        "paths": count,
        "nelson_at_pi": value,
        "standard_error": error,
        "exp_at_pi": exact[2, pi],
        "quantum_at_pi": quantum,
        "largest_deviation_in_standard_errors": sigmas.max(),
        "short_time_slope_over_2D": moved[2, 0, 1] / (2 * D * SHORT[1]),
        "quantum_over_2D": (1 - np.cos(SHORT[1])) / (2 * D * SHORT[1]),
        "largest_distance_to_density": distances.max(),
        "line_95": line,
    }


def figure(data, line):
    fig, axes = subplots(1, 3, size=(12.6, 4.0))
    fine = np.linspace(0, CORRELATION[-1], 200)
    axis = axes[0, 0]
    axis.axhline(0, color=GREY, lw=0.6)
    axis.plot(fine, 0.5 * np.cos(fine), "--", color=INK)
    axis.annotate("quantum\n½ cos ωt", (1.75, -0.25), color=INK, ha="right")
    for k, nu in enumerate(NUS):
        axis.plot(fine, decay(fine, nu), color=CYCLE[k], lw=1)
        axis.plot(data.t, data.correlation[k], "o", color=CYCLE[k], label=NAMES[k])
    axis.set(xlabel="ωt", ylabel="<x(0) x(t)>  (ħ/mω)", ylim=(-0.62, 0.56))
    axis.set_title("Two times: correlation of paths and of\nquantum mechanics")
    axis.legend(title="ν", fontsize=8, loc="lower left")
    axis, fine = axes[0, 1], np.geomspace(SHORT[1], 1, 100)
    axis.plot(fine, 1 - np.cos(fine), "--", color=INK)
    axis.annotate("quantum, ~ t²", (0.05, 6e-4), color=INK)
    for k in range(1, len(NUS)):
        nu = NUS[k]
        axis.plot(fine, 1 - 2 * decay(fine, nu), color=CYCLE[k], lw=1)
        axis.plot(data.s[1:], data.displacement[k, 1:], "o", color=CYCLE[k])
    axis.annotate("paths, 2νt", (0.012, 0.075), color=INK)
    axis.set(xlabel="ωt", ylabel="<(x(t) - x(0))²>  (ħ/mω)", xscale="log", yscale="log")
    axis.set_title("Short times: mean square displacement")
    axis = axes[0, 2]
    axis.axhspan(0, line, color=PALE, lw=0, zorder=0)
    for k in range(len(NUS)):
        axis.plot(data.r / np.pi, data.distance[k], "o-", color=CYCLE[k], lw=1)
    axis.annotate("95 % of samples of |ψ|²", (0.02, 1.03 * line), color=INK)
    axis.set(xlabel="ωt / π", ylabel="distance to |ψ|²  (KS)", ylim=(0, 1.5 * line))
    axis.set_title("One time: distance of samples to |ψ|²,\nsqueezed, swinging packet")
    return fig
