"""The deconvolved density on a periodic grid."""

import math
from collections.abc import Iterator

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ...constants import static
from ...spaces.symbols import Symbol
from ...states import Ensemble, quasiprobability
from ...status import Status
from .form import Equation, Form, Powers
from .phase_space import Box
from .window import check_window

# Largest |W| at the border over the largest |W| above which a run is marked.
EDGE = 1e-5


class WignerGrid(Form):
    """W with Q = exp(ħC (∂_X² + ∂_Y²)/8) W on a grid, one mode.

    W is Q without the spread that makes the law ill-posed on a grid. It obeys the
    equation of a Wigner function at ħ_eff = Cħ,

    ∂ₜW = -2i Σ_k odd (ħ_eff^(k-1)/2^k k!) H (←∂ →∂* - ←∂* →∂)^k W,

    with H the Weyl symbol at ħ_eff. It disperses waves and makes none grow. The sum is
    finite, as H is a polynomial. C = 0 is Liouville's equation of Q itself. The form is
    independent of `Exact`, and takes the same Hamiltonians, where Q obeys the law
    exactly.

    Attributes:
        n: points along X and along Y (static).
        half_width: L; the box is [-L, L)² in X and Y, in √action, some 5 √ħ (static).
    """

    n: int = static(default=64)
    half_width: float = static(default=5.0)

    @property
    def box(self) -> Box:
        """The grid."""
        return Box(self.n, self.half_width)

    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """Require one mode, at most two powers of α and of α*, and matching `s`.

        Raises:
            ValueError: if not, or points of the law outside the box.
        """
        verdict = equation.symbol.is_fokker_planck()
        if equation.modes != 1 or not verdict or equation.s is not None:
            raise ValueError(
                "Argument `form` must not be 'wigner' for several modes, terms with "
                "more than two powers of α or of α*, or where `s` is given, but is: "
                f"{equation.modes} modes, terms {list(verdict.offending)}, "
                f"s = {equation.s}."
            )
        self.box.check(points, equation.hbar)

    def prepare(self, equation: Equation, psi: Ensemble) -> Float[Array, "y x"]:
        """W on the grid: the quasiprobability between Wigner (C = 1) and Husimi (0).

        Raises:
            ValueError: C outside [0, C_max).
        """
        check_window(equation.C, psi, liouville=True)
        points = self.box.points(psi.weights.dtype)
        return quasiprobability(psi, points, 1 - equation.C, hbar=equation.hbar)

    def vector_field(
        self, equation: Equation, state: Float[Array, "y x"]
    ) -> Float[Array, "y x"]:
        """-2i Σ_k (ħ_eff^(k-1)/2^k k!) Σ_j (-1)^j C(k,j) H_(k-j)j W_j(k-j)

        with f_mn = ∂^m ∂*^n f. Terms j and k - j are minus conjugates of each other.
        """
        points = self.box.points(state.dtype)
        plain, starred = self.box.gradients(state.dtype)
        spectrum = jnp.fft.fft2(state)
        total = jnp.zeros_like(state)
        for k, j, weight, slope in _bracket(equation):
            wave = jnp.fft.ifft2(spectrum * plain**j * starred ** (k - j))
            total = total + (-1) ** j * weight * jnp.imag(slope(points) * wave)
        return total.astype(state.dtype)

    def stable_step(self, equation: Equation) -> Float[Array, ""]:
        """About the longest Runge-Kutta step at which no wave on the grid grows.

        2.8 over the largest frequency: each derivative at its largest wave number, each
        coefficient at its largest on the grid.
        """
        points = self.box.points(equation.hbar.dtype)
        # |∂| of the shortest wave along the diagonal
        largest = math.pi * self.n / (2 * self.half_width) / math.sqrt(2)
        total = jnp.zeros_like(equation.hbar)
        for k, _, weight, slope in _bracket(equation):
            total = total + weight * jnp.max(jnp.abs(slope(points))) * largest**k
        return 2.8 / jnp.maximum(total, jnp.finfo(total.dtype).tiny)

    def density(
        self,
        equation: Equation,
        state: Float[Array, "y x"],
        points: Complex[Array, "... 1"],
    ) -> Float[Array, "..."]:
        """Q by the Fourier series of W, spread; NaN outside the box."""
        k = self.box.wavenumbers(state.dtype)
        spread = (equation.hbar_eff / 8).astype(state.dtype)
        damping = jnp.exp(-spread * k**2)
        spectrum = jnp.fft.fft2(state) * damping[:, None] * damping[None, :]
        return self.box.interpolate(spectrum, points[..., 0])

    def moment(
        self, equation: Equation, state: Float[Array, "y x"], m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """∫ W exp(ħ_eff ∂∂*/2) α^m α*^n d²α, by the sum over the grid."""
        kind = jnp.result_type(state.dtype, jnp.complex64)
        one = Symbol(jnp.ones(1, kind), [(m, n)])
        spread = one.to("weyl", equation.hbar_eff, prune=False)
        values = spread(self.box.points(state.dtype)) * state
        return jnp.sum(values) * self.box.spacing**2

    def alarm(self, equation: Equation, state: Float[Array, "y x"]) -> Array:
        """`Status.EDGE` where W reaches the border of the box."""
        del equation
        size = jnp.abs(state)
        edge = jnp.maximum(jnp.max(size[0]), jnp.max(size[:, 0]))
        return jnp.where(edge > EDGE * jnp.max(size), Status.EDGE, Status.OK)


def _bracket(equation: Equation) -> Iterator[tuple[int, int, Array, Symbol]]:
    """k, j, 4 C(k,j) ħ_eff^(k-1)/2^k k! and H_(k-j)j, for k odd and j < k/2.

    The 4 is that of -2i (z - z*) = 4 Im z. Derivatives that vanish are left out.
    """
    hbar = equation.hbar_eff
    symbol = equation.symbol.to("weyl", hbar, prune=False)
    for k in range(1, symbol.degree + 1, 2):
        scale = hbar ** (k - 1) / (2**k * math.factorial(k))
        for j in range(k // 2 + 1):
            slope = _derived(symbol, k - j, j)
            if slope is not None:
                yield k, j, 4 * math.comb(k, j) * scale, slope


def _derived(symbol: Symbol, m: int, n: int) -> Symbol | None:
    """∂^m ∂*^n of a symbol of one mode, None where it vanishes."""
    if all(p < m or q < n for (p,), (q,) in symbol.powers):
        return None
    for _ in range(m):
        symbol = symbol.derivative()
    for _ in range(n):
        symbol = symbol.derivative(conjugate=True)
    return symbol
