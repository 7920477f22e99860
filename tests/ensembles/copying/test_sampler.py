"""The class-level copy process: what must hold whatever is drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants, problems
from jqd.ensembles import copying
from jqd.ensembles.copying.populations import drawn, phase_factors, rounded
from jqd.ensembles.copying.rates import Process, rates

KEY = jax.random.key(5)
TS = np.array([0.0, 0.3, 0.7])


def process(law, copies=1e4, spectators=0.0, printed=False):
    size = law.omega.shape[0]
    return Process(law, jnp.asarray(copies), jnp.full(size, spectators), printed)


def with_harmonics(q, r):
    law, psi = problems.golden(q, r)
    R = np.zeros((1, 3, 3))
    delta = np.zeros((1, 3, 3))
    upper = np.triu_indices(3, 1)
    R[0][upper], delta[0][upper] = (0.1, 0.05, 0.2), (0.2, -0.4, 0.9)
    terms = jqd.laws.Harmonics(
        (2,), R + R.swapaxes(1, 2), delta - delta.swapaxes(1, 2)
    )  # fmt: skip
    return jqd.CopyDynamics(law.omega, law.R, law.delta, q, r, harmonics=terms), psi


# -- rates ---------------------------------------------------------------------------


@pytest.mark.parametrize(("q", "r"), [(0.5, -0.5), (0.3, -0.8)])
def test_rates_are_those_of_the_law(q, r):
    """The net flow and the turning are the literal law's, harmonics included."""
    law, psi = with_harmonics(q, r)
    flow, turn = rates(process(law), psi, jnp.ones(3, bool))
    state = jqd.laws.DensityPhase(jnp.abs(psi) ** 2, -jnp.angle(psi))
    expected = law.vector_field(0.0, state)
    gain = jnp.sum(flow - flow.T, axis=1)
    # rounding of sums of a dozen terms of order 1
    np.testing.assert_allclose(gain, expected.density, atol=1e-14)
    np.testing.assert_allclose(turn, expected.phase, atol=1e-14)
    assert jnp.min(flow) >= 0


@pytest.mark.equation("copying", "39")
def test_printed_sign_runs_backwards():
    law, psi = problems.golden()
    right, wrong = (rates(process(law, printed=p), psi, jnp.ones(3, bool)).flow
                    for p in (False, True))  # fmt: skip
    np.testing.assert_allclose(
        jnp.sum(right - right.T, 1), -jnp.sum(wrong - wrong.T, 1), atol=1e-15
    )


def test_spectators_are_copied_and_do_not_copy():
    """They raise what can be copied, n_a + s, but not those who may copy, n_b."""
    law, _ = problems.two_classes(0.5, 0.0)
    n, s = np.array([30.0, 10.0]), 5.0
    psi = jnp.asarray(np.sqrt((n + s) / 40) * np.exp([-1j * 0.8, 0]))
    flow = rates(process(law, 40, s), psi, jnp.ones(2, bool)).flow
    # b = 1 -> a = 0: n_b sqrt(m_a / m_b) 2 R sin x, of N
    expected = 10 * np.sqrt(35 / 15) * 2 * np.sin(0.8) / 40
    np.testing.assert_allclose(flow[0, 1], expected, rtol=1e-14)
    assert flow[1, 0] == 0


# -- starts --------------------------------------------------------------------------


def test_rounded_counts_sum_to_the_copies():
    rng = np.random.default_rng(1)
    for size, copies in ((3, 7), (8, 1000), (5, 10**12)):
        density = jnp.asarray(rng.dirichlet(np.ones(size)))
        counts = rounded(density, copies)
        assert jnp.sum(counts) == copies
        assert jnp.all(jnp.abs(counts - copies * density) <= 1)


@pytest.mark.slow
def test_drawn_counts_sum_to_the_copies():
    density = jnp.array([0.5, 0.3, 0.2])
    counts = jax.vmap(lambda key: drawn(key, density, 100))(jax.random.split(KEY, 400))
    assert jnp.all(jnp.sum(counts, axis=1) == 100)
    # standard error of the mean of 400 binomials: at most 5/20; 4 of them
    np.testing.assert_allclose(jnp.mean(counts, 0), 100 * density, atol=1.0)


def test_phase_at_a_node_is_that_of_no_current():
    """x = 0 on the link to the only other class; elsewhere the phase of ψ."""
    H = np.array([[0.3, 0.4 - 0.2j], [0.4 + 0.2j, -0.1]])
    unit = phase_factors(jnp.array([0.6j + 0.8, 0]), jnp.asarray(H))
    np.testing.assert_allclose(unit[0], 0.6j + 0.8, atol=1e-15)
    current = jnp.imag(jnp.conj(unit[1]) * H[1, 0] * unit[0])
    np.testing.assert_allclose(current, 0, atol=1e-16)


# -- runs ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run():
    """A run of the three-level problem: the same compiled programs for all tests."""
    law, psi = problems.golden()

    def go(method, first=0, trajectories=24, copies=300, key=KEY, **options):
        return copying.sample(
            law, psi, TS, key, copies=copies, trajectories=trajectories,
            first=first, method=method, error_trajectories=0, **options,
        )  # fmt: skip

    return go


@pytest.mark.slow
@pytest.mark.sampled
@pytest.mark.parametrize("method", ["leap", "exact"])
def test_counts_are_whole_and_conserved(run, method):
    result = run(method)
    n = np.asarray(result.occupation)
    assert n.shape == (24, 3, 3)
    assert np.all(n == np.round(n))
    assert n.min() >= 0
    assert np.all(n.sum(-1) == 300)
    np.testing.assert_allclose(np.abs(result.psi) ** 2, n / 300, atol=1e-15)
    assert np.all(result.ok)
    assert np.all(np.isinf(result.extinction_time))
    assert n[:, -1].std(axis=0).min() > 1  # they do scatter


@pytest.mark.parametrize(
    "method", [pytest.param("leap", marks=pytest.mark.slow), "exact"]
)
@pytest.mark.bits
def test_the_split_into_batches_changes_nothing(run, method, monkeypatch):
    """Bit for bit, whatever runs beside whatever, and in chunks of any size."""
    whole = run(method)
    parts = [run(method, first=first, trajectories=12) for first in (0, 12)]
    for name in ("occupation", "psi", "steps"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))
    if method == "exact":
        monkeypatch.setattr("jqd.ensembles.copying.sampler.CHUNK", 7)
        chunked = run(method)
        np.testing.assert_array_equal(chunked.psi, whole.psi)
    other = run(method, key=jax.random.key(6))
    assert np.any(np.asarray(other.occupation) != np.asarray(whole.occupation))


@pytest.mark.slow
def test_vmap_over_keys_copies_and_constants(run):
    """vmap over anything equals one run after the other."""
    law, psi = problems.golden()

    def one(key, copies, q):
        changed = constants.unpack(law, "q", q[None])
        return copying.sample(
            changed, psi, TS, key, copies=copies, trajectories=3,
            method="exact", error_trajectories=0,
        ).occupation  # fmt: skip

    keys = jax.random.split(KEY, 2)
    copies, q = jnp.array([200.0, 400.0]), jnp.array([0.5, 0.45])
    together = jax.vmap(one)(keys, copies, q)
    for i in range(2):
        # same random numbers; an event near a border may fall otherwise where the
        # compiler rounds otherwise, so only almost all rows must be the same
        alone = one(keys[i], copies[i], q[i])
        assert np.mean(np.asarray(alone == together[i])) > 0.95


@pytest.mark.slow
def test_many_copies_follow_the_law_with_harmonics():
    """Off the quantum point, where the flow has kinks, and with a second harmonic."""
    law, psi = with_harmonics(0.4, -0.8)
    result = copying.sample(
        law, psi, TS, KEY, copies=10**12, trajectories=4, error_trajectories=0
    )  # fmt: skip
    # 1e-11 of fourth order, and less than 1e-6 at kinks
    method = jqd.Fixed(jqd.steppers.rk4, 400, estimate_error=False)
    exact = jqd.evolve(law, psi, TS, method=method, observe="density").values
    # noise 1e-6; steps of .03, of second order at kinks
    np.testing.assert_allclose(result.density[0], exact, atol=2e-5)
    plain = jqd.CopyDynamics(law.omega, law.R, law.delta, law.q, law.r)
    other = jqd.evolve(plain, psi, TS, method=method, observe="density").values
    assert np.max(np.abs(other - exact)) > 0.01


@pytest.mark.slow
def test_tagged_systems_are_all_there():
    law, psi = problems.golden()
    result = copying.sample(
        law, psi, TS, KEY, copies=10**5, trajectories=4, tagged=True,
        error_trajectories=0,
    )  # fmt: skip
    tagged = np.asarray(result.tagged)
    np.testing.assert_array_equal(tagged.sum(-1), result.occupation)
    np.testing.assert_array_equal(
        tagged.sum(-2), np.broadcast_to([50000, 30000, 20000], (4, 3, 3))
    )
    np.testing.assert_array_equal(tagged[0, 0], np.diag([50000, 30000, 20000]))


@pytest.mark.slow
def test_observe_keeps_what_it_returns(run):
    kept = run("exact", observe=lambda t, n, psi: {"first": n[0], "t": t})
    full = run("exact")
    np.testing.assert_array_equal(kept.values["first"], full.occupation[..., 0])
    np.testing.assert_allclose(kept.values["t"], np.broadcast_to(TS, (24, 3)))
    with pytest.raises(ValueError, match="`observe` must be None"):
        _ = kept.density


@pytest.mark.slow
def test_an_empty_class_stays_empty():
    """Without a remedy the other class cannot be entered: frozen, status EXTINCT."""
    law, _ = problems.two_classes(0.5, 0.0)
    result = copying.sample(
        law, np.array([1.0 + 0j, 0]), TS, KEY, copies=1000, trajectories=3,
        error_trajectories=0,
    )  # fmt: skip
    np.testing.assert_array_equal(result.occupation[..., 1], 0)
    assert np.all(result.status == jqd.Status.EXTINCT)
    np.testing.assert_array_equal(result.extinction_time, 0)
    assert "lost its last system" in result.describe()


@pytest.mark.parametrize("remedy", [{"spectators": 3}, {"admixture": 0.02}])
def test_remedies_let_the_empty_class_fill(remedy):
    law, _ = problems.two_classes(0.5, 0.0)
    result = copying.sample(
        law, np.array([1.0 + 0j, 0]), TS, KEY, copies=10**5, trajectories=3,
        error_trajectories=0, **remedy,
    )  # fmt: skip
    assert np.all(result.ok)
    # sin² t; errors are of order (s/N)^(1/2) and ε^(1/2)
    np.testing.assert_allclose(
        result.density[..., 1], np.sin(TS)[None].repeat(3, 0) ** 2, atol=0.15
    )


def test_the_law_above_the_node_line_ends_in_extinction():
    """q + r > 0: the mean-field law meets a node in finite time, and so do copies."""
    law, psi = problems.two_classes(0.3, -1.0, q=0.9, r=0.3)
    result = copying.sample(
        law, psi, 4 * TS, KEY, copies=500, trajectories=3, error_trajectories=0,
    )  # fmt: skip
    assert np.all(result.status == jqd.Status.EXTINCT)
    assert np.all(np.isfinite(result.extinction_time))
    assert np.all(np.asarray(result.occupation).sum(-1) == 500)


def test_step_budget_is_a_status(run):
    result = run("exact", max_steps=5)
    assert np.all(result.status == jqd.Status.STEP_BUDGET)
    assert np.all(np.isnan(result.occupation[:, -1]))
    assert np.all(np.isfinite(result.occupation[:, 0]))


def mean_copies(law, psi, end):
    """∫ Σ_ab flow_ab dt of the mean motion: copies that each system makes."""
    ts = jnp.linspace(0, end, 201)
    path = jqd.evolve(law, psi, ts, method=jqd.Adaptive(estimate_error=False)).values
    flow = jax.vmap(lambda psi: rates(process(law), psi, jnp.ones(3, bool)).flow)(path)
    return float(jnp.trapezoid(jnp.sum(flow, axis=(1, 2)), ts))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["leap", "exact"])
def test_copies_are_counted(run, method):
    """As many as the flows of the mean motion carry, singly or in leaps."""
    result = run(method)
    events, proposals = (np.asarray(x) for x in (result.events, result.proposals))
    expected = 300 * mean_copies(*problems.golden(), TS[-1])
    # 4 standard errors of 24 Poisson numbers, and of the order of one copy for 1/N
    assert np.mean(events) == pytest.approx(
        expected, abs=4 * (expected / 24) ** 0.5 + 1
    )
    assert f"copies made: {events.sum():.10g}" in result.describe()
    if method == "exact":
        assert np.all(events < proposals)
        assert np.all(proposals <= result.steps)
    else:
        # all classes are large: nothing is drawn singly
        assert np.all(proposals == 0)
        assert np.all(result.steps < events)


@pytest.mark.slow
def test_bias_of_the_step_is_reported():
    law, psi = problems.golden()
    result = copying.sample(
        law, psi, TS, KEY, copies=10**4, trajectories=20, step=0.2,
        error_trajectories=4,
    )  # fmt: skip
    assert result.bias.trajectories == 4
    assert result.bias.mean.value.shape == (3, 3)
    assert np.all(np.asarray(result.bias.bound())[1:] > 0)
    # nothing scatters at first, up to rounding of means
    np.testing.assert_allclose(result.bias.bound("variance")[0], 0, atol=1e-30)


@pytest.mark.slow
def test_single_precision_stays_single():
    law, psi = problems.golden()
    result = copying.sample(
        law, psi.astype(np.complex64), TS, KEY, copies=1000, trajectories=4,
        method="exact",
    )  # fmt: skip
    assert result.occupation.dtype == np.float32
    assert np.all(np.asarray(result.occupation).sum(-1) == 1000)


# -- refusals ------------------------------------------------------------------------


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"copies": 0}, "`copies` must be a whole number above 0"),
        ({"copies": -5}, "`copies` must be a whole number above 0"),
        ({"copies": 2}, "`copies` must be at least the 3 classes"),
        ({"copies": 10.5}, "`copies` must be a whole number"),
        ({"copies": 1e17}, "`copies` must be at most"),
        ({"copies": np.nan}, "`copies` must be finite"),
        ({"copies": np.array([10, 20])}, "`copies` must have shape"),
        ({"psi0": np.sqrt([0.9, 0.0999, 0.0001])}, "`copies` must represent"),
        ({"psi0": np.ones(3)}, "`psi0`"),
        ({"trajectories": 0}, "`trajectories` must be at least 1"),
        ({"first": -1}, "`first` must be at least 0"),
        ({"method": "euler"}, "`method` must be one of"),
        ({"initial": "poisson"}, "`initial` must be one of"),
        ({"spectators": -1}, "`spectators` must hold whole numbers"),
        ({"spectators": 0.5}, "`spectators` must hold whole numbers"),
        ({"spectators": [1, 2]}, "`spectators` must be a number or one per class"),
        ({"admixture": 1.5}, "`admixture` must be in"),
        ({"step": 0.0}, "`step` must be positive"),
        ({"ts": [0.0, 1.0, 0.5]}, "`ts`"),
        ({"law": jqd.Schrodinger(np.eye(3))}, "`law` must be of type CopyDynamics"),
        ({"key": 7}, "`key` must be one key"),
        ({"max_steps": 0}, "`max_steps` must be at least 1"),
        ({"max_steps": 10**30}, "`max_steps` must be at most"),
        ({"trajectories": 99999999999999}, "`trajectories` must fit into memory, but"),
        ({"trajectories": 10**12, "observe": lambda t, n, psi: n[0]},
         "`trajectories` must fit into memory"),
        ({"first": 2**32}, "`first` must leave trajectory numbers below"),
        ({"copies": 10**20}, "`copies` must be at most 9007199254740992 .* 1e+20"),
        ({"copies": 10**400}, "`copies` must be at most"),
        ({"copies": 1e300}, "`copies` must be at most"),
        ({"spectators": 1e17}, "`spectators` must be at most"),
        ({"ts": [0.0, 1e300]}, "`ts` must have times at which steps show"),
    ],
)  # fmt: skip
def test_bad_input_is_named(change, message):
    law, psi = problems.golden()
    given = {"law": law, "psi0": psi, "ts": TS, "key": KEY, "copies": 100} | change
    with pytest.raises(ValueError, match="Argument " + message.replace("+", "[+]")):
        copying.sample(
            given.pop("law"), given.pop("psi0"), given.pop("ts"), given.pop("key"),
            **given,
        )  # fmt: skip
