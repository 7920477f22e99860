"""The quantity that a design minimises, as a matrix of wanted combinations."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ..identifiability import Identifiability, Unidentifiable, analyse
from ..sensitivity import NULL_SLOPES
from .settings import Candidates

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
