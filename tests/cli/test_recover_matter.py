"""`jqd recover springs|anharmonicity|tower|temperature`."""

import json

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from jqd.cli.recover import recover_app
from jqd.cli.recover_tower import _read
from jqd.report import json_schema


@pytest.fixture
def call(tmp_path, capsys):
    """Run a command with --json: its exit code and its result."""

    def call(*words):
        out = ["--out", str(tmp_path / "run"), "--json"]
        result = CliRunner().invoke(
            recover_app, [*map(str, words), *out], standalone_mode=False
        )
        if result.exception is not None:
            raise result.exception
        found = json.loads(result.stdout)
        jsonschema.validate(found, json_schema(f"recover {words[0]}"))
        return result.return_value, found

    return call


@pytest.mark.slow
def test_temperature_built_in(call, tmp_path):
    code, result = call("temperature")
    assert code == 0
    for name, bound in (("counts", 0.0073), ("curve", 2.8e-4)):
        found = result[name]["constants"]["T"]
        assert abs(found["value"] - 1) < 4 * found["stderr"]
        assert found["stderr"] == pytest.approx(bound, rel=0.1)
        assert found["reference"] == 1
    assert (tmp_path / "run" / "fit.svg").exists()
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["counts"] == result["counts"]


def test_temperature_of_own_counts(call, tmp_path):
    file = tmp_path / "counts.csv"
    rng = np.random.default_rng(2)
    n = rng.geometric(1 - np.exp(-2 / 1.5), 3000) - 1
    np.savetxt(
        file, np.column_stack([np.full(3000, 2.0), n]), delimiter=",",
        header="omega,n", comments="",
    )  # fmt: skip
    code, result = call("temperature", "--data", file)
    found = result["counts"]["constants"]["T"]
    assert code == 0
    assert abs(found["value"] - 1.5) < 4 * found["stderr"]
    assert found["reference"] is None


def test_temperature_of_cut_off_counts(call, tmp_path):
    """As a tower gives them that holds no more than three photons."""
    file = tmp_path / "counts.csv"
    n = np.arange(4)
    p = np.exp(-n / 1.5)
    drawn = np.random.default_rng(2).choice(n, 2000, p=p / p.sum())
    np.savetxt(
        file, np.column_stack([np.ones(2000), drawn]), delimiter=",",
        header="omega,n", comments="",
    )  # fmt: skip
    code, result = call("temperature", "--data", file, "--n-max", 3)
    found = result["counts"]["constants"]["T"]
    assert code == 0
    assert abs(found["value"] - 1.5) < 4 * found["stderr"]
    # negative control: what the mean number alone says is a third below
    assert 1 / np.log1p(1 / drawn.mean()) < 1.5 - 4 * found["stderr"]
    assert "cut off at 3" in result["counts"]["message"]
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["settings"]["n_max"] == 3
    file.write_text("omega,nbar\n1,0.5\n2,0.1\n")
    with pytest.raises(ValueError, match="`--n-max` must not be given for a curve"):
        call("temperature", "--data", file, "--n-max", 3)


def chain(**changes):
    arrays = {
        "t": np.arange(1.0, 4.0), "x": np.ones((3, 3)), "x0": np.arange(3.0),
        "v0": np.zeros(3),
    }  # fmt: skip
    return arrays | changes


@pytest.mark.parametrize(
    ("words", "arrays", "message"),
    [
        (["temperature", "--free", "T,omega"], None, "omega/T alone"),
        (["temperature", "--free", "g"], None, "out of T, omega"),
        (["anharmonicity", "--free", "K,gamma"], None, "out of K, alpha, beta"),
        (["anharmonicity", "--start", "D=1"], None, "--start"),
        (["springs", "--sigma", "-1"], None, "`--sigma` must be positive"),
        (["springs"], chain(mass=np.array(-1.0)), "`mass` must be positive"),
        (["springs"], chain(x0=np.arange(4.0)), "`v0` must have shape"),
        (["springs"], chain(length=np.ones(5)), "`length` must be a number or"),
        (["tower", "--free", "hbar"], None, "out of strength, omega, beta"),
        (["tower", "--start", "omega=-1"], None, "`omega` must be positive"),
    ],
)
def test_refusals(call, tmp_path, words, arrays, message):
    if arrays is not None:
        np.savez(tmp_path / "chain.npz", **arrays)
        words = [*words, "--data", tmp_path / "chain.npz"]
    with pytest.raises(ValueError, match=message):
        call(*words)
    assert not (tmp_path / "run").exists()


def test_a_tower_of_more_levels_than_photons(call, tmp_path):
    file = tmp_path / "tower.csv"
    file.write_text("t,p0,p1,p2\n1,.5,.3,.2\n2,.4,.4,.2\n")
    with pytest.raises(ValueError, match="at most 2 levels of the tower"):
        call("tower", "--data", file, "--photons", 1)


def test_a_tower_takes_time_and_errors_of_its_file(tmp_path):
    """Else it begins at 0, with an error of the command's own."""
    path, held = tmp_path / "tower.npz", {"t": [1.0, 2.0], "p": [[0.9, 0.1]] * 2}
    np.savez(path, **held)
    record = _read(path, 1, None, None)
    assert (float(record.t0), float(record.noise.sigma)) == (0, pytest.approx(2e-3))
    np.savez(path, **held, t0=0.5, sigma=0.01)
    record = _read(path, 1, None, None)
    assert (float(record.t0), float(record.noise.sigma)) == (0.5, pytest.approx(0.01))
    record = _read(path, 1, 0.1, 0.25)
    assert (float(record.t0), float(record.noise.sigma)) == (0.25, pytest.approx(0.1))
    np.savez(path, t=[1.0, 2.0], n=[[9, 1]] * 2)
    with pytest.raises(ValueError, match="`--sigma` must not be given for counts"):
        _read(path, 1, 0.1, None)


def test_light_that_is_not_thermal(call, tmp_path, capsys):
    n = np.random.default_rng(0).poisson(2.0, size=400)
    file = tmp_path / "light.csv"
    file.write_text("omega,n\n" + "".join(f"1,{each}\n" for each in n))
    code, result = call("temperature", "--data", file)
    assert code == 1
    assert result["status"] == "the law does not describe the record"
    assert result["counts"]["p_value"] < 1e-3
    assert result["counts"]["constants"]["T"]["stderr"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "worst"),
    [
        ("springs", 2e-3),
        ("anharmonicity", 1e-3),
        # counts of 50 000 at a third of these times tell omega to 2.2e-3
        ("tower --levels 20 --photons 8", 4e-3),
    ],
)
def test_quick_fits(call, tmp_path, words, worst):
    command, *sizes = words.split()
    code, result = call(command, "--quick", *sizes)
    assert code == 0
    for found in result["constants"].values():
        assert found["stderr"] < worst
        # three to ten constants
        assert abs(found["value"] - found["reference"]) < 4 * found["stderr"]
    figures = {file.stem for file in (tmp_path / "run").glob("*.png")}
    assert {"fit", "residuals"} <= figures
    assert command == "tower" or "horizon" in figures
