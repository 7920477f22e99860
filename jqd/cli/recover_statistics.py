"""`jqd recover statistics`: g of counts of particles, or of a curve."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import typer
from rich.table import Table

from .. import report
from .._files import provenance
from ..inference.estimators import CURVE_CONSTANTS, StatisticsFit, fit_counts, fit_curve
from ..records import CountsRecord, CurveRecord, load_statistics, naming
from ..report.tables import with_error
from ..statistics import log_marginal, occupation, sample_occupations
from .options import Common, Starts, with_options
from .parsing import parse_names, parse_start
from .session import Outcome, Session, carry_out, overall

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The built-in draws: particles, states, draws.
BUILT_IN = (50, 20, 400)
SHARED, INDEPENDENT = "shared weights", "independent weights"


@with_options(out=Path("results/statistics"))
def statistics(
    *,
    data: Path | None = typer.Option(
        None, help="CSV: E,nbar[,sigma] (curve) or n0,n1,.. (a draw in each row)."
    ),
    free: str = typer.Option("", help="Of g, T, mu; empty for all the data hold."),
    start: str = typer.Option(
        "", help="Start of a free constant, value of another, e.g. T=1.2."
    ),
    starts: Starts = 7,
    common: Common,
) -> int:
    """Recover g of quantum statistics (and T, mu of a curve), from weights or data."""
    names = parse_names(free) if free.strip() else ()
    first = parse_start(start, CURVE_CONSTANTS)
    used = min(starts, 4) if common.quick else starts
    records = _records(data, names, first, common)

    def work(session: Session) -> Outcome:
        with naming(data):
            fits = {
                name: _fit(record, names, first, used)
                for name, record in records.items()
            }
        session.advance("report", 0, 1)
        with report.house_style():
            report.save_figure(_figure(records, fits), session.folder, "fit")
        settings = {
            "data": "built-in" if data is None else str(data),
            "seed": common.seed,
            "starts": starts,
        }
        details = {
            name or "fit": {
                "covariance": fit.covariance,
                "chi2_per_dof": fit.chi2_per_dof,
                "log_likelihood": fit.log_likelihood,
                "starts": fit.starts,
                "ends": fit.ends,
            }
            for name, fit in fits.items()
        }
        return Outcome(
            _summary(fits, common.seconds()),
            {"settings": settings, "details": details, "provenance": provenance()},
            [_printed(fits), *dict.fromkeys(fit.message for fit in fits.values())],
        )

    return carry_out(common, work)


def _records(
    file: Path | None,
    free: tuple[str, ...],
    start: dict[str, float],
    common: Common,
) -> dict[str, CountsRecord | CurveRecord]:
    """The user's record, or the two built-in ones, by name."""
    if file is not None:
        record = load_statistics(file)
        if isinstance(record, CountsRecord):
            _check_counts_options(free, start)
        return {"": record}
    _check_counts_options(free, start)
    N, M, draws = BUILT_IN
    draws = draws // 4 if common.quick else draws
    keys = jax.random.split(jax.random.key(common.seed))
    return {
        name: CountsRecord(
            np.asarray(sample_occupations(key, N, M, 1.0, (draws,), shared=shared))
        )
        for name, key, shared in zip(
            (SHARED, INDEPENDENT), keys, (True, False), strict=True
        )
    }


def _check_counts_options(free: tuple[str, ...], start: dict[str, float]) -> None:
    if free not in ((), ("g",)):
        raise ValueError(
            "Argument `--free` must be g for counts, which have no energies, but it is "
            f"{','.join(free)}."
        )
    if start:
        raise ValueError(
            "Argument `--start` must not be given for counts, but is: their likelihood "
            "is searched from all of g >= 0."
        )


def _fit(
    record: CountsRecord | CurveRecord,
    free: tuple[str, ...],
    start: dict[str, float],
    starts: int,
) -> StatisticsFit:
    if isinstance(record, CountsRecord):
        return fit_counts(record.counts, starts=starts)
    return fit_curve(
        record.nbar, record.E, record.sigma, free=free or CURVE_CONSTANTS, start=start,
        starts=starts,
    )  # fmt: skip


def _summary(fits: dict[str, StatisticsFit], seconds: float) -> dict[str, Any]:
    """The result in the few numbers that `--json` prints."""
    parts = {
        name: {
            "constants": {
                label: {
                    "value": constant.value,
                    "stderr": constant.stderr,
                    "reference": _reference(name),
                }
                for label, constant in fit.constants.items()
            },
            "at_edge": fit.at_edge,
            "agreeing_starts": float(np.mean(fit.agree)),
            "chi2_per_dof": fit.chi2_per_dof,
            "p_value": fit.p_value,
            "message": fit.message,
        }
        for name, fit in fits.items()
    }
    status = overall(fit.status for fit in fits.values())
    common = {"status": status, "seconds": seconds}
    law = {"law": "statistics"}
    if SHARED not in parts:
        return law | parts[""] | common
    return law | {"shared": parts[SHARED], "independent": parts[INDEPENDENT]} | common


def _reference(name: str) -> float | None:
    """g that theory gives to built-in draws: bosons, or classical particles."""
    return {SHARED: 1.0, INDEPENDENT: 0.0}.get(name)


def _printed(fits: dict[str, StatisticsFit]) -> Table:
    table = Table(
        title="Statistics: -1 Fermi-Dirac, 0 Maxwell-Boltzmann, 1 Bose-Einstein"
    )
    table.title_justify = "left"
    for heading in ("weights", "constant", "recovered", "standard error", "expected"):
        table.add_column(heading, justify="left" if heading == "weights" else "right")
    for name, fit in fits.items():
        for label, constant in fit.constants.items():
            expected = _reference(name)
            table.add_row(
                name or "data", label, with_error(constant.value, constant.stderr),
                f"{constant.stderr:.1e}", "" if expected is None else f"{expected:g}",
            )  # fmt: skip
    return table


def _figure(records: dict[str, Any], fits: dict[str, StatisticsFit]) -> "Figure":
    fig, axes = report.subplots(1, len(fits), size=(4.9 * len(fits) + 0.6, 4.0))
    for axis, (name, record) in zip(axes[0], records.items(), strict=True):
        if isinstance(record, CountsRecord):
            _draw_counts(axis, name, record.counts, fits[name])
        else:
            _draw_curve(axis, record, fits[name])
    return fig


def _draw_counts(axis: Any, name: str, counts: np.ndarray, fit: StatisticsFit) -> None:
    """How often a state holds n particles, beside P_g of the fit and of g = 0, 1."""
    n = np.arange(counts.max() + 2)
    share = np.bincount(counts.ravel(), minlength=len(n)) / counts.size
    axis.bar(n, share, color="#D9D9D9", label="counts")
    g, error = fit.constants["g"].value, fit.constants["g"].stderr
    M = counts.shape[1]
    if np.ptp(counts.sum(axis=1)) == 0:
        N = int(counts[0].sum())
        others = [known for known in (0.0, 1.0) if known != g]
        for label, value, form in [
            (f"g = {with_error(g, error)} ± {error:.1g}", g, "o-"),
            *[(f"g = {known:g}", known, ":") for known in others],
        ]:
            axis.plot(n, np.exp(log_marginal(n, N, M, value)), form, label=label)
    axis.set(xlabel="particles in a state", ylabel="share of states")
    axis.set_title(name.capitalize() if name else f"{len(counts)} draws, {M} states")
    axis.legend()


def _draw_curve(axis: Any, record: CurveRecord, fit: StatisticsFit) -> None:
    """Occupations over energy, and the curve of the fit."""
    E = np.linspace(record.E.min(), record.E.max(), 300)
    values = {name: c.value for name, c in fit.constants.items()}
    words = ", ".join(
        f"{name} = {with_error(c.value, c.stderr)}" for name, c in fit.constants.items()
    )
    axis.errorbar(record.E, record.nbar, record.sigma, fmt="o", label="data")
    known = fit.known | values
    axis.plot(E, occupation(E, known["T"], known["mu"], known["g"]), label=words)
    axis.set(xlabel="energy E", ylabel="mean occupation of a state")
    axis.set_title("1/(exp((E - μ)/kT) - g)")
    axis.legend()
