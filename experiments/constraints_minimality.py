"""Claim: constraints C1-C6 leave one diffusion matrix, up to one constant C.

    D^aa_ij = f_ij ∂²H/∂α_i*∂α_j*,   f real and symmetric;   the claim: f_ij = C

C6 is minimality: of all f that C1-C5 allow, it selects a constant one. Another f that
passes them all refutes the claim. C1 and C3 hold by the form of D, which is of order ħ
and made of H; for C1-C5 of the law itself see constraints.py.

Control: f = 1 must be quantum mechanics, to rounding; f = |∂H|², which varies, must
fail at C6, and a complex f at C4 and C5.

Verdict: refuted. f_ij = C passes all six, but so do other real, constant, symmetric f:
C δ_ij and one drawn at random. C6 asks for a constant, not for equal entries. Of the
constant f tried, only f_ij = C is covariant under U(N) rotations of the modes, and only
at C = 1 is it quantum mechanics.

Context: by C6 the diffusion matrix "contains no terms or dependencies beyond those
strictly required by constraints C1-C5" (sec. III C of the source). Taken literally that
is f = 0; read as "a constant", as the text goes on, it leaves more than one. The
evolution that f = 1 has to match is that of K. Husimi's function, Proc. Phys.-Math.
Soc. Jpn. 22, 264 (1940), reviewed by H.-W. Lee, Phys. Rep. 259, 147 (1995).

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", secs. III C and III D, eqs. (40)-(43).
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_dots

from jqd.figures.style import GREY, subplots
from jqd.readings.conditions import (
    as_doubled,
    energy_residual,
    reality_residual,
    symmetry_residual,
    time_reversal_residual,
    weighted_diffusion,
)
from jqd.readings.phase_space import (
    complex_fokker_planck,
    complex_gradient,
    complex_hessian,
)
from jqd.spaces import symbols
from jqd.states import coherent, husimi

# --- Parameters (ħ = 1) -----------------------------------------------------------

PAIR = symbols.cross_kerr(1.0) + symbols.bose_hubbard(0.7, 0.5, [(0, 1)])
LIMIT = 1e-9  # of residuals that pass: far above rounding, far below a violation
LEVELS, ALPHAS = (16, 16), (0.6 + 0.2j, 0.3j)

# --- Problem and law --------------------------------------------------------------


def hamiltonian(alpha):
    """H of a point (2,)."""
    return PAIR(alpha).real


def weights(rng):
    """Name: (matrix, share of f that goes like |∂H|²)."""
    own = rng.normal(size=(2, 2))
    own, ones = own + own.T, np.ones((2, 2))
    return {
        "f = 1": (ones, 0.0),
        "f = δ_ij": (np.eye(2), 0.0),
        "f random": (own, 0.0),
        "f = |∂H|²": (ones, 1.0),
        "f complex": ((1 + 0.5j) * own, 0.0),
    }


def f_of(H, weight, alpha):
    """Such an f, (2, 2)."""
    matrix, share = weight
    slope = jnp.sum(jnp.abs(complex_gradient(H, alpha)[:2]) ** 2)
    return matrix * (1 - share + share * slope)


def diffusion(H, weight, alpha):
    """D over (α, α*) of such an f."""
    hessian = complex_hessian(H, alpha)[2:, 2:]
    return as_doubled(weighted_diffusion(hessian, f_of(H, weight, alpha)))


def motion(density, ket):
    """Its rate while the ket obeys Schrödinger's equation."""
    change = -1j * symbols.matrix(PAIR, LEVELS) @ ket.ravel()
    return jax.jvp(density, (ket,), (change.reshape(LEVELS),))[1]


# --- Comparison -------------------------------------------------------------------


def conditions(alpha, weight, rotation):
    """Name: residual at a point, but f itself for C6; and the exact rate, the scale of
    the last one."""
    H, D = hamiltonian, functools.partial(diffusion, hamiltonian, weight)
    here, hessian = D(alpha), complex_hessian(H, alpha)
    # f ∘ (V h Vᵀ) against V (f ∘ h) Vᵀ
    turned = lambda a: H(jnp.conj(rotation.T) @ a)  # noqa: E731
    mine = diffusion(turned, weight, rotation @ alpha)[:2, :2]
    moved = rotation @ here[:2, :2] @ rotation.T
    ket = coherent(jnp.array(ALPHAS), LEVELS)
    Q = lambda a: husimi(ket, a, modes=2)  # noqa: E731
    exact = motion(lambda ket: husimi(ket, alpha, modes=2), ket)
    return {
        "C2 symmetry, reality": (
            symmetry_residual(here), reality_residual(here)
        ),
        "C4 time reversal": time_reversal_residual(D, alpha),
        "C5 energy": energy_residual(hessian, here),
        "C6 constant f": f_of(H, weight, alpha),
        "U(N) covariance": jnp.max(jnp.abs(mine - moved)) / jnp.max(jnp.abs(moved)),
        "quantum mechanics": complex_fokker_planck(H, D, Q, alpha) - exact,
    }, exact  # fmt: skip


def largest(values):
    return max(float(jnp.max(jnp.abs(leaf))) for leaf in jax.tree.leaves(values))


def run(context):
    rng = np.random.default_rng(2)
    points = rng.normal(size=(6 if context.quick else 20, 2)) * (0.6 + 0.5j)
    points = jnp.asarray(points * np.exp(1j * rng.normal(size=points.shape)))
    angles = rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
    rotation = jnp.linalg.qr(jnp.asarray(angles))[0]
    candidates = weights(rng)
    residuals, table = jax.jit(jax.vmap(conditions, (0, None, None))), []
    for name, (matrix, share) in context.progress(candidates.items(), "weights"):
        found, exact = residuals(points, (matrix + 0j, share), rotation)
        found["quantum mechanics"] /= largest(exact)
        f = found["C6 constant f"]  # what it changes by from point to point
        found["C6 constant f"] = (f - f.mean(axis=0)[None]) / largest(f)
        table.append({"f": name} | {key: largest(found[key]) for key in found})

    # --- Result -------------------------------------------------------------------
    keys = list(table[0])[1:]
    values = [[row[key] for key in keys] for row in table]
    context.save_table(table, "weights")
    context.save_figure(figure(keys, table), "minimality")
    data = {"residual": (("f", "condition"), values)}
    at = {"f": list(candidates), "condition": keys}
    context.save_dataset(xr.Dataset(data, at, {"units": "hbar = 1"}))
    numbers = np.array(values)
    rounding = numbers[numbers < LIMIT].max()
    violation = numbers[numbers >= LIMIT].min()
    bad = {row["f"]: [key for key in keys if row[key] >= LIMIT] for row in table}
    outside = ["U(N) covariance", "quantum mechanics"]
    others = [name for name, of in bad.items() if of and set(of) <= set(outside)]
    holds = (
        not bad["f = 1"] and bad["f = δ_ij"] == bad["f random"] == outside
        and bad["f = |∂H|²"] == ["C6 constant f", outside[1]]
        and {"C4 time reversal", "C5 energy"} <= set(bad["f complex"])
    )  # fmt: skip
    return {
        "status": "ok" if holds else "The constraints single out another f.",
        "verdict": (
            f"Beside f = 1, {len(others)} pass C2-C6 and are not quantum mechanics: "
            f"{', '.join(others)}. Residuals that pass are below {rounding:.0e}; those "
            f"that do not are above {violation:.2f}."
        ),
        "largest_residual_that_passes": rounding,
        "least_violation": violation,
        "violated_by": bad,
        "delta_from_quantum": table[1]["quantum mechanics"],
    }


def figure(keys, table):
    fig, ((axis,),) = subplots(size=(7.4, 4.4))
    series = {row["f"]: [row[key] for key in keys] for row in table}
    draw_dots(
        axis, keys, series, apart=0.14, xlabel="largest residual",
        title="Residuals of each f under C2-C6 (above the dotted line), covariance\n"
        f"and quantum mechanics; those at 0 are below {LIMIT:.0e}",
    )  # fmt: skip
    axis.axhline(1.5, color=GREY, lw=0.8, ls=":")
    fig.legend(loc="outside lower center", ncols=len(series), fontsize=8)
    return fig
