"""Copies in surroundings: averages over frequencies, and kicks of phases.

The law of copies is not linear, so there is no density operator: the average is taken
over observables of trajectories.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from ... import _checks
from ..._math import expi, safe_sqrt
from ..._outside import plain
from ...constants import constant, free, parts
from ..copying import CopyDynamics, DensityPhase
from ..groups import Chance, StepNoise
from ..law import norm_alone
from ..wrapped import Wrapped
from .averaged_runs import MOST_NODES, AveragedRuns, Quadrature, hermite
from .dephasing import Dephasing


class RandomFrequencies(AveragedRuns):
    """Copies whose ω_a are constant in a run and normally distributed over runs.

    ρ(t) = Σ_i w_i ρ(t; ω + sd x_i), x_i, w_i of Gauss and Hermite

    The state holds the states at all quadrature nodes x_i. With 15 and with 25 nodes
    results agree to 1e-15 at the quantum point and to some 1e-9 elsewhere, where the
    law has kinks, for sd t of 0.2. Observables are even in sd: their derivative at 0
    is 0.

    Attributes:
        law: the copies, whose constants are this law's too.
        sd: standard deviation of each of the frequencies that scatter, (K,), rates.
        classes: the numbers of their classes, K of them (static).
        nodes: quadrature nodes for each of them (static).
    """

    classes: tuple[int, ...] = eqx.field(static=True)
    nodes: int = eqx.field(static=True)
    law: CopyDynamics = parts()
    sd: Float[Array, " K"] = free(quantum=0.0, bounds=(0.0, np.inf), unit="rate")

    def __init__(
        self,
        law: CopyDynamics,
        sd: ArrayLike,
        classes: int | Sequence[int] | None = None,
        *,
        nodes: int = 15,
    ):
        """Copies with frequencies that scatter.

        Args:
            law: the copies, at the mean frequencies.
            sd: one for all that scatter, or (K,), not negative.
            classes: whose frequencies scatter, independently; None for all but the
                first.
            nodes: quadrature nodes for each; nodes^K runs in all.

        Raises:
            ValueError: no copies, classes that are none or named twice, sd negative or
                of another length, too many nodes.
        """
        self.law = _copies(law)
        size = law.omega.shape[0]
        given = np.arange(1, size) if classes is None else plain(classes, "classes")
        self.classes = tuple(np.atleast_1d(given).ravel().tolist())
        known = all(type(a) is int and 0 <= a < size for a in self.classes)
        if not (known and len(set(self.classes)) == len(self.classes) > 0):
            raise ValueError(
                f"Argument `classes` must name classes from 0 to {size - 1}, each "
                f"once, but is {_checks.shown(classes)}."
            )
        self.nodes = _checks.whole_number(nodes, "nodes", 1)
        if self.nodes ** len(self.classes) > MOST_NODES:
            raise ValueError(
                f"Argument `nodes` must be few enough for {len(self.classes)} classes, "
                f"at most {MOST_NODES} runs in all, but is {nodes}."
            )
        _checks.check_not_negative(sd, "sd")
        if np.ndim(sd) != 0:
            _checks.check_shape(sd, "sd", (len(self.classes),))
        self.sd = jnp.broadcast_to(constant(sd, "sd"), (len(self.classes),))

    @property
    def inner(self) -> CopyDynamics:
        """The copies."""
        return self.law

    def quadrature(self) -> Quadrature:
        """x, (N, K), and w, (N,)."""
        x, w = hermite(self.nodes)
        count = len(self.classes)
        points = np.array(list(itertools.product(x, repeat=count)))
        return Quadrature(
            points, np.ravel(functools.reduce(np.multiply.outer, [w] * count))
        )

    def by_another_rule(self) -> "RandomFrequencies":
        """The same average with two thirds of the nodes, or with two for one."""
        few = max(2 * self.nodes // 3, 1) if self.nodes > 1 else 2
        return RandomFrequencies(self.law, self.sd, self.classes, nodes=few)

    def at(self, x: Float[Array, " K"]) -> CopyDynamics:
        """The copies with ω_a + sd_a x_a of the classes that scatter."""
        shift = (self.sd * x).astype(self.law.omega.dtype)
        omega = self.law.omega.at[np.array(self.classes)].add(shift)
        return eqx.tree_at(lambda law: law.omega, self.law, omega)


class PhaseKicks(Wrapped):
    """Copies whose phases are kicked continuously: dφ_a = (..) dt + √g_a dW_a.

    A step is half a step of the copies, a kick, and half a step. At the quantum point
    the mean obeys `Dephasing`, Σ_a g_a D[|a⟩⟨a|]; elsewhere there is no equation of the
    mean, and `jqd.evolve` averages over paths. A fit needs such an equation.

    Attributes:
        law: the copies.
        g: rate of each class, (M,), 1/time.
    """

    law: CopyDynamics = parts()
    g: Float[Array, " M"] = free(
        quantum=0.0, span=(0, 1), bounds=(0.0, np.inf), unit="rate"
    )

    def __init__(self, law: CopyDynamics, g: ArrayLike):
        """Copies with kicks.

        Args:
            law: the copies.
            g: rate of every class, or (M,), not negative.

        Raises:
            ValueError: no copies, a rate below zero, another number of them.
        """
        self.law = _copies(law)
        _checks.check_not_negative(g, "g")
        if np.ndim(g):
            _checks.check_shape(g, "g", law.omega.shape)
        self.g = jnp.broadcast_to(constant(g, "g"), law.omega.shape)

    @property
    def inner(self) -> CopyDynamics:
        """The copies."""
        return self.law

    def vector_field(
        self, t: ArrayLike, state: PyTree[Array], args: Any = None
    ) -> PyTree[Array]:
        """The drift of the copies, without kicks."""
        return self.law.vector_field(t, state, args)

    def chance(self) -> Chance:
        """An increment for each class."""
        return Chance(StepNoise(self.g.shape), mean_field=self.mean_field)

    def step(
        self,
        t: ArrayLike,
        state: PyTree[Array],
        dt: ArrayLike,
        w: StepNoise | None = None,
    ) -> PyTree[Array]:
        """The state at t + dt under the noise w, which must be given.

        Args:
            t: time, scalar.
            state: of the copies.
            dt: step, scalar, positive.
            w: `increments`, (M,).
        """
        if w is None:
            raise ValueError("Argument `w` must be the noise of the step, but is None.")
        state = self.law.step(t, state, dt / 2)
        state = self._kicked(state, w.increments)
        return self.law.step(t + dt / 2, state, dt / 2)

    def _kicked(self, state: PyTree[Array], increments: Array) -> PyTree[Array]:
        """φ_a + √g_a dW_a"""
        turn = safe_sqrt(self.g) * increments
        if isinstance(state, DensityPhase):
            return DensityPhase(state.density, state.phase + turn)
        return state * expi(-turn)

    def mean_field(self) -> Dephasing | None:
        """Lindblad's equation, at the quantum point without a drive; else None."""
        law = self.law
        plain = law.drive is None and law.harmonics is None
        if not plain or not _checks.is_concrete((law.q, law.r)):
            return None
        if (float(np.asarray(law.q)), float(np.asarray(law.r))) != (0.5, -0.5):
            return None
        A = np.eye(law.omega.shape[0])
        return Dephasing(law.hamiltonian(), A, self.g, law.hbar)

    invariants = norm_alone


def _copies(law: Any) -> CopyDynamics:
    if not isinstance(law, CopyDynamics):
        raise ValueError(
            f"Argument `law` must be CopyDynamics, but is a {type(law).__name__}."
        )
    return law
