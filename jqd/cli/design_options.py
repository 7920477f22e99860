"""Options of the commands that design experiments, and how they are read."""

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

from .._words import did_you_mean
from ..inference import Prior
from .options import (
    DATA,
    FIT,
    MODEL,
    OUTPUT,
    AsJson,
    assignments,
    check_word,
    finite_number,
    parse_nuisances,
)

CRITERIA = ("A", "D", "c", "KL")
_RANGE = re.compile(r"([^=]+)=([^:]+):(.+)")


@dataclasses.dataclass(frozen=True)
class Designing:
    """What every command that designs takes, and when it began."""

    # constants to determine, which each command declares
    free: str | None = None
    shots: Annotated[
        float, DATA.option(help="Number of shots in the whole experiment.")
    ] = 1e5
    criterion: Annotated[
        str,
        FIT.option(
            help="What to minimize: A (sum of the variances), D (volume of the error "
            "ellipsoid) or c (variance of one combination); or KL, to distinguish the "
            "law best from the rival of --against.",
            show_default="A; KL with --against",
        ),
    ] = ""
    wanted: Annotated[
        str,
        FIT.option(
            help="Constants that count: q,r; with accuracies for A, q=0.01,r=0.02; "
            "with coefficients for c.",
            show_default="all of --free",
        ),
    ] = ""
    against: Annotated[
        str,
        FIT.option(
            help="Other constants, e.g. q=0.49: a rival to distinguish from the law."
        ),
    ] = ""
    over: Annotated[
        str,
        FIT.option(
            help="Minimize the worst case in a box of constants, e.g. "
            "q=0.45:0.55,r=-0.6:-0.4."
        ),
    ] = ""
    step: Annotated[
        str,
        FIT.option(
            help="Differences of constants to detect, e.g. q=0.01; the design says how "
            "many shots that takes.",
            show_default="difference from quantum mechanics",
        ),
    ] = ""
    sigmas: Annotated[
        float,
        FIT.option(
            help="Number of standard errors at which a difference counts as detected."
        ),
    ] = 5.0
    nuisance: Annotated[
        str,
        MODEL.option(
            help="Priors of nuisance parameters, which are fitted together with the "
            "free constants: NAME=MEAN+-SD, separated by commas, e.g. "
            "readout=0.01+-0.002."
        ),
    ] = ""
    out: Annotated[
        Path | None,
        OUTPUT.option(
            metavar="FILE",
            help="A new .toml file for the settings; a figure and a summary go beside "
            "it.",
        ),
    ] = None
    as_json: AsJson = False
    began: float = dataclasses.field(init=False, default_factory=perf_counter)

    def number(self) -> int:
        """Shots, a whole number from 1 on."""
        if not (self.shots >= 1 and self.shots == round(self.shots) < 2**53):
            raise ValueError(
                "Argument `--shots` must be a whole number from 1 on, but is "
                f"{self.shots:g}."
            )
        return round(self.shots)

    def priors(self, free: Sequence[str]) -> dict[str, Prior]:
        """Priors by name."""
        return parse_nuisances(self.nuisance, free)

    def arguments(self, free: Sequence[str]) -> dict[str, Any]:
        """Of `jqd.design`, as the options say."""
        known = (*free, *self.priors(free))
        rival = _values(self.against, "against", "q=0.49", known)
        criterion = self.criterion or ("KL" if rival else "A")
        check_word("criterion", criterion, CRITERIA)
        if bool(rival) != (criterion == "KL"):
            raise ValueError(
                "Argument `--against` must be given for the criterion KL, and for no "
                f"other, but the criterion is {criterion}."
            )
        wanted: Any = None
        if "=" in self.wanted:
            wanted = _values(self.wanted, "wanted", "q=0.01,r=0.02", known)
        elif self.wanted:
            wanted = tuple(part.strip() for part in _parts(self.wanted))
            _check_known(wanted, "wanted", known)
        return {
            "shots": self.number(), "criterion": criterion, "wanted": wanted,
            "rival": rival or None, "over": _box(self.over, known),
        }  # fmt: skip

    def steps(self, free: Sequence[str]) -> dict[str, float]:
        """Steps that were asked for, by name."""
        known = (*free, *self.priors(free))
        if not (math.isfinite(self.sigmas) and self.sigmas > 0):
            raise ValueError(
                f"Argument `--sigmas` must be positive, but is {self.sigmas:g}."
            )
        if self.step and self.against:
            raise ValueError(
                "Argument `--step` must not be given with `--against`, whose whole "
                "difference is the step, but is."
            )
        steps = _values(self.step, "step", "q=0.01", known)
        for name, size in steps.items():
            if size == 0:
                raise ValueError(f"Argument `--step` must not be 0, but is for {name}.")
        return {name: abs(size) for name, size in steps.items()}


def _values(
    text: str, option: str, example: str, known: Sequence[str]
) -> dict[str, float]:
    """Numbers by names that are known."""
    values = assignments(_parts(text), option, example)
    _check_known(values, option, known)
    return values


def _check_known(names: Iterable[str], option: str, known: Sequence[str]) -> None:
    for name in names:
        # an entry of an array is known by the array
        if name not in known and name.partition("[")[0] not in known:
            raise ValueError(
                f"Argument `--{option}` must name constants out of "
                f"{', '.join(known)}, but {name!r} was given"
                f"{did_you_mean(name, known)}"
            )


def _parts(text: str) -> list[str]:
    return re.split(r",(?![^\[]*\])", text) if text.strip() else []


def _box(text: str, known: Sequence[str]) -> dict[str, tuple[float, float]] | None:
    """Read the option `--over`: low and high by name; None for none."""
    found: dict[str, tuple[float, float]] = {}
    rule = "`--over` must look like q=0.45:0.55"
    for part in map(str.strip, _parts(text)):
        match = _RANGE.fullmatch(part)
        if match is None or match[1].strip() in found:
            raise ValueError(
                f"Argument {rule}, each name once, but {part!r} was given."
            )
        low, high = (finite_number(match[i], rule) for i in (2, 3))
        if not low < high:
            raise ValueError(f"Argument {rule}, low before high, but is {part!r}.")
        found[match[1].strip()] = low, high
    _check_known(found, "over", known)
    return found or None
