"""A displaced thermal state: a coherent state as a laboratory prepares it."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ...constants import free, scalars
from ...spaces.fock import coherent_amplitudes
from ...states import Ensemble
from ..start import Start
from .starts import amplify

# Share of the trace that the series in n0/(1 + n0) may leave out.
LOSS = 1e-8


class DisplacedThermal(Start):
    """A coherent state on top of n0 thermal quanta.

    Q(α) = exp(-|α - α_0|²/(1 + n0)) / (π (1 + n0)),   <a†a> = |α_0|² + n0

    Attributes:
        alpha: α_0, complex scalar.
        n0: mean number of thermal quanta, scalar, not negative.
        levels: number of levels d (static).
        orders: terms of the series in n0/(1 + n0) that are kept (static).
    """

    alpha: Complex[Array, ""]
    levels: int = eqx.field(static=True)
    orders: int = eqx.field(static=True)
    n0: Float[Array, ""] = free(bounds=(0.0, np.inf), span=(0.0, 0.2))

    def __init__(
        self,
        alpha: ArrayLike,
        n0: ArrayLike = 0.0,
        *,
        levels: int = 40,
        orders: int = 12,
    ):
        """The state of these quanta.

        Args:
            alpha: α_0, scalar.
            n0: thermal quanta, scalar.
            levels: number of levels.
            orders: terms of the series; a state that loses more than 1e-8 of its trace
                is refused, or NaN where its constants are traced.

        Raises:
            ValueError: alpha or n0 not finite, n0 negative, too few levels or orders.
        """
        _checks.check_finite(alpha, "alpha", ())
        given = jnp.asarray(alpha)
        self.alpha = given.astype(jnp.result_type(given.dtype, float, complex))
        (self.n0,) = scalars(n0=n0)
        _checks.check_not_negative(n0, "n0")
        self.levels = _checks.whole_number(levels, "levels", 1)
        self.orders = _checks.whole_number(orders, "orders", 0)
        if _checks.is_concrete((self.alpha, self.n0)):
            lost = 1 - float(self._kets().trace())
            if not abs(lost) < LOSS:
                raise ValueError(
                    "Arguments `levels` and `orders` must be enough for alpha and n0, "
                    f"but {lost:.2g} of the trace is lost."
                )

    def _kets(self) -> Ensemble:
        # a coherent state at ħ (1 + n0), seen at ħ
        gain = 1 + self.n0
        ket = coherent_amplitudes(self.alpha / jnp.sqrt(gain), self.levels)
        pure = Ensemble(ket[None], jnp.ones(1, self.n0.dtype))
        return amplify(pure, 1 / gain, (self.levels,), self.orders)

    def state(self) -> Ensemble:
        """The state as weighted kets; NaN where levels or orders are too few."""
        kets = self._kets()
        sound = jnp.abs(1 - kets.trace()) < LOSS
        weights = jnp.where(sound, kets.weights, jnp.nan)
        return Ensemble(kets.kets, weights, 2 * (1 + self.n0))
