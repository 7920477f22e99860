"""The experiments that an apparatus of a few levels allows, as unconstrained numbers.

P_a(t) = (1 - ε) |ψ_a(t)|² + ε/M,   ψ(t) = exp(-iHt) ψ(0),   ħ = 1
"""

import itertools
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import expi
from ...constants import constant
from .response import linear_response

# Times of measurement closer than this share of the span count as one.
CLOSE = 1e-4


class Apparatus(eqx.Module):
    """Levels, their bounds, and the precision of their calibration; ħ = 1.

    Attributes:
        levels: M >= 2 (static).
        span: longest time.
        energy: bound on |ω_a - ω_1|.
        coupling: bound on |H_ab|.
        hamiltonian_sd: standard deviation of the prior of each real parameter of H:
            energies relative to the first, real and imaginary parts of couplings.
        readout: ε.
        readout_sd: standard deviation of the prior of ε.
    """

    levels: int = eqx.field(static=True)
    span: Float[Array, ""] = eqx.field(converter=partial(constant, name="span"))
    energy: Float[Array, ""] = eqx.field(converter=partial(constant, name="energy"))
    coupling: Float[Array, ""] = eqx.field(converter=partial(constant, name="coupling"))
    hamiltonian_sd: Float[Array, ""] = eqx.field(
        converter=partial(constant, name="hamiltonian_sd")
    )
    readout: Float[Array, ""] = eqx.field(converter=partial(constant, name="readout"))
    readout_sd: Float[Array, ""] = eqx.field(
        converter=partial(constant, name="readout_sd")
    )

    def __check_init__(self) -> None:
        if not _checks.is_whole(self.levels) or self.levels < 2:
            raise ValueError(
                f"Argument `levels` must be a whole number from 2 on, but is "
                f"{_checks.shown(self.levels)}."
            )
        for name in ("span", "energy", "coupling", "hamiltonian_sd", "readout_sd"):
            _checks.check_positive(getattr(self, name), name, ())
        _checks.check_scalar(self.readout, "readout")
        share = np.asarray(self.readout) if _checks.is_concrete(self.readout) else 0.5
        if not 0 < share < 1:
            raise ValueError(f"Argument `readout` must be in (0, 1), but is {share:g}.")

    @property
    def pairs(self) -> int:
        """Number of couplings."""
        return self.levels * (self.levels - 1) // 2

    def directions(self) -> Complex[np.ndarray, "K M M"]:
        """δH of each real parameter: energies but the first, then Re and Im of H_ab."""
        size = self.levels
        found = [_unit(size, a, a, 0.5) for a in range(1, size)]
        for a, b in itertools.combinations(range(size), 2):
            found += [_unit(size, a, b, 1.0), _unit(size, a, b, 1j)]
        return np.stack(found)

    def priors(self) -> Float[Array, " p"]:
        """1/sd of q, r, the parameters of H, and ε."""
        known = jnp.full((self.levels - 1 + 2 * self.pairs,), 1 / self.hamiltonian_sd)
        return jnp.concatenate([jnp.zeros(2), known, 1 / self.readout_sd[None]])


def _unit(size: int, a: int, b: int, value: complex) -> Complex[np.ndarray, "M M"]:
    matrix = np.zeros((size, size), complex)
    matrix[a, b] = value
    return matrix + matrix.conj().T


class Choice(NamedTuple):
    """An experiment as unconstrained numbers.

    Attributes:
        energies: (M - 1,).
        couplings: of the moduli, (M (M - 1) / 2,).
        angles: of the couplings, radians, like them.
        populations: of the initial state, (M,).
        phases: arg ψ_a(0), radians, (M,).
        gaps: between measurements, the first from 0, the last to the span, (T + 1,).
        shares: of shots, (T,).
    """

    energies: Array
    couplings: Array
    angles: Array
    populations: Array
    phases: Array
    gaps: Array
    shares: Array


class Experiment(NamedTuple):
    """An experiment: Hamiltonian, initial state, times and shares of shots.

    Attributes:
        hamiltonian: (M, M), in rates.
        psi0: (M,).
        ts: (T,), increasing.
        shares: of shots, (T,).
    """

    hamiltonian: Complex[Array, "M M"]
    psi0: Complex[Array, " M"]
    ts: Float[Array, " T"]
    shares: Float[Array, " T"]


def drawn(apparatus: Apparatus, times: int, key: Array) -> Choice:
    """A random choice with `times` measurements."""
    keys = jax.random.split(key, 7)
    size, pairs = apparatus.levels, apparatus.pairs
    turn = 2 * jnp.pi
    return Choice(
        jax.random.normal(keys[0], (size - 1,)) / 2,
        jax.random.normal(keys[1], (pairs,)),
        turn * jax.random.uniform(keys[2], (pairs,)),
        jax.random.normal(keys[3], (size,)),
        turn * jax.random.uniform(keys[4], (size,)),
        jax.random.normal(keys[5], (times + 1,)) / 2,
        jax.random.normal(keys[6], (times,)) / 2,
    )


def experiment(apparatus: Apparatus, choice: Choice) -> Experiment:
    """The experiment that the numbers of a choice describe, within the bounds."""
    size = apparatus.levels
    energies = apparatus.energy * jnp.tanh(choice.energies)
    moduli = apparatus.coupling * jax.nn.sigmoid(choice.couplings)
    links = moduli * expi(choice.angles)
    upper = jnp.zeros((size, size), links.dtype).at[np.triu_indices(size, 1)].set(links)
    H = upper + upper.conj().T + jnp.diag(jnp.concatenate([jnp.zeros(1), energies]))
    rho = jax.nn.softmax(choice.populations)
    psi0 = jnp.sqrt(rho) * expi(choice.phases - choice.phases[-1])
    ts = apparatus.span * jnp.cumsum(jax.nn.softmax(choice.gaps))[:-1]
    return Experiment(H, psi0, ts, jax.nn.softmax(choice.shares))


def with_looks(
    apparatus: Apparatus, choice: Choice, ts: ArrayLike, shares: ArrayLike
) -> Choice:
    """The choice with other measurements: increasing times in the span, and shares."""
    ends = np.concatenate([[0], np.asarray(ts) / float(apparatus.span), [1]])
    gaps = np.maximum(np.diff(ends), CLOSE)
    kept = np.maximum(np.asarray(shares), CLOSE)
    return choice._replace(gaps=jnp.log(jnp.asarray(gaps)), shares=jnp.log(kept))


def rows(
    apparatus: Apparatus, H: Array, psi0: Array, ts: Array, nodes: int
) -> Float[Array, "T M p"]:
    """Slopes in q, r, H and ε in units of the scatter of one shot at each time."""
    directions = jnp.asarray(apparatus.directions())
    psi, moved = linear_response(H, psi0, ts, directions, nodes)
    p = jnp.real(psi * psi.conj())
    slopes = 2 * jnp.real(psi.conj()[:, None] * moved)
    mixed = (1 - apparatus.readout) * p + apparatus.readout / apparatus.levels
    read = (1 / apparatus.levels - p)[:, None]
    slopes = jnp.concatenate([(1 - apparatus.readout) * slopes, read], axis=1)
    return jnp.moveaxis(slopes / jnp.sqrt(mixed)[:, None], 1, -1)
