"""Constants that scatter from run to run, by closed forms and sums in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.inference.joint import joined
from jqd.instruments import Confusion
from jqd.laws import RandomConstant, Wrapped
from jqd.laws.rivals.averaged_runs import by_another_rule

X, Z = np.array([[0.0, 0.5], [0.5, 0.0]]), np.diag([0.5, -0.5])
UP = np.array([1.0, 0.0])
DELTA, SD, RABI = 0.8, 0.3, 2.0
# steps of a constant H are exponentials
EXACT = jqd.Fixed(substeps=4)


def steady(t, delta):
    """One function for all, so that laws of one form share their programs."""
    return delta + 0 * t


def turning():
    """H = δ σ_x/2."""
    return jqd.driven((X, jqd.pulse(steady, delta=DELTA)))


def detuned(delta=DELTA, height=0.0, start=0.0, end=1.0):
    """H = (δ σ_z + Ω(t) σ_x)/2 with one square pulse."""
    turn = jqd.pulse(steady, delta=delta)
    drive = jqd.spaces.named_pulse("square", height=height, start=start, end=end)
    return jqd.driven((Z, turn), (X, drive))


def normal_mean(function, nodes=60):
    """Of δ over its distribution, by another number of nodes."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    return sum(w * function(DELTA + SD * x)) / w.sum()


def test_a_spread_of_detunings_dephases_as_a_gaussian():
    """Under δ σ_x/2, ⟨σ_z⟩ of |0⟩ is cos δt exp(-(σt)²/2)."""
    law = RandomConstant(jqd.Schrodinger(turning()), "delta", SD)
    ts = np.linspace(0, 4, 9)
    run = jqd.evolve(law, law.prepare(UP), ts, method=EXACT, observe="density")
    exact = np.cos(DELTA * ts) * np.exp(-((SD * ts) ** 2) / 2)
    found = run.values[:, 0] - run.values[:, 1]
    # 15 nodes: (σt)^30 15!/30! = 1e-18, and rounding
    np.testing.assert_allclose(found, exact, atol=1e-12)
    # 10 nodes: (σt)^20 10!/20! = 6e-11, at most
    assert float(run.resolution[-1]) < 1e-10


def test_the_error_of_few_nodes_is_told():
    """At σt = 4 five nodes are far off, and three farther."""
    law = jqd.Schrodinger(turning())
    ts = np.array([0.0, 4.0 / SD])
    few = RandomConstant(law, "delta", SD, nodes=5)
    run = jqd.evolve(few, few.prepare(UP), ts, method=EXACT, observe="density")
    exact = np.cos(DELTA * ts[-1]) * np.exp(-8)
    error = abs(run.values[-1, 0] - run.values[-1, 1] - exact)
    rules = [np.polynomial.hermite_e.hermegauss(n) for n in (5, 3)]
    one, other = (
        (w * np.cos((DELTA + SD * x) * ts[-1])).sum() / w.sum() for x, w in rules
    )
    assert error == pytest.approx(abs(one - exact), rel=1e-6)
    # the shares differ by half as much each, and sum to 1
    assert float(run.resolution[-1]) == pytest.approx(abs(one - other), rel=1e-6)
    assert error > 0.1


@pytest.mark.parametrize(
    "make",
    [
        jqd.Schrodinger,
        jqd.CopyDynamics.from_hamiltonian,
        lambda H: jqd.laws.GrossPitaevskii(H, 0.0),
        lambda H: jqd.Lindblad(H, {"none": jqd.laws.Jump(X, 0.0)}),
    ],
    ids=["quantum", "copies", "nonlinear", "open"],
)
def test_a_pulse_is_averaged_under_every_law(make):
    """At their quantum values, off resonance: the mean of exp(-iHt)."""
    name = "pulse[0].delta"
    law = RandomConstant(make(detuned(height=RABI, end=9.0)), name, SD, nodes=11)
    method = jqd.Fixed(jqd.steppers.rk4, 100, estimate_error=False)
    # by the class that is filled, from a state without a node
    psi = np.array([0.8, 0.6])
    run = jqd.evolve(
        law, law.prepare(psi), np.array([0.0, 1.5]), method=method, observe="density"
    )

    def shown(delta):
        w = np.hypot(RABI, delta)
        c, s = np.cos(w * 0.75), np.sin(w * 0.75) / w
        return np.abs((c + 1j * delta * s) * 0.6 - 1j * RABI * s * 0.8) ** 2

    # steps of 0.015: (w dt)^4/120 each, 1e-8 in all
    assert float(run.values[-1, 1]) == pytest.approx(normal_mean(shown), abs=1e-7)
    assert run.ok


@pytest.mark.slow
def test_copies_with_a_frequency_that_scatters_are_the_same():
    """A detuning of the drive is ω_1 - ω_0; away from the quantum values as well."""
    H = detuned(height=RABI, end=9.0)
    copies = jqd.CopyDynamics.from_hamiltonian(H, 0.45)
    one = RandomConstant(copies, "pulse[0].delta", SD, nodes=7)
    # δ σ_z/2 moves ω_1 - ω_0 by -δ, and nodes are symmetric
    other = jqd.laws.RandomFrequencies(copies, SD, 1, nodes=7)
    method = jqd.Fixed(jqd.steppers.rk4, 50, estimate_error=False)
    psi, ts = np.array([0.8, 0.6]), np.array([0.0, 0.7])
    found = [
        jqd.evolve(law, law.prepare(psi), ts, method=method, observe="density").values
        for law in (one, other)
    ]
    # phases in common, which steps of .014 turn to 1e-8
    np.testing.assert_allclose(*found, atol=1e-7)
    assert np.abs(found[0] - 0.5).max() > 0.05


def test_the_slope_by_the_spread_is_that_of_the_gaussian():
    # of errors by steps there is no slope
    method = jqd.Fixed(substeps=4, estimate_error=False)

    def contrast(sd):
        law = RandomConstant(jqd.Schrodinger(turning()), "delta", sd)
        ts = jnp.array([0.0, 2.0])
        run = jqd.evolve(law, law.prepare(UP), ts, method=method, observe="density")
        return run.values[-1, 0] - run.values[-1, 1]

    slope = jax.jacfwd(contrast)(jnp.asarray(SD))
    exact = -SD * 4 * np.cos(2 * DELTA) * np.exp(-2 * SD**2)
    assert float(slope) == pytest.approx(exact, rel=1e-9)


@pytest.mark.slow
def test_a_ramsey_scan_tells_detuning_and_spread():
    """Quarter turns without width: p₁ = (1 + cos δτ exp(-(στ)²/2))/2 of short pulses.

    The fit must return what made the data, with the errors of least squares in NumPy.
    """
    gaps, width, shots = np.linspace(0.2, 5.0, 25), 1e-3, 4000
    strong = np.pi / 2 / width
    H = jqd.driven(
        (Z, jqd.pulse(lambda t, delta: delta + 0 * t, delta=DELTA)),
        (X, jqd.spaces.named_pulse("square", height=strong, start=0.0, end=width)),
        (
            X,
            jqd.spaces.named_pulse("square", height=strong, start=1.0, end=1.0 + width),
        ),
    )
    law = RandomConstant(jqd.Schrodinger(H), "delta", SD, nodes=12)
    p = (1 + np.cos(DELTA * gaps) * np.exp(-((SD * gaps) ** 2) / 2)) / 2
    ones = np.random.default_rng(4).binomial(shots, p)
    counts = np.stack([shots - ones, ones], axis=1)
    settings = {"pulse[2].start": width + gaps, "pulse[2].end": 2 * width + gaps}
    scan = jqd.Scan(settings, counts, jqd.Multinomial(), ts=2 * width + gaps)
    study = jqd.Study(
        law, scan, psi0=UP, free=("delta", "sd"), instrument=Confusion(),
        method=jqd.Fixed(None, 4),
    )  # fmt: skip
    found = jqd.fit(study, start={"delta": 0.75, "sd": 0.25}, starts=1, search=None)
    fade = np.exp(-((SD * gaps) ** 2) / 2) / 2
    slopes = np.stack([
        -gaps * np.sin(DELTA * gaps) * fade,
        -SD * gaps**2 * np.cos(DELTA * gaps) * fade,
    ])  # fmt: skip
    errors = np.sqrt(
        np.diag(np.linalg.inv((slopes * shots / (p * (1 - p))) @ slopes.T))
    )
    for name, true, error in zip(("delta", "sd"), (DELTA, SD), errors, strict=True):
        # gaps are longer by a 1000th: a fifth of an error of δ at most
        assert float(found.stderr[name]) == pytest.approx(error, rel=0.1)
        # beyond 4 standard errors once in 1e4 records
        assert abs(float(found.value[name]) - true) < 4 * error


# -- nodes beside a fit ----------------------------------------------------------------


class Same(Wrapped):
    """A law of a user's that changes nothing."""

    law: jqd.Law = jqd.parts()

    @property
    def inner(self):
        return self.law


def test_every_average_within_a_law_is_taken_by_another_rule():
    law = jqd.Schrodinger(turning())
    assert by_another_rule(Same(law)) is None
    for nodes, others in ((15, 10), (5, 3), (4, 6), (3, 5)):
        inner = RandomConstant(law, "delta", SD, nodes=nodes)
        outer = RandomConstant(Same(inner), "hbar", 0.01, nodes=9)
        found = by_another_rule(Same(outer))
        assert (found.law.nodes, found.law.law.law.nodes) == (6, others)
        assert float(found.law.law.law.sd) == SD
    copies = jqd.CopyDynamics.from_hamiltonian(Z)
    for nodes, others in ((15, 10), (2, 1), (1, 2)):
        found = by_another_rule(jqd.laws.RandomFrequencies(copies, SD, 1, nodes=nodes))
        assert (found.nodes, found.classes) == (others, (1,))


LOOKS = np.linspace(0.5, 10, 20)


def heights(nodes):
    """z = p₀ - p₁ by so many nodes, and its derivative with respect to sd."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    turn = (DELTA + SD * x) * LOOKS[:, None]
    z, slope = np.cos(turn), -LOOKS[:, None] * x * np.sin(turn)
    return z @ w / w.sum(), slope @ w / w.sum()


def measured(nodes, free="sd", law=None):
    """A study of what so many nodes predict, to .01: only rounding is missed."""
    z, _ = heights(nodes)
    values = np.stack([1 + z, 1 - z], axis=1) / 2
    record = jqd.Record(LOOKS, values, jqd.Gaussian(0.01), t0=0.0)
    quantum = jqd.Schrodinger(turning())
    law = law or RandomConstant(quantum, "delta", SD, nodes=nodes)
    return jqd.Study(law, record, psi0=UP, free=free, method=jqd.Fixed(None, 4))


def of_three_nodes():
    """Shift of sd by linear response where three nodes stand for five, and its standard
    error by p₀ = (1 + z)/2 alone: both columns sum to 1."""
    (z, slope), (other, _) = heights(5), heights(3)
    return slope @ (z - other) / (slope @ slope), 0.02 / np.sqrt(slope @ slope)


@pytest.mark.slow
def test_the_error_of_a_constant_includes_that_of_the_nodes():
    shift, scatter = of_three_nodes()
    # as large as the scatter or larger: it is seen where it is left out
    assert abs(shift) > scatter
    found = jqd.fit(measured(5), start={"sd": 0.29}, starts=1, search=None)
    one = found.constants["sd"]
    # the fit ends within 1e-7; steps of a constant H are exponentials
    assert float(one.value) == pytest.approx(SD, rel=1e-6)
    assert float(one.step_bias) == pytest.approx(abs(shift), rel=1e-3)
    assert float(one.scatter) == pytest.approx(scatter, rel=1e-3)
    assert float(one.stderr) == pytest.approx(np.hypot(scatter, shift), rel=1e-3)


@pytest.mark.slow
def test_a_recovery_says_that_its_nodes_are_few():
    options = {"start": {"sd": 0.29}, "starts": 1, "search": None, "held_out": 0.0}
    found = jqd.recover(measured(5), **options)
    shift, _ = of_three_nodes()
    assert f"leave an error in sd ({abs(shift):.1g})" in found.message
    # σt is 3 at most: 26 nodes for 40 leave 3^52 26!/52! = 1e-17
    assert "nodes" not in jqd.recover(measured(40), **options).message


def test_of_several_studies_those_with_an_average_take_another_rule():
    alone = measured(5, "delta", jqd.Schrodinger(turning()))
    one, other = joined([measured(5, "delta"), alone]).by_another_rule().studies
    assert one.law.nodes == 3
    assert isinstance(other.law, jqd.Schrodinger)
    assert joined([alone]).by_another_rule() is None


def test_a_spread_is_measured_in_the_range_of_its_constant():
    """Half of .8 and a tenth of it, to each side: the span of sd ends at .48."""
    law = RandomConstant(jqd.Schrodinger(detuned()), "delta", SD)
    low, high = jqd.constants.span(law, "sd")
    np.testing.assert_allclose(np.ravel([low, high]), [0, 0.6 * DELTA])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda law: RandomConstant(law, "delta", -0.1), "`sd` must not be negative"),
        (lambda law: RandomConstant(law, "beta", 0.1), "`name` must be one of"),
        (lambda law: RandomConstant(3, "delta", 0.1), "`law` must be a law"),
        (
            lambda law: RandomConstant(law, "delta", 0.1, nodes=2),
            "`nodes` must be at least 3",
        ),
        (
            lambda law: RandomConstant(law, "delta", 0.1, nodes=101),
            "`nodes` must be at most 100",
        ),
        *(
            (
                lambda law, name=name: RandomConstant(Same(law), name, 1e-3),
                "`name` must not name the time or the width of a pulse",
            )
            for name in ("start", "end")
        ),
        (
            lambda law: RandomConstant(
                jqd.CopyDynamics.from_hamiltonian(Z), "omega", 0.1
            ),
            "must name a constant that is one real number",
        ),
        (
            lambda law: RandomConstant(jqd.laws.Decay(law, 5.0), "T1", 0.1),
            "must name a constant without bounds",
        ),
        (
            lambda law: RandomConstant(
                jqd.laws.Collapse(Z, np.eye(2), 0.1), "hbar", 0.1
            ),
            "`law` must be neither random nor have impulses",
        ),
    ],
)
def test_what_cannot_scatter(make, said):
    with pytest.raises(ValueError, match=said):
        make(jqd.Schrodinger(detuned()))


def test_a_gaussian_pulse_may_scatter_in_its_area_alone():
    """Also where the pulse is traced, so that nobody knows its numbers."""

    def averaged(center, name):
        shape = {"area": 0.5, "center": center, "width": 0.1}
        law = jqd.Schrodinger(
            jqd.driven((X, jqd.spaces.named_pulse("gaussian", **shape)))
        )
        return RandomConstant(law, name, 0.01).sd

    assert float(averaged(0.4, "area")) == 0.01
    for make in (averaged, jax.jit(averaged, static_argnums=1)):
        for name in ("center", "width"):
            with pytest.raises(ValueError, match="the time or the width of a pulse"):
                make(0.4, name)
