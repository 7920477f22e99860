"""Claim: what no one told the analyst looks like a discovery until it is in the model.

    P_a(t) = (1 - ε) ∫ ρ_a(t; ω_2 + s x) e^{-x²/2} dx/√2π + ε/M

Three levels that obey quantum mechanics; the energy of the second scatters by s from
run to run, and a share ε of the shots is read at random. The analyst plans times and
shots for the exponents q and r of copy dynamics, fits the record with the law alone,
then with s and ε as nuisances, draws from the posterior, and compares with quantum
mechanics.
Source: copy dynamics by Smolin (2012); its design, fit, posterior and comparison by
`jqd.design`, `jqd.recover`, `jqd.posterior` and `jqd.compare`.
Verdict: it holds.
"""

from importlib.util import find_spec

import jax
import numpy as np
import xarray as xr
from _support.figures import draw_lines
from matplotlib.patches import Ellipse

import jqd
from jqd.instruments import Confusion
from jqd.problems import golden
from jqd.report.style import BLUE, GREEN, GREY, INK, PALE, VERMILLION, subplots

# --- Parameters (ħ = 1) -----------------------------------------------------------

SHOTS, EVEN = 100_000, 0.25  # in all, and the share of them that is spread evenly
READOUT, SCATTER = 0.01, 0.05  # ε, and s in rates: what is true, and not told
EXACT = {"q": 0.5, "r": -0.5}
PRIORS = {"readout": jqd.HalfNormal(0.02), "sd": jqd.HalfNormal(0.1)}
NODES = 7  # of the integral over x: 1e-9 where s t is 0.25
NEAR = {"starts": 1, "search": None, "held_out": 0.0}

# --- What is done, and what the analyst thinks of it ------------------------------


def scattering(law, sd):
    """The law with an energy of the second level that differs from run to run."""
    return jqd.RandomFrequencies(law, sd, classes=(1,), nodes=NODES)


def study(record, *, free=("q", "r"), told=False):
    """The law with q and r as a record's; `told` with what opens it as nuisances."""
    law, psi = golden()
    return jqd.Study(
        scattering(law, 0.02) if told else law, record, psi0=psi, free=free,
        instrument=Confusion(readout=0.01 if told else 0.0),
        nuisances={name: PRIORS[name] for name in ("readout", "sd") if told},
    )  # fmt: skip


def plan(ts):
    """Best shares of shots for q and r by the law alone, some of them spread evenly."""
    blank = jqd.Record(ts, np.full((ts.size, 3), 100), jqd.Multinomial(), t0=0.0)
    best = jqd.design(study(blank), shots=SHOTS)
    shares = (1 - EVEN) * np.asarray(best.weights) + EVEN / ts.size
    return jqd.design(study(blank), shots=SHOTS, shares=shares)


def experiment(ts, shots):
    """Counts of quantum mechanics with s and ε that no one knows of."""
    law, psi = golden()
    see = Confusion(readout=READOUT)
    key = jax.random.key(1)
    return jqd.simulate(scattering(law, SCATTER), psi, ts, see, shots, key, t0=0.0)


# --- Comparison -------------------------------------------------------------------


def explanations(record, folds):
    """Laws beside the record, with what is fitted of each."""
    studies = {
        "quantum mechanics": study(record, free=()),
        "copies: q, r": study(record),
        "quantum mechanics, s, ε": study(record, free=(), told=True),
        "copies: q, r, s, ε": study(record, told=True),
    }
    return jqd.compare(studies, folds=folds, starts=1)


def shifts(found):
    """q and r less those of quantum mechanics, in standard errors."""
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
    sampler = "nuts" if find_spec("blackjax") and not context.quick else "laplace"
    drawn = jqd.posterior(told.study, sampler, theta=told.theta, draws=300)
    context.log(str(drawn))
    next(stages)
    laws = explanations(record, 2 if context.quick else 5)
    context.log(str(laws))

    # --- Result -------------------------------------------------------------------
    context.save_figure(figure(planned, record, pure, drawn, laws), "story")
    context.save_table(
        [
            {
                "law": row.name, "chi2": row.chi2, "dof": row.dof, "p": row.p_value,
                "ln_B_to_quantum_mechanics": laws.log_bayes(row)[1],
            }
            for row in laws.rows
        ],
        "laws",
    )  # fmt: skip
    context.save_dataset(
        xr.Dataset(
            {
                "counts": (("t", "level"), np.asarray(record.values)),
                "draws": (
                    ("constant", "draw"),
                    np.stack([np.ravel(drawn.draws[name]) for name in drawn.labels]),
                ),
            },
            {"t": ts, "constant": drawn.labels},
            {"units": "hbar = 1", "sampler": drawn.sampler},
        )
    )
    return summary(planned, pure, told, drawn, laws)


def summary(planned, pure, told, drawn, laws):
    """The figures of each stage, and whether they tell the story."""
    bayes = {row.name: laws.log_bayes(row)[1] for row in laws.rows}
    before, after = shifts(pure), shifts(told)
    honest = bayes["quantum mechanics, s, ε"]
    holds = max(map(abs, before.values())) > 3 > max(
        map(abs, after.values())
    ) and honest == max(bayes.values())
    return {
        "status": "ok" if holds else "The record does not tell this story.",
        "planned_standard_errors": {name: planned.stderr(name) for name in EXACT},
        "pure_law_in_standard_errors": before,
        "pure_law_p": pure.p_value,
        "pure_law_status": pure.status,
        "with_nuisances_in_standard_errors": after,
        "with_nuisances_p": told.p_value,
        "nuisances": {
            name: told.constants[name].value for name in ("readout", "sd[0]")
        },
        "sampler": drawn.sampler,
        "posterior_status": drawn.status,
        "posterior_sd": drawn.sd,
        "ln_B_to_quantum_mechanics": bayes,
        "verdict": laws.verdict(),
    }


# --- Figure -----------------------------------------------------------------------


def figure(planned, record, pure, drawn, laws):
    """Plan, record, what q and r seem to be, and which law the record prefers."""
    fig, axes = subplots(2, 2, size=(9.2, 6.8))
    draw_plan(axes[0, 0], planned)
    draw_record(axes[0, 1], record, pure)
    draw_plane(axes[1, 0], pure, drawn)
    draw_laws(axes[1, 1], laws)
    return fig


def draw_plan(axis, planned):
    ts = np.array([setting.t for setting, _ in planned.support])
    axis.bar(ts, planned.allocation(), width=0.6 * np.diff(ts).min(), color=BLUE)
    axis.set(xlabel="time", ylabel="shots", title="1  Plan: when to look, how often")
    axis.set_yscale("log")


def draw_record(axis, record, pure):
    shares = np.asarray(record.shares)
    curves = {f"level {a + 1}": np.asarray(pure.prediction)[:, a] for a in range(3)}
    draw_lines(axis, record.ts, curves, legend=None, xlabel="time", ylabel="share")
    for a in range(3):
        axis.plot(record.ts, shares[:, a], "o", color=axis.lines[a].get_color())
    axis.set_title(f"2  Fit of q and r alone: p = {pure.p_value:.2g}")


def draw_plane(axis, pure, drawn):
    """Ellipses of 95 % by the law alone, and draws with all nuisances."""
    q, r = (np.ravel(drawn.draws[name]) for name in ("q", "r"))
    axis.plot(q, r, ".", color=GREEN, ms=3, alpha=0.4, label="with s and ε: draws")
    size, ways = np.linalg.eigh(np.asarray(pure.covariance))
    width, height = 2 * np.sqrt(5.99 * size[::-1])  # chi-square of two
    center = [pure.constants[name].value for name in ("q", "r")]
    axis.add_patch(
        Ellipse(
            center, width, height, angle=np.degrees(np.arctan2(ways[1, 1], ways[0, 1])),
            color=VERMILLION, alpha=0.6, label="by the law alone: 95 %",
        )
    )  # fmt: skip
    axis.plot(0.5, -0.5, "*", color=INK, ms=14, ls="", label="quantum mechanics")
    axis.set(xlabel="q", ylabel="r", title="3  The discovery, and the posterior")
    axis.legend(loc="best", fontsize=8)


def draw_laws(axis, laws):
    """ln B of each law to the worst."""
    logs = np.array([laws.log_bayes(row)[1] for row in laws.rows])
    y = np.arange(len(logs))[::-1]
    colors = [VERMILLION, VERMILLION, GREEN, GREEN]
    axis.barh(y, logs - logs.min(), color=colors, height=0.6)
    axis.set_yticks(y, [row.name for row in laws.rows])
    axis.axvline(logs.max() - logs.min(), color=GREY, lw=0.8, ls=":")
    axis.set(xlabel="ln B to the worst", title="4  Which law the record prefers")
    axis.spines["left"].set_visible(False)
    axis.set_facecolor(PALE)
