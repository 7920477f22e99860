"""Long chains near C = 1, by matrix products."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Int

from ... import _checks
from ..._math import abs2
from ...spaces.symbols import Symbol
from ...spaces.symbols.monomials import format_monomial
from ...states import read_powers
from ...status import Status
from .form import Powers
from .law import HusimiFokkerPlanck
from .matrix_products import (
    Gates,
    Limits,
    MatrixProduct,
    Readings,
    follow,
    quimb_tensor,
)
from .occupations import moved_quanta
from .starts import FirstOrder, ProductKets, PSamples, product_start, read_product

# Factor by which half the step reduces an error of fourth order.
_HALVED = 1 / 16


class ChainMoments(eqx.Module):
    """Moments of a chain at each time, and estimates of their errors.

    Attributes:
        ts: times, (T,).
        values: ∫ Π_i α_i^m_i α_i*^n_i Q d²ᴹα, (T, moments), complex.
        stderr: standard errors of `values` by sampling, likewise; None where no kets
            were drawn.
        error: of `values` by steps and splits, likewise: the change of the mean of one
            ket, that with the largest initial Σ_i <n_i²>, when the step is halved.
        bond: largest bond dimension of a ket so far, (T,).
        left_out: share of the kets' norms that levels and bonds have left out, (T,). A
            mean number of quanta misses several times as much.
        top_share: largest share of a site of a ket in the highest level kept of it,
            (T,).
        status: code of `jqd.Status`, (T,): `CUTOFF` where `left_out` or `top_share` is
            above the tolerance, `INACCURATE` where `error` is as large as the largest
            value.
    """

    ts: Float[Array, " T"]
    values: Complex[Array, "T moments"]
    stderr: Float[Array, "T moments"] | None
    error: Float[Array, "T moments"]
    bond: Int[Array, " T"]
    left_out: Float[Array, " T"]
    top_share: Float[Array, " T"]
    status: Int[Array, " T"]

    def describe(self) -> str:
        """The status at the last time in words, and the largest known errors."""
        text = [
            Status(int(self.status[-1])).sentence,
            f"Bonds reach {int(self.bond[-1])};",
            f"{float(jnp.max(self.left_out)):.1e} of the norm is left out, a site has",
            f"at most {float(jnp.max(self.top_share)):.1e} in its highest level.",
            f"Integration error (steps, splits): {float(jnp.max(self.error)):.1e}.",
        ]
        if self.stderr is not None:
            largest = float(jnp.max(self.stderr))
            text.append(f"Standard error of the means: {largest:.1e}.")
        return " ".join(text)


class _Chain(NamedTuple):
    """H as bonds, and moments as operators, both at ħ_eff."""

    gates: Gates
    operators: list[dict[int, Symbol]]
    hbar: float


def chain_moments(
    law: HusimiFokkerPlanck,
    psi: Any,
    ts: ArrayLike,
    moments: Sequence[tuple[Powers, Powers]] | None = None,
    *,
    step: float,
    bond: int = 64,
    cutoff: float = 1e-10,
    levels: int = 20,
    tolerance: float = 1e-5,
) -> ChainMoments:
    """Moments of a chain of many sites, each ket of the law's form a matrix product.

    iħ_eff d|k>/dt = Σ_i H_i |k>,  ρ = Σ_k w_k |k><k|,  ħ_eff = Cħ

    with H_i of sites i and i+1, in steps of fourth order on even and odd bonds in turn
    (TEBD). The kets are those of the start `FirstOrder`, M+1 of them near C = 1 on
    either side, or of `PSamples`, C < 1; the basis of the form is not used. All kets
    begin as products: bond dimensions grow only with time and only where there are
    quanta, and sites keep as many levels as they fill. Runs in NumPy, outside of
    `jax.jit`, and needs `pip install "jqd[mps]"`.

    Args:
        law: its start `FirstOrder` or `PSamples`; H of terms of one site and of
            neighbours, with open ends and constant in time, that conserves the number
            of quanta.
        psi: coherent or thermal modes, as for the form.
        ts: increasing times, (T,); `psi` is at the first.
        moments: ((m_1, .., m_M), (n_1, .., n_M)) of each; None for <|α_i|²> of each
            site.
        step: largest time step.
        bond: largest bond dimension.
        cutoff: probability that may be left out of a ket where two sites are split;
            means are off by about its square root.
        levels: largest number of levels of a site.
        tolerance: above which `left_out` and `top_share` set the status.

    Raises:
        ValueError: another form, H no chain or driven, arguments that are traced, C
            outside the form's window, bad sizes, 64-bit floats switched off.
        ImportError: quimb is missing.

    Source: G. Vidal, Phys. Rev. Lett. 91, 147902 (2003); S. Blanes and P. C. Moan, J.
    Comput. Appl. Math. 142, 313 (2002), for the steps.
    """
    _checks.require_x64("chain_moments")
    kind, equation = _check_law(law, psi), law.equation
    _checks.check_times(ts)
    _checks.check_scalar(step, "step")
    _checks.check_all_positive(step=step, cutoff=cutoff, tolerance=tolerance)
    limits = Limits(
        _checks.whole_number(bond, "bond", 1),
        float(cutoff),
        _checks.whole_number(levels, "levels", 2, 64),
    )
    hbar = float(np.asarray(equation.hbar_eff))
    operators = _operators(moments, equation.modes)
    chain = _Chain(Gates(_bonds(equation.symbol), hbar), operators, hbar)
    start = product_start(read_product(psi, equation), equation)
    kets = _that_count(kind.kets(equation, start, limits.levels))
    quimb_tensor()  # raises where it is missing, after what is wrong with arguments
    times = np.asarray(ts, float)
    counts = [math.ceil(gap / step - 1e-9) for gap in np.diff(times)]
    readings = _follow(chain, kets, times, counts, limits)
    error = _step_error(chain, kets, times, counts, limits, readings)
    return _collect(kets, times, readings, error, tolerance)


def _that_count(kets: ProductKets) -> ProductKets:
    """Without kets of no weight, as those of raised modes at C = 1."""
    if kets.normals is not None:
        return kets
    heavy = np.flatnonzero(np.abs(kets.weights) > 64 * np.finfo(float).eps)
    return ProductKets(kets.tables[heavy], kets.weights[heavy])


def _follow(
    chain: _Chain,
    kets: ProductKets,
    ts: np.ndarray,
    counts: list[int],
    limits: Limits,
) -> Readings:
    """Readings of all kets, (K, T, ..)."""
    each = [
        follow(
            MatrixProduct(table, chain.gates, limits),
            ts, counts, chain.operators, chain.hbar,
        )
        for table in np.asarray(kets.tables)
    ]  # fmt: skip
    return Readings(*map(np.stack, zip(*each, strict=True)))


def _step_error(
    chain: _Chain,
    kets: ProductKets,
    ts: np.ndarray,
    counts: list[int],
    limits: Limits,
    readings: Readings,
) -> np.ndarray:
    """That of one ket, times Σ_k |w_k|."""
    tables = np.asarray(kets.tables)
    squares = abs2(tables) @ np.arange(tables.shape[-1]) ** 2
    k = int(np.argmax(squares.sum(axis=1)))
    one = ProductKets(kets.tables[k : k + 1], kets.weights[k : k + 1])
    half = _follow(chain, one, ts, [2 * n for n in counts], limits)
    change = np.abs(half.means[0] - readings.means[k]) / (1 - _HALVED)
    return change * np.sum(np.abs(kets.weights))


def _collect(
    kets: ProductKets,
    ts: np.ndarray,
    readings: Readings,
    error: np.ndarray,
    tolerance: float,
) -> ChainMoments:
    values, stderr = np.zeros(error.shape, complex), np.zeros(error.shape)
    for place in np.ndindex(*error.shape):
        mean, scatter = kets.average(jnp.asarray(readings.means[:, *place]))
        values[place] = mean
        stderr[place] = 0.0 if scatter is None else scatter
    lost = np.abs(np.asarray(kets.weights)) @ np.abs(1 - readings.norm2)
    top = readings.top.max(axis=0)
    cut = np.maximum(lost, top) > tolerance
    rough = error.max(axis=1) >= np.abs(values).max(axis=1)
    status = np.where(cut, Status.CUTOFF, np.where(rough, Status.INACCURATE, Status.OK))
    return ChainMoments(
        ts=jnp.asarray(ts),
        values=jnp.asarray(values),
        stderr=None if kets.normals is None else jnp.asarray(stderr),
        error=jnp.asarray(error),
        bond=jnp.asarray(readings.bond.max(axis=0)),
        left_out=jnp.asarray(lost),
        top_share=jnp.asarray(top),
        status=jnp.asarray(status),
    )


def _check_law(law: Any, psi: Any) -> FirstOrder | PSamples:
    """The start of a law that can be followed here."""
    if not isinstance(law, HusimiFokkerPlanck):
        raise ValueError(
            "Argument `law` must be a HusimiFokkerPlanck, but is of type "
            f"{type(law).__name__}."
        )
    start = getattr(law.form, "start", None)
    if not isinstance(start, FirstOrder | PSamples):
        form, kind = type(law.form).__name__, type(start).__name__
        raise ValueError(
            "Argument `law` must have the start `FirstOrder` or `PSamples`, whose kets "
            "start as products, but has the form "
            f"{form if start is None else f'{form} with {kind}'}."
        )
    if law.modes < 2:
        raise ValueError(
            f"Argument `law` must have at least 2 modes, but has {law.modes}."
        )
    if law.equation.driven:
        raise ValueError(
            "Argument `law` must have a Hamiltonian that is constant in time, but is "
            "driven."
        )
    moving = moved_quanta(law.equation.symbol)
    if moving is not None:
        raise ValueError(
            "Argument `law` must have a Hamiltonian that conserves the number of "
            f"quanta, but has the term {moving}."
        )
    if not _checks.is_concrete((law, psi)):
        raise ValueError(
            "Argument `law` must have values that are known, as `psi` must, but one "
            "is traced: matrix products run outside of `jax.jit`."
        )
    return start


def _bonds(symbol: Symbol) -> list[Symbol]:
    """H as a sum over pairs of neighbours; terms of a site go half to each of its two.

    Raises:
        ValueError: a term of sites that are no neighbours.
    """
    modes = symbol.modes
    none = ((0, 0), (0, 0))
    bonds: list[dict[Any, complex]] = [{none: 0.0} for _ in range(modes - 1)]
    symbol = symbol.pruned()
    coefficients = np.asarray(symbol.coefficients)
    for value, (m, n) in zip(coefficients, symbol.powers, strict=True):
        sites = np.flatnonzero(np.add(m, n))
        if sites.size == 0:
            continue  # a phase of the whole ket
        first, last = int(sites[0]), int(sites[-1])
        if last > first + 1:
            raise ValueError(
                "Argument `law` must have a Hamiltonian of terms of one site or of two "
                f"neighbours, but has the term {format_monomial((m, n))}."
            )
        owners = [first] if last > first else [first - 1, first]
        owners = [i for i in owners if 0 <= i < modes - 1]
        for i in owners:
            power = (m[i : i + 2], n[i : i + 2])
            bonds[i][power] = bonds[i].get(power, 0.0) + complex(value) / len(owners)
    return [Symbol.from_terms(terms) for terms in bonds]


def _operators(moments: Any, modes: int) -> list[dict[int, Symbol]]:
    """α_i^m_i α_i*^n_i of each site in turn, for each moment."""
    if moments is None:
        units = np.eye(modes, dtype=int).tolist()
        moments = [(unit, unit) for unit in units]
    if not isinstance(moments, Sequence) or len(moments) == 0:
        raise ValueError(
            "Argument `moments` must be pairs of powers (m, n), at least one, but is "
            f"{_checks.shown(moments)}."
        )
    result = []
    for pair in moments:
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(
                f"Argument `moments` must be pairs of powers (m, n), but has {pair!r}."
            )
        m, n = (read_powers(part, "moments", modes) for part in pair)
        sites = np.flatnonzero(np.add(m, n))
        result.append({int(i): Symbol([1.0], [((m[i],), (n[i],))]) for i in sites})
    return result
