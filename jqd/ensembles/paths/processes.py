"""Nelson's diffusion and Bohm's paths: two processes with the same density, |ψ|²."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._checks import single_key, whole_number
from ..._gate import gated
from ...interop import as_array
from ...laws.law import Law
from ...laws.start import prepared
from ...spaces import Grid
from ...spaces.hamiltonians import OnGrid
from ...steppers import Splitting, kahan_li6, srkn11
from ..arguments import trajectory_numbers
from .guide import REFINE
from .noise import Noise
from .result import Paths
from .walk import Walk, WaveLaw, run

PATHS = 1000
Observe = Callable[[Array, Array], Any]


@runtime_checkable
class Diffusive(Protocol):
    """A law with its own diffusion constant."""

    @property
    def diffusion_constant(self) -> Array:
        """D, length² over time."""
        ...


@gated
def nelson(
    law: Law,
    psi0: ArrayLike,
    ts: ArrayLike,
    key: Array,
    *,
    paths: int | None = None,
    nu: ArrayLike | None = None,
    nu_hat: ArrayLike | None = None,
    D: ArrayLike | None = None,
    x0: ArrayLike | None = None,
    scheme: str = "implicit",
    substeps: int = 50,
    stepper: Callable[..., Any] | None = None,
    observe: Observe | None = None,
    first: int = 0,
    error_paths: int = 1000,
    refine: int | None = None,
    periodic: bool = False,
) -> Paths:
    """Sample Nelson's diffusion, and the family of diffusions with the same density.

    dX_i = (v_i + ν_i ∂_i ρ/ρ) dt + √(2ν_i) dW_i,  v_i = ∂_i S/m_i,  ρ = |ψ|²

    With u = -D ∇ρ/ρ, Nelson's forward drift is v - u at ν = D = ħ/2m. Any ν >= 0 gives
    |ψ|² at every time, so that no density determines ν. Joint densities of two times
    do, but they are not those of quantum mechanics. In a vector potential v is
    (∇S - qA)/m. A pointer's velocity includes its coupling; an impulse displaces it at
    once, and the row at the time of an impulse is after it. Steps end where a pulse
    declares that it jumps, as for `jqd.Fixed`. For spinors, ρ and v are those of all
    components together.

    The drift is read from a cubic spline through ψ at each path. Path k has its own
    random numbers: a run of paths 0..n-1 equals, up to rounding, two runs of them with
    `first` = 0 and `first` = m. Works under jit, vmap and grad (along the paths).

    Args:
        law: law on a grid whose state is ψ, such as `jqd.Schrodinger`.
        psi0: ψ at ts[0], of the grid's shape, normalised.
        ts: times, (T,), strictly increasing.
        key: of the random numbers, `jax.random.key(...)`.
        paths: number of paths, n; by default 1000, or as many as `x0` has.
        nu: ν >= 0, length² over time, scalar or one per axis; 0 along axes of infinite
            mass. None for D, Nelson's value.
        nu_hat: ν over D, scalar, in place of `nu`: 1 is Nelson's, 0 Bohm's.
        D: ħ/2m, scalar or one per axis; None to read it from the law.
        x0: positions at ts[0], (n, d) or, in 1D, (n,); None to draw them from |ψ|².
        scheme: "euler" (weak order 1), "heun" (2), or "implicit": Heun's, but
            drift-implicit near nodes (zeros of ψ), where explicit steps throw paths far
            away or across.
        substeps: steps between two times.
        stepper: of ψ; None for `jqd.steppers.srkn11` where it keeps its order, for
            `kahan_li6` where the law has other flows, else the law's step.
        observe: what to keep instead of the positions: a function (t, x (n, d)) that
            returns a PyTree. Rows of paths that have ended are NaN.
        first: number of the first path.
        error_paths: number of paths to run again with half the step, for `error`; 0
            for none.
        refine: spline points for each grid point, along each axis; None for 4 in one
            dimension, 2 in two, 1 in more.
        periodic: whether the box is a ring; if not, a path ends where it leaves it.

    Returns:
        The paths, with status, node crossings, distance to |ψ|² and errors. Paths that
        start from positions of another density are not a sample of |ψ|²; `equilibrium`,
        `sample_status` and `describe()` say so.

    Raises:
        ValueError: no grid, ν < 0, noise along an axis of infinite mass, a start
            outside the box, wrong shapes, names or numbers.

    Source: E. Nelson (1966) Phys. Rev. 150, 1079; M. Davidson (1979) Lett. Math. Phys.
    3, 271 for any ν. In Zakir's notation u is the Fick velocity of eq. (17).
    """
    _checks.check_choice(scheme, "scheme", ("euler", "heun", "implicit"))
    walk, psi, ts = read_walk(
        law, psi0, ts, D, nu, scheme, stepper, substeps, refine, periodic, nu_hat
    )
    return _go(walk, psi, ts, key, paths, x0, observe, first, error_paths)


@gated
def bohm(
    law: Law,
    psi0: ArrayLike,
    ts: ArrayLike,
    key: Array | None = None,
    *,
    paths: int | None = None,
    D: ArrayLike | None = None,
    x0: ArrayLike | None = None,
    scheme: str = "rk4",
    substeps: int = 50,
    stepper: Callable[..., Any] | None = None,
    observe: Observe | None = None,
    first: int = 0,
    error_paths: int = 1000,
    refine: int | None = None,
    periodic: bool = False,
) -> Paths:
    """Bohm's paths, which follow the current: dX/dt = ∇S/m.

    dX/dt = (ħ/m) Im ∇ψ/ψ at X

    This is the case ν = 0 of `nelson`. In one dimension paths never cross.

    Args:
        law, psi0, ts, paths, D, x0, substeps, stepper, observe, first, error_paths,
            refine, periodic: as for `nelson`.
        key: of the random numbers that draw the positions at ts[0] from |ψ|²; may be
            left out where `x0` is given.
        scheme: "rk4" (order 4), "heun" (2) or "euler" (1).

    Returns:
        The paths; `ks` is meaningful where they start from |ψ|².

    Raises:
        ValueError: neither key nor x0, no grid, wrong shapes, names or numbers.

    Source: D. Bohm (1952) Phys. Rev. 85, 166; Zakir, eqs. (10), (24).
    """
    _checks.check_choice(scheme, "scheme", ("rk4", "heun", "euler"))
    if key is None:
        if x0 is None:
            raise ValueError(
                "Argument `key` must be given where `x0` is not, but is None."
            )
        key = jax.random.key(0)  # read by nobody: no noise, no draw
    walk, psi, ts = read_walk(
        law, psi0, ts, D, 0.0, scheme, stepper, substeps, refine, periodic
    )
    return _go(walk, psi, ts, key, paths, x0, observe, first, error_paths)


def _go(walk, psi, ts, key, paths, x0, observe, first, error_paths) -> Paths:
    x0, noise = read_start(walk, psi, key, paths, x0, first)
    probes = min(noise.ids.size, whole_number(error_paths, "error_paths", 0))
    if observe is not None and not callable(observe):
        raise ValueError(
            f"Argument `observe` must be a function of (t, x), but is "
            f"{_checks.shown(observe)}."
        )
    return run(walk, psi, ts, x0, noise, observe, probes)


def read_start(walk, psi, key, paths, x0, first) -> tuple[Array | None, Noise]:
    """Initial positions, None if they are to be drawn, and the random numbers."""
    key = single_key(key)
    if x0 is not None:
        x0 = _positions(x0, walk.grid, psi.real.dtype, walk.periodic)
        if paths not in (None, x0.shape[0]):
            raise ValueError(
                f"Argument `paths` must be the {x0.shape[0]} of `x0` or be left out, "
                f"but is {paths}."
            )
        paths = x0.shape[0]
    count = whole_number(PATHS if paths is None else paths, "paths", 1)
    first = whole_number(first, "first", 0)
    return x0, Noise(key, trajectory_numbers(first, count, "path"))


def read_walk(
    law: Law, psi0, ts, D, nu, scheme, stepper, substeps, refine, periodic, nu_hat=None
) -> tuple[Walk, Array, Array]:
    """The process, ψ at the first time, and the times."""
    if not (isinstance(law, WaveLaw) and isinstance(law.grid, Grid)):
        raise ValueError(
            "Argument `law` must be a law on a grid, such as Schrodinger.on_grid(...), "
            f"but {type(law).__name__} here has none: there are no positions."
        )
    psi = prepared(law, as_array(psi0, "psi0"))
    if not (isinstance(psi, jax.Array) and jnp.iscomplexobj(psi)):
        raise ValueError(
            "Argument `law` must have ψ as its state, but this form of "
            f"{type(law).__name__} has another; use its complex-amplitude form."
        )
    grid = law.grid
    _checks.check_shape(psi, "psi0", (*psi.shape[: -grid.ndim], *grid.shape))
    _checks.check_times(ts, "ts")
    dtype = psi.real.dtype
    D = _diffusion_constant(law, D, grid.ndim, dtype)
    walk = Walk(
        law, D, read_strength(nu, nu_hat, D), scheme,
        _stepper(law, stepper), whole_number(substeps, "substeps", 1),
        REFINE.get(grid.ndim, 1) if refine is None else whole_number(
            refine, "refine", 1
        ),
        periodic,
    )  # fmt: skip
    return walk, psi, jnp.asarray(ts, dtype)


def _diffusion_constant(
    law: Law, D: ArrayLike | None, ndim: int, dtype: Any
) -> Float[Array, " d"]:
    """D as given, as the law has it, or ħ/2m along each axis; 0 for infinite masses."""
    moved_by = law.exact().generator
    if D is None and isinstance(law, Diffusive):
        D = law.diffusion_constant
    if D is not None:
        D = _each_axis(D, "D", ndim, dtype)
        _checks.check_positive(D, "D")
        return D
    if moved_by is None or not isinstance(moved_by.hamiltonian, OnGrid):
        raise ValueError(
            f"Argument `D` must be given, but is None and {type(law).__name__} has "
            "neither `diffusion_constant` nor ħ and a mass."
        )
    masses = moved_by.hamiltonian.masses
    return jnp.stack([moved_by.hbar / (2 * m) for m in masses]).astype(dtype)


def read_strength(nu: ArrayLike | None, nu_hat: ArrayLike | None, D: Array) -> Array:
    """ν along each axis."""
    if nu is None:
        if nu_hat is None:
            return D
        _checks.check_not_negative(nu_hat, "nu_hat", ())
        return jnp.asarray(nu_hat, D.dtype) * D
    if nu_hat is not None:
        raise ValueError("Argument `nu` must be left out beside `nu_hat`, but is not.")
    nu = _each_axis(nu, "nu", D.size, D.dtype)
    _checks.check_not_negative(nu, "nu")
    if _checks.is_concrete((nu, D)):
        frozen = (_checks.concrete(D) == 0) & (_checks.concrete(nu) > 0)
        if frozen.any():
            raise ValueError(
                "Argument `nu` must be 0 along an axis of infinite mass, but is "
                f"{float(nu[frozen.argmax()]):.6g} along axis {int(frozen.argmax())}; "
                "give one per axis, or `nu_hat`."
            )
    return nu


def _each_axis(value: ArrayLike, name: str, ndim: int, dtype: Any) -> Array:
    """One number, or one per axis, as (ndim,)."""
    _checks.check_numbers(value, name)
    if np.ndim(value) == 0:
        _checks.check_scalar(value, name)
    else:
        _checks.check_reals(value, name, (ndim,))
    return jnp.broadcast_to(jnp.asarray(value, dtype), (ndim,))


def _positions(x0: ArrayLike, grid: Grid, dtype: Any, periodic: bool) -> Array:
    _checks.check_flags(periodic=periodic)
    _checks.check_numbers(x0, "x0")
    if np.ndim(x0) == 1 and grid.ndim == 1:
        x0 = jnp.asarray(x0)[:, None]
    _checks.check_reals(x0, "x0", (None, grid.ndim))
    if np.shape(x0)[0] == 0:
        raise ValueError("Argument `x0` must hold a position, but is empty.")
    if _checks.is_concrete(x0) and not periodic:
        places = _checks.concrete(x0)
        lower, upper = np.transpose(grid.bounds)
        outside = np.any((places < lower) | (places >= upper), axis=1)
        if outside.any():
            raise ValueError(
                f"Argument `x0` must lie inside of the box {grid.bounds}, but is "
                f"{places[outside.argmax()].tolist()} of path {outside.argmax()}."
            )
    return jnp.asarray(x0, dtype)


def _stepper(law: Law, stepper: Callable[..., Any] | None) -> Callable[..., Any] | None:
    if stepper is not None and not callable(stepper):
        raise ValueError(
            "Argument `stepper` must be a one-step method such as jqd.steppers.rk4 or "
            f"None, but is {stepper!r}."
        )
    if isinstance(stepper, Splitting):
        stepper.flows(law)  # refused here rather than under jit
    if stepper is not None:
        return stepper
    flows = law.exact().flows()
    if flows is None:
        return None
    return srkn11 if flows.reach == "nystroem" else kahan_li6
