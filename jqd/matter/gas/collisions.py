"""Pair collisions of hard spheres: the time of the next one, and its effect.

Positions and velocities are (d, N) here, so that an axis of space is a contiguous row.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int


class Spheres(NamedTuple):
    """The spheres and their box: box (d,), radius (N,), mass (N,)."""

    box: Float[Array, " d"]
    radius: Float[Array, " N"]
    mass: Float[Array, " N"]


class Agenda(NamedTuple):
    """The next event of every sphere.

    Attributes:
        wait: (N,) time until it.
        partner: (N,) index of the sphere it meets; -1 where `wait` is only a lower
            bound, because the former partner was deflected or the nearest image may
            change.
    """

    wait: Float[Array, " N"]
    partner: Int[Array, " N"]


def minimum_image(separation: Array, length: Array) -> Array:
    """The separation to the nearest periodic image, along one axis.

    Positions must lie inside the box. The factor of `length` is then -1, 0 or 1 and the
    product is exact, so a compiler that fuses it differently in two places gets the
    same separation in both, and a collision conserves energy to the last digit.
    """
    return separation - length * jnp.round(separation / length)


def wrap(x: Array, box: Array) -> Array:
    """Positions (d, N) put back into the box."""
    return x - box[:, None] * jnp.floor(x / box[:, None])


def waits(
    spheres: Spheres, x: Float[Array, "d N"], v: Float[Array, "d N"], who: Array
) -> Float[Array, "R N"]:
    """Time until the spheres `who` (R,) could touch each of the N others.

    Nearest images at separation r, relative velocity g: the earlier root of
    |r + g t|² = σ², as (r² - σ²) / (-r·g + √((r·g)² - g²(r² - σ²))), which loses no
    digits near contact. The root is certain only until another image can come as near,
    when g has carried r to L - σ along some axis. A pair that does not meet before gets
    minus this time instead, as a mark; a sphere with itself gets minus infinity.

    Returns:
        (R, N): a collision time >= 0, or minus a time before which there is none.
    """
    reach = spheres.radius[None, :] + _pick(spheres.radius, who)
    approach = square = speed2 = jnp.zeros_like(reach)
    room, speed = jnp.full_like(reach, jnp.inf), jnp.ones_like(reach)
    for axis in range(x.shape[0]):
        length = spheres.box[axis]
        r = minimum_image(x[axis][None, :] - _pick(x[axis], who), length)
        g = v[axis][None, :] - _pick(v[axis], who)
        approach, square, speed2 = approach - r * g, square + r * r, speed2 + g * g
        # The smaller of two quotients, without dividing.
        here, fast = length - reach - r * jnp.sign(g), jnp.abs(g)
        nearer = here * speed < room * fast
        room = jnp.where(nearer, here, room)
        speed = jnp.where(nearer, fast, speed)
    gap = square - reach**2
    root2 = approach**2 - speed2 * gap
    gap = jnp.maximum(gap, 0)
    below = approach + jnp.sqrt(jnp.maximum(root2, 0))
    meets = (approach > 0) & (root2 > 0) & (gap * speed <= room * below)
    time = jnp.where(meets, gap, room) / jnp.where(meets, below, -speed)
    itself = who[:, None] == _labels(x)[None, :]
    return jnp.where(itself, -jnp.inf, time)


def first(times: Float[Array, "R N"]) -> Agenda:
    """The earliest of each row of `waits`."""
    at = soonest(times)
    time = times[jnp.arange(times.shape[0]), at]
    return Agenda(jnp.abs(time), jnp.where(time >= 0, at, -1))


def make_agenda(spheres: Spheres, x: Array, v: Array) -> Agenda:
    """Every sphere's next event, from all pairs; memory O(N)."""

    def one(who):
        return Agenda(*(a[0] for a in first(waits(spheres, x, v, who[None]))))

    return lax.map(one, _labels(x))


def update(
    agenda: Agenda, pair: Int[Array, "2"], times: Float[Array, "2 N"], deflected: Array
) -> Agenda:
    """The agenda after rows `pair` were recomputed; O(N).

    Other spheres that were to meet one of a deflected pair keep their time as a lower
    bound: it was the earliest of all their meetings, and the rest have not changed.
    They are recomputed when it is due, unless an earlier meeting has come up.
    """
    a, b = pair[0], pair[1]
    mine = first(times)
    lost = deflected & ((agenda.partner == a) | (agenda.partner == b))
    partner = jnp.where(lost, -1, agenda.partner)
    offer = jnp.where(times >= 0, times, jnp.inf)
    better = jnp.minimum(offer[0], offer[1])
    partner = jnp.where(
        better < agenda.wait, jnp.where(offer[0] <= offer[1], a, b), partner
    )
    wait = jnp.minimum(agenda.wait, better)
    labels = jnp.arange(wait.shape[0], dtype=partner.dtype)
    for row in (1, 0):  # where both are one sphere, a repair, either row will do
        wait = jnp.where(labels == pair[row], mine.wait[row], wait)
        partner = jnp.where(labels == pair[row], mine.partner[row], partner)
    return Agenda(wait, partner)


class Contact(NamedTuple):
    """One collision.

    Attributes:
        impulse: (d,) momentum that the first sphere gains.
        nearness: distance of the centres over the sum of the radii.
        virial: distance times impulse, energy.
    """

    impulse: Float[Array, " d"]
    nearness: Float[Array, ""]
    virial: Float[Array, ""]


def separation(
    spheres: Spheres, x: Array, v: Array, pair: Int[Array, "2"]
) -> tuple[list[Array], list[Array]]:
    """From the first to the second sphere: nearest image and relative velocity."""
    a, b = pair[0], pair[1]
    axes = range(x.shape[0])
    r = [minimum_image(x[k, b] - x[k, a], spheres.box[k]) for k in axes]
    return r, [v[k, b] - v[k, a] for k in axes]


def contact(spheres: Spheres, x: Array, v: Array, pair: Int[Array, "2"]) -> Contact:
    """The elastic, smooth collision of spheres `pair` at their present positions.

    Δp = 2μ (g·r) r / r², with r and g = v_b - v_a the separation and relative velocity;
    zero for a sphere with itself.
    """
    r, g = separation(spheres, x, v, pair)
    ma, mb = spheres.mass[pair[0]], spheres.mass[pair[1]]
    # Sums over axes written out: a reduction would round r apart from its other use.
    square = along = jnp.zeros((), x.dtype)
    for u, w in zip(r, g, strict=True):
        square, along = square + u * u, along + u * w
    twice = 2 * ma * mb / (ma + mb) * along
    rate = twice / jnp.where(pair[0] == pair[1], 1, square)
    reach = spheres.radius[pair[0]] + spheres.radius[pair[1]]
    return Contact(
        jnp.stack([rate * u for u in r]), jnp.sqrt(square) / reach, jnp.abs(twice)
    )


def deflect(spheres: Spheres, v: Array, pair: Array, impulse: Array) -> Array:
    """Velocities after `pair` exchanged `impulse`."""
    labels = _labels(v)
    sign = (labels == pair[0]).astype(v.dtype) - (labels == pair[1]).astype(v.dtype)
    return v + impulse[:, None] * (sign / spheres.mass)[None, :]


def smallest_gap(spheres: Spheres, x: Array) -> Array:
    """The smallest distance of two centres over the sum of their radii; memory O(N)."""

    def one(who):
        square = 0.0
        for axis in range(x.shape[0]):
            r = minimum_image(x[axis] - x[axis, who], spheres.box[axis])
            square = square + r * r
        ratio = jnp.sqrt(square) / (spheres.radius + spheres.radius[who])
        return jnp.min(jnp.where(_labels(x) == who, jnp.inf, ratio))

    return jnp.min(lax.map(one, _labels(x)))


def soonest(times: Array) -> Array:
    """Index of the entry of least magnitude along the last axis.

    The label of an entry replaces the last log₂ N bits of its |t|, so that one plain
    minimum finds both; compiled for a CPU, `jnp.argmin` takes three times as long.
    Entries that agree in all other bits, to N ε, count as equal.
    """
    many = times.shape[-1]
    whole = jnp.dtype(f"int{8 * times.dtype.itemsize}")
    low = (1 << max(1, (many - 1).bit_length())) - 1
    bits = lax.bitcast_convert_type(times, whole)
    labels = jnp.broadcast_to(jnp.arange(many, dtype=whole), times.shape)
    # jnp.iinfo(whole).max has every bit but the sign.
    keys = (bits & (jnp.iinfo(whole).max - low)) | labels
    return (jnp.min(keys, axis=-1) & low).astype(jnp.int32)


def _pick(row: Array, who: Array) -> Array:
    """Entries `who` (R,) of a row, as a column (R, 1).

    Two at most, one by one: compiled for a CPU, a gather is a loop of its own.
    """
    column = jnp.arange(who.shape[0])[:, None]
    picked = row[who[-1]]
    for number in range(who.shape[0] - 1):
        picked = jnp.where(column == number, row[who[number]], picked)
    return jnp.broadcast_to(picked, column.shape)


def _labels(x: Array) -> Array:
    return jnp.arange(x.shape[-1], dtype=jnp.int32)
