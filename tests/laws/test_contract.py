"""What every law promises to fits: arrays, one trace, batches, derivatives."""

import functools

import chex
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import (
    ConservativeDiffusion,
    CopyDynamics,
    Fixed,
    Grid,
    Law,
    Madelung,
    Propagator,
    Schrodinger,
    constants,
    laws,
)
from jqd import evolve as evolve_law
from jqd.laws import AmplitudeAction, DensityPhase, Harmonics
from jqd.laws.diffusion import Links
from jqd.problems import golden
from jqd.steppers import chin4a, rk4, srkn11, strang

TS = np.array([0.0, 0.15, 0.35])
STEPS = 6


def triangle(a, b, c, sign):
    """(1, 3, 3), symmetric or antisymmetric."""
    upper = np.array([[0, a, b], [0, 0, c], [0, 0, 0]], dtype=float)
    return (upper + sign * upper.T)[None]


def copying(literal, with_harmonics):
    harmonics = None
    if with_harmonics:
        harmonics = Harmonics(
            (2,), triangle(0.1, 0.05, 0.2, 1), triangle(0.2, -0.4, 0.9, -1)
        )
    # generic exponents with q + r <= 0: every term of the law is at work
    return golden(0.45, -0.6, literal=literal, harmonics=harmonics)


def random_hermitian(seed, size):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return (a + a.conj().T) / 2


def dense():
    psi = np.array([0.5, 0.5j, -0.5, 0.5])
    return Schrodinger(random_hermitian(1, 4), hbar=0.9), jnp.asarray(psi)


def diagonal():
    psi = np.array([0.5, 0.5j, -0.5, 0.5])
    return Schrodinger(np.array([0.3, -0.2, 1.1, 0.7]), hbar=0.9), jnp.asarray(psi)


def well(*xs, k, tilt):
    return 0.5 * k * sum(x**2 for x in xs) + tilt * xs[0]


def on_line(x, k, tilt):
    return well(x, k=k, tilt=tilt)


def on_plane(x, y, k, tilt):
    return well(x, y, k=k, tilt=tilt)


def in_space(x, y, z, k, tilt):
    return well(x, y, z, k=k, tilt=tilt)


def driven(x, t, k, tilt):
    return well(x, k=k, tilt=tilt * jnp.sin(3 * t))


def particle(V, shape):
    grid = Grid(((-5.0, 5.0),) * len(shape), shape)
    law = Schrodinger.on_grid(grid, V, mass=1.2, hbar=0.9, k=1, tilt=0.3)
    xs = grid.coordinates
    psi = jnp.exp(-well(*xs, k=1.0, tilt=0.0) + 0.5j * xs[0])
    return law, grid.normalise(psi)


def hydrodynamic(kind):
    grid = Grid((-5.0, 5.0), 32)
    options = {"k": 1, "tilt": 0.3, "form": Links(4)}
    if kind == "madelung":
        law = Madelung(grid, on_line, mass=1.2, hbar=0.9, **options)
    else:
        # friction and the rest on: every term of the law is at work
        law = ConservativeDiffusion(grid, on_line, 0.4, 1.2, 0.1, 0.05, **options)
    psi = grid.normalise(jnp.exp(-(grid.x**2) / 2 + 0.5j * grid.x))
    return law, psi


SET_UPS = {
    "copying": functools.partial(copying, False, False),
    "copying-literal": functools.partial(copying, True, False),
    "copying-harmonics": functools.partial(copying, False, True),
    "copying-literal-harmonics": functools.partial(copying, True, True),
    "dense": dense,
    "diagonal": diagonal,
    "line": functools.partial(particle, on_line, (32,)),
    "plane": functools.partial(particle, on_plane, (12, 10)),
    "space": functools.partial(particle, in_space, (8, 9, 10)),
    "driven": functools.partial(particle, driven, (32,)),
    "madelung": functools.partial(hydrodynamic, "madelung"),
    "diffusion": functools.partial(hydrodynamic, "diffusion"),
}


def fixed(stepper, substeps=STEPS, **options):
    return Fixed(stepper, substeps, estimate_error=False, **options)


RUNGE_KUTTA = fixed(rk4, gradient="direct")
CASES = [
    ("copying", RUNGE_KUTTA),
    ("copying-literal", RUNGE_KUTTA),
    ("copying-harmonics", RUNGE_KUTTA),
    ("copying-literal-harmonics", RUNGE_KUTTA),
    ("dense", RUNGE_KUTTA),
    ("dense", Propagator()),
    ("diagonal", RUNGE_KUTTA),
    ("diagonal", Propagator()),
    ("line", fixed(strang)),
    ("line", fixed(chin4a)),
    ("plane", fixed(strang)),
    ("space", fixed(strang)),
    ("driven", fixed(srkn11, 2)),
    ("driven", fixed(strang, gradient="reversible")),
    # states with noise on every point are beyond what its grid resolves, and said to be
    ("diffusion", fixed(rk4, gradient="direct", heed_alarms=False)),
]


def title(case):
    name, method = case
    stepper = getattr(method, "stepper", None)
    parts = [name, getattr(stepper, "name", type(stepper or method).__name__)]
    return "-".join([*parts, "reversible"] if "reversible" in repr(method) else parts)


LONG = {
    "copying-harmonics-RungeKutta4",
    "copying-literal-harmonics-RungeKutta4",
    "line-chin4a",
    "space-strang",
    "driven-strang-reversible",
    "diffusion-RungeKutta4",
}
every_law = pytest.mark.parametrize("name", SET_UPS)
every_case = pytest.mark.parametrize("case", CASES, ids=title)


@functools.cache
def set_up(name):
    law, psi = SET_UPS[name]()
    return law, law.prepare(psi)


def amplitude(t, state):
    """Phases too: a diagonal Hamiltonian moves nothing else."""
    if isinstance(state, DensityPhase):
        return jax.lax.complex(state.density, state.phase)
    if isinstance(state, AmplitudeAction):
        return jax.lax.complex(state.log_amplitude, state.action)
    return state


@functools.cache
def runner(method):
    def run(law, state0):
        values = evolve_law(law, state0, TS, method=method, observe=amplitude).values
        return jnp.stack([jnp.real(values), jnp.imag(values)])

    return run, jax.jit(run)


def jiggle(tree, seed, size=0.05):
    """Another law or state near this one; Hermitian where a matrix is complex."""
    rng = np.random.default_rng(seed)

    def change(leaf):
        noise = rng.uniform(-size, size, leaf.shape)
        if leaf.ndim == 2 and leaf.shape[0] == leaf.shape[1]:
            noise = noise + noise.T
        return leaf + jnp.asarray(noise, leaf.dtype)

    return jax.tree.map(change, tree)


def assert_fittable(law):
    for path, leaf in jax.tree.leaves_with_path(law):
        where = jax.tree_util.keystr(path)
        assert isinstance(leaf, jax.Array), where
        assert jnp.issubdtype(leaf.dtype, jnp.inexact), where
        assert not leaf.weak_type, where


@every_law
def test_every_leaf_is_an_array_that_can_be_fitted(name):
    assert_fittable(set_up(name)[0])


class Careless(Law):
    """A law whose constant is a Python float: the trap."""

    rate: float

    def prepare(self, psi):
        return psi

    def vector_field(self, t, state, args=None):
        return self.rate * state

    def step(self, t, state, dt):
        return rk4(self, t, state, dt)

    def density(self, state):
        return state


def test_a_python_float_in_a_law_is_found_out():
    with pytest.raises(AssertionError, match="rate"):
        assert_fittable(Careless(1.0))
    with pytest.raises(AssertionError, match="rate"):
        assert_fittable(Careless(jnp.asarray(1)))  # an integer has no gradient
    with pytest.raises(AssertionError, match="rate"):
        assert_fittable(Careless(jnp.asarray(1.0)))  # a weak type retraces


@every_law
def test_field_and_step_keep_dtype_and_shape(name):
    law, state = set_up(name)
    chex.assert_trees_all_equal_shapes_and_dtypes(state, law.vector_field(0.1, state))
    after = law.step(0.1, state, 0.01)
    chex.assert_trees_all_equal_shapes_and_dtypes(state, after)
    chex.assert_tree_all_finite(after)
    assert law.density(state).shape == jax.tree.leaves(state)[0].shape
    assert not jnp.iscomplexobj(law.density(state))


@every_case
def test_one_trace_for_any_value_of_the_constants(case):
    name, method = case
    law, state = set_up(name)
    chex.clear_trace_counter()
    traced = jax.jit(chex.assert_max_traces(runner(method)[0], n=1))
    # lowering alone shows whether jit traces anew; nothing need be compiled
    for each in (law, jiggle(law, 1), jiggle(law, 2)):
        traced.trace(each, state)


class Frozen(Careless):
    rate: float = eqx.field(static=True)


def test_a_static_constant_traces_anew():
    chex.clear_trace_counter()
    traced = jax.jit(chex.assert_max_traces(runner(RUNGE_KUTTA)[0], n=1))
    traced.trace(Frozen(1.0), jnp.ones(1))
    with pytest.raises(AssertionError, match="traced"):
        traced.trace(Frozen(2.0), jnp.ones(1))


@every_case
@pytest.mark.bits
def test_a_batch_equals_its_members_bit_for_bit(case):
    """Over constants, Hamiltonians and initial states at once."""
    name, method = case
    law, state = set_up(name)
    run, single = runner(method)
    laws = [jiggle(law, seed) for seed in range(3)]
    states = [jiggle(state, 10 + seed, 0.01) for seed in range(3)]
    members = np.stack([single(*pair) for pair in zip(laws, states, strict=True)])
    stack = functools.partial(jax.tree.map, lambda *leaves: jnp.stack(leaves))
    batch = np.asarray(jax.jit(jax.vmap(run))(stack(*laws), stack(*states)))
    assert np.all(np.isfinite(members))
    if isinstance(method, Fixed):
        np.testing.assert_array_equal(batch, members)
    else:
        # an eigensolver promises rounding only: a few eps
        np.testing.assert_allclose(batch, members, rtol=0, atol=1e-14)
    # Negative control: the members differ among themselves.
    assert np.max(np.abs(members[0] - members[1])) > 1e-4


@pytest.mark.parametrize(
    "case",
    [
        # the longest to compile, of which simpler ones of the same kind stay
        pytest.param(case, marks=pytest.mark.slow) if title(case) in LONG else case
        for case in CASES
    ],
    ids=title,
)
def test_gradients_equal_finite_differences(case):
    """Reverse, forward and central differences along one direction of all constants."""
    name, method = case
    law, state = set_up(name)
    run, single = runner(method)
    direction = jax.tree.map(jnp.subtract, jiggle(law, 5, 1.0), law)
    values = single(law, state)
    weight = jnp.asarray(np.random.default_rng(7).normal(size=values.shape))

    def loss(law, state):
        return jnp.sum(weight * run(law, state))

    gradient = jax.jit(jax.grad(loss))(law, state)
    products = jax.tree.map(lambda g, v: jnp.sum(jnp.real(g * v)), gradient, direction)
    reverse = float(sum(jax.tree.leaves(products)))

    def shifted(h):
        return single(jax.tree.map(lambda a, v: a + h * v, law, direction), state)

    def central(h):
        return float(jnp.sum(weight * (shifted(h) - shifted(-h))) / (2 * h))

    # two steps, the h^2 error extrapolated away: h^4 = 1e-14 and rounding eps / h
    # = 1e-12 remain, far below 1e-6
    h = 3e-4
    difference = (4 * central(h) - central(2 * h)) / 3
    np.testing.assert_allclose(reverse, difference, rtol=1e-6)
    # Negative control: a gradient wrong by 1e-5 is seen.
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(reverse * (1 + 1e-5), difference, rtol=1e-6)
    if getattr(method, "gradient", "") != "reversible":  # has no forward mode
        push = jax.jit(lambda v: jax.jvp(lambda z: loss(z, state), (law,), (v,))[1])
        np.testing.assert_allclose(float(push(direction)), reverse, rtol=1e-9)


@every_law
def test_pack_and_unpack(name):
    law, _ = set_up(name)
    assert "hbar" in constants.names(law)
    for constant in constants.names(law):
        packed = constants.pack(law, constant)
        assert packed.ndim == 1
        assert len(constants.labels(law, constant)) == packed.size
        assert len(set(constants.labels(law, constant))) == packed.size
        chex.assert_trees_all_equal(constants.unpack(law, constant, packed), law)
        doubled = constants.unpack(law, constant, 2 * packed)
        np.testing.assert_array_equal(constants.pack(doubled, constant), 2 * packed)
        # Negative control: unpacking other values makes another law.
        with pytest.raises(AssertionError):
            chex.assert_trees_all_equal(doubled, law)
        low, high = constants.span(law, constant)
        assert low.shape == high.shape == packed.shape
        assert np.all(low < high)
    assert set(constants.quantum_values(law)) <= set(constants.names(law))


def test_copying_packs_each_coupling_once():
    law, _ = set_up("copying")
    assert constants.labels(law, "R") == ["R[0,1]", "R[0,2]", "R[1,2]"]
    np.testing.assert_array_equal(constants.pack(law, "R"), [0.7, 0.5, 0.6])
    other = constants.unpack(law, "delta", jnp.array([0.1, 0.2, 0.3]))
    np.testing.assert_array_equal(other.delta, -other.delta.T)
    other = constants.unpack(law, "R", jnp.array([0.1, 0.2, 0.3]))
    np.testing.assert_array_equal(other.R, other.R.T)
    assert isinstance(other, CopyDynamics)
    assert constants.labels(law, "omega") == ["omega[0]", "omega[1]", "omega[2]"]
    assert constants.labels(law, "q") == ["q"]


def test_constants_that_are_refused_below_zero_have_that_bound_in_fits():
    """D enters densities by its square: a fit without it may end at -D."""
    grid, H = Grid((-4.0, 4.0), 16), np.eye(2)
    copies, _ = golden()
    diffusion = ConservativeDiffusion(grid, lambda x: x**2 / 2)
    aligned = laws.PhaseAlignment(
        [0, 1, 2], copies.omega, copies.R, copies.delta, 0.7, damping=0.1
    )
    bounded = {
        "D": diffusion, "mass": diffusion, "friction": diffusion,
        "classical_diffusion": diffusion, "f": aligned, "damping": aligned,
    }  # fmt: skip
    for rival in (laws.Dephasing, laws.Collapse):
        bounded[rival.__name__] = rival(H, np.array([0.0, 1.0]), 0.1)
    for name, law in bounded.items():
        place = constants.find(law, "gamma" if name in vars(laws) else name)
        assert place.said.bounds == (0, np.inf), name
