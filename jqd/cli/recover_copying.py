"""What `jqd recover copying` does: read, fit, draw, print."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import jax
import numpy as np

from .. import problems
from ..inference import Data, Search, recover
from ..laws import CopyDynamics
from ..records import load_matrix, load_record, load_state, naming
from .session import Session, draw, show, write

NOISE = ("auto", "none", "gaussian", "multinomial", "ensemble")


@dataclass(frozen=True)
class RecoverOptions:
    """What the user asked for, checked as far as that goes without reading files.

    Attributes:
        data: file of populations (t,p0,p1..) or counts (t,n0,n1..), or None for the
            built-in problem.
        hamiltonian: file of the Hermitian matrix; given with `data`, and only then.
        state: file of psi at the first time; likewise.
        free: names of the constants to recover.
        start: the first start, by name of the constant; the others are drawn.
        starts: number of starts.
        noise: name of the noise model, one of `NOISE`.
        sigma: standard error for Gaussian noise, or None to estimate it.
        out: folder for the results; never overwritten.
        seed: of the random starts and of everything else that is drawn.
        as_json: whether standard output gets the JSON and nothing else.
        quick: whether a smaller version is asked for.
    """

    data: Path | None
    hamiltonian: Path | None
    state: Path | None
    free: tuple[str, ...]
    start: dict[str, float]
    starts: int
    noise: str
    sigma: float | None
    out: Path
    seed: int
    as_json: bool
    quick: bool


def recover_copying(options: RecoverOptions) -> int:
    """Recover the constants, write the results, print them.

    Args:
        options: what the user asked for.

    Returns:
        Exit code: 0 if the fit converged, else 1.

    Raises:
        ValueError: bad input, in one line.
    """
    began = perf_counter()
    law, psi0, data = _read(options)
    with Session(options.out) as session, naming(options.data, "data"):
        recovery = recover(
            law,
            data,
            psi0=psi0,
            free=options.free,
            start=options.start or None,
            starts=min(options.starts, 8) if options.quick else options.starts,
            search=Search(steps=20, windows=4, chunk=10) if options.quick else Search(),
            key=jax.random.key(options.seed),
            report=session.advance,
            keep=session.keep,
        )
        session.advance("report", 0, 1)
        names = [f"p{i}" for i in range(recovery.observed.shape[1])]
        landscape = draw(session.folder, recovery, names)
        settings = {"noise": type(data.noise).__name__, "seed": options.seed}
        seconds = perf_counter() - began
        write(session.folder, recovery, names, landscape, settings, seconds)
        session.advance("report", 1, 1)
    return show(recovery, session.folder, seconds, as_json=options.as_json)


def _read(options: RecoverOptions) -> tuple[CopyDynamics, np.ndarray, Data]:
    """The law, the state and the record; the built-in ones without files."""
    if options.data is None:
        problem = problems.four_level()
        H, psi0, data = problem.hamiltonian, problem.psi0, problem.populations
        if options.noise == "multinomial":
            data = problem.counts
        elif options.noise in ("gaussian", "ensemble"):
            raise ValueError(
                "Argument `--noise` must be auto, none or multinomial for the built-in "
                f"data, but is {options.noise}."
            )
    else:
        H = load_matrix(options.hamiltonian or "")
        psi0 = load_state(options.state or "")
        data = load_record(options.data, options.noise, options.sigma)
    with naming(options.hamiltonian):
        law = CopyDynamics.from_hamiltonian(H)
    with naming(options.state):
        law.prepare(law.admit(psi0))
    return law, np.asarray(psi0), data
