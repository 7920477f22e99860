"""Sampled copy dynamics: averages beside the law, theory, table and figure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from rich.table import Table

from .._html import with_error
from ..ensembles.copying.copies import StepBias, mean_of, step_bias
from ..ensembles.copying.linear_noise import linear_noise
from ..evolution import Adaptive, Propagator, evolve
from ..figures.style import BLUE, CYCLE, GREY, INK, VERMILLION, house_style, subplots
from ..laws import CopyDynamics
from ..status import Status, describe

SHOWN = 6  # classes drawn, the fullest ones


@dataclass(frozen=True)
class CopiesResult:
    """Sampled ensembles beside the mean-field law.

    Attributes:
        ts: times, (T,).
        occupation: n_a, (S, T, M).
        phase: φ_a, (S, T, M).
        law: the law's density, (T, M).
        law_error: its error from time steps and rounding, (T, M).
        loss: N(1 - F) of each trajectory against the law's ψ, (S, T).
        theory: N E[1 - F] by linear noise, (T,), NaN where it does not hold; or None
            where it does not apply.
        theory_error: its error from time steps and rounding, likewise.
        bias: bias from the time step, or None.
        status: code of `jqd.Status`, (S,).
        extinction_time: (S,).
        summary: the results as plain values, for programs.
    """

    ts: np.ndarray
    occupation: np.ndarray
    phase: np.ndarray
    law: np.ndarray
    law_error: np.ndarray
    loss: np.ndarray
    theory: np.ndarray | None
    theory_error: np.ndarray | None
    bias: StepBias | None
    status: np.ndarray
    extinction_time: np.ndarray
    summary: dict[str, Any]

    @property
    def density(self) -> np.ndarray:
        """ρ_a = n_a/N."""
        return self.occupation / self.summary["copies"]


def compare(
    law: CopyDynamics,
    psi0: Any,
    settings: Mapping[str, Any],
    main: Mapping[str, np.ndarray],
    halved: Mapping[str, np.ndarray] | None,
) -> CopiesResult:
    """Averages over trajectories, beside the law and the theory of finite N.

    Args:
        psi0: ψ at t = 0, (M,).
        settings: copies, time, rows, q, r, spectators, admixture, printed.
        main: occupation, phase, extinction_time and steps of all trajectories, with
            their status as `ended`.
        halved: the same of the trajectories with half the time step, or None.
    """
    copies = settings["copies"]
    ts = np.linspace(0, settings["time"], settings["rows"])
    psi, law_error = _reference(law, psi0, ts)
    occupation = main["occupation"]
    density = occupation / copies
    state = np.sqrt(density) * np.exp(-1j * main["phase"])
    overlap = np.abs(np.sum(psi.conj()[None] * state, axis=-1)) ** 2
    loss = copies * (1 - overlap)
    plain = not (settings["spectators"] or settings["admixture"] or settings["printed"])
    theory = theory_error = None
    if plain:
        noise = linear_noise(law, psi0, ts)
        theory, theory_error = (
            np.where(noise.valid(copies), part, np.nan)
            for part in (noise.infidelity, noise.error("infidelity"))
        )
    bias = None
    if halved is not None:
        bias = step_bias(jnp.asarray(density), halved["occupation"] / copies)
    result = CopiesResult(
        ts, occupation, main["phase"], np.abs(psi) ** 2, law_error, loss, theory,
        theory_error, bias, main["ended"], main["extinction_time"], {},
    )  # fmt: skip
    result.summary.update({"copies": copies}, trajectories=len(occupation))
    result.summary.update(_summary(result, main["steps"]))
    return result


def _reference(
    law: CopyDynamics, psi0: Any, ts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """ψ of the mean-field law, normalised, and the error of |ψ|²; exact at the quantum
    point."""
    exact = law.yardstick() if (float(law.q), float(law.r)) == (0.5, -0.5) else None
    if exact is not None:
        run = evolve(exact, psi0, ts, method=Propagator())
    else:
        run = evolve(law, psi0, ts, method=Adaptive())
    psi = np.asarray(run.values)
    # | |ψ|² - |χ|² | <= (2|ψ| + |ψ - χ|) |ψ - χ|
    off = np.asarray(run.error)
    error = (2 * np.abs(psi) + off) * off
    return psi / np.linalg.norm(psi, axis=-1, keepdims=True), error


def _summary(result: CopiesResult, steps: np.ndarray) -> dict[str, Any]:
    density = result.density
    mean, stderr = (np.asarray(part) for part in mean_of(jnp.asarray(density)))
    extinct = int(np.sum(result.status == Status.EXTINCT))
    sound = bool(np.all(result.status == Status.OK))
    loss, error = mean_of(jnp.asarray(result.loss[:, -1]))
    summary = {
        "status": "ok" if sound else describe(result.status, "trajectory"),
        "extinct": extinct,
        "final_density": mean[-1].tolist(),
        "final_stderr": stderr[-1].tolist(),
        "final_law": result.law[-1].tolist(),
        "final_law_error": result.law_error[-1].tolist(),
        "lost_fidelity_times_copies": float(loss),
        "lost_fidelity_stderr": float(error),
        "lost_fidelity_theory": _last(result.theory),
        "lost_fidelity_theory_error": _last(result.theory_error),
        "steps_per_trajectory": float(np.mean(steps)),
    }
    if result.bias is not None:
        summary["step_bias_bound"] = float(np.max(result.bias.bound()))
    return summary


def _last(theory: np.ndarray | None) -> float | None:
    """The last value; None where linear noise does not hold."""
    return None if theory is None or np.isnan(theory[-1]) else float(theory[-1])


def dataset_of(result: CopiesResult, settings: Mapping[str, Any]) -> xr.Dataset:
    """The samples as an xarray dataset."""
    rows = ("trajectory", "t", "class")
    data = {
        "occupation": (rows, result.occupation),
        "phase": (rows, result.phase, {"units": "rad"}),
        "law": (("t", "class"), result.law),
        "law_error": (("t", "class"), result.law_error),
        "lost_fidelity_times_copies": (("trajectory", "t"), result.loss),
        "status": ("trajectory", result.status),
        "extinction_time": ("trajectory", result.extinction_time),
    }
    if result.theory is not None:
        data["theory"] = ("t", result.theory)
        data["theory_error"] = ("t", result.theory_error)
    if result.bias is not None:
        data["step_bias"] = (("t", "class"), np.asarray(result.bias.mean.value))
        data["step_bias_stderr"] = (("t", "class"), np.asarray(result.bias.mean.stderr))
    return xr.Dataset(data, {"t": result.ts}, attrs=dict(settings))


def copies_table(result: CopiesResult) -> Table:
    """The classes at the last time: mean over the ensembles, and the law.

    Returns:
        The table; of more than 16 classes, those that differ most from the law.
    """
    summary = result.summary
    table = Table(
        title=f"{summary['trajectories']} ensembles of {summary['copies']:.6g} systems "
        f"at t = {result.ts[-1]:g}",
        title_justify="left",
    )
    for name in ("class", "density", "stderr", "law", "deviation/stderr"):
        table.add_column(name, justify="right")
    mean, error, law = (
        np.asarray(summary[f"final_{name}"]) for name in ("density", "stderr", "law")
    )
    sigmas = (mean - law) / np.where(error > 0, error, np.nan)
    order = np.argsort(-np.nan_to_num(np.abs(sigmas)))[:16]
    for a in sorted(order):
        table.add_row(
            str(a), with_error(float(mean[a]), float(error[a])), f"{error[a]:.2g}",
            with_error(float(law[a]), float(error[a])), f"{sigmas[a]:.1f}",
        )  # fmt: skip
    caption = (
        f"N E[1 - F] = {summary['lost_fidelity_times_copies']:.3g} +- "
        f"{summary['lost_fidelity_stderr']:.2g}"
    )
    if summary["lost_fidelity_theory"] is not None:
        theory, off = (
            summary[f"lost_fidelity_theory{name}"] for name in ("", "_error")
        )
        caption += f" (linear noise: {theory:.4g} +- {off:.1g} by steps)"
    table.caption = f"{caption}\nstatus: {summary['status']}"
    table.caption_justify = "left"
    return table


def figure_copies(result: CopiesResult) -> Figure:
    """Densities of all ensembles beside the law, and the fidelity they lose."""
    density, ts = result.density, result.ts
    with house_style():
        figure, axes = subplots(1, 2, size=(9.6, 3.8))
        left, right = axes[0]
        fullest = np.argsort(-result.law.mean(axis=0))[:SHOWN]
        low, high = np.nanquantile(density, [0.025, 0.975], axis=0)
        for k, a in enumerate(sorted(fullest)):
            color = CYCLE[k % len(CYCLE)]
            left.fill_between(ts, low[:, a], high[:, a], color=color, alpha=0.25, lw=0)
            mean = np.nanmean(density[..., a], axis=0)
            left.plot(ts, mean, color=color, label=f"class {a}")
            left.plot(ts, result.law[:, a], color=INK, lw=0.8, ls=(0, (4, 3)))
        left.set(xlabel="time", ylabel="share of the systems", xlim=ts[[0, -1]])
        left.set_title("mean and 95 % of the ensembles; dashed: the law")
        named = left.get_legend_handles_labels()
        figure.legend(*named, loc="outside upper left", ncols=SHOWN, fontsize=8)
        mean, error = (np.asarray(part) for part in mean_of(jnp.asarray(result.loss)))
        right.fill_between(
            ts, mean - 2 * error, mean + 2 * error, color=BLUE, alpha=0.3, lw=0
        )
        right.plot(ts, mean, color=BLUE, label="sampled, ± 2 standard errors")
        if result.theory is not None:
            right.plot(ts, result.theory, color=VERMILLION, label="linear noise")
        gone = result.extinction_time[np.isfinite(result.extinction_time)]
        for time in np.unique(gone)[:50]:
            right.axvline(time, color=GREY, lw=0.4, alpha=0.5)
        right.set(xlabel="time", ylabel="N (1 - F)", xlim=ts[[0, -1]])
        right.set_title(
            "fidelity lost by finite N" + ("; grey: extinctions" * bool(gone.size))
        )
        right.legend()
    return figure
