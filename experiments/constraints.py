"""Claim: constraints C1-C6 leave one diffusion, and one constant C. They leave f_ij.

    D^aa_ij = f_ij ∂²H/∂α_i*∂α_j*,   f real and symmetric;   the claim: f_ij = C

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", sec. III, eqs. (10)-(43). C1 classical limit, C2 Fokker-Planck form, C3 local
dependence on H, C4 time reversal, C5 energy, C6 minimality; each is a number here.
Verdict: f_ij = C passes them all, and so does every other real, constant, symmetric f,
such as C δ_ij: C6 asks for a constant, not for equal entries. Of the constants tried
f_ij = C alone is covariant under U(N) rotations of the modes, and alone is quantum
mechanics. C4 holds as defined for H(α*) = H(α), which the amplifier (ig/2)(α*² - α²) of
sec. V E does not satisfy; its reversal is α -> iα* in place of α -> α*.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.laws.husimi_rules import (
    as_doubled,
    complex_fokker_planck,
    complex_gradient,
    complex_hessian,
    energy_residual,
    reality_residual,
    symmetry_residual,
    time_reversal_residual,
)
from jqd.report.style import CYCLE, GREY, subplots
from jqd.spaces import symbols
from jqd.states import coherent, husimi

# --- Parameters (ħ = 1) -----------------------------------------------------------

HBARS = np.array([0.4, 0.2, 0.1, 0.05])
FLOOR = 1e-17
PAIR = symbols.cross_kerr(1.0) + symbols.bose_hubbard(0.7, 0.5, [(0, 1)])
SINGLE = {
    "Kerr": symbols.kerr(1.0, 0.3),
    "real pump (g/2)(a² + a†²)": symbols.squeezed_oscillator(0.0, 0.8),
    "amplifier (ig/2)(a†² - a²)": symbols.parametric_amplifier(0.8),
}
ONE = (np.ones((1, 1)), 0.0)

# --- Problem and law --------------------------------------------------------------


def hamiltonian(symbol):
    """H of a point (N,)."""
    return lambda a: symbol(a[0] if symbol.modes == 1 else a).real


def weights(rng):
    """Name: f, constant or times |∂H|²."""
    own = rng.normal(size=(2, 2))
    own, ones = own + own.T, np.ones((2, 2))
    return {
        "f = 1": (ones, 0.0),
        "f = δ_ij": (np.eye(2), 0.0),
        "f random": (own, 0.0),
        "f = |∂H|²": (ones, 1.0),
        "f complex": ((1 + 0.5j) * own, 0.0),
    }


def diffusion(H, weight, alpha):
    """D over (α, α*) of f = (matrix, share that goes like |∂H|²)."""
    modes, (matrix, share) = alpha.shape[0], weight
    slope = jnp.sum(jnp.abs(complex_gradient(H, alpha)[:modes]) ** 2)
    f = matrix * (1 - share + share * slope)
    return as_doubled(f * complex_hessian(H, alpha)[modes:, modes:])


def density(alpha):
    """A smooth density without symmetry."""
    return jnp.exp(-jnp.sum(jnp.abs(alpha - 0.3 + 0.4j) ** 2)) * (1 + alpha[0].real)


def rate(H, weight, density, alpha, hbar=1.0):
    local = functools.partial(diffusion, H, weight)
    return complex_fokker_planck(H, local, density, alpha, hbar).real


# --- Comparison -------------------------------------------------------------------


def over(function, *shared):
    """For many points at once."""
    return jax.jit(jax.vmap(function, (0, *(None for _ in shared))))


def largest(values):
    return max(float(jnp.max(jnp.abs(leaf))) for leaf in jax.tree.leaves(values))


def reversal(symbol, points, turn):
    """|T L T⁻¹ + L| / |L| on a density, T: α -> turn α*."""
    H = hamiltonian(symbol)
    image = lambda a: turn * jnp.conj(a)  # noqa: E731

    def both(a):
        other = rate(H, ONE, lambda b: density(image(b)), image(a))
        return rate(H, ONE, density, a), other

    plain, other = over(both)(points)
    return largest(other + plain) / largest(plain)


def conditions(points, rotation):
    """Name: residual of f at a point."""
    H, levels = hamiltonian(PAIR), (16, 16)
    turned = lambda a: H(jnp.conj(rotation.T) @ a)  # noqa: E731
    ket = coherent(jnp.array([0.6 + 0.2j, 0.3j]), levels)
    motion = (-1j * symbols.matrix(PAIR, levels) @ ket.ravel()).reshape(levels)
    at = lambda ket, a: husimi(ket, a, modes=2)  # noqa: E731
    size = largest(jax.jvp(lambda ket: at(ket, points), (ket,), (motion,))[1])

    def form(a, f):
        D = diffusion(H, f, a)
        return symmetry_residual(D), reality_residual(D)

    def covariance(a, f):
        # f ∘ (V h Vᵀ) against V (f ∘ h) Vᵀ
        mine = diffusion(turned, f, rotation @ a)[:2, :2]
        moved = rotation @ diffusion(H, f, a)[:2, :2] @ rotation.T
        return jnp.max(jnp.abs(mine - moved)) / jnp.max(jnp.abs(moved))

    def quantum(a, f):
        _, exact = jax.jvp(lambda ket: at(ket, a), (ket,), (motion,))
        return (rate(H, f, lambda b: at(ket, b), a) - exact) / size

    return {
        "C2 symmetry, reality": form,
        "C4 time reversal": lambda a, f: time_reversal_residual(
            functools.partial(diffusion, H, f), a
        ),
        "C5 energy": lambda a, f: energy_residual(
            complex_hessian(H, a), diffusion(H, f, a)
        ),
        "U(N) covariance": covariance,
        "quantum mechanics": quantum,
    }


def run(context):
    rng = np.random.default_rng(2)
    points = jnp.asarray(
        rng.normal(size=(6 if context.quick else 20, 2)) * (0.6 + 0.5j)
    )
    points = points * jnp.exp(1j * jnp.asarray(rng.normal(size=points.shape)))
    plane, H = points[:, :1], hamiltonian(SINGLE["Kerr"])

    # C1: what the diffusion adds to Liouville's rate is of first order in ħ.
    at = over(lambda a, h: rate(H, ONE, density, a, h), "ħ")
    added = [largest(at(plane, h) - at(plane, 0.0)) for h in HBARS]
    order = np.polyfit(np.log(HBARS), np.log(added), 1)[0]

    # C3: more of H, of third order about a point, leaves D at that point as it is.
    def bent(a):
        return H(a) + jnp.real((a[0] - plane[0, 0]) ** 3)

    local = largest(diffusion(bent, ONE, plane[0]) - diffusion(H, ONE, plane[0]))

    # C4, as the paper defines it and with another reversal for the amplifier.
    reversals = {name: reversal(symbol, plane, 1) for name, symbol in SINGLE.items()}
    reversals["amplifier, with α -> iα*"] = reversal(
        SINGLE["amplifier (ig/2)(a†² - a²)"], plane, 1j
    )

    # C5 for each order of derivatives of a theory that has four.
    phi4 = symbols.phi4(0.1)
    law = HusimiFokkerPlanck(phi4, form=Fock(20, orders=None))
    rho = law.prepare(coherent(0.7 + 0.2j, 12))
    operator = symbols.matrix(phi4, 20)
    energies = [
        largest(jnp.trace(operator @ law.form.order_terms(law, k)(rho)))
        for k in range(1, 5)
    ]

    angles = rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
    rotation = jnp.linalg.qr(jnp.asarray(angles))[0]
    candidates = weights(rng)
    table = [{"f": name} for name in candidates]
    tests = conditions(points, rotation)
    for key in context.progress(tests, "conditions"):
        residual = over(tests[key], "f")
        for row in table:
            matrix, share = candidates[row["f"]]
            row[key] = largest(residual(points, (matrix + 0j, share)))

    # --- Result -------------------------------------------------------------------
    context.save_table(table, "weights")
    context.save_figure(figure(added, reversals, table), "constraints")
    keys = list(table[0])[1:]
    values = [[row[key] for key in keys] for row in table]
    context.save_dataset(
        xr.Dataset(
            {"residual": (("f", "condition"), values), "added": ("hbar", added)},
            {"f": [row["f"] for row in table], "condition": keys, "hbar": HBARS},
            {"units": "hbar = 1"},
        )
    )
    bad = {row["f"]: [key for key in keys if row[key] > 1e-9] for row in table}
    outside = ["U(N) covariance", "quantum mechanics"]
    holds = (
        abs(order - 1) < 1e-6 and max(energies) < 1e-12 and local < 1e-12
        and not bad["f = 1"] and bad["f = δ_ij"] == bad["f random"] == outside
        and bad["f = |∂H|²"] == outside[1:] and "C5 energy" in bad["f complex"]
        and [value < 1e-9 for value in reversals.values()] == [True, True, False, True]
    )  # fmt: skip
    return {
        "status": "ok" if holds else "The constraints single out something else.",
        "C1_order_in_hbar": order,
        "C3_change_of_D": local,
        "C4_reversal": reversals,
        "C5_energy_of_each_order": energies,
        "violated_by": bad,
        "delta_from_quantum": table[1]["quantum mechanics"],
    }


def figure(added, reversals, table):
    fig, axes = subplots(1, 3, size=(12.6, 3.9), width_ratios=(1, 1.1, 1.7))
    axis = axes[0, 0]
    axis.loglog(HBARS, added, "o-", color=CYCLE[0])
    axis.set(xlabel="ħ", ylabel="largest rate beyond Liouville's")
    axis.set_xticks(HBARS, [str(h) for h in HBARS])
    axis.set_yticks([0.1, 0.2, 0.4], ["0.1", "0.2", "0.4"])
    axis.minorticks_off()
    axis.set_title("C1: the diffusion\nvanishes like ħ")
    axis = axes[0, 1]
    names, y = list(reversals), np.arange(len(reversals))[::-1]
    axis.semilogx(np.maximum(list(reversals.values()), FLOOR), y, "o", color=CYCLE[1])
    axis.set_yticks(y, names, fontsize=8)
    axis.set(xlim=(FLOOR / 2, 50), ylim=(-0.5, len(names) - 0.5))
    axis.set_xticks([1e-15, 1e-10, 1e-5, 1])
    axis.set(xlabel="|T L T⁻¹ + L| / |L|")
    axis.set_title("C4: the amplifier needs\nanother reversal")
    axis = axes[0, 2]
    keys = list(table[0])[1:]
    y = np.arange(len(keys))[::-1]
    for k, (row, marker) in enumerate(zip(table, "osD^x", strict=True)):
        values = np.maximum([row[key] for key in keys], FLOOR)
        axis.semilogx(
            values, y + 0.12 * (2 - k), marker, color=CYCLE[k], label=row["f"]
        )
    axis.axhline(1.5, color=GREY, lw=0.8, ls=":")
    axis.set_yticks(y, keys)
    axis.set(xlim=(FLOOR / 2, 50), xlabel="residual")
    axis.set_xticks([1e-15, 1e-10, 1e-5, 1])
    axis.set_title("C2-C5 let many f pass;\ncovariance and C6 leave f_ij = C")
    axis.legend(loc="upper center", fontsize=8)
    return fig
