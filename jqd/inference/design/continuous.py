"""Experiments with copies: Hamiltonian, initial state, times and shares together.

Gradients of ln √(tr C^T V C) by linear response from many initial guesses side by side,
then convex shares on a fine grid of times, then a final optimisation with finer
quadrature, averaged over Hamiltonians that the calibration allows: at one Hamiltonian
alone the best experiment is beside a node of ψ, and a little off its errors are double.
"""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...evolution import Fixed
from ...instruments import Confusion, Multinomial
from ...laws import CopyDynamics
from ...records.record import Record
from ...status import Status
from ...steppers import rk4
from ..hamiltonian_priors import hamiltonian_priors
from ..priors import Normal
from ..study import Study
from .answer import Design
from .apparatus import (
    Apparatus,
    Choice,
    Experiment,
    drawn,
    experiment,
    rows,
    with_looks,
)
from .design import design
from .response import NODES, linear_response
from .weights import Problem, optimise

RATE, CLIP = 0.06, 1.0
# Quadrature points in the search, and for every quoted number: near a node of ψ a
# coarse search claims too small errors.
COARSE, FINE = 200, 1000
FINALISTS = 4
# Hamiltonians over which the errors of what was found are averaged.
JUDGES = 64
GRID = 300
# Measurements beside those of the search, and their first share.
SPARE, SMALL = 2, 2e-3


class Found(eqx.Module):
    """An experiment, and its expected errors.

    Attributes:
        experiment: Hamiltonian, initial state, times and shares.
        design: errors at these settings, by linear response and through the law.
        study: the study that will fit the data of the experiment; its own data are the
            expected counts, rounded.
        ends: √(tr C^T V C) from each initial guess, coarse, ascending, (starts,).
        expected: √ of the mean variances of q and r over Hamiltonians drawn from their
            priors, (2,).
        status: that of the design; `NODE` or another status if the run of a law whose q
            or r is 3 standard errors off ends early (static).
    """

    experiment: Experiment
    design: Design
    study: Study
    ends: Float[Array, " S"]
    expected: Float[Array, " 2"]
    status: Status = eqx.field(static=True)


def optimal_experiment(
    apparatus: Apparatus,
    *,
    shots: ArrayLike,
    times: int = 6,
    accuracy: tuple[float, float] = (1.0, 1.0),
    starts: int = 64,
    steps: int = 200,
    draws: int = 8,
    key: Array | None = None,
) -> Found:
    """The best experiment found for measuring q and r of copy dynamics.

    The search minimises tr C^T V C at quantum mechanics over H, ψ(0), times and shares
    of shots, at the end its mean over `draws` of H from the priors; no initial guess is
    known to lead to the best of all minima.

    Args:
        apparatus: bounds and priors.
        shots: N, of all times together.
        times: measurements in the search; the result may have two more.
        accuracy: of q and r, by which their errors are divided.
        starts: number of random initial guesses of the search.
        steps: of the search; the final optimisation takes twice as many.
        draws: even number of Hamiltonians, drawn in pairs about that of the experiment;
            0 for that alone.
        key: of initial guesses and draws; None for `jax.random.key(0)`.

    Returns:
        The experiment and its design.

    Raises:
        ValueError: float64 off, numbers that are not positive.
    """
    _checks.require_x64("jqd.inference.optimal_experiment")
    _checks.check_type(apparatus, "apparatus", Apparatus, "an Apparatus")
    _checks.check_positive(shots, "shots", ())
    for name, number in (("times", times), ("starts", starts), ("steps", steps)):
        _checks.check_positive_integer(number, name)
    _checks.whole_number(draws, "draws", 0)
    if draws % 2:
        raise ValueError(f"Argument `draws` must be even, but is {draws}.")
    scales = np.asarray(accuracy)
    _checks.check_positive(scales, "accuracy", (2,))
    key = jax.random.key(0) if key is None else _checks.single_key(key)
    one = jnp.zeros((1, len(apparatus.directions())))
    task = Task(
        apparatus, jnp.asarray(shots, float), 1 / jnp.asarray(scales, float), one
    )
    begun = _begun(apparatus, times, jax.random.split(key, starts))
    ended, ends = _descended(task, begun, COARSE, steps, RATE)
    order = np.argsort(np.asarray(ends))[:FINALISTS]
    finalists = [jax.tree.map(lambda leaf, i=i: leaf[i], ended) for i in order]
    looks = [_convex(task, choice, times + SPARE) for choice in finalists]
    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), *looks)
    if draws:
        task = eqx.tree_at(lambda task: task.offsets, task, _pairs(task, key, draws))
    polished, losses = _descended(task, both, FINE, 2 * steps, RATE / 3)
    best = int(jnp.argmin(losses))
    choice = jax.tree.map(lambda leaf: leaf[best], polished)
    return _judged(task, experiment(apparatus, choice), jnp.sort(jnp.exp(ends)))


class Task(eqx.Module):
    """The function that is minimised.

    Attributes:
        wanted: scales the errors of q and r.
        offsets: of the real parameters of H, over which the mean is taken.
    """

    apparatus: Apparatus
    shots: Float[Array, ""]
    wanted: Float[Array, " 2"]
    offsets: Float[Array, "K h"]

    def problem(self, settings: Array) -> Problem:
        """Shares on settings, whose Fisher information of one shot is given."""
        accuracy = self.apparatus.priors()
        C = jnp.zeros((accuracy.shape[0], 2)).at[jnp.arange(2), jnp.arange(2)]
        return Problem(
            settings, jnp.diag(accuracy**2), C.set(self.wanted), self.shots, False
        )

    def loss(self, choice: Choice, nodes: int) -> Float[Array, ""]:
        """ln √(mean of tr C^T V C)"""
        variances = self.variances(experiment(self.apparatus, choice), nodes)
        return jnp.log(jnp.mean(jnp.sum(variances, axis=1))) / 2

    def variances(self, done: Experiment, nodes: int) -> Float[Array, "K 2"]:
        """Diagonal of C^T V C at each of the Hamiltonians."""
        directions = jnp.asarray(self.apparatus.directions())

        def at(offset: Array) -> Array:
            H = done.hamiltonian + jnp.einsum("k,kab->ab", offset, directions)
            seen = rows(self.apparatus, H, done.psi0, done.ts, nodes)
            problem = self.problem(jnp.einsum("tki,tkj->tij", seen, seen))
            S = problem.information(done.shares)
            unit = 1 / jnp.sqrt(jnp.diagonal(S))
            root = jnp.linalg.cholesky(S * unit[:, None] * unit[None, :])
            C = problem.wanted * unit[:, None]
            half = jax.scipy.linalg.solve_triangular(root, C, lower=True)
            return jnp.sum(half**2, axis=0)

        return jax.lax.map(at, self.offsets)


def _pairs(task: Task, key: Array, draws: int) -> Float[Array, "K h"]:
    """Offsets of H from the priors and their opposites."""
    shape = (draws // 2, task.offsets.shape[1])
    drawn = task.apparatus.hamiltonian_sd * jax.random.normal(key, shape)
    return jnp.concatenate([drawn, -drawn])


@partial(jax.jit, static_argnums=1)
def _begun(apparatus: Apparatus, times: int, keys: Array) -> Choice:
    return jax.vmap(lambda key: drawn(apparatus, times, key))(keys)


@partial(jax.jit, static_argnums=(2, 3))
def _descended(
    task: Task, choices: Choice, nodes: int, steps: int, rate: float
) -> tuple[Choice, Float[Array, " S"]]:
    """The best that each of these choices passes on its way down, and its loss."""
    import optax

    schedule = optax.cosine_decay_schedule(1.0, steps)
    adam = optax.chain(
        optax.clip_by_global_norm(CLIP), optax.scale_by_adam(),
        optax.scale_by_schedule(schedule), optax.scale(-rate),
    )  # fmt: skip
    slope = jax.value_and_grad(lambda choice: task.loss(choice, nodes))

    def down(carry: Any, _: Any) -> tuple[Any, None]:
        choice, state, best, least = carry
        loss, grad = slope(choice)
        better = loss < least
        best = jax.tree.map(lambda old, new: jnp.where(better, new, old), best, choice)
        grad = jax.tree.map(lambda x: jnp.where(jnp.isfinite(x), x, 0), grad)
        update, state = adam.update(grad, state)
        moved = optax.apply_updates(choice, update)
        return (moved, state, best, jnp.minimum(loss, least)), None

    def descend(choice: Choice) -> tuple[Choice, Array]:
        begun = (choice, adam.init(choice), choice, jnp.asarray(jnp.inf))
        (_, _, best, least), _ = jax.lax.scan(down, begun, None, length=steps)
        return best, least

    return jax.vmap(descend)(choices)


def _convex(task: Task, choice: Choice, looks: int) -> Choice:
    """The choice with the best shares on a fine grid of times, neighbours as one.

    As many looks as are said: the largest, or more of next to no share between them.
    """
    grid = np.linspace(0, float(task.apparatus.span), GRID + 1)[1:]
    weights = np.asarray(_shares(task, choice, jnp.asarray(grid)))
    used = np.flatnonzero(weights > 0)
    groups = np.split(used, np.flatnonzero(np.diff(used) > 2) + 1)
    shares = np.asarray([weights[own].sum() for own in groups])
    ts = np.asarray([np.average(grid[own], weights=weights[own]) for own in groups])
    kept = np.sort(np.argsort(-shares)[:looks])
    # the span itself is an end that looks come close to
    ts, shares = np.minimum(ts[kept], grid[-1] * (1 - 1e-3)), shares[kept]
    while ts.size < looks:
        gaps = np.diff(ts, prepend=0)
        widest = int(np.argmax(gaps))
        ts = np.insert(ts, widest, ts[widest] - gaps[widest] / 2)
        shares = np.insert(shares, widest, SMALL)
    return with_looks(task.apparatus, choice, ts, shares)


@jax.jit
def _shares(task: Task, choice: Choice, grid: Array) -> Array:
    done = experiment(task.apparatus, choice)
    seen = rows(task.apparatus, done.hamiltonian, done.psi0, grid, FINE)
    return optimise(task.problem(jnp.einsum("tki,tkj->tij", seen, seen)), 1e-4).weights


# -- what it tells -------------------------------------------------------------------


def _judged(task: Task, done: Experiment, ends: Array) -> Found:
    """Errors of an experiment through the law, and whether it holds 3 of them off."""
    study = study_of_experiment(task.apparatus, done, task.shots)
    wanted = {"q": 1 / float(task.wanted[0]), "r": 1 / float(task.wanted[1])}
    shares = np.asarray(done.shares)
    found = design(
        study, shots=task.shots, wanted=wanted, shares=shares / shares.sum(),
        nodes=NODES,
    )  # fmt: skip
    # shares are polished, not convex: a gap is no failure of this search
    status = Status.OK if found.status is Status.NOT_CONVERGED else found.status
    fine = study.with_substeps(64)
    for label, sign in (("q", 3.0), ("q", -3.0), ("r", 3.0), ("r", -3.0)):
        at = float(study.theta()[study.labels().index(label)])
        theta = study.theta({label: at + sign * found.stderr(label)})
        ended = Status(int(fine.status(theta)))
        status = ended if status is Status.OK else status
    fresh = _pairs(task, jax.random.key(1), JUDGES)
    task = eqx.tree_at(lambda task: task.offsets, task, fresh)
    mean = jnp.mean(task.variances(done, FINE), axis=0)
    return Found(done, found, study, ends, jnp.sqrt(mean) / task.wanted, status)


def study_of_experiment(
    apparatus: Apparatus, done: Experiment, shots: ArrayLike
) -> Study:
    """The study of an experiment: q and r free, H and ε with priors."""
    law = CopyDynamics.from_hamiltonian(done.hamiltonian)
    eps = apparatus.readout
    none = jnp.zeros((0, *done.hamiltonian.shape), done.hamiltonian.dtype)
    psi, _ = linear_response(done.hamiltonian, done.psi0, done.ts, none, 1)
    p = (1 - eps) * jnp.real(psi * psi.conj()) + eps / apparatus.levels
    counts = np.round(np.asarray(shots * done.shares[:, None] * p))
    # half of a shot rounds to none, and a row of none is no record
    counts[:, 0] += counts.sum(axis=1) == 0
    return Study(
        law,
        Record(done.ts, counts, Multinomial(), t0=0.0),
        psi0=done.psi0,
        free=("q", "r"),
        instrument=Confusion(readout=eps),
        nuisances={
            **hamiltonian_priors(law, apparatus.hamiltonian_sd),
            "readout": Normal(eps, apparatus.readout_sd),
        },
        method=Fixed(rk4),
    )
