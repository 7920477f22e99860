"""The benchmarks run; how fast is no matter of a test."""

import csv
import functools
import importlib
import itertools
import json
import math
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def benchmarks():
    """The command's module; the folder lies in the repository, not in the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        systems = importlib.import_module("benchmarks.systems")
        # left out: their import is slow where they happen to be installed, and
        # dynamiqs changes jax's configuration
        patch.setattr(systems, "LEFT_OUT", {"dynamiqs", "torch", "pyfftw"})
        yield importlib.import_module("benchmarks.__main__")


@pytest.fixture(scope="module")
def stored(benchmarks, tmp_path_factory):
    """The result file of a quick run, by name of the benchmark; each runs once."""
    folder = tmp_path_factory.mktemp("benchmarks")

    @functools.cache
    def run(name):
        path = folder / f"{name}.json"
        assert benchmarks.main([name, "--quick", "--out", str(path)]) == 0
        return path

    return run


def test_every_file_is_a_benchmark_or_a_helper(benchmarks):
    helpers = {"__init__", "__main__", "gillespie", "gpe_programs", "machine"}
    helpers |= {"output", "systems", "timing"}
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert files - helpers == set(benchmarks.NAMES)


@pytest.mark.parametrize(
    ("name", "accuracy"),
    # Runge-Kutta 4 and Strang truncation at the step of the benchmark; single precision
    # in maps, series in 1 - C cut at 1e-9 in Kerr, a difference's error in the
    # Bose-Hubbard slope; else rounding
    [
        ("copy_dynamics", 1e-8),
        ("kerr_sweep", 1e-12),
        ("bose_hubbard", 1e-11),
        ("kerr_gradient", 1e-11),
        ("grid_schrodinger", 2e-3),
        ("husimi_maps", 1e-6),
        pytest.param("husimi_kerr", 1e-8, marks=pytest.mark.slow),
        ("husimi_bose_hubbard", 1e-7),
        # Strang truncation; tolerance of the link form; sampling error of one draw
        pytest.param("two_slits", 1e-1, marks=pytest.mark.slow),
        pytest.param("grid_3d", 1e-1, marks=pytest.mark.slow),
        pytest.param("link_form", 1e-2, marks=pytest.mark.slow),
        pytest.param("statistics_sampler", 1.0, marks=pytest.mark.slow),
        # energy of discs to rounding, of atoms to that of Verlet's step
        pytest.param("hard_discs", 1e-12, marks=pytest.mark.slow),
        pytest.param("solids", 1e-2, marks=pytest.mark.slow),
        pytest.param("photon_tower", 1e-10, marks=pytest.mark.slow),
    ],
)
def test_quick_run_solves_its_problem(stored, name, accuracy):
    record = json.loads(stored(name).read_text())
    rows = record["benchmarks"][name]["rows"]
    ours = [row for row in rows if row["program"].startswith("jqd")]
    assert [row for row in ours if "error" in row]
    for row in ours:
        # a gradient is compared in a goal of its own
        assert row.get("error", 0) < accuracy
        assert row["median_s"] > 0


@pytest.mark.slow
def test_paths_have_the_variance_of_the_density(stored):
    """nelson_paths: 500 paths know a variance to 6 %."""
    record = json.loads(stored("nelson_paths").read_text())
    for row in record["benchmarks"]["nelson_paths"]["rows"]:
        assert abs(row["variance_error"]) < 4 * 0.063


def test_result_file_tells_date_device_and_versions(stored):
    record = json.loads(stored("bose_hubbard").read_text())
    assert record["date"]
    assert record["device"]
    assert record["cores"] >= 1
    assert {"jqd", "jax", "qutip", "dynamiqs"} <= set(record["versions"])
    with stored("bose_hubbard").with_suffix(".csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(
            record["benchmarks"]["bose_hubbard"]["rows"]
        )


def test_absent_program_is_a_row_and_its_goal_is_not_measured(stored):
    record = json.loads(stored("kerr_sweep").read_text())
    result = record["benchmarks"]["kerr_sweep"]
    absent = [row["program"] for row in result["rows"] if row.get("note")]
    assert absent
    assert all(name.startswith("dynamiqs") for name in absent)
    met = {goal["goal"]: goal["met"] for goal in result["goals"]}
    assert met["6x faster than QuTiP diag"] is not None
    assert met["14x faster than dynamiqs Expm"] is None


def test_higher_orders_need_fewer_transforms(stored):
    record = json.loads(stored("work_precision").read_text())
    rows = {
        row["program"]: row for row in record["benchmarks"]["work_precision"]["rows"]
    }
    assert rows["srkn6"]["error_2400"] < 1e-2 * rows["strang"]["error_2400"]


def test_reversible_gradient_agrees_and_its_memory_is_flat(stored):
    record = json.loads(stored("reversible_gradient").read_text())
    goals = record["benchmarks"]["reversible_gradient"]["goals"]
    exact = [goal for goal in goals if "time" not in goal["goal"]]
    assert len(exact) == 2
    assert all(goal["met"] for goal in exact)


@pytest.mark.slow
def test_one_order_of_the_signed_sum_gives_the_slope(stored):
    """husimi_kraus"""
    record = json.loads(stored("husimi_kraus").read_text())
    rows = record["benchmarks"]["husimi_kraus"]["rows"]
    off = {row["orders"]: row["off_slope"] for row in rows}
    assert off[0] > 1e-3
    assert off[1] < 1e-6


def test_quick_run_without_out_stores_nothing(benchmarks):
    record = benchmarks.machine.describe()
    assert benchmarks.output.default_path(record, quick=True) is None


def test_unknown_name_is_one_line_and_code_2(benchmarks, capsys):
    assert benchmarks.main(["kerr_swep"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_race_takes_turns_and_keeps_the_result():
    sys.path.insert(0, str(ROOT))
    try:
        timing = importlib.import_module("benchmarks.timing")
    finally:
        sys.path.remove(str(ROOT))
    calls = []
    timings = timing.race({n: lambda n=n: calls.append(n) or n for n in "ab"}, rounds=3)
    # one first and one warm call each, then three rounds of samples
    assert [name for name, _ in itertools.groupby(calls)] == ["a", "b"] * 4
    assert timings["b"].result == "b"
    assert len(timings["a"].wall) == 3
    assert timing.ratio(timings["a"], None) is None
    assert timing.Goal("too few", 3.0, 4).met is False
    assert timing.Goal("below", 3.0, 4, at_least=False).met is True
    assert timing.Goal("none", math.nan, 4).met is None
