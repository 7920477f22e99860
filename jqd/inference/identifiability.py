"""What the data can tell about the free constants, and what they cannot."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

# A direction counts as null below this fraction of the largest singular value: an
# exactly null one comes out at rounding, some 1e-13 after a run of 1e3 steps.
NULL_FRACTION = 1e-11
# ... and below this many times the step error of the Jacobian along it, which breaks
# symmetries of the law that finite steps do not respect. Where nothing but that error
# is left, half the step changes it by (2^order - 1) times what remains.
STEP_FACTOR = 2.0


class Unidentifiable(ValueError):
    """Raised where a joint fit is degenerate."""


class Identifiability(eqx.Module):
    """Singular value decomposition of the Jacobian of the residuals.

    Attributes:
        labels: names of the constants (static).
        singular_values: shape (p,), descending; columns are scaled by the span of the
            starts, so that they compare.
        directions: (p, p), rows in the order of the singular values, unit vectors in
            the constants' own units.
        null: number of null directions.
    """

    labels: tuple[str, ...] = eqx.field(static=True)
    singular_values: Float[Array, " p"]
    directions: Float[Array, "p p"]
    null: Int[Array, ""]

    @property
    def null_directions(self) -> Array:
        """Unit vectors in the constants' own units, along which no prediction changes
        (to first order where it depends on them otherwise than linearly); (null, p)."""
        count = int(self.null)
        return self.directions[len(self.labels) - count :]

    def describe(self, most: int = 2) -> str:
        """The null directions in words, e.g. "+0.58 omega[0] +0.58 omega[1]".

        Args:
            most: how many directions to spell out.
        """
        rows = np.asarray(self.null_directions)
        words = "; ".join(
            " ".join(
                f"{weight:+.2f} {label}"
                for weight, label in zip(row, self.labels, strict=True)
                if abs(weight) > 0.005
            )
            for row in rows[:most]
        )
        return words if len(rows) <= most else f"{words}; and {len(rows) - most} more"


def analyse(
    jacobian: Float[Array, "n p"],
    width: Float[Array, " p"],
    labels: list[str],
    finer: Float[Array, "n p"] | None = None,
) -> Identifiability:
    """Singular values and null directions of a Jacobian.

    Args:
        jacobian: derivative of the residuals, shape (n, p).
        width: scale of each constant, shape (p,).
        labels: names, p of them.
        finer: the same Jacobian with half the step, whose difference tells how small a
            singular value means something; or None.

    Returns:
        The analysis.
    """
    best = jacobian if finer is None else finer
    scaled = best * width[None, :]
    # fewer residuals than constants: the missing rows are zeros
    missing = max(0, scaled.shape[1] - scaled.shape[0])
    scaled = jnp.concatenate([scaled, jnp.zeros((missing, scaled.shape[1]))])
    _, values, directions = jnp.linalg.svd(scaled, full_matrices=False)
    floor = jnp.maximum(NULL_FRACTION * values[0], jnp.finfo(values.dtype).tiny)
    if finer is not None:
        change = ((finer - jacobian) * width[None, :]) @ directions.T
        floor = jnp.maximum(floor, STEP_FACTOR * jnp.linalg.norm(change, axis=0))
    # from the smallest one on
    null = jnp.sum(jnp.cumprod((values <= floor)[::-1]))
    own = directions * width[None, :]
    length = jnp.linalg.norm(own, axis=1, keepdims=True)
    own = own / jnp.where(length > 0, length, 1)
    return Identifiability(tuple(labels), values, own, null)


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
