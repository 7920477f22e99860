"""Limits by profile likelihood, beside those that are known in closed form.

x = e^a t + b t² is linear in m = e^a and b: the interval of m is that of linear least
squares, and that of a its logarithm, since a likelihood does not ask how a constant is
written.
"""

import math
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy import linalg, optimize, stats

import jqd
from jqd.constants import fixed
from jqd.inference import Study, profile
from jqd.inference.beside import Beside
from jqd.inference.joint import Joint
from jqd.inference.limits import limits_of
from jqd.inference.polish import Polish
from jqd.inference.profile import NEAR, NoEndError, end_of, settled_end
from jqd.instruments import Confusion, Direct, Gaussian, Instrument, NoNoise
from jqd.laws import Watch
from jqd.steppers import rk4, strang

from .models import itself

TS, SIGMA, PRIOR = np.linspace(0.2, 2, 8), 0.1, (0.25, 0.05)
WOBBLE = SIGMA * np.cos(12.9898 * np.arange(8))
DESIGN = np.stack([TS, TS**2], axis=1)
Z = stats.norm.ppf(0.975)
ONCE = {"starts": 1, "start": {}, "search": None, "held_out": 0.0}
ONCE["polish"] = Polish()  # to rounding
SHOWN = {
    "instrument": Direct(itself),
    "method": jqd.Fixed(rk4, estimate_error=False),
}


class Steep(jqd.Motion):
    """x = e^a t + b t², of which quantum mechanics is a = b = 0."""

    a: Array = jqd.free(quantum=0.0, span=(-2.0, 2.0))
    b: Array = jqd.free(quantum=0.0, span=(0.0, 1.0), bounds=(0.0, math.inf))

    def vector_field(self, t, state, args=None):
        return jnp.stack([jnp.exp(self.a) + 2 * self.b * t])


def study_of(values, free, nuisances=None, noise=None):
    noise = Gaussian(SIGMA) if noise is None else noise
    data = jqd.Record(TS, values[:, None], noise, t0=0.0)
    return Study(
        Steep(jnp.asarray(0.1), jnp.asarray(0.1)), data, psi0=jnp.zeros(1), free=free,
        nuisances=nuisances, **SHOWN,
    )  # fmt: skip


def misses(m, b, values):
    """χ² of the data."""
    return np.sum((DESIGN @ [m, b] - values) ** 2) / SIGMA**2


def test_an_end_is_where_the_root_reaches_the_quantile():
    """Roots t = x - 1, (x - 1)³, and |ln x|, which begins at x = 1."""
    assert end_of(lambda x: x - 1, 1.0, 2.0, math.inf, 1.5) == pytest.approx(2.5)
    # of z = 8: an error of `NEAR` of z is a third of it of the distance
    cubed = end_of(lambda x: (x - 1) ** 3, 1.0, 1.5, math.inf, 8.0)
    assert cubed == pytest.approx(3, rel=NEAR)
    # asked from far beyond it as well
    assert end_of(lambda x: (x - 1) ** 3, 1.0, 9.0, math.inf, 8.0) == pytest.approx(
        3, rel=NEAR
    )
    low = end_of(lambda x: abs(math.log(x)), 1.0, 0.9, -math.inf, 1.0)
    assert low == pytest.approx(math.exp(-1), abs=NEAR)


def test_an_end_is_the_bound_where_the_root_does_not_reach_it():
    seen = []

    def root(x):
        seen.append(x)
        return abs(x)

    assert end_of(root, 0.0, 3.0, 1.5, 2.0) == 1.5
    assert end_of(root, 0.0, -3.0, -1.5, 2.0) == -1.5
    assert set(seen) == {1.5, -1.5}
    # of a constant at its bound, nothing is to be fitted there
    seen.clear()
    assert end_of(root, 0.0, -3.0, 0.0, 2.0) == 0.0
    assert not seen


def test_an_end_is_beyond_the_last_value_that_the_data_allow():
    """A law that ends at x = 1.3, a node: never the nearer side of it."""
    end = end_of(lambda x: x if x < 1.3 else math.inf, 0.0, 2.0, math.inf, 1.9)
    assert 1.3 <= end < 1.3 * (1 + 2 * NEAR)


def test_a_flat_likelihood_has_no_end():
    with pytest.raises(NoEndError, match="falls too little"):
        end_of(math.tanh, 0.0, 1.0, math.inf, 1.9)


def test_an_end_beside_a_fit_that_did_not_converge_is_none():
    """NaN beyond x = 1.3: an end below it is found, one above it is not."""

    def root(x):
        return x if x < 1.3 else math.nan

    assert end_of(root, 0.0, 2.0, math.inf, 1.0) == pytest.approx(1, rel=NEAR)
    with pytest.raises(NoEndError, match=r"not known, .* did not converge at 1\.30"):
        end_of(root, 0.0, 2.0, math.inf, 1.9)


@pytest.mark.parametrize(
    ("rise", "settled", "root"),
    [
        (4.41, True, 2.1), (9.0, True, 3.0), (2.25, False, 1.5),
        # what did not converge is above D: at the quantile and beyond nothing is known
        (4.41, False, math.nan), (1.96**2, False, math.nan),
        (math.inf, True, math.inf), (math.inf, False, math.nan),
    ],
)  # fmt: skip
def test_a_fit_that_did_not_converge_has_found_no_less_than_d(
    monkeypatch, rise, settled, root
):
    found = jnp.array([1.3, 0.0])

    def conditional(*given):
        return found, jnp.array([7.0 + rise, 7.0]), jnp.asarray(settled)

    monkeypatch.setattr(profile, "_conditional", conditional)
    monkeypatch.setattr(profile, "_excluded", lambda study, settled, *given: settled)
    theta, along = np.zeros(2), np.array([1.0, 0.0])
    of = profile._root_on_side(theta, along, 0, math.inf, 1.96)
    study = SimpleNamespace(data=SimpleNamespace(noise=Gaussian(1.0)))
    np.testing.assert_allclose(of(study, 1.3), root, rtol=1e-12)


class Emptying(jqd.Motion):
    """x = 1 - (a + b) t until it is 0, at a node."""

    a: Array = jqd.free(quantum=0.0, span=(0.0, 1.0))
    b: Array = jqd.free(quantum=0.0, span=(-0.5, 0.5))

    def vector_field(self, t, state, args=None):
        return -(self.a + self.b) * jnp.ones_like(state)

    def watch(self):
        def alarm(t, before, after):
            return jnp.where(after[0] <= 0, jqd.Status.NODE, jqd.Status.OK)

        return Watch(alarm)


class Gain(Instrument):
    """It shows x times a gain."""

    gain: Array = jqd.free(span=(0.5, 1.5))
    noise: NoNoise = fixed(default=NoNoise())

    def mean(self, law, t, state):
        return self.gain * state


def emptying(a, free, sigma=SIGMA, **nuisances):
    """A study of exact data with a = 0.45, and a gain of 1; x is 0 at t = 1/a."""
    data = jqd.Record(TS, (1 - 0.45 * TS)[:, None], Gaussian(sigma), t0=0.0)
    return Study(
        Emptying(jnp.asarray(a), jnp.asarray(0.0)), data, psi0=jnp.ones(1), free=free,
        nuisances=nuisances, instrument=Gain(jnp.asarray(1.0)), method=SHOWN["method"],
    )  # fmt: skip


def test_a_node_excludes_a_value_where_no_other_constant_moves_the_run():
    """x is 0 before the last row, at t = 2, for a > 0.5 whatever the gain, but not
    whatever b."""
    excluded = profile._excluded
    alone = emptying(0.45, ("a",), gain=(1.0, 0.05))
    assert alone.moving.tolist() == [True, False]
    beyond, best = jnp.array([0.6, 1.1]), jnp.array([0.45, 1.0])
    assert excluded(alone, False, beyond, best, 0, 2.0)
    # of the gain the run may end there for this a alone, and be right for another
    assert not excluded(alone, False, beyond, best, 1, 2.0)
    # nor does a run that goes on to the last row say anything
    assert not excluded(alone, False, jnp.array([0.4, 1.1]), best, 0, 2.0)
    both = emptying(0.45, ("a", "b"))
    assert both.moving.tolist() == [True, True]
    assert not excluded(both, False, beyond, best, 0, 2.0)
    assert excluded(emptying(0.45, ("a",)), True, beyond[:1], best[:1], 0, 2.0)


def test_the_run_of_several_studies_depends_on_what_moves_any():
    each = [emptying(0.45, ("a",), gain=(1.0, 0.05)) for _ in range(2)]
    # a, and the gain of each
    assert Joint({"one": each[0], "other": each[1]}).moving.tolist() == [1, 0, 0]


def test_a_row_beyond_a_node_is_missed_by_the_largest_value():
    """Two rows of eight at a = 0.6: the sum of squares is below -2 ln L."""
    rows = 1 - 0.6 * TS
    reached = rows > 0
    assert reached.tolist() == [True] * 6 + [False] * 2
    for sigma in (0.1, 2.0):
        both = emptying(0.45, ("a", "b"), sigma)
        largest = 1 - 0.45 * TS[0]
        misses = np.where(reached, 0.15 * TS, largest) / sigma
        best, found = jnp.array([0.45, 0.0]), jnp.array([0.6, 0.0])
        costs = profile._costs(both, jnp.stack([found, best]))
        np.testing.assert_allclose(costs, [np.sum(misses**2), 0.0], atol=1e-20)
        # 178 or 0.44 beside z² = 4
        certain = profile._excluded(both, True, found, best, 0, 2.0)
        assert certain == (np.sum(misses**2) > 4) == (sigma < 1)


@pytest.mark.slow
def test_a_limit_ends_at_a_node_beside_a_gain():
    """The errors of a alone would lead to 0.52 and beyond."""
    study = emptying(0.45, ("a",), gain=(1.0, 0.05))
    said = jqd.recover(study, **ONCE).limit("a")
    assert said.level.endswith("by profile likelihood")
    assert 0.5 <= said.high < 0.5 + 2 * NEAR * 0.05


def steps(substeps, order=2):
    """Of a study no more than its steps."""
    return SimpleNamespace(
        order=order, substeps=substeps, with_substeps=lambda more: steps(more, order)
    )


def test_an_end_has_steps_that_move_it_no_further():
    """Roots x (1 + e/n²) of n steps: ends z/(1 + e/n²), and z of exact ones."""
    taken = []

    def root(study, x):
        taken.append(study.substeps)
        return x * (1 + 0.3 / study.substeps**2)

    end = settled_end(root, steps(1), 0.0, 2.0, math.inf, 1.9)
    # one halving moves it by less than `NEAR`; the root is that exact as well
    assert end == pytest.approx(1.9, rel=2 * NEAR)
    assert max(taken) <= 64
    # methods without steps are taken as they are
    taken.clear()
    alone = settled_end(root, steps(1, None), 0.0, 2.0, math.inf, 1.9)
    assert alone == pytest.approx(1.9 / 1.3, rel=NEAR)
    assert set(taken) == {1}
    # at its bound, nothing is to be looked at
    taken.clear()
    assert settled_end(root, steps(1), 0.0, -2.0, 0.0, 1.9) == 0.0
    assert not taken


def test_an_end_that_each_halving_moves_is_none():
    def root(study, x):
        return x * (1 + 0.1 * (-1) ** round(math.log2(study.substeps)))

    with pytest.raises(NoEndError, match="changes with the time step, at 256 steps"):
        settled_end(root, steps(1), 0.0, 2.0, math.inf, 1.9)
    with pytest.raises(NoEndError, match="at 8192 steps from row to row"):
        settled_end(root, steps(4096), 0.0, 2.0, math.inf, 1.9)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_others_of_a_vector_and_back(place):
    beside = Beside(None, jnp.asarray(7.0), jnp.asarray(place))
    theta = jnp.array([1.0, 2.0, 3.0])
    rest = beside.rest(theta)
    np.testing.assert_array_equal(rest, np.delete([1.0, 2.0, 3.0], place))
    np.testing.assert_array_equal(beside.theta(rest), theta.at[place].set(7.0))
    one = Beside(None, jnp.asarray(7.0), jnp.asarray(0))
    np.testing.assert_array_equal(one.theta(jnp.zeros(0)), [7.0])


@pytest.mark.slow
def test_a_curved_likelihood_has_the_interval_of_what_it_is_normal_in():
    """b beside a prior: m and its error by linear least squares of data and prior."""
    values = 0.4 * TS + 0.25 * TS**2 + WOBBLE
    found = jqd.recover(study_of(values, "a", {"b": PRIOR}), **ONCE)
    rows = np.concatenate([DESIGN / SIGMA, [[0, 1 / PRIOR[1]]]])
    C = np.linalg.inv(rows.T @ rows)
    m = C @ rows.T @ [*(values / SIGMA), PRIOR[0] / PRIOR[1]]
    for level, z in ((0.95, Z), (0.68, stats.norm.ppf(0.84))):
        said = found.limit("a", level)
        low, high = np.log(m[0] + z * np.sqrt(C[0, 0]) * np.array([-1, 1]))
        # of the distance from the fit
        near = 2 * NEAR * (high - low)
        assert said.low == pytest.approx(low, abs=near)
        assert said.high == pytest.approx(high, abs=near)
        assert said.limit == pytest.approx(-low, rel=0.01)
    # errors as normal are wrong: by a tenth of the interval and more
    one, said = found.constants["a"], found.limit("a")
    assert abs(one.value - Z * one.stderr - said.low) > 0.05
    assert said.level == "95 %, statistical, by profile likelihood"
    assert str(said) == (
        "abs(a) < 1.22 (95 %, statistical, by profile likelihood); fitted beside it: b."
    )
    for name, words in (("b", "it is a nuisance"), ("q", "must be one of 'a', 'b'")):
        with pytest.raises(ValueError, match=words):
            found.limit(name)
    for level in (0.0, 1e-17, 1 - 1e-16, 1.0, 95, math.nan, "95", [0.9, 0.95]):
        with pytest.raises(ValueError, match="`level` must"):
            found.limit("a", level)


@pytest.mark.slow
def test_bounds_end_an_interval():
    """b >= 0: of data that ask for less it is at its bound, and a follows."""
    values = 0.9 * TS - 0.1 * TS**2 + WOBBLE
    found = jqd.recover(study_of(values, ("a", "b")), **ONCE)
    assert [one.at_bound for one in found.constants.values()] == [0, -1]

    def least(b):  # of all m
        m = TS @ (values - b * TS**2) / (TS @ TS)
        return misses(m, b, values)

    def held(m):  # of all b >= 0
        b = max(0.0, TS**2 @ (values - m * TS) / (TS**2 @ TS**2))
        return misses(m, b, values)

    start = least(0.0)
    told = []
    (a, b), without = limits_of(found, report=lambda *stage: told.append(stage))
    assert not without
    assert told == [("limits", n, 4) for n in (0, 1, 2, 2, 3, 4)]
    end = optimize.brentq(lambda b: least(b) - start - Z**2, 1e-6, 1)
    assert (b.constant, b.low) == ("b", 0.0)
    assert b.high == pytest.approx(end, rel=2 * NEAR)
    assert str(b) == (
        f"abs(b) < {b.limit:g} (95 %, statistical, by profile likelihood); the fit is "
        "at the lower bound of b."
    )
    m = np.exp(found.constants["a"].value)
    low, high = (
        math.log(optimize.brentq(lambda m: held(m) - start - Z**2, *ends))
        for ends in ((0.1, m), (m, 2.0))
    )
    near = 2 * NEAR * (high - low)
    assert a.low == pytest.approx(low, abs=near)
    assert a.high == pytest.approx(high, abs=near)
    assert "held at a bound" not in a.more


@pytest.mark.slow
def test_an_interval_that_reaches_a_bound_ends_there():
    """b of 0.8 errors above 0: the upper end is that of normal errors."""
    C = np.linalg.inv(DESIGN.T @ DESIGN) * SIGMA**2
    error = np.sqrt(C[1, 1])
    apart = 0.8 * error - (C @ DESIGN.T @ WOBBLE)[1] / SIGMA**2
    values = TS + apart * TS**2 + WOBBLE
    found = jqd.recover(study_of(values, ("a", "b")), **ONCE)
    one = found.constants["b"]
    # linear in m and b: to rounding of a fit
    assert one.value == pytest.approx(0.8 * error, rel=1e-6)
    assert one.stderr == pytest.approx(error, rel=1e-6)
    said = found.limit("b")
    assert said.low == 0.0
    assert said.high == pytest.approx((0.8 + Z) * error, rel=2 * NEAR)


@pytest.mark.slow
def test_normal_errors_stay_as_they_are():
    """b alone is linear, and far from its bound: no fit is needed for its interval."""
    values = np.exp(0.1) * TS + 0.25 * TS**2 + WOBBLE
    found = jqd.recover(study_of(values, "b"), **ONCE)
    b = TS**2 @ (values - np.exp(0.1) * TS) / (TS**2 @ TS**2)
    error = SIGMA / np.linalg.norm(TS**2)
    said = found.limit("b")
    assert said.level == "95 %, statistical"
    assert said.low == pytest.approx(b - Z * error, rel=1e-9)
    assert said.high == pytest.approx(b + Z * error, rel=1e-9)
    assert found.limit("b", 0.9).level == "90 %, statistical"


@pytest.mark.slow
def test_a_level_of_many_errors_is_looked_at_where_it_ends():
    """m of relative error .035: D of ln m is 7 % off 4 at two errors, a sixth off z² at
    the 4.9 errors of a millionth."""
    values = 0.8 * TS + 0.1 * TS**2 + WOBBLE
    found = jqd.recover(study_of(values, "a"), **ONCE)
    m = TS @ (values - 0.1 * TS**2) / (TS @ TS)
    error = SIGMA / np.linalg.norm(TS)
    assert found.limit("a").level == "95 %, statistical"
    z = stats.norm.isf(5e-7)
    low, high = np.log(m + z * error * np.array([-1, 1]))
    said, near = found.limit("a", 1 - 1e-6), 2 * NEAR * (high - low)
    assert said.level == "99.9999 %, statistical, by profile likelihood"
    assert said.low == pytest.approx(low, abs=near)
    assert said.high == pytest.approx(high, abs=near)
    # of more nines all are said
    assert found.limit("a", 1 - 1e-8).level.startswith("99.999999 %")


class Short(Steep):
    """The same, whose b cannot be above 1/5."""

    b: Array = jqd.free(quantum=0.0, span=(0.0, 0.2), bounds=(0.0, 0.2))


@pytest.mark.slow
def test_a_limit_that_is_a_bound_of_the_constant_says_so():
    """b of .15, to .1: normal errors would end beyond .2, and the data exclude none."""
    error = 0.1 * np.linalg.norm(TS**2)
    values = np.exp(0.1) * TS + 0.15 * TS**2
    data = jqd.Record(TS, values[:, None], Gaussian(error), t0=0.0)
    study = Study(
        Short(jnp.asarray(0.1), jnp.asarray(0.1)), data, psi0=jnp.zeros(1), free="b",
        **SHOWN,
    )  # fmt: skip
    said = jqd.recover(study, **ONCE).limit("b")
    assert (said.low, said.high, said.limit) == (0.0, 0.2, 0.2)
    assert str(said) == (
        "abs(b) < 0.2 (95 %, statistical, by profile likelihood); this limit is the "
        "upper bound of b, which the data do not exclude."
    )


@pytest.mark.slow
def test_errors_that_are_tiny_are_normal_without_a_look(monkeypatch):
    """Of exact data: differences of their chi-square would be rounding."""

    def looked(*given):
        raise AssertionError

    monkeypatch.setattr(profile, "_deviances", looked)
    values = np.exp(0.1) * TS + 0.25 * TS**2 + 1e-7 * WOBBLE
    found = jqd.recover(study_of(values, "b", noise=NoNoise()), **ONCE)
    one = found.constants["b"]
    assert 0 < one.stderr < 1e-6
    assert found.limit("b").level == "95 %, statistical"


@pytest.mark.slow
def test_a_scatter_that_is_estimated_has_student_s_quantile():
    """m ± t s/|t| of 7 degrees of freedom, s from the residuals; a is its logarithm."""
    values = 0.2 * TS + 0.1 * TS**2 + WOBBLE
    found = jqd.recover(study_of(values, "a", noise=NoNoise()), **ONCE)
    m = TS @ (values - 0.1 * TS**2) / (TS @ TS)
    left = values - 0.1 * TS**2 - m * TS
    error = np.sqrt(left @ left / 7 / (TS @ TS)) * stats.t.ppf(0.975, 7)
    low, high = np.log([m - error, m + error])
    said, near = found.limit("a"), 2 * NEAR * (high - low)
    assert said.level.endswith("by profile likelihood")
    assert said.low == pytest.approx(low, abs=near)
    assert said.high == pytest.approx(high, abs=near)


class Flips(jqd.Motion):
    """Two populations that change places at the rate g."""

    g: Array = jqd.free(quantum=0.0, span=(0.0, 1.0), bounds=(0.0, math.inf))

    def vector_field(self, t, state, args=None):
        return self.g * (state[::-1] - state)


@pytest.mark.slow
def test_counts_have_the_ends_of_their_likelihood():
    """Few of 40 shots have flipped, p = (1 - e^(-2 g t))/2: ln L in closed form."""
    ts, n, shots = np.array([0.5, 1.0, 2.0]), np.array([1, 2, 4]), 40
    counts = np.stack([shots - n, n], axis=1)
    record = jqd.Record(ts, counts, jqd.Multinomial(), t0=0.0)
    law, first = Flips(jnp.asarray(0.05)), jnp.array([1.0, 0.0])
    found = jqd.recover(law, record, psi0=first, free="g", **SHOWN, **ONCE)

    def minus(g):
        p = (1 - np.exp(-2 * g * ts)) / 2
        return -2 * np.sum(n * np.log(p) + (shots - n) * np.log1p(-p))

    best = optimize.minimize_scalar(
        minus, bounds=(1e-4, 1), method="bounded", options={"xatol": 1e-10}
    )
    # rounds of weights: each leaves a hundredth of the change before
    assert found.constants["g"].value == pytest.approx(best.x, rel=1e-3)
    said = found.limit("g")
    assert said.level.endswith("by profile likelihood")
    for end, ends in ((said.low, (1e-5, best.x)), (said.high, (best.x, 2.0))):
        exact = optimize.brentq(lambda g: minus(g) - best.fun - Z**2, *ends)
        # of the distance from the fit, as it was asked for
        assert end == pytest.approx(exact, abs=2 * NEAR * abs(exact - best.x))


TURN, SPAN, SHOTS, MISREAD = 0.65, 1.7, 60, (0.02, 0.01)


def upper(gamma):
    """p of the upper of two levels at ten times, by the exponential of the Liouvillian.

    H = TURN σ_x, and coherences are lost at the rate γ/2.
    """
    H, one = TURN * np.array([[0, 1], [1, 0]]), np.eye(2)
    lost = np.diag([0, gamma / 2, gamma / 2, 0])
    L = -1j * (np.kron(H, one) - np.kron(one, H)) - lost
    step, rho, p = linalg.expm(SPAN * L), np.array([1, 0, 0, 0]), []
    for _ in range(10):
        rho = step @ rho
        p.append(rho[3].real)
    return np.array(p)


def off(p, readout, n):
    """-2 ln L of counts beside the prior of the readout."""
    seen = 0.5 + (1 - readout) * (p - 0.5)
    told = np.sum(n * np.log(seen) + (SHOTS - n) * np.log1p(-seen))
    return ((readout - MISREAD[0]) / MISREAD[1]) ** 2 - 2 * told


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "side", "coarse"), [(3, -1, 0.01498), (4, 0, None)])
def test_ends_do_not_have_the_time_steps_of_the_best_fit(seed, side, coarse):
    """γ near 0 and at it, where a step of Strang's has no error at all: those of the
    end would be a sixteenth off. Beside it, the readout is fitted for each γ."""
    p = 0.5 + (1 - MISREAD[0]) * (upper(0.005) - 0.5)
    n = np.random.default_rng(seed).binomial(SHOTS, p)
    counts = np.stack([SHOTS - n, n], axis=1)
    record = jqd.Record(SPAN * np.arange(1, 11), counts, jqd.Multinomial(), t0=0.0)
    H = TURN * np.array([[0.0, 1.0], [1.0, 0.0]])
    law = jqd.laws.Dephasing(H, np.array([0.0, 1.0]), 0.01)
    found = jqd.recover(
        law, record, psi0=np.array([1.0, 0.0]), free="gamma",
        nuisances={"readout": MISREAD}, instrument=Confusion(readout=0.02),
        method=jqd.Fixed(strang, estimate_error=False), substeps=1, **ONCE,
    )  # fmt: skip
    one, readout = found.constants["gamma"], found.constants["readout"]
    assert one.at_bound == side
    if side:
        assert found.substeps == 1
    least = off(upper(one.value), readout.value, n)

    def rise(gamma):
        p = upper(gamma)
        best = optimize.minimize_scalar(
            lambda r: off(p, r, n), bounds=(0.0, 0.2), method="bounded",
            options={"xatol": 1e-9},
        )  # fmt: skip
        return best.fun - least - Z**2

    exact = optimize.brentq(rise, one.value + 1e-6, 0.2, xtol=1e-9)
    said = found.limit("gamma")
    assert said.level.endswith("by profile likelihood")
    assert said.low == 0.0
    # of the distance: the root, and one halving of the steps
    near = 3 * NEAR * (exact - one.value)
    assert said.high == pytest.approx(exact, abs=near)
    # the test could fail: what one step from row to row gives is far beyond that
    assert coarse is None or abs(coarse - exact) > 20 * near


@pytest.mark.slow
def test_several_studies_have_one_profile():
    """Two records of one a: ln of the interval of both means of m."""
    values = [0.4 * TS + WOBBLE, 0.5 * TS - WOBBLE]
    law = Steep(jnp.asarray(0.1), jnp.asarray(0.0))
    each = [
        Study(
            law, jqd.Record(TS, one[:, None], Gaussian(2 * SIGMA), t0=0.0),
            psi0=jnp.zeros(1), free="a", **SHOWN,
        )
        for one in values
    ]  # fmt: skip
    found = jqd.recover(each, **ONCE)
    assert isinstance(found.study, Joint)
    size = TS @ TS
    m = sum(TS @ one for one in values) / size / 2
    error = 2 * SIGMA / np.sqrt(2 * size)
    low, high = np.log(m + Z * error * np.array([-1, 1]))
    said, near = found.limit("a"), 2 * NEAR * (high - low)
    assert said.level.endswith("by profile likelihood")
    assert said.low == pytest.approx(low, abs=near)
    assert said.high == pytest.approx(high, abs=near)


@pytest.mark.slow
def test_a_misfit_has_no_limit():
    """Errors that are told as a fifth of what they are."""
    values = 0.4 * TS + 0.25 * TS**2 + 3 * WOBBLE
    found = jqd.recover(study_of(values, "a", noise=Gaussian(SIGMA / 5)), **ONCE)
    assert found.p_value < 1e-3
    assert limits_of(found) == ([], [])
    with pytest.raises(ValueError, match="'a' has none: its standard error does not"):
        found.limit("a")
