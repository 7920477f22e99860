"""Phase-space symbols of bosonic Hamiltonians: polynomials in α and α*."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex

from ... import _checks
from ..._checks import known
from ..._outside import plain
from . import monomials
from .monomials import ORDERINGS, FokkerPlanckCheck, Powers


class Symbol(eqx.Module):
    """f(α, α*) = Σ_k c_k Π_i α_i^{m_ki} α_i*^{n_ki}

    The variables are α_i = √ħ a_i, "action units": |α|² is an action. Coefficients are
    leaves, so that a Hamiltonian can be batched, differentiated and fitted; powers are
    static. Sums and products are those of functions.

    Attributes:
        coefficients: c_k, shape (terms,), complex.
        powers: ((m_k1, ..), (n_k1, ..)) for each term, sorted (static).
        ordering: ordering of the operator that the function represents: "antiwick" (for
            α^m α*^n the operator α̂^m α̂†^n), "weyl" (symmetric) or "wick" (α̂†^n α̂^m)
            (static).
    """

    coefficients: Complex[Array, " terms"]
    powers: tuple[Powers, ...] = eqx.field(static=True)
    ordering: str = eqx.field(static=True)

    # NumPy scalars on the left leave products to `__rmul__`.
    __array_ufunc__ = None

    def __init__(
        self,
        coefficients: ArrayLike | Sequence[ArrayLike],
        powers: Sequence[Powers],
        ordering: str = "antiwick",
    ):
        """A polynomial; equal powers are added up.

        Args:
            coefficients: c_k, shape (terms,); energies over powers of √action.
            powers: ((m_1, .., m_N), (n_1, .., n_N)) for each term.
            ordering: "antiwick", "weyl" or "wick".

        Raises:
            ValueError: no terms, numbers of modes that differ, negative powers,
                coefficients that are not finite, unknown ordering.
        """
        coefficients = plain(coefficients, "coefficients")
        _check_powers(powers)
        powers = tuple((tuple(map(int, m)), tuple(map(int, n))) for m, n in powers)
        _checks.check_choice(ordering, "ordering", tuple(ORDERINGS))
        values = known(coefficients)  # pyright: ignore[reportArgumentType]
        if isinstance(coefficients, list | tuple) and coefficients:
            values = values.astype(jnp.result_type(*coefficients))
        if not jnp.issubdtype(values.dtype, jnp.inexact):
            values = values.astype(jnp.result_type(float))
        values = _checks.complex_of(values)
        _checks.check_finite(values, "coefficients", (len(powers),))
        self.coefficients, self.powers = _collected(values, powers)
        self.ordering = ordering

    @classmethod
    def from_terms(
        cls, terms: Mapping[Powers, ArrayLike], ordering: str = "antiwick"
    ) -> "Symbol":
        """A polynomial from {((m_1, ..), (n_1, ..)): c}."""
        return cls(list(terms.values()), list(terms), ordering)

    @property
    def modes(self) -> int:
        """Number of modes N."""
        return len(self.powers[0][0])

    @property
    def degree(self) -> int:
        """Largest total power."""
        return max(sum(m) + sum(n) for m, n in self.powers)

    @property
    def holomorphic_degree(self) -> int:
        """Largest total power of α alone or of α* alone.

        Derivatives up to this order appear in the equation of the Husimi function.
        """
        return max(max(sum(m), sum(n)) for m, n in self.powers)

    def is_fokker_planck(self) -> FokkerPlanckCheck:
        """Whether the Husimi function obeys a Fokker-Planck equation exactly.

        It does if and only if no term of the anti-Wick symbol has more than two powers
        of α, or of α*, summed over modes.

        Returns:
            The answer, usable as a condition, with the offending terms; terms whose
            coefficient is known to be zero do not count.

        Raises:
            ValueError: the symbol is not anti-Wick ordered.

        Source: eq. (64), with the bound on each variable replaced by one on their sum.
        """
        self._require("antiwick")
        offending = tuple(
            monomials.format_monomial(power)
            for power in self.pruned().powers
            if max(map(sum, power)) > 2
        )
        return FokkerPlanckCheck(not offending, offending)

    def is_real(
        self, tolerance: float | None = None, hbar: ArrayLike | None = None
    ) -> bool:
        """Whether the values are real, as those of a Hermitian operator are.

        Args:
            tolerance: relative to the largest coefficient; None for 64 rounding errors.
            hbar: ħ, a concrete number, whose powers are the unit of coefficients; None
                where it is not known: only those of one degree, which have one unit,
                are then compared.
        """
        if tolerance is None:
            tolerance = 64 * float(jnp.finfo(self.coefficients.dtype).eps)
        # in NumPy, since a law may be built under jit
        degrees = np.array([sum(m) + sum(n) for m, n in self.powers])
        values, alike = np.asarray(self.coefficients), degrees
        if hbar is not None:
            hbar = np.asarray(hbar, float)
            # from the end that leaves no power above 1
            end = np.where(hbar < 1, degrees.min(), degrees.max())
            values = values * hbar ** ((degrees - end) / 2)
            alike = np.zeros_like(degrees)
        mirror = dict(zip(self.powers, np.conj(values), strict=True))
        gaps = np.array(
            [
                abs(value - mirror.get((n, m), 0))
                for value, (m, n) in zip(values, self.powers, strict=True)
            ]
        )
        sizes = np.zeros(alike.max() + 1)
        np.maximum.at(sizes, alike, np.abs(values))
        return bool(np.all(gaps <= tolerance * sizes[alike]))

    def terms(self) -> Iterator[tuple[Array, tuple[int, ...], tuple[int, ...]]]:
        """Coefficient, powers of α and powers of α* of each term."""
        for k, (m, n) in enumerate(self.powers):
            yield self.coefficients[k], m, n

    def __add__(self, other: "Symbol | ArrayLike") -> "Symbol":
        return self.plus([self._like(other)])

    def __mul__(self, other: "Symbol | ArrayLike") -> "Symbol":
        if not isinstance(other, Symbol):
            _checks.check_finite(other, "other", ())
            kind = jnp.result_type(self.coefficients, other)
            scaled = known(self.coefficients) * known(other).astype(kind)
            return _sound(scaled, self.powers, self.ordering)
        other = self._like(other)
        pairs = itertools.product(self.powers, other.powers)
        powers = [monomials.add_powers(*pair) for pair in pairs]
        left, right = known(self.coefficients), known(other.coefficients)
        products = left[:, None] * right[None, :]
        return _sound(products.ravel(), powers, self.ordering)

    def plus(
        self, others: Sequence["Symbol"], factors: Sequence[ArrayLike] | None = None
    ) -> "Symbol":
        """This symbol plus multiples of others, of the same modes and ordering.

        Args:
            others: f_k.
            factors: x_k, scalars; None for 1.

        Returns:
            f + Σ_k x_k f_k
        """
        values = [known(other.coefficients) for other in (self, *others)]
        if factors is not None:
            for k, factor in enumerate(map(known, factors), 1):
                kind = jnp.result_type(values[k], factor)
                values[k] = values[k] * factor.astype(kind)
        read = all(isinstance(value, np.ndarray) for value in values)
        powers = sum((other.powers for other in others), self.powers)
        whole = np.concatenate(values) if read else jnp.concatenate(values)
        return _sound(whole, powers, self.ordering)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> "Symbol":
        return self * -1.0

    def __sub__(self, other: "Symbol | ArrayLike") -> "Symbol":
        return self + (-self._like(other))

    def __rsub__(self, other: ArrayLike) -> "Symbol":
        return self._like(other) + (-self)

    def __pow__(self, exponent: int) -> "Symbol":
        if not _checks.is_whole(exponent) or exponent < 0:
            raise ValueError(
                f"Argument `exponent` must be >= 0, but is {_checks.shown(exponent)}."
            )
        return math.prod([self] * exponent, start=self._like(1.0))

    def conj(self) -> "Symbol":
        """The complex conjugate, the symbol of the adjoint operator."""
        powers = [(n, m) for m, n in self.powers]
        return _sound(known(self.coefficients).conj(), powers, self.ordering)

    def derivative(self, mode: int = 0, *, conjugate: bool = False) -> "Symbol":
        """∂f/∂α_mode, or ∂f/∂α*_mode.

        Args:
            mode: number of the mode, from 0.
            conjugate: whether to differentiate with respect to α*.
        """
        side = int(conjugate)
        kept = [k for k, power in enumerate(self.powers) if power[side][mode] > 0]
        if not kept:
            return self._like(0.0)
        factors = np.array([self.powers[k][side][mode] for k in kept])
        scaled = known(self.coefficients)[np.array(kept)]
        scaled = scaled * factors.astype(scaled.real.dtype)
        powers = [monomials.lower(self.powers[k], side, mode) for k in kept]
        return _sound(scaled, powers, self.ordering)

    def pruned(self) -> "Symbol":
        """A copy without terms that are known to be zero (one term is kept)."""
        values = known(self.coefficients)
        if not isinstance(values, np.ndarray) or np.all(values):
            return self
        kept = np.flatnonzero(values)
        if kept.size == 0:
            return self._like(0.0)
        powers = [self.powers[k] for k in kept]
        return _sound(values[kept], powers, self.ordering)

    def __call__(self, points: ArrayLike) -> Complex[Array, "..."]:
        """Values at points of phase space.

        Args:
            points: α, shape (...,) for one mode, (..., N) for N.

        Returns:
            Complex values, shape (...,).

        Raises:
            ValueError: wrong number of modes.
        """
        alpha = self.points(points)
        kind = jnp.result_type(self.coefficients.dtype, alpha.dtype)
        value = jnp.zeros(alpha.shape[:-1], kind)
        for coefficient, m, n in self.terms():
            value = value + coefficient * monomials.monomial(alpha, m, n)
        return value

    def points(self, points: ArrayLike) -> Complex[Array, "... N"]:
        """Points with an axis of modes, also for one mode."""
        return as_points(points, self.modes)

    def to(
        self, ordering: str, hbar: ArrayLike = 1.0, *, prune: bool = True
    ) -> "Symbol":
        """The symbol of the same operator in another ordering.

        f_s' = exp((s' - s)(ħ/2) Σ_i ∂_i ∂*_i) f_s, s = 1 Wick, 0 Weyl, -1 anti-Wick

        Args:
            ordering: "antiwick", "weyl" or "wick".
            hbar: ħ, scalar.
            prune: whether to drop terms whose coefficient is known to be zero. If not,
                the powers of the result depend only on those of this symbol.

        Source: eqs. (60), (62); the series ends with the polynomial.
        """
        _checks.check_choice(ordering, "ordering", tuple(ORDERINGS))
        step = (ORDERINGS[ordering] - ORDERINGS[self.ordering]) / 2
        rows = [
            (k, term)
            for k, power in enumerate(self.powers)
            for term in monomials.reorder(power, step)
        ]
        values, powers = monomials.collect(rows, known(self.coefficients), hbar)
        symbol = _sound(values, powers, ordering)
        return symbol.pruned() if prune else symbol

    def __str__(self) -> str:
        values = np.asarray(self.coefficients)
        values = values if np.any(np.imag(values)) else np.real(values)
        return " + ".join(
            f"{value:.6g} {monomials.format_monomial(power)}"
            for value, power in zip(values, self.powers, strict=True)
        )

    def _like(self, other: "Symbol | ArrayLike") -> "Symbol":
        if isinstance(other, Symbol):
            if (other.modes, other.ordering) != (self.modes, self.ordering):
                raise ValueError(
                    "Argument `other` must be a symbol of the same modes and ordering "
                    f"({self.modes}, {self.ordering}), but has ({other.modes}, "
                    f"{other.ordering})."
                )
            return other
        _checks.check_finite(other, "other", ())
        zero = (0,) * self.modes
        value = known(other).astype(self.coefficients.dtype)
        return _sound(value[None], [(zero, zero)], self.ordering)

    def _require(self, ordering: str) -> None:
        if self.ordering != ordering:
            raise ValueError(
                f"Argument `symbol` must be {ordering} ordered, but is {self.ordering}."
            )


def as_points(points: ArrayLike, modes: int) -> Complex[Array, "... N"]:
    """Points of phase space with an axis of modes, also for one mode.

    Args:
        points: α, shape (...,) for one mode, (..., N) for N.
        modes: N.

    Raises:
        ValueError: wrong number of modes.
    """
    alpha = jnp.asarray(points)
    alpha = _checks.complex_of(alpha)
    if modes == 1:
        return alpha[..., None]
    if alpha.ndim == 0 or alpha.shape[-1] != modes:
        raise ValueError(
            f"Argument `points` must have a last axis of {modes} modes, but has shape "
            f"{alpha.shape}."
        )
    return alpha


def _sound(values: Any, powers: Sequence[Powers], ordering: str) -> Symbol:
    """The symbol that an operation on symbols makes: there is nothing to check."""
    symbol = object.__new__(Symbol)
    coefficients, unique = _collected(values, powers)
    for name, value in (
        ("coefficients", coefficients), ("powers", unique), ("ordering", ordering)
    ):  # fmt: skip
        object.__setattr__(symbol, name, value)
    return symbol


def _collected(
    values: Any, powers: Sequence[Powers]
) -> tuple[Array, tuple[Powers, ...]]:
    """Coefficients and powers in order, those of equal powers added up."""
    unique = sorted(set(powers))
    if list(powers) != unique:
        place = {power: k for k, power in enumerate(unique)}
        places = np.array([place[power] for power in powers])
        values = monomials.add_at((len(unique),), places, values)
    return jnp.asarray(values, jnp.result_type(values)), tuple(unique)


def _check_powers(powers: Sequence[Powers]) -> None:
    """At least one monomial, the same modes in each, no negative power."""
    numbers = int | np.integer
    sound = isinstance(powers, list | tuple) and all(
        isinstance(power, list | tuple)
        and len(power) == 2
        and all(isinstance(part, list | tuple) for part in power)
        and all(isinstance(p, numbers) for part in power for p in part)
        for power in powers
    )
    if not sound:
        raise ValueError(
            "Argument `powers` must hold a pair ((m_1, ..), (n_1, ..)) of whole "
            "numbers for each term, but does not."
        )
    if not powers:
        raise ValueError("Argument `powers` must hold at least one term, but is empty.")
    modes = {len(part) for power in powers for part in power}
    if len(modes) != 1 or 0 in modes:
        raise ValueError(
            "Argument `powers` must have the same modes, at least one, in every term, "
            f"but has {sorted(modes)}."
        )
    if any(p < 0 for power in powers for part in power for p in part):
        raise ValueError("Argument `powers` must not be negative, but one is.")
