"""Claim: where copies are few, the copy law shows what is done far away.

Two systems with two values each are one system with four classes (a, b). A is measured,
⟨z_A⟩ = ρ_0. - ρ_1., with H_A = σ_x. In quantum mechanics nothing that is done to B, far
away, changes it: ⟨z_A⟩ = ½ cos 2t for the pair cos 30° |00> + sin 30° |11>. But

    empty classes    |01> and |10> have nobody to copy: A stays at ½ for ever.
                     Prepared with B turned by 45° no class is empty, and A swings by
                     100 %, however large N is.
    few copies       H_B on or off changes E⟨z_A⟩, also for a product state: classes
                     die out. It is gone where every class keeps many copies.
    other laws       off q = 1/2, r = -1/2 even N → ∞ signals, if the pair is entangled.

The first case compares two preparations. H_B itself could not begin to turn B, because
the classes are empty, so this case does not show that an act within the law signals. An
A that moves as in quantum mechanics in all these cases would refute the claim.

Verdict: it holds in all three cases. Spectators, systems of each class that are copied
and never copy, cure the first.

Source: Smolin (2012), eqs. (39), (40), and section 3.4, on nodes and on "the
possibility of faster than light signaling".
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support import composite as pairs
from _support.statistics import mean_error

import jqd
from jqd.ensembles import copying
from jqd.figures.style import BLUE, GREEN, GREY, INK, PALE, VERMILLION, subplots
from jqd.states import composite

# --- Parameters (ħ = R = 1) -------------------------------------------------------

SPIN_X, NONE, PAIR = np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros((2, 2)), (2, 2)
MANY, SPECTATORS, SEED = 10_000, 2, 5
FEW = (20, 60, 200, 600)
TS = jnp.linspace(0.0, 3.0, 13)
SWING = jnp.linspace(0.0, np.pi / 2, 13)

# --- Problem ----------------------------------------------------------------------

entangled = pairs.entangled(np.cos(np.pi / np.array([6, 3])))
turned = composite.apply_local(entangled, pairs.rotation(np.pi / 4), PAIR, 1)
# In quantum mechanics no class of these falls below 0.05, whether H_B is on or off.
STATES = {
    "entangled": jnp.asarray(
        np.sqrt([0.14, 0.16, 0.57, 0.13]) * np.exp([0, 3.87j, 2.81j, 3.18j])
    ),
    "product": composite.product(*2 * [np.sqrt([0.6, 0.4]) * np.exp([0, 0.5j])]),
}

# --- Law --------------------------------------------------------------------------


def law(on_B, q=0.5, r=-0.5):
    H = composite.hamiltonian(SPIN_X, NONE) + on_B * composite.hamiltonian(NONE, SPIN_X)
    return jqd.CopyDynamics(jnp.zeros(4), H, jnp.zeros((4, 4)), q, r)


def copied(on_B, psi, ts, **options):
    """E⟨z_A⟩ of N copies and its standard error."""
    key = jax.random.key(SEED)
    run = copying.sample(law(on_B), psi, ts, key, error_trajectories=0, **options)
    return mean_error(pairs.polarisation(run.density, PAIR, 0))


@jax.jit
def mean_field(on_B, q, r, psi):
    """⟨z_A⟩ of infinitely many copies, and whether no class died out."""
    method = jqd.Fixed(jqd.steppers.rk4, 40, estimate_error=False)
    run = jqd.evolve(law(on_B, q, r), psi, TS, method=method, observe="density")
    return pairs.polarisation(run.values, PAIR, 0), run.status == jqd.Status.OK


# --- Comparison -------------------------------------------------------------------


def far_signal(q, r, psi):
    """Largest change of ⟨z_A⟩ by H_B at each q, r; NaN where the law ends at a node."""
    both = jax.vmap(mean_field, (None, 0, 0, None))
    (off, fine), (on, well) = (both(on_B, q, r, psi) for on_B in (0.0, 1.0))
    return np.where(fine & well, np.max(np.abs(on - off), axis=-1), np.nan)


def run(context):
    few, number = (FEW[:2], 300) if context.quick else (FEW, 1500)
    options = {"copies": MANY, "trajectories": 4}
    pair = {
        "B left alone": copied(0.0, entangled, SWING, **options),
        "B turned by 45°": copied(0.0, turned, SWING, **options),
        "B left alone,\n2 spectators per class": copied(
            0.0, entangled, SWING, **options, spectators=SPECTATORS
        ),
    }
    frozen, moved, cured = (z for z, _ in pair.values())

    means = np.zeros((len(STATES), len(few), 2, len(TS), 2))
    for k, psi in enumerate(STATES.values()):
        for n, copies in enumerate(context.progress(few, "copies")):
            for on_B in (0, 1):
                means[k, n, on_B] = np.transpose(
                    copied(
                        float(on_B), psi, TS, method="exact",
                        copies=copies, trajectories=number,
                    )
                )  # fmt: skip
    change = np.abs(means[:, :, 1, :, 0] - means[:, :, 0, :, 0])
    error = np.hypot(means[:, :, 1, :, 1], means[:, :, 0, :, 1])
    signals, chance = change.max(axis=-1), 3 * error.max(axis=(0, 2))

    off = np.linspace(-0.4, 0.4, 5 if context.quick else 33)
    half = np.full_like(off, 0.5)
    scans = {
        name: [far_signal(0.5 + off, -half, psi), far_signal(half, off - 0.5, psi)]
        for name, psi in STATES.items()
    }

    # --- Result -------------------------------------------------------------------
    quantum = np.asarray(mean_field(1.0, 0.5, -0.5, STATES["entangled"])[0])
    context.save_figure(
        figure(pair, few, means, quantum, signals, chance, off, scans), "signalling"
    )
    data = {
        "pair": (("case", "swing"), np.stack([frozen, moved, cured])),
        "mean": (("state", "copies", "on_B", "time", "value"), means),
    }
    axes = {"case": ["left alone", "turned", "spectators"], "swing": SWING}
    axes |= {"state": list(STATES), "copies": list(few), "time": TS}
    axes |= {"value": ["mean", "standard error"]}
    about = {"units": "hbar = R = 1", "seed": SEED, "trajectories": number}
    context.save_dataset(xr.Dataset(data, axes, about))
    exact = 0.5 * np.cos(2 * SWING)
    middle = len(off) // 2
    entangled_scan = np.concatenate(scans["entangled"])
    at_quantum_point = max(scan[0][middle] for scan in scans.values())
    product_scan = np.nanmax(np.concatenate(scans["product"]))
    holds = (
        np.ptp(frozen) == 0
        and np.max(np.abs(moved - exact)) < 0.05
        and np.max(np.abs(cured - exact)) < 0.1
        and np.all(signals[:, 0] > chance[0])
        and (context.quick or np.all(signals[:, -1] < 2 * chance[-1]))
        and at_quantum_point < 1e-6 < 0.05 < np.nanmax(entangled_scan)
        and product_scan < 1e-3
    )
    return {
        "status": "ok" if holds else "A does not move as claimed.",
        "left_alone": frozen[::3],
        "turned": moved[::3],
        "with_spectators": cured[::3],
        "copies": few,
        "signal_entangled": signals[0],
        "signal_product": signals[1],
        "three_standard_errors": chance,
        "mean_field_at_quantum_point": at_quantum_point,
        "mean_field_largest_entangled": np.nanmax(entangled_scan),
        "mean_field_largest_product": product_scan,
    }


def figure(pair, few, means, quantum, signals, chance, off, scans):
    fig, axes = subplots(2, 2, size=(10.0, 7.6))
    axis, fine = axes[0, 0], np.linspace(0, np.pi / 2, 200)
    axis.plot(fine, 0.5 * np.cos(2 * fine), "--", color=INK, lw=1)
    axis.annotate("quantum mechanics,\nall three cases", (0.06, -0.4), color=INK)
    for (name, (z, _)), color, mark in zip(
        pair.items(), (BLUE, VERMILLION, GREEN), "os^", strict=True
    ):
        hollow = {"mfc": "none", "ms": 8} if mark == "s" else {"ms": 5}
        axis.plot(SWING, z, mark, color=color, label=name, **hollow)
    axis.set(
        xlabel="time  (ħ/R)", ylabel="⟨z⟩ of A, measured on A alone", ylim=(-0.6, 1.12)
    )
    axis.set_title(
        f"Two empty classes, N = {MANY:,}:\nmotion of A, by what is done to B"
    )
    axis.legend(loc="upper center", ncols=3, fontsize=8, columnspacing=1)

    axis, fine = axes[0, 1], np.asarray(TS)
    axis.plot(fine, quantum, "--", color=INK, lw=1, label="quantum, on or off")
    for on_B, color, name in ((0, BLUE, "H_B off"), (1, VERMILLION, "H_B on")):
        z, error = means[0, 0, on_B].T
        axis.errorbar(fine, z, 2 * error, fmt="o-", color=color, lw=1, label=name)
    axis.set(xlabel="time  (ħ/R)", ylabel="average ⟨z⟩ of A")
    axis.set_title(
        f"All classes filled, N = {few[0]}:\nmotion of A, by what is done to B"
    )
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=3, fontsize=8)

    axis = axes[1, 0]
    axis.fill_between(few, 2e-4, chance, color=PALE, lw=0)
    axis.annotate("chance", (few[-1], 1.2e-3), color=GREY, ha="right")
    axis.axhline(1, color=BLUE, ls="--", lw=1.2, label="empty classes, exact for any N")
    for k, (color, mark) in enumerate(((VERMILLION, "s"), (GREEN, "^"))):
        label = f"{list(STATES)[k]} state, classes filled"
        axis.loglog(few, signals[k], mark + "-", color=color, ms=6, label=label)
    axis.set(xlabel="number of copies N", ylabel="largest change of ⟨z⟩ of A")
    axis.set(ylim=(2e-4, 3), title="Signal of H_B over the number of copies")
    axis.set_xticks(few, [str(n) for n in few])
    axis.minorticks_off()
    axis.legend(loc="lower left", fontsize=9)

    axis = axes[1, 1]
    for name, key, color, form in (
        ("entangled, q off ½ (gaps: a node)", 0, BLUE, "o-"),
        ("entangled, r off -½", 1, VERMILLION, "s-"),
        ("product, either", 0, GREEN, "-"),
    ):
        scan = scans[name.split(",")[0]][key]
        axis.plot(off, scan, form, color=color, ms=3.5, label=name)
    axis.axvline(0, color=GREY, lw=0.8, ls=":")
    axis.set(xlabel="distance from the quantum point (½, -½)", ylim=(-0.01, None))
    axis.set(ylabel="largest change of ⟨z⟩ of A")
    axis.set_title("Signal with infinitely many copies,\noff the quantum point")
    axis.legend(loc="upper center")
    return fig
