"""`jqd.linearity`: linear motions pass, others show, wrong shots are noticed."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import jqd
from jqd.inference.linear.power import detectable_noncentrality, weinberg

# The record of a transmon is not part of jqd: a folder of one's own has it.
FOLDER = Path(__file__).resolve().parents[3] / "data" / "real"
REAL = Path(os.environ.get("JQD_REAL_DATA", FOLDER)) / "transmon_tables.npz"


def states(rng, number):
    r = rng.normal(size=(number, 3))
    return r / np.linalg.norm(r, axis=1)[:, None]


def record(seed=0, size=0.0, drift=0.0, runs=2, shots=1000, number=20):
    """Counts of a qubit at waits 0 and 1, (2, runs, P, M).

    Args:
        seed: of states, measurements and counts.
        size: of a Weinberg term during the wait.
        drift: angle by which each preparation is off, of its own in each run.
    """
    rng = np.random.default_rng(seed)
    r, e = states(rng, number), 0.9 * states(rng, number)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]

    def counts(later):
        these = r + drift * rng.normal(size=r.shape)
        these /= np.linalg.norm(these, axis=1)[:, None]
        if later:  # affine: a turn, a loss, a shift
            axis = np.array([0.0, 0.0, 1.0])
            these = 0.8 * weinberg(these, axis, size) @ turn.T + [0.0, 0.0, 0.1]
        return rng.binomial(shots, np.clip((1 + these @ e.T) / 2, 0, 1))

    return np.array([[counts(later) for _ in range(runs)] for later in (False, True)])


@pytest.fixture(scope="module")
def linear():
    return jqd.linearity(record(), 1000, wait=[0.0, 1.0])


def test_a_linear_motion_shows_nothing(linear):
    assert linear.status == "ok"
    assert linear.rank == 4
    assert linear.ranks[2].chi2 / linear.ranks[2].dof > 20
    assert linear.p_value > 0.01
    assert linear.sentence.startswith("No sign of nonlinearity: at wait 1 ")
    (test,), (first, second) = linear.joint, linear.controls
    assert test.runs == 2
    assert test.rise_dof == 2 * (20 - 4) * 4
    assert first.rise_dof == second.rise_dof == (20 - 4) * 4
    # 4 standard deviations of chi-square over its degrees of freedom
    for one in (test, first, second):
        assert abs(one.excess - 1) < 4 * np.sqrt(2 / one.rise_dof)
        assert abs(one.z) < 4
    # (P - k)(2 M - k) of two tables side by side
    assert test.z == pytest.approx((test.per_dof - 1) * np.sqrt(16 * 36 / 2), rel=1e-9)


def test_a_nonlinearity_of_twice_the_promised_size_shows(linear):
    (power, _) = linear.joint[0].power
    assert power.law == "weinberg"
    found = jqd.linearity(record(size=2 * power.detectable), 1000, wait=[0.0, 1.0])
    assert found.p_value < 1e-3
    assert found.sentence.startswith("No linear map of states of 4 numbers fits wait 0")
    assert "a change of the preparations" in found.sentence
    # each table by itself keeps the rank of a qubit
    assert all(one.p_value > 1e-4 for one in found.tables)


def test_the_promised_power_is_kept(linear):
    """80 of 100 records at least: the promise is for the axis that shows least."""
    size = linear.joint[0].power[0].detectable
    p = [
        jqd.linearity(record(seed, size), 1000, wait=[0.0, 1.0], rank=4).p_value
        for seed in range(100, 110)
    ]
    # of ten with 0.8 each, fewer than five once in 150 times
    assert np.sum(np.array(p) < 0.05) >= 5


def test_what_shows_does_not_depend_on_the_size_asked_about():
    found = [
        jqd.linearity(record(), 1000, wait=[0.0, 1.0], rank=4, size=size)
        for size in (1e-4, 1.0)
    ]
    small, large = (one.joint[0].power[0] for one in found)
    assert small.detectable == large.detectable
    # the square of sizes, to their cubes: it was off by what a fit leaves to gain
    needed = small.noncentrality * (small.detectable / 1e-4) ** 2
    own = detectable_noncentrality(
        128, controls=[(one.excess, one.rise_dof) for one in found[0].controls]
    )
    assert needed == pytest.approx(own, rel=0.02)


def decayed(left, seed=0, number=20, shots=1000):
    """Counts (2, P, M) where the second states are this share of the first ones."""
    rng = np.random.default_rng(seed)
    r, e = states(rng, number), 0.9 * states(rng, number)
    p = np.stack([(1 + r @ e.T) / 2, (1 + (left * r + [0, 0, 0.1]) @ e.T) / 2])
    return rng.binomial(shots, p)


@pytest.mark.parametrize("left", [0.0, 0.05])
def test_states_that_have_decayed_together_are_no_nonlinearity(left):
    """The second table alone then fits noise: 1.9 of the old rise was of chance."""
    found = jqd.linearity(decayed(left), 1000, wait=[0.0, 1.0], rank=4)
    (test,) = found.joint
    assert test.rise_dof == (20 - 4) * 20
    assert abs(test.excess - 1) < 4 * np.sqrt(2 / test.rise_dof)
    assert found.p_value > 1e-3
    assert "At wait 1 not every table has rank 4 (states have" in found.message
    both = jqd.linearity(np.stack([decayed(left), decayed(left)], 1), 1000, rank=4)
    assert [one.rise_dof for one in both.controls] == [(20 - 4) * 4, (20 - 4) * 20]


def test_more_numbers_of_state_after_the_wait_are_seen():
    """Preparations in a plane have rank 3; a turn by their height leads out of it."""
    rng = np.random.default_rng(2)
    angle, e = rng.uniform(0, 2 * np.pi, 20), 0.9 * states(rng, 20)
    r = np.stack([np.cos(angle), 0 * angle, np.sin(angle)], axis=1)
    later = weinberg(r, np.array([0.0, 0.0, 1.0]), 1.0)
    p = np.stack([(1 + r @ e.T) / 2, (1 + later @ e.T) / 2])
    counts = rng.binomial(1000, np.repeat(p[:, None], 2, axis=1))
    found = jqd.linearity(counts, 1000, wait=[0.0, 1.0])
    assert found.rank == 3
    assert found.tables[2].p_value < 1e-9
    # runs of this wait agree, and stay a control
    assert found.controls[1].rise_dof == (20 - 3) * 3
    assert found.controls[1].excess < 3
    assert found.p_value < 1e-9
    assert found.sentence.startswith("No linear map of states of 3 numbers fits wait 0")


def test_waits_without_a_common_run_are_told():
    found = jqd.linearity(decayed(0.8), 1000, wait=[0.0, 1.0], run=[1, 2])
    assert found.joint == ()
    assert "At wait 1 no run is one of wait 0: these tables" in found.message
    assert "tables of waits without a run in common say nothing" in found.sentence


def test_drifting_preparations_are_seen_at_equal_wait():
    """They make rises, and the controls show as much: no nonlinearity is claimed."""
    found = jqd.linearity(record(drift=0.1, runs=4), 1000, wait=[0.0, 1.0])
    assert found.joint[0].excess > 1.5
    assert min(one.excess for one in found.controls) > 1.5
    assert found.p_value > 1e-3
    assert "between runs at equal wait by" in found.sentence
    alone = jqd.linearity(record(drift=0.1, runs=4)[:, 0], 1000, wait=[0.0, 1.0])
    assert alone.controls == ()
    assert alone.p_value < 1e-3
    assert "by chance it would by 1" in alone.sentence


def test_units_of_time_change_nothing(linear):
    slow = jqd.linearity(record(), 1000, wait=[0.0, 1e-9])
    assert slow.p_value == linear.p_value
    assert slow.joint[0].wait == 1e-9


def test_wrong_shots_are_refused():
    counts = record(shots=999)[0, 0]
    assert jqd.linearity(counts, 999).shots_from == "given"
    # far too many: chi-square falls short of its degrees of freedom
    with pytest.raises(ValueError, match=r"`shots` must be those of the counts, but i"):
        jqd.linearity(counts, 4000)
    with pytest.raises(ValueError, match="no less than any of the counts, but counts"):
        jqd.linearity(counts, 500)


def test_counts_need_shots_and_frequencies_tell_them():
    counts = record(shots=999)[0, 0]
    with pytest.raises(ValueError, match=r"^Argument `shots` must be given for counts"):
        jqd.linearity(counts)
    told, found = jqd.linearity(counts, 999), jqd.linearity(counts / 999)
    assert found.shots.tolist() == [999]
    assert found.shots_from.startswith("inferred: the least of which")
    assert "Shots are inferred" in found.message
    assert found.tables[0].chi2 == pytest.approx(told.tables[0].chi2)


def test_one_wait_says_nothing_about_a_motion():
    found = jqd.linearity(record()[0], 1000, wait=[0.0, 0.0])
    assert found.run.tolist() == [1, 2]
    assert found.joint == ()
    assert found.p_value is None
    assert "say nothing about a motion" in found.sentence


def test_a_rank_that_does_not_describe_the_table_is_a_status():
    found = jqd.linearity(record()[0, 0], 1000, rank=2)
    assert found.status == "the rank does not describe the first table"
    assert found.sentence.startswith("Nothing is said about linearity")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"counts": np.ones((2, 5))}, "`counts` must have three preparations and thre"),
        ({"counts": np.ones(5)}, "`counts` must be a table (preparation, measurement)"),
        ({"shots": [1000, 1000, 1000]}, "`shots` must have one number for all tables"),
        ({"wait": [0.0, 1.0, 2.0]}, "`wait` must have one number for all tables"),
        ({"run": [1, 1]}, "`run` must differ between tables of one wait"),
        ({"rank": 20}, "`rank` must be at most 19"),
        ({"size": 0.0}, "`size` must be positive"),
        ({"size": 2.0}, "`size` must be at most 1, beyond which"),
    ],
)
def test_what_does_not_fit_is_refused(change, said):
    given = {"counts": record(), "shots": 1000, "wait": [0.0, 1.0]} | change
    with pytest.raises(ValueError, match=re.escape(said)):
        jqd.linearity(**given)


@pytest.mark.skipif(
    not REAL.exists(), reason=f"no {REAL.name} in data/real or $JQD_REAL_DATA"
)
def test_a_transmon():
    """Figures of another program, which weighs by observed frequencies: at rank 4, run
    1 alone 1.036 (rank 3, 137), beside 10 us 1.022; runs 1 and 2 at wait 0 1.024, at
    10 us 1.004. Weights of fitted probabilities change them by .003 at most."""
    with np.load(REAL) as held:
        counts, shots = held["counts"][[0, 2], :2], held["shots"][[0, 2], :2]
    found = jqd.linearity(counts, shots, wait=[0, 10], run=[1, 2])
    assert found.rank == 4
    assert found.ranks[2].chi2 / found.ranks[2].dof == pytest.approx(137, abs=0.5)
    assert found.ranks[3].chi2 / found.ranks[3].dof == pytest.approx(1.036, abs=3e-3)
    (test,), (first, second) = found.joint, found.controls
    assert test.per_dof == pytest.approx(1.022, abs=3e-3)
    assert test.z == pytest.approx(2.1, abs=0.3)
    assert first.per_dof == pytest.approx(1.024, abs=3e-3)
    assert first.z == pytest.approx(2.3, abs=0.3)
    assert second.per_dof == pytest.approx(1.004, abs=3e-3)
    # the shots that were inferred for the file, by the scatter alone
    for n, one in zip(found.shots, found.scatter, strict=True):
        assert abs(one.shots - n) < 4 * one.stderr
        assert one.stderr < 0.05 * n
    assert jqd.linearity(counts[0, 0] / shots[0, 0]).shots.tolist() == [1999]
    with pytest.raises(ValueError, match=r"as 19\d\d ± \d+ shots do"):
        jqd.linearity(counts[0, 0], 1800)
