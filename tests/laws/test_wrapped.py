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
from jqd.laws.motion import Motion, Resolution
from jqd.laws.wrapped import Wrapped
from jqd.status import Status
from jqd.steppers import strang

GRID = jqd.Grid((-6.0, 6.0), 16)
LINE = jqd.Schrodinger.on_grid(GRID, lambda x: x**2 / 2)
PACKET = GRID.normalise(jnp.exp(-(GRID.x**2) / 4) + 0.1)
H = np.array([[0.0, 0.7], [0.7, 0.4]])
COPIES = jqd.CopyDynamics.from_hamiltonian(H)
KET = np.array([0.6, 0.8])

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
    laws.GRW: (laws.GRW(LINE, 0.1), PACKET, ()),
    laws.QuantumJumps: (laws.QuantumJumps(laws.Lindblad(H, [H])), KET, ()),
    # at every node of the average
    laws.RandomFrequencies: (
        laws.RandomFrequencies(COPIES, 0.1, nodes=3), KET, ("alarm", "reversed"),
    ),
    laws.PhaseKicks: (laws.PhaseKicks(COPIES, 0.1), KET, ()),
    # ħ is a constant of the fluid, and none of the diffusion
    jqd.Madelung: (
        jqd.Madelung(GRID, lambda x: x**2 / 2, form="amplitude"), PACKET,
        ("refusal", "cell"),
    ),
}  # fmt: skip
# What a wrapper says itself: how it moves, by chance or not, and what is conserved.
OWN = {
    "prepare", "density", "vector_field", "step", "stepper", "flows", "generator",
    "solvable", "orbit", "noise_shape", "pathwise", "mean_field", "invariants",
    "diagnose", "apart", "yardstick", "on", "pair", "step_order",
}  # fmt: skip
# Of the state of the other law, where there is one in that of the wrapper.
OF_STATES = {"alarm", "resolution"}
OF_OWN_STATES = {"carry", "reversed", "struck"}
PASSED = {
    "cell", "admit", "observables", "jumps", "impulses", "convection", "displaced",
    "refusal", "limits",
}  # fmt: skip
MARK = jnp.array([0.25, 0.5])


def thrice(tree):
    return jax.tree.map(lambda leaf: 3 * leaf, tree)


# What the other law is made to say, and how the wrapper is asked.
SAID = {
    "cell": (property(lambda self: 7.0), lambda law, s: law.cell, 7.0),
    "admit": (lambda self, psi: "start", lambda law, s: law.admit(KET), "start"),
    "observables": (
        lambda self: {"spin": lambda s: 42.0},
        lambda law, s: law.observables()["spin"](s), 42.0,
    ),
    "jumps": (lambda self: MARK, lambda law, s: law.jumps(), MARK),
    "impulses": (lambda self: MARK, lambda law, s: law.impulses(), MARK),
    "convection": (
        lambda self, t, x, wave: x + 7, lambda law, s: law.convection(0.0, MARK, None),
        MARK + 7,
    ),
    "displaced": (
        lambda self, k, x: x + k, lambda law, s: law.displaced(5, MARK), MARK + 5,
    ),
    "refusal": (lambda self, free: "no", lambda law, s: law.refusal(("g",)), "no"),
    "limits": (
        lambda self, start: {"g": (0, 1)}, lambda law, s: law.limits(KET),
        {"g": (0, 1)},
    ),
    "alarm": (
        lambda self, t, a, b: jnp.asarray(Status.EDGE),
        lambda law, s: int(law.alarm(0.0, s, s)), int(Status.EDGE),
    ),
    "resolution": (
        lambda self, s: Resolution(0.5, 0.25), lambda law, s: law.resolution(s),
        Resolution(0.5, 0.25),
    ),
    "carry": (
        lambda self, s, *, splits: thrice(s),
        lambda law, s: law.carry(s, splits=True), thrice,
    ),
    "reversed": (lambda self, s: thrice(s), lambda law, s: law.reversed(s), thrice),
    "struck": (lambda self, k, s: thrice(s), lambda law, s: law.struck(0, s), thrice),
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
    assert members == OWN | PASSED | OF_STATES | OF_OWN_STATES
    assert set(SAID) == PASSED | OF_STATES | OF_OWN_STATES


def same(got, expected):
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for one, two in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        if isinstance(two, str):
            assert one == two
        else:
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_a_wrapper_passes_on_every_member(kind, monkeypatch):
    law, start, itself = EXAMPLES[kind]
    state = law.prepare(start)
    inner, inside = type(law.inner), law.within(state)
    names = set(PASSED)
    names |= OF_STATES if inside is not None else set()
    names |= OF_OWN_STATES if inside is state else set()
    if inside is None:
        names -= {"observables"}
    for name in sorted(names - set(itself)):
        said, ask, expected = SAID[name]
        with monkeypatch.context() as patch:
            patch.setattr(inner, name, said)
            got = ask(law, state)
        expected = expected(state) if callable(expected) else expected
        try:
            same(got, expected)
        except AssertionError as error:
            raise AssertionError(f"{kind.__name__} forgets {name}: {error}") from None


def test_a_path_passes_on_what_its_motion_says(monkeypatch):
    """The random motion under the noise of one path."""
    law = laws.QMUPL(LINE, 0.1)
    state = _Walk(law.prepare(PACKET), jnp.asarray(0))
    path = _Realised(law, jax.random.key(0), 1)
    for name in ("jumps", "impulses", "struck", "alarm", "resolution"):
        said, ask, expected = SAID[name]
        with monkeypatch.context() as patch:
            patch.setattr(jqd.Schrodinger, name, said)
            got = ask(path, state)
        if callable(expected):
            got, expected = got.state, expected(state.state)
        same(got, expected)
    assert path.diagnose(state).keys() == law.diagnose(state.state).keys()
    assert path.invariants(state).keys() == law.invariants(state.state).keys()
    same(path.apart(state, state), jnp.zeros(()))


def test_a_packet_at_the_wall_is_seen_by_a_law_with_a_potential_of_its_own():
    """Where A jumps across the seam of the box, as for Schrödinger's law."""
    grid = jqd.Grid(((-4.0, 4.0), (-4.0, 4.0)), (24, 24))
    quantum = jqd.Schrodinger.on_grid(
        grid, lambda x, y: 0 * x, vector_potential=lambda x, y: (-0.3 * y, 0 * y)
    )
    x, y = grid.coordinates
    psi = grid.normalise(jnp.exp(-(x**2 + y**2) + 4j * y))
    method = jqd.Fixed(strang, 20, estimate_error=False)
    for law in (quantum, jqd.GrossPitaevskii(quantum, 0.1)):
        run = jqd.evolve(
            law, psi, jnp.array([0.0, 1.0]), method=method, observe="density"
        )
        assert int(run.status) == Status.EDGE
    at = jnp.array([[0.5, 1.0]])
    drift = jnp.asarray(law.convection(0.0, at, None))
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
