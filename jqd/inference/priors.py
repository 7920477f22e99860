"""Priors of nuisances: what is known of a constant beside the record."""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..constants import constant

# A nuisance that the record pulls further than this from its prior is no accident.
PULLED = 3.0


class Normal(eqx.Module):
    """A normal distribution of each entry of a constant, as a row of residuals.

    -2 ln of its density is ((x - mean)/sd)², up to a constant.

    Attributes:
        mean: in the unit of the constant, scalar or one for each entry.
        sd: standard deviation, like it.
    """

    mean: Float[Array, "..."]
    sd: Float[Array, "..."]

    def __init__(self, mean: ArrayLike, sd: ArrayLike):
        """A prior `mean` +- `sd`.

        Raises:
            ValueError: not real, finite numbers, one for all entries or one for each,
                or sd not positive.
        """
        _check_entries(mean, "mean")
        _check_entries(sd, "sd")
        _checks.check_positive(sd, "sd")
        self.mean, self.sd = constant(mean), constant(sd)


def _check_entries(x: ArrayLike, name: str) -> None:
    """Raise ValueError unless it is one real, finite number, or a vector of them."""
    _checks.check_numbers(x, name)
    _checks.check_shape(x, name, (None,) if np.ndim(x) else ())
    _checks.check_real(x, name)
    _checks.check_finite(x, name)


def as_prior(given: Any, name: str, entries: int) -> Normal:
    """A prior as it is, or the one of a pair (mean, sd).

    Args:
        given: what a user gives.
        name: of the nuisance.
        entries: how many it has.

    Raises:
        ValueError: neither, a width that is not positive, or another number of entries.
    """
    if isinstance(given, Normal):
        for part in (given.mean, given.sd):
            if part.ndim and part.shape != (entries,):
                raise ValueError(
                    f"Argument `nuisances` must give {name!r} one number, or one for "
                    f"each of its {entries} entries, but gives {part.shape[0]}."
                )
        return given
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ValueError(
            f"Argument `nuisances` must give {name!r} a prior or a pair (mean, sd), "
            f"but gives {given!r}."
        )
    mean, sd = given
    _check_entries(mean, f"nuisances[{name!r}]")
    _check_entries(sd, f"nuisances[{name!r}]")
    _checks.check_positive(sd, f"nuisances[{name!r}]")
    return as_prior(Normal(mean, sd), name, entries)
