"""A function of one point that Python calls untraced, point by point."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from .files import place_of
from .points import STATUS, Blocks, Lattice
from .tiles import blank, of_a_point, said, with_status
from .trace import checked, name_of, takes_key_of
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
