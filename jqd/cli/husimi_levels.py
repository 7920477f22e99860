"""How many levels a fit of the Husimi law needs, and about how long it takes."""

import itertools
import math
from typing import Any

import numpy as np

from ..records import PhaseSpaceRecord
from ..spaces.driven import Driven
from ..spaces.symbols import matrix

# The least C from which a start is drawn: it sets how many levels are kept.
LEAST_C = 0.3
# What the two highest levels may hold of the trace: a hundredth of what marks a run.
_EDGE = 1e-8
_MOST = 200
# Levels with which the quantum motion is followed, and times at which it is looked at.
_TRIED, _LOOKS = (48, 96, 192), 64
# Seconds that a product of complex numbers takes, on two busy cores: in a run, and in
# its derivative by each constant.
_PRODUCT = 1e-9
# Looks at the law that a start takes, those of the search and those of the polish.
_LOOKS_OF_A_FIT = 20 + 40


def levels_for(record: PhaseSpaceRecord, hamiltonian: Driven) -> int:
    """Levels that hold the state at all times, down to the least C (one mode).

    Of one mode, the state is followed from t0 to the last time by quantum mechanics, at
    the first values of what is fitted. Of several, the levels are those of the state
    near C = 1 and of a Hamiltonian that leaves it there.
    """
    if record.modes > 1:
        mean = mean_quanta(record)
        return math.ceil(mean + 7 * math.sqrt(mean) + 8)
    shares = np.ones(1)
    for size in _TRIED:
        shares = _largest_shares(record, hamiltonian, size)
        if np.sum(shares[-2:]) < _EDGE:
            break
    return _enough(shares)


def mean_quanta(record: PhaseSpaceRecord) -> float:
    """Quanta of a mode at t0; of a table half of its levels."""
    (name, value), *_ = record.initial.items()
    if name == "alpha0":
        return float(np.max(np.abs(np.atleast_1d(value)) ** 2))
    return 0.5 * max(value.shape)


def seconds_of_fit(
    record: PhaseSpaceRecord, law: Any, starts: int, free: int
) -> float | None:
    """About how long a fit of a map takes, by its cost on one machine; else None."""
    orders = getattr(law.form, "orders", None)
    if record.points is None or orders is None or record.modes > 1:
        return None
    products = len(record.ts) * (orders + 1) * law.form.levels * record.points.size
    return _PRODUCT * products * (free + 1) * starts * _LOOKS_OF_A_FIT


def _enough(shares: np.ndarray) -> int:
    """Levels at ħ_eff of a state with these shares of n quanta at ħ.

    An amplifier of gain 1/C makes of n quanta m with the probability
    binom(m, n) C^(n+1) (1-C)^(m-n).
    """
    from scipy.special import gammaln

    n, m = np.arange(shares.size)[:, None], np.arange(4 * _MOST)[None, :]
    lost = np.maximum(m - n, 0)
    binomials = gammaln(m + 1) - gammaln(n + 1) - gammaln(lost + 1)
    logs = binomials + (n + 1) * math.log(LEAST_C) + lost * math.log(1 - LEAST_C)
    found = shares @ np.where(m >= n, np.exp(logs), 0)
    above = np.cumsum(found[::-1])[::-1]  # of m and all above it
    held = above < _EDGE
    return min(_MOST, int(np.argmax(held)) + 2) if held.any() else _MOST


def _largest_shares(
    record: PhaseSpaceRecord, hamiltonian: Driven, size: int
) -> np.ndarray:
    """The largest share of each number of quanta between t0 and the last time."""
    kets = _kets(record, size)
    shares = np.sum(np.abs(kets) ** 2, axis=1)
    if all(sum(m) == sum(n) for m, n in hamiltonian.outline().powers):
        return shares
    size, moving = kets.shape[0], bool(hamiltonian.pulses)
    times = np.linspace(record.t0, max(record.ts[-1], record.t0), _LOOKS + 1)
    levels, basis = np.empty(0), np.empty((0, 0))
    for early, late in itertools.pairwise(times):
        if moving or not levels.size:
            symbol = hamiltonian.at((early + late) / 2)
            H = np.asarray(matrix(symbol, (size,)), complex)
            levels, basis = np.linalg.eigh((H + H.conj().T) / 2)
        phases = np.exp(-1j * levels * (late - early))
        kets = basis @ (phases[:, None] * (basis.conj().T @ kets))
        shares = np.maximum(shares, np.sum(np.abs(kets) ** 2, axis=1))
    return shares


def _kets(record: PhaseSpaceRecord, size: int) -> np.ndarray:
    """Kets whose squares add up to the state at t0, in the columns of (size, k)."""
    from scipy.special import gammaln

    (name, value), *_ = record.initial.items()
    value = np.asarray(value)
    if name == "alpha0":
        alpha, n = complex(value.reshape(-1)[0]), np.arange(size)
        logs = n * np.log(max(abs(alpha), 1e-300)) - gammaln(n + 1) / 2
        ket = np.exp(logs - abs(alpha) ** 2 / 2 + 1j * n * np.angle(alpha))
        return ket[:, None]
    if name == "rho0":
        weights, vectors = np.linalg.eigh((value + value.conj().T) / 2)
        kets = vectors * np.sqrt(np.maximum(weights, 0))
    else:
        kets = value.reshape(-1, 1)
    kept = np.zeros((max(size, kets.shape[0]), kets.shape[1]), complex)
    kept[: kets.shape[0]] = kets
    return kept
