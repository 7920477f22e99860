"""What `jqd recover temperature` does: read or draw, fit, draw, print."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from .. import report
from .._files import provenance, to_json
from ..inference import Unidentifiable
from ..inference.estimators import TemperatureFit, fit_photon_counts, fit_photon_curve
from ..matter.photons import bose_einstein, sample_counts, sample_occupations
from ..records import PhotonCounts, PhotonCurve, load_photons, naming
from ..report.tables import with_error
from .session import Session, overall

# The built-in records: counts of one mode, and a curve with relative errors, at T = 1.
COUNTS, MODES, NOISE = 20000, 400, 0.02
Record = PhotonCounts | PhotonCurve


@dataclass(frozen=True)
class TemperatureOptions:
    """What the user asked for, checked as far as that goes without reading files.

    Attributes:
        data: CSV of counts or of a curve, or None for built-in records.
        n_max: largest count that a mode can hold, or None.
        free: names of the constants to recover.
        out: folder for the results; never overwritten.
        seed: of the built-in records.
        as_json: whether standard output gets the JSON and nothing else.
        quick: whether a smaller version is asked for.
    """

    data: Path | None
    n_max: int | None
    free: tuple[str, ...]
    out: Path
    seed: int
    as_json: bool
    quick: bool


def recover_temperature(options: TemperatureOptions) -> int:
    """Recover T, write the results, print them.

    Args:
        options: what the user asked for.

    Returns:
        Exit code: 0 if each fit converged, else 1.

    Raises:
        ValueError: bad input, in one line.
        Unidentifiable: (a ValueError) ω asked for beside T.
    """
    began = perf_counter()
    if options.free != ("T",):
        raise Unidentifiable(
            "Argument `--free` must be T, but also names omega: occupations depend on "
            "omega/T alone."
        )
    records = _records(options)
    with Session(options.out) as session:
        with naming(options.data):
            fits = {name: _fit(record) for name, record in records.items()}
        session.advance("report", 0, 1)
        with report.house_style():
            report.save_figure(_figure(records, fits), session.folder, "fit")
        seconds = round(perf_counter() - began, 3)
        result = _summary(fits, options.data is None, seconds)
        settings = {
            "data": "built-in" if options.data is None else str(options.data),
            "n_max": options.n_max,
            "seed": options.seed,
        }
        more = {"settings": settings, "provenance": provenance()}
        report.write_json(result | more, session.folder / "summary.json")
        session.advance("report", 1, 1)
    if options.as_json:
        print(to_json(result))
    else:
        console = Console()
        console.print(_table(fits))
        for fit in fits.values():
            console.print(f"{fit.status}: {fit.message}", highlight=False)
        console.print(f"Results in {session.folder} ({seconds:.0f} s)", highlight=False)
    return 0 if result["status"] == "converged" else 1


def _records(options: TemperatureOptions) -> dict[str, Record]:
    if options.data is not None:
        record = _with_cutoff(load_photons(options.data), options.n_max)
        return {"counts" if isinstance(record, PhotonCounts) else "curve": record}
    few, many = jax.random.split(jax.random.key(options.seed))
    size = COUNTS // 10 if options.quick else COUNTS
    n = sample_counts(few, 1.0, 1.0, (size,), options.n_max)
    omega = jnp.linspace(0.05, 6.0, MODES)
    nbar = sample_occupations(many, omega, 1.0, NOISE)
    sigma = NOISE * bose_einstein(omega, 1.0)
    return {
        "counts": _with_cutoff(
            PhotonCounts(np.ones(size), np.asarray(n)), options.n_max
        ),
        "curve": PhotonCurve(*map(np.asarray, (omega, nbar, sigma))),
    }


def _with_cutoff(record: Record, n_max: int | None) -> Record:
    """The record with the cut-off that the user names."""
    if n_max is None:
        return record
    if not isinstance(record, PhotonCounts):
        raise ValueError("Argument `--n-max` must not be given for a curve, but is.")
    if record.n_max is not None:
        raise ValueError(
            "Argument `--n-max` must not be given for a file with a column n_max, but "
            "is."
        )
    return record._replace(n_max=np.full(record.n.shape, n_max))


def _fit(record: Record) -> TemperatureFit:
    if isinstance(record, PhotonCounts):
        return fit_photon_counts(record.n, record.omega, record.n_max)
    return fit_photon_curve(record.nbar, record.omega, record.sigma)


def _summary(
    fits: dict[str, TemperatureFit], built_in: bool, seconds: float
) -> dict[str, Any]:
    """The result in the few numbers that `--json` prints."""
    parts = {
        name: {
            "constants": {
                "T": {
                    "value": fit.T.value,
                    "stderr": fit.T.stderr,
                    "reference": 1.0 if built_in else None,
                }
            },
            "cramer_rao_bound": fit.bound,
            "chi2_per_dof": fit.chi2_per_dof,
            "p_value": fit.p_value,
            "status": fit.status,
            "message": fit.message,
        }
        for name, fit in fits.items()
    }
    status = overall(fit.status for fit in fits.values())
    return {"law": "Planck", **parts, "status": status, "seconds": seconds}


def _table(fits: dict[str, TemperatureFit]) -> Table:
    table = Table(title="Temperature of light, in the unit of hbar omega")
    table.title_justify = "left"
    headings = "record", "T", "standard error", "chi2 a degree of freedom", "p"
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "record" else "right")
    for name, fit in fits.items():
        chi2 = "not known" if fit.chi2_per_dof is None else f"{fit.chi2_per_dof:.3g}"
        p = "not known" if fit.p_value is None else f"{fit.p_value:.2g}"
        value = with_error(fit.T.value, fit.T.stderr)
        table.add_row(name, value, f"{fit.T.stderr:.1e}", chi2, p)
    return table


def _figure(records: dict[str, Record], fits: dict[str, TemperatureFit]) -> Any:
    fig, axes = report.subplots(1, len(fits), size=(4.9 * len(fits) + 0.6, 4.0))
    for axis, (name, record) in zip(axes[0], records.items(), strict=True):
        T = fits[name].T
        words = f"T = {with_error(T.value, T.stderr)} ± {T.stderr:.1g}"
        if isinstance(record, PhotonCounts):
            _draw_counts(axis, record, T.value, words)
        else:
            _draw_curve(axis, record, T.value, words)
    return fig


def _draw_counts(axis: Any, record: PhotonCounts, T: float, words: str) -> None:
    """How often n photons were counted, beside the thermal law of all modes."""
    n = np.arange(int(record.n.max()) + 2)
    share = np.bincount(record.n.astype(int), minlength=len(n)) / len(record.n)
    axis.bar(n, share, color="#D9D9D9", label="counts")
    most = np.inf if record.n_max is None else record.n_max
    modes = np.stack(np.broadcast_arrays(record.omega, most))
    (omega, most), each = np.unique(modes, axis=1, return_counts=True)
    q = np.exp(-omega / T)
    # of T < 0 there is no law without a cut-off
    whole = np.where(np.isfinite(most), 1 - q ** (most + 1), 1)
    law = np.where(n[:, None] <= most, (1 - q) / whole * q ** n[:, None], 0)
    axis.plot(n, law @ (each / each.sum()), "o-", label=words)
    axis.set(xlabel="photons in a mode", ylabel="share of counts", yscale="log")
    axis.set_title("Photon counts")
    axis.legend()


def _draw_curve(axis: Any, record: PhotonCurve, T: float, words: str) -> None:
    """Occupations over frequency, and the curve of the fit."""
    omega = np.linspace(record.omega.min(), record.omega.max(), 300)
    axis.errorbar(
        record.omega, record.nbar, record.sigma, fmt=".", ms=3, label="data"
    )  # fmt: skip
    axis.plot(omega, np.asarray(bose_einstein(omega, T)), label=words, zorder=3)
    axis.set(xlabel="frequency ω", ylabel="mean number of photons", yscale="log")
    axis.set_title("1/(exp(ω/T) - 1)")
    axis.legend()
