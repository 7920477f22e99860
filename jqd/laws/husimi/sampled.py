"""Many modes for C < 1: coherent starts, drawn from a Gaussian."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ... import _checks
from ...constants import static
from ...spaces.fock import coherent_amplitudes
from ..groups import Resolution
from .form import Equation, Form, Powers
from .gaussian_sum import GaussianSum
from .product_kets import ProductKets, regression
from .sectors import (
    NumberKets,
    ProductStart,
    check_sectors,
    enough_quanta,
    lost_share,
    product_kets,
    product_start,
    read_start,
    sector_sizes,
)


class Samples(eqx.Module):
    """Kets of equal weight, and what they were drawn by.

    Attributes:
        kets: one for each sample.
        normals: of each, (S, 2M), standard.
    """

    kets: NumberKets
    normals: Float[Array, "S 2M"]


class Sampled(Form):
    """ρ = E|b><b| at ħ_eff = Cħ, with b drawn from the P function of the start.

    b_i = α_i/√ħ_eff + √(n_i/2) (x_i + i y_i),   n_i = (n̄+1)/C - 1 >= 0

    with x, y standard normal: each sample is one ket, a product of coherent modes at
    the start. Moments are means without bias; the part of them that is linear in x and
    y, whose mean is known to be 0, is taken out (a control variate). Their standard
    errors, see `standard_error`, fall as 1/√samples, grow as √(1-C) and do not grow
    with the number of modes; of 100 samples they are a tenth too small. H has to
    conserve the number of quanta; moments need not. For long chains see
    `chain_moments`.

    For n_i < 0, C > 1 from coherent modes, there is no such density: signed weights
    would have the variance (C/(2-C))^(2M). See `Response` and `Blocks` there, and
    `Response` for derivatives by C at C = 1.

    Attributes:
        samples: number of kets S (static).
        seed: of the samples (static).
        quanta: largest number of quanta, or None: as many as the tolerance asks for,
            where C and the start are known (static).
        tolerance: ten times what may be left out of the trace.

    Source: R. J. Glauber, Phys. Rev. 131, 2766 (1963), for P.
    """

    samples: int = static(default=1000)
    seed: int = static(default=0)
    quanta: int | None = static(default=None)
    tolerance: float = static(default=1e-6)

    def solves(self, equation: Equation) -> bool:
        """The kets are known at all times at once."""
        del equation
        return True

    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """Number-conserving, at most two powers of α and of α*, enough samples.

        Raises:
            ValueError: else.
        """
        del points
        check_sectors(equation, "sampled", self.quanta, self.tolerance)
        _checks.whole_number(self.samples, "samples", 2 * equation.modes + 2)
        _checks.whole_number(self.seed, "seed", 0)

    def admit(self, equation: Equation, psi: Any) -> GaussianSum:
        """A product of coherent or thermal modes as a `GaussianSum`.

        Raises:
            ValueError: any other state.
        """
        return read_start(psi, equation, "sampled")

    def prepare(self, equation: Equation, psi: GaussianSum) -> Samples:
        """One ket for each sample.

        Raises:
            ValueError: n_eff < 0, kets that do not fit into memory, or `quanta` missing
                where C or the start is traced.
        """
        start, modes = product_start(psi, equation), psi.modes
        amplitudes, normals = self._draw(equation, start)
        quanta = enough_quanta(start, self.quanta, self.tolerance, "sampled")
        size = sum(sector_sizes(modes, quanta))
        _checks.check_memory(
            48.0 * self.samples * size, "samples", f"so many kets of {size} numbers"
        )
        kets = product_kets(coherent_amplitudes(amplitudes, quanta + 1), quanta)
        weights = self._weights(normals)
        return Samples(NumberKets(kets, weights, modes, quanta), normals)

    def product_kets(
        self, equation: Equation, start: ProductStart, levels: int
    ) -> ProductKets:
        """The coherent kets drawn, of so many levels.

        Raises:
            ValueError: n_eff < 0.
        """
        amplitudes, normals = self._draw(equation, start)
        tables = coherent_amplitudes(amplitudes, levels)
        return ProductKets(tables, self._weights(normals), normals)

    def _draw(self, equation: Equation, start: ProductStart) -> tuple[Array, Array]:
        """Amplitudes b, (S, M), and the normals that they are made of, (S, 2M)."""
        _check_positive(start, equation)
        real, modes = start.gains.dtype, start.gains.shape[0]
        shape = (self.samples, 2 * modes)
        normals = jax.random.normal(jax.random.key(self.seed), shape, real)
        noise = jax.lax.complex(normals[:, :modes], normals[:, modes:])
        excess = start.gains - 1
        # rounding at C = 1 is no negative n_eff; a traced C above it gives NaN
        small = jnp.abs(excess) < 64 * jnp.finfo(real).eps
        spread = jnp.sqrt(jnp.where(small, 0, excess) / 2)
        return start.amplitudes[None, :] + spread[None, :] * noise, normals

    def _weights(self, normals: Array) -> Array:
        return jnp.full(self.samples, 1 / self.samples, normals.dtype)

    def orbit(
        self, equation: Equation, state0: Samples, ts: Array
    ) -> tuple[Samples, Array]:
        """exp(-i H_eff t/ħ_eff) on each ket, sector by sector."""
        kets, bound = state0.kets.orbit(equation, ts)
        shape = ts.shape[0], *state0.normals.shape
        return Samples(kets, jnp.broadcast_to(state0.normals, shape)), bound

    def vector_field(self, equation: Equation, state: Samples) -> Samples:
        """-i H_eff v/ħ_eff for each ket."""
        return Samples(state.kets.rates(equation), 0 * state.normals)

    def density(
        self, equation: Equation, state: Samples, points: Complex[Array, "... N"]
    ) -> Float[Array, "..."]:
        """The mean of |<α/√ħ_eff|v>|²/(πħ_eff)^M."""
        return state.kets.density(points, equation.hbar_eff)

    def moment(
        self, equation: Equation, state: Samples, m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """ħ_eff^((|m|+|n|)/2) Tr(ρ b^m b†^n), its control variate taken out."""
        each = state.kets.means(m, n, equation.hbar_eff)
        return regression(each, state.normals)[0]

    def standard_error(
        self, equation: Equation, state: Samples, m: Powers, n: Powers
    ) -> Float[Array, ""]:
        """That of `moment`, of real and imaginary part together.

        Args:
            equation: of the law, `law.equation`.
            state: of the law.
            m: powers of α, one of each mode.
            n: powers of α*, likewise.
        """
        each = state.kets.means(m, n, equation.hbar_eff)
        return regression(each, state.normals)[1]

    def resolution(self, equation: Equation, state: Samples) -> Resolution:
        """What the trace misses; for that of the samples see `standard_error`."""
        del equation
        return lost_share(state.kets.lost())


def _check_positive(start: ProductStart, equation: Equation) -> None:
    """Raise where the P function of the start is no density (skipped for tracers)."""
    if not _checks.is_concrete((start, equation.C)):
        return
    gains = np.asarray(start.gains)
    if np.min(gains) < 1 - 1e-12:
        value = float(np.asarray(equation.C))
        factor = float(np.prod((2 * gains - 1) ** -2.0))
        raise ValueError(
            f"Argument `C` must be at most {value * np.min(gains):.6g} for this state "
            f"and form 'sampled', but is {value:.6g}: signed samples would have "
            f"(C/(2-C))^2M = {factor:.3g} times the variance; use form 'response' or "
            "'blocks'."
        )
