"""Starts: prepared initial states, with their unknown properties as constants."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from .. import _checks
from .._math import expi
from ..constants import fixed, free, parts
from ..states import State
from .motion import Motion


class Start(eqx.Module):
    """A quantum state whose arrays are constants of a fit, named "start.n0" etc."""

    @abc.abstractmethod
    def state(self) -> Any:
        """The state as `Law.prepare` takes it."""


class Prepared(Start):
    """A state that is known, up to phases of its amplitudes where these are given.

    Attributes:
        psi: the state as the law admits it.
        phase0: φ_a, which turn amplitudes by exp(-iφ_a), radians, (M,); or None.
    """

    psi: PyTree[Array] = fixed()
    phase0: Float[Array, " M"] | None = free(span=(-jnp.pi, jnp.pi), default=None)

    def state(self) -> PyTree[Array]:
        """ψ_a exp(-iφ_a)"""
        if self.phase0 is None:
            return self.psi
        return self.psi * expi(-self.phase0)

    def with_phases(self) -> "Prepared":
        """The same state with phases of 0, which a fit may free.

        Raises:
            ValueError: the state is no array of amplitudes.
        """
        if not isinstance(self.psi, Array):
            raise ValueError(
                "Argument `free` must not name `phase0` for a state that is no array "
                "of amplitudes, but does."
            )
        _checks.check_shape(self.psi, "psi0", (None,))
        return Prepared(self.psi, jnp.zeros(self.psi.shape))


class Described(Start):
    """A state that is described, whose constants a fit may free: "start.r".

    Attributes:
        psi: the state.
    """

    psi: State = parts()

    def state(self) -> State:
        """The state as it stands."""
        return self.psi


def prepared(law: Motion, psi0: Any, name: str = "psi0") -> Any:
    """The state that `law.prepare` makes.

    Raises:
        ValueError: as for `law.prepare`, with the name under which psi0 was given.
    """
    try:
        return law.prepare(psi0)
    except ValueError as error:
        raise ValueError(str(error).replace("`psi`", f"`{name}`", 1)) from error


def as_start(law: Motion, psi0: Any) -> Start:
    """A start as it is, or one made from a described or known state.

    Args:
        law: the law, which admits the state.
        psi0: a start, or anything that `law.admit` takes.
    """
    if isinstance(psi0, Start):
        return psi0
    try:
        admitted = law.admit(psi0)
    except ValueError as error:  # the law cannot take it
        raise ValueError(str(error).replace("`psi`", "`psi0`", 1)) from error
    return Described(psi0) if isinstance(psi0, State) else Prepared(admitted)
