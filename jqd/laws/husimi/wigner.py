"""The deconvolved density on a periodic grid."""

import math
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ...spaces.symbols import Symbol
from ...states import as_ensemble, quasiprobability
from ...steppers import rk4
from ..status import Status
from .checks import check_box
from .form import Form
from .phase_space import (
    check_inside,
    derivative,
    grid_points,
    interpolate,
    wavenumbers,
)
from .window import check_window

if TYPE_CHECKING:
    from .law import HusimiFokkerPlanck

# Largest |W| at the border over the largest |W| above which a run is marked.
EDGE = 1e-5


class WignerGrid(Form):
    """W with Q = exp(ħC (∂_X² + ∂_Y²)/8) W on a grid, one mode.

    Q spread less by what makes the law ill-posed on a grid: W obeys the equation of a
    Wigner function at ħ_eff = Cħ,

    ∂ₜW = -2i Σ_k odd (ħ_eff^(k-1)/2^k k!) H (←∂ →∂* - ←∂* →∂)^k W,

    with H the Weyl symbol at ħ_eff, which disperses waves and makes none grow. The sum
    ends with the polynomial. C = 0 is Liouville's equation of Q itself. Independent of
    form `Heff`, and takes the same Hamiltonians, where Q obeys the law exactly.

    Attributes:
        n: points along X and along Y (static).
        half_width: L; the box is [-L, L)² in X and Y, in √action (static).
    """

    n: int = eqx.field(static=True, default=64)
    half_width: float = eqx.field(static=True, default=5.0)

    def check(self, law: "HusimiFokkerPlanck") -> None:
        """One mode, at most two powers of α and of α*, coherent states that match.

        Raises:
            ValueError: else, or points of the law outside the box.
        """
        check_box(self.n, self.half_width)
        verdict = law.symbol.is_fokker_planck()
        if law.modes != 1 or not verdict or law.s is not None:
            raise ValueError(
                "Argument `form` must not be 'wigner' for several modes, terms with "
                "more than two powers of α or of α*, or where `s` is given, but is: "
                f"{law.modes} modes, terms {list(verdict.offending)}, s = {law.s}."
            )
        if law.points is not None:
            check_inside(law.points, self.half_width)

    def prepare(self, law: "HusimiFokkerPlanck", psi: Any) -> Float[Array, "y x"]:
        """W on the grid: the quasiprobability between Wigner (C = 1) and Husimi (0).

        Raises:
            ValueError: C outside [0, C_max).
        """
        ensemble = as_ensemble(psi, 1, "psi")
        if not (_checks.is_concrete(law.C) and float(np.asarray(law.C)) == 0):
            check_window(law.C, ensemble)
        points = grid_points(self.n, self.half_width, ensemble.weights.dtype)
        return quasiprobability(ensemble, points, 1 - law.C, hbar=law.hbar)

    def vector_field(
        self, law: "HusimiFokkerPlanck", t: ArrayLike, state: Float[Array, "y x"]
    ) -> Float[Array, "y x"]:
        """-2i Σ_k (ħ_eff^(k-1)/2^k k!) Σ_j (-1)^j C(k,j) H_(k-j)j W_j(k-j)

        with f_mn = ∂^m ∂*^n f. Terms j and k - j are minus conjugates of each other.
        """
        del t
        hbar = law.C * law.hbar
        symbol = law.symbol.to("weyl", hbar, prune=False)
        points = grid_points(self.n, self.half_width, state.dtype)
        spectrum = jnp.fft.fft2(state)
        total = jnp.zeros_like(state)
        for k in range(1, symbol.degree + 1, 2):
            scale = hbar ** (k - 1) / (2**k * math.factorial(k))
            for j in range(k // 2 + 1):
                slope = _derived(symbol, k - j, j)
                if slope is None:
                    continue
                wave = derivative(spectrum, self.half_width, j, k - j)
                term = slope(points) * wave
                # -2i (z - z*) = 4 Im z
                weight = 4 * (-1) ** j * math.comb(k, j)
                total = total + (weight * scale) * jnp.imag(term)
        return total.astype(state.dtype)

    def stable_step(self, law: "HusimiFokkerPlanck") -> Float[Array, ""]:
        """The longest Runge-Kutta step that no wave on the grid outgrows, about.

        2.8 over the largest frequency: each derivative at its largest wave number, each
        coefficient at its largest on the grid.
        """
        hbar = law.C * law.hbar
        symbol = law.symbol.to("weyl", hbar, prune=False)
        points = grid_points(self.n, self.half_width, hbar.dtype)
        # |∂| of the shortest wave along the diagonal
        largest = math.pi * self.n / (2 * self.half_width) / math.sqrt(2)
        total = jnp.zeros_like(hbar)
        for k in range(1, symbol.degree + 1, 2):
            scale = hbar ** (k - 1) / (2**k * math.factorial(k))
            for j in range(k // 2 + 1):
                slope = _derived(symbol, k - j, j)
                if slope is not None:
                    steep = jnp.max(jnp.abs(slope(points)))
                    total = total + 4 * math.comb(k, j) * scale * steep * largest**k
        return 2.8 / jnp.maximum(total, jnp.finfo(total.dtype).tiny)

    def step(
        self,
        law: "HusimiFokkerPlanck",
        t: ArrayLike,
        state: Float[Array, "y x"],
        dt: ArrayLike,
    ) -> Float[Array, "y x"]:
        """A Runge-Kutta step of fourth order; see `stable_step`."""
        return rk4(law, t, state, dt)

    def density(
        self,
        law: "HusimiFokkerPlanck",
        state: Float[Array, "y x"],
        points: Complex[Array, "... 1"],
    ) -> Float[Array, "..."]:
        """Q by the Fourier series of W, spread; NaN outside the box."""
        real = state.dtype
        k = wavenumbers(self.n, self.half_width, real)
        spread = (law.C * law.hbar / 8).astype(real)
        damping = jnp.exp(-spread * k**2)
        spectrum = jnp.fft.fft2(state) * damping[:, None] * damping[None, :]
        return interpolate(spectrum, self.half_width, points[..., 0])

    def moment(
        self,
        law: "HusimiFokkerPlanck",
        state: Float[Array, "y x"],
        m: tuple[int, ...],
        n: tuple[int, ...],
    ) -> Complex[Array, ""]:
        """∫ W exp(ħ_eff ∂∂*/2) α^m α*^n d²α, by the sum over the grid."""
        kind = jnp.result_type(state.dtype, jnp.complex64)
        one = Symbol(jnp.ones(1, kind), [(m, n)])
        spread = one.to("weyl", law.C * law.hbar, prune=False)
        points = grid_points(self.n, self.half_width, state.dtype)
        return jnp.sum(spread(points) * state) * (2 * self.half_width / self.n) ** 2

    def alarm(
        self,
        law: "HusimiFokkerPlanck",
        t: ArrayLike,
        before: Float[Array, "y x"],
        after: Float[Array, "y x"],
    ) -> Array:
        """`Status.CUTOFF` where W reaches the border of the box."""
        del law, t, before
        size = jnp.abs(after)
        edge = jnp.maximum(jnp.max(size[0]), jnp.max(size[:, 0]))
        return jnp.where(edge > EDGE * jnp.max(size), Status.CUTOFF, Status.OK)


def _derived(symbol: Symbol, m: int, n: int) -> Symbol | None:
    """∂^m ∂*^n of a symbol of one mode, None where it vanishes."""
    if all(p < m or q < n for (p,), (q,) in symbol.powers):
        return None
    for _ in range(m):
        symbol = symbol.derivative()
    for _ in range(n):
        symbol = symbol.derivative(conjugate=True)
    return symbol
