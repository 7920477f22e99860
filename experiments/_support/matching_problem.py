"""Gradient matching as least squares: residuals, solver, errors, identifiability."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from jqd.inference.identifiability import Identifiability, analyse

from .copy_series import Series, moments
from .local_polynomials import Slopes

GRID = 21  # exponents at which a search looks before it refines the best
STEPS = 5  # Gauss-Newton steps: signs settle in 2 or 3, an exponent doubles its digits
SPANS = {"density": (0.0, 1.0), "phase": (-1.5, 0.5)}  # of q and r, as the law has them


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
