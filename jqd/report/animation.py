"""Figures in motion, as GIF or MP4."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matplotlib.animation import FFMpegWriter
from matplotlib.figure import Figure
from PIL import Image

from .._files import atomic_file
from .style import house_style

DOTS = 100  # an inch
COLOURS = 128  # of a GIF


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
