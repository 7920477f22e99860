"""Schrödinger's law, the yardstick: matrices and particles on grids."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._math import matmul
from ..constants import scalars
from ..spaces.absorbers import read_absorber
from ..spaces.driven import Driven
from ..spaces.driven_input import read_hamiltonian
from ..spaces.grids import Grid
from ..spaces.hamiltonians import (
    MatrixHamiltonian,
    OnGrid,
    ParticleOnGrid,
    read_masses,
)
from ..spaces.identical import Particles
from ..spaces.particles import particles_on_grid
from ..spaces.potentials import FunctionPotential, SampledPotential, potential
from ..spaces.vector_potentials import VectorPotential
from ..steppers import cf4, exponential, rk4, strang
from .linear import LinearLaw


class Schrodinger(LinearLaw):
    """iħ dψ/dt = H ψ.

    H is a Hermitian matrix, `Schrodinger(H)`, or that of particles on a periodic grid,
    `Schrodinger.on_grid(grid, V)` with H = Σ (p_i - qA_i)²/2m_i + V(x, t). Units are
    the caller's: energies over `hbar` are rates. Conserves the norm, and the energy
    where H does not depend on time. Reversible: ψ(-t) solves the conjugate problem.
    With an absorber W, H - iW opens the walls of the box: then nothing is conserved,
    and the motion cannot be reversed.

    Attributes:
        hamiltonian: `MatrixHamiltonian`, `Driven`, `ParticleOnGrid`, or
            `ParticlesOnGrid` where masses differ, with vector potentials or pointers.
        hbar: ħ, scalar.
    """

    hamiltonian: MatrixHamiltonian | Driven | OnGrid
    hbar: Float[Array, ""]

    def __init__(self, hamiltonian: Any, hbar: ArrayLike = 1.0, **misplaced: Any):
        """Schrödinger's law for a matrix.

        Args:
            hamiltonian: (n, n) Hermitian or (n,) real for a diagonal one, in energy
                units; arrays, QuTiP and dynamiqs objects. One that changes in time:
                `jqd.driven(H_0, (H_1, f_1), ..)`, a list [H_0, [H_1, f_1], ..], a
                QobjEvo, an array of dynamiqs, or a function of the time.
            hbar: ħ, scalar.
            **misplaced: none; arguments of `on_grid` are refused by their names.

        Raises:
            ValueError: not square, not Hermitian or not finite; hbar not one positive
                number; see `jqd.driven` as well.
        """
        for name in misplaced:
            raise ValueError(
                f"Argument `{name}` must not be given for a matrix, but is; particles "
                "on a grid are `Schrodinger.on_grid(grid, V, ..)`."
            )
        if not isinstance(hamiltonian, OnGrid):
            hamiltonian = read_hamiltonian(hamiltonian)
        self.hamiltonian = hamiltonian
        (self.hbar,) = scalars(hbar=hbar)
        _checks.check_positive(self.hbar, "hbar")

    @classmethod
    def on_grid(
        cls,
        grid: Grid,
        V: Callable[..., Array] | ArrayLike | SampledPotential | FunctionPotential,
        *,
        mass: ArrayLike | Particles = 1.0,
        hbar: ArrayLike = 1.0,
        absorber: ArrayLike | None = None,
        vector_potential: Callable[..., Any] | VectorPotential | None = None,
        charge: ArrayLike | None = None,
        couplings: Mapping[int, Any] | None = None,
        **constants: ArrayLike,
    ) -> "Schrodinger":
        """Particles in the potential V on a periodic grid.

        H = Σ_i (p_i - qA_i)²/2m_i + V - iW + Σ_y a_y p_y

        An axis of the grid is a coordinate of one particle or of several, or of a
        pointer.

        Args:
            grid: in any number of dimensions; N⁴ points for N = 64 are 268 MB, and a
                step takes about four times that.
            V: values on the grid, or a callable of the coordinates (and of the time,
                if V depends on it) that acts point by point.
            mass: m, scalar, or one per axis, or `jqd.Particles` by name; `inf` for a
                pointer that has no kinetic term and stays where it is.
            hbar: ħ, scalar.
            absorber: W ≥ 0 of the grid's shape, in energy units, as
                `jqd.spaces.absorbing_layer` makes it; None for closed walls.
            vector_potential: A(x, ..) or A(x, .., t), one component per axis, each
                periodic along its own axis; None for none.
            charge: q of A, scalar; None for 1 where there is A.
            couplings: by axis of a pointer y, the velocity a_y(x, ..) or a_y(x, .., t)
                with which it is moved, no function of y itself; or (A, g) for
                a_y = g(t) A(x) with a pulse, at whose jumps steps end, or with
                `jqd.spaces.impulse`s, which move it by G A(x) at once (`evolve` then
                takes `Fixed`).
            **constants: array constants of V, passed to it by keyword; leaves of the
                law, so that they can be fitted.

        Returns:
            The law; its state is ψ on the grid.

        Raises:
            ValueError: V has another shape or number of arguments, is not real, or
                does not take these constants; masses or hbar not positive; an
                absorber of another shape, or with entries below zero; a vector
                potential that is not periodic along its own axis, a charge without
                one, a coupling that depends on its own pointer, or one of these two
                on a grid that is spread over devices.
        """
        V = potential(V, grid, **constants)
        if isinstance(mass, Particles):
            mass = mass.masses(grid.ndim)
        mass = read_masses(mass, grid.ndim)
        absorber = read_absorber(absorber, grid)
        absorber = None if absorber is None else grid.shard(absorber)
        if couplings is not None:
            _checks.check_type(couplings, "couplings", Mapping, "a dict by axes")
        plain = mass.ndim == 0 and vector_potential is None and not couplings
        if plain and charge is None:
            return cls(ParticleOnGrid(V, mass, grid, absorber), hbar)
        H = particles_on_grid(
            V, mass, grid, absorber, vector_potential, charge, couplings
        )
        return cls(H, hbar)

    def flow(
        self,
        ts: Sequence[ArrayLike],
        factors: Sequence[float],
        state: Array,
        dt: ArrayLike,
    ) -> Array:
        """exp(-i dt Σ_k f_k H(t_k)/ħ) ψ by its series, of a matrix; see `cf4`.

        Steps should keep |H| dt/ħ below about 2.
        """
        driven = cast(MatrixHamiltonian | Driven, self.hamiltonian)
        parts = (f * driven.at(t) for f, t in zip(factors, ts, strict=True))
        matrix = (-1j * dt / self.hbar) * functools.reduce(jnp.add, parts)
        one = jnp.ones((), jnp.finfo(state.dtype).dtype)
        field = functools.partial(matmul, jnp.asarray(matrix))
        return exponential(field, state, one, unroll=True)

    @property
    def stepper(self) -> Any:
        """Strang's on a grid, Runge-Kutta's for a matrix, `cf4` if that is driven."""
        if isinstance(self.hamiltonian, Driven):
            return cf4
        return rk4 if self.grid is None else strang

    def yardstick(self) -> "Schrodinger":
        """This law itself."""
        return self

    def on(self, quantum: Any) -> "Schrodinger":
        """The given law `quantum` itself."""
        return quantum

    def pair(self, other: Any) -> "Schrodinger | None":
        """H ⊗ 1 + 1 ⊗ H_other, of matrices or particles in one dimension, undriven."""
        H = self.hamiltonian
        if isinstance(H, OnGrid):
            return _two_particles(self, other)
        if not isinstance(H, MatrixHamiltonian) or isinstance(other, Schrodinger):
            return None
        first, second = jnp.eye(H.dense.shape[0]), jnp.eye(other.shape[0])
        return Schrodinger(
            jnp.kron(H.dense, second) + jnp.kron(first, other), self.hbar
        )


def _two_particles(one: Schrodinger, other: Any) -> Schrodinger | None:
    """Two particles on lines of their own: a grid of two dimensions."""
    if not isinstance(other, Schrodinger):
        return None
    H, K = one.hamiltonian, other.hamiltonian
    if not (isinstance(H, ParticleOnGrid) and isinstance(K, ParticleOnGrid)):
        return None
    if (H.grid.ndim, K.grid.ndim) != (1, 1) or one.absorbs or other.absorbs:
        return None
    if not (H.autonomous and K.autonomous):
        return None
    grid = Grid((*H.grid.bounds, *K.grid.bounds), (*H.grid.shape, *K.grid.shape))
    first, second = H.potential(H.grid, 0.0), K.potential(K.grid, 0.0)
    V = SampledPotential(first[:, None] + second[None, :])
    same = _checks.is_concrete((H.mass, K.mass)) and bool(H.mass == K.mass)
    mass = H.mass if same else jnp.stack([H.mass, K.mass])
    return Schrodinger.on_grid(grid, V, mass=mass, hbar=one.hbar)
