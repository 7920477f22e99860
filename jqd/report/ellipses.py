"""Diffusion matrices drawn as what they make of small round clouds."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.lines import Line2D

from .style import BLUE, INK, VERMILLION


def draw_diffusion_ellipses(
    axis: Axes, points: Any, diffusion: Any, *, size: float | None = None
) -> list[Line2D]:
    """Draw what the diffusion makes of a small round cloud at each point.

    The cloud grows along the eigenvectors of positive eigenvalues and shrinks along
    those of negative ones; where the diffusion is traceless it keeps its area at first.
    The largest eigenvalue makes an ellipse of semi-axes size √1.8 and size √0.2. Over a
    density they read best on pale greys.

    Args:
        axis: the panel, which it fits in if it has equal axes.
        points: α, complex, any shape.
        diffusion: real symmetric D in X and Y at each, shape (*points.shape, 2, 2).
        size: radius of the clouds; None for half the distance of neighbours.

    Returns:
        Handles of a legend: the growing and the shrinking direction.

    Raises:
        ValueError: another shape of `diffusion`.
    """
    points, matrices = np.asarray(points, complex), np.asarray(diffusion, float)
    if matrices.shape != (*points.shape, 2, 2):
        raise ValueError(
            f"Argument `diffusion` must have shape {(*points.shape, 2, 2)}, but has "
            f"shape {matrices.shape}."
        )
    points, matrices = points.ravel(), matrices.reshape(-1, 2, 2)
    values, vectors = np.linalg.eigh(matrices)
    radius = _spacing(points) / 2 / np.sqrt(1.8) if size is None else size
    axes = radius * np.sqrt(1 + 0.8 * values / (np.abs(values).max() or 1.0))
    center = np.stack([points.real, points.imag], axis=1)
    angle = np.degrees(np.arctan2(vectors[:, 1, 1], vectors[:, 0, 1]))
    axis.add_collection(
        EllipseCollection(
            2 * axes[:, 1],
            2 * axes[:, 0],
            angle,
            units="xy",
            offsets=center,
            offset_transform=axis.transData,
            facecolors="none",
            edgecolors=INK,
            linewidths=0.6,
        )
    )
    handles = []
    for k, color, label in (
        (1, VERMILLION, "positive diffusion"),
        (0, BLUE, "negative diffusion"),
    ):
        way = vectors[:, :, k] * axes[:, k, None]
        drawn = np.abs(values[:, k]) > 1e-12 * (np.abs(values).max() or 1.0)
        ends = np.stack([center - way, center + way], axis=1)[drawn]
        axis.add_collection(LineCollection(list(ends), colors=color, linewidths=1.6))
        handles.append(Line2D([], [], color=color, label=label))
    return handles


def _spacing(points: np.ndarray) -> float:
    """Distance of the closest two points."""
    if len(points) < 2:
        return 1.0
    apart = np.abs(points[:, None] - points[None, :])
    return float(np.min(apart + np.where(np.eye(len(points)) > 0, np.inf, 0)))
