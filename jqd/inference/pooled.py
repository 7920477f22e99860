"""Counts that are added over the clusters of one run, beside the law."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Array

from .._words import p_words
from ..instruments import DirichletMultinomial, Multinomial
from ..records.scan import Scan
from .goodness import MISFIT_P, p_value
from .study import Study


class Pooled(NamedTuple):
    """How far the sums of clusters are from a law.

    Attributes:
        chi2: sum of squares, of sums in units of their scatter and of priors.
        dof: degrees of freedom.
        p: probability of a sum as large, if the law is right.
    """

    chi2: float
    dof: int
    p: float

    @property
    def misses(self) -> bool:
        """Whether the law does not describe the sums."""
        return self.p < MISFIT_P

    def describe(self) -> str:
        """One sentence."""
        said = (
            "Added over the clusters of each run, the counts differ from the law with "
            f"chi-square {self.chi2:.4g} for {self.dof} degrees of freedom "
            f"(p {p_words(self.p)})"
        )
        if not self.misses:
            return f"{said}."
        return (
            f"{said}: law, state, instrument or errors are not those of the record, "
            "and the standard errors are not to be trusted."
        )


def pooled_of(
    study: Study, theta: Array, prediction: Array, side: Array
) -> Pooled | None:
    """The test of the sums; None for data without several clusters in a run.

    Clusters that are small hide in their own scatter what the law misses. Their sums
    n, with N shots each, have

        χ² = Σ (n - N p)² / (φ N p),   φ the factor of their variance

    Args:
        theta: constants of the fit, (p,).
        prediction: probabilities there, like the data.
        side: at which bound each constant is held, (p,), 0 for none.
    """
    data, noise = study.data, study.noise_at(theta)
    if not (isinstance(data, Scan) and isinstance(noise, Multinomial)):
        return None
    if len(data.first) == len(data.visit):
        return None
    values, first = np.asarray(data.values), np.asarray(data.first)
    expected = np.asarray(prediction)[first]
    shots = values.sum(axis=1)
    factor = np.ones_like(shots)
    if isinstance(noise, DirichletMultinomial):
        factor = np.asarray(noise.factor(data.values))
    summed, total, scatter = (
        np.add.reduceat(x, first) for x in (values, shots, factor * shots)
    )
    mean = expected * total[:, None]
    told = mean > 0
    apart = np.where(told, (summed - mean) ** 2 / np.where(told, mean, 1), 0)
    chi2 = float(np.sum(apart * (total / scatter)[:, None]))
    pulls = np.asarray(study.pulls(theta))[study.informed]
    chi2 += float(np.sum(pulls**2))
    counted = math.prod(expected.shape) - len(expected)
    fitted = ~np.asarray(study.of_noise) & (np.asarray(side) == 0)
    dof = int(counted + study.judged - np.sum(fitted))
    return Pooled(chi2, dof, float(p_value(chi2, dof))) if dof > 0 else None
