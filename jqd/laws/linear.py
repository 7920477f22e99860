"""Common part of the laws that a Hamiltonian of any kind moves."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from .._math import abs2
from ..interop import as_array
from ..spaces.grids import Grid
from ..spaces.hamiltonians import OnGrid
from ..spaces.resolution import tail_error
from .groups import Breaks, Exact, Generator, Resolution, Watch
from .law import Law


class LinearLaw(Law):
    """iħ dψ/dt = Hψ.

    Conserves the norm, and the energy where H is the same at all times; neither where
    an absorber opens the walls of the box.

    Attributes:
        hamiltonian: H.
        hbar: ħ, scalar.
    """

    hamiltonian: eqx.AbstractVar[Any]
    hbar: eqx.AbstractVar[Float[Array, ""]]

    @property
    def grid(self) -> Grid | None:
        """The grid, or None where there is none."""
        H = self.hamiltonian
        return H.grid if isinstance(H, OnGrid) else None

    @property
    def cell(self) -> float:
        """The volume that one entry of the density stands for."""
        return 1.0 if self.grid is None else self.grid.cell

    @property
    def absorbs(self) -> bool:
        """Whether an absorber takes probability out of the box."""
        H = self.hamiltonian
        return isinstance(H, OnGrid) and H.absorber is not None

    def prepare(self, psi: Any) -> Complex[Array, "..."]:
        """ψ itself, checked and complex.

        Raises:
            ValueError: wrong shape, not finite, not normalised, or probability at a
                seam of the box across which a vector potential jumps.
        """
        if self.grid is not None and self.grid.sharding is not None:
            psi = self.grid.shard(psi, "psi")
        psi, H = as_array(psi, "psi"), self.hamiltonian
        _checks.check_state(psi, "psi", H.shape, weight=self.cell)
        H.check_state(psi)
        return _checks.complex_of(psi)

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """-i H ψ / ħ."""
        del args
        return -1j / self.hbar * self.hamiltonian.apply(state, t, self.hbar)

    def density(self, state: Array) -> Float[Array, "..."]:
        """|ψ|²: per unit of volume on a grid, else populations."""
        return abs2(state)

    def _norm(self, state: Array) -> Array:
        return self.cell * jnp.sum(self.density(state))

    def invariants(self, state: Array) -> dict[str, Array]:
        """Norm ⟨ψ|ψ⟩ and, without explicit time, energy ⟨ψ|H|ψ⟩; none if absorbed."""
        if self.absorbs:
            return {}
        H, values = self.hamiltonian, {"norm": self._norm(state)}
        if H.autonomous:
            values["energy"] = self.cell * H.energy(state, 0.0, self.hbar)
        return values

    def breaks(self) -> Breaks:
        """Jumps of pulses; impulses, which move pointers: ψ(x, y - G A(x))."""
        H = self.hamiltonian
        return Breaks(H.jumps(), H.impulses(), H.after_impulse, H.displaced)

    def exact(self) -> Exact:
        """H and ħ; on a grid also the flows of its parts, for splittings."""
        H, hbar = self.hamiltonian, self.hbar
        return Exact(Generator(H, hbar), lambda: H.flows(hbar))

    def watch(self) -> Watch:
        """On a grid: alarm at seams of the box, its resolution, convection of paths.

        EDGE at a seam across which a vector potential jumps. With an absorber,
        `max_absorbed` is the share that it took. The resolution is the loss of the
        spectrum of ψ: in smooth potentials it is within a factor of 30 of errors of
        1e-5 and more, and rather above them; for smaller errors it may be far above.
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

        seamless = type(H).seam_share is OnGrid.seam_share
        return Watch(
            Watch().alarm if seamless else alarm,
            resolution, self._records, convection=convection,
        )  # fmt: skip

    def _records(self, state: Array) -> dict[str, Array]:
        figures = {"min_density": jnp.min(self.density(state))}
        if self.absorbs:
            figures["max_absorbed"] = 1 - self._norm(state)
        return figures
