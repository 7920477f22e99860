"""What of jqd is public: the names that its packages export, each once."""

import ast
import contextlib
import importlib
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jqd

PACKAGE = Path(jqd.__file__).parent


class Name(NamedTuple):
    """A public name.

    Attributes:
        room: dotted path of the package or module that exports it.
        name: in that room.
        value: what it is.
        home: the shortest dotted path under which the same thing is exported.
    """

    room: str
    name: str
    value: Any
    home: str

    @property
    def path(self) -> str:
        return f"{self.room}.{self.name}"


def rooms() -> dict[str, list[Name]]:
    """Public names by room, those of `jqd` itself first, submodules left out."""
    found: dict[str, dict[str, Any]] = {}
    for room in sorted(packages(), key=lambda r: (r.count("."), r)):
        exported = {name: getattr(load(room), name) for name in exports(room)}
        found[room] = {
            k: v for k, v in exported.items() if not isinstance(v, ModuleType)
        }
        for module in exported.values():
            if isinstance(module, ModuleType) and not hasattr(module, "__path__"):
                found[module.__name__] = own(module)
    add_what_they_name(found)
    homes: dict[int, str] = {}
    for room, names in found.items():
        for name, value in names.items():
            if not is_plain(value):
                homes.setdefault(id(value), f"{room}.{name}")
    return {
        room: [
            Name(room, name, value, homes.get(id(value), f"{room}.{name}"))
            for name, value in names.items()
        ]
        for room, names in found.items()
        if names
    }


def add_what_they_name(found: dict[str, dict[str, Any]]) -> None:
    """Classes that public names take or return, which no package exports.

    Each stands in the room that its module lies in.
    """
    known = {id(value) for names in found.values() for value in names.values()}
    waiting = [value for names in found.values() for value in names.values()]
    while waiting:
        for kind in named_classes(waiting.pop()):
            path = f"{kind.__module__}.{kind.__qualname__}"
            public = path.startswith("jqd.") and "._" not in path
            if public and id(kind) not in known:
                known.add(id(kind))
                waiting.append(kind)
                room = max((r for r in found if path.startswith(f"{r}.")), key=len)
                found[room][path.removeprefix(f"{room}.")] = kind


def named_classes(value: Any) -> Iterator[type]:
    """Classes in the annotations of a function, or of a class and its methods."""
    members = [value, *(vars(value).values() if inspect.isclass(value) else ())]
    for member in members:
        member = getattr(member, "fget", member)
        member = getattr(member, "__func__", member)
        if callable(member) or inspect.isclass(member):
            # What stands in quotes may name a module that is not imported.
            with contextlib.suppress(Exception):
                hints = typing.get_type_hints(inspect.unwrap(member))
                yield from (k for hint in hints.values() for k in leaves(hint))


def leaves(hint: Any) -> Iterator[type]:
    """The classes that an annotation is made of."""
    if inspect.isclass(hint) and not typing.get_args(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from leaves(part)


def packages() -> Iterator[str]:
    """Dotted names of all packages."""
    for file in PACKAGE.rglob("__init__.py"):
        parts = file.parent.relative_to(PACKAGE.parent).parts
        if not any(part.startswith("_") for part in parts):
            yield ".".join(parts)


def load(room: str) -> ModuleType:
    return importlib.import_module(room)


def exports(room: str) -> list[str]:
    """Names that an `__init__` imports as themselves, in its order."""
    file = PACKAGE.joinpath(*room.split(".")[1:], "__init__.py")
    return [
        alias.name
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name and not alias.name.startswith("_")
    ]


def own(module: ModuleType) -> dict[str, Any]:
    """Functions and classes that a module defines."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and kind(value) != "autodata"
        and getattr(value, "__module__", "") == module.__name__
    }


def is_plain(value: Any) -> bool:
    """Whether equal values are one object in Python, whatever they stand for."""
    return value is None or isinstance(value, bool | int | float | str | tuple)


def kind(value: Any) -> str:
    """The directive of autodoc that describes it."""
    if inspect.isclass(value):
        return "autoclass"
    # A compiled function is an object of JAX's that wraps one.
    if inspect.isroutine(getattr(value, "__wrapped__", value)):
        return "autofunction"
    return "autodata"


def summary(value: Any) -> str:
    """First line of a docstring, empty where a value has none of its own."""
    described = kind(value) != "autodata"
    text = inspect.getdoc(value) if described else ""
    return (text or "").split("\n\n")[0].replace("\n", " ")
