"""Functions that are called as they are: their points, their results, their text."""

import math
import pickle
import sys
from functools import partial

import equinox as eqx
import jax
import numpy as np
import pytest

import jqd
from jqd.cli import main
from jqd.report import load_file
from jqd.report.user_code import import_folder
from jqd.sweeps import Local, Store
from jqd.sweeps.files import place_of

from .conftest import values

AXES = {"q": np.arange(5.0), "n": np.arange(3)}


def arrays(q, n, key):
    """What no trace could follow: a loop whose length is a value, NumPy, `math`."""
    total = 0.0
    for _ in range(int(n)):
        total += math.sin(q)
    return {
        "total": total,
        "draw": jax.random.normal(key),
        "pair": np.array([n, n], np.int8),
        "status": int(q > 3),
    }


def sweep(function, store, axes=AXES, **options):
    options = {"trace": False, "progress": False, **options}
    return jqd.sweep(function, axes, store=store, **options)


def test_points_are_called_with_their_coordinates_and_keys(store):
    found = sweep(arrays, store, seed=7)
    q, n = AXES["q"][:, None], AXES["n"][None, :]
    # a sum of at most two equal terms is exact
    np.testing.assert_array_equal(found.total, n * np.vectorize(math.sin)(q))
    keys = [jax.random.fold_in(jax.random.key(7), i) for i in range(15)]
    draws = [float(jax.random.normal(key)) for key in keys]
    np.testing.assert_array_equal(found.draw.values.ravel(), draws)
    assert found.pair.dtype == np.int8
    assert found.pair.dims == ("q", "n", "pair_0")
    np.testing.assert_array_equal(found.status, np.broadcast_to(q > 3, (5, 3)))


def test_a_sweep_goes_on_with_the_same_bits(store, tmp_path, monkeypatch):
    whole = values(sweep(arrays, tmp_path / "whole"))
    calls, commit = [], Store.commit

    def count(self, *chunk):
        if len(calls) == 4:
            raise KeyboardInterrupt
        calls.append(chunk[0])
        commit(self, *chunk)

    monkeypatch.setattr(Store, "commit", count)
    with pytest.raises(KeyboardInterrupt):
        sweep(arrays, store, chunk=1)
    monkeypatch.undo()
    assert Store(store).committed() == sorted(calls)
    assert values(sweep(arrays, store)) == whole


def test_a_check_that_fails_at_a_point_costs_that_point(store):
    found = sweep(checked, store, {"q": np.arange(4.0)})
    np.testing.assert_array_equal(found.status, [-2, 0, 0, 0])
    np.testing.assert_array_equal(found.x, [np.nan, 1, 2, 3])
    (said,) = Store(store).failures(range(4)).values()
    assert "q must not be 0" in said


def checked(q):
    return {"x": eqx.error_if(q, q < 1, "q must not be 0"), "n": np.int32(2)}


def uneven(q):
    return {"x": np.zeros(2 if q < 2 else 3)}


def broken(q):
    return {"x": 1 / (2 - q.item())}


def other_kind(q):
    return {"x": 1 if q < 2 else 1.5}


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (uneven, ValueError, "the same arrays at all points, but 'uneven' returns"),
        (other_kind, ValueError, "the same arrays at all points"),
        (broken, ZeroDivisionError, "division by zero"),
        (lambda q: {"x": q}, ValueError, "must be defined at the top of a file"),
        (math.sqrt, ValueError, "must be defined at the top of a file"),
    ],
)
def test_what_is_refused(store, function, error, message):
    with pytest.raises(error, match=message):
        sweep(function, store, {"q": np.arange(4.0)})


def test_a_tile_of_several_points_is_refused(store):
    with pytest.raises(ValueError, match="`tile` must be 1 for a function"):
        sweep(checked, store, {"q": np.arange(4.0)}, tile=2)


# -- where a function stands, and what it is --------------------------------------

TEXT = """
import math
from math import cos as f

SCALE = 2.0
OTHER = 3.0


class Kept:
    size = 1


def inner(x):
    return SCALE * f(x) + Kept.size


def drawn(x):
    return OTHER


def point(q, *, shift=0.0):
    '''Says something.'''
    return {"x": inner(q) + shift}
"""


@pytest.fixture
def digest(tmp_path):
    """Digest of `point` of a file with some text, and with arguments bound."""

    def of(text=TEXT, **bound):
        path = tmp_path / "own.py"
        path.write_text(text)
        point = load_file(path, "point", "q").point
        return place_of(partial(point, **bound) if bound else point).digest()

    return of


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("SCALE = 2.0", "SCALE = 2.5", False),
        ("size = 1", "size = 2", False),
        ("cos as f", "sin as f", False),
        ("inner(q) + shift", "inner(q) - shift", False),
        ("SCALE * f(x)", "SCALE * f(-x)", False),
        ("OTHER = 3.0", "OTHER = 4.0", True),
        ("return OTHER", "return 2 * OTHER", True),
        ("SCALE = 2.0", "SCALE = 2.0  # a comment\n", True),
    ],
)
def test_the_digest_is_of_what_the_function_names(digest, old, new, same):
    assert old in TEXT
    assert (digest(TEXT.replace(old, new)) == digest()) is same


LATE = (
    TEXT
    + """
from contextlib import nullcontext

P = {"k": 1.0}
P["k"] = 2.0
ROWS = []
ROWS.append(3.0)
with nullcontext(5.0) as HELD:
    pass
try:
    from nothing import helper
except ImportError:

    def helper(x):
        return 2 * x


if __name__ == "__main__":
    print(point(1.0))


def late(q):
    return {"x": P["k"] * helper(q) + len(ROWS) + HELD}
"""
)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('P["k"] = 2.0', 'P["k"] = 4.0', False),
        ("append(3.0)", "append(4.0)", False),
        ("nullcontext(5.0)", "nullcontext(6.0)", False),
        ("return 2 * x", "return 3 * x", False),
        ("from nothing import", "from nobody import", False),
        ("print(point(1.0))", "print(point(2.0))", True),
        ("OTHER = 3.0", "OTHER = 4.0", True),
    ],
)
def test_the_digest_is_of_what_changes_a_name_as_well(tmp_path, old, new, same):
    """In place, within `try`, by a method; not what a script alone does."""
    assert LATE.count(old) == 1
    found = []
    for text in (LATE, LATE.replace(old, new)):
        path = tmp_path / "own.py"
        path.write_text(text)
        found.append(place_of(load_file(path, "late", "q").late).digest())
    assert (found[0] == found[1]) is same


def test_what_is_imported_whole_is_in_the_digest(digest, tmp_path):
    helpers = tmp_path / "helpers.py"
    found = []
    for text in ("A = 1", "A = 2"):
        helpers.write_text(text)
        found.append(digest("from helpers import *\n" + TEXT))
    assert found[0] != found[1]


def test_what_is_bound_is_in_the_digest(digest):
    assert len({digest(), digest(shift=1.0), digest(shift=np.arange(2.0))}) == 3
    assert digest(shift=1.0) == digest(shift=1.0)


def test_a_place_leads_to_its_function(digest, tmp_path):
    digest()
    point = load_file(tmp_path / "own.py", "point", "q").point
    bound = partial(point, shift=np.float64(2))
    place = pickle.loads(pickle.dumps(place_of(bound)))
    assert place.load()(q=0.0) == {"x": 5.0}
    # in a package it is imported by name: its file may import others of it
    place = place_of(jqd.total_variation)
    assert place.module.startswith("jqd.")
    assert place.load() is jqd.total_variation
    with pytest.raises(ValueError, match="plain data bound by name"):
        place_of(partial(point, 1.0))
    with pytest.raises(ValueError, match="plain data bound by name"):
        place_of(partial(point, shift=object()))


# -- commands and workers ---------------------------------------------------------

FILE = """
import math
import numpy as np

trace = False
axes = {"q": np.arange(4.0)}


def point(q, key):
    return {"x": math.sin(q)}
"""


def test_a_file_may_say_that_it_is_not_traced(tmp_path, capsys):
    file, store = tmp_path / "own.py", tmp_path / "store"
    file.write_text(FILE)
    words = ["sweep", str(file), "--out", str(store)]
    assert main(words) == 0
    np.testing.assert_array_equal(
        jqd.open_sweep(store).x, [math.sin(q) for q in range(4)]
    )
    Store(store).withdraw([2])
    assert main(["sweep", "work", str(store), str(file)]) == 0
    capsys.readouterr()
    file.write_text(FILE.replace("sin(q)", "cos(q)"))
    assert main(words) == 2
    assert "computes something else than 'point'" in capsys.readouterr().err


@pytest.mark.slow
def test_workers_call_it_too(tmp_path, store):
    file = tmp_path / "own.py"
    file.write_text(FILE.replace("q, key", "q, shift").replace("(q)", "(q + shift)"))
    point = partial(load_file(file, "point", "q").point, shift=np.float64(1))
    found = sweep(point, store, {"q": np.arange(4.0)}, engine=Local(2))
    np.testing.assert_array_equal(found.x, [math.sin(q + 1) for q in range(4)])
    alone = sweep(point, tmp_path / "alone", {"q": np.arange(4.0)})
    assert values(found) == values(alone)


HELPED = {
    "swept.py": "from tools import scaled\n"
    "def point(q):\n    import deeper.more as more\n"
    "    return {'y': scaled(q) + more.SHIFT}\n"
    "def not_swept():\n    import unused\n",
    "tools.py": "from deeper import inner\ndef scaled(q): return inner.FACTOR * q\n",
    "deeper/__init__.py": "",
    "deeper/inner.py": "from .more import SHIFT\nFACTOR = 2.0\n",
    "deeper/more.py": "SHIFT = 1.0\n",
    "unused.py": "A = 1\n",
}


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("tools.py", "inner.FACTOR * q", "inner.FACTOR + q", False),
        ("deeper/inner.py", "2.0", "3.0", False),
        ("deeper/more.py", "1.0", "2.0", False),
        ("deeper/__init__.py", "", "X = 1", False),
        ("tools.py", "FACTOR * q", "FACTOR * q  # faster", True),
        ("unused.py", "1", "2", True),
    ],
)
def test_a_helper_that_changes_is_another_sweep(store, tmp_path, file, old, new, same):
    """What a function imports from beside it is a part of what it computes."""
    for name, text in HELPED.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    module = load_file(tmp_path / "swept.py", "point", "q")
    with import_folder(tmp_path):
        sweep(module.point, store, {"q": np.arange(2.0)})
        changed = tmp_path / file
        changed.write_text(changed.read_text().replace(old, new, 1))
        if same:
            sweep(module.point, store, {"q": np.arange(2.0)})
            return
        with pytest.raises(ValueError, match="computes something else than 'point'"):
            sweep(module.point, store, {"q": np.arange(2.0)})
    for name in ("tools", "deeper", "deeper.inner", "deeper.more"):
        sys.modules.pop(name, None)


def test_other_sources_of_jqd_are_another_sweep(store, monkeypatch):
    sweep(arrays, store)
    monkeypatch.setattr("jqd.sweeps.manifest.sources", lambda: "0" * 64)
    with pytest.raises(ValueError, match=r"with jqd's sources .*, and this is 000"):
        sweep(arrays, store)
