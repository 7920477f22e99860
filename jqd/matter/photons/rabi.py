"""One two-level system and one photon mode: Rabi's and Jaynes and Cummings' models."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Int

from ... import _checks
from ...laws.constants import scalars
from ...laws.status import Status
from ...spaces.fock import check_levels, destroy
from ...steppers.eigenbasis import unitary_orbit

# Largest weight at the cut-off that is let pass: its part in any probability is as
# small, far below what the tests of these models resolve.
_LARGEST_EDGE = 1e-8


class TwoLevelMode(eqx.Module):
    """A two-level system coupled to one mode, ħ = 1.

    H = ω a†a + ω₀ σ_z/2 + g σ_x (a + a†), Rabi's model; without the counter-rotating
    σ₊a† and σ₋a that of Jaynes and Cummings. States are (2, levels) amplitudes, the
    excited level first.

    Attributes:
        frequency: ω of the mode, ().
        splitting: ω₀ of the two levels, ().
        coupling: g, ().
        levels: photon numbers 0 .. levels - 1 that are kept.
        counter_rotating: whether the counter-rotating terms are kept.
    """

    frequency: Float[Array, ""]
    splitting: Float[Array, ""]
    coupling: Float[Array, ""]
    levels: int = eqx.field(static=True)
    counter_rotating: bool = eqx.field(static=True)

    def __init__(
        self,
        frequency: ArrayLike,
        splitting: ArrayLike,
        coupling: ArrayLike,
        *,
        levels: int = 20,
        counter_rotating: bool = True,
    ) -> None:
        self.frequency, self.splitting, self.coupling = scalars(
            frequency=frequency, splitting=splitting, coupling=coupling
        )
        _checks.check_positive(frequency, "frequency")
        check_levels(levels)
        self.levels = levels
        self.counter_rotating = counter_rotating

    def hamiltonian(self) -> Float[Array, "2d 2d"]:
        """H over the flattened (2, levels), the photon number fastest."""
        a = destroy(self.levels).astype(self.frequency.dtype)
        one, number = jnp.eye(self.levels, dtype=a.dtype), a.T @ a
        z = jnp.diag(jnp.array([0.5, -0.5], a.dtype))
        free = self.frequency * jnp.kron(jnp.eye(2, dtype=a.dtype), number)
        free += self.splitting * jnp.kron(z, one)
        raising = jnp.array([[0, 1], [0, 0]], a.dtype)
        absorb = jnp.kron(raising, a + a.T if self.counter_rotating else a)
        return free + self.coupling * (absorb + absorb.T)

    def excited(self, photons: int = 0) -> Float[Array, "2 d"]:
        """The excited level beside a number of photons.

        Raises:
            ValueError: the basis has no such number.
        """
        if not 0 <= photons < self.levels:
            raise ValueError(
                f"Argument `photons` must lie in 0 .. {self.levels - 1}, but it is "
                f"{photons}."
            )
        return jnp.zeros((2, self.levels), self.frequency.dtype).at[0, photons].set(1)

    def run(self, psi0: ArrayLike, ts: ArrayLike) -> "Oscillation":
        """Exact evolution of psi0 (2, levels), given at t = 0, to the times (nt,).

        Raises:
            ValueError: psi0 is no normalised state of this basis, or the times are no
                vector of finite numbers.
        """
        shape = (2, self.levels)
        _checks.check_state(psi0, "psi0", size=shape, weight=1.0)
        _checks.check_shape(ts, "ts", (None,))
        _checks.check_finite(ts, "ts")
        psi0, ts = _checks.widen(psi0), _checks.widen(ts)
        states = unitary_orbit(self.hamiltonian(), psi0.reshape(-1), ts)
        states = states.reshape(-1, *shape)
        weights = jnp.abs(states) ** 2
        # Only what the coupling would lift past the cut-off is lost by it.
        lost = weights[:, : 2 if self.counter_rotating else 1, -1]
        edge = jnp.max(jnp.sum(lost, axis=1))
        status = jnp.where(edge <= _LARGEST_EDGE, Status.OK, Status.CUTOFF)
        return Oscillation(states, edge, status.astype(int))


class Oscillation(eqx.Module):
    """States of a two-level system and its mode at some times.

    Attributes:
        states: amplitudes, the excited level first, (nt, 2, levels).
        edge: largest weight at the cut-off, on states that the coupling would lift
            beyond it, ().
        status: `jqd.Status`: CUTOFF where `edge` exceeds 1e-8, (). The numbers
            then are those of a smaller model; raise `levels`.
    """

    states: Complex[Array, "nt 2 d"]
    edge: Float[Array, ""]
    status: Int[Array, ""]

    @property
    def excited(self) -> Float[Array, " nt"]:
        """P_e(t), the probability of the excited level."""
        return jnp.sum(jnp.abs(self.states[:, 0]) ** 2, axis=-1)

    @property
    def photons(self) -> Float[Array, " nt"]:
        """Mean photon number <a†a>."""
        weights = jnp.sum(jnp.abs(self.states) ** 2, axis=1)
        return weights @ jnp.arange(weights.shape[-1], dtype=weights.dtype)

    @property
    def ok(self) -> Array:
        """Whether the cut-off was high enough."""
        return self.status == Status.OK
