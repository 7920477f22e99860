"""The one status of runs, as data."""

import enum


class Status(enum.IntEnum):
    """Status codes; `Trajectory.status` holds one per batch element."""

    OK = 0
    NODE = 1
    NON_FINITE = 2
    STEP_BUDGET = 3
    HORIZON = 4
    CUTOFF = 5
    EDGE = 6
    INACCURATE = 7

    @property
    def sentence(self) -> str:
        """What the status means."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.OK: "The run reached its last time.",
    Status.NODE: "A density vanished, where the law ends.",
    Status.NON_FINITE: "A value grew beyond bounds or stopped being a number.",
    Status.STEP_BUDGET: "The step budget was spent; raise `max_steps`.",
    Status.HORIZON: "Noise has outgrown the solution: past the horizon of this form.",
    Status.CUTOFF: "The state reached the edge of its basis; raise the levels, or "
    "refine the grid.",
    Status.EDGE: "The density reached the walls of the box; enlarge it.",
    Status.INACCURATE: "The estimated error is as large as the result; refine the "
    "steps, the grid or the basis, or stop earlier.",
}
