"""Averages over constants of a law that scatter from run to run.

A law that is not linear has no density operator, so the average is taken over the
probabilities that runs predict.
"""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from ... import _checks, constants
from ..._math import divisor
from ..._program import program
from ...constants import Place, Scales, constant, free, parts
from ...spaces.pulses import Pulse
from ..groups import Resolution, Watch
from ..law import Law, norm_alone
from ..wrapped import Wrapped

# The most runs that are averaged.
MOST_NODES = 10**5
# The most nodes of one constant: NumPy's were tested up to so many.
MOST_OF_ONE = 100


class Quadrature(NamedTuple):
    """Normal numbers at which runs are made, and their weights.

    Attributes:
        x: nodes, (N, K).
        w: weights of sum 1, (N,).
        coarse: weights of a rule with fewer nodes, likewise; None for none.
    """

    x: np.ndarray
    w: np.ndarray
    coarse: np.ndarray | None = None


def hermite(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss and Hermite, of a normal number: (N,), of sum 1."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    return x, w / w.sum()


class AveragedRuns(Wrapped):
    """ρ(t) = Σ_i w_i ρ(t; constants at the node x_i)

    The state holds the states at all quadrature nodes.
    """

    # there is a state at every quadrature node
    lens = None

    @abc.abstractmethod
    def quadrature(self) -> Quadrature:
        """The nodes and their weights."""

    @abc.abstractmethod
    def at(self, x: Float[Array, " K"]) -> Law:
        """The law at a node."""

    @abc.abstractmethod
    def by_another_rule(self) -> "AveragedRuns":
        """The same average with another number of nodes, which shows their error."""

    def each(self, function: Any, *states: PyTree[Array]) -> Any:
        """A function of the law and a state, at every node."""

        def one(x: Array, *states: PyTree[Array]) -> Any:
            return function(self.at(x), *states)

        return jax.vmap(one)(jnp.asarray(self.quadrature().x), *states)

    def prepare(self, psi: Any) -> PyTree[Array]:
        """The state of the law, at every quadrature node.

        Raises:
            ValueError: as for the law.
        """
        count = len(self.quadrature().w)
        return jax.tree.map(
            lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)),
            self.inner.prepare(psi),
        )

    def vector_field(
        self, t: ArrayLike, state: PyTree[Array], args: Any = None
    ) -> PyTree[Array]:
        """Time derivative by the law, at every quadrature node."""
        del args
        return self.each(lambda law, one: law.vector_field(t, one), state)

    def density(self, state: PyTree[Array]) -> Array:
        """Σ_i w_i ρ_i"""
        return self._mean(state, self.quadrature().w)

    def _mean(self, state: PyTree[Array], w: np.ndarray) -> Array:
        each = jax.vmap(self.inner.density)(state)
        weights = jnp.asarray(w, each.dtype).reshape(-1, *(1,) * (each.ndim - 1))
        return jnp.sum(weights * each, axis=0)

    invariants = norm_alone

    def watch(self) -> Watch:
        """Alarm where one of the runs ends, since the average ends there; the error of
        the quadrature, by the coarser rule, where there is one."""
        known, coarse = self.inner.watch(), self.quadrature().coarse

        def alarm(t: ArrayLike, before: PyTree[Array], after: PyTree[Array]) -> Array:
            def ended(law: Law, old: Any, new: Any) -> Array:
                return law.watch().alarm(t, old, new)

            return jnp.max(self.each(ended, before, after))

        def resolution(state: PyTree[Array]) -> Resolution | None:
            if coarse is None:
                return None
            fine = self.density(state)
            apart = jnp.sum(jnp.abs(fine - self._mean(state, coarse)))
            share = apart / divisor(jnp.sum(jnp.abs(fine)))
            return Resolution(share, jnp.zeros_like(share))

        turned = None if known.reversed is None else jax.vmap(known.reversed)
        own = super().watch()
        return own._replace(alarm=alarm, reversed=turned, resolution=resolution)


def by_another_rule(law: Any) -> Any:
    """A law with each of its averages by another number of nodes; None without any.

    Args:
        law: the law, which may hold averages at any depth.
    """
    nodes, kind = jax.tree.flatten(law, is_leaf=_averages)
    if not any(map(_averages, nodes)):
        return None
    nodes = [one.by_another_rule() if _averages(one) else one for one in nodes]
    return jax.tree.unflatten(kind, nodes)


def _averages(node: Any) -> bool:
    return isinstance(node, AveragedRuns)


def _is_pulse(node: Any) -> bool:
    return isinstance(node, Pulse)


def _times_a_pulse(law: Law, place: Place) -> bool:
    """Whether a constant says when a pulse is, or how long it lasts."""
    pulses = filter(_is_pulse, jax.tree.leaves(law, is_leaf=_is_pulse))
    return any(place.value(law) is one for pulse in pulses for one in pulse.timing)


def _range(law: Any, scales: Scales) -> Array:
    """Half the range of initial guesses of the constant that scatters."""
    low, high = constants.span(law.law, law.name, scales)
    return ((high - low) / 2)[0]


class RandomConstant(AveragedRuns):
    """A law with a constant that scatters normally from run to run, as a detuning does.

    ρ(t) = Σ_i w_i ρ(t; c + sd x_i),   x_i, w_i of Gauss and Hermite

    An average over an ensemble, or over shots, whose constant c is the same within a
    run: inhomogeneous broadening, slow drifts of a field or of a pulse's strength. It
    holds for laws that are not linear as well, and for pulses: c may be any constant
    of the law that is one number, also of a drive. A Gaussian spread of a detuning
    takes a free coherence down by exp(-(sd t)²/2). Observables are even in sd: their
    derivative at 0 is 0.

    The error of the quadrature is estimated by a rule with two thirds of the nodes. It
    is part of `Trajectory.resolution`, and of the errors of constants that a fit gives;
    it grows with sd times the time, and more nodes make it smaller.

    Attributes:
        law: the law, whose constants are this law's too.
        sd: standard deviation of c, in its unit, scalar.
        name: name of the constant c (static).
        nodes: number of quadrature nodes (static).
    """

    name: str = eqx.field(static=True)
    nodes: int = eqx.field(static=True)
    law: Law = parts()
    sd: Float[Array, ""] = free(
        quantum=0.0, span=(0.0, 1.0), bounds=(0.0, np.inf), unit=_range
    )

    def __init__(self, law: Law, name: str, sd: ArrayLike, *, nodes: int = 15):
        """A law with a constant that scatters.

        Args:
            law: the law, with the mean of the constant.
            name: name of the constant, such as "delta", as in `free` of a fit.
            sd: standard deviation, not negative.
            nodes: quadrature nodes, 3 to 100.

        Raises:
            ValueError: no law, a random one, or one with impulses; the name of no
                constant, of one with several entries or with bounds, or of a time of a
                `named_pulse` or the width of one; sd negative.
        """
        _checks.check_type(law, "law", Law, "a law")
        if law.chance() is not None or law.breaks().impulses is not None:
            raise ValueError(
                "Argument `law` must be neither random nor have impulses, but "
                f"{type(law).__name__} is or has."
            )
        place = constants.find(law, name)
        if place.entries(law).shape != (1,):
            raise ValueError(
                f"Argument `name` must name a constant that is one real number, but "
                f"{name!r} has the shape {np.shape(place.value(law))}."
            )
        if place.said.bounds != (-np.inf, np.inf):
            raise ValueError(
                "Argument `name` must name a constant without bounds, which a normal "
                f"distribution would leave, but {name!r} has some."
            )
        if _times_a_pulse(law, place):
            raise ValueError(
                "Argument `name` must not name the time or the width of a pulse, but "
                f"{name!r} is one: steps end where the pulse of the mean does, and the "
                "pulses of other runs would lie elsewhere."
            )
        self.law, self.name, self.sd = law, name, constant(sd, "sd")
        self.nodes = _checks.whole_number(nodes, "nodes", 3, MOST_OF_ONE)

    @property
    def inner(self) -> Law:
        """The law at the mean of the constant."""
        return self.law

    def quadrature(self) -> Quadrature:
        """Nodes of both rules, (N + 2N/3, 1)."""
        (x, w), (y, v) = hermite(self.nodes), hermite(2 * self.nodes // 3)
        return Quadrature(
            np.concatenate([x, y])[:, None],
            np.concatenate([w, 0 * v]),
            np.concatenate([0 * w, v]),
        )

    def by_another_rule(self) -> "RandomConstant":
        """The same average with two thirds of the nodes, or with 2 more of few."""
        law, few = by_another_rule(self.law), 2 * self.nodes // 3
        return RandomConstant(
            self.law if law is None else law, self.name, self.sd,
            nodes=few if few >= 3 else self.nodes + 2,
        )  # fmt: skip

    def at(self, x: Float[Array, "1"]) -> Law:
        """The law with c + sd x."""
        place = constants.find(self.law, self.name)
        c = place.entries(self.law)
        return place.put(self.law, c + (self.sd * x).astype(c.dtype))

    @program
    def step(self, t: ArrayLike, state: PyTree[Array], dt: ArrayLike) -> PyTree[Array]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A step of the law, at every quadrature node."""
        return self.each(lambda law, one: law.step(t, one, dt), state)

    @property
    def step_order(self) -> int:
        """Order of the step of the law."""
        return self.law.step_order
