"""Figures and densities in motion, as GIF or MP4."""

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import FFMpegWriter
from matplotlib.figure import Figure
from PIL import Image

from jqd._files import atomic_file
from jqd.report.phase_space import colour_scale, draw_density
from jqd.report.style import house_style, subplots

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
        path: a file that ends in .gif, or in .mp4 where ffmpeg is installed. It keeps
            its old content if writing fails.
        maps: shape (T, ny, nx), or (T, K, ny, nx) for K densities side by side.
        times: (T,), or the labels of the frames as text.
        x: where the values are along the horizontal axis, shape (nx,).
        y: the same along the vertical axis, shape (ny,).
        titles: one for each of the K panels.
        fps: frames a second.
        clock: what the times are of, e.g. "Ut".
        labels: of the horizontal and the vertical axis, with units.

    Returns:
        The path.

    Raises:
        ValueError: a suffix that cannot be written here, maps that do not fit the axes,
            the times or the titles, or are not finite; fps not positive.
        OutputError: the file cannot be written.
    """
    path = Path(path)
    maps = np.asarray(maps, float)
    maps = maps[:, None] if maps.ndim == 3 else maps
    x, y = np.asarray(x, float), np.asarray(y, float)
    names = [""] * maps.shape[1] if titles is None else list(titles)
    _check(maps, times, x, y, names)
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
    """Write a figure in motion.

    Args:
        path: a file that ends in .gif, or in .mp4 where ffmpeg is installed. It keeps
            its old content if writing fails.
        figure: the figure.
        frames: each step of it changes the figure into the next frame.
        fps: frames a second.

    Raises:
        ValueError: a suffix that cannot be written here, fps not positive.
        OutputError: the file cannot be written.
    """
    path = Path(path)
    _check_film(path, fps)
    write = _write_gif if path.suffix == ".gif" else _write_film
    with house_style(), atomic_file(path) as temporary:
        write(temporary, figure, frames, fps)
    return path


def _write_gif(path: Path, figure: Figure, frames: Iterable[Any], fps: float) -> None:
    images = []
    for _ in frames:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DOTS)
        # without dithering, which no compression would get rid of
        image = Image.open(buffer).convert("RGB")
        images.append(image.quantize(COLOURS, dither=Image.Dither.NONE))
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=1000 / fps, loop=0
    )


def _write_film(path: Path, figure: Figure, frames: Iterable[Any], fps: float) -> None:
    writer = FFMpegWriter(fps=fps)  # pyright: ignore[reportArgumentType]
    with writer.saving(figure, str(path), DOTS):
        for _ in frames:
            writer.grab_frame()


def _check_film(path: Path, fps: float) -> None:
    if not fps > 0:
        raise ValueError(f"Argument `fps` must be positive, but is {fps}.")
    suffix = path.suffix
    if suffix == ".mp4" and not FFMpegWriter.isAvailable():
        raise ValueError(
            "Argument `path` must end in .gif, since ffmpeg is not installed, but ends "
            "in .mp4."
        )
    if suffix not in (".gif", ".mp4"):
        raise ValueError(
            f"Argument `path` must end in .gif or .mp4, but ends in {suffix!r}."
        )


def time_text(time: Any, clock: str = "t") -> str:
    """The label of a frame."""
    if isinstance(time, str):
        return time
    return f"{clock} = {float(time):.3g}"


def _check(
    maps: np.ndarray, times: Any, x: np.ndarray, y: np.ndarray, titles: list[str]
) -> None:
    wanted = (len(times), len(titles), y.size, x.size)
    if maps.shape != wanted or maps.size == 0:
        raise ValueError(
            "Argument `maps` must have the axes (times, titles, y, x) of lengths "
            f"{wanted}, but has shape {maps.shape}."
        )
    if not np.all(np.isfinite(maps)):
        raise ValueError("Argument `maps` must be finite, but is not everywhere.")
