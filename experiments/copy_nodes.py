"""Claim: the copy law avoids nodes if and only if q + r <= 0 and q <= 1/2.

A node is a class that loses its last systems: there ρ_a = 0 and the law's equations
break down. While a small class loses systems, ρ_min^s = ρ_0^s + 2 s ln cos x_0 with
s = q + r, which can vanish only for s > 0. For two classes of equal ω that is all: from
(p_0, x_0), x_0 < 0, the first approach ends at the node if

    ∫_0^{p_0} [(p/(1-p))^r - ((1-p)/p)^r] / (2 p^{1-q} (1-p)^q) dp  <  -ln cos x_0

With three classes a small one can gain from one neighbour at a rate ρ_a^q while it
loses to the other at a rate ρ_a^(1-q): for q > 1/2 the loss wins whatever r is. A node
below both lines, or none above, would refute the claim.

Control: at (1/2, -1/2) the runs must end with the populations of Schrödinger's
equation. With two classes the time of a node must be that of the orbit, by quadrature.

Verdict: it holds for random initial states: no run with q + r <= 0 and q <= 1/2 meets a
node, and most with q + r > 0 do. With q > 1/2 and q + r <= 0 some runs meet one, but
not at every point of the grid in the time that they cover: there "only if" rests on the
argument above. The two-class runs agree with the integral on at least 99 % of the
points that they decide. Quantum mechanics, (1/2, -1/2), is the corner of the safe
region. Special states are exempt: two classes with <H> = 0, x_0 = ±π/2, meet a node for
any exponents.

Context: Smolin calls the nodes issue "the most serious problem of this list" (L.
Smolin, Found. Phys. 42, 1239 (2012), sec. 3.4). The jump rates of J. C. Vink, Phys.
Rev. A 48, 1808 (1993), diverge at nodes as well, but there the wave function that they
follow goes on; in the copy law nothing else is left.

Source: Smolin (2012), eqs. (20), (26), and section 3.4 on nodes.
"""

from functools import partial

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.statistics import standard_error
from matplotlib.colors import LogNorm
from matplotlib.ticker import ScalarFormatter
from scipy.integrate import cumulative_trapezoid, trapezoid
from scipy.linalg import expm
from scipy.stats import beta

import jqd
from jqd import constants, problems
from jqd.figures.style import INK, VERMILLION, subplots
from jqd.report.tables import plus_minus

# --- Parameters -------------------------------------------------------------------

TIME = 10.0
SEED = 12
P0, X0 = 0.5, -1.2  # the two-class initial state
TWO_TIME = 20.0  # long, since the approach is slow where |r| is small

# --- Problem ----------------------------------------------------------------------


def random_states(number):
    """Three classes: shares uniform on the simplex, phases uniform."""
    rng = np.random.default_rng(SEED)
    shares = rng.dirichlet([1, 1, 1], number)
    phases = rng.uniform(0, 2 * np.pi, (number, 3))
    return jnp.asarray(np.sqrt(shares) * np.exp(1j * phases))


def plane(size):
    """q in (0, 1] and r in [-3/2, 1/2], with points on q + r = 0."""
    q = np.arange(1, size + 1) / size
    r = np.arange(-3 * size, size + 1, 2) / (2 * size)
    return q, r


# --- Law --------------------------------------------------------------------------


@eqx.filter_jit
def over_plane(law, q, r, psis, ts, method):
    """Runs of the law at every q, r and from every ψ, in one batch."""

    def one(q, r, psi):
        at = constants.unpack(constants.unpack(law, "q", q[None]), "r", r[None])
        start = jqd.laws.DensityPhase(jnp.abs(psi) ** 2, -jnp.angle(psi))
        return jqd.evolve(at, start, ts, method=method, observe="density")

    batch = jax.vmap(one, (None, None, 0))  # over states
    batch = jax.vmap(batch, (0, None, None))
    return jax.vmap(batch, (None, 0, None))(jnp.asarray(q), jnp.asarray(r), psis)


# Adaptive steps in (density, phase): this form uses no criterion for nodes and stops
# where a density falls below 1e-12.
METHOD = jqd.Adaptive(
    diffrax.Tsit5(), rtol=1e-7, atol=1e-10, max_steps=2000, estimate_error=False
)


def three_classes(r, *, q, number):
    """How runs from random states end, (q, state), and with which populations."""
    law, _ = problems.golden(literal=True)
    ends = jnp.array([0.0, TIME])
    runs = over_plane(law, q, r[None], random_states(number), ends, METHOD)
    return {"ended": runs.status[0], "populations": runs.values[0, :, :, -1]}


def two_classes(r, *, q):
    """The first approach from one state: shares of class 0, and its end, (q, ..)."""
    pair, psi = problems.two_classes(P0, X0, literal=True)
    ts = jnp.linspace(0, TWO_TIME, 401)
    runs = over_plane(pair, q, r[None], psi[None], ts, METHOD)
    return {
        "share": runs.values[0, :, 0, :, 0],
        "ended": runs.status[0, :, 0],
        "time": runs.failure_time[0, :, 0],
    }


# --- Comparison -------------------------------------------------------------------


def approach(q, r, p0, nodes=200):
    """The integral above, in u with p = p_0 u^{1/s}, which takes out p^{s-1}."""
    u, weight = np.polynomial.legendre.leggauss(nodes)
    u, weight = (u + 1) / 2, weight / 2
    s = q + r
    p = p0 * u ** (1 / s)
    odds = p / (1 - p)
    integrand = (odds**r - odds**-r) / (2 * p ** (1 - q) * (1 - p) ** q)
    return np.sum(weight * integrand * p / (s * u))


def boundary(q, p0, x0):
    """r above which the first approach ends at the node: by bisection."""
    low, high = -q, 0.0
    for _ in range(50):
        r = (low + high) / 2
        low, high = (low, r) if approach(q, r, p0) < -np.log(np.cos(x0)) else (r, high)
    return high


def node_time(q, r, p0, x0, least=1e-12, points=4001):
    """When class 0 has lost all but `least` on its first approach; NaN if it turns.

    ∫ dp / (2 p^(1-q) (1-p)^q |sin x|) from `least` to p_0, over ln p; cos x by the
    integral above, from p to p_0.
    """
    log_p = np.linspace(np.log(p0), np.log(least), points)
    p = np.exp(log_p)
    q, r = np.asarray(q)[..., None], np.asarray(r)[..., None]
    odds, pace = p / (1 - p), p**q / (2 * (1 - p) ** q)
    pull = cumulative_trapezoid((odds**r - odds**-r) * pace, -log_p, initial=0)
    sine = 1 - (np.cos(x0) * np.exp(np.minimum(pull, 100))) ** 2
    turns = np.any(sine <= 0, axis=-1)
    slow = pace / np.sqrt(np.where(sine > 0, sine, 1))
    return np.where(turns, np.nan, trapezoid(slow, -log_p))


def quantum_populations(number):
    """|<a|exp(-iHT)|ψ>|² of the random states, (state, class)."""
    H = np.asarray(problems.golden()[0].hamiltonian())
    return np.abs(np.asarray(random_states(number)) @ expm(-1j * H * TIME).T) ** 2


def run(context):
    size, number = (6, 4) if context.quick else (20, 12)
    q, r = plane(size)

    rows = {"r": r}
    point = partial(three_classes, q=q, number=number)
    three = context.sweep(point, rows, "three", trace=False)
    status = three.ended.values
    met = status == jqd.Status.NODE  # (r, q, state)
    quantum = np.argmin(np.abs(r + 0.5)), np.argmin(np.abs(q - 0.5))
    control = three.populations.values[quantum] - quantum_populations(number)

    # Two classes, one initial state: its first approach against the integral.
    two = context.sweep(partial(two_classes, q=q), rows, "two", trace=False)
    turned = np.any(np.diff(two.share.values) > 1e-6, axis=-1)  # beyond rounding
    hit = two.ended.values == jqd.Status.NODE
    edge = np.array([boundary(one, P0, X0) for one in q])
    decided = hit | turned
    agrees = (hit & ~turned) == (r[:, None] > edge[None, :])

    # --- Result -------------------------------------------------------------------
    below = q[None, :] + r[:, None] <= 1e-12
    safe = below & (q <= 0.5)[None, :]
    first = hit & ~turned
    times = np.where(first, two.time.values, np.nan)
    late = times / node_time(q, r[:, None], P0, X0) - 1
    share_met = met.mean(axis=-1)
    # A run that spent its step budget is undecided.
    spent = status == jqd.Status.STEP_BUDGET
    shown = np.where(spent.mean(-1) > 0.5, np.nan, share_met)
    context.save_figure(figure(q, r, shown, times, turned, edge, number), "nodes")
    data = {
        "status": (("r", "q", "state"), status),
        "two_class_time": (("r", "q"), times),
        "boundary": ("q", edge),
    }
    about = {"units": "time in 1/R", "seed": SEED, "time": TIME}
    context.save_dataset(xr.Dataset(data, {"q": q, "r": r}, about))
    unfinished = int(np.sum(status[safe] != jqd.Status.OK))
    agreement = float(agrees[decided].mean())
    # Runs of one state are no independent draws: errors are those of the states.
    each = met[~below].mean(axis=0)
    share, error = each.mean(), float(standard_error(each))
    hit_states = int(np.sum(met[safe].any(axis=0)))
    most = float(beta.ppf(0.95, hit_states + 1, number - hit_states))
    # Tolerances of 1e-7 a step, and near-nodes that amplify them; of the times, those
    # of small q have 1e-2, since the last systems of a class leave slowly.
    timed = float(np.nanmedian(np.abs(late)))
    right = np.max(np.abs(control)) < 1e-4 and timed < 1e-3
    holds = unfinished == 0 and share > 0.5 and agreement > 0.99 and right
    return {
        "status": "ok" if holds else "Nodes are met where none should be.",
        "verdict": (
            f"With q + r <= 0 and q <= 1/2, {int(met[safe].sum())} of {met[safe].size} "
            f"runs meet a node; of random states, fewer than {most:.0%} do so "
            f"there (95 %). With q + r > 0 the share of runs that do is "
            f"{plus_minus(share, error)}."
        ),
        "share_of_states_below_95": most,
        "share_met_error": error,
        "populations_minus_schrodinger": np.max(np.abs(control)),
        "median_error_of_node_times": timed,
        "unsafe_points_without_a_node": int(np.sum((share_met == 0)[~safe])),
        "runs_where_avoided": int(met[safe].size),
        "node_hits_where_avoided": int(met[safe].sum()),
        "unfinished_where_avoided": unfinished,
        "share_met_where_q_plus_r_positive": float(share),
        "share_met_below_but_q_above_half": float(share_met[below & ~safe].mean()),
        "two_class_first_hits_below": int((first & below).sum()),
        "two_class_points": int(decided.sum()),
        "two_class_agreement": agreement,
    }


def figure(q, r, share, times, turned, edge, number):
    fig, ((left, right),) = subplots(1, 2, size=(9.8, 4.7), sharey=True)
    mesh = left.pcolormesh(q, r, share, cmap="Blues", vmin=0, vmax=1)
    bar = fig.colorbar(mesh, ax=left, pad=0.02)
    bar.set_label("share of states that met a node (grey: undecided)")
    left.plot([0.5, 0.5], [r[0], -0.5], color=INK, lw=1.4, ls=":", label="q = 1/2")
    left.set_title(f"Three classes: {number} random states, up to t = {TIME:g}/R")
    left.set_ylabel("r, exponent of the phase rate")
    turned = np.where(turned & np.isnan(times), 0, np.nan)
    right.pcolormesh(q, r, turned, cmap="Blues", vmin=0, vmax=1)
    mesh = right.pcolormesh(q, r, times, cmap="cividis", norm=LogNorm())
    bar = fig.colorbar(mesh, ax=right, pad=0.02, format=ScalarFormatter())
    bar.set_ticks([t for t in (0.5, 1, 2, 5) if t < np.nanmax(times)])
    bar.ax.minorticks_off()
    bar.set_label("time of the node (white: turned back; grey: undecided)")
    right.plot(q, edge, color=VERMILLION, lw=2, label="exact, by quadrature")
    right.set_title(f"Two classes, first approach from p = {P0}, x = {X0}")
    for axis in (left, right):
        axis.set_facecolor("#D0D0D0")
        axis.plot(q, -q, color=INK, lw=1.4, ls="--", label="q + r = 0")
        axis.plot(0.5, -0.5, "*", color="white", mec=INK, ms=14, ls="", label="quantum")
        axis.set_xlabel("q, exponent of the copy rate")
        axis.legend(loc="lower left", frameon=True, framealpha=0.9, edgecolor="none")
    return fig
