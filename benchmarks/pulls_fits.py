"""What instruments show, and the fits of batches of records of it: see `pulls`."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

import jqd
from jqd.inference import Polish
from jqd.instruments import Drawable, Instrument
from jqd.records import Record

# Value and standard error of nuisances by name, as a calibration knows them.
Known = dict[str, tuple[float, float]]
# A fit that knows where to begin; to rounding, so that no pull is that of the solver.
POLISH = Polish(rtol=1e-9, atol=1e-9, max_steps=40)


class Pulls(NamedTuple):
    """What fits found.

    Attributes:
        values, errors: (seeds,) by name of the constant.
        truth: by name.
        misfit: fits whose χ² is less likely than 1e-3, (seeds,).
        failed: fits that did not end, (seeds,).
    """

    values: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    truth: dict[str, float]
    misfit: np.ndarray
    failed: np.ndarray


def fitted(
    records: Any, fit_one: Callable[[Any], Any], truth: dict[str, float]
) -> Pulls:
    """The fits of a batch of records, whatever PyTree one of them is."""
    found = jax.jit(jax.vmap(fit_one))(records)
    status = np.asarray(found.status)
    allowed = [jqd.Status.OK.value, jqd.Status.MISFIT.value]
    return Pulls(
        {name: np.asarray(found.constants[name].value) for name in truth},
        {name: np.asarray(found.constants[name].stderr) for name in truth},
        truth,
        status == jqd.Status.MISFIT.value,
        ~np.isin(status, allowed),
    )


def recovered(
    keys: Array,
    mean: Array,
    noise: Drawable,
    law: Any,
    ts: Array,
    truth: dict[str, float],
    known: Known | None = None,
    shots: int = 1,
    told: Any = None,
    free: tuple[str, ...] | None = None,
    **options: Any,
) -> Pulls:
    """Records of what an instrument shows on average, and the fits of them.

    Args:
        keys: of the draws.
        mean, noise, shots: what is shown at each time, and how it is drawn.
        law, ts, options: of `jqd.fit`.
        truth: constants by name.
        known: nuisances beside them.
        told: the noise that the fit is told of; None for `noise`.
        free: names of what is fitted, where they are not those of `truth`.
    """
    known = known or {}
    free = free or tuple(truth)
    fit = fitter(law, ts, noise if told is None else told, free, known, **options)
    drawn = jax.lax.map(lambda key: noise.sample(key, mean, shots), keys)
    centres = {name: centre for name, (centre, _) in known.items()}
    return fitted((drawn, _calibrated(keys, known)), fit, truth | centres)


def shown(law: Any, state: Any, ts: Array, see: Any, method: Any = None) -> Array:
    """What an instrument, or an observable, shows of a law on average, (T, ..)."""
    if isinstance(see, Instrument):
        see = partial(see.mean, law)
    return jqd.evolve(law, state, ts, observe=see, method=method).values


def fitter(
    law: Any, ts: Array, noise: Any, free: tuple[str, ...], known: Known, **options: Any
) -> Callable[[tuple[Array, dict[str, Array]]], Any]:
    """The fit of values at `ts`, and of what a calibration found of the nuisances."""

    def fit(of: tuple[Array, dict[str, Array]]) -> Any:
        values, found = of
        return jqd.fit(
            law, Record(ts, values, noise, t0=0.0), free=free, starts=1, search=None,
            polish=POLISH,
            nuisances={n: jqd.Normal(found[n], sd) for n, (_, sd) in known.items()},
            **options,
        )  # fmt: skip

    return fit


def _calibrated(keys: Array, known: Known) -> dict[str, Array]:
    """What a calibration finds of each nuisance, with the error of its prior."""
    found = {}
    for number, (name, (centre, sd)) in enumerate(known.items()):
        draw = jax.vmap(
            lambda key, i=number: jax.random.normal(jax.random.fold_in(key, i))
        )
        found[name] = centre + sd * draw(keys)
    return found
