"""States of bosonic modes by their constants: no levels, and an exact window of C.

C_max is one more than the largest order at which the ordered characteristic function of
a state is square integrable. It is not continuous: a ket that is cut off has C_max = 2
whatever its value was before, and a share of 1e-9 of another state has its full effect.
So a state declares its C_max, which no array determines.
"""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from .._math import expi
from ..constants import constant, fixed, free, parts, scalars
from ..spaces.fock import complex_type
from .bosonic import cat, coherent, squeezed
from .ensemble import LOSS, Ensemble, Seed, State, as_ensemble


class GaussianState(State):
    """A displaced, squeezed, thermal state of one mode: any Gaussian state.

    ρ = D(α) S(r e^(iθ)) ρ_n̄ S† D†,   C_max = 1 + (2n̄ + 1) e^(-2|r|)

    A coherent state has C_max = 2, a thermal one 2(n̄ + 1). A fit cannot free an
    attribute that is None.

    Attributes:
        alpha: α, complex scalar.
        r: squeezing, of either sign, scalar, or None; positive r narrows X at θ = 0.
        angle: θ, radians, scalar, or None.
        nbar: n̄, mean number of thermal quanta, scalar, or None for a pure state.
    """

    alpha: Complex[Array, ""]
    r: Float[Array, ""] | None
    angle: Float[Array, ""] | None
    nbar: Float[Array, ""] | None = free(bounds=(0.0, np.inf), span=(0.0, 0.2))

    def __init__(
        self,
        alpha: ArrayLike = 0.0,
        r: ArrayLike | None = None,
        angle: ArrayLike | None = None,
        nbar: ArrayLike | None = None,
    ):
        """The state of these constants.

        Args:
            alpha: α, scalar.
            r: scalar.
            angle: θ, scalar; only beside r.
            nbar: n̄, scalar.

        Raises:
            ValueError: not finite scalars, r, angle or nbar not real, nbar negative, an
                angle without r.
        """
        _checks.check_finite(alpha, "alpha", ())
        if angle is not None and r is None:
            raise ValueError("Argument `angle` must be None without r, but is given.")
        self.alpha = jnp.asarray(alpha).astype(complex_type(jnp.asarray(alpha)))
        self.r = None if r is None else scalars(r=r)[0]
        self.angle = None if angle is None else scalars(angle=angle)[0]
        if nbar is not None:
            _checks.check_not_negative(nbar, "nbar", ())
        self.nbar = None if nbar is None else scalars(nbar=nbar)[0]

    @property
    def modes(self) -> int:
        """One mode."""
        return 1

    @property
    def largest_C(self) -> Float[Array, ""]:
        """1 + (2n̄ + 1) e^(-2|r|)"""
        return 1 + jnp.minimum(*self._spreads())

    def _spreads(self) -> tuple[Array, Array]:
        """Variances over those of the vacuum, along X and Y where θ = 0."""
        one = jnp.ones((), self.alpha.real.dtype)
        noise = one if self.nbar is None else 2 * self.nbar + 1
        r = 0 * one if self.r is None else self.r
        return noise * jnp.exp(-2 * r), noise * jnp.exp(2 * r)

    def seeds(self, levels: tuple[int, ...]) -> tuple[Seed, ...]:
        """The one pure state from which an amplifier makes this state.

        From a ket squeezed by r' = ln[(1+b)/(1+a)]/2, a gain G = (1+a)(1+b)/(2+a+b)
        makes variances of a and b times those of the vacuum.
        """
        gain, beta, r = None, self.alpha, self.r
        if self.nbar is not None:
            a, b = self._spreads()
            gain = (1 + a) * (1 + b) / (2 + a + b)
            beta, gain = beta / jnp.sqrt(gain), gain[None]
            r = None if r is None else jnp.log((1 + b) / (1 + a)) / 2
        if r is None:
            ket = coherent(beta, levels[0])
        else:
            angle = 0.0 if self.angle is None else self.angle
            ket = squeezed(r, levels[0], angle=angle, displacement=beta)
        return (_seed(ket, gain),)

    def gaussian(self) -> tuple[Complex[Array, " 1"], Float[Array, "2 2"]]:
        """α and [(2n̄ + 1)/4] S Sᵀ"""
        noise = 1.0 if self.nbar is None else 2 * self.nbar + 1
        zero = jnp.zeros((), self.alpha.real.dtype)
        r = zero if self.r is None else self.r
        angle = zero if self.angle is None else self.angle
        return self.alpha[None], noise * _squeezed_covariance(r, angle, np.eye(1))


class TwoModeSqueezed(State):
    """The squeezed vacuum of two modes.

    exp(ζ* ab - ζ a†b†)|00> = Σ_n (-e^(iθ) tanh r)^n |nn> / cosh r,
    C_max = 1 + e^(-2|r|)

    Attributes:
        r: squeezing, of either sign, scalar.
        angle: θ, radians, scalar.
    """

    r: Float[Array, ""]
    angle: Float[Array, ""]

    def __init__(self, r: ArrayLike, angle: ArrayLike = 0.0):
        """The state of this squeezing.

        Args:
            r: scalar.
            angle: θ, scalar.

        Raises:
            ValueError: not finite real scalars.
        """
        self.r, self.angle = scalars(r=r, angle=angle)

    @property
    def modes(self) -> int:
        """Two modes."""
        return 2

    @property
    def largest_C(self) -> Float[Array, ""]:
        """1 + e^(-2|r|)"""
        return 1 + jnp.exp(-2 * jnp.abs(self.r))

    def seeds(self, levels: tuple[int, ...]) -> tuple[Seed, ...]:
        """The ket, cut off."""
        kept = min(levels)
        ratio = -expi(self.angle) * jnp.tanh(self.r)
        powers = jnp.broadcast_to(ratio, (kept - 1,))
        powers = jnp.cumprod(jnp.concatenate([jnp.ones_like(ratio)[None], powers]))
        if _checks.is_concrete(self.r):
            share = math.tanh(abs(float(self.r))) ** 2
            if share**kept > LOSS:
                raise ValueError(
                    "Argument `levels` must be at least "
                    f"{math.ceil(math.log(LOSS) / math.log(share))} for this state to "
                    f"lose no more than {LOSS:g} of its norm, but it is {kept}."
                )
        n = np.arange(kept)
        ket = jnp.zeros(levels, powers.dtype).at[n, n].set(powers / jnp.cosh(self.r))
        return (_seed(ket),)

    def gaussian(self) -> tuple[Complex[Array, " 2"], Float[Array, "4 4"]]:
        """0 and the covariance, where <ab> = -e^(iθ) sinh(2r)/2."""
        swap = np.array([[0.0, 1.0], [1.0, 0.0]])
        cov = _squeezed_covariance(self.r, self.angle, swap)
        return jnp.zeros(2, complex_type(self.r)), cov


class Cat(State):
    """A superposition of coherent or of displaced squeezed states of one mode.

    |ψ> = Σ_k c_k D(α_k) S(r e^(iθ))|0> / norm,   C_max = 1 + e^(-2|r|)

    Attributes:
        alphas: α_k, (K,).
        weights: c_k, (K,), complex; not constants of a fit.
        r: squeezing of all components, scalar.
        angle: θ, scalar.
    """

    alphas: Complex[Array, " K"]
    r: Float[Array, ""]
    angle: Float[Array, ""]
    weights: Complex[Array, " K"] = fixed()

    def __init__(
        self,
        alphas: ArrayLike,
        weights: ArrayLike,
        *,
        r: ArrayLike = 0.0,
        angle: ArrayLike = 0.0,
    ):
        """The superposition of these components.

        Args:
            alphas: α_k, (K,).
            weights: c_k, (K,).
            r: scalar.
            angle: θ, scalar.

        Raises:
            ValueError: shapes differ, or not finite.
        """
        _checks.check_shape(alphas, "alphas", (None,))
        _checks.check_shape(weights, "weights", np.shape(alphas))
        _checks.check_finite(alphas, "alphas")
        _checks.check_finite(weights, "weights")
        kind = complex_type(jnp.asarray(alphas))
        self.alphas = jnp.asarray(alphas).astype(kind)
        self.weights = jnp.asarray(weights).astype(kind)
        self.r, self.angle = scalars(r=r, angle=angle)

    @property
    def modes(self) -> int:
        """One mode."""
        return 1

    @property
    def largest_C(self) -> Float[Array, ""]:
        """1 + e^(-2|r|)"""
        return 1 + jnp.exp(-2 * jnp.abs(self.r))

    def seeds(self, levels: tuple[int, ...]) -> tuple[Seed, ...]:
        """The ket, cut off."""
        options = {"r": self.r, "angle": self.angle}
        return (_seed(cat(self.alphas, self.weights, levels[0], **options)),)


class Finite(State):
    """A superposition or mixture of number states that ends with its last level.

    C_max = 2. The array holds the whole state, as `number_state(n, n + 1)` does; do not
    declare an array as `Finite` that merely cuts a state off.

    Attributes:
        table: the state as weighted kets.
    """

    table: Ensemble = fixed()

    def __init__(self, state: Any, modes: int = 1):
        """The state of these amplitudes.

        Args:
            state: anything that `as_ensemble` takes.
            modes: N.

        Raises:
            ValueError: see `as_ensemble`.
        """
        self.table = as_ensemble(state, modes)

    @property
    def modes(self) -> int:
        """Number of modes N."""
        return self.table.modes

    @property
    def largest_C(self) -> Float[Array, ""]:
        """2"""
        return jnp.full((), 2.0, self.table.weights.dtype)

    def seeds(self, levels: tuple[int, ...]) -> tuple[Seed, ...]:
        """The kets, with empty levels above."""
        own = self.table.levels
        if any(have > kept for have, kept in zip(own, levels, strict=True)):
            raise ValueError(
                f"Argument `levels` must be at least {own} for this state, but is "
                f"{levels}."
            )
        pads = [(0, kept - have) for have, kept in zip(own, levels, strict=True)]
        kets, weights = jnp.pad(self.table.kets, [(0, 0), *pads]), self.table.weights
        return tuple(Seed(weights[k], kets[k]) for k in range(kets.shape[0]))


class Product(State):
    """A product of states of uncorrelated modes: ρ = ρ_1 ⊗ ρ_2 ⊗ ..

    C_max is the smallest of its parts' values.

    Attributes:
        states: states of one or more modes each.
    """

    states: tuple[State, ...] = parts(each="part")

    def __init__(self, *states: State):
        """The product of the given states.

        Args:
            *states: states of one or more modes each.

        Raises:
            ValueError: no states, or something that is not a `State`.
        """
        self.states = _read_states(states)

    @property
    def modes(self) -> int:
        """The modes of all parts."""
        return sum(state.modes for state in self.states)

    @property
    def largest_C(self) -> Float[Array, ""]:
        """The smallest value of the parts."""
        return _least(self.states)

    def seeds(self, levels: tuple[int, ...]) -> tuple[Seed, ...]:
        """Each seed of one part with each of the others."""
        whole, first = None, 0
        for state in self.states:
            own = state.seeds(levels[first : first + state.modes])
            first += state.modes
            whole = (
                own
                if whole is None
                else tuple(_beside(one, other) for one in whole for other in own)
            )
        return whole or ()

    def gaussian(self) -> tuple[Array, Array] | None:
        """The moments of the parts side by side, where all parts are Gaussian."""
        found = [state.gaussian() for state in self.states]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            return None
        means, covs = zip(*known, strict=True)
        # (X, Y) of each part -> all X, then all Y
        halves = [jnp.reshape(c, (2, len(c) // 2, 2, len(c) // 2)) for c in covs]
        blocks = [
            [
                jax.scipy.linalg.block_diag(*(h[i, :, j, :] for h in halves))
                for j in (0, 1)
            ]
            for i in (0, 1)
        ]
        return jnp.concatenate(means), jnp.block(blocks)


class Mixture(State):
    """ρ = Σ_j p_j ρ_j, p_j > 0, whose C_max is the least of its components.

    This holds however small a share is: within any distance of a state there is one
    whose window ends at C = 1.

    Attributes:
        probabilities: p_j, (J,).
        states: ρ_j, all with the same number of modes.
    """

    probabilities: Float[Array, " J"]
    states: tuple[State, ...] = parts(each="part")

    def __init__(self, probabilities: ArrayLike, states: Sequence[State]):
        """The mixture of states with these probabilities.

        Args:
            probabilities: p_j, (J,), positive, of sum 1.
            states: ρ_j, one for each probability, all with the same number of modes.

        Raises:
            ValueError: probabilities that are not positive or whose sum is not 1, or
                states that differ from them in number, or from one another in modes.
        """
        _checks.check_type(states, "states", list | tuple, "a list of states")
        self.states = _read_states(tuple(states))
        _checks.check_positive(probabilities, "probabilities", (len(self.states),))
        self.probabilities = constant(probabilities, "probabilities")
        if _checks.is_concrete(probabilities):
            total = float(np.sum(np.asarray(probabilities)))
            if not abs(total - 1) <= LOSS:
                raise ValueError(
                    "Argument `probabilities` must be of sum 1, but their sum is "
                    f"{total:.9g}."
                )
        if len({state.modes for state in self.states}) > 1:
            raise ValueError(
                "Argument `states` must have as many modes each, but have "
                f"{[state.modes for state in self.states]}."
            )

    @property
    def modes(self) -> int:
        """Number of modes N."""
        return self.states[0].modes

    @property
    def largest_C(self) -> Float[Array, ""]:
        """The smallest value of the components."""
        return _least(self.states)

    def seeds(self, levels: tuple[int, ...]) -> tuple[Seed, ...]:
        """The seeds of the components, each weighted with its probability."""
        return tuple(
            seed._replace(weight=self.probabilities[j] * seed.weight)
            for j, state in enumerate(self.states)
            for seed in state.seeds(levels)
        )


def _seed(ket: Array, gain: Array | None = None) -> Seed:
    return Seed(jnp.ones((), ket.real.dtype), ket, gain)


def _beside(one: Seed, other: Seed) -> Seed:
    gain = None
    if one.gain is not None or other.gain is not None:
        gain = jnp.concatenate(
            [
                jnp.ones(seed.ket.ndim, seed.weight.dtype)
                if seed.gain is None
                else seed.gain
                for seed in (one, other)
            ]
        )
    ket = jnp.tensordot(one.ket, other.ket, axes=0)
    return Seed(one.weight * other.weight, ket, gain)


def _least(states: tuple[State, ...]) -> Float[Array, ""]:
    return jnp.min(jnp.stack([state.largest_C for state in states]))


def _read_states(states: tuple[Any, ...]) -> tuple[State, ...]:
    if not states or not all(isinstance(state, State) for state in states):
        raise ValueError(
            "Argument `states` must be described states, at least one, but is "
            f"{[type(state).__name__ for state in states]}."
        )
    return states


def _squeezed_covariance(
    r: Array, angle: Array, pairs: np.ndarray
) -> Float[Array, "2N 2N"]:
    """Of the Wigner function of a squeezed vacuum, a quarter of 1 at r = 0.

    Args:
        r: scalar.
        angle: θ, scalar.
        pairs: symmetric matrix of the modes that are squeezed with each other, (N, N).
    """
    even = jnp.cosh(2 * r) * np.eye(len(pairs))
    turn = jnp.sinh(2 * r) * jnp.cos(angle) * pairs
    lean = jnp.sinh(2 * r) * jnp.sin(angle) * pairs
    return jnp.block([[even - turn, -lean], [-lean, even + turn]]) / 4
