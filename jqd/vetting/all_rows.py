"""`vet`: the report card of a law."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from .. import _checks
from ..laws import Law
from . import free_constants, pairs, single
from .card import Card, Row, Verdict
from .finer import ELSEWHERE, on_finer_grid, settled
from .given import Given, read_given
from .linearity import mixtures, superposition, takes_mixtures
from .lookalike import lookalike
from .runs import Runs
from .stability import equivariance, stability
from .states import (
    States,
    eigenstates_of,
    levels_of,
    particle_of,
    states_of,
    time_unit,
)

ROWS = (
    "norm", "positivity", "quantum mechanics", "quantum limit", "homogeneity",
    "superposition", "separability", "composability",
    "signal by a distant Hamiltonian", "signal by a distant rotation",
    "signal by a distant measurement", "Galilei", "gauge", "time reversal", "energy",
    "stationary states", "stability", "nodes", "Born equivariance", "order of steps",
    "gradients", "batching", "identifiability", "mimicked by decoherence",
)  # fmt: skip
# How long a law is followed, in units of its own time.
TIME = 2.0
# Number of kets drawn for rows that try some states, and for the search for nodes.
DRAWN, MANY = 8, 64
# Factors by which steps are shortened, in turn, where a row is not decided.
FINER, FINER_ON_GRIDS = (4, 16), (4,)


def vet(
    law: Law,
    *,
    time: float | None = None,
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
    """Test a law and report its properties, each with a figure for its violation.

    A row holds where its figure is at most 10 times the noise floor. It fails beyond
    100 times the floor, if the figure stays within 10 % when steps are halved. Between
    these it is not decided; steps are then shortened 4 and 16 times, on a grid only 4
    times. The floor is the change of the figure when steps are halved, and rounding.
    On a grid, a row that fails is tried again with 1.5 times as many points. It holds
    if it holds there. It is not decided if the figure there is less than half as large,
    or if the law has no `on` that takes it there. The note of a search says how many
    searches were made. Superposition holds without a search where one linear form of ρ
    gives the probabilities of states that it was not fitted to. Where no states are
    given, they are drawn, on a grid or of a mode from the five lowest eigenstates, and
    the worst are searched for. A law on a grid that ends at nodes (zeros of ψ) is tried
    with a ground state and waves on it, without nodes.

    Args:
        law: a law of a matrix, on a grid or of the Husimi function of one mode with
            points on a net, that names its `yardstick`; a random law is tested by its
            mean.
        time: how long the law is followed, in its own unit; None for two of its own
            times, each the power of ten next to ħ over the scatter of the levels that
            are tried. "stability" takes forty of these.
        steps: total number of steps of the coarser run.
        looks: number of equidistant times at which probabilities are compared; the
            worst counts.
        rows: names from `jqd.vetting.ROWS`; None for all.
        start: ket that is compared with quantum mechanics, (M,), or (N,) on a grid.
        superposed: the two kets of the row "superposition", (2, M) or (2, N).
        ket: entangled state of the system and a qubit, (2M,), the qubit's index
            running faster; on a grid of one dimension of two particles, (N, N).
        other: the qubit's Hamiltonian, (2, 2); by default 0.4 σ_x times ħ over the
            law's own time; on a grid a `Schrodinger` of the other particle.
        rotation: of the qubit, (2, 2), unitary, whose signal is searched for.
        seed: of the random numbers.
        tries: number of searches for each worst case.
        report: called with "vet", the number of rows done and of all rows.

    Returns:
        The report card.

    Raises:
        ValueError: not a law, a law without a yardstick, unknown names of rows, a time
            or steps that are not positive, a state or operator of another shape.
    """
    if not isinstance(law, Law):
        raise ValueError(
            f"Argument `law` must be a jqd.Law, but is a {type(law).__name__}."
        )
    _checks.require_x64("jqd.vet")
    name, mean = type(law).__name__, law
    chance = law.chance()
    if chance is not None:
        found = chance.mean_field()
        if not isinstance(found, Law):
            raise ValueError(
                f"Argument `law` must have a mean law if it is random, but {name} has "
                "none."
            )
        name, mean = f"{name} (its mean)", found
    if time is not None:
        _checks.check_positive(time, "time", ())
    for what, number in (("steps", steps), ("looks", looks), ("tries", tries)):
        _checks.check_positive_integer(number, what)
    asked = ROWS if rows is None else tuple(rows)
    for row in asked:
        _checks.check_choice(row, "rows", ROWS)
    quantum = mean.yardstick()
    if quantum is None:
        raise ValueError(
            "Argument `law` must name the quantum mechanics that it departs from, but "
            f"{name} has no `yardstick()`."
        )
    energies, every = levels_of(mean, quantum)
    unit = time_unit(energies, float(np.asarray(_hbar(quantum))))
    time = TIME * unit if time is None else float(time)
    runs = Runs(time, int(steps), int(looks), unit=unit)
    states = states_of(mean, quantum, runs, every)
    given = read_given(quantum, states, start, superposed, ket, other, rotation)
    found = _rows(mean, quantum, states, asked, runs, given, seed, tries, report)
    failing = [name for name in asked if _by_its_grid(found[name], quantum)]
    if failing:
        finer, again = on_finer_grid(mean, quantum), {}
        if finer is not None:
            _, every = levels_of(finer.law, finer.quantum)
            own = states_of(finer.law, finer.quantum, runs, every)
            own = own.like(states, finer.quantum)
            more = given.on(quantum, finer.quantum)
            # explicit steps go with the square of the spacing: 9/4, and a little more
            short = runs.refined(3)
            again = _rows(
                finer.law, finer.quantum, own, failing, short, more, seed, tries, None
            )
        points = "" if finer is None else finer.points
        found |= {
            name: settled(found[name], again.get(name), points) for name in failing
        }
    return Card(name, {row: found[row] for row in asked}, int(steps), time)


def _hbar(quantum: Law) -> Any:
    """ħ of quantum mechanics, as a Schrodinger or a mode has it."""
    return getattr(quantum, "hbar", 1.0)


def _rows(
    law: Law,
    quantum: Law,
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
    many = states.whole.kets(states.whole.random(key, MANY))
    runs = runs.heeding(law, kets)
    smooth = kets
    if takes_mixtures(law, quantum, states.size):
        # a law of density operators may move kets as quantum mechanics does, and be
        # smooth only where no share is 0
        drawn = mixtures(states, np.random.default_rng(seed), DRAWN)
        smooth = (drawn + np.eye(states.size) / states.size) / 2
        # steps of density operators of pairs take too long for more
        tries = 1
    started = kets if given.start is None else given.start[None]
    pair = None
    if any("signal" in row or "ability" in row for row in asked):
        energy = float(np.asarray(_hbar(quantum))) / runs.unit
        pair = pairs.Pair.of(law, quantum, states, given.other, given.ket, seed, energy)

    def products(runs: Runs) -> list[Row]:
        return pairs.of_products(runs, law, states, pair, seed)

    def slopes(runs: Runs) -> list[Row]:
        return free_constants.slopes(runs, law, smooth)

    makers: dict[str, Callable[[Runs], Row | list[Row]]] = {
        "norm": lambda r: single.norm(r, law, kets),
        "positivity": lambda r: single.positivity(r, law, kets),
        "quantum mechanics": lambda r: single.departure(r, law, quantum, started),
        "quantum limit": lambda r: free_constants.quantum_limit(r, law, quantum, kets),
        "homogeneity": lambda r: single.homogeneity(r, law, kets),
        "superposition": lambda r: superposition(
            r, law, quantum, states, seed, tries, given.superposed
        ),
        "separability": products,
        "composability": products,
        "signal by a distant Hamiltonian": lambda r: pairs.by_hamiltonian(r, pair),
        "signal by a distant rotation": lambda r: pairs.by_unitary(
            r, pair, seed, tries, given.rotation
        ),
        "signal by a distant measurement": lambda r: pairs.by_measurement(
            r, pair, seed, tries
        ),
        "Galilei": lambda r: single.galilei(r, law, quantum, kets),
        "gauge": lambda r: single.gauge(r, law, quantum, kets),
        "time reversal": lambda r: single.reversal(r, law, quantum, kets),
        "energy": lambda r: single.energy(r, law, quantum, kets),
        "stationary states": lambda r: single.stationary(
            r, law, eigenstates_of(quantum, states)
        ),
        "stability": lambda r: stability(r, law, kets, seed),
        "nodes": lambda r: single.nodes(r, law, many, states.cell, seed),
        "Born equivariance": lambda r: equivariance(r, law, kets, seed),
        "order of steps": lambda r: single.order(r, law, smooth),
        "gradients": slopes,
        "batching": lambda r: single.batching(r, law, kets),
        "identifiability": slopes,
        "mimicked by decoherence": lambda r: lookalike(r, law, quantum, states, seed),
    }
    grid = particle_of(quantum) is not None
    known: dict[str, Row] = {}
    for done, row in enumerate(asked):
        if report is not None:
            report("vet", done, len(asked))
        for finer in (1, *(FINER_ON_GRIDS if grid else FINER)):
            if row in known and not _may_change(known[row]):
                break
            made = makers[row](runs.refined(finer))
            for one in made if isinstance(made, list) else [made]:
                if one.name not in known or _may_change(known[one.name]):
                    told = f"{runs.steps * finer} steps"
                    known[one.name] = one if finer == 1 else one.with_note(told)
    return known


def _by_its_grid(row: Row, quantum: Law) -> bool:
    """Whether a row fails, and its grid may be why."""
    fails = row.verdict is Verdict.FAILS and row.name not in ELSEWHERE
    return fails and particle_of(quantum) is not None


def _may_change(row: Row) -> bool:
    """Whether finer steps could decide a row that is not."""
    return row.verdict is Verdict.NOT_DECIDED and row.figure is not None
