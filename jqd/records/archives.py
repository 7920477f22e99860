"""Reading .npy, .npz, Zarr and netCDF: what a header claims is checked before use."""

import importlib.util
import lzma
import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from .. import _checks

# What NumPy, zipfile, xarray, Zarr and their decoders raise on damaged bytes.
_DAMAGE = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError,
    OSError, EOFError, MemoryError, SyntaxError, AssertionError, struct.error,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


def broken(path: Path, error: Exception | str) -> str:
    """The line for a file that is damaged."""
    lines = str(error).splitlines()
    reason = lines[0].strip() if lines else ""
    reason = reason or type(error).__name__
    return (
        f"Argument `path` must be a whole file, but {path.name} is broken or "
        f"truncated: {reason.rstrip('.')}."
    )


@contextmanager
def _whole(path: Path):
    """Turn what decoders raise into one line; the block says nothing of its own."""
    try:
        yield
    except _DAMAGE as error:
        raise ValueError(broken(path, error)) from None


def npy_array(path: Path) -> np.ndarray:
    """The array of an .npy file; nothing is unpickled.

    Raises:
        ValueError: another kind of file, a damaged one, pickled objects, or more
            numbers than memory holds.
    """
    with path.open("rb") as file:
        _check_magic(path, file.read(6))
        file.seek(0)
        return _array(path, file, path.stat().st_size, path.name)


def npz_names(path: Path) -> list[str]:
    """Names of the arrays of an .npz file."""
    with path.open("rb") as file:
        _check_magic(path, file.read(6))
    with _whole(path), zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def npz_arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Arrays of an .npz file by name; all, or these.

    Raises:
        ValueError: as for `npy_array`.
    """
    wanted = npz_names(path) if names is None else list(names)
    arrays = {}
    with _whole(path), zipfile.ZipFile(path) as archive:
        members = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
    for name in wanted:
        with _whole(path):
            archive = zipfile.ZipFile(path)
        with archive:
            with _whole(path):
                file = archive.open(members[name])
            label = f"`{name}` in {path.name}"
            arrays[name] = _array(path, file, members[name].file_size, label)
    return arrays


def _check_magic(path: Path, head: bytes) -> None:
    if not head.startswith((b"\x93NUMPY", b"PK")):
        raise ValueError(
            f"Argument `path` must be a NumPy file, but {path.name} is not one "
            "(a pickle is refused)."
        )


def _array(path: Path, file: IO[bytes], size: int, label: str) -> np.ndarray:
    """An array in NumPy's format, of no more bytes than there are."""
    with _whole(path):
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read(file)
        place = file.tell()
    if dtype.hasobject:
        raise ValueError(
            f"Argument `path` must hold plain numbers, but {label} is a pickled "
            "object, which is never unpickled."
        )
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or claimed > size - place:
        raise ValueError(
            broken(path, f"{label} claims {claimed} bytes, but holds {size - place}")
        )
    _checks.check_memory(claimed, "path", label)
    with _whole(path):
        values = np.frombuffer(bytearray(file.read(claimed)), dtype)
        file.read(1)  # past the end, where zipfile compares the checksum
        return values.reshape(shape, order="F" if fortran else "C")


def dataset_arrays(path: Path) -> dict[str, np.ndarray]:
    """Variables, coordinates and plain attributes of a Zarr or netCDF file by name.

    Raises:
        ValueError: a damaged file, one that needs a reader that is not installed, or
            more numbers than memory holds.
    """
    import xarray as xr

    options: dict[str, Any] = {"engine": "zarr", "consolidated": False}
    if path.suffix != ".zarr":
        options = {"engine": _netcdf_engine(path)}
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        # of damaged files; what comes of them is one line of ours
        warnings.simplefilter("ignore")
        with _whole(path):
            dataset = stack.enter_context(
                xr.open_dataset(path, decode_times=False, **options)
            )
            needed = sum(variable.nbytes for variable in dataset.variables.values())
        _checks.check_memory(needed, "path", path.name)
        with _whole(path):
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


def _netcdf_engine(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"CDF"):
        return "scipy"
    if head != b"\x89HDF\r\n\x1a\n":
        raise ValueError(broken(path, "it is neither netCDF-3 nor netCDF-4"))
    for engine in ("h5netcdf", "netCDF4"):
        if importlib.util.find_spec(engine) is not None:
            return engine.lower()
    raise ValueError(
        f"Argument `path` must be .npz, Zarr or netCDF-3 without h5netcdf, but "
        f"{path.name} is netCDF-4; `pip install h5netcdf` makes it readable."
    )
