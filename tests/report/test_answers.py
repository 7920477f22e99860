"""What a fit says of quantum mechanics, in a sentence for each constant."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

import jqd
from jqd._files import to_json
from jqd.cli.recover_statistics import _answer
from jqd.inference import limits
from jqd.inference.constant import Constant
from jqd.inference.limits import Limit, bound_of, limit_of
from jqd.inference.profile import Interval, NoEndError
from jqd.report.answers import kept_answers, read_answer


@pytest.fixture(autouse=True)
def normal(monkeypatch):
    """The fits below are none: their errors are taken as normal."""

    def interval(found, name, quantile, freedom, report=None):
        one = found.constants[name]
        half = quantile * one.stderr
        return Interval(one.value - half, one.value + half, profiled=False)

    monkeypatch.setattr(limits, "interval_of", interval)


def answers(found):
    """The limits of a fit, all of whose intervals have ends."""
    said, without = limits.limits_of(found)
    assert not without
    return said


def test_the_farther_end_of_the_interval_rounded_up():
    """7.27e-5 + 1.959964 x 1.212e-4 = 3.1025e-4; of zero and below without it."""
    said = bound_of("g", 1.0000727, 1.212e-4, 1.0)
    assert str(said) == "abs(g - 1) < 0.000311 (95 %, statistical)."
    assert bound_of("eps", -0.3, 0.1, 0.0).bound == "abs(eps) < 0.496"
    assert bound_of("r", -0.5, 0.01, -0.5).bound == "abs(r + 0.5) < 0.0196"


def test_a_reference_is_told_as_finely_as_its_bound():
    """Of six digits, 5.78838e-05 is off by 1e-11: beyond the bound."""
    said = bound_of("sigma", 5.788381e-5, 1e-15, 5.788381e-5)
    assert said.bound == "abs(sigma - 5.788381e-05) < 1.96e-15"
    fine = bound_of("sigma", 1.23456789012e-4, 1e-15, 1.23456789012e-4)
    told = float(fine.bound.split()[2].rstrip(")"))
    assert abs(told - 1.23456789012e-4) < 1.96e-17


def test_scatter_that_a_fit_estimates_has_student_s_interval():
    """t of 2 degrees of freedom at 97.5 %: .95 √(2/(1 - .95²)) = 4.302653."""
    wide = bound_of("q", 0.5, 0.01, 0.5, freedom=2)
    assert str(wide) == "abs(q - 0.5) < 0.0431 (95 %, statistical)."
    # five values less q; gamma, at its bound, is not fitted
    noise = jqd.instruments.NoNoise()
    values = np.array([0.1, 0.4, 0.2, 0.7, 0.3])
    data = SimpleNamespace(noise=noise, ts=np.arange(5), values=values, shares=values)
    q = Constant("q", 0.5, 0.01, 0.0, 0.5)
    gamma = Constant("gamma", 0.0, 0.01, 0.0, 0.0, at_bound=-1)
    said, _ = answers(of([q, gamma], [0.5, 0.0], data=data))
    # t of 4: 2.776445
    assert str(said) == (
        "abs(q - 0.5) < 0.0278 (95 %, statistical); held at a bound: gamma."
    )


def of(constants, references, nuisances=(), data=None, law="Own"):
    known = SimpleNamespace(noise=SimpleNamespace(known=True))
    study = SimpleNamespace(
        data=known if data is None else data,
        labels=lambda: [one.name for one in constants],
        references=lambda: references,
        nuisances=nuisances,
        scattered=0,
    )
    study.singles = lambda theta: ((study, theta),)
    return SimpleNamespace(
        study=study, constants={one.name: one for one in constants}, law_name=law,
        status="converged",
    )  # fmt: skip


def test_only_what_was_measured_is_answered():
    q = Constant("q", 0.51, 0.01, 0.0, 0.5)
    flip = Constant("flip", 0.02, 0.004, 0.0, None, pull=0.3)
    (said,) = answers(of([q, flip], [0.5, None], ("flip",)))
    # .01 + .0195996 = .0295996
    assert str(said) == (
        "abs(q - 0.5) < 0.0296 (95 %, statistical); fitted beside it: flip."
    )
    for silent in (
        Constant("q", 0.51, 0.01, 0.0, 0.5, holds=False),
        Constant("q", 0.51, 0.01, 0.0, 0.5, scatter=1e-6),
    ):
        assert answers(of([silent], [0.5])) == []
    # of synthetic data the truth stands beside, which is no quantum mechanics
    assert answers(of([Constant("K", 1.0, 0.1, 0.0, 1.1)], [None])) == []


def test_a_published_bound_on_the_same_constant_stands_beside():
    """sqrt((1.5e-7 + 1.644854 x 4e-8)/2.237315) = 3.1058e-4: the gate of 43Ca+."""
    q = Constant("q", 0.51, 0.01, 0.0, 0.5)
    r = Constant("r", -0.5, 0.01, 0.0, -0.5)
    flip = Constant("flip", 0.02, 0.004, 0.0, None, pull=0.3)
    both = of([q, r, flip], [0.5, -0.5, None], ("flip",), law="CopyDynamics")
    assert [str(one) for one in answers(both)] == [
        "abs(q - 0.5) < 0.0296 (95 %, statistical); fitted beside it: flip; published: "
        "|q - 1/2| < 0.00032 (95 %, one-sided; M. C. Smith et al., arXiv:2412.04421 "
        "(2024)).",
        # benchmarks by Clifford gates are blind to r
        "abs(r + 0.5) < 0.0196 (95 %, statistical); fitted beside it: flip.",
    ]
    # read back, without what is not of this record
    first, second = map(read_answer, json.loads(to_json(kept_answers(answers(both)))))
    # .51 -+ .01959964
    assert (first.low, first.high) == pytest.approx((0.49040036, 0.52959964))
    assert first == Limit(
        "q", "abs(q - 0.5) < 0.0296", 0.0296, first.low, first.high,
        "95 %, statistical", "fitted beside it: flip",
    )  # fmt: skip
    assert second == answers(both)[1]
    # published in eV, /s and m, or as a ratio: not in the units of a record
    for law, name in (
        ("Weinberg", "eps"),
        ("Logarithmic", "b"),
        ("CSL", "lam"),
        ("ConservativeDiffusion", "D"),
        ("HusimiFokkerPlanck", "C"),
    ):
        one = Constant(name, 0.1, 0.1, 0.0, 0.0)
        (said,) = answers(of([one], [0.0], law=law))
        assert said.published == ()


def test_a_limit_is_kept_in_parts_and_with_its_sentence():
    one = bound_of("R[0,1]", 5.788381e-5, 1e-15, 5.788381e-5)
    (kept,) = json.loads(to_json(kept_answers([one])))
    assert kept == {
        "constant": "R[0,1]",
        "bound": "abs(R[0,1] - 5.788381e-05) < 1.96e-15",
        "limit": 1.96e-15,
        "low": one.low,
        "high": one.high,
        "level": "95 %, statistical",
        "more": "",
        "published": [],
        "said": "abs(R[0,1] - 5.788381e-05) < 1.96e-15 (95 %, statistical).",
    }
    assert read_answer(kept) == one
    # a whole number stays a number with a point in JSON
    (whole,) = json.loads(to_json(kept_answers([bound_of("x", 2.0, 1 / 1.96, 0.0)])))
    assert read_answer(whole).limit == pytest.approx(3.0, abs=0.01)
    for wrong in ("abs(q - 0.5) < 0.1", 3, None, {}, kept | {"limit": "1"}):
        with pytest.raises(ValueError, match="is no limit"):
            read_answer(wrong)


def test_a_fitted_scatter_is_in_the_errors_and_says_so():
    """5 rows of two classes less q: t of 4 is 2.776445. 1 + 99 rho is 2.2."""
    noise = jqd.instruments.DirichletMultinomial(1.2 / 99)
    data = jqd.Record(np.arange(5.0), np.full((5, 2), 50.0), noise)
    q = Constant("q", 0.5, 0.01, 0.0, 0.5)
    rho = Constant("rho", 1.2 / 99, 0.002, 0.0, None, pull=0.0)
    found = of([q, rho], [0.5, None], ("rho",), data=data)
    found.study.scattered, found.study.noise_at = 5, lambda theta: noise
    found.study.absorbing, found.theta = np.array([True, False]), None
    found.study.predict = lambda theta: data.shares
    (said,) = answers(found)
    assert str(said) == (
        "abs(q - 0.5) < 0.0278 (95 %, statistical); fitted beside it: rho; errors "
        "include a fitted variance, 2.2 times that of independent shots."
    )
    # five squares for five constants: nothing is left that tells the scatter
    many = [Constant(f"q{i}", 0.5, 0.01, 0.0, 0.5) for i in range(5)]
    none = of([*many, rho], [0.5] * 5 + [None], ("rho",), data=data)
    none.study.scattered, none.study.noise_at = 5, lambda theta: noise
    none.study.absorbing, none.theta = np.array([True] * 5 + [False]), None
    none.study.predict = lambda theta: data.shares
    assert answers(none) == []


def test_an_interval_that_is_not_normal_says_how_it_was_found(monkeypatch):
    """Its farther end from the reference; what follows it is held nowhere."""
    q = Constant("q", 0.5, 0.01, 0.0, 0.5)
    gamma = Constant("gamma", 0.0, 0.01, 0.0, 0.0, at_bound=-1)
    ends = {"q": (0.47049, 0.51), "gamma": (0.0, 0.02449)}
    monkeypatch.setattr(
        limits, "interval_of", lambda _, name, *more: Interval(*ends[name], True)
    )
    found = of([q, gamma], [0.5, 0.0])
    assert [str(one) for one in answers(found)] == [
        "abs(q - 0.5) < 0.0296 (95 %, statistical, by profile likelihood).",
        "abs(gamma) < 0.0245 (95 %, statistical, by profile likelihood); the fit is at "
        "the lower bound of gamma.",
    ]
    first = limit_of(found, "q")
    assert (first.low, first.high, first.limit) == (0.47049, 0.51, 0.0296)


def test_no_limit_is_silent(monkeypatch):
    """A line for a constant whose interval has no end; an error for one asked for."""

    def endless(found, name, quantile, freedom, report=None):
        raise NoEndError("the likelihood falls too little")

    monkeypatch.setattr(limits, "interval_of", endless)
    found = of([Constant("q", 0.51, 0.01, 0.0, 0.5)], [0.5])
    said = ["There is no limit on q: the likelihood falls too little."]
    assert limits.limits_of(found) == ([], said)
    with pytest.raises(ValueError, match="'q' has none: the likelihood falls too lit"):
        limit_of(found, "q")


@pytest.mark.parametrize(
    ("one", "reference", "words"),
    [
        (Constant("q", 0.51, 0.01, 0.0, 0.5, pull=0.1), 0.5, "it is a nuisance"),
        (Constant("q", 0.51, 0.01, 0.0, 0.5, holds=False), 0.5, "error does not hold"),
        (Constant("q", 0.51, 0.01, 0.0, None), None, "quantum mechanics gives it no"),
        (Constant("q", 0.51, 0.01, 0.0, 0.5, scatter=1e-6), 0.5, "of time steps and"),
    ],
)
def test_a_constant_without_a_limit_says_why(one, reference, words):
    with pytest.raises(ValueError, match=f"`name` must .* {words}"):
        limit_of(of([one], [reference]), "q")


def test_at_a_bound_the_errors_of_the_others_must_be_of_the_data():
    """Steps move a held constant nowhere, so that its own error cannot show them."""
    gamma = Constant("gamma", 0.0, 0.01, 0.0, 0.0, at_bound=-1)
    D = Constant("D", 0.5, 1e-8, 9e-9, 0.5, scatter=1e-10)
    found = of([D, gamma], [0.5, 0.0])
    with pytest.raises(ValueError, match="the error of D is of time steps and round"):
        limit_of(found, "gamma")


def test_a_level_of_one_s_own():
    """Of .01: .01 + 1.644854 x .01 and .01 + 2.575829 x .01."""
    found = of([Constant("q", 0.51, 0.01, 0.0, 0.5)], [0.5])
    said = limit_of(found, "q", 0.9)
    assert str(said) == "abs(q - 0.5) < 0.0265 (90 %, statistical)."
    assert limit_of(found, "q", 0.99).limit == 0.0358


@pytest.mark.parametrize(
    ("g", "said"),
    [
        ((0.98, 0.01), ["abs(g - 1) < 0.0396 (95 %, statistical)."]),
        ((-0.98, 0.01), ["abs(g + 1) < 0.0396 (95 %, statistical)."]),
        ((0.4, 0.1), []),
    ],
)
def test_statistics_are_those_of_one_kind_or_of_none(g, said):
    fit = SimpleNamespace(
        constants={"g": Constant("g", *g, 0.0, None)}, at_edge=False, freedom=math.inf
    )
    assert [str(one) for one in _answer(fit)] == said
    # t of 1 is 12.7 standard errors: .02 + .127 = .147, and nothing of .4 +- .1
    rough = SimpleNamespace(**vars(fit) | {"freedom": 1})
    wide = [one.replace("0.0396", "0.148") for one in said]
    assert [str(one) for one in _answer(rough)] == wide
    edge = SimpleNamespace(**vars(fit) | {"at_edge": True})
    assert _answer(edge) == []
