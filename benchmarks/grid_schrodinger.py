"""A harmonic oscillator on grids: time of one Strang step."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import jqd

from .floors import FFT, fft_pairs
from .systems import harmonic_packet, optional, torch_device
from .timing import Goal, Report, Timing, beside_floor, missing, race, ratio

DT = 2 * np.pi / 1000
X0 = 1.0
# name, dimensions, points an axis, batch, steps in one call
CASES = (
    ("1D", 1, 1024, 1, 5000),
    ("1D x 256", 1, 1024, 256, 120),
    ("2D", 2, 512, 1, 120),
)
TINY = (("1D", 1, 32, 1, 4), ("1D x 256", 1, 32, 2, 4), ("2D", 2, 16, 1, 4))
PEERS = ("scipy.fft", "numpy.fft", "torch eager", "pyfftw in place")
BEHIND = {
    "pyfftw in place": "FFTW has timed several plans for this size beforehand, and "
    "transforms in place; XLA on a processor has one way to transform, into a second "
    "array.",
    "torch eager": "MKL shares one transform among all cores (see `cores`); XLA's "
    "inside a loop keeps mostly to one.",
}
# of the time of its FFT pair that a split step is to reach
SHARE = 0.75
OURS, PLAIN = "jqd Fixed(strang)", "plain lax.scan"
SPREAD = "jqd Fixed(strang), batch over all cores"


def run(quick: bool = False) -> Report:
    """Microseconds a step beside the same loop in other programs."""
    rows, all_timings = [], {}
    for case in TINY if quick else CASES:
        for dtype in (np.complex128, np.complex64):
            timings, more = one_case(*case, np.dtype(dtype), quick)
            all_timings[case[0], np.dtype(dtype).name] = timings
            rows += more
    goals = [
        Goal(
            f"Strang within 1.05x of a plain lax.scan, {name} {dtype}",
            ratio(timings[OURS], timings[PLAIN]), 1.05, at_least=False,
        )
        for (name, dtype), timings in all_timings.items()
    ]  # fmt: skip
    goals += [
        Goal(
            f"share of the FFT floor, {name} {dtype}",
            ratio(timings[FFT], timings[OURS]), SHARE,
        )
        for (name, dtype), timings in all_timings.items()
    ]  # fmt: skip
    for name in ("1D x 256", "2D"):
        c128, c64 = (all_timings[name, d][OURS] for d in ("complex128", "complex64"))
        measured = c128.median / c64.median
        goals.append(
            Goal(f"complex64 1.4x faster than complex128, {name}", measured, 1.4)
        )
    return Report(
        "Harmonic oscillator on a grid, Strang steps with merged halves",
        rows,
        goals,
        [
            "Error: relative 2-norm against the closed form at the last time. All but "
            "jqd get their phase factors ready made; jqd builds them in each call.",
            "Floor: forward and inverse transform alone, by XLA in the same lax.scan.",
        ],
    )


class Problem:
    """Factors, state and exact final state of one case.

    Attributes:
        axes: FFT axes.
        psi: initial state.
        half, potential, kinetic: factors of half a potential step, a whole one and
            a kinetic step.
    """

    def __init__(self, ndim: int, points: int, batch: int, dtype: np.dtype):
        self.grid = jqd.Grid([(-10.0, 10.0)] * ndim, (points,) * ndim)
        self.axes = tuple(range(-ndim, 0))
        self.ndim, self.batch, self.dtype = ndim, batch, dtype
        coordinates = [np.asarray(x) for x in self.grid.coordinates]
        shape = self.grid.shape
        self.V = np.broadcast_to(sum(x**2 / 2 for x in coordinates), shape).copy()
        k2 = np.asarray(self.grid.k2)
        self.half = np.exp(-0.5j * DT * self.V).astype(dtype)
        self.potential = np.exp(-1j * DT * self.V).astype(dtype)
        self.kinetic = np.exp(-0.5j * DT * k2).astype(dtype)
        self.coordinates = coordinates
        self.psi = self.exact(0.0).astype(dtype)

    def exact(self, t: float) -> np.ndarray:
        """The state at t: a product of coherent states, one a dimension."""
        parts = [harmonic_packet(x, t, X0) for x in self.coordinates]
        psi = (
            np.prod(np.broadcast_arrays(*parts), axis=0) if len(parts) > 1 else parts[0]
        )
        return np.repeat(psi[None], self.batch, axis=0) if self.batch > 1 else psi


def one_case(
    name: str,
    ndim: int,
    points: int,
    batch: int,
    steps: int,
    dtype: np.dtype,
    quick: bool,
    peers: tuple[str, ...] = PEERS,
    rounds: int = 5,
) -> tuple[dict[str, Timing], list[dict[str, Any]]]:
    """Timings and rows of one case in one precision."""
    problem = Problem(ndim, points, batch, dtype)
    programs = {OURS: _jqd(problem, steps), PLAIN: _plain(problem, steps)}
    if batch > 1 and jax.local_device_count() > 1 and jax.default_backend() == "cpu":
        programs[SPREAD] = _jqd(problem, steps, jax.local_devices())
    programs[FFT] = fft_pairs(problem.psi, problem.axes, steps)
    builders = dict(zip(PEERS, (_scipy, _numpy, _torch, _pyfftw), strict=True))
    for peer in peers:
        call = builders[peer](problem, steps)
        if call is not None:
            programs[peer] = call
    timings = race(programs, 2 if quick else rounds)
    exact = problem.exact(steps * DT)
    rows = []
    for program, timing in timings.items():
        row = {"case": name, "dtype": dtype.name, "program": program, "steps": steps}
        row |= timing.row(steps, "step")
        if program == SPREAD:
            row["spread"] = True
        row["times_plain"] = float(f"{ratio(timing, timings[PLAIN]):.3g}")
        if program != FFT:
            found = np.asarray(timing.result)
            distance = np.linalg.norm(found - exact) / np.linalg.norm(exact)
            row["error"] = float(f"{distance:.2g}")
        rows.append(row)
        timing.result = None
    rows = beside_floor(rows, rows[list(timings).index(FFT)], "FFT pair")
    absent = [peer for peer in peers if peer not in timings]
    rows += [missing(peer, case=name, dtype=dtype.name) for peer in absent]
    return timings, rows


def _jqd(
    problem: Problem, steps: int, devices: Sequence[Any] | None = None
) -> Callable[[], Any]:
    law = jqd.Schrodinger.on_grid(problem.grid, problem.V)
    method = jqd.Fixed(jqd.steppers.strang, substeps=steps, estimate_error=False)
    ts = np.array([0.0, steps * DT])

    def one(psi):
        return jqd.evolve(law, psi, ts, method=method).values[-1]

    solve = jax.vmap(one) if problem.batch > 1 else one
    if devices is None:
        return partial(jax.jit(solve), jnp.asarray(problem.psi))
    mesh, spec = Mesh(np.array(devices), ("batch",)), PartitionSpec("batch")
    solve = jax.shard_map(
        solve, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False
    )
    psi = jax.device_put(problem.psi, NamedSharding(mesh, spec))
    return partial(jax.jit(solve), psi)


def _plain(problem: Problem, steps: int) -> Callable[[], Any]:
    lead = (None,) if problem.batch > 1 else ()
    half, potential, kinetic = (
        jnp.asarray(factor)[lead]
        for factor in (problem.half, problem.potential, problem.kinetic)
    )
    axes = problem.axes

    @jax.jit
    def solve(psi):
        def step(psi, _):
            moved = jnp.fft.ifftn(kinetic * jnp.fft.fftn(psi, axes=axes), axes=axes)
            return potential * moved, None

        psi, _ = jax.lax.scan(step, half * psi, None, length=steps)
        return jnp.conj(half) * psi

    return partial(solve, jnp.asarray(problem.psi))


def _library(problem: Problem, steps: int, fftn, ifftn, **options) -> Callable[[], Any]:
    def solve():
        psi = problem.half * problem.psi
        for _ in range(steps):
            moved = fftn(psi, axes=problem.axes, **options)
            moved *= problem.kinetic
            psi = ifftn(moved, axes=problem.axes, **options)
            psi *= problem.potential
        return np.conj(problem.half) * psi

    return solve


def _scipy(problem: Problem, steps: int) -> Callable[[], Any] | None:
    if optional("scipy") is None:
        return None
    from scipy import fft

    return _library(problem, steps, fft.fftn, fft.ifftn, overwrite_x=True)


def _numpy(problem: Problem, steps: int) -> Callable[[], Any]:
    return _library(problem, steps, np.fft.fftn, np.fft.ifftn)


def _torch(problem: Problem, steps: int) -> Callable[[], Any] | None:
    torch = optional("torch")
    if torch is None:
        return None
    names = ("half", "potential", "kinetic", "psi")
    device = torch_device(torch)
    half, potential, kinetic, psi0 = (
        torch.from_numpy(np.array(getattr(problem, name))).to(device) for name in names
    )

    def solve():
        with torch.inference_mode():
            psi = half * psi0
            for _ in range(steps):
                moved = torch.fft.fftn(psi, dim=problem.axes).mul_(kinetic)
                psi = torch.fft.ifftn(moved, dim=problem.axes).mul_(potential)
            # .cpu() waits for the device
            return (half.conj() * psi).cpu().numpy()

    return solve


def _pyfftw(problem: Problem, steps: int) -> Callable[[], Any] | None:
    pyfftw = optional("pyfftw")
    if pyfftw is None:
        return None
    work = pyfftw.empty_aligned(problem.psi.shape, dtype=problem.dtype.name)
    options = {"axes": problem.axes, "flags": ("FFTW_MEASURE",), "threads": 1}
    forward = pyfftw.FFTW(work, work, direction="FFTW_FORWARD", **options)
    backward = pyfftw.FFTW(
        work, work, direction="FFTW_BACKWARD", normalise_idft=False, **options
    )
    points = np.prod([problem.psi.shape[axis] for axis in problem.axes])
    kinetic = (problem.kinetic / points).astype(problem.dtype)

    def solve():
        np.multiply(problem.half, problem.psi, out=work)
        for _ in range(steps):
            forward.execute()
            np.multiply(work, kinetic, out=work)
            backward.execute()
            np.multiply(work, problem.potential, out=work)
        return np.conj(problem.half) * work

    return solve
