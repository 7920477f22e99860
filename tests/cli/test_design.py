"""`jqd design`: its table, its files, what is refused, and the commands that follow."""

import json
import shlex

import numpy as np
import pytest

from jqd import records
from jqd.cli import main
from jqd.cli.following import looks


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two classes that turn into each other, from a state of no special phase."""
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "H.npy", np.array([[0.0, 0.5], [0.5, 0.3]]))
    np.save(tmp_path / "psi.npy", np.sqrt([0.8, 0.2]) * np.exp([0, 0.7j]))
    return ["--hamiltonian", "H.npy", "--state", "psi.npy"]


@pytest.mark.slow
def test_a_design_and_the_simulation_that_follows(files, tmp_path, printed, capsys):
    words = ["design", "copying", *files, "--times", "0.5:2:4", "--shots", "1e4"]
    words += ["--nuisance", "readout=0.02+-0.005", "--set", "q=0.45", "--json"]
    assert main([*words, "--out", "plan.toml"]) == 0
    result = printed("design copying")
    assert result["status"] == "ok"
    assert result["gap"] < 1e-6
    assert sum(one["shots"] for one in result["settings"]) == 10000
    names = ["plan.toml", "plan_sensitivity.png", "plan_sensitivity.svg"]
    names.append("plan_summary.json")
    assert result["files"] == names
    assert all((tmp_path / name).stat().st_size > 0 for name in names)
    q = result["constants"]["q"]
    assert 0 < q["known"] <= q["stderr"]
    # two looks at two classes do not tell three constants without a prior
    assert q["alone"] is None
    # the step from quantum mechanics, .05, at 5 standard errors
    need = {one["constant"]: one for one in result["steps"]}["q"]
    assert need["step"] == pytest.approx(0.05)
    assert need["shots"] is None
    assert 0.01 < need["limit"] < q["stderr"]
    plan = records.load_settings("plan.toml")
    assert (plan.law, plan.free) == ("copying", "q,r")
    # the command it prints draws the record of these settings
    first, *command = shlex.split(result["simulate"])
    assert first == "jqd"
    assert main([*command, "--json"]) == 0
    made = printed("simulate copying")
    assert made["shots"] == plan.shots.tolist()
    assert made["constants"]["q"] == 0.45
    assert "--free q,r --nuisance readout=0.02+-0.005" in made["recover"]
    record = records.load_record("plan_record.npz")
    assert not record.from_start
    np.testing.assert_array_equal(record.values.sum(axis=1), plan.shots)
    # neither writes over the other's files
    assert main([*words, "--out", "plan.toml"]) == 2
    assert "must be a new file" in capsys.readouterr().err


@pytest.mark.slow
def test_calibration_that_no_number_of_shots_beats(files, printed, capsys):
    """One look at two classes is one number: q is known as well as the coupling."""
    words = ["design", "copying", *files, "--times", "1.5", "--free", "q"]
    words += ["--nuisance", "R=0.5+-0.05", "--step", "q=0.01"]
    assert main(words) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "with these shares no number of shots is enough; calibration" in out
    assert "Without priors the data constrain nothing along" in out
    assert main([*words, "--json"]) == 0
    result = printed("design copying")
    (need,) = result["steps"]
    assert need["shots"] is None
    assert need["limit"] > 0.01 / 5
    assert need["limit"] == result["constants"]["q"]["limit"]
    assert result["constants"]["q"]["alone"] is None
    # the null vector is the ratio of what is left of q to the prior's width
    (null,) = result["null_vectors"]
    ratio = abs(null["q"] / null["R[0,1]"])
    assert need["limit"] == pytest.approx(0.05 * ratio, rel=1e-3)


@pytest.mark.slow
def test_a_law_that_ends_has_no_design(files, printed):
    words = ["--set", "q=0.9", "--set", "r=0.9", "--times", "1,20,40", "--json"]
    assert main(["design", "copying", *words, "--out", "plan.toml"]) == 1
    result = printed("design copying")
    assert result["status"] != "ok"
    assert result["settings"] == result["files"] == []


@pytest.mark.slow
def test_a_rival_and_a_box(files, printed):
    words = ["design", "copying", *files, "--times", "0.5:3:6", "--free", "q", "--json"]
    assert main([*words, "--against", "q=0.4"]) == 0
    result = printed("design copying")
    assert result["criterion"] == "KL"
    (need,) = result["steps"]
    # 2 N KL = 25, at the value of 1e5 shots
    assert need["shots"] == pytest.approx(1e5 * 25 / result["value"], rel=1e-6)
    assert main([*words, "--over", "q=0.45:0.55"]) == 0
    box = printed("design copying")
    assert main(words) == 0
    alone = printed("design copying")
    assert box["value"] >= alone["value"]
    assert 0.45 <= box["at"]["q"] <= 0.55


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("copying --shots 0", "`--shots` must be a whole number from 1 on, but is 0"),
        ("copying --shots -5", "`--shots` must be a whole number from 1 on"),
        ("copying --shots 1.5", "`--shots` must be a whole number from 1 on"),
        ("copying --times ,", "`--times` must be like 0:6:61 or 0.2,0.5,1"),
        ("copying --times=", "`--times` must be like 0:6:61 or 0.2,0.5,1"),
        ("copying --times 2,1", "`--times` must increase strictly"),
        ("copying --criterion E", "`--criterion` must be one of A, D, c, KL"),
        ("copying --criterion KL", "`--against` must be given for the criterion KL"),
        (
            "copying --criterion A --against q=0.4",
            "for no other, but the criterion is A",
        ),
        (
            "copying --against p=0.4",
            "`--against` must name constants out of q, r, but 'p'",
        ),
        ("copying --wanted p", "`--wanted` must name constants out of q, r, but 'p'"),
        ("copying --step p=1", "`--step` must name constants out of q, r, but 'p'"),
        ("copying --over q=1", "`--over` must look like q=0.45:0.55"),
        ("copying --over q=1:0", "low before high, but is 'q=1:0'"),
        ("copying --free mass", "`--free` must name constants out of q, r"),
        ("copying --nuisance readout=1+-0.1", "`--nuisance readout` must have a mean"),
        ("copying --nuisance readout=-0.1+-0.1", "in [0, 1), the share of read-outs"),
        ("copying --out plan.txt", "`--out` must be a file ending in .toml"),
        ("copying --state psi.npy", "--hamiltonian is missing"),
        ("husimi --hamiltonian ad^3*a^3", "at most two powers"),
        ("husimi --set C=1.2", "C at most 1 for samples"),
        ("husimi --sigma 0 --record map", "`--sigma` must be positive"),
        ("husimi --record moments", "one of samples, map"),
        ("diffusion --free hbar", "`--free` must name constants out of D, friction"),
        ("diffusion --set mass=2", "out of D, friction, classical_diffusion"),
    ],
)
def test_bad_words_are_one_line_and_exit_code_2(words, message, files, complaint):
    refused(words, message, files, complaint)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("copying --nuisance nobody=1+-1", "`--nuisance` must"),
        (
            "copying --free q,R --times 1",
            "`--times` must determine what is wanted, but",
        ),
        ("copying --over q=0.4:0.6 --against q=0.4", "`--over` must be None for 'KL'"),
        ("copying --over q=0:9 --times 1,30", "with which the law reaches the last"),
        ("husimi --free omega", "`--free` must"),
    ],
)
def test_what_only_the_law_can_refuse(words, message, files, complaint):
    refused(words, message, files, complaint)


def refused(words, message, files, complaint):
    command, *more = words.split()
    given = files if command == "copying" and "--state" not in more else []
    assert message in complaint("design", command, *given, *more)


def test_what_a_plan_does_not_say_is_said_beside_it(tmp_path):
    """The readout of a plan has its prior there; correlated shots never have one."""
    drawn = ["readout=0.1+-0.01", "rho=uniform(0,0.02)"]
    file = tmp_path / "plan.toml"
    for nuisance, both in (
        ("", ",".join(drawn)),
        ("R=0.5+-0.1,readout=0.1+-0.02", "R=0.5+-0.1,readout=0.1+-0.02," + drawn[1]),
        ("instrument.readout=0.1+-0.02", "instrument.readout=0.1+-0.02," + drawn[1]),
    ):
        plan = records.Settings(np.array([1.0]), np.array([5]), "law", "q", nuisance)
        records.save(file, plan)
        seen = looks("law", file, None, "0:6:61", None, 1000)
        assert seen.recover_beside(drawn) == ["--free", "q", "--nuisance", both]
        alone = ["--nuisance", nuisance] if nuisance else []
        assert seen.recover == ["--free", "q", *alone]
        file.unlink()
    seen = looks("law", None, "0,1", "0:6:61", None, 1000)
    assert seen.recover_beside(drawn[1:]) == ["--nuisance", drawn[1]]
    assert seen.recover_beside(()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("diffusion --settings plan.toml", "must be of diffusion, but plan.toml is of"),
        (
            "copying --settings plan.toml --times 0,1",
            "`--times` must not be given with",
        ),
        ("copying --settings plan.toml --shots 9", "`--shots` must not be given with"),
        ("copying --settings plan.toml --out n.csv", "give --out a .npz, .zarr or .nc"),
        ("copying --settings none.toml", "`--settings` must be a file, but none.toml"),
    ],
)
def test_settings_that_do_not_fit_a_simulation(words, message, files, capsys):
    plan = records.Settings(np.array([1.0]), np.array([5]), "copying")
    records.save("plan.toml", plan)
    out = [] if "--out" in words else ["--out", "n.npz"]
    assert main(["simulate", *words.split(), *out]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1


LATER = "--times 0.5:3:6"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "words", "start"),
    [
        ("copying", f"--set q=0.45 {LATER} --shots 1e5", "q=0.5"),
        ("husimi", f"--set C=0.9 --nuisance U=1+-0.02 {LATER} --shots 2e4", "C=0.95"),
        ("husimi", "--record map --times 0.2,0.5,1 --shots 200", "C=0.95"),
        ("diffusion", "--set D=0.45 --times 1:4:4 --shots 1e4", "D=0.5"),
    ],
)
def test_three_commands_from_a_design_to_constants(
    law, words, start, tmp_path, monkeypatch, capsys
):
    """What is recovered is true, with the standard error that was planned."""
    monkeypatch.chdir(tmp_path)
    assert main(["design", law, *words.split(), "--out", "p.toml", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert main([*shlex.split(plan["simulate"])[1:], "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    command = [*shlex.split(made["recover"])[1:], "--json", "--out", "run"]
    command += ["--starts", "1", "--start", start]
    # at C = 0.9 to 1 a share of 1e-12 or less is above these
    command += ["--levels", "32"] if law == "husimi" else []
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "converged"
    name = start.partition("=")[0]
    one = found["constants"][name]
    assert abs(one["value"] - made["constants"][name]) < 4 * one["stderr"]
    # weights of a record are its own; of moments they scatter most
    assert one["stderr"] == pytest.approx(plan["constants"][name]["stderr"], rel=0.2)
