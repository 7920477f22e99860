"""A commutator-free step for ψ under a Hamiltonian that changes in time."""

import math
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

# The first term that is left out is x^17/17!: 3e-15 for |H| dt / 2ħ = x = 1.
_TERMS = 16


class Generated(Protocol):
    """What the step follows: a law of iħ dψ/dt = H(t) ψ."""

    def generator(self) -> Any:
        """H, which knows `at(t)`, and ħ."""
        ...


class CommutatorFree4(eqx.Module):
    """Fourth-order step of iħ dψ/dt = H(t) ψ by two exponentials.

    ψ(t + dt) = exp(-i dt (b A + a B)/ħ) exp(-i dt (a A + b B)/ħ) ψ(t)
    A, B = H(t + (1/2 ∓ √3/6) dt),  a = 1/4 + √3/6,  b = 1/4 - √3/6

    Exact where H is constant, to the rounding of an exponential by its series: steps
    are to keep |H| dt/ħ below about 2. H is not asked for at the ends of the step,
    where a pulse may jump.

    Source: Blanes & Moan (2006) Appl. Numer. Math. 56, 1519.
    """

    @property
    def order(self) -> int:
        """Order of the global error."""
        return 4

    def __call__(
        self, law: Generated, t: ArrayLike, state: Array, dt: ArrayLike
    ) -> Array:
        """The state at t + dt.

        Args:
            law: a law whose `generator()` has a Hamiltonian with `at(t)`, a matrix.
            t: time, scalar.
            state: ψ, (n,) complex.
            dt: step, scalar, of either sign.

        Returns:
            ψ, (n,).
        """
        hamiltonian, hbar = law.generator()
        offset = math.sqrt(3) / 6
        first = hamiltonian.at(t + (0.5 - offset) * dt)
        second = hamiltonian.at(t + (0.5 + offset) * dt)
        a, b = 0.25 + offset, 0.25 - offset
        scale = -1j * dt / hbar
        state = _exponential(scale * (a * first + b * second), state)
        return _exponential(scale * (b * first + a * second), state)


def _exponential(matrix: Array, vector: Array) -> Array:
    """exp(matrix) vector by its series."""

    def term(carry: tuple[Array, Array], n: Array):
        power, total = carry
        power = (matrix @ power) / n
        return (power, total + power), None

    orders = jnp.arange(1, _TERMS + 1, dtype=jnp.finfo(vector.dtype).dtype)
    (_, total), _ = jax.lax.scan(term, (vector, vector), orders, unroll=_TERMS)
    return total


cf4 = CommutatorFree4()
