"""Everything on which the bits of a sweep depend, and differences of two sweeps."""

import importlib.metadata
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from .._files import processor
from .._revision import sources
from .._version import __version__
from .plain import Called
from .points import STATUS, Blocks, Lattice
from .trace import Traced

# While somebody edits the files, a version number does not identify them.
SOURCES = "jqd's sources"


def manifest_of(
    traced: Traced | Called, lattice: Lattice, seed: int, device: Any, blocks: Blocks
) -> dict[str, Any]:
    """The manifest of a sweep, in a form that JSON can hold."""
    return {
        "function": traced.name,
        "program": traced.digest(),
        **lattice.identity(),
        "seed": seed,
        "tile": traced.tile,
        "shape": list(blocks.shape),
        "block": list(blocks.block),
        "outputs": _specs(traced.outputs),
        "device": device_kind(device),
        "x64": bool(jax.config.values["jax_enable_x64"]),
        "versions": {
            "jqd": __version__,
            SOURCES: sources()[:16],
            "jax": jax.__version__,
            "jaxlib": importlib.metadata.version("jaxlib"),
        },
    }


def device_kind(device: Any) -> str:
    """The kind of device for which XLA compiles; other kinds round differently."""
    if device.platform == "cpu":
        return f"cpu {processor()}"
    return f"{device.platform} {device.device_kind}"


def _specs(outputs: Mapping[str, jax.ShapeDtypeStruct]) -> dict[str, Any]:
    """Shapes and dtypes of results, with the status."""
    specs = {
        name: {"shape": list(spec.shape), "dtype": np.dtype(spec.dtype).str}
        for name, spec in outputs.items()
        if name != STATUS
    }
    return specs | {STATUS: {"shape": [], "dtype": np.dtype(np.int32).str}}


def differences(
    stored: Mapping[str, Any], wanted: Mapping[str, Any], *, mixed: bool = False
) -> Iterator[str]:
    """The differences of a sweep from that of a store, in words.

    Args:
        stored: manifest of the store.
        wanted: manifest of the sweep.
        mixed: whether another kind of device does not count as a difference.

    Yields:
        Clauses that say what the store has.
    """
    yield from _axes(stored, wanted)
    versions = wanted["versions"]
    for name in {**stored["versions"], **versions}:
        version, own = stored["versions"].get(name), versions.get(name)
        if own != version:
            yield f"it was made with {name} {version}, and this is {own}"
    for name in ("seed", "tile"):
        if stored[name] != wanted[name]:
            yield f"its {name} is {stored[name]}, not {wanted[name]}"
    if stored["device"] != wanted["device"] and not mixed:
        yield (
            f"its device is {stored['device']}, not {wanted['device']}, whose last "
            "bits may differ (`mixed` takes both)"
        )
    if stored["block"] != wanted["block"]:
        yield f"its chunks are {stored['block']}, not {wanted['block']} (`chunk`)"
    if stored["x64"] != wanted["x64"]:
        yield f"its precision is float{'64' if stored['x64'] else '32'}"
    if stored["outputs"] != wanted["outputs"]:
        yield f"its results are {_listed(stored)}, not {_listed(wanted)}"
    elif stored["program"] != wanted["program"]:
        yield (
            f"its function {stored['function']!r} computes something else than "
            f"{wanted['function']!r}"
        )


def _axes(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    if stored["outer"] != wanted["outer"]:
        kinds = {True: "an outer product", False: "a table of points"}
        yield f"its axes are {kinds[stored['outer']]}, not {kinds[wanted['outer']]}"
    old, new = stored["axes"], wanted["axes"]
    if list(old) != list(new):
        yield f"its axes are {', '.join(old)}, not {', '.join(new)}"
        return
    for name, axis in old.items():
        if axis["shape"] != new[name]["shape"]:
            yield (
                f"its axis {name!r} has shape {tuple(axis['shape'])}, not "
                f"{tuple(new[name]['shape'])}"
            )
        elif axis != new[name]:
            yield f"its axis {name!r} has other values"


def _listed(manifest: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {spec['dtype']}{tuple(spec['shape']) or ''}"
        for name, spec in manifest["outputs"].items()
        if name != STATUS
    )
