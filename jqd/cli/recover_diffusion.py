"""What `jqd recover diffusion` does: read, fit, draw, print."""

from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console

from .. import problems, report
from .._files import to_json
from ..evolution import Fixed
from ..inference import Recovery, Search, loss_line, recover
from ..inference.density import DensityRecord, load_density
from ..inference.diffusion import (
    Estimate,
    diffusion_from_energy,
    diffusion_from_levels,
    diffusion_from_residual,
)
from ..inference.reading import arrays_in, naming, real
from ..laws.diffusion import Amplitude
from .diffusion_options import DiffusionOptions, check_free, law_of
from .session import Session, draw_landscape, landscape_of, show, write

# Starts by default: of the amplitude, and of forms that take many small steps.
STARTS, FEW = 64, 4


def recover_diffusion(options: DiffusionOptions) -> int:
    """Recover the constants, write the results, print them.

    Args:
        options: what the user asked for.

    Returns:
        Exit code: 0 if the fit converged, else 1.

    Raises:
        ValueError: bad input, in one line.
    """
    began = perf_counter()
    check_free(options.free)
    record = _record(options)
    if options.estimator != "fit":
        return _estimate(options, record)
    if not len(record.ts) or record.initial is None:
        raise ValueError(
            "Argument `data` must hold `t`, densities and an initial state for a fit, "
            "but does not; use --estimator spectrum for levels."
        )
    with naming(options.data):
        law = law_of(options, record)
    data, observe = record.data()
    starts = options.starts or (STARTS if isinstance(law.form, Amplitude) else FEW)
    with Session(options.out) as session, naming(options.data, "data"):
        recovery = recover(
            law, data, psi0=record.initial, free=options.free, observe=observe,
            start=options.start or None,
            starts=min(starts, 8) if options.quick else starts,
            search=Search(steps=20, windows=2, chunk=10),
            method=Fixed(law.stepper),
            step_tolerance=None if isinstance(law.form, Amplitude) else 1e-7,
            key=jax.random.key(options.seed), report=session.advance,
            keep=session.keep,
        )  # fmt: skip
        session.advance("report", 0, 1)
        landscape = _draw(session, recovery, record)
        settings = {
            "form": type(law.form).__name__,
            "column": options.column,
            "seed": options.seed,
        }
        seconds = perf_counter() - began
        names = [f"density[{i}]" for i in range(record.grid.size)]
        write(session.folder, recovery, names, landscape, settings, seconds)
        session.advance("report", 1, 1)
    return show(recovery, session.folder, seconds, as_json=options.as_json)


def _record(options: DiffusionOptions) -> DensityRecord:
    if options.data is None:
        return problems.double_well(options.column)
    return load_density(options.data, options.column, options.sigma)


def _estimate(options: DiffusionOptions, record: DensityRecord) -> int:
    if options.free != ("D",):
        raise ValueError(
            f"Argument `--free` must be D for --estimator {options.estimator}, but is "
            f"{','.join(options.free)}."
        )
    if options.estimator == "spectrum":
        if record.levels is None:
            raise ValueError(
                "Argument `data` must hold `levels` for --estimator spectrum, but does "
                "not."
            )
        start = options.start.get("D", 0.5)
        found = diffusion_from_levels(
            record.levels, record.grid, record.potential, mass=record.mass,
            start=start, sigma=record.sigma,
        )  # fmt: skip
    elif options.estimator == "energy":
        found = diffusion_from_energy(record)
    else:
        found = diffusion_from_residual(record, _action_rate(options))
    result: dict[str, Any] = {
        "law": "ConservativeDiffusion",
        "estimator": options.estimator,
        "constants": {"D": {"value": found.D, "stderr": found.stderr}},
        "values": found.count,
        "residual": found.residual,
        "status": _status(found),
    }
    if options.as_json:
        print(to_json(result))
    else:
        title = f"D from the {options.estimator}, without a run"
        Console().print(report.summary_table(result, title))
    return 0 if found.converged else 1


def _status(found: Estimate) -> str:
    return "converged" if found.converged else "not converged"


def _action_rate(options: DiffusionOptions) -> np.ndarray:
    arrays = {} if options.data is None else arrays_in(options.data)
    if "action_rate" not in arrays:
        raise ValueError(
            "Argument `data` must hold `action_rate`, the time derivative of S at the "
            "first time, for --estimator residual, but does not."
        )
    return real(Path(options.data or ""), arrays, "action_rate")


def _draw(session: Session, recovery: Recovery, record: DensityRecord) -> Any:
    """Profiles, and the loss over one constant or two."""
    _profiles(session, recovery, record)
    landscape = landscape_of(recovery)
    draw_landscape(session.folder, recovery, landscape)
    if landscape is None:
        (constant,) = recovery.constants.values()
        low, high = recovery.study.bounds()
        ends = np.asarray(recovery.ends)[:, 0]
        top = max(float(high[0]), float(ends.max()))
        values = jnp.linspace(min(float(low[0]), float(ends.min())), top, 121)
        values = jnp.unique(jnp.concatenate([values, jnp.asarray(recovery.theta)]))
        # a picture needs no more than coarse steps
        loss = loss_line(recovery.study, values)
        figure = report.figure_loss_line(
            values, loss, ends, recovery.agree, constant.reference, constant.name
        )
        report.save_figure(figure, session.folder, "loss")
    return landscape


def _profiles(session: Session, recovery: Recovery, record: DensityRecord) -> None:
    """Density along the first axis at each time: data, law, law at the start."""
    grid = record.grid
    # shares of counts are densities times the cell
    unit = grid.cell if record.counts is None else 1.0
    others = tuple(range(2, grid.ndim + 1))
    lines = [
        np.asarray(values).reshape(-1, *grid.shape).sum(axis=others)
        * (unit / grid.spacing[0])
        for values in (
            recovery.observed, recovery.prediction, recovery.start_prediction,
        )
    ]  # fmt: skip
    x = np.asarray(grid.coordinates[0]).ravel()
    with report.house_style():
        figure = report.figure_profiles(x, np.asarray(recovery.ts), *lines)
        report.save_figure(figure, session.folder, "profiles")
