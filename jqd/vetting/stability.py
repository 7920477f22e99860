"""How fast neighbouring states separate, and whether guided particles keep to ρ."""

import jax
import numpy as np

from .._math import abs2
from ..ensembles.paths.processes import nelson
from ..laws import Law
from .card import FAILS, HOLDS, ROUNDING, STEADY, Row, Verdict, absent, judged
from .runs import Runs, distance

# Duration, with a comparison each unit; number of kets; initial distance of two runs.
TIME, KETS, APART = 40, 3, 1e-2
# Largest power of the time that counts as growth by a power.
POWER = 2.5


def stability(runs: Runs, law: Law, kets: np.ndarray, seed: int) -> Row:
    """Small differences of states do not grow exponentially.

    The figure is the growth exponent of the equation of a small difference, over 40 of
    the law's own times; the largest of three counts. Growth by T² gives 2 ln(T)/T.
    """
    name = "stability"
    rate = -(-runs.steps // max(1, round(runs.time / runs.unit)))
    long = Runs(TIME * runs.unit, rate * TIME, TIME)
    kets = kets[:KETS]
    key = np.random.default_rng(seed)
    mixed = key.normal(size=(2, len(kets), KETS, 2))
    # within the kets that the law was found to take
    tangents = np.tensordot(mixed[0, ..., 0] + 1j * mixed[0, ..., 1], kets, 1)
    coarse, fine = (long.grown(law, kets, tangents, k) for k in (1, 2))
    exponents = fine[:, -1] / TIME
    top = int(np.argmax(exponents))
    figure, before = float(exponents[top]), float(coarse[top, -1] / TIME)
    if not (np.isfinite(figure) and np.isfinite(before)):
        return judged(name, np.nan, np.nan)
    floor = abs(figure - before) + ROUNDING
    whole = _two_runs(long, law, kets, tangents)
    line = 2 * np.log(TIME) / TIME
    t = np.arange(1, TIME + 1)
    late = t >= TIME // 4
    power = float(np.polyfit(np.log(t[late]), fine[top, late], 1)[0])
    half = float(fine[top, -1] - fine[top, TIME // 2 - 1]) / (TIME / 2)
    steady = abs(figure - before) <= STEADY * abs(figure)
    if figure <= HOLDS * floor:
        return Row(name, figure, floor, Verdict.HOLDS, f"no growth; {whole}")
    if figure > line and half > figure / 2 and steady and figure > FAILS * floor:
        note = f"exponential over {TIME} units; {whole}"
        return Row(name, figure, floor, Verdict.FAILS, note)
    if figure <= line and power <= POWER:
        note = f"goes as t^{power:.1f} at late times, not exponentially; {whole}"
        return Row(name, figure, floor, Verdict.HOLDS, note)
    note = f"below {line:.2g} growth by t² looks the same; {whole}"
    return Row(name, figure, floor, Verdict.NOT_DECIDED, note)


def _two_runs(long: Runs, law: Law, kets: np.ndarray, tangents: np.ndarray) -> str:
    """Words on runs that begin apart by more than a little."""
    axes = tuple(range(1, kets.ndim))
    size = np.sqrt(abs2(kets).sum(axes, keepdims=True))
    moved = tangents / np.sqrt(abs2(tangents).sum(axes, keepdims=True))
    other = kets + APART * size * moved
    other = other * size / np.sqrt(abs2(other).sum(axes, keepdims=True))
    gap = distance(long(law, other), long(law, kets))
    return f"two runs {APART:g} apart differ by {gap.max():.2g} at most"


PARTICLES, WAVES = 4000, 2


def equivariance(runs: Runs, law: Law, kets: np.ndarray, seed: int) -> Row:
    """Particles drawn from ρ that diffuse by Nelson's law remain distributed by ρ."""
    name = "Born equivariance"
    grid = getattr(law, "grid", None)
    if grid is None or grid.ndim != 1:
        return absent(name, "the law has no particles on a line")
    ts = np.linspace(0.0, runs.time, runs.looks + 1)

    def distances(finer: int) -> tuple[float, float, int]:
        """The largest distance, the line below it, and how many paths ended."""
        worst, line, ended = 0.0, 0.0, 0
        for number, ket in enumerate(kets[:WAVES]):
            paths = nelson(
                law, ket, ts, jax.random.key(seed + number), paths=PARTICLES,
                substeps=finer * max(1, runs.steps // runs.looks), error_paths=0,
                periodic=True,
            )  # fmt: skip
            worst = max(worst, float(np.asarray(paths.ks).max()))
            line = float(paths.ks_line)
            ended += int(np.sum(~np.asarray(paths.ok)))
        return worst, line, ended

    try:
        coarse, line, ended = distances(1)
    except ValueError as error:
        return absent(name, f"no particles: {error}")
    note = f"distance of {PARTICLES} particles to ρ, the largest of {runs.looks} times"
    note += f"; 95 % of samples of ρ stay below {line:.2g} at one time"
    # 2.5/√n: one sample of ρ in 1e5
    far = line * 2.5 / 1.358
    if coarse <= far and not ended:
        return Row(name, coarse, line, Verdict.HOLDS, note)
    fine = coarse
    if not ended:
        fine, _, ended = distances(2)
    if ended:
        return Row(name, fine, line, Verdict.NOT_DECIDED, f"{ended} paths ended")
    # beyond what chance does to a distance, halved steps may not change it
    steady = abs(fine - coarse) <= STEADY * fine + line
    verdict = Verdict.FAILS if fine > far and steady else Verdict.NOT_DECIDED
    return Row(name, fine, max(line, abs(fine - coarse)), verdict, note)
