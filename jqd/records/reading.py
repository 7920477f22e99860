"""Reading files safely: nothing is unpickled, every fault is one line of one grammar.

What a header claims is checked before it is used.
"""

import csv
import importlib.util
import lzma
import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np

from .. import _checks
from ..spaces import SampledPulse, sampled_pulse
from .formats import CSV, KINDS, Format, listed

# The scatter of fourth moments takes eighth powers.
LARGEST = 1e30
_SAME = MappingProxyType[str, str]({})
# What NumPy, zipfile, xarray, Zarr and their decoders raise on damaged bytes.
_DAMAGE = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError,
    OSError, EOFError, MemoryError, SyntaxError, AssertionError, struct.error,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


@dataclass(frozen=True)
class File:
    """A file of numbers, by name: arrays of an archive, columns of a table.

    Attributes:
        path: the file.
        argument: what it was given as, such as "data".
        arrays: what was read of it.
    """

    path: Path
    argument: str = "data"
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

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
        """The error for a damaged file, in one line whatever the reason is."""
        lines = str(reason).splitlines()
        first = lines[0].strip() if lines else ""
        first = first or type(reason).__name__
        return self.complaint(
            "be a whole file", f"is broken or truncated: {first.rstrip('.')}"
        )

    def require(self, good: bool, what: str) -> None:
        """Raise unless the file holds what it must."""
        if not good:
            raise self.complaint(f"hold {what}", "does not")

    def require_norm(self, name: str, norm2: float) -> None:
        """Raise unless a state is normalised, as `_checks.check_state` asks of one."""
        if abs(norm2 - 1) > 1e-6:
            raise self.complaint(
                f"hold a normalised `{name}`", f"has one of squared norm {norm2:.9g}"
            )

    def check_finite(self) -> None:
        """Raise unless every number is finite, and its powers are."""
        for name, array in self.arrays.items():
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
        if array.size and LARGEST < np.max(np.abs(array)) < np.inf:
            raise ValueError(
                f"Argument `{self.argument}` must hold numbers up to {LARGEST:g}, but "
                f"`{name}` in {self.path.name} goes to {np.max(np.abs(array)):g}."
            )

    def real(self, name: str) -> np.ndarray:
        """An array as floats; the imaginary part of a complex one is not dropped.

        Raises:
            ValueError: a complex array.
        """
        array = self.arrays[name]
        if np.iscomplexobj(array):
            raise ValueError(
                f"Argument `{self.argument}` must hold real `{name}`, but in "
                f"{self.path.name} it is {array.dtype}."
            )
        return array.astype(float)

    def scalar(self, name: str, default: float, *, positive: bool = False) -> float:
        """A real number of the file, or what it is where the file has none.

        Raises:
            ValueError: an array, a complex number, or one that must be positive and is
                not.
        """
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
        """The standard deviation that the user gives, or else the file, or None."""
        if given is not None or "sigma" not in self.arrays:
            return given
        return self.scalar("sigma", 0.0, positive=True)

    def times(self) -> tuple[np.ndarray, float]:
        """`t`, strictly increasing, and `t0` (0 unless given), no later than the first.

        Raises:
            ValueError: they are not.
        """
        ts, t0 = np.atleast_1d(self.real("t")), self.scalar("t0", 0.0)
        with naming(self.path):
            _checks.check_times(ts, "t")
        if t0 > ts[0]:
            raise self.complaint(
                "hold times from `t0` on", f"has t0 = {t0:g} and t[0] = {ts[0]:g}"
            )
        return ts, t0


@contextmanager
def naming(path: str | Path | None, argument: str = "") -> Iterator[None]:
    """Let a complaint about what a file holds name the file.

    Args:
        path: the file, or None for values that came from none.
        argument: only complaints about this argument, or about any.
    """
    try:
        yield
    except ValueError as error:
        name, message = "" if path is None else Path(path).name, str(error)
        about = f"Argument `{argument}`" if argument else "Argument `"
        if not name or name in message or not message.startswith(about):
            raise
        named = f"{message.rstrip('.')} (in {name})."
        raise type(error)(named).with_traceback(error.__traceback__) from None


def existing(path: str | Path, kind: str) -> File:
    """The file, not read yet: there, not empty, and ending as files of this kind do.

    Args:
        path: the file.
        kind: one of `formats.KINDS`.

    Raises:
        ValueError: no such file, an empty one, another ending.
    """
    of, path = KINDS[kind], Path(path)
    argument = f"Argument `{of.argument}` must"
    if not path.exists():
        raise ValueError(f"{argument} be a file, but {path} does not exist.")
    if path.suffix not in of.suffixes:
        endings = ", ".join(of.suffixes)
        raise ValueError(f"{argument} be a file ending in {endings}, but is {path}.")
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError(f"{argument} hold data, but {path} is empty.")
    return File(path, of.argument)


def read(path: str | Path, kind: str) -> File:
    """All columns of a table, or arrays of numbers of an archive; all finite.

    Args:
        path: .csv with a header, of which lines with # are skipped; .npz, Zarr, netCDF.
        kind: one of `formats.KINDS`.

    Raises:
        ValueError: another kind of file, a broken one, values that are not finite.
    """
    file = existing(path, kind)
    if file.path.suffix == ".csv":
        arrays = _columns(file)
    elif file.path.suffix == ".npz":
        arrays = _npz_arrays(file)
    else:
        arrays = _dataset_arrays(file)
    numbers = {k: v for k, v in arrays.items() if v.dtype.kind in "biufc"}
    file = replace(file, arrays=numbers)
    file.check_finite()
    return file


def format_of(kind: str, file: File, suffix: str) -> Format:
    """The format that a file has, by the names in it.

    Args:
        kind: one of `KINDS`.
        file: what was read.
        suffix: the columns of a .csv must all be known; an archive may hold more.

    Raises:
        ValueError: what the nearest format lacks, or names of two formats.
    """
    names, of = list(file.arrays), KINDS[kind]
    found = of.fitting(names, suffix)
    if len(found) == 1:
        return found[0]
    formats = [one for one in of.formats if suffix in one.suffixes]
    if suffix in CSV:
        wanted = listed([one.header for one in formats], "or")
        raise file.complaint(f"have columns {wanted}", f"has {','.join(names)}")
    if found:
        both = " and ".join(one.data for one in found)
        raise file.complaint("hold data of one kind", f"holds {both}")
    told = [one for one in formats if one.needed[1].there(names)]
    check_parts((told or formats)[0], file)
    raise AssertionError("a format that misses nothing was found")


def check_parts(one: Format, file: File, renamed: Mapping[str, str] = _SAME) -> None:
    """Raise where a part of a format is missing.

    Args:
        one: the format.
        file: what was read.
        renamed: names in this file of names of the table.

    Raises:
        ValueError: what is missing, and what there is.
    """
    needed = [replace(p, name=renamed.get(p.name, p.name)) for p in one.needed]
    lacking = [part.shown() for part in needed if not part.there(file.arrays)]
    if lacking:
        raise file.complaint(
            f"hold {' and '.join(lacking)} for {one.data}",
            f"has {', '.join(sorted(file.arrays)) or 'none'}",
        )


def load_matrix(path: str | Path) -> np.ndarray:
    """A matrix from .npy, .npz (one array, or one named `hamiltonian`) or CSV.

    Args:
        path: file; complex CSV entries read as `1.5-0.2j`.

    Returns:
        Array of rank 2.

    Raises:
        ValueError: unreadable, truncated or pickled file, or another rank.
    """
    return _array_of(existing(path, "matrix"), 2)


def load_state(path: str | Path) -> np.ndarray:
    """A state: like `load_matrix`, of rank 1, and one named `psi0`."""
    return _array_of(existing(path, "state"), 1)


def load_pulse(path: str | Path) -> SampledPulse:
    """A pulse from a table of its values, joined by a cubic spline.

    Args:
        path: .csv with the columns t and f.

    Raises:
        ValueError: unreadable file, other columns, fewer than four times or times that
            do not increase.
    """
    file = read(path, "pulse")
    format_of("pulse", file, file.path.suffix)
    with naming(file.path):
        return sampled_pulse(file["t"], file["f"])


def _array_of(file: File, rank: int) -> np.ndarray:
    """The array of a file, under the name of the argument or alone."""
    name = file.argument
    if file.path.suffix == ".csv":
        try:
            array = np.loadtxt(file.path, delimiter=",", dtype=complex, ndmin=2)
        except (ValueError, UnicodeDecodeError) as error:
            raise file.broken(error) from None
        array = array if np.imag(array).any() else np.real(array)
    elif file.path.suffix == ".npz":
        (array,) = _npz_arrays(file, name).values()
    else:
        with _numpy_file(file) as handle:
            array = _array(file, handle, file.path.stat().st_size, file.path.name)
    if array.dtype.kind not in "biufc":
        raise file.complaint("hold numbers", f"holds {array.dtype}")
    file.check_size(name, array)
    array = array.reshape(-1) if rank == 1 and array.size in array.shape else array
    if array.ndim != rank:
        raise file.complaint(f"have {rank} axes", f"has shape {array.shape}")
    return array


def _columns(file: File) -> dict[str, np.ndarray]:
    try:
        with file.path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle)
            rows = [
                (reader.line_num, [cell.strip() for cell in row])
                for row in reader
                if row and not row[0].lstrip().startswith("#")
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise file.broken(error) from None
    if len(rows) < 2:
        raise file.complaint("have a header and rows", f"has {len(rows)} lines")
    (_, header), *body = rows
    check_header(file, header)
    for line, row in body:
        if len(row) != len(header):
            raise ValueError(
                f"Argument `{file.argument}` must have {len(header)} columns, but line "
                f"{line} of {file.path.name} has {len(row)}."
            )
        bad = [cell for cell in row if not _is_number(cell)]
        if bad:
            raise ValueError(
                f"Argument `{file.argument}` must hold numbers, but line {line} of "
                f"{file.path.name} has {bad[0]!r}."
            )
    table = np.array([row for _, row in body], float)
    return {name: table[:, k] for k, name in enumerate(header)}


def check_header(file: File, header: list[str]) -> None:
    """Raise where a table has a column twice."""
    if len(set(header)) < len(header):
        raise file.complaint("have each column once", f"has {','.join(header)}")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@contextmanager
def _whole(file: File):
    """Turn what decoders raise into one line; the block says nothing of its own."""
    try:
        yield
    except _DAMAGE as error:
        raise file.broken(error) from None


def _npz_arrays(file: File, one: str = "") -> dict[str, np.ndarray]:
    """Arrays of an .npz file by name: all, or the one of that name, or the only one."""
    arrays = {}
    with ExitStack() as stack:
        handle = stack.enter_context(_numpy_file(file))
        with _whole(file):
            archive = stack.enter_context(zipfile.ZipFile(handle))
            members = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
        wanted = list(members)
        if one and one not in members and len(members) != 1:
            there = ", ".join(members) or "none"
            raise file.complaint(f"hold an array `{one}`", f"has {there}")
        for name in [one] if one in members else wanted:
            with _whole(file):
                member = stack.enter_context(archive.open(members[name]))
            label = f"`{name}` in {file.path.name}"
            arrays[name] = _array(file, member, members[name].file_size, label)
    return arrays


@contextmanager
def _numpy_file(file: File) -> Iterator[IO[bytes]]:
    """The file, open at its start; one of another kind, a pickle too, is refused."""
    with file.path.open("rb") as handle:
        if not handle.read(6).startswith((b"\x93NUMPY", b"PK")):
            raise file.complaint("be a NumPy file", "is not one (a pickle is refused)")
        handle.seek(0)
        yield handle


def _array(file: File, handle: IO[bytes], size: int, label: str) -> np.ndarray:
    """An array in NumPy's format, of no more bytes than there are."""
    with _whole(file):
        version = np.lib.format.read_magic(handle)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read(handle)
        place = handle.tell()
    if dtype.hasobject:
        raise ValueError(
            f"Argument `{file.argument}` must hold plain numbers, but {label} is a "
            "pickled object, which is never unpickled."
        )
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or claimed > size - place:
        raise file.broken(f"{label} claims {claimed} bytes, but holds {size - place}")
    _checks.check_memory(claimed, file.argument, label)
    with _whole(file):
        values = np.frombuffer(bytearray(handle.read(claimed)), dtype)
        handle.read(1)  # past the end, where zipfile compares the checksum
        return values.reshape(shape, order="F" if fortran else "C")


def _dataset_arrays(file: File) -> dict[str, np.ndarray]:
    """Variables, coordinates and plain attributes of a Zarr or netCDF file by name."""
    import xarray as xr

    options: dict[str, Any] = {"engine": "zarr", "consolidated": False}
    if file.path.suffix != ".zarr":
        options = {"engine": _netcdf_engine(file)}
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        # of damaged files; what comes of them is one line of ours
        warnings.simplefilter("ignore")
        with _whole(file):
            dataset = stack.enter_context(
                xr.open_dataset(file.path, decode_times=False, **options)
            )
            needed = sum(variable.nbytes for variable in dataset.variables.values())
        _checks.check_memory(needed, file.argument, file.path.name)
        with _whole(file):
            arrays = {
                # rows are times, whatever the order of the axes in the file
                str(name): np.asarray(
                    dataset[name].transpose("t", ..., missing_dims="ignore")
                )
                for name in dataset.variables
            }
            return arrays | {
                str(name): np.asarray(value)
                for name, value in dataset.attrs.items()
                if isinstance(value, int | float | np.number)
            }


def _netcdf_engine(file: File) -> str:
    with file.path.open("rb") as handle:
        head = handle.read(8)
    if head.startswith(b"CDF"):
        return "scipy"
    if head != b"\x89HDF\r\n\x1a\n":
        raise file.broken("it is neither netCDF-3 nor netCDF-4")
    for engine in ("h5netcdf", "netCDF4"):
        if importlib.util.find_spec(engine) is not None:
            return engine.lower()
    raise file.complaint(
        "be .npz, Zarr or netCDF-3 without h5netcdf",
        "is netCDF-4; `pip install h5netcdf` makes it readable",
    )
