"""What a nonlinear map of a qubit would show in two tables, in NumPy and SciPy."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .low_rank import LowRank, fit_rank

QUBIT = 4
# Directions of the axis that a law singles out, which the tables do not tell: the
# edges and diagonals of a cube. The least effect of all of them counts.
_AXES = np.array(
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]],
    float,
)
LEVEL, POWER = 0.05, 0.8
# Chi-square grows as the square of sizes up to it, within a few parts in a thousand.
_SMALL = 0.01
# Size beyond which the maps below are not those of their laws: the result is infinite.
LARGEST = 1.0
# Chi-square of a change before the fit, beside the 0.01 that a fit leaves to gain.
_RESOLVED = 1e6
# Largest r.m.s. by which rows of a table of rank 4 may miss the norm 1 of states.
_MISSES = 0.1
_MOST_ROUNDS = 10_000
# Excess of the largest distance, squared, that ends the search of an ellipsoid, which
# is then off by as much: less than errors of states in a table of 1000 shots.
_ROUND = 1e-3


class Power(NamedTuple):
    """The effect that a nonlinearity would have on the tables.

    Attributes:
        law: name of the law.
        constant: what its size is, in words.
        size: of the nonlinearity for which `noncentrality` holds.
        noncentrality: rise of chi-square to expect on average, for the axis for which
            it is least, of states of which some are pure.
        detectable: size with which 80 of 100 records have a `p_value` of all waits
            below 0.05; infinite beyond 1, where the maps end.
    """

    law: str
    constant: str
    size: float
    noncentrality: float
    detectable: float


def weinberg(r: np.ndarray, axis: np.ndarray, size: float) -> np.ndarray:
    """Bloch vectors after a turn about an axis by size times their height on it.

    The nonlinear part of Weinberg's law with A = (0, 1) and a common axis of A and H:
    a turn by -2 ε a t/ħ with a = (1 - z)/2; size = ε t/ħ, in radians.

    Args:
        r: (P, 3).
        axis: (3,), of norm 1.
        size: ε t/ħ.
    """
    angle = size * (r @ axis)[:, None]
    along = (r @ axis)[:, None] * axis
    return along + np.cos(angle) * (r - along) + np.sin(angle) * np.cross(axis, r)


def copying(r: np.ndarray, axis: np.ndarray, size: float) -> np.ndarray:
    """Bloch vectors after copy dynamics with q off 1/2, to first order.

    dz = size |y| ln((1 + z)/(1 - z)), of dz/dt = Ω y (ρ_1/ρ_2)^{±(q - 1/2)} with
    ρ = (1 ± z)/2: size = (q - 1/2) Ω t, where Ω t is the angle by which a drive turns
    the qubit. Without a drive no class copies another, and nothing shows.

    Args:
        r: (P, 3).
        axis: (3,), z of the classes; y is one of the directions across it.
        size: (q - 1/2) Ω t.
    """
    across = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    z = np.clip(r @ axis, -1, 1)
    y = np.abs(r @ across / np.linalg.norm(across))
    # y vanishes at the poles faster than the logarithm grows
    edge = np.finfo(float).eps
    change = y * (np.log(np.maximum(1 + z, edge)) - np.log(np.maximum(1 - z, edge)))
    return r + size * change[:, None] * axis


LAWS: dict[str, tuple[str, Callable[..., np.ndarray]]] = {
    "weinberg": ("eps t/hbar", weinberg),
    "copying": ("(q - 1/2) Omega t", copying),
}


def power_of(
    joint: LowRank, shots: np.ndarray, runs: int, size: float, needed: float
) -> tuple[Power, ...]:
    """What laws of a size would show in two tables side by side.

    Args:
        joint: fit of rank 4 to both tables, (P, 2 M).
        shots: (P, 2 M).
        needed: noncentrality that shows.

    Returns:
        One entry for each of `LAWS`; none where the table is not that of a qubit.
    """
    r = bloch_vectors(joint.rows)
    if joint.rank != QUBIT or r is None:
        return ()
    p = joint.probabilities
    states = np.column_stack([np.ones(len(r)), r])
    effects = np.linalg.lstsq(states, p, rcond=None)[0]
    half = p.shape[1] // 2

    def apart(moved: Callable[..., np.ndarray], size: float) -> float:
        """Chi-square of tables with a law of a size, for the axis of the least."""
        each = []
        for axis in _AXES:
            change = moved(r, axis / np.linalg.norm(axis), size) - r
            shift = np.zeros(p.shape)
            shift[:, half:] = change @ effects[1:, half:]
            before = float(np.sum(joint.weights * shift**2))
            if not before > 0:
                return 0.0
            # weights that make a small size as well resolved as a large one
            scale = _RESOLVED / before
            fit = fit_rank(p + shift, shots, QUBIT, scale * joint.weights)
            each.append(runs * fit.chi2 / scale)
        return min(each)

    found = []
    for law, (constant, moved) in LAWS.items():
        least = apart(moved, _SMALL)
        if least > 0:
            detectable = _SMALL * math.sqrt(needed / least)
            detectable = detectable if detectable <= LARGEST else math.inf
            found.append(Power(law, constant, size, apart(moved, size), detectable))
    return tuple(found)


def detectable_noncentrality(
    dof: float, level: float = LEVEL, controls: Sequence[tuple[float, int]] = ()
) -> float:
    """Noncentrality with which a rise has a p-value below a level in 80 of 100 records.

    Args:
        dof: degrees of freedom of the rise.
        level: of the p-value.
        controls: rise per degree of freedom and degrees of freedom of each control,
            beside which the rise has to be significant as well. The largest such rise,
            or 1, is taken for the factor by which this one exceeds chance.
    """
    from scipy.special import chdtri, chndtrinc, fdtri

    factors = [max(1.0, excess) for excess, _ in controls]
    limit = float(chdtri(dof, level))
    for factor, (_, freedom) in zip(factors, controls, strict=True):
        limit = max(limit, dof * factor * float(fdtri(dof, freedom, 1 - level)))
    scatter = max([1.0, *factors])
    return scatter * float(chndtrinc(limit / scatter, dof, 1 - POWER))


def bloch_vectors(rows: np.ndarray) -> np.ndarray | None:
    """States (P, 3) in the smallest ellipsoid about them, taken for the Bloch ball.

    They are known up to a rotation, if some are pure; for mixed ones the effect is
    smaller, by the length of their longest Bloch vector.

    Args:
        rows: (P, 4), a basis of the rows of a table of probabilities.

    Returns:
        None where no combination of the columns is 1, the norm of states.
    """
    unit = np.linalg.lstsq(rows, np.ones(len(rows)), rcond=None)[0]
    if rows.shape[1] != QUBIT or np.std(rows @ unit - 1) > _MISSES:
        return None
    apart = rows - np.mean(rows, axis=0)
    U, s, _ = np.linalg.svd(apart, full_matrices=False)
    if len(rows) <= QUBIT or s[2] <= 1e-9 * s[0]:
        return None
    x = U[:, :3] * math.sqrt(len(rows))
    weights, centre = _smallest_ellipsoid(x)
    shape = np.linalg.cholesky((x - centre).T @ (weights[:, None] * (x - centre)) * 3)
    r = np.linalg.solve(shape, (x - centre).T).T
    return r / np.max(np.linalg.norm(r, axis=1))


def _smallest_ellipsoid(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the points on it, and its centre.

    Source: L. G. Khachiyan (1996) Math. Oper. Res. 21, 307.
    """
    n, d = x.shape
    lifted = np.column_stack([x, np.ones(n)])
    weights = np.full(n, 1 / n)
    for _ in range(_MOST_ROUNDS):
        inverse = np.linalg.inv(lifted.T @ (weights[:, None] * lifted))
        distance = np.einsum("pi,ij,pj->p", lifted, inverse, lifted)
        far = int(np.argmax(distance))
        if distance[far] <= (1 + _ROUND) * (d + 1):
            break
        step = (distance[far] - d - 1) / ((d + 1) * (distance[far] - 1))
        weights *= 1 - step
        weights[far] += step
    return weights, weights @ x
