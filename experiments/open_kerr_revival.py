"""Claim: collapse and revival in a Kerr cavity with loss distinguish C = 0.99 from 1.

    <α> at C = 1:   α₀ e^(-Dt/2) exp(|α₀|² (f - 1)),   f = e^(-λt) + (D/λ)(1 - e^(-λt)),
    λ = D + iU,   H = U n(n - 1)/2 + const,   photons lost at the rate D each

Here C multiplies the diffusion of the Hamiltonian and leaves the bath alone. A standard
error of C above 0.01/3, at which 0.99 lies three errors from 1, refutes the claim at
that loss.

Verdict: it holds where loss is slow. The mean amplitude returns at Ut = 2π/C and, at
C = 1, as quantum optics says. With errors of 0.03 in each quadrature of <α> at 100
times, C = 0.99 lies three standard errors from 1 up to D = 0.16 U. If U, D and the
coefficient of n in H are fitted too, they absorb most of the effect of C, and it does
so up to D = 0.08 U.

Source: closed form of the Husimi law with a bath; at C = 1 Milburn and Holmes, Phys.
Rev. Lett. 56, 2237 (1986), written here photon by photon: one that is lost at τ has
turned <α> by Uτ. The setting is that of Kirchmair et al., Nature 495, 205 (2013), where
U exceeds D.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_lines, figure_time_strip
from _support.growth import first_passage

from jqd.exact import open_kerr, open_kerr_amplitude
from jqd.figures.style import CYCLE, GREY, subplots
from jqd.states import phase_grid

# --- Parameters (ħ = U = 1) -------------------------------------------------------

ALPHA = 2.0
KERR = {"U": 1.0, "b": -4.0, "alpha0": ALPHA}
STRENGTHS = (0.9, 1.0, 1.1)
LOSSES = (0.0, 0.01, 0.03, 0.1)
LAST = 2.5 * np.pi
ERRORS = (0.02, 0.03, 0.05)  # of each quadrature of <α> at each time
TOLD = 0.01 / 3  # standard error of C that puts 0.99 at three errors from 1
FREE = ("C", "U", "b", "loss")
LEVELS = 72

# --- How well data of <α> determine C ----------------------------------------------


def photon_by_photon(t, loss):
    """<α> of quantum optics."""
    rate = loss + 1j
    left = np.exp(-rate * t)
    turned = left + loss / rate * (1 - left)
    return ALPHA * np.exp(-loss * t / 2 + ALPHA**2 * (turned - 1))


def standard_errors(losses, ts):
    """Of C by unit error at C = 1: all else known, and U, b and D fitted as well."""

    def record(constants):
        kwargs = KERR | dict(zip(FREE, constants, strict=True))
        mean = open_kerr_amplitude(ts, **kwargs)
        return jnp.concatenate([mean.real, mean.imag])

    at = jnp.stack([jnp.array([1.0, KERR["U"], KERR["b"], D]) for D in losses])
    slopes = np.asarray(jax.jit(jax.vmap(jax.jacfwd(record)))(at))
    information = np.einsum("lti,ltj->lij", slopes, slopes)
    known = 1 / np.sqrt(information[:, 0, 0])
    return known, np.sqrt(np.linalg.inv(information)[:, 0, 0])


def largest_loss(losses, errors):
    """Where the standard error passes `TOLD`; NaN if no loss of the range does."""
    if not errors[0] < TOLD < errors[-1]:
        return np.nan
    return np.exp(first_passage(np.log(losses), errors, TOLD))


# --- Comparison -------------------------------------------------------------------


def run(context):
    ts = np.linspace(0, LAST, 401)
    x = np.linspace(-3.5, 3.5, 25 if context.quick else 61)
    plane = phase_grid(x, x)
    means = np.zeros((len(STRENGTHS), len(LOSSES), ts.size), complex)
    maps = np.zeros((len(STRENGTHS), len(LOSSES), *plane.shape))
    for i, C in enumerate(context.progress(STRENGTHS, "strengths of the diffusion")):
        for j, D in enumerate(LOSSES):
            kwargs = KERR | {"C": C, "loss": D}
            means[i, j] = open_kerr_amplitude(ts, **kwargs)
            maps[i, j] = open_kerr(plane, 2 * np.pi, levels=LEVELS, **kwargs)
    optics = np.stack([photon_by_photon(ts, D) for D in LOSSES])
    late = ts > LAST / 2
    peaks = ts[late][np.argmax(np.abs(means[:, 0, late]), axis=-1)]
    rows = [
        {"C": C, "loss": D, "largest_mean_after_collapse": np.max(np.abs(m[late]))}
        for C, at_C in zip(STRENGTHS, means, strict=True)
        for D, m in zip(LOSSES, at_C, strict=True)
    ]
    losses = np.geomspace(1e-3, 3, 25 if context.quick else 61)
    errors = np.stack(standard_errors(losses, ts[4::4]))
    limits = {
        f"{sigma:g}": [largest_loss(losses, sigma * e) for e in errors]
        for sigma in ERRORS
    }
    near = np.stack(
        [open_kerr_amplitude(ts, **KERR | {"C": 0.99, "loss": D}) for D in LOSSES]
    )
    apart = np.max(np.abs(near - means[1]), axis=-1)

    # --- Result -------------------------------------------------------------------
    context.save_figure(figure(ts, means), "revival")
    names = [f"C = {C:g}" for C in STRENGTHS]
    labels = [f"D = {D:g} U" for D in LOSSES]
    context.save_figure(figure_time_strip(maps, labels, x, x, names=names), "maps")
    context.save_figure(figure_limits(losses, errors), "limits")
    context.save_table(rows, "revivals")
    parts = np.stack([means.real, means.imag], axis=-1)
    data = {
        "mean": (("C", "loss", "time", "part"), parts),
        "density": (("C", "loss", "y", "x"), maps),
        "standard_error": (("fitted", "fine_loss"), errors),
    }
    axes = {"C": list(STRENGTHS), "loss": list(LOSSES), "time": ts, "x": x, "y": x}
    axes |= {"part": ["real", "imaginary"], "fine_loss": losses}
    axes |= {"fitted": ["C", ", ".join(FREE)]}
    about = {"units": "hbar = U = 1", "alpha0": ALPHA}
    context.save_dataset(xr.Dataset(data, axes, about))
    gap = np.max(np.abs(means[1] - optics))
    contrast = np.abs(means[1, :, np.argmin(np.abs(ts - 2 * np.pi))]) / ALPHA
    back = np.max(np.abs(peaks * np.array(STRENGTHS) - 2 * np.pi))
    holds = gap < 1e-12 and back < 2 * ts[1] and np.all(np.diff(contrast) < 0)
    return {
        "status": "ok" if holds else "The revivals are not where they should be.",
        "quantum_optics_minus_closed_form": gap,
        "revival_Ut": dict(zip(names, peaks, strict=True)),
        "contrast_of_revival": dict(zip(labels, contrast, strict=True)),
        "difference_of_0.99": dict(zip(labels, apart, strict=True)),
        "difference_over_contrast": dict(zip(labels, apart / contrast, strict=True)),
        "largest_loss_all_else_known": {s: v[0] for s, v in limits.items()},
        "largest_loss_all_fitted": {s: v[1] for s, v in limits.items()},
    }


def figure(ts, means):
    fig, axes = subplots(len(LOSSES), 1, size=(7.6, 7.2), sharex=True, sharey=True)
    for j, (axis, D) in enumerate(zip(axes[:, 0], LOSSES, strict=True)):
        curves = {
            f"C = {C:g}": np.abs(m[j]) / ALPHA
            for C, m in zip(STRENGTHS, means, strict=True)
        }
        draw_lines(
            axis, ts / np.pi, curves, legend="upper center" if j == 0 else None,
            ylabel="|<α>| / α₀", title=f"D = {D:g} U",
        )  # fmt: skip
        for C, color in zip(STRENGTHS, CYCLE, strict=False):
            axis.axvline(2 / C, color=color, lw=0.8, ls=":")
    axes[-1, 0].set(xlabel="Ut / π", xlim=(0, ts[-1] / np.pi), ylim=(0, 1.05))
    return fig


def figure_limits(losses, errors):
    fig, ((axis,),) = subplots(size=(6.0, 4.2))
    curves = {
        f"{what}, error {sigma:g}": sigma * e
        for what, e in zip(("C", ", ".join(FREE)), errors, strict=True)
        for sigma in ERRORS[::2]
    }
    draw_lines(
        axis, losses, curves, xscale="log", yscale="log", xlabel="loss D / U",
        ylabel="standard error of C", title="Error of C over loss (dotted: 0.01/3)",
    )  # fmt: skip
    axis.axhline(TOLD, color=GREY, lw=0.8, ls=":")
    return fig
