"""`Joint`: several studies that share free constants by their names, as one study."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from .. import _checks
from ..evolution import Trajectory
from ..instruments.noise import Weights
from ..instruments.scene import Scene
from ..laws.motion import Motion
from .priors import Prior
from .sensitivity import check_known
from .slots import Slot, Slots
from .study import Ends, Study, Vectors, first_failure
from .together import Joined, Together, in_a_row


class Joint(Study):
    """Several studies as one: free constants of one name are one constant.

    ln L = Σ_k ln L_k(θ_k)

    θ_k are the constants of a study: those that it shares, and its own.

    Attributes:
        studies: the studies.
        titles: their names (static).
        own: where the constants of each stand in θ (static).
    """

    studies: tuple[Study, ...]
    titles: tuple[str, ...] = eqx.field(static=True)
    own: tuple[tuple[int, ...], ...] = eqx.field(static=True)

    def __init__(self, studies: Mapping[str, Study]):
        """The studies together.

        A constant has the first value, and the span of initial guesses, that the first
        study with it gives it. A nuisance that several have is called "NAME (STUDY)".

        Args:
            studies: by name.

        Raises:
            ValueError: what is no study, data that come twice or have no errors, a
                study that shares no free constant with another, shared ones that differ
                in shape.
        """
        for title, study in studies.items():
            _checks.check_type(study, "law", Study, "a study, or several of them")
            if isinstance(study, Joint):
                raise ValueError(
                    f"Argument `law` must hold single studies, but {title!r} is of "
                    "several."
                )
            check_known(study, "law")
        each = tuple(studies.values())
        if len({id(study.data) for study in each}) < len(each):
            raise ValueError(
                "Argument `law` must hold each study and its data once, but holds some "
                "twice: they would count twice."
            )
        self.studies, self.titles = each, tuple(studies)
        self.slots, self.priors, self.own = _shared(self.titles, each)
        self.scene, self.method, self.settings = each[0].scene, each[0].method, ()
        self.data = Joined([study.data for study in each])

    @property
    def law_name(self) -> str:
        """The class names of the laws, each once."""
        return ", ".join(dict.fromkeys(study.law_name for study in self.studies))

    @property
    def noise(self) -> Together:
        """The noise of all records."""
        noise = self.data.noise
        assert isinstance(noise, Together)  # `Joined` made it
        return noise

    def why_not(self) -> str | None:
        """Why a law says that no data determine a constant, or None."""
        said = (study.why_not() for study in self.studies)
        return next((reason for reason in said if reason is not None), None)

    # -- constants -------------------------------------------------------------------

    def parts(self, theta: Array) -> tuple[Array, ...]:
        """The constants of each study."""
        return tuple(theta[np.asarray(own, int)] for own in self.own)

    @property
    def _where(self) -> np.ndarray:
        """Where in θ the constants of all studies stand, one after the other."""
        return np.concatenate([np.asarray(own, int) for own in self.own])

    def _known(self) -> Vectors:
        each = [study._known() for study in self.studies]
        first = np.unique(self._where, return_index=True)[1]
        theta, low, high = (
            jnp.concatenate([getattr(known, name) for known in each])[first]
            for name in ("theta", "low", "high")
        )
        # what the first study's span has beyond a limit of another is no guess
        foot, top = walls = self._narrowest([one.walls for one in each])
        return Vectors(theta, jnp.maximum(low, foot), jnp.minimum(high, top), walls)

    def _narrowest(self, walls: list[tuple[Array, Array]]) -> tuple[Array, Array]:
        """Limits in θ, from those of the constants of each study."""
        low, high = (jnp.concatenate(ends) for ends in zip(*walls, strict=True))
        none = jnp.full((len(self.labels()),), jnp.inf, low.dtype)
        return (-none).at[self._where].max(low), none.at[self._where].min(high)

    def walls(self, theta: Array) -> tuple[Array, Array]:
        """Limits that no entry of θ can leave, the narrowest of all studies'."""
        return self._narrowest([one.walls(own) for one, own in self.singles(theta)])

    @property
    def walled(self) -> Bool[np.ndarray, " p"]:
        """Which entries of θ have limits in any study."""
        walled = np.concatenate([study.walled for study in self.studies])
        return np.bincount(self._where, walled, len(self.labels())) > 0

    @property
    def moving(self) -> Bool[np.ndarray, " p"]:
        """Which entries of θ the run of any study depends on."""
        moving = np.concatenate([study.moving for study in self.studies])
        return np.bincount(self._where, moving, len(self.labels())) > 0

    def references(self) -> list[float | None]:
        """The value in quantum mechanics for each entry of theta; None for none, and
        where studies that share it have different ones."""
        each = [one for study in self.studies for one in study.references()]
        known: list[set[float | None]] = [set() for _ in self.labels()]
        for i, one in zip(self._where.tolist(), each, strict=True):
            known[i].add(one)
        return [next(iter(some)) if len(some) == 1 else None for some in known]

    def singles(self, theta: Any) -> tuple[tuple[Study, Any], ...]:
        """The studies in it, each with its constants."""
        return tuple(zip(self.studies, self.parts(theta), strict=True))

    def noise_at(self, theta: Array) -> Together:
        """The noise of each record, with what these constants say of it."""
        each = tuple(study.noise_at(own) for study, own in self.singles(theta))
        return Together(each, self.noise.shapes)

    def scene_at(self, theta: Array) -> Scene:
        """That of the first study."""
        return self.studies[0].scene_at(self.parts(theta)[0])

    # -- predictions -----------------------------------------------------------------

    @jax.jit
    def _trajectory(
        self, theta: Array, rows: Array | None, run: Array | None
    ) -> Trajectory:
        """What all runs show at the rows, (N,), and how each of them ends."""
        given = (self.parts(theta), self.noise.firsts(rows), self._runs(run))
        each = zip(self.studies, *given, strict=True)
        runs = [
            study.trajectory(own, first, other) for study, own, first, other in each
        ]
        shown = zip(self.studies, runs, strict=True)
        return Trajectory(
            ts=self.data.ts,
            values=in_a_row([study.rows_of(run) for study, run in shown]),
            error=None,
            status=in_a_row([run.status for run in runs]),
            failure_time=in_a_row([run.failure_time for run in runs]),
            diagnostics={},
        )

    def rows_of(self, run: Trajectory) -> Array:
        """The values of the rows of all records, (N,)."""
        return run.values

    def _runs(self, run: Array | None) -> Sequence[Array | None]:
        return [None] * len(self.studies) if run is None else self.parts(run)

    def shown(
        self, theta: Array, rows: Array | None = None, run: Array | None = None
    ) -> tuple[Array, Ends]:
        """What the runs of all show, one after the other."""
        given = (self.parts(theta), self.noise.firsts(rows), self._runs(run))
        each = zip(self.studies, *given, strict=True)
        found = [study.shown(own, first, run) for study, own, first, run in each]
        sound, past, status = zip(*(ends for _, ends in found), strict=True)
        ends = Ends(sound, past, first_failure(in_a_row(status)))
        return in_a_row([own for own, _ in found]), ends

    def _misses(
        self,
        prediction: Array,
        ends: Ends,
        at: Weights,
        mask: Array,
        rows: Array | None,
    ) -> Array:
        noise, each = self.noise, zip(ends.sound, ends.past, strict=True)
        given = (
            noise.split(prediction), [Ends(*own, ends.status) for own in each],
            at, noise.masks(mask), noise.firsts(rows),
        )  # fmt: skip
        every = zip(self.studies, *given, strict=True)
        return in_a_row([study._misses(*own) for study, *own in every])

    @property
    def scattered(self) -> int:
        """Number of residuals of the scatter, of all studies that fit it."""
        return sum(study.scattered for study in self.studies)

    def scatter(
        self, theta: Array, at: Weights, mask: Array, fitted: float | None = None
    ) -> list[Array]:
        """Those of each study. A constant that several share takes its square out of
        their data in parts, as of their numbers of values."""
        del fitted
        total = np.zeros(len(self.labels()))
        for study, own in zip(self.studies, self.own, strict=True):
            total[list(own)] += study.seen
        given = (self.parts(theta), at, self.noise.masks(mask), self.own)
        found: list[Array] = []
        for study, part, weights, rows, own in zip(self.studies, *given, strict=True):
            taken = np.sum(study.absorbing * study.seen / total[list(own)])
            found += study.scatter(part, weights, rows, float(taken))
        return found

    @jax.jit
    def log_likelihood_rows(self, theta: Array) -> Float[Array, " rows"]:
        """Those of each study, one after the other."""
        each = self.singles(theta)
        return in_a_row([study.log_likelihood_rows(own) for study, own in each])

    @jax.jit
    def weights(self, theta: Array, prediction: Array) -> Weights:
        """Those of each study."""
        given = (self.parts(theta), self.noise.split(prediction))
        each = zip(self.studies, *given, strict=True)
        return tuple(study.weights(*own) for study, *own in each)

    # -- steps -----------------------------------------------------------------------

    @property
    def order(self) -> int | None:
        """The least order of their steppers, or None where none has steps."""
        orders = [study.order for study in self.studies if study.order is not None]
        return min(orders, default=None)

    @property
    def substeps(self) -> Any:
        """Steps between two rows, the same for all that take steps."""
        stepped = (study for study in self.studies if study.order is not None)
        return next((study.substeps for study in stepped), 1)

    @property
    def counted(self) -> bool:
        """Whether steps of all that take some are numbers of a program's input."""
        stepped = [study.counted for study in self.studies if study.order is not None]
        return bool(stepped) and all(stepped)

    def with_substeps(self, substeps: int | Array, *, static: bool = False) -> "Joint":
        """The same with other steps in all studies."""
        each = self.studies
        return self._with([one.with_substeps(substeps, static=static) for one in each])

    def with_more_steps(self, factor: ArrayLike) -> "Joint":
        """The same with this many times as many steps in all studies that take some."""
        return self._with([study.with_more_steps(factor) for study in self.studies])

    def by_another_rule(self) -> "Joint | None":
        """The same with other quadrature nodes of averages, in all that take some."""
        each = [study.by_another_rule() for study in self.studies]
        if all(one is None for one in each):
            return None
        pairs = zip(each, self.studies, strict=True)
        return self._with([own if one is None else one for one, own in pairs])

    def _with(self, studies: Sequence[Study]) -> "Joint":
        return eqx.tree_at(lambda joint: joint.studies, self, tuple(studies))


def joined(law: Any) -> Any:
    """Several studies as one; anything else as it is."""
    many = law
    if isinstance(law, list | tuple):
        many = {str(i): one for i, one in enumerate(law)}
    if not isinstance(many, Mapping):
        return law
    if not any(isinstance(one, Study) for one in many.values()):
        return law
    _checks.check_names(many, "law")
    return Joint(many)


def study_of(law: Any, data: Any, **options: Any) -> Study:
    """The given study, several as one, or one from a law and the other arguments."""
    law = joined(law)
    given = {name: value for name, value in options.items() if value is not None}
    _checks.check_type(law, "law", Motion | Study, "one law or one Study")
    if not isinstance(law, Study):
        for name in ("psi0", "free"):
            _checks.check_given(given, name)
        return Study(law, data, **given)
    if data is not None or given:
        name = next(iter(given), "data")
        raise ValueError(f"Argument `{name}` must not be given beside a study, but is.")
    return law


def _shared(
    titles: Sequence[str], studies: Sequence[Study]
) -> tuple[Slots, tuple[Prior, ...], tuple[tuple[int, ...], ...]]:
    """Slots and priors of all studies, and where the constants of each stand."""
    free: dict[str, Slot] = {}
    having = Counter(name for study in studies for name in study.free)
    start = 0
    for title, study in zip(titles, studies, strict=True):
        if len(studies) > 1 and not any(having[name] > 1 for name in study.free):
            named = ", ".join(study.free) or "none"
            raise ValueError(
                "Argument `law` must be studies that share free constants by name, but "
                f"{title!r} shares none: its own are {named}."
            )
        for slot in study.slots.free:
            first = free.get(slot.name)
            if first is None:
                free[slot.name] = slot._replace(start=start)
                start += len(slot.labels)
            elif first.labels != slot.labels:
                raise ValueError(
                    "Argument `law` must be studies whose constants of one name have "
                    f"one shape, but {slot.name!r} of {title!r} has "
                    f"{len(slot.labels)} entries and not {len(first.labels)}."
                )
    taken = Counter([*free, *(name for study in studies for name in study.nuisances)])
    nuisances: list[Slot] = []
    own: list[tuple[int, ...]] = []
    for title, study in zip(titles, studies, strict=True):
        places = [i for name in study.free for i in _entries(free[name])]
        for slot in study.slots.nuisances:
            made = slot._replace(start=start)
            if taken[slot.name] > 1:
                labels = tuple(f"{label} ({title})" for label in slot.labels)
                made = made._replace(name=f"{slot.name} ({title})", labels=labels)
            start += len(slot.labels)
            nuisances.append(made)
            places += _entries(made)
        own.append(tuple(places))
    priors = tuple(prior for study in studies for prior in study.priors)
    return Slots(tuple(free.values()), tuple(nuisances)), priors, tuple(own)


def _entries(slot: Slot) -> list[int]:
    return list(range(slot.at.start, slot.at.stop))
