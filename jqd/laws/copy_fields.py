"""What copy dynamics computes: states, Fourier terms, both vector fields, nodes.

The functions take the law, a `jqd.CopyDynamics`, as their first argument.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Complex, Float

from .. import _checks
from .constants import constant


class DensityPhase(NamedTuple):
    """State of the literal form.

    Attributes:
        density: ρ_a, shape (M,).
        phase: φ_a, shape (M,), in radians.
    """

    density: Array
    phase: Array


class Harmonics(eqx.Module):
    """Fourier terms of the copy law besides R and delta: eqs. (27), (28).

    A_ab = Σ_n R_sin^n sin⁺(n y + delta_sin^n)
    C_ab = Σ_n R_cos^n cos(n y + delta_cos^n)

    Attributes:
        n: the orders (static), e.g. (2,).
        R_sin: (K, M, M), symmetric; rate amplitudes.
        R_cos: (K, M, M), symmetric; phase-rate amplitudes.
        delta_sin: (K, M, M), antisymmetric, radians.
        delta_cos: (K, M, M), antisymmetric, radians.
    """

    n: tuple[int, ...] = eqx.field(static=True)
    R_sin: Float[Array, "K M M"]
    R_cos: Float[Array, "K M M"]
    delta_sin: Float[Array, "K M M"]
    delta_cos: Float[Array, "K M M"]

    def __init__(
        self,
        n: tuple[int, ...],
        R: ArrayLike,
        delta: ArrayLike,
        *,
        R_sin: ArrayLike | None = None,
        delta_sin: ArrayLike | None = None,
    ):
        """Harmonics with amplitudes R and phases delta.

        Args:
            n: orders, K of them.
            R: (K, M, M) amplitudes of the cosines.
            delta: (K, M, M) phases of the cosines, radians.
            R_sin: amplitudes of the sines; None for 2 R, as in quantum mechanics.
            delta_sin: phases of the sines; None for `delta`.

        Raises:
            ValueError: orders that are not whole, shapes that differ, values that are
                not real and finite.
        """
        orders = n if isinstance(n, tuple | list) else (n,)
        if not all(isinstance(order, int | np.integer) for order in orders):
            raise ValueError(f"Argument `n` must be whole numbers, but is {n!r}.")
        self.n = tuple(int(order) for order in orders)
        self.R_cos = constant(R, "R")
        self.delta_cos = constant(delta, "delta")
        self.R_sin, self.delta_sin = 2 * self.R_cos, self.delta_cos
        if R_sin is not None:
            self.R_sin = constant(R_sin, "R_sin")
        if delta_sin is not None:
            self.delta_sin = constant(delta_sin, "delta_sin")
        size = self.R_cos.shape[-1] if self.R_cos.ndim else 0
        for name in ("R_cos", "delta_cos", "R_sin", "delta_sin"):
            value = getattr(self, name)
            _checks.check_shape(value, name, (len(self.n), size, size))
            _checks.check_real(value, name)
            _checks.check_finite(value, name)


def coupling(law: Any) -> Complex[Array, "M M"]:
    """R exp(i delta) without the diagonal."""
    coupling = law.R * phase_factor(law.delta)
    return jnp.where(jnp.eye(law.R.shape[-1], dtype=bool), 0, coupling)


def psi_field(law: Any, psi: Array) -> Array:
    """The law for ψ: with k_q = (ρ_a/ρ_b)^±(q-1/2), k_r = (ρ_a/ρ_b)^(r+1/2),

    dψ_a/dt = -i ω_a ψ_a - i Σ_b [ (k_r + k_q)/2 B_ab
              + (k_r - k_q)/2 conj(B_ab) ψ_a²/|ψ_a|² ],   B_ab = R_ab e^{iδ_ab} ψ_b
    """
    rho = square(psi)
    level = jnp.log(rho + law.regulator)
    links = coupling(law)
    drive = links * psi[None, :]
    # k_r is a factor of a times a factor of b: it leaves the sum over b
    up = jnp.exp((law.r + 0.5) * level)
    turned = up * jnp.sum(links * (psi / up)[None, :], axis=-1)
    # no mean of the levels here, as in `ratios`: it would cost a sum of its own, and
    # the regulator keeps both factors in range
    rise = jnp.exp((law.q - 0.5) * level)
    k_q = rise[:, None] * (1 / rise)[None, :]
    gains = jnp.imag(jnp.conj(psi)[:, None] * drive) >= 0
    moved = jnp.sum(jnp.where(gains, k_q, k_q.T) * drive, axis=-1)
    unit = psi * psi / (rho + law.regulator)
    mean, half = (turned + moved) / 2, (turned - moved) / 2
    result = -1j * (law.omega * psi + mean + jnp.conj(half) * unit)
    if law.harmonics is None:
        return result
    return result + _harmonic_field(law, psi, rho)


def _harmonic_field(law: Any, psi: Array, rho: Array) -> Array:
    """Σ_n ψ_a √(ρ_b/ρ_a) [½ R_sin k_q sin(ny+δ) - i R_cos k_r cos(ny+δ)]."""
    terms = law.harmonics
    if terms is None:
        return jnp.zeros_like(psi)
    level = jnp.log(rho + law.regulator)
    k_r = ratios(level, law.r + 0.5)[None]
    k_q = ratios(level, law.q - 0.5)[None]
    product = jnp.conj(psi)[:, None] * psi[None, :]
    # e^{i(φ_a - φ_b)}, levelled off where a class is empty
    unit = product / jnp.sqrt(square(product) + law.regulator**2)
    powers = jnp.stack([unit_power(unit, n) for n in terms.n])
    angle_sin = powers * phase_factor(terms.delta_sin)
    angle_cos = powers * phase_factor(terms.delta_cos)
    rise = jnp.imag(angle_sin)
    k_q = jnp.where(rise >= 0, k_q, jnp.swapaxes(k_q, -1, -2))
    off = ~jnp.eye(psi.shape[0], dtype=bool)[None]
    rate = jax.lax.complex(
        0.5 * terms.R_sin * k_q * rise, -terms.R_cos * k_r * jnp.real(angle_cos)
    )
    # ψ_a √(ρ_b/ρ_a) = ψ_b conj(e^{i y}) stays finite in empty classes
    carrier = psi[None, :] * jnp.conj(unit)
    return jnp.sum(jnp.where(off, rate * carrier[None], 0), axis=(0, 2))


def literal_field(law: Any, state: DensityPhase) -> DensityPhase:
    """Eqs. (20) and (26) as they stand; empty classes are guarded, not cured."""
    rho, phase = state
    safe = jnp.where(rho > 0, rho, 1)
    level = jnp.log(safe)
    difference = phase[:, None] - phase[None, :]
    off = ~jnp.eye(rho.shape[0], dtype=bool)
    x = difference + law.delta
    A = 2 * law.R * jnp.maximum(jnp.sin(x), 0)
    C = law.R * jnp.cos(x)
    if law.harmonics is not None:
        terms = law.harmonics
        n = jnp.asarray(terms.n, dtype=phase.dtype)[:, None, None]
        angle = n * difference[None]
        A += jnp.sum(terms.R_sin * jnp.maximum(jnp.sin(angle + terms.delta_sin), 0), 0)
        C += jnp.sum(terms.R_cos * jnp.cos(angle + terms.delta_cos), 0)
    rate = ratios(level, law.q) * rho[None, :] * jnp.where(off, A, 0)
    gain = jnp.where(rho > 0, jnp.sum(rate - rate.T, axis=-1), 0)
    turn = jnp.sum(ratios(level, law.r) * jnp.where(off, C, 0), axis=-1)
    return DensityPhase(gain, law.omega + turn)


def node_ahead(law: Any, psi: Array) -> Bool[Array, " M"]:
    """Which classes the law empties from here: a criterion for small ρ_a.

    With s = q + r > 0, K_a = ρ_a^s + 2 s ln|cos x_a| is constant along the motion near
    a node and the minimum of ρ_a is K_a^(1/s): the node is reached if K_a <= 0. x_a is
    the phase of class a against the field of all the others. With q > 1/2 a class also
    empties where it loses to one class at a rate ρ_a^(1-q) that outgrows what it gains
    from another, ρ_a^q; ten times as much is taken as the sign. The first is exact for
    two classes (and asked of those that lose), the second a rule of thumb for three
    and more; the literal form needs neither. At the quantum point no class is marked.

    Args:
        law: the copy law.
        psi: ψ, shape (M,).

    Returns:
        Marks, shape (M,).
    """
    s = law.q + law.r
    rho = square(psi)
    field = jnp.sum(coupling(law) * psi[None, :], axis=-1)
    overlap = jnp.conj(psi) * field
    size = jnp.sqrt(rho * square(field)) + law.regulator
    tiny = jnp.finfo(rho.dtype).tiny
    cosine = jnp.clip(jnp.abs(jnp.real(overlap)) / size, tiny, 1)
    level = jnp.log(rho + law.regulator)
    K = jnp.exp(s * level) + 2 * s * jnp.log(cosine)
    reached = (s > 0) & (K <= 0) & (jnp.imag(overlap) < 0)
    outgrown = (law.q > 0.5) & ((1 - 2 * law.q) * level > jnp.log(10.0))
    return reached | outgrown


def square(z: Array) -> Array:
    """|z|^2 without a square root, smooth at 0."""
    return jnp.real(z) ** 2 + jnp.imag(z) ** 2


def ratios(level: Array, power: Array) -> Array:
    """(ρ_a/ρ_b)^power as a matrix from ln ρ, by M exponentials instead of M²."""
    # the mean keeps both factors in range
    up = jnp.exp(power * (level - jnp.mean(level)))
    return up[:, None] * (1 / up)[None, :]


def phase_factor(angle: Array) -> Array:
    """exp(i angle)."""
    return jax.lax.complex(jnp.cos(angle), jnp.sin(angle))


def unit_power(unit: Array, n: int) -> Array:
    """unit^n for a phase factor; negative powers by conjugation."""
    return (
        jax.lax.integer_pow(unit, n)
        if n >= 0
        else jnp.conj(jax.lax.integer_pow(unit, -n))
    )
