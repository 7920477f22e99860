"""A posterior as a table and as a summary."""

from typing import Any

from rich.table import Table

from ..inference.posterior.answer import HEADINGS


def posterior_table(found: Any) -> Table:
    """The table of a posterior, with a row for each constant.

    Args:
        found: what `jqd.posterior` returned.
    """
    table = Table(
        title=f"Posterior of {found.study.law_name}",
        title_justify="left", show_edge=False, pad_edge=False,
    )  # fmt: skip
    table.add_column(
        HEADINGS[0], style="bold", no_wrap=True, min_width=max(map(len, found.labels))
    )
    for heading in HEADINGS[1:]:
        table.add_column(heading, justify="right", overflow="fold")
    for line in found.lines():
        table.add_row(*line)
    return table


def posterior_summary(found: Any) -> dict[str, Any]:
    """A posterior in the few numbers that `--json` prints.

    It gives no sd and no interval for a law that does not describe the data.

    Args:
        found: what `jqd.posterior` returned.
    """
    misfits = found.misfits
    ends, rhat, log = found.quantiles((0.025, 0.975)), found.rhat, found.log_evidence
    chains, draws = found.chains.log_posterior.shape
    return {
        "sampler": found.sampler,
        "status": found.status,
        "message": found.message,
        "constants": {
            label: {
                "mean": found.mean[label],
                "sd": None if misfits else found.sd[label],
                "low": None if misfits else ends[label][0],
                "high": None if misfits else ends[label][1],
                "rhat": None if rhat is None else rhat[label],
                "ess": found.ess[label],
            }
            for label in found.labels
        },
        "chains": chains,
        "draws": draws,
        "divergences": found.divergences,
        "share_failed": found.share_failed,
        "p_value": found.p_value,
        "log_evidence": None if log is None else log[0],
        "log_evidence_error": None if log is None else log[1],
    }
