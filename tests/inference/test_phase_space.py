"""C of the Husimi law from Husimi functions, moments and heterodyne samples."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import jqd
from jqd import problems
from jqd.inference import (
    Search,
    Unidentifiable,
    fit_likelihood,
    log_likelihood,
    recover,
)
from jqd.inference.estimators import length_scales
from jqd.instruments import SampleMoments
from jqd.laws.husimi import Exact, HusimiFokkerPlanck, Series
from jqd.records import Record, load_phase_space
from jqd.records.phase_space import sample_moments, sample_orders
from jqd.spaces.symbols import parameters_of, parse_hamiltonian
from jqd.states import coherent

ALPHA = 1.2 + 0.5j
TS = np.array([0.2, 0.5, 1.0])
QUICK = Search(steps=20, windows=2, chunk=10)
KERR = "0.5*U*ad^2*a^2"


def law_of(text=KERR, C=1.0, points=None, levels=100, orders=60):
    form, ones = Exact(levels, Series(orders)), dict.fromkeys(parameters_of(text), 1.0)
    return HusimiFokkerPlanck(text, C, points=points, form=form, **ones)


def exact(observe, ts=TS, text=KERR):
    """Values by the law at C = 1, which its own tests hold against exact evolution."""
    law = law_of(text, levels=48, orders=0)  # at C = 1 all others vanish
    times = jnp.concatenate([jnp.zeros(1), jnp.asarray(ts)])
    state = law.prepare(coherent(ALPHA, 40))
    return jqd.evolve(law, state, times, observe=observe(law)).values[1:]


def outcomes(count, seed=0):
    """Heterodyne outcomes at `TS`, drawn on a fine grid and spread over its cells."""
    x = np.linspace(-5.0, 5.0, 301)
    points = x[None, :] + 1j * x[:, None]
    maps = exact(lambda law: lambda t, s: law.density(s, jnp.asarray(points)))
    rng, step = np.random.default_rng(seed), x[1] - x[0]
    drawn = []
    for values in np.asarray(maps):
        share = values.ravel() / values.sum()
        place = points.ravel()[rng.choice(share.size, count, p=share)]
        jitter = rng.random((2, count)) - 0.5
        drawn.append(place + step * (jitter[0] + 1j * jitter[1]))
    return np.array(drawn)


@pytest.mark.slow
def test_C_from_husimi_functions_of_another_program():
    """Record that QuTiP computed, good to 1e-12; starts over all of the span of C."""
    record = problems.kerr_husimi().thinned(100)
    data, observe = record.data()
    found = recover(
        law_of(C=0.4, points=record.points), data, psi0=coherent(ALPHA, 40),
        free=("C",), starts=np.linspace(0.35, 1.75, 8)[:, None], instrument=observe,
        search=QUICK,
    )  # fmt: skip
    assert found.status == "converged"
    assert abs(found.constants["C"].value - 1) < 1e-10
    assert bool(jnp.all(found.agree))
    np.testing.assert_allclose(found.ends, 1.0, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_joint_fit_of_C_and_the_hamiltonian():
    text = "0.5*U*ad^2*a^2 + omega*ad*a"
    x = np.linspace(-4, 4, 13)
    points = jnp.asarray(x[None, :] + 1j * x[:, None])

    def observe(law):
        return lambda t, s: law.density(s, points)

    values = exact(observe, text="0.5*ad^2*a^2 + 0.3*ad*a")
    # C stays near 1: what is beyond falls by 0.07 a level
    law = law_of(text, C=0.93, points=points, levels=44, orders=24)
    start = {"C": 0.93, "U": 1.08, "omega": 0.33}
    found = recover(
        law, Record(TS, values, t0=0.0), psi0=coherent(ALPHA, 40), free=tuple(start),
        start=start, starts=np.array([[0.93, 1.08, 0.33], [1.06, 0.92, 0.27]]),
        search=None,
    )  # fmt: skip
    got = [found.constants[name].value for name in start]
    np.testing.assert_allclose(got, [1.0, 1.0, 0.3], rtol=0, atol=1e-10)


@pytest.mark.slow
def test_C_from_three_moments(tmp_path):
    """<α> and <α²> at three times."""
    orders = np.array([[1, 0], [2, 0]])

    def observe(law):
        return lambda t, s: jnp.stack(
            [law.moment(s, int(m), int(n)) for m, n in orders]
        )

    moments = np.asarray(exact(observe))
    np.savez(tmp_path / "m.npz", t=TS, moments=moments, orders=orders, alpha0=ALPHA)
    record = load_phase_space(tmp_path / "m.npz")
    data, what = record.data()
    law = law_of(C=0.8, levels=64, orders=40)
    found = recover(
        law, data, psi0=coherent(ALPHA, 40), free=("C",), start={"C": 0.8},
        starts=np.array([[0.8], [1.3]]), instrument=what, search=None,
    )  # fmt: skip
    np.testing.assert_allclose(found.constants["C"].value, 1, rtol=0, atol=1e-10)
    assert bool(jnp.all(found.agree))


@pytest.mark.slow
def test_C_from_samples_with_an_honest_error(tmp_path):
    samples = outcomes(4000)
    np.savez(tmp_path / "s.npz", t=TS, samples=samples, alpha0=ALPHA)
    record = load_phase_space(tmp_path / "s.npz")
    data, observe = record.data()
    assert isinstance(data.noise, SampleMoments)
    law = law_of(C=0.8, levels=64, orders=40)
    found = recover(
        law, data, psi0=coherent(ALPHA, 40), free=("C",), start={"C": 0.8},
        starts=np.array([[0.8]]), instrument=observe, search=None,
    )  # fmt: skip
    error = found.constants["C"].stderr
    assert 0.003 < error < 0.03  # 1/√(12000 outcomes) times a slope of order one
    assert abs(found.constants["C"].value - 1) < 4 * error
    # 3 times 20 correlated moments: χ² per degree 1 ± √(2/59) = 0.18
    assert 0.4 < found.chi2_per_dof < 1.8


def test_moments_of_samples():
    rng = np.random.default_rng(5)
    samples = rng.normal(size=(1, 20000)) + 1j * rng.normal(size=(1, 20000))
    orders = sample_orders(1)
    assert (1, 0) in orders
    assert (0, 1) not in orders
    means = sample_moments(samples, orders)
    k = orders.index((1, 1))
    # <|α|²> = 2 with variance 4 for two unit normals: 5 standard errors of 2/√20000
    np.testing.assert_allclose(means[0, k], 2, atol=5 * 2 / np.sqrt(20000))
    # <|α|²> has no imaginary part: no weight, rather than an infinite one
    residuals = SampleMoments(orders, 20000).residuals(means + 0.1, means, means)
    assert np.all(np.isfinite(residuals))


def test_likelihood_counts_from_the_start():
    """Σ ln Q at each time, and the same on a clock that begins later."""
    samples = jnp.asarray([[0.7 - 0.3j, 1.4 + 0.4j], [1.1 + 0.1j, -0.4j], [0.2, 0.5j]])
    law, psi = law_of(levels=32, orders=3), coherent(ALPHA, 24)
    n = np.arange(24)
    # ad² a² is n (n - 1), diagonal; <α|ψ> by number states
    root = np.sqrt(np.cumprod(np.maximum(n, 1.0)))
    turned = np.asarray(psi) * np.exp(-0.5j * n * (n - 1) * TS[:, None])
    alpha = np.asarray(samples)[:, :, None]
    kets = np.exp(-(np.abs(alpha) ** 2) / 2) * alpha**n / root
    Q = np.abs(np.sum(np.conj(kets) * turned[:, None, :], axis=-1)) ** 2 / np.pi
    expected = np.sum(np.log(Q))
    for t0 in (0.0, 0.45):
        found = log_likelihood(law, psi, TS + t0, samples, t0)
        np.testing.assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.slow
def test_likelihood_stays_at_or_below_one():
    samples = outcomes(1500)
    law = law_of(C=0.8, levels=64, orders=40)
    psi = coherent(ALPHA, 40)
    fit = fit_likelihood(law, psi, TS, samples, start={"C": 0.85})
    assert fit.converged
    assert 0.9 < fit.constants["C"] <= 1
    below = log_likelihood(law_of(C=0.9, levels=64, orders=40), psi, TS, samples)
    assert fit.log_likelihood > float(below)
    with pytest.raises(ValueError, match=r"C in \(0, 1\]"):
        fit_likelihood(law, psi, TS, samples, start={"C": 1.1})


@pytest.mark.slow
def test_length_scales_of_oscillators():
    omega = np.array([0.5, 1.3, 4.0])
    terms = [f"0.5*p{i}^2 + {w * w / 2}*q{i}^2" for i, w in enumerate(omega, 1)]
    found = length_scales(parse_hamiltonian(" + ".join(terms)).at(), 0.7)
    np.testing.assert_allclose(found.lengths, np.sqrt(0.7 / omega), rtol=1e-8)
    assert found.converged
    # a free particle has none: l goes off to infinity and the commutator stays
    assert not length_scales(parse_hamiltonian("0.5*p^2").at()).converged
    with pytest.raises(ValueError, match="must be quadratic"):
        length_scales(parse_hamiltonian(KERR, U=1.0).at())


@pytest.mark.parametrize(
    ("text", "free", "message"),
    [
        (KERR, ("C", "hbar"), "only as their product"),
        ("delta*ad*a", ("C",), "diffusion vanishes"),
        ("delta*ad*a", ("C", "delta"), "diffusion vanishes"),
    ],
)
def test_what_no_data_could_tell_is_refused(text, free, message):
    data = Record(TS, np.full((3, 2), 0.1), t0=0.0)
    law = law_of(text, points=[0.0, 1.0], levels=48, orders=10)
    with pytest.raises(Unidentifiable, match=message):
        recover(law, data, psi0=coherent(ALPHA, 40), free=free)


def test_C_and_s_of_a_quadratic_hamiltonian_without_qp():
    law = HusimiFokkerPlanck("0.5*p^2 + 0.4*q^2", s=1.0, points=[0.0, 1.0], form="fock")
    data = Record(TS, np.full((3, 2), 0.1), t0=0.0)
    with pytest.raises(Unidentifiable, match="H_qq"):
        recover(law, data, psi0=coherent(0.5, 20), free=("C", "s"))


# -- files -------------------------------------------------------------------------


def arrays(**changes):
    x = np.linspace(-2.0, 2.0, 5)
    maps = np.full((3, 4, 5), 0.05)
    good = {
        "t": TS, "x": x, "y": x[:4], "husimi": maps, "alpha0": 0.5j, "U": 1.5, "g": 2.0,
    }  # fmt: skip
    return {k: v for k, v in (good | changes).items() if v is not None}


def test_conventions_of_a_file(tmp_path):
    """QuTiP's g: α = g/2 (x + iy), values per dx dy become values per d²α."""
    path = tmp_path / "a.npz"
    np.savez(path, **arrays(g=np.sqrt(2)))
    record = load_phase_space(path)
    np.testing.assert_allclose(record.points[0], (-2 - 2j) / np.sqrt(2))
    np.testing.assert_allclose(record.points[1] - record.points[0], 1 / np.sqrt(2))
    np.testing.assert_allclose(record.values, 0.1)
    assert record.parameters == {"U": 1.5}
    assert record.thinned(6).values.shape == (3, 6)
    plain = xr.Dataset(
        {"husimi": (("t", "y", "x"), arrays()["husimi"]), "alpha0": 0.5, "g": 2.0},
        {name: arrays()[name] for name in "txy"},
    )
    plain.to_zarr(tmp_path / "a.zarr", consolidated=False)
    stored = load_phase_space(tmp_path / "a.zarr")
    np.testing.assert_allclose(stored.values, 0.05)
    assert stored.modes == 1


def test_points_of_two_modes(tmp_path):
    points = np.ones((7, 2), complex)
    changes = {"x": None, "y": None, "g": None, "points": points}
    changes["husimi"] = np.ones((3, 7))
    np.savez(tmp_path / "a.npz", **arrays(**changes, alpha0=np.array([1.0, 0.5])))
    record = load_phase_space(tmp_path / "a.npz")
    assert record.modes == 2
    assert dataclasses.replace(record, sigma=0.1).data()[0].noise.known


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"t": None}, "must hold `t`"),
        ({"husimi": None}, "must hold `husimi` for"),
        ({"samples": np.ones((3, 4))}, "Husimi functions and samples"),
        ({"alpha0": None}, "one of `alpha0`, `psi0` and `rho0`"),
        ({"psi0": np.ones(3)}, "one of `alpha0`, `psi0` and `rho0`"),
        ({"x": None}, "`points`, or `x` and `y`"),
        ({"husimi": np.ones((3, 5, 4))}, r"`husimi` \[t, y, x\]"),
        ({"husimi": np.full((3, 4, 5), np.nan)}, "must be finite"),
        ({"t": TS[:2]}, "one row of `husimi` per time"),
        (
            {"husimi": None, "moments": np.ones((3, 2)), "g": None},
            "must hold `orders` for moments",
        ),
        (
            {
                "husimi": None,
                "moments": np.ones((3, 2)),
                "orders": np.ones((3, 2)),
                "g": None,
            },
            "`orders`",
        ),
        ({"husimi": np.full((3, 4, 5), 0.05 + 0.1j)}, "must hold real `husimi`"),
        ({"husimi": np.full((3, 4, 5), -0.05)}, "positive somewhere"),
        ({"sigma": np.full(4, 0.1)}, "`sigma`"),
        ({"sigma": 0.0}, "`sigma` must be positive"),
        ({"sigma": np.inf}, "must be finite"),
        ({"g": -2.0}, "`g` must be positive"),
        ({"g": np.array([2.0, 2.0])}, "one number as `g`"),
        ({"t0": 0.3}, "from `t0` on"),
        ({"t": TS[::-1]}, "increase"),
        ({"U": 1j}, "must hold real `U`"),
        ({"alpha0": np.ones(2)}, "`alpha0` of 1 modes"),
        ({"points": np.ones(5)}, "`g` beside"),
        (
            {
                "husimi": None,
                "moments": np.ones((3, 1)),
                "g": None,
                "orders": np.array([[-1, 0]]),
            },
            "whole numbers from 0 on",
        ),
    ],
)
def test_bad_files(tmp_path, changes, message):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays(**changes))
    with pytest.raises(ValueError, match=message) as caught:
        load_phase_space(path)
    assert "a.npz" in str(caught.value)


def test_one_sample_shows_no_scatter(tmp_path):
    np.savez(tmp_path / "s.npz", t=TS, samples=np.ones((3, 1)), alpha0=ALPHA)
    with pytest.raises(ValueError, match="17 or more samples at each time"):
        load_phase_space(tmp_path / "s.npz").data()


def test_files_of_other_kinds(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        load_phase_space(tmp_path / "none.npz")
    (tmp_path / "a.csv").write_text("t,x\n")
    with pytest.raises(ValueError, match=r"\.npz"):
        load_phase_space(tmp_path / "a.csv")
    (tmp_path / "b.npz").write_bytes(b"PK broken")
    with pytest.raises(ValueError, match=r"broken|pickled"):
        load_phase_space(tmp_path / "b.npz")
