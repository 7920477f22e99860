"""What the commands that recover constants share: the fit, its figures, its files."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from .. import report
from .._files import provenance
from .._words import did_you_mean
from ..inference import Recovery, Unidentifiable, loss_plane, recover
from ..inference.limits import Limit, limits_of
from ..inference.recovery_numbers import columns, rows_of
from ..records import naming
from ..report.answers import kept_answers
from ..report.tables import recovery_tables
from .options import Common, Sampling, typed
from .posterior import Drawn, check_sampling, draw_posterior
from .session import Outcome, Session, carry_out, conclude, overall, unless_it_fails

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Plane = tuple[np.ndarray, np.ndarray, np.ndarray]
Drawing = Callable[[Recovery, Plane | None], "dict[str, Figure]"]


def fit(
    common: Common,
    law: Any,
    data: Any,
    *,
    names: Sequence[str],
    settings: dict[str, Any],
    file: Path | None = None,
    truth: Mapping[str, Any] | None = None,
    draw: Drawing | None = None,
    landscape: bool = True,
    found: Callable[[Recovery], Mapping[str, Any]] | None = None,
    note: str | Callable[[Mapping[str, Any]], str | None] | None = None,
    plan: str = "",
    sampling: Sampling | None = None,
    **options: Any,
) -> int:
    """Recover constants, draw them, write them, print them.

    Args:
        names: what each column of the record is.
        truth: the constants with which a record was computed.
        draw: draws the figures, by name, of the fit and the loss over the plane of the
            first two constants, if there is one; `draw_all` by default.
        landscape: whether this loss is computed, where there are two constants.
        found: what else is kept with the results, of the fit.
        note: a sentence for the user, above the table; or makes it of `found`.
        plan: what is computed and how long it takes, said before it begins.

    Returns:
        Exit code: 0 if the fit converged, and the draws if there are any; else 1.
    """
    if sampling is not None:
        check_sampling(sampling, data)

    def work(session: Session) -> Outcome:
        with naming(file, "data"):
            # of NumPy's number another program would be loaded, which makes an array
            seed = jax.device_put(np.asarray(common.seed))
            recovery = recover(
                law, data, key=jax.random.key(seed), report=session.advance,
                keep=session.keep, **options,
            )  # fmt: skip
            recovery = recovery.beside(truth or {})
        more: Mapping[str, Any] = {}
        if found is not None:
            with unless_it_fails("further numbers"):
                more = found(recovery)
        said: list[Limit] = []
        without: list[str] = []
        with unless_it_fails("limits"):
            said, without = limits_of(recovery, report=session.advance)
        first = note(more) if callable(note) else note
        beside = {
            "answers": kept_answers(said),
            "grid_error": more.get("grid_error"),
            "note": first or None,
        }
        kept = {
            **settings,
            **more,
            "seed": common.seed,
            "free": ",".join(recovery.study.free),
            "starts": len(recovery.starts),
            "substeps": recovery.substeps,
            "held_out_rows": recovery.held_out_rows,
        }
        plane: list[Plane | None] = [None]
        drawn: Drawn | None = None

        def dataset() -> Any:
            if landscape:
                with unless_it_fails("losses over the plane"):
                    plane[0] = _beside_imports(recovery)
            return report.recovery_dataset(
                recovery, names, landscape=plane[0], attributes=kept
            )

        def figures() -> "dict[str, Figure]":
            if draw is None:
                shown = draw_all(recovery, plane[0], names)
            else:
                shown = draw(recovery, plane[0])
            return shown if drawn is None else shown | drawn.figures()

        details = report.recovery_details(recovery)
        details |= {"settings": kept}
        summary = report.recovery_summary(recovery, common.seconds()) | beside
        printed = [*([first] if first else []), *recovery_tables(recovery)]
        if sampling is not None and sampling.posterior:
            # draws take minutes: who stops them keeps the fit
            report.write_json({**summary, **details}, session.folder / "summary.json")
            report.write_dataset(dataset(), session.folder / "data.zarr")
            drawn = draw_posterior(session, recovery, sampling, common.seed)
            summary = report.recovery_summary(recovery, common.seconds()) | beside
            summary["posterior"] = drawn.summary
            summary["status"] = overall((recovery.status, drawn.status))
            printed += drawn.printed
        return Outcome(
            summary, [*printed, *without, *map(str, said)], details,
            dataset if drawn is None else lambda: None, figures,
        )  # fmt: skip

    return carry_out(common, work, Session(common.out, plan=plan))


def landscape_of(recovery: Recovery) -> Plane | None:
    """The loss over the plane of the first two constants, where there are two.

    There is none over a constant of the noise, which changes no prediction.
    """
    study = recovery.study
    if len(recovery.constants) < 2 or (study.scattered and study.of_noise[:2].any()):
        return None
    low, high = map(np.asarray, recovery.study.bounds())
    starts = np.asarray(recovery.starts)
    low = np.minimum(low, starts.min(axis=0))
    high = np.maximum(high, starts.max(axis=0))
    x, y = (np.linspace(low[i], high[i], 41) for i in (0, 1))
    # a picture needs no more than coarse steps
    problem = recovery.study.with_substeps(4)
    loss = loss_plane(problem, recovery.theta, x, y)
    return x, y, np.asarray(loss)


def _beside_imports(recovery: Recovery) -> Plane | None:
    """`landscape_of`, while what writes and draws is imported."""
    with ThreadPoolExecutor(1) as beside:
        plane = beside.submit(landscape_of, recovery)
        import matplotlib.figure  # noqa: F401
        import xarray  # noqa: F401

        return plane.result()


def draw_all(
    recovery: Recovery, landscape: Plane | None, names: Sequence[str]
) -> "dict[str, Figure]":
    """The figures of a fit: data and law, residuals, and the loss over a plane."""
    ts, along, held = rows_of(recovery)
    observed, fitted, start = map(
        columns, (recovery.observed, recovery.prediction, recovery.start_prediction)
    )
    sigma = errors_of(recovery)
    figures = {
        "fit": report.figure_fit(
            ts, observed, fitted, start, names, held, sigma=sigma, along=along
        ),
        "residuals": report.figure_residuals(
            ts, observed - fitted, held, names=names, sigma=sigma, along=along
        ),
    }
    if landscape is not None:
        figures["loss"] = figure_loss(recovery, landscape)
    return figures


def errors_of(recovery: Recovery) -> np.ndarray | None:
    """Standard errors of the data, like their columns, (T, M); NaN where there is none.

    None where no errors are known. Those of counts are the errors at the fitted law.
    """
    study = recovery.study
    noise = study.noise_at(jax.device_put(recovery.theta))
    if not noise.known:
        return None
    fitted = np.asarray(recovery.prediction)
    expected = np.where(np.isfinite(fitted), fitted, np.asarray(recovery.observed))
    found = columns(noise.errors(study.data.values, expected))
    return np.where(np.isfinite(found) & (found > 0), found, np.nan)


def figure_loss(recovery: Recovery, landscape: Plane) -> Any:
    """The loss over the first two constants, and the starts."""
    first, second = list(recovery.constants.values())[:2]
    both = None
    if first.reference is not None and second.reference is not None:
        both = (first.reference, second.reference)
    return report.figure_landscape(
        *landscape, np.asarray(recovery.starts)[:, :2],
        np.asarray(recovery.ends)[:, :2], np.asarray(recovery.agree),
        both, (first.name, second.name),
    )  # fmt: skip


def check_free(
    free: Sequence[str], valid: Sequence[str], untold: Mapping[str, str], by: str
) -> None:
    """Raise where a name is no constant, or one that the data cannot tell.

    Args:
        untold: why it cannot be told, by name.
        by: what the data are.
    """
    for name in free:
        if name in untold:
            raise Unidentifiable(
                f"Argument `--free` must name constants that {by} can determine, but "
                f"{untold[name]}."
            )
        if name not in valid:
            raise ValueError(
                f"Argument `--free` must name constants out of {', '.join(valid)}, "
                f"but {name!r} was given{did_you_mean(name, valid)}"
            )


def tell(common: Common, result: Mapping[str, Any], title: str) -> int:
    """Print what was found without a fit, and write it where --out was given."""
    table = report.summary_table(result, title)
    if not typed("--out"):
        return conclude(result, [table], as_json=common.as_json)
    origin = {"provenance": provenance()}
    found = Outcome(result, [table], origin, lambda: None, dict)
    return carry_out(common, lambda session: found)


def estimate(
    common: Common,
    law: str,
    file: Path | None,
    records: Mapping[str, Any],
    fit_one: Callable[[Any], Any],
    part_of: Callable[[str, Any], dict[str, Any]],
    draw: Callable[[Any, str, Any, Any], None],
    printed: Callable[[Mapping[str, Any]], list[Any]],
    settings: dict[str, Any],
    details: Callable[[Any], Any] | None = None,
) -> int:
    """Recover constants by estimators that need no run, one record each.

    Args:
        file: of the record, for messages; None for built-in records.
        records: by name, of which `--json` prints the first word; "" for none.
        fit_one: the fit of a record, with `status`, `message`, `constants`.
        part_of: what `--json` prints of the fit of this name, beside its constants.
        details: what summary.json holds beyond that of a fit.

    Returns:
        Exit code: 0 if the fits converged, else 1.
    """

    def work(session: Session) -> Outcome:
        with naming(file):
            fits = {name: fit_one(record) for name, record in records.items()}
        parts = {
            name.partition(" ")[0]: part_of(name, found) for name, found in fits.items()
        }
        summary = {
            "law": law,
            **parts.get("", parts),
            "status": overall(found.status for found in fits.values()),
            "seconds": common.seconds(),
        }
        kept = {"data": str(file or "built-in"), "seed": common.seed, **settings}
        more: dict[str, Any] = {"settings": kept, "provenance": provenance()}
        if details is not None:
            more["details"] = {name or "fit": details(f) for name, f in fits.items()}
        return Outcome(summary, printed(fits), more, lambda: None, lambda: drawn(fits))

    def drawn(fits: Mapping[str, Any]) -> "dict[str, Figure]":
        with report.house_style():
            size = (4.9 * len(fits) + 0.6, 4.0)
            figure, axes = report.subplots(1, len(fits), size=size)
            for axis, (name, record) in zip(axes[0], records.items(), strict=True):
                draw(axis, name, record, fits[name])
        return {"fit": figure}

    return carry_out(common, work)
