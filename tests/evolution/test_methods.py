"""Values, error bars and arguments of the three methods."""

import re

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

from jqd import Adaptive, Fixed, Grid, Propagator, Schrodinger, evolve
from jqd.exact import matrices, on_grids
from jqd.laws import ClassicalDiffusion
from jqd.problems import golden
from jqd.steppers import rk4, srkn11, strang

TS = jnp.array([0.5, 0.6, 1.1, 1.3, 2.2])  # unequal, and not from 0
GRID = Grid((-np.pi, np.pi), 32)


def pendulum(x, depth):
    return depth * (1 - jnp.cos(x))


def particle():
    law = Schrodinger.on_grid(GRID, pendulum, depth=2.5, mass=1.2, hbar=0.9)
    psi = jnp.exp(-2 * (1 - jnp.cos(GRID.x - 0.8)) + 1j * GRID.x)
    return law, GRID.normalise(psi)


def golden_matrix():
    law, psi = golden()
    return Schrodinger(law.hamiltonian()), psi


def exact(name):
    if name == "particle":
        _, psi = particle()
        V = pendulum(GRID.x, 2.5)
        return on_grids.propagate(GRID, V, psi, TS, mass=1.2, hbar=0.9)
    law, psi = golden()
    return matrices.propagate(law.hamiltonian(), psi, TS)


SET_UPS = {"copying": golden, "matrix": golden_matrix, "particle": particle}
# (set-up, method, how far the true error may lie below and above the estimate)
CASES = {
    "copying-fixed": ("copying", Fixed(rk4, 30), 0.5, 2.0),
    "copying-own": ("copying", Fixed(substeps=30), 0.04, 2.0),
    "copying-adaptive": ("copying", Adaptive(rtol=1e-8, atol=1e-8), 0.0, 1.0),
    "matrix-propagator": ("matrix", Propagator(), 0.0, 1.0),
    "particle-strang": ("particle", Fixed(strang, 30), 0.5, 2.0),
    "particle-srkn11": ("particle", Fixed(srkn11, 3), 0.3, 3.0),
    "particle-chebyshev": ("particle", Propagator(), 0.0, 1.0),
    "particle-adaptive": ("particle", Adaptive(rtol=1e-8, atol=1e-8), 0.0, 1.0),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.bits
def test_error_bars_hold(case):
    """Fixed: the estimate is the error, within a factor; others: it is a bound."""
    name, method, low, high = CASES[case]
    law, psi = SET_UPS[name]()
    run = evolve(law, psi, TS, method=method)
    true = np.max(np.abs(run.values - exact(name)))
    estimate = np.max(run.error)
    assert low * estimate <= true <= high * estimate
    # all methods agree with the exact values, in a few digits at least
    assert true < (2e-2 if isinstance(method, Fixed) else 1e-6)
    assert run.error.shape == run.values.shape == (5, *psi.shape)
    np.testing.assert_allclose(run.values[0], psi, rtol=0, atol=1e-15)  # an eigenbasis
    np.testing.assert_array_equal(run.ts, TS)
    assert run.ok
    assert run.failure_time == np.inf
    assert run.diagnostics["norm_drift"] < 1e-5
    # Negative control: the bar is too short for a time that is off by 1e-2.
    late = evolve(law, psi, TS + 1e-2 * (TS - TS[0]), method=method)
    assert np.max(np.abs(late.values - exact(name))) > high * estimate


def test_error_bars_hold_where_adaptive_steps_only_grow():
    """Each step is ten times the one before, whatever the tolerance, up to the end.

    The last one is half of the run or more, and states within it are interpolated. A
    check run with the same steps would differ by nothing.
    """
    flip, one = np.array([[0, 1], [1, 0]]), np.eye(2)
    H = 0.5 * np.kron(flip, one) + 0.4 * np.kron(one, flip)
    psi = np.sqrt([0.4, 0.3, 0.2, 0.1]) * np.exp(1j * np.arange(4))
    ts = jnp.linspace(0, 0.6, 8)
    run = evolve(Schrodinger(H), psi, ts, method=Adaptive())
    wrong = np.max(np.abs(run.values - matrices.propagate(H, psi, ts)))
    # of tolerances of 1e-9 a step
    assert 1e-10 < wrong < 1e-6
    # the difference holds the error of the check as well, which is less or as much
    assert wrong < 1.5 * np.max(run.error)


@pytest.mark.sampled
@pytest.mark.parametrize("case", ["copying", "particle"])
def test_the_estimate_is_the_error_itself(case):
    """Richardson's factor: with many small steps the two agree to a few per cent."""
    law, psi = SET_UPS[case]()
    # of order 4 and of order 2: what the next term leaves is the step, or its square
    method = Fixed(rk4, 60) if case == "copying" else Fixed(strang, 60)
    run = evolve(law, psi, TS[:3], method=method)
    states = exact(case)[:3]
    true = np.linalg.norm(run.values[-1] - states[-1])
    assert np.linalg.norm(run.error[-1]) == pytest.approx(true, rel=0.03)


@pytest.mark.parametrize("name", ["matrix", "particle"])
def test_bounds_of_a_propagator_know_hbar(name):
    """H and ħ, both ten times smaller, are the same motion with the same bound."""
    law, psi = SET_UPS[name]()
    small = Schrodinger(law.hamiltonian, law.hbar)
    scaled = eqx.tree_at(lambda law: law.hbar, law, law.hbar / 10)
    if name == "matrix":
        where = lambda law: law.hamiltonian.matrix  # noqa: E731
        scaled = eqx.tree_at(where, scaled, where(small) / 10)
    else:
        # p²/2m with ħ/10 is a tenth where m is a tenth
        where = lambda law: (  # noqa: E731
            law.hamiltonian.mass,
            law.hamiltonian.potential.function.keywords["depth"],
        )
        mass, depth = where(small)
        scaled = eqx.tree_at(where, scaled, (mass / 10, depth / 10))
    method = Propagator() if name == "matrix" else Propagator(terms=60)
    one, other = (evolve(law, psi, TS, method=method) for law in (law, scaled))
    np.testing.assert_allclose(other.values, one.values, rtol=0, atol=1e-12)
    # rounding makes up some of what a series leaves of the norm
    np.testing.assert_allclose(other.error, one.error, rtol=0.3)


def test_the_default_method_fits_the_law():
    for name in ("copying", "matrix"):
        law, psi = SET_UPS[name]()
        run = evolve(law, psi, TS)
        # Adaptive at 1e-9, and an eigenbasis
        np.testing.assert_allclose(run.values, exact(name), rtol=0, atol=1e-7)
        assert ("num_steps" in run.diagnostics) == (name == "copying")


SLOW = {"copying-adaptive", "particle-adaptive"}


@pytest.mark.sampled
@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=pytest.mark.slow) if c in SLOW else c for c in CASES],
)
def test_one_time_is_enough(case):
    """Also under jit, also one that is traced."""
    name, method, *_ = CASES[case]
    law, psi = SET_UPS[name]()
    if case == "particle-chebyshev":
        method = Propagator(terms=30)

    def run(ts):
        return evolve(law, psi, ts, method=method, observe="density")

    for once in (run(jnp.array([0.7])), jax.jit(run)(jnp.array([0.7]))):
        assert once.ok
        assert once.values.shape == (1, *psi.shape)
        # the state itself, whose |psi|^2 jit may round differently
        np.testing.assert_allclose(once.values[0], law.density(psi), rtol=1e-15)
        np.testing.assert_allclose(once.error, 0, atol=1e-15)
    # Negative control: two times do move.
    assert np.max(np.abs(run(jnp.array([0.7, 1.0])).values[1] - once.values[0])) > 0.01


@pytest.mark.slow
def test_traced_counts_equal_substeps_and_compile_once():
    law, psi = golden()
    traces = []

    @jax.jit
    def run(counts):
        traces.append(1)
        method = Fixed(rk4, counts=counts)
        return evolve(law, psi, TS, method=method)

    for steps in (4, 7):
        fixed = evolve(law, psi, TS, method=Fixed(rk4, steps))
        counted = run(jnp.full(4, steps))
        # the same steps in another loop: rounding of 28 of them
        np.testing.assert_allclose(counted.values, fixed.values, rtol=0, atol=1e-14)
        np.testing.assert_allclose(counted.error, fixed.error, rtol=1e-6, atol=1e-14)
        assert counted.diagnostics["num_steps"] == 4 * steps
        assert fixed.diagnostics["num_steps"] == 4 * steps
    assert len(traces) == 1
    # Negative control: another number of steps is another value
    assert np.max(np.abs(counted.values - run(jnp.full(4, 4)).values)) > 1e-9
    # an interval of no steps is left out
    short = run(jnp.array([4, 0, 4, 4])).values
    np.testing.assert_array_equal(short[2], short[1])
    assert np.max(np.abs(short[3] - short[2])) > 0.01


def loops(jaxpr):
    """(turns, steps in a turn of the compiled loop) of each scan, outer ones first."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "scan":
            yield equation.params["length"], equation.params["unroll"]
        for inner in jaxprs_in_params(equation.params):
            yield from loops(inner)


# at seven times, which no other test has: JAX remembers programs, and no backend with
# them
@pytest.mark.parametrize(
    ("backend", "options", "expected"),
    [
        ("gpu", {"substeps": 121, "gradient": "direct"}, [(121, 8)]),
        # of √121 steps in a block, which is run anew in reverse mode
        ("gpu", {"substeps": 121}, [(11, 1), (11, 8)]),
        # no more than there are
        ("gpu", {"substeps": 3}, [(3, 3)]),
        # a traced number of steps is a loop of another kind
        ("gpu", {"counts": jnp.asarray(121)}, []),
        ("cpu", {"substeps": 143, "gradient": "direct"}, [(143, 1)]),
        ("cpu", {"substeps": 143}, [(13, 1), (11, 1)]),
    ],
)
def test_a_gpu_takes_several_steps_a_turn(monkeypatch, backend, options, expected):
    law, psi = golden(0.4)
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    ts = np.array([0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.8])
    method = Fixed(rk4, estimate_error=False, **options)
    run = lambda psi: evolve(law, psi, ts, method=method).values  # noqa: E731
    made = jax.make_jaxpr(run)(psi)
    assert list(loops(made.jaxpr)) == [(6, 1), *expected]


def test_counts_of_splittings():
    law, psi = particle()
    counted = evolve(
        law, psi, TS, method=Fixed(strang, counts=jnp.asarray(6), estimate_error=False)
    )
    fixed = evolve(law, psi, TS, method=Fixed(strang, 6, estimate_error=False))
    np.testing.assert_allclose(counted.values, fixed.values, rtol=0, atol=1e-14)


# -- observe --------------------------------------------------------------------------


class Overlap(eqx.Module):
    """An observable with an array of its own."""

    target: jax.Array

    def __call__(self, t, state):
        return jnp.abs(jnp.vdot(self.target, state)) ** 2 + 0 * t


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [Fixed(rk4, 20), Adaptive(rtol=1e-7), Propagator()],
    ids=["fixed", "adaptive", "propagator"],
)
def test_every_way_to_observe(method):
    law, psi = golden_matrix()
    states = evolve(law, psi, TS, method=method).values
    observe = {
        "density": "density",
        "time": lambda t, state: t,
        "overlap": Overlap(psi),
        "nested": {"state": None, "first": lambda t, state: state[0]},
    }
    run = evolve(law, psi, TS, method=method, observe=observe)
    values = run.values
    density = np.abs(states) ** 2
    # the same states, rounded anew
    np.testing.assert_allclose(values["density"], density, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(values["time"], TS)
    np.testing.assert_allclose(
        values["overlap"], np.abs(states @ psi.conj()) ** 2, rtol=0, atol=1e-14
    )
    np.testing.assert_allclose(values["nested"]["state"], states, rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        values["nested"]["first"], states[:, 0], rtol=0, atol=1e-14
    )
    assert jax.tree.structure(run.error) == jax.tree.structure(values)
    alone = evolve(law, psi, TS, method=method, observe="density").values
    np.testing.assert_allclose(alone, density, rtol=0, atol=1e-14)
    assert np.max(np.abs(density[1:] - density[0])) > 0.01  # they move


# -- what comes out -------------------------------------------------------------------


def test_to_qutip_and_xarray():
    qutip = pytest.importorskip("qutip")
    xarray = pytest.importorskip("xarray")
    law, psi = golden_matrix()
    run = evolve(law, psi, TS[:3], method=Propagator())  # 3 kets of 3: no operator
    kets = run.to_qutip()
    assert [ket.isket for ket in kets] == [True] * 3
    np.testing.assert_array_equal(kets[2].full()[:, 0], run.values[2])
    assert isinstance(kets[0], qutip.Qobj)
    dataset = run.to_xarray({"values": ("class",)})
    assert isinstance(dataset, xarray.Dataset)
    assert dataset["values"].dims == ("t", "class")
    np.testing.assert_array_equal(dataset.t, TS[:3])
    np.testing.assert_array_equal(dataset["values"].values, run.values)
    assert dataset.attrs["outcome"] == "The run reached its last time."
    several = evolve(law, psi, TS, observe={"a": None}, method=Propagator())
    with pytest.raises(ValueError, match="must hold one ket per time"):
        several.to_qutip()


# -- refused input --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ts", "message"),
    [
        ([0.0, 0.0], "`ts` must increase strictly"),
        ([1.0, 0.5], "`ts` must increase strictly"),
        ([], "`ts` must be a vector of at least one time"),
        (0.0, "`ts` must be a vector of at least one time"),
        ([0.0, np.nan], "`ts` must be finite"),
        ([0.0, 1j], "`ts` must be real"),
    ],
)
def test_refused_times(ts, message):
    law, psi = golden()
    with pytest.raises(ValueError, match=message):
        evolve(law, psi, ts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": rk4}, "`method` must be a Fixed, Adaptive or Propagator, but is"),
        ({"method": "rk4"}, "`method` must be a Fixed, Adaptive or Propagator, but"),
        ({"observe": "phase"}, "`observe` must be one of 'density'"),
        ({"observe": 3}, "`observe` must be a function of (t, state), the name of"),
        ({"observe": {"a": 3}}, "`observe` must be a function of (t, state)"),
        ({"method": Propagator()}, "`method` must not be a Propagator for this law"),
        ({"method": Fixed(strang)}, "`stepper` must not be a splitting for this law"),
    ],
)
def test_refused_methods_and_observables(options, message):
    law, psi = golden()
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        evolve(law, psi, TS, **options)


@pytest.mark.parametrize(
    "case",
    [
        "copying-fixed",
        # the same law: that what it is given becomes complex is seen above
        pytest.param("copying-adaptive", marks=pytest.mark.slow),
        "particle-strang",
        "particle-chebyshev",
    ],
)
def test_a_real_psi_is_that_complex_one(case):
    """Also under vmap."""
    name, method, *_ = CASES[case]
    law, psi = SET_UPS[name]()
    real = jnp.abs(psi)

    def density(psi):
        return evolve(law, psi, TS, method=method, observe="density").values

    expected = density(real + 0j)
    np.testing.assert_array_equal(density(real), expected)
    # rounding: a batch of one is another program
    np.testing.assert_allclose(jax.vmap(density)(real[None])[0], expected, atol=1e-12)


def test_a_real_density_stays_real():
    law = ClassicalDiffusion(GRID, D=0.1)
    run = evolve(law, law.prepare(GRID.normalise(jnp.exp(1j * GRID.x))), TS)
    assert run.values.dtype == jnp.float64


def test_refused_states():
    law, psi = golden()
    with pytest.raises(ValueError, match="`state0` must be finite"):
        evolve(law, psi.at[0].set(jnp.nan), TS)
    with pytest.raises(
        ValueError, match=r"`state0` must be a state of CopyDynamics, .* but is \{\}"
    ):
        evolve(law, {}, TS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"substeps": 0}, "`substeps` must be a positive integer, but is 0"),
        ({"substeps": 2.0}, "`substeps` must be a positive integer, but is 2.0"),
        ({"gradient": "adjoint"}, "`gradient` must be one of 'checkpointed', 'direct'"),
        ({"gradient": "reversible"}, "`gradient` must not be 'reversible' without a"),
        (
            {"gradient": "reversible", "stepper": rk4},
            "`gradient` must not be 'reversible' without a splitting",
        ),
    ],
)
def test_refused_settings(options, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        Fixed(**options)


def test_refused_propagators():
    def driven(x, t):
        return x * t

    law = Schrodinger.on_grid(GRID, driven)
    _, psi = particle()
    with pytest.raises(ValueError, match="it has no constant Hamiltonian"):
        evolve(law, psi, TS, method=Propagator())
    law, _ = particle()
    with pytest.raises(ValueError, match="`terms` must be given inside jit"):
        jax.jit(lambda law: evolve(law, psi, TS, method=Propagator()))(law)


@pytest.mark.slow
def test_an_independent_adaptive_solver_agrees():
    law, psi = golden(0.45, -0.6)
    one = evolve(law, psi, TS, method=Adaptive(rtol=1e-11, atol=1e-11))
    other = evolve(
        law, psi, TS, method=Adaptive(diffrax.Tsit5(), rtol=1e-11, atol=1e-11)
    )
    fixed = evolve(law, psi, TS, method=Fixed(rk4, 200))
    # what they tell of themselves: hundreds of steps of 1e-11, and interpolation
    told = float(np.max(one.error) + np.max(other.error))
    assert told < 1e-8
    np.testing.assert_allclose(one.values, other.values, rtol=0, atol=told)
    # the kink at q = 0.45 costs RK4 its order, h^2 locally
    np.testing.assert_allclose(fixed.values, one.values, rtol=0, atol=1e-7)
    other_law, _ = golden(0.45, -0.6 + 1e-5)
    moved = evolve(other_law, psi, TS, method=Fixed(rk4, 200)).values
    assert np.max(np.abs(moved - one.values)) > 3e-7  # Negative control


@pytest.mark.slow
def test_an_absolute_tolerance_is_relative_to_the_norm():
    """Sixty-four two-level systems that do not meet take the steps of one."""
    H, psi = np.array([[1.0, 0.4], [0.4, -1.0]]), np.array([0.8, 0.6j])
    method = Adaptive(rtol=0.0, atol=1e-8, estimate_error=False)
    steps = []
    for many in (1, 64):
        law = Schrodinger(np.kron(np.eye(many), H))
        start = np.kron(np.ones(many), psi) / np.sqrt(many)
        run = evolve(law, start, jnp.array([0.0, 20.0]), method=method)
        steps.append(int(run.diagnostics["num_steps"]))
    assert steps[0] == steps[1]


def test_the_error_goes_by_the_order_of_the_law_s_own_step():
    """Of order 2 the change by halving is 3/4 of the error, of order 4 it is 15/16."""
    matrix = np.array([[0.0, 1.0], [1.0, 0.3]])
    psi, ts = jnp.array([1.0 + 0j, 0.0]), jnp.array([0.0, 1.0])
    law = Schrodinger(matrix)
    run = evolve(law, psi, ts, method=Fixed(None, 20), observe="density")
    w, v = np.linalg.eigh(matrix)
    want = np.abs((v * np.exp(-1j * w)) @ v[0].conj()) ** 2
    wrong = np.abs(run.values[-1] - want)
    # the next order is a twentieth of this one; a factor of order 1 would give 1.9
    np.testing.assert_allclose(run.error[-1] / wrong, 1, rtol=0, atol=0.1)
    pulsed = Schrodinger([matrix, [matrix, jnp.cos]])
    orders = [Fixed().order(one) for one in (law, particle()[0], pulsed)]
    assert orders == [4, 2, 4]


@pytest.mark.parametrize(
    ("method", "observe", "size"),
    [
        # per time: values and errors of 3 populations, and a ket of 3 amplitudes
        (Propagator(), "density", 2 * 3 * 8 + 3 * 16),
        (Fixed(substeps=1), None, 2 * 3 * 16),
        (Adaptive(), lambda t, psi: jnp.abs(psi[0]), 2 * 8),
    ],
)
def test_times_that_memory_does_not_hold_are_refused(
    monkeypatch, method, observe, size
):
    monkeypatch.setattr("jqd._checks.free_memory", lambda: 2**24)
    law, psi = golden_matrix()
    ts = np.linspace(0.0, 1.0, 3_000_000)
    says = (
        rf"`ts` must fit into memory, but .* 3000000 times.* {3e6 * size / 2**30:.3g}"
    )
    with pytest.raises(ValueError, match=says):
        evolve(law, psi, ts, method=method, observe=observe)
