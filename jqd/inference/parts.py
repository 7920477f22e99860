"""What each of several studies adds to the chi-square of their fit."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..instruments.noise import Weights
from .joint import Joint
from .study import Study


class Part(NamedTuple):
    """What one of several studies adds to chi-square.

    Attributes:
        name: of the study.
        chi2: its sum of squared residuals.
        values: number of its independent values.
    """

    name: str
    chi2: float
    values: float

    def describe(self) -> str:
        """The part in words."""
        each = f"{self.chi2:.4g} of {self.values:.4g} independent values"
        return f"{self.name}: chi-square {each}"


def parts_of(study: Study, theta: Array, at: Weights) -> tuple[Part, ...]:
    """What each of several studies adds to chi-square; () for a single one."""
    if not isinstance(study, Joint):
        return ()
    found = _parts(study, theta, at)
    numbers = ((float(chi2), float(values)) for chi2, values in found)
    told = zip(study.titles, numbers, strict=True)
    return tuple(Part(title, *both) for title, both in told)


@jax.jit
def _parts(study: Joint, theta: Array, at: Weights) -> list[tuple[Array, Array]]:
    found = []
    for one, own, weights in zip(study.studies, study.parts(theta), at, strict=True):
        data, mask = one.data, jnp.ones_like(one.data.ts)
        chi2 = jnp.sum(one.residuals(own, weights, mask)[: one.seen] ** 2)
        values = data.noise.independent(data.values, weights, mask)
        found.append((chi2, jnp.asarray(values)))
    return found
