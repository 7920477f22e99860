"""Phase-space densities that are sums of Gaussians with complex means."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import abs2
from ...spaces.fock import complex_type
from ...states import Cat, State

# Quadrature nodes by which the error function of a real argument gets a complex one.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


class GaussianSum(eqx.Module):
    """Q(x) = Re Σ_k w_k exp(-½ (x-μ_k)ᵀ Σ⁻¹ (x-μ_k)) / √det(2πΣ)

    x = (X_1, .., X_N, Y_1, .., Y_N), α_i = X_i + iY_i in action units. A superposition
    of K displaced squeezed states is a sum of K² such terms: the interference of two of
    them has a complex mean.

    Attributes:
        weights: w_k, complex, Σ_k w_k = 1, shape (K,).
        means: μ_k, complex, shape (K, 2N).
        covariance: Σ, shared by all, shape (2N, 2N); ħ/2 times the identity for a
            coherent state.
    """

    weights: Complex[Array, " K"]
    means: Complex[Array, "K 2N"]
    covariance: Float[Array, "2N 2N"]

    @property
    def modes(self) -> int:
        """Number of modes N."""
        return self.means.shape[-1] // 2

    @classmethod
    def coherent(cls, alpha: ArrayLike, *, hbar: ArrayLike = 1.0) -> "GaussianSum":
        """Coherent states.

        Args:
            alpha: a of each mode, dimensionless, scalar or (N,).
            hbar: ħ, scalar.

        Raises:
            ValueError: not finite, or hbar not one positive number.
        """
        _check_vectors(alpha=alpha)
        return cls.squeezed(0.0, displacement=alpha, hbar=hbar)

    @classmethod
    def squeezed(
        cls,
        r: ArrayLike,
        *,
        angle: ArrayLike = 0.0,
        displacement: ArrayLike = 0.0,
        hbar: ArrayLike = 1.0,
    ) -> "GaussianSum":
        """Displaced squeezed vacua D(β) S(r e^(iθ))|0>, as in `jqd.states.squeezed`.

        Args:
            r: squeezing of each mode, scalar or (N,); positive r narrows X at θ = 0.
            angle: θ, likewise.
            displacement: β, likewise.
            hbar: ħ, scalar.

        Raises:
            ValueError: not finite, r or angle not real, lengths that differ, or hbar
                not one positive number.
        """
        _check_vectors(r=r, angle=angle, displacement=displacement)
        _checks.check_real(r, "r")
        _checks.check_real(angle, "angle")
        r, angle, beta = np.broadcast_arrays(*map(_vector, (r, angle, displacement)))
        return cls._single(jnp.asarray(beta), _squeezing(r, angle), 0.25, hbar)

    @classmethod
    def thermal(
        cls, nbar: ArrayLike, alpha: ArrayLike = 0.0, *, hbar: ArrayLike = 1.0
    ) -> "GaussianSum":
        """Displaced thermal states.

        Args:
            nbar: n̄ of each mode, scalar or (N,), at least 0.
            alpha: a of each mode, likewise.
            hbar: ħ, scalar.

        Raises:
            ValueError: n̄ negative, not finite, lengths that differ, or hbar not one
                positive number.
        """
        _check_vectors(nbar=nbar, alpha=alpha)
        _checks.check_not_negative(nbar, "nbar")
        nbar, alpha = np.broadcast_arrays(*map(_vector, (nbar, alpha)))
        spread = np.tile((2 * nbar + 1) / 4, 2)
        return cls._single(
            jnp.asarray(alpha), np.eye(2 * alpha.size), np.diag(spread), hbar
        )

    @classmethod
    def _single(
        cls, alpha: Array, frame: np.ndarray, wigner: Any, hbar: ArrayLike
    ) -> "GaussianSum":
        """One real mean, a Wigner covariance of a frame, and that of the detector."""
        _checks.check_positive(hbar, "hbar", ())
        spread = np.asarray(wigner) * np.eye(len(frame))
        cov = frame @ spread @ frame.T + np.eye(len(frame)) / 4
        kind = complex_type(alpha)
        mean = jnp.concatenate([jnp.real(alpha), jnp.imag(alpha)]).astype(kind)
        hbar = jnp.asarray(hbar, mean.real.dtype)
        weights = jnp.ones(1, kind)
        return cls(weights, jnp.sqrt(hbar) * mean[None, :], hbar * jnp.asarray(cov))

    @classmethod
    def cat(
        cls,
        alphas: ArrayLike,
        weights: ArrayLike,
        *,
        r: ArrayLike = 0.0,
        angle: ArrayLike = 0.0,
        hbar: ArrayLike = 1.0,
    ) -> "GaussianSum":
        """Σ_k c_k D(α_k) S(r e^(iθ))|0> / norm, as in `jqd.states.cat`.

        Args:
            alphas: α_k of one mode, dimensionless, (K,).
            weights: c_k, (K,), complex.
            r: squeezing, shared, scalar.
            angle: θ, scalar.
            hbar: ħ, scalar.

        Returns:
            A sum of K² Gaussians.

        Raises:
            ValueError: shapes differ, the components cancel, or not finite.
        """
        _checks.check_shape(alphas, "alphas", (None,))
        _checks.check_shape(weights, "weights", np.shape(alphas))
        for value, name in ((alphas, "alphas"), (weights, "weights")):
            _checks.check_finite(value, name)
        for value, name in ((r, "r"), (angle, "angle"), (hbar, "hbar")):
            _checks.check_scalar(value, name)
        _checks.check_positive(hbar, "hbar")
        alphas = np.asarray(alphas, complex)
        c = np.asarray(weights, complex)
        # in the squeezed frame they are coherent states: <k|a|j>/<k|j> = b_j, and b_k*
        # for a†
        inverse = np.linalg.inv(_squeezing(_vector(r), _vector(angle)))
        x, y = inverse @ np.stack([np.real(alphas), np.imag(alphas)])
        b = x + 1j * y
        apart = abs2(b[:, None] - b[None, :])
        phase = np.imag(alphas[None, :].conj() * alphas[:, None])
        pairs = c[:, None] * c[None, :].conj() * np.exp(1j * phase - apart / 2)
        norm2 = np.sum(pairs).real
        if not norm2 > 1e-6 * np.sum(abs2(c)):
            raise ValueError(
                "Argument `weights` must not make the components cancel, but leaves "
                f"the squared norm {norm2:.2g}."
            )
        x = (b[:, None] + b[None, :].conj()) / 2
        y = (b[:, None] - b[None, :].conj()) / 2j
        frame = _squeezing(_vector(r), _vector(angle))
        means = (frame @ np.stack([x.ravel(), y.ravel()])).T
        cov = frame @ frame.T / 4 + np.eye(2) / 4
        kind = jnp.result_type(complex)
        hbar = jnp.asarray(hbar, jnp.finfo(kind).dtype)
        return cls(
            jnp.asarray(pairs.ravel() / norm2, kind),
            jnp.sqrt(hbar) * jnp.asarray(means, kind),
            hbar * jnp.asarray(cov, hbar.dtype),
        )

    @classmethod
    def of(cls, state: State, *, hbar: ArrayLike = 1.0) -> "GaussianSum":
        """A described state: a Gaussian one, or a cat of known constants.

        Args:
            state: the state; a Gaussian one may be traced.
            hbar: ħ, scalar.

        Raises:
            ValueError: it is neither.
        """
        if isinstance(state, Cat) and _checks.is_concrete((state, hbar)):
            options = {"r": state.r, "angle": state.angle, "hbar": hbar}
            return cls.cat(state.alphas, state.weights, **options)
        moments = state.gaussian()
        if moments is None:
            raise ValueError(
                "Argument `psi` must be Gaussian for form 'gaussian', or a cat of "
                f"known constants, but is a {type(state).__name__}."
            )
        alpha, wigner = moments
        mean = jnp.concatenate([jnp.real(alpha), jnp.imag(alpha)])
        hbar = jnp.asarray(hbar, mean.dtype)
        cov = hbar * (wigner + np.eye(len(wigner)) / 4)
        means = (jnp.sqrt(hbar) * mean)[None, :].astype(alpha.dtype)
        return cls(jnp.ones(1, alpha.dtype), means, cov)

    # -- what is read off it --------------------------------------------------------

    def density(self, points: Complex[Array, "... N"]) -> Float[Array, "..."]:
        """Q per d²α; NaN where the covariance is not positive definite.

        Args:
            points: α, with a last axis of modes.
        """
        flat = jnp.reshape(points, (-1, self.modes))
        x = jnp.concatenate([jnp.real(flat), jnp.imag(flat)], axis=1)
        # not by eigenvectors, which have no derivative where two widths are the same
        unit = jnp.eye(self.covariance.shape[0], dtype=self.covariance.dtype)
        tried = jnp.linalg.cholesky(jax.lax.stop_gradient(self.covariance))
        positive = jnp.all(jnp.isfinite(tried))
        root = jnp.linalg.cholesky(jnp.where(positive, self.covariance, unit))
        # in units of the widths: one product for all terms, and squares
        white = jax.scipy.linalg.solve_triangular(root, unit, lower=True).T
        seen = jnp.matmul(x, white).T
        means = jnp.matmul(self.means, white.astype(self.means.dtype)).T
        exponent = jnp.sum((seen[:, :, None] - means[:, None, :]) ** 2, axis=0)
        terms = jnp.exp(-exponent / 2) * self.weights[None, :]
        norm = jnp.prod(np.sqrt(2 * np.pi) * jnp.diagonal(root))
        total = jnp.sum(jnp.real(terms), axis=1) / norm
        return jnp.reshape(jnp.where(positive, total, jnp.nan), points.shape[:-1])

    def moment(self, m: tuple[int, ...], n: tuple[int, ...]) -> Complex[Array, ""]:
        """∫ Π_i α_i^m_i α_i*^n_i Q d²ᴺα, at any order and for any covariance.

        <z_a P> = <z_a> <P> + Σ_b cov(z_a, z_b) <∂P/∂z_b> for z = (α, α*).
        """
        turn = to_complex(self.modes)
        means = jnp.matmul(self.means, jnp.asarray(turn.T, self.means.dtype))
        turn = jnp.asarray(turn, self.means.dtype)
        cov = jnp.matmul(turn, jnp.matmul(self.covariance.astype(turn.dtype), turn.T))

        @functools.cache
        def expect(powers: tuple[int, ...]) -> Array:
            if not any(powers):
                return jnp.ones_like(self.weights)
            a = next(i for i, power in enumerate(powers) if power)
            rest = _lowered(powers, a)
            total = means[:, a] * expect(rest)
            for b, power in enumerate(rest):
                if power:
                    total = total + power * cov[a, b] * expect(_lowered(rest, b))
            return total

        return jnp.sum(self.weights * expect((*m, *n)))

    def marginal(self, x: Float[Array, " n"], axis: int = 0) -> Float[Array, " n"]:
        """Density of one coordinate of x, the others integrated over.

        Re Σ_k w_k exp(-(x-μ_k)²/2Σ) / √(2πΣ)

        Args:
            x: values of the coordinate, (n,), in √action.
            axis: which of (X_1, .., X_N, Y_1, .., Y_N).

        Returns:
            (n,)
        """
        spread = self.covariance[axis, axis]
        away = jnp.asarray(x)[:, None] - self.means[None, :, axis]
        terms = self.weights[None, :] * jnp.exp(-(away**2) / (2 * spread))
        return jnp.sum(jnp.real(terms), axis=1) / jnp.sqrt(2 * np.pi * spread)

    def probability_positive(self, axis: int = 0) -> Float[Array, ""]:
        """Probability that one coordinate of x is positive.

        Re Σ_k w_k Φ(z_k), z_k = μ_k/√Σ: along the real axis by the error function, then
        upwards by a Gauss-Legendre rule of 64 nodes.

        Args:
            axis: which coordinate of (X_1, .., X_N, Y_1, .., Y_N).
        """
        z = self.means[:, axis] / jnp.sqrt(self.covariance[axis, axis])
        a, b = jnp.real(z), jnp.imag(z)
        nodes = jnp.asarray((_NODES + 1) / 2, a.dtype)[None, :]
        # w exp(b²/2) stays of the size of the density where w alone would underflow
        path = a[:, None] + 1j * b[:, None] * nodes
        slope = jnp.exp(-(path**2) / 2) / np.sqrt(2 * np.pi)
        rise = jnp.sum(slope * jnp.asarray(_WEIGHTS / 2, a.dtype)[None, :], axis=1)
        real = (1 + erf(a / np.sqrt(2))) / 2
        return jnp.sum(jnp.real(self.weights * (real + 1j * b * rise)))


def to_complex(modes: int) -> np.ndarray:
    """(α, α*) = R (X, Y), R = [[1, i], [1, -i]]."""
    one = np.eye(modes)
    return np.block([[one, 1j * one], [one, -1j * one]])


def _squeezing(r: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """S†aS = a cosh r - a† e^(iθ) sinh r on (X, Y), shape (2N, 2N)."""
    r, angle = np.real(r), np.real(angle)
    plain, mixed = np.diag(np.cosh(r)), np.sinh(r) * np.exp(1j * angle)
    turn, lean = np.diag(np.real(mixed)), np.diag(np.imag(mixed))
    return np.block([[plain - turn, -lean], [-lean, plain + turn]])


def _check_vectors(**values: ArrayLike) -> None:
    """Each one finite number, or as many as the others, one for each mode."""
    lengths = set()
    for name, value in values.items():
        _checks.check_finite(value, name)
        if np.ndim(value):
            _checks.check_shape(value, name, (None,))
            lengths.add(np.shape(value))
        if len(lengths) > 1:
            raise ValueError(
                f"Argument `{name}` must be one number or as many as the others, one "
                f"for each mode, but its shape is {np.shape(value)}."
            )


def _vector(x: ArrayLike) -> np.ndarray:
    return np.atleast_1d(np.asarray(x))


def _lowered(powers: tuple[int, ...], index: int) -> tuple[int, ...]:
    return tuple(p - (i == index) for i, p in enumerate(powers))
