"""Phase-space symbols of bosonic Hamiltonians: polynomials in α and α*."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex

from ... import _checks
from . import monomials
from .monomials import ORDERINGS, Powers, known
from .truncation import FokkerPlanckCheck, fokker_planck_check


class Symbol(eqx.Module):
    """f(α, α*) = Σ_k c_k Π_i α_i^{m_ki} α_i*^{n_ki}

    The variables are α_i = √ħ a_i, "action units": |α|² is an action. Coefficients are
    leaves, so that a Hamiltonian can be batched, differentiated and fitted; powers are
    static. Sums and products are those of functions.

    Attributes:
        coefficients: c_k, shape (terms,), complex.
        powers: ((m_k1, ..), (n_k1, ..)) for each term, sorted (static).
        ordering: of the operator that the function stands for: "antiwick" (α^m α*^n is
            the operator α̂^m α̂†^n), "weyl" (symmetric) or "wick" (α̂†^n α̂^m) (static).
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
        _checks.check_choice(ordering, "ordering", tuple(ORDERINGS))
        monomials.check_powers(powers)
        if isinstance(coefficients, list | tuple):
            kind = jnp.result_type(*coefficients)
            stack = np.stack if _checks.is_concrete(coefficients) else jnp.stack
            coefficients = stack([known(c).astype(kind) for c in coefficients])
        values = known(coefficients)  # pyright: ignore[reportArgumentType]
        if not jnp.issubdtype(values.dtype, jnp.inexact):
            values = values.astype(jnp.result_type(float))
        values = values.astype(jnp.result_type(values.dtype, jnp.complex64))
        powers = tuple((tuple(map(int, m)), tuple(map(int, n))) for m, n in powers)
        _checks.check_shape(values, "coefficients", (len(powers),))
        _checks.check_finite(values, "coefficients")
        unique = sorted(set(powers))
        if list(powers) != unique:
            place = {power: k for k, power in enumerate(unique)}
            places = np.array([place[power] for power in powers])
            values = monomials.add_at((len(unique),), places, values)
        self.coefficients = jnp.asarray(values)
        self.powers = tuple(unique)
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
            The answer, true or false as a condition, with the offending terms.

        Raises:
            ValueError: the symbol is not anti-Wick ordered.

        Source: eq. (64), with the bound on each variable replaced by one on their sum.
        """
        self._require("antiwick")
        return fokker_planck_check(self.powers, self.coefficients)

    def conserves_number(self) -> bool:
        """Whether every term conserves the total number of quanta."""
        return all(sum(m) == sum(n) for m, n in self.powers)

    def is_real(self, tolerance: float | None = None) -> bool:
        """Whether the values are real, as those of a Hermitian operator are.

        Args:
            tolerance: against the largest coefficient; None is 64 rounding errors.
        """
        if tolerance is None:
            tolerance = 64 * float(jnp.finfo(self.coefficients.dtype).eps)
        # in NumPy: a law may be built under jit
        values = np.asarray(self.coefficients)
        mirror = dict(zip(self.powers, np.conj(values), strict=True))
        gap = [
            abs(value - mirror.get((n, m), 0))
            for value, (m, n) in zip(values, self.powers, strict=True)
        ]
        return bool(max(gap) <= tolerance * np.abs(values).max())

    def terms(self) -> Iterator[tuple[Array, tuple[int, ...], tuple[int, ...]]]:
        """Coefficient, powers of α and powers of α* of each term."""
        for k, (m, n) in enumerate(self.powers):
            yield self.coefficients[k], m, n

    def __add__(self, other: "Symbol | ArrayLike") -> "Symbol":
        other = self._like(other)
        pair = (known(self.coefficients), known(other.coefficients))
        concatenate = np.concatenate if _checks.is_concrete(pair) else jnp.concatenate
        both = concatenate(pair)
        return Symbol(both, self.powers + other.powers, self.ordering)

    def __mul__(self, other: "Symbol | ArrayLike") -> "Symbol":
        if not isinstance(other, Symbol):
            _checks.check_shape(other, "other", ())
            kind = jnp.result_type(self.coefficients, other)
            scaled = known(self.coefficients) * known(other).astype(kind)
            return Symbol(scaled, self.powers, self.ordering)
        other = self._like(other)
        pairs = itertools.product(self.powers, other.powers)
        powers = [monomials.add_powers(*pair) for pair in pairs]
        left, right = known(self.coefficients), known(other.coefficients)
        products = left[:, None] * right[None, :]
        return Symbol(products.ravel(), powers, self.ordering)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> "Symbol":
        return self * -1.0

    def __sub__(self, other: "Symbol | ArrayLike") -> "Symbol":
        return self + (-self._like(other))

    def __rsub__(self, other: ArrayLike) -> "Symbol":
        return self._like(other) + (-self)

    def __pow__(self, exponent: int) -> "Symbol":
        if not isinstance(exponent, int) or exponent < 0:
            raise ValueError(f"Argument `exponent` must be >= 0, but is {exponent!r}.")
        return math.prod([self] * exponent, start=self._like(1.0))

    def conj(self) -> "Symbol":
        """The complex conjugate; that of the adjoint operator."""
        powers = [(n, m) for m, n in self.powers]
        return Symbol(known(self.coefficients).conj(), powers, self.ordering)

    def derivative(self, mode: int = 0, *, conjugate: bool = False) -> "Symbol":
        """∂f/∂α_mode, or ∂f/∂α*_mode.

        Args:
            mode: which mode, from 0.
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
        return Symbol(scaled, powers, self.ordering)

    def pruned(self) -> "Symbol":
        """Without terms whose coefficient is known to be zero (one term is kept)."""
        if not _checks.is_concrete(self.coefficients):
            return self
        kept = np.flatnonzero(np.asarray(self.coefficients) != 0)
        if kept.size == 0:
            return self._like(0.0)
        powers = [self.powers[k] for k in kept]
        return Symbol(known(self.coefficients)[kept], powers, self.ordering)

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
        """Points with an axis of modes, also where there is one mode."""
        alpha = jnp.asarray(points)
        alpha = alpha.astype(jnp.result_type(alpha.dtype, jnp.complex64))
        if self.modes == 1:
            return alpha[..., None]
        if alpha.ndim == 0 or alpha.shape[-1] != self.modes:
            raise ValueError(
                f"Argument `points` must have a last axis of {self.modes} modes, but "
                f"has shape {alpha.shape}."
            )
        return alpha

    def to(
        self, ordering: str, hbar: ArrayLike = 1.0, *, prune: bool = True
    ) -> "Symbol":
        """The symbol of the same operator in another ordering.

        f_s' = exp((s' - s)(ħ/2) Σ_i ∂_i ∂*_i) f_s, s = 1 Wick, 0 Weyl, -1 anti-Wick

        Args:
            ordering: "antiwick", "weyl" or "wick".
            hbar: ħ, scalar.
            prune: whether to drop terms whose coefficient is known to be zero; without,
                the powers of the result depend on those of this symbol alone.

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
        symbol = Symbol(values, powers, ordering)
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
        _checks.check_shape(other, "other", ())
        zero = (0,) * self.modes
        value = known(other).astype(self.coefficients.dtype)
        return Symbol(value[None], [(zero, zero)], self.ordering)

    def _require(self, ordering: str) -> None:
        if self.ordering != ordering:
            raise ValueError(
                f"Argument `symbol` must be {ordering} ordered, but is {self.ordering}."
            )
