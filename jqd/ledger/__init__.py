"""The ledger: every equation of the papers, its verdict, function and test."""

import functools
import importlib
import importlib.resources
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

VERDICTS = ("holds", "corrected", "refuted", "open", "not computable")


@dataclass(frozen=True)
class Equation:
    """One numbered equation, or one testable claim, of a paper.

    Attributes:
        number: the number in print, or "claim-..." for a claim in the text.
        statement: what it says, in a sentence or two.
        verdict: one of `VERDICTS`.
        function: dotted path of the function that computes it; may be empty.
        printed: what is wrong in print; empty unless corrected or refuted.
        test: "file::function" of the test that decides it; may be empty.
    """

    number: str
    statement: str
    verdict: str
    function: str = ""
    printed: str = ""
    test: str = ""

    def __post_init__(self):
        if self.verdict not in VERDICTS:
            raise ValueError(
                f"Argument `verdict` must be one of {', '.join(VERDICTS)}, but "
                f"{self.verdict!r} was given for equation {self.number}."
            )


def papers() -> tuple[str, ...]:
    """Names of the papers that have a ledger.

    Returns:
        The names in alphabetical order, as `load` takes them.
    """
    files = importlib.resources.files(__name__).iterdir()
    names = (file.name for file in files)
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.endswith(".toml")))


def load(paper: str) -> list[Equation]:
    """Ledger of one paper.

    Args:
        paper: one of `papers()`.

    Returns:
        Its equations and claims in the order of the paper.

    Raises:
        ValueError: if there is no ledger of that name.
    """
    return list(_load(paper))


@functools.cache
def _load(paper: str) -> tuple[Equation, ...]:
    known = papers()
    if paper not in known:
        raise ValueError(
            f"Argument `paper` must be one of {', '.join(known)}, but {paper!r} was "
            "given."
        )
    file = importlib.resources.files(__name__) / f"{paper}.toml"
    entries = tomllib.loads(file.read_text(encoding="utf-8"))["equation"]
    return tuple(Equation(**entry) for entry in entries)


def resolve(function: str) -> Callable[..., Any]:
    """Object behind a dotted path such as "jqd.laws.copy_rules.copy_rate".

    Args:
        function: dotted path: a module, then attributes of it.

    Returns:
        The object found there.

    Raises:
        ValueError: if no module or no attribute of that name exists.
    """
    parts = function.split(".")
    for length in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:length])
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            # Only the module asked for may be missing, not one that it imports.
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise
            continue
        try:
            return functools.reduce(getattr, parts[length:], found)
        except AttributeError:
            break
    raise ValueError(
        f"Argument `function` must name a function by its dotted path, but "
        f"{function!r} was given."
    )
