"""Where the time of a step goes, law by law: `python -m benchmarks.profile_laws`.

`python -m benchmarks.profile_laws [LAW ...] [--quick] [--trace FOLDER]` prints one line
a law: process time of a step within `jqd.evolve`, of the stepper alone in a bare
`lax.scan`, of what no stepper can do without (the floor), and of a run with error
bars. `--trace` writes a trace of jax.profiler for each law into FOLDER.
"""

import argparse
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.laws.diffusion import Links
from jqd.laws.husimi import Fock, HusimiFokkerPlanck

from .copy_dynamics import random_problem
from .floors import fft_pairs
from .tables import markdown

ROUNDS, SAMPLE_SECONDS = 9, 0.05
FFT, FIELD = "FFT pair", "vector fields"


@dataclass
class Case:
    """One law, its state (with a leading axis where it is a batch) and its step.

    Attributes:
        floor: `FFT` for a pair of transforms a step, `FIELD` for as many vector
            fields a step as the stepper calls.
        fields: how many that are.
    """

    law: Any
    state: Any
    stepper: Any
    dt: float
    steps: int
    floor: str = FIELD
    fields: int = 4
    batch: bool = False

    def over(self, function: Callable[..., Any]) -> Any:
        """The function (law, state) of the whole batch, jitted."""
        return jax.jit(
            jax.vmap(function, in_axes=(None, 0)) if self.batch else function
        )

    def programs(self) -> dict[str, Callable[[], Any]]:
        """What is timed, by the name of its column."""
        programs: dict[str, Callable[[], Any]] = {
            "evolve": partial(self.evolve(False), self.law, self.state),
            "bare scan": partial(self.bare(), self.law, self.state),
            "with error bars": partial(self.evolve(True), self.law, self.state),
        }
        if self.floor == FFT:
            axes = tuple(range(-self.law.grid.ndim, 0))
            programs["floor"] = fft_pairs(self.state, axes, self.steps)
        else:
            programs["floor"] = partial(self.field_calls(), self.law, self.state)
        return programs

    def evolve(self, estimate_error: bool) -> Any:
        """The run as users call it."""
        method = jqd.Fixed(
            self.stepper, self.steps, "direct", estimate_error=estimate_error
        )
        ts = np.array([0.0, self.steps * self.dt])

        def run(law: Any, state: Any) -> Any:
            found = jqd.evolve(law, state, ts, method=method)
            return found.values, found.error, found.status

        return self.over(run)

    def bare(self) -> Callable[..., Any]:
        """The stepper in a scan, with nothing around it."""

        def run(law: Any, state: Any) -> Any:
            if hasattr(self.stepper, "sweep"):
                return self.stepper.sweep(law, 0.0, state, self.dt, self.steps)

            def step(y: Any, _: Any) -> tuple[Any, None]:
                return self.stepper(law, 0.0, y, self.dt), None

            return jax.lax.scan(step, state, None, length=self.steps)[0]

        return self.over(run)

    def field_calls(self) -> Callable[..., Any]:
        """As many vector fields as the steps take, each from the last."""

        def run(law: Any, state: Any) -> Any:
            def call(y: Any, _: Any) -> tuple[Any, None]:
                rate = law.vector_field(0.0, y)
                # so small a step that it costs one addition and changes nothing else
                return jax.tree.map(lambda a, b: a + 1e-9 * b, y, rate), None

            length = self.fields * self.steps
            return jax.lax.scan(call, state, None, length=length)[0]

        return self.over(run)


def grid_case(ndim: int, points: int, batch: int, single: bool, quick: bool) -> Case:
    """A harmonic oscillator, Strang steps."""
    points = 32 if quick else points
    grid = jqd.Grid([(-10.0, 10.0)] * ndim, (points,) * ndim)
    V = np.zeros(grid.shape)
    for x in grid.coordinates:
        V = V + np.asarray(x) ** 2 / 2
    law = jqd.Schrodinger.on_grid(grid, V)
    psi = np.asarray(grid.normalise(jnp.exp(-V)))
    psi = psi.astype(np.complex64 if single else np.complex128)
    if batch:
        psi = np.repeat(psi[None], batch, axis=0)
    steps = 4 if quick else max(20, 2**22 // psi.size)
    return Case(
        law, jnp.asarray(psi), jqd.strang, 0.006, min(steps, 4000), FFT, 0, bool(batch)
    )


def copy_case(size: int, batch: int, quick: bool) -> Case:
    """Copy dynamics of a random Hamiltonian, Runge-Kutta steps."""
    H, psi = random_problem(size, max(batch, 1))
    law = jqd.CopyDynamics.from_hamiltonian(H)
    steps = 4 if quick else int(np.clip(2**21 / (size**2 * max(batch, 1)), 4, 10_000))
    state = jnp.asarray(psi if batch else psi[0])
    return Case(law, state, jqd.rk4, 0.02, steps, batch=bool(batch))


def link_case(quick: bool) -> Case:
    """Density and action on 320 sites, links of order 8."""
    grid = jqd.Grid((-16.05, 15.95), 32 if quick else 320)
    law = jqd.Madelung(grid, 0.01 * np.asarray(grid.x) ** 2, form=Links(8, 1e-8))
    psi = grid.normalise(jnp.exp(-(grid.x**2) / 8 + 0.5j * grid.x))
    return Case(law, law.prepare(psi), jqd.rk4, 1e-3, 4 if quick else 500)


def fock_case(quick: bool) -> Case:
    """The Husimi law as a density operator of 32 levels."""
    levels = 16 if quick else 32
    law = HusimiFokkerPlanck("0.5*ad^2*a^2", 0.9, form=Fock(levels))
    state = law.prepare(jqd.states.coherent(0.3, levels // 2))
    return Case(law, state, law.stepper, 1e-3, 4 if quick else 50, fields=18)


def matrix_case(size: int, quick: bool) -> Case:
    """Schrödinger's law for a dense matrix, Runge-Kutta steps."""
    H, psi = random_problem(size, 1)
    law = jqd.Schrodinger(H)
    return Case(law, jnp.asarray(psi[0]), jqd.rk4, 0.02, 4 if quick else 2000)


LAWS: dict[str, Callable[[bool], Case]] = {
    "schrodinger 1D": lambda quick: grid_case(1, 1024, 0, False, quick),
    "schrodinger 1D c64": lambda quick: grid_case(1, 1024, 0, True, quick),
    "schrodinger 1D x 256": lambda quick: grid_case(1, 1024, 256, False, quick),
    "schrodinger 2D": lambda quick: grid_case(2, 512, 0, False, quick),
    "schrodinger 2D c64": lambda quick: grid_case(2, 512, 0, True, quick),
    "schrodinger matrix 64": lambda quick: matrix_case(64, quick),
    "copying 4": lambda quick: copy_case(4, 0, quick),
    "copying 4 x 1024": lambda quick: copy_case(4, 1024, quick),
    "copying 16": lambda quick: copy_case(16, 0, quick),
    "copying 64": lambda quick: copy_case(64, 0, quick),
    "madelung links": link_case,
    "husimi fock": fock_case,
}


def kernels(case: Case) -> int | None:
    """Kernels in the innermost loop of a run: small states are bound by these."""
    text = case.evolve(False).lower(case.law, case.state).compile().as_text()
    bodies = re.findall(r"body=%?([\w.\-]+)", text)
    parts = {
        part.strip().split(" ")[0].lstrip("%"): part for part in text.split("\n\n")
    }
    found = [parts[body] for body in bodies if body in parts]
    if not found:
        return None
    pattern = r"= \S+ (?:fusion|reduce|dot|copy|fft|custom-call|reduce-window)\("
    return max(len(re.findall(pattern, body)) for body in found)


def profile(case: Case, rounds: int) -> dict[str, Any]:
    """Microseconds of process time a step, the least of some interleaved rounds."""
    least = least_seconds(case.programs(), rounds)
    size = case.state.shape[0] if case.batch else 1
    row: dict[str, Any] = {
        f"{name}, us": float(f"{seconds / (case.steps * size) * 1e6:.3g}")
        for name, seconds in least.items()
    }
    row["floor is"] = case.floor
    row["floor / evolve"] = float(f"{least['floor'] / least['evolve']:.2f}")
    row["kernels"] = kernels(case)
    return row


def least_seconds(
    programs: dict[str, Callable[[], Any]], rounds: int
) -> dict[str, float]:
    """Process time of a call of each program, the least of some interleaved rounds."""
    plan = {}
    for name, program in programs.items():
        jax.block_until_ready(program())
        seconds = _seconds(program, 1)
        plan[name] = max(1, round(SAMPLE_SECONDS / max(seconds, 1e-6)))
    least = dict.fromkeys(programs, np.inf)
    for _ in range(rounds):
        for name, program in programs.items():
            least[name] = min(least[name], _seconds(program, plan[name]))
    return least


def _seconds(program: Callable[[], Any], number: int) -> float:
    start = time.process_time()
    for _ in range(number):
        jax.block_until_ready(program())
    return (time.process_time() - start) / number


def main(arguments: list[str] | None = None) -> None:
    """Profile the laws that were named, all if none was."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile_laws")
    parser.add_argument("laws", nargs="*", metavar="LAW", help=", ".join(LAWS))
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--trace", type=Path, metavar="FOLDER")
    options = parser.parse_args(arguments)
    known = [n for n in LAWS if not options.laws or any(w in n for w in options.laws)]
    if not known:
        parser.error(f"no such law; there are: {', '.join(LAWS)}")
    jax.config.update("jax_enable_x64", True)
    rows = []
    for name in known:
        case = LAWS[name](options.quick)
        rows.append({"law": name} | profile(case, 2 if options.quick else ROUNDS))
        if options.trace is not None:
            program = case.programs()["evolve"]
            jax.block_until_ready(program())
            with jax.profiler.trace(str(options.trace / name.replace(" ", "_"))):
                jax.block_until_ready(program())
    print(markdown(list(rows[0]), [[str(v) for v in row.values()] for row in rows]))


if __name__ == "__main__":
    main()
