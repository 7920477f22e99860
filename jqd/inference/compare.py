"""`compare`: several laws and the same data, each law judged by its predictions."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from ..records.scan import settings_of_rows
from ..status import Status
from .comparison import (
    AS_GIVEN,
    SETTLED,
    Candidate,
    Comparison,
    Drawn,
    Folds,
)
from .evidence import SCALES, Evidence, by_populations, evidence, uniform_box
from .identifiability import Unidentifiable, analyse
from .joint import Joint
from .polish import Polish, polish_one
from .posterior import posterior
from .posterior.chains import blackjax
from .posterior.left_out import LeftOut
from .posterior.posterior import SAMPLERS
from .recover import recover
from .sensitivity import independent_rows
from .solution import chi_square
from .steps import refined
from .study import ON_WALL, Study

# Parts in which rows are left out by default, or as many as there are rows.
FOLDS = 10


class Drawing(NamedTuple):
    """How constants are drawn from posteriors."""

    sampler: str
    draws: int
    key: Array | None


def compare(
    studies: Mapping[str, Study],
    *,
    folds: int | None = None,
    widths: Mapping[str, ArrayLike] | None = None,
    scales: Sequence[float] = SCALES,
    starts: int = 8,
    sampler: str | None = None,
    draws: int = 1000,
    key: Array | None = None,
    report: Any = None,
) -> Comparison:
    """Compare laws by their predictions of the same data.

    Each law is fitted. Its evidence is Laplace's, see `evidence`. Rows are left out in
    `folds` parts, every `folds`-th row together, and predicted with constants fitted to
    the rest (ELPD); a like number of last rows is predicted from those before. A law
    that fails at its best fit has the likelihood 0 and stays in the table. Steps are
    halved until ln L no longer changes.

    Args:
        studies: by name, of the same data, with known errors; `free=()` for a law as it
            stands. The others are compared with the first.
        folds: number of parts, from 2 to the number of rows; None for 10, or as many
            as there are rows where these are fewer.
        widths: widths of the uniform priors of free constants, by name, see `evidence`;
            each study takes those that it has.
        scales: factors of these widths.
        starts: initial guesses of each fit, the first of them the law as it stands.
        sampler: also draw the constants of each law from their posterior, see
            `posterior`: "nuts", "smc" (which finds ln Z as well) or "laplace".
        draws: number of draws in each of four chains.
        key: random key of these draws; None for `jax.random.key(0)`.
        report: called as report(stage, done, total).

    Returns:
        The comparison.

    Raises:
        ValueError: no studies, several studies as one, different data or errors, data
            without errors or with correlated rows, bad folds, another sampler.
        ImportError: blackjax is missing, for draws.
    """
    _checks.require_x64("jqd.compare")
    parts = _check(studies, folds)
    if sampler is not None:
        _checks.check_choice(sampler, "sampler", SAMPLERS)
        blackjax()  # weights of rows left out are its, whatever the sampler
    drawing = None if sampler is None else Drawing(sampler, draws, key)
    known = [name for s in studies.values() for name in (*s.free, *s.labels())]
    for name in widths or {}:
        _checks.check_choice(name, "widths", tuple(dict.fromkeys(known)))
    report = report or (lambda stage, done, total: None)
    rows = []
    for done, (name, study) in enumerate(studies.items()):
        report("compare", done, len(studies))
        row = _candidate(name, study, parts, widths or {}, scales, starts, drawing)
        rows.append(row)
    report("compare", len(studies), len(studies))
    assumed = next(iter(studies.values())).data.noise.assumption()
    return Comparison(tuple(rows), tuple(float(x) for x in scales), parts, assumed)


def _check(studies: Mapping[str, Study], folds: Any) -> int:
    """In how many parts rows are left out, for studies of one record that allow it."""
    _checks.check_names(studies, "studies")
    if not studies:
        raise ValueError("Argument `studies` must hold a study, but is empty.")
    for name, study in studies.items():
        if isinstance(study, Joint | list | tuple | Mapping):
            raise ValueError(
                "Argument `studies` must hold one study for each law, but "
                f"{name!r} is of several, which `jqd.recover` fits together; compare "
                "the laws on each record by itself."
            )
        if not isinstance(study, Study):
            raise ValueError(
                f"Argument `studies` must hold studies, but {name!r} is a "
                f"{type(study).__name__}."
            )
    own = next(iter(studies.values())).data
    for name, study in studies.items():
        other = study.data
        # errors too: likelihoods leave out what depends on them alone
        same = eqx.tree_equal(
            (own.ts, own.values, own.noise, settings_of_rows(own)),
            (other.ts, other.values, other.noise, settings_of_rows(other)),
        )
        if not bool(same):
            raise ValueError(
                "Argument `studies` must all be of one record with its errors, but "
                f"that of {name!r} is another."
            )
        independent_rows(study, "studies")
    rows = own.ts.shape[0]
    if rows < 2:
        raise ValueError(
            "Argument `studies` must have a record of at least 2 rows, which are left "
            f"out in turns, but it has {rows}."
        )
    parts = (
        min(FOLDS, rows) if folds is None else _checks.whole_number(folds, "folds", 2)
    )
    if parts > rows:
        raise ValueError(
            f"Argument `folds` must be at most the number of rows, {rows}, but is "
            f"{parts}."
        )
    return parts


def _candidate(
    name: str,
    study: Study,
    folds: int,
    widths: Mapping[str, ArrayLike],
    scales: Sequence[float],
    starts: int,
    drawing: Drawing | None,
) -> Candidate:
    stderr: dict[str, float] = {}
    inwards: dict[str, float] = {}
    status = AS_GIVEN
    if study.names:
        try:
            # {}: the first start is the law as it was given
            found = recover(study, start={}, starts=starts, held_out=0.0)
        except Unidentifiable as refusal:
            return _nothing(name, study, str(refusal), folds, settled=False)
        study, theta, status = found.study, jnp.asarray(found.theta), found.status
        if found.errors_hold:
            # at a bound it is one-sided, and stands beside no +-
            for label, one in found.constants.items():
                (inwards if one.at_bound else stderr)[label] = one.stderr
    else:
        theta = study.theta()
    coarse = study
    study = refined(study, theta)
    log = float(study.log_likelihood(theta))
    ended = Status(int(study.status(theta)))
    if not math.isfinite(log):
        why = "an outcome that it excludes was seen" if ended == Status.OK else (
            ended.sentence
        )  # fmt: skip
        return _nothing(name, study, f"no prediction: {why}", folds, settled=True)
    chi2, dof, p, worst = _goodness(study, theta, jnp.ones_like(study.data.ts))
    own = {key: x for key, x in widths.items() if key in (*study.free, *study.labels())}
    try:
        proof = evidence(study, theta, widths=own, scales=scales)
    except Unidentifiable as refusal:
        return _nothing(name, study, str(refusal), folds, settled=False)
    left_out = _left_out(study, theta, folds)
    outcomes = study.data.noise.outcomes(study.data.values)
    return Candidate(
        name=name,
        status=status,
        settled=status in SETTLED and not left_out.failed,
        constants=dict(zip(study.labels(), np.asarray(theta).tolist(), strict=True)),
        stderr=stderr,
        inwards=inwards,
        parameters=len(study.labels()),
        log_likelihood=log,
        chi2=chi2,
        dof=dof,
        p_value=p,
        worst_time=float(study.data.ts[worst]),
        evidence=proof,
        folds=left_out,
        outcomes=None if outcomes is None else int(outcomes),
        drawn=None if drawing is None else _drawn(study, coarse, theta, drawing, proof),
    )


def _drawn(
    study: Study, coarse: Study, theta: Array, drawing: Drawing, proof: Evidence
) -> Drawn:
    """What draws from the posterior say; rows that they do not tell by refits."""
    if not study.names:
        rows = np.asarray(study.log_likelihood_rows(theta))
        return Drawn(None, LeftOut(rows, np.full(rows.shape, -np.inf)), 0, None)
    populations = drawing.sampler == "smc"
    found = posterior(
        coarse, drawing.sampler, theta=theta, draws=drawing.draws, key=drawing.key,
        box=uniform_box(study, proof.widths) if populations else None,
    )  # fmt: skip
    told = found.left_out()
    unsure = np.flatnonzero(told.unsure)
    rows = np.array(told.rows)
    if unsure.size:
        masks = 1.0 - np.eye(rows.size)[unsure]
        logs, _ = _refitted(study, theta, jnp.asarray(masks))
        rows[unsure] = np.asarray(logs)[np.arange(unsure.size), unsure]
    own = None
    if populations and not found.divergences:
        own = by_populations(found, proof.widths, proof.scales)
    return Drawn(found, LeftOut(rows, told.shape), int(unsure.size), own)


def _nothing(
    name: str, study: Study, why: str, folds: int, *, settled: bool
) -> Candidate:
    """The row of a law without a prediction."""
    rows = study.data.ts.shape[0]
    none = Folds(np.full(rows, -np.inf), np.full(-(-rows // folds), -np.inf), folds + 1)
    return Candidate(
        name, why, settled, {}, {}, {}, len(study.labels()), -math.inf, math.inf, 0,
        0.0, None, None, none, None,
    )  # fmt: skip


def _goodness(study: Study, theta: Array, mask: Array) -> tuple[float, int, float, int]:
    """Pearson's sum, degrees of freedom, p, and the row with the largest residuals."""
    at = study.weights(theta, study.predict(theta))
    rows = study.residuals(theta, at, mask)
    each = jnp.reshape(rows[: study.seen] ** 2, (mask.shape[0], -1))
    each = jnp.sum(each, axis=1)
    cost, dof, p = chi_square(study, rows, at, mask, theta.shape[0])
    return float(cost), round(float(dof)), float(p), int(jnp.argmax(each))


def _left_out(study: Study, theta: Array, folds: int) -> Folds:
    """ln of the probability of rows that took no part in the fit."""
    count = study.data.ts.shape[0]
    index = np.arange(count)
    parts = np.stack([index % folds != k for k in range(folds)])
    tail = index < count - -(-count // folds)
    masks = np.concatenate([parts, tail[None]]).astype(float)
    logs, settled = map(np.asarray, _refitted(study, theta, jnp.asarray(masks)))
    each = logs[index % folds, index]
    sound = settled & np.array(
        [
            np.isfinite(log[mask == 0]).all()
            for log, mask in zip(logs, masks, strict=True)
        ]
    )
    return Folds(each, logs[-1][~tail], int(np.sum(~sound)))


def _determined(study: Study, theta: Array, mask: Array) -> Array:
    """Whether the rows with weight, and the priors, determine all constants."""
    (foot, top), spans = study.walls(theta), study.spans
    # from inside of a wall, on which slopes are cut off
    slack = 2 * ON_WALL * spans
    inner = jnp.clip(theta, foot + slack, top - slack)
    return analyse(study.slope(inner, mask), spans, study.labels()).null == 0


@jax.jit
def _refitted(study: Study, theta: Array, masks: Array) -> tuple[Array, Array]:
    def one(mask: Array) -> tuple[Array, Array]:
        there, settled = theta, jnp.asarray(True)
        if theta.shape[0]:
            there, _, settled = polish_one(Polish(within=1e-3), study, theta, mask)
            # what these rows do not determine stays as the fit to all of them has it
            settled &= _determined(study, there, mask)
        return study.log_likelihood_rows(there), settled

    return jax.lax.map(one, masks)
