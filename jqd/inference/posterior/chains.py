"""Results of samplers: draws of constants, chain by chain, with diagnostics."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class Chains(NamedTuple):
    """Draws of θ, with diagnostics of each.

    Attributes:
        theta: (chain, draw, p).
        log_posterior: ln L + ln π at each, (chain, draw).
        acceptance: mean probability to accept a proposal, (chain, draw).
        diverging: whether the integration of the step broke down, (chain, draw).
        failed: whether the step met a run that failed, (chain, draw).
        steps: number of runs of the law for the draw, (chain, draw).
        share_failed: share of failed runs in all runs.
        rhat: R-hat of each entry, (p,); None for independent draws.
        ess: bulk effective sample size of each entry, (p,).
        log_evidence: ln Z of each chain, (chain,), or None.
    """

    theta: Float[np.ndarray, "chain draw p"]
    log_posterior: Float[np.ndarray, "chain draw"]
    acceptance: Float[np.ndarray, "chain draw"]
    diverging: Bool[np.ndarray, "chain draw"]
    failed: Bool[np.ndarray, "chain draw"]
    steps: Int[np.ndarray, "chain draw"]
    share_failed: float
    rhat: Float[np.ndarray, " p"] | None
    ess: Float[np.ndarray, " p"]
    log_evidence: Float[np.ndarray, " chain"] | None = None


def blackjax() -> Any:
    """The package blackjax, an optional dependency.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import blackjax as found
    except ImportError as error:
        raise ImportError(
            'Samplers "nuts" and "smc" need blackjax, which is missing: '
            'pip install "jqd[bayes]"; sampler "laplace" does without.'
        ) from error
    return found


def mixing(theta: Float[np.ndarray, "chain draw p"]) -> tuple[np.ndarray, np.ndarray]:
    """R-hat and bulk effective sample size of each entry, (p,) each.

    Rank-normalised and split, R-hat the larger one of bulk and folded draws.

    Source: Vehtari et al., Bayesian Analysis 16, 667 (2021).
    """
    diagnostics = blackjax().diagnostics
    entries = np.moveaxis(theta, -1, 0)
    rhat = [np.asarray(diagnostics.rhat(x)) for x in entries]
    ess = [np.asarray(diagnostics.ess_bulk(x)) for x in entries]
    # of chains that stand still there is none
    rhat = np.nan_to_num(np.reshape(rhat, -1), nan=np.inf)
    return rhat, np.nan_to_num(np.reshape(ess, -1))
