"""Closed forms of the diffusion picture: packets, bounds, localization, vortices, D.

Everything broadcasts and works under jit, vmap and grad. `printed=True` gives a formula
as the paper prints it where that is wrong; the tests say why.
Source: Z. Zakir, "Diffusion treatment of quantum theory and gravity. 1".
"""

import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks

# What the formulas here divide by or take roots of.
_POSITIVE = {"a", "hbar", "mass", "omega", "length", "particles", "variance0"}
_POSITIVE |= {"variances"}


def free_propagator(
    x: ArrayLike,
    x0: ArrayLike,
    t: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    printed: bool = False,
) -> Complex[Array, "..."]:
    """The amplitude to go from x0 to x in the time t without forces, one dimension.

    K = exp(-(x - x₀)²/(2iħt/m)) / sqrt(2πiħt/m), ψ(x, t) = ∫ K ψ(x₀, 0) dx₀

    Args:
        x: end.
        x0: start.
        t: time, positive.
        hbar: ħ.
        mass: m.
        printed: with the printed root 2 sqrt(iπħt/m): the norm comes out as 1/2.

    Returns:
        Broadcast shape, 1/length.

    Source: Zakir, eq. (14), corrected.
    """
    _checks.check_positive(t, "t")
    x, x0, t, hbar, mass = _wide(x=x, x0=x0, t=t, hbar=hbar, mass=mass)
    spread = 1j * hbar * t / mass
    root = 2 * jnp.sqrt(jnp.pi * spread) if printed else jnp.sqrt(2 * jnp.pi * spread)
    return jnp.exp(-((x - x0) ** 2) / (2 * spread)) / root


def packet_density(
    x: ArrayLike,
    t: ArrayLike,
    *,
    a: ArrayLike = 1.0,
    velocity: ArrayLike = 0.0,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    printed: bool = False,
) -> Float[Array, "..."]:
    """Density of a free packet that starts as exp(-x²/2a² + i m v₀ x/ħ), eq. (15).

    A²/sqrt(1 + τ²) exp(-(x - v₀t)²/a²(1 + τ²)), A² = 1/(a sqrt π), τ = ħt/ma²

    Args:
        x: position, in one dimension; in d dimensions take the product.
        t: time.
        a: width at t = 0, where the variance is a²/2.
        velocity: v₀.
        hbar: ħ.
        mass: m.
        printed: with the printed divisor 1 + τ², whose integral is 1/sqrt(1 + τ²).

    Returns:
        Broadcast shape, 1/length.

    Source: Zakir, eq. (16), corrected.
    """
    x, t, a, velocity, hbar, mass = _wide(
        x=x, t=t, a=a, velocity=velocity, hbar=hbar, mass=mass
    )
    growth = 1 + (hbar * t / (mass * a**2)) ** 2
    divisor = growth if printed else jnp.sqrt(growth)
    shape = jnp.exp(-((x - velocity * t) ** 2) / (a**2 * growth))
    return shape / (a * jnp.sqrt(jnp.pi) * divisor)


def quantum_variance(
    t: ArrayLike, a: ArrayLike = 1.0, D: ArrayLike = 0.5
) -> Float[Array, "..."]:
    """Variance of the packet (15): (a²/2)(1 + (2Dt/a²)²), with D = ħ/2m."""
    t, a, D = _wide(t=t, a=a, D=D)
    return a**2 / 2 * (1 + (2 * D * t / a**2) ** 2)


def classical_variance(
    t: ArrayLike, a: ArrayLike = 1.0, classical_diffusion: ArrayLike = 0.5
) -> Float[Array, "..."]:
    """Variance of the same density under ordinary diffusion (13): a²/2 + 2 D_c t."""
    t, a, classical_diffusion = _wide(t=t, a=a, classical_diffusion=classical_diffusion)
    return a**2 / 2 + 2 * classical_diffusion * t


def crossover_time(a: ArrayLike = 1.0, D: ArrayLike = 0.5) -> Float[Array, "..."]:
    """t = a²/D, before which a packet is narrower than under diffusion of D_c = D."""
    _checks.check_positive(D, "D")
    a, D = _wide(a=a, D=D)
    return a**2 / D


def uncertainty_bound(
    dimensions: int, hbar: ArrayLike = 1.0, *, printed: bool = False
) -> Float[Array, ""]:
    """The bound of ⟨p_u²⟩⟨x²⟩ in d dimensions: (dħ/2)², or ħ²/4 as printed in (21)."""
    if isinstance(dimensions, bool) or not isinstance(dimensions, int):
        raise ValueError(
            f"Argument `dimensions` must be a whole number, but is {dimensions!r}."
        )
    _checks.check_positive(dimensions, "dimensions")
    _checks.check_positive(hbar, "hbar")
    return (((1 if printed else dimensions) * jnp.asarray(hbar)) / 2) ** 2


def box_localization_energy(
    n: ArrayLike = 1,
    length: ArrayLike = 1.0,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """U_u = π²ħ²n²/2mL² of level n = 1, 2, .. between two walls: all of its energy."""
    n, length, hbar, mass = _wide(n=n, length=length, hbar=hbar, mass=mass)
    return (jnp.pi * hbar * n / length) ** 2 / (2 * mass)


def virial_localization_energy(
    energy: ArrayLike, power: ArrayLike
) -> Float[Array, "..."]:
    """U_u of a real stationary state of energy E in V ~ r^k: all kinetic energy.

    U_u = E k/(k + 2): E/2 in a harmonic well, 2E/3 for x⁴, -E in a Coulomb field.

    Args:
        energy: E, from V = 0.
        power: k, not -2.

    Returns:
        Broadcast shape, unit of E.
    """
    energy, power = _wide(energy=energy, power=power)
    return energy * power / (power + 2)


def vortex_family(
    x: ArrayLike,
    y: ArrayLike,
    alpha: ArrayLike,
    *,
    omega: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
) -> tuple[Float[Array, "..."], Float[Array, "2 ..."]]:
    """Stationary solutions of (8)-(9) around a node, in V = mω²r²/2, for any α.

    density = (r/ℓ)^2α e^(-r²/ℓ²)/(πℓ²Γ(α + 1)), v = ħα/mr around the origin, ℓ² = ħ/mω

    Only where the circulation α is an integer is there a ψ, of r^|α| e^(iαφ).

    Args:
        x: first coordinate.
        y: second.
        alpha: α >= 0, scalar.
        omega: ω.
        hbar: ħ.
        mass: m.

    Returns:
        Density (...), 1/length², and velocity (2, ...), 0 at the origin.

    Source: T. C. Wallstrom, Phys. Rev. A 49, 1613 (1994).
    """
    _checks.check_not_negative(alpha, "alpha")
    x, y, alpha, omega, hbar, mass = _wide(
        x=x, y=y, alpha=alpha, omega=omega, hbar=hbar, mass=mass
    )
    square = x**2 + y**2
    centre = square == 0
    square = jnp.where(centre, 1, square)
    scaled = square * (mass * omega / hbar)
    log_density = alpha * jnp.log(scaled) - scaled - gammaln(alpha + 1)
    density = mass * omega / (jnp.pi * hbar) * jnp.exp(log_density)
    at_centre = jnp.where(alpha == 0, mass * omega / (jnp.pi * hbar), 0)
    speed = jnp.where(centre, 0, hbar * alpha / (mass * square))
    around = jnp.stack(jnp.broadcast_arrays(-y * speed, x * speed))
    return jnp.where(centre, at_centre, density), around


def vortex_energies(
    alpha: ArrayLike, *, omega: ArrayLike = 1.0, hbar: ArrayLike = 1.0
) -> tuple[Array, Array, Array]:
    """Drift, diffusion and potential energy of `vortex_family`: ħω (α, 1, 1 + α)/2."""
    alpha, omega, hbar = _wide(alpha=alpha, omega=omega, hbar=hbar)
    quantum = hbar * omega / 2
    return quantum * alpha, quantum * jnp.ones_like(alpha), quantum * (1 + alpha)


def D2_from_snapshots(times: ArrayLike, variances: ArrayLike) -> Float[Array, ""]:
    """D² of a free packet from its variance at three times or more.

    var = s₀ + 2b₀s₀t + (b₀²s₀ + D²/s₀)t², so D² = c₀c₂ - c₁²/4 of the parabola

    Args:
        times: (n,), n >= 3, different.
        variances: (n,), of a Gaussian; any other density gives an upper bound of D².

    Returns:
        D², scalar; the sign of D is in no density.

    Raises:
        ValueError: fewer than three times.
    """
    times, variances = _wide(times=times, variances=variances)
    _checks.check_shape(variances, "variances", times.shape)
    if times.ndim != 1 or times.shape[0] < 3:
        raise ValueError(
            "Argument `times` must have at least 3 entries for a parabola, but its "
            f"shape is {times.shape}."
        )
    scale = jnp.max(jnp.abs(times))
    table = jnp.stack([(times / scale) ** k for k in range(3)], axis=-1)
    c0, c1, c2 = jnp.linalg.lstsq(table, variances)[0]
    return (c0 * c2 - c1**2 / 4) / scale**2


def D_relative_error(
    particles: ArrayLike, variance: ArrayLike, variance0: ArrayLike
) -> Float[Array, "..."]:
    """sd(D)/D = sqrt(2/N)/2 · var/(var - s₀) from N particles of a free packet.

    Args:
        particles: N found at one time, of known s₀ and no velocity slope at t = 0.
        variance: var of the density then.
        variance0: s₀ < var.

    Returns:
        Broadcast shape.
    """
    particles, variance, variance0 = _wide(
        particles=particles, variance=variance, variance0=variance0
    )
    return jnp.sqrt(2 / particles) / 2 * variance / (variance - variance0)


def D2_from_energy(
    drift_and_potential: ArrayLike, fisher: ArrayLike, mass: ArrayLike = 1.0
) -> Float[Array, ""]:
    """D² from the constancy of the energy (25), without solving any equation.

    ⟨m v²/2 + V⟩ + D² (m/2) I_F is constant: minus the slope of a regression.

    Args:
        drift_and_potential: ⟨m v²/2 + V⟩ at n >= 2 times, (n,), energy.
        fisher: I_F = ∫ (∇density)²/density dx at these times, (n,).
        mass: m, scalar.

    Returns:
        D², scalar; NaN where I_F does not change: such data say nothing of D.
    """
    energy, fisher, mass = _wide(
        drift_and_potential=drift_and_potential, fisher=fisher, mass=mass
    )
    _checks.check_shape(energy, "drift_and_potential", fisher.shape)
    half = mass / 2 * (fisher - jnp.mean(fisher))
    return -jnp.sum(half * (energy - jnp.mean(energy))) / jnp.sum(half**2)


def D2_from_residual(
    root_density: ArrayLike,
    root_laplacian: ArrayLike,
    action_rate: ArrayLike,
    speed2: ArrayLike,
    potential: ArrayLike,
    mass: ArrayLike = 1.0,
) -> Float[Array, ""]:
    """D² from the Hamilton-Jacobi-Madelung equation (31) at the points of one instant.

    ∂S/∂t + m v²/2 + V = 2mD² ΔR/R with R = √density: least squares with weights R²,
    regular at nodes.

    Args:
        root_density: R, any shape.
        root_laplacian: ΔR there.
        action_rate: ∂S/∂t, at fixed position.
        speed2: v².
        potential: V.
        mass: m, scalar.

    Returns:
        D², scalar; NaN where ΔR vanishes everywhere: such data say nothing of D.
    """
    root, bend, rate, speed2, potential, mass = _wide(
        root_density=root_density,
        root_laplacian=root_laplacian,
        action_rate=action_rate,
        speed2=speed2,
        potential=potential,
        mass=mass,
    )
    classical = root * (rate + mass * speed2 / 2 + potential)
    return jnp.sum(bend * classical) / jnp.sum(bend**2) / (2 * mass)


def _wide(**values: ArrayLike) -> tuple[Array, ...]:
    """Real, finite values of at least the default precision, in the order given.

    Raises:
        ValueError: values that are neither, or a scale that is not positive.
    """
    for name, value in values.items():
        _checks.check_real(value, name)
        _checks.check_finite(value, name)
        if name in _POSITIVE:
            _checks.check_positive(value, name)
    return tuple(map(_checks.widen, values.values()))
