"""The polish: Levenberg-Marquardt by optimistix, to rounding."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Bool, Float

from .ensemble_noise import Whitening
from .problem import FitProblem, Weights


class Polish(eqx.Module):
    """How the winners are taken to rounding.

    Attributes:
        rtol: relative change of constants and cost at which to stop.
        atol: absolute change, in units of the span of the starts.
        max_steps: iteration budget of one solve.
        rounds: solves with renewed weights, for noise whose scatter depends on the
            fit (counts).
    """

    rtol: float = eqx.field(static=True, default=1e-11)
    atol: float = eqx.field(static=True, default=1e-13)
    max_steps: int = eqx.field(static=True, default=40)
    rounds: int = eqx.field(static=True, default=3)


@jax.jit
def polish_one(
    polish: Polish, problem: FitProblem, theta: Float[Array, " p"], mask: Array
) -> tuple[Array, Array, Array]:
    """Levenberg-Marquardt from theta over the rows with weight.

    Args:
        polish: settings.
        problem: the fit.
        theta: constants, shape (p,).
        mask: weight of each row, shape (T,).

    Returns:
        Constants (p,), -2 ln likelihood up to a constant (the sum of squared residuals
        where their scatter does not depend on the fit), and whether the solver
        converged.
    """
    low, high = problem.bounds()
    width = high - low
    solver = optx.LevenbergMarquardt(rtol=polish.rtol, atol=polish.atol)

    def residuals(unit: Array, at: Weights) -> Array:
        return problem.residuals(low + unit * width, at, mask)

    def weights(unit: Array) -> Weights:
        here = low + unit * width
        return problem.weights(here, problem.predict(here))

    def solve(unit: Array, at: Weights) -> tuple[Array, Array]:
        solution = optx.least_squares(
            residuals, solver, unit, args=at, max_steps=polish.max_steps, throw=False
        )
        return solution.value, solution.result == optx.RESULTS.successful

    def again(carry, _):
        unit, at, _ = carry
        unit, ok = solve(unit, at)
        return (unit, weights(unit), ok), None

    unit = (theta - low) / width
    rounds = 1 if problem.data.noise.constant_weights else polish.rounds
    if rounds == 1:
        at = problem.first_weights()
        unit, ok = solve(unit, at)
    else:
        start = (unit, problem.first_weights(), jnp.asarray(False))
        (unit, at, ok), _ = jax.lax.scan(again, start, None, length=rounds)
    cost = jnp.sum(residuals(unit, at) ** 2)
    if isinstance(at, Whitening):
        # wide scatter explains everything: it has its price in the likelihood
        cost += at.penalty(mask)
    return low + unit * width, cost, ok & jnp.all(jnp.isfinite(unit))


@jax.jit
def polish_all(
    polish: Polish, problem: FitProblem, thetas: Float[Array, "S p"], mask: Array
) -> tuple[Array, Array, Bool[Array, " S"]]:
    """`polish_one` for every start."""
    return jax.vmap(lambda theta: polish_one(polish, problem, theta, mask))(thetas)


@jax.jit
def jacobian(
    problem: FitProblem, theta: Float[Array, " p"], at: Weights, mask: Array
) -> tuple[Float[Array, " n"], Float[Array, "n p"]]:
    """Residuals and their derivative with respect to theta, by forward mode."""

    def residuals(theta: Array) -> tuple[Array, Array]:
        values = problem.residuals(theta, at, mask)
        return values, values

    slope, values = jax.jacfwd(residuals, has_aux=True)(theta)
    return values, slope


@jax.jit
def loss_plane(
    problem: FitProblem, theta: Float[Array, " p"], x: Array, y: Array
) -> Float[Array, "Y X"]:
    """Mean squared residual a row over the plane of the first two constants.

    Args:
        problem: the fit.
        theta: the other constants, shape (p,), p >= 2.
        x: values of the first constant, shape (X,).
        y: values of the second constant, shape (Y,).

    Returns:
        Loss, shape (Y, X).
    """
    at, mask = problem.first_weights(), jnp.ones_like(problem.data.ts)

    def loss(first: Array, second: Array) -> Array:
        here = theta.at[0].set(first).at[1].set(second)
        return jnp.sum(problem.residuals(here, at, mask) ** 2) / mask.shape[0]

    return jax.vmap(lambda b: jax.vmap(lambda a: loss(a, b))(x))(y)


@jax.jit
def loss_line(problem: FitProblem, values: Float[Array, " X"]) -> Float[Array, " X"]:
    """Mean squared residual a row over values of the only free constant.

    Args:
        problem: the fit, of one constant.
        values: shape (X,).

    Returns:
        Loss, shape (X,).
    """
    at, mask = problem.first_weights(), jnp.ones_like(problem.data.ts)

    def loss(value: Array) -> Array:
        residuals = problem.residuals(value[None], at, mask)
        return jnp.sum(residuals**2) / mask.shape[0]

    return jax.vmap(loss)(values)
