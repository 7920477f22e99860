"""The options of `jqd recover husimi`, and the law and state they ask for."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import _checks
from ..inference import Unidentifiable
from ..laws.husimi import Fock, Form, GaussianForm, Heff, HusimiFokkerPlanck
from ..records import PhaseSpaceRecord
from ..spaces.symbols import ParametricSymbol, parse_hamiltonian
from ..states import coherent, product

FORMS = ("auto", "heff", "fock", "gaussian")
LOSSES = ("auto", "squares", "moments", "likelihood")
# The least C from which a start is drawn: it sets how many levels are kept.
LEAST_C = 0.3


@dataclass(frozen=True)
class HusimiOptions:
    """What the user asked for, checked as far as that goes without reading files.

    Attributes:
        data: file of the record, or None for the built-in Kerr oscillator.
        hamiltonian: operator as text.
        free: names of the constants to recover, as given.
        start: the first start, by name.
        starts: number of starts.
        form: how the state is carried, one of `FORMS`.
        loss: one of `LOSSES`.
        levels: levels of each mode, or None to choose.
        points: largest number of points of a Husimi function that are compared.
        sigma: standard deviation of the values, or None for what the file says.
        out: folder for the results; never overwritten.
        seed: of the random starts.
        as_json: whether standard output gets the JSON and nothing else.
        quick: whether a smaller version is asked for.
    """

    data: Path | None
    hamiltonian: str
    free: tuple[str, ...]
    start: dict[str, float]
    starts: int
    form: str
    loss: str
    levels: int | None
    points: int
    sigma: float | None
    out: Path
    seed: int
    as_json: bool
    quick: bool


def law_and_state(
    options: HusimiOptions, record: PhaseSpaceRecord
) -> tuple[HusimiFokkerPlanck, Any]:
    """The law with the parameters that the record knows, and the state at t0.

    Raises:
        ValueError: text that is no Hamiltonian, constants that it does not have.
        Unidentifiable: (a ValueError) constants that no data could tell.
    """
    hamiltonian = parse_hamiltonian(options.hamiltonian, modes=record.modes)
    _check_free(options, hamiltonian)
    known = {k: v for k, v in record.parameters.items() if k in hamiltonian.names}
    hamiltonian = hamiltonian.with_values(**known)
    levels = options.levels or _levels(record)
    _checks.check_memory(
        16.0 * float(levels) ** record.modes, "data", f"a ket of {levels:.3g} levels "
        f"of {record.modes} modes, for the quanta of its initial state,",
    )  # fmt: skip
    state = _state(record, levels)
    form = _form(options, hamiltonian, record.modes, levels)
    s = 1.0 if "s" in options.free else None
    return HusimiFokkerPlanck(hamiltonian, s=s, form=form), state


def _check_free(options: HusimiOptions, hamiltonian: ParametricSymbol) -> None:
    for name in options.free:
        if name in ("kappa", "l", "lengths"):
            raise Unidentifiable(
                "Argument `--free` must name constants that data can tell, but kappa "
                "and the lengths l enter the law only as s = l/sqrt(kappa); free s."
            )
        if name == "hbar":
            raise Unidentifiable(
                "Argument `--free` must name constants that data can tell, but hbar "
                "enters the law only as the product C hbar; free C."
            )
        valid = ("C", "s", *hamiltonian.names)
        if name not in valid:
            raise ValueError(
                f"Argument `--free` must name constants out of {', '.join(valid)}, "
                f"but {name!r} was given."
            )


def _form(
    options: HusimiOptions, hamiltonian: ParametricSymbol, modes: int, levels: int
) -> Form:
    kind = options.form
    if kind == "auto":
        simple = bool(hamiltonian.symbol().is_fokker_planck())
        kind = "heff" if simple and "s" not in options.free else "fock"
    if kind == "gaussian":
        return GaussianForm()
    if kind == "fock":
        return Fock(options.levels or 24)
    # near C = 1 a few orders are exact to higher order in 1 - C than any fit needs
    orders = 60 if modes == 1 else 4
    return Heff(levels, orders=min(orders, levels - 1))


def _levels(record: PhaseSpaceRecord) -> int:
    """Levels that hold the state down to the least C (one mode), or near C = 1."""
    mean = _mean_quanta(record)
    if record.modes > 1:
        return math.ceil(mean + 7 * math.sqrt(mean) + 8)
    return min(200, math.ceil((mean + 8 * math.sqrt(mean) + 20) / LEAST_C))


def _mean_quanta(record: PhaseSpaceRecord) -> float:
    (name, value), *_ = record.initial.items()
    if name == "alpha0":
        return float(np.max(np.abs(np.atleast_1d(value)) ** 2))
    return 0.5 * max(value.shape)


def _state(record: PhaseSpaceRecord, levels: int) -> Any:
    (name, value), *_ = record.initial.items()
    if name != "alpha0":
        return value
    mean = _mean_quanta(record)
    enough = min(levels, math.ceil(mean + 9 * math.sqrt(mean) + 16))
    kets = [coherent(alpha, enough) for alpha in np.atleast_1d(value)]
    return kets[0] if len(kets) == 1 else product(*kets)


def with_points(law: HusimiFokkerPlanck, record: PhaseSpaceRecord) -> Any:
    """The law with the record's points, where it has some."""
    if record.points is None:
        return law
    return HusimiFokkerPlanck(
        law.hamiltonian, law.C, law.s, law.hbar, points=record.points, form=law.form
    )
