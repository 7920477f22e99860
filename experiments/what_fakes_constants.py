"""Claim: 1 % errors of an apparatus look like new constants; chi-square may pass them.

    excess χ² = min_θ Σ_i N [p_i(truth) - p_i(θ)]² / p_i,   of a law without the error

The data are exact quantum mechanics with one thing that the analyst does not know:
loss, dephasing, readout, or a Hamiltonian, displacement or initial state that is 1 %
off. They are fitted by copy dynamics (q, r) and by the Husimi law (C): without
nuisances; with instrument and Hamiltonian as nuisances with priors; and, for C, with
loss and dephasing as well. Nonlinear fits use expected counts, and counts that are
drawn. Shifts below two standard errors, or ones that χ² always flags, would refute the
claim.

Control: data without an error must give the values of quantum mechanics, and χ² must
flag as many of them as its threshold says, one in a thousand.

Verdict: it holds. Couplings that are all 1 % too strong shift r by -0.0099, 23 standard
errors, and χ² flags one data set in six; as nuisances they shift it by less than one.
Dephasing of 5 % shifts q by 9 standard errors and is always flagged; with H and the
readout as nuisances by 4, and most data sets pass. Loss of 5 % shifts C by 2.6 standard
errors, and one data set in seven is flagged. With loss and dephasing in the law, C is
within 0.2 standard errors of 1 whichever of them opens the oscillator.

Context: L. Smolin, Found. Phys. 42, 1239 (2012), asks for "real observable effects
coming from corrections to quantum physics". Errors of preparation and readout look like
such effects: S. T. Merkel et al., Phys. Rev. A 87, 062119 (2013). Gate set tomography
fits them together with the device: E. Nielsen et al., Quantum 5, 557 (2021).

Source: populations of copy dynamics, Smolin (2012); vacua of a displaced Kerr
oscillator as in Kirchmair et al., Nature 495, 205 (2013); open systems by Lindblad's
equation.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from _support.fake_figures import TITLES, figure_clouds, figure_dots
from _support.fake_problems import (
    CONTROL,
    SHOTS,
    kerr_studies,
    kerr_truths,
    shots_each,
    three_level_studies,
    three_level_truths,
)

import jqd
from jqd.inference.goodness import MISFIT_P, p_value
from jqd.report.tables import plus_minus

# --- Parameters; those of the problems are in _support/fake_problems.py -----------

NEAR = (0.05, 0.002), (0.002, 0.05)
EXPONENTS = {"q": 0.5, "r": -0.5}
SETTLED = (jqd.Status.OK.value, jqd.Status.MISFIT.value)

# A quick run is of these alone.
QUICK = ("dephasing, 5 %", "all couplings +1 %", CONTROL), ("loss, 5 %",)

# --- Fits -------------------------------------------------------------------------


def fits(study, records, starts=({},)):
    """A fit to each of these data sets, (R, ...): one `Fit` with a first axis."""
    first = jnp.stack([study.theta(start) for start in starts])

    @jax.jit
    @jax.vmap
    def one(values):
        own = eqx.tree_at(lambda study: study.data.values, study, values)
        return jqd.fit(own, starts=first, search=None, substeps=8)

    return one(jnp.asarray(records, float))


def flagged_share(excess, dof):
    """Share of drawn data sets that χ² flags, by the noncentral distribution."""
    rng = np.random.default_rng(0)
    chi2 = rng.noncentral_chisquare(dof, np.maximum(excess, 1e-9), 20000)
    return float(np.mean(np.asarray(p_value(chi2, dof)) < MISFIT_P))


def rows_of(problem, kind, found, errors, exact):
    """A row for each error and constant; the first fits are to expected counts."""
    rows, dof = [], float(np.round(found.cost[0] / found.chi2_per_dof[0]))
    for i, error in enumerate(errors):
        excess = float(found.cost[i])
        flagged = flagged_share(excess, dof)
        for name, true in exact.items():
            shift = float(found.value[name][i]) - true
            stderr = float(found.stderr[name][i])
            rows.append(
                {
                    "problem": problem, "error": error, "fit": kind, "constant": name,
                    "shift": shift, "standard_error": stderr,
                    "in_standard_errors": shift / stderr, "excess_chi2": excess,
                    "dof": dof, "flagged": flagged,
                    "settled": int(found.status[i]) in SETTLED,
                }
            )  # fmt: skip
    return rows


def three_levels(means, draws, kinds):
    """Rows of the fits, shifts of q and r in drawn data, (E, D, 2), and flags."""
    studies, p = three_level_studies(), np.stack(list(means.values()))
    p /= p.sum(axis=-1, keepdims=True)
    expected, rng = np.round(SHOTS * p), np.random.default_rng(1)
    seen = rng.multinomial(SHOTS, np.repeat(p, draws, axis=0))
    found = fits(studies["pure law"], np.concatenate([expected, seen]))
    rows = rows_of("three levels", "pure law", found, list(means), EXPONENTS)
    shifts = [found.value[name][len(p) :] - x for name, x in EXPONENTS.items()]
    clouds = np.stack(shifts, axis=-1).reshape(len(p), draws, 2)
    flagged = np.asarray(found.status)[len(p) :] == jqd.Status.MISFIT.value
    if "H, readout" in kinds:
        told = fits(studies["H, readout"], expected)
        rows += rows_of("three levels", "H, readout", told, list(means), EXPONENTS)
    return rows, clouds, flagged.reshape(len(p), draws)


def kerr_oscillator(means, kinds):
    """Rows of the fits of these kinds."""
    rows = []
    for kind, study in kerr_studies().items():
        if kind not in kinds:
            continue
        own, starts = means, ({},)
        if kind == "loss, dephasing":
            # of errors that open the oscillator; from near each of two explanations
            own = {name: means[name] for name in list(means)[:3]}
            starts = ({"n0": 1e-3, "gamma": g, "dephasing": d} for g, d in NEAR)
        expected = np.round(shots_each() * np.stack(list(own.values())))
        found = fits(study, expected, tuple(starts))
        rows += rows_of("Kerr", kind, found, list(own), {"C": 1.0})
    return rows


# --- Comparison -------------------------------------------------------------------


def run(context):
    three, oscillator = three_level_truths(), kerr_truths()
    kinds, draws = tuple(TITLES), 43
    if context.quick:
        three = {name: mean for name, mean in three.items() if name in QUICK[0]}
        oscillator = {name: oscillator[name] for name in QUICK[1]}
        kinds, draws = ("pure law", "oscillator"), 3
    rows, clouds, said = three_levels(three, draws, kinds)
    rows += kerr_oscillator(oscillator, kinds)

    # --- Result -------------------------------------------------------------------
    context.save_table(rows, "fakes")
    context.save_figure(figure_dots(rows, "three levels", list(three)), "three_levels")
    context.save_figure(figure_dots(rows, "Kerr", list(oscillator)), "kerr")
    context.save_figure(figure_clouds(list(three), clouds, said), "draws")
    data = {
        "shift": (("error", "draw", "constant"), clouds),
        "flagged": (("error", "draw"), said),
    }
    axes = {"error": list(three), "constant": ["q", "r"]}
    context.save_dataset(xr.Dataset(data, axes, {"units": "hbar = 1", "shots": SHOTS}))
    at = {(row["fit"], row["error"], row["constant"]): row for row in rows}
    summary = {
        key: {"; ".join(of): row[key] for of, row in at.items()}
        for key in ("shift", "in_standard_errors")
    } | {
        key: {"; ".join(of[:2]): row[key] for of, row in at.items()}
        for key in ("excess_chi2", "flagged")
    }
    said_of = dict(zip(three, map(float, said.mean(axis=1)), strict=True))
    status = "ok" if holds(at) else "The errors are not mistaken for constants."
    words = {"status": status, "verdict": verdict(at)}
    return {**words, **summary, "flagged_of_drawn": said_of}


def verdict(at):
    """In words: two errors that pass, and what is found without an error."""
    chosen = (
        ("pure law", "all couplings +1 %", "r"),
        ("oscillator", "loss, 5 %", "C"),
        ("pure law", CONTROL, "r"),
    )
    return " ".join(
        f"{error[0].upper() + error[1:]}: {name} shifts by "
        f"{plus_minus(row['shift'], row['standard_error'])}, and chi-square flags "
        f"{row['flagged']:.1%} of the data sets."
        for (_, error, name), row in ((key, at[key]) for key in chosen)
    )


def holds(at):
    """Whether errors pass for constants, no longer where the model has them, and
    nothing is found without an error."""
    passed = [
        at["pure law", "all couplings +1 %", "r"], at["oscillator", "loss, 5 %", "C"]
    ]  # fmt: skip
    opened = [row for key, row in at.items() if key[0] == "loss, dephasing"]
    # fits without priors, whose pull would count as a shift
    control = [
        row
        for (kind, error, _), row in at.items()
        if error == CONTROL and kind in ("pure law", "C alone", "oscillator")
    ]
    return (
        all(row["settled"] for row in at.values())
        and all(abs(row["in_standard_errors"]) > 2 for row in passed)
        and all(row["flagged"] < 0.5 for row in passed)
        and all(abs(row["in_standard_errors"]) < 2 for row in opened)
        # expected counts are rounded to whole ones
        and all(abs(row["in_standard_errors"]) < 0.1 for row in control)
        and all(row["flagged"] < 3 * MISFIT_P for row in control)
    )
