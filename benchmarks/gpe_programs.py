"""The same run on a square grid by programs for condensates and wave packets.

Each takes a wave function, a potential and a number of steps, and gives a function
without arguments that returns the final wave function. hbar = m = 1.
"""

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np

from .systems import optional, torch_device

Call = Callable[[], Any]


def pygpe(psi: np.ndarray, V: np.ndarray, length: float, dt: float, steps: int):
    """PyGPE's own step, with NumPy where there is no cupy; None if not installed."""
    if optional("pygpe") is None:
        return None
    from pygpe.scalar.evolution import step_wavefunction
    from pygpe.scalar.wavefunction import ScalarWavefunction
    from pygpe.shared.grid import Grid

    grid = Grid(psi.shape, tuple(length / n for n in psi.shape))
    parameters = {"dt": dt, "trap": V, "g": 0.0}

    def solve() -> np.ndarray:
        wave = ScalarWavefunction(grid)
        wave.set_wavefunction(psi.copy())
        wave.fft()
        for _ in range(steps):
            step_wavefunction(wave, parameters)
        wave.ifft()
        return wave.component

    return solve


def qmsolve(psi: np.ndarray, V: np.ndarray, length: float, dt: float, steps: int):
    """qmsolve's split step; None if not installed."""
    if optional("qmsolve") is None:
        return None
    from qmsolve import Hamiltonian, SingleParticle, TimeSimulation

    system = Hamiltonian(
        particles=SingleParticle(), potential=lambda particle: V, spatial_ndim=psi.ndim,
        N=psi.shape[0], extent=length,
    )  # fmt: skip
    simulation: Any = TimeSimulation(hamiltonian=system, method="split-step")

    def solve() -> np.ndarray:
        silent = io.StringIO()
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            simulation.run(
                lambda particle: psi, total_time=steps * dt, dt=dt, store_steps=1
            )
        return simulation.Ψ[-1]

    return solve


def like_torchgpe(psi: np.ndarray, V: np.ndarray, length: float, dt: float, steps: int):
    """An eager torch loop that works as TorchGPE does; None without torch.

    Half a kinetic, a potential and half a kinetic step; the Fourier transform of the
    wave padded to twice the box, shifted, and the norm restored at each assignment.
    """
    torch = optional("torch")
    if torch is None:
        return None
    n, pad = psi.shape[0], psi.shape[0] // 2
    h = length / n
    device = torch_device(torch)
    k = 2 * np.pi * torch.fft.fftshift(torch.fft.fftfreq(2 * n, h, dtype=torch.double))
    dk = float(k[1] - k[0])
    half = torch.exp(-0.25j * dt * (k[:, None] ** 2 + k[None, :] ** 2))
    half = half.to(torch.from_numpy(psi).dtype).to(device)
    potential = torch.from_numpy(V).to(device)
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

    return solve
