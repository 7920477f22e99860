"""Claim: an unknown error looks like a discovery until the analyst models it.

    P_a(t) = (1 - ε) ∫ ρ_a(t; ω_2 + s x) e^{-x²/2} dx/√(2π) + ε/M

Three levels obey quantum mechanics. The energy of the second scatters by s from run to
run, and a share ε of the shots is read at random. The analyst plans times and shots for
the exponents q and r of copy dynamics, fits the data with the law alone, then with s
and ε as nuisances, draws from the posterior, and compares with quantum mechanics. A fit
of the law alone that gives the quantum values, or one with nuisances that does not,
would refute the claim.

Verdict: it holds. With the law alone, q is 8 standard errors from quantum mechanics,
and χ² passes the fit (p = 0.12). With s and ε as nuisances q is 1.6 standard errors
away, and these are 1.6 times as wide. By Laplace's method ln B is 15 in favour of
quantum mechanics with s and ε over q and r alone. Held-out data do not decide: the
comparison names no law as clearly preferred. A quick run compares only the laws without
s and ε.

Source: copy dynamics by Smolin (2012); its design, fit, posterior and comparison by
`jqd.design`, `jqd.recover`, `jqd.posterior` and `jqd.compare`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.patches import Ellipse

import jqd
from jqd.figures.style import BLUE, GREEN, INK, VERMILLION, subplots
from jqd.inference.goodness import MISFIT_P
from jqd.instruments import Confusion
from jqd.problems import golden

# --- Parameters (ħ = 1) -----------------------------------------------------------

SHOTS, EVEN = 200_000, 0.4  # in all, and the share of them that is spread evenly
READOUT, SCATTER = 0.02, 0.1  # true ε, and s in rates, unknown to the analyst
EXACT = {"q": 0.5, "r": -0.5}
# Priors once the analyst suspects them: s from the coherence time, within a factor 2.
PRIORS = {"readout": jqd.HalfNormal(0.02), "sd": jqd.LogNormal(0.08, 0.7)}
NODES = 5, 15  # of the integral over x: in fits, and in the true law
CHI2_OF_TWO = 5.991  # 95 % of two constants
NEAR = {"starts": 1, "search": None, "held_out": 0.0}

# --- The experiment, and the analyst's models of it ---------------------------------


def scattering(law, sd, nodes):
    """The law with an energy of the second level that differs from run to run."""
    return jqd.laws.RandomFrequencies(law, sd, classes=(1,), nodes=nodes)


def study(record, *, free=("q", "r"), told=False):
    """A study of q and r; with `told`, s and ε are nuisances."""
    law, psi = golden()
    return jqd.Study(
        scattering(law, 0.08, NODES[0]) if told else law, record, psi0=psi, free=free,
        instrument=Confusion(readout=jnp.asarray(0.01 if told else 0.0)),
        nuisances={name: PRIORS[name] for name in ("readout", "sd") if told},
    )  # fmt: skip


def plan(ts):
    """Best shares of shots for q and r by the law alone, some of them spread evenly."""
    blank = jqd.Record(ts, np.full((ts.size, 3), 100), jqd.Multinomial(), t0=0.0)
    best = jqd.design(study(blank), shots=SHOTS)
    shares = (1 - EVEN) * np.asarray(best.weights) + EVEN / ts.size
    return jqd.design(study(blank), shots=SHOTS, shares=shares)


def experiment(ts, shots):
    """Counts of quantum mechanics with s and ε, unknown to the analyst."""
    law, psi = golden()
    see = Confusion(readout=jnp.asarray(READOUT))
    truth = scattering(law, SCATTER, NODES[1])
    return jqd.simulate(truth, psi, ts, see, shots, jax.random.key(1), t0=0.0)


# --- Comparison -------------------------------------------------------------------


def explanations(record, quick):
    """The laws compared, with the constants fitted in each."""
    studies = {
        "quantum mechanics": study(record, free=()),
        "copies: q, r": study(record),
        "quantum mechanics, s, ε": study(record, free=(), told=True),
        "copies: q, r, s, ε": study(record, told=True),
    }
    if quick:
        studies = {name: studies[name] for name in list(studies)[:2]}
    return jqd.compare(studies, folds=2 if quick else 5, starts=1)


def shifts(found):
    """q and r minus those of quantum mechanics, in standard errors."""
    each = {name: found.constants[name] for name in EXACT}
    return {name: (c.value - EXACT[name]) / c.stderr for name, c in each.items()}


def run(context):
    ts = np.arange(1, 11) * 0.5 if context.quick else np.arange(1, 26) * 0.2
    stages = iter(context.progress(["plan", "fits", "posterior", "laws"], "experiment"))
    next(stages)
    planned = plan(ts)
    record = experiment(ts, planned.allocation())
    next(stages)
    pure = jqd.recover(study(record), start=EXACT, **NEAR)
    told = jqd.recover(study(record, told=True), start=EXACT, **NEAR)
    context.log(f"{pure}\n{told}")
    next(stages)
    drawn = jqd.posterior(told.study, "laplace", theta=told.theta)
    context.log(str(drawn))
    next(stages)
    laws = explanations(record, context.quick)
    context.log(str(laws))

    # --- Result -------------------------------------------------------------------
    context.save_figure(figure(planned, record, pure, drawn, laws), "story")
    table = [
        {
            "law": row.name, "chi2": row.chi2, "dof": row.dof, "p": row.p_value,
            "ln_B_to_the_first": laws.log_bayes(row)[1],
        }
        for row in laws.rows
    ]  # fmt: skip
    context.save_table(table, "laws")
    draws = np.stack([np.ravel(drawn.draws[name]) for name in drawn.labels])
    data = {
        "counts": (("t", "level"), np.asarray(record.values)),
        "draws": (("constant", "draw"), draws),
    }
    about = {"units": "hbar = 1", "sampler": drawn.sampler}
    context.save_dataset(xr.Dataset(data, {"t": ts, "constant": drawn.labels}, about))
    return summary(planned, pure, told, drawn, laws)


def summary(planned, pure, told, drawn, laws):
    """The numbers of each stage, and whether the claim holds."""
    bayes = {row.name: laws.log_bayes(row)[1] for row in laws.rows}
    before, after = shifts(pure), shifts(told)
    honest = bayes.get("quantum mechanics, s, ε", max(bayes.values()))
    fitted = pure.status == told.status == "converged"
    apart = max(map(abs, before.values())) > 3 > max(map(abs, after.values()))
    holds = fitted and apart and honest == max(bayes.values())
    return {
        "status": "ok" if holds else "The data do not support the claim.",
        "planned_standard_errors": {name: planned.stderr(name) for name in EXACT},
        "pure_law_in_standard_errors": before,
        "pure_law_p": pure.p_value,
        "pure_law_status": pure.status,
        "with_nuisances_in_standard_errors": after,
        "with_nuisances_p": told.p_value,
        "nuisances": {name: told.constants[name].value for name in ("readout", "sd")},
        "sampler": drawn.sampler,
        "posterior_status": drawn.status,
        "posterior_sd": drawn.sd,
        "ln_B_to_the_first": bayes,
        "verdict": laws.verdict(),
    }


# --- Figure -----------------------------------------------------------------------


def figure(planned, record, pure, drawn, laws):
    """Plan, data, fitted q and r, and the comparison of laws."""
    fig, axes = subplots(2, 2, size=(9.6, 7.0))
    draw_plan(axes[0, 0], planned)
    draw_record(axes[0, 1], record, pure)
    draw_plane(axes[1, 0], pure, drawn)
    draw_laws(axes[1, 1], laws)
    fig.suptitle(
        "Quantum mechanics, with unknown scatter s and readout error ε", fontsize=12
    )
    return fig


def draw_plan(axis, planned):
    ts = np.array([setting.t for setting, _ in planned.support])
    axis.bar(ts, planned.allocation(), width=0.6 * np.diff(ts).min(), color=BLUE)
    axis.set(
        xlabel="time  (ħ/energy)",
        ylabel="shots",
        title="1  Plan: best shots for q and r",
    )
    axis.set(yscale="log", ylim=(1e3, None))


def draw_record(axis, record, pure):
    shares, fit = np.asarray(record.shares), np.asarray(pure.prediction)
    shots = np.asarray(record.values).sum(axis=1)
    for a, color in enumerate((BLUE, VERMILLION, GREEN)):
        axis.plot(record.ts, fit[:, a], color=color)
        stderr = np.sqrt(fit[:, a] * (1 - fit[:, a]) / shots)
        axis.errorbar(record.ts, shares[:, a], stderr, fmt="o", color=color)
        axis.annotate(
            f"level {a + 1}", (record.ts[-1], fit[-1, a]), (6, 0), color=color,
            textcoords="offset points", va="center", fontsize=9,
        )  # fmt: skip
    axis.set(xlabel="time  (ħ/energy)", ylabel="share", xlim=(0, 1.17 * record.ts[-1]))
    word = "passes" if pure.p_value > MISFIT_P else "fails"
    axis.set_title(f"2  The fit of q and r alone {word}: p = {pure.p_value:.2g}")


def draw_plane(axis, pure, drawn):
    """The ellipse of 95 % by the law alone, and draws with all nuisances."""
    q, r = (np.ravel(drawn.draws[name])[:1500] for name in EXACT)
    axis.plot(
        q, r, "o", ls="", color=GREEN, ms=2, alpha=0.35, mew=0,
        label="s and ε as nuisances: draws",
    )  # fmt: skip
    size, ways = np.linalg.eigh(np.asarray(pure.covariance))
    width, height = 2 * np.sqrt(CHI2_OF_TWO * size[::-1])
    center = pure.constants["q"].value, pure.constants["r"].value
    turn = np.degrees(np.arctan2(ways[1, 1], ways[0, 1]))
    options = {"fc": "none", "ec": VERMILLION, "lw": 2, "zorder": 3}
    axis.add_patch(Ellipse(center, width, height, angle=turn, **options))
    axis.plot([], [], color=VERMILLION, lw=2, label="q and r alone: 95 %")
    axis.plot(0.5, -0.5, "*", color=INK, ms=14, ls="", label="quantum mechanics")
    off = abs(shifts(pure)["q"])
    axis.set(
        xlabel="q", ylabel="r", title=f"3  By the law alone q is {off:.1f} errors off"
    )
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2)}
    handles = axis.legend(**below, fontsize=8).legend_handles
    handles[0].set(alpha=1, markersize=4)
    axis.margins(0.05, 0.15)


def draw_laws(axis, laws):
    """ln B of each law to the first, and the p-value of its fit."""
    logs = np.array([laws.log_bayes(row)[1] for row in laws.rows])
    y = np.arange(len(logs))[::-1]
    colors = [VERMILLION if "s, ε" not in row.name else GREEN for row in laws.rows]
    axis.barh(y, logs, color=colors, height=0.55)
    for at, log, row in zip(y, logs, laws.rows, strict=True):
        text = f"{log:.1f}   p = {row.p_value:.2g}"
        axis.annotate(text, (max(log, 0), at), (4, 0), textcoords="offset points",
                      va="center", fontsize=9)  # fmt: skip
    axis.set_yticks(y, [row.name.replace(", s", ",\ns") for row in laws.rows])
    axis.set(xlabel=f"ln B to {laws.rows[0].name}", xlim=(None, 1.6 * max(*logs, 1)))
    axis.set_title("4  ln B of each law, and p of its fit")
