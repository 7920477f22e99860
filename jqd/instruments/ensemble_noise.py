"""Data of one finite ensemble that copies itself: rows are correlated."""

from functools import partial
from typing import ClassVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .. import _checks
from .._math import inverse_root, matmul, safe_divide, safe_log
from ..constants import constant
from ..ensembles.copying.laws_of_noise import LEAST_COPIES
from ..ensembles.copying.linear_noise import linear_noise
from ..ensembles.copying.populations import INITIAL
from ..ensembles.copying.rates import check_motion
from ..laws import CopyDynamics
from ..laws.motion import Motion
from .counts import count_errors
from .noise import Course, Noise

# A direction whose variance, times N, is below this does not scatter: an exact initial
# state, the sum of all shares, links without currents. Rounding leaves some 1e-16.
FLOOR = 1e-10


class Whitening(eqx.Module):
    """Transforms deviations of correlated rows into independent ones of unit variance.

    The deviation is a Gauss-Markov process of which each row shows the density alone:
    a Kalman filter predicts row k from the rows before, and the remainders are
    independent. So rows left out at the end change nothing for those before.

    Attributes:
        flow: propagator of the hidden deviation from the row before, (T, d, d).
        readout: matrix from it to the density, (T, M, d).
        gain: gain of the filter, (T, d, M).
        root: N^½ Σ^(-½) of what the rows before do not predict, (T, M, M).
        log_scatter: ln det Σ of it, over the directions that scatter, (T,).
        rank: number of directions that scatter, (T,).
        least_copies: smallest mean number of systems in a class, N min ρ.
        needed_copies: number that it must reach, see `LinearNoise.valid`.
    """

    flow: Float[Array, "T d d"]
    readout: Float[Array, "T M d"]
    gain: Float[Array, "T d M"]
    root: Float[Array, "T M M"]
    log_scatter: Float[Array, " T"]
    rank: Float[Array, " T"]
    least_copies: Float[Array, ""]
    needed_copies: Float[Array, ""]

    def __call__(self, deviation: Float[Array, "T M"]) -> Float[Array, "T M"]:
        """Independent residuals of unit variance."""

        def row(hidden, step):
            flow, readout, gain, root, seen = step
            hidden = matmul(flow, hidden)
            news = seen - matmul(readout, hidden)
            return hidden + matmul(gain, news), matmul(root, news)

        steps = (self.flow, self.readout, self.gain, self.root, deviation)
        hidden = jnp.zeros(self.flow.shape[-1], deviation.dtype)
        return jax.lax.scan(row, hidden, steps)[1]

    def without_start(self) -> "Whitening":
        """The same for rows without the initial state, which was not seen."""
        own = (self.flow, self.readout, self.gain, self.root, self.log_scatter)
        flow, readout, gain, root, log_scatter = (leaf[1:] for leaf in own)
        return Whitening(
            flow, readout, gain, root, log_scatter, self.rank[1:],
            self.least_copies, self.needed_copies,
        )  # fmt: skip


class EnsembleNoise(Noise):
    """Counts of one ensemble of N copying systems, measured again and again.

    The scatter at one time persists at all later times, so that rows are correlated and
    error bars from independent rows are several times too small. The covariance is that
    of linear noise, `jqd.ensembles.copying.linear_noise`, at the present fit;
    generalised least squares use it, renewed until it converges.

    Attributes:
        copies: N, scalar.
        initial: "rounded", an ensemble that began exactly as ρ, or "drawn", N draws
            (static).
    """

    copies: Float[Array, ""] = eqx.field(converter=partial(constant, name="copies"))
    initial: str = eqx.field(static=True, default="rounded")
    constant_weights: ClassVar[bool] = False

    def __check_init__(self) -> None:
        _checks.check_choice(self.initial, "initial", INITIAL)
        _checks.check_positive(self.copies, "copies", ())

    def residuals(self, prediction: Array, values: Array, at: Whitening) -> Array:
        """Independent residuals of unit variance."""
        return at(prediction - self.shares(values))

    def log_likelihood(
        self, prediction: Array, values: Array, at: Whitening
    ) -> Float[Array, " T"]:
        """ln of the probability of each row given those before."""
        misses = jnp.sum(self.residuals(prediction, values, at) ** 2, axis=1)
        return -(misses + at.log_scatter) / 2

    def outcomes(self, values: Array) -> None:
        """None: rows are not independent, since each goes on from the earlier ones."""

    def shares(self, values: Array) -> Array:
        """Relative frequencies of the classes."""
        return values / self.copies

    def first_weights(self, shares: Float[Array, "T M"]) -> Whitening:
        """Weights as if every row were N independent shots: only a first guess."""
        rows, size = shares.shape
        # half a count at least, as for `Multinomial`
        p = jnp.maximum(shares, 0.5 / self.copies)
        shots = p[:, :, None] * (jnp.eye(size)[None] - p[:, None, :])
        root, log_scatter, rank, _ = jax.vmap(self._root)(shots)
        hidden = jnp.zeros((rows, 2 * size, 2 * size), p.dtype)
        read = jnp.zeros((rows, size, 2 * size), p.dtype)
        gain = jnp.swapaxes(read, 1, 2)
        least = self.copies * jnp.min(p)
        needed = jnp.full_like(least, LEAST_COPIES)
        return Whitening(hidden, read, gain, root, log_scatter, rank, least, needed)

    def weights(self, prediction: Array, values: Array, course: Course) -> Whitening:
        """Weights of linear noise at the fit; `first_weights` where that has none."""
        del prediction
        law, state0, ts, substeps = course()
        copying = cast(CopyDynamics, law)  # `check_law` saw to that
        whitening = self.along(copying, copying.psi(state0), ts, substeps)
        if ts.shape[0] > values.shape[0]:
            whitening = whitening.without_start()
        sound = [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(whitening)]
        known = jnp.all(jnp.stack(sound))
        fallback = self.first_weights(self.shares(values))
        # a motion that ends at a node has no scatter that is known
        unknown = jnp.full_like(fallback.needed_copies, jnp.inf)
        fallback = eqx.tree_at(lambda at: at.needed_copies, fallback, unknown)
        return jax.tree.map(lambda a, b: jnp.where(known, a, b), whitening, fallback)

    def penalty(self, at: Whitening, mask: Array) -> Float[Array, ""]:
        """Σ ln det Σ: the price of a wide scatter, which would explain everything."""
        return jnp.sum(jnp.where(mask > 0, at.log_scatter, 0))

    def independent(
        self, values: Array, at: Whitening, mask: Array
    ) -> Float[Array, ""]:
        """Number of directions that scatter."""
        del values
        return jnp.sum(jnp.where(mask > 0, at.rank, 0))

    def holds(self, at: Whitening) -> Bool[Array, ""]:
        """Whether every class holds enough copies for linear noise."""
        return at.least_copies >= at.needed_copies

    def complaint(self, at: Whitening) -> str | None:
        """The reason why linear noise does not describe the scatter, or None."""
        if bool(self.holds(at)):
            return None
        least, needed = float(at.least_copies), float(at.needed_copies)
        if np.isinf(needed):
            return (
                "The motion meets a node, where linear noise ends; the standard errors "
                "are those of independent shots, which may be several times too small."
            )
        return (
            f"The smallest class holds {least:.2g} copies on average at one time; with "
            f"fewer than {needed:.3g} linear noise was found to be off by 10 % and "
            "more, and the standard errors may not hold."
        )

    def errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """√(N p) / N, as of independent shots."""
        return count_errors(values, expected)

    def along(
        self, law: CopyDynamics, psi: Array, ts: Array, substeps: int | Array
    ) -> Whitening:
        """Weights of linear noise along the mean-field motion of a law.

        Args:
            law: copy dynamics.
            psi: ψ at ts[0], (M,).
            ts: the initial time and then those of the rows, (T,).
            substeps: Runge-Kutta steps between two times.

        Returns:
            Whitening of the rows at all `ts`.
        """
        noise = linear_noise(law, psi, ts, initial=self.initial, substeps=substeps)
        still = jnp.zeros_like(noise.flow[:1])
        flow = jnp.concatenate([still, noise.flow])
        kicks = jnp.concatenate([noise.state_covariance[:1], noise.kicks])
        # steps keep Σρ to their own error alone; the scatter must keep it exactly
        readout = noise.readout
        readout = readout - jnp.mean(readout, axis=1, keepdims=True)

        def row(C, step):
            flow, kicks, readout = step
            C = matmul(matmul(flow, C), flow.T) + kicks
            seen = matmul(C, readout.T)
            root, log_scatter, rank, inverse = self._root(matmul(readout, seen))
            gain = matmul(seen, inverse)
            C = C - matmul(gain, matmul(readout, C))
            return (C + C.T) / 2, (gain, root, log_scatter, rank)

        steps = (flow, kicks, readout)
        _, (gain, root, log_scatter, rank) = jax.lax.scan(row, still[0], steps)
        least, needed = self.copies * noise.least_density[-1], noise.least_copies[-1]
        return Whitening(flow, readout, gain, root, log_scatter, rank, least, needed)

    def _root(self, covariance: Array) -> tuple[Array, Array, Array, Array]:
        """N^½ Σ^(-½), ln det Σ, rank and Σ⁻¹ on the directions that scatter."""
        variances, axes = jnp.linalg.eigh(covariance)
        scatters = variances > FLOOR
        root = matmul(axes * inverse_root(variances, scatters)[None, :], axes.T)
        inverse = matmul(axes * safe_divide(1, variances, scatters)[None, :], axes.T)
        # Shares always sum to 1; those of a row that a run does not reach do not, and
        # must count for something.
        size = covariance.shape[0]
        root = jnp.sqrt(self.copies) * (root + 1 / size)
        rank = jnp.sum(scatters).astype(covariance.dtype)
        return root, jnp.sum(safe_log(variances, scatters)), rank, inverse

    def check_law(self, law: Motion) -> None:
        """Raise ValueError unless the law has this kind of scatter."""
        try:
            check_motion(cast(CopyDynamics, law))
        except ValueError as error:
            raise ValueError(
                "Argument `noise` must not be an EnsembleNoise for this law, but is: "
                f"{type(law).__name__} has no ensemble of systems that copy each other "
                "by its constants alone."
            ) from error

    def check(self, values: Array) -> None:
        """Raise ValueError unless every row holds the same N systems.

        Raises:
            ValueError: negative or fractional counts, or another sum.
        """
        _checks.check_shape(values, "values", (None, None))
        if not _checks.is_concrete((values, self.copies)):
            return
        counts, copies = np.asarray(values), np.asarray(self.copies).item()
        bad = np.argwhere((counts < 0) | (counts != np.round(counts)))
        if bad.size:
            row, column = bad[0][:2]
            raise ValueError(
                "Argument `values` must hold counts, whole numbers that are not "
                f"negative, but row {row} has {counts[row, column]:g} in column "
                f"{column}."
            )
        sums = counts.sum(axis=-1)
        if np.any(sums != copies):
            row = int(np.flatnonzero(sums != copies)[0])
            raise ValueError(
                "Argument `values` must hold the same copies in each row, one ensemble "
                f"over time, but row {row} has {sums[row]:.0f} where N = {copies:.0f}; "
                "the noise of independent shots is 'multinomial'."
            )
