"""`jqd recover springs` and `jqd recover anharmonicity`: positions of a chain."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
import optax

from .. import constants, problems, report
from ..inference import Horizon, Polish, Recovery, Search, horizon
from ..records import AtomRecord, load_atoms, naming
from .fit import Plane, draw_all, fit
from .options import (
    DATA,
    FIT,
    Common,
    Free,
    Starts,
    check_sigma,
    parse_free,
    parse_start,
    start_like,
    with_options,
)
from .session import takes

# The search looks at the first quarter of the record, where there is one minimum. Next
# to gradients of 1, those of constants that it cannot tell yet move nothing.
SEARCH = Search(
    optimizer=lambda steps: optax.adam(
        optax.cosine_decay_schedule(0.05, steps, 0.01), eps=1.0
    ),
    steps=20, windows=2, chunk=10, until=0.25,
)  # fmt: skip
# A constant counts as known where its bound is below this share of its start.
KNOWN = 0.01


@dataclass(frozen=True)
class Chain:
    """The options of every chain."""

    data: Annotated[Path | None, takes("atoms")] = None
    starts: Starts = 2
    time: Annotated[
        float, DATA.option(min=1.0, help="Duration of the built-in data.")
    ] = 60.0
    windows: Annotated[
        int,
        FIT.option(
            min=1,
            help="Number of time windows, each twice as long as the one before, in "
            "which each initial guess is fitted in turn.",
        ),
    ] = 4
    sigma: Annotated[
        float | None, DATA.option(help="Standard error of the positions.")
    ] = None


@with_options(out=Path("results/springs"))
def springs(
    *,
    chain: Chain,
    start: Annotated[str, start_like("K=1.2")] = "",
    common: Common,
) -> int:
    """Recover every spring of a chain from the motion of its end."""
    record = _record(chain, common, problems.spring_chain, quick_time=30.0)
    first = parse_start(start, ("K",))
    values: dict[str, Any] = {"K": 1.0, "alpha": 0.0, "beta": 0.0} | first
    values["K"] = np.broadcast_to(values["K"], (record.bonds,))
    return _recover(chain, common, record, values, ("K",), "springs")


@with_options(out=Path("results/anharmonicity"), windows=6)
def anharmonicity(
    *,
    chain: Chain,
    free: Free = "K,alpha,beta",
    start: Annotated[str, start_like("K=1.5,beta=0.1")] = "",
    common: Common,
) -> int:
    """Recover K, alpha and beta of a Fermi-Pasta-Ulam-Tsingou chain."""
    # far enough from harmonic that the cubic and the quartic term can be told
    values: dict[str, Any] = {"K": 1.3, "alpha": 0.0, "beta": 0.3}
    names = parse_free(free, tuple(values))
    values |= parse_start(start, tuple(values))
    record = _record(chain, common, problems.fput_chain, quick_time=20.0)
    return _recover(chain, common, record, values, names, "anharmonicity")


def _record(
    chain: Chain, common: Common, computed: Any, quick_time: float
) -> AtomRecord:
    """The user's record, or one computed here."""
    check_sigma(chain.sigma)
    if chain.data is not None:
        return load_atoms(chain.data, chain.sigma)
    scatter = {} if chain.sigma is None else {"sigma": chain.sigma}
    time = min(chain.time, quick_time) if common.quick else chain.time
    return computed(time, seed=common.seed, **scatter)


def _recover(
    chain: Chain,
    common: Common,
    record: AtomRecord,
    values: dict[str, Any],
    free: tuple[str, ...],
    problem: str,
) -> int:
    with naming(chain.data):
        law = record.law(values["K"], values["alpha"], values["beta"])
        law.prepare(record.state())
    data, observe = record.data()
    names = [f"x[{atom}]" for atom in record.atoms]
    settings = {"problem": problem, "windows": chain.windows, "ends": record.ends}

    seen: list[Horizon] = []

    def found(recovery: Recovery) -> dict[str, Any]:
        if not recovery.study.data.noise.known:
            return {"horizon": "none: the record states no errors"}
        seen.append(horizon(recovery.study, jnp.asarray(recovery.theta)))
        return _horizon_settings(seen[0], recovery)

    def draw(recovery: Recovery, plane: Plane | None) -> dict[str, Any]:
        figures = draw_all(recovery, plane, names)
        if seen:
            labels = list(recovery.constants)
            figures["horizon"] = report.figure_horizon(seen[0], labels)
        return figures

    return fit(
        common, law, data, psi0=record.state(), free=free, instrument=observe,
        start={name: constants.pack(law, name) for name in free},
        starts=min(chain.starts, 2) if common.quick else chain.starts,
        search=SEARCH, polish=Polish(windows=chain.windows), file=chain.data,
        truth=record.truth, names=names, settings=settings, draw=draw, found=found,
        landscape=not common.quick,
    )  # fmt: skip


def _horizon_settings(seen: Horizon, recovery: Recovery) -> dict[str, Any]:
    """What the length of the record has to do with the constants, in numbers."""
    theta = np.abs(recovery.theta)
    limit = KNOWN * float(np.max(theta))
    times = np.asarray(seen.known_from(limit))
    labels = list(recovery.constants)
    return {
        f"known_to_{limit:.2g}_from": ", ".join(
            f"{label}: {time:.4g}" for label, time in zip(labels, times, strict=True)
        ),
        "condition_number": float(seen.condition[-1]),
        "sensitivity_growth": float(
            seen.sensitivity[-1] / max(float(np.median(seen.sensitivity)), 1e-300)
        ),
    }
