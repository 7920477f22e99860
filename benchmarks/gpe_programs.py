"""The same run on a square grid by programs for condensates and wave packets.

Each takes a problem of `split_steps` and a number of steps, and gives, by its name, a
function without arguments that returns the final wave function.
"""

import contextlib
import io
from typing import Any

import numpy as np

from .peers import peer, torch_device
from .split_steps import Problem


@peer("pygpe", "PyGPE")
def pygpe(package: Any, problem: Problem, steps: int) -> dict[str, Any]:
    """PyGPE's own step, with NumPy where there is no cupy."""
    del package
    from pygpe.scalar.evolution import step_wavefunction
    from pygpe.scalar.wavefunction import ScalarWavefunction
    from pygpe.shared.grid import Grid

    grid = Grid(problem.psi.shape, tuple(problem.grid.spacing))
    parameters = {"dt": problem.dt, "trap": problem.V, "g": 0.0}

    def solve() -> np.ndarray:
        wave = ScalarWavefunction(grid)
        wave.set_wavefunction(problem.psi.copy())
        wave.fft()
        for _ in range(steps):
            step_wavefunction(wave, parameters)
        wave.ifft()
        return wave.component

    return {"PyGPE": solve}


@peer("qmsolve", "qmsolve")
def qmsolve(package: Any, problem: Problem, steps: int) -> dict[str, Any]:
    """qmsolve's split step."""
    psi, dt = problem.psi, problem.dt
    system = package.Hamiltonian(
        particles=package.SingleParticle(), potential=lambda particle: problem.V,
        spatial_ndim=psi.ndim, N=psi.shape[0], extent=_length(problem),
    )  # fmt: skip
    simulation: Any = package.TimeSimulation(hamiltonian=system, method="split-step")

    def solve() -> np.ndarray:
        silent = io.StringIO()
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            simulation.run(
                lambda particle: psi, total_time=steps * dt, dt=dt, store_steps=1
            )
        return simulation.Ψ[-1]

    return {"qmsolve": solve}


def _length(problem: Problem) -> float:
    ((low, high), _) = problem.grid.bounds
    return high - low


@peer("torch", "TorchGPE-like")
def like_torchgpe(torch: Any, problem: Problem, steps: int) -> dict[str, Any]:
    """An eager torch loop that works as TorchGPE does.

    Half a kinetic, a potential and half a kinetic step; the Fourier transform of the
    wave padded to twice the box, shifted, and the norm restored at each assignment.
    """
    psi, dt = problem.psi, problem.dt
    n, pad = psi.shape[0], psi.shape[0] // 2
    h = _length(problem) / n
    device = torch_device(torch)
    k = 2 * np.pi * torch.fft.fftshift(torch.fft.fftfreq(2 * n, h, dtype=torch.double))
    dk = float(k[1] - k[0])
    half = torch.exp(-0.25j * dt * (k[:, None] ** 2 + k[None, :] ** 2))
    half = half.to(torch.from_numpy(psi).dtype).to(device)
    potential = torch.from_numpy(problem.V).to(device)
    inner = (slice(pad, pad + n),) * 2

    def normalised(wave: Any, cell: float) -> Any:
        return wave / torch.sqrt(torch.sum(torch.abs(wave) ** 2) * cell)

    def to_momentum(wave: Any) -> Any:
        wave = torch.nn.functional.pad(wave, (pad,) * 4)
        wave = torch.fft.fftshift(torch.fft.fftn(torch.fft.ifftshift(wave)))
        return normalised(wave, dk**2)

    def to_position(wave: Any) -> Any:
        wave = torch.fft.fftshift(torch.fft.ifftn(torch.fft.ifftshift(wave)))
        return normalised(wave[inner], h**2)

    def solve() -> np.ndarray:
        with torch.inference_mode():
            wave = to_momentum(torch.from_numpy(psi).to(device))
            for _ in range(steps):
                moved = to_position(normalised(wave * half, dk**2))
                factor = torch.exp(-1j * potential * dt).to(moved.dtype)
                wave = to_momentum(normalised(moved * factor, h**2))
                wave = normalised(wave * half, dk**2)
            return to_position(wave).cpu().numpy()

    return {"TorchGPE-like": solve}
