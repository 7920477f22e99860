"""Rates of the copy process: how often one class copies another, how phases turn."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float

from ... import _checks
from ..._math import abs2, divisor, expi, safe_divide, safe_log
from ...laws import CopyDynamics
from ...laws.copying import coupling, ratios, unit_power
from .ceilings import Ceiling, Ceilings, constant_ceiling


class Process(eqx.Module):
    """The copy process of N systems under a law, with its remedies for nodes.

    A node is a class without systems.

    Attributes:
        law: a `jqd.CopyDynamics`.
        copies: N, the number of systems that may copy, scalar.
        spectators: s_a, numbers of systems that are copied and never copy, (M,).
        printed: whether eq. (39) has its printed sign (static).
        ceilings: bounds on a law with a drive over the run; None without one.
    """

    law: CopyDynamics
    copies: Float[Array, ""]
    spectators: Float[Array, " M"]
    printed: bool = eqx.field(static=True, default=False)
    ceilings: Ceilings | None = None

    def at(self, t: Array) -> "Process":
        """The process with the Hamiltonian at time t."""
        if self.law.drive is None:
            return self
        return Process(self.law.at(t), self.copies, self.spectators, self.printed)

    def ceiling(self, t: Array) -> Ceiling:
        """Bounds on the Hamiltonian from t on."""
        if self.ceilings is None:
            return constant_ceiling(self.law)
        return self.ceilings.at(t)

    def weights(self, occupation: Array) -> Float[Array, " M"]:
        """m_a = n_a + s_a, the number of systems in a class that can be copied."""
        return occupation + self.spectators


# Members that define the motion of a copy law and the meaning of its states.
MOTION = ("vector_field", "step", "hamiltonian", "prepare", "psi", "density")


def check_motion(law: CopyDynamics) -> None:
    """Raise unless the constants of a law determine its motion.

    Copies are drawn, and laws of noise computed, from ω, R, δ, q, r and the harmonics
    alone; anything that a subclass adds to them would be lost.

    Raises:
        ValueError: another law, or a subclass that changes the motion.
    """
    if not isinstance(law, CopyDynamics):
        raise ValueError(
            "Argument `law` must be a CopyDynamics, but is a "
            f"{type(law).__name__}; only the systems of that law copy each other."
        )
    for name in MOTION:
        if getattr(type(law), name) is not getattr(CopyDynamics, name):
            raise ValueError(
                "Argument `law` must move by the constants of CopyDynamics alone, but "
                f"{type(law).__name__} has a `{name}` of its own, which cannot be "
                "followed copy by copy."
            )


def check_law(law: CopyDynamics) -> None:
    """Raise unless a law can be sampled.

    Raises:
        ValueError: another law, a subclass that changes the motion, or harmonics with
            negative rates of copying.
    """
    check_motion(law)
    terms = law.harmonics
    if terms is None or not _checks.is_concrete(terms.R_sin):
        return
    if np.any(_checks.concrete(terms.R_sin) < 0):
        raise ValueError(
            "Argument `law` must have harmonics with R_sin >= 0, but some is negative, "
            "and a rate of copying is not; shift `delta_sin` by pi instead."
        )


class Rates(NamedTuple):
    """Rates at one moment.

    Attributes:
        flow: [a, b], the share of all N systems that goes from b to a per time.
        turn: dφ_a/dt.
    """

    flow: Float[Array, "M M"]
    turn: Float[Array, " M"]


def links(alive: Bool[Array, " M"]) -> Bool[Array, "M M"]:
    """Pairs of different classes that both have a system to copy."""
    apart = ~jnp.eye(alive.shape[0], dtype=bool)
    return apart & alive[:, None] & alive[None, :]


def angular(
    process: Process, unit: Complex[Array, " M"]
) -> tuple[Float[Array, "M M"], Float[Array, "M M"]]:
    """A_ab and C_ab of the law at phases given as unit = exp(-iφ).

    A_ab = Σ_n R_sin^n sin⁺(n y_ab + δ^n_ab),  C_ab = Σ_n R_cos^n cos(n y_ab + δ^n_ab)

    With the printed sign of eq. (39), A_ab becomes its transpose: the phase of the
    copying system takes the place of that of the copied one.
    """
    law = process.law
    difference = jnp.conj(unit)[:, None] * unit[None, :]
    first = coupling(law.R, law.delta) * difference
    A, C = 2 * jnp.maximum(jnp.imag(first), 0), jnp.real(first)
    if law.harmonics is not None:
        terms = law.harmonics
        turned = jnp.stack([unit_power(difference, n) for n in terms.n])
        sines = jnp.imag(turned * expi(terms.delta_sin))
        cosines = jnp.real(turned * expi(terms.delta_cos))
        A = A + jnp.sum(terms.R_sin * jnp.maximum(sines, 0), axis=0)
        C = C + jnp.sum(terms.R_cos * cosines, axis=0)
    return (A.T if process.printed else A), C


def amplitudes(
    law: CopyDynamics, R: Float[Array, "M M"]
) -> tuple[Float[Array, "M M"], Float[Array, "M M"]]:
    """Bounds on A_ab and |C_ab|, whatever the phases are, where |H_ab|/ħ <= R_ab."""
    A, C = 2 * R, R
    if law.harmonics is not None:
        A = A + jnp.sum(jnp.abs(law.harmonics.R_sin), axis=0)
        C = C + jnp.sum(jnp.abs(law.harmonics.R_cos), axis=0)
    return A, C


def rates(process: Process, psi: Complex[Array, " M"], alive: Array) -> Rates:
    """Rates at ψ_a = √(m_a/N) exp(-iφ_a); classes that are not alive take no part.

    flow_ab = (n_b/m_b) ρ_b (ρ_a/ρ_b)^q A_ab,  dφ_a/dt = ω_a + Σ_b (ρ_a/ρ_b)^r C_ab

    Source: Smolin (2012), eqs. (20), (26), (39), (40); physics of spectators: sec. 3.4.
    """
    law = process.law
    density = divisor(abs2(psi), alive)
    level = jnp.log(density)
    A, C = angular(process, psi * jnp.exp(-level / 2))
    able = jnp.maximum(density - process.spectators / process.copies, 0)
    both = links(alive)
    flow = ratios(level, law.q) * able[None, :] * jnp.where(both, A, 0)
    turn = jnp.sum(ratios(level, law.r) * jnp.where(both, C, 0), axis=-1)
    return Rates(flow, law.omega + turn)


def drift(
    process: Process, psi: Complex[Array, " M"], alive: Array, leaped: Array
) -> Complex[Array, " M"]:
    """dψ/dt of the mean motion in which only the `leaped` links carry systems.

    dψ_a/dt = ψ_a [ -i dφ_a/dt + (dρ_a/dt)/(2ρ_a) ]
    """
    flow, turn = rates(process, psi, alive)
    flow = jnp.where(leaped, flow, 0)
    gain = jnp.sum(flow - flow.T, axis=-1)
    density = divisor(abs2(psi), alive)
    return psi * jax.lax.complex(gain / (2 * density), -turn)


def haste(
    process: Process, ceiling: Ceiling, weights: Array, alive: Array
) -> Float[Array, ""]:
    """A bound on the rate at which any class turns or changes by its own size.

    max_a { |ω_a - ω̄| + Σ_b max[(m_a/m_b)^r C, (m_b/m_a)^q A/2, (m_b/m_a)^(1-q) A/2] }

    At the quantum point every term is R √(m_b/m_a): near a node it grows as 1/√n_a, so
    that steps of a fixed fraction of 1/haste are safe there. The pace of a drive is
    added.
    """
    law = process.law
    level = safe_log(weights, alive)
    A, C = amplitudes(law, ceiling.R)
    speed = jnp.maximum(
        ratios(level, law.r) * C,
        jnp.maximum(ratios(level, -law.q), ratios(level, law.q - 1)) * A / 2,
    )
    speed = jnp.sum(jnp.where(links(alive), speed, 0), axis=-1)
    return jnp.max(jnp.where(alive, speed + ceiling.turn, 0)) + ceiling.pace


def over(value: Any, rate: Array) -> Array:
    """value/rate, infinite where the rate is 0."""
    return safe_divide(value, rate, otherwise=jnp.inf)
