"""Three classes under a Hamiltonian with a cosine and a Gaussian pulse."""

import jax.numpy as jnp
import numpy as np


def golden():
    """H, H1 of the cosine, H2 of the pulse, and ψ at t = 0."""
    H = np.diag([0.0, 0.4, -0.3]).astype(complex)
    for (a, b), R, delta in (((0, 1), 0.7, 0.3), ((0, 2), 0.5, 0), ((1, 2), 0.6, -1)):
        H[a, b] = R * np.exp(1j * delta)
        H[b, a] = np.conj(H[a, b])
    H1 = np.diag([0.2, 0, -0.2]).astype(complex)
    H1[0, 1] = 0.4 * np.exp(1.1j)
    H1[1, 0] = np.conj(H1[0, 1])
    H2 = np.zeros((3, 3))
    H2[1, 2] = H2[2, 1] = 0.9
    psi0 = np.sqrt([0.5, 0.3, 0.2]) * np.exp(-1j * np.array([0, 0.5, -0.8]))
    return H, H1, H2, psi0


def cosine(t, omega=3.0):
    return jnp.cos(omega * t)


def bump(t, centre=1.0):
    return jnp.exp(-((t - centre) ** 2) / 0.18)


# at t = 1 and 2: computed once by another program, to 8 digits
POPULATIONS = [
    [0.26415529, 0.61563066, 0.12021405],
    [0.05814861, 0.15379146, 0.78805993],
]
