import errno

import matplotlib as mpl
import numpy as np
import pytest
from _support.animation import write_animation
from _support.figures import draw_diffusion_ellipses, figure_time_strip
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import to_rgba
from PIL import Image

from jqd.figures.phase_space import colour_scale
from jqd.figures.style import BLUE, VERMILLION
from jqd.report import (
    OutputError,
    figure_phase_space,
    house_style,
    save_figure,
    subplots,
)

X, Y = np.linspace(-3, 3, 21), np.linspace(-2, 2, 15)


def gaussian(center, x=X, y=Y):
    alpha = x[None, :] + 1j * y[:, None]
    return np.exp(-(abs(alpha - center) ** 2)) / np.pi


def meshes(figure):
    return figure.findobj(mpl.collections.QuadMesh)


def texts(figure):
    figure.draw_without_rendering()
    return {text.get_text() for text in figure.findobj(mpl.text.Text)}


def drawn_maps(figure):
    """Meshes of the panels, without those of the colour bars."""
    return [mesh for mesh in meshes(figure) if mesh.get_array().size == X.size * Y.size]


def test_a_density_has_equal_axes_and_units():
    figure = figure_phase_space(gaussian(1), X, Y, ["coherent"])
    assert {"x = Re α  (√ħ)", "y = Im α  (√ħ)", "Q  (1/ħ)"} <= texts(figure)
    axis = figure.axes[0]
    assert axis.get_title(loc="left") == "coherent"
    assert axis.get_aspect() == 1
    (mesh,) = drawn_maps(figure)
    # Column x, row y: the largest value is drawn at Re α = 1.
    ny, nx = np.unravel_index(np.argmax(mesh.get_array()), (15, 21))
    points = np.asarray(mesh.get_coordinates())
    assert points[ny, nx] == pytest.approx([0.9, 0], abs=1e-12)


@pytest.mark.parametrize(
    ("low", "colours", "limits"),
    [(0.0, "viridis", (0, 2)), (-1e-9, "viridis", (0, 2)), (-0.1, "RdBu_r", (-2, 2))],
)
def test_colours_diverge_where_the_density_is_negative(low, colours, limits):
    norm, name = colour_scale([low, 2.0])
    assert name == colours
    assert (norm.vmin, norm.vmax) == limits


def test_a_density_that_vanishes_can_be_drawn():
    norm, _ = colour_scale(np.zeros((3, 3)))
    assert norm.vmax == 1


@pytest.mark.parametrize("shared", [False, True])
def test_panels_share_their_colours_if_asked(shared):
    maps = np.stack([gaussian(0), 3 * gaussian(1), -gaussian(1), gaussian(0)])
    figure = figure_phase_space(maps, X, Y, list("abcd"), shared=shared, kind="wigner")
    top = [mesh.norm.vmax for mesh in drawn_maps(figure)]
    assert len(top) == 4
    assert (len(set(top)) == 1) == shared
    assert "W  (1/ħ)" in texts(figure)


def test_data_and_law_are_drawn_alike():
    """Noise below 0 does not change the colours of what it is compared with."""
    law, noise = gaussian(0), 1e-3 * np.cos(9 * X)[None, :]
    maps = np.stack([law + noise, law, noise + 0 * law])
    figure = figure_phase_space(maps, X, Y, list("abc"), shared=(1, 1, 2))
    data, fitted, apart = drawn_maps(figure)
    assert data.norm.vmax == fitted.norm.vmax == law.max()
    assert data.cmap.name == fitted.cmap.name == "viridis"
    assert (apart.cmap.name, apart.norm.vmin) == ("RdBu_r", -apart.norm.vmax)


@pytest.mark.parametrize("rows", [1, 2])
def test_a_strip_has_one_scale_and_names_its_times(rows):
    maps = np.stack([gaussian(0), gaussian(1) / 2, gaussian(1j) / 4])
    maps = maps if rows == 1 else np.stack([maps, maps / 2])
    figure = figure_time_strip(
        maps, [0, 0.5, np.pi], X, Y, clock="Ut", names=list("ab")[:rows]
    )
    assert {"Ut = 0", "Ut = 0.5", "Ut = 3.14"} <= texts(figure)
    drawn = drawn_maps(figure)
    assert len(drawn) == 3 * rows
    assert {mesh.norm.vmax for mesh in drawn} == {1 / np.pi}


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: figure_phase_space(gaussian(0).T, X, Y), "axes .y, x. of lengths 15"),
        (lambda: figure_phase_space(gaussian(0) * np.nan, X, Y), "`maps` must be fin"),
        (lambda: figure_phase_space(gaussian(0), X, Y, ["a", "b"]), "1 entries"),
        (lambda: figure_phase_space(gaussian(0), X, Y, kind="p"), "`kind` must be"),
        (lambda: figure_time_strip(gaussian(0), [0], X, Y), "axes .y, x."),
        (lambda: figure_time_strip([gaussian(0)], [0], X, Y, names=["a", "b"]), "1 "),
    ],
)
def test_maps_that_do_not_fit_are_refused(call, reason):
    with pytest.raises(ValueError, match=reason):
        call()


def test_ellipses_grow_where_the_diffusion_is_positive():
    # Growth along 45 degrees, and twice as much along X at the second point.
    matrices = np.array([[[0.0, 1.0], [1.0, 0.0]], [[2.0, 0.0], [0.0, -2.0]]])
    figure, axes = subplots()
    handles = draw_diffusion_ellipses(axes[0, 0], [0, 4], matrices)
    assert [h.get_label() for h in handles] == [
        "positive diffusion",
        "negative diffusion",
    ]
    long, short = axes[0, 0].findobj(LineCollection)
    assert tuple(long.get_colors()[0]) == to_rgba(VERMILLION)
    assert tuple(short.get_colors()[0]) == to_rgba(BLUE)
    (ellipses,) = axes[0, 0].findobj(EllipseCollection)
    assert ellipses.get_widths() / ellipses.get_heights() == pytest.approx(
        [np.sqrt(1.4 / 0.6), np.sqrt(1.8 / 0.2)]
    )
    angles = [np.degrees(np.arctan2(*(s[1] - s[0])[::-1])) for s in long.get_segments()]
    assert np.mod(angles, 180) == pytest.approx([45, 0])
    angles = [
        np.degrees(np.arctan2(*(s[1] - s[0])[::-1])) for s in short.get_segments()
    ]
    assert np.mod(angles, 180) == pytest.approx([135, 90])
    # Neighbours touch at most.
    assert np.max(ellipses.get_widths()) <= 4
    figure.draw_without_rendering()


def test_without_diffusion_clouds_stay_round():
    _, axes = subplots()
    draw_diffusion_ellipses(axes[0, 0], 1j, np.zeros((2, 2)), size=0.5)
    (ellipses,) = axes[0, 0].findobj(EllipseCollection)
    assert ellipses.get_widths() == ellipses.get_heights() == pytest.approx([1.0])
    assert not any(c.get_segments() for c in axes[0, 0].findobj(LineCollection))


@pytest.mark.parametrize("panels", [1, 2])
def test_an_animation_has_a_frame_for_each_time(tmp_path, panels):
    maps = np.stack([gaussian(k) for k in (0, 0.5, 1)])
    titles = None
    if panels == 2:
        maps, titles = np.stack([maps, maps[::-1]], axis=1), ["C = 1", "C = 0.8"]
    path = write_animation(
        tmp_path / "a.gif", maps, [0, 1, 2], X, Y, titles=titles, fps=10
    )
    assert [file.name for file in tmp_path.iterdir()] == ["a.gif"]
    with Image.open(path) as image:
        assert image.n_frames == 3
        assert image.info["duration"] == 100
        first = np.asarray(image.convert("RGB"), int)
        image.seek(2)
        assert np.abs(np.asarray(image.convert("RGB"), int) - first).max() > 50


def test_a_failure_keeps_the_old_animation(tmp_path, monkeypatch):
    path = tmp_path / "a.gif"
    path.write_text("old")

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OutputError, match="No space left"):
        write_animation(path, [gaussian(0)], [0], X, Y)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.gif"]


def test_a_map_is_saved_the_same_each_time(tmp_path):
    files = []
    for name in ("a", "b"):
        with house_style():
            figure = figure_phase_space(gaussian(0), X, Y)
        files.append(save_figure(figure, tmp_path, name))
    (png, svg), (png_again, svg_again) = files
    assert png.read_bytes() == png_again.read_bytes()
    assert svg.read_bytes() == svg_again.read_bytes()
