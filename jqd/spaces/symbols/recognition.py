"""Symbols from operators: Fock matrices, QuTiP operators, lists of words."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from ... import _checks
from ..._math import take
from ...interop import as_array
from . import monomials, parser
from .operators import check_levels, matrix
from .symbol import Symbol


def from_operator(
    operator: Any,
    *,
    modes: int = 1,
    levels: int | Sequence[int] | None = None,
    degree: int = 4,
    ordering: str = "antiwick",
    hbar: ArrayLike = 1.0,
) -> Symbol:
    """The symbol of a polynomial in α̂ and α̂†, given in any form.

    Args:
        operator: list of (coefficient, word) such as [(0.5, "ad ad a a")], with letters
            a, ad, n, q, p ("a1", "ad2" for several modes) in action units; or a matrix
            between Fock states (array, QuTiP `Qobj`), see `from_matrix`.
        modes: number of modes of the words.
        levels: levels per mode of a matrix. With None they are read from a `Qobj`, and
            an array is taken to have one mode.
        degree: largest total power in a matrix.
        ordering: ordering of the result.
        hbar: ħ, scalar; a concrete number for words.

    Returns:
        The symbol. Coefficients of words may be traced.

    Raises:
        ValueError: an unknown letter or mode, or as in `from_matrix`.
    """
    if isinstance(operator, list | tuple) and _is_words(operator):
        parts = [_word(word, modes, hbar) * value for value, word in operator]
        return sum(parts[1:], parts[0]).to(ordering, hbar)
    if levels is None:
        dims = getattr(operator, "dims", None)
        levels = tuple(dims[0]) if dims is not None else (np.shape(operator)[0],)
    return from_matrix(as_array(operator), levels, degree, ordering, hbar=hbar)


def from_matrix(
    entries: ArrayLike,
    levels: int | Sequence[int],
    degree: int,
    ordering: str = "antiwick",
    *,
    hbar: ArrayLike = 1.0,
) -> Symbol:
    """The polynomial whose operator has these entries between Fock states.

    The Wick coefficients follow from |0><0| = :exp(-a†a): as finite sums, in each mode
    c_mn = Σ_r (-1)^r/r! <n - r|Ĥ|m - r> / sqrt((n - r)! (m - r)!) ħ^(-(m+n)/2).

    Entries with i + j > 2 d - 2 - degree in a mode of d levels are not read: products
    of truncated â and â† are wrong there.

    Args:
        entries: (D, D); the last mode varies fastest.
        levels: levels per mode, or one number for all modes (then D determines how
            many).
        degree: largest total power of the polynomial.
        ordering: ordering of the result.
        hbar: ħ, scalar.

    Returns:
        The symbol; concrete coefficients that are zero up to rounding are dropped.

    Raises:
        ValueError: fewer than degree + 2 levels, a shape that does not fit, or entries
            that no polynomial of this degree has.
    """
    values: Any = _checks.complex_of(_checks.known(entries))
    _checks.check_square(values, "entries")
    shape = check_levels(levels, _modes(levels, values.shape[0]))
    _checks.check_shape(values, "entries", (math.prod(shape),) * 2)
    if min(shape) < degree + 2:
        raise ValueError(
            f"Argument `levels` must be at least degree + 2 = {degree + 2} in each "
            f"mode, but is {shape}."
        )
    powers = monomials.all_powers(len(shape), degree)
    terms, rows, columns, weights = _inversion(powers, shape)
    real = values.real.dtype
    needed = take(values, (rows, columns)) * weights.astype(real)
    found = monomials.add_at((len(powers),), terms, needed)
    if _checks.is_concrete(found):
        # Zero up to rounding, relative to the size of the summands.
        size = monomials.add_at((len(powers),), terms, np.abs(needed))
        noise = 64 * float(jnp.finfo(found.dtype).eps) * size
        found = np.where(np.abs(found) <= noise, found.dtype.type(0), found)
    degrees = np.array([sum(m) + sum(n) for m, n in powers])
    root = np.sqrt if _checks.is_concrete(hbar) else jnp.sqrt
    scale = monomials.powers_of(1 / root(hbar), degrees, real)  # pyright: ignore
    symbol = Symbol(found * scale, powers, "wick").pruned()
    if _checks.is_concrete((found, scale)):
        _check_residual(symbol, values, shape, degree, hbar)
    return symbol.to(ordering, hbar)


def _inversion(
    powers: list[monomials.Powers], shape: tuple[int, ...]
) -> tuple[np.ndarray, ...]:
    """Term, row, column and weight of every entry that a Wick coefficient needs."""
    found = []
    for k, (m, n) in enumerate(powers):
        steps = [range(min(pair) + 1) for pair in zip(m, n, strict=True)]
        for r in itertools.product(*steps):
            low, high = (np.subtract(part, r) for part in (m, n))
            weight = math.prod(
                (-1) ** t
                / math.factorial(t)
                / math.sqrt(math.factorial(i) * math.factorial(j))
                for t, i, j in zip(r, high.tolist(), low.tolist(), strict=True)
            )
            row, column = (np.ravel_multi_index(tuple(x), shape) for x in (high, low))
            found.append((k, row, column, weight))
    return tuple(np.array(column) for column in zip(*found, strict=True))


def _check_residual(
    symbol: Symbol,
    values: np.ndarray,
    shape: tuple[int, ...],
    degree: int,
    hbar: ArrayLike,
) -> None:
    """Raise where the matrix is not that of the polynomial."""
    level = np.indices(shape).reshape(len(shape), -1)
    sums = level[:, :, None] + level[:, None, :]
    limit = 2 * np.array(shape) - 2 - degree
    read = np.all(sums <= limit[:, None, None], axis=0)
    gap = np.abs(np.asarray(matrix(symbol, shape, hbar=hbar) - values))[read].max()
    scale = np.abs(np.asarray(values))[read].max()
    # Coefficients found at low levels act with large weights at high levels: half the
    # digits are kept, and no polynomial of a higher degree comes as close.
    if not gap <= math.sqrt(float(jnp.finfo(values.dtype).eps)) * max(scale, 1e-300):
        raise ValueError(
            f"Argument `entries` must be those of a polynomial of degree {degree} in a "
            "and ad, but they differ from the one with the same low entries by "
            f"{gap:.2g}."
        )


def _modes(levels: int | Sequence[int], size: int) -> int:
    """Number of modes; for equal levels as many as fit the size."""
    if not isinstance(levels, int | np.integer):
        return len(levels)
    return max(1, round(math.log(size) / math.log(max(levels, 2))))


def _is_words(operator: Sequence[Any]) -> bool:
    return bool(operator) and all(
        isinstance(part, list | tuple) and len(part) == 2 and isinstance(part[1], str)
        for part in operator
    )


def _word(word: str, modes: int, hbar: ArrayLike) -> Symbol:
    """The Wick symbol of a product of letters."""
    if not _checks.is_concrete(hbar):
        raise ValueError(
            "Argument `hbar` must be a concrete number for words, but is traced."
        )
    total = parser.number(1, modes)
    for name in word.split():
        parts = parser.operator_parts(name)
        mode = 1 if parts is None or parts[1] is None else parts[1]
        if parts is None or not 1 <= mode <= modes or (parts[1] is None and modes > 1):
            raise ValueError(
                "Argument `operator` must be made of a, ad, n, q, p, numbered from 1 "
                f"to {modes} where there are several modes, but has {name!r}."
            )
        letter = parser.operator(parts[0], mode - 1, modes)
        total = parser.product(total, letter, float(_checks.concrete(hbar)))
    return Symbol.from_terms(total or parser.number(0, modes), "wick")
