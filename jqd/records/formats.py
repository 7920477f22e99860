"""Kinds of data and the formats of their files, as each kind declares them.

One declaration says what a page, `--help` and error messages say of a file, which axes
its arrays have, and which functions load, save and show its data.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from .. import _checks
from .contents import Contents
from .file import File, naming
from .parts import Part, declared
from .record import between

CSV, NPZ, STORES = (".csv",), (".npz",), (".zarr", ".nc")
TOML = (".toml",)
ARCHIVES = (*NPZ, *STORES)
# Axes of space, where a format has `..` behind the first one.
AXES = ("x", "y", "z")
# Axes in the meaning of a part, as in [t, class].
_AXES = re.compile(r"\[([^\]]+)\]")
_NONE = MappingProxyType[str, str]({})
# Parts that files of several kinds have.
T = {"t": "[t] times"}
T0 = {"t0": "time of the state; else 0"}
SIGMA = {"sigma": "error of the values, in their unit; else none"}


class Format:
    """The required and optional contents of a kind of file.

    Attributes:
        data: name of the data, in the plural.
        suffixes: suffixes of the files.
        example: a file and a command, or the first lines of a table.
        needed: required parts; the second distinguishes the data from others in files
            with the same suffix.
        optional: optional parts, with the defaults that apply without them.
        axes: axes of arrays by name, in each order and number that they may have.
        record: the class whose fields are the parts; None where a loader makes it.
    """

    def __init__(
        self,
        data: str,
        suffixes: tuple[str, ...],
        example: str,
        needed: Mapping[str, str] | type,
        optional: Mapping[str, str] = _NONE,
        space: Collection[str] = (),
    ):
        """A format, of parts by name with what they mean, or of a class that declares
        them.

        What a part means has the axes of its first name in brackets; all of `space`
        have those of the points of a grid.
        """
        self.data, self.suffixes, self.example = data, suffixes, example
        self.record = needed if isinstance(needed, type) else None
        if isinstance(needed, type):
            self._fields = declared(needed)
        else:
            self._fields = {name: Part(name, means) for name, means in needed.items()}
            self._fields |= {n: Part(n, said, True) for n, said in optional.items()}
        parts = self.parts
        self.needed = tuple(part for part in parts if not part.optional)
        self.optional = tuple(part for part in parts if part.optional)
        self.axes = {
            part.names[0]: [
                tuple(axes.split(", ")) for axes in _AXES.findall(part.means)
            ]
            for part in parts
        } | {name: [(AXES[0], "..")] for name in space}

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts."""
        return tuple(self._fields.values())

    def missing(self, names: Collection[str]) -> list[Part]:
        """Required parts that are not among these names."""
        return [part for part in self.needed if not part.there(names)]

    def admits(self, names: Collection[str]) -> bool:
        """Whether every name is one of its parts."""
        return all(
            any(name == part.name or part.numbers(name) for part in self.parts)
            for name in names
        )

    def made(self, file: File) -> Any:
        """The record of a file, by the class whose fields are the parts."""
        assert self.record is not None
        names = {field: part.name for field, part in self._fields.items()}
        held = {field: file.real(n) for field, n in names.items() if n in file}
        with naming(file.path):
            self._check(file)
        return self.record(**held)

    def _check(self, file: File) -> None:
        """Raise where an array has not the axes that it has here, where two are of
        different lengths along the same one, and for what parts check."""
        sizes: dict[str, int] = {}
        for part in (part for part in self.parts if part.name in file):
            name, array, each = part.name, file[part.name], self.axes[part.name]
            if each:
                axes = next((x for x in each if len(x) == array.ndim), each[0])
                _checks.check_shape(array, name, [sizes.get(axis) for axis in axes])
                sizes |= zip(axes, array.shape, strict=True)
            for check in part.checks:
                check(array, name)

    def held(self, record: Any) -> dict[str, Any]:
        """What a file holds of such a record, by name."""
        return {p.name: getattr(record, field) for field, p in self._fields.items()}

    def contents(self, record: Any) -> Contents:
        """The parts in words, and those as long as the first one in columns."""
        held = {name: np.asarray(x) for name, x in _there(self.held(record)).items()}
        lines = {name: between(x) for name, x in held.items()}
        first = self.needed[0].name
        at = held.pop(first)
        columns = {name: x for name, x in held.items() if x.shape == at.shape}
        return Contents(self.data, lines, (first, at), columns)

    def dims(self, name: str, number: int) -> tuple[str, ...]:
        """Names for so many axes of an array: those that it has here, if there are."""
        for axes in self.axes.get(name, ()):
            if axes[-1] == "..":
                axes = (*axes[:-1], *AXES[1:])[:number]
            if len(axes) == number:
                return axes
        return (name, *(f"{name}_{i}" for i in range(1, number)))[:number]

    @property
    def header(self) -> str:
        """The columns of a table, as in `E,nbar[,sigma]`."""
        needed = ",".join(part.name for part in self.needed)
        return needed + "".join(f"[,{part.name}]" for part in self.optional)

    def section(self) -> tuple[str, str, str]:
        """Data and endings, a table of two columns, which a telephone holds, an
        example."""
        named = f"**{_capital(self.data)}, {' '.join(self.suffixes)}**"
        rows = ["| name | what it holds |", "|---|---|"]
        rows += [f"| {part.shown()} | {part.means} |" for part in self.needed]
        rows += [
            f"| {part.shown()} (optional) | {part.means} |" for part in self.optional
        ]
        lines = "\n".join(self.example.strip("`").split("` / `"))
        # `python` would be code to run, as it stands
        return named, "\n".join(rows), f"```text\n{lines}\n```"


@dataclass(frozen=True)
class Kind:
    """Data of one kind: what their files hold, and what loads, saves and shows them.

    Attributes:
        name: as in messages about files of several kinds.
        argument: its name in errors.
        options: command-line options that take it.
        formats: formats of its files.
        load: the function that loads a file.
        records: the class of what it returns, or classes.
        show: what such a record holds, in words and columns; None for that which a
            format says of its class.
        held: the name of the data of a record, and what a file at a path holds of it,
            by name, None for nothing. None where a format has its class, or where no
            file is written.
    """

    name: str
    argument: str
    options: str
    formats: tuple[Format, ...]
    load: Callable[..., Any]
    records: type | tuple[type, ...]
    show: Callable[[Any], Contents] | None = None
    held: Callable[[Any, Path], tuple[str, Mapping[str, Any]]] | None = None

    @property
    def loader(self) -> str:
        """Name of the function that loads it."""
        return self.load.__name__

    @cached_property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of all its files, each once."""
        each = (suffix for one in self.formats for suffix in one.suffixes)
        return tuple(dict.fromkeys(each))

    def fitting(self, names: Collection[str], suffix: str) -> list[Format]:
        """The formats that the names in a file match; exactly one for a sound file.

        Args:
            suffix: suffix of the file. The columns of a .csv must all be known; an
                archive may hold more.
        """
        return [
            one
            for one in self.formats
            if suffix in one.suffixes
            and not one.missing(names)
            and (suffix not in CSV or one.admits(names))
        ]

    def in_file(self, record: Any, path: Path) -> tuple[str, Mapping[str, Any]]:
        """The name of the data of a record, and what a file holds of it, by name."""
        if self.held is not None:
            data, values = self.held(record, path)
            return data, _there(values)
        if (one := self._format_of(record)) is None:
            raise ValueError(
                "Argument `record` must be data of which a file can be written, but is "
                f"a {type(record).__name__}."
            )
        return one.data, _there(one.held(record))

    def contents(self, record: Any) -> Contents:
        """What a record holds, in words and columns."""
        if self.show is not None:
            return self.show(record)
        one = self._format_of(record)
        assert one is not None
        return one.contents(record)

    def _format_of(self, record: Any) -> Format | None:
        """The format that has the class of a record, if there is one."""
        return next((one for one in self.formats if one.record is type(record)), None)

    def help(self) -> str:
        """The `--help` text of an option that takes it."""
        by_suffix: dict[tuple[str, ...], list[Format]] = {}
        for one in self.formats:
            by_suffix.setdefault(one.suffixes, []).append(one)
        data = " or ".join(dict.fromkeys(one.data for one in self.formats))
        files = "; ".join(
            f"{', '.join(suffixes)} with {_joint(formats)}"
            for suffixes, formats in by_suffix.items()
        )
        return f"{_capital(data)}: {files}."

    def section(self) -> str:
        """Its section of docs/files.md, in Markdown."""
        title = " and ".join(dict.fromkeys(one.data for one in self.formats))
        taken = f"Taken by {self.options}; `{self.loader}`."
        formats = (text for one in self.formats for text in one.section())
        return "\n\n".join([f"## {_capital(title)}", taken, *formats])


def _there(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are there: not None, and no empty text."""
    return {
        name: x for name, x in values.items()
        if x is not None and not (isinstance(x, str) and not x)
    }  # fmt: skip


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _joint(formats: list[Format]) -> str:
    """What files of one ending hold: what all need, and what each needs besides."""
    if len(formats) == len(formats[0].needed) == 1:
        (part,) = formats[0].needed
        return f"an array {part.name}: {part.means}"
    if formats[0].suffixes == CSV:
        return f"columns {' or '.join(one.header for one in formats)}"
    first, *others = (
        [part.name.replace("|", " or ") for part in one.needed] for one in formats
    )
    common = [name for name in first if all(name in other for other in others)]
    own = [
        ", ".join(name for name in names if name not in common)
        for names in (first, *others)
    ]
    if any("," in names for names in own):
        own = [f"({names})" for names in own]
    return ", ".join(common) + f" and {' or '.join(own)}" * bool(others)
