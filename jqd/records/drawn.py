"""Synthetic data: a law as an instrument would measure it."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PyTree

from .. import _checks
from .._math import take
from ..evolution import Adaptive, Fixed, Propagator, Trajectory, evolve
from ..instruments.counts import Multinomial
from ..instruments.instrument import Instrument, as_instrument
from ..instruments.scene import Scene, places_of, with_settings
from ..laws.motion import Motion
from ..laws.start import as_start, prepared
from .clusters import Clusters
from .record import Record
from .scan import Scan, read_settings, read_times


def simulate(
    law: Motion,
    psi0: Any,
    ts: ArrayLike,
    instrument: Any = "density",
    shots: ArrayLike | None = None,
    key: Array | None = None,
    *,
    t0: ArrayLike | None = None,
    method: Fixed | Adaptive | Propagator | None = None,
    settings: Mapping[str, ArrayLike] | None = None,
) -> Record:
    """Draw synthetic data of a law as an instrument would measure it.

    This works under jit and vmap over keys, constants, states and shots.

    Args:
        law: the law, with its true constants.
        psi0: quantum state at t0, or a `Start`.
        ts: times, shape (T,); one for all rows is enough with `settings`. Times of
            counts of shots may repeat: each row is then a cluster of its own, as in
            `np.repeat(times, clusters)`.
        instrument: a `jqd.instruments.Instrument`, whose noise is drawn; or an
            `observe` argument of `jqd.evolve`, whose values are exact.
        shots: number of measurements of each row, at least 1, scalar or (T,). None
            means one, and is the only choice for an instrument without noise.
        key: random key of the draw; None for `jax.random.key(0)`.
        t0: time of the state, not after ts[0]; None for ts[0], with `settings` for 0.
        method: how to evolve, as for `jqd.evolve`.
        settings: by name of a constant, its values in rows that are runs of their own,
            (R, ...), as for `Scan`.

    Returns:
        The record for `jqd.recover`, with the noise of so many shots; a `Scan` with
        `settings`, `jqd.records.Clusters` where times repeat.

    Raises:
        ValueError: shots below 1 or given for an instrument without noise, times not
            increasing, an instrument that cannot measure the law, a run that does not
            reach the last time; what `Scan` refuses.
    """
    key = jax.random.key(0) if key is None else _checks.single_key(key)
    if shots is not None:
        _checks.check_whole(shots, "shots")
        _checks.check_positive(shots, "shots")
    _checks.check_type(law, "law", Motion, "a law or another Motion")
    instrument = as_instrument(instrument)
    instrument.check_law(law)
    if shots is None:
        shots = 1
    elif not instrument.noise.known:
        raise ValueError(
            "Argument `shots` must be left out where the instrument shows exactly, but "
            "is given; an instrument that counts, such as jqd.instruments.Confusion(), "
            "takes it."
        )
    if settings is not None:
        begin = 0.0 if t0 is None else t0
        scene = Scene(as_start(law, psi0), instrument, law)
        return _scanned(scene, settings, ts, begin, method, shots, key)
    counted = isinstance(instrument.noise, Multinomial)
    _checks.check_times(ts, "ts", strict=not counted)
    looks, visit = _looks(ts) if counted else (ts, None)
    times, looks = (jnp.asarray(x, jnp.result_type(float)) for x in (ts, looks))
    if np.ndim(shots):
        _checks.check_shape(shots, "shots", times.shape)
    early = t0 is not None and not (
        _checks.is_concrete((t0, times[0]))
        and float(np.asarray(t0)) == float(np.asarray(times[0]))
    )
    saved = looks
    if early:
        first = jnp.reshape(jnp.asarray(t0, times.dtype), (1,))
        saved = jnp.concatenate([first, looks])
    state0 = prepared(law, as_start(law, psi0).state())
    run = evolve(
        law, state0, saved, method=method,
        observe=jax.tree_util.Partial(_shown, instrument, law),
    )  # fmt: skip
    _check_reached(run)
    mean = run.values[1:] if early else run.values
    mean, noise = mean if visit is None else take(mean, visit), instrument.noise
    values, after = noise.sample(key, mean, shots), noise.after(shots, mean.ndim)
    if visit is None:
        return Record(times, values, after, t0)
    # as they were given: under jit arrays of JAX are traced, and these must be known
    return Clusters(np.asarray(ts), values, after, t0)


def _looks(ts: ArrayLike) -> tuple[ArrayLike, np.ndarray | None]:
    """Times, each once, and which of them each row is of; None where none repeats, and
    where they are traced."""
    if not _checks.is_concrete(ts):
        return ts, None
    times = np.asarray(ts, jnp.result_type(float))
    looks, visit = np.unique(times, return_inverse=True)
    return (ts, None) if len(looks) == len(times) else (looks, visit)


def _scanned(
    scene: Scene,
    settings: Mapping[str, ArrayLike],
    ts: ArrayLike,
    t0: ArrayLike,
    method: Fixed | Adaptive | Propagator | None,
    shots: ArrayLike,
    key: Array,
) -> Scan:
    """The same of rows that are runs of their own."""
    read = read_settings(settings)
    places = places_of(scene, read)
    given = read_times(ts, next(iter(read.values())).shape[0])
    _checks.check_times(given, "ts", strict=False)
    _checks.check_scalar(t0, "t0")
    times = jnp.asarray(given, jnp.result_type(float))
    if np.ndim(shots):
        _checks.check_shape(shots, "shots", times.shape)

    def one(row: dict[str, Array], t: Array) -> Trajectory:
        own = with_settings(scene, places, row)
        state0 = prepared(own.law, own.start.state())
        return evolve(
            own.law, state0, jnp.stack([jnp.asarray(t0, t.dtype), t]), method=method,
            observe=jax.tree_util.Partial(_shown, own.instrument, own.law),
        )  # fmt: skip

    run = jax.vmap(one)(read, times)
    _check_reached(run)
    mean, noise = run.values[:, -1], scene.instrument.noise
    values, after = noise.sample(key, mean, shots), noise.after(shots, mean.ndim)
    return Scan(read, values, after, ts=times, t0=t0)


def _check_reached(run: Trajectory) -> None:
    if _checks.is_concrete(run.status) and not run.all_ok:
        raise ValueError(
            "Argument `law` must hold to the last time for a record, but does not: "
            f"{run.describe()}"
        )


def _shown(
    instrument: Instrument, law: Motion, t: Array, state: PyTree[Array]
) -> Array:
    return instrument.mean(law, t, state)
