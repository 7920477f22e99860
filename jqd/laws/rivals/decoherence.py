"""Decoherence in space: the mean of laws that localise a particle on a grid."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ...constants import parts
from ...spaces.hamiltonians import ParticleOnGrid
from ...steppers import Flows, Splitting, strang
from ...steppers.flows import PhaseFlow, damped_flow
from ..groups import Exact
from ..schrodinger import Schrodinger
from .density_operators import DensityOperators
from .localisation_kernels import Kernel, read_kernel
from .quantum import hamiltonian_of, read_on_grid
from .self_potential import Departure


class Decoherence(DensityOperators, Departure):
    """∂ρ(x, x')/∂t = -i[H, ρ]/ħ - Γ(x - x') ρ.

    The state is the density operator, (*shape, *shape) on a grid of that shape. The law
    is linear in it and conserves its trace. Γ is that of a kernel, whose constants are
    the law's: `QuadraticDecay` (QMUPL), `GaussianDecay` (CSL and GRW of one particle)
    or `NewtonianDecay` (Diósi and Penrose). A step is Strang's, of two exact flows, the
    kinetic one and V with Γ: any dt keeps ρ positive. Distances are those of the box,
    empty all around, not of its periodic images: a state spread across the seam is not
    described.

    Attributes:
        quantum: Schrödinger's law on a grid of n points, with H and ħ, on one device
            and without an absorber; ρ has n² numbers.
        kernel: Γ, such as `GaussianDecay(lam, r_C)`.

    Source: E. Joos, H. D. Zeh (1985) Z. Phys. B 59, 223.
    """

    quantum: Schrodinger = parts(read=read_on_grid)
    kernel: Kernel = parts(read=read_kernel)

    @property
    def _hamiltonian(self) -> ParticleOnGrid:
        return hamiltonian_of(self.quantum)

    def pair(self, other: Any) -> None:
        """None: there is no rule, since ρ of two particles has too many numbers."""
        del other

    def decay(self) -> Float[Array, "..."]:
        """Γ(x - x'), of the shape of ρ."""
        grid = self._hamiltonian.grid
        apart = tuple(_beside(x)[0] - _beside(x)[1] for x in grid.coordinates)
        rate = self.kernel.decay(apart, self.quantum.hbar)
        return jnp.broadcast_to(rate, 2 * grid.shape)

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """-i[H, ρ]/ħ - Γρ"""
        del args
        moving = jnp.fft.ifftn(self._kinetic_rate(t) * jnp.fft.fftn(state))
        return -1j * (moving + self._potential_rate(t) * state) - self.decay() * state

    def _potential_rate(self, t: ArrayLike) -> Array:
        """(V(x) - V(x'))/ħ"""
        H = self._hamiltonian
        return _difference(1 / self.quantum.hbar * H.potential(H.grid, t))

    def _kinetic_rate(self, t: ArrayLike) -> Array:
        """ħ(k² - k'²)/2m; k² is even, so that both indices are transformed alike."""
        del t
        H = self._hamiltonian
        return _difference(self.quantum.hbar / (2 * H.mass) * H.grid.k2)

    def exact(self) -> Exact:
        """V with Γ (outer), and the kinetic flow."""
        return Exact(flows=self._flows)

    def _flows(self) -> Flows:
        H = self._hamiltonian
        phase = PhaseFlow(
            self._potential_rate, autonomous=H.autonomous, precision=H.mass.dtype
        )
        kinetic = PhaseFlow(
            self._kinetic_rate,
            to_basis=jnp.fft.fftn,
            from_basis=jnp.fft.ifftn,
            precision=H.mass.dtype,
        )
        # the phase refuses a correction before this one is asked
        return Flows(
            damped_flow(phase, lambda t: self.decay(), self._potential_rate), kinetic
        )

    @property
    def stepper(self) -> Splitting:
        """Strang's splitting."""
        return strang


def _beside(values: Array) -> tuple[Array, Array]:
    """Values of x and of x', to be broadcast against each other."""
    ones = (1,) * values.ndim
    return values.reshape(values.shape + ones), values.reshape(ones + values.shape)


def _difference(values: Array) -> Array:
    """f(x) - f(x')"""
    first, second = _beside(values)
    return first - second
