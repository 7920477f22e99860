"""The window 0 < C < C_max in which the Husimi law has solutions for a state.

Q at ħ is the Husimi function at Cħ of an operator that is Hilbert-Schmidt if and only
if C < C_max: one more than the largest order at which the ordered characteristic
function of the state is square integrable. C_max is not a continuous function of the
state, so a table of amplitudes gives an estimate at best: described states declare it.
"""

import warnings
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from ... import _checks
from ..._gate import gated
from ...spaces.fock import log_binomials
from ...states import Ensemble, State, as_ensemble, covariance
from .gaussian_sum import GaussianSum

# C_max of a table of finitely many levels, whatever state it was cut from.
TABLE = 2.0
# How far inside the window a fit stays, relative: at its ends no series converges.
INSIDE = 1e-6
# Shells of which the largest counts, as pairs of quanta leave every other one empty.
_SHELLS = 6
_FEWEST, _MOST = 24, 128


class BeyondWindow(UserWarning):
    """C is beyond the window that was estimated from an array."""


class Window(NamedTuple):
    """The end C_max of the window, and how it is known.

    Attributes:
        value: C_max, scalar.
        kind: "exact", declared by the state; "estimate" from an array, within about one
            over its levels; "at least", where an array gives only a lower bound.
    """

    value: Any
    kind: Literal["exact", "estimate", "at least"]

    def __str__(self) -> str:
        value = self.value
        if _checks.is_concrete(value):
            value = f"{float(np.asarray(value)):.6g}"
        told = {
            "exact": f"C_max = {value} for this state, exactly.",
            "estimate": f"C_max = {value} or so, an estimate from an array.",
            "at least": f"C_max is at least {value}, which is all that an array shows.",
        }
        return told[self.kind]


@gated
def largest_C(state: Any, *, hbar: ArrayLike = 1.0) -> Window:
    """The end C_max of the window 0 < C < C_max in which solutions exist.

    C_max is 2 for a coherent state, a superposition of some, or a state of finitely
    many quanta; 1 + exp(-2r) for a state squeezed by r; 2(n̄ + 1) for a thermal one;
    4 min eig Cov(X, Y)/ħ under Q, α = X + iY, for a Gaussian one; and the least of the
    parts for a mixture or product.

    For an array of one mode, C_max is estimated as the C at which the shells n of its
    operator at Cħ, each known without those above, stop falling between the middle of
    the levels and their end. It is cut at 2, and given where half the levels agree. For
    several modes it is given where the moments are those of a pure Gaussian.

    Args:
        state: a `jqd.states.State`, a `GaussianSum`, or what
            `jqd.states.as_ensemble` takes of one mode; the first two may be traced.
        hbar: ħ of a `GaussianSum`, scalar.

    Returns:
        C_max and its kind.

    Raises:
        ValueError: no state; hbar not positive.
    """
    _checks.check_positive(hbar, "hbar", ())
    if isinstance(state, State):
        return Window(state.largest_C, "exact")
    if isinstance(state, GaussianSum):
        least = jnp.min(jnp.linalg.eigvalsh(state.covariance))
        return Window(4 * least / hbar, "exact")
    state = state if isinstance(state, Ensemble) else as_ensemble(state)
    if state.window is not None:
        return Window(state.window, "exact")
    if not _checks.is_concrete(state):
        return Window(1.0, "at least")
    found = _settled(state) if state.modes == 1 else _of_moments(state)
    if found is None:
        return Window(1.0, "at least")
    return Window(TABLE, "at least") if found >= TABLE else Window(found, "estimate")


def check_window(
    C: ArrayLike, state: Ensemble | State, *, liouville: bool = False
) -> None:
    """Raise unless 0 < C < C_max, warn beyond an estimate (skipped for tracers).

    Args:
        C: strength of the diffusion.
        state: the initial state.
        liouville: whether C = 0, Liouville's equation, is allowed as well.

    Raises:
        ValueError: C outside the window or at its ends; or not below 2, where the
            state is given by kets, which reach no further.

    Warns:
        BeyondWindow: C beyond the estimate of an array.
    """
    if not _checks.is_concrete(C):
        return
    value = float(np.asarray(C))
    if (liouville and value == 0) or not _checks.is_concrete(state):
        return
    # below 1 is inside whatever the state, and needs no estimate
    declared = isinstance(state, State) or state.window is not None
    window = Window(1.0, "at least")
    if declared or value > 1:
        with jax.ensure_compile_time_eval():  # what is known stays so under a trace
            window = largest_C(state)
    end = float(np.asarray(window.value)) if declared else TABLE
    outside = (
        "outside, no density solves the equation for any time after the first. C = 0 "
        "(Liouville) needs form 'gaussian' or 'wigner'."
    )
    if not 0 < value < end:
        raise ValueError(
            f"Argument `C` must be in (0, C_max) with C_max = {end:.6g} for this "
            f"state, but is {value:.6g}: {outside}"
        )
    if isinstance(state, Ensemble) and not value < TABLE:
        raise ValueError(
            f"Argument `C` must be below {TABLE:g} for a state given by its kets, but "
            f"is {value:.6g}; use form 'exact' or 'gaussian' with a described state."
        )
    if window.kind == "estimate" and value >= window.value:
        warnings.warn(
            f"C = {value:.6g}, but {window} Beyond C_max no density solves the "
            "equation; a described state, see `jqd.states.State`, knows its own.",
            BeyondWindow,
            stacklevel=3,
        )


def limits(state: Any, *, kets: bool) -> dict[str, tuple[ArrayLike, ArrayLike]]:
    """The limits of C in a fit; none where no state declares its window.

    Args:
        state: what the law admits; may be traced.
        kets: whether the form carries every state by kets, which end at C = 2.
    """
    known = isinstance(state, State) or (
        isinstance(state, Ensemble) and state.window is not None
    )
    if not known:
        return {}
    end = jnp.asarray(largest_C(state).value)
    if kets or isinstance(state, Ensemble):
        end = jnp.minimum(end, TABLE)
    return {"C": (INSIDE, end * (1 - INSIDE))}


# -- estimates -------------------------------------------------------------------------


def _of_moments(state: Ensemble, tolerance: float = 1e-6) -> float | None:
    """4 min eig Cov(X, Y) where the moments are those of a pure Gaussian state.

    A truncated squeezed ket misses the determinant of one by about its cut tail.
    """
    if state.weights.shape[0] != 1:
        return None
    cov = 4 * np.asarray(covariance(state, modes=state.modes))
    sign, logdet = np.linalg.slogdet(cov - np.eye(cov.shape[0]))
    if sign <= 0 or abs(logdet) > tolerance:
        return None
    # no further than rounding and the cut tail leave it from 2
    least = float(np.min(np.linalg.eigvalsh(cov)))
    return TABLE if least > TABLE - tolerance else least


def _settled(state: Ensemble) -> float | None:
    """The estimate from all levels, if that from half of them agrees."""
    rho, noise, size = _table(state)
    if size < _FEWEST:
        return None
    whole, half = (_crossing(rho, noise, n) for n in (size, size // 2))
    if whole is None or half is None:
        return None
    # displaced superpositions settle as one over the root of the levels, from below,
    # and cannot be told; all else falls to its end as one over the levels
    risen = whole - half
    settled = -1 / size <= risen <= 0.2 / size or min(whole, half) >= TABLE
    return whole if settled else None


def _table(state: Ensemble) -> tuple[np.ndarray, np.ndarray, int]:
    """ρ, what its entries may be wrong by, and its levels that are worth something."""
    weights, kets = np.asarray(state.weights), np.asarray(state.kets)[:, :_MOST]
    eps = float(np.finfo(weights.dtype).eps)
    rho = (kets.T * weights) @ kets.conj()
    size = np.abs(rho)
    height = np.sqrt(np.abs(np.diagonal(rho)))
    if len(weights) == 1:
        # recurrences keep the relative precision of small amplitudes
        noise, floor = 4 * eps * len(rho) * size, eps / 20
    else:
        noise, floor = np.full_like(size, eps * np.max(size)), 20 * np.sqrt(eps)
    worth = np.flatnonzero(height > floor * np.max(height))
    if not len(worth):  # numbers that are none
        return rho, noise, 0
    count = int(worth[-1]) + 1
    # a plateau far down is rounding: what decays to there does not stop there
    last, middle = (
        np.max(height[max(start, 0) : start + _SHELLS])
        for start in (count - _SHELLS, count // 2 - _SHELLS // 2)
    )
    flat = last < 1e4 * floor * np.max(height) and last > 0.1 * middle
    return rho, noise, 0 if flat else count


def _crossing(rho: np.ndarray, noise: np.ndarray, size: int) -> float | None:
    """The least C at which the last shells are larger than those in the middle; 2 or
    the end of what rounding allows where there is none, which is None if below 2."""
    middle, last = size // 2 - _SHELLS // 2, size - _SHELLS
    rows = np.concatenate([np.arange(n, n + _SHELLS) for n in (middle, last)])
    roots = np.exp(log_binomials(size) / 2)
    m, k = np.indices((size, size))
    n, m, k = rows[:, None, None], m[None], k[None]
    inside = (k <= m) & (m <= n)
    where = np.where(inside, n - k, 0), np.where(inside, m - k, 0)
    ways = np.where(inside, roots[n, np.minimum(k, n)] * roots[m, k], 0)
    terms, errors = ways * rho[where], ways * noise[where]
    parts = np.stack([np.real(terms), np.imag(terms)])
    low, high = 1.0, TABLE
    for _ in range(3):
        C = np.linspace(low, high, 33)[1:]
        ratio = ((1 - C) / C) ** np.arange(size)[:, None]
        power = C ** ((rows[:, None, None] + np.arange(size)[None, :, None]) / 2 + 1)
        # real and small factors: larger ones wake threads, which cost more
        entries = np.sqrt(np.sum((parts @ ratio) ** 2, axis=0)) * power
        rounding = (errors @ np.abs(ratio)) * power
        shells, wrong = (
            np.sqrt(np.sum(x**2, axis=1)).reshape(2, _SHELLS, -1).max(axis=1)
            for x in (entries, rounding)
        )
        known = shells[1] > 10 * wrong[1]
        beyond = known & (shells[1] > shells[0])
        if not beyond.any():
            return TABLE if wrong[1, -1] < shells[0, -1] else None
        first = int(np.argmax(beyond))
        low, high = (C[first - 1] if first else low), C[first]
    # a cut ket has 2 itself, and one over the levels is what this resolves
    return TABLE if high > TABLE - 1 / size else float(high)
