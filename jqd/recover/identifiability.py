"""What the data can tell about the free constants, and what they cannot."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

# A direction counts as null below this fraction of the largest singular value. True
# null directions come out at rounding (1e-15 to 1e-13 after a run of 1e3 steps),
# the faintest real ones of well-posed problems above 1e-6.
NULL_FRACTION = 1e-9


class Unidentifiable(ValueError):
    """Raised where a joint fit is degenerate."""


class Identifiability(eqx.Module):
    """Singular value decomposition of the Jacobian of the residuals.

    Attributes:
        labels: names of the constants (static).
        singular_values: shape (p,), descending; columns are scaled by the span of the
            starts, so that they compare.
        directions: (p, p), rows in the order of the singular values, unit vectors of
            scaled constants.
        null: number of null directions.
    """

    labels: tuple[str, ...] = eqx.field(static=True)
    singular_values: Float[Array, " p"]
    directions: Float[Array, "p p"]
    null: Int[Array, ""]

    @property
    def null_directions(self) -> Array:
        """Unit vectors along which no prediction changes, shape (null, p)."""
        count = int(self.null)
        return self.directions[len(self.labels) - count :]

    def describe(self) -> str:
        """The null directions in words, e.g. "+0.58 omega[0] +0.58 omega[1]"."""
        return "; ".join(
            " ".join(
                f"{weight:+.2f} {label}"
                for weight, label in zip(row, self.labels, strict=True)
                if abs(weight) > 0.005
            )
            for row in np.asarray(self.null_directions)
        )


def analyse(
    jacobian: Float[Array, "n p"], width: Float[Array, " p"], labels: list[str]
) -> Identifiability:
    """Singular values and null directions of a Jacobian.

    Args:
        jacobian: derivative of the residuals, shape (n, p).
        width: scale of each constant, shape (p,).
        labels: names, p of them.

    Returns:
        The analysis.
    """
    scaled = jacobian * width[None, :]
    # fewer residuals than constants: the missing rows are zeros
    missing = max(0, scaled.shape[1] - scaled.shape[0])
    scaled = jnp.concatenate([scaled, jnp.zeros((missing, scaled.shape[1]))])
    _, values, directions = jnp.linalg.svd(scaled, full_matrices=False)
    floor = jnp.maximum(NULL_FRACTION * values[0], jnp.finfo(values.dtype).tiny)
    return Identifiability(
        tuple(labels), values, directions, jnp.sum(values <= floor)
    )


def refuse_degenerate(analyses: list[Identifiability]) -> None:
    """Raise if a direction is null at every point that was looked at.

    Raises:
        Unidentifiable: with the direction in words.
    """
    best = min(analyses, key=lambda analysis: int(analysis.null))
    if int(best.null) == 0:
        return
    raise Unidentifiable(
        f"Argument `free` must name constants that the data can identify, but "
        f"{int(best.null)} combination(s) change no prediction: {best.describe()}. Fix "
        "one constant of each."
    )
