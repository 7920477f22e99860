"""Figures and the film of two blocks that collide."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from _support.animation import write_frames
from jqd.figures.style import AMBER, BLUE, GREEN, GREY, INK, PURPLE, VERMILLION
from jqd.report import subplots

from .atoms import draw_atoms, draw_scale_bar
from .collision import Collision

SINCE = "time since contact  (σ√(m/ε))"
COLORS = (BLUE, AMBER, VERMILLION, GREEN, PURPLE)
MAGNIFY = 3.0  # of ellipses
EDGE = 0.6  # spacings around the fused solid
LATTICE = 0.95  # bonds kept, below which the modes of the lattice are lost
LILLIEFORS = 0.886  # × n^-1/2: passed by chance in 5 %, with fitted mean and width
HOTTEST = 3.0  # of the colours, in units of the late temperature
SPAN = (-1.0, 12.0)  # first and last frame of the film, since contact

Runs = Mapping[tuple[float, float], Collision]
Rows = Sequence[Mapping[str, Any]]


def figure_collision(
    ts: np.ndarray,
    runs: Runs,
    rows: Rows,
    shares: Mapping[float, np.ndarray],
    passages: np.ndarray,
    *,
    hbars: tuple[float, float],
    melt: float,
) -> Figure:
    """Bond width, sharing of energy among modes, velocities and temperature.

    Args:
        ts: times, (T,).
        runs: collisions by (v, ħ).
        rows: a mapping each: v, hbar, contact and what `late_readings` returns.
        shares: n_eff/n over windows at the smaller ħ, by the speeds to be drawn.
        passages: Ehrenfest times, (speeds, 2).
        hbars: ħ of the widths, and the smaller one of everything thermal.
        melt: bond width/a at which a solid melts.
    """
    figure, axes = subplots(2, 3, size=(12.0, 6.6))
    (width, modes, heat), (ks, kurtosis, late) = axes
    table = {(row["v"], row["hbar"]): row for row in rows}
    for v, color in zip(shares, COLORS, strict=False):
        for hbar, form in zip(hbars, ("-", "--"), strict=True):
            after = ts - table[v, hbar]["contact"]
            width.plot(after, runs[v, hbar].width, form, color=color)
        cold, row = runs[v, hbars[1]], table[v, hbars[1]]
        after = ts - row["contact"]
        middle = (np.arange(len(shares[v])) + 0.5) * np.ptp(ts) / len(shares[v])
        form = "o-" if row["kept"] > LATTICE else "o:"
        modes.plot(after[0] + middle, shares[v], form, color=color, ms=3)
        heat.plot(after, np.mean(cold.temperature, -1), color=color, lw=1.2)
        heat.axhline(row["T_harmonic"], color=color, lw=1, ls=":")
        ks.plot(after, cold.ks, color=color)
        kurtosis.plot(after, cold.kurtosis, color=color, lw=1.2)
        level = LILLIEFORS / (cold.temperature.shape[-1] * cold.x[0].size) ** 0.5
        ks.axhline(level, color=GREY, lw=1, ls=":")
    _melt_line(width, melt)
    _draw_passages(width, table, shares, passages, hbars, melt)
    width.set(yscale="log", ylabel="bond width / a")
    width.set_title("Cores: width of the median bond (▼ Ehrenfest time)")
    width.legend(
        handles=_keys(list(shares), hbars), fontsize=8, loc="lower right", ncols=2
    )
    modes.set(ylim=(0, 1), ylabel="n_eff / n")
    modes.set_title("Modes that share the energy (···: lattice lost)")
    heat.set(ylabel="T  (ε)", title="Temperature (···: harmonic estimate)")
    ks.set(yscale="log", ylabel="KS distance")
    ks.set_title("Velocities: distance to a normal law (···: 5 % level)")
    kurtosis.axhline(0, color=GREY, lw=0.8)
    kurtosis.set(ylabel="excess kurtosis", title="Velocities: excess kurtosis")
    _late_widths(late, rows, hbars, melt)
    for axis in axes.flat[:-1]:
        axis.set_xlabel(SINCE)
    return figure


def figure_thawed(
    ts: np.ndarray,
    widths: np.ndarray,
    runs: Runs,
    rows: Rows,
    rates: Mapping[float, float],
    *,
    hbars: tuple[float, float],
    melt: float,
) -> Figure:
    """Growth of a thawed Gaussian beside the truncated-Wigner widths, a panel a speed.

    Args:
        ts: times of the thawed packet, (T,), the first ones of the runs.
        widths: bond width/a of the packet at the first ħ, (speeds, T).
        rates: λ by the speeds.
        runs, rows, hbars, melt: see `figure_collision`.
    """
    figure, axes = subplots(1, len(rates), size=(4.0 * len(rates), 3.7), sharey=True)
    contact = {(row["v"], row["hbar"]): row["contact"] for row in rows}
    for k, (axis, v) in enumerate(zip(axes[0], rates, strict=True)):
        for hbar, color in zip(hbars, (BLUE, VERMILLION), strict=True):
            after, scale = ts - contact[v, hbars[0]], (hbar / hbars[0]) ** 0.5
            name = f"ħ = {hbar:g}"
            axis.plot(after, scale * widths[k], "--", color=color)
            drawn = runs[v, hbar].width[: len(ts)]
            axis.plot(after, drawn, color=color, label=name)
        _melt_line(axis, melt)
        axis.set(yscale="log", ylim=(1e-3, 30), xlabel=SINCE)
        axis.set_title(f"v = {v:g}:  thawed width ∝ exp({rates[v]:.2f} t)")
    axes[0, 0].set_ylabel("bond width / a")
    handles, _ = axes[0, 0].get_legend_handles_labels()
    handles += [
        Line2D([], [], color=INK, label="truncated Wigner"),
        Line2D([], [], color=INK, ls="--", label="thawed Gaussian"),
    ]
    axes[0, 0].legend(handles=handles, fontsize=8, loc="upper left")
    return figure


def collision_dataset(
    ts: np.ndarray, runs: Runs, short: np.ndarray, widths: np.ndarray
) -> xr.Dataset:
    """What the figures show, over time.

    Args:
        ts: times, (T,).
        runs: collisions by (v, ħ), all pairs of some speeds and some ħ.
        short: times of the thawed packets, (R,).
        widths: their bond width/a, (first speeds, R).
    """
    speeds, hbars = (list(dict.fromkeys(key[k] for key in runs)) for k in (0, 1))
    axes = {
        "width": (), "width_mean": (), "kept": (), "ks": (), "kurtosis": (),
        "temperature": ("member",), "modes": ("mode",), "heat": ("atom",),
        "x": ("atom", "axis"),
    }  # fmt: skip
    variables: dict[str, Any] = {
        name: (
            ("speed", "hbar", "time", *more),
            np.array([[getattr(runs[v, h], name) for h in hbars] for v in speeds]),
        )
        for name, more in axes.items()
    }
    variables["thawed_width"] = (("thawed_speed", "short_time"), widths)
    grid = {"speed": speeds, "hbar": hbars, "time": ts, "short_time": short}
    return xr.Dataset(variables, grid, {"units": "σ, ε and m of the potential"})


def write_collision(
    path: str | Path,
    ts: np.ndarray,
    runs: Mapping[str, Collision],
    contacts: Sequence[float],
    temperatures: Sequence[float],
    *,
    spacing: float,
    every: int = 1,
) -> Figure:
    """Write the film: atoms of one trajectory, widths of the ensemble.

    Discs are coloured by the ensemble's kinetic energy of the atom, in units of the
    late temperature; ellipses are one-sigma widths, magnified by `MAGNIFY`.

    Args:
        path: file that ends in .gif.
        ts: times, (T,).
        runs: a collision for each panel, by its title.
        contacts: time of contact of each.
        temperatures: late ones, that set the colours.
        spacing: distance of neighbours.
        every: records from frame to frame.

    Returns:
        The figure at its last frame.
    """
    figure, axes = subplots(1, len(runs), size=(4.2 * len(runs), 3.0))
    seen = [jax.tree.map(np.asarray, run) for run in runs.values()]
    first = [int(np.searchsorted(ts, c + SPAN[0] - 1e-9)) for c in contacts]
    count = round((SPAN[1] - SPAN[0]) / (ts[1] - ts[0])) + 1
    count = min(count, *(len(ts) - i for i in first))

    def at(k: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        run, i = seen[k], first[k] + n
        x = run.x[i] - run.x[i].mean(axis=0)
        return x, run.heat[i] / temperatures[k], run.ellipses[i]

    look: Any = {"radius": 0.4 * spacing, "scale": Normalize(0, HOTTEST)}
    atoms = [
        draw_atoms(axis, *at(k, 0), magnify=MAGNIFY, **look)
        for k, axis in enumerate(axes[0])
    ]
    edge = EDGE * spacing
    wide = max(np.abs(at(k, 0)[0][:, 0]).max() for k in range(len(seen))) + edge
    for axis, title in zip(axes[0], runs, strict=True):
        axis.set(xlim=(-wide, wide), ylim=(-0.6 * wide, 0.6 * wide), title=title)
    draw_scale_bar(axes[0, 0], 2.0, "2σ")
    bar = figure.colorbar(atoms[0].discs, ax=list(axes[0]), pad=0.01, fraction=0.03)
    bar.set_label("kinetic energy / late T")
    heading = figure.suptitle("", x=0.01, ha="left", fontsize=11)

    def frames() -> Iterator[None]:
        for n in range(0, count, every):
            for k, drawn in enumerate(atoms):
                drawn.show(*at(k, n))
            heading.set_text(
                f"time since contact {ts[first[0] + n] - contacts[0]:5.1f} σ√(m/ε);  "
                f"blue: one-sigma widths, drawn {MAGNIFY:g} times as large"
            )
            yield

    write_frames(path, figure, frames())
    return figure


def _keys(speeds: Sequence[float], hbars: tuple[float, float]) -> list[Line2D]:
    lines = [
        Line2D([], [], color=color, label=f"v = {v:g}")
        for v, color in zip(speeds, COLORS, strict=False)
    ]
    for hbar, form in zip(hbars, ("-", "--"), strict=True):
        lines.append(Line2D([], [], color=INK, ls=form, label=f"ħ = {hbar:g}"))
    return lines


def _draw_passages(
    axis: Axes,
    table: Mapping[tuple[float, float], Mapping[str, Any]],
    speeds: Iterable[float],
    passages: np.ndarray,
    hbars: tuple[float, float],
    melt: float,
) -> None:
    """Ehrenfest times: full marks at the first ħ, open ones at the other."""
    for k, (v, color) in enumerate(zip(speeds, COLORS, strict=False)):
        for place, fill in zip(passages[k], (color, "white"), strict=True):
            since = place - table[v, hbars[0]]["contact"]
            y = melt * 1.3**k  # one above the other
            axis.plot(since, y, "v", color=color, mfc=fill, ms=7, zorder=5)


def _melt_line(axis: Axes, melt: float) -> None:
    axis.axhline(melt, color=GREY, lw=1.2, ls=(0, (5, 3)))
    axis.annotate(
        "melts", (1, melt), (-2, 3), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", color=GREY, fontsize=9,
    )  # fmt: skip


def _late_widths(
    axis: Axes,
    rows: Sequence[Mapping[str, Any]],
    hbars: tuple[float, float],
    melt: float,
) -> None:
    for hbar, form in zip(hbars, ("o-", "s--"), strict=True):
        mine = [row for row in rows if row["hbar"] == hbar]
        columns = [[row[key] for row in mine] for key in ("v", "width", "width_error")]
        axis.errorbar(
            columns[0], columns[1], columns[2], fmt=form, color=INK, capsize=2,
            label=f"ħ = {hbar:g}", mfc="white" if form[0] == "s" else INK,
        )  # fmt: skip
    _melt_line(axis, melt)
    axis.set(yscale="log", xlabel="relative speed v  (√(ε/m))")
    axis.set(ylabel="late bond width / a", title="Late bond width over speed")
    axis.legend(fontsize=9)
