"""The temperature of light, from photon counts or from mean occupations."""

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from ..matter.photons import bose_einstein, count_information
from .kept import kept
from .reading import csv_table, existing, kinds_error, naming
from .recovery import Constant
from .statistics_curve import fit_curve

_NEWTON_STEPS = 60


class PhotonCounts(NamedTuple):
    """Photons counted in modes.

    Attributes:
        omega: frequency of the mode of each count, shape (S,).
        n: counts, shape (S,).
    """

    omega: np.ndarray
    n: np.ndarray


class PhotonCurve(NamedTuple):
    """Mean occupations over frequency.

    Attributes:
        omega: frequencies, shape (L,).
        nbar: mean occupations, shape (L,).
        sigma: their standard errors, shape (L,), or None if not known.
    """

    omega: np.ndarray
    nbar: np.ndarray
    sigma: np.ndarray | None


class TemperatureFit(NamedTuple):
    """A temperature of light.

    Attributes:
        T: temperature, in the unit of ħω, with its standard error.
        bound: Cramér-Rao bound of the standard error.
        chi2_per_dof: mean square of (n - n̄)/√(n̄(n̄+1)) of counts, or of the residuals
            of a curve with known errors; else None. Near 1 for light that is thermal.
        status: "converged" or "not converged".
        message: one sentence.
    """

    T: Constant
    bound: float
    chi2_per_dof: float | None
    status: str
    message: str


def fit_photon_counts(omega: ArrayLike, n: ArrayLike) -> TemperatureFit:
    """T of thermal light by maximum likelihood, P(n) = (1 - q) q^n, q = e^{-ω/T}.

    The likelihood is concave in 1/T, and its slope Σ ω (n̄(ω/T) - n) convex: Newton's
    method comes down to the root from one side, whatever the counts.

    Args:
        omega: frequency of the mode of each count, shape (S,) or (), ħ = 1.
        n: counts, shape (S,).

    Returns:
        The fit; its standard error is the Cramér-Rao bound at the fitted T.

    Raises:
        ValueError: counts that are no whole numbers from 0 on, no photon at all,
            frequencies not positive, float64 off.
    """
    _checks.require_x64("jqd.recover")
    n = np.asarray(n, float)
    _checks.check_shape(n, "n", (None,))
    _checks.check_finite(n, "n")
    _checks.check_positive(omega, "omega")
    omega = np.broadcast_to(np.asarray(omega, float), n.shape)
    if np.any((n < 0) | (n != np.floor(n))):
        raise ValueError(
            "Argument `n` must hold whole numbers from 0 on, but holds "
            f"{n[(n < 0) | (n != np.floor(n))][0]:g}."
        )
    if not n.any():
        raise ValueError(
            "Argument `n` must hold at least one photon, but holds none: any low "
            "temperature explains that."
        )
    T, left = map(float, _newton(jnp.asarray(omega), jnp.asarray(n)))
    bound = float(jnp.sum(count_information(omega, T)) ** -0.5)
    mean = np.asarray(bose_einstein(omega, T))
    chi2 = float(np.sum((n - mean) ** 2 / (mean * (mean + 1))) / max(len(n) - 1, 1))
    done = abs(left) < 1e-10
    return TemperatureFit(
        Constant("T", T, bound, 0.0, None), bound, chi2,
        "converged" if done else "not converged",
        f"{len(n)} counts, {n.mean():.3g} photons in each on average.",
    )  # fmt: skip


@kept
def _newton(omega: Array, n: Array) -> tuple[Array, Array]:
    """T, and the last change of ln β."""

    def slope(beta: Array) -> Array:
        return jnp.sum(omega * (1 / jnp.expm1(beta * omega) - n))

    def step(beta: Array, _) -> tuple[Array, Array]:
        change = slope(beta) / jax.grad(slope)(beta)
        return beta - change, change / beta

    # n̄(x) > 1/x - 1/2, so that this β lies below the root
    first = omega.size / jnp.sum(omega * (n + 0.5))
    beta, changes = jax.lax.scan(step, first, None, length=_NEWTON_STEPS)
    return 1 / beta, changes[-1]


def fit_photon_curve(
    omega: ArrayLike, nbar: ArrayLike, sigma: ArrayLike | None = None
) -> TemperatureFit:
    """T of mean occupations n̄(ω) = 1/(e^{ω/T} - 1) by least squares.

    Args:
        omega: frequencies, shape (L,), ħ = 1.
        nbar: mean occupations, shape (L,).
        sigma: standard errors, shape (L,) or (); None to estimate one for all.

    Returns:
        The fit.

    Raises:
        ValueError: wrong shapes or values, float64 off.
    """
    found = fit_curve(
        omega, nbar, sigma, free=("T",), start={"g": 1.0, "mu": 0.0}, starts=1
    )
    T = found.constants["T"]
    return TemperatureFit(
        T, T.stderr, found.chi2_per_dof, found.status,
        f"{np.size(omega)} frequencies; no photon is conserved: g = 1, mu = 0.",
    )  # fmt: skip


def load_photons(path: str | Path) -> PhotonCounts | PhotonCurve:
    """Photon counts or a curve of occupations from a CSV file with a header.

    Args:
        path: columns `omega,n`, a count in each row, or `omega,nbar`, with or without
            `sigma`.

    Returns:
        The record.

    Raises:
        ValueError: unreadable file, other columns, numbers that are not finite.
    """
    path = existing(path)
    if path.suffix != ".csv":
        raise ValueError(kinds_error("data", (".csv",), path))
    header, table = csv_table(path)
    columns = {name: table[:, k] for k, name in enumerate(header)}
    with naming(path):
        _checks.check_finite(table, "data")
    if set(header) == {"omega", "n"}:
        return PhotonCounts(columns["omega"], columns["n"])
    if {"omega", "nbar"} <= set(header) <= {"omega", "nbar", "sigma"}:
        return PhotonCurve(columns["omega"], columns["nbar"], columns.get("sigma"))
    raise ValueError(
        "Argument `data` must have columns `omega,n` or `omega,nbar[,sigma]`, but "
        f"{path.name} has {','.join(header)}."
    )
