"""ν, the noise of single paths, from the few data that depend on it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ..._gate import gated
from ..._math import divisor
from ...status import Status, describe
from ..goodness import MISFIT_P, p_value
from ..identifiability import Unidentifiable

# Information on ln ν of one count below which shares do not depend on ν: it is the
# square of a relative change, so that rounding leaves 1e-20 of it.
NOTHING = 1e-12
PASSAGES = ("ideal", "recorded")
_STEPS = 60
# From so many expected counts on a bin is used in chi-square by itself.
_ENOUGH = 5.0


class NoiseFit(NamedTuple):
    """A fit of ν by maximum likelihood.

    Attributes:
        nu: ν, length² over time.
        stderr: its standard error, that of Cramér and Rao.
        information: Fisher's on ln ν, of one count: stderr/ν = 1/√(n information).
        p_value: probability of counts as far from those expected, if the law is right.
        excluded: number of counts where the law at this ν has no probability.
        status: code of `jqd.Status`: NOT_CONVERGED; UNIDENTIFIABLE where the standard
            error is as large as ν; MISFIT where p_value is below 1e-3, as where there
            are excluded counts; NON_FINITE where the shares or their slopes in ν are.
    """

    nu: Float[Array, ""]
    stderr: Float[Array, ""]
    information: Float[Array, ""]
    p_value: Float[Array, ""]
    excluded: Float[Array, ""]
    status: Int[Array, ""]

    def describe(self) -> str:
        """The status in words, and what was seen that the law excludes."""
        said, excluded = describe(self.status, "fit"), float(jnp.sum(self.excluded))
        if excluded > 0:
            said += f" Outcomes that the law excludes were seen {excluded:.10g} times."
        return said


@gated
def nu_from_arrivals(
    times: ArrayLike,
    ts: ArrayLike,
    arrived: Callable[[Array], Array],
    *,
    passages: str,
    start: ArrayLike,
) -> NoiseFit:
    """ν from times of first arrival of paths that are not recorded.

    maximises Σ n_b ln p_b(ν),  p_b = F(t_b; ν) - F(t_{b-1}; ν)

    Ideal passages are not an experiment. A detector records positions at one time, at
    the end, with the same distribution for every ν: such data are refused.

    Args:
        times: of first arrival, (n,); those before ts[0] or after ts[-1], infinite ones
            too, count as such.
        ts: ends of the bins, (T,), strictly increasing.
        arrived: function of ν, scalar, that gives F at `ts`, (T,): a closed form, or
            lambda nu: survival(law, psi0, ts, detector=L, nu=nu).arrived.
        passages: "ideal"; "recorded" is refused.
        start: initial guess of ν, positive.

    Returns:
        ν with its standard error; works under vmap over `times`.

    Raises:
        ValueError: wrong shapes or numbers, or another word.
        Unidentifiable: (a ValueError) recorded passages, or an F that does not depend
            on ν.
    """
    _checks.check_choice(passages, "passages", PASSAGES)
    if passages == "recorded":
        raise Unidentifiable(
            "Argument `passages` must be 'ideal' to determine ν, but is 'recorded': "
            "what a detector shows has the same distribution for every ν."
        )
    _check_function(arrived, "arrived")
    _checks.check_shape(times, "times", (None,))
    _checks.check_real(times, "times")
    _checks.check_times(ts, "ts")
    ts = _checks.widen(ts)
    times = jnp.asarray(times, ts.dtype)
    bins = jnp.searchsorted(ts, times)
    counts = jnp.zeros((1, ts.size + 1), ts.dtype).at[0, bins].add(1)
    return _fitted(counts, _Bins(arrived, ts.size), start, "arrived")


class _Bins(eqx.Module):
    """Shares of the bins, from a distribution."""

    arrived: Callable[[Array], Array]
    size: int = eqx.field(static=True)

    def __call__(self, nu: Array) -> Array:
        F = jnp.asarray(self.arrived(nu))
        _checks.check_shape(F, "arrived", (self.size,))
        return jnp.diff(F, prepend=0, append=1)[None]


@gated
def nu_from_relaxation(
    counts: ArrayLike, shares: Callable[[Array], Array], *, start: ArrayLike
) -> NoiseFit:
    """ν from counts of an ensemble on its way to |ψ|².

    maximises Σ_t Σ_c n_tc ln p_tc(ν)

    The rates of relaxation are proportional to ν, so that stderr/ν is of the order of
    1/√n. In equilibrium ρ = |ψ|² is the same for every ν, and the data are refused.
    This does not say that other ensembles can be prepared.

    Args:
        counts: of paths in cells, (T, c), a row for each time; of other paths at each
            time.
        shares: function of ν, scalar, that gives the probability of each cell, (T, c),
            from the known initial ρ; see `relaxed_density` and `path_density`.
        start: initial guess of ν, positive.

    Returns:
        ν with its standard error; works under vmap over `counts`.

    Raises:
        ValueError: wrong shapes or numbers.
        Unidentifiable: (a ValueError) shares that do not depend on ν.
    """
    _check_function(shares, "shares")
    _checks.check_shape(counts, "counts", (None, None))
    _checks.check_whole(counts, "counts")
    return _fitted(_checks.widen(counts), shares, start, "shares")


def _check_function(given: Any, name: str) -> None:
    if not callable(given):
        raise ValueError(
            f"Argument `{name}` must be a function of ν, but is {_checks.shown(given)}."
        )


def _fitted(counts: Array, shares: Any, start: ArrayLike, name: str) -> NoiseFit:
    _checks.check_positive(start, "start", ())
    fit = _scored(counts, shares, jnp.log(jnp.asarray(start, counts.dtype)))
    known = _checks.is_concrete(fit.information)
    if known and float(fit.information) <= NOTHING:
        raise Unidentifiable(
            f"Argument `{name}` must depend on ν, but does not: |ψ|² is the density of "
            "paths for every ν."
        )
    return fit


@eqx.filter_jit
def _scored(counts: Array, shares: Callable[[Array], Array], start: Array) -> NoiseFit:
    """Fisher's scoring in ln ν."""
    total = jnp.maximum(jnp.sum(counts, axis=1, keepdims=True), 1)
    tiny = jnp.finfo(counts.dtype).tiny

    def look(u):
        p, slope = jax.jvp(
            lambda u: jnp.asarray(shares(jnp.exp(u)), counts.dtype),
            (u,), (jnp.ones_like(u),),
        )  # fmt: skip
        _checks.check_shape(p, "shares", counts.shape)
        p = jnp.maximum(p, tiny)
        # Where p is nothing but rounding, so is its slope.
        relative = jnp.where(p > jnp.finfo(p.dtype).eps, slope / p, 0)
        information = jnp.sum(total * p * relative**2)
        return p, jnp.sum(counts * relative), information

    def step(carry):
        i, u, _ = carry
        _, score, information = look(u)
        move = score / jnp.maximum(information, tiny)
        move = jnp.clip(jnp.where(information > 0, move, 0), -1, 1)
        return i + 1, u + move, jnp.abs(move)

    def going(carry):
        i, _, move = carry
        return (i < _STEPS) & (move > 1e-9)

    first = (jnp.zeros((), jnp.int32), start, jnp.ones_like(start))
    _, u, move = jax.lax.while_loop(going, step, first)
    p, _, information = look(u)
    nu, number = jnp.exp(u), jnp.sum(counts)
    stderr = nu / jnp.sqrt(jnp.maximum(information, tiny))
    # a share is 0 to rounding, and so is the chance to see any of it
    rounding = jnp.finfo(p.dtype).eps
    excluded = jnp.sum(jnp.where(p > rounding, 0, counts))
    chance = jnp.where(excluded > 0, number * rounding, 1)
    chance = jnp.minimum(_chance(counts, total * p), chance)
    status = jnp.where(chance < MISFIT_P, Status.MISFIT, Status.OK)
    status = jnp.where(information > 1, status, Status.UNIDENTIFIABLE)
    status = jnp.where(move <= 1e-9, status, Status.NOT_CONVERGED)
    status = jnp.where(jnp.isfinite(information), status, Status.NON_FINITE)
    status = status.astype(jnp.int32)
    return NoiseFit(nu, stderr, information / number, chance, excluded, status)


def _chance(counts: Array, expected: Array) -> Array:
    """p-value of Pearson's chi-square; rare bins of a row are one."""
    rare = expected < _ENOUGH
    n, e = (
        jnp.concatenate(
            [jnp.where(rare, 0, x), jnp.sum(jnp.where(rare, x, 0), 1, keepdims=True)], 1
        )
        for x in (counts, expected)
    )
    used = e >= _ENOUGH
    e = divisor(e, used)
    chi2 = jnp.sum(jnp.where(used, (n - e) ** 2 / e, 0))
    excess = jnp.sum(jnp.where(used, 1 / e, 0))
    freedom = jnp.sum(used) - counts.shape[0] - 1
    return p_value(chi2, freedom, excess)
