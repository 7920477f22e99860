"""Hamiltonians of quantum optics and of lattices, as anti-Wick symbols.

Operators are in action units, [α̂, α̂†] = ħ, so that the classical limit of each symbol
does not depend on ħ (`hbar`, a scalar). Parameters may be traced; the set of terms is
static.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from ... import _checks
from ..._checks import known
from .monomials import Powers
from .symbol import Symbol

Terms = list[tuple[Any, Powers]]


def harmonic(omega: ArrayLike, *, hbar: ArrayLike = 1.0) -> Symbol:
    """Uncoupled oscillators, H = Σ_i ω_i α̂_i† α̂_i.

    Args:
        omega: angular frequencies, (N,), or a scalar for one mode.
        hbar: ħ, scalar.
    """
    _checks.check_real(omega, "omega")
    (rates,) = common(omega=omega)
    modes = rates.shape[0] if rates.ndim else 1
    rates = _each(rates, "omega", modes)
    return _wick([(rates[i], _power([i], [i], modes)) for i in range(modes)], hbar)


def kerr(
    U: ArrayLike,
    delta: ArrayLike = 0.0,
    *,
    b: ArrayLike | None = None,
    hbar: ArrayLike = 1.0,
) -> Symbol:
    """A Kerr oscillator, H = (U/2) α̂†² α̂² + δ α̂†α̂.

    Its anti-Wick symbol is (U/2)(|α|⁴ - 4ħ|α|² + 2ħ²) + δ(|α|² - ħ).

    Args:
        U: energy per action².
        delta: δ, angular frequency.
        b: where given, the symbol is (U/2)(|α|⁴ + b|α|²) + δ|α|² instead: b = -4ħ is
            the same operator up to a constant, b = -3ħ is that of eq. (69).
        hbar: ħ, scalar.
    """
    one_real(U=U, delta=delta, b=0.0 if b is None else b)
    quartic, number = _power([0, 0], [0, 0], 1), _power([0], [0], 1)
    if b is None:
        u, d = common(U=U, delta=delta)
        return _wick([(u / 2, quartic), (d, number)], hbar)
    u, d, linear = common(U=U, delta=delta, b=b)
    return _symbol([(u / 2, quartic), (u / 2 * linear + d, number)], "antiwick")


def cross_kerr(chi: ArrayLike, *, hbar: ArrayLike = 1.0) -> Symbol:
    """Two modes that shift each other's frequency, H = χ α̂1†α̂1 α̂2†α̂2.

    Args:
        chi: χ, energy per action².
        hbar: ħ, scalar.
    """
    one_real(chi=chi)
    (strength,) = common(chi=chi)
    return _wick([(strength, _power([0, 1], [0, 1], 2))], hbar)


def parametric_amplifier(g: ArrayLike, *, hbar: ArrayLike = 1.0) -> Symbol:
    """A degenerate parametric amplifier, H = (ig/2)(α̂†² - α̂²).

    X = Re α grows as exp(gt) and Y = Im α shrinks as exp(-gt).

    Args:
        g: gain rate, 1/time.
        hbar: ħ, scalar.

    Source: sec. V E.
    """
    one_real(g=g)
    (gain,) = common(g=g)
    return _with_conjugate([(0.5j * gain, _power([], [0, 0], 1))], hbar)


def squeezed_oscillator(
    omega: ArrayLike, zeta: ArrayLike, *, hbar: ArrayLike = 1.0
) -> Symbol:
    """A detuned amplifier of any phase, H = ω α̂†α̂ + (ζ* α̂² + ζ α̂†²)/2.

    Args:
        omega: ω, angular frequency; the motion is bounded for |ζ| < |ω|.
        zeta: ζ, complex; ζ = ig is `parametric_amplifier`, a real ζ is symmetric under
            time reversal.
        hbar: ħ, scalar.
    """
    one_real(omega=omega)
    _checks.check_shape(zeta, "zeta", ())
    rate, drive = common(omega=omega, zeta=zeta)
    pump = _with_conjugate([(drive / 2, _power([], [0, 0], 1))], hbar)
    return harmonic(rate.real, hbar=hbar) + pump


def two_mode_squeezing(g: ArrayLike, *, hbar: ArrayLike = 1.0) -> Symbol:
    """A non-degenerate parametric amplifier, H = ig (α̂1†α̂2† - α̂1α̂2).

    Args:
        g: gain rate, 1/time.
        hbar: ħ, scalar.
    """
    one_real(g=g)
    (gain,) = common(g=g)
    return _with_conjugate([(1j * gain, _power([], [0, 1], 2))], hbar)


def three_wave(g: ArrayLike, *, hbar: ArrayLike = 1.0) -> Symbol:
    """Three-wave mixing, H = g α̂1 α̂2 α̂3† + h.c.

    Args:
        g: coupling; may be complex.
        hbar: ħ, scalar.
    """
    _checks.check_shape(g, "g", ())
    (coupling,) = common(g=g)
    return _with_conjugate([(coupling, _power([0, 1], [2], 3))], hbar)


def bose_hubbard(
    J: ArrayLike,
    U: ArrayLike,
    graph: Sequence[tuple[int, int]] | np.ndarray,
    *,
    mu: ArrayLike = 0.0,
    modes: int | None = None,
    hbar: ArrayLike = 1.0,
    printed: bool = False,
) -> Symbol:
    """Bosons on a graph, H = -Σ_<ij> (J α̂_i†α̂_j + h.c.) + Σ_i (U/2) α̂_i†²α̂_i² - μ n̂_i.

    Args:
        J: hopping, scalar or one for each edge; may be complex.
        U: on-site energy, scalar or one for each site.
        graph: edges (i, j), each once, sites from 0; or a symmetric adjacency matrix.
        mu: μ, scalar or one for each site.
        modes: number of sites; None for as many as the highest site of an edge
            requires.
        printed: whether to use the symbol as printed in eqs. (68), (69), with -3ħ|α|²
            in place of -4ħ|α|²: it belongs to n², not n(n - 1), and turns each site by
            an additional angle ħUt/2.
        hbar: ħ, scalar.

    Raises:
        ValueError: no site, an edge from a site to itself or given twice, or an
            adjacency matrix that is not square and symmetric.

    Source: eq. (67).
    """
    edges, modes = _edges(graph, modes)
    for name, value in (("U", U), ("mu", mu)):
        _checks.check_real(value, name)
    hop, repel, fill = common(J=J, U=U, mu=mu)
    hopping = _each(hop, "J", len(edges))
    repulsion, potential = _each(repel, "U", modes), _each(fill, "mu", modes)
    terms: Terms = []
    for k, (i, j) in enumerate(edges):
        terms.append((-hopping[k], _power([j], [i], modes)))
        terms.append((-hopping[k].conj(), _power([i], [j], modes)))
    for i in range(modes):
        terms.append((repulsion[i] / 2, _power([i, i], [i, i], modes)))
        terms.append((-potential[i], _power([i], [i], modes)))
    symbol = _wick(terms, hbar)
    if not printed:
        return symbol
    # |α|⁴ - 3ħ|α|² + ħ² is the true symbol plus ħ|α|² - ħ², the symbol of ħ n̂.
    return symbol + _wick(
        [(repulsion[i] / 2 * hbar, _power([i], [i], modes)) for i in range(modes)],
        hbar,
    )


def two_body(V: ArrayLike, *, hbar: ArrayLike = 1.0) -> Symbol:
    """Any two-body interaction, H = (1/2) Σ_ijkl V_ijkl α̂_i† α̂_j† α̂_k α̂_l.

    Args:
        V: (N, N, N, N) in energy per action²; V_ijkl = V_lkji* once it is symmetrised
            in i, j and in k, l.
        hbar: ħ, scalar.

    Raises:
        ValueError: V does not have four equal axes, or H is known not to be Hermitian.
    """
    (tensor,) = common(V=V)
    modes = tensor.shape[0] if tensor.ndim else 0
    _checks.check_shape(tensor, "V", (max(modes, 1),) * 4)
    size = modes * modes
    # The order of i, j and of k, l does not matter to the operator.
    even = tensor + tensor.transpose(1, 0, 2, 3)
    even = (even + even.transpose(0, 1, 3, 2)) / 4
    _checks.check_hermitian(even.reshape(size, size), "V")
    places = itertools.product(range(modes), repeat=4)
    powers = [_power([k, m], [i, j], modes) for i, j, k, m in places]
    symbol = Symbol(tensor.ravel() / 2, powers, "wick")
    return symbol.to("antiwick", hbar, prune=False)


def one_real(**values: ArrayLike) -> None:
    """Raise unless each value is one real, finite number."""
    for name, value in values.items():
        _checks.check_scalar(value, name)


def common(**values: ArrayLike) -> list[Any]:
    """Arrays of one inexact dtype; Python numbers take the dtype of the arrays.

    Raises:
        ValueError: a value is not an array of finite numbers.
    """
    for name, value in values.items():
        _checks.check_finite(value, name)
    numbers = (int, float, complex)
    arrays = [v if isinstance(v, numbers) else known(v) for v in values.values()]
    kind = jnp.result_type(*arrays, 1.0)
    return [known(v).astype(kind) for v in arrays]


def _edges(
    graph: Sequence[tuple[int, int]] | np.ndarray, modes: int | None
) -> tuple[list[tuple[int, int]], int]:
    """Edges, each once, and the number of sites."""
    if isinstance(graph, np.ndarray):
        _checks.check_square(graph, "graph")
        if not np.array_equal(graph != 0, graph.T != 0) or np.any(np.diag(graph) != 0):
            raise ValueError(
                "Argument `graph` must be a symmetric matrix without a diagonal, but "
                "is not."
            )
        upper = np.argwhere(np.triu(graph) != 0)
        return [(int(i), int(j)) for i, j in upper], graph.shape[0]
    edges = [(int(i), int(j)) for i, j in graph]
    sites = 1 + max((i for edge in edges for i in edge), default=-1)
    modes = sites if modes is None else modes
    distinct = {frozenset(edge) for edge in edges}
    if any(i == j or min(i, j) < 0 for i, j in edges) or len(distinct) < len(edges):
        raise ValueError(
            "Argument `graph` must hold pairs of different sites >= 0, each pair once, "
            f"but is {edges}."
        )
    if modes < max(sites, 1):
        raise ValueError(
            f"Argument `modes` must be at least {max(sites, 1)}, but is {modes}."
        )
    return edges, modes


def _each(value: Any, name: str, count: int) -> Any:
    """One value for each of `count` things, from a scalar or a vector."""
    if value.ndim:
        _checks.check_shape(value, name, (count,))
    return value + np.zeros(count, value.dtype)


def _power(lowered: Sequence[int], raised: Sequence[int], modes: int) -> Powers:
    """Π α_i over `lowered` times Π α_j* over `raised`."""
    m = tuple(lowered.count(i) for i in range(modes))
    n = tuple(raised.count(i) for i in range(modes))
    return m, n


def _symbol(terms: Terms, ordering: str) -> Symbol:
    values, powers = zip(*terms, strict=True)
    return Symbol(values, powers, ordering)


def _wick(terms: Terms, hbar: ArrayLike) -> Symbol:
    """The anti-Wick symbol of normally ordered terms."""
    _checks.check_scalar(hbar, "hbar")
    _checks.check_not_negative(hbar, "hbar")  # 0 for the classical function
    return _symbol(terms, "wick").to("antiwick", hbar, prune=False)


def _with_conjugate(terms: Terms, hbar: ArrayLike) -> Symbol:
    """The anti-Wick symbol of normally ordered terms and their adjoints."""
    adjoint = [(c.conj(), (n, m)) for c, (m, n) in terms]
    return _wick([*terms, *adjoint], hbar)
