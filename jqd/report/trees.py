"""Outcomes as trees of arrays and plain values, in files and back."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import records
from .._files import OutputError, as_path, write_zarr
from .._zarr import unfit_folder
from ..ensembles.copying import Copies, Estimate, StepBias
from ..evolution import Trajectory
from ..inference import Fit
from ..inference.constant import Constant

FORMAT = 1
# Attribute with the structure from which an outcome is rebuilt from its variables.
TREE = "jqd_tree"
# The only types that are read back, by name: they hold data alone.
_KINDS = {
    kind.__name__: kind
    for kind in (Trajectory, Copies, StepBias, Estimate, Fit, Constant)
}
_RULE = "Argument `path` must be what `.save` has written, but"
Where = tuple[str, ...]


class Leaf(NamedTuple):
    """An array of an outcome, its place in the outcome, and its dimensions."""

    path: Where
    values: np.ndarray
    dims: tuple[str, ...]


def save(dataset: Any, path: str | Path) -> Path:
    """Write a dataset of an outcome, such as one of `to_dataset`, as a Zarr folder.

    Args:
        dataset: a dataset or a tree of datasets; `load` reads back those of
            `to_dataset`.
    """
    path = as_path(path)
    if path.exists():
        raise OutputError(
            f"Argument `path` must be a folder that does not exist, but {path} does."
        )
    return write_zarr(dataset, path, "path")


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
    return _outcome(path)


def _is_outcome(path: Path) -> bool:
    """Whether a folder holds what a method of jqd has saved."""
    head = path / "zarr.json"
    text = head.read_text(encoding="utf-8", errors="replace") if head.is_file() else ""
    return f'"{TREE}"' in text or '"sampler"' in text


def _outcome(path: Path) -> Any:
    """The outcome in a folder."""
    import xarray as xr

    try:
        reason = unfit_folder(path)
        if reason is not None:
            raise _Refused(f"{path} is not plain data: {reason}")
        with xr.open_zarr(
            path, chunks=None, consolidated=False, mask_and_scale=False,
            decode_times=False,
        ) as dataset:  # fmt: skip
            text = dataset.attrs.get(TREE)
            if text is None:
                said = "is a dataset of something else; xarray.open_zarr reads it"
                if "sampler" in dataset.attrs:
                    said = "is a posterior; xarray.open_datatree reads it"
                raise _Refused(f"{path} {said}")
            held = json.loads(text)
            if held["format"] != FORMAT:
                raise _Refused(f"{path} has format {held['format']!r}, not {FORMAT}")
            return _decode(held["tree"], held["names"], dataset)
    except _Refused as error:
        raise ValueError(f"{_RULE} {error}.") from None
    except Exception as error:  # whatever a codec says of half a file
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"{_RULE} {path} is damaged: {said}.") from None


class _Refused(Exception):
    """What is read is not what is known, in words."""


# -- one tree --------------------------------------------------------------------------


def encode(
    value: Any,
    path: Where,
    leaves: list[Leaf],
    dims_of: Callable[[Where, np.ndarray], tuple[str, ...]],
) -> Any:
    """The structure of a value as JSON; its arrays are added to `leaves`."""

    def inner(key: str, part: Any) -> Any:
        return encode(part, (*path, key), leaves, dims_of)

    if isinstance(value, jax.Array | np.ndarray | np.generic):
        if not jnp.issubdtype(value.dtype, jnp.number) and value.dtype != bool:
            raise _unfit(path, f"an array of {value.dtype}")
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":  # the short floats of JAX
            raise _unfit(path, f"an array of {value.dtype}")
        leaves.append(Leaf(path, array, dims_of(path, array)))
        return {"array": len(leaves) - 1, "sha256": _digest(array)}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    kind = type(value).__name__
    if _KINDS.get(kind) is type(value):
        names = getattr(value, "_fields", None) or value.__dataclass_fields__
        return {"kind": kind, "fields": {k: inner(k, getattr(value, k)) for k in names}}
    if type(value) is dict and all(isinstance(key, str) for key in value):
        return {"dict": {key: inner(key, part) for key, part in value.items()}}
    if type(value) in (list, tuple):
        return {kind: [inner(str(i), part) for i, part in enumerate(value)]}
    raise _unfit(path, f"a {kind}")


def _unfit(path: Where, what: str) -> ValueError:
    return ValueError(
        f"Argument `{'.'.join(path)}` must hold arrays of numbers, in dicts with texts "
        f"as keys, lists and tuples, but holds {what}; let `observe` return numbers."
    )


def _decode(tree: Any, names: Sequence[str], dataset: Any) -> Any:
    """The value that `encode` has described."""

    def inner(part: Any) -> Any:
        return _decode(part, names, dataset)

    if "array" in tree:
        values = np.asarray(dataset[names[tree["array"]]].values)
        if _digest(values) != tree["sha256"]:
            raise ValueError(f"{names[tree['array']]} has other values")
        return values
    if "value" in tree:
        return tree["value"]
    if "kind" in tree:
        if tree["kind"] not in _KINDS:
            raise _Refused(f"it holds a {tree['kind']!r}, which is not known")
        fields = {key: inner(part) for key, part in tree["fields"].items()}
        return _KINDS[tree["kind"]](**fields)
    if "dict" in tree:
        return {key: inner(part) for key, part in tree["dict"].items()}
    if "list" in tree:
        return [inner(part) for part in tree["list"]]
    return tuple(inner(part) for part in tree["tuple"])


def _digest(array: np.ndarray) -> str:
    """Hash of an array: shape, dtype and bytes."""
    about = f"{array.shape} {array.dtype.str}".encode()
    return hashlib.sha256(about + np.ascontiguousarray(array).tobytes()).hexdigest()
