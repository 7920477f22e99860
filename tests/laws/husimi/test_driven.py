"""Hamiltonians that change in time under the Husimi law."""

import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants
from jqd.laws.husimi import (
    Exact,
    Fock,
    GaussianForm,
    GaussianSum,
    HusimiFokkerPlanck,
    Levels,
    Series,
)
from jqd.spaces import Driven
from jqd.spaces.symbols import Symbol, kerr
from jqd.steppers import cf4

from .generic import assert_slopes

ALPHA, POINTS, TS = 0.6 - 0.4j, jnp.asarray([0.3 + 0.5j, -0.8j]), jnp.asarray([0, 1.5])
TEXT = "0.5*ad^2*a^2 + drive(t)*(a + ad) + pump(t)*(a^2 + ad^2)"


def drive(t):
    return 0.5 * jnp.cos(1.7 * t)


def pump(t):
    return 0.1 * jnp.sin(2 * t)


def law_of(C, form=None, text=TEXT, **values):
    form = form or Exact(50, Series(30))
    values = {"drive": drive, "pump": pump} | values
    return HusimiFokkerPlanck(text, C, points=POINTS, form=form, **values)


def at_the_end(law, method=None, psi=None):
    psi = jqd.states.coherent(ALPHA, 24) if psi is None else psi
    run = jqd.evolve(
        law, law.prepare(psi), TS, method=method,
        observe=lambda t, s: (law.density(s), law.moment(s, 1, 0)),
    )  # fmt: skip
    assert bool(run.ok), run.describe()
    return tuple(np.asarray(value[-1]) for value in run.values)


TIGHT = jqd.Adaptive(rtol=1e-11, atol=1e-13)
FINE = jqd.Fixed(cf4, 80, estimate_error=False)  # 1e-11 from the exact run


@pytest.mark.slow
def test_driven_kerr():
    Q, mean = at_the_end(law_of(0.9), FINE)
    # eight digits are known of Q; two methods agree on the mean to 1e-10
    np.testing.assert_allclose(Q, [0.10835371, 0.22784438], atol=2e-8)
    assert mean == pytest.approx(0.0135232242 - 0.3840487661j, abs=1e-8)
    _, mean = at_the_end(law_of(1.15), FINE)
    assert mean == pytest.approx(-0.1701845422 - 0.5347825751j, abs=1e-8)


@pytest.mark.slow
def test_the_series_in_the_number_basis_agrees():
    """Form `Fock` takes another path at C = 0.9: a superoperator at ħ."""
    Q, mean = at_the_end(law_of(0.9, Fock(36)), TIGHT)
    np.testing.assert_allclose(Q, [0.10835371, 0.22784438], atol=2e-8)
    assert mean == pytest.approx(0.0135232242 - 0.3840487661j, abs=1e-8)


@pytest.mark.slow
def test_steps_are_of_fourth_order():
    law, errors = law_of(0.9), []
    exact, _ = at_the_end(law, jqd.Fixed(cf4, 160, estimate_error=False))
    assert law.stepper is cf4
    for steps in (5, 10, 20, 40):
        method = jqd.Fixed(law.stepper, steps, estimate_error=False)
        Q, _ = at_the_end(law, method)
        errors.append(np.max(np.abs(Q - exact)))
    assert errors[1] / errors[2] == pytest.approx(16, abs=2)
    np.testing.assert_allclose(errors, [9.4e-7, 5.7e-8, 3.5e-9, 2.2e-10], rtol=0.05)


def test_the_series_on_kets_agrees(monkeypatch):
    """Beyond the largest matrix the exponential is a series on the kets."""
    monkeypatch.setattr("jqd.laws.husimi.levels.LARGEST_DENSE", 4)
    law = law_of(0.9, Exact(24, Series(12)))
    Q, _ = at_the_end(law, jqd.Fixed(law.stepper, 300))
    np.testing.assert_allclose(Q, [0.10835371, 0.22784438], atol=2e-8)


def test_chebyshev_polynomials_agree():
    method = jqd.Fixed(cf4, 80, estimate_error=False)
    expected = at_the_end(law_of(0.9), method)
    found = at_the_end(law_of(0.9, Exact(Levels(50, 40), Series(30))), method)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-13)  # rounding
    np.testing.assert_allclose(found[1], expected[1], atol=1e-13)


def test_polynomials_go_beyond_the_largest_matrix(monkeypatch):
    law = law_of(0.9, Exact(Levels(24, 16), Series(12)))
    method = jqd.Fixed(cf4, 80, estimate_error=False)
    expected = at_the_end(law, method)
    monkeypatch.setattr("jqd.laws.husimi.levels.LARGEST_DENSE", 4)
    monkeypatch.setattr("jqd.laws.husimi.form.exponential", None)  # is not asked
    for found, one in zip(at_the_end(law, method), expected, strict=True):
        np.testing.assert_array_equal(found, one)


def test_too_few_polynomials_are_a_status():
    law = law_of(0.9, Exact(Levels(50, 12), Series(30)))
    method = jqd.Fixed(cf4, 20, estimate_error=False)
    start = law.prepare(jqd.states.coherent(ALPHA, 24))
    run = jqd.evolve(law, start, TS, method=method)
    assert int(run.status) == jqd.Status.NON_FINITE
    with pytest.raises(ValueError, match="`terms` must be"):
        law_of(0.9, Exact(Levels(50, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.7, 1.4, -0.5])
def test_a_linear_drive_displaces_at_every_C(C):
    """μ(t) = μ₀ e^(-iωt) - i∫e^(-iω(t-s)) f(s) ds, Σ stays; C does not matter."""
    law = HusimiFokkerPlanck(
        "0.8*n + f(t)*(a + ad)", C, form=GaussianForm(), f=lambda t: jnp.exp(-t)
    )
    start = law.prepare(GaussianSum.coherent(ALPHA))
    run = jqd.evolve(law, start, TS, method=TIGHT)
    mean = run.values.means[-1, 0]
    z = -1j * (np.exp(-1.5) - np.exp(-1.2j)) / (0.8j - 1)
    expected = ALPHA * np.exp(-1.2j) + z
    assert complex(mean[0] + 1j * mean[1]) == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(run.values.covariance[-1], np.eye(2) / 2, atol=1e-9)


@pytest.mark.slow
def test_symbols_lists_and_qutip_say_the_same():
    qutip = pytest.importorskip("qutip")
    a = qutip.destroy(20)
    pushed = Symbol([1.0, 1.0], [((1,), (0,)), ((0,), (1,))])
    squeezed = Symbol([1.0, 1.0], [((2,), (0,)), ((0,), (2,))])
    numbers = 0.5 * a.dag() ** 2 * a**2
    samples, form = np.linspace(0, 1.5, 151), Exact(24, Series(6))
    given = {
        "parts": Driven(
            kerr(1.0), {"f": pushed, "g": squeezed}, {"f": drive, "g": pump}
        ),
        "list": [kerr(1.0), [pushed, drive], [squeezed, pump]],
        "operators": [numbers, [a + a.dag(), drive], [a**2 + a.dag() ** 2, pump]],
        "table": [
            numbers,
            [a + a.dag(), jqd.spaces.sampled_pulse(samples, drive(samples))],
            [a**2 + a.dag() ** 2, jqd.spaces.sampled_pulse(samples, pump(samples))],
        ],
    }
    step = jqd.Fixed(cf4, 20, estimate_error=False)
    Q, _ = at_the_end(law_of(0.9, form), step)
    for name, hamiltonian in given.items():
        law = HusimiFokkerPlanck(hamiltonian, 0.9, points=POINTS, form=form)
        values, _ = at_the_end(law, step)
        # 20 steps are off by 4e-9, the spline of a table by less
        close = 2e-8 if name == "table" else 1e-13
        np.testing.assert_allclose(values, Q, atol=close, err_msg=name)


@pytest.mark.slow
def test_qutips_time_dependent_operators():
    qutip = pytest.importorskip("qutip")
    a = qutip.destroy(20)
    H = qutip.QobjEvo(
        [0.5 * a.dag() ** 2 * a**2, [a + a.dag(), lambda t: 0.5 * np.cos(1.7 * t)],
         [a**2 + a.dag() ** 2, lambda t: 0.1 * np.sin(2 * t)]]
    )  # fmt: skip
    law = HusimiFokkerPlanck(H, 0.9, points=POINTS, form=Exact(50, Series(30)))
    Q, _ = at_the_end(law, jqd.Fixed(cf4, 20))
    expected, _ = at_the_end(law_of(0.9), jqd.Fixed(cf4, 20))
    np.testing.assert_allclose(Q, expected, atol=1e-13)  # rounding


def gaussian(t, area, width):
    return area * jnp.exp(-((t - 0.7) ** 2) / (2 * width**2))


def pulsed(C, area, width, U=1.0):
    made = jqd.pulse(gaussian, area=area, width=width)
    return HusimiFokkerPlanck(
        "0.5*U*ad^2*a^2 + drive(t)*(a + ad)", C, points=POINTS, drive=made, U=U,
        form=Exact(30, Series(12)),
    )  # fmt: skip


@pytest.mark.slow
def test_derivatives_by_C_and_by_the_pulse():
    """Forward, reverse and differences of C and the parameters of a pulse."""
    state = jqd.states.coherent(ALPHA, 16)

    def value(x):
        law = pulsed(*x)
        start = law.prepare(law.admit(state))
        method = jqd.Fixed(cf4, 12, estimate_error=False)
        return jqd.evolve(law, start, TS, method=method, observe="density").values[-1]

    assert_slopes(value, jnp.asarray([0.97, 0.8, 0.3]), 1e-4)


@pytest.mark.slow
def test_C_and_a_pulse_are_recovered():
    """From values of an independent integrator: kets of SciPy at C = 1."""
    from scipy.integrate import solve_ivp

    n = np.arange(32)
    lower = np.diag(np.sqrt(n[1:]), 1)
    numbers = np.diag(0.5 * n * (n - 1))

    def field(t, psi):
        f = 0.8 * np.exp(-((t - 0.7) ** 2) / (2 * 0.3**2))
        return -1j * (numbers @ psi + f * ((lower + lower.T) @ psi))

    ts = np.linspace(0, 2, 9)
    start = np.asarray(jqd.states.coherent(ALPHA, 32))
    run = solve_ivp(field, (0, 2), start, "DOP853", ts, rtol=1e-12, atol=1e-14)
    x = np.linspace(-1.5, 1.5, 4)
    points = (x[:, None] + 1j * x[None, :]).ravel()
    kets = np.stack([jqd.states.husimi(psi, points) for psi in run.y.T])
    law = HusimiFokkerPlanck(
        "0.5*U*ad^2*a^2 + drive(t)*(a + ad)", 0.95, points=points, U=1.0,
        drive=jqd.pulse(gaussian, area=0.7, width=0.33), form=Exact(28, Series(6)),
    )  # fmt: skip
    assert constants.names(law)[-3:] == ("U", "area", "width")
    found = jqd.recover(
        law, (ts, kets), psi0=jqd.states.coherent(ALPHA, 20), search=None, starts=1,
        free=("C", "drive.area", "width"), start={"C": 0.95}, held_out=0.0,
    )  # fmt: skip
    assert found.status == "converged"
    assert found.constants["C"].value == pytest.approx(1, abs=1e-7)
    assert found.constants["drive.area"].value == pytest.approx(0.8, abs=1e-7)
    assert found.constants["width"].value == pytest.approx(0.3, abs=1e-7)


def test_a_drive_leaves_no_invariant_but_the_norm():
    law = law_of(0.9)
    state = law.prepare(jqd.states.coherent(ALPHA, 24))
    assert set(law.invariants(state)) == {"norm"}
    assert not law.solvable
    square = jqd.spaces.named_pulse("square", height=0.3, start=0.2, end=0.9)
    assert law_of(0.9, drive=square).breaks().jumps.tolist() == [0.2, 0.9]


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        (TEXT, {"drive": 0.3}, "Argument `pulse` must be a function of time"),
        (TEXT, {"drive": lambda t: 1j * t}, "Argument `pulse` must be real"),
        (TEXT, {"drive": lambda t: jnp.nan * t}, "Argument `pulse` must be finite"),
        ("f*(a+ad)", {"f": drive}, "`f` must be a number for the parameter f"),
        ("f(t)*(a+ad) + f*n", {"f": drive}, "write a pulse with its time"),
        ("f(t)*a", {"f": drive}, "must be Hermitian"),
        ("f(t)*g(t)*n", {"f": drive, "g": drive}, "be linear in its parameters"),
        ("f(t)*n", {}, "must have a value for each"),
        ("n(t)*a", {}, "have an operator such as"),
        ("f(t)*q^3", {"f": drive}, "at most two powers of α"),
    ],
)
def test_what_is_refused(text, values, message):
    with pytest.raises(ValueError, match="Argument") as refused:
        HusimiFokkerPlanck(text, **values)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_time_is_asked_for():
    law = law_of(0.9)
    with pytest.raises(ValueError, match="`t` must be given"):
        law.hamiltonian.at()
    assert law.symbol == law.hamiltonian.outline()
