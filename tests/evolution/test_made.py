"""What equal steps have in common is made once, derivatives included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

import jqd
from benchmarks import set_ups
from jqd import laws, steppers
from jqd.evolution.fixed import splitting_of
from jqd.laws.groups import StepNoise
from jqd.laws.law import Law

DT = 0.1
# Laws of matrices whose steps need an exponential, a splitting with an alarm, and the
# random numbers of a step where there are any.
NOISE = {
    "Collapse": StepNoise(jnp.array([0.2]), jnp.asarray(0.4)),
    "QuantumJumps": StepNoise(jnp.zeros(0), jnp.array([0.3, 0.7])),
}
MADE = ("Gisin", "Lindblad", "Decay", "DoebnerGoldinLine", *NOISE)
# how many loops stand around a step: over save times, and over tiles of paths
DEPTH = {"Dephasing": 2, "Beretta": 2, "Gisin": 2, "Lindblad": 2, "Collapse": 3}
COSTLY = {"eigh", "lu", "schur", "triangular_solve"}


def example(name):
    law, start = set_ups.CASES[name]()[:2]
    return law, law.prepare(start) if isinstance(law, Law) else start


@pytest.mark.parametrize("name", MADE)
def test_a_step_is_the_same_with_what_was_made_for_it(name):
    law, state = example(name)
    made = law.made(DT)
    assert made is not None
    noise = (NOISE[name],) if name in NOISE else ()
    one = law.step(0.0, state, DT, *noise)
    other = law.step_with(made, 0.0, state, DT, *noise)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        # programs of their own round each in its way
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-15)
    # Negative control: of another step something else is made
    wrong = law.step_with(law.made(2 * DT), 0.0, state, DT, *noise)
    assert max(
        np.max(np.abs(a - b))
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(wrong), strict=True)
    ) > 1e-3  # fmt: skip


def test_nothing_is_made_for_steps_that_differ():
    pulse = jqd.pulse(lambda t, w: jnp.cos(w * t), w=0.7)
    driven = jqd.driven(np.diag([0.0, 1.0]), (np.eye(2)[::-1], pulse))
    jump = {"down": laws.Jump(np.diag([1.0], 1), 0.3)}
    assert laws.Lindblad(driven, jump).made(DT) is None
    assert laws.QuantumJumps(laws.Lindblad(driven, jump)).made(DT) is None
    moved = jqd.Schrodinger.on_grid(set_ups.LINE, lambda x, t: jnp.cos(x - t))
    assert moved.made(DT) is None
    assert set_ups.COPIES.made(DT) is None


PULSE = jqd.pulse(lambda t, w: jnp.cos(w * t), w=0.7)
JUMP = {"down": laws.Jump(np.diag([1.0], 1), 0.3)}
FLIP = np.eye(2)[::-1]


@pytest.mark.parametrize(
    "law",
    [
        laws.Lindblad(FLIP, JUMP),
        laws.Lindblad(jqd.driven(np.diag([0.0, 1.0]), (FLIP, PULSE)), JUMP),
        laws.Decay(laws.Weinberg(FLIP, 0.1), 5.0, 4.0),
        laws.Dephasing(FLIP, np.arange(2.0), 0.1),
        laws.Beretta(FLIP, 0.1),
        laws.Gisin(FLIP, 0.1),
    ],
    ids=["lindblad", "driven", "decay", "dephasing", "beretta", "gisin"],
)
@pytest.mark.parametrize("stepper", [None, steppers.rk4])
def test_small_laws_stay_in_the_precision_of_their_state(law, stepper):
    state = law.prepare(np.array([1.0, 0.0]))
    method = jqd.Fixed(stepper, 4, estimate_error=False)
    single, double = (
        jqd.evolve(law, one, set_ups.TS, observe="density", method=method).values
        for one in (state.astype(np.complex64), state)
    )
    assert single.dtype == np.float32
    # rounding of eight steps
    np.testing.assert_allclose(single, double, rtol=0, atol=1e-5)


def test_of_many_levels_no_exponential_is_made():
    """That of 16 x 16 numbers costs more than the steps that it replaces."""
    H = np.diag(np.arange(4.0))
    assert (
        laws.Lindblad(H, {"down": laws.Jump(np.diag([1.0] * 3, 1), 0.3)}).made(DT)
        is None
    )


def depths(jaxpr, depth=0):
    """(name, loops around it) of each equation that costs as an exponential does."""
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name in COSTLY:
            yield name, depth
        inside = depth + (name in ("scan", "while"))
        for inner in jaxprs_in_params(equation.params):
            yield from depths(inner, inside)


@pytest.mark.parametrize("name", DEPTH)
def test_no_step_of_a_gradient_takes_an_exponential(name):
    """A save interval takes one; that of Dephasing took 600 us a step."""
    one = set_ups.program(name, differentiated=True, substeps=6)
    slope, moving, still = set_ups.gradient(one.run, one.law, one.state)
    found = list(depths(jax.make_jaxpr(lambda m: slope(m, still))(moving).jaxpr))
    assert found
    # the ascent of entropy needs the eigenvalues of each ρ
    own = {"eigh"} if name == "Beretta" else set()
    assert {kind for kind, depth in found if depth >= DEPTH[name]} <= own


def test_a_path_turns_as_the_law_says():
    """Without noise a path is Schrödinger's, whatever its steps."""
    ts = np.array([0.0, 0.7, 1.5])
    law = laws.Collapse(set_ups.H, np.arange(3.0), 0.0)
    found = jqd.evolve(
        law, law.prepare(set_ups.KET), ts, key=jax.random.key(0), paths=2,
        observe="density", method=jqd.Fixed(substeps=3),
    ).values  # fmt: skip
    exact = jqd.evolve(laws.Schrodinger(set_ups.H), set_ups.KET, ts, observe="density")
    # rounding of six steps
    np.testing.assert_allclose(found, exact.values, rtol=0, atol=1e-14)


# -- splittings ------------------------------------------------------------------------


def test_laws_that_split_take_the_steps_of_an_interval_as_one():
    """As with the splitting by name; not where an alarm may end the run within it."""
    ring, plain = set_ups.RING, jqd.Fixed(substeps=3, estimate_error=False)
    named = jqd.Fixed(steppers.strang, 3, estimate_error=False)
    rival = laws.GrossPitaevskii(ring, 0.1)
    one, other = (
        jqd.evolve(rival, set_ups.WAVE, set_ups.TS, method=method).values
        for method in (plain, named)
    )
    np.testing.assert_array_equal(one, other)
    line = laws.DoebnerGoldinLine(ring, 0.1)
    for law in (ring, rival, line, laws.Decoherence(ring, laws.GaussianDecay(0.1, 1))):
        assert splitting_of(plain, law) is steppers.strang
    square = jqd.Grid(((-4.0, 4.0), (-4.0, 4.0)), (8, 8))
    field = jqd.Schrodinger.on_grid(
        square, lambda x, y: 0 * x, vector_potential=lambda x, y: (-y / 2, x / 2)
    )
    for law in (field, set_ups.atoms()[0], laws.Weinberg(set_ups.H, 0.1)):
        assert splitting_of(plain, law) is None
    assert splitting_of(jqd.Fixed(steppers.rk4), ring) is None


def scans(jaxpr):
    """Turns of each loop of a program, outer ones first."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "scan":
            yield equation.params["length"]
        for inner in jaxprs_in_params(equation.params):
            yield from scans(inner)


@pytest.mark.parametrize(
    ("stepper", "turns"), [(None, [9, 9]), (steppers.strang, [81])]
)
def test_merged_steps_by_default_keep_few_states(stepper, turns):
    """√81 of them for reverse mode; the splitting by name keeps all of an interval."""
    method = jqd.Fixed(stepper, 81, estimate_error=False)

    def run(psi):
        return jqd.evolve(set_ups.RING, psi, set_ups.TS, method=method).values

    made = jax.make_jaxpr(run)(set_ups.WAVE)
    assert list(scans(made.jaxpr)) == [2, *turns]


@pytest.mark.parametrize("name", ["strang", "chin4a", "pefrl", "s6"])
def test_a_step_of_a_splitting_takes_no_flow_back(name):
    """A merged sweep of one step ends with a flow undone; a step does not begin it."""
    stepper, law = getattr(steppers, name), set_ups.RING
    stages = stepper.stages(merged=False)
    for part, weights in (("inner", stepper.a), ("outer", stepper.b)):
        taken = [weight for kind, weight, *_ in stages if kind == part]
        assert taken == [weight for weight in weights if weight]
    one = stepper(law, 0.0, set_ups.WAVE, DT)
    np.testing.assert_allclose(
        one, stepper.sweep(law, 0.0, set_ups.WAVE, DT, 1), rtol=0, atol=1e-14
    )
