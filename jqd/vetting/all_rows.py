"""`vet`: the report card of a law."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np

from .. import _checks
from ..interop import as_array
from ..laws import Law, Schrodinger
from . import free_constants, pairs, single
from .card import Card, Row
from .linearity import superposition
from .lookalike import lookalike
from .runs import Runs
from .states import States, eigenstates_of, matrix_of, states_of

ROWS = (
    "norm", "positivity", "quantum mechanics", "quantum limit", "homogeneity",
    "superposition", "separability", "composability",
    "signal by a distant Hamiltonian", "signal by a distant rotation",
    "signal by a distant measurement", "Galilei", "gauge", "time reversal", "energy",
    "stationary states", "nodes", "order of steps", "gradients", "batching",
    "identifiability", "mimicked by decoherence",
)  # fmt: skip
# Kets drawn for rows that look at some states, and for the search for nodes.
DRAWN, MANY = 8, 64


class Given(NamedTuple):
    """States and operators that rows take in place of those that are drawn or sought.

    Attributes:
        start: ket of "quantum mechanics", (M,).
        superposed: two kets of "superposition", (2, M).
        ket: of the system and a qubit, (2M,).
        other: the qubit's Hamiltonian, (2, 2).
        rotation: of the qubit, unitary, (2, 2).
    """

    start: np.ndarray | None
    superposed: np.ndarray | None
    ket: np.ndarray | None
    other: np.ndarray
    rotation: np.ndarray | None


def vet(
    law: Law,
    *,
    time: float = 2.0,
    steps: int = 400,
    looks: int = 8,
    rows: Collection[str] | None = None,
    start: Any = None,
    superposed: Any = None,
    ket: Any = None,
    other: Any = None,
    rotation: Any = None,
    seed: int = 0,
    tries: int = 3,
    report: Callable[[str, int, int], None] | None = None,
) -> Card:
    """What kind of theory a law is: a card of properties, each with a figure.

    A row holds where its figure is within 10 floors, fails beyond 100 floors if it
    stays within 10 % as steps are halved, and is not decided between. The floor is the
    change of the figure when steps are halved, and rounding. A search that finds
    nothing says so of its starts; superposition holds without a search where one
    quadratic form of ψ gives the probabilities of states that it was not fitted to.
    States are drawn, on a grid out of the five lowest eigenstates, and the worst of
    them sought, where none are given; those that are given are for laws of a matrix.

    Args:
        law: a law of a matrix, or on a grid, that names its `yardstick`; a random one
            is vetted by its mean.
        time: how long it is followed, in its own unit.
        steps: of the coarser run, in all.
        looks: even times at which probabilities are compared; the worst counts.
        rows: names out of `jqd.vetting.ROWS`; None for all.
        start: ket that is compared with quantum mechanics, (M,).
        superposed: the two kets of the row "superposition", (2, M).
        ket: entangled state of the system and a qubit, (2M,), the qubit's index the
            faster.
        other: the qubit's Hamiltonian, (2, 2); 0.4 σ_x unless given.
        rotation: of the qubit, (2, 2), unitary, whose signal is looked for.
        seed: of what is drawn.
        tries: searches for each worst case.
        report: called with "vet", the rows that are done and their number.

    Returns:
        The card.

    Raises:
        ValueError: no law, a law without a yardstick, names of no row, a time or steps
            that are not positive, a state or operator of another shape.
    """
    if not isinstance(law, Law):
        raise ValueError(
            f"Argument `law` must be a jqd.Law, but is a {type(law).__name__}."
        )
    _checks.require_x64("jqd.vet")
    name, mean = type(law).__name__, law
    if law.noise_shape is not None:
        found = law.mean_field()
        if not isinstance(found, Law):
            raise ValueError(
                f"Argument `law` must have a mean law if it is random, but {name} has "
                "none."
            )
        name, mean = f"{name} (its mean)", found
    _checks.check_scalar(time, "time")
    _checks.check_positive(time, "time")
    for what, number in (("steps", steps), ("looks", looks), ("tries", tries)):
        _checks.check_positive_integer(number, what)
    asked = ROWS if rows is None else tuple(rows)
    for row in asked:
        _checks.check_choice(row, "rows", ROWS)
    quantum = mean.yardstick()
    if not isinstance(quantum, Schrodinger):
        raise ValueError(
            "Argument `law` must name Schrödinger's law that it departs from, but "
            f"{name} has no such `yardstick()`."
        )
    states = states_of(mean, quantum)
    given = _given(states.size, start, superposed, ket, other, rotation)
    runs = Runs(float(time), int(steps), int(looks))
    found = _rows(mean, quantum, states, asked, runs, given, seed, tries, report)
    return Card(name, {row: found[row] for row in asked}, int(steps), float(time))


def _given(
    size: int, start: Any, superposed: Any, ket: Any, other: Any, rotation: Any
) -> Given:
    """Raise unless what is given has the shapes that the rows take."""

    def read(value: Any, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        if value is None:
            return None
        found = np.asarray(as_array(value, name), dtype=complex)
        _checks.check_shape(found, name, shape)
        _checks.check_finite(found, name)
        return found

    found = Given(
        read(start, "start", (size,)),
        read(superposed, "superposed", (2, size)),
        read(ket, "ket", (2 * size,)),
        pairs.OTHER if other is None else np.asarray(read(other, "other", (2, 2))),
        read(rotation, "rotation", (2, 2)),
    )
    for name in ("start", "ket"):
        state = getattr(found, name)
        if state is not None:
            _checks.check_state(state, name, state.shape, weight=1.0)
    _checks.check_hermitian(found.other, "other")
    turn = found.rotation
    if turn is not None and not np.allclose(turn @ turn.conj().T, np.eye(2)):
        raise ValueError("Argument `rotation` must be unitary, but is not.")
    return found


def _rows(
    law: Law,
    quantum: Schrodinger,
    states: States,
    asked: Collection[str],
    runs: Runs,
    given: Given,
    seed: int,
    tries: int,
    report: Callable[[str, int, int], None] | None,
) -> dict[str, Row]:
    key = np.random.default_rng(seed)
    kets = states.kets(states.random(key, DRAWN))
    started = kets if given.start is None else given.start[None]
    known: dict[str, Row] = {}

    def keep(*found: Row) -> None:
        known.update({row.name: row for row in found})

    pair = None
    if matrix_of(quantum) is not None and any(
        "signal" in r or "ability" in r for r in asked
    ):
        pair = pairs.Pair.of(law, states.size, given.other, given.ket, seed)
    simple = {
        "norm": lambda: single.norm(runs, law, kets),
        "positivity": lambda: single.positivity(runs, law, kets),
        "quantum mechanics": lambda: single.departure(runs, law, quantum, started),
        "quantum limit": lambda: free_constants.quantum_limit(runs, law, quantum, kets),
        "homogeneity": lambda: single.homogeneity(runs, law, kets),
        "superposition": lambda: superposition(
            runs, law, states, seed, tries, given.superposed
        ),
        "signal by a distant Hamiltonian": lambda: pairs.by_hamiltonian(runs, pair),
        "signal by a distant rotation": lambda: pairs.by_unitary(
            runs, pair, seed, tries, given.rotation
        ),
        "signal by a distant measurement": lambda: pairs.by_measurement(
            runs, pair, seed, tries
        ),
        "Galilei": lambda: single.galilei(runs, law, quantum, kets),
        "gauge": lambda: single.gauge(runs, law, quantum, kets),
        "time reversal": lambda: single.reversal(runs, law, quantum, kets),
        "energy": lambda: single.energy(runs, law, kets),
        "stationary states": lambda: single.stationary(
            runs, law, eigenstates_of(quantum, states)
        ),
        "nodes": lambda: single.nodes(
            runs, law, states.kets(states.random(key, MANY)), seed
        ),
        "order of steps": lambda: single.order(runs, law, kets),
        "batching": lambda: single.batching(runs, law, kets),
        "mimicked by decoherence": lambda: lookalike(runs, law, quantum, states, seed),
    }
    for done, row in enumerate(asked):
        if report is not None:
            report("vet", done, len(asked))
        if row in simple:
            keep(simple[row]())
        elif row in ("separability", "composability") and row not in known:
            keep(*pairs.of_products(runs, law, pair, seed))
        elif row not in known:
            keep(*free_constants.slopes(runs, law, kets))
    return known
