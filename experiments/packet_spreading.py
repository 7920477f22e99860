"""Claim: a free packet spreads as by diffusion, but conservatively and "faster".

    density = exp(-(x - v₀t)²/a²(1 + τ²)) / (a sqrt(π (1 + τ²))),  τ = ħt/ma² = 2Dt/a²

Conservative and ordinary diffusion run side by side on a grid, both with D = ħ/2m. A
packet that is narrower than under ordinary diffusion refutes "faster".

Verdict: half of it holds. The packet is the Gaussian of (16), except for the printed
prefactor 1/(1 + τ²), which loses norm (0.24 is left at τ = 4). But it is *narrower*
than under ordinary diffusion until t = a²/D, and wider only from then on; its variance
grows faster from half that time. The flux -D ∇ρ moves nothing: its energy must first
turn into drift.

Source: Zakir, "Diffusion treatment of quantum theory and gravity. 1", section 2.2,
eqs. (13)-(16).
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_lines

import jqd
from jqd.figures.style import BLUE, GREEN, GREY, INK, VERMILLION, subplots
from jqd.laws.diffusion import ClassicalDiffusion, ConservativeDiffusion
from jqd.readings import packets
from jqd.readings.energies import energy_budget
from jqd.spaces import Grid

# --- Parameters (ħ = m = 1, so D = 1/2) -------------------------------------------

A, D, SPEED = 1.0, 0.5, 1.5
GRID = Grid((-24.0, 32.0), 448)
TIMES = np.linspace(0, 4, 17)
SHOWN = (0, 1, 2, 4)  # times whose density is drawn

# --- Both laws from one initial state ---------------------------------------------


def moments(density):
    mean = GRID.integrate(GRID.x[None, :] * density)
    away = GRID.x[None, :] - mean[:, None]
    return GRID.integrate(density), GRID.integrate(away**2 * density)


def run_both(times):
    """Densities, (T, N), of conservative and of ordinary diffusion; ψ, (T, N)."""
    x = GRID.x
    psi0 = GRID.normalise(jnp.exp(-(x**2) / (2 * A**2) + 1j * SPEED * x))
    quantum = ConservativeDiffusion(
        GRID, jnp.zeros(GRID.shape), D=D, boundary="periodic"
    )
    classical = ClassicalDiffusion(GRID, D)
    runs = []
    for law, steps in ((quantum, 8), (classical, 24)):
        method = jqd.Fixed(substeps=steps, estimate_error=False)
        runs.append(jqd.evolve(law, law.prepare(psi0), times, method=method))
    psi = jax.vmap(quantum.amplitude)(runs[0].values)
    return np.abs(psi) ** 2, np.asarray(runs[1].values), psi


# --- Comparison -------------------------------------------------------------------


def run(context):
    times = TIMES[::2] if context.quick else TIMES
    density, spread, psi = run_both(times)
    _, variance = moments(density)
    norm, classical = moments(spread)
    budget = jax.jit(energy_budget)(psi, GRID, jnp.zeros(GRID.shape))
    x, t = GRID.x[None, :], times[:, None]
    law = packets.packet_density(x, t, a=A, velocity=SPEED)
    printed = packets.packet_density(x, t, a=A, velocity=SPEED, printed=True)
    printed_norm = GRID.integrate(printed)

    # --- Result -------------------------------------------------------------------
    off = float(GRID.integrate(jnp.abs(density - law)).max())
    off_variance = float(np.abs(variance - packets.quantum_variance(times, A, D)).max())
    expected = A**2 / 2 + 2 * D * times
    off_classical = float(np.abs(classical - expected).max())
    crossing = float(packets.crossover_time(A, D))
    sign = np.sign(np.asarray(variance - classical))[1:]
    later = np.sign(np.round(times[1:] - crossing, 9))
    total = np.asarray(budget.total)
    context.save_figure(
        figure(times, density, spread, variance, classical, budget), "spreading"
    )
    data = {
        "quantum": (("t", "x"), density),
        "classical": (("t", "x"), spread),
        "quantum_variance": ("t", variance),
        "classical_variance": ("t", classical),
        "diffusion_energy": ("t", budget.diffusion),
    }
    about = {"units": "hbar = m = 1", "a": A, "D": D, "velocity": SPEED}
    context.save_dataset(xr.Dataset(data, {"t": times, "x": GRID.x}, about))
    holds = off < 1e-9 and np.all((sign == later)[later != 0]) and off_classical < 1e-6
    return {
        "status": "ok" if holds else "The packets do not cross at t = a²/D.",
        "largest_L1_from_16": off,
        "largest_error_of_variance": off_variance,
        "largest_error_of_classical_variance": off_classical,
        "crossover_time": crossing,
        "printed_norm_at_the_end": float(printed_norm[-1]),
        "classical_norm_drift": float(np.abs(norm - 1).max()),
        "energy_drift": float(np.ptp(total)),
    }


def figure(times, density, spread, variance, classical, budget):
    """Densities, variances and energies."""
    fig, ((left, middle, right),) = subplots(1, 3, size=(12.6, 3.9))
    for t, shade in zip(SHOWN, (1.0, 0.8, 0.6, 0.45), strict=True):
        row = list(times).index(t)
        left.plot(GRID.x, density[row], color=BLUE, alpha=shade)
        left.plot(GRID.x, spread[row], color=VERMILLION, alpha=shade, ls="--")
        top = int(np.argmax(density[row]))
        left.annotate(
            f"t = {t}", (GRID.x[top], density[row][top]), (4, 3),
            textcoords="offset points", color=BLUE, fontsize=9,
        )  # fmt: skip
    left.set(xlim=(-6, 13), ylim=(0, 0.62), xlabel="x / a", ylabel="density · a")
    left.set_title("Quantum packets (blue), diffusion (dashed)")
    fine = np.linspace(0, times[-1], 200)
    curves = {
        "quantum: $(a^2/2)(1 + \\tau^2)$": packets.quantum_variance(fine, A, D),
        "diffusion: $a^2/2 + 2Dt$": A**2 / 2 + 2 * D * fine,
    }
    draw_lines(
        middle, fine, curves, colors=(BLUE, VERMILLION), ylabel="variance / a²",
        title="Variances over time",
    )  # fmt: skip
    middle.plot(times, variance, "o", color=BLUE)
    middle.plot(times, classical, "s", color=VERMILLION)
    middle.axvline(A**2 / D, ymax=0.78, color=GREY, lw=0.8, ls=":")
    middle.annotate("t = a²/D", (A**2 / D, 7), (5, 0), textcoords="offset points")
    middle.set_xlabel("t, in units of ma²/ħ (dots: computed)")
    drift = np.asarray(budget.drift) - SPEED**2 / 2
    energies = {
        "spreading, ⟨m(v - v₀)²/2⟩": drift,
        "localization, ⟨m u²/2⟩": budget.diffusion,
        "sum": drift + budget.diffusion,
    }
    draw_lines(
        right, times, energies, "o-", colors=(GREEN, BLUE, INK), legend="center right",
        xlabel="t, in units of ma²/ħ", ylabel="energy / (ħ²/ma²)", ylim=(0, 0.29),
        title="Energies of localization and spreading",
    )  # fmt: skip
    return fig
