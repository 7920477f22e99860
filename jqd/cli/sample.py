"""`jqd sample`: its options."""

from pathlib import Path

import typer

from .options import AsJson, Quick, Seed
from .sample_copying import SampleOptions, parse_remedy, resume_copying, sample_copying

sample_app = typer.Typer(
    help="Sample the random processes behind a law, trajectory by trajectory.",
    no_args_is_help=True,
)

METHODS = ("leap", "exact")


@sample_app.command()
def copying(
    hamiltonian: Path = typer.Option(None, help="The Hermitian matrix, .npy or CSV."),
    state: Path = typer.Option(None, help="psi at the first time, .npy or CSV."),
    copies: float = typer.Option(1e6, help="N, systems in the ensemble."),
    trajectories: int = typer.Option(1000, min=2, help="Ensembles to sample."),
    time: float = typer.Option(10.0, help="How long; h/H has this unit."),
    rows: int = typer.Option(101, min=2, help="Times to record, 0 and the end."),
    q: float = typer.Option(0.5, help="Exponent of the copy rate."),
    r: float = typer.Option(-0.5, help="Exponent of the phase rate."),
    method: str = typer.Option("leap", help=f"One of {', '.join(METHODS)}."),
    remedy: str = typer.Option(
        "none", help="For nodes: none, spectators:NUMBER or admixture:SHARE."
    ),
    printed: bool = typer.Option(
        False, "--printed", help="Take eq. (39) with its printed sign."
    ),
    resume: Path = typer.Option(
        None, help="Folder of a run that was stopped; it has all other options."
    ),
    out: Path = typer.Option(
        Path("results/copies"), help="Folder for the results. Never overwritten."
    ),
    seed: Seed = 0,
    as_json: AsJson = False,
    quick: Quick = False,
) -> int:
    """Sample N systems that copy each other, beside quantum mechanics."""
    if resume is not None:
        return resume_copying(resume, as_json=as_json)
    if (hamiltonian is None) != (state is None):
        raise ValueError(
            "Arguments `--hamiltonian` and `--state` must be given together, but "
            f"{'--hamiltonian' if hamiltonian is None else '--state'} is missing."
        )
    if method not in METHODS:
        raise ValueError(
            f"Argument `--method` must be one of {', '.join(METHODS)}, but {method!r} "
            "was given."
        )
    spectators, admixture = parse_remedy(remedy)
    options = SampleOptions(
        copies=copies,
        trajectories=min(trajectories, 64) if quick else trajectories,
        time=time,
        rows=min(rows, 21) if quick else rows,
        q=q,
        r=r,
        method=method,
        spectators=spectators,
        admixture=admixture,
        printed=printed,
        seed=seed,
    )
    return sample_copying(options, hamiltonian, state, out, as_json=as_json)
