"""Doebner and Goldin's law: currents that diffuse."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import safe_divide, safe_log
from ...constants import Scales, constant, free, parts
from ...spaces.grids import Grid
from ...status import Status
from ..groups import Watch
from ..law import norm_alone
from ..schrodinger import Schrodinger
from ..wrapped import Wrapped
from .quantum import hamiltonian_of, read_on_grid
from .self_potential import DepartureOfKets

# Share of the largest density below which R_j grow beyond what a grid resolves.
NODE = 1e-3


def _spread(law: Any, scales: Scales) -> Array:
    """ħ/m, length squared over time."""
    del scales
    return law.quantum.hbar / hamiltonian_of(law.quantum).mass


class DoebnerGoldin(DepartureOfKets):
    """i dψ/dt = Hψ/ħ + i(D/2) (∇²ρ/ρ) ψ + Σ_j c_j R_j ψ.

    R = (∇·J/ρ, ∇²ρ/ρ, J²/ρ², J·∇ρ/ρ², (∇ρ)²/ρ²), J = Im ψ*∇ψ, so that
    ∂ρ/∂t = -(ħ/m)∇·J + D∇²ρ. The law holds only where ψ has no nodes: a run ends with
    the status NODE where ρ falls below 1e-3 of its largest value. For D > 0 off the
    line of `DoebnerGoldinLine` the equation is expected to be well posed only forwards
    in time.

    Attributes:
        quantum: Schrödinger's law on a grid, with H.
        D: diffusion coefficient, length²/time; 0 in quantum mechanics.
        c: (5,), length²/time; 0 in quantum mechanics.

    Source: H.-D. Doebner, G. A. Goldin (1992) Phys. Lett. A 162, 397; (1996) Phys. Rev.
    A 54, 3764.
    """

    quantum: Schrodinger = parts(read=read_on_grid)
    D: Float[Array, ""] = free(quantum=0.0, span=(0, 0.5), unit=_spread, default=0.0)
    c: Float[Array, "5"] = free(quantum=0.0, span=(-0.1, 0.1), unit=_spread)

    def __init__(self, quantum: Any, D: ArrayLike = 0.0, c: ArrayLike = 0.0) -> None:
        """The law of Doebner and Goldin with these coefficients.

        Args:
            quantum: a `Schrodinger` on a grid.
            D: diffusion coefficient, scalar.
            c: the five coefficients, or one for all.

        Raises:
            ValueError: no grid; D or c not real, or not so many numbers.
        """
        self.quantum, self.D = read_on_grid(quantum), constant(D, "D")
        _checks.check_real(c, "c")
        c = constant(c, "c")
        if c.ndim:
            _checks.check_shape(c, "c", (5,))
        self.c = jnp.broadcast_to(c, (5,))

    def functionals(self, state: Array) -> Float[Array, "5 ..."]:
        """R_1 .. R_5."""
        grid = hamiltonian_of(self.quantum).grid
        rho = self.density(state)
        over = safe_divide(1, rho)
        slopes = _slopes(grid, rho)
        currents = [jnp.imag(jnp.conj(state) * slope) for slope in _slopes(grid, state)]
        # ∇·J = Im ψ*∇²ψ
        flow = jnp.imag(jnp.conj(state) * _laplacian(grid, state))
        return jnp.stack([
            flow * over,
            _laplacian(grid, rho) * over,
            sum(J**2 for J in currents) * over**2,
            sum(J * d for J, d in zip(currents, slopes, strict=True)) * over**2,
            sum(d**2 for d in slopes) * over**2,
        ])  # fmt: skip

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """-iHψ/ħ + (D/2) (∇²ρ/ρ) ψ - i Σ_j c_j R_j ψ."""
        R = self.functionals(state)
        turn = jnp.tensordot(self.c, R, 1)
        own = (self.D / 2 * R[1] - 1j * turn) * state
        return self.quantum.vector_field(t, state, args) + own

    invariants = norm_alone

    def watch(self) -> Watch:
        """NODE where the density falls below 1e-3 of its largest value."""
        watch = super().watch()

        def alarm(t: ArrayLike, before: Array, after: Array) -> Array:
            rho = self.density(after)
            low = jnp.min(rho) < NODE * jnp.max(rho)
            return jnp.where(low, Status.NODE, watch.alarm(t, before, after))

        return watch._replace(alarm=alarm)


class DoebnerGoldinLine(DepartureOfKets):
    """The laws of Doebner and Goldin that a gauge turns into Schrödinger's.

    c = (D, -ηD, 0, -D, ηD/2), η = mD/ħ: ψ = φ exp(2iη ln|φ|), and φ moves by
    Schrödinger's law. The state is φ; ρ = |φ|² is that of quantum mechanics for every
    D, also at nodes, so that no data on densities determine D.

    Attributes:
        quantum: Schrödinger's law on a grid, with H.
        D: diffusion coefficient, length²/time; 0 in quantum mechanics.

    Source: as for `DoebnerGoldin`.
    """

    quantum: Schrodinger = parts(read=read_on_grid)
    D: Float[Array, ""] = free(quantum=0.0, span=(0, 0.5), unit=_spread, default=0.0)

    @property
    def _eta(self) -> Array:
        """η = mD/ħ."""
        return hamiltonian_of(self.quantum).mass * self.D / self.quantum.hbar

    def general(self) -> DoebnerGoldin:
        """The same law by its own equation."""
        D, eta = self.D, self._eta
        shares = [jnp.ones_like(eta), -eta, jnp.zeros_like(eta), -jnp.ones_like(eta)]
        return DoebnerGoldin(self.quantum, D, D * jnp.stack([*shares, eta / 2]))

    def prepare(self, psi: Any) -> Complex[Array, "..."]:
        """φ = ψ exp(-2iη ln|ψ|)."""
        return self._turned(self.quantum.prepare(psi), -1)

    def amplitude(self, state: Array) -> Complex[Array, "..."]:
        """ψ of a state φ."""
        return self._turned(state, 1)

    def watch(self) -> Watch:
        """The reversed state is the φ of the conjugate ψ."""

        def turned(state: Array) -> Array:
            return self._turned(jnp.conj(self.amplitude(state)), -1)

        return super().watch()._replace(reversed=turned)

    def _turned(self, psi: Array, sign: int) -> Array:
        log = safe_log(jnp.abs(psi))
        return (psi * jnp.exp(sign * 2j * self._eta * log)).astype(psi.dtype)

    # φ moves by Schrödinger's law, and what is exact for that law holds for φ
    vector_field, exact = Wrapped.vector_field, Wrapped.exact

    invariants = norm_alone


def _laplacian(grid: Grid, f: Array) -> Array:
    wide = _checks.complex_of(f)
    k2 = grid.spectral_k2.astype(f.real.dtype)
    image = -grid.fft.backward(k2 * grid.fft.forward(wide))
    return image if jnp.iscomplexobj(f) else jnp.real(image)


def _slopes(grid: Grid, f: Array) -> list[Array]:
    """∇f by the spectrum; without the highest wave, which has no slope."""
    spectrum = jnp.fft.fftn(f)
    found = []
    for waves in grid.wavenumbers:
        k = waves.astype(f.real.dtype)
        highest = jnp.abs(k) >= jnp.max(jnp.abs(k)) * (1 - 1e-9)
        image = jnp.fft.ifftn(1j * jnp.where(highest, 0, k) * spectrum)
        found.append(image if jnp.iscomplexobj(f) else jnp.real(image))
    return found
