"""Claim: exact quantum evolution alone determines q = 1/2 and r = -1/2 of the copy law.

    dρ_a/dt = Σ_b [(ρ_a/ρ_b)^q ρ_b A_ab - (ρ_b/ρ_a)^q ρ_a A_ba]
    dφ_a/dt = ω_a + Σ_b (ρ_a/ρ_b)^r C_ab

The data are populations of four levels computed by QuTiP, and counts of 20000 shots at
each time drawn from them. A fit that ends elsewhere, or counts whose fit lies beyond
three standard errors, would refute the claim. So would a second pair as near to quantum
mechanics: a map shows the largest total variation from quantum evolution over 200 times
from t = 0 to 10, at 1000 x 1000 pairs with q from 0.3 to 0.7 and r from -0.7 to -0.3.

Verdict: it holds. The fit to populations gives both exponents to 1e-7 or better, and
the fit to counts lies within three standard errors of them; these errors are within
20 % of the Cramér-Rao bound. Long data have false minima. The search reaches the true
one from at least 99 % of the initial guesses if it begins with a short window of time
and doubles it; fitting all times at once does worse. Each run checks that the lowest
point of the map is (1/2, -1/2) and that less than 2 % of its pairs stay within 0.01.

Source: Smolin (2012), sections 3, 3.1 and 3.1.1, eqs. (20), (26), (32), (33), (39),
(40). The sweep of the map is that of sweeps/copying_exponents.py.
"""

import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.colors import LogNorm
from matplotlib.patches import Ellipse
from sweeps import copying_exponents

import jqd
from jqd import problems
from jqd.figures.recovery import figure_fit
from jqd.figures.style import AMBER, BLUE, INK, PALE, VERMILLION, subplots
from jqd.inference import Search, recover
from jqd.records import Record

# --- Parameters -------------------------------------------------------------------

FREE = ("q", "r")
EXACT = np.array([0.5, -0.5])
START = {"q": 0.3, "r": -0.8}
LENGTH, ROWS = 10.0, 41  # of the data whose basins are counted
WINDOWS = {"windows that double": 5, "the whole record at once": 1}

# --- Problem and law --------------------------------------------------------------


def four_level_law():
    problem = problems.four_level()
    return problem, jqd.CopyDynamics.from_hamiltonian(problem.hamiltonian)


# --- Comparison -------------------------------------------------------------------


def basins(context, points):
    """Which initial guesses, a grid over [0, 1] x [-3/2, 1/2], reach the constants."""
    law, psi0 = problems.golden()
    ts = jnp.linspace(0, LENGTH, ROWS)
    quantum = jqd.Schrodinger(law.hamiltonian())
    data = Record(ts, jqd.evolve(quantum, psi0, ts, observe="density").values)
    q, r = np.meshgrid(np.linspace(0, 1, points), np.linspace(-1.5, 0.5, points))
    starts = np.stack([q.ravel(), r.ravel()], axis=1)
    found = {}
    for name in context.progress(list(WINDOWS), "basins"):
        fit = recover(
            law, data, psi0=psi0, free=FREE, starts=starts, held_out=0.0,
            search=Search(windows=WINDOWS[name]),
        )  # fmt: skip
        found[name] = np.max(np.abs(np.asarray(fit.ends) - EXACT), axis=1) < 1e-4
    return starts, found


def exponents_map(context):
    """Largest total variation at each pair, NaN where a run ended, and their share."""
    dataset = jqd.sweep(
        copying_exponents.point,
        copying_exponents.axes(context.quick),
        store=context.folder / "sweep.zarr",
        units=copying_exponents.units,
        constants=copying_exponents.constants,
    ).load()
    whole = dataset.status == jqd.Status.OK
    return dataset.worst.where(whole), float((~whole).mean())


def run(context):
    problem, law = four_level_law()
    options = {"psi0": problem.psi0, "free": FREE, "start": START}
    options["starts"] = 4 if context.quick else 32
    fits = {
        name: recover(law, getattr(problem, name), **options)
        for name in context.progress(["populations", "counts"], "fits")
    }
    # Σ_t N_t Σ_a (∂p_a/∂θ)(∂p_a/∂θ)ᵀ / p_a at the exact constants
    study = jqd.Study(law, problem.counts, psi0=problem.psi0, free=FREE)
    information = jqd.fisher(study, rtol=1e-8).matrix
    bound = np.sqrt(np.diag(np.linalg.inv(information)))
    starts, found = basins(context, 5 if context.quick else 11)
    worst, ended_early = exponents_map(context)
    least = worst.where(worst == worst.min(), drop=True)
    best, near = [float(least.q[0]), float(least.r[0])], float((worst < 0.01).mean())

    # --- Result -------------------------------------------------------------------
    table = [
        {
            "data": name,
            "constant": label,
            "exact": EXACT[i],
            "recovered": constant.value,
            "standard_error": constant.stderr,
            "step_bias": constant.step_bias,
            "cramer_rao": bound[i] if name == "counts" else None,
            "held_out": fit.held_out,
        }
        for name, fit in fits.items()
        for i, (label, constant) in enumerate(fit.constants.items())
    ]
    exact, noisy = fits["populations"], fits["counts"]
    value, error = (
        np.array([getattr(c, part) for c in noisy.constants.values()])
        for part in ("value", "stderr")
    )
    recovered = np.array([c.value for c in exact.constants.values()])
    off = np.abs(recovered - EXACT)
    sigmas = (value - EXACT) / error
    share = {name: float(np.mean(good)) for name, good in found.items()}
    context.save_table(table, "constants")
    names = [f"population of level {a}" for a in range(4)]
    shown = (noisy.ts, noisy.observed, noisy.prediction, noisy.start_prediction)
    split = float(noisy.ts[-noisy.held_out_rows])
    context.save_figure(figure_fit(*shown, names, split), "fit")
    context.save_figure(ellipse(value, noisy.covariance, information), "ellipse")
    context.save_figure(basin_figure(starts, found), "basins")
    context.save_figure(map_figure(worst), "exponents")
    data = {
        "counts_covariance": (("i", "j"), np.asarray(noisy.covariance)),
        "fisher_information": (("i", "j"), np.asarray(information)),
        "starts": (("start", "constant"), starts),
        "converged": (("search", "start"), np.stack(list(found.values()))),
    }
    at = {"constant": list(FREE), "search": list(WINDOWS)}
    context.save_dataset(xr.Dataset(data, at, {"units": "hbar = 1"}))
    curriculum, at_once = share.values()
    holds = (
        off.max() < 1e-7 and np.all(np.abs(sigmas) < 3) and curriculum >= 0.99
        and curriculum > at_once and np.all(np.abs(error / bound - 1) < 0.2)
    )  # fmt: skip
    refuted = []
    if not holds:
        refuted.append("The data do not give q = 1/2, r = -1/2.")
    if best != EXACT.tolist() or near >= 0.02:
        refuted.append("Other exponents come as near.")
    return {
        "status": " ".join(refuted) or "ok",
        "populations": dict(zip(FREE, recovered, strict=True)),
        "populations_error": off.max(),
        "populations_held_out": exact.held_out,
        "counts": dict(zip(FREE, value, strict=True)),
        "counts_standard_error": error,
        "counts_deviation_sigmas": sigmas,
        "counts_held_out": noisy.held_out,
        "standard_error_over_cramer_rao": error / bound,
        "converged_share": share,
        "map_points": worst.size,
        "map_least": float(worst.min()),
        "map_constants_at_the_least": dict(zip(FREE, best, strict=True)),
        "map_share_within_a_hundredth": near,
        "map_share_ended_early": ended_early,
    }


def ellipse(value, covariance, information):
    fig, ((axis,),) = subplots(size=(6.4, 4.6))
    for center, matrix, color, label in (
        (value, np.asarray(covariance), BLUE, "fit to the counts, 68 % and 95 %"),
        (EXACT, np.linalg.inv(information), AMBER, "Cramér-Rao bound, 68 % and 95 %"),
    ):
        size, axes_of = np.linalg.eigh(matrix)
        angle = np.degrees(np.arctan2(axes_of[1, 1], axes_of[0, 1]))
        for scale in (2.30, 5.99):  # chi-square of two degrees of freedom
            width, height = 2 * np.sqrt(scale * size[::-1])
            style = {"fill": color == BLUE, "alpha": 0.35 if color == BLUE else 1}
            patch = Ellipse(center, width, height, angle=angle, color=color, **style)
            axis.add_patch(patch)
        patch.set_label(label)
    axis.plot(*value, "o", color=BLUE, label="recovered")
    axis.plot(*EXACT, "*", color=INK, ms=13, ls="", label="quantum mechanics")
    axis.autoscale_view()
    axis.set_title("Both exponents from 20000 shots at each time")
    axis.set(xlabel="q, exponent of the copy rate")
    axis.set_ylabel("r, exponent of the phase rate")
    fig.legend(loc="outside lower center", ncols=2)
    return fig


def basin_figure(starts, found):
    fig, axes = subplots(1, 2, size=(8.6, 4.4), sharey=True)
    for axis, (name, good) in zip(axes[0], found.items(), strict=True):
        axis.set_facecolor(PALE)
        for mask, color, marker in ((good, BLUE, "o"), (~good, VERMILLION, "X")):
            label = "guess that converged" if marker == "o" else "guess that did not"
            axis.plot(*starts[mask].T, marker, color=color, ms=6, mew=0, label=label)
        axis.plot(*EXACT, "*", color="white", mec=INK, ms=15, ls="", label="exact")
        axis.set_title(f"{name}: {np.mean(good):.1%} of {good.size} guesses")
        axis.set_xlabel("q, exponent of the copy rate")
    axes[0, 0].set_ylabel("r, exponent of the phase rate")
    handles = axes[0, 1].get_legend_handles_labels()
    fig.legend(*handles, loc="outside lower center", ncols=3)
    return fig


def map_figure(worst):
    fig, ((axis,),) = subplots(size=(5.2, 4.2))
    picture = axis.pcolormesh(
        worst.q, worst.r, worst.T, norm=LogNorm(1e-3, 1), rasterized=True
    )
    fig.colorbar(picture, label="largest total variation from quantum evolution")
    axis.plot(*EXACT, "+", color="white", markersize=12)
    axis.set(xlabel="q, exponent of the copy rate", ylabel="r, exponent of the phase")
    return fig
