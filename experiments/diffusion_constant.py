"""Claim: densities determine D = ħ/2m by every route, and besides D only V/m.

    ψ = √ρ exp(iS/2mD),  i 2mD ∂ψ/∂t = -2mD² ∇²ψ + Vψ

Four exact densities are fitted by least squares in ln D, without errors and with normal
errors of 1 % of the peak. D also follows without any run: from three variances of a
packet, energy levels, the constancy of (25), and (31) at one instant. A route that
gives another D would refute the claim.

Verdict: it holds. Without errors D = 1/2 to within rounding; with them it scatters as
the Cramér-Rao bound says. Multiplying m, V and S by 3 leaves the densities unchanged.
Fringes have a false minimum at 1.74, which its large misfit reveals.

Source: Zakir, "Diffusion treatment of quantum theory and gravity. 1", section 3.2,
eqs. (22)-(33).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_dots
from jaxtyping import ArrayLike

import jqd
from jqd import ConservativeDiffusion, problems
from jqd.exact import free_gaussian, squeezed_state
from jqd.figures.style import BLUE, GREEN, GREY, INK, VERMILLION, subplots
from jqd.inference import recover
from jqd.inference.estimators import (
    diffusion_from_energy,
    diffusion_from_levels,
    diffusion_from_residual,
)
from jqd.laws.diffusion.state import AmplitudeAction, split
from jqd.records import DensityRecord

# --- Parameters (ħ = m = 1, so D = 1/2) -------------------------------------------

WELL = problems.double_well()
GRID, WIDE = WELL.grid, jqd.Grid((-24.0, 24.0), 512)
NOISE, BATCH = 0.01, 24  # noise over the peak; fits at once


def collision(x, t):
    packet = partial(free_gaussian, center=-3.0, momentum=2.0, width=0.8)
    return packet(x, t) + packet(-x, t)


# name: (grid, stiffness, packet, times, steps per time)
CASES = {
    "collision fringes": (WIDE, 0, collision, np.array([0, 1.5]), 1),
    "free packet": (WIDE, 0, partial(free_gaussian, width=0.7), np.array([0, 2.0]), 1),
    "squeezed oscillator": (
        GRID, 1, partial(squeezed_state, center=1.0, width=0.5), WELL.ts, 20,
    ),
}  # fmt: skip


def record(name):
    """The setting: grid, V, initial state, times, steps per time; and the densities."""
    if name == "double well":
        state = ConservativeDiffusion(GRID, WELL.potential).admit(WELL.initial)
        return (GRID, WELL.potential, state, WELL.ts, 20), WELL.density
    grid, stiffness, packet, ts, steps = CASES[name]
    x = np.asarray(grid.x)
    psi = np.asarray(jax.jit(packet)(x[None], ts[:, None]))
    psi = psi / np.sqrt(grid.cell * np.sum(np.abs(psi[0]) ** 2))
    state = jax.jit(split)(psi[0], grid, 1.0)
    setting = (grid, stiffness * x**2 / 2, state, ts, steps)
    return setting, np.abs(psi) ** 2


# --- Least squares: Gauss-Newton by a run and its tangent -----------------------------


def D2_from_snapshots(times: ArrayLike, variances: ArrayLike) -> float:
    """D² of a free packet from its variance at three times or more.

    var = s₀ + 2b₀s₀t + (b₀²s₀ + D²/s₀)t², so D² = c₀c₂ - c₁²/4 of the parabola

    Args:
        times: (n,), n >= 3, different.
        variances: (n,), of a Gaussian; any other density gives an upper bound of D².

    Returns:
        D², scalar; the sign of D is in no density.
    """
    c2, c1, c0 = np.polyfit(times, variances, 2)
    return c0 * c2 - c1**2 / 4


@partial(jax.jit, static_argnums=8)
def fits(logs, data, iterations, mass, grid, V, start, ts, steps):
    """Damped Gauss-Newton in ln D from each guess: D, Σ (residual²), Σ (slope²)."""

    def look(p, data):
        def density(p):
            law = ConservativeDiffusion(grid, V, jnp.exp(p), mass, boundary="periodic")
            method = jqd.Fixed(jqd.steppers.srkn11, steps, estimate_error=False)
            state = law.prepare(start)
            run = jqd.evolve(law, state, ts, method=method, observe="density")
            return run.values

        values, slope = jax.jvp(density, (p,), (jnp.ones_like(p),))
        left = values - data
        return jnp.sum(left**2), jnp.sum(slope**2), jnp.sum(left * slope)

    def step(_, carry):
        p, damping, seen = carry
        trial = p + jnp.clip(-seen[2] / seen[1] / (1 + damping), -0.3, 0.3)
        fresh = jax.vmap(look)(trial, data)
        better = fresh[0] <= seen[0]
        keep = partial(jnp.where, better)
        damping = jnp.where(better, damping / 10, 10 * damping)
        return keep(trial, p), damping, jax.tree.map(keep, fresh, seen)

    first = (logs, jnp.full_like(logs, 1e-3), jax.vmap(look)(logs, data))
    p, _, seen = jax.lax.fori_loop(0, iterations, step, first)
    return jnp.exp(p), *seen[:2]


def fit(Ds, data, case, iterations=20, mass=1.0):
    """`fits` in batches of one size, so that it compiles once for a shape of data."""
    data = np.broadcast_to(data, (len(Ds), *data.shape[-2:]))
    parts = [
        fits(np.log(Ds[i : i + BATCH]), data[i : i + BATCH], iterations, mass, *case)
        for i in range(0, len(Ds), BATCH)
    ]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def without_a_run(rng):
    """D by route, and with its error from levels that have errors of 0.1 %."""
    ts, grid = np.array([0.1, 0.5, 0.9]), jqd.Grid((-9.0, 9.0), 512)
    x, wave = np.asarray(grid.x), jax.jit(CASES["squeezed oscillator"][2])
    free = np.abs(CASES["free packet"][2](np.asarray(GRID.x)[None], ts[:, None])) ** 2
    variance = GRID.cell * np.sum(np.asarray(GRID.x) ** 2 * free, axis=1)
    psi = np.asarray(wave(x[None], ts[:, None]))
    S = np.unwrap(np.angle(psi), axis=1)
    rate = np.imag(jax.jvp(lambda t: wave(x, t), (ts[1],), (1.0,))[1] / psi[1])
    seen = DensityRecord(
        grid, x**2 / 2, 1.0, ts, np.abs(psi) ** 2, S, psi[0], None, None, ts[0]
    )
    small, levels = jqd.Grid((-9.0, 9.0), 96), np.arange(5) + 0.5
    V, errors = np.asarray(small.x) ** 2 / 2, 1 + 1e-3 * rng.normal(size=5)
    exact, noisy = (
        diffusion_from_levels(values, small, V, start=1.7)
        for values in (levels, levels * errors)
    )
    return {
        "three variances": np.sqrt(float(D2_from_snapshots(ts, variance))),
        "energy levels": exact.D,
        "constant energy": diffusion_from_energy(seen).D,
        "local residual": diffusion_from_residual(seen, rate, row=1).D,
    }, (noisy.D, noisy.stderr)


# --- Comparison -------------------------------------------------------------------


def run(context):
    rng, names = np.random.default_rng(2), list(CASES)[: 1 if context.quick else None]
    names += [] if context.quick else ["double well"]
    off, noisy, bounds, scatter, curves, ends = ({} for _ in range(6))
    starts = np.geomspace(0.1, 2.8, BATCH)
    for name in context.progress(names, "fits"):
        case, exact = record(name)
        sigma, many = NOISE * exact.max(), 1 if case[-1] > 1 or context.quick else 8
        scan = np.geomspace(0.05, 3, 4 * BATCH)
        curves[name] = fit(scan, exact, case, 0)[1]
        errors = sigma * rng.normal(size=(many * BATCH, *exact.shape))
        D, _, square = fit(np.full(many * BATCH, 0.45), exact + errors, case)
        noisy[name] = D[0], D[0] * sigma / np.sqrt(square[0])
        ends[name], _, square = fit(starts, exact, case)
        best = np.argmin(np.abs(ends[name] - 0.5))
        bounds[name] = 0.5 * sigma / np.sqrt(square[best])
        off[name], scatter[name] = abs(ends[name][best] - 0.5), D.std() / bounds[name]
    # m, V and S times one number: the same loss, to rounding
    state = AmplitudeAction(case[2].log_amplitude, 3 * case[2].action)
    scaled = fit(starts, exact, (case[0], 3 * case[1], state, *case[3:]), 0, mass=3.0)
    change = np.max(np.abs(scaled[1] / fit(starts, exact, case, 0)[1] - 1))
    if not context.quick:
        routes, noisy["energy levels"] = without_a_run(rng)
        off |= {name: abs(value - 0.5) for name, value in routes.items()}
        seen = problems.double_well("density_noisy")
        law = ConservativeDiffusion(GRID, WELL.potential, 0.3)
        options = {"psi0": seen.initial, "free": "D", "start": {"D": 0.3}, "starts": 4}
        found = recover(law, seen.data(), **options).constants["D"]
        noisy["double well, jqd.recover"] = found.value, found.stderr

    # --- Result -------------------------------------------------------------------
    reached = ends[names[0]]
    sigmas = {name: (value - 0.5) / error for name, (value, error) in noisy.items()}
    context.save_figure(figure(off, noisy, bounds, scan, curves, starts, reached), "D")
    data = {name: ("D", curve) for name, curve in curves.items()}
    data |= {"end": ("start", reached)}
    about = {"units": "hbar = m = 1"}
    context.save_dataset(xr.Dataset(data, {"D": scan, "start": starts}, about))
    holds = max(off.values()) < 1e-9 and max(map(abs, sigmas.values())) < 3.5
    return {
        "status": "ok" if holds else "Not every route gives D = ħ/2m.",
        "errors_without_noise": off,
        "deviations_in_standard_errors": sigmas,
        "scatter_over_cramer_rao": scatter,
        "change_of_misfit_by_m_and_V_times_3": float(change),
        "false_minimum": float(np.median(reached[reached > 0.7])),
        "share_of_starts_at_the_truth": float(np.mean(np.abs(reached - 0.5) < 1e-6)),
    }


def figure(off, noisy, bounds, scan, curves, starts, reached):
    """Errors by route; D with its error bars; loss curves; where the fits end."""
    fig, axes = subplots(2, 2, size=(11.6, 7.2), height_ratios=(1, 1.15))
    draw_dots(
        axes[0, 0], list(off), {"": list(off.values())}, floor=1e-17, colors=(BLUE,),
        xlim=(5e-18, 1e-8), xlabel="|D - 1/2| / (ħ/m)  (dotted: rounding)",
        title="Exact data: distance of D from ħ/2m",
    )  # fmt: skip
    axes[0, 0].axvline(1.1e-16, color=INK, lw=0.8, ls=":")
    axis, y = axes[0, 1], np.arange(len(noisy))[::-1]
    for height, (name, (value, error)) in zip(y, noisy.items(), strict=True):
        bound = 1e3 * bounds.get(name.split(",")[0], 0)
        axis.barh(height, 2 * bound, 0.5, -bound, color=GREY, alpha=0.3, lw=0)
        off_by, bar = 1e3 * (value - 0.5), 1e3 * error
        axis.errorbar(off_by, height, xerr=bar, fmt="o", color=BLUE, capsize=3)
    axis.axvline(0, color=INK, lw=0.8)
    axis.set_yticks(y, list(noisy))
    axis.set_xlabel("1000 (D - 1/2) / (ħ/m)  (grey: Cramér-Rao bound)")
    axis.set_title("Errors of 1 % (levels: 0.1 %), beside the bound")
    left, right = axes[1]
    for name, loss in curves.items():
        left.semilogx(scan, loss / np.nanmax(loss[scan > 0.1]), label=name)
    left.axvline(0.5, color=INK, lw=0.8, ls=":")
    left.set(xlabel="D / (ħ/m)", ylabel="squared misfit / its maximum", ylim=(0, 1.02))
    left.set(xlim=(0.1, 3), title="Misfit over D")
    left.legend(loc="upper center", bbox_to_anchor=(0.65, 1.0), fontsize=9)
    good = np.abs(reached - 0.5) < 1e-6
    for some, color in ((good, GREEN), (~good, VERMILLION)):
        right.loglog(starts[some], reached[some], "o", color=color, ms=6)
    for text, y, color in (
        ("D = ħ/2m", 0.5, GREEN),
        ("D = 1.74 ħ/m", 1.74, VERMILLION),
    ):
        right.axhline(y, color=color, lw=0.8)
        right.annotate(text, (0.1, y), (0, 4), textcoords="offset points", color=color)
    left.axvline(1.74, color=VERMILLION, lw=0.8, ls=":")
    right.set(xlabel="initial guess of D / (ħ/m)", ylabel="fitted D / (ħ/m)")
    right.set_title("Fringes: fitted D over the initial guess")
    ticks = [0.1, 0.2, 0.5, 1, 2]
    right.set_yticks(ticks, map(str, ticks))
    for axis in axes[1]:
        axis.set_xticks(ticks, map(str, ticks))
        axis.minorticks_off()
    return fig
