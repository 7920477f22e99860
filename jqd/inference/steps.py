"""Time steps of a study that are fine enough for its likelihood."""

from jaxtyping import Array

from .study import MAX_SUBSTEPS, Study

# Change of ln L by half the step that is accepted.
STEP_CHANGE = 1e-4
# The same for draws, some ten thousand runs: a hundredth of what a preference takes.
DRAWN_CHANGE = 0.05


def refined(study: Study, theta: Array, change: float = STEP_CHANGE) -> Study:
    """The study with steps of which half a step would change ln L by less than this.

    Constants know less: where shares sum to 1 but for 1e-6, 1e5 shots shift ln L by .1.
    A study whose steps are as fine, or whose method has none, stays as it is.

    Args:
        theta: constants, shape (p,), known.
        change: of ln L, that is accepted.

    Raises:
        ValueError: data whose scatter is not known.
    """
    if study.order is None:
        return study
    log = float(study.log_likelihood(theta))
    while int(study.substeps) < MAX_SUBSTEPS:
        finer = study.with_substeps(2 * int(study.substeps))
        after = float(finer.log_likelihood(theta))
        # two infinities of one kind are equal
        if after == log or abs(after - log) < change:
            break
        study, log = finer, after
    return study
