"""Mean and spread of the energy of a Gaussian state, in NumPy."""

import numpy as np
from scipy.linalg import block_diag


def energy_moments(state, hessian, masses, *, hbar=1.0):
    """⟨H⟩ and ΔE of H = Σ p²/2m + qᵀKq/2.

    ⟨H⟩ = (zᵀAz + tr AΣ)/2, ΔE² = zᵀAΣAz + tr(AΣAΣ)/2 - (ħ²/4) Σ K_ii/m_i, with
    A = diag(K, 1/m); the last term is the excess of H² over the square of its symbol.
    """
    z = np.concatenate([state.position, state.momentum], axis=-1)
    A, covariance = block_diag(hessian, np.diag(1 / masses)), np.array(state.covariance)
    force, loaded = z @ A, A @ covariance
    trace = np.trace(loaded, axis1=-2, axis2=-1)
    linear = np.einsum("...i,...ij,...j->...", force, covariance, force)
    square = np.trace(loaded @ loaded, axis1=-2, axis2=-1) / 2
    variance = linear + square - hbar**2 / 4 * np.sum(np.diag(hessian) / masses)
    # of an eigenstate rounding may leave less than 0
    return (np.sum(z * force, axis=-1) + trace) / 2, np.sqrt(np.maximum(variance, 0))
