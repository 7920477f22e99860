"""Results of samplers: draws of constants, chain by chain, with diagnostics."""

import importlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
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


def module(name: str) -> Any:
    """A module of blackjax, an optional dependency.

    Raises:
        ImportError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            'Samplers "nuts" and "smc" need blackjax, which is missing: '
            'pip install "jqd[bayes]"; sampler "laplace" does without.'
        ) from error


def mixing(theta: Float[np.ndarray, "chain draw p"]) -> tuple[np.ndarray, np.ndarray]:
    """R-hat and bulk effective sample size of each entry, (p,) each.

    Rank-normalised and split, R-hat the larger one of bulk and folded draws.

    Source: Vehtari et al., Bayesian Analysis 16, 667 (2021).
    """
    diagnostics = module("blackjax.diagnostics")
    entries = np.moveaxis(theta, -1, 0)
    rhat = [np.asarray(diagnostics.rhat(x)) for x in entries]
    ess = [np.asarray(diagnostics.ess_bulk(x)) for x in entries]
    # of chains that stand still there is none
    rhat = np.nan_to_num(np.reshape(rhat, -1), nan=np.inf)
    return rhat, np.nan_to_num(np.reshape(ess, -1))


# Above this the weights of a row have no mean that finitely many draws can find.
UNSURE = 0.7


class LeftOut(NamedTuple):
    """Rows of the data, each predicted from all others.

    Attributes:
        rows: ln of the probability of each row, given the others, (T,).
        shape: k of the Pareto distribution that the largest weights follow, (T,); above
            0.7 these draws do not predict a row; -inf where nothing is drawn.
    """

    rows: Float[np.ndarray, " T"]
    shape: Float[np.ndarray, " T"]

    @property
    def unsure(self) -> np.ndarray:
        """Rows that the draws do not predict, (T,) bool."""
        return ~(self.shape <= UNSURE)


def left_out(log_likelihood: Float[np.ndarray, "n T"], worth: float) -> LeftOut:
    """Leave each row out by weighting draws that were made with it.

    ln p(y_t | others) = ln Σ_i w_i p(y_t | θ_i),   w_i ∝ 1 / p(y_t | θ_i)

    the largest weights replaced by quantiles of the Pareto distribution that fits them.

    Args:
        log_likelihood: ln p(y_t | θ_i) of n draws.
        worth: effective number of independent draws among them, over n.

    Raises:
        ImportError: blackjax is missing.

    Source: Vehtari, Gelman, Gabry, Statistics and Computing 27, 1413 (2017).
    """
    psis = module("blackjax.diagnostics").psis_weights
    share = min(max(worth, 1e-3), 1.0)

    def one(logs: jax.Array) -> tuple[jax.Array, jax.Array]:
        weights, shape = psis(-logs, share)
        return jax.nn.logsumexp(weights + logs), shape

    rows, shape = jax.vmap(one)(jnp.asarray(log_likelihood).T)
    # weights that are all the same need no tail
    flat = np.ptp(log_likelihood, axis=0) == 0
    return LeftOut(np.asarray(rows), np.where(flat, -np.inf, np.asarray(shape)))
