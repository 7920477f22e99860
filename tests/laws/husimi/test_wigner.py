"""The deconvolved density on a grid, against the exact form and closed forms."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Adaptive, Fixed, constants, evolve
from jqd.laws.husimi import (
    Exact,
    GaussianForm,
    GaussianSum,
    HusimiFokkerPlanck,
    WignerGrid,
)
from jqd.spaces.symbols import Symbol, bose_hubbard, phi4
from jqd.states import antinormal_moment, cat, coherent, husimi
from jqd.status import Status
from jqd.steppers import rk4

from .generic import MIXED

KERR = Symbol([0.5, -2.0], [((2,), (2,)), ((1,), (1,))])
QUADRATIC = Symbol(
    [1.0, 0.2 + 0.1j, 0.2 - 0.1j], [((1,), (1,)), ((2,), (0,)), ((0,), (2,))]
)
AXIS = np.linspace(-2, 2, 9)
POINTS = AXIS[None, :] + 1j * AXIS[:, None]
SMALL = WignerGrid(48, 5.0)


def steps(count):
    return Fixed(rk4, count, estimate_error=False)


def stable(law, t):
    """As many steps as keep every wave on the grid stable."""
    return steps(math.ceil(t / float(law.form.stable_step(law.equation))))


@pytest.mark.sampled
@pytest.mark.parametrize("C", [0.0, 0.7, 1.0, 1.4])
def test_the_start_is_the_husimi_function(C):
    """Whatever C, and moments as well."""
    law = HusimiFokkerPlanck(KERR, C, hbar=0.9, points=POINTS, form=WignerGrid(64, 6.0))
    ket = cat([1.0, -0.5j], [1.0, 0.7], 24)
    state = law.prepare(ket)
    # the waves that 64 points over 12 leave out, and those they are mistaken for
    left = 100 * np.exp(-(1 - C / 2) * 0.9 * 16.7**2 / 4)
    exact = husimi(ket, POINTS, hbar=0.9)
    np.testing.assert_allclose(law.density(state), exact, atol=max(1e-11, left))
    for m, n in ((0, 0), (1, 0), (2, 1), (2, 2)):
        expected = antinormal_moment(ket, m, n, hbar=0.9)
        np.testing.assert_allclose(
            law.moment(state, m, n), expected, atol=max(1e-9, left)
        )


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("symbol", "psi", "t", "points", "expected"),
    [
        # rows 4 and 9
        (KERR, 1.2 + 0.5j, 0.37, [0.7 - 0.3j], [0.183448850082]),
        (MIXED, 0.6 - 0.4j, 0.7, [0.3 + 0.5j, -0.8j], [0.055844131185, 0.282569767427]),
    ],
    ids=["kerr", "mixed"],
)
def test_quantum_mechanics(symbol, psi, t, points, expected):
    law = HusimiFokkerPlanck(symbol, points=np.array(points), form=SMALL)
    run = evolve(
        law,
        law.prepare(coherent(psi, 24)),
        [0.0, t],
        method=stable(law, t),
        observe="density",
    )
    assert run.ok
    # 48 points over 10: 7e-8 at Ut = .4
    np.testing.assert_allclose(run.values[-1], expected, atol=3e-7)


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.8, 1.3])
def test_other_strengths(C):
    grid, quantum = (
        HusimiFokkerPlanck(MIXED, C, hbar=0.9, points=POINTS, form=form)
        for form in (SMALL, Exact(90))
    )
    psi = coherent(0.6 - 0.4j, 24)
    ts = jnp.array([0.0, 0.3])
    have = evolve(
        grid, grid.prepare(psi), ts, method=stable(grid, 0.3), observe="density"
    )
    want = evolve(quantum, quantum.prepare(psi), ts, observe="density")
    assert have.ok
    assert want.ok
    np.testing.assert_allclose(have.values, want.values, atol=1e-7)
    assert have.diagnostics["norm_drift"] < 1e-7
    assert have.diagnostics["energy_drift"] < 1e-5  # weighs the border with |α|⁴


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.0, 1.0])
def test_liouville(C):
    """C = 0 against the exact flow: Gaussians for a quadratic H, and for Kerr
    Q(α, t) = Q(α e^(iθ), 0), θ = (|α|² + b/2) t. C = 1 tells the second apart."""
    ts = jnp.array([0.0, 0.2])
    psi = coherent(0.7 + 0.3j, 24)
    law = HusimiFokkerPlanck(KERR, C, points=POINTS, form=SMALL)
    run = evolve(law, law.prepare(psi), ts, method=stable(law, 0.2), observe="density")
    turned = POINTS * np.exp(1j * 0.2 * (np.abs(POINTS) ** 2 - 2.0))
    gap = np.max(np.abs(run.values[-1] - husimi(psi, turned)))
    assert gap < 1e-6 if C == 0 else gap > 1e-2
    law, exact = (
        HusimiFokkerPlanck(QUADRATIC, C, points=POINTS, form=form)
        for form in (SMALL, GaussianForm())
    )
    run = evolve(law, law.prepare(psi), ts, method=stable(law, 0.2), observe="density")
    want = evolve(exact, GaussianSum.coherent(0.7 + 0.3j), ts, observe="density")
    np.testing.assert_allclose(run.values, want.values, atol=1e-8)


@pytest.mark.slow
def test_stable_step():
    """No wave grows at half the stable step; twelve times of it is too long."""
    psi = coherent(1.0, 20)
    law = HusimiFokkerPlanck(KERR, points=POINTS, form=WignerGrid(40, 5.0))
    dt = float(law.form.stable_step(law.equation))
    t = jnp.array([0.0, 200 * dt])
    fine = evolve(law, law.prepare(psi), t, method=steps(200))
    coarse = evolve(law, law.prepare(psi), t, method=steps(16))
    assert fine.ok
    assert not coarse.ok


def test_the_border_is_marked():
    """A coherent state that a drive carries out of the box."""
    law = HusimiFokkerPlanck("2*q", form=WignerGrid(40, 4.0))
    run = evolve(
        law, law.prepare(coherent(0.0, 12)), [0.0, 0.1, 3.0], method=steps(200)
    )
    assert run.status == Status.EDGE
    assert 0.1 < run.failure_time < 3.0
    assert np.all(np.isnan(run.values[-1]))


def test_bad_arguments():
    form = WignerGrid(40, 4.0)
    for bad, s in (
        (phi4(0.1), None),
        (bose_hubbard(1.0, 1.0, [(0, 1)]), None),
        (KERR, 1.1),
    ):
        with pytest.raises(ValueError, match="must not be 'wigner'"):
            HusimiFokkerPlanck(bad, 1.0, s, form=form)
    with pytest.raises(ValueError, match=r"within 4.0 of the origin"):
        HusimiFokkerPlanck(KERR, points=np.array([4.5 + 0j]), form=form)
    for C in (-0.3, 2.0):
        with pytest.raises(ValueError, match="C_max"):
            HusimiFokkerPlanck(KERR, C, form=form).prepare(coherent(0.5, 12))


@pytest.mark.slow
def test_gradient_and_single_precision():
    """d/dC of preparation, step and density, against differences of 1e-5."""
    psi = coherent(0.8, 16)
    start = HusimiFokkerPlanck(
        KERR, points=np.array([0.7 - 0.3j]), form=WignerGrid(32, 4.5)
    )

    def value(C):
        law = constants.unpack(start, "C", C)
        return law.density(law.step(0.0, law.prepare(psi), 1e-3))[0]

    slope_of = jax.jit(jax.value_and_grad(value))
    below, above = (slope_of(jnp.asarray(C))[0] for C in (1 - 1e-5, 1 + 1e-5))
    middle, slope = slope_of(jnp.asarray(1.0))
    # rounding 1e-16 over the step, and its square times the third derivative
    np.testing.assert_allclose(slope, (above - below) / 2e-5, atol=1e-9)
    small = start.prepare(psi.astype(jnp.complex64))
    ts = jnp.array([0.0, 1e-3], jnp.float32)
    run = evolve(start, small, ts, method=steps(1))
    assert run.values.dtype == jnp.float32
    np.testing.assert_allclose(start.density(run.values[-1])[0], middle, atol=1e-5)


@pytest.mark.slow
def test_adaptive_steps():
    law = HusimiFokkerPlanck(KERR, points=POINTS, form=SMALL)
    quantum = HusimiFokkerPlanck(KERR, points=POINTS, form=Exact(48))
    psi, ts = coherent(1.0, 20), jnp.array([0.0, 0.2])
    run = evolve(
        law,
        law.prepare(psi),
        ts,
        method=Adaptive(estimate_error=False),
        observe="density",
    )
    want = evolve(quantum, quantum.prepare(psi), ts, observe="density")
    assert run.ok
    np.testing.assert_allclose(run.values, want.values, atol=1e-7)
