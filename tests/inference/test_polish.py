"""What a polish costs: few steps, and derivatives of the motion where it has any."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jax.extend.core import jaxprs_in_params

import jqd
from jqd.inference.polish import Polish, polish_all, polish_one
from jqd.inference.slopes import jacobian, shown_by_steps, shown_slopes
from jqd.instruments import Confusion, Gaussian, Instrument

# `jqd.inference.polish` is the module
polish_module = sys.modules["jqd.inference.polish"]
TS, MASK = np.linspace(0.125, 3, 24), np.ones(24)


def study_of(law, free="q"):
    """A qubit of Rabi period 1: 500 shots with q = .45, beside readout and fading."""
    H, ket = np.pi * np.array([[0.0, 1.0], [1.0, 0.0]]), np.sqrt([0.8, 0.2])
    made = jqd.CopyDynamics.from_hamiltonian(H, 0.45, -0.5)
    shown = Confusion(flip=0.02, fading=0.058)
    record = jqd.simulate(made, ket, TS, shown, 500, jax.random.key(1), t0=0.0)
    nuisances = {
        "flip": jqd.Normal(0.02, 0.005),
        "fading": jqd.LogNormal(0.058, 0.08),
    }
    return jqd.Study(
        law(H), record, psi0=ket, free=free, instrument=shown, nuisances=nuisances
    ).with_substeps(32)  # fmt: skip


def test_constants_of_which_little_is_told_do_not_creep():
    """From quantum mechanics to a minimum 1.2 errors off, in six steps of the solver.

    With a damping of 1, the readout, known to a hundredth of its span, needs 12.
    """
    study = study_of(jqd.CopyDynamics.from_hamiltonian)
    first = study.theta({"q": 0.5})
    one = Polish(rtol=1e-7, atol=1e-7, rounds=1, max_steps=6)
    theta, cost, settled = polish_one(one, study, first, MASK)
    assert settled
    # the same program goes on from there
    finest = polish_one(Polish(rounds=1, max_steps=6), study, theta, MASK)
    assert finest[2]
    # a last step of 1e-7 of a span, beside which the minimum is as far as another
    np.testing.assert_allclose((theta - finest[0]) / study.spans, 0, atol=2e-7)
    assert float(cost - finest[1]) < 1e-8


def test_a_fit_goes_on_from_the_weights_of_another():
    """The fit to all rows, from that to the first ones, ends where one from afar does:
    a change of weights moves the last round less than it has to."""
    study = study_of(jqd.CopyDynamics.from_hamiltonian)
    polish, some = Polish(rtol=1e-7, atol=1e-7), np.where(np.arange(24) < 19, 1.0, 0.0)
    part = polish_one(polish, study, study.theta(), some)[0]
    there = study.weights(part, study.predict(part))
    theta, _, settled = polish_one(polish, study, part, MASK, at=there)
    assert settled
    afar = polish_one(Polish(), study, study.theta(), MASK)[0]
    # six rounds in all, by the same program
    there = study.weights(afar, study.predict(afar))
    afar = polish_one(Polish(), study, afar, MASK, at=there)[0]
    # three rounds: the weights of the last but one are right to some 1e-4
    np.testing.assert_allclose((theta - afar) / study.spans, 0, atol=1e-5)


def test_starts_that_do_not_fit_side_by_side_come_in_parts(monkeypatch):
    ts, psi0 = np.linspace(0.1, 2.4, 24), np.array([1.0, 0.0])
    noise = Gaussian(0.1)
    record = jqd.Record(ts, np.stack([np.cos(ts), np.sin(ts)], axis=1), noise)
    study = jqd.Study(
        Turning(jnp.asarray(1.1)), record, psi0=psi0, free="w",
        instrument=Scaled(jnp.asarray(1.0), noise),
    )  # fmt: skip
    given = 1.1 + np.linspace(-0.3, 0.3, 6)[:, None]
    polish = Polish(within=1e-4, max_steps=11)
    together = polish_all(polish, study, given, MASK)
    assert np.all(together[2])
    # 48 values: four guesses at a time, in parts of three
    monkeypatch.setattr(polish_module, "SIDE_BY_SIDE", 200)
    apart = polish_all(Polish(within=1e-4, max_steps=12), study, given, MASK)
    for one, other in zip(together, apart, strict=True):
        # the same steps, whose rounding depends on the batch
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("free", ["q", ("q", "r", "phase0")])
def test_derivatives_with_the_motion_and_without(free):
    study = study_of(jqd.CopyDynamics.from_hamiltonian, free)
    theta = jnp.asarray(1.01 * np.asarray(study.theta()))
    at = study.first_weights()
    value, slope = jacobian(study, theta, at, MASK)
    other = jax.jacfwd(lambda theta: study.residuals(theta, at, MASK))(theta)
    # rounding of residuals of some tens, after 768 steps
    scale = np.abs(other).max()
    np.testing.assert_allclose(slope, other, rtol=0, atol=1e-11 * scale)
    there = study.residuals(theta, at, MASK)
    np.testing.assert_allclose(value, there, rtol=0, atol=1e-11 * np.abs(there).max())


class Turning(jqd.Motion):
    """A rotation."""

    w: Array

    def vector_field(self, t, state, args=None):
        return self.w * jnp.stack([-state[1], state[0]])


class Counted(Turning):
    """One that counts how often a derivative of it is asked for."""

    def vector_field(self, t, state, args=None):
        return _turned(self.w, state)


ASKED: list[bool] = []


@jax.custom_jvp
def _turned(w, state):
    return w * jnp.stack([-state[1], state[0]])


@_turned.defjvp
def _(primals, tangents):
    ASKED.append(True)
    return jax.jvp(_turned.fun, primals, tangents)


class Scaled(Instrument):
    """Shows the state, enlarged."""

    scale: Array
    noise: Gaussian

    def mean(self, law, t, state):
        return self.scale * state


@pytest.mark.parametrize("free", [(), ("w",)])
def test_what_only_shows_the_state_needs_no_derivative_of_its_motion(free):
    noise = Gaussian(0.1)
    study = jqd.Study(
        Counted(jnp.asarray(1.0)), jqd.Record([0.5, 1.0], np.eye(2), noise),
        psi0=np.array([1.0, 0.0]), free=free, nuisances={"scale": (0.9, 0.1)},
        instrument=Scaled(jnp.asarray(0.9), noise),
    )  # fmt: skip
    ASKED.clear()
    jacobian(study, study.theta(), study.first_weights(), np.ones(2))
    assert bool(ASKED) == bool(free)


def test_a_batch_factorises_in_one_place():
    """jaxlib has a large batch factorised by a pool of threads, and waits for it on one
    of them: on two processors two factorisations at a time never end."""
    study = study_of(jqd.CopyDynamics.from_hamiltonian)
    starts = jnp.stack([study.theta()] * 2)
    made = jax.make_jaxpr(lambda x: polish_all(Polish(), study, x, MASK))(starts)
    called = []

    def look(jaxpr):
        for equation in jaxpr.eqns:
            called.append(equation.primitive.name)
            for inner in jaxprs_in_params(equation.params):
                look(inner)

    look(made.jaxpr)
    # of residuals; that of JAX and that which lineax calls have names of their own
    assert called.count("geqrf") + called.count("qr") == 1
    assert not {"svd", "eigh", "eig", "cholesky"} & set(called)


def test_one_program_follows_a_run_with_both_steps():
    """As two of their own do, with as many steps between any two rows as are given."""
    study = study_of(jqd.CopyDynamics.from_hamiltonian)
    rk4, counts = jqd.steppers.rk4, np.arange(1, 25)
    uneven = study.with_method(jqd.Fixed(rk4, estimate_error=False, counts=counts))
    twice = study.with_method(jqd.Fixed(rk4, estimate_error=False, counts=2 * counts))
    theta = study.theta()
    found = jax.jit(shown_by_steps)(uneven, theta)
    for one, single in zip(found, (uneven, twice), strict=True):
        for part, other in zip(one, shown_slopes(single, theta), strict=True):
            for x, y in zip(*map(jax.tree.leaves, (part, other)), strict=True):
                # rounding, after 600 steps; slopes are of order 1
                np.testing.assert_allclose(x, y, rtol=0, atol=1e-12)
    assert np.abs(found[0][0] - found[1][0]).max() > 1e-6


@pytest.mark.slow
def test_the_gradient_goes_through_renewed_weights():
    """dq/dr of a fit to counts that no law describes, r being fixed, by differences.

    Each round has the weights of the fit before, which move with r as well: were they
    to stay, dq/dr would be -.770, not -.928.
    """
    ket, h = np.sqrt([0.8, 0.2]), 1e-4
    H, ts = np.pi * np.array([[0.0, 1.0], [1.0, 0.0]]), np.linspace(0.1, 0.7, 7)
    hits = np.array([80, 60, 50, 30, 5, 10, 40])
    counts = np.stack([hits, 100 - hits], axis=1)
    record = jqd.Record(ts, counts, jqd.instruments.Multinomial(), t0=0.0)

    def q(r):
        study = jqd.Study(
            jqd.CopyDynamics.from_hamiltonian(H, 0.5, r), record, psi0=ket, free="q"
        ).with_substeps(2, static=True)
        theta, _, settled = polish_one(Polish(), study, study.theta(), np.ones(7))
        return theta[0], settled

    values = -0.5 + h * jnp.array([-1.0, 0.0, 1.0])
    (qs, settled), (slopes, _) = jax.jit(
        jax.vmap(lambda r: jax.jvp(q, (r,), (jnp.ones(()),)))
    )(values)
    assert np.all(settled)
    # truncation h² q'''/6, and the polish's 1e-11 / h
    np.testing.assert_allclose(slopes[1], (qs[2] - qs[0]) / (2 * h), rtol=1e-6)
