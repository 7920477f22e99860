"""Atoms in the plane, with the widths of their packets."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import Normalize, to_rgba

from jqd.figures.style import BLUE, INK


class Atoms:
    """Atoms drawn into a panel, that `show` moves.

    Attributes:
        discs: the atoms, coloured by a value each.
        rings: one-sigma ellipses around them.
    """

    def __init__(
        self, axis: Axes, *, radius: float, scale: Normalize, magnify: float = 1.0
    ) -> None:
        """An empty panel with equal axes and no ticks, see `draw_atoms`."""
        self._radius, self._magnify = radius, magnify
        self.discs = _ellipses(axis, edgecolors="none")
        self.discs.set(cmap="YlOrRd", norm=scale)
        self.rings = _ellipses(
            axis, facecolors="none", edgecolors=to_rgba(BLUE, 0.7), linewidths=0.7
        )
        axis.set(aspect="equal", xticks=[], yticks=[])
        axis.spines[:].set_visible(False)

    def show(self, x: Any, values: Any, covariance: Any = None) -> None:
        """Move the atoms; the arguments are those of `draw_atoms`."""
        x, values = np.asarray(x, float), np.asarray(values, float)
        round_ = np.broadcast_to(self._radius**2 * np.eye(2), (len(x), 2, 2))
        self._place(self.discs, x, round_)
        self.discs.set_array(values)
        self.rings.set_visible(covariance is not None)
        if covariance is not None:
            self._place(self.rings, x, self._magnify**2 * np.asarray(covariance))

    @staticmethod
    def _place(ellipses: EllipseCollection, x: np.ndarray, matrices: np.ndarray):
        squares, axes = np.linalg.eigh(matrices)
        long = np.sqrt(np.maximum(squares, 0))
        ellipses.set(
            offsets=x,
            widths=2 * long[:, 1],
            heights=2 * long[:, 0],
            angles=np.degrees(np.arctan2(axes[:, 1, 1], axes[:, 0, 1])),
        )


def draw_atoms(
    axis: Axes,
    x: Any,
    values: Any,
    covariance: Any = None,
    *,
    radius: float,
    scale: Normalize | None = None,
    magnify: float = 1.0,
) -> Atoms:
    """Draw atoms as discs, coloured by a value, with their one-sigma ellipses.

    Args:
        axis: the panel.
        x: positions, shape (N, 2).
        values: such as kinetic energies, shape (N,).
        covariance: of the positions, shape (N, 2, 2), or None for no ellipses.
        radius: of the discs, unit of positions.
        scale: of the colours; None for 0 to the largest value.
        magnify: how many times larger than they are ellipses are drawn; to be stated
            beside the figure.
    """
    scale = Normalize(0, float(np.max(values))) if scale is None else scale
    atoms = Atoms(axis, radius=radius, scale=scale, magnify=magnify)
    atoms.show(x, values, covariance)
    return atoms


def draw_scale_bar(axis: Axes, length: float, label: str) -> None:
    """A bar of this length in the lower left corner of a panel without ticks."""
    left, low = axis.get_xlim()[0], axis.get_ylim()[0]
    axis.plot([left, left + length], [low, low], color=INK, lw=3, clip_on=False)
    axis.annotate(
        label, (left + length / 2, low), (0, 4), textcoords="offset points",
        ha="center", color=INK, fontsize=9,
    )  # fmt: skip


def _ellipses(axis: Axes, **look: Any) -> EllipseCollection:
    none = np.zeros((0, 2))
    ellipses = EllipseCollection(
        [], [], [], units="xy", offsets=none, offset_transform=axis.transData, **look
    )
    axis.add_collection(ellipses, autolim=False)
    return ellipses
