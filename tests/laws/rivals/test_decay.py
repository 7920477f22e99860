"""Decay by T1 and T2, by exponentials and Bloch's equations in NumPy and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import jqd
from jqd.inference import Study
from jqd.instruments import Confusion
from jqd.laws import Decay, Dephasing

T1, T2 = 3.0, 2.0
TS = np.linspace(0.0, 4.0, 9)
KET = np.array([0.6, 0.8j])
RABI, DETUNING = 1.7, 0.9
H = np.array([[0.0, RABI / 2], [RABI / 2, DETUNING]])


def bloch(t, rabi, T1=T1, T2=T2):
    """The map of (1, x, y, z) over t: x - iy = 2 ρ_01, z = ρ_00 - ρ_11.

    For H = (Ω σ_x - Δ σ_z)/2, up to its trace, the vector turns about (Ω, 0, -Δ); z
    relaxes to 1 at 1/T1, x and y to 0 at 1/T2.
    """
    rate = np.array([
        [0, 0, 0, 0],
        [0, -1 / T2, DETUNING, 0],
        [0, -DETUNING, -1 / T2, -rabi],
        [1 / T1, 0, rabi, -1 / T1],
    ])  # fmt: skip
    return expm(rate * t)


def vector(psi):
    """(1, x, y, z) of a ket."""
    coherence = 2 * psi[0] * np.conj(psi[1])
    z = abs(psi[0]) ** 2 - abs(psi[1]) ** 2
    return np.array([1, coherence.real, -coherence.imag, z])


def states(law, psi, ts=TS, method=None):
    run = jqd.evolve(law, law.prepare(psi), ts, method=method)
    assert run.ok
    return np.asarray(run.values)


def test_a_free_qubit_decays_in_T1_and_its_coherence_in_T2():
    found = states(Decay(np.diag([0.0, DETUNING]), T1, T2), KET)
    np.testing.assert_allclose(found[:, 1, 1], 0.64 * np.exp(-TS / T1), atol=1e-13)
    size = 0.48 * np.exp(-TS / T2)
    np.testing.assert_allclose(np.abs(found[:, 0, 1]), size, atol=1e-13)


def test_without_T2_the_coherence_lives_twice_as_long():
    for law in (Decay(H * 0, T1), Decay(H * 0, T1, 2 * T1)):
        found = np.abs(states(law, KET)[:, 0, 1])
        np.testing.assert_allclose(found, 0.48 * np.exp(-TS / (2 * T1)), atol=1e-13)


def test_a_driven_qubit_follows_bloch_s_equations():
    found = states(Decay(H, T1, T2), KET)
    exact = np.stack([bloch(t, RABI) @ vector(KET) for t in TS])
    # exponentials of both programs, to rounding
    np.testing.assert_allclose((found[:, 0, 0] - found[:, 1, 1]).real, exact[:, 3],
                               atol=1e-12)  # fmt: skip
    np.testing.assert_allclose(2 * found[:, 0, 1], exact[:, 1] - 1j * exact[:, 2],
                               atol=1e-12)  # fmt: skip


def test_a_pulse_stands_between_two_waits():
    """A square pulse from 1 to 2: three maps of Bloch's equations."""
    pulse = jqd.spaces.named_pulse("square", height=RABI / 2, start=1.0, end=2.0)
    driven = jqd.driven(np.diag([0.0, DETUNING]), (np.eye(2)[::-1], pulse))
    method = jqd.Fixed(substeps=8, estimate_error=False)
    found = states(Decay(driven, T1, T2), KET, np.array([0.0, 4.0]), method)[-1]
    exact = bloch(2.0, 0.0) @ bloch(1.0, RABI) @ bloch(1.0, 0.0) @ vector(KET)
    # exponentials, exact between jumps of the pulse
    np.testing.assert_allclose((found[0, 0] - found[1, 1]).real, exact[3], atol=1e-10)


def test_levels_decay_as_those_of_an_oscillator():
    """p₂ falls at 2/T1; with p = exp(-t/T1), p₁ = 2 p (1 - p) and p₀ = (1 - p)²."""
    found = states(Decay(np.diag([0.0, 1.0, 1.7]), T1, T2), np.array([0, 0, 1.0]))
    p = np.exp(-TS / T1)
    exact = np.stack([(1 - p) ** 2, 2 * p * (1 - p), p**2], axis=1)
    shown = np.real(np.einsum("tkk->tk", found))
    np.testing.assert_allclose(shown, exact, atol=1e-13)


def test_coherence_of_levels_apart_fades_by_the_square_of_their_distance():
    """Of levels 0 and 2: 2/(2 T1) by decay, and 4 times what dephases level 1."""
    ket = np.array([1, 0, 1]) / np.sqrt(2)
    found = states(Decay(np.diag([0.0, 1.0, 1.7]), T1, T2), ket)
    rate = 1 / T1 + 4 * (1 / T2 - 1 / (2 * T1))
    np.testing.assert_allclose(
        np.abs(found[:, 0, 2]), np.exp(-rate * TS) / 2, atol=1e-13
    )


@pytest.mark.parametrize(
    "law",
    [
        Dephasing(np.zeros(2), np.array([0.0, 1.0]), 0.4),
        jqd.Lindblad(np.zeros(2), {"c": jqd.laws.Jump(np.diag([0.0, 1.0]), 0.4)}),
    ],
    ids=["dephasing", "lindblad"],
)
def test_jumps_of_the_law_itself_go_on(law):
    """γ D[A] takes coherence at γ/2, besides 1/T2."""
    found = np.abs(states(Decay(law, T1, T2), KET)[:, 0, 1])
    np.testing.assert_allclose(found, 0.48 * np.exp(-TS * (1 / T2 + 0.2)), atol=1e-13)
    assert {"T1", "T2"} < {*jqd.constants.names(Decay(law, T1, T2))}


@pytest.mark.slow
def test_the_slope_by_T1_is_that_of_the_exponential():
    """d/dT1 of .64 exp(-t/T1) is .64 t/T1² exp(-t/T1)."""

    def upper(T1):
        law = Decay(np.diag([0.0, DETUNING]), T1)
        run = jqd.evolve(law, law.prepare(KET), TS, observe="density")
        return run.values[:, 1]

    slope = jax.jacfwd(upper)(jnp.asarray(T1))
    exact = 0.64 * TS / T1**2 * np.exp(-TS / T1)
    np.testing.assert_allclose(slope, exact, atol=1e-12)


def counted(free=(), **more):
    """A study of counts that show 1 - p₁ of level 1 alone."""
    p = 0.64 * np.exp(-TS[1:] / T1)
    counts = np.round(1000 * np.stack([1 - p, p], axis=1))
    record = jqd.Record(TS[1:], counts, jqd.Multinomial(), t0=0.0)
    law = Decay(np.diag([0.0, DETUNING]), T1, T2)
    return jqd.Study(law, record, psi0=KET, free=free, instrument=Confusion(), **more)


def test_a_fit_keeps_T2_below_twice_T1():
    """Of the T1 that it is at, not of the first one."""
    study = counted(nuisances={"T1": (T1, 0.3), "T2": (T2, 0.3)})
    low, high = study.walls(jnp.array([2.5, 9.0]))
    np.testing.assert_allclose([low[1], high[1]], [0.0, 5.0])
    law, _ = study.at(jnp.array([2.5, 9.0]))
    assert float(law.T2) == pytest.approx(5.0)
    assert float(law.T1) == pytest.approx(2.5)


@pytest.mark.slow
def test_a_fit_finds_T1():
    """The error is that of 1000 shots a row: 1/√(Σ 1000 p'²/(p (1 - p)))."""
    found = jqd.fit(counted(free=("T1",)), start={"T1": 2.5}, starts=1, search=None)
    p = 0.64 * np.exp(-TS[1:] / T1)
    slope = p * TS[1:] / T1**2
    error = 1 / np.sqrt(np.sum(1000 * slope**2 / (p * (1 - p))))
    # counts are rounded to whole ones, which is a 50th of their scatter
    assert abs(float(found.value["T1"]) - T1) < 0.1 * error
    assert float(found.stderr["T1"]) == pytest.approx(error, rel=0.02)


def nonlinear():
    """Three levels, Weinberg's term of the third, T1 and T2."""
    G = np.array([[0, 0.4, 0], [0.4, 0.3, 0.2j], [0, -0.2j, 1.0]])
    return G, Decay(jqd.laws.Weinberg(G, 0.7), T1, T2)


def test_a_nonlinear_law_decays_with_the_populations_of_its_density_operator():
    """SciPy integrates dρ/dt = -i[H + U(ρ_kk), ρ] and the jumps."""
    G, law = nonlinear()
    psi, ts = np.array([0.6, 0, 0.8]), np.linspace(0, 4, 5)
    run = jqd.evolve(law, law.prepare(psi), ts, method=jqd.Fixed(jqd.steppers.rk4, 200))
    assert run.ok
    a = np.diag(np.sqrt([1, 2]), 1)

    def slope(t, flat):
        rho = flat.reshape(3, 3)
        p = np.real(np.diag(rho))
        share = p[2] / np.sum(p)
        K = G + 0.7 * np.diag(2 * share * np.array([0, 0, 1]) - share**2)
        moved = -1j * (K @ rho - rho @ K)
        for rate, L in ((1 / T1, a), (2 / T2 - 1 / T1, a.T @ a)):
            square = L.T @ L
            moved += rate * (L @ rho @ L.T - (square @ rho + rho @ square) / 2)
        return moved.ravel()

    first = np.outer(psi, psi).astype(complex).ravel()
    known = solve_ivp(slope, (0, 4), first, t_eval=ts, rtol=1e-11, atol=1e-13)
    # RK4 with 200 steps a unit of time: (rate/200)^4 times some units
    np.testing.assert_allclose(np.reshape(run.values, (5, 9)), known.y.T, atol=1e-8)


def test_without_decay_it_is_the_nonlinear_law_of_kets():
    G, law = nonlinear()
    ket = jqd.laws.Weinberg(G, 0.7)
    law = Decay(ket, 1e14)
    psi, ts = np.array([0.6, 0.64j, 0.48]), np.linspace(0, 2, 3)
    method = jqd.Fixed(jqd.steppers.rk4, 200)
    one = jqd.evolve(law, law.prepare(psi), ts, method=method).values
    other = np.asarray(jqd.evolve(ket, psi, ts, method=method).values)
    pure = other[:, :, None] * np.conj(other[:, None, :])
    np.testing.assert_allclose(one, pure, atol=1e-9)  # both of RK4


def test_a_fit_names_the_law_that_decays():
    inner = Decay(jqd.laws.Weinberg(H, 0.1), T1)
    shares = np.full((len(TS) - 1, 2), 0.5)
    record = jqd.Record(TS[1:], shares, jqd.instruments.NoNoise(), t0=0.0)
    for law, name in (
        (inner, "Decay of Weinberg"),
        (jqd.laws.RandomConstant(inner, "eps", 0.1), "RandomConstant of Decay of W"),
        (jqd.laws.Weinberg(H, 0.1), "Weinberg"),
    ):
        study = Study(law, record, psi0=np.array([0.6, 0.8]), free=("eps",))
        assert study.law_name.startswith(name)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Decay(H, T1, 2.1 * T1), "`T2` must be at most 2 T1 = 6, but is 6.3"),
        (lambda: Decay(H, 0.0), "`T1` must be positive"),
        (lambda: Decay(H, None, T2), "`T1` must be a time, but is None"),
        (lambda: Decay(jqd.laws.Gisin(H, 0.1), T1), "but is a Gisin that does not"),
        (
            lambda: Decay(jqd.laws.Weinberg(np.eye(4), 0.1, levels=2), T1),
            "one system's matrix that has a density operator",
        ),
        (
            lambda: Decay(jqd.CopyDynamics.from_hamiltonian(H), T1),
            "`law` must be a law of one system's matrix",
        ),
        (
            lambda: Decay(jqd.Schrodinger.on_grid(jqd.Grid((-5, 5), 16), jnp.abs), T1),
            "but is a Schrodinger that does not",
        ),
    ],
)
def test_what_cannot_decay(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.slow
def test_a_pair_of_which_one_decays_and_the_same_decay_beside_another_H():
    """The partner, that nothing turns, keeps its populations."""
    law = Decay(np.diag([0.0, DETUNING]), T1, T2)
    both = law.pair(np.zeros((2, 2)))
    psi = np.kron([0.0, 1.0], [0.6, 0.8])
    found = np.real(np.einsum("tkk->tk", states(both, psi)))
    p = np.exp(-TS / T1)[:, None]
    exact = np.concatenate([(1 - p) * [[0.36, 0.64]], p * [[0.36, 0.64]]], axis=1)
    np.testing.assert_allclose(found, exact, atol=1e-12)
    turned = law.on(jqd.Schrodinger(H))
    assert float(turned.T2) == T2
    np.testing.assert_array_equal(turned.yardstick().hamiltonian.matrix, H)
