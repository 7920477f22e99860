"""Designs that distinguish a law from a rival whose nuisances are fitted.

Maximise over w: min_η Σ_x w_x 2 N KL(P_x || P'_x(η)) + Σ ((η - η0)/sd)²

Near the η at the minimum this is 1/V_11 of one more constant, the size of the
difference: shares are those of its "c" design, with η refitted until both agree.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ...instruments.noise import Drawable
from ..identifiability import Unidentifiable
from ..sensitivity import (
    RTOL,
    Sensitivity,
    check_over_time,
    independent_rows,
    sensitivity,
)
from ..slopes import by_columns, columns
from ..study import Study
from .answer import Design, answer
from .settings import Candidates, at_times, gather
from .weights import Optimum, Problem, gap_of, opened, optimise

ROUNDS = 30
# A difference below this in units of the scatter of a shot is rounding.
ROUNDING = 1e-10
# Residual of what is fitted and goes a whole span of its starts.
HOLD = 1e-6
DIFFERENCE = "difference"


class Duel(eqx.Module):
    """A true law, and a rival whose η is fitted.

    Attributes:
        noise: noise of the data of the first.
        rival: study of the second.
        mean: expected data of the first, (T, ...).
        theta: initial guess of the rival's constants, (p,).
        fitted: positions in θ of the k fitted constants (static).
        settings: number of settings (static).
    """

    noise: Drawable
    rival: Study
    mean: Array
    theta: Float[Array, " p"]
    fitted: tuple[int, ...] = eqx.field(static=True)
    settings: int = eqx.field(static=True)

    def misses(self, eta: Float[Array, " k"]) -> Float[Array, "S n"]:
        """Signed roots of 2 KL of one shot at each setting."""
        theta = self.theta.at[np.asarray(self.fitted, int)].set(eta)
        rival = self.rival.predict(theta)
        roots = self.noise.divergence(self.mean, rival)
        return jnp.reshape(roots, (self.settings, -1))

    def begun(self, eta: Float[Array, " k"]) -> "Duel":
        """The same, with another initial guess of the fit."""
        theta = self.theta.at[np.asarray(self.fitted, int)].set(eta)
        return eqx.tree_at(lambda duel: duel.theta, self, theta)

    def eta(self) -> Float[Array, " k"]:
        """The initial guess of the fitted constants."""
        return self.theta[np.asarray(self.fitted, int)]

    def priors(self) -> tuple[Array, Array]:
        """Mean and 1/sd of the fitted constants; 0 without a prior."""
        at = np.asarray(self.fitted, int)
        mean, sd = self.rival.prior()
        return mean[at], 1 / sd[at]


def against(
    studies: Mapping[str, Study],
    theta: Array,
    rival: Any,
    shots: Array,
    tolerance: float,
    shares: Array | None,
) -> Design:
    """Shares of shots that distinguish a law from a rival.

    Args:
        rival: {name: value} of other constants, or a study.
        shares: to be judged; None to look for the best.
    """
    if len(studies) > 1:
        raise ValueError(
            "Argument `candidates` must be of one study for 'KL', but are of "
            f"{len(studies)}."
        )
    study = next(iter(studies.values()))
    truth = sensitivity(study, theta, RTOL)
    plain = gather({"": study}, {"": truth})
    duel, other = _duel(study, truth, theta, rival, len(plain.settings))
    if shares is not None:
        best = _look(duel, plain, shares, shots)
    else:
        best = _search(duel, plain, shots, tolerance)
    slopes = jnp.sum(best.found.rows[..., 0] ** 2, axis=1)
    optimum = Optimum(best.weights, best.gap, slopes, jnp.asarray(0))
    both = [truth, other]
    told = answer(best.found, best.problem, optimum, "KL", both, tolerance)
    return eqx.tree_at(lambda design: design.value, told, float(best.value))


class _Look(NamedTuple):
    """A rival fitted with some shares of shots."""

    duel: Duel
    weights: Array
    value: Array
    gap: Array
    found: Candidates
    problem: Problem


def _look(duel: Duel, plain: Candidates, weights: Array, shots: Array) -> _Look:
    """Fit the rival with these shares."""
    eta, misses, gap, value = _fitted(duel, weights, shots)
    if not jnp.max(jnp.abs(misses)) > ROUNDING:
        raise Unidentifiable(
            "Argument `rival` must differ from the law at some candidate, but with its "
            "nuisances fitted it does not."
        )
    duel = duel.begun(eta)
    found = _augmented(duel, plain, eta)
    C = jnp.eye(found.rows.shape[-1])[:, :1]
    problem = Problem(found.information, opened(found, C, shots), C, shots, False)
    return _Look(duel, weights, value, gap, found, problem)


def _search(duel: Duel, plain: Candidates, shots: Array, tolerance: float) -> _Look:
    """Shares and rival in turn, until neither moves."""
    weights = jnp.full((duel.settings,), 1 / duel.settings)
    best = _look(duel, plain, weights, shots)
    weights = optimise(best.problem, tolerance / 10).weights
    for _ in range(ROUNDS):
        if best.gap <= tolerance:
            break
        here = _look(best.duel, plain, weights, shots)
        if here.gap <= tolerance or here.value > best.value:
            best = here
            weights = optimise(best.problem, tolerance / 10).weights
        else:
            # what has gone too far goes half of the way from the best so far
            weights = (best.weights + weights) / 2
    return best


def _duel(
    study: Study, truth: Sensitivity, theta: Array, rival: Any, settings: int
) -> tuple[Duel, Sensitivity]:
    """Both sides with steps that have settled."""
    if isinstance(rival, Mapping):
        for name, value in rival.items():
            known = tuple(dict.fromkeys((*study.names, *study.labels())))
            _checks.check_choice(name, "rival", known)
            _checks.check_finite(value, f"rival[{name!r}]")
        start = study.theta(rival)
        fitted = tuple(
            i for i, label in enumerate(study.labels())
            if i >= study.wanted and not _named(label, rival)
        )  # fmt: skip
        given = np.asarray([_named(label, rival) for label in study.labels()])
        start = jnp.where(given, start, theta)
    elif isinstance(rival, Study):
        check_over_time(rival, "rival")
        same = np.array_equal(study.data.ts, rival.data.ts)
        rival = rival if same else at_times(rival, study.data.ts)
        start, fitted = rival.theta(), tuple(range(len(rival.labels())))
    else:
        raise ValueError(
            "Argument `rival` must be {name: value} or a study, but is a "
            f"{type(rival).__name__}."
        )
    other = study if isinstance(rival, Mapping) else rival
    shown = sensitivity(other, start, RTOL)
    if shown.mean.shape != truth.mean.shape:
        raise ValueError(
            f"Argument `rival` must show values of shape {truth.mean.shape}, but shows "
            f"{shown.mean.shape}."
        )
    fine, noise = other.with_substeps(shown.steps), independent_rows(study)
    return Duel(noise, fine, truth.mean, start, fitted, settings), shown


def _named(label: str, given: Mapping[str, Any]) -> bool:
    return label in given or label.partition("[")[0] in given


@jax.jit
def _fitted(
    duel: Duel, weights: Array, shots: Array
) -> tuple[Array, Array, Array, Array]:
    """η at the minimum, the misses there, the gap of the shares, and the minimum."""
    import optimistix as optx

    mean, accuracy = duel.priors()
    width = _widths(duel)

    @by_columns
    def residuals(unit: Array, rest: Any) -> Array:
        duel, weights, shots, first, width, mean, accuracy = rest
        eta = first + unit * width
        seen = jnp.sqrt(shots * weights)[:, None] * duel.misses(eta)
        told = accuracy * (eta - mean)
        # what nothing tells stays where it was
        return jnp.concatenate([jnp.ravel(seen), told, HOLD * unit])

    first = duel.eta()
    rest = (duel, weights, shots, first, width, mean, accuracy)
    unit = jnp.zeros_like(first)
    if duel.fitted:
        solver = optx.Dogleg(rtol=1e-6, atol=1e-8)
        unit = optx.least_squares(
            residuals, solver, unit, args=rest, max_steps=60, throw=False
        ).value
    misses = duel.misses(first + unit * width)
    value = jnp.sum(residuals(unit, rest) ** 2)
    gap = gap_of(weights, jnp.sum(misses**2, axis=1))
    return first + unit * width, misses, gap, value


def _widths(duel: Duel) -> Float[Array, " k"]:
    return jnp.asarray(duel.rival.spans)[np.asarray(duel.fitted, int)]


def _augmented(duel: Duel, plain: Candidates, eta: Array) -> Candidates:
    """Settings with the size of the difference as first constant, then η."""
    misses, slopes = _slopes(duel, eta)
    mean, accuracy = duel.priors()
    offset = (accuracy * (eta - mean))[:, None]
    labels = [duel.rival.labels()[i] for i in duel.fitted]
    rows = jnp.concatenate([misses[..., None], slopes], axis=-1)
    return Candidates(
        plain.settings, rows, rows,
        jnp.concatenate([offset, jnp.diag(accuracy)], axis=1),
        jnp.concatenate([jnp.ones(1), _widths(duel)]),
        (DIFFERENCE, *labels), 1, jnp.zeros((0, 1 + len(labels))), plain.assumed,
    )  # fmt: skip


@jax.jit
def _slopes(duel: Duel, eta: Array) -> tuple[Array, Array]:
    if not duel.fitted:
        misses = duel.misses(eta)
        return misses, jnp.zeros((*misses.shape, 0))
    return columns(duel.misses, eta)
