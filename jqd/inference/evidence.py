"""The probability of data under a law, averaged over its constants."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._math import divisor
from .answer import recover
from .identifiability import Unidentifiable, analyse
from .posterior import Posterior, posterior
from .study import Study

# Prior widths at which a Bayes factor is judged, in units of those of the study.
SCALES = (1 / 3, 1.0, 3.0)
METHODS = ("laplace", "smc")
# Standard errors from a wall within which the maximum counts as at the wall.
NEAR_WALL = 3.0


class Evidence(NamedTuple):
    """ln of the probability of data under a law.

    Attributes:
        log: ln Z, less terms that no law changes, scalar.
        scales: factors of the widths of the priors of free constants, (S,).
        by_scale: ln Z with each of them, (S,).
        widths: of these priors, (k,).
        at_wall: which entries of θ have a wall within 3 standard errors, (p,): each can
            make ln Z of Laplace's method wrong by up to ln 2 and more.
        stderr: error of ln Z from the scatter of populations; 0 for Laplace's method,
            whose error is not statistical, scalar.
    """

    log: Float[Array, ""]
    scales: Float[Array, " S"]
    by_scale: Float[Array, " S"]
    widths: Float[Array, " k"]
    at_wall: Array
    stderr: Float[Array, ""]


def evidence(
    study: Study,
    theta: Float[Array, " p"] | None = None,
    *,
    method: str = "laplace",
    widths: Mapping[str, ArrayLike] | None = None,
    scales: Sequence[float] = SCALES,
    populations: int = 3,
    particles: int = 1000,
    key: Array | None = None,
) -> Evidence:
    """ln Z of a study about its best fit.

    ln Z = ln L(θ) + ln π(θ) + (p/2) ln 2π - (1/2) ln det F

    where F is the Fisher information of data and priors: "laplace". Free constants have
    uniform priors. Only their widths matter, which are part of the answer: ln Z falls
    by ln of each. Nuisances have their own priors. Exact for a Gaussian posterior; a
    wall, a curved ridge or a second maximum make it wrong. "smc" leads populations of
    particles from the prior to the posterior and does not need these assumptions, but
    some thousand times as many runs.

    Args:
        study: law, data and free constants.
        theta: its best fit, (p,); None to find it by `recover`.
        method: "laplace" or "smc", which needs blackjax.
        widths: of the uniform priors, by name or label; None for the spans from which
            initial guesses are drawn. For "smc" they lie about the middle of these
            spans.
        scales: factors of these widths; each prior is assumed to contain the fit.
        populations: number of populations, whose scatter is the error. For "smc".
        particles: particles of each population. For "smc".
        key: random key; None for `jax.random.key(0)`. For "smc".

    Raises:
        ValueError: data without errors; widths that are not finite positive numbers;
            another method; populations that did not reach the posterior.
        ImportError: blackjax is missing.
        Unidentifiable: (a ValueError) the data cannot distinguish the constants.
    """
    _checks.check_type(study, "study", Study, "a Study")
    if theta is None:
        if study.names:
            found = recover(study)
            study, theta = found.study, jnp.asarray(found.theta)
        else:
            theta = study.theta()
    factors = np.asarray(scales, float)
    if not (np.all(np.isfinite(factors)) and np.all(factors > 0)):
        raise ValueError(
            f"Argument `scales` must be finite and positive, but is {scales}."
        )
    _checks.check_choice(method, "method", METHODS)
    widths_ = _widths(study, widths or {})
    if method == "smc" and study.names:
        found = posterior(
            study, "smc", theta=theta, box=spans(study, widths_), chains=populations,
            draws=particles, key=key,
        )  # fmt: skip
        return by_populations(found, widths_, jnp.asarray(factors))
    _check_told(study, theta)
    return _laplace(study, theta, widths_, jnp.asarray(factors))


def spans(study: Study, widths: Float[Array, " k"]) -> dict[str, tuple[float, float]]:
    """Ends of uniform priors of these widths, about the middle of the spans."""
    low, high = (np.asarray(end)[: study.wanted] for end in study.bounds())
    middle, half = (low + high) / 2, np.asarray(widths) / 2
    ends = zip((middle - half).tolist(), (middle + half).tolist(), strict=True)
    return dict(zip(study.labels(), ends, strict=False))


def by_populations(
    found: Posterior, widths: Float[Array, " k"], scales: Float[Array, " S"]
) -> Evidence:
    """Evidence from populations that were led from these priors to the posterior.

    Raises:
        ValueError: some did not reach the posterior.
    """
    if found.log_evidence is None or found.divergences:
        raise ValueError(
            "Argument `particles` must be enough to lead every population from prior "
            f"to posterior, but {found.divergences} did not arrive."
        )
    log, stderr = map(jnp.asarray, found.log_evidence)
    by_scale = log - found.study.wanted * jnp.log(scales)
    nowhere = jnp.zeros(found.theta.shape, bool)
    return Evidence(log, scales, by_scale, widths, nowhere, stderr)


def _check_told(study: Study, theta: Array) -> None:
    """Raise where a combination changes neither the record nor a prior."""
    if not study.names:
        return
    low, high = study.bounds()
    told = analyse(study.slope(theta), high - low, study.labels())
    if int(told.null):
        raise Unidentifiable(
            "Argument `study` must have a record and priors that tell its constants "
            f"apart, but {told.describe()} changes nothing; ln Z has no maximum."
        )


@jax.jit
def _laplace(study: Study, theta: Array, widths: Array, scales: Array) -> Evidence:
    wanted = study.wanted
    # the likelihood has the priors' densities less those where they pull to
    priors = study.log_prior(study.prior()[0]) - jnp.sum(jnp.log(widths))
    log, errors = study.log_likelihood(theta) + priors, jnp.zeros_like(theta)
    if theta.shape[0]:
        F = study.information(theta)
        # scaled, so that constants of unlike size do not spoil the determinant
        scale = jnp.sqrt(jnp.diagonal(F))
        scale = divisor(scale)
        sign, logdet = jnp.linalg.slogdet(F / scale[:, None] / scale[None, :])
        logdet = logdet + 2 * jnp.sum(jnp.log(scale))
        log = log + theta.shape[0] / 2 * jnp.log(2 * jnp.pi) - logdet / 2
        log = jnp.where(sign > 0, log, -jnp.inf)
        errors = jnp.sqrt(jnp.abs(jnp.diagonal(jnp.linalg.inv(F))))
    foot, top = study.walls(theta)
    near = (theta - foot < NEAR_WALL * errors) | (top - theta < NEAR_WALL * errors)
    by_scale = log - wanted * jnp.log(scales)
    return Evidence(log, scales, by_scale, widths, near, jnp.zeros_like(log))


def _widths(study: Study, given: Mapping[str, ArrayLike]) -> Float[Array, " k"]:
    """Widths of the uniform priors of the free constants."""
    low, high = study.bounds()
    found, slots = np.array(high - low)[: study.wanted], study.slots
    for name, width in given.items():
        found[slots.indices(name, "widths", slots.free)] = np.asarray(width)
    for label, width in zip(slots.labels, found, strict=False):
        if not (np.isfinite(width) and width > 0):
            raise ValueError(
                f"Argument `widths` must give {label} a positive, finite width, but "
                f"its width is {width:g}: an improper prior has no evidence."
            )
    return jnp.asarray(found)
