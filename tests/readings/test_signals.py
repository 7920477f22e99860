"""Signals of copy laws, beside a NumPy program of the same pair."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.laws import DensityPhase, Law
from jqd.readings.signals import second_order, signal
from jqd.states import composite

from . import pairs

SPIN_X = pairs.SPIN_X
TS = np.linspace(0, 0.6, 4)
H_A, H_B = 0.5 * SPIN_X, 0.4 * SPIN_X
EXPONENTS = [(0.5, -0.5), (0.5, -0.45), (0.45, -0.5), (0.45, -0.45), (0.48, -0.48),
             (0.5, -0.3)]  # fmt: skip


def bent(x):
    return x**0.5 * (1 + 0.1 * x)


@pytest.mark.parametrize("sizes", [(2, 2), (2, 3), (3, 2)])
def test_second_order_is_a_second_derivative(sizes):
    rng = np.random.default_rng(0)
    density, phase = pairs.random_pair(rng, sizes)
    parts = [pairs.hermitian(rng, size) for size in sizes]
    F, G = pairs.powers(0.45, -0.4)
    h = 1e-3
    near = [pairs.change(density, phase, *parts, F, G, t, 2) for t in (h, -h)]
    shape = density.reshape(sizes), phase.reshape(sizes)
    got = second_order(F, G, *shape, *parts)
    # the difference errs by h² of the fourth derivative, which is of order 1
    np.testing.assert_allclose(got, sum(near) / h**2, atol=2e-6)
    assert np.max(np.abs(got)) > 1e-3
    # of each party's coupling
    more = second_order(F, G, *shape, 2 * parts[0], 3 * parts[1])
    np.testing.assert_allclose(more, 6 * np.asarray(got), atol=1e-13)


@pytest.mark.equation("copying", "claim-no-signalling-functions")
def test_the_proof():
    """Row 2 of A in phase, row 1 turned by y, in the limit x_2 = 0+."""
    q, r, y = 0.6, -0.3, 0.8
    F, G = pairs.powers(q, r)
    rho, other = (0.3, 0.2), 0.15
    due = np.sin(y) ** 2 * 2 * q / rho[0] * F(rho[0], other) * F(*rho)
    due += F(rho[0], other) * np.cos(y) * (G(*rho) * np.cos(y) - 1)
    due += F(rho[1], other) * (G(*rho[::-1]) * np.cos(y) - 1)
    ahead = 1e-9
    density = np.array([rho, (other, other)])
    phase = np.array([[y + ahead, ahead], [0, 0]])
    got = second_order(F, G, density, phase, H_A, H_B)
    # as far from the limit as x_2
    assert got[0] == pytest.approx(2 * 0.5 * 0.4 * due, abs=1e-8)


@pytest.mark.equation("copying", "claim-no-signalling-functions")
def test_the_family_alone_is_free_of_signals():
    rng = np.random.default_rng(1)
    starts = [pairs.random_pair(rng) for _ in range(16)]
    density, phase = (np.reshape(x, (-1, 2, 2)) for x in zip(*starts, strict=True))

    def largest(F, G):
        each = jax.vmap(lambda *state: second_order(F, G, *state, H_A, H_B))
        return float(jnp.max(jnp.abs(each(density, phase))))

    for d in (0.0, 0.05, 0.2):
        assert largest(*pairs.family(d)) < 1e-14  # rounding of some numbers of order 1
    assert largest(*pairs.factored(bent)) > 1e-3
    # F of the family with a G that is not its own
    assert largest(pairs.family(0)[0], pairs.family(0.05)[1]) > 1e-2


@pytest.mark.equation("copying", "claim-no-signalling-exponents")
def test_no_other_exponents_are_free_of_signals():
    """A grid of 41 x 41 exponents around the quantum point."""
    rng = np.random.default_rng(2)
    starts = [pairs.random_pair(rng) for _ in range(16)]
    density, phase = (np.reshape(x, (-1, 2, 2)) for x in zip(*starts, strict=True))

    def largest(q, r):
        F, G = pairs.powers(q, r)
        each = jax.vmap(lambda *state: second_order(F, G, *state, SPIN_X, SPIN_X))
        return jnp.max(jnp.abs(each(density, phase)))

    off = np.linspace(-0.4, 0.4, 41)
    plane = jax.jit(jax.vmap(jax.vmap(largest, (None, 0)), (0, None)))
    found = np.asarray(plane(0.5 + off, -0.5 + off))
    distance = np.hypot(off[:, None], off[None, :])
    assert found[20, 20] < 1e-14
    # the largest of 16 pairs: 0.3 says that there is no valley of nearly silent laws
    assert np.all(found[distance > 0] > 0.3 * distance[distance > 0])


@pytest.mark.equation("copying", "question-signalling-exponents")
def test_maximally_entangled_qubits_never_signal():
    """ρ_ab -> ρ_āb̄, φ_ab -> π (a + b) - φ_āb̄ is a symmetry, and leaves the state."""
    rng = np.random.default_rng(8)
    unitary, _ = np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))
    traceless = [
        H - np.trace(H) / 2 * np.eye(2)
        for H in (pairs.hermitian(rng, 2), pairs.hermitian(rng, 2))
    ]

    def largest(psi):
        F, G = pairs.powers(0.3, -0.2)
        got = second_order(F, G, np.abs(psi) ** 2, -np.angle(psi), *traceless)
        return float(jnp.max(jnp.abs(got)))

    assert largest(unitary / 2**0.5) < 1e-13
    # less entangled
    assert largest(unitary @ np.diag([0.8, 0.6])) > 1e-3


def test_aligned_phases_take_the_side_to_which_they_move():
    """A real ψ: the flow has a kink there, and its derivative two sides."""
    density = np.array([0.4, 0.1, 0.3, 0.2])
    phase = np.zeros(4)
    F, G = pairs.powers(0.35, -0.6)
    got = second_order(F, G, density.reshape(2, 2), phase.reshape(2, 2), H_A, H_B)
    t = 1e-4
    due = 2 / t**2 * pairs.change(density, phase, H_A, H_B, F, G, t, 4)
    # the next order in t
    np.testing.assert_allclose(got, due, atol=1e-3)
    assert np.abs(got[0]) > 1e-2


def test_second_order_is_differentiable():
    rng = np.random.default_rng(3)
    density, phase = (x.reshape(2, 2) for x in pairs.random_pair(rng))

    def value(bend):
        functions = pairs.factored(lambda x: x**0.5 * (1 + bend * x))
        return second_order(*functions, density, phase, H_A, H_B)[0]

    slope, h = jax.jit(jax.grad(value))(0.1), 1e-4
    # h² of the third derivative
    due = (value(0.1 + h) - value(0.1 - h)) / (2 * h)
    assert float(slope) == pytest.approx(float(due), rel=1e-6)


def copies(q, r):
    return partial(jqd.CopyDynamics.from_hamiltonian, q=q, r=r)


@pytest.mark.slow
@pytest.mark.equation("copying", "question-signalling-exponents")
def test_signals_over_time():
    """Six laws and four starts, as the program in NumPy has them."""
    rng = np.random.default_rng(4)
    starts = [pairs.random_pair(rng) for _ in range(4)]
    psi = np.stack([np.sqrt(rho) * np.exp(-1j * phi) for rho, phi in starts])

    def run(q, r, psi):
        return signal(copies(q, r), psi, TS, H_A, H_B)

    each = jax.jit(jax.vmap(jax.vmap(run, (None, None, 0)), (0, 0, None)))
    q, r = np.array(EXPONENTS).T
    got = each(q, r, psi)
    assert np.all(got.status == jqd.Status.OK)
    due = np.zeros(got.change.shape)
    start = np.tile(np.swapaxes(starts, 0, 1)[:, None], (1, len(EXPONENTS), 1, 1))
    functions = pairs.powers(*(x[:, None, None, None] for x in (q, r)))
    for n, t in enumerate(TS[1:], 1):
        due[:, :, n] = pairs.change(*start, H_A, H_B, *functions, t, 60 * n)
    # kinks leave the square of a step of NumPy, .0033, less where q is near 1/2
    np.testing.assert_allclose(got.change, due, atol=2e-6)
    largest = np.max(got.largest, axis=1)
    np.testing.assert_allclose(largest, np.abs(due).max(axis=(1, 2, 3)), atol=2e-6)
    # fourth order of steps of .002
    assert largest[0] < 1e-12
    assert np.all(largest[1:] > 1e-4)
    # the largest at r = -.3, 1/5 off
    assert np.argmax(largest) == 5
    assert np.all(got.largest_error < 1e-6)


class AnyFunctions(Law):
    """A copy law with functions of NumPy's operators."""

    H: jax.Array
    F: object = eqx.field(static=True)
    G: object = eqx.field(static=True)

    def prepare(self, psi):
        return DensityPhase(jnp.abs(psi) ** 2, -jnp.angle(psi))

    def density(self, state):
        return state.density

    def vector_field(self, t, state, args=None):
        del t, args
        R = jnp.abs(self.H) * (1 - jnp.eye(4))
        a, b = state.density[:, None], state.density[None, :]
        x = state.phase[:, None] - state.phase[None, :]
        flow = jnp.where(jnp.sin(x) > 0, self.F(a, b), self.F(b, a)) * jnp.sin(x)
        turn = jnp.sum(R * self.G(a, b) * jnp.cos(x), axis=1)
        return DensityPhase(jnp.sum(2 * R * flow, axis=1), turn)


@pytest.mark.equation("copying", "claim-no-signalling-functions")
def test_other_functions_over_time():
    rng = np.random.default_rng(4)
    density, phase = pairs.random_pair(rng)
    psi = np.sqrt(density) * np.exp(-1j * phase)

    def found(F, G):
        return signal(lambda H: AnyFunctions(H, F, G), psi, TS[[0, -1]], H_A, H_B)

    still = found(*pairs.family(0.05))
    # fourth order of a step of .006
    assert still.largest < 1e-9
    assert still.largest < 2 * still.largest_error + 1e-14
    got = found(*pairs.factored(bent))
    due = pairs.change(density, phase, H_A, H_B, *pairs.factored(bent), 0.6, 600)
    # a symmetric F has no kink
    np.testing.assert_allclose(got.change[-1], due, atol=1e-9)
    assert got.largest > 1e-4 > 1e4 * got.largest_error


@pytest.mark.equation("copying", "claim-no-signalling-functions")
def test_with_d_densities_pass_below_zero():
    """Two classes of the family at d > 0: ρ + d swings as in quantum mechanics."""
    d, F, G = 0.2, *pairs.family(0.2)
    # |ψ|² = ρ + d is .7 in both, at phases 90° apart: one class takes all of it
    density, _ = pairs.run(
        np.array([0.5, 0.5]), np.array([np.pi / 2, 0.0]), SPIN_X, F, G, 0.7, 700
    )
    # .7 (1 ± sin 2t), less d
    due = (0.5 + d) * (1 + np.array([1, -1]) * np.sin(1.4)) - d
    np.testing.assert_allclose(density, due, atol=1e-9)
    assert density[1] < -0.1


def test_a_node_ends_the_signal():
    psi = composite.product(
        np.sqrt([0.5, 0.5]), np.sqrt([0.6, 0.4]) * np.array([1, 1j])
    )
    found = signal(copies(0.5, 0.5), psi, np.linspace(0, 6, 13), SPIN_X, SPIN_X)
    assert found.status == jqd.Status.NODE
    ended = np.linspace(0, 6, 13) >= found.failure_time
    assert ended.any()
    assert np.all(np.isnan(np.asarray(found.change)[ended]))
    assert np.isfinite(found.largest)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"H_A": np.array([[0, 1], [2, 0]])}, "Argument `H_A` must be Hermitian"),
        ({"density": -np.ones((2, 2))}, "Argument `density` must be positive"),
        ({"phase": np.zeros(4)}, r"Argument `phase` must have shape \(2, 2\)"),
        ({"F": 1.0}, "Argument `F` must be a function"),
    ],
)
def test_senseless_arguments_of_the_second_order(changed, message):
    F, G = pairs.family(0)
    good = {"F": F, "G": G, "density": np.full((2, 2), 0.25), "phase": np.zeros((2, 2)),
            "H_A": H_A, "H_B": H_B}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        second_order(**(good | changed))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"psi": np.ones(3) / 3**0.5}, r"Argument `psi` must have shape \(4,\)"),
        ({"psi": np.ones(4)}, "Argument `psi` must be normalised"),
        ({"ts": [1.0, 0.0]}, "Argument `ts` must increase"),
        ({"H_B": np.ones((2, 3))}, "Argument `H_B` must be"),
        ({"law": 1.0}, "Argument `law` must be a function"),
    ],
)
def test_senseless_arguments_of_the_signal(changed, message):
    good = {"law": copies(0.5, -0.5), "psi": np.full(4, 0.5), "ts": TS, "H_A": H_A,
            "H_B": H_B}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        signal(**(good | changed))
