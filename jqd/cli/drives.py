"""Options of what moves a Hamiltonian in time, and of what surrounds it."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from ..constants import constant
from ..laws.husimi import Bath
from ..records import load_pulse
from ..spaces.pulses import NAMED, named_pulse
from .options import assignments, check_word


def parse_pulses(texts: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Read the option `--pulse`, which may come more than once: pulses by name.

    Args:
        texts: each like `drive=gaussian:area=1,center=0.5,width=0.1`, a shape that
            `named_pulse` knows, or `drive=pulse.csv`.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, said = (piece.strip() for piece in text.partition("="))
        if not (name and equals and said):
            raise ValueError(
                "Argument `--pulse` must look like drive=gaussian:area=1,width=0.1 or "
                f"drive=FILE.csv, but {text!r} was given."
            )
        if name not in names or name in found:
            raise ValueError(
                "Argument `--pulse` must give each pulse of --hamiltonian once "
                f"({', '.join(names) or 'it has none'}), but gives {name!r}"
                f"{' twice' if name in found else ''}."
            )
        if said.endswith(".csv"):
            found[name] = load_pulse(said)
            continue
        shape, _, values = said.partition(":")
        check_word("pulse", shape.strip(), tuple(NAMED))
        parts = values.split(",") if values.strip() else []
        given = assignments(parts, "pulse", "drive=gaussian:area=1,width=0.1")
        found[name] = named_pulse(shape.strip(), **given)
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(
            "Argument `--pulse` must give every pulse of --hamiltonian, but does not "
            f"give {', '.join(missing)}; add "
            f"--pulse {missing[0]}=cosine:amplitude=1,omega=1."
        )
    return found


def parse_bath(text: str) -> Bath | None:
    """Read the option `--bath`: the rates of a bath, or None without any.

    Args:
        text: e.g. `gamma=0.25,nbar=0.3`; may be empty.
    """
    if not text.strip():
        return None
    rates = assignments(text.split(","), "bath", "gamma=0.25,nbar=0.3")
    known = tuple(field.name for field in dataclasses.fields(Bath))
    for name in rates:
        check_word("bath", name, known)
    return Bath(**{name: constant(rate, name) for name, rate in rates.items()})
