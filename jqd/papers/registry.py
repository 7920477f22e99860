"""The registry: what each paper's modules say of its equations and claims.

A module `jqd/papers/<paper>/<part>.py` declares an entry where its function is: its
number and section, then its verdict,

    equation = equations_of("copying")

    @equation("5", "2.4").corrected("statement ...", printed="...", test="...")
    def copy_rate_from_function(...): ...

what a function of the library computes by a call, `equation(..).holds(..)(flux)`,
and what no function does by `equation("claim-lorentz", "5").open("...")` alone. All
arguments are literals: `load` reads them from the files, of which none is run.
"""

import ast
import functools
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partialmethod
from importlib.util import resolve_name
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

VERDICTS = ("holds", "corrected", "refuted", "open", "not computable")

# What has been imported: entries and their functions, by paper and number.
ENTRIES: dict[tuple[str, str], "Equation"] = {}
FUNCTIONS: dict[tuple[str, str], Any] = {}

# Where parts that have no number stand among the sections, which begin at 2.
_PLACES = {"abstract": 0, "introduction": 1, "Appendix": 3, "beyond": 4}

T = TypeVar("T")


@dataclass(frozen=True)
class Equation:
    """One numbered equation, or one testable claim, of a paper.

    Attributes:
        number: the number in print, or "claim-..." for a claim in the text.
        statement: what it says, in a sentence or two.
        verdict: one of `VERDICTS`.
        section: where it stands in the paper.
        function: dotted path of the function that computes it; may be empty.
        printed: what is wrong in print; empty unless corrected or refuted.
        printed_tex: the formula as printed, TeX, where it differs from the true one.
        tex: the true one.
        test: "file::function" of the test that decides it; may be empty.
    """

    number: str
    statement: str
    verdict: str
    section: str
    function: str = ""
    printed: str = ""
    printed_tex: str = ""
    tex: str = ""
    test: str = ""

    def __post_init__(self):
        if self.verdict not in VERDICTS:
            raise ValueError(
                f"Argument `verdict` must be one of {', '.join(VERDICTS)}, but "
                f"{self.verdict!r} was given for equation {self.number}."
            )


class Declaration(NamedTuple):
    """An entry of a paper that waits for its verdict: one of the five methods.

    Each takes the statement, and `printed`, `printed_tex`, `tex` and `test` as
    `Equation` has them, the path of the test from tests/papers/<paper>/ on, or from
    tests/ on if it has a folder. It returns a decorator that marks the function of the
    entry and leaves it as it is.
    """

    paper: str
    number: str
    section: str

    def _enter(self, verdict: str, statement: str, **said: str) -> Callable[[T], T]:
        key = self.paper, self.number
        ENTRIES[key] = _entry(*self, verdict, statement, **said)

        def mark(function: T) -> T:
            FUNCTIONS[key] = function
            return function

        return mark

    holds = partialmethod(_enter, "holds")
    corrected = partialmethod(_enter, "corrected")
    refuted = partialmethod(_enter, "refuted")
    open = partialmethod(_enter, "open")
    not_computable = partialmethod(_enter, "not computable")


def equations_of(paper: str) -> Callable[[str, str], Declaration]:
    """What begins an entry of one paper, from its number and section."""
    return functools.partial(Declaration, paper)


def papers() -> tuple[str, ...]:
    """Names of the papers, in alphabetical order, as `load` takes them."""
    folders = Path(__file__).parent.iterdir()
    return tuple(sorted(f.name for f in folders if (f / "__init__.py").is_file()))


def load(paper: str) -> list[Equation]:
    """Entries of one paper, read from its modules without importing them.

    Args:
        paper: one of `papers()`.

    Returns:
        Its equations by number, then what has none by its kind and section.

    Raises:
        ValueError: if there is no paper of that name.
    """
    return list(_load(paper))


def resolve(function: str) -> Any:
    """Object behind a dotted path such as "jqd.papers.copying.nodes.least_density".

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
    files = sorted((Path(__file__).parent / paper).glob("*.py"))
    return tuple(sorted((e for file in files for e in _read(file)), key=_place))


def _place(entry: Equation) -> tuple[Any, ...]:
    numbered = re.fullmatch(r"([A-Z]?)(\d+)", entry.number)
    if numbered:
        return "", numbered[1], int(numbered[2])
    part = _PLACES.get(entry.section.split()[0], 2)
    return entry.number.split("-")[0], part, entry.section


def _read(file: Path) -> Iterator[Equation]:
    """What a module declares, in its order."""
    paper = file.parent.name
    package = f"{__package__}.{paper}"
    names: dict[str, str] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            home = resolve_name("." * node.level + (node.module or ""), package)
            names |= {a.asname or a.name: f"{home}.{a.name}" for a in node.names}
        elif isinstance(node, ast.FunctionDef):
            names[node.name] = f"{package}.{file.stem}.{node.name}"
            for call in node.decorator_list:
                yield from _declared(paper, call, names[node.name])
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call, function = node.value, ""
            if isinstance(call.func, ast.Call):
                first, *rest = ast.unparse(call.args[0]).split(".")
                call, function = call.func, ".".join([names[first], *rest])
            yield from _declared(paper, call, function)


def _declared(paper: str, call: ast.expr, function: str) -> Iterator[Equation]:
    """The entry that `equation(number, section).verdict(statement, ...)` makes."""
    match call:
        case ast.Call(
            func=ast.Attribute(
                value=ast.Call(func=ast.Name("equation"), args=place), attr=verdict
            )
        ):
            said = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
            number, section, statement = map(ast.literal_eval, (*place, *call.args))
            found = _entry(paper, number, section, verdict, statement, **said)
            yield replace(found, function=function)


def _entry(
    paper: str, number: str, section: str, verdict: str, statement: str, **said: str
) -> Equation:
    test = said.pop("test", "")
    if test:
        test = f"tests/{test}" if "/" in test else f"tests/papers/{paper}/{test}"
    verdict = verdict.replace("_", " ")
    return Equation(number, statement, verdict, section, test=test, **said)
