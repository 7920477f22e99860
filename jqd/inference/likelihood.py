"""Maximum likelihood of heterodyne samples."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks, constants
from .._gate import gated
from ..evolution import Propagator, evolve
from ..laws import HusimiFokkerPlanck
from ..laws.scales import scales_of
from ..laws.start import prepared
from .study import FIRST


class LikelihoodFit(NamedTuple):
    """Constants at which samples are most likely.

    Attributes:
        constants: by name.
        log_likelihood: Σ log Q at the samples.
        at_boundary: whether C is at its upper end, 1.
        converged: whether the solver converged.
    """

    constants: dict[str, float]
    log_likelihood: float
    at_boundary: bool
    converged: bool


@gated
def log_likelihood(
    law: HusimiFokkerPlanck,
    psi0: Any,
    ts: ArrayLike,
    samples: ArrayLike,
    t0: ArrayLike = 0.0,
) -> Float[Array, ""]:
    """Σ_t Σ_j log Q(α_tj; t) of heterodyne outcomes.

    Q is bounded below by 1e-30/ħ^N, so that the value is finite where C > 1 makes the
    density negative; only C <= 1 gives a likelihood.

    Args:
        law: a phase-space law.
        psi0: quantum state at t0.
        ts: times, shape (T,), after t0.
        samples: outcomes α, shape (T, S).
        t0: time of the state.

    Returns:
        Scalar.

    Raises:
        ValueError: shapes that do not fit, times that do not increase from t0 on.
    """
    _checks.check_scalar(t0, "t0")
    _checks.check_times(ts, "ts")
    samples = jnp.asarray(samples)
    _checks.check_shape(samples, "samples", (np.shape(ts)[0], None))
    times = jnp.concatenate([jnp.asarray(t0, float)[None], jnp.asarray(ts, float)])
    states = evolve(law, prepared(law, psi0), times, method=Propagator()).values
    later = jax.tree.map(lambda leaf: leaf[1:], states)
    density = jax.vmap(law.density)(later, samples)
    density = density * jnp.asarray(law.hbar) ** law.modes
    each = jnp.log(jnp.maximum(density, 1e-30))
    return jnp.sum(each) - samples.size * _log_cell(law)


@gated
def fit_likelihood(
    law: HusimiFokkerPlanck,
    psi0: Any,
    ts: ArrayLike,
    samples: ArrayLike,
    *,
    free: Sequence[str] = ("C",),
    start: Mapping[str, float] | None = None,
    t0: ArrayLike = 0.0,
) -> LikelihoodFit:
    """Constants at which heterodyne samples are most likely, with C <= 1.

    C = 1 lies on the boundary: above it the density is negative somewhere. C is
    therefore fitted as 1 - u². At the boundary no standard error is valid (the Fisher
    integral diverges at zeros of the Husimi function), and none is given; the moments
    of the samples give one, see `PhaseSpaceRecord.data`.

    Args:
        law: a phase-space law whose states are solvable.
        psi0: quantum state at t0.
        ts: times, shape (T,), after t0.
        samples: outcomes α, shape (T, S).
        free: names of scalar constants.
        start: initial guess, by name.
        t0: time of the state.

    Returns:
        The fit.

    Raises:
        ValueError: unknown names, an initial C above 1, float64 off.
    """
    import optimistix as optx

    _checks.require_x64("jqd.recover")
    for name in free:
        _checks.check_choice(name, "free", constants.names(law))
    psi0 = law.admit(psi0)
    own = {name: float(constants.pack(law, name)[0]) for name in free}
    first = [float({**own, **(start or {})}[name]) for name in free]
    if "C" in free and not 0 < first[list(free).index("C")] <= 1:
        raise ValueError(
            "Argument `start` must give C in (0, 1] for a likelihood, but it is "
            f"{first[list(free).index('C')]}."
        )
    # in units of the spans of starts, and C in u: not at u = 0 itself, where the slope
    # in u vanishes whatever the samples say
    units = _units(law, free, float(np.max(np.abs(np.asarray(ts) - np.asarray(t0)))))
    theta = jnp.asarray(
        [np.sqrt(max(1 - v, 0.01)) if n == "C" else v / unit
         for n, v, unit in zip(free, first, units, strict=True)]
    )  # fmt: skip
    size = np.size(samples)

    def at(theta):
        changed = law
        for name, value, unit in zip(free, theta, units, strict=True):
            value = 1 - value**2 if name == "C" else value * unit
            changed = constants.unpack(changed, name, value[None])
        return changed

    def loss(theta, args):
        times, outcomes = args
        value = log_likelihood(at(theta), psi0, times, outcomes, t0) / size
        return -(value + _log_cell(law))

    # the mean of log ħ^N Q is of order one and rounds to 1e-13: its minimum is known to
    # the root of that
    solver = optx.BFGS(rtol=1e-7, atol=1e-7)
    args = (jnp.asarray(ts), jnp.asarray(samples))
    solution = optx.minimise(
        loss, solver, theta, args=args, max_steps=200, throw=False,
        options={"autodiff_mode": "fwd"},
    )  # fmt: skip
    best = at(solution.value)
    values = {name: float(constants.pack(best, name)[0]) for name in free}
    return LikelihoodFit(
        values,
        -float(loss(solution.value, args) + _log_cell(law)) * size,
        bool(values.get("C", 0.0) > 1 - 1e-4),
        bool(solution.result == optx.RESULTS.successful),
    )


def _log_cell(law: HusimiFokkerPlanck) -> Array:
    """N ln ħ: Q is a density in 1/ħ^N."""
    return law.modes * jnp.log(jnp.asarray(law.hbar))


def _units(
    law: HusimiFokkerPlanck, free: Sequence[str], duration: float
) -> list[float]:
    """Spans from which fits to records of this length draw starts."""
    scales = scales_of(law, FIRST * duration if duration > 0 else 1.0)
    ends = [constants.span(law, name, scales) for name in free]
    return [float(high[0] - low[0]) for low, high in ends]
