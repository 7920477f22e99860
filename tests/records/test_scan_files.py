"""Tables whose columns set constants, row by row."""

import numpy as np
import pandas as pd
import pytest

import jqd
from jqd.cli.recover_copying import instrument_of, read_populations, with_scatter
from jqd.instruments import Confusion, DirichletMultinomial
from jqd.records.columns import check_columns
from jqd.records.populations import as_data

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
    scan = jqd.records.load_record(file_of(tmp_path, COUNTS))
    assert isinstance(scan, jqd.Scan)
    assert isinstance(scan.noise, jqd.Multinomial)
    np.testing.assert_array_equal(scan.ts, [1, 1, 2])
    np.testing.assert_array_equal(scan.values, [[4, 6], [5, 5], [3, 7]])
    assert list(scan.settings) == ["pulse[1].start", "start.alpha"]
    np.testing.assert_array_equal(scan.settings["pulse[1].start"], [0, 0.5, 1])
    np.testing.assert_array_equal(scan.settings["start.alpha"], [0.1, 0.2, 0.3])
    assert float(scan.t0) == 0
    assert float(jqd.records.load_record(tmp_path / "scan.csv", t0=-1.0).t0) == -1


def test_a_header_behind_a_mark_and_a_file_of_any_kind(tmp_path):
    """As `numpy.savetxt` writes one; `jqd.load` tells the kind by the other columns."""
    scan = jqd.load(file_of(tmp_path, f"# {COUNTS}"))
    assert isinstance(scan, jqd.Scan)
    np.testing.assert_array_equal(scan.settings["start.alpha"], [0.1, 0.2, 0.3])


def test_errors_go_with_their_rows(tmp_path):
    scan = jqd.records.load_record(file_of(tmp_path, SHARES))
    # each row of a share and what it leaves of 1
    np.testing.assert_allclose(scan.values[:, 1], [0.6, 0.5, 0.7], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(scan.noise.sigma[:, 0], [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(scan.settings["drive.gap"], [0, 0.5, 1])


def test_columns_of_other_names_may_be_settings(tmp_path):
    path = file_of(tmp_path, "time,gap,ones,run\n2.0,0.5,7,1\n1.0,0.25,6,2\n")
    names = {"t": "time", "n1": "ones", "drive.gap": "gap"}
    scan = jqd.records.load_record(path, columns=names, shots=10)
    np.testing.assert_array_equal(scan.values, [[4, 6], [3, 7]])
    np.testing.assert_array_equal(scan.settings["drive.gap"], [0.25, 0.5])


def test_one_class_with_settings_is_a_table_too(tmp_path):
    """By its names, behind a mark or not: no matrix."""
    text = "t,n1,shots,drive.gap\n2.0,7,10,1.0\n1.0,6,10,0.5\n"
    for header in ("", "# "):
        scan = jqd.load(file_of(tmp_path, header + text))
        assert isinstance(scan, jqd.Scan)
        np.testing.assert_array_equal(scan.values, [[4, 6], [3, 7]])
        np.testing.assert_array_equal(scan.settings["drive.gap"], [0.5, 1])


def test_other_names_beside_settings_are_refused(tmp_path):
    path = file_of(tmp_path, "time,ones,drive.gap\n2.0,7,1.0\n")
    with pytest.raises(ValueError, match="say by `columns` which is which"):
        jqd.records.load_record(path)


def test_a_table_in_memory_has_settings_as_a_file_has(tmp_path):
    table = pd.read_csv(file_of(tmp_path, COUNTS))
    made, scan = as_data(table), jqd.records.load_record(tmp_path / "scan.csv")
    assert isinstance(made, jqd.Scan)
    assert list(made.settings) == list(scan.settings)
    for name, value in scan.settings.items():
        np.testing.assert_array_equal(made.settings[name], value)
    np.testing.assert_array_equal(made.values, scan.values)
    shares = as_data(pd.read_csv(file_of(tmp_path, SHARES)))
    np.testing.assert_array_equal(shares.settings["drive.gap"], [0, 0.5, 1])
    np.testing.assert_array_equal(shares.noise.sigma[:, 0], [0.1, 0.2, 0.3])


def test_a_prior_of_rho_leaves_a_scan_its_settings(tmp_path):
    scan = jqd.records.load_record(file_of(tmp_path, COUNTS))
    wide = with_scatter(scan, {"rho": jqd.Uniform(0.0, 0.2)}, ())
    assert isinstance(wide, jqd.Scan)
    assert isinstance(wide.noise, DirichletMultinomial)
    assert float(wide.noise.rho) == pytest.approx(0.1)
    assert list(wide.settings) == list(scan.settings)


def test_rows_may_set_what_shows_them(tmp_path):
    """A column instrument.readout needs an instrument that has it."""
    text = "t,n0,n1,instrument.readout\n1.0,4,6,0.1\n1.0,5,5,0.2\n"
    scan = jqd.records.load_record(file_of(tmp_path, text))
    law = jqd.Schrodinger(np.array([[0.0, 1.0], [1.0, 0.0]]))
    shown = instrument_of(law, scan, {})
    assert isinstance(shown, Confusion)
    study = jqd.Study(
        law, scan, psi0=[1.0, 0.0], free=(), instrument=shown, method=jqd.Propagator()
    )
    # sin² 1 = .708073, mixed with 1/2
    readout = np.array([0.1, 0.2])
    exact = (1 - readout) * np.sin(1) ** 2 + readout / 2
    np.testing.assert_allclose(study.predict(study.theta())[:, 1], exact, rtol=1e-10)


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
