"""`Posterior`: draws of constants, their summary, and how far to trust them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ... import _html
from ..._files import provenance, to_plain
from ..._saved import save
from ..goodness import CONVERGED, MISFIT, MISFIT_P
from ..pattern import Pattern
from ..study import Study
from .chains import Chains
from .left_out import LeftOut, left_out
from .predictive import Predicted

if TYPE_CHECKING:
    import xarray as xr

# Chains agree where R-hat of every constant is below this ...
RHAT = 1.01
# ... and are long enough where they count for so many independent draws.
LEAST_ESS = 400.0
# Share of the draws of a normal approximation that importance weights must leave: it is
# lower where an sd is wrong by an eighth, or a mean by a seventh of an sd.
NORMAL = 0.98
HEADINGS = "constant", "mean", "sd", "2.5 %", "50 %", "97.5 %", "R-hat", "ESS"


class Posterior(NamedTuple):
    """Draws of the constants of a study from their posterior.

    Attributes:
        study: the study whose posterior it is.
        sampler: "nuts", "smc" or "laplace".
        theta: the fit about which it was drawn, (p,).
        stderr: standard errors there from the Fisher information, (p,).
        chains: the draws and how they were made.
        predicted: their predictions of the data.
        box: ends of each entry of θ, (2, p), infinite where there is none.
        seed: key data of the draws.
        pattern: pattern of the residuals of the fit in time, which a fitted scatter
            would hide; None where there is none.
    """

    study: Study
    sampler: str
    theta: Float[np.ndarray, " p"]
    stderr: Float[np.ndarray, " p"]
    chains: Chains
    predicted: Predicted
    box: Float[np.ndarray, "2 p"]
    seed: tuple[int, ...]
    pattern: Pattern | None = None

    # -- numbers ---------------------------------------------------------------------

    @property
    def labels(self) -> list[str]:
        """Labels of the entries of θ, free constants first."""
        return self.study.labels()

    @property
    def draws(self) -> dict[str, Float[np.ndarray, "chain draw"]]:
        """The draws by label."""
        each = np.moveaxis(self.chains.theta, -1, 0)
        return dict(zip(self.labels, each, strict=True))

    @property
    def mean(self) -> dict[str, float]:
        """The mean of all draws, by label."""
        return {label: float(np.mean(x)) for label, x in self.draws.items()}

    @property
    def sd(self) -> dict[str, float]:
        """Standard deviation of all draws, by label."""
        return {label: float(np.std(x, ddof=1)) for label, x in self.draws.items()}

    def quantiles(
        self, shares: Sequence[float] = (0.025, 0.5, 0.975)
    ) -> dict[str, Float[np.ndarray, " k"]]:
        """Values below which these shares of the draws lie, by label."""
        return {label: np.quantile(x, shares) for label, x in self.draws.items()}

    @property
    def rhat(self) -> dict[str, float] | None:
        """R-hat by label; None for draws that are independent."""
        if self.chains.rhat is None:
            return None
        return dict(zip(self.labels, self.chains.rhat.tolist(), strict=True))

    @property
    def ess(self) -> dict[str, float]:
        """Bulk effective sample size by label."""
        return dict(zip(self.labels, self.chains.ess.tolist(), strict=True))

    @property
    def divergences(self) -> int:
        """Number of transitions whose integration broke down; for SMC, of populations
        that did not arrive at the posterior."""
        diverging = self.chains.diverging
        if self.sampler == "smc":
            return int(diverging.any(axis=1).sum())
        return int(diverging.sum())

    @property
    def share_failed(self) -> float:
        """Share of the sampler's runs that failed; for SMC, of runs from the prior."""
        return self.chains.share_failed

    @property
    def p_value(self) -> float:
        """Posterior predictive p of chi-square, see `Predicted.p_value`."""
        return self.predicted.p_value

    @property
    def log_evidence(self) -> tuple[float, float] | None:
        """ln Z from SMC, less terms that no law changes, and its standard error from
        the scatter of the populations (infinite for one); None for other samplers."""
        logs = self.chains.log_evidence
        if logs is None:
            return None
        mean = np.log(np.mean(np.exp(logs - logs.max()))) + logs.max()
        if len(logs) < 2:
            return float(mean), float("inf")
        return float(mean), float(np.std(logs, ddof=1) / np.sqrt(len(logs)))

    def left_out(self) -> LeftOut:
        """Each row of the data, predicted from the others; see `left_out`.

        Raises:
            ImportError: blackjax is missing.
        """
        worth = float(np.min(self.chains.ess, initial=np.inf)) / self._number
        return left_out(self.predicted.log_likelihood, worth)

    # -- words -----------------------------------------------------------------------

    @property
    def status(self) -> str:
        """How far to trust the draws: "converged", or the gravest reason against it.

        A law whose chi-square exceeds that of all thousand or more sets of data drawn
        does not describe the data, whatever its draws are.
        """
        worth = float(np.min(self.chains.ess, initial=np.inf))
        if not np.all(np.isfinite(self.chains.theta)):
            return "draws are not finite"
        if self.divergences:
            return "divergent"
        if self.sampler == "laplace" and worth < NORMAL * self._number:
            return "not normal"
        if self.rhat is not None and max(self.rhat.values()) >= RHAT:
            return "chains disagree"
        if worth < LEAST_ESS:
            return "too few draws"
        if self.misfits:
            return MISFIT
        return CONVERGED

    @property
    def misfits(self) -> bool:
        """Whether hardly any set of data drawn is as far off as the data, or residuals
        follow a `pattern`."""
        return self.p_value < MISFIT_P or self.pattern is not None

    @property
    def message(self) -> str:
        """The reason for the status, in one sentence."""
        worth = f"{np.min(self.chains.ess, initial=np.inf):.0f} of {self._number} draws"
        if self.rhat is None:
            said = f"Independent draws of the normal approximation, worth {worth}"
        else:
            said = f"R-hat at most {max(self.rhat.values()):.4f}, worth {worth}"
        kind = "populations not arrived" if self.sampler == "smc" else "divergences"
        said += f", {self.divergences} {kind}, {100 * self.share_failed:.2g} % of the "
        said += "runs from the prior failed" if self.sampler == "smc" else "runs failed"
        return said + "."

    @property
    def _number(self) -> int:
        return self.chains.log_posterior.size

    def lines(self) -> list[tuple[str, ...]]:
        """A line of the table for each constant, under `HEADINGS`.

        For a law that does not describe the data neither sd nor quantiles are given:
        they say nothing about the constants.
        """
        found, rhat, ess = [], self.rhat, self.ess
        for label, ends in self.quantiles().items():
            sd = self.sd[label]
            mixed = "none" if rhat is None else f"{rhat[label]:.4f}"
            numbers = [rounded(x, sd) for x in (self.mean[label], *ends)]
            numbers.insert(1, f"{sd:.3g}")
            if self.misfits:
                numbers = [f"{self.mean[label]:.3g}", *["none"] * (len(numbers) - 1)]
            found.append((label, *numbers, mixed, f"{ess[label]:.0f}"))
        return found

    def notes(self) -> list[str]:
        """Sentences below the table."""
        notes = [f"{self.sampler}: {self.status}. {self.message}"]
        if self.misfits:
            said = "No interval is given for constants of a law that does not describe "
            looks = "; `jqd.recover` looks for the pattern of its residuals."
            found = f". {self.pattern.describe()}" if self.pattern else looks
            notes.append(f"{said}the record{found}")
        p, least = self.p_value, self.predicted.least_p
        told = f"at most {p:.3g}" if p <= least else f"{p:.3g}"
        notes.append(f"Posterior predictive p of chi-square: {told}.")
        assumed = self.study.data.noise.assumption()
        notes += [] if assumed is None else [assumed]
        if self.log_evidence is not None:
            log, error = self.log_evidence
            notes.append(f"ln Z = {log:.3f} +- {error:.2g} (scatter of populations).")
        return notes

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        table = _html.Table(HEADINGS, self.lines())
        return "\n".join([*table.text(), *self.notes()])

    def plot(self) -> Any:
        """Plot each constant and each pair; a `matplotlib.figure.Figure`."""
        from ...figures.posterior import figure_corner

        return figure_corner(self)

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        return _html.Card(
            f"Posterior of {self.study.law_name}",
            self.status,
            self.status == CONVERGED,
            [_html.Table(HEADINGS, self.lines())],
            self.notes(),
        )

    # -- files -----------------------------------------------------------------------

    def to_xarray(self) -> "xr.DataTree":
        """All results, in the groups that ArviZ knows.

        posterior, sample_stats, posterior_predictive, log_likelihood, observed_data and
        constant_data; the last three over times, `log_likelihood` and
        `posterior_predictive` for at most a thousand draws.
        """
        import xarray as xr

        from .groups import groups

        tree = xr.DataTree.from_dict(groups(self))
        tree.attrs = to_plain(
            {
                "law": self.study.law_name,
                "sampler": self.sampler,
                "status": self.status,
                "message": self.message,
                "seed": list(self.seed),
                "method": type(self.study.method).__name__,
                "substeps": int(np.asarray(self.study.substeps)),
                **provenance(),
            }
        )
        return tree

    def save(self, path: str | Path) -> Path:
        """Write `to_xarray` as a Zarr folder (version 3).

        Args:
            path: the folder, which must not exist.

        Raises:
            OutputError: (a ValueError) it exists, or cannot be written.
        """
        return save(self.to_xarray(), path)


def rounded(value: float, sd: float) -> str:
    """A value with the digits that its scatter leaves, three of them uncertain."""
    if not (np.isfinite(sd) and sd > 0):
        return f"{value:.6g}"
    return _html.with_error(float(value), float(sd), 3)
