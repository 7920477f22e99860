"""Claim: cold blocks that collide and stick keep sharp cores while sound turns to heat.

2 × 25 atoms of a triangular Lennard-Jones lattice, each block in its ground state, meet
at relative speed v. In the truncated Wigner method, S classical trajectories are drawn
from |ψ>. The experiment measures

    w = √var |x_i - x_j|, median over bonds of the fused pair; it melts at w ≈ a/10
    n_eff/n = exp(-Σ p_k ln p_k)/n,   p_k share of mode k in the energy
    T = 2 KE/(2N - 3) without drift and spin; harmonic: (μv²/2 + E_bond + ZPE)/(2N - 3)
    thawed Gaussian: w ∝ √ħ e^(λt), which is a/10 at the Ehrenfest time t_E

A slow pair that melts, velocities that stay far from normal, or modes that do not share
the energy would refute it.

Verdict: it holds below melting. At ħ = 0.01 and 32 < t < 48, w/a is 0.050, 0.081 and
0.95 (± 4 %) at v = 0.5, 1 and 2. It passes 0.1 at v = 1.10 ± 0.05, and at v = 1.45 for
ħ = 1e-4. (The mean of w shows single atoms that leave: 0.14 at v = 0.5.) At ħ = 1e-4
velocities become normal (KS distance 0.009, from 0.14-0.22), with T = 0.1150(2),
0.1567(3) and 0.249(4), where the harmonic estimate is 6, 9 and 46 % higher; n_eff/n is
0.88 and 0.81 where the lattice lasts. No single packet stays narrow: the thawed w grows
at λ = 0.32(1), 0.75(9) and 1.8(4), and reaches a/10 at 8.5, 5.0 and 2.5 after contact
for ħ = 1e-4.

Source: Chafin (2019), secs. 1 and 2 with fig. 1; Heller (1975) for the thawed Gaussian.
"""

from functools import cache, partial
from itertools import product

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from _support import collision
from _support import collision_figures as pictures
from _support.blocks import initial_points, two_blocks
from _support.growth import first_passage, growth_rate
from _support.potentials import FlatPotential

import jqd
from jqd.matter import packets

# --- Parameters (units: σ, ε and m of the potential) ------------------------------

SPEEDS = (0.5, 1.0, 2.0)  # v, those of the movie
BETWEEN = (0.75, 1.25, 1.5)  # more speeds, for the melt line; not when quick
BOND = 1.0  # strength of pairs across the blocks
HBAR = 0.01  # of the widths
COLD = 1e-4  # for the heat: at HBAR, zero-point energy would be mistaken for it
MELT = 0.1  # bond width / a
# between saved times, and Verlet steps in between: with 25 of them the fastest mode of
# the lattice, ω = √(6V''/m) = 18.5, still has 40 steps a turn
EVERY, STEPS, QUICK = 0.2, 50, 25
WINDOW = 10  # saved times to average mode energies over
THAWED, FIT = 16.0, 8.0  # how long a thawed packet is followed, and fitted
GROUPS, SEED = 4, 6
SHOWN = ("T", "T_error", "T_harmonic", "n_eff", "ks", "kurtosis")


def method(steps):
    return jqd.Fixed(jqd.steppers.strang, substeps=steps, estimate_error=False)


# --- Law --------------------------------------------------------------------------


@eqx.filter_jit
def thawed(two, ts, steps):
    """Bond width/a of the Gaussian packet that rides on the one classical path."""
    masses = jnp.repeat(two.body.masses, 2)
    hessian = jax.tree_util.Partial(hessian_of, two.body)
    rest, hbar = two.x.ravel(), jnp.asarray(HBAR)
    start = packets.ground_state(hessian(rest), masses, hbar=hbar, equilibrium=rest)
    start = eqx.tree_at(lambda state: state.momentum, start, masses * two.v.ravel())
    potential = FlatPotential(two.body.energy, two.x.shape)
    law = packets.ThawedGaussian(potential, masses, hbar=hbar, hessian=hessian)
    look = jax.tree_util.Partial(lengths_of, two.pairs)
    run = packets.thawed_run(law, start, ts, method=method(steps), observe=look)
    return jnp.median(run.widths, axis=-1) / two.spacing


def hessian_of(body, q):
    return body.hessian(q.reshape(-1, 2))


def lengths_of(pairs, q):
    x = q.reshape(-1, 2)
    return jnp.linalg.norm(x[pairs[:, 1]] - x[pairs[:, 0]], axis=1)


# --- Runs: sweeps, so that a stopped run can be resumed ----------------------------


@cache
def blocks():
    return two_blocks(bond=BOND)


def collided(v, hbar, *, samples, time, steps):
    """Averages over one ensemble of collisions."""
    two, key = blocks().at_speed(v), jax.random.key(SEED)
    points = initial_points(two, key, samples, hbar=hbar)
    ts = EVERY * np.arange(round(time / EVERY) + 1)
    seen = collision.collide(two, points, ts, method=method(steps), groups=GROUPS)
    return seen._asdict()


def spread(v, *, steps):
    """Width of a thawed packet at HBAR; at another ħ in proportion to √ħ."""
    ts = EVERY * np.arange(round(THAWED / EVERY) + 1)
    return {"width": thawed(blocks().at_speed(v), ts, steps)}


def collisions(context, speeds, hbars, **options):
    """(v, ħ) to its `Collision`."""
    point, axes = partial(collided, **options), {"v": speeds, "hbar": hbars}
    found = context.sweep(point, axes, "collisions", trace=False)
    runs = {key: found.sel(v=key[0], hbar=key[1]) for key in product(speeds, hbars)}
    names = collision.Collision._fields
    return {
        key: collision.Collision(**{name: run[name].values for name in names})
        for key, run in runs.items()
    }


# --- Comparison -------------------------------------------------------------------


def reading(v, hbar, seen):
    """A row of the table: a collision in numbers."""
    two, contact = blocks().at_speed(v), EVERY * int(collision.contact_index(seen))
    late = collision.late_readings(two, seen, hbar=hbar, window=WINDOW)
    return {"v": v, "hbar": hbar, "contact": contact} | jax.tree.map(float, late)


def growth(ts, width, contact):
    """λ over FIT from contact on, and half the difference of its halves."""
    cuts = contact + FIT * np.array([0, 0.5, 1])
    both = [growth_rate(ts, width, *cuts[k : k + 2]) for k in (0, 1)]
    rate = growth_rate(ts, width, cuts[0], cuts[2])
    return float(rate), float(abs(both[1] - both[0]) / 2)


def verdict(rows, rates, passages):
    """The part of the claim that fails, or "ok"."""
    slow = [r for r in rows if r["v"] == SPEEDS[0]]
    fast = [r for r in rows if r["v"] == SPEEDS[-1] and r["hbar"] == HBAR]
    cold = [r for r in rows if r["hbar"] == COLD]
    checks = {
        "The slow pair melts.": all(
            r["width"] + 3 * r["width_error"] < MELT and r["kept"] > 0.98 for r in slow
        ),
        "The fast pair stays solid.": all(
            r["width"] - 3 * r["width_error"] > MELT and r["kept"] < 0.9 for r in fast
        ),
        "Sound does not turn to heat.": all(
            r["ks"] < r["ks_start"] / 5 and abs(r["kurtosis"]) < 0.2 for r in cold
        ),
        "Modes do not share.": all(r["n_eff"] > 0.7 for r in cold if r["kept"] > 0.98),
        "Packets do not spread.": bool(
            np.all(rates[:, 0] > rates[:, 1]) and np.all(passages < THAWED)
        ),
    }
    return next((text for text, holds in checks.items() if not holds), "ok")


def run(context):
    samples, time, steps = (16, 24.0, QUICK) if context.quick else (48, 48.0, STEPS)
    speeds = sorted(SPEEDS if context.quick else SPEEDS + BETWEEN)
    hbars = HBAR, COLD
    found = collisions(context, speeds, hbars, samples=samples, time=time, steps=steps)
    short = EVERY * np.arange(round(THAWED / EVERY) + 1)
    thaws = {"v": np.array(SPEEDS)}
    widens = partial(spread, steps=steps)
    widths = context.sweep(widens, thaws, "thawed", trace=False).width.values
    rows = [reading(*key, seen) for key, seen in found.items()]
    table = {(row["v"], row["hbar"]): row for row in rows}
    hot = [table[v, HBAR] for v in SPEEDS]
    contacts = [row["contact"] for row in hot]
    rates = np.array(
        [growth(short, *pair) for pair in zip(widths, contacts, strict=True)]
    )
    scaled = widths[:, None] * np.sqrt(np.array(hbars) / HBAR)[None, :, None]
    passages = first_passage(short, np.moveaxis(scaled, -1, 0), MELT)
    late = {f"hbar={h:g}": [table[v, h]["width"] for v in speeds] for h in hbars}
    melts = first_passage(speeds, np.transpose(list(late.values())), MELT)

    # --- Result -------------------------------------------------------------------
    ts = EVERY * np.arange(round(time / EVERY) + 1)
    shares = {
        v: collision.shared_modes(blocks(), found[v, COLD], WINDOW) for v in SPEEDS
    }
    look = {"hbars": hbars, "melt": MELT}
    panels = pictures.figure_collision(ts, found, rows, shares, passages, **look)
    context.save_figure(panels, "collision")
    lambdas = dict(zip(SPEEDS, rates[:, 0], strict=True))
    panels = pictures.figure_thawed(short, widths, found, rows, lambdas, **look)
    context.save_figure(panels, "thawed")
    atoms = pictures.write_collision(
        context.folder / "collision.gif", ts,
        {f"v = {v:g}": found[v, HBAR] for v in SPEEDS}, contacts, [r["T"] for r in hot],
        spacing=float(blocks().spacing), every=4 if context.quick else 1,
    )  # fmt: skip
    context.save_figure(atoms, "atoms")
    context.save_table(rows, "runs")
    context.save_dataset(pictures.collision_dataset(ts, found, short, widths))
    return {
        "status": verdict(rows, rates, passages),
        "speeds": speeds,
        "late_bond_width": late,
        "melt_speed_at_hbar_and_cold": melts,
        "growth_rates_and_errors": rates,
        "ehrenfest_times_since_contact": passages - np.array(contacts)[:, None],
        "cold": {k: [table[v, COLD][k] for v in speeds] for k in SHOWN},
        "largest_energy_drift": max(r["drift"] for r in rows),
    }
