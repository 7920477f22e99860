"""Occupation numbers of bosons: N particles in M states with random weights."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jqd import statistics

from .timing import Goal, Report, compared, round_to

# name, particles, states
CASES = (("small", 1000, 100), ("large", 10**6, 10**5))
TINY = (("large", 2000, 200),)
OURS, NUMPY = "jqd, g = 1", "numpy dirichlet + multinomial"
# jax.random.multinomial draws one binomial a state, in turn.
MOST_STATES_OF_JAX = 1000
BEHIND = {
    NUMPY: "NumPy draws one binomial a state, in turn, and no particles; jqd draws "
    "each particle, so that a draw is one operation on any device and under vmap. "
    "JAX's uniform numbers for them alone take as long as all that NumPy does, and a "
    "tree of binomials of JAX, with one a state, takes longer still."
}


def run(quick: bool = False) -> Report:
    """Seconds for one draw, and how far its variance is from the exact one."""
    rows, goals = [], []
    for name, N, M in TINY if quick else CASES:
        exact, classical = (float(statistics.variance(N, M, g)) for g in (1.0, 0.0))

        def look(program: str, n: Any, exact=exact, classical=classical):
            expected = classical if "g = 0" in program else exact
            return {"error": round_to(abs(float(np.var(n)) / expected - 1), 2)}

        found = compared(
            _programs(N, M, quick), 2 if quick else 5, look, beside=OURS,
            case=name, particles=N, states=M,
        )  # fmt: skip
        rows += found.rows
        if M > MOST_STATES_OF_JAX:
            note = "left out: takes a step for each state"
            rows.append(
                {"case": name, "program": "jax.random.multinomial", "note": note}
            )
        if name == "large":
            seconds = found.timings[OURS].median
            goals.append(Goal("a draw of the large case in 1 s", seconds, 1, False))
    return Report(
        "One draw of Bose-Einstein occupation numbers from shared random weights",
        rows,
        goals,
        [
            "Error: relative distance of the variance over the states from the exact "
            "one. Its standard error is 3/sqrt(M) for bosons, so M = 1e5 shows 1e-2, "
            "and M = 100 shows 0.3.",
            "numpy draws one binomial a state and no particles, in turn: M steps "
            "against N + M of jqd, which run on any device and under vmap.",
        ],
    )


def _programs(N: int, M: int, quick: bool) -> dict[str, Callable[[], Any]]:
    key = jax.random.key(0)
    programs = {
        OURS: partial(statistics.sample_occupations, key, N, M, 1.0),
        "jqd, g = 0": partial(statistics.sample_occupations, key, N, M, 0.0),
        NUMPY: partial(_numpy, N, M),
    }
    if not quick:
        programs["jqd, any g"] = partial(_any_g, N, M, key, jnp.asarray(1.0))
    if M <= MOST_STATES_OF_JAX and not quick:
        programs["jax.random.multinomial"] = partial(_jax(N, M), key)
    return programs


@partial(jax.jit, static_argnums=(0, 1))
def _any_g(N: int, M: int, key: jax.Array, g: jax.Array) -> jax.Array:
    return statistics.sample_occupations(key, N, M, g)


def _numpy(N: int, M: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.multinomial(N, rng.dirichlet(np.ones(M)))


def _jax(N: int, M: int) -> Callable[[jax.Array], jax.Array]:
    @jax.jit
    def draw(key):
        for_weights, for_particles = jax.random.split(key)
        weights = jax.random.dirichlet(for_weights, jnp.ones(M))
        return jax.random.multinomial(for_particles, jnp.asarray(float(N)), weights)

    return draw
