"""Claim: among the orderings only Husimi's obeys a Fokker-Planck equation. Almost.

    ∂ₜW_C = i ∂[(∂*H_C) W_C] + (iħC/2) ∂²[(∂*²H_C) W_C] + c.c.,  H_C = e^(ħ(1-C)∂∂*/2) H

W_C is the quasiprobability of order s = -C (C = 1 Husimi, 0 Wigner, -1 Glauber's P),
H_C the symbol of the dual order (anti-Wick, Weyl, Wick). Source: eq. (43) of "Can
Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics? Part I",
read with every C; K. E. Cahill and R. J. Glauber, Phys. Rev. 177 (1969) 1882.
Verdict: for a quadratic Hamiltonian each C is exact for its own W_C, so that C = 1 only
names the density that is meant. For Kerr's the equation leaves out the third order,
(i/8)(1 - C²) ∂*²∂[(∂²∂*H_C) W_C] + c.c., measured here. It vanishes at C = 1 (and -1,
where P is no function): of the densities that exist for every state, only Q is exact.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

import jqd
from jqd.exact import husimi as exact
from jqd.laws.husimi import GaussianForm, GaussianSum, Heff, HusimiFokkerPlanck
from jqd.laws.husimi.generators import complex_generator
from jqd.report.style import BLUE, GREEN, GREY, INK, VERMILLION, subplots
from jqd.spaces import symbols
from jqd.states import as_ensemble, coherent, phase_grid, quasiprobability, thermal

# --- Parameters (ħ = 1) -----------------------------------------------------------

HAMILTONIANS = {
    "Kerr": symbols.kerr(1.0, 0.5),
    "squeezed oscillator": symbols.squeezed_oscillator(1.0, 0.3 + 0.4j),
}
ALPHA, TIME, LEVELS = 1.2 + 0.5j, 0.5, 30
GRID = np.linspace(-4, 4, 33)

# --- Problem and law --------------------------------------------------------------


def dual_symbol(symbol, C):
    """H_C, marked as what the law multiplies with."""
    moved = symbol.to("weyl", 1 - C, prune=False)
    return symbols.Symbol(moved.coefficients, moved.powers)


def evolved(symbol, C, points):
    """The law's density at `TIME` from W_C of a coherent state."""
    dual, spread = dual_symbol(symbol, C), (1 + C) / 4
    if symbol.degree == 2:
        law = HusimiFokkerPlanck(dual, C, points=points, form=GaussianForm())
        mean = jnp.array([[ALPHA.real, ALPHA.imag]]) + 0j
        start = GaussianSum(jnp.ones(1) + 0j, mean, spread * jnp.eye(2))
    else:
        levels = round(60 / C)
        law = HusimiFokkerPlanck(dual, C, points=points, form=Heff(levels))
        # at ħ_eff = C the same Gaussian is that of a thermal state
        hot = thermal((1 - C) / (2 * C), levels, ALPHA / np.sqrt(C))
        start = as_ensemble(hot, 1)
    ts = jnp.array([0, TIME])
    return jqd.evolve(law, start, ts, observe="density").values[-1]


def wirtinger(function, conjugate):
    """∂f or ∂*f of a complex function of α."""

    def derivative(alpha):
        along_x, along_y = (
            jax.jvp(function, (alpha,), (unit,))[1] for unit in (1 + 0j, 1j)
        )
        return (along_x + (1j if conjugate else -1j) * along_y) / 2

    return derivative


def left_out(symbol, density):
    """i{∂*²∂[(∂²∂*H) W] - c.c.} at a point."""
    inner = symbol.derivative().derivative().derivative(conjugate=True)
    function = lambda alpha: inner(alpha) * density(alpha)  # noqa: E731
    for conjugate in (False, True, True):
        function = wirtinger(function, conjugate)
    return lambda alpha: -2 * function(alpha).imag


@jax.jit
def rates(symbol, C, ket, points):
    """∂ₜW_C of quantum mechanics, of the equation, and of the third order."""
    motion = -1j * symbols.matrix(symbol, ket.shape) @ ket
    at = lambda ket, alpha: quasiprobability(ket, alpha, C)  # noqa: E731
    _, quantum = jax.jvp(lambda ket: at(ket, points), (ket,), (motion,))
    dual, density = dual_symbol(symbol, C), lambda alpha: at(ket, alpha)
    equation = jax.vmap(lambda alpha: complex_generator(dual, density, alpha, C))
    third = jax.vmap(left_out(dual, density))
    return quantum, equation(points), third(points)


# --- Comparison -------------------------------------------------------------------


def run(context):
    rng = np.random.default_rng(0)
    ket = rng.normal(size=(2, 12)).T @ [1, 1j] * (np.arange(12) < 8)
    ket = jnp.asarray(ket / np.linalg.norm(ket))
    points = jnp.asarray(rng.normal(size=(20, 2)) @ [0.8, 0.8j])
    strengths = np.linspace(-0.5, 1, 4 if context.quick else 16)
    table = []
    for name, symbol in context.progress(HAMILTONIANS.items(), "rates"):
        for C in strengths:
            quantum, equation, third = rates(symbol, C, ket, points)
            gap = quantum - equation
            factor = jnp.vdot(third, gap) / jnp.maximum(jnp.vdot(third, third), 1e-30)
            size = jnp.max(jnp.abs(quantum))
            table.append(
                {
                    "hamiltonian": name,
                    "C": C,
                    "residual": float(jnp.max(jnp.abs(gap)) / size),
                    "third_order_factor": float(factor),
                    "expected_factor": (1 - C**2) / 8 if name == "Kerr" else 0.0,
                    "residual_with_third_order": float(
                        jnp.max(jnp.abs(gap - factor * third)) / size
                    ),
                }
            )
    plane = phase_grid(GRID, GRID)
    later = [0.4, 0.7, 1.0] if context.quick else np.linspace(0.3, 1, 8)
    distances = {name: [] for name in HAMILTONIANS}
    for C in context.progress(later, "evolution"):
        for name, symbol in HAMILTONIANS.items():
            motion = -1j * TIME * symbols.matrix(symbol, LEVELS + 20)
            ket = jax.scipy.linalg.expm(motion) @ coherent(ALPHA, LEVELS + 20)
            gap = evolved(symbol, C, plane) - quasiprobability(ket, plane, C)
            cell = (GRID[1] - GRID[0]) ** 2
            distances[name].append(float(jnp.sum(jnp.abs(gap)) * cell / 2))
    # C of the law against a record that is always the Husimi function
    wide = np.linspace(0.5, 1.5, 5 if context.quick else 21)
    husimi = [
        exact.kerr(plane, TIME, U=1.0, b=-3.0, alpha0=ALPHA, C=C) for C in [1.0, *wide]
    ]
    off = [float(jnp.sum(jnp.abs(q - husimi[0])) * cell / 2) for q in husimi[1:]]

    # --- Result -------------------------------------------------------------------
    context.save_table(table, "rates")
    context.save_figure(figure(table, later, distances, wide, off), "ordering")
    context.save_dataset(
        xr.Dataset(
            {
                "matched": (("hamiltonian", "C"), list(distances.values())),
                "husimi": ("strength", off),
            },
            {"hamiltonian": list(distances), "C": later, "strength": wide},
            {"units": "hbar = 1", "time": TIME},
        )
    )
    kerr = [row for row in table if row["hamiltonian"] == "Kerr"]
    rest = [row for row in table if row["hamiltonian"] != "Kerr"]
    slip = max(abs(r["third_order_factor"] - r["expected_factor"]) for r in kerr)
    closed = max(row["residual_with_third_order"] for row in table)
    quadratic = max(row["residual"] for row in rest)
    holds = (
        max(slip, closed, quadratic, kerr[-1]["residual"]) < 1e-8
        and max(*distances["squeezed oscillator"], distances["Kerr"][-1]) < 1e-8
        and min(distances["Kerr"][:-1]) > 1e-3
    )
    return {
        "status": "ok" if holds else "Another ordering than Husimi's is exact.",
        "largest_quadratic_residual": quadratic,
        "Kerr_residuals": [row["residual"] for row in kerr],
        "third_order_factor_minus_expected": slip,
        "residual_with_third_order": closed,
        "matched_distances": distances,
        "husimi_distances": off,
    }


def figure(table, later, distances, wide, off):
    fig, axes = subplots(1, 3, size=(12.4, 3.7))
    axis = axes[0, 0]
    kerr = [row for row in table if row["hamiltonian"] == "Kerr"]
    C = np.linspace(-1, 1, 101)
    axis.plot(C, (1 - C**2) / 8, color=INK, lw=0.9, label="(1 - C²)/8")
    found = [row["third_order_factor"] for row in kerr]
    axis.plot([row["C"] for row in kerr], found, "o", color=BLUE, label="measured")
    axis.set_title("Kerr: what the equation leaves out\nvanishes at C = ±1 only")
    axis.set(xlabel="C = -s   (P, Wigner 0, Husimi 1)", ylabel="third-order factor")
    axis.legend()
    axis = axes[0, 1]
    colors = (VERMILLION, GREEN)
    for (name, values), color in zip(distances.items(), colors, strict=True):
        shown = np.maximum(values, 1e-16)
        axis.semilogy(later, shown, "o-", color=color, label=name)
    axis.set(xlabel="C", ylabel="½ ∫ |W_C of the law - exact|", ylim=(1e-17, 1))
    axis.set_title(f"Each C with its own W_C, t = {TIME}:\nquadratic H allows all")
    axis.legend(loc="center left")
    axis = axes[0, 2]
    axis.plot(wide, off, "o-", color=VERMILLION)
    axis.axvline(1, color=GREY, lw=0.8)
    axis.set(xlabel="C", ylabel="½ ∫ |Q of the law - exact Q|", ylim=(0, None))
    axis.set_title(f"Kerr, from one and the same Q, t = {TIME}:\nC = 1 alone is right")
    return fig
