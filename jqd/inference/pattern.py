"""Patterns of the residuals of a misfit in time, and their likely causes.

A pattern is named only where it is significant. Here residuals usually scatter more
than their errors say, so that each test takes its unit from the residuals without the
pattern, never from the stated errors.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._words import p_words
from ..instruments.noise import Weights, sums_to_one
from .study import Study

# A pattern is named if chance, over all patterns tried, makes it at most this often.
PATTERN_P = 1e-3
# With fewer rows, or more values, nothing is tested.
LEAST_ROWS, MOST_VALUES = 6, 2_000_000
# Largest number of frequencies that are tried.
MOST_FREQUENCIES = 400
# Share of a template that must remain when constants of the law are fitted to it.
LEFT = 1e-6
# Share of all squares that a single row must hold: scatter of long tails has such rows.
ROW_SHARE = 0.25
# Gain needed for one more coefficient, in units of what chance gives it.
COST = 10
# Rates at which contrast may fade, in units of 1 over the time from the initial state
# to the last row; 0 for a loss that grows in proportion to the time.
RATES = (0.0, 2.0, 5.0)


class Pattern(NamedTuple):
    """A pattern of residuals over time.

    Attributes:
        name: "decay", "growth", "less contrast", "more contrast", "ahead", "behind",
            "early", "late", "offset", "drift", "oscillation", "first row", "row", or
            "none".
        share: share of the sum of squared residuals that it explains.
        p_value: probability that chance makes any of the patterns tried as large, by
            Bonferroni's bound; 1 for "none".
        frequency: angular frequency of an oscillation; else None.
        time: time of the row that stands out; else None.
        others: names of the other patterns that are significant on their own.
    """

    name: str
    share: float
    p_value: float
    frequency: float | None = None
    time: float | None = None
    others: tuple[str, ...] = ()

    def describe(self) -> str:
        """The pattern, and its likely causes."""
        if self.name == "none":
            return (
                "None of the patterns in time that were tested for is significant "
                "(decay, contrast, frequency, delay, offset, drift, oscillation, "
                "single rows). Errors that are too small, or outcomes that are not "
                "independent, would leave such residuals, and so would other "
                "patterns."
            )
        what, cause = _WORDS[self.name]
        where = ""
        if self.frequency is not None:
            period = 2 * math.pi / self.frequency
            where = f" of angular frequency {self.frequency:.3g} (period {period:.3g})"
        if self.time is not None:
            where = f" at t = {self.time:.6g} {_STANDS}"
        chance = p_words(self.p_value, digits=1)
        said = (
            f"Pattern of the residuals: {what}{where} (p {chance}; it explains "
            f"{100 * self.share:.0f} % of the sum of squares). {cause}"
        )
        if self.others:
            said += f" Significant on their own as well: {', '.join(self.others)}."
        return said


_STANDS = "is farther off than the others"
_WORDS = {
    "decay": (
        "the contrast of the record fades with time, relative to the law",
        "Decoherence or loss that the law lacks would leave this: let a rate be free "
        "(`jqd.Lindblad`, or dephasing[gamma] and loss[gamma] of `jqd compare`), give "
        "T1 and T2 (`--bath`, or `jqd.laws.Decay`), or a prior of `fading` beside "
        "counts of classes.",
    ),
    "growth": (
        "the contrast of the record grows with time, relative to the law",
        "Decoherence or loss that is stronger in the law than in the record would "
        "leave this.",
    ),
    "less contrast": (
        "the record has less contrast than the law, by the same factor at all times",
        "Readout errors, a background or a mixed initial state would leave this: fit "
        "them as nuisances.",
    ),
    "more contrast": (
        "the record has more contrast than the law, by the same factor at all times",
        "Readout errors or a background that are larger in the instrument than in the "
        "record would leave this.",
    ),
    "ahead": (
        "the record runs ahead of the law, by a time that grows",
        "Energies or couplings that are too small, or times in another unit, would "
        "leave this: let those of the Hamiltonian be free.",
    ),
    "behind": (
        "the record runs behind the law, by a time that grows",
        "Energies or couplings that are too large, or times in another unit, would "
        "leave this: let those of the Hamiltonian be free.",
    ),
    "early": (
        "the record is ahead of the law by the same time at all times",
        "Another time of the initial state, or a pulse that begins earlier than the "
        "law has it, would leave this.",
    ),
    "late": (
        "the record is behind the law by the same time at all times",
        "Another time of the initial state, or a delay that the law lacks, would "
        "leave this.",
    ),
    "offset": (
        "the same offset at all times",
        "A background, or readout errors that differ between outcomes, would leave "
        "this: fit them as nuisances.",
    ),
    "drift": (
        "a drift in one direction over the record",
        "Relaxation that the law lacks, or an apparatus that changes slowly, would "
        "leave this.",
    ),
    "oscillation": (
        "an oscillation",
        "A frequency that is off, or a level, coupling or drive that the Hamiltonian "
        "lacks, would leave this.",
    ),
    "first row": (
        "the first row",
        "Another initial state, or another time of it, would leave this.",
    ),
    "row": ("the row", "A fault when this row was taken would leave this."),
}


def pattern_of(
    study: Study, theta: Array, prediction: Array, at: Weights
) -> Pattern | None:
    """The pattern that the residuals of a fit follow in time.

    Returns:
        The pattern, "none" where none is significant; None where nothing was tested:
        few times, very many values, or a prediction that is not finite.
    """
    times, values = study.data.looks.shape[0], study.data.values
    if times < LEAST_ROWS or values.size > MOST_VALUES:
        return None
    apart, *shapes = (
        np.asarray(x) for x in _whitened(study, jnp.asarray(prediction), at)
    )
    slope = np.asarray(study.slope(theta))[: study.seen]
    if not all(np.isfinite(x).all() for x in (apart, slope, *shapes)):
        return None
    # what is no probability of outcomes is not lost towards equal ones
    means = 2 if bool(sums_to_one(jnp.asarray(prediction), 1e-3)) else 1
    contrast, fading, shifts, delays = (shape[:means] for shape in shapes)
    templates = {
        ("less contrast", "more contrast"): contrast,
        ("decay", "growth"): np.concatenate(fading),
        ("behind", "ahead"): shifts,
        ("late", "early"): delays,
    }
    return find_pattern(apart, np.asarray(study.data.ts), templates, slope)


def find_pattern(
    residuals: Float[np.ndarray, "T C"],
    ts: Float[np.ndarray, " T"],
    templates: dict[tuple[str, str], Float[np.ndarray, "K T C"]],
    slope: Float[np.ndarray, "TC p"],
) -> Pattern:
    """The significant pattern that explains most of the residuals.

    A pattern of one coefficient a is R = a G, G the template less the part that
    constants of the law can produce, of K templates the one that explains most; a
    pattern over time alone is R = h(t) b with a coefficient b for each column. Under
    the null hypothesis rows are independent and of one covariance Σ over the columns,
    of any form: |hᵀR|² is about χ² with ν degrees of freedom in units of tr Σ/ν,
    ν = (tr Σ)²/tr Σ² (Satterthwaite), and Σ is taken from the rest of R.

    Args:
        residuals: data less law, in units of errors.
        templates: templates of a pattern by its names for a negative and for a positive
            coefficient.
        slope: derivative of the residuals with respect to the constants.
    """
    # what is no minimum has a part that constants would take away
    basis = _basis(slope)
    flat = np.ravel(residuals)
    flat = flat - basis @ (basis.T @ flat)
    R = flat.reshape(residuals.shape)
    lines, waves = _over_time(ts)
    tried = sum(map(len, templates.values())) + len(lines) + len(waves) + len(ts)
    found = [_one(R, names, some, basis) for names, some in templates.items()]
    found += [_separable(R, name, H) for name, H in lines.items()]
    if waves:
        powers = [float(np.sum((H.T @ R) ** 2)) for H in waves.values()]
        omega = list(waves)[int(np.argmax(powers))]
        one = _separable(R, "oscillation", waves[omega])
        found.append((one[0]._replace(frequency=omega), one[1]))
    i = int(np.argmax(np.sum(R**2, axis=1)))
    h = np.zeros((len(ts), 1))
    h[i] = 1.0
    row, gain = _separable(R, "row" if i else "first row", h)
    if row.share > ROW_SHARE:
        found.append((row._replace(time=float(ts[i])), gain))
    clear = [
        (gain, pattern._replace(p_value=min(1.0, tried * pattern.p_value)))
        for pattern, gain in found
        if tried * pattern.p_value < PATTERN_P
    ]
    if not clear:
        return Pattern("none", 0.0, 1.0)
    best, *rest = (
        pattern for _, pattern in sorted(clear, key=lambda one: one[0], reverse=True)
    )
    return best._replace(others=tuple(pattern.name for pattern in rest))


def _one(
    R: np.ndarray, names: tuple[str, str], templates: np.ndarray, basis: np.ndarray
) -> tuple[Pattern, float]:
    """A pattern of one coefficient, and what it explains beyond its cost."""
    every = templates.reshape(len(templates), -1)
    whole = np.sum(every**2, axis=1)
    every = every - (every @ basis) @ basis.T
    sizes, total = np.sum(every**2, axis=1), float(np.sum(R**2))
    left = sizes > LEFT * whole
    along = every @ np.ravel(R)
    best = int(np.argmax(np.where(left, along**2 / np.where(left, sizes, 1), -1)))
    if not (left[best] and total > 0):
        return Pattern(names[1], 0.0, 1.0), 0.0
    G, size = every[best], sizes[best]
    a = along[best] / size
    G = G.reshape(R.shape)
    rest = R - a * G
    rows = len(R)
    # the scatter along the template where its columns have their own, else that of all
    own = np.sum(np.sum(G * rest, axis=1) ** 2) / size * rows / (rows - 1)
    nu = _freedom(rest)
    unit = max(own, np.sum(rest**2) / (rows - 1) / nu)
    power = a**2 * size
    p = _tail(power / unit if unit > 0 else math.inf, 1, rows - 2)
    named = Pattern(names[int(a > 0)], float(power / total), p)
    return named, float(power - COST * unit) / total


def _separable(R: np.ndarray, name: str, H: np.ndarray) -> tuple[Pattern, float]:
    """A pattern over time alone, of orthonormal columns H, and the same."""
    b = H.T @ R
    rest = R - H @ b
    k, left = H.shape[1], len(R) - H.shape[1]
    power, total = float(np.sum(b**2)), float(np.sum(R**2))
    nu, unit = _freedom(rest), float(np.sum(rest**2)) / left
    if not total > 0:
        return Pattern(name, 0.0, 1.0), 0.0
    ratio = power / k / unit if unit > 0 else math.inf
    p = _tail(ratio, k * nu, (left - 1) * nu)
    return Pattern(name, power / total, p), (power - COST * k * unit) / total


def _freedom(rest: np.ndarray) -> float:
    """(tr Σ)²/tr Σ² of the covariance of columns, from 1 to their number."""
    gram = rest @ rest.T if len(rest) < rest.shape[1] else rest.T @ rest
    square = float(np.sum(gram**2))
    return max(1.0, float(np.trace(gram)) ** 2 / square) if square > 0 else 1.0


def _tail(ratio: float, above: float, below: float) -> float:
    """Probability that F of so many degrees of freedom exceeds a ratio."""
    from scipy.special import betainc

    if not math.isfinite(ratio):
        return 0.0
    x = below / (below + above * ratio)
    return float(betainc(below / 2, above / 2, x))


def _basis(slope: np.ndarray) -> np.ndarray:
    """Orthonormal columns of what constants can do, (TC, k)."""
    norms = np.linalg.norm(slope, axis=0)
    scaled = slope[:, norms > 0] / norms[norms > 0]
    if not scaled.shape[1]:
        return scaled
    left, values, _ = np.linalg.svd(scaled, full_matrices=False)
    return left[:, values > 1e-9 * values[0]]


def _over_time(
    ts: np.ndarray,
) -> tuple[dict[str, np.ndarray], dict[float, np.ndarray]]:
    """Offset and straight line, and oscillations by their frequency, (T, 1 or 2)."""
    rows = len(ts)
    level = np.full(rows, rows**-0.5)
    drift = ts - ts.mean()
    line = np.stack([level, drift / np.linalg.norm(drift)], axis=1)
    lines = {"offset": line[:, :1], "drift": line}
    times = len(np.unique(ts))  # rows of one time see no faster oscillation
    span = (ts[-1] - ts[0]) * times / (times - 1)
    most = min((times - 1) // 2, MOST_FREQUENCIES)
    waves = {}
    for k in range(1, most + 1):
        omega = 2 * math.pi * k / span
        both = np.stack([level, np.cos(omega * ts), np.sin(omega * ts)], axis=1)
        full, r = np.linalg.qr(both)
        if np.min(np.abs(np.diagonal(r))) > 1e-6 * math.sqrt(rows):
            waves[omega] = full[:, 1:]
    return lines, waves


@jax.jit
def _whitened(study: Study, prediction: Array, at: Weights) -> tuple[Array, ...]:
    """Record less law, (T, C), and what changes of its prediction would be.

    More contrast, (A, T, C), and contrast that grows with time at each of `RATES`,
    (A, K, T, C), both about the mean of each column over time and, of rows of one axis,
    about equal shares of all outcomes; a law that runs faster, (1, T, C); one that is
    earlier by the same time at all times, (1, T, C).
    """
    data, noise, values = study.data, study.data.noise, study.data.values
    ts, looks = data.ts, data.looks
    over_rows = (-1,) + (1,) * (prediction.ndim - 1)

    def misses(prediction: Array) -> Array:
        residuals = noise.residuals(prediction, values, at)
        return jnp.reshape(residuals, (residuals.shape[0], -1))

    def whitened(changes: Array) -> Array:
        # linear in a change: one program for all of them
        each = jnp.reshape(changes, (-1, *prediction.shape))
        found = jax.lax.map(lambda x: jax.jvp(misses, (prediction,), (x,))[1], each)
        lead = changes.shape[: changes.ndim - prediction.ndim]
        return jnp.reshape(found, (*lead, *found.shape[1:]))

    # losses begin with the run, not with the first row
    late = jnp.reshape((ts - data.t0) / (ts[-1] - data.t0), over_rows)
    lost = jnp.stack([late if k == 0 else -jnp.expm1(-k * late) for k in RATES])
    centres = [jnp.mean(prediction, axis=0, keepdims=True)]
    if prediction.ndim == 2:
        centres.append(jnp.full_like(centres[0], 1 / prediction.shape[1]))
    about = jnp.stack([prediction - centre for centre in centres])
    # rows of one time have one prediction
    steps = jnp.reshape(jnp.diff(looks), over_rows)
    each = jnp.diff(prediction[data.firsts], axis=0) / steps
    inner = (each[1:] + each[:-1]) / 2
    slope = data.over_rows(jnp.concatenate([each[:1], inner, each[-1:]]))[None]
    changes = (about, about[:, None] * lost[None], slope * late[None], slope)
    return -misses(prediction), *map(whitened, changes)
