"""What XLA makes of a step of each law on a GPU: kernels, bytes, time beside a model.

On a GPU programs are compiled for it, counted and timed, and a small batch is compared
with the host's. The model of a step:

    sum over its kernels of (the larger of bytes / bandwidth and operations / rate, and
    LAUNCH) + TURN for each turn of a loop whose length the compiler does not know

is a model, not a floor: kernels may overlap, and caches hold some of what it counts.

Laws whose batches are one kernel for all steps are timed in operations on whole arrays,
too.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.evolution import fixed

from . import scaling_laws, set_ups
from .cards import CARDS
from .copy_dynamics import DT, random_problem
from .floors import bandwidth
from .memory import sizes
from .systems import last_state
from .timing import Report, attempted, line_by_line, race, round_to
from .xla_text import (
    LAUNCH,
    TURN,
    Rates,
    loops,
    parsed,
    total_of,
    unknown,
)

# (size, members) of each task of `scaling_laws`
CASES = {
    "copy_dynamics": (4, 10**5), "schrodinger_grid": (1024, 1024),
    "diffusion_links": (256, 512), "nelson_paths": (256, 64),
    "schrodinger_matrix": (16, 4096), "husimi": (41, 256), "photon_tower": (100, 16),
    "chains": (64, 1000), "hard_discs": (64, 64), "copies": (3, 16384),
}  # fmt: skip
SMALL = 4
# seconds for all programs to be compiled, side by side
PATIENCE = 70.0
# Tasks choose their steps for a CPU, from the number of members; a GPU does more.
MORE_STEPS = 50
STEPS = 50
# laws of `set_ups` whose batches are one kernel
FEW_NUMBERS = (
    "Schrodinger, steps", "Weinberg", "Logarithmic", "Gisin", "Lindblad", "AtomMotion",
    "ThawedGaussian", "ClassicalMotion", "ClassicalDiffusion", "Tower",
)  # fmt: skip
Q, R = 0.45, -0.55
SHOWN = ("turns", "kernels", "MB", "floor_MB", "model_us", "us", "over_model", "error")


class Case(NamedTuple):
    """A program and what it is compared by.

    Attributes:
        program: without arguments, as `scaling_laws.program` gives it.
        steps: of a member in a call; None where the result says.
        floor: bytes of a step that reads and writes the state once.
        small: results of `SMALL` members on a device, or None.
        whole: whether operations are those on whole arrays.
    """

    program: Any
    steps: float | None
    floor: float
    small: Callable[[Any], Any] | None = None
    whole: bool = False

    @property
    def columns(self) -> dict[str, str]:
        """By which rows are recognised, besides the case."""
        return {"program": "jqd, whole arrays" if self.whole else "jqd"}


def run(quick: bool = False) -> Iterator[Report]:
    """Reports with the programs so far."""
    # arithmetic as an H100 does it, whose chip an H200 has as well
    rates = CARDS[""].rates._replace(bytes=bandwidth(2**28, quick))
    yield from line_by_line(_rows(quick, rates), partial(_report, rates))


def _rows(quick: bool, rates: Rates) -> Iterator[dict[str, Any]]:
    cases = dict(_cases(quick))
    # XLA compiles without Python's lock: all programs at once, and timed after that
    with ThreadPoolExecutor() as pool:
        made = {key: pool.submit(low.compile) for key, low in _lowered(cases)}
        apart = {
            name: pool.submit(_apart, case)
            for name, case in cases.items()
            if case.small is not None and jax.default_backend() != "cpu"
        }
        wait([*made.values(), *apart.values()], PATIENCE)

        def measured(key: tuple[str, bool]) -> dict[str, Any]:
            row = _row(cases[key], made[key].result(0), rates, quick)
            error = {"error": round_to(apart[key].result(0))} if key in apart else {}
            return row | error

        for key, case in cases.items():
            yield attempted({"case": key[0], **case.columns}, partial(measured, key))
        pool.shutdown(wait=False, cancel_futures=True)


def _report(rates: Rates, rows: list[dict[str, Any]]) -> Report:
    return Report(
        "Programs of the laws on this device, beside a model of their time",
        rows,
        [],
        [
            "turns, kernels, MB: of the loop that costs most by the model, and of one "
            "turn of it, which may hold several steps, with the loops within; "
            "floor_MB: the state read and written once. model_us and us: of a step, "
            "over the whole call. The model has "
            f"{rates.bytes / 1e9:.4g} GB/s (measured here), {LAUNCH * 1e6:g} us a "
            f"kernel and {TURN * 1e6:g} us a turn of a loop of unknown length, and the "
            "operations in a second of an H100; whole arrays: without the kernel that "
            "does all steps. error: largest "
            f"difference from the host, {SMALL} members, over the largest value."
        ],
    )


# -- cases ----------------------------------------------------------------------


def _cases(quick: bool) -> Iterator[tuple[tuple[str, bool], Case]]:
    """Each with its name and whether it is in operations on whole arrays."""
    device = jax.devices()[:1]
    for name, (size, batch) in CASES.items():
        law = scaling_laws.LAWS[name]
        size, batch = (law.least, 2) if quick else (size, batch)
        steps_for = batch if quick else max(1, batch // MORE_STEPS)
        build = lambda size, _, law=law, n=steps_for: law.build(size, n)  # noqa: E731
        call, work = scaling_laws.program(
            law._replace(build=build), size, batch, device
        )
        floor = 2.0 * sum(leaf.nbytes for leaf in jax.tree.leaves(call.args[1]))
        # paths are members of a member
        paths = scaling_laws.PATHS if name == "nelson_paths" else 1
        steps = None if callable(work) else work / paths
        yield (name, False), Case(call, steps, floor, partial(_small, law, size))
    for name, case in (*_copying(quick), *_of_few_numbers(quick)):
        yield (name, False), case
        if "gradient" not in name:
            yield (name, True), case._replace(whole=True)


def _lowered(cases: dict[tuple[str, bool], Case]) -> Iterator[tuple[Any, Any]]:
    """Each, those in operations on whole arrays last: JAX keeps what it has traced."""
    for key, case in cases.items():
        if not case.whole:
            yield key, case.program.func.lower(*case.program.args)
    jax.clear_caches()
    with mock.patch.object(fixed, "in_lanes", _plain):
        for key, case in cases.items():
            if case.whole:
                yield key, case.program.func.lower(*case.program.args)
    jax.clear_caches()


def _plain(turn: Any, plain: Any, turns: int, constants: Any, start: Any) -> Any:
    del turn
    return plain(turns, constants, start)


def _small(law: Any, size: int, device: Any) -> Any:
    with jax.default_device(device):
        call, _ = scaling_laws.program(law, size, SMALL, [device])
        return jax.device_get(call())


def _copying(quick: bool) -> Iterator[tuple[str, Case]]:
    """The copy law in both precisions, and by gradients."""
    steps, double, single = 2 if quick else STEPS, np.complex128, np.complex64
    sizes = (
        (4, 10**5, double), (3, 10**5, double), (6, 10**5, double),
        (4, 10**4, double), (4, 10**6, double), (4, 10**5, single),
    )  # fmt: skip
    for M, members, dtype in ((4, 4, double),) if quick else sizes:
        H, psi = (jnp.asarray(x, dtype) for x in random_problem(M, members))
        theta = jnp.array([Q, R], H.real.dtype)
        name = f"copying, {M} classes"
        name += ", float32" if dtype == single else ""
        if members != 10**5:
            name += f", {members:.0e} members".replace("e+0", "e")
        case = partial(Case, steps=steps, floor=2.0 * psi.nbytes)
        evolved = partial(jax.jit(partial(_evolved, H, steps)), theta, psi)
        yield name, case(evolved)
        if (M, members, dtype) == (4, 4 if quick else 10**5, double):
            for kind, grad in (("reverse", jax.jacrev), ("forward", jax.jacfwd)):
                program = jax.jit(grad(partial(_loss, H, steps)))
                title = f"{name}, gradient by {kind} mode"
                yield title, case(partial(program, theta, psi))


def _of_few_numbers(quick: bool) -> Iterator[tuple[str, Case]]:
    """Laws of a few levels, atoms or points."""
    members, substeps = (4, 2) if quick else (10**5, STEPS)
    for name in FEW_NUMBERS[:1] if quick else FEW_NUMBERS:
        one = set_ups.program(name, substeps=substeps, judged=False)
        state = jax.tree.map(
            lambda x: jnp.broadcast_to(jnp.asarray(x), (members, *jnp.shape(x))),
            one.state,
        )
        floor = 2.0 * sum(x.nbytes for x in jax.tree.leaves(state))
        call = partial(jax.jit(jax.vmap(one.run, (None, 0))), one.law, state)
        yield name, Case(call, substeps * (len(set_ups.TS) - 1), floor)


def _evolved(H: Any, steps: int, theta: Any, psi: Any) -> Any:
    """States after the steps, for all members, as a user writes it."""
    law = jqd.CopyDynamics.from_hamiltonian(H, q=theta[0], r=theta[1])
    return jax.vmap(last_state(law, jqd.steppers.rk4, steps, DT))(psi)


def _loss(H: Any, steps: int, theta: Any, psi: Any) -> Any:
    return jnp.sum(jnp.abs(_evolved(H, steps, theta, psi)[:, 0]) ** 2)


# -- rows -----------------------------------------------------------------------


def _row(case: Case, compiled: Any, rates: Rates, quick: bool) -> dict[str, Any]:
    text = compiled.as_text()
    body = parsed(text)
    most = max(loops(body), key=lambda one: one.seconds(rates), default=body)
    # a compiled program takes arrays alone, as the call does
    call = partial(compiled, *case.program.args)
    timing = race({"jqd": call}, 2 if quick else 5)["jqd"]
    row = timing.row(1, "call") | {
        "turns": most.trips,
        "kernels": total_of(most, lambda one: sum(one.kernels.values())),
        "MB": round_to(total_of(most, lambda one: one.moved) / 1e6),
        "kinds": dict(most.kernels),
        "floor_MB": round_to(case.floor / 1e6),
        "temporaries_MB": round_to(sizes(compiled).temporaries / 1e6),
        "callbacks": text.count("callback"),
        "unknown_loops": unknown(body),
    }
    if case.steps is not None:
        measured = 1e6 * timing.median / case.steps
        row["us"] = round_to(measured)
        if not unknown(body):
            model = 1e6 * body.seconds(rates) / case.steps
            row |= {"model_us": round_to(model)}
            row["over_model"] = round_to(measured / model)
    return row


def _apart(case: Case) -> float:
    """Largest difference between this device and the host, over the largest value."""
    assert case.small is not None
    here, there = (case.small(jax.devices(kind)[0]) for kind in (None, "cpu"))
    pairs = zip(jax.tree.leaves(here), jax.tree.leaves(there), strict=True)
    scaled = [
        np.max(np.abs(a - b), initial=0) / max(np.max(np.abs(b), initial=0), 1e-300)
        for a, b in ((np.asarray(a), np.asarray(b)) for a, b in pairs)
    ]
    return float(max(scaled))
