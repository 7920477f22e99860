"""Draws from the posterior beside a fit, for the commands that recover constants."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from rich.console import RenderableType

from .. import report
from ..inference import Recovery, posterior
from ..inference.posterior.chains import blackjax
from ..inference.posterior.posterior import SAMPLERS
from .options import Sampling, check_word, only_with, typed
from .session import Session

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHAINS = 4
FILE = "posterior.zarr"


class Drawn(NamedTuple):
    """What the command prints of a posterior.

    Attributes:
        status: in words.
        summary: what `--json` prints.
        printed: table and sentences.
        figures: draws the figures, by name.
    """

    status: str
    summary: dict[str, Any]
    printed: list[RenderableType]
    figures: "Callable[[], dict[str, Figure]]"


def check_sampling(sampling: Sampling, data: Any) -> None:
    """Raise ValueError for an unknown sampler, or a record that has no posterior."""
    check_sampler(sampling)
    check_installed(sampling)
    if sampling.posterior and not data.noise.known:
        raise ValueError(
            "Argument `--posterior` must not be given without errors of the data, but "
            "is: give counts, or the standard error of the values."
        )


def check_sampler(sampling: Sampling) -> None:
    """Raise ValueError for an unknown sampler, or one that draws nothing."""
    check_word("sampler", sampling.sampler, SAMPLERS)
    for option in ("--sampler", "--draws"):
        there = sampling.posterior
        only_with(option, "--posterior", given=typed(option), there=there)


def check_installed(sampling: Sampling) -> None:
    """Raise ValueError where a sampler needs what is not installed, before a fit."""
    if sampling.posterior and sampling.sampler != "laplace":
        try:
            blackjax()
        except ImportError as error:
            raise ValueError(f"Argument `--posterior`: {error}") from None


def refuse_posterior(sampling: Sampling, option: str) -> None:
    """Raise ValueError for `--posterior` beside an option whose answer has none."""
    check_sampler(sampling)
    if sampling.posterior:
        raise ValueError(
            f"Argument `--posterior` must not be given with `{option}`, but is: it "
            "makes no fit."
        )


def draw_posterior(
    session: Session, recovery: Recovery, sampling: Sampling, seed: int
) -> Drawn:
    """Draw from the posterior about a fit, and write the draws."""
    study, box, notes = recovery.study, None, []
    if sampling.sampler == "smc":
        low, high = (np.asarray(end)[: study.wanted] for end in study.bounds())
        ends = np.stack([low, high], axis=1).tolist()
        box = dict(zip(study.labels(), ends, strict=False))
        notes = ["Priors of free constants: uniform over the span of the starts."]
    found = posterior(
        study, sampling.sampler, theta=recovery.theta, box=box, chains=CHAINS,
        draws=sampling.draws, key=jax.random.key(seed), report=session.advance,
    )  # fmt: skip
    found.save(session.folder / FILE)
    return Drawn(
        found.status,
        report.posterior_summary(found),
        [report.posterior_table(found), *found.notes(), *notes],
        lambda: {
            "trace": report.figure_trace(found),
            "corner": report.figure_corner(found),
        },
    )
