"""Hamiltonians: dense and diagonal matrices, and particles on periodic grids."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Inexact

from .. import _checks
from ..constants import fixed
from ..steppers.flows import DampedFlow, Flows, PhaseFlow
from .grids import Grid
from .potentials import FunctionPotential, SampledPotential


class MatrixHamiltonian(eqx.Module):
    """H as a Hermitian matrix (n, n), or as its diagonal (n,).

    Attributes:
        matrix: (n, n) Hermitian or (n,) real, in energy units.
    """

    matrix: Inexact[Array, "..."] = fixed()

    @property
    def dense(self) -> Inexact[Array, "n n"]:
        """The matrix, also where only its diagonal is held."""
        return jnp.diag(self.matrix) if self.matrix.ndim == 1 else self.matrix

    @property
    def autonomous(self) -> bool:
        """A matrix does not depend on time."""
        return True

    def apply(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """H psi."""
        del t, hbar
        return self.matrix * psi if self.matrix.ndim == 1 else self.matrix @ psi

    def energy(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """<psi|H|psi>, the sum over the entries."""
        return jnp.sum(jnp.real(jnp.conj(psi) * self.apply(psi, t, hbar)))


class ParticleOnGrid(eqx.Module):
    """H = p^2 / 2m + V(x, t) - iW(x) on a periodic grid.

    Attributes:
        potential: V, energy units.
        mass: m, scalar.
        grid: the grid (static).
        absorber: W >= 0 of the grid's shape, energy units; None for none. The norm
            then falls, by 2 <W> / hbar per unit of time.
    """

    potential: SampledPotential | FunctionPotential
    mass: Float[Array, ""]
    grid: Grid
    absorber: Float[Array, "..."] | None = None

    @property
    def autonomous(self) -> bool:
        """Whether V is the same at all times."""
        return self.potential.autonomous

    def kinetic(self, hbar: Array) -> Array:
        """hbar^2 k^2 / 2m in the order of the grid's `fft`."""
        return hbar**2 / (2 * self.mass) * self.grid.spectral_k2

    def apply(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """H psi."""
        precision = self.mass.dtype
        kinetic = self.kinetic(hbar).astype(precision)
        fft = self.grid.fft
        moving = fft.backward(kinetic * fft.forward(psi))
        image = moving + self.potential(self.grid, t).astype(precision) * psi
        if self.absorber is None:
            return image
        return image - 1j * (self.absorber.astype(precision) * psi)

    def energy(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """<psi|p^2/2m + V|psi>, summed over the points; one transform (Parseval)."""
        precision = self.mass.dtype
        spectrum = self.grid.fft.forward(psi)
        kinetic = self.kinetic(hbar).astype(precision) * _square(spectrum)
        potential = self.potential(self.grid, t).astype(precision) * _square(psi)
        return jnp.sum(kinetic) / psi.size + jnp.sum(potential)

    def flows(self, hbar: Array) -> Flows:
        """The potential (outer) and kinetic (inner) flows of i hbar dpsi/dt = H psi."""
        fft = self.grid.fft
        inner = PhaseFlow(
            rate=lambda t: hbar / (2 * self.mass) * self.grid.spectral_k2,
            to_basis=fft.forward,
            from_basis=fft.backward,
            precision=self.mass.dtype,
        )
        return Flows(self._potential_flow(hbar), inner)

    def _potential_flow(self, hbar: Array) -> PhaseFlow | DampedFlow:
        """exp(-i (V - iW) dt / hbar); what corrects it is (grad V - i grad W)^2."""
        grid, absorber = self.grid, self.absorber

        # Constants are combined before they meet an array: XLA divides an array by one
        # number and by a batch of numbers with different rounding, and a batch must
        # equal its members bit for bit.
        def correction(t: ArrayLike) -> Array:
            square = self.potential.squared_gradient(grid, t)
            if absorber is not None:
                square = square - jnp.sum(_slopes(grid, absorber) ** 2, axis=0)
            return 1 / (self.mass * hbar) * square

        phase = PhaseFlow(
            rate=lambda t: 1 / hbar * self.potential(grid, t),
            correction=correction,
            autonomous=self.autonomous,
            precision=self.mass.dtype,
        )
        if absorber is None:
            return phase

        def product(t: ArrayLike) -> Array:
            slopes = self.potential.gradient(grid, t) * _slopes(grid, absorber)
            return 2 / (self.mass * hbar) * jnp.sum(slopes, axis=0)

        return DampedFlow(phase, lambda t: 1 / hbar * absorber, product)

    def spectral_bounds(self, hbar: Array) -> tuple[Array, Array]:
        """Numbers that enclose the spectrum: [min V, max V + max kinetic energy].

        Raises:
            ValueError: an absorber, with which the spectrum is not real.
        """
        if self.absorber is not None:
            raise ValueError(
                "Argument `method` must not be a Propagator for a law with an "
                "absorber, but is: its spectrum is not real; use Fixed(strang), "
                "Fixed(chin4a) or Adaptive."
            )
        values = self.potential(self.grid, 0.0)
        return jnp.min(values), jnp.max(values) + jnp.max(self.kinetic(hbar))


def _square(psi: Array) -> Array:
    return jnp.real(psi) ** 2 + jnp.imag(psi) ** 2


def _slopes(grid: Grid, absorber: Array) -> Array:
    """grad W, (ndim, *shape)."""
    return jnp.stack(grid.gradient(absorber))


def matrix_hamiltonian(hamiltonian: ArrayLike) -> MatrixHamiltonian:
    """A checked matrix Hamiltonian.

    Args:
        hamiltonian: (n, n) Hermitian, or (n,) real for a diagonal one.

    Returns:
        The Hamiltonian; integers become floats.

    Raises:
        ValueError: not square, not Hermitian or not finite.
    """
    _checks.check_numbers(hamiltonian, "hamiltonian")
    matrix = jnp.asarray(hamiltonian)
    if not jnp.issubdtype(matrix.dtype, jnp.inexact):
        matrix = matrix.astype(jnp.result_type(float))
    _checks.check_finite(matrix, "hamiltonian")
    _checks.check_hermitian(matrix, "hamiltonian")
    return MatrixHamiltonian(matrix)
