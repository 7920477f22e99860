"""A law that a user writes: it runs, is fitted and swept like those of the library."""

import inspect

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
from jaxtyping import Array

import jqd

H = jnp.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
PSI0 = jnp.sqrt(jnp.array([0.5, 0.3, 0.2])) + 0j
TS = jnp.linspace(0.0, 4.0, 21)


class GrossPitaevskii(jqd.Law):
    H: Array = jqd.fixed()
    g: Array = jqd.free(quantum=0.0)

    def prepare(self, psi):
        return jnp.asarray(psi, complex)

    def vector_field(self, t, psi, args=None):
        return -1j * (self.H @ psi + self.g * self.density(psi) * psi)

    def density(self, psi):
        return jnp.abs(psi) ** 2


def populations(g, ts):
    """The same law by SciPy."""

    def field(t, psi):
        return -1j * (np.asarray(H) @ psi + g * np.abs(psi) ** 2 * psi)

    run = scipy.integrate.solve_ivp(
        field, (0.0, float(ts[-1])), np.asarray(PSI0), "DOP853", np.asarray(ts),
        rtol=1e-12, atol=1e-12,
    )  # fmt: skip
    return np.abs(run.y.T) ** 2


def test_it_takes_eleven_lines():
    lines = inspect.getsource(GrossPitaevskii).splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 11


def test_evolve():
    law = GrossPitaevskii(H, 0.3)
    method = jqd.Adaptive(rtol=1e-11, atol=1e-12)
    run = jqd.evolve(law, law.prepare(PSI0), TS, method=method, observe="density")
    assert bool(run.ok)
    # computed once by another program, to 8 digits
    expected = [0.45907554, 0.33481954, 0.20610491]
    np.testing.assert_allclose(run.values[-1], expected, rtol=0, atol=1e-8)
    np.testing.assert_allclose(run.values, populations(0.3, TS), rtol=0, atol=1e-8)


def test_constants():
    law = GrossPitaevskii(H, 0.3)
    assert jqd.constants.names(law) == ("g",)
    assert jqd.constants.quantum_values(law) == {"g": 0.0}
    assert isinstance(law.g, Array)  # a number became a leaf, that a fit can move


@pytest.mark.slow
def test_recover():
    found = jqd.recover(
        GrossPitaevskii(H, 0.3), (TS, populations(0.17, TS)), psi0=PSI0, free="g",
        starts=2, search=None,
    )  # fmt: skip
    assert found.status == "converged"
    # the record carries SciPy's tolerance of 1e-12 times a few hundred steps
    assert found.constants["g"].value == pytest.approx(0.17, abs=1e-8)
    assert found.constants["g"].reference == 0.0


@pytest.mark.slow
def test_sweep(tmp_path):
    def point(g):
        law = GrossPitaevskii(H, g)
        run = jqd.evolve(law, law.prepare(PSI0), TS, observe="density")
        return {"populations": run.values[-1], "status": run.status}

    axes = {"g": jnp.array([0.0, 0.17, 0.3])}
    swept = jqd.sweep(point, axes, store=tmp_path / "g.zarr", progress=False)
    exact = jqd.Schrodinger(H)
    quantum = jqd.evolve(exact, PSI0, TS, observe="density").values[-1]
    values = np.asarray(swept["populations"])
    np.testing.assert_allclose(values[0], quantum, rtol=0, atol=1e-8)
    np.testing.assert_allclose(values[1], populations(0.17, TS)[-1], rtol=0, atol=1e-8)
    assert abs(values[2] - values[0]).max() > 0.01  # g matters
