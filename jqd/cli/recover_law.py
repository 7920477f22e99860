"""`jqd recover law`: constants of any law of a matrix, one's own among them."""

from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .. import constants
from ..inference import Search
from .copy_nodes import refuse_nodes
from .fit import fit
from .lifetimes import with_fading
from .one_law import Assigned, LawWord, free_of, law_that_runs, parse_law, words_of
from .options import (
    DATA,
    FIT,
    T0,
    Columns,
    Common,
    Nuisance,
    Sampling,
    Shots,
    Starts,
    parse_nuisances,
    parse_start,
    start_like,
    with_options,
)
from .recover_copying import instrument_of, law_of, read_populations
from .session import Matrix, State, takes


@with_options(out=Path("results/law"))
def law(
    law: LawWord,
    *,
    data: Annotated[Path | None, takes("populations")] = None,
    hamiltonian: Matrix = None,
    state: State = None,
    assigned: Assigned = None,
    free: Annotated[
        str | None,
        typer.Option(
            help="Constants to recover, separated by commas.",
            show_default="those declared with jqd.free that have no value",
            rich_help_panel=FIT,
        ),
    ] = None,
    start: Annotated[str, start_like("g=0.2")] = "",
    starts: Starts = 16,
    noise: str = typer.Option(
        "auto",
        help="Noise of the data, as for `jqd recover copying`.",
        rich_help_panel=DATA,
    ),
    t0: T0 = None,
    columns: Columns = "",
    shots: Shots = None,
    nuisance: Nuisance = "",
    sampling: Sampling,
    common: Common,
) -> int:
    """Recover constants of your own law, or one of the library, from populations."""
    wanted = parse_law(law, assigned)
    if data is None and noise == "auto" and sampling.posterior:
        noise = "multinomial"
    H, psi0, record = read_populations(
        data, hamiltonian, state, noise, t0, columns, shots, settings=True
    )
    made = law_of(partial(law_that_runs, wanted), H, psi0, hamiltonian, state)
    names = free_of(wanted, made, free)
    first = parse_start(start, names)
    priors = parse_nuisances(nuisance, names)
    refuse_nodes(made, psi0, record, (*names, *priors))
    priors = with_fading(priors, np.asarray(H), constants.names(made))
    quick = Search(steps=20, windows=4, chunk=10)
    return fit(
        common, made, record, psi0=psi0, free=names, start=first or None, file=data,
        starts=min(starts, 4) if common.quick else starts,
        search=quick if common.quick else Search(),
        names=[f"p{i}" for i in range(record.values.shape[1])],
        instrument=instrument_of(made, record, priors, names), nuisances=priors,
        sampling=sampling,
        settings={"law": " ".join(words_of(wanted)),
                  "noise": type(record.noise).__name__, "nuisances": nuisance},
    )  # fmt: skip
