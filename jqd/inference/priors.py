"""Priors of nuisances: what is known of a constant beside the record."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..constants import scalars

# A nuisance that the record pulls further than this from its prior is no accident.
PULLED = 3.0


class Normal(eqx.Module):
    """A normal distribution of each entry of a constant, as a row of residuals.

    -2 ln of its density is ((x - mean)/sd)², up to a constant.

    Attributes:
        mean: in the unit of the constant, scalar.
        sd: standard deviation, like it.
    """

    mean: Float[Array, ""]
    sd: Float[Array, ""]

    def __init__(self, mean: ArrayLike, sd: ArrayLike):
        """A prior `mean` +- `sd`.

        Raises:
            ValueError: not one real, finite number each, or sd not positive.
        """
        self.mean, self.sd = scalars(mean=mean, sd=sd)
        _checks.check_positive(sd, "sd")


def as_prior(given: Any, name: str) -> Normal:
    """A prior as it is, or the one of a pair (mean, sd).

    Args:
        given: what a user gives.
        name: of the nuisance.

    Raises:
        ValueError: neither, or a width that is not positive.
    """
    if isinstance(given, Normal):
        return given
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ValueError(
            f"Argument `nuisances` must give {name!r} a prior or a pair (mean, sd), "
            f"but gives {given!r}."
        )
    mean, sd = given
    _checks.check_scalar(mean, f"nuisances[{name!r}]")
    _checks.check_scalar(sd, f"nuisances[{name!r}]")
    _checks.check_positive(sd, f"nuisances[{name!r}]")
    return Normal(mean, sd)
