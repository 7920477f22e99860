"""Tables whose columns set constants, row by row."""

import numpy as np
import pytest

import jqd
from jqd.cli.recover_copying import read_populations
from jqd.records.columns import check_columns

COUNTS = """t,n0,n1,pulse[1].start,start.alpha
2.0,3,7,1.0,0.3
1.0,4,6,0.0,0.1
1.0,5,5,0.5,0.2
"""
SHARES = """p1,drive.gap,t,sigma
0.7,1.0,2.0,0.3
0.6,0.0,1.0,0.1
0.5,0.5,1.0,0.2
"""


def file_of(tmp_path, text):
    path = tmp_path / "scan.csv"
    path.write_text(text)
    return path


def test_counts_with_settings_are_sorted_by_time_and_not_added(tmp_path):
    scan = jqd.load_record(file_of(tmp_path, COUNTS))
    assert isinstance(scan, jqd.Scan)
    assert isinstance(scan.noise, jqd.Multinomial)
    np.testing.assert_array_equal(scan.ts, [1, 1, 2])
    np.testing.assert_array_equal(scan.values, [[4, 6], [5, 5], [3, 7]])
    assert list(scan.settings) == ["pulse[1].start", "start.alpha"]
    np.testing.assert_array_equal(scan.settings["pulse[1].start"], [0, 0.5, 1])
    np.testing.assert_array_equal(scan.settings["start.alpha"], [0.1, 0.2, 0.3])
    assert float(scan.t0) == 0
    assert float(jqd.load_record(tmp_path / "scan.csv", t0=-1.0).t0) == -1


def test_a_header_behind_a_mark_and_a_file_of_any_kind(tmp_path):
    """As `numpy.savetxt` writes one; `jqd.load` tells the kind by the other columns."""
    scan = jqd.load(file_of(tmp_path, f"# {COUNTS}"))
    assert isinstance(scan, jqd.Scan)
    np.testing.assert_array_equal(scan.settings["start.alpha"], [0.1, 0.2, 0.3])


def test_errors_go_with_their_rows(tmp_path):
    scan = jqd.load_record(file_of(tmp_path, SHARES))
    # each row of a share and what it leaves of 1
    np.testing.assert_allclose(scan.values[:, 1], [0.6, 0.5, 0.7], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(scan.noise.sigma[:, 0], [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(scan.settings["drive.gap"], [0, 0.5, 1])


def test_columns_of_other_names_may_be_settings(tmp_path):
    path = file_of(tmp_path, "time,gap,ones,run\n2.0,0.5,7,1\n1.0,0.25,6,2\n")
    names = {"t": "time", "n1": "ones", "drive.gap": "gap"}
    scan = jqd.load_record(path, columns=names, shots=10)
    np.testing.assert_array_equal(scan.values, [[4, 6], [3, 7]])
    np.testing.assert_array_equal(scan.settings["drive.gap"], [0.25, 0.5])


@pytest.mark.parametrize("name", ["gap", "0.9", "p0.1", "drive.", ".gap"])
def test_names_that_are_no_settings(name):
    with pytest.raises(ValueError, match=r"settings such as pulse\.start, but names"):
        check_columns({"t": "t", name: "x"})


def test_commands_over_time_refuse_settings(tmp_path):
    path = file_of(tmp_path, COUNTS)
    np.save(tmp_path / "H.npy", np.array([[0.0, 1.0], [1.0, 0.0]]))
    np.save(tmp_path / "psi0.npy", np.array([0.6, 0.8]))
    given = (path, tmp_path / "H.npy", tmp_path / "psi0.npy", "auto")
    with pytest.raises(ValueError, match=r"settings \(pulse\[1\].start, start.alpha\)"):
        read_populations(*given)
    assert isinstance(read_populations(*given, settings=True)[2], jqd.Scan)
