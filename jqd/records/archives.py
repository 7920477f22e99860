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
from typing import IO, Any

import numpy as np

from .. import _checks
from .file import File

# What NumPy, zipfile, xarray, Zarr and their decoders raise on damaged bytes.
_DAMAGE = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError,
    OSError, EOFError, MemoryError, SyntaxError, AssertionError, struct.error,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


@contextmanager
def _whole(file: File):
    """Turn what decoders raise into one line; the block says nothing of its own."""
    try:
        yield
    except _DAMAGE as error:
        raise file.broken(error) from None


def npy_array(file: File) -> np.ndarray:
    """The array of an .npy file; nothing is unpickled.

    Raises:
        ValueError: another kind of file, a damaged one, pickled objects, or more
            numbers than memory holds.
    """
    with file.path.open("rb") as handle:
        _check_magic(file, handle.read(6))
        handle.seek(0)
        return _array(file, handle, file.path.stat().st_size, file.path.name)


def npz_names(file: File) -> list[str]:
    """Names of the arrays of an .npz file."""
    with file.path.open("rb") as handle:
        _check_magic(file, handle.read(6))
    with _whole(file), zipfile.ZipFile(file.path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def npz_arrays(file: File, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Arrays of an .npz file by name; all, or these.

    Raises:
        ValueError: as for `npy_array`.
    """
    wanted = npz_names(file) if names is None else list(names)
    arrays = {}
    with _whole(file), zipfile.ZipFile(file.path) as archive:
        members = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
    for name in wanted:
        with _whole(file):
            archive = zipfile.ZipFile(file.path)
        with archive:
            with _whole(file):
                handle = archive.open(members[name])
            label = f"`{name}` in {file.path.name}"
            arrays[name] = _array(file, handle, members[name].file_size, label)
    return arrays


def _check_magic(file: File, head: bytes) -> None:
    if not head.startswith((b"\x93NUMPY", b"PK")):
        raise file.complaint("be a NumPy file", "is not one (a pickle is refused)")


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


def dataset_arrays(file: File) -> dict[str, np.ndarray]:
    """Variables, coordinates and plain attributes of a Zarr or netCDF file by name.

    Raises:
        ValueError: a damaged file, one that needs a reader that is not installed, or
            more numbers than memory holds.
    """
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
