"""The canonical structure: Poisson brackets of observables of (density, action).

An observable is a function A(density, action) -> scalar of two real arrays on the sites
of a grid or graph, each of volume `cell`. With δA/δdensity = (1/cell) ∂A/∂density_a,

    {A, B} = ∫ (δA/δdensity δB/δS - δB/δdensity δA/δS) dx        (27)

Derivatives are automatic, so any observable works, also a complex one. Densities must
be positive: at a node, where the density is 0, S has no meaning and √density no slope.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from .observables import Observable


class CanonicalRates(NamedTuple):
    """The change that a generator causes, per unit of its parameter.

    Attributes:
        density: {density, G} = δG/δS.
        action: {S, G} = -δG/δdensity.
    """

    density: Array
    action: Array


class Symplecticity(NamedTuple):
    """The distance of a map from a canonical one.

    Attributes:
        defect: max |Jᵀ Ω J - Ω| for the Jacobian J of the map, with densities per cell
            and actions in units of ħ.
        determinant: det J - 1, the change of phase-space volume.
    """

    defect: Array
    determinant: Array


def poisson_bracket(
    A: Observable,
    B: Observable,
    density: Float[Array, "..."],
    action: Float[Array, "..."],
    cell: float = 1.0,
) -> Array:
    """{A, B} of any two observables, eq. (27).

    For bilinear observables it is ⟨[A, B]⟩/iħ, eq. (38).

    Returns:
        Scalar, unit of A B over action.
    """
    a_density, a_action = _slopes(A, density, action)
    b_density, b_action = _slopes(B, density, action)
    return jnp.sum(a_density * b_action - b_density * a_action) / cell


def poisson_bracket_psi(
    A: Callable[[Array], Array],
    B: Callable[[Array], Array],
    psi: Complex[Array, "..."],
    cell: float = 1.0,
    hbar: ArrayLike = 1.0,
) -> Array:
    """{A, B} = (1/iħ) ∫ (δA/δψ δB/δψ* - δB/δψ δA/δψ*) dx of functions of ψ, eq. (3).

    It equals `poisson_bracket` of the same observables, and is regular at nodes.

    Args:
        A: observable A(ψ) -> scalar, real or complex.
        psi: ψ.
        hbar: ħ, scalar.

    Returns:
        Scalar, unit of A B over action.
    """

    def of_parts(observable):
        return lambda real, imag: observable(jax.lax.complex(real, imag))

    parts = jnp.real(psi), jnp.imag(psi)
    a_real, a_imag = _slopes(of_parts(A), *parts)
    b_real, b_imag = _slopes(of_parts(B), *parts)
    turned = jnp.sum(a_real * b_imag - b_real * a_imag)
    return turned / (2 * jnp.asarray(hbar) * cell)


def canonical_rates(
    generator: Observable,
    density: Float[Array, "..."],
    action: Float[Array, "..."],
    cell: float = 1.0,
) -> CanonicalRates:
    """The flow of a generator: δG/δS and -δG/δdensity, eqs. (29), (42), (43).

    For G = H this is the motion, for G = p̄ the shift by a unit of length.

    Args:
        generator: observable G.

    Returns:
        `CanonicalRates` of the shape of `density`.
    """
    by_density, by_action = _slopes(generator, density, action)
    return CanonicalRates(by_action / cell, -by_density / cell)


def time_derivative(
    A: Observable,
    H: Observable,
    density: Float[Array, "..."],
    action: Float[Array, "..."],
    cell: float = 1.0,
    t: ArrayLike | None = None,
) -> Array:
    """dA/dt = ∂A/∂t + {A, H}, eq. (44).

    Args:
        A: observable A(density, action), or A(density, action, t) where `t` is given.
        H: Hamilton's function of (density, action).
        t: time, scalar, for an A that depends on it.

    Returns:
        Scalar, unit of A over time.
    """
    if t is None:
        return poisson_bracket(A, H, density, action, cell)
    t = jnp.asarray(t)
    explicit = jax.jvp(lambda t: A(density, action, t), (t,), (jnp.ones_like(t),))[1]

    def now(density: Array, action: Array) -> Array:
        return A(density, action, t)

    return explicit + poisson_bracket(now, H, density, action, cell)


def symplecticity(
    step: Callable[[Array, Array], tuple[Array, Array]],
    density: Float[Array, "..."],
    action: Float[Array, "..."],
    cell: float = 1.0,
    hbar: ArrayLike = 1.0,
) -> Symplecticity:
    """Whether a map (density, action) -> (density, action) is canonical.

    Jᵀ Ω J = Ω and det J = 1, with the full (2n)² Jacobian: for some tens of sites.

    Args:
        step: the map, e.g. a step of a law; all sites have equal volume.
        hbar: ħ, the unit of action in which the defect is measured, scalar.

    Returns:
        `Symplecticity`, zeros for a canonical map.
    """
    n = density.size
    # J has entries of density over action and of action over density
    unit = jnp.concatenate([jnp.full(n, cell), jnp.full(n, 1 / jnp.asarray(hbar))])

    def flat(point: Array) -> Array:
        parts = point[:n].reshape(density.shape), point[n:].reshape(action.shape)
        return jnp.concatenate([jnp.ravel(part) for part in step(*parts)])

    point = jnp.concatenate([jnp.ravel(density), jnp.ravel(action)])
    jacobian = unit[:, None] * jax.jacfwd(flat)(point) / unit[None, :]
    eye, zero = jnp.eye(n, dtype=point.dtype), jnp.zeros((n, n), point.dtype)
    omega = jnp.block([[zero, eye], [-eye, zero]])
    defect = jnp.max(jnp.abs(jacobian.T @ omega @ jacobian - omega))
    return Symplecticity(defect, jnp.linalg.det(jacobian) - 1)


def _slopes(observable: Observable, *point: Array) -> tuple[Array, Array]:
    """Derivatives by both arguments; of a complex observable, part by part."""
    both, value = (0, 1), jax.eval_shape(observable, *point).dtype
    if not jnp.issubdtype(value, jnp.complexfloating):
        return jax.grad(observable, both)(*point)
    real = jax.grad(lambda *p: jnp.real(observable(*p)), both)(*point)
    imag = jax.grad(lambda *p: jnp.imag(observable(*p)), both)(*point)
    first, second = (jax.lax.complex(*pair) for pair in zip(real, imag, strict=True))
    return first, second
