"""The probability of data under a law, averaged over its constants."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._math import divisor
from .identifiability import Unidentifiable, analyse
from .posterior import Posterior, posterior
from .recover import recover
from .steps import refined
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

    ln Z = ln L(θ) + ln π(θ) + (p/2) ln 2π - (1/2) ln det F + Σ_i ln m_i

    where F is the Fisher information of data and priors: "laplace". Free constants have
    uniform priors. Only their widths W matter, which are part of the answer: ln Z falls
    by ln of each, as far as the data say more of a constant than its prior. The factor

        m_i = erf(W_i/(√8 s_i))

    is the share of the normal distribution that lies within the prior; s_i is the
    standard error of the constant given those whose priors are narrower beside their
    errors. It keeps ln Z below the largest ln L. It assumes the fit to be in the middle
    of the prior, and that constants are not correlated or only one has a prior within a
    few errors. Nuisances have their own priors and their ends. Laplace's method is
    exact for a Gaussian posterior; a wall, a curved ridge or a second maximum make it
    wrong. "smc" leads populations of particles from the prior to the posterior and does
    not need these assumptions, but some thousand times as many runs. Steps are halved
    until ln L no longer changes.

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
            study, "smc", theta=theta, box=uniform_box(study, widths_),
            chains=populations, draws=particles, key=key,
        )  # fmt: skip
        return by_populations(found, widths_, jnp.asarray(factors))
    study = refined(study, theta)
    _check_told(study, theta)
    return _laplace(study, theta, widths_, jnp.asarray(factors))


def uniform_box(
    study: Study, widths: Float[Array, " k"]
) -> dict[str, tuple[float, float]]:
    """Ends of uniform priors of these widths, about the middle of the spans."""
    low, high = (np.asarray(end)[: study.wanted] for end in study.bounds())
    middle, half = (low + high) / 2, np.asarray(widths) / 2
    ends = zip((middle - half).tolist(), (middle + half).tolist(), strict=True)
    return dict(zip(study.labels(), ends, strict=False))


def by_populations(
    found: Posterior, widths: Float[Array, " k"], scales: Float[Array, " S"]
) -> Evidence:
    """Evidence from populations that were led from these priors to the posterior."""
    if found.log_evidence is None or found.divergences:
        raise ValueError(
            "Argument `particles` must be enough to lead every population from prior "
            f"to posterior, but {found.divergences} did not arrive."
        )
    log, stderr = map(jnp.asarray, found.log_evidence)
    by_scale = log - found.study.wanted * jnp.log(scales)
    # no average of a likelihood is above the largest
    highest = jnp.max(jnp.sum(jnp.asarray(found.predicted.log_likelihood), axis=1))
    by_scale = jnp.minimum(by_scale, jnp.maximum(highest, log))
    nowhere = jnp.zeros(found.theta.shape, bool)
    return Evidence(log, scales, by_scale, widths, nowhere, stderr)


def _check_told(study: Study, theta: Array) -> None:
    """Raise where a combination changes neither the record nor a prior."""
    if not study.names:
        return
    told = analyse(study.slope(theta), study.spans, study.labels())
    if int(told.null):
        raise Unidentifiable(
            "Argument `study` must have a record and priors that determine its "
            f"constants, but {told.describe()} changes nothing; ln Z has no maximum."
        )


@jax.jit
def _laplace(study: Study, theta: Array, widths: Array, scales: Array) -> Evidence:
    wanted = study.wanted
    # the likelihood has the priors' densities less those where they pull to
    priors = study.log_prior(study.prior()[0]) - jnp.sum(jnp.log(widths))
    log, errors = study.log_likelihood(theta) + priors, jnp.zeros_like(theta)
    by_scale = log - wanted * jnp.log(scales)
    if theta.shape[0]:
        F = study.information(theta)
        # scaled, so that constants of unlike size do not spoil the determinant
        scale = jnp.sqrt(jnp.diagonal(F))
        scale = divisor(scale)
        scaled = F / scale[:, None] / scale[None, :]
        sign, logdet = jnp.linalg.slogdet(scaled)
        logdet = logdet + 2 * jnp.sum(jnp.log(scale))
        errors = jnp.sqrt(jnp.abs(jnp.diagonal(jnp.linalg.inv(scaled)))) / scale
        # a narrow prior also cuts off what a later constant shares with its own
        first = jnp.argsort(widths / errors[:wanted])
        order = jnp.concatenate([first, jnp.arange(wanted, theta.shape[0])])
        # the factor of F with rows turned about has 1/s of each, given those before
        back = order[::-1]
        factor = jnp.linalg.cholesky(scaled[back][:, back])
        given = 1 / (scale[order] * jnp.diagonal(factor)[::-1])
        given = jnp.zeros_like(given).at[order].set(given)
        volume = theta.shape[0] / 2 * jnp.log(2 * jnp.pi) - logdet / 2
        volume = volume + _log_inside(study, theta, given)

        def total(scale: Array) -> Array:
            half = scale * widths / 2 / given[:wanted]
            inside = jnp.sum(jnp.log(jax.lax.erf(half / np.sqrt(2))))
            whole = log + volume + inside - wanted * jnp.log(scale)
            return jnp.where((sign > 0) & ~jnp.isnan(whole), whole, -jnp.inf)

        by_scale, log = jax.vmap(total)(scales), total(jnp.ones_like(log))
    foot, top = study.walls(theta)
    near = (theta - foot < NEAR_WALL * errors) | (top - theta < NEAR_WALL * errors)
    return Evidence(log, scales, by_scale, widths, near, jnp.zeros_like(log))


def _log_inside(study: Study, theta: Array, given: Array) -> Float[Array, ""]:
    """ln of the shares of normal distributions within the ends of nuisances' priors.

    Ends at which a density vanishes cut nothing off.
    """
    total = jnp.zeros(())
    for prior, slot in zip(study.priors, study.slots.nuisances, strict=True):
        x, error = theta[slot.at], given[slot.at]
        if not prior.walled:
            continue
        share = jnp.zeros_like(x)
        for end, side in zip(prior.ends(), (-1, 1), strict=True):
            end = jnp.broadcast_to(jnp.asarray(end, x.dtype), x.shape)
            cuts = jnp.isfinite(prior.log_density(end))
            room = side * jnp.where(cuts, end - x, 0) / error / np.sqrt(2)
            share = share + jnp.where(cuts, jax.lax.erf(room), 1) / 2
        total = total + jnp.sum(jnp.log(share))
    return total


def _widths(study: Study, given: Mapping[str, ArrayLike]) -> Float[Array, " k"]:
    """Widths of the uniform priors of the free constants."""
    found, slots = np.array(study.spans)[: study.wanted], study.slots
    for name, width in given.items():
        found[slots.indices(name, "widths", slots.free)] = np.asarray(width)
    for label, width in zip(slots.labels, found, strict=False):
        if not (np.isfinite(width) and width > 0):
            raise ValueError(
                f"Argument `widths` must give {label} a positive, finite width, but "
                f"its width is {width:g}: an improper prior has no evidence."
            )
    return jnp.asarray(found)
