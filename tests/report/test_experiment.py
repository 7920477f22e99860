import json

import pytest
import xarray as xr

from jqd._files import OutputError
from jqd.report.experiment import run_experiment
from jqd.report.user_code import ExperimentError, load_file

EXPERIMENT = '''
"""Claim: one and one is two."""

import xarray as xr
from matplotlib.figure import Figure

from jqd_test_helper import one


def run(context):
    total = sum(one() for _ in context.progress(2, "adding"))
    total += sum(context.progress([], "nothing"))
    context.log("[added]")
    figure = Figure()
    axis = figure.subplots()
    axis.plot([0, 1])
    axis.set(xlabel="time t", ylabel="position x")
    context.save_figure(figure, "line")
    context.save_dataset(xr.Dataset({"x": ("t", [1.0])}))
    context.save_table([{"a": 1, "b": 2.5}], "table")
    return {"total": total, "quick": context.quick, "status": "ok"}
'''


@pytest.fixture
def experiment(tmp_path):
    def write(text, name="adding.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_results_and_their_origin_are_kept(experiment, tmp_path, capsys):
    experiment("def one():\n    return 1\n", "jqd_test_helper.py")
    path = experiment(EXPERIMENT)
    summary, folder = run_experiment(path, tmp_path / "out", quick=True)
    assert summary["total"] == 2
    assert summary["quick"] is True
    assert json.loads((folder / "summary.json").read_text()) == summary
    assert summary["provenance"]["precision"] == "float64"
    names = {file.name for file in folder.iterdir()} - {".run"}
    figures = {"line.png", "line.svg"}
    assert names == figures | {"data.zarr", "table.json", "table.csv", "summary.json"}
    with xr.open_zarr(folder / "data.zarr") as back:
        assert back.attrs["jqd"] == summary["provenance"]["jqd"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "[added]" in captured.err


def test_results_go_to_a_folder_named_after_the_file(experiment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = experiment("def run(context):\n    return {}\n")
    assert str(run_experiment(path)[1]) == "results/adding"
    assert str(run_experiment(path)[1]) == "results/adding-2"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must define a function"),
        ("run = 3", "must define a function"),
        ("def run(:", r"valid Python, but .*adding.py:1"),
        ("def run(context): return 3", "must return a dict .* int"),
        ("def run(context): return {'a': {1}}", "must return a dict .* set"),
    ],
)
def test_what_is_no_experiment_is_refused(experiment, tmp_path, text, reason):
    with pytest.raises(ValueError, match=reason):
        run_experiment(experiment(text), tmp_path / "out")


def test_a_file_that_is_not_there_or_not_python(tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.py is not there"):
        load_file(tmp_path / "nothing.py", "run", "context")
    (tmp_path / "data.csv").write_text("t,p0\n")
    with pytest.raises(ValueError, match="must be a Python file"):
        load_file(tmp_path / "data.csv", "run", "context")


def test_a_failure_names_its_line_and_keeps_what_was_finished(experiment, tmp_path):
    text = """
def run(context):
    context.save_table([{"a": 1}], "table")
    return int("ten")
"""
    with pytest.raises(ExperimentError, match=r"adding\.py:4: ValueError: invalid lit"):
        run_experiment(experiment(text), tmp_path / "out")
    assert (tmp_path / "out" / "table.csv").exists()
    with pytest.raises(ExperimentError, match=r"adding\.py:1: ModuleNotFoundError"):
        load_file(experiment("import no_such_module"), "run", "context")


def test_an_interrupted_experiment_says_where_its_files_are(experiment, tmp_path):
    path = experiment(
        "def run(context):\n"
        '    context.save_table([{"a": 1}], "table")\n'
        "    raise KeyboardInterrupt\n"
    )
    with pytest.raises(KeyboardInterrupt, match=r"finished files are in .*out"):
        run_experiment(path, tmp_path / "out")


def test_an_unwritable_folder_is_refused(experiment, tmp_path):
    path = experiment("def run(context):\n    return {}\n")
    with pytest.raises(OutputError, match="`--out` must be a writable folder"):
        run_experiment(path, path)
