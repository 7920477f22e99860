"""Options: each is declared once, by a command or in a dataclass of shared ones."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, get_origin, get_type_hints

import typer

Seed = Annotated[int, typer.Option(min=0, help="Seed of all that is drawn.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Quick = Annotated[bool, typer.Option("--quick", help="The smaller version.")]
Out = Annotated[Path, typer.Option(help="Folder for the results. Never overwritten.")]
Matrix = Annotated[Path | None, typer.Option(help="The Hermitian matrix, .npy or CSV.")]
State = Annotated[Path | None, typer.Option(help="psi at the first time, .npy or CSV.")]
Free = Annotated[str, typer.Option(help="Constants to recover.")]
Starts = Annotated[int, typer.Option(min=1, help="Number of starts.")]
Sigma = Annotated[float | None, typer.Option(help="Standard error of the values.")]


@dataclasses.dataclass(frozen=True)
class Common:
    """What every command that recovers or samples takes, and when it began."""

    out: Out
    seed: Seed = 0
    as_json: AsJson = False
    quick: Quick = False
    began: float = dataclasses.field(init=False, default_factory=perf_counter)

    def seconds(self) -> float:
        """Time since the command began."""
        return round(perf_counter() - self.began, 3)


def with_options(**defaults: Any) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Let a command take the options that the fields of its dataclasses declare.

    typer reads options from a signature: there, a parameter whose type is a dataclass
    is replaced by those fields of it that are annotated as options.

    Args:
        **defaults: of these fields, where the command has its own.

    Returns:
        A decorator, to be used below that of typer.
    """

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        shown: list[inspect.Parameter] = []
        groups: dict[str, tuple[Any, list[str]]] = {}
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            kind: Any = parameter.annotation
            if not dataclasses.is_dataclass(kind):
                shown.append(parameter)
                continue
            hints = get_type_hints(kind, include_extras=True)
            fields = [
                parameter.replace(
                    name=field.name,
                    default=defaults.get(field.name, field.default),
                    annotation=hints[field.name],
                )
                for field in dataclasses.fields(kind)
                if get_origin(hints[field.name]) is Annotated
            ]
            groups[parameter.name] = kind, [field.name for field in fields]
            shown += fields

        @functools.wraps(command)
        def run(**values: Any) -> int:
            for name, (kind, fields) in groups.items():
                values[name] = kind(**{field: values.pop(field) for field in fields})
            return command(**values)

        run.__signature__ = inspect.Signature(shown)  # pyright: ignore
        return run

    return decorate
