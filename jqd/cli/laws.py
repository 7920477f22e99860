"""`jqd laws`."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from .. import constants
from ..laws import Law
from .cite import makers
from .law_words import PHASE_SPACE, POPULATIONS, Wanted, law_of_populations, parse_laws
from .options import AsJson
from .session import conclude, table_of
from .setups import SETUPS
from .vet_laws import ALL, GROUNDS, KNOWN

HEADINGS = ("law", "constants, in quantum mechanics", "in Python, of jqd.laws")
OWN = "A law of your own is FILE.py:NAME; `jqd new-law NAME` writes one to begin with."


def laws(as_json: AsJson = False) -> int:
    """Print the laws by name, with constants, quantum values and names in Python."""
    rows = _rows()
    lines = [
        (
            row["name"],
            ", ".join(map(_constant, row["constants"].items())) or "none",
            row["python"].rpartition(".")[2],
        )
        for row in rows
    ]
    taken = [
        f"`jqd {command}` takes "
        f"{', '.join(row['name'] for row in rows if command in row['commands'])}."
        for command in ("compare", "recover law", "vet")
    ]
    table = table_of("", HEADINGS, lines)
    return conclude({"laws": rows}, [table, *taken, OWN], as_json=as_json)


def _rows() -> list[dict[str, Any]]:
    """What there is to say of each law that a command takes by name."""
    wanted = {one.law: one for one in parse_laws(ALL, "LAWS", KNOWN).values()}
    made = {name: _made(one) for name, one in wanted.items()}
    made["loss"] = made["husimi"]  # at C = 1, with a bath
    names = {**KNOWN, **POPULATIONS, **PHASE_SPACE}
    return [
        {
            "name": name,
            "constants": {
                one: constants.quantum_values(law).get(one) for one in names[name]
            },
            "python": f"jqd.laws.{_maker(name, law)}",
            "commands": _commands(name),
        }
        for name, law in sorted(made.items())
    ]


def _made(one: Wanted) -> Law:
    if one.law in GROUNDS:
        return GROUNDS[one.law][0](**one.values)
    return law_of_populations(one, jnp.diag(jnp.arange(3.0)), "LAWS")


def _maker(name: str, law: Law) -> str:
    """What makes a law in Python: a function of its own name, or its class."""
    own = {one.lower(): one for one in makers()}
    return own.get(name.replace("_", ""), type(law).__name__)


def _commands(name: str) -> list[str]:
    """Of the commands that take a law by name those that take this one."""
    taken = {
        f"recover {name}": name in SETUPS,
        "recover law": bool(POPULATIONS.get(name)),
        "compare": name in POPULATIONS or name in PHASE_SPACE,
        "vet": name != "loss",
    }
    return [command for command, takes_it in taken.items() if takes_it]


def _constant(told: tuple[str, float | None]) -> str:
    name, value = told
    return name if value is None else f"{name} = {value:g}"


def command_for(verb: str, setup: str, commands: Mapping[str, Any]) -> str | None:
    """The words after `jqd` by which a verb takes a set-up; None where it does not.

    Args:
        verb: one of `VERBS`.
        setup: one of `SETUPS`.
        commands: the commands of `jqd` by name.
    """
    if verb == "compare":
        known = {name: name for name in (*POPULATIONS, *PHASE_SPACE)}
        law = (known | {"law": "FILE.py:NAME"}).get(setup)
        return law and f"compare --laws {law}"
    group = "recover" if verb == "posterior" else verb
    command = commands[group].commands.get(setup)
    if command is None or verb != "posterior":
        return command and f"{verb} {setup}"
    options = {option for one in command.params for option in one.opts}
    return f"recover {setup} --posterior" if "--posterior" in options else None
