"""Laws on a grid: where their file says so by `ground()`, or beside densities."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from .. import constants
from ..evolution import Fixed
from ..instruments import Direct, Image, Multinomial
from ..laws import Law, Schrodinger
from ..laws.motion import Motion
from ..observe import Occupations
from ..records import DensityRecord, Record, load_density, load_state, naming
from ..records.density import packet_on
from ..records.kinds import kind_of
from ..report.user_laws import load_ground
from ..spaces.grids import Grid
from ..steppers import strang, suzuki4
from .law_words import Wanted, file_of
from .options import MODEL, assignments, check_sigma, parse_noise
from .session import takes
from .simulation import follow

# Constants of what shows counted positions, of `Image`.
SHOWN = ("psf", "background")
# A packet, with the names of files: density exp(-(x - x0)²/2 s0²), momentum p0.
PACKET = "x0=1,s0=0.7,p0=0"
StateOrPacket = Annotated[
    Path | None,
    takes("state", f"On a grid also a packet, {PACKET}.", panel=MODEL),
]


class Ground(NamedTuple):
    """A particle on a grid, and its state at t0.

    Attributes:
        quantum: quantum mechanics of the particle, in a potential at rest.
        psi0: the state at t0, of the grid's shape.
    """

    quantum: Schrodinger
    psi0: Any

    @property
    def grid(self) -> Grid:
        """The grid."""
        grid = self.quantum.grid
        assert grid is not None
        return grid

    def record(self) -> DensityRecord:
        """What a file of densities says of it, without densities."""
        H: Any = self.quantum.hamiltonian
        return DensityRecord(
            self.grid, np.asarray(H.potential(self.grid, 0.0)), float(H.mass),
            np.zeros(0), np.zeros((0, *self.grid.shape)), None, np.asarray(self.psi0),
            None, None, hbar=float(self.quantum.hbar),
        )  # fmt: skip

    def time_scale(self) -> float:
        """The unit of default times: the power of ten next to ħ over the spread of the
        lowest levels."""
        # all of the report card, which no other command here needs
        from ..vetting.states import levels_of, time_unit

        try:
            energies, _ = levels_of(self.quantum, self.quantum)
        except ValueError as error:
            raise ValueError(
                "Argument `--times` must be given where the levels of the grid are not "
                f"known, but is not: {error}"
            ) from None
        return time_unit(energies, float(self.quantum.hbar))

    def law_of(self, make: Callable[[Any], Law], data: Path | None = None) -> Law:
        """The law that is made of quantum mechanics here; it takes the state."""
        law = make(self.quantum)
        with naming(data):
            law.prepare(law.admit(self.psi0))
        return law


def ground_of(
    wanted: Wanted,
    hamiltonian: Path | None,
    state: Path | None = None,
    option: str = "LAW",
) -> Ground | None:
    """Where the file of a law tries it; None beside a matrix, or where it says nothing.

    Args:
        state: another state than that of the file: a packet in words, or a file.

    Raises:
        ValueError: a state that is none of this grid; see `load_ground`.
    """
    own = file_of(wanted)
    if own is None or hamiltonian is not None:
        return None
    found = load_ground(own[0], option)
    if found is None:
        return None
    ground = Ground(*found)
    return ground if state is None else ground._replace(psi0=_started(state, ground))


def _started(state: Path, ground: Ground) -> Any:
    """The state of the option `--state`: `x0=1,s0=0.7,p0=0`, or a file."""
    text = str(state)
    if "=" not in text or state.exists():
        psi0 = load_state(state)
        # a file of a state is flat
        whole = psi0.size == ground.grid.size
        psi0 = psi0.reshape(ground.grid.shape) if whole else psi0
    else:
        values = assignments(text.split(","), "state", PACKET)
        if {*values} != {"x0", "s0", "p0"} or not values["s0"] > 0:
            raise ValueError(
                "Argument `--state` must give centre, positive width and momentum of a "
                f"packet, as in {PACKET}, but {text!r} was given."
            )
        grid, hbar = ground.grid, float(ground.quantum.hbar)
        # elsewhere it would be a spike at an end, or a wave of another length
        inside = all(low <= values["x0"] < high for low, high in grid.bounds)
        if not inside or abs(values["p0"]) * max(grid.spacing) >= np.pi * hbar:
            raise ValueError(
                "Argument `--state` must give a packet that the grid holds, x0 within "
                "its bounds and p0 below pi hbar over its spacing, but "
                f"{text!r} was given."
            )
        each = (np.full(grid.ndim, values[name]) for name in ("x0", "s0", "p0"))
        psi0 = ket_of(*packet_on(grid, *each), hbar)
    with naming(state):
        return ground.quantum.prepare(ground.quantum.admit(psi0))


def ket_of(density: np.ndarray, action: np.ndarray, hbar: float) -> np.ndarray:
    """√ρ exp(iS/ħ)"""
    return np.sqrt(np.maximum(density, 0)) * np.exp(1j * action / hbar)


def stepper_of(law: Motion) -> Any:
    """A one-step method for a law on a grid: of order 4 where it has exact flows, which
    are stable at any length of steps; Strang's where they decay; else None."""
    flows = law.exact().flows()
    if flows is None:
        return None
    return strang if flows.outer.decays or flows.inner.decays else suzuki4


def method_of(law: Motion) -> Fixed | None:
    """How a fit follows a law on a grid; None for its own way."""
    stepper = stepper_of(law)
    return None if stepper is None else Fixed(stepper)


def grid_error(law: Motion, ground: Ground, ts: np.ndarray) -> dict[str, float]:
    """The share of the probability that the grid moves, as the law estimates it.

    Args:
        ts: times after t0, (T,).

    Returns:
        It by name, for `fit`; nothing where there is no estimate or the law ends.
    """
    shown = Direct(of=Occupations(), noise=Multinomial())
    run = follow(law, ground.psi0, ts, shown, stepper=stepper_of(law))
    if run.resolution is None or not run.all_ok:
        return {}
    return {"grid_error": float(np.max(np.asarray(run.resolution)))}


def told_of_grid(found: Mapping[str, Any]) -> str | None:
    """What `grid_error` found, which errors of constants leave out, in a sentence."""
    if "grid_error" not in found:
        return None
    return (
        f"The finite grid shifts about {found['grid_error']:.0e} of the probability; "
        "the errors of constants do not include this."
    )


# -- densities -------------------------------------------------------------------------


def is_density(data: Path | None) -> bool:
    """Whether a file holds densities on a grid, by the names in it."""
    try:
        return data is not None and kind_of(data) == "density"
    except (ValueError, OSError):  # its loader says what is wrong with it
        return False


def refuse_beside_densities(given: Mapping[str, bool]) -> None:
    """Raise ValueError for options that say nothing of densities."""
    for name, there in given.items():
        if there:
            raise ValueError(
                f"Argument `{name}` must not be given beside densities on a grid, but "
                "is: their file already holds what it would give."
            )


def read_densities(
    data: Path, noise: str, sigma: float | None = None
) -> tuple[DensityRecord, Ground]:
    """Densities, or counted positions, and where the particle is.

    Args:
        sigma: option `--sigma`; None for that of `noise`, or of the file.

    Raises:
        ValueError: a file that is not sound, or without a state; noise of other data.
    """
    kind, own = parse_noise(noise)
    check_sigma(sigma)
    record = load_density(data, sigma=own if sigma is None else sigma)
    counted = record.counts is not None
    if sigma is not None and (counted or kind != "auto"):
        beside = "counted positions, whose number gives it" if counted else "`--noise`"
        raise ValueError(
            f"Argument `--sigma` must not be given beside {beside}, but is."
        )
    known = ("auto", "multinomial") if counted else ("auto", "none", "gaussian")
    if kind not in known:
        raise ValueError(
            f"Argument `--noise` must be one of {', '.join(known)} for "
            f"{'counted positions' if counted else 'densities'}, but is {kind}."
        )
    if kind == "gaussian" and record.sigma is None:
        raise ValueError(
            "Argument `--noise` must be gaussian:SIGMA for densities whose file has no "
            "`sigma`, but is gaussian."
        )
    if kind == "none":
        record = replace(record, sigma=None)
    psi0 = record.initial
    if not len(record.ts) or psi0 is None:
        raise ValueError(
            "Argument `data` must hold `t`, densities and a state at t0, but does not."
        )
    if isinstance(psi0, tuple):
        density, action = psi0
        psi0 = ket_of(density, action, record.hbar)
    with naming(data):
        quantum = Schrodinger.on_grid(
            record.grid, record.potential, mass=record.mass, hbar=record.hbar
        )
    return record, Ground(quantum, psi0)


def rows_of(
    law: Motion, record: DensityRecord, priors: Sequence[str], free: Sequence[str] = ()
) -> tuple[Record, Any]:
    """The rows of a record, and what shows them: an image where a lens is fitted.

    Raises:
        ValueError: a lens or background beside densities, whose errors they are not.
    """
    rows, shown = record.data()
    own = constants.names(law)
    last = {name.rpartition(".")[2] for name in (*priors, *free)}
    seen = [name for name in SHOWN if name in last and name not in own]
    if not seen:
        return rows, shown
    if record.counts is None:
        raise ValueError(
            f"Argument `--nuisance` must name {seen[0]} beside counted positions, but "
            "the data are densities."
        )
    return rows, Image()
