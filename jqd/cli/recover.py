"""`jqd recover`: its options."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import typer

from .husimi_options import FORMS, LOSSES, HusimiOptions
from .recover_copying import NOISE, RecoverOptions, recover_copying
from .recover_husimi import recover_husimi, recover_lengths

COPYING_CONSTANTS = ("q", "r", "omega", "R", "delta", "phase0")

# A comma, but not the one in R[0,1].
_COMMA = re.compile(r",(?![^\[]*\])")

recover_app = typer.Typer(
    help="Recover the free constants of a law from data, with their errors.",
    no_args_is_help=True,
)


@recover_app.command()
def copying(
    data: Path = typer.Option(
        None, help="CSV with columns t,p0,p1.. (populations) or t,n0,n1.. (counts)."
    ),
    hamiltonian: Path = typer.Option(None, help="The Hermitian matrix, .npy or CSV."),
    state: Path = typer.Option(None, help="psi at the first time, .npy or CSV."),
    free: str = typer.Option("q,r", help="Constants to recover."),
    start: str = typer.Option("", help="Where to begin, e.g. q=0.2,r=-1.1."),
    starts: int = typer.Option(64, min=1, help="Number of starts."),
    noise: str = typer.Option(
        "auto", help="auto, none, gaussian, gaussian:SIGMA or multinomial."
    ),
    out: Path = typer.Option(
        Path("results/copying"), help="Folder for the results. Never overwritten."
    ),
    seed: int = typer.Option(0, min=0, help="Seed of all that is drawn."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON and nothing else."),
    quick: bool = typer.Option(False, "--quick", help="The smaller version."),
) -> int:
    """Recover q and r of copy dynamics from exact quantum evolution, or your data."""
    files = {"--data": data, "--hamiltonian": hamiltonian, "--state": state}
    missing = [name for name, file in files.items() if file is None]
    if 0 < len(missing) < len(files):
        raise ValueError(
            "Arguments `--data`, `--hamiltonian` and `--state` must be given together, "
            f"but {' and '.join(missing)} is missing."
        )
    names = parse_free(free, COPYING_CONSTANTS)
    kind, sigma = parse_noise(noise)
    return recover_copying(
        RecoverOptions(
            data=data,
            hamiltonian=hamiltonian,
            state=state,
            free=names,
            start=parse_start(start, names),
            starts=starts,
            noise=kind,
            sigma=sigma,
            out=out,
            seed=seed,
            as_json=as_json,
            quick=quick,
        )
    )


@recover_app.command()
def husimi(
    data: Path = typer.Option(
        None, help="Husimi functions, moments or samples: .npz, .zarr or .nc."
    ),
    hamiltonian: str = typer.Option(
        "0.5*U*ad^2*a^2", help="Operator in a, ad (a1, ad1, ..), q, p and parameters."
    ),
    free: str = typer.Option("C", help="Constants to recover: C, s, parameters."),
    start: str = typer.Option("", help="Where to begin, e.g. C=0.4,U=1.1."),
    starts: int = typer.Option(32, min=1, help="Number of starts."),
    form: str = typer.Option("auto", help=f"One of {', '.join(FORMS)}."),
    loss: str = typer.Option("auto", help=f"One of {', '.join(LOSSES)}."),
    levels: int = typer.Option(None, min=2, help="Levels kept of each mode."),
    points: int = typer.Option(600, min=9, help="Points of a map that are compared."),
    sigma: float = typer.Option(None, help="Standard error of the values."),
    length_scales: bool = typer.Option(
        False,
        "--length-scales",
        help="Instead of a fit: lengths for which --hamiltonian does not diffuse.",
    ),
    kappa: float = typer.Option(1.0, help="Action scale, for --length-scales."),
    out: Path = typer.Option(
        Path("results/husimi"), help="Folder for the results. Never overwritten."
    ),
    seed: int = typer.Option(0, min=0, help="Seed of all that is drawn."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON and nothing else."),
    quick: bool = typer.Option(False, "--quick", help="The smaller version."),
) -> int:
    """Recover C of the Husimi Fokker-Planck law, or length scales s, from data."""
    if length_scales:
        if data is not None:
            raise ValueError(
                "Argument `--length-scales` must not be given with `--data`, but is: "
                "it is a demand on H0, not a fit."
            )
        return recover_lengths(hamiltonian, kappa, as_json=as_json)
    for name, value, known in (("form", form, FORMS), ("loss", loss, LOSSES)):
        if value not in known:
            raise ValueError(
                f"Argument `--{name}` must be one of {', '.join(known)}, but {value!r} "
                "was given."
            )
    if sigma is not None and not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"Argument `--sigma` must be positive, but is {sigma}.")
    names = parse_names(free)
    return recover_husimi(
        HusimiOptions(
            data=data,
            hamiltonian=hamiltonian,
            free=names,
            start=parse_start(start, names),
            starts=starts,
            form=form,
            loss=loss,
            levels=levels,
            points=points,
            sigma=sigma,
            out=out,
            seed=seed,
            as_json=as_json,
            quick=quick,
        )
    )


def parse_names(text: str) -> tuple[str, ...]:
    """Read names with commas between them.

    Args:
        text: e.g. `C,U`.

    Returns:
        The names, in the order given.

    Raises:
        ValueError: if there is none or one comes twice.
    """
    names = tuple(part.strip() for part in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise ValueError(
            "Argument `--free` must name each constant once, with commas between, but "
            f"{text!r} was given."
        )
    return names


def parse_free(text: str, valid: Sequence[str]) -> tuple[str, ...]:
    """Read the option `--free`.

    Args:
        text: names with commas between them, e.g. `q,r`.
        valid: the constants of the law.

    Returns:
        The names, in the order given.

    Raises:
        ValueError: if a name is unknown or comes twice, or there is none.
    """
    names = tuple(part.strip() for part in text.split(","))
    unknown = [name for name in names if name not in valid]
    rule = f"Argument `--free` must name constants out of {', '.join(valid)}, but"
    if unknown:
        raise ValueError(f"{rule} {unknown[0]!r} was given.")
    if len(set(names)) < len(names):
        raise ValueError(f"{rule} one is named twice in {text!r}.")
    return names


def parse_start(text: str, free: Sequence[str]) -> dict[str, float]:
    """Read the option `--start`.

    Args:
        text: e.g. `q=0.2,r=-1.1`, or `R[0,1]=0.3` for an entry of an array; may be
            empty.
        free: the constants that are to be recovered.

    Returns:
        The values by name.

    Raises:
        ValueError: if a name is not one of `free` or comes twice, or a value is no
            finite number.
    """
    values: dict[str, float] = {}
    parts = _COMMA.split(text) if text.strip() else []
    for part in parts:
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ValueError(
                "Argument `--start` must look like q=0.2,r=-1.1, but "
                f"{part.strip()!r} was given."
            )
        if name.partition("[")[0] not in free:
            raise ValueError(
                "Argument `--start` must set constants that are free "
                f"({', '.join(free)}), but {name!r} was given."
            )
        if name in values:
            raise ValueError(
                f"Argument `--start` must set a constant once, but {name!r} comes "
                "twice."
            )
        values[name] = _number(number, f"`--start` must give {name} a number")
    return values


def parse_noise(text: str) -> tuple[str, float | None]:
    """Read the option `--noise`.

    Args:
        text: one of `NOISE`, or `gaussian:SIGMA`.

    Returns:
        The noise model, and its standard error if one was given.

    Raises:
        ValueError: if the model is unknown or sigma is not positive.
    """
    kind, colon, number = text.partition(":")
    if kind not in NOISE or (colon and kind != "gaussian"):
        raise ValueError(
            f"Argument `--noise` must be one of {', '.join(NOISE)} or gaussian:SIGMA, "
            f"but {text!r} was given."
        )
    if not colon:
        return kind, None
    rule = "`--noise` must have a positive number as SIGMA"
    sigma = _number(number, rule)
    if sigma <= 0:
        raise ValueError(f"Argument {rule}, but {number!r} was given.")
    return kind, sigma


def _number(text: str, rule: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"Argument {rule}, but {text!r} was given.")
    return value
