"""Tables as programs of other people write them: read, or named for what they are."""

import codecs

import numpy as np
import pytest

import jqd
from jqd.records import load_matrix, load_pulse, load_record, load_state
from jqd.records.kinds import kind_of

TABLE = "t,p0,p1\n0,0.9,0.1\n1,0.5,0.5\n"


def saved(folder, text, name="record.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


@pytest.mark.parametrize("load", [load_record, load_matrix])
def test_a_mark_of_utf_8_is_no_part_of_the_table(tmp_path, load):
    text = TABLE if load is load_record else "1,2\n3,4\n"
    path = saved(tmp_path, codecs.BOM_UTF8 + text.encode())
    found = load(path)
    values = found.values if load is load_record else found
    expected = [[0.9, 0.1], [0.5, 0.5]] if load is load_record else [[1, 2], [3, 4]]
    np.testing.assert_array_equal(values, expected)


def test_a_header_behind_a_comment_sign_is_one(tmp_path):
    """As `np.savetxt` writes it; before a header or a matrix it is a comment."""
    path = tmp_path / "counts.csv"
    np.savetxt(
        path, [[0, 90, 10], [1, 50, 50]], "%d", delimiter=",", header="t,n0,n1"
    )  # fmt: skip
    assert path.read_text().startswith("# t,n0,n1\n")
    np.testing.assert_array_equal(load_record(path).values, [[90, 10], [50, 50]])
    assert kind_of(path) == "populations"
    for text in (f"#{TABLE}", f"# mine\n{TABLE}", f"# a,b,c\n{TABLE}"):
        found = load_record(saved(tmp_path, text))
        np.testing.assert_array_equal(found.values, [[0.9, 0.1], [0.5, 0.5]])
    matrix = saved(tmp_path, "# up,down\n1,2\n2,4\n")
    np.testing.assert_array_equal(load_matrix(matrix), [[1, 2], [2, 4]])
    assert kind_of(matrix) == "matrix"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TABLE.encode("utf-16"), "be text in UTF-8, but record.csv is in UTF-16"),
        (TABLE.encode("utf-16-le"), "be text in UTF-8, but record.csv is in UTF-16"),
        (TABLE.encode("utf-16-be"), "be text in UTF-8, but record.csv is in UTF-16"),
        ("# t p0 p1\n0 0.9 0.1\n1 0.5 0.5\n", "commas, but .* separates them by sp"),
        ("t,p0,p1\n# für\n0,1,0\n".encode("latin-1"), "0xfc, as Latin-1"),
        (TABLE.replace(",", ";"), "separates them by semicolons\\."),
        ("t;p0;p1\n0;0,9;0,1\n", "by semicolons and writes decimal commas"),
        (TABLE.replace(",", "\t"), "separates them by tabs"),
        ('t,p0,p1\n0,"0,9","0,1"\n', "with decimal points, but line 2 .* '0,9'"),
        (",t,p0,p1\n0,0,0.9,0.1\n1,1,0.5,0.5\n", "column 1, .*pandas.*index=False"),
        ("t,p0,\n0,1,0\n", "has none for column 3"),
        ('"t,p0,p1\n0,0.9,0.1\n', "several lines for column 1, .*open quotation"),
        ("t,p0,p1\n0,1_0,0\n", "line 2 of record.csv has '1_0'"),
        ("t,p0,p1\n0,1,0\n1,1\n", "3 columns, but line 3 of record.csv has 2"),
        ("t,p0,p1\n", "a header and rows, but record.csv has 1 lines"),
    ],
)
def test_other_ways_to_write_a_table_are_named(tmp_path, text, said):
    with pytest.raises(ValueError, match=said) as caught:
        load_record(saved(tmp_path, text))
    assert str(caught.value).startswith("Argument `data` must ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,1-2i\n1+2i,3\n", "with `j` for the imaginary unit, but line 1 .* '1-2i'"),
        ("1;2\n3;4\n", "by semicolons"),
        ("1 2\n3 4\n", "separates them by spaces"),
        ("1;0,5\n0,5;4\n", "by semicolons and writes decimal commas"),
        ("a,b\n1,2\n", "line 1 of record.csv has 'a'"),
        ("1,2\n3\n", "2 columns, but line 2"),
        ("1,nan\n0,1\n", r"finite, but `hamiltonian` in record.csv is nan at \[0, 1\]"),
        ("# nothing\n", "holds none"),
        ("1,2\n3,4\n".encode("utf-16"), "is in UTF-16"),
    ],
)
def test_other_ways_to_write_a_matrix_are_named(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        load_matrix(saved(tmp_path, text))


def test_complex_entries_as_python_and_numpy_write_them(tmp_path):
    path = saved(tmp_path, " 1 , (1-2j)\n# middle\n1.5e1+2j,-3\n")
    np.testing.assert_array_equal(load_matrix(path), [[1, 1 - 2j], [15 + 2j, -3]])


OUTCOMES = "t,state,count\n0,0110,37\n1,1101,12\n"
# Zeros and ones that are counts, and shares: none begins with a 0 but 0 itself.
COUNTS = "t,n0,n1\n0,0,11\n1,10,1\n"


def test_outcomes_bit_by_bit_are_no_numbers(tmp_path):
    """Python reads 0110 as 110, which would be a count."""
    path = saved(tmp_path, OUTCOMES)
    with pytest.raises(ValueError, match=r"for each outcome.* in 'state', .* '0110'"):
        load_record(path, columns={"t": "t", "n1": "state"}, shots=2000)
    found = load_record(path, columns={"t": "t", "n1": "count"}, shots=100)
    np.testing.assert_array_equal(found.values, [[63, 37], [88, 12]])
    counts = load_record(saved(tmp_path, COUNTS))
    np.testing.assert_array_equal(counts.values, [[0, 11], [10, 1]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (",t,p0,p1\n0,0,0.9,0.1\n", "have a name for each column.*index=False"),
        ("t,p0,p0\n0,0.9,0.1\n", "have each column once"),
        ("t p0 p1\n0 0.9 0.1\n", "separates them by spaces"),
        ("t;p0;p1\n0;0,9;0,1\n", "by semicolons and writes decimal commas"),
        (TABLE.encode("utf-16"), "is in UTF-16"),
        (OUTCOMES, "has count, state, t; say by `columns` which is which"),
        ("t,n1\n0,3\n1,4\n", "say by `shots` how .* has none for n0"),
    ],
)
def test_a_file_of_unknown_kind_is_named_for_what_it_is(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        jqd.load(saved(tmp_path, text))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("load", [load_matrix, load_state])
def test_matrices_and_states_are_finite(tmp_path, load, suffix, bad):
    array = np.array([1.0, bad]) if load is load_state else np.diag([1.0, bad])
    path = tmp_path / f"array{suffix}"
    (np.save if suffix == ".npy" else np.savez)(path, array)
    with pytest.raises(ValueError, match=f"must be finite, but .* is {bad}"):
        load(path)


def test_endings_in_capitals_are_named(tmp_path):
    path = saved(tmp_path, TABLE, "record.CSV")
    with pytest.raises(ValueError, match=r"ending in \.csv.*, in small letters, but"):
        load_record(path)
    with pytest.raises(ValueError, match=r"in small letters, but is .*\.CSV"):
        load_pulse(path)
