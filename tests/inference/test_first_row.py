"""The row at t0 beside the prepared state: what is refused, and in which words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import problems
from jqd.evolution import Fixed
from jqd.inference import Study, recover
from jqd.instruments import (
    EnsembleNoise,
    Gaussian,
    Multinomial,
    NoNoise,
    SampleMoments,
)
from jqd.instruments.noise import strain
from jqd.laws.husimi import Exact, HusimiFokkerPlanck, Series
from jqd.observe import Moments
from jqd.records import Record
from jqd.records.atoms import AtomPositions, AtomRecord
from jqd.records.phase_space import sample_moments, sample_orders
from jqd.states import antinormal_moment, coherent, husimi

KERR, ALPHA = "0.5*U*ad^2*a^2", 1.2 + 0.5j
TS = np.array([0.0, 0.5])


def check(law, data, psi0, free, observe="density"):
    method = Fixed(law.stepper)
    Study(law, data, psi0=psi0, free=free, instrument=observe, method=method)


def refused(message, *arguments, **options):
    with pytest.raises(ValueError, match=message) as caught:
        check(*arguments, **options)
    assert str(caught.value).startswith("Argument `data` must begin with the state")


@pytest.fixture(scope="module")
def levels():
    problem = problems.four_level()
    return (
        jqd.CopyDynamics.from_hamiltonian(problem.hamiltonian),
        np.asarray(problem.psi0),
        problem.populations,
        problem.counts,
    )


def test_percent_is_refused_although_no_row_is_at_t0(levels):
    """One class of four in percent has 25 or more, which no share has."""
    law, psi, record, counts = levels
    late, values = np.asarray(record.ts)[1:], np.asarray(record.values)[1:]
    for noise in (NoNoise(), Gaussian(1.0)):
        data = Record(late, 100 * values, noise, t0=record.t0)
        with pytest.raises(ValueError, match="row 0 sums to 100; divide percent"):
            check(law, data, psi, ("q",))
    check(law, Record(late, values, Gaussian(0.01), t0=record.t0), psi, ("q",))
    counted = np.asarray(counts.values)[1:]
    check(law, Record(late, counted, Multinomial(), t0=record.t0), psi, ("q",))
    # what is no probability may have any size
    height = 100 * values @ np.arange(4.0)[:, None]
    data = Record(late, height, Gaussian(1.0), t0=record.t0)
    levels = 100 * jnp.arange(4.0)
    check(law, data, psi, ("q",), lambda t, state: (law.density(state) @ levels)[None])


def test_populations(levels):
    law, psi, record, _ = levels
    ts, values = np.asarray(record.ts), np.asarray(record.values)
    free = ("q", "r")
    check(law, record, psi, free)
    check(law, record, psi.conj(), free)  # densities do not show it
    order = [2, 0, 3, 1]
    refused(r"columns show the classes 2, 0, 3, 1", law, Record(ts, values[:, order]),
            psi, free)  # fmt: skip
    refused("100 times those expected", law, Record(ts, 100 * values), psi, free)
    later = np.sqrt(values[5])
    refused(f"row 5, t = {ts[5]:.4g}", law, record, later, free)
    other = np.sqrt([0.4, 0.3, 0.2, 0.1])
    refused("look at the initial state", law, record, other, free)
    # a record from later on has no such row
    check(law, Record(ts[1:], values[1:], t0=0.0), other, free)


def test_errors_decide(levels):
    law, psi, record, counts = levels
    ts, values = np.asarray(record.ts), np.asarray(record.values)
    free = ("q",)
    off = values.copy()
    off[0] += 0.02 * np.array([1, -1, 1, -1])
    check(law, Record(ts, off, Gaussian(0.02)), psi, free)
    refused("errors are too small", law, Record(ts, off, Gaussian(0.002)), psi, free)
    refused("say by how much", law, Record(ts, off, NoNoise()), psi, free)
    check(law, counts, psi, free)
    n = np.asarray(counts.values)
    wrong = Record(ts, n[:, ::-1].copy(), Multinomial())
    refused("classes 3, 2, 1, 0", law, wrong, psi, free)
    check(law, Record(ts, n, EnsembleNoise(20000)), psi, free)
    wrong = Record(ts, n[:, ::-1].copy(), EnsembleNoise(20000))
    refused("classes 3, 2, 1, 0", law, wrong, psi, free)


def test_chance_is_not_refused():
    """Of 4000 records with right errors none, of any size; of those far off all."""
    rng = np.random.default_rng(1)
    for n in (1, 4, 100, 2000):
        draws = rng.standard_normal((1000, n))
        assert max(map(strain, draws)) < 1
        assert min(strain(row) for row in draws + 4 + 6 / np.sqrt(n)) > 1


def test_what_free_constants_change_is_not_compared(levels):
    law, psi, record, _ = levels
    # unknown phases leave densities as they are: those are compared
    check(law, record, psi, ("phase0", "q"))
    refused("initial state", law, record, np.full(4, 0.5), ("phase0", "q"))

    # what the observable shows of the phases is left out
    def quadrature(t, state):
        return jnp.real(law.psi(state))

    values = np.ones((2, 4))
    check(law, Record(TS, values), psi, ("phase0",), observe=quadrature)
    refused("row at t0", law, Record(TS, values), psi, ("q",), observe=quadrature)


def test_a_state_that_depends_on_a_free_constant():
    """The Husimi function of a ket spreads with hbar: left out where that is free."""
    points = jnp.asarray(np.linspace(-2, 2, 9) + 0.3j)
    law = HusimiFokkerPlanck(
        KERR, hbar=1.3, points=points, form=Exact(32, Series(12)), U=1.0
    )
    psi = coherent(ALPHA, 20)
    data = Record(TS, np.stack([np.asarray(husimi(psi, points))] * 2))
    check(law, data, psi, ("hbar",))
    refused("row at t0", law, data, psi, ("C",))


def test_nothing_is_compared_under_a_trace(levels):
    law, psi, record, _ = levels

    @jax.jit
    def run(values):
        check(law, Record(record.ts, values), psi, ("q",))
        return 0

    run(2 * record.values)


@pytest.fixture(scope="module")
def kerr():
    x, y = np.linspace(-3.5, 4.5, 17), np.linspace(-4.0, 4.0, 17)
    points = x[None, :] + 1j * y[:, None]
    law = HusimiFokkerPlanck(
        KERR, 0.9, points=points.ravel(), form=Exact(40, Series(20)), U=1.0
    )  # fmt: skip
    return law, points, coherent(ALPHA, 30)


def q(points):
    """Q of the coherent state, by its definition."""
    return np.exp(-(np.abs(points - ALPHA) ** 2)) / np.pi


def rows(values):
    return Record(TS, np.stack([np.ravel(values)] * 2))


def test_maps(kerr):
    law, points, psi = kerr
    check(law, rows(q(points)), psi, ("C",))
    # read with g = 2, but written with QuTiP's default
    own = q(points / np.sqrt(2)) / 2
    refused(r"g is 0\.7071 times", law, rows(own), psi, ("C",))
    refused("points are 2 times", law, rows(q(2 * points)), psi, ("C",))
    refused("x and y are exchanged", law, rows(q(1j * points.conj())), psi, ("C",))
    refused("y has the other sign", law, rows(q(points.conj())), psi, ("C",))
    refused("3.142 times those expected", law, rows(np.pi * q(points)), psi, ("C",))
    refused("look at the initial", law, rows(q(points - 0.4)), psi, ("C",))
    noisy = q(points) + 0.01 * np.random.default_rng(0).standard_normal(points.shape)
    check(law, Record(TS, rows(noisy).values, Gaussian(0.01)), psi, ("C",))


def test_moments(kerr):
    law, _, psi = kerr
    orders = ((1, 0), (2, 0), (1, 1), (2, 1))
    observe = Moments(orders)
    exact = np.array([antinormal_moment(psi, m, n) for m, n in orders])

    def data(moments):
        return Record(TS, np.stack([np.asarray(Moments.stack(moments))] * 2))

    check(law, data(exact), psi, ("C",), observe)
    refused("conjugated", law, data(exact.conj()), psi, ("C",), observe)
    # of a coherent state <a†^n a^m> = α^m α*^n
    normal = np.array([ALPHA**m * np.conj(ALPHA) ** n for m, n in orders])
    refused("normal order", law, data(normal), psi, ("C",), observe)
    # <|α|²> = |α|² + 1/2 and <α|α|²> = α (|α|² + 1) of its Wigner function
    wigner = normal + np.array([0, 0, 0.5, ALPHA])
    refused("order of Weyl", law, data(wigner), psi, ("C",), observe)
    powers = np.array([m + n for m, n in orders])
    scaled = exact * np.sqrt(2) ** powers
    refused(r"1\.414 times α", law, data(scaled), psi, ("C",), observe)


def test_samples(kerr):
    law, _, psi = kerr
    rng, orders = np.random.default_rng(2), sample_orders(1)
    noise = rng.standard_normal((2, 2, 500)) / np.sqrt(2)
    drawn = ALPHA + noise[0] + 1j * noise[1]

    def data(samples):
        return Record(TS, sample_moments(samples, orders), SampleMoments(orders, 500))

    check(law, data(drawn), psi, ("C",), Moments(orders))
    refused("conjugated", law, data(drawn.conj()), psi, ("C",), Moments(orders))
    refused(r"1\.414", law, data(np.sqrt(2) * drawn), psi, ("C",), Moments(orders))


def test_densities():
    record = problems.double_well()
    law = jqd.ConservativeDiffusion(record.grid, record.potential, 0.3)
    psi, density = record.initial, record.density
    check(law, record.data()[0], psi, ("D",))

    def of(values):
        return Record(record.ts, values)

    cell = record.grid.cell
    refused("times those expected", law, of(density * cell), psi, ("D",))
    refused(r"\|psi\| instead", law, of(np.sqrt(density)), psi, ("D",))
    refused("reversed", law, of(density[:, ::-1].copy()), psi, ("D",))
    refused("shifted by 3 points", law, of(np.roll(density, 3, 1)), psi, ("D",))
    noisy = problems.double_well("density_noisy")
    check(law, noisy.data()[0], psi, ("D",))


def test_atoms():
    x0 = np.array([0.0, 1.3, 2.0, 3.1])
    record = AtomRecord(TS, np.stack([x0, x0]), np.arange(4), x0, np.zeros(4))
    data, observe = record.data()
    assert isinstance(observe, AtomPositions)
    law = record.law(1.1)
    check(law, data, record.state(), ("K",), observe)
    shifted = Record(TS, data.values + 0.5)
    refused("another origin, by 0.5", law, shifted, record.state(), ("K",), observe)
    swapped = Record(TS, data.values[:, ::-1])
    refused("classes 3, 2, 1, 0", law, swapped, record.state(), ("K",), observe)


def test_a_fit_refuses_before_it_begins(levels):
    law, psi, record, _ = levels
    data = Record(record.ts, np.asarray(record.values)[:, ::-1].copy())
    with pytest.raises(ValueError, match="row at t0"):
        recover(law, data, psi0=psi, free=("q",))
