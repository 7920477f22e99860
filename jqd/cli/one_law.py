"""One law, of commands that follow or fit it: its words, `--set`, what is free."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from jaxtyping import Array

from .. import constants
from .._words import did_you_mean
from ..laws import Law, Schrodinger
from .law_words import (
    POPULATIONS,
    Wanted,
    is_phase_space,
    law_of_populations,
    parse_laws,
)
from .options import MODEL, assignments, parse_free

*_FIRST, _LAST = [name for name in POPULATIONS if name != "schrodinger"]
LawWord = Annotated[
    str,
    typer.Argument(
        metavar="LAW",
        help="A law of your own, FILE.py:CLASS (FILE.py alone if it has one law; on a "
        f"grid where the file has a function ground()), or {', '.join(_FIRST)} or "
        f"{_LAST}. Give its constants values in brackets, gisin[lam=0.1], or with "
        "--set.",
    ),
]
Assigned = Annotated[
    list[str] | None,
    MODEL.option("--set", help="Value of a constant, such as g=0.3; may be repeated."),
]


def parse_law(text: str, assigned: Sequence[str] | None, option: str = "LAW") -> Wanted:
    """Read one law of a matrix, with values in brackets and of `--set`.

    Args:
        text: e.g. `FILE.py:Law[g=0.3]`.
        assigned: each like `g=0.3`.
    """
    found = parse_laws(text, option)
    if len(found) != 1 or is_phase_space(found):
        raise ValueError(
            f"Argument `{option}` must be one law of a matrix, but {text!r} was given."
        )
    (wanted,) = found.values()
    return with_values(wanted, assigned)


def with_values(
    wanted: Wanted,
    assigned: Sequence[str] | None,
    beyond: Mapping[str, tuple[str, ...]] | None = None,
) -> Wanted:
    """A law with the values of `--set` beside those in its brackets.

    Args:
        assigned: each like `g=0.3`.
        beyond: more laws with their constants, as for `parse_laws`.
    """
    values = assignments(assigned or (), "set", "g=0.3")
    known = {**POPULATIONS, **(beyond or {})}.get(wanted.law)
    for name in values:
        if known is not None and name not in known:
            raise ValueError(
                f"Argument `--set` must set constants of {wanted.law}, out of "
                f"{', '.join(known) or 'none'}, but {name!r} was given"
                f"{did_you_mean(name, known)}"
            )
        if name in wanted.values or name in wanted.free:
            raise ValueError(
                f"Argument `--set` must not set {name!r}, which stands in the brackets "
                f"of {wanted.law}, but does."
            )
    return wanted._replace(values=wanted.values | values)


def law_that_runs(wanted: Wanted, H: Array | Schrodinger) -> Law:
    """The law asked for, of a matrix or on a grid; of a random one its mean."""
    law = law_of_populations(wanted, H, "LAW")
    chance = law.chance()
    if chance is None:
        return law
    mean = chance.mean_field()
    if not isinstance(mean, Law):
        raise ValueError(
            "Argument `LAW` must have a mean law if it is random, but "
            f"{type(law).__name__} has none."
        )
    return mean


def declared_by(wanted: Wanted, law: Law) -> tuple[str, ...]:
    """Constants that are free by default: never the Hamiltonian.

    Those that the class declares with `jqd.free`, of a law of the library those of
    the table.
    """
    if wanted.law in POPULATIONS:
        return POPULATIONS[wanted.law]
    return constants.declared(law)


def free_of(
    wanted: Wanted, law: Law, text: str | None, *, given: bool = False
) -> tuple[str, ...]:
    """The free constants: of `--free`, of brackets, or those of the default.

    Args:
        given: whether a constant that has a value may be free.
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
    """Values of what is free by default and of what was given, entry by entry."""
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


def reader_of(wanted: Wanted, law: Law, free: str) -> tuple[str, list[str]]:
    """Verb and first words of the command that reads data of a law.

    A law without constants to recover is compared with others.

    Args:
        wanted: the law as it was asked for.
        law: the law that was made of it.
        free: constants that a plan frees; empty for none.
    """
    fitted = declared_by(wanted, law)
    if free:  # what a plan holds keeps its value
        fitted = tuple(map(str.strip, free.split(",")))
    if fitted:
        return "recover", ["law", *words_of(wanted, without=fitted)]
    if wanted.law == "schrodinger":
        return "compare", []
    values = ",".join(f"{name}={value!r}" for name, value in wanted.values.items())
    named = f"{wanted.law}[{values}]" if values else wanted.law
    return "compare", ["--laws", f"schrodinger,{named}"]


def check_settled(wanted: Wanted, text: str, free: Sequence[str]) -> None:
    """Raise ValueError where a constant has no value, unless a design frees some."""
    if wanted.free and not free:
        raise ValueError(
            f"Argument `LAW` must give {wanted.free[0]} a value, as in "
            f"[{wanted.free[0]}=0.4], but {text!r} does not."
        )
