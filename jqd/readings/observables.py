"""Observables: functions (density, action) -> scalar, for `brackets`; ħ is a scalar."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from ..laws.diffusion.links import link_energy
from ..spaces import Graph, Grid
from .fields import density as squared
from .fields import product

Observable = Callable[..., Array]


def amplitude(
    density: Float[Array, "..."], action: Float[Array, "..."], hbar: ArrayLike = 1.0
) -> Complex[Array, "..."]:
    """ψ = √density exp(iS/ħ), the canonical transformation (33)."""
    root, angle = jnp.sqrt(density), action / jnp.asarray(hbar)
    return jax.lax.complex(root * jnp.cos(angle), root * jnp.sin(angle))


def polar(
    psi: Complex[Array, "..."], hbar: ArrayLike = 1.0
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Density and action S = ħ arg ψ in (-πħ, πħ], the inverse of `amplitude`."""
    return squared(psi), jnp.asarray(hbar) * jnp.angle(psi)


def hamiltonian(
    space: Grid | Graph,
    potential: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    order: int | None = None,
) -> Observable:
    """Hamilton's function H(density, S) of conservative diffusion.

    H = ∫ [(∇S)²/2m + (ħ²/8m)(∇density/density)² + V] density dx         (26)
      = ∫ [(ħ²/2m) |∇ψ|² + V |ψ|²] dx                                     (2)

    Args:
        space: periodic grid, or graph.
        potential: V, of the space's shape, energy.
        mass: m, scalar.
        order: None for (2) with spectral derivatives; 2, 4, 6 or 8 for (26) link by
            link, as in `Links`. A graph uses its own links.

    Returns:
        The function (density, action) -> energy, scalar.

    Raises:
        ValueError: V of another shape, or another order.
    """
    _checks.check_shape(potential, "potential", space.shape)
    _checks.check_choice(order, "order", (None, 2, 4, 6, 8))
    V, hbar, mass = map(jnp.asarray, (potential, hbar, mass))

    def by_links(density: Array, action: Array) -> Array:
        log_amplitude = jnp.log(density) / 2
        kinetic = link_energy(
            log_amplitude, action, space, hbar / (2 * mass), mass,
            order=order or 2, periodic=True,
        )  # fmt: skip
        return kinetic + space.cell * jnp.sum(V * density)

    def spectral(density: Array, action: Array) -> Array:
        grid: Grid = space  # pyright: ignore[reportAssignmentType]
        modes = squared(jnp.fft.fftn(amplitude(density, action, hbar)))
        kinetic = hbar * (hbar / (2 * mass) * jnp.sum(grid.k2 * modes)) / grid.size
        return space.cell * (kinetic + jnp.sum(V * density))

    return by_links if order or isinstance(space, Graph) else spectral


def momentum(grid: Grid, axis: int = 0, *, hbar: ArrayLike = 1.0) -> Observable:
    """The mean momentum p̄ = ∫ density ∇S dx = ⟨ψ, (ħ/i)∇ψ⟩ as an observable.

    It generates translations: {density, p̄} = -∇density and {S, p̄} = -∇S.

    Args:
        grid: the grid.
        axis: component.

    Returns:
        The function (density, action) -> momentum, scalar.

    Source: Zakir, eqs. (40)-(43).
    """

    def mean(density: Array, action: Array) -> Array:
        psi = amplitude(density, action, hbar)
        flux = jnp.asarray(hbar) * jnp.imag(product(psi, grid, "spectral"))
        return grid.integrate(flux)[axis]

    return mean


def bilinear(
    matrix: ArrayLike, *, hbar: ArrayLike = 1.0, cell: float = 1.0
) -> Observable:
    """The observable ⟨ψ, Aψ⟩ = Σ_ab ψ_a* A_ab ψ_b cell of a Hermitian matrix.

    Args:
        matrix: A, (n, n) Hermitian. The printed symmetry A(x, x') = A(x', x) would
            leave out the momentum.
        cell: volume of a site.

    Returns:
        The function (density, action) -> real scalar; arrays of n sites of any shape.

    Raises:
        ValueError: not square or not Hermitian.

    Source: Zakir, eqs. (35)-(37).
    """
    _checks.check_square(matrix, "matrix")
    _checks.check_hermitian(matrix, "matrix")
    matrix = jnp.asarray(matrix)

    def mean(density: Array, action: Array) -> Array:
        psi = amplitude(density, action, hbar).reshape(-1)
        return cell * jnp.real(jnp.vdot(psi, matrix @ psi))

    return mean
