"""Hamiltonians with parameters and pulses, made of matrices or of symbols."""

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from .._math import matmul
from ..constants import fixed, parts
from .hamiltonians import Hamiltonian
from .pulses import jumps_of, pulse


class Driven(Hamiltonian):
    """H(t) = H_0 + Σ_k f_k(t) H_k, where f_k is a pulse or a number.

    Attributes:
        constant: H_0, an (n, n) Hermitian matrix in energy units, or a `Symbol`.
        operators: H_k by name, each like H_0, in energy over the unit of f_k.
        values: f_k by name, functions of the time, and numbers that a fit may free; a
            pulse whose values are matrices multiplies H_k entry by entry.
    """

    constant: Any = fixed()
    operators: dict[str, Any] = fixed()
    values: dict[str, Any] = parts()

    def __init__(
        self,
        constant: Any,
        operators: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
    ):
        """A Hamiltonian with named parameters and pulses.

        Args:
            constant: H_0.
            operators: H_k, of the shape, or the modes and the ordering, of H_0.
            values: f_k, numbers or functions of the time (see `jqd.pulse`).

        Raises:
            ValueError: operators that differ in what they act on, a value without an
                operator or an operator without a value.
        """
        operators, values = dict(operators or {}), dict(values or {})
        for name, operator in operators.items():
            if _space(operator) != _space(constant):
                raise ValueError(
                    f"Argument `operators` must have {_space(constant)} like the "
                    f"constant part, but {name!r} has {_space(operator)}."
                )
        _check_names(values, operators)
        self.constant = constant
        self.operators = operators
        self.values = {name: _value(values[name], constant) for name in operators}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of parameters and pulses, sorted."""
        return tuple(sorted(self.operators))

    @property
    def pulses(self) -> tuple[str, ...]:
        """The names of pulses, sorted."""
        return tuple(name for name in self.names if callable(self.values[name]))

    @property
    def autonomous(self) -> bool:
        """Whether H is the same at all times."""
        return not self.pulses

    @property
    def modes(self) -> int:
        """Number of modes N, for symbols."""
        return self.constant.modes

    @property
    def levels(self) -> int:
        """Number of levels n, for matrices."""
        return self.constant.shape[0]

    @property
    def shape(self) -> tuple[int]:
        """(n,), for matrices."""
        return (self.levels,)

    def jumps(self) -> Array | None:
        """Times at which a pulse jumps, (J,), where time steps end; None for none."""
        return jumps_of(self.values[name] for name in self.pulses)

    def at(self, t: ArrayLike | None = None) -> Any:
        """H(t), like H_0; for symbols the powers are the same for all values and times.

        Args:
            t: time, scalar; None where nothing depends on it.

        Raises:
            ValueError: no time is given, but there is a pulse.
        """
        if t is None and self.pulses:
            raise ValueError(
                "Argument `t` must be given for a Hamiltonian that changes in time, "
                "but is None."
            )
        return self._with(lambda f: f(t))

    def outline(self) -> Any:
        """H with every pulse set to 1; a symbol then has the powers of all times."""
        return self._with(lambda f: 1.0)

    def _with(self, at: Callable[[Any], ArrayLike]) -> Any:
        values = [self.values[name] for name in self.names]
        values = [at(value) if callable(value) else value for value in values]
        return weighted_sum(
            self.constant, [*map(self.operators.get, self.names)], values
        )

    def with_values(self, **values: Any) -> "Driven":
        """A copy with new values of some parameters or pulses.

        Raises:
            ValueError: a name that is neither a parameter nor a pulse.
        """
        return Driven(self.constant, self.operators, {**self.values, **values})

    def apply(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """H(t) ψ, for matrices."""
        del hbar
        return matmul(self.at(t), psi)

    def __str__(self) -> str:
        terms = [f"{name} ({self.operators[name]})" for name in self.names]
        if not terms or jnp.any(_entries(self.constant) != 0):
            terms.insert(0, str(self.constant))
        return " + ".join(terms)


def weighted_sum(constant: Any, operators: list[Any], values: list[Any]) -> Any:
    """H_0 + Σ_k f_k H_k of matrices, or of symbols, which add themselves up."""
    if hasattr(constant, "plus"):
        return constant.plus(operators, values)
    for operator, value in zip(operators, values, strict=True):
        value = jnp.asarray(value)
        real = jnp.finfo(constant.dtype).dtype
        kind = jnp.result_type(real, jnp.complex64) if jnp.iscomplexobj(value) else real
        constant = constant + value.astype(kind) * operator
    return constant


def _entries(operator: Any) -> Array:
    """The numbers of a matrix or of a symbol."""
    return getattr(operator, "coefficients", operator)


def _space(operator: Any) -> str:
    """What a matrix or a symbol acts on."""
    if hasattr(operator, "ordering"):
        return f"{operator.modes} modes in {operator.ordering} order"
    return f"shape {np.shape(operator)}"


def _check_names(values: dict[str, Any], operators: dict[str, Any]) -> None:
    for name in values:
        if name not in operators:
            known = ", ".join(sorted(operators)) or "none"
            raise ValueError(
                f"Argument `values` must name parameters ({known}), but has {name!r}."
            )
    missing = [name for name in sorted(operators) if name not in values]
    if missing:
        raise ValueError(
            "Argument `hamiltonian` must have a value for each of its parameters, but "
            f"not for {' and '.join(missing)}; give {missing[0]}=NUMBER."
        )


def _value(value: Any, constant: Any) -> Any:
    """A pulse, or a scalar leaf: Python's numbers take the operators' precision."""
    if callable(value):
        return pulse(value)
    _checks.check_scalar(value, "values")
    array = jnp.asarray(value)
    keeps = jnp.issubdtype(array.dtype, jnp.inexact) and not array.weak_type
    if keeps and not isinstance(value, float):
        return array
    return array.astype(jnp.finfo(_entries(constant).dtype).dtype)
