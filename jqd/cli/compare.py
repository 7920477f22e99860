"""`jqd compare`: laws beside one record."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from .. import report
from .._bars import progress
from ..inference import Candidate, Comparison, Study
from ..inference import compare as compare_studies
from ..inference.comparison import Drawn
from ..report.tables import with_error
from .compare_laws import (
    offered,
    studies_of_densities,
    studies_of_populations,
    studies_on_phase_space,
)
from .law_words import is_phase_space, parse_laws
from .on_grid import is_density, refuse_beside_densities
from .options import (
    DATA,
    FIT,
    MODEL,
    T0,
    AsJson,
    Bath,
    Columns,
    Levels,
    MaybeOut,
    Nuisance,
    Points,
    Sampling,
    Shots,
    Sigma,
    typed,
    with_options,
)
from .posterior import check_installed, check_sampler
from .session import State, conclude_in, run_folder, table_of, takes

DEFAULT = "schrodinger,dephasing[gamma],copying[q],copying[q,r]"


@with_options()
def compare(
    *,
    sampling: Sampling,
    data: Annotated[
        Path | None,
        takes("populations", "Or data in phase space, or densities on a grid."),
    ] = None,
    hamiltonian: str | None = MODEL.option(
        None,
        help="For populations, a file with the matrix; for phase space, an operator in "
        "a, ad, as for `jqd recover husimi`.",
    ),
    state: State = None,
    laws: str = MODEL.option(
        DEFAULT,
        help="Laws separated by commas, with free constants and values of others in "
        "brackets. For populations: schrodinger, dephasing[gamma] (quantum mechanics "
        "with a rate for each class), copying[q,r], copying[q=0.4], logarithmic[b], "
        "gross_pitaevskii[g], weinberg[eps], gisin[lam], beretta[kappa], "
        "FILE.py:NAME[g] (NAME(H) makes a law). For densities: schrodinger, "
        "logarithmic[b], gross_pitaevskii[g], FILE.py:NAME[g]. For phase space: "
        "schrodinger, loss[gamma,nbar], husimi[C], husimi[C,gamma].",
    ),
    noise: str = DATA.option(
        "auto",
        help="Noise of the data, as for `jqd recover copying`; the errors must be "
        "known.",
    ),
    sigma: Sigma = None,
    t0: T0 = None,
    columns: Columns = "",
    shots: Shots = None,
    assigned: list[str] = MODEL.option(
        [],
        "--set",
        help="Value of a parameter of --hamiltonian, e.g. U=0.63; may be repeated.",
    ),
    nuisance: Nuisance = "",
    bath: Bath = "",
    folds: int | None = FIT.option(
        None,
        min=2,
        help="Number of parts for cross-validation; by default 10, or one per row if "
        "there are fewer.",
    ),
    starts: int = FIT.option(8, min=1, help="Number of initial guesses of each fit."),
    levels: Levels = None,
    points: Points = 600,
    out: MaybeOut = None,
    as_json: AsJson = False,
) -> int:
    """Compare how well laws predict the same data, by default built-in counts."""
    check_sampler(sampling)
    wanted = parse_laws(laws)
    densities = data if is_density(data) else None
    left_out: Mapping[str, str] = {}
    if densities is not None:
        refuse_beside_densities({
            "--hamiltonian": hamiltonian is not None, "--state": state is not None,
            "--t0": t0 is not None, "--columns": bool(columns),
            "--shots": shots is not None, "--set": bool(assigned),
            "--levels": levels is not None, "--points": typed("--points"),
            "--bath": bool(bath),
        })  # fmt: skip
        studies = studies_of_densities(wanted, densities, noise, sigma, nuisance)
    elif is_phase_space(wanted):
        _refuse(
            "phase space",
            {"--state": state is not None, "--noise": noise != "auto",
             "--t0": t0 is not None, "--columns": bool(columns),
             "--shots": shots is not None, "--bath": bool(bath)},
        )  # fmt: skip
        studies = studies_on_phase_space(
            wanted, data, hamiltonian, assigned, sigma, nuisance, levels, points
        )
    else:
        _refuse(
            "populations",
            {"--sigma": sigma is not None, "--set": bool(assigned),
             "--levels": levels is not None, "--points": typed("--points")},
        )  # fmt: skip
        studies, left_out = studies_of_populations(
            wanted, data, hamiltonian, state, noise, nuisance, t0, columns, shots, bath
        )
    check_installed(sampling)
    # one that cannot be written is found out before the fits, not after them
    with (
        run_folder(out) as folder,
        progress("Comparing", lines=True) as report_progress,
    ):
        found = _compared(studies, folds, starts, sampling, report_progress)
    summary = {
        "status": "ok" if any(row.predicts for row in found.rows) else "no prediction",
        "laws": [_plain(found, row) for row in found.rows],
        "scales": list(found.scales),
        "folds": found.folds,
        "decided": [list(pair) for pair in found.decided()],
        "verdict": found.verdict(),
        "left_out": dict(left_out),
    }
    notes = [found.legend(), found.verdict()]
    if row := offered(wanted, on_grid=densities is not None):
        notes.append(f"Decoherence is not among the laws; {row} would be its row.")
    tables = [table_of(*table) for table in found.tables()]
    if fitted := [line for row in found.rows for line in _fitted(row)]:
        headings = "law", "constant", "fitted", "standard error"
        tables.insert(1, table_of("Constants at the best fit", headings, fitted))
    if left_out:
        lines = list(left_out.items())
        tables.insert(1, table_of("Laws left out", ("law", "reason"), lines))

    def figures() -> Mapping[str, Any]:
        ts = np.asarray(next(iter(studies.values())).data.ts)
        return {"laws": report.figure_comparison(found, ts)}

    return conclude_in(folder, summary, [*tables, *notes], figures, as_json=as_json)


def _compared(
    studies: Mapping[str, Study],
    folds: int | None,
    starts: int,
    sampling: Sampling,
    report: Callable[[str, int, int], None],
) -> Comparison:
    sampler = sampling.sampler if sampling.posterior else None
    return compare_studies(
        studies, folds=folds, starts=starts, sampler=sampler, draws=sampling.draws,
        report=report,
    )  # fmt: skip


def _refuse(kind: str, given: Mapping[str, bool]) -> None:
    """Raise ValueError for options that say nothing of this kind of record."""
    for name, there in given.items():
        if there:
            raise ValueError(
                f"Argument `{name}` must not be given for laws of {kind}, but is."
            )


def _fitted(row: Candidate) -> list[tuple[str, ...]]:
    """A line for each constant of a law; three digits where no error holds."""
    lines: list[tuple[str, ...]] = []
    for label, value in row.constants.items():
        told, error = f"{value:.3g}", "none"
        size = row.stderr.get(label, row.inwards.get(label))
        if size is not None:
            told, error = with_error(value, size), f"{size:.1e}"
            error += " inwards" * (label in row.inwards)
        lines.append((row.name, label, told, error))
    return lines


def _plain(found: Comparison, row: Candidate) -> Mapping[str, Any]:
    elpd, error = found.elpd_difference(row)
    last, last_error = found.last_difference(row)
    return {
        "name": row.name,
        "status": row.status,
        "constants": row.constants,
        "stderr": row.stderr,
        "inwards": row.inwards,
        "parameters": row.parameters,
        "log_likelihood": row.log_likelihood,
        "chi2": row.chi2,
        "dof": row.dof,
        "p_value": row.p_value,
        "worst_time": row.worst_time,
        "aic": row.aic,
        "bic": row.bic,
        "log_evidence": row.log_evidence,
        "log_bayes": found.log_bayes(row),
        "turning_scale": found.turning_scale(row),
        "elpd": row.elpd,
        "elpd_difference": elpd,
        "elpd_error": error,
        "last_difference": last,
        "last_error": last_error,
        "failed_folds": row.folds.failed,
        "drawn": None if row.drawn is None else _plain_drawn(found, row, row.drawn),
    }


def _plain_drawn(found: Comparison, row: Candidate, drawn: Drawn) -> Mapping[str, Any]:
    loo, error = found.loo_difference(row)
    own = drawn.posterior
    return {
        "posterior": None if own is None else report.posterior_summary(own),
        "loo_difference": loo,
        "loo_error": error,
        "rows_refitted": drawn.refitted,
    }
