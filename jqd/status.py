"""The status codes of runs, paths, trajectories of copies, fits and sweeps."""

import enum
from collections import Counter

import numpy as np
from jaxtyping import ArrayLike


class Status(enum.IntEnum):
    """Status codes; a result holds one code for each member of its batch."""

    OK = 0
    NODE = 1
    NON_FINITE = 2
    STEP_BUDGET = 3
    HORIZON = 4
    CUTOFF = 5
    EDGE = 6
    INACCURATE = 7
    EXTINCT = 8
    LEFT_GRID = 9
    NOT_CONVERGED = 10
    UNREACHED = 11
    UNIDENTIFIABLE = 12
    NOISE_INVALID = 13
    MISFIT = 14
    OUT_OF_EQUILIBRIUM = 15
    CROWDED = 16

    @property
    def sentence(self) -> str:
        """The meaning of the status in a sentence; for OK, that of a run."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.OK: "The run reached its last time.",
    Status.NODE: "A population or density reached zero (a node); the law ends there.",
    Status.NON_FINITE: "A value became infinite or NaN.",
    Status.STEP_BUDGET: "The step budget was spent; raise `max_steps`.",
    Status.HORIZON: "Numerical noise outgrew the solution: this form cannot follow it "
    "further.",
    Status.CUTOFF: "The state reached the edge of its basis; raise the levels, or "
    "refine the grid.",
    Status.EDGE: "The density reached the walls of the box; enlarge it.",
    Status.INACCURATE: "The estimated error is as large as the result; refine the "
    "steps, the grid or the basis, or stop earlier.",
    Status.EXTINCT: "A class lost its last system, and no system can enter it any "
    "more; the other classes went on. Take more copies, spectators or an admixture.",
    Status.LEFT_GRID: "The path left the grid: widen it or, where a node threw the "
    "path out, use scheme='implicit'; on a ring, pass periodic=True.",
    Status.NOT_CONVERGED: "The fit stopped before it converged.",
    Status.UNREACHED: "The run of the best fit did not reach the last time.",
    Status.UNIDENTIFIABLE: "The data cannot determine the constants separately.",
    Status.NOISE_INVALID: "The scatter is not Gaussian: standard errors do not hold.",
    Status.MISFIT: "The law, computed with these time steps, does not describe the "
    "data (p < 1e-3, or a pattern of its residuals beside a fitted scatter); its "
    "standard errors do not hold.",
    Status.OUT_OF_EQUILIBRIUM: "The paths are no sample of |ψ|²: only one such "
    "sample in 1e5 would lie as far from it.",
    Status.CROWDED: "An atom has more neighbours than its list has places, or reaches "
    "beyond its cells; raise `capacity`, or give the cells more room.",
}
# What OK means for subjects other than runs.
_SOUND = {
    "path": "The path reached the last time.",
    "trajectory": "The trajectory reached the last time with all its classes.",
    "fit": "The fit converged.",
    "sample": "The paths can be a sample of |ψ|².",
}


def describe(status: ArrayLike, subject: str = "run") -> str:
    """Codes of `Status` in words, counted over a batch.

    Args:
        status: codes; a scalar gives one sentence, without a count.
        subject: to what the codes belong: "run", "path", "trajectory", "fit" or
            "sample".
    """
    codes = np.asarray(status)
    sound = _SOUND.get(subject, Status.OK.sentence)
    counts = sorted(Counter(Status(int(code)) for code in codes.ravel()).items())
    words = [(number, code.sentence if code else sound) for code, number in counts]
    if codes.ndim == 0:
        return words[0][1]
    return "; ".join(f"{number} of {codes.size}: {said}" for number, said in words)
