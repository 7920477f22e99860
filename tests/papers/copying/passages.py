"""How near to its node each class will come."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from jqd._math import abs2
from jqd.ensembles.copying.rates import check_motion
from jqd.laws import CopyDynamics
from jqd.laws.copying import coupling


class Approach(NamedTuple):
    """The next node of each class, if it is small: how near, and whether ahead.

    Attributes:
        least_density: ρ_a cos² x_a, the least density that a small class has in its
            passage, (M,).
        losing: whether the passage is still ahead (x_a < 0) or over, (M,).
    """

    least_density: Float[Array, " M"]
    losing: Bool[Array, " M"]


def approach(law: CopyDynamics, psi: Complex[Array, " M"]) -> Approach:
    """The least density that each class has in its next passage, if it is small.

    x_a is the phase of class a against the field Σ_b R_ab e^{iδ_ab} ψ_b of the others,
    which stands still in the short time of the passage; then ρ_a cos² x_a is constant.

    Args:
        law: copy dynamics at the quantum point.
        psi: ψ, (M,).

    Returns:
        Least densities and directions.

    Raises:
        ValueError: another law, or a subclass that moves otherwise.
    """
    check_motion(law)
    psi = jnp.asarray(psi)
    links = coupling(law.R, law.delta)
    overlap = jnp.conj(psi) * jnp.sum(links * psi[None, :], axis=-1)
    size = abs2(overlap)
    moving = size > 0
    cosine2 = jnp.where(moving, jnp.real(overlap) ** 2 / jnp.where(moving, size, 1), 1)
    return Approach(abs2(psi) * cosine2, jnp.imag(overlap) < 0)
