"""One temperature with an error bar from three definitions that agree for large N."""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ..._math import divisor
from ...status import Status
from ._spectrum import check_inside, reciprocal, spectrum
from .canonical import canonical_beta, level_cumulants, saddle_beta
from .kde import bandwidth, kde_beta, log_density_of_states


class Temperatures(eqx.Module):
    """The temperatures of a spectrum at an energy, all of one shape.

    For a finite system the definitions differ, and none is more accurate than the gap
    between them, so the gap is the error bar.

    Attributes:
        kde: from the broadened density of states.
        saddle: from the saddle point of the partition function.
        canonical: that of the Gibbs state of this mean energy.
        width: broadening η of `kde`.
        status: `jqd.Status`: NODE where less than one level lies in the window
            of `kde`, which is NaN there; NON_FINITE for an energy outside the spectrum.
    """

    kde: Float[Array, "..."]
    saddle: Float[Array, "..."]
    canonical: Float[Array, "..."]
    width: Float[Array, "..."]
    status: Int[Array, "..."]

    @property
    def value(self) -> Float[Array, "..."]:
        """The microcanonical temperature 1/(∂ ln g_η/∂E)."""
        return self.kde

    @property
    def error(self) -> Float[Array, "..."]:
        """Largest gap between two of the three temperatures."""
        all_three = jnp.stack([self.kde, self.saddle, self.canonical])
        return jnp.max(all_three, axis=0) - jnp.min(all_three, axis=0)

    @property
    def ok(self) -> Array:
        """Where all three temperatures are meaningful numbers."""
        return self.status == Status.OK

    @property
    def all_ok(self) -> bool:
        """Whether every entry is `ok`: a single answer, for `if` and `assert`."""
        return bool(jnp.all(self.ok))


def temperatures(
    levels: ArrayLike,
    energy: ArrayLike,
    width: ArrayLike | None = None,
    log_weights: ArrayLike | None = None,
) -> Temperatures:
    """Microcanonical, saddle-point and canonical temperature at an energy.

    1/T = ∂ ln g_η/∂E, dS/dE of S = ln Z + βE - ½ ln(2πC), and the β of <H>_β = E

    They differ by terms of order 1/N. Temperatures are negative above the middle of the
    spectrum. They are differentiable in the levels, the energy and the width.

    Args:
        levels: E_i, shape (..., n); leading axes broadcast against `energy`.
        energy: E, inside the spectrum, shape (...).
        width: η, shape (...); None takes `bandwidth(levels, energy)`.
        log_weights: ln w_i, the shape of `levels`, or None; needs `width`.

    Returns:
        The three temperatures with their gap as the error, of the broadcast shape.

    Raises:
        ValueError: there are fewer than 2 levels, E lies outside the spectrum, the
            width is not positive, or it is missing beside `log_weights`.

    Source: Chafin (2019), sec. 3, T⁻¹ = ∂ ln g/∂E.
    """
    levels, given = spectrum(levels, log_weights)
    check_inside(levels, energy)
    # in units that make all numbers of order one, since powers of SI units may
    # underflow: the power of 2 beyond the extent, so that nothing is rounded
    extent = lax.stop_gradient(divisor(jnp.ptp(levels, axis=-1)))
    unit = extent / jnp.frexp(extent)[0]
    levels, energy = levels / unit[..., None], _checks.widen(energy) / unit
    if width is not None:
        _checks.check_positive(width, "width")
        width = _checks.widen(width) / unit
    elif log_weights is not None:
        raise ValueError(
            "Argument `width` must be given beside `log_weights`, but it is None."
        )
    else:
        # The choice of the width is not differentiated.
        width = lax.stop_gradient(bandwidth(levels, energy).width)
    shape = jnp.broadcast_shapes(levels.shape[:-1], energy.shape, width.shape)
    energy, width, unit = (jnp.broadcast_to(x, shape) for x in (energy, width, unit))

    density = log_density_of_states(levels, energy, width, given)
    seen = density + jnp.log(width * jnp.sqrt(2 * jnp.pi)) >= 0
    beta = canonical_beta(levels, energy, given)
    found = jnp.isfinite(beta)
    safe = jnp.where(found, beta, 0)
    saddle = saddle_beta(level_cumulants(levels, safe, given), safe)
    micro = kde_beta(levels, energy, width, given)
    thin = jnp.where(seen, Status.OK, Status.NODE)
    return Temperatures(
        jnp.where(found & seen, unit * reciprocal(micro), jnp.nan),
        jnp.where(found, unit * reciprocal(saddle), jnp.nan),
        unit * reciprocal(beta),
        unit * width,
        jnp.where(found, thin, Status.NON_FINITE).astype(int),
    )
