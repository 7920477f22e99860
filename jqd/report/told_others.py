"""Verdict, numbers and trust of results other than fits."""

from pathlib import Path

from .cells import (
    UNTOLD,
    Block,
    Section,
    Told,
    ended,
    erring,
    listing,
    number,
    of_block,
)
from .results import SUMMARY, Results
from .sweep_words import axes_of, outputs_of


def sample(results: Results) -> Told:
    """The report of results of `jqd sample`."""
    summary = results.summary
    status, number_of = summary["status"], summary["trajectories"]
    verdict = ended(f"The sample of {number_of} trajectories", status)
    if status == "ok":
        verdict = (
            f"All {number_of} trajectories reached the last time with all their "
            "classes."
        )
    means = zip(
        *(
            summary[f"final_{name}"]
            for name in ("density", "stderr", "law", "law_error")
        ),
        strict=True,
    )
    rows = [
        [
            (f"class {i}",), erring(mean, error), number(error, 2), number(law, 6),
            number(off, 2),
        ]
        for i, (mean, error, law, off) in enumerate(means)
    ]  # fmt: skip
    headings = (
        "class",
        "mean density",
        "standard error",
        "mean-field law",
        "its error",
    )
    trust = {k: v for k, v in summary.items() if k not in _OF_SAMPLE}
    return Told(
        "Sampled ensembles of copies",
        verdict,
        Section("Numbers", (), [Block("At the last time", headings, rows)]),
        Section("Trust", (), [listing("The sample", trust)]),
    )


_ERRORS, _NEED = (
    ("known", "stderr", "alone", "limit"), ("step", "sigmas", "shots", "limit"),
)  # fmt: skip
_OF_SAMPLE = (
    "final_density", "final_stderr", "final_law", "final_law_error", "settings",
    "provenance", "status",
)  # fmt: skip


def design(results: Results) -> Told:
    """The report of results of `jqd design`."""
    summary = results.summary
    law, status = summary["law"], summary["status"]
    verdict = ended(f"The design for {law}", status)
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
        "When to measure, and how often",
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
    at = listing("Constants at which errors are given", summary["at"])
    null = summary["null_vectors"]
    untold = Section(
        UNTOLD,
        ("Without priors the record leaves no combination of the constants open.",),
    )
    if null:
        caption = "Along these unit vectors the data constrain nothing without priors"
        rows = [[number(x, 3) for x in one.values()] for one in null]
        untold = of_block(untold.title, Block(caption, list(null[0]), rows))
    return Told(
        f"Design of an experiment on {law}",
        verdict,
        Section("Constants", (), [looks, errors, *([steps] if steps.rows else [])]),
        Section("Trust", (), [listing("The optimum", gap), at]),
        untold,
    )


def comparison(results: Results) -> Told:
    """The report of results of `jqd compare`."""
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
    rows = []
    for one in summary["laws"]:
        inwards = one.get("inwards", {})
        for label, value in one["constants"].items():
            error = one["stderr"].get(label, inwards.get(label))
            way = (" inwards",) if label in inwards else ()
            told = (*number(error, 2), *way)
            rows.append([(one["name"],), (label,), erring(value, error), told])
    headings = ("law", "constant", "fitted", "standard error")
    constants = Block("At the best fit of each law", headings, rows)
    folds = {one["name"]: one["failed_folds"] for one in summary["laws"]}
    left = Block(
        f"Of {summary['folds']} parts left out, those in which a fit failed",
        ("law", "failed"),
        [[(name,), number(failed)] for name, failed in folds.items()],
    )
    none = [[(name,), (why,)] for name, why in summary.get("left_out", {}).items()]
    apart = [Block("Laws left out", ("law", "reason"), none)] if none else []
    return Told(
        "Laws beside one record",
        summary["verdict"],
        Section("Constants", (), [constants] if rows else []),
        Section("Trust", (), [fits, *apart, bayes, left]),
    )


def cards(results: Results) -> Told:
    """The report of results of `jqd vet`."""
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
    return Told(
        "Report card of a law" if len(cards) == 1 else "Report cards of laws",
        "Properties by verdict. " + " ".join(sentences),
        Section("Properties", (), blocks),
        Section(
            "Trust",
            ("A floor is the part of a figure that steps and rounding alone cause: up "
             "to 10 floors a property holds, beyond 100 it fails, and between them "
             "nothing is decided.",),
        ),
    )  # fmt: skip


def linearity(results: Results) -> Told:
    """The report of results of `jqd linear`."""
    summary = results.summary
    ranks = Block(
        "The first table by rank",
        ("rank", "chi-square", "degrees of freedom", "z", "p"),
        [
            [number(one["rank"]), number(one["chi2"], 6), number(one["dof"]),
             number(one["z"], 3), number(one["p_value"], 2)]
            for one in summary["ranks"]
        ],
    )  # fmt: skip
    unit = f", {summary['unit']}" if summary["unit"] else ""
    blocks = [
        Block(
            caption,
            (f"wait{unit}", "runs", "chi-square per degree of freedom", "z",
             "rise per degree of freedom", "p"),
            [
                [number(one["wait"]), number(one["runs"]), number(one["per_dof"], 5),
                 number(one["z"], 3), number(one["excess"], 4),
                 number(one["p_value"], 2)]
                for one in summary[name]
            ],
        )
        for name, caption in (
            ("joint", "Tables of two waits side by side"),
            ("controls", "Tables of one wait, of all runs, side by side"),
        )
        if summary[name]
    ]  # fmt: skip
    return Told(
        "Linearity of a motion, from tables of counts",
        summary["sentence"],
        Section("Tests", (), [ranks, *blocks]),
        Section("Trust", (summary["message"],)),
        Section(
            UNTOLD,
            ("A change of the preparations from one table to the other does what a "
             "nonlinearity does; runs at equal wait show those that differ from run to "
             "run, and none that all runs of a wait share.",),
        ),
    )  # fmt: skip


def experiment(results: Results) -> Told:
    """The report of results of `jqd run`."""
    summary, place = results.summary, Path(results.place)
    place = place.parent if place.name == SUMMARY else place
    status = summary.get("status")
    verdict = "The experiment ended; it stores no status."
    if status is not None:
        verdict = ended("The experiment", str(status))
    own = {k: v for k, v in summary.items() if k not in ("provenance", "status")}
    return Told(
        f"Experiment {place.name or place.resolve().name}",
        verdict,
        Section("Numbers", (), [listing("What it found", own)]),
        Section("Trust", ("The file that was run says, as its claim, what these "
                          "numbers decide.",)),
    )  # fmt: skip


def sweep(results: Results) -> Told:
    """The report of the store of a sweep."""
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
    return Told(
        f"Sweep of {summary['function']}",
        verdict,
        Section("Numbers", (), blocks),
        Section("Trust", (), [ended]),
    )
