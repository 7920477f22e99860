"""A kind of data is one declaration, from which files, refusals and pages follow."""

from typing import Annotated, NamedTuple

import numpy as np
import pytest

from jqd import _checks, records
from jqd.records.formats import CSV, NPZ, Format, Kind
from jqd.records.kinds import KINDS, contents_of, help_text, kind_of, page_sections
from jqd.records.parts import Part, declared, described
from jqd.records.reading import opened


@described
class Clicks(NamedTuple):
    """Clicks of a detector."""

    ts: Annotated[
        np.ndarray, Part("t", "[click] times, increasing"), _checks.check_times
    ]
    channel: Annotated[
        np.ndarray, "[click] whole numbers: the output", _checks.check_whole
    ]
    dead: Annotated[float, "dead time; else 0"] = 0.0


def load_clicks(path):
    """Load clicks."""
    file, form = opened(path, CLICKS)
    return form.made(file)


CLICKS = Kind(
    "clicks", "data", "`--data` of `jqd recover clicks`",
    (Format("clicks", (*CSV, *NPZ), "`t,channel` / `0.1,1`", Clicks),),
    load_clicks, Clicks,
)  # fmt: skip
TIMES, CHANNELS = np.array([0.1, 1 / 3, 0.7]), np.array([1, 0, 2])


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(KINDS, "clicks", CLICKS)


def test_it_is_saved_loaded_and_shown(tmp_path):
    # one number beside columns is for an archive: a column has one for each row
    for name, dead in (("c.csv", None), ("c.npz", 0.25)):
        clicks = Clicks(TIMES, CHANNELS, dead)
        path = records.save(tmp_path / name, clicks)
        assert kind_of(path) == "clicks"
        found = records.load(path)
        np.testing.assert_array_equal(found.ts, TIMES)
        np.testing.assert_array_equal(found.channel, CHANNELS)
        assert found.dead == (dead or 0)
        seen = contents_of(found)
        assert (seen.data, seen.lines["channel"]) == ("clicks", "0 to 2")
        assert seen.lines["t"] == "0.1 to 0.7"
        assert seen.along[0] == "t"
        np.testing.assert_array_equal(seen.along[1], TIMES)
        assert [*seen.columns] == ["channel"]
    assert (tmp_path / "c.csv").read_text().splitlines()[:2] == ["t,channel", "0.1,1"]


def test_it_is_refused_in_one_line(tmp_path):
    def refused(name, but):
        with pytest.raises(ValueError, match=f"^Argument .*{but}") as error:
            load_clicks(tmp_path / name)
        assert name in str(error.value)

    (tmp_path / "c.csv").write_text("t,x\n0,1\n")
    refused(
        "c.csv", r"`data` must have columns `t,channel\[,dead\]`, but c.csv has t,x"
    )
    for name, arrays, but in (
        ("a.npz", {"t": TIMES}, "`data` must hold `channel` for clicks, but .* has t"),
        ("b.npz", {"t": TIMES, "channel": CHANNELS[:2]}, r"`channel` .* shape \(3,\)"),
        ("h.npz", {"t": TIMES, "channel": np.ones((3, 1))}, r"shape \(3,\), but its"),
        ("d.npz", {"t": TIMES, "channel": CHANNELS / 2}, "`channel` must hold whole"),
        ("e.npz", {"t": TIMES, "channel": 1j * CHANNELS}, "must hold real `channel`"),
        ("f.npz", {"t": TIMES[::-1], "channel": CHANNELS}, "`t` must increase"),
    ):
        np.savez(tmp_path / name, **arrays)
        refused(name, but)
    clicks = Clicks(TIMES, CHANNELS[:2])
    with pytest.raises(ValueError, match="`channel` must have shape"):
        records.save(tmp_path / "g.npz", clicks)
    with pytest.raises(ValueError, match=r"a file ending in \.csv, \.npz, but is"):
        records.save(tmp_path / "g.nc", clicks)
    assert not list(tmp_path.glob("g.*"))


def test_it_stands_in_help_page_and_docstring():
    expected = "Clicks: .csv, .npz with t, channel."
    assert help_text("clicks") == expected
    rows = page_sections().partition("## Clicks\n")[2].splitlines()
    assert "| `t` | [click] times, increasing |" in rows
    assert "| `dead` (optional) | dead time; else 0 |" in rows
    assert rows[1] == "Taken by `--data` of `jqd recover clicks`; `load_clicks`."
    assert "    ts: [click] times, increasing.\n" in str(Clicks.__doc__)


def test_what_no_file_is_written_of_is_named(tmp_path):
    """Tables have a loader alone, which takes them from several arrays."""
    tables = records.Tables(np.ones((1, 3, 3)), None, np.zeros(1), np.ones(1))
    with pytest.raises(ValueError, match="`record` must be data of which a file can"):
        records.save(tmp_path / "t.npz", tables)


@pytest.mark.parametrize(
    "record",
    [records.AtomRecord, records.CurveRecord, records.PhotonCounts,
     records.PhotonCurve, records.Settings],
)  # fmt: skip
def test_fields_with_a_default_are_optional(record):
    """A field without a text is in no file."""
    parts = declared(record)
    assert parts
    for field, part in parts.items():
        has_default = field in getattr(record, "_field_defaults", vars(record))
        assert part.optional == (has_default or part.name == "atoms")
    assert "truth" not in parts


def test_axes_are_named_as_the_page_has_them():
    form = KINDS["density"].formats[0]
    assert form.dims("density", 3) == ("t", "x", "y")
    assert form.dims("potential", 1) == ("x",)
    assert form.dims("psi0", 2) == ("x", "y")
    assert form.dims("mass", 0) == ()
    moments = KINDS["phase space"].formats[1]
    assert moments.dims("orders", 3) == ("k", "2", "mode")
    # of no axes in the page: names of its own
    assert moments.dims("rho0", 2) == ("rho0", "rho0_1")
