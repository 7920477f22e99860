"""The list of commands in a help: what each says of itself, before it is imported."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.core import TyperCommand


class Listed(TyperCommand):
    """A command in a list: it is imported when it is run, or completed."""

    def __init__(self, name: str, said: str, load: Callable[[], Any]):
        super().__init__(name, help=said)
        self._load = load

    def make_context(self, *words: Any, **options: Any) -> Any:
        """The context of the command itself, which it runs in."""
        return self._load().make_context(*words, **options)


def said_in(module: str, attribute: str) -> str:
    """The help of a command, read in its source: importing it would import JAX.

    Args:
        module: in `jqd.cli`.
        attribute: a function with a docstring, or a `typer.Typer` with its `help`.

    Raises:
        LookupError: the module makes no such thing.
    """
    source = Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == attribute:
            return ast.get_docstring(node) or ""
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            named = [made.id for made in node.targets if isinstance(made, ast.Name)]
            for keyword in node.value.keywords if attribute in named else ():
                if keyword.arg == "help":
                    return ast.literal_eval(keyword.value)
    raise LookupError(f"{module}.py makes no {attribute} with a help.")
