"""Claim: the Husimi law has no kernel, and is undone by reversing the momenta.

    D = (ħC/2) [H'', J] / 2 in X and Y: traceless, and so of both signs

In contrast an ordinary diffusion, here dx = -x dt + √(2T) dW, has a kernel and D ≥ 0,
and forgets: two densities only become more alike. An evolution that reversal does not
undo would refute the claim.

Verdict: it holds in the cases tried. If the amplifier started from a point, a variance
would be negative at once, so that the law has no kernel to reverse (see watanabe.py),
and Kerr's diffusion has both signs. Kerr's evolution is undone by reversing the
momenta, to rounding, for two preparations at two C each.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", secs. II and III E, eqs. (1)-(5), (52).
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_diffusion_ellipses, draw_lines, label_plane
from _support.husimi import ornstein_uhlenbeck_kernel
from matplotlib.colors import Normalize

import jqd
from jqd.figures.style import CYCLE, INK, subplots
from jqd.laws.husimi import Exact, GaussianForm, GaussianSum, HusimiFokkerPlanck, Series
from jqd.observe import total_variation
from jqd.readings.forms import kappa_free_form, phase_space_function
from jqd.report import draw_density
from jqd.spaces import symbols
from jqd.states import Ensemble, coherent, phase_grid

# --- Parameters -------------------------------------------------------------------

KERR = symbols.kerr(1.0)
ALPHAS = (1.2 + 0.5j, 0.4 - 0.9j)
TURN, STEPS = 1.5, 7  # U t at which momenta are reversed, and steps until then
STRENGTHS = (1.0, 0.6)
TEMPERATURE, NARROW, WIDE = 0.5, (1.0, 0.3), (-1.0, 0.9)

# --- Problem and law --------------------------------------------------------------


def merging():
    """Distance of two densities of an ordinary diffusion."""
    x = np.linspace(-5, 5, 401)
    p, q = (np.exp(-(((x - mean) / width) ** 2) / 2) for mean, width in (NARROW, WIDE))
    pair, dt = np.stack([p / p.sum(), q / q.sum()]), TURN / STEPS
    kernel = ornstein_uhlenbeck_kernel(x[:, None], x[None, :], dt, TEMPERATURE)
    kernel = np.asarray(kernel / kernel.sum(axis=0)[None, :])
    steps = [np.linalg.matrix_power(kernel, k) for k in range(2 * STEPS + 1)]
    return [float(total_variation(*(pair @ step.T))) for step in steps]


def echo(C, plane, area):
    """Distance of two Q forward and back, and the deviation from the initial Q."""
    law = HusimiFokkerPlanck(KERR, C, points=plane, form=Exact(90, Series(60)))
    seen = {"Q": "density", "state": None}
    ts, maps = jnp.linspace(0, TURN, STEPS + 1), []
    for alpha in ALPHAS:
        out = jqd.evolve(law, law.prepare(coherent(alpha, 32)), ts, observe=seen).values
        last = jax.tree.map(lambda leaf: leaf[-1], out["state"])
        turned = Ensemble(jnp.conj(last.kets), last.weights)  # α -> α*
        back = jqd.evolve(law, turned, ts, observe=seen).values
        # Q(α*) is Q with the axis of y turned over
        maps.append(np.concatenate([out["Q"], back["Q"][1:, ::-1]]))
    left = max(float(np.max(np.abs(q[-1] - q[0]))) for q in maps)
    p, q = (np.reshape(values, (len(values), -1)) * area for values in maps)
    return np.asarray(total_variation(p, q)), left


def diffusion(points):
    """D in X and Y of the Kerr law; (q, p) = √2 (X, Y)."""
    H = phase_space_function(KERR)
    z = jnp.asarray(np.sqrt(2) * np.stack([points.real, points.imag], axis=-1))
    matrix = jax.vmap(jax.vmap(lambda z: kappa_free_form(H, z).diffusion / 2))
    return np.asarray(jax.jit(matrix)(z))


# --- Comparison -------------------------------------------------------------------


def run(context):
    grid = np.linspace(-4, 4, 33 if context.quick else 65)
    plane, area = phase_grid(grid, grid), (grid[1] - grid[0]) ** 2
    diffused, echoes, left = merging(), {}, {}
    for C in context.progress(STRENGTHS, "strengths of the diffusion"):
        echoes[f"Husimi law, C = {C:g}"], left[str(C)] = echo(C, plane, area)

    amplifier = symbols.parametric_amplifier(1.0)
    law = HusimiFokkerPlanck(amplifier, form=GaussianForm())
    point = GaussianSum(jnp.ones(1) + 0j, jnp.zeros((1, 2)) + 0j, jnp.zeros((2, 2)))
    rate = np.diagonal(law.vector_field(0.0, point).covariance)
    spots = phase_grid(np.linspace(-3, 3, 7), np.linspace(-3, 3, 7))
    matrices = diffusion(spots)
    trace = np.max(np.abs(np.trace(matrices, axis1=-2, axis2=-1)))

    # --- Result -------------------------------------------------------------------
    distances = {"ordinary diffusion": diffused} | echoes
    ts = np.linspace(0, 2 * TURN, 2 * STEPS + 1)
    rows = [{"law": n, "start": d[0], "end": d[-1]} for n, d in distances.items()]
    context.save_table(rows, "distances")
    context.save_figure(figure(ts, distances, spots, matrices), "reversal")
    data = {"distance": (("law", "time"), list(distances.values()))}
    about = {"units": "hbar = U = 1", "turn": TURN}
    context.save_dataset(xr.Dataset(data, {"law": list(distances), "time": ts}, about))
    holds = (
        trace < 1e-12 and max(left.values()) < 1e-9 and rate[0] < 0 < rate[1]
        and np.all(np.diff(diffused) < 0)
    )  # fmt: skip
    return {
        "status": "ok" if holds else "Reversal does not undo the law.",
        "diffusion_distance_start_end": [diffused[0], diffused[-1]],
        "left_after_echo": left,
        "variance_rate_from_a_point": rate,
        "largest_trace": trace,
        "lowest_eigenvalue": np.min(np.linalg.eigvalsh(matrices)),
    }


def figure(ts, distances, spots, matrices):
    fig, axes = subplots(1, 2, size=(9.0, 4.3))
    draw_lines(
        axes[0, 0], ts, distances, "o-", colors=(INK, *CYCLE), legend="lower left",
        xlabel="time (momenta reversed at the dotted line)", ylim=(0, 1),
        ylabel="distance of two densities, ½ ∫ |p - q|",
        title="Diffusion and the Husimi law,\nforward and back by reversal",
    )  # fmt: skip
    axes[0, 0].axvline(TURN, color=INK, lw=0.8, ls=":")
    axis, x = axes[0, 1], np.linspace(-3.5, 3.5, 71)
    hill = np.exp(-(np.abs(phase_grid(x, x) - ALPHAS[0]) ** 2)) / np.pi
    draw_density(axis, hill, x, x, (Normalize(0, 2 * hill.max()), "Greys"))
    handles = draw_diffusion_ellipses(axis, spots, matrices)
    label_plane(axis, "Kerr: diffusion matrix\nover phase space")
    fig.legend(handles=handles, loc="outside lower right", ncols=2, fontsize=9)
    return fig
