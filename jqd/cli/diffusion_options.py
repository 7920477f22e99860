"""The options of `jqd recover diffusion`, and the law and state they ask for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..inference import Unidentifiable
from ..laws import ConservativeDiffusion
from ..records.density import DensityRecord

FORMS = ("auto", "amplitude", "window", "links")
CONSTANTS = ("D", "friction", "classical_diffusion", "mass")
# Named in the paper or natural to try, and no constants that a density can tell.
_ALIASES = {
    "hbar": "hbar enters the law only as D = hbar/2m; free D",
    "V": "the potential and the mass enter only as V/m; give V and free mass",
    "u": "the diffusion velocity is a field of the density and D; free D",
    "nu": "the noise of single paths leaves the density as it is; free D",
    "sigma": "it is the scatter of the data, not of the law; give --sigma",
}


@dataclass(frozen=True)
class DiffusionOptions:
    """What the user asked for, checked as far as that goes without reading files.

    Attributes:
        data: file of the record, or None for the built-in double well.
        column: name of the densities in the file.
        free: names of the constants to recover.
        start: the first start, by name.
        starts: number of starts, or None to choose.
        form: how the state is carried, one of `FORMS`.
        estimator: "fit", or one that needs no run.
        sigma: standard deviation of the values, or None for what the file says.
        out: folder for the results; never overwritten.
        seed: of the random starts.
        as_json: whether standard output gets the JSON and nothing else.
        quick: whether a smaller version is asked for.
    """

    data: Path | None
    column: str
    free: tuple[str, ...]
    start: dict[str, float]
    starts: int | None
    form: str
    estimator: str
    sigma: float | None
    out: Path
    seed: int
    as_json: bool
    quick: bool


def check_free(free: tuple[str, ...]) -> None:
    """Refuse names that are no constants of the law.

    Raises:
        ValueError: an unknown name.
        Unidentifiable: (a ValueError) one that no density could tell.
    """
    for name in free:
        if name in _ALIASES:
            raise Unidentifiable(
                "Argument `--free` must name constants that a density can tell, but "
                f"{_ALIASES[name]}."
            )
        if name not in CONSTANTS:
            raise ValueError(
                f"Argument `--free` must name constants out of {', '.join(CONSTANTS)}, "
                f"but {name!r} was given."
            )


def law_of(options: DiffusionOptions, record: DensityRecord) -> ConservativeDiffusion:
    """The law at the first start.

    Raises:
        ValueError: a start that is not positive, a form that cannot carry the law.
    """
    check_free(options.free)
    values: dict[str, Any] = {"mass": record.mass}
    values["D"] = record.hbar / (2 * record.mass)
    dissipates = {"friction", "classical_diffusion"} & set(options.free)
    for name in dissipates:
        values[name] = 0.05
    values |= options.start
    # boundary: what comes near the walls of the record is at the user's word
    return ConservativeDiffusion(
        record.grid, record.potential, hbar=record.hbar,
        form=_form(options, record, bool(dissipates)), **values,
    )  # fmt: skip


def _form(options: DiffusionOptions, record: DensityRecord, dissipates: bool) -> str:
    if options.form != "auto":
        return options.form
    if not dissipates:
        return "amplitude"
    return "window" if record.grid.ndim == 1 else "links"
