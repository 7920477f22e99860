"""Pauli's law: a particle of spin ½ on a grid."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._math import abs2, safe_divide
from ..constants import scalars, switch
from ..spaces.absorbers import read_absorber
from ..spaces.grids import Grid
from ..spaces.hamiltonians import read_masses
from ..spaces.magnetic_fields import MagneticField
from ..spaces.particles import particles_on_grid
from ..spaces.potentials import FunctionPotential, SampledPotential, potential
from ..spaces.spinors import SpinorOnGrid, spin_density, spinor_on_grid
from ..spaces.vector_potentials import VectorPotential
from ..steppers import kahan_li6, srkn11, strang
from .groups import Watch
from .law import Wave
from .linear import LinearLaw


class Pauli(LinearLaw):
    """iħ ∂ψ/∂t = [Σ_i (p_i - qA_i)²/2m_i + V - (g q ħ/4m) B·σ] ψ, ψ of two components.

    The state is (2, *grid.shape), such as `jnp.multiply.outer(spin, packet)`, spin up
    along z first. The law conserves the norm, the energy where nothing depends on time,
    and the spin along B where B has one direction. In such a field `srkn11` and
    `chin4a` of `jqd.steppers` keep their orders 6 and 4. In a field that turns, from
    place to place or in time, these would fall to 4 and 2 and are refused: `kahan_li6`
    and `kahan_li8` keep theirs.

    Every g is quantum mechanics: g belongs to the particle, as mass and charge do (2
    by Dirac's equation, 2.00232 for the electron), so no value is singled out as the
    quantum one. Densities determine only g q/m, by the field that turns the spin, and
    q/m, by A.

    A magnet in one dimension, B = (B₀ + bz) along z, leaves out the transverse field
    -bx that ∇·B = 0 demands. This holds where B₀ is strong: the spin turns about z so
    fast that the forces of the transverse part average out.

    Paths of `jqd.ensembles` follow v = [ħ Im ψ†∇ψ - qAρ]/mρ, ρ = ψ†ψ. With
    `spin_current` ∇×(ψ†σψ) ħ/2m is added to the current mv, with axes x, y, z. It has
    no divergence, so that ρ stays the same but the paths change; in one dimension it
    is 0.

    Attributes:
        hamiltonian: H, with its constants: g, charge, mass, those of V, A and B.
        hbar: ħ, scalar.
        spin_current: whether paths follow the current of the spin as well (static).

    Source: W. Pauli (1927) Z. Phys. 43, 601.
    """

    hamiltonian: SpinorOnGrid
    hbar: Float[Array, ""]
    spin_current: bool = switch(default=False)

    def __init__(
        self,
        grid: Grid,
        V: Callable[..., Array] | ArrayLike | SampledPotential | FunctionPotential,
        magnetic_field: Callable[..., Any] | MagneticField | None = None,
        *,
        direction: ArrayLike | None = None,
        g: ArrayLike = 2.0,
        charge: ArrayLike = 1.0,
        mass: ArrayLike = 1.0,
        hbar: ArrayLike = 1.0,
        vector_potential: Callable[..., Any] | VectorPotential | None = None,
        absorber: ArrayLike | None = None,
        spin_current: bool = False,
        **constants: ArrayLike,
    ):
        """The law of a grid, a potential and a magnetic field.

        Args:
            grid: of any number of dimensions.
            V: values on the grid, or a callable of the coordinates (and of the time).
            magnetic_field: B, a callable of the coordinates (and of the time): one
                array, a strength along `direction`, or Bx, By, Bz, a tuple of three,
                which may turn. `jqd.spaces.magnetic_field` makes one with constants of
                its own that a fit can free. None for the curl of the vector potential,
                in two or three dimensions.
            direction: direction of a field given as a strength, (3,); None for z.
            g: gyromagnetic factor, scalar.
            charge: q, scalar. Without a vector potential it moves the spin alone: any
                moment, of a neutral atom too, is g q ħ/4m.
            mass: m, scalar, or one per axis; the spin's is that of the first axis,
                which must be finite.
            hbar: ħ, scalar.
            vector_potential: A(x, ..) or A(x, .., t), one component per axis, periodic
                along its own.
            absorber: W ≥ 0 of the grid's shape; then only `jqd.steppers.strang` follows
                the law.
            spin_current: whether paths follow the current of the spin as well.
            **constants: array constants of V, passed to it by keyword.

        Raises:
            ValueError: as for `jqd.Schrodinger.on_grid`; a magnetic field that is no
                function, not real or finite, or of two components; no field and no
                curl; a direction of length 0; a spin current in more than three
                dimensions or with a mass per axis; a grid that is spread over devices.
        """
        _checks.check_type(grid, "grid", Grid, "a Grid")
        if grid.sharding is not None:
            raise ValueError(
                "Argument `grid` must lie on one device for spinors, but is spread "
                "over several."
            )
        V = potential(V, grid, **constants)
        masses = read_masses(mass, grid.ndim)
        if spin_current and (grid.ndim > 3 or masses.ndim > 0):
            raise ValueError(
                "Argument `spin_current` must be False in more than three dimensions "
                "and with a mass per axis, but is True."
            )
        absorber = read_absorber(absorber, grid)
        particle = particles_on_grid(
            V, masses, grid, absorber, vector_potential, None, None
        )
        self.hamiltonian = spinor_on_grid(
            particle, g, charge, magnetic_field, direction
        )
        (self.hbar,) = scalars(hbar=hbar)
        _checks.check_positive(self.hbar, "hbar")
        self.spin_current = bool(spin_current)

    @property
    def grid(self) -> Grid:
        """The grid."""
        return self.hamiltonian.grid

    @property
    def stepper(self) -> Any:
        """A method that keeps its order 6 here; Strang's with an absorber."""
        if self.absorbs:
            return strang
        reach = self.hamiltonian.flows(self.hbar).reach
        return srkn11 if reach == "nystroem" else kahan_li6

    def _convection(
        self, t: ArrayLike, x: Float[Array, "n d"], wave: Wave | None
    ) -> Array | None:
        """-qA/m, and with `spin_current` ħ ∇×(ψ†σψ)/2mρ, (n, d)."""
        carried = self.hamiltonian.convection(t, x)
        if not self.spin_current or wave is None or self.grid.ndim == 1:
            return carried
        psi, *slopes = wave(x)
        rho = jnp.sum(abs2(psi), axis=0)
        there = rho > jnp.finfo(rho.dtype).tiny
        # ∂_j s_k, (3, 3, n), 0 along axes that the grid does not have
        turn = [2 * spin_density(psi, slope) for slope in slopes]
        turn += [jnp.zeros_like(turn[0])] * (3 - len(turn))
        curl = [
            turn[1][2] - turn[2][1],
            turn[2][0] - turn[0][2],
            turn[0][1] - turn[1][0],
        ]
        across = jnp.stack(curl[: self.grid.ndim], axis=-1)
        share = safe_divide(1, rho, there)[:, None]
        swirl = self.hbar / (2 * self.hamiltonian.mass) * share * across
        return swirl if carried is None else carried + swirl

    def density(self, state: Array) -> Float[Array, "..."]:
        """ψ†ψ per unit of volume."""
        return jnp.sum(abs2(state), axis=0)

    def spin(self, state: Array) -> Float[Array, " 3"]:
        """⟨σ⟩, the mean of the three Pauli matrices."""
        axes = tuple(range(1, self.grid.ndim + 1))
        return self.cell * jnp.sum(spin_density(state), axis=axes)

    def observables(self) -> dict[str, Callable[[Array], Array]]:
        """`density`; `populations` of the points; `spin`, ⟨σ⟩; `spin_density`, ψ†σψ;
        `spin_populations`, the probabilities of up and down along z."""
        axes = tuple(range(1, self.grid.ndim + 1))
        return {
            **super().observables(),
            "spin": self.spin,
            "spin_density": spin_density,
            "spin_populations": lambda state: (
                self.cell * jnp.sum(abs2(state), axis=axes)
            ),
        }

    def invariants(self, state: Array) -> dict[str, Array]:
        """Norm; energy without explicit time; the spin along B where B has one
        direction. None with an absorber."""
        values = super().invariants(state)
        B = self.hamiltonian.magnetic_field
        if values and not B.turns:
            values["spin"] = B.axis @ self.spin(state)
        return values

    def watch(self) -> Watch:
        """As `LinearLaw.watch`, and paths that follow the current of the spin.

        The reversed state is iσy ψ*, whose velocities and spins are reversed: B and A
        would have to be reversed, too.
        """

        def turned(state: Array) -> Array:
            up, down = jnp.conj(state)
            return jnp.stack([down, -up])

        return super().watch()._replace(reversed=turned, convection=self._convection)
