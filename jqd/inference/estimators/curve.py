"""g, T and μ from a curve of occupations, nbar = 1/(exp((E - μ)/kT) - g)."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..._gate import gated
from ..._math import safe_divide
from ...statistics import count_information
from ..constant import Constant
from ..goodness import (
    CONVERGED,
    MISFIT,
    MISFIT_P,
    NOT_CONVERGED,
    misfit_message,
    p_value,
)
from ..identifiability import Unidentifiable, analyse, refuse_degenerate
from .counts import LIMIT, StatisticsFit

CURVE_CONSTANTS = ("g", "T", "mu")
BACKGROUND = "background"
_SEARCH_STEPS = 60


class _Curve(NamedTuple):
    """The data; `known` holds g, ln T and μ, and `free`, (3,), what is fitted.

    `apart` makes errors of one unit each, without correlations, of those over σ.
    `shape` is a background in these units, of length 1.
    """

    E: Array
    nbar: Array
    sigma: Array
    known: Array
    free: Array
    unit: Array
    apart: Array | None = None
    shape: Array | None = None

    def constants(self, theta: Array) -> Array:
        """g, ln T and μ from the free ones, in their units."""
        return jnp.where(self.free, theta * self.unit, self.known)

    def residuals(self, theta: Array) -> Array:
        """(model - data)/σ, as independent ones, beside the best background."""
        missed = self.missed(theta)
        if self.shape is None:
            return missed
        return missed - self.shape * jnp.vdot(self.shape, missed)

    def missed(self, theta: Array) -> Array:
        """Those without a background."""
        g, log_T, mu = self.constants(theta)
        return self.whitened(self.model(g, jnp.exp(log_T), mu) - self.nbar)

    def whitened(self, values: Array) -> Array:
        """Values over σ, with independent errors."""
        over = values / self.sigma
        return over if self.apart is None else self.apart @ over

    def model(self, g: Array, T: Array, mu: Array) -> Array:
        """The curve; where there is none, exp(..) <= g, a wall that leads back."""
        x = jnp.clip((self.E - mu) / T, -300.0, 300.0)
        bottom = jnp.expm1(x) + (1 - g)
        floor = 1e-3 / jnp.max(self.nbar)
        above = bottom > floor
        wall = (2 - bottom / floor) / floor
        return safe_divide(1, bottom, above, wall)


@gated
def fit_curve(
    nbar: ArrayLike,
    E: ArrayLike,
    sigma: ArrayLike | None = None,
    *,
    free: Sequence[str] = CURVE_CONSTANTS,
    start: Mapping[str, float] | None = None,
    starts: int = 7,
    limit: float = LIMIT,
    correlation: ArrayLike | None = None,
    background: ArrayLike | None = None,
) -> StatisticsFit:
    """g, T and μ from mean occupations by least squares.

        nbar = 1/(exp((E - μ)/kT) - g) + b background(E)

    For a given g, ln(1/nbar + g) is a straight line over E, which gives initial guesses
    of T and μ; a few steps of Adam and of Levenberg and Marquardt's method follow.

    Args:
        nbar: mean occupations of states, shape (L,).
        E: their energies, shape (L,).
        sigma: their standard errors, shape (L,) or (); None estimates one for all from
            the residuals.
        free: names out of g, T (kT, in the unit of E) and mu.
        start: values by name: of a free constant its first initial guess, of another
            one the value it keeps.
        starts: number of initial guesses: values of g between -3/2 and 3/2.
        limit: largest standard error of g that is accepted.
        correlation: correlations of the errors, (L, L), beside `sigma`; None for
            independent ones.
        background: shape of a background, (L,), whose size b is fitted; None for none.

    Returns:
        The fit; b is its constant "background".

    Raises:
        ValueError: wrong shapes, names or values, float64 off.
        Unidentifiable: the data do not depend on a combination of constants, or the
            standard error of g exceeds `limit`: the data are too dilute.

    Source: Zakir, eqs. (46), (48), (50), completed by μ.
    """
    _checks.require_x64("jqd.recover")
    beside = background is not None
    E, nbar, errors = _check_data(E, nbar, sigma, len(free) + beside)
    apart = None if correlation is None else _apart(correlation, sigma, len(E))
    names = _check_names(free, start or {})
    first = _line_starts(E, nbar, errors, start or {}, names, starts)
    index = np.array([CURVE_CONSTANTS.index(name) for name in names])
    unit = np.array([1.0, 1.0, np.exp(first[0, 1])])
    # All three are carried, so that one compilation serves whatever is free.
    free_ones = np.isin(np.arange(3), index)
    columns = (E, nbar, errors, first[0], free_ones, unit)
    data = _Curve(*map(jnp.asarray, columns))._replace(apart=apart)
    size = 1.0
    if background is not None:
        shape = data.whitened(_check_background(background, len(E)))
        size = float(jnp.linalg.norm(shape))
        data = data._replace(shape=shape / size)
    thetas, costs = _descend(data, jnp.asarray(first / unit[None, :]))
    costs = np.where(np.isfinite(costs), costs, np.inf)
    best = int(np.argmin(costs))
    value, slope, missed, whole = map(np.asarray, _slope(data, thetas[best]))
    slope, whole = slope[:, index], whole[:, index]
    # to T from ln T, and out of the units
    natural = np.array(jax.vmap(data.constants)(thetas))
    natural[:, 1] = np.exp(natural[:, 1])
    width = np.where(index == 1, natural[best, 1], unit[index])
    own = jnp.asarray(slope / width[None, :])
    refuse_degenerate([analyse(own, jnp.asarray(width), list(names))])
    dof = len(E) - len(names) - beside
    chi2 = float(np.sum(value**2)) / max(dof, 1)
    inverse = np.linalg.inv(slope.T @ slope)
    # what one more step of Gauss and Newton would change, in standard errors
    left = np.abs(inverse @ (slope.T @ value)) / np.sqrt(np.diag(inverse))
    values, covariance = natural[best, index], inverse * np.outer(width, width)
    if data.shape is not None:
        # b, which every step of the fit has taken at its best, and its errors
        whole = np.column_stack([whole / width[None, :], np.asarray(data.shape) * size])
        covariance = np.linalg.inv(whole.T @ whole)
        b = -float(np.asarray(data.shape) @ missed) / size
        values = np.append(values, b)
    covariance *= chi2 if sigma is None else 1.0
    stderr = np.sqrt(np.diag(covariance))
    if "g" in names:
        _refuse_dilute(float(stderr[list(names).index("g")]), limit, nbar)
    reached = (costs <= costs[best] * (1 + 1e-6) + 1e-9) & np.isfinite(costs)
    settled = bool(np.max(left) < 1e-3)
    message = f"{int(reached.sum())} of {len(first)} starts reached the best fit."
    status, p = CONVERGED if settled else NOT_CONVERGED, None
    if sigma is not None and dof > 0:
        p = float(p_value(chi2 * dof, dof))
        if settled and p < MISFIT_P:
            status, message = MISFIT, misfit_message(chi2, p)
    told = (*names, BACKGROUND) if beside else names
    constants = {
        name: Constant(
            name,
            float(found),
            float(error),
            0.0,
            None,
            holds=status == CONVERGED,
        )
        for name, found, error in zip(told, values, stderr, strict=True)
    }
    known = {k: float(v) for k, v in (start or {}).items() if k not in names}
    shown = first.copy()
    shown[:, 1] = np.exp(shown[:, 1])
    return StatisticsFit(
        constants, known, covariance, False, None,
        None if p is None else chi2, p,
        shown[:, index], natural[:, index], reached, status, message,
        math.inf if sigma is not None else dof,
    )  # fmt: skip


@jax.jit
def _descend(data: _Curve, starts: Array) -> tuple[Array, Array]:
    """Adam, then Levenberg and Marquardt, from every start."""
    import optax
    import optimistix as optx

    optimizer = optax.adam(optax.cosine_decay_schedule(0.02, _SEARCH_STEPS, 0.01))
    solver = optx.LevenbergMarquardt(rtol=1e-10, atol=1e-12)

    def loss(theta):
        # growing like a logarithm: a start far off does not drive the steps
        return jnp.mean(jnp.log1p(data.residuals(theta) ** 2))

    def step(carry, _):
        theta, state = carry
        updates, state = optimizer.update(jax.grad(loss)(theta), state)
        return (theta + updates, state), None

    def descend(start):
        (theta, _), _ = jax.lax.scan(
            step, (start, optimizer.init(start)), None, length=_SEARCH_STEPS
        )
        solution = optx.least_squares(
            lambda theta, _: data.residuals(theta), solver, theta, max_steps=200,
            throw=False,
        )  # fmt: skip
        cost = jnp.sum(data.residuals(solution.value) ** 2)
        return solution.value, cost

    return jax.vmap(descend)(starts)


@jax.jit
def _slope(data: _Curve, theta: Array) -> tuple[Array, Array, Array, Array]:
    """Residuals and their derivatives, beside the best background and without one."""
    with_it = data.residuals(theta), jax.jacfwd(data.residuals)(theta)
    return *with_it, data.missed(theta), jax.jacfwd(data.missed)(theta)


def _line_starts(
    E: np.ndarray,
    nbar: np.ndarray,
    sigma: np.ndarray,
    start: Mapping[str, float],
    names: Sequence[str],
    number: int,
) -> np.ndarray:
    """g, ln T and μ of each start, (S, 3), T and μ from a straight line."""
    spread = np.linspace(-1.5, 1.5, number) if number > 1 else np.zeros(1)
    if "g" not in names:
        spread = np.full(number, start["g"], float)
    elif "g" in start:
        spread[0] = start["g"]
    rows, span = [], np.ptp(E) or 1.0
    for i, g in enumerate(spread):
        inverse = 1 / np.maximum(nbar, 1e-300) + g
        seen = (nbar > 2 * sigma) & (inverse > 0)
        T, mu = span, E.min() - span
        if seen.sum() >= 2 and np.ptp(E[seen]) > 0:
            weight = (nbar**2 * inverse / sigma)[seen]
            gradient, level = np.polyfit(E[seen], np.log(inverse[seen]), 1, w=weight)
            if gradient > 0:
                T, mu = 1 / gradient, -level / gradient
        kept = {"T": float(T), "mu": float(mu)} | {
            name: value for name, value in start.items() if i == 0 or name not in names
        }
        rows.append((g, np.log(kept["T"]), kept["mu"]))
    return np.array(rows)


def _refuse_dilute(stderr: float, limit: float, nbar: np.ndarray) -> None:
    if stderr <= limit:
        return
    information = float(count_information(np.maximum(nbar, 0), 0.0))
    raise Unidentifiable(
        f"Argument `nbar` must determine g to +-{limit:g}, so that g = -1, 0 and 1 are "
        f"apart, but its standard error, from the Jacobian, is {stderr:.2g}: the data "
        f"are too dilute (largest occupation {nbar.max():.3g}) or too noisy. The "
        "information on g falls with the cube of the occupation; one count of every "
        f"state has {information:.2g}."
    )


def _check_data(
    E: ArrayLike, nbar: ArrayLike, sigma: ArrayLike | None, free: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _checks.check_reals(E, "E")
    levels, values = np.asarray(E, float), np.asarray(nbar, float)
    if levels.ndim != 1 or len(levels) < free + (sigma is None):
        raise ValueError(
            f"Argument `E` must be a vector of at least {free + (sigma is None)} "
            f"energies for {free} constants, but its shape is {levels.shape}."
        )
    _checks.check_finite(values, "nbar", levels.shape)
    if not np.any(values > 0):
        raise ValueError("Argument `nbar` must have positive entries, but has none.")
    if sigma is None:
        return levels, values, np.full(levels.shape, 0.01 * values.max())
    _checks.check_positive(sigma, "sigma")
    if np.ndim(sigma):
        _checks.check_shape(sigma, "sigma", levels.shape)
    return levels, values, np.broadcast_to(np.asarray(sigma, float), levels.shape)


def _check_background(background: ArrayLike, rows: int) -> Array:
    _checks.check_real(background, "background")
    _checks.check_finite(background, "background", (rows,))
    if not np.any(np.asarray(background)):
        raise ValueError("Argument `background` must not be 0 everywhere, but is.")
    return jnp.asarray(np.asarray(background, float))


def _apart(correlation: ArrayLike, sigma: ArrayLike | None, rows: int) -> Array:
    """L⁻¹ of the correlations L L^T."""
    if sigma is None:
        raise ValueError(
            "Argument `correlation` must be given only with `sigma`, but is given "
            "without."
        )
    _checks.check_real(correlation, "correlation")
    _checks.check_finite(correlation, "correlation", (rows, rows))
    R = np.asarray(correlation, float)
    # of tables with six digits
    if np.abs(R - R.T).max() > 1e-6 or np.abs(np.diag(R) - 1).max() > 1e-6:
        raise ValueError(
            "Argument `correlation` must be symmetric with 1 on its diagonal, but is "
            "not; a covariance C_ij is C_ij/(sigma_i sigma_j)."
        )
    R = (R + R.T) / 2
    least = float(np.linalg.eigvalsh(R)[0])
    # below it, L^-1 is made of rounding
    if least <= rows * np.finfo(float).eps:
        raise ValueError(
            "Argument `correlation` must be positive definite, but has the eigenvalue "
            f"{least:.3g}."
        )
    return jnp.asarray(np.linalg.inv(np.linalg.cholesky(R)))


def _check_names(free: Sequence[str], start: Mapping[str, float]) -> tuple[str, ...]:
    for name in (*free, *start):
        _checks.check_choice(name, "free" if name in free else "start", CURVE_CONSTANTS)
    if len(set(free)) < len(free) or not free:
        raise ValueError(
            f"Argument `free` must name each constant once, but it is {tuple(free)}."
        )
    for name in CURVE_CONSTANTS:
        if name not in free and name not in start:
            raise ValueError(
                f"Argument `start` must give {name} a value, since it is not free, but "
                f"it gives {dict(start)}."
            )
        if name in start:
            _checks.check_finite(start[name], name)
    if "T" in start:
        _checks.check_positive(start["T"], "T")
    return tuple(free)
