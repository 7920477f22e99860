"""Claim: a spot of weaker background fluctuations attracts particles, as gravity does.

The paper prints no equation for this. We tried four readings of its text:

    T0:  ∂ρ/∂t = ∇²(Dρ)                                     (or ∇(D∇ρ), Fick)
    T1:  H = ∫ (m v²/2 + m u²/2) ρ dx,  u = -D(x) ∇ρ/ρ
    T1': the same with u = -∇(Dρ)/ρ, that is T1 in V = -(m/2)|∇D|² - m D ∇²D
    T2:  one D, and the rest energy V = m c² n(x)

A reading fails if it gives no attraction, or a fall that depends on the mass.

Verdict: it depends on the reading. T0 gathers the density as 1/D, but its Fick form
does not, and neither conserves energy. T1 attracts, with an acceleration D₀²ε/s₀² in
D₀(1 + εx) that is larger for a narrow packet. T1' has a well at the spot, but all
masses fall alike only if D(x) is the same for all, against D = ħ/2m. In T2 every mass
falls with -c²∇n, but that is an ordinary potential.

Source: Zakir, "Diffusion treatment of quantum theory and gravity. 1", section 5.4.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_lines

import jqd
from jqd.figures.style import AMBER, BLUE, GREY, INK, VERMILLION, subplots
from jqd.laws.diffusion import ClassicalDiffusion
from jqd.readings.cold_spots import reading

# --- Parameters (units: ħ/m = 1 for m = 1, c = 1) ---------------------------------

D0, DEPTH, TILT, FALL = 0.5, 0.6, 0.05, 0.02
BOX, LINE = jqd.Grid((-6.0, 6.0), 96), jqd.Grid((-7.0, 7.0), 140)
WIDTHS = np.array([0.4, 0.5, 0.6, 0.7, 0.85, 1.0])  # standard deviations
MASSES = np.array([1.0, 2.0, 4.0])
TIMES = np.linspace(0, 0.5, 11)


def spot(x):
    return 1 - DEPTH * jnp.exp(-(x**2) / 2)


def packet(width, center=0.0):
    psi = jnp.exp(-((LINE.x - center) ** 2) / (4 * width**2)).astype(complex)
    return LINE.normalise(psi + 1e-9)  # deeper tails want smaller steps


# --- The four readings ------------------------------------------------------------


def gather(ordering, times):
    """T0: densities, (T, N), from a uniform one."""
    law = ClassicalDiffusion(BOX, D0 * spot(BOX.x), ordering=ordering)
    method = jqd.Fixed(jqd.steppers.rk4, 2500, estimate_error=False)
    start = jnp.full(BOX.shape, 1 / 12)
    return np.asarray(jqd.evolve(law, start, times, method=method).values)


@jax.jit
def means(law, psis, times):
    """⟨x⟩, (batch, T), of one law and a batch of states, or of as many laws."""
    method = jqd.Fixed(jqd.steppers.rk4, 60, estimate_error=False)

    def one(law, psi):
        start = law.prepare(psi)
        run = jqd.evolve(law, start, times, method=method, observe="density")
        return LINE.cell * jnp.sum(run.values * LINE.x[None], axis=1)

    return jax.vmap(one)(law, psis)


def stack(laws):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *laws)


def run(context):
    late = np.array([0.0, 1.0, 4.0, 12.0, 60.0])
    ito, fick = (gather(ordering, late) for ordering in ("ito", "fick"))

    # T1: D₀(1 + εx), packets of several widths; x = at²/2 + O(t⁴).
    law = reading("T1", LINE, lambda x: 1 + TILT * x, D=D0, order=4)
    psis = jnp.stack([packet(width) for width in WIDTHS])
    swing = np.asarray(means(stack([law] * len(WIDTHS)), psis, TIMES))
    once, twice = (2 * (swing[:, k] - swing[:, 0]) / TIMES[k] ** 2 for k in (1, 2))
    pull = (4 * once - twice) / 3

    # T1': a packet beside the spot; D(x) the same for all masses, or ħ/2m.
    laws = [
        reading("T1'", LINE, spot, D=D0 / power, mass=mass, order=4)
        for mass in MASSES
        for power in (1.0, mass)
    ]
    beside = jnp.stack([packet(0.5, 1.2)] * len(laws))
    spots = np.asarray(means(stack(laws), beside, TIMES)).reshape(len(MASSES), 2, -1)
    well = np.asarray(laws[0].potential(LINE, 0.0))

    # T2: D = ħ/2m, index n = 1 + gx; D at every point, as in the other readings.
    laws = [
        reading("T2", LINE, lambda x: 1 + FALL * x, D=D0 / m, mass=m, order=4)
        for m in np.repeat(MASSES, 2)
    ]
    laws = [eqx.tree_at(lambda law: law.D, law, law.D + 0 * LINE.x) for law in laws]
    falls = np.asarray(means(stack(laws), psis, TIMES))[::2]

    # --- Result -------------------------------------------------------------------
    gathered = ito[-1].max() / ito[-1, 0]
    off_pull = float(np.abs(pull * WIDTHS**2 / (-(D0**2) * TILT) - 1).max())
    apart = [float(np.abs(spots[0, k] - spots[-1, k]).max()) for k in (0, 1)]
    off_fall = float(np.abs(falls + FALL * TIMES**2 / 2).max())
    context.save_figure(figure(late, ito, fick, pull, spots, well, falls), "cold_spot")
    data = {
        "T0": (("ordering", "time", "x"), [ito, fick]),
        "T1_acceleration": ("width", pull),
        "T1_prime_mean": (("mass", "D_of_x", "t"), spots),
        "T2_mean": (("mass", "t"), falls),
    }
    at = {"ordering": ["ito", "fick"], "time": late, "x": BOX.x, "t": TIMES}
    at |= {"width": WIDTHS, "mass": MASSES, "D_of_x": ["same", "hbar/2m"]}
    about = {"units": "hbar = c = 1, m = 1 for the first mass"}
    context.save_dataset(xr.Dataset(data, at, about))
    holds = abs(gathered - 2.5) < 0.02 and off_pull < 0.02 and off_fall < 1e-6
    return {
        "status": "ok" if holds else "A reading does not do what its equation says.",
        "T0_ito_density_at_spot_over_far": float(gathered),
        "T0_fick_density_at_spot_over_far": float(fick[-1].max() / fick[-1, 0]),
        "T1_largest_relative_error_of_acceleration": off_pull,
        "T1_acceleration_narrow_over_wide": float(pull[0] / pull[-1]),
        "T1_prime_masses_apart_D_same_and_D_by_mass": apart,
        "T2_largest_error_of_fall": off_fall,
    }


def figure(late, ito, fick, pull, spots, well, falls):
    """A panel for each reading."""
    fig, axes = subplots(2, 2, size=(11.0, 7.6))
    T0, T1, T1p, T2 = axes.ravel()
    for row, shade in zip(ito, np.linspace(0.3, 1, len(ito)), strict=True):
        T0.plot(BOX.x, 12 * row, color=BLUE, alpha=shade)
    T0.plot(BOX.x, 12 * fick[-1], color=VERMILLION, ls="--")
    stationary = 1 / np.asarray(spot(BOX.x))
    T0.plot(BOX.x, stationary / stationary.mean(), ":", color=INK)
    T0.annotate(f"Itô, t = {late[0]:g} .. {late[-1]:g}", (0.9, 1.75), color=BLUE)
    T0.annotate("dotted: stationary, ~ 1/D", (0.9, 1.62), color=INK)
    T0.annotate("Fick (dashed), last time", (-5.8, 1.05), color=VERMILLION)
    T0.set(
        xlabel="position x  (ħ/mc)",
        ylabel="density, in units of its mean",
        ylim=(0.6, 2.2),
    )
    T0.set_title("T0, our reading: densities at a cold spot")
    fine = np.linspace(0.36, 1.05, 100)
    T1.plot(fine, 1e3 * D0**2 * TILT / fine**2, color=GREY, label="$D_0^2 ε / s^2$")
    T1.plot(WIDTHS, -1e3 * pull, "o", color=BLUE, ms=6, label="computed")
    T1.set(xlabel="standard deviation s of the packet  (ħ/mc)", ylim=(0, None))
    T1.set_ylabel("1000 × acceleration to lower D  (mc³/ħ)")
    T1.set_title("T1, our reading: acceleration over width")
    T1.legend(fontsize=10)
    colors = (BLUE, AMBER, VERMILLION)
    for mass, pair, color in zip(MASSES, spots, colors, strict=True):
        T1p.plot(TIMES, pair[1], color=color, label=f"D = ħ/2m, m = {mass:g}")
    for pair, marker in zip(spots, "o+x", strict=True):
        T1p.plot(TIMES, pair[0], marker, color=INK, ms=8, mfc="none")
    T1p.annotate("same D(x): markers o + x\nfor m = 1, 2, 4", (0.27, 1.1785))
    T1p.set(xlabel="time t  (ħ/mc²)", ylim=(1.1765, 1.2005))
    T1p.set_ylabel("mean position, spot at 0  (ħ/mc)")
    T1p.set_title("T1', our reading: how masses fall, by D(x)")
    T1p.legend(fontsize=9, loc="lower left")
    inset = T1p.inset_axes((0.15, 0.4, 0.26, 0.29))
    inset.plot(LINE.x, well, color=INK)
    inset.set(xlim=(-5, 5), xticks=[-3, 0, 3], yticks=[-0.06, 0])
    inset.set_title("its well", fontsize=9)
    inset.set_xlabel("x", fontsize=8, labelpad=0)
    inset.set_ylabel("V/mc²", fontsize=8, labelpad=-8)
    draw_lines(
        T2, TIMES, {r"$-c^2 (dn/dx)\, t^2/2$": -1e3 * FALL * TIMES**2 / 2},
        colors=(GREY,), legend=None, xlabel="time t  (ħ/mc²)",
        ylabel="1000 × mean position  (ħ/mc)",
        title="T2, our reading: how masses fall with D = ħ/2m",
    )  # fmt: skip
    for mass, path, color, marker in zip(MASSES, falls, colors, "o+x", strict=True):
        T2.plot(TIMES, 1e3 * path, marker, color=color, mfc="none", ms=8,
                label=f"m = {mass:g}")  # fmt: skip
    T2.legend(fontsize=10)
    return fig
