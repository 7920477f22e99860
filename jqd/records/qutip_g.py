"""QuTiP's g with which a map in phase space was written, where the file lacks it."""

import math

import numpy as np

from ..instruments.noise import exact_error, strain
from ..states import husimi
from .file import File, naming
from .phase_space import PhaseSpaceRecord

# Values of g that are tried where a file has none; QuTiP's default comes first.
COMMON_G = {"sqrt(2)": math.sqrt(2), "2": 2.0, "1": 1.0}


def own_g(file: File, record: PhaseSpaceRecord) -> float:
    """The g that a file states, or that its data determine.

    Args:
        record: its data as in the file, per dx dy.
    """
    if "g" in file:
        return file.scalar("g", 0.0, positive=True)
    each = {label: record.with_g(g) for label, g in COMMON_G.items()}
    fits = _shows_state if record.ts[0] == record.t0 else _keeps_quanta
    with naming(file.path):
        found = [label for label, read in each.items() if fits(read)]
    if len(found) != 1:
        seen = f"{' and '.join(found)} fit alike" if found else "none of these fits"
        raise ValueError(
            "Argument `data` must hold `g`, by which x and y are read as α = "
            f"g/2 (x + iy), but {file.path.name} does not, and of g = "
            f"{', '.join(COMMON_G)} {seen} the initial state; QuTiP's default is "
            "sqrt(2)."
        )
    return COMMON_G[found[0]]


def _shows_state(record: PhaseSpaceRecord) -> bool:
    """Whether the first row is the Husimi function of the initial state."""
    prediction = state_husimi(record)
    errors = np.full(prediction.shape, exact_error(record.values))
    if record.sigma is not None:
        errors = np.full(prediction.shape, np.ravel(record.sigma)[0])
    with np.errstate(over="ignore"):  # beside errors of next to nothing
        return strain((prediction - record.values[0]) / errors) <= 1


def _keeps_quanta(record: PhaseSpaceRecord) -> bool:
    """Whether <|α|²> of every row, of which two are needed, is that of the state."""
    assert record.axes is not None
    assert record.points is not None
    if len(record.ts) < 2 or min(map(len, record.axes)) < 2:
        return False
    dx, dy = (np.abs(np.gradient(axis)) for axis in record.axes)
    cells = (dy[:, None] * dx[None, :]).ravel()
    weights = cells * np.abs(record.points) ** 2
    # an antinormal mean: of a coherent state |α|² + 1
    mean = mean_quanta(record.initial) + 1
    sigma = 0.0 if record.sigma is None else float(np.max(record.sigma))
    # a map cut off at four widths and in steps of one lacks less than 1 %
    norm_error = 1e-2 + 5 * sigma * float(np.sqrt(np.sum(cells**2)))
    error = 1e-2 * mean + 5 * sigma * float(np.sqrt(np.sum(weights**2)))
    if norm_error > 0.1 or error > 0.1 * mean:  # too much scatter to tell
        return False
    whole = np.abs(record.values @ cells - 1) < norm_error
    kept = np.abs(record.values @ weights - mean) < error
    return bool(np.all(whole & kept))


def mean_quanta(initial: dict[str, np.ndarray]) -> float:
    """<a†a> of that mode of the initial state in which it is largest."""
    ((name, value),) = initial.items()
    if name == "alpha0":
        return float(np.max(np.abs(np.atleast_1d(value)) ** 2))
    weights = np.abs(value) ** 2
    if name == "rho0":
        levels = value.shape[: value.ndim // 2]
        square = value.reshape(math.prod(levels), -1)
        weights = np.real(np.diagonal(square)).reshape(levels)
    return max(
        float(np.sum(np.moveaxis(weights, mode, -1) @ np.arange(levels)))
        for mode, levels in enumerate(weights.shape)
    )


def state_husimi(record: PhaseSpaceRecord) -> np.ndarray:
    """Q of the initial state at the record's points, per d²α."""
    assert record.points is not None
    ((name, value),) = record.initial.items()
    if name == "alpha0":
        apart = record.points - np.ravel(value)[0]
        return np.exp(-(np.abs(apart) ** 2)) / np.pi
    return np.asarray(husimi(value, record.points))
