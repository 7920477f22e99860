"""Pairs under a copy law with any functions, in NumPy: nothing of jqd is used.

Densities and phases may have leading axes, and constants of the functions such axes and
two more of length 1.
"""

import numpy as np

SPIN_X = np.array([[0.0, 1.0], [1.0, 0.0]])


def powers(q, r):
    """Smolin's F and G."""
    return (lambda a, b: a**q * b ** (1 - q)), (lambda a, b: (a / b) ** r)


def family(d):
    """F and G that are free of signals."""
    return (
        lambda a, b: ((a + d) * (b + d)) ** 0.5,
        lambda a, b: ((b + d) / (a + d)) ** 0.5,
    )


def factored(u):
    """F = u(a) u(b), G = u(b)/u(a)."""
    return (lambda a, b: u(a) * u(b)), (lambda a, b: u(b) / u(a))


def rates(density, phase, H, F, G):
    """dρ/dt and dφ/dt, (.., M) each."""
    R, delta = np.abs(H) * (1 - np.eye(len(H))), np.angle(H)
    x = phase[..., :, None] - phase[..., None, :] + delta
    a, b = density[..., :, None], density[..., None, :]
    flow = np.where(np.sin(x) > 0, F(a, b), F(b, a)) * 2 * R * np.sin(x)
    turn = np.sum(R * G(a, b) * np.cos(x), axis=-1)
    return np.sum(flow, axis=-1), np.real(np.diag(H)) + turn


def run(density, phase, H, F, G, time, steps):
    """Densities and phases after RK4 steps."""
    state, h = np.stack([density, phase]), time / steps
    for _ in range(steps):
        k1 = np.stack(rates(*state, H, F, G))
        k2 = np.stack(rates(*(state + h / 2 * k1), H, F, G))
        k3 = np.stack(rates(*(state + h / 2 * k2), H, F, G))
        k4 = np.stack(rates(*(state + h * k3), H, F, G))
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state


def change(density, phase, H_A, H_B, F, G, time, steps):
    """ρ_A with H_B less ρ_A without it, (.., M_A)."""
    sizes = len(H_A), len(H_B)
    A, B = np.kron(H_A, np.eye(sizes[1])), np.kron(np.eye(sizes[0]), H_B)
    on, off = (run(density, phase, H, F, G, time, steps)[0] for H in (A + B, A))
    return (on - off).reshape(*on.shape[:-1], *sizes).sum(axis=-1)


def slopes(psi, H_A, H_B, time, steps=1200, h=1e-3):
    """Slopes of that with respect to q and r at 1/2, -1/2: differences, (2, M_A)."""
    off = h * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]).T[:, :, None, None]
    functions = powers(0.5 + off[0], -0.5 + off[1])
    density, phase = np.tile(np.abs(psi) ** 2, (4, 1)), np.tile(-np.angle(psi), (4, 1))
    at = change(density, phase, H_A, H_B, *functions, time, steps)
    return (at[::2] - at[1::2]) / (2 * h)


def random_pair(rng, sizes=(2, 2)):
    """Densities of Dirichlet(4) and phases, (M,) each."""
    size = sizes[0] * sizes[1]
    return rng.dirichlet([4.0] * size), rng.uniform(0, 2 * np.pi, size)


def hermitian(rng, size):
    a = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return (a + a.conj().T) / 2
