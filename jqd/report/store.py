"""Files of a run: a new folder each time, whole files or none."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._files import atomic_file, to_plain, write_zarr, writing

if TYPE_CHECKING:
    import xarray as xr

# Mark of a folder that a run has taken.
TAKEN = ".run"


def new_run_folder(path: str | Path) -> Path:
    """Make the folder of a new run and return it; an earlier run is never overwritten.

    Args:
        path: the wanted folder. If it is not empty, `path-2`, `path-3` ... are tried.

    Returns:
        A writable folder, empty but for a hidden mark that it is taken.

    Raises:
        OutputError: if no folder can be made or written there.
    """
    path = Path(path)
    if path.name in ("", ".."):
        path = path.resolve()
    number = 1
    while True:
        folder = path if number == 1 else path.with_name(f"{path.name}-{number}")
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if not any(folder.iterdir()) and _take(folder):
                return folder
        number += 1


def _take(folder: Path) -> bool:
    """Mark the folder as taken; False if a run that started beside us was first."""
    try:
        (folder / TAKEN).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def write_csv(rows: Sequence[Mapping[str, Any]], path: str | Path) -> Path:
    """Write a table as CSV, with one header line.

    Args:
        rows: a mapping for each row; columns are all keys, in order of appearance.
        path: the file.

    Raises:
        OutputError: if it cannot be written.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with (
        atomic_file(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(to_plain(row) for row in rows)
    return Path(path)


def write_dataset(dataset: "xr.Dataset", path: str | Path) -> Path:
    """Write a dataset as a Zarr (version 3) folder.

    Args:
        dataset: its attributes may hold any value that `to_plain` accepts.
        path: the folder, conventionally `data.zarr`. An existing one is replaced.

    Raises:
        OutputError: if it cannot be written.
    """
    dataset = dataset.copy()
    dataset.attrs = to_plain(dataset.attrs)
    return write_zarr(dataset, path)
