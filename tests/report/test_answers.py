"""What a fit says of quantum mechanics, in a sentence for each constant."""

from types import SimpleNamespace

import pytest

from jqd.cli.recover_statistics import _answer
from jqd.inference.fit import Constant
from jqd.report.tables import answers, bound_of


def test_the_farther_end_of_the_interval_rounded_up():
    """7.27e-5 + 1.959964 x 1.212e-4 = 3.1025e-4; of zero and below without it."""
    said = bound_of("g", 1.0000727, 1.212e-4, 1.0)
    assert said == "abs(g - 1) < 0.000311 (95 %, statistical)."
    assert bound_of("eps", -0.3, 0.1, 0.0).startswith("abs(eps) < 0.496 ")
    assert bound_of("r", -0.5, 0.01, -0.5).startswith("abs(r + 0.5) < 0.0196 ")


def of(constants, references, nuisances=()):
    study = SimpleNamespace(
        labels=lambda: [one.name for one in constants],
        references=lambda: references,
        nuisances=nuisances,
    )
    return SimpleNamespace(
        study=study, constants={one.name: one for one in constants}
    )  # fmt: skip


def test_only_what_was_measured_is_answered():
    q = Constant("q", 0.51, 0.01, 0.0, 0.5)
    flip = Constant("flip", 0.02, 0.004, 0.0, None, pull=0.3)
    (said,) = answers(of([q, flip], [0.5, None], ("flip",)))
    # .01 + .0195996 = .0295996
    assert said == (
        "abs(q - 0.5) < 0.0296 (95 %, statistical); fitted beside it: flip."
    )
    for silent in (
        Constant("q", 0.51, 0.01, 0.0, 0.5, holds=False),
        Constant("q", 0.51, 0.01, 0.0, 0.5, at_bound=1),
        Constant("q", 0.51, 0.01, 0.0, 0.5, scatter=1e-6),
    ):
        assert answers(of([silent], [0.5])) == []
    # of synthetic data the truth stands beside, which is no quantum mechanics
    assert answers(of([Constant("K", 1.0, 0.1, 0.0, 1.1)], [None])) == []


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
        constants={"g": Constant("g", *g, 0.0, None)}, at_edge=False
    )  # fmt: skip
    assert _answer(fit) == said
    assert _answer(SimpleNamespace(constants=fit.constants, at_edge=True)) == []
