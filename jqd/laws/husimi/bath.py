"""Loss, gain and dephasing of bosonic modes, under the law at any strength C."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks, constants
from ..._math import safe_divide
from ...constants import free

_BOUNDS = (0.0, np.inf)


class Rates(NamedTuple):
    """Rates of a master equation: Σ_i D_i D[b_i] + G_i D[b_i†] + g_i D[b_i†b_i].

    Attributes:
        down: D, of loss, scalar or (N,).
        up: G, of gain; below 0 the equation is not one of Lindblad's.
        dephasing: g.
    """

    down: Array
    up: Array
    dephasing: Array


class Bath(eqx.Module):
    """The surroundings of the modes: a thermal bath, a pump, frequency noise.

    ∂ₜQ = .. + Σ_i {(κ/2)(∂_i α_i + ∂*_i α_i*) + Dħ ∂_i ∂*_i + (g/2) ∂²/∂φ_i²} Q
    D = γ(n̄ + 1),  κ = γ - gain

    The law leaves the bath as it is and scales only the diffusion of the Hamiltonian.
    Read at ħ_eff = Cħ, it is exactly a thermal bath of n_eff = (n̄ + 1)/C - 1 quanta
    with the same γ. For C <= 1 + n̄ this is a Lindblad equation; up to twice that C one
    rate is negative, with solutions for signed ρ; beyond, there are no solutions.

    Attributes:
        gamma: γ, rate at which energy is lost to the bath, scalar or (N,), 1/time.
        nbar: n̄, its thermal quanta, likewise.
        gain: rate of a pump that adds quanta, likewise, 1/time.
        dephasing: g, rate of dephasing, likewise, 1/time.

    Source: C. W. Gardiner & P. Zoller, Quantum Noise (2004), ch. 4, for C = 1.
    """

    gamma: Float[Array, "..."] = free(bounds=_BOUNDS, unit="rate", default=0.0)
    nbar: Float[Array, "..."] = free(bounds=_BOUNDS, default=0.0)
    gain: Float[Array, "..."] = free(
        bounds=_BOUNDS, unit="rate", default=0.0, kw_only=True
    )
    dephasing: Float[Array, "..."] = free(
        bounds=_BOUNDS, unit="rate", default=0.0, kw_only=True
    )

    def __check_init__(self) -> None:
        lengths = {np.shape(value) for value in jax.tree.leaves(self)} - {()}
        for name, value in constants.values(self).items():
            if np.ndim(value) > 1 or len(lengths) > 1:
                raise ValueError(
                    f"Argument `{name}` must be one number or one for each mode, as "
                    f"many as the others, but its shape is {np.shape(value)}."
                )

    def rates(self) -> Rates:
        """Rates D = γ(n̄ + 1), G = γn̄ + gain and g; at ħ_eff D/C, G + D(1/C - 1), g."""
        down, up = self.gamma * (self.nbar + 1), self.gamma * self.nbar + self.gain
        return Rates(down, up, self.dephasing)

    def at(self, C: ArrayLike) -> "Bath":
        """The bath at ħ_eff = Cħ, of (n̄ + 1)/C - 1 quanta, which may be below 0.

        Args:
            C: strength of the diffusion, scalar.
        """
        return eqx.tree_at(lambda bath: bath.nbar, self, (self.nbar + 1) / C - 1)

    def largest_C(self) -> tuple[Array, Array]:
        """The largest C of a Lindblad equation, and the largest C with solutions.

        D/(D - G) and twice that, inf where D <= G; for several modes the least of each.
        """
        rates = self.rates()
        net = rates.down - rates.up
        end = jnp.min(safe_divide(rates.down, net, otherwise=jnp.inf))
        return end, 2 * end

    def scaled(self, factor: ArrayLike) -> "Bath":
        """The same bath with all rates multiplied by a factor."""
        return eqx.tree_at(
            lambda bath: (bath.gamma, bath.gain, bath.dephasing),
            self,
            (factor * self.gamma, factor * self.gain, factor * self.dephasing),
        )

    def check(self, modes: int) -> None:
        """Raise ValueError unless each rate is one for all modes, or one for each."""
        shapes = {np.shape(leaf) for leaf in (self.gamma, self.nbar)}
        shapes |= {np.shape(leaf) for leaf in (self.gain, self.dephasing)}
        wrong = shapes - {(), (modes,)}
        if wrong:
            raise ValueError(
                f"Argument `bath` must have one rate for all modes or {modes}, but has "
                f"the shape {wrong.pop()}."
            )

    def check_window(self, C: ArrayLike) -> None:
        """Raise ValueError where no solution exists at this C (skipped for tracers)."""
        _, end = self.largest_C()
        if not _checks.is_concrete((C, end)):
            return
        if not float(np.asarray(C)) < float(np.asarray(end)):
            raise ValueError(
                f"Argument `C` must be below 2 D/(D - G) = {np.asarray(end):.6g} for "
                "this bath (rates D of loss, G of gain), but is "
                f"{np.asarray(C):.6g}: beyond, no density solves the equation."
            )
