"""`vet`: the report card of a law."""

from collections.abc import Collection
from typing import Any

import numpy as np

from .. import _checks
from ..interop import as_array
from ..laws import Law, Schrodinger
from ..spaces.hamiltonians import MatrixHamiltonian
from . import pairs, single
from .card import Card, Row
from .linearity import superposition
from .runs import Runs
from .states import states_of

ROWS = (
    "norm", "positivity", "quantum limit", "homogeneity", "superposition",
    "separability", "composability", "signal by a distant Hamiltonian",
    "signal by a distant rotation", "signal by a distant measurement", "Galilei",
    "gauge", "time reversal", "energy", "order of steps", "gradients", "batching",
    "identifiability",
)  # fmt: skip
# Kets drawn for rows that look at some states.
DRAWN = 8


def vet(
    law: Law,
    *,
    time: float = 2.0,
    steps: int = 400,
    rows: Collection[str] | None = None,
    ket: Any = None,
    other: Any = None,
    seed: int = 0,
    tries: int = 3,
) -> Card:
    """What kind of theory a law is: a card of properties, each with a figure.

    A row holds where its figure is within 10 floors, fails beyond 100 floors if it
    stays within 10 % as steps are halved, and is not decided between. The floor is the
    change of the figure when steps are halved, and rounding. A search that finds
    nothing says so of its starts; superposition is proved where all probabilities are
    a quadratic form of ψ.

    Args:
        law: a law of a matrix, or on a grid, that names its `yardstick`; a random one
            is vetted by its mean.
        time: how long it is followed, in its own unit.
        steps: of the coarser run, in all.
        rows: names out of `ROWS`; None for all.
        ket: entangled state of the system and a qubit, (2M,), the qubit's index the
            faster; one that is drawn unless given.
        other: the qubit's Hamiltonian, (2, 2); 0.4 σ_x unless given.
        seed: of what is drawn.
        tries: searches for the worst pair of states, and the worst rotation.

    Returns:
        The card.

    Raises:
        ValueError: no law, a law without a yardstick, names of no row, a time or steps
            that are not positive, a state or Hamiltonian of another shape.
    """
    if not isinstance(law, Law):
        raise ValueError(
            f"Argument `law` must be a jqd.Law, but is a {type(law).__name__}."
        )
    name, mean = type(law).__name__, law
    if law.noise_shape is not None:
        found = law.mean_field()
        if not isinstance(found, Law):
            raise ValueError(
                f"Argument `law` must have a mean law if it is random, but {name} has "
                "none."
            )
        name, mean = f"{name} (its mean)", found
    _checks.check_positive(time, "time")
    _checks.check_positive_integer(steps, "steps")
    _checks.check_positive_integer(tries, "tries")
    asked = ROWS if rows is None else tuple(rows)
    for row in asked:
        _checks.check_choice(row, "rows", ROWS)
    quantum = mean.yardstick()
    matrix = quantum is not None and isinstance(quantum.hamiltonian, MatrixHamiltonian)
    if not isinstance(quantum, Schrodinger) or not (matrix or quantum.grid is not None):
        raise ValueError(
            "Argument `law` must name Schrödinger's law that it departs from, with a "
            f"matrix or a grid, but {name} has no such `yardstick()`."
        )
    found = _rows(mean, quantum, asked, Runs(float(time), int(steps)), ket, other, seed,
                  tries)  # fmt: skip
    return Card(name, {row: found[row] for row in asked}, int(steps), float(time))


def _rows(
    law: Law,
    quantum: Schrodinger,
    asked: Collection[str],
    runs: Runs,
    ket: Any,
    other: Any,
    seed: int,
    tries: int,
) -> dict[str, Row]:
    states = states_of(law, quantum)
    key = np.random.default_rng(seed)
    kets = states.kets(states.random(key, DRAWN))
    known: dict[str, Row] = {}

    def keep(*found: Row) -> None:
        known.update({row.name: row for row in found})

    pair = None
    if any("signal" in row or "ability" in row for row in asked):
        pair = _pair(law, quantum, states.size, ket, other, seed)
    simple = {
        "norm": lambda: single.norm(runs, law, kets),
        "positivity": lambda: single.positivity(runs, law, kets),
        "quantum limit": lambda: single.quantum_limit(runs, law, quantum, kets),
        "homogeneity": lambda: single.homogeneity(runs, law, kets),
        "superposition": lambda: superposition(runs, law, states, seed, tries),
        "signal by a distant Hamiltonian": lambda: pairs.by_hamiltonian(runs, pair),
        "signal by a distant rotation": lambda: pairs.by_unitary(
            runs, pair, seed, tries
        ),
        "signal by a distant measurement": lambda: pairs.by_measurement(
            runs, pair, seed
        ),
        "Galilei": lambda: single.galilei(runs, law, quantum, kets),
        "gauge": lambda: single.gauge(runs, law, quantum, kets),
        "time reversal": lambda: single.reversal(runs, law, quantum, kets),
        "energy": lambda: single.energy(runs, law, kets),
        "order of steps": lambda: single.order(runs, law, kets),
        "batching": lambda: single.batching(runs, law, kets),
    }
    for row in asked:
        if row in simple:
            keep(simple[row]())
        elif row in ("separability", "composability") and row not in known:
            keep(*pairs.of_products(runs, law, pair, seed))
        elif row not in known:
            keep(*single.slopes(runs, law, kets))
    return known


def _pair(
    law: Law, quantum: Schrodinger, size: int, ket: Any, other: Any, seed: int
) -> pairs.Pair | None:
    if quantum.grid is not None:
        return None
    other = pairs.OTHER if other is None else np.asarray(as_array(other, "other"))
    _checks.check_shape(other, "other", (2, 2))
    _checks.check_hermitian(other, "other")
    if ket is not None:
        ket = np.asarray(as_array(ket, "ket"))
        _checks.check_state(ket, "ket", 2 * size, 1.0)
    return pairs.Pair.of(law, size, other, ket, seed)
