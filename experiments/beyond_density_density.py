"""Claim: theories of density-density interactions have a Fokker-Planck equation.

The Husimi function of any theory obeys a series in orders |m| of derivatives. It is a
Fokker-Planck equation if the orders |m| > 2 vanish:

    ∂ₜQ = (i/ħ) Σ_{|m|≥1} ħ^|m|/m! { ∂^m[(∂*^m H) Q] - ∂*^m[(∂^m H) Q] }

The paper says that they do for density-density interactions (sec. V), and where H is at
most quadratic in each variable (sec. VI). A theory of either kind that has higher
orders refutes that; a theory of neither kind that has none shows that more is covered.
Residuals compare the orders up to k with -i[H, ρ]/ħ, for one random ρ of few quanta.

Verdict: the first holds, and more is covered; the second holds only if powers are
counted over all variables of a kind together. In the theories tried, the higher orders
vanish exactly where no monomial has more than two powers of α, nor of α*, counted over
all modes. That is wider than density-density, since it admits a number-conserving
two-body interaction and three-wave mixing. It is narrower than quadratic in each
variable: α1α2α3 + c.c. and |α1|⁴|α2|² have third orders. φ⁴ is excluded.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", eqs. (63), (64) and secs. V and VI.
"""

import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_dots
from _support.problems import bosonic_theories

from jqd.figures.style import AMBER, BLUE, GREEN, PALE, VERMILLION, subplots
from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.spaces import symbols

# --- Parameters (ħ = 1) -----------------------------------------------------------

QUANTA = {1: 6, 2: 4, 3: 2}  # levels of ρ in each mode, by the number of modes
EXTRA = 4  # levels that H can reach beyond
MOST = 4
CLOSED = 1e-12

# --- Problem and law --------------------------------------------------------------


def residuals(symbol, rng):
    """|Σ_{k' ≤ k} G_k' ρ + i[H, ρ]| / |[H, ρ]| for k = 1, .., MOST."""
    inner = QUANTA[symbol.modes]
    few, levels = (inner,) * symbol.modes, (inner + EXTRA,) * symbol.modes
    ket = np.pad(rng.normal(size=few) + 1j * rng.normal(size=few), (0, EXTRA))
    ket = jnp.ravel(jnp.asarray(ket / np.linalg.norm(ket)))
    rho = ket[:, None] * jnp.conj(ket)[None, :]
    H = symbols.matrix(symbol, levels)
    exact = -1j * (H @ rho - rho @ H)
    law = HusimiFokkerPlanck(symbol, form=Fock(levels, orders=None))
    total, left = jnp.zeros_like(rho), []
    for order in range(1, MOST + 1):
        if order <= symbol.holomorphic_degree:
            total = total + law.form.generator(law.equation, (order,))(rho)
        left.append(float(jnp.linalg.norm(total - exact) / jnp.linalg.norm(exact)))
    return left


def quadratic_in_each(symbol):
    """The condition as printed: no α_i and no α_i* to more than the second power."""
    return all(max(max(m), max(n)) <= 2 for m, n in symbol.powers)


def density_density(symbol):
    """Whether all terms beyond the quadratic ones are products of |α_i|²."""
    return all(m == n for m, n in symbol.pruned().powers if sum(m) + sum(n) > 2)


# --- Comparison -------------------------------------------------------------------


def run(context):
    rng = np.random.default_rng(1)
    theories, table = bosonic_theories(rng), []
    for name, symbol in context.progress(theories.items(), "theories"):
        left = residuals(symbol, rng)
        table.append(
            {
                "theory": name,
                "closes_at_second_order": left[1] < CLOSED,
                "is_fokker_planck": bool(symbol.is_fokker_planck()),
                "quadratic_in_each_variable": quadratic_in_each(symbol),
                "density_density": density_density(symbol),
                **{f"residual_{k + 1}": value for k, value in enumerate(left)},
            }
        )

    # --- Result -------------------------------------------------------------------
    context.save_table(table, "theories")
    context.save_figure(figure(table), "theories")
    values = [[row[f"residual_{k + 1}"] for k in range(MOST)] for row in table]
    data = {"residual": (("theory", "order"), values)}
    at = {"theory": list(theories), "order": np.arange(1, MOST + 1)}
    context.save_dataset(xr.Dataset(data, at, {"units": "hbar = 1"}))
    right, printed, narrow = (
        [row["theory"] for row in table if row["closes_at_second_order"] != row[key]]
        for key in ("is_fokker_planck", "quadratic_in_each_variable", "density_density")
    )
    rest = max(row[f"residual_{MOST}"] for row in table)
    holds = not right and rest < CLOSED and printed and narrow
    return {
        "status": "ok" if holds else "The bound on total powers does not decide.",
        "counterexamples_to_quadratic_in_each_variable": printed,
        "counterexamples_to_density_density": narrow,
        "counterexamples_to_two_powers_in_all": right,
        "largest_residual_of_all_orders": rest,
        "residual_of_phi4": values[[name[:2] for name in theories].index("φ⁴")],
    }


def figure(table):
    """Residuals by theory: those that close at the second order above the others."""
    rows = sorted(table, key=lambda row: not row["closes_at_second_order"])
    fig, axes = subplots(size=(8.2, 5.0))
    axis, good = axes[0, 0], sum(row["closes_at_second_order"] for row in rows)
    axis.axhspan(len(rows) - good - 0.5, len(rows) - 0.5, color=PALE, lw=0, zorder=0)
    draw_dots(
        axis, [row["theory"] + " †" * (not row["density_density"]) for row in rows],
        {
            f"orders ≤ {k}": [row[f"residual_{k}"] for row in rows]
            for k in range(1, MOST + 1)
        },
        floor=1e-17, colors=(AMBER, BLUE, GREEN, VERMILLION), xlim=(1e-17, 10),
        xlabel="|orders ≤ k - exact| / |exact|",
        title="Grey: equations that close at second order\n"
        "†: interactions that are not density-density",
    )  # fmt: skip
    fig.legend(*axis.get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return fig
