"""Figures of report cards: where marks stand, what is named, what is refused."""

import itertools

import matplotlib as mpl
import pytest

from jqd.figures.cards import MARKS, TINT
from jqd.report import figure_cards, house_style
from jqd.vetting import Card, Row, Verdict
from jqd.vetting.card import absent

FIGURES = {
    "norm": Row("norm", 1e-12, 1e-13, Verdict.HOLDS),
    "superposition": Row("superposition", 1e-2, 1e-9, Verdict.FAILS),
    "energy": Row("energy", 1e-8, 1e-10, Verdict.NOT_DECIDED),
    "gauge": absent("gauge", "no gauge"),
    "nodes": Row("nodes", None, None, Verdict.NOT_DECIDED, "the law ended"),
    "positivity": Row("positivity", 0.0, 1e-13, Verdict.HOLDS),
}


def card(name="gisin[lam=0.1]", rows=tuple(FIGURES)):
    return Card(name, {row: FIGURES[row] for row in rows}, 400, 2.0)


def marks(axis, verdict):
    """Places of the marks of a verdict."""
    look = MARKS[verdict]["marker"]
    lines = [line for line in axis.lines if line.get_marker() == look]
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in lines]


def test_a_card_row_by_row():
    figure = figure_cards({"gisin": card()})
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == list(FIGURES)
    # powers of ten; what is 0 stands at the edge, the lowest decade of all
    assert marks(axis, Verdict.HOLDS) == [(-12, 0), (-13, 5)]
    assert marks(axis, Verdict.FAILS) == [(-2, 1)]
    assert marks(axis, Verdict.NOT_DECIDED) == [(-8, 2)]
    ticks = [line for line in axis.lines if line.get_marker() == "|"]
    places = [line.get_xdata()[0] for line in ticks if line.get_ydata()[0] == 1]
    assert sorted(places) == pytest.approx([-9, -8, -7])
    words = [text.get_text() for text in axis.texts]
    assert words[:2] == ["holds 1e-12", "fails 0.01"]
    assert words[3:5] == ["not applicable", "not decided"]
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    # nothing is drawn where there is no figure
    assert named == ["holds", "fails", "not decided", "floor", "10 to 100 floors"]


def test_cards_side_by_side():
    long = "a_folder_with_a_long_name/own_laws.py:Cubic[alpha=0.3]"
    cards = {"gisin": card(), long: card(long, ["superposition"])}
    figure = figure_cards(cards)
    axis = figure.axes[0]
    first, second = marks(axis, Verdict.FAILS)
    left, right = axis.get_xlim()
    # the same decade of the same row, one column to the right
    assert second[0] - first[0] == pytest.approx((right - left) / 2)
    assert first[1] == second[1] == 1
    (tint,) = axis.findobj(mpl.collections.PatchCollection)
    assert len(tint.get_paths()) == 2
    assert mpl.colors.to_hex(tint.get_facecolor()[0]) == TINT.lower()
    # rows that a card does not have stay empty, those without a figure have a sign
    assert sorted(text.get_text() for text in axis.texts) == ["-", "?"]
    (top,) = axis.child_axes
    names = [label.get_text() for label in top.get_xticklabels()]
    assert names[0] == "gisin"
    assert names[1].startswith("a_folder")
    assert names[1].endswith("[alpha=0.3]")
    assert len(names[1]) < 30


@pytest.mark.parametrize("laws", [2, 16])
def test_nothing_overlaps(laws):
    """Names of rows and of laws, and the decades below."""
    widest = Row("", 1e9, 1e-30, Verdict.FAILS)
    rows = {f"signal by a distant measurement {k}": widest for k in range(25)}
    cards = {f"gross_pitaevskii[g={k}]": Card("", rows, 400, 2.0) for k in range(laws)}
    figure = figure_cards(cards)
    with house_style():
        figure.draw_without_rendering()
    axis = figure.axes[0]
    (top,) = axis.child_axes
    for labels in (axis.get_xticklabels(), axis.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        for one, other in itertools.pairwise(boxes):
            assert not one.overlaps(other)
    # turned by 45 degrees, lines of text are apart by a column over the root of 2
    anchors = [label.get_transform().transform(label.get_position())[0]
               for label in top.get_xticklabels()]  # fmt: skip
    height = 8 / 72 * figure.dpi
    apart = (anchors[1] - anchors[0]) / 2**0.5
    assert apart > 1.5 * height
    page = figure.bbox
    assert all(
        page.x0 <= box.x0 and box.x1 <= page.x1 and box.y1 <= page.y1
        for box in (label.get_window_extent() for label in top.get_xticklabels())
    )


def test_verdicts_differ_in_shape():
    shapes = {look["marker"] for look in MARKS.values()}
    assert len(shapes) == len(MARKS)
    assert set(MARKS) == set(Verdict)


def test_no_card_and_no_row_are_refused():
    for cards in ({}, {"gisin": card(rows=())}):
        with pytest.raises(ValueError, match="`cards` must hold a card"):
            figure_cards(cards)
