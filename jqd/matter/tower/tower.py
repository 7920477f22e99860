"""The photon tower: matter coupled to photon modes, as one Schrödinger law."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Inexact

from ... import _checks
from ..._math import FEW, matmul, take
from ...constants import constant, scalars
from ...laws.groups import Watch
from ...laws.linear import LinearLaw
from ...spaces.hamiltonians import Hamiltonian
from ...status import Status
from .configurations import Configurations, photon_configurations
from .lanczos import lanczos_bounds
from .matter import Matter

FORMS = ("rabi", "rwa")
# Up to so many configurations Σ λ_m a_m is a dense matrix: faster than moving columns.
_DENSE = 128


class Tower(LinearLaw, Hamiltonian):
    """iħ ∂_t ψ = Hψ for matter and photons: ψ[i, p] of level i and configuration p.

    H = H_M + Σ ħω_m a_m†a_m + X ⊗ Σ λ_m (a_m + a_m†) ("rabi"), or with X↓a† + X↑a in
    place of X ⊗ (a + a†) ("rwa"), where X↓ leads to lower levels. H_M is diagonal.
    The law conserves norm and energy. A run whose norm reaches the photon cut-off ends
    with the status CUTOFF.

    Attributes:
        energies: (D,) E_i of the matter, ascending, unit of energy.
        coupling: (D, D) X, or X↓ for "rwa".
        omega: (m,) ω_m, angular frequencies.
        strength: λ, scalar or one for each mode (m,).
        hbar: ħ.
        edge_tolerance: norm at the cut-off above which a run is not trustworthy.
        configurations: the photon numbers kept (static).
        form: "rabi" or "rwa" (static).

    Source: Chafin (2019), eq. 1: the tower Ψ_N, Ψ_N,1, Ψ_N,2, ...; level k holds the
    configurations of k photons.
    """

    energies: Float[Array, " D"]
    coupling: Inexact[Array, "D D"]
    omega: Float[Array, " m"]
    strength: Float[Array, "..."]
    hbar: Float[Array, ""]
    edge_tolerance: Float[Array, ""]
    configurations: Configurations = eqx.field(static=True)
    form: str = eqx.field(static=True)

    def __init__(
        self,
        matter: Matter,
        omega: ArrayLike,
        strength: ArrayLike,
        cutoff: float | Configurations,
        *,
        form: str = "rabi",
        hbar: ArrayLike = 1.0,
        edge_tolerance: ArrayLike = 1e-2,
    ):
        """Couple matter to photon modes.

        Args:
            matter: energies and coupling operator.
            omega: (m,) angular frequencies, or a scalar for one mode.
            strength: λ, scalar or (m,).
            cutoff: E_cut, which keeps Σ ħω_m n_m <= E_cut; or the configurations
                themselves, which is needed where `omega` is traced.
            form: "rabi" or "rwa".
            hbar: ħ.
            edge_tolerance: largest norm that is accepted in configurations of which the
                cut-off removes a neighbour with one photon more.

        Raises:
            ValueError: a frequency that is not positive, a cut-off below one quantum,
                a strength that is not finite and real, or wrong shapes.
        """
        _checks.check_choice(form, "form", FORMS)
        omega = jnp.atleast_1d(constant(omega, "omega"))
        _checks.check_positive(omega, "omega", (None,))
        self.hbar, self.edge_tolerance = scalars(
            hbar=hbar, edge_tolerance=edge_tolerance
        )
        _checks.check_positive(hbar, "hbar")
        _checks.check_positive(edge_tolerance, "edge_tolerance")
        _checks.check_reals(strength, "strength")
        strength = constant(strength, "strength")
        if strength.ndim > 0:
            _checks.check_shape(strength, "strength", omega.shape)
        self.configurations = _configurations(cutoff, omega, hbar)
        X = matter.coupling
        if form == "rwa":
            emits = matter.energies[:, None] < matter.energies[None, :]
            X = jnp.where(emits, X, 0)
        self.energies, self.coupling, self.omega = matter.energies, X, omega
        self.strength, self.form = strength, form

    @property
    def shape(self) -> tuple[int, int]:
        """(D, P), the shape of a state."""
        return self.energies.shape[0], self.configurations.size

    @property
    def dimension(self) -> int:
        """D P."""
        return self.shape[0] * self.shape[1]

    @property
    def photon_energies(self) -> Float[Array, " P"]:
        """Σ ħω_m n_m of each configuration."""
        numbers = jnp.asarray(self.configurations.numbers, self.omega.dtype)
        return numbers @ (self.hbar * self.omega)

    @property
    def free_energies(self) -> Float[Array, "D P"]:
        """E_i + Σ ħω_m n_m, the diagonal of H without coupling."""
        return self.energies[:, None] + self.photon_energies[None, :]

    # -- the Hamiltonian ----------------------------------------------------------

    @property
    def hamiltonian(self) -> "Tower":
        """The tower itself, which is its own Hamiltonian."""
        return self

    @property
    def autonomous(self) -> bool:
        """True: H does not depend on time."""
        return True

    def apply(
        self,
        psi: Inexact[Array, "D P"],
        t: ArrayLike = 0.0,
        hbar: ArrayLike | None = None,
    ) -> Inexact[Array, "D P"]:
        """H ψ, by two matrix products, one of them with a D x D matrix."""
        del t, hbar
        return self.free_energies * psi + self.interact(psi)

    def interact(self, psi: Inexact[Array, "D P"]) -> Inexact[Array, "D P"]:
        """H_int ψ, the coupling alone."""
        if self.form == "rabi":
            return times(self.coupling, self._both(psi))
        # emission: X↓ a†; absorption: its conjugate X↑ a
        upward = self.coupling.conj().T
        return times(self.coupling, self._raise(psi)) + times(upward, self._lower(psi))

    def _both(self, psi: Array) -> Array:
        """Σ λ_m (a_m + a_m†) ψ."""
        if self.configurations.size > _DENSE:
            return self._lower(psi) + self._raise(psi)
        matrix = self._matrix()
        return times(psi, matrix + matrix.T)

    def _lower(self, psi: Array) -> Array:
        """Σ λ_m a_m ψ."""
        return self._ladder(psi, lowering=True)

    def _raise(self, psi: Array) -> Array:
        """Σ λ_m a_m† ψ."""
        return self._ladder(psi, lowering=False)

    def _ladder(self, psi: Array, lowering: bool) -> Array:
        kept = self.configurations
        if kept.size <= _DENSE:
            matrix = self._matrix()
            return times(psi, matrix.T if lowering else matrix)
        weights = jnp.broadcast_to(self.strength, self.omega.shape)
        source, extra = (kept.raised, 1) if lowering else (kept.lowered, 0)
        factors = np.sqrt(kept.numbers.T + extra)
        padded = jnp.pad(psi, ((0, 0), (0, 1)))
        terms = [
            (weight * jnp.asarray(factor, weights.dtype))[None, :]
            * take(padded, column, 1)
            for weight, factor, column in zip(weights, factors, source, strict=True)
        ]
        return jnp.sum(jnp.stack(terms), axis=0)

    def _matrix(self) -> Float[Array, "P P"]:
        """Σ λ_m a_m between configurations."""
        weights = jnp.broadcast_to(self.strength, self.omega.shape)
        lowering = jnp.asarray(self.configurations.lowering(), weights.dtype)
        return jnp.tensordot(weights, lowering, 1)

    def dense(self) -> Inexact[Array, "n n"]:
        """H as a matrix, n = D P, rows in the order of ψ raveled; for small towers."""
        unit = jnp.eye(self.dimension, dtype=self.coupling.dtype)
        columns = jax.vmap(self.apply)(unit.reshape(-1, *self.shape))
        return columns.reshape(self.dimension, self.dimension).T

    def spectral_bounds(self, hbar: ArrayLike | None = None) -> tuple[Array, Array]:
        """Lower and upper bound of the spectrum, by Lanczos, with a margin of 2 %.

        They carry no derivative, because the propagation does not depend on them.
        """
        del hbar
        return lanczos_bounds(lax.stop_gradient(self))

    # -- what is seen ------------------------------------------------------------------

    def edge_norm(self, state: Array) -> Array:
        """Norm in configurations of which the cut-off removes a neighbour."""
        return jnp.sum(self.density(state)[:, self.configurations.edge])

    def watch(self) -> Watch:
        """CUTOFF once the norm at the cut-off, which is kept, exceeds the tolerance."""

        def alarm(t: ArrayLike, before: Array, after: Array) -> Array:
            del t, before
            reached = self.edge_norm(after) > self.edge_tolerance
            return jnp.where(reached, Status.CUTOFF, Status.OK)

        return Watch(
            alarm, records=lambda state: {"max_edge_norm": self.edge_norm(state)}
        )


def _configurations(
    cutoff: float | Configurations, omega: Array, hbar: ArrayLike
) -> Configurations:
    if isinstance(cutoff, Configurations):
        if cutoff.modes != omega.shape[0]:
            raise ValueError(
                f"Argument `cutoff` must be of the {omega.shape[0]} modes of `omega`, "
                f"but is of {cutoff.modes}."
            )
        return cutoff
    if not _checks.is_concrete((omega, hbar)):
        raise ValueError(
            "Argument `cutoff` must be `photon_configurations` where `omega` or "
            "`hbar` is traced by jit, vmap or grad, but is a number."
        )
    return photon_configurations(np.asarray(omega), cutoff, float(np.asarray(hbar)))


def times(a: Array, b: Array) -> Array:
    """a @ b; large ones from real products alone: no real factor is made complex."""
    if max(*a.shape, *b.shape) <= FEW:
        return matmul(a, b)
    if jnp.iscomplexobj(a) and jnp.iscomplexobj(b):
        left, right = times(a.real, b), times(a.imag, b)
        return left + 1j * right
    if jnp.iscomplexobj(b):
        parts = matmul(a, jnp.concatenate((b.real, b.imag), axis=1))
        return lax.complex(*jnp.split(parts, 2, axis=1))
    if jnp.iscomplexobj(a):
        parts = matmul(jnp.concatenate((a.real, a.imag)), b)
        return lax.complex(*jnp.split(parts, 2))
    return matmul(a, b)
