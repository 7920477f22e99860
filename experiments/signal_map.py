"""Claim: away from quantum mechanics no copy law is nearly free of signals.

Two halves of a pair, A and B, no longer interact. With copy rate (ρ_a/ρ_b)^q and phase
rate (ρ_a/ρ_b)^r, does B's Hamiltonian change what A sees? At second order in time it
does for every q, r but (1/2, -1/2), for some pairs (not for two maximally entangled
qubits, which never signal). That leaves room for a valley, laws far from quantum
mechanics whose signals are too small to be noticed. So 64 random pairs, with random H_A
and H_B, run at each of 40 x 40 laws, q from 0.1 to 0.9 and r from -0.9 to -0.1, and
each law is assigned the largest signal of its pairs. Only signals above ten times their
integration error count.

A law with no signal, or one with less than a tenth of its distance from (1/2, -1/2),
would refute the claim. Where q + r > 0 or q > 1/2 many runs end early, at nodes: they
show what was signalled until then, which is less than their law would have.

Verdict: it holds on the 16 x 16 laws of a quick run, with 16 pairs each: every law but
(1/2, -1/2) signals by more than a tenth of its distance from there, and (1/2, -1/2) by
less than 1e-6, which is the integration error. A run checks both.

Source: Smolin (2012), section 3.1.1, eqs. (39), (40), and section 3.4, on "the
possibility of faster than light signaling". The sweep is that of
sweeps/copying_signals.py, which this experiment runs and draws.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.colors import LogNorm
from sweeps import copying_signals

import jqd
from jqd.figures.style import BLUE, INK, VERMILLION, subplots
from jqd.report.experiment import Context

# Signals below so many times their integration error do not count.
MARGIN = 10
# Signal over distance below which a law would be nearly free of signals.
VALLEY = 0.1
# Of Runge-Kutta steps at (1/2, -1/2).
STEPS = 1e-6


def laws(points: xr.Dataset) -> xr.Dataset:
    """What the pairs of each law did, over (q, r)."""
    signal, ended = points.signal, points.status == jqd.Status.NODE
    certain = signal.where(signal > MARGIN * points.error, 0)
    q, r = copying_signals.QUANTUM
    return xr.Dataset(
        {
            "distance": np.hypot(points.q - q, points.r - r),
            "median": signal.median("case"),
            "least": signal.min("case"),
            "largest": certain.max("case"),
            "ended": ended.mean("case"),
            "end": points.end.mean("case"),
            "density": points.least.median("case"),
            "drift": points.drift.median("case"),
        }
    )


def run(context: Context) -> dict[str, Any]:
    """Sweep, draw the plane, and look for a second law without signals."""
    points = context.sweep(
        copying_signals.point,
        copying_signals.axes(context.quick),
        units=copying_signals.units,
        constants=copying_signals.constants,
    )
    found = laws(points)
    context.save_figure(figure(found), "signals")
    context.save_dataset(found.assign_attrs(copying_signals.constants))
    elsewhere = found.where(found.distance > 0)
    slope = elsewhere.largest / elsewhere.distance
    here = points.sel(q=copying_signals.QUANTUM[0], r=copying_signals.QUANTUM[1])
    at_quantum_point = float(here.signal.max())
    holds = at_quantum_point < STEPS and float(slope.min()) >= VALLEY
    return {
        "status": "ok" if holds else "Another law is nearly free of signals.",
        "points": int(points.signal.size),
        "signal_at_quantum_point": at_quantum_point,
        "drift_at_quantum_point": float(here.drift.max()),
        "laws_without_signal": int((elsewhere.largest == 0).sum()),
        "least_signal_over_distance": float(slope.min()),
        "its_q_and_r": place(slope),
        "median_signal_over_distance": float(slope.median()),
        "weakest_law": float(elsewhere.largest.min()),
        "weakest_q_and_r": place(elsewhere.largest),
        "ended_at_nodes": float(found.ended.mean()),
        "ended_at_nodes_where_safe": float(
            found.ended.where((found.q <= 0.5) & (found.q + found.r <= 1e-12)).mean()
        ),
        "inaccurate": float((points.status == jqd.Status.INACCURATE).mean()),
    }


def place(values: xr.DataArray) -> list[float]:
    """q and r where a map is least."""
    at = values.argmin(...)
    return [float(values[name][at[name]]) for name in ("q", "r")]


MAPS = (
    ("median", "Median signal of the pairs", "largest change of ρ_A", (1e-3, 0.3)),
    ("least", "Least signal of the pairs", "largest change of ρ_A", (1e-6, 0.3)),
    ("end", "How long the law lasts", "mean time until a node  (at most 2)", None),
    ("density", "Least density", "median of the pairs", (1e-6, 0.1)),
    ("drift", "Change of <H>", "median of the pairs  (levels ±1 each)", None),
)


def figure(found: xr.Dataset) -> Any:
    """Five maps over (q, r), and the largest signals over the distance."""
    fig, axes = subplots(2, 3, size=(13.6, 7.6))
    panels = (*axes[0, :2], *axes[1])
    for axis, (name, title, label, span) in zip(panels, MAPS, strict=True):
        values = found[name].transpose("r", "q")
        norm = None if span is None else LogNorm(*span)
        shown = values if span is None else np.maximum(values, span[0])
        mesh = axis.pcolormesh(found.q, found.r, shown, norm=norm, rasterized=True)
        fig.colorbar(mesh, ax=axis, pad=0.02, label=label)
        axis.plot(*copying_signals.QUANTUM, "+", color=VERMILLION, ms=12, mew=2)
        axis.set(xlabel="q, exponent of the copy rate", title=title)
        axis.set(ylabel="r, exponent of the phase rate")
    _over_distance(axes[0, 2], found)
    return fig


def _over_distance(axis: Any, found: xr.Dataset) -> None:
    away = np.asarray(found.distance) > 0
    distance, largest, ended = (
        np.asarray(found[name])[away] for name in ("distance", "largest", "ended")
    )
    for some, color, mark, label in (
        (ended <= 0.5, BLUE, "o", "most pairs reach the end"),
        (ended > 0.5, VERMILLION, "x", "most pairs end at nodes"),
    ):
        axis.plot(distance[some], largest[some], mark, color=color, ms=2.5, label=label)
    line = np.array([distance.min(), distance.max()])
    axis.plot(
        line, VALLEY * line, "--", color=INK, lw=1, label="a tenth of the distance"
    )
    axis.set(xscale="log", yscale="log", ylim=(1e-3, 3))
    axis.set_xticks(ticks := [0.02, 0.05, 0.1, 0.2, 0.5], [str(t) for t in ticks])
    axis.minorticks_off()
    axis.set(xlabel="distance from (1/2, -1/2)", ylabel="largest change of ρ_A")
    axis.set_title("Largest signal of the pairs")
    axis.legend(loc="upper left")
