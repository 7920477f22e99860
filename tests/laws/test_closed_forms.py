"""Closed systems whose states, averages and derivatives are known in closed form.

They are those by which QuTiP and dynamiqs test their own solvers: a coherent state in a
cavity, qubits under a constant, a decaying, an oscillating and a flat field.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from jax.scipy.special import gammaln

import jqd

SX = np.array([[0.0, 1.0], [1.0, 0.0]])
SY = np.array([[0.0, -1j], [1j, 0.0]])
SZ = np.diag([1.0, -1.0])
UP = jnp.array([1.0 + 0j, 0.0])
LEVELS = 16
LOWER = np.diag(np.sqrt(np.arange(1.0, LEVELS)), 1)
ADAPTIVE = jqd.Adaptive(rtol=1e-12, atol=1e-13, estimate_error=False)


def coherent(alpha):
    """e^{-|α|²/2} αⁿ/√n!, (LEVELS,): of α = 1/2 the rest is 1e-12 of the norm."""
    n = jnp.arange(LEVELS)
    size = jnp.exp(-(jnp.abs(alpha) ** 2) / 2 - gammaln(n + 1.0) / 2)
    return size * jnp.cumprod(jnp.where(n == 0, 1, alpha + 0j))


class System(NamedTuple):
    """A Hamiltonian and a start of some constants, and what they lead to."""

    constants: tuple
    ts: np.ndarray
    hamiltonian: object
    start: object
    state: object
    operators: tuple
    averages: object


def cavity():
    """H = δ n from |α>: |α e^{-iδt}>, <x + ip> = α e^{-iδt}."""

    def alpha(c, t):
        return c[1] * jnp.exp(-1j * c[0] * t)

    def averages(c, t):
        return jnp.stack([jnp.real(alpha(c, t)), jnp.imag(alpha(c, t))])

    return System(
        (2 * np.pi, 0.5), np.linspace(0, 0.3, 4),
        lambda c: c[0] * jnp.diag(jnp.arange(LEVELS) + 0.0),
        lambda c: coherent(c[1]), lambda c, t: coherent(alpha(c, t)),
        ((LOWER + LOWER.T) / 2, (LOWER - LOWER.T) / 2j), averages,
    )  # fmt: skip


def turned(constants, ts, hamiltonian, angle):
    """A qubit from |0> under f(t) σx, ∫ f dt = θ/2: <σ> = (0, -sin θ, cos θ)."""

    def state(c, t):
        half = angle(c, t) / 2
        return jnp.stack([jnp.cos(half) + 0j, -1j * jnp.sin(half)])

    def averages(c, t):
        theta = angle(c, t)
        return jnp.stack([0 * theta, -jnp.sin(theta), jnp.cos(theta)])

    return System(
        constants, ts, hamiltonian, lambda c: UP, state, (SX, SY, SZ), averages
    )


def by(f):
    """The Hamiltonian f(t, *constants) σx."""

    def of(t, c):
        return f(t, *c)

    return lambda c: jqd.driven(0 * SX, (SX, jqd.pulse(of, c=c)))


def in_steps(t, a, b):
    return jnp.where(t < 1, a, jnp.where(t < 2, b, 0.0))


STEPS = (0.25 * np.pi, 0.125 * np.pi)
SYSTEMS = {
    "cavity": cavity(),
    "constant": turned(
        (1.3,), np.linspace(0, 1, 4), lambda c: c[0] / 2 * SX, lambda c, t: c[0] * t
    ),
    "strong": turned(
        (np.pi,), np.linspace(0, 20, 21), lambda c: c[0] * SX,
        lambda c, t: 2 * c[0] * t,
    ),
    "oscillating": turned(
        (3.0, 10.0), np.linspace(0, 1, 4),
        by(lambda t, e, w: e * jnp.cos(w * t)),
        lambda c, t: 2 * c[0] / c[1] * jnp.sin(c[1] * t),
    ),
    "decaying": turned(
        (np.pi, 0.5), np.linspace(0, 20, 21),
        by(lambda t, e, a: e * jnp.exp(-a * t)),
        lambda c, t: 2 * c[0] / c[1] * (1 - jnp.exp(-c[1] * t)),
    ),
    "steps": turned(
        STEPS, np.linspace(0, 3, 4),
        lambda c: jqd.driven(0 * SX, (SX, jqd.pulse(
            lambda t, c: in_steps(t, *c), c=c, jumps=[1.0, 2.0]))),
        lambda c, t: 2 * (c[0] * jnp.clip(t, 0, 1) + c[1] * jnp.clip(t - 1, 0, 1)),
    ),
}  # fmt: skip
CONSTANT = ("cavity", "constant", "strong")


def method_of(name, way):
    """Methods to 1e-10 and better; of Fixed by steps of about .01 radians."""
    if way == "adaptive":
        return ADAPTIVE
    if way == "propagator":
        return jqd.Propagator()
    # the largest interval is of length 1, the fastest level turns by 90
    substeps = {"cavity": 400, "oscillating": 200, "strong": 800}.get(name, 400)
    gradient = way.removeprefix("fixed ")
    return jqd.Fixed(None, substeps, gradient=gradient, estimate_error=False)


def observed(name, way):
    """(constants, times) -> averages by a run, (operators, times)."""
    system, method = SYSTEMS[name], method_of(name, way)

    def look(t, psi):
        del t
        return jnp.stack([jnp.real(jnp.vdot(psi, op @ psi)) for op in system.operators])

    def run(constants, ts):
        law = jqd.Schrodinger(system.hamiltonian(constants))
        start = system.start(constants)
        return jqd.evolve(law, start, ts, method=method, observe=look).values.T

    return run


WAYS = ("fixed checkpointed", "fixed direct", "adaptive", "propagator")
CASES = [
    pytest.param(
        name, way, marks=pytest.mark.slow if way in ("adaptive", "fixed direct") else ()
    )
    for name in SYSTEMS
    for way in WAYS
    if way != "propagator" or name in CONSTANT
]


@pytest.mark.sampled
@pytest.mark.parametrize("name", SYSTEMS)
def test_states(name):
    system = SYSTEMS[name]
    constants = tuple(map(jnp.asarray, system.constants))
    law = jqd.Schrodinger(system.hamiltonian(constants))
    run = jqd.evolve(
        law, system.start(constants), system.ts,
        method=method_of(name, "fixed checkpointed"),
    )  # fmt: skip
    exact = np.stack([system.state(constants, t) for t in system.ts])
    # states, phases and all; the cavity is cut at 1e-9 of an amplitude
    np.testing.assert_allclose(run.values, exact, rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "way"), CASES)
def test_averages_and_their_derivatives(name, way):
    system = SYSTEMS[name]
    constants = tuple(map(jnp.asarray, system.constants))
    ts = jnp.asarray(system.ts)
    run = observed(name, way)
    # values from the same run, so that it is compiled once
    slopes, got = jax.jacrev(lambda c: (run(c, ts),) * 2, has_aux=True)(constants)
    want = system.averages(constants, ts)
    # tolerances of 1e-12 a step, steps of .01 to the fourth order, levels beyond 16
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)
    exact = jax.jacrev(system.averages)(constants, ts)
    for one, other in zip(slopes, exact, strict=True):
        # a derivative grows like t: as much larger than values as it is itself
        size = max(1.0, float(np.max(np.abs(other))))
        # between adaptive steps states are interpolated, whose error has slopes too
        most = 1e-8 if "adaptive" in way else 1e-9
        np.testing.assert_allclose(one, other, rtol=0, atol=most * size)


HESSIANS = [
    pytest.param(
        name, way,
        marks=pytest.mark.slow if name != "constant" or way == "adaptive" else (),
    )
    for name, way in (
        ("constant", "propagator"), ("constant", "fixed direct"),
        ("constant", "adaptive"), ("oscillating", "fixed checkpointed"),
        ("oscillating", "fixed direct"), ("oscillating", "adaptive"),
        ("cavity", "fixed checkpointed"), ("cavity", "propagator"),
        ("steps", "fixed checkpointed"), ("steps", "adaptive"),
    )
]  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "way"), HESSIANS)
def test_second_derivatives(name, way):
    """`jax.hessian`, with the default adjoint of adaptive steps."""
    system = SYSTEMS[name]
    constants = tuple(map(jnp.asarray, system.constants))
    ts = jnp.asarray(system.ts)[jnp.array([0, -1])]
    run = observed(name, way)

    def total(of):
        return lambda c: of(c, ts)[:, -1] @ jnp.arange(1.0, 1 + len(system.operators))

    got = jax.jit(jax.hessian(total(run)))(constants)
    want = jax.hessian(total(system.averages))(constants)
    size = max(float(np.max(np.abs(x))) for x in jax.tree.leaves(want))
    assert size > 0.05  # there is something to compare
    for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        # twice as many derivatives of the error of a step as of a value
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-8 * max(1.0, size))


@pytest.mark.slow
def test_second_derivatives_by_default():
    """`jqd.Adaptive()` as it is, with its error bars."""
    e, w = 3.0, 10.0

    def last(c):
        law = jqd.Schrodinger(SYSTEMS["oscillating"].hamiltonian(c))
        run = jqd.evolve(law, UP, [0.0, 0.3], method=jqd.Adaptive(), observe="density")
        return run.values[-1, 1]

    def closed(c):
        return jnp.sin(c[0] / c[1] * jnp.sin(0.3 * c[1])) ** 2

    got = jax.jit(jax.hessian(last))((e, w))
    want = jax.hessian(closed)((e, w))
    # steps of tolerance 1e-9, two derivatives
    np.testing.assert_allclose(
        np.ravel(jax.tree.leaves(got)), np.ravel(jax.tree.leaves(want)), atol=1e-6
    )


# -- all columns at once ---------------------------------------------------------------


def unitary(hamiltonian, ts, substeps=100):
    """U(t, ts[0]), (T, n, n)."""
    law = jqd.Schrodinger(hamiltonian)
    method = jqd.Fixed(None, substeps, estimate_error=False)

    def column(psi):
        return jqd.evolve(law, psi, ts, method=method).values

    size = law.hamiltonian.levels
    return jax.vmap(column, in_axes=1, out_axes=2)(jnp.eye(size) + 0j)


def expm(matrix, time):
    return scipy.linalg.expm(-1j * np.asarray(matrix) * time)


def test_two_trains_of_flat_pulses():
    """On other grids of time, along axes that do not commute."""
    one = jqd.spaces.sampled_pulse([0.0, 1.0, 2.0], [3.0, -2.0], "steps")
    two = jqd.spaces.sampled_pulse([0.0, 0.5, 1.0, 2.5], [4.0, -5.0, 1.0], "steps")
    U = unitary(jqd.driven(0 * SX, (SY, one), (SX, two)), [0.0, 0.5, 1.0, 2.5])
    first = expm(3 * SY + 4 * SX, 0.5)
    second = expm(3 * SY - 5 * SX, 0.5) @ first
    third = expm(SX, 0.5) @ expm(-2 * SY + SX, 1.0) @ second
    # flat between jumps, where steps end: an exponential's rounding, 400 times
    np.testing.assert_allclose(U[1:], [first, second, third], rtol=0, atol=1e-12)


def test_constant_matrices():
    H = np.random.default_rng(42).normal(size=(3, 2, 2, 2)) @ np.array([1, 1j])
    for one in H + np.conj(np.swapaxes(H, 1, 2)):
        law = jqd.Schrodinger(one)
        run = jax.vmap(
            lambda psi, law=law: jqd.evolve(law, psi, [0.0, 5.0, 10.0]).values,
            in_axes=1, out_axes=2,
        )(jnp.eye(2) + 0j)  # fmt: skip
        exact = [expm(one, t) for t in (0.0, 5.0, 10.0)]
        # phases of some 30 radians
        np.testing.assert_allclose(run, exact, rtol=0, atol=1e-13)


def test_quasi_energies():
    """A rotating field in its own frame: U over a period has phases ±Ω T/2."""
    omega, drive, amp = 2 * np.pi, 1.95 * np.pi, 0.1
    H = 0.5 * (omega - drive) * SZ + 0.5 * amp * SX
    period = 2 * np.pi / drive
    U = np.asarray(unitary(jqd.driven(H, (SX, jnp.zeros_like)), [0.0, period])[-1])
    phases = np.sort(np.angle(np.linalg.eigvals(U)))
    rabi = np.hypot(omega - drive, amp)
    exact = np.array([-0.5, 0.5]) * rabi * period
    np.testing.assert_allclose(phases, exact, rtol=0, atol=1e-12)


def test_a_product_of_many():
    """H = h ⊗ .. ⊗ h of eight qubits: its levels are products of levels."""
    rng = np.random.default_rng(3)
    H, levels, vectors = np.eye(1), np.ones(1), np.eye(1)
    for _ in range(8):
        h = rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
        level, vector = np.linalg.eigh((h + h.conj().T) / 2)
        H = np.kron(H, (h + h.conj().T) / 2)
        levels, vectors = np.kron(levels, level), np.kron(vectors, vector)
    start = np.zeros(256, complex)
    start[-1] = 1
    run = jqd.evolve(jqd.Schrodinger(H), start, np.linspace(0, 1, 11))
    phases = np.exp(-1j * np.linspace(0, 1, 11)[:, None] * levels)
    exact = (phases * (vectors.conj().T @ start)) @ vectors.T
    # an eigenbasis of 256, phases of at most max |level|
    np.testing.assert_allclose(run.values, exact, rtol=0, atol=1e-11)


# -- the forms in which QuTiP takes a Hamiltonian --------------------------------------


# QuTiP compiles a text where it can, and says where it cannot
@pytest.mark.filterwarnings("ignore:`cython`, `setuptools` and `filelock`")
@pytest.mark.parametrize(
    "form",
    [
        "list",
        "function",
        pytest.param("samples", marks=pytest.mark.slow),
        pytest.param("text", marks=pytest.mark.slow),
        "evo",
    ],
)
def test_forms_of_qutip(form):
    qutip = pytest.importorskip("qutip")
    system = SYSTEMS["decaying"]
    H = np.pi * qutip.sigmax()
    times = np.linspace(0, 20, 200)
    made = {
        "list": lambda: [[H, lambda t: jnp.exp(-0.5 * t)]],
        "function": lambda: lambda t: np.pi * SX * jnp.exp(-0.5 * t),
        "samples": lambda: qutip.QobjEvo([[H, np.exp(-0.5 * times)]], tlist=times),
        "text": lambda: qutip.QobjEvo([[H, "exp(-alpha*t)"]], args={"alpha": 0.5}),
        "evo": lambda: qutip.QobjEvo(
            lambda t, alpha: H * np.exp(-alpha * t), args={"alpha": 0.5}
        ),
    }[form]()
    if form == "evo":
        with pytest.raises(ValueError, match="give that function itself"):
            jqd.Schrodinger(made)
        return
    run = jqd.evolve(
        jqd.Schrodinger(made), UP, system.ts, method=jqd.Fixed(None, 200)
    )  # fmt: skip
    exact = np.stack([system.state((np.pi, 0.5), t) for t in system.ts])
    # samples: a spline of step .1, f''''h⁴/384 = 2e-8 of a rate of π over its ends
    atol = 1e-6 if form == "samples" else 1e-9
    np.testing.assert_allclose(run.values, exact, rtol=0, atol=atol)


@pytest.mark.sampled
@pytest.mark.parametrize(
    "hamiltonian",
    [
        lambda: 0.2 * np.pi * SZ + np.pi * SX,
        lambda: [[0.2 * np.pi * SZ, lambda t: 0.5 * t],
                 [np.pi * SX, lambda t: jnp.cos(0.35 * t)]],
    ],
    ids=["constant", "swept"],
)  # fmt: skip
def test_columns_of_the_propagator(hamiltonian):
    """A state moves as the propagator says, one column or both."""
    ts = np.linspace(0, 20, 21)
    psi0 = np.array([0.6, 0.8j])
    U = unitary(hamiltonian(), ts, 400)
    law = jqd.Schrodinger(hamiltonian())
    run = jqd.evolve(law, psi0, ts, method=ADAPTIVE)
    # rk4 and cf4 at steps of .0025 of rates of 7, over 20
    np.testing.assert_allclose(run.values, U @ psi0, rtol=0, atol=2e-8)
