"""Claim: a solid's packet has Poincaré times of vibration, localization, classicality.

For one chain of N atoms, K = m = 1, bonds r²/2 + βr⁴/4, ħ = 1e-4, as functions of N:

    vibration      mean time between returns |<ψ(0)|ψ(t)>|² > 1/2, |α_k| = 1, harmonic
    localization   H = ħωn + ħχn(n-1):  |<a>| = |α| exp(-|α|²(1 - cos 2χt)), collapse
                   1/(2χ|α|), revival π/χ;  lowest mode: χ = 9βħω²/16(N + 1)
    classicality   free centre of mass, twice as wide at 2√3 Nmσ₀²/ħ
    Ehrenfest      ln(δ/σ₀)/λ, which is not among the three

Times that do not follow these formulas would refute the claim.

Verdict: all three can be computed, and a fourth beside them is the shortest. Counted
returns agree with the flux through a surface on the torus of phases to 5 %, except for
N = 5 (ω₅ = ω₁ + ω₃), and each further atom makes returns 5.9 times rarer. Collapse and
revival agree with sums over number states to 1e-8. A packet in a chaotic chain of 8 is
a tenth of the spacing wide after ln(δ/σ₀)/λ = 12 (followed: 13.8), which a larger mass
cannot lengthen, nor, except through a logarithm, a smaller ħ. One argon atom has
doubled its width of 0.1 Å after 2.18e-13 s, a body of 1e20 atoms after 2.18e7 s.

Source: Chafin (2019), introduction: "three kinds of Poincare-like time scales".
"""

import jax
import numpy as np
import xarray as xr
from _support.growth import growth_rate
from _support.potentials import hot_packet, wall_frequencies, walled_chain
from _support.returns import kerr_amplitude, observed_recurrence, torus_recurrence
from scipy.special import gammaln

from jqd.figures.style import AMBER, BLUE, GREEN, GREY, PURPLE, VERMILLION, subplots
from jqd.matter.packets import ThawedGaussian, thawed_run
from jqd.readings.time_scales import doubling_time, ehrenfest_time, localization_times

# --- Parameters (K = m = β = 1) ---------------------------------------------------

HBAR, BETA, SEED = 1e-4, 1.0, 1
RETURNS = {2: 3e4, 3: 1e5, 4: 3e5, 5: 3e5, 6: 3e6}  # N: how long it is followed
TORUS = (2, 3, 4, 5, 6, 7, 8)
ALPHA = 3.0
HEAT = 4.0  # energy of an atom of the chain that is chaotic
HOT_ATOMS, LONG = 8, np.linspace(0, 45, 451)
DELTA = 0.1  # of the spacing: forces change
NUMBERS = np.arange(2, 65)
ARGON, HBAR_SI = 6.6335e-26, 1.054571817e-34

# --- Problem ----------------------------------------------------------------------


def kerr_by_numbers(ts, chi, levels=80):
    """|<a>| of a coherent state, summed over number states."""
    n = np.arange(levels)
    weight = np.exp(n * np.log(ALPHA**2) - ALPHA**2 - gammaln(n + 1))
    turn = np.exp(-2j * chi * n[None, :] * ts[:, None])
    return ALPHA * np.abs(np.sum(weight[None, :] * turn, axis=1))


def quartic_shift(N):
    """χ of the lowest mode by levels of ωn + (β/4) Σ_b (c_b X)⁴, and by formula."""
    omega, levels = wall_frequencies(N)[0], 60
    bonds = np.cos(np.pi * (np.arange(N + 1) + 0.5) / (N + 1))
    bonds = bonds * omega / np.sqrt(np.sum(bonds**2))  # Σ c_b² = ω²
    root = np.sqrt(np.arange(1, levels))
    X = np.sqrt(HBAR / 2 / omega) * (np.diag(root, 1) + np.diag(root, -1))
    quartic = BETA / 4 * np.sum(bonds**4) * np.linalg.matrix_power(X, 4)
    E = np.linalg.eigvalsh(np.diag(HBAR * omega * (np.arange(levels) + 0.5)) + quartic)
    formula = 9 * BETA * HBAR * omega**2 / 16 / (N + 1)
    return (E[2] - 2 * E[1] + E[0]) / 2 / HBAR, formula


def thawed_chain():
    """Width over √ħ of a packet in a hot chain between walls, and its growth rate."""
    law = ThawedGaussian(walled_chain, np.ones(HOT_ATOMS))
    run = thawed_run(law, hot_packet(HOT_ATOMS, HEAT, SEED), LONG)
    width = np.asarray(run.widths).max(axis=1)
    return width, growth_rate(LONG, width, 10, 45)


# --- Comparison -------------------------------------------------------------------


def run(context):
    followed = dict(list(RETURNS.items())[: 2 if context.quick else None])
    torus = TORUS[:3] if context.quick else TORUS
    seen, flux = {}, {}
    for N in context.progress(followed, "returns"):
        seen[N] = observed_recurrence(wall_frequencies(N), np.ones(N), followed[N])
    for N in context.progress(torus, "torus"):
        key = jax.random.key(N)
        flux[N] = torus_recurrence(
            wall_frequencies(N), np.ones(N), key, samples=1 << 15
        )
    width, lyapunov = thawed_chain()
    sigma = np.sqrt(HBAR) * width

    # --- Result -------------------------------------------------------------------
    chi = 0.01
    ts = np.linspace(0, 1.1 * np.pi / chi, 400)
    kerr = np.asarray(kerr_amplitude(ts, ALPHA, chi))
    off_kerr = np.max(np.abs(kerr - kerr_by_numbers(ts, chi)))
    shifts = np.array([quartic_shift(N) for N in (2, 8, 32)])
    off_shift = np.max(np.abs(shifts[:, 0] / shifts[:, 1] - 1))
    chis = np.array([quartic_shift(N)[1] for N in NUMBERS])
    place = localization_times(1.0, chis)
    first, end = sigma[0], LONG[np.argmax(sigma > DELTA)]
    classical = np.asarray(doubling_time(first, NUMBERS.astype(float), HBAR))
    ehrenfest = float(ehrenfest_time(first, DELTA, lyapunov))
    data = xr.Dataset(
        {
            "seen": (("N", "value"), np.array([*seen.values()])),
            "flux": (("M", "value"), np.array([*flux.values()])),
            "collapse": ("n", np.asarray(place.collapse)),
            "revival": ("n", np.asarray(place.revival)),
            "classicality": ("n", classical),
            "width": ("T", sigma),
        },
        {
            "N": [*seen],
            "M": [*flux],
            "value": ["time", "error"],
            "n": NUMBERS,
            "T": LONG,
        },
        {"units": "K = m = 1", "hbar": HBAR, "ehrenfest": ehrenfest, "seed": SEED},
    )
    context.save_dataset(data)
    context.save_figure(figure(data, ts * chi / np.pi, kerr), "time_scales")
    # Counts err by less than 1/√(returns); N = 5 has ω₅ = ω₁ + ω₃.
    ratio = {N: float(seen[N].time / flux[N].time) for N in seen if N in flux}
    generic = [r for N, r in ratio.items() if N != 5]
    factor = np.exp(np.polyfit([*flux], np.log(data.flux[:, 0]), 1)[0])
    holds = np.max(np.abs(np.array(generic) - 1)) < 0.15 and factor > 3
    # levels to second order in ħ; the law of growth to the factor before e^(λt)
    holds = holds and off_kerr < 1e-8 and off_shift < 1e-2 and 0.5 < end / ehrenfest < 2
    return {
        "status": "ok" if holds else "Times are not as expected.",
        "returns_seen": {str(N): float(r.time) for N, r in seen.items()},
        "returns_on_the_torus": {str(N): float(r.time) for N, r in flux.items()},
        "growth_for_each_atom": factor,
        "kerr_off": off_kerr,
        "chi_off_its_levels": off_shift,
        "lyapunov_exponent": lyapunov,
        "ehrenfest_time": ehrenfest,
        "width_reaches_a_tenth_at": end,
        "classicality_over_N": classical[0] / NUMBERS[0],
        "argon_doubling_s": {
            f"{n:g}": float(doubling_time(1e-11, n * ARGON, HBAR_SI))
            for n in (1, 1e12, 1e20)
        },
    }


def figure(data, turns, kerr):
    fig, (axes,) = subplots(1, 3, size=(13.2, 4.3))
    axis, unit = axes[0], "  (√(m/K))"
    form = {"color": BLUE, "mfc": "white", "label": "flux on the torus"}
    axis.plot(data.M, data.flux[:, 0], "s-", **form)
    form = {"color": VERMILLION, "label": "returns counted", "ms": 5}
    axis.errorbar(data.N, data.seen[:, 0], data.seen[:, 1], fmt="o", **form)
    if 5 in data.N:
        at = (5, float(data.seen.sel(N=5)[0]))
        axis.annotate("ω₅ = ω₁ + ω₃", at, (6, -12), textcoords="offset points")
    axis.set(yscale="log", xlabel="atoms N", xticks=data.M)
    axis.set_ylabel("mean time between returns" + unit)
    axis.set_title("Vibration: time between returns over atoms")
    axis.legend(loc="upper left", fontsize=9)
    axis = axes[1]
    axis.plot(turns, kerr / ALPHA, color=GREEN)
    collapse = 1 / (2 * ALPHA * np.pi)
    axis.axvline(collapse, color=GREY, lw=0.8, ls=":")
    axis.text(collapse + 0.02, 0.62, "collapse 1/(2χ|α|)", color=GREY)
    axis.text(0.99, 1.03, "revival π/χ", color=GREY, ha="center")
    axis.set(xlabel="χt / π", ylabel="|<a>| / |α|", ylim=(0, 1.12))
    axis.set_title("Localization: position of an anharmonic mode\n(|α| = 3)")
    axis = axes[2]
    axis.plot(data.M, data.flux[:, 0], color=BLUE)
    axis.plot(data.n, data.revival, color=GREEN)
    axis.plot(data.n, data.collapse, "--", color=GREEN)
    axis.plot(data.n, data.classicality, color=AMBER)
    axis.axhline(data.attrs["ehrenfest"], color=PURPLE)
    for x, y, color, name in (
        (6.2, 2e3, BLUE, "vibration"),
        (2.6, 2e7, GREEN, "localization: revival"),
        (17, 1e6, GREEN, "and collapse"),
        (22, 150, AMBER, "classicality"),
        (9, 3, PURPLE, "Ehrenfest, chaotic chain"),
    ):
        axis.text(x, y, name, color=color)
    axis.set(xscale="log", yscale="log", ylim=(1, 1e11), xlim=(2, 64))
    axis.minorticks_off()
    axis.set_xticks([2, 4, 8, 16, 32, 64], [2, 4, 8, 16, 32, 64])
    axis.set(xlabel="atoms N", ylabel="time" + unit)
    axis.set_title(
        f"One chain, ħ = {data.attrs['hbar']:g}:\ntimes over its number of atoms"
    )
    return fig
