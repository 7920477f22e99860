"""Several particles, charges in vector potentials, and pointers, on one grid."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._math import abs2, expi
from ..constants import parts, scalars
from ..steppers.flows import Flow, Flows, PhaseFlow, along, covariant_flow, sequence
from .couplings import Coupling, commute, read_couplings
from .grids import Grid
from .hamiltonians import OnGrid, ParticleOnGrid, refuse_absorber
from .potentials import FunctionPotential, SampledPotential
from .pulses import jumps_of
from .vector_potentials import VectorPotential
from .vector_potentials import vector_potential as read_vector_potential


class _Axis(NamedTuple):
    """(p_i - qA_i)²/2m_i: the first arguments of `covariant_flow`."""

    number: int
    turn: Callable[[ArrayLike], Array]
    rate: Callable[[ArrayLike], Array]


class ParticlesOnGrid(OnGrid):
    """H = Σ_i (p_i - qA_i)²/2m_i + V - iW + Σ a_y(x, t) p_y on a periodic grid.

    Each axis is a coordinate of a particle or of a pointer. An infinite mass has no
    kinetic term: it makes a pointer, which stays at rest unless a coupling a_y moves
    it.

    Attributes:
        potential: V, energy units.
        mass: m, scalar, or m_i, one for each axis; infinite for no kinetic term.
        grid: the grid (static).
        absorber: W >= 0 of the grid's shape, energy units; None for none.
        charge: q, scalar; None without a vector potential.
        vector_potential: A, or None.
        couplings: couplings that move pointers.
        commuting: whether V and the couplings commute (static).
    """

    potential: SampledPotential | FunctionPotential
    mass: Float[Array, "..."]
    grid: Grid
    absorber: Float[Array, "..."] | None = None
    charge: Float[Array, ""] | None = None
    vector_potential: VectorPotential | None = None
    couplings: tuple[Coupling, ...] = parts(each="coupling", default=())
    commuting: bool = eqx.field(static=True, default=True)

    @property
    def autonomous(self) -> bool:
        """Whether V, A and the couplings are the same at all times."""
        A = self.vector_potential
        still = [c.autonomous for c in self.couplings]
        return all((self.potential.autonomous, A is None or A.autonomous, *still))

    @property
    def lasting(self) -> tuple[Coupling, ...]:
        """The couplings that act for some time: all but impulses."""
        return tuple(c for c in self.couplings if c.impulses is None)

    def jumps(self) -> Array | None:
        """Times at which the pulse of a coupling jumps."""
        return jumps_of(c.pulse for c in self.couplings if c.pulse is not None)

    def impulses(self) -> Array | None:
        """Times of the impulses of all couplings."""
        times = [c.impulses.times for c in self.couplings if c.impulses is not None]
        return jnp.concatenate(times) if times else None

    def _impulse(self, k: int) -> tuple[Coupling, Array]:
        """The coupling of the k-th impulse, and G."""
        each = [
            (coupling, G)
            for coupling in self.couplings
            if coupling.impulses is not None
            for G in coupling.impulses.areas
        ]
        return each[k]

    def after_impulse(self, k: int, psi: Array) -> Array:
        """psi(x, y - G A(x)) of the k-th impulse."""
        coupling, area = self._impulse(k)
        flow = coupling.flow(self.grid, self.mass.dtype)
        return flow(0.0, psi, area).astype(psi.dtype)

    def displaced(self, k: int, x: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Y + G A(X) of the k-th impulse."""
        coupling, area = self._impulse(k)
        push = (area * coupling.at(tuple(x.T), 0.0)).astype(x.dtype)
        return x.at[:, coupling.axis].add(push)

    def kinetic(self, hbar: Array) -> Array:
        """Σ hbar² k_i²/2m_i in the order of the grid's `fft`, without A."""
        # ħ at the end: ħ²/2m in SI is below float32
        return hbar * self.grid.spectral_sum([hbar / (2 * m) for m in self.masses])

    def apply(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """H psi."""
        image = self._moving(psi, t, hbar) + self.on_potential(psi, t)
        for coupling in self.lasting:
            image = image + coupling.apply(self.grid, psi, t, hbar)
        return image

    def _moving(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """Σ (p_i - qA_i)²/2m_i psi."""
        if self.vector_potential is None:
            kinetic = self.kinetic(hbar).astype(self.mass.dtype)
            return self.grid.fft.backward(kinetic * self.grid.fft.forward(psi))
        image = jnp.zeros_like(psi)
        for axis, turn_of, rate_of in self._axes(hbar):
            turn = turn_of(t).astype(psi.dtype)
            rate = (hbar * rate_of(t)).astype(psi.real.dtype)
            image = image + jnp.conj(turn) * along(axis, rate, turn * psi)
        return image

    def flows(self, hbar: Array) -> Flows:
        """Potential (outer) and kinetic energy (inner), couplings in one of the two."""
        outer, moving = self.potential_flow(hbar), self._moving_flows(hbar)
        pointers = tuple(c.flow(self.grid, self.mass.dtype) for c in self.lasting)
        A = self.vector_potential
        reasons = []
        if self.commuting:
            outer = sequence((outer, *pointers), commute=True) if pointers else outer
        else:
            moving = (*pointers, *moving)
            reasons.append("the potential or a coupling depends on a pointer")
        if A is not None and self.grid.ndim > 1:
            reasons.append(
                "in a vector potential the kinetic energies of two axes do not commute"
            )
        if A is not None and not A.autonomous:
            reasons.append("the vector potential depends on time")
        if not reasons:
            return Flows(outer, moving[0])
        inner = sequence(moving, commute=False)
        return Flows(outer, inner, "composition", " and ".join(reasons))

    def _moving_flows(self, hbar: Array) -> tuple[Flow | PhaseFlow, ...]:
        """The kinetic energy, in one flow or axis by axis."""
        if self.vector_potential is not None:
            still, precision = self.vector_potential.autonomous, self.mass.dtype
            return tuple(
                covariant_flow(*one, still, precision) for one in self._axes(hbar)
            )
        fft = self.grid.fft
        weights = [hbar / (2 * m) for m in self.masses]
        return (
            PhaseFlow(
                rate=lambda t: self.grid.spectral_sum(weights),
                to_basis=fft.forward,
                from_basis=fft.backward,
                precision=self.mass.dtype,
            ),
        )

    def _axes(self, hbar: Array) -> tuple[_Axis, ...]:
        """(p_i - qA_i)²/2m_i, axis by axis."""
        A, q, grid = self.vector_potential, self.charge, self.grid
        assert A is not None
        assert q is not None

        def one(axis: int, m: Array) -> _Axis:
            def turn(t: ArrayLike) -> Array:
                _, chi = A.along(grid, axis, t)
                angle = q / hbar * chi
                return expi(-angle)

            def rate(t: ArrayLike) -> Array:
                mean, _ = A.along(grid, axis, t)
                momentum = hbar * grid.wavenumbers[axis] - q * mean
                return 1 / (2 * m * hbar) * momentum**2

            return _Axis(axis - grid.ndim, turn, rate)

        return tuple(one(axis, m) for axis, m in enumerate(self.masses))

    def seam_share(self, psi: Array, t: ArrayLike) -> Array | None:
        """Share of |psi|² at seams of the box across which A jumps; None without A."""
        if self.vector_potential is None or self.grid.ndim == 1:
            return None
        density = abs2(psi)
        return self.vector_potential.seam_share(self.grid, density, t)

    def spectral_bounds(self, hbar: Array) -> tuple[Array, Array]:
        """Numbers that enclose the spectrum: the sums of the bounds of all terms.

        Raises:
            ValueError: an absorber, with which the spectrum is not real.
        """
        refuse_absorber(self)
        grid = self.grid
        V = self.potential(grid, 0.0)
        low, high = jnp.min(V), jnp.max(V)
        if self.vector_potential is None:
            high = high + jnp.max(self.kinetic(hbar))
        else:
            high = high + sum(hbar * jnp.max(one.rate(0.0)) for one in self._axes(hbar))
        for coupling in self.lasting:
            top = hbar * jnp.max(jnp.abs(grid.wavenumbers[coupling.axis]))
            reach = top * jnp.max(jnp.abs(coupling.speed(grid, 0.0)))
            low, high = low - reach, high + reach
        return low, high

    def convection(self, t: ArrayLike, x: Float[Array, "n d"]) -> Array | None:
        """-qA/m, and for pointers the velocities that couplings give them, (n, d).

        Raises:
            ValueError: a coupling that is given by its values on the grid alone.
        """
        columns = [jnp.zeros_like(x[:, 0])] * x.shape[1]
        places = tuple(x.T)
        if self.vector_potential is not None:
            assert self.charge is not None
            values = self.vector_potential.at(places, t)
            columns = [
                column - self.charge / m * value
                for column, m, value in zip(columns, self.masses, values, strict=True)
            ]
        for coupling in self.lasting:
            pushed = coupling.at(places, t)
            columns[coupling.axis] = columns[coupling.axis] + pushed
        if self.vector_potential is None and not self.lasting:
            return None
        return jnp.stack(columns, axis=-1).astype(x.dtype)


def on_grid(
    V: SampledPotential | FunctionPotential,
    mass: Array,
    grid: Grid,
    absorber: Array | None = None,
) -> OnGrid:
    """H of particles without fields, with one mass or one for each axis."""
    if mass.ndim == 0:
        return ParticleOnGrid(V, mass, grid, absorber)
    return ParticlesOnGrid(V, mass, grid, absorber)


def particles_alone(H: Any) -> OnGrid | None:
    """H of particles without vector potential and couplings, any masses; else None."""
    if isinstance(H, ParticleOnGrid):
        return H
    plain = isinstance(H, ParticlesOnGrid) and H.vector_potential is None
    return H if plain and not H.couplings else None


def refuse_charge() -> None:
    """Raise for a charge on which nothing acts."""
    raise ValueError(
        "Argument `charge` must come with a `vector_potential`, but there is none."
    )


def particles_on_grid(
    V: SampledPotential | FunctionPotential,
    mass: Array,
    grid: Grid,
    absorber: Array | None,
    vector_potential: Callable[..., Any] | VectorPotential | None,
    charge: ArrayLike | None,
    couplings: Mapping[int, Any] | None,
) -> ParticlesOnGrid:
    """The Hamiltonian, after checks of its vector potential and couplings.

    Raises:
        ValueError: see `jqd.Schrodinger.on_grid`.
    """
    if vector_potential is None and charge is not None:
        refuse_charge()
    if grid.sharding is not None and (vector_potential is not None or couplings):
        raise ValueError(
            "Argument `grid` must lie on one device with a vector potential or "
            "couplings, but is spread over several."
        )
    pointers = read_couplings(couplings, grid)
    A = q = None
    if vector_potential is not None:
        A = read_vector_potential(vector_potential, grid)
        (q,) = scalars(charge=1.0 if charge is None else charge)
    return ParticlesOnGrid(
        V, mass, grid, absorber, q, A, pointers, commute(pointers, V, grid),
    )  # fmt: skip
