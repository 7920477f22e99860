"""The row of data at t0 and the prepared state: conventions that differ."""

import itertools
import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import _checks
from ..instruments.instrument import Direct
from ..instruments.noise import strain
from ..laws import HusimiFokkerPlanck
from ..observe import Moments
from .slopes import columns

if TYPE_CHECKING:  # a study looks at its first row itself
    from .study import Study

Cause = tuple[str, np.ndarray]  # words that end "it fits if ..", and the row then
# Larger errors of a read-out would not be overlooked.
MOST_READOUT = 0.3
# How far the constants are moved, in spans, to see what depends on them: from a start
# at which a slope is zero by symmetry.
_NUDGE = 0.0137
# No share is so large, whatever its error.
NO_SHARE = 2.0


class FirstRow:
    """Shown and expected row at t0, where it does not depend on free constants.

    Attributes:
        study: law, data and free constants.
        theta: constants for which the state is prepared, shape (p,).
        seen: the row, on the scale of predictions.
        expected: the row that the prepared state predicts, like it.
        errors: standard errors of `seen`.
        fixed: which of its values do not depend on free constants.
    """

    def __init__(self, study: "Study", theta: Array):
        low, high = map(np.asarray, study.bounds())
        start = np.asarray(theta)
        toward = np.where(start > (low + high) / 2, -1, 1)
        self.study = study
        self.theta = _checks.array(start + _NUDGE * toward * (high - low))
        self.expected, slope = map(np.asarray, _row_and_slope(study, self.theta))
        self.seen = np.asarray(study.data.shares)[0]
        self.noise = study.data.noise
        values = study.data.values
        every = np.broadcast_to(self.expected, values.shape)
        self.errors = self.noise.errors(values, every)[0]
        change = np.sum(np.abs(slope) * (high - low), axis=-1)
        # what the whole span of the starts moves by less than a tenth of an error, or
        # by its rounding alone: what has no scatter has no error to count in
        rounding = np.finfo(float).eps * np.max(np.abs(self.expected), initial=0)
        self.fixed = change <= 0.1 * self.errors + rounding

    @property
    def comparable(self) -> bool:
        """Whether there is something to compare."""
        finite = bool(np.all(np.isfinite(self.expected)))
        whole = self.noise.whole_rows
        fixed = self.fixed.all() if whole else self.fixed.any()
        return finite and self.expected.shape == self.seen.shape and bool(fixed)

    def strain(self, expected: np.ndarray) -> float:
        """`strain` of the row, if this were what it should show."""
        if expected.shape != self.seen.shape or not np.all(np.isfinite(expected)):
            return np.inf
        apart = (expected - self.seen) * self.fixed
        values = self.study.data.values
        residuals = self.noise.row_residuals(apart, values, self.errors)
        return strain(residuals[self.fixed])


def check_first_row(study: "Study", theta: Array) -> None:
    """Refuse data whose row at t0 is not that of the prepared state.

    Otherwise the constants of a fit would compensate for a convention that differs:
    QuTiP's g, an order of axes, a unit, a state. The likely conventions are tried, and
    the one that fits is named. Values of the row that depend on the free constants are
    left out; without a row at t0, and where values are traced, nothing is compared.
    """
    concrete = _checks.can_read() and _checks.is_concrete((study, theta))
    if not study.data.from_start or not concrete:
        return
    row = FirstRow(study, theta)
    if not row.comparable or row.strain(row.expected) <= 1:
        return
    apart = np.abs(row.expected - row.seen) * row.fixed
    worst = np.unravel_index(np.argmax(apart / row.errors), apart.shape)
    place = f"[0, {', '.join(map(str, worst))}]"
    text = (
        "Argument `data` must begin with the state at t0, but its row at t0 is not "
        f"that of the prepared state: entry {place} is {row.seen[worst]:.4g} and not "
        f"{row.expected[worst]:.4g} +- {row.errors[worst]:.2g}"
    )
    for words, expected in likely_causes(row):
        if row.strain(expected) <= 1:
            raise ValueError(f"{text}; it fits if {words}.")
    scatter = (
        "if the state is right, the errors are too small"
        if row.noise.known
        else "if the values scatter, say by how much (sigma)"
    )
    raise ValueError(
        f"{text}; no other scale, sign, order of the values or row of the record fits: "
        f"look at the initial state, its conventions and its time; {scatter}."
    )


def check_percent(study: "Study", theta: Array) -> None:
    """Refuse rows whose sums are of another unit than shares that sum to 1.

    The row at t0 would tell the unit, but many records begin later. Where values are
    traced, nothing is compared.
    """
    data = study.data
    if not (_checks.can_read() and _checks.is_concrete((study, theta))):
        return
    shares = np.asarray(data.shares)
    if shares.ndim != 2 or (shares.max(axis=1) < NO_SHARE).any():
        return
    expected = np.asarray(_row_and_slope(study, theta)[0])
    if expected.min() < 0 or abs(expected.sum() - 1) > 1e-3:
        return
    raise ValueError(
        "Argument `data` must hold shares that sum to 1 in each row, as the law's "
        f"do, but row 0 sums to {shares[0].sum():.4g}; divide percent by 100, and "
        "their errors too."
    )


@jax.jit
def _row_and_slope(study: "Study", theta: Array) -> tuple[Array, Array]:
    """The row at t0, and its derivative by the free constants in a last axis."""

    def row(theta: Array) -> Array:
        scene = study.scene_at(theta)
        return scene.shown(study.data.t0, scene.state0())

    return columns(row, theta)


# -- conventions that are often mixed up ---------------------------------------------


def likely_causes(row: FirstRow) -> Iterator[Cause]:
    """The likely causes for a row, those of its kind first."""
    study = row.study
    shown = _shown(study)
    if isinstance(shown, Moments):
        yield from _of_moments(row, shown)
    elif isinstance(study.law, HusimiFokkerPlanck) and study.law.points is not None:
        yield from _of_points(row, study.law)
    elif row.expected.ndim == 1:
        yield from _of_shares(row)
    yield from _of_arrays(row)
    yield from _of_any(row)


def _shown(study: "Study") -> Any:
    """What is looked at directly, or None."""
    instrument = study.instrument
    return instrument.of if isinstance(instrument, Direct) else None


def _of_points(row: FirstRow, law: HusimiFokkerPlanck) -> Iterator[Cause]:
    """Another reading of the points α of a density on phase space."""
    alpha = jnp.asarray(law.points)

    def at(points):
        return np.asarray(_density_at(row.study, row.theta, points))

    moved = {
        "x and y are exchanged ([t, x, y] instead of [t, y, x])": 1j * jnp.conj(alpha),
        "y has the other sign (or the state is conjugated)": jnp.conj(alpha),
        "x has the other sign": -jnp.conj(alpha),
        "x and y have the other sign": -alpha,
    }
    for ratio in (math.sqrt(2), 1 / math.sqrt(2), 2.0, 0.5):
        scaled = at(ratio * alpha)
        yield (
            f"g is {ratio:.4g} times the one it was read with (g = sqrt(2) is QuTiP's "
            "default)",
            ratio ** (2 * law.modes) * scaled,
        )
        yield f"the points are {ratio:.4g} times as large", scaled
    for words, points in moved.items():
        yield words, at(points)


@jax.jit
def _density_at(study: "Study", theta: Array, points: Array) -> Array:
    law, state0 = study.at(theta)
    assert isinstance(law, HusimiFokkerPlanck)
    return law.density(state0, points)


def _of_moments(row: FirstRow, shown: Moments) -> Iterator[Cause]:
    """Another order of operators, or another unit of α."""
    orders = [tuple(np.atleast_1d(power) for power in pair) for pair in shown.orders]
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
        other = np.asarray(_ordered(row.study, shown, row.theta, amount))
        yield f"the moments are in {name}", other
    powers = np.array([m.sum() + n.sum() for m, n in orders])
    for ratio in (math.sqrt(2), 1 / math.sqrt(2), 2.0, 0.5):
        yield (
            f"its α is {ratio:.4g} times α (as q + ip, or another g)",
            stack(ratio**powers * moments),
        )


@partial(jax.jit, static_argnums=1)
def _ordered(study: "Study", shown: Moments, theta: Array, amount: float) -> Array:
    """Moments in normal (1) or Weyl's order (1/2) from antinormal ones.

    Σ_k (-amount ħ)^k k! C(m, k) C(n, k) <α^(m-k) α*^(n-k)> for each mode.
    """
    law, state0 = study.at(theta)
    assert isinstance(law, HusimiFokkerPlanck)
    moments = []
    for pair in shown.orders:
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
            weight = ways * (-amount * law.hbar) ** sum(taken)
            total = total + weight * law.moment(state0, *rest)
        moments.append(total)
    return Moments.stack(jnp.stack(moments))


def _of_shares(row: FirstRow) -> Iterator[Cause]:
    """Another order of classes; amplitudes for probabilities."""
    rank = np.argsort(np.argsort(row.seen, kind="stable"), kind="stable")
    order = np.argsort(row.expected, kind="stable")[rank]
    k, apart = row.expected.size, row.expected - np.mean(row.expected)
    square = float(np.sum(apart**2))
    if k > 1 and square > 0:
        # shares that a read-out which tells nothing draws towards 1/k
        readout = 1 - float(np.sum(apart * (row.seen - np.mean(row.seen)))) / square
        if 0 < readout < MOST_READOUT:
            yield (
                f"a share readout = {readout:.2g} of the shots shows a random class: "
                f"give `instrument=jqd.instruments.Confusion(readout={readout:.2g})`, "
                "or let `readout` be a nuisance",
                np.mean(row.expected) + (1 - readout) * apart,
            )
    if row.expected.size <= 16:
        listed = ", ".join(map(str, order))
        yield f"its columns show the classes {listed}", row.expected[order]


def _of_arrays(row: FirstRow) -> Iterator[Cause]:
    """Another orientation or origin of the axes, another power of the values."""
    expected = row.expected
    if _shown(row.study) == "density":
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


def _of_any(row: FirstRow) -> Iterator[Cause]:
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
    data = row.study.data
    for k in range(1, data.ts.shape[0]):
        # as if row k had been the one at t0
        later = np.asarray(data.shares[k])
        yield (
            f"the state is that of row {k}, t = {float(data.ts[k]):.4g}",
            expected + (seen - later),
        )
