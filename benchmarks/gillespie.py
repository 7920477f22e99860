"""N systems that copy each other, one copy at a time: in a plain loop and in C."""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .systems import rk4

COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
# A phase turns by at most so many radians between two looks at it.
CAP = 0.05


class Runs(NamedTuple):
    """What trajectories came to.

    Attributes:
        density: n_a/N at the end, (S, M).
        steps: proposals, and steps of phases that were cut; all trajectories together.
        events: copies that took place.
    """

    density: np.ndarray
    steps: int
    events: int


Sampler = Callable[[int, int, float], Runs]


def in_numpy(omega: np.ndarray, H: np.ndarray, psi: np.ndarray) -> Sampler:
    """Thinning as one writes it in NumPy: a loop over proposals.

    Args:
        omega: frequencies, (M,).
        H: R_ab exp(iδ_ab), without diagonal, (M, M).
        psi: ψ at t = 0, (M,).

    Returns:
        A function (trajectories, N, T) of `Runs`.
    """
    R = np.abs(H)

    def turned(root, unit, dt):
        def slope(u):
            rate = omega + np.real(np.conj(u) * (H @ (root * u))) / root
            return -1j * rate * u

        unit = rk4(slope, unit, dt)
        return unit / np.abs(unit)

    def one(rng, n, unit, T):
        t, steps, events = 0.0, 0, 0
        while t < T:
            root = np.sqrt(n)
            bound = 2 * R * np.outer(root, root)
            wait = rng.exponential(1 / bound.sum())
            longest = CAP / np.max(np.abs(omega) + R @ root / root)
            dt = min(wait, longest, T - t)
            unit = turned(root, unit, dt)
            t += dt
            steps += 1
            if dt < wait:
                continue
            edges = np.cumsum(bound)
            link = np.searchsorted(edges, rng.random() * edges[-1], side="right")
            a, b = divmod(min(link, edges.size - 1), n.size)
            flow = np.imag(np.conj(unit[a]) * H[a, b] * unit[b])
            if rng.random() * R[a, b] < flow:
                n[a] += 1
                n[b] -= 1
                events += 1
        return n, steps, events

    def sample(trajectories, N, T):
        rng = np.random.default_rng(0)
        start, unit = _start(psi, N)
        found = [one(rng, start.copy(), unit, T) for _ in range(trajectories)]
        density, steps, events = zip(*found, strict=True)
        return Runs(np.stack(density) / N, sum(steps), sum(events))

    return sample


def in_c(omega: np.ndarray, H: np.ndarray, psi: np.ndarray) -> Sampler | None:
    """The same in C, compiled here; None where no compiler is found or it fails.

    Args:
        omega: frequencies, (M,).
        H: R_ab exp(iδ_ab), without diagonal, (M, M).
        psi: ψ at t = 0, (M,).

    Returns:
        A function (trajectories, N, T) of `Runs`.
    """
    gillespie = _compiled()
    if gillespie is None:
        return None
    constants = [np.ascontiguousarray(x) for x in (omega, H.real, H.imag, np.abs(H))]

    def sample(trajectories, N, T):
        start, unit = _start(psi, N)
        density = np.empty((trajectories, psi.size))
        steps, events = 0, ctypes.c_long(0)
        for seed in range(trajectories):
            n, u = start.copy(), unit.astype(complex).view(float)
            steps += gillespie(
                psi.size, *map(_pointer, (*constants, n, u)), T, CAP, seed, events
            )
            density[seed] = n / N
        return Runs(density, steps, events.value)

    return sample


def compiler() -> str | None:
    """Path of a C compiler, if there is one."""
    return next(filter(None, map(shutil.which, COMPILERS)), None)


def _compiled():
    program = compiler()
    if program is None:
        return None
    source = Path(__file__).with_suffix(".c")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        library = Path(folder) / "gillespie.so"
        command = [program, *FLAGS, str(source), "-o", str(library), "-lm"]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            return None
        function = ctypes.CDLL(str(library)).gillespie
    number, real, array = ctypes.c_long, ctypes.c_double, ctypes.c_void_p
    function.restype = number
    function.argtypes = (
        [ctypes.c_int] + 6 * [array] + [real, real, ctypes.c_uint64]
        + [ctypes.POINTER(number)]
    )  # fmt: skip
    return function


def _pointer(array: np.ndarray) -> int:
    return array.ctypes.data


def _start(psi: np.ndarray, N: int) -> tuple[np.ndarray, np.ndarray]:
    """Occupations by largest remainders, and exp(-iφ)."""
    wanted = N * np.abs(psi) ** 2
    n = np.floor(wanted)
    n[np.argsort(n - wanted)[: round(N - n.sum())]] += 1
    return n, psi / np.abs(psi)
