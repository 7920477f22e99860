"""`jqd simulate`: what it writes, `jqd recover` reads, and finds the true constants."""

import json
import shlex
from typing import Any

import jax.numpy as jnp
import jsonschema
import numpy as np
import pytest

import jqd
from jqd import records
from jqd.cli import main, sample_copying
from jqd.cli.copy_blocks import Sampling
from jqd.cli.followed_classes import reader_of_copies
from jqd.cli.followed_positions import DoubleWell
from jqd.cli.following import Asked, Looks
from jqd.cli.one_law import parse_law, reader_of
from jqd.cli.recover_copying import time_scale
from jqd.cli.simulation import follow, parse_times, spaced
from jqd.evolution import Trajectory
from jqd.instruments import Direct
from jqd.report import json_schema


def test_steps_that_are_too_coarse_are_made_shorter(monkeypatch):
    """A run whose errors by steps are as large as its values is no end of the law."""
    tried = []

    def evolved(law, state, times, *, method, observe):
        tried.append(method.substeps)
        good = len(tried) > 1
        status = jqd.Status.OK if good else jqd.Status.INACCURATE
        error = jnp.full((2, 2), 0.0 if good else 1.0)
        code, when = jnp.asarray(int(status)), jnp.asarray(jnp.inf)
        return Trajectory(jnp.asarray(times), error, error, code, when, {})

    monkeypatch.setattr("jqd.cli.simulation.evolve", evolved)
    law, psi = jqd.Schrodinger(np.eye(2)), np.array([1.0, 0.0])
    run = follow(law, psi, np.array([0.0, 1.0]), Direct(), stepper=jqd.steppers.rk4)
    assert run.all_ok
    assert tried == [8, 32]


def test_steps_that_end_a_run_are_made_shorter():
    """Explicit steps of 1/16 blow up at once, those of 1/256 do not."""
    made = DoubleWell(assigned=["friction=0.2"]).followed(np.zeros(1), Asked())
    run = made.run(np.array([0.0, 0.5]), shots=2000)
    assert run.all_ok
    # a hundredth of the scatter of 2000 shots
    assert float(np.max(run.error)) < 0.01 * 2000**-0.5


def test_what_has_no_constant_to_recover_is_compared():
    H = np.array([[0.0, 0.5], [0.5, 0.0]])
    quantum, weinberg = jqd.Schrodinger(H), jqd.laws.Weinberg(H, 0.3)
    one = parse_law("schrodinger", None)
    assert reader_of(one, quantum, "") == ("compare", [])
    other = parse_law("weinberg[eps=0.3]", None)
    assert reader_of(other, weinberg, "") == ("recover", ["law", "weinberg"])
    own = parse_law("own.py:Still[s=1.5]", None)
    laws = ["--laws", "schrodinger,own.py:Still[s=1.5]"]
    assert reader_of(own, quantum, "") == ("compare", laws)
    # what a plan frees is recovered, and has no value then; all else keeps its own
    assert reader_of(own, quantum, "s") == ("recover", ["law", "own.py:Still"])
    copies = parse_law("copying[q=0.45,r=-0.4]", None)
    words = ["law", "copying", "--set", "r=-0.4"]
    assert reader_of(copies, quantum, "q") == ("recover", words)
    assert reader_of(copies, quantum, "q, r") == ("recover", ["law", "copying"])


@pytest.mark.parametrize(
    ("truth", "free", "words"),
    [
        ({"q": 0.4, "r": -0.4}, "", ["copying"]),
        ({"q": 0.5, "r": -0.4}, "q,r", ["copying"]),
        ({"q": 0.4, "r": -0.5}, "q", ["copying"]),
        ({"q": 0.4, "r": -0.4}, "q", ["law", "copying", "--set", "r=-0.4"]),
        ({"q": 0.45, "r": -0.5}, "r", ["law", "copying", "--set", "q=0.45"]),
        (
            {"q": 0.45, "r": -0.4}, "omega",
            ["law", "copying", "--set", "q=0.45", "--set", "r=-0.4"],
        ),
    ],
)  # fmt: skip
def test_exponents_that_a_plan_does_not_free_keep_what_was_typed(truth, free, words):
    law = jqd.CopyDynamics.from_hamiltonian(np.eye(2), **truth)
    assert reader_of_copies(truth, law, free) == ("recover", words)


@pytest.mark.parametrize(
    ("free", "nuisance", "others", "words"),
    [
        ("", "", [], []),
        ("", "", ["D"], []),
        ("", "", ["friction"], ["--free", "D,friction"]),
        ("D", "", ["D"], ["--free", "D"]),
        ("D", "", ["friction"], ["--free", "D,friction"]),
        ("friction", "", ["D", "friction"], ["--free", "friction,D"]),
        (
            "D", "friction=0.1+-0.02", ["friction"],
            ["--free", "D", "--nuisance", "friction=0.1+-0.02"],
        ),
    ],
)  # fmt: skip
def test_what_a_command_cannot_be_told_is_freed(free, nuisance, others, words):
    """`recover diffusion` and `husimi` hold what is not free at quantum mechanics."""
    seen = Looks(np.arange(2.0), 10, free=free, nuisance=nuisance)
    assert seen.freeing(others, "D").recover == words


@pytest.fixture
def simulate(tmp_path, capsys):
    """Simulate into a file of this name: what `--json` prints, by its schema."""

    def simulate(kind, name, *words) -> dict[str, Any]:
        path = tmp_path / name
        code = main(["simulate", kind, "--out", str(path), "--json", *words])
        result = json.loads(capsys.readouterr().out)
        jsonschema.validate(result, json_schema(f"simulate {kind}"))
        assert code == 0
        assert result["status"] == "ok"
        return result

    return simulate


@pytest.fixture
def recovered(tmp_path, capsys):
    """Run the command that a simulation names, with more words: its constants."""

    def recovered(simulated, *words) -> dict[str, Any]:
        first, *command = shlex.split(simulated["recover"])
        assert first == "jqd"
        where = ["--out", str(tmp_path / "run"), "--json"]
        assert main([*command, *words, *where]) == 0
        result = json.loads(capsys.readouterr().out)
        assert result["status"] == "converged"
        parts = [result[name] for name in ("counts",) if name in result]
        return (parts or [result])[0]["constants"]

    return recovered


def close(found, truth, names):
    """Within 4 standard errors, which are known to some percent or better."""
    assert set(found) == set(names)
    for name in names:
        one = found[name]
        assert 0 < one["stderr"] < 0.5
        assert abs(one["value"] - truth[name]) < 4 * one["stderr"], name


# Where to begin, near the truth, and levels that hold the state there: less than 1e-9
# is above 32 at C = 0.8 to 1.2. Tests of the search begin farther away.
NEAR = ("--quick", "--starts", "1", "--start")
NEAR_C = (*NEAR, "C=1", "--levels", "32")


@pytest.mark.slow
def test_copying_with_a_readout(simulate, recovered, tmp_path):
    """Exponents that are not those of quantum mechanics, and read-outs that tell
    nothing: the next command has their prior, to a tenth."""
    words = ("--set", "q=0.4", "--set", "r=-0.55", "--times", "0:3:16", "--seed", "3")
    words += ("--shots", "4000", "--readout", "0.1")
    made = simulate("copying", "counts.csv", *words)
    assert made["constants"] == {"q": 0.4, "r": -0.55}
    assert (made["times"], made["shots"]) == (16, 4000)
    names = ["counts.csv", "counts_hamiltonian.npy", "counts_psi0.npy"]
    assert made["files"] == [str(tmp_path / name) for name in names]
    counts = records.load_record(tmp_path / "counts.csv").values
    np.testing.assert_array_equal(counts.sum(axis=1), 4000)
    assert made["recover"].endswith("--nuisance readout=0.1+-0.01")
    # one start alone, from quantum mechanics, ends where a class runs empty
    found = recovered(made, "--quick", "--starts", "4")
    truth = made["constants"] | {"readout": 0.1}
    close({name.rpartition(".")[2]: one for name, one in found.items()}, truth, truth)


@pytest.mark.slow
def test_copying_with_shots_that_are_correlated(simulate, recovered):
    """2.2 times the variance: the next command fits it, and so the errors hold it."""
    words = ("--times", "0:3:31", "--shots", "4000", "--rho", "0.0003")
    made = simulate("copying", "counts.csv", *words)
    assert made["recover"].endswith("--nuisance 'rho=uniform(0,0.003)'")
    found = recovered(made, *NEAR, "q=0.5,r=-0.5")
    truth = made["constants"] | {"rho": 0.0003}
    close(found, truth, truth)


@pytest.mark.slow
def test_husimi_samples(simulate, recovered):
    made = simulate("husimi", "s.npz", "--set", "C=0.9", "--shots", "2000")
    assert made["constants"] == {"C": 0.9, "U": 1.0}
    close(recovered(made, *NEAR_C), made["constants"], ["C"])


@pytest.mark.slow
def test_husimi_map(simulate, recovered):
    words = ("--record", "map", "--set", "C=1.2", "--alpha0", "0.8", "--sigma", "0.02")
    made = simulate("husimi", "q.zarr", *words, "--times", "0.5,1", "--shots", "25")
    close(recovered(made, *NEAR_C), made["constants"], ["C"])


@pytest.mark.slow
def test_diffusion(simulate, recovered, tmp_path):
    words = ("--set", "D=0.45", "--shots", "5000", "--times", "0:2:3")
    made = simulate("diffusion", "x.npz", *words)
    record = records.load_density(tmp_path / "x.npz")
    assert record.counts is not None
    np.testing.assert_array_equal(record.counts.sum(axis=1), 5000)
    close(recovered(made, *NEAR, "D=0.5"), made["constants"], ["D"])


@pytest.mark.slow
def test_statistics(simulate, recovered):
    made = simulate("statistics", "n.csv", "--set", "g=0.5", "--shots", "100")
    close(recovered(made, "--quick"), made["constants"], ["g"])


@pytest.mark.slow
def test_springs(simulate, recovered, tmp_path):
    words = ("--springs", "3", "--time", "15", "--set", "K[1]=1.3", "--shots", "4")
    made = simulate("springs", "chain.nc", *words)
    assert made["constants"]["K[1]"] == 1.3
    assert records.load_atoms(tmp_path / "chain.nc").sigma == 1e-3 / 2
    found = recovered(made, "--quick", "--windows", "2", "--starts", "1")
    close(found, made["constants"], ("K[0]", "K[1]", "K[2]"))


@pytest.mark.slow
def test_tower(simulate, recovered):
    """Counts of all levels; --seed, --levels and --photons go to the next command."""
    words = ("--levels", "20", "--photons", "5", "--times", "0.5:10:20", "--seed", "2")
    made = simulate("tower", "p.zarr", *words, "--shots", "50000")
    assert "--seed 2 --levels 20 --photons 5" in made["recover"]
    found = recovered(made, "--quick")
    close(found, made["constants"], ("strength", "omega", "beta"))


@pytest.mark.slow
def test_temperature(simulate, recovered):
    words = ("--set", "T=1.5", "--omega", "0.5,2", "--n-max", "6", "--shots", "500")
    made = simulate("temperature", "light.csv", *words)
    close(recovered(made), made["constants"], ["T"])


@pytest.mark.slow
def test_readout_mixes_classes(simulate, tmp_path):
    """A read-out that tells nothing gives either of two classes.

    Shares of classes at t = 0 are .9 and .1, of 10⁴ shots known to .005 at worst.
    """
    H, psi0 = tmp_path / "H.csv", tmp_path / "psi.npy"
    H.write_text("0,1\n1,0.5\n")
    np.save(psi0, np.sqrt([0.9, 0.1]))
    words = ("--hamiltonian", str(H), "--state", str(psi0), "--times", "0,0.1")
    words += ("--shots", "10000")
    shares = []
    for readout in ("0", "1", "0.5"):
        made = simulate("copying", f"n{readout}.csv", *words, "--readout", readout)
        assert ("--nuisance" in made["recover"]) is (readout != "0")
        record = records.load_record(tmp_path / f"n{readout}.csv")
        shares.append(np.asarray(record.shares)[0])
    for seen, known in zip(shares, ([0.9, 0.1], [0.5, 0.5], [0.7, 0.3]), strict=True):
        np.testing.assert_allclose(seen, known, rtol=0, atol=0.02)  # 4 of these


def test_the_same_seed_gives_the_same_record(simulate, tmp_path):
    for name, seed in (("a.csv", "1"), ("b.csv", "1"), ("c.csv", "2")):
        simulate("temperature", name, "--shots", "50", "--seed", seed)
    texts = [(tmp_path / f"{name}.csv").read_text() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_a_person_reads_a_table_and_the_next_command(tmp_path, capsys):
    path = tmp_path / "new" / "with space.csv"  # a folder that is made
    words = ["simulate", "statistics", "--shots", "5", "--out", str(path)]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "draws of 50 particles in 20 states" in out
    assert out.endswith(f"Recover with: jqd recover statistics --data '{path}'\n")


@pytest.mark.slow
def test_a_law_that_ends_leaves_no_file(tmp_path, capsys):
    """Exponents at which a class dies out: exit code 1, and the status says why."""
    path = tmp_path / "n.csv"
    words = ["--set", "q=0.9", "--set", "r=0.9", "--times", "0:40:3", "--json"]
    assert main(["simulate", "copying", "--out", str(path), *words]) == 1
    result = json.loads(capsys.readouterr().out)
    jsonschema.validate(result, json_schema("simulate copying"))
    assert result["status"] != "ok"
    assert result["files"] == []
    assert result["recover"] is None
    assert not list(tmp_path.iterdir())


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["temperature", "--shots", "0"], "'--shots': Input should be greater than or"),
        (["temperature", "--out", "n.txt"], "`--out` must be a file ending in .csv"),
        (["husimi", "--out", "n.csv"], "ending in .npz, .zarr, .nc, but is n.csv"),
        (["copying", "--readout", "1.1"], "'--readout': Input should be less than"),
        (["copying", "--readout", "-0.1"], "'--readout': Input should be greater"),
        (["copying", "--rho", "1.1"], "'--rho': Input should be less than"),
        (["copying", "--set", "p=1"], "out of q, r, but 'p' was given"),
        (["copying", "--set", "q"], "`--set` must look like q=0.4, but 'q' was"),
        (["copying", "--set", "q=1", "--set", "q=2"], "'q' comes twice"),
        (["copying", "--state", "psi.npy"], "--hamiltonian is missing"),
        (["copying", "--times", "0:6"], "like 0:6:61 or 0.2,0.5,1, but '0:6'"),
        (["copying", "--times", "0:6:1.5"], "like 0:6:61"),
        (["copying", "--times", "1,2"], "must begin at 0 for counts in a .csv"),
        (["copying", "--times", "1,1"], "must increase strictly from 0 on"),
        (["copying", "--times", "-1,1"], "must increase strictly from 0 on"),
        (["husimi", "--set", "C=1.1"], "C at most 1 for samples"),
        (["husimi", "--set", "C=0"], "must be in (0, C_max)"),
        (["husimi", "--alpha0", "one"], "`--alpha0` must be a number like 1.2+0.5i"),
        (["husimi", "--record", "moments"], "one of samples, map"),
        (["husimi", "--hamiltonian", "w*n"], "does not give w; add --set w=NUMBER"),
        (["husimi", "--hamiltonian", "ad^3*a^3"], "at most two powers"),
        (["husimi", "--record", "map", "--sigma", "0"], "`--sigma` must be positive"),
        (["diffusion", "--set", "mass=2"], "out of D, friction, classical_diffusion"),
        (["statistics", "--set", "g=-0.7"], "`g`"),
        (["springs", "--set", "K[10]=1"], "'K[10]' was given"),
        (["springs", "--sigma", "nan"], "`--sigma` must be positive"),
        (["tower", "--set", "omega=-1"], "`omega` must be positive"),
        (["temperature", "--omega", "1,-2"], "`--omega` must be positive numbers"),
        (["temperature", "--set", "T=0"], "`--set T` must be positive"),
    ],
)
def test_bad_words_are_one_line_and_exit_code_2(
    words, message, tmp_path, complaint, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    endings = {"husimi": ".npz", "diffusion": ".npz", "springs": ".npz"}
    out = [] if "--out" in words else ["--out", f"n{endings.get(words[0], '.csv')}"]
    assert message in complaint("simulate", *words, *out)
    assert not list(tmp_path.iterdir())


def test_no_file_is_overwritten(tmp_path, capsys):
    """Neither the record, nor what stands beside it."""
    psi0 = tmp_path / "n_psi0.npy"
    psi0.write_text("mine")
    out = ["--out", str(tmp_path / "n.csv")]
    assert main(["simulate", "copying", *out]) == 2
    assert "`--out` must be a new file, but" in capsys.readouterr().err
    assert psi0.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["n_psi0.npy"]


def test_default_times_are_those_of_the_hamiltonian(tmp_path):
    """Levels 1.04e6 apart, a spread of 5.2e5: the nearest power of ten is 1e-6."""
    H, psi = np.array([[0.0, 0.5], [0.5, 0.3]]), np.sqrt([0.8, 0.2])
    files = tmp_path / "H.npy", tmp_path / "psi.npy"
    for path, array in zip(files, (1e6 * H, psi), strict=True):
        np.save(path, array)
    assert time_scale(1e6 * H, files[0]) == pytest.approx(1e-6)
    assert time_scale(H, files[0]) == 1
    assert time_scale(1e6 * H, None) == 1  # the built-in problem
    ts = parse_times(spaced(0.1, 6, 60, 1e-6))
    np.testing.assert_allclose(ts, 1e-6 * np.linspace(0.1, 6, 60), rtol=1e-12)
    wanted = Sampling(copies=1000.0, trajectories=4, rows=3)
    run = sample_copying._asked(wanted, *files)
    np.testing.assert_allclose(run.ts, [0, 5e-6, 1e-5], rtol=1e-12)


def test_times_are_read():
    np.testing.assert_array_equal(parse_times("0:6:4"), [0, 2, 4, 6])
    np.testing.assert_array_equal(parse_times("0.2, 0.5,1"), [0.2, 0.5, 1])
    np.testing.assert_array_equal(parse_times("0"), [0])
