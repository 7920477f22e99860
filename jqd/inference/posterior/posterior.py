"""`posterior`: draws of the constants of a study, given its data."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..hidden import hidden_pattern
from ..identifiability import Unidentifiable
from ..polish import Polish, polish_one
from ..recover import recover
from ..recovery import Recovery
from ..search import Report
from ..sensitivity import check_known, constants_at
from ..steps import DRAWN_CHANGE, refined
from ..study import Study
from . import laplace, nuts, smc
from .answer import Posterior
from .box import Box, box_of
from .chains import Chains, blackjax
from .coordinates import covariance_root, whitened
from .predictive import predict

SAMPLERS = ("nuts", "smc", "laplace")
# R-hat compares the halves of chains, with two draws at least.
LEAST_DRAWS = 4


def posterior(
    study: Study | Recovery,
    sampler: str = "nuts",
    *,
    theta: ArrayLike | None = None,
    box: Mapping[str, Any] | None = None,
    chains: int = 4,
    draws: int = 1000,
    starts: int = 8,
    key: Array | None = None,
    report: Report | None = None,
) -> Posterior:
    """Draw the constants of a study from their posterior.

    p(θ | record) = L(θ) π(θ) / Z

    Free constants have uniform priors, between the bounds that they declare and the
    ends of `box`; without ends the priors are improper, which "smc" refuses. Nuisances
    have their own. A run that fails has the likelihood 0, and is counted.

    "nuts" is the no-U-turn sampler in coordinates whitened by the information at the
    fit, with ends mapped to infinity; "smc" leads populations from the prior to the
    posterior and finds ln Z; "laplace" draws from N(θ, F⁻¹) within the ends, for
    comparison.

    Args:
        study: law, free constants and data with known errors; or the `Recovery` of a
            fit, about which the sampler draws.
        sampler: "nuts", "smc" or "laplace"; the first two need blackjax.
        theta: the fit to begin with, (p,); None to find it by `recover`. Steps are
            those of the fit; beside a study they are halved where ln L changes by more
            than 0.05.
        box: ends (low, high) of uniform priors of free constants, by name or label.
        chains: number of chains, or of populations of "smc".
        draws: number of draws of each chain, from 4 on.
        starts: initial guesses of the fit.
        key: random key; None for `jax.random.key(0)`.
        report: called as report("sample", done, total).

    Returns:
        The draws; `status` says whether to trust them.

    Raises:
        ValueError: another sampler, numbers below 1, data without errors, an improper
            prior for "smc", float64 off.
        Unidentifiable: (a ValueError) the data and the ends do not determine all
            constants.
        ImportError: blackjax is missing.
    """
    _checks.require_x64("jqd.posterior")
    given, asked = study, study.study if isinstance(study, Recovery) else study
    _check(asked, sampler, chains, draws)
    limits = box_of(asked, box)
    if sampler == "smc":
        limits.check_proper(asked.labels(), "populations to begin with")
    key = _checks.single_key(jax.random.key(0) if key is None else key)
    study, fit = _fitted(given, theta, starts)
    stderr = _stderr(study.information(fit))
    made = _sampled(study, sampler, limits, fit, stderr, key, chains, draws, report)
    flat = made.theta.reshape(-1, made.theta.shape[-1])
    return Posterior(
        study=study,
        sampler=sampler,
        theta=np.asarray(fit),
        stderr=stderr,
        chains=made,
        predicted=predict(study, flat, jax.random.fold_in(key, 1)),
        box=np.stack([limits.low, limits.high]),
        seed=tuple(np.ravel(jax.random.key_data(key)).tolist()),
        pattern=hidden_pattern(study, fit),
    )


def _check(study: Any, sampler: str, chains: int, draws: int) -> None:
    if not isinstance(study, Study):
        raise ValueError(
            "Argument `study` must be a Study or a Recovery, but is a "
            f"{type(study).__name__}."
        )
    _checks.check_choice(sampler, "sampler", SAMPLERS)
    _checks.whole_number(chains, "chains", 1)
    _checks.whole_number(draws, "draws", LEAST_DRAWS)
    if sampler != "laplace":
        blackjax()
    check_known(study)
    if not study.names:
        raise ValueError(
            "Argument `study` must have a free constant or a nuisance, but has none."
        )


def _fitted(
    given: Study | Recovery, theta: ArrayLike | None, starts: int
) -> tuple[Study, Float[Array, " p"]]:
    """The best fit, and the study with the steps that it needs."""
    if isinstance(given, Recovery):
        at = given.theta if theta is None else theta
        return given.study, constants_at(given.study, at)
    if theta is not None:
        fit = constants_at(given, theta)
        return refined(given, fit, DRAWN_CHANGE), fit
    if given.free:
        found = recover(given, starts=starts)
        return found.study, jnp.asarray(found.theta)
    study = refined(given, given.theta(), DRAWN_CHANGE)
    fit, *_ = polish_one(Polish(), study, study.theta(), jnp.ones_like(study.data.ts))
    return study, fit


def _stderr(F: Array) -> np.ndarray:
    """Roots of the diagonal of F⁻¹; not finite where F is singular."""
    root = np.asarray(covariance_root(F))
    return np.sqrt(np.sum(root**2, axis=1))


def _sampled(
    study: Study,
    sampler: str,
    box: Box,
    fit: Array,
    stderr: np.ndarray,
    key: Array,
    chains: int,
    draws: int,
    report: Report | None,
) -> Chains:
    report = report or (lambda stage, done, total: None)
    if sampler == "smc":
        return smc.sample(study, box, key, chains, draws, report)
    target = whitened(study, box, fit)
    if not np.all(np.isfinite(target.root)):
        raise Unidentifiable(
            "Argument `study` must have a record and priors that determine its "
            "constants, or a `box` about them, but has not: the information is "
            "singular."
        )
    if sampler == "nuts":
        return nuts.sample(target, key, chains, draws, report)
    if not np.all(np.isfinite(stderr)):
        raise Unidentifiable(
            "Argument `study` must have a record and priors that determine its "
            "constants for a normal approximation, but has not: the information is "
            "singular."
        )
    return laplace.sample(study, box, fit, key, chains, draws)
