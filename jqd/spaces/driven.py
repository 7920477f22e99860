"""Hamiltonians that change in time: a matrix, and terms with pulses."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, ArrayLike, Inexact

from .. import _checks
from ..constants import fixed, parts
from ..interop import as_array
from .functions import shape_at
from .pulses import Pulse, SampledPulse, pulse, sampled_pulse

# Where one given as a whole is looked at: it is to be Hermitian at all times.
_TIMES = (0.0, 0.37, 1.0, 2.71)


class DrivenHamiltonian(eqx.Module):
    """H(t) = H_0 + Σ_k f_k(t) H_k, on a matrix.

    Attributes:
        matrix: H_0, (n, n) Hermitian, energy units.
        operators: H_k, (K, n, n) Hermitian, energy over the unit of f_k.
        pulses: f_k, K functions of the time; one that gives a matrix multiplies H_k
            entry by entry.
    """

    matrix: Inexact[Array, "n n"] = fixed()
    operators: Inexact[Array, "K n n"] = fixed()
    pulses: tuple[Any, ...] = parts(each="pulse")

    @property
    def autonomous(self) -> bool:
        """It depends on time."""
        return False

    def jumps(self) -> Array | None:
        """Times at which a pulse jumps, (J,), where steps end; None for none."""
        times = [jnp.ravel(f.jumps) for f in self.pulses if jnp.size(f.jumps)]
        return jnp.concatenate(times) if times else None

    def at(self, t: ArrayLike) -> Array:
        """H(t), (n, n)."""
        total = self.matrix
        for operator, f in zip(self.operators, self.pulses, strict=True):
            value = f(t)
            total = total + value.astype(_like(total, value)) * operator
        return total

    def apply(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """H(t) ψ."""
        del hbar
        return self.at(t) @ psi

    def energy(self, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """<ψ|H(t)|ψ>."""
        return jnp.sum(jnp.real(jnp.conj(psi) * self.apply(psi, t, hbar)))


def _like(matrix: Array, value: Array) -> Any:
    """The dtype of a pulse in the precision of the matrix."""
    real = jnp.finfo(matrix.dtype).dtype
    return jnp.result_type(real, jnp.complex64) if jnp.iscomplexobj(value) else real


def driven(
    constant: Any, *terms: Sequence[Any], times: ArrayLike | None = None
) -> DrivenHamiltonian:
    """H(t) = H_0 + Σ_k f_k(t) H_k.

    Args:
        constant: H_0, (n, n) Hermitian, energy units; arrays, QuTiP, dynamiqs.
        *terms: pairs (H_k, f_k); H_k like H_0, f_k a function of the time written with
            `jax.numpy`, or what `jqd.pulse` and `jqd.sampled_pulse` make; or samples
            at `times`, joined by a cubic spline.
        times: of f_k that are samples alone, (T,), increasing: the `tlist` of QuTiP,
            whose list is taken by `jqd.driven(*H, times=tlist)`.

    Returns:
        The Hamiltonian, for `jqd.Schrodinger` and `jqd.CopyDynamics.from_hamiltonian`.

    Raises:
        ValueError: a matrix that is not square, Hermitian, finite or of the size of
            the first; a pulse that is complex or never finite; samples without times;
            a term that is no pair; no term.
    """
    if not terms:
        raise ValueError(
            "Argument `terms` must hold a pair of a matrix and a pulse, but is empty; "
            "a constant matrix needs no `driven`."
        )
    matrix = _operator(constant, "hamiltonian")
    operators, pulses = [], []
    for k, term in enumerate(terms):
        name = f"hamiltonian[{k + 1}]"
        if not isinstance(term, list | tuple) or len(term) != 2:
            raise ValueError(
                f"Argument `{name}` must be a pair of a matrix and a pulse, but is "
                f"{_checks.shown(term)}."
            )
        operators.append(_operator(term[0], f"{name}[0]"))
        _checks.check_shape(operators[-1], f"{name}[0]", matrix.shape)
        pulses.append(_pulse(term[1], times, f"{name}[1]"))
    return _assemble(matrix, operators, pulses)


def _pulse(f: Any, times: ArrayLike | None, name: str) -> Pulse | SampledPulse:
    """f_k by a function, or by samples where there are times for them."""
    if callable(f) or np.ndim(f) == 0:
        return pulse(f)
    if times is None:
        raise ValueError(
            f"Argument `{name}` must be a function of time, or samples with their "
            "times, `jqd.sampled_pulse(ts, samples)` or `jqd.driven(.., times=ts)`, "
            f"but is an array of shape {np.shape(f)} alone."
        )
    return sampled_pulse(times, f)


def _assemble(
    matrix: Array, operators: list[Array], pulses: list[Any]
) -> DrivenHamiltonian:
    dtype = jnp.result_type(matrix, *operators)
    stack = jnp.stack(operators).astype(dtype)
    return DrivenHamiltonian(matrix.astype(dtype), stack, tuple(pulses))


def _operator(value: Any, name: str) -> Array:
    matrix = as_array(value, name)
    _checks.check_square(matrix, name)
    _checks.check_finite(matrix, name)
    _checks.check_hermitian(matrix, name)
    return matrix.astype(jnp.result_type(matrix, jnp.float32, float))


def is_driven(hamiltonian: Any) -> bool:
    """Whether a user's Hamiltonian changes in time, in any form that is read.

    Args:
        hamiltonian: what a law was given.
    """
    if isinstance(hamiltonian, DrivenHamiltonian):
        return True
    if isinstance(hamiltonian, list | tuple):
        return any(map(_is_pair, hamiltonian))
    if hasattr(hamiltonian, "full"):  # qutip.Qobj: callable as well, on a state
        return False
    if hasattr(hamiltonian, "isconstant"):  # qutip.QobjEvo
        return not hamiltonian.isconstant
    return callable(hamiltonian)


def _is_pair(term: Any) -> bool:
    """An operator and its pulse, function, samples or text; not a row of numbers."""
    if not isinstance(term, list | tuple) or len(term) != 2:
        return False
    operator = len(getattr(term[0], "shape", ())) == 2
    return callable(term[1]) or operator


def read_driven(hamiltonian: Any) -> DrivenHamiltonian:
    """A Hamiltonian that changes in time, from any form that users have.

    Args:
        hamiltonian: a `DrivenHamiltonian`; a list [H_0, [H_1, f_1], ..] as QuTiP takes
            it; QuTiP's QobjEvo; an array of dynamiqs that depends on time; a function
            of the time that gives the matrix.

    Raises:
        ValueError: see `driven`.
    """
    if isinstance(hamiltonian, DrivenHamiltonian):
        return hamiltonian
    if isinstance(hamiltonian, list | tuple):
        _checks.check_length(hamiltonian, "hamiltonian")
        plain = [term for term in hamiltonian if not isinstance(term, list | tuple)]
        terms = [term for term in hamiltonian if isinstance(term, list | tuple)]
        if plain:
            matrix = sum(_operator(term, "hamiltonian[0]") for term in plain)
        else:
            matrix = jnp.zeros_like(_operator(terms[0][0], "hamiltonian[0][0]"))
        return driven(matrix, *terms)
    if hasattr(hamiltonian, "to_list"):
        return _from_qutip(hamiltonian)
    if hasattr(hamiltonian, "discontinuity_ts"):
        return _from_dynamiqs(hamiltonian)
    return _from_function(hamiltonian, jnp.zeros(0))


def _from_function(function: Callable[..., Any], jumps: ArrayLike) -> DrivenHamiltonian:
    """A function of the time that gives the whole matrix: ones, times what it gives."""
    made = Pulse(
        function
        if isinstance(function, eqx.Module | jax.tree_util.Partial)
        else jax.tree_util.Partial(function),
        jnp.asarray(jumps, jnp.result_type(float)),
    )
    shape = shape_at(made, "hamiltonian", "time")
    if len(shape.shape) != 2 or shape.shape[0] != shape.shape[1]:
        raise ValueError(
            "Argument `hamiltonian` must give a square matrix at each time, but gives "
            f"an array of shape {shape.shape}."
        )
    for t in _TIMES:
        _operator(made(t), "hamiltonian")
    zero = jnp.zeros(shape.shape, jnp.result_type(shape.dtype, float))
    return DrivenHamiltonian(zero, jnp.ones_like(zero)[None], (made,))


class _DenseAt(eqx.Module):
    """H(t) of an array of dynamiqs, as a plain one."""

    array: Any

    def __call__(self, t: ArrayLike) -> Array:
        return self.array(t).to_jax()


def _from_dynamiqs(array: Any) -> DrivenHamiltonian:
    jumps = array.discontinuity_ts
    return _from_function(_DenseAt(array), jnp.zeros(0) if jumps is None else jumps)


# -- QuTiP -----------------------------------------------------------------------------


class _FromHost(eqx.Module):
    """A coefficient that only Python can compute: asked for at each time it is needed.

    Attributes:
        function: of the time, complex (static).
        part: "real" or "imag" (static).
    """

    function: Any = eqx.field(static=True)
    part: str = eqx.field(static=True)

    def __call__(self, t: ArrayLike) -> Array:
        return _ask(self, jnp.asarray(t, jnp.result_type(t, float)))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _ask(of: _FromHost, t: Array) -> Array:
    def ask(times: Any) -> np.ndarray:
        values = np.asarray([of.function(float(one)) for one in np.ravel(times)])
        part = np.imag(values) if of.part == "imag" else np.real(values)
        return part.astype(t.dtype).reshape(np.shape(times))

    shape = jax.ShapeDtypeStruct(t.shape, t.dtype)
    return jax.pure_callback(ask, shape, t, vmap_method="expand_dims")


@functools.partial(_ask.defjvp, symbolic_zeros=True)
def _ask_jvp(of: _FromHost, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (t,), (slope,) = primals, tangents
    if not isinstance(slope, SymbolicZero):
        raise ValueError(
            "Argument `hamiltonian` must have pulses written with `jax.numpy` for "
            "derivatives with respect to time, but has one of QuTiP."
        )
    value = _ask(of, t)
    return value, jnp.zeros_like(value)


def _from_qutip(evo: Any) -> DrivenHamiltonian:
    """Σ_k c_k(t) A_k with complex c_k and any A_k, whose sum is Hermitian.

    H = Σ_k Re c_k (A_k + A_k†)/2 + Im c_k i (A_k - A_k†)/2.

    Samples are 0 beyond their times, as those of `sampled_pulse` are.
    """
    for t in _TIMES:
        _operator(evo(t), "hamiltonian")
    constant, operators, pulses = [], [], []
    for term in evo.to_list():
        if not isinstance(term, list):
            constant.append(as_array(term, "hamiltonian"))
            continue
        if len(term) != 2 or not hasattr(term[0], "full"):
            raise ValueError(
                "Argument `hamiltonian` must be a QobjEvo of operators and their "
                "coefficients, but one of its terms is a function; give that function "
                "itself, written with `jax.numpy`."
            )
        matrix, coefficient = as_array(term[0], "hamiltonian"), term[1]
        even = (matrix + matrix.conj().T) / 2
        odd = 1j * (matrix - matrix.conj().T) / 2
        for part, operator in (("real", even), ("imag", odd)):
            if np.any(np.asarray(operator)):
                operators.append(operator)
                pulses.append(_coefficient(coefficient, part))
    size = (operators or constant)[0].shape
    matrix = sum(constant, start=jnp.zeros(size, complex))
    return _assemble(matrix, operators, pulses)


def _coefficient(coefficient: Any, part: str) -> Pulse | SampledPulse:
    """A coefficient of QuTiP; of samples that are steps or joined by lines, those."""
    made = _FromHost(coefficient, part)
    if type(coefficient).__name__ == "InterCoefficient":
        times, pieces = coefficient.__reduce__()[1][:2]
        values = np.asarray([coefficient(float(t)) for t in times])
        values = np.imag(values) if part == "imag" else np.real(values)
        if len(pieces) == 1:
            return sampled_pulse(times, values[:-1], "steps")
        if len(pieces) == 2:
            return sampled_pulse(times, values, "linear")
    return Pulse(made, jnp.zeros(0, jnp.result_type(float)))
