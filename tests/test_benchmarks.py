"""The benchmarks run; how fast is no matter of a test."""

import functools
import importlib
import itertools
import json
import math
from collections import Counter
from pathlib import Path

import jax
import numpy as np
import pytest

import jqd

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def benchmarks():
    """The command's module; the folder lies in the repository, not in the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        peers = importlib.import_module("benchmarks.peers")
        # left out: their import is slow where they happen to be installed, and
        # dynamiqs changes jax's configuration
        patch.setattr(peers, "LEFT_OUT", {"dynamiqs", "torch", "pyfftw"})
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
    helpers = {"__init__", "__main__", "floors", "gillespie", "gpe_programs", "machine"}
    helpers |= {"memory", "readme", "scaling_laws", "xla_text"}
    helpers |= {"coverage_cases", "pulls_cases", "pulls_fits", "store", "systems"}
    helpers |= {"tables", "timing"}
    helpers |= {"cards", "set_ups", "peers", "split_steps"}
    package = importlib.import_module("benchmarks")
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    named = {*benchmarks.NAMES, *benchmarks.ON_REQUEST}
    assert files - helpers == {package.WHERE.get(name, name) for name in named}
    for name in named:
        assert callable(package.function_of(name))
    listed = (ROOT / "benchmarks" / "README.md").read_text()
    assert [name for name in named if f"\n| {name} | " not in listed] == []


# QuTiP compiles a text where it can, and says where it cannot
@pytest.mark.filterwarnings("ignore:`cython`, `setuptools` and `filelock`")
@pytest.mark.parametrize(
    ("name", "accuracy"),
    # Runge-Kutta 4 and Strang truncation at the step of the benchmark; single precision
    # in maps, series in 1 - C cut at 1e-9 in Kerr, a difference's error in the
    # Bose-Hubbard slope; else rounding
    [
        ("copy_dynamics", 1e-8),
        ("kerr_sweep", 1e-12),
        ("bose_hubbard", 1e-11),
        pytest.param("driven_qutrit", 1e-11, marks=pytest.mark.slow),
        # ten steps of fourth order: 1e-6 of the value, 5e-6 of its slope
        pytest.param("driven_kerr", 1e-5, marks=pytest.mark.slow),
        pytest.param("grid_schrodinger", 2e-3, marks=pytest.mark.slow),
        pytest.param("husimi_maps", 1e-6, marks=pytest.mark.slow),
        pytest.param("husimi_kerr", 1e-8, marks=pytest.mark.slow),
        pytest.param("husimi_bose_hubbard", 1e-7, marks=pytest.mark.slow),
        # Strang truncation; tolerance of the link form; sampling error of one draw
        pytest.param("two_slits", 1e-1, marks=pytest.mark.slow),
        pytest.param("grid_3d", 1e-1, marks=pytest.mark.slow),
        pytest.param("grid_4d", 1e-1, marks=pytest.mark.slow),
        # 500 paths and four steps
        pytest.param("plane_paths", 0.07, marks=pytest.mark.slow),
        # Strang truncation on 8^3 points: 1e-2
        pytest.param("sharded_grid", 1e-1, marks=pytest.mark.slow),
        # 199 Runge-Kutta steps of 1/20
        pytest.param("sweep", 1e-6, marks=pytest.mark.slow),
        pytest.param("link_form", 1e-2, marks=pytest.mark.slow),
        pytest.param("statistics_sampler", 1.0, marks=pytest.mark.slow),
        # energy of discs to rounding, of atoms to that of Verlet's step
        pytest.param("hard_discs", 1e-12, marks=pytest.mark.slow),
        pytest.param("solids", 1e-2, marks=pytest.mark.slow),
        # four standard errors of 512 paths
        pytest.param("collapse", 0.12, marks=pytest.mark.slow),
        pytest.param("photon_tower", 1e-10, marks=pytest.mark.slow),
    ],
)
def test_quick_run_solves_its_problem(stored, name, accuracy):
    record = json.loads(stored(name).read_text())
    rows = record["benchmarks"][name]["rows"]
    ours = [row for row in rows if row["program"].startswith("jqd")]
    errors = [
        row[kind] for row in ours for kind in ("error", "energy_error") if kind in row
    ]
    # a gradient is compared in a goal of its own
    assert errors
    assert max(errors) < accuracy
    for row in ours:
        assert row["median_s"] > 0
        # whole commands are timed with what they compile
        assert row.get("compile_s", 0) >= 0
    assert all({"case", "program", "role"} <= set(row) for row in rows)


@pytest.mark.slow
def test_pulls_of_every_kind_of_record(stored):
    """Two records of each: their mean pull has an error of 1/√2."""
    cases = importlib.import_module("benchmarks.pulls_cases")
    with pytest.MonkeyPatch.context() as patch:
        # as `jqd.fit` has it: to 1e-7 of the spans of the starts, far below the errors
        polish = jqd.inference.Polish(rtol=1e-7, atol=1e-7)
        fits = importlib.import_module("benchmarks.pulls_fits")
        patch.setattr(fits, "POLISH", polish)
        record = json.loads(stored("pulls").read_text())
    rows = record["benchmarks"]["pulls"]["rows"]
    assert {row["case"] for row in rows} == set(cases.CASES)
    for row in rows:
        assert (row["records"], row["failed"]) == (2, 0)
        assert row["± mean"] == 0.71
        assert abs(row["mean"]) < 4 * row["± mean"]
        assert row["stderr"] > 0


@pytest.mark.slow
def test_limits_hold_as_often_as_they_say(stored):
    """40 records of each kind: 38 limits hold on average, and fewer than 32 of them
    once in 8000 times."""
    cases = importlib.import_module("benchmarks.coverage")
    record = json.loads(stored("coverage").read_text())
    rows = {row["case"]: row for row in record["benchmarks"]["coverage"]["rows"]}
    assert set(rows) == set(cases.CASES)
    misfit = rows.pop("eps, misfit")
    assert misfit["misfits"] == misfit["refused misfits"] == misfit["records"] == 40
    for row in rows.values():
        assert row["records"] == 40
        # a misfit by chance, or a fit that did not converge
        assert row["refused"] <= 2
        assert row["held"] >= 32
        # what holds the constant holds its distance from quantum mechanics
        assert row["sentences"] >= row["held"]


def test_a_limit_holds_within_its_interval():
    """Two that hold, one that does not, one refused for a misfit: a share of 2/3."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        cases = importlib.import_module("benchmarks.coverage")
    none = math.nan
    found = [
        cases.Found(0.45, 0.44, 0.48, 0.06, 0.5, 0.3),
        cases.Found(0.45, 0.43, 0.451, 0.07, 0.5, 0.2),
        cases.Found(0.45, 0.47, 0.51, 0.03, 0.5, 0.1),
        cases.Found(0.45, none, none, none, 0.5, 1e-9),
    ]
    row = cases.row_of("q, copying", found)
    assert (row["held"], row["refused"], row["misfits"]) == (2, 1, 1)
    assert row["refused misfits"] == 1
    assert row["sentences"] == 2
    assert row["share"] == pytest.approx(2 / 3, abs=1e-3)
    # 3 p² - 2 p³ = .025, and p³ = .975
    assert row["share from"] == pytest.approx(0.0943, abs=1e-3)
    assert row["share to"] == pytest.approx(0.975 ** (1 / 3), abs=1e-3)
    (least, most, refused) = cases.report([row]).goals
    assert (least.met, most.met, refused.met) == (False, True, True)


@pytest.mark.slow
def test_first_measurements_on_a_device_come_line_by_line(stored, capfd):
    """A part that fails, the second, is told and leaves the others alone."""
    first = importlib.import_module("benchmarks.first_gpu")

    def broken(quick):
        raise RuntimeError("no memory\nand more")
        yield quick

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(first.PARTS, "split steps", broken)
        record = json.loads(stored("first_gpu").read_text())
    rows = record["benchmarks"]["first_gpu"]["rows"]
    lines = [line for line in capfd.readouterr().out.splitlines() if line[:1] == "{"]
    keys = ("part", "case", "program")
    assert [[json.loads(line)[k] for k in keys] for line in lines] == [
        [row[k] for k in keys] for row in rows
    ]
    assert {row["part"] for row in rows} == set(first.PARTS)
    failed = [row for row in rows if "failed" in row.get("note", "")]
    assert [row["note"] for row in failed] == ["failed: RuntimeError: no memory"]
    digests = {row["digest"] for row in rows if "digest" in row}
    assert len(digests) == 1


PROGRAM = """HloModule jit_f

%body (p: (s64[], f64[4])) -> (s64[], f64[4]) {
  %p = (s64[], f64[4]{0}) parameter(0)
  %x = f64[4]{0} get-tuple-element(%p), index=1
  %y = f64[4]{0} fusion(%x), kind=kLoop, calls=%fused
  ROOT %t = (s64[], f64[4]{0}) tuple(%i, %y)
}

%one (q: f64[4]) -> f64[4] {
  %q = f64[4]{0} parameter(0)
  %a = f64[4]{0} fusion(%q), kind=kLoop, calls=%fused
  ROOT %b = f64[4]{0} sort(%a), dimensions={0}
}

%other (r: f64[4]) -> f64[4] {
  ROOT %r = f64[4]{0} parameter(0)
}

ENTRY %main (x: f64[4]) -> f64[4] {
  %x = f64[4]{0} parameter(0)
  %w = (s64[], f64[4]{0}) while(%s), condition=%c, body=%body, backend_config={"known_trip_count":{"n":"7"}}
  %v = (s64[], f64[4]{0}) while(%s), condition=%c, body=%body
  ROOT %z = f64[4]{0} conditional(%k, %x, %x), true_computation=%one, false_computation=%other
}
"""  # noqa: E501


def test_kernels_of_a_compiled_program_are_counted():
    """Two loops of one kernel, 64 bytes; a branch of two kernels, 128 bytes.

    Of a loop of unknown length the model has one turn.
    """
    text = importlib.import_module("benchmarks.xla_text")
    body = text.parsed(PROGRAM)
    assert body.kernels == {"fusion": 1, "sort": 1, "conditional": 1}
    assert body.moved == 128
    assert [(loop.trips, loop.moved) for loop in body.loops] == [(7, 64), (None, 64)]
    assert text.unknown(body) == 1
    known = body._replace(loops=body.loops[:1])
    launch, rates = text.LAUNCH, text.Rates(1e12)
    expected = 3 * launch + 128e-12 + 7 * (launch + 64e-12)
    assert known.seconds(rates) == pytest.approx(expected, rel=1e-12)
    expected += text.TURN + launch + 64e-12
    assert body.seconds(rates) == pytest.approx(expected, rel=1e-12)


ARITHMETIC = """HloModule jit_g

%fused (a: f64[4], b: c64[2]) -> f64[4] {
  %a = f64[4]{0} parameter(0)
  %b = c64[2]{0} parameter(1)
  %e = f64[4]{0} exponential(%a)
  %m = c64[2]{0} multiply(%b, %b)
  ROOT %s = f64[4]{0} add(%e, %a)
}

ENTRY %main (x: f64[4]) -> f64[4] {
  %x = f64[4]{0} parameter(0)
  %k = s32[100]{0} constant({...})
  %l = f64[] constant(1)
  %f = f64[4]{0} fusion(%x, %y), kind=kLoop, calls=%fused
  %r = f64[] reduce(%f, %l), dimensions={0}, to_apply=%sum
  %t = c128[8]{0} fft(%u), fft_type=FFT, fft_length={8}
  ROOT %g = (f64[4]{0}, s8[33554432]{0}) custom-call(%f), custom_call_target="__cublas$gemm"
}
"""  # noqa: E501


def test_arithmetic_constants_and_libraries_of_a_program_are_counted():
    """exp, + and a sum of four float64, two products of c64, an FFT: 5 N log2 N."""
    text = importlib.import_module("benchmarks.xla_text")
    body = text.parsed(ARITHMETIC)
    assert body.double == 4 * (text.COST["exponential"] + 1) + 4 + 5 * 8 * 3
    assert body.single == 2 * text.COMPLEX
    assert text.library_calls(body) == 2
    assert text.largest_constant(ARITHMETIC) == 400
    # of the fusion, the sum, the transform and the product, without its workspace
    assert body.moved == 64 + 48 + 128 + 64
    # slow float64 takes longer than the bytes do
    rates = text.Rates(1e12, 1e12, 1e9)
    expected = body.double / 1e9 + body.single / 1e12 + 4 * text.LAUNCH
    assert body.seconds(rates) == pytest.approx(expected, rel=1e-12)


LANES = """HloModule jit_h

ENTRY %main (x: f64[256,8]) -> f64[256,8] {
  %x = f64[256,8]{1,0} parameter(0)
  ROOT %k = (f64[256,8]{1,0}, s64[256,1]{1,0}) custom-call(%x), custom_call_target="__gpu$xla.gpu.triton", backend_config={ir = "ML", name = "lanes_16x300", num_warps = 4 : i32}
}
"""  # noqa: E501


def test_arithmetic_of_a_kernel_in_lanes_is_counted():
    """16 turns of 300 operations for each of 256 members; it calls no library."""
    text = importlib.import_module("benchmarks.xla_text")
    body = text.parsed(LANES)
    assert body.double == 2 * 16 * 300 * 256
    assert body.single == 0
    assert text.library_calls(body) == 0
    assert sum(body.kernels.values()) == 1


@pytest.mark.slow
def test_programs_are_compiled_for_the_device_at_hand(stored):
    """Two laws, value and gradient, both precisions, without a GPU."""
    record = json.loads(stored("gpu_compiled").read_text())
    report = record["benchmarks"]["gpu_compiled"]
    rows = report["rows"]
    assert not [row["note"] for row in rows if "note" in row]
    assert len(rows) == 8
    for row in rows:
        assert row["callbacks"] == 0
        assert min(row[key] for key in ("kernels", "over_floor", "model_us")) > 0
    bytes_of = {(r["case"], r["program"], r["dtype"]): r["MB"] for r in rows}
    for (case, program, dtype), moved in bytes_of.items():
        if dtype == "float64":
            assert moved > bytes_of[case, program, "float32"]


def test_budgets_are_of_the_worst_program(benchmarks):
    """In float64, of the kind of program; None where none was compiled."""
    compiled = importlib.import_module("benchmarks.gpu_compiled")
    budget = compiled.Budget("two", ("a", "b"), "value", 6, 2)

    def row(case, dtype="float64", program="jqd, value", **figures):
        return {"case": case, "dtype": dtype, "program": program} | figures

    rows = [
        row("a", kernels=5, over_floor=3), row("b", kernels=7), row("c", kernels=99),
        row("a", "float32", kernels=99), row("a", program="jqd, gradient", kernels=99),
    ]  # fmt: skip
    kernels, over = compiled._of_budget(budget, rows)
    assert (kernels.measured, kernels.met) == (7, False)
    assert (over.measured, over.met) == (3, False)
    assert [goal.met for goal in compiled._of_budget(budget, rows[2:3])] == [None, None]


def test_what_got_worse_is_named(benchmarks):
    """By more than a tenth; from none to some; a program that compiles no longer."""
    compiled = importlib.import_module("benchmarks.gpu_compiled")

    def row(case, **figures):
        return {"case": case, "dtype": "float32", "program": "jqd, value"} | figures

    old = [
        row("a", kernels=10, calls=2, callbacks=0, **{"kernels, 24 GB": 10}),
        row("b", kernels=10),
        row("c", note="failed: before"),
    ]
    new = [
        row("a", kernels=11, calls=3, callbacks=1, **{"kernels, 24 GB": 12}),
        row("b", note="failed: now"),
        row("c", kernels=99),
        row("d", kernels=99),
    ]
    start = "float32, jqd, value"
    assert compiled.worse(old, new) == [
        f"a, {start}: calls 2 -> 3",
        f"a, {start}: callbacks 0 -> 1",
        f"a, {start}: kernels, 24 GB 10 -> 12",
        f"b, {start}: failed: now",
    ]
    assert compiled.worse(new, new) == []


def test_cards_have_the_rates_that_their_makers_give(benchmarks):
    """67 and 34 TFLOPS of an H100, 82.6 and 1.29 of the consumer's card; two digits."""
    cards = importlib.import_module("benchmarks.cards")
    large, small = (card.rates for card in cards.CARDS.values())
    np.testing.assert_allclose([large.single, large.double], [67e12, 34e12], rtol=2e-2)
    np.testing.assert_allclose([small.single, small.double], [82.6e12, 1.29e12], 2e-3)
    for card in cards.CARDS.values():
        text = cards.TARGET.format(**card._asdict())
        assert text.count("{") == text.count("}") == 4
        assert f'name: "{card.name}"' in text


@pytest.mark.slow
def test_programs_are_timed_beside_their_model(stored):
    record = json.loads(stored("gpu_programs").read_text())
    rows = record["benchmarks"]["gpu_programs"]["rows"]
    assert not [row["note"] for row in rows if "note" in row]
    assert {row["callbacks"] for row in rows} == {0}
    assert min(row["kernels"] for row in rows) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["diffusion_links", "nelson_paths", "copies"])
def test_what_is_timed_is_no_run_that_has_ended(name):
    """Of a run that met the walls at once all states are NaN."""
    tasks = importlib.import_module("benchmarks.scaling_laws")
    call, _ = tasks.program(
        tasks.LAWS[name], tasks.LAWS[name].small, 1, jax.devices()[:1]
    )
    for leaf in jax.tree.leaves(call()):
        assert np.all(np.isfinite(leaf))


@pytest.mark.slow
def test_signals_are_counted_call_by_call(stored, capfd):
    """64 points in four calls, a line each; every law but quantum mechanics signals."""
    record = json.loads(stored("signal_map").read_text())
    model, last = record["benchmarks"]["signal_map"]["rows"]
    lines = [line for line in capfd.readouterr().out.splitlines() if line[:1] == "{"]
    lines = [json.loads(line) for line in lines]
    # beside what is printed, a stored row has its role
    assert lines[0].items() <= model.items()
    assert lines[-1].items() <= last.items()
    assert [line["points"] for line in lines[1:]] == [16, 32, 48, 64]
    assert last["points_per_s"] > 0
    assert last["silent_laws"] == 0
    # laws are 0.2 apart, and signal a tenth of that or more
    assert last["least_signal"] > 0.02


def test_signals_of_a_device_that_fails_leave_what_was_measured(
    benchmarks, monkeypatch
):
    signals = importlib.import_module("benchmarks.signal_map")
    rows = [{"case": "a", "program": "b", "points": 1}, {"case": "a", "program": "b"}]

    def broken(quick):
        yield from rows
        raise RuntimeError("no memory\nand more")

    monkeypatch.setattr(signals, "_rows", broken)
    *_, report = signals.run(quick=True)
    assert report.rows[0] == rows[1]
    assert report.rows[1]["note"] == "failed: RuntimeError: no memory"


def test_signals_of_laws_are_summed_up(benchmarks):
    """Three laws of two pairs: at the quantum point, one that signals, one in doubt."""
    signals = importlib.import_module("benchmarks.signal_map")
    results = {
        "signal": np.array([0, 0, 0.3, 0.1, 0.2, 0.2]),
        "error": np.array([0, 0, 0.001, 0.001, 0.1, 0.1]),
    }
    q, r = np.array([0.5, 0.4, 0.6]), np.array([-0.5, -0.5, -0.5])
    laws = signals._seen(q, r, results, 2)
    np.testing.assert_array_equal(laws[2], [0, 0.3, 0])
    np.testing.assert_allclose(laws[3], [0, 0.2, 0.2])
    row = signals._row(laws, Counter({0: 3, 1: 2, 7: 1}), 0.5)
    assert (row["points"], row["points_per_s"], row["s_of_1e9"]) == (6, 12, 8.333e7)
    assert (row["least_signal"], row["q"], row["silent_laws"]) == (0, 0.6, 1)
    assert (row["ended_early"], row["inaccurate"]) == (2, 1)


def test_growth_is_fitted_to_what_was_measured(benchmarks, monkeypatch):
    """Times that go as the square of the size, of a law that has no room at 4096."""
    growth = importlib.import_module("benchmarks.growth")
    law = importlib.import_module("benchmarks.scaling_laws").LAWS["copy_dynamics"]
    monkeypatch.setattr(
        growth, "_step",
        lambda law, axis, size, batch, memory, steps: (None, "memory")
        if size > 1024
        else (growth.Step(size, 3e-9 * size**2, 1.0, _Timed(), 1.0), "list"),
    )  # fmt: skip
    row = growth._row("copy_dynamics", law, "size", 1e9, quick=False)
    assert row["largest"] == "1024 classes"
    assert row["ended_by"] == "memory"
    assert row["power"] == row["expected"] == 2
    assert row["power_stderr"] < 1e-9


class _Timed:
    def row(self, work, unit):
        return {"work": work, "unit": unit}


@pytest.mark.slow
def test_first_and_second_starts_of_commands(stored):
    record = json.loads(stored("commands").read_text())
    rows = record["benchmarks"]["commands"]["rows"]
    assert len(rows) == 6
    for first, second in itertools.pairwise(rows):
        if first["case"] == second["case"]:
            assert (first["exit"], second["exit"]) == (0, 0)
            assert first["programs"] >= second["programs"]


def test_result_file_tells_date_device_and_versions(stored):
    record = json.loads(stored("bose_hubbard").read_text())
    assert record["date"]
    assert record["device"]
    assert record["cores"] >= 1
    assert {"jqd", "jax", "qutip", "dynamiqs"} <= set(record["versions"])
    assert record["benchmarks"]["bose_hubbard"]["rows"]


def test_absent_program_is_a_row_and_its_goal_is_not_measured(stored):
    record = json.loads(stored("kerr_sweep").read_text())
    result = record["benchmarks"]["kerr_sweep"]
    absent = [row["program"] for row in result["rows"] if row.get("note")]
    assert absent
    assert all(name.startswith("dynamiqs") for name in absent)
    met = {goal["goal"]: goal["met"] for goal in result["goals"]}
    assert met["6x faster than QuTiP diag"] is not None
    assert met["14x faster than dynamiqs Expm"] is None


@pytest.mark.slow
def test_higher_orders_need_fewer_transforms(stored):
    record = json.loads(stored("work_precision").read_text())
    rows = {
        row["program"]: row for row in record["benchmarks"]["work_precision"]["rows"]
    }
    assert rows["srkn6"]["error_2400"] < 1e-2 * rows["strang"]["error_2400"]


@pytest.mark.slow
def test_reversible_gradient_agrees_and_its_memory_is_flat(stored):
    record = json.loads(stored("reversible_gradient").read_text())
    goals = record["benchmarks"]["reversible_gradient"]["goals"]
    exact = [goal for goal in goals if "time" not in goal["goal"]]
    assert len(exact) == 2
    assert all(goal["met"] for goal in exact)


def test_split_steps_stand_beside_the_floor_of_their_transforms(stored):
    record = json.loads(stored("grid_schrodinger").read_text())
    rows = record["benchmarks"]["grid_schrodinger"]["rows"]
    floors = {
        (row["case"], row["dtype"]): row for row in rows if row["role"] == "floor"
    }
    assert len(floors) == 6
    for row in rows:
        if "median_s" not in row:
            continue
        floor = floors[row["case"], row["dtype"]]
        share = floor["median_s"] / row["median_s"]
        # stored to three digits, of times that are stored to four
        assert row["share_of_floor"] == pytest.approx(share, rel=6e-3)


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
    assert benchmarks.store.default_path(record, quick=True) is None


def test_unknown_name_is_one_line_and_code_2(benchmarks, capsys):
    assert benchmarks.main(["kerr_swep"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_race_takes_turns_and_keeps_the_result(benchmarks):
    timing = importlib.import_module("benchmarks.timing")
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


def test_compared_programs_have_rows_errors_and_a_fastest(benchmarks, monkeypatch):
    """Three programs of 1, 2 and 4 s a call, and one that is not there."""
    timing = importlib.import_module("benchmarks.timing")
    seconds = {"jqd": 2.0, "peer quick": 1.0, "peer exact": 4.0}

    def race(programs, rounds):
        assert rounds == 3
        return {
            name: timing.Timing(9.0, [seconds[name]] * 3, [1.0] * 3, call())
            for name, call in programs.items()
        }

    monkeypatch.setattr(timing, "race", race)
    programs = {"jqd": lambda: 1e-8, "peer quick": lambda: 1e-3}
    programs |= {"peer exact": lambda: 1e-9, "peer absent": None}
    found = timing.compared(
        programs, 3, lambda _, error: {"error": error}, 10, "step", "jqd", case="a"
    )
    assert [row["program"] for row in found.rows] == list(programs)
    assert found.rows[-1] == {
        "case": "a", "program": "peer absent", "note": "not installed",
    }  # fmt: skip
    assert found.column("times_jqd") == {
        "jqd": 1.0, "peer quick": 0.5, "peer exact": 2.0,
    }  # fmt: skip
    assert found.rows[0]["compile_s"] == 7.0
    assert (found.rows[0]["work"], found.rows[0]["unit"]) == (10, "step")
    # the quick one is too far off to be a peer
    assert found.fastest("peer") == "peer quick"
    assert found.fastest("peer", 1e-7) == "peer exact"
    assert found.fastest("peer", 1e-12) is None
    goal = found.faster("faster", 1, found.fastest("peer", 1e-7), "jqd", named=True)
    assert (goal.text, goal.measured, goal.met) == ("faster (peer exact)", 2.0, True)
    none = found.faster("faster", 1, found.fastest("peer", 1e-12), "jqd", named=True)
    assert (none.text, none.met) == ("faster (none)", None)


def test_a_slope_is_exact_for_quartics(benchmarks):
    systems = importlib.import_module("benchmarks.systems")
    found = systems.slope(lambda x: np.array([x**4, 3 * x]), 2.0, 0.1)
    np.testing.assert_allclose(found, [32, 3], rtol=1e-12)  # rounding over h
    # of the fifth power the next term is left: -h^4/30 of its fifth derivative
    found = systems.slope(lambda x: x**5, 2.0, 0.1)
    assert found == pytest.approx(80 - 120 * 0.1**4 / 30, rel=1e-12)


def test_bytes_of_a_program_are_those_of_its_arrays(benchmarks):
    """Eight float64 in, and their sums by pairs out."""
    memory = importlib.import_module("benchmarks.memory")
    program = jax.jit(lambda x: x[::2] + x[1::2]).lower(np.ones(8)).compile()
    found = memory.sizes(program)
    assert (found.arguments, found.results) == (64, 32)


def test_rows_are_printed_as_they_come(benchmarks, capsys):
    """One that fails says so, and the next one is made."""
    timing = importlib.import_module("benchmarks.timing")

    def broken():
        raise ValueError("no room\nand more")

    makes = (lambda: {"a": 1}, broken, lambda: {"a": 2})
    rows = (timing.attempted({"case": "c"}, make) for make in makes)
    reports = list(timing.line_by_line(rows, lambda rows: timing.Report("t", rows)))
    assert [len(report.rows) for report in reports] == [1, 2, 3]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == reports[-1].rows
    assert [row.get("note") for row in lines] == [
        None, "failed: ValueError: no room", None,
    ]  # fmt: skip


def test_programs_of_a_package_that_is_not_there_are_one_row(benchmarks, monkeypatch):
    peers = importlib.import_module("benchmarks.peers")
    build = peers.peer("math", "maths")(lambda module, x: {"root": module.sqrt(x)})
    assert build(4.0) == {"root": 2.0}
    monkeypatch.setattr(peers, "LEFT_OUT", {"math"})
    assert build(4.0) == {"maths": None}


# -- the tables of README.md ----------------------------------------------------

EXAMPLE = {
    "date": "2030-01-02", "device": "Abacus", "platform": "cpu", "cores": 2,
    "python": "3.11", "memory": "beads",
    "versions": {"jqd": "9.9", "jax": "1.0", "torch": "not installed"},
}  # fmt: skip


def _timed(case, program, role, seconds, **more):
    times = {"median_s": seconds, "min_s": seconds, "cpu_s": seconds, "compile_s": 0.0}
    return {"case": case, "program": program, "role": role, **times, **more}


def _store(folder, rows, name="kerr_sweep", **changes):
    report = {"title": "Beads", "rows": rows, "goals": [], "notes": ["A note."]}
    record = EXAMPLE | {"benchmarks": {name: report}} | changes
    path = folder / f"{record['date']}-{record['device'].lower()}.json"
    path.write_text(json.dumps(record))


@pytest.fixture
def readme(benchmarks):
    return benchmarks.readme


def test_table_of_a_small_example(readme, tmp_path):
    step = {"unit": "step"}
    rows = [
        _timed("a", "jqd", "jqd", 2e-3, error=1e-12, work=10, **step),
        _timed("a", "peer", "peer", 3.0, error=2e-12, work=1000, **step),
        {"case": "a", "program": "other", "role": "peer", "note": "not installed"},
    ]
    _store(tmp_path, rows)
    parts = readme.parts(tmp_path)
    assert "No peer of like error is faster than jqd in any row." in parts["behind"]
    table = [line for line in parts["results"].splitlines() if line.startswith("|")]
    # 200 µs beside 3 ms a step; a column that no row fills is left out
    assert table[-5:] == [
        "| case | program | time a step | over jqd's | cores | error | compile | note"
        " |",
        f"|{' --- |' * 8}",
        "| a | jqd | 200 µs | 1 | 1 | 1e-12 | 0 |  |",
        "| a | peer | 3 ms | 15 | 1 | 2e-12 | 0 |  |",
        "| a | other |  |  |  |  |  | not installed |",
    ]
    assert "2030-01-02, load None before and None after." in parts["results"]
    assert "jqd 9.9, jax 1.0. Memory: beads." in parts["results"]


def test_the_scatter_of_the_rounds_is_told_where_there_were_several(benchmarks):
    tables = importlib.import_module("benchmarks.tables")
    rows = [
        _timed("a", "jqd", "jqd", 1.2, repeats=5) | {"min_s": 1.0},
        _timed("a", "peer", "peer", 1.2, repeats=1),
    ]
    header, lines = tables.cells(rows, ())
    at = header.index("above least")
    assert [line[at] for line in lines] == ["20 %", ""]


def test_where_nobody_was_timed_beside_it_nothing_is_said(readme, tmp_path):
    rows = [
        _timed("a", "jqd", "jqd", 2.0),
        {"case": "a", "program": "other", "role": "peer", "note": "not installed"},
    ]
    _store(tmp_path, rows)
    assert readme.parts(tmp_path)["behind"] == ""


def test_peer_ahead_without_a_reason_is_found(readme, tmp_path):
    rows = [
        _timed("a", "jqd", "jqd", 2.0, error=1e-6),
        _timed("a", "quick", "peer", 1.0, error=2e-6),
        _timed("a", "rough", "peer", 0.5, error=2e-5),
        _timed("a", "slow", "peer", 4.0, error=1e-6),
        _timed("a", "plain scan", "bare", 1.0, error=1e-6),
        _timed("b", "quick", "peer", 1.0),
    ]
    _store(tmp_path, rows)
    (entry,) = readme.behind("x", {"rows": rows}, {})
    assert (entry.case, entry.program, entry.ratio) == ("a", "quick", 0.5)
    assert entry.reason == readme.UNKNOWN
    assert (
        f"| kerr_sweep | quick | a: 0.50 | {readme.UNKNOWN} |"
        in (readme.parts(tmp_path)["behind"])
    )
    for reasons in ({"quick": "It is."}, {"quick": "no", "a: quick": "It is."}):
        assert readme.behind("x", {"rows": rows}, reasons)[0].reason == "It is."
    assert readme.behind_bare("x", {"rows": rows}) == [("x", "a", 0.5)]


def test_peer_level_with_jqd_is_scatter_only_where_times_overlap(readme):
    ours = _timed("a", "jqd", "jqd", 1.0) | {"min_s": 0.9}
    for seconds, reason in ((0.97, readme.SCATTER), (0.92, readme.UNKNOWN)):
        rows = [ours, _timed("a", "peer", "peer", seconds)]
        assert readme.behind("x", {"rows": rows}, {})[0].reason == reason
    apart = [ours | {"min_s": 1.0}, _timed("a", "peer", "peer", 0.97)]
    assert readme.behind("x", {"rows": apart}, {})[0].reason == readme.UNKNOWN


def test_peer_below_the_floor_of_jqd_is_said_to_be(readme):
    floor = {"floor": "FFT pair", "floor_s": 0.8}
    rows = [
        _timed("a", "jqd", "jqd", 1.0, share_of_floor=0.8, **floor),
        _timed("a", "peer", "peer", 0.4, share_of_floor=2.0, **floor),
    ]
    (entry,) = readme.behind("x", {"rows": rows}, {})
    assert entry.over_floor == 0.5


def test_newest_day_of_each_benchmark_and_device_is_shown(readme, tmp_path):
    old = [_timed("", "jqd", "jqd", 1.0)]
    new = [_timed("", "jqd", "jqd", 2.0)]
    _store(tmp_path, old)
    _store(tmp_path, old, device="Slate")
    _store(tmp_path, new, date="2030-01-03")
    _store(tmp_path, old, "solids", date="2030-01-01")
    found = readme.newest(tmp_path)
    assert list(found) == ["Abacus", "Slate"]
    assert list(found["Abacus"]) == ["kerr_sweep", "solids"]
    assert found["Abacus"]["kerr_sweep"].report["rows"] == new
    assert found["Slate"]["kerr_sweep"].report["rows"] == old


def test_text_outside_the_markers_stays(readme):
    begin, end = readme.BEGIN.format("x"), readme.END.format("x")
    old = f"before\n{begin}\nold\n{end}\nafter\n"
    new = readme.merged(old, {"x": "new"})
    assert new == f"before\n{begin}\n\nnew\n\n{end}\nafter\n"
    assert readme.merged(new, {"x": "new"}) == new
    with pytest.raises(ValueError, match="must have the lines"):
        readme.merged("before\nafter\n", {"x": "new"})


def test_stored_results_have_a_reason_wherever_a_peer_is_ahead(readme):
    without = [
        entry
        for found in readme.newest().values()
        for name, result in found.items()
        for entry in readme.behind(name, result.report, readme.source(name).behind)
        if entry.reason == readme.UNKNOWN
    ]
    assert not without


def test_readme_is_what_the_stored_results_say(readme):
    """Else `python -m benchmarks --table` was forgotten."""
    written = readme.README.read_text()
    assert readme.merged(written, readme.names() | readme.parts()) == written
