"""The flux of probability through a point: arrivals of Bohm's paths, and backflow."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from ... import _checks
from ..._gate import gated
from ..._math import abs2, expi
from ...evolution.evolution import in_precision
from ...evolution.judging import judged, status_of_each
from ...laws.law import Law
from ...status import Status
from ..cells import integrals
from ..paths.guide import refined
from ..paths.walk import Walk
from .detector import Detector, read_line
from .follow import follow

# A density at the ends of the box above this share of the peak has come round the box.
EDGE = 1e-4


class FluxErrors(NamedTuple):
    """Estimates of the errors of a flux by the steps of ψ, (T,) each.

    Attributes:
        current, beyond, arrived, backflow: of the members of `Flux`.
    """

    current: Float[Array, " T"]
    beyond: Float[Array, " T"]
    arrived: Float[Array, " T"]
    backflow: Float[Array, " T"]


class Flux(NamedTuple):
    """The flux through a point.

    Attributes:
        ts: times, (T,).
        current: j towards the far side, per unit of time, (T,).
        beyond: Q, the probability beyond the point, (T,).
        arrived: F_B, largest Q of all steps until each time, (T,).
        backflow: largest amount that has flowed back in any interval until then, (T,).
        edge: density at the ends of the box over the largest density, (T,).
        error: estimates of the errors by steps, from a run with half the step.
        status: code of `jqd.Status` for each time, (T,): INACCURATE where the error of
            `arrived` is as large as the share, EDGE from where ψ has reached the ends
            of the box.
    """

    ts: Float[Array, " T"]
    current: Float[Array, " T"]
    beyond: Float[Array, " T"]
    arrived: Float[Array, " T"]
    backflow: Float[Array, " T"]
    edge: Float[Array, " T"]
    error: FluxErrors
    status: Int[Array, " T"]

    @property
    def forward(self) -> Bool[Array, " T"]:
        """Whether j >= 0, (T,): only there is j a density of times of arrival."""
        return self.current >= 0


@gated
def arrival_flux(
    law: Law,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    detector: ArrayLike,
    side: str = "left",
    D: ArrayLike | None = None,
    substeps: int = 50,
    stepper: Callable[..., Any] | None = None,
) -> Flux:
    """Flux of probability through a point, and first arrivals of Bohm's paths.

    j = (ħ/m) Im(ψ* ∂ψ/∂x) at L,  Q(t) = ∫ |ψ|² dx beyond L,  F_B(t) = max_{s<=t} Q(s)

    dQ/dt = j. Bohm's paths do not cross, so that the paths beyond L at any time are the
    foremost: F_B is their distribution of first arrivals, and equals Q as long as
    nothing flows back. j and Q are read from ψ's trigonometric interpolant, with no
    error but that of ψ; the largest Q is that of all steps. `error` is that of the
    steps, not of the grid.

    Caution: j is a density of arrivals only where it is not negative. These are ideal,
    unrecorded passages; they describe no experiment.

    Args:
        law, psi0, ts, detector, side: as for `arrival`.
        D: ħ/2m; None to read it from the law.
        substeps: steps between two times.
        stepper: of ψ; None for `jqd.steppers.srkn11` where the law has flows, else its
            step.

    Returns:
        j, Q, F_B, the largest backflow and the density at the edge, (T,) each, their
        errors by steps and a status.

    Raises:
        ValueError: not a grid of one dimension, a detector outside the box, wrong
            shapes or numbers.
    """
    walk, psi, ts, place = read_line(
        law, psi0, ts, detector, side, D=D, nu=0.0, scheme="rk4", stepper=stepper,
        substeps=substeps,
    )  # fmt: skip
    # the largest Q of all steps is of order 2, whatever that of ψ is
    order = min(2, getattr(walk.stepper or law.stepper, "order", 1))
    return _run(walk, psi, ts, place, order)


@eqx.filter_jit
def _run(walk: Walk, psi: Array, ts: Array, place: Detector, order: int) -> Flux:
    walk = in_precision(walk, psi.real.dtype)

    def rows(times, walk, *given):
        return _rows(walk.with_steps(times), *given)

    found, errors, far = judged(rows, (walk, psi, ts, place), order)
    j, Q, arrived, back = found
    error = FluxErrors(*errors)
    rounding = jnp.sqrt(jnp.finfo(ts.dtype).eps)
    unsure = (error.arrived >= arrived) & (error.arrived > rounding)
    # what has come round the box stays
    far_off = jnp.where(jax.lax.cummax(far) > EDGE, Status.EDGE, Status.OK)
    status = status_of_each(arrived, unsure, far_off)
    return Flux(ts, j, Q, arrived, back, far, error, status)


def _rows(walk: Walk, psi: Any, ts: Any, place: Any) -> tuple[list[Array], Array]:
    """The current, Q, F_B and the largest backflow; the density at the edge."""

    def each(state, psi, dt):
        most, back = state
        Q = beyond(walk, psi, place)
        return jnp.maximum(most, Q), jnp.maximum(back, most - Q)

    def look(state, psi):
        j, Q = current(walk, psi, place), beyond(walk, psi, place)
        return j, Q, *state, edge(psi)

    start = beyond(walk, psi, place)
    rows = follow(walk, psi, ts, (start, jnp.zeros_like(start)), each, look)
    return list(rows[:4]), rows[4]


def current(walk: Walk, psi: Array, place: Detector) -> Array:
    """j at the detector, towards its far side."""
    (k,) = walk.grid.wavenumbers
    k = k.astype(psi.real.dtype)
    wave = jnp.fft.fft(psi) / psi.size
    wave = wave * expi(k * (place.position - walk.grid.bounds[0][0]))
    value, slope = jnp.sum(wave), jnp.sum(1j * k * wave)
    return 2 * place.sign * walk.D[0] * jnp.imag(jnp.conj(value) * slope)


def beyond(walk: Walk, psi: Array, place: Detector) -> Array:
    """∫ |ψ|² dx beyond the detector, from the integral of |ψ|²'s Fourier series."""
    ((lower, upper),) = walk.grid.bounds
    # |ψ|² has twice the wavenumbers of ψ.
    density = abs2(refined(psi, 2))
    ends = (place.position, upper) if place.sign > 0 else (lower, place.position)
    return integrals(density, walk.grid.bounds, [[jnp.stack(ends)[:, None]]])[0]


def edge(psi: Array) -> Array:
    """Density at the ends of the box over the largest density."""
    density = abs2(psi)
    largest = jnp.maximum(jnp.max(density), jnp.finfo(density.dtype).tiny)
    return jnp.maximum(density[0], density[-1]) / largest


@gated
def backflow_limit(U: ArrayLike = 20.0, nodes: int | None = None) -> Float[Array, ""]:
    """Largest backflow of probability in an interval, for waves of momenta 0 to U.

    λ = max spec of K,  K(u, v) = -(1/π) sin(u² - v²)/(u - v) on [0, U]²

    A free wave with positive momenta alone can have a negative current at a point for
    an interval of time; λ bounds the probability that flows back in it. u is the
    momentum in units of √(4mħ/duration), so that λ contains no ħ, mass or time. λ grows
    with U as λ(∞) - c/U, and 2λ(2U) - λ(U) comes near λ(∞) = 0.03845.

    Args:
        U: cut-off, positive; a known number, not traced, unless `nodes` is given.
        nodes: number of Gauss-Legendre points; None for 0.9 U² + 80, rounded up.

    Returns:
        λ, scalar.

    Raises:
        ValueError: U not positive, or fewer than 2 nodes.

    Source: A. J. Bracken and G. F. Melloy (1994) J. Phys. A 27, 2197; λ(∞) = 0.0384517
    in M. Penz et al. (2006) J. Phys. A 39, 423, 0.0384506 in arXiv:2505.13184.
    """
    _checks.check_positive(U, "U", ())
    if nodes is None:
        nodes = int(np.ceil(0.9 * float(_checks.concrete(U)) ** 2)) + 80
    points, weights = np.polynomial.legendre.leggauss(
        _checks.whole_number(nodes, "nodes", 2)
    )
    U = jnp.asarray(U, jnp.result_type(U, jnp.zeros(()).dtype))
    u = U * jnp.asarray((points + 1) / 2, U.dtype)
    root = jnp.sqrt(U * jnp.asarray(weights / 2, U.dtype))
    difference, total = u[:, None] - u[None, :], u[:, None] + u[None, :]
    # sin(u² - v²)/(u - v), which is u + v on the diagonal
    kernel = total * jnp.sinc(difference * total / jnp.pi)
    matrix = -root[:, None] * root[None, :] * kernel / jnp.pi
    return jnp.linalg.eigvalsh(matrix)[-1]
