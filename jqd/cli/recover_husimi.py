"""`jqd recover husimi`: constants of the Husimi Fokker-Planck law."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np

from .. import _checks, constants, problems, report
from ..evolution import Propagator, evolve
from ..inference import Prior, Recovery, Search, Study, fit_likelihood
from ..inference.estimators import length_scales as lengths_of
from ..instruments import Heterodyne
from ..laws.husimi import (
    ALIASES,
    Bath,
    Exact,
    Fock,
    Form,
    GaussianForm,
    HusimiFokkerPlanck,
    Series,
)
from ..observe import Moments
from ..records import PhaseSpaceRecord, help_text, load_phase_space, naming
from ..records.phase_space import least_samples
from ..spaces.driven import Driven
from ..spaces.symbols import parameters_of, parse_hamiltonian, pulses_of
from ..states import Ensemble, GaussianState, coherent, product
from .drives import parse_bath, parse_pulses
from .fit import Plane, check_free, draw_all, fit, tell
from .husimi_levels import levels_for, mean_quanta, seconds_of_fit
from .options import (
    FIT,
    MODEL,
    Common,
    Levels,
    Nuisance,
    Points,
    Sampling,
    Sigma,
    Starts,
    check_sigma,
    check_word,
    only_with,
    parse_free,
    parse_nuisances,
    parse_set,
    parse_start,
    refuse_beside,
    refuse_nuisances,
    start_like,
    typed,
    with_options,
)
from .posterior import refuse_posterior
from .session import takes

FORMS = ("auto", "exact", "fock", "gaussian")
# Levels of a density operator in a bath, unless told.
BATH_LEVELS = 48
# Options that only a fit heeds.
FIT_ALONE = ("--free", "--start", "--starts", "--form", "--levels", "--points")
LOSSES = ("auto", "squares", "moments", "likelihood")
_PULSES = (
    f"{help_text('pulse')} Give a pulse drive(t) of --hamiltonian as drive=FILE.csv, "
    "or by its shape (cosine, gaussian or square) as "
    "drive=cosine:amplitude=1,omega=1; may be repeated."
)
_LENGTH = "kappa and the lengths l enter the law only as s = l/sqrt(kappa); free s"
_UNTOLD = {
    "kappa": _LENGTH,
    "l": _LENGTH,
    "lengths": _LENGTH,
    "hbar": "hbar enters the law only as the product C hbar; free C",
}


@with_options(out=Path("results/husimi"))
def husimi(
    *,
    data: Annotated[Path | None, takes("phase space")] = None,
    hamiltonian: str = MODEL.option(
        "0.5*U*ad^2*a^2",
        help="Hamiltonian in a, ad (a1, ad1, ..), q, p and parameters.",
    ),
    assigned: list[str] = MODEL.option(
        [],
        "--set",
        help="Value of a parameter of --hamiltonian, e.g. U=0.63; may be repeated.",
    ),
    pulses: list[str] = MODEL.option([], "--pulse", help=_PULSES),
    bath: str = MODEL.option("", help="Rates of a bath, e.g. gamma=0.2,nbar=0.1."),
    free: str = FIT.option(
        "C",
        help="Constants to recover, separated by commas: C, s, parameters of "
        "--hamiltonian, rates of --bath, parameters of pulses such as drive.omega.",
    ),
    start: Annotated[str, start_like("C=0.4,U=1.1")] = "",
    starts: Starts = 16,
    form: str = FIT.option("auto", help=f"Form of the law: {', '.join(FORMS)}."),
    loss: str = FIT.option("auto", help=f"Loss of the fit: {', '.join(LOSSES)}."),
    levels: Levels = None,
    points: Points = 600,
    sigma: Sigma = None,
    length_scales: bool = FIT.option(
        False,
        "--length-scales",
        help="Instead of a fit, find lengths for which --hamiltonian has no diffusion.",
    ),
    kappa: float = FIT.option(1.0, help="Scale of the action, for --length-scales."),
    nuisance: Nuisance = "",
    sampling: Sampling,
    common: Common,
) -> int:
    """Recover C of the Husimi Fokker-Planck law, or length scales s, from data."""
    if length_scales:
        refuse_nuisances(nuisance, "--length-scales")
        refuse_posterior(sampling, "--length-scales")
        if data is not None:
            raise ValueError(
                "Argument `--length-scales` must not be given with `--data`, but is: "
                "it is a demand on H0, not a fit."
            )
        refuse_beside("--length-scales", *FIT_ALONE, "--loss", "--bath", "--sigma")
        operator = parsed(hamiltonian, assigned, pulses)
        return _lengths(operator, kappa, common)
    only_with("--kappa", "--length-scales", given=typed("--kappa"), there=False)
    form = ALIASES.get(form, form)
    check_word("form", form, FORMS)
    check_word("loss", loss, LOSSES)
    if loss == "likelihood":
        refuse_nuisances(nuisance, "--loss likelihood")
        refuse_posterior(sampling, "--loss likelihood")
        refuse_beside("--loss likelihood", "--starts", "--points")
    check_sigma(sigma)
    names = parse_free(free)
    first, priors = parse_start(start, names), parse_nuisances(nuisance, names)
    record = _record(data, loss, sigma)
    with naming(data):
        rates = parse_bath(bath)
        operator = parsed(
            hamiltonian, assigned, pulses, record, names, tuple(priors), rates
        )
        law, psi0 = law_and_state(record, operator, names, form, levels, rates)
        if loss == "likelihood":
            _check_first_samples(record, law, psi0, names)
    if loss == "likelihood":
        result = _likelihood(record, law, psi0, names, {"C": 0.8} | first)
        title = "Maximum likelihood, C kept at or below 1: no standard error there"
        return tell(common, result, title)
    full, record = record, record.thinned(120 if common.quick else points)
    with naming(data):
        rows, observe = record.data()
    observe = _detector(observe, priors, rates)
    law = with_points(law, record)
    columns = _names(record)

    def draw(recovery: Recovery, plane: Plane | None) -> dict[str, Any]:
        maps = _maps(recovery, full, law, psi0)
        return draw_all(recovery, plane, columns) | maps

    drawn = min(starts, 6) if common.quick else starts
    least_squares, notes = "least squares", [_left_out(record, full)]
    if record.kind == "samples":
        least_squares = "moments of the samples, weighted by the scatter of the fit"
        notes += [
            "Samples were compared by their moments; --loss likelihood keeps C <= 1."
        ]
    if form == "auto":
        chosen, why = chosen_form(operator, names, rates)
        notes += [f"Form {chosen}: {why}."]
    settings = {
        "hamiltonian": hamiltonian,
        "form": type(law.form).__name__,
        "loss": least_squares,
        "levels": levels or getattr(law.form, "levels", 0),
        "points": 0 if record.points is None else len(record.points),
        "g": record.g,
        "nuisances": nuisance,
        "pulses": pulses,
        "bath": bath,
    }
    return fit(
        common, law, rows, psi0=psi0, free=names, start=first or None, file=data,
        starts=drawn, instrument=observe,
        search=Search(steps=20, windows=2, chunk=10), names=columns, settings=settings,
        draw=draw, note=" ".join(filter(None, notes)), nuisances=priors,
        plan=_plan(law, record, drawn, len(names)), sampling=sampling,
    )  # fmt: skip


def _left_out(record: PhaseSpaceRecord, full: PhaseSpaceRecord) -> str:
    """How much of a map is compared, where it is not all of it; else ""."""
    if record.points is None or full.points is None:
        return ""
    few, many = len(record.points), len(full.points)
    if few == many:
        return ""
    return (
        f"{few} of the {many} points of each map were compared; --points {many} "
        "takes all."
    )


def _plan(
    law: HusimiFokkerPlanck, record: PhaseSpaceRecord, starts: int, free: int
) -> str:
    """What will be computed, and about how long that takes."""
    levels = getattr(law.form, "levels", None)
    plan = f"Form {type(law.form).__name__.lower()}"
    plan += "." if levels is None else f", {levels} levels of each mode."
    seconds = seconds_of_fit(record, law, starts, free)
    if seconds is None:
        return plan
    long = f"{seconds / 60:.0f} min" if seconds > 90 else f"{max(seconds, 1):.0f} s"
    return f"{plan} The fit takes about {long} on two processors, after compilation."


def _detector(observe: Any, priors: Mapping[str, Prior], bath: Bath | None) -> Any:
    """What sees moments: with gain and added noise where there is a prior of one.

    A `gain` beside a bath is the bath's; that of the detector is `instrument.gain`.
    """
    names = {"instrument.gain", "instrument.added", "added"}
    names |= {"gain"} if bath is None else set()
    if not (isinstance(observe, Moments) and names & {*priors}):
        return observe
    return Heterodyne(orders=observe)


def _lengths(hamiltonian: Driven, kappa: float, common: Common) -> int:
    """Length scales that make a free Hamiltonian diffusion-free (C7)."""
    found = lengths_of(hamiltonian.at(), kappa)
    result = {
        "lengths": np.asarray(found.lengths),
        "kappa": kappa,
        "residual": float(found.residual),
        "status": "converged" if found.converged else "no lengths found",
    }
    return tell(common, result, "Length scales of a diffusion-free H0")


def _record(file: Path | None, loss: str, sigma: float | None) -> PhaseSpaceRecord:
    if file is None:
        record = replace(problems.kerr_husimi(), sigma=sigma)
    else:
        record = load_phase_space(file, sigma)
    if loss == "likelihood" and record.kind != "samples":
        raise ValueError(
            "Argument `--loss` must not be likelihood for a record of "
            f"{record.kind}, but is; it needs samples."
        )
    uneven = record.shots is not None and np.ptp(record.shots) > 0
    if loss == "likelihood" and uneven:
        raise ValueError(
            "Argument `--loss` must not be likelihood where times differ in their "
            "number of samples, but is; --loss moments takes them."
        )
    samples = record.kind == "samples"
    allowed = ("auto", "moments", "likelihood") if samples else ("auto", "squares")
    if loss not in allowed:
        raise ValueError(
            f"Argument `--loss` must be one of {', '.join(allowed)} for a record of "
            f"{record.kind}, but is {loss}."
        )
    if sigma is not None and samples:
        raise ValueError(
            "Argument `--sigma` must not be given for samples, but is; their scatter "
            "is their own."
        )
    return record


def chosen_form(
    hamiltonian: Driven, free: tuple[str, ...], bath: Bath | None
) -> tuple[str, str]:
    """The form that carries the law, and why."""
    symbol = hamiltonian.outline()
    if "s" in free:
        return "fock", "length scales s are free, which no other form has"
    if not symbol.is_fokker_planck():
        return "fock", "H has more than two powers of an amplitude in a term"
    if bath is not None:
        return "exact", "a bath needs the density operator"
    return "exact", "it is exact for H with two powers of each amplitude at most"


def law_and_state(
    record: PhaseSpaceRecord,
    hamiltonian: Driven,
    free: tuple[str, ...],
    form: str,
    levels: int | None,
    bath: Bath | None = None,
) -> tuple[HusimiFokkerPlanck, Any]:
    """The law at the first start, and the state at t0."""
    kept = levels or levels_for(record, hamiltonian)
    if form == "auto":
        form, _ = chosen_form(hamiltonian, free, bath)
    _checks.check_memory(
        16.0 * float(kept) ** record.modes, "data", f"a ket of {kept:.3g} levels "
        f"of {record.modes} modes, for the quanta of its initial state,",
    )  # fmt: skip
    state = initial_state(record, kept)
    if form == "fock" or (form == "exact" and bath is not None):
        few = 24 if form == "fock" else min(kept, BATH_LEVELS)
        size = float(levels or few) ** record.modes
        _checks.check_memory(
            16.0 * size**2, "--levels", f"a density operator of {size:.3g} levels"
        )
    # near C = 1 a few orders are exact to higher order in 1 - C than any fit needs
    orders = min(60 if record.modes == 1 else 4, kept - 1)
    held = kept if bath is None else levels or min(kept, BATH_LEVELS)
    carried: Form = {
        "gaussian": GaussianForm,
        "fock": lambda: Fock(levels or 24),
        "exact": lambda: Exact(held, Series(orders)),
    }[form]()
    s = 1.0 if "s" in free else None
    return HusimiFokkerPlanck(hamiltonian, s=s, form=carried, bath=bath), state


def parsed(
    text: str,
    assigned: list[str],
    pulses: list[str],
    record: PhaseSpaceRecord | None = None,
    free: tuple[str, ...] = (),
    told: tuple[str, ...] = (),
    bath: Bath | None = None,
) -> Driven:
    """The Hamiltonian with the values that the record or the user gives.

    Parameters that a fit frees and nothing gives are 1, around which starts are drawn;
    so are, for the time being, those that priors tell of.
    """
    modes = None if record is None else record.modes
    names = parameters_of(text, modes=modes)
    shapes = parse_pulses(pulses, pulses_of(text, modes=modes))
    inner = [
        f"{name}.{part}" for name in shapes for part in constants.names(shapes[name])
    ]
    rates = () if bath is None else constants.names(bath)
    for name in set(free) & {"gamma", "nbar"} - {*names, *rates}:
        raise ValueError(
            f"Argument `--bath` must give {name} a value to free it, as in --bath "
            f"gamma=0.05, but {'is empty' if bath is None else 'gives none'}."
        )
    check_free(free, ("C", "s", *names, *inner, *rates), _UNTOLD, "data")
    known = {} if record is None else record.parameters
    values: dict[str, Any] = dict.fromkeys(
        (n for n in (*free, *told) if n in names), 1.0
    )
    values |= {name: known[name] for name in names if name in known}
    values |= parse_set(assigned, names)
    missing = [name for name in names if name not in values]
    if missing:
        raise ValueError(
            "Argument `--set` must give every parameter of --hamiltonian that is "
            f"neither free nor in the data, but does not give {', '.join(missing)}; "
            f"add --set {missing[0]}=NUMBER."
        )
    return parse_hamiltonian(text, modes=modes, **values, **shapes)


def initial_state(record: PhaseSpaceRecord, levels: int) -> Any:
    """The state at t0 of a record; of an amplitude a ket of enough levels, which is a
    coherent state and says so: a fit of C stays within its window."""
    (name, value), *_ = record.initial.items()
    if name != "alpha0":
        return value
    mean = mean_quanta(record)
    enough = min(levels, math.ceil(mean + 9 * math.sqrt(mean) + 16))
    kets = [coherent(alpha, enough) for alpha in np.atleast_1d(value)]
    ket = kets[0] if len(kets) == 1 else product(*kets)
    return Ensemble(ket[None], jnp.ones(1), GaussianState().largest_C)


def with_points(law: HusimiFokkerPlanck, record: PhaseSpaceRecord) -> Any:
    """The law with the record's points, where it has some."""
    if record.points is None:
        return law
    return HusimiFokkerPlanck(
        law.hamiltonian, law.C, law.s, law.hbar, points=record.points, form=law.form,
        bath=law.bath,
    )  # fmt: skip


def _check_first_samples(
    record: PhaseSpaceRecord, law: Any, psi0: Any, free: tuple[str, ...]
) -> None:
    """Refuse samples whose row at t0 is not of the state, by their moments.

    Fewer samples than their moments need show no mismatch beyond their scatter.
    """
    few = record.values.shape[1] < least_samples(record.modes)
    if record.ts[0] != record.t0 or few:
        return
    first = replace(record, ts=record.ts[:1], values=record.values[:1])
    data, observe = first.data()
    names = tuple(name for name in free if name in constants.names(law))
    Study(law, data, psi0=psi0, free=names, instrument=observe, method=Propagator())


def _likelihood(
    record: PhaseSpaceRecord,
    law: Any,
    psi0: Any,
    free: tuple[str, ...],
    start: dict[str, float],
) -> dict[str, Any]:
    """The most likely constants of samples, as `--json` prints them."""
    found = fit_likelihood(
        law, psi0, record.ts, record.values, free=free, start=start, t0=record.t0
    )
    return {
        "law": "HusimiFokkerPlanck",
        "loss": "likelihood, C <= 1",
        "constants": {
            name: {"value": value, "stderr": None}
            for name, value in found.constants.items()
        },
        "log_likelihood": found.log_likelihood,
        "at_boundary": found.at_boundary,
        "status": "converged" if found.converged else "not converged",
    }


def _names(record: PhaseSpaceRecord) -> list[str]:
    if record.points is not None:
        points = record.points.reshape(len(record.points), -1)
        return ["Q(" + ", ".join(f"{a:.3g}" for a in row) + ")" for row in points]
    _, observe = record.data()
    parts = [f"<a^{m} a*^{n}>" for m, n in observe.orders]
    return [f"Re {part}" for part in parts] + [f"Im {part}" for part in parts]


def _maps(
    recovery: Recovery, record: PhaseSpaceRecord, law: Any, psi0: Any
) -> dict[str, Any]:
    """Maps of data and law at the last time, where the record is on a grid."""
    if record.axes is None:
        return {}
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
        shared=(1, 1, 2),
    )  # fmt: skip
    return {"maps": figure}
