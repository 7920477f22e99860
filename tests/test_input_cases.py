"""Single cases of arguments that make no sense, and objects of other programs."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import exact, states
from jqd.interop import as_array
from jqd.laws.husimi import Exact, Fock, LiteralGrid, WignerGrid
from jqd.spaces import Grid, symbols
from jqd.spaces.potentials import potential

H = np.array([[0.2, 0.3j], [-0.3j, -0.2]])
KET = np.array([0.6, 0.8j])
GRID = Grid((-8.0, 8.0), 32)
SQUARE = Grid(((-8.0, 8.0), (-8.0, 8.0)), (32, 32))
V = np.asarray(GRID.x) ** 2 / 2
ON_GRID = jqd.Schrodinger.on_grid
KERR = symbols.kerr(0.5)
SKEW = np.array([[0.5, 0.2], [0.0, 0.5]])
BELOW_ZERO = np.diag([1.5, -0.5])


def steep(x, *, height=1.0):
    return height * x**2


CASES = {
    # a vector along one axis of a square grid fits both
    "mass of one axis": (
        lambda: ON_GRID(SQUARE, np.zeros((32, 32)), mass=np.ones(32)),
        "`mass` must have shape (2,)",
    ),
    "complex V": (
        lambda: ON_GRID(GRID, lambda x: 1j * x),
        "`V` must be real, but its dtype is complex128",
    ),
    "complex V of time": (
        lambda: ON_GRID(GRID, lambda x, t: x * jnp.exp(1j * t)),
        "`V` must be real",
    ),
    "V of another shape": (
        lambda: ON_GRID(GRID, lambda x: jnp.ones(5)),
        "`V` must give values of the grid's shape (32,)",
    ),
    "V by NumPy": (
        lambda: ON_GRID(GRID, lambda x: np.asarray(x) ** 2),
        "`V` must be a function of arrays written with `jax.numpy`",
    ),
    "misspelt option": (
        lambda: ON_GRID(GRID, steep, masss=2.0),
        "`masss` must be an option of the law or a constant that the potential takes",
    ),
    "constant of sampled V": (
        lambda: ON_GRID(GRID, V, height=2.0),
        "`height` must be an option of the law",
    ),
    "misspelt option of diffusion": (
        lambda: jqd.ConservativeDiffusion(GRID, V, masss=2.0),
        "`masss` must be an option of the law",
    ),
    "V too steep for a series": (
        lambda: jqd.evolve(
            ON_GRID(GRID, 1e20 * V),
            GRID.normalise(jnp.exp(-(GRID.x**2)) + 0j),
            [0.0, 1.0],
            method=jqd.Propagator(),
        ),
        "`ts` must be close enough for the energies of the law",
    ),
    "huge H": (
        lambda: jqd.Schrodinger(1e300 * H),
        "`hamiltonian` must have entries below",
    ),
    "huge diagonal": (
        lambda: jqd.Schrodinger([1e300, 0.0]),
        "`hamiltonian` must have entries below",
    ),
    "huge H to copy": (
        lambda: jqd.CopyDynamics.from_hamiltonian(1e300 * H),
        "`hamiltonian` must have entries below",
    ),
    "huge V": (lambda: ON_GRID(GRID, 1e300 * V), "`V` must have entries below"),
    "function of time that gives no matrix": (
        lambda: jqd.CopyDynamics.from_hamiltonian(lambda t: t),
        "`hamiltonian` must give a square matrix at each time",
    ),
    "function of time to Schrodinger": (
        lambda: jqd.Schrodinger(lambda t: H[0]),
        "`hamiltonian` must give a square matrix at each time",
    ),
    "text for H": (
        lambda: jqd.Schrodinger("sigma_x"),
        "`hamiltonian` must be a number or an array of numbers, but it is 'sigma_x'",
    ),
    "no Hamiltonian of modes": (
        lambda: jqd.HusimiFokkerPlanck(H),
        "`symbol` must be a Symbol, an operator as text, a QuTiP Qobj",
    ),
    "a list of nothing": (
        lambda: jqd.HusimiFokkerPlanck([]),
        "`symbol` must hold terms, but is an empty list",
    ),
    "a law as the form": (
        lambda: jqd.HusimiFokkerPlanck(KERR, form=jqd.Schrodinger(H)),
        "`form` must be a form of this law or the name of one",
    ),
    "no levels": (
        lambda: jqd.HusimiFokkerPlanck(KERR, form=Exact(0)),
        "`levels` must be 1 positive integers, or one for all, but is 0",
    ),
    "levels of text": (
        lambda: jqd.HusimiFokkerPlanck(KERR, form=Fock("many")),
        "`levels` must be 1 positive integers",
    ),
    "levels of other modes": (
        lambda: jqd.HusimiFokkerPlanck(KERR, form=Exact((8, 8))),
        "`levels` must be 1 positive integers",
    ),
    "no box": (
        lambda: jqd.HusimiFokkerPlanck(KERR, form=WignerGrid(half_width=-1.0)),
        "`half_width` must be positive",
    ),
    "half a grid": (
        lambda: jqd.HusimiFokkerPlanck(KERR, form=LiteralGrid(n=8.5)),
        "`n` must be an integer of at least 2, but is 8.5",
    ),
    # -- states
    "far coherent state": (
        lambda: states.coherent(1e8, 64),
        "`alpha` must be of at most 4096 quanta",
    ),
    "coherent state out of range": (
        lambda: states.coherent(1e200, 64),
        "`alpha` must be of at most 4096 quanta",
    ),
    "far cat": (
        lambda: states.cat([1e8, -1e8], [1.0, 1.0], 64),
        "`alphas` must be of at most 4096 quanta",
    ),
    "strongly squeezed state": (
        lambda: states.squeezed(800.0, 64),
        "`r` must be at most 4.85 in size",
    ),
    "hot state": (
        lambda: states.thermal(1e12, 64),
        "`nbar` must be of at most 4096 quanta",
    ),
    "levels without end": (
        lambda: states.coherent(1.0, 10**12),
        "`levels` must be at most 1048576",
    ),
    "far Kerr state": (
        lambda: exact.husimi.kerr(0.0, 0.0, U=1.0, b=0.0, alpha0=1e8),
        "`alpha0` must be below 500",
    ),
    "negative power": (
        lambda: states.antinormal_moment(KET, -1, 0),
        "`m` must be 1 powers from 0 to 170, but is -1",
    ),
    "power that is not whole": (
        lambda: states.antinormal_moment(KET, 1, 0.5),
        "`n` must be 1 powers",
    ),
    "negative power of an observable": (
        lambda: jqd.Moments(((-1, 0),)),
        "`orders` must be 1 powers from 0 to 170, but is -1",
    ),
    "negative power of a Gaussian": (
        lambda: jqd.HusimiFokkerPlanck("ad*a", form="gaussian").moment(None, -1, 0),
        "`m` must be 1 powers from 0 to 170, but is -1",
    ),
    "density nowhere positive": (
        lambda: states.negativity(-np.ones((4, 4)), 0.1),
        "`values` must be a density, of integral 1, but is nowhere positive",
    ),
    "ket too long": (
        lambda: states.husimi(2 * KET, [0.0]),
        "`state` must be normalised, but its squared norm is 4",
    ),
    "operator not Hermitian": (
        lambda: states.covariance(SKEW),
        "`state` must be Hermitian",
    ),
    "operator of trace 2": (
        lambda: states.covariance(np.eye(2)),
        "`state` must be normalised, but its trace is 2",
    ),
    "negative probability": (
        lambda: states.covariance(BELOW_ZERO),
        "`state` must have no negative probabilities, but has the eigenvalue -0.5",
    ),
    "negative probability of a law": (
        lambda: jqd.HusimiFokkerPlanck(KERR).prepare(BELOW_ZERO),
        "`psi` must have no negative probabilities",
    ),
    # -- observables, methods
    "fidelity above 1": (
        lambda: jqd.fidelity(KET, 3 * KET),
        "`phi` must be normalised, but a squared norm is 9",
    ),
    "fidelity of other lengths": (
        lambda: jqd.fidelity(KET, [1.0]),
        "`phi` must have as many entries as `psi`",
    ),
    "no observable": (
        lambda: jqd.expectation(SKEW, KET),
        "`operator` must be Hermitian",
    ),
    "unnormalised state": (
        lambda: jqd.expectation(H, 2 * KET),
        "`psi` must be normalised, but a squared norm is 4",
    ),
    "no tolerance": (
        lambda: jqd.Adaptive(rtol=0.0, atol=0.0),
        "`atol` must be positive where `rtol` is 0",
    ),
    "half steps": (
        lambda: jqd.Fixed(jqd.steppers.rk4, counts=np.array([0.5])),
        "`counts` must be whole numbers of steps",
    ),
    "counts for other times": (
        lambda: jqd.evolve(
            jqd.Schrodinger(H),
            jnp.asarray(KET),
            [0.0, 1.0],
            method=jqd.Fixed(jqd.steppers.rk4, counts=np.array([1, 2])),
        ),
        "`counts` must have shape (1,)",
    ),
    "no law": (
        lambda: jqd.evolve(H, KET, [0.0]),
        "`motion` must be a law or another Motion, but is of type ndarray",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name):
    call, message = CASES[name]
    with pytest.raises(ValueError, match=f"^Argument {re.escape(message)}"):
        call()


def test_constants_of_V_are_taken_by_keyword():
    """What the checks of keywords and shapes must let pass."""
    for V in (steep, jax.tree_util.Partial(steep)):
        assert float(potential(V, GRID, height=3.0)(GRID, 0.0)[0]) == 3 * 64
    assert (
        potential(lambda x, **named: named["k"] * x, GRID, k=2.0)(GRID, 0.0)[0] == -16
    )
    assert potential(lambda x, y: 1.5, SQUARE)(SQUARE, 0.0).shape == (32, 32)


def test_values_that_are_traced_are_not_read():
    """Laws are made under jit, vmap and grad; shapes are checked there, values not."""

    def size(hbar, q):
        law = jqd.Schrodinger(H, hbar)
        copying = jqd.CopyDynamics.from_hamiltonian(H, q, hbar=hbar)
        diffusing = jqd.ConservativeDiffusion(GRID, V, hbar=hbar, mass=q)
        return law.hbar + copying.q + diffusing.mass + jqd.fidelity(q * KET, KET)

    assert float(jax.jit(size)(-1.0, 2.0)) == pytest.approx(7.0)
    assert jax.vmap(size)(jnp.ones(3), jnp.zeros(3)).shape == (3,)
    assert float(jax.grad(size, argnums=1)(1.0, 1.0)) == pytest.approx(4.0)
    with pytest.raises(ValueError, match="`hbar` must have shape"):
        jax.jit(size)(jnp.ones(2), 2.0)


# -- other programs -------------------------------------------------------------------


def test_frames_and_series():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(H.real)
    np.testing.assert_array_equal(as_array(frame), H.real)
    np.testing.assert_array_equal(jqd.Schrodinger(frame).hamiltonian.matrix, H.real)
    law = jqd.Schrodinger(H)
    np.testing.assert_array_equal(law.prepare(pandas.Series(KET)), KET)
    names = pandas.DataFrame({"a": ["x", "y"]})
    with pytest.raises(ValueError, match=r"`psi` must be .* of dtype object"):
        law.prepare(names)


def test_operators_of_qutip():
    qutip = pytest.importorskip("qutip")
    constant = qutip.QobjEvo(qutip.Qobj(H))
    np.testing.assert_array_equal(jqd.Schrodinger(constant).hamiltonian.matrix, H)
    driven = qutip.QobjEvo([qutip.Qobj(H), lambda t: t])
    np.testing.assert_allclose(jqd.Schrodinger(driven).hamiltonian.at(0.5), H / 2)
    copies = jqd.CopyDynamics.from_hamiltonian(driven)
    np.testing.assert_allclose(copies.at(0.5).hamiltonian(), H / 2, atol=1e-15)
    # a^2 ad^2/2 of 8 levels, read as the polynomial that it is
    a = qutip.destroy(8)
    law = jqd.HusimiFokkerPlanck(a.dag() ** 2 * a**2 / 2)
    want = jqd.HusimiFokkerPlanck("0.5*ad^2*a^2")
    assert law.symbol.powers == want.symbol.pruned().powers
    # rounding of the sums that find the coefficients
    np.testing.assert_allclose(
        law.symbol.coefficients, want.symbol.pruned().coefficients, atol=1e-12
    )


def test_states_of_qutip_are_prepared_by_the_law():
    qutip = pytest.importorskip("qutip")
    ket = qutip.Qobj(KET[:, None])
    for literal in (False, True):
        law = jqd.CopyDynamics.from_hamiltonian(H, literal=literal)
        run = jqd.evolve(
            law, ket, [0.0], observe="density", method=jqd.Fixed(estimate_error=False)
        )
        # rounding of |ψ|²
        np.testing.assert_allclose(run.values[0], [0.36, 0.64], atol=1e-15)
    with pytest.raises(ValueError, match="`psi` must be normalised"):
        jqd.evolve(jqd.Schrodinger(H), 2 * ket, [0.0])
