"""QuTiP's g: maps that QuTiP computed, with and without it in the file."""

import numpy as np
import pytest

from jqd.problems import DATA
from jqd.records import load_phase_space

qutip = pytest.importorskip("qutip")

LEVELS, ALPHA = 40, 1.2 + 0.5j
TS = np.array([0.0, 0.3, 0.6])


@pytest.fixture(scope="module")
def states():
    """A Kerr oscillator, U = 1, from a coherent state, by QuTiP."""
    a = qutip.destroy(LEVELS)
    H = 0.5 * a.dag() ** 2 * a**2
    start = qutip.coherent(LEVELS, ALPHA, method="analytic")
    return [(-1j * H * t).expm() * start for t in TS]


def written(path, states, g=None, **also):
    """A file of maps with QuTiP's default g, or another."""
    x = np.linspace(-6.0, 6.0, 41) * np.sqrt(2) / (g or np.sqrt(2))
    y = x[4:]
    how = {} if g is None else {"g": g}
    maps = np.stack([qutip.qfunc(psi, x, y, **how) for psi in states])
    arrays = {"t": TS[-len(states) :], "x": x, "y": y, "husimi": maps}
    np.savez(path, **arrays, **({"alpha0": ALPHA} | also))
    return path


def test_the_default_g_is_found_from_the_row_at_t0(tmp_path, states):
    record = load_phase_space(written(tmp_path / "a.npz", states))
    assert record.g == pytest.approx(np.sqrt(2), rel=1e-15)
    # Q per d²α by its definition, without a package
    expected = np.exp(-(np.abs(record.points - ALPHA) ** 2)) / np.pi
    # QuTiP's state is cut at 40 levels, which lose 1e-15
    np.testing.assert_allclose(record.values[0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("g", [1.0, np.sqrt(2), 2.0])
@pytest.mark.parametrize("kind", ["alpha0", "psi0", "rho0"])
def test_g_is_found_whatever_it_is(tmp_path, states, g, kind):
    psi = states[0].full()[:, 0]
    initial = {"psi0": psi, "rho0": np.outer(psi, psi.conj()), "alpha0": ALPHA}[kind]
    also = {"alpha0": ALPHA} if kind == "alpha0" else {kind: initial}
    path = written(tmp_path / "a.npz", states, g)
    with np.load(path) as file:
        arrays = {k: file[k] for k in file.files if k != "alpha0"}
    np.savez(path, **arrays, **also)
    assert load_phase_space(path).g == pytest.approx(g)


def test_g_of_another_kind_is_asked_for(tmp_path, states):
    path = written(tmp_path / "a.npz", states, g=1.7)
    with pytest.raises(ValueError, match=r"must hold `g`.*a\.npz.*none of these"):
        load_phase_space(path)
    assert load_phase_space(path, g=1.7).g == 1.7


def test_g_without_a_row_at_t0(tmp_path, states):
    """From the quanta, which a Kerr oscillator keeps, or it is asked for."""
    # the shared record has no row at t0 and no g; it was made with 2
    assert load_phase_space(DATA / "kerr_husimi.npz").g == 2.0
    path = written(tmp_path / "a.npz", states[1:])
    assert load_phase_space(path).g == pytest.approx(np.sqrt(2))
    path = written(tmp_path / "b.npz", states[1:], alpha0=0.3)
    with pytest.raises(ValueError, match="must hold `g`"):
        load_phase_space(path)
    # scatter that hides the quanta
    path = written(tmp_path / "d.npz", states[1:], sigma=0.01)
    with pytest.raises(ValueError, match="must hold `g`"):
        load_phase_space(path)
    # one row alone might hold as many quanta by chance
    path = written(tmp_path / "c.npz", states[2:])
    with pytest.raises(ValueError, match="must hold `g`"):
        load_phase_space(path)


def test_sigma_is_in_the_unit_of_the_values(tmp_path, states):
    """Residuals in standard errors are those of the file, whatever g is."""
    sigma, rng = 2e-3, np.random.default_rng(3)
    for g in (np.sqrt(2), 2.0):
        path = written(tmp_path / "a.npz", states, g)
        with np.load(path) as file:
            arrays = dict(file)
        noise = sigma * rng.standard_normal(arrays["husimi"].shape)
        np.savez(path, **arrays | {"husimi": arrays["husimi"] + noise, "sigma": sigma})
        record = load_phase_space(path)
        assert record.g == pytest.approx(g)
        half = record.g / 2
        assert record.sigma == pytest.approx(sigma / half**2)
        data, _ = record.data()
        exact = np.exp(-(np.abs(record.points - ALPHA) ** 2)) / np.pi
        residuals = (data.values[0] - exact) / data.noise.sigma
        # of 41 * 37 unit normals: 1/√(2n) = 0.018
        assert np.std(residuals) == pytest.approx(1, abs=5 * 0.018)
        given = load_phase_space(written(tmp_path / "b.npz", states, g), sigma=sigma)
        assert given.sigma == pytest.approx(sigma / half**2)
