"""`jqd recover temperature`: T of counts of photons, or of a curve."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.table import Table

from .._words import p_words
from ..inference import Unidentifiable
from ..inference.estimators import TemperatureFit, fit_photon_counts, fit_photon_curve
from ..matter.photons import bose_einstein, sample_counts, sample_occupations
from ..records import PhotonCounts, PhotonCurve, load_photons
from .fit import estimate
from .options import FIT, MODEL, Common, parse_free, with_options
from .session import takes

# The built-in records: counts of one mode, and a curve with relative errors, at T = 1.
COUNTS, MODES, NOISE = 20000, 400, 0.02
Record = PhotonCounts | PhotonCurve


@with_options(out=Path("results/temperature"))
def temperature(
    *,
    data: Annotated[
        Path | None, takes("light", "Each row of counts is one count.")
    ] = None,
    n_max: int | None = MODEL.option(
        None,
        min=1,
        help="Largest number of photons that a mode can hold; by default that of the "
        "file, if it has a column n_max, or any number.",
    ),
    free: str = FIT.option(
        "T", help="Constant to recover: T alone, since only omega/T matters."
    ),
    common: Common,
) -> int:
    """Recover T of light from photon counts or mean occupations over frequency."""
    if parse_free(free, ("T", "omega")) != ("T",):
        raise Unidentifiable(
            "Argument `--free` must be T, but also names omega: occupations depend on "
            "omega/T alone."
        )
    if data is None:
        records = _built_in(n_max, common)
    else:
        record = _with_cutoff(load_photons(data), n_max)
        records = {"counts" if isinstance(record, PhotonCounts) else "curve": record}
    return estimate(
        common, "Planck", data, records, _fit,
        lambda name, fit: _part(fit, built_in=data is None), _draw, _printed,
        {"n_max": n_max},
    )  # fmt: skip


def _built_in(n_max: int | None, common: Common) -> dict[str, Record]:
    few, many = jax.random.split(jax.random.key(common.seed))
    size = COUNTS // 10 if common.quick else COUNTS
    n = sample_counts(few, 1.0, 1.0, (size,), n_max)
    omega = jnp.linspace(0.05, 6.0, MODES)
    nbar = sample_occupations(many, omega, 1.0, NOISE)
    sigma = NOISE * bose_einstein(omega, 1.0)
    return {
        "counts": _with_cutoff(PhotonCounts(np.ones(size), np.asarray(n)), n_max),
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


def _part(fit: TemperatureFit, *, built_in: bool) -> dict[str, Any]:
    """The result in the few numbers that `--json` prints."""
    T = {"value": fit.T.value, "stderr": fit.T.stderr if fit.T.holds else None}
    return {
        "constants": {"T": {**T, "reference": 1.0 if built_in else None}},
        "cramer_rao_bound": fit.bound if fit.T.holds else None,
        "chi2_per_dof": fit.chi2_per_dof,
        "p_value": fit.p_value,
        "status": fit.status,
        "message": fit.message,
    }


def _printed(fits: Mapping[str, TemperatureFit]) -> list[Any]:
    table = Table(
        title="Temperature of light, in the unit of hbar omega", title_justify="left"
    )
    headings = "record", "T", "standard error", "chi2 per degree of freedom", "p"
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "record" else "right")
    for name, fit in fits.items():
        chi2 = "not known" if fit.chi2_per_dof is None else f"{fit.chi2_per_dof:.3g}"
        p = "not known" if fit.p_value is None else p_words(fit.p_value, "")
        error = f"{fit.T.stderr:.1e}" if fit.T.holds else "none"
        table.add_row(name, fit.T.digits, error, chi2, p)
    return [table, *(f"{fit.status}: {fit.message}" for fit in fits.values())]


def _draw(axis: Any, name: str, record: Record, fit: TemperatureFit) -> None:
    draw = _draw_counts if isinstance(record, PhotonCounts) else _draw_curve
    draw(axis, record, fit.T.value, str(fit.T))


def _draw_counts(axis: Any, record: Any, T: float, words: str) -> None:
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


def _draw_curve(axis: Any, record: Any, T: float, words: str) -> None:
    """Occupations over frequency, and the curve of the fit."""
    omega = np.linspace(record.omega.min(), record.omega.max(), 300)
    axis.errorbar(
        record.omega, record.nbar, record.sigma, fmt=".", ms=3, label="data"
    )  # fmt: skip
    axis.plot(omega, np.asarray(bose_einstein(omega, T)), label=words, zorder=3)
    axis.set(xlabel="frequency ω", ylabel="mean number of photons", yscale="log")
    axis.set_title("1/(exp(ω/T) - 1)")
    axis.legend()
