"""Common part of the laws of kets that jump at random times."""

import abc
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Int, UInt

from ..groups import Chance, StepNoise, Watch
from ..law import Law
from ..motion import Motion


class JumpingKet(NamedTuple):
    """A ket between two jumps.

    Attributes:
        psi: ψ, normalised, (n,) or of the shape of a grid.
        survival: ln of the probability that no jump came since the last one, scalar.
        number: number of jumps so far, scalar.
        seed: seed of this path's random numbers, (2,); drawn in its first step.
    """

    psi: Complex[Array, "..."]
    survival: Float[Array, ""]
    number: Int[Array, ""]
    seed: UInt[Array, "2"]

    @classmethod
    def start(cls, psi: Array) -> "JumpingKet":
        """A path without random numbers yet, which -1 jumps mark for `seeded`."""
        none = jnp.zeros((), jnp.real(psi).dtype)
        return cls(psi, none, jnp.asarray(-1), jnp.zeros(2, jnp.uint32))

    def seeded(self, uniforms: Array) -> "JumpingKet":
        """The ket, with random numbers of its own from its first step on."""
        begins = self.number < 0
        seed = (uniforms * 2.0**32).astype(self.seed.dtype)
        return self._replace(
            number=jnp.maximum(self.number, 0),
            seed=jnp.where(begins, seed, self.seed),
        )

    def key(self) -> Array:
        """The key of this path's random numbers."""
        return jax.random.fold_in(jax.random.key(self.seed[0]), self.seed[1])


class JumpingPaths(Law):
    """A law of kets that rotate under H, and jump at random times.

    A step is half a step of rotation, its jumps, and half a step of rotation. Each path
    has its own random numbers, whatever its steps.
    """

    @abc.abstractmethod
    def _turned(
        self, t: ArrayLike, psi: Array, dt: ArrayLike, made: Any = None
    ) -> Array:
        """ψ after an interval without jumps; `made` is what was made for it."""

    @abc.abstractmethod
    def _jumped(self, state: JumpingKet, dt: Array) -> JumpingKet:
        """What the jumps of an interval do."""

    @abc.abstractmethod
    def mean_field(self) -> Motion:
        """The equation of the mean of |ψ⟩⟨ψ|."""

    def chance(self) -> Chance:
        """No increments; two uniforms, of which the first step makes the seed.

        The random numbers do not depend on the steps: the law itself is pathwise.
        """
        return Chance(StepNoise((0,), (2,)), lambda: self, self.mean_field)

    def watch(self) -> Watch:
        """No difference: of two paths near a jump, one may be before, one after it."""
        return super().watch()._replace(difference=lambda one, other: None)

    def step(
        self,
        t: ArrayLike,
        state: JumpingKet,
        dt: ArrayLike,
        w: StepNoise | None = None,
    ) -> JumpingKet:
        """The ket at t + dt under the noise w, which must be given.

        Args:
            t: time, scalar.
            state: a ket.
            dt: step, scalar, positive.
            w: `uniforms`, (2,), used by the first step of a path.
        """
        if w is None:
            raise ValueError("Argument `w` must be the noise of the step, but is None.")
        return self.step_with(None, t, state, dt, w)

    def step_with(
        self,
        made: Any,
        t: ArrayLike,
        state: JumpingKet,
        dt: ArrayLike,
        *noise: StepNoise,
    ) -> JumpingKet:
        """As `step`, with what `made` gave for dt."""
        (w,) = noise
        state = state.seeded(w.uniforms)
        state = state._replace(psi=self._turned(t, state.psi, dt / 2, made))
        state = self._jumped(state, jnp.asarray(dt))
        psi = self._turned(t + dt / 2, state.psi, dt / 2, made)
        return state._replace(psi=psi)
