"""Tables of preparations by measurements: arrays, files, units, what is refused."""

import numpy as np
import pytest

from jqd.records import load_tables
from jqd.records.preparations import tables_of

COUNTS = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)


def saved(path, **changes):
    held = {"counts": COUNTS, "shots": 200, "wait_ns": [0, 50], "run": [4, 5, 6]}
    np.savez(path, **{k: v for k, v in (held | changes).items() if v is not None})
    return path


def test_waits_and_runs_lie_flat(tmp_path):
    found = load_tables(saved(tmp_path / "a.npz"))
    assert np.array_equal(found.counts, COUNTS.reshape(6, 4, 5))
    assert found.shots.tolist() == [200] * 6
    assert found.wait.tolist() == [0, 0, 0, 50, 50, 50]
    assert found.run.tolist() == [4, 5, 6, 4, 5, 6]
    assert found.unit == "ns"


def test_shots_of_each_table(tmp_path):
    shots = np.array([[200, 201, 202], [203, 204, 205]])
    found = load_tables(saved(tmp_path / "a.npz", shots=shots))
    assert found.shots.tolist() == [200, 201, 202, 203, 204, 205]


def test_one_list_of_shots_may_be_of_waits_or_of_runs():
    square = np.stack([COUNTS[0, :2], COUNTS[1, :2]])
    with pytest.raises(ValueError, match=r"`shots` must .*of shape \(2, 2\), but its"):
        tables_of(square, [200, 400])
    found = tables_of(square, [[200], [400]], wait=[0, 1], run=[3, 4])
    assert found.shots.tolist() == [200, 200, 400, 400]
    assert found.wait.tolist() == [0, 0, 1, 1]
    assert found.run.tolist() == [3, 4, 3, 4]


def test_runs_of_equal_wait_are_numbered(tmp_path):
    path = saved(
        tmp_path / "a.npz", counts=COUNTS[0], wait_ns=None, wait=[0.5, 0.0, 0.5],
        run=None,
    )  # fmt: skip
    found = load_tables(path)
    assert found.run.tolist() == [1, 1, 2]
    assert found.unit == ""


def test_shots_from_outside(tmp_path):
    path = saved(tmp_path / "a.npz", shots=None)
    assert load_tables(path, shots=300).shots.tolist() == [300] * 6
    with pytest.raises(ValueError, match=r"must hold `shots` for tables of prep.* has"):
        load_tables(path)
    path = saved(tmp_path / "b.npz")
    with pytest.raises(ValueError, match=r"`shots` must not be given for b\.npz"):
        load_tables(path, shots=300)


def test_a_table_of_text(tmp_path):
    path = tmp_path / "a.csv"
    np.savetxt(path, COUNTS[0, 0], fmt="%d", delimiter=",")
    found = load_tables(path, shots=20)
    assert np.array_equal(found.counts, COUNTS[0, :1])
    assert (found.wait.tolist(), found.run.tolist()) == ([0], [1])
    np.savetxt(path, COUNTS[0, 0] / 20, delimiter=",")
    found = load_tables(path)
    assert found.shots is None
    assert np.allclose(found.counts, COUNTS[0, :1] / 20)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"counts": COUNTS + 0.5}, r"`counts` must hold whole numbers .*in a\.npz"),
        ({"counts": -COUNTS}, "`counts` must hold whole numbers"),
        ({"shots": 100}, r"no less than any of the counts, but counts\[1, 2, 0, 1\]"),
        ({"shots": [200, 200]}, "`shots` must have one number for all tables"),
        ({"wait_us": [0, 1]}, "hold one array of waits, but a.npz has wait_us and wai"),
        ({"run": [1, 1, 2]}, "`run` must differ between tables of one wait"),
        ({"counts": COUNTS[0, 0, 0]}, "`counts` must be a table"),
    ],
)
def test_what_is_refused(tmp_path, changes, said):
    with pytest.raises(ValueError, match=said):
        load_tables(saved(tmp_path / "a.npz", **changes))
