"""Zakir's conservative diffusion: classical particles that diffuse without friction."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from ... import _checks
from ..._program import program
from ...constants import Scales, constant, free, parts, scalars
from ...interop import as_array
from ...spaces import Grid, potential
from ...spaces.absorbers import read_absorber
from ...spaces.graphs import Graph
from ...spaces.hamiltonians import read_masses
from ...spaces.particles import particles_alone, refuse_charge
from ...spaces.potentials import FunctionPotential, Potential, SampledPotential
from ...spaces.vector_potentials import VectorPotential
from ...steppers import Flows, chin4a, kahan_li6, rk4, strang
from ..groups import Exact, Fits, Watch
from ..law import Law, Wave
from ..schrodinger import Schrodinger
from .amplitude import Amplitude
from .form import BOUNDARIES, DiffusionForm, Fluid
from .links_form import Links
from .log_density import Literal
from .peierls import Peierls, read_links
from .state import AmplitudeAction, read_state, turned_back
from .window import Window

FORMS = {
    "amplitude": Amplitude,
    "links": Links,
    "window": Window,
    "literal": Literal,
}


# Share of its unit by which a guess of a constant that dissipates exceeds its value.
UPWARDS = 0.2


def four_times(value: Array, unit: ArrayLike) -> tuple[Array, Array]:
    """Initial guesses within a factor of four each way."""
    del unit
    return value / 4, value * 4


def upwards(value: Array, unit: ArrayLike) -> tuple[Array, Array]:
    """Initial guesses of a constant that dissipates: from zero upwards."""
    return jnp.zeros_like(value), value + UPWARDS * unit


def up_to(value: Array, times: ArrayLike) -> tuple[Array, Array]:
    """Initial guesses from a quarter of the first value up to a multiple of it."""
    return value / 4, value * times


def _room(law: Any, scales: Scales) -> float:
    """How many times its first value a guess of D may be.

    Forms without exact flows take explicit steps, whose length over the squared spacing
    is limited by D: those that follow the first value need not follow a larger one.
    """
    del scales
    return 4.0 if isinstance(law.form, Amplitude) else 1.0


def _spread(law: Any, scales: Scales) -> Array:
    """Length squared over time; no more than takes guesses D/2 above the first value
    where steps are explicit, see `_room`."""
    wide = scales.rate * jnp.asarray(scales.length) ** 2
    if isinstance(law.form, Amplitude):
        return wide
    return jnp.minimum(wide, jnp.min(law.D) / 2 / UPWARDS)


class ConservativeDiffusion(Law):
    """A density that drifts with v = ∇S/m and diffuses with u = -D ∇ρ/ρ.

    H = ∫ (m v²/2 + m u²/2 + V) ρ dx,  ∂ρ/∂t = δH/δS,  ∂S/∂t = -δH/δρ - γ(S - <S>),

    and ∂ρ/∂t has a further term D_c ∇²ρ. With D = ħ/2m and γ = D_c = 0 this is quantum
    mechanics of ψ = √ρ exp(iS/ħ). Densities depend only on D and V/m: the equations
    stay the same when m, V and S are multiplied by one number. The law conserves the
    norm, and the energy where γ = D_c = 0 and V does not depend on time; then S -> -S
    reverses it. For several particles, each axis of the grid has its m_i and
    D_i = ħ/2m_i.

    Attributes:
        D: diffusion coefficient, length²/time; scalar, one per axis (with `Links` or
            `Literal` where 2mD differs from axis to axis), or one per grid point, for
            the reading in which it depends on the position (needs `Links`).
        mass: m, scalar or one per axis.
        potential: V(x, t), energy.
        friction: γ, scalar, 1/time; 0 in quantum mechanics.
        classical_diffusion: D_c, scalar, length²/time; 0 in quantum mechanics.
        hbar: ħ of the quantum states given to `prepare`: S = ħ arg ψ.
        absorber: W ≥ 0 of the shape of the grid, energy (density decays at the rate
            W/mD), or None.
        space: a grid, or a graph.
        boundary: "free" (a box that must stay larger than the packet: touching its
            walls is the status EDGE), "reflecting" (links end there) or "periodic".
        form: how the state is carried.
        charge: q, scalar, or None without a vector potential. Only q/mD has an effect,
            by the phase qΦ/2mD of a flux Φ, and the drift v = (∇S - qA)/m.
        vector_potential: A, or ∫ A·dl along links; or None.

    Source: Zakir, eqs. (22)-(32).
    """

    potential: Potential
    hbar: Float[Array, ""]
    absorber: Float[Array, "..."] | None
    space: Grid | Graph
    boundary: str = eqx.field(static=True)
    form: DiffusionForm
    D: Float[Array, "..."] = free(
        quantum=lambda law: law.hbar / (2 * law.mass), span=up_to, positive=True,
        unit=_room,
    )  # fmt: skip
    mass: Float[Array, "..."] = free(span=four_times, positive=True)
    friction: Float[Array, ""] = free(
        quantum=0.0, span=upwards, bounds=(0.0, np.inf), unit="rate"
    )
    classical_diffusion: Float[Array, ""] = free(
        quantum=0.0, span=upwards, bounds=(0.0, np.inf), unit=_spread
    )
    charge: Float[Array, ""] | None = free(unit="value")
    vector_potential: VectorPotential | Float[Array, "..."] | None = parts()

    def __init__(
        self,
        space: Grid | Graph,
        V: Callable[..., Array] | ArrayLike | Potential,
        D: ArrayLike | None = None,
        mass: ArrayLike = 1.0,
        friction: ArrayLike = 0.0,
        classical_diffusion: ArrayLike = 0.0,
        *,
        hbar: ArrayLike = 1.0,
        absorber: ArrayLike | None = None,
        boundary: str = "free",
        form: DiffusionForm | str | None = None,
        vector_potential: Any = None,
        charge: ArrayLike | None = None,
        **constants: ArrayLike,
    ):
        """The law of a space and a potential.

        Args:
            space: a grid, or a graph.
            V: values on the space, or on a grid a callable of the coordinates (and of
                the time) that acts point by point.
            D: diffusion coefficient; None for ħ/2m.
            mass: m, scalar, or one per axis of a grid.
            friction: γ, not negative.
            classical_diffusion: D_c.
            hbar: ħ of the states that are prepared.
            absorber: W on the grid, see `jqd.spaces.absorbing_layer`.
            boundary: "free", "reflecting" or "periodic".
            form: `Amplitude`, `Links`, `Window` or `Literal`, or the name of one; None
                for "amplitude" where that is possible, else "links".
            vector_potential: A(x, ..) or A(x, .., t) as for `Schrodinger.on_grid`; or,
                with links, ∫ A·dl: on a grid from each point to the next along each
                axis, (ndim, *shape), on a graph along each link, (L,).
            charge: q, scalar; None for 1 where there is A.
            **constants: array constants of V, passed to it by keyword.

        Raises:
            ValueError: D or mass not positive, a potential of the wrong shape, numbers
                that are not finite, a charge without a vector potential or one that is
                not periodic along its own axis, or a form that cannot carry this law.
        """
        _checks.check_type(space, "space", Grid | Graph, "a Grid or a Graph")
        self.space = space
        self.hbar, self.friction, self.classical_diffusion = scalars(
            hbar=hbar, friction=friction, classical_diffusion=classical_diffusion
        )
        if isinstance(space, Grid):
            self.mass = read_masses(mass, space.ndim)
            self.absorber = read_absorber(absorber, space)
        else:
            (self.mass,) = scalars(mass=mass)
            self.absorber = None if absorber is None else constant(absorber, "absorber")
        for name in ("mass", "hbar"):
            _checks.check_positive(getattr(self, name), name)
        self.D = self.hbar / (2 * self.mass) if D is None else constant(D, "D")
        self.potential = _potential(V, space, constants)
        self.vector_potential = self.charge = None
        if vector_potential is not None:
            self.vector_potential = read_links(vector_potential, space)
            (self.charge,) = scalars(charge=1.0 if charge is None else charge)
        elif charge is not None:
            refuse_charge()
        _checks.check_choice(boundary, "boundary", BOUNDARIES)
        self.boundary = boundary
        self._check()
        if isinstance(form, str):
            _checks.check_choice(form, "form", tuple(FORMS))
            self.form = FORMS[form]()
        else:
            self.form = self._natural_form() if form is None else form
        self.form.check(self.fluid)

    def _check(self) -> None:
        _checks.check_positive(self.D, "D")
        an_axis = isinstance(self.space, Grid) and self.D.shape == (self.space.ndim,)
        if self.D.ndim > 0 and not an_axis:
            _checks.check_shape(self.D, "D", self.space.shape)
            if self.mass.ndim > 0:
                raise ValueError(
                    "Argument `mass` must be one number where D depends on the "
                    f"position, but has shape {self.mass.shape}."
                )
        for name in ("friction", "classical_diffusion"):
            value = getattr(self, name)
            if _checks.is_concrete(value) and float(np.asarray(value)) < 0:
                raise ValueError(
                    f"Argument `{name}` must not be negative, but is "
                    f"{float(np.asarray(value)):.6g}: the equation would be ill-posed."
                )

    def _natural_form(self) -> DiffusionForm:
        try:
            Amplitude().check(self.fluid)
        except ValueError:
            return Links()
        return Amplitude()

    @property
    def fluid(self) -> Fluid:
        """Constants and space as the forms need them."""
        return Fluid(
            self.D, self.mass, self.friction, self.classical_diffusion, self.potential,
            self.absorber, self.hbar, self.space, self.boundary, self._peierls,
        )  # fmt: skip

    @property
    def _peierls(self) -> Peierls | None:
        if self.vector_potential is None:
            return None
        assert self.charge is not None
        return Peierls(self.charge, self.vector_potential)

    @property
    def autonomous(self) -> bool:
        """Whether V and A are the same at all times."""
        still = self._field is None or self._field.autonomous
        return self.potential.autonomous and still

    @property
    def _field(self) -> VectorPotential | None:
        """The vector potential where it is a function."""
        A = self.vector_potential
        return A if isinstance(A, VectorPotential) else None

    @property
    def grid(self) -> Grid | None:
        """The grid, or None for a graph."""
        return self.space if isinstance(self.space, Grid) else None

    @property
    def cell(self) -> float:
        """The volume that a point stands for; 1 at the sites of a graph."""
        return self.space.cell

    def yardstick(self) -> Schrodinger | None:
        """Schrödinger's law of the same particle; None on a graph, or for driven V."""
        sampled = self.vector_potential is not None and self._field is None
        if self.grid is None or not self.autonomous or sampled:
            return None
        return Schrodinger(Amplitude().hamiltonian(self.fluid), self.hbar)

    def on(self, quantum: Schrodinger) -> "ConservativeDiffusion | None":
        """The same constants for another particle on a grid."""
        H = particles_alone(quantum.hamiltonian)
        if H is None:
            return None
        return ConservativeDiffusion(
            H.grid, H.potential, self.D, H.mass, self.friction,
            self.classical_diffusion, hbar=quantum.hbar, absorber=H.absorber,
            boundary=self.boundary, form=self.form,
        )  # fmt: skip

    @property
    def diffusion_constant(self) -> Array:
        """D, for paths (`jqd.ensembles`)."""
        return self.D

    def admit(self, psi: Any) -> Array | AmplitudeAction:
        """ψ, or (density, action), as arrays; S is found here once for all D.

        Raises:
            ValueError: as for `prepare`.
        """
        if not isinstance(psi, tuple | AmplitudeAction):
            psi = as_array(psi, "psi")
        return read_state(psi, self.space)

    def prepare(self, psi: Any) -> PyTree[Array]:
        """The state with the density |ψ|² and the action ħ arg ψ of a quantum state.

        Args:
            psi: ψ of the space's shape; or (density, action).

        Raises:
            ValueError: wrong shape, not finite, not normalised; or a phase that the
                form cannot represent (nodes on grid points, vortices where 2mD ≠ ħ); or
                probability at a seam of the box across which a vector potential jumps.
        """
        state = self.form.prepare(self.fluid, self.admit(psi))
        if self._field is not None:
            H = Amplitude().hamiltonian(self.fluid)
            H.check_state(self.amplitude(state))
        return state

    def vector_field(
        self, t: ArrayLike, state: PyTree[Array], args: Any = None
    ) -> PyTree[Array]:
        """The canonical equations (29), with friction and classical diffusion."""
        del args
        return self.form.vector_field(self.fluid, t, state)

    def exact(self) -> Exact:
        """Potential and kinetic flows, for split steps of the amplitude."""
        return Exact(flows=self._flows)

    def _flows(self) -> Flows | None:
        return self.form.flows(self.fluid)

    @program
    def step(self, t: ArrayLike, state: PyTree[Array], dt: ArrayLike) -> PyTree[Array]:
        """A Strang step of the amplitude, a Runge-Kutta step of the other forms."""
        return self._own_step(self, t, state, dt)

    @property
    def _own_step(self) -> Any:
        return strang if isinstance(self.form, Amplitude) else rk4

    @property
    def step_order(self) -> int:
        """Order of `step`, that of Strang's or Runge-Kutta's method."""
        return self._own_step.order

    @property
    def stepper(self) -> Any:
        """The one-step method with which `recover` follows the law."""
        flows = self._flows()
        if flows is not None and flows.reach != "nystroem":
            return kahan_li6 if self.absorber is None else strang
        # steps of order 6 go back in time in between, where an absorber would amplify
        return self.form.stepper if self.absorber is None else chin4a

    def _convection(
        self, t: ArrayLike, x: Float[Array, "n d"], wave: Wave | None
    ) -> Array | None:
        """-qA/m, of paths on a grid, (n, d); None without A."""
        del wave
        if self._field is None:
            return None
        return Amplitude().hamiltonian(self.fluid).convection(t, x)

    def density(self, state: PyTree[Array]) -> Float[Array, "..."]:
        """ρ per unit of volume on the grid, or at the sites of a graph."""
        return self.form.density(self.fluid, state)

    def amplitude(self, state: PyTree[Array]) -> Array:
        """√ρ exp(iS/2mD) on the space, as `jqd.readings.fields` needs it."""
        return self.form.amplitude(self.fluid, state)

    def invariants(self, state: PyTree[Array]) -> dict[str, Array]:
        """Norm and, without explicit time, energy (25); none with an absorber."""
        if self.absorber is not None:
            return {}
        if not self.autonomous:
            return {"norm": self._norm(state)}
        energy = self.form.energy(self.fluid, state)
        return {"norm": self._norm(state), "energy": energy}

    def _norm(self, state: PyTree[Array]) -> Array:
        return self.space.cell * jnp.sum(self.density(state))

    def watch(self) -> Watch:
        """Alarm at walls, the cut-off and, for forms that end there, nodes.

        The diagnostics are `min_density`, those of the form and, with an absorber, the
        share that it took. The forms amplitude and links estimate the error of the
        grid. The reversed state has S -> -S; paths have the further velocity -qA/m.
        """
        form, fluid = self.form, self.fluid

        def records(state: PyTree[Array]) -> dict[str, Array]:
            figures = {
                "min_density": jnp.min(self.density(state)),
                **form.diagnose(fluid, state),
            }
            if self.absorber is not None:
                figures["max_absorbed"] = 1 - self._norm(state)
            return figures

        return Watch(
            functools.partial(form.alarm, fluid),
            functools.partial(form.resolution, fluid),
            records,
            reversed=turned_back,
            convection=self._convection,
        )

    def fits(self) -> Fits:
        """Refusals of ħ and constants that the form lacks: no data determine them."""
        return Fits(self._why_not)

    def _why_not(self, free: tuple[str, ...]) -> str | None:
        if "hbar" in free:
            return (
                "hbar only scales the action of the state that was prepared and is no "
                "constant of the law; D takes its place"
            )
        if isinstance(self.form, Amplitude):
            for name in ("friction", "classical_diffusion"):
                if name in free:
                    return (
                        f"the form 'amplitude' has no {name}; use 'window' (packets "
                        "without nodes) or 'links'"
                    )
            for name in ("D", "mass"):
                if name in free and self.fluid.hbar_eff.ndim > 0:
                    return (
                        f"the form 'amplitude' has one 2 m D for all axes, and {name} "
                        "has one number per axis; use 'links'"
                    )
        if self.vector_potential is not None and "friction" in free:
            return (
                "friction acts on the action, which a gauge of the vector potential "
                "changes"
            )
        return None


def _potential(V: Any, space: Grid | Graph, constants: dict[str, Any]) -> Potential:
    if isinstance(space, Grid):
        return potential(V, space, **constants)
    if isinstance(V, SampledPotential | FunctionPotential):
        return V
    if constants:
        raise ValueError(
            f"Argument `{min(constants)}` must be one of this law, but is not, and V "
            "is no function of the coordinates that could take it."
        )
    values = as_array(V, "V")
    _checks.check_reals(values, "V", space.shape)
    return SampledPotential(values)
