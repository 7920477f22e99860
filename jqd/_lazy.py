"""Names that a package imports when they are first asked for."""

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def homes(file: str) -> dict[str, str | None]:
    """Module of each name that a package imports `if TYPE_CHECKING`.

    Args:
        file: the package's `__init__.py`. It is read, since nothing runs that block.

    Returns:
        The module by name, None where the name is a module of the package itself.
    """
    (block,) = (
        node
        for node in ast.parse(Path(file).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If)
    )
    return {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def above(module: str, name: str) -> Callable[..., Any]:
    """A function of a room above the one that asks, loaded when it is asked for.

    Rooms import only what lies below. What writes and draws an outcome lies above it,
    and needs libraries that nobody needs who does neither.

    Args:
        module: in `jqd.report`.
        name: of the function.
    """
    return getattr(import_module(f"jqd.report.{module}"), name)
