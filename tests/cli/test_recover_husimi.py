"""`jqd recover husimi`: C from data, and every bad input in one line."""

import json
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import problems
from jqd.cli import main, recover_husimi
from jqd.cli.husimi_levels import LEAST_C, levels_for
from jqd.instruments import Heterodyne
from jqd.laws.husimi import Exact, HusimiFokkerPlanck
from jqd.laws.husimi.levels import edge_share
from jqd.problems import DATA
from jqd.spaces.symbols import parse_hamiltonian

KERR = DATA / "kerr_husimi.npz"


DRIVEN = ["--hamiltonian", "0.5*ad^2*a^2 + f(t)*q"]
COSINE = "f=cosine:amplitude=1,omega=1"


def recover(out, *words):
    return main(["recover", "husimi", *map(str, words), "--out", str(out)])


@pytest.mark.slow
def test_C_from_data_of_another_program(tmp_path, printed):
    code = recover(
        tmp_path / "run", "--data", KERR, "--hamiltonian", "0.5*ad^2*a^2", "--start",
        "C=0.4", "--starts", 3, "--points", 60, "--levels", 48, "--json",
    )  # fmt: skip
    result = printed("recover husimi")
    assert code == 0
    assert result["status"] == "converged"
    assert abs(result["constants"]["C"]["value"] - 1) < 1e-8
    assert result["constants"]["C"]["reference"] == 1.0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["settings"]["form"] == "Exact"
    for name in ("fit", "residuals", "maps"):
        assert (tmp_path / "run" / f"{name}.png").stat().st_size > 1e4
    assert (tmp_path / "run" / "data.zarr").is_dir()


def kept(initial, hamiltonian, **values):
    record = replace(problems.kerr_husimi(), initial=initial)
    return levels_for(record, parse_hamiltonian(hamiltonian, modes=1, **values))


def test_a_state_that_no_levels_hold_gets_the_most():
    """q⁴ spreads it over all levels that are tried: not 2."""
    assert kept({"alpha0": np.asarray(1.2 + 0.5j)}, "q^4") == 200


@pytest.mark.parametrize(
    "initial", [{"alpha0": np.asarray(1.2 + 0.5j)}, {"psi0": np.array([0.6, 0, 0.8j])}]
)
def test_levels_follow_from_the_state(initial):
    """What the law itself finds in the two highest levels at the least C."""
    levels = kept(initial, "0.5*ad^2*a^2")
    ket = initial.get("psi0", jqd.states.coherent(1.2 + 0.5j, 40))
    shares = []
    for more in (0, -5):
        law = HusimiFokkerPlanck("0.5*ad^2*a^2", LEAST_C, form=Exact(levels + more))
        shares.append(float(edge_share(law.prepare(law.admit(ket)))))
    # a tail of 1e-8, of which two levels hold half: it falls by 0.7 or more a level
    assert shares[0] < 1e-8 < 2 * shares[1]


def test_levels_follow_from_hamiltonian_and_horizon():
    """A drive f(a + ad) on resonance displaces the vacuum by ft = 2."""
    empty = {"alpha0": np.asarray(0j)}
    still, there = kept(empty, "ad*a"), {"alpha0": np.asarray(2 + 0j)}
    driven = kept(empty, "f*(a + ad)", f=2.0)
    pulsed = kept(empty, "f(t)*(a + ad)", f=lambda t: 4.0 * jnp.sin(jnp.pi * t) ** 2)
    assert kept(empty, "0.5*ad^2*a^2") == still
    # the shares at all times are together a little more than those of the last
    assert still < kept(there, "ad*a") <= driven <= kept(there, "ad*a") + 8
    assert abs(pulsed - driven) <= 4


def test_the_plan_is_said_before_the_fit(tmp_path, monkeypatch, capsys):
    def begin(*args, report, **options):
        report("search", 0, 20)
        raise ValueError("Argument `x` must stop here, but is there.")

    monkeypatch.setattr("jqd.cli.fit.recover", begin)
    words = ["--data", KERR, "--hamiltonian", "0.5*ad^2*a^2"]
    assert recover(tmp_path / "run", *words) == 2
    said = capsys.readouterr().err
    assert said.startswith("Form exact, 87 levels of each mode. The fit takes about ")


def test_packaged_data_are_the_shared_ones(shared_data):
    with np.load(KERR) as ours, np.load(shared_data / "kerr_husimi.npz") as theirs:
        assert set(ours.files) == set(theirs.files)
        for name in ours.files:
            np.testing.assert_array_equal(ours[name], theirs[name])


@pytest.mark.slow
def test_length_scales(capsys, printed):
    words = ["--length-scales", "--hamiltonian", "0.5*p^2 + 0.125*q^2", "--kappa", "2"]
    assert main(["recover", "husimi", *words, "--json"]) == 0
    result = printed("recover husimi")
    np.testing.assert_allclose(result["lengths"], [2.0], rtol=1e-8)  # √(κ/ω)
    assert main(["recover", "husimi", *words]) == 0
    assert "lengths" in capsys.readouterr().out
    words[2:3] = ["0.5*p^2 + w*q^2", "--set", "w=0.125"]
    assert main(["recover", "husimi", *words, "--json"]) == 0
    np.testing.assert_allclose(printed("recover husimi")["lengths"], [2.0], rtol=1e-8)
    words[2:5] = ["0.5*p^2"]
    assert main(["recover", "husimi", *words]) == 1
    assert "no lengths" in capsys.readouterr().out


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--free", "kappa"], "only as s = l/sqrt(kappa)"),
        (["--free", "l"], "only as s = l/sqrt(kappa)"),
        (["--free", "C,hbar"], "product C hbar"),
        (["--free", "C,V"], "constants out of C, s, U"),
        (["--free", "C,C"], "each constant once"),
        (["--free", ""], "each constant once"),
        (["--start", "U=1"], "constants that are free"),
        (["--hamiltonian", "0.5*ad^2*a^2 + g*n"], "give g; add --set g=NUMBER"),
        (["--set", "delta=1"], "that --hamiltonian names (U), but 'delta'"),
        (["--set", "U"], "`--set` must look like U=0.63"),
        (["--set", "U=1", "--set", "U=2"], "'U' comes twice"),
        (["--length-scales", "--hamiltonian", "w*n"], "add --set w=NUMBER"),
        (["--start", "C=x"], "a number"),
        (["--hamiltonian", "0.5*ad^2*"], "at column"),
        (["--hamiltonian", "ad*a^2"], "must"),
        (["--hamiltonian", "ad*a"], "no effect"),
        (["--hamiltonian", "q^4", "--form", "heff"], "at most two powers"),
        (["--form", "best"], "must be one of"),
        (["--loss", "best"], "must be one of"),
        (["--loss", "likelihood"], "needs samples"),
        (["--sigma", "-1"], "must be positive"),
        (["--levels", "4"], "levels"),
        (["--levels", "9000000000"], "must fit into memory"),
        (["--levels", "4000000", "--form", "fock"], "`--levels` must fit into memory"),
        (["--hamiltonian", "p**4000000"], "integers from 0 to 12 as exponents"),
        (["--data", "nowhere.npz"], "does not exist"),
        (["--data", str(DATA / "four_level_counts.csv")], ".npz"),
        (["--data", str(KERR), "--length-scales"], "not a fit"),
        (["--length-scales", "--hamiltonian", "ad^2*a^2"], "must be quadratic"),
        (["--length-scales", "--hamiltonian", "q^2", "--kappa", "-1"], "positive"),
        (["--hamiltonian", "f(t)*q"], "add --pulse f=cosine:amplitude=1,omega=1"),
        (["--pulse", "f=cosine"], "(it has none), but gives 'f'"),
        ([*DRIVEN, "--pulse", "f"], "must look like drive=gaussian:area=1"),
        ([*DRIVEN, "--pulse", "f=wave"], "one of gaussian, cosine, square"),
        ([*DRIVEN, "--pulse", "f=cosine:area=1"], "must be one of 'amplitude'"),
        ([*DRIVEN, "--pulse", COSINE, "--pulse", COSINE], "'f' twice"),
        ([*DRIVEN, "--pulse", "f=cosine:omega=1"], "`amplitude` must be given"),
        ([*DRIVEN, "--pulse", "f=nowhere.csv"], "nowhere.csv does not exist"),
        ([*DRIVEN, "--pulse", "f=gaussian:area=1,width=0"], "`width` must be positive"),
        ([*DRIVEN, "--pulse", COSINE, "--free", "f.area"], "out of C, s, f.ampl"),
        (["--bath", "gamma=-1"], "`gamma` must not be negative"),
        (["--bath", "loss=1"], "`--bath` must be one of gamma, nbar, gain, dephas"),
        (["--bath", "gamma"], "`--bath` must look like gamma=0.25,nbar=0.3"),
        (["--free", "gamma"], "`--bath` must give gamma a value to free it"),
    ],
)
def test_bad_input_is_one_line(words, message, tmp_path, complaint):
    said = complaint("recover", "husimi", *words, "--out", tmp_path / "run")
    assert message in said
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.sampled
@pytest.mark.parametrize("scale", [1.0, 2**0.5])
def test_first_samples_of_a_likelihood(tmp_path, capsys, monkeypatch, scale):
    """Outcomes in another unit would make up for it with C; they are not fitted."""
    monkeypatch.setattr(
        recover_husimi, "_likelihood", lambda *args: {"status": "converged"}
    )
    parts = np.random.default_rng(0).normal(0, 0.5**0.5, size=(2, 2, 2000))
    samples = scale * (1.2 + 0.5j + parts[0] + 1j * parts[1])
    file = tmp_path / "samples.npz"
    np.savez(file, t=[0.0, 1e-3], samples=samples, alpha0=1.2 + 0.5j)
    code = recover(tmp_path / "run", "--data", file, "--set", "U=1", "--loss",
        "likelihood",
    )  # fmt: skip
    said = capsys.readouterr().err
    assert code == (0 if scale == 1 else 2)
    assert ("row at t0" in said) == (scale > 1)
    assert ("samples.npz" in said) == (scale > 1)


@pytest.mark.slow
def test_a_drive_and_a_bath(tmp_path, printed):
    """Moments of a driven, damped oscillator by QuTiP, a table as pulse."""
    qutip = pytest.importorskip("qutip")
    a, ts = qutip.destroy(20), np.linspace(0, 0.6, 4)
    times = np.linspace(-0.1, 0.7, 9)
    H = qutip.QobjEvo(
        [0.5 * a.dag() ** 2 * a**2, [a + a.dag(), lambda t: 0.4 * np.cos(1.5 * t)]]
    )
    start = qutip.coherent(20, 0.6 - 0.4j, method="analytic")
    orders = [(1, 0), (2, 0), (1, 1)]
    seen = [a, a**2, a * a.dag()]  # antinormal order: powers of a first
    options = {"rtol": 1e-11, "atol": 1e-13, "nsteps": 10**6}
    run = qutip.mesolve(H, start, ts, [0.5 * a], e_ops=seen, options=options)
    np.savez(
        tmp_path / "moments.npz", t=ts, moments=np.transpose(run.expect),
        orders=np.array(orders), alpha0=0.6 - 0.4j,
    )  # fmt: skip
    table = np.column_stack([times, 0.4 * np.cos(1.5 * times)])
    np.savetxt(tmp_path / "f.csv", table, delimiter=",", header="t,f", comments="")
    words = ["--data", tmp_path / "moments.npz", "--bath", "gamma=0.2", "--starts", 1]
    words += ["--hamiltonian", "0.5*ad^2*a^2 + f(t)*(a+ad)", "--levels", 16, "--json"]
    for number, (shape, free) in enumerate(
        [
            (f"f={tmp_path / 'f.csv'}", "C,gamma"),
            ("f=cosine:amplitude=1,omega=1.5", "C,f.amplitude"),
        ]
    ):
        given = [*words, "--pulse", shape, "--free", free]
        given[3] = "gamma=0.25" if number else "gamma=0.2"
        assert recover(tmp_path / f"run{number}", *given) == 0
        found = {
            k: v["value"] for k, v in printed("recover husimi")["constants"].items()
        }
        true = {"C": 1.0, "gamma": 0.25, "f.amplitude": 0.4}
        # enough levels on the way as well, where C is half; a spline through 9 values
        for name, value in found.items():
            assert value == pytest.approx(true[name], abs=1e-4)


@pytest.mark.slow
def test_gain_and_added_noise_of_a_detector_are_nuisances(tmp_path, printed):
    """Moments of a Kerr oscillator, through a gain of 1.1 and 0.3 added quanta."""
    orders = ((1, 0), (1, 1), (2, 0), (2, 1))
    law, ts = jqd.HusimiFokkerPlanck("0.5*U*ad^2*a^2", U=1.0), np.linspace(0.2, 2, 8)
    see = Heterodyne(orders, 1.1, 0.3)
    psi = jqd.states.coherent(1.2, 40)
    values = np.asarray(jqd.simulate(law, psi, ts, see, t0=0.0).values)
    rng = np.random.default_rng(4)
    values = values + 0.01 * rng.normal(size=values.shape)
    moments = values[:, :4] + 1j * values[:, 4:]
    file = tmp_path / "moments.npz"
    np.savez(file, t=ts, moments=moments, orders=orders, alpha0=1.2, sigma=0.01)
    words = ["--nuisance", "gain=lognormal(1.1,0.02),added=halfnormal(0.5)"]
    out = ["--out", str(tmp_path / "run"), "--json", "--starts", "1", "--quick"]
    # at C = 0.9 the state has 1e-11 in the two highest of these levels and above
    out += ["--start", "C=0.9", "--levels", "24"]
    code = main(
        ["recover", "husimi", "--data", str(file), "--set", "U=1", *words, *out]
    )
    found = printed("recover husimi")
    assert code == 0
    for name, value in {"C": 1.0, "gain": 1.1, "added": 0.3}.items():
        constant = found["constants"][name]
        # one seed: beyond 4 standard errors once in 1e4 times
        assert abs(constant["value"] - value) < 4 * constant["stderr"]
    assert found["pulled"] == []


def test_points_of_a_map_that_are_left_out_are_said(tmp_path):
    """Every second point of each axis of 5 x 5, of which 9 are asked for."""
    axis, ts = np.linspace(-2, 2, 5), np.array([0.0, 0.5])
    square = axis[None, :] ** 2 + axis[:, None] ** 2
    held = np.exp(-np.stack([square, square])) / np.pi
    np.savez(tmp_path / "map.npz", t=ts, x=axis, y=axis, g=2, husimi=held, alpha0=0.0)
    full = jqd.records.load_phase_space(tmp_path / "map.npz")
    said = "9 of the 25 points of each map were compared; --points 25 takes all."
    assert recover_husimi._left_out(full.thinned(9), full) == said
    assert recover_husimi._left_out(full.thinned(25), full) == ""
