"""What a file of data leaves open, and the commands that take it: for `jqd show`."""

from pathlib import Path
from typing import Any

import numpy as np

from ..records import (
    AtomRecord,
    CountsRecord,
    CurveRecord,
    DensityRecord,
    PhaseSpaceRecord,
    PhotonCounts,
    PhotonCurve,
    Record,
    Settings,
    Tables,
)
from ..records.formats import CSV
from ..records.lone import HERMITIAN, NORMALISED
from ..records.phase_space import least_samples
from ..records.scan import settings_of
from ..spaces import SampledPulse

_HAMILTONIAN = "--hamiltonian: H/ħ, in radians per unit of t"
_STATE = "--state: the state at t0"
_SIGMA = "errors of the values: `sigma` in the file"
# The laws of `jqd simulate` that take settings, as its words.
_PLANNED = {name: [name] for name in ("copying", "husimi", "diffusion")}
_PLANNED |= {"": ["copying"], "law": ["law", "LAW"]}


def next_steps(
    found: Any, data: str, file: Path, words: list[str]
) -> tuple[list[str], list[list[str]]]:
    """What the file leaves open, and commands that take it, the first one first.

    Words in capitals stand for what the user has to give. There is no command where
    each would refuse the file.
    """
    given = ["--data", str(file), *words]
    recover = ["jqd", "recover"]
    match found:
        case Record():
            return _of_populations(found, file, given)
        case PhaseSpaceRecord():
            return _of_phase_space(found, [*recover, "husimi", *given])
        case DensityRecord():
            missing = _without(found.sigma) if found.counts is None else []
            more = []
            if not len(found.ts) or found.initial is None:
                more = ["--estimator", "spectrum"]
            return missing, [[*recover, "diffusion", *given, *more]]
        case AtomRecord():
            names = "springs", "anharmonicity"
            return _without(found.sigma), [[*recover, name, *given] for name in names]
        case CurveRecord():
            return _of_curve(found, [*recover, "statistics", *given])
        case PhotonCurve():
            return _without(found.sigma), [[*recover, "temperature", *given]]
        case CountsRecord():
            return [], [[*recover, "statistics", *given]]
        case PhotonCounts():
            return [], [[*recover, "temperature", *given]]
        case Tables():
            return [], [["jqd", "linear", str(file), *words]]
        case Settings():
            return _of_settings(found, file)
        case SampledPulse():
            pulse = ["--hamiltonian", "OPERATOR", "--pulse", f"drive={file}"]
            return [
                "--data: maps, moments or samples",
                "--hamiltonian: an operator with drive(t), e.g. "
                "0.5*U*ad^2*a^2 + drive(t)*(a + ad)",
            ], [[*recover, "husimi", "--data", "DATA", *pulse]]
        case np.ndarray():
            return _of_array(found, data, file)
        case _:
            return [], []


def _without(sigma: Any) -> list[str]:
    """That errors are missing, where they are."""
    return [_SIGMA] if sigma is None else []


def _of_populations(
    record: Record, file: Path, data: list[str]
) -> tuple[list[str], list[list[str]]]:
    """The same of populations; `jqd simulate` has put H and the state beside them."""
    missing, laws = [], []
    if record.from_start and len(record.looks) == 1:
        missing.append("--t0: the time of the state, before that of the rows")
        data = [*data, "--t0", "T0"]
    for option, name, what in (
        ("--hamiltonian", "hamiltonian", _HAMILTONIAN), ("--state", "psi0", _STATE),
    ):  # fmt: skip
        beside = file.with_name(f"{file.stem}_{name}.npy")
        laws += [option, str(beside) if beside.is_file() else f"{name.upper()}.npy"]
        if not beside.is_file():
            missing.append(what)
    commands = [["jqd", "recover", "copying", *data, *laws]]
    if settings := settings_of(record):
        missing.append(f"LAW: a law that has the constants {', '.join(settings)}")
        commands = [["jqd", "recover", "law", "LAW", *data, *laws]]
    elif record.noise.known and len(record.ts) > 1:  # it leaves out rows in turn
        commands.append(["jqd", "compare", *data, *laws])
    if not record.noise.known:
        table = file.suffix in CSV
        others = ["--noise gaussian:SIGMA", "--shots"][: 2 if table else 1]
        missing.append(f"{_SIGMA}, or by {' or '.join(others)}")
    return missing, commands


def _of_phase_space(
    record: PhaseSpaceRecord, recover: list[str]
) -> tuple[list[str], list[list[str]]]:
    """The same of data in phase space; a few samples are fitted by their likelihood."""
    missing = ["--hamiltonian: an operator in a, ad, e.g. 0.5*U*ad^2*a^2"]
    command = [*recover, "--hamiltonian", "OPERATOR"]
    if record.kind != "samples":
        return missing + _without(record.sigma), [command]
    size, least = record.values.shape[1], least_samples(record.modes)
    shots = np.full(len(record.ts), size) if record.shots is None else record.shots
    if shots.min() >= least:
        return missing, [command]
    if np.ptp(shots) > 0:
        return [f"samples: {least} or more at each time, or as many at all"], []
    return missing, [[*command, "--loss", "likelihood"]]


def _of_curve(
    curve: CurveRecord, recover: list[str]
) -> tuple[list[str], list[list[str]]]:
    """The same of occupations over energy: few tell g alone, with T and mu given."""
    missing = _without(curve.sigma)
    spare = len(curve.E) - (curve.sigma is None)  # without errors one tells the scatter
    if spare >= 3:
        return missing, [recover]
    missing.append(f"--start: T and mu, for which rows are too few: {len(curve.E)}")
    known = ["--free", "g", "--start", "T=NUMBER,mu=NUMBER"]
    return missing, [[*recover, *known]] if spare else []


def _of_settings(plan: Settings, file: Path) -> tuple[list[str], list[list[str]]]:
    """The same of settings, which hold no law but by name."""
    missing = [
        "the Hamiltonian, the state and the constants: built-in ones unless given"
    ]
    if plan.law not in _PLANNED:
        return missing, []
    out = file.with_name(f"{file.stem}_record.npz")
    words = [*_PLANNED[plan.law], "--settings", str(file), "--out", str(out)]
    return missing, [["jqd", "simulate", *words]]


def _is_table(found: np.ndarray) -> bool:
    """Whether an array may be a table of counts or shares, and no Hamiltonian."""
    if found.ndim != 2 or min(found.shape) < 3 or np.iscomplexobj(found):
        return False
    symmetric = found.shape[0] == found.shape[1] and np.array_equal(found, found.T)
    return found.min() >= 0 and not symmetric


def _of_array(
    found: np.ndarray, data: str, file: Path
) -> tuple[list[str], list[list[str]]]:
    """The same of a matrix or a state, or of a table of text that is no Hamiltonian."""
    laws = {
        HERMITIAN: ["--hamiltonian", str(file), "--state", "PSI0.npy"],
        NORMALISED: ["--hamiltonian", "HAMILTONIAN.npy", "--state", str(file)],
    }
    if data not in laws and file.suffix == ".csv" and _is_table(found):
        shots = ["--shots", "SHOTS"] if found.max() > 1 else []
        missing = ["--shots: of each cell"] if shots else []
        return missing, [["jqd", "linear", str(file), *shots]]
    if data not in laws:
        return [], []
    missing = ["--data: populations or counts"]
    missing.append(_STATE if data == HERMITIAN else _HAMILTONIAN)
    return missing, [["jqd", "recover", "copying", "--data", "DATA", *laws[data]]]
