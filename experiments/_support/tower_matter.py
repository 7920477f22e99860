"""Matter for photon towers: more level densities, chains of spins, oscillators."""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd.constants import constant, scalars
from jqd.matter.tower import (
    Configurations,
    LevelDensity,
    Matter,
    photon_configurations,
    user_matter,
)

# Points of the table with which a density given as a function is summed up.
_TABLE = 4096


class NormalDensity(LevelDensity):
    """A Gaussian g(E) of standard deviation σ, cut at `reach` σ on both sides.

    1/T = -(E - E_mean)/σ²: positive temperatures lie below the mean.

    Attributes:
        mean: E_mean, unit of energy.
        sigma: σ, unit of energy.
        reach: where it is cut, in units of σ.
    """

    mean: Float[Array, ""]
    sigma: Float[Array, ""]
    reach: Float[Array, ""]

    def __init__(self, mean: ArrayLike, sigma: ArrayLike, reach: ArrayLike = 3.0):
        """Make the density.

        Raises:
            ValueError: the mean is not finite, or σ or the reach is not positive.
        """
        self.mean, self.sigma, self.reach = scalars(mean=mean, sigma=sigma, reach=reach)
        _checks.check_positive(sigma, "sigma")
        _checks.check_positive(reach, "reach")

    def log_density(self, energy: ArrayLike) -> Array:
        """ln g(E), -inf beyond the cut."""
        z = (constant(energy, "energy") - self.mean) / self.sigma
        share = ndtr(self.reach) - ndtr(-self.reach)
        scale = -jnp.log(self.sigma * share) - jnp.log(2 * jnp.pi) / 2
        return jnp.where(jnp.abs(z) <= self.reach, scale - z**2 / 2, -jnp.inf)

    def quantile(self, share: ArrayLike) -> Array:
        """E_mean + σ Φ⁻¹(Φ(-r) + u (Φ(r) - Φ(-r)))."""
        low, high = ndtr(-self.reach), ndtr(self.reach)
        return self.mean + self.sigma * ndtri(
            low + constant(share, "share") * (high - low)
        )


class FunctionDensity(LevelDensity):
    """g(E) ∝ exp(log_g(E)) on [low, high], for any function.

    Attributes:
        log_g: ln g up to a constant, elementwise; a PyTree (`jax.tree_util.Partial`,
            an `eqx.Module`) where its constants are to be fitted.
        low: lower end, unit of energy.
        high: upper end.
    """

    log_g: Any
    low: Float[Array, ""]
    high: Float[Array, ""]

    def __init__(
        self, log_g: Callable[[Array], Array], low: ArrayLike, high: ArrayLike
    ):
        """Make the density.

        Raises:
            ValueError: the ends are not finite and in order.
        """
        low, high = scalars(low=low, high=high)
        if not callable(log_g):
            raise ValueError(
                "Argument `log_g` must be a function of the energy, but is of type "
                f"{type(log_g).__name__}."
            )
        if _checks.is_concrete((low, high)) and not float(high) > float(low):
            raise ValueError(
                f"Argument `high` must exceed `low`, but {high} does not exceed {low}."
            )
        if not isinstance(log_g, eqx.Module | jax.tree_util.Partial):
            log_g = jax.tree_util.Partial(log_g)
        self.log_g, self.low, self.high = log_g, low, high

    def _table(self) -> tuple[Array, Array, Array]:
        """Energies, the integral of g up to them, and its logarithm at the end."""
        energies = jnp.linspace(self.low, self.high, _TABLE)
        logs = self.log_g(energies)
        top = jax.lax.stop_gradient(jnp.max(logs))
        g = jnp.exp(logs - top)
        step = (self.high - self.low) / (_TABLE - 1)
        below = jnp.cumsum(step * (g[1:] + g[:-1]) / 2)
        below = jnp.concatenate([jnp.zeros_like(below[:1]), below])
        return energies, below / below[-1], jnp.log(below[-1]) + top

    def log_density(self, energy: ArrayLike) -> Array:
        """ln g(E), -inf outside [low, high]."""
        energy = constant(energy, "energy")
        inside = (energy >= self.low) & (energy <= self.high)
        known = jnp.where(inside, energy, self.low)
        return jnp.where(inside, self.log_g(known) - self._table()[2], -jnp.inf)

    def quantile(self, share: ArrayLike) -> Array:
        """By linear interpolation of the integral of g."""
        energies, below, _ = self._table()
        return jnp.interp(constant(share, "share"), below, energies)


# Fields added at two sites, which break the reflection that would hide chaos.
_DEFECTS = MappingProxyType({0: 0.123, 2: 0.07})


def kim_huse_ising(
    spins: int,
    transverse: ArrayLike = 0.9045,
    longitudinal: ArrayLike = 0.8090,
    *,
    defects: Mapping[int, float] = _DEFECTS,
    periodic: bool = False,
) -> Float[Array, "D D"]:
    """The Ising chain in a tilted field, chaotic at the default fields.

    H = Σ Z_j Z_j+1 + h (Σ Z_j + Σ_s d_s Z_s) + g Σ X_j, in units of the bond, in the
    basis of the Z_j; basis state b has spin j up where bit j of b is 0.

    Args:
        spins: L, at least 2; D = 2^L.
        transverse: g.
        longitudinal: h.
        defects: d_s by site s.
        periodic: whether the last spin is bound to the first.

    Returns:
        (D, D) real symmetric matrix, differentiable in both fields.

    Raises:
        ValueError: fewer than two spins, or a defect at a site that there is not.

    Source: H. Kim and D. A. Huse (2013) Phys. Rev. Lett. 111, 127205.
    """
    up = _signs(spins)
    if any(not 0 <= site < spins for site in defects):
        raise ValueError(
            f"Argument `defects` must name sites 0..{spins - 1}, but names "
            f"{sorted(defects)}."
        )
    bonds = up[:-1] * up[1:]
    diagonal = bonds.sum(axis=0) + (up[-1] * up[0] if periodic else 0.0)
    share = np.ones(spins)
    for site, extra in defects.items():
        share[site] += extra
    g, h = constant(transverse, "transverse"), constant(longitudinal, "longitudinal")
    field = diagonal + h * jnp.asarray(share @ up)
    return jnp.diag(field) + g * spin_sum(np.ones(spins))


def spin_sum(weights: ArrayLike, axis: str = "x") -> Float[Array, "D D"]:
    """Σ_j w_j X_j, or with axis="z" Σ_j w_j Z_j, in the basis of the Z_j.

    Args:
        weights: (L,) w_j.
        axis: "x" or "z".

    Returns:
        (2^L, 2^L) real symmetric matrix.

    Raises:
        ValueError: weights are no vector of at least two numbers, or another axis.
    """
    _checks.check_choice(axis, "axis", ("x", "z"))
    weights = constant(weights, "weights")
    _checks.check_shape(weights, "weights", (None,))
    up = _signs(weights.shape[0])
    if axis == "z":
        return jnp.diag(weights @ jnp.asarray(up))
    size = up.shape[1]
    rows = np.arange(size)[None, :]
    flipped = rows ^ (1 << np.arange(up.shape[0]))[:, None]
    rows = np.broadcast_to(rows, flipped.shape)
    entries = jnp.broadcast_to(weights[:, None], flipped.shape)
    return jnp.zeros((size, size), weights.dtype).at[rows, flipped].set(entries)


def free_spins(fields: ArrayLike, weights: ArrayLike) -> Matter:
    """Spins that do not interact: H_M = Σ h_j Z_j and X = Σ w_j X_j.

    Integrable on its own; many spins in resonance with one strongly coupled photon
    mode are chaotic none the less (Dicke), so keep the coupling weak.

    Args:
        fields: (L,) h_j, unit of energy.
        weights: (L,) w_j.

    Returns:
        The matter.

    Raises:
        ValueError: vectors of unequal length.
    """
    fields, weights = constant(fields, "fields"), constant(weights, "weights")
    _checks.check_shape(fields, "fields", (None,))
    _checks.check_shape(weights, "weights", fields.shape)
    return user_matter(fields @ jnp.asarray(_signs(fields.shape[0])), spin_sum(weights))


def _signs(spins: Any) -> np.ndarray:
    """Z_j of each basis state, (L, 2^L)."""
    if not isinstance(spins, int) or not 2 <= spins <= 14:
        raise ValueError(
            f"Argument `spins` must be a whole number from 2 to 14, but is {spins!r}."
        )
    bits = np.arange(1 << spins)[None, :] >> np.arange(spins)[:, None]
    return 1.0 - 2.0 * (bits & 1)


def coupled_oscillators(
    omega: ArrayLike,
    forms: ArrayLike,
    strengths: ArrayLike,
    *,
    cutoff: float,
    couplings: ArrayLike | None = None,
    hbar: float = 1.0,
) -> Matter:
    """Harmonic modes of unit mass with quartic bonds, in number states up to a cut-off.

    H = Σ ħω_k (n_k + 1/2) + Σ_s κ_s (Σ_k u_sk x_k)⁴ and X = Σ c_k x_k, with x_k =
    sqrt(ħ/2ω_k) (b_k + b_k†). Sums of fourth powers make every quartic energy. Matrix
    elements are exact (no product of cut matrices), so that levels fall as the cut-off
    rises; those above about half of it are not to be trusted.

    Args:
        omega: (m,) angular frequencies; their values decide the basis.
        forms: (s, m) u_sk.
        strengths: (s,) κ_s, not negative.
        cutoff: keeps Σ ħω_k n_k <= cutoff, unit of energy.
        couplings: (m,) c_k; all ones by default.
        hbar: ħ.

    Returns:
        The matter: D levels, those of the basis.

    Raises:
        ValueError: wrong shapes, a frequency that is not positive, a κ_s below zero
            (no lowest level), or a cut-off below one quantum.
    """
    frequencies = np.atleast_1d(np.asarray(omega, float))
    basis = photon_configurations(frequencies, cutoff, hbar)
    modes = basis.modes
    _checks.check_shape(forms, "forms", (None, modes))
    _checks.check_shape(strengths, "strengths", (np.shape(forms)[0],))
    _checks.check_finite(forms, "forms")
    _checks.check_finite(strengths, "strengths")
    if _checks.is_concrete(strengths) and (_checks.concrete(strengths) < 0).any():
        raise ValueError(
            "Argument `strengths` must not be negative, but is: there would be no "
            "lowest level."
        )
    couplings = np.ones(modes) if couplings is None else couplings
    _checks.check_shape(couplings, "couplings", (modes,))
    # x² leads at most two quanta out of the basis: in this larger one it is exact
    larger = photon_configurations(
        frequencies, cutoff + 2 * hbar * float(frequencies.max()), hbar
    )
    constants = map(constant, (frequencies, hbar, forms, strengths, couplings))
    return user_matter(*_operators(basis, larger, *constants))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _operators(
    basis: Configurations,
    larger: Configurations,
    omega: Array,
    hbar: Array,
    forms: Array,
    strengths: Array,
    couplings: Array,
) -> tuple[Array, Array]:
    """H and X in the smaller basis."""
    kept = _rows(basis, larger)
    lengths = jnp.sqrt(hbar / (2 * omega))
    start = jnp.eye(larger.size, dtype=omega.dtype)[kept]

    def quartic(total: Array, term: tuple[Array, Array]) -> tuple[Array, None]:
        u, strength = term
        square = _position(_position(start, larger, u * lengths), larger, u * lengths)
        return total + strength * (square @ square.T), None

    quanta = jnp.asarray(basis.numbers + 0.5, omega.dtype) @ (hbar * omega)
    H, _ = jax.lax.scan(quartic, jnp.diag(quanta), (forms, strengths))
    X = _position(start, larger, couplings * lengths)[:, kept]
    return (H + H.T) / 2, (X + X.T) / 2


def _rows(basis: Configurations, larger: Configurations) -> np.ndarray:
    """Where the configurations of `basis` stand in `larger`."""
    place = {row.tobytes(): i for i, row in enumerate(larger.numbers)}
    return np.array([place[row.tobytes()] for row in basis.numbers])


def _position(states: Array, basis: Configurations, weights: Array) -> Array:
    """Σ_k w_k (b_k + b_k†) applied to each row of `states`."""
    padded = jnp.pad(states, ((0, 0), (0, 1)))
    numbers = jnp.asarray(basis.numbers.T, states.dtype)
    total = jnp.zeros_like(states)
    for mode in range(basis.modes):
        # the amplitude of n comes from n + 1 by b and from n - 1 by b†
        fallen = jnp.sqrt(numbers[mode] + 1)[None, :] * padded[:, basis.raised[mode]]
        risen = jnp.sqrt(numbers[mode])[None, :] * padded[:, basis.lowered[mode]]
        total = total + weights[mode] * (fallen + risen)
    return total
