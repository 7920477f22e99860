"""The exact form is a quantum law at Cħ: its bases, its starts, and its names."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.laws.husimi import (
    Bath,
    Exact,
    FirstOrder,
    GaussianSum,
    HusimiFokkerPlanck,
    Levels,
    PSamples,
    Sectors,
    Series,
)
from jqd.spaces.symbols import bose_hubbard, kerr, matrix
from jqd.states import Ensemble, coherent, husimi
from jqd.steppers import cf4

POINTS, LEVELS, HBAR = jnp.asarray([0.5 + 0.1j, -0.3 + 0.7j]), 18, 1.3
KET, TS = coherent(0.6, 12), jnp.asarray([0.0, 0.4, 0.8])


def drive(t):
    return 0.2 * jnp.cos(1.7 * t)


DRIVEN = "0.35*ad^2*a^2 + 0.3*ad*a + drive(t)*(a + ad)"


def by_kets(law, quantum, method):
    """Q of the kets of the law's start, moved by another law at Cħ."""
    start = law.prepare(law.admit(KET))
    run = jax.vmap(lambda ket: jqd.evolve(quantum, ket, TS, method=method).values)
    states, hbar = run(start.kets), law.equation.hbar_eff
    rows = [Ensemble(states[:, i], start.weights) for i in range(len(TS))]
    return jnp.stack([husimi(row, POINTS, hbar=hbar) for row in rows])


def test_it_is_schroedingers_law_at_C_hbar():
    """Value and both derivatives by C."""

    def ours(C):
        form = Exact(LEVELS, Series(8))
        law = HusimiFokkerPlanck(
            kerr(0.7, 0.3), C, None, HBAR, points=POINTS, form=form
        )
        start = law.prepare(law.admit(KET))
        return jqd.evolve(law, start, TS, observe="density").values

    def theirs(C):
        form = Exact(LEVELS, Series(8))
        law = HusimiFokkerPlanck(kerr(0.7, 0.3), C, None, HBAR, form=form)
        H = matrix(kerr(0.7, 0.3), LEVELS, hbar=C * HBAR)
        return by_kets(law, jqd.Schrodinger(H, C * HBAR), jqd.Propagator())

    C = jnp.asarray(0.9)
    one, other = (
        jax.jit(lambda C, f=f: jax.jvp(f, (C,), (jnp.ones(()),)))(C)
        for f in (ours, theirs)
    )
    for mine, its in zip(one, other, strict=True):
        # phases of some 100, rounded
        np.testing.assert_allclose(mine, its, rtol=0, atol=1e-12)
    back = jax.jit(jax.grad(lambda C: jnp.sum(ours(C))))(C)
    assert float(back) == pytest.approx(float(jnp.sum(one[1])), abs=1e-12)


def test_under_a_drive_it_is_schroedingers_law_at_C_hbar():
    C = 0.9
    law = HusimiFokkerPlanck(
        DRIVEN, C, points=POINTS, form=Exact(LEVELS, Series(8)), drive=drive
    )
    parts = law.hamiltonian.constant, law.hamiltonian.operators["drive"]
    H, push = (matrix(part, LEVELS, hbar=C) for part in parts)
    quantum = jqd.Schrodinger(jqd.driven(H, (push, drive)), C)
    method = jqd.Fixed(cf4, 60, estimate_error=False)
    start = law.prepare(KET)
    run = jqd.evolve(law, start, TS, method=method, observe="density")
    np.testing.assert_allclose(run.values, by_kets(law, quantum, method), atol=1e-12)


def test_in_a_bath_it_is_lindblads_equation_at_C_hbar():
    C, bath = 0.8, Bath(0.2, 0.1)
    law = HusimiFokkerPlanck(kerr(0.7, 0.3), C, form=Exact(20), bath=bath)
    H, rates = matrix(kerr(0.7, 0.3), 20, hbar=C), bath.at(C)
    quantum = jqd.Lindblad.of_mode(H, Bath(rates.gamma, rates.nbar), C)
    start = law.prepare(KET)
    method = jqd.Fixed(quantum.stepper, 60, estimate_error=False)
    run = jqd.evolve(law, start, TS).values
    # what 20 levels cut off
    np.testing.assert_allclose(
        run, jqd.evolve(quantum, start, TS, method=method).values, atol=1e-7
    )


@pytest.mark.parametrize("name", ["exact", "auto", "heff", "master"])
def test_names(name):
    """Those of earlier files and options are read."""
    for bath in (None, Bath(0.1)):
        law = HusimiFokkerPlanck("ad^2*a^2", form=name, bath=bath)
        assert law.form == Exact(Levels(), Series())
        assert law.form.basis.sizes(law.equation) == (64 if bath is None else 40,)


def pair(C, form, U=0.5):
    return HusimiFokkerPlanck(bose_hubbard(1.0, U, [(0, 1)]), C, form=form)


@pytest.mark.slow
@pytest.mark.parametrize("start", [FirstOrder(), PSamples(8, seed=2)])
def test_starts_on_levels_are_those_in_sectors(start):
    """Where H conserves quanta it does not matter how states are sorted."""
    psi, ts = GaussianSum.coherent([0.4, 0.2j]), jnp.asarray([0.0, 0.5])
    means = []
    for basis in (Levels(9), Sectors(8)):
        law = pair(0.97, Exact(basis, start))
        states, _ = law.orbit(law.prepare(psi), ts)
        end = jax.tree.map(lambda leaf: leaf[1], states)
        means.append([law.moment(end, (1, 0), (0, 1)), law.moment(end, (1, 0), (0, 0))])
        if isinstance(start, PSamples):
            error = law.form.standard_error(law.equation, end, (1, 0), (1, 0))
            means[-1].append(error)
    # more than 8 quanta: 1e-8
    np.testing.assert_allclose(*means, atol=1e-6)


@pytest.mark.slow
def test_a_drive_in_sectors():
    """Of a frequency: exponentials of the whole state, as on levels."""

    def law_of(form):
        return HusimiFokkerPlanck(
            "ad1*a2 + ad2*a1 + 0.2*ad1^2*a1^2 + drive(t)*ad2*a2", 1.0, form=form,
            drive=drive,
        )  # fmt: skip

    psi = GaussianSum.coherent([0.4, 0.2j])
    method, means = jqd.Fixed(cf4, 20, estimate_error=False), []
    for form in (Exact(8, FirstOrder()), Exact(Sectors(7))):
        law = law_of(form)
        assert law.stepper is cf4
        run = jqd.evolve(law, law.prepare(psi), TS, method=method, observe="n")
        means.append(run.values)
    # more than 7 quanta: 1e-7
    np.testing.assert_allclose(*means, atol=1e-6)


def test_what_is_refused():
    with pytest.raises(ValueError, match="`basis` must be one of Levels, Sectors"):
        HusimiFokkerPlanck("n", form=Exact("many"))
    with pytest.raises(ValueError, match="`start` must be one of Series, First"):
        HusimiFokkerPlanck("n", form=Exact(8, 30))
    with pytest.raises(ValueError, match="`orders` must be a whole number"):
        HusimiFokkerPlanck("n", form=Exact(8, Series(-1)))
    with pytest.raises(ValueError, match="`quanta` must be"):
        HusimiFokkerPlanck("n", form=Exact(Sectors(-1)))
    with pytest.raises(ValueError, match="`orders` must be None in `Sectors`"):
        HusimiFokkerPlanck("n", form=Exact(Sectors(4), Series(2)))
    with pytest.raises(ValueError, match="`bath` must be None"):
        HusimiFokkerPlanck("n", bath=Bath(0.1), form=Exact(8, PSamples()))
