"""Simulation-based calibration: is a sampler right for data of known truth?"""

import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ... import _checks, _html
from ...instruments.noise import Drawable
from ..goodness import p_value
from ..polish import Polish, polish_one
from ..sensitivity import independent_rows
from ..study import Study
from .box import Box, box_of
from .chains import blackjax
from .coordinates import covariance_root, whitened
from .laplace import LEAST, normal_draws
from .nuts import STEP, moves

SAMPLERS = ("laplace", "nuts")
# Below this p a sampler is not calibrated: one right sampler in a thousand is refused.
LEAST_P = 1e-3
# Share of simulations whose fit or run may fail before ranks say nothing.
MOST_LOST = 0.01
BINS, LEAST_SIMULATIONS = 20, 40
# Counts of a bin from which on their squares are about those of normal numbers; sets of
# counts that are drawn where there are fewer.
ENOUGH, DRAWN = 5, 9999
# Transitions of a chain before its draws, and for each draw.
WARM, THIN = 30, 3
# Fits stop at a hundredth of their errors.
FIT = Polish(rtol=1e-5, atol=1e-6)
HEADINGS = "constant", "X2", "p", "coverage of 95 %", "p"


class Calibration(NamedTuple):
    """Ranks of true constants among draws from posteriors of their synthetic data.

    Attributes:
        labels: labels of the entries of θ.
        sampler: "laplace" or "nuts".
        draws: number of draws of each posterior.
        truth: constants that were drawn from the prior, (S, p).
        ranks: number of draws below each, (S, p).
        sound: simulations that have a rank, (S,).
        settled: those of them whose fit converged, (S,).
        bins: bins of the histogram of ranks.
        chi2: of its counts, (p,).
        p_values: of each, (p,).
        coverage: share of truths in the central 95 % of the draws, (p,).
        coverage_p: probability of a coverage as improbable, binomial, (p,).
    """

    labels: tuple[str, ...]
    sampler: str
    draws: int
    truth: Float[np.ndarray, "S p"]
    ranks: Int[np.ndarray, "S p"]
    sound: Bool[np.ndarray, " S"]
    settled: Bool[np.ndarray, " S"]
    bins: int
    chi2: Float[np.ndarray, " p"]
    p_values: Float[np.ndarray, " p"]
    coverage: Float[np.ndarray, " p"]
    coverage_p: Float[np.ndarray, " p"]

    @property
    def lost(self) -> float:
        """Share of the simulations without a rank, or whose fit did not converge."""
        return float(np.mean(~(self.sound & self.settled)))

    @property
    def status(self) -> str:
        """ "calibrated" where no test speaks against it, else "not calibrated"."""
        least = min(np.min(self.p_values), np.min(self.coverage_p))
        if self.lost > MOST_LOST:
            return "too many simulations lost"
        return "calibrated" if least > LEAST_P else "not calibrated"

    def lines(self) -> list[tuple[str, ...]]:
        """A line of the table for each constant, under `HEADINGS`."""
        rows = zip(
            self.labels, self.chi2, self.p_values, self.coverage, self.coverage_p,
            strict=True,
        )  # fmt: skip
        return [
            (label, f"{chi2:.4g}", f"{p:.2g}", f"{100 * share:.1f} %", f"{far:.2g}")
            for label, chi2, p, share, far in rows
        ]

    def __str__(self) -> str:
        said = (
            f"{self.sampler}: {self.status}. {int(self.sound.sum())} ranks of "
            f"{len(self.sound)} simulations in {self.bins} bins, {100 * self.lost:.2g} "
            "% lost."
        )
        table = _html.Table(HEADINGS, self.lines())
        return "\n".join([*table.text(), said])


def sbc(
    study: Study,
    simulations: int = 1000,
    *,
    sampler: str = "laplace",
    box: Mapping[str, Any] | None = None,
    draws: int = 99,
    key: Array | None = None,
    store: str | Path | None = None,
    progress: bool = False,
) -> Calibration:
    """Simulation-based calibration of the posteriors of a study.

    Constants are drawn from the prior, data from each, and constants from the posterior
    of these data. If all is right, the rank of the true constants among these is
    uniform. Two hundred simulations do not detect a likelihood that is 1.5 times too
    sharp; a thousand do. A p above 1e-3 does not show that a sampler is right.

    Args:
        study: law, instrument and noise; of its data only the times and the number of
            shots are used. Runs have the steps of its method, for truth and fit alike.
        simulations: number of simulations, from 40 on.
        sampler: "laplace", normal draws about the fit; or "nuts", by blackjax, whose
            chains begin there. Fits begin at the truth.
        box: ends (low, high) of uniform priors of free constants, by name or label;
            without it the bounds that they declare.
        draws: number of draws of each posterior; ranks go from 0 to this.
        key: random key; None for `jax.random.key(0)`.
        store: folder or URL in which results are kept if this is stopped: the same call
            continues, or is one more worker. See `jqd.sweep`, which does the
            simulations.
        progress: whether to show a bar.

    Returns:
        The ranks, and whether they are uniform.

    Raises:
        ValueError: another sampler, too few simulations or draws, an improper prior,
            data without errors or with correlated rows; a store of another study.

    Source: Talts et al., arXiv 1804.06788.
    """
    # what sweeps need takes as long to import as JAX
    from ...sweeps import sweep

    _checks.require_x64("jqd.inference.sbc")
    _checks.whole_number(simulations, "simulations", LEAST_SIMULATIONS)
    _checks.whole_number(draws, "draws", 1)
    _checks.check_choice(sampler, "sampler", SAMPLERS)
    if sampler == "nuts":
        blackjax()
    independent_rows(study)
    limits = box_of(study, box)
    limits.check_proper(study.labels(), "truths to draw")
    if not study.names:
        raise ValueError(
            "Argument `study` must have a free constant or a nuisance, but has none."
        )
    key = _checks.single_key(jax.random.key(0) if key is None else key)
    begin, last = jax.random.split(key)

    def point(simulation: Array) -> dict[str, Array]:
        return _one(
            study, limits, jax.random.fold_in(begin, simulation), sampler, draws
        )

    axes = {"simulation": np.arange(simulations)}
    with contextlib.ExitStack() as stack:
        if store is None:
            store = f"{stack.enter_context(tempfile.TemporaryDirectory())}/sbc.zarr"
        found = sweep(point, axes, store=store, progress=progress).load()
    truth, ranks, settled = (found[n].values for n in ("truth", "rank", "settled"))
    # a chunk that was given up has none
    sound = found["sound"].values & (found["status"].values >= 0)
    bins = _bins(draws, int(sound.sum()))
    judged = _judged(ranks[sound], draws, bins, last)
    return Calibration(
        tuple(study.labels()), sampler, draws, truth, ranks, sound, settled, bins,
        *judged,
    )  # fmt: skip


def _one(
    study: Study, box: Box, key: Array, sampler: str, draws: int
) -> dict[str, Array]:
    """Truth, its rank, whether there is one, and whether the fit settled."""
    first, second, third = jax.random.split(key, 3)
    truth = box.sample(first)
    noise = cast(Drawable, study.noise_at(truth))  # `sbc` saw to that
    run = study.trajectory(truth)
    reached = jnp.all(run.ok)
    mean = jnp.where(reached, study.rows_of(run), study.data.shares)
    values = noise.redraw(second, mean, study.data.values)
    own = eqx.tree_at(lambda study: study.data.values, study, values)
    fit, _, settled = polish_one(FIT, own, truth, jnp.ones_like(study.data.ts))
    drawn, sound = _posterior(own, box, fit, third, sampler, draws)
    rank = jnp.sum(drawn < truth[None, :], axis=0)
    sound = reached & sound & jnp.all(jnp.isfinite(drawn))
    return {"truth": truth, "rank": rank, "sound": sound, "settled": settled}


def _posterior(
    study: Study, box: Box, fit: Array, key: Array, sampler: str, draws: int
) -> tuple[Array, Array]:
    """Draws, (draws, p), and whether there are as many as asked for."""
    if sampler == "laplace":
        root = covariance_root(study.information(fit))
        drawn, number = normal_draws(box, fit, root, key, draws)
        return drawn, number >= LEAST * draws
    target = whitened(study, box, fit)
    begin, key = jax.random.split(key)
    z = jax.random.normal(begin, fit.shape) / 2
    z = jnp.where(jnp.isfinite(target.log_density(z)), z, 0)
    made = moves(target, z, key, STEP, WARM + THIN * draws).z[WARM:][::THIN]
    return jax.vmap(target.theta)(made), jnp.asarray(True)


def _bins(draws: int, simulations: int) -> int:
    """Bins of equal numbers of ranks, with five counts each on average."""
    most = max(2, min(BINS, simulations // 5))
    fitting = [n for n in range(2, most + 1) if (draws + 1) % n == 0]
    return max(fitting, default=draws + 1)


def _judged(
    ranks: Int[np.ndarray, "S p"], draws: int, bins: int, key: Array
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """chi-square of the histogram of ranks and its p; coverage and its p."""
    count = len(ranks)
    expected = count / bins
    places = ranks * bins // (draws + 1)
    heights = np.stack([np.bincount(x, minlength=bins) for x in places.T])
    chi2 = np.sum((heights - expected) ** 2, axis=1) / max(expected, 1e-9)
    # within its rank a truth may be anywhere
    within = np.asarray(jax.random.uniform(key, ranks.shape))
    level = (ranks + within) / (draws + 1)
    hits = np.sum(np.abs(level - 0.5) < 0.475, axis=0)
    inside = hits / max(count, 1)
    far = [_coverage_p(int(number), count) for number in hits]
    p = [_bins_p(x, count, bins) for x in chi2]
    return chi2, np.asarray(p), inside, np.asarray(far)


def _coverage_p(hits: int, count: int) -> float:
    """Probability of a number of hits, each of 95 %, no more probable than this one."""
    from scipy.stats import binomtest

    return float(binomtest(hits, count, 0.95).pvalue) if count else 1.0


def _bins_p(chi2: float, count: int, bins: int) -> float:
    """Probability of a sum of squares as large, for equally probable bins.

    From five counts a bin on that of chi-square, with the variance 2 (bins - 1)
    (1 - 1/count) of the sum; with fewer by drawing such counts.
    """
    if count >= ENOUGH * bins:
        return float(p_value(chi2, bins - 1, -2 * (bins - 1) / count))
    if not count:
        return 1.0
    drawn = np.random.default_rng(0).multinomial(count, [1 / bins] * bins, DRAWN)
    sums = np.sum((drawn - count / bins) ** 2, axis=1) / (count / bins)
    return float((np.sum(sums >= chi2 * (1 - 1e-9)) + 1) / (DRAWN + 1))
