"""Claim: data from one end fix no spring before sound has been there and back.

A chain of unlike springs, m = 1 and K_n in (0.8, 1.2), is kicked at one end, the only
place where it is measured. The least error of an unbiased fit is the Cramér-Rao bound,
and sound is back from spring n at t_n:

    error of K_n from the data up to t  =  √[(Σ_{t_i <= t} J_i^T J_i)^-1]_nn,
    J_i = ∂x_0(t_i)/∂K / σ,    t_n = Σ_{k <= n} 2/√K_k, about 2n/c

A spring known long before t_n would refute the claim.

Verdict: it holds, except for a forerunner. With all others known, spring n is known to
10 % somewhat before t_n: by a lead that grows with n and ln 1/σ, up to 2.7, 4.9 and 8.4
(of 40) at σ = 1e-2, 1e-3 and 1e-5; the front moves by 0.935 ± 0.003 of t_n (at 1e-3, in
chains of length 20). With no other spring known this happens no sooner, and in the
middle of the chain later, at up to 1.42 t_n. All 20 springs are known 2.1 ± 0.8 after
the echo of the far end. At three quarters of that time no unbiased fit can determine
the last 9.

Source: H. Cramér (1946), ch. 32. Chafin (2019), sec. 1: sound carries the impact
through a solid; here it carries the information about the springs.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.growth import first_passage
from matplotlib.colors import LogNorm

import jqd
from jqd import problems
from jqd.figures.style import BLUE, CYCLE, GREY, INK, VERMILLION, subplots
from jqd.inference import Study, horizon
from jqd.inference.slopes import jacobian

# --- Parameters -------------------------------------------------------------------

SIGMAS = (1e-2, 1e-3, 1e-5)
MIDDLE = 1  # of these: 1e-3
KNOWN = 0.1  # of a spring of 1
UNKNOWN = 1e6
PRIOR = 0.4  # the interval that springs are drawn from
LEAD = 9.0  # more than any forerunner's at these σ and lengths

# --- Problem and law --------------------------------------------------------------


def problem_of(springs, time, seed):
    """The fit of the springs, at the true ones; no fit is run."""
    sigma = SIGMAS[MIDDLE]
    record = problems.spring_chain(time, springs=springs, sigma=sigma, seed=seed)
    data, observe = record.data()
    law = record.law(**record.truth)
    method = jqd.Fixed(jqd.steppers.srkn11, estimate_error=False)
    fit = Study(
        law, data, psi0=record.state(), free=("K",), instrument=observe, method=method
    )
    return fit.with_substeps(4)  # of order 6: to 1e-9


@jax.jit
def bounds(fit):
    """Errors with no other spring known, and with all others known: (T, p) each."""
    rows = jnp.ones_like(fit.data.ts)
    _, slope = jacobian(fit, fit.theta(), fit.first_weights(), rows)
    alone = 1 / jnp.sqrt(1 / UNKNOWN**2 + jnp.cumsum(slope**2, axis=0))
    return jnp.minimum(horizon(fit, fit.theta()).stderr, UNKNOWN), alone


# --- Comparison -------------------------------------------------------------------


def first_times(ts, errors):
    """When each error falls below `KNOWN`, interpolated by its logarithm: (p,)."""
    time = first_passage(ts, 1 / errors, 1 / KNOWN)
    return np.where(np.isfinite(time), time, np.nan)


def run(context):
    springs, time, seeds = (10, 40.0, 3) if context.quick else (20, 80.0, 12)
    none_known, others_known, sound = [], [], []
    for seed in context.progress(seeds, "chains"):
        fit = problem_of(springs, time, seed)
        none, others = map(np.asarray, bounds(fit))
        none_known.append(none)
        others_known.append(others)
        K = np.asarray(fit.law.body.potential.K)
        sound.append(2 * np.cumsum(1 / np.sqrt(K)))
    ts, sound = np.asarray(fit.data.ts), np.array(sound)
    # Every bound is proportional to σ. (none or others known, σ, chain, spring)
    readings, scales = (none_known, others_known), np.array(SIGMAS) / SIGMAS[MIDDLE]
    times = [[[first_times(ts, s * e) for e in r] for s in scales] for r in readings]
    times = np.array(times)

    # --- Result -------------------------------------------------------------------
    data = xr.Dataset(
        {
            "error": (("t", "spring"), none_known[0]),
            "known": (("reading", "sigma", "chain", "spring"), times),
            "sound": (("chain", "spring"), sound),
        },
        {"t": ts, "reading": ["none known", "others known"], "sigma": list(SIGMAS)},
        {"units": "K = m = 1", "known": KNOWN},
    )
    context.save_dataset(data)
    context.save_figure(figure(data), "light_cone")
    plain, front = times[:, MIDDLE]
    lead = (sound[None] - times[1]).max(axis=(1, 2))
    pace = [np.polyfit(s, t, 1)[0] for s, t in zip(sound, front, strict=True)]
    late = plain.max(axis=1) - sound[:, -1]
    row = np.searchsorted(ts, 0.75 * sound[:, -1])
    dark = [np.sum(e[i] > PRIOR) for e, i in zip(none_known, row, strict=True)]
    # The front goes with sound; of a short chain, n^(1/3) of forerunner is 10 %.
    holds = np.all(plain >= front - 1e-9) and abs(np.mean(pace) - 1) < 0.15
    # none of the last quarter, except for one in the forerunner
    holds = holds and lead.max() < LEAD and min(dark) >= springs // 4 - 1
    return {
        "status": "ok" if holds else "Springs are known from outside the light cone.",
        "springs": springs,
        "chains": seeds,
        "pace_of_the_front": np.mean(pace),
        "its_scatter": np.std(pace, ddof=1),
        "largest_lead": {f"{s:g}": lead[k] for k, s in enumerate(SIGMAS)},
        "all_known_after_the_last_echo": late.mean(),
        "its_scatter_over_chains": late.std(ddof=1),
        "latest_over_sound": np.max(plain / sound),
        "untold_at_three_quarters": np.mean(dark),
    }


def figure(data):
    fig, (axes,) = subplots(1, 3, size=(13.2, 4.3))
    springs, clock = np.arange(data.sizes["spring"]) + 1, "length of the data t"
    sound, times = data.sound.values, data.known.values
    axis, end, unit = axes[0], data.t.values[-1], "  (√(m/K))"
    shown = np.where(data.error < 1e3, data.error, np.nan)
    scale = LogNorm(1e-4, 1e2)
    mesh = axis.pcolormesh(springs, data.t, shown, cmap="cividis_r", norm=scale)
    axis.set_facecolor("#D0D0D0")
    fig.colorbar(mesh, ax=axis, pad=0.02, label="least error of Kₙ  (K = 1)")
    axis.plot(springs, sound[0], color=VERMILLION, lw=2)
    at = springs[-1] // 2
    axis.text(1.04 * at, 1.6 * at, "sound is back", color=VERMILLION, va="top")
    axis.text(springs[-1], 0.02 * end, "nothing known", ha="right")
    axis.set(xlabel="spring n", ylabel=clock + unit, xticks=springs[4::5])
    axis.set_title("One chain, no spring known, σ = 1e-3:\nerror over time")
    axis = axes[1]
    for color, n in zip(CYCLE, springs[-1] * np.arange(1, 5) // 4, strict=False):
        axis.plot(data.t, data.error[:, n - 1], color=color, label=f"n = {n}")
        axis.axvline(sound[0, n - 1], color=color, lw=1, ls=":")
    axis.axhline(PRIOR, color=GREY, lw=0.8)
    axis.text(end, 1.2 * PRIOR, "drawn from (0.8, 1.2)", color=GREY, ha="right")
    axis.set(yscale="log", ylim=(1e-4, 1e3), xlim=(0, end), xlabel=clock + unit)
    axis.set(ylabel="least error of Kₙ")
    axis.set_title("Error of single springs\n(dotted: sound is back)")
    axis.legend(loc="upper right")
    axis, base = axes[2], np.median(sound, axis=0)
    for reading, k, color, form in (
        (1, 0, GREY, "-"),
        (1, 1, BLUE, "-"),
        (1, 2, INK, "-"),
        (0, 1, VERMILLION, "--"),
    ):
        shift = times[reading, k] - sound
        band = shift.min(axis=0), shift.max(axis=0)
        axis.fill_between(base, *band, color=color, alpha=0.2, lw=0)
        name = f"{data.reading.values[reading]}, σ = {SIGMAS[k]:g}"
        axis.plot(base, np.median(shift, axis=0), form, color=color, label=name)
    axis.axhline(0, color=GREY, lw=0.8)
    low, high = axis.get_ylim()
    axis.set(ylim=(low, high + 0.5 * (high - low)), xlabel="return of sound tₙ" + unit)
    axis.set(ylabel="known to 10 %, later than tₙ by" + unit)
    axis.set_title(
        "Springs known to 10 %: time minus that of\nsound, by σ and known neighbours"
    )
    axis.legend(loc="upper left", fontsize=8)
    return fig
