"""`jqd recover diffusion`: constants of conservative diffusion from densities."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np

from .. import problems, report
from ..evolution import Fixed
from ..inference import Recovery, Search, loss_line
from ..inference.estimators import (
    diffusion_from_energy,
    diffusion_from_levels,
    diffusion_from_residual,
)
from ..inference.estimators.diffusion import ESTIMATORS
from ..laws import ConservativeDiffusion
from ..laws.diffusion import Amplitude
from ..records import DensityRecord, load_density, naming
from .fit import Plane, check_free, figure_loss, fit, tell
from .options import (
    DATA,
    FIT,
    Common,
    Nuisance,
    Sampling,
    Sigma,
    check_sigma,
    check_word,
    parse_free,
    parse_nuisances,
    parse_start,
    refuse_beside,
    refuse_nuisances,
    start_like,
    with_options,
)
from .posterior import refuse_posterior
from .session import takes

FORMS = ("auto", "amplitude", "window", "links")
CONSTANTS = ("D", "friction", "classical_diffusion", "mass")
# Named in the paper or natural to try, and no constants that a density can tell.
_ALIASES = {
    "hbar": "hbar enters the law only as D = hbar/2m; free D",
    "V": "the potential and the mass enter only as V/m; give V and free mass",
    "u": "the diffusion velocity is a field of the density and D; free D",
    "nu": "the noise of single paths leaves the density as it is; free D",
    "sigma": "it is the scatter of the data, not of the law; give --sigma",
}
# Starts by default: of the amplitude, and of forms that take many small steps.
STARTS, FEW = 64, 4


@with_options(out=Path("results/diffusion"))
def diffusion(
    *,
    data: Annotated[Path | None, takes("density")] = None,
    column: str = DATA.option("density", help="Name of the densities in the file."),
    free: str = FIT.option(
        "D", help=f"Constants to recover, separated by commas: {', '.join(CONSTANTS)}."
    ),
    start: Annotated[str, start_like("D=0.3")] = "",
    starts: int | None = FIT.option(
        None,
        min=1,
        help="Number of initial guesses.",
        show_default="64; 4 for the forms window and links",
    ),
    form: str = FIT.option("auto", help=f"Form of the law: {', '.join(FORMS)}."),
    estimator: str = FIT.option(
        "fit", help="fit; or, without evolving the law, spectrum, energy or residual."
    ),
    sigma: Sigma = None,
    nuisance: Nuisance = "",
    sampling: Sampling,
    common: Common,
) -> int:
    """Recover D of conservative diffusion, friction, classical diffusion or mass."""
    check_word("form", form, FORMS)
    check_word("estimator", estimator, ESTIMATORS)
    check_sigma(sigma)
    names = parse_free(free)
    check_free(names, CONSTANTS, _ALIASES, "a density")
    first, priors = parse_start(start, names), parse_nuisances(nuisance, names)
    if data is None:
        record = problems.double_well(column)
        record = record if sigma is None else replace(record, sigma=sigma)
    else:
        record = load_density(data, column, sigma)
    if estimator != "fit":
        refuse_nuisances(nuisance, f"--estimator {estimator}")
        refuse_posterior(sampling, f"--estimator {estimator}")
        idle = () if estimator == "spectrum" else ("--sigma", "--start")
        refuse_beside(f"--estimator {estimator}", "--form", "--starts", *idle)
        result = _estimate(estimator, record, names, first.get("D", 0.5))
        return tell(common, result, f"D from the {estimator}, without a run")
    if not len(record.ts) or record.initial is None:
        raise ValueError(
            "Argument `data` must hold `t`, densities and an initial state for a fit, "
            "but does not; use --estimator spectrum for levels."
        )
    with naming(data):
        law = _law(record, form, names, first)
    rows, observe = record.data()
    few = not isinstance(law.form, Amplitude)
    starts = starts or (FEW if few else STARTS)
    return fit(
        common, law, rows, psi0=record.initial, free=names, instrument=observe,
        # steps are found for the law as it stands: where they are explicit, it is the
        # one guess that they surely follow, and so the first
        start=first if few else first or None,
        starts=min(starts, 8) if common.quick else starts,
        search=Search(steps=20, windows=2, chunk=10), method=Fixed(law.stepper),
        step_tolerance=1e-7 if few else None, file=data,
        names=[f"density[{i}]" for i in range(record.grid.size)],
        nuisances=priors, sampling=sampling,
        settings={
            "form": type(law.form).__name__, "column": column, "nuisances": nuisance
        },
        note=_told_of_guesses(law, names) if few and starts > 1 else None,
        draw=lambda found, plane: draw_densities(found, plane, record),
    )  # fmt: skip


def _told_of_guesses(law: ConservativeDiffusion, free: tuple[str, ...]) -> str | None:
    """Which initial guesses are held down by explicit steps, in a sentence."""
    D = float(np.max(np.asarray(law.D)))
    tops = {"D": D, "classical_diffusion": float(law.classical_diffusion) + D / 2}
    told = [f"{name} at most {tops[name]:.3g}" for name in free if name in tops]
    if not told:
        return None
    return (
        f"Initial guesses have {' and '.join(told)}: time steps that suit the first "
        "values may be too long for larger ones; --start gives other first values."
    )


def _law(
    record: DensityRecord, form: str, free: tuple[str, ...], start: dict[str, float]
) -> ConservativeDiffusion:
    """The law at the first start."""
    dissipates = {"friction", "classical_diffusion"} & set(free)
    values: dict[str, Any] = {"mass": record.mass, "D": record.hbar / (2 * record.mass)}
    values |= dict.fromkeys(dissipates, 0.05) | start
    if form == "auto" and not dissipates:
        form = "amplitude"
    elif form == "auto":
        form = "window" if record.grid.ndim == 1 else "links"
    # boundary: what comes near the walls of the record is at the user's word
    return ConservativeDiffusion(
        record.grid, record.potential, hbar=record.hbar, form=form, **values
    )


def _estimate(
    estimator: str, record: DensityRecord, free: tuple[str, ...], start: float
) -> dict[str, Any]:
    """D by an estimator that needs no run, as `--json` prints it."""
    if free != ("D",):
        raise ValueError(
            f"Argument `--free` must be D for --estimator {estimator}, but is "
            f"{','.join(free)}."
        )
    if estimator == "energy":
        found = diffusion_from_energy(record)
    elif estimator == "residual":
        found = diffusion_from_residual(record, _action_rate(record))
    elif record.levels is None:
        raise ValueError(
            "Argument `data` must hold `levels` for --estimator spectrum, but does not."
        )
    else:
        found = diffusion_from_levels(
            record.levels, record.grid, record.potential, mass=record.mass,
            start=start, sigma=record.sigma,
        )  # fmt: skip
    stderr = found.stderr if found.converged else None
    return {
        "law": "ConservativeDiffusion",
        "estimator": estimator,
        "constants": {"D": {"value": found.D, "stderr": stderr}},
        "values": found.count,
        "residual": found.residual,
        "status": "converged" if found.converged else "not converged",
    }


def _action_rate(record: DensityRecord) -> np.ndarray:
    if record.action_rate is None:
        raise ValueError(
            "Argument `data` must hold `action_rate`, the time derivative of S at the "
            "first time, for --estimator residual, but does not."
        )
    return record.action_rate


def draw_densities(
    recovery: Recovery, landscape: Plane | None, record: DensityRecord
) -> dict[str, Any]:
    """Profiles, and the loss over one constant or two."""
    figures = {"profiles": _profiles(recovery, record)}
    if len(recovery.constants) == 1:
        (constant,) = recovery.constants.values()
        low, high = recovery.study.bounds()
        ends = np.asarray(recovery.ends)[:, 0]
        top = max(float(high[0]), float(ends.max()))
        values = jnp.linspace(min(float(low[0]), float(ends.min())), top, 121)
        # At the ends too: between points of the line the loss falls by many decades.
        there = jnp.concatenate([jnp.asarray(recovery.theta), jnp.asarray(ends)])
        values = jnp.unique(jnp.concatenate([values, there]))
        # a picture needs no more than coarse steps
        figures["loss"] = report.figure_loss_line(
            values, loss_line(recovery.study, values), ends, recovery.agree,
            constant.reference, constant.name,
        )  # fmt: skip
    elif landscape is not None:
        figures["loss"] = figure_loss(recovery, landscape)
    return figures


def _profiles(recovery: Recovery, record: DensityRecord) -> Any:
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
    return report.figure_profiles(x, np.asarray(recovery.ts), *lines)
