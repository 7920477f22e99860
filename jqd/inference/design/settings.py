"""Candidate settings of an experiment, and the information of one shot at each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...instruments.counts import Binomial
from ...instruments.noise import Drawable
from ...records.record import Record
from ..sensitivity import Sensitivity, check_over_time, independent_rows
from ..study import Study


class Setting(NamedTuple):
    """The settings that an experimenter chooses for one shot.

    Attributes:
        study: name of the study, "" where there is one only.
        t: time of the measurement, in the units of the data.
        value: index of the measured value of a row where each value has shots of its
            own (settings of a displacement), else None.
    """

    study: str
    t: float
    value: int | None = None

    def __str__(self) -> str:
        value = "" if self.value is None else f", value {self.value}"
        name = f"{self.study}, " if self.study else ""
        return f"{name}t = {self.t:g}{value}"


class Candidates(eqx.Module):
    """Settings, and the information of one shot at each.

    Attributes:
        settings: S of them (static).
        rows: slopes in units of the scatter of one shot, (S, k, p).
        coarse: the same by another route or with half the steps.
        priors: slopes of the priors in units of their scatter, (m, p).
        width: scale of each constant, (p,).
        labels: names of the constants, free ones first (static).
        free: how many are free constants, not nuisances (static).
        taken: slopes of shots that were taken before, as those of priors, (n, p).
        assumed: what their values let assume of the noise, in words, or None (static).
    """

    settings: tuple[Setting, ...] = eqx.field(static=True)
    rows: Float[Array, "S k p"]
    coarse: Float[Array, "S k p"]
    priors: Float[Array, "m p"]
    width: Float[Array, " p"]
    labels: tuple[str, ...] = eqx.field(static=True)
    free: int = eqx.field(static=True)
    taken: Float[Array, "n p"]
    assumed: str | None = eqx.field(static=True)

    @property
    def information(self) -> Float[Array, "S p p"]:
        """F_x of one shot."""
        return jnp.einsum("ski,skj->sij", self.rows, self.rows)

    @property
    def prior(self) -> Float[Array, "p p"]:
        """P, the information of the priors and of the shots that were taken before."""
        return self.priors.T @ self.priors + self.taken.T @ self.taken

    def residual_slopes(
        self, weights: Array, shots: Array
    ) -> tuple[Float[Array, "rows p"], Float[Array, "rows p"]]:
        """√(N w_x) of the rows, flat, then the shots taken before, then the priors;
        fine and coarse."""

        def flat(rows: Array) -> Array:
            seen = jnp.sqrt(shots * weights)[:, None, None] * rows
            flat = jnp.reshape(seen, (-1, seen.shape[-1]))
            return jnp.concatenate([flat, self.taken, self.priors])

        return flat(self.rows), flat(self.coarse)


def studies_of(study: Study, candidates: Any) -> dict[str, Study]:
    """The studies whose rows are the candidates, by name.

    Args:
        candidates: times, (T,); studies by name; or None for the rows of the study.
    """
    if candidates is None:
        looks = study.data.looks
        # clusters of one time are one setting
        once = looks.shape == study.data.ts.shape
        return {"": study if once else at_times(study, looks)}
    if isinstance(candidates, Study):
        candidates = [candidates]
    if isinstance(candidates, Sequence) and any(
        isinstance(one, Study) for one in candidates
    ):
        candidates = {str(i): one for i, one in enumerate(candidates)}
    if isinstance(candidates, Mapping):
        return _named(study, candidates)
    if np.size(candidates) == 0:
        raise ValueError("Argument `candidates` must not be empty, but is.")
    ts = _checks.concrete(candidates)
    _checks.check_times(ts, "candidates")
    return {"": at_times(study, ts)}


def _named(study: Study, candidates: Mapping[str, Any]) -> dict[str, Study]:
    if not candidates:
        raise ValueError("Argument `candidates` must not be empty, but is.")
    for name, one in candidates.items():
        if not isinstance(one, Study):
            raise ValueError(
                "Argument `candidates` must hold times, or studies by name, but "
                f"{name!r} is a {type(one).__name__}."
            )
        check_over_time(one, "candidates")
        if one.labels() != study.labels():
            raise ValueError(
                "Argument `candidates` must be studies of the same constants, "
                f"{', '.join(study.labels())}, but {name!r} has "
                f"{', '.join(one.labels())}."
            )
    return dict(candidates)


def at_times(study: Study, ts: ArrayLike) -> Study:
    """The study with rows at other times, whose values are the law's prediction.

    Args:
        ts: (T,), increasing, not before the initial state.

    Raises:
        ValueError: times before the state; noise that belongs to the original rows.
    """
    ts, old = np.asarray(ts, float), study.data
    if ts[0] < float(np.asarray(old.t0)):
        raise ValueError(
            "Argument `candidates` must not be before the initial state at "
            f"{float(np.asarray(old.t0)):g}, but begins at {ts[0]:g}."
        )
    # the first row stands in for all of them until the law has predicted them
    values = np.repeat(np.asarray(old.values)[:1], ts.size, axis=0)
    noise = old.noise
    if isinstance(noise, Binomial):
        # the information of one shot does not depend on how many there were
        noise, values = Binomial(jnp.max(noise.shots)), 0 * values
    try:
        record = Record(ts, values, noise, old.t0)
    except ValueError as error:
        raise ValueError(
            "Argument `candidates` must be studies where the noise of a record belongs "
            f"to its rows, but are times. ({error})"
        ) from None
    # a row that comes again tells nothing more of how rows scatter
    record = eqx.tree_at(lambda record: record.noise, record, noise)
    return eqx.tree_at(lambda study: study.data, study, record)


def gather(
    studies: Mapping[str, Study],
    slopes: Mapping[str, Sensitivity],
    taken: Array | None = None,
) -> Candidates:
    """All settings of these studies.

    Args:
        slopes: derivatives of the expected data of each.
        taken: slopes of shots that were taken before, (n, p); None for none.
    """
    settings: list[Setting] = []
    rows: list[tuple[np.ndarray, np.ndarray]] = []
    for name, study in studies.items():
        argument = "candidates" if name else "study"
        noise = independent_rows(study, argument)
        if not noise.shots_apart:
            raise ValueError(
                f"Argument `{argument}` must have shots that scatter independently, "
                f"but those of a {type(noise).__name__} do not: plan with jqd."
                "Multinomial(), and count N shots of one row as N/(1 + (N - 1) rho)."
            )
        own = settings_of(name, study)
        settings += own
        each = _whitened(noise, slopes[name])
        fine, coarse = (np.reshape(x, (len(own), -1, x.shape[-1])) for x in each)
        rows.append((fine, coarse))
    first = next(iter(studies.values()))
    said = dict.fromkeys(one.data.noise.assumption() for one in studies.values())
    sd = np.asarray(first.prior()[1])
    fine, coarse = (_stacked(parts) for parts in zip(*rows, strict=True))
    return Candidates(
        tuple(settings), fine, coarse, jnp.diag(1 / sd), jnp.asarray(first.spans),
        tuple(first.labels()), first.wanted,
        jnp.zeros((0, sd.size)) if taken is None else taken,
        " ".join(one for one in said if one is not None) or None,
    )  # fmt: skip


@jax.jit
def _whitened(noise: Drawable, at: Sensitivity) -> tuple[Array, Array]:
    return noise.whitened(at.slope, at.mean), noise.whitened(at.coarse, at.mean)


def _stacked(parts: Sequence[np.ndarray]) -> Float[Array, "S k p"]:
    """All settings, with rows of zeros where a study has fewer."""
    most = max(part.shape[1] for part in parts)
    padded = [np.pad(x, ((0, 0), (0, most - x.shape[1]), (0, 0))) for x in parts]
    return jnp.asarray(np.concatenate(padded))


def settings_of(name: str, study: Study) -> list[Setting]:
    """One setting for each row; one for each value that has shots of its own."""
    ts = np.asarray(study.data.ts).tolist()
    if not isinstance(study.data.noise, Binomial):
        return [Setting(name, t) for t in ts]
    each = int(np.prod(study.data.values.shape[1:]))
    return [Setting(name, t, i) for t in ts for i in range(each)]
