"""Commands in a list, before they are imported; messages in the words of options."""

import ast
import re
from collections.abc import Callable, Collection, Sequence
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


# Options by arguments of Python, where they differ in more than a dash.
OPTIONS = {
    "H": "hamiltonian",
    "axes": "vary",
    "candidates": "times",
    "engine": "ray",
    "fading": "nuisance fading",
    "flip": "nuisance flip",
    "infidelity": "lambda",
    "infidelity_error": "lambda-error",
    "nuisances": "nuisance",
    "psi": "state",
    "psi0": "state",
    "readout": "nuisance readout",
    "rho": "nuisance rho",
    "rival": "against",
}
# A file may hold these, too, or a run folder: they are options where they were typed.
HELD = ("levels", "mass", "n_max", "points", "shots", "sigma", "store", "t0")
_HEAD = re.compile(r"Arguments? `.*?(?= must )")
_NAME = re.compile(r"`([A-Za-z_]\w*)(?=[`\[])")
# What else would tell, as in "say by `columns` which is which" or "(`chunk`)".
_TELLS = re.compile(r"(?:(?<=by `)|(?<=\(`))[a-z_]+(?=`)")


def by_options(
    message: str, known: Collection[str], words: Sequence[str], store: str = "store"
) -> str:
    """The message with options of a command for the arguments it is about.

    Args:
        message: "Argument `psi0` must ..": other texts, and names that are no option
            of the command, stay as they are.
        known: options of the command, such as --state.
        words: what was typed.
        store: what the command calls the place of a sweep, such as --out.
    """
    typed = {word.partition("=")[0] for word in words}

    head = _HEAD.match(message)
    if head is None:
        return message
    rest = message[head.end() :]
    # what was not given was not typed: the option is how to give it
    lacking = rest.startswith(" must be given")

    def option(name: re.Match[str]) -> str:
        if name[1] == "store" != store:
            return f"`{store}"
        for said in (name[1].replace("_", "-"), OPTIONS.get(name[1], "")):
            flag = f"--{said.partition(' ')[0]}"
            if flag in known and (name[1] not in HELD or flag in typed or lacking):
                return f"`--{said}"
        return name[0]

    def telling(name: re.Match[str]) -> str:
        flag = f"--{name[0]}"
        return flag if flag in known else name[0]

    return _NAME.sub(option, head[0]) + _TELLS.sub(telling, rest)
