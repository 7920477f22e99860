"""Particles of spin ½ on a periodic grid."""

# Fields of the interface may be properties here: equinox accepts either.
# pyright: reportIncompatibleVariableOverride=false

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from .._math import abs2
from ..constants import constant, free, parts, scalars
from ..steppers.flows import Flow, Flows, sequence
from ..steppers.spin import each_component, spin_flow
from .grids import Grid
from .hamiltonians import OnGrid
from .magnetic_fields import CurlField, MagneticField
from .magnetic_fields import magnetic_field as read_magnetic_field
from .particles import ParticlesOnGrid
from .potentials import FunctionPotential, SampledPotential


class SpinorOnGrid(OnGrid):
    """H = H₀ - (g q ħ/4m) B·σ of spinors, (2, *shape), H₀ of particles without spin.

    Attributes:
        particle: H₀, with q and m; m is the mass along the first axis.
        g: the gyromagnetic factor, scalar.
        field: B; None for the curl of the vector potential.
    """

    particle: ParticlesOnGrid = parts()
    g: Float[Array, ""] = free(span=lambda g, _: (g - 1, g + 1))
    field: MagneticField | None = None

    def __init__(
        self, particle: ParticlesOnGrid, g: ArrayLike, field: MagneticField | None
    ):
        self.particle, self.g, self.field = particle, constant(g, "g"), field

    @property
    def potential(self) -> SampledPotential | FunctionPotential:
        """The potential V."""
        return self.particle.potential

    @property
    def mass(self) -> Float[Array, "..."]:
        """m, scalar, or one for each axis."""
        return self.particle.mass

    @property
    def grid(self) -> Grid:
        """The grid."""
        return self.particle.grid

    @property
    def absorber(self) -> Float[Array, "..."] | None:
        """The absorber W, or None."""
        return self.particle.absorber

    @property
    def shape(self) -> tuple[int, ...]:
        """(2, *shape of the grid)"""
        return (2, *self.grid.shape)

    @property
    def magnetic_field(self) -> MagneticField | CurlField:
        """The field B as given, or ∇×A."""
        if self.field is not None:
            return self.field
        A = self.particle.vector_potential
        assert A is not None
        return CurlField(A, self.grid.ndim)

    @property
    def autonomous(self) -> bool:
        """Whether V, A and B are the same at all times."""
        return self.particle.autonomous and self.magnetic_field.autonomous

    def _moment(self, hbar: Array) -> Array:
        """g q ħ/4m, energy over field."""
        q = self.particle.charge
        assert q is not None
        return self.g * q * hbar / (4 * self.masses[0])

    def spin_energy(self, t: ArrayLike, hbar: Array) -> Float[Array, "3 ..."]:
        """W of W·σ, -(g q ħ/4m) B, (3, *shape) or what broadcasts to it."""
        return -self._moment(hbar) * self.magnetic_field(self.grid, t)

    def apply(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """H psi."""
        image = jax.vmap(lambda one: self.particle.apply(one, t, hbar))(psi)
        W = self.spin_energy(t, hbar).astype(psi.real.dtype)
        for w, turned in zip(W, sigma(psi), strict=True):
            image = image + w[None] * turned
        return image

    def flows(self, hbar: Array) -> Flows:
        """Potential and spin (outer), the kinetic energy of each component (inner).

        Where B has one direction, the spin energies of all places commute, and
        splittings treat V + W·σ like V. Where B turns, they do not commute, and methods
        of Nyström's kind, which assume [V, [V, [V, T]]] = 0, lose their order.
        """
        flows, outer = self.particle.flows(hbar), self._spin_flow(hbar)
        if self.absorber is not None:
            outer = sequence((each_component(flows.outer), outer), commute=True)
        flows = Flows(outer, each_component(flows.inner), flows.reach, flows.reason)
        reasons = [flows.reason] if flows.reason else []
        if self.magnetic_field.turns:
            reasons.append(
                "where the magnetic field turns, the spin energies of two places do "
                "not commute"
            )
        if not self.magnetic_field.turns or flows.reach == "composition":
            return flows._replace(reason=" and ".join(reasons))
        return flows._replace(reach="two-part", reason=" and ".join(reasons))

    def _spin_flow(self, hbar: Array) -> Flow:
        """exp(-i (V + W·σ) dt/ħ); with an absorber V flows by itself, and not here."""
        B, grid = self.magnetic_field, self.grid
        V = None if self.absorber is not None else self.potential
        # W/ħ, which does not depend on ħ
        unit = -self._moment(hbar) / hbar

        def rate(t: ArrayLike) -> tuple[Array, Array]:
            scalar = jnp.zeros(()) if V is None else 1 / hbar * V(grid, t)
            return scalar, unit * B(grid, t)

        def correction(t: ArrayLike) -> tuple[Array, Array]:
            # Σ (∂_i V + ∂_i W·σ)²/m_i ħ
            slope, turn = self.potential.gradient(grid, t), B.gradient(grid, t)
            v, w = jnp.zeros(grid.shape), jnp.zeros((3, *grid.shape))
            for m, dV, dB in zip(self.masses, slope, turn, strict=True):
                dW = hbar * unit * dB
                v = v + 1 / (m * hbar) * (dV**2 + jnp.sum(dW**2, axis=0))
                w = w + 2 / (m * hbar) * (dV[None] * dW)
            return v, w

        return spin_flow(
            rate,
            correction if V is not None else None,
            B.autonomous and (V is None or V.autonomous),
            self.mass.dtype,
        )

    def spectral_bounds(self, hbar: Array) -> tuple[Array, Array]:
        """Numbers that enclose the spectrum: those of H₀, widened by the largest |W|.

        Raises:
            ValueError: an absorber, with which the spectrum is not real.
        """
        low, high = self.particle.spectral_bounds(hbar)
        W = self.spin_energy(0.0, hbar)
        largest = jnp.sqrt(jnp.max(jnp.sum(W**2, axis=0)))
        return low - largest, high + largest

    def convection(self, t: ArrayLike, x: Float[Array, "n d"]) -> Array | None:
        """The velocity -qA/m, and of pointers, that paths have besides, (n, d)."""
        return self.particle.convection(t, x)

    def seam_share(self, psi: Array, t: ArrayLike) -> Array | None:
        """The share of |psi|² at seams, as for H₀."""
        size = jnp.sqrt(jnp.sum(abs2(psi), axis=0))
        return self.particle.seam_share(size, t)


def spinor_on_grid(
    particle: ParticlesOnGrid,
    g: ArrayLike,
    charge: ArrayLike,
    magnetic_field: Callable[..., Any] | MagneticField | None,
    direction: ArrayLike | None,
) -> SpinorOnGrid:
    """The Hamiltonian, after checks of its charge and its magnetic field.

    Raises:
        ValueError: see `jqd.Pauli`.
    """
    grid = particle.grid
    first = particle.masses[0]
    if _checks.is_concrete(first) and np.isinf(_checks.concrete(first)):
        raise ValueError(
            "Argument `mass` must be finite on the first axis, whose mass is that of "
            "the spin, but is infinite."
        )
    g, q = scalars(g=g, charge=charge)
    particle = eqx.tree_at(lambda p: p.charge, particle, q, is_leaf=_is_none)
    if magnetic_field is not None:
        B = read_magnetic_field(magnetic_field, grid, direction=direction)
        return SpinorOnGrid(particle, g, B)
    if particle.vector_potential is None:
        raise ValueError(
            "Argument `magnetic_field` must be given where there is no "
            "`vector_potential` of which it is the curl, but is None."
        )
    if grid.ndim not in (2, 3) or direction is not None:
        raise ValueError(
            "Argument `magnetic_field` must be given in one dimension, in more than "
            "three, and beside a `direction`, but is None: there is no curl."
        )
    return SpinorOnGrid(particle, g, None)


def _is_none(node: Any) -> bool:
    return node is None


def sigma(psi: Complex[Array, "2 ..."]) -> Complex[Array, "3 2 ..."]:
    """σx ψ, σy ψ and σz ψ of spinors whose components come first."""
    up, down = psi
    return jnp.stack(
        [
            jnp.stack([down, up]),
            jnp.stack([-1j * down, 1j * up]),
            jnp.stack([up, -down]),
        ]
    )


def spin_density(
    psi: Complex[Array, "2 ..."], other: Complex[Array, "2 ..."] | None = None
) -> Float[Array, "3 ..."]:
    """Re ψ†σφ, (3, ...); for one spinor ψ†σψ, its spin times its density."""
    other = psi if other is None else other
    return jnp.sum(jnp.real(jnp.conj(psi)[None] * sigma(other)), axis=1)
