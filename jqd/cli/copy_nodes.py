"""Nodes of copy dynamics, found before a fit: classes that quantum mechanics empties.

At a node the copy law has no derivative in q and r, and ends for most of them. A fit to
a record that begins at one, or passes one, takes minutes and then tells nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..laws import CopyDynamics
from ..records import Record

# Looks at a period of the fastest beat, at which a class that empties is below `_NEAR`:
# |psi_a| grows by at most half the beat times the time, to (pi/16)/2 half a look away.
_LOOKS, _NEAR = 16, 0.02
# The most amplitudes that are looked at.
_MOST = 2**20
# Newton's steps to an empty class, each of which doubles the digits.
_NEWTON = 6
# Populations, in regulators of the law, at which its run ends as at a node.
_ENDS = 100
# Population that every class of a start that is offered keeps, and how much closer the
# looks at it are: the closer, the less may be lost between them.
_CLEAR, _CLOSER = 0.01, 32


class _Motion(NamedTuple):
    """ψ_a(t) = Σ_k parts_ak exp(-i ω_k t), t from t0 on.

    Attributes:
        rates: ω_k, about their middle, (M,).
        parts: (M, M).
    """

    rates: np.ndarray
    parts: np.ndarray

    @classmethod
    def of(cls, H: np.ndarray, psi0: np.ndarray) -> "_Motion":
        levels, basis = np.linalg.eigh(H)
        middle = (levels[0] + levels[-1]) / 2
        return cls(levels - middle, basis * (basis.conj().T @ psi0)[None, :])

    def psi(self, ts: np.ndarray, order: int = 0) -> np.ndarray:
        """ψ or a derivative of it, (M, T)."""
        turns = np.exp(-1j * self.rates[:, None] * ts[None, :])
        return self.parts @ ((-1j * self.rates[:, None]) ** order * turns)

    def looks(self, length: float, closer: int = 1) -> np.ndarray:
        """Times at which to look, over this length."""
        beat = self.rates[-1] - self.rates[0]
        wanted = np.ceil(closer * _LOOKS * beat * length / (2 * np.pi)) + 2
        return np.linspace(0, length, int(min(wanted, _MOST // len(self.rates))))

    def kept(self, length: float) -> float:
        """A population below which no class falls over this length."""
        ts = self.looks(length, _CLOSER)
        # |dψ_a/dt| is at most half the beat; a look is at most half a step away
        between = (self.rates[-1] - self.rates[0]) / 2 * (ts[1] - ts[0]) / 2
        return max(float(np.abs(self.psi(ts)).min() - between), 0.0) ** 2


def first_node(
    H: np.ndarray, psi0: np.ndarray, length: float, empty: float
) -> tuple[int, float] | None:
    """The first class that quantum mechanics empties, and when; None for none.

    Classes that are empty all the time do not move, and do not count.

    Args:
        H: over ħ, (M, M).
        psi0: state at time 0, (M,).
        length: of time that is looked at.
        empty: population below which a class is empty.
    """
    motion = _Motion.of(H, psi0)
    ts = motion.looks(length)
    shares = np.abs(motion.psi(ts)) ** 2
    # above the two beside it, each end above the one
    padded = np.pad(shares, ((0, 0), (1, 1)), constant_values=np.inf)
    lowest = (shares <= padded[:, :-2]) & (shares <= padded[:, 2:]) & (shares < _NEAR)
    lowest &= (shares.max(axis=1) > empty)[:, None]
    classes, places = np.nonzero(lowest)
    if not len(classes):
        return None
    times, each = ts[places], np.arange(len(classes))
    step = ts[1] - ts[0]
    for _ in range(_NEWTON):
        psi, slope = (motion.psi(times, k)[classes, each] for k in (0, 1))
        square = np.abs(slope) ** 2
        move = np.real(np.conj(slope) * psi) / np.where(square > 0, square, np.inf)
        near = np.clip(times - move, ts[places] - step, ts[places] + step)
        times = np.clip(near, 0, length)
    left = np.abs(motion.psi(times)[classes, each]) ** 2
    left = np.minimum(left, shares[classes, places])
    found = np.flatnonzero(left <= empty)
    if not len(found):
        return None
    first = found[np.argmin(times[found])]
    return int(classes[first]), float(times[first])


def node_met(law: Any, psi0: np.ndarray, record: Record, names: Sequence[str]) -> str:
    """Where q or r of copies is to be told from a record that meets a node: what is
    wrong, as the end of a sentence that offers another state; else "".

    Args:
        law: the law; any other one has no such nodes, and those of one with a drive or
            harmonics are where the fit finds them.
    """
    if not (isinstance(law, CopyDynamics) and {"q", "r"} & {*names}):
        return ""
    if law.drive is not None or law.harmonics is not None:
        return ""
    H = _quantum(law)
    length, empty = float(record.duration), _ENDS * float(law.regulator)
    found = first_node(H, np.asarray(psi0).reshape(-1), length, empty)
    if found is None:
        return ""
    at, when = found
    return (
        f"by quantum mechanics class {at} is empty at t = "
        f"{float(record.t0) + when:.4g}, a node, where the copy law breaks down"
        f"{_offer(H, length)}."
    )


def _quantum(law: CopyDynamics) -> np.ndarray:
    """H/ħ of the quantum point, as the law has it, without a program of JAX."""
    omega, R, delta = map(np.asarray, (law.omega, law.R, law.delta))
    apart = ~np.eye(len(omega), dtype=bool)
    return np.diag(omega + 0j) + np.where(apart, R * np.exp(1j * delta), 0)


def refuse_nodes(
    law: Any, psi0: np.ndarray, record: Record, names: Sequence[str]
) -> None:
    """Raise ValueError where `node_met` has something to say."""
    if why := node_met(law, psi0, record, names):
        raise ValueError(
            "Argument `state` must leave no class empty where q or r is free, but "
            f"{why}"
        )


def _offer(H: np.ndarray, length: float) -> str:
    """Advice: another start whose classes stay filled for as long, if one is found."""
    size = len(H)
    falling = np.arange(size, 0, -1.0)
    falling /= np.linalg.norm(falling)
    for start in (falling, falling * 1j ** np.arange(size)):
        least = _Motion.of(H, start).kept(length)
        if least > _CLEAR:
            said = ",".join(_shown(z) for z in start)
            return (
                f"; measure from a superposition, such as the amplitudes {said}, from "
                f"which each class keeps {np.floor(1000 * least) / 1000:g} or more"
            )
    return "; measure from a superposition, or another time"


def _shown(z: complex) -> str:
    """An amplitude as a .csv takes it."""
    parts = [f"{x:.8g}{unit}" for x, unit in ((z.real, ""), (z.imag, "j"))]
    if abs(z.imag) < 1e-12:
        return parts[0]
    return parts[1] if abs(z.real) < 1e-12 else f"{z.real:.8g}{z.imag:+.8g}j"
