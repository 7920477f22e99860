"""Laws as words name them: `copying[q=0.4]`, `FILE.py:Class[g]`."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Array

from .._words import did_you_mean
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
from ..report.user_laws import make_law
from .options import finite_number
from .setups import REASONS


def _schrodinger(H: Array | Schrodinger) -> Law:
    return H if isinstance(H, Schrodinger) else Schrodinger(H)


def _copying(H: Array, q: float = 0.5, r: float = -0.5) -> Law:
    return CopyDynamics.from_hamiltonian(H, q, r)


def _dephasing(H: Array, gamma: float = 0.0) -> Law:
    size = H.shape[0]
    # of two classes only the sum of both rates would count
    A = np.eye(size) if size > 2 else np.eye(size)[:1]
    return Dephasing(H, A, gamma)


# Laws of a matrix: what makes each of H and of its constants, and these, which may be
# free or given.
MATRICES: dict[str, tuple[Callable[..., Law], tuple[str, ...]]] = {
    "schrodinger": (_schrodinger, ()),
    "copying": (_copying, ("q", "r")),
    "logarithmic": (Logarithmic, ("b",)),
    "gross_pitaevskii": (GrossPitaevskii, ("g",)),
    "weinberg": (Weinberg, ("eps",)),
    "gisin": (Gisin, ("lam",)),
    "beretta": (Beretta, ("kappa",)),
    "dephasing": (_dephasing, ("gamma",)),
}
# Of these, what a particle on a grid has as well.
ON_GRIDS = ("schrodinger", "logarithmic", "gross_pitaevskii")
# Laws of each kind of record with the constants that may be free or given.
POPULATIONS = {name: known for name, (_, known) in MATRICES.items()}
PHASE_SPACE = {
    "schrodinger": (),
    "loss": ("gamma", "nbar"),
    "husimi": ("C", "gamma", "nbar"),
}

# A comma, but not one between brackets.
_COMMA = re.compile(r",(?![^\[]*\])")
_ENTRY = re.compile(r"([^\[\]]+?)(?:\[([^\]]*)\])?")
_OWN = re.compile(r"(.+\.py)(?::(\w+))?")


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


def parse_laws(
    text: str,
    option: str = "--laws",
    beyond: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Wanted]:
    """Read a list of laws.

    Args:
        text: e.g. `schrodinger,copying[q,r],copying[q=0.4],FILE.py:Law[g]`.
        beyond: more laws with their constants, which need no record.
    """
    found: dict[str, Wanted] = {}
    table = {**POPULATIONS, **PHASE_SPACE, **(beyond or {})}
    for entry in map(str.strip, _COMMA.split(text)):
        match = _ENTRY.fullmatch(entry)
        if match is None or not (match[1] in table or _OWN.fullmatch(match[1])):
            why = REASONS["compare"].get(entry.partition("[")[0])
            if why and option == "--laws":
                raise ValueError(
                    f"Argument `--laws` must name laws that `jqd compare` takes, but "
                    f"{entry!r} was given: {why}."
                )
            raise ValueError(
                f"Argument `{option}` must name laws out of {', '.join(sorted(table))} "
                "or FILE.py:NAME, with constants in brackets, but "
                f"{entry!r} was given{did_you_mean(entry.partition('[')[0], table)}"
            )
        short = Path(match[1]).name + entry[len(match[1]) :]
        if short in found:
            raise ValueError(
                f"Argument `{option}` must name each law once, but {entry!r} comes "
                "twice."
            )
        found[short] = _constants(entry, match[1], match[2], option, table)
    laws = {one.law for one in found.values()} - set(beyond or {})
    of_classes = laws - set(PHASE_SPACE)
    on_modes = laws & (set(PHASE_SPACE) - set(POPULATIONS))
    if of_classes and on_modes:
        raise ValueError(
            f"Argument `{option}` must be of one kind of record, but "
            f"{min(of_classes)} is of populations and {min(on_modes)} of phase space."
        )
    return found


def _constants(
    entry: str,
    law: str,
    inside: str | None,
    option: str,
    table: Mapping[str, tuple[str, ...]],
) -> Wanted:
    free, values = [], {}
    known = table.get(law)
    for part in (inside or "").split(",") if inside else ():
        name, given, number = (x.strip() for x in part.partition("="))
        strange = not name or (known is not None and name not in known)
        if strange or name in free or name in values:
            those = ", ".join(known or ()) or ("none" if known == () else "its own")
            raise ValueError(
                f"Argument `{option}` must name constants of {law}, each once, out of "
                f"{those}, but {entry!r} was given{did_you_mean(name, known or ())}"
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


def file_of(wanted: Wanted) -> tuple[Path, str | None] | None:
    """The file of a law of one's own, and its name there; None for the library's."""
    path, dot, name = wanted.law.rpartition(".py")
    return (Path(f"{path}.py"), name[1:] or None) if dot else None


def law_of_populations(
    wanted: Wanted, H: Array | Schrodinger, option: str = "--laws"
) -> Law:
    """A law of a matrix; a constant that is not given is that of quantum mechanics.

    Raises:
        ValueError: a law of matrices alone, on a grid; see `make_law` as well.
    """
    if own := file_of(wanted):
        return make_law(*own, H, wanted.values, option)
    if isinstance(H, Schrodinger) and wanted.law not in ON_GRIDS:
        raise ValueError(
            f"Argument `{option}` must name laws that are on a grid as well, "
            f"{', '.join(ON_GRIDS)} or FILE.py:NAME, but {wanted.law} is not."
        )
    make, _ = MATRICES[wanted.law]
    return make(H, **wanted.values)
