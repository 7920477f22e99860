"""Widths of Gaussian packets that follow the paths of hard spheres.

This is the thawed Gaussian approximation: the derivative of the flow carries a
packet's covariance along. It shows when packets stop being narrow, not how wide they
become afterwards.
"""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._gate import gated
from ..._math import safe_divide
from ..._program import saved_scan
from ...constants import constant
from .events import Encounters, EventRun


class Widths(eqx.Module):
    """The result of `packet_widths`.

    Attributes:
        ts: (S + 1,) times of the run's snapshots.
        per_particle: (S + 1,) mean number of collisions per sphere so far.
        widths: (S + 1, N) standard deviation along an axis, root mean square over axes.
    """

    ts: Float[Array, " S"]
    per_particle: Float[Array, " S"]
    widths: Float[Array, "S N"]

    @property
    def typical(self) -> Float[Array, "*batch S"]:
        """Geometric mean over the packets, (S + 1,)."""
        return jnp.exp(jnp.mean(jnp.log(self.widths), axis=-1))

    def growth(self, first: int = 1) -> Float[Array, "*batch"]:
        """Factor of the typical width per collision per particle, from `first` on.

        NaN where there was no collision.
        """
        c, log = self.per_particle, jnp.log(self.typical)
        rise, met = log[..., -1] - log[..., first], c[..., -1] - c[..., first]
        return jnp.exp(safe_divide(rise, met, otherwise=jnp.nan))


class _Tangent(NamedTuple):
    """δx and δv (N, d, C), each sphere's as of its own clock (N,)."""

    x: Array
    v: Array
    clock: Array


@gated
def packet_widths(
    run: EventRun,
    width: ArrayLike,
    *,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Widths:
    """Widths of packets over the collisions of a run, all narrowest initially.

    Cov x(t) = A s² Aᵀ + B (ħ/2ms)² Bᵀ, with A = ∂x(t)/∂x(0) and B = ∂x(t)/∂v(0) of
    the whole gas: free flight δx += δv t, and at contact, a time δτ = -(δr·n)/(g·n)
    later, δn = (δr + g δτ)/σ and δx -= (v' - v) δτ, with the collision v' = v + 2μ/m
    (g·n) n differentiated. Memory O(N² d²), time O(N d²) per collision.

    Args:
        run: a run of `event_driven`, with `log=True`.
        width: s, () initial standard deviation of every packet along each axis.
        mass: () or (N,), as given to `event_driven`.
        hbar: ħ.

    Returns:
        `Widths`; exact derivatives, so they grow without bound.

    Raises:
        ValueError: a run without a log, one that ended early, or arguments that are
            not positive.

    Source: the collision's derivative after Dellago, Posch and Hoover, Phys. Rev. E 53,
        1485 (1996).
    """
    log = run.encounters
    if log is None:
        raise ValueError(
            "Argument `run` must keep its collisions, but does not; run "
            "`event_driven` with log=True."
        )
    if _checks.is_concrete(run.status) and not bool(run.ok):
        raise ValueError(
            "Argument `run` must have taken place in full, but its status is "
            f"{int(run.status)}."
        )
    s, m, hbar = (
        constant(width, "width"),
        constant(mass, "mass"),
        constant(hbar, "hbar"),
    )
    many = run.counts.shape[0]
    _checks.check_shape(s, "width", ())
    _checks.check_shape(hbar, "hbar", ())
    if m.ndim:
        _checks.check_shape(m, "mass", (many,))
    for name, value in (("width", s), ("mass", m), ("hbar", hbar)):
        _checks.check_positive(value, name)
    s, m, hbar = (one.astype(run.ts.dtype) for one in (s, m, hbar))
    widths = _propagate(run.ts, log, s, jnp.broadcast_to(m, (many,)), hbar)
    return Widths(run.ts, run.per_particle, widths)


@jax.jit
def _propagate(ts: Array, log: Encounters, s: Array, mass: Array, hbar: Array) -> Array:
    many, d = mass.shape[0], log.separations.shape[1]
    frames = ts.shape[0] - 1
    unit = jnp.eye(many * d, dtype=ts.dtype).reshape(many, d, many * d)
    none = jnp.zeros_like(unit)
    kick = hbar / (2 * mass * s)
    start = _Tangent(
        jnp.concatenate([s * unit, none], axis=-1),
        jnp.concatenate([none, kick[:, None, None] * unit], axis=-1),
        jnp.zeros(many, ts.dtype),
    )

    def frame(tangent, entries):
        end, part = entries
        tangent, _ = lax.scan(functools.partial(_collide, mass), tangent, part)
        flown = (end - tangent.clock)[:, None, None]
        now = tangent.x + flown * tangent.v
        return tangent, jnp.sqrt(jnp.sum(now**2, axis=(1, 2)) / d)

    parts = jax.tree.map(lambda a: a.reshape(frames, -1, *a.shape[1:]), log)
    first = jnp.sqrt(jnp.sum(start.x**2, axis=(1, 2)) / d)
    return saved_scan(frame, start, (ts[1:], parts), first)[1]


def _collide(
    mass: Array, tangent: _Tangent, event: Encounters
) -> tuple[_Tangent, None]:
    """The two spheres' free flight up to a collision, and its derivative."""
    pair = event.pairs
    flown = (event.ts - tangent.clock[pair])[:, None, None]
    dv = tangent.v[pair]
    dx = tangent.x[pair] + flown * dv
    sigma = jnp.sqrt(jnp.sum(event.separations**2))
    n = event.separations / sigma
    g = event.velocities[1] - event.velocities[0]
    ma, mb = mass[pair[0]], mass[pair[1]]
    # Velocity that each gains per (g·n) n.
    gain = jnp.stack([2 * mb, -2 * ma]) / (ma + mb)
    along = g @ n
    dr, dg = dx[1] - dx[0], dv[1] - dv[0]
    later = -(n @ dr) / along
    dn = (dr + g[:, None] * later[None, :]) / sigma
    turned = (n @ dg + g @ dn)[None, :] * n[:, None] + along * dn
    dv = dv + gain[:, None, None] * turned[None]
    jump = gain[:, None] * (along * n)[None, :]
    dx = dx - jump[:, :, None] * later[None, None, :]
    return _Tangent(
        tangent.x.at[pair].set(dx),
        tangent.v.at[pair].set(dv),
        tangent.clock.at[pair].set(event.ts),
    ), None
