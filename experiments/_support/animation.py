"""Figures and densities in motion, as GIF."""

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from jqd._files import atomic_file
from jqd.figures.phase_space import colour_scale, draw_density
from jqd.figures.style import house_style, subplots

DOTS = 100  # an inch
COLOURS = 128  # of a GIF


def write_animation(
    path: str | Path,
    maps: Any,
    times: Any,
    x: Any,
    y: Any,
    *,
    titles: Sequence[str] | None = None,
    fps: float = 12.0,
    clock: str = "t",
    labels: tuple[str, str] = ("x = Re α  (√ħ)", "y = Im α  (√ħ)"),
) -> Path:
    """Write a density in motion, with one scale of colours.

    Args:
        path: see `write_frames`.
        maps: shape (T, ny, nx), or (T, K, ny, nx) for K densities side by side.
        times: (T,), or the labels of the frames as text.
        x: where the values are along the horizontal axis, shape (nx,).
        y: the same along the vertical axis, shape (ny,).
        titles: one for each of the K panels.
        fps: frames a second.
        clock: what the times are of, e.g. "Ut".
        labels: of the horizontal and the vertical axis, with units.
    """
    maps = np.asarray(maps, float)
    maps = maps[:, None] if maps.ndim == 3 else maps
    x, y = np.asarray(x, float), np.asarray(y, float)
    names = [""] * maps.shape[1] if titles is None else list(titles)
    with house_style():
        panels = maps.shape[1]
        figure, axes = subplots(1, panels, size=(3.2 * panels + 0.4, 3.5), sharey=True)
        scale = colour_scale(maps)
        meshes = []
        for axis, values, title in zip(axes[0], maps[0], names, strict=True):
            meshes.append(draw_density(axis, values, x, y, scale))
            axis.set(title=title, xlabel=labels[0])
        axes[0, 0].set_ylabel(labels[1])
        heading = figure.suptitle("", x=0.02, ha="left")

        def draw() -> Iterator[None]:
            for frame, time in zip(maps, times, strict=True):
                for mesh, values in zip(meshes, frame, strict=True):
                    mesh.set_array(values)
                heading.set_text(time_text(time, clock))
                yield

        return write_frames(path, figure, draw(), fps=fps)


def write_frames(
    path: str | Path, figure: Figure, frames: Iterable[Any], *, fps: float = 12.0
) -> Path:
    """Write a figure in motion: each step of `frames` changes it into the next.

    The file keeps its old content if writing fails (`OutputError`).
    """
    images, path = [], Path(path)
    with house_style(), atomic_file(path) as temporary:
        for _ in frames:
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=DOTS)
            # without dithering, which no compression would get rid of
            image = Image.open(buffer).convert("RGB")
            images.append(image.quantize(COLOURS, dither=Image.Dither.NONE))
        more = {"append_images": images[1:], "duration": 1000 / fps, "loop": 0}
        images[0].save(temporary, save_all=True, **more)
    return path


def time_text(time: Any, clock: str = "t") -> str:
    """The label of a frame."""
    if isinstance(time, str):
        return time
    return f"{clock} = {float(time):.3g}"
