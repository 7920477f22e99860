"""Photon configurations: the numbers of photons in each mode, below a cut-off."""

import functools

import numpy as np

from ... import _checks

# More configurations than this are taken for a mistake.
_MOST = 200_000


class Configurations:
    """The photon numbers (n_1, ..., n_m) that are kept: columns of a tower's state.

    They are hashable and immutable, so they may be a static part of a law. They are
    ordered by their level k = Σ n_m, the number of photons.

    Attributes:
        numbers: (P, m) photon numbers.
    """

    def __init__(self, numbers: np.ndarray):
        """Keep these configurations.

        Args:
            numbers: (P, m) whole numbers, each row once; the vacuum among them.

        Raises:
            ValueError: not such a table.
        """
        table = np.asarray(numbers)
        if table.ndim != 2 or not np.issubdtype(table.dtype, np.integer):
            raise ValueError(
                "Argument `numbers` must be a table (P, m) of whole numbers, but its "
                f"shape is {table.shape} and its dtype {table.dtype}."
            )
        if (table < 0).any() or len(np.unique(table, axis=0)) != len(table):
            raise ValueError(
                "Argument `numbers` must hold distinct rows of photon numbers, but "
                "holds negative ones or a row twice."
            )
        order = np.lexsort((*table.T[::-1], table.sum(axis=1)))
        self.numbers = table[order]
        if self.numbers[0].any():
            raise ValueError(
                "Argument `numbers` must hold the vacuum, but its lowest row is "
                f"{self.numbers[0]}."
            )
        self.numbers.setflags(write=False)
        self._key = (self.numbers.shape, self.numbers.tobytes())

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configurations) and self._key == other._key

    def __repr__(self) -> str:
        return f"Configurations({self.size} of {self.modes} modes, k <= {self.top})"

    @property
    def size(self) -> int:
        """Number of configurations P."""
        return self.numbers.shape[0]

    @property
    def modes(self) -> int:
        """Number of modes m."""
        return self.numbers.shape[1]

    @functools.cached_property
    def totals(self) -> np.ndarray:
        """(P,) the level k = Σ n of each configuration."""
        return self.numbers.sum(axis=1)

    @property
    def top(self) -> int:
        """The highest level."""
        return int(self.totals[-1])

    @functools.cached_property
    def raised(self) -> np.ndarray:
        """(m, P) index of p with one more photon of mode m; P beyond the cut-off."""
        known = {row.tobytes(): i for i, row in enumerate(self.numbers)}
        steps = np.eye(self.modes, dtype=self.numbers.dtype)
        return np.array(
            [
                [known.get((row + step).tobytes(), self.size) for row in self.numbers]
                for step in steps
            ]
        )

    @functools.cached_property
    def lowered(self) -> np.ndarray:
        """(m, P) index of p with one photon less of mode m; P where there is none."""
        table = np.full((self.modes, self.size + 1), self.size)
        columns = np.arange(self.size)
        for mode, target in enumerate(self.raised):
            table[mode, target] = columns
        return table[:, : self.size]

    @functools.cached_property
    def edge(self) -> np.ndarray:
        """(P,) whether the cut-off removes a neighbour with one photon more."""
        return (self.raised == self.size).any(axis=0)

    @functools.cached_property
    def of_level(self) -> np.ndarray:
        """(P, K + 1) one where configuration p is of level k, for sums over levels."""
        return (self.totals[:, None] == np.arange(self.top + 1)[None, :]).astype(float)

    def lowering(self) -> np.ndarray:
        """(m, P, P) the matrices of a_m: <p - e_m| a_m |p> = sqrt(n_m)."""
        table = np.zeros((self.modes, self.size + 1, self.size))
        columns = np.arange(self.size)
        for mode, target in enumerate(self.lowered):
            table[mode, target, columns] = np.sqrt(self.numbers[:, mode])
        return table[:, : self.size]


def photon_configurations(
    omega: np.typing.ArrayLike, cutoff: float, hbar: float = 1.0
) -> Configurations:
    """All configurations with Σ ħω_m n_m <= E_cut.

    Args:
        omega: (m,) angular frequencies, concrete.
        cutoff: E_cut, unit of energy; at least one quantum of each mode.
        hbar: ħ.

    Returns:
        The configurations.

    Raises:
        ValueError: a frequency that is not positive, a cut-off below one quantum, or
            one that would keep more than 200 000 configurations.
    """
    omega = np.atleast_1d(np.asarray(omega, float))
    _checks.check_positive(omega, "omega", (None,))
    _checks.check_positive(cutoff, "cutoff")
    quanta = hbar * omega
    # a cut-off of n quanta keeps n of them, whatever the rounding
    slack = 1e-9 * float(quanta.min())
    if not float(quanta.max()) <= cutoff + slack:
        raise ValueError(
            "Argument `cutoff` must leave room for one quantum of each mode, "
            f"{quanta.max():g}, but is {cutoff:g}."
        )
    table, spent = np.zeros((1, 0), int), np.zeros(1)
    for quantum in quanta:
        most = int((cutoff + slack) / quantum)
        energy = spent[:, None] + quantum * np.arange(most + 1)[None, :]
        row, number = np.nonzero(energy <= cutoff + slack)
        if len(row) > _MOST:
            raise ValueError(
                f"Argument `cutoff` must keep at most {_MOST} configurations, but "
                f"{cutoff:g} keeps more."
            )
        table = np.column_stack((table[row], number))
        spent = energy[row, number]
    return Configurations(table)
