"""`jqd recover law`: constants of any law of a matrix or a grid, one's own as well."""

from functools import partial
from pathlib import Path
from typing import Annotated

from .. import constants
from ..inference import Search
from .fit import fit
from .law_words import Wanted
from .on_grid import (
    grid_error,
    ground_of,
    is_density,
    method_of,
    read_densities,
    refuse_beside_densities,
    rows_of,
    told_of_grid,
)
from .one_law import Assigned, LawWord, free_of, law_that_runs, parse_law, words_of
from .options import (
    DATA,
    FIT,
    T0,
    Bath,
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
from .recover_copying import fit_populations, law_of, read_populations, with_scatter
from .recover_diffusion import draw_densities
from .session import Matrix, State, takes


@with_options(out=Path("results/law"))
def law(
    law: LawWord,
    *,
    data: Annotated[
        Path | None,
        takes(
            "populations",
            "Or densities or counted positions on a grid, without --hamiltonian and "
            "--state.",
        ),
    ] = None,
    hamiltonian: Matrix = None,
    state: State = None,
    assigned: Assigned = None,
    free: Annotated[
        str | None,
        FIT.option(
            help="Constants to recover, separated by commas.",
            show_default="those declared with jqd.free that have no value",
        ),
    ] = None,
    start: Annotated[str, start_like("g=0.2")] = "",
    starts: Starts = 16,
    noise: str = DATA.option(
        "auto", help="Noise of the data, as for `jqd recover copying`."
    ),
    t0: T0 = None,
    columns: Columns = "",
    shots: Shots = None,
    nuisance: Nuisance = "",
    bath: Bath = "",
    sampling: Sampling,
    common: Common,
) -> int:
    """Recover constants of your own law, or one of the library.

    From populations or, on a grid, from densities or counted positions.
    """
    wanted = parse_law(law, assigned)
    if data is not None and is_density(data):
        refuse_beside_densities({
            "--hamiltonian": hamiltonian is not None, "--state": state is not None,
            "--t0": t0 is not None, "--columns": bool(columns),
            "--shots": shots is not None, "--bath": bool(bath),
        })  # fmt: skip
        return _on_grid(
            wanted, data, free, start, starts, noise, nuisance, sampling, common
        )
    if data is None and ground_of(wanted, hamiltonian) is not None:
        raise ValueError(
            "Argument `--data` must be given for a law on a grid, but is not; `jqd "
            "simulate law` draws synthetic data."
        )
    if data is None and noise == "auto" and sampling.posterior:
        noise = "multinomial"
    H, psi0, record = read_populations(
        data, hamiltonian, state, noise, t0, columns, shots, settings=True
    )
    made = law_of(partial(law_that_runs, wanted), H, psi0, hamiltonian, state)
    names = free_of(wanted, made, free)
    first = parse_start(start, names)
    priors = parse_nuisances(nuisance, names)
    return fit_populations(
        made, H, psi0, record, priors, free=names, start=first,
        starts=min(starts, 4) if common.quick else starts, bath=bath, data=data,
        columns=columns, shots=shots, nuisance=nuisance, sampling=sampling,
        common=common, settings={"law": " ".join(words_of(wanted))},
    )  # fmt: skip


def _on_grid(
    wanted: Wanted,
    data: Path,
    free: str | None,
    start: str,
    starts: int,
    noise: str,
    nuisance: str,
    sampling: Sampling,
    common: Common,
) -> int:
    """Recover constants from densities or counted positions, on their own grid."""
    record, ground = read_densities(data, noise)
    made = ground.law_of(partial(law_that_runs, wanted), data)
    names = free_of(wanted, made, free)
    first, priors = parse_start(start, names), parse_nuisances(nuisance, names)
    rows, shown = rows_of(made, record, tuple(priors), names)
    rows = with_scatter(rows, priors, constants.names(made))
    quick = Search(steps=20, windows=2, chunk=10)
    return fit(
        common, made, rows, psi0=ground.psi0, free=names, start=first or None,
        starts=min(starts, 4) if common.quick else starts, file=data,
        search=quick if common.quick else Search(), method=method_of(made),
        names=[f"density[{i}]" for i in range(record.grid.size)],
        instrument=shown, nuisances=priors, sampling=sampling,
        settings={"law": " ".join(words_of(wanted)),
                  "noise": type(rows.noise).__name__, "nuisances": nuisance},
        found=lambda one: grid_error(one.law, ground, record.ts - record.t0),
        note=told_of_grid,
        draw=lambda found, plane: draw_densities(found, plane, record),
    )  # fmt: skip
