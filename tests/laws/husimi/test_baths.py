"""Loss, gain, temperature and dephasing under the Husimi law, at every C."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import jqd
from jqd import constants
from jqd.laws.husimi import (
    Bath,
    Exact,
    Fock,
    GaussianForm,
    GaussianSum,
    HusimiFokkerPlanck,
    Sectors,
    Series,
)
from jqd.spaces.symbols import bose_hubbard
from jqd.steppers import taylor18

from .generic import assert_slopes

KERR, ALPHA = "0.5*ad^2*a^2", 1.2 + 0.5j
POINTS, TS = jnp.asarray([0.7 - 0.3j, 0.2 + 0.5j]), jnp.asarray([0.0, 0.8])
WARM = Bath(0.36, gain=0.06, dephasing=0.1)


def at_the_end(law, psi=None, method=None, ts=TS):
    psi = jqd.states.coherent(ALPHA, 36) if psi is None else psi

    def observe(t, state):
        quanta = jnp.real(law.moment(state, 1, 1))
        return law.density(state), law.moment(state, 1, 0), quanta

    run = jqd.evolve(law, law.prepare(psi), ts, method=method, observe=observe)
    assert bool(run.ok), run.describe()
    return tuple(np.asarray(value[-1]) for value in run.values)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("bath", "C", "Q", "mean", "close"),
    [
        (WARM, 0.8, [0.184902851365, 0.136640451155],
         0.496872994897 - 0.343654612462j, 1e-10),
        (WARM, 1.2, [0.210888715943, 0.092182629903],
         0.566426197406 - 0.607606340924j, 1e-10),
        # beyond a vacuum bath's C = 1: no Lindblad equation, and well posed
        (Bath(0.4), 1.5, [0.203385754586, 0.070184969670], None, 1e-9),
        (Bath(0.2, gain=0.35), 0.8, [0.131747293505, 0.097085424252],
         0.381111364963 - 0.454218615799j, 1e-10),
    ],
)  # fmt: skip
def test_open_kerr(bath, C, Q, mean, close):
    """Twelve digits of a closed form."""
    law = HusimiFokkerPlanck(KERR, C, points=POINTS, bath=bath, form=Exact(48))
    values, amplitude, quanta = at_the_end(law)
    np.testing.assert_allclose(values, Q, rtol=0, atol=close)
    if mean is not None:
        assert complex(amplitude) == pytest.approx(mean, abs=1e-10)
    if bath is WARM:
        # the energy does not know of C
        assert quanta == pytest.approx(2.37207551299, abs=1e-9)


@pytest.mark.parametrize(
    "bath",
    [
        WARM,
        Bath(0.5),
        Bath(),
        Bath(gain=0.2),
        Bath(0.5, gain=0.5),  # c² = 4DG on the main diagonal: φ = 0
    ],
)
@pytest.mark.parametrize("text", ["0.5*ad^2*a^2", "0.3*n + 0.4*n^2"])
def test_the_ladder_of_a_diagonal_agrees_with_scipy(bath, text):
    """exp(Lt) of Lindblad's equation with 1.3 times as many levels, by SciPy."""
    levels, more, times = 12, 16, [0.2, 0.25, 1.2]
    law = HusimiFokkerPlanck(text, form=Exact(levels), bath=bath)
    psi = jqd.states.coherent(0.2 + 0.1j, 8)
    rho0 = law.prepare(psi)
    states, bound = law.form.orbit(law.equation, rho0, jnp.asarray([0.1, *times]))
    a = np.diag(np.sqrt(np.arange(1, more)), 1)
    n, one = a.T @ a, np.eye(more)
    energy = 0.5 * (n @ n - n) if "ad" in text else 0.3 * n + 0.4 * n @ n
    down, up, blur = map(float, bath.rates())
    whole = -1j * (np.kron(energy, one) - np.kron(one, energy))
    for rate, jump in ((down, a), (up, a.T), (blur, n)):
        square = jump.T @ jump
        whole = whole + rate * np.kron(jump, jump)
        whole = whole - rate / 2 * (np.kron(square, one) + np.kron(one, square))
    first = np.zeros((more, more), complex)
    first[:levels, :levels] = rho0
    for t, found in zip(times, states[1:], strict=True):
        known = (scipy.linalg.expm(whole * (t - 0.1)) @ first.ravel()).reshape(
            more, more
        )
        # six quanta: what comes back from beyond the highest level is below rounding
        np.testing.assert_allclose(found[:6, :6], known[:6, :6], atol=3e-9)
    assert np.all(np.asarray(bound) < 1e-12)


def test_slopes_of_the_ladder_at_rates_of_zero():
    """d/dγ at γ = 0, forward and reverse, against a difference."""
    psi, ts = jqd.states.coherent(0.3, 6), jnp.asarray([0.0, 0.7])

    def quanta(gamma):
        law = HusimiFokkerPlanck(KERR, form=Exact(8), bath=Bath(gamma))
        states, _ = law.form.orbit(law.equation, law.prepare(psi), ts)
        return jnp.real(states[-1, 0, 1] + states[-1, 1, 1])

    step = 1e-6  # its square, the error of the difference, is below rounding/step
    slope = (-3 * quanta(0.0) + 4 * quanta(step) - quanta(2 * step)) / (2 * step)
    for derivative in (jax.jacfwd, jax.grad):
        assert float(derivative(quanta)(0.0)) == pytest.approx(float(slope), abs=1e-8)


@pytest.mark.slow
def test_steps_agree_with_diagonals():
    """Steps of the whole matrix, and each diagonal in closed form."""
    law = HusimiFokkerPlanck(KERR, 1.2, points=POINTS, bath=WARM, form=Exact(30))
    psi = jqd.states.coherent(0.5, 16)
    exact, *_ = at_the_end(law, psi)
    stepped, *_ = at_the_end(law, psi, jqd.Fixed(law.stepper, 60))
    np.testing.assert_allclose(stepped, exact, atol=1e-12)  # rounding of 60 steps
    # unequal gaps
    uneven, *_ = at_the_end(law, psi, ts=jnp.asarray([0.0, 0.1, 0.15, 0.8]))
    np.testing.assert_allclose(uneven, exact, atol=1e-12)


@pytest.mark.slow
def test_a_superoperator_at_hbar_agrees():
    """The same equation without ħ_eff: form `Fock` keeps the bath as it is."""
    # a Taylor series of order 18, whose steps turn the fastest entry by 2
    step = jqd.Fixed(taylor18, 250, estimate_error=False)
    psi = jqd.states.coherent(0.5, 16)
    for C in (0.8, 1.2):
        laws = [
            HusimiFokkerPlanck(KERR, C, points=POINTS, bath=WARM, form=form)
            for form in (Exact(30), Fock(30))
        ]
        one, other = (at_the_end(law, psi, step) for law in laws)
        np.testing.assert_allclose(one[0], other[0], atol=1e-9)


@pytest.mark.slow
def test_in_a_bath_of_no_rates_it_is_that_of_kets():
    law = HusimiFokkerPlanck(KERR, 0.9, points=POINTS, form=Exact(40), bath=Bath())
    kets = HusimiFokkerPlanck(KERR, 0.9, points=POINTS, form=Exact(40))
    for one, other in zip(at_the_end(law), at_the_end(kets), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)  # rounding


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.7, 1.0, 1.6])
def test_gaussians_in_a_bath(C):
    """A damped, driven, squeezed oscillator, by its covariance and by its matrix."""
    text, bath = "0.6*n + 0.2*q^2 + 0.3*q", Bath(0.5, 0.4, gain=0.1)
    point = POINTS[:1]
    state = GaussianSum.coherent(0.4)
    gauss = HusimiFokkerPlanck(text, C, points=point, bath=bath, form=GaussianForm())
    run = jqd.evolve(gauss, gauss.prepare(state), TS, observe="density")
    stepped = jqd.evolve(
        gauss, gauss.prepare(state), TS, method=jqd.Fixed(jqd.steppers.rk4, 400),
        observe="density",
    )  # fmt: skip
    np.testing.assert_allclose(run.values, stepped.values, atol=1e-11)
    full = HusimiFokkerPlanck(text, C, points=point, bath=bath, form=Exact(34))
    Q, *_ = at_the_end(full, jqd.states.coherent(0.4, 12), jqd.Adaptive(rtol=1e-10))
    np.testing.assert_allclose(run.values[-1], Q, atol=1e-8)  # of the cut-off


@pytest.mark.slow
def test_two_modes_in_baths_of_their_own():
    """Two uncoupled modes are two runs of one."""
    bath = Bath(jnp.asarray([0.4, 0.1]), jnp.asarray([0.0, 0.3]))
    pair = HusimiFokkerPlanck(
        "0.5*ad1^2*a1^2 + 0.3*n2", 0.95, bath=bath, form=Exact(12, Series(8))
    )
    psi = jqd.states.coherent(jnp.asarray([0.4, 0.2]), (10, 10))
    run = jqd.evolve(
        pair, pair.prepare(psi), TS, method=jqd.Fixed(pair.stepper, 60),
        observe=lambda t, s: pair.moment(s, (1, 0), (0, 0)),
    )  # fmt: skip
    one = HusimiFokkerPlanck(
        KERR, 0.95, points=POINTS, bath=Bath(0.4), form=Exact(12, Series(8))
    )
    _, mean, _ = at_the_end(one, jqd.states.coherent(0.4, 10))
    # what 12 levels and 8 orders cut off
    assert complex(run.values[-1]) == pytest.approx(complex(mean), abs=1e-7)


@pytest.mark.slow
def test_the_bath_hides_C_at_last():
    """exp(-|α|²/(n̄+1))/(π(n̄+1)) for every C, where H conserves quanta."""
    ts = jnp.asarray([0.0, 60.0])
    for C in (0.8, 1.1):
        bath = Bath(0.5, 0.4)
        law = HusimiFokkerPlanck(KERR, C, points=POINTS, bath=bath, form=Exact(56))
        Q, *_ = at_the_end(law, jqd.states.coherent(0.3, 12), ts=ts)
        expected = np.exp(-(np.abs(POINTS) ** 2) / 1.4) / (1.4 * np.pi)
        # what is left of the start after exp(-15), and beyond 56 levels
        np.testing.assert_allclose(Q, expected, atol=1e-8)


def test_quanta_of_the_bath_at_hbar_eff():
    rates = Bath(1.0, 0.2).at(1.2).rates()
    assert float(rates.up) == pytest.approx(0, abs=1e-12)
    assert float(rates.down - rates.up) == pytest.approx(1, abs=1e-12)
    legal, posed = Bath(1.0, 0.2).largest_C()
    assert (float(legal), float(posed)) == pytest.approx((1.2, 2.4), abs=1e-12)
    assert np.isinf(Bath(0.2, gain=0.35).largest_C()[1])


def test_a_fit_stays_where_bath_and_state_have_solutions():
    """A start of 3 quanta has C < 8, a bath without any C < 2."""
    hot = jqd.states.GaussianState(0.5, nbar=3.0)
    for bath, end in ((None, 8.0), (Bath(0.1), 2.0), (Bath(0.1, 5.0), 8.0)):
        law = jqd.HusimiFokkerPlanck("ad^2*a^2", bath=bath)
        low, high = law.fits().limits(hot)["C"]
        assert 0 < low < 1e-5
        assert float(high) == pytest.approx(end, rel=2e-6)


def test_rates_are_constants_with_bounds():
    law = HusimiFokkerPlanck("0.5*U*ad^2*a^2", U=1.0, bath=Bath(0.2, 0.1))
    assert isinstance(law.form, Exact)
    assert {"gamma", "nbar", "gain", "dephasing"} < set(constants.names(law))
    assert constants.bounds(law, "gamma") == (0, np.inf)
    assert set(law.invariants(law.prepare(jqd.states.coherent(0.3, 9)))) == {"norm"}


@pytest.mark.slow
def test_derivatives_by_C_and_rates():
    psi = jqd.states.coherent(0.5, 10)

    def value(x):
        C, gamma, nbar, dephasing = x
        law = HusimiFokkerPlanck(
            KERR, C, points=POINTS, bath=Bath(gamma, nbar, dephasing=dephasing),
            form=Exact(16, Series(10)),
        )  # fmt: skip
        run = jqd.evolve(law, law.prepare(law.admit(psi)), TS, observe="density")
        return run.values[-1]

    assert_slopes(value, jnp.asarray([1.05, 0.4, 0.3, 0.1]), 1e-3)


def test_beyond_the_bath_the_run_says_so():
    """Traced C beyond 2(n̄ + 1): no exception is to be had, but a status."""
    psi = jqd.states.thermal(1.5, 80)

    def status(C):
        law = HusimiFokkerPlanck(KERR, C, bath=Bath(0.4), form=Exact(8, Series(0)))
        state = law.prepare(law.admit(jqd.states.number_state(0, 8)))
        run = jqd.evolve(law, state, TS, method=jqd.Fixed(law.stepper, 2))
        return run.status

    found = jax.jit(jax.vmap(status))(jnp.asarray([0.9, 2.1]))
    assert found.tolist() == [jqd.Status.OK, jqd.Status.HORIZON]
    law = HusimiFokkerPlanck(KERR, 2.2, bath=Bath(0.4, 0.05), form=Exact(80))
    with pytest.raises(ValueError, match=r"2 D/\(D - G\) = 2.1 for this bath"):
        law.prepare(psi)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bath(-0.1), "`gamma` must not be negative"),
        (lambda: Bath(0.1, nbar=-1), "`nbar` must not be negative"),
        (lambda: Bath(0.1, gain=np.inf), "`gain` must be finite"),
        (lambda: Bath(0.1j), "`gamma` must be real"),
        (lambda: Bath(np.ones(2), np.ones(3)), "one for each mode"),
        (lambda: HusimiFokkerPlanck(KERR, bath=0.1), "must be a Bath"),
        (lambda: HusimiFokkerPlanck(KERR, bath=Bath(np.ones(2))), "one rate for all"),
        (
            lambda: HusimiFokkerPlanck(KERR, bath=Bath(1), form=Exact(Sectors(4))),
            "must be None",
        ),
        (lambda: HusimiFokkerPlanck(KERR, bath=Bath(1), form="wigner"), "must be None"),
        (
            lambda: HusimiFokkerPlanck(
                "n", bath=Bath(dephasing=1.0), form=GaussianForm()
            ),
            "must not dephase",
        ),
        (
            lambda: HusimiFokkerPlanck("gamma*n", gamma=1.0, bath=Bath(1.0)),
            "like a rate of the bath",
        ),
        (
            lambda: HusimiFokkerPlanck("n^3", bath=Bath(1.0)),
            "at most two powers",
        ),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match="Argument") as refused:
        make()
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_C_is_recovered_beside_the_bath_from_qutip():
    qutip = pytest.importorskip("qutip")
    levels, ts = 40, np.linspace(0, 2, 9)
    a = qutip.destroy(levels)
    bath = [np.sqrt(0.25 * 1.3) * a, np.sqrt(0.25 * 0.3) * a.dag()]
    start = jqd.states.coherent(1.1 + 0.3j, 22)
    psi = qutip.Qobj(np.pad(np.asarray(start), (0, levels - 22)))
    options = {"rtol": 1e-12, "atol": 1e-14, "nsteps": 10**6, "method": "adams"}
    run = qutip.mesolve(
        0.45 * a.dag() ** 2 * a**2, qutip.ket2dm(psi), ts, bath, options=options
    )
    x = np.linspace(-2, 2, 5)
    points = (x[None, :] + 1j * x[:, None]).ravel()
    rows = np.stack([jqd.states.husimi(rho.full(), points) for rho in run.states[1:]])
    law = HusimiFokkerPlanck(
        "0.5*U*ad^2*a^2", 0.95, U=1.0, bath=Bath(0.2, 0.2), form=Exact(26),
        points=points,
    )  # fmt: skip
    found = jqd.recover(
        law, jqd.Record(ts[1:], rows, t0=0.0), psi0=start, starts=1, search=None,
        free=("C", "U", "gamma", "nbar"), start={"C": 0.95}, held_out=0.0,
    )  # fmt: skip
    assert found.status == "converged"
    true = {"C": 1.0, "U": 0.9, "gamma": 0.25, "nbar": 0.3}
    for name, value in true.items():
        assert found.constants[name].value == pytest.approx(value, abs=1e-7)


@pytest.mark.slow
def test_bose_hubbard_in_a_bath_conserves_the_norm():
    law = HusimiFokkerPlanck(
        bose_hubbard(1.0, 0.5, [(0, 1)]),
        0.98,
        bath=Bath(0.3),
        form=Exact(10, Series(3)),
    )
    psi = jqd.states.coherent(jnp.asarray([0.5, 0.2]), (8, 8))
    run = jqd.evolve(law, law.prepare(psi), TS, method=jqd.Fixed(law.stepper, 40))
    rho = run.values[-1]
    # eight levels of the start, ten of the run: a few 1e-6 are cut off
    assert float(jnp.real(jnp.trace(rho))) == pytest.approx(1, abs=5e-6)


def test_a_clock_that_runs_twice_as_fast_scales_every_rate():
    """A run of half the time, with H, γ, gain and dephasing doubled, is the same."""
    given = {"points": POINTS, "form": Exact(16)}
    slow = HusimiFokkerPlanck(KERR, 0.9, bath=WARM, **given)
    fast = HusimiFokkerPlanck("ad^2*a^2", 0.9, bath=WARM.scaled(2.0), **given)
    psi = jqd.states.coherent(0.7, 16)
    ends = [
        at_the_end(law, psi, jqd.Fixed(taylor18, 40), jnp.asarray([0.0, t]))
        for law, t in ((slow, 0.8), (fast, 0.4))
    ]
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)  # rounding
    # the dephasing counts: without it the mean is another one by e^(-g t/2)
    still = Bath(WARM.gamma, gain=WARM.gain)
    bare = HusimiFokkerPlanck(KERR, 0.9, bath=still, **given)
    mean = at_the_end(bare, psi, jqd.Fixed(taylor18, 40))[1]
    assert abs(mean) > 1.03 * abs(ends[0][1])
