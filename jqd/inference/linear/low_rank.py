"""Weighted fits of tables of counts by tables of low rank, in NumPy."""

from typing import NamedTuple

import numpy as np

# Chi-square scatters by √(2 dof) >= 1: less than this is left to gain.
_LEFT = 1e-2
_MOST_SWEEPS = 500
# Expected counts below it make a cell's square far from that of a normal number
# (Cochran's rule).
FEW = 5.0
# Quantile 0.999 of the law of Tracy and Widom for real noise.
_NOISE = 3.3


class LowRank(NamedTuple):
    """A table of low rank beside counts.

    Attributes:
        rank: k.
        rows: (P, k), orthonormal columns: the preparations.
        columns: (k, M): the measurements, so that rows @ columns are probabilities.
        weights: inverse variances of the frequencies, (P, M).
        chi2: Σ weights (frequency - probability)².
        dof: degrees of freedom, (P - k)(M - k).
        excess: variance of chi2 beyond 2 dof, since counts are not normal.
        filled: what binomial counts make of chi2, over dof: less than 1 where cells of
            less than half a count weigh as if they had half of one.
        few: share of cells with fewer than 5 expected counts of either outcome.
        converged: whether less than 0.01 of chi2 was left to gain.
    """

    rank: int
    rows: np.ndarray
    columns: np.ndarray
    weights: np.ndarray
    chi2: float
    dof: int
    excess: float
    filled: float
    few: float
    converged: bool

    @property
    def probabilities(self) -> np.ndarray:
        """(P, M), as fitted: not held within 0 and 1."""
        return self.rows @ self.columns

    @property
    def per_dof(self) -> float:
        """Chi-square per degree of freedom."""
        return self.chi2 / self.dof

    @property
    def z(self) -> float:
        """(chi2 - dof)/√(2 dof)."""
        return (self.chi2 - self.dof) / (2 * self.dof) ** 0.5

    @property
    def overfit(self) -> float:
        """By how much noise lowers chi2 further than dof says, on average.

        Of a p x m table with unit noise and a part of the square θ², singular values
        have the square θ² + p + m + pm/θ². dof knows of all but the last, which is
        infinite here where noise alone makes a part as large once in a thousand tables:
        the table then has not the rank of the fit.

        Source: F. Benaych-Georges, R. R. Nadakuditi (2012) J. Multivar. Anal. 111, 120;
        of noise, I. M. Johnstone (2001) Ann. Stat. 29, 295.
        """
        variance = 1 / self.weights
        # about a product of rows and columns; means of variances, since a mean of
        # weights is that of empty cells
        row = 1 / variance.mean(axis=1, keepdims=True)
        column = variance.mean() / variance.mean(axis=0)
        scaled = np.sqrt(row * column) * self.probabilities
        squares = np.linalg.svd(scaled, compute_uv=False)[: self.rank] ** 2
        p, m = (n - self.rank for n in scaled.shape)
        # of noise alone, with one row and column more: the last part is none then
        roots = np.sqrt([p + 1, m + 1])
        edge = roots.sum() ** 2 + _NOISE * roots.sum() * np.sum(1 / roots) ** (1 / 3)
        if squares[-1] <= edge:
            return np.inf
        beyond = squares - p - m
        signal = (beyond + np.sqrt(beyond**2 - 4 * p * m)) / 2
        return float(np.sum(p * m / signal))


def fit_rank(
    frequencies: np.ndarray,
    shots: np.ndarray,
    rank: int,
    weights: np.ndarray | None = None,
) -> LowRank:
    """The best table of a rank, by alternating weighted least squares.

    Weights are shots/(p (1 - p)), with p the fitted probability, found together with
    the fit; a p within half a count of 0 or 1, or beyond, counts as half a count. So a
    cell with zero counts weighs as much as its shots allow, and no more.

    Args:
        frequencies: (P, M), counts/shots.
        rank: k, less than P and M.
        weights: fixed ones; None for those of the fit itself.
    """
    (P, M), own = frequencies.shape, weights is None
    U, s, V = np.linalg.svd(frequencies, full_matrices=False)
    rows, columns = U[:, :rank], s[:rank, None] * V[:rank]
    chi2, step, converged = np.inf, np.inf, False
    w = variance_weights(rows @ columns, shots) if weights is None else weights
    for _ in range(_MOST_SWEEPS):
        rows, _ = np.linalg.qr(_solved(columns, w, frequencies))
        columns = _solved(rows.T, w.T, frequencies.T).T
        if own:
            w = variance_weights(rows @ columns, shots)
        before, last = chi2, step
        chi2 = float(np.sum(w * (frequencies - rows @ columns) ** 2))
        step = abs(before - chi2)
        # what a geometric sequence of such steps would still gain
        ratio = step / last if 0 < last < np.inf else 0.5
        if step < _LEFT and step * min(ratio, 0.999) / (1 - min(ratio, 0.999)) < _LEFT:
            converged = True
            break
    p = np.clip(rows @ columns, 0, 1)
    inside = _inside(p, shots)
    variance = inside * (1 - inside)
    # fourth cumulant of a binomial number over its squared variance
    excess = float(np.sum((1 / variance - 6) / shots))
    filled = float(np.mean(p * (1 - p) / variance))
    few = float(np.mean(shots * np.minimum(p, 1 - p) < FEW))
    dof = (P - rank) * (M - rank)
    return LowRank(rank, rows, columns, w, chi2, dof, excess, filled, few, converged)


def variance_weights(p: np.ndarray, shots: np.ndarray) -> np.ndarray:
    """shots/(p (1 - p)), with p at least half a count from 0 and 1."""
    p = _inside(p, shots)
    return shots / (p * (1 - p))


def _inside(p: np.ndarray, shots: np.ndarray) -> np.ndarray:
    half = 0.5 / shots
    return np.clip(p, half, 1 - half)


def _solved(known: np.ndarray, w: np.ndarray, f: np.ndarray) -> np.ndarray:
    """Rows x of x @ known = f, (n, k), by weighted least squares."""
    k, M = known.shape
    pairs = (known[:, None] * known[None]).reshape(k * k, M)
    normal = (w @ pairs.T).reshape(-1, k, k)
    # rows that the table does not fix, of all-equal weights zero, stay finite
    size = np.trace(normal, axis1=1, axis2=2)[:, None, None]
    normal = normal + 1e-14 * size * np.eye(k)
    return np.linalg.solve(normal, ((w * f) @ known.T)[..., None])[..., 0]
