"""Husimi law of three to five modes as a signed sum of pure states, by orders kept."""

import math
import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jqd.laws.husimi import Exact, HusimiFokkerPlanck, Series
from jqd.laws.husimi.starts import amplify
from jqd.spaces.symbols import bose_hubbard
from jqd.states import Ensemble, as_ensemble, coherent

from .husimi_kerr import seen_of
from .memory import sizes
from .timing import Goal, Report, race, round_to

# (modes, levels of each, α of the first)
CASES = ((3, 12, 1.0), (4, 10, 0.7), (5, 6, 0.5))
ORDERS = 3
OURS = "jqd evolve"
STRENGTHS = (0.95, 0.9, 1.05)
STEP = 5e-5
SHOWN = ("kets", "off_slope", *(f"off_{C:g}" for C in STRENGTHS))
NOTE = (
    "One evolution and its derivative with respect to C at C = 1, <n_1> at t = 1 of a "
    "chain with J = 1, U = 1/2. Of order K there are binom(M + K, M) kets. "
    "`off_slope`: d<n_1>/dC at C = 1 less a central difference of the law with the "
    "most orders; `off_C`: change of <n_1> at strength C that one more order brings. "
    "Memory: temporaries of the compiled program, as XLA reports them."
)


def run(quick: bool = False) -> Report:
    """Kets, time, memory and what each order reaches."""
    cases, orders = (((2, 6, 0.4),), 2) if quick else (CASES, ORDERS)
    report = Report("Bose-Hubbard chains, signed sums of pure states", [], notes=[NOTE])
    for case in cases:
        rows = _case(*case, orders)
        report.rows += rows
        slopes = {row["orders"]: row["off_slope"] for row in rows}
        name = f"{case[0]} modes"
        report.goals += [
            Goal(
                f"{name}: d/dC at C = 1 with one order, error", slopes[1], 1e-6, False
            ),
            Goal(f"{name}: d/dC without any order is wrong by", slopes[0], 1e-4),
        ]
    return report


def _case(modes: int, levels: int, alpha: float, orders: int) -> list[dict[str, Any]]:
    psi0 = coherent(np.eye(1, modes)[0] * alpha, (levels,) * modes)
    shares = jax.jit(_shares(modes, levels, psi0, orders))
    sums = {C: _partial_sums(shares, C, psi0, orders) for C in STRENGTHS}
    up, down = (_partial_sums(shares, 1 + h, psi0, orders)[-1] for h in (STEP, -STEP))
    slope = (up - down) / (2 * STEP)
    rows = []
    for K in range(orders + 1):
        total = _total(modes, levels, psi0, K)
        derivative = jax.jit(partial(jax.jvp, total))
        ones = (jnp.asarray(1.0),), (jnp.asarray(1.0),)
        before = time.perf_counter()
        compiled = derivative.lower(*ones).compile()
        compilation = time.perf_counter() - before
        timed = race({OURS: partial(compiled, *ones)}, 3)[OURS]
        found = float(timed.result[1])
        row: dict[str, Any] = {"case": f"{modes} modes of {levels} levels, order {K}"}
        row |= {"program": OURS, "modes": modes, "levels": levels, "orders": K}
        row |= timed.row() | {"kets": math.comb(modes + K, modes)}
        row["compile_s"] = round_to(compilation)
        row["memory_MiB"] = round_to(sizes(compiled).temporaries / 2**20)
        row["slope"] = round_to(found, 8)
        row["off_slope"] = round_to(abs(found - slope), 2)
        if orders > K:
            row |= {
                f"off_{C:g}": round_to(abs(s[K + 1] - s[K]), 2) for C, s in sums.items()
            }
        rows.append(row)
    return rows


def _law(modes: int, levels: int, orders: int) -> HusimiFokkerPlanck:
    chain = bose_hubbard(1.0, 0.5, [(i, i + 1) for i in range(modes - 1)])
    return HusimiFokkerPlanck(chain, form=Exact(levels, Series(orders)))


def _shares(modes: int, levels: int, psi0: jax.Array, orders: int):
    """What each ket adds to ∫|α_1|² Q at t = 1, as a function of C."""
    power = (1,) + (0,) * (modes - 1)  # of α and of α*

    def look(law, state):
        def one(ket, weight):
            single = Ensemble(ket[None], weight[None])
            return jnp.real(law.moment(single, power, power))

        return jax.vmap(one)(state.kets, state.weights)

    law, ts = _law(modes, levels, orders), jnp.asarray([0.0, 1.0])
    shares = seen_of(law, psi0, ts, look, "C")
    return lambda C: shares(C)[0]


def _total(modes: int, levels: int, psi0: jax.Array, orders: int):
    shares = _shares(modes, levels, psi0, orders)
    return lambda C: jnp.sum(shares(C)) - 1


def _partial_sums(shares, C: float, psi0: jax.Array, orders: int) -> np.ndarray:
    """<n_1> with the kets up to each order: they are the first of those of the next."""
    half = amplify(as_ensemble(psi0, psi0.ndim), jnp.asarray(0.5), psi0.shape, orders)
    order = np.rint(-np.log2(np.asarray(half.weights)))
    values = np.asarray(shares(jnp.asarray(C)))
    return np.array([np.sum(values[order <= K]) - 1 for K in range(orders + 1)])
