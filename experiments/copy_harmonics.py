"""Claim: of the Fourier series in the copy law, quantum evolution keeps n = 1 alone.

    A_ab = Σ_n R'^n sin⁺(n y + δ^n),  C_ab = Σ_n R^n cos(n y + δ'^n),  y = φ_a - φ_b

The paper leaves all n open and finds that n = 1 with R' = 2R and δ = δ' suffices for
quantum mechanics. Is it also necessary? Derivatives of ψ(t) of three levels, from four
initial states, give all R^n, δ^n with n = 0..4, both exponents and ω by linear least
squares, without an initial guess for them. Any other amplitude that is not 0 would
refute the claim.

Verdict: it holds. R' = 2R and δ = δ' at n = 1, and every other coefficient is 0 within
1e-14. A law with a second harmonic is recognised as such. One initial state alone
conditions the series some thousand times worse than four do. Populations without
phases, from known initial states, leave free a frequency common to all classes, and
have errors about five times those of ψ.

Source: Smolin (2012), section 3.1, eqs. (27), (28), (30), (31).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.gradient_matching import match_gradients

import jqd
from jqd import problems
from jqd.figures.style import BLUE, GREEN, GREY, INK, VERMILLION, subplots
from jqd.inference.identifiability import analyse
from jqd.laws.copying import Harmonics

# --- Parameters (ħ = 1) -----------------------------------------------------------

ORDERS = (0, 1, 2, 3, 4)
TIME, STEP = 6.0, 0.05
SEED, STARTS = 1, 4
NOISE = 1e-3  # of each value, for errors from noisy data
SECOND = 0.05  # R² of the law that is not quantum mechanics
EXACT = {"density": 0.5, "phase": -0.5}

# --- Problem and law --------------------------------------------------------------


def random_starts():
    rng = np.random.default_rng(SEED)
    shares = rng.dirichlet([4, 4, 4], STARTS)
    return jnp.asarray(np.sqrt(shares) * np.exp(2j * np.pi * rng.random((STARTS, 3))))


def runs(law, starts, ts, substeps, observe):
    """Data of all initial states: (state, t, level)."""
    method = jqd.Fixed(jqd.steppers.rk4, substeps, estimate_error=False)

    def one(psi):
        run = jqd.evolve(law, psi, ts, method=method, observe=observe)
        return run.values, run.ok

    return jax.vmap(one)(starts)


def with_second(law):
    """The same law with a second harmonic, R'^2 = 2 R²."""
    R = SECOND * (1 - jnp.eye(3))
    delta = jnp.triu(jnp.full((3, 3), 0.7), 1)
    terms = Harmonics((2,), R[None], (delta - delta.T)[None])
    return jqd.CopyDynamics(law.omega, law.R, law.delta, harmonics=terms)


def linear_law(theta, series):
    """The law of these coefficients, linear in each: a sine is a shifted cosine."""
    count = int(series.kept.sum())
    density, phase = (series.expand(theta[k : k + count]) for k in (0, count))
    a, b = series.pairs
    shape = (2 * len(series.orders), series.size, series.size)
    zeros, quarter = jnp.zeros(shape), np.zeros(shape)

    def matrix(values):
        values = jnp.reshape(jnp.swapaxes(values, 0, 1), (shape[0], -1))
        return zeros.at[:, a, b].set(values).at[:, b, a].set(values)

    half = len(series.orders)
    sine, cosine = quarter.copy(), quarter.copy()
    sine[half:, a, b], sine[half:, b, a] = np.pi / 2, -np.pi / 2
    cosine[:half, a, b], cosine[:half, b, a] = -np.pi / 2, np.pi / 2
    terms = Harmonics(
        series.orders * 2, matrix(phase), cosine, R_sin=matrix(density), delta_sin=sine
    )
    nothing = jnp.zeros((3, 3))
    return jqd.CopyDynamics(theta[2 * count :], nothing, nothing, harmonics=terms)


def sensitivity(fits, starts, ts, substeps):
    """d(record)/d(coefficients and ω): of ψ, and of the populations alone."""
    series = fits["density"].series
    parts = [fits[name].values[:-1] for name in ("density", "phase")]  # no exponents

    def record(theta):
        law = linear_law(theta, series)
        psi = runs(law, starts, ts, substeps, lambda t, state: state)[0]
        return jnp.stack([psi.real, psi.imag]), jnp.abs(psi) ** 2

    jacobians = jax.jit(jax.jacfwd(record))(jnp.concatenate(parts))
    names = series.labels() * 2 + [f"omega[{a}]" for a in range(3)]
    return [np.asarray(j).reshape(-1, len(names)) for j in jacobians], names


# --- Comparison -------------------------------------------------------------------


def cramer_rao(jacobian, names):
    """Least errors from values that scatter by `NOISE`, and undetermined directions."""
    seen = analyse(jnp.asarray(jacobian), jnp.ones(jacobian.shape[1]), names)
    kept = seen.singular_values > 1e-9 * seen.singular_values[0]
    inverse = jnp.where(kept, 1 / jnp.where(kept, seen.singular_values, 1), 0)
    errors = NOISE * jnp.linalg.norm(inverse[:, None] * seen.directions, axis=0)
    # time steps leave 1e-12 of what symmetry forbids
    null = eqx.tree_at(lambda seen: seen.null, seen, jnp.sum(~kept))
    return np.asarray(errors), int(null.null), null.describe()


def run(context):
    ts = np.arange(0, TIME + STEP / 2, STEP)
    law, starts = problems.golden()[0], random_starts()
    energies, states = jnp.linalg.eigh(law.hamiltonian())
    turns = jnp.exp(-1j * energies[None] * ts[:, None])
    psi = jnp.einsum("ij,tj,sj->sti", states, turns, starts @ jnp.conj(states))
    other, sound = runs(with_second(law), starts, ts, 50, lambda t, state: state)
    fits, others = {}, {}
    for equation in context.progress(list(EXACT), "fits"):
        fits[equation] = match_gradients(ts, psi, equation, orders=ORDERS)
        others[equation] = match_gradients(ts, other, equation, orders=ORDERS)
    lone = match_gradients(ts, psi[:1], "density", orders=ORDERS, exponent=0.5)
    jacobians, names = sensitivity(fits, starts, ts, 8 if context.quick else 16)
    bounds = {
        seen: cramer_rao(jacobian, names)
        for seen, jacobian in zip(("psi", "populations"), jacobians, strict=True)
    }

    # --- Result -------------------------------------------------------------------
    rates, phases = fits["density"], fits["phase"]
    rest = np.array(ORDERS) != 1
    away = max(float(jnp.max(fit.amplitude[rest])) for fit in fits.values())
    table = [
        {
            "law": law_name, "equation": equation, "n": n,
            "pair": f"{a + 1}{b + 1}", "amplitude": float(fit.amplitude[i, p]),
            "error": float(jnp.max(fit.coefficient_errors[i, :, p])),
        }
        for law_name, group in (("quantum", fits), ("second harmonic", others))
        for equation, fit in group.items()
        for i, n in enumerate(ORDERS)
        for p, (a, b) in enumerate(zip(*fit.series.pairs, strict=True))
    ]  # fmt: skip
    context.save_table(table, "harmonics")
    context.save_figure(figure(fits, others, bounds), "harmonics")
    data = {
        f"bound_{seen}": ("coefficient", bound[0]) for seen, bound in bounds.items()
    }
    at = {"coefficient": [f"{k}: {name}" for k, name in enumerate(names)]}
    about = {"units": "hbar = 1", "seed": SEED, "noise": NOISE}
    context.save_dataset(xr.Dataset(data, at, about))
    found = others["density"].amplitude[2], others["phase"].amplitude[2]
    second = max(
        float(jnp.max(jnp.abs(found[0] / (2 * SECOND) - 1))),
        float(jnp.max(jnp.abs(found[1] / SECOND - 1))),
    )
    ratio = float(jnp.max(jnp.abs(rates.amplitude[1] / phases.amplitude[1] / 2 - 1)))
    turn = float(jnp.max(jnp.abs(rates.phase[1] - phases.phase[1])))
    off = [abs(float(fit.exponent) - EXACT[name]) for name, fit in fits.items()]
    told = bounds["psi"][1] == 0 and bounds["populations"][1] == 1
    holds = (
        max(away, ratio, turn, *off) < 1e-11 and second < 0.02 and told
        and bool(jnp.all(sound))
    )  # fmt: skip
    return {
        "status": "ok" if holds else "Harmonics other than n = 1 do not vanish.",
        "largest_other_amplitude": away,
        "largest_error_bar": max(float(jnp.max(f.error)) for f in fits.values()),
        "R'/2R - 1": ratio,
        "delta - delta'": turn,
        "q_error": off[0],
        "r_error": off[1],
        "control_second_harmonic_error": second,
        "condition_four_starts": float(rates.condition),
        "condition_one_start": float(lone.condition),
        "undetermined_from_psi": bounds["psi"][1],
        "undetermined_from_populations": bounds["populations"][2],
    }


def figure(fits, others, bounds):
    fig, axes = subplots(1, 3, size=(12.6, 4.3))
    symbols = {"density": "R'", "phase": "R"}
    for axis, (equation, fit) in zip(axes[0], fits.items(), strict=False):
        for group, color, shift in (
            (others, VERMILLION, 0.12), (fits, BLUE, -0.12)
        ):  # fmt: skip
            fit = group[equation]
            n = np.repeat(np.array(ORDERS)[:, None], 3, 1) + np.linspace(-0.08, 0.08, 3)
            error = np.max(np.asarray(fit.coefficient_errors), axis=1)
            label = "quantum evolution" if group is fits else "law with a 2nd harmonic"
            axis.plot(n + shift, error, "_", color=color, ms=9, alpha=0.5)
            amplitude = np.maximum(np.asarray(fit.amplitude), 1e-17)
            axis.plot(n + shift, amplitude, "o", color=color, ms=5)
            axis.plot([], [], "o", color=color, label=label)
        axis.plot([], [], "_", color=GREY, ms=9, label="error bar")
        axis.set(yscale="log", ylim=(1e-17, 1e4), xlabel="order n of the harmonic")
        axis.set_ylabel(f"amplitude {symbols[equation]}ⁿ of the three pairs  (1/time)")
        axis.legend(loc="upper right", fontsize=9)
    axes[0, 0].set_title("Copying: harmonics found")
    axes[0, 1].set_title("Phases: harmonics found")
    axis = axes[0, 2]
    count = int(fits["density"].series.kept.sum())
    kept = np.nonzero(fits["density"].series.kept)[0]
    for seen, color, label in (
        ("populations", GREEN, "populations alone"), ("psi", INK, "ψ")
    ):  # fmt: skip
        errors = bounds[seen][0]
        for part, marker, shift in (("copying", "o", -0.12), ("phases", "s", 0.12)):
            start = 0 if part == "copying" else count
            n = np.array(ORDERS)[kept] + shift
            axis.plot(n, errors[start : start + count], marker, color=color, ms=4,
                      label=f"{label}: {part}")  # fmt: skip
    axis.axhline(NOISE, color=GREY, lw=0.8, ls="--")
    axis.set(yscale="log", xlabel="order n of the harmonic")
    axis.set_ylabel("least standard error  (1/time)")
    axis.set_ylim(top=6 * max(bound[0].max() for bound in bounds.values()))
    axis.set_title(f"Least errors, noise {NOISE:g} per value (Cramér-Rao)")
    axis.legend(loc="upper right", fontsize=8, ncols=2)
    return fig
