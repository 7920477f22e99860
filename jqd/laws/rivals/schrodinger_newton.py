"""The Schrödinger-Newton law: a particle in the field of its own density."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import divisor
from ...constants import Scales, fixed, free, scalars
from ...interop import as_array
from ...spaces.grids import Grid
from ..schrodinger import Schrodinger
from .open_space import convolve, differences, doubled
from .quantum import read_quantum
from .self_potential import SelfPotential


def _unit(law: "SchrodingerNewton", scales: Scales) -> Array:
    """Energy over the scatter of K in the box."""
    grid = law.quantum.grid
    assert grid is not None
    own = law.spectrum.ndim
    shape, axes = doubled(grid)[:own], tuple(range(own))
    scatter = jnp.std(jnp.fft.irfftn(law.spectrum, shape, axes))
    return scales.energy / divisor(scatter)


class SchrodingerNewton(SelfPotential):
    """iħ dψ/dt = (H + G K*ρ) ψ,  K = -1/√(r² + a²) unless another kernel is given.

    The box is taken as empty all around: the convolution is that of open space, not of
    periodic images. The law conserves the norm and ⟨H⟩ + G/2 ∫∫ρKρ. With G = -ε q² it
    is the nonrelativistic reading of the law of Kaplan and Rajendran (Phys. Rev. D 105,
    055002, 2022), where a field is replaced by itself plus ε times its mean: see
    `kaplan_rajendran`.

    Attributes:
        quantum: Schrödinger's law on a grid, with H and ħ.
        G: strength, energy times length (for K in 1/length); 0 in quantum mechanics.
        spectrum: transform of K on a box of twice the lengths.

    Source: R. Ruffini, S. Bonazzola (1969) Phys. Rev. 187, 1767; L. Diósi (1984) Phys.
    Lett. A 105, 199; R. Penrose (1998) Phil. Trans. R. Soc. A 356, 1927.
    """

    G: Float[Array, ""] = free(quantum=0.0, span=(-1, 1), unit=_unit)
    spectrum: Array = fixed()

    def __init__(
        self,
        quantum: Any,
        G: ArrayLike = 0.0,
        *,
        soft: ArrayLike | None = None,
        kernel: Callable[..., Array] | None = None,
    ) -> None:
        """The law of a particle in the field of its own density.

        Args:
            quantum: a `Schrodinger` on a grid of 1, 2 or 3 dimensions.
            G: strength, scalar.
            soft: a > 0, length below which the field is that of a smeared mass; by
                default one spacing of the grid.
            kernel: K of the differences of coordinates, in place of -1/√(r² + a²).

        Raises:
            ValueError: no grid; G not one real number; soft not positive, or given
                beside a kernel; a kernel that is not finite.
        """
        self.quantum = read_quantum(quantum)
        grid = self.quantum.grid
        if grid is None:
            raise ValueError(
                "Argument `quantum` must be a `Schrodinger` on a grid, but is of a "
                "matrix."
            )
        if kernel is not None and soft is not None:
            raise ValueError(
                "Argument `soft` must not be given beside a `kernel`, but is."
            )
        if kernel is not None and not callable(kernel):
            words = "differences of coordinates"
            _checks.check_function(kernel, "kernel", words)
        a = min(grid.spacing) if soft is None else soft
        _checks.check_positive(a, "soft", ())

        def smeared(*apart: Array) -> Array:
            return -1 / jnp.sqrt(sum((x**2 for x in apart), jnp.asarray(a) ** 2))

        (self.G,) = scalars(G=G)
        self.spectrum = _doubled(grid, smeared if kernel is None else kernel)

    def on(self, quantum: Schrodinger) -> "SchrodingerNewton":
        """The same law with another H in the same box; K by its Fourier series."""
        law, own = super().on(quantum), self.spectrum.ndim
        here, there = self.quantum.grid, quantum.grid
        if here is None or there is None:
            return law
        old, new = doubled(here)[:own], doubled(there)[:own]
        if old == new:
            return law
        waves = jnp.fft.fftn(jnp.fft.irfftn(self.spectrum, old))
        for axis in range(own):
            waves = _more_waves(waves, axis, new[axis])
        spectrum = jnp.fft.rfftn(jnp.real(jnp.fft.ifftn(waves)))
        return eqx.tree_at(lambda law: law.spectrum, law, spectrum)

    def pair(self, other: Any) -> "SchrodingerNewton | None":
        """The law beside a partner without a field: ρ is that of the system alone."""
        grid, both = self.quantum.grid, self.quantum.pair(other)
        if both is None or grid is None or grid.ndim > self.spectrum.ndim:
            return None
        return self.on(both)

    def _field(self, rho: Array) -> Array:
        """K*ρ, of the first axes if there is a partner on further ones."""
        grid = self.quantum.grid
        assert grid is not None
        own = self.spectrum.ndim
        others = tuple(range(own, grid.ndim))
        alone = Grid(grid.bounds[:own], grid.shape[:own])
        field = convolve(alone, self.spectrum, jnp.sum(rho, others))
        return grid.cell * jnp.expand_dims(field, others)

    def self_potential(self, rho: Float[Array, "..."]) -> Float[Array, "..."]:
        """G K*ρ."""
        return self.G * self._field(rho)

    def self_energy(self, rho: Float[Array, "..."]) -> Float[Array, ""]:
        """G/2 Σ ρ (K*ρ)."""
        return self.G / 2 * jnp.sum(rho * self._field(rho))


def kaplan_rajendran(
    quantum: Any, eps: ArrayLike, *, charge: ArrayLike = 1.0, soft: ArrayLike
) -> SchrodingerNewton:
    """A charge that feels ε times the field of its own mean density.

    Args:
        quantum: a `Schrodinger` on a grid.
        eps: ε, scalar; 0 in quantum mechanics.
        charge: q in units in which two charges repel by q²/r.
        soft: length below which the charge is smeared.

    Returns:
        `SchrodingerNewton` with G = -ε q²: like charges repel.
    """
    eps, charge = scalars(eps=eps, charge=charge)
    return SchrodingerNewton(quantum, -eps * charge**2, soft=soft)


def _more_waves(waves: Array, axis: int, size: int) -> Array:
    """A spectrum of so many points along an axis, of the same function."""
    old = waves.shape[axis]
    kept = min(old, size) // 2
    low, high = (jnp.take(waves, jnp.arange(kept) - shift, axis) for shift in (0, kept))
    shape = list(waves.shape)
    shape[axis] = size - 2 * kept
    empty = jnp.zeros(shape, waves.dtype)
    return size / old * jnp.concatenate([low, empty, high], axis)


def _doubled(grid: Grid, kernel: Callable[..., Array]) -> Array:
    """The transform of K at all differences of points, both signs."""
    try:
        values = as_array(kernel(*differences(grid)), "kernel(...)")
    except TypeError as error:  # of another number of arguments, or no function of them
        raise ValueError(
            f"Argument `kernel` must be a function of {grid.ndim} arrays, differences "
            f"of coordinates, but fails: {error}"
        ) from error
    _checks.check_finite(values, "kernel(...)", doubled(grid))
    return jnp.fft.rfftn(values)
