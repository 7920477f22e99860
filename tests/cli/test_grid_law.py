"""A law of one's own on the grid of its file, and densities, through the commands."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp

import jqd
from jqd.cli import main
from jqd.cli.compare_laws import studies_of_densities
from jqd.cli.law_words import parse_laws
from jqd.cli.on_grid import ground_of
from jqd.instruments import DirichletMultinomial
from jqd.records import load_density
from jqd.report.user_laws import load_ground

OWN = """
import jax.numpy as jnp
import jqd
from jaxtyping import Array, Float
from jqd.laws import SelfPotential


class Cubic(SelfPotential):
    g: Float[Array, ""] = jqd.free(
        quantum=0.0, span=(-1, 1), unit="energy", default=0.0
    )

    def self_potential(self, rho):
        return self.g * rho

    def self_energy(self, rho):
        return self.g / 2 * jnp.sum(rho**2)


def ground():
    grid = jqd.Grid((-8.0, 8.0), 32)
    quantum = jqd.Schrodinger.on_grid(grid, grid.x**2 / 2)
    return quantum, grid.normalise(jnp.exp(-((grid.x - 1) ** 2) / 2) + 0j)
"""
POINTS, CELL = -8 + 0.5 * np.arange(32), 0.5
PACKET = np.exp(-((POINTS - 1) ** 2) / 2) / np.pi**0.25


def shares(g, ts):
    """The same equation by SciPy's DOP853, with a dense matrix of FFTs."""
    k2 = (2 * np.pi * np.fft.fftfreq(32, CELL)) ** 2
    kinetic = np.fft.ifft(k2[:, None] / 2 * np.fft.fft(np.eye(32), axis=0), axis=0)
    H = kinetic + np.diag(POINTS**2 / 2)

    def field(t, psi):
        return -1j * (H @ psi + g * np.abs(psi) ** 2 * psi)

    found = solve_ivp(field, (0, ts[-1]), PACKET + 0j, "DOP853", ts, rtol=1e-10,
                      atol=1e-12)  # fmt: skip
    return np.abs(found.y.T) ** 2 * CELL


def drawn(p, shots=20_000):
    """Counts of independent shots; the sums of p are 1 but for errors of 1e-10."""
    p = np.maximum(p, 0)
    shares = p / p.sum(axis=1, keepdims=True)
    return np.random.default_rng(5).multinomial(shots, shares)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a law, whose file says on which grid it is tried."""
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)


@pytest.fixture
def counts(here):
    """Positions counted at g = 1.5, from another program."""
    ts = np.array([0.0, 1.0, 2.0])
    np.savez("n.npz", t=ts, x=POINTS, potential=POINTS**2 / 2, psi0=PACKET + 0j,
             density=drawn(shares(1.5, ts)))  # fmt: skip
    return "n.npz"


def test_it_is_vetted_on_its_grid(here, printed):
    words = ["vet", "own.py", "--set", "g=0.5", "--rows", "norm,gauge", "--quick"]
    assert main([*words, "--steps", "40", "--json"]) == 0
    (card,) = printed("vet")["laws"].values()
    assert card["rows"]["norm"]["verdict"] == "holds"
    # what only a matrix has
    assert card["rows"]["gauge"]["note"] == "no matrix: no phases of classes"


def test_positions_are_simulated_on_its_grid(here, printed):
    words = ["simulate", "law", "own.py", "--set", "g=1.5", "--times", "0:2:3"]
    words += ["--shots", "100000", "--out", "n.npz", "--json"]
    assert main(words) == 0
    made = printed("simulate law")
    assert made["constants"] == {"g": 1.5}
    assert made["record"] == "positions counted at 32 points"
    assert made["recover"] == "jqd recover law own.py --data n.npz"
    # far below the scatter of a share, 1/sqrt(1e5)
    assert made["step_error"] < 0.01 * 1e5**-0.5
    # 5e-5 by the spectrum of the last row, 2 sqrt(weight beyond 0.9 of the cut-off)
    assert 1e-6 < made["grid_error"] < 1e-3
    found = load_density("n.npz")
    np.testing.assert_allclose(found.initial, PACKET, atol=1e-12)
    np.testing.assert_allclose(found.potential, POINTS**2 / 2, atol=1e-12)
    exact = shares(1.5, np.array([0.0, 1.0, 2.0]))
    # 5 standard errors, and 5 counts where hardly any are expected; g = 0 is off by 40
    apart = np.abs(found.counts / 1e5 - exact)
    assert np.all(apart < 5 * np.sqrt(exact / 1e5) + 5e-5)


def test_it_starts_from_a_packet_in_words(here):
    words = ["simulate", "law", "own.py", "--times", "0,0.1", "--shots", "100"]
    packet = f"x0=-1,s0={0.5**0.5},p0=2"
    assert main([*words, "--state", packet, "--out", "n.npz"]) == 0
    found = load_density("n.npz").initial
    expected = np.exp(-((POINTS + 1) ** 2) / 2 + 2j * POINTS) / np.pi**0.25
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_state_of_a_plane_is_a_flat_file(here):
    """No file of a state has two axes."""
    plane = """
def ground():
    grid = jqd.Grid(((-4.0, 4.0), (-4.0, 4.0)), (8, 6))
    V = jnp.zeros(grid.shape)
    return jqd.Schrodinger.on_grid(grid, V), grid.normalise(jnp.ones(grid.shape) + 0j)
"""
    Path("plane.py").write_text(OWN[: OWN.index("def ground")] + plane)
    psi = np.arange(1.0, 49) * np.exp(0.1j * np.arange(48))
    psi /= np.sqrt(np.sum(np.abs(psi) ** 2) * 64 / 48)
    np.save("psi.npy", psi)
    (wanted,) = parse_laws("plane.py").values()
    ground = ground_of(wanted, None, Path("psi.npy"))
    assert ground is not None
    np.testing.assert_allclose(ground.psi0, psi.reshape(8, 6), rtol=1e-12)
    np.save("psi.npy", psi[:40])
    with pytest.raises(ValueError, match=r"psi\.npy"):
        ground_of(wanted, None, Path("psi.npy"))


def test_a_ground_may_have_defaults(here):
    """Without them it is another function, which no command can call."""
    head = "def ground():\n    grid = jqd.Grid((-8.0, 8.0), 32)"
    assert head in OWN
    for takes, found in (("n=24", (24,)), ("n", None), ("*, n", None)):
        own = f"def ground({takes}):\n    grid = jqd.Grid((-8.0, 8.0), n)"
        Path("other.py").write_text(OWN.replace(head, own))
        ground = load_ground("other.py")
        assert (ground and ground[0].grid.shape) == found


@pytest.mark.slow
def test_a_matrix_takes_its_place(here, printed):
    np.save("H.npy", np.array([[0.0, 0.7], [0.7, 0.4]]))
    np.save("psi.npy", np.sqrt([0.6, 0.4]))
    words = ["simulate", "law", "own.py[g=1]", "--hamiltonian", "H.npy", "--state"]
    words += ["psi.npy", "--times", "0:1:3", "--out", "n.csv", "--json"]
    assert main(words) == 0
    assert printed("simulate law")["record"] == "counts of 2 classes"


@pytest.mark.slow
def test_its_constant_from_counted_positions(counts, printed):
    words = ["recover", "law", "own.py", "--data", counts, "--start", "g=1"]
    assert main([*words, "--starts", "1", "--quick", "--json", "--out", "r"]) == 0
    found = printed("recover law")
    assert found["law"] == "Cubic"
    ((name, g),) = found["constants"].items()
    assert name == "g"
    # Fisher's information of SciPy's runs, 20 000 shots at each time
    ts, step = np.array([0.0, 1.0, 2.0]), 1e-3
    slope = (shares(1.5 + step, ts) - shares(1.5 - step, ts)) / (2 * step)
    told = 20_000 * np.sum(slope**2 / np.maximum(shares(1.5, ts), 1e-12))
    assert g["stderr"] == pytest.approx(told**-0.5, rel=0.1)
    # one seed: beyond 4 standard errors once in 1e4 times
    assert abs(g["value"] - 1.5) < 4 * g["stderr"]
    assert 1e-6 < found["grid_error"] < 1e-3
    assert f"shifts about {found['grid_error']:.0e} of the probability" in found["note"]
    assert 0 <= found["step_bias"]["g"] < g["stderr"]


@pytest.mark.slow
def test_a_law_of_the_library_from_densities(here, printed):
    ts = np.array([0.0, 1.0, 2.0])
    np.savez("p.npz", t=ts, x=POINTS, potential=POINTS**2 / 2, x0=1.0, s0=0.5**0.5,
             p0=0.0, density=shares(0.5, ts) / CELL, sigma=1e-4)  # fmt: skip
    words = ["recover", "law", "gross_pitaevskii", "--data", "p.npz", "--start", "g=.4"]
    assert main([*words, "--starts", "1", "--quick", "--json", "--out", "r"]) == 0
    (g,) = printed("recover law")["constants"].values()
    # densities of another program, without scatter: what steps move, a hundredth of
    # an error, and as much again for the estimate of it
    assert abs(g["value"] - 0.5) < 0.02 * g["stderr"]
    slope = (shares(0.501, ts) - shares(0.499, ts)) / (0.002 * CELL)
    assert g["stderr"] == pytest.approx(1e-4 / np.sqrt(np.sum(slope**2)), rel=0.1)


@pytest.mark.slow
def test_a_lens_before_the_counts_is_a_nuisance(here, printed):
    ts, k = np.array([0.0, 1.0, 2.0]), 2 * np.pi * np.fft.fftfreq(32, CELL)
    fade = np.exp(-((0.6 * k) ** 2) / 2)
    blurred = np.fft.ifft(fade * np.fft.fft(shares(1.5, ts))).real
    np.savez("n.npz", t=ts, x=POINTS, potential=POINTS**2 / 2, psi0=PACKET + 0j,
             density=drawn(blurred))  # fmt: skip
    words = ["recover", "law", "own.py", "--data", "n.npz", "--start", "g=1"]
    words += ["--starts", "1", "--quick", "--json", "--out", "r", "--nuisance"]
    assert main([*words, "psf=0.5+-0.2"]) == 0
    g = printed("recover law")["constants"]["g"]
    assert abs(g["value"] - 1.5) < 4 * g["stderr"]


@pytest.mark.slow
def test_from_a_design_to_its_constant(here, printed):
    """The commands that are printed go on where the last one ended."""
    words = ["design", "law", "own.py", "--set", "g=1.5", "--times", "0.5:4:8"]
    assert main([*words, "--shots", "1e5", "--out", "plan.toml", "--json"]) == 0
    planned = printed("design law")
    assert list(planned["constants"]) == ["g"]
    first, *words = shlex.split(planned["simulate"])
    assert (first, main([*words, "--json"])) == ("jqd", 0)
    made = printed("simulate law")
    assert "recover law own.py --data plan_record.npz --free g" in made["recover"]
    first, *words = shlex.split(made["recover"])
    assert main([*words, "--starts", "2", "--json", "--out", "results"]) == 0
    g = printed("recover law")["constants"]["g"]
    # one seed: beyond 4 standard errors once in 1e4 times
    assert abs(g["value"] - 1.5) < 4 * g["stderr"]
    # as was planned, to the scatter of weights that counts give themselves
    assert g["stderr"] == pytest.approx(planned["constants"]["g"]["known"], rel=0.1)


def test_shots_at_positions_may_be_correlated(counts):
    """One residual of the scatter a row, for every law of a comparison."""
    wanted = parse_laws("schrodinger,own.py[g]")
    prior = "rho=uniform(0,0.01)"
    studies = studies_of_densities(wanted, Path(counts), "auto", None, prior)
    assert [*studies] == ["schrodinger", "own.py[g]"]
    for study in studies.values():
        assert isinstance(study.data.noise, DirichletMultinomial)
        assert float(study.data.noise.rho) == pytest.approx(0.005)
        assert (study.nuisances, study.scattered) == (("rho",), 3)


@pytest.mark.slow
def test_the_law_of_the_counts_is_preferred(counts, printed):
    laws = "schrodinger,logarithmic[b],own.py[g]"
    words = ["compare", "--data", counts, "--laws", laws, "--starts", "2", "--json"]
    assert main(words) == 0
    found = printed("compare")
    rows = {row["name"]: row for row in found["laws"]}
    own = rows["own.py[g]"]
    assert own["status"] == "converged"
    assert own["p_value"] > 1e-3
    assert abs(own["constants"]["g"] - 1.5) < 4 * own["stderr"]["g"]
    # 40 standard errors of a share lie between the densities of g = 1.5 and 0
    assert rows["schrodinger"]["log_likelihood"] < own["log_likelihood"] - 1000


@pytest.mark.slow
def test_the_same_chain_in_python():
    grid = jqd.Grid((-8.0, 8.0), 32)
    quantum = jqd.Schrodinger.on_grid(grid, POINTS**2 / 2)
    law, seen = jqd.laws.GrossPitaevskii(quantum, 1.5), jqd.instruments.Image()
    ts, step = np.array([1.0, 2.0]), 1e-3
    film = jqd.simulate(law, PACKET + 0j, ts, seen, 20_000, t0=0.0)
    study = jqd.Study(law, film, psi0=PACKET + 0j, free="g", instrument=seen)
    found = jqd.recover(study, starts=1, search=None, held_out=0.0)
    g = found.constants["g"]
    # one seed: beyond 4 standard errors once in 1e4 times
    assert abs(g.value - 1.5) < 4 * g.stderr
    apart = shares(1.5 + step, ts) - shares(1.5 - step, ts)
    told = np.sum(
        (apart / (2 * step)) ** 2 / np.maximum(shares(1.5, ts), 1e-12), axis=1
    )
    assert g.stderr == pytest.approx((20_000 * told.sum()) ** -0.5, rel=0.1)
    # all shots belong where a shot tells most
    plan = jqd.design(study, shots=40_000)
    assert int(np.argmax(plan.weights)) == int(np.argmax(told))
    assert jqd.vet(law, rows=["norm"], steps=40).rows["norm"].verdict == "holds"


@pytest.mark.slow
def test_a_sweep_over_its_constant(here, printed):
    words = ["sweep", "law", "own.py", "--vary", "g=0,1.5", "--times", "0:2:3"]
    assert main([*words, "--out", "s.zarr", "--json"]) == 0
    assert printed("sweep law")["status"] == {"ok": 2}
    found = xr.open_zarr("s.zarr")
    assert found.populations.dims == ("g", "t", "x")
    np.testing.assert_allclose(found.x, POINTS)
    exact = shares(1.5, np.array([0.0, 1.0, 2.0]))
    # adaptive steps of relative errors of 1e-9, and as many of the other program
    np.testing.assert_allclose(found.populations[-1], exact, atol=1e-7)
    assert float(found.distance[0].max()) < 1e-7 < float(found.distance[-1].max())


@pytest.fixture
def broken(counts):
    """Files whose `ground()` is none."""
    Path("pair.py").write_text("def ground():\n    return 1\n")
    Path("fails.py").write_text("def ground():\n    return 1 / 0\n")
    Path("short.py").write_text(OWN.replace("+ 0j)\n", "+ 0j)[:-1]\n"))
    np.savez("p.npz", t=[0.0, 1.0], x=POINTS, potential=POINTS**2 / 2, sigma=1e-4,
             psi0=PACKET + 0j, density=np.stack([PACKET**2, PACKET**2]))  # fmt: skip
    matrix = "jqd.Schrodinger(jnp.eye(2)), [1.0, 0.0]"
    Path("matrix.py").write_text(OWN.replace("quantum, grid.normalise", matrix + "  #"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("simulate law own.py --out n.csv", 2, "ending in .npz, .zarr, .nc"),
        ("simulate law own.py --out a.npz --readout 0.1", 2, "with laws of a matrix"),
        ("simulate law own.py --out a.npz --rho 0.1", 2, "with laws of a matrix"),
        ("simulate law own.py --out a.npz --state p", 2, "`--state` must be a file"),
        ("simulate law own.py --out a.npz --state x0=1", 2, "as in x0=1,s0=0.7,p0=0"),
        ("simulate law own.py --out a.npz --state x0=9,s0=1,p0=0", 2, "grid holds, x0"),
        # waves of pi over .5, and no shorter ones
        ("simulate law own.py --out a.npz --state x0=0,s0=1,p0=6.3", 2, "holds, x0"),
        ("simulate law pair.py --out a.npz", 2, "but that of pair.py returns a int"),
        ("simulate law matrix.py --out a.npz", 2, "another MatrixHamiltonian"),
        ("simulate law short.py --out a.npz", 2, "a state of its grid, but that of s"),
        ("simulate law fails.py --out a.npz", 1, "fails.py:2: ZeroDivisionError"),
        ("recover law own.py", 2, "`--data` must be given for a law on a grid"),
        ("recover law own.py --data n.npz --t0 0", 2, "`--t0` must not be given be"),
        ("recover law own.py --data n.npz --noise none", 2, "one of auto, multinomi"),
        (
            "recover law own.py --data p.npz --nuisance rho=uniform(0,0.1)",
            2,
            "must not name rho but for counts of shots",
        ),
        ("recover law gisin --data n.npz", 2, "gross_pitaevskii or FILE.py:NAME, b"),
        ("recover law own.py --data n.npz --free x", 2, "'x'"),
        ("compare --laws schrodinger,own.py[g]", 2, "law on a grid, such as own.py[g]"),
        ("compare --data n.npz --laws dephasing[gamma]", 2, "but dephasing is not"),
        ("compare --data n.npz --sigma 1", 2, "positions, whose number gives it"),
    ],
)
def test_what_cannot_be_is_one_line(words, code, said, broken, complaint):
    assert said in complaint(*words.split(), code=code, blank=True)
    assert not Path("a.npz").exists()
