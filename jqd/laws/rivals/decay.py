"""Decay beside a law of levels: T1 and T2 as its constants."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeGuard

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import safe_divide
from ...constants import free, parts
from ...spaces.fock import destroy
from ..groups import Fits
from ..law import Law
from ..schrodinger import Schrodinger
from ..wrapped import Wrapped
from .dephasing import Dephasing
from .lindblad import Jump, Lindblad
from .quantum import read_quantum
from .self_potential import SelfPotential
from .weinberg import Weinberg

# The laws to which jumps can be added: linear in ρ, or with a potential that takes its
# populations alone.
Decaying: TypeAlias = Schrodinger | Lindblad | Dephasing | SelfPotential


def decays(law: Any) -> TypeGuard[Decaying]:
    """Whether a law is of levels and has a density operator, and so may `Decay`."""
    if isinstance(law, SelfPotential):
        alone = not isinstance(law, Weinberg) or law.levels == 1
        return alone and law.quantum.grid is None
    return isinstance(law, Decaying) and getattr(law, "grid", None) is None


def _decaying(given: Any, name: str) -> Decaying:
    law = given if isinstance(given, Law) else read_quantum(given, name)
    if not decays(law):
        raise ValueError(
            f"Argument `{name}` must be a law of one system's matrix that has a "
            "density operator: Schrodinger, Lindblad, Dephasing, Weinberg, "
            f"GrossPitaevskii or Logarithmic; but is a {type(law).__name__} that does "
            "not."
        )
    return law


def _around(value: Array, unit: ArrayLike) -> tuple[Array, Array]:
    """Initial guesses of a time: half of it to twice of it."""
    del unit
    return value / 2, 2 * value


class PotentialOfMean(Wrapped):
    """dρ/dt = (Lindblad's equation) - i[U, ρ]/ħ,  U of the populations ρ_kk.

    Attributes:
        law: the law of kets with this U.
        open: Lindblad's equation of its H.
    """

    law: SelfPotential = parts()
    open: Lindblad = parts()

    @property
    def inner(self) -> Lindblad:
        """Lindblad's equation."""
        return self.open

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """-i[H + U, ρ]/ħ and the jumps."""
        U = self.law.self_potential(self.density(state))
        apart = -1j / self.open.hbar * (U[:, None] - U[None, :])
        return self.open.vector_field(t, state, args) + apart * state


class Decay(Wrapped):
    """A law of levels that decay and lose coherence, by T1 and T2.

    dρ/dt = (the law) + D[a] ρ/T1 + (2/T2 - 1/T1) D[a†a] ρ,   D as in `Lindblad`

    Here a takes level k to level k - 1 with the amplitude √k. Level 1 of a qubit decays
    to level 0 at the rate 1/T1, and its coherence at 1/T2. Of more levels, in the order
    of their energy, level k decays at k/T1, as those of an oscillator do. Without T2
    there is no further dephasing, so that T2 = 2 T1, its largest value. A linear law is
    a `Lindblad` with these jumps, `inner`, and is solved as one.

    A law with a potential U of its own populations moves ρ by -i[H + U, ρ]/ħ, where U
    takes ρ_kk: the reduced density operator of a system that is entangled with its
    surroundings, after Polchinski. Were U that of each system's own ket between its
    jumps, the mean would differ, by terms that grow as U t · t/T1.

    Attributes:
        law: the law without decay, whose constants are this law's too.
        T1: lifetime of level 1, time, positive.
        T2: lifetime of the coherence of levels 0 and 1, time, positive, at most 2 T1;
            or None.

    Source: G. Lindblad (1976) Commun. Math. Phys. 48, 119; J. Polchinski (1991) Phys.
    Rev. Lett. 66, 397.
    """

    law: Decaying = parts(read=_decaying)
    T1: Float[Array, ""] = free(positive=True, unit="time", span=_around)
    T2: Float[Array, ""] | None = free(
        positive=True, unit="time", span=_around, default=None
    )

    def __check_init__(self) -> None:
        if self.T1 is None:
            raise ValueError(
                "Argument `T1` must be a time, but is None; dephasing without decay is "
                "`jqd.laws.Dephasing`."
            )
        if self.T2 is None or not _checks.is_concrete((self.T1, self.T2)):
            return
        T1, T2 = self.T1.item(), self.T2.item()
        if T2 > 2 * T1:
            raise ValueError(
                f"Argument `T2` must be at most 2 T1 = {2 * T1:g}, but is {T2:g}."
            )

    @property
    def inner(self) -> "Lindblad | PotentialOfMean":
        """The master equation: jumps of the law, and those of the decay."""
        law = self.law
        quantum = law.quantum if isinstance(law, SelfPotential) else law.yardstick()
        a = destroy(quantum.hamiltonian.shape[0]).astype(self.T1.dtype)
        relaxed = safe_divide(1, self.T1, otherwise=jnp.inf)
        none = jnp.zeros((), relaxed.dtype)
        jumps = [*_jumps(self.law), Jump(a, relaxed, none)]
        if self.T2 is not None:
            rate = 2 * safe_divide(1, self.T2, otherwise=jnp.inf) - relaxed
            # rounding may put T2 = 2 T1 below 0; the slope there is that from inside
            jumps.append(Jump(a.T @ a, jnp.where(rate < 0, 0, rate), none))
        open_ = Lindblad(quantum.hamiltonian, jumps, quantum.hbar)
        if isinstance(self.law, SelfPotential):
            return PotentialOfMean(self.law, open_)
        return open_

    def on(self, quantum: Schrodinger) -> "Decay | None":
        """The same decay beside the law of another H."""
        law = self.law.on(quantum)
        return None if law is None else Decay(law, self.T1, self.T2)

    def pair(self, other: Array) -> Lindblad | None:
        """The law of a pair of which only this system decays, if it is linear."""
        inner = self.inner
        return inner.pair(other) if isinstance(inner, Lindblad) else None

    def fits(self) -> Fits:
        """T2 is at most 2 T1."""
        known = self.inner.fits()
        if self.T2 is None:
            return known
        return known._replace(limits=_with_T2(known.limits, 2 * self.T1))


def _with_T2(limits: Callable[[Any], Any], most: Array) -> Callable[[Any], Any]:
    """Limits of constants by a start, and that of T2."""
    return lambda start: {**limits(start), "T2": (0.0, most)}


def _jumps(law: Decaying) -> list[Jump]:
    """The jumps that a law has by itself."""
    if isinstance(law, Lindblad):
        return list(law.channels.values())
    if isinstance(law, Dephasing):
        # -½ γ [A, [A, ρ]] = γ D[A] ρ
        pairs = zip(law.A, law.gamma, strict=True)
        return [Jump(jnp.diag(A), gamma) for A, gamma in pairs]
    return []
