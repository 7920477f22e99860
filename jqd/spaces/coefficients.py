"""QuTiP's coefficients, and the real and imaginary parts of complex ones."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, ArrayLike, Float

from .._checks import is_concrete
from ..constants import fixed, parts
from .pulses import Pulse


class Part(eqx.Module):
    """Re c(t) or Im c(t) of a complex function of time.

    Attributes:
        part: "real" or "imag" (static).
        function: c.
    """

    part: str = eqx.field(static=True)
    function: Any = parts()

    def __call__(self, t: ArrayLike) -> Array:
        """The part of c(t)."""
        value = jnp.asarray(self.function(t))
        return jnp.imag(value) if self.part == "imag" else jnp.real(value)


class Piecewise(eqx.Module):
    """A polynomial on each interval; outside, the end values are kept, as in QuTiP.

    Attributes:
        ts: knots, (T,), increasing.
        polynomials: coefficients on the interval from each knot, highest power first,
            (K, T).
    """

    ts: Float[Array, " T"] = fixed()
    polynomials: Float[Array, "K T"] = fixed()

    def __call__(self, t: ArrayLike) -> Array:
        """f(t)."""
        t = jnp.clip(t, self.ts[0], self.ts[-1])
        k = jnp.searchsorted(self.ts, t, side="right") - 1
        x, value = t - self.ts[k], self.polynomials[0, k]
        for row in self.polynomials[1:]:
            value = value * x + row[k]
        return value


def is_coefficient(value: Any) -> bool:
    """Whether an object is a coefficient of QuTiP."""
    return callable(value) and hasattr(value, "replace_arguments")


def coefficient(given: Any, part: str) -> Pulse:
    """A part of a coefficient of QuTiP; samples are interpolated without Python.

    Args:
        given: an object of `qutip.coefficient`.
        part: "real" or "imag".
    """
    real = jnp.result_type(float)
    if type(given).__name__ != "InterCoefficient":
        return Pulse(_FromHost(given, part), jnp.zeros(0, real))
    times, polynomials = given.__reduce__()[1][:2]
    rows = np.array(np.imag(polynomials) if part == "imag" else np.real(polynomials))
    rows[:-1, -1] = 0  # what QuTiP never evaluates, and may be infinite
    # steps and lines break at their times, a spline only at its ends
    jumps = times if len(rows) < 3 else times[[0, -1]]
    made = Piecewise(jnp.asarray(times, real), jnp.asarray(rows, real))
    return Pulse(made, jnp.asarray(jumps, real))


class _FromHost(eqx.Module):
    """A coefficient that only Python can compute: asked for at each time it is needed.

    Attributes:
        function: of the time, complex (static).
        part: "real" or "imag" (static).
    """

    function: Any = eqx.field(static=True)
    part: str = eqx.field(static=True)

    def __call__(self, t: ArrayLike) -> Array:
        return _ask(self, jnp.asarray(t, jnp.result_type(t, float)))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _ask(of: _FromHost, t: Array) -> Array:
    def ask(times: Any) -> np.ndarray:
        values = np.asarray([of.function(float(one)) for one in np.ravel(times)])
        part = np.imag(values) if of.part == "imag" else np.real(values)
        return part.astype(t.dtype).reshape(np.shape(times))

    if is_concrete(t):
        return jnp.asarray(ask(t), t.dtype)
    shape = jax.ShapeDtypeStruct(t.shape, t.dtype)
    return jax.pure_callback(ask, shape, t, vmap_method="expand_dims")


@functools.partial(_ask.defjvp, symbolic_zeros=True)
def _ask_jvp(of: _FromHost, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (t,), (slope,) = primals, tangents
    if not isinstance(slope, SymbolicZero):
        raise ValueError(
            "Argument `hamiltonian` must have pulses written with `jax.numpy` for "
            "derivatives with respect to time, but has one of QuTiP."
        )
    value = _ask(of, t)
    return value, jnp.zeros_like(value)
