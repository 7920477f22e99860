"""Claim: that distant parties cannot signal fixes the functions of the copy law.

    dρ_i/dt = Σ_j 2 R_ij [F(ρ_i, ρ_j) sin⁺(x_ij) - F(ρ_j, ρ_i) sin⁺(x_ji)]
    dφ_i/dt = ω_i + Σ_j R_ij G(ρ_i, ρ_j) cos(x_ij)

F and G are two networks that know nothing of square roots. They are fitted to one
demand: for random pairs of systems, with H_A ⊗ 1 + 1 ⊗ H_B, what A sees does not depend
on H_B, at the lowest order at which it could, t². The theorem leaves
F = √((a + d)(b + d)), G = √((b + d)/(a + d)): quantum mechanics for √(ρ + d). F at one
point and G(¼, ¼) = 1, the unit of R, set d. For d > 0 densities pass below zero, so
that d = 0 is all that remains. Networks that end elsewhere, with no signal left, would
refute the claim.

Control: pairs of systems that know nothing of each other, product states. There any F
of degree 1 and any G of degree 0 in the densities is free of signals: the same fit must
not find the square roots.

Verdict: it holds. From pairs both networks end on the family, for d = 0 and for
d = 0.1; from product states the signal vanishes as well, and neither function is found.

Source: Smolin (2012), section 3.1, for F and G of the powers q and r, and section 3.4,
on signals; the theorem goes beyond the paper.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.surfaces import fit_surface

from jqd.figures.style import BLUE, CYCLE, GREEN, INK, VERMILLION, subplots
from jqd.readings.signals import second_order

# --- Parameters (R = 1) -----------------------------------------------------------

SPIN_X = np.array([[0.0, 1.0], [1.0, 0.0]])
SEED = 7
POINT = 0.25  # F(POINT, POINT) = POINT + d
FLOOR = 0.02  # least density of a start
REACH = (0.05, 0.5)  # densities at which the functions are judged

# --- Problem ----------------------------------------------------------------------


class Functions(eqx.Module):
    """F and G: exponentials of networks of ln ρ.

    Attributes:
        flow: ln F, up to a constant.
        turn: ln G, up to a constant.
        unit: F at (POINT, POINT).
    """

    flow: eqx.nn.MLP
    turn: eqx.nn.MLP
    unit: float = eqx.field(static=True)

    @classmethod
    def random(cls, key, unit, width=16):
        flow, turn = (
            eqx.nn.MLP(2, "scalar", width, 2, jnp.tanh, key=k)
            for k in jax.random.split(key)
        )
        return cls(flow, turn, unit)

    def F(self, a, b):
        return self.unit * _power(self.flow, a, b)

    def G(self, a, b):
        return _power(self.turn, a, b)


def _power(network, a, b):
    """exp of a network, 1 at (POINT, POINT)."""
    return jnp.exp(network(jnp.log(jnp.stack([a, b]) / POINT)) - network(jnp.zeros(2)))


class Starts(NamedTuple):
    """Random pairs: two classes of A beside others, which hold the rest.

    Attributes:
        density: (n, 2, 2).
        phase: (n, 2, 2).
    """

    density: jax.Array
    phase: jax.Array


def pairs(key, number):
    shares, angles = jax.random.split(key)
    density = jax.random.dirichlet(shares, jnp.ones(5), (number,))[:, :4]
    density = FLOOR + (1 - 5 * FLOOR) * jnp.reshape(density, (number, 2, 2))
    return Starts(density, 2 * jnp.pi * jax.random.uniform(angles, density.shape))


def products(key, number):
    """ρ_ab = α_a β_b, φ_ab = χ_a + η_b."""
    keys = jax.random.split(key, 3)
    own = jax.random.dirichlet(keys[0], jnp.ones(3), (number,))[:, :2]
    far = jax.random.dirichlet(keys[1], jnp.ones(2), (number,))
    own, far = 0.1 + 0.7 * own, 0.2 + 0.6 * far
    chi, eta = 2 * jnp.pi * jax.random.uniform(keys[2], (2, number, 2))
    phase = chi[:, :, None] + eta[:, None, :]
    return Starts(own[:, :, None] * far[:, None, :], phase)


def signals(functions, starts):
    """Signal of each pair at order t², in units of R² (1, for a turn of both)."""

    def one(density, phase):
        F, G = functions.F, functions.G
        return second_order(F, G, density, phase, SPIN_X, SPIN_X)[0]

    return jax.vmap(one)(*starts)


CASES = {"pairs, d = 0": (pairs, 0.0), "pairs, d = 0.1": (pairs, 0.1),
         "product states": (products, 0.0)}  # fmt: skip

# --- Comparison -------------------------------------------------------------------


def exact(d, a, b):
    return {"F": np.sqrt((a + d) * (b + d)), "G": np.sqrt((b + d) / (a + d))}


def deviations(functions, d, a, b):
    """Largest relative distance of F and of G from the family."""
    return {
        name: float(np.max(np.abs(values(functions, name, a, b) / due - 1)))
        for name, due in exact(d, a, b).items()
    }


def values(functions, name, a, b):
    return np.asarray(
        jax.vmap(getattr(functions, name))(jnp.asarray(a), jnp.asarray(b))
    )


def run(context):
    number, steps = (200, 250) if context.quick else (400, 800)
    axis = np.geomspace(*REACH, 9)
    a, b = (x.ravel() for x in np.meshgrid(axis, axis))
    a, b = a[a + b < 0.9], b[a + b < 0.9]  # as two of at least four classes have
    found, losses, table = {}, {}, []
    for name in context.progress(tuple(CASES), "fits"):
        draw, d = CASES[name]
        keys = jax.random.split(jax.random.key(SEED), 3)
        start = Functions.random(keys[0], POINT + d)
        seen, fresh = draw(keys[1], number), draw(keys[2], number)
        found[name], history = fit_surface(start, signals, seen, steps)
        losses[name] = np.asarray(history)
        at = jnp.array([0.1, 0.2, 0.4])
        table.append(
            {
                "starts": name,
                "signal_before": rms(start, fresh),
                "signal": rms(found[name], fresh),
                "fitted_d": float(np.mean(values(found[name], "F", at, at) - at)),
                **deviations(found[name], d, a, b),
            }
        )

    # --- Result -------------------------------------------------------------------
    context.save_table(table, "functions")
    context.save_figure(figure(found, losses), "no_signalling")
    data = {"loss": (("starts", "step"), np.stack(list(losses.values())))}
    axes = {"starts": list(CASES), "step": np.arange(steps)}
    about = {"units": "R = 1", "seed": SEED, "number_of_starts": number}
    context.save_dataset(xr.Dataset(data, axes, about))
    near = 0.03 if context.quick else 0.01
    *learnt, control = table
    holds = (
        all(max(row["F"], row["G"]) < near for row in learnt)
        and max(control["F"], control["G"]) > 0.2
        and control["signal"] < 0.1 * control["signal_before"]
    )
    return {
        "status": "ok" if holds else "The functions are not those of the theorem.",
        "learnt": {row.pop("starts"): row for row in table},
    }


def rms(functions, starts):
    return float(jnp.sqrt(jnp.mean(signals(functions, starts) ** 2)))


def figure(found, losses):
    fig, axes = subplots(2, 2, size=(10.0, 7.6))
    axis = axes[0, 0]
    for color, (name, loss) in zip(
        (BLUE, GREEN, VERMILLION), losses.items(), strict=True
    ):
        axis.loglog(np.arange(1, len(loss) + 1), loss, color=color, label=name)
    axis.set(xlabel="step of the fit", ylabel="mean square of the signal (R⁴)")
    axis.set_title("What is demanded: no signal at order t²")
    axis.legend(loc="lower left")

    fine, dots = np.geomspace(*REACH, 100), np.geomspace(*REACH, 12)
    quantum = found["pairs, d = 0"]
    for axis, name, line in (
        (axes[0, 1], "F", "√(ρ ρ')"), (axes[1, 0], "G", "√(ρ'/ρ)")
    ):  # fmt: skip
        for color, other in zip(CYCLE, (0.05, 0.15, 0.4), strict=False):
            b = np.full_like(fine, other)
            axis.plot(fine, exact(0.0, fine, b)[name], color=color, lw=1.2)
            b = np.full_like(dots, other)
            axis.plot(dots, values(quantum, name, dots, b), "o", color=color,
                      label=f"ρ' = {other:g}")  # fmt: skip
        axis.set(xlabel="ρ", ylabel=f"{name}(ρ, ρ')")
        axis.set_title(f"{name}: dots learnt from pairs, lines {line}")
        axis.legend(loc="upper left" if name == "F" else "upper right")

    axis = axes[1, 1]
    axis.axhline(1, color=INK, lw=1, ls="--", label="quantum mechanics")
    b = np.full_like(fine, 0.2)
    for color, name in zip((BLUE, GREEN, VERMILLION), found, strict=True):
        for what, form in (("F", "-"), ("G", ":")):
            ratio = values(found[name], what, fine, b) / exact(0.0, fine, b)[what]
            label = f"{what}, {name}"
            axis.plot(fine, ratio, form, color=color, label=label)
    axis.set(xlabel="ρ", ylabel="over quantum mechanics, at ρ' = 0.2")
    axis.set_title("The family, and what product states leave open")
    axis.legend(fontsize=8)
    return fig
