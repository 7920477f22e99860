"""Every kind of data: what a file or a record is of, and what can be done with it."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._files import as_path, whole_files
from .atoms import ATOMS
from .columns import OTHER_NAMES, is_setting, tells_classes
from .contents import Contents
from .datasets import dataset_arrays
from .density_files import DENSITY
from .file import File
from .formats import CSV, NPZ, TOML, Kind
from .lone import MATRIX, PULSE, STATE
from .occupations import LIGHT, STATISTICS
from .phase_space_files import PHASE_SPACE, WIGNER
from .populations import POPULATIONS
from .preparations import TABLES
from .reading import npy_array, npz_arrays, npz_names, there
from .settings import SETTINGS
from .tables import header_of, matrix
from .writing import write

# In the order of docs/files.md.
KINDS = {
    one.name: one
    for one in (
        POPULATIONS, MATRIX, PULSE, STATE, PHASE_SPACE, DENSITY, ATOMS, STATISTICS,
        LIGHT, TABLES, SETTINGS,
    )
}  # fmt: skip
ALONE = ("matrix", "state")


def load(path: str | Path, **options: Any) -> Any:
    """Load a file of any kind that jqd reads, recognised by the names in it.

    Args:
        path: the file; docs/files.md lists what files hold.
        **options: arguments of the loader of its kind, e.g. `sigma`.

    Returns:
        The data, as the loader of their kind returns them: a `Record` of populations or
        counts over time, the records of `jqd.records` of other data, a matrix or a
        state as an array, a pulse, tables of preparations by measurements, settings.

    Raises:
        ValueError: no such file, a damaged one, data of no known kind, options that its
            loader does not have.
    """
    # what they choose has the names of a table of populations, not the file
    chosen = {"columns", "shots"} & {*options}
    kind = "populations" if chosen else kind_of(path)
    if chosen == {"shots"} and _is_tables(path):
        kind = "tables"
    loader = KINDS[kind].load
    known = [*inspect.signature(loader).parameters][1:]
    for name in options:
        if name not in known:
            more = f"; options are {', '.join(known)}" if known else ""
            raise ValueError(
                f"Argument `{name}` must not be given for files of the kind {kind}, "
                f"but is{more}."
            )
    return loader(path, **options)


def save(path: str | Path, record: Any) -> Path:
    """Write data to a new file, for the loader of their kind.

    Populations of `Gaussian` noise are written with their errors; `EnsembleNoise` is
    asked of `load_record` again, by noise="ensemble". A table cannot hold `t0`, and it
    alone can number clusters of shots. Axes of a Husimi function are written with
    QuTiP's g = 2, which leaves points and values unchanged; the `truth` of atoms is
    left out.

    Args:
        path: a new file; docs/files.md lists the suffixes of each kind of data.
        record: as `load` returns it: a `Record` or another record of `jqd.records`,
            `Settings`, a matrix or a state as an array.

    Returns:
        The path.

    Raises:
        ValueError: an existing file, a suffix of other data, a record that a file of
            this suffix cannot hold, such as a scan or the noise
            `DirichletMultinomial`, or one that its loader refuses.
    """
    path, of = as_path(path), _kind(record)
    data, values = of.in_file(record, path)
    _check_new(path, of.suffixes, "path")
    (one,) = (o for o in of.formats if o.data == data and path.suffix in o.suffixes)
    with whole_files(path, argument="path") as (draft,):
        write(draft, one, values)
        # what would be refused does not take the name of the file
        of.load(draft)
    return path


def contents_of(found: Any) -> Contents:
    """What data hold, as `load` returns them."""
    return _kind(found).contents(found)


def check_new(path: str | Path, kind: str, argument: str = "path") -> None:
    """Raise unless a file of this kind can be written at this path.

    Args:
        path: the file to write.
        kind: one of `KINDS`.
        argument: its name in the user's call.

    Raises:
        ValueError: another suffix, or a path that exists already.
    """
    _check_new(as_path(path), KINDS[kind].suffixes, argument)


def _check_new(path: Path, suffixes: Sequence[str], argument: str) -> None:
    if path.suffix not in suffixes:
        raise ValueError(
            f"Argument `{argument}` must be a file ending in {', '.join(suffixes)}, "
            f"but is {path}."
        )
    if path.exists():
        raise ValueError(
            f"Argument `{argument}` must be a new file, but {path} is there already."
        )


def help_text(kind: str) -> str:
    """The `--help` text of the option for a kind of data.

    Args:
        kind: one of `KINDS`.
    """
    return KINDS[kind].help()


def page_sections() -> str:
    """The formats as sections of docs/files.md, in Markdown: one for each kind."""
    return "\n\n".join(of.section() for of in KINDS.values())


def _kind(record: Any) -> Kind:
    """The kind of data in memory; arrays are matrices or states."""
    for of in KINDS.values():
        if isinstance(record, of.records):
            return of
    return MATRIX if np.ndim(record) == 2 else STATE


def _is_tables(path: str | Path) -> bool:
    """Whether a file holds tables of preparations but for shots, which it may lack."""
    if as_path(path).suffix not in NPZ:
        return False
    names = npz_names(there(path, "path", TABLES.suffixes))
    return bool(TABLES.fitting([*names, "shots"], *NPZ))


def kind_of(path: str | Path) -> str:
    """The kind of data in a file, one of `KINDS`."""
    suffixes = dict.fromkeys(s for of in KINDS.values() for s in of.suffixes)
    file = there(path, "path", tuple(suffixes))
    suffix = file.path.suffix
    if suffix in TOML:
        return "settings"
    names, array = _contents(file)
    found = _fitting(names, suffix)
    # data may have the state or the matrix from which they come beside them
    found = [kind for kind in found if kind not in ALONE] or found
    if not found and suffix in CSV and tells_classes(names):
        return "populations"
    if not found and array is not None:
        return "matrix" if sum(size > 1 for size in array.shape) > 1 else "state"
    if not found and {"x", "y"} <= {*names} and {*WIGNER} & {*names}:
        return "phase space"  # whose loader says what makes a Husimi function of it
    if len(found) != 1:
        but = f"fits {' and '.join(found)}"
        if not found:
            but = f"has {', '.join(sorted(names)) or 'nothing'}"
            but += OTHER_NAMES if suffix in CSV else ""
        raise file.complaint("hold data of one kind that docs/files.md lists", but)
    return found[0]


def _fitting(names: Sequence[str], suffix: str) -> list[str]:
    """The kinds of which a file that ends so has the names."""
    return [kind for kind, of in KINDS.items() if of.fitting(names, suffix)]


def _contents(file: File) -> tuple[list[str], Any]:
    """Names of arrays or columns; and the array, if it is alone and needs no name."""
    suffix = file.path.suffix
    if suffix == ".npy":
        return [], npy_array(file)
    if suffix in CSV:
        names = header_of(file, lambda names: bool(_fitting(names, suffix)))
        told = [name for name in names if not is_setting(name)]
        return (told, None) if names else ([], matrix(file))
    if suffix in NPZ:
        names = npz_names(file)
        return names, npz_arrays(file)[names[0]] if len(names) == 1 else None
    return list(dataset_arrays(file)[0]), None
