"""Images of a density: a point-spread function, and background."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from .. import _checks
from ..constants import constant, fixed, free
from ..laws import Wrapped
from ..laws.motion import Motion
from ..spaces.grids import Grid
from .counts import Multinomial
from .instrument import Instrument
from .noise import Drawable


def _shares(pattern: Any, name: str) -> Array | None:
    """A pattern over its sum."""
    if pattern is None:
        return None
    given = constant(pattern, name)
    _checks.check_finite(given, name)
    _checks.check_not_negative(given, name)
    _checks.check_positive(jnp.sum(given), name)
    return given / jnp.sum(given)


def _grid_of(law: Any) -> Grid | None:
    """The grid of a law, or of the one that it holds; None where there is none."""
    grid = getattr(law, "grid", None)
    return _grid_of(law.inner) if grid is None and isinstance(law, Wrapped) else grid


class Image(Instrument):
    """Positions counted on the points of a grid, through a lens and over background.

    p_j = (1 - b) [G_s * ρ]_j dx + b B_j

    G_s is a normal distribution of standard deviation s along each axis, periodic like
    the grid. For a packet that spreads freely only s0² + s² and D/s0 can be measured:
    without a prior on s nothing determines D. At s = 0 the derivative with respect to
    s is 0.

    Attributes:
        psf: s, width of the point-spread function, scalar, length, not negative.
        background: b, share of background counts, scalar in [0, 1].
        pattern: B_j, distribution of these counts, of the grid's shape; divided by its
            sum. None for a uniform one.
        noise: scatter of the counts; multinomial by default.
    """

    psf: Float[Array, ""] = free(bounds=(0.0, np.inf), unit="length", default=0.0)
    background: Float[Array, ""] = free(bounds=(0.0, 1.0), span=(0.0, 0.2), default=0.0)
    pattern: Float[Array, "..."] | None = fixed(read=_shares, default=None)
    noise: Drawable = fixed(default=Multinomial())

    def check_law(self, law: Motion) -> None:
        """Raise ValueError unless the law has a density on a grid."""
        grid = _grid_of(law)
        if grid is None:
            raise ValueError(
                "Argument `instrument` must show what the law predicts, but "
                f"{type(law).__name__} has no density on a grid."
            )
        if self.pattern is not None:
            _checks.check_shape(self.pattern, "pattern", grid.shape)

    def mean(self, law: Any, t: ArrayLike, state: PyTree[Array]) -> Array:
        """p_j, flat, (points,)"""
        del t
        grid, density = _grid_of(law), law.density(state)
        assert grid is not None  # `check_law` made sure
        fade = jnp.exp(-(self.psf**2) * grid.spectral_k2 / 2)
        seen = grid.fft.backward(fade * grid.fft.forward(density + 0j))
        share = jnp.ravel(jnp.real(seen)) * grid.cell
        even = jnp.full_like(share, 1 / share.shape[0])
        other = even if self.pattern is None else jnp.ravel(self.pattern)
        return (1 - self.background) * share + self.background * jnp.sum(share) * other
