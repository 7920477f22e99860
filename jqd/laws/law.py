"""The interface of a law: a motion that predicts probabilities of a quantum state."""

import abc
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from .._math import divisor
from ..interop import as_array
from .motion import Motion

# positions -> [ψ, ∂ψ/∂x_1, ..] there
Wave = Callable[[Array], list[Array]]


class Law(Motion):
    """A motion that predicts probabilities for a quantum state."""

    @abc.abstractmethod
    def prepare(self, psi: Any) -> PyTree[Array]:
        """The state of the law that stands for a quantum state."""

    @abc.abstractmethod
    def density(self, state: PyTree[Array]) -> Array:
        """The probabilities that the law predicts."""

    @property
    def cell(self) -> float:
        """The volume that an entry of `density` stands for; 1 for populations."""
        return 1.0

    # -- beside quantum mechanics, for `jqd.vet` --------------------------------------

    def yardstick(self) -> "Law | None":
        """Quantum mechanics that this law departs from, or None if not declared.

        This is a `Schrodinger`, or the same law at its quantum values where its density
        is of another kind than |ψ|².
        """
        return None

    def on(self, quantum: Any) -> "Law | None":
        """The same law, with its constants, for another `Schrodinger`.

        None where the law does not define it.
        """
        del quantum
        return None

    def pair(self, other: Any) -> "Law | None":
        """The law of this system and another one that does not interact with it.

        Amplitudes are ψ_kb, with b of the other system as the faster index. By default
        it is the same law for H ⊗ 1 + 1 ⊗ H_other; None where the law has no rule.

        Args:
            other: H_other, (N, N), energy units; beside a particle on a grid, a
                `Schrodinger` of another such particle.
        """
        quantum = self.yardstick()
        # quantum mechanics must define a pair itself
        if quantum is None or type(quantum).pair is Law.pair:
            return None
        both = quantum.pair(other)
        return None if both is None else self.on(both)

    def observables(self) -> dict[str, Callable[[PyTree[Array]], Array]]:
        """`density`, and `populations`: the probability of each point or class."""
        return {
            "density": self.density,
            "populations": lambda state: self.cell * self.density(state),
        }

    def admit(self, psi: Any) -> PyTree[Array]:
        """A quantum state as arrays that `prepare` takes under jit as well."""
        return as_array(psi, "psi")


def norm_alone(self: Law, state: PyTree[Array]) -> dict[str, Array]:
    """The norm: the `invariants` of a law that conserves nothing else."""
    return {"norm": self.cell * jnp.sum(self.density(state))}


# -- what a group leaves to the law ----------------------------------------------------


def recorded(motion: Motion, state: PyTree[Array]) -> dict[str, Array]:
    """Diagnostics that `jqd.evolve` records for a saved state besides the invariants.

    They are `Watch.records`, or `min_density` for a law without these.
    """
    told = motion.watch().records
    if told is not None:
        return told(state)
    if not isinstance(motion, Law):
        return {}
    return {"min_density": jnp.min(motion.density(state))}


def relative_difference(
    motion: Motion, one: PyTree[Array], other: PyTree[Array]
) -> Array | None:
    """Relative difference of two states, by which runs of other steps are compared.

    It is `Watch.difference`, else Σ|ρ₁ - ρ₂| / Σ|ρ₁| for a law, None for other motions.
    """
    told = motion.watch().difference
    if told is not None:
        return told(one, other)
    if not isinstance(motion, Law):
        return None
    mine, others = motion.density(one), motion.density(other)
    total = jnp.sum(jnp.abs(mine))
    return jnp.sum(jnp.abs(mine - others)) / divisor(total)


def turned(law: Law, state: PyTree[Array]) -> PyTree[Array]:
    """The state with all velocities reversed: that of the conjugate ψ."""
    told = law.watch().reversed
    return jax.tree.map(jnp.conj, state) if told is None else told(state)
