"""Every way to differentiate a run gives the same numbers."""

import functools

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Adaptive, Fixed, Grid, Propagator, Schrodinger, constants, evolve
from jqd.exact import coherent_state
from jqd.laws import Exact, Law
from jqd.problems import golden
from jqd.steppers import Flows, chin4a, general_flow, rk4, srkn11, strang

GRID = Grid((-8.0, 8.0), 48)
TS = jnp.array([0.2, 0.5, 0.6])  # unequal intervals, not from 0


def well(x, k, tilt):
    return k * x**2 / 2 + tilt * x


def shaken(x, t, k, tilt):
    return k * x**2 / 2 + tilt * x * jnp.sin(2 * t)


def law_of(V):
    return Schrodinger.on_grid(GRID, V, mass=1.2, hbar=0.9, k=1.1, tilt=0.4)


def packet():
    psi = coherent_state(GRID.x, 0.0, center=0.7, mass=1.2, hbar=0.9)
    return jnp.stack([psi.real, psi.imag])


def look(t, psi):
    """Something that depends on the state, its phase and on the time itself."""
    x = GRID.x
    return {
        "x": GRID.integrate(x * jnp.abs(psi) ** 2) + t**2,
        "p": GRID.integrate(jnp.imag(jnp.conj(psi) * jnp.roll(psi, 1))),
    }


@functools.cache
def gradients(V, stepper, gradient, substeps=4):
    method = Fixed(stepper, substeps, gradient=gradient, estimate_error=False)

    def loss(law, parts, ts):
        state = jax.lax.complex(parts[0], parts[1])
        values = evolve(law, state, ts, method=method, observe=look).values
        return jnp.sum(values["x"] ** 2) + 3 * values["p"][-1] + values["p"][0]

    slopes = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))(law_of(V), packet(), TS)
    return slopes


def leaves(tree):
    return {
        jax.tree_util.keystr(path): np.asarray(leaf)
        for path, leaf in jax.tree.leaves_with_path(tree)
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("V", "stepper"),
    [
        (well, strang),
        pytest.param(shaken, srkn11, marks=pytest.mark.slow),
        pytest.param(well, srkn11, marks=pytest.mark.slow),
        pytest.param(well, chin4a, marks=pytest.mark.slow),
        pytest.param(shaken, strang, marks=pytest.mark.slow),
        pytest.param(shaken, chin4a, marks=pytest.mark.slow),
    ],
    ids=lambda z: getattr(z, "name", getattr(z, "__name__", None)),
)
def test_reversible_gradients_equal_the_others(V, stepper):
    """With respect to mass, hbar, constants of V, the state, and the times."""
    by_way = {
        way: leaves(gradients(V, stepper, way))
        for way in ("reversible", "direct", "checkpointed")
    }
    for way in ("direct", "checkpointed"):
        for name, slope in by_way[way].items():
            # rounding of some hundred flows in sums of 48 points
            np.testing.assert_allclose(
                by_way["reversible"][name], slope, rtol=1e-11, atol=1e-12, err_msg=name
            )
            assert np.max(np.abs(slope)) > 1e-3, name
    assert len(by_way["direct"]) == 6  # k, tilt, mass, hbar, state, ts
    # Negative control: the gradient at twice the number of steps differs.
    if stepper is strang:
        other = leaves(gradients(V, stepper, "direct", 5))
        worst = max(np.max(np.abs(other[n] - s)) for n, s in by_way["direct"].items())
        assert worst > 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("stepper", [strang, srkn11])
def test_second_derivatives_by_stepping_back(stepper):
    """`jax.hessian`: forward mode over the gradient that steps back."""

    def loss(constants, gradient):
        method = Fixed(stepper, 4, gradient=gradient, estimate_error=False)
        law = Schrodinger.on_grid(GRID, shaken, k=constants[0], tilt=constants[1])
        state = jax.lax.complex(*packet())
        values = evolve(law, state, TS, method=method, observe=look).values
        return jnp.sum(values["x"] ** 2) + 3 * values["p"][-1]

    by_way = [
        jax.hessian(lambda c, way=way: loss(c, way))(jnp.array([1.1, 0.4]))
        for way in ("reversible", "direct")
    ]
    # rounding of some hundred flows in sums of 48 points
    np.testing.assert_allclose(by_way[0], by_way[1], rtol=1e-10, atol=1e-11)
    assert np.min(np.abs(by_way[0])) > 1e-4


@pytest.mark.slow
def test_reversible_gradient_against_a_difference():
    slopes = gradients(shaken, srkn11, "reversible")
    method = Fixed(srkn11, 4, estimate_error=False)
    state = jax.lax.complex(*packet())

    @jax.jit
    def loss(law, ts):
        values = evolve(law, state, ts, method=method, observe=look).values
        return jnp.sum(values["x"] ** 2) + 3 * values["p"][-1] + values["p"][0]

    law, h = law_of(shaken), 1e-5

    def difference(change):
        return float((loss(*change(h)) - loss(*change(-h))) / (2 * h))

    def mass(h):
        return law.__class__(
            law.hamiltonian.__class__(
                law.hamiltonian.potential, law.hamiltonian.mass + h, GRID
            ),
            law.hbar,
        ), TS

    # central differences: h^2 and rounding / h are both 1e-10
    np.testing.assert_allclose(
        slopes[0].hamiltonian.mass, difference(mass), rtol=1e-7, atol=1e-8
    )
    for i in range(3):
        slope = difference(lambda h, i=i: (law, TS.at[i].add(h)))
        np.testing.assert_allclose(slopes[2][i], slope, rtol=1e-7, atol=1e-8)
        assert abs(slopes[2][i] * 1.0001 - slope) > 1e-7  # Negative control


@pytest.mark.slow
def test_reversible_values_equal_the_others():
    state = jax.lax.complex(*packet())
    for V in (well, shaken):
        runs = [
            evolve(law_of(V), state, TS, method=Fixed(srkn11, 4, gradient=way))
            for way in ("reversible", "direct")
        ]
        np.testing.assert_allclose(runs[0].values, runs[1].values, rtol=0, atol=1e-14)
        np.testing.assert_allclose(runs[0].error, runs[1].error, rtol=0, atol=1e-13)


class NotUnitary(Law):
    def prepare(self, psi):
        return psi

    def vector_field(self, t, state, args=None):
        return -state

    def exact(self):
        flow = general_flow(lambda t, y, dt: y * jnp.exp(-dt / 2))
        return Exact(flows=lambda: Flows(flow, flow))

    def step(self, t, state, dt):
        return strang(self, t, state, dt)

    def density(self, state):
        return state


def test_only_phases_can_be_reversed():
    y0, ts = jnp.array([1.0]), jnp.array([0.0, 1.0])
    run = evolve(NotUnitary(), y0, ts, method=Fixed(strang, 3, estimate_error=False))
    np.testing.assert_allclose(run.values[-1], np.exp(-1), rtol=1e-15 * 10)
    with pytest.raises(ValueError, match="must not be 'reversible' for this law"):
        evolve(NotUnitary(), y0, ts, method=Fixed(strang, 3, gradient="reversible"))


# -- other methods --------------------------------------------------------------------


def populations(law, method):
    _, psi = golden()
    run = evolve(law, psi, jnp.array([0.0, 0.4, 1.0]), method=method, observe="density")
    return run.values


def adaptive(adjoint):
    return Adaptive(rtol=1e-10, atol=1e-10, adjoint=adjoint, estimate_error=False)


POINT = jnp.array([-0.7, 0.4])


def moved(law, z):
    """r and omega_1, in which the rates are smooth.

    In q they have a kink, where adaptive steps, chosen for the values, lose digits of
    the gradient.
    """
    omega = law.omega.at[1].set(z[1])
    return constants.unpack(constants.unpack(law, "r", z[:1]), "omega", omega)


@functools.cache
def fixed_jacobian():
    """d density / d(r, omega_1) of a fine run, by forward mode."""
    law, _ = golden(0.5, -0.7)
    method = Fixed(rk4, 100, estimate_error=False)

    def f(z):
        return populations(moved(law, z), method)

    return np.asarray(jax.jit(jax.jacfwd(f))(POINT))


WEIGHT = np.random.default_rng(3).normal(size=(3, 3))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("adjoint", "mode"),
    [
        (diffrax.RecursiveCheckpointAdjoint(), "reverse"),
        (diffrax.ForwardMode(), "forward"),
        pytest.param(diffrax.DirectAdjoint(), "reverse", marks=pytest.mark.slow),
        pytest.param(diffrax.DirectAdjoint(), "forward", marks=pytest.mark.slow),
    ],
    ids=["checkpoint", "forward", "direct-reverse", "direct-forward"],
)
def test_gradients_through_adaptive_steps(adjoint, mode):
    law, _ = golden(0.5, -0.7)
    method = adaptive(adjoint)

    def loss(z):
        return jnp.sum(WEIGHT * populations(moved(law, z), method))

    derivative = jax.grad if mode == "reverse" else jax.jacfwd
    slope = jax.jit(derivative(loss))(POINT)
    expected = np.einsum("ta,tai->i", WEIGHT, fixed_jacobian())
    # tolerance 1e-10 a step over some tens of steps; RK4 has h^4 at h = 1/200; the
    # derivative amplifies both
    np.testing.assert_allclose(slope, expected, rtol=0, atol=1e-6)
    assert np.min(np.abs(expected)) > 1e-3
    with pytest.raises(AssertionError):  # Negative control
        np.testing.assert_allclose(1.001 * slope, expected, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_gradient_through_the_propagator():
    """exp(-iHt) by its eigenbasis, against a fine Runge-Kutta run."""
    copying, psi = golden()
    H = copying.hamiltonian()
    ts = jnp.array([0.0, 0.4, 1.0])

    def loss(scale, method):
        run = evolve(Schrodinger(scale * H), psi, ts, method=method, observe="density")
        return jnp.sum(WEIGHT * run.values)

    slopes = [
        jax.jit(jax.grad(functools.partial(loss, method=method)))(1.0)
        for method in (Propagator(), Fixed(rk4, 200, estimate_error=False))
    ]
    # RK4: h^4 at h = 1/400
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=0, atol=1e-9)
    assert abs(slopes[0]) > 0.01
    # Chebyshev on a grid, where terms are given
    state = jax.lax.complex(*packet())

    def position(k, method):
        law = Schrodinger.on_grid(GRID, well, mass=1.2, hbar=0.9, k=k, tilt=0.4)
        return evolve(law, state, TS, method=method, observe=look).values["x"][-1]

    slopes = [
        jax.jit(jax.grad(functools.partial(position, method=method)))(1.1)
        for method in (Propagator(terms=80), Fixed(srkn11, 20, estimate_error=False))
    ]
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=0, atol=1e-9)
    assert abs(slopes[0]) > 0.01
