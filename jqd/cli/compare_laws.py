"""The laws that `jqd compare` is asked for, each as a study of the one record."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import typer

from .. import constants
from ..constants import constant
from ..inference import Prior, Study
from ..laws import Law
from ..laws.husimi import Bath
from ..records import load_phase_space, naming
from ..spaces.symbols import parameters_of
from .copy_nodes import node_met
from .law_words import Wanted, is_phase_space, law_of_populations
from .lifetimes import NoBath, in_bath
from .on_grid import SHOWN as SHOWN_ON_GRIDS
from .on_grid import ground_of, method_of, read_densities, rows_of
from .options import parse_bath, parse_nuisances
from .recover_copying import (
    SHOWN,
    instrument_of,
    law_of,
    read_populations,
    with_scatter,
)
from .recover_husimi import law_and_state, parsed, with_points

# Rows in which quantum mechanics loses coherence.
DECOHERENCE = {"dephasing": "dephasing[gamma]", "loss": "loss[gamma]"}
# A rate that is free begins here, in units of inverse time.
RATE = 0.05


class Compared(NamedTuple):
    """The laws that can be compared, and those that cannot.

    Attributes:
        studies: by the words of the laws.
        left_out: the reason, likewise; of laws that this record or bath does not suit.
    """

    studies: dict[str, Study]
    left_out: dict[str, str]


def offered(wanted: dict[str, Wanted], *, on_grid: bool = False) -> str | None:
    """The row of quantum mechanics with decoherence, where nobody asked for it.

    Args:
        wanted: the laws.
        on_grid: whether they are on a grid, where no name stands for such a row.
    """
    if on_grid or any(one.law in DECOHERENCE for one in wanted.values()):
        return None
    return DECOHERENCE["loss" if is_phase_space(wanted) else "dephasing"]


def own_priors(
    name: str,
    laws: Mapping[str, Law],
    priors: Mapping[str, Prior],
    shown: tuple[str, ...] = (),
) -> dict[str, Prior]:
    """The priors of one law, without those of constants that only others have.

    A line on standard error names each that is left out. Of a constant that no law has,
    `Study` says more.

    Args:
        name: of the law.
        laws: all laws that are compared.
        shown: names of constants of what shows the record, which every law has.
    """
    kept = {}
    for prior, said in priors.items():
        having = [other for other, law in laws.items() if _has(law, prior)]
        if name in having or not having or prior.rpartition(".")[2] in shown:
            kept[prior] = said
        else:
            typer.echo(
                f"{name} has no constant {prior}, and is compared without it.", err=True
            )
    return kept


def _has(law: Law, name: str) -> bool:
    """Whether one of a law's constants has this name, or one that ends so."""
    known = [place.name for place in constants.places(law)]
    return any(one == name or one.endswith(f".{name}") for one in known)


# -- populations -----------------------------------------------------------------------


def studies_of_populations(
    wanted: dict[str, Wanted],
    data: Path | None,
    hamiltonian: str | None,
    state: Path | None,
    noise: str,
    nuisance: str,
    t0: float | None = None,
    columns: str = "",
    shots: int | None = None,
    bath: str = "",
) -> Compared:
    """A study of each law; built-in counts where no files are given.

    Copies whose exponents would be told from a record with a node are left out, by a
    line on standard error before the fits: theirs take minutes and tell nothing of the
    others. So are laws that admit no such bath.
    """
    priors = parse_nuisances(nuisance, ())
    if data is None and noise == "auto":
        noise = "multinomial"
    matrix = None if hamiltonian is None else Path(hamiltonian)
    for name, one in wanted.items() if data is None else ():
        if ground_of(one, matrix, option="--laws") is not None:
            raise ValueError(
                f"Argument `--data` must be given for a law on a grid, such as {name}, "
                "but is not; `jqd simulate law` draws synthetic data."
            )
    H, psi0, record = read_populations(data, matrix, state, noise, t0, columns, shots)
    if not record.noise.known:
        raise ValueError(
            "Argument `--data` must hold counts, or values with `--noise "
            "gaussian:SIGMA`, but has values without errors, for which there is no "
            "likelihood."
        )
    laws = {
        name: law_of(partial(law_of_populations, one), H, psi0, matrix, state)
        for name, one in wanted.items()
    }
    own = {name for law in laws.values() for name in constants.names(law)}
    lifetimes = parse_bath(bath)
    record = with_scatter(record, priors, own, data, columns, shots)
    studies, left_out = dict[str, Study](), dict[str, str]()
    announced = set[str]()
    for name, one in wanted.items():
        law, told = laws[name], own_priors(name, laws, priors, SHOWN)
        if why := node_met(law, psi0, record, (*one.free, *told)):
            left_out[name] = why
            typer.echo(f"{name} is left out: {why}", err=True)
            continue
        try:
            bathed = in_bath(law, told, np.asarray(H), lifetimes)
        except NoBath as error:
            left_out[name] = error.why
            typer.echo(f"{name} is left out: {error.why}", err=True)
            continue
        if bathed.words not in announced:
            announced.add(bathed.words)
            bathed.announce()
        shown = instrument_of(
            bathed.law, record, bathed.priors, one.free, bathed.fading
        )
        studies[name] = Study(
            bathed.law, record, psi0=psi0, free=one.free, instrument=shown,
            nuisances=bathed.priors,
        )  # fmt: skip
    if not studies:
        raise ValueError(
            "Argument `--laws` must name a law without nodes in this record, and one "
            "that its bath admits, but each is left out."
        )
    return Compared(studies, left_out)


# -- densities -------------------------------------------------------------------------


def studies_of_densities(
    wanted: dict[str, Wanted],
    data: Path,
    noise: str,
    sigma: float | None,
    nuisance: str,
) -> dict[str, Study]:
    """A study of each law on densities or counted positions, on their own grid."""
    priors = parse_nuisances(nuisance, ())
    record, ground = read_densities(data, noise, sigma)
    laws = {
        name: ground.law_of(partial(law_of_populations, one), data)
        for name, one in wanted.items()
    }
    own = {name for law in laws.values() for name in constants.names(law)}
    studies = {}
    for name, one in wanted.items():
        law, told = laws[name], own_priors(name, laws, priors, SHOWN_ON_GRIDS)
        rows, shown = rows_of(law, record, tuple(told), one.free)
        if not rows.noise.known:
            raise ValueError(
                "Argument `--sigma` must be given for a record without errors, but is "
                "not."
            )
        rows = with_scatter(rows, priors, own)
        studies[name] = Study(
            law, rows, psi0=ground.psi0, free=one.free, instrument=shown,
            nuisances=told, method=method_of(law),
        )  # fmt: skip
    return studies


# -- phase space -----------------------------------------------------------------------


def studies_on_phase_space(
    wanted: dict[str, Wanted],
    data: Path | None,
    hamiltonian: str | None,
    assigned: list[str],
    sigma: float | None,
    nuisance: str,
    levels: int | None,
    points: int,
) -> dict[str, Study]:
    """A study of each law on maps, moments or samples."""
    if data is None:
        raise ValueError(
            "Argument `--data` must be given for laws on phase space, but is not."
        )
    priors = parse_nuisances(nuisance, ())
    text = "0.5*U*ad^2*a^2" if hamiltonian is None else hamiltonian
    record = load_phase_space(data, sigma).thinned(points)
    with naming(data):
        rows, observe = record.data()
    if not rows.noise.known:
        raise ValueError(
            "Argument `--sigma` must be given for a record without errors, but is not."
        )
    laws, states = dict[str, Law](), dict[str, Any]()
    for name, one in wanted.items():
        rates = _bath(one)
        told = tuple(prior for prior in priors if prior in parameters_of(text))
        with naming(data):
            operator = parsed(text, assigned, [], record, (), told, rates)
            law, states[name] = law_and_state(
                record, operator, one.free, "auto", levels, rates
            )
        law = with_points(law, record)
        laws[name] = eqx.tree_at(
            lambda law: law.C, law, jnp.asarray(one.values.get("C", 1.0), law.C.dtype)
        )
    return {
        name: Study(
            laws[name], rows, psi0=states[name], free=one.free, instrument=observe,
            nuisances=own_priors(name, laws, priors),
        )
        for name, one in wanted.items()
    }  # fmt: skip


def _bath(wanted: Wanted) -> Bath | None:
    """The bath of a law whose rates are free or given."""
    told = {
        name: wanted.values.get(name, RATE if name in wanted.free else 0.0)
        for name in ("gamma", "nbar")
    }
    named = any(name in (*wanted.free, *wanted.values) for name in told)
    if not named and wanted.law != "loss":
        return None
    if not named:
        raise ValueError(
            "Argument `--laws` must say what of loss is free or given, as in "
            "loss[gamma] or loss[gamma=0.1], but does not."
        )
    return Bath(**{name: constant(rate, name) for name, rate in told.items()})
