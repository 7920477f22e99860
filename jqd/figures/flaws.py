"""Flaws for which a journal would return a figure, as far as a program can see."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from .style import CYCLE, DPI

# Boxes of text that share less than this, in pixels, do not touch: a box has room for
# the tallest letters.
TOUCH = 2.5
NOTHING = ("None", "none", "", " ")  # what matplotlib calls no line and no marker


def flaws(figure: Figure) -> list[str]:
    """List what a figure lacks: labels, distinguishable colours, room.

    A panel that shows data needs a label on each axis, its own or that of a panel below
    or beside it that shares the axis. An axis whose ticks are words, or that has no
    ticks, needs no label. A colour bar needs a label. Labelled curves of a panel must
    differ in colour, dash or marker, and must not outnumber the colours of the cycle
    where they use them. Texts must lie inside the figure and must not overlap; legends
    must not lie on curves.

    Args:
        figure: a figure with its layout done, as after `jqd.report.save_figure`.

    Returns:
        A line for each flaw; no lines for a figure without flaws.
    """
    engine, dpi = figure.get_layout_engine(), figure.dpi
    figure.set_layout_engine("none")
    figure.dpi = DPI  # of which the widths of letters depend a little
    try:
        figure.draw_without_rendering()  # texts know their places once they are drawn
        return list(_flaws(figure))
    finally:
        figure.dpi = dpi
        figure.set_layout_engine(engine)


def _flaws(figure: Figure) -> Iterator[str]:
    panels = [panel for panel in _all_panels(figure) if panel.get_visible()]
    for panel in panels:
        yield from _unlabelled(figure, panels, panel)
        yield from _alike(panel)
    yield from _crowded(figure, panels)


def _all_panels(figure: Figure) -> Iterator[Any]:
    """Axes and the axes inside of them."""
    for panel in figure.axes:
        yield panel
        yield from (child for child in panel.child_axes if isinstance(child, Axes))


def _name(panel: Any) -> str:
    titles = (panel.get_title(place) for place in ("left", "center", "right"))
    title = next(filter(None, titles), "") or panel.get_label().strip("<>")
    return repr(title.replace("\n", " ")) if title else "a panel"


def _unlabelled(figure: Figure, panels: list[Any], panel: Any) -> Iterator[str]:
    if not panel.axison or not panel.has_data():
        return
    if hasattr(panel, "_colorbar"):
        if not (panel.get_xlabel() or panel.get_ylabel()):
            yield "a colour bar has no label"
        return
    for name, common in (
        ("x", figure.get_supxlabel()), ("y", figure.get_supylabel()),
    ):  # fmt: skip
        axis: Axis = getattr(panel, f"{name}axis")
        if not (common or _hidden(axis)) and not any(
            _beside(panel, other, name) and _told(getattr(other, f"{name}axis"))
            for other in panels
        ):
            yield f"{_name(panel)} has no label of {name}"


def _hidden(axis: Axis) -> bool:
    return not (axis.get_visible() and len(axis.get_majorticklocs()))


def _told(axis: Axis) -> bool:
    """Whether it has a label, or its ticks are words."""
    texts = [label.get_text() for label in _tick_labels(axis)]
    # labels of powers are mathematics, which is written with letters
    words = [sum(map(str.isalpha, text)) > 1 and text[0] != "$" for text in texts]
    return bool(axis.get_label_text()) or (bool(words) and all(words))


def _beside(panel: Any, other: Any, name: str) -> bool:
    """Whether another panel, or this one, bears the label of an axis of this one."""
    shared = getattr(panel, f"get_shared_{name}_axes")().joined(panel, other)
    ends = "intervalx" if name == "x" else "intervaly"
    here, there = (getattr(each.get_position(), ends) for each in (panel, other))
    return other is panel or (shared and np.allclose(here, there, atol=0.01))


def _alike(panel: Any) -> Iterator[str]:
    seen: dict[Any, str] = {}
    of_cycle = 0
    for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
        if isinstance(handle, ErrorbarContainer):
            handle = handle.lines[0]
        if isinstance(handle, Line2D):
            of_cycle += to_hex(handle.get_color()).upper() in CYCLE
        look = _look(handle)
        if look is not None and look in seen:
            yield f"{_name(panel)}: {seen[look]!r} and {label!r} look alike"
        seen[look] = label
    if of_cycle > len(CYCLE):
        yield f"{_name(panel)} has {of_cycle} curves of {len(CYCLE)} colours"


def _look(handle: Any) -> Any:
    """Colour, dash and marker of a curve; None for what is none."""
    if isinstance(handle, PathCollection):
        shapes = [np.asarray(path.vertices) for path in handle.get_paths()[:1]]
        colors = [
            np.asarray(handle.get_facecolor()),
            np.asarray(handle.get_edgecolor()),
        ]
        return tuple(each.tobytes() for each in (*shapes, *colors))
    if not isinstance(handle, Line2D):
        return None
    line = marker = None
    if handle.get_linestyle() not in NOTHING:
        # `get_linestyle` returns "--" for every dash pattern
        dash = getattr(handle, "_unscaled_dash_pattern", handle.get_linestyle())
        line = to_hex(handle.get_color(), keep_alpha=True), str(dash)
    if str(handle.get_marker()) not in NOTHING:
        colors = handle.get_markerfacecolor(), handle.get_markeredgecolor()
        marker = str(handle.get_marker()), str(colors)
    return line, marker


def _crowded(figure: Figure, panels: list[Any]) -> Iterator[str]:
    legends = [legend for panel in panels if (legend := panel.get_legend())]
    seen = list(_texts(figure, panels, legends))
    texts = [text for text, _ in seen]
    boxes = np.array([box for _, box in seen]).reshape(-1, 4)
    low, high = boxes[:, :2], boxes[:, 2:]
    outside = np.any((low < -1) | (high > np.array(figure.bbox.max) + 1), axis=1)
    for k in np.flatnonzero(outside):
        yield f"{texts[k]!r} is not inside of the figure"
    shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    for i, j in np.argwhere(np.triu(np.all(shared > TOUCH, axis=2), 1)):
        yield f"{texts[i]!r} and {texts[j]!r} lie on each other"
    for legend, panel in itertools.product([*legends, *figure.legends], panels):
        if crossed := sum(1 for _ in _crossed(legend, panel)):
            yield f"{_name(panel)}: a legend lies on {crossed} of its curves"


def _texts(figure: Figure, panels: list[Any], legends: list[Any]) -> Iterator[Any]:
    """What can be read, and the corners of its box in pixels."""
    artists: list[Text] = [*figure.texts, *_super(figure)]
    for panel in panels:
        artists += panel.texts
        if panel.axison:
            for axis in (panel.xaxis, panel.yaxis):
                if axis.get_visible():
                    artists += [axis.label, axis.get_offset_text()]
                    artists += _tick_labels(axis)
        artists += [panel.title, panel._left_title, panel._right_title]
    for legend in [*legends, *figure.legends]:
        artists += [legend.get_title(), *legend.get_texts()]
    for text in artists:
        if text.get_visible() and text.get_text().strip():
            yield text.get_text().replace("\n", " "), text.get_window_extent().extents


def _super(figure: Figure) -> Iterator[Text]:
    for name in ("_suptitle", "_supxlabel", "_supylabel"):
        # also among the texts of the figure where matplotlib puts them there
        text = getattr(figure, name)
        if text is not None and text not in figure.texts:
            yield text


def _tick_labels(axis: Axis) -> list[Text]:
    """Of the ticks that are drawn."""
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    places = axis.get_transform().transform(np.array([t.get_loc() for t in ticks]))
    low, high = np.sort(axis.get_transform().transform(axis.get_view_interval()))
    room = 1e-6 * (high - low)
    return [
        label
        for tick, place in zip(ticks, places, strict=True)
        if low - room <= place <= high + room
        for label in (tick.label1, tick.label2)
        if label.get_visible() and label.get_text()
    ]


def _crossed(legend: Any, panel: Any) -> Iterator[Any]:
    """Curves and clouds in a legend; lines that mark a place of an axis may cross."""
    pixels = 0.6 * legend._fontsize * legend.get_figure(root=True).dpi / 72
    box = legend.get_window_extent().padded(-pixels)
    seen = Bbox.intersection(box, panel.bbox)
    if seen is None or min(seen.size) <= 0:
        return
    for line in panel.lines:
        if not line.get_visible() or line.get_transform() != panel.transData:
            continue
        points = line.get_transform().transform_path(line.get_path())
        if line.get_linestyle() in NOTHING:
            crosses = seen.count_contains(points.vertices) > 0
        else:
            crosses = points.intersects_bbox(seen, filled=False)
        if crosses:
            yield line
    for cloud in panel.collections:
        if isinstance(cloud, PathCollection) and cloud.get_visible():
            places = cloud.get_offset_transform().transform(cloud.get_offsets())
            if seen.count_contains(places) > 0:
                yield cloud
