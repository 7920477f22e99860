"""Split steps on grids: two problems, and the programs that take the same steps."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import jqd
from jqd.readings.slits import slit_wall

from .floors import FFT, fft_pairs
from .peers import peer, torch_device
from .systems import distance, harmonic_packet, last_state
from .timing import Raced, beside_floor, compared, unit_seconds

X0 = 1.0
WALL_LENGTH = 80.0
OURS, PLAIN = "jqd Fixed(strang)", "plain lax.scan"
SPREAD = f"{OURS}, batch over all cores"
BEHIND = {
    "pyfftw in place": "FFTW has timed several plans for this size beforehand, and "
    "transforms in place; XLA on a processor has one way to transform, into a second "
    "array.",
    "torch eager": "MKL shares one transform among all cores (see `cores`); XLA's "
    "inside a loop keeps mostly to one.",
}


class Problem:
    """A wave function in a potential, ħ = m = 1, and the factors of its steps.

    Attributes:
        psi: the wave function at t = 0, of each member where there are several.
        axes: those of the grid.
        half, potential, kinetic: factors of half a potential step, a whole one and
            a kinetic step.
    """

    def __init__(
        self, grid: jqd.Grid, V: np.ndarray, psi: np.ndarray, dt: float, dtype: str
    ):
        self.grid, self.V, self.dt = grid, V, dt
        self.axes = tuple(range(-V.ndim, 0))
        self.batched = psi.ndim > V.ndim
        self.psi = psi.astype(dtype)
        self.half = np.exp(-0.5j * dt * V).astype(dtype)
        self.potential = np.exp(-1j * dt * V).astype(dtype)
        self.kinetic = np.exp(-0.5j * dt * np.asarray(grid.k2)).astype(dtype)


def oscillator(
    ndim: int, points: int, batch: int = 1, dtype: str = "complex128"
) -> tuple[Problem, Callable[[float], np.ndarray]]:
    """Coherent states of ω = 1, a product of one for each axis, and them at t."""
    grid = jqd.Grid([(-10.0, 10.0)] * ndim, (points,) * ndim)
    axes = [np.asarray(x) for x in grid.coordinates]

    def exact(t: float) -> np.ndarray:
        psi = np.ones(grid.shape)
        for x in axes:
            psi = psi * harmonic_packet(x, t, X0)
        return np.repeat(psi[None], batch, axis=0) if batch > 1 else psi

    V = np.broadcast_to(sum(x**2 / 2 for x in axes), grid.shape).copy()
    return Problem(grid, V, exact(0.0), 2 * np.pi / 1000, dtype), exact


def wall(points: int, dtype: str = "complex128") -> Problem:
    """A packet in front of a wall with two slits."""
    grid = jqd.Grid([(-WALL_LENGTH / 2, WALL_LENGTH / 2)] * 2, (points, points))
    x, y = (np.asarray(axis) for axis in grid.coordinates)
    packet = np.exp(-((x + 8) ** 2) / 16 - y**2 / 144 + 4j * x)
    V = slit_wall(grid, (2.0, -2.0), opening=1.0, thickness=1.2, height=40.0)
    return Problem(grid, np.array(V), np.array(grid.normalise(packet)), 0.02, dtype)


def stepped(
    problem: Problem,
    steps: int,
    programs: dict[str, Any],
    rounds: int,
    exact: np.ndarray,
    case: str,
) -> Raced:
    """These programs beside the pair of transforms that each step takes."""

    def look(name: str, result: Any) -> dict[str, Any]:
        if name == FFT:
            return {}
        spread = {"spread": True} if name == SPREAD else {}
        return spread | {"error": distance(result, exact)}

    found = compared(
        programs | {FFT: fft_pairs(problem.psi, problem.axes, steps)}, rounds, look,
        steps, "step", case=case, dtype=problem.psi.dtype.name, steps=steps,
    )  # fmt: skip
    floor = next(row for row in found.rows if row["program"] == FFT)
    beside_floor(found.rows, unit_seconds(floor), "FFT pair")
    return found


# -- programs -------------------------------------------------------------------


def ours(
    problem: Problem, steps: int, finer: int = 1, **options: Any
) -> Callable[[Any], Any]:
    """jqd's run of one wave function; `finer` divides each step."""
    law = jqd.Schrodinger.on_grid(problem.grid, problem.V, **options)
    dt = problem.dt / finer
    solve = last_state(law, jqd.steppers.strang, steps * finer, dt)
    return jax.vmap(solve) if problem.batched else solve


def by_jqd(
    problem: Problem, steps: int, finer: int = 1, **options: Any
) -> Callable[[], Any]:
    """That run, compiled."""
    run = jax.jit(ours(problem, steps, finer, **options))
    return partial(run, jnp.asarray(problem.psi))


def spread(problem: Problem, steps: int, devices: Sequence[Any]) -> Callable[[], Any]:
    """That run, with the members shared out over devices."""
    mesh, spec = Mesh(np.array(devices), ("batch",)), PartitionSpec("batch")
    run = jax.shard_map(
        ours(problem, steps), mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False
    )
    psi = jax.device_put(problem.psi, NamedSharding(mesh, spec))
    return partial(jax.jit(run), psi)


def plain(problem: Problem, steps: int) -> Callable[[], Any]:
    """The same formula in JAX, its factors ready made."""
    lead = (None,) if problem.batched else ()
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


def by_library(problem: Problem, steps: int, fft: Any, **options) -> Callable[[], Any]:
    """By the transforms of NumPy or SciPy."""

    def solve():
        psi = problem.half * problem.psi
        for _ in range(steps):
            moved = fft.fftn(psi, axes=problem.axes, **options)
            moved *= problem.kinetic
            psi = fft.ifftn(moved, axes=problem.axes, **options)
            psi *= problem.potential
        return np.conj(problem.half) * psi

    return solve


def by_libraries(problem: Problem, steps: int, scipy: bool = False) -> dict[str, Any]:
    """The same loop by NumPy, torch, FFTW and, where asked for, SciPy."""
    found = _scipy(problem, steps) if scipy else {}
    found |= {"numpy.fft": by_library(problem, steps, np.fft)}
    return found | _torch(problem, steps) | _pyfftw(problem, steps)


@peer("scipy.fft", "scipy.fft")
def _scipy(fft: Any, problem: Problem, steps: int) -> dict[str, Any]:
    return {"scipy.fft": by_library(problem, steps, fft, overwrite_x=True)}


@peer("torch", "torch eager")
def _torch(torch: Any, problem: Problem, steps: int) -> dict[str, Any]:
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

    return {"torch eager": solve}


@peer("pyfftw", "pyfftw in place")
def _pyfftw(pyfftw: Any, problem: Problem, steps: int) -> dict[str, Any]:
    work = pyfftw.empty_aligned(problem.psi.shape, dtype=problem.psi.dtype.name)
    options = {"axes": problem.axes, "flags": ("FFTW_MEASURE",), "threads": 1}
    forward = pyfftw.FFTW(work, work, direction="FFTW_FORWARD", **options)
    backward = pyfftw.FFTW(
        work, work, direction="FFTW_BACKWARD", normalise_idft=False, **options
    )
    kinetic = (problem.kinetic / problem.V.size).astype(work.dtype)

    def solve():
        np.multiply(problem.half, problem.psi, out=work)
        for _ in range(steps):
            forward.execute()
            np.multiply(work, kinetic, out=work)
            backward.execute()
            np.multiply(work, problem.potential, out=work)
        return np.conj(problem.half) * work

    return {"pyfftw in place": solve}


def on_all_cores(problem: Problem, steps: int) -> dict[str, Any]:
    """The batch over all cores of a processor, where there are several."""
    devices = jax.local_devices()
    if not problem.batched or len(devices) < 2 or jax.default_backend() != "cpu":
        return {}
    return {SPREAD: spread(problem, steps, devices)}
