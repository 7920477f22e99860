"""Bell's chain: the jumps of one of many copying systems."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jqd._math import abs2, safe_divide
from jqd.ensembles.copying.follow import admit, follow, one_way_flow
from jqd.ensembles.copying.validity import LEAST_COPIES
from jqd.laws import CopyDynamics


class BellChain(eqx.Module):
    """The jump process of a tagged individual in an infinite ensemble.

    Attributes:
        ts: times, shape (T,).
        density: ρ_a of the ensemble, (T, M).
        transition: P[a, b], probability to be in class a for one that began in class b,
            (T, M, M); columns sum to 1.
        error: estimate of the error of `transition` by steps, (T, M, M).
        least_density: smallest density of any class up to each time, (T,).
    """

    ts: Float[Array, " T"]
    density: Float[Array, "T M"]
    transition: Float[Array, "T M M"]
    error: Float[Array, "T M M"]
    least_density: Float[Array, " T"]

    @property
    def memory(self) -> Float[Array, " T"]:
        """Largest total variation between individuals of different beginnings.

        max_{b,c} ½ Σ_a |P_ab - P_ac|, the bound on the contraction of any two
        distributions (Dobrushin's coefficient); 1 at first, 0 when all is forgotten
        """
        columns = jnp.swapaxes(self.transition, -1, -2)
        apart = jnp.abs(columns[:, :, None, :] - columns[:, None, :, :])
        return jnp.max(jnp.sum(apart, axis=-1), axis=(1, 2)) / 2

    @property
    def distance(self) -> Float[Array, "T M"]:
        """Total variation between individuals that began in class b and the ensemble.

        ½ Σ_a |P_ab - ρ_a|
        """
        apart = jnp.abs(self.transition - self.density[:, :, None])
        return jnp.sum(apart, axis=1) / 2

    def valid(self, copies: ArrayLike) -> Bool[Array, " T"]:
        """Whether N copies leave at least 20 in every class up to each time.

        That is of N ρ_min alone: how the ensemble's own scatter grows with time is
        what `linear_noise(...).valid` looks at.
        """
        return jnp.asarray(copies) * self.least_density >= LEAST_COPIES


def bell_chain(
    law: CopyDynamics, psi0: ArrayLike, ts: ArrayLike, *, substeps: int | Array = 200
) -> BellChain:
    """Transition probabilities of a tagged individual among N → ∞ copying systems.

    dP_ab/dt = Σ_c (T_{c→a} P_cb - T_{a→c} P_ab),  T_{b→a} = (ρ_a/ρ_b)^q A_ab

    At the quantum point T_{b→a} = [J_ab]⁺/ρ_b, Bell's minimal jump process, and P ρ(0)
    is ρ(t). Individuals forget their beginning where systems are exchanged both ways
    in turn; in a state without currents, as a real eigenstate, none ever moves.
    Second order in the step where a current changes sign, fourth order elsewhere. Works
    under jit, vmap and grad.

    Args:
        law: copy dynamics.
        psi0: ψ at ts[0], (M,), normalised.
        ts: times, (T,), strictly increasing.
        substeps: Runge-Kutta steps between two times.

    Returns:
        The chain at all times.

    Raises:
        ValueError: another law, ψ of the wrong shape or norm, times not increasing.

    Source: Smolin (2012), eq. (39); J. S. Bell (1984), Beables for quantum field
    theory; J. C. Vink (1993) Phys. Rev. A 48, 1808.
    """
    return _bell_chain(*admit(law, psi0, ts, substeps), substeps)


@eqx.filter_jit
def _bell_chain(law, psi, ts, substeps):
    start = jnp.eye(psi.shape[0], dtype=ts.dtype)
    path = follow(law, psi, ts, _jump, start, substeps)
    return BellChain(ts, abs2(path.psi), path.sums, path.error(), path.least_density)


def _jump(law: CopyDynamics, psi: Array, P: Array) -> Array:
    """dP/dt of the chain."""
    T = one_way_flow(law, psi) * safe_divide(1, abs2(psi))[None, :]
    return T @ P - jnp.sum(T, axis=0)[:, None] * P
