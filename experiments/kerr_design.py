"""Claim: calibration limits how well a Kerr oscillator gives C, at any number of shots.

A mode with n0 thermal quanta about the amplitude α₀ is displaced by λβ and tested for
the vacuum. With an offset ε and a visibility V, the probability of the vacuum,

    p = ε + V π Q(λβ)

is the same for any c if C, U, α₀, 1 + n0, λ and V become cC, U/c, √c α₀, c(1 + n0),
√c λ and cV. So priors of widths s on n0, ln λ and V leave, with any number of shots,

    sd(C) = [((1 + n0)/s_n0)² + (1/(2 s_lnλ))² + (V/s_V)²]^(-1/2)

An error below this limit would refute the claim.

Verdict: it holds, with errors by linear propagation. With α₀ = 1.2 and 1e6 measurements
shared evenly up to Ut = π, sd(C) is 0.0041, 0.0071 and 0.0135 for priors of 0.005, 0.01
and 0.02; the limits are 0.0033, 0.0067 and 0.0133. Without priors a design for C is
refused: only n0 >= 0 and ε + V <= 1 bound C, here between 0.980 and 1.010. The best
shares come within √2 of the limit with a thirteenth of the measurements, half of them
at t = 0 (also far from the state, where p = ε) and half near Ut = 2.4; they do not go
beyond it. One good calibration is enough: where V is known to 0.005 and the others to
0.05, the limit is 0.0051. n0 does as well, λ half as well.

Source: the Husimi law of H = (U/2) a²a†² + δ a†a, exact in C; displaced vacuum
measurements as in Kirchmair et al., Nature 495, 205 (2013); optimal shares as in Kiefer
and Wolfowitz (1960).
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.designs import errors_by_shots
from _support.figures import draw_lines
from _support.problems import displacements

import jqd
from jqd.figures.style import CYCLE, GREY, INK, PALE, VERMILLION, subplots
from jqd.instruments import Binomial, Displaced
from jqd.laws.husimi import DisplacedThermal, Exact

# --- Parameters (ħ = U = 1) -------------------------------------------------------

ALPHA, N0, V, EPS = 1.2, 0.02, 0.98, 0.01
FREE = ("C", "U", "delta", "alpha", "eps")
UNKNOWN = {"n0": N0, "scale": 1.0, "V": V}  # where nothing calibrates, free as well
WIDTHS = {"0.005": 0.005, "0.01": 0.01, "0.02": 0.02}
EVEN = (0.0, 0.2, 0.5, 1.0, 2.1, np.pi)
SHOTS = 1e6
CHANGE = 0.99  # of C, along the null direction

# --- Problem ----------------------------------------------------------------------


def kerr(ts, points, free=FREE, nuisances=None):
    """A study of vacuum measurements at these times and displacements."""
    law = jqd.HusimiFokkerPlanck(
        "0.5*U*a^2*ad^2 + delta*ad*a", U=1.0, delta=0.0, form=Exact(26)
    )
    start = DisplacedThermal(ALPHA, N0, levels=20, orders=6)
    instrument = Displaced(points, V=V, eps=EPS)
    # a design needs no counts, only how they scatter
    data = jqd.Record(ts, np.ones((len(ts), points.size)), Binomial(10.0), t0=0.0)
    return jqd.Study(
        law, data, psi0=start, free=free, instrument=instrument, nuisances=nuisances
    )


def priors(s_n0, s_scale, s_V):
    """Normal priors of these widths; λ is 1, so that its width is that of ln λ."""
    return {"n0": (N0, s_n0), "scale": (1.0, s_scale), "V": (V, s_V)}


def limit(s_n0, s_scale, s_V):
    """sd(C) with any number of shots."""
    known = ((1 + N0) / s_n0) ** 2 + (0.5 / s_scale) ** 2 + (V / s_V) ** 2
    return known**-0.5


def along_null(study, c):
    """Constants that cannot be distinguished from those of the study."""
    values = dict(zip(study.labels(), np.asarray(study.theta()), strict=True))
    values |= {"C": c, "U": 1 / c, "V": c * V, "n0": c * (1 + N0) - 1}
    values |= {"alpha.re": np.sqrt(c) * ALPHA, "scale": np.sqrt(c)}
    return jnp.asarray([values[label] for label in study.labels()])


# --- Comparison -------------------------------------------------------------------


def degeneracy(points, ts):
    """The null direction without calibration, and counts of two C along it."""
    free = (*FREE, *UNKNOWN)
    study = kerr(EVEN, points, free)
    found = jqd.fisher(study)
    (null,) = np.asarray(found.null_vectors)
    null = dict(zip(found.labels, null / null[found.labels.index("C")], strict=True))
    try:
        jqd.design(study, shots=SHOTS, wanted="C")
        said = ""
    except jqd.inference.Unidentifiable as error:
        said = str(error)
    study = kerr(ts, points, free)
    theta = study.theta()
    other = jnp.stack([theta, theta.at[0].set(CHANGE), along_null(study, CHANGE)])
    p, alone, together = np.asarray(jax.jit(jax.vmap(study.predict))(other))
    return null, alone - p, together - p, said


def errors(context, points, shots, ts):
    """sd(C) of even and of best shares, by calibration and number of measurements."""
    found = np.zeros((2, len(WIDTHS), shots.size))
    limits, ended = [], []
    best = None
    for i, (name, width) in enumerate(WIDTHS.items()):
        each = priors(width, width, width)
        six, fine = (kerr(looks, points, nuisances=each) for looks in (EVEN, ts))
        even = jqd.design(six, shots=SHOTS, wanted="C", shares="even")
        found[0, i] = errors_by_shots(even, shots, "C")
        for k, number in enumerate(context.progress(shots, f"priors of {name}")):
            chosen = jqd.design(fine, shots=number, wanted="C", tolerance=1e-4)
            found[1, i, k] = chosen.stderr("C")
            ended.append(chosen.status)
            if name == "0.01" and np.isclose(number, SHOTS):
                best = chosen
        limits.append(even.shots_for(1, limit(width, width, width) / 2, of="C").limit)
    known = even.standard_errors.known[0] * np.sqrt(SHOTS / shots)
    sound = all(status is jqd.Status.OK for status in ended)
    return found, np.array(limits), np.asarray(known), best, sound


def single_limits(points):
    """The limit where one calibration is to .005 and the others are to .05."""
    rows = []
    for name in UNKNOWN:
        widths = [0.005 if other == name else 0.05 for other in UNKNOWN]
        study = kerr(EVEN, points, nuisances=priors(*widths))
        even = jqd.design(study, shots=SHOTS, wanted="C", shares="even")
        left = even.shots_for(1, limit(*widths) / 2, of="C").limit
        rows.append({"known to 0.005": name, "limit": left, "formula": limit(*widths)})
    return rows


def shots_for(error, shots, curve):
    """Number of measurements at which a falling curve passes this error."""
    return np.exp(np.interp(-np.log(error), -np.log(curve), np.log(shots)))


def run(context):
    points = displacements(15 if context.quick else 21)
    ts = np.array(EVEN) if context.quick else np.linspace(0, np.pi, 25)
    fine = np.linspace(0, np.pi, 25 if context.quick else 97)
    shots = np.geomspace(1e3, 1e8, 6 if context.quick else 11)
    null, alone, together, said = degeneracy(points, fine)
    found, limits, known, best, sound = errors(context, points, shots, ts)
    singles = single_limits(points)

    # --- Result -------------------------------------------------------------------
    formula = np.array([limit(w, w, w) for w in WIDTHS.values()])
    # where half of the variance comes from the data
    near = np.sqrt(2) * formula
    saved = [
        shots_for(error, shots, even) / shots_for(error, shots, own)
        for error, even, own in zip(near, *found, strict=True)
    ]
    walls = [1 / (1 + N0), (1 - EPS) / V]
    context.save_figure(figure_shots(shots, found, formula, known), "shots")
    context.save_figure(figure_looks(best, points, ts), "looks")
    context.save_figure(figure_degenerate(fine, points, alone, together), "degenerate")
    context.save_table(singles, "one_calibration")
    data = {
        "error": (("shares", "calibration", "shots"), found),
        "limit": ("calibration", formula),
        "known": ("shots", known),
        "share": (("time", "point"), best.weights.reshape(len(ts), -1)),
    }
    axes = {"shares": ["even", "best"], "calibration": list(WIDTHS), "shots": shots}
    axes |= {"time": ts, "re": ("point", points.real), "im": ("point", points.imag)}
    context.save_dataset(xr.Dataset(data, axes, {"units": "hbar = U = 1"}))
    at = np.argmin(np.abs(np.log(shots / SHOTS)))
    moved = {"U": -1.0, "alpha.re": ALPHA / 2, "n0": 1 + N0, "scale": 0.5, "V": V}
    off = max(abs(null[name] - value) for name, value in moved.items())

    holds = (
        np.max(np.abs(together)) < 1e-9 and off < 1e-4 and said
        and sound
        and np.allclose(limits, formula, rtol=1e-3)
        and np.all(found[1] <= found[0] * (1 + 1e-9))
        and np.all(found > formula[None, :, None])
    )  # fmt: skip
    return {
        "status": "ok" if holds else "Calibration does not limit the error of C.",
        "refused": said,
        "null_direction": null,
        "largest_change_along_null": np.max(np.abs(together)),
        "largest_change_of_C_alone": np.max(np.abs(alone)),
        "walls_of_C": walls,
        "even_at_1e6": dict(zip(WIDTHS, found[0, :, at], strict=True)),
        "best_at_1e6": dict(zip(WIDTHS, found[1, :, at], strict=True)),
        "limit": dict(zip(WIDTHS, limits, strict=True)),
        "limit_formula": dict(zip(WIDTHS, formula, strict=True)),
        "looks_saved": dict(zip(WIDTHS, saved, strict=True)),
        "share_by_time": by_time(best, ts),
        "one_calibration": {row["known to 0.005"]: row["limit"] for row in singles},
    }


def by_time(design, ts):
    """Share of the measurements at each time that has some."""
    shares = np.asarray(design.weights).reshape(len(ts), -1).sum(axis=1)
    return {f"{t:.3f}": w for t, w in zip(ts, shares, strict=True) if w > 1e-3}


def figure_shots(shots, found, formula, known):
    fig, ((axis,),) = subplots(size=(7.2, 4.8))
    for i, (name, color) in enumerate(zip(WIDTHS, CYCLE, strict=False)):
        axis.plot(shots, found[0, i], "--", color=color, lw=1.1)
        axis.plot(shots, found[1, i], color=color, lw=2.0)
        axis.axhline(formula[i], color=color, lw=0.8, ls=":")
        axis.annotate(
            f"n0, ln λ, V ± {name}", (shots[-1], formula[i] * 1.06), color=color,
            ha="right", va="bottom",
        )  # fmt: skip
    axis.plot(shots, known, color=GREY, lw=1.0, ls="--")
    at = 1.1e6, 1.1 * known[0] * (shots[0] / 1.1e6) ** 0.5
    axis.annotate("all three known", at, color=GREY)
    for form, width, name in (("--", 1.1, "even shares"), ("-", 2.0, "best shares")):
        axis.plot([], [], form, color=INK, lw=width, label=name)
    axis.plot([], [], ":", color=INK, lw=0.8, label="limit for any number")
    axis.set(xscale="log", yscale="log", xlabel="number of measurements")
    axis.set(ylabel="standard error of C", ylim=(8e-4, 0.3), xlim=(shots[0], shots[-1]))
    axis.set_title("Error of C over measurements, by calibration")
    axis.legend(loc="upper right", fontsize=9)
    return fig


def figure_looks(best, points, ts):
    shares = np.asarray(best.weights).reshape(len(ts), -1)
    used = np.sort(np.argsort(-shares.sum(axis=1))[:4])
    fine = np.linspace(-2.4, 2.4, 81)
    plane = (fine[None, :] + 1j * fine[:, None]).ravel()
    rows = np.unique(np.concatenate([[0], used]))
    study = kerr(ts[rows], plane)
    maps = np.asarray(study.predict(study.theta())).reshape(-1, fine.size, fine.size)
    fig, axes = subplots(
        1, used.size, size=(2.7 * used.size + 0.6, 3.5), sharex=True, sharey=True
    )
    for axis, k in zip(axes[0], used, strict=True):
        seen = maps[list(rows).index(k)]
        image = axis.pcolormesh(fine, fine, seen, cmap="Greys", vmin=0, vmax=1)
        own = shares[k] > 1e-3
        axis.scatter(
            points[own].real, points[own].imag, 900 * shares[k][own],
            facecolors=VERMILLION, edgecolors="white", linewidths=0.6, alpha=0.85,
        )  # fmt: skip
        axis.set(aspect="equal", xlabel="Re β")
        axis.set_title(f"Ut = {ts[k]:.2f}: share {shares[k].sum():.0%}")
    axes[0, 0].set_ylabel("Im β")
    fig.colorbar(image, ax=list(axes[0]), pad=0.01, label="probability of the vacuum")
    fig.suptitle("Best displacements (area of a dot: share of the measurements)")
    return fig


def figure_degenerate(ts, points, alone, together):
    shown = np.argsort(-np.abs(alone).max(axis=0))[:40:10]
    fig, axes = subplots(1, 2, size=(8.8, 3.8), sharey=True)
    titles = ("all else the same", "U, α₀, n0, λ, V moved along")
    for axis, change, title in zip(axes[0], (alone, together), titles, strict=True):
        axis.axhline(0, color=PALE, lw=4, zorder=0)
        curves = {
            f"β = {points[k].real:+.2f} {points[k].imag:+.2f}i": 1e3 * change[:, k]
            for k in shown
        }
        first = axis is axes[0, 0]
        draw_lines(
            axis, ts, curves, legend="upper left" if first else None, xlabel="Ut",
            title=f"C = {CHANGE:g}, {title}", xlim=(0, np.pi),
        )  # fmt: skip
    axes[0, 0].set_ylabel("change of p from C = 1  (10⁻³)")
    fig.suptitle("Change of counts from C = 1, without calibration")
    return fig
