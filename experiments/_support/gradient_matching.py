"""The copy law from derivatives of a record: no evolution, no false minima.

With ψ observed, both equations of the copy law say how known functions of ψ add up to
dρ/dt and dφ/dt. The coefficients of its Fourier series enter linearly, so that least
squares finds them at once; an exponent takes a search over one dimension.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jqd.inference.identifiability import Identifiability, Unidentifiable, analyse

from .copy_series import Series, moments
from .local_polynomials import Slopes, local_polynomials

POINTS = 11  # rows under a window
GRID = 21  # exponents at which a search looks before it refines the best
STEPS = 5  # Gauss-Newton steps: signs settle in 2 or 3, an exponent doubles its digits
SPANS = {"density": (0.0, 1.0), "phase": (-1.5, 0.5)}  # of q and r, as the law has them


class SeriesFit(eqx.Module):
    """Fourier coefficients of one equation of the copy law, and its exponent.

    "density": Σ_n [A sin ny + B cos ny] = Σ_n R'^n sin(ny + δ^n), exponent q
    "phase":   Σ_n [P cos ny + Q sin ny] = Σ_n R^n cos(ny + δ'^n), exponent r

    Attributes:
        equation: "density" or "phase" (static).
        series: orders and pairs.
        exponent: q or r.
        values: coefficients, then ω for the phase equation, then the exponent if it
            was searched; shape (p,).
        covariance: of `values`, from the scatter of the misfit; shape (p, p).
        bias: change of `values` with windows two rows shorter, shape (p,).
        identifiability: singular values of the design, columns of unit length.
    """

    equation: str = eqx.field(static=True)
    series: Series
    exponent: Float[Array, ""]
    values: Float[Array, " p"]
    covariance: Float[Array, "p p"]
    bias: Float[Array, " p"]
    identifiability: Identifiability

    @property
    def labels(self) -> tuple[str, ...]:
        """A label for each of `values`."""
        return self.identifiability.labels

    @property
    def error(self) -> Array:
        """Scatter and windows together, (p,): the root of variance and bias²."""
        return jnp.hypot(jnp.sqrt(jnp.diagonal(self.covariance)), self.bias)

    @property
    def condition(self) -> Array:
        """Condition number of the design, columns of unit length."""
        singular = self.identifiability.singular_values
        return singular[0] / singular[-1]

    @property
    def coefficients(self) -> Array:
        """Of sine and cosine by order and pair: shape (orders, 2, P)."""
        return self.series.expand(self.values[: self._count])

    @property
    def coefficient_errors(self) -> Array:
        """`error` of `coefficients`."""
        return self.series.expand(self.error[: self._count])

    @property
    def omega(self) -> Array:
        """ω_a of the phase equation, shape (M,); of the density equation, empty."""
        size = self.series.size if self.equation == "phase" else 0
        return self.values[self._count : self._count + size]

    @property
    def amplitude(self) -> Array:
        """R'^n or R^n by order and pair, not negative: shape (orders, P)."""
        full = self.coefficients
        return jnp.hypot(full[:, 0], full[:, 1])

    @property
    def phase(self) -> Array:
        """δ^n or δ'^n by order and pair, radians; chance where `amplitude` vanishes."""
        sine, cosine = self.coefficients[:, 0], self.coefficients[:, 1]
        if self.equation == "phase":
            return jnp.arctan2(-sine, cosine)
        return jnp.arctan2(cosine, sine)

    @property
    def _count(self) -> int:
        return int(np.sum(self.series.kept))


def match_gradients(
    ts: ArrayLike,
    psi: ArrayLike,
    equation: str,
    *,
    orders: tuple[int, ...] = (1,),
    exponent: ArrayLike | None = None,
) -> SeriesFit:
    """Fourier series and exponent of one equation of the copy law, from exact ψ(t).

    dρ_a/dt = Σ_b [(ρ_a/ρ_b)^q ρ_b A_ab - (ρ_b/ρ_a)^q ρ_a A_ba]
    dφ_a/dt = ω_a + Σ_b (ρ_a/ρ_b)^r C_ab
    A_ab = Σ_n R'^n sin⁺(ny + δ^n),  C_ab = Σ_n R^n cos(ny + δ'^n),  y = φ_a - φ_b

    δ and δ' are antisymmetric, R and R' symmetric. Derivatives are those of local
    polynomials. A law with q != 1/2 has a kink in dρ/dt where a flow turns round, where
    any polynomial errs.

    Args:
        ts: times, shape (T,).
        psi: √ρ_a exp(-iφ_a), shape (T, M), or (S, T, M) for several runs of one law.
        equation: "density" or "phase".
        orders: n, increasing, not negative.
        exponent: q or r; None to search it, in [0, 1] or [-3/2, 1/2].

    Returns:
        The fit.

    Raises:
        Unidentifiable: (a ValueError) the data do not distinguish the coefficients,
            for instance because the state is stationary.

    Source: Smolin (2012), eqs. (20), (26)-(28).
    """
    ts, psi = jnp.asarray(ts, float), jnp.asarray(psi, complex)
    psi = psi[None] if psi.ndim == 2 else psi
    given = None if exponent is None else jnp.asarray(exponent, float)
    series = Series(tuple(orders), psi.shape[-1])
    slopes = local_polynomials(ts, POINTS)
    problem = MatchProblem(equation, series, slopes, given)
    values = problem.search(psi) if given is None else problem.zeros()
    # the same instants through windows two rows shorter
    shorter = local_polynomials(ts[1:-1], POINTS - 2)
    other = eqx.tree_at(lambda problem: problem.slopes, problem, shorter.padded(1))
    values, other_values, covariance, seen = _fit(problem, other, psi, values)
    if int(seen.null):
        raise Unidentifiable(
            "Argument `psi` must determine the coefficients, but "
            f"{int(seen.null)} combination(s) of them change neither rate: "
            f"{seen.describe()}. Ask for fewer `orders`, or record more runs."
        )
    found = values[-1] if given is None else given
    bias = values - other_values
    return SeriesFit(equation, series, found, values, covariance, bias, seen)


@eqx.filter_jit
def _fit(problem, other, psi, start):
    values = problem.solve(psi, start)
    # a degenerate fit may end nowhere, and is judged by where it began
    sound = jnp.all(jnp.isfinite(values))
    seen = problem.identifiability(psi, jnp.where(sound, values, start))
    return values, other.solve(psi, values, 2), problem.covariance(psi, values), seen


class MatchProblem(eqx.Module):
    """Residuals of one equation as a function of coefficients, ω and exponent."""

    equation: str = eqx.field(static=True)
    series: Series
    slopes: Slopes
    exponent: Array | None  # None where it is searched

    def labels(self) -> list[str]:
        names = self.series.labels()
        if self.equation == "phase":
            names += [f"omega[{a}]" for a in range(self.series.size)]
        return names + ["q" if self.equation == "density" else "r"] * self.searched

    @property
    def searched(self) -> bool:
        return self.exponent is None

    def at(self, exponent: Array) -> "MatchProblem":
        return MatchProblem(self.equation, self.series, self.slopes, exponent)

    def residuals(self, values: Array, psi: Array) -> Array:
        seen = moments(*self.slopes(psi), self.series)
        if self.exponent is None:
            values, exponent = values[:-1], values[-1]
        else:
            exponent = self.exponent
        if self.equation == "density":
            rate = self.series.density_rate(values, exponent, seen)
            return jnp.ravel(rate - seen.density_rate)
        size = self.series.size
        rate = self.series.phase_rate(values[:-size], exponent, seen)
        rate += values[-size:][None, :]
        # the phase of a small class is known worst
        weight = jnp.exp(seen.log_density / 2)
        return jnp.ravel(weight * (rate - seen.phase_rate))

    def design(self, values: Array, psi: Array) -> Array:
        return jax.jacfwd(self.residuals)(values, psi)

    def solve(
        self, psi: Array, values: Array, steps: int = STEPS, rough: bool = False
    ) -> Array:
        """Gauss-Newton: one step where the values enter linearly.

        `rough` takes normal equations, which lose half of the digits, but no time.
        """

        def step(values: Array, _: None) -> tuple[Array, None]:
            design, misfit = self.design(values, psi), self.residuals(values, psi)
            if not rough:
                return values - _inverse(design) @ misfit, None
            scale = _scale(design)
            scaled = design * scale[None, :]
            # a little ridge bounds the directions that the data do not determine
            gram = scaled.T @ scaled + 1e-12 * jnp.eye(values.shape[0])
            change = jax.scipy.linalg.solve(gram, scaled.T @ misfit, assume_a="pos")
            return values - scale * change, None

        return jax.lax.scan(step, values, length=steps)[0]

    @eqx.filter_jit
    def search(self, psi: Array) -> Array:
        """Values with the best exponent of a grid."""
        low, high = SPANS[self.equation]
        grid = jnp.linspace(low, high, GRID)

        def fit(exponent: Array) -> tuple[Array, Array]:
            problem = self.at(exponent)
            values = problem.solve(psi, first, 2, rough=True)
            return jnp.sum(problem.residuals(values, psi) ** 2), values

        # q = 1/2 needs no signs, which are then known for the others
        middle = self.at(jnp.asarray(0.5))
        first = middle.solve(psi, self.zeros(), 1, rough=True)
        costs, values = jax.vmap(fit)(grid)
        best = jnp.nanargmin(costs)
        return jnp.append(values[best], grid[best])

    def zeros(self) -> Array:
        return jnp.zeros(len(self.labels()) - self.searched)

    def covariance(self, psi: Array, values: Array) -> Array:
        """Of the values, by the scatter of the misfit."""
        design, misfit = self.design(values, psi), self.residuals(values, psi)
        solver = _inverse(design)
        free = max(1, design.shape[0] - design.shape[1])
        return jnp.sum(misfit**2) / free * solver @ solver.T

    def identifiability(self, psi: Array, values: Array) -> Identifiability:
        """What the design determines."""
        design = self.design(values, psi)
        return analyse(design, _scale(design), self.labels())


def _inverse(design: Array) -> Array:
    """(designᵀ design)⁻¹ designᵀ by QR with columns of unit length."""
    scale = _scale(design)
    q, r = jnp.linalg.qr(design * scale[None, :])
    return scale[:, None] * jax.scipy.linalg.solve_triangular(r, q.T)


def _scale(design: Array) -> Array:
    """One over the length of each column; 1 for a column of zeros."""
    length = jnp.linalg.norm(design, axis=0)
    return jnp.where(length > 0, 1 / jnp.where(length > 0, length, 1), 1)
