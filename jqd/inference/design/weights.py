"""Optimal shares of shots on candidate settings: a convex problem.

S(w) = N Σ_x w_x F_x + P,   V = S⁻¹,   w_x >= 0,   Σ_x w_x = 1

with F_x the information of one shot at setting x and P that of the priors. The
criterion is tr C^T V C or ln det C^T V C; its slopes -∂/∂w_x say where shots count most
(equivalence theorem): at the optimum no setting has more than their mean.

Source: Kiefer and Wolfowitz (1960); Silvey, Titterington and Torsney (1978).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ... import _checks
from ..._math import divisor, safe_divide
from ..identifiability import Identifiability, Unidentifiable, analyse
from ..sensitivity import NULL_SLOPES
from .settings import Candidates

# A ridge on the diagonal of S in units of its entries under equal shares: with it S has
# an inverse even for shares on fewer settings than constants.
RIDGE = 1e-13
# A share below this fraction of the mean one is dropped before shares are exchanged.
NEGLIGIBLE = 1e-3
BISECTIONS = 60
# Steps by a factor, and most exchanges after them.
MULTIPLICATIVE, EXCHANGES = 200, 3000


class Problem(eqx.Module):
    """Candidate settings and the combinations that are wanted.

    Attributes:
        settings: F_x, information of one shot at each, (S, p, p).
        prior: P, (p, p).
        wanted: C, columns are the combinations that are wanted, (p, k).
        shots: N, scalar.
        log_det: whether the criterion is ln det C^T V C (D), else its trace (static).
    """

    settings: Float[Array, "S p p"]
    prior: Float[Array, "p p"]
    wanted: Float[Array, "p k"]
    shots: Float[Array, ""]
    log_det: bool = eqx.field(static=True)

    def information(self, weights: Float[Array, " S"]) -> Float[Array, "p p"]:
        """S(w)"""
        return self.prior + self.shots * jnp.tensordot(weights, self.settings, 1)

    def scaled(self) -> "Problem":
        """The same in units of constants in which equal shares have unit diagonal."""
        size = self.settings.shape[0]
        equal = self.information(jnp.full((size,), 1 / size))
        diagonal = jnp.diagonal(equal)
        unit = 1 / jnp.sqrt(divisor(diagonal))
        square = unit[:, None] * unit[None, :]
        return Problem(
            self.settings * square[None], self.prior * square,
            self.wanted * unit[:, None], self.shots, self.log_det,
        )  # fmt: skip


class Optimum(NamedTuple):
    """Shares of shots, and their distance from the best.

    Attributes:
        weights: w, (S,).
        gap: max_x s_x / (w·s) - 1, scalar. Without priors a trace is at most
            1/(1 - gap) of the best, and ln det at most gap k above it.
        slopes: s_x = -∂(criterion)/∂w_x, (S,).
        exchanges: number of exchanges that were made.
    """

    weights: Float[Array, " S"]
    gap: Float[Array, ""]
    slopes: Float[Array, " S"]
    exchanges: Int[Array, ""]


def covariance(problem: Problem, weights: Array) -> Float[Array, "p p"]:
    """V = S(w)⁻¹, with a ridge that only matters where S has no inverse."""
    S = problem.information(weights)
    size = S.shape[0]
    bound = jnp.maximum(jnp.trace(S) / size, 1.0)
    return jnp.linalg.inv(S + RIDGE * bound * jnp.eye(size, dtype=S.dtype))


def slopes_of(problem: Problem, weights: Array) -> Float[Array, " S"]:
    """s_x = N tr C^T V F_x V C, or of (C^T V C)⁻¹ times it."""
    return jnp.einsum("spq,pq->s", problem.settings, _direction(problem, weights))


def _direction(problem: Problem, weights: Array) -> Float[Array, "p p"]:
    """G of s_x = tr F_x G."""
    spread = covariance(problem, weights) @ problem.wanted
    if not problem.log_det:
        return problem.shots * (spread @ spread.T)
    inner = problem.wanted.T @ spread
    return problem.shots * (spread @ jnp.linalg.solve(inner, spread.T))


def gap_of(weights: Array, slopes: Array) -> Float[Array, ""]:
    """max_x s_x / (w·s) - 1; inf where the criterion has no slope at all."""
    mean = jnp.sum(weights * slopes)
    return jnp.where(mean > 0, jnp.max(slopes) / divisor(mean) - 1, jnp.inf)


@jax.jit
def optimise(problem: Problem, tolerance: float) -> Optimum:
    """Shares that minimise the criterion.

    First w <- w s^(1/2), or w s for D, renormalised, which is monotone and slow at the
    end; then exchanges of shares between the worst setting that has shots and the best.
    """
    task = problem.scaled()
    size = task.settings.shape[0]
    power = 1.0 if task.log_det else 0.5

    def multiply(_, weights: Array) -> Array:
        slopes = jnp.maximum(slopes_of(task, weights), 0)
        grown = weights * slopes**power
        total = jnp.sum(grown)
        return safe_divide(grown, total, otherwise=weights)

    weights = jnp.full((size,), 1 / size)
    weights = jax.lax.fori_loop(0, MULTIPLICATIVE, multiply, weights)
    kept = jnp.where(weights > NEGLIGIBLE / size, weights, 0)
    state = judge(task, kept / jnp.sum(kept))

    def unfinished(state: Optimum) -> Bool[Array, ""]:
        return (state.gap > tolerance) & (state.exchanges < EXCHANGES)

    def exchange(state: Optimum) -> Optimum:
        weights = _exchanged(task, state.weights, state.slopes)
        return _judged(
            task, state._replace(weights=weights, exchanges=state.exchanges + 1)
        )

    return jax.lax.while_loop(unfinished, exchange, state)


@jax.jit
def judge(problem: Problem, weights: Float[Array, " S"]) -> Optimum:
    """Given shares, and their gap."""
    first = Optimum(weights, jnp.asarray(jnp.inf), weights, jnp.asarray(0))
    return _judged(problem.scaled(), first)


def _judged(task: Problem, state: Optimum) -> Optimum:
    slopes = slopes_of(task, state.weights)
    return state._replace(slopes=slopes, gap=gap_of(state.weights, slopes))


def _exchanged(task: Problem, weights: Array, slopes: Array) -> Float[Array, " S"]:
    """Shares after the best move from the worst setting that has one to the best."""
    best = jnp.argmax(slopes)
    worst = jnp.argmin(jnp.where(weights > 0, slopes, jnp.inf))
    change = task.settings[best] - task.settings[worst]
    most = weights[worst]

    def moved(share: Array) -> Array:
        shifted = weights.at[worst].add(-share)
        # all of it: rounding leaves no share that would be the worst for ever
        shifted = shifted.at[worst].set(jnp.where(share < most, shifted[worst], 0))
        return shifted.at[best].add(share)

    def gain(share: Array) -> Array:
        return jnp.sum(change * _direction(task, moved(share)))

    def halve(_, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        up = gain(middle) > 0
        return jnp.where(up, middle, low), jnp.where(up, high, middle)

    low, _ = jax.lax.fori_loop(0, BISECTIONS, halve, (jnp.zeros_like(most), most))
    return moved(jnp.where(gain(most) > 0, most, low))


CRITERIA = ("A", "D", "c", "KL")


def combinations(
    criterion: str, wanted: Any, labels: Sequence[str], free: int
) -> Float[Array, "p k"]:
    """Columns C of tr C^T V C or ln det C^T V C.

    Args:
        criterion: "A", "D" or "c".
        wanted: names of constants; for "A" also {name: accuracy wanted}, by which each
            is divided; for "c" {name: coefficient}, one combination. None for all free
            constants.
        labels: names of all entries of θ.
    """
    names = tuple(labels[:free]) if wanted is None else wanted
    names = (names,) if isinstance(names, str) else names
    given = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, 1.0)
    if not given:
        raise ValueError("Argument `wanted` must name a constant, but names none.")
    for name, number in given.items():
        _checks.check_choice(name, "wanted", labels)
        _checks.check_scalar(number, f"wanted[{name!r}]")
        if criterion != "c":
            _checks.check_positive(number, f"wanted[{name!r}]")
    units = np.eye(len(labels))[:, [labels.index(name) for name in given]]
    numbers = np.asarray(list(given.values()), float)
    if criterion == "c":
        return jnp.asarray(units @ numbers)[:, None]
    return jnp.asarray(units / numbers[None, :])


def opened(
    candidates: Candidates, wanted: Float[Array, "p k"], shots: Array
) -> Float[Array, "p p"]:
    """The priors, with a little for null directions that what is wanted does not see.

    Raises:
        Unidentifiable: where what is wanted has a part along a null direction.
    """
    found = _analysed(candidates, shots)
    width, prior = np.asarray(candidates.width), np.asarray(candidates.prior)
    for null in np.asarray(found.null_directions):
        axis = null / width / np.linalg.norm(null / width)
        own = np.asarray(wanted) * width[:, None]
        along = np.abs(axis @ own) / np.linalg.norm(own, axis=0)
        if np.any(along > 1e-4):
            raise Unidentifiable(
                "Argument `candidates` must determine what is wanted, but with the "
                f"priors given they constrain nothing along {found.describe()}; give "
                "one of these constants a prior, or more settings."
            )
        strength = float(np.asarray(found.singular_values)[0]) ** 2
        prior = prior + strength * np.outer(axis / width, axis / width)
    return jnp.asarray(prior)


@jax.jit
def _analysed(candidates: Candidates, shots: Array) -> Identifiability:
    """Null directions of all settings with equal shares, beside the priors."""
    size = len(candidates.settings)
    slope, coarse = candidates.residual_slopes(jnp.full((size,), 1 / size), shots)
    labels = list(candidates.labels)
    return analyse(coarse, candidates.width, labels, slope, NULL_SLOPES)
