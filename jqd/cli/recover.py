"""`jqd recover`: its options."""

import math
from pathlib import Path

import typer

from ..inference.estimators import CURVE_CONSTANTS
from ..inference.estimators.diffusion import ESTIMATORS
from . import diffusion_options
from .diffusion_options import DiffusionOptions
from .husimi_options import FORMS, LOSSES, HusimiOptions
from .options import AsJson, Quick, Seed
from .parsing import parse_free, parse_names, parse_noise, parse_start
from .recover_copying import RecoverOptions, recover_copying
from .recover_diffusion import recover_diffusion
from .recover_husimi import recover_husimi, recover_lengths
from .recover_statistics import StatisticsOptions, recover_statistics

COPYING_CONSTANTS = ("q", "r", "omega", "R", "delta", "phase0")

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
        "auto",
        help="auto, none, gaussian, gaussian:SIGMA, multinomial (counts of independent "
        "shots) or ensemble (counts of one ensemble that copies itself).",
    ),
    out: Path = typer.Option(
        Path("results/copying"), help="Folder for the results. Never overwritten."
    ),
    seed: Seed = 0,
    as_json: AsJson = False,
    quick: Quick = False,
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
    seed: Seed = 0,
    as_json: AsJson = False,
    quick: Quick = False,
) -> int:
    """Recover C of the Husimi Fokker-Planck law, or length scales s, from data."""
    if length_scales:
        if data is not None:
            raise ValueError(
                "Argument `--length-scales` must not be given with `--data`, but is: "
                "it is a demand on H0, not a fit."
            )
        return recover_lengths(hamiltonian, kappa, as_json=as_json)
    _check_word("form", form, FORMS)
    _check_word("loss", loss, LOSSES)
    check_sigma(sigma)
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


@recover_app.command()
def diffusion(
    data: Path = typer.Option(
        None, help="Densities [t, x], or levels, of a potential: .npz, .zarr or .nc."
    ),
    column: str = typer.Option("density", help="Name of the densities in the file."),
    free: str = typer.Option(
        "D", help=f"Constants to recover: {', '.join(diffusion_options.CONSTANTS)}."
    ),
    start: str = typer.Option("", help="Where to begin, e.g. D=0.3."),
    starts: int = typer.Option(
        None, min=1, help="Number of starts; 64, or 4 where steps are many."
    ),
    form: str = typer.Option(
        "auto", help=f"One of {', '.join(diffusion_options.FORMS)}."
    ),
    estimator: str = typer.Option(
        "fit", help="fit, or without a run: spectrum, energy or residual."
    ),
    sigma: float = typer.Option(None, help="Standard error of the values."),
    out: Path = typer.Option(
        Path("results/diffusion"), help="Folder for the results. Never overwritten."
    ),
    seed: Seed = 0,
    as_json: AsJson = False,
    quick: Quick = False,
) -> int:
    """Recover D of conservative diffusion, friction, classical diffusion, or m."""
    _check_word("form", form, diffusion_options.FORMS)
    _check_word("estimator", estimator, ESTIMATORS)
    check_sigma(sigma)
    names = parse_names(free)
    diffusion_options.check_free(names)
    return recover_diffusion(
        DiffusionOptions(
            data=data,
            column=column,
            free=names,
            start=parse_start(start, names),
            starts=starts,
            form=form,
            estimator=estimator,
            sigma=sigma,
            out=out,
            seed=seed,
            as_json=as_json,
            quick=quick,
        )
    )


@recover_app.command()
def statistics(
    data: Path = typer.Option(
        None, help="CSV: E,nbar[,sigma] (curve) or n0,n1,.. (a draw in each row)."
    ),
    free: str = typer.Option("", help="Of g, T, mu; empty for all the data hold."),
    start: str = typer.Option(
        "", help="Start of a free constant, value of another, e.g. T=1.2."
    ),
    starts: int = typer.Option(7, min=1, help="Number of starts."),
    out: Path = typer.Option(
        Path("results/statistics"), help="Folder for the results. Never overwritten."
    ),
    seed: Seed = 0,
    as_json: AsJson = False,
    quick: Quick = False,
) -> int:
    """Recover g of quantum statistics (and T, mu of a curve), from weights or data."""
    return recover_statistics(
        StatisticsOptions(
            data=data,
            free=parse_names(free) if free.strip() else (),
            start=parse_start(start, CURVE_CONSTANTS),
            starts=starts,
            out=out,
            seed=seed,
            as_json=as_json,
            quick=quick,
        )
    )


def _check_word(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(
            f"Argument `--{name}` must be one of {', '.join(known)}, but {value!r} "
            "was given."
        )


def check_sigma(sigma: float | None) -> None:
    """Refuse a standard error that is none.

    Raises:
        ValueError: not positive.
    """
    if sigma is not None and not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"Argument `--sigma` must be positive, but is {sigma}.")
