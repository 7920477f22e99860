"""The scene of a prediction: law, start and instrument, and settings that change."""

import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from .. import _checks, constants
from ..laws.motion import Motion
from ..laws.start import Start
from .counts import DirichletMultinomial
from .heterodyne import Heterodyne
from .image import Image
from .instrument import Confusion, Instrument
from .noise import Noise
from .thinned import Thinned

# What may have a constant that is asked of a scene without it.
_SHOWN = (Confusion, Image, Heterodyne, Thinned, DirichletMultinomial)
# Constants by the names under which a record sets them.
Places = tuple[tuple[str, constants.Place], ...]


class Scene(eqx.Module):
    """All that a prediction depends on; its arrays are constants, by dotted names.

    Attributes:
        law: the motion; its constants keep their own names ("q", "potential.k").
        start: preparation of the initial state ("start.n0").
        instrument: the instrument that shows it ("instrument.readout").
        noise: the noise of the data, where it has constants ("noise.rho"); else None.
    """

    start: Start
    instrument: Instrument
    law: Motion = constants.parts()
    noise: Noise | None = None

    def state0(self) -> PyTree[Array]:
        """The initial state, as the law moves it."""
        return self.law.prepare(self.start.state())

    def shown(self, t: Array, state: PyTree[Array]) -> Array:
        """What the instrument shows of a state on average."""
        return self.instrument.mean(self.law, t, state)


def places_of(scene: Scene, settings: Mapping[str, Array]) -> Places:
    """The constants of a scene that settings replace, row by row.

    Args:
        settings: by name of a constant, leaves (R, ...).
    """
    taken = dict[tuple[Any, ...], str]()
    found = []
    for name, values in settings.items():
        place = place_of(scene, name, "settings")
        if place.path in taken:
            raise ValueError(
                "Argument `settings` must name each constant once, but "
                f"{taken[place.path]!r} and {name!r} are the same."
            )
        taken[place.path] = name
        if place.path[0] == "noise":
            raise ValueError(
                "Argument `settings` must name constants of law, initial state or "
                f"instrument, but {name!r} is one of the noise, which is that of all "
                "rows."
            )
        old, argument = place.value(scene), f"settings[{name}]"
        _checks.check_shape(values, argument, (values.shape[0], *np.shape(old)))
        if not jnp.iscomplexobj(old):
            _checks.check_real(values, argument)
        # bounds are those of independent entries
        low, high = place.said.bounds
        if place.said.pack is None and (math.isfinite(low) or math.isfinite(high)):
            _checks.check_within(values, argument, low, high)
        found.append((name, place))
    return tuple(found)


def with_settings(scene: Scene, places: Places, row: Mapping[str, Array]) -> Scene:
    """The scene of one row."""
    for name, place in places:
        value = row[name].astype(place.value(scene).dtype)
        scene = eqx.tree_at(place.value, scene, value)
    return scene


def place_of(tree: eqx.Module, name: str, argument: str) -> constants.Place:
    """Where a constant stands; of one that another instrument has, the error says so.

    Args:
        tree: a scene, or part of one.
        name, argument: as for `constants.find`.
    """
    try:
        return constants.find(tree, name, argument)
    except ValueError as error:
        last = name.rpartition(".")[2]
        here = (one.rpartition(".")[2] for one in constants.names(tree))
        kinds = [one for one in _SHOWN if last in constants.declared_by(one)]
        if last in here or not kinds:
            raise
        how = "data with `noise" if issubclass(kinds[0], Noise) else "`instrument"
        raise ValueError(
            f"{str(error).rstrip('.')}; give {how}=jqd.instruments."
            f"{kinds[0].__name__}(..)`, which has it."
        ) from None
