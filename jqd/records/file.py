"""A file of named numbers, and its error messages: one line each, of the same form."""

import lzma
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from .. import _checks

# Peak memory of reading, in sizes of the array: the array, and the copy in another
# type that a record keeps.
PEAK = 2
# Number of values that are checked together, which avoids a copy of all.
_BLOCK = 2**18
# The scatter of fourth moments takes eighth powers.
LARGEST = 1e30
# Errors that NumPy, zipfile, xarray, Zarr and their decoders raise on damaged bytes.
_DAMAGE = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError,
    OSError, EOFError, MemoryError, SyntaxError, AssertionError, struct.error,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip

_SAME = MappingProxyType[str, str]({})


@dataclass(frozen=True)
class File:
    """A file of numbers, by name: arrays of an archive, columns of a table.

    Attributes:
        path: the file.
        argument: name of the argument that gave it, such as "data".
        arrays: the arrays that were read.
        dims: names of their axes, where the file has any.
    """

    path: Path
    argument: str = "data"
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    dims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def complaint(self, must: str, but: str) -> ValueError:
        """The error "Argument `data` must .., but FILE .."."""
        return ValueError(
            f"Argument `{self.argument}` must {must}, but {self.path.name} {but}."
        )

    def broken(self, reason: Exception | str) -> ValueError:
        """The error for a damaged file, in one line for any reason."""
        lines = str(reason).splitlines()
        first = lines[0].strip() if lines else ""
        first = first or type(reason).__name__
        return self.complaint(
            "be a whole file", f"is broken or truncated: {first.rstrip('.')}"
        )

    def require(self, good: bool, what: str) -> None:
        """Raise unless the file meets a requirement."""
        if not good:
            raise self.complaint(f"hold {what}", "does not")

    def require_norm(self, name: str, norm2: float) -> None:
        """Raise unless a state is normalised, as in `_checks.check_state`."""
        if abs(norm2 - 1) > 1e-6:
            raise self.complaint(
                f"hold a normalised `{name}`", f"has one of squared norm {norm2:.9g}"
            )

    def check_finite(self) -> None:
        """Raise unless all numbers and their powers are finite."""
        for name, array in self.arrays.items():
            bad: Any = ()
            if not all(np.isfinite(part).all() for part in _parts(array)):
                bad = np.argwhere(~np.isfinite(array))
            if len(bad):
                place = f" at {bad[0].tolist()}" if array.ndim else ""
                raise ValueError(
                    f"Argument `{self.argument}` must be finite, but `{name}` in "
                    f"{self.path.name} is {array[tuple(bad[0])]}{place}."
                )
            self.check_size(name, array)

    def check_size(self, name: str, array: np.ndarray) -> None:
        """Raise where a number is so large that its powers overflow."""
        tops = (np.max(np.abs(part)) for part in _parts(array))
        # beside half floats Python's would overflow
        largest = max(map(np.longdouble, tops), default=0.0)
        if LARGEST < largest < np.inf:
            raise ValueError(
                f"Argument `{self.argument}` must hold numbers up to {LARGEST:g}, but "
                f"`{name}` in {self.path.name} goes to {largest:g}."
            )

    def real(self, name: str) -> np.ndarray:
        """An array as floats; a complex one is refused, not cut to its real part."""
        array = self.arrays[name]
        if np.iscomplexobj(array):
            raise ValueError(
                f"Argument `{self.argument}` must hold real `{name}`, but in "
                f"{self.path.name} it is {array.dtype}."
            )
        return array.astype(float, copy=False)

    def scalar(self, name: str, default: float, *, positive: bool = False) -> float:
        """A real number of the file, or the default where the file has none."""
        if name not in self.arrays:
            return default
        if self.arrays[name].size != 1:
            raise self.complaint(
                f"hold one number as `{name}`", f"has shape {self.arrays[name].shape}"
            )
        value = self.real(name).item()
        if positive and value <= 0:
            raise ValueError(
                f"Argument `{name}` must be positive, but in {self.path.name} it is "
                f"{value:g}."
            )
        return value

    def sigma(self, given: float | None) -> float | None:
        """The standard deviation from the user, else from the file, else None."""
        if given is not None or "sigma" not in self.arrays:
            return given
        return self.scalar("sigma", 0.0, positive=True)

    def times(self) -> tuple[np.ndarray, float]:
        """`t`, strictly increasing, and `t0` (0 unless given), not after the first."""
        ts, t0 = np.atleast_1d(self.real("t")), self.scalar("t0", 0.0)
        with naming(self.path):
            _checks.check_times(ts, "t")
        if t0 > ts[0]:
            raise self.complaint(
                "hold times from `t0` on", f"has t0 = {t0:g} and t[0] = {ts[0]:g}"
            )
        return ts, t0


@contextmanager
def naming(
    path: str | Path | None, argument: str = "", called: Mapping[str, str] = _SAME
) -> Iterator[None]:
    """Let errors about the contents of a file name the file.

    Args:
        path: the file, or None for values that did not come from a file.
        argument: only errors about this argument; "" for any.
        called: other names of arguments, as the user knows them.
    """
    try:
        yield
    except ValueError as error:
        name, message = "" if path is None else Path(path).name, str(error)
        about = f"Argument `{argument}`" if argument else "Argument `"
        if not name or name in message or not message.startswith(about):
            raise
        for ours, theirs in called.items():
            message = re.sub(rf"\b{ours}(?=[`\[])", theirs, message)
        named = f"{message.rstrip('.')} (in {name})."
        raise type(error)(named).with_traceback(error.__traceback__) from None


@contextmanager
def whole(file: File):
    """Turn errors of decoders into one line; the block raises no errors of jqd."""
    try:
        yield
    except _DAMAGE as error:
        raise file.broken(error) from None


def _parts(array: np.ndarray) -> Iterator[np.ndarray]:
    """All values of an array, a few at a time."""
    flat = array.ravel(order="K")  # a view, in whatever order they lie
    for start in range(0, flat.size, _BLOCK):
        yield flat[start : start + _BLOCK]
