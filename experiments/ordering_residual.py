"""Claim: of all orderings, the Fokker-Planck equation closes only at Husimi's.

    ∂ₜW_C = i ∂[(∂*H_C) W_C] + (iħC/2) ∂²[(∂*²H_C) W_C] + c.c.,  H_C = e^(ħ(1-C)∂∂*/2) H

W_C is the quasiprobability of order s = -C (C = 1 Husimi, 0 Wigner, -1 Glauber's P),
H_C the symbol of the dual order (anti-Wick, Weyl, Wick). The equation closes if it
leaves out nothing of quantum mechanics; closing at another C refutes the claim.

Verdict: it holds for a Kerr medium, but not for a quadratic Hamiltonian, where the
equation closes at each C tried. For Kerr's Hamiltonian it leaves out the third order,
(i/8)(1 - C²) ∂*²∂[(∂²∂*H_C) W_C] + c.c., measured here at points of a random state for
C from -0.5 to 1. This factor vanishes at C = 1, and would vanish at -1, where P is not
a function.

Source: eq. (43) of "Can Quantum Field Theory be Recovered from Time-Symmetric
Stochastic Mechanics? Part I", read with every C; K. E. Cahill and R. J. Glauber,
Phys. Rev. 177 (1969) 1882.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_lines
from _support.problems import dual_symbol, ordered_problems

from jqd.figures.style import BLUE, INK, subplots
from jqd.readings.generators import complex_generator
from jqd.readings.phase_space import complex_gradient
from jqd.spaces import symbols
from jqd.states import quasiprobability

# --- Parameters (ħ = 1) -----------------------------------------------------------


# --- Problem and law --------------------------------------------------------------


def left_out(symbol, density):
    """i{∂*²∂[(∂²∂*H) W] - c.c.} at a point."""
    inner = symbol.derivative().derivative().derivative(conjugate=True)
    product = lambda alpha: inner(alpha[0]) * density(alpha[0])  # noqa: E731
    slope = lambda f, k: lambda alpha: complex_gradient(f, alpha)[k]  # noqa: E731
    third = slope(slope(slope(product, 0), 1), 1)  # ∂, ∂*, ∂*
    return lambda alpha: -2 * third(alpha[None]).imag


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


def compare(name, symbol, C, ket, points):
    """The residual of the equation, with and without the third order."""
    quantum, equation, third = rates(symbol, C, ket, points)
    gap, size = quantum - equation, jnp.max(jnp.abs(quantum))
    factor = jnp.vdot(third, gap) / jnp.maximum(jnp.vdot(third, third), 1e-30)
    rest = jnp.max(jnp.abs(gap - factor * third))
    return {
        "hamiltonian": name,
        "C": C,
        "residual": float(jnp.max(jnp.abs(gap)) / size),
        "third_order_factor": float(factor),
        "expected_factor": (1 - C**2) / 8 if name == "Kerr" else 0.0,
        "residual_with_third_order": float(rest / size),
    }


def run(context):
    rng = np.random.default_rng(0)
    ket = rng.normal(size=(2, 12)).T @ [1, 1j] * (np.arange(12) < 8)
    ket = jnp.asarray(ket / np.linalg.norm(ket))
    points = jnp.asarray(rng.normal(size=(20, 2)) @ [0.8, 0.8j])
    strengths = np.linspace(-0.5, 1, 4 if context.quick else 16)
    found = {
        name: [compare(name, symbol, C, ket, points) for C in strengths]
        for name, symbol in context.progress(ordered_problems().items(), "rates")
    }

    # --- Result -------------------------------------------------------------------
    table = [row for rows in found.values() for row in rows]
    context.save_table(table, "rates")
    context.save_figure(figure(strengths, found["Kerr"]), "third_order")
    residuals = {name: [row["residual"] for row in found[name]] for name in found}
    data = {"residual": (("hamiltonian", "C"), list(residuals.values()))}
    at = {"hamiltonian": list(found), "C": strengths}
    context.save_dataset(xr.Dataset(data, at, {"units": "hbar = 1"}))
    slip = max(
        abs(row["third_order_factor"] - row["expected_factor"]) for row in found["Kerr"]
    )
    closed = max(row["residual_with_third_order"] for row in table)
    quadratic = max(residuals["squeezed oscillator"])
    holds = max(slip, closed, quadratic, residuals["Kerr"][-1]) < 1e-8
    return {
        "status": "ok" if holds else "More than the third order is left out.",
        "largest_quadratic_residual": quadratic,
        "Kerr_residuals": residuals["Kerr"],
        "third_order_factor_minus_expected": slip,
        "residual_with_third_order": closed,
    }


def figure(strengths, rows):
    fig, axes = subplots(size=(5.2, 3.8))
    axis, C = axes[0, 0], np.linspace(-1, 1, 101)
    axis.plot(C, (1 - C**2) / 8, color=INK, lw=0.9, label="(1 - C²)/8")
    measured = {"measured": [row["third_order_factor"] for row in rows]}
    draw_lines(
        axis, strengths, measured, "o", colors=(BLUE,),
        xlabel="C = -s   (P, Wigner 0, Husimi 1)", ylabel="third-order factor",
        title="Kerr: third-order factor over C",
    )  # fmt: skip
    return fig
