"""The equation of the density as it stands, on a grid: a diagnostic."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ...spaces.symbols import Symbol
from ...spaces.symbols.monomials import monomial
from ...states import antinormal_moment, as_ensemble, husimi
from ...steppers import rk4
from ..status import Status
from .checks import check_box
from .form import Form
from .phase_space import (
    check_inside,
    gradients,
    grid_points,
    interpolate,
    wavenumbers,
)
from .window import check_window

if TYPE_CHECKING:
    from .law import HusimiFokkerPlanck

# What shear leaves of the local growth rate, as measured for a Kerr oscillator.
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
        ends = self.haste > 0
        return jnp.where(ends, 1 / jnp.where(ends, self.haste, 1), jnp.inf)


class LiteralGrid(Form):
    """Diagnostic: eq. (56) itself, pseudo-spectral, up to a horizon set beforehand.

    One eigenvalue of the diffusion is negative, so that short waves grow as
    exp(σt), σ = λ_max(D) k²/2, and any error with them: this form shows what a direct
    solution of the equation can do, which is little. Waves above `cutoff` and what
    lies outside `mask` are removed from each derivative; the run ends with the status
    HORIZON at

    t = ln(tolerance/δ) / 0.45 σ_max,
    δ = max(ε, exp(-ħ k_c²/8), exp(-(R - |α₀|)²/ħ)),

    with σ_max the growth at the cut-off within the mask. Use `Heff` for results.

    Attributes:
        n: points along X and along Y (static).
        half_width: L; the box is [-L, L)² (static).
        cutoff: k_c, largest wave number kept, per √action (static).
        mask: R, radius outside which nothing moves (static).
        tolerance: error over the largest Q that the horizon allows (static).

    Source: eqs. (43), (56).
    """

    n: int = eqx.field(static=True, default=80)
    half_width: float = eqx.field(static=True, default=6.0)
    cutoff: float = eqx.field(static=True, default=10.0)
    mask: float = eqx.field(static=True, default=5.5)
    tolerance: float = eqx.field(static=True, default=1e-2)

    def check(self, law: "HusimiFokkerPlanck") -> None:
        """One mode, a cut-off that the grid resolves, a mask within the box.

        Raises:
            ValueError: else, or points of the law outside the box.
        """
        check_box(self.n, self.half_width)
        for name in ("cutoff", "mask", "tolerance"):
            _checks.check_scalar(getattr(self, name), name)
        _checks.check_positive(self.tolerance, "tolerance")
        if law.modes != 1:
            raise ValueError(
                "Argument `symbol` must have 1 mode for form 'literal', but has "
                f"{law.modes}."
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
        if law.points is not None:
            check_inside(law.points, self.half_width)

    def prepare(self, law: "HusimiFokkerPlanck", psi: Any) -> LiteralState:
        """The Husimi function on the grid, and the horizon.

        Raises:
            ValueError: C outside [0, C_max).
        """
        ensemble = as_ensemble(psi, 1, "psi")
        if not _is_zero(law.C):
            check_window(law.C, ensemble)
        real = ensemble.weights.dtype
        values = husimi(ensemble, self._points(real), hbar=law.hbar)
        quanta = jnp.real(antinormal_moment(ensemble, 1, 1)) - 1
        # a guarded root: the derivative at the vacuum is 0, not infinite
        inside = jnp.where(quanta > 0, quanta, 1)
        radius = jnp.where(quanta > 0, jnp.sqrt(law.hbar * inside), 0)
        haste = self._haste(law, radius, real).astype(real)
        return LiteralState(values, jnp.zeros((), real), haste)

    def horizon(
        self, law: "HusimiFokkerPlanck", state0: LiteralState
    ) -> Float[Array, ""]:
        """Time from the start until errors may exceed the tolerance, or infinity."""
        del law
        return state0.horizon

    def _haste(self, law: "HusimiFokkerPlanck", radius: Array, real: Any) -> Array:
        points = self._points(real)
        mu, nu = _lengths(law)
        second = jnp.abs(_second(law.symbol, mu, nu)(points))
        steepest = jnp.max(jnp.where(jnp.abs(points) <= self.mask, second, 0))
        # |∂/∂β| of a wave is up to μ + |ν| that of ∂/∂α
        fastest = (mu + jnp.abs(nu)) * self.cutoff
        growth = _NET_GROWTH * jnp.abs(law.C) * law.hbar / 4 * steepest * fastest**2
        away = jnp.maximum(self.mask - radius, 0)
        start = jnp.stack(
            [
                jnp.asarray(jnp.finfo(real).eps, law.hbar.dtype),
                jnp.exp(-law.hbar * self.cutoff**2 / 8),
                jnp.exp(-(away**2) / law.hbar),
            ]
        )
        # no less than a number that keeps the result one
        span = jnp.maximum(jnp.log(self.tolerance / jnp.max(start)), 1e-4)
        return growth / span

    def vector_field(
        self, law: "HusimiFokkerPlanck", t: ArrayLike, state: LiteralState
    ) -> LiteralState:
        """-2 Im{∂[(∂*H) Q]} - ħC Im{D²[(D*²H) Q]}, D = ∂/∂β."""
        del t
        values = state.values
        points = self._points(values.dtype)
        kept = jnp.abs(points) <= self.mask
        inside = jnp.where(kept, values, 0)
        mu, nu = _lengths(law)
        k = wavenumbers(self.n, self.half_width, values.dtype)
        low = k[:, None] ** 2 + k[None, :] ** 2 <= self.cutoff**2
        drift = jnp.fft.fft2(law.symbol.derivative(conjugate=True)(points) * inside)
        spread = jnp.fft.fft2(_second(law.symbol, mu, nu)(points) * inside)
        plain, starred = gradients(drift, self.half_width)
        along = mu * plain + nu * starred
        flux = 2 * plain * drift + law.C * law.hbar * along**2 * spread
        rate = -jnp.imag(jnp.fft.ifft2(jnp.where(low, flux, 0)))
        rate = jnp.where(kept, rate, 0).astype(values.dtype)
        return LiteralState(rate, jnp.ones_like(state.elapsed), 0 * state.elapsed)

    def step(
        self,
        law: "HusimiFokkerPlanck",
        t: ArrayLike,
        state: LiteralState,
        dt: ArrayLike,
    ) -> LiteralState:
        """A Runge-Kutta step of fourth order."""
        return rk4(law, t, state, dt)

    def density(
        self,
        law: "HusimiFokkerPlanck",
        state: LiteralState,
        points: Complex[Array, "... 1"],
    ) -> Float[Array, "..."]:
        """Q by its Fourier series; NaN outside the box."""
        del law
        spectrum = jnp.fft.fft2(state.values)
        return interpolate(spectrum, self.half_width, points[..., 0])

    def moment(
        self,
        law: "HusimiFokkerPlanck",
        state: LiteralState,
        m: tuple[int, ...],
        n: tuple[int, ...],
    ) -> Complex[Array, ""]:
        """∫ α^m α*^n Q d²α, by the sum over the grid."""
        del law
        points = self._points(state.values.dtype)
        cell = (2 * self.half_width / self.n) ** 2
        return jnp.sum(monomial(points[..., None], m, n) * state.values) * cell

    def alarm(
        self,
        law: "HusimiFokkerPlanck",
        t: ArrayLike,
        before: LiteralState,
        after: LiteralState,
    ) -> Array:
        """`Status.HORIZON` past the horizon."""
        del law, t, before
        late = after.elapsed * after.haste > 1
        return jnp.where(late, Status.HORIZON, Status.OK)

    def _points(self, dtype: Any) -> Complex[Array, "y x"]:
        return grid_points(self.n, self.half_width, dtype)


def _lengths(law: "HusimiFokkerPlanck") -> tuple[ArrayLike, ArrayLike]:
    """D = μ∂ + ν∂*"""
    if law.s is None:
        return 1.0, 0.0
    s = law.s[0]
    return (s + 1 / s) / 2, (s - 1 / s) / 2


def _second(symbol: Symbol, mu: ArrayLike, nu: ArrayLike) -> Symbol:
    """D*²H = (μ∂* + ν∂)²H"""
    for _ in range(2):
        symbol = symbol.derivative(conjugate=True) * mu + symbol.derivative() * nu
    return symbol


def _is_zero(value: Array) -> bool:
    return _checks.is_concrete(value) and float(np.asarray(value)) == 0
