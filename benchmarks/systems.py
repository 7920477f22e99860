"""Problems that several benchmarks share, in plain NumPy, and runs to their end."""

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import jqd

from .timing import round_to

LEVELS = 64
ALPHA = 2.0


def coherent(alpha: float, levels: int) -> np.ndarray:
    """A coherent state, cut off at `levels` and normalised."""
    n = np.arange(levels)
    psi = np.array([alpha**j / math.sqrt(math.factorial(j)) for j in n])
    return psi / np.linalg.norm(psi)


def kerr_diagonal(levels: int = LEVELS) -> np.ndarray:
    """H / K = n (n - 1) / 2: the Kerr oscillator revives at K t = 2 pi."""
    n = np.arange(levels)
    return n * (n - 1) / 2.0


def kerr_exact(K: np.ndarray, ts: np.ndarray, psi0: np.ndarray) -> np.ndarray:
    """exp(-i K n (n - 1) t / 2) psi0; angles in extended precision, mod 2 pi.

    Args:
        K: values of K, shape (k,).
        ts: times, shape (t,).
        psi0: state, shape (n,).

    Returns:
        States, shape (k, t, n).
    """
    turn = 2 * np.pi * np.longdouble(1) + np.longdouble(2.4492935982947064e-16)
    angle = (
        np.asarray(K, np.longdouble)[:, None, None]
        * np.asarray(ts, np.longdouble)[None, :, None]
        * kerr_diagonal(psi0.size).astype(np.longdouble)
    )
    angle = np.mod(angle, turn).astype(float)
    return np.exp(-1j * angle) * psi0


def bose_hubbard(levels: int, J: float = 1.0, U: float = 0.5) -> np.ndarray:
    """Two sites: -J (a* b + b* a) + U/2 sum n (n - 1), dense real matrix."""
    a = np.diag(np.sqrt(np.arange(1, levels)), 1)
    one, n = np.eye(levels), np.arange(levels)
    hop = np.kron(a.T, a)
    onsite = np.diag(n * (n - 1.0))
    return -J * (hop + hop.T) + U / 2 * (np.kron(onsite, one) + np.kron(one, onsite))


def eigen_orbit(H: np.ndarray, psi0: np.ndarray, ts: np.ndarray) -> np.ndarray:
    """exp(-i H t) psi0 by LAPACK through NumPy, shape (t, n)."""
    energies, vectors = np.linalg.eigh(H)
    start = vectors.conj().T @ psi0
    return (np.exp(-1j * np.outer(ts, energies)) * start) @ vectors.T


def last_state(
    law: Any, stepper: Any, steps: int, dt: float, **options: Any
) -> Callable[[Any], Any]:
    """From a state to jqd's after so many steps; `options` are those of `jqd.Fixed`."""
    method = jqd.Fixed(stepper, steps, estimate_error=False, **options)
    ts = np.array([0.0, steps * dt])

    def run(state):
        values = jqd.evolve(law, state, ts, method=method).values
        return jax.tree.map(lambda leaf: leaf[-1], values)

    return run


def rk4(slope: Callable[[Any], Any], x: Any, dt: float) -> Any:
    """A step of Runge and Kutta as one writes it, of dx/dt = slope(x)."""
    k1 = slope(x)
    k2 = slope(x + dt / 2 * k1)
    k3 = slope(x + dt / 2 * k2)
    k4 = slope(x + dt * k3)
    return x + dt / 6 * (k1 + 2 * (k2 + k3) + k4)


def slope(function: Callable[[float], Any], at: float, h: float) -> np.ndarray:
    """The derivative by a central difference of fourth order."""
    near = {k: np.asarray(function(at + k * h)) for k in (-2, -1, 1, 2)}
    return (8 * (near[1] - near[-1]) - (near[2] - near[-2])) / (12 * h)


def distance(found: object, exact: np.ndarray) -> float:
    """Relative 2-norm of the difference of two arrays."""
    apart = np.linalg.norm(np.asarray(found) - exact) / np.linalg.norm(exact)
    return round_to(float(apart), 2)


def error(states: object, exact: np.ndarray) -> float:
    """Largest 2-norm of the difference of two stacks of states (last axis: state)."""
    states = np.asarray(states).reshape(exact.shape)
    return round_to(float(np.max(np.linalg.norm(states - exact, axis=-1))), 2)


def harmonic_packet(x: np.ndarray, t: float, x0: float) -> np.ndarray:
    """A coherent state of the oscillator m = omega = hbar = 1 that starts at x0."""
    q, p = x0 * math.cos(t), -x0 * math.sin(t)
    phase = p * x - (p * q + t) / 2
    return np.pi**-0.25 * np.exp(-((x - q) ** 2) / 2 + 1j * phase)
