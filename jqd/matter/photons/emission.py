"""One excitation shared by a two-level emitter and many photon modes.

The Wigner-Weisskopf problem: level 1 of the photon tower alone, without any bath. It
decays exponentially into a Lorentzian line and comes back, and never is Planck's law.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ...laws.constants import constant
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
            _checks.check_real(value, name)
            _checks.check_finite(value, name)
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

        The first column is the emitter's; |.|² of the others is the spectrum.

        Args:
            ts: finite times, (nt,).

        Returns:
            (nt, M + 1) complex.

        Raises:
            ValueError: the times are no vector of finite numbers.
        """
        _checks.check_shape(ts, "ts", (None,))
        _checks.check_finite(ts, "ts")
        matrix = self.hamiltonian()
        start = jnp.zeros_like(matrix[0]).at[0].set(1)
        return unitary_orbit(matrix, start, jnp.asarray(ts, matrix.dtype))

    def survival(self, ts: ArrayLike) -> Float[Array, " nt"]:
        """P₀(t), the probability that the emitter is excited; see `amplitudes`."""
        return jnp.abs(self.amplitudes(ts)[:, 0]) ** 2


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
    _checks.check_positive(half_width, "half_width")
    _checks.check_positive(rate, "rate")
    if modes < 2:
        raise ValueError(f"Argument `modes` must be at least 2, but it is {modes}.")
    emitter, half_width, rate = map(constant, (emitter, half_width, rate))
    offsets = jnp.linspace(-1, 1, modes, dtype=emitter.dtype) * half_width
    spacing = 2 * half_width / (modes - 1)
    coupling = jnp.sqrt(rate * spacing / (2 * jnp.pi))
    return SharedExcitation(
        emitter, emitter + offsets, jnp.full_like(offsets, coupling)
    )


def lorentzian(
    frequencies: ArrayLike, emitter: ArrayLike, rate: ArrayLike
) -> Float[Array, "..."]:
    """Line of the emitted photon, f(ω) = (Γ/2π)/((ω - ω₀)² + Γ²/4), ∫ f dω = 1.

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
        _checks.check_real(value, name)
        _checks.check_finite(value, name)
    _checks.check_positive(rate, "rate")
    omega, center, rate = jnp.broadcast_arrays(
        *map(_checks.widen, (frequencies, emitter, rate))
    )
    return rate / (2 * jnp.pi) / ((omega - center) ** 2 + rate**2 / 4)


def first_recurrence(
    spacing: ArrayLike, rate: ArrayLike
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """When the emission comes back, and how much of it.

    Past 2π/dω the amplitude is -Γτ e^{-Γτ/2}, τ = t - 2π/dω, once the first decay is
    over: P₀ peaks at τ = 2/Γ with (2/e)², whatever the coupling.

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
    spacing, rate = jnp.broadcast_arrays(_checks.widen(spacing), _checks.widen(rate))
    peak = jnp.full_like(spacing, 4) * jnp.exp(-2 * jnp.ones_like(spacing))
    return 2 * jnp.pi / spacing + 2 / rate, peak
