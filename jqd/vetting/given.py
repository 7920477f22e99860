"""States and operators that a user gives `vet` in place of its own."""

from typing import Any, NamedTuple

import numpy as np

from .. import _checks
from ..interop import as_array
from ..laws import Law, Schrodinger
from .finer import between, on_finer_grid
from .states import States, particle_of


class Given(NamedTuple):
    """States and operators that rows use instead of drawing or searching for them.

    Attributes:
        start: ket of the row "quantum mechanics", (M,), or on a grid (N,).
        superposed: two kets of the row "superposition", (2, M) or (2, N).
        ket: of the system and a qubit, (2M,), or of two particles, (N, N).
        other: the qubit's Hamiltonian, (2, 2), or the other particle.
        rotation: of the qubit, unitary, (2, 2).
    """

    start: np.ndarray | None
    superposed: np.ndarray | None
    ket: np.ndarray | None
    other: Any
    rotation: np.ndarray | None

    def on(self, quantum: Law, finer: Law) -> "Given":
        """The same states and operators on a finer grid."""
        old, new = particle_of(quantum), particle_of(finer)
        if old is None or new is None:
            return self

        def moved(kets: np.ndarray | None, systems: int = 1) -> np.ndarray | None:
            if kets is None:
                return None
            axes = systems * old.grid.ndim
            flat = kets.reshape(-1, *kets.shape[kets.ndim - axes :])
            each = np.stack([between(ket, old.grid, new.grid) for ket in flat])
            return each.reshape(*kets.shape[: kets.ndim - axes], *each.shape[1:])

        other = None if self.other is None else on_finer_grid(self.other, self.other)
        return Given(
            moved(self.start), moved(self.superposed), moved(self.ket, 2),
            None if other is None else other.quantum, self.rotation,
        )  # fmt: skip


def read_given(
    quantum: Law,
    states: States,
    start: Any,
    superposed: Any,
    ket: Any,
    other: Any,
    rotation: Any,
) -> Given:
    """Read what is given; raise unless it has the shapes that the rows take."""

    def read(value: Any, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        if value is None:
            return None
        found = np.asarray(as_array(value, name), dtype=complex)
        _checks.check_finite(found, name, shape)
        return found

    shape = states.basis.shape[1:]
    grid = particle_of(quantum) is not None
    both = (*shape, *shape) if grid else (2 * states.size,)
    if grid and other is not None:
        _check_other(quantum, other)
    found = Given(
        read(start, "start", shape),
        read(superposed, "superposed", (2, *shape)),
        read(ket, "ket", both),
        other if grid else read(other, "other", (2, 2)),
        read(rotation, "rotation", (2, 2)),
    )
    for name, cell in (("start", states.cell), ("ket", states.cell ** (1 + grid))):
        state = getattr(found, name)
        if state is not None:
            _checks.check_state(state, name, state.shape, weight=cell)
    if not grid and found.other is not None:
        _checks.check_hermitian(found.other, "other")
    turn = found.rotation
    if turn is not None and not np.allclose(turn @ turn.conj().T, np.eye(2)):
        raise ValueError("Argument `rotation` must be unitary, but is not.")
    return found


def _check_other(quantum: Law, other: Any) -> None:
    """Raise unless it is a particle of the same kind on the same grid."""
    mine = particle_of(quantum)
    found = particle_of(other) if isinstance(other, Schrodinger) else None
    assert mine is not None
    assert isinstance(quantum, Schrodinger)
    if found is None or found.grid != mine.grid:
        raise ValueError(
            "Argument `other` must be a Schrodinger of a particle on the law's grid, "
            f"but is another: {type(other).__name__}."
        )
    for name, one, two in (
        ("mass", mine.mass, found.mass),
        ("hbar", quantum.hbar, other.hbar),
    ):
        if not np.array_equal(one, two):
            raise ValueError(
                f"Argument `other` must have the {name} of the law, but has {two}."
            )
