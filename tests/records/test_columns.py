"""Tables of a laboratory: columns of other names, one of two classes, shots told."""

import numpy as np
import pytest

import jqd
from jqd.instruments import Gaussian, Multinomial
from jqd.records import load_record

RABI = "time_us,ones\n0,0\n0.5,230\n1,488\n"
OF_RABI = {"t": "time_us", "n1": "ones"}


def saved(folder, text, name="rabi.csv"):
    path = folder / name
    path.write_text(text)
    return path


def test_counts_of_one_outcome_and_the_shots(tmp_path):
    path = saved(tmp_path, RABI)
    for load in (load_record, jqd.load):
        found = load(path, columns=OF_RABI, shots=500)
        np.testing.assert_array_equal(found.ts, [0, 0.5, 1])
        np.testing.assert_array_equal(found.values, [[500, 0], [270, 230], [12, 488]])
        assert isinstance(found.noise, Multinomial)


def test_columns_that_are_not_chosen_may_hold_anything(tmp_path):
    """An unnamed index, a date, a note; the shots of each row in a column."""
    text = ",day,Time (us),ones,N\n0,3 May,0,1,50\n1,3 May,0.5,30,60\n"
    chosen = {"n1": "ones", "t": "Time (us)", "shots": "N"}
    found = load_record(saved(tmp_path, text), columns=chosen)
    np.testing.assert_array_equal(found.values, [[49, 1], [30, 30]])
    np.testing.assert_array_equal(found.ts, [0, 0.5])


def test_of_three_classes_shots_tell_the_one_that_is_missing(tmp_path):
    path = saved(tmp_path, "t,n0,n2,shots\n0,5,1,10\n1,2,2,9\n")
    for load in (load_record, jqd.load):
        np.testing.assert_array_equal(load(path).values, [[5, 4, 1], [2, 5, 2]])


def test_one_share_of_two_is_enough(tmp_path):
    path = saved(tmp_path, "t,p1,err\n0,0.1,0.01\n1,0.75,0.02\n")
    for columns in ({"t": "t", "p1": "p1"}, {"t": "t", "p1": "p1", "sigma": "err"}):
        found = load_record(path, columns=columns)
        # 1 - 0.1 and 1 - 0.75, to rounding
        np.testing.assert_allclose(found.values, [[0.9, 0.1], [0.25, 0.75]], rtol=1e-15)
        assert isinstance(found.noise, Gaussian) == ("sigma" in columns)
    other = saved(tmp_path, "t,p0\n0,0.9\n1,0.25\n", "other.csv")
    second = saved(tmp_path, "t,p1\n0,0.1\n1,0.75\n", "second.csv")
    # as NumPy writes a header
    third = saved(tmp_path, "# t,p1\n0,0.1\n1,0.75\n", "third.csv")
    for load in (load_record, jqd.load):
        for one in (other, second, third):
            np.testing.assert_allclose(
                load(one).values, [[0.9, 0.1], [0.25, 0.75]], rtol=1e-15
            )


def test_shares_of_known_shots_are_counts(tmp_path):
    """.333 and .667 are 99.9 and 200.1 of 300: thirds, in three digits."""
    path = saved(tmp_path, "t,p0,p1\n0,0.333,0.667\n1,0.5,0.5\n")
    found = load_record(path, shots=300)
    np.testing.assert_array_equal(found.values, [[100, 200], [150, 150]])
    assert isinstance(found.noise, Multinomial)
    one = saved(tmp_path, "t,p1\n0,0.667\n1,0.5\n", "one.csv")
    np.testing.assert_array_equal(load_record(one, shots=300).values, found.values)


def test_counts_of_one_time_are_added_in_the_order_of_time(tmp_path):
    """For independent shots; rows of one ensemble and shares are refused as before."""
    path = saved(tmp_path, "t,n0,n1\n1,5,5\n0,9,1\n1,6,14\n")
    found = load_record(path)
    np.testing.assert_array_equal(found.ts, [0, 1])
    np.testing.assert_array_equal(found.values, [[9, 1], [11, 19]])
    assert float(found.t0) == 0
    with pytest.raises(ValueError, match="increas"):
        load_record(path, "ensemble")
    shares = saved(tmp_path, "t,p0,p1\n1,0.5,0.5\n0,0.9,0.1\n", "shares.csv")
    with pytest.raises(ValueError, match="increas"):
        load_record(shares)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (RABI, {}, "time_us,ones; say by `columns` which is which"),
        ("day,us,ones\n3 May,0,1\n", {}, "day,us,ones; say by `columns` which"),
        (RABI, {"columns": {"t": "time", "n1": "ones"}}, "have one column 'time'"),
        (RABI, {"columns": OF_RABI}, "say by `shots` how .* has none for n0"),
        (RABI, {"columns": {"t": "time_us", "x": "ones"}}, "names that of 'x'"),
        (RABI, {"columns": {"t": "ones", "n1": "ones"}}, "names 'ones' twice"),
        (RABI, {"columns": "t=time_us"}, "`columns` must be"),
        (RABI, {"columns": OF_RABI, "shots": 400}, "has 488 of 400 in row 2"),
        (RABI, {"columns": OF_RABI, "shots": 0}, "`shots` must be at least 1"),
        ("t,n1,shots\n0,1,2\n1,1,2\n", {"shots": 3}, "has a column of them"),
        ("t,n1,shots\n0,1,2\n1,1,0.5\n", {}, "whole numbers from 1 on as `shots`"),
        ("t,n0,n1\n0,1,2\n1,1,1\n", {"shots": 3}, "has 2 of 3 in row 1"),
        ("t,p1\n0,0.1\n1,0.115\n", {"shots": 100}, "hold shares of 100 shots"),
        ("t,p1,sigma\n0,0.1,1\n1,0.1,1\n", {"shots": 100}, "`sigma` or have shots"),
        ("t,p0,p1,p3\n0,1,0,0\n1,1,0,0\n", {}, "has t,p0,p1,p3"),
        ("t,n0,n1\n0,-1,3\n0,5,3\n", {}, "counts that are not negative"),
    ],
)
def test_tables_that_cannot_be(tmp_path, text, options, said):
    with pytest.raises(ValueError, match=said):
        load_record(saved(tmp_path, text), **options)


@pytest.mark.parametrize("option", [{"shots": 5}, {"columns": {"t": "t", "n1": "n"}}])
def test_archives_name_all_they_hold(tmp_path, option):
    np.savez(tmp_path / "n.npz", t=[0.0, 1.0], n=[[1, 2], [3, 0]])
    (name,) = option
    with pytest.raises(ValueError, match=f"`{name}` must be given for a .csv alone"):
        load_record(tmp_path / "n.npz", **option)
