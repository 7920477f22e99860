"""GRW: a particle on a grid that is localised by hits at random times."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from ..._math import divisor
from ...constants import constant, parts
from ...steppers import strang
from ..groups import Lens
from ..law import norm_alone
from .collapse import draw_class, undifferentiated
from .decoherence import Decoherence
from .jumping_paths import JumpingKet, JumpingPaths
from .localisation_kernels import GaussianDecay, positive, squared
from .quantum import hamiltonian_of, read_on_grid
from .self_potential import Departure


class GRW(JumpingPaths, Departure):
    """Schrödinger's law, and hits at the rate λ:

        ψ(x) <- exp(-(x - z)²/2r_C²) ψ(x), normalised,

    z with the density ∫ |ψ(x)|² exp(-(x - z)²/r_C²) dx / (√π r_C)^d: a place drawn from
    |ψ|² plus a normal number of variance r_C²/2 in each dimension. This is spontaneous
    localisation after Ghirardi, Rimini and Weber, for one particle. The mean of |ψ⟩⟨ψ|
    obeys `Decoherence` with Γ = λ (1 - exp(-d²/4r_C²)). A step is half a step of H
    (Strang's), its hits, however many, and half a step of H: of order 2 in the mean,
    exact at any dt where H = 0. Each path has its own random numbers, whatever its
    steps, so that `jqd.evolve` compares steps with halved ones under the same hits.

    Paths have no derivatives: fits and gradients take `mean_field()`.

    Attributes:
        quantum: Schrödinger's law on a grid, with H and ħ.
        kernel: Γ, with `lam` and `r_C`.

    Source: G. C. Ghirardi, A. Rimini & T. Weber (1986) Phys. Rev. D 34, 470.
    """

    lens = Lens(lambda state: state.psi, lambda state, psi: state._replace(psi=psi))
    kernel: GaussianDecay = parts()

    def __init__(
        self, quantum: Any, lam: ArrayLike = 0.0, r_C: ArrayLike = 1.0
    ) -> None:
        """Hits at the rate λ, of width r_C.

        Args:
            quantum: a `Schrodinger` on a grid.
            lam: λ >= 0, in 1 over the unit of time.
            r_C: width, length.

        Raises:
            ValueError: no grid, an absorber; a constant out of its range.
        """
        self.quantum = read_on_grid(quantum)
        self.kernel = GaussianDecay(constant(lam, "lam"), constant(r_C, "r_C"))

    def prepare(self, psi: Any) -> JumpingKet:
        """A normalised ψ on the grid, from which every path starts.

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        return JumpingKet.start(self.quantum.prepare(psi))

    def mean_field(self) -> Decoherence:
        """The equation of the mean of |ψ⟩⟨ψ|."""
        return Decoherence(self.quantum, self.kernel)

    # -- what is seen ------------------------------------------------------------------

    invariants = norm_alone

    # -- dynamics ----------------------------------------------------------------------

    def vector_field(
        self, t: ArrayLike, state: JumpingKet, args: Any = None
    ) -> JumpingKet:
        """The drift between hits."""
        return JumpingKet(
            self.quantum.vector_field(t, state.psi, args),
            -self.kernel.lam,
            jnp.zeros_like(state.number),
            jnp.zeros_like(state.seed),
        )

    def _turned(
        self, t: ArrayLike, psi: Array, dt: ArrayLike, made: Any = None
    ) -> Array:
        """A step of Strang's."""
        return strang(self.quantum, t, psi, dt)

    def _jumped(self, state: JumpingKet, dt: Array) -> JumpingKet:
        """What the hits of an interval dt do."""
        state = state._replace(psi=undifferentiated(state.psi))
        lam, key = undifferentiated(self.kernel.lam), state.key()

        def wait(carry: tuple) -> tuple:
            state, left, _ = carry
            times, place = jax.random.split(jax.random.fold_in(key, state.number))
            # ln of the probability that no hit came yet, when it comes
            target = jnp.log1p(-jax.random.uniform(times, (), left.dtype))
            hit = state.survival - lam * left < target
            tau = (state.survival - target) / divisor(lam)
            tau = jnp.where(hit, jnp.clip(tau, 0, left), left)
            after = JumpingKet(
                jnp.where(hit, self._gathered(state.psi, place), state.psi),
                jnp.where(hit, 0, state.survival - lam * tau),
                state.number + hit,
                state.seed,
            )
            return after, left - tau, hit

        begin = (state, dt, jnp.asarray(True))
        return jax.lax.while_loop(lambda carry: carry[2], wait, begin)[0]

    def _gathered(self, psi: Array, key: Array) -> Array:
        """ψ after one hit."""
        grid, r_C = hamiltonian_of(self.quantum).grid, positive(self.kernel.r_C)
        p = self.quantum.density(psi)
        drawn, around = jax.random.split(key)
        point = draw_class(jnp.ravel(p), jax.random.uniform(drawn, (), p.dtype))
        index = jnp.unravel_index(point, grid.shape)
        off = r_C / jnp.sqrt(2 * jnp.ones_like(r_C))
        off = off * jax.random.normal(around, (grid.ndim,), p.dtype)
        apart = tuple(
            (x - jnp.ravel(x)[i]).astype(p.dtype) - away
            for x, i, away in zip(grid.coordinates, index, off, strict=True)
        )
        exponent = -squared(apart) / (2 * r_C**2)
        # relative to the point that was drawn, so that the norm does not vanish
        psi = psi * jnp.exp(exponent - exponent[index])
        return psi / jnp.sqrt(self.cell * jnp.sum(self.quantum.density(psi)))
