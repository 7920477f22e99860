"""`jqd recover copying`: the main job, and every bad input in one line."""

import dataclasses
import json
import pickle

import equinox as eqx
import jax
import numpy as np
import pytest
import xarray as xr

import jqd
from jqd import problems
from jqd.cli import main
from jqd.cli.options import _CALLS, PRIORS, parse_nuisances
from jqd.cli.recover_copying import read_populations
from jqd.ensembles import copying
from jqd.problems import DATA

FILES = {
    "--data": DATA / "four_level_populations.csv",
    "--hamiltonian": DATA / "four_level_hamiltonian.npy",
    "--state": DATA / "four_level_psi0.npy",
}
# A fit of one constant from one place; the search is that of the main job.
SHORT = ("--quick", "--free", "q", "--starts", "1", "--start", "q=0.4")
H = np.load(FILES["--hamiltonian"])
PSI = np.load(FILES["--state"])


def recover(out, *words, **files):
    """Run the command on the packaged files, some of them replaced."""
    chosen = FILES | {f"--{name}": path for name, path in files.items()}
    options = [str(word) for pair in chosen.items() for word in pair]
    return main(["recover", "copying", *options, "--out", str(out), *words])


def table():
    return FILES["--data"].read_text().splitlines()


def write(folder, lines):
    path = folder / "data.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def save(folder, array, name="array.npy", **options):
    path = folder / name
    np.save(path, array, **options)
    return path


def test_main_job_on_files(tmp_path, printed):
    out = tmp_path / "run"
    code = recover(
        out, "--start", "q=0.3,r=-0.8", "--starts", "2", "--json", "--seed", "1"
    )
    result = printed("recover copying")
    assert code == 0
    assert list(result) == [
        "law", "constants", "step_bias", "deviation", "deviation_sigmas", "status",
        "message", "errors_hold", "starts", "chi2_per_dof", "p_value",
        "agreeing_starts", "held_out", "runs", "runs_p_value", "pattern", "pulled",
        "seconds", "answers", "grid_error", "note",
    ]  # fmt: skip
    assert result["status"] == "converged"
    for name, value in {"q": 0.5, "r": -0.5}.items():
        constant = result["constants"][name]
        assert abs(constant["value"] - value) < 1e-7
        assert constant["reference"] == value
        assert 0 <= constant["stderr"] < 1e-8
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["seed"] == 1
    for name in ("fit", "loss", "residuals"):
        assert (out / f"{name}.png").stat().st_size > 1e4
        assert (out / f"{name}.svg").stat().st_size > 1e4
    with xr.open_zarr(out / "data.zarr") as dataset:
        assert dataset.sizes["time"] == 61
        assert float(dataset["value"].sel(constant="q")) == pytest.approx(0.5)
        assert dataset.attrs["law"] == "CopyDynamics"
    assert not (out / "search.npz").exists()


@pytest.mark.slow
def test_quick_run_on_the_built_in_counts_prints_a_table(tmp_path, capsys):
    words = ["recover", "copying", *SHORT, "--noise", "multinomial"]
    code = main([*words, "--out", str(tmp_path / "run")])
    printed = capsys.readouterr()
    assert code == 0
    # a table of eighty columns breaks its titles
    for word in ("q", "standard", "error", "0.5", "held-out", "converged", "Results"):
        assert word in printed.out


@pytest.fixture
def ensemble_files(tmp_path):
    """One ensemble of 1e5 systems, and the law and state that it began with."""
    law, psi = problems.golden()
    ts = np.linspace(0, 2, 11)
    run = copying.sample(
        law, psi, ts, jax.random.key(3), copies=100_000, step=0.02, error_trajectories=0
    )
    table = np.column_stack([ts, run.occupation[0]])
    rows = [",".join(map(str, row)) for row in table.tolist()]
    return {
        "data": write(tmp_path, ["t,n0,n1,n2", *rows]),
        "hamiltonian": save(tmp_path, np.asarray(law.hamiltonian()), "h.npy"),
        "state": save(tmp_path, np.asarray(psi), "psi.npy"),
    }


@pytest.mark.slow
def test_an_ensemble_that_copies_itself(tmp_path, capsys, ensemble_files):
    words = ["--noise", "ensemble", "--starts", "1", "--start", "q=0.4,r=-0.6"]
    words += ["--quick", "--json"]
    out = tmp_path / "run"
    assert recover(out, *words, **ensemble_files) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["status"] == "converged"
    for constant in result["constants"].values():
        assert abs(constant["value"] - constant["reference"]) < 4 * constant["stderr"]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["noise"] == "EnsembleNoise"
    # 18 degrees of freedom: 4 standard deviations of χ²
    assert summary["chi2_per_dof"] == pytest.approx(1, abs=4 * np.sqrt(2 / 18))


def test_rows_of_one_ensemble_hold_the_same_systems(tmp_path, capsys):
    rows = ["t,n0,n1,n2,n3", "0,5,5,5,5", "1,5,5,5,6"]
    out = tmp_path / "run"
    assert recover(out, "--noise", "ensemble", data=write(tmp_path, rows)) == 2
    assert_one_line(capsys, ["same copies", "row 1 has 21", "N = 20"])


@pytest.mark.slow
def test_a_full_folder_is_never_overwritten(tmp_path, capsys):
    out = tmp_path / "run"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    words = ["recover", "copying", *SHORT]
    assert main([*words, "--json", "--out", str(out)]) == 0
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
    assert (tmp_path / "run-2" / "summary.json").exists()
    capsys.readouterr()


@pytest.mark.slow
def test_a_fit_that_does_not_settle_is_exit_code_1(tmp_path, capsys, monkeypatch):
    import sys

    module = sys.modules["jqd.inference.fit"]
    # one step of Levenberg-Marquardt from far away cannot settle
    monkeypatch.setattr(module, "polish_one", _unsettled(module.polish_one))
    code = recover(tmp_path / "run", *SHORT, "--json")
    result = json.loads(capsys.readouterr().out)
    assert code == 1
    assert result["status"] == "not converged"


def _unsettled(polish_one):
    def stopped(*arguments):
        theta, cost, _ = polish_one(*arguments)
        return theta, cost, False

    return stopped


def nonhermitian(folder):
    wrong = H.copy()
    wrong[1, 2] += 0.01
    return {"hamiltonian": save(folder, wrong)}


def nan_matrix(folder):
    wrong = H.copy()
    wrong[0, 0] = np.nan
    return {"hamiltonian": save(folder, wrong)}


def smaller_matrix(folder):
    return {"hamiltonian": save(folder, H[:3, :3])}


def other_size(folder):
    lines = [",".join(line.split(",")[:4]) for line in table()]
    rows = np.array([[float(x) for x in line.split(",")] for line in lines[1:]])
    rows[:, 1:] /= rows[:, 1:].sum(axis=1, keepdims=True)
    return {
        "data": write(folder, ["t,p0,p1,p2", *(",".join(map(str, r)) for r in rows)])
    }


def unnormalised_state(folder):
    return {"state": save(folder, 1.1 * PSI)}


def infinite_state(folder):
    return {"state": save(folder, np.where(np.arange(4) == 2, np.inf, PSI))}


def matrix_as_state(folder):
    return {"state": save(folder, H)}


def edit(line, column, text):
    """A change of one cell of the table of populations."""

    def build(folder):
        lines = table()
        cells = lines[line].split(",")
        cells[column] = text
        return {
            "data": write(folder, [*lines[:line], ",".join(cells), *lines[line + 1 :]])
        }

    return build


def header(text):
    return lambda folder: {"data": write(folder, [text, *table()[1:]])}


def lines(text):
    return lambda folder: {"data": write(folder, text)}


def empty(folder):
    path = folder / "empty.csv"
    path.touch()
    return {"data": path}


def truncated_row(folder):
    return {"data": write(folder, [*table()[:20], "2.0,0.1"])}


def truncated_array(folder):
    path = folder / "cut.npy"
    path.write_bytes(FILES["--hamiltonian"].read_bytes()[:200])
    return {"hamiltonian": path}


def pickled(folder):
    path = save(folder, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return {"hamiltonian": path}


def bare_pickle(folder):
    path = folder / "bare.npy"
    path.write_bytes(pickle.dumps(H))
    return {"hamiltonian": path}


def missing_file(folder):
    return {"data": folder / "nowhere.csv"}


def odd_file(folder):
    path = folder / "data.xlsx"
    path.write_text("x")
    return {"data": path}


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (nonhermitian, ["`--hamiltonian`", "Hermitian", "[1, 2]", "0.01"]),
        (nan_matrix, ["hamiltonian", "finite"]),
        (smaller_matrix, ["`--state`", "shape"]),
        (other_size, ["data", "(61, 4)", "(61, 3)"]),
        (unnormalised_state, ["`--state`", "normalised", "1.21"]),
        (infinite_state, ["`--state`", "finite"]),
        (matrix_as_state, ["`--state`", "axes"]),
        (edit(5, 2, "nan"), ["finite", "nan", "is nan at [4]"]),
        (edit(5, 2, "inf"), ["finite", "inf"]),
        (edit(5, 2, "-0.2"), ["`--data`", "negative", "row 4"]),
        (edit(5, 2, "0.9"), ["`--data`", "sum to 1", "row 4"]),
        (edit(5, 2, "abc"), ["numbers", "line 6", "'abc'"]),
        (edit(5, 0, "0.1"), ["`t`", "increase", "t[4] = 0.1"]),
        (header("t,p0,p1,p2,x3"), ["columns", "x3"]),
        (header("t,p0,p1,p2,p4"), ["columns", "p4"]),
        (header("p4,p0,p1,p2,p3"), ["columns", "columns `t,p0"]),
        (header("t,p0,p1,p2,n3"), ["columns"]),
        (lines(["t,p0,p1,p2,p3"]), ["header and rows"]),
        (empty, ["empty"]),
        (truncated_row, ["5 columns", "line 21", "2"]),
        (truncated_array, ["truncated", "cut.npy"]),
        (pickled, ["unpickled"]),
        (bare_pickle, ["pickle is refused"]),
        (missing_file, ["does not exist"]),
        (odd_file, [".csv", "data.xlsx"]),
    ],
)
def test_bad_files_are_one_line_and_exit_code_2(tmp_path, capsys, build, words):
    out = tmp_path / "run"
    assert recover(out, **build(tmp_path)) == 2
    assert_one_line(capsys, words)
    assert not list(tmp_path.glob("run*/*.png"))


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--free", "q,z"], ["--free", "'z'", "omega"]),
        (["--start", "z=1"], ["--start", "'z'"]),
        (["--start", "q=one"], ["--start", "'one'"]),
        (["--start", "omega=1"], ["--start", "free"]),
        (["--noise", "multinomial"], ["multinomial", "counts"]),
        (["--noise", "ensemble"], ["ensemble", "counts"]),
        (["--noise", "gaussian"], ["gaussian:0.01"]),
        (["--noise", "gaussian:-1"], ["positive"]),
        (["--starts", "0"], ["--starts"]),
        (["--bogus"], ["--bogus"]),
        (["--free", "q,r,omega"], ["identify", "omega[0]"]),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(tmp_path, capsys, options, words):
    assert recover(tmp_path / "run", *options) == 2
    assert_one_line(capsys, words)


def test_files_come_together(tmp_path, capsys):
    words = ["recover", "copying", "--data", str(FILES["--data"])]
    assert main([*words, "--out", str(tmp_path / "run")]) == 2
    assert_one_line(capsys, ["--hamiltonian", "--state", "together"])


def test_the_time_of_the_state_is_an_option(tmp_path, capsys):
    """Before the first row, of files alone."""
    *_, record = read_populations(*FILES.values(), "auto", -0.5)
    assert float(record.t0) == -0.5
    assert not record.from_start
    assert recover(tmp_path / "run", "--t0", "0.3") == 2
    assert_one_line(capsys, ["`--t0` must not be after"])
    words = ["recover", "copying", "--t0", "0", "--out", str(tmp_path / "run")]
    assert main(words) == 2
    assert_one_line(capsys, ["`--t0` must be given only with --data"])


def test_an_unwritable_folder(tmp_path, capsys):
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    assert recover(blocker / "run") == 2
    assert_one_line(capsys, ["--out", "writable"])


def assert_one_line(capsys, words):
    """Nothing on standard output; one line on standard error without a traceback."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Error:")
    complaint = captured.err.strip().splitlines()
    assert len(complaint) == 1
    for word in words:
        assert word in complaint[0]


@pytest.mark.slow
def test_a_readout_error_is_fitted_under_its_prior(tmp_path, printed):
    """Counts with a readout error of .02, and a calibration that says .018 +- .004."""
    law, ts = jqd.CopyDynamics.from_hamiltonian(H), np.linspace(0, 6, 21)
    instrument, key = jqd.instruments.Confusion(readout=0.02), jax.random.key(5)
    record = jqd.simulate(law, PSI, ts, instrument, 20000, key)
    rows = np.column_stack([ts, np.asarray(record.values)])
    data = write(
        tmp_path,
        ["t,n0,n1,n2,n3", *(",".join(f"{x:g}" for x in row) for row in rows)],
    )
    words = ["--nuisance", "readout=0.018+-0.004", "--start", "q=0.48,r=-0.52"]
    code = recover(
        tmp_path / "run", *words, "--starts", "1", "--quick", "--json", data=data
    )
    result = printed("recover copying")
    assert code == 0
    for name, value in {"q": 0.5, "r": -0.5, "readout": 0.02}.items():
        found = result["constants"][name]
        # one seed: beyond 4 standard errors once in 1e4 times
        assert abs(found["value"] - value) < 4 * found["stderr"]
    assert result["constants"]["q"]["known"] < result["constants"]["q"]["alone"]
    assert result["constants"]["q"]["pull"] is None
    pull = (result["constants"]["readout"]["value"] - 0.018) / 0.004
    assert result["constants"]["readout"]["pull"] == pytest.approx(pull)


@pytest.mark.parametrize(
    ("text", "prior"),
    [
        ("0.3+-0.1", jqd.Normal(0.3, 0.1)),
        ("lognormal(0.3,0.1)", jqd.LogNormal(0.3, 0.1)),
        ("halfnormal(0.2)", jqd.HalfNormal(0.2)),
        ("uniform(0.1,0.5)", jqd.Uniform(0.1, 0.5)),
    ],
)
def test_priors_in_text(text, prior):
    """The help names each, with as many numbers as it takes."""
    (found,) = parse_nuisances(f"V={text}", ()).values()
    assert eqx.tree_equal(found, prior)
    said = "NAME=MEAN+-SD; NAME=lognormal(MEDIAN,SD), where SD is that of the logarithm"
    said += "; NAME=halfnormal(SD), from 0 on; NAME=uniform(LOW,HIGH). E.g. omega"
    assert said in PRIORS


@pytest.mark.parametrize("name", _CALLS)
def test_numbers_of_a_prior_in_text_are_its_fields(name):
    numbers, _ = _CALLS[name]
    fields = dataclasses.fields(getattr(jqd, name))
    assert [one.name.upper() for one in fields] == list(numbers)


@pytest.mark.parametrize(
    ("nuisance", "part"),
    [
        ("readout=0.01", "must look like readout=0.01+-0.002"),
        ("readout=0.01+-", "must look like readout=0.01+-0.002"),
        ("readout=0.01+-0", "a positive width, but '0'"),
        ("readout=0.01+--1", "a positive width, but '-1'"),
        ("readout=x+-1", "must give readout a number as mean"),
        ("readout=1.5+-0.1", "`--nuisance readout` must be in [0, 1]"),
        ("q=0.5+-0.1", "none that is free, but 'q'"),
        ("omega=0.4+-0.1,omega=0.5+-0.1", "'omega' comes twice"),
        ("nobody=0.4+-0.1", "`--nuisance` must be one of"),
        ("readout=halfnormal(0.01,1)", "must look like readout=0.01+-0.002"),
        ("readout=lognormal(1)", "must look like readout=0.01+-0.002"),
        ("readout=beta(1,2)", "halfnormal(0.01) or uniform(0,1), but 'readout=beta"),
        ("readout=uniform(1,0)", "`high` must be above `low`"),
        ("readout=lognormal(0,1)", "`median` must be positive"),
        ("H=1", "must give H once, in per cent, as H=1%, but 'H=1'"),
        ("H=-1%", "in per cent, as H=1%, but '-1%'"),
        ("H=1%,omega=0.4+-0.1", "a prior of H and one of 'omega'"),
        ("H=1%", "must not give H beside a record without errors"),
    ],
)
def test_nuisances_that_cannot_be(tmp_path, capsys, nuisance, part):
    code = recover(tmp_path / "run", "--nuisance", nuisance)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert part in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["husimi", "--loss", "likelihood"],
        ["husimi", "--length-scales", "--hamiltonian", "q^2+p^2"],
        ["diffusion", "--estimator", "spectrum"],
    ],
)
def test_what_takes_no_priors_says_so(tmp_path, capsys, words):
    """Priors that would be left out without a word are refused."""
    prior, out = ["--nuisance", "mass=1+-0.1"], ["--out", str(tmp_path / "run")]
    assert main(["recover", *words, *prior, *out]) == 2
    said = capsys.readouterr().err
    assert "`--nuisance` must not be given with" in said
    assert words[1] in said


def test_a_nuisance_that_a_husimi_law_lacks_is_called_one(tmp_path, capsys):
    words = ["--nuisance", "n0=0.01+-0.005", "--out", str(tmp_path / "run")]
    assert main(["recover", "husimi", *words]) == 2
    said = capsys.readouterr().err
    assert "Argument `--nuisance` must be one of" in said
    assert len(said.strip().splitlines()) == 1
