"""Verdict, numbers and trust of a fit or several."""

from collections.abc import Mapping

from ..inference.goodness import MISFIT
from .cells import (
    NOTHING,
    UNTOLD,
    Block,
    Cell,
    Section,
    Summary,
    Told,
    cell,
    ended,
    erring,
    listing,
    number,
    of_block,
)
from .results import Results


def recovery(results: Results) -> Told:
    """The report of results of `jqd recover`."""
    summary = results.summary
    law, status = summary["law"], summary["status"]
    fits = _fits(summary)
    verdict = ended(f"The fit of {law}", status)
    if status == "converged":
        verdict = f"The fit of {law} converged."
    if "errors_hold" in summary:
        # no test shows that they hold
        verdict += (
            " Nothing that was tested speaks against its standard errors."
            if summary["errors_hold"]
            else " Its standard errors are not to be trusted."
        )
    numbers = [_constants(name, part, summary) for name, part in fits.items()]
    trust = [_trust(name, part) for name, part in fits.items()]
    said = [part["message"] for part in fits.values() if part.get("message")]
    limits = [one["said"] for part in fits.values() for one in part.get("answers", ())]
    if all(part.get("chi2_per_dof") is None for part in fits.values()):
        said.append(
            "No chi-square is stored: it does not test whether the law describes the "
            "record."
        )
    if drawn := summary.get("posterior"):
        numbers.append(_posterior(drawn))
        rows = {k: drawn[k] for k in _DRAWN if k in drawn}
        trust.append(listing("How they were drawn", rows))
        said.append(drawn["message"])
    return Told(
        f"Constants of {law}",
        verdict,
        Section("Constants", limits, numbers),
        Section("Trust", said, trust),
        _null_directions(summary),
    )


def _fits(summary: Summary) -> dict[str, Summary]:
    """The fit of a summary, or its fits by name."""
    if "constants" in summary:
        return {"": summary}
    found = {
        name: part
        for name, part in summary.items()
        if isinstance(part, Mapping) and "constants" in part
    }
    if not found:
        raise KeyError("constants")
    return found


def _constants(name: str, part: Summary, summary: Summary) -> Block:
    bias, sigmas = summary.get("step_bias", {}), summary.get("deviation_sigmas", {})
    # no error and no deviation for a fit that the data reject
    status = part.get("status")
    holds = summary.get("errors_hold", status != "not converged") and status != MISFIT
    sigmas = sigmas if holds else {}
    headings = [
        "constant", "recovered" if holds else "best fit", "standard error",
        "known value",
    ]  # fmt: skip
    if bias:
        headings += ["step bias", "deviation in standard errors"]
    rows = []
    for label, one in part["constants"].items():
        row = [
            (label,),
            erring(one["value"], one["stderr"]) if holds else number(one["value"], 3),
            _error(one) if holds else ("none holds",),
            number(one.get("reference"), 6),
        ]
        if bias:
            row += [number(bias.get(label), 2), number(sigmas.get(label), 3)]
        rows.append(row)
    what = "Known is the value in quantum mechanics, or that of the computed record"
    return Block(f"{what}: {name}" if name else what, headings, rows)


def _error(one: Summary) -> Cell:
    """The standard error of a constant, and where it leads from a bound."""
    shown = number(one["stderr"], 2, "not finite")
    bound = one.get("at_bound")
    return (*shown, f" inwards from its {bound} bound") if bound else shown


_TRUST = {
    "agreeing_starts": "share of starts that reached the best fit",
    "held_out": "held-out distance",
    "chi2_per_dof": "chi-square per degree of freedom",
    "p_value": "probability of a chi-square as large",
    "runs_p_value": "probability of so few runs of residuals of one sign",
    "pulled": "nuisances pulled far from their priors",
    "at_edge": "a constant is at the edge of its range",
    "singular_values": "singular values of the scaled Jacobian",
}
_DRAWN = (
    "sampler", "status", "chains", "draws", "divergences", "share_failed", "p_value",
    "log_evidence",
)  # fmt: skip


def _trust(name: str, part: Summary) -> Block:
    rows = [((label,), cell(part[k], 4)) for k, label in _TRUST.items() if k in part]
    return Block(f"The fit: {name}" if name else "The fit", ("test", "result"), rows)


def _posterior(drawn: Summary) -> Block:
    keys = ("mean", "sd", "low", "high", "rhat", "ess")
    headings = ("constant", "mean", "sd", "2.5 %", "97.5 %", "R-hat", "ESS")
    rows = [
        [
            (label,),
            *(erring(one[k], one["sd"]) if k in ("mean", "low", "high")
              else number(one[k], 4) for k in keys),
        ]
        for label, one in drawn["constants"].items()
    ]  # fmt: skip
    return Block("Draws from the posterior", headings, rows)


def _null_directions(summary: Summary) -> Section:
    title = UNTOLD
    if "null_directions" not in summary:
        return Section(title, (NOTHING,))
    directions, labels = summary["null_directions"], list(summary["constants"])
    if not directions:
        return Section(
            title,
            ("The fit found no combination of these constants that the data leave "
             "open; constants that were not free were not tested.",),
        )  # fmt: skip
    rows = [[number(x, 3) for x in direction] for direction in directions]
    caption = "Along these unit vectors the constants may move and the data stay"
    return of_block(title, Block(caption, labels, rows))
