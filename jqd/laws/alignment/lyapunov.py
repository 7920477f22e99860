"""Lyapunov exponents of a law along one of its trajectories."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, PyTree


class Lyapunov(NamedTuple):
    """Lyapunov exponents and how they settled.

    Attributes:
        exponents: mean growth rates of the tangents at the last time, (k,), 1/time,
            falling but for what has not settled.
        history: the same up to each renormalisation, (blocks, k).
        ts: times of `history`, (blocks,), from the start.
    """

    exponents: Array
    history: Array
    ts: Array


def lyapunov_exponents(
    law: Any,
    state0: PyTree[Array],
    dt: ArrayLike,
    *,
    blocks: int,
    substeps: int = 10,
    count: int | None = None,
    among: Callable[[Any], Any] | None = None,
) -> Lyapunov:
    """Lyapunov exponents by QR, along the trajectory from a state.

    Tangents are carried through the law's own step and made orthonormal anew after
    each block; λ_k is the mean of ln R_kk. They are those of a finite time: look at
    `history`.

    Args:
        law: a law that does not depend on time, with `step(t, state, dt)`.
        state0: its state at the start, real or complex arrays.
        dt: step, scalar, time.
        blocks: renormalisations.
        substeps: steps between two of them.
        count: how many exponents, the largest first; None for all.
        among: the part of the state whose own tangents are asked for, e.g.
            `lambda state: state.momentum`. Right where the other parts, moved a
            little, do not move the rates of this one: momenta at rest, second moments.

    Returns:
        Exponents, their history and its times.

    Raises:
        ValueError: blocks, substeps or count that are not positive.

    Source: G. Benettin et al. (1980) Meccanica 15, 9.
    """
    size = _real_vector(state0 if among is None else among(state0))[0].size
    count = size if count is None else count
    for name, number, most in (
        ("blocks", blocks, None),
        ("substeps", substeps, None),
        ("count", count, size),
    ):
        if number < 1 or (most is not None and number > most):
            bound = "" if most is None else f" and at most {most}"
            raise ValueError(
                f"Argument `{name}` must be at least 1{bound}, but is {number}."
            )

    def one_step(carry: tuple[Any, Array], _: None):
        state, frame = carry
        here, restore = _real_vector(state if among is None else among(state))

        def move(part: Array) -> tuple[Array, Any]:
            whole = restore(part)
            start = whole if among is None else eqx.tree_at(among, state, whole)
            after = law.step(0.0, start, dt)
            return _real_vector(after if among is None else among(after))[0], after

        _, push, after = jax.linearize(move, here, has_aux=True)
        return (after, jax.vmap(push, in_axes=1, out_axes=1)(frame)), None

    def one_block(carry: tuple[Any, Array], _: None):
        (state, frame), _ = jax.lax.scan(one_step, carry, None, length=substeps)
        frame, stretch = jnp.linalg.qr(frame)
        return (state, frame), jnp.log(jnp.abs(jnp.diagonal(stretch)))

    dtype = _real_vector(state0)[0].dtype
    frame = jnp.eye(size, count, dtype=dtype)
    _, logs = jax.lax.scan(one_block, (state0, frame), None, length=blocks)
    ts = jnp.asarray(dt, dtype) * substeps * jnp.arange(1, blocks + 1)
    history = jnp.cumsum(logs, axis=0) / ts[:, None]
    return Lyapunov(history[-1], history, ts)


def _real_vector(tree: Any) -> tuple[Array, Callable[[Array], Any]]:
    """A PyTree as one real vector (complex leaves as two), and the way back."""
    parts = jax.tree.map(
        lambda z: (jnp.real(z), jnp.imag(z)) if jnp.iscomplexobj(z) else z, tree
    )
    vector, restore = ravel_pytree(parts)
    leaves, structure = jax.tree.flatten(tree)

    def back(vector: Array) -> Any:
        parts = iter(jax.tree.leaves(restore(vector)))
        whole = [
            jax.lax.complex(next(parts), next(parts))
            if jnp.iscomplexobj(z)
            else next(parts)
            for z in leaves
        ]
        return jax.tree.unflatten(structure, whole)

    return vector, back
