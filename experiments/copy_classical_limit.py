"""Claim: copy dynamics on a fine lattice, with δ = π on each link, is Newton's law.

Nearest neighbours at distance ā are coupled by R = ħ/2mā², and V is the site energy:
eqs. (56), (57) of Smolin (2012). At the quantum point, in a harmonic well from rest,

    ⟨x⟩ = cos t + O(ā²),      ∫|ρ - ρ_classical| dx = O(ħ²)  before the first caustic,

where ρ_classical is Liouville's density, ρ_0(x / cos t) / cos t. With δ = 0, as the
paper prints it, the mass is negative and ⟨x⟩ = cosh t runs away.
"""

import jax.numpy as jnp
import numpy as np
import xarray as xr

import jqd
from jqd.laws import copy_classical, copy_lattice
from jqd.report.style import AMBER, BLUE, GREEN, GREY, INK, VERMILLION, subplots

# --- Parameters (m = ω = 1) -------------------------------------------------------

WIDTH, START = 0.5, 1.0  # standard deviation and mean of the first density
HBAR = 0.4
SPACINGS = (1 / 16, 1 / 32, 1 / 64)
HBARS = (0.4, 0.2, 0.1, 0.05)
EARLY = 0.5  # time at which densities are compared

# --- Problem ----------------------------------------------------------------------


def packet(spacing, hbar, low, high, delta=np.pi):
    """Sites, the copy law in the well, and a Gaussian at rest."""
    x = jnp.arange(round(low / spacing), round(high / spacing)) * spacing
    offset = copy_classical.lattice_potential(
        jnp.zeros_like(x), spacing, hbar=hbar, delta=delta
    )
    law = jqd.CopyDynamics(
        (x**2 / 2 - offset) / hbar,
        copy_lattice.lattice_coupling(x.size, spacing, hbar=hbar),
        copy_lattice.lattice_shift(x.size, delta),
        hbar=hbar,
    )
    psi = jnp.exp(-(((x - START) / (2 * WIDTH)) ** 2)) + 0j
    return x, law, psi / jnp.linalg.norm(psi)


# --- Law --------------------------------------------------------------------------


def densities(law, psi, ts):
    """ρ at each time; the law at its quantum point, propagated exactly."""
    quantum = jqd.Schrodinger(law.hamiltonian(), hbar=law.hbar)
    return jqd.evolve(quantum, psi, ts, observe="density").values


def copied(law, psi, ts, substeps):
    """ρ at each time by the copy law itself, in Runge-Kutta steps."""
    method = jqd.Fixed(jqd.rk4, substeps, estimate_error=False)
    return jqd.evolve(law, psi, ts, method=method, observe="density").values


def mean_and_width(density, x):
    mean = density @ x
    return mean, jnp.sqrt(density @ x**2 - mean**2)


# --- Comparison -------------------------------------------------------------------


def orders(errors):
    return np.log2(np.asarray(errors[:-1]) / np.asarray(errors[1:]))


def run(context):
    spacings = SPACINGS[:2] if context.quick else SPACINGS
    hbars = HBARS[:2] if context.quick else HBARS
    ts = jnp.linspace(0, 2 * jnp.pi, 81)
    spread = HBAR / (2 * WIDTH)  # of the velocities, in quantum mechanics
    width = jnp.sqrt((WIDTH * jnp.cos(ts)) ** 2 + (spread * jnp.sin(ts)) ** 2)

    table, means = [], []
    for spacing in context.progress(spacings, "lattice spacing"):
        x, law, psi = packet(spacing, HBAR, -4.5, 4.5)
        mean, sigma = mean_and_width(densities(law, psi, ts), x)
        classical = WIDTH * jnp.abs(jnp.cos(ts))
        table.append(
            {
                "spacing": spacing,
                "mean_error": float(jnp.max(jnp.abs(mean - START * jnp.cos(ts)))),
                "width_error": float(jnp.max(jnp.abs(sigma - width))),
                "width_minus_classical": float(jnp.max(jnp.abs(sigma - classical))),
            }
        )
        means.append(mean)

    # The law itself against its quantum point; about 2.8 ā² m/2ħ is a stable step.
    x, law, psi = packet(1 / 8, HBAR, -4.5, 4.5)
    exact = densities(law, psi, ts)
    agreement = float(jnp.max(jnp.abs(copied(law, psi, ts, 12) - exact)))

    fine = 1 / 64 if context.quick else 1 / 128
    gaps, early = [], {}
    for hbar in context.progress(hbars, "quantum of action"):
        # Until then the packet stays within 5.5 widths of where it starts.
        x, law, psi = packet(fine, hbar, -1.75, 3.75)
        density = densities(law, psi, jnp.array([0.0, EARLY]))[-1]
        stretch = jnp.cos(EARLY)
        gauss = jnp.exp(-((x / stretch - START) ** 2) / (2 * WIDTH**2))
        liouville = gauss / (stretch * WIDTH * jnp.sqrt(2 * jnp.pi))
        early[hbar] = x, density / fine, liouville
        gaps.append(float(jnp.sum(jnp.abs(density - liouville * fine))))

    x, law, psi = packet(1 / 16, HBAR, -8, 10, delta=0.0)
    early_ts = jnp.linspace(0, 1.25, 26)
    runaway, _ = mean_and_width(densities(law, psi, early_ts), x)
    runaway_error = float(jnp.max(jnp.abs(runaway - START * jnp.cosh(early_ts))))

    # --- Result -------------------------------------------------------------------
    mean_errors = [row["mean_error"] for row in table]
    order_spacing, order_hbar = orders(mean_errors), orders(gaps)
    fig = figure(ts, means[-1], early_ts, runaway, table, hbars, gaps, early)
    context.save_figure(fig, "classical_limit")
    context.save_table(table, "spacing")
    rows = [{"hbar": h, "l1": gap} for h, gap in zip(hbars, gaps, strict=True)]
    context.save_table(rows, "hbar")
    context.save_dataset(
        xr.Dataset(
            {
                "mean": (("spacing", "time"), np.stack(means)),
                "runaway": ("early_time", np.asarray(runaway)),
                "l1": ("hbar", gaps),
            },
            {
                "spacing": list(spacings), "time": np.asarray(ts),
                "early_time": np.asarray(early_ts), "hbar": list(hbars),
            },
            {"units": "mass = omega = 1", "width": WIDTH, "start": START},
        )
    )  # fmt: skip
    second = np.abs(np.concatenate([order_spacing, order_hbar]) - 2) < 0.2
    holds = second.all() and agreement < 1e-6 and runaway_error < 0.02
    return {
        "status": "ok" if holds else "The errors do not fall as the second power.",
        "mean_errors": mean_errors,
        "width_errors": [row["width_error"] for row in table],
        "width_minus_classical": [row["width_minus_classical"] for row in table],
        "order_in_spacing": order_spacing,
        "l1_from_liouville": gaps,
        "order_in_hbar": order_hbar,
        "runaway_error": runaway_error,
        "copy_law_minus_its_quantum_point": agreement,
    }


def figure(ts, mean, early_ts, runaway, table, hbars, gaps, early):
    fig, axes = subplots(2, 2, size=(9.2, 6.8))
    axis = axes[0, 0]
    axis.plot(ts, START * jnp.cos(ts), color=INK, lw=0.9, label="cos t,  cosh t")
    axis.plot(early_ts, START * jnp.cosh(early_ts), color=INK, lw=0.9)
    axis.plot(ts[::3], mean[::3], "o", color=BLUE, label="copy law, δ = π")
    label = "copy law, δ = 0 (as printed)"
    axis.plot(early_ts[::2], runaway[::2], "s", color=VERMILLION, label=label)
    axis.set(title="Mean position in a harmonic well", xlabel="time", ylabel="⟨x⟩")
    axis.legend(loc="upper right")

    axis = axes[0, 1]
    spacing = np.array([row["spacing"] for row in table])
    for key, color, label in (
        ("mean_error", BLUE, "⟨x⟩ from cos t"),
        ("width_error", GREEN, "width from quantum mechanics"),
    ):
        error = np.array([row[key] for row in table])
        axis.loglog(spacing, error, "o", color=color, ms=6, label=label, base=2)
        axis.loglog(spacing, error[0] * (spacing / spacing[0]) ** 2, color=GREY, lw=1)
    axis.lines[-1].set_label("∝ ā²")
    axis.set_yscale("log", base=10)
    axis.set_xticks(spacing, [f"1/{round(1 / a)}" for a in spacing])
    axis.minorticks_off()
    title = f"Finer lattice: errors fall as ā²  (ħ = {HBAR})"
    axis.set(title=title, xlabel="lattice spacing ā", ylabel="largest error")
    axis.legend(loc="upper left")

    axis = axes[1, 0]
    for hbar, color in zip(hbars[:2], (VERMILLION, AMBER), strict=True):
        x, density, _ = early[hbar]
        axis.plot(x, density, color=color, label=f"copy law, ħ = {hbar}")
    x, _, liouville = early[hbars[0]]
    axis.plot(x, liouville, color=INK, lw=1, ls="--", label="Liouville")
    axis.set(xlim=(-1, 3.75), xlabel="x", ylabel="density", ylim=(0, None))
    axis.set_title(f"Density at t = {EARLY}")
    axis.legend()

    axis = axes[1, 1]
    hbar = np.asarray(hbars)
    axis.loglog(hbar, gaps, "o", color=BLUE, ms=6)
    axis.loglog(hbar, gaps[0] * (hbar / hbar[0]) ** 2, color=GREY, lw=1, label="∝ ħ²")
    axis.set_xticks(hbar, [str(h) for h in hbars])
    axis.minorticks_off()
    axis.set_title("Smaller ħ: density tends to Liouville's as ħ²")
    axis.set(xlabel="quantum of action ħ", ylabel="∫ |ρ - ρ classical| dx")
    axis.legend(loc="upper left")
    return fig
