"""Claim: a pointer moved by the way through two slits undoes the fringes by itself.

    H = p²/2 + g(t) tanh(x/w) p_y for a short time, then free: Y goes to a or -a
    P(x) = P₁ + P₂ + η 2 Re ψ₁*ψ₂,  η = exp(-a²/2s²), s² the variance of the pointer
    visibility |η| and knowledge of the way, √(1 - η²): V² + D² = 1

Fringes that survive beyond η would refute the claim.

Verdict: it holds, to 1e-5 of η. Without the pointer no Bohmian path crosses the middle;
behind pointers that lie apart 0.275 of them do, and as many of Nelson's, since there
each packet spreads by itself. The pointer shows the slit; measured_path.py finds that a
pointer does not show where a path was.

Source: J. von Neumann (1932) for the coupling; B.-G. Englert (1996)
Phys. Rev. Lett. 77, 2154 for the duality. Zakir, "Diffusion treatment of quantum theory
and gravity. 1", appendix C, says that watching removes the fringes; here that follows
from the motion of x and y together, where two_slits.py puts η in.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.animation import write_frames
from _support.statistics import mean_error

import jqd
from jqd.ensembles import nelson
from jqd.exact import free_gaussian
from jqd.figures.style import BLUE, GREY, INK, VERMILLION, subplots

# --- Parameters (ħ = m = 1) -------------------------------------------------------

SLIT, WIDTH, END = 2.0, 0.3, 2.0
VARIANCE, EDGE, ON = 0.25, 0.15, 0.02
FAR = 2.0  # where pointers lie apart: η = 3e-4
CROSSING = 0.275059  # Φ(-(d/2)/σ(T)): the share there, each packet by itself
NUS = {"Bohm": 0.0, "Nelson": 0.5}
FULL = (640, 48, (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0), 4000, 120, 60)
QUICK = (320, 32, (0.0, 0.5, 1.0, 2.0), 400, 40, 12)

# --- Wave -------------------------------------------------------------------------


def free(x, y):
    return 0 * x


def side(x, y):
    return jnp.tanh(x / EDGE)


def problem(points, pointer):
    grid = jqd.Grid([(-28.0, 28.0), (-5.0, 5.0)], (points, pointer))
    x, y = grid.coordinates
    slits = sum(jnp.exp(-((x - c) ** 2) / (4 * WIDTH**2)) for c in (SLIT, -SLIT))
    return grid, grid.normalise(slits * jnp.exp(-(y**2) / (4 * VARIANCE)) + 0j)


def law(grid, a, on=ON):
    g = jqd.spaces.named_pulse("square", height=a / on, start=0.0, end=on)
    return jqd.Schrodinger.on_grid(
        grid, free, mass=[1.0, np.inf], couplings={1: (side, g)}
    )


def density(grid, psi, a, ts, on=ON):
    method = jqd.Fixed(jqd.steppers.srkn11, 2, estimate_error=False)
    run = jqd.evolve(law(grid, a, on), psi, ts, method=method, observe="density")
    return np.asarray(run.values)


def overlap(grid, P):
    """η of a pattern, and its residual in L1."""
    x = np.ravel(grid.coordinates[0])
    up, low = (
        np.asarray(free_gaussian(x, END, center=c, width=WIDTH)) / np.sqrt(2)
        for c in (SLIT, -SLIT)
    )
    cross = 2 * np.real(np.conj(up) * low)
    rest = P - np.abs(up) ** 2 - np.abs(low) ** 2
    eta = rest @ cross / (cross @ cross)
    return eta, np.sum(np.abs(rest - eta * cross)) * grid.spacing[0]


def crossed(grid, psi, a, count, substeps):
    """Share of the paths of the upper slit that end below, and its standard error.

    Of both kinds of paths at once: they share the wave.
    """
    ts, moving = jnp.array([0.0, ON, END]), law(grid, a)

    def positions(nu):
        return nelson(
            moving, psi, ts, jax.random.key(1), nu=jnp.stack([nu, 0 * nu]), paths=count,
            substeps=substeps, error_paths=0,
        ).positions  # fmt: skip

    found = []
    for x in np.asarray(jax.vmap(positions)(jnp.array(list(NUS.values()))))[..., 0]:
        upper = (x[0] > 0) & np.isfinite(x[-1])
        found.append(np.array(mean_error(x[-1][upper] < 0)))
    return dict(zip(NUS, found, strict=True))


def run(context):
    points, pointer, places, count, substeps, frames = QUICK if context.quick else FULL
    grid, psi = problem(points, pointer)
    ts = jnp.array([0.0, END])
    patterns, table = {}, []
    for a in context.progress(places, "pointers"):
        P = density(grid, psi, a, ts)[1].sum(axis=1) * grid.spacing[1]
        eta, left = overlap(grid, P)
        expected = np.exp(-(a**2) / (2 * VARIANCE))
        patterns[a] = P
        table.append({"a": a, "eta": eta, "formula": expected, "L1_left": left})
    found = {
        said: crossed(grid, psi, a, count, substeps)
        for said, a in (("no pointer", 0.0), ("a pointer", FAR))
    }
    shares = {f"{name}, {said}": found[said][name] for name in NUS for said in found}
    # --- Result -------------------------------------------------------------------
    context.save_table(table, "overlaps")
    data = {"pattern": (("a", "x"), [patterns[a] for a in places])}
    at = {"a": list(places), "x": np.ravel(grid.coordinates[0])}
    about = {"units": "hbar = m = 1", "pointer_variance": VARIANCE}
    context.save_dataset(xr.Dataset(data, at, about))
    context.save_figure(figure(grid, patterns, table, shares), "which_path_pointer")
    film = context.folder / "which_path_pointer.gif"
    animate(film, grid, psi, frames, max(1, substeps // frames))
    gap = max(abs(row["eta"] - row["formula"]) for row in table)
    apart = [share for name, share in shares.items() if "a pointer" in name]
    off = max(abs(value - CROSSING) / error for value, error in apart)
    stay = shares["Bohm, no pointer"][0]
    holds = gap < 1e-4 and off < 4 and stay == 0
    return {
        "status": "ok" if holds else "The pointer does not act as claimed.",
        "largest_error_of_the_overlap": gap,
        "bohm_paths_that_cross_without_a_pointer": stay,
        "paths_that_cross_with_one": {n: v[0] for n, v in shares.items()},
        "deviation_from_0.275_in_standard_errors": off,
    }


# --- Figures ----------------------------------------------------------------------


def figure(grid, patterns, table, shares):
    x = np.ravel(grid.coordinates[0])
    fig, axes = subplots(1, 3, size=(12.6, 4.0))
    axis = axes[0, 0]
    for a, color in zip(
        (0.0, 0.5, max(patterns)), (INK, BLUE, VERMILLION), strict=True
    ):
        axis.plot(x, patterns[a], color=color, label=f"a = {a:g}", lw=1.2)
    axis.set(xlabel="position x", ylabel="P(x)", xlim=(-12, 12), ylim=(0, None))
    axis.set_title("Fringes, by displacement a of the pointer")
    axis.legend(fontsize=8)
    axis, a = axes[0, 1], np.array([row["a"] for row in table])
    fine = np.linspace(0, a.max(), 200)
    eta = np.exp(-(fine**2) / (2 * VARIANCE))
    axis.plot(fine, eta, color=BLUE, label="|η|, the visibility")
    axis.plot(fine, np.sqrt(1 - eta**2), color=VERMILLION, label="√(1 - η²), the way")
    axis.plot(a, [row["eta"] for row in table], "o", color=BLUE)
    axis.set(xlabel="a  (the pointer has s = 0.5)", ylabel="η, and √(1 - η²)")
    axis.set(ylim=(0, 1.15))
    axis.set_title("Overlap from the motion (dots)\nand exp(-a²/2s²)")
    axis.legend(fontsize=8, loc="center right")
    axis = axes[0, 2]
    values = np.array(list(shares.values()))
    axis.barh(list(shares), values[:, 0], xerr=values[:, 1], color=BLUE, height=0.5)
    axis.axvline(CROSSING, color=GREY, lw=1, ls="--")
    axis.invert_yaxis()
    axis.set(xlabel="paths that cross the middle", xlim=(0, 0.36))
    axis.set_title("Share of paths that cross the middle")
    return fig


def animate(path, grid, psi, frames, substeps):
    """|Ψ(x, y)|² as the pointer is switched on, with Bohm's paths, and P(x)."""
    on, ts = 0.4, np.linspace(0, END, frames)
    x, y = (np.ravel(c) for c in grid.coordinates)
    cases = (0.0, 1.5)
    maps = [density(grid, psi, a, jnp.asarray(ts), on) for a in cases]
    paths = [
        np.asarray(
            nelson(
                law(grid, a, on), psi, ts, jax.random.key(2), nu=[0.0, 0.0], paths=60,
                substeps=substeps, error_paths=0,
            ).positions
        )
        for a in cases
    ]  # fmt: skip
    fig, axes = subplots(2, 2, size=(9.0, 5.2), sharex=True)
    meshes, dots, lines = [], [], []
    for column, title in enumerate(("no pointer", "the way moves the pointer")):
        top, bottom = axes[:, column]
        meshes.append(
            top.pcolormesh(x, y, np.sqrt(maps[column][0].T), cmap="Blues", vmin=0)
        )
        dots.append(top.plot([], [], ".", color=VERMILLION, ms=3)[0])
        lines.append(bottom.plot(x, 0 * x, color=INK, lw=1.2)[0])
        top.set(xlim=(-11, 11), ylim=(-3.2, 3.2), ylabel="pointer y", title=title)
        bottom.set(xlabel="position x", ylabel="P(x)", ylim=(0, 0.32))
    heading = fig.suptitle("", x=0.02, ha="left")

    def draw():
        for k, t in enumerate(ts):
            for column in range(2):
                values = maps[column][k]
                meshes[column].set_array(np.sqrt(values.T))
                meshes[column].set_clim(0, np.sqrt(values.max()))
                dots[column].set_data(*paths[column][k].T)
                marginal = values.sum(axis=1) * grid.spacing[1]
                lines[column].set_data(x, marginal)
            state = "on" if t < on else "off"
            heading.set_text(f"t = {t:.2f}, coupling {state}")
            yield

    write_frames(path, fig, draw(), fps=12)
