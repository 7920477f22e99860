"""`jqd recover statistics`: g of counts of particles, or of a curve."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
from rich.table import Table

from ..inference.estimators import CURVE_CONSTANTS, StatisticsFit, fit_counts, fit_curve
from ..inference.estimators.curve import BACKGROUND
from ..inference.limits import Limit, bound_of, two_sided
from ..records import CountsRecord, CurveRecord, load_statistics
from ..records.lone import load_correlation
from ..report.answers import kept_answers
from ..report.tables import checks_table, chi_square_line, status_line
from ..statistics import log_marginal, occupation, sample_occupations
from .fit import estimate
from .options import (
    DATA,
    FIT,
    Common,
    Starts,
    only_with,
    parse_free,
    parse_start,
    with_options,
)
from .session import takes

# The built-in draws: particles, states, draws.
BUILT_IN = (50, 20, 400)
SHARED, INDEPENDENT = "shared weights", "independent weights"


@with_options(out=Path("results/statistics"))
def statistics(
    *,
    data: Annotated[
        Path | None, takes("statistics", "Each row of numbers is one draw.")
    ] = None,
    free: str = FIT.option(
        "",
        help="Constants to recover, out of g, T, mu.",
        show_default="g for occupation numbers, all three for a curve",
    ),
    start: str = FIT.option(
        "",
        help="First initial guess of a free constant, or value of another, e.g. T=1.2.",
    ),
    starts: Starts = 7,
    correlation: Path | None = DATA.option(
        None,
        help="Correlations of the errors of a curve, which has a column sigma: .npy, "
        ".npz or .csv with a matrix, a row and a column for each row of --data.",
    ),
    common: Common,
) -> int:
    """Recover g of quantum statistics (and T, mu of a curve) from occupations."""
    names = parse_free(free) if free.strip() else ()
    first = parse_start(start, CURVE_CONSTANTS)
    there = data is not None
    only_with("--correlation", "--data", given=correlation is not None, there=there)
    together = None if correlation is None else load_correlation(correlation)
    used = min(starts, 4) if common.quick else starts
    return estimate(
        common, "statistics", data, _records(data, names, first, common),
        lambda record: _fit(record, names, first, used, together), _part, _draw,
        _printed, {"starts": starts, "correlation": str(correlation or "none")},
        _details,
    )  # fmt: skip


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
    correlation: np.ndarray | None,
) -> StatisticsFit:
    if isinstance(record, CountsRecord):
        if correlation is not None:
            raise ValueError(
                "Argument `--correlation` must not be given for counts, but is: they "
                "scatter by their own law."
            )
        return fit_counts(record.counts, starts=starts)
    return fit_curve(
        record.nbar, record.E, record.sigma, free=free or CURVE_CONSTANTS, start=start,
        starts=starts, correlation=correlation, background=record.background,
    )  # fmt: skip


def _part(name: str, fit: StatisticsFit) -> dict[str, Any]:
    """The result in the few numbers that `--json` prints."""
    return {
        "constants": {
            label: {
                "value": constant.value,
                "stderr": constant.stderr if constant.holds else None,
                "reference": _reference(name),
            }
            for label, constant in fit.constants.items()
        },
        "at_edge": fit.at_edge,
        "agreeing_starts": float(np.mean(fit.agree)),
        "chi2_per_dof": fit.chi2_per_dof,
        "p_value": fit.p_value,
        "status": fit.status,
        "message": fit.message,
        "answers": kept_answers(_answer(fit)),
    }


def _details(fit: StatisticsFit) -> dict[str, Any]:
    """What summary.json holds beyond that."""
    names = "covariance", "chi2_per_dof", "log_likelihood", "starts", "ends"
    return {name: getattr(fit, name) for name in names}


def _reference(name: str) -> float | None:
    """g that theory gives to built-in draws: bosons, or classical particles."""
    return {SHARED: 1.0, INDEPENDENT: 0.0}.get(name)


def _printed(fits: Mapping[str, StatisticsFit]) -> list[Any]:
    table = Table(
        title="Statistics: -1 Fermi-Dirac, 0 Maxwell-Boltzmann, 1 Bose-Einstein",
        title_justify="left",
    )
    for heading in ("weights", "constant", "recovered", "standard error", "expected"):
        table.add_column(heading, justify="left" if heading == "weights" else "right")
    for name, fit in fits.items():
        for label, constant in fit.constants.items():
            expected = _reference(name)
            table.add_row(
                name or "data", label, constant.digits,
                f"{constant.stderr:.1e}" if constant.holds else "none",
                "" if expected is None else f"{expected:g}",
            )  # fmt: skip
    checks = [_checks(name, fit) for name, fit in fits.items()]
    said = [str(one) for fit in fits.values() for one in _answer(fit)]
    return [table, *checks, *said]


def _answer(fit: StatisticsFit) -> list[Limit]:
    """How far g may be from the nearest of -1, 0 and 1, where only one is near."""
    g = fit.constants.get("g")
    if g is None or not g.holds or fit.at_edge:
        return []
    near = min((-1.0, 0.0, 1.0), key=lambda known: abs(known - g.value))
    most = abs(g.value - near) + two_sided(fit.freedom) * g.stderr
    if most > 0.5 or not g.stderr > 0:
        return []
    return [bound_of("g", g.value, g.stderr, near, fit.freedom)]


def _checks(name: str, fit: StatisticsFit) -> Table:
    """What a fit says of itself, as that of other set-ups does."""
    agree, starts = int(np.sum(fit.agree)), len(fit.agree)
    lines = {"weights": name} if name else {}
    lines["starts that reached the best fit"] = f"{agree} of {starts}"
    if fit.chi2_per_dof is not None:
        lines |= chi_square_line(fit.chi2_per_dof, fit.p_value)
    return checks_table(lines | status_line(fit.status, fit.message))


def _draw(axis: Any, name: str, record: Any, fit: StatisticsFit) -> None:
    if isinstance(record, CurveRecord):
        return _draw_curve(axis, record, fit)
    # how often a state holds n particles, beside P_g of the fit and of g = 0, 1
    counts = record.counts
    n = np.arange(counts.max() + 2)
    share = np.bincount(counts.ravel(), minlength=len(n)) / counts.size
    axis.bar(n, share, color="#D9D9D9", label="counts")
    g = fit.constants["g"].value
    M = counts.shape[1]
    if np.ptp(counts.sum(axis=1)) == 0:
        N = int(counts[0].sum())
        others = [known for known in (0.0, 1.0) if known != g]
        for label, value, form in [
            (str(fit.constants["g"]), g, "o-"),
            *[(f"g = {known:g}", known, ":") for known in others],
        ]:
            axis.plot(n, np.exp(log_marginal(n, N, M, value)), form, label=label)
    axis.set(xlabel="particles in a state", ylabel="share of states")
    title = name.capitalize() or f"{len(counts)} draws, {M} states"
    axis.set_title(title)
    axis.legend()


def _draw_curve(axis: Any, record: CurveRecord, fit: StatisticsFit) -> None:
    """Occupations over energy, and the curve of the fit."""
    E = np.linspace(record.E.min(), record.E.max(), 300)
    values = {name: c.value for name, c in fit.constants.items()}
    words = "\n".join(map(str, fit.constants.values()))
    axis.errorbar(record.E, record.nbar, record.sigma, fmt="o", label="data")
    known = fit.known | values
    curve = np.asarray(occupation(E, known["T"], known["mu"], known["g"]))
    if record.background is not None:
        order = np.argsort(record.E)
        shape = np.interp(E, record.E[order], record.background[order])
        curve = curve + values[BACKGROUND] * shape
    axis.plot(E, curve, label=words)
    axis.set(xlabel="energy E", ylabel="mean occupation of a state")
    axis.set_title("1/(exp((E - μ)/kT) - g)")
    axis.legend()
