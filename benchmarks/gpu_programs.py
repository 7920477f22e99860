"""What XLA makes of a step of each law on a GPU: kernels, bytes, time beside a model.

On a GPU programs are compiled for it, counted and timed, and a small batch is compared
with the host's. The model of a step:

    sum over its kernels of (bytes / bandwidth + LAUNCH) + TURN for each turn of a loop
    whose length the compiler does not know

is a model, not a floor: kernels may overlap, and caches hold some of what it counts.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd._math import abs2
from jqd.evolution.evolution import in_precision

from . import scaling_laws
from .copy_dynamics import DT, random_problem
from .floors import bandwidth
from .memory import sizes
from .systems import last_state, rk4
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
PATIENCE = 150.0
# Tasks choose their steps for a CPU, from the number of members; a GPU does more.
MORE_STEPS = 50
STEPS = 50
Q, R = 0.45, -0.55
SHOWN = ("turns", "kernels", "MB", "floor_MB", "model_us", "us", "over_model", "error")


class Case(NamedTuple):
    """A program and what it is compared by.

    Attributes:
        program: without arguments, as `scaling_laws.program` gives it.
        steps: of a member in a call; None where the result says.
        floor: bytes of a step that reads and writes the state once.
        small: results of `SMALL` members on a device, or None.
    """

    program: Any
    steps: float | None
    floor: float
    small: Callable[[Any], Any] | None = None


def run(quick: bool = False) -> Iterator[Report]:
    """Reports with the programs so far."""
    rate = bandwidth(2**28, quick)
    yield from line_by_line(_rows(quick, rate), partial(_report, rate))


def _rows(quick: bool, rate: float) -> Iterator[dict[str, Any]]:
    cases = dict(_cases(quick))
    # XLA compiles without Python's lock: all programs at once, and timed after that
    with ThreadPoolExecutor() as pool:
        made = {name: pool.submit(_compiled, case) for name, case in cases.items()}
        apart = {
            name: pool.submit(_apart, case)
            for name, case in cases.items()
            if case.small is not None and jax.default_backend() != "cpu"
        }
        wait([*made.values(), *apart.values()], PATIENCE)

        def measured(name: str) -> dict[str, Any]:
            row = _row(cases[name], made[name].result(0), rate, quick)
            error = {"error": round_to(apart[name].result(0))} if name in apart else {}
            return row | error

        for name in cases:
            yield attempted({"case": name, "program": "jqd"}, partial(measured, name))
        pool.shutdown(wait=False, cancel_futures=True)


def _report(rate: float, rows: list[dict[str, Any]]) -> Report:
    return Report(
        "Programs of the laws on this device, beside a model of their time",
        rows,
        [],
        [
            "turns, kernels, MB: of the loop that costs most by the model, and of one "
            "turn of it, which may hold several steps, with the loops within; "
            "floor_MB: the state read and written once. model_us and us: of a step, "
            "over the whole call. The model has "
            f"{rate / 1e9:.4g} GB/s (measured here), {LAUNCH * 1e6:g} us a kernel and "
            f"{TURN * 1e6:g} us a turn of a loop of unknown length; it leaves out "
            "arithmetic, of which exp and log of float64 have much. error: largest "
            f"difference from the host, {SMALL} members, over the largest value."
        ],
    )


# -- cases ----------------------------------------------------------------------


def _cases(quick: bool) -> Iterator[tuple[str, Case]]:
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
        yield name, Case(call, steps, floor, partial(_small, law, size))
    yield from _copying(quick)


def _small(law: Any, size: int, device: Any) -> Any:
    with jax.default_device(device):
        call, _ = scaling_laws.program(law, size, SMALL, [device])
        return jax.device_get(call())


def _copying(quick: bool) -> Iterator[tuple[str, Case]]:
    """The copy law in other precisions, layouts and by gradients."""
    batch, steps = (4, 2) if quick else (10**5, STEPS)
    for dtype, end in ((np.complex128, ""), (np.complex64, ", float32")):
        for M in (3, 4, 6):
            H, psi = (jnp.asarray(each, dtype) for each in random_problem(M, batch))
            theta = jnp.array([Q, R], H.real.dtype)
            name, double = f"copying, {M} classes{end}", not end
            case = partial(Case, steps=steps, floor=2.0 * psi.nbytes)
            evolved = partial(jax.jit(partial(_evolved, H, steps)), theta, psi)
            if M != 4 or not double:  # that one is among the laws
                yield name, case(evolved)
            last = partial(jax.jit(partial(_batch_last, steps)), H, psi.T, theta)
            yield f"{name}, batch last", case(last)
            if M == 4 and double:
                for kind, grad in (("reverse", jax.jacrev), ("forward", jax.jacfwd)):
                    program = jax.jit(grad(partial(_loss, H, steps)))
                    title = f"{name}, gradient by {kind} mode"
                    yield title, case(partial(program, theta, psi))


def _evolved(H: Any, steps: int, theta: Any, psi: Any) -> Any:
    """States after the steps, for all members, as a user writes it."""
    law = jqd.CopyDynamics.from_hamiltonian(H, q=theta[0], r=theta[1])
    return jax.vmap(last_state(law, jqd.steppers.rk4, steps, DT))(psi)


def _loss(H: Any, steps: int, theta: Any, psi: Any) -> Any:
    return jnp.sum(jnp.abs(_evolved(H, steps, theta, psi)[:, 0]) ** 2)


def _batch_last(steps: int, H: Any, psi: Any, theta: Any) -> Any:
    """The same steps with the members last and sums over classes written out."""
    law = jqd.CopyDynamics.from_hamiltonian(H, q=theta[0], r=theta[1])
    law = in_precision(law, psi.real.dtype)
    omega, links = law.rates_at(0.0)
    slope = partial(_slope, law, omega, links)

    def step(psi, _):
        return rk4(slope, psi, DT), None

    return jax.lax.scan(step, psi, None, length=steps)[0]


def _slope(law: jqd.CopyDynamics, omega: Any, links: Any, psi: Any) -> Any:
    """`jqd.laws.copying.psi_field` of ψ, (M, members), class by class."""
    classes = range(psi.shape[0])
    rho = [abs2(psi[a]) for a in classes]
    level = [jnp.log(one + law.regulator) for one in rho]
    up = [jnp.exp((law.r + 0.5) * one) for one in level]
    rise = [jnp.exp((law.q - 0.5) * one) for one in level]
    fall = [1 / one for one in rise]
    result = []
    for a in classes:
        turned, moved = 0.0, 0.0
        for b in (b for b in classes if b != a):
            drive = links[a, b] * psi[b]
            gains = jnp.imag(jnp.conj(psi[a]) * drive) >= 0
            k_q = jnp.where(gains, rise[a] * fall[b], rise[b] * fall[a])
            turned += up[a] * drive / up[b]
            moved += k_q * drive
        unit = psi[a] * psi[a] / (rho[a] + law.regulator)
        half = jnp.conj((turned - moved) / 2) * unit
        result.append(-1j * (omega[a] * psi[a] + (turned + moved) / 2 + half))
    return jnp.stack(result)


# -- rows -----------------------------------------------------------------------


def _compiled(case: Case) -> Any:
    return case.program.func.lower(*case.program.args).compile()


def _row(case: Case, compiled: Any, rate: float, quick: bool) -> dict[str, Any]:
    text = compiled.as_text()
    body, rates = parsed(text), Rates(rate)
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
