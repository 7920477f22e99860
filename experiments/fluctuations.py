"""Claim: the more uncertain its energy, the more a body in equilibrium fluctuates.

p_0(t) is the share of norm without photons, for chaotic matter with one photon mode:

    σ_t² = Σ_{a≠b} |c_a|² |c_b|² |O_ab|² <= 1/(4 d_eff),   d_eff = 1/Σ_a |c_a|⁴

The sum is over the eigenstates a of the whole, with O = 1 on the level without photons.
ΔE and d_eff are constant in time. Initial states have the mean energy E₀ and no photon:
one level of matter, packets of levels with random phases, or two levels apart, which
have a large ΔE and a small d_eff. A state of larger ΔE that fluctuates less refutes the
claim.

Verdict: not as a rule, with six seeds. With 200 levels, a packet of ΔE = 0.63 ħω
fluctuates by 0.0358 ± 0.0002, one level of ΔE = 0.21 ħω by 0.091 ± 0.009, and two
levels apart with ΔE = 1.02 ħω by 0.083 ± 0.010. So d_eff decides, and not ΔE. σ_t
√d_eff is 0.22 for single levels, 0.26 to 0.32 for packets, and never above the bound
1/2. Proportionality to 1/√d_eff is a limit for wide packets alone (0.30, 0.34, 0.33
with 50, 100, 200 levels); over all packets of 200 levels σ_t falls as d_eff^(-0.32 ±
0.05). An eigenstate, with ΔE = 0, does not fluctuate, as the paper says.

Source: Chafin (2019), introduction and sec. 2; for the bound P. Reimann (2008)
Phys. Rev. Lett. 101, 190403 and A. J. Short (2011) New J. Phys. 13, 053009.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import MARKERS
from _support.statistics import standard_error
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from jqd.figures.style import AMBER, BLUE, GREY, INK, SKY, VERMILLION, subplots
from jqd.matter import tower

# --- Parameters (ħ = k_B = 1; T = 1/β = 1.25 of the matter) -----------------------

BETA, WIDTH, ENERGY, OMEGA, STRENGTH = 0.8, 7.0, 5.0, 1.0, 0.12
DENSITY, SHAPE = tower.ExponentialDensity(BETA, WIDTH), tower.GaussianShape(3.0)
KEPT = tower.photon_configurations(OMEGA, 7.0)
PACKETS = (None, 0.05, 0.15, 0.3, 0.6)  # widths; None: one level
APART = (0.8, 2.0)  # two levels, at E₀ ± half of it
FIRST = KEPT.of_level[:, 0]  # 1 where no photon is
SIZES = (50, 100, 200)

# --- Law --------------------------------------------------------------------------


@functools.partial(jax.jit, static_argnums=1)
def diagonalise(key, size):
    """A tower on random matter of so many levels, and its eigenstates."""
    matter = tower.random_matter(key, size, DENSITY, SHAPE)
    law = tower.Tower(matter, OMEGA, STRENGTH, KEPT)
    return law, tower.eigenbasis(law)


@jax.jit
def look(law, basis, key):
    """ΔE, d_eff and σ_t of p_0 from packets, pairs and, last, from an eigenstate."""
    keys = jax.random.split(key, len(PACKETS))
    kets = [
        tower.level_state(law, ENERGY, width, one)
        for width, one in zip(PACKETS, keys, strict=True)
    ]
    for apart in APART:
        ends = [tower.level_state(law, ENERGY + side * apart / 2) for side in (-1, 1)]
        kets.append(sum(ends) / np.sqrt(2))
    at = jnp.argmin(jnp.abs(basis.energies - ENERGY))
    kets.append(basis.vectors[:, at].reshape(law.shape).astype(kets[0].dtype))
    observable = jnp.broadcast_to(FIRST[None, :], law.shape)

    def one(psi):
        return {
            "spread": basis.energy_spread(psi),
            "dimension": basis.effective_dimension(psi),
            "std": basis.temporal_std(psi, observable),
        }

    return jax.vmap(one)(jnp.stack(kets))


@jax.jit
def trace(law, basis, key, ts):
    """p_0(t) of one level and of the widest packet."""
    kets = [tower.level_state(law, ENERGY),
            tower.level_state(law, ENERGY, PACKETS[-1], key)]  # fmt: skip
    states = jnp.stack([basis.states(psi, ts) for psi in kets])
    return tower.configuration_weights(states) @ FIRST


# --- Comparison -------------------------------------------------------------------


def run(context):
    sizes, seeds = ((60,), 3) if context.quick else (SIZES, 6)
    keys = jax.random.split(jax.random.key(0), seeds)
    found = []
    for size in context.progress(sizes, "sizes of matter"):
        rows = []
        for key in keys:
            law, basis = diagonalise(key, size)
            rows.append(jax.tree.map(np.asarray, look(law, basis, key)))
        found.append({name: np.stack([r[name] for r in rows]) for name in rows[0]})
    spread, dimension, std = (
        np.stack([f[name] for f in found]) for name in ("spread", "dimension", "std")
    )  # (size, seed, start)
    ts = np.linspace(0, 4e3, 1601)  # the last tower, some hundred memory times
    traces = np.asarray(trace(law, basis, keys[-1], ts))

    # --- Result -------------------------------------------------------------------
    starts = [f"packet {w}" if w else "level" for w in PACKETS]
    starts += [f"pair {a}" for a in APART] + ["eigenstate"]
    dims = ("size", "seed", "start")
    data = xr.Dataset(
        {
            "spread": (dims, spread),
            "dimension": (dims, dimension),
            "std": (dims, std),
            "p0": (("trace", "t"), traces),
        },
        {"size": list(sizes), "start": starts, "t": ts},
        {"units": "hbar = k_B = omega = 1", "coupling": STRENGTH, "energy": ENERGY},
    )
    context.save_dataset(data)
    context.save_figure(figure(data), "fluctuations")
    scaled = std * np.sqrt(dimension)
    last, pair = len(PACKETS) - 1, len(PACKETS)  # the widest packet; a pair
    narrow, wide, far = (std[-1, :, k] for k in (0, last, pair + len(APART) - 1))
    best = scaled[:, :, last].mean(axis=1)
    # of the widest packets, all sizes; and of all packets of the largest matter
    middle = [np.log(a[:, :, last].mean(axis=1)) for a in (dimension, std)]
    exponent = np.polyfit(*middle, 1)[0] if len(sizes) > 1 else np.nan
    pairs = zip(dimension[-1, :, :pair], std[-1, :, :pair], strict=True)
    within = [np.polyfit(np.log(d), np.log(s), 1)[0] for d, s in pairs]
    # The bound is a theorem, whose left side has the rounding of a root at ΔE = 0.
    # std √d of the widest packets is the same for all sizes, to a fifth of it.
    holds = (
        scaled.max() <= 0.5
        and std[..., -1].max() < 1e-6
        and np.all(wide < narrow)
        and np.all(wide < far)
        and np.ptp(best) < 0.2 * best.mean()
    )
    ends = traces[:, ts > 100].std(axis=1) / std[-1, -1, [0, last]]
    return {
        "status": "ok" if holds else "Fluctuations do not follow d_eff.",
        "seeds": seeds,
        "spread_of_level_widest_packet_pair": [
            spread[-1, :, k].mean() for k in (0, last, pair + len(APART) - 1)
        ],
        "std_of_level_widest_packet_pair": [a.mean() for a in (narrow, wide, far)],
        "their_standard_errors": [standard_error(a) for a in (narrow, wide, far)],
        "std_sqrt_d_by_packet": scaled[:, :, :pair].mean(axis=(0, 1)),
        "largest_std_sqrt_d": scaled.max(),
        "std_sqrt_d_of_widest_by_size": best,
        "exponent_of_d_over_sizes": exponent,
        "exponent_of_d_within_largest": np.mean(within),
        "its_standard_error": standard_error(within),
        "largest_std_of_an_eigenstate": std[..., -1].max(),
        "std_of_traces_over_formula": ends,
    }


def figure(data):
    fig, axes = subplots(1, 3, size=(13.2, 4.5), width_ratios=[1.25, 1, 1.05])
    mean = data.mean("seed")
    error = data.std("seed", ddof=1) / np.sqrt(data.sizes["seed"])
    norm, packets = Normalize(0.1, 1.1), slice(0, len(PACKETS))
    left, middle, right = axes[0]
    d = np.geomspace(2.5, 1.3 * float(mean.dimension.max()), 50)
    left.plot(d, 0.5 / np.sqrt(d), color=INK, lw=1.2)
    left.annotate("bound:\n1/(2√$d_{eff}$)", (d[22], 0.56 / np.sqrt(d[22])))
    left.plot(d, 0.3 / np.sqrt(d), color=GREY, lw=0.8, ls=":", zorder=0)
    left.annotate("0.3/√$d_{eff}$", (d[30], 0.2 / np.sqrt(d[30])), color=GREY)
    for k, size in enumerate(data["size"].values):
        here, bar = mean.isel(size=k), error.isel(size=k)
        shade = (SKY, BLUE, INK)[k - len(data["size"])]
        for start in range(len(data.start) - 1):
            color = colormaps["plasma"](norm(float(here.spread[start])))
            paired = start >= len(PACKETS)
            left.errorbar(
                here.dimension[start], here["std"][start], bar["std"][start],
                bar.dimension[start], MARKERS[k], color=color, ms=6, elinewidth=0.8,
                mfc="white" if paired else color, mew=1.4,
            )  # fmt: skip
        left.plot([], [], MARKERS[k], color=GREY, label=f"{size} levels of matter")
        for part, form in ((packets, "-"), (slice(len(PACKETS), -1), "--")):
            middle.errorbar(
                here.spread[part], here["std"][part], bar["std"][part], color=shade,
                fmt=MARKERS[k] + form, lw=1.2, mfc="white" if form == "--" else shade,
            )  # fmt: skip
    left.plot([], [], "o", color=GREY, mfc="white", label="open: two levels apart")
    left.set(xscale="log", yscale="log", xlabel="$d_{eff}$, eigenstates that take part")
    left.set(ylabel="std over time of $p_0$", title="Fluctuations over eigenstates")
    left.set_xticks([3, 10, 30, 100], ["3", "10", "30", "100"])
    left.set_yticks([0.03, 0.05, 0.1, 0.2], ["0.03", "0.05", "0.1", "0.2"])
    left.minorticks_off()
    left.legend(fontsize=8, loc="lower left")
    bar = fig.colorbar(ScalarMappable(norm, "plasma"), ax=left, pad=0.02)
    bar.set_label("energy spread ΔE  (ħω)")
    middle.plot(0, 0, "*", color=VERMILLION, ms=11)
    middle.annotate(
        "an eigenstate, by theory", (0.05, 0), color=VERMILLION, va="center"
    )
    middle.annotate("packets", (0.5, 0.022), color=INK)
    middle.annotate("two levels apart\n(dashed)", (0.66, 0.117), color=INK)
    middle.set(xlabel="energy spread ΔE  (ħω)", ylabel="std over time of $p_0$")
    middle.set(ylim=(-0.008, None), title="Fluctuations of packets over ΔE")
    show = data.t <= 1500
    for k, (name, color) in enumerate((("one level", AMBER), ("packet", BLUE))):
        right.plot(data.t[show], data.p0[k][show], color=color, lw=0.8)
        spread = float(data.spread[-1, -1, (0, len(PACKETS) - 1)[k]])
        std = float(data["std"][-1, -1, (0, len(PACKETS) - 1)[k]])
        right.annotate(
            f"{name}, ΔE = {spread:.2f}: std {std:.3f}",
            (0.97, (0.95, 0.89)[k]), color=color,
            ha="right", xycoords="axes fraction",
        )  # fmt: skip
    right.set(xlabel="ωt", ylabel="$p_0$, norm without photons", ylim=(0.38, 1.02))
    right.set_title(f"{int(data['size'][-1])} levels, one seed")
    return fig
