"""Claim: aligned phases are neutral in the copy law, unstable in its alignment model.

The paper leaves the stability of alignment open. Here each part has an exponent, the
mean growth rate of a small disturbance:

    spread within a class    y = √ρ δφ, p = δπ/√ρ:  ẏ = ρ(t) p,  ṗ = -κ y - γ p
    momenta of the classes   π̇_a = (1/2ρ_a) Σ_b J_ab (π_a + π_b) - γ π_a
    if momenta are not copied, a system keeps its momentum when it changes class

Here κ = 2f²N, or κ/ρ if f²/n_a replaces f². The copy law alone has κ = γ = 0 and
momenta at rest. The spread is followed along Rabi oscillations, ρ = (1 + A cos 2t)/2.
Alignment is unstable if the exponent is positive, neutral if it is zero, and attracting
if it is negative.

Verdict: it holds at some strengths f. A class that fills and empties drives its own
oscillator: Hill's equation, with tongues of growth at any f. If momenta are copied,
those of M >= 3 classes grow on most motions; if they are not, the mixing heats the
spread at most values of f. Damping, which is not in the paper, ends both and makes
alignment attracting, under sin² only modulo π.

Source: Smolin (2012), section 3.1.1, eqs. (39), (40), and section 3.2, eqs. (42)-(55).
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.alignment import AlignedClasses, ClassSpread, SpreadState

from jqd import problems
from jqd.figures.style import BLUE, GREEN, GREY, INK, VERMILLION, subplots
from jqd.laws import alignment
from jqd.readings import stability

# --- Parameters (R = 1) -----------------------------------------------------------

A, PERIOD = 0.6, np.pi
GAMMAS = (0.0, 3.0)
NORMS, RULES = alignment.NORMS, (True, False)
TOLERANCE = 1e-6, 0.03  # of a Floquet rate, of a Lyapunov exponent of finite time
SEED, CLASSES = 3, (2, 3, 4, 5, 6)
F = 3.0
BASIN = {"starts": 20, "time": 30.0, "steps": 1500}
STEPS = (600, 300)  # of a period


def share(t, depth=A):
    return (1 + depth * jnp.cos(2 * t)) / 2


def spread_rates(kappas, norm, copied):
    """Rate of the spread at each γ and κ: all moments of both classes, one period.

    Also that of the variances alone, and that of all by steps of twice the length.
    """
    base, psi = problems.two_classes((1 + A) / 2, 0.0)

    def one(gamma, kappa, steps):
        law = ClassSpread(
            base.omega, base.R, base.delta, jnp.sqrt(kappa / 2), 1.0,
            damping=gamma, norm=norm, copy_momentum=copied,
        )  # fmt: skip

        def period(moments):
            def step(_, state):
                return law.step(0.0, state, PERIOD / steps)

            start = SpreadState(psi, *moments)
            return jnp.stack(jax.lax.fori_loop(0, steps, step, start)[1:])

        return jax.jacfwd(period)(jnp.ones((3, 2))).reshape(6, 6)

    each = jax.jit(jax.vmap(jax.vmap(one, (None, 0, None)), (0, None, None)))
    # a number of steps that is traced: one program for both
    maps, coarse = (each(jnp.asarray(GAMMAS), jnp.asarray(kappas), n) for n in STEPS)
    return rate(maps), rate(maps[..., :2, :2]), rate(coarse)


def rate(maps):
    return np.log(np.abs(np.linalg.eigvals(maps)).max(-1)) / (2 * PERIOD)


def random_problems(number):
    """Couplings and ψ, filled up with empty classes without couplings to six."""
    rng, size = np.random.default_rng(SEED), max(CLASSES)
    made = []
    for M in np.repeat(CLASSES, number):
        R, delta = np.zeros((2, size, size))
        R[:M, :M] = np.triu(rng.uniform(0.3, 1, (M, M)), 1)
        delta[:M, :M] = np.triu(rng.uniform(-np.pi, np.pi, (M, M)), 1)
        psi = np.zeros(size, complex)
        psi[:M] = np.sqrt(rng.dirichlet([3] * M)) * np.exp(2j * np.pi * rng.random(M))
        omega = np.zeros(size)
        omega[:M] = rng.normal(size=M)
        made.append((omega, R + R.T, delta - delta.T, psi))
    return [jnp.asarray(np.array(x)) for x in zip(*made, strict=True)]


def momentum_exponents(problem, copied, blocks):
    """Largest exponent of the momenta along a trajectory of Schrödinger's law, and its
    error by the steps."""

    def one(omega, R, delta, psi):
        law = AlignedClasses(omega, R, delta, copy_momentum=copied)
        found = stability.lyapunov_exponents(
            law, law.prepare(psi), 0.005, blocks=blocks, substeps=20, count=1,
            among=lambda state: state.momentum,
        )  # fmt: skip
        return found.exponents[0], found.error[0]

    return map(np.asarray, jax.jit(jax.vmap(one))(*problem))


def aligned_share(norm, potential, gamma):
    law = alignment.PhaseAlignment.of_occupation(
        [12, 8], np.zeros(2), 1 - np.eye(2), np.zeros((2, 2)), F,
        damping=gamma, potential=potential, norm=norm,
    )  # fmt: skip
    run = stability.align_from_random(law, jax.random.key(SEED), **BASIN)
    return float(run.share_aligned())


def verdict(spread, momenta, aligned):
    if spread > TOLERANCE[0] or momenta > TOLERANCE[1]:
        return "unstable"
    if spread > -TOLERANCE[0] or momenta > -TOLERANCE[1]:
        return "neutral"
    return "attracting" if aligned > 0.5 else "attracting modulo π"


def run(context):
    quick = context.quick
    kappas = np.linspace(0, 25, 26 if quick else 251)
    problem = random_problems(2 if quick else 8)
    depths = np.linspace(0.05, 0.95, 7 if quick else 46)

    # --- Exponents ----------------------------------------------------------------
    tongue = jax.vmap(
        lambda depth, kappa: (
            stability.hill(lambda t: share(t, depth), PERIOD, kappa, steps=300).growth
        ),
        (None, 0),
    )
    growth = jax.jit(jax.vmap(tongue, (0, None)))(jnp.asarray(depths), kappas)
    fine = jax.jit(jax.vmap(lambda kappa: stability.hill(share, PERIOD, kappa).trace))
    trace = np.asarray(fine(jnp.array([1.0, 50.0])))
    spread, momenta, wrong, basin, rows = {}, {}, {}, {}, []
    off = 0.0
    alone = np.nan
    for copied in context.progress(RULES, "momenta"):
        momenta[copied], wrong[copied] = momentum_exponents(
            problem, copied, 200 if quick else 1000
        )
    for norm in context.progress(NORMS, "spread and basin"):
        for potential in alignment.POTENTIALS:
            for gamma in GAMMAS:
                found = aligned_share(norm, potential, gamma)
                basin[norm, potential, gamma] = found
        for copied in RULES:
            every, variances, coarse = spread_rates(kappas, norm, copied)
            spread[norm, copied] = every[:, 1:]
            # errors of Runge-Kutta steps fall by 16, so that this is 15 times theirs
            off = max(off, np.abs(coarse - every)[:, -1].max() / 15)
            if (norm, copied) == ("paper", True):
                alone = float(variances[0, 0])  # κ = γ = 0: the copy law
    kappas = kappas[1:]
    for gamma in range(len(GAMMAS)):
        for norm, copied in spread:
            numbers = (
                spread[norm, copied][gamma].max(),
                momenta[copied].max() - GAMMAS[gamma],  # exactly: π goes as e^{-γt}
            )
            words = [
                verdict(*numbers, basin[norm, potential, GAMMAS[gamma]])
                for potential in alignment.POTENTIALS
            ]
            rows.append((GAMMAS[gamma], norm, copied, *numbers, *words))

    # --- Result -------------------------------------------------------------------
    data = xr.Dataset(
        {
            "growth": (("depth", "kappa"), np.asarray(growth)[:, 1:]),
            "momenta": (("rule", "problem"), np.array([momenta[c] for c in RULES])),
            "momenta_error": (("rule", "problem"), np.array([wrong[c] for c in RULES])),
            "spread": (
                ("norm", "rule", "damping", "kappa"),
                np.array([[spread[n, c] for c in RULES] for n in NORMS]),
            ),
        },
        {
            "depth": depths, "kappa": kappas, "rule": ["copied", "kept"],
            "norm": list(NORMS), "damping": list(GAMMAS),
            "problem": np.repeat(CLASSES, len(momenta[True]) // len(CLASSES)),
        },
        {"units": "R = 1", "seed": SEED, "A": A},
    )  # fmt: skip
    context.save_dataset(data)
    context.save_figure(figure(data, rows, alone), "stability")
    of = {f"{p}, norm {n}, damping {g:g}, momentum {'copied' if c else 'kept'}": word
          for g, n, c, _, _, *words in rows
          for p, word in zip(alignment.POTENTIALS, words, strict=True)}  # fmt: skip
    expected = np.abs(trace - [-1.2908980104, -1.8325545603]).max() < 1e-7
    undamped = all(word == "unstable" for key, word in of.items() if "damping 0" in key)
    status = "ok" if expected and undamped else "Alignment is more stable than claimed."
    if off > TOLERANCE[0]:
        status = f"Time steps leave an error of {off:.0e} in the rates of the spread."
    return {
        "status": status,
        "copy_law_alone": "neutral" if abs(alone) < TOLERANCE[0] else "not neutral",
        "rate_of_variance_times_share": alone,
        "hill_trace_kappa_1": trace[0],
        "hill_trace_kappa_50": trace[1],
        "largest_rate_in_tongues_at_A": float(spread["paper", True][0].max()),
        "share_of_kappa_that_grows": float((spread["paper", True][0] > 1e-6).mean()),
        "share_of_kappa_that_grows_momentum_kept": float(
            (spread["paper", False][0] > 1e-6).mean()
        ),
        "largest_exponent_two_classes": float(momenta[True][data.problem == 2].max()),
        "largest_exponent_momentum_copied": float(momenta[True].max()),
        "largest_exponent_momentum_kept": float(momenta[False].max()),
        "error_of_an_exponent": float(max(wrong[c].max() for c in RULES)),
        "error_of_a_spread_rate": float(off),
        **of,
    }


def figure(data, rows, alone):
    fig, axes = subplots(2, 2, size=(12.4, 9.0), height_ratios=(1, 1.05))
    axis = axes[0, 0]
    mesh = axis.pcolormesh(data.kappa, data.depth, data.growth, cmap="Blues", vmin=0)
    fig.colorbar(mesh, ax=axis, pad=0.02, label="growth rate of the spread  (R)")
    axis.axhline(A, color=VERMILLION, lw=1, ls="--")
    axis.set(xlabel="strength of alignment 2f²N  (R²)", ylabel="depth A of the swing")
    axis.set_title(
        "Growth rate of the spread over depth of the\nswing and strength of alignment"
    )
    axis = axes[0, 1]
    axis.axhline(0, color=GREY, lw=0.8)
    for rule, color, name in ((0, BLUE, "copied"), (1, VERMILLION, "kept")):
        axis.plot(data.kappa, data.spread[0, rule, 0], color=color, label=name)
    axis.set(xlabel="strength of alignment 2f²N  (R²)", ylabel="growth rate  (R)")
    axis.set_title(
        f"Growth of the spread at A = {A}, undamped,\nwith momenta copied or kept"
    )
    axis.legend(title="momenta")
    axis = axes[1, 0]
    axis.axhline(0, color=GREY, lw=0.8)
    rng = np.random.default_rng(0)
    for rule, color, name in ((0, BLUE, "copied"), (1, VERMILLION, "kept")):
        x = (
            data.problem
            + (rule - 0.5) * 0.3
            + rng.uniform(-0.08, 0.08, data.problem.size)
        )
        axis.plot(x, data.momenta[rule], "o", color=color, alpha=0.7, label=name)
    axis.set(xlabel="number of classes M", ylabel="largest Lyapunov exponent  (R)")
    axis.set_xticks(CLASSES)
    axis.set_title("Momenta of the classes along random quantum motion")
    axis.legend(title="momenta")
    table(axes[1, 1], rows, alone)
    return fig


def table(axis, rows, alone):
    colors = {"unstable": VERMILLION, "neutral": INK}
    head = ("damping", "norm", "momenta", "spread", "momenta", "sin²", "1 - cos")
    x = (0.0, 0.17, 0.29, 0.46, 0.59, 0.77, 0.99)
    word = "neutral" if abs(alone) < TOLERANCE[0] else "not neutral"
    lines = [("copy law alone", "", "", f"{abs(alone):.2f}", "none", word, "")]
    for gamma, norm, copied, spread, momenta, *words in rows:
        rule = "copied" if copied else "kept"
        numbers = f"{spread:+.2f}", f"{momenta:+.2f}"
        lines.append((f"γ = {gamma:g}", norm, rule, *numbers, *words))
    axis.axis("off")
    axis.set(xlim=(0, 1.16), ylim=(-len(lines) - 0.3, 1.7))
    axis.set_title("Stability of aligned phases")
    axis.text(0.46, 0.75, "largest rate  (R)", color=GREY)
    axis.text(0.77, 0.75, "verdict by potential", color=GREY)
    for place, name in zip(x, head, strict=True):
        axis.text(place, 0, name, weight="bold", fontsize=9)
    for k, line in enumerate(lines):
        for place, text in zip(x, line, strict=True):
            color = GREEN if "attracting" in text else colors.get(text, INK)
            shown = text.replace(" modulo", "\nmodulo")
            axis.text(place, -k - 1, shown, color=color, va="center", fontsize=9)
