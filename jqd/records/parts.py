"""Parts of files: arrays of an archive or columns of a table, by name."""

import inspect
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, TypeVar, get_type_hints

R = TypeVar("R", bound=type)


@dataclass(frozen=True)
class Part:
    """An array of an archive, or a column of a table.

    Attributes:
        name: its name; `x,y` of names that go together, `a|b` of those of which one is
            enough, `p0,p1,..` of columns that are numbered from 0.
        means: shape, meaning and unit.
        optional: whether files may leave it out.
        checks: raise ValueError for an array that it cannot be, by its name.
    """

    name: str
    means: str
    optional: bool = False
    checks: tuple[Callable[[Any, str], None], ...] = ()

    @property
    def stem(self) -> str:
        """The letter before the numbers of numbered columns, else ""."""
        return self.name[0] if self.name.endswith(",..") else ""

    @property
    def names(self) -> list[str]:
        """All names that belong to it."""
        return re.split("[|,]", self.name)

    def there(self, names: Collection[str]) -> bool:
        """Whether it is among these names; numbered columns go from 0 without gaps."""
        if self.stem:
            count = sum(self.numbers(name) for name in names)
            return count > 0 and all(f"{self.stem}{i}" in names for i in range(count))
        return any(
            set(choice.split(",")) <= set(names) for choice in self.name.split("|")
        )

    def numbers(self, name: str) -> bool:
        """Whether a name is one of these numbered columns."""
        return bool(self.stem) and name[:1] == self.stem and name[1:].isdigit()

    def shown(self) -> str:
        """The names in words: one of `a` and `b`; `points`, or `x` and `y`."""
        if self.stem:
            return f"`{self.name}`"
        choices = [listed(choice.split(",")) for choice in self.name.split("|")]
        if len(choices) > 1 and "," not in self.name:
            return f"one of {', '.join(choices[:-1])} and {choices[-1]}"
        return ", or ".join(choices)


def declared(record: type) -> dict[str, Part]:
    """Parts of files by the fields of a class that hold them.

    A field declares what it holds, `x: Annotated[np.ndarray, "[t] positions"]`, or as a
    `Part` where it has another name in files; checks may follow. One with a default is
    optional; one that declares nothing is in no file.
    """
    hints, found = get_type_hints(record, include_extras=True), {}
    for field, given in inspect.signature(record).parameters.items():
        said, *checks = getattr(hints[field], "__metadata__", (None,))
        if said is not None:
            part = said if isinstance(said, Part) else Part(field, said)
            optional = part.optional or given.default is not given.empty
            found[field] = replace(part, optional=optional, checks=tuple(checks))
    return found


def described(record: R) -> R:
    """A class whose docstring lists the parts of files that its fields declare."""
    parts = declared(record).items()
    lines = [f"    {field}: {part.means}." for field, part in parts]
    words = [inspect.cleandoc(record.__doc__ or ""), "", "Attributes:", *lines]
    record.__doc__ = "\n".join(words)
    return record


def listed(names: Collection[str], last: str = "and") -> str:
    """`a`, `b` and `c`."""
    *first, end = (f"`{name}`" for name in names)
    return f"{', '.join(first)} {last} {end}" if first else end
