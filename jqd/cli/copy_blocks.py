"""A sampled ensemble as a sweep over blocks of trajectories."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..ensembles.copying import sample
from ..ensembles.copying.sampler import STEP_OF, population_of
from ..laws import CopyDynamics
from ..sweeps.points import STATUS
from .options import FIT, MODEL
from .simulation import SCALED

METHODS = ("leap", "exact")
MAX_STEPS = 10**9  # of one trajectory
PROBE_SHARE = 8  # one trajectory in so many is run again with half the step
# Of what a block gives of its trajectories.
DIMS = {
    "occupation": ("trajectory", "t", "class"),
    "phase": ("trajectory", "t", "class"),
    "ended": ("trajectory",),
    "extinction_time": ("trajectory",),
    "steps": ("trajectory",),
}


@dataclass(frozen=True)
class Sampling:
    """What is sampled.

    Attributes:
        spectators: systems of each class that never copy.
        admixture: share of the uniform density that is mixed in at first.
        seed: of all that is drawn.
    """

    copies: Annotated[
        float, MODEL.option(help="N, the number of systems in the ensemble.")
    ] = 1e6
    trajectories: Annotated[
        int, FIT.option(min=2, help="Number of ensembles to sample.")
    ] = 1000
    time: Annotated[
        float | None,
        MODEL.option(
            help="Last time, in the inverse unit of --hamiltonian.",
            show_default=f"10, {SCALED}",
        ),
    ] = None
    rows: Annotated[
        int,
        MODEL.option(
            min=2, help="Number of times to record, 0 and the last among them."
        ),
    ] = 101
    q: Annotated[float, MODEL.option(help="Exponent of the copy rate.")] = 0.5
    r: Annotated[float, MODEL.option(help="Exponent of the phase rate.")] = -0.5
    method: Annotated[
        str, FIT.option(help=f"Sampling method: {' or '.join(METHODS)}.")
    ] = "leap"
    printed: Annotated[
        bool, MODEL.option("--printed", help="Use eq. (39) with the sign as printed.")
    ] = False
    spectators: int = 0
    admixture: float = 0.0
    seed: int = 0

    @property
    def last(self) -> float:
        """The last time, of a run that is asked for."""
        assert self.time is not None
        return self.time


class Run(NamedTuple):
    """A run in blocks of equal size, so that one program serves them all.

    What the last block has beyond the number asked for is dropped.

    Attributes:
        options: what is sampled.
        width: trajectories of a block.
        hamiltonian: H, (M, M).
        psi0: ψ at the beginning, (M,).
    """

    options: Sampling
    width: int
    hamiltonian: np.ndarray
    psi0: np.ndarray

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> "Run":
        """A run out of what `plain` has made of it."""
        H, psi = (np.array(plain[name]).view(complex) for name in cls._fields[2:])
        return cls(Sampling(**plain["options"]), plain["width"], H, psi)

    def plain(self) -> dict[str, Any]:
        """All of it as JSON holds it to the last bit."""
        arrays = {
            name: np.ascontiguousarray(getattr(self, name), complex).view(float)
            for name in self._fields[2:]
        }
        return {"options": asdict(self.options), "width": self.width, **arrays}

    def law(self) -> CopyDynamics:
        """The copy law."""
        options = self.options
        return CopyDynamics.from_hamiltonian(self.hamiltonian, options.q, options.r)

    @property
    def ts(self) -> np.ndarray:
        """Times, (T,)."""
        return np.linspace(0, self.options.last, self.options.rows)

    @property
    def whole(self) -> int:
        """Number of blocks; those after them have half the step."""
        return -(-self.options.trajectories // self.width)

    @property
    def blocks(self) -> int:
        """Number of all blocks."""
        exact = self.options.method == "exact"
        probes = 0 if exact else -(-self.options.trajectories // PROBE_SHARE)
        return self.whole + -(-probes // self.width)

    def process(self) -> dict[str, Any]:
        """The process, as `sample` takes it."""
        names = ("copies", "method", "spectators", "admixture", "printed")
        return {name: getattr(self.options, name) for name in names}

    def check(self) -> None:
        """Raise ValueError for what cannot be sampled."""
        population_of(self.law(), self.psi0, self.ts, **self.process())


def sampled(block: Array, key: Array, *, run: Mapping[str, Any]) -> dict[str, Array]:
    """Trajectories of one block."""
    ours = Run.read(run)
    step = STEP_OF[ours.options.method] * jnp.where(block < ours.whole, 1, 0.5)
    copies = sample(
        ours.law(), ours.psi0, ours.ts, key, trajectories=ours.width, step=step,
        error_trajectories=0, max_steps=MAX_STEPS, **ours.process(),
    )  # fmt: skip
    assert copies.occupation is not None  # nothing else is observed
    return {
        "occupation": copies.occupation,
        "phase": copies.phase,
        "ended": copies.status,
        "extinction_time": copies.extinction_time,
        "steps": copies.steps,
        STATUS: jnp.max(copies.status),
    }


def block_width(size: int) -> int:
    """Trajectories in a block, for so many classes.

    Enough to fill vector units, few enough to be watched.
    """
    return min(max(8192 // size**2, 32), 256)
