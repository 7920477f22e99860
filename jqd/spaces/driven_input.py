"""Hamiltonians that change in time, in the forms in which users write them."""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from ..interop import as_array
from .coefficients import Part, coefficient, is_coefficient
from .driven import Driven, weighted_sum
from .functions import shape_at, taken_by_keyword, with_leaves
from .hamiltonians import MatrixHamiltonian, matrix_hamiltonian
from .pulses import TRIED, Pulse, SampledPulse, pulse, sampled_pulse
from .symbols import Symbol

_PARTS = ("real", "imag")
# At most so many times of samples and jumps are checked as well.
_MOST = 8
# Non-Hermitian part that a symbol may have, relative to its largest coefficient of the
# same degree: without ħ no others have its unit.
_TOLERANCE = 1e-6


def driven(
    *terms: Any, times: ArrayLike | None = None, args: Mapping[str, Any] | None = None
) -> Driven:
    """H(t) = H_0 + Σ_k f_k(t) H_k.

    For a list H in QuTiP's form, call `jqd.driven(*H, times=tlist, args=args)`.

    Args:
        *terms: H_0, (n, n) Hermitian, energy units, in one term or several, or in none
            for H_0 = 0; arrays, QuTiP, dynamiqs, or a `jqd.Symbol`. Pairs (H_k, f_k)
            follow: H_k is like H_0; f_k is a function of the time written with
            `jax.numpy`, a pulse made by `jqd.pulse` or `jqd.spaces.sampled_pulse`, a
            coefficient of QuTiP, or samples at `times`, joined by a cubic spline. With
            an operator of QuTiP, f_k may also be a Python function that JAX cannot
            trace, which is then called at each step. H_k need not be Hermitian and f_k
            may be complex if the sum is Hermitian, which is checked at some times.
            Functions of the time that return a matrix, and QuTiP's QobjEvo, may be
            terms as well.
        times: times of those f_k that are samples, (T,), increasing: QuTiP's `tlist`.
        args: arguments of functions f_k(t, ..) besides the time: those that they name,
            or the whole dict where they are called f(t, args). They become leaves,
            which can be differentiated and fitted; each pulse has its own.

    Returns:
        The Hamiltonian, for `jqd.Schrodinger`, `jqd.CopyDynamics.from_hamiltonian` and
        `jqd.Lindblad`; one made of symbols, for `jqd.HusimiFokkerPlanck`. Its pulses
        are called pulse, or pulse[0], pulse[1] ..

    Raises:
        ValueError: a matrix that is not square, not finite or not of the size of the
            others; a sum that is not Hermitian; a complex pulse where all matrices are
            Hermitian; a pulse that is never finite; samples without times; text; no
            pair.
    """
    args = {} if args is None else args
    if not isinstance(args, Mapping) or not all(isinstance(x, str) for x in args):
        raise ValueError(
            "Argument `args` must be a dict of constants by name, but is "
            f"{_checks.shown(args)}."
        )
    constants, pairs, whole = [], [], []
    for k, term in enumerate(terms):
        name = f"hamiltonian[{k}]"
        if _is_pair(term):
            A, f = _operator(term[0], f"{name}[0]"), term[1]
            if hasattr(term[0], "full") and isinstance(f, int | float):
                constants.append(_hermitian(A * f, f"{name}[0]"))
            else:
                f = _with_args(f, args, of_qutip=hasattr(term[0], "full"))
                pairs.append((name, A, f))
        elif not isinstance(term, list | tuple) and is_driven(term):
            whole.append(read_driven(term))
        elif isinstance(term, list | tuple) and not _is_operator(term):
            raise ValueError(
                f"Argument `{name}` must be a matrix, or a pair of a matrix and a "
                f"pulse, but is {_checks.shown(term)}."
            )
        else:
            constants.append(_hermitian(_operator(term, name), name))
    if not pairs and not whole:
        raise ValueError(
            "Argument `terms` must hold a pair of a matrix and a pulse, but holds "
            "none; a constant matrix needs no `driven`."
        )
    constants += [one.constant for one in whole]
    like = (constants or [pairs[0][1]])[0]
    for A in constants:
        _check_alike(A, like, "hamiltonian")
    for name, A, _ in pairs:
        _check_alike(A, like, f"{name}[0]")
    constant = weighted_sum(like * 0.0, constants, [1.0] * len(constants))
    found = [(A, f) for one in whole for A, f in _terms(one)]
    if all(_is_hermitian(A) and not is_coefficient(f) for _, A, f in pairs):
        found += [(A, _pulse(f, times, f"{name}[1]")) for name, A, f in pairs]
    else:
        found += _from_adjoints(constant, pairs, times)
    return _named(constant, found)


def _terms(hamiltonian: Driven) -> list[tuple[Any, Any]]:
    """Pairs of operators and values."""
    both = hamiltonian.operators, hamiltonian.values
    return [(both[0][name], both[1][name]) for name in hamiltonian.names]


def _named(constant: Any, terms: list[tuple[Any, Any]]) -> Driven:
    """Pulses are called pulse, or pulse[0], pulse[1] .. where there are several."""
    count = len(terms)
    names = ["pulse"] if count == 1 else [f"pulse[{k}]" for k in range(count)]
    operators = [A for A, _ in terms]
    if not isinstance(constant, Symbol):
        dtype = jnp.result_type(constant, *operators)
        constant, *operators = (A.astype(dtype) for A in (constant, *operators))
    values = dict(zip(names, [f for _, f in terms], strict=True))
    return Driven(constant, dict(zip(names, operators, strict=True)), values)


# -- pulses ----------------------------------------------------------------------------


def _with_args(f: Any, args: Mapping[str, Any], *, of_qutip: bool) -> Any:
    """A function with the constants that it takes beside the time, as QuTiP has them.

    Args:
        f: a pulse in any form.
        args: constants by name.
        of_qutip: whether its operator is of QuTiP: what JAX cannot trace is QuTiP's
            coefficient then.
    """
    if is_coefficient(f):
        return f.replace_arguments(dict(args)) if args else f
    if not callable(f) or isinstance(f, Pulse | SampledPulse):
        return f
    try:
        taken = taken_by_keyword(f)
    except ValueError:  # a function of another program, without a signature
        taken = ()
    if taken == ("t", "args"):
        given = {"args": dict(args)}
    else:
        given = {key: args[key] for key in args if taken is None or key in taken[1:]}
    made = with_leaves(f, given) if given else f
    if of_qutip:
        try:
            _function_at(made, "pulse")
        except ValueError:
            return _by_python(f, args) or made
    return made


def _by_python(f: Any, args: Mapping[str, Any]) -> Any:
    """A function as a coefficient of QuTiP; None for one that it does not take."""
    import qutip

    try:
        return qutip.coefficient(f, args=dict(args))
    except Exception:  # whatever a user's function raises; the caller says more
        return None


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
            "times, `jqd.spaces.sampled_pulse(ts, samples)` or "
            f"`jqd.driven(.., times=ts)`, but is an array of shape {np.shape(f)} alone."
        )
    return sampled_pulse(times, f)


def _function_at(f: Any, name: str) -> Any:
    """Shape and dtype of f(t); what only Python can call is QuTiP's to hold."""
    try:
        return shape_at(f, name, "time")
    except (ValueError, KeyError) as error:
        said = str(error).rstrip(".")
        if isinstance(error, KeyError):
            said = f"Argument `{name}` must have its constants, but not {error}"
        raise ValueError(
            f"{said}; constants beside the time go into `jqd.driven(.., args=..)` or "
            "`jqd.pulse(f, a=..)`, and `qutip.QobjEvo` takes any function."
        ) from error


# -- operators -------------------------------------------------------------------------


def _operator(value: Any, name: str) -> Any:
    """A symbol as it is; a square matrix of floats."""
    if isinstance(value, Symbol):
        return value
    matrix = as_array(value, name)
    _checks.check_square(matrix, name)
    _checks.check_finite(matrix, name)
    return matrix.astype(jnp.result_type(matrix, jnp.float32, float))


def _hermitian(operator: Any, name: str) -> Any:
    """The operator; raise for one that is known not to be Hermitian."""
    if not isinstance(operator, Symbol):
        _checks.check_hermitian(operator, name)
    elif _checks.is_concrete(operator) and not operator.is_real(_TOLERANCE):
        raise ValueError(f"Argument `{name}` must be Hermitian, but is {operator}.")
    return operator


def _is_hermitian(operator: Any) -> bool:
    try:
        _hermitian(operator, "hamiltonian")
    except ValueError:
        return False
    return True


def _check_alike(operator: Any, like: Any, name: str) -> None:
    """Raise for a matrix among symbols, or for one of another size."""
    symbols = isinstance(like, Symbol)
    if symbols != isinstance(operator, Symbol):
        raise ValueError(
            f"Argument `{name}` must be a {'symbol' if symbols else 'matrix'} like the "
            "other operators, but is not."
        )
    if not symbols:
        _checks.check_shape(operator, name, like.shape)


def _adjoint(operator: Any) -> Any:
    return operator.conj() if isinstance(operator, Symbol) else operator.conj().T


# -- forms of the whole ----------------------------------------------------------------


def is_driven(hamiltonian: Any) -> bool:
    """Whether a user's Hamiltonian, in any form that `driven` reads, changes in time.

    Args:
        hamiltonian: the argument of a law.
    """
    if isinstance(hamiltonian, Driven):
        return True
    if isinstance(hamiltonian, list | tuple):
        return _is_single(hamiltonian) or any(
            _is_pair(term) if isinstance(term, list | tuple) else is_driven(term)
            for term in hamiltonian
        )
    if isinstance(hamiltonian, Symbol) or hasattr(hamiltonian, "full"):
        return False  # callable as well: on a point, and a qutip.Qobj on a state
    if hasattr(hamiltonian, "isconstant"):  # qutip.QobjEvo
        return not hamiltonian.isconstant
    return callable(hamiltonian)


def _is_pair(term: Any) -> bool:
    """An operator and its pulse, function, samples or text; not a row of numbers."""
    if not isinstance(term, list | tuple) or len(term) != 2:
        return False
    return _is_pulse(term[1]) or _is_operator(term[0])


def _is_single(hamiltonian: Any) -> bool:
    """[H, f] without a list around it, as QuTiP takes it."""
    return _is_pair(hamiltonian) and all(
        (_is_operator(hamiltonian[0]), _is_pulse(hamiltonian[1]))
    )


def _is_pulse(value: Any) -> bool:
    """A function of the time that gives numbers, or text for one; no samples."""
    foreign = ("full", "to_list", "discontinuity_ts")  # operators that can be called
    operator = isinstance(value, Symbol) or any(hasattr(value, x) for x in foreign)
    return isinstance(value, str) or (callable(value) and not operator)


def _is_operator(value: Any) -> bool:
    """A symbol; an array of any program, or lists, of two axes."""
    if isinstance(value, Symbol):
        return True
    try:
        return len(getattr(value, "shape", None) or np.shape(value)) == 2
    except ValueError:  # a ragged list
        return False


def read_hamiltonian(given: Any) -> MatrixHamiltonian | Driven:
    """H from a matrix, or from any form of a Hamiltonian that changes in time.

    Raises:
        ValueError: not square, not Hermitian or not finite; see also `driven`.
    """
    if is_driven(given):
        return read_driven(given)
    if isinstance(given, MatrixHamiltonian):
        return given
    return matrix_hamiltonian(as_array(given, "hamiltonian"))


def read_driven(hamiltonian: Any) -> Driven:
    """A Hamiltonian that changes in time, from any form in which users write it.

    Args:
        hamiltonian: a `Driven`; a list [H_0, [H_1, f_1], ..] or a pair [H_1, f_1] in
            QuTiP's form; QuTiP's QobjEvo; a time-dependent array of dynamiqs; a
            function of the time that returns the matrix.

    Raises:
        ValueError: see `driven`.
    """
    if isinstance(hamiltonian, Driven):
        return hamiltonian
    if isinstance(hamiltonian, list | tuple):
        return driven(*([hamiltonian] if _is_single(hamiltonian) else hamiltonian))
    if hasattr(hamiltonian, "to_list"):
        return driven(*_elements(hamiltonian))
    if hasattr(hamiltonian, "discontinuity_ts"):
        jumps = hamiltonian.discontinuity_ts
        jumps = jnp.zeros(0) if jumps is None else jumps
        return _from_function(_DenseAt(hamiltonian), jumps)
    return _from_function(hamiltonian, jnp.zeros(0))


def _elements(evo: Any) -> list[Any]:
    """Of a QobjEvo: operators, and pairs of these and coefficients."""
    found = evo.to_list()
    for term in found:
        if isinstance(term, list) and not hasattr(term[0], "full"):
            raise ValueError(
                "Argument `hamiltonian` must be a QobjEvo of operators and their "
                "coefficients, but one of its terms is a function; give that function "
                "itself, written with `jax.numpy`."
            )
    return found


def _from_function(function: Callable[..., Any], jumps: ArrayLike) -> Driven:
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
    for t in TRIED:
        _hermitian(_operator(made(t), "hamiltonian"), "hamiltonian")
    zero = jnp.zeros(shape.shape, jnp.result_type(shape.dtype, float))
    return _named(zero, [(jnp.ones_like(zero), made)])


class _DenseAt(eqx.Module):
    """H(t) of an array of dynamiqs, as a plain one."""

    array: Any

    def __call__(self, t: ArrayLike) -> Array:
        return self.array(t).to_jax()


# -- terms that are Hermitian only in their sum ----------------------------------------


def _from_adjoints(
    constant: Any, terms: list[tuple[str, Any, Any]], times: ArrayLike | None
) -> list[tuple[Any, Any]]:
    """Operators and pulses of terms such as e^iωt σ- and its adjoint.

    Σ_k Re c_k (A_k + A_k†)/2 + Im c_k i (A_k - A_k†)/2
    """
    found, whole = [], []
    for name, A, c in terms:
        both = [_part(c, part, times, f"{name}[1]") for part in _PARTS]
        whole.append((A, both))
        even, odd = (A + _adjoint(A)) * 0.5, (A - _adjoint(A)) * 0.5j
        for operator, made in zip((even, odd), both, strict=True):
            entries = getattr(operator, "coefficients", operator)
            if made is not None and np.any(np.asarray(entries)):
                found.append((operator, made))
    _check_sum(constant, whole)
    return found


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


def _check_sum(constant: Any, terms: list[tuple[Any, list[Any]]]) -> None:
    """The sum is Hermitian where it is looked at and its pulses are finite."""
    if not _checks.is_concrete((constant, terms)):
        return
    known = [_known_times(f) for _, both in terms for f in both if f is not None]
    for t in np.unique(np.concatenate([TRIED, *known])):
        values = []
        for _, both in terms:
            even, odd = (0.0 if f is None else np.asarray(f(t)) for f in both)
            values.append(even + 1j * odd)
        if not np.all(np.isfinite(values)):
            continue
        total = weighted_sum(constant, [A for A, _ in terms], values)
        try:
            _hermitian(total, "hamiltonian")
        except ValueError as error:
            raise ValueError(f"{str(error)[:-1]}, at t = {t:g}.") from None
