"""Periodic grids over the phase space of one mode."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import expi


class Box(NamedTuple):
    """The points α = X + iY of [-L, L)², n along each axis.

    Attributes:
        n: points along an axis.
        half_width: L, in √action.
    """

    n: int
    half_width: float

    def check(self, points: ArrayLike | None, hbar: ArrayLike) -> None:
        """Raise unless n is a whole number, L positive, √ħ between spacing and L, and
        no point lies outside.

        Args:
            points: α where a density is wanted, or None; not checked where traced.
            hbar: ħ, scalar; likewise.

        Raises:
            ValueError: if not.
        """
        if not _checks.is_whole(self.n) or self.n < 2:
            raise ValueError(
                f"Argument `n` must be an integer of at least 2, but is "
                f"{_checks.shown(self.n)}."
            )
        _checks.check_positive(self.half_width, "half_width", ())
        if _checks.is_concrete(hbar):
            width = float(np.sqrt(_checks.concrete(hbar)))
            if not self.spacing < width < self.half_width:
                raise ValueError(
                    "Argument `half_width` must be some 5 √ħ, so that states lie "
                    "within the box and its points resolve them, but is "
                    f"{self.half_width:g} for √ħ = {width:.6g}."
                )
        if points is None or not _checks.is_concrete(points):
            return
        alpha = _checks.concrete(points)
        far = max(np.max(np.abs(np.real(alpha))), np.max(np.abs(np.imag(alpha))))
        if far > self.half_width:
            raise ValueError(
                f"Argument `points` must lie within {self.half_width} of the origin in "
                f"X and Y, but one is {far:.6g} away; raise `half_width` of the form."
            )

    @property
    def spacing(self) -> float:
        """Distance of neighbours along an axis."""
        return 2 * self.half_width / self.n

    def points(self, dtype: DTypeLike) -> Complex[Array, "y x"]:
        """α at the points, for a real dtype."""
        axis = -self.half_width + self.spacing * np.arange(self.n)
        x, y = np.meshgrid(axis, axis)
        return lax.complex(jnp.asarray(x, dtype), jnp.asarray(y, dtype))

    def wavenumbers(self, dtype: DTypeLike) -> Float[Array, " n"]:
        """2πj/2L in the order of the FFT; 0 for the shortest wave of an even grid,
        whose odd derivatives have no sign."""
        k = 2 * np.pi * np.fft.fftfreq(self.n, self.spacing)
        if self.n % 2 == 0:
            k[self.n // 2] = 0
        return jnp.asarray(k, dtype)

    def gradients(
        self, dtype: DTypeLike
    ) -> tuple[Complex[Array, "y x"], Complex[Array, "y x"]]:
        """Factors of a spectrum for ∂ = (∂_X - i∂_Y)/2 and ∂*: (±k_Y + i k_X)/2."""
        k = self.wavenumbers(dtype)
        kx = jnp.broadcast_to(k[None, :], (self.n, self.n)) / 2
        ky = jnp.broadcast_to(k[:, None], (self.n, self.n)) / 2
        return lax.complex(ky, kx), lax.complex(-ky, kx)

    def interpolate(
        self, spectrum: Complex[Array, "y x"], points: Complex[Array, "..."]
    ) -> Float[Array, "..."]:
        """The Fourier series of a real function at any points; NaN outside the box.

        Args:
            spectrum: its two-dimensional FFT.
            points: α.
        """
        real = jnp.finfo(spectrum.dtype).dtype
        k = self.wavenumbers(real)
        alpha = jnp.ravel(points)
        x, y = jnp.real(alpha).astype(real), jnp.imag(alpha).astype(real)
        inside = jnp.maximum(jnp.abs(x), jnp.abs(y)) <= self.half_width
        along_x, along_y = (
            expi((c + self.half_width)[:, None] * k[None, :]) for c in (x, y)
        )
        rows = jnp.matmul(along_y, spectrum)
        values = jnp.real(jnp.sum(rows * along_x, axis=1)) / self.n**2
        return jnp.reshape(jnp.where(inside, values, jnp.nan), points.shape)
