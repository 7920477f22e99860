"""Claim: a flux that the wave never touches moves its fringes, but not their envelope.

Two packets pass a thin solenoid, one on either side, spread and meet (ħ = m = q = 1):

    H = (p - qA)²/2m,   ρ = P₁ + P₂ + 2 Re e^{iα} ψ₁*ψ₂,   α = 2πφ,  φ = qΦ/h

Fringes that do not move by φ, a changed envelope, or a wave that enters the field would
refute it.

Verdict: it holds. The fringes move by φ times their spacing, to 1e-5 of it, under the
same envelope; a whole flux quantum moves nothing. At most 1e-5 of the wave is ever in
the field, the only place where a force acts. In the equations of density and action,
the flux enters only through the circulation of v. Bohm's paths with and without flux
differ where the packets meet, far behind the solenoid.

Source: Y. Aharonov and D. Bohm (1959) Phys. Rev. 115, 485; for density and action,
m ∮ v·dl + qΦ = nh with v = (∇S - qA)/m (T. Takabayasi (1952) Prog. Theor. Phys. 8, 143;
T. C. Wallstrom (1994) Phys. Rev. A 49, 1613).
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.animation import write_animation

import jqd
from jqd import steppers
from jqd.ensembles import bohm
from jqd.figures.style import GREY, INK, VERMILLION, subplots
from jqd.readings.slits import slit_amplitudes
from jqd.report import draw_density

# --- Parameters (ħ = m = q = 1) ---------------------------------------------------

DISTANCE, WIDTH = 8.0, 0.5  # of the packets across, standard deviation of |ψ|²
LENGTH, SPEED, BEFORE = 0.7, 9.0, 4.4  # along: deviation, k, initial position
TIME, SAVES, STEP = 4.0, 40, 0.05
SOLENOID = (0.25, 0.5)  # standard deviations of its field, across and along
FLUXES = (0.0, 0.25, 0.5, 0.75, 1.0)
FULL, QUICK = (192, 224), (160, 208)
SPACING = 2 * np.pi * TIME / DISTANCE * (1 + (2 * WIDTH**2 / TIME) ** 2)

# --- A flux, and the packets ------------------------------------------------------


def potential(x, y, flux):
    """A_y of a field Φ g(x) g(y) round 0: all of it on one side, where x < 0.

    Against the motion, so that the wave has fewer wavelengths there, not more.
    """
    across, along = SOLENOID
    beside = (1 - jax.scipy.special.erf(x / (np.sqrt(2) * across))) / 2
    strength = jnp.exp(-((y / along) ** 2) / 2) / (np.sqrt(2 * np.pi) * along)
    return 0 * x * y, -flux * beside * strength


def field(x, y, flux):
    """B = ∂A_y/∂x"""
    across, along = SOLENOID
    shape = jnp.exp(-((x / across) ** 2 + (y / along) ** 2) / 2)
    return flux * shape / (2 * np.pi * across * along)


def law_of(grid, phi):
    A = jax.tree_util.Partial(potential, flux=2 * jnp.pi * phi)
    return jqd.Schrodinger.on_grid(grid, 0 * grid.k2, vector_potential=A)


def start(grid):
    x, y = grid.coordinates
    across = sum(
        jnp.exp(-(((x - side * DISTANCE / 2) / WIDTH) ** 2) / 4) for side in (1, -1)
    )
    along = jnp.exp(-(((y + BEFORE) / LENGTH) ** 2) / 4 + 1j * SPEED * y)
    return grid.normalise(across * along)


def watch(t, psi):
    """The density, and where it is across."""
    density = jnp.abs(psi) ** 2
    return {"film": density[::2, ::2].astype(jnp.float32), "across": density.sum(1)}


# --- Comparison -------------------------------------------------------------------


def phase_of(x, pattern):
    """α and the visibility of ρ = P₁ + P₂ + 2 Re e^{iα} ψ₁*ψ₂, and the residual."""
    waves = np.asarray(slit_amplitudes(x, TIME, distance=DISTANCE, width=WIDTH))
    alone = np.sum(np.abs(waves) ** 2, axis=0) / 2
    shared = np.conj(waves[1]) * waves[0]
    columns = np.stack([shared.real, -shared.imag], axis=1)
    cosine, sine = np.linalg.lstsq(columns, pattern - alone, rcond=None)[0]
    rest = pattern - alone - columns @ [cosine, sine]
    h = x[1] - x[0]
    return np.arctan2(sine, cosine), np.hypot(sine, cosine), h * np.abs(rest).sum()


def run(context):
    shape = QUICK if context.quick else FULL
    fluxes = FLUXES[::2] if context.quick else FLUXES
    grid = jqd.Grid([(-24.0, 24.0), (-8.0, 46.0)], shape)
    ts, psi = np.linspace(0.0, TIME, SAVES + 1), start(grid)
    x, y = (np.ravel(axis) for axis in grid.coordinates)
    steps = round(TIME / SAVES / STEP)
    method = jqd.Fixed(steppers.kahan_li6, steps, estimate_error=False)
    films, patterns, table = [], [], []
    for phi in context.progress(fluxes, "flux"):
        law = law_of(grid, phi)
        found = jqd.evolve(law, law.prepare(psi), ts, method=method, observe=watch)
        films.append(np.asarray(found.values["film"]))
        pattern = np.asarray(found.values["across"][-1]) * grid.spacing[1]
        alpha, visibility, rest = phase_of(x, pattern)
        patterns.append(pattern)
        table.append(
            {
                "flux_over_h": phi,
                "fringes_moved_by": (alpha / (2 * np.pi) + 0.25) % 1 - 0.25,
                "visibility": visibility,
                "left_over": rest,
                "status": found.describe(),
            }
        )
    # --- Result -------------------------------------------------------------------
    inside = field(*grid.coordinates, 1.0)[::2, ::2] > 0.01 * field(0.0, 0.0, 1.0)
    inside = float((films[0] * np.asarray(inside)).sum((1, 2)).max() * 4 * grid.cell)
    paths = guided(grid, psi, ts, context.quick)
    context.save_table(table, "fringes")
    context.save_figure(figure(x, y, fluxes, films, patterns, paths), "aharonov_bohm")
    shown = slice(None, None, 4 if context.quick else 1)
    animate(context.folder / "aharonov_bohm.gif", x, y, films, fluxes, ts, shown)
    axes = {"flux": list(fluxes), "x": x}
    data = xr.Dataset({"density": (("flux", "x"), patterns)}, axes)
    context.save_dataset(data.assign_attrs(units="hbar = m = q = 1"))
    off = [
        (row["fringes_moved_by"] - row["flux_over_h"] + 0.5) % 1 - 0.5 for row in table
    ]
    rest = max(row["left_over"] for row in table)
    holds = max(np.abs(off)) < 1e-4 and rest < 2e-3 and inside < 1e-4
    return {
        "status": "ok" if holds else "The fringes are not where the flux puts them.",
        "fringe_spacing": SPACING,
        "moved_by_less_flux": off,
        "left_over_of_the_envelope": rest,
        "visibility": [row["visibility"] for row in table],
        "largest_share_in_the_field": inside,
        "paths_moved_by": float(np.mean(np.abs(paths[1][-1] - paths[0][-1])[:, 0])),
    }


def guided(grid, psi, ts, quick):
    """Bohm's paths from equal initial positions, for no flux and half a quantum."""
    side = np.linspace(-1.6, 1.6, 5 if quick else 11) * WIDTH
    x0 = np.concatenate([side - DISTANCE / 2, side + DISTANCE / 2])
    x0 = np.stack([x0, np.full(x0.size, -BEFORE)], axis=1)
    found = []
    for phi in (0.0, 0.5):
        paths = bohm(
            law_of(grid, phi), psi, ts, x0=x0, substeps=1, error_paths=0,
            stepper=jqd.steppers.strang, scheme="heun",
        )  # fmt: skip
        found.append(np.asarray(paths.positions))
    return found


# --- Figures ----------------------------------------------------------------------


def figure(x, y, fluxes, films, patterns, paths):
    fig, ((field_, screen, guided_),) = subplots(1, 3, size=(13.0, 4.6))
    cut = np.abs(x[::2]) < 14
    trace = np.sqrt(films[0][::8].max(0))[cut].T
    mesh = draw_density(field_, trace, x[::2][cut], y[::2])
    bar = fig.colorbar(mesh, ax=field_, pad=0.02, fraction=0.05)
    bar.set_label("largest |ψ| of six times")
    field_.plot([0], [0], "o", color="white", ms=4)
    field_.annotate("Φ", (0.7, -1.2), color="white")
    field_.set(xlabel="position x", ylabel="position y", title="Six times, no flux")
    for phi, color, form in ((0.0, GREY, "-"), (0.5, VERMILLION, "-"), (1.0, INK, ":")):
        pattern = patterns[list(fluxes).index(phi)]
        screen.plot(x, pattern, form, color=color, label=f"qΦ/h = {phi:g}")
    screen.legend(loc="upper right")
    screen.set(
        xlabel="position x", ylabel="density at the end", xlim=(-12, 12),
        title="Fringes at the screen, by flux φ",
    )  # fmt: skip
    screen.axvline(0, color=GREY, lw=0.6)
    for k, found in enumerate(paths):
        color = (GREY, VERMILLION)[k]
        guided_.plot(found[..., 0], found[..., 1], color=color, lw=0.8)
        guided_.plot([], [], color=color, label=f"qΦ/h = {(0, 0.5)[k]}")
    guided_.plot([0], [0], "o", color=INK, ms=5)
    guided_.set(xlabel="position x", ylabel="position y")
    guided_.set_title("Bohm's paths, equal initial positions", pad=28)
    guided_.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return fig


def animate(path, x, y, films, fluxes, ts, shown):
    """Densities, each frame over its largest value: the packets spread tenfold."""
    cut = np.abs(x[::2]) < 14
    maps = np.stack([films[0], films[list(fluxes).index(0.5)]], axis=1)[shown][
        :, :, cut
    ]
    maps = maps / maps.max(axis=(1, 2, 3), keepdims=True)
    maps = np.sqrt(np.swapaxes(maps, 2, 3))
    titles = ("no flux", "half a quantum h/q")
    write_animation(
        path, maps, ts[shown], x[::2][cut], y[::2], titles=titles, labels=("x", "y")
    )
