"""Claim: a law with a forward kernel leaves the backward one to the preparation.

    P(x, t | x', t+Δt) = P(x', t+Δt | x, t) P(x, t) / P(x', t+Δt)

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", eqs. (1)-(5), after S. Watanabe, Rev. Mod. Phys. 27, 179 (1955). An ordinary
diffusion, here dx = -x dt + √(2T) dW, has D ≥ 0; that of the Husimi function is
traceless in X and Y, D = (ħC/2)[H'', J]/2, and so of both signs.
Verdict: it holds. The backward kernel of the diffusion is another for each
preparation, and two densities only grow alike. The Husimi law escapes since it has no
kernel at all: from a point the variance would be negative at once. Its evolution is
undone by reversing the momenta, to rounding, for each preparation and C tried.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

import jqd
from jqd.laws.husimi import GaussianForm, GaussianSum, Heff, HusimiFokkerPlanck
from jqd.laws.husimi.forms import kappa_free_form, phase_space_function
from jqd.laws.husimi_rules import backward_kernel
from jqd.report import draw_diffusion_ellipses
from jqd.report.phase_space import draw_density
from jqd.report.style import CYCLE, INK, subplots
from jqd.spaces import symbols
from jqd.states import Ensemble, coherent, phase_grid

# --- Parameters -------------------------------------------------------------------

TEMPERATURE, STEP = 0.5, 0.4
PREPARED = {"narrow": (1.0, 0.3), "wide": (-1.0, 0.9), "equilibrium": (0.0, 0.5**0.5)}
X = np.linspace(-5, 5, 401)
SEEN = 0.5  # x' at which kernels are compared
TURN = 1.5  # U t at which momenta are reversed
ALPHAS = (1.2 + 0.5j, 0.4 - 0.9j)

# --- Problem and law --------------------------------------------------------------


def gaussian(x, mean, width):
    away = (x - mean) / width
    return np.exp(-(away**2) / 2) / (np.sqrt(2 * np.pi) * width)


def forward_kernel(dt):
    """P(x'|x) times the cell: rows x', columns x, which add up to 1."""
    spread = np.sqrt(TEMPERATURE * (1 - np.exp(-2 * dt)))
    kernel = gaussian(X[:, None], np.exp(-dt) * X[None, :], spread)
    return kernel / kernel.sum(axis=0)


def kerr_law(C, points):
    return HusimiFokkerPlanck(
        symbols.kerr(1.0), C, points=points, form=Heff(90, orders=60)
    )


def momenta_reversed(state):
    """α -> α*: the kets conjugated."""
    return Ensemble(jnp.conj(state.kets), state.weights)


def diffusion(points):
    """D in X and Y of the Kerr law; (q, p) = √2 (X, Y)."""
    H = phase_space_function(symbols.kerr(1.0))
    z = np.sqrt(2) * np.stack([points.real, points.imag], axis=-1)
    matrix = jax.jit(jax.vmap(lambda z: kappa_free_form(H, z).diffusion / 2))
    return np.asarray(matrix(jnp.asarray(z.reshape(-1, 2)))).reshape(
        *points.shape, 2, 2
    )


# --- Comparison -------------------------------------------------------------------


def distance(p, q, cell):
    return float(np.sum(np.abs(p - q)) * cell / 2)


def echo(C, plane, cell):
    """Distance of two Q on the way out and back, and what is left of the start."""
    law = kerr_law(C, plane)
    seen = {"Q": "density", "state": None}
    ts, maps = jnp.linspace(0, TURN, 8), []
    for alpha in ALPHAS:
        out = jqd.evolve(law, law.prepare(coherent(alpha, 32)), ts, observe=seen).values
        last = jax.tree.map(lambda leaf: leaf[-1], out["state"])
        back = jqd.evolve(law, momenta_reversed(last), ts, observe=seen).values
        # Q(α*) is Q with the axis of y turned over
        maps.append(np.concatenate([out["Q"], back["Q"][1:, ::-1]]))
    left = max(float(np.max(np.abs(q[-1] - q[0]))) for q in maps)
    return [distance(p, q, cell) for p, q in zip(*maps, strict=True)], left


def run(context):
    forward, cell = forward_kernel(STEP), X[1] - X[0]
    row = np.argmin(np.abs(X - SEEN))
    backward, table = {}, []
    for name, (mean, width) in PREPARED.items():
        kernel = backward_kernel(jnp.asarray(forward), gaussian(X, mean, width) * cell)
        backward[name] = np.asarray(kernel)[:, row] / cell
        # Bayes' rule for Gaussians
        noise = TEMPERATURE * (1 - np.exp(-2 * STEP))
        precision = width**-2 + np.exp(-2 * STEP) / noise
        expected = (mean / width**2 + np.exp(-STEP) * SEEN / noise) / precision
        found = float(np.sum(X * backward[name]) * cell)
        table.append({"preparation": name, "mean_before": found, "expected": expected})
    detailed = distance(backward["equilibrium"], forward[:, row] / cell, cell)
    apart = distance(backward["narrow"], backward["wide"], cell)

    once = [gaussian(X, *PREPARED[name]) for name in ("narrow", "wide")]
    step, merging = forward_kernel(2 * TURN / 14), []
    for _ in range(15):
        merging.append(distance(*once, cell))
        once = [step @ p for p in once]

    grid = np.linspace(-4, 4, 33 if context.quick else 65)
    plane, area = phase_grid(grid, grid), (grid[1] - grid[0]) ** 2
    echoes = {C: echo(C, plane, area) for C in context.progress([1.0, 0.6], "echo")}

    amplifier = HusimiFokkerPlanck(
        symbols.parametric_amplifier(1.0), form=GaussianForm()
    )
    point = GaussianSum(jnp.ones(1) + 0j, jnp.zeros((1, 2)) + 0j, jnp.zeros((2, 2)))
    rate = amplifier.vector_field(0.0, point).covariance
    spots = phase_grid(np.linspace(-3, 3, 7), np.linspace(-3, 3, 7))
    matrices = diffusion(spots)
    trace = np.max(np.abs(np.trace(matrices, axis1=-2, axis2=-1)))
    lowest = np.min(np.linalg.eigvalsh(matrices))

    # --- Result -------------------------------------------------------------------
    context.save_table(table, "backward")
    fig = figure(forward[:, row] / cell, backward, merging, echoes, spots, matrices)
    context.save_figure(fig, "watanabe")
    context.save_dataset(
        xr.Dataset(
            {
                "backward": (("preparation", "x"), list(backward.values())),
                "diffusion_distance": ("step", merging),
                "echo": (("C", "step"), [values for values, _ in echoes.values()]),
            },
            {"preparation": list(backward), "x": X, "C": list(echoes)},
            {"units": "hbar = U = 1", "x_after": SEEN},
        )
    )
    slip = max(abs(line["mean_before"] - line["expected"]) for line in table)
    left = {str(C): value for C, (_, value) in echoes.items()}
    holds = (
        apart > 0.3 and detailed < 1e-6 and slip < 1e-8 and trace < 1e-12
        and max(left.values()) < 1e-9 and np.all(np.diff(merging) < 0)
        and float(rate[0, 0]) < 0 < float(rate[1, 1])
    )  # fmt: skip
    return {
        "status": "ok" if holds else "The backward kernels are not as claimed.",
        "distance_of_backward_kernels": apart,
        "backward_minus_forward_in_equilibrium": detailed,
        "backward_mean_minus_bayes": slip,
        "diffusion_distance_start_end": [merging[0], merging[-1]],
        "left_after_echo": left,
        "variance_rate_from_a_point": np.diagonal(rate),
        "largest_trace": trace,
        "lowest_eigenvalue": lowest,
    }


def figure(forward, backward, merging, echoes, spots, matrices):
    fig, axes = subplots(1, 3, size=(12.4, 4.1))
    axis = axes[0, 0]
    for (name, values), color in zip(backward.items(), CYCLE, strict=False):
        axis.plot(X, values, color=color, label=f"backward, {name}")
    axis.plot(X, forward, color=INK, lw=1, ls="--", label="forward (one for all)")
    axis.set(xlim=(-2.5, 3.5), ylim=(0, 2.1), xlabel="x, for a given x' = 0.5")
    axis.set_title(
        "Ordinary diffusion: the backward kernel\ndepends on the preparation"
    )
    axis.legend(loc="upper right", fontsize=8)
    axis = axes[0, 1]
    ts = np.linspace(0, 2 * TURN, 15)
    axis.plot(ts, merging, "o-", color=INK, label="ordinary diffusion")
    for (C, (values, _)), color in zip(echoes.items(), CYCLE, strict=False):
        axis.plot(ts, values, "s-", color=color, label=f"Husimi law, C = {C:g}")
    axis.axvline(TURN, color=INK, lw=0.8, ls=":")
    axis.set(xlabel="time (momenta reversed at the dotted line)", ylim=(0, 1))
    axis.set_ylabel("distance of two densities, ½ ∫ |p - q|")
    axis.set_title("Diffusion forgets;\nthe Husimi law is undone by reversal")
    axis.legend(loc="lower left", fontsize=8)
    axis = axes[0, 2]
    x = np.linspace(-3.5, 3.5, 71)
    hill = np.exp(-(np.abs(phase_grid(x, x) - ALPHAS[0]) ** 2)) / np.pi
    norm = draw_density(axis, hill, x, x).norm
    norm.vmax = 2 * norm.vmax
    axis.collections[0].set_cmap("Greys")
    handles = draw_diffusion_ellipses(axis, spots, matrices)
    axis.set(xlabel="x = Re α  (√ħ)", ylabel="y = Im α  (√ħ)")
    axis.set_title("Kerr: as much negative\nas positive diffusion everywhere")
    fig.legend(handles=handles, loc="outside lower right", ncols=2, fontsize=9)
    return fig
