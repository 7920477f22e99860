"""What `jqd recover husimi` does: read, fit, draw, print."""

from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import numpy as np
from rich.console import Console

from .. import problems, report
from .._files import to_json
from ..evolution import Propagator, evolve
from ..inference import (
    PhaseSpaceRecord,
    Recovery,
    Search,
    Study,
    fit_likelihood,
    length_scales,
    load_phase_space,
    recover,
)
from ..inference.phase_space import sample_orders
from ..inference.reading import naming
from ..laws import constants
from ..spaces.symbols import parse_hamiltonian
from .husimi_options import HusimiOptions, law_and_state, with_points
from .session import Session, draw, show, write


def recover_husimi(options: HusimiOptions) -> int:
    """Recover the constants, write the results, print them.

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
        law, psi0 = law_and_state(options, record)
    if options.loss == "likelihood":
        with naming(options.data):
            _check_first_samples(record, law, psi0, options.free)
        return _likelihood(options, record, law, psi0)
    full, record = record, record.thinned(120 if options.quick else options.points)
    with naming(options.data):
        data, observe = record.data()
    law = with_points(law, record)
    with Session(options.out) as session, naming(options.data, "data"):
        recovery = recover(
            law, data, psi0=psi0, free=options.free, start=options.start or None,
            starts=min(options.starts, 6) if options.quick else options.starts,
            observe=observe, search=Search(steps=20, windows=2, chunk=10),
            key=jax.random.key(options.seed), report=session.advance,
            keep=session.keep,
        )  # fmt: skip
        session.advance("report", 0, 1)
        names = _names(record)
        landscape = draw(session.folder, recovery, names)
        _maps(session.folder, recovery, full, law, psi0)
        settings = {
            "hamiltonian": options.hamiltonian,
            "form": type(law.form).__name__,
            "loss": _loss(options, record),
            "levels": options.levels or getattr(law.form, "levels", 0),
            "g": record.g,
            "seed": options.seed,
        }
        seconds = perf_counter() - began
        write(session.folder, recovery, names, landscape, settings, seconds)
        session.advance("report", 1, 1)
    if record.kind == "samples" and not options.as_json:
        Console().print(
            "Samples were compared by their moments; --loss likelihood keeps C <= 1.",
            highlight=False,
        )
    return show(recovery, session.folder, seconds, as_json=options.as_json)


def recover_lengths(hamiltonian: str, kappa: float, *, as_json: bool) -> int:
    """Length scales that make a free Hamiltonian diffusion-free (C7).

    Args:
        hamiltonian: quadratic operator as text, e.g. "0.5*p1^2 + 0.125*q1^2".
        kappa: κ.
        as_json: whether to print JSON and nothing else.

    Returns:
        Exit code: 0 if there are such lengths, else 1.

    Raises:
        ValueError: not quadratic, bad text, κ not positive.
    """
    symbol = parse_hamiltonian(hamiltonian).symbol()
    found = length_scales(symbol, kappa)
    result = {
        "lengths": np.asarray(found.lengths),
        "kappa": kappa,
        "residual": float(found.residual),
        "status": "converged" if found.converged else "no lengths do it",
    }
    if as_json:
        print(to_json(result))
    else:
        table = report.summary_table(result, "Length scales of a diffusion-free H0")
        Console().print(table)
    return 0 if found.converged else 1


def _record(options: HusimiOptions) -> PhaseSpaceRecord:
    if options.data is None:
        record = replace(problems.kerr_husimi(), sigma=options.sigma)
    else:
        record = load_phase_space(options.data, options.sigma)
    if options.loss == "likelihood" and record.kind != "samples":
        raise ValueError(
            "Argument `--loss` must not be likelihood for a record of "
            f"{record.kind}, but is; it needs samples."
        )
    wanted = {"samples": ("auto", "moments", "likelihood")}
    allowed = wanted.get(record.kind, ("auto", "squares"))
    if options.loss not in allowed:
        raise ValueError(
            f"Argument `--loss` must be one of {', '.join(allowed)} for a record of "
            f"{record.kind}, but is {options.loss}."
        )
    if options.sigma is not None and record.kind == "samples":
        raise ValueError(
            "Argument `--sigma` must not be given for samples, but is; their scatter "
            "is their own."
        )
    return record


def _check_first_samples(
    record: PhaseSpaceRecord, law: Any, psi0: Any, free: tuple[str, ...]
) -> None:
    """Refuse samples whose row at t0 is not of the state, by their moments.

    Fewer samples than their moments need show no mismatch beyond their scatter.
    """
    few = record.values.shape[1] <= 2 * len(sample_orders(record.modes))
    if record.ts[0] != record.t0 or few:
        return
    first = replace(record, ts=record.ts[:1], values=record.values[:1])
    data, observe = first.data()
    names = tuple(name for name in free if name in constants.names(law))
    Study(law, data, psi0=psi0, free=names, observe=observe, method=Propagator())


def _likelihood(
    options: HusimiOptions, record: PhaseSpaceRecord, law: Any, psi0: Any
) -> int:
    start = {"C": 0.8} | options.start
    fit = fit_likelihood(
        law, psi0, record.ts, record.values, free=options.free, start=start,
        t0=record.t0,
    )  # fmt: skip
    result = {
        "law": "HusimiFokkerPlanck",
        "loss": "likelihood, C <= 1",
        "constants": {
            name: {"value": value, "stderr": None}
            for name, value in fit.constants.items()
        },
        "log_likelihood": fit.log_likelihood,
        "at_boundary": fit.at_boundary,
        "status": "converged" if fit.converged else "not converged",
    }
    if options.as_json:
        print(to_json(result))
    else:
        title = "Maximum likelihood, C kept at or below 1: no standard error there"
        Console().print(report.summary_table(result, title))
    return 0 if fit.converged else 1


def _loss(options: HusimiOptions, record: PhaseSpaceRecord) -> str:
    if record.kind == "samples":
        return "moments of the samples, weighted by their scatter"
    return "least squares"


def _names(record: PhaseSpaceRecord) -> list[str]:
    if record.points is not None:
        points = record.points.reshape(len(record.points), -1)
        return ["Q(" + ", ".join(f"{a:.3g}" for a in row) + ")" for row in points]
    _, observe = record.data()
    parts = [f"<a^{m} a*^{n}>" for m, n in observe.orders]
    return [f"Re {part}" for part in parts] + [f"Im {part}" for part in parts]


def _maps(
    folder: Path, recovery: Recovery, record: PhaseSpaceRecord, law: Any, psi0: Any
) -> None:
    """Maps of data and law at the last time, where the record is on a grid."""
    if record.axes is None:
        return
    x, y = record.axes
    data = record.values[-1].reshape(len(y), len(x))
    last = np.asarray([record.t0, record.ts[-1]])
    method = recovery.study.method

    def at(law):
        state = law.prepare(psi0)
        where = record.points
        run = evolve(
            law, state, last, method=method, observe=lambda t, s: law.density(s, where)
        )
        return np.asarray(run.values[-1]).reshape(data.shape)

    fitted = at(recovery.law)
    figure = report.figure_phase_space(
        [data, fitted, fitted - data], x, y,
        [f"data, t = {last[-1]:.3g}", "law, constants recovered", "law - data"],
    )  # fmt: skip
    report.save_figure(figure, folder, "maps")
