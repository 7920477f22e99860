"""Pulses: real functions of time that drive a Hamiltonian."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._outside import plain
from ..constants import fixed, parts
from .functions import refuse_constants, shape_at, taken_by_keyword, with_leaves

KINDS = ("steps", "linear", "cubic")
# A value further than so many times away contributes nothing to a slope: 2^-52.
_REACH = 52
# Parameters of named pulses that are times at which they jump.
_JUMPING = {"square": ("start", "end")}
# Times at which a function is tried, in whatever unit it takes them, down to 1e-18 of
# it; it may be meant not to be finite at some of them.
TRIED = (0.0, 0.37, 1.0, 2.71, *(0.37 * 10.0**-k for k in range(1, 19)))


class Pulse(eqx.Module):
    """f(t) given by a function, with parameters that can be fitted.

    Attributes:
        function: a function of the time, scalar; an `equinox.Module` or a
            `jax.tree_util.Partial` holds the parameters as array leaves.
        given: times at which f jumps, as far as the user gave them, (G,).
        name: name in `named_pulse`; "" for a user's function (static).
        jumping: parameters that are such times as well (static).
    """

    function: Any = parts()
    given: Float[Array, " G"] = fixed()
    name: str = eqx.field(static=True, default="")
    jumping: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def timing(self) -> tuple[Array, ...]:
        """Parameters that set `jumps` or `marks`."""
        names = ("center", "width") if self.name == "gaussian" else self.jumping
        return tuple(self.function.keywords[one] for one in names)

    @property
    def jumps(self) -> Float[Array, " J"]:
        """Times at which f jumps, (J,): no time step of a run crosses one."""
        moved = (jnp.ravel(self.function.keywords[one]) for one in self.jumping)
        return jnp.concatenate([self.given, *moved])

    @property
    def marks(self) -> Float[Array, " W"] | None:
        """Equally spaced times that span the whole pulse; None if it may be anywhere.
        Time steps longer than the spacing end at them."""
        if self.name != "gaussian":
            return None
        known = self.function.keywords
        return known["center"] + known["width"] * np.arange(-8.0, 9.0)

    def __call__(self, t: ArrayLike) -> Array:
        """f(t)."""
        return jnp.asarray(self.function(t))


class SampledPulse(eqx.Module):
    """f(t) given by samples; zero before the first time and after the last.

    Attributes:
        ts: times, (T,), increasing.
        values: values on the intervals, (T - 1,), for "steps"; else at the times, (T,).
        kind: "steps", "linear" or "cubic" (static).
        slopes: (T, W), weights of the W values around each time in the slope of the
            cubic spline there; (0, 0) for other kinds.
    """

    values: Float[Array, " V"]
    kind: str = eqx.field(static=True)
    ts: Float[Array, " T"] = fixed()
    slopes: Float[Array, "S W"] = fixed()

    @property
    def jumps(self) -> Float[Array, " J"]:
        """Times at which the function jumps or has a kink, (J,).

        A spline has a second derivative everywhere except at its ends.
        """
        return self.ts[np.array([0, -1])] if self.kind == "cubic" else self.ts

    def __call__(self, t: ArrayLike) -> Array:
        """f(t)."""
        ts, values = self.ts, self.values
        k = jnp.clip(jnp.searchsorted(ts, t, side="right") - 1, 0, ts.shape[0] - 2)
        if self.kind == "steps":
            value = values[k]
        else:
            width = ts[k + 1] - ts[k]
            x = (t - ts[k]) / width
            low, high = values[k], values[k + 1]
            value = low + x * (high - low)
            if self.kind == "cubic":
                start = width * self._slope(k) - (high - low)
                end = width * self._slope(k + 1) - (high - low)
                value = value + x * (1 - x) * (start * (1 - x) - end * x)
        return jnp.where((t >= ts[0]) & (t <= ts[-1]), value, 0)

    def _slope(self, k: Array) -> Array:
        """That of the spline at the k-th time."""
        size, width = self.slopes.shape
        near = jnp.clip(k - _REACH, 0, size - width)[..., None] + np.arange(width)
        return jnp.sum(self.slopes[k] * self.values[near], axis=-1)


def pulse(
    function: Callable[..., Any],
    *,
    jumps: Sequence[float | str] | str = (),
    **parameters: Any,
) -> Pulse | SampledPulse:
    """A pulse from a function f(t, **parameters).

    Args:
        function: a real function of the time, written with `jax.numpy`.
        jumps: times at which it jumps or has a kink, or names of parameters that are
            such times: fixed steps, and those of sampled paths, end at these and at no
            others. Before a run the function is evaluated at some
            2000 equally spaced times, and adaptive steps do not skip the features that
            it shows there. A feature that lies wholly between two of them, shorter than
            1/2000 of the run, is not seen: give a time within it here, or use
            `named_pulse`.
        **parameters: numbers or arrays passed to the function by keyword; they become
            leaves, which can be differentiated and fitted.

    Returns:
        f, a function of the time.

    Raises:
        ValueError: not a function, parameters that it does not take, a value that is
            complex, is not a single number, or is not finite at any time tried; or
            jumps that are neither finite times nor names of parameters.
    """
    if isinstance(function, Pulse | SampledPulse):
        refuse_constants(parameters, (), "pulse")
        return function
    if not callable(function):
        raise ValueError(
            "Argument `pulse` must be a function of time, or samples by "
            f"`jqd.spaces.sampled_pulse`, but is {_checks.shown(function)}."
        )
    refuse_constants(parameters, taken_by_keyword(function), "pulse")
    times, names = _read_jumps(jumps, parameters)
    made = Pulse(with_leaves(function, parameters), times, jumping=names)
    value = shape_at(made, "pulse", "time")
    _checks.check_real(value, "pulse")
    if value.shape:
        raise ValueError(
            "Argument `pulse` must give one number at each time, but gives an array of "
            f"shape {value.shape}."
        )
    _check_some_finite(made)
    return made


def _read_jumps(
    jumps: Sequence[float | str] | str, parameters: dict[str, Any]
) -> tuple[Array, tuple[str, ...]]:
    """Times at which a pulse jumps, and parameters that are such times."""
    if isinstance(jumps, str):
        jumps = (jumps,)
    mixed = isinstance(jumps, list | tuple)
    names = tuple(one for one in jumps if isinstance(one, str)) if mixed else ()
    for name in names:
        _checks.check_choice(name, "jumps", tuple(parameters))
    given = [one for one in jumps if not isinstance(one, str)] if names else jumps
    given = plain(given, "jumps")
    _checks.check_finite(given, "jumps")
    times = np.ravel(np.asarray(given, float))
    return jnp.asarray(times, jnp.result_type(float)), names


def _check_some_finite(f: Pulse) -> None:
    """Raise for a pulse that is NaN or infinite wherever one looks."""
    if not _checks.is_concrete(f):
        return
    # arrays, as in a run: Python's own numbers raise where they divide by 0
    first = f(jnp.asarray(TRIED[0]))
    if not _checks.is_concrete(first) or np.isfinite(np.asarray(first)):
        return
    if not any(np.isfinite(np.asarray(f(jnp.asarray(t)))) for t in TRIED[1:]):
        raise ValueError(
            f"Argument `pulse` must be finite, but is {first} at t = {TRIED[0]:g} "
            "and not finite at other times either."
        )


def jumps_of(pulses: Iterable[Pulse | SampledPulse]) -> Array | None:
    """Times at which one of the pulses jumps, (J,); None for none."""
    times = [jnp.ravel(f.jumps) for f in pulses if np.size(f.jumps)]
    return jnp.concatenate(times) if times else None


class Impulse(eqx.Module):
    """f(t) = Σ_k G_k δ(t - t_k): impulses of no duration, for `couplings` of pointers.

    Attributes:
        areas: G_k, (K,), which can be fitted.
        times: t_k, (K,).
    """

    areas: Float[Array, " K"]
    times: Float[Array, " K"] = fixed()


def impulse(times: ArrayLike, areas: ArrayLike) -> Impulse:
    """Impulses of a coupling: the limit of pulses of given areas and no duration.

    Args:
        times: t_k, scalar or (K,).
        areas: G_k = ∫ g dt, scalar or (K,).

    Returns:
        The impulses, with `areas` as a leaf.

    Raises:
        ValueError: shapes that do not fit, or numbers that are not real and finite.
    """
    _checks.check_numbers(times, "times")
    if np.ndim(times) > 0:
        _checks.check_shape(times, "times", (None,))
    many = np.shape(times) or (1,)
    _checks.check_numbers(areas, "areas")
    if np.ndim(areas) > 0:
        _checks.check_shape(areas, "areas", many)
    _checks.check_all_real(times=times, areas=areas)
    real = jnp.result_type(float)
    when, much = (jnp.broadcast_to(jnp.asarray(v, real), many) for v in (times, areas))
    return Impulse(much, when)


# -- by name ---------------------------------------------------------------------------


def _gaussian(t: ArrayLike, area: Array, center: Array, width: Array) -> Array:
    x = (t - center) / width
    return area * jnp.exp(-(x**2) / 2) / (np.sqrt(2 * np.pi) * width)


def _cosine(t: ArrayLike, amplitude: Array, omega: Array, phase: Array) -> Array:
    return amplitude * jnp.cos(omega * t + phase)


def _square(t: ArrayLike, height: Array, start: Array, end: Array) -> Array:
    return jnp.where((t >= start) & (t < end), height, 0)


# Functions, and their parameters: with defaults of 0, which is the same in any unit, or
# with None for those that must be given.
NAMED: dict[str, tuple[Callable[..., Array], dict[str, float | None]]] = {
    "gaussian": (_gaussian, {"area": None, "center": 0.0, "width": None}),
    "cosine": (_cosine, {"amplitude": None, "omega": None, "phase": 0.0}),
    "square": (_square, {"height": None, "start": 0.0, "end": None}),
}


def named_pulse(name: str, **parameters: ArrayLike) -> Pulse | SampledPulse:
    """A pulse of a common shape, whose parameters can be fitted.

    gaussian: area exp(-(t - center)²/2 width²)/(√2π width); cosine: amplitude cos(omega
    t + phase); square: height for start <= t < end.

    Args:
        name: "gaussian", "cosine" or "square".
        **parameters: numbers; width, and end - start, positive. center, phase and
            start are 0 by default; the others have units and must be given.

    Returns:
        f, a function of the time.

    Raises:
        ValueError: another name or parameter, a parameter that is missing, or a value
            out of its range.
    """
    _checks.check_choice(name, "name", tuple(NAMED))
    function, usual = NAMED[name]
    for key, value in parameters.items():
        _checks.check_choice(key, "parameters", tuple(usual))
        _checks.check_scalar(value, key)
    values: dict[str, Any] = usual | parameters
    for key, default in usual.items():
        if default is None:
            _checks.check_given(parameters, key)
    if name == "gaussian":
        _checks.check_positive(values["width"], "width")
    if name == "square" and _checks.is_concrete((values["start"], values["end"])):
        start, end = values["start"], values["end"]
        if not start < end:
            raise ValueError(
                f"Argument `end` must be above start = {start}, but is {end}."
            )
    made = pulse(function, **values)
    assert isinstance(made, Pulse)
    return Pulse(made.function, made.given, name, _JUMPING.get(name, ()))


def sampled_pulse(
    ts: ArrayLike, values: ArrayLike, kind: str = "cubic"
) -> SampledPulse:
    """A pulse from samples; it is zero before the first time and after the last.

    Args:
        ts: times, (T,), increasing.
        values: f of the T - 1 intervals for "steps", else f at the times, (T,).
        kind: "steps", "linear" or "cubic": a spline whose third derivative is
            continuous at the second time and at the last but one.

    Returns:
        f, a function of the time, with `values` as a leaf.

    Raises:
        ValueError: times that do not increase, shapes that do not fit, values that are
            complex or not finite, or another kind.
    """
    _checks.check_choice(kind, "kind", KINDS)
    _checks.check_times(ts, "ts")
    _checks.check_numbers(values, "values")
    times = np.asarray(ts, float)
    least = 4 if kind == "cubic" else 2
    if times.size < least:
        raise ValueError(
            f"Argument `ts` must hold at least {least} times for {kind!r}, but holds "
            f"{times.size}."
        )
    _checks.check_reals(values, "values", (times.size - (kind == "steps"),))
    slopes = _slope_weights(times) if kind == "cubic" else np.zeros((0, 0))
    real = jnp.result_type(float)
    return SampledPulse(
        jnp.asarray(values, real), kind, jnp.asarray(times, real),
        jnp.asarray(slopes, real),
    )  # fmt: skip


def _slope_weights(times: np.ndarray) -> np.ndarray:
    """What the values around each time weigh in the slope of the spline there, (T, W).

    Of a value further off they fall by half or more from one time to the next, since
    the equations of the slopes have twice as much on the diagonal as beside it.
    """
    from scipy.interpolate import CubicSpline

    size = times.size
    width = min(size, 2 * _REACH + 1)
    k = np.arange(size)
    # one spline through many ones, so far apart that they do not affect each other
    ones = np.zeros((size, width))
    ones[k, k % width] = 1
    slopes = CubicSpline(times, ones)(times, 1)
    near = np.clip(k - _REACH, 0, size - width)[:, None] + np.arange(width)
    return np.take_along_axis(slopes, near % width, axis=1)
