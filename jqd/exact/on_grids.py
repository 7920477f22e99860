"""Exact evolution of a wave function on a small periodic grid."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from jqd import _checks
from jqd.spaces import Grid
from jqd.spaces.hamiltonians import read_masses

from ..steppers.eigenbasis import unitary_orbit

# A dense Hamiltonian of 4096 points takes 128 MiB, its eigenvectors minutes.
_LARGEST = 4096


def hamiltonian(
    grid: Grid,
    potential: ArrayLike,
    *,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "n n"]:
    """The Hamiltonian of particles on a periodic grid, as a dense matrix.

    H = F⁻¹ Σ_i (ħ²k_i²/2m_i) F + V, with F the discrete Fourier transform

    The matrix equals the operator that a split-step method applies with FFTs, including
    the mode of the highest wavenumber. Points are numbered as in `psi.reshape(-1)`.

    Args:
        grid: the grid, of n points.
        potential: real V of the grid's shape, unit of energy.
        mass: m, scalar, or one for each axis; infinite for no kinetic energy.
        hbar: ħ, scalar.

    Returns:
        (n, n) float64, symmetric.

    Raises:
        ValueError: an argument has a wrong shape or value, the grid has more than 4096
            points, or 64-bit floats are off.
    """
    _checks.require_x64("`exact.on_grids.hamiltonian`")
    _checks.check_type(grid, "grid", Grid, "a Grid")
    if grid.size > _LARGEST:
        raise ValueError(
            f"Argument `grid` must have at most {_LARGEST} points for a dense "
            f"Hamiltonian, but it has {grid.size}."
        )
    _checks.check_reals(potential, "potential", grid.shape)
    _checks.check_size(potential, "potential")
    _checks.check_positive(hbar, "hbar", ())
    mass = read_masses(mass, grid.ndim)
    potential, mass, hbar = map(_checks.widen, (potential, mass, hbar))
    return _dense(grid, potential, mass, hbar)


def propagate(
    grid: Grid,
    potential: ArrayLike,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "nt ..."]:
    """Exact wave functions of particles on a periodic grid, without time steps.

    iħ ∂ₜψ = (-Σ_i ħ²/2m_i ∂_i² + V) ψ, solved in the eigenbasis of `hamiltonian`

    A late time costs no more than an early one, and the only error is that of the grid.
    The method is meant for up to some 2000 points, and works under jit, vmap and grad.

    Args:
        grid: the grid.
        potential: real V of the grid's shape, unit of energy.
        psi0: wave function of the grid's shape at ts[0], ∫ |psi0|² dx = 1.
        ts: (nt,) strictly increasing times.
        mass: m, scalar, or one for each axis; infinite for no kinetic energy.
        hbar: ħ, scalar.

    Returns:
        (nt, *grid.shape) complex128 wave functions, the first of which is psi0.

    Raises:
        ValueError: an argument has a wrong shape or value, the grid has more than 4096
            points, or 64-bit floats are off.
    """
    _checks.require_x64("`exact.on_grids.propagate`")
    matrix = hamiltonian(grid, potential, mass=mass, hbar=hbar)
    _checks.check_state(psi0, "psi0", size=grid.shape, weight=grid.cell)
    _checks.check_times(ts, "ts")
    psi0, ts = _checks.widen(psi0), _checks.widen(ts)
    orbit = unitary_orbit(matrix, psi0.reshape(-1), ts - ts[0], hbar)
    return orbit.reshape(-1, *grid.shape)


@jax.jit
def _dense(grid: Grid, potential: Array, mass: Array, hbar: Array) -> Array:
    scales = jnp.broadcast_to(hbar**2 / (2 * mass), (grid.ndim,))
    return _kinetic(grid, scales) + jnp.diag(potential.reshape(-1))


def _kinetic(grid: Grid, scales: Float[Array, " d"]) -> Float[Array, "n n"]:
    """Σ s_i k_i² between points: circulant along each axis, the rest the identity."""
    terms = []
    axes = zip(scales, grid.wavenumbers, grid.shape, strict=True)
    for axis, (scale, k, n) in enumerate(axes):
        # k² is real and even, including its highest mode, and so is its transform; the
        # mean with the mirror image makes this exact.
        column = jnp.fft.ifft(k.reshape(-1) ** 2).real
        column = (column + jnp.roll(column[::-1], 1)) / 2
        index = jnp.arange(n)
        circulant = column[(index[:, None] - index[None, :]) % n]
        factors = [jnp.eye(m) for m in grid.shape]
        factors[axis] = scale * circulant
        terms.append(functools.reduce(jnp.kron, factors))
    return functools.reduce(jnp.add, terms)
