"""Claim: at a magnet the initial position decides a particle's way, not a spin it has.

A beam of spins, |c₊|² of them up, passes a magnet that pushes up and down apart
(ħ = m = 1; one dimension, along the field):

    H = p²/2 - F z σz,   ψ = (c₊ ψ₊, c₋ ψ₋),   ψ± Gaussians at ±Ft²/2
    Bohm:    up if and only if z₀ > z* = s₀ Φ⁻¹(1 - |c₊|²)
    Nelson:  P(up | z₀) rises smoothly; of all particles |c₊|² go up

An edge elsewhere than z*, or shares other than |c₊|², would refute the claim.

Verdict: it holds for paths that nothing measures. The edge of Bohm's paths is where the
formula puts it. The spin assigned to a path, ψ†σψ/ψ†ψ, is at first that of the beam
everywhere and turns up or down as the packets part. Nelson's noise blurs the edge. Both
keep the density at all times, and with it the shares, which alone are observed.

Source: D. Bohm, R. Schiller and J. Tiomno (1955) Nuovo Cimento Suppl. 1, 48; H. Pauli's
equation with B = (B₀ + bz) along z, which leaves out the -bx that ∇·B = 0 demands
across the beam; this is right where a strong B₀ turns the spin so fast about z that -bx
averages out.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.animation import time_text, write_frames
from scipy.stats import norm

import jqd
from jqd.ensembles import bohm, nelson, path_spin
from jqd.figures.style import BLUE, GREY, INK, VERMILLION, subplots

# --- Parameters (ħ = m = 1, so D = 1/2) -------------------------------------------

UP, FORCE, WIDTH = 0.3, 1.5, 1.0
GRID = jqd.Grid((-48.0, 48.0), 768)
TIMES = np.linspace(0.0, 6.0, 49)
SHOWN = 24  # paths in the figures
STARTS = np.linspace(-2.5, 2.5, 11)

LAW = jqd.Pauli(GRID, lambda z: 0 * z, lambda z: FORCE * z, g=2.0, charge=2.0)
PSI = jnp.multiply.outer(
    jnp.sqrt(jnp.array([UP, 1 - UP])) + 0j,
    GRID.normalise(jnp.exp(-(GRID.x**2) / (4 * WIDTH**2))),
)
EDGE = WIDTH * norm.ppf(1 - UP)

# --- Comparison -------------------------------------------------------------------


def edge_of_bohm():
    """Between the last of 401 positions that goes down and the first that goes up."""
    starts = np.linspace(EDGE - 0.2, EDGE + 0.2, 401)
    paths = bohm(LAW, PSI, TIMES[[0, -1]], x0=starts, substeps=100, error_paths=0)
    up = np.asarray(paths.positions[-1, :, 0]) > 0
    first = int(np.argmax(up))
    assert up[first:].all()  # paths in one dimension keep their order
    return (starts[first - 1] + starts[first]) / 2


def chances(number, key):
    """P(up | z₀) of Nelson's paths, and the share of all of them that go up."""
    x0 = np.repeat(STARTS, number)
    paths = nelson(
        LAW, PSI, TIMES[[0, -1]], key, x0=x0, substeps=200, error_paths=0
    )  # fmt: skip
    up = np.asarray(paths.positions[-1, :, 0] > 0).reshape(STARTS.size, number)
    whole = nelson(
        LAW, PSI, TIMES[[0, -1]], key, paths=5 * number, substeps=200, error_paths=0
    )
    return up.mean(axis=1), float((whole.positions[-1] > 0).mean()), whole


def run(context):
    number = 400 if context.quick else 8000
    edge = edge_of_bohm()
    chance, share, whole = chances(number, jax.random.key(0))
    # paths to draw: every quantile of the beam once
    shown = norm.ppf((np.arange(SHOWN) + 0.5) / SHOWN) * WIDTH
    options = {"x0": shown, "error_paths": 0}
    kinds = {
        "Bohm": bohm(LAW, PSI, TIMES, substeps=4, **options),
        "Nelson": nelson(LAW, PSI, TIMES, jax.random.key(1), substeps=8, **options),
    }
    run = jqd.evolve(LAW, PSI, TIMES, method=jqd.Fixed(jqd.steppers.srkn11, 4))
    places = {name: np.asarray(paths.positions) for name, paths in kinds.items()}
    spins = {
        name: np.asarray(path_spin(LAW, run.values, x))[..., 2]
        for name, x in places.items()
    }
    density = np.asarray(jax.vmap(LAW.density)(run.values))

    # --- Result -------------------------------------------------------------------
    error = np.sqrt(UP * (1 - UP) / (5 * number))
    context.save_figure(figure(places, spins, chance, number), "stern_gerlach")
    every = 4 if context.quick else 1
    animate(context.folder / "stern_gerlach.gif", places, spins, density, every)
    data = xr.Dataset(
        {
            "chance_of_up": ("start", chance),
            "path": (("law", "t", "n"), [x[..., 0] for x in places.values()]),
            "spin": (("law", "t", "n"), list(spins.values())),
        },
        {"start": STARTS, "law": list(places), "t": TIMES},
        {"units": "hbar = m = 1", "paths": number},
    )
    context.save_dataset(data)
    bohms = places["Bohm"][-1, :, 0] > 0
    decided = np.array_equal(bohms, shown > EDGE)
    blurred = bool(0.1 < np.interp(EDGE, STARTS, chance) < 0.9)
    holds = (
        abs(edge - EDGE) < 2e-3 and decided and blurred and abs(share - UP) < 4 * error
    )
    return {
        "status": "ok" if holds else "The paths are not as expected.",
        "edge_of_bohm": edge,
        "edge_by_the_formula": EDGE,
        "nelson_up_from_the_edge": float(np.interp(EDGE, STARTS, chance)),
        "nelson_up_from_0": chance[STARTS.size // 2],
        "nelson_share_up": share,
        "standard_error": error,
        "share_up": UP,
        "nelson_distance_to_density": float(whole.ks[-1, 0]),
        "line_95": float(whole.ks_line),
    }


# --- Figures ----------------------------------------------------------------------


def figure(places, spins, chance, number):
    fig, axes = subplots(1, 3, size=(13.0, 4.4))
    for axis, (name, x) in zip(axes[0], places.items(), strict=False):
        draw_paths(axis, x, spins[name])
        axis.set(xlabel="time t  (ms₀²/ħ)", ylabel="height z  (s₀)", ylim=(-36, 36))
    axes[0, 0].set_title("Bohm: paths from the same positions")
    axes[0, 1].set_title("Nelson: paths from the same positions")
    axis = axes[0, 2]
    axis.axvline(EDGE, color=GREY, lw=0.8)
    axis.annotate("z*", (EDGE + 0.07, 0.02), color=INK)
    steps = [-2.5, EDGE, EDGE, 2.5]
    axis.plot(steps, [0, 0, 1, 1], color=INK, label="Bohm")
    error = np.sqrt(np.maximum(chance * (1 - chance), 1 / number) / number)
    axis.errorbar(
        STARTS, chance, 2 * error, fmt="o", color=BLUE, label="Nelson ± 2 s.e."
    )
    axis.set(xlabel="initial position $z_0$  (s₀)", ylabel="share that goes up")
    axis.set_title("Share that goes up over initial position")
    axis.legend(loc="upper left", fontsize=9)
    return fig


def draw_paths(axis, x, spin):
    """One line per path, coloured by the spin where it is."""
    for path, s in zip(x[..., 0].T, spin.T, strict=True):
        axis.plot(TIMES, path, color=GREY, lw=0.9, zorder=1)
        for sign, color in ((1, VERMILLION), (-1, BLUE)):
            axis.plot(TIMES, np.where(sign * s > 0, path, np.nan), color=color, lw=0.9)
    axis.plot([], [], color=VERMILLION, label="spin up there")
    axis.plot([], [], color=BLUE, label="spin down there")
    axis.legend(loc="upper left", fontsize=9)


def animate(path, places, spins, density, every):
    """The density and the paths of both kinds in motion, some of the times."""
    fig, axes = subplots(2, 1, size=(7.2, 5.0), sharex=True)
    z, drawn = np.asarray(GRID.x), []
    for axis, name in zip(axes[:, 0], places, strict=True):
        (curve,) = axis.plot(z, density[0], color=GREY, lw=1)
        dots = axis.scatter(
            places[name][0, :, 0], np.zeros(SHOWN), c=spins[name][0], cmap="coolwarm",
            vmin=-1, vmax=1, s=26, edgecolors=INK, linewidths=0.4, zorder=3,
        )  # fmt: skip
        axis.set(
            xlim=(-34, 34), ylim=(-0.04, 0.42), ylabel="density  (1/s₀)", title=name
        )
        drawn.append((curve, dots, name))
    axes[1, 0].set_xlabel("z  (s₀); colour: the spin along z where a path is")
    heading = fig.suptitle("", x=0.02, ha="left")

    def frames():
        for k, t in list(enumerate(TIMES))[::every]:
            for curve, dots, name in drawn:
                curve.set_ydata(density[k])
                here = np.stack([places[name][k, :, 0], np.zeros(SHOWN)], axis=1)
                dots.set_offsets(here)
                dots.set_array(spins[name][k])
            heading.set_text(time_text(t))
            yield

    write_frames(path, fig, frames())
