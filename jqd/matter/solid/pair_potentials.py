"""Energies of pairs of atoms as functions of their distance."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...constants import constant


class PairPotential(eqx.Module):
    """u(r), the energy of a pair of atoms.

    Constants are arrays, of shape () for all pairs alike, or with an entry for each
    pair: (B,) where a `Solid` has bonds, (N, N) where all pairs interact.
    """

    @abc.abstractmethod
    def __call__(self, r: Array) -> Array:
        """Energy at distances r."""

    def slope(self, r: Array) -> Array:
        """u'(r); minus the force along the pair."""
        return jax.jvp(self, (r,), (jnp.ones_like(r),))[1]

    def curvature(self, r: Array) -> Array:
        """u''(r), the stiffness of the pair."""
        return jax.jvp(self.slope, (r,), (jnp.ones_like(r),))[1]

    @property
    @abc.abstractmethod
    def rest(self) -> Array:
        """Distance at which the energy is least."""

    @property
    def core(self) -> Array:
        """Distance below which atoms overlap, which initial states may not have."""
        return jnp.zeros_like(self.rest)

    @property
    def reach(self) -> Array | None:
        """Distance beyond which the energy is exactly zero, or None."""
        return None


class Harmonic(PairPotential):
    """A spring: u = K (r - length)² / 2.

    Attributes:
        K: stiffness, energy per length².
        length: distance at rest.
    """

    K: Float[Array, "..."]
    length: Float[Array, "..."]

    def __init__(self, K: ArrayLike = 1.0, length: ArrayLike = 1.0):
        self.K, self.length = constant(K, "K"), constant(length, "length")
        _checks.check_all_real(K=self.K, length=self.length)
        _checks.check_positive(self.length, "length")

    def __call__(self, r: Array) -> Array:
        return self.K / 2 * (r - self.length) ** 2

    @property
    def rest(self) -> Array:
        return self.length


class FPUT(PairPotential):
    """An anharmonic spring: u = K d²/2 + alpha d³/3 + beta d⁴/4, d = r - length.

    Attributes:
        K: stiffness.
        alpha: cubic constant.
        beta: quartic constant.
        length: distance at rest.
    """

    K: Float[Array, "..."]
    alpha: Float[Array, "..."]
    beta: Float[Array, "..."]
    length: Float[Array, "..."]

    def __init__(
        self,
        K: ArrayLike = 1.0,
        alpha: ArrayLike = 0.0,
        beta: ArrayLike = 0.0,
        length: ArrayLike = 1.0,
    ):
        self.K, self.alpha = constant(K, "K"), constant(alpha, "alpha")
        self.beta, self.length = constant(beta, "beta"), constant(length, "length")
        _checks.check_all_real(K=K, alpha=alpha, beta=beta, length=length)
        _checks.check_positive(length, "length")

    def __call__(self, r: Array) -> Array:
        d = r - self.length
        return d**2 * (self.K / 2 + d * (self.alpha / 3 + d * self.beta / 4))

    @property
    def rest(self) -> Array:
        return self.length


class LennardJones(PairPotential):
    """u = 4 epsilon [(sigma/r)^12 - (sigma/r)^6], taken to zero between two distances.

    Between `inner` and `outer` the energy is multiplied by 1 - 10 t³ + 15 t⁴ - 6 t⁵,
    t = (r - inner)/(outer - inner). The first and second derivatives stay continuous,
    as steppers of order 4 and normal modes require.

    Attributes:
        epsilon: depth.
        sigma: distance at which u vanishes.
        inner: where the cut-off begins, or None for no cut-off.
        outer: where the energy is zero, or None.
    """

    epsilon: Float[Array, "..."]
    sigma: Float[Array, "..."]
    inner: Float[Array, ""] | None
    outer: Float[Array, ""] | None

    def __init__(
        self,
        epsilon: ArrayLike = 1.0,
        sigma: ArrayLike = 1.0,
        inner: ArrayLike | str | None = "auto",
        outer: ArrayLike | str | None = "auto",
    ):
        """Lennard and Jones's potential.

        Args:
            epsilon: depth.
            sigma: distance at which u vanishes.
            inner: where the cut-off begins; "auto" for twice the largest sigma.
            outer: where the energy is zero; "auto" for 2.5 times the largest sigma.

        Raises:
            ValueError: sigma not positive, or a cut that does not go from inner to
                outer.
        """
        self.epsilon, self.sigma = (
            constant(epsilon, "epsilon"),
            constant(sigma, "sigma"),
        )
        _checks.check_all_real(epsilon=epsilon)
        _checks.check_positive(self.sigma, "sigma")
        if (inner is None) != (outer is None):
            raise ValueError(
                "Argument `outer` must be given with `inner`, but one of them is None."
            )
        self.inner = _cut_at(inner, "inner", 2 * jnp.max(self.sigma))
        self.outer = _cut_at(outer, "outer", 2.5 * jnp.max(self.sigma))
        if self.inner is not None and self.outer is not None:
            _checks.check_positive(self.inner, "inner")
            _checks.check_positive(self.outer - self.inner, "outer - inner")

    def __call__(self, r: Array) -> Array:
        sixth = (self.sigma / r) ** 6
        return self._cut(r) * 4 * self.epsilon * sixth * (sixth - 1)

    def slope(self, r: Array) -> Array:
        """u'(r), in closed form, because a run spends most of its time on forces."""
        # divisions take most of the time: one for each pair
        inverse = 1 / r
        sixth = (self.sigma * inverse) ** 6
        steep = 24 * self.epsilon * sixth * (1 - 2 * sixth) * inverse
        if self.inner is None or self.outer is None:
            return steep
        width = self.outer - self.inner
        t = jnp.clip((r - self.inner) * (1 / width), 0, 1)
        fall = (-30 / width) * (t * (1 - t)) ** 2
        return self._cut(r) * steep + fall * 4 * self.epsilon * sixth * (sixth - 1)

    def _cut(self, r: Array) -> Array:
        if self.inner is None or self.outer is None:
            return jnp.ones_like(r)
        t = jnp.clip((r - self.inner) * (1 / (self.outer - self.inner)), 0, 1)
        return 1 - t**3 * (10 - t * (15 - 6 * t))

    @property
    def rest(self) -> Array:
        return 2 ** (1 / 6) * self.sigma

    @property
    def core(self) -> Array:
        return self.sigma / 2

    @property
    def reach(self) -> Array | None:
        return self.outer


def _cut_at(cut: ArrayLike | str | None, name: str, auto: Array) -> Array | None:
    if isinstance(cut, str):
        _checks.check_choice(cut, name, ("auto",))
        return auto
    return None if cut is None else constant(cut, name)


class Morse(PairPotential):
    """u = D [1 - exp(-a (r - r0))]² - D.

    Attributes:
        D: depth.
        a: inverse width.
        r0: distance at rest.
    """

    D: Float[Array, "..."]
    a: Float[Array, "..."]
    r0: Float[Array, "..."]

    def __init__(self, D: ArrayLike = 1.0, a: ArrayLike = 1.0, r0: ArrayLike = 1.0):
        self.D, self.a, self.r0 = constant(D, "D"), constant(a, "a"), constant(r0, "r0")
        _checks.check_all_real(D=D, a=a, r0=r0)
        _checks.check_positive(a, "a")
        _checks.check_positive(r0, "r0")

    def __call__(self, r: Array) -> Array:
        away = jnp.expm1(-self.a * (r - self.r0))
        return self.D * (away**2 - 1)

    @property
    def rest(self) -> Array:
        return self.r0


class PairFunction(PairPotential):
    """A pair energy that the user defines.

    Attributes:
        function: r -> u(r), elementwise; a function (static) or a PyTree with a
            `__call__`, whose array leaves are constants.
        length: distance at rest.
    """

    function: Any
    length: Float[Array, "..."]

    def __init__(self, function: Callable[[Array], Array], length: ArrayLike = 1.0):
        if not callable(function):
            raise ValueError(
                "Argument `function` must be a function of the distance, but is "
                f"{_checks.shown(function)}."
            )
        if not isinstance(function, eqx.Module | jax.tree_util.Partial):
            function = jax.tree_util.Partial(function)
        self.function = function
        self.length = constant(length, "length")
        _checks.check_positive(self.length, "length")

    def __call__(self, r: Array) -> Array:
        return self.function(r)

    @property
    def rest(self) -> Array:
        return self.length
