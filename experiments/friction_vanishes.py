"""Claim: the background neither drags a particle nor scatters it: γ = D_c = 0.

    ∂ρ/∂t = -∇(ρ∇S/m) + D_c ∇²ρ
    ∂S/∂t = -|∇S|²/2m - V + 2mD² ∇²√ρ/√ρ - γ (S - ⟨S⟩)

The paper's diffusion is conservative. So quantum data must give zero friction γ and
zero ordinary diffusion D_c, in the equations themselves and not only for moments of
Gaussians. They are followed in (ln ρ, S) on a window that moves with the packet. A best
fit away from (0, 0) would refute the claim.

Verdict: it holds. On exact densities the misfit has its minimum at (0, 0), and the fit
ends there. With γ or D_c a run does not return to its initial state under S -> -S. On
densities of ordinary diffusion the same fit finds D -> 0, D_c = 1/2: the misfit falls
as D⁴.

Source: Zakir, "Diffusion treatment of quantum theory and gravity. 1", sections 2.2 and
3.1.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.colors import LogNorm

import jqd
from jqd.exact import free_gaussian, squeezed_state
from jqd.figures.style import BLUE, GREEN, GREY, INK, VERMILLION, subplots
from jqd.inference import recover
from jqd.laws.diffusion import ConservativeDiffusion, Window

# --- Parameters (ħ = m = ω = 1, so D = 1/2) ---------------------------------------

GRID = jqd.Grid((-9.0, 12.0), 210)
X, WINDOW = GRID.x, Window(101)
TS = np.linspace(0, 1.5, 4)
PACKETS = {  # name: (V, ψ)
    "free packet": (0 * X, partial(free_gaussian, momentum=1.0, width=0.7)),
    "oscillator": (X**2 / 2, partial(squeezed_state, center=1.0, width=0.6)),
}
WIDTH = 0.7  # of the density under ordinary diffusion
# (γ, D_c) of runs there and back, and their L1 by the equations of a Gaussian's moments
HOME = {(0.0, 0.0): 0.0, (0.1, 0.0): 0.0822387, (0.0, 0.05): 0.0946534}


def law_of(D, friction, classical, V):
    return ConservativeDiffusion(
        GRID, V, D, friction=friction, classical_diffusion=classical, form=WINDOW
    )


def march(law, state, ts, steps=90, observe="density"):
    method = jqd.Fixed(jqd.steppers.rk4, steps, estimate_error=False)
    return jqd.evolve(law, state, ts, method=method, observe=observe).values


@jax.jit
def misfits(Ds, frictions, classicals, V, psi, densities):
    """Σ (ρ - data)² over points and times, over the squared data; (n,) constants."""

    def one(*constants):
        law = law_of(*constants, V)
        values = march(law, law.prepare(psi), TS)
        return jnp.sum((values - densities) ** 2) / jnp.sum(densities**2)

    return jax.vmap(one)(Ds, frictions, classicals)


@jax.jit
def there_and_back(frictions, classicals, psi, ts):
    """Densities before, after T and after coming back with S -> -S, (n, N) each."""

    def one(*constants):
        law = law_of(0.5, *constants, 0 * X)
        first = law.prepare(psi)
        there = jax.tree.map(
            lambda leaf: leaf[-1], march(law, first, ts, 180, observe=None)
        )
        turned = type(there)(there.chi, -there.action, there.ends)
        back = march(law, turned, ts, 180)[-1]
        return law.density(first), law.density(there), back

    return jax.vmap(one)(frictions, classicals)


# --- Comparison -------------------------------------------------------------------


def planes(size):
    """Misfit of exact quantum data over (γ, D_c) at D = 1/2, by packet."""
    drag, noise = np.linspace(-0.2, 0.2, size), np.linspace(-0.06, 0.06, size)
    friction, classical = (part.ravel() for part in np.meshgrid(drag, noise))
    result, data = {}, {}
    for name, (V, packet) in PACKETS.items():
        psi = np.asarray(jax.jit(packet)(X[None], TS[:, None]))
        data[name] = V, psi[0], np.abs(psi) ** 2
        half = np.full(size**2, 0.5)
        loss = misfits(half, friction, classical, *data[name])
        result[name] = np.asarray(loss).reshape(size, size)
    return drag, noise, result, data


def constants_of(V, psi, density):
    """D, γ and D_c with standard errors, by `recover`."""
    law = law_of(0.4, 0.1, 0.1, V)
    fit = recover(
        law, (TS, density), psi0=psi, starts=1, search=None, start={"D": 0.3},
        free=("D", "friction", "classical_diffusion"), held_out=0.0,
        substeps=120, step_tolerance=1e-6,  # fewer are unstable on the way
    )  # fmt: skip
    return {name: (c.value, c.stderr) for name, c in fit.constants.items()}


def run(context):
    drag, noise, loss, data = planes(5 if context.quick else 17)
    lowest = {name: np.unravel_index(np.argmin(v), v.shape) for name, v in loss.items()}
    middle = len(drag) // 2
    centred = all(place == (middle, middle) for place in lowest.values())

    # Densities of ordinary diffusion, D_c = 1/2, in the rest frame of the medium.
    variance = WIDTH**2 + TS[:, None]
    spread = np.exp(-(X[None] ** 2) / 2 / variance) / np.sqrt(2 * np.pi * variance)
    Ds = np.geomspace(2e-3, 0.7, len(drag) ** 2)
    packet = np.sqrt(spread[0]).astype(complex)
    fall = misfits(Ds, 0 * Ds, 0 * Ds + 0.5, 0 * X, packet, spread)
    small = Ds < 0.1
    power = np.polyfit(np.log(Ds[small]), np.log(np.asarray(fall)[small]), 1)[0]

    frictions, classicals = (np.array(column) for column in zip(*HOME, strict=True))
    psi = GRID.normalise(jnp.exp(-(X**2) / 1.2 + 0.4j * X))
    states = there_and_back(frictions, classicals, psi, np.array([0.0, 1.0]))
    before, there, back = (np.asarray(part) for part in states)
    distance = GRID.cell * np.abs(back - before).sum(axis=1)
    found = {} if context.quick else constants_of(*data["free packet"])

    # --- Result -------------------------------------------------------------------
    context.save_figure(
        figure(drag, noise, loss, Ds, fall, before, there, back), "friction"
    )
    values = {name: (("D_c", "friction"), value) for name, value in loss.items()}
    values |= {"ordinary_diffusion": ("D", np.asarray(fall))}
    axes = {"D_c": noise, "friction": drag, "D": Ds}
    about = {"units": "hbar = m = omega = 1", "times": TS}
    context.save_dataset(xr.Dataset(values, axes, about))
    off = np.abs(distance - list(HOME.values()))
    fitted = all(
        abs(value - (name == "D") / 2) < 1e-5 for name, (value, _) in found.items()
    )
    holds = centred and abs(power - 4) < 0.1 and off.max() < 1e-3 and fitted
    return {
        "status": "ok" if holds else "The data do not give γ = D_c = 0.",
        "minimum_at_zero": centred,
        "misfit_at_zero": {k: float(v[middle, middle]) for k, v in loss.items()},
        "power_of_D_on_ordinary_diffusion": float(power),
        "reversal_L1": distance,
        "reversal_L1_of_gaussian_closure": list(HOME.values()),
        "fitted_values_and_standard_errors": found,
    }


def figure(drag, noise, loss, Ds, fall, before, there, back):
    """Misfit planes, misfit of ordinary diffusion, and there and back."""
    fig, axes = subplots(2, 2, size=(11.2, 7.8))
    norm = LogNorm(1e-5, 1e-1)
    for axis, (name, values) in zip(axes[0], loss.items(), strict=True):
        levels = np.geomspace(1e-5, 1e-1, 17)
        image = axis.contourf(
            drag, noise, np.maximum(values, 1e-5), levels, norm=norm, cmap="Blues_r"
        )
        axis.plot(0, 0, "*", color="white", mec=INK, ms=15)
        axis.set(xlabel="friction γ, per unit of time", ylabel="$D_c$ / (ħ/m)")
        axis.set_title(f"Quantum data, {name}: misfit")
    bar = fig.colorbar(image, ax=axes[0, 1], ticks=[1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
    bar.set_label("squared misfit / squared data")
    left, right = axes[1]
    left.loglog(Ds, fall, color=BLUE, label="misfit with $D_c$ = 1/2")
    guide = np.asarray(fall)[0] * (Ds / Ds[0]) ** 4
    left.loglog(Ds, guide, ":", color=INK, label="$D^4$")
    left.axvline(0.5, color=GREY, lw=0.8)
    left.annotate("ħ/2m", (0.5, 1e-11), (-34, 0), textcoords="offset points")
    left.set(xlabel="D / (ħ/m)", ylabel="squared misfit / squared data")
    left.set_title("Data of ordinary diffusion: misfit over D")
    left.legend(loc="upper left")
    right.plot(X, there[0], color=GREY, lw=1.2, label="after t = 1, γ = $D_c$ = 0")
    right.plot(X, back[0], color=BLUE, lw=3, alpha=0.6, label="back, γ = $D_c$ = 0")
    right.plot(X, back[1], color=VERMILLION, ls="--", label="back, γ = 0.1")
    right.plot(X, back[2], color=GREEN, ls="--", label="back, $D_c$ = 0.05")
    right.plot(X[::3], before[0][::3], "o", color=INK, ms=3, label="initial density")
    right.set(
        xlim=(-2.4, 4.2),
        ylim=(0, None),
        xlabel="x  (√(ħ/mω))",
        ylabel="density  (√(mω/ħ))",
    )
    right.set_title("Forward and, with S → -S, back")
    right.legend(fontsize=9)
    return fig
