"""Claim: quantum data determine the copy law's functions with no formula assumed.

    dρ_a/dt = Σ_b R_ab √(ρ_a ρ_b) [S(ℓ_ab, x_ab) - S(-ℓ_ab, -x_ab)]
    dφ_a/dt = ω_a + Σ_b R_ab G(ℓ_ab, x_ab),   ℓ = ln ρ_a/ρ_b,  x = φ_a - φ_b + δ_ab

S and G are any functions of two variables: cubic splines on a grid of (ℓ, x), which
enter linearly and are found at once, or small networks, found by L-BFGS. Both are
fitted to derivatives of ψ(t) of four levels from random initial states. The splines
show more: their fit has one minimum, and its singular values show what is not
determined. Other functions that fit as well would refute the claim.

Verdict: it holds up to copying that goes both ways. The net flow
N(ℓ, x) = S(ℓ, x) - S(-ℓ, -x) is 2 sin x and G = e^(-ℓ/2) cos x, to 1e-5; with the least
traffic the rate of copying is (ρ_a/ρ_b)^(1/2) 2 sin⁺ x. The other half of S, the
traffic S(ℓ, x) + S(-ℓ, -x), is undetermined: networks from other seeds find other rates
of copying, and the same quantum mechanics.

Source: Smolin (2012), sections 3 and 3.1, eqs. (18)-(33).
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support import free_form, surfaces
from _support.local_polynomials import local_polynomials

import jqd
from jqd import problems
from jqd.figures.style import BLUE, CYCLE, GREY, INK, VERMILLION, subplots

# --- Parameters (ħ = 1) -----------------------------------------------------------

TS = np.linspace(0, 3, 61)
REACH = 4.0  # ratios of densities up to e^4 = 55
SEED = 3
RATIOS = (0.25, 1.0, 4.0)
TEXT = ("functions", "pairs")
NULL = 1e-9  # relative singular value of a direction that no data determine

# --- Problem ----------------------------------------------------------------------


def quantum_runs(number):
    """ψ(t) of four levels from random initial states: (state, t, level)."""
    problem = problems.four_level()
    rng = np.random.default_rng(SEED)
    shares = rng.dirichlet([4] * 4, number)
    starts = np.sqrt(shares) * np.exp(2j * np.pi * rng.random((number, 4)))
    energies, states = np.linalg.eigh(problem.hamiltonian)
    turns = np.exp(-1j * energies[None] * TS[:, None])
    psi = np.einsum("ij,tj,sj->sti", states, turns, starts @ states.conj())
    return jqd.CopyDynamics.from_hamiltonian(problem.hamiltonian), jnp.asarray(psi)


def seen(law, psi):
    """The data where all ratios lie on the grid, and their pairs (ℓ, x)."""
    record = free_form.pair_record(law, *local_polynomials(TS)(psi)).within(REACH)
    return record, *map(jnp.ravel, record.pairs())


# --- Comparison -------------------------------------------------------------------


def distance(values, exact):
    """Relative root mean square over the pairs of the data."""
    return float(jnp.linalg.norm(values - exact) / jnp.linalg.norm(exact))


def both(surfaces, record):
    """Residuals of both equations."""
    flow, turn = surfaces
    parts = (free_form.density_residuals(flow, record),
             free_form.phase_residuals(turn, record))  # fmt: skip
    return jnp.concatenate(parts)


def fit(record, knots, steps, progress):
    """(S, G) by name, and the singular values of both."""
    zero = surfaces.SplineSurface.zeros(*knots, REACH)
    flow, of_flow = surfaces.solve_spline(
        zero, free_form.density_residuals, record, NULL
    )
    turn, of_turn = surfaces.solve_spline(zero, free_form.phase_residuals, record, NULL)
    fits = {"splines": (flow, turn)}
    for seed in progress((1, 2), "networks"):
        keys = jax.random.split(jax.random.key(seed))
        network = surfaces.NetworkSurface.random
        start = network(keys[0], positive=True), network(keys[1])
        fits[f"network {seed}"], _ = surfaces.fit_surface(start, both, record, steps)
    return fits, {"S": np.asarray(of_flow), "G": np.asarray(of_turn)}


def distances(surfaces, level, x):
    """Relative root mean square distances over the pairs (ℓ, x)."""
    flow, turn = surfaces
    exact_rate = jnp.exp(level / 2) * 2 * jnp.maximum(jnp.sin(x), 0)
    exact_turn = jnp.exp(-level / 2) * jnp.cos(x)
    return {
        "net_flow": distance(free_form.net_flow(flow, level, x), 2 * jnp.sin(x)),
        "rate": distance(free_form.least_rate(flow, level, x), exact_rate),
        "phase_function": distance(turn(level, x), exact_turn),
    }


def run(context):
    starts, knots, steps = (12, (6, 12), 60) if context.quick else (40, (12, 24), 300)
    law, psi = quantum_runs(starts + 1)
    # the run whose densities differ least is held out: it stays on the grid
    densities = jnp.abs(psi) ** 2
    order = jnp.argsort(jnp.min(densities, axis=(1, 2)))
    psi = psi[order]
    record, *pairs = seen(law, psi[:-1])
    _, *fresh = seen(law, psi[-1:])
    fits, spectra = fit(record, knots, steps, context.progress)

    # --- Result -------------------------------------------------------------------
    table = [
        {"functions": name, "pairs": where, **distances(surfaces, *at)}
        for name, surfaces in fits.items()
        for where, at in (("fitted", pairs), ("fresh start", fresh))
    ]
    ways = [free_form.traffic(fits[f"network {k}"][0], *pairs) for k in (1, 2)]
    apart = distance(*ways)
    null = {what: int(np.sum(values < NULL)) for what, values in spectra.items()}
    method = jqd.Fixed(jqd.steppers.rk4, 4, estimate_error=False)
    fitted = free_form.FreeFormCopying.like(law, *fits["splines"])
    replay = jqd.evolve(
        fitted, fitted.prepare(psi[-1, 0]), TS, method=method, observe="density"
    )
    error = float(jnp.max(jnp.abs(replay.values - jnp.abs(psi[-1]) ** 2)))
    context.save_table(table, "distances")
    context.save_figure(figure(fits, *map(np.asarray, pairs), spectra), "free_form")
    context.save_dataset(curves(fits, spectra))
    worst = [max(row[key] for key in row if key not in TEXT) for row in table]
    spline_limit, net_limit = (1e-2, 0.3) if context.quick else (1e-4, 0.03)
    holds = (
        worst[0] < spline_limit and max(worst[2], worst[4]) < net_limit
        and null["S"] >= spectra["S"].size // 2 and null["G"] == 0 and apart > 0.05
    )  # fmt: skip
    return {
        "status": "ok" if holds else "The functions are not those of the copy law.",
        "instants": int(record.density.shape[0]),
        "distances": {
            f"{row['functions']}, {row['pairs']}": {
                key: row[key] for key in row if key not in TEXT
            }
            for row in table
        },
        "undetermined_directions": null,
        "coefficients": spectra["S"].size,
        "traffic_of_two_networks_apart": apart,
        "density_error_from_a_fresh_start": error,
    }


X = np.linspace(-np.pi, np.pi, 121)


def lines(function, ratio):
    """Values along x at one ratio of densities."""
    return np.asarray(function(jnp.full(X.shape, np.log(ratio)), jnp.asarray(X)))


def curves(fits, spectra):
    data = {
        f"{what}_{name.replace(' ', '_')}": (
            ("ratio", "x"), np.array([lines(surface, ratio) for ratio in RATIOS])
        )
        for name, surfaces in fits.items()
        for what, surface in zip("SG", surfaces, strict=True)
    }  # fmt: skip
    data |= {f"singular_{w}": ("direction", v) for w, v in spectra.items()}
    return xr.Dataset(data, {"ratio": list(RATIOS), "x": X}, {"units": "R = 1"})


def figure(fits, level, x, spectra):
    fig, axes = subplots(2, 2, size=(10.4, 7.6))
    flow, turn = fits["splines"]

    def rate(at, x):
        return free_form.least_rate(flow, at, x)

    sides = (
        (axes[0, 0], rate, lambda at, x: np.exp(at / 2) * 2 * np.maximum(np.sin(x), 0)),
        (axes[0, 1], turn, lambda at, x: np.exp(-at / 2) * np.cos(x)),
    )
    for axis, found, exact in sides:
        for color, ratio in zip(CYCLE, RATIOS, strict=False):
            near = np.abs(level - np.log(ratio)) < 0.2
            # dots only where there are data
            bins = np.histogram(np.angle(np.exp(1j * x[near])), 40, (-np.pi, np.pi))
            middle = (bins[1][1:] + bins[1][:-1])[bins[0] > 0] / 2
            at = jnp.full(middle.shape, np.log(ratio))
            axis.plot(X, exact(np.log(ratio), X), color=color, lw=1.2)
            label = f"ρ_a/ρ_b = {ratio:g}"
            axis.plot(middle, found(at, jnp.asarray(middle)), "o", color=color,
                      label=label)  # fmt: skip
        axis.legend(loc="upper left", fontsize=9)
    axes[0, 0].set_title("Rate of copying, least traffic: dots from data,\n"
                         "lines (ρ_a/ρ_b)^½ 2 sin⁺ x")  # fmt: skip
    axes[0, 0].set(ylabel="rate b → a  (units of R)", ylim=(-0.3, 5.6))
    axes[0, 1].set_title("Phase function: dots from data,\nlines (ρ_a/ρ_b)^(-½) cos x")
    axes[0, 1].set(ylabel="G  (units of R)", ylim=(-2.3, 3.6))
    axis = axes[1, 0]
    for color, (what, name) in zip(
        (BLUE, VERMILLION), {"S": "S, copying", "G": "G, phase"}.items(), strict=True
    ):
        axis.semilogy(np.maximum(spectra[what], 1e-17), ".", color=color, label=name)
    axis.axhline(NULL, color=GREY, lw=0.8, ls="--")
    half = int(np.sum(spectra["S"] >= NULL))
    axis.annotate(
        f"{spectra['S'].size - half} of {spectra['S'].size} directions of S\n"
        "lie below the dashed line",
        (0.98, 0.24), xycoords="axes fraction", ha="right", color=INK,
    )  # fmt: skip
    axis.set(xlabel="direction in the space of splines", ylabel="singular value")
    axis.set_ylim(1e-18, 1e3)
    axis.set_title("Singular values by direction")
    axis.legend(loc="upper right")
    axis = axes[1, 1]
    axis.plot(X, 2 * np.sin(X), color=GREY, lw=5, alpha=0.4, label="2 sin x")
    for color, name in zip((BLUE, VERMILLION), ("network 1", "network 2"), strict=True):
        flow, _ = fits[name]
        axis.plot(X, lines(flow, 1.0), color=color, label=f"S, {name}")
        net = lines(lambda at, x, flow=flow: free_form.net_flow(flow, at, x), 1.0)
        axis.plot(X, net, "--", color=color, label="its net flow N")
    axis.set(ylabel="flow at ρ_a = ρ_b  (units of R)", ylim=(-2.4, 5.2))
    axis.set_title("Rates and net flow of two seeds")
    axis.legend(loc="upper left", ncols=2, fontsize=9)
    for axis in (*axes[0], axes[1, 1]):
        axis.set(xlabel="x = φ_a - φ_b + δ_ab")
        axis.set_xticks([-np.pi, 0, np.pi], ["-π", "0", "π"])
    return fig
