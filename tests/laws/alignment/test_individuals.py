"""The law of N individuals: its equations, energy, frequency, states and input."""

import re
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants
from jqd.laws.alignment import NORMS, POTENTIALS, PhaseAlignment
from jqd.problems import golden

from ...papers.copying.alignment import (
    alignment_energy,
    alignment_force,
    alignment_lagrangian,
    alignment_lagrangian_circle,
    alignment_potential,
    phase_velocity,
    small_energy,
    small_force,
)

# Sums of a dozen terms of order 1.
ROUNDING = 1e-13
RNG = np.random.default_rng(5)
PHASE, MOMENTUM = RNG.uniform(-3, 3, 12), RNG.normal(size=12)
OPTIONS = [{"potential": p, "norm": n} for p in POTENTIALS for n in NORMS]


def gap(x, y):
    return float(np.max(np.abs(np.asarray(x) - np.asarray(y))))


@pytest.mark.sampled
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o.values()))
def test_sums_over_classes_equal_sums_over_pairs(law_of, options):
    law = law_of(**options)

    @jax.jit
    def both(law, phase, momentum):
        args = (jnp.asarray(law.beable), law.omega, law.R, law.delta)
        state = law.start(phase, momentum)
        energy = partial(alignment_energy, f=law.f, **options)
        force = partial(alignment_force, f=law.f, **options)
        pairs = (
            phase_velocity(phase, momentum, *args),
            force(phase, momentum, *args),
            energy(phase, momentum, *args),
        )
        slopes = jax.grad(energy, (1, 0))(phase, momentum, *args)
        printed = force(phase, momentum, *args, printed=True)
        field = law.vector_field(0.0, state)
        return pairs, (*field, law.invariants(state)["energy"]), slopes, printed

    pairs, sums, slopes, printed = both(law, PHASE, MOMENTUM)
    for pair, total in zip(pairs, sums, strict=True):
        assert gap(pair, total) < ROUNDING
    # Hamilton's equations of the energy.
    assert gap(sums[0], slopes[0]) < ROUNDING
    assert gap(sums[1], -slopes[1]) < ROUNDING
    # Negative control: not with the printed factor.
    assert gap(sums[1], printed) > 0.05


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o.values()))
def test_lagrangians_belong_to_the_energy(law_of, options):
    """L = Σ pφ̇ - H with each potential and norm, in angles and on the circle."""
    law = law_of(**options)

    @jax.jit
    def both(phase, momentum):
        args = (jnp.asarray(law.beable), law.omega, law.R, law.delta)
        velocity = phase_velocity(phase, momentum, *args)
        energy = alignment_energy(phase, momentum, *args, law.f, **options)
        L = alignment_lagrangian(phase, velocity, *args, law.f, **options)
        z = jnp.exp(1j * phase)
        circle = alignment_lagrangian_circle(
            z, 1j * velocity * z, *args, law.f, **options
        )
        return L, circle, jnp.sum(momentum * velocity) - energy

    L, circle, expected = both(PHASE, MOMENTUM)
    # sums of 144 terms of order 1
    assert gap(L, expected) < 1e2 * ROUNDING
    assert gap(circle, expected) < 1e2 * ROUNDING


def test_small_differences_of_either_potential(law_of):
    """The linear theory holds for both; the norm per class takes n_a out of it."""
    beable, f = jnp.asarray(law_of().beable), 0.7
    free = {name: jnp.zeros_like(getattr(law_of(), name)) for name in ("omega", "R")}

    @jax.jit
    def compare(phase):
        pairs = []
        for options in OPTIONS:
            law = law_of(f, **options)
            for name, value in free.items():
                law = eqx.tree_at(lambda law, n=name: getattr(law, n), law, value)
            small = {"norm": options["norm"]}
            force = small_force(phase, beable, f, **small)
            energy = small_energy(phase, 0 * phase, beable, f, **small)
            V = alignment_potential(phase, beable, f, **options)
            exact = law.vector_field(0.0, law.start(phase)).momentum
            pairs.append(((exact, V), (force, energy)))
        return pairs

    pairs = compare(1e-4 * jnp.asarray(MOMENTUM))
    for (exact, V), (force, energy) in pairs:
        # Next order: squares of differences of 4e-4.
        np.testing.assert_allclose(exact, force, rtol=1e-6, atol=1e-14)
        np.testing.assert_allclose(V, energy, rtol=1e-6)
    ratio = pairs[0][1][0] / pairs[1][1][0]
    np.testing.assert_allclose(ratio, np.bincount(beable)[np.asarray(beable)])


def run(law, state, ts, substeps, **options):
    method = jqd.Fixed(substeps=substeps, estimate_error=False)
    return jqd.evolve(law, state, ts, method=method, **options)


def test_energy_is_conserved_unless_damped(law_of):
    ts = np.linspace(0, 2, 5)

    @jax.jit
    def drifts(damping, substeps):
        law = law_of(damping=damping)
        method = jqd.Fixed(counts=substeps, estimate_error=False)
        start = law.start(PHASE, MOMENTUM)
        return jqd.evolve(law, start, ts, method=method).diagnostics

    coarse, fine = drifts(0.0, 20), drifts(0.0, 40)
    # Of an energy of order 100; Runge-Kutta loses it as the fourth power or better.
    assert fine["energy_drift"] < 1e-4
    assert coarse["energy_drift"] > 12 * fine["energy_drift"]
    assert fine["momentum_drift"] < ROUNDING
    damped = drifts(0.5, 20)
    assert damped["energy_drift"] > 1
    # Σπ decays as exp(-γt) exactly.
    total = abs(MOMENTUM.sum()) * (1 - np.exp(-0.5 * 2))
    assert damped["momentum_drift"] == pytest.approx(total, rel=1e-6)


def test_variance_swings_at_twice_the_frequency_of_alignment(pair):
    """T17: 2 f √(2n) = 195.96 for f = 20, n = 12; as printed it would be 138.56."""
    law, offset = pair(20.0), 1e-3 * np.random.default_rng(2).normal(size=20)
    ts = np.linspace(0, 0.4, 1601)
    state = law.start(offset)
    swing = run(law, state, ts, 2, observe=lambda t, s: law.variance(s)).values
    variance = np.asarray(swing)[:, 0]
    low = np.flatnonzero(
        (variance[1:-1] < variance[:-2]) & (variance[1:-1] < variance[2:])
    )
    frequency = 2 * np.pi * (len(low) - 1) / (ts[low[-1]] - ts[low[0]])
    # Twelve swings, each end known to a step of 1/130 swing.
    assert frequency == pytest.approx(2 * 20 * np.sqrt(24), rel=2e-3)
    assert frequency == pytest.approx(195.96, rel=1e-2)
    assert abs(frequency - 138.56) > 50
    # Nothing is driven: it comes back.
    assert variance.max() == pytest.approx(variance[0], rel=1e-2)
    assert variance.mean() == pytest.approx(variance[0] / 2, rel=5e-2)


def test_aligned_phases_follow_the_copy_law(law_of):
    law, literal = law_of(), golden(literal=True)[0]
    psi = np.sqrt([0.5, 0.25, 0.25]) * np.exp([-0.3j, 1j, 0.5j])

    @jax.jit
    def look(psi):
        state = law.prepare(psi)
        start = jqd.laws.DensityPhase(jnp.abs(psi) ** 2, -jnp.angle(psi))
        quantum = literal.vector_field(0.0, start).phase
        apart = law.vector_field(0.0, law.start(PHASE))
        seen = law.psi(state), jnp.abs(law.order(state)), law.vector_field(0.0, state)
        return *seen, quantum, apart

    again, order, field, quantum, apart = look(psi)
    np.testing.assert_allclose(again, psi, atol=1e-15)
    np.testing.assert_allclose(order, 1, atol=1e-15)
    beable = np.asarray(law.beable)
    np.testing.assert_allclose(field.phase, quantum[beable], atol=1e-14)
    assert gap(field.momentum, 0) < 1e-14
    # Negative control: phases apart within a class do not stay at rest.
    assert gap(apart.momentum, 0) > 0.1


def test_order_parameters(pair):
    """Half of a class turned round: at rest under both, costly under 1 - cos alone."""
    phase = np.zeros(20)
    phase[:6] = np.pi
    laws = [pair(1.0, potential=potential) for potential in POTENTIALS]

    @jax.jit
    def look(phase):
        law, state = laws[0], laws[0].start(phase)
        values = law.order(state), law.order(state, 2), law.variance(state)
        moved = [law.vector_field(0.0, state).momentum for law in laws]
        return values, moved, [law.invariants(state)["energy"] for law in laws]

    (order, nematic, variance), forces, energies = look(phase)
    np.testing.assert_allclose(order, [0, 1], atol=1e-15)
    np.testing.assert_allclose(nematic, [1, 1], atol=1e-15)
    np.testing.assert_allclose(variance, [(np.pi / 2) ** 2, 0], atol=1e-15)
    assert gap(forces, 0) < 1e-14
    # 12² (1 - |Z|²) for 1 - cos
    np.testing.assert_allclose(energies, [0, 144], atol=1e-12)


def test_gradient_of_the_strength(law_of, flow):
    law = law_of(potential="1-cos", damping=0.1)

    @jax.jit
    @jax.value_and_grad
    def end(f):
        moved = constants.unpack(law, "f", f[None])
        return jnp.sum(flow(moved, moved.start(PHASE), 0.3, 3).phase ** 2)

    _, slope = end(jnp.asarray(0.7))
    values = [end(jnp.asarray(0.7 + h))[0] for h in (1e-4, -1e-4)]
    # Central differences: h² and rounding, 1e-10, both far below.
    np.testing.assert_allclose(slope, (values[0] - values[1]) / 2e-4, rtol=1e-6)
    assert abs(slope) > 1e-3


def test_single_precision_stays(law_of):
    law, ts = law_of(), np.array([0.0, 0.3], np.float32)
    kept = jax.eval_shape(
        lambda phase: run(law, law.start(phase), ts, 5).values,
        PHASE.astype(np.float32),
    )
    assert kept.phase.dtype == kept.momentum.dtype == jnp.float32


def test_names_of_constants(law_of):
    law = law_of()
    assert set(constants.names(law)) == {"omega", "R", "delta", "f", "damping"}
    assert constants.labels(law, "R") == ["R[0,1]", "R[0,2]", "R[1,2]"]
    assert constants.labels(law, "omega")[2] == "omega[2]"

    @jax.jit
    def around(values):
        other = constants.unpack(law, "delta", values)
        return other.delta, constants.pack(other, "delta")

    delta, packed = around(np.array([0.1, 0.2, 0.3]))
    np.testing.assert_array_equal(delta, -delta.T)
    np.testing.assert_array_equal(packed, [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(law.occupation, [6, 3, 3])


GOOD = {
    "beable": [0, 1, 1],
    "omega": [0.0, 0],
    "R": np.eye(2),
    "delta": np.zeros((2, 2)),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"beable": [0, 2]},
            "Argument `beable` must lie in 0..1, but runs from 0 to 2",
        ),
        ({"beable": [-1, 0]}, "Argument `beable` must lie in 0..1"),
        ({"beable": [0.0, 1.0]}, "Argument `beable` must hold at least one integer"),
        ({"beable": []}, "Argument `beable` must hold at least one integer"),
        ({"beable": [[0, 1]]}, "Argument `beable` must have shape (any,)"),
        ({"f": -1.0}, "Argument `f` must not be negative, but it is -1.0"),
        ({"f": [1.0, 2.0]}, "Argument `f` must have shape ()"),
        ({"damping": np.nan}, "Argument `damping` must be finite"),
        ({"R": -np.ones((2, 2))}, "Argument `R` must be symmetric and not negative"),
        ({"potential": "cos"}, "Argument `potential` must be one of 'sin2', '1-cos'"),
        ({"norm": "N"}, "Argument `norm` must be one of 'paper', 'class'"),
    ],
)
def test_input(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        PhaseAlignment(**GOOD | {"f": 1.0} | change)


def test_input_of_states():
    law = PhaseAlignment(**GOOD, f=1.0)
    # One of three and two of three, to within one individual.
    law.prepare(np.sqrt([0.3, 0.7]))
    with pytest.raises(ValueError, match="must have the populations"):
        law.prepare(np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="must be normalised"):
        law.prepare(np.array([1.0, 1.0]))
    with pytest.raises(ValueError, match="Argument `phase` must have shape"):
        law.start(np.zeros(2))
    with pytest.raises(ValueError, match="Argument `momentum` must be real"):
        law.start(np.zeros(3), np.zeros(3) + 0j)
    with pytest.raises(ValueError, match="Argument `occupation` must be whole"):
        PhaseAlignment.of_occupation([0.5, 2], *[GOOD[k] for k in ("omega", "R")], 0, 1)
    with pytest.raises(ValueError, match="must be known when the law is made"):
        jax.jit(lambda b: PhaseAlignment(b, *list(GOOD.values())[1:], 1.0))(
            np.array([0, 1])
        )
