"""Populations of a file: their sums, their errors, and the noise that these are."""

import math

import numpy as np
from jaxtyping import ArrayLike

from ..instruments import EnsembleNoise, Gaussian, Multinomial, Noise
from .file import File

NOISES = ("auto", "none", "gaussian", "multinomial", "ensemble")


def errors_of(file: File, sigma: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Errors of a file: one, or shaped as one for each row or each value."""
    if sigma.size == 1:
        sigma = sigma.reshape(())
    elif sigma.shape == values.shape[:1]:
        sigma = sigma[:, None]
    elif sigma.shape != values.shape:
        raise file.complaint(
            "hold `sigma` as one number, one for each time or one for each value",
            f"has shape {sigma.shape} for values of shape {values.shape}",
        )
    if not (sigma > 0).all():
        raise file.complaint("hold a positive `sigma`", f"has {sigma.min():g}")
    return sigma


def _slack(sigma: np.ndarray | None, values: np.ndarray) -> float:
    """How far a row's sum may be from 1.

    With known errors single values may stray below 0 and sums from 1 by some of them;
    without, files hold six digits.
    """
    if sigma is None:
        return 1e-6
    return 6 * float(np.max(sigma)) * math.sqrt(values.shape[1])


def noise_of(
    name: str,
    counted: bool,
    values: np.ndarray,
    noise: str,
    sigma: np.ndarray | None,
) -> Noise | None:
    """The noise of values, by its name; None for that which is not known.

    Args:
        name: of the file.
        sigma: errors of populations.
    """
    if noise == "auto" and counted:
        noise = "multinomial"
    elif noise == "auto":
        noise = "none" if sigma is None else "gaussian"
    of_counts = noise in ("multinomial", "ensemble")
    if of_counts and not counted:
        raise ValueError(
            f"Argument `noise` must not be {noise!r} for populations, but is; "
            f"{name} has columns p0.., counts have n0.."
        )
    if counted and not of_counts:
        raise ValueError(
            "Argument `noise` must be 'multinomial' or 'ensemble' for counts, but is "
            f"{noise!r}."
        )
    if noise == "ensemble":
        return EnsembleNoise(values[0].sum())
    if counted:
        return Multinomial()
    check_populations(values, name, _slack(sigma, values))
    if noise != "gaussian":
        return None
    if sigma is None:
        raise ValueError(
            "Argument `noise` must give the standard deviation, as gaussian:0.01, for "
            f"a file without `sigma` such as {name}, but is 'gaussian'."
        )
    return Gaussian(sigma)


def check_populations(values: ArrayLike, name: str, tolerance: float = 1e-6) -> None:
    """Raise unless rows are probabilities.

    Args:
        values: shape (T, M).
        tolerance: largest deviation of a row's sum from 1; files hold few digits.
    """
    rows = np.asarray(values)
    if rows.min() < -tolerance:
        row, column = np.unravel_index(rows.argmin(), rows.shape)
        raise ValueError(
            f"Argument `{name}` must not hold negative populations, but row {row} has "
            f"{rows.min():.3g} in column {column}."
        )
    excess = np.abs(rows.sum(axis=-1) - 1)
    if excess.max() > tolerance:
        row = int(excess.argmax())
        raise ValueError(
            f"Argument `{name}` must hold populations that sum to 1, but row {row} "
            f"sums to {rows[row].sum():.8g}."
        )
