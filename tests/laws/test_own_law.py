"""A law that a user writes: it runs, is fitted and swept like those of the library."""

import inspect
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
from jaxtyping import Array, Float

import jqd

ROOT = Path(__file__).resolve().parents[2]
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


class Cubic(jqd.laws.SelfPotential):
    g: Float[Array, ""] = jqd.free(quantum=0.0, span=(-1, 1), default=0.0)

    def self_potential(self, rho):
        return self.g * rho

    def self_energy(self, rho):
        return self.g / 2 * jnp.sum(rho**2)


class ByItsField(jqd.laws.DepartureOfKets):
    g: Float[Array, ""] = jqd.free(quantum=0.0, span=(-1, 1), default=0.0)

    def vector_field(self, t, psi, args=None):
        own = self.g * self.density(psi) * psi
        return self.quantum.vector_field(t, psi) - 1j * own / self.quantum.hbar


def body(kind):
    return [line for line in inspect.getsource(kind).splitlines()[1:] if line.strip()]


def test_laws_take_few_lines_and_stand_on_the_page():
    assert len(body(GrossPitaevskii)) <= 8
    assert len(body(ByItsField)) <= 8
    assert len(body(Cubic)) <= 6
    page = (ROOT / "docs" / "own_law.md").read_text(encoding="utf-8")
    for kind in (Cubic, ByItsField):
        assert f"```python\n{inspect.getsource(kind)}```" in page


@pytest.mark.parametrize("kind", [GrossPitaevskii, Cubic, ByItsField])
def test_evolve(kind):
    law = kind(H, 0.3)
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


@pytest.mark.slow
def test_vet():
    """What the two rivals are, and that they are the same; on a grid as well."""
    rows = ("norm", "energy", "quantum limit", "homogeneity", "time reversal")
    cards = [
        jqd.vet(kind(H, 0.3), rows=rows, steps=100) for kind in (Cubic, ByItsField)
    ]
    for card in cards:
        said = {name: str(row.verdict) for name, row in card.rows.items()}
        assert said.pop("homogeneity") == "fails"
        # without a word on its energy the one is asked for that of quantum mechanics
        assert said.pop("energy") == ("holds" if card.law == "Cubic" else "fails")
        assert set(said.values()) == {"holds"}
    grid = jqd.Grid((-6.0, 6.0), 32)
    line = jqd.Schrodinger.on_grid(grid, lambda x: x**2 / 2)
    psi = grid.normalise(jnp.exp(-(grid.x**2) / 4))
    own, library = (
        jqd.evolve(law, law.prepare(psi), TS[:3], observe="density").values
        for law in (Cubic(line, 0.3), jqd.laws.GrossPitaevskii(line, 0.3))
    )
    np.testing.assert_allclose(own, library, rtol=0, atol=1e-13)
