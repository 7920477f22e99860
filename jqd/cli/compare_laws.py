"""The laws that `jqd compare` is asked for, each as a study of the one record."""

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import constants, report
from ..inference import Study
from ..laws import (
    Beretta,
    CopyDynamics,
    Dephasing,
    Gisin,
    GrossPitaevskii,
    Law,
    Logarithmic,
    Schrodinger,
    Weinberg,
)
from ..laws.husimi import Bath
from ..records import load_phase_space, naming
from ..report.user_code import failures_of
from ..spaces.symbols import parameters_of
from .options import finite_number, parse_nuisances
from .recover_copying import instrument_of, law_of, read_populations
from .recover_husimi import law_and_state, parsed, with_points

# Nonlinear laws of a matrix: they are made of H and their constants.
RIVALS: dict[str, Callable[..., Law]] = {
    "logarithmic": Logarithmic,
    "gross_pitaevskii": GrossPitaevskii,
    "weinberg": Weinberg,
    "gisin": Gisin,
    "beretta": Beretta,
}
# Laws of each kind of record with the constants that may be free or given.
POPULATIONS = {
    "schrodinger": (),
    "dephasing": ("gamma",),
    "copying": ("q", "r"),
    "logarithmic": ("b",),
    "gross_pitaevskii": ("g",),
    "weinberg": ("eps",),
    "gisin": ("lam",),
    "beretta": ("kappa",),
}
PHASE_SPACE = {
    "schrodinger": (),
    "loss": ("gamma", "nbar"),
    "husimi": ("C", "gamma", "nbar"),
}
# Rows in which quantum mechanics loses coherence.
DECOHERENCE = {"dephasing": "dephasing[gamma]", "loss": "loss[gamma]"}
# A rate that is free begins here, in units of inverse time.
RATE = 0.05
# Points of a map that are compared.
POINTS = 600
# A comma, but not one between brackets.
_COMMA = re.compile(r",(?![^\[]*\])")
_ENTRY = re.compile(r"([^\[\]]+?)(?:\[([^\]]*)\])?")
_OWN = re.compile(r"(.+\.py):(\w+)")


class Wanted(NamedTuple):
    """A law as it was asked for, `copying[q,r=-0.4]`.

    Attributes:
        law: its name, or `FILE.py:NAME`.
        free: names of its free constants.
        values: of constants that are given.
    """

    law: str
    free: tuple[str, ...]
    values: dict[str, float]


def parse_laws(text: str, option: str = "--laws") -> dict[str, Wanted]:
    """Read a list of laws.

    Args:
        text: e.g. `schrodinger,copying[q,r],copying[q=0.4],FILE.py:Law[g]`.
        option: what complaints call it.

    Returns:
        What is wanted, by the words it was given in.

    Raises:
        ValueError: unknown laws or constants, a law twice, laws of unlike records.
    """
    found: dict[str, Wanted] = {}
    for entry in map(str.strip, _COMMA.split(text)):
        match = _ENTRY.fullmatch(entry)
        known = {*POPULATIONS, *PHASE_SPACE}
        if match is None or not (match[1] in known or _OWN.fullmatch(match[1])):
            raise ValueError(
                f"Argument `{option}` must name laws out of {', '.join(sorted(known))} "
                "or FILE.py:NAME, with constants in brackets, but "
                f"{entry!r} was given."
            )
        short = Path(match[1]).name + entry[len(match[1]) :]
        if short in found:
            raise ValueError(
                f"Argument `{option}` must name each law once, but {entry!r} comes "
                "twice."
            )
        found[short] = _constants(entry, match[1], match[2], option)
    laws = {one.law for one in found.values()}
    of_classes = laws - set(PHASE_SPACE)
    on_modes = laws & (set(PHASE_SPACE) - set(POPULATIONS))
    if of_classes and on_modes:
        raise ValueError(
            f"Argument `{option}` must be of one kind of record, but "
            f"{min(of_classes)} is of populations and {min(on_modes)} of phase space."
        )
    return found


def _constants(entry: str, law: str, inside: str | None, option: str) -> Wanted:
    free, values = [], {}
    known = {**POPULATIONS, **PHASE_SPACE}.get(law)
    for part in (inside or "").split(",") if inside else ():
        name, given, number = (x.strip() for x in part.partition("="))
        strange = not name or (known is not None and name not in known)
        if strange or name in free or name in values:
            those = ", ".join(known or ()) or ("none" if known == () else "its own")
            raise ValueError(
                f"Argument `{option}` must name constants of {law}, each once, out of "
                f"{those}, but {entry!r} was given."
            )
        if given:
            rule = f"`{option}` must give numbers to constants, as in {law}[{name}=0.4]"
            values[name] = finite_number(number, rule)
        else:
            free.append(name)
    return Wanted(law, tuple(free), values)


def is_phase_space(wanted: dict[str, Wanted]) -> bool:
    """Whether these laws are of modes, not of classes."""
    return any(one.law in ("loss", "husimi") for one in wanted.values())


def offered(wanted: dict[str, Wanted]) -> str | None:
    """The row of quantum mechanics with decoherence, where nobody asked for it."""
    if any(one.law in DECOHERENCE for one in wanted.values()):
        return None
    return DECOHERENCE["loss" if is_phase_space(wanted) else "dephasing"]


# -- populations -----------------------------------------------------------------------


def studies_of_populations(
    wanted: dict[str, Wanted],
    data: Path | None,
    hamiltonian: str | None,
    state: Path | None,
    noise: str,
    nuisance: str,
) -> dict[str, Study]:
    """A study of each law; built-in counts where no files are given."""
    priors = parse_nuisances(nuisance, ())
    if data is None and noise == "auto":
        noise = "multinomial"
    matrix = None if hamiltonian is None else Path(hamiltonian)
    H, psi0, record = read_populations(data, matrix, state, noise)
    if not record.noise.known:
        raise ValueError(
            "Argument `--data` must hold counts, or values with `--noise "
            "gaussian:SIGMA`, but has values without errors: nothing is more likely "
            "than anything else."
        )
    shown = instrument_of(priors)
    studies = {}
    for name, one in wanted.items():
        law = law_of(partial(law_of_populations, one), H, psi0, matrix, state)
        studies[name] = Study(
            law, record, psi0=psi0, free=one.free, instrument=shown, nuisances=priors
        )
    return studies


def law_of_populations(wanted: Wanted, H: Array, option: str = "--laws") -> Law:
    """A law of a matrix; a constant that is not given is that of quantum mechanics.

    Args:
        wanted: what was asked for.
        H: (n, n).
        option: what complaints call the words it was asked for in.
    """
    if wanted.law == "schrodinger":
        return Schrodinger(H)
    if wanted.law == "copying":
        return CopyDynamics.from_hamiltonian(
            H, wanted.values.get("q", 0.5), wanted.values.get("r", -0.5)
        )
    if make := RIVALS.get(wanted.law):
        return make(H, **wanted.values)
    if wanted.law != "dephasing":
        return _own_law(wanted, H, option)
    size = H.shape[0]
    # of two classes only the sum of both rates would count
    A = np.eye(size) if size > 2 else np.eye(size)[:1]
    return Dephasing(H, A, wanted.values.get("gamma", 0.0))


def _own_law(wanted: Wanted, H: Array, option: str) -> Law:
    """What FILE.py:NAME makes of H and the values of its constants.

    Constants of a class that are not given begin where they are quantum mechanics.
    """
    match = _OWN.fullmatch(wanted.law)
    assert match is not None  # `parse_laws` made sure
    path, name = Path(match[1]), match[2]
    make: Any = getattr(report.load_file(path, name, "H"), name)
    with failures_of(path):
        law = make(H, **(_begun(make) | wanted.values))
    if not isinstance(law, Law):
        raise ValueError(
            f"Argument `{option}` must name what makes a jqd.Law, but {wanted.law} "
            f"makes a {type(law).__name__}."
        )
    return law


def _begun(make: Any) -> dict[str, float]:
    """Quantum values of the constants of a class of laws."""
    if not (inspect.isclass(make) and issubclass(make, Law)):
        return {}
    begun = {one.name: constants.quantum_of(one) for one in fields(make)}
    return {name: value for name, value in begun.items() if value is not None}


# -- phase space -----------------------------------------------------------------------


def studies_on_phase_space(
    wanted: dict[str, Wanted],
    data: Path | None,
    hamiltonian: str | None,
    assigned: list[str],
    sigma: float | None,
    nuisance: str,
) -> dict[str, Study]:
    """A study of each law on maps, moments or samples."""
    if data is None:
        raise ValueError(
            "Argument `--data` must be given for laws on phase space, but is not."
        )
    priors = parse_nuisances(nuisance, ())
    text = "0.5*U*ad^2*a^2" if hamiltonian is None else hamiltonian
    record = load_phase_space(data, sigma).thinned(POINTS)
    with naming(data):
        rows, observe = record.data()
    if not rows.noise.known:
        raise ValueError(
            "Argument `--sigma` must be given for a record without errors, but is not."
        )
    studies = {}
    for name, one in wanted.items():
        rates = _bath(one)
        told = tuple(prior for prior in priors if prior in parameters_of(text))
        with naming(data):
            operator = parsed(text, assigned, [], record, (), told, rates)
            law, psi0 = law_and_state(record, operator, one.free, "auto", None, rates)
        law = with_points(law, record)
        law = eqx.tree_at(
            lambda law: law.C, law, jnp.asarray(one.values.get("C", 1.0), law.C.dtype)
        )
        studies[name] = Study(
            law, rows, psi0=psi0, free=one.free, instrument=observe, nuisances=priors
        )
    return studies


def _bath(wanted: Wanted) -> Bath | None:
    """The bath of a law whose rates are free or given."""
    told = {
        name: wanted.values.get(name, RATE if name in wanted.free else 0.0)
        for name in ("gamma", "nbar")
    }
    named = any(name in (*wanted.free, *wanted.values) for name in told)
    if not named and wanted.law != "loss":
        return None
    if not named:
        raise ValueError(
            "Argument `--laws` must say what of loss is free or given, as in "
            "loss[gamma] or loss[gamma=0.1], but does not."
        )
    return Bath(**told)
