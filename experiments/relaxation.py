"""Claim: a single system reaches the frequencies of its ensemble, if currents flow.

The copy law moves a single system from class b to a at the rate [J_ab]⁺/ρ_b: Bell's
jump process. Those that began in class b are spread over the classes as P[., b](t),

    dP_ab/dt = Σ_c (T_{c→a} P_cb - T_{a→c} P_ab),   T_{b→a} = [J_ab]⁺/ρ_b,

and D_b = ½ Σ_a |P_ab - ρ_a| is their distance from the whole ensemble. N individuals,
each with a phase of its own, copy each other; those that began together are followed
and compared with Bell's chain. Individuals that depart from Bell's chain, or that mix
without currents, would refute the claim.

Verdict: it holds. Two classes that exchange systems (Rabi, ρ_1 between p and 1 - p)
forget by the same factor in every period, D → D [p/(1-p)]²; three with generic
couplings forget as well. In a real eigenstate no current flows: nobody copies,
and every system stays in the class in which it was prepared, although |ψ_a|² is spread
over all of them. (N systems represent ψ only to 1/N, so that about a hundred of them
move all the same: a share that falls as 1/N.)

Source: Smolin (2012), eq. (39) and section 3.4, which asks whether mixing by the copy
rule is fast enough.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, ArrayLike, Bool, Float

from jqd import constants, problems
from jqd._math import abs2, safe_divide
from jqd.ensembles.copying import individuals, population
from jqd.ensembles.copying.follow import admit, follow, one_way_flow
from jqd.ensembles.copying.laws_of_noise import LEAST_COPIES
from jqd.figures.style import CYCLE, GREY, INK, PALE, subplots
from jqd.laws import CopyDynamics

# --- Parameters -------------------------------------------------------------------

SEED = 39
COPIES, QUICK_COPIES = 20_000, 2_000
TIMES = 61
LOW = 0.2  # least ρ_1 of the Rabi oscillation
PERIODS = 2  # of the Rabi oscillation
GENERIC_TIME = 12.0

# --- Problem ----------------------------------------------------------------------


class BellChain(eqx.Module):
    """The jump process of a tagged individual in an infinite ensemble.

    Attributes:
        ts: times, shape (T,).
        density: ρ_a of the ensemble, (T, M).
        transition: P[a, b], probability to be in class a for one that began in class b,
            (T, M, M); columns sum to 1.
        error: estimate of the error of `transition` by steps, (T, M, M).
        least_density: smallest density of any class up to each time, (T,).
    """

    ts: Float[Array, " T"]
    density: Float[Array, "T M"]
    transition: Float[Array, "T M M"]
    error: Float[Array, "T M M"]
    least_density: Float[Array, " T"]

    @property
    def memory(self) -> Float[Array, " T"]:
        """Largest total variation between individuals of different beginnings.

        max_{b,c} ½ Σ_a |P_ab - P_ac|, the bound on the contraction of any two
        distributions (Dobrushin's coefficient); 1 at first, 0 when all is forgotten
        """
        columns = jnp.swapaxes(self.transition, -1, -2)
        apart = jnp.abs(columns[:, :, None, :] - columns[:, None, :, :])
        return jnp.max(jnp.sum(apart, axis=-1), axis=(1, 2)) / 2

    @property
    def distance(self) -> Float[Array, "T M"]:
        """Total variation between individuals that began in class b and the ensemble.

        ½ Σ_a |P_ab - ρ_a|
        """
        apart = jnp.abs(self.transition - self.density[:, :, None])
        return jnp.sum(apart, axis=1) / 2

    def valid(self, copies: ArrayLike) -> Bool[Array, " T"]:
        """Whether N copies leave at least 20 in every class up to each time.

        That is of N ρ_min alone: how the ensemble's own scatter grows with time is
        what `linear_noise(...).valid` looks at.
        """
        return jnp.asarray(copies) * self.least_density >= LEAST_COPIES


def bell_chain(
    law: CopyDynamics, psi0: ArrayLike, ts: ArrayLike, *, substeps: int | Array = 200
) -> BellChain:
    """Transition probabilities of a tagged individual among N → ∞ copying systems.

    dP_ab/dt = Σ_c (T_{c→a} P_cb - T_{a→c} P_ab),  T_{b→a} = (ρ_a/ρ_b)^q A_ab

    At the quantum point T_{b→a} = [J_ab]⁺/ρ_b, Bell's minimal jump process, and P ρ(0)
    is ρ(t). Individuals forget their beginning where systems are exchanged both ways
    in turn; in a state without currents, as a real eigenstate, none ever moves.
    Second order in the step where a current changes sign, fourth order elsewhere. Works
    under jit, vmap and grad.

    Args:
        law: copy dynamics.
        psi0: ψ at ts[0], (M,), normalised.
        ts: times, (T,), strictly increasing.
        substeps: Runge-Kutta steps between two times.

    Returns:
        The chain at all times.

    Raises:
        ValueError: another law, ψ of the wrong shape or norm, times not increasing.

    Source: Smolin (2012), eq. (39); J. S. Bell (1984), Beables for quantum field
    theory; J. C. Vink (1993) Phys. Rev. A 48, 1808.
    """
    return _bell_chain(*admit(law, psi0, ts, substeps), substeps)


@eqx.filter_jit
def _bell_chain(law, psi, ts, substeps):
    start = jnp.eye(psi.shape[0], dtype=ts.dtype)
    path = follow(law, psi, ts, _jump, start, substeps)
    return BellChain(ts, abs2(path.psi), path.sums, path.error(), path.least_density)


def _jump(law: CopyDynamics, psi: Array, P: Array) -> Array:
    """dP/dt of the chain."""
    T = one_way_flow(law, psi) * safe_divide(1, abs2(psi))[None, :]
    return T @ P - jnp.sum(T, axis=0)[:, None] * P


def eigenstate(law):
    """A state of the law's real part, δ = 0: its ground state, with all classes in."""
    real = constants.unpack(law, "delta", jnp.zeros_like(constants.pack(law, "delta")))
    return real, jnp.linalg.eigh(real.hamiltonian())[1][:, 0]


def cases():
    """Name: law, ψ, last time."""
    golden, psi = problems.golden()
    return {
        "Rabi": (*problems.two_classes(LOW, 0.0), PERIODS * np.pi),
        "generic": (golden, psi, GENERIC_TIME),
        "eigenstate": (*eigenstate(golden), GENERIC_TIME),
    }


# --- Comparison -------------------------------------------------------------------


def deviation(run, chain):
    """Largest |P_ab - chain| of any group and time, times √n_b of the group."""
    tagged = np.asarray(run.tagged[0])
    began = tagged[0].sum(axis=0)
    apart = np.abs(tagged / began - np.asarray(chain.transition))
    return float(np.max(apart * np.sqrt(began)))


def run(context):
    copies = QUICK_COPIES if context.quick else COPIES
    results, data, times = {}, {}, {}
    for name in context.progress(list(cases()), "ensembles"):
        law, psi, end = cases()[name]
        ts = times[name] = jnp.linspace(0, end, TIMES)
        # --- Law ------------------------------------------------------------------
        start = population(psi, copies)
        ensemble = individuals(law, *start, ts, jax.random.key(SEED))
        chain = bell_chain(law, psi, ts)
        results[name] = ensemble, chain
        axes = [f"{name} {axis}" for axis in "tab"]
        data[f"{name} tagged"] = (axes, ensemble.tagged[0])
        data[f"{name} chain"] = (axes, chain.transition)

    # --- Result -------------------------------------------------------------------
    at = {f"{name} t": np.asarray(ts) for name, ts in times.items()}
    about = {"units": "time in 1/R", "copies": copies, "seed": SEED}
    context.save_dataset(xr.Dataset(data, at, about))
    context.save_figure(figure(times, results), "relaxation")
    turn = (TIMES - 1) // PERIODS  # a period
    forgot = np.asarray(results["Rabi"][0].distance[0])[[0, turn, 2 * turn]].max(axis=1)
    moved = copies - np.trace(np.asarray(results["eigenstate"][0].tagged[0, -1]))
    apart = max(deviation(*results[name]) for name in ("Rabi", "generic"))
    last = [np.max(each.distance[..., -1, :]) for each in results["generic"]]
    # Chance gives 1/2 for a group, and the shot noise of the ensemble's motion 1 to 2.
    holds = apart < 5 and forgot[1] < 0.12 and moved < 0.1 * copies
    return {
        "status": "ok" if holds else "Individuals do not follow Bell's chain.",
        "copies": copies,
        "largest_deviation_from_chain_times_root_of_group": apart,
        "rabi_factor_per_period_exact": (LOW / (1 - LOW)) ** 2,
        "rabi_distance_after_0_1_2_periods": forgot.tolist(),
        "generic_distance_at_the_end": float(last[0]),
        "generic_distance_at_the_end_exact": float(last[1]),
        "eigenstate_systems_that_moved": int(moved),
    }


def figure(times, results):
    fig, axes = subplots(1, 3, size=(12.6, 4.1))
    names = {"Rabi": "Two classes, Rabi oscillation", "generic": "Three classes"}
    for axis, (name, title) in zip(axes[0], names.items(), strict=False):
        run, chain = results[name]
        ts, tagged = times[name], np.asarray(run.tagged[0])
        for b in range(tagged.shape[-1]):
            shares = tagged[:, 0, b] / tagged[0, b, b]
            axis.plot(ts, chain.transition[:, 0, b], color=CYCLE[b], lw=1.2)
            axis.plot(ts, shares, "o", ms=3, color=CYCLE[b], label=f"class {b + 1}")
        axis.plot(ts, chain.density[:, 0], "--", color=INK, lw=1.2, label="all")
        axis.set(
            xlabel="time  (ħ/R)" if name == "Rabi" else "time  (ħ/energy)",
            ylim=(-0.03, 1.15),
        )
        axis.set_ylabel("share in class 1")
        axis.set_title(f"{title}: dots individuals,\nlines Bell's chain")
        axis.legend(title="began in", ncols=4, loc="upper center", fontsize=8,
                    title_fontsize=8, columnspacing=1, handletextpad=0.4)  # fmt: skip
    axis = axes[0, 2]
    chance = 0.0
    for k, (name, (run, chain)) in enumerate(results.items()):
        # the group that is furthest from the ensemble
        ts, measured = times[name], np.asarray(run.distance[0]).max(axis=1)
        axis.plot(ts, np.asarray(chain.distance).max(axis=1), color=CYCLE[k], lw=1.2)
        axis.plot(ts, measured, "o", ms=3, color=CYCLE[k], label=name)
        began = np.asarray(run.occupation[0, 0]).min()
        # mean |deviation| of a share of about 1/2 among as many
        chance = max(chance, np.sqrt(2 / np.pi) / (2 * np.sqrt(began)))
    axis.axhspan(1e-4, chance, color=PALE, lw=0, zorder=0)
    axis.annotate("chance", (0.2, 0.8 * chance), color=GREY, va="top", fontsize=9)
    axis.set(xlabel="time  (ħ/energy)", yscale="log", ylim=(chance / 4, 1.5))
    axis.set_ylabel("distance from the ensemble (total variation)")
    axis.set_title("Distance from the ensemble over time")
    axis.legend(loc="center right", fontsize=8)
    return fig
