"""`Study`: a law, data, and the free constants of the law."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Bool, Float, PyTree

from .. import _checks, constants
from .._program import program
from ..evolution import Adaptive, Fixed, Propagator, Trajectory, evolve
from ..instruments.instrument import Instrument, as_instrument
from ..instruments.noise import Noise, Weights
from ..instruments.scene import Places, Scene, places_of, with_settings
from ..laws.motion import Motion
from ..laws.rivals.averaged_runs import by_another_rule
from ..laws.scales import scales_of
from ..laws.start import Prepared, as_start, prepared
from ..laws.wrapped import Wrapped
from ..records.populations import as_data
from ..records.record import Record
from ..records.scan import Scan, settings_of
from ..status import Status
from .first_row import check_first_row, check_percent
from .priors import Prior, as_prior
from .slopes import jacobian
from .slots import Slots, kept

# Residual of a constant that is one span of the initial guesses beyond its bound, in
# units of those of the data.
STIFF = 1e6
# Free constants change phases by about a radian within this share of the data: by
# default a search begins with it.
FIRST = 1 / 16
# Predictions this many times as large as the data are those of a run that blew up.
BLOWN_UP = 1e3
# Weight of residuals past a node in a search. The regulated law is rugged there, but
# nothing else leads away from a node that later rows forbid.
PAST = 0.03
MAX_SUBSTEPS = 4096
# Spans beyond a wall that are its rounding: the law is that on the wall.
ON_WALL = 1e-9


class Study(eqx.Module):
    """Law, data and free constants, as pure functions of one vector of constants θ.

    Their runs take the steps of `method`, by default one from each time to the next (of
    a scan from t0 to that of the row), and say nothing of the error of it: steps that
    are fine enough are those of `jqd.recover(study).study`, others are set by
    `with_substeps`. `recover`, `posterior`, `compare`, `fisher`, `design` and
    `evidence` refine them, and `fit` counts their bias as an error.

    θ holds the free constants and then the nuisances, which have priors. A study is an
    argument of jitted and vmapped functions like any other: its law, initial state,
    instrument and data are arrays.

    Attributes:
        scene: law, initial state and instrument; constants in θ replace theirs.
        data: the `Record`, a `Scan` or `Clusters`.
        slots: free constants and nuisances, and where they stand (static).
        settings: what the rows of a scan set, and where it stands (static).
        priors: prior of each nuisance.
        method: method of evolution.
    """

    scene: Scene
    data: Record
    slots: Slots = eqx.field(static=True)
    settings: Places = eqx.field(static=True)
    priors: tuple[Prior, ...]
    method: Fixed | Adaptive | Propagator

    def __init__(
        self,
        law: Motion,
        data: Record | tuple[ArrayLike, ArrayLike] | Any,
        *,
        psi0: Any,
        free: Sequence[str],
        instrument: Any = "density",
        nuisances: Mapping[str, Any] | None = None,
        method: Fixed | Adaptive | Propagator | None = None,
    ):
        """A study; checked for names, shapes, and the row of the data at t0.

        Names lead to arrays of the law ("q", "potential.k", "drive.pulse.area"), of the
        initial state ("start.n0"), of the instrument ("instrument.V") or of the noise
        of the data ("noise.rho"); their last parts are enough where they name one
        constant only.

        Args:
            law: the law; constants that are not free keep their values.
            data: a `Record`, a pair (ts, values), an `xarray.DataArray` over "t", an
                `xarray.Dataset` or a DataFrame of pandas or polars with the names of
                a file; or a `Scan`, each of whose rows is a run of its own with its
                settings; or `jqd.records.Clusters` of shots.
            psi0: quantum state at `data.t0`, prepared by `law.prepare`; or a `Start`.
            free: names of the constants to fit, e.g. ("q", "r"); "phase0" for unknown
                initial phases; () where the law is only compared with others.
            instrument: how the data show the state: a `jqd.instruments.Instrument`, or
                an argument for `observe` of `jqd.evolve`.
            nuisances: priors by name: `jqd.Normal(mean, sd)` or a pair (mean, sd),
                `jqd.LogNormal`, `jqd.HalfNormal` or `jqd.Uniform`, of numbers for every
                entry or vectors of one for each. They are fitted as well. Beside data
                without errors a prior sets where a fit begins, and its ends hold; it
                does not pull.
            method: how to evolve; None for `Propagator()` where the law is solvable,
                else `Fixed(law.stepper)`, one step from each time to the next. An
                `Adaptive` without an adjoint gets `diffrax.DirectAdjoint()`: fits
                differentiate in forward mode.

        Raises:
            ValueError: names that lead nowhere or to several constants, a constant that
                is free and set by the rows, a prior without width, shapes that differ,
                a row at t0 that is not that of the prepared state.
        """
        _checks.check_type(law, "law", Motion, "a law or another Motion")
        if law.chance() is not None:
            raise ValueError(
                "Argument `law` must not be random, but "
                f"{type(law).__name__} is; fit the equation of its mean, "
                "`law.chance().mean_field()`, if it has one."
            )
        self.data = as_data(data)
        priors = {} if nuisances is None else nuisances
        _checks.check_names(priors, "nuisances")
        names = _checks.names_of(free, "free")
        kinds = Fixed | Adaptive | Propagator | None
        _checks.check_type(method, "method", kinds, "a Fixed, Adaptive or Propagator")
        settings, noise = settings_of(self.data), self.data.noise
        own = (*names, *priors, *settings)
        self.scene = _scene(law, psi0, instrument, noise, own)
        for argument, some in (("free", names), ("nuisances", priors)):
            _refuse_nu(self.scene, some, argument)
        self.slots = Slots.of(self.scene, names, tuple(priors))
        self.settings = places_of(self.scene, settings)
        _refuse_set(self.slots, self.settings)
        self.priors = tuple(
            as_prior(priors[slot.name], slot.name, len(slot.labels))
            for slot in self.slots.nuisances
        )
        solved = law.exact().orbit is not None
        self.method = _with_slopes(
            method or (Propagator() if solved else Fixed(law.stepper))
        )

    def __check_init__(self) -> None:
        # what it refuses is better refused now than under jit
        law = self.law
        prepared(law, self.scene.start.state())
        self.scene.instrument.check_law(law)
        self.data.noise.check_law(law)
        theta, once = self.theta(), self.with_substeps(1)
        self._check_bounds()
        shown = jax.eval_shape(once.predict, theta)
        if not isinstance(shown, jax.ShapeDtypeStruct):
            raise ValueError(
                "Argument `instrument` must show one array at each time, but shows "
                "several or none."
            )
        shape = shown.shape
        if shape != self.data.values.shape:
            raise ValueError(
                f"Argument `data` must have shape {shape} like the law's prediction, "
                f"but has shape {self.data.values.shape}."
            )
        check_first_row(self, theta)
        check_percent(self, theta)

    @property
    def law(self) -> Motion:
        """The law as it was given."""
        return self.scene.law

    @property
    def instrument(self) -> Instrument:
        """The instrument as it was given."""
        return self.scene.instrument

    @property
    def law_name(self) -> str:
        """The class of the law, and of the one that it holds: "Decay of Weinberg"."""
        names, law = [], self.law
        while isinstance(law, Motion):
            names.append(type(law).__name__)
            law = getattr(law, "law", None) if isinstance(law, Wrapped) else None
        return " of ".join(names)

    def why_not(self) -> str | None:
        """Why the law says that no data determine a free constant, or None."""
        names = (constants.shortest(self.scene, name) for name in self.free)
        return self.law.fits().why_not(tuple(names))

    # -- constants -------------------------------------------------------------------

    @property
    def free(self) -> tuple[str, ...]:
        """Names of the free constants."""
        return tuple(slot.name for slot in self.slots.free)

    @property
    def nuisances(self) -> tuple[str, ...]:
        """Names of the nuisances."""
        return tuple(slot.name for slot in self.slots.nuisances)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the entries of θ: free constants, then nuisances."""
        return self.free + self.nuisances

    def theta(self, start: Mapping[str, ArrayLike] | None = None) -> Float[Array, " p"]:
        """Values of free constants in the law, and of nuisances from their priors.

        Args:
            start: other values, by name ("R") or label ("R[0,1]").

        Raises:
            ValueError: no mapping, unknown names.
        """
        if start is None:
            return self._known().theta
        _checks.check_type(start, "start", Mapping, "numbers by name")
        for name, value in start.items():
            self.slots.indices(name, "start")
            _checks.check_finite(value, f"start[{name}]")
        return _placed(self, dict(start))

    def bounds(self) -> tuple[Float[Array, " p"], Float[Array, " p"]]:
        """The range from which initial guesses are drawn: lower and upper ends.

        It follows the length of the data, ħ and the grid where a constant has a unit,
        see `jqd.free`.
        """
        known = self._known()
        return known.low, known.high

    @property
    def spans(self) -> Float[Array, " p"]:
        """The length of this range, in units of which constants compare."""
        _, (low, high) = _checks.host_or_device(self.bounds())
        return high - low

    def _known(self) -> "Vectors":
        """What does not depend on the record but by its length, nor on how the law is
        followed."""
        bare = eqx.tree_at(lambda study: (study.data, study.method), self, (None, None))
        known = _vectors(bare, self.data.duration)
        if not (self.settings and _limits(self.scene)):
            return known
        # what each row sets may narrow them
        low, high = walls = self.walls(known.theta)
        low, high = jnp.maximum(known.low, low), jnp.minimum(known.high, high)
        return known._replace(low=low, high=high, walls=walls)

    def _limits_of_rows(self, scene: Scene) -> dict[str, tuple[ArrayLike, ArrayLike]]:
        """What the law says of its constants, the narrowest of all rows."""
        # a study without a record has no rows, see `_known`
        settings = settings_of(self.data)
        if not settings:
            return _limits(scene)

        def one(row: dict[str, Array]) -> dict[str, tuple[Array, Array]]:
            limits = _limits(with_settings(scene, self.settings, row))
            return {
                name: (jnp.asarray(low), jnp.asarray(high))
                for name, (low, high) in limits.items()
            }

        each = jax.vmap(one)(settings)
        return {
            name: (jnp.max(low), jnp.min(high)) for name, (low, high) in each.items()
        }

    def walls(self, theta: Array) -> tuple[Array, Array]:
        """Limits that no entry of θ can leave: lower and upper ends, infinite for none.

        These are declared bounds, ends of priors, and what the law says about the
        initial state at these constants.
        """
        low, high = map(jnp.asarray, self.slots.bounds())
        foot, top = self._of_priors(lambda prior: prior.ends(), (-jnp.inf, jnp.inf))
        low, high = jnp.maximum(low, foot), jnp.minimum(high, top)
        limits = _limits(self.scene)
        if any(slot.place.short in limits for slot in self.slots.every):
            limits = self._limits_of_rows(self._bounded(theta))
            none = (-jnp.inf, jnp.inf)
            ends = zip(*self.slots.each(limits, none), strict=True)
            foot, top = (jnp.stack([jnp.asarray(x) for x in one]) for one in ends)
            low, high = jnp.maximum(low, foot), jnp.minimum(high, top)
        return low, high

    @property
    def walled(self) -> Bool[np.ndarray, " p"]:
        """Which entries of θ have limits, known without the values of these."""
        walled = np.isfinite(self.slots.bounds()).any(axis=0) | self._flags("walled")
        limited = dict.fromkeys(_limits(self.scene), True)
        return walled | np.asarray(self.slots.each(limited, False), bool)

    def _on_walls(self, theta: Array) -> Array:
        """θ, put on a wall that it is beyond by rounding: fits end on either side."""
        (low, high), (foot, top) = self.walls(theta), self.bounds()
        on = jnp.clip(theta, low, high)
        return jnp.where(jnp.abs(theta - on) <= ON_WALL * (top - foot), on, theta)

    def labels(self) -> list[str]:
        """A label for each entry of θ."""
        return self.slots.labels

    @property
    def wanted(self) -> int:
        """Number of entries of θ that are free constants, not nuisances."""
        return self.slots.wanted

    def references(self) -> list[float | None]:
        """The value in quantum mechanics of each entry of θ; None for none.

        One that depends on other entries of θ, or on what rows set, as D = ħ/2m on a
        mass that is fitted, is no value to compare with.
        """
        found: list[float | None] = []
        for slot in self.slots.every:
            given = slot.place.references(self.scene, len(slot.labels))
            if callable(slot.place.said.quantum):
                moved = slot.place.references(self._moved(), len(slot.labels))
                both = zip(given, moved, strict=True)
                given = [here if here == there else None for here, there in both]
            found += given
        return found

    def _moved(self) -> Scene:
        """The scene with other values of all that is fitted or set by rows."""
        scene = self.scene
        places = [slot.place for slot in self.slots.every]
        for place in (*places, *(place for _, place in self.settings)):
            entries = place.entries(scene)
            # no number stays what it is
            scene = place.put(scene, entries + (1 + jnp.abs(entries)) / 2)
        return scene

    def at(self, theta: Array) -> tuple[Motion, PyTree[Array]]:
        """The law and the initial state with these constants."""
        scene = self.scene_at(theta)
        return scene.law, scene.state0()

    def scene_at(self, theta: Array) -> Scene:
        """Law, initial state and instrument with these constants, kept within their
        bounds and the part of the initial state that the law can move."""
        scene = self._bounded(theta)
        limits = _limits(scene)
        for slot in self.slots.every:
            if slot.place.short in limits:
                part = kept(slot.place.entries(scene), *limits[slot.place.short])
                scene = slot.place.put(scene, part)
        return scene

    def noise_at(self, theta: Array) -> Noise:
        """The noise of the data at these constants."""
        if self.scene.noise is None:
            return self.data.noise
        return self.scene_at(theta).noise or self.data.noise

    def singles(self, theta: Any) -> tuple[tuple["Study", Any], ...]:
        """The studies in it, each with its constants: itself, where it is one."""
        return ((self, theta),)

    def _bounded(self, theta: Array) -> Scene:
        """The scene with these constants, kept within the bounds that they declare."""
        scene, priors = self.scene, (None,) * len(self.slots.free) + self.priors
        told = zip(self.slots.parts(theta), priors, strict=True)
        for (slot, part), prior in told:
            low, high = slot.place.said.bounds
            if math.isfinite(low) or math.isfinite(high):
                part = kept(part, low, high)
            if prior is not None and prior.walled:
                part = kept(part, *prior.ends())
            scene = slot.place.put(scene, part)
        return scene

    def _check_bounds(self) -> None:
        """Raise where the first values lie beyond a bound."""
        known = self._known()
        if not _checks.is_concrete(known):
            return
        low, high, values = map(np.asarray, (*known.walls, known.theta))
        for i in np.flatnonzero((values < low) | (values > high)):
            raise ValueError(
                f"Argument `{self.labels()[i]}` must be in [{low[i]:g}, {high[i]:g}], "
                f"but its first value is {values[i]:g}."
            )

    # -- predictions -----------------------------------------------------------------

    @property
    def times(self) -> Array:
        """Times of the run, each once: that of the initial state, then those of the
        rows."""
        if self.data.from_start:
            return self.data.looks
        return jnp.concatenate([self.data.t0[None], self.data.looks])

    def trajectory(
        self, theta: Array, rows: Array | None = None, run: Array | None = None
    ) -> Trajectory:
        """The run at these constants.

        With `rows`, the run is that of a search: later rows stand still, and the run
        goes on past nodes. Of a scan there are several, from t0 to their times, (V,).
        With `run`, law and initial state have these constants, and `theta` only says
        how they are seen: a derivative by it then needs none of the motion.
        """
        return self._trajectory(theta, rows, run)

    @jax.jit
    def _trajectory(
        self, theta: Array, rows: Array | None, run: Array | None
    ) -> Trajectory:
        data = self.data
        if not isinstance(data, Scan):
            ts = self.times
            intervals = jnp.arange(ts.shape[0] - 1) + int(data.from_start)
            moves = None if rows is None else data.firsts[intervals] < rows
            return self._run(theta, ts, moves, run)

        def one(
            settings: dict[str, Array], t: Array, moves: Array | None
        ) -> Trajectory:
            scene = with_settings(self.scene, self.settings, settings)
            own = eqx.tree_at(lambda study: study.scene, self, scene)
            return own._run(theta, jnp.stack([data.t0, t]), moves, run)

        moves = None if rows is None else data.firsts < rows
        return jax.vmap(one)(data.settings, data.looks, moves)

    def _run(
        self, theta: Array, ts: Array, moves: Array | None, run: Array | None
    ) -> Trajectory:
        """One run; with `moves`, that of a search, which stands still where it is
        False."""
        scene, method = self.scene_at(theta), self.method
        if run is not None:
            moved = self.scene_at(run)
            own = moved.law, moved.start
            scene = eqx.tree_at(lambda scene: (scene.law, scene.start), scene, own)
        if moves is not None and isinstance(method, Fixed):
            counts = jnp.where(moves, self.substeps, 0)
            method = _fixed(method, counts, heed_alarms=False)
        observe = jax.tree_util.Partial(Scene.shown, scene)
        return evolve(scene.law, scene.state0(), ts, method=method, observe=observe)

    @program
    def predict(self, theta: Array) -> Array:
        """Prediction of the law for the data, with the steps of `method`; NaN after a
        failure."""
        return self.rows_of(self.trajectory(theta))

    def rows_of(self, run: Trajectory) -> Array:
        """The values of a run at the rows of the data, without the one at t0."""
        if isinstance(self.data, Scan):
            return self.data.over_rows(run.values[:, -1])
        seen = run.values if self.data.from_start else run.values[1:]
        return self.data.over_rows(seen)

    def _of_rows(self, ends: Array) -> Array:
        """How a run ended, for each row where a row has its own."""
        return self.data.over_rows(ends) if isinstance(self.data, Scan) else ends

    def residuals(
        self,
        theta: Array,
        at: Weights,
        mask: Array,
        rows: Array | None = None,
        run: Array | None = None,
    ) -> Array:
        """Residuals in units of their scatter: `seen` of the data, `scattered` of how
        they scatter, then of priors, then of walls, which are 0 for constants within
        their bounds. The steps are those of `method`.

        Rows that the run did not reach count as missed by the largest value of the
        data. This constant has no gradient, and no fit gains by running into a node.

        Args:
            theta: constants, shape (p,).
            at: source of the weights, see `first_weights` and `weights`.
            mask: weight of each row, shape (T,), 0 for rows left out.
            rows: number of rows that are computed, or None for all.
            run: constants of the run, see `trajectory`; None for theta.
        """
        return self._residuals(theta, at, mask, rows, run)

    @jax.jit
    def _residuals(
        self,
        theta: Array,
        at: Weights,
        mask: Array,
        rows: Array | None,
        run: Array | None,
    ) -> Array:
        return self.missed(theta, *self.shown(theta, rows, run), at, mask, rows)

    def shown(
        self, theta: Array, rows: Array | None = None, run: Array | None = None
    ) -> tuple[Array, "Ends"]:
        """The prediction, with the data in place of what the run does not give, and how
        the run ended: all that residuals and weights need of the run.

        Args:
            theta, rows, run: as for `residuals`.
        """
        followed = self.trajectory(theta, rows, run)
        prediction = self.rows_of(followed)
        # a run that blows up has missed as well, before its numbers overflow
        sound = self._is_sound(prediction)
        past = self.data.ts >= self._of_rows(followed.failure_time)
        prediction = jnp.where(sound, prediction, self.data.shares)
        return prediction, Ends(sound, past, ended(followed))

    def missed(
        self,
        theta: Array,
        prediction: Array,
        ends: "Ends",
        at: Weights,
        mask: Array,
        rows: Array | None = None,
    ) -> Array:
        """`residuals` of a run that was followed.

        Args:
            theta, at, mask, rows: as for `residuals`.
            prediction, ends: from `shown`.
        """
        misses = self._misses(prediction, ends, at, mask, rows)
        scatter = self.scatter(theta, at, mask)
        return jnp.concatenate([misses, *scatter, *self._beside(theta)])

    def _misses(
        self,
        prediction: Array,
        ends: "Ends",
        at: Weights,
        mask: Array,
        rows: Array | None,
    ) -> Array:
        """The residuals of the data alone, (`seen`,)."""
        lost = self.data.shares + self.data.size
        prediction = jnp.where(ends.sound, prediction, lost)
        raw = self.data.noise.residuals(prediction, self.data.values, at)
        weight = mask if rows is None else mask * jnp.where(ends.past, PAST, 1)
        raw = jnp.reshape(weight, (-1,) + (1,) * (raw.ndim - 1)) * raw
        return jnp.ravel(raw)

    def _is_sound(self, prediction: Array) -> Bool[Array, "..."]:
        """Whether a prediction is not that of a run that blew up."""
        return jnp.abs(prediction) < BLOWN_UP * self.data.size

    def scatter(
        self, theta: Array, at: Weights, mask: Array, fitted: float | None = None
    ) -> list[Array]:
        """Residuals of the scatter of rows, where constants of the noise are fitted.

        Args:
            theta, at, mask: as for `residuals`.
            fitted: how many squares other constants take out of the data; None for
                those of this study alone.
        """
        if not self.scattered:
            return []
        fitted = int(self.absorbing.sum()) if fitted is None else fitted
        noise = self.noise_at(theta)
        return [mask * noise.scatter(self.data.values, at, fitted)]

    def _beside(self, theta: Array) -> list[Array]:
        """Residuals of priors and of walls."""
        rows = [self.pulls(theta)[self.informed]] if self.judged else []
        walled = self.walled
        if walled.any():
            (low, high), (foot, top) = self.walls(theta), self.bounds()
            beyond = (theta - jnp.clip(theta, low, high)) / (top - foot)
            rows.append(STIFF * jnp.asarray(self.unit) * beyond[walled])
        return rows

    @property
    def unit(self) -> ArrayLike:
        """Unit of the residuals of the data: 1 where their scatter is known, else the
        largest of the values."""
        return 1.0 if self.data.noise.known else self.data.size

    @property
    def seen(self) -> int:
        """Number of residuals of the data."""
        return math.prod(self.data.values.shape)

    @property
    def of_noise(self) -> Bool[np.ndarray, " p"]:
        """Which entries of θ are constants of the noise."""
        slots = self.slots.every
        each = [slot.place.path[0] == "noise" for slot in slots for _ in slot.labels]
        return np.array(each, bool)

    @property
    def moving(self) -> Bool[np.ndarray, " p"]:
        """Which entries of θ the run depends on: those of law and initial state."""
        slots, own = self.slots.every, ("law", "start")
        each = [slot.place.path[0] in own for slot in slots for _ in slot.labels]
        return np.array(each, bool)

    @property
    def absorbing(self) -> Bool[np.ndarray, " p"]:
        """Which entries of θ take a square out of the data: no prior pulls them, and
        they are not of the noise."""
        return ~self.of_noise & ~self._flags("informs")

    @property
    def scattered(self) -> int:
        """Number of residuals of the scatter: one per row if it is fitted, else 0."""
        own = self.scene.noise is not None and self.of_noise.any()
        return self.data.ts.shape[0] if own else 0

    @property
    def measured(self) -> int:
        """Number of residuals that the data determine, of values and their scatter."""
        return self.seen + self.scattered

    @property
    def told(self) -> int:
        """Number of residuals without those of walls, which say nothing of errors."""
        return self.measured + self.judged

    def chi2(self, residuals: Array) -> Float[Array, ""]:
        """Sum of squares of values and priors; of their scatter nothing is tested."""
        values, priors = residuals[: self.seen], residuals[self.measured : self.told]
        return jnp.sum(values**2) + jnp.sum(priors**2)

    @property
    def judged(self) -> int:
        """Number of entries of θ with a prior that counts as a value."""
        return int(self._flags("informs").sum()) if self.data.noise.known else 0

    def prior(self) -> tuple[Float[Array, " p"], Float[Array, " p"]]:
        """The value to which the prior of each entry of θ pulls, and its width there.

        Mean and standard deviation for a normal prior; 0 and inf without a prior, width
        inf for one that does not pull.
        """
        return self._of_priors(lambda prior: (prior.origin, prior.width), (0, jnp.inf))

    def pulls(self, theta: Array) -> Float[Array, " k"]:
        """Distance of each entry of the nuisances from its prior, in its widths."""
        return self._over_nuisances(lambda prior, x: prior.residual(x), theta)

    def log_prior(self, theta: Array) -> Float[Array, ""]:
        """ln of the density of the nuisances, per unit of each."""
        each = self._over_nuisances(lambda prior, x: prior.log_density(x), theta)
        return jnp.sum(each)

    def _over_nuisances(
        self, look: Callable[[Prior, Array], Array], theta: Array
    ) -> Float[Array, " k"]:
        """What there is to say of each entry of a nuisance."""
        each = zip(self.priors, self.slots.nuisances, strict=True)
        found = [look(prior, theta[slot.at]) for prior, slot in each]
        return jnp.concatenate([theta[:0], *found])

    def _of_priors(
        self,
        look: Callable[[Prior], tuple[ArrayLike, ArrayLike]],
        none: tuple[ArrayLike, ArrayLike],
    ) -> tuple[Float[Array, " p"], Float[Array, " p"]]:
        """Two numbers of each entry of θ; `none` of those without a prior."""
        found = [tuple(jnp.full(self.wanted, x, float) for x in none)]
        for prior, slot in zip(self.priors, self.slots.nuisances, strict=True):
            size = (len(slot.labels),)
            found.append(tuple(jnp.broadcast_to(x, size) for x in look(prior)))
        one, other = (jnp.concatenate(xs) for xs in zip(*found, strict=True))
        return one, other

    def _flags(self, which: str) -> np.ndarray:
        """Which entries of θ have a prior that `informs`, or is `walled`; (p,)."""
        told = zip(self.priors, self.slots.nuisances, strict=True)
        each = [getattr(prior, which) for prior, slot in told for _ in slot.labels]
        return np.array([False] * self.wanted + each, bool)

    @property
    def informed(self) -> np.ndarray:
        """Places, among entries of nuisances, of those whose prior pulls."""
        return np.flatnonzero(self._flags("informs")[self.wanted :])

    @jax.jit
    def log_likelihood(self, theta: Array) -> Float[Array, ""]:
        """ln of the probability of the data and of the priors' densities, less terms
        that no constant changes; -inf where the run failed or θ is out of bounds. The
        steps are those of `method`.

        Raises:
            ValueError: data whose scatter is not known.
        """
        theta = self._on_walls(theta)
        known = self.log_prior(theta) - self.log_prior(self.prior()[0])
        return jnp.sum(self.log_likelihood_rows(theta)) + known

    @jax.jit
    def log_likelihood_rows(self, theta: Array) -> Float[Array, " T"]:
        """ln of the probability of each row, less terms that no constant changes; -inf
        for all of them where the run failed or θ is out of bounds. A row of a scan has
        a run of its own. The steps are those of `method`.

        Raises:
            ValueError: data whose scatter is not known.
        """
        noise = self.noise_at(theta)
        self._check_scatter("a likelihood")
        run = self.trajectory(theta)
        prediction = self.rows_of(run)
        at = self.weights(theta, prediction)
        rows = noise.log_likelihood(prediction, self.data.values, at)
        low, high = self.walls(theta)
        theta = self._on_walls(theta)
        inside = jnp.all((theta >= low) & (theta <= high))
        sound = self._of_rows(run.ok) & inside
        return jnp.where(sound & ~jnp.isnan(rows), rows, -jnp.inf)

    def _check_scatter(self, purpose: str) -> None:
        if not self.data.noise.known:
            raise ValueError(
                f"Argument `data` must say how its values scatter for {purpose}, but "
                "has no errors."
            )

    @jax.jit
    def slope(self, theta: Array, mask: Array | None = None) -> Float[Array, "rows p"]:
        """Derivative of the residuals of data and priors, with weights taken at θ.

        Args:
            theta: constants, shape (p,).
            mask: weight of each row, shape (T,); None for 1.
        """
        at = self.weights(theta, self.predict(theta))
        mask = jnp.ones_like(self.data.ts) if mask is None else mask
        return jacobian(self, theta, at, mask)[1][: self.told]

    def information(self, theta: Array) -> Float[Array, "p p"]:
        """Fisher information of the data, and the part that the priors add.

        Σ_t J_t^T W_t J_t + diag(1/sd²), J = ∂(mean)/∂θ, with the steps of `method`;
        `jqd.fisher` refines them.

        Raises:
            ValueError: data whose scatter is not known.
        """
        self._check_scatter("an information")
        slope = self.slope(theta)
        return slope.T @ slope

    def status(self, theta: Array) -> Array:
        """How the run at these constants ends, a `jqd.Status`; of the runs of a scan
        the first that fails."""
        return ended(self.trajectory(theta))

    # -- weights ---------------------------------------------------------------------

    def first_weights(self, shares: Array | None = None) -> Weights:
        """Source of the weights before there is a fit: the shares of the data."""
        shares = self.data.pooled if shares is None else shares
        return self.data.noise.first_weights(shares)

    @jax.jit
    def weights(self, theta: Array, prediction: Array) -> Weights:
        """Source of the weights at a fit: its prediction, or its scatter.

        Args:
            theta: constants, shape (p,).
            prediction: prediction of these constants, like the data.
        """

        def course() -> tuple[Motion, PyTree[Array], Array, Array]:
            # the scatter is needed to 1 % only
            least = 4 if isinstance(self.method, Fixed) else 32
            steps = jnp.maximum(self.substeps, least)
            return *self.at(theta), self.times, steps

        # the scatter of a run that blew up would make little of its misses
        sound = self._is_sound(prediction)
        prediction = jnp.where(sound, prediction, self.data.shares)
        noise = self.noise_at(theta)
        return noise.weights(prediction, self.data.values, course)

    # -- steps -----------------------------------------------------------------------

    @property
    def order(self) -> int | None:
        """Order of the stepper, or None for methods without a step of their own."""
        if not isinstance(self.method, Fixed):
            return None
        return self.method.order(self.scene.law)

    @property
    def substeps(self) -> Any:
        """Steps between two rows, traced: one compilation serves all step sizes."""
        if not isinstance(self.method, Fixed):
            return 1
        counts = self.method.counts
        if counts is None:
            return self.method.substeps
        return jnp.max(counts) if isinstance(counts, Tracer) else np.max(counts)

    @property
    def counted(self) -> bool:
        """Whether steps are numbers of a program's input: it serves all of them."""
        return isinstance(self.method, Fixed) and self.method.counts is not None

    def with_method(self, method: Fixed | Adaptive | Propagator) -> "Study":
        """The same study with another method of evolution."""
        own, method = self.method, _with_slopes(method)
        return eqx.tree_at(
            lambda study: study.method, self, method, is_leaf=lambda x: x is own
        )

    def with_substeps(self, substeps: int | Array, *, static: bool = False) -> "Study":
        """The same study with other steps (methods without a step stay).

        Args:
            substeps: steps between two rows.
            static: whether their number is part of the program, as reverse mode needs.
        """
        own = self.method
        if not isinstance(own, Fixed):
            return self
        if static:
            number = cast(int, substeps)
            return self.with_method(Fixed(own.stepper, number, estimate_error=False))
        # one type for all: a Python number would need one more compilation
        traced = isinstance(substeps, Tracer)
        counts = substeps if traced else np.asarray(substeps, int)
        if own.counts is None or own.estimate_error:
            return self.with_method(_fixed(own, counts))
        return eqx.tree_at(lambda study: study.method.counts, self, counts)

    def with_more_steps(self, factor: ArrayLike) -> "Study":
        """The same study with this many times as many steps, where they are counted."""
        if not self.counted:
            return self
        counts: Any = cast(Fixed, self.method).counts
        return eqx.tree_at(lambda study: study.method.counts, self, factor * counts)

    def by_another_rule(self) -> "Study | None":
        """The same study with other quadrature nodes of averages over runs; None where
        its law takes none."""
        law = by_another_rule(self.scene.law)
        if law is None:
            return None
        return eqx.tree_at(lambda study: study.scene.law, self, law)


class Ends(NamedTuple):
    """How a run ended.

    Attributes:
        sound: which values are those of the run, like the prediction; of several
            studies those of each.
        past: which rows the run did not reach, (T,); likewise.
        status: a `jqd.Status`, scalar; the first that is not OK.
    """

    sound: Any
    past: Any
    status: Array


def ended(run: Trajectory) -> Array:
    """The status of a run, or of the first of several that is not OK."""
    return first_failure(jnp.asarray(run.status))


def first_failure(each: Array) -> Array:
    """The first status that is not OK, if there is one."""
    return each[jnp.argmax(each != Status.OK)] if each.ndim else each


def _scene(
    law: Motion, psi0: Any, instrument: Any, noise: Noise, names: tuple[str, ...]
) -> Scene:
    start = as_start(law, psi0)
    asked = any(name.rpartition(".")[2] == "phase0" for name in names)
    if asked and isinstance(start, Prepared) and start.phase0 is None:
        start = start.with_phases()
    own = noise if constants.declared(noise) else None
    return Scene(start, as_instrument(instrument), law, own)


def _refuse_nu(scene: Scene, names: Iterable[str], argument: str) -> None:
    """Raise for ν, unless something here has a constant of this name."""
    lasts = {place.name.rpartition(".")[2] for place in constants.places(scene)}
    if "nu" in names and "nu" not in lasts:
        raise ValueError(
            f"Argument `{argument}` must name constants that a record determines, but "
            "'nu', the noise of single paths, leaves densities and records as they "
            "are; see `jqd.inference.estimators.nu_from_arrivals`."
        )


def _refuse_set(slots: Slots, settings: Places) -> None:
    """Raise for a constant that is fitted, though each row says what it is."""
    given = {place.path: name for name, place in settings}
    for argument, some in (("free", slots.free), ("nuisances", slots.nuisances)):
        for slot in some:
            if slot.place.path in given:
                raise ValueError(
                    f"Argument `{argument}` must leave out what the rows of the data "
                    f"set, but names {slot.name!r}."
                )


def _limits(scene: Scene) -> dict[str, tuple[ArrayLike, ArrayLike]]:
    """What the law says of its constants for this start, by their names here."""
    limits = scene.law.fits().limits(scene.start.state())
    return {constants.shortest(scene, name): ends for name, ends in limits.items()}


class Vectors(NamedTuple):
    """Vectors of a study's constants.

    Attributes:
        theta: their first values, (p,).
        low, high: the span of the initial guesses, (p,).
        walls: limits at their first values, lower and upper ends.
    """

    theta: Array
    low: Array
    high: Array
    walls: tuple[Array, Array]


@jax.jit
def _vectors(study: Study, length: ArrayLike) -> Vectors:
    """Of a study without record and method, so that one program serves all of them."""
    scene, limits = study.scene, _limits(study.scene)
    length = jnp.asarray(length)
    scales = scales_of(scene, jnp.where(length > 0, FIRST * length, 1))
    parts = [(jnp.zeros(0),) * 3]
    for slot in study.slots.free:
        low, high = slot.place.span(scene, scales)
        if slot.place.short in limits:
            foot, top = limits[slot.place.short]
            low, high = jnp.maximum(low, foot), jnp.minimum(high, top)
        parts.append((slot.place.entries(scene), low, high))
    for slot, prior in zip(study.slots.nuisances, study.priors, strict=True):
        one = jnp.ones_like(slot.place.entries(scene))
        low, high = slot.place.said.bounds
        foot, top = prior.span()
        foot, top = jnp.maximum(foot, low), jnp.minimum(top, high)
        parts.append((prior.centre * one, foot * one, top * one))
    theta, low, high = (
        jnp.concatenate([jnp.ravel(x) for x in xs]) for xs in zip(*parts, strict=True)
    )
    return Vectors(theta, low, high, study.walls(theta))


@jax.jit
def _placed(study: Study, start: dict[str, ArrayLike]) -> Array:
    """The first values with others by name or label."""
    theta = study.theta()
    # names before labels, which are more special
    for name in sorted(start, key=lambda name: name not in study.names):
        at = np.asarray(study.slots.indices(name, "start"))
        value = jnp.ravel(jnp.asarray(start[name], theta.dtype))
        theta = theta.at[at].set(jnp.broadcast_to(value, at.shape))
    return theta


def _with_slopes(
    method: Fixed | Adaptive | Propagator,
) -> Fixed | Adaptive | Propagator:
    """The method, with derivatives in forward mode, which a fit takes."""
    if not isinstance(method, Adaptive) or method.adjoint is not None:
        return method
    import diffrax

    return replace(method, adjoint=diffrax.DirectAdjoint())


def _fixed(method: Fixed, counts: Any, *, heed_alarms: bool = True) -> Fixed:
    """Fixed steps with these traced counts."""
    return Fixed(
        method.stepper,
        estimate_error=False,
        counts=counts,
        heed_alarms=heed_alarms,
    )
