"""Whole files or none, plain data, and the origin of a result."""

import contextlib
import datetime
import hashlib
import itertools
import json
import math
import os
import platform
import shlex
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ._redaction import without_secrets
from ._revision import COMMAND, revision, sources
from ._version import __version__


class OutputError(ValueError):
    """Results cannot be written where the user wants them.

    Attributes:
        place: the file or folder, where the file system had trouble with one.
        reason: what it said.
    """

    place: Path | None = None
    reason: str = ""

    @classmethod
    def of(cls, place: Path, argument: str, reason: str) -> "OutputError":
        """The error of a file system, in one line."""
        error = cls(
            f"Argument `{argument}` must be a writable folder, but {place}: {reason}."
        )
        error.place, error.reason = place, reason
        return error


class Interrupted(KeyboardInterrupt):
    """The user stopped a run; the message says where its finished files lie."""


def as_path(path: Any, argument: str = "path") -> Path:
    """A path that was given as text or as one.

    Raises:
        ValueError: it is something else, bytes or an open file for instance.
    """
    if not isinstance(path, str | os.PathLike):
        what = "None" if path is None else f"of type {type(path).__name__}"
        raise ValueError(f"Argument `{argument}` must be a path, but is {what}.")
    return Path(path)


@contextlib.contextmanager
def finished_work_in(folder: Path, resume_with: str = "") -> Iterator[None]:
    """Let an interruption of the block say whether finished files lie in `folder`.

    Args:
        folder: the run folder.
        resume_with: command that takes the run up again, with the folder after it.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        # a name with a dot is a mark of the run itself
        if not any(path.is_file() for path in folder.rglob("[!.]*")):
            raise Interrupted(f"no file was finished in {folder}") from error
        where = shlex.quote(str(folder))
        further = f"; go on with: {resume_with} {where}" if resume_with else ""
        raise Interrupted(f"finished files are in {folder}{further}") from error


def to_plain(value: Any) -> Any:
    """Turn a nested result into what JSON can hold.

    Args:
        value: dicts, lists, numbers, strings, None, NumPy and JAX arrays and scalars.

    Returns:
        The same of dict, list, int, float, bool, str and None. NaN and infinity, which
        JSON lacks, become None; a complex number becomes `{"real": ..., "imag": ...}`.

    Raises:
        TypeError: for any other type.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, complex):
        return {"real": to_plain(value.real), "imag": to_plain(value.imag)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return to_plain(np.asarray(value).tolist())
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"JSON cannot hold a {type(value).__name__}: {value!r}")


def to_json(value: Any) -> str:
    """The JSON text of a nested result; see `to_plain` for what it may hold."""
    return json.dumps(to_plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def write_json(value: Any, path: str | Path) -> Path:
    """Write a nested result as JSON.

    Args:
        value: anything that `to_plain` accepts.
        path: the file.

    Returns:
        The path.

    Raises:
        OutputError: if it cannot be written.
    """
    text = to_json(value) + "\n"
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def write_zarr(contents: Any, path: str | Path, argument: str = "--out") -> Path:
    """Write a dataset or a tree of datasets as a Zarr (version 3) folder.

    Whole or not at all; one that is there is replaced.

    Args:
        contents: `xarray.Dataset` or `xarray.DataTree`.
        path: the folder.
        argument: what the user calls it, for messages.

    Raises:
        OutputError: it cannot be written.
    """
    path, contents = Path(path), contents.copy()
    for node in getattr(contents, "subtree", (contents,)):
        for name, variable in list(node.variables.items()):
            if variable.dtype.kind == "U":  # Zarr 3 has no text of fixed length
                node[name] = variable.astype(np.dtypes.StringDType())
    with whole_files(path, argument=argument) as (draft,), warnings.catch_warnings():
        # Consolidated metadata is no part of the version 3 standard yet, but
        # without it a plain `xarray.open_zarr` warns instead.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        contents.to_zarr(draft, zarr_format=3, consolidated=True)
    return path


@contextlib.contextmanager
def atomic_file(path: str | Path, argument: str = "--out") -> Iterator[Path]:
    """Give a temporary file that takes the place of `path` once the block has ended.

    Args:
        path: the file wanted. It keeps its old content if the block fails.
        argument: what the user calls the place, for messages.

    Yields:
        The temporary file, of the same name.

    Raises:
        OutputError: for any failure of the file system, a full disk for instance.
    """
    with whole_files(path, argument=argument) as (draft,):
        yield draft


@contextlib.contextmanager
def whole_files(*paths: str | Path, argument: str = "--out") -> Iterator[list[Path]]:
    """Give drafts of files or folders that take their places together, or none does.

    Args:
        paths: what is wanted. All keep their old contents if the block fails.
        argument: what the user calls the place, for messages.

    Yields:
        A draft of each, of the same name.

    Raises:
        OutputError: for any failure of the file system, whatever the block calls the
            place where it came to it.
    """
    wanted = [Path(path) for path in paths]
    folders: dict[Path, Path] = {}
    try:
        with writing(wanted[0], argument):
            for path in wanted:
                if path.parent not in folders:
                    prefix = f".{path.stem}-"
                    made = tempfile.mkdtemp(prefix=prefix, dir=path.parent)
                    folders[path.parent] = Path(made)
        drafts = {folders[path.parent] / path.name: path for path in wanted}
        try:
            with writing(wanted[0], argument):
                yield list(drafts)
        except OutputError as error:
            place = drafts.get(error.place or Path(), wanted[0])
            raise OutputError.of(place, argument, error.reason) from error.__cause__
        with writing(wanted[0], argument):
            _take_places(drafts)
    finally:
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)


def _take_places(drafts: Mapping[Path, Path]) -> None:
    """Rename drafts to what they are drafts of; where one fails, all is as it was."""
    before: dict[Path, Path | None] = {}
    try:
        for draft, path in drafts.items():
            old = draft.with_name(f"{draft.name}.old")
            if path.is_dir() and not path.is_symlink():
                os.replace(path, old)
                before[path] = old
            elif len(drafts) > 1:
                # a copy: a file that is replaced is there at any moment
                before[path] = old if os.path.lexists(path) else None
                if before[path] is not None:
                    shutil.copy2(path, old, follow_symlinks=False)
            os.replace(draft, path)
    except BaseException:
        for path, old in before.items():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            if old is not None:
                os.replace(old, path)
            else:
                path.unlink(missing_ok=True)
        raise


def provenance() -> dict[str, Any]:
    """Where a result comes from: command, versions, jqd's own revision, device, date.

    `command` is the line that can be run again, None where none was given;
    `jqd_revision` is that of jqd's repository, None where it has none (an installed
    package); `jqd_sources` is a hash of the files that ran, whatever their version.
    """
    device, words = jax.devices()[0], COMMAND.get()
    return {
        "command": None if words is None else _command(words),
        "jqd": __version__,
        "jqd_revision": revision(),
        "jqd_sources": sources(),
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "backend": device.platform,
        "device": device.device_kind,
        "device_count": jax.device_count(),
        "precision": "float64" if jax.config.values["jax_enable_x64"] else "float32",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _command(words: Sequence[str]) -> str:
    return without_secrets(shlex.join(("jqd", *words)))


@contextlib.contextmanager
def writing(path: Path, argument: str = "--out") -> Iterator[None]:
    """Turn a failure of the file system into one line that names the argument."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise OutputError.of(path, argument, reason) from error


def processor() -> str:
    """A short name for this kind of processor and what it can do."""
    about = [platform.machine()]
    with (
        contextlib.suppress(OSError),
        open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file,
    ):
        first_core = itertools.takewhile(str.strip, file)
        about += [line for line in first_core if line.startswith(("flags", "Feature"))]
    return hashlib.sha256("\n".join(about).encode()).hexdigest()[:8]
