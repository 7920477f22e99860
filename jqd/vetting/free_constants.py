"""Rows on the constants of a law: the quantum limit, slopes, identifiability."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import constants
from ..laws import Law
from ..laws.scales import scales_of
from .card import HOLDS, ROUNDING, Row, Verdict, absent, judged
from .runs import Runs, distance

# Distances from the quantum values at which the slope of a departure is found.
DISTANCES = 0.1, 0.05
# Singular values below this share of the largest count as 0.
BLIND = 1e-8


def quantum_law(law: Law) -> Law | None:
    """The law at its quantum values, or None where a constant has none."""
    known = constants.quantum_values(law)
    if not known:
        return None
    for name, value in known.items():
        law = constants.unpack(
            law, name, jnp.full_like(constants.pack(law, name), value)
        )
    return law


def quantum_limit(runs: Runs, law: Law, quantum: Law, kets: np.ndarray) -> Row:
    """The row: at its quantum values the law is Schrödinger's."""
    name, at = "quantum limit", quantum_law(law)
    if at is None:
        return absent(name, "the law names no quantum values")
    coarse, fine = (
        float(distance(runs(at, kets, k), runs(quantum, kets, k)).max()) for k in (1, 2)
    )
    note = _departs(runs, law, at, kets)
    return judged(name, coarse, fine, note, runs.lacking(at, kets))


def departed(law: Law, at: Law, part: float) -> Law:
    """A law on the line from its quantum values, those of `at`, to its own values."""
    near = at
    for name in constants.quantum_values(law):
        end, start = constants.pack(law, name), constants.pack(at, name)
        near = constants.unpack(near, name, start + part * (end - start))
    return near


def _departs(runs: Runs, law: Law, at: Law, kets: np.ndarray) -> str:
    """d ln TV / d ln distance, along the line from the quantum values to the law."""
    away = [
        float(distance(runs(departed(law, at, part), kets, 2), runs(at, kets, 2)).max())
        for part in DISTANCES
    ]
    if min(away) <= 1e-12:
        return "no departure of the states that were drawn"
    slope = np.log(away[0] / away[1]) / np.log(DISTANCES[0] / DISTANCES[1])
    return f"it is left with slope {slope:.2f}"


def _end(law: Law, names: list[str], kets: Array, time: float, steps: int) -> Any:
    """A function of the constants to the probabilities at the end and at half time."""

    def at(values: Array) -> Array:
        here, k = law, 0
        for name in names:
            size = constants.pack(law, name).size
            here = constants.unpack(here, name, values[k : k + size])
            k += size
        dt = time / steps

        def one(ket: Array) -> Array:
            def body(now: Any, i: Array) -> tuple[Any, Array]:
                after = here.step(i * dt, now, dt)
                return after, here.density(after)

            _, p = jax.lax.scan(body, here.prepare(ket), jnp.arange(steps))
            return law.cell * p[jnp.array([steps // 2, -1])]

        return jax.vmap(one)(kets)

    return at


def _values(law: Law, names: list[str]) -> Array:
    return jnp.concatenate([jnp.ravel(constants.pack(law, name)) for name in names])


def _widths(law: Law, names: list[str], time: float) -> np.ndarray:
    """Spans from which a fit draws the starts of these constants, flat."""
    scales = scales_of(law, time)
    ends = [constants.span(law, name, scales) for name in names]
    return np.concatenate([np.ravel(np.asarray(high - low)) for low, high in ends])


def slopes(runs: Runs, law: Law, kets: np.ndarray) -> list[Row]:
    """Derivatives agree with finite differences; constants can be distinguished."""
    why_not = law.fits().why_not
    names = [one for one in constants.quantum_values(law) if not why_not((one,))]
    rows = "gradients", "identifiability"
    if not names:
        return [absent(name, "the law names no free constants") for name in rows]
    end = _end(
        law, names, jnp.asarray(kets[:3]), runs.time, max(16, runs.sparing.steps)
    )
    at = _values(law, names)
    exact = np.asarray(jax.jit(jax.jacfwd(end))(at))
    exact = np.moveaxis(exact, -1, 0)
    run = jax.jit(end)

    # constants in units of their spans, so that those of unlike units compare
    width = _widths(law, names, runs.unit)
    exact = exact * width.reshape(-1, *(1,) * (exact.ndim - 1))

    def apart(h: float) -> float:
        moves = h * np.diag(width)
        differences = np.stack([(run(at + m) - run(at - m)) / (2 * h) for m in moves])
        scale = np.abs(exact).max()
        return float(np.abs(differences - exact).max() / max(scale, 1e-12))

    if not np.isfinite(exact).all():
        first = Row(rows[0], None, None, Verdict.FAILS, "not finite")
        return [first, absent(rows[1], "slopes are not finite")]
    coarse, fine = apart(1e-4), apart(1e-5)
    # differences of smooth laws are off by h², of laws with kinks by h, and by
    # rounding over h; a wrong slope is off by the same for both
    scale = max(float(np.abs(exact).max()), 1e-12)
    floor = abs(coarse - fine) + ROUNDING / 1e-5 / min(scale, 1.0)
    wrong = fine > HOLDS * floor
    first = Row(
        rows[0], fine, floor, Verdict.FAILS if wrong else Verdict.HOLDS,
        "relative, against central differences",
    )  # fmt: skip
    singular = np.linalg.svd(exact.reshape(at.size, -1), compute_uv=False)
    share = float(singular[-1] / max(singular[0], 1e-300))
    told = share > BLIND and singular[0] > 1e-10
    second = Row(
        rows[1], share, BLIND, Verdict.HOLDS if told else Verdict.FAILS,
        f"{', '.join(names)}: least over largest singular value, 3 states",
    )  # fmt: skip
    return [first, second]
