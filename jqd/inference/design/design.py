"""`design`: which settings of an experiment, and how many shots at each."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..sensitivity import check_over_time, constants_at
from ..study import Study
from .answer import Design, answer
from .response import NODES
from .rival import against
from .robust import Task, averaged, learnt, over_box
from .settings import settings_of, studies_of
from .weights import CRITERIA, combinations, judge, optimise


def design(
    study: Study,
    *,
    shots: ArrayLike,
    candidates: Any = None,
    criterion: str = "A",
    wanted: Any = None,
    rival: Any = None,
    shares: Any = None,
    theta: ArrayLike | None = None,
    over: Any = None,
    after: Any = None,
    draws: int = 16,
    key: Array | None = None,
    tolerance: float = 1e-6,
    nodes: int = NODES,
) -> Design:
    """Shares of shots on candidate settings that best measure what is wanted.

    S(w) = N Σ_x w_x F_x + P,   V = S⁻¹: minimise tr C^T V C ("A"), ln det C^T V C ("D")
    or c^T V c ("c") over w; or maximise min_η Σ_x w_x 2 N KL_x + prior(η) ("KL").

    Nuisances and their priors take part. For copies at the point of quantum mechanics
    derivatives are those of linear response, and are compared with those through the
    law; elsewhere the time steps of the law are halved until they have converged.

    The best experiment depends on the constants that it is to measure. `over` minimises
    the worst case in a box. Or work in two stages: a fifth of the shots with
    `shares="even"`, a fit, and the rest with `after` that fit, whose shots then count.

    Args:
        study: law, initial state, instrument, priors, and data whose rows are the
            candidate settings. Their values do not matter, only their scatter, and
            whether rows sum to 1 (`Design.assumed`): a shot is one measurement of
            counts, or a row of values with the errors stated.
        shots: N, of the whole experiment.
        candidates: other settings: times, (T,), or studies of the same constants, by
            name, whose rows are all candidates; None for the rows of `study`.
        criterion: "A", "D", "c" or "KL".
        wanted: names of the constants that are wanted, all free ones for None;
            {name: accuracy} scales them for "A", {name: coefficient} is the
            combination of "c". None for "KL".
        rival: for "KL", the alternative to the law as it stands: {name: value} of other
            constants, or a study of another law with rows like the candidates', whose
            constants and nuisances are fitted.
        shares: shares of the shots to be judged, (S,), whose sum is 1, rather than the
            best ones; "even" for equal ones. Their gap says what they lose.
        theta: constants at which to design, (p,); None for those of the study, or of
            `after`.
        over: {name: (low, high)}: the largest value of the criterion in this box is
            minimised, as far as a search in it finds it; errors are given there.
        after: a `jqd.inference.Recovery` from shots that were taken: the design is at
            its constants, and its information counts beside these shots.
        draws: with `after`, number of draws from the normal distribution of its
            constants, whose mean criterion is minimised; 0 for its constants alone.
        key: of the draws; None for `jax.random.key(0)`.
        tolerance: gap of the equivalence theorem at which to stop.
        nodes: number of quadrature points of linear response.

    Returns:
        The design; its `status` says whether the gap was reached and whether
        derivatives agree.

    Raises:
        ValueError: shots not positive, no candidates, unknown names or criterion,
            a study of a scan, noise that is not of independent shots, a box at whose
            constants the law ends before the last candidate, a fit without errors,
            float64 off.
        Unidentifiable: (a ValueError) what is wanted has a part that neither the
            candidates nor the priors determine, which is named.
    """
    _checks.require_x64("jqd.design")
    _checks.check_type(study, "study", Study, "a Study")
    check_over_time(study)
    _checks.check_choice(criterion, "criterion", CRITERIA)
    _checks.check_positive(shots, "shots", ())
    _checks.check_positive(tolerance, "tolerance")
    _check_rival(criterion, rival, wanted)
    _check_stage(criterion, theta, over, after)
    taken = None if after is None else learnt(after, study)
    at = constants_at(study, theta if after is None else after.theta)
    studies = studies_of(study, candidates)
    number = jnp.asarray(shots, jnp.result_type(float))
    given = _shares(
        shares, sum(len(settings_of(name, one)) for name, one in studies.items())
    )
    if criterion == "KL":
        return against(studies, at, rival, number, tolerance, given)
    C = combinations(criterion, wanted, study.labels(), study.wanted)
    task = Task(studies, C, number, criterion, tolerance, nodes, taken)
    if over is not None:
        return over_box(task, at, over, given)
    if after is not None and given is None and _checks.whole_number(draws, "draws", 0):
        key = jax.random.key(0) if key is None else _checks.single_key(key)
        return averaged(task, after, draws, key)
    here = task.at(at)
    problem = task.problem(here.found)
    optimum = optimise(problem, tolerance) if given is None else judge(problem, given)
    return answer(here.found, problem, optimum, criterion, here.slopes, tolerance)


def _check_rival(criterion: str, rival: Any, wanted: Any) -> None:
    """Raise ValueError unless a rival is given with "KL", and only then."""
    if criterion == "KL" and rival is None:
        raise ValueError(
            "Argument `rival` must be other constants or a study for 'KL', but is None."
        )
    if criterion == "KL" and wanted is not None:
        raise ValueError("Argument `wanted` must be None for 'KL', but is not.")
    if criterion != "KL" and rival is not None:
        raise ValueError(
            f"Argument `rival` must be None for {criterion!r}, but is not."
        )


def _check_stage(criterion: str, theta: Any, over: Any, after: Any) -> None:
    """Raise ValueError for constants that are given in two ways, or not for "KL"."""
    given = {"over": over, "after": after}
    for name, value in given.items():
        if value is not None and criterion == "KL":
            raise ValueError(f"Argument `{name}` must be None for 'KL', but is not.")
    given["theta"] = theta
    for one, other in (("over", "after"), ("after", "theta")):
        if given[one] is not None and given[other] is not None:
            raise ValueError(
                f"Argument `{one}` must be None beside `{other}`, but is not."
            )


def _shares(shares: Any, size: int) -> Array | None:
    """Shares of shots that were given, checked."""
    if shares is None:
        return None
    if isinstance(shares, str):
        _checks.check_choice(shares, "shares", ("even",))
        return jnp.full((size,), 1 / size)
    _checks.check_not_negative(shares, "shares", (size,))
    total = np.sum(np.asarray(shares, float))
    if abs(total - 1) > 1e-6:
        raise ValueError(
            f"Argument `shares` must have the sum 1, but it is {total:.9g}."
        )
    return jnp.asarray(shares, jnp.result_type(float))
