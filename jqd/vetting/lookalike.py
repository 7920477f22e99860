"""A row: whether decoherence could explain the departure of a law."""

import numpy as np

from ..laws import Law, Schrodinger
from .card import Row, absent, judged
from .free_constants import departed, quantum_law
from .runs import Runs
from .states import States, matrix_of

# With more levels the matrices of all jumps take too much memory.
LEVELS = 6
# Distance from the quantum values that gives the first order; half of it is tried next.
NEAR = 1e-3
# Departures below this are errors by steps: there is nothing to explain.
NONE = 1e-10
# Steps and tolerance of projected gradients: the share left over converges to 1e-6.
ROUNDS, SETTLED = 20000, 1e-13


def operators(levels: int) -> np.ndarray:
    """Traceless Hermitian matrices with tr F_i F_j = δ_ij, (M² - 1, M, M)."""
    found = []
    for a in range(levels):
        for b in range(a + 1, levels):
            for value in (1.0, 1j):
                F = np.zeros((levels, levels), complex)
                F[a, b], F[b, a] = value, np.conj(value)
                found.append(F / np.sqrt(2))
    for a in range(1, levels):
        diagonal = np.r_[np.ones(a), -a, np.zeros(levels - a - 1)]
        found.append(np.diag(diagonal / np.sqrt(a * (a + 1))).astype(complex))
    return np.stack(found)


def responses(
    H: np.ndarray, kets: np.ndarray, ts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of p_a(t) by a Hamiltonian and by jumps, to first order.

    ρ̇ = -i[H + Σ h_k F_k, ρ] + Σ a_ij (F_i ρ F_j - ½ {F_j F_i, ρ}),   a >= 0

    Args:
        H: over ħ, (M, M).
        kets: (K, M).
        ts: (T,).

    Returns:
        ∂p/∂h, (n, K, T, M), and ∂p/∂a, complex as a_ij is, (n, n, K, T, M).
    """
    size, F = len(H), operators(len(H))
    energies, vectors = np.linalg.eigh(H)
    # all in the eigenbasis, where ρ̇ = -i[H, ρ] is diagonal
    F = vectors.conj().T @ F @ vectors
    psi = kets @ vectors.conj()
    rho = (psi[:, :, None] * psi[:, None, :].conj()).reshape(len(kets), -1)
    rates = -1j * (energies[:, None] - energies[None, :]).ravel()
    unit = np.eye(size)
    # rows and columns of ρ as one index, the column's the faster
    left = np.einsum("kab,cd->kacbd", F, unit).reshape(-1, size**2, size**2)
    right = np.einsum("ab,kdc->kacbd", unit, F).reshape(-1, size**2, size**2)
    turns = -1j * (left - right)
    jumps = np.einsum("ixy,jyz->ijxz", left, right)
    for product, side in ((left, "left"), (right, "right")):
        # ½ F_j F_i from the left, and the same from the right
        order = "jxy,iyz->ijxz" if side == "left" else "ixy,jyz->ijxz"
        jumps = jumps - np.einsum(order, product, product) / 2
    # p_a = Σ_bc V_ab V*_ac ρ_bc
    seen = np.einsum("ab,ac->abc", vectors, vectors.conj()).reshape(size, -1)
    gaps = rates[None, :] - rates[:, None]

    def at(t: float) -> tuple[np.ndarray, np.ndarray]:
        small = np.abs(gaps * t) < 1e-9
        safe = np.where(small, 1, gaps)
        weight = np.where(small, t, np.expm1(safe * t) / safe)
        out = seen * np.exp(rates * t)
        kernel = out[:, :, None] * weight
        moved = np.einsum("axy,ixy,ky->ika", kernel, turns, rho, optimize=True)
        jumped = np.einsum("axy,ijxy,ky->ijka", kernel, jumps, rho, optimize=True)
        return np.real(moved), jumped

    each = [at(t) for t in ts]
    moved, jumped = (np.stack(part, axis=-2) for part in zip(*each, strict=True))
    return moved, jumped


def shares(
    departure: np.ndarray, by_h: np.ndarray, by_a: np.ndarray
) -> tuple[float, float]:
    """Shares of a departure left by the best h alone, and by the best h and a >= 0.

    Args:
        departure: (N,).
        by_h: (n, N).
        by_a: (n, n, N), complex.
    """
    whole = np.linalg.norm(departure)
    basis, _ = np.linalg.qr(by_h.T)

    def without(x: np.ndarray) -> np.ndarray:
        return x - (x @ basis) @ basis.T

    rest, n = without(departure), len(by_a)
    columns = by_a.reshape(n * n, -1)
    # for Hermitian a the sum is real: ∂ by a_ij is the conjugate of that by a_ji
    columns = without(np.real(columns)) + 1j * without(np.imag(columns))
    gram, linear = columns.conj() @ columns.T, columns.conj() @ rest
    step = 1 / np.linalg.norm(gram, 2)
    a = ahead = np.zeros((n, n), complex)
    momentum, cost = 1.0, np.inf
    for k in range(ROUNDS):
        slope = (gram @ ahead.ravel() - linear).reshape(n, n)
        moved = ahead - step * slope
        values, modes = np.linalg.eigh((moved + moved.conj().T) / 2)
        after = (modes * np.maximum(values, 0)) @ modes.conj().T
        faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = after + (momentum - 1) / faster * (after - a)
        a, momentum = after, faster
        if k % 200 == 0:
            v = a.ravel()
            left = np.real(v.conj() @ gram @ v - 2 * v.conj() @ linear)
            if abs(left - cost) <= SETTLED * whole**2:
                break
            cost = left
    left = np.linalg.norm(rest - np.real(a.ravel() @ columns))
    return float(np.linalg.norm(rest) / whole), float(left / whole)


def lookalike(runs: Runs, law: Law, quantum: Law, states: States, seed: int) -> Row:
    """The row: the part that no Hamiltonian or decoherence explains to first order."""
    name = "mimicked by decoherence"
    H = matrix_of(quantum)
    if H is None or not isinstance(quantum, Schrodinger):
        return absent(name, "no matrix")
    if states.size > LEVELS:
        return absent(name, f"more than {LEVELS} levels")
    at = quantum_law(law)
    if at is None:
        return absent(name, "the law names no quantum values")
    drawn = states.random(np.random.default_rng(seed), max(20, 2 * states.size**2))
    kets = states.kets(drawn)
    ts = runs.time * np.arange(1, runs.looks + 1) / runs.looks
    by_h, by_a = responses(H / float(quantum.hbar), kets, ts)
    by_h = by_h.reshape(len(by_h), -1)
    by_a = by_a.reshape(*by_a.shape[:2], -1)

    def left(part: float) -> tuple[float, float, float]:
        moved = runs(departed(law, at, part), kets) - runs(at, kets)
        off = moved[:, 1:].ravel() / part
        size = float(np.abs(off).max())
        return (size, *shares(off, by_h, by_a)) if size > NONE / part else (0, 0, 0)

    (big, _, coarse), (small, alone, fine) = left(NEAR), left(NEAR / 2)
    if min(big, small) == 0:
        return absent(name, "no departure of the states that were drawn")
    note = f"share left by the best Lindblad law; {alone:.2g} by a Hamiltonian alone"
    return judged(name, coarse, fine, note)
