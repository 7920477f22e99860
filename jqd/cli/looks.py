"""When a simulation looks, and how often: by its options, or by a plan in a file."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..records import help_text, load_settings
from .options import MODEL
from .simulation import parse_times

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
