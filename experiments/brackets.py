"""Claim: the Poisson brackets of density and action are the operator algebra.

    {A, B} = ∫ (δA/δρ δB/δS - δB/δρ δA/δS) dx = ⟨ψ, [A, B] ψ⟩/iħ,  ψ = √ρ e^{iS/ħ}

All brackets are computed by automatic differentiation of functions of (ρ, S). One pair
of observables whose bracket is not the commutator would refute the claim.

Verdict: it holds to rounding for 300 random pairs of Hermitian kernels,
A(x, x') = A*(x', x). The printed symmetry A(x, x') = A(x', x) would exclude the
momentum. The momentum shifts ρ and S; a split step is a canonical map, and one with
friction is not.

Source: Zakir, "Diffusion treatment of quantum theory and gravity. 1", sections 3.2 and
3.3, eqs. (27)-(29), (33), (35)-(44).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_dots

from jqd.figures.style import BLUE, GREY, VERMILLION, subplots
from jqd.readings.brackets import canonical_rates, poisson_bracket, symplecticity
from jqd.readings.observables import amplitude, bilinear, momentum, polar
from jqd.spaces import Grid

# --- Parameters (ħ = 1.3, m = 0.7, any units) -------------------------------------

HBAR, MASS, SITES = 1.3, 0.7, 8
FRICTION = 0.1
NUMBER = 300  # random pairs of observables
LINE = Grid((0.0, 2 * np.pi), 64)
RING = Grid((0.0, 3.0), 12)

# --- Random observables and states ------------------------------------------------


def random_pair(key):
    """Two Hermitian matrices, a density and an action on 8 sites."""
    keys = jax.random.split(key, 4)
    parts = jax.random.normal(keys[0], (2, 2, SITES, SITES))
    matrices = parts[0] + 1j * parts[1]
    hermitian = (matrices + jnp.conj(jnp.swapaxes(matrices, 1, 2))) / 2
    density = jax.random.uniform(keys[1], (SITES,), minval=0.2)
    action = jax.random.uniform(keys[2], (SITES,), minval=-3, maxval=3)
    return hermitian, density / density.sum(), action


@jax.jit
def brackets(key):
    """{A, B}, ⟨[A, B]⟩/iħ, and the bracket of the symmetric (not Hermitian) kernels."""
    (a, b), density, action = random_pair(key)
    psi = amplitude(density, action, HBAR)
    commutator = jnp.vdot(psi, (a @ b - b @ a) @ psi) / (1j * HBAR)
    pair = bilinear(a, hbar=HBAR), bilinear(b, hbar=HBAR)
    bracket = poisson_bracket(*pair, density, action)
    # as printed: A(x, x') = A(x', x), so the antisymmetric part is lost
    even = [(matrix + matrix.T) / 2 for matrix in (a, b)]
    pair = [bilinear(matrix, hbar=HBAR) for matrix in even]
    return bracket, commutator.real, poisson_bracket(*pair, density, action)


# --- Shifts and canonical maps ----------------------------------------------------


def smooth_state():
    """A density and an action, and their slopes in closed form."""
    x = LINE.x
    density = jnp.exp(jnp.sin(x)) / (2 * jnp.pi * 1.2660658777520084)  # I₀(1)
    action = HBAR * (x + 0.5 * jnp.cos(2 * x))
    slopes = density * jnp.cos(x), HBAR * (1 - jnp.sin(2 * x))
    return density, action, slopes


def step(density, action, friction=0.0, dt=0.1):
    """A split step of H = p²/2m + cos on 12 sites, and friction on S."""
    half = jnp.exp(-0.5j * dt * jnp.cos(2 * jnp.pi * RING.x / 3) / HBAR)
    turn = jnp.exp(-1j * dt * HBAR * RING.k2 / (2 * MASS))
    psi = half * amplitude(density, action, HBAR)
    density, action = polar(half * jnp.fft.ifft(turn * jnp.fft.fft(psi)), HBAR)
    return density, jnp.exp(-friction * dt) * action


@jax.jit
def defects(friction):
    """|JᵀΩJ - Ω| and det J - 1 of a step at a random point."""
    keys = jax.random.split(jax.random.key(3))
    density = jax.random.uniform(keys[0], RING.shape, minval=0.5)
    action = jax.random.uniform(keys[1], RING.shape, minval=-1)
    return symplecticity(lambda *point: step(*point, friction), density, action)


# --- Comparison -------------------------------------------------------------------


def run(context):
    number = NUMBER // (10 if context.quick else 1)
    keys = jax.random.split(jax.random.key(0), number)
    bracket, commutator, even = map(np.asarray, jax.lax.map(brackets, keys))

    density, action, slopes = smooth_state()
    shifts = jax.jit(partial(canonical_rates, momentum(LINE, hbar=HBAR)))
    shift = shifts(density, action, LINE.cell)
    kept, lost = defects(0.0), defects(FRICTION)

    # --- Result -------------------------------------------------------------------
    checks = {
        "{A, B} = ⟨[A, B]⟩/iħ": np.abs(bracket - commutator).max(),
        "{ρ, p̄} = -∂ρ/∂x": np.abs(shift.density + slopes[0]).max(),
        "{S, p̄} = -∂S/∂x": np.abs(shift.action + slopes[1]).max(),
        "split step: JᵀΩJ = Ω": kept[0],
        "split step: det J = 1": kept[1],
        "with friction: JᵀΩJ = Ω": lost[0],
        "with friction: det J = 1": lost[1],
    }
    checks = {name: abs(float(value)) for name, value in checks.items()}
    context.save_table([{"check": k, "error": v} for k, v in checks.items()], "checks")
    context.save_figure(figure(bracket, commutator, even, checks), "brackets")
    columns = {"bracket": bracket, "commutator": commutator, "symmetric": even}
    columns = {name: ("pair", column) for name, column in columns.items()}
    attributes = {"hbar": HBAR, "sites": SITES, "friction": FRICTION}
    context.save_dataset(xr.Dataset(columns, attrs=attributes))
    *identities, broken, lost_volume = checks.values()
    holds = max(identities) < 1e-11 and min(broken, lost_volume) > 1e-3
    return {
        "status": "ok" if holds else "The brackets are not the operator algebra.",
        "largest_error": max(identities),
        "pairs": number,
        "median_error_if_symmetric": float(np.median(np.abs(even - commutator))),
        "volume_lost_by_friction": lost_volume,
    }


def figure(bracket, commutator, even, checks):
    """Brackets against commutators, and the errors of every identity."""
    fig, ((left, right),) = subplots(1, 2, size=(10.6, 4.2), width_ratios=(1, 1.1))
    left.axline((0, 0), slope=1, color=GREY, lw=0.8)
    label = "kernels symmetric, as printed in (35)"
    left.plot(commutator, even, "x", color=VERMILLION, ms=4, alpha=0.6, label=label)
    left.plot(commutator, bracket, "o", color=BLUE, label="kernels Hermitian")
    reach = 1.1 * np.abs(commutator).max()
    left.set(xlim=(-reach, reach), ylim=(-reach, 1.5 * reach), xlabel="⟨[A, B]⟩/iħ")
    left.set_ylabel("{A, B} by automatic differentiation")
    left.set_title("Poisson brackets of (ρ, S), and commutators")
    left.legend(loc="upper left", fontsize=9)
    draw_dots(
        right, list(checks), {"": list(checks.values())}, floor=1e-17, xlim=(1e-17, 10),
        xlabel="largest error",
        title="Errors of the identities, without and with friction",
    )  # fmt: skip
    return fig
