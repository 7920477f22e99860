"""Everything on which the bits of a sweep depend, and differences of two sweeps."""

import importlib.metadata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from .._files import processor
from .._revision import sources
from .._version import __version__
from .files import place_of
from .points import STATUS, Blocks, Lattice
from .tiles import blank, of_a_point, said, with_status
from .trace import Traced, checked, name_of, takes_key_of
from .work import Chunk


class Called:
    """A function of one point that is not traced.

    Attributes:
        name: of the function.
        tile: points that are computed together, 1.
        outputs: shape and dtype of each result of one point, by name.
    """

    tile = 1

    def __init__(
        self,
        function: Callable[..., Any],
        lattice: Lattice,
        seed: int,
        outputs: Mapping[str, Any] | None,
    ):
        """Call the function at a first point, if its results are not known.

        Args:
            function: as for `Traced`, but defined at the top of a file.
            lattice: the points.
            seed: of the keys.
            outputs: results of an existing store, with "shape" and "dtype" each.

        Raises:
            ValueError: as for `Traced`, or a function not at the top of a file.
        """
        self.name, self._place = name_of(function), place_of(function)
        self._function, self._lattice, self._seed = function, lattice, seed
        self._takes_key = takes_key_of(function, lattice)
        self._known: dict[int, dict[str, np.ndarray] | Exception] = {}
        if outputs is None:
            self.outputs = self._first_specs()
        else:
            self.outputs = {
                name: jax.ShapeDtypeStruct(tuple(spec["shape"]), spec["dtype"])
                for name, spec in outputs.items()
                if name != STATUS
            }

    @property
    def bytes_per_point(self) -> int:
        """Bytes of the largest result of one point."""
        return max(s.size * s.dtype.itemsize for s in self.outputs.values())

    def digest(self) -> str:
        """Hash of the function's text, which identifies what it computes."""
        return self._place.digest()

    def compute(self, blocks: Blocks, chunks: Iterator[int]) -> Iterator[Chunk]:
        """The results of chunks, one after the other; see `tiles.compute`."""
        for chunk in chunks:
            start, stop = blocks.ends(chunk)
            rows, failures = [], {}
            for index in range(start, stop + 1):
                found = self._at(index)
                if isinstance(found, Exception):
                    failures[index], found = said(found), self._blank()
                rows.append(found)
            own = any(STATUS in row for row in rows)
            names = [*self.outputs, *([STATUS] if own else [])]
            results = {
                name: np.stack([row.get(name, np.int32(0)) for row in rows])
                for name in names
            }
            yield chunk, with_status(results, failures, start, own=own), failures

    def _first_specs(self) -> dict[str, jax.ShapeDtypeStruct]:
        """Shapes and dtypes of what the first sound point gives."""
        for index in range(self._lattice.size):
            self._known[index] = found = self._at(index)
            if not isinstance(found, Exception):
                return {
                    name: jax.ShapeDtypeStruct(value.shape, value.dtype)
                    for name, value in found.items()
                    if name != STATUS
                }
        raise next(e for e in self._known.values() if isinstance(e, Exception))

    def _at(self, index: int) -> dict[str, np.ndarray] | Exception:
        """Results of a point, or the check that failed there."""
        if index in self._known:
            return self._known[index]
        point = self._lattice.take(np.asarray(index))
        if self._takes_key:
            key = jax.random.key(self._seed)
            point = point | {"key": jax.random.fold_in(key, index)}
        try:
            results = checked(self._function(**point), self._lattice)
            found = {name: np.asarray(value) for name, value in results.items()}
        except Exception as error:
            if not of_a_point(error):
                raise
            return error
        if hasattr(self, "outputs"):
            self._check_like(found, index)
        return found

    def _check_like(self, found: Mapping[str, np.ndarray], index: int) -> None:
        """Raise where a point gives something else than the first one."""
        have = {name: value.shape for name, value in found.items() if name != STATUS}
        want = {name: spec.shape for name, spec in self.outputs.items()}
        like = have == want and all(
            np.can_cast(found[name].dtype, spec.dtype, "same_kind")
            for name, spec in self.outputs.items()
        )
        if not like:
            raise ValueError(
                "Argument `function` must return the same arrays at all points, but "
                f"{self.name!r} returns {have} at point {index}, and {want} elsewhere."
            )

    def _blank(self) -> dict[str, np.ndarray]:
        return {n: blank(np.empty(s.shape, s.dtype)) for n, s in self.outputs.items()}


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
