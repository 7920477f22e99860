"""How much one half of a pair signals to the other, over the two exponents of copies.

Claim: of all exponents q of the copy rate and r of the phase rate, only (1/2, -1/2)
keeps a distant Hamiltonian from being seen.

    jqd sweep experiments/sweeps/copying_signals.py --out results/signals.zarr

A pair of two-level systems, classes (a, b), moves from t = 0 to 2 by the copy law with
H_A ⊗ 1 + 1 ⊗ H_B, once without H_B. H_A = n·σ and H_B = m·σ have random directions, and
the initial state is a random ket; both depend on `case` alone, so that all laws are
tried with the same pairs. Each point gives the largest change of ρ_A by H_B over 21
times that both runs reach, its error from the time steps, the time until which both
runs last, the least density of a class at these times, and the largest change of <H>.
Another pair of exponents without a signal in any case would refute the claim; the
verdict on the map is in signal_map.py.

The number of points is that of `lattice(laws, cases)`, laws² · cases: 1e5 by default,
1e7 for (400, 64), 1e9 for (4000, 64), each of some 50 bytes in the store. For another
number, sweep a file of these lines in the same folder:

    from copying_signals import constants, lattice, point, units
    axes = lattice(400, 64)

Source: Smolin (2012), section 3.1.1, eqs. (39), (40), and section 3.4.
"""

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd._math import abs2
from jqd.states import composite

SEED = 44
T = np.linspace(0.0, 2.0, 21)
# Steps of 1/30 at a spectral radius of 2: signals at (1/2, -1/2) are below 1e-6.
METHOD = jqd.Fixed(jqd.steppers.rk4, substeps=3)
PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
QUANTUM = (0.5, -0.5)
WIDTH = 0.8

constants = {"classes": 4, "time": 2.0, "seed": SEED}
units = {
    "signal": "1", "error": "1", "end": "hbar/energy", "least": "1", "drift": "energy",
}  # fmt: skip


def lattice(laws: int, cases: int) -> dict[str, np.ndarray]:
    """`laws` values of q and of r, an even number, and the pairs that each law gets."""
    offsets = WIDTH * (np.arange(laws) - laws // 2) / laws
    q, r = QUANTUM
    return {"q": q + offsets, "r": r + offsets, "case": np.arange(cases)}


def axes(quick: bool) -> dict[str, np.ndarray]:
    """40 x 40 laws with 64 pairs each, 16 x 16 with 16 for a quick look."""
    return lattice(16, 16) if quick else lattice(40, 64)


def pair(case):
    """H_A and H_B with levels ±1, and a ket drawn uniformly, of the number `case`."""
    key = jax.random.fold_in(jax.random.key(SEED), case)
    of_turns, of_start = jax.random.split(key)
    directions = jax.random.normal(of_turns, (2, 3))
    directions /= jnp.linalg.norm(directions, axis=-1, keepdims=True)
    H_A, H_B = jnp.tensordot(directions, PAULI, 1)
    parts = jax.random.normal(of_start, (2, 4))
    psi = jax.lax.complex(*(parts / jnp.linalg.norm(parts)))
    return H_A, H_B, psi


def seen_by_A(t, psi):
    """The probability of A's first value."""
    del t
    return composite.marginal(abs2(psi), (2, 2), 0)[0]


def point(q, r, case):
    """One pair under one law: the largest signal of B to A, and how the runs ended."""
    H_A, H_B, psi = pair(case)

    def run(on_B):
        H = composite.hamiltonian(H_A, on_B * H_B)
        law = jqd.CopyDynamics.from_hamiltonian(H, q=q, r=r)
        return jqd.evolve(law, law.prepare(psi), T, method=METHOD, observe=seen_by_A)

    runs = jax.vmap(run)(np.array([0.0, 1.0]))
    apart = jnp.abs(runs.values[1] - runs.values[0])
    apart = jnp.where(jnp.isfinite(apart), apart, 0)  # times that both runs reached
    largest = jnp.argmax(apart)
    error = jnp.sum(runs.error, axis=0)[largest]
    return {
        "signal": apart[largest],
        # infinite where a finer run ended before; no signal is above 1
        "error": jnp.minimum(error, 1),
        "end": jnp.minimum(jnp.min(runs.failure_time), T[-1]),
        "least": jnp.min(runs.diagnostics["min_density"]),
        "drift": jnp.max(runs.diagnostics["energy_drift"]),
        "status": jnp.max(runs.status),
    }
