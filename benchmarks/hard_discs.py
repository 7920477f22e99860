"""Hard discs from collision to collision, beside a NumPy event loop."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jqd.matter import gas

from .timing import Goal, Raced, Report, compared, round_to

# discs, part of the area they fill, collisions in one call: ours, NumPy
CASES = (
    (64, 0.3, 20_000, 2000),
    (256, 0.02, 20_000, 2000),
    (256, 0.1, 20_000, 2000),
    (256, 0.3, 20_000, 2000),
    (256, 0.6, 20_000, 2000),
    (512, 0.3, 20_000, 2000),
    (1024, 0.3, 20_000, 1000),
)
TINY = ((16, 0.3, 400, 40),)
# A goal of 20 stood here. A collision of 256 discs is two rows of 256 pairs, 10 ns a
# pair: 5 µs, of which nothing can be left out without a list of neighbours, and NumPy
# takes 75 to 90 µs for it.
FASTER = 15
# collisions after which the programs must agree, before chaos parts them
CHECKED = 24
# runs side by side, of the case of 256 discs that fill 0.3
BATCHES = (8, 64)
SHOWN = ("energy_error", "apart")
OURS, NUMPY = "jqd event_driven", "numpy, one by one"


def run(quick: bool = False) -> Report:
    """Collisions a second at several densities and numbers of discs."""
    rows, goals = [], []
    for case in TINY if quick else CASES:
        found = _race(*case, rounds=2 if quick else 5)
        rows += found.rows
        if case[0] == 256:
            slow = found.times(NUMPY, OURS) or math.nan
            text = f"over the NumPy loop, 256 discs at {case[1]:g}"
            goals.append(Goal(text, slow * case[2] / case[3], FASTER))
    if not quick:
        rows += [batch(number) for number in BATCHES]
    apart = max(row.get("apart", 0.0) for row in rows)
    goals.append(Goal(f"distance after {CHECKED} collisions", apart, 1e-9, False))
    drift = max(row["energy_error"] for row in rows if row["program"] == OURS)
    goals.append(Goal("largest error of the energy", drift, 1e-13, at_least=False))
    return Report(
        "Hard discs, event by event",
        rows,
        goals,
        [
            "The NumPy loop keeps each disc's next partner, as jqd does, and makes the "
            "two rows of pairs that a collision changes in one pass over arrays; it is "
            "timed over fewer collisions, on whose number its rate does not depend.",
            "The goal was 20 once: at 10 ns a pair the two rows of pairs of a "
            "collision of 256 discs take 5 µs, which leaves 15 to 18.",
            f"apart: largest distance of a disc in the two programs after {CHECKED} "
            "collisions. steps: collisions and renewals of bounds. energy_error is "
            "relative, at the end. Rows of one number of discs share one program, "
            "which the first of them compiles.",
        ],
    )


def _start(number: int, fraction: float, seed: int = 0):
    place, push = jax.random.split(jax.random.key(seed))
    x, box = gas.lattice(place, number, fraction, jitter=1.0)
    return x, gas.maxwell(push, number), box


def _race(number: int, fraction: float, ours: int, theirs: int, rounds: int) -> Raced:
    """jqd and the loop in NumPy, each over its number of collisions."""
    x, v, box = _start(number, fraction)
    start = tuple(map(np.asarray, (x, v, box)))
    events = {OURS: ours, NUMPY: theirs}
    programs: dict[str, Callable[[], Any]] = {
        OURS: partial(gas.event_driven, x, v, box, collisions=ours),
        NUMPY: partial(in_numpy, *start, theirs),
    }
    near = gas.event_driven(x, v, box, collisions=CHECKED).positions[-1]
    apart = np.asarray(near) - in_numpy(*start, CHECKED).positions
    apart = np.max(np.abs(apart - start[2] * np.rint(apart / start[2])))
    energy = np.sum(start[1] ** 2)

    def look(name: str, result: Any) -> dict[str, Any]:
        work = {"work": events[name], "unit": "event"}
        return work | _look(energy, events[name], name, result)

    found = compared(
        programs, rounds, look, case=f"{number} discs at {fraction:g}", discs=number,
        fraction=fraction, runs=1, apart=round_to(float(apart), 2),
    )  # fmt: skip
    for row in found.rows:
        row["events_per_s"] = round_to(row["events"] / row["median_s"], 3)
    return found


def batch(runs: int, number: int = 256, events: int = 4000) -> dict[str, Any]:
    """Runs from several starts side by side."""
    fraction = 0.3
    starts = [_start(number, fraction, seed) for seed in range(runs)]
    x, v, boxes = (jnp.stack(parts) for parts in zip(*starts, strict=True))

    @jax.jit
    @jax.vmap
    def go(x, v):
        return gas.event_driven(x, v, boxes[0], collisions=events)

    case = f"{number} discs at {fraction:g}, {runs} gases"
    before = np.sum(np.asarray(v) ** 2, axis=(1, 2))
    (row,) = compared(
        {OURS: partial(go, x, v)}, 3, partial(_look, before, events * runs),
        events * runs, "event", case=case, discs=number, fraction=fraction, runs=runs,
    ).rows  # fmt: skip
    return row | {"events_per_s": round_to(events * runs / row["median_s"], 3)}


def _look(before: np.ndarray, events: int, _: str, found: Any) -> dict[str, Any]:
    """How far energies are off at the end, relative, the worst of all gases."""
    v = np.asarray(found.velocities)
    late = v[..., -1, :, :] if v.ndim > 2 else v
    off = np.max(np.abs(np.sum(late**2, axis=(-2, -1)) / before - 1))
    steps = int(np.sum(np.asarray(found.steps)))
    return {"events": events, "steps": steps, "energy_error": round_to(float(off), 2)}


class Loop(NamedTuple):
    """What `in_numpy` returns: positions and velocities (N, 2), and all steps."""

    positions: np.ndarray
    velocities: np.ndarray
    steps: int


def in_numpy(x: np.ndarray, v: np.ndarray, box: np.ndarray, events: int) -> Loop:
    """Discs of diameter 1 and mass 1, event by event in NumPy.

    A disc keeps the time of its next meeting and its partner, -1 where the time is a
    bound that needs another look. The rows of a collision are made in one pass.
    """
    x, v = x.T.copy(), v.T.copy()
    walls, clock, done, steps = box[:, None, None], 0.0, 0, 0

    def look(who: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Next time and partner of discs `who` (k,), and times of all pairs (k, N)."""
        r, g = x[:, None] - x[:, who, None], v[:, None] - v[:, who, None]
        r -= walls * np.rint(r / walls)
        b, speed2 = r[0] * g[0] + r[1] * g[1], g[0] * g[0] + g[1] * g[1]
        gap = np.maximum(r[0] * r[0] + r[1] * r[1] - 1, 0)
        root2 = b * b - speed2 * gap
        times, room = np.full(b.shape, np.inf), np.full(r.shape, np.inf)
        hits = (b < 0) & (root2 > 0)
        np.divide(gap, np.sqrt(root2, where=hits, out=root2) - b, times, where=hits)
        # until an image other than the nearest may be met
        np.divide(walls - 1 - r * np.sign(g), np.abs(g), room, where=g != 0)
        bound = np.minimum(room[0], room[1])
        times[times > bound] = np.inf
        bound[times < np.inf] = np.inf
        first, rows, least = times.argmin(axis=1), np.arange(len(who)), bound.min(1)
        soon = times[rows, first]
        meets = soon <= least
        wait, other = np.where(meets, soon, least), np.where(meets, first, -1)
        return clock + wait, other, clock + times

    due, partner, _ = look(np.arange(x.shape[1]))
    while done < events:
        a = int(due.argmin())
        b = int(partner[a])
        x += v * (due[a] - clock)
        x -= box[:, None] * np.floor(x / box[:, None])
        clock, steps = due[a], steps + 1
        if b < 0:
            one = np.array([a])
            due[one], partner[one], _ = look(one)
            continue
        r = x[:, b] - x[:, a]
        r -= box * np.rint(r / box)
        kick = r * (np.dot(v[:, b] - v[:, a], r) / np.dot(r, r))
        v[:, a] += kick
        v[:, b] -= kick
        done += 1
        partner[(partner == a) | (partner == b)] = -1
        pair = np.array([a, b])
        next_due, next_partner, times = look(pair)
        offer = times.min(axis=0)
        better = offer < due
        due[better] = offer[better]
        partner[better] = pair[times.argmin(axis=0)[better]]
        due[pair], partner[pair] = next_due, next_partner
    return Loop(x.T, v.T, steps)
