"""Laws as words name them: `copying[q=0.4]`, `FILE.py:Class[g]`, with `--set`."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from jaxtyping import Array
from rich.markup import escape

from .. import constants
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
from .options import assignments, finite_number, parse_free

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
        option: what complaints call it.
        beyond: more laws with their constants, which need no record.

    Returns:
        What is wanted, by the words it was given in.

    Raises:
        ValueError: unknown laws or constants, a law twice, laws of unlike records.
    """
    found: dict[str, Wanted] = {}
    table = {**POPULATIONS, **PHASE_SPACE, **(beyond or {})}
    for entry in map(str.strip, _COMMA.split(text)):
        match = _ENTRY.fullmatch(entry)
        if match is None or not (match[1] in table or _OWN.fullmatch(match[1])):
            raise ValueError(
                f"Argument `{option}` must name laws out of {', '.join(sorted(table))} "
                "or FILE.py:NAME, with constants in brackets, but "
                f"{entry!r} was given."
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
        path, _, name = wanted.law.rpartition(".py")
        return make_law(Path(f"{path}.py"), name[1:] or None, H, wanted.values, option)
    size = H.shape[0]
    # of two classes only the sum of both rates would count
    A = np.eye(size) if size > 2 else np.eye(size)[:1]
    return Dephasing(H, A, wanted.values.get("gamma", 0.0))


# -- one law, of commands that follow or fit it ----------------------------------------

LawWord = Annotated[
    str,
    typer.Argument(
        metavar="LAW",
        help=escape(
            "FILE.py:CLASS, a law of your own (FILE.py alone where it has one), or "
            "copying, logarithmic, gross_pitaevskii, weinberg, gisin, beretta, "
            "dephasing; values in brackets or by --set: gisin[lam=0.1]."
        ),
    ),
]
Assigned = Annotated[
    list[str] | None,
    typer.Option("--set", help="Value of a constant, as in g=0.3; repeat."),
]


def parse_law(text: str, assigned: Sequence[str] | None, option: str = "LAW") -> Wanted:
    """Read one law of a matrix, with values in brackets and of `--set`.

    Args:
        text: e.g. `FILE.py:Law[g=0.3]`.
        assigned: each like `g=0.3`.
        option: what complaints call the text.

    Raises:
        ValueError: several laws, one of phase space, a constant that is unknown or has
            two values.
    """
    found = parse_laws(text, option)
    if len(found) != 1 or is_phase_space(found):
        raise ValueError(
            f"Argument `{option}` must be one law of a matrix, but {text!r} was given."
        )
    (wanted,) = found.values()
    return with_values(wanted, assigned)


def with_values(wanted: Wanted, assigned: Sequence[str] | None) -> Wanted:
    """A law with the values of `--set` beside those in its brackets."""
    values = assignments(assigned or (), "set", "g=0.3")
    known = POPULATIONS.get(wanted.law)
    for name in values:
        if known is not None and name not in known:
            raise ValueError(
                f"Argument `--set` must set constants of {wanted.law}, out of "
                f"{', '.join(known) or 'none'}, but {name!r} was given."
            )
        if name in wanted.values or name in wanted.free:
            raise ValueError(
                f"Argument `--set` must not set {name!r}, which stands in the brackets "
                f"of {wanted.law}, but does."
            )
    return wanted._replace(values=wanted.values | values)


def law_that_runs(wanted: Wanted, H: Array) -> Law:
    """The law of a matrix that was asked for; of a random one its mean is followed.

    Raises:
        ValueError: a random law without a mean law; see `law_of_populations`.
    """
    law = law_of_populations(wanted, H, "LAW")
    if law.noise_shape is None:
        return law
    mean = law.mean_field()
    if not isinstance(mean, Law):
        raise ValueError(
            "Argument `LAW` must have a mean law if it is random, but "
            f"{type(law).__name__} has none."
        )
    return mean


def declared_by(wanted: Wanted, law: Law) -> tuple[str, ...]:
    """Constants that are free by custom: never the Hamiltonian.

    Those that the class declares with `jqd.free`, of a law of the library those of
    the table.
    """
    if wanted.law in POPULATIONS:
        return POPULATIONS[wanted.law]
    return constants.declared(law)


def free_of(
    wanted: Wanted, law: Law, text: str | None, *, given: bool = False
) -> tuple[str, ...]:
    """The free constants: of `--free`, of brackets, or those that are by custom.

    Args:
        wanted: what was asked for.
        law: what it made.
        text: the option, or None.
        given: whether a constant that has a value may be free.

    Raises:
        ValueError: no constant, one twice, one that has a value.
    """
    names = wanted.free
    if text is not None:
        names = parse_free(",".join((*names, text)))
    elif not names:
        names = tuple(
            name
            for name in declared_by(wanted, law)
            if given or name not in wanted.values
        )
    if not names:
        raise ValueError(
            f"Argument `--free` must name constants of {Path(wanted.law).name}, out of "
            f"{', '.join(constants.names(law)) or 'none'}: none that is declared with "
            "jqd.free is without a value."
        )
    for name in names:
        if name in wanted.values and not given:
            raise ValueError(
                f"Argument `--free` must not name {name!r}, which has a value, but "
                "does; `--start` says where a fit begins."
            )
    return names


def told(wanted: Wanted, law: Law) -> dict[str, float]:
    """Values of what is free by custom and of what was given, entry by entry."""
    known = {
        label: value
        for name in dict.fromkeys((*declared_by(wanted, law), *wanted.values))
        if name in constants.names(law)
        for label, value in zip(
            constants.labels(law, name),
            np.asarray(constants.pack(law, name)).tolist(),
            strict=True,
        )
    }
    return known | {n: v for n, v in wanted.values.items() if n not in known}


def words_of(wanted: Wanted, without: Sequence[str] = ()) -> list[str]:
    """Words of a command that ask for this law, but for values of these constants."""
    kept = {n: v for n, v in wanted.values.items() if n not in without}
    sets = [("--set", f"{name}={value!r}") for name, value in kept.items()]
    return [wanted.law, *(word for pair in sets for word in pair)]
