"""Relaxation to a ground state, in the eigenbasis of H: rates and density."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._gate import gated
from ..._math import safe_divide
from ...exact.eigenstates import eigenstates
from ...laws.law import Law
from ..arguments import one_particle
from ..paths.processes import read_strength

# Where the ground state's density is below this share of its peak, rounding would be
# mistaken for its shape.
TAIL = 1e-16


@gated
def relaxation_rates(
    law: Law,
    levels: int = 2,
    *,
    nu: ArrayLike | None = None,
    nu_hat: ArrayLike | None = None,
) -> Float[Array, " levels"]:
    """Rates at which a density relaxes to that of the ground state.

    λ_n = (2mν/ħ²)(E_n - E_0):  ν(∇² + 2∇ln ψ₀·∇) = -(2mν/ħ²) ψ₀⁻¹(H - E_0)ψ₀

    Each mode of f = ρ/|ψ₀|² decays at its own rate; λ_1 is the gap. H, which is
    quadratic in f - 1, falls at twice the rate of the slowest mode left in f.

    Args:
        law: `jqd.Schrodinger` of one mass on a grid of at most 4096 points, without
            absorber, V constant in time.
        levels: number of rates, from λ_0 = 0 on (static).
        nu: ν >= 0, scalar; None for D, Nelson's value.
        nu_hat: ν over D in place of `nu`.

    Returns:
        (levels,) rates, per unit of time.

    Raises:
        ValueError: a law of another kind, more levels than points, 64-bit floats not
            enabled.
    """
    H, hbar, D, nu = _read(law, nu, nu_hat)
    energies, _ = eigenstates(
        H.grid, H.potential(H.grid, 0.0), levels, mass=H.mass, hbar=hbar
    )
    return nu / (D * hbar) * (energies - energies[0])


@gated
def relaxed_density(
    law: Law,
    density: Float[ArrayLike, "..."],
    ts: ArrayLike,
    *,
    nu: ArrayLike | None = None,
    nu_hat: ArrayLike | None = None,
) -> Float[Array, "T ..."]:
    """The density of paths in the ground state, from any density at ts[0].

    ρ(t) = ψ₀ exp(-(2mν/ħ²)(H - E_0)(t - t₀)) (ρ(t₀)/ψ₀)

    The result is exact but for the grid: there are no steps and no sampling.

    Args:
        law: as for `relaxation_rates`.
        density: ρ at ts[0], of the grid's shape; ρ²/|ψ₀|² must be integrable.
        ts: times, (T,), strictly increasing.
        nu, nu_hat: as for `relaxation_rates`.

    Returns:
        (T, *grid.shape) densities, without the part of ρ that lay where |ψ₀|² is below
        1e-16 of its peak.

    Raises:
        ValueError: as for `relaxation_rates`, wrong shapes or numbers.
    """
    H, hbar, D, nu = _read(law, nu, nu_hat)
    _checks.check_not_negative(density, "density", H.grid.shape)
    _checks.check_times(ts, "ts")
    V = H.potential(H.grid, 0.0)
    energies, states = eigenstates(H.grid, V, H.grid.size, mass=H.mass, hbar=hbar)
    ts, density = _checks.widen(ts), _checks.widen(density)
    rates = nu / (D * hbar) * (energies - energies[0])
    return _relaxed(states, rates, H.grid.cell, density, ts - ts[0])


@jax.jit
def _relaxed(states, rates, cell, density, ts):
    ground, shape = states[0], states.shape[1:]
    there = ground**2 > TAIL * jnp.max(ground**2)
    ratio = safe_divide(density, ground, there)
    states = states.reshape(rates.size, -1)
    parts = cell * (states @ ratio.reshape(-1))
    decays = jnp.exp(-ts[:, None] * rates[None, :])
    return ground[None] * ((decays * parts[None]) @ states).reshape(-1, *shape)


@gated
def packet_clock(
    ts: ArrayLike,
    *,
    width: ArrayLike,
    nu: ArrayLike | None = None,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """The clock of a free Gaussian packet, in which its paths lose their memory.

    s(t) = (ν/D) arctan(t/T₀),  T₀ = 2ms₀²/ħ

    z = (x - x_c)/σ(t) is a stationary Ornstein-Uhlenbeck process of unit variance in s:
    corr(z(0), z(t)) = e^(-s), and the n-th mode of a deviation keeps e^(-ns). s never
    passes (ν/D)π/2: a free packet does not relax fully.

    Args:
        ts: times since that of least width, any shape; may be infinite.
        width: s₀, standard deviation of |ψ|² at t = 0.
        nu: ν >= 0; None for D = ħ/2m.
        mass: m.
        hbar: ħ.

    Returns:
        s, of the shape of all arguments together.

    Raises:
        ValueError: a width, mass or ħ that is not positive, or a negative ν.
    """
    _checks.check_all_positive(width=width, mass=mass, hbar=hbar)
    _checks.check_real(ts, "ts")
    given = {"ts": ts, "width": width, "mass": mass, "hbar": hbar}
    if nu is not None:
        _checks.check_not_negative(nu, "nu")
        given["nu"] = nu
    _checks.check_broadcast(**given)
    ts, width, mass, hbar, *own = jnp.broadcast_arrays(
        *map(_checks.widen, given.values())
    )
    D = hbar / (2 * mass)
    share = own[0] / D if own else jnp.ones_like(D)
    return share * jnp.arctan(ts * D / width**2)


def _read(law: Law, nu, nu_hat):
    """H, ħ, D and ν of a particle in a potential that stays."""
    H, hbar = one_particle(law)
    if not H.autonomous:
        raise ValueError(
            "Argument `law` must have a V that is constant in time, but it changes."
        )
    D = (hbar / (2 * H.mass))[None]
    if nu is not None:
        _checks.check_scalar(nu, "nu")
    return H, hbar, D[0], read_strength(nu, nu_hat, D)[0]
