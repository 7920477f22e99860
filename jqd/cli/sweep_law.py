"""`jqd sweep law`: what a law predicts, over values of its constants."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
import typer
from jaxtyping import Array

from .. import constants
from ..evolution import evolve
from ..laws import Law
from ..observe import Occupations, total_variation
from ..spaces.grids import Grid
from .followed_classes import OneLaw
from .followed_positions import OnGround
from .following import Asked
from .law_words import file_of
from .on_grid import StateOrPacket
from .one_law import Assigned, LawWord, parse_law, words_of
from .options import MODEL, AsJson, with_options
from .recover_copying import read_problem
from .session import Matrix
from .simulation import parse_times, values_of
from .sweeping import Sweeping, Worker, Workers

_VALUES = re.compile(r"([^=]+)=(.+)")


@with_options()
def law(
    context: typer.Context,
    law: LawWord,
    *,
    vary: Annotated[
        list[str],
        MODEL.option(
            help="A constant and its values, g=0:0.5:11 (first, last, number) or "
            "g=0.1,0.3; may be repeated, for all combinations of several constants."
        ),
    ],
    times: str | None = OneLaw.times_of("simulate", "Times"),
    hamiltonian: Matrix = None,
    state: StateOrPacket = None,
    assigned: Assigned = None,
    sweeping: Sweeping,
    workers: Workers,
    worker: Worker,
    as_json: AsJson = False,
) -> int:
    """Compute populations of a law, your own for instance, over values of constants.

    The store holds `populations` over the constants, t and class; on a grid
    over t and x, or the point in more dimensions. It also holds `distance`,
    the total variation distance from quantum mechanics, if the law names the
    quantum law that it departs from.
    """
    wanted = parse_law(law, assigned)
    axes = _axes(vary, (*wanted.values, *wanted.free))
    if file_of(wanted) is None or hamiltonian is not None:
        read_problem(hamiltonian, state)  # what is not sound is no work for workers
    if times is not None:
        parse_times(times)

    def alone() -> Any:
        setup = OneLaw(
            law=law, hamiltonian=hamiltonian, state=state, assigned=assigned,
            times=times,
        ).chosen()  # fmt: skip
        ts = setup.looked("simulate")
        followed = setup.followed(ts, Asked())
        made = followed.law
        for name in axes:
            constants.check_name(made, name, "--vary")
            if constants.pack(made, name).size != 1:
                raise ValueError(
                    f"Argument `--vary` must name constants of one entry, but {name} "
                    f"has {constants.pack(made, name).size}."
                )
        ts = ts if ts[0] == 0 else np.concatenate([[0.0], ts])
        shown, place = "density", {"class": None}
        if isinstance(setup, OnGround):
            shown, place = Occupations(), _place(setup.ground.grid)
        known = {name: values for name, values in place.items() if values is not None}
        point = _point(made, made.admit(followed.psi0), jnp.asarray(ts), shown)
        return worker.sweep(
            point, axes, sweeping.out,
            dims={"populations": ("t", *place), "distance": ("t",)},
            coords={"t": ts, **known}, **sweeping.settings,
            constants={"law": " ".join(words_of(wanted)), **followed.constants},
        )  # fmt: skip

    title = " ".join(words_of(wanted))
    dataset = workers.sweep(context.obj, sweeping.out, worker, alone)
    return worker.conclude(dataset, sweeping.out, title, as_json=as_json)


def _place(grid: Grid) -> dict[str, Any]:
    """The dimension of the points of a grid, with their coordinates if they are one."""
    return {"x": np.asarray(grid.x)} if grid.ndim == 1 else {"point": None}


def _axes(texts: Sequence[str], taken: Sequence[str]) -> dict[str, np.ndarray]:
    """Values of each constant that is varied."""
    axes: dict[str, np.ndarray] = {}
    rule = "`--vary` must look like g=0:0.5:11 or g=0.1,0.3"
    for text in texts:
        match = _VALUES.fullmatch(text)
        if match is None:
            raise ValueError(f"Argument {rule}, but {text!r} was given.")
        name, said = match[1].strip(), match[2]
        if name in axes or name in taken:
            raise ValueError(
                f"Argument `--vary` must name constants once that have no value "
                f"otherwise, but {name!r} is not one."
            )
        axes[name] = values_of(said, text, rule, 1)
    return axes


def _point(
    law: Law, psi: Any, ts: Array, shown: Any
) -> Callable[..., dict[str, Array]]:
    """What is computed at a point: a function of constants by name.

    Args:
        shown: populations, as `observe` of `jqd.evolve`.
    """
    quantum = law.yardstick()
    exact = None
    if quantum is not None:
        exact = evolve(quantum, quantum.prepare(psi), ts, observe=shown).values

    def populations(**values: Array) -> dict[str, Array]:
        here = law
        for name, value in values.items():
            here = constants.unpack(here, name, jnp.reshape(value, (1,)))
        run = evolve(here, here.prepare(psi), ts, observe=shown)
        found = {"populations": run.values, "status": run.status}
        if exact is not None:
            found["distance"] = total_variation(run.values, exact)
        return found

    return populations
