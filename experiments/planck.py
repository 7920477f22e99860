"""Claim: matter brings photons to Planck's law, with T⁻¹ = ∂ ln g/∂E of the matter.

    H = H_M + Σ ω_m a_m†a_m + λ X Σ (a_m + a_m†),   <n_m> -> 1/(exp(ω_m/T) - 1)
    of finite energy E₀:  P(n_1, ..., n_m) ∝ g(E₀ - Σ ω_m n_m)

Schrödinger's equation alone drives four modes from one level of the matter without
photons. The matter is a random matrix with g(E) ∝ exp(E), so that T = 1 is expected. T
is the temperature at which the law, cut off at E₀, has the energy of the light. It
exceeds 1 at order λ², since quanta are counted in modes without their coupling, and is
extrapolated to λ -> 0. A limit other than 1 would refute the claim. Two couplings fix a
line and cannot show that T is linear in λ²; its error is that of the seeds alone.

Control: a harmonic ladder in resonance with one mode, which must not reach the law. T
of the second half of the late times must be that of the first.

Verdict: it holds for chaotic matter. With 500 levels and 5 seeds, T = 1.040(11) at
λ = 0.07 and 1.097(8) at 0.1, above 1 beyond chance; linear in λ², the limit is
0.985(25), 1 within its error. The distance of P from the prediction is 0.069(5) at
λ = 0.07; with the ladder it is 0.50, averaged over all times.

Context: the source calls its tower "the first dynamical derivation of the Planck
distribution from material motions" (C. Chafin, Thermalization in Quantum Systems: An
Emergent Approach, 2019, abstract). That chaotic matter brings whatever is coupled to it
to the temperature of its density of states was shown by J. M. Deutsch, Phys. Rev. A 43,
2046 (1991), and M. Srednicki, Phys. Rev. E 50, 888 (1994); a review is L. D'Alessio et
al., Adv. Phys. 65, 239 (2016).

Source: Chafin (2019), sec. 3.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.statistics import mean_error
from _support.tower import light_temperature, light_up_to, total_variation, weights_at

import jqd
from jqd.figures.style import AMBER, BLUE, GREY, INK, VERMILLION, subplots
from jqd.matter import tower
from jqd.report.tables import plus_minus
from jqd.steppers.chebyshev import chebyshev_terms

# --- Parameters (ħ = k_B = 1, β = 1) ----------------------------------------------

OMEGA = np.array([0.8, 1.1, 1.55, 2.15])
BANDWIDTH = 3.0  # of f(E_i - E_j), beyond the highest ω
# Γ is .06 and .11: nothing real reaches levels half a unit above E₀.
MARGIN = 0.5
INTERVALS = 20  # of time, of them the last 12 for averages
STUDENT = {3: 4.30, 5: 2.78}  # 95 % of means of so many seeds
GRID = np.geomspace(0.3, 4, 2000)  # of temperatures

# --- Law --------------------------------------------------------------------------


def make(matter, strength, energy):
    """All configurations up to E₀, and those that one more quantum reaches."""
    kept = tower.photon_configurations(OMEGA, energy + OMEGA[-1])
    # The norm at the cut-off is off the energy shell: virtual photons, O(λ²).
    return tower.Tower(matter, OMEGA, strength, kept, edge_tolerance=0.1)


@eqx.filter_jit
def late(law, psi, ts, terms):
    """Norm of each configuration, means over two halves of late times, (2, P); drift
    and status."""
    method = jqd.Propagator(terms=terms)
    run = jqd.evolve(law, psi, ts, method=method, observe=weights_at)
    mean = jnp.mean(run.values[INTERVALS - 11 :].reshape(2, 6, -1), axis=1)
    return mean, run.diagnostics["norm_drift"], run.status


def climb(seed, levels, strength, energy):
    """A chaotic tower from one level of the matter, for 9 relaxation times."""
    density = tower.ExponentialDensity(1.0, energy + MARGIN)
    shape = tower.GaussianShape(BANDWIDTH)
    matter = tower.random_matter(jax.random.key(seed), levels, density, shape)
    law = make(matter, strength, energy)
    # the slowest mode: emission less absorption, 4πλ² f(ω)² sinh(ω/2)
    rate = 4 * np.pi * (strength * np.exp(-((OMEGA / BANDWIDTH) ** 2))) ** 2
    dt = 9 / INTERVALS / np.min(rate * np.sinh(OMEGA / 2))
    ts = dt * jnp.arange(INTERVALS + 1)
    half = energy + 2.0  # of the width of the spectrum, and some for the coupling
    terms = chebyshev_terms(half * dt, np.finfo(float).eps)
    return law, late(law, tower.level_state(law, energy), ts, terms)


@eqx.filter_jit
def forever(law, psi):
    return jnp.sum(tower.eigenbasis(law).time_average(psi), axis=0)


# --- Comparison -------------------------------------------------------------------


def run(context):
    levels, energy, seeds = (120, 3.3, 3) if context.quick else (500, 5.5, 5)
    strengths = np.array([0.1, 0.14] if context.quick else [0.07, 0.1])
    weights, drift, status = np.empty((2, seeds), object), 0.0, 0
    law = None
    for seed in context.progress(range(seeds), "towers"):
        for k, strength in enumerate(strengths):
            law, (found, norm, ended) = climb(seed, levels, strength, energy)
            weights[k, seed] = np.asarray(found)
            drift, status = max(drift, float(norm)), max(status, int(ended))
    halves = np.array(weights.tolist())  # (strength, seed, half, configuration)
    weights = halves.mean(axis=2)
    photons = np.asarray(law.photon_energies)
    warmth = partial(light_temperature, energy=energy, photons=photons, Ts=GRID)

    # Integrable matter: the ladder exchanges quanta with the second mode.
    steps = round(energy / OMEGA[1]) + 2
    ladder = make(tower.harmonic_ladder(steps, OMEGA[1]), strengths[0], energy)
    control = np.asarray(forever(ladder, tower.level_state(ladder, energy)))

    # --- Result -------------------------------------------------------------------
    at = {"strength": strengths, "seed": range(seeds), "mode": OMEGA}
    target = light_up_to(energy, photons, 1.0)
    data = xr.Dataset(
        {
            "weights": (("strength", "seed", "configuration"), weights),
            "control": ("configuration", control),
            "photons": ("configuration", photons),
            "target": ("configuration", target),
            "numbers": (("configuration", "mode"), law.configurations.numbers),
            "T": (("strength", "seed"), warmth(weights)),
        },
        at,
        {"units": "hbar = k_B = 1, 1/beta = 1", "levels": levels, "energy": energy},
    )
    slope, limit = np.polyfit(strengths**2, data["T"].data, 1)  # of each seed
    T, error = mean_error(limit)
    context.save_dataset(data)
    context.save_figure(figure(data, limit, slope), "planck")
    distance = np.asarray(total_variation(weights, target[None, None, :]))
    far = float(total_variation(control, target))
    # 95 % of such means; the control: ten standard errors and twice as far.
    apart, scatter = mean_error(distance[0])
    thermal = abs(T - 1) < STUDENT[seeds] * error and status == jqd.Status.OK
    never = far > 2 * apart and far > apart + 10 * scatter
    first, second = np.moveaxis(warmth(halves[0]), -1, 0)
    change, its_error = mean_error(second - first)
    # exp(-4) of the slowest mode is left at the first of these times
    stays = abs(change) < 0.02 + STUDENT[seeds] * its_error
    found = {
        "T": T,
        "T_error": error,
        "T_away_in_errors": (T - 1) / error,
        "T_change_between_halves": change,
        "T_change_error": its_error,
        "total_variation": apart,
        "total_variation_error": scatter,
        "total_variation_of_mean": float(
            total_variation(weights[0].mean(axis=0), target)
        ),
        "total_variation_control": far,
        "norm_drift": drift,
    }
    verdict = (
        f"In the limit of weak coupling T = {plus_minus(T, error)}, from {seeds} seeds "
        f"and a line through two couplings. The distance from the law is "
        f"{plus_minus(apart, float(scatter))}, with the harmonic ladder {far:.2f}."
    )
    for k, strength in enumerate(strengths):
        T, error = mean_error(data["T"].data[k])
        found |= {f"T_at_{strength:g}": T, f"T_at_{strength:g}_error": error}
    holds = thermal and never and stays
    return {"status": "ok" if holds else "T is not 1.", "verdict": verdict, **found}


def figure(data, limit, slope):
    fig, ((left, middle, right),) = subplots(1, 3, size=(12.8, 4.5))
    weights, n = data.weights.data[0], data.numbers.data
    omega = np.linspace(0.6, 2.5, 100)
    left.plot(omega, 1 / np.expm1(omega), color=INK, label="Bose and Einstein, T = 1")
    label = "the same, up to $E_0$"
    left.plot(data.mode, data.target.data @ n, "_", color=INK, ms=16, label=label)
    value, error = mean_error(weights @ n)
    label = f"chaotic matter, {len(weights)} seeds (bar: standard error)"
    left.errorbar(data.mode, value, error, fmt="o", color=BLUE, label=label)
    form = {"color": VERMILLION, "ms": 7, "label": "harmonic ladder"}
    left.plot(data.mode, data.control.data @ n, "X", **form)
    left.set(yscale="log", xlabel="frequency ω / T", ylabel="mean photon number <n>")
    left.set_title("Four modes from the vacuum, beside\nPlanck's law")
    form = {"ms": 4, "alpha": 0.75}
    middle.plot(data.photons, data.control.data, "X", color=VERMILLION, **form)
    middle.plot(data.photons, weights.mean(axis=0), "o", color=BLUE, **form)
    on = np.sort(data.photons.data[data.target.data > 0])
    scale = data.target.data[0]
    label = "exp(-E/T), T = 1"
    middle.plot(on, scale * np.exp(-on), "--", color=INK, lw=1.4, label=label)
    middle.axvline(data.energy, color=GREY, lw=0.8, ls=":")
    middle.annotate("$E_0$ ", (data.energy, 0.4), color=GREY, ha="right")
    middle.set(yscale="log", ylim=(2e-5, 0.7), xlabel="energy of the photons / T")
    middle.set_ylabel("probability of a configuration")
    middle.set_title("Every configuration by its energy")
    squares = data.strength.data**2
    line = np.array([0, 1.1 * squares[-1]])
    right.axhline(1, color=GREY, lw=1, ls="--")
    right.annotate("T of the density of states", (line[1], 1), color=GREY, ha="right",
                   va="bottom", fontsize=9)  # fmt: skip
    right.plot(squares, data["T"].data, ".", color=BLUE, alpha=0.35)
    right.errorbar(squares, *mean_error(data["T"].data.T), fmt="o", color=BLUE)
    right.plot(line, limit.mean() + slope.mean() * line, color=BLUE, lw=1)
    T, error = mean_error(limit)
    right.errorbar(0, T, error, fmt="D", color=AMBER, ms=7, capsize=4)
    right.annotate(f"  T = {plus_minus(T, error)}", (0, T), color=INK, va="top",
                   xytext=(8, -8), textcoords="offset points")  # fmt: skip
    right.set(xlabel="coupling λ²", ylabel="temperature of the light")
    right.set_title("Temperature over coupling (bars: standard\nerrors; dots: seeds)")
    handles = [*left.get_legend_handles_labels()[0], middle.lines[2]]
    fig.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=9)
    return fig
