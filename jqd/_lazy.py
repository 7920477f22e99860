"""Names that a package imports when they are first asked for."""

import ast
from pathlib import Path


def homes(file: str) -> dict[str, str | None]:
    """Module of each name that a package imports `if TYPE_CHECKING`.

    Args:
        file: the package's `__init__.py`. It is read, since nothing runs that block.

    Returns:
        The module by name, as it is imported from the package; None where the name is
        a module of the package itself.
    """
    (block,) = (
        node
        for node in ast.parse(Path(file).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If)
    )
    return {
        alias.name: node.module and "." * node.level + node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
