"""Schrödinger's law, the yardstick: matrices and particles on grids."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from .._math import abs2
from .._program import program
from ..constants import constant, scalars
from ..interop import as_array
from ..spaces.absorbers import check_absorber
from ..spaces.driven import Driven
from ..spaces.driven_input import is_driven, read_driven
from ..spaces.grids import Grid
from ..spaces.hamiltonians import (
    MatrixHamiltonian,
    OnGrid,
    ParticleOnGrid,
    matrix_hamiltonian,
    read_masses,
)
from ..spaces.identical import Particles
from ..spaces.particles import particles_on_grid
from ..spaces.potentials import FunctionPotential, SampledPotential, potential
from ..spaces.resolution import tail_error
from ..spaces.vector_potentials import VectorPotential
from ..steppers import cf4, exponential, rk4, strang
from .groups import Breaks, Exact, Generator, Resolution, Watch
from .law import Law


class Schrodinger(Law):
    """iħ dψ/dt = H ψ.

    H is a Hermitian matrix, `Schrodinger(H)`, or of particles on a periodic grid,
    `Schrodinger.on_grid(grid, V)` with H = Σ (p_i - qA_i)²/2m_i + V(x, t). Units are
    the caller's: energies over `hbar` are rates. Conserves the norm, and the energy
    where H does not depend on time. Reverses: ψ(-t) of the conjugate problem. With an
    absorber W, H - iW opens the walls of the box: nothing is conserved then, and it
    does not reverse.

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
            **misplaced: nothing; what belongs to `on_grid` is refused by its name.

        Raises:
            ValueError: not square, not Hermitian or not finite; hbar not one positive
                number; see `jqd.driven` as well.
        """
        for name in misplaced:
            raise ValueError(
                f"Argument `{name}` must not be given for a matrix, but is; particles "
                "on a grid are `Schrodinger.on_grid(grid, V, ..)`."
            )
        if is_driven(hamiltonian):
            hamiltonian = read_driven(hamiltonian)
        elif not isinstance(hamiltonian, MatrixHamiltonian | OnGrid):
            hamiltonian = matrix_hamiltonian(as_array(hamiltonian, "hamiltonian"))
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
            mass: m, scalar, or one an axis, or `jqd.Particles` by name; `inf` for a
                pointer that has no kinetic term and stays where it is.
            hbar: ħ, scalar.
            absorber: W ≥ 0 of the grid's shape, in energy units, as
                `jqd.spaces.absorbing_layer` makes it; None for closed walls.
            vector_potential: A(x, ..) or A(x, .., t), one component an axis, each
                periodic along its own axis; None for none.
            charge: q of A, scalar; None for 1 where there is A.
            couplings: by axis of a pointer y, the velocity a_y(x, ..) or a_y(x, .., t)
                with which it is moved, not of y itself; or (A, g) of a_y = g(t) A(x)
                with a pulse, on whose jumps steps end, or with `jqd.impulse`s, which
                move it by G A(x) at once (`evolve` then takes `Fixed`).
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
        if absorber is not None:
            absorber = constant(absorber, "absorber")
            check_absorber(absorber, grid)
            absorber = grid.shard(absorber)
        if couplings is not None:
            _checks.check_type(couplings, "couplings", Mapping, "a dict by axes")
        plain = mass.ndim == 0 and vector_potential is None and not couplings
        if plain and charge is None:
            return cls(ParticleOnGrid(V, mass, grid, absorber), hbar)
        H = particles_on_grid(
            V, mass, grid, absorber, vector_potential, charge, couplings
        )
        return cls(H, hbar)

    @property
    def grid(self) -> Grid | None:
        """The grid, or None for a matrix."""
        H = self.hamiltonian
        return H.grid if isinstance(H, OnGrid) else None

    @property
    def cell(self) -> float:
        """The volume that one entry of |ψ|² stands for."""
        return 1.0 if self.grid is None else self.grid.cell

    @property
    def absorbs(self) -> bool:
        """Whether an absorber takes probability out of the box."""
        H = self.hamiltonian
        return isinstance(H, OnGrid) and H.absorber is not None

    def prepare(self, psi: Any) -> Complex[Array, "..."]:
        """ψ itself, checked and complex.

        Raises:
            ValueError: wrong shape, not finite, not normalised, or weight at a seam of
                the box across which a vector potential jumps.
        """
        if self.grid is not None and self.grid.sharding is not None:
            psi = self.grid.shard(psi, "psi")
        psi = as_array(psi, "psi")
        if self.grid is not None:
            _checks.check_state(psi, "psi", self.grid.shape, weight=self.grid.cell)
            cast(OnGrid, self.hamiltonian).refuse_seam(psi)
        else:
            H = cast(MatrixHamiltonian | Driven, self.hamiltonian)
            _checks.check_state(psi, "psi", (H.levels,), 1.0)
        return _checks.complex_of(psi)

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """-i H ψ / ħ."""
        del args
        return -1j / self.hbar * self.hamiltonian.apply(state, t, self.hbar)

    def exact(self) -> Exact:
        """H and ħ; on a grid also potential and kinetic flows, for splitting."""
        H, hbar = self.hamiltonian, self.hbar
        generator = Generator(H, hbar)
        if not isinstance(H, OnGrid):
            return Exact(generator)
        return Exact(generator, lambda: H.flows(hbar))

    def flow(
        self,
        ts: Sequence[ArrayLike],
        factors: Sequence[float],
        state: Array,
        dt: ArrayLike,
    ) -> Array:
        """exp(-i dt Σ_k f_k H(t_k)/ħ) ψ by its series, of a matrix; see `cf4`.

        Steps are to keep |H| dt/ħ below about 2.
        """
        driven = cast(MatrixHamiltonian | Driven, self.hamiltonian)
        parts = (f * driven.at(t) for f, t in zip(factors, ts, strict=True))
        matrix = (-1j * dt / self.hbar) * functools.reduce(jnp.add, parts)
        one = jnp.ones((), jnp.finfo(state.dtype).dtype)
        return exponential(lambda power: matrix @ power, state, one, unroll=True)

    @program
    def step(self, t: ArrayLike, state: Array, dt: ArrayLike) -> Array:
        """Strang's on a grid; of a matrix Runge-Kutta's or, if it is driven, `cf4`."""
        return self._own_step(self, t, state, dt)

    @property
    def _own_step(self) -> Any:
        if isinstance(self.hamiltonian, Driven):
            return cf4
        return rk4 if self.grid is None else strang

    @property
    def step_order(self) -> int:
        """That of the method."""
        return self._own_step.order

    @property
    def stepper(self) -> Any:
        """With which `recover` follows it."""
        return cf4 if isinstance(self.hamiltonian, Driven) else rk4

    def breaks(self) -> Breaks:
        """Where pulses jump, and impulses throw pointers: ψ(x, y - G A(x))."""
        H = self.hamiltonian
        if isinstance(H, OnGrid):
            return Breaks(H.jumps(), H.impulses(), H.struck, H.displaced)
        return Breaks(H.jumps() if isinstance(H, Driven) else None)

    def watch(self) -> Watch:
        """On a grid the seams of the box, its resolution, and what moves paths.

        EDGE at a seam across which a vector potential jumps. With an absorber,
        `max_absorbed` is the share that it took. Resolution is what the spectrum of ψ
        loses: in smooth potentials within a factor of 30 of the error where that is
        1e-5 and more, and rather above it; where less, it may be far above.
        """
        H = self.hamiltonian
        if not isinstance(H, OnGrid):
            return Watch()

        def resolution(psi: Array) -> Resolution:
            share = tail_error(H.grid, psi)
            return Resolution(share, jnp.zeros_like(share))

        def alarm(t: ArrayLike, before: Array, after: Array) -> Array:
            del before
            return H.alarm(t, after)

        def convection(t: ArrayLike, x: Array, wave: Any) -> Array | None:
            del wave
            return H.convection(t, x)

        return Watch(alarm, resolution, self._records, convection=convection)

    def _records(self, state: Array) -> dict[str, Array]:
        figures = {"min_density": jnp.min(self.density(state))}
        if self.absorbs:
            figures["max_absorbed"] = 1 - self._norm(state)
        return figures

    def density(self, state: Array) -> Float[Array, "..."]:
        """|ψ|²: per unit of volume on a grid, populations for a matrix."""
        return abs2(state)

    def _norm(self, state: Array) -> Array:
        return self.cell * jnp.sum(self.density(state))

    def yardstick(self) -> "Schrodinger":
        """The law itself."""
        return self

    def on(self, quantum: Any) -> "Schrodinger":
        """The other law."""
        return quantum

    def pair(self, other: Any) -> "Schrodinger | None":
        """H ⊗ 1 + 1 ⊗ H_other, of matrices or particles in one dimension, at rest."""
        H = self.hamiltonian
        if isinstance(H, OnGrid):
            return _two_particles(self, other)
        if not isinstance(H, MatrixHamiltonian) or isinstance(other, Schrodinger):
            return None
        first, second = jnp.eye(H.dense.shape[0]), jnp.eye(other.shape[0])
        return Schrodinger(
            jnp.kron(H.dense, second) + jnp.kron(first, other), self.hbar
        )

    def invariants(self, state: Array) -> dict[str, Array]:
        """Norm ⟨ψ|ψ⟩ and, without explicit time, energy ⟨ψ|H|ψ⟩; none if absorbed."""
        if self.absorbs:
            return {}
        values = {"norm": self._norm(state)}
        if self.hamiltonian.autonomous:
            energy = self.hamiltonian.energy(state, 0.0, self.hbar)
            values["energy"] = self.cell * energy
        return values


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
