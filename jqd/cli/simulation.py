"""What the commands that simulate share: their options, the files, what is printed."""

import dataclasses
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from rich.table import Table

from .._bars import plain_console
from .._files import whole_files
from .._words import did_you_mean
from ..evolution import Fixed, Trajectory, evolve
from ..instruments import Instrument
from ..laws.motion import Motion
from ..records import Record, check_new, save
from .options import DATA, MODEL, OUTPUT, AsJson, assignments, finite_number, seed_in
from .session import check_parent, conclude, make_parent

# Steps between two rows beyond which a run is taken as it is.
_MOST_STEPS = 4096
# Errors by steps may be this share of the scatter of one shot in all.
STEP_SHARE = 0.01


@dataclasses.dataclass(frozen=True)
class Simulation:
    """What every command that simulates takes, and when it began."""

    out: Annotated[
        Path,
        OUTPUT.option(
            metavar="FILE", help="A new file for the data; its ending sets the format."
        ),
    ]
    # None where the command says how many by itself
    shots: Annotated[
        int,
        DATA.option(
            min=1,
            help="Number of independent shots; per time or per mode, if there are "
            "several.",
        ),
    ] = 1000
    seed: Annotated[int, seed_in(DATA)] = 0
    as_json: AsJson = False
    began: float = dataclasses.field(init=False, default_factory=perf_counter)

    @property
    def key(self) -> Array:
        """Of what is drawn, other than what the same seed draws of a problem."""
        return jax.random.fold_in(jax.random.key(self.seed), 1)


TIMES = "FIRST:LAST:NUMBER, or a list such as 0.2,0.5,1."
SCALED = "times the time scale of --hamiltonian (a power of ten), if given"


def sets(known: str) -> Any:
    """The option `--set`, which lists the constants with their defaults."""
    text = (
        "True value of a constant, such as NAME=0.4; may be repeated. Constants, with "
        f"their defaults: {known}."
    )
    return MODEL.option("--set", help=text)


class Simulated(NamedTuple):
    """A record that can be drawn, and how to keep it.

    Attributes:
        law: its name.
        constants: true values by name.
        record: what it holds, in words.
        draw: draws it: data by file. Only of a run that reached its end.
        recover: words after `jqd recover`, or another verb, that read it.
        times: number of times, or None.
        run: the run behind it, or None.
        shots: at each time, where the options do not say so; a list of a plan.
        verb: of the command that reads it.
    """

    law: str
    constants: Mapping[str, float]
    record: str
    draw: Callable[[], Mapping[Path, Any]]
    recover: Sequence[Any]
    times: int | None = None
    run: Trajectory | None = None
    shots: int | list[int] | None = None
    verb: str = "recover"


def simulate(
    options: Simulation,
    kinds: Mapping[Path, str],
    prepare: Callable[[], Simulated],
) -> int:
    """Draw a record, write its files, print what it is and how to recover from it.

    Args:
        kinds: of the files that are written, of `records.kinds.KINDS`.
        prepare: follows the law, and says how to draw the record.

    Returns:
        Exit code: 0, or 1 where the law did not reach the last time; then there is no
        file.
    """
    for path, kind in kinds.items():
        check_new(path, kind, "--out")
        check_parent(path)
    with plain_console(stderr=True).status("Simulating"):
        made = prepare()
        failed = made.run is not None and not made.run.all_ok
        files = {} if failed else made.draw()
        if files:
            make_parent(options.out)
            with whole_files(*files) as drafts:
                for draft, data in zip(drafts, files.values(), strict=True):
                    save(draft, data)
    words = ["jqd", made.verb, *made.recover]
    command = shlex.join(str(word) for word in words)
    summary = {
        "law": made.law,
        "constants": {name: float(value) for name, value in made.constants.items()},
        "record": made.record,
        "times": made.times,
        "shots": options.shots if made.shots is None else made.shots,
        "seed": options.seed,
        "step_error": _step_error(made.run),
        "grid_error": _grid_error(made.run),
        "files": [str(path) for path in files],
        "recover": None if failed else command,
        "status": made.run.describe() if made.run is not None and failed else "ok",
        "seconds": round(perf_counter() - options.began, 3),
    }
    code = conclude(summary, [_table(summary)], as_json=options.as_json)
    if not options.as_json and not failed:
        # not folded at the width of a terminal, so that it can be copied
        written = f"Written: {', '.join(summary['files'])}"
        print(f"{written}\n{made.verb.capitalize()} with: {command}")
    return code


def _table(summary: Mapping[str, Any]) -> Table:
    table = Table(
        title=f"A simulated record of {summary['law']}", title_justify="left",
        show_header=False, show_edge=False, pad_edge=False,
    )  # fmt: skip
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in summary["constants"].items():
        table.add_row(name, f"{value:.12g}")
    errors = {
        name: None if error is None else f"{error:.1e}"
        for name, error in (
            ("integration error", summary["step_error"]),
            ("error of the grid or of quadrature", summary["grid_error"]),
        )
    }
    lines = {
        "record": summary["record"],
        "times": summary["times"],
        "shots": _listed(summary["shots"]),
        "seed": summary["seed"],
        **errors,
        "status": summary["status"],
    }
    for name, value in lines.items():
        if value is not None:
            table.add_row(name, str(value))
    return table


def _listed(shots: int | list[int]) -> str:
    return ", ".join(map(str, shots)) if isinstance(shots, list) else str(shots)


def _step_error(run: Trajectory | None) -> float | None:
    """The largest error of a value by steps, where it is known."""
    if run is None or run.error is None:
        return None
    errors = [jnp.max(error) for error in jax.tree.leaves(run.error)]
    return _finite(jnp.max(jnp.stack(errors)))


def _grid_error(run: Trajectory | None) -> float | None:
    """The law's estimate of the relative error by its grid or basis, or None."""
    if run is None or run.resolution is None:
        return None
    return _finite(jnp.max(run.resolution))


def _finite(error: Any) -> float | None:
    """The error of a run; None where one that ended early has none later."""
    return float(error) if np.isfinite(error) else None


# -- options -------------------------------------------------------------------------


def true_values(
    texts: Sequence[str] | None, known: Mapping[str, float]
) -> dict[str, float]:
    """The true constants: those of `--set`, else those that are known."""
    values = assignments(texts or (), "set", "q=0.4")
    for name in values:
        if name not in known:
            raise ValueError(
                f"Argument `--set` must set constants out of {', '.join(known)}, but "
                f"{name!r} was given{did_you_mean(name, known)}"
            )
    return {**known, **values}


def spaced(first: float, last: float, number: int, unit: float) -> str:
    """Default times of a Hamiltonian, as `--times` takes them."""
    return f"{first * unit:g}:{last * unit:g}:{number}"


def parse_times(text: str) -> np.ndarray:
    """Read the option `--times`.

    Args:
        text: `0:6:61` from the first to the last, so many; or `0.2,0.5,1`.
    """
    ts = values_of(text, text, "`--times` must be like 0:6:61 or 0.2,0.5,1", 2)
    if ts[0] < 0 or np.any(np.diff(ts) <= 0):
        raise ValueError(
            "Argument `--times` must increase strictly from 0 on, the time of the "
            f"state, but is {text!r}."
        )
    return ts


def values_of(said: str, text: str, rule: str, least: int) -> np.ndarray:
    """Values like 0:6:61 (first, last, number from `least` on) or 0.2,0.5,1; else
    ValueError says that `text` breaks this rule."""
    parts = said.split(":")
    if len(parts) != 3:
        return np.array([finite_number(part, rule) for part in said.split(",")])
    first, last, count = (finite_number(part, rule) for part in parts)
    if count != round(count) or not least <= count <= 1e6:
        raise ValueError(f"Argument {rule}, but {text!r} was given.")
    return np.linspace(first, last, round(count))


def check_positive(**options: float) -> None:
    """Raise ValueError unless these options are positive numbers."""
    for name, value in options.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"Argument `--{name}` must be positive, but is {value}.")


# -- runs and draws ------------------------------------------------------------------


def follow(
    law: Motion,
    psi0: Any,
    ts: np.ndarray,
    instrument: Instrument,
    method: Any = None,
    stepper: Any = None,
    shots: int = 1,
) -> Trajectory:
    """What an instrument shows on average, of a run that begins at t = 0.

    Args:
        method: how to evolve; None for what the law evolves by.
        stepper: a one-step method instead, whose steps are refined until their errors
            are far below the scatter of a share of all shots.

    Returns:
        The run; its first row is at 0, whatever the first of `ts` is.
    """
    times = ts if ts[0] == 0 else np.concatenate([[0.0], ts])
    state = law.prepare(law.admit(psi0))

    def observe(t: Array, state: Any) -> Array:
        return instrument.mean(law, t, state)

    steps, before = 8, math.nan
    while True:
        if stepper is not None:
            method = Fixed(stepper, steps)
        run = evolve(law, state, times, method=method, observe=observe)
        error = _step_error(run)
        enough = error is not None and error < STEP_SHARE * shots**-0.5
        # steps that are too long end a run after a few of them; one that ends of itself
        # ends at the same time with shorter ones
        end = float(run.failure_time)
        some = end * steps > 16 * np.max(np.diff(times))
        over = math.isfinite(end) and some and abs(end - before) <= 0.01 * end
        if stepper is None or enough or steps >= _MOST_STEPS or over:
            return run
        steps, before = 4 * steps, end


def rows(run: Trajectory, ts: np.ndarray) -> Any:
    """The values of a run at these times, without one at 0 that is not among them."""
    first = run.ts.shape[0] - len(ts)
    return jax.tree.map(lambda leaf: leaf[first:], run.values)


def drawn(
    run: Trajectory,
    ts: np.ndarray,
    instrument: Instrument,
    options: Simulation,
    shots: Any = None,
) -> Record:
    """The record of a run, drawn as its instrument shows it.

    Args:
        options: key, and shots unless they are given.
        shots: at each time, one number or (T,).
    """
    noise, shots = instrument.noise, options.shots if shots is None else shots
    values = noise.sample(options.key, rows(run, ts), shots)
    return Record(ts, values, noise.after(shots, values.ndim), t0=0.0)
