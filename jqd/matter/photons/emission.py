"""Light of few levels: a shared excitation, and a single mode.

k_B = 1; ħ = 1 where it is not an argument.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Int

from ... import _checks
from ..._gate import gated
from ..._math import abs2
from ...constants import constant, free, static, switch
from ...spaces.fock import check_levels, destroy
from ...status import Status
from ...steppers.eigenbasis import unitary_orbit


class SharedExcitation(eqx.Module):
    """An emitter and M modes that share a single excitation.

    H = ω₀|e><e| + Σ_m ω_m |m><m| + Σ_m g_m (|e><m| + |m><e|), ħ = 1: an arrow matrix.
    |e> is the excited emitter in the vacuum, |m> its ground state and one photon.

    Attributes:
        emitter: ω₀, frequency of the emitter, ().
        frequencies: ω_m of the modes, (M,).
        couplings: g_m, (M,).
    """

    emitter: Float[Array, ""]
    frequencies: Float[Array, " M"]
    couplings: Float[Array, " M"]

    def __init__(
        self, emitter: ArrayLike, frequencies: ArrayLike, couplings: ArrayLike
    ) -> None:
        _checks.check_shape(emitter, "emitter", ())
        _checks.check_shape(frequencies, "frequencies", (None,))
        _checks.check_shape(couplings, "couplings", np.shape(frequencies))
        named = {
            "emitter": emitter,
            "frequencies": frequencies,
            "couplings": couplings,
        }
        for name, value in named.items():
            _checks.check_reals(value, name)
        self.emitter = constant(emitter, "emitter")
        self.frequencies = constant(frequencies, "frequencies")
        self.couplings = constant(couplings, "couplings")

    def hamiltonian(self) -> Float[Array, "M+1 M+1"]:
        """The arrow matrix, the excited emitter first."""
        diagonal = jnp.diag(jnp.concatenate([self.emitter[None], self.frequencies]))
        head = jnp.zeros_like(diagonal).at[0, 1:].set(self.couplings)
        return diagonal + head + head.T

    def amplitudes(self, ts: ArrayLike) -> Complex[Array, "nt M+1"]:
        """Exact amplitudes at times (nt,), the emitter excited at t = 0.

        The first column is that of the emitter; |.|² of the others is the spectrum.

        Args:
            ts: finite times, (nt,).

        Returns:
            (nt, M + 1) complex.

        Raises:
            ValueError: the times are no vector of finite numbers.
        """
        _checks.check_finite(ts, "ts", (None,))
        matrix = self.hamiltonian()
        start = jnp.zeros_like(matrix[0]).at[0].set(1)
        return unitary_orbit(matrix, start, jnp.asarray(ts, matrix.dtype))

    def survival(self, ts: ArrayLike) -> Float[Array, " nt"]:
        """P₀(t), the probability that the emitter is excited; see `amplitudes`."""
        return abs2(self.amplitudes(ts)[:, 0])


@gated
def flat_band(
    emitter: ArrayLike, half_width: ArrayLike, rate: ArrayLike, modes: int
) -> SharedExcitation:
    """An emitter in the middle of a band of equally spaced, equally coupled modes.

    g² = Γ dω/2π, so that the golden rule's decay rate is Γ.

    Args:
        emitter: ω₀, the middle of the band.
        half_width: the band is ω₀ ± this.
        rate: Γ.
        modes: M, at least 2.

    Returns:
        The emitter with its modes.

    Raises:
        ValueError: the width or rate is not positive, or there are fewer than 2 modes.
    """
    for name, value in (("half_width", half_width), ("rate", rate)):
        _checks.check_positive(value, name, ())
    _checks.check_scalar(emitter, "emitter")
    if modes < 2:
        raise ValueError(f"Argument `modes` must be at least 2, but it is {modes}.")
    emitter, half_width, rate = map(constant, (emitter, half_width, rate))
    offsets = jnp.linspace(-1, 1, modes, dtype=emitter.dtype) * half_width
    spacing = 2 * half_width / (modes - 1)
    coupling = jnp.sqrt(rate * spacing / (2 * jnp.pi))
    return SharedExcitation(
        emitter, emitter + offsets, jnp.full_like(offsets, coupling)
    )


@gated
def lorentzian(
    frequencies: ArrayLike, emitter: ArrayLike, rate: ArrayLike
) -> Float[Array, "..."]:
    """Line shape of the emitted photon, f(ω) = (Γ/2π)/((ω - ω₀)² + Γ²/4), ∫ f dω = 1.

    Args:
        frequencies: ω.
        emitter: ω₀.
        rate: Γ.

    Returns:
        f of the broadcast shape, in 1/frequency.

    Raises:
        ValueError: the rate is not positive.
    """
    for name, value in (("frequencies", frequencies), ("emitter", emitter)):
        _checks.check_reals(value, name)
    _checks.check_positive(rate, "rate")
    _checks.check_broadcast(frequencies=frequencies, emitter=emitter, rate=rate)
    omega, center, rate = jnp.broadcast_arrays(
        *map(_checks.widen, (frequencies, emitter, rate))
    )
    return rate / (2 * jnp.pi) / ((omega - center) ** 2 + rate**2 / 4)


@gated
def first_recurrence(
    spacing: ArrayLike, rate: ArrayLike
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Time and height of the first revival of the excitation.

    After 2π/dω the amplitude is -Γτ e^{-Γτ/2}, τ = t - 2π/dω, once the first decay is
    over. P₀ peaks at τ = 2/Γ with the value (2/e)², for any coupling.

    Args:
        spacing: dω of the modes.
        rate: Γ.

    Returns:
        The time of the peak and P₀ there, of the broadcast shape.

    Raises:
        ValueError: an argument is not positive.
    """
    _checks.check_positive(spacing, "spacing")
    _checks.check_positive(rate, "rate")
    _checks.check_broadcast(spacing=spacing, rate=rate)
    spacing, rate = jnp.broadcast_arrays(_checks.widen(spacing), _checks.widen(rate))
    peak = jnp.full_like(spacing, 4) * jnp.exp(-2 * jnp.ones_like(spacing))
    return 2 * jnp.pi / spacing + 2 / rate, peak


# Largest weight accepted at the cut-off: it changes any probability by as little, far
# less than the tests of these models resolve.
_LARGEST_EDGE = 1e-8


class TwoLevelMode(eqx.Module):
    """A two-level system coupled to one mode, ħ = 1.

    H = ω a†a + ω₀ σ_z/2 + g σ_x (a + a†) is the Rabi model; without the
    counter-rotating σ₊a† and σ₋a it is the Jaynes-Cummings model. States are
    (2, levels) amplitudes, the excited level first.

    Attributes:
        frequency: ω of the mode, (), positive.
        splitting: ω₀ of the two levels, ().
        coupling: g, ().
        levels: number of photon numbers kept, 0 .. levels - 1 (static).
        counter_rotating: whether the counter-rotating terms are kept (static).
    """

    frequency: Float[Array, ""] = free(positive=True)
    splitting: Float[Array, ""] = free()
    coupling: Float[Array, ""] = free()
    levels: int = static(default=20, kw_only=True)
    counter_rotating: bool = switch(default=True, kw_only=True)

    def __check_init__(self) -> None:
        check_levels(self.levels)

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
        """The state of the excited level and a number of photons.

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
            ValueError: psi0 is not a normalised state of this basis, or the times are
                not a vector of finite numbers.
        """
        shape = (2, self.levels)
        _checks.check_state(psi0, "psi0", size=shape, weight=1.0)
        _checks.check_finite(ts, "ts", (None,))
        psi0, ts = _checks.widen(psi0), _checks.widen(ts)
        states = unitary_orbit(self.hamiltonian(), psi0.reshape(-1), ts)
        states = states.reshape(-1, *shape)
        weights = abs2(states)
        # The cut-off affects only states that the coupling would lift beyond it.
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
        status: `jqd.Status`: CUTOFF where `edge` exceeds 1e-8, (). The truncation then
            affects the results; raise `levels`.
    """

    states: Complex[Array, "nt 2 d"]
    edge: Float[Array, ""]
    status: Int[Array, ""]

    @property
    def excited(self) -> Float[Array, " nt"]:
        """P_e(t), the probability of the excited level."""
        return jnp.sum(abs2(self.states[:, 0]), axis=-1)

    @property
    def photons(self) -> Float[Array, " nt"]:
        """Mean photon number <a†a>."""
        weights = jnp.sum(abs2(self.states), axis=1)
        return weights @ jnp.arange(weights.shape[-1], dtype=weights.dtype)

    @property
    def ok(self) -> Array:
        """Whether the cut-off was high enough."""
        return self.status == Status.OK

    @property
    def all_ok(self) -> bool:
        """Whether each member of a batch is `ok`: one answer, for `if` and `assert`."""
        return bool(jnp.all(self.ok))
