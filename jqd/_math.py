"""Elementary functions that stay numbers, with numbers as derivatives, at zeros.

At a node of ψ, in an empty class, at a rate of 0, a root has an infinite slope, a
logarithm no value and a quotient neither. What stands for them there is the same
everywhere, and decided here:

- `safe_sqrt`, `safe_log` and `safe_divide` are 0 there, or what they are told to be,
  and constant: all of their derivatives are 0.
- `divisor` is 1 there, and constant. Below a fraction it leaves the derivative with
  respect to what stands above: a/divisor(b) is a, with slope 1 in a. It serves where a
  vanishes with b, so that the quotient does.
- `abs2` has the slope 0 and the curvature 2 of a parabola there, other than the square
  of `jnp.abs`, whose second derivative at 0 is wrong.

The input is guarded, not the output: in reverse mode 0 times an infinite slope would be
NaN. "There" is where the argument is not positive, NaN included, or where a mask says.
"""

from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ._program import program

Numbers: TypeAlias = Array | np.ndarray | float
# Rows and columns up to which a matrix is multiplied by a sum. A call of a library
# costs a member of a batch .12 to .4 us on a processor, and the sum of eight rows .05.
FEW = 9


def abs2(z: Any) -> Any:
    """|z|² = (Re z)² + (Im z)², of the real dtype of z; an array of NumPy stays one.

    Args:
        z: array, real or complex.
    """
    return _abs2(z) if isinstance(z, jax.Array) else z.real**2 + z.imag**2


@program
def _abs2(z: Array) -> Array:
    return z.real**2 + z.imag**2


@program
def expi(angle: Numbers) -> Array:
    """exp(i angle) = cos + i sin, of the complex dtype that goes with the angle.

    Args:
        angle: real array, radians.
    """
    return jax.lax.complex(jnp.cos(angle), jnp.sin(angle))


def real_pairs(z: Array) -> Array:
    """Complex numbers as (Re z, Im z) along a last axis; real ones as they are.

    On a GPU XLA writes numbers of 128 bits to places that a program finds, or that are
    many, one after another: a turn of a loop for each. Their halves it writes at once.

    Args:
        z: array, real or complex.
    """
    return jnp.stack((z.real, z.imag), axis=-1) if jnp.iscomplexobj(z) else z


def of_pairs(pairs: Array, like: Any) -> Array:
    """The inverse of `real_pairs`.

    Args:
        pairs: array that `real_pairs` gave, or of that kind.
        like: what `real_pairs` was given, or anything of its dtype.
    """
    if not jnp.issubdtype(like.dtype, jnp.complexfloating):
        return pairs
    return jax.lax.complex(pairs[..., 0], pairs[..., 1])


def add_at(whole: Array, index: Any, values: Array) -> Array:
    """`whole.at[index].add(values)`, complex numbers by `real_pairs`.

    Args:
        whole: array.
        index: of its first axes.
        values: of its dtype, or real.
    """
    values = values.astype(whole.dtype)
    return of_pairs(real_pairs(whole).at[index].add(real_pairs(values)), whole)


def take(whole: Any, index: Any, lead: int = 0) -> Any:
    """`whole[index]`, whose derivatives move complex numbers by `real_pairs`.

    What is gathered is added up at its places in reverse mode. The value itself is
    gathered as it is, so that without derivatives no program changes.

    Args:
        whole: array; one of NumPy stays one.
        index: whole numbers, an array or a tuple of arrays, one for each axis.
        lead: number of axes before these, all of which is taken.
    """
    if isinstance(whole, np.ndarray) or not jnp.issubdtype(
        whole.dtype, jnp.complexfloating
    ):
        return _at(whole, index, lead)
    return _taken(lead, whole, index)


def _at(whole: Any, index: Any, lead: int) -> Any:
    each = index if isinstance(index, tuple) else (index,)
    return whole[(slice(None),) * lead + each]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _taken(lead: int, whole: Array, index: Any) -> Array:
    return _at(whole, index, lead)


@_taken.defjvp
def _taken_jvp(lead: int, primals: Any, tangents: Any) -> tuple[Array, Array]:
    whole, index = primals
    slope = of_pairs(_at(real_pairs(tangents[0]), index, lead), whole)
    return _taken(lead, whole, index), slope


def matmul(matrix: Array, other: Array) -> Array:
    """The product of a matrix with a vector or a matrix, small ones without a library.

    The sum is written out on a GPU, where a sum along an axis would be a kernel of its
    own, whose operands go through memory. Float32 is not rounded further there, as it
    would be by default.

    Args:
        matrix: (n, m), real or complex; or a batch (b, n, m).
        other: (m,) or (m, k); or a batch (b, m, k).
    """
    several = matrix.ndim > 2 or other.ndim > 2
    if several or max(*matrix.shape, *other.shape) > FEW:
        return jnp.matmul(matrix, other, precision=jax.lax.Precision.HIGHEST)
    if jax.default_backend() == "cpu":
        if other.ndim == 1:
            return jnp.sum(matrix * other[None, :], axis=1)
        return jnp.sum(matrix[:, :, None] * other[None, :, :], axis=1)
    columns = matrix if other.ndim == 1 else matrix[:, :, None]
    parts = [columns[:, k] * other[k][None] for k in range(other.shape[0])]
    return sum(parts[1:], parts[0])


def roll(x: Array, shift: int, axis: int = 0) -> Array:
    """`jnp.roll` along an axis; by indices on a GPU, where it is no kernel of its own.

    XLA rolls by joining two parts, which it writes to memory before they are used. Its
    derivatives roll in that way: in reverse mode indices would add number by number.

    Args:
        x: array.
        shift: places.
        axis: axis, of either sign.
    """
    cpu = jax.default_backend() == "cpu"
    return jnp.roll(x, shift, axis) if cpu else _rolled(shift, axis, jnp.asarray(x))


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _rolled(shift: int, axis: int, x: Array) -> Array:
    size = x.shape[axis]
    return jnp.take(x, (jnp.arange(size) - shift) % size, axis, mode="clip")


@_rolled.defjvp
def _rolled_jvp(shift: int, axis: int, primals: Any, tangents: Any):
    return _rolled(shift, axis, *primals), jnp.roll(tangents[0], shift, axis)


def divisor(x: Numbers, where: ArrayLike | None = None) -> Array:
    """x where it is positive, 1 elsewhere: for below a fraction or within a root.

    Args:
        x: real array; complex with `where`.
        where: where x is taken, in place of x > 0.
    """
    return jnp.where(x > 0 if where is None else where, x, 1)


def safe_sqrt(x: Numbers, where: ArrayLike | None = None) -> Array:
    """√x where x is positive, 0 with slope 0 elsewhere.

    Args:
        x: real array.
        where: where the root is taken, in place of x > 0.
    """
    there = x > 0 if where is None else where
    return jnp.where(there, jnp.sqrt(divisor(x, there)), 0)


def safe_log(x: Numbers, where: ArrayLike | None = None) -> Array:
    """ln x where x is positive, 0 with slope 0 elsewhere.

    Args:
        x: real array.
        where: where the logarithm is taken, in place of x > 0.
    """
    there = x > 0 if where is None else where
    return jnp.where(there, jnp.log(divisor(x, there)), 0)


def safe_divide(
    a: ArrayLike,
    b: Numbers,
    where: ArrayLike | None = None,
    otherwise: ArrayLike = 0,
) -> Array:
    """a/b where b is positive, a constant elsewhere, with slope 0 in both.

    Args:
        a: array.
        b: real array; any with `where`.
        where: where it is divided, in place of b > 0.
        otherwise: the constant, such as `jnp.inf`.
    """
    there = b > 0 if where is None else where
    return jnp.where(there, a / divisor(b, there), otherwise)


def inverse_root(x: Numbers, where: ArrayLike | None = None) -> Array:
    """1/√x where x is positive, 0 with slope 0 elsewhere.

    Args:
        x: real array.
        where: where the root is taken, in place of x > 0.
    """
    there = x > 0 if where is None else where
    return jnp.where(there, 1 / jnp.sqrt(divisor(x, there)), 0)


@program
def triangle(matrix: Array) -> Array:
    """R of A = QR, upper triangular, by Gram and Schmidt's method, modified.

    As exact as Householder's R: that of a matrix A + E, |E| of the order of ε|A|. A
    column that the others make up to the last bit has a row of zeros.

    Not LAPACK's: jaxlib shares a large batch among the threads of a pool, waiting on
    one of them. Two such calls at a time leave a machine of two processors with none.

    Args:
        matrix: A, real, (n, p).

    Returns:
        R, (p, p).

    Source: Å. Björck (1967) BIT 7, 1.
    """
    places = jnp.arange(matrix.shape[1])

    def column(rest: Array, k: Array) -> tuple[Array, Array]:
        own = rest[:, k]
        size = safe_sqrt(jnp.sum(own**2))
        unit = own / divisor(size)
        row = jnp.sum(unit[:, None] * rest, axis=0)
        row = jnp.where(places > k, row, jnp.where(places == k, size, 0))
        return rest - unit[:, None] * row[None, :], row

    return jax.lax.scan(column, matrix, places)[1]
