"""Quadratic Hamiltonians in closed form."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import matmul
from ...spaces.symbols import Symbol
from ...states import (
    Ensemble,
    State,
    antinormal_moment,
    as_ensemble,
    check_modes,
    covariance,
    husimi,
)
from ...status import Status
from .form import Equation, Form, Powers
from .gaussian_sum import GaussianSum, to_complex

# How far the Husimi function of a ket may be from the Gaussian of its moments.
_GAUSSIAN = 1e-6


class GaussianForm(Form):
    """Sums of Gaussians with complex means, for H of at most second degree.

    μ' = F μ + f, Σ' = FΣ + ΣFᵀ + D, which has the solution
    Σ(t) = S (Σ₀ - K) Sᵀ + K, S = exp(Ft), K = (ħC/4) diag(s², s⁻²)

    without a bath; one of loss and gain adds -κ/2 to F and Dħ/2 to the diffusion of
    each quadrature, and Σ(t) = S Σ₀ Sᵀ + ∫₀ᵗ S D Sᵀ. The form takes any number of
    modes, any C, also C <= 0 and C > 2, and any s. Cats of coherent or squeezed states
    are exact. Where Σ stops being positive definite no density exists, and the run ends
    with the status HORIZON.

    States are `GaussianSum`; kets and density operators are taken where their Husimi
    function is a Gaussian.

    Source: eqs. (55), (56).
    """

    @property
    def bathed(self) -> bool:
        """True: the form carries loss and gain, but no dephasing."""
        return True

    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """Require an H of at most second degree, and no dephasing.

        Raises:
            ValueError: if not.
        """
        del points
        degree = equation.symbol.pruned().degree
        if degree > 2:
            raise ValueError(
                "Argument `symbol` must be of at most second degree for form "
                f"'gaussian', but has degree {degree}."
            )
        dephasing = 0.0 if equation.bath is None else equation.bath.dephasing
        if _checks.is_concrete(dephasing) and np.any(np.asarray(dephasing)):
            raise ValueError(
                "Argument `bath` must not dephase for form 'gaussian', since Gaussians "
                "would not stay such, but does; use form 'exact'."
            )

    def admit(self, equation: Equation, psi: Any) -> GaussianSum:
        """A `GaussianSum` as it is, or a Gaussian ket or density operator as one.

        Raises:
            ValueError: other modes, or a Husimi function that is no Gaussian.
        """
        if isinstance(psi, GaussianSum):
            if psi.modes != equation.modes:
                raise ValueError(
                    f"Argument `psi` must have {equation.modes} modes, but has "
                    f"{psi.modes}."
                )
            return psi
        if isinstance(psi, State):
            check_modes(psi, equation.modes, "psi")
            return GaussianSum.of(psi, hbar=equation.hbar)
        ensemble = as_ensemble(psi, equation.modes, "psi")
        state = _from_moments(ensemble, equation.hbar)
        if _checks.is_concrete((state, ensemble)):
            _check_gaussian(ensemble, state, equation.hbar)
        return state

    def limits(self, psi: Any) -> dict[str, tuple[ArrayLike, ArrayLike]]:
        """None: a run that leaves the window ends with the status HORIZON."""
        del psi
        return {}

    def prepare(self, equation: Equation, psi: GaussianSum) -> GaussianSum:
        """The sum of Gaussians as it is."""
        del equation
        return psi

    def orbit(
        self, equation: Equation, state0: GaussianSum, ts: Array
    ) -> tuple[GaussianSum, Array]:
        """The closed form at each time."""
        kind = state0.covariance.dtype
        drift, force = (x.astype(kind) for x in _drift(equation))
        kernel, spread = _kernel(equation).astype(kind), _bath(equation).astype(kind)

        def at(t):
            flow, shift = _flow(drift, force, t)
            means = matmul(state0.means, flow.T) + shift[None, :]
            cov = matmul(flow, matmul(state0.covariance - kernel, flow.T))
            cov = cov + kernel
            if equation.bath is not None:
                cov = cov + _spread(drift, flow, spread, t)
            cov = (cov + cov.T) / 2
            grown = jnp.sum(flow**2)
            return GaussianSum(state0.weights, means, cov), grown

        states, grown = jax.vmap(at)(ts - ts[0])
        return states, jnp.finfo(ts.dtype).eps * grown

    def vector_field(self, equation: Equation, state: GaussianSum) -> GaussianSum:
        """μ' = Fμ + f, Σ' = FΣ + ΣFᵀ + D, D = -(FK + KFᵀ) without a bath."""
        drift, force = _drift(equation)
        means = matmul(state.means, drift.T) + force[None, :]
        half = matmul(drift, state.covariance - _kernel(equation))
        return GaussianSum(0 * state.weights, means, half + half.T + _bath(equation))

    def density(
        self, equation: Equation, state: GaussianSum, points: Complex[Array, "... N"]
    ) -> Float[Array, "..."]:
        """The sum of Gaussians."""
        del equation
        return state.density(points)

    def moment(
        self, equation: Equation, state: GaussianSum, m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """Moments of any order, exactly."""
        del equation
        return state.moment(m, n)

    def alarm(self, equation: Equation, state: GaussianSum) -> Array:
        """`Status.HORIZON` where the covariance is not positive definite."""
        del equation
        least = jnp.min(jnp.linalg.eigvalsh(jax.lax.stop_gradient(state.covariance)))
        return jnp.where(least > 0, Status.OK, Status.HORIZON)


def diffusion(equation: Equation) -> Float[Array, "2N 2N"]:
    """D of a quadratic Hamiltonian: ∂ₜQ contains ½ Σ_ab D_ab ∂_a ∂_b Q.

    It is traceless where `s` is None, in coordinates (X_1, .., X_N, Y_1, .., Y_N), and
    leaves out that of a bath.

    Source: eq. (52).
    """
    drift, _ = _hamiltonian_drift(equation.symbol)
    half = matmul(drift, _kernel(equation))
    return -(half + half.T)


def _bath(equation: Equation) -> Float[Array, "2N 2N"]:
    """What a bath adds to the diffusion: Dħ/2, and -κK, which `drift` takes off."""
    kernel = _kernel(equation)
    if equation.bath is None:
        return jnp.zeros_like(kernel)
    down, net = _net(equation)
    return jnp.diag(equation.hbar * down / 2) - net[:, None] * kernel


def _net(equation: Equation) -> tuple[Array, Array]:
    """D and κ of each coordinate, (2N,) each."""
    rates = equation.bath.rates()  # pyright: ignore[reportOptionalMemberAccess]
    one = jnp.ones(equation.modes)
    return jnp.tile(rates.down * one, 2), jnp.tile((rates.down - rates.up) * one, 2)


def _spread(drift: Array, flow: Array, rate: Array, t: ArrayLike) -> Array:
    """∫₀ᵗ exp(Fs) D exp(Fᵀs) ds, after C. F. Van Loan, IEEE TAC 23, 395 (1978)."""
    size = drift.shape[0]
    whole = jnp.block([[-drift, rate], [jnp.zeros_like(drift), drift.T]])
    return matmul(flow, jax.scipy.linalg.expm(whole * t)[:size, size:])


def _kernel(equation: Equation) -> Float[Array, "2N 2N"]:
    """(ħC/4) diag(s², s⁻²): what the diffusion leaves as it is."""
    scale = equation.hbar * equation.C / 4
    s = equation.s
    if s is None:
        s = jnp.ones(equation.modes, scale.dtype)
    return scale * jnp.diag(jnp.concatenate([s**2, 1 / s**2]))


def _flow(
    drift: Array, force: Array, t: ArrayLike
) -> tuple[Float[Array, "2N 2N"], Float[Array, " 2N"]]:
    """S and the shift of the means after a time t."""
    size = drift.shape[0]
    whole = jnp.zeros((size + 1, size + 1), drift.dtype)
    whole = whole.at[:size, :size].set(drift).at[:size, size].set(force)
    # augmented: no inverse of F, which may be singular
    flow = jax.scipy.linalg.expm(whole * t)
    return flow[:size, :size], flow[:size, size]


def _drift(equation: Equation) -> tuple[Float[Array, "2N 2N"], Float[Array, " 2N"]]:
    """F and f, that of a bath, -κ/2, included."""
    drift, force = _hamiltonian_drift(equation.symbol)
    if equation.bath is None:
        return drift, force
    return drift - jnp.diag(_net(equation)[1] / 2), force


def _hamiltonian_drift(
    symbol: Symbol,
) -> tuple[Float[Array, "2N 2N"], Float[Array, " 2N"]]:
    """F = ½ J H'' and f = ½ J H' at the origin, J = [[0, 1], [-1, 0]]."""
    modes = symbol.modes
    kind = symbol.coefficients.dtype
    second = jnp.zeros((2 * modes, 2 * modes), kind)
    first = jnp.zeros(2 * modes, kind)
    for value, m, n in symbol.terms():
        powers = (*m, *n)
        where = [i for i, power in enumerate(powers) for _ in range(power)]
        if len(where) == 1:
            first = first.at[where[0]].add(value)
        elif len(where) == 2:
            second = second.at[where[0], where[1]].add(value)
            second = second.at[where[1], where[0]].add(value)
    turn = to_complex(modes)
    symplectic = np.kron(np.array([[0.0, 1.0], [-1.0, 0.0]]), np.eye(modes)) / 2
    real = jnp.finfo(kind).dtype
    right, left = jnp.asarray(turn, kind), jnp.asarray(turn.T, kind)
    half = jnp.asarray(symplectic, real)
    hessian = jnp.real(matmul(left, matmul(second, right)))
    return matmul(half, hessian), matmul(half, jnp.real(matmul(left, first)))


def _from_moments(ensemble: Ensemble, hbar: Array) -> GaussianSum:
    """The Gaussian with the means and covariances of a Husimi function."""
    modes = ensemble.modes
    options, none = {"hbar": hbar, "modes": modes}, (0,) * modes
    units = map(tuple, np.eye(modes, dtype=int).tolist())
    alpha = jnp.stack([antinormal_moment(ensemble, m, none, **options) for m in units])
    mean = jnp.concatenate([jnp.real(alpha), jnp.imag(alpha)]).astype(alpha.dtype)
    cov = covariance(ensemble, hbar=hbar, modes=modes)
    return GaussianSum(jnp.ones(1, alpha.dtype), mean[None, :], cov)


def _check_gaussian(ensemble: Ensemble, state: GaussianSum, hbar: Array) -> None:
    """The two agree at the mean and a standard deviation away along each axis."""
    modes = ensemble.modes
    mean = np.asarray(state.means)[0].real
    values, vectors = np.linalg.eigh(np.asarray(state.covariance))
    away = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    x = mean[None, :] + np.concatenate([0 * away[:1], away, -away, 2 * away])
    points = x[:, :modes] + 1j * x[:, modes:]
    have = np.asarray(
        husimi(ensemble, points[:, 0] if modes == 1 else points, hbar=hbar, modes=modes)
    )
    want = np.asarray(state.density(jnp.asarray(points)))
    gap = float(np.max(np.abs(have - want)) / np.max(want))
    eps = float(np.finfo(want.dtype).eps)
    if not gap <= max(_GAUSSIAN, 1e3 * eps):
        raise ValueError(
            "Argument `psi` must have a Gaussian Husimi function for form 'gaussian', "
            f"but differs from one by {gap:.2g} of its height; use `GaussianSum.cat` "
            "for superpositions."
        )
