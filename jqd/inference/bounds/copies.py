"""A lower bound on the number of copies from counted failures."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import divisor
from .words import outward, percent

# Where more than this may fail, the infidelity to order 1/N is not enough.
FIRST_ORDER = 0.1
# ln of the smallest probability that is considered.
_LOWEST = -700.0


class CopiesBound(NamedTuple):
    """A lower bound on N, the number of copies.

    Attributes:
        copies: N is at least this.
        failure_limit: upper limit of the probability of failure.
        failures: number of runs that failed.
        shots: number of runs.
        infidelity: Λ = N E[1 - F], as the law predicts it.
        infidelity_error: error of Λ; the bound on N uses Λ less this.
        confidence: confidence of the limit.
    """

    copies: Float[Array, ""]
    failure_limit: Float[Array, ""]
    failures: Array
    shots: Array
    infidelity: Array
    infidelity_error: Array
    confidence: Array

    def __str__(self) -> str:
        """The bound in words, with its assumptions."""
        N, u, failures, shots, infidelity, error, level = (
            np.asarray(x).item() for x in self
        )
        less = f", {error:.2g} less for its error," if error else ""
        sentences = [
            f"N >= {outward(N, '>', 4)} ({percent(level)}, one-sided): {failures:.15g} "
            f"failures of {shots:.15g} leave a probability of failure of at most "
            f"{outward(u, '<', 5)}, and N copies fail with the probability "
            f"{infidelity:.6g}/N{less}.",
            "This is a lower bound only: failures may have other origins, so no count "
            "of failures bounds N from above.",
            "It attributes all failures to N, which is conservative, and assumes that "
            "no other error cancels the effect of N.",
        ]
        if u > FIRST_ORDER:
            sentences.append(
                "The limit on failures is so large that the first order in 1/N, on "
                "which lambda/N rests, does not hold there."
            )
        return "\n".join(sentences)


def bounds_on_copies(
    failures: ArrayLike,
    shots: ArrayLike,
    infidelity: ArrayLike,
    *,
    infidelity_error: ArrayLike = 0.0,
    confidence: ArrayLike = 0.95,
) -> CopiesBound:
    """The smallest number N of copies that a count of failures allows.

    N >= (Λ - ΔΛ)/u,  u the Clopper-Pearson upper limit of the probability of failure

    To first order in 1/N the state of N copies that move by `jqd.CopyDynamics` has N
    E[1 - F] = Λ, see `jqd.ensembles.copying.infidelity`. Other errors of unknown size
    add to the failures, so that N has no upper bound. Works under jit and vmap.

    Args:
        failures: K, runs that did not end in the quantum-mechanical state; whole.
        shots: n, number of runs; whole.
        infidelity: Λ, positive.
        infidelity_error: ΔΛ >= 0, error of Λ, as `loss_error` of the law of noise gives
            it; below Λ.
        confidence: confidence of the limit, between 0 and 1.

    Raises:
        ValueError: numbers out of range, more failures than shots; 32-bit floats.

    Source: C. J. Clopper and E. S. Pearson, Biometrika 26, 404 (1934).
    """
    limit = failure_limit(failures, shots, confidence)
    _checks.check_positive(infidelity, "infidelity", ())
    _checks.check_not_negative(infidelity_error, "infidelity_error", ())
    _check_known(infidelity, infidelity_error)
    given = map(
        jnp.asarray, (failures, shots, infidelity, infidelity_error, confidence)
    )
    # one that is not known bounds nothing
    least = jnp.maximum(jnp.asarray(infidelity) - infidelity_error, 0)
    return CopiesBound(least / limit, limit, *given)


def failure_limit(
    failures: ArrayLike, shots: ArrayLike, confidence: ArrayLike = 0.95
) -> Float[Array, ""]:
    """Clopper-Pearson upper limit u of the probability of failure.

    I_u(K + 1, n - K) = confidence, and u = 1 if all fail

    Args:
        failures: K, whole, from 0 to n.
        shots: n, whole, positive.
        confidence: between 0 and 1; of an upper limit, one-sided.

    Raises:
        ValueError: as of `bounds_on_copies`.
    """
    _checks.require_x64("A limit on failures")
    for name, count in (("failures", failures), ("shots", shots)):
        _checks.check_scalar(count, name)
        _checks.check_whole(count, name)
    _checks.check_positive(shots, "shots")
    _check_order(failures, shots)
    _checks.check_scalar(confidence, "confidence")
    _check_level(confidence)
    real = jnp.result_type(float)
    return _limit(*(jnp.asarray(x, real) for x in (failures, shots, confidence)))


def _check_order(failures: ArrayLike, shots: ArrayLike) -> None:
    if _checks.is_concrete((failures, shots)) and np.any(
        _checks.concrete(failures) > _checks.concrete(shots)
    ):
        raise ValueError(
            f"Argument `failures` must be at most the number of shots, {shots}, but is "
            f"{failures}."
        )


def _check_known(infidelity: ArrayLike, error: ArrayLike) -> None:
    if _checks.is_concrete((infidelity, error)) and np.any(
        _checks.concrete(error) >= _checks.concrete(infidelity)
    ):
        raise ValueError(
            f"Argument `infidelity_error` must be below the infidelity, {infidelity}, "
            f"but is {error}: what is not known bounds nothing."
        )


def _check_level(confidence: ArrayLike) -> None:
    _checks.check_positive(confidence, "confidence")
    if _checks.is_concrete(confidence) and np.any(_checks.concrete(confidence) >= 1):
        raise ValueError(
            f"Argument `confidence` must be below 1, but is {confidence}: nothing is "
            "certain."
        )


@jax.jit
def _limit(failures: Array, shots: Array, confidence: Array) -> Array:
    import optimistix as optx

    left = shots - failures
    some = divisor(left)

    def beyond(log_u, _):
        level = jax.scipy.special.betainc(failures + 1, some, jnp.exp(log_u))
        return level - confidence

    # of the logarithm, since limits of 1e-9 are as common as of 1/2
    found = optx.root_find(
        beyond,
        optx.Bisection(rtol=1e-14, atol=1e-14),
        jnp.log((failures + 1) / (shots + 1)),
        options={"lower": _LOWEST, "upper": 0.0},
        max_steps=200,
        throw=False,
    )
    return jnp.where(left > 0, jnp.exp(found.value), 1)
