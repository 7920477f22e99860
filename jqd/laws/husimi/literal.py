"""The equation of the density as printed, on a grid: a diagnostic."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Complex, Float

from ... import _checks
from ..._math import safe_divide, safe_sqrt
from ...constants import static
from ...spaces.symbols import Symbol
from ...spaces.symbols.monomials import monomial
from ...states import Ensemble, antinormal_moment, husimi
from ...status import Status
from .form import Equation, Form, Powers
from .phase_space import Box
from .window import check_window

# Shear leaves this share of the local growth rate, measured for a Kerr oscillator.
_NET_GROWTH = 0.45


class LiteralState(eqx.Module):
    """Q on a grid, and until when it can be trusted.

    Attributes:
        values: Q per d²α, shape (n, n).
        elapsed: time since the start, scalar.
        haste: one over the horizon, 0 where there is none, scalar.
    """

    values: Float[Array, "y x"]
    elapsed: Float[Array, ""]
    haste: Float[Array, ""]

    @property
    def horizon(self) -> Float[Array, ""]:
        """`elapsed` from which on errors may exceed the tolerance."""
        return safe_divide(1, self.haste, otherwise=jnp.inf)


class LiteralGrid(Form):
    """Diagnostic: eq. (56) itself, pseudo-spectral, up to a horizon set beforehand.

    One eigenvalue of the diffusion is negative, so that short waves grow as
    exp(σt), σ = λ_max(D) k²/2, and any error with them: this form shows how little a
    direct solution of the equation can do. Waves above `cutoff` and values outside
    `mask` are removed from each derivative; the run ends with the status HORIZON at

    t = ln(tolerance/δ) / 0.45 σ_max,
    δ = max(ε, exp(-ħ k_c²/8), exp(-(R - |α₀|)²/ħ)),

    with σ_max the growth at the cut-off within the mask. Use `Exact` for results.

    Attributes:
        n: points along X and along Y (static).
        half_width: L; the box is [-L, L)², in √action, some 6 √ħ (static).
        cutoff: k_c, largest wave number kept, per √action (static).
        mask: R, radius outside which nothing moves (static).
        tolerance: error over the largest Q that the horizon allows (static).

    Source: eqs. (43), (56).
    """

    n: int = static(default=80)
    half_width: float = static(default=6.0)
    cutoff: float = static(default=10.0)
    mask: float = static(default=5.5)
    tolerance: float = static(default=1e-2)

    @property
    def box(self) -> Box:
        """The grid."""
        return Box(self.n, self.half_width)

    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """Require one mode, a cut-off that the grid resolves, a mask within the box.

        Raises:
            ValueError: if not, or points of the law outside the box.
        """
        self.box.check(points, equation.hbar)
        for name in ("cutoff", "mask", "tolerance"):
            _checks.check_scalar(getattr(self, name), name)
        _checks.check_positive(self.tolerance, "tolerance")
        if equation.modes != 1:
            raise ValueError(
                "Argument `symbol` must have 1 mode for form 'literal', but has "
                f"{equation.modes}."
            )
        shortest = np.pi * self.n / (2 * self.half_width)
        if not 0 < self.cutoff < shortest:
            raise ValueError(
                f"Argument `cutoff` must be in (0, {shortest:.6g}), what the grid "
                f"resolves, but is {self.cutoff}."
            )
        if not 0 < self.mask <= self.half_width:
            raise ValueError(
                f"Argument `mask` must be in (0, {self.half_width}], but is "
                f"{self.mask}."
            )

    def prepare(self, equation: Equation, psi: Ensemble) -> LiteralState:
        """The Husimi function on the grid, and the horizon.

        Raises:
            ValueError: C outside [0, C_max).
        """
        check_window(equation.C, psi, liouville=True)
        real = psi.weights.dtype
        values = husimi(psi, self.box.points(real), hbar=equation.hbar)
        quanta = jnp.real(antinormal_moment(psi, 1, 1)) - 1
        # the derivative at the vacuum is 0, not infinite
        radius = safe_sqrt(equation.hbar * quanta, quanta > 0)
        haste = self._haste(equation, radius, real).astype(real)
        return LiteralState(values, jnp.zeros((), real), haste)

    def _haste(self, equation: Equation, radius: Array, real: DTypeLike) -> Array:
        points, hbar = self.box.points(real), equation.hbar
        mu, nu = equation.slopes[0]
        second = jnp.abs(_second(equation)(points))
        steepest = jnp.max(jnp.where(jnp.abs(points) <= self.mask, second, 0))
        # |∂/∂β| of a wave is up to μ + |ν| that of ∂/∂α
        fastest = (mu + jnp.abs(nu)) * self.cutoff
        growth = _NET_GROWTH * jnp.abs(equation.C) * hbar / 4 * steepest * fastest**2
        away = jnp.maximum(self.mask - radius, 0)
        start = jnp.stack(
            [
                jnp.asarray(jnp.finfo(real).eps, hbar.dtype),
                jnp.exp(-hbar * self.cutoff**2 / 8),
                jnp.exp(-(away**2) / hbar),
            ]
        )
        # no less than a number that keeps the result one
        span = jnp.maximum(jnp.log(self.tolerance / jnp.max(start)), 1e-4)
        return growth / span

    def vector_field(self, equation: Equation, state: LiteralState) -> LiteralState:
        """-2 Im{∂[(∂*H) Q]} - ħC Im{D²[(D*²H) Q]}, D = ∂/∂β."""
        values = state.values
        points = self.box.points(values.dtype)
        kept = jnp.abs(points) <= self.mask
        inside = jnp.where(kept, values, 0)
        mu, nu = equation.slopes[0]
        k = self.box.wavenumbers(values.dtype)
        low = k[:, None] ** 2 + k[None, :] ** 2 <= self.cutoff**2
        slope = equation.symbol.derivative(conjugate=True)
        drift = jnp.fft.fft2(slope(points) * inside)
        spread = jnp.fft.fft2(_second(equation)(points) * inside)
        plain, starred = self.box.gradients(values.dtype)
        along = mu * plain + nu * starred
        flux = 2 * plain * drift + equation.hbar_eff * along**2 * spread
        rate = -jnp.imag(jnp.fft.ifft2(jnp.where(low, flux, 0)))
        rate = jnp.where(kept, rate, 0).astype(values.dtype)
        return LiteralState(rate, jnp.ones_like(state.elapsed), 0 * state.elapsed)

    def density(
        self, equation: Equation, state: LiteralState, points: Complex[Array, "... 1"]
    ) -> Float[Array, "..."]:
        """Q by its Fourier series; NaN outside the box."""
        del equation
        return self.box.interpolate(jnp.fft.fft2(state.values), points[..., 0])

    def moment(
        self, equation: Equation, state: LiteralState, m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """∫ α^m α*^n Q d²α, by the sum over the grid."""
        del equation
        points = self.box.points(state.values.dtype)
        values = monomial(points[..., None], m, n) * state.values
        return jnp.sum(values) * self.box.spacing**2

    def alarm(self, equation: Equation, state: LiteralState) -> Array:
        """`Status.HORIZON` past the horizon."""
        del equation
        late = state.elapsed * state.haste > 1
        return jnp.where(late, Status.HORIZON, Status.OK)


def _second(equation: Equation) -> Symbol:
    """D*²H = (μ∂* + ν∂)²H"""
    symbol, (mu, nu) = equation.symbol, equation.slopes[0]
    for _ in range(2):
        symbol = symbol.derivative(conjugate=True) * mu + symbol.derivative() * nu
    return symbol
