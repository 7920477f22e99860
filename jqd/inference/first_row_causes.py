"""Why a record may not begin with its state: the conventions that are often mixed up.

Each cause is a pair of words that end "it fits if .." and the row that the prepared
state would show then.
"""

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..observe import Moments
from .problem import FitProblem

if TYPE_CHECKING:
    from .first_row import FirstRow

Cause = tuple[str, np.ndarray]


def likely_causes(row: "FirstRow") -> Iterator[Cause]:
    """The causes to try for a row, those of its kind first."""
    problem = row.problem
    if isinstance(problem.observe, Moments):
        yield from _of_moments(row)
    elif getattr(problem.law, "points", None) is not None:
        yield from _of_points(row)
    elif row.expected.ndim == 1:
        yield from _of_shares(row)
    yield from _of_arrays(row)
    yield from _of_any(row)


def _of_points(row: "FirstRow") -> Iterator[Cause]:
    """Another reading of the points α of a density on phase space."""
    alpha = jnp.asarray(row.problem.law.points)

    def at(points):
        return np.asarray(_density_at(row.problem, row.theta, points))

    moved = {
        "x and y are exchanged ([t, x, y] instead of [t, y, x])": 1j * jnp.conj(alpha),
        "y has the other sign (or the state is conjugated)": jnp.conj(alpha),
        "x has the other sign": -jnp.conj(alpha),
        "x and y have the other sign": -alpha,
    }
    modes = getattr(row.problem.law, "modes", 1)
    for ratio in (math.sqrt(2), 1 / math.sqrt(2), 2.0, 0.5):
        scaled = at(ratio * alpha)
        yield (
            f"g is {ratio:.4g} times the one it was read with (g = sqrt(2) is QuTiP's "
            "default)",
            ratio ** (2 * modes) * scaled,
        )
        yield f"the points are {ratio:.4g} times as large", scaled
    for words, points in moved.items():
        yield words, at(points)


@jax.jit
def _density_at(problem: FitProblem, theta: Array, points: Array) -> Array:
    law, state0 = problem.at(theta)
    return law.density(state0, points)


def _of_moments(row: "FirstRow") -> Iterator[Cause]:
    """Another order of operators, or another unit of α."""
    orders = [
        tuple(np.atleast_1d(power) for power in pair)
        for pair in row.problem.observe.orders
    ]
    half = len(orders)
    moments = row.expected[:half] + 1j * row.expected[half:]

    def stack(values):
        return np.concatenate([np.real(values), np.imag(values)])

    yield (
        "the moments are conjugated (powers of α and α* exchanged)",
        stack(np.conj(moments)),
    )
    names = {"normal order, as in <a†^n a^m>": 1.0, "the order of Weyl": 0.5}
    for name, amount in names.items():
        other = np.asarray(_ordered(row.problem, row.theta, amount))
        yield f"the moments are in {name}", other
    powers = np.array([m.sum() + n.sum() for m, n in orders])
    for ratio in (math.sqrt(2), 1 / math.sqrt(2), 2.0, 0.5):
        yield (
            f"its α is {ratio:.4g} times α (as q + ip, or another g)",
            stack(ratio**powers * moments),
        )


@jax.jit
def _ordered(problem: FitProblem, theta: Array, amount: float) -> Array:
    """Moments in normal (1) or Weyl's order (1/2) from antinormal ones.

    Σ_k (-amount ħ)^k k! C(m, k) C(n, k) <α^(m-k) α*^(n-k)> for each mode.
    """
    law, state0 = problem.at(theta)
    hbar = getattr(law, "hbar", 1.0)
    moments = []
    for pair in problem.observe.orders:
        m, n = (np.atleast_1d(power).tolist() for power in pair)
        total = jnp.zeros(())
        for taken in itertools.product(
            *(range(min(p) + 1) for p in zip(m, n, strict=True))
        ):
            ways = math.prod(
                math.factorial(k) * math.comb(a, k) * math.comb(b, k)
                for a, b, k in zip(m, n, taken, strict=True)
            )
            rest = [tuple(a - k for a, k in zip(p, taken, strict=True)) for p in (m, n)]
            weight = ways * (-amount * hbar) ** sum(taken)
            total = total + weight * law.moment(state0, *rest)
        moments.append(total)
    return Moments.stack(jnp.stack(moments))


def _of_shares(row: "FirstRow") -> Iterator[Cause]:
    """Another order of classes; amplitudes for probabilities."""
    rank = np.argsort(np.argsort(row.seen, kind="stable"), kind="stable")
    order = np.argsort(row.expected, kind="stable")[rank]
    if row.expected.size <= 16:
        listed = ", ".join(map(str, order))
        yield f"its columns show the classes {listed}", row.expected[order]


def _of_arrays(row: "FirstRow") -> Iterator[Cause]:
    """Another orientation or origin of the axes, another power of the values."""
    expected = row.expected
    if row.problem.observe == "density":
        root = np.sqrt(np.maximum(expected, 0))
        yield "it holds |psi| instead of |psi|^2", root
    for axes in itertools.permutations(range(expected.ndim)):
        if axes != tuple(range(expected.ndim)):
            yield f"its axes stand in the order {axes}", np.transpose(expected, axes)
    for axis in range(expected.ndim):
        yield f"axis {axis} of the row is reversed", np.flip(expected, axis)
    if expected.ndim > 1:
        yield "all axes of the row are reversed", np.flip(expected)
    if expected.size >= 8:
        overlap = np.fft.ifftn(np.fft.fftn(row.seen) * np.conj(np.fft.fftn(expected)))
        shift = np.unravel_index(np.argmax(np.real(overlap)), overlap.shape)
        signed = [
            int(k) if k <= n // 2 else int(k) - n
            for k, n in zip(shift, expected.shape, strict=True)
        ]
        points = ", ".join(map(str, signed))
        yield (
            f"it is shifted by {points} points",
            np.roll(expected, signed, tuple(range(expected.ndim))),
        )


def _of_any(row: "FirstRow") -> Iterator[Cause]:
    """Another unit, another origin, or the state of another time."""
    expected, seen = row.expected, row.seen
    square = float(np.sum(expected**2))
    if expected.size > 1 and square > 0:
        scale = float(np.sum(expected * seen)) / square
        yield (
            f"its values are {scale:.4g} times those expected (another unit or norm)",
            scale * expected,
        )
    if expected.size > 2:
        offset = float(np.mean(seen - expected))
        yield f"its values have another origin, by {offset:.4g}", expected + offset
    data = row.problem.data
    for k in range(1, data.ts.shape[0]):
        # as if row k had been the one at t0
        later = np.asarray(data.shares[k])
        yield (
            f"the state is that of row {k}, t = {float(data.ts[k]):.4g}",
            expected + (seen - later),
        )
