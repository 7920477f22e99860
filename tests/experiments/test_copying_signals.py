"""Points of the sweep over signals: the pairs that it draws, and another program."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from sweeps import copying_signals

# q, r and the pair: the last two meet nodes, at q + r > 0
POINTS = (
    (0.4, -0.5, 0), (0.5, -0.6, 2), (0.2, -0.3, 1), (0.65, -0.55, 0),
    (0.7, -0.3, 0), (0.7, -0.3, 2),
)  # fmt: skip


@pytest.mark.parametrize(("quick", "points"), [(True, 4096), (False, 102_400)])
def test_the_plane_holds_quantum_mechanics(quick, points):
    axes = copying_signals.axes(quick)
    assert np.prod([each.size for each in axes.values()]) == points
    assert (axes["q"] == 0.5).sum() == (axes["r"] == -0.5).sum() == 1


def test_pairs_are_drawn_evenly():
    number = 2048
    H_A, H_B, psi = map(np.asarray, jax.vmap(copying_signals.pair)(np.arange(number)))
    for H in (H_A, H_B):
        np.testing.assert_allclose(np.linalg.eigvalsh(H), [[-1, 1]] * number, atol=1e-6)
        # a component of a random direction scatters by 1/√3: four standard errors
        assert np.abs(H.mean(axis=0)).max() < 4 / np.sqrt(3 * number) * np.sqrt(2)
    np.testing.assert_allclose(np.linalg.norm(psi, axis=1), 1, rtol=1e-6)
    # shares of a random ket of four scatter by √(3/80)
    shares = (np.abs(psi) ** 2).mean(axis=0)
    np.testing.assert_allclose(shares, 0.25, atol=4 * np.sqrt(3 / 80 / number))
    assert not np.allclose(H_A, H_B)


def literal(H, q, r, psi):
    """Eqs. (20) and (26) in densities and phases by SciPy, until one is nearly empty.

    Densities at the times reached, largest change of <H>, and the time of the end.
    """
    off = ~np.eye(4, dtype=bool) & (np.abs(H) > 1e-15)
    R, delta = np.where(off, np.abs(H), 0), np.where(off, np.angle(H), 0)

    def field(t, y):
        rho, phase = np.split(y, 2)
        x = phase[:, None] - phase[None] + delta
        ratio = rho[:, None] / rho[None]
        gain = ratio**q * rho[None] * 2 * R * np.maximum(np.sin(x), 0)
        turn = np.real(np.diag(H)) + (ratio**r * R * np.cos(x)).sum(axis=1)
        return np.concatenate([(gain - gain.T).sum(axis=1), turn])

    def empty(t, y):
        return y[:4].min() - 1e-9

    empty.terminal = True
    start = np.concatenate([np.abs(psi) ** 2, -np.angle(psi)])
    T = copying_signals.T
    with np.errstate(all="ignore"):  # trial steps beyond the node
        run = solve_ivp(
            field, (0, T[-1]), start, "DOP853", T, events=empty, rtol=1e-10, atol=1e-13
        )
    rho, phase = np.split(run.y, 2)
    kets = np.sqrt(np.abs(rho)) * np.exp(-1j * phase)
    energy = np.real(np.sum(kets.conj() * (H @ kets), axis=0))
    end = run.t_events[0][0] if run.t_events[0].size else T[-1]
    return rho, np.abs(energy - energy[0]).max(), end


@pytest.mark.slow
def test_points_are_those_of_another_program():
    points = [np.array(each) for each in zip(*POINTS, strict=True)]
    found = jax.jit(jax.vmap(copying_signals.point))(*points)
    found = {name: np.asarray(each) for name, each in found.items()}
    for k, (q, r, case) in enumerate(POINTS):
        H_A, H_B, psi = map(np.asarray, copying_signals.pair(case))
        off = np.kron(H_A, np.eye(2))
        on = off + np.kron(np.eye(2), H_B)
        runs = [literal(H, q, r, psi) for H in (off, on)]
        together = min(rho.shape[1] for rho, _, _ in runs)
        seen = [rho[:2, :together].sum(axis=0) for rho, _, _ in runs]
        signal = np.abs(seen[1] - seen[0]).max()
        # the error is that of the change by half the step, where sin⁺ has kinks
        assert abs(found["signal"][k] - signal) < 3 * found["error"][k] + 1e-8
        assert found["error"][k] < 1e-4 < signal
        end = min(end for _, _, end in runs)
        # a node is found at the end of a step, or of the next
        assert found["end"][k] == pytest.approx(end, abs=2 / 30 + 1e-9)
        assert (found["status"][k] == 1) == (end < 2)
        if end == 2:
            least = min(rho.min() for rho, _, _ in runs)
            # errors of the densities, as of the signals
            assert found["least"][k] == pytest.approx(least, abs=1e-4)
            drift = max(drift for _, drift, _ in runs)
            assert found["drift"][k] == pytest.approx(drift, abs=1e-3)
