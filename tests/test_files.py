"""Files of one result appear together or not at all, and what was there stays."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from jqd import records
from jqd._files import OutputError, whole_files
from jqd.cli import main
from jqd.figures.style import save_figures, subplots
from jqd.report.examples import copy_example


def full(*args, **options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def old(tmp_path):
    """A file, a folder, and two places with nothing."""
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "inner").write_text("old")
    return [tmp_path / name for name in "abcd"]


def fill(drafts):
    for draft in drafts:
        if draft.name in "bd":
            draft.mkdir()
            draft = draft / "inner"
        draft.write_text("new")


def test_all_take_their_places(old, tmp_path):
    with whole_files(*old) as drafts:
        assert [draft.name for draft in drafts] == list("abcd")
        fill(drafts)
        assert tree(tmp_path)["a"] == b"old"
    assert tree(tmp_path) == {
        "a": b"new", "b": None, "b/inner": b"new", "c": b"new", "d": None,
        "d/inner": b"new",
    }  # fmt: skip


def stop():
    raise KeyboardInterrupt


@pytest.mark.parametrize("fail", [full, stop])
def test_a_block_that_fails_leaves_all_as_it_was(old, tmp_path, fail):
    before = tree(tmp_path)

    def block():
        with whole_files(*old) as drafts:
            fill(drafts)
            fail()

    with pytest.raises(OutputError if fail is full else KeyboardInterrupt):
        block()
    assert tree(tmp_path) == before


@pytest.mark.parametrize("failing", range(4))
def test_where_one_cannot_be_renamed_all_go_back(old, tmp_path, monkeypatch, failing):
    before, replace, count = tree(tmp_path), os.replace, []

    def some(source, target):
        if Path(target) in old and Path(source).suffix != ".old":
            count.append(target)
            if len(count) == failing + 1:
                full()
        replace(source, target)

    monkeypatch.setattr(os, "replace", some)
    with (
        pytest.raises(OutputError, match=r"`--out` must be .*No space left"),
        whole_files(*old) as drafts,
    ):
        fill(drafts)
    assert tree(tmp_path) == before


@pytest.mark.slow
def test_a_full_disk_leaves_no_half_of_a_simulation(tmp_path, monkeypatch, capsys):
    """The counts are written, and then there is no space for H and the state."""
    out = tmp_path / "c.csv"
    words = ["simulate", "copying", "--times", "0:1:3", "--out", str(out)]
    save = np.save
    monkeypatch.setattr(np, "save", full)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said == (
        "Error: Argument `--out` must be a writable folder, but "
        f"{tmp_path / 'c_hamiltonian.npy'}: No space left on device.\n"
    )
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(np, "save", save)
    assert main(words) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"c.csv", "c_hamiltonian.npy", "c_psi0.npy"}


def test_writers_of_records_name_their_argument(tmp_path, monkeypatch):
    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OutputError, match=r"^Argument `path` must be .*h\.npy: No spa"):
        records.save(tmp_path / "h.npy", np.eye(2))
    assert list(tmp_path.iterdir()) == []


def test_a_figure_has_both_its_files_or_none(tmp_path, monkeypatch):
    figure, _ = subplots()
    write, written = Path.write_bytes, []

    def second(path, data):
        written.append(path)
        return full() if len(written) == 2 else write(path, data)

    monkeypatch.setattr(Path, "write_bytes", second)
    with pytest.raises(OutputError, match="No space left"):
        save_figures({"fit": figure}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_example_comes_with_all_that_it_needs(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfile", full)
        with pytest.raises(OutputError, match="No space left"):
            copy_example("alignment_basin", tmp_path / "here")
    assert list((tmp_path / "here").iterdir()) == []
    assert copy_example("alignment_basin", tmp_path / "here").is_file()
    assert (tmp_path / "here" / "_support").is_dir()
