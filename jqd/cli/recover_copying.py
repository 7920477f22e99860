"""`jqd recover copying`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import constants, problems
from ..inference import Prior, Search, hamiltonian_priors
from ..instruments import Confusion, DirichletMultinomial, Multinomial
from ..laws import CopyDynamics, Law
from ..records import Record, load_matrix, load_record, load_state, naming
from ..records.populations import rows_of_times
from ..records.scan import settings_of
from .copy_nodes import refuse_nodes
from .fit import fit
from .lifetimes import in_bath
from .options import (
    DATA,
    MODEL,
    PRIORS,
    T0,
    Bath,
    Columns,
    Common,
    Free,
    Sampling,
    Shots,
    Starts,
    only_with,
    parse_bath,
    parse_columns,
    parse_free,
    parse_hamiltonian_share,
    parse_noise,
    parse_nuisances,
    parse_start,
    start_like,
    with_options,
)
from .session import Matrix, State, takes

LawT = TypeVar("LawT", bound=Law)
CONSTANTS = ("q", "r", "omega", "R", "delta", "phase0")
# Constants of what shows populations.
SHOWN = ("readout", "flip", "fading")


@with_options(out=Path("results/copying"))
def copying(
    *,
    data: Annotated[Path | None, takes("populations")] = None,
    hamiltonian: Matrix = None,
    state: State = None,
    free: Free = "q,r",
    start: Annotated[str, start_like("q=0.2,r=-1.1")] = "",
    starts: Starts = 64,
    noise: str = DATA.option(
        "auto",
        help="Noise of the data: auto, none, gaussian, gaussian:SIGMA, multinomial "
        "(counts of independent shots) or ensemble (counts of one ensemble that "
        "copies itself).",
    ),
    t0: T0 = None,
    columns: Columns = "",
    shots: Shots = None,
    nuisance: Annotated[
        str,
        MODEL.option(
            help=f"{PRIORS} H=1% gives each real parameter of the Hamiltonian "
            "(energies relative to the first, real and imaginary parts of couplings) a "
            "standard deviation of 1 % of the largest coupling |H_ab|, a != b; a "
            "coupling of 0 stays 0."
        ),
    ] = "",
    bath: Bath = "",
    sampling: Sampling,
    common: Common,
) -> int:
    """Recover q and r of copy dynamics from exact quantum evolution or your data."""
    names = parse_free(free, CONSTANTS)
    first = parse_start(start, names)
    share, others = parse_hamiltonian_share(nuisance)
    priors = parse_nuisances(others, names)
    if data is None and noise == "auto" and sampling.posterior:
        noise = "multinomial"
    H, psi0, record = read_populations(
        data, hamiltonian, state, noise, t0, columns, shots
    )
    law = law_of(CopyDynamics.from_hamiltonian, H, psi0, hamiltonian, state)
    return fit_populations(
        law, H, psi0, record, priors, share=share, free=names, start=first,
        starts=min(starts, 8) if common.quick else starts, bath=bath, data=data,
        columns=columns, shots=shots, nuisance=nuisance, sampling=sampling,
        common=common,
    )  # fmt: skip


def fit_populations(
    law: Law,
    H: Array,
    psi0: np.ndarray,
    record: Record,
    priors: Mapping[str, Prior],
    *,
    free: tuple[str, ...],
    start: Mapping[str, float],
    starts: int,
    bath: str,
    data: Path | None,
    columns: str,
    shots: int | None,
    nuisance: str,
    sampling: Sampling,
    common: Common,
    share: float | None = None,
    settings: Mapping[str, Any] | None = None,
) -> int:
    """Recover constants of a law of a matrix from populations.

    Args:
        share: of the largest coupling, as width of the priors of H.
        settings: more of them to be kept with the results.

    Returns:
        Exit code, as of `fit`.
    """
    refuse_nodes(law, psi0, record, (*free, *priors))
    bathed = in_bath(law, priors, np.asarray(H), parse_bath(bath))
    law, priors = bathed.law, bathed.priors
    record = with_scatter(record, priors, constants.names(law), data, columns, shots)
    shown = instrument_of(law, record, priors, free, bathed.fading)
    if share is not None:
        priors |= _of_hamiltonian(bathed.law, share, priors, record)
    bathed.announce()
    quick = Search(steps=20, windows=4, chunk=10)
    return fit(
        common, law, record, psi0=psi0, free=free, start=start or None, file=data,
        starts=starts, search=quick if common.quick else Search(),
        names=[f"p{i}" for i in range(record.values.shape[1])],
        instrument=shown, nuisances=priors, sampling=sampling,
        settings={**(settings or {}), "noise": type(record.noise).__name__,
                  "nuisances": nuisance, "bath": bath},
    )  # fmt: skip


def _of_hamiltonian(
    law: CopyDynamics, share: float, others: Mapping[str, Prior], record: Record
) -> dict[str, Prior]:
    """Priors of H=1%."""
    found = hamiltonian_priors(law, share * np.max(np.asarray(law.R)))
    twice = sorted({*found} & {*others})
    if twice:
        raise ValueError(
            "Argument `--nuisance` must name each constant once, but gives a prior of "
            f"H and one of {twice[0]!r}."
        )
    if not record.noise.known:
        raise ValueError(
            "Argument `--nuisance` must not give H beside a record without errors, but "
            "does: a prior weighs nothing there; give counts or `--noise`."
        )
    return found


def instrument_of(
    law: Law,
    record: Record,
    priors: Mapping[str, Prior],
    free: Sequence[str] = (),
    fading: float | None = None,
) -> Any:
    """What shows populations: with errors where there are priors of them.

    Args:
        record: whose t0 is the time from which on contrast fades; its rows may set
            constants of what shows them.
        fading: rate at which contrast is lost, where it stands for a bath.
    """
    own = constants.names(law)
    named = (*priors, *free, *settings_of(record), *(["fading"] if fading else []))
    last = {name.rpartition(".")[2]: name for name in named}
    shown = [name for name in SHOWN if name in last and last[name] not in own]
    if not shown:
        return "density"
    centres: dict[str, Any] = {
        name: priors[last[name]].centre for name in shown if last[name] in priors
    }
    # the same as the centre of its prior, where it has one
    centres |= {"fading": fading} if fading else {}
    return Confusion(since=record.t0, **centres)


def with_scatter(
    record: Record,
    priors: Mapping[str, Prior],
    own: Collection[str],
    file: Path | None = None,
    columns: str = "",
    shots: int | None = None,
) -> Record:
    """The record, with counts that scatter more where there is a prior of that.

    Args:
        own: names of constants that laws have of their own.
        file: of its counts, None where no rows of one time were added.
    """
    named = [n for n in priors if n.rpartition(".")[2] == "rho" and n not in own]
    if not named:
        return record
    if not isinstance(record.noise, Multinomial):
        raise ValueError(
            "Argument `--nuisance` must not name rho but for counts of shots, whose "
            "scatter it makes larger, but does; errors of other data are given by "
            "`--noise`, or by a column sigma."
        )
    # rows of a scan are not added, nor are clusters
    if file is not None and not record.times_repeat:
        added = rows_of_times(file, parse_columns(columns), shots)
        if added.min() < added.max():
            raise ValueError(
                "Argument `--nuisance` must not name rho where times have unlike "
                f"numbers of rows, which are added, but does; {file.name} has "
                f"{added.min()} to {added.max()}, and two rows scatter independently: "
                "number the rows of a time in a column cluster, which keeps them apart."
            )
    own_noise, noise = record.noise, DirichletMultinomial(priors[named[0]].centre)
    # of a scan its settings stay
    return eqx.tree_at(
        lambda record: record.noise, record, noise, is_leaf=lambda x: x is own_noise
    )


def read_populations(
    file: Path | None,
    hamiltonian: Path | None,
    state: Path | None,
    noise: str,
    t0: float | None = None,
    columns: str = "",
    shots: int | None = None,
    *,
    settings: bool = False,
) -> tuple[Array, np.ndarray, Record]:
    """Hamiltonian, state and record of populations; the built-in ones without files.

    Args:
        settings: whether rows may be runs of their own.
    """
    files = {"--data": file, "--hamiltonian": hamiltonian, "--state": state}
    missing = [name for name, one in files.items() if one is None]
    if 0 < len(missing) < len(files):
        raise ValueError(
            "Arguments `--data`, `--hamiltonian` and `--state` must be given together, "
            f"but there is no {' and no '.join(missing)}."
        )
    chosen = parse_columns(columns)
    for option, given in {"--t0": t0, "--columns": chosen, "--shots": shots}.items():
        only_with(option, "--data", given=given is not None, there=file is not None)
    kind, sigma = parse_noise(noise)
    if file is None or hamiltonian is None or state is None:
        problem = problems.four_level()
        H, psi0, data = problem.hamiltonian, problem.psi0, problem.populations
        if kind == "multinomial":
            data = problem.counts
        elif kind in ("gaussian", "ensemble"):
            raise ValueError(
                "Argument `--noise` must be auto, none or multinomial for the built-in "
                f"data, but is {kind}."
            )
    else:
        H, psi0 = load_matrix(hamiltonian), load_state(state)
        data = load_record(file, kind, sigma, t0, chosen, shots)
        if not settings:
            check_course(data, file)
    return jnp.asarray(H), np.asarray(psi0), data


def check_course(record: Record, file: Path) -> None:
    """Raise ValueError for a table whose rows are settings."""
    if not record.over_time:
        raise ValueError(
            f"Argument `--data` must have rows over time alone, but {file.name} has "
            f"columns of settings ({', '.join(settings_of(record))}), which `jqd "
            "recover law` takes for a law that has them."
        )


def read_problem(
    hamiltonian: Path | None, state: Path | None
) -> tuple[np.ndarray, np.ndarray]:
    """Hamiltonian and state; the built-in ones without files."""
    if (hamiltonian is None) != (state is None):
        raise ValueError(
            "Arguments `--hamiltonian` and `--state` must be given together, but "
            f"{'--hamiltonian' if hamiltonian is None else '--state'} is missing."
        )
    if hamiltonian is None or state is None:
        problem = problems.four_level()
        return np.asarray(problem.hamiltonian), np.asarray(problem.psi0)
    return load_matrix(hamiltonian), load_state(state)


def time_scale(H: np.ndarray, hamiltonian: Path | None) -> float:
    """The unit of default times: the power of ten next to ħ over the spread of levels.

    Args:
        H: the Hamiltonian, which need not be sound yet.
        hamiltonian: its file; None for the built-in one, whose times are in its unit.
    """
    square = H.ndim == 2 and H.shape[0] == H.shape[1]
    if hamiltonian is None or not square:
        return 1.0
    # all of the report card, which no other command here needs
    from ..vetting.states import time_unit

    return time_unit(np.linalg.eigvalsh(H), 1.0)


def law_of(
    make: Callable[[Array], LawT],
    H: Array,
    psi0: np.ndarray,
    hamiltonian: Path | None,
    state: Path | None,
) -> LawT:
    """The law of a Hamiltonian; complaints name the file that they are about."""
    with naming(hamiltonian):
        law = make(H)
    with naming(state):
        law.prepare(law.admit(psi0))
    return law
