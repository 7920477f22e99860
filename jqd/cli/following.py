"""Set-ups whose law is followed at known constants, and what is asked of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..evolution import Fixed, Trajectory
from ..inference import Prior
from ..instruments import Instrument, Multinomial
from ..records import Record, help_text, load_settings, naming
from .options import MODEL, parse_free
from .simulation import (
    SCALED,
    TIMES,
    Simulation,
    follow,
    parse_times,
    rows,
    spaced,
)

_PLAN = "Written by `jqd design`; not together with --times or --shots."
PLAN = MODEL.option(None, "--settings", help=f"{help_text('settings')} {_PLAN}")


class Looks(NamedTuple):
    """When it is looked, and how often.

    Attributes:
        ts: times, (T,).
        shots: at each of them, one number or (T,).
        each: shots of a plan, None where all times have as many.
        free, nuisance: of a plan, for the command that recovers; empty for none.
    """

    ts: np.ndarray
    shots: Any
    each: Sequence[int] | None = None
    free: str = ""
    nuisance: str = ""

    @property
    def recover(self) -> list[str]:
        """Words for the command that recovers: --free and --nuisance of a plan."""
        return self.recover_beside(())

    def recover_beside(self, priors: Iterable[str]) -> list[str]:
        """The same words, with priors of what the plan says nothing of."""
        more = [one for one in priors if one.partition("=")[0] not in self._priors]
        nuisance = ",".join(filter(None, (self.nuisance, *more)))
        words = [["--free", self.free], ["--nuisance", nuisance]]
        return [word for pair in words if pair[1] for word in pair]

    @property
    def _priors(self) -> set[str]:
        """What has a prior: `readout`, also of `instrument.readout`."""
        names = (one.partition("=")[0].strip() for one in self.nuisance.split(","))
        return {name.rpartition(".")[2] for name in names}

    def freeing(self, others: Iterable[str], default: str) -> "Looks":
        """The same, with more constants free for the command that recovers.

        Args:
            others: constants that it would hold at their values in quantum mechanics,
                but that have others; those with a prior are not freed.
            default: what the command frees where nothing is said.
        """
        free = [name.strip() for name in (self.free or default).split(",")]
        held = [name for name in others if name not in {*free, *self._priors}]
        return self._replace(free=",".join([*free, *held])) if held else self

    @property
    def told(self) -> int | list[int]:
        """The shots for a summary: a list where a plan says how many at which."""
        return self.shots if self.each is None else list(self.each)


def looks(
    law: str,
    plan: Path | None,
    times: str | None,
    default: str,
    shots: int | None,
    many: int,
) -> Looks:
    """What is looked at when, of a plan or of the options.

    Args:
        default: times unless said.
        many: shots unless said.
    """
    if plan is None:
        ts = parse_times(default if times is None else times)
        return Looks(ts, many if shots is None else shots)
    for name, given in (("times", times), ("shots", shots)):
        if given is not None:
            raise ValueError(
                f"Argument `--{name}` must not be given with `--settings`, which says "
                "when and how often, but is."
            )
    found = load_settings(plan)
    if found.law not in ("", law):
        raise ValueError(
            f"Argument `--settings` must be of {law}, but {plan.name} is of "
            f"{found.law}."
        )
    each = found.shots.tolist()
    return Looks(found.ts, found.shots, each, found.free, found.nuisance)


# Counts that stand for a record until there is one; only their scatter counts.
COUNTED = 1e6


class Asked(NamedTuple):
    """What a verb asks of a set-up, beside the values of a run.

    Attributes:
        free: constants that a design determines; none for a simulation.
        priors: of nuisances, by name.
        seed: of what a set-up itself draws.
    """

    free: tuple[str, ...] = ()
    priors: Mapping[str, Prior] = {}
    seed: int = 0


class Followed(NamedTuple):
    """A law that can be followed, and what is seen of it.

    Attributes:
        law: the law at its constants, in its bath.
        psi0: the state at time 0, as the law takes it.
        instrument: what shows the law.
        name: of the class of the law, without a bath.
        constants: true values by name.
        shown: what the data are, in words.
        priors: of nuisances, those of a bath among them.
        method: how the law is followed; None for its own way.
        stepper: a one-step method instead, whose steps are refined.
        fitted: how a fit follows the law; None for its own way.
        state: file of the state, for messages.
    """

    law: Any
    psi0: Any
    instrument: Instrument
    name: str
    constants: Mapping[str, float]
    shown: str
    priors: Mapping[str, Prior] = {}
    method: Any = None
    stepper: Any = None
    fitted: Fixed | None = None
    state: Path | None = None

    def run(self, ts: np.ndarray, shots: int = 1) -> Trajectory:
        """What the instrument shows on average; of `shots` at a time, see `follow`."""
        with naming(self.state):
            return follow(
                self.law, self.psi0, ts, self.instrument, self.method, self.stepper,
                shots,
            )  # fmt: skip


class SetUp(ABC):
    """A law at known constants, its state, and what is seen of it.

    A set-up is a dataclass whose fields are options. It is read by `chosen`, `names`,
    `check` and `looked`, before anything is computed, and followed after that.

    Attributes:
        NAME: of its commands.
        SHOTS: at each time, unless the user says how many.
        SPANS: times by default, by verb.
        SCALED: whether these are times the time scale of the law.
        CONSTANTS: that a design may free; None where the law says which.
        assigned: texts of the option `--set`.
        times: text of the option `--times`; None for those by default.
        plan: file of `jqd design`, for a verb that takes one.
    """

    NAME: ClassVar[str]
    SHOTS: ClassVar[int] = 1000
    SPANS: ClassVar[Mapping[str, str]]
    SCALED: ClassVar[bool] = False
    CONSTANTS: ClassVar[Sequence[str] | None] = None
    assigned: list[str] | None
    times: str | None
    plan: Path | None

    @classmethod
    def times_of(cls, verb: str, what: str, *, beside_plan: bool = False) -> Any:
        """The option `--times` of a verb, which calls them `what`."""
        text, said = cls.SPANS[verb], f"{what}: {TIMES}"
        if not (cls.SCALED or beside_plan):
            return MODEL.option(text, help=said)
        shown = f"{text}, {SCALED}" if cls.SCALED else text
        return MODEL.option(None, help=said, show_default=shown)

    def chosen(self) -> "SetUp":
        """This set-up, or the one that its options ask for."""
        return self

    @abstractmethod
    def check(self, asked: Asked) -> None:
        """Raise ValueError for options that are not sound, before a law is made."""

    def names(self, free: str | None) -> tuple[str, ...]:
        """The constants that `--free` names."""
        return parse_free(free or "", self.CONSTANTS)

    def scale(self) -> float:
        """The unit of times by default."""
        return 1.0

    def span(self, verb: str) -> str:
        """Times by default, as `--times` takes them."""
        text = self.SPANS[verb]
        if not self.SCALED:
            return text
        first, last, number = text.split(":")
        return spaced(float(first), float(last), int(number), self.scale())

    def looked(self, verb: str) -> np.ndarray:
        """Times of `--times`, or those by default, (T,)."""
        return parse_times(self.span(verb) if self.times is None else self.times)

    @abstractmethod
    def followed(self, ts: np.ndarray, asked: Asked) -> Followed:
        """The law, for a run over these times."""

    @abstractmethod
    def files(self, out: Path, ts: np.ndarray) -> dict[Path, str]:
        """Files of data at these times, by what they hold, see `records.formats.KINDS`.

        Raises:
            ValueError: a file that cannot hold them.
        """

    @abstractmethod
    def drawn(
        self, made: Followed, run: Trajectory, seen: Looks, simulation: Simulation
    ) -> Mapping[Path, Any]:
        """Draw data of a run, by file."""

    @abstractmethod
    def reader(self, seen: Looks, simulation: Simulation) -> tuple[str, list[Any]]:
        """Verb and words of the command that reads the data."""

    def words(self, asked: Asked) -> list[Any]:
        """Words by which `jqd simulate` follows the same law."""
        del asked
        return [word for text in self.assigned or () for word in ("--set", text)]

    def data(self, made: Followed, run: Trajectory, ts: np.ndarray) -> Any:
        """What stands for data of a run, and what shows it: counts, of many shots."""
        p = np.asarray(rows(run, ts))
        counts = np.round(COUNTED * np.maximum(p, 0))
        return Record(ts, counts, Multinomial(), t0=0.0), made.instrument

    @property
    def least(self) -> int:
        """Fewest shots at a time of which data can be made."""
        return 1
