"""`jqd report`: every number is a stored one, nothing acts, nothing is loaded."""

import json
import shutil
import webbrowser

import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import report
from jqd.cli import main
from jqd.inference.limits import bound_of
from jqd.problems import DATA
from jqd.report.answers import kept_answers
from jqd.report.page import page
from jqd.report.pictures import MOST_SVG, clean_svg
from jqd.report.results import read_results
from jqd.report.tables import recovery_details, recovery_summary

from .pages import Page, check_alone, check_numbers, numbers_in

EVIL = "<script>alert('x')</script>"


@pytest.fixture
def run(tmp_path, recovery):
    """A folder as a command leaves it, and its summary."""
    folder = tmp_path / "run"
    folder.mkdir()

    def write(figure=True, **changes):
        kept = recovery_summary(recovery, 1.5) | recovery_details(recovery)
        kept |= {"settings": {"seed": 3, "data": "counts.csv"}} | changes
        path = report.write_json(kept, folder / "summary.json")
        if figure:
            ts = np.linspace(0, 1, 5)
            rows = np.outer(ts, [1, 2.0])
            drawn = report.figure_fit(ts, rows, rows + 0.1, rows, ["a", "b"])
            report.save_figure(drawn, folder, "fit")
            drawn = report.figure_residuals(ts, 0.1 * rows)
            report.save_figure(drawn, folder, "residuals")
        return folder, json.loads(path.read_text())

    return write


def told(folder, capsys, *words):
    """The page that the command writes."""
    assert main(["report", str(folder), *words]) == 0
    path = capsys.readouterr().out.removeprefix("Written: ").strip()
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return text, Page(text)


def test_a_recovery(run, capsys):
    folder, summary = run()
    text, said = told(folder, capsys)
    check_alone(text, said)
    check_numbers(said, numbers_in(summary))
    shown = {value: digits for value, digits in said.numbers}
    # two digits of the error
    assert shown[summary["constants"]["q"]["value"]] == "0.50012"
    assert shown[summary["constants"]["q"]["stderr"]] == "0.0001"
    assert shown[summary["step_bias"]["q"]] == "2e-10"
    assert shown[summary["constants"]["q"]["reference"]] == "0.5"
    assert "The fit of CopyDynamics converged." in said.words
    assert "Nothing that was tested speaks against its standard errors." in said.words
    assert "4 of 5 starts agree" in said.words
    # no errors of the data are known, so that nothing tests the law
    assert "No chi-square is stored" in said.words
    assert "counts.csv" in said.words
    assert summary["provenance"]["jqd_sources"] in said.words
    roles = [attrs.get("role") for tag, attrs in said.tags if tag == "svg"]
    assert roles == ["img", "img"]


def test_verdicts_claim_what_is_stored(run):
    status = "the law does not describe the record"
    folder, _ = run(figure=False, status=status, errors_hold=False)
    said = Page(page(read_results(folder))).words
    assert f"ended with the status “{status}”" in said
    assert "Its standard errors are not to be trusted." in said
    assert "converged" not in said
    # three digits, no error and no deviation, though an older file may hold one
    assert "none holds" in said
    numbers = {shown for _, shown in Page(page(read_results(folder))).numbers}
    assert "0.5" in numbers
    assert {"0.50012", "0.0001", "1.2"}.isdisjoint(numbers)


def test_a_constant_at_its_bound_has_a_one_sided_error(run):
    one = {"value": 0.0, "stderr": 0.01, "reference": None, "at_bound": "lower"}
    folder, _ = run(
        figure=False, constants={"gamma": one}, step_bias={"gamma": 0.0},
        deviation_sigmas={"gamma": None},
    )  # fmt: skip
    said = Page(page(read_results(folder))).words
    assert "inwards from its lower bound" in said


def test_limits_are_said_before_the_numbers(run):
    limit = bound_of("q", 0.50012, 1e-4, 0.5)
    folder, summary = run(figure=False, answers=kept_answers([limit]))
    said = Page(page(read_results(folder)))
    # 1.2e-4 and 1.96 times 1e-4
    assert "abs(q - 0.5) < 0.000316 (95 %, statistical)." in said.words
    assert said.words.index("abs(q - 0.5)") < said.words.index("known value")
    check_numbers(said, numbers_in(summary))


def test_null_directions_are_told(run):
    folder, summary = run(figure=False, null_directions=[[0.8, -0.6]])
    said = Page(page(read_results(folder)))
    assert {0.8, -0.6} <= {value for value, _ in said.numbers}
    check_numbers(said, numbers_in(summary))


def test_hostile_names_are_text(run, capsys):
    one = {"value": 0.5, "stderr": 0.01, "reference": None}
    folder, _ = run(
        constants={EVIL: one}, step_bias={EVIL: 1e-3}, deviation_sigmas={EVIL: None},
        settings={EVIL: EVIL, "file": f"a{EVIL}.csv"}, law=EVIL, message=EVIL,
        null_directions=[[1.0]], status=f"</p>{EVIL}",
    )  # fmt: skip
    shutil.move(folder / "fit.svg", folder / "<img src=x onerror=y>.svg")
    shutil.move(folder, folder.with_name("<b>&run"))
    text, said = told(folder.with_name("<b>&run"), capsys)
    check_alone(text, said)
    assert said.words.count(EVIL) >= 6
    assert {"script", "b"}.isdisjoint(tag for tag, _ in said.tags)


def test_a_figure_keeps_its_shapes_and_nothing_else():
    text = f"""<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 viewBox="0 0 2 2" onload="go()"><metadata>http://x</metadata>
<style>* {{ fill: url(http://x/y) }}</style><script>go()</script>
<defs><path id="m" d="M0 0"/><clipPath id="c"><rect width="1"/></clipPath></defs>
<use xlink:href="#m" clip-path="url(#c)" onclick="go()" style="fill: #ff0000"/>
<a xlink:href="javascript:go()"><path d="M1 1"/></a>
<image xlink:href="http://x/y.png" width="1"/><use href="other.svg#m"/>
<path d="M2 2" style="fill: url( //x)"/><path style="fill: u\\72l(//x)"/>
<path style="mask: image-set(x)"/><foreignObject><p>{EVIL}</p></foreignObject></svg>"""
    shown = clean_svg(text, '"><p>', "f0-")
    said = Page(shown)
    assert [tag for tag, _ in said.tags] == [
        "svg", "defs", "path", "clippath", "rect", "use", "image", "use", *3 * ["path"],
    ]  # fmt: skip
    use = said.tags[5][1]
    assert use == {
        "href": "#f0-m", "clip-path": "url(#f0-c)", "style": "fill: #ff0000",
    }  # fmt: skip
    assert said.tags[6][1] == {"width": "1"}
    assert said.tags[7][1] == said.tags[9][1] == said.tags[10][1] == {}
    assert said.tags[8][1] == {"d": "M2 2"}
    assert said.tags[0][1]["aria-label"] == '"><p>'
    assert "http" not in shown
    assert clean_svg("<svg", "x") == clean_svg("<p/>", "x") == ""


def drawing(inner):
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">{inner}</svg>'
    )


def bomb(depth, call='<use xlink:href="#a{0}"/>'):
    """Parts of which each shows the one before ten times."""
    parts = ['<path id="a0" d="M 0 0"/>']
    for i in range(depth):
        parts.append(f'<g id="a{i + 1}">{10 * call.format(i)}</g>')
    return f"<defs>{''.join(parts)}</defs>" + call.format(depth)


@pytest.mark.parametrize(
    "inner",
    [
        3000 * "<g>" + 3000 * "</g>",
        bomb(9),
        bomb(9, '<rect fill="url(#a{0})"/>'),
        bomb(9, """<rect style="clip-path: url( '#a{0}' )"/>"""),
        '<g id="a"><use href="#a"/></g>',
        '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>',
    ],
)
def test_what_no_browser_would_end_with_is_left_out(inner):
    """10^9 parts in a kilobyte, or a thousand levels: the page does without."""
    assert clean_svg(drawing(inner), "x") == ""


def test_parts_that_are_shown_again_are_kept():
    """As figures show markers and letters: one path, many times."""
    for inner in (bomb(3), 90 * "<g>" + 90 * "</g>"):
        shown = clean_svg(drawing(inner), "x")
        assert shown.count("<use") == inner.count("<use")
        assert shown.count("<g") == inner.count("<g")


def test_large_figures_are_pixels_or_left_out(run):
    folder, _ = run()
    many = "".join(f'<path d="M0 {i}"/>' for i in range(MOST_SVG // 10))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">{many}</svg>'
    (folder / "fit.svg").write_text(svg)
    (folder / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(3_000_000))
    (folder / "torn.svg").write_text("<svg")
    text = page(read_results(folder))
    said = Page(text)
    check_alone(text, said)
    (image,) = (attrs for tag, attrs in said.tags if tag == "img")
    assert image["alt"].startswith("The data and the fitted law, over time")
    for name in ("huge", "torn"):
        assert f"{name} is too large for this page, or damaged" in said.words


DAMAGED = {
    "text": "no json",
    "a list": "[]",
    "half": '{"law": "x", "constants": {"q": {"val',
    "no origin": '{"law": "x", "status": "converged"}',
    "constants": '{"law": 1, "status": "ok", "constants": 3, "provenance": {}}',
    "a constant": '{"law": "x", "status": "ok", "constants": {"q": {}}, '
    '"provenance": {}}',
    "values": '{"law": "x", "status": "ok", "provenance": {}, "constants": '
    '{"q": {"value": "1", "stderr": []}}}',
    "infinite": '{"law": "x", "status": "ok", "provenance": {}, "constants": '
    '{"q": {"value": 1e999, "stderr": 1}}, "null_directions": 3}',
    "laws": '{"laws": [1], "verdict": "", "provenance": {}}',
    "cards": '{"laws": {"a": {"rows": []}}, "provenance": {}}',
    "linearity": '{"joint": [], "controls": [], "ranks": [{}], "provenance": {}}',
    "something else": '{"a": 1, "provenance": {}}',
    "deep": '{"a":' * 20000,
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_damaged_results_are_told_in_one_line(tmp_path, capsys, text):
    (tmp_path / "summary.json").write_text(text)
    assert main(["report", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(
        "Error: Argument `RESULTS` must be what a command of jqd"
    )
    assert str(tmp_path) in said.err
    assert len(said.err.splitlines()) == 1
    assert not (tmp_path / "report.html").exists()


def test_no_results(tmp_path, capsys):
    other = tmp_path / "notes.txt"
    other.write_text("x")
    store = tmp_path / "store"
    store.mkdir()
    (store / "zarr.json").write_text("{}")
    for place in (tmp_path / "missing", tmp_path, other, store):
        assert main(["report", str(place)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_file(run, capsys, tmp_path, monkeypatch):
    folder, _ = run(figure=False)
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    told(folder, capsys)
    told(folder, capsys, "--open")  # an earlier page is replaced
    assert opened == [(folder / "report.html").resolve().as_uri()]
    own = tmp_path / "own.html"
    own.write_text("mine")
    assert main(["report", str(folder), "--out", str(own)]) == 2
    assert "an earlier report" in capsys.readouterr().err
    assert own.read_text() == "mine"
    assert main(["report", str(folder), "--out", str(tmp_path / "no" / "x.html")]) == 2
    assert "must be a writable folder" in capsys.readouterr().err


# -- what commands write -------------------------------------------------------------


def test_cards(tmp_path, capsys):
    words = ["schrodinger,gisin[lam=0.1]", "--quick", "--rows", "norm,gauge"]
    out = tmp_path / "cards"
    assert main(["vet", *words, "--out", str(out)]) == 0
    capsys.readouterr()
    text, said = told(out, capsys)
    check_alone(text, said)
    check_numbers(said, numbers_in(json.loads((out / "summary.json").read_text())))
    assert "gisin[lam=0.1]: " in said.words
    assert said.words.count("jqd vet 'schrodinger,gisin[lam=0.1]' --quick") == 2


def test_a_sweep(tmp_path, capsys):
    def point(a, b):
        status = jnp.where(a * b > 1.7, 2, 0)
        return {"value": a * b, "row": jnp.stack([a, b]), "status": status}

    a, b = np.linspace(0, 1, 5), np.linspace(0.5, 2, 4)
    store = tmp_path / "sweep"
    jqd.sweep(
        point, {"a": a, "b": b}, store=store, units={"a": EVIL}, progress=False, seed=7,
        tile=8,
    )  # fmt: skip
    text, said = told(store, capsys)
    check_alone(text, said)
    assert (tmp_path / "sweep.html").exists()
    sound = np.outer(a, b)[np.outer(a, b) <= 1.7]
    stored = {20.0, float(len(sound)), float(20 - len(sound)), sound.min(), sound.max()}
    stored |= {7.0, 4.0, 5.0, *a, *b}
    # beside these: chunks given up, the tile, and the number of devices
    check_numbers(said, stored | {0.0, 8.0, 1.0, 2.0})
    shown = {value for value, _ in said.numbers}
    assert {float(len(sound)), sound.max()} <= shown
    assert f"Of 20 points, {len(sound)} are computed and sound." in said.words
    assert [tag for tag, _ in said.tags].count("svg") == 1
    # half a chunk of it
    (chunk, *_) = (path for path in (store / "value").rglob("0") if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-9])
    assert main(["report", str(store)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.slow
def test_a_design(tmp_path, capsys):
    np.save(tmp_path / "H.npy", np.array([[0.0, 0.5], [0.5, 0.3]]))
    np.save(tmp_path / "psi.npy", np.sqrt([0.8, 0.2]) * np.exp([0, 0.7j]))
    files = ["--hamiltonian", tmp_path / "H.npy", "--state", tmp_path / "psi.npy"]
    words = [*files, "--times", "0.5:2:4", "--shots", "1e4", "--set", "q=0.45"]
    plan = tmp_path / "plan.toml"
    assert main(["design", "copying", *map(str, [*words, "--out", plan])]) == 0
    capsys.readouterr()
    text, said = told(plan, capsys)
    check_alone(text, said)
    summary = json.loads((tmp_path / "plan_summary.json").read_text())
    check_numbers(said, numbers_in(summary))
    assert {one["shots"] for one in summary["settings"]} <= {n for n, _ in said.numbers}
    assert summary["simulate"] in said.words
    assert [tag for tag, _ in said.tags].count("svg") == 1


# A sixth of the built-in counts: hundreds of draws each follow the law to the last.
COUNTS = (DATA / "four_level_counts.csv").read_text().splitlines()[:12]
COMMANDS = {
    "recover copying": [
        # these rows pass a node, past which a search of q and r finds its way by chance
        "--quick", "--starts", "1", "--free", "q", "--start", "q=0.48", "--posterior",
        "--draws", "100", "--data", "counts.csv", "--state",
        str(DATA / "four_level_psi0.npy"), "--hamiltonian",
        str(DATA / "four_level_hamiltonian.npy"),
    ],
    "recover statistics": [],
    "recover temperature": [],
    "recover diffusion": ["--quick"],
    "sample copying": ["--quick", "--trajectories", "8", "--time", "1"],
    "compare": ["--laws", "schrodinger,copying[q]", "--starts", "1", "--folds", "2"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(c, marks=[] if c == "recover statistics" else pytest.mark.slow)
        for c in COMMANDS
    ],
)
def test_results_of_commands(tmp_path, capsys, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counts.csv").write_text("\n".join(COUNTS) + "\n")
    out = tmp_path / "out"
    main([*command.split(), *COMMANDS[command], "--out", str(out)])
    capsys.readouterr()
    text, said = told(out, capsys)
    check_alone(text, said)
    summary = json.loads((out / "summary.json").read_text())
    check_numbers(said, numbers_in(summary))
    assert summary["provenance"]["command"].startswith(f"jqd {command}")
    assert summary["status"] in said.words
    assert said.words.count(summary["provenance"]["command"]) == 2
    assert {tag for tag, _ in said.tags} & {"svg", "img"}


def test_an_experiment(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(
        "from jqd import report\n"
        "def run(context):\n"
        "    figure, axes = report.subplots()\n"
        "    axes[0, 0].plot([1, 2])\n"
        "    axes[0, 0].set(xlabel='x', ylabel='y')\n"
        "    context.save_figure(figure, 'line')\n"
        "    return {'slope': 1.2345678, 'all': list(range(9)), 'is': {'a': True}}\n"
    )
    assert main(["run", str(file), "--out", str(tmp_path / "mine")]) == 0
    capsys.readouterr()
    text, said = told(tmp_path / "mine", capsys)
    check_alone(text, said)
    summary = json.loads((tmp_path / "mine" / "summary.json").read_text())
    check_numbers(said, numbers_in(summary))
    assert (1.2345678, "1.23457") in [tuple(n) for n in said.numbers]
    assert "(9 in all)" in said.words
    assert "it stores no status" in said.words
