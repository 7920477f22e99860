"""Whatever jqd reads, by one function."""

from pathlib import Path
from typing import Any

from .. import _saved, records
from .._files import as_path
from ..ensembles.copying import Copies, Estimate, StepBias
from ..evolution import Trajectory
from ..inference import Fit
from ..inference.constant import Constant

# The only types that are read back, by name: they hold data alone.
_KINDS = {
    kind.__name__: kind
    for kind in (Trajectory, Copies, StepBias, Estimate, Fit, Constant)
}


def load(path: str | Path, **options: Any) -> Any:
    """Load data of any kind that jqd reads, or what `.save` has written.

    Only arrays, text and plain values are read, and nothing in the file is run.

    Args:
        path: a file of data, of which docs/files.md lists what they hold; or the folder
            of a saved trajectory, of copies, or of a fit.
        **options: arguments of the loader of the data, e.g. `sigma`.

    Returns:
        Data as the loader of their kind returns them: a `Record` of populations or
        counts over time, the records of `jqd.records`, a matrix or state as an array.
        Or the saved outcome, in NumPy arrays, to the last bit.

    Raises:
        ValueError: no such file, a damaged one, data of no known kind, another version
            of an outcome, options that the loader does not have.
    """
    path = as_path(path)
    if not path.is_dir() or (path.suffix == ".zarr" and not _is_outcome(path)):
        return records.load(path, **options)
    for name in options:
        raise ValueError(
            f"Argument `{name}` must not be given for what `.save` has written, but is."
        )
    return _saved.read(path, _KINDS)


def _is_outcome(path: Path) -> bool:
    """Whether a folder holds what a method of jqd has saved."""
    head = path / "zarr.json"
    text = head.read_text(encoding="utf-8", errors="replace") if head.is_file() else ""
    return f'"{_saved.TREE}"' in text or '"sampler"' in text
