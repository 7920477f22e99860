"""`jqd sample copying`: what it writes, how it is stopped and taken up again."""

import numpy as np
import pytest
import xarray as xr

from jqd.cli import main, sample_copying

# till 0.3 no class of the built-in problem comes near a node
WORDS = [
    "sample",
    "copying",
    "--copies",
    "2000",
    "--trajectories",
    "10",
    "--time",
    "0.3",
]
WORDS += ["--rows", "3", "--method", "exact"]


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(sample_copying, "part_width", lambda size: 4)


def run(*words):
    return main([*WORDS, *map(str, words)])


def test_results_are_written_and_printed(tmp_path, printed):
    assert run("--out", tmp_path / "run", "--json") == 0
    result = printed("sample copying")
    assert result["status"] == "ok"
    assert result["trajectories"] == 10
    law, mean, error = (np.array(result[f"final_{name}"])
                        for name in ("law", "density", "stderr"))  # fmt: skip
    # four standard errors of four shares: one run in 4000 would fail
    assert np.all(np.abs(mean - law) < 4 * error)
    with xr.open_zarr(tmp_path / "run" / "data.zarr") as data:
        assert data["occupation"].shape == (10, 3, 4)
        np.testing.assert_array_equal(data["occupation"].sum("class"), 2000)
    assert (tmp_path / "run" / "copies.png").exists()
    assert not (tmp_path / "run" / "parts").exists()


def test_a_stopped_run_goes_on_where_it_was(tmp_path, capsys, monkeypatch):
    """Nothing is lost or done twice: the result is that of one run, bit for bit."""
    sampled = []
    whole = sample_copying.sample

    def count(*given, first, max_steps, **options):
        if max_steps > 1:
            sampled.append(first)
            if len(sampled) == 2:
                raise KeyboardInterrupt
        return whole(*given, first=first, max_steps=max_steps, **options)

    monkeypatch.setattr(sample_copying, "sample", count)
    monkeypatch.setattr(sample_copying.os, "cpu_count", lambda: 1)
    stopped = tmp_path / "stopped"
    assert run("--out", stopped) == 1
    complaint = capsys.readouterr().err
    assert "interrupted" in complaint
    assert f"jqd sample copying --resume {stopped}" in " ".join(complaint.split())
    kept = list((stopped / "parts").iterdir())
    assert 1 <= len(kept) < 3
    assert not (stopped / "summary.json").exists()

    assert main(["sample", "copying", "--resume", str(stopped), "--json"]) == 0
    assert sorted(sampled) == [0, 4, 4, 8]  # 4 had not ended when it was stopped
    assert run("--out", tmp_path / "once", "--json") == 0
    data = [xr.open_zarr(tmp_path / name / "data.zarr").load()
            for name in ("stopped", "once")]  # fmt: skip
    assert data[0].equals(data[1])
    capsys.readouterr()
    assert main(["sample", "copying", "--resume", str(stopped)]) == 2
    assert "it is done" in capsys.readouterr().err


@pytest.mark.slow
def test_extinction_is_said_and_exits_with_1(tmp_path, capsys):
    state, matrix = tmp_path / "psi.npy", tmp_path / "H.npy"
    np.save(state, np.array([1.0, 0.0]))
    np.save(matrix, np.array([[0.0, 1.0], [1.0, 0.0]]))
    words = ["--state", state, "--hamiltonian", matrix, "--out", tmp_path / "run"]
    assert run(*words) == 1
    assert "lost its last system" in " ".join(capsys.readouterr().out.split())
    assert run(*words, "--remedy", "spectators:2") == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--remedy", "magic:3"], "`--remedy` must be one of none, spectators:NUMBER"),
        (["--remedy", "spectators:some"], "`--remedy`"),
        (["--remedy", "admixture:2"], "`admixture` must be in"),
        (["--copies", "0"], "`copies` must be a whole number above 0"),
        (["--copies", "2.5"], "`copies` must be a whole number"),
        (["--copies", "3"], "`copies` must be at least the 4 classes"),
        (["--copies", "4"], "`copies` must represent the populations"),
        (["--method", "euler"], "`--method` must be one of"),
        (["--time", "-1"], "`--time` must be positive"),
        (["--time", "1e300"], "`--time` must be reached in 1e+09 steps"),
        (["--trajectories", "99999999999999"], "`--trajectories` must fit into memory"),
        (["--rows", "99999999999999"], "of them at 99999999999999 times takes"),
        (["--copies", "1e300"], "`copies` must be at most 9007199254740992"),
        (["--remedy", "spectators:100000000000000000"], "`spectators` must be at most"),
        (["--state", "x.npy"], "`--hamiltonian` and `--state` must be given together"),
        (["--resume", "nowhere"], "`--resume` must be the folder of a run in parts"),
    ],
)
def test_bad_input_is_one_line_and_no_folder(tmp_path, capsys, words, message):
    out = tmp_path / "run"
    assert run("--out", out, *words) == 2
    complaint = capsys.readouterr().err.strip()
    assert message in complaint
    assert "\n" not in complaint
    assert not out.exists()


def test_a_damaged_part_is_named(tmp_path, capsys):
    assert run("--out", tmp_path / "run") == 0
    folder = tmp_path / "run"
    (folder / "summary.json").unlink()
    (folder / "parts").mkdir()
    for first in (0, 4, 8):
        (folder / "parts" / f"{first:09d}.npz").write_bytes(b"torn")
    capsys.readouterr()
    assert main(["sample", "copying", "--resume", str(folder)]) == 2
    assert "000000000.npz cannot be read" in capsys.readouterr().err
