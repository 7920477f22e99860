"""`load`: whatever a file holds, read by what is in it."""

import inspect
from pathlib import Path
from typing import Any

from .._files import as_path
from .arrays import npy_array, npz_arrays, npz_names
from .atoms import load_atoms
from .columns import OTHER_NAMES, is_setting, tells_classes
from .datasets import dataset_arrays
from .density import load_density
from .file import File
from .formats import CSV, KINDS, NPZ, TOML
from .occupations import load_photons, load_statistics
from .phase_space import WIGNER, load_phase_space
from .populations import load_record
from .preparations import load_tables
from .reading import load_matrix, load_pulse, load_state, there
from .settings import load_settings
from .tables import header_of, matrix

# By name, as `formats.KINDS` has them.
LOADERS = {
    load.__name__: load
    for load in (
        load_record, load_matrix, load_pulse, load_state, load_phase_space,
        load_density, load_atoms, load_statistics, load_photons, load_tables,
        load_settings,
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
    loader = LOADERS[KINDS[kind].loader]
    known = [*inspect.signature(loader).parameters][1:]
    for name in options:
        if name not in known:
            more = f"; options are {', '.join(known)}" if known else ""
            raise ValueError(
                f"Argument `{name}` must not be given for files of the kind {kind}, "
                f"but is{more}."
            )
    return loader(path, **options)


def _is_tables(path: str | Path) -> bool:
    """Whether a file holds tables of preparations but for shots, which it may lack."""
    of = KINDS["tables"]
    if as_path(path).suffix not in NPZ:
        return False
    names = npz_names(there(path, "path", of.suffixes))
    return bool(of.fitting([*names, "shots"], *NPZ))


def kind_of(path: str | Path) -> str:
    """The kind of data in a file, one of `formats.KINDS`."""
    suffixes = dict.fromkeys(s for of in KINDS.values() for s in of.suffixes)
    file = there(path, "path", tuple(suffixes))
    suffix = file.path.suffix
    if suffix in TOML:
        return "settings"
    names, array = _contents(file)
    found = [kind for kind, of in KINDS.items() if of.fitting(names, suffix)]
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


def _contents(file: File) -> tuple[list[str], Any]:
    """Names of arrays or columns; and the array, if it is alone and needs no name."""
    if file.path.suffix == ".npy":
        return [], npy_array(file)
    if file.path.suffix in CSV:
        names = header_of(file)
        told = [name for name in names if not is_setting(name)]
        return (told, None) if names else ([], matrix(file))
    if file.path.suffix in NPZ:
        names = npz_names(file)
        return names, npz_arrays(file)[names[0]] if len(names) == 1 else None
    return list(dataset_arrays(file)[0]), None
