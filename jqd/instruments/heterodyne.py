"""Heterodyne detection with gain and added noise."""

import itertools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from .. import _checks
from ..constants import fixed, free
from ..laws import HusimiFokkerPlanck
from ..laws.motion import Motion
from ..observe import Moments
from ..states import read_powers
from .instrument import Instrument
from .noise import Drawable, NoNoise

Powers = tuple[int, ...]


def _orders(orders: Any) -> tuple[tuple[Any, Any], ...]:
    return (orders if isinstance(orders, Moments) else Moments(orders)).orders


def _parts(m: Powers, n: Powers) -> list[tuple[int, int, tuple[Powers, Powers]]]:
    """Of a moment of outcomes: how often, at which power of n_add, which moment of Q
    is a part of it."""
    shared = (range(min(pair) + 1) for pair in zip(m, n, strict=True))
    parts = []
    for ks in itertools.product(*shared):
        each = zip(m, n, ks, strict=True)
        ways = math.prod(
            math.comb(a, k) * math.comb(b, k) * math.factorial(k) for a, b, k in each
        )
        left = tuple(
            tuple(a - k for a, k in zip(powers, ks, strict=True)) for powers in (m, n)
        )
        parts.append((ways, sum(ks), left))
    return parts


class Heterodyne(Instrument):
    """Moments of heterodyne outcomes x = g (α + ξ), with α from Q and ⟨|ξ|²⟩ = n_add.

    ⟨x^m x*^n⟩ = g^(m+n) Σ_k C(m,k) C(n,k) k! n_add^k ⟨α^(m-k) α*^(n-k)⟩

    for each mode, shown as `jqd.Moments` shows them: real parts, then imaginary ones.
    Together with U, the amplitude and the thermal quanta of the initial state, gain and
    added noise look like another C: without priors nothing distinguishes them.

    Attributes:
        orders: (m, n) of each moment, integers for one mode, else tuples; or the
            `Moments` that hold them, as `PhaseSpaceRecord.data` gives them (static).
        gain: g, scalar, positive.
        added: n_add, in the unit of |α|², an action: ħ times quanta; scalar, not
            negative.
        noise: scatter of the moments; exact by default.
    """

    orders: tuple[tuple[Any, Any], ...] = eqx.field(static=True, converter=_orders)
    gain: Float[Array, ""] = free(positive=True, span=(0.8, 1.25), default=1.0)
    added: Float[Array, ""] = free(
        bounds=(0.0, np.inf), span=(0, 1), unit="hbar", default=0.0
    )
    noise: Drawable = fixed(default=NoNoise())

    def check_law(self, law: Motion) -> None:
        """Raise ValueError unless the law has these moments."""
        if not isinstance(law, HusimiFokkerPlanck):
            raise ValueError(
                "Argument `instrument` must show what the law predicts, but "
                f"{type(law).__name__} has no moments of a phase-space density."
            )
        for pair in self.orders:
            for powers in pair:
                read_powers(powers, "orders", law.modes)

    def mean(self, law: Motion, t: ArrayLike, state: PyTree[Array]) -> Array:
        """⟨x^m x*^n⟩, (2 k,)"""
        assert isinstance(law, HusimiFokkerPlanck)  # `check_law` made sure
        pairs = [
            [read_powers(powers, "orders", law.modes) for powers in pair]
            for pair in self.orders
        ]
        every = [_parts(m, n) for m, n in pairs]
        orders = list(dict.fromkeys(left for parts in every for _, _, left in parts))
        known = dict(zip(orders, law.moments(state, orders), strict=True))
        found = [
            self.gain ** (sum(m) + sum(n))
            * sum(ways * self.added**k * known[left] for ways, k, left in parts)
            for (m, n), parts in zip(pairs, every, strict=True)
        ]
        return Moments.stack(jnp.stack(found))

    def outcomes(self, key: Array, alpha: ArrayLike) -> Complex[Array, "..."]:
        """Outcomes of this detector where one without error would read α.

        Args:
            key: random key of the added noise.
            alpha: outcomes of `jqd.states.sample_husimi`, any shape.

        Returns:
            g (α + ξ), of the shape of `alpha`.
        """
        alpha, key = jnp.asarray(alpha), _checks.single_key(key)
        x, y = jax.random.normal(key, (2, *alpha.shape), self.added.dtype)
        return self.gain * (alpha + jnp.sqrt(self.added / 2) * jax.lax.complex(x, y))
