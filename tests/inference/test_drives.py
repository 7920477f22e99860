"""Fits of driven laws, from data of an integrator and a formula that share nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

import jqd

H0 = np.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6j], [0.5, -0.6j, -0.3]])
H1 = np.array([[0.2, 0.4j, 0], [-0.4j, 0, 0], [0, 0, -0.2]])
H2 = np.array([[0.0, 0, 0], [0, 0, 0.9], [0, 0.9, 0]])
PSI = np.sqrt([0.5, 0.3, 0.2]) * np.exp(-1j * np.array([0, 0.5, -0.8]))
TS = np.linspace(0.0, 2.0, 17)


def first(t, area, xp=jnp):
    return area * xp.exp(-((t - 0.6) ** 2) / 0.18)


def second(t, xp=jnp):
    return xp.cos(3.0 * t)


def law_of(area=0.8, q=0.5, r=-0.5):
    pulsed = jqd.pulse(lambda t, area: first(t, area), area=area)
    hamiltonian = jqd.driven(H0, (H1, pulsed), (H2, second))
    return jqd.CopyDynamics.from_hamiltonian(hamiltonian, q=q, r=r)


def densities(area, q, r):
    """The psi form in NumPy: every pair's flow and turn by its own ratio of densities.

    dψ_a/dt = ψ_a/ρ_a [Σ_b (J_ab⁺ g_ab - J_ba⁺ g_ba)/2 - i Σ_b h_ab Re(ψ_a* H_ab ψ_b)]
    J_ab = 2 Im(ψ_a* H_ab ψ_b), g = (ρ_a/ρ_b)^(q - 1/2), h = (ρ_a/ρ_b)^(r + 1/2)
    """

    def field(t, psi):
        H = H0 + first(t, area, np) * H1 + second(t, np) * H2
        rho = np.abs(psi) ** 2
        pair = np.conj(psi)[:, None] * H * psi[None, :]
        ratio = rho[:, None] / rho[None, :]
        off = ~np.eye(3, dtype=bool)
        flow = np.where(off, np.maximum(2 * pair.imag, 0) * ratio ** (q - 0.5), 0)
        turn = np.where(off, pair.real * ratio ** (r + 0.5), 0).sum(1) / rho
        gain = (flow - flow.T).sum(1)
        return psi * (gain / (2 * rho) - 1j * (turn + np.diag(H).real))

    run = scipy.integrate.solve_ivp(
        field, (TS[0], TS[-1]), PSI, "DOP853", TS, rtol=1e-13, atol=1e-14
    )
    return np.abs(run.y.T) ** 2


@pytest.mark.slow
def test_q_and_r_under_two_pulses():
    q, r = 0.42, -0.61
    found = jqd.recover(
        law_of(), (TS, densities(0.8, q, r)), psi0=PSI, free=("q", "r"),
        starts=[[0.5, -0.5]], search=None,
    )  # fmt: skip
    values = found.constants
    # data to 1e-13 and a step bias of 1e-10
    assert abs(values["q"].value - q) < 1e-8
    assert abs(values["r"].value - r) < 1e-8


@pytest.mark.slow
def test_another_pulse_gives_other_constants():
    """Negative control: the data know the area of the pulse."""
    found = jqd.fit(
        law_of(0.9), (TS, densities(0.8, 0.42, -0.61)), psi0=PSI, free=("q", "r"),
        starts=[[0.42, -0.61]], search=None, substeps=16,
    )  # fmt: skip
    q = found.constants["q"]
    # steps of 1/128 leave far less
    assert abs(q.value - 0.42) > 1e-3 > 100 * q.step_bias


def test_parameters_of_a_pulse_are_swept(tmp_path):
    """sin² of the area of f = a e^{-t/w}, over amplitude and width."""
    X = np.array([[0.0, 1.0], [1.0, 0.0]])

    def turned(a, w):
        pulsed = jqd.pulse(lambda t, a, w: a * jnp.exp(-t / w), a=a, w=w)
        law = jqd.Schrodinger(jqd.driven(0 * X, (X, pulsed)))
        run = jqd.evolve(
            law, jnp.array([1.0 + 0j, 0]), jnp.array([0.0, 2.0]),
            method=jqd.Fixed(None, 200, estimate_error=False), observe="density",
        )  # fmt: skip
        return {"turned": run.values[-1, 1], "status": run.status}

    axes = {"a": np.linspace(0.2, 1.1, 3), "w": np.linspace(0.5, 2.0, 2)}
    swept = jqd.sweep(turned, axes, store=tmp_path / "pulses", progress=False)
    a, w = np.meshgrid(axes["a"], axes["w"], indexing="ij")
    # fourth order at a step of .01
    exact = np.sin(a * w * (1 - np.exp(-2 / w))) ** 2
    np.testing.assert_allclose(swept["turned"], exact, rtol=0, atol=1e-9)


def test_a_pulse_is_a_leaf_of_the_law():
    law = law_of()
    shapes = {jax.tree_util.keystr(path): np.shape(leaf)
              for path, leaf in jax.tree.leaves_with_path(law)}  # fmt: skip
    assert any("area" in name for name in shapes), shapes
