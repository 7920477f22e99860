"""Initial positions and velocities of the particles of a gas."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._checks import single_key, whole_number
from ..._gate import gated
from .arguments import check_dimension

# Volume of a sphere of unit diameter.
_VOLUME = {1: 1.0, 2: math.pi / 4, 3: math.pi / 6}


@gated
def number_density(
    fraction: ArrayLike, *, dimension: int = 2, diameter: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Particles per length, area or volume at a packing fraction.

    n = φ / (σ, πσ²/4, πσ³/6 in 1, 2, 3 dimensions)

    Args:
        fraction: φ, the fraction of space that the spheres fill.
        dimension: d.
        diameter: σ.

    Returns:
        n, of the broadcast shape.

    Raises:
        ValueError: another dimension, or arguments that are not positive.
    """
    check_dimension(dimension)
    _checks.check_positive(fraction, "fraction")
    _checks.check_positive(diameter, "diameter")
    return jnp.asarray(fraction) / (
        _VOLUME[dimension] * jnp.asarray(diameter) ** dimension
    )


@gated
def lattice(
    key: Array,
    number: int,
    fraction: float,
    *,
    dimension: int = 2,
    radius: float = 0.5,
    jitter: float = 0.5,
) -> tuple[Float[Array, "N d"], Float[Array, " d"]]:
    """A lattice with random displacements, and the box that gives the packing fraction.

    The lattice is evenly spaced in 1D, triangular in 2D, and face-centred cubic in 3D.
    Where `number` does not fill it, sites chosen at random stay empty.

    Args:
        key: `jax.random` key.
        number: N.
        fraction: φ = N (volume of one) / (volume of the box).
        dimension: d.
        radius: radius of every sphere.
        jitter: 0 for the lattice itself, 1 for displacements with which neighbours can
            just touch.

    Returns:
        Positions (N, d) and the lengths of the box (d,).

    Raises:
        ValueError: a fraction that leaves no room, or arguments out of range.
    """
    key = single_key(key)
    number = whole_number(number, "number", 2)
    check_dimension(dimension)
    for name, value in (
        ("fraction", fraction), ("radius", radius), ("jitter", jitter),
    ):  # fmt: skip
        _checks.check_scalar(value, name)
    _checks.check_positive(fraction, "fraction")
    _checks.check_positive(radius, "radius")
    if not 0 <= jitter <= 1:
        raise ValueError(
            f"Argument `jitter` must lie between 0 and 1, but it is {jitter}."
        )
    sites, shape, nearest = _unit_lattice(number, dimension)
    one = _VOLUME[dimension] * (2 * float(radius)) ** dimension
    # Sites are in units in which neighbours are `nearest` apart.
    scale = (number * one / float(fraction) / math.prod(shape)) ** (1 / dimension)
    free = scale * nearest - 2 * float(radius)
    # At close packing, rounding may make the gap slightly negative.
    if free < -1e-12 * float(radius):
        most = float(fraction) * (scale * nearest / (2 * float(radius))) ** dimension
        raise ValueError(
            f"Argument `fraction` must leave room for {number} spheres on a lattice, "
            f"{most:.4g} at most, but it is {fraction}."
        )
    choose, move = jax.random.split(key)
    if number == len(sites):
        chosen = jnp.asarray(sites)
    else:
        chosen = jax.random.choice(choose, jnp.asarray(sites), (number,), replace=False)
    far = jitter * max(free, 0.0) / (2 * math.sqrt(dimension))
    noise = jax.random.uniform(move, chosen.shape, minval=-1.0, maxval=1.0)
    return scale * chosen + far * noise, scale * jnp.asarray(shape)


def _unit_lattice(number: int, d: int) -> tuple[np.ndarray, tuple[float, ...], float]:
    """Sites (M, d) with M >= number, the box, and the distance of neighbours."""
    if d == 1:
        return np.arange(number)[:, None] + 0.5, (float(number),), 1.0
    if d == 2:
        # An even number of rows, so that the box is periodic.
        rows = 2 * math.ceil(math.sqrt(number) / 2)
        columns = math.ceil(number / rows)
        height = math.sqrt(3) / 2
        row, column = np.divmod(np.arange(rows * columns), columns)
        sites = np.stack([column + 0.25 + 0.5 * (row % 2), (row + 0.5) * height], 1)
        return sites, (float(columns), rows * height), 1.0
    cells = math.ceil(round((number / 4) ** (1 / 3), 9))
    corner = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1)
    basis = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    sites = corner.reshape(-1, 1, 3) + basis[None] + 0.25
    return sites.reshape(-1, 3), (float(cells),) * 3, math.sqrt(0.5)


@gated
def equal_speeds(
    key: Array,
    number: int,
    *,
    dimension: int = 2,
    temperature: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
) -> Float[Array, "N d"]:
    """Velocities of equal speed √(dT/m) in random directions, of zero total momentum.

    Args:
        key: `jax.random` key.
        number: N, even: each velocity has its opposite, on a randomly chosen particle.
        dimension: d.
        temperature: T, with m<v²>/2 = dT/2.
        mass: m.

    Returns:
        (N, d) velocities.

    Raises:
        ValueError: an odd number, or arguments that are not positive.
    """
    key = single_key(key)
    number = whole_number(number, "number", 2)
    if number % 2:
        raise ValueError(f"Argument `number` must be even, but it is {number}.")
    check_dimension(dimension)
    speed = _thermal(temperature, mass) * math.sqrt(dimension)
    turn, mix = jax.random.split(key)
    direction = jax.random.normal(turn, (number // 2, dimension))
    direction = direction / jnp.linalg.norm(direction, axis=1, keepdims=True)
    both = jnp.concatenate([direction, -direction])
    return speed * jax.random.permutation(mix, both)


@gated
def maxwell(
    key: Array,
    number: int,
    *,
    dimension: int = 2,
    temperature: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
) -> Float[Array, "N d"]:
    """Maxwell's velocities, of zero total momentum and exactly the energy N dT/2.

    Args:
        key: `jax.random` key.
        number: N.
        dimension: d.
        temperature: T.
        mass: m, the same for all.

    Returns:
        (N, d) velocities.

    Raises:
        ValueError: arguments that are not positive.
    """
    number = whole_number(number, "number", 2)
    check_dimension(dimension)
    v = jax.random.normal(single_key(key), (number, dimension))
    v = v - jnp.mean(v, axis=0, keepdims=True)
    return _thermal(temperature, mass) * v / jnp.sqrt(jnp.mean(v**2))


def _thermal(temperature: ArrayLike, mass: ArrayLike) -> Array:
    _checks.check_positive(temperature, "temperature")
    _checks.check_positive(mass, "mass")
    _checks.check_shape(temperature, "temperature", ())
    _checks.check_shape(mass, "mass", ())
    return jnp.sqrt(jnp.asarray(temperature) / jnp.asarray(mass))
