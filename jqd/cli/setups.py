"""Set-ups and the verbs of `jqd` that take them, and why not where one does not."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperGroup

from .options import with_options

SETUPS = (
    "copying", "law", "husimi", "diffusion", "statistics", "springs", "anharmonicity",
    "tower", "temperature",
)  # fmt: skip
# `posterior` is an option of `recover`, and `compare` takes its laws by an option.
VERBS = ("simulate", "recover", "posterior", "design", "compare", "sweep", "sample")

_ONLY_ERRORS = "the command prints standard errors and does not draw samples yet"
_NO_TIMES = "a design chooses times of measurement, and these data have none"
_NO_SHOTS = (
    "a design divides shots among times, and positions of a chain have a standard "
    "error and no shots"
)
_NO_COURSE = "it compares laws by their predictions at times, and these data have none"
_CLASSICAL = "it compares laws of a quantum state, and a chain of atoms is classical"
_BY_FILE = (
    "`jqd sweep law` takes laws of a matrix and FILE.py:NAME; for all else, write a "
    "function `point` into a file, and run `jqd sweep FILE.py --out STORE`"
)
_NO_COPIES = "only the law of copying has copies to sample"
# Why a verb does not take a set-up; it takes all others.
REASONS: dict[str, dict[str, str]] = {
    "simulate": {
        "anharmonicity": "`jqd recover anharmonicity` without --data computes data of "
        "its own, as `jqd.problems.fput_chain` does in Python"
    },
    "posterior": dict.fromkeys(
        ("statistics", "springs", "anharmonicity", "tower", "temperature"), _ONLY_ERRORS
    ),
    "design": {
        **dict.fromkeys(("statistics", "temperature"), _NO_TIMES),
        **dict.fromkeys(("springs", "anharmonicity"), _NO_SHOTS),
        "tower": "designs of a photon tower are not written yet",
    },
    "compare": {
        "diffusion": "for densities it takes schrodinger, logarithmic, "
        "gross_pitaevskii and FILE.py:NAME",
        **dict.fromkeys(("statistics", "temperature"), _NO_COURSE),
        **dict.fromkeys(("springs", "anharmonicity"), _CLASSICAL),
        "tower": "comparisons of photon towers are not written yet",
    },
    "sweep": {
        "copying": "use `jqd sweep law copying --vary q=0:1:11 --out STORE`",
        **{name: _BY_FILE for name in SETUPS if name not in ("copying", "law")},
    },
    "sample": {name: _NO_COPIES for name in SETUPS if name != "copying"},
}


class Verb(TyperGroup):
    """A verb, whose commands are set-ups; it says why where it does not take one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of a set-up; an error with the reason where there is none."""
        asked = {self.name: f"{self.name} {args[0]}"}
        if "--posterior" in args:
            asked["posterior"] = f"{self.name} {args[0]} --posterior"
        for verb, words in asked.items():
            why = REASONS.get(verb or "", {}).get(args[0])
            if why and not ctx.resilient_parsing:
                ctx.fail(f"There is no `jqd {words}`: {why}.")
        return super().resolve_command(ctx, args)


def verb_of(
    name: str, help: str, commands: Mapping[Callable[..., int], str]
) -> typer.Typer:
    """A verb as `typer` takes it, of the commands of its set-ups.

    Args:
        name: one of `VERBS`.
        help: what it does.
        commands: functions named as their set-ups, each with the words of its example.
    """
    app = typer.Typer(cls=Verb, help=help, no_args_is_help=True)
    for command, example in commands.items():
        app.command(epilog=f"Example: jqd {name} {example}")(command)
    return app


def command_of(
    verb: Callable[..., int], setup: Any, help: str, **options: Any
) -> Callable[..., int]:
    """The command in which a verb takes a set-up.

    Args:
        verb: a function of a set-up, its first keyword, and of dataclasses with options
            of its own.
        setup: a dataclass with a `NAME`, whose fields are options.
        help: what the command does.
        **options: defaults and more options, as for `with_options`.
    """
    first, *others = inspect.signature(verb, eval_str=True).parameters.values()

    def command(**parts: Any) -> int:
        return verb(**parts)

    taken = [first.replace(annotation=setup), *others]
    command.__signature__ = inspect.Signature(taken)  # pyright: ignore
    command.__name__, command.__doc__ = setup.NAME, help
    return with_options(**options)(command)
