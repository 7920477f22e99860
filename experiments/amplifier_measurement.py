"""Claim: a noiseless amplifier turns a squeezed cat into two outcomes of Born weights.

A cat is a superposition, here of |x₀> and |-x₀>, both squeezed by r, with |c|² = 0.7
and 0.3. In the amplifier X grows with negative diffusion and Y shrinks with positive
diffusion:

    ∂ₜQ = -g ∂_X(XQ) + g ∂_Y(YQ) - (ħg/4) ∂²_X Q + (ħg/4) ∂²_Y Q,   H = (ig/2)(α̂†² - α̂²)

One hill that never splits, or weights other than Born's in the limit, would refute it.

Verdict: it holds for this cat. At first Q is one hill, since vacuum noise hides the
two; amplified, it has two hills, whose weights tend to those of |ψ(x)|², 0.699083 for
x > 0. Sums of Gaussians give this in closed form, and a run in the number basis agrees
to 1e-8. The weights hold only in the limit: at t = 0 the half-plane X > 0 has 0.632 of
Q. Nothing here selects one of the outcomes.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I", sec. V E.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.figures import draw_lines, figure_time_strip
from _support.problems import squeezed_cat

import jqd
from jqd.figures.style import BLUE, GREY, INK, subplots
from jqd.laws.husimi import GaussianForm, HusimiFokkerPlanck
from jqd.spaces import symbols
from jqd.states import marginal, phase_grid

# --- Parameters (ħ = g = 1) -------------------------------------------------------

CAT = squeezed_cat()
GAINS = np.array([0, 0.25, 0.5, 1, 2, 4])
LEVELS = 140

# --- Problem and law --------------------------------------------------------------


def gaussians(ts):
    """The cat at each time."""
    law = HusimiFokkerPlanck(symbols.parametric_amplifier(1.0), form=GaussianForm())
    states = jqd.evolve(law, law.prepare(CAT.husimi), ts).values
    return [jax.tree.map(lambda leaf, k=k: leaf[k], states) for k in range(ts.size)]


def number_basis(gain, x):
    """The density of X by the Schrödinger equation: no equation for Q."""
    hamiltonian = symbols.matrix(symbols.parametric_amplifier(1.0), LEVELS)
    amplified = jax.scipy.linalg.expm(-1j * gain * hamiltonian) @ CAT.ket(LEVELS)
    return np.asarray(marginal(amplified, x))


def valley(x, profile):
    """Lowest value between two hills over that of the lower hill; 1 for one hill."""
    inner = profile[1:-1]
    hills = np.flatnonzero((inner > profile[:-2]) & (inner > profile[2:])) + 1
    if len(hills) < 2:
        return 1.0
    between = profile[hills[0] : hills[-1] + 1]
    return float(np.min(between) / min(profile[hills[0]], profile[hills[-1]]))


# --- Comparison -------------------------------------------------------------------


def run(context):
    at = gaussians(jnp.asarray(GAINS))
    right = np.array([state.probability_positive() for state in at])
    scaled = np.linspace(-2, 2, 401)  # X e^(-gt)
    profiles = [
        np.asarray(state.marginal(scaled * np.exp(t))) * np.exp(t)
        for state, t in zip(at, GAINS, strict=True)
    ]
    valleys = [valley(scaled, profile) for profile in profiles]
    stretch = np.exp(GAINS[2])
    seen = number_basis(GAINS[2], scaled * stretch) * stretch
    apart = float(np.max(np.abs(seen - profiles[2])))

    size = 61 if context.quick else 121
    x, y = np.linspace(-3, 3, size), np.linspace(-2.5, 2.5, size)
    plane = jnp.asarray(phase_grid(x, y))[..., None]
    maps = np.stack([np.asarray(state.density(plane)) for state in at[:4]])

    # --- Result -------------------------------------------------------------------
    born = float(CAT.born_weight())
    table = [
        {"gt": t, "P(X > 0)": p, "P - Born": p - born, "valley_over_lower_hill": v}
        for t, p, v in zip(GAINS, right, valleys, strict=True)
    ]
    context.save_table(table, "weights")
    labels = [f"gt = {t:g}" for t in GAINS[:4]]
    context.save_figure(figure_time_strip(maps, labels, x, y), "strip")
    context.save_figure(figure(scaled, profiles, right, born), "weights")
    data = {
        "right": ("gt", right),
        "profile": (("gt", "scaled"), np.stack(profiles)),
        "density": (("early", "y", "x"), maps),
    }
    axes = {"gt": GAINS, "scaled": scaled, "early": GAINS[:4], "x": x, "y": y}
    about = {"units": "hbar = g = 1", "born": born}
    context.save_dataset(xr.Dataset(data, axes, about))
    smeared = np.max(np.abs(right - np.asarray(CAT.born_weight(GAINS))))
    two_hills = [v < 1 for v in valleys]
    holds = (
        smeared < 1e-8 and abs(right[-1] - born) < 1e-5 and apart < 1e-6
        and two_hills == [False, False, True, True, True, True]
    )  # fmt: skip
    return {
        "status": "ok" if holds else "The weights do not tend to those of Born's rule.",
        "P(X > 0)": dict(zip(map(str, GAINS), right, strict=True)),
        "born": born,
        "valley_over_lower_hill": valleys,
        "number_basis_minus_gaussians": apart,
        "weights_minus_smeared_born": smeared,
    }


def figure(scaled, profiles, right, born):
    fig, axes = subplots(1, 2, size=(9.4, 3.8))
    draw_lines(
        axes[0, 0], scaled, {f"gt = {GAINS[k]:g}": profiles[k] for k in (0, 2, 3, 5)},
        title="Density along X, by time", xlim=(scaled[0], scaled[-1]), ylim=(0, None),
        xlabel="X exp(-gt)  (√ħ)", ylabel="density of X exp(-gt)",
    )  # fmt: skip
    axis = axes[0, 1]
    axis.axhline(born, color=INK, lw=0.9, ls="--")
    axis.text(0.1, born + 0.002, f"Born: {born:.4f}", color=INK, va="bottom")
    axis.axhline(0.7, color=GREY, lw=0.8, ls=":")
    axis.plot(GAINS, right, "o-", color=BLUE)
    axis.set(
        title="Share of X > 0 (dashed: Born)", xlabel="gt", ylabel="share of X > 0"
    )
    axis.set(ylim=(0.62, 0.71))
    return fig
