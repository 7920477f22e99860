"""Copy dynamics: time of a Runge-Kutta step against classes and batch."""

import math
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import jqd
from jqd._math import abs2

from .floors import bandwidth, bytes_moved
from .peers import peer
from .systems import eigen_orbit, error, last_state, rk4
from .timing import Report, beside_floor, compared, round_to

# Entries of the M x M matrices of a whole batch: beyond this one array is 64 MiB.
MOST_ENTRIES = 2**22
SHOWN = ("share_of_bandwidth",)
DT = 0.02
BATCHES = (1, 64, 1024, 4096, 65536)
# of derivatives: forward mode stores nothing, reverse mode every step
MODES = {"forward": jax.jacfwd, "reverse": jax.grad}
MOST_STORED = 2**26


def run(quick: bool = False) -> Report:
    """Microseconds a step and trajectory, error at the quantum point."""
    sizes, batches = ((4,), (1,)) if quick else ((4, 16, 64, 256), BATCHES)
    rows, left_out = [], []
    for size in sizes:
        for batch in batches:
            if size**2 * batch > MOST_ENTRIES:
                left_out.append(f"M = {size} x {batch}")
                continue
            rows += one_case(size, batch, quick)
    for batch in batches:
        rows += gradient_case(4, batch, quick)
    notes = [
        "Floor: the state read and written once a step, at the copy bandwidth that was "
        "measured here for a working set of this size. share_of_bandwidth: bytes that "
        "the compiled step reads and writes, by XLA's count, over its time, over that "
        "bandwidth; small where arithmetic is the limit.",
        f"Runge-Kutta 4 with dt = {DT} at q = 1/2, r = -1/2 (free constants, no short "
        "cut), random H of spectral radius about 2, psi form. No other program has "
        "this law: beside jqd stand the same formula in a bare `lax.scan`, without "
        "alarms, status or regulated ratios shared between terms, and SciPy's DOP853.",
        "Gradient: of the mean population of one class by q and r.",
    ]
    if left_out:
        notes.append(f"Left out for memory: {', '.join(left_out)}.")
    return Report("Copy dynamics, RK4", rows, notes=notes)


def random_problem(size: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """A Hermitian matrix of spectral radius about 2 and normalised states."""
    rng = np.random.default_rng(size)
    parts = rng.normal(size=(2, size, size))
    H = parts[0] + 1j * parts[1]
    H = (H + H.conj().T) / np.sqrt(8 * size)
    parts = rng.normal(size=(2, batch, size))
    psi = parts[0] + 1j * parts[1]
    return H, psi / np.linalg.norm(psi, axis=-1, keepdims=True)


def one_case(
    size: int, batch: int, quick: bool, steps: int | None = None
) -> list[dict[str, Any]]:
    """Rows of one number of classes and one batch, over so many steps."""
    H, psi = random_problem(size, batch)
    if steps is None:
        # about 0.1 s a call at 30 ns an entry and stage
        steps = int(np.clip(0.1 / (120e-9 * size**2 * batch), 3, 2000))
        steps = 3 if quick else steps
    T = steps * DT
    law = jqd.CopyDynamics.from_hamiltonian(H)
    programs = {
        "jqd Fixed(rk4)": partial(by_jqd(steps), law, jnp.asarray(psi)),
        "plain lax.scan": partial(_plain(H, steps), 0.5, -0.5, jnp.asarray(psi)),
    }
    if batch == 1:
        programs |= _scipy(H, psi[0], T)
    # a step reads and writes each amplitude once, if all of it were one pass
    rate = bandwidth(16 * size * batch, quick)
    floor, work = 2 * 16 * size / rate, steps * batch
    # row k: what becomes of level k
    exact = psi @ np.stack([eigen_orbit(H, p, np.array([T]))[0] for p in np.eye(size)])
    found = compared(
        programs, 2 if quick else 5,
        lambda _, result: {"error": error(result, exact)}, work, "step and trajectory",
        case=f"M = {size}, batch {batch}", M=size, batch=batch, steps=steps,
    )  # fmt: skip
    for row in found.rows:
        if row["program"].startswith("scipy"):
            # of its own choosing: so many of jqd's steps take its time
            row["steps"] = "adaptive"
            continue
        beside_floor([row], floor, "state read and written once")
        moved = (bytes_moved(programs[row["program"]]) or math.nan) * steps
        row["share_of_bandwidth"] = round_to(moved / row["median_s"] / rate)
    return found.rows


def by_jqd(steps: int) -> Any:
    """From the law and a batch of states to the states after so many steps."""

    def one(law, psi):
        return last_state(law, jqd.steppers.rk4, steps, DT, gradient="direct")(psi)

    return jax.jit(jax.vmap(one, in_axes=(None, 0)))


def _plain(H: np.ndarray, steps: int):
    """The psi form with free q and r, written for a batch by hand."""
    omega = jnp.asarray(np.real(np.diag(H)))
    coupling = jnp.asarray(H - np.diag(np.diag(H)))
    eps = 1e-12

    def field(psi: Array, q: Array, r: Array) -> Array:
        rho = jnp.real(psi) ** 2 + jnp.imag(psi) ** 2
        level = jnp.log(rho + eps)

        def ratio(power):
            up = jnp.exp(power * level)
            return up[:, None] * (1 / up)[None, :]

        drive = coupling * psi[None, :]
        k_q = ratio(q - 0.5)
        rising = jnp.imag(jnp.conj(psi)[:, None] * drive) >= 0
        k_q, k_r = jnp.where(rising, k_q, k_q.T), ratio(r + 0.5)
        twisted = jnp.sum((k_r - k_q) / 2 * jnp.conj(drive), -1)
        direct = jnp.sum((k_r + k_q) / 2 * drive, -1)
        return -1j * (omega * psi + direct + twisted * psi * psi / (rho + eps))

    @jax.jit
    def solve(q, r, psi):
        def step(psi, _):
            return rk4(lambda psi: field(psi, q, r), psi, DT), None

        return jax.vmap(lambda psi: jax.lax.scan(step, psi, None, length=steps)[0])(psi)

    return solve


def gradient_case(size: int, batch: int, quick: bool) -> list[dict[str, Any]]:
    """Rows of the derivatives of a batch by q and r, in both modes."""
    H, psi = random_problem(size, batch)
    psi, steps = (
        jnp.asarray(psi),
        int(np.clip(0.01 / (120e-9 * size**2 * batch), 3, 400)),
    )
    law, ours, plain = (
        jqd.CopyDynamics.from_hamiltonian(H),
        by_jqd(steps),
        _plain(H, steps),
    )

    def of_jqd(constants: Array) -> Array:
        moved = eqx.tree_at(lambda law: (law.q, law.r), law, tuple(constants))
        return jnp.mean(abs2(ours(moved, psi)[:, 0]))

    def of_plain(constants: Array) -> Array:
        return jnp.mean(abs2(plain(*constants, psi)[:, 0]))

    programs, at = {}, jnp.array([0.45, -0.55])
    for mode, slope in MODES.items():
        if mode == "reverse" and steps * batch * size**2 > MOST_STORED:
            continue
        for name, value in (("jqd", of_jqd), ("plain", of_plain)):
            programs[f"{name}, {mode}"] = partial(jax.jit(slope(value)), at)
    known = MODES["forward"](of_plain)(at)
    return compared(
        programs, 2 if quick else 5,
        lambda _, result: {"error": float(jnp.max(jnp.abs(result - known)))},
        steps * batch, "step and trajectory",
        case=f"gradient, M = {size}, batch {batch}", M=size, batch=batch, steps=steps,
    ).rows  # fmt: skip


@peer("scipy.integrate", "scipy DOP853 1e-9")
def _scipy(integrate: Any, H: np.ndarray, psi: np.ndarray, T: float) -> dict[str, Any]:
    """The literal equations, psi = sqrt(rho) exp(-i phi)."""
    omega, coupling = np.real(np.diag(H)), H - np.diag(np.diag(H))
    q, r = 0.5, -0.5

    def field(t, psi):
        del t
        rho = np.abs(psi) ** 2
        level = np.log(rho + 1e-12)
        difference = level[:, None] - level[None, :]
        k_r, k_q = np.exp((r + 0.5) * difference), np.exp((q - 0.5) * difference)
        drive = coupling * psi[None, :]
        rising = np.imag(np.conj(psi)[:, None] * drive) >= 0
        k_q = np.where(rising, k_q, k_q.T)
        twisted = np.sum((k_r - k_q) / 2 * np.conj(drive), -1)
        direct = np.sum((k_r + k_q) / 2 * drive, -1)
        return -1j * (omega * psi + direct + twisted * psi**2 / (rho + 1e-12))

    def solve():
        found = integrate.solve_ivp(field, (0, T), psi, "DOP853", rtol=1e-9, atol=1e-9)
        return found.y[:, -1]

    return {"scipy DOP853 1e-9": solve}
