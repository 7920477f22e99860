"""For which C the law has solutions that start from a given state."""

import numpy as np
from jaxtyping import ArrayLike

from ... import _checks
from ...states import Ensemble, covariance

# A truncated squeezed ket misses the determinant of a Gaussian by about its cut tail.
_GAUSSIAN = 1e-6


def largest_C(state: Ensemble) -> float:
    """The end C_max of the window 0 < C < C_max in which solutions exist.

    C_max = 4 min eig Cov(X, Y) for pure Gaussian states, in units of ħ with
    α = X + iY; 2 for every other state of finitely many quanta and for superpositions
    of coherent states. A coherent state has 2, one squeezed by r has 1 + exp(-2r).

    Args:
        state: kets at ħ, concrete.

    Returns:
        C_max.
    """
    if state.weights.shape[0] != 1:
        return 2.0
    cov = np.asarray(covariance(state, modes=state.modes))
    symmetric = 4 * cov - np.eye(cov.shape[0])  # vacuum: the unit matrix
    sign, logdet = np.linalg.slogdet(symmetric)
    if sign <= 0 or abs(logdet) > _GAUSSIAN:
        return 2.0
    return float(4 * np.min(np.linalg.eigvalsh(cov)))


def check_window(C: ArrayLike, state: Ensemble) -> None:
    """Raise unless 0 < C < C_max (skipped for tracers).

    Args:
        C: strength of the diffusion.
        state: where the run starts.

    Raises:
        ValueError: C outside the window, with its ends.
    """
    if not _checks.is_concrete((C, state)):
        return
    value, end = float(np.asarray(C)), largest_C(state)
    # rounding of the moments of a truncated ket must not let the very end pass
    if not 0 < value < end * (1 - 1e-9):
        raise ValueError(
            f"Argument `C` must be in (0, C_max) with C_max = {end:.6g} for this "
            f"state, but is {value:.6g}: outside, no density solves the equation for "
            "any time after the first. C = 0 (Liouville) needs form 'gaussian' or "
            "'wigner'."
        )
