"""Laws that hold another law pass on what it knows, every one of them all of it."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import laws
from jqd.ensembles.copying.follow import _Joint
from jqd.evolution.one_path import _Realised, _Walk
from jqd.laws import Breaks, Exact, Fits, Motion, Resolution, Watch, Wrapped
from jqd.laws.rivals.decay import PotentialOfMean
from jqd.matter.tower import RandomTower
from jqd.status import Status
from jqd.steppers import strang

GRID = jqd.Grid((-6.0, 6.0), 16)
LINE = jqd.Schrodinger.on_grid(GRID, lambda x: x**2 / 2)
PACKET = GRID.normalise(jnp.exp(-(GRID.x**2) / 4) + 0.1)
H = np.array([[0.0, 0.7], [0.7, 0.4]])
COPIES = jqd.CopyDynamics.from_hamiltonian(H)
KET = np.array([0.6, 0.8])
TOWER = RandomTower(
    jax.random.key(0), 4, 2, 0.2, 1.0, 0.3, width=7.0, bandwidth=2.0
)  # fmt: skip

# Of every law that holds another one: an example, a start, and what it says itself.
EXAMPLES = {
    laws.GrossPitaevskii: (laws.GrossPitaevskii(LINE, 0.1), PACKET, ()),
    laws.Logarithmic: (laws.Logarithmic(LINE, 0.1), PACKET, ()),
    laws.SchrodingerNewton: (laws.SchrodingerNewton(LINE, 0.1), PACKET, ()),
    laws.Weinberg: (laws.Weinberg(H, 0.1), KET, ()),
    laws.Gisin: (laws.Gisin(H, 0.1), KET, ()),
    laws.Beretta: (laws.Beretta(H, 0.1), KET, ()),
    laws.DoebnerGoldin: (laws.DoebnerGoldin(LINE, 0.1), PACKET, ()),
    # φ of the conjugate ψ is not that of φ
    laws.DoebnerGoldinLine: (laws.DoebnerGoldinLine(LINE, 0.1), PACKET, ("reversed",)),
    laws.Decoherence: (
        laws.Decoherence(LINE, laws.GaussianDecay(0.1, 1.0)), PACKET, (),
    ),
    laws.rivals.Localisation: (laws.QMUPL(LINE, 0.1), PACKET, ()),
    RandomTower: (TOWER, TOWER.foot(0.5), ()),
    # near a jump two paths are not compared
    laws.GRW: (laws.GRW(LINE, 0.1), PACKET, ("difference",)),
    laws.Decay: (laws.Decay(H, 5.0), KET, ()),
    PotentialOfMean: (laws.Decay(laws.Weinberg(H, 0.1), 5.0).inner, KET, ()),
    laws.QuantumJumps: (laws.QuantumJumps(laws.Lindblad(H, [H])), KET, ()),
    # at every node of the average
    laws.RandomConstant: (laws.RandomConstant(COPIES, "q", 0.1, nodes=3), KET, ()),
    laws.RandomFrequencies: (
        laws.RandomFrequencies(COPIES, 0.1, nodes=3), KET, ("reversed",),
    ),
    laws.PhaseKicks: (laws.PhaseKicks(COPIES, 0.1), KET, ()),
    # ħ is a constant of the fluid, and none of the diffusion
    jqd.Madelung: (
        jqd.Madelung(GRID, lambda x: x**2 / 2, form="amplitude"), PACKET,
        ("why_not", "limits", "cell"),
    ),
}  # fmt: skip
MARK = jnp.array([0.25, 0.5])


def thrice(tree):
    return jax.tree.map(lambda leaf: 3 * leaf, tree)


# What the other law is made to say.
SAID = {
    "breaks": Breaks(MARK, MARK + 1, lambda k, s: thrice(s), lambda k, x: x + k),
    "watch": Watch(
        lambda t, a, b: jnp.asarray(Status.EDGE),
        lambda s: Resolution(0.5, 0.25),
        lambda s: {"max_told": jnp.asarray(7.0)},
        lambda a, b: jnp.asarray(0.125),
        thrice,
        lambda t, x, wave: x + 7,
    ),
    "fits": Fits(lambda free: "no", lambda start: {"g": (0, 1)}),
}
# How the group of a wrapper is asked for each of its fields, at a state.
ASKED = {
    "jumps": lambda group, s: group.jumps,
    "impulses": lambda group, s: group.impulses,
    "after_impulse": lambda group, s: group.after_impulse(0, s),
    "displaced": lambda group, s: group.displaced(5, MARK),
    "alarm": lambda group, s: group.alarm(0.0, s, s),
    "resolution": lambda group, s: group.resolution(s),
    "records": lambda group, s: group.records(s),
    "difference": lambda group, s: group.difference(s, s),
    "reversed": lambda group, s: group.reversed(s),
    "convection": lambda group, s: group.convection(0.0, MARK, None),
    "why_not": lambda group, s: group.why_not(("g",)),
    "limits": lambda group, s: group.limits(KET),
}
# Of the states of the other law, where those of the wrapper hold them; and of what the
# wrapper does not move otherwise.
OF_STATES = {
    "after_impulse", "alarm", "resolution", "records", "difference", "reversed",
}  # fmt: skip
OF_DENSITIES = {"records", "difference"}
# Members beside the groups: what a wrapper passes on, and how they are asked.
PASSED = {
    "cell": (property(lambda self: 7.0), lambda law, s: law.cell, 7.0),
    "admit": (lambda self, psi: "start", lambda law, s: law.admit(KET), "start"),
    "observables": (
        lambda self: {"spin": lambda s: 42.0},
        lambda law, s: law.observables()["spin"](s), 42.0,
    ),
    "yardstick": (lambda self: "law", lambda law, s: law.yardstick(), "law"),
    "carry": (
        lambda self, s, *, splits: thrice(s),
        lambda law, s: law.carry(s, splits=True), thrice,
    ),
}  # fmt: skip
# What it says itself: how it moves, by chance or not, and what is conserved.
OWN = {
    "prepare", "density", "vector_field", "step", "stepper", "step_order",
    "invariants", "on", "pair", "chance", "exact", "made",
    "step_with", "by_stepper",
}  # fmt: skip


def concrete(kind):
    """Classes of the library below one, that are no interface."""
    below = [one for sub in kind.__subclasses__() for one in concrete(sub)]
    mine = kind.__module__.startswith("jqd.") and "[" not in kind.__name__
    return [*below, kind] if mine and not inspect.isabstract(kind) else below


def holds_another(kind):
    fields = getattr(kind, "__dataclass_fields__", {}).values()
    kinds = [f.type for f in fields if inspect.isclass(f.type)]
    return issubclass(kind, Wrapped) or any(issubclass(k, Motion) for k in kinds)


def test_every_law_that_holds_another_is_tried():
    found = {kind for kind in concrete(Motion) if holds_another(kind)}
    # the joint motion of copies and their sums is followed by its own file alone
    assert found == {*EXAMPLES, _Realised, _Joint}


def test_every_member_is_passed_on_or_said():
    members = {n for k in (Motion, jqd.Law) for n in vars(k) if not n.startswith("_")}
    assert members == OWN | {*PASSED, *SAID}
    assert {f for group in SAID.values() for f in group._fields} == {*ASKED}


def same(got, expected):
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for one, two in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        if isinstance(two, str):
            assert one == two
        else:
            np.testing.assert_array_equal(one, two)


def assert_passed(wrapper, inner, state, itself, monkeypatch):
    """What the class of the inner law is made to say, the wrapper says."""
    lens, kind = wrapper.lens, type(wrapper)

    def around(function):
        return lens.around(state, function(lens.inside(state)))

    def check(name, got, expected):
        try:
            same(got, expected)
        except AssertionError as error:
            raise AssertionError(f"{kind.__name__} forgets {name}: {error}") from None

    for name, (said, ask, expected) in PASSED.items():
        if name in itself or (lens is None and name in ("observables", "carry")):
            continue
        with monkeypatch.context() as patch:
            patch.setattr(inner, name, said)
            got = ask(wrapper, state)
        check(name, got, around(expected) if callable(expected) else expected)
    for name, group in SAID.items():
        left = set(itself)
        left |= OF_STATES if lens is None else set()
        own = lens is None or kind.density is not Wrapped.density
        left |= OF_DENSITIES if own else set()
        with monkeypatch.context() as patch:
            patch.setattr(inner, name, lambda self, group=group: group)
            told = getattr(wrapper, name)()
        for field in set(group._fields) - left:
            expected = ASKED[field](group, state)
            if field in ("after_impulse", "reversed"):
                expected = around(thrice)
            check(field, ASKED[field](told, state), expected)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_a_wrapper_passes_on_every_member(kind, monkeypatch):
    law, start, itself = EXAMPLES[kind]
    assert_passed(law, type(law.inner), law.prepare(start), itself, monkeypatch)


class Same(Wrapped):
    """A law that holds another one and says nothing itself."""

    law: jqd.Law = jqd.parts()

    @property
    def inner(self):
        return self.law


class Slower(Same):
    """It moves half as fast, and says no more."""

    def vector_field(self, t, state, args=None):
        return self.law.vector_field(t, state, args) / 2


def test_a_new_wrapper_cannot_forget(monkeypatch):
    for wrapper in (Same(LINE), Slower(LINE)):
        state = wrapper.prepare(PACKET)
        assert_passed(wrapper, jqd.Schrodinger, state, (), monkeypatch)


def test_a_new_wrapper_moves_as_the_other_law_unless_it_says_how():
    state = LINE.prepare(PACKET)
    exact = Same(LINE).exact()
    assert exact.generator.hamiltonian is LINE.hamiltonian
    assert exact.flows().reach == LINE.exact().flows().reach
    method = jqd.Fixed(strang, 3, estimate_error=False)
    one, other = (
        jqd.evolve(law, state, MARK, method=method, observe="density").values
        for law in (Same(LINE), LINE)
    )
    np.testing.assert_array_equal(one, other)
    assert Same(LINE).step_order == LINE.step_order == 2
    assert Same(LINE).invariants(state).keys() == {"norm", "energy"}
    line = laws.DoebnerGoldinLine(LINE, 0.1)
    assert line.exact().generator.hamiltonian is LINE.hamiltonian
    assert line.step_order == 2
    fluid = jqd.Madelung(GRID, lambda x: x**2 / 2, form="amplitude")
    assert fluid.exact().flows().reach == "nystroem"
    assert fluid.stepper == fluid.inner.stepper
    random = Same(laws.Collapse(H, jnp.eye(2), 0.1))
    assert random.chance().noise == random.law.chance().noise
    # with a field of its own: no flow, generator or conserved energy is left of it
    slower = Slower(LINE)
    assert slower.exact() == Exact()
    assert slower.exact().flows() is None
    assert slower.invariants(state) == {}
    assert (slower.stepper, slower.step_order) == (jqd.steppers.rk4, 4)
    with pytest.raises(ValueError, match="Slower has no exact flows here"):
        jqd.evolve(slower, state, MARK, method=method)


def test_a_new_wrapper_finds_what_real_laws_say():
    """Jumps and impulses, the alarm at a seam, what a vector potential does to paths,
    an absorber's share and the figures of a grid."""
    grid = jqd.Grid(((-4.0, 4.0), (-4.0, 4.0)), (12, 12))
    x, y = grid.coordinates
    psi = grid.normalise(jnp.exp(-(x**2 + y**2) / 9 + 0.1j * x))
    torn = Same(
        jqd.Schrodinger.on_grid(
            grid, lambda x, y: 0 * x, vector_potential=lambda x, y: (-0.3 * y, 0 * y)
        )
    )
    at = jnp.array([[0.5, 1.0]])
    assert int(torn.watch().alarm(0.0, psi, psi)) == Status.EDGE
    np.testing.assert_allclose(torn.watch().convection(0.0, at, None), [[0.3, 0.0]])
    assert torn.watch().resolution(psi).share > 0
    thrown = Same(
        jqd.Schrodinger.on_grid(
            grid, lambda x, y: 0 * x, mass=[1.0, jnp.inf],
            couplings={1: (lambda x, y: x, jqd.spaces.impulse(0.5, 0.2))},
        )
    ).breaks()  # fmt: skip
    assert thrown.impulses.tolist() == [0.5]
    np.testing.assert_allclose(thrown.displaced(0, at), [[0.5, 1.1]])
    assert np.abs(thrown.after_impulse(0, psi) - psi).max() > 1e-3
    driven = jqd.driven(H, (H, jqd.pulse(lambda t: 0 * t, jumps=[0.1])))
    assert Same(jqd.Schrodinger(driven)).breaks().jumps.tolist() == [0.1]
    open_walls = jqd.Schrodinger.on_grid(GRID, GRID.x**2, absorber=jnp.ones(16))
    assert {*Same(open_walls).watch().records(PACKET)} == {
        "min_density",
        "max_absorbed",
    }


@pytest.mark.parametrize("base", [jqd.Motion, Wrapped])
@pytest.mark.parametrize(
    ("method", "group"),
    [("mean_field", "chance"), ("jumps", "breaks"), ("alarm", "watch"),
     ("orbit", "exact"), ("limits", "fits")],
)  # fmt: skip
def test_what_nobody_would_read_is_refused(base, method, group):
    said = {method: lambda self, *of: None}
    with pytest.raises(ValueError, match=f"`Mine.{method}` must be named in `{group}"):
        type("Mine", (base,), said)
    # one that its group reads, in the class or above it, is the law's own affair
    told = type("Told", (base,), {**said, group: lambda self: None})
    type("Mine", (told,), said)


def test_a_path_passes_on_what_its_motion_says(monkeypatch):
    """The random motion under the noise of one path."""
    law = laws.QMUPL(LINE, 0.1)
    state = _Walk(law.prepare(PACKET), jnp.asarray(0))
    path = _Realised(law, jax.random.key(0), 1)
    for name in ("breaks", "watch"):
        with monkeypatch.context() as patch:
            patch.setattr(jqd.Schrodinger, name, lambda self, name=name: SAID[name])
            told = getattr(path, name)()
            for field in SAID[name]._fields:
                got = ASKED[field](told, state)
                expected = ASKED[field](SAID[name], state.state)
                if field in ("after_impulse", "reversed"):
                    got = got.state
                same(got, expected)
    assert path.chance() is None
    assert path.exact() == Exact()
    assert path.watch().records(state).keys() == {"min_density"}
    assert path.invariants(state).keys() == law.invariants(state.state).keys()
    same(path.watch().difference(state, state), jnp.zeros(()))


def test_a_packet_at_the_wall_is_seen_by_a_law_with_a_potential_of_its_own():
    """Where A jumps across the seam of the box, as for Schrödinger's law."""
    grid = jqd.Grid(((-4.0, 4.0), (-4.0, 4.0)), (24, 24))
    quantum = jqd.Schrodinger.on_grid(
        grid, lambda x, y: 0 * x, vector_potential=lambda x, y: (-0.3 * y, 0 * y)
    )
    x, y = grid.coordinates
    psi = grid.normalise(jnp.exp(-(x**2 + y**2) + 4j * y))
    method = jqd.Fixed(strang, 20, estimate_error=False)
    for law in (quantum, jqd.laws.GrossPitaevskii(quantum, 0.1)):
        run = jqd.evolve(
            law, psi, jnp.array([0.0, 1.0]), method=method, observe="density"
        )
        assert int(run.status) == Status.EDGE
    at = jnp.array([[0.5, 1.0]])
    drift = jnp.asarray(law.watch().convection(0.0, at, None))
    np.testing.assert_allclose(drift, [[0.3, 0.0]], atol=1e-15)


def test_the_amplitude_of_a_fluid_is_split():
    """Strang's steps of Madelung's fluid are those of Schrödinger's law."""
    grid = jqd.Grid((-6.0, 6.0), 64)
    psi = grid.normalise(jnp.exp(-(grid.x**2) / 2 + 0.3j * grid.x))
    fluid = jqd.Madelung(grid, lambda x: x**2 / 2, form="amplitude")
    exact = jqd.Schrodinger.on_grid(grid, lambda x: x**2 / 2)
    method = jqd.Fixed(strang, 20, estimate_error=False)
    one, other = (
        jqd.evolve(
            law, psi, jnp.array([0.0, 0.3]), method=method, observe="density"
        ).values
        for law in (fluid, exact)
    )
    np.testing.assert_allclose(one, other, atol=1e-14)


class Same(Wrapped):
    """A law of a user's that changes nothing."""

    law: jqd.Law = jqd.parts()

    @property
    def inner(self):
        return self.law


TWO = np.array([[0.0, 0.7], [0.7, 0.4]])
KET = jnp.array([0.6, 0.8]) + 0j


def test_the_stepper_of_a_driven_law_moves_what_wraps_it():
    """It takes exponentials of the law, which the wrapper passes on."""
    driven = jqd.Schrodinger(jqd.driven(TWO, (TWO @ TWO, jnp.cos)))
    law = Same(driven)
    np.testing.assert_array_equal(
        law.stepper(law, 0.0, KET, 0.1), driven.stepper(driven, 0.0, KET, 0.1)
    )
    assert law.step_order == driven.step_order == 4

    class Turned(Same):
        def vector_field(self, t, state, args=None):
            return 2 * self.law.vector_field(t, state)

    for other in (Turned(driven), Same(laws.GrossPitaevskii(TWO, 0.1))):
        with pytest.raises(ValueError, match="must not be one that takes exponentials"):
            jqd.steppers.cf4(other, 0.0, KET, 0.1)


def test_noise_without_a_step_that_takes_it_is_refused():
    class Noisy(laws.DepartureOfKets):
        def vector_field(self, t, psi, args=None):
            return self.quantum.vector_field(t, psi)

        def chance(self):
            return laws.Chance(laws.StepNoise((1,)))

    with pytest.raises(ValueError, match="`step` of its own that takes its noise"):
        jqd.evolve(Noisy(TWO), KET, [0.0, 1.0], key=jax.random.key(0), paths=4)


def test_an_exact_run_hears_what_a_wrapper_adds():
    """Its alarm sounds, and impulses are refused where they would be passed over."""

    class Watched(Same):
        def watch(self):
            def alarm(t, before, after):
                late = jnp.asarray(t) > 0.4
                return jnp.where(late, jqd.Status.NODE, jqd.Status.OK)

            return super().watch()._replace(alarm=alarm)

    class Kicked(Same):
        def breaks(self):
            return laws.Breaks(None, jnp.array([0.5]), lambda k, psi: psi[::-1])

    ts = np.array([0.0, 0.25, 0.5, 1.0])
    run = jqd.evolve(Watched(jqd.Schrodinger(TWO)), KET, ts)
    assert (int(run.status), float(run.failure_time)) == (jqd.Status.NODE, 0.5)
    kicked = Kicked(jqd.Schrodinger(np.diag([0.0, 1.0])))
    for method in (None, jqd.Propagator()):
        with pytest.raises(ValueError, match="must be Fixed for a law with impulses"):
            jqd.evolve(kicked, KET, ts, method=method)
    run = jqd.evolve(kicked, KET, ts, method=jqd.Fixed(substeps=4), observe="density")
    # Runge-Kutta steps of 1/8: 1e-7
    np.testing.assert_allclose(run.values[-1], [0.64, 0.36], atol=1e-6)


def test_the_order_of_steps_of_a_departure_is_declared():
    """Its step is that of the stepper, though the class that wraps has one."""
    H = np.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
    row = jqd.vet(laws.GrossPitaevskii(H, 0.3), rows=["order of steps"]).rows
    assert row["order of steps"].note == "declared 4"
    assert row["order of steps"].figure == pytest.approx(4, abs=0.3)


def test_members_of_random_frequencies_are_no_density_operator():
    """Three of three classes have its shape; at sd = 0 they are quantum mechanics."""
    H = np.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
    copies = jqd.CopyDynamics.from_hamiltonian(H)
    law = laws.rivals.RandomFrequencies(copies, 0.1, classes=1, nodes=3)
    assert jqd.constants.quantum_values(law)["sd"] == 0
    card = jqd.vet(law, rows=["gradients", "quantum limit"])
    assert card.rows["quantum limit"].verdict is not jqd.vetting.Verdict.FAILS


def test_what_a_base_of_the_library_does_not_read_is_refused():
    with pytest.raises(ValueError, match=r"`Mine.flows` must be named in `exact\(\)`"):
        type("Mine", (laws.SelfPotential,), {"flows": lambda self: None})
