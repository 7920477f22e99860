"""Counts of shots in clusters: rows of one time that are kept apart."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import jqd
from jqd import records
from jqd.instruments import Confusion, DirichletMultinomial, Multinomial
from jqd.records.kinds import contents_of
from jqd.records.populations import as_data

TS = [0.5, 0.5, 1.0, 2.0, 2.0, 2.0]
COUNTS = np.array([[3, 1], [2, 2], [0, 4], [4, 1], [5, 0], [1, 7]])
# the rows of cluster 2 at 1.0 are added; 1 at 0.5 is another cluster than 1 at 1.0
TABLE = """t,shot,ones,n
1.0,2,1,4
0.5,1,3,5
1.0,1,0,3
1.0,2,2,4
"""
NAMES = {"t": "t", "n1": "ones", "shots": "n", "cluster": "shot"}


def file_of(tmp_path, text):
    path = tmp_path / "n.csv"
    path.write_text(text)
    return path


def test_rows_of_one_time_stay_apart_and_the_law_is_looked_at_once():
    made = records.Clusters(TS, COUNTS)
    np.testing.assert_array_equal(made.values, COUNTS)
    np.testing.assert_array_equal(made.looks, [0.5, 1, 2])
    np.testing.assert_array_equal(made.firsts, [0, 2, 3])
    seen = jnp.array([10.0, 20.0, 30.0])
    np.testing.assert_array_equal(made.over_rows(seen), [10, 10, 20, 30, 30, 30])
    assert isinstance(made.noise, Multinomial)
    lines = made.lines()
    assert lines["clusters"] == "6, 1 to 3 at each time"
    assert lines["times"].startswith("3 from 0.5 to 2")
    assert lines["shots"] == "4 to 8 in each cluster"
    assert contents_of(made).data == "counts"
    # of other records every row is looked at
    plain = jqd.Record([0.5, 1.0], COUNTS[:2], Multinomial())
    np.testing.assert_array_equal(plain.looks, plain.ts)
    np.testing.assert_array_equal(plain.firsts, [0, 1])


def test_a_multiplicity_is_as_many_rows():
    often = np.array([2, 1, 1, 3, 1, 2])
    made = records.Clusters(TS, COUNTS, t0=0.0, multiplicity=often)
    rows = np.repeat(np.arange(6), often)
    np.testing.assert_array_equal(made.values, COUNTS[rows])
    np.testing.assert_array_equal(made.ts, np.array(TS)[rows])
    np.testing.assert_array_equal(made.firsts, [0, 3, 4])
    assert not made.from_start


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ts": TS[::-1]}, "`ts` must not decrease"),
        ({"noise": jqd.Gaussian(0.1)}, "`noise` must be that of counts of shots"),
        ({"multiplicity": [1] * 5}, "`multiplicity` must have shape"),
        ({"multiplicity": [1] * 5 + [0]}, "`multiplicity` must be positive"),
        ({"multiplicity": [1] * 5 + [1.5]}, "`multiplicity` must hold whole numbers"),
        ({"multiplicity": [1e15] * 6}, "`multiplicity` must fit into memory"),
    ],
)
def test_what_are_no_clusters(change, words):
    given = {"ts": TS, "values": COUNTS} | change
    with pytest.raises(ValueError, match=words):
        records.Clusters(**given)


def test_which_rows_share_a_time_is_known_before_a_trace():
    with pytest.raises(ValueError, match="`ts` must be known when clusters"):
        jax.jit(lambda ts: records.Clusters(ts, COUNTS).values)(jnp.array(TS))
    values = jax.jit(lambda n: records.Clusters(np.array(TS), n).values)(COUNTS)
    np.testing.assert_array_equal(values, COUNTS)


def test_a_table_numbers_its_clusters(tmp_path):
    found = jqd.records.load_record(file_of(tmp_path, TABLE), columns=NAMES, t0=0.0)
    assert isinstance(found, records.Clusters)
    np.testing.assert_array_equal(found.ts, [0.5, 1, 1])
    np.testing.assert_array_equal(found.values, [[2, 3], [3, 0], [5, 3]])
    # without their numbers all rows of a time are added, as before
    plain = {name: column for name, column in NAMES.items() if name != "cluster"}
    pooled = jqd.records.load_record(tmp_path / "n.csv", columns=plain)
    assert not isinstance(pooled, records.Clusters)
    np.testing.assert_array_equal(pooled.values, [[2, 3], [8, 3]])


def test_a_table_of_histograms(tmp_path):
    text = "n0,n1,multiplicity,t\n4,0,1,1.0\n3,1,2,0.5\n2,2,1,0.5\n"
    found = jqd.load(file_of(tmp_path, text))
    assert isinstance(found, records.Clusters)
    np.testing.assert_array_equal(found.ts, [0.5, 0.5, 0.5, 1])
    np.testing.assert_array_equal(found.values, [[3, 1], [3, 1], [2, 2], [4, 0]])
    made = as_data(pd.read_csv(tmp_path / "n.csv"))
    assert isinstance(made, records.Clusters)
    np.testing.assert_array_equal(made.values, found.values)
    # shares of known shots are counts
    shares = "t,p1,shots,multiplicity\n1.0,0.25,4,2\n"
    found = jqd.load(file_of(tmp_path, shares))
    np.testing.assert_array_equal(found.values, [[3, 1], [3, 1]])


def test_a_histogram_beside_settings_repeats_them(tmp_path):
    text = "t,n0,n1,drive.gap,multiplicity\n2.0,3,1,0.5,2\n1.0,2,2,0.25,1\n"
    scan = jqd.records.load_record(file_of(tmp_path, text))
    assert isinstance(scan, jqd.Scan)
    np.testing.assert_array_equal(scan.values, [[2, 2], [3, 1], [3, 1]])
    np.testing.assert_array_equal(scan.settings["drive.gap"], [0.25, 0.5, 0.5])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("t,n0,n1,cluster,multiplicity\n1,1,1,1,1\n", "`multiplicity`, but .*has both"),
        ("t,n0,n1,multiplicity\n1,1,1,0\n", "whole numbers from 1 on as `multiplicity"),
        ("t,n0,n1,drive.gap,cluster\n1,1,1,1,1\n", "leave out `cluster` beside sett"),
        ("t,p0,p1,cluster\n1,0.5,0.5,1\n", "hold counts, or shares of known `shots`"),
        ("t,n0,n1,cluster\n1,0,0,1\n", "some counts in each row"),
    ],
)
def test_tables_of_no_clusters(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        jqd.records.load_record(file_of(tmp_path, text))


def test_clusters_are_written_and_read(tmp_path):
    made = records.Clusters(TS, COUNTS)
    path = records.save(tmp_path / "n.csv", made)
    found = jqd.load(path)
    assert isinstance(found, records.Clusters)
    np.testing.assert_array_equal(found.values, COUNTS)
    np.testing.assert_array_equal(found.ts, TS)
    with pytest.raises(ValueError, match=r"`path` must be a \.csv for clusters"):
        records.save(tmp_path / "n.npz", made)


@pytest.mark.slow
def test_clusters_are_drawn_within_a_program():
    law, shown = jqd.Schrodinger(np.array([[0, 0.5], [0.5, 0]])), Confusion()
    made = jax.jit(
        lambda key: jqd.simulate(law, [1.0, 0.0], [1.0, 1, 2], shown, 16, key, t0=0.0)
    )(jax.random.key(2))
    assert isinstance(made, records.Clusters)
    np.testing.assert_array_equal(made.firsts, [0, 2])
    np.testing.assert_array_equal(made.values.sum(axis=1), [16, 16, 16])


def test_simulated_clusters_scatter_about_one_probability():
    """4000 clusters of 16 at each of two times, with 1 + 15/5 = 4 times the variance.

    Mean and variance are within 4.5 of their errors; the fourth moment of a count is no
    more than 16² times its variance.
    """
    rho, shots, many = 0.2, 16, 4000
    law = jqd.Schrodinger(np.array([[0, 0.5], [0.5, 0]]))
    ts = np.repeat([1.0, 2.0], many)
    made = jqd.simulate(
        law, [1.0, 0.0], ts, Confusion(noise=DirichletMultinomial(rho)), shots, t0=0.0
    )
    assert isinstance(made, records.Clusters)
    ones = np.asarray(made.values)[:, 1].reshape(2, many)
    p = np.sin(np.array([1.0, 2.0]) / 2) ** 2
    variance = (1 + (shots - 1) * rho) * shots * p * (1 - p)
    assert np.all(abs(ones.mean(axis=1) - shots * p) < 4.5 * np.sqrt(variance / many))
    away = (ones - (shots * p)[:, None]) ** 2
    error = away.std(axis=1) / np.sqrt(many)
    assert np.all(abs(away.mean(axis=1) - variance) < 4.5 * error)
    # other data are not of clusters: their times may not repeat
    with pytest.raises(ValueError, match="must increase strictly"):
        jqd.simulate(law, [1.0, 0.0], [1.0, 1.0])
