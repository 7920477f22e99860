"""The equations and claims of the papers, read from `jqd/papers/<paper>.toml`.

A file has one table an entry, under its number in print:

    [5]
    section = "2.4"
    verdict = "corrected"
    statement = "What it says, true, in a sentence or two."
    printed = "What is wrong in print."
    printed_tex = 'as printed'
    tex = 'as it should be'
    function = "jqd.spaces.Grid.normalise"
    test = "tests/papers/copying/test_individuals.py::test_copy_rates"

A claim of the text has "claim-..." for a number. `section`, `verdict` and `statement`
are always there, `test` where something has been decided, `function` where a function
of jqd computes it: else the test does. Several tests stand on lines of their own, the
first the one that decides most. A long text may be wrapped: a line break counts as a
space. TeX stands in single quotes, in which a backslash is one.
"""

import functools
import importlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

VERDICTS = ("holds", "corrected", "refuted", "open", "not computable")
_UNDECIDED = ("open", "not computable")


@dataclass(frozen=True)
class Equation:
    """One numbered equation, or one testable claim, of a paper.

    Attributes:
        number: the number in print, or "claim-..." for a claim in the text.
        statement: what it says, in a sentence or two.
        verdict: one of `VERDICTS`.
        section: where it stands in the paper.
        function: dotted path of the function of jqd that computes it; empty where its
            test alone does, or nothing.
        printed: what is wrong in print; empty unless corrected or refuted.
        printed_tex: the formula as printed, TeX, where it differs from the true one.
        tex: the true one.
        tests: "file::function" of each test that decides it, or, where it is open, of
            what was tried; may be empty.
    """

    number: str
    statement: str
    verdict: str
    section: str
    function: str = ""
    printed: str = ""
    printed_tex: str = ""
    tex: str = ""
    tests: tuple[str, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether the verdict says more than that nothing is decided."""
        return self.verdict not in _UNDECIDED


def papers() -> tuple[str, ...]:
    """Names of the papers, in alphabetical order, as `load` takes them."""
    return tuple(sorted(file.stem for file in Path(__file__).parent.glob("*.toml")))


def load(paper: str) -> list[Equation]:
    """Entries of one paper.

    Args:
        paper: one of `papers()`.

    Returns:
        Its equations and claims, in the order of its file.

    Raises:
        ValueError: there is no paper of that name, or its file is damaged.
    """
    return list(_load(paper))


def read(file: Path) -> Iterator[Equation]:
    """Entries of a TOML file, in its order.

    Raises:
        ValueError: no TOML, a number that comes twice, or a key that is missing,
            unknown or holds something else; the message names the file and the entry.
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file.name} must be a TOML file, but: {error}") from None
    for number, table in tables.items():
        wrong = _fault(table)
        if wrong:
            raise ValueError(f"{file.name}, entry {number}: {wrong}.")
        texts = {key: re.sub(r"\s*\n\s*", " ", text) for key, text in table.items()}
        tests = tuple(texts.pop("test", "").split())
        yield Equation(number, **texts, tests=tests)


def resolve(function: str) -> Any:
    """Object behind a dotted path such as "jqd.readings.fields.density".

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


@functools.cache
def _load(paper: str) -> tuple[Equation, ...]:
    known = papers()
    if paper not in known:
        raise ValueError(
            f"Argument `paper` must be one of {', '.join(known)}, but {paper!r} was "
            "given."
        )
    return tuple(read(Path(__file__).with_name(f"{paper}.toml")))


def _fault(table: Any) -> str:
    """What is wrong with an entry, empty if nothing is."""
    if not isinstance(table, dict):
        return f"must be a table, but is {table!r}"
    verdict = table.get("verdict")
    needed = ["section", "verdict", "statement"]
    needed += ["test"] * (verdict in VERDICTS and verdict not in _UNDECIDED)
    known = [field.name for field in fields(Equation)[1:-1]] + ["test"]
    for key in needed:
        if key not in table:
            return f"key `{key}` is missing"
    for key, text in table.items():
        if key not in known:
            return f"key `{key}` must be one of {', '.join(known)}"
        if not isinstance(text, str) or not text:
            return f"key `{key}` must be a text, but is {text!r}"
    if verdict not in VERDICTS:
        return f"key `verdict` must be one of {', '.join(VERDICTS)}, but is {verdict!r}"
    return ""
