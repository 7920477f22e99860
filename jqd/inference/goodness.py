"""Whether a law describes a record: chi-square, its p-value, and what they allow."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

# Below this p-value the law does not describe the record: one fit in a thousand of a
# true law is flagged. A p-value above it does not show that the law is right: a wrong
# one whose constants make up for what is missing leaves no residuals.
MISFIT_P = 1e-3
MISFIT = "the law does not describe the record"


def p_value(
    chi2: ArrayLike, dof: ArrayLike, excess: ArrayLike = 0.0
) -> Float[Array, ""]:
    """Probability of a sum of squares as large as this, if law and errors are right.

    Normal residuals give chi-square with variance 2 dof. Residuals of counts have
    another variance; the distribution is then that of a multiple c of a chi-square
    with ν degrees of freedom, of the same mean and variance (Satterthwaite):

        c ν = dof,   2 c² ν = 2 dof + excess

    Args:
        chi2: sum of squared residuals at the fit, scalar.
        dof: degrees of freedom; where there is none left, the result is 1.
        excess: variance of the sum beyond 2 dof.

    Returns:
        Scalar in [0, 1]; 0 for a sum that is not finite. No gradient flows through it.
    """
    given = (jnp.asarray(x, jnp.result_type(float)) for x in (chi2, dof, excess))
    chi2, dof, excess = map(jax.lax.stop_gradient, given)
    left = dof > 0
    safe = jnp.where(left, dof, 1)
    c = jnp.maximum(1 + excess / (2 * safe), 1e-3)
    sound = jnp.isfinite(chi2)
    x = jnp.where(sound, jnp.maximum(chi2, 0), 0)
    tail = jax.scipy.special.gammaincc(safe / (2 * c), x / (2 * c))
    return jnp.where(left, jnp.where(sound, tail, 0), 1)


def strain(residuals: np.ndarray) -> float:
    """How far residuals in units of their errors are beyond chance; 1 is refused.

    χ² over its mean and six standard deviations (and what the skewness of a few values
    needs), or over the χ² of errors that are half as large again as was said.
    """
    n = residuals.size
    chance = n + 6 * np.sqrt(2 * n) + 18
    return float(np.sum(np.abs(residuals) ** 2) / max(chance, 2.25 * n))


def misfit_message(chi2_per_dof: float, p: float) -> str:
    """One sentence for a law that does not describe its record.

    Args:
        chi2_per_dof: chi-square per degree of freedom.
        p: its p-value, below `MISFIT_P`.
    """
    shown = f"= {p:.1e}" if p > 0 else "< 1e-300"
    return (
        f"The residuals are larger than the stated errors allow (chi-square per degree "
        f"of freedom {chi2_per_dof:.4g}, p {shown}): law, state, instrument or errors "
        "are not those of the record, and the standard errors are not to be trusted."
    )
