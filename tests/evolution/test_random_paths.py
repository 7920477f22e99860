"""Means over the paths of a random motion: noise, errors, statuses, what is refused."""

import functools
import itertools
import os
import subprocess
import sys
import textwrap

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Adaptive, Fixed, Law, Propagator, Status, evolve
from jqd.constants import constant
from jqd.evolution import draw_noise
from jqd.laws import Chance, StepNoise, Watch
from jqd.steppers import rk4

KEY = jax.random.key(7)
TS = jnp.array([0.0, 0.4, 1.0])


class Walk(Law):
    """dx = -rate x³ dt + width dW, by Heun's step; rings beyond a wall."""

    rate: jax.Array = eqx.field(converter=constant, default=1.0)
    width: jax.Array = eqx.field(converter=constant, default=1.0)
    wall: jax.Array = eqx.field(converter=constant, default=jnp.inf)
    alone: bool = eqx.field(static=True, default=False)

    def chance(self):
        return Chance(StepNoise((1,), () if self.alone else None))

    def prepare(self, psi):
        return jnp.asarray(psi)

    def density(self, state):
        return state

    def vector_field(self, t, state, args=None):
        return -self.rate * state**3

    def step(self, t, state, dt, w):
        kick = self.width * w.increments
        guess = state + dt * self.vector_field(t, state) + kick
        slope = self.vector_field(t, state) + self.vector_field(t, guess)
        return state + 0.5 * dt * slope + kick

    def watch(self):
        def alarm(t, before, after):
            return jnp.where(after[0] > self.wall, Status.EDGE, Status.OK)

        return Watch(alarm)


def first(t, state):
    return state[0]


def means(law, paths, method=None, start=0.5, **more):
    method = method or Fixed(substeps=5)
    more = {"observe": first, "key": KEY, "paths": paths} | more
    return evolve(law, jnp.array([start]), TS, method=method, **more)


# -- noise -----------------------------------------------------------------------------


def test_a_path_is_its_steps_under_the_recorded_noise():
    law, key = Walk(), jax.random.fold_in(KEY, 3)
    run = means(law, 5, keep_paths=True)
    state, kept, i = jnp.array([0.5]), [0.5], 0
    for t0, t1 in itertools.pairwise(TS):
        for _ in range(5):
            # a lattice of twice the steps, each increment from its own number
            fine = [
                jax.random.normal(jax.random.fold_in(key, 2 * i + j), (1,))
                for j in (0, 1)
            ]
            w = StepNoise(jnp.sqrt((t1 - t0) / 10) * (fine[0] + fine[1]))
            drawn = draw_noise(law.chance().noise, key, i, (t1 - t0) / 5, 2)
            np.testing.assert_allclose(drawn.increments, w.increments, rtol=1e-14)
            state, i = law.step(t0, state, (t1 - t0) / 5, w), i + 1
        kept.append(state[0])
    # ten steps, rounded otherwise
    np.testing.assert_allclose(run.paths[3], kept, atol=1e-14)
    np.testing.assert_allclose(run.values, jnp.mean(run.paths, axis=0), atol=1e-14)


def test_long_steps_sum_the_increments_of_short_ones():
    shape, dt = StepNoise((2,), (3,)), jnp.asarray(0.3)
    whole = draw_noise(shape, KEY, 5, dt, 4)
    halves = [draw_noise(shape, KEY, i, dt / 2, 2) for i in (10, 11)]
    total = halves[0].increments + halves[1].increments
    # sums of four numbers in another order
    np.testing.assert_allclose(whole.increments, total, rtol=1e-13)
    # uniforms are one set a step
    sets = [tuple(np.asarray(each.uniforms)) for each in (whole, *halves)]
    assert len(set(sets)) == 3
    assert all(0 <= u < 1 for each in sets for u in each)


def test_increments_are_normal_and_independent():
    w = jax.vmap(lambda i: draw_noise(StepNoise((2,)), KEY, i, jnp.asarray(0.25), 2))(
        jnp.arange(20000)
    ).increments
    n = w.shape[0]
    # five standard errors of a mean, a variance and a correlation
    assert np.all(np.abs(np.mean(w, axis=0)) < 5 * 0.5 / n**0.5)
    assert np.all(np.abs(np.var(w, axis=0) - 0.25) < 5 * 0.25 * (2 / n) ** 0.5)
    assert abs(np.corrcoef(w.T)[0, 1]) < 5 / n**0.5
    assert abs(np.corrcoef(w[1:, 0], w[:-1, 0])[0, 1]) < 5 / n**0.5


# -- bits ------------------------------------------------------------------------------


@pytest.mark.bits
def test_a_path_does_not_depend_on_how_many_there_are(qubit):
    make, psi = qubit
    method = Fixed(substeps=3, estimate_error=False)
    run = functools.partial(
        evolve, make(), psi, TS, method=method, key=KEY, keep_paths=True
    )
    all_of_them = run(paths=130)
    for paths in (64, 7, 1):
        some = run(paths=paths)
        np.testing.assert_array_equal(some.paths, all_of_them.paths[:paths])
    assert np.isinf(some.stderr).all()  # one path says nothing of the scatter
    assert some.describe().startswith("1 of 1: The path reached the last time.")


DEVICES = textwrap.dedent(
    """
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import jqd
    import numpy as np

    devices = jax.devices()
    assert len(devices) == 8
    H = np.array([[0, 0.5], [0.5, 0]])
    law = jqd.laws.Collapse(H, [1.0, -1.0], 0.5, draw=False)
    psi, ts = np.array([0.8, 0.6j]), np.array([0.0, 0.4, 1.0])


    def run(devices):
        method = jqd.Fixed(substeps=3)
        more = {"key": jax.random.key(7), "paths": 130, "devices": devices}
        found = jqd.evolve(
            law, psi, ts, method=method, observe="density", keep_paths=True, **more
        )
        return [np.asarray(leaf) for leaf in jax.tree.leaves(found)]


    one = run(None)
    for others in (devices[:1], devices):
        for a, b in zip(one, run(others), strict=True):
            np.testing.assert_array_equal(a, b)
    print("same bits")
    """
)


@pytest.mark.bits
@pytest.mark.slow
def test_devices_do_not_change_a_bit():
    flags = os.environ.get("XLA_FLAGS", "")
    more = {"XLA_FLAGS": f"{flags} --xla_force_host_platform_device_count=8"}
    done = subprocess.run(
        [sys.executable, "-c", DEVICES], capture_output=True, text=True, check=False,
        env=os.environ | more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["same", "bits"]


# -- errors ----------------------------------------------------------------------------


@pytest.mark.slow
def test_halved_steps_under_the_same_noise_converge(qubit):
    """Paths of the pathwise form with order 1; without the same noise, not at all."""
    make, psi = qubit
    ts = jnp.array([0.0, 2.0])

    def ends(steps, key=KEY):
        method = Fixed(substeps=steps, lattice=256, estimate_error=False)
        run = evolve(
            make(False), psi, ts, method=method, observe="density", key=key, paths=4096,
            keep_paths=True,
        )  # fmt: skip
        return run.paths[:, -1, 0]

    series = [ends(steps) for steps in (8, 16, 32, 64, 128)]
    gaps = [np.sqrt(np.mean((a - b) ** 2)) for a, b in itertools.pairwise(series)]
    slope = np.log2(gaps[0] / gaps[-1]) / 3
    # order 1; over three seeds slopes of single halvings scatter by .1, and this one,
    # over three of them, by .03
    assert 0.85 < slope < 1.15
    other = ends(128, jax.random.key(8))
    assert np.sqrt(np.mean((other - series[-1]) ** 2)) > 10 * gaps[-1]


@pytest.mark.slow
def test_the_step_error_is_that_of_the_means():
    law = Walk()
    coarse = means(law, 500, Fixed(substeps=2, lattice=128))
    fine = means(law, 500, Fixed(substeps=32, lattice=128, estimate_error=False))
    assert fine.error is None
    true = np.abs(coarse.values - fine.values)[1:]
    # Richardson's for order 1, where Heun's step has 2 in the mean: from the true error
    # up to three times as much
    assert np.all(coarse.error[1:] > 0.5 * true)
    assert np.all(coarse.error[1:] < 4 * true)
    assert coarse.error[0] == 0
    # sampling: the scatter of the kept paths
    kept = means(law, 500, Fixed(substeps=32, lattice=128), keep_paths=True)
    scatter = np.std(kept.paths, axis=0, ddof=1) / np.sqrt(500)
    np.testing.assert_allclose(kept.stderr, scatter, rtol=1e-12)
    assert kept.to_xarray().attrs["outcome"].startswith("500 of 500")
    said = kept.describe()
    assert said.startswith("500 of 500: The path reached the last time.")
    # with two steps there are paths whose own error is as large as they are
    assert Status.INACCURATE in np.asarray(coarse.status)
    assert "Standard error of the means: " in said
    assert "At least 500 paths take part in each mean. Integration error" in said


@pytest.mark.slow
def test_what_draws_gives_its_step_error_by_its_pathwise_form(qubit):
    make, psi = qubit
    method = Fixed(substeps=4)
    run = functools.partial(
        evolve, ts=TS, method=method, observe="density", key=KEY, paths=100
    )
    drawn, pathwise = run(make(True), psi), run(make(False), psi)
    np.testing.assert_allclose(drawn.error, pathwise.error, atol=1e-14)
    assert np.any(drawn.values != pathwise.values)
    # a law that has no such form knows no step error
    assert means(Walk(alone=True), 10).error is None


@pytest.mark.slow
def test_means_agree_with_the_equation_of_the_mean(qubit):
    """10^4 paths, four standard errors at 20 times."""
    make, psi = qubit
    ts = jnp.linspace(0, 2, 21)
    field = make().mean_field()
    exact = evolve(field, field.prepare(psi), ts, observe="density").values
    run = evolve(
        make(), psi, ts, method=Fixed(substeps=8, estimate_error=False),
        observe="density", key=jax.random.key(1), paths=10**4,
    )  # fmt: skip
    # steps of 1/80 add 1e-5, a hundredth of the standard error
    assert np.all(np.abs(run.values - exact)[1:] < 4 * run.stderr[1:])
    assert np.all(run.stderr[1:] < 0.006)


# -- statuses --------------------------------------------------------------------------


def test_a_path_that_blows_up_leaves_the_others_alone():
    # with this step the cubic drift throws far paths to infinity
    law = Walk(rate=6.0, width=2.0)
    method = Fixed(substeps=2, estimate_error=False)
    run = means(law, 200, method, keep_paths=True)
    lost = np.asarray(run.status) == Status.NON_FINITE
    assert 5 < lost.sum() < 195
    gone = np.asarray(run.failure_time)[:, None] <= np.asarray(TS)
    np.testing.assert_array_equal(np.isnan(run.paths), gone)
    np.testing.assert_array_equal(run.diagnostics["num_paths"], (~gone).sum(axis=0))
    np.testing.assert_allclose(run.values, np.nanmean(run.paths, axis=0), rtol=1e-12)
    np.testing.assert_array_equal(run.reached, ~gone)
    fewest = int((~gone).sum(axis=0).min())
    assert f"{lost.sum()} of 200: {Status.NON_FINITE.sentence}" in run.describe()
    assert f"At least {fewest} paths take part" in run.describe()
    assert np.isfinite(run.values).all()

    def total(rate):
        return jnp.sum(means(Walk(rate, 2.0), 64, method).values)

    assert np.isfinite(jax.grad(total)(6.0))


def test_alarms_end_a_path_or_are_kept_in_mind():
    law = Walk(wall=jnp.asarray(1.0))
    heeded = means(law, 100, keep_paths=True)
    rung = np.asarray(heeded.status) == Status.EDGE
    assert 5 < rung.sum() < 95
    assert np.isnan(heeded.paths[rung, -1]).all()
    through = means(law, 100, Fixed(substeps=5, heed_alarms=False), keep_paths=True)
    np.testing.assert_array_equal(through.status, heeded.status)
    assert np.isfinite(through.paths).all()
    assert np.all(through.diagnostics["num_paths"] == 100)


def test_all_paths_lost_is_no_number_with_a_status():
    run = means(Walk(rate=1e6), 10, Fixed(substeps=2), start=50.0)
    assert np.isnan(run.values[-1])
    assert np.all(run.status == Status.NON_FINITE)
    assert run.diagnostics["num_paths"][-1] == 0


# -- transformations -------------------------------------------------------------------


@pytest.mark.slow
def test_gradients_along_paths_under_given_noise(qubit):
    make, psi = qubit

    def mean(gamma):
        method = Fixed(substeps=3)
        run = evolve(
            make(False, gamma),
            psi,
            TS,
            method=method,
            observe="density",
            key=KEY,
            paths=70,
        )
        return run.values[-1, 0]

    mean = jax.jit(mean)
    h = 1e-5
    # central differences: h² times a third derivative, and rounding/h
    difference = (mean(0.5 + h) - mean(0.5 - h)) / (2 * h)
    np.testing.assert_allclose(jax.grad(mean)(0.5), difference, rtol=1e-7)
    np.testing.assert_allclose(jax.jacfwd(mean)(0.5), difference, rtol=1e-7)
    with pytest.raises(ValueError, match="must not draw"):
        jax.grad(
            lambda gamma: evolve(
                make(True, gamma), psi, TS, method=Fixed(substeps=3), observe="density",
                key=KEY, paths=70,
            ).values[-1, 0]
        )(0.5)  # fmt: skip


@pytest.mark.slow
def test_constants_and_keys_batch_under_jit():
    def last(rate, key):
        method = Fixed(substeps=2, estimate_error=False)
        return means(Walk(rate), 10, method, key=key)

    rates, keys = jnp.array([0.5, 1.0]), jax.random.split(KEY, 2)
    both = jax.jit(jax.vmap(last))(rates, keys)
    assert both.status.shape == (2, 10)
    assert both.reached.shape == (2, 10, 3)
    for i in range(2):
        one = last(rates[i], keys[i])
        np.testing.assert_allclose(both.values[i], one.values, atol=1e-14)
        np.testing.assert_allclose(both.stderr[i], one.stderr, atol=1e-14)
    assert both.describe().startswith("20 of 20: The path")


# -- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"key": None}, "`key` must be given for a random motion"),
        ({"key": 3}, "`key` must be one key"),
        ({"paths": 0}, "`paths` must be at least 1"),
        ({"paths": 2.5}, "`paths` must be a whole number"),
        ({"keep_paths": "all"}, "`keep_paths` must be True or False"),
        ({"devices": []}, "`devices` must name a device"),
        ({"method": Adaptive()}, "`method` must be Fixed for a random motion"),
        ({"method": Propagator()}, "`method` must be Fixed for a random motion"),
        ({"method": Fixed(rk4)}, "`stepper` must be None for a random motion"),
        (
            {"method": Fixed(counts=jnp.asarray(3))},
            "`counts` must be None for a random",
        ),
    ],
)
def test_what_a_random_motion_refuses(more, said):
    with pytest.raises(ValueError, match=said):
        means(Walk(), **({"paths": 2} | more))


@pytest.mark.parametrize(
    "more", [{"key": KEY}, {"paths": 3}, {"keep_paths": True}, {"devices": ()}]
)
def test_what_a_motion_without_noise_refuses(qubit, more):
    make, psi = qubit
    field = make().mean_field()
    (name,) = more
    with pytest.raises(ValueError, match=f"`{name}` must be left out for a motion"):
        evolve(field, field.prepare(psi), TS, **more)


def test_a_lattice_that_steps_do_not_fit_is_refused():
    for lattice in (15, 0, 2.0):
        with pytest.raises(ValueError, match="`lattice` must be a"):
            Fixed(substeps=5, lattice=lattice)


def test_noise_that_is_no_noise_is_refused():
    class Odd(Law):
        noise: object = eqx.field(static=True)

        def chance(self):
            return self.noise

        def prepare(self, psi):
            return psi

        def density(self, state):
            return state

        def vector_field(self, t, state, args=None):
            return state

    for noise in ((3,), Chance((3,)), Chance(StepNoise(None))):
        with pytest.raises(
            ValueError, match=r"`motion` must have a jqd\.laws\.StepNoise"
        ):
            evolve(Odd(noise), jnp.ones(1), TS, key=KEY, paths=2)
