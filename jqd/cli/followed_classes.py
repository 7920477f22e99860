"""Set-ups of a law of a matrix, of whose classes counts are taken."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import jax.numpy as jnp
import numpy as np

from ..constants import quantum_values
from ..evolution import Trajectory
from ..inference import Prior
from ..instruments import Confusion, DirichletMultinomial, Multinomial
from ..laws import Law
from ..records import Record
from .followed_positions import OnGround
from .following import Asked, Followed, Looks, SetUp
from .law_words import Wanted
from .lifetimes import centre, in_bath
from .on_grid import StateOrPacket, ground_of
from .one_law import (
    Assigned,
    LawWord,
    check_settled,
    free_of,
    law_that_runs,
    parse_law,
    reader_of,
    told,
    words_of,
)
from .options import DATA, Bath, only_with, parse_bath, typed, with_errors
from .recover_copying import CONSTANTS, law_of, read_problem, time_scale
from .session import Matrix, State
from .simulation import Simulation, drawn, sets, true_values

# The prior that the printed command gives rho: it ends at so many times the true one.
WIDE = 10
# What only a simulation of counts takes, by the fields of `Classes`.
ERRORS = {
    "readout": DATA.option(
        0.0,
        min=0.0,
        max=1.0,
        help="Readout error: share of the shots that show a random class, twice the "
        "probability of a flip for two classes.",
    ),
    "rho": DATA.option(
        0.0,
        min=0.0,
        max=1.0,
        help="Correlation of two shots of one time: N of them scatter with 1 + (N - 1) "
        "RHO times the variance of independent ones.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Classes(SetUp):
    """A law of a matrix, and what stands between it and counts of its classes."""

    SPANS: ClassVar = {"simulate": "0:6:61", "design": "0.1:6:60"}
    SCALED: ClassVar = True

    hamiltonian: Matrix = None
    state: State = None
    assigned: list[str] | None = None
    times: str | None = None
    plan: Path | None = None
    readout: float = 0.0
    rho: float = 0.0
    bath: Bath = ""

    @property
    @abstractmethod
    def wanted(self) -> Wanted:
        """The law, with its true constants."""

    @abstractmethod
    def reads(self, free: str) -> tuple[str, list[str]]:
        """Verb and first words of the command that reads data.

        Args:
            free: constants that a plan frees; empty for none.
        """

    @cached_property
    def problem(self) -> tuple[np.ndarray, np.ndarray]:
        """Hamiltonian and state."""
        return read_problem(self.hamiltonian, self.state)

    @cached_property
    def made(self) -> Law:
        """The law, without a bath."""
        (H, psi0), make = self.problem, partial(law_that_runs, self.wanted)
        return law_of(make, jnp.asarray(H), psi0, self.hamiltonian, self.state)

    def scale(self) -> float:
        return time_scale(self.problem[0], self.hamiltonian)

    def check(self, asked: Asked) -> None:
        _ = self.wanted, self.problem, self._lifetimes()
        self._misread(asked)

    def followed(self, ts: np.ndarray, asked: Asked) -> Followed:
        """The law in its bath, and counts with their errors."""
        H, psi0 = self.problem
        bathed = in_bath(self.made, asked.priors, H, parse_bath(self.bath))
        bathed.announce()
        rho = self.rho
        instrument = Confusion(
            readout=jnp.asarray(self._misread(asked)),
            fading=jnp.asarray(bathed.fading or 0.0),
            noise=DirichletMultinomial(jnp.asarray(rho)) if rho > 0 else Multinomial(),
        )
        constants = {**told(self.wanted, self.made), **self._lifetimes()}
        return Followed(
            bathed.law, psi0, instrument, type(self.made).__name__, constants,
            f"counts of {len(psi0)} classes", bathed.priors, state=self.state,
        )  # fmt: skip

    def files(self, out: Path, ts: np.ndarray) -> dict[Path, str]:
        """Counts, and beside them the Hamiltonian and the state."""
        if ts[0] != 0 and out.suffix == ".csv":
            option = "--times" if self.plan is None else "--settings"
            raise ValueError(
                f"Argument `{option}` must begin at 0 "
                "for counts in a .csv, which holds no other time of the state, but "
                f"begins at {ts[0]:g}; give --out a .npz, .zarr or .nc."
            )
        return dict(zip(_files(out), ("populations", "matrix", "state"), strict=True))

    def drawn(
        self, made: Followed, run: Trajectory, seen: Looks, simulation: Simulation
    ) -> Mapping[Path, Any]:
        counts = drawn(run, seen.ts, made.instrument, simulation, seen.shots).values
        # a file holds counts; how they scatter is for a fit to say
        record = Record(seen.ts, counts, Multinomial(), t0=0.0)
        (H, psi0), (out, at_H, at_psi0) = self.problem, _files(simulation.out)
        return {
            out: record,
            at_H: H,
            at_psi0: psi0,
        }

    def reader(self, seen: Looks, simulation: Simulation) -> tuple[str, list[Any]]:
        """The command that reads the counts, with priors of what stands before them."""
        readout, rho = self.readout, self.rho
        # as if a calibration had found it to a tenth
        priors = [f"readout={readout:g}+-{readout / 10:g}"] if readout > 0 else []
        # of the scatter nothing is known before
        priors += [f"rho=uniform(0,{min(WIDE * rho, 1):g})"] if rho > 0 else []
        verb, words = self.reads(seen.free)
        out, H, psi0 = _files(simulation.out)
        bath = ["--bath", with_errors(self.bath)] if self._lifetimes() else []
        return verb, [
            *words, "--data", out, "--hamiltonian", H, "--state", psi0,
            *seen.recover_beside(priors), *bath,
        ]  # fmt: skip

    def words(self, asked: Asked) -> list[Any]:
        return [*super().words(asked), *self._beside(asked)]

    def _beside(self, asked: Asked) -> list[Any]:
        """Words of `jqd simulate` for all but the law itself."""
        words: list[Any] = []
        if self.hamiltonian is not None:
            words += ["--hamiltonian", self.hamiltonian, "--state", self.state]
        readout = self._misread(asked)
        words += ["--readout", f"{readout:g}"] if readout > 0 else []
        return words + (["--bath", self.bath] if self._lifetimes() else [])

    def _lifetimes(self) -> dict[str, float]:
        """Times of the bath, by name."""
        return {name: centre(name, one) for name, one in parse_bath(self.bath).items()}

    def _misread(self, asked: Asked) -> float:
        """The readout error: that of the option, or the mean of a prior."""
        return self.readout or _readout(asked.priors)


@dataclass(frozen=True, kw_only=True)
class Copies(Classes):
    """Copy dynamics."""

    NAME: ClassVar = "copying"
    CONSTANTS: ClassVar = CONSTANTS

    assigned: Annotated[list[str] | None, sets("q (0.5), r (-0.5)")] = None

    @property
    def wanted(self) -> Wanted:
        truth = true_values(self.assigned, {"q": 0.5, "r": -0.5})
        return Wanted("copying", (), truth)

    def reads(self, free: str) -> tuple[str, list[str]]:
        return reader_of_copies(self.wanted.values, self.made, free)


@dataclass(frozen=True, kw_only=True)
class OneLaw(Classes):
    """Any law of a matrix; or on a grid, where its file says so."""

    NAME: ClassVar = "law"

    law: LawWord
    state: StateOrPacket = None
    assigned: Assigned = None

    @property
    def wanted(self) -> Wanted:
        return parse_law(self.law, self.assigned)

    def chosen(self) -> SetUp:
        ground = ground_of(self.wanted, self.hamiltonian, self.state)
        if ground is None:
            return self
        for option in ("--readout", "--rho", "--bath"):
            only_with(option, "laws of a matrix", given=typed(option), there=False)
        return OnGround(
            self.law, self.wanted, ground, self.state, self.times, self.plan
        )

    def check(self, asked: Asked) -> None:
        check_settled(self.wanted, self.law, asked.free)
        super().check(asked)

    def reads(self, free: str) -> tuple[str, list[str]]:
        return reader_of(self.wanted, self.made, free)

    def words(self, asked: Asked) -> list[Any]:
        return [*words_of(self.wanted), *self._beside(asked)]

    def names(self, free: str | None) -> tuple[str, ...]:
        return free_of(self.wanted, self.made, free, given=True)


def reader_of_copies(
    truth: Mapping[str, float], law: Law, free: str
) -> tuple[str, list[str]]:
    """Verb and first words of the command that reads data of copies, as `reader_of`.

    `recover copying` holds an exponent that a plan does not free at its value in
    quantum mechanics; where it has another one, `recover law copying` takes it.
    """
    fitted = set(map(str.strip, free.split(","))) if free else {*truth}
    known = quantum_values(law)
    held = {n: x for n, x in truth.items() if n not in fitted and x != known[n]}
    if not held:
        return "recover", ["copying"]
    return "recover", ["law", *words_of(Wanted("copying", (), held))]


def _files(out: Path) -> Sequence[Path]:
    """The file of counts, and those of Hamiltonian and state beside it."""
    names = "hamiltonian", "psi0"
    return out, *(out.with_name(f"{out.stem}_{name}.npy") for name in names)


def _readout(priors: Mapping[str, Prior]) -> float:
    """The readout error that a prior names; 0 without one."""
    for name, prior in priors.items():
        if name.rpartition(".")[2] in ("flip", "fading"):
            raise ValueError(
                f"Argument `--nuisance` must not name {name} in a design, but does; "
                "`readout` is the share of shots that show a random class."
            )
        if name.rpartition(".")[2] == "readout":
            mean = float(prior.centre)
            if not 0 <= mean < 1:
                raise ValueError(
                    "Argument `--nuisance readout` must have a mean in [0, 1), the "
                    "share of read-outs that show a random class (an error of M "
                    f"classes is below (M-1)/M), but has {mean:g}."
                )
            return mean
    return 0.0
