"""Instruments: the expected data of a motion, and how data are drawn."""

import abc
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from .. import _checks
from .._math import matmul
from ..constants import constant, fixed, free
from ..evolution.evolution import look
from ..laws import HusimiFokkerPlanck
from ..laws.motion import Motion
from .counts import Binomial, Multinomial
from .noise import Drawable, NoNoise


class Instrument(eqx.Module):
    """An instrument says how the data show the state of a motion.

    Its arrays are nuisances, constants of a fit like those of a law: readout error,
    visibility, background. The noise says how the values scatter about the mean: data
    are drawn with it and carry it; likelihood, residuals and information are its
    methods.

    Attributes:
        noise: scatter of the values about their mean.
    """

    noise: eqx.AbstractVar[Drawable]

    @abc.abstractmethod
    def mean(self, law: Motion, t: ArrayLike, state: PyTree[Array]) -> Array:
        """Expected data for a state, on the scale of the data's shares."""

    def check_law(self, law: Motion) -> None:
        """Raise ValueError unless the instrument can measure this law."""
        del law


class Direct(Instrument):
    """An instrument that shows an observable as it is.

    Attributes:
        of: the observable, as `observe` of `jqd.evolve` (static).
        noise: scatter of the values; exact by default.
    """

    of: Any = eqx.field(static=True, default="density")
    noise: Drawable = fixed(default=NoNoise())

    def check_law(self, law: Motion) -> None:
        """Raise ValueError unless the law has this observable."""
        known = tuple(law.observables())
        if isinstance(self.of, str) and known:
            _checks.check_choice(self.of, "instrument", known)

    def mean(self, law: Motion, t: ArrayLike, state: PyTree[Array]) -> Array:
        """The value of the observable."""
        return look(law, t, state, self.of)


def _columns(entries: Array, old: Array) -> Array:
    """The matrix with columns of sum 1 and these logarithms of ratios, off diagonal."""
    size = old.shape[-1]
    logits = jnp.zeros_like(old).at[~np.eye(size, dtype=bool)].set(entries)
    return jax.nn.softmax(logits, axis=0)


def _ratios(matrix: Any) -> Any:
    """ln(A_ba / A_aa) of the entries off the diagonal."""
    tiny = np.finfo(np.float32).tiny
    logits = jnp.log(jnp.maximum(matrix, tiny))
    return _off_diagonal(logits - jnp.diagonal(logits)[None, :])


def _off_diagonal(matrix: Any) -> Any:
    return matrix[~np.eye(matrix.shape[-1], dtype=bool)]


class Confusion(Instrument):
    """Counts of classes, some of which are read as another.

    P = c A p + (1 - c)/M,   c = (1 - ε) (1 - f M/(M - 1)) exp(-γ (t - t₀))

    A is the identity or a matrix whose columns sum to 1. The counts are predicted
    forwards, never corrected backwards: A⁻¹ of counts has negative entries and
    correlated errors. ε and f enter by one product: give one of them. γ is the rate at
    which systems lose their contrast, under any law, until they show all classes
    alike. Under quantum mechanics this is exactly depolarisation; for a qubit driven on
    resonance at the Rabi frequency Ω, γ is (1/T₁ + 1/T₂)/2, but for terms of the size
    1/(Ω T₁).

    Attributes:
        readout: ε, scalar in [0, 1], share of the shots that show a random class; for
            two classes the probability of a flip is ε/2.
        matrix: A_ba, probability to read b where it is a, (M, M); or None. It is fitted
            by ln(A_ba / A_aa), so that its columns stay probabilities.
        flip: f, scalar in [0, 1], probability to read another class, each equally
            likely.
        fading: γ >= 0, scalar, rate at which contrast is lost.
        since: t₀, scalar, time from which on contrast is lost.
        noise: scatter of the counts; multinomial by default.
    """

    readout: Float[Array, ""] = free(bounds=(0.0, 1.0), default=0.0)
    matrix: Float[Array, "M M"] | None = free(
        pack=_ratios, unpack=_columns, places=_off_diagonal, default=None
    )
    flip: Float[Array, ""] = free(bounds=(0.0, 1.0), span=(0.0, 0.1), default=0.0)
    fading: Float[Array, ""] = free(
        bounds=(0.0, np.inf), span=(0.0, 1.0), unit="rate", default=0.0
    )
    since: Float[Array, ""] = fixed(read=constant, default=0.0)
    noise: Drawable = fixed(default=Multinomial())

    def __check_init__(self) -> None:
        _checks.check_scalar(self.since, "since")
        if self.matrix is None:
            return
        _checks.check_reals(self.matrix, "matrix")
        size = self.matrix.shape[-1] if self.matrix.ndim else 0
        _checks.check_not_negative(self.matrix, "matrix", (size, size))
        if not _checks.is_concrete(self.matrix):
            return
        sums = np.asarray(self.matrix).sum(axis=0)
        worst = int(np.argmax(np.abs(sums - 1)))
        if abs(sums[worst] - 1) > 1e-6:
            raise ValueError(
                "Argument `matrix` must have columns of sum 1, but column "
                f"{worst} has {sums[worst]:.9g}."
            )

    def mean(self, law: Motion, t: ArrayLike, state: PyTree[Array]) -> Array:
        """c A p + (1 - c)/M"""
        p = look(law, t, state, "populations")
        if self.matrix is not None:
            p = matmul(self.matrix, p)
        many = p.shape[-1]
        # of one class there is no other to be read
        kept = 1 - self.flip * many / (many - 1) if many > 1 else 1.0
        kept = kept * jnp.exp(-self.fading * jnp.maximum(t - self.since, 0))
        uniform = jnp.sum(p) / many
        # as it was without the two, to the last digit
        shown = (1 - self.readout) * p + self.readout * uniform
        return kept * shown + (1 - kept) * uniform


def read_points(points: Any, name: str) -> Complex[Array, "..."]:
    """Points of phase space."""
    given = constant(points, name)
    _checks.check_finite(given, name)
    return _checks.complex_of(given)


class Displaced(Instrument):
    """Shots that displace a mode by -β and test for the vacuum.

    p = ε + V (πħ)^N Q(λβ),   the α of Q in units of √action

    With λ ≠ 1, V < 1 or ε > 0 the data look like those of another ħ: without priors
    nothing in them distinguishes C from λ, V and ε.

    Attributes:
        points: β of each setting, (P,) for one mode or (P, N) for N.
        V: visibility, scalar in [0, 1].
        eps: ε, share of shots that report the vacuum without it, scalar in [0, 1].
        scale: λ, actual over intended displacement, scalar.
        noise: scatter of the counts; binomial by default.
    """

    points: Complex[Array, "..."] = fixed(read=read_points)
    V: Float[Array, ""] = free(bounds=(0.0, 1.0), span=(0.5, 1.0), default=1.0)
    eps: Float[Array, ""] = free(bounds=(0.0, 1.0), span=(0.0, 0.1), default=0.0)
    scale: Float[Array, ""] = free(positive=True, span=(0.8, 1.25), default=1.0)
    noise: Drawable = fixed(default_factory=Binomial)

    def check_law(self, law: Motion) -> None:
        """Raise ValueError unless the law has a density on phase space."""
        if not isinstance(law, HusimiFokkerPlanck):
            raise ValueError(
                "Argument `instrument` must show what the law predicts, but "
                f"{type(law).__name__} has no density at displacements."
            )

    def mean(self, law: Motion, t: ArrayLike, state: PyTree[Array]) -> Array:
        """ε + V (πħ)^N Q(λβ)"""
        assert isinstance(law, HusimiFokkerPlanck)  # `check_law` made sure
        density = law.density(state, self.scale * self.points)
        return self.eps + self.V * (jnp.pi * law.hbar) ** law.modes * density


def as_instrument(given: Any) -> Instrument:
    """The given instrument, or one that shows what `evolve` would observe."""
    if isinstance(given, Instrument):
        return given
    if not (callable(given) or hasattr(given, "bind")):
        kinds = str | list | tuple | Mapping
        words = "an instrument, or what `observe` of `jqd.evolve` takes"
        _checks.check_type(given, "instrument", kinds, words)
    return Direct(of=given)
