"""What no program on this machine can beat: FFT pairs alone, and copying memory."""

import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .memory import compiled

FFT = "floor: FFT pair alone"
# bytes of an array that stays in the caches of a processor, and of one that does not
IN_CACHE, IN_MEMORY = 2**20, 2**28
# beyond the caches of usual processors
MOST_IN_CACHE = 2**24
ROUNDS = 5


def fft_pairs(psi: Any, axes: tuple[int, ...], steps: int) -> Callable[[], Any]:
    """As many forward and inverse transforms as a run of split steps takes."""

    @jax.jit
    def pairs(psi):
        def pair(psi, _):
            return jnp.fft.ifftn(jnp.fft.fftn(psi, axes=axes), axes=axes), None

        return jax.lax.scan(pair, psi, None, length=steps)[0]

    return partial(pairs, jnp.asarray(psi))


@cache
def copy_bandwidth(size: int) -> float:
    """Bytes a second, read and written, of passes over an array of `size` bytes.

    The best of several rounds: a floor is what the machine can do.
    """
    passes = max(8, 2**30 // size)

    @partial(jax.jit, donate_argnums=0)
    def run(x):
        return jax.lax.fori_loop(0, passes, lambda _, x: x + 1, x)

    x = jax.block_until_ready(run(jnp.zeros(size // 4, np.float32)))
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        x = jax.block_until_ready(run(x))
        seconds.append(time.perf_counter() - start)
    return 2 * size * passes / min(seconds)


def bandwidth(size: float, quick: bool = False) -> float:
    """Copy bandwidth for a working set of `size` bytes: in the caches or beyond."""
    if quick:
        return copy_bandwidth(2**16)
    cached = jax.default_backend() == "cpu" and size <= MOST_IN_CACHE
    return copy_bandwidth(IN_CACHE if cached else IN_MEMORY)


def bytes_moved(program: Any) -> float | None:
    """Bytes that the compiled program of a `partial` reads and writes, by XLA's count.

    XLA counts the body of a loop once, so this is the traffic of one step.
    """
    found = compiled(program)
    return found and (found.cost_analysis() or {}).get("bytes accessed")
