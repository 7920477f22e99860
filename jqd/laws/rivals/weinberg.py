"""Weinberg's nonlinear mechanics with one quadratic term."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import matmul, safe_divide
from ...constants import constant, fixed, free, static
from .quantum import read_levels
from .self_potential import SelfPotential

PARTNERS = "bare", "reduced"


class Weinberg(SelfPotential):
    """iħ dψ_k/dt = ∂h/∂ψ_k*,  h = ⟨ψ|H|ψ⟩ + ε n a².

    Here n = Σ_k |ψ_k|² and a = Σ_k A_k |ψ_k|²/n. h is real and homogeneous of degree
    one in ψ and in ψ*: 2ψ moves as ψ does. For two levels with A = (0, 1) the
    transition frequency (E₂ - E₁ + 2 ε a)/ħ depends on the state. The law conserves n
    and h.

    With a partner of N levels, ψ_kb with b the faster index, there are two laws that
    are the same where the system is alone: `bare` sums h(ψ_·b) over the basis of the
    partner, which then matters; `reduced` is h of the system's reduced density matrix,
    after Polchinski.

    Attributes:
        quantum: Schrödinger's law, with H (of the pair, where there is one) and ħ.
        eps: ε, energy, scalar; 0 in quantum mechanics.
        A: observable of the system, (M,).
        levels: N of the partner, 1 for none (static).
        partner: "bare" or "reduced" (static).

    Source: S. Weinberg (1989) Ann. Phys. 194, 336; J. Polchinski (1991) Phys. Rev.
    Lett. 66, 397.
    """

    eps: Float[Array, ""] = free(quantum=0.0, span=(-0.5, 0.5), unit="energy")
    A: Float[Array, " M"] = fixed()
    levels: int = static(default=1)
    partner: str = eqx.field(static=True, default="bare")

    def __init__(
        self,
        quantum: Any,
        eps: ArrayLike = 0.0,
        *,
        A: ArrayLike | None = None,
        levels: int = 1,
        partner: str = "bare",
    ) -> None:
        """Weinberg's law for one observable A.

        Args:
            quantum: a matrix H, (M N, M N), which may be `driven`, or a `Schrodinger`
                with H and ħ.
            eps: ε, energy, scalar.
            A: (M,) real; None for the share of the last level.
            levels: N of a partner.
            partner: which of the two laws of pairs.

        Raises:
            ValueError: on a grid; an observable or a partner that does not
                fit; eps not one real number.
        """
        self.quantum = read_levels(quantum)
        (size,) = self.quantum.hamiltonian.shape
        _checks.check_positive_integer(levels, "levels")
        if size % levels:
            raise ValueError(
                f"Argument `levels` must divide the {size} levels of H, but is "
                f"{levels}."
            )
        _checks.check_choice(partner, "partner", PARTNERS)
        self.eps = constant(eps, "eps")
        own = size // levels
        A = jnp.zeros(own).at[-1].set(1) if A is None else constant(A, "A")
        _checks.check_real(A, "A")
        _checks.check_shape(A, "A", (own,))
        self.A, self.levels, self.partner = A, int(levels), partner

    def pair(self, other: Array) -> "Weinberg | None":
        """One of the two laws of pairs, by `partner`; None for a law of a pair."""
        both = self.quantum.pair(other)
        if both is None or self.levels > 1:
            return None
        return Weinberg(
            both, self.eps, A=self.A, levels=other.shape[0], partner=self.partner
        )

    def _shares(self, rho: Array) -> tuple[Array, Array]:
        """a and n, of each state of the partner (bare) or of all (reduced)."""
        table = rho.reshape(-1, self.levels)
        if self.partner == "reduced":
            table = jnp.sum(table, axis=1, keepdims=True)
        n, part = matmul(jnp.stack([jnp.ones_like(self.A), self.A]), table)
        return safe_divide(part, n), n

    def self_potential(self, rho: Float[Array, "..."]) -> Float[Array, "..."]:
        """ε (2 a A_k - a²)."""
        a, _ = self._shares(rho)
        U = self.eps * (2 * a[None, :] * self.A[:, None] - a[None, :] ** 2)
        return jnp.broadcast_to(U, (self.A.shape[0], self.levels)).reshape(rho.shape)

    def self_energy(self, rho: Float[Array, "..."]) -> Float[Array, ""]:
        """ε Σ n a²."""
        a, n = self._shares(rho)
        return self.eps * jnp.sum(n * a**2)
