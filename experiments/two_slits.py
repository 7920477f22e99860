"""Claim: amplitudes of two slits add, not probabilities; watching undoes it.

A packet of wavelength λ = π/2 (ħ = m = 1) meets a wall with slits of width 1, d = 4
apart; a screen at L adds up the flux. With detectors behind the slits whose states
overlap by η, the pattern is

    P(y) = P₁ + P₂ + 2 Re η P₁₂,   P₁₂ = ∫ (ħ/2mi) (ψ₁* ∂ₓψ₂ - ψ₂ ∂ₓψ₁*) dt

A pattern of both slits that is the sum of the probabilities would refute the claim.

Verdict: it holds for the slits. The first maxima lie at λL/d to 1 %. The pattern of
both slits differs, in L1, by 0.006 from that of added amplitudes and by 0.59 from that
of added probabilities. Watching is not simulated: η is put in, and no detector is
followed (which_path_pointer.py follows one).

Source: Zakir, "Diffusion treatment of quantum theory and gravity. 1", appendix C.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.animation import write_animation
from _support.figures import draw_lines

import jqd
from jqd.figures.style import GREY, VERMILLION, subplots
from jqd.readings.slits import Screen, current, two_slits
from jqd.report import draw_density

# --- Parameters: grid spacing, screens, duration, save times, time step -----------

FULL = (0.25, (10.0, 15.0, 20.0, 25.0, 30.0), 17.0, 170, 0.02)
QUICK = (0.3125, (10.0, 20.0), 14.0, 70, 0.05)
OVERLAPS = (1.0, 0.5, 0.0)


def film(t, psi):
    """|ψ|² on every second point."""
    few = psi[::2, ::2]
    return (few.real**2 + few.imag**2).astype(jnp.float32)


def runs(problem, screens, step):
    """Both slits open, the upper and the lower alone, in one batch."""
    observe = {f"{x:g}": Screen(problem.grid, x) for x in screens} | {"film": film}
    interval = float(problem.ts[1] - problem.ts[0])
    method = jqd.Fixed(
        jqd.steppers.strang, round(interval / step), estimate_error=False
    )

    def run(V):
        law = jqd.Schrodinger.on_grid(problem.grid, V, absorber=problem.absorber)
        return jqd.evolve(law, problem.psi0, problem.ts, method=method, observe=observe)

    return jax.jit(jax.vmap(run))(problem.walls)


def patterns(seen, ts):
    """Flux through a screen, over all times: both, upper, lower, and P₁₂."""
    both, upper, lower = seen
    fluxes = [current(both), current(upper), current(lower), current(upper, lower)]
    return [np.trapezoid(np.asarray(j), ts, axis=0) for j in fluxes]


def peak(y, P, low, high):
    """Place of the largest P between low and high, by a parabola."""
    i = np.argmax(np.where((y > low) & (y < high), P, -np.inf))
    a, b, c = P[i - 1 : i + 2]
    return y[i] + (y[1] - y[0]) * (a - c) / (2 * (a - 2 * b + c))


def distance(P, Q):
    """L1 of two patterns, normalised."""
    return float(np.sum(np.abs(P / P.sum() - Q / Q.sum())))


# --- Comparison -------------------------------------------------------------------


def run(context):
    h, screens, duration, saves, step = QUICK if context.quick else FULL
    problem = two_slits(h, screen=(far := screens[-1]), duration=duration, saves=saves)
    ts, y = np.asarray(problem.ts), np.asarray(problem.screen.y)
    found = runs(problem, screens, step)
    spots = {x: patterns(found.values[f"{x:g}"], ts) for x in context.progress(screens)}
    table = []
    for x, (both, *_) in spots.items():
        theory = problem.spacing * x / far
        place = peak(y, both, 0.6 * theory, 1.4 * theory)
        table.append({"L": x, "lambda_L_over_d": theory, "first_maximum": place})
    both, upper, lower, cross = spots[far]
    alone = upper + lower
    # --- Result -------------------------------------------------------------------
    frames = np.asarray(found.values["film"])
    context.save_figure(figure(problem, frames, y, spots[far], table), "two_slits")
    every = 8 if context.quick else 4
    animate(context.folder / "two_slits.gif", problem, frames, every)
    context.save_table(table, "fringes")
    axes = {"L": list(screens), "open": ["both", "upper", "lower"], "y": y}
    flux = (("L", "open", "y"), [P[:3] for P in spots.values()])
    context.save_dataset(xr.Dataset({"flux": flux}, axes, {"units": "hbar = m = 1"}))
    off = [row["first_maximum"] / row["lambda_L_over_d"] - 1 for row in table]
    coherent, incoherent = distance(both, alone + 2 * cross.real), distance(both, alone)
    holds = abs(off[-1]) < 0.02 and coherent < 0.03 and incoherent > 0.5
    return {
        "status": "ok" if holds else "The fringes are not those of added amplitudes.",
        "first_maxima_off_lambda_L_over_d": off,
        "distance_to_added_amplitudes": coherent,
        "distance_to_added_probabilities": incoherent,
        "centre_over_added_probabilities": (both / alone)[y.size // 2],
        "absorbed": np.asarray(found.diagnostics["max_absorbed"]),
    }


# --- Figures ----------------------------------------------------------------------


def plane(problem, density):
    """x, y and |ψ| over (y, x), cut where the packet outshines its fringes."""
    x, y = (np.asarray(axis).ravel()[::2] for axis in problem.grid.coordinates)
    inside, middle = (x > -12) & (x < x[-1] - 8), np.abs(y) < 22
    root = np.sqrt(np.swapaxes(density, -1, -2)[..., middle, :][..., inside])
    return x[inside], y[middle], np.minimum(root, 0.035)


def figure(problem, frames, y, seen, table):
    both, upper, lower, cross = (1e3 * P for P in seen)
    alone, L = upper + lower, [row["L"] for row in table]
    fig, ((field, screen), (marked, fringes)) = subplots(2, 2, size=(10.4, 8.0))
    now = np.argmin(np.abs(problem.ts - (8 + 0.6 * L[-1]) / 4))  # the packet is midway
    x, height, amplitude = plane(problem, frames[0, now])
    mesh = draw_density(field, amplitude, x, height)
    fig.colorbar(mesh, ax=field, pad=0.02, fraction=0.05, extend="max", label="|ψ|")
    for low, high in ((height[0], -2.5), (-1.5, 1.5), (2.5, height[-1])):
        field.fill_between([-0.6, 0.6], low, high, color=GREY, lw=0)
    field.set(xlabel="position x  (slit widths)", ylabel="position y  (slit widths)")
    field.set_title(f"|ψ|, both open, t = {problem.ts[now]:g}")
    each = {"both slits open": both, "sum of one at a time": alone, "upper slit": upper}
    shades = {f"η = {eta:g}": alone + 2 * eta * cross.real for eta in OVERLAPS}
    draw_lines(screen, y, each, title=f"Flux at L = {L[-1]:g} (dotted: λL/d)")
    draw_lines(marked, y, shades, title="Flux with detector states of overlap η")
    top, side = both.max(), problem.spacing
    for axis in (screen, marked):
        axis.set(xlabel="position y  (slit widths)", ylabel="1000 P(y)")
        axis.set(xlim=(-24, 24), ylim=(0, 1.25 * top))
    screen.vlines([-side, side], 0, top, color=GREY, ls=":", lw=1)
    fringes.plot([0, L[-1]], [0, side], label="λL/d")
    places = [row["first_maximum"] for row in table]
    fringes.plot(L, places, "o", color=VERMILLION, label="first maximum")
    fringes.set(xlabel="distance L of the screen", ylabel="y of the maximum")
    fringes.set_title("First maximum, beside λL/d")
    fringes.legend(loc="upper left")
    return fig


def animate(path, problem, frames, every):
    """Both slits; the upper alone; both, with detectors that distinguish the ways."""
    both, upper, lower = frames[:, ::every]
    behind = np.asarray(problem.grid.coordinates[0])[None, ::2] > 0.6
    watched = np.where(behind, upper + lower, both)
    x, y, maps = plane(problem, np.stack([both, upper, watched], axis=1))
    titles = ("both slits open", "upper slit alone", "both open, watched")
    ts = problem.ts[::every]
    write_animation(path, maps, ts, x, y, titles=titles, labels=("x", "y"))
