"""A fit as a function of one flat vector of free constants."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from .. import _checks
from ..evolution import Adaptive, Fixed, Propagator, Trajectory, evolve
from ..laws import constants
from .data import Data
from .ensemble_noise import EnsembleNoise

PHASES = "phase0"  # the unknown initial phases, a free constant of the state
# Weight of residuals past a node in a search. What the regulated law does there is
# rugged, but it is all that leads away from a node that later rows forbid.
PAST = 0.03

# What weights are taken from: shares, or a `Whitening` for rows that are correlated.
Weights = PyTree[Array]


class FitProblem(eqx.Module):
    """What is fitted to what.

    Attributes:
        law: the law; its free constants are replaced.
        psi0: the quantum state at `data.t0`, from `law.admit`; prepared anew for each
            value of the constants, since a law's state may depend on them.
        data: the record.
        free: names of the free constants (static), `phase0` for initial phases.
        observe: what the record shows, as for `jqd.evolve` (static).
        method: how to evolve.
    """

    law: Any
    psi0: PyTree[Array]
    data: Data
    free: tuple[str, ...] = eqx.field(static=True)
    observe: Any = eqx.field(static=True)
    method: Fixed | Adaptive | Propagator

    def theta(self) -> Float[Array, " p"]:
        """The free constants as they stand in the law."""
        return jnp.concatenate([self.pack(name) for name in self.free])

    def labels(self) -> list[str]:
        """A label for each entry of theta."""
        size = self.psi0.shape[-1] if PHASES in self.free else 0
        return [
            label
            for name in self.free
            for label in (
                [f"{PHASES}[{a}]" for a in range(size)]
                if name == PHASES
                else constants.labels(self.law, name)
            )
        ]

    def bounds(self) -> tuple[Array, Array]:
        """Where starts are drawn from: lower and upper ends, shape (p,) each."""
        spans = [
            (-jnp.pi * jnp.ones_like(self.pack(name)),) * 2
            if name == PHASES
            else constants.span(self.law, name)
            for name in self.free
        ]
        low = jnp.concatenate([jnp.ravel(span[0]) for span in spans])
        high = jnp.concatenate([jnp.ravel(span[1]) for span in spans])
        return low, jnp.where(high > low, high, -low)

    def pack(self, name: str) -> Array:
        """The entries of theta that belong to one constant."""
        if name == PHASES:
            return jnp.zeros(self.psi0.shape, self.data.ts.dtype)
        return jnp.ravel(constants.pack(self.law, name))

    def at(self, theta: Array) -> tuple[Any, PyTree[Array]]:
        """The law and the initial state with these constants."""
        law, psi0, start = self.law, self.psi0, 0
        for name in self.free:
            stop = start + self.pack(name).shape[0]
            part = theta[start:stop]
            if name == PHASES:
                psi0 = psi0 * jax.lax.complex(jnp.cos(part), -jnp.sin(part))
            else:
                law = constants.unpack(law, name, part)
            start = stop
        return law, law.prepare(psi0)

    @property
    def times(self) -> Array:
        """Times of the run: that of the state, then those of the rows."""
        if self.data.from_start:
            return self.data.ts
        return jnp.concatenate([self.data.t0[None], self.data.ts])

    def trajectory(self, theta: Array, rows: Array | None = None) -> Trajectory:
        """The run at these constants.

        With `rows`, as a search sees it: later rows stand still, and the run goes on
        past nodes.
        """
        law, state0 = self.at(theta)
        ts, method = self.times, self.method
        if rows is not None and isinstance(method, Fixed):
            intervals = jnp.arange(ts.shape[0] - 1) + int(self.data.from_start)
            counts = jnp.where(intervals < rows, self.substeps, 0)
            method = _fixed(method, counts, heed_alarms=False)
        return evolve(law, state0, ts, method=method, observe=self.observe)

    def predict(self, theta: Array, rows: Array | None = None) -> Array:
        """What the law predicts for the record, NaN after a failure."""
        return self.rows_of(self.trajectory(theta, rows).values)

    def rows_of(self, values: Array) -> Array:
        """The values at the rows of the record, without the one at t0."""
        return values if self.data.from_start else values[1:]

    def residuals(
        self, theta: Array, at: Weights, mask: Array, rows: Array | None = None
    ) -> Array:
        """Residuals in units of their scatter, shape (T * outcomes,).

        Rows that the run did not reach count as missed by a whole unit of density: a
        constant that no fit beats by running into a node, without a gradient.

        Args:
            theta: constants, shape (p,).
            at: what weights are taken from, see `first_weights` and `weights`.
            mask: weight of each row, shape (T,), 0 for rows left out.
            rows: number of rows that are computed at all, or None for all.
        """
        run = self.trajectory(theta, rows)
        prediction = self.rows_of(run.values)
        shares = self.data.shares
        # a run that blows up has missed as well, before its numbers overflow
        bound = 1e3 * (1 + jnp.max(jnp.abs(shares)))
        sound = jnp.abs(prediction) < bound
        prediction = jnp.where(sound, prediction, shares + 1)
        raw = self.data.noise.residuals(prediction, self.data.values, at)
        past_node = self.data.ts >= run.failure_time
        weight = mask * jnp.where(past_node & jnp.asarray(rows is not None), PAST, 1)
        return jnp.ravel(jnp.reshape(weight, (-1,) + (1,) * (raw.ndim - 1)) * raw)

    # -- weights ----------------------------------------------------------------

    def first_weights(self, shares: Array | None = None) -> Weights:
        """What weights are taken from before there is a fit: the record's shares."""
        shares = self.data.shares if shares is None else shares
        noise = self.data.noise
        if isinstance(noise, EnsembleNoise):
            return noise.independent_rows(shares)
        return shares

    def weights(self, theta: Array, prediction: Array) -> Weights:
        """What weights are taken from at a fit: its prediction, or its scatter.

        Args:
            theta: constants, shape (p,).
            prediction: of these constants, like the record.
        """
        noise, shares = self.data.noise, self.data.shares
        if not isinstance(noise, EnsembleNoise):
            return jnp.where(jnp.isfinite(prediction), prediction, shares)
        law, state0 = self.at(theta)
        whitening = noise.along(law, law.psi(state0), self.times, self.noise_steps)
        if not self.data.from_start:
            whitening = whitening.without_start()
        sound = [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(whitening)]
        known = jnp.all(jnp.stack(sound))
        fallback = noise.independent_rows(shares)
        return jax.tree.map(lambda a, b: jnp.where(known, a, b), whitening, fallback)

    # -- steps ------------------------------------------------------------------

    @property
    def order(self) -> int | None:
        """Order of the stepper, or None for methods without a step of their own."""
        if not isinstance(self.method, Fixed):
            return None
        return getattr(self.method.stepper, "order", 1)

    @property
    def substeps(self) -> Array:
        """Steps between two rows, traced: one compilation serves every step."""
        counts = getattr(self.method, "counts", None)
        if counts is None:
            return jnp.asarray(getattr(self.method, "substeps", 1))
        if _checks.is_concrete(counts):
            return jnp.asarray(np.max(counts))
        return jnp.max(counts)

    @property
    def noise_steps(self) -> Array:
        """Steps between two rows for the scatter, of which 1 % is enough."""
        return jnp.maximum(self.substeps, 4 if isinstance(self.method, Fixed) else 32)

    def with_substeps(self, substeps: int | Array) -> "FitProblem":
        """The same problem with another step (methods without a step stay)."""
        if not isinstance(self.method, Fixed):
            return self
        method = _fixed(self.method, jnp.asarray(substeps))
        return FitProblem(
            self.law, self.psi0, self.data, self.free, self.observe, method
        )


def window_counts(ts: Array, seen: Array, t0: Array, windows: int, free: int) -> Array:
    """Rows of a record in growing windows; never fewer than constants to fit.

    Args:
        ts: times of the rows, shape (T,).
        seen: which rows there are to be seen, the first of them, shape (T,).
        t0: time of the initial state.
        windows: number of windows, each twice as long as the one before.
        free: number of constants.

    Returns:
        Numbers of rows, shape (windows,), never fewer than before.
    """
    last = jnp.max(jnp.where(seen, ts, t0))
    parts = 2.0 ** -jnp.arange(windows - 1, -1, -1, dtype=ts.dtype)
    ends = (t0 + (last - t0) * parts) * (1 + 1e-12)
    counts = jnp.sum(seen[None, :] & (ts[None, :] <= ends[:, None]), axis=1)
    return jnp.maximum(counts, jnp.minimum(jnp.sum(seen), max(3, free)))


def window_rows(ts: Array, t0: Array, windows: int, free: int) -> list[int]:
    """`window_counts` of all rows, each number once.

    Args:
        ts: times of the rows, shape (T,).
        t0: time of the initial state.
        windows: number of windows, each twice as long as the one before.
        free: number of constants.
    """
    counts = _window_counts(ts, np.ones(ts.shape, bool), t0, windows, free)
    return sorted(set(np.asarray(counts).tolist()))


_window_counts = jax.jit(window_counts, static_argnums=(3, 4))


def _fixed(method: Fixed, counts: Array, *, heed_alarms: bool = True) -> Fixed:
    """Fixed steps with these traced counts."""
    return Fixed(
        method.stepper,
        estimate_error=False,
        counts=counts,
        heed_alarms=heed_alarms,
    )


@jax.jit
def trajectory_of(problem: FitProblem, theta: Array) -> Trajectory:
    """`FitProblem.trajectory`, compiled once for all constants and steps."""
    return problem.trajectory(theta)


@jax.jit
def own_constants(problem: FitProblem) -> Array:
    """`FitProblem.theta`, compiled."""
    return problem.theta()


@jax.jit
def bounds_of(problem: FitProblem) -> tuple[Array, Array]:
    """`FitProblem.bounds`, compiled."""
    return problem.bounds()


@jax.jit
def weights_of(problem: FitProblem, theta: Array, prediction: Array) -> Weights:
    """`FitProblem.weights`, compiled once for all constants and steps."""
    return problem.weights(theta, prediction)


@jax.jit
def residuals_of(problem: FitProblem, theta: Array, at: Weights, mask: Array) -> Array:
    """`FitProblem.residuals`, compiled once for all constants and steps."""
    return problem.residuals(theta, at, mask)
