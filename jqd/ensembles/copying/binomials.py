"""Binomial numbers for many trajectories at once, exact in distribution."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

# Refused numbers are tried again one at a time, in groups of this size.
GROUP = 32
# Number of expected successes from which on rejection covers the distribution.
LARGE = 10.0


@jax.custom_batching.custom_vmap
def binomial(
    key: Array, n: Float[Array, "..."], p: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Binomial(n, p) numbers.

    They are distributed as those of `jax.random.binomial`, but several times as fast
    under vmap: all trajectories are tried in one flat array (vector units), and the few
    refused ones are gathered and tried again. The numbers of a trajectory depend on its
    own key alone.

    Args:
        key: of these numbers.
        n: trials, whole numbers.
        p: probabilities, of the shape of n.

    Returns:
        Numbers of successes.
    """
    return _many(key[None], n[None], p[None])[0]


@binomial.def_vmap
def _batched(axis_size, in_batched, key, n, p):
    whole = (
        leaf if batched else jnp.broadcast_to(leaf[None], (axis_size, *leaf.shape))
        for leaf, batched in zip((key, n, p), in_batched, strict=True)
    )
    return _many(*whole), True


def _many(keys: Array, n: Array, p: Array) -> Array:
    """Numbers for keys (B,), n and p (B, ...)."""
    width = n[0].size
    uniform = jax.vmap(
        lambda key: jax.random.uniform(
            jax.random.fold_in(key, 0), (2 * width,), n.dtype
        )
    )(keys)
    uniform = jnp.stack([uniform[:, :width].ravel(), uniform[:, width:].ravel()])
    number, accepted = attempt(uniform, n.ravel(), p.ravel())
    groups = -(-number.size // GROUP)
    fill = groups * GROUP - number.size

    def grouped(flat, value):
        return jnp.pad(flat, (0, fill), constant_values=value).reshape(groups, GROUP)

    trials, chance = grouped(n.ravel(), 0), grouped(p.ravel(), 0)
    columns, first = jnp.arange(GROUP), jnp.arange(groups) * GROUP

    def again(carry):
        number, waiting, tries = carry
        chosen = jnp.argmax(waiting, axis=1)
        at = jnp.minimum(first + chosen, n.size - 1)
        own = jax.vmap(jax.random.fold_in)(keys[at // width], 1 + at % width)
        uniform = jax.vmap(
            lambda key, number: jax.random.uniform(
                jax.random.fold_in(key, number), (2,), n.dtype
            )
        )(own, tries)
        here = (jnp.arange(groups), chosen)
        count = jnp.where(waiting[here], trials[here], 0)
        new, accepted = attempt(uniform.T, count, chance[here])
        done = (columns[None, :] == chosen[:, None]) & (accepted[:, None] & waiting)
        return (
            jnp.where(done, new[:, None], number),
            waiting & ~done,
            jnp.where(accepted, 0, tries + 1),
        )

    start = (grouped(number, 0), grouped(~accepted, False), jnp.zeros(groups, int))
    number, _, _ = jax.lax.while_loop(lambda carry: jnp.any(carry[1]), again, start)
    return number.ravel()[: n.size].reshape(n.shape)


def attempt(
    uniform: Float[Array, "2 ..."], n: Float[Array, "..."], p: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Bool[Array, "..."]]:
    """Binomial(n, p) numbers, and which of them are accepted.

    Where n min(p, 1 - p) < 10 the method is inversion, which is always accepted; else
    it is one try of Hormann's transformed rejection with squeeze, accepted with
    probability 0.75 .. 0.87. Try a refused number again with other uniform numbers.

    Args:
        uniform: two numbers in [0, 1) for each.
        n: trials, whole numbers.
        p: probability of success.

    Returns:
        Numbers, and whether they are accepted.

    Source: W. Hormann (1993) J. Stat. Comput. Simul. 46, 101, algorithm BTRS.
    """
    rare = jnp.minimum(p, 1 - p)
    large = n * rare >= LARGE
    few = _inverted(uniform[0], jnp.where(large, 0, n), rare)
    many, accepted = _rejected(
        uniform, jnp.where(large, n, 4 * LARGE), jnp.where(large, rare, 0.5)
    )
    number = jnp.where(large, many, few)
    return jnp.where(p > rare, n - number, number), accepted | ~large


def _inverted(uniform: Array, n: Array, p: Array) -> Array:
    """The least k with F(k) > u, summing up probabilities."""
    odds = p / (1 - p)

    def further(k, left, term):
        # rounding may leave a rest after all terms that are numbers
        return (left >= term) & (k < n) & (term > 0)

    def summed(carry):
        k, left, term = carry
        on = further(*carry)
        left = jnp.where(on, left - term, left)
        term = jnp.where(on, term * odds * (n - k) / (k + 1), term)
        return k + on.astype(k.dtype), left, term

    start = (jnp.zeros_like(n), uniform, jnp.exp(n * jnp.log1p(-p)))
    return jax.lax.while_loop(lambda c: jnp.any(further(*c)), summed, start)[0]


def _rejected(uniform: Array, n: Array, p: Array) -> tuple[Array, Array]:
    """One try of BTRS, for n p >= 10 and p <= 1/2."""
    u, v = uniform[0] - 0.5, uniform[1]
    spread = jnp.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    near = 0.5 - jnp.abs(u)
    k = jnp.floor((2 * a / near + b) * u + n * p + 0.5)
    inside = (k >= 0) & (k <= n)
    k = jnp.where(inside, k, 0)
    sure = (near >= 0.07) & (v <= 0.92 - 4.2 / b)
    height = jnp.log(v * (2.83 + 5.1 / b) * spread / (a / near**2 + b))
    return k, inside & (sure | (height <= _log_ratio(n, p, k)))


def _log_ratio(n: Array, p: Array, k: Array) -> Array:
    """ln f(k)/f(m) of the binomial f with its mode m, without cancellation."""
    m = jnp.floor((n + 1) * p)
    d, up, down = k - m, m + 1, n - m + 1
    return (
        -d * jnp.log(up * (1 - p) / (p * down))
        - (k + 0.5) * jnp.log1p(d / up)
        - (n - k + 0.5) * jnp.log1p(-d / down)
        + _stirling(up)
        + _stirling(down)
        - _stirling(k + 1)
        - _stirling(n - k + 1)
    )


def _stirling(z: Array) -> Array:
    """The rest of ln Γ(z), z >= 1, after Stirling's formula: Stieltjes' fraction."""
    rest = z + (195 / 371) / z
    rest = z + (53 / 210) / rest
    return (1 / 12) / (z + (1 / 30) / rest)
