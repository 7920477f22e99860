"""Matrices that change in time: closed forms, other programs, derivatives, refusals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.special

import jqd
from jqd.ensembles import copying
from jqd.spaces import symbols
from jqd.spaces.coefficients import coefficient
from jqd.steppers import cf4, exponential_midpoint

from .pulsed import POPULATIONS, bump, cosine, golden

SX = np.array([[0.0, 1.0], [1.0, 0.0]])
SY = np.array([[0.0, -1j], [1j, 0.0]])
SZ = np.diag([1.0, -1.0])
UP = jnp.array([1.0 + 0j, 0.0])
TS = jnp.linspace(0.0, 2.0, 11)


def by_scipy(field, psi0, ts):
    run = scipy.integrate.solve_ivp(
        field, (float(ts[0]), float(ts[-1])), np.asarray(psi0, complex), "DOP853",
        np.asarray(ts), rtol=1e-12, atol=1e-13,
    )  # fmt: skip
    return run.y.T


def in_form(form):
    """The same Hamiltonian in the forms that users have."""
    H, H1, H2, _ = golden()
    pulsed = jqd.pulse(cosine, omega=3.0)
    return {
        "driven": jqd.driven(H, (H1, cosine), (H2, bump)),
        "pulses": jqd.driven(H, (H1, pulsed), (H2, jqd.pulse(bump))),
        "list": [H, [H1, cosine], [H2, bump]],
        "function": lambda t: H + cosine(t) * H1 + bump(t) * H2,
    }[form]


@pytest.mark.sampled
@pytest.mark.parametrize("form", ["driven", "pulses", "list", "function"])
def test_golden(form):
    law = jqd.Schrodinger(in_form(form))
    psi0 = golden()[-1]
    ts = jnp.array([0.0, 1.0, 2.0])
    run = jqd.evolve(law, psi0, ts, method=jqd.Fixed(None, 100), observe="density")
    assert bool(run.ok)
    np.testing.assert_allclose(run.values[1:], POPULATIONS, rtol=0, atol=1e-8)
    np.testing.assert_allclose(jnp.sum(run.values, -1), 1, rtol=0, atol=1e-13)


@pytest.mark.parametrize("stepper", [cf4, exponential_midpoint])
def test_order_on_both_sides(stepper):
    H, H1, H2, psi0 = golden()
    law = jqd.Schrodinger(jqd.driven(H, (H1, cosine), (H2, bump)))
    ts = jnp.array([0.0, 2.0])

    def last(steps, stepper=stepper):
        # steps as an array: one program for all
        method = jqd.Fixed(stepper, counts=jnp.asarray(steps), estimate_error=False)
        return jqd.evolve(law, psi0, ts, method=method).values[-1]

    exact = last(3200, cf4)
    errors = [float(jnp.max(jnp.abs(last(n) - exact))) for n in (20, 40, 80)]
    rates = np.log2(np.divide(errors[:-1], errors[1:]))
    # what is left of the next order is 3 % at 20 steps
    assert np.all(np.abs(rates - stepper.order) < 0.2), rates


def test_flat_pieces_are_exact_by_the_midpoint():
    """Against a product of SciPy's exponentials, one a piece."""
    linalg = pytest.importorskip("scipy.linalg")
    H, H1, _, psi0 = golden()
    heights = jnp.array([0.3, -0.8, 0.5, 1.1])

    def held(t, heights):
        return heights[jnp.clip(jnp.floor(2 * t).astype(int), 0, 3)]

    law = jqd.Schrodinger(jqd.driven(H, (H1, jqd.pulse(held, heights=heights))))
    method = jqd.Fixed(exponential_midpoint, 8, estimate_error=False)
    run = jqd.evolve(law, psi0, jnp.array([0.0, 2.0]), method=method)
    expected = np.asarray(psi0)
    for height in np.asarray(heights):
        piece = np.asarray(H) + height * np.asarray(H1)
        expected = linalg.expm(-0.5j * piece) @ expected
    np.testing.assert_allclose(run.values[-1], expected, rtol=0, atol=1e-14)


def test_a_constant_one_is_exact_in_one_step():
    H, H1, _, psi0 = golden()
    law = jqd.Schrodinger(jqd.driven(H, (H1, lambda t: 0.5 + 0 * t)))
    ts = jnp.array([0.0, 0.5])
    run = jqd.evolve(law, psi0, ts, method=jqd.Fixed(cf4, 1, estimate_error=False))
    exact = jqd.evolve(jqd.Schrodinger(H + 0.5 * H1), psi0, ts)
    # rounding of sixteen terms
    np.testing.assert_allclose(run.values, exact.values, rtol=0, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [
        jqd.Fixed(None, 100),
        pytest.param(jqd.Adaptive(rtol=1e-11, atol=1e-12), marks=pytest.mark.slow),
    ],
)
def test_a_qubit_turned_by_a_cosine(method):
    """H = ε cos(ωt) σx: ψ = (cos θ, -i sin θ), θ = (ε/ω) sin ωt, and derivatives."""
    epsilon, omega = 1.3, 2.1

    def turned(constants, ts):
        eps, w = constants
        law = jqd.Schrodinger(
            jqd.driven(np.zeros((2, 2)), (SX, jqd.pulse(scaled, eps=eps, w=w)))
        )
        return jqd.evolve(law, UP, ts, method=method, observe="density").values[:, 1]

    def scaled(t, eps, w):
        return eps * jnp.cos(w * t)

    def closed(constants, ts):
        eps, w = constants
        return jnp.sin(eps / w * jnp.sin(w * ts)) ** 2

    constants = (jnp.asarray(epsilon), jnp.asarray(omega))
    # values from the same run, so that it is compiled once
    slopes, values = jax.jacrev(lambda c: (turned(c, TS),) * 2, has_aux=True)(constants)
    # fourth order at a step of .002, adaptive steps of tolerance 1e-11
    np.testing.assert_allclose(values, closed(constants, TS), rtol=0, atol=1e-9)
    want = jax.jacrev(closed)(constants, TS)
    for got, expected in zip(slopes, want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-8)


@pytest.mark.slow
def test_second_derivatives():
    def last(eps):
        law = jqd.Schrodinger(
            jqd.driven(np.zeros((2, 2)), (SX, jqd.pulse(lambda t, a: a * t, a=eps)))
        )
        method = jqd.Fixed(None, 50, estimate_error=False)
        run = jqd.evolve(law, UP, TS[::10], method=method, observe="density")
        return run.values[-1, 1]

    # θ = ε t²/2 = 2 ε at t = 2: sin²(2ε)
    eps = 0.4
    assert float(last(eps)) == pytest.approx(np.sin(2 * eps) ** 2, abs=1e-12)
    first = float(jax.grad(last)(eps))
    assert first == pytest.approx(2 * np.sin(4 * eps), abs=1e-11)
    second = float(jax.hessian(last)(eps))
    assert second == pytest.approx(8 * np.cos(4 * eps), abs=1e-10)


def test_an_oscillator_that_is_pushed():
    """H = ω n + f(t)(a + ad): the coherent state follows its classical path."""
    levels, omega = 40, 1.7
    a = np.diag(np.sqrt(np.arange(1, levels)), 1)
    push = jqd.pulse(lambda t, f: f * jnp.sin(2.0 * t), f=0.8)
    law = jqd.Schrodinger(jqd.driven(omega * a.T @ a, (a + a.T, push)))
    ground = jnp.zeros(levels, complex).at[0].set(1)
    run = jqd.evolve(law, ground, TS, method=jqd.Fixed(None, 100, estimate_error=False))
    means = jnp.einsum("ti,ij,tj->t", run.values.conj(), a, run.values)
    path = by_scipy(
        lambda t, x: -1j * (omega * x + 0.8 * np.sin(2 * t)), [0.0], TS
    )[:, 0]  # fmt: skip
    # fourth order at a step of .002
    np.testing.assert_allclose(means, path, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_from_qutip():
    qutip = pytest.importorskip("qutip")
    H, H1, H2, psi0 = golden()
    # a term that is Hermitian in its sum alone, with a complex coefficient
    lower = np.zeros((3, 3))
    lower[0, 1] = 1.0
    times = np.linspace(0, 2, 9)
    evo = qutip.QobjEvo(
        [
            qutip.Qobj(H),
            [qutip.Qobj(H1), lambda t, w: np.cos(w * t)],
            [qutip.Qobj(lower), lambda t: np.exp(1j * t)],
            [qutip.Qobj(lower.T), lambda t: np.exp(-1j * t)],
        ],
        args={"w": 3.0},
    ) + qutip.QobjEvo([[qutip.Qobj(H2), np.sin(times)]], tlist=times, order=1)
    law = jqd.Schrodinger(evo)
    run = jqd.evolve(law, psi0, TS, method=jqd.Fixed(None, 50))
    options = {"atol": 1e-12, "rtol": 1e-11, "max_step": 0.01, "method": "vern9"}
    theirs = qutip.sesolve(evo, qutip.Qobj(psi0), np.asarray(TS), options=options)
    exact = np.stack([state.full()[:, 0] for state in theirs.states])
    # fourth order at a step of .004, kinks at the times of the samples
    np.testing.assert_allclose(run.values, exact, rtol=0, atol=1e-8)


def test_one_of_qutip_that_is_not_hermitian():
    qutip = pytest.importorskip("qutip")
    lower = qutip.Qobj(np.triu(SX))
    with pytest.raises(ValueError, match="`hamiltonian` must be Hermitian"):
        jqd.Schrodinger(qutip.QobjEvo([qutip.Qobj(SZ), [lower, np.cos]]))


def test_samples_on_the_times_of_qutip():
    """[H_0, [H_1, array]] with tlist, which QuTiP gives to its solver."""
    qutip = pytest.importorskip("qutip")
    _, H1, H2, psi0 = golden()
    times = np.linspace(0, 2, 21)
    H = [qutip.Qobj(golden()[0]), [qutip.Qobj(H1), np.cos(3 * times)],
         [qutip.Qobj(H2), np.exp(-((times - 1) ** 2) / 0.18)]]  # fmt: skip
    law = jqd.Schrodinger(jqd.driven(*H, times=times))
    run = jqd.evolve(law, psi0, TS, method=jqd.Fixed(None, 50, estimate_error=False))
    options = {"atol": 1e-12, "rtol": 1e-11, "max_step": 0.01, "method": "vern9"}
    evo = qutip.QobjEvo(H, tlist=times)
    theirs = qutip.sesolve(evo, qutip.Qobj(psi0), np.asarray(TS), options=options)
    exact = np.stack([state.full()[:, 0] for state in theirs.states])
    # fourth order at a step of .004; the splines are the same
    np.testing.assert_allclose(run.values, exact, rtol=0, atol=1e-8)


def rotating(form):
    """w/2 σz + g (e^-iwt σ+ + h.c.), on resonance, in the forms of QuTiP's users."""
    qutip = pytest.importorskip("qutip")
    w, g, times = 2.0, 0.3, np.linspace(0, 2, 401)
    plus, minus, level = qutip.sigmap(), qutip.sigmam(), w / 2 * qutip.sigmaz()
    turning = np.exp(-1j * w * times)
    by_host = qutip.coefficient(lambda t: g * np.exp(-1j * w * t))
    samples = [level, [plus, g * turning], [minus, g * turning.conj()]]
    return {
        "functions": lambda: [
            level,
            [plus, lambda t: g * jnp.exp(-1j * w * t)],
            [minus, lambda t: g * jnp.exp(1j * w * t)],
        ],
        "samples": lambda: jqd.driven(*samples, times=times),
        "two constants": lambda: [
            level / 2, level / 2, [qutip.sigmax(), lambda t: g * jnp.cos(w * t)],
            [qutip.sigmay(), lambda t: g * jnp.sin(w * t)],
        ],
        "coefficients": lambda: [level, [plus, by_host], [minus, by_host.conj()]],
        "evo": lambda: qutip.QobjEvo(samples, tlist=times),
    }[form]()  # fmt: skip


@pytest.mark.parametrize(
    "form", ["functions", "samples", "two constants", "coefficients", "evo"]
)
def test_terms_that_are_hermitian_in_their_sum(form):
    law = jqd.Schrodinger(rotating(form))
    for t in (0.0, 0.713, 1.6):
        up = 0.3 * np.exp(-2j * t)
        want = [[1.0, up], [np.conj(up), -1.0]]
        # rounding; splines of step .005 are off by (2 · .005)⁴ .3/384 at most
        np.testing.assert_allclose(law.hamiltonian.at(t), want, rtol=0, atol=1e-10)


def shake(t, w, g=0.2):
    return g * np.cos(w * t)


def shaken(t, args):
    return args["g"] * np.cos(args["w"] * t)


def turned(sign):
    return lambda t, w, **rest: rest["g"] * np.exp(sign * 1j * w * t)


NAMED = {"w": 3.0, "g": 0.4}
TIMES = np.linspace(0.0, 2.0, 41)


def listed(form):
    """What QuTiP's users hand to its solvers."""
    qutip = pytest.importorskip("qutip")
    H0, sx, sp, sm = qutip.sigmaz(), qutip.sigmax(), qutip.sigmap(), qutip.sigmam()
    table = qutip.coefficient(np.exp(1j * TIMES), tlist=TIMES, order=1)
    wave = qutip.coefficient(lambda t, w: np.exp(1j * w * t), args={"w": 1.0})
    return {
        "a pair alone": [sx, lambda t: np.cos(3 * t)],
        "pairs alone": [[sx, np.cos], [qutip.sigmay(), np.sin]],
        "defaults": [H0, [sx, lambda t, w=2.0: np.cos(w * t)]],
        "names": [H0, [sx, shake]],
        "args": [H0, [sx, shaken]],
        "keywords": [H0, [sp, turned(1)], [sm, turned(-1)]],
        "a number": [H0, [sx, 0.3], [sx, np.cos]],
        "samples": [H0, [sp, np.exp(1j * TIMES)], [sm, np.exp(-1j * TIMES)]],
        "a table": [H0, [sp, table * table], [sm, (table * table).conj()]],
        "a coefficient": [H0, [sp, wave], [sm, wave.conj()]],
    }[form]


@pytest.mark.filterwarnings("ignore:The signature f")
@pytest.mark.parametrize(
    "form",
    ["a pair alone", "pairs alone", "defaults", "names", "args", "keywords", "a number",
     "samples", "a table", "a coefficient"],
)  # fmt: skip
def test_a_list_is_read_as_a_QobjEvo_is(form):
    qutip, given = pytest.importorskip("qutip"), listed(form)
    args = NAMED if form in ("names", "args", "keywords", "a coefficient") else None
    times = TIMES if form == "samples" else None
    theirs = qutip.QobjEvo(given, tlist=times, args=args)
    if args is None and times is None:
        ours = jqd.Schrodinger(given).hamiltonian
    else:
        ours = jqd.driven(*given, times=times, args=args)
    for t in (0.0, 0.713, 1.6):
        # rounding
        np.testing.assert_allclose(ours.at(t), theirs(t).full(), rtol=0, atol=1e-14)


def test_args_are_constants_of_the_law():
    H = jqd.driven(SZ, (SX, shaken_by_jax), (SX, shake_by_jax), args=NAMED)
    law = jqd.Schrodinger(H)
    names = ("hbar", "args.g", "args.w", "pulse[1].g", "pulse[1].w")
    assert jqd.constants.names(law) == names
    slope = jax.grad(lambda H: jnp.real(H.at(0.7)[0, 1]))(H).values["pulse[1]"]
    # d/dw g cos(w t)
    want = -0.7 * 0.4 * np.sin(2.1)
    assert float(slope.function.keywords["w"]) == pytest.approx(want, abs=1e-14)


def shake_by_jax(t, w, g):
    return g * jnp.cos(w * t)


def shaken_by_jax(t, args):
    return shake_by_jax(t, **args)


def test_terms_of_any_kind_add_up():
    qutip = pytest.importorskip("qutip")
    evo = qutip.QobjEvo([qutip.sigmaz(), [qutip.sigmay(), np.sin]])
    H = jqd.driven(SZ, evo, lambda t: t * jnp.asarray(SX), (SX, jnp.cos))
    want = 2 * SZ + np.sin(0.4) * SY + (0.4 + np.cos(0.4)) * SX
    np.testing.assert_allclose(H.at(0.4), want, rtol=0, atol=1e-15)
    assert H.pulses == ("pulse[0]", "pulse[1]", "pulse[2]")


def test_symbols_are_driven_as_matrices_are():
    """The same list of symbols and of their matrices, with terms that are adjoint."""
    lower, level = jqd.Symbol([1.0], [((1,), (0,))]), symbols.kerr(0.7)
    both = [
        (lower, lambda t: jnp.exp(1j * t)),
        (lower.conj(), lambda t: jnp.exp(-1j * t)),
    ]
    squeeze = jqd.Symbol([0.1, 0.1], [((2,), (0,)), ((0,), (2,))])
    there = jqd.spaces.named_pulse("square", height=1.0, start=0.2, end=0.9)
    pairs = [*both, (squeeze, there)]
    H = jqd.driven(level, *pairs)
    want = jqd.driven(
        symbols.matrix(level, 6), *((symbols.matrix(A, 6), f) for A, f in pairs)
    )
    for t in (0.1, 0.5):
        got = symbols.matrix(H.at(t), 6)
        np.testing.assert_allclose(got, want.at(t), rtol=0, atol=1e-14)
    assert H.jumps().tolist() == want.jumps().tolist() == [0.2, 0.9]
    assert H.names == want.names
    for terms, words in [
        ((level, (SX, jnp.cos)), r"`hamiltonian\[1\]\[0\]` must be a symbol"),
        ((SZ, (lower, jnp.cos)), r"`hamiltonian\[1\]\[0\]` must be a matrix"),
        ((level, (lower, jnp.cos)), "must be Hermitian, but .* at t = 0"),
        ((lower, (squeeze, jnp.cos)), r"`hamiltonian\[0\]` must be Hermitian"),
        ((level, (symbols.cross_kerr(1.0), jnp.cos)), "`operators` must have 1 modes"),
    ]:
        with pytest.raises(ValueError, match=words):
            jqd.driven(*terms)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_samples_of_qutip_without_python(order):
    """Inside and outside their times; QuTiP asks from host to host."""
    qutip = pytest.importorskip("qutip")
    rng = np.random.default_rng(0)
    times = np.array([-1.0, -0.2, 0.1, 0.5, 0.9, 1.8, 2.4])
    values = rng.normal(size=7) + 1j * rng.normal(size=7)
    theirs = qutip.coefficient(values, tlist=times, order=order)
    ts = np.concatenate([rng.uniform(-2, 3, 500), times])
    want = np.array([theirs(t) for t in ts])
    for part in ("real", "imag"):
        ours = jax.vmap(coefficient(theirs, part))
        assert "callback" not in str(jax.make_jaxpr(ours)(ts))
        # the same polynomials
        np.testing.assert_allclose(
            ours(ts), getattr(want, part), rtol=0, atol=1e-12
        )  # fmt: skip


def test_a_line_of_qutip_that_ends_at_minus_one():
    """QuTiP divides by 0 for the slope beyond the last sample, and never uses it."""
    qutip = pytest.importorskip("qutip")
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = qutip.coefficient(np.array([1.0, 3.0]), tlist=[-2.0, -1.0], order=1)
    ours = coefficient(theirs, "real")
    assert [float(ours(t)) for t in (-3, -1.5, -1, 0)] == [1, 2, 3, 3]


def test_a_pulse_that_is_not_finite_somewhere_may_be_meant():
    f = jqd.pulse(lambda t: 1 / t)
    law = jqd.Schrodinger(jqd.driven(H0, (SX, f)))
    ts = jnp.array([1.0, 2.0])
    run = jqd.evolve(
        law, UP, ts, method=jqd.Fixed(None, 50, estimate_error=False), observe="density"
    )
    # ∫ dt/t = ln 2; fourth order at a step of .02
    assert float(run.values[-1, 1]) == pytest.approx(np.sin(np.log(2)) ** 2, abs=1e-9)


class FakeTimeArray(eqx.Module):
    """What dynamiqs' arrays that depend on time offer."""

    @property
    def discontinuity_ts(self):
        return jnp.array([0.7])

    def __call__(self, t):
        class Dense:
            def to_jax(self):
                return jnp.where(t < 0.7, 1.0, 0.3) * jnp.asarray(SX)

        return Dense()


def test_from_dynamiqs():
    law = jqd.Schrodinger(FakeTimeArray())
    run = jqd.evolve(
        law, UP, TS, method=jqd.Fixed(None, 10, estimate_error=False), observe="density"
    )
    angle = np.where(TS < 0.7, TS, 0.7 + 0.3 * (np.asarray(TS) - 0.7))
    # steps end at the jump; the rest is rounding
    np.testing.assert_allclose(run.values[:, 1], np.sin(angle) ** 2, rtol=0, atol=1e-12)


@pytest.mark.sampled
@pytest.mark.parametrize(
    "method", [jqd.Fixed(None, 4), jqd.Fixed(jqd.steppers.rk4, 64), jqd.Adaptive()]
)
def test_steps_end_where_a_pulse_jumps(method):
    """Three flat pieces that do not fit the save times."""
    values, edges = [1.0, -2.0, 0.5], [0.0, 0.33, 1.234, 2.0]
    flat = jqd.spaces.sampled_pulse(edges, values, "steps")
    law = jqd.Schrodinger(jqd.driven(np.zeros((2, 2)), (SX, flat)))
    run = jqd.evolve(law, UP, TS, method=method, observe="density")
    angle = np.interp(
        TS, edges, np.concatenate([[0], np.cumsum(values * np.diff(edges))])
    )
    if isinstance(method, jqd.Fixed):
        # parts of two intervals: .65 and .35, .17 and .83, each of half or more
        parts = np.array([0.65, 0.5, 0.5, 0.83])
        shared = int(np.sum(np.ceil(method.substeps * parts)))
        assert int(run.diagnostics["num_steps"]) == 8 * method.substeps + shared
    # rounding, rk4 at a step of .003; between adaptive steps states are interpolated,
    # which errs by more than their tolerance of 1e-9, and is told
    told = 2e-8 if isinstance(method, jqd.Fixed) else float(np.max(run.error))
    assert told < 1e-6
    np.testing.assert_allclose(run.values[:, 1], np.sin(angle) ** 2, rtol=0, atol=told)


@pytest.mark.parametrize("kind", ["steps", "linear", "cubic"])
def test_samples(kind):
    from scipy.interpolate import CubicSpline, interp1d

    ts = np.array([0.0, 0.3, 0.7, 1.5, 2.0])
    values = np.array([0.0, 1.0, -0.5, 0.2, 0.7])
    inside = np.linspace(0.0, 2.0, 37)
    want = {
        "steps": interp1d(ts, values, "previous"),
        "linear": interp1d(ts, values),
        "cubic": CubicSpline(ts, values),
    }[kind](inside)
    f = jqd.spaces.sampled_pulse(ts, values[: -1 if kind == "steps" else None], kind)
    got = jax.vmap(f)(jnp.asarray(inside))
    np.testing.assert_allclose(got[:-1], want[:-1], rtol=0, atol=1e-14)
    assert float(f(-0.1)) == float(f(2.1)) == 0.0


H0 = np.zeros((2, 2))
LOWER = np.triu(SX)
# it is zero wherever nobody says that there is something
LATE = jqd.spaces.sampled_pulse([499.0, 500.0, 501.0], [0.0, 1.0, 0.0], "linear")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: jqd.driven(H0, (SX, lambda t: 1j * t)), "`pulse` must be real"),
        (lambda: jqd.driven(H0, (np.triu(SX), jnp.cos)), "Hermitian"),
        (lambda: jqd.driven(H0, (np.eye(3), jnp.cos)), r"`hamiltonian\[1\]\[0\]`"),
        (lambda: jqd.driven(H0), "`terms` must hold a pair"),
        (lambda: jqd.driven(H0, SX), "`terms` must hold a pair"),
        (
            lambda: jqd.driven(H0, [SX, jnp.cos, 3]),
            r"`hamiltonian\[1\]` must be a matrix, or a pair",
        ),
        (
            lambda: jqd.driven(H0, [LOWER, lambda t: jnp.exp(1j * t)]),
            "`hamiltonian` must be Hermitian, but .* at t = 0",
        ),
        (
            lambda: jqd.driven(H0, [LOWER, LATE], [LOWER.T, lambda t: -LATE(t)]),
            "`hamiltonian` must be Hermitian, but .* at t = 500",
        ),
        (lambda: jqd.driven(H0, (SX, 3.0)), "`pulse` must be a function of time"),
        (lambda: jqd.driven(H0, (SX, lambda t: np.cos(t))), "written with `jax.numpy`"),
        (lambda: jqd.pulse(lambda t, a: a * t, b=1.0), "`b` must be"),
        (lambda: jqd.pulse(lambda t, a: a + t, a=np.nan), "`pulse` must be finite"),
        (lambda: jqd.Schrodinger([H0, [SX, np.ones(5)]]), r"`hamiltonian\[1\]\[1\]`"),
        (lambda: jqd.Schrodinger([H0, [SX, "cos(t)"]]), "give `qutip.QobjEvo`"),
        (
            lambda: jqd.Schrodinger([H0, [SX, lambda t, args: jnp.cos(args["w"])]]),
            r"`hamiltonian\[1\]\[1\]` must .*'w'; .*args=.*`jqd.pulse.*`qutip.QobjEvo`",
        ),
        (
            lambda: jqd.driven(H0, [SX, 1j * np.ones(5)], times=np.arange(5.0)),
            "`values` must be real",
        ),
        (
            lambda: jqd.driven(H0, [SX, np.ones(4)], times=np.arange(5.0)),
            r"`values` must have shape \(5,\)",
        ),
        (lambda: jqd.pulse(lambda t: jnp.ones(3)), "one number at each time"),
        (lambda: jqd.pulse(jnp.cos, jumps=[np.nan]), "`jumps` must be finite"),
        (
            lambda: jqd.spaces.sampled_pulse([0, 1, 2], [1.0, np.nan, 0], "linear"),
            "finite",
        ),
        (lambda: jqd.spaces.sampled_pulse([0, 1, 2], [1j, 0, 0], "linear"), "real"),
        (
            lambda: jqd.spaces.sampled_pulse([0, 1, 2], [1.0, 0.0, 0.0]),
            "at least 4 times",
        ),
        (lambda: jqd.spaces.sampled_pulse([0, 2, 1], [1.0, 0.0], "steps"), "`ts` must"),
        (
            lambda: jqd.spaces.sampled_pulse([0, 1], [1.0], "wavy"),
            "`kind` must be one of",
        ),
        (lambda: jqd.Schrodinger(lambda t: jnp.ones(3)), "square matrix"),
        (lambda: jqd.Schrodinger(lambda t: 1j * t * SX), "Hermitian"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_no_propagator():
    law = jqd.Schrodinger(jqd.driven(H0, (SX, jnp.cos)))
    with pytest.raises(ValueError, match="no constant Hamiltonian"):
        jqd.evolve(law, UP, TS, method=jqd.Propagator())


def test_a_batch_of_pulses():
    def run(a):
        law = jqd.Schrodinger(jqd.driven(SZ, (SX, jqd.pulse(scaled, a=a))))
        return jqd.evolve(
            law, UP, TS, method=jqd.Fixed(None, 20, estimate_error=False)
        ).values

    def scaled(t, a):
        return a * jnp.cos(t)

    many = jax.vmap(run)(jnp.array([0.3, 0.9, 1.4]))
    # the same operations, in another order at most
    np.testing.assert_allclose(many[1], run(0.9), rtol=0, atol=1e-15)


# -- copy dynamics ---------------------------------------------------------------------


def copies(q=0.5, r=-0.5):
    H, H1, H2, psi0 = golden()
    made = jqd.CopyDynamics.from_hamiltonian(
        jqd.driven(H, (H1, cosine), (H2, bump)), q=q, r=r
    )
    return made, psi0


def circuit():
    """Three pulses on two qubits: a phase gate, a turn, a controlled turn."""

    def window(t):
        return jnp.where((t > 0) & (t < 1), 2 * jnp.sin(jnp.pi * t) ** 2, 0)

    ZZ = np.kron(np.diag([1, -1]), np.diag([1, -1])).astype(float)
    controlled = np.kron(np.diag([0, 1]), SX)
    hamiltonian = jqd.driven(
        np.zeros((4, 4)),
        (0.4 * ZZ, window),
        (0.25 * np.kron(SX, np.eye(2)), lambda t: window(t - 1)),
        (0.3 * controlled, lambda t: window(t - 2)),
    )
    first = np.array([1, np.exp(-0.5j)]) / np.sqrt(2)
    second = np.array([np.sqrt(0.6), np.sqrt(0.4) * np.exp(-1.1j)])
    return jqd.CopyDynamics.from_hamiltonian(hamiltonian), np.kron(first, second)


def test_copies_at_the_quantum_point():
    made, psi0 = copies()
    ts = jnp.array([0.0, 1.0, 2.0])
    method = jqd.Fixed(jqd.steppers.rk4, 400)
    run = jqd.evolve(made, made.prepare(psi0), ts, method=method, observe="density")
    assert bool(run.ok)
    np.testing.assert_allclose(run.values[1:], POPULATIONS, rtol=0, atol=1e-8)


@pytest.mark.slow
def test_copies_away_from_the_quantum_point():
    made, psi0 = copies(0.5, -0.8)
    ts = jnp.array([0.0, 2.0])
    run = jqd.evolve(made, made.prepare(psi0), ts, observe="density")
    # computed once by another program, which says 1e-6
    expected = [0.27299646, 0.07722109, 0.64978246]
    np.testing.assert_allclose(run.values[-1], expected, rtol=0, atol=1e-6)


def test_the_law_at_a_time_moves_as_the_driven_one():
    made, psi0 = copies(0.4, -0.7)
    for t in (0.3, 1.1):
        frozen = made.at(t)
        assert frozen.drive is None
        # rounding of a polar form
        np.testing.assert_allclose(
            frozen.vector_field(0.0, psi0), made.vector_field(t, psi0),
            rtol=0, atol=1e-14,
        )  # fmt: skip


@pytest.mark.slow
def test_lost_fidelity_of_copies():
    made, psi0 = copies()
    ts = jnp.array([0.0, 1.0, 2.0])
    lost = copying.infidelity(made, psi0, ts, substeps=500)
    # computed once by another program, to 1e-5; kinks leave 1e-6 of steps of 1/500
    np.testing.assert_allclose(
        lost.value[1:], [1.69212332, 4.19795137], rtol=0, atol=1e-5
    )
    # the theory for all q and r; both integrals have kinks
    noise = copying.linear_noise(made, psi0, ts, substeps=500)
    np.testing.assert_allclose(noise.infidelity, lost.value, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_circuit():
    made, psi0 = circuit()
    ts = jnp.array([0.0, 1.0, 2.0, 3.0])
    method = jqd.Fixed(jqd.steppers.rk4, 300)
    run = jqd.evolve(made, made.prepare(psi0), ts, method=method)
    # gates in closed form
    turn = np.kron(SX, np.eye(2))
    controlled = np.kron(np.diag([0, 1]), SX)
    ZZ = np.diag([1.0, -1, -1, 1])
    expected = psi0
    for angle, matrix in ((0.4, ZZ), (0.25, turn), (0.3, controlled)):
        levels, basis = np.linalg.eigh(matrix)
        expected = (
            basis @ (np.exp(-1j * angle * levels) * (basis.conj().T @ expected))
        )  # fmt: skip
    # fourth order at a step of 1/300
    np.testing.assert_allclose(run.values[-1], expected, rtol=0, atol=1e-7)
    np.testing.assert_allclose(
        np.abs(expected) ** 2,
        [0.34250398, 0.10760912, 0.10683979, 0.44304711],
        atol=1e-8,
    )
    lost = copying.infidelity(made, psi0, ts, substeps=500)
    # a phase gate moves nobody; the table has four digits, kinks of |J| cost the rest
    np.testing.assert_allclose(
        lost.value, [0, 0, 0.321216, 0.645031], rtol=0, atol=1e-4
    )


@pytest.mark.slow
def test_slopes_of_a_pulse():
    """d(last density)/d(frequency) against differences."""
    H, H1, _, psi0 = golden()

    def last(omega):
        made = jqd.CopyDynamics.from_hamiltonian(
            jqd.driven(H, (H1, jqd.pulse(cosine, omega=omega))), q=0.45, r=-0.6
        )
        method = jqd.Fixed(jqd.steppers.rk4, 50, estimate_error=False)
        ts = jnp.array([0.0, 0.5])
        return jqd.evolve(made, made.prepare(psi0), ts, method=method).values[-1]

    slope = jax.jacfwd(lambda w: jnp.abs(last(w)) ** 2)(3.0)
    ahead, behind = (np.abs(last(3.0 + h)) ** 2 for h in (1e-5, -1e-5))
    # differences: 1e-10 of their step, and rounding over it
    np.testing.assert_allclose(slope, (ahead - behind) / 2e-5, rtol=0, atol=1e-9)


def test_refusals_of_copies():
    H, H1, _, psi0 = golden()
    hamiltonian = jqd.driven(H, (H1, cosine))
    with pytest.raises(ValueError, match="`literal` must be False"):
        jqd.CopyDynamics.from_hamiltonian(hamiltonian, literal=True)
    made = jqd.CopyDynamics.from_hamiltonian(hamiltonian)
    everybody = copying.population(psi0, 100)
    with pytest.raises(ValueError, match="phases of their own"):
        copying.individuals(made, *everybody, [0, 1.0], jax.random.key(0))
    with pytest.raises(ValueError, match="constant in time"):
        copying.energy_drift(made, psi0, [0, 1.0])
    with pytest.raises(ValueError, match="`drive` must have shape"):
        jqd.CopyDynamics(
            np.zeros(2), np.zeros((2, 2)), np.zeros((2, 2)), drive=hamiltonian
        )
