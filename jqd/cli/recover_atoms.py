"""What `jqd recover springs` and `jqd recover anharmonicity` do."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .. import problems, report
from ..inference import Horizon, Polish, Recovery, Search, horizon, recover
from ..inference.atoms import AtomRecord, load_atoms
from ..inference.reading import naming
from ..laws import constants
from .session import Session, draw, show, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
class AtomOptions:
    """What the user asked for, checked as far as that goes without reading files.

    Attributes:
        data: file of the record, or None for a chain computed here.
        problem: "springs" (a stiffness for each bond) or "anharmonicity".
        free: names of the constants to recover.
        start: the first start, by name.
        starts: number of starts.
        time: length of the computed record.
        windows: windows of the record that each start is led through.
        sigma: standard deviation of the positions, or None for what the file says.
        out: folder for the results; never overwritten.
        seed: of the record and the random starts.
        as_json: whether standard output gets the JSON and nothing else.
        quick: whether a smaller version is asked for.
    """

    data: Path | None
    problem: str
    free: tuple[str, ...]
    start: dict[str, float]
    starts: int
    time: float
    windows: int
    sigma: float | None
    out: Path
    seed: int
    as_json: bool
    quick: bool


def recover_atoms(options: AtomOptions) -> int:
    """Recover the constants of bonds, write the results, print them.

    Args:
        options: what the user asked for.

    Returns:
        Exit code: 0 if the fit converged, else 1.

    Raises:
        ValueError: bad input, in one line.
    """
    began = perf_counter()
    record = _record(options)
    with naming(options.data):
        law = _law(options, record)
    data, observe = record.data()
    with Session(options.out) as session, naming(options.data, "data"):
        recovery = recover(
            law, data, psi0=record.state(), free=options.free, observe=observe,
            start={name: constants.pack(law, name) for name in options.free},
            starts=min(options.starts, 2) if options.quick else options.starts,
            search=SEARCH,
            polish=Polish(windows=options.windows),
            key=jax.random.key(options.seed), report=session.advance,
            keep=session.keep,
        )  # fmt: skip
        recovery = recovery.beside(record.truth or {})
        session.advance("report", 0, 1)
        names = [f"x[{atom}]" for atom in record.atoms]
        landscape = draw(session.folder, recovery, names, landscape=not options.quick)
        seen = horizon(recovery.study, jnp.asarray(recovery.theta))
        with report.house_style():
            figure = _horizon_figure(seen, list(recovery.constants))
            report.save_figure(figure, session.folder, "horizon")
        settings = {
            "problem": options.problem,
            "windows": options.windows,
            "seed": options.seed,
            "ends": record.ends,
            **_horizon_settings(seen, recovery),
        }
        seconds = perf_counter() - began
        write(session.folder, recovery, names, landscape, settings, seconds)
        session.advance("report", 1, 1)
    return show(recovery, session.folder, seconds, as_json=options.as_json)


def _record(options: AtomOptions) -> AtomRecord:
    if options.data is not None:
        return load_atoms(options.data, options.sigma)
    computed = {
        "springs": problems.spring_chain,
        "anharmonicity": problems.fput_chain,
    }[options.problem]
    scatter = {} if options.sigma is None else {"sigma": options.sigma}
    return computed(options.time, seed=options.seed, **scatter)


def _law(options: AtomOptions, record: AtomRecord) -> Any:
    """The law at the first start: a stiffness for each bond, or one for all."""
    values = {"K": 1.0, "alpha": 0.0, "beta": 0.0}
    if options.problem == "anharmonicity":
        # far enough from harmonic that the cubic and the quartic term can be told
        values |= {"K": 1.3, "beta": 0.3}
    values |= options.start
    size = (record.bonds,) if options.problem == "springs" else ()
    law = record.law(
        np.broadcast_to(values["K"], size), values["alpha"], values["beta"]
    )
    law.prepare(record.state())
    return law


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


def _horizon_figure(seen: Horizon, names: list[str]) -> "Figure":
    """Bounds of the constants, and sensitivity, over the length of the record."""
    fig, axes = report.subplots(1, 2, size=(10.0, 4.0))
    left, right = axes[0]
    ts, bounds = np.asarray(seen.ts), np.array(seen.stderr)
    bounds[~np.isfinite(bounds)] = np.nan
    for k, name in enumerate(names):
        left.semilogy(ts, bounds[:, k], label=name)
    left.set(xlabel="length of the record", ylabel="Cramér-Rao bound of the constant")
    left.set_title("What the record can tell")
    floor = np.nanmin(bounds)
    # what is known no better than to 100 is not known
    left.set_ylim(floor / 2, min(100.0, 2 * np.nanmax(bounds)))
    left.legend(ncols=2 if len(names) > 5 else 1)
    right.semilogy(ts[1:], np.asarray(seen.sensitivity)[1:], color="C0")
    right.set(xlabel="time", ylabel="|∂ residual / ∂ constant|, r.m.s.")
    right.set_title("How far a change of the constants has grown")
    return fig
