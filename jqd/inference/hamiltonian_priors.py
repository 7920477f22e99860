"""Priors of a Hamiltonian that is known to some width."""

import numpy as np
from jaxtyping import ArrayLike

from .. import _checks
from .._gate import gated
from ..laws import CopyDynamics
from .priors import Normal, Prior

# What is as good as known beside the rest, in units of their width: the zero of all
# energies, and a coupling that is 0. Of the phase of that one, in radians.
KNOWN = 1e-5


@gated
def hamiltonian_priors(law: CopyDynamics, sd: ArrayLike) -> dict[str, Prior]:
    """Priors of one width on each real parameter of the Hamiltonian of copies.

    Energies against the first, and real and imaginary parts of each coupling H_ab: a
    standard deviation s of both is one of s on R_ab and s/R_ab on δ_ab. A coupling of 0
    stays 0.

    Args:
        law: copies, with the Hamiltonian as it is believed to be.
        sd: s, in its rates, positive.

    Returns:
        Priors of `omega`, `R` and `delta`, for `Study`.

    Raises:
        ValueError: s is not one positive number.
    """
    _checks.check_positive(sd, "sd", ())
    upper = np.triu_indices(law.omega.shape[0], 1)
    R, delta = np.asarray(law.R)[upper], np.asarray(law.delta)[upper]
    sd, there = np.asarray(sd), R > 0
    energies = np.r_[KNOWN * sd, np.full(law.omega.shape[0] - 1, sd)]
    return {
        "omega": Normal(law.omega, energies),
        "R": Normal(R, np.where(there, sd, KNOWN * sd)),
        "delta": Normal(delta, np.where(there, sd / np.where(there, R, 1), KNOWN)),
    }
