"""States of bosonic modes as weighted kets."""

import abc
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from .. import _checks
from .._math import abs2
from .._program import program
from ..interop import as_array
from .amplifier import amplified

# Largest share of its trace that a described state may lose by its levels.
LOSS = 1e-6


class Ensemble(eqx.Module):
    """ρ = Σ_k w_k |v_k><v_k|, weights of either sign, kets of any norm.

    One ket is a pure state. Weights of both signs represent operators that are no
    states, such as the operator of a Husimi function taken at too large an ħ.

    Attributes:
        kets: v_k in the number basis, shape (k, d_1, ..., d_N).
        weights: w_k, shape (k,), real.
        window: the end C_max of the state that these kets represent, scalar, which no
            table of amplitudes determines; None where nothing declares it.
    """

    kets: Complex[Array, "kets ..."]
    weights: Float[Array, " kets"]
    window: Float[Array, ""] | None = None

    def __check_init__(self) -> None:
        _checks.check_numbers(self.kets, "kets")
        _checks.check_numbers(self.weights, "weights")

    @property
    def modes(self) -> int:
        """Number of modes N."""
        return self.kets.ndim - 1

    @property
    def levels(self) -> tuple[int, ...]:
        """Number of levels kept for each mode."""
        return tuple(self.kets.shape[1:])

    def flat(self) -> Complex[Array, "kets D"]:
        """The kets with all modes in one axis; the last mode varies fastest."""
        return jnp.reshape(self.kets, (self.kets.shape[0], -1))

    @program
    def trace(self) -> Float[Array, ""]:
        """Σ_k w_k <v_k|v_k>."""
        kets = self.flat()
        return jnp.sum(self.weights * jnp.sum(abs2(kets), axis=1))

    @program
    def matrix(self) -> Complex[Array, "D D"]:
        """ρ as a matrix over the flattened number basis."""
        kets = self.flat()
        return jnp.matmul(kets.T * self.weights[None, :], jnp.conj(kets))


class Seed(NamedTuple):
    """A pure state, its weight in a mixture, and the gain that amplifies it.

    Attributes:
        weight: p, real scalar.
        ket: amplitudes, shape (d_1, ..., d_N).
        gain: gain of each mode, at least 1, shape (N,); None for a pure state.
    """

    weight: Float[Array, ""]
    ket: Complex[Array, "..."]
    gain: Float[Array, " N"] | None = None


def _is_one(gain: Array) -> bool:
    """Whether a gain is known and amplifies nothing."""
    return _checks.is_concrete(gain) and bool(np.all(np.asarray(gain) == 1))


class State(eqx.Module):
    """A state of bosonic modes given by its constants, not by a table of amplitudes.

    It has no levels until a method is asked for some, and it knows its window of C,
    which no table determines. Its arrays may be traced. Three methods give it: `ket`
    for a pure state, `gaussian` for its moments, `ensemble` for any state.
    """

    @property
    @abc.abstractmethod
    def modes(self) -> int:
        """Number of modes N."""

    @property
    @abc.abstractmethod
    def largest_C(self) -> Float[Array, ""]:
        """C_max: the Husimi function at Cħ is that of a Hilbert-Schmidt operator for
        0 < C < C_max."""

    @abc.abstractmethod
    def seeds(self, levels: tuple[int, ...]) -> tuple[Seed, ...]:
        """Pure states with these levels; the state is their amplified mixture.

        Args:
            levels: number of levels of each mode.

        Raises:
            ValueError: the levels lose more than 1e-6 of the norm of a pure state.
        """

    def ket(self, levels: int | tuple[int, ...]) -> Complex[Array, "*levels"]:
        """Amplitudes of a pure state, (d_1, .., d_N).

        Args:
            levels: number of levels, one for all modes or one for each.

        Raises:
            ValueError: the state is a mixture, or the levels lose more than 1e-6 of its
                norm.
        """
        first, *more = self.seeds(self._each(levels))
        if more or not (first.gain is None or _is_one(first.gain)):
            raise ValueError(
                "Argument `state` must be pure to have a ket, but is a mixture, whose "
                "weighted kets are its `ensemble`."
            )
        return jnp.sqrt(first.weight) * first.ket

    def gaussian(self) -> tuple[Complex[Array, " N"], Float[Array, "2N 2N"]] | None:
        """<a> and the covariance of the Wigner function, a quarter for the vacuum, in
        (X_1, .., X_N, Y_1, .., Y_N); None where the state is no Gaussian."""
        return None

    def ensemble(self, levels: int | tuple[int, ...]) -> Ensemble:
        """Weighted kets, with the window that the state declares.

        Args:
            levels: number of levels, one for all modes or one for each.

        Raises:
            ValueError: the levels lose more than 1e-6 of the trace.
        """
        each = self._each(levels)
        kets, weights = [], []
        for seed in self.seeds(each):
            part = seed.ket[None], seed.weight[None]
            if seed.gain is not None:
                part = amplified(*part, 1 / seed.gain, each, sum(each) - len(each))
            kets.append(part[0])
            weights.append(part[1])
        end, weight = self.largest_C, jnp.concatenate(weights)
        whole = Ensemble(jnp.concatenate(kets), weight, end)
        if _checks.is_concrete(whole):
            lost = 1 - float(whole.trace())
            if not lost <= LOSS:
                raise ValueError(
                    "Argument `levels` must be enough for this state to lose no more "
                    f"than {LOSS:g} of its trace, but with {levels} it loses "
                    f"{lost:.2g}."
                )
        return whole

    def _each(self, levels: int | tuple[int, ...]) -> tuple[int, ...]:
        one = isinstance(levels, int | np.integer)
        return (int(levels),) * self.modes if one else tuple(levels)


def check_modes(state: Ensemble | State, modes: int, name: str) -> None:
    """Raise ValueError unless a state has `modes` modes."""
    if state.modes != modes:
        raise ValueError(
            f"Argument `{name}` must have {modes} modes, but has {state.modes}."
        )


def as_ensemble(
    state: Any, modes: int = 1, name: str = "state", *, levels: Any = None
) -> Ensemble:
    """A ket, a density operator, an ensemble or a described state as an ensemble.

    Args:
        state: ket (d_1, ..., d_N), density operator (d_1, ..., d_N, d_1, ..., d_N), or
            one of those flattened where N = 1; an `Ensemble` passes unchanged. QuTiP
            objects keep their own dimensions.
        modes: N.
        name: what the caller calls it.
        levels: levels of the kets of a `State`, see `State.ensemble`.

    Returns:
        The ensemble: one ket, or the eigenvectors of a density operator (twice its
        rows where its values are traced).

    Raises:
        ValueError: wrong number of axes, not Hermitian, not finite, not normalised, an
            operator with a negative eigenvalue, or a `State` without levels.
    """
    if isinstance(state, Ensemble | State):
        check_modes(state, modes, name)
        if isinstance(state, Ensemble):
            return state
        if levels is None:
            raise ValueError(
                f"Argument `{name}` must be amplitudes, but is a "
                f"{type(state).__name__} without levels; give its `ensemble(levels)`."
            )
        return state.ensemble(levels)
    if not _checks.is_whole(modes) or modes < 1:
        raise ValueError(
            f"Argument `modes` must be at least 1, but is {_checks.shown(modes)}."
        )
    array = _with_modes(state, name)
    if array.ndim not in (modes, 2 * modes):
        raise ValueError(
            f"Argument `{name}` must have {modes} axes (a ket) or {2 * modes} (a "
            f"density operator) for {modes} modes, but has {array.ndim}."
        )
    array = _checks.complex_of(array)
    if array.ndim == modes:
        _checks.check_state(array, name, array.shape, 1.0)
        weights = jnp.ones(1, jnp.finfo(array.dtype).dtype)
        return Ensemble(array[None], weights)
    levels = array.shape[:modes]
    size = math.prod(levels)
    matrix = jnp.reshape(array, (size, -1))
    _checks.check_hermitian(matrix, name)
    if _checks.is_concrete(matrix):
        trace = float(np.trace(np.asarray(matrix)).real)
        if not abs(trace - 1) <= 1e-6:
            raise ValueError(
                f"Argument `{name}` must be normalised, but its trace is {trace:.9g}."
            )
    real = jnp.finfo(array.dtype).dtype
    if _checks.is_concrete(matrix):
        weights, vectors = np.linalg.eigh(np.asarray(matrix))
        # of the same size as the allowed error of the trace
        if weights[0] < -1e-6:
            raise ValueError(
                f"Argument `{name}` must have no negative probabilities, but has the "
                f"eigenvalue {weights[0]:.3g}; give an `Ensemble` of signed weights "
                "for an operator that is no state."
            )
        # rounding leaves most eigenvalues of a mixed state of low rank at 1e-17
        kept = np.abs(weights) > 4 * size * float(np.finfo(weights.dtype).eps)
        kets = jnp.asarray(vectors[:, kept].T)
        weights = jnp.asarray(weights[kept], real)
    else:
        # ρ = [(ρ + 1)² - (ρ - 1)²] / 4: smooth in ρ, where eigenvectors of degenerate
        # eigenvalues have no derivatives
        one = jnp.eye(size, dtype=array.dtype)
        kets = jnp.concatenate([(matrix + one).T, (matrix - one).T])
        weights = jnp.repeat(jnp.asarray([0.25, -0.25], real), size)
    return Ensemble(jnp.reshape(kets, (-1, *levels)), weights)


def _with_modes(state: Any, name: str) -> Array:
    """The array of a state, QuTiP objects with one axis per mode."""
    array = as_array(state, name)
    dims = getattr(state, "dims", None)
    if isinstance(dims, list) and len(dims) == 2 and isinstance(dims[0], list):
        levels = tuple(dims[0])
        if array.ndim == 2 and dims[0] == dims[1]:
            return jnp.reshape(array, levels + levels)
        return jnp.reshape(array, levels)
    return array
