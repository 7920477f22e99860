"""Hamiltonians: dense and diagonal matrices, and particles on periodic grids."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Inexact

from .. import _checks
from .._math import abs2, matmul
from ..constants import constant, fixed, scalars
from ..status import Status
from ..steppers.flows import Flow, Flows, PhaseFlow, damped_flow
from .grids import Grid
from .potentials import FunctionPotential, SampledPotential
from .vector_potentials import SEAM_SHARE


class Hamiltonian(eqx.Module):
    """What moves a ψ: iħ dψ/dt = Hψ.

    What every law needs of it. Those that are not abstract default to what holds for a
    constant matrix; a Hamiltonian `OnGrid` has more, and a series of it needs
    `spectral_bounds`.
    """

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of ψ."""

    @property
    @abc.abstractmethod
    def autonomous(self) -> bool:
        """Whether H is the same at all times."""

    @abc.abstractmethod
    def apply(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """H psi."""

    def energy(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """<psi|H|psi>, the sum over the entries; with an absorber <psi|H + iW|psi>."""
        return jnp.sum(jnp.real(jnp.conj(psi) * self.apply(psi, t, hbar)))

    def flows(self, hbar: Array) -> Flows | None:
        """Exact flows of two parts of iħ dψ/dt = Hψ, for splittings, or None."""
        del hbar
        return None

    def jumps(self) -> Array | None:
        """Times at which H jumps, (J,), where time steps end; None for none."""
        return None

    def impulses(self) -> Array | None:
        """Times at which ψ and paths change abruptly, (K,); None for none."""
        return None

    def after_impulse(self, k: int, psi: Array) -> Array:
        """ψ after the k-th impulse."""
        del k
        return psi

    def displaced(self, k: int, x: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Positions of paths after the k-th impulse."""
        del k
        return x

    def check_state(self, psi: Array) -> None:
        """Raise for a ψ for which H is not the Hamiltonian that is meant.

        Raises:
            ValueError: ψ is of this kind.
        """
        del psi


class MatrixHamiltonian(Hamiltonian):
    """H as a Hermitian matrix (n, n), or as its diagonal (n,).

    Attributes:
        matrix: (n, n) Hermitian or (n,) real, in energy units.
    """

    matrix: Inexact[Array, "..."] = fixed()

    @property
    def dense(self) -> Inexact[Array, "n n"]:
        """The full matrix, even where only its diagonal is stored."""
        return jnp.diag(self.matrix) if self.matrix.ndim == 1 else self.matrix

    @property
    def levels(self) -> int:
        """Number of levels n."""
        return self.matrix.shape[0]

    @property
    def shape(self) -> tuple[int]:
        """(n,)"""
        return (self.levels,)

    def at(self, t: ArrayLike) -> Inexact[Array, "n n"]:
        """H(t), the same at all times."""
        del t
        return self.dense

    @property
    def autonomous(self) -> bool:
        """A matrix does not depend on time."""
        return True

    def apply(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """H psi."""
        del t, hbar
        diagonal = self.matrix.ndim == 1
        return self.matrix * psi if diagonal else matmul(self.matrix, psi)


class OnGrid(Hamiltonian):
    """H = T + V(x, t) - iW(x) on a periodic grid; subclasses define T.

    Attributes:
        potential: V, energy units.
        mass: m, scalar, or one for each axis.
        grid: the grid (static).
        absorber: W >= 0 of the grid's shape, energy units; None for none. With W, the
            norm falls by 2 <W> / hbar per unit of time.
    """

    potential: eqx.AbstractVar[SampledPotential | FunctionPotential]
    mass: eqx.AbstractVar[Float[Array, "..."]]
    grid: eqx.AbstractVar[Grid]
    absorber: eqx.AbstractVar[Float[Array, "..."] | None]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the grid."""
        return self.grid.shape

    @property
    def masses(self) -> tuple[Array, ...]:
        """The mass along each axis; infinite where nothing moves by itself."""
        return tuple(jnp.broadcast_to(self.mass, (self.grid.ndim,)))

    @abc.abstractmethod
    def flows(self, hbar: Array) -> Flows:
        """The potential (outer) and kinetic (inner) flows of i hbar dpsi/dt = H psi."""

    @abc.abstractmethod
    def spectral_bounds(self, hbar: Array) -> tuple[Array, Array]:
        """Numbers that enclose the spectrum of a constant H without absorber."""

    def convection(self, t: ArrayLike, x: Float[Array, "n d"]) -> Array | None:
        """Velocity of paths besides (hbar/m) Im grad psi/psi, (n, d); None for none."""
        del t, x
        return None

    def seam_share(self, psi: Array, t: ArrayLike) -> Array | None:
        """Share of |psi|² at seams of the box where H is not what is meant, or None."""
        del psi, t
        return None

    def check_state(self, psi: Array) -> None:
        """Raise for a state at a seam of the box across which a vector potential jumps.

        Raises:
            ValueError: a share above 1e-6 of the state lies there.
        """
        share = self.seam_share(psi, 0.0)
        if share is None or not _checks.is_concrete(share):
            return
        if float(share) > SEAM_SHARE:
            raise ValueError(
                "Argument `psi` must have no weight at a seam of the box across which "
                f"the vector potential jumps, but a share of {float(share):.3g} of it "
                "is there: enlarge the box, or choose another gauge."
            )

    def alarm(self, t: ArrayLike, psi: Array) -> Array:
        """EDGE for a state that `check_state` would refuse, else OK."""
        share = self.seam_share(psi, t)
        if share is None:
            return jnp.asarray(Status.OK)
        return jnp.where(share > SEAM_SHARE, Status.EDGE, Status.OK)

    def on_potential(self, psi: Array, t: ArrayLike) -> Array:
        """(V - iW) psi."""
        image = self.potential(self.grid, t).astype(self.mass.dtype) * psi
        if self.absorber is None:
            return image
        return image - 1j * (self.absorber.astype(self.mass.dtype) * psi)

    def potential_flow(self, hbar: Array) -> Flow | PhaseFlow:
        """exp(-i (V - iW) dt / hbar), with the correction (grad V - i grad W)^2 / m."""
        grid, absorber = self.grid, self.absorber

        def over_mass(squares: Array) -> Array:
            # Constants are combined before they meet an array: XLA divides an array by
            # one number and by a batch of numbers with different rounding, and a batch
            # must equal its members bit for bit.
            return sum(
                1 / (m * hbar) * square
                for m, square in zip(self.masses, squares, strict=True)
            )  # pyright: ignore[reportReturnType]

        def correction(t: ArrayLike) -> Array:
            squares = self.potential.gradient(grid, t) ** 2
            if absorber is not None:
                squares = squares - _slopes(grid, absorber) ** 2
            return over_mass(squares)

        phase = PhaseFlow(
            rate=lambda t: 1 / hbar * self.potential(grid, t),
            correction=correction,
            autonomous=self.potential.autonomous,
            precision=self.mass.dtype,
        )
        if absorber is None:
            return phase

        def product(t: ArrayLike) -> Array:
            return over_mass(
                2 * self.potential.gradient(grid, t) * _slopes(grid, absorber)
            )

        return damped_flow(phase, lambda t: 1 / hbar * absorber, product)


class ParticleOnGrid(OnGrid):
    """H = p^2 / 2m + V(x, t) - iW(x) on a periodic grid, with one mass.

    Attributes:
        potential: V, energy units.
        mass: m, scalar.
        grid: the grid (static).
        absorber: W >= 0 of the grid's shape, energy units; None for none.
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
        # ħ at the end: ħ²/2m in SI is below float32
        return hbar * (hbar / (2 * self.mass) * self.grid.spectral_k2)

    def apply(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """H psi."""
        kinetic = self.kinetic(hbar).astype(self.mass.dtype)
        fft = self.grid.fft
        moving = fft.backward(kinetic * fft.forward(psi))
        return moving + self.on_potential(psi, t)

    def energy(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """<psi|p^2/2m + V|psi>, summed over the points; one transform (Parseval)."""
        precision = self.mass.dtype
        spectrum = self.grid.fft.forward(psi)
        kinetic = self.kinetic(hbar).astype(precision) * abs2(spectrum)
        potential = self.potential(self.grid, t).astype(precision) * abs2(psi)
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
        return Flows(self.potential_flow(hbar), inner)

    def spectral_bounds(self, hbar: Array) -> tuple[Array, Array]:
        """Numbers that enclose the spectrum: [min V, max V + max kinetic energy].

        Raises:
            ValueError: an absorber, with which the spectrum is not real.
        """
        refuse_absorber(self)
        values = self.potential(self.grid, 0.0)
        return jnp.min(values), jnp.max(values) + jnp.max(self.kinetic(hbar))


def refuse_absorber(H: OnGrid) -> None:
    """Raise where an absorber keeps the spectrum from being real."""
    if H.absorber is not None:
        raise ValueError(
            "Argument `method` must not be a Propagator for a law with an "
            "absorber, but is: its spectrum is not real; use Fixed(strang), "
            "Fixed(chin4a) or Adaptive."
        )


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


def read_masses(mass: ArrayLike, ndim: int) -> Array:
    """One mass for all axes, or one for each axis, as a leaf.

    Args:
        mass: scalar, or (ndim,). An infinite mass means that nothing moves by itself
            along its axis; (1,) becomes a scalar.
        ndim: number of axes.

    Raises:
        ValueError: another shape, masses that are not positive, or no finite mass.
    """
    _checks.check_numbers(mass, "mass")
    if np.ndim(mass) == 0:
        (one,) = scalars(mass=mass)
        _checks.check_positive(mass, "mass")
        return one
    _checks.check_shape(mass, "mass", (ndim,))
    _checks.check_real(mass, "mass")
    if _checks.is_concrete(mass):
        values = _checks.concrete(mass)
        if not np.all(values > 0) or np.all(np.isinf(values)):
            raise ValueError(
                "Argument `mass` must be positive on every axis and finite on one, but "
                f"is {values.tolist()}."
            )
    return jnp.squeeze(constant(mass, "mass")) if ndim == 1 else constant(mass, "mass")
