"""`jqd recover` for matter: options of springs, anharmonicity, tower, temperature."""

from pathlib import Path

import typer

from .options import AsJson, Quick, Seed
from .parsing import parse_free, parse_start
from .recover import check_sigma, recover_app
from .recover_atoms import AtomOptions, recover_atoms
from .recover_temperature import TemperatureOptions, recover_temperature
from .recover_tower import TowerOptions, recover_tower

FPUT_CONSTANTS = ("K", "alpha", "beta")
TOWER_CONSTANTS = ("strength", "omega", "beta")
ATOM_FILE = "Positions of atoms of a chain: .npz, .zarr or .nc with t, x, x0, v0."
FOLDER = "Folder for the results. Never overwritten."


@recover_app.command()
def springs(
    data: Path = typer.Option(None, help=ATOM_FILE),
    start: str = typer.Option("", help="Where to begin, e.g. K=1.2."),
    starts: int = typer.Option(2, min=1, help="Number of starts."),
    time: float = typer.Option(60.0, min=1.0, help="Length of the computed record."),
    windows: int = typer.Option(4, min=1, help="Windows each start is led through."),
    sigma: float = typer.Option(None, help="Standard error of the positions."),
    out: Path = typer.Option(Path("results/springs"), help=FOLDER),
    seed: Seed = 0,
    as_json: AsJson = False,
    quick: Quick = False,
) -> int:
    """Recover every spring of a chain from the motion of its end."""
    check_sigma(sigma)
    return recover_atoms(
        AtomOptions(
            data=data,
            problem="springs",
            free=("K",),
            start=parse_start(start, ("K",)),
            starts=starts,
            time=min(time, 30.0) if quick else time,
            windows=windows,
            sigma=sigma,
            out=out,
            seed=seed,
            as_json=as_json,
            quick=quick,
        )
    )


@recover_app.command()
def anharmonicity(
    data: Path = typer.Option(None, help=ATOM_FILE),
    free: str = typer.Option("K,alpha,beta", help="Constants to recover."),
    start: str = typer.Option("", help="Where to begin, e.g. K=1.5,beta=0.1."),
    starts: int = typer.Option(2, min=1, help="Number of starts."),
    time: float = typer.Option(60.0, min=1.0, help="Length of the computed record."),
    windows: int = typer.Option(6, min=1, help="Windows each start is led through."),
    sigma: float = typer.Option(None, help="Standard error of the positions."),
    out: Path = typer.Option(Path("results/anharmonicity"), help=FOLDER),
    seed: Seed = 0,
    as_json: AsJson = False,
    quick: Quick = False,
) -> int:
    """Recover K, alpha and beta of a chain of Fermi, Pasta, Ulam and Tsingou's."""
    check_sigma(sigma)
    return recover_atoms(
        AtomOptions(
            data=data,
            problem="anharmonicity",
            free=parse_free(free, FPUT_CONSTANTS),
            start=parse_start(start, FPUT_CONSTANTS),
            starts=starts,
            time=min(time, 20.0) if quick else time,
            windows=windows,
            sigma=sigma,
            out=out,
            seed=seed,
            as_json=as_json,
            quick=quick,
        )
    )


@recover_app.command()
def tower(
    data: Path = typer.Option(
        None, help="CSV with columns t,p0,p1..: norm of each level of the tower."
    ),
    free: str = typer.Option("strength,omega,beta", help="Constants to recover."),
    start: str = typer.Option("", help="Where to begin, e.g. omega=0.9."),
    starts: int = typer.Option(1, min=1, help="Number of starts."),
    levels: int = typer.Option(60, min=2, help="Levels of the matter."),
    photons: int = typer.Option(8, min=1, help="Photons kept."),
    sigma: float = typer.Option(2e-3, help="Standard error of the norms."),
    out: Path = typer.Option(Path("results/tower"), help=FOLDER),
    seed: int = typer.Option(0, min=0, help="Seed of the random matrix and noise."),
    as_json: AsJson = False,
    quick: Quick = False,
) -> int:
    """Recover coupling, frequency and temperature of matter from a photon tower."""
    check_sigma(sigma)
    return recover_tower(
        TowerOptions(
            data=data,
            free=parse_free(free, TOWER_CONSTANTS),
            start=parse_start(start, TOWER_CONSTANTS),
            starts=starts,
            levels=min(levels, 40) if quick else levels,
            photons=photons,
            sigma=sigma,
            out=out,
            seed=seed,
            as_json=as_json,
            quick=quick,
        )
    )


@recover_app.command()
def temperature(
    data: Path = typer.Option(
        None,
        help="CSV: omega,n[,n_max] (a photon count a row) or omega,nbar[,sigma] "
        "(curve).",
    ),
    n_max: int = typer.Option(
        None, min=1, help="Largest count that a mode can hold, as in a cut-off tower."
    ),
    free: str = typer.Option("T", help="T; omega enters only as omega/T."),
    out: Path = typer.Option(Path("results/temperature"), help=FOLDER),
    seed: int = typer.Option(0, min=0, help="Seed of the built-in records."),
    as_json: AsJson = False,
    quick: Quick = False,
) -> int:
    """Recover T from photon counts, or from mean occupations over frequency."""
    return recover_temperature(
        TemperatureOptions(
            data=data,
            n_max=n_max,
            free=parse_free(free, ("T", "omega")),
            out=out,
            seed=seed,
            as_json=as_json,
            quick=quick,
        )
    )
