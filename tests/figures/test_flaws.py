"""What a journal would send back is found, each flaw alone; a sound figure passes."""

import numpy as np
import pytest

from jqd import report
from jqd.figures.flaws import flaws
from jqd.figures.style import BLUE
from jqd.report import house_style, subplots

X = np.linspace(0, 1, 30)


def sound(rows=1, columns=1, **options):
    """A figure without flaws: two curves with a legend in every panel."""
    with house_style():
        figure, axes = subplots(rows, columns, **options)
        for k, axis in enumerate(axes.flat):
            axis.plot(X, np.sin(X), label="sine")
            axis.plot(X, np.cos(X), label="cosine")
            axis.set(xlabel="time t", ylabel="position x", title=f"panel {k}")
            axis.legend(loc="center left")
    return figure, axes


def found(figure):
    """As `journal` looks: once the figure is laid out."""
    figure.draw_without_rendering()
    return flaws(figure)


def no_label(axis):
    axis.set_xlabel("")


def no_label_of_the_right(axis):
    axis.set_ylabel("")


def bar(axis):
    drawn = axis.scatter(X, X, c=X)
    axis.figure.colorbar(drawn, ax=axis)


def twins(axis):
    axis.plot(X, X, color=BLUE, label="line")


def many(axis):
    # of different dashes, else the seventh would have a twin as well
    for k in range(7):
        axis.plot(X, X - k, dashes=(k + 1, 1), label=f"line {k}")
    axis.get_legend().remove()


def cut(axis):
    axis.text(0.9, 0.5, "a long word " * 6, in_layout=False)


def heap(axis):
    for x in (0.70, 0.71):
        axis.text(x, 0.2, "eleven")


def buried(axis):
    axis.plot(X, 0.5 + 0 * X, color="0.5")


def dots_in_the_legend(axis):
    axis.plot([0.05, 0.9], [0.5, 0.5], "o", color="0.5")


def cloud_in_the_legend(axis):
    axis.scatter([0.05, 0.9], [0.5, 0.5], color="0.5")


FLAWS = {
    no_label: "has no label of x",
    no_label_of_the_right: "has no label of y",
    bar: "a colour bar has no label",
    twins: "'sine' and 'line' look alike",
    many: "has 9 curves of 6 colours",
    cut: "is not inside of the figure",
    heap: "'eleven' and 'eleven' lie on each other",
    buried: "a legend lies on 1 of its curves",
    dots_in_the_legend: "a legend lies on 1 of its curves",
    cloud_in_the_legend: "a legend lies on 1 of its curves",
}


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.__name__)
def test_each_flaw_is_found_and_nothing_else(flaw):
    figure, axes = sound()
    flaw(axes[0, 0])
    said = found(figure)
    assert len(said) == 1
    assert FLAWS[flaw] in said[0]
    assert "'panel 0'" in said[0] or flaw in (bar, cut, heap)


@pytest.mark.parametrize("shared", [False, True])
def test_a_sound_figure_passes(shared):
    figure, _ = sound(2, 2, size=(9.0, 7.0), sharex=shared, sharey=shared)
    assert found(figure) == []


def test_a_shared_axis_is_labelled_once_a_column_and_a_row():
    figure, axes = sound(2, 2, size=(9.0, 7.0), sharex=True, sharey=True)
    for axis in axes[0]:
        axis.set_xlabel("")
    for axis in axes[:, 1]:
        axis.set_ylabel("")
    assert found(figure) == []
    axes[1, 1].set_xlabel("")
    assert [said[-10:] for said in found(figure)] == ["label of x"] * 2


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_label_of_the_figure_counts(name):
    figure, axes = sound(1, 2, size=(9.0, 4.0))
    for axis in axes.flat:
        axis.set(**{f"{name}label": ""})
    getattr(figure, f"sup{name}label")("of both")
    assert found(figure) == []


def test_words_and_no_ticks_need_no_label_and_numbers_do():
    figure, axes = sound()
    axis = axes[0, 0]
    axis.set(ylabel="", yticks=[0.2, 0.8], yticklabels=["low", "high"])
    assert found(figure) == []
    axis.set(yticks=[])
    assert found(figure) == []
    axis.set(yticks=[0.2, 0.8], yticklabels=["$10^{low}$", "$10^{high}$"])
    assert len(found(figure)) == 1


@pytest.mark.parametrize("words", [["low", "high"], ["1", "2"]])
def test_words_name_the_axis_of_a_neighbour_as_well(words):
    figure, axes = sound(1, 2, size=(9.0, 4.0), sharey=True)
    for axis in axes.flat:
        axis.set_ylabel("")
    axes[0, 0].set_yticks([0.2, 0.8], words)
    assert len(found(figure)) == (0 if words[0] == "low" else 2)


def test_ticks_that_an_axis_of_powers_does_not_show_are_no_text():
    """Of 1e-4 to 1e2 a millionth is as large as its lower end."""
    figure, axes = sound(size=(3.0, 3.0))
    axes[0, 0].get_legend().remove()
    axes[0, 0].set(xscale="log", xticks=10.0 ** np.arange(-11, 3, 2))
    axes[0, 0].set_xlim(1e-4, 1e2)
    assert found(figure) == []


def test_the_journal_sees_every_figure_that_is_saved(journal, tmp_path):
    """By whichever way; without it a flawed figure would pass unseen."""
    figure, axes = sound(size=(3.0, 2.5))
    axes[0, 0].get_legend().remove()
    report.save_figures({"sound": figure}, tmp_path)
    no_label(axes[0, 0])
    report.save_figures({"by name": figure}, tmp_path)
    report.save_figure(figure, tmp_path, "one")
    report.Context(tmp_path).save_figure(figure, "of an experiment")
    assert [path.rpartition("/")[2] for path, said in journal.items() if said] == [
        "by name", "one", "of an experiment",
    ]  # fmt: skip
    assert journal[f"{tmp_path}/sound"] == []
    journal.clear()  # else this test would fail


def test_an_inset_is_a_panel():
    figure, axes = sound()
    inside = axes[0, 0].inset_axes((0.6, 0.3, 0.3, 0.2))
    inside.plot(X, X)
    assert len(found(figure)) == 2
    inside.axis("off")
    assert found(figure) == []


def test_curves_differ_by_colour_dash_or_marker():
    figure, axes = sound()
    axis = axes[0, 0]
    axis.get_legend().remove()
    axis.plot(X, X - 2, "--", color=BLUE, label="dash")
    axis.plot(X, X - 3, "o-", color=BLUE, label="marker")
    axis.plot(X, X - 4, "o-", color=BLUE, mfc="white", label="open marker")
    axis.errorbar(X, X - 5, 0.1, fmt="s", color=BLUE, label="bars")
    assert found(figure) == []
    axis.lines[0].set_label("")
    axis.errorbar(X, X - 6, 0.1, fmt="s", color=BLUE, label="bars again")
    assert len(found(figure)) == 1
