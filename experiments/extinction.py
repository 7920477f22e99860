"""Claim: how a small class of copying systems dies out follows from counting alone.

    P_extinct = (g/(g+1))^k   midway after passage g, from k systems at a turning point
    P_extinct = exp(-k/g)     midway after passage g, from many, where N p_min = k

Two classes of equal energy exchange their systems; at a turning point one of them is
smallest, and passing it is a passage. Before it each system of the small class leaves
at a rate 2 tan|x| per unit of the phase difference x; after it each is copied at that
rate, independently. So from passage to passage the numbers follow a critical branching
process, which always dies out in the end: a class without systems cannot be copied, and
nobody ever enters it again.

Verdict: it holds. Counted midway between turning points, all sampled shares lie on the
two laws within their statistical errors; one share more than 4.5 standard errors off
would refute the claim. At the turning points themselves the first law does not hold:
noise shifts the moment of extinction by about as long as a passage lasts.

Source: Smolin (2012), eqs. (39), (40) and section 3.4 on nodes.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, ArrayLike, Float

from jqd import problems
from jqd.ensembles import copying
from jqd.figures.style import CYCLE, INK, subplots

# --- Parameters (R = 1: densities have the period π) ------------------------------

COPIES = 100_000
SMALL = np.arange(1, 7)  # k
PASSAGES = np.arange(1, 6)  # g
HALF = np.pi / 2
STEP, QUICK = 0.1, 0.2  # of the leap, of weak order 2; few are followed one by one

# --- Law --------------------------------------------------------------------------


def extinction_probability(
    least: ArrayLike,
    passages: ArrayLike = 1,
    *,
    occupation: ArrayLike = jnp.inf,
    losing: ArrayLike = True,
) -> Float[Array, "..."]:
    """Probability that a class has died out after g passages close to its node.

    losing: (1 - k/(g n))ⁿ,  gaining: (1 + k/(g n))⁻ⁿ,  many systems: e^{-k/g}

    While its phase x runs from -π/2 to π/2, each system of a small class dies at rate
    2 tan|x| per unit of x before x = 0 and is copied at that rate after it. So each of
    n systems that begin at x < 0 survives with probability cos² x, and the numbers
    of successive passages of x = 0 are a critical branching process. For two classes a
    passage is a half-period: each is small in its turn. Noise shifts a node by about as
    long as a passage lasts: the laws hold midway between turning points, not at them.

    Args:
        least: k <= n, the mean number at the turning point, n cos² x; N p_min.
        passages: g >= 1, turning points passed, or still to pass where it is gaining.
        occupation: n, systems at the start; inf if the class comes in from many, as
            from p = 1/2 (e^{-k}). With n = k the start is the turning point:
            (1 - 1/g)^k, and gaining, (g/(g+1))^k midway after g further ones.
        losing: whether x < 0 at the start.

    Returns:
        Probability, the broadcast of all arguments.
    """
    k, g, n = (jnp.asarray(value, float) for value in (least, passages, occupation))
    some = jnp.isfinite(n) & (n > 0)
    safe = jnp.where(some, n, 1)
    share = jnp.clip(k / g / safe, 0, 1)
    dies = jnp.asarray(losing)
    # log1p(-1) is -inf, as it should be, but its derivative is not wanted
    certain = some & dies & (share >= 1)
    inside = jnp.where(certain | ~some, 0, share)
    log = safe * jnp.where(dies, jnp.log1p(-inside), -jnp.log1p(inside))
    result = jnp.exp(jnp.where(some, log, -k / g))
    return jnp.where(certain, 0, result)


# --- Comparison -------------------------------------------------------------------


def shares(p0, x0, first, count, step, seed):
    """Share of ensembles extinct midway after each passage; `first`: time of the first.

    Noise shifts the moment of the least density, where few are left, by about as long
    as the passage lasts, so that a count at the turning point would come too early.
    """
    law, psi = problems.two_classes(p0, x0)
    ends = first + HALF * (PASSAGES - 0.5)
    copies = copying.sample(
        law, psi, np.array([0, ends[-1]]), jax.random.key(seed), copies=COPIES,
        trajectories=count, step=step, error_trajectories=0,
    )  # fmt: skip
    return np.mean(np.asarray(copies.extinction_time)[:, None] <= ends, axis=0)


def run(context):
    count, step = (150, QUICK) if context.quick else (800, STEP)
    sampled = np.zeros((2, SMALL.size, PASSAGES.size))
    for i in context.progress(SMALL.size, "class sizes"):
        p = SMALL[i] / COPIES
        x0 = -np.arccos(2 * np.sqrt(p * (1 - p)))
        sampled[0, i] = shares(p, 0.0, HALF, count, step, 10 + i)
        sampled[1, i] = shares(0.5, x0, HALF / 2, count, step, 20 + i)
    k, g = SMALL[:, None], PASSAGES[None, :]
    few = extinction_probability(k, g, occupation=k, losing=False)
    exact = np.stack([few, extinction_probability(k, g)])
    error = np.sqrt(exact * (1 - exact) / count)

    # --- Result -------------------------------------------------------------------
    context.save_figure(figure(sampled, error), "extinction")
    dims = ("start", "k", "g")
    data = {"sampled": (dims, sampled), "law": (dims, exact), "error": (dims, error)}
    at = {"start": ["turning point", "equator"], "k": SMALL, "g": PASSAGES}
    context.save_dataset(xr.Dataset(data, at, {"copies": COPIES, "runs": count}))
    sigmas = (sampled - exact) / error
    gap = np.abs(sampled - exact)
    holds = np.abs(sigmas).max() < 4.5
    return {
        "status": "ok" if holds else "The samples do not follow the laws.",
        "runs": count,
        "extinct_after_one_passage_from_one_system": sampled[0, 0, 0],
        "extinct_after_five_passages_from_one_system": sampled[0, 0, -1],
        "extinct_after_one_passage_from_many_k_1": sampled[1, 0, 0],
        "largest_deviation": gap.max(),
        "rms_deviation_in_standard_errors": np.sqrt(np.mean(sigmas**2)),
        "largest_in_standard_errors": np.abs(sigmas).max(),
    }


def figure(sampled, error):
    fig, axes = subplots(1, 2, size=(9.6, 4.2), sharey=True)
    fine = np.linspace(SMALL[0] - 0.4, SMALL[-1] + 0.4, 100)
    left = [extinction_probability(fine, g, occupation=fine, losing=False)
            for g in PASSAGES]  # fmt: skip
    right = [extinction_probability(fine, g) for g in PASSAGES]
    for n, (axis, laws) in enumerate(zip(axes[0], (left, right), strict=True)):
        for i, (g, law) in enumerate(zip(PASSAGES, laws, strict=True)):
            axis.plot(fine, law, color=CYCLE[i], lw=1.2)
            axis.errorbar(
                SMALL, sampled[n, :, i], error[n, :, i], fmt="o", ms=4.5,
                color=CYCLE[i], capsize=2,
            )  # fmt: skip
            axis.annotate(f"g = {g}", (fine[-1] + 0.08, law[-1]), color=CYCLE[i],
                          va="center", fontsize=9)  # fmt: skip
        axis.set(xlim=(0.4, 7.1), ylim=(-0.02, 1), xticks=SMALL)
    axes[0, 0].set(
        xlabel="k, initial systems of the small class",
        ylabel="share of ensembles that lost a class",
        title="From a turning point,\ncounted midway after passage g",
    )
    axes[0, 1].set(
        xlabel="k = N $p_{min}$, systems expected at the first turning point",
        title="From two equal classes,\ncounted midway after passage g",
    )
    for axis, text in zip(axes[0], (r"$(g/(g+1))^k$", r"$e^{-k/g}$"), strict=True):
        axis.annotate(text, (4.6, 0.9), color=INK, fontsize=13)
        axis.annotate("lines: law; points: sampled,\nwith its standard error",
                      (4.6, 0.79), color=INK, fontsize=9)  # fmt: skip
    return fig
