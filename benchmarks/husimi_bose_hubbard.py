"""Two sites of a Bose-Hubbard model in the Husimi law: value, d/dU and d/dC."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jqd.laws.husimi import Exact, HusimiFokkerPlanck, Series
from jqd.states import coherent

from . import systems
from .bose_hubbard import sites_of_dynamiqs, sites_of_qutip
from .husimi_kerr import seen_of
from .peers import by_dynamiqs, by_qutip, dynamiqs, qutip
from .timing import Goal, Report, compared, round_to

J, U = 1.0, 0.5
TEXT = "-1.0*(ad1*a2 + ad2*a1) + 0.5*U*(ad1^2*a1^2 + ad2^2*a2^2)"
ALPHA = (1.0, 0.5)
VALUE, BY_U, BY_C = "value", "d/dU", "d/dC at C = 1"
OURS = "jqd evolve"
ERROR = 1e-9
NOTE = (
    "The value is <n_1> at 20 times, to t = 2. QuTiP and dynamiqs have no C. Errors "
    "are absolute: of value and d/dU against LAPACK in NumPy (d/dU by a central "
    "difference of fourth order), of d/dC against that difference of the law with "
    "orders = 4. H is traced in jqd where it is differentiated; QuTiP takes a central "
    "difference."
)


def run(quick: bool = False) -> Report:
    """Time and error of each quantity."""
    levels, rounds = (8, 2) if quick else (12, 15)
    ts = np.linspace(0.0, 2.0, 21)
    alpha = np.multiply(ALPHA, 0.5 if quick else 1.0)
    psi0 = np.asarray(coherent(alpha, (levels, levels)))
    psi0 = psi0 / np.linalg.norm(psi0)
    report = Report(
        f"Bose-Hubbard, 2 sites x {levels} levels, <n_1> at {ts.size - 1} times",
        [],
        notes=[NOTE],
    )
    ours, references = _ours(ts, psi0), _references(ts, psi0)
    for case in (VALUE, BY_U, BY_C):
        programs = {OURS: ours[case]}
        if case != BY_C:
            programs |= _qutip(case, ts, psi0) | _dynamiqs(case, ts, psi0)

        def look(_, result, exact=references[case]):
            gap = np.max(np.abs(np.asarray(result) - exact))
            return {"error": round_to(float(gap), 2)}

        found = compared(programs, rounds, look, beside=OURS, case=case)
        report.rows += found.rows
        if case == BY_C:
            error = found.column("error")[OURS]
            report.goals.append(Goal("d/dC: error", error, 1e-8, at_least=False))
        else:
            bound = ERROR if case == VALUE else 1e-7
            best = found.fastest(("QuTiP", "dynamiqs"), bound)
            text = f"{case}: faster than the best peer with an error <= {bound:g}"
            report.goals.append(found.faster(text, 1, best, OURS, named=True))
    return report


def _law(levels: int, orders: int) -> HusimiFokkerPlanck:
    return HusimiFokkerPlanck(TEXT, form=Exact((levels, levels), Series(orders)), U=U)


def _quanta(law, ts: np.ndarray, psi0: np.ndarray):
    """<n_1> as a function of U and C."""

    def look(law, state):
        return jnp.real(law.moment(state, (1, 0), (1, 0))) - 1

    return seen_of(law, psi0, ts, look, "U", "C")


def _ours(ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    levels = psi0.shape[0]
    pure, mixed = (_quanta(_law(levels, k), ts, psi0) for k in (0, 1))
    one, strength = jnp.asarray(1.0), jnp.asarray(U)

    @jax.jit
    def value(U):
        return pure(U, one)

    @jax.jit
    def by_U(U):
        return jax.jvp(lambda U: pure(U, one), (U,), (jnp.ones_like(U),))[1]

    @jax.jit
    def by_C(C):
        # the term of first order is the whole derivative at C = 1
        return jax.jvp(lambda C: mixed(strength, C), (C,), (jnp.ones_like(C),))[1]

    return {
        VALUE: partial(value, strength),
        BY_U: partial(by_U, strength),
        BY_C: partial(by_C, one),
    }


def _references(ts: np.ndarray, psi0: np.ndarray) -> dict[str, np.ndarray]:
    levels = psi0.shape[0]
    number = np.repeat(np.arange(levels), levels)

    def quanta(U):
        H = systems.bose_hubbard(levels, J, U)
        states = systems.eigen_orbit(H, psi0.ravel(), ts[1:])
        return np.abs(states) ** 2 @ number

    solve = jax.jit(_quanta(_law(levels, 4), ts, psi0))
    by_C = systems.slope(lambda C: solve(jnp.asarray(U), jnp.asarray(C)), 1.0, 5e-4)
    return {VALUE: quanta(U), BY_U: systems.slope(quanta, U, 1e-3), BY_C: by_C}


@qutip
def _qutip(qt: Any, case: str, ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    hop, onsite, start, n = sites_of_qutip(qt, psi0)

    def solve(U, **options):
        return by_qutip(qt, hop + U * onsite, start, ts, n, **options)[0, 1:]

    def slope(**options):
        step = 1e-4
        up, down = solve(U + step, **options), solve(U - step, **options)
        return (up - down) / (2 * step)

    tight = {"method": "vern9", "rtol": 1e-10, "atol": 1e-11}
    ways = {"QuTiP diag": {"method": "diag"}, "QuTiP vern9 1e-10": tight}
    if case == VALUE:
        return {name: partial(solve, U, **way) for name, way in ways.items()}
    return {
        f"{name}, central difference": partial(slope, **way)
        for name, way in ways.items()
    }


@dynamiqs
def _dynamiqs(dq: Any, case: str, ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    hop, onsite, start, n = sites_of_dynamiqs(dq, psi0)

    def solve(U, method, gradient=None):
        way = {"method": method, "gradient": gradient}
        return by_dynamiqs(dq, hop + U * onsite, start, ts, n, **way)[0, 1:].real

    def slope(U, method, gradient=None):
        call = partial(solve, method=method, gradient=gradient)
        return jax.jvp(call, (U,), (jnp.ones_like(U),))[1]

    strength, expm = jnp.asarray(U), dq.method.Expm()
    tight = dq.method.Dopri8(rtol=1e-11, atol=1e-12)
    forward = partial(slope, method=tight, gradient=dq.gradient.Forward())
    if case == VALUE:
        return {
            "dynamiqs Expm": partial(solve, strength, expm),
            "dynamiqs Dopri8 1e-11": partial(solve, strength, tight),
        }
    direct = jax.jit(partial(slope, method=expm))
    return {
        "dynamiqs Expm, Direct": partial(direct, strength),
        "dynamiqs Dopri8 1e-11, Forward": partial(jax.jit(forward), strength),
    }
