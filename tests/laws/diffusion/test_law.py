"""The law itself: input it refuses, statuses it gives, limits it has."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import ConservativeDiffusion, Grid, Madelung, Schrodinger, constants
from jqd.exact import free_gaussian
from jqd.laws import AmplitudeAction
from jqd.laws.diffusion import Links, Window
from jqd.spaces import Graph, absorbing_layer

GRID = Grid((-8.05, 7.95), 64)
PLANE = Grid(((-5.0, 5.0), (-5.0, 5.0)), (24, 24))


def flat(x):
    return 0 * x


def packet(grid=GRID, momentum=0.5, width=0.8):
    psi = free_gaussian(grid.x, 0.0, momentum=momentum, width=width)
    return grid.normalise(psi)


def vortex():
    x, y = PLANE.coordinates
    return PLANE.normalise(((x - 0.1) + 1j * (y - 0.1)) * jnp.exp(-(x**2 + y**2) / 2))


def make(space=GRID, V=flat, D=0.5, **options):
    return ConservativeDiffusion(space, V, D, **options)


REFUSALS = {
    "negative D": (lambda: make(D=-0.5), "`D` must be positive"),
    "D = 0": (lambda: make(D=0.0), "`D` must be positive"),
    "D of another shape": (lambda: make(D=np.ones(5)), "`D` must have shape"),
    "negative mass": (lambda: make(mass=-1.0), "`mass` must be positive"),
    "negative friction": (lambda: make(friction=-0.1), "`friction` must not be neg"),
    "anti-diffusion": (
        lambda: make(classical_diffusion=-0.1), "`classical_diffusion` must not be neg",
    ),
    "potential of another shape": (
        lambda: make(V=np.zeros(63)), "`V` must have the grid's shape",
    ),
    "potential on a graph": (
        lambda: make(Graph([[0, 1]]), np.zeros(3)), "`V` must have shape",
    ),
    "potential not finite": (
        lambda: make(V=np.full(64, np.nan)), "`V` must be finite",
    ),
    "unknown form": (lambda: make(form="psi"), "`form` must be one of"),
    "unknown boundary": (lambda: make(boundary="open"), "`boundary` must be one of"),
    "amplitude with friction": (
        lambda: make(friction=0.1, form="amplitude"), "not linear in ψ",
    ),
    "amplitude on a graph": (
        lambda: make(Graph([[0, 1]]), np.zeros(2), form="amplitude"), "needs a grid",
    ),
    "window in the plane": (
        lambda: make(PLANE, lambda x, y: 0 * x + 0 * y, form="window"), "1 dimension",
    ),
    "window on a ring": (
        lambda: make(form="window", boundary="periodic"), "a packet has two ends",
    ),
    "friction on a ring": (
        lambda: make(friction=0.1, boundary="periodic"), "jump at the seam",
    ),
    "links with an absorber": (
        lambda: make(form="links", absorber=np.ones(64)), "`absorber` must be None",
    ),
    "unknown order": (lambda: Links(3), "`order` must be one of"),
    "odd window": (lambda: Window(deviations=20.0), "`points` and `deviations`"),
    "not normalised": (lambda: make().prepare(2 * packet()), "must be normalised"),
    "wrong shape": (lambda: make().prepare(jnp.ones(5)), "must have shape"),
    "negative density": (
        lambda: make().prepare((-jnp.ones(64), jnp.zeros(64))), "not be negative",
    ),
    "packet wider than the box": (
        lambda: make(form="window").prepare(packet(width=2.0)), "must fall off inside",
    ),
    "vortex and another D": (
        lambda: make(PLANE, lambda x, y: 0 * x + 0 * y, 0.4).prepare(vortex()),
        "single-valued action",
    ),
}  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    call, message = REFUSALS[name]
    with pytest.raises(ValueError, match="Argument") as caught:
        call()
    assert message in str(caught.value)


def test_node_on_a_grid_point_is_refused_and_a_shift_helps():
    for lower, refused in ((-8.0, True), (-8.05, False)):
        grid = Grid((lower, lower + 16.0), 160)
        psi = grid.normalise((grid.x * jnp.exp(-(grid.x**2) / 2)).astype(complex))
        law = Madelung(grid, lambda x: x**2 / 2)
        if refused:
            with pytest.raises(ValueError, match="shift the grid by half a spacing"):
                law.prepare(psi)
        else:
            assert jnp.isfinite(law.prepare(psi).log_amplitude).all()


@pytest.mark.sampled
@pytest.mark.parametrize("form", ["amplitude", "links"])
def test_density_at_the_wall_is_said(form):
    law = make(form=form)
    ts = jnp.array([0.0, 1.0, 8.0])
    method = jqd.Adaptive(rtol=1e-6, atol=1e-6, estimate_error=False)
    run = jqd.evolve(
        law, law.prepare(packet(momentum=1.0)), ts, method=method, observe="density"
    )
    assert int(run.status) == jqd.Status.EDGE
    assert "enlarge" in run.describe()
    assert bool(jnp.isnan(run.values[-1]).all())
    assert bool(jnp.isfinite(run.values[1]).all())


@pytest.mark.slow
def test_step_budget_is_said():
    law = make(form="links")
    method = jqd.Adaptive(max_steps=16, estimate_error=False)
    run = jqd.evolve(law, law.prepare(packet()), jnp.array([0.0, 2.0]), method=method)
    assert int(run.status) == jqd.Status.STEP_BUDGET


@pytest.mark.slow
def test_momentum_beyond_the_cutoff_is_said():
    law = make()
    psi = packet(momentum=9.0)  # the cut-off of this grid is at 12.6
    run = jqd.evolve(law, law.prepare(psi), jnp.array([0.0, 0.1]))
    assert int(run.status) == jqd.Status.CUTOFF


def test_quantum_value_is_schroedinger_evolution():
    psi = packet()
    ts = jnp.array([0.0, 0.8])
    method = jqd.Fixed(jqd.steppers.srkn11, 10, estimate_error=False)

    def V(x):
        return 0.1 * x**4

    law = ConservativeDiffusion(GRID, V, mass=1.3, hbar=0.9)
    quantum = Schrodinger.on_grid(GRID, V, mass=1.3, hbar=0.9)
    assert constants.quantum_values(law)["D"] == pytest.approx(0.9 / 2.6)
    one = jqd.evolve(law, law.prepare(psi), ts, method=method, observe="density")
    two = jqd.evolve(
        quantum, quantum.prepare(psi), ts, method=method, observe="density"
    )
    chex.assert_trees_all_close(one.values, two.values, atol=1e-13)  # rounding


@pytest.mark.sampled
@pytest.mark.parametrize("factor", [0.3, 4.0])
def test_only_D_and_V_over_m_show(factor):
    """(m, ħ, V) -> c (m, ħ, V), the action with them, changes no density."""
    ts = jnp.array([0.0, 0.8])
    psi = packet()
    method = jqd.Fixed(jqd.steppers.srkn11, 10, estimate_error=False)

    def run(c, D=0.4):
        density, action = jnp.abs(psi) ** 2, 0.5 * GRID.x
        law = ConservativeDiffusion(GRID, lambda x: c * x**2 / 8, D, mass=c)
        return jqd.evolve(
            law, law.prepare((density, c * action)), ts, method=method,
            observe="density",
        ).values  # fmt: skip

    np.testing.assert_allclose(run(factor), run(1.0), atol=1e-13)
    assert float(jnp.max(jnp.abs(run(factor, 0.45) - run(1.0)))) > 1e-3


@pytest.mark.slow
def test_forms_agree_off_the_quantum_value():
    psi, ts = packet(), jnp.array([0.0, 0.5])
    method = jqd.Adaptive(rtol=1e-9, atol=1e-9, estimate_error=False)
    results = {}
    for form in ("amplitude", "links", "window"):
        law = make(D=0.3, V=lambda x: x**2 / 4, form=form, mass=1.2)
        run = jqd.evolve(law, law.prepare(psi), ts, method=method, observe="density")
        assert run.ok
        results[form] = run.values[-1]
    # h = 0.25: interpolation of the window 2e-6, dispersion of the links 1e-6
    for form in ("links", "window"):
        gap = jnp.max(jnp.abs(results[form] - results["amplitude"]))
        assert float(gap) < 2e-5, form


@pytest.mark.slow
def test_constants_are_leaves_and_one_trace_serves_all():
    law = make(form=Links(2), friction=0.1, classical_diffusion=0.05)
    assert set(constants.names(law)) == {
        "D", "mass", "friction", "classical_diffusion", "hbar",
    }  # fmt: skip
    state = law.prepare(packet())
    method = jqd.Fixed(jqd.steppers.rk4, 2, estimate_error=False)

    @jax.jit
    @chex.assert_max_traces(n=1)
    def middle(law):
        run = jqd.evolve(law, state, jnp.array([0.0, 0.01]), method=method)
        return jnp.sum(run.values.density[-1] * GRID.x**2)

    slope = jax.jit(jax.grad(middle))(law)
    for name in constants.names(law):
        if name == "hbar":  # of the state alone, which is prepared already
            continue
        assert float(jnp.abs(getattr(slope, name))) > 0, name
        h = 1e-5

        def moved(step, name=name):
            return constants.unpack(law, name, constants.pack(law, name) + step)

        difference = (middle(moved(h)) - middle(moved(-h))) / (2 * h)
        # second differences of a smooth function, and 1e-16 / h of rounding
        assert abs(float(getattr(slope, name) - difference)) < 1e-8, name


def test_batch_over_D_equals_single_runs():
    ts = jnp.array([0.0, 0.4])
    pair = make().admit((jnp.abs(packet()) ** 2, 0.5 * GRID.x))
    assert isinstance(pair, AmplitudeAction)
    method = jqd.Fixed(jqd.steppers.strang, 8, estimate_error=False)

    def run(D):
        law = make(D=D)
        return jqd.evolve(law, law.prepare(pair), ts, method=method, observe="density")

    Ds = jnp.array([0.3, 0.5, 0.7])
    batch = jax.jit(jax.vmap(run))(Ds)
    single = jnp.stack([jax.jit(run)(D).values for D in Ds])
    np.testing.assert_allclose(batch.values, single, atol=1e-14)  # rounding
    assert batch.status.shape == (3,)


def test_absorber_takes_the_packet():
    grid = Grid((-16.0, 16.0), 128)
    W = absorbing_layer(grid, 6.0, 8.0)
    law = ConservativeDiffusion(grid, flat, absorber=W)
    psi = grid.normalise(free_gaussian(grid.x, 0.0, momentum=3.0, width=2.0))
    run = jqd.evolve(
        law, law.prepare(psi), jnp.array([0.0, 12.0]), observe="density",
        method=jqd.Fixed(jqd.steppers.strang, 400, estimate_error=False),
    )  # fmt: skip
    left = grid.integrate(run.values[-1])
    assert float(left) < 1e-6
    assert float(run.diagnostics["max_absorbed"]) == pytest.approx(1 - float(left))
    assert "norm_drift" not in run.diagnostics


def test_complex64_stays():
    law = make()
    psi = packet().astype(jnp.complex64)
    run = jqd.evolve(
        law, law.prepare(psi), jnp.array([0.0, 0.4]),
        method=jqd.Fixed(jqd.steppers.strang, 8, estimate_error=False),
    )  # fmt: skip
    assert run.values.dtype == jnp.complex64


@pytest.mark.slow
def test_time_dependent_potential():
    def V(x, t):
        return -x * jnp.sin(t)

    psi, ts = packet(momentum=0.0), jnp.array([0.0, 1.5])
    law = make(V=V, form="links")
    run = jqd.evolve(law, law.prepare(psi), ts, observe="density")
    mean = GRID.integrate(run.values[-1] * GRID.x) - GRID.integrate(
        run.values[0] * GRID.x
    )
    # Ehrenfest: a = sin t. The step tolerance and the floor of the tails
    assert float(mean) == pytest.approx(1.5 - np.sin(1.5), abs=1e-6)
    assert "energy_drift" not in run.diagnostics


@pytest.mark.slow
def test_order_six_takes_a_double_well_to_1e_10():
    """145 steps of 11 FFT pairs over T = 10, against the dense eigenbasis."""
    grid = Grid((-12.0, 12.0), 256)
    V = (grid.x**2 - 4) ** 2 / 16
    psi = grid.normalise(jnp.exp(-((grid.x + 2) ** 2) + 0.6j * grid.x))
    ts = jnp.array([0.0, 10.0])
    law = ConservativeDiffusion(grid, V)
    method = jqd.Fixed(jqd.steppers.srkn11, 145, estimate_error=False)
    run = jqd.evolve(law, law.prepare(psi), ts, method=method)
    exact = jqd.exact.on_grids.propagate(grid, V, psi, ts)[-1]
    error = float(jnp.sqrt(grid.norm2(run.values[-1] - exact)))
    assert error < 1e-10
    # Negative control: as many transforms of order 2 are 1e5 times worse.
    method = jqd.Fixed(jqd.steppers.strang, 1600, estimate_error=False)
    run = jqd.evolve(law, law.prepare(psi), ts, method=method)
    assert float(jnp.sqrt(grid.norm2(run.values[-1] - exact))) > 1e-6
