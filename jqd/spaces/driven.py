"""Hamiltonians that change in time: a matrix, and terms with pulses."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Inexact

from .. import _checks
from ..constants import fixed, parts
from ..interop import as_array
from .coefficients import Part, coefficient, is_coefficient
from .functions import shape_at, with_leaves
from .pulses import Pulse, SampledPulse, pulse, sampled_pulse

# Where one given as a whole is looked at: it is to be Hermitian at all times.
_TIMES = (0.0, 0.37, 1.0, 2.71)
_PARTS = ("real", "imag")
# Times of samples and jumps at which one is looked at as well, at most.
_MOST = 8


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


def driven(*terms: Any, times: ArrayLike | None = None) -> DrivenHamiltonian:
    """H(t) = H_0 + Σ_k f_k(t) H_k.

    Args:
        *terms: H_0, (n, n) Hermitian, energy units, or no such term for 0, or several;
            arrays, QuTiP, dynamiqs. Then pairs (H_k, f_k), H_k like H_0, f_k a function
            of the time written with `jax.numpy`, or what `jqd.pulse` and
            `jqd.sampled_pulse` make, or a coefficient of QuTiP; or samples at `times`,
            joined by a cubic spline. H_k may be no Hermitian matrix and f_k complex
            where the sum is Hermitian: it is checked at some times.
        times: of f_k that are samples alone, (T,), increasing: the `tlist` of QuTiP,
            whose list is taken by `jqd.driven(*H, times=tlist)`.

    Returns:
        The Hamiltonian, for `jqd.Schrodinger` and `jqd.CopyDynamics.from_hamiltonian`.

    Raises:
        ValueError: a matrix that is not square, finite or of the size of the others; a
            sum that is not Hermitian; a pulse that is complex beside Hermitian
            matrices, or never finite; samples without times; text; no pair.
    """
    constant, moving = [], []
    for k, term in enumerate(terms):
        name = f"hamiltonian[{k}]"
        if _is_pair(term):
            moving.append((name, term))
        elif isinstance(term, list | tuple) and not _is_matrix(term):
            raise ValueError(
                f"Argument `{name}` must be a matrix, or a pair of a matrix and a "
                f"pulse, but is {_checks.shown(term)}."
            )
        else:
            constant.append(_operator(term, name))
    if not moving:
        raise ValueError(
            "Argument `terms` must hold a pair of a matrix and a pulse, but holds "
            "none; a constant matrix needs no `driven`."
        )
    read = [(name, _matrix(A, f"{name}[0]"), f) for name, (A, f) in moving]
    matrix = sum(constant, start=jnp.zeros_like((constant or [read[0][1]])[0]))
    for name, operator, _ in read:
        _checks.check_shape(operator, f"{name}[0]", matrix.shape)
    if all(_is_hermitian(A) and not is_coefficient(f) for _, A, f in read):
        pulses = [_pulse(f, times, f"{name}[1]") for name, _, f in read]
        return _assemble(matrix, [operator for _, operator, _ in read], pulses)
    return _from_adjoints(matrix, read, times)


def _pulse(f: Any, times: ArrayLike | None, name: str) -> Pulse | SampledPulse:
    """f_k by a function, or by samples where there are times for them."""
    if isinstance(f, str):
        raise ValueError(
            f"Argument `{name}` must be a function of time written with `jax.numpy`, "
            f"but is the text {f!r}; give `qutip.QobjEvo`, which reads it."
        )
    if callable(f) and not isinstance(f, Pulse | SampledPulse):
        _function_at(f, name)
    if callable(f) or np.ndim(f) == 0:
        return pulse(f)
    if times is None:
        raise ValueError(
            f"Argument `{name}` must be a function of time, or samples with their "
            "times, `jqd.sampled_pulse(ts, samples)` or `jqd.driven(.., times=ts)`, "
            f"but is an array of shape {np.shape(f)} alone."
        )
    return sampled_pulse(times, f)


def _function_at(f: Any, name: str) -> Any:
    """Shape and dtype of f(t); what only Python can call is QuTiP's to hold."""
    try:
        return shape_at(f, name, "time")
    except ValueError as error:
        raise ValueError(
            f"{str(error).rstrip('.')}; constants beside the time go into "
            "`jqd.pulse(f, a=..)`, and `qutip.QobjEvo` takes any function."
        ) from error


def _assemble(
    matrix: Array, operators: list[Array], pulses: list[Any]
) -> DrivenHamiltonian:
    dtype = jnp.result_type(matrix, *operators)
    stack = jnp.stack(operators).astype(dtype)
    return DrivenHamiltonian(matrix.astype(dtype), stack, tuple(pulses))


def _operator(value: Any, name: str) -> Array:
    matrix = _matrix(value, name)
    _checks.check_hermitian(matrix, name)
    return matrix


def _matrix(value: Any, name: str) -> Array:
    matrix = as_array(value, name)
    _checks.check_square(matrix, name)
    _checks.check_finite(matrix, name)
    return matrix.astype(jnp.result_type(matrix, jnp.float32, float))


def _is_hermitian(matrix: Array) -> bool:
    try:
        _checks.check_hermitian(matrix, "hamiltonian")
    except ValueError:
        return False
    return True


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
    return callable(term[1]) or isinstance(term[1], str) or _is_matrix(term[0])


def _is_matrix(value: Any) -> bool:
    """An array of any program, or lists, of two axes."""
    try:
        return len(getattr(value, "shape", None) or np.shape(value)) == 2
    except ValueError:  # a ragged list
        return False


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
        return driven(*hamiltonian)
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


def _from_qutip(evo: Any) -> DrivenHamiltonian:
    """Σ_k c_k(t) A_k with complex c_k and any A_k, whose sum is Hermitian."""
    constant, terms = [], []
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
        terms.append(("hamiltonian", as_array(term[0], "hamiltonian"), term[1]))
    size = (constant or [terms[0][1]])[0].shape
    matrix = sum(constant, start=jnp.zeros(size, complex))
    return _from_adjoints(matrix, terms, None)


def _from_adjoints(
    matrix: Array, terms: list[tuple[str, Array, Any]], times: ArrayLike | None
) -> DrivenHamiltonian:
    """Terms that are Hermitian in their sum alone, such as e^iωt σ- and its adjoint.

    H = Σ_k Re c_k (A_k + A_k†)/2 + Im c_k i (A_k - A_k†)/2.
    """
    operators, pulses, whole = [], [], []
    for name, A, c in terms:
        both = [_part(c, part, times, f"{name}[1]") for part in _PARTS]
        whole.append((A, both))
        even, odd = (A + A.conj().T) / 2, 1j * (A - A.conj().T) / 2
        for operator, made in zip((even, odd), both, strict=True):
            if made is not None and np.any(np.asarray(operator)):
                operators.append(operator)
                pulses.append(made)
    _check_sum(matrix, whole)
    return _assemble(matrix, operators, pulses)


def _part(
    c: Any, part: str, times: ArrayLike | None, name: str
) -> Pulse | SampledPulse | None:
    """Re c or Im c; None for the imaginary part of what is real."""
    if is_coefficient(c):
        return coefficient(c, part)
    if isinstance(c, Pulse | SampledPulse) or not _is_complex(c, name):
        return _pulse(c, times, name) if part == "real" else None
    if callable(c):
        return Pulse(Part(part, with_leaves(c, {})), jnp.zeros(0))
    return _pulse(np.imag(c) if part == "imag" else np.real(c), times, name)


def _is_complex(c: Any, name: str) -> bool:
    return np.iscomplexobj(_function_at(c, name) if callable(c) else c)


def _known_times(f: Any) -> Any:
    """Times at which a pulse is known to do something."""
    own = f.function if isinstance(f, Pulse) else f
    ts = np.asarray(getattr(own, "ts", f.jumps))
    return ts[:: -(-max(ts.size, 1) // _MOST)]


def _check_sum(matrix: Array, terms: list[tuple[Array, list[Any]]]) -> None:
    """The sum is Hermitian where it is looked at and its pulses are finite."""
    if not _checks.is_concrete((matrix, terms)):
        return
    known = [_known_times(f) for _, both in terms for f in both if f is not None]
    for t in np.unique(np.concatenate([_TIMES, *known])):
        total = np.array(matrix, complex)
        for A, both in terms:
            even, odd = (0.0 if f is None else np.asarray(f(t)) for f in both)
            total += (even + 1j * odd) * np.asarray(A)
        try:
            if np.all(np.isfinite(total)):
                _checks.check_hermitian(total, "hamiltonian")
        except ValueError as error:
            raise ValueError(f"{str(error)[:-1]}, at t = {t:g}.") from None
