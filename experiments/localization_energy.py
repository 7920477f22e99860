"""Claim: the quantum potential is localization energy, all that a state at rest has.

    U_u = ∫ (m u²/2) density dx = (ħ²/8m) ∫ (∇density)²/density dx = ⟨U_q⟩

The paper gives a stationary localized state S = -Et, so that v = 0 and E = U_u + V.
This is tested on ground states of a box, of wells and of the hydrogen atom, and on
vortices of charge α in a well, of which only whole α belong to a wave function. A
stationary localized state with drift energy refutes the claim.

Verdict: it holds for real states, where U_u is the whole kinetic energy, but not in
general. A vortex is stationary and localized, and has the drift energy α/2 besides its
U_u = 1/2 (in ħω), because S = αφ - Et.

Source: Zakir, "Diffusion treatment of quantum theory and gravity. 1", section 5.1,
eq. (55).
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, ArrayLike, Float

from jqd.exact import on_grids
from jqd.exact.diffusion import wide
from jqd.figures.style import BLUE, GREEN, GREY, VERMILLION, subplots
from jqd.readings import fields
from jqd.readings.circulation import winding
from jqd.readings.energies import energy_budget
from jqd.readings.packets import virial_localization_energy
from jqd.spaces import Grid

# --- Parameters (ħ = m = 1; box of length 1, ω = 1) -------------------------------

LINE = Grid((-8.0, 8.0), 192)
PLANE = Grid([(-7.0, 7.0), (-7.0, 7.0)], (80, 80))
CHARGES = (0, 1, 2, 3)
PARTS = ("drift", "diffusion", "potential")

# --- Systems: (exact E and U_u, budget) -------------------------------------------


def box_localization_energy(
    n: ArrayLike = 1,
    length: ArrayLike = 1.0,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """U_u = π²ħ²n²/2mL² of level n = 1, 2, .. between two walls: all of its energy."""
    n, length, hbar, mass = wide(n=n, length=length, hbar=hbar, mass=mass)
    return (jnp.pi * hbar * n / length) ** 2 / (2 * mass)


def vortex_energies(
    alpha: ArrayLike, *, omega: ArrayLike = 1.0, hbar: ArrayLike = 1.0
) -> tuple[Array, Array, Array]:
    """Drift, diffusion and potential energy of a vortex in a well, ħω (α, 1, 1 + α)/2.

    Its density goes as r^2α around the node, and its speed is ħα/mr, for any charge α.
    """
    alpha, omega, hbar = wide(alpha=alpha, omega=omega, hbar=hbar)
    quantum = hbar * omega / 2
    return quantum * alpha, quantum * jnp.ones_like(alpha), quantum * (1 + alpha)


budget_of = jax.jit(energy_budget)


def box():
    """sin πx on (-1, 1): two boxes of length 1, back to back."""
    grid = Grid((-1.0, 1.0), 32)
    energy = float(box_localization_energy())
    budget = budget_of(jnp.sin(jnp.pi * grid.x), grid, jnp.zeros(grid.shape))
    return energy, energy, budget


def well(power, strength, energy, level=0):
    """Level of V = strength · x^power, by the dense matrix of the grid."""
    V = strength * LINE.x**power
    states = np.linalg.eigh(on_grids.hamiltonian(LINE, V))[1]
    U_u = float(virial_localization_energy(energy, power))
    return energy, U_u, budget_of(LINE.normalise(states[:, level]), LINE, V)


def hydrogen():
    """1s, density e^(-2r)/π, by Laguerre's quadrature in s = 2r; u = 2D = 1 outward."""
    s, weight = np.polynomial.laguerre.laggauss(20)
    shell = weight * s**2 / 2
    parts = 0.0, np.sum(shell) / 2, -np.sum(shell * 2 / s)
    return -0.5, float(virial_localization_energy(-0.5, -1)), parts


def vortex(charge):
    """r^α e^(-r²/2) e^(iαφ) and its winding number."""
    x, y = PLANE.coordinates
    square = x**2 + y**2
    psi = PLANE.normalise((x + 1j * y) ** charge * jnp.exp(-square / 2))
    turns = int(winding(psi, PLANE, ((30, 50), (30, 50))))
    return psi, turns, budget_of(psi, PLANE, square / 2)


# --- Comparison -------------------------------------------------------------------


def run(context):
    systems = {
        "box, length 1": box,
        "harmonic, n = 0": lambda: well(2, 0.5, 0.5),
        "harmonic, n = 1": lambda: well(2, 0.5, 1.5, level=1),
        "quartic, x⁴/4": lambda: well(4, 0.25, 0.4208049745),
        "hydrogen, 1s": hydrogen,
    }
    table = []
    for name, system in context.progress(systems.items(), "systems at rest"):
        energy, U_u, budget = system()
        row = dict(zip(PARTS, map(float, budget), strict=True))
        row |= {"sum": sum(row.values()), "energy": energy, "U_u": U_u}
        table.append({"system": name} | row)
    whirls = [vortex(charge) for charge in CHARGES]
    swirl = np.array([[float(part) for part in whirl[2]] for whirl in whirls])
    expected = np.array([vortex_energies(float(charge)) for charge in CHARGES])

    # --- Result -------------------------------------------------------------------
    pairs = (("diffusion", "U_u"), ("sum", "energy"))
    off = max(abs(row[found] - row[known]) for row in table for found, known in pairs)
    turns = [whirl[1] for whirl in whirls]
    off_vortex = float(np.abs(swirl - expected).max())
    context.save_table(table, "localization")
    context.save_figure(figure(table, swirl, whirls[1][0]), "localization")
    rest = [[row[part] for part in PARTS] for row in table]
    data = {"E": (("system", "part"), rest), "vortex_E": (("charge", "part"), swirl)}
    at = {"system": list(systems), "part": list(PARTS), "charge": list(CHARGES)}
    context.save_dataset(xr.Dataset(data, at, {"units": "hbar = m = 1"}))
    holds = off < 1e-8 and off_vortex < 1e-6 and turns == list(CHARGES)
    return {
        "status": "ok" if holds else "The energies do not add up.",
        "largest_error_of_U_u_and_E": off,
        "largest_drift_energy_at_rest": max(row["drift"] for row in table),
        "drift_energy_of_vortices": swirl[:, 0],
        "largest_error_of_vortices": off_vortex,
        "winding_numbers": turns,
    }


def figure(table, swirl, psi):
    """Parts of the energy by system and by charge; a vortex and its drift."""
    fig, axes = subplots(1, 3, size=(12.8, 4.0), width_ratios=(1.25, 1, 1.1))
    left, middle, right = axes[0]
    labels = ("drift", "localization $U_u$", "V")
    y, bottom = np.arange(len(table))[::-1], np.zeros(len(CHARGES))
    for k, color in enumerate((VERMILLION, BLUE, GREY)):
        values = [row[PARTS[k]] / row["U_u"] for row in table]
        left.barh(y + 0.26 * (1 - k), values, 0.24, color=color)
        middle.bar(CHARGES, swirl[:, k], 0.6, bottom, color=color, label=labels[k])
        bottom = bottom + swirl[:, k]
    left.axvline(0, color=GREY, lw=0.8)
    left.set_yticks(y, [f"{row['system']}\n$U_u$ = {row['U_u']:.4g}" for row in table])
    left.set(xlabel="energy / $U_u$", title="At rest: parts of the energy")
    middle.plot(CHARGES, 1 + np.array(CHARGES), "k_", ms=26, label="E = 1 + α")
    middle.set_xticks(CHARGES)
    middle.set(title="Vortices: parts of the energy")
    middle.set(xlabel="vortex charge α", ylabel="energy / ħω")
    middle.legend(loc="upper left", fontsize=9)
    x, y = (np.ravel(part) for part in PLANE.coordinates)
    density = np.asarray(fields.density(psi))
    image = right.contourf(x, y, density.T, 25, cmap="Blues")
    fig.colorbar(image, ax=right, ticks=[0, 0.04, 0.08]).set_label("density · ħ/mω")
    v = np.asarray(fields.current_velocity(psi, PLANE))
    i, j = (part.ravel() for part in np.mgrid[28:53:4, 28:53:4])
    i, j = i[(i != 40) | (j != 40)], j[(i != 40) | (j != 40)]  # but the core
    right.quiver(x[i], y[j], v[0, i, j], v[1, i, j], color=GREEN, scale=14, pivot="mid")
    right.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), aspect="equal")
    right.set(xlabel="x / √(ħ/mω)", ylabel="y / √(ħ/mω)")
    right.set_title("α = 1: density and drift")
    return fig
