"""Rates at which matter emits and absorbs the photons of many modes.

k_B = 1; ħ = 1 where it is not an argument.
"""

from collections.abc import Callable
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._program import program
from ...constants import constant
from ...laws.groups import Watch
from ...laws.motion import Motion
from ...statistics._family import falling_root
from ...statistics.occupation import mean_occupation


class HeatCapacity(eqx.Module):
    """Matter of constant heat capacity: T_M(E_M) = E_M/C.

    Attributes:
        capacity: C, positive, ().
    """

    capacity: Float[Array, ""]

    def __init__(self, capacity: ArrayLike) -> None:
        _checks.check_positive(capacity, "capacity", ())
        self.capacity = constant(capacity, "capacity")

    def __call__(self, energy: Array) -> Array:
        """The temperature E_M/C at this energy."""
        return energy / self.capacity


class Equilibrium(eqx.Module):
    """The equilibrium of `PhotonRates`.

    Attributes:
        occupations: n_ω, (M,).
        temperature: of matter and photons alike, ().
    """

    occupations: Float[Array, " M"]
    temperature: Float[Array, ""]


class PhotonRates(Motion):
    """Emission and absorption of photons by matter at its momentary temperature.

    dn_ω/dt = Γ_ω [(n_ω + 1) e^{-ω/T_M} - n_ω],  T_M = T_M(E_M),
    E_M = E - Σ G_ω ω n_ω,  ħ = 1

    The energy E is exact by construction. Every mode ends at the Bose-Einstein
    occupation of one temperature, for any Γ_ω. A mode relaxes at the rate
    Γ_ω (1 - e^{-ω/T_M}), slowest at low frequency unless Γ_ω compensates. Evolve to
    geometrically spaced times, with `jqd.Fixed(substeps=...)` between them.

    Attributes:
        omega: ω of the modes, positive, (M,).
        rates: Γ_ω, positive, (M,).
        degeneracy: G_ω, the number of modes that share each frequency, (M,).
        energy: E of matter and photons together, ().
        matter: T_M as a function of E_M: any increasing function of a scalar, such as
            `HeatCapacity(C)`; an equinox module where it holds constants.
    """

    omega: Float[Array, " M"]
    rates: Float[Array, " M"]
    degeneracy: Float[Array, " M"]
    energy: Float[Array, ""]
    matter: Callable[[Array], Array]

    def __init__(
        self,
        omega: ArrayLike,
        rates: ArrayLike,
        energy: ArrayLike,
        matter: Callable[[Array], Array],
        degeneracy: ArrayLike = 1.0,
    ) -> None:
        _checks.check_shape(omega, "omega", (None,))
        _checks.check_shape(energy, "energy", ())
        named = {"omega": omega, "rates": rates, "degeneracy": degeneracy}
        for name, value in (named | {"energy": energy}).items():
            _checks.check_positive(value, name)
            if name in named and np.ndim(value):
                _checks.check_shape(value, name, np.shape(omega))
        if not callable(matter):
            raise ValueError(
                f"Argument `matter` must be a function, but it is "
                f"{_checks.shown(matter)}."
            )
        self.omega = constant(omega, "omega")
        self.rates = jnp.broadcast_to(constant(rates, "rates"), self.omega.shape)
        self.degeneracy = jnp.broadcast_to(
            constant(degeneracy, "degeneracy"), self.omega.shape
        )
        self.energy = constant(energy, "energy")
        if not isinstance(matter, eqx.Module):
            # A plain function is no pytree of arrays and could not cross jit.
            matter = jax.tree_util.Partial(matter)
        self.matter = cast(Callable[[Array], Array], matter)

    def prepare(self, start: Any) -> Float[Array, " M"]:
        """Occupations (M,) as a state; zeros are the vacuum.

        Raises:
            ValueError: a wrong shape, a negative occupation, or photons that leave no
                energy to the matter.
        """
        _checks.check_finite(start, "start", self.omega.shape)
        n = constant(start, "start")
        if _checks.is_concrete((n, self.omega, self.degeneracy, self.energy)):
            held = float(jnp.sum(self.degeneracy * self.omega * n))
            if bool(jnp.any(n < 0)) or held >= float(self.energy):
                raise ValueError(
                    "Argument `start` must hold occupations that are not negative and "
                    f"leave the matter some of the energy {float(self.energy):.6g}, "
                    f"but the least is {float(jnp.min(n)):.6g} and all of them hold "
                    f"{held:.6g}."
                )
        return n

    def temperature(self, n: Float[Array, " M"]) -> Float[Array, ""]:
        """T_M of the matter, which holds the energy that the photons n do not hold."""
        return self.matter(self.energy - jnp.sum(self.degeneracy * self.omega * n))

    def vector_field(
        self, t: ArrayLike, state: Float[Array, " M"], args: Any = None
    ) -> Float[Array, " M"]:
        """dn/dt."""
        del t, args
        x = self.omega / self.temperature(state)
        # (n + 1) e^{-x} - n with its digits where both terms are large
        return self.rates * (jnp.exp(-x) + state * jnp.expm1(-x))

    def step(
        self, t: ArrayLike, state: Float[Array, " M"], dt: ArrayLike
    ) -> Float[Array, " M"]:
        """Implicit exponential midpoint step: exact at the matter's T in mid-step.

        That T solves T = T_M after half a step at T, by a bracketed root. The step is
        of second order and stable at any length. Occupations stay positive, and
        equilibrium is its fixed point to rounding.
        """
        del t
        return self._step(state, dt)

    @program
    def _step(self, state: Array, dt: ArrayLike) -> Array:
        half, most = dt / 2, self.matter(self.energy)

        def excess(T):
            return self.temperature(self._exact(state, T, half)) - T

        T = falling_root(excess, jnp.finfo(most.dtype).eps * most, most)
        return self._exact(state, T, dt)

    @property
    def step_order(self) -> int:
        """1: the midpoint step is of order 2, but loses one order for stiff modes."""
        return 1

    @program
    def equilibrium(self) -> Equilibrium:
        """Occupations and temperature of energy balance, T = T_M(E - Σ G ω n(T)).

        n(T) of Bose and Einstein; a bracketed root, differentiable in all constants.
        """
        most = self.matter(self.energy)

        def excess(T):
            return self.temperature(self._bose_einstein(T)) - T

        T = falling_root(excess, jnp.finfo(most.dtype).eps * most, most)
        return Equilibrium(self._bose_einstein(T), T)

    def watch(self) -> Watch:
        """Keep the smallest occupation and temperature of the run."""

        def records(state: Float[Array, " M"]) -> dict[str, Array]:
            return {
                "min_occupation": jnp.min(state),
                "min_temperature": self.temperature(state),
            }

        return Watch(records=records)

    def _bose_einstein(self, T):
        x = self.omega / T
        return mean_occupation(x, jnp.ones_like(x))

    def _exact(self, n, T, dt):
        """n after dt at constant T: exponential approach to Bose-Einstein's."""
        gone = jnp.expm1(self.rates * jnp.expm1(-self.omega / T) * dt)
        return n + (n - self._bose_einstein(T)) * gone
