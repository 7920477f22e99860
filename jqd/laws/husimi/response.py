"""Many modes near C = 1: one quantum more in each mode in turn."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ...constants import static
from ...spaces.fock import coherent_amplitudes
from ..groups import Resolution
from .form import Equation, Form, Powers
from .gaussian_sum import GaussianSum
from .product_kets import ProductKets
from .sectors import (
    NumberKets,
    ProductStart,
    check_sectors,
    enough_quanta,
    lost_share,
    product_kets,
    product_start,
    read_start,
)


class Response(Form):
    """The state at ħ_eff = Cħ to first order in n_eff = (1-C)/C, for many modes.

    ρ = (1 - Σ_i n_i) |b><b| + Σ_i n_i |b,i><b,i|,   |b,i> = (b_i† - b_i*)|b>

    with b_i = α_i/√ħ_eff: M+1 kets, on both sides of C = 1, with its derivative by C
    there exact. H_eff and b are those at C; what is left out is of second order in
    n_eff, so that means deviate from the law by a multiple of (C-1)²: for two quanta
    in a chain of three sites with U = J/2, by 0.05 (C-1)² at Jt = 1 and 0.25 (C-1)² at
    Jt = 2. Use it for |C-1| up to 0.05. H has to conserve the number of quanta; moments
    need not. For long chains see `chain_moments`.

    Starts are products of coherent modes, `GaussianSum.coherent`, or of thermal ones
    whose n_eff = (n̄+1)/C - 1 is small.

    Attributes:
        quanta: largest number of quanta, or None: as many as the tolerance asks for,
            where C and the start are known (static).
        tolerance: ten times what may be left out of the trace.
    """

    quanta: int | None = static(default=None)
    tolerance: float = static(default=1e-9)

    def solves(self, equation: Equation) -> bool:
        """The kets are known at all times at once."""
        del equation
        return True

    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """Number-conserving, at most two powers of α and of α*.

        Raises:
            ValueError: else.
        """
        del points
        check_sectors(equation, "response", self.quanta, self.tolerance)

    def admit(self, equation: Equation, psi: Any) -> GaussianSum:
        """A product of coherent or thermal modes as a `GaussianSum`.

        Raises:
            ValueError: any other state.
        """
        return read_start(psi, equation, "response")

    def prepare(self, equation: Equation, psi: GaussianSum) -> NumberKets:
        """M+1 weighted kets.

        Raises:
            ValueError: C outside its window, or `quanta` missing where C or the start
                is traced.
        """
        start = product_start(psi, equation)
        quanta = enough_quanta(start, self.quanta, self.tolerance, "response")
        kets = self.product_kets(equation, start, quanta + 1)
        return NumberKets(
            product_kets(kets.tables, quanta), kets.weights, psi.modes, quanta
        )

    def product_kets(
        self, equation: Equation, start: ProductStart, levels: int
    ) -> ProductKets:
        """|b>, and |b,i> of each mode, of so many levels."""
        del equation
        b, excess = start.amplitudes, start.gains - 1
        modes = b.shape[0]
        plain = coherent_amplitudes(b, levels)
        roots = jnp.sqrt(jnp.arange(1, levels, dtype=excess.dtype))
        raised = jnp.pad(plain[:, :-1] * roots[None, :], ((0, 0), (1, 0)))
        raised = raised - jnp.conj(b)[:, None] * plain
        # no mode raised, then each in turn
        which = jnp.eye(modes + 1, modes, -1, dtype=bool)
        tables = jnp.where(which[:, :, None], raised[None], plain[None])
        weights = jnp.concatenate([1 - jnp.sum(excess, keepdims=True), excess])
        return ProductKets(tables, weights)

    def orbit(
        self, equation: Equation, state0: NumberKets, ts: Array
    ) -> tuple[NumberKets, Array]:
        """exp(-i H_eff t/ħ_eff) on each ket, sector by sector."""
        return state0.orbit(equation, ts)

    def vector_field(self, equation: Equation, state: NumberKets) -> NumberKets:
        """-i H_eff v/ħ_eff for each ket."""
        return state.rates(equation)

    def density(
        self, equation: Equation, state: NumberKets, points: Complex[Array, "... N"]
    ) -> Float[Array, "..."]:
        """Σ_k w_k |<α/√ħ_eff|v_k>|²/(πħ_eff)^M"""
        return state.density(points, equation.hbar_eff)

    def moment(
        self, equation: Equation, state: NumberKets, m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """ħ_eff^((|m|+|n|)/2) Tr(ρ b^m b†^n)"""
        return jnp.sum(state.weights * state.means(m, n, equation.hbar_eff))

    def resolution(self, equation: Equation, state: NumberKets) -> Resolution:
        """What the trace misses, and (Σ_i n_i)² for the second order.

        The error of the mean of one mode is much smaller where there are many modes.
        """
        del equation
        return lost_share(state.lost() + jnp.sum(jnp.abs(state.weights[1:])) ** 2)
