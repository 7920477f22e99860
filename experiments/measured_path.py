"""Claim: measured, Nelson's paths give quantum mechanics; unmeasured, they do not.

    H = p²/2 + x²/2 + G δ(t) x p_y: a pointer Y, read at t = 0; a second one reads X(t)
    readings, any noise ν:     E[Y X(t)]/G = ½ cos ωt
    paths nobody measures:     E[X(0) X(t)] = ½ exp(-2νt)
    paths that are measured:   dK/dt = BK, B = [(FC)_zz - N] C_zz^{-1}, which turns to
                               ½ cos ωt at ωt = π as the pointer sharpens

Pointer readings that depend on ν, or differ from quantum mechanics, would refute it.

Control: paths with a pointer that is not coupled, G = 0, must forget as ½ exp(-2νt).

Verdict: it holds. The readings are those of quantum mechanics for Nelson's paths,
Bohm's and others, whatever the pointer, since the density of pointer and particle
together is |Ψ|² at every time. A measured path moves differently from an unmeasured
one: after half a period it is on the other side. After a quarter period the correlation
of the paths is that of unmeasured paths, at any strength, while that of the readings is
0: the readings do not follow the path. So ν is not observed, and no such experiment
distinguishes Nelson's paths from Bohm's.

Context: Z. Zakir's particles "move along classical, but random in each small section,
trajectories" (Diffusion treatment of quantum theory and gravity. 1). H. Grabert, P.
Hänggi and P. Talkner, Phys. Rev. A 19, 2440 (1979), compare correlations of such paths
at two times with those of quantum mechanics; P. Blanchard, S. Golin and M. Serva, Phys.
Rev. D 34, 3732 (1986), treat repeated measurements of them. The paths of D. Bohm, Phys.
Rev. 85, 166 (1952), are the case ν = 0.

Source: E. Nelson (1966) Phys. Rev. 150, 1079 for the process; moments in closed form,
`jqd.exact.gaussian_paths`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.animation import write_frames
from _support.figures import MARKERS
from _support.statistics import mean_error

import jqd
from jqd import exact
from jqd.ensembles import conditional_wave, nelson
from jqd.figures.style import BLUE, CYCLE, GREY, INK, VERMILLION, subplots
from jqd.report.tables import plus_minus

# --- Parameters (ħ = m = ω = 1, so D = 1/2; G = 1) --------------------------------

NUS = (0.0, 0.25, 0.5, 1.0)
NAMES = ("0  (Bohm)", "D/2", "D  (Nelson)", "2D")
DASHES = ("-", "-.", "-", ":")
VARIANCES = (0.5, 0.1)  # of the pointer: a sharper one kicks harder
TS = np.linspace(0, 1.25 * np.pi, 11)
GRID = jqd.Grid([(-9.0, 9.0), (-6.5, 6.5)], (72, 96))
FRAMES, SHOWN = 72, 40
NELSON = NUS.index(0.5)

# --- Wave and paths ---------------------------------------------------------------


def well(x, y):
    return x**2 / 2


def position(x, y):
    return x


def law(G):
    """With a pointer that moves by G x at t = 0."""
    couplings = {1: (position, jqd.spaces.impulse(0.0, G))}
    return jqd.Schrodinger.on_grid(GRID, well, mass=[1.0, np.inf], couplings=couplings)


def start(variance):
    x, y = GRID.coordinates
    return GRID.normalise(jnp.exp(-(x**2) / 2 - y**2 / (4 * variance)) + 0j)


def sample(variance, count, seed):
    """X(0) X(t) of paths and Y X(t) of readings: means and standard errors, (ν, t).

    All strengths of the noise at once: they share the wave.
    """
    moving, psi = law(1.0), start(variance)

    def positions(nu, key):
        return nelson(
            moving, psi, TS, key, nu=jnp.stack([nu, 0 * nu]), paths=count, substeps=15,
            error_paths=0,
        ).positions  # fmt: skip

    keys = jax.vmap(jax.random.key)(seed + np.arange(len(NUS)))
    found = jax.vmap(positions)(jnp.array(NUS), keys)
    x, y = np.moveaxis(np.asarray(found), 3, 0)
    return [mean_error(product, axis=2) for product in (x[:, :1] * x, y * x)]


def theory(variance, nu, ts, G=1.0):
    """The same from the moment equations."""
    H = exact.quadratic_hamiltonian([1.0, np.inf], np.diag([1.0, 0.0]))
    C = np.diag([0.5, variance, 0.5, 1 / (4 * variance)])
    read = [(0.0, exact.impulse_map(2, 1, [1.0, 0.0], G))]
    found = exact.gaussian_paths(C, ts, H, nu=[nu, 0.0], impulses=read)
    return np.asarray(found.correlation[:, 0, 0]), np.asarray(found.covariance[:, 0, 1])


def tracks(frames, count):
    """Nelson's paths over a period, without and with a sharp pointer at t = 0."""
    ts = np.linspace(0, 2 * np.pi, frames)
    runs = [
        nelson(
            law(G), start(VARIANCES[1]), ts, jax.random.key(3), nu=[NUS[NELSON], 0.0],
            paths=count, error_paths=0, substeps=max(1, 180 // frames),
        ).positions
        for G in (0.0, 1.0)
    ]  # fmt: skip
    return ts, [np.asarray(positions) for positions in runs]


def run(context):
    count = 1000 if context.quick else 20_000
    shape = (len(VARIANCES), len(NUS), TS.size)
    paths, records = np.empty((2, *shape)), np.empty((2, *shape))
    sigmas = []
    for i, variance in enumerate(context.progress(VARIANCES, "pointers")):
        found = sample(variance, count, 10 * i)
        known = zip(*(theory(variance, nu, TS) for nu in NUS), strict=True)
        for kept, (value, error), curves in zip(
            (paths, records), found, known, strict=True
        ):
            kept[:, i] = value, error
            sigmas.append(np.abs(value - np.array(curves)) / error)
    # --- Result -------------------------------------------------------------------
    sigmas = np.array(sigmas)
    axes = ("pointer", "noise", "t")
    data = {
        "path": (axes, paths[0]), "path_error": (axes, paths[1]),
        "record": (axes, records[0]), "record_error": (axes, records[1]),
    }  # fmt: skip
    at = {"pointer": list(VARIANCES), "noise": list(NAMES), "t": TS}
    about = {"units": "hbar = m = omega = G = 1", "paths": count}
    context.save_dataset(xr.Dataset(data, at, about))
    # few paths beside the others, but enough for errors of some hundredths
    ts, runs = tracks(FRAMES // (6 if context.quick else 1), max(count // 10, 400))
    free = runs[0][:, :, 0]
    control = ts, *mean_error(free[:1] * free, axis=1)
    forgets = np.exp(-2 * NUS[NELSON] * ts) / 2
    lost = np.abs(control[1] - forgets) / control[2]
    context.save_figure(figure(paths, records, control), "measured_path")
    animate(context.folder / "measured_path.gif", ts, runs)
    cases = ((VARIANCES[0], 0.0), *((v, 1.0) for v in VARIANCES))
    quarter, half = np.transpose(
        [theory(v, 0.5, [0.0, np.pi / 2, np.pi], G)[0][1:] for v, G in cases]
    )
    off = np.abs(records[0] - np.cos(TS) / 2) / records[1]
    # of 176 numbers in standard errors one in 1e4 is beyond 4.5 by chance
    agree = max(sigmas.max(), off.max(), lost.max()) < 4.5
    holds = agree and half[0] > 0 > half[1] > half[2] and np.ptp(quarter) < 1e-6
    nearest = int(np.argmin(np.abs(TS - np.pi)))
    path, reading = (
        plus_minus(*map(float, found[:, -1, NELSON, nearest]))
        for found in (paths, records)
    )
    return {
        "status": "ok" if holds else "The paths or the readings are not as expected.",
        "verdict": (
            f"After half a period, with the sharp pointer, Nelson's paths have "
            f"<x(0) x(t)> = {path} and the readings <Y x(t)>/G = {reading}; quantum "
            f"mechanics has -0.5, and paths that nobody measures {half[0]:.3f}. The "
            f"largest of {off.size} deviations of readings from quantum mechanics is "
            f"{off.max():.1f} standard errors."
        ),
        "unmeasured_from_exp_in_standard_errors": lost.max(),
        "nelson_at_a_quarter_unmeasured_weak_strong": quarter,
        "paths": count,
        "largest_deviation_in_standard_errors": sigmas.max(),
        "records_from_quantum_in_standard_errors": off.max(),
        "nelson_at_half_a_period_unmeasured_weak_strong": half,
        "records_at_half_a_period": -0.5,
    }


# --- Figures ----------------------------------------------------------------------


def figure(paths, records, control):
    fig, axes = subplots(1, 3, size=(12.6, 4.0), sharey=True)
    fine = np.linspace(0, TS[-1], 60)
    titles = (
        "Paths that nobody measures",
        f"Paths, read by a pointer\nof variance {VARIANCES[0]:g} at t = 0",
        f"Paths, read by a sharp pointer\nof variance {VARIANCES[1]:g} at t = 0",
    )
    for panel, (axis, title) in enumerate(zip(axes[0], titles, strict=True)):
        i = max(panel - 1, 0)
        axis.axhline(0, color=GREY, lw=0.6)
        axis.plot(fine / np.pi, np.cos(fine) / 2, "--", color=INK, lw=2.2)
        for j, nu in enumerate(NUS):
            curve = theory(VARIANCES[i], nu, fine, float(panel > 0))[0]
            form = {"color": CYCLE[j], "lw": 1}
            marks = {} if panel else {"marker": MARKERS[j], "markevery": (3 * j, 16)}
            axis.plot(
                fine / np.pi, curve, DASHES[j], ms=3, label=NAMES[j], **form, **marks
            )
            if panel > 0:
                for found, mark in ((paths, MARKERS[j]), (records, "x")):
                    value, error = found[:, i, j]
                    axis.errorbar(TS / np.pi, value, 2 * error, fmt=mark, ms=4, **form)
        axis.set(xlabel="ωt / π", ylim=(-0.62, 0.7))
        axis.set_title(title)
    ts, value, error = (each[control[0] < TS[-1]] for each in control)
    axes[0, 0].errorbar(
        ts / np.pi, value, 2 * error, fmt="P", color=CYCLE[NELSON], ms=5, mec="white",
        mew=0.5, lw=1, label="D, sampled (G = 0)",
    )  # fmt: skip
    axes[0, 0].set_ylabel("<x(0) x(t)>,  <Y x(t)>/G   (ħ/mω)")
    axes[0, 0].legend(title="ν", fontsize=8, loc="lower left")
    axes[0, 1].annotate(
        "crosses: readings, any ν;\ndashed, thick: ½ cos ωt", (0.58, 0.42), color=INK
    )
    return fig


def animate(path, ts, runs):
    """Unmeasured paths beside some that were measured at t = 0, with the wave that
    guides one of them."""
    psi = start(VARIANCES[1])
    method = jqd.Fixed(jqd.steppers.srkn11, 2, estimate_error=False)
    waves = jqd.evolve(law(1.0), psi, ts, method=method).values
    chosen = int(np.argmax(runs[1][0, :SHOWN, 0]))

    def guide(wave, places):
        found = conditional_wave(GRID, wave, places, 1)
        return jnp.abs(found.psi[0]) ** 2

    guides = jax.vmap(guide)(waves, jnp.asarray(runs[1][:, chosen : chosen + 1]))
    x = np.ravel(GRID.coordinates[0])
    rest = np.exp(-(x**2)) / np.sqrt(np.pi)
    fig, axes = subplots(1, 2, size=(8.4, 3.8), sharey=True)
    tracks, fronts, curves = [], [], []
    for axis, title in zip(
        axes[0], ("nobody measures", "a sharp pointer has read X(0)"), strict=True
    ):
        axis.set(xlabel="x  (√(ħ/mω))", xlim=(-4.5, 4.5), ylim=(0, 2), title=title)
        axis.set_ylabel("ωt / π")
        lines = axis.plot(np.zeros((1, SHOWN)), color=GREY, lw=0.5, alpha=0.6)
        lines[chosen].set(color=VERMILLION, lw=1.4, alpha=1)
        tracks.append(lines)
        fronts.append(axis.plot([], [], ".", color=INK, ms=3)[0])
        curves.append(axis.plot([], [], color=BLUE, lw=1.2)[0])

    def draw():
        for k, t in enumerate(ts):
            for side, wave in enumerate((rest, guides[k])):
                seen = runs[side][: k + 1, :SHOWN, 0]
                for number, line in enumerate(tracks[side]):
                    line.set_data(seen[:, number], ts[: k + 1] / np.pi)
                fronts[side].set_data(seen[-1], np.full(SHOWN, t / np.pi))
                curves[side].set_data(x, t / np.pi + 0.25 * np.asarray(wave))
            yield

    write_frames(path, fig, draw(), fps=12)
