"""What sections III F, IV A, B, E and V E of the Husimi paper say beside the law."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from jqd import states
from jqd.inference.estimators.lengths import commutator_residual, hessian
from jqd.readings import forms, generators
from jqd.spaces import symbols
from jqd.spaces.fock import hermite_functions

from .conftest import equation, norm

# A few operations on numbers of order 1 in float64.
ROUNDING = 1e-12
REFUTED = 1e-2


def pointer_density(
    points: Complex[Array, " n"],
    alphas: Complex[Array, " K"],
    amplitudes: Complex[Array, " K"],
    overlaps: Complex[Array, "K K"],
    hbar: ArrayLike = 1.0,
) -> Float[Array, " n"]:
    """Husimi function of a pointer, of which others hold a record.

    Q(α) = (1/πħ) Σ_jk c_j c_k* O_jk <a|a_j><a_k|a> / norm, the trace over the rest of
    Σ_k c_k |α_k>|e_k>. For O = 1 nobody holds a record; for O_jk = δ_jk it is the
    mixture Σ_k |c_k|² Q_k.

    Args:
        points: α, (n,), in √action.
        alphas: α_k of the coherent pointer states, (K,), in √action.
        amplitudes: c_k, (K,).
        overlaps: O_jk = <e_k|e_j> of the records, (K, K).
        hbar: ħ > 0.

    Returns:
        Q per d²α, (n,); its integral is 1.

    Source: sec. V E.
    """
    root = jnp.sqrt(jnp.asarray(hbar))
    a, b = points / root, alphas / root
    weights = amplitudes[:, None] * jnp.conj(amplitudes)[None, :] * overlaps
    norm = jnp.sum(weights * _inner(b, b).T).real
    kets = _inner(a, b)
    total = jnp.sum((kets @ weights) * jnp.conj(kets), axis=1).real
    return total / (np.pi * hbar * norm)


def _inner(a: Array, b: Array) -> Array:
    """<a|b> of coherent states, (n, K)."""
    size = jnp.abs(a)[:, None] ** 2 + jnp.abs(b)[None, :] ** 2
    return jnp.exp(jnp.conj(a)[:, None] * b[None, :] - size / 2)


@equation("claim-vacuum")
def test_each_vacuum_has_its_husimi_function_and_its_diffusion():
    """One oscillator, one coherent state; s is the length of the coherent states."""

    def energy(z):
        return jnp.sum(z**2) / 2

    def density(z, s):
        # the Wigner function of the state, spread by the vacuum that is chosen
        spread = jnp.stack([(1 + s**2) / 2, (1 + s**-2) / 2])
        away = z - jnp.array([0.8, -0.5])
        return jnp.exp(-jnp.sum(away**2 / spread) / 2) / jnp.sqrt(jnp.prod(spread))

    @jax.jit
    def rates(s, z):
        """Exact, of the law and of Liouville's equation; Q itself and D."""
        Q = lambda z: density(z, s)  # noqa: E731
        moved = jnp.array([-0.5, -0.8])  # q' = p, p' = -q of the mean
        exact = -moved @ jax.grad(Q)(z)
        laws = [generators.kappa_free_generator(energy, Q, z, s, C) for C in (1.0, 0.0)]
        D = forms.kappa_free_form(energy, z, s).diffusion
        return exact, laws[0], laws[1], Q(z), D

    z = jnp.array([1.6, 0.3])
    found = [rates(s, z) for s in (1.0, 1.4, 0.6)]
    for exact, law, _, _, _ in found:
        assert abs(law - exact) < ROUNDING
    # with the oscillator's own vacuum it is Liouville's equation, with others not
    assert abs(found[0][2] - found[0][0]) < ROUNDING
    assert norm(found[0][4]) < ROUNDING
    for exact, _, liouville, Q, D in found[1:]:
        assert abs(liouville - exact) > REFUTED
        assert norm(D) > REFUTED
        assert abs(Q - found[0][3]) > REFUTED
    # Kerr's interaction is of Fokker-Planck form in one vacuum alone
    for s, closes in ((1.0, True), (1.4, False)):
        square = symbols.polynomial_qp({(4, 0): 1, (2, 2): 2, (0, 4): 1}, s)
        assert bool(square.is_fokker_planck()) is closes


@equation("claim-c7-ordering")
def test_what_is_free_depends_on_the_ordering():
    """λq⁴ holds 0, -3λq² or 3λq² by Weyl's, the anti-Wick or the Wick symbol."""
    lam = 0.05
    phi4 = symbols.phi4(lam)

    def free_part(symbol):
        terms = [(c, m, n) for c, m, n in symbol.terms() if sum(m) + sum(n) == 2]
        return symbols.Symbol([c for c, _, _ in terms], [(m, n) for _, m, n in terms])

    @jax.jit
    def at(symbol, length):
        """H'' and [H̃'', J] at two lengths, twice the diffusion at C = κ = 1."""
        second = hessian(symbol)
        lengths = (length, jnp.ones(1))
        return second, *(commutator_residual(second, one, 1.0) for one in lengths)

    for ordering, shift in (("antiwick", -6), ("weyl", 0), ("wick", 6)):
        length = jnp.asarray([(1 + shift * lam) ** -0.25])
        second, own, free = at(free_part(phi4.to(ordering)), length)
        assert np.allclose(second, np.diag([1 + shift * lam, 1]), rtol=0, atol=ROUNDING)
        # each has its own length, ω^(-1/2), and diffuses at that of the free theory
        assert norm(own) < ROUNDING
        expected = shift * lam * np.array([[0, 1], [1, 0]])
        assert np.allclose(free, expected, rtol=0, atol=ROUNDING)
    # an interaction that conserves quanta leaves the split where it was
    kerr = free_part(symbols.harmonic(1.0) + symbols.kerr(lam, b=-4.0))
    assert norm(at(kerr, jnp.ones(1))[1]) < ROUNDING


@equation("claim-heterodyne")
def test_heterodyne_detection_samples_the_husimi_function():
    """Mode and vacuum on a beam splitter; position of one output, momentum of other."""
    rng = np.random.default_rng(9)
    ket = rng.normal(size=5) + 1j * rng.normal(size=5)
    ket = ket / np.linalg.norm(ket)

    def wave(q):
        return np.asarray(hermite_functions(q, 5)) @ ket

    x, p = np.linspace(-1.5, 1.5, 7), np.linspace(-1.2, 1.2, 5)
    # the sum over y is exact to rounding: analytic, and cut at exp(-64/2)
    y = np.linspace(-9, 9, 241)
    first, second = ((x[:, None] + k * y[None, :]) / np.sqrt(2) for k in (1, -1))
    vacuum = np.asarray(hermite_functions(second, 1))[..., 0]
    outputs = wave(first) * vacuum
    turn = np.exp(-1j * y[:, None] * p[None, :]) * (y[1] - y[0]) / np.sqrt(2 * np.pi)
    found = np.abs(outputs @ turn) ** 2
    Q = np.asarray(states.husimi(ket, x[:, None] + 1j * p[None, :]))
    assert norm(found - Q) < ROUNDING
    # homodyne detection is not its marginal: the vacuum adds noise
    sharp = np.sqrt(2) * np.abs(wave(np.sqrt(2) * x)) ** 2
    assert norm(np.asarray(states.marginal(ket, x)) - sharp) > REFUTED


def total_variation(p, q, cell):
    return float(np.sum(np.abs(np.asarray(p) - np.asarray(q))) * cell / 2)


@equation("claim-decoherence")
def test_decoherence_leaves_a_mixture_of_gaussians_with_born_weights():
    c = np.array([np.sqrt(0.7), np.sqrt(0.3) * np.exp(0.4j)])
    axis = np.linspace(-8, 8, 81)
    points = jnp.asarray((axis[:, None] + 1j * axis[None, :]).ravel())
    cell = (axis[1] - axis[0]) ** 2
    pointer = jax.jit(pointer_density)

    def mixture(alphas):
        hills = np.exp(-(np.abs(np.asarray(points)[:, None] - alphas[None, :]) ** 2))
        return hills @ np.abs(c) ** 2 / np.pi

    # light lost on a beam splitter, by a partial trace in the number basis
    levels, beta, kept = 30, np.array([1.3, -0.9 + 0.4j]), 0.6
    seen, lost = np.sqrt(kept) * beta, np.sqrt(1 - kept) * beta
    kets = [np.asarray(states.coherent(a, levels)) for a in (*seen, *lost)]
    whole = c[0] * np.outer(kets[0], kets[2]) + c[1] * np.outer(kets[1], kets[3])
    rho = whole @ whole.conj().T / np.linalg.norm(whole) ** 2
    overlaps = np.array([[b.conj() @ a for b in kets[2:]] for a in kets[2:]])
    some = points[::131]
    found = pointer(some, jnp.asarray(seen), c, overlaps)
    # what 30 levels lose of a coherent state of 1.4 quanta
    assert norm(found - states.husimi(rho, some)) < 1e-10

    def apart(alphas, overlap):
        records = np.array([[1, overlap], [np.conj(overlap), 1]])
        Q = pointer(points, jnp.asarray(alphas), c, jnp.asarray(records))
        assert abs(np.sum(Q) * cell - 1) < 1e-10  # Gaussians, steps of 1/5
        return total_variation(Q, mixture(np.asarray(alphas)), cell)

    near, far = np.array([0.8 + 0j, -0.8 + 0j]), np.array([3 + 0j, -3 + 0j])
    # what is left is of the size of the overlap of the records ...
    assert apart(near, 0.0) < ROUNDING
    left = [apart(near, overlap) for overlap in (1.0, 0.1, 0.01)]
    assert left[0] > 0.05
    assert left[1] < 0.2 * left[0]  # the norm holds the overlap as well
    assert 0.095 < left[2] / left[1] < 0.105  # and changes this by a hundredth
    # ... and with distant pointers of exp(-|Δ|²/4), decohered or not
    assert apart(far, 1.0) < np.sqrt(0.21) * np.exp(-9.0) * 1.01


@equation("claim-amplitude")
def test_the_husimi_function_of_a_ket_is_a_squared_modulus():
    """π Q = |<a|ψ>|²: ln Q + |a|² is harmonic but for zeros; of a mixture it is not."""
    ket = np.array([0.8, 0.5j, -0.3])
    ket = ket / np.linalg.norm(ket)
    middle, step = 0.4 - 0.3j, 1e-3
    points = middle + step * np.array([0, 1, -1, 1j, -1j])
    squares = np.sqrt([1, 1, 2])
    waves = points.conj()[:, None] ** np.arange(3) / squares @ ket
    found = np.asarray(states.husimi(ket, points))
    squared = np.exp(-(np.abs(points) ** 2)) * np.abs(waves) ** 2
    assert norm(np.pi * found - squared) < ROUNDING

    def bend(state):
        """∂∂* (ln Q + |a|²), by five points."""
        Q = np.asarray(states.husimi(state, points))
        y = np.log(Q) + np.abs(points) ** 2
        return (y[1:].sum() - 4 * y[0]) / (4 * step**2)

    # the square of the step, times fourth derivatives of order 1
    assert abs(bend(ket)) < 1e-5
    # (|0><0| + |1><1|)/2: ln(1 + |a|²), which has no zeros
    mixed = bend(np.diag([0.5, 0.5, 0.0]) + 0j)
    assert abs(mixed - 1 / (1 + abs(middle) ** 2) ** 2) < 1e-5


@equation("claim-velocities")
def test_other_lengths_leave_mean_velocities_to_momenta():
    """An oscillator at s = 1.4: D has no entry of q or p alone, and moves <qp>."""
    s = 1.4

    def H(z):
        return (z[0] ** 2 + z[1] ** 2) / 2

    drift, D = forms.kappa_free_form(H, jnp.array([0.4, -0.7]), s)
    mixed = (s**2 - s**-2) / 2
    assert norm(drift - np.array([-0.7, -0.4])) < ROUNDING
    assert norm(D - np.array([[0, mixed], [mixed, 0]])) < ROUNDING
    assert norm(forms.kappa_free_form(H, jnp.array([0.4, -0.7]), 1.0)[1]) < ROUNDING
    # ∂_t ρ of a Gaussian about (0.4, -0.3), by 20 points an axis: exact for moments
    nodes, weights = np.polynomial.hermite.hermgauss(20)
    u, v = np.meshgrid(nodes, nodes, indexing="ij")
    w = np.outer(weights, weights) / np.pi
    q, p = 0.4 + u, -0.3 + v
    rate = 2 * u * p - 2 * v * q + 4 * mixed * u * v  # over ρ
    moments = [np.sum(w * rate * x) for x in (q, p, q * p)]
    # <p>, -<q>, and <p²> - <q²> with what diffuses
    expected = [-0.3, -0.4, 0.3**2 - 0.4**2 + mixed]
    assert norm(np.array(moments) - expected) < ROUNDING
