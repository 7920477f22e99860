"""What is given in place of a file, and what memory a file takes."""

import io
import os
import tracemalloc

import numpy as np
import pytest

from jqd import _checks
from jqd.records import (
    load_density,
    load_matrix,
    load_phase_space,
    load_record,
    load_settings,
)
from jqd.records.kinds import KINDS


@pytest.mark.parametrize("load", [of.load for of in KINDS.values()])
@pytest.mark.parametrize("given", [None, b"record.csv", io.BytesIO(b"t"), 3, ["a"]])
def test_what_is_no_path_is_refused(load, given):
    with pytest.raises(ValueError, match=r"^Argument `path` must be a path, but is"):
        load(given)


@pytest.mark.parametrize(
    ("load", "suffix"),
    [(load_record, ".npz"), (load_record, ".csv"), (load_matrix, ".npy"),
     (load_density, ".nc"), (load_settings, ".toml")],
)  # fmt: skip
def test_a_folder_in_place_of_a_file_is_named(tmp_path, load, suffix):
    path = tmp_path / f"x{suffix}"
    path.mkdir()
    with pytest.raises(ValueError, match=rf"be a file, but .*x\{suffix} is a folder"):
        load(path)


def test_other_things_in_place_of_a_file_are_named(tmp_path):
    (tmp_path / "x.zarr").write_text("{}")
    with pytest.raises(ValueError, match=r"be a folder if \.zarr, but"):
        load_record(tmp_path / "x.zarr")
    os.mkfifo(tmp_path / "x.npz")  # nobody writes to it: reading would hang
    with pytest.raises(ValueError, match="is something else"):
        load_record(tmp_path / "x.npz")


@pytest.mark.parametrize("packed", [False, True])
def test_memory_is_asked_for_at_its_peak(tmp_path, monkeypatch, packed):
    """Reading takes no more than was asked for before it began."""
    path, asked = tmp_path / "husimi.npz", []
    x = np.linspace(-4.0, 4.0, 256)
    q = np.exp(-(np.abs(x[None, :] + 1j * x[:, None]) ** 2)) / np.pi
    maps = np.tile(q, (32, 1, 1))  # 16 MiB
    save = np.savez_compressed if packed else np.savez
    save(path, t=np.arange(32.0), x=x, y=x, husimi=maps, alpha0=0j, g=2.0)
    monkeypatch.setattr(
        _checks, "check_memory", lambda needed, name, what: asked.append(needed)
    )
    tracemalloc.start()
    try:
        record = load_phase_space(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(record.values, maps.reshape(32, -1))
    # beside the arrays: pieces of a mebibyte, what unpacks them, the small arrays
    assert peak < sum(asked) + 2**22
