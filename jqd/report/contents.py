"""What a report says of results: a verdict and sections, kind by kind.

No sentence claims more than the summary stores.
"""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .cells import Block, Section, cell, erring, listing, number
from .results import SUMMARY, Results
from .sweep_words import axes_of, outputs_of

GOOD = ("ok", "converged", "stored")
NOTHING = "Nothing of this kind is stored with these results."
_Summary = Mapping[str, Any]


class Contents(NamedTuple):
    """What a report says.

    Attributes:
        title: what was done, and of what.
        status: as stored, or "not stored".
        good: whether that is a success.
        verdict: one sentence or two, no more than the status says.
        sections: what was asked, constants or numbers, trust, what is not told.
        provenance: where it comes from.
        again: commands that do it again, or read it.
    """

    title: str
    status: str
    good: bool
    verdict: str
    sections: tuple[Section, ...]
    provenance: Block
    again: tuple[str, ...]


class _Told(NamedTuple):
    """What a kind of results says of itself."""

    title: str
    verdict: str
    numbers: Section
    trust: Section
    untold: Section


def contents(results: Results) -> Contents:
    """What a report says of results.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: results that are not as jqd
            writes them.
    """
    summary = results.summary
    told = _KINDS[results.kind](results)
    origin = dict(summary["provenance"])
    command = origin.pop("command", None)
    asked = {"command": command} if command else {}
    settings = summary.get("settings")
    if isinstance(settings, Mapping):
        asked |= settings
    sentences = () if asked else ("The command and its settings are not stored.",)
    tables = (listing("Command and settings", asked),) if asked else ()
    status = str(summary.get("status", "not stored"))
    return Contents(
        told.title,
        status,
        status in GOOD,
        told.verdict,
        (
            Section("What was asked", sentences, tables),
            told.numbers,
            told.trust,
            told.untold,
        ),
        listing("Versions, device, date", origin),
        tuple(_again(results, command)),
    )


def _again(results: Results, command: str | None) -> list[str]:
    place = shlex.quote(results.place)
    lines = [command] if command else []
    if results.kind == "sweep":
        return [*lines, f"jqd sweep status {place}", f"jqd report {place}"]
    if results.kind == "design" and results.summary.get("simulate"):
        lines.append(str(results.summary["simulate"]))
    return [*lines, f"jqd report {place}"]


def _ended(what: str, status: str) -> str:
    return f"{what} ended with the status “{status}”."


# -- fits ----------------------------------------------------------------------------


def _recovery(results: Results) -> _Told:
    summary = results.summary
    law, status = summary["law"], summary["status"]
    fits = _fits(summary)
    verdict = _ended(f"The fit of {law}", status)
    if status == "converged":
        verdict = f"The fit of {law} converged."
    if "errors_hold" in summary:
        hold = "are" if summary["errors_hold"] else "are not"
        verdict += f" Its standard errors {hold} to be trusted."
    numbers = [_constants(name, part, summary) for name, part in fits.items()]
    trust = [_trust(name, part) for name, part in fits.items()]
    said = [part["message"] for part in fits.values() if part.get("message")]
    if all(part.get("chi2_per_dof") is None for part in fits.values()):
        said.append(
            "No chi-square is stored: it does not test whether the law describes the "
            "record."
        )
    if drawn := summary.get("posterior"):
        numbers.append(_posterior(drawn))
        rows = {k: drawn[k] for k in _DRAWN if k in drawn}
        trust.append(listing("Draws from the posterior", rows))
        said.append(drawn["message"])
    return _Told(
        f"Constants of {law}",
        verdict,
        Section("Constants", (), numbers),
        Section("Trust", said, trust),
        _null_directions(summary),
    )


def _fits(summary: _Summary) -> dict[str, _Summary]:
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


def _constants(name: str, part: _Summary, summary: _Summary) -> Block:
    bias, sigmas = summary.get("step_bias", {}), summary.get("deviation_sigmas", {})
    headings = ["constant", "recovered", "standard error", "known value"]
    if bias:
        headings += ["step bias", "deviation in standard errors"]
    rows = []
    for label, one in part["constants"].items():
        row = [
            (label,),
            erring(one["value"], one["stderr"]),
            number(one["stderr"], 2, "not finite"),
            number(one.get("reference"), 6),
        ]
        if bias:
            row += [number(bias.get(label), 2), number(sigmas.get(label), 3)]
        rows.append(row)
    what = "Known is the value in quantum mechanics, or that of the computed record"
    return Block(f"{what}: {name}" if name else what, headings, rows)


_TRUST = {
    "agreeing_starts": "share of starts that reached the best fit",
    "held_out": "held-out distance",
    "chi2_per_dof": "chi-square per degree of freedom",
    "p_value": "probability of a chi-square as large",
    "runs_p_value": "probability of so few runs of residuals of one sign",
    "pulled": "nuisances pulled far from their priors",
    "at_edge": "a constant is at the edge of what it may be",
    "singular_values": "singular values of the scaled Jacobian",
}
_DRAWN = (
    "sampler", "status", "chains", "draws", "divergences", "share_failed", "p_value",
    "log_evidence",
)  # fmt: skip


def _trust(name: str, part: _Summary) -> Block:
    rows = [((label,), cell(part[k], 4)) for k, label in _TRUST.items() if k in part]
    return Block(f"The fit: {name}" if name else "The fit", ("test", "result"), rows)


def _posterior(drawn: _Summary) -> Block:
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


def _null_directions(summary: _Summary) -> Section:
    title = "What the data cannot tell"
    if "null_directions" not in summary:
        return Section(title, (NOTHING,))
    directions, labels = summary["null_directions"], list(summary["constants"])
    if not directions:
        return Section(
            title,
            ("The fit found no combination of these constants that the data leave "
             "open; what was not free it did not ask.",),
        )  # fmt: skip
    rows = [[number(x, 3) for x in direction] for direction in directions]
    caption = "Along these unit vectors the constants may move and the data stay"
    return _of_block(title, Block(caption, labels, rows))


def _of_block(title: str, block: Block) -> Section:
    return Section(title, (), (block,))


# -- other kinds ---------------------------------------------------------------------


def _sample(results: Results) -> _Told:
    summary = results.summary
    status, number_of = summary["status"], summary["trajectories"]
    verdict = _ended(f"The sample of {number_of} trajectories", status)
    if status == "ok":
        verdict = (
            f"All {number_of} trajectories reached the last time with all their "
            "classes."
        )
    means = zip(
        summary["final_density"], summary["final_stderr"], summary["final_law"],
        strict=True,
    )  # fmt: skip
    rows = [
        [(f"class {i}",), erring(mean, error), number(error, 2), number(law, 6)]
        for i, (mean, error, law) in enumerate(means)
    ]
    headings = ("class", "mean density", "standard error", "mean-field law")
    trust = {k: v for k, v in summary.items() if k not in _OF_SAMPLE}
    return _Told(
        "Sampled ensembles of copies",
        verdict,
        Section("Numbers", (), [Block("At the last time", headings, rows)]),
        Section("Trust", (), [listing("The sample", trust)]),
        Section("What the data cannot tell", (NOTHING,)),
    )


_ERRORS, _NEED = (
    ("known", "stderr", "alone", "limit"), ("step", "sigmas", "shots", "limit"),
)  # fmt: skip
_OF_SAMPLE = (
    "final_density", "final_stderr", "final_law", "settings", "provenance", "status",
)  # fmt: skip


def _design(results: Results) -> _Told:
    summary = results.summary
    law, status = summary["law"], summary["status"]
    verdict = _ended(f"The design for {law}", status)
    if status == "ok":
        verdict = (
            f"For {law}, no other shares of shots on these settings are better by more "
            "than the gap."
        )
    errors = Block(
        "Standard errors that the experiment will leave",
        ("constant", "with nuisances known", "with priors", "without priors",
         "with any number of shots"),
        [
            [(name,), *(number(one[k], 4, "not finite") for k in _ERRORS)]
            for name, one in summary["constants"].items()
        ],
    )  # fmt: skip
    looks = Block(
        "When to look, and how often",
        ("time", "share", "shots"),
        [
            [number(one["t"], 6), number(one["share"]), number(one["shots"])]
            for one in summary["settings"]
        ],
    )
    steps = Block(
        "Shots that a step of a constant takes",
        ("constant", "step", "standard errors", "shots", "error that always remains"),
        [
            [(one["constant"],),
             *(number(one[k], 4, "not finite") for k in _NEED)]
            for one in summary["steps"]
        ],
    )  # fmt: skip
    gap = {k: summary[k] for k in ("criterion", "value", "gap", "shots")}
    at = listing("Constants at which errors are told", summary["at"])
    null = summary["null_vectors"]
    untold = Section(
        "What the data cannot tell",
        ("Without priors the record leaves no combination of the constants open.",),
    )
    if null:
        caption = "Along these unit vectors the record tells nothing without priors"
        rows = [[number(x, 3) for x in one.values()] for one in null]
        untold = _of_block(untold.title, Block(caption, list(null[0]), rows))
    return _Told(
        f"Design of an experiment on {law}",
        verdict,
        Section("Constants", (), [looks, errors, *([steps] if steps.rows else [])]),
        Section("Trust", (), [listing("The optimum", gap), at]),
        untold,
    )


def _comparison(results: Results) -> _Told:
    summary = results.summary
    fits = Block(
        "Fits, and rows left out; differences are to the first law",
        ("law", "status", "constants fitted", "ln L", "chi-square",
         "degrees of freedom", "p", "ELPD difference", "its error"),
        [
            [
                (one["name"],), (one["status"],), number(one["parameters"]),
                number(one["log_likelihood"], 9), number(one["chi2"], 5),
                number(one["dof"]), number(one["p_value"], 3),
                erring(one["elpd_difference"], one["elpd_error"]),
                number(one["elpd_error"], 2),
            ]
            for one in summary["laws"]
        ],
    )  # fmt: skip
    scales = summary["scales"]
    bayes = Block(
        "ln B against the first law, with priors this many times as wide",
        ("law", *(f"{scale:.3g}" for scale in scales)),
        [
            [(one["name"],), *(number(x, 3) for x in one["log_bayes"])]
            for one in summary["laws"]
        ],
    )
    rows = [
        [(one["name"],), (label,), erring(value, one["stderr"].get(label)),
         number(one["stderr"].get(label), 2)]
        for one in summary["laws"]
        for label, value in one["constants"].items()
    ]  # fmt: skip
    headings = ("law", "constant", "fitted", "standard error")
    constants = Block("At the best fit of each law", headings, rows)
    folds = {one["name"]: one["failed_folds"] for one in summary["laws"]}
    left = Block(
        f"Of {summary['folds']} parts left out, those in which a fit failed",
        ("law", "failed"),
        [[(name,), number(failed)] for name, failed in folds.items()],
    )
    return _Told(
        "Laws beside one record",
        summary["verdict"],
        Section("Constants", (), [constants] if rows else []),
        Section("Trust", (), [fits, bayes, left]),
        Section("What the data cannot tell", (NOTHING,)),
    )


def _cards(results: Results) -> _Told:
    cards = results.summary["laws"]
    blocks, sentences = [], []
    for name, card in cards.items():
        rows = card["rows"].values()
        counted: dict[str, int] = {}
        for row in rows:
            counted[row["verdict"]] = counted.get(row["verdict"], 0) + 1
        counts = ", ".join(f"{verdict} {n}" for verdict, n in counted.items())
        sentences.append(f"{name}: {counts}.")
        blocks.append(
            Block(
                f"{name}, followed to t = {card['time']:g} in {card['steps']} steps",
                ("property", "verdict", "figure", "floor", "note"),
                [
                    [(row["name"],), (row["verdict"],), number(row["figure"], 3),
                     number(row["floor"], 2), (row["note"],)]
                    for row in rows
                ],
            )
        )  # fmt: skip
    return _Told(
        "Report card of a law" if len(cards) == 1 else "Report cards of laws",
        "Properties by verdict. " + " ".join(sentences),
        Section("Properties", (), blocks),
        Section(
            "Trust",
            ("A floor is what steps and rounding alone make of a figure: up to 10 "
             "floors a property holds, beyond 100 it fails, between nothing is "
             "decided.",),
        ),
        Section("What the data cannot tell", (NOTHING,)),
    )  # fmt: skip


def _experiment(results: Results) -> _Told:
    summary, place = results.summary, Path(results.place)
    place = place.parent if place.name == SUMMARY else place
    status = summary.get("status")
    verdict = "The experiment ended; it stores no status."
    if status is not None:
        verdict = _ended("The experiment", str(status))
    own = {k: v for k, v in summary.items() if k not in ("provenance", "status")}
    return _Told(
        f"Experiment {place.name or place.resolve().name}",
        verdict,
        Section("Numbers", (), [listing("What it found", own)]),
        Section("Trust", ("What these numbers decide is said in the file that was run, "
                          "as its claim.",)),
        Section("What the data cannot tell", (NOTHING,)),
    )  # fmt: skip


def _sweep(results: Results) -> _Told:
    summary = results.summary
    points, counts = summary["points"], summary["counts"]
    sound = counts.get("ok", 0)
    verdict = f"Of {points} points, {sound} are computed and sound."
    if sound == points:
        verdict = f"All {points} points are computed and sound."
    keys = ("values", "lowest", "highest")
    axes = [
        [(name,), *(number(one[k], 6) for k in keys), (one["unit"],)]
        for name, one in axes_of(results.dataset).items()
    ]
    outputs = [
        [(name,), (one["shape"],), *(number(one[k], 6) for k in keys[1:]),
         (one["unit"],)]
        for name, one in outputs_of(results.dataset).items()
    ]  # fmt: skip
    ends = ("lowest", "highest", "unit")
    blocks = [
        Block("Axes", ("axis", "values", *ends), axes),
        Block("Results over sound points", ("result", "shape", *ends), outputs),
    ]
    counted = [((name,), number(n)) for name, n in counts.items()]
    ended = Block("How points ended", ("status", "points"), counted)
    return _Told(
        f"Sweep of {summary['function']}",
        verdict,
        Section("Numbers", (), blocks),
        Section("Trust", (), [ended]),
        Section("What the data cannot tell", (NOTHING,)),
    )


_KINDS: Mapping[str, Callable[[Results], _Told]] = {
    "recovery": _recovery,
    "sample": _sample,
    "design": _design,
    "comparison": _comparison,
    "cards": _cards,
    "experiment": _experiment,
    "sweep": _sweep,
}
