"""Counts of systems, by class, that represent a quantum state.

Throughout ρ_a is the `density`, (M,), which sums to 1, n_a the `occupation`, (M,),
whole numbers of the same dtype, and N the `copies`, a scalar.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import divisor

# Initial counts: N ρ_a rounded to whole numbers, or N draws from ρ.
INITIAL = ("rounded", "drawn")


def rounded(density: Float[Array, " M"], copies: ArrayLike) -> Float[Array, " M"]:
    """Whole numbers n_a near N ρ_a that sum to N, by the largest remainders."""
    copies = jnp.asarray(copies, density.dtype)
    wanted = copies * density
    whole = jnp.floor(wanted)
    missing = copies - jnp.sum(whole)
    rank = jnp.argsort(jnp.argsort(whole - wanted))
    return whole + (rank < missing).astype(density.dtype)


def drawn(
    key: Array, density: Float[Array, " M"], copies: ArrayLike
) -> Float[Array, " M"]:
    """N independent draws from ρ: multinomial n_a."""
    copies = jnp.asarray(copies, density.dtype)
    return jax.random.multinomial(key, copies, density, dtype=density.dtype)


def admixed(density: Float[Array, " M"], admixture: ArrayLike) -> Float[Array, " M"]:
    """(1 - ε) ρ_a + ε/M: a remedy for nodes.

    Source: Smolin (2012), sec. 3.4, remedy 3 of the nodes issue.
    """
    part = jnp.asarray(admixture, density.dtype)
    return (1 - part) * density + part / density.shape[0]


def phase_factors(
    psi: Complex[Array, " M"], hamiltonian: Complex[Array, "M M"]
) -> Complex[Array, " M"]:
    """exp(-iφ_a) of ψ; where ψ_a = 0, the phase of (Hψ)_a, at which no current flows.

    In quantum mechanics ψ_a leaves a node (zero) with the phase of -i(Hψ)_a. With that
    phase x_ab would stay ±π/2 for ever where all ω are equal, with or without noise,
    and the class would run exactly into its next node: nothing would turn it round.
    """
    field = jnp.sum(hamiltonian * psi[None, :], axis=-1)
    return _unit(psi, _unit(field, jnp.ones_like(psi)))


def _unit(z: Array, fallback: Array) -> Array:
    some = z != 0
    return jnp.where(some, z / jnp.abs(divisor(z, some)), fallback)


def most_copies(dtype: np.dtype | type) -> int:
    """The number up to which a real dtype holds every whole number."""
    return 2 ** (int(np.finfo(dtype).nmant) + 1)


def check_copies(copies: ArrayLike, size: int, dtype: np.dtype | type) -> None:
    """Raise unless N is a whole number that suits M classes and the dtype.

    Raises:
        ValueError: not a scalar, not whole, below M, or too large to count exactly.
    """
    most = most_copies(dtype)
    if isinstance(copies, int):
        # whole numbers of any length, which arrays do not hold
        number = copies
    else:
        _checks.check_scalar(copies, "copies")
        if not _checks.is_concrete(copies):
            return
        number = _checks.concrete(copies).item()
    if number != int(number) or number < 1:
        raise ValueError(
            f"Argument `copies` must be a whole number above 0, but is {number}."
        )
    if number < size:
        raise ValueError(
            f"Argument `copies` must be at least the {size} classes, but is {number}."
        )
    if number > most:
        shown = f"{number:.6g}" if number < 1e300 else "beyond 1e300"
        raise ValueError(
            f"Argument `copies` must be at most {most} to be counted in "
            f"{np.dtype(dtype).name}, but is {shown}."
        )


def check_representable(
    density: ArrayLike, occupation: ArrayLike, copies: ArrayLike
) -> None:
    """Raise if a class that should have systems begins without any.

    Raises:
        ValueError: some ρ_a > 0 has n_a + s_a = 0.
    """
    if not _checks.is_concrete((density, occupation, copies)):
        return
    density, occupation = (_checks.concrete(each) for each in (density, occupation))
    lost = np.flatnonzero((density > 0) & (occupation == 0))
    if lost.size:
        a = int(lost[0])
        raise ValueError(
            "Argument `copies` must represent the populations, but N = "
            f"{_checks.concrete(copies).item():g} leaves class {a} (density "
            f"{density[a]:.3g}) empty, and an empty class stays so; take more copies, "
            "`spectators` or an `admixture`."
        )
