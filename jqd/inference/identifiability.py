"""Which free constants, and combinations of them, data determine."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from .. import _checks
from .._math import divisor, triangle
from .sensitivity import check_known, check_over_time
from .slopes import jacobian, residual_slopes, shown_by_steps
from .study import Study

# A direction counts as null below this fraction of the largest singular value: an
# exactly null one comes out at rounding, some 1e-13 after a run of 1e3 steps.
NULL_FRACTION = 1e-11
# ... and below this many times the step error of the Jacobian along it, which breaks
# symmetries of the law that finite steps do not respect. Where nothing but that error
# is left, half the step changes it by (2^order - 1) times what remains.
STEP_FACTOR = 2.0
# So many times above it no finer steps are asked: of a null direction half the step
# leaves at most half, where steps are short enough to have an order.
CLEAR_FACTOR = 10.0
# Standard error, in spans of the initial guesses, of a constant that no row has seen.
UNKNOWN = 1e6


class Unidentifiable(ValueError):
    """Raised where the data cannot determine all constants of a joint fit."""


class Identifiability(eqx.Module):
    """Singular value decomposition of the Jacobian of the residuals.

    Attributes:
        labels: names of the constants (static).
        singular_values: shape (p,), descending; columns are scaled by the span of the
            initial guesses, so that they compare.
        directions: (p, p), rows in the order of the singular values, unit vectors in
            the constants' own units.
        null: number of null directions.
        spans: of the initial guesses, shape (p,).
    """

    labels: tuple[str, ...] = eqx.field(static=True)
    singular_values: Float[Array, " p"]
    directions: Float[Array, "p p"]
    null: Int[Array, ""]
    spans: Float[Array, " p"]

    @property
    def null_directions(self) -> Any:
        """Unit vectors in the constants' own units, along which no prediction changes
        (to first order where it depends on them otherwise than linearly); (null, p)."""
        count = int(self.null)
        return _checks.known(self.directions)[len(self.labels) - count :]

    @property
    def floor(self) -> Float[Array, ""]:
        """Fraction of the largest singular value up to which directions are null."""
        values = self.singular_values
        null = jnp.arange(values.shape[0]) >= values.shape[0] - self.null
        least = jnp.max(jnp.where(null, values, 0)) / values[0]
        return jnp.where(self.null > 0, least, 0)

    def describe(self, most: int = 2) -> str:
        """The null directions in words, e.g. "+0.58 omega[0] +0.58 omega[1]".

        Args:
            most: how many directions to spell out.
        """
        rows = np.asarray(self.null_directions)
        # which ones matter: in spans, because an energy and an angle do not compare
        shares = np.abs(rows) / np.asarray(divisor(self.spans))
        named = shares > 0.005 * np.linalg.norm(shares, axis=-1, keepdims=True)
        words = "; ".join(
            " ".join(f"{_shown(row[k])} {self.labels[k]}" for k in np.flatnonzero(keep))
            for row, keep in zip(rows[:most], named[:most], strict=True)
        )
        return words if len(rows) <= most else f"{words}; and {len(rows) - most} more"


def _shown(weight: float) -> str:
    return f"{weight:+.2f}" if abs(weight) > 0.005 else f"{weight:+.2g}"


def singular(
    jacobian: Float[Array, "n p"], width: Float[Array, " p"]
) -> tuple[Float[Array, " p"], Float[Array, "p p"]]:
    """Singular values, descending, and directions of a Jacobian by scaled constants.

    Args:
        jacobian: derivative of the residuals, shape (n, p).
        width: scale of each constant, shape (p,).
    """
    scaled = jacobian * width[None, :]
    _, values, directions = jnp.linalg.svd(triangle(scaled))
    return values, directions


def analyse(
    jacobian: Float[Array, "n p"],
    width: Float[Array, " p"],
    labels: list[str],
    finer: Float[Array, "n p"] | None = None,
    fraction: float = NULL_FRACTION,
    factor: ArrayLike = STEP_FACTOR,
) -> Identifiability:
    """Singular values and null directions of a Jacobian.

    Args:
        jacobian: derivative of the residuals, shape (n, p).
        width: scale of each constant, shape (p,).
        labels: names, p of them.
        finer: the same Jacobian with half the step, or None; the difference shows how
            small a singular value is meaningful.
        fraction: of the largest singular value, below which a direction is null.
        factor: of the difference, below which one is null as well.

    Returns:
        The analysis.
    """
    values, directions = singular(jacobian if finer is None else finer, width)
    floor = jnp.maximum(fraction * values[0], jnp.finfo(values.dtype).tiny)
    if finer is not None:
        change = ((finer - jacobian) * width[None, :]) @ directions.T
        floor = jnp.maximum(floor, factor * jnp.linalg.norm(change, axis=0))
    # from the smallest one on
    null = jnp.sum(jnp.cumprod((values <= floor)[::-1]))
    own = directions * width[None, :]
    length = jnp.linalg.norm(own, axis=1, keepdims=True)
    own = own / divisor(length)
    return Identifiability(tuple(labels), values, own, null, width)


def identifiability(study: Study, theta: Float[Array, " p"]) -> Identifiability:
    """Find which combinations of constants the data determine.

    Args:
        study: law, data and free constants; of the data only the weights matter. Runs
            have the steps of its method.
        theta: constants at which the Jacobian is taken, shape (p,).

    Returns:
        Singular values and null directions of the Jacobian, judged against the
        Jacobian with half the step where the method has steps.

    Raises:
        ValueError: not a study.
    """
    _checks.check_type(study, "study", Study, "a Study")
    return _identifiability(study, theta, STEP_FACTOR)


@jax.jit
def _identifiability(study: Study, theta: Array, factor: ArrayLike) -> Identifiability:
    shares, mask = study.data.shares, jnp.ones_like(study.data.ts)
    at = study.first_weights(divisor(shares))

    def slope_of(shown: Any) -> Array:
        return residual_slopes(study, theta, at, mask, *shown)[1]

    shown, halved = shown_by_steps(study, theta)
    finer = None if halved is None else slope_of(halved)
    return analyse(slope_of(shown), study.spans, study.labels(), finer, factor=factor)


def refuse_names(study: Study) -> None:
    """Raise where nothing is free, or no data determine a constant, as the law says."""
    if not study.names:
        raise ValueError(
            "Argument `free` must name at least one constant, but names none."
        )
    reason = study.why_not()
    if reason is not None:
        raise Unidentifiable(
            f"Argument `free` must name constants that data can distinguish, but "
            f"{reason}."
        )


def refuse(study: Study, starts: Array) -> None:
    """Raise where a test at a few points finds a combination that changes nothing.

    Raises:
        Unidentifiable: with the combination, or with how the runs ended too early.
    """
    # the first start is often the law as it stands: a point is looked at once
    every = np.asarray(study.theta()), *np.asarray(starts)[:2]
    points = {point.tobytes(): point for point in every}.values()
    if any(_clear(_identifiability(study, at, CLEAR_FACTOR)) for at in points):
        return
    fine = study.with_substeps(8 * study.substeps)
    try:
        refuse_degenerate([identifiability(fine, jnp.asarray(at)) for at in points])
    except Unidentifiable as error:
        run = fine.trajectory(study.theta())
        if run.all_ok:
            raise
        # rows that no run reaches determine nothing: that is the reason then
        reason = f"{error} The run at the start: {run.describe()}"
        raise Unidentifiable(reason) from None


def _clear(found: Identifiability) -> bool:
    """Whether no direction is null; steps that blow up leave that open."""
    known = bool(np.all(np.isfinite(found.singular_values)))
    return known and int(found.null) == 0


def refuse_degenerate(analyses: list[Identifiability]) -> None:
    """Raise if a direction is null at every point that was tested."""
    best = min(analyses, key=lambda analysis: int(analysis.null))
    if int(best.null) == 0:
        return
    raise Unidentifiable(
        f"Argument `free` must name constants that the data can identify, but "
        f"{int(best.null)} combination(s) change no prediction: {best.describe()}. Fix "
        "one constant of each."
    )


class Horizon(eqx.Module):
    """How well the rows up to each time determine the constants.

    Attributes:
        ts: times of the rows, shape (T,).
        stderr: Cramér-Rao bound of each constant from the rows up to each time, (T, p);
            infinite where they do not determine it.
        condition: largest over smallest singular value of the Jacobian of these rows,
            in units of the spans of the constants, (T,); infinite for a null one.
        sensitivity: root mean square of the derivatives of a row's residuals in these
            units, (T,). Where trajectories part exponentially it grows without bound,
            and from some time on neither gradients nor minima are of any use.
    """

    ts: Float[Array, " T"]
    stderr: Float[Array, "T p"]
    condition: Float[Array, " T"]
    sensitivity: Float[Array, " T"]

    def known_from(self, limit: float) -> Float[Array, " p"]:
        """First time from which each constant is known to a standard error of `limit`;
        infinite for one that never is.

        Args:
            limit: standard error, in the unit of the constants.
        """
        known = self.stderr < limit
        first = self.ts[jnp.argmax(known, axis=0)]
        return jnp.where(jnp.any(known, axis=0), first, jnp.inf)


def horizon(study: Study, theta: Float[Array, " p"]) -> Horizon:
    """The Cramér-Rao bound as a function of the length of the data.

    C(t) = [Σ_{t_i <= t} J_i^T J_i]^-1, J_i = ∂(prediction_i)/∂θ / σ.

    Args:
        study: law, data and free constants. J has the steps of its method; those of
            `jqd.recover(study).study` are fine enough.
        theta: constants at which the bound is taken, shape (p,).

    Returns:
        Bounds, condition numbers and sensitivities.

    Raises:
        ValueError: not a study, data whose scatter is not known, or a scan.
    """
    check_known(study)
    check_over_time(study)
    at, mask = study.first_weights(), jnp.ones_like(study.data.ts)
    _, slope = jacobian(study, theta, at, mask)
    width = study.spans
    shape = (mask.shape[0], -1, theta.shape[0])
    rows = jnp.reshape(slope[: study.seen], shape)
    if study.scattered:
        scatter = jnp.reshape(slope[study.seen : study.measured], shape)
        rows = jnp.concatenate([rows, scatter], axis=1)
    rows = rows * width[None, None, :]
    sensitivity = jnp.sqrt(jnp.mean(rows**2, axis=(1, 2)))
    triangles = _triangles(rows)
    # triangles rather than J^T J, which keeps half the digits
    unit = jnp.broadcast_to(jnp.eye(rows.shape[-1], dtype=rows.dtype), triangles.shape)
    inverse = jax.lax.linalg.triangular_solve(triangles, unit, left_side=True)
    known = jnp.sqrt(jnp.sum(inverse**2, axis=2))
    stderr = jnp.where(known < UNKNOWN / 10, known, jnp.inf) * width[None, :]
    values = jnp.linalg.svd(triangles, compute_uv=False)
    null = values[:, -1] * UNKNOWN < 10
    smallest = jnp.where(null, 1, values[:, -1])
    condition = jnp.where(null, jnp.inf, values[:, 0] / smallest)
    return Horizon(study.data.ts, stderr, condition, sensitivity)


def _triangles(rows: Float[Array, "T k p"]) -> Float[Array, "T p p"]:
    """R of the QR decomposition of the rows up to each time."""

    def add(triangle, row):
        stacked = jnp.concatenate([triangle, row])
        triangle = jnp.linalg.qr(stacked, mode="r")
        return triangle, triangle

    # what nobody knows is known to so many spans: every triangle has an inverse
    start = jnp.eye(rows.shape[-1], dtype=rows.dtype) / UNKNOWN
    return jax.lax.scan(add, start, rows)[1]
