"""What commands share."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from jqd._files import OutputError
from jqd.cli.fit import draw_all, errors_of
from jqd.cli.options import Common
from jqd.cli.session import (
    Outcome,
    carry_out,
    check_parent,
    run_folder,
    table_of,
)
from jqd.instruments import (
    Binomial,
    Correlated,
    DirichletMultinomial,
    Gaussian,
    Multinomial,
)
from jqd.records import Record, Scan


def test_names_of_the_user_are_printed_as_they_are(tmp_path, monkeypatch, capsys):
    """rich would take [/b] for the end of something bold, and raise."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r[").mkdir()
    printed = [table_of("[/t]", ["[/h]"], [["[/c]"]]), "a sentence on [/b] :smile:"]
    out = tmp_path / "r[/b]"
    found = Outcome({"status": "ok"}, printed, {}, lambda: None, dict)
    assert carry_out(Common(out=out.relative_to(tmp_path)), lambda session: found) == 0
    shown = capsys.readouterr().out
    for part in ("[/t]", "[/h]", "[/c]", "on [/b] :smile:", "Results in r[/b]"):
        assert part in shown
    assert (out / "summary.json").exists()


def test_a_figure_that_fails_is_a_line_and_loses_no_numbers(tmp_path, capsys):
    folder = tmp_path / "run"

    def broken():
        assert (folder / "summary.json").exists()
        raise RuntimeError("no\nfont")

    found = Outcome({"status": "ok"}, [], {"seed": 3}, lambda: None, broken)
    assert carry_out(Common(out=folder), lambda session: found) == 0
    assert json.loads((folder / "summary.json").read_text()) == {
        "status": "ok", "seed": 3,
    }  # fmt: skip
    said = capsys.readouterr()
    assert said.err == "There are no figures: RuntimeError: no font\n"
    assert "Results in" in said.out


def test_a_reader_that_has_gone_loses_no_numbers(tmp_path):
    """As `head` does, before all is printed."""

    class Gone:
        def __rich_console__(self, console, options):
            raise BrokenPipeError

    found = Outcome({"status": "ok"}, [Gone()], {"seed": 3}, lambda: None, dict)
    with pytest.raises(BrokenPipeError):
        carry_out(Common(out=tmp_path / "run"), lambda session: found)
    kept = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert kept == {"status": "ok", "seed": 3}


def test_what_a_run_goes_on_with_is_there_until_its_figures_are(tmp_path):
    """An interrupt while they are drawn is one of a run that can be taken up again."""
    folder = tmp_path / "run"

    def stopped():
        raise KeyboardInterrupt

    def work(session):
        (session.folder / "search.npz").touch()
        return Outcome({"status": "ok"}, [], {}, lambda: None, stopped)

    with pytest.raises(KeyboardInterrupt):
        carry_out(Common(out=folder), work)
    assert {path.name for path in folder.glob("[!.]*")} == {
        "search.npz", "summary.json",
    }  # fmt: skip


def test_a_folder_of_the_user_outlives_a_run_that_fails(tmp_path):
    own, new = tmp_path / "own", tmp_path / "new"
    own.mkdir()
    for folder in (own, new):
        with pytest.raises(KeyboardInterrupt), run_folder(folder):
            raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == [own]
    assert list(own.iterdir()) == []


def test_a_folder_that_cannot_be_is_found_out_first(tmp_path):
    (tmp_path / "file").write_text("in the way")
    check_parent(tmp_path / "new" / "newer" / "n.csv")
    assert not (tmp_path / "new").exists()
    with pytest.raises(OutputError, match="`--out` must be a writable folder"):
        check_parent(tmp_path / "file" / "new" / "n.csv")
    with pytest.raises(OutputError, match=r"`--out` .* folder, but .*file: Not a dir"):
        carry_out(Common(out=tmp_path / "file"), lambda session: pytest.fail("begun"))


TS = np.array([0.0, 1.0, 2.0])
SIGMA = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])


@pytest.mark.parametrize(
    ("values", "noise", "errors"),
    [
        (np.ones((3, 2)), None, None),
        (np.ones((3, 2)), Gaussian(SIGMA), SIGMA),
        (np.ones((3, 2)), Gaussian(SIGMA[:, :1]), SIGMA[:, [0, 0]]),
        # the third row does not scatter, as one at t0 may not
        (
            np.ones((3, 2)),
            Correlated(np.stack([np.diag(row**2) for row in SIGMA * [[1], [1], [0]]])),
            SIGMA * [[1], [1], [np.nan]],
        ),
        # √(N p)/N at the law, p = 1/4 and 3/4, and at half a count for p = 0
        (
            np.array([[100.0, 0.0], [20.0, 80.0], [8.0, 8.0]]),
            Multinomial(),
            [[0.1, 0.5**0.5 / 100], [0.05, 0.75**0.5 / 10], [0.125, 0.75**0.5 / 4]],
        ),
        # of 5 and 3 shots that are correlated by 1/2: 3 and 2 times the variance
        (
            np.array([[5.0, 0.0], [2.0, 3.0], [2.0, 1.0]]),
            DirichletMultinomial(0.5),
            [
                [0.6**0.5, (0.5 * 3) ** 0.5 / 5],
                [(0.25 * 3 / 5) ** 0.5, (0.75 * 3 / 5) ** 0.5],
                [(0.25 * 2 / 3) ** 0.5, (0.75 * 2 / 3) ** 0.5],
            ],
        ),
    ],
)
def test_the_errors_that_are_drawn_are_those_of_each_row(values, noise, errors):
    record = Record(TS, values, noise)
    law = np.array([[1.0, 0.0], [0.25, 0.75], [0.25, 0.75]])
    study = SimpleNamespace(data=record, noise_at=lambda theta: record.noise)
    found = errors_of(
        SimpleNamespace(study=study, theta=None, prediction=law, observed=record.shares)
    )
    if errors is None:
        assert found is None
    else:
        np.testing.assert_allclose(found, errors, rtol=1e-6)


def test_shots_of_each_setting_are_not_those_of_rows():
    """Of as many settings as rows: p = 1/2 of N shots errs by 1/(2 sqrt N), at any
    time."""
    shots = np.array([[4.0, 100.0], [16.0, 25.0], [36.0, 64.0]])
    half = np.full((3, 3, 2), 0.5)
    record = Record(TS, half * shots[None] // 1, Binomial(shots))
    study = SimpleNamespace(data=record, noise_at=lambda theta: record.noise)
    found = errors_of(
        SimpleNamespace(
            study=study, theta=None, prediction=half, observed=record.shares
        )
    )
    expected = np.broadcast_to(0.5 / np.sqrt(shots), half.shape)
    np.testing.assert_allclose(found, expected.reshape(3, 6), rtol=1e-6)


def test_a_scan_is_drawn_over_its_rows():
    """Two of its times are equal; the last row is held out."""
    shares = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    scan = Scan({"gap": [0.3, 0.1, 0.2]}, shares, Gaussian(0.1), ts=[1.0, 1.0, 2.0])
    study = SimpleNamespace(data=scan, noise_at=lambda theta: scan.noise)
    found = SimpleNamespace(
        study=study, theta=None, prediction=shares, start_prediction=shares,
        observed=scan.shares, ts=scan.ts, held_out_rows=1, parts=(),
    )  # fmt: skip
    figures = draw_all(found, None, ["p0", "p1"])
    for figure in figures.values():
        labels = [axis.get_xlabel() for axis in figure.axes]
        assert "row" in labels
        assert "time" not in labels
    drawn = figures["fit"].axes[0].get_lines()[0]
    np.testing.assert_array_equal(drawn.get_xdata(), [0, 1, 2])
