"""Stores that somebody else has made, as badly as can be: one line each, at once."""

import json
import time

import numpy as np
import pytest

import jqd
from jqd.cli import main
from jqd.sweeps import Store
from jqd.sweeps.leases import given_up, running

AXES = {"q": np.arange(6.0), "r": np.arange(2.0)}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Files of a store that is done, by name."""
    place = tmp_path_factory.mktemp("sound") / "s"
    jqd.sweep(
        lambda q, r: {"x": q * r}, AXES, store=place, tile=4, chunk=4, progress=False
    )
    names = (file for file in place.rglob("*") if file.is_file())
    return {str(name.relative_to(place)): name.read_bytes() for name in names}


@pytest.fixture
def changed(sound, store):
    """The store with another root."""

    def change(alter):
        for name, data in sound.items():
            (store / name).parent.mkdir(parents=True, exist_ok=True)
            (store / name).write_bytes(data)
        root = json.loads(sound["zarr.json"])
        new = alter(root)
        (store / "zarr.json").write_text(json.dumps(root if new is None else new))
        return store

    return change


def put(*path, value):
    """Sets an entry of the manifest."""

    def alter(root):
        held = root["attributes"]["sweep"]
        for key in path[:-1]:
            held = held[key]
        held[path[-1]] = value

    return alter


def put_all(*entries):
    def alter(root):
        for path, value in entries:
            put(*path, value=value)(root)

    return alter


def drop(name):
    return lambda root: root["attributes"]["sweep"].pop(name) and None


MANIFESTS = {
    "no dict": lambda root: root["attributes"].update(sweep=[1]),
    "attributes": lambda root: root.update(attributes=[1]),
    "root": lambda root: [],
    "block 0": put("block", value=[0, 1]),
    "block of another kind": put("block", value=[2, 1]),
    "many chunks": put("block", value=[1, 1, 1]),
    "shape": put("shape", value=[10**15, 2]),
    "shape and axis": put_all(
        (("shape",), [10**15, 2]), (("axes", "q", "shape"), [10**15])
    ),
    "too many chunks": put_all(
        (("shape",), [10**9, 2]), (("axes", "q", "shape"), [10**9]),
        (("block",), [1, 1]),
    ),
    "negative": put("shape", value=[-6, 2]),
    "text": put("shape", value="6"),
    "bool": put("tile", value=True),
    "tile": put("tile", value=0),
    "lease": put("lease", value=0),
    "endless lease": put("lease", value=1e300),
    "text of a lease": put("lease", value="120"),
    "outer": put("outer", value=1),
    "no outputs": put("outputs", value={}),
    "no status": put("outputs", value={"x": {"shape": [], "dtype": "<f8"}}),
    "path": put("outputs", "../x", value={"shape": [], "dtype": "<f8"}),
    "object": put("outputs", "x", "dtype", value="|O"),
    "dtype": put("outputs", "x", "dtype", value="(9999,9999,9999)f8"),
    "large entries": put("outputs", "x", "shape", value=[10**12]),
    "format": put("format", value={}),
    **{f"no {name}": drop(name) for name in (
        "function", "program", "outer", "axes", "seed", "tile", "shape", "block",
        "outputs", "device", "x64", "versions", "lease",
    )},
}  # fmt: skip


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_hostile_manifest_is_one_line_at_once(changed, name):
    place, began = changed(MANIFESTS[name]), time.process_time()
    with pytest.raises(ValueError, match=r"^Argument `store` must be a new folder or"):
        Store(place)
    assert time.process_time() - began < 1
    with pytest.raises(ValueError, match=r"^Argument `store` must"):
        jqd.open_sweep(place)


def test_a_hostile_store_is_one_line_in_the_shell(changed, capsys):
    place = str(changed(MANIFESTS["block 0"]))
    for name, *words in (["STORE", "sweep", "status"], ["RESULTS", "report"]):
        assert main([*words, place]) == 2
        shown = capsys.readouterr().err
        assert shown.startswith(f"Error: Argument `{name}` must be")
        assert shown.count("\n") == 1


@pytest.mark.parametrize("name", ["x", "q"])
def test_arrays_that_are_not_those_of_the_manifest_are_refused(changed, name):
    def grow(root):
        root["consolidated_metadata"]["metadata"][name]["data_type"] = "float32"

    with pytest.raises(ValueError, match=r"has another array '[xq]'|is damaged"):
        jqd.open_sweep(changed(grow))
    with pytest.raises(ValueError, match=rf"has another array '{name}'"):
        Store(changed(grow)).damage()


def test_codecs_of_a_store_are_those_of_the_list(changed):
    def ask(root):
        root["consolidated_metadata"]["metadata"]["x"]["codecs"] = [{"name": "own"}]

    with pytest.raises(ValueError, match=r"^Argument `store` must hold plainly .*own"):
        jqd.open_sweep(changed(ask))


def test_what_an_array_says_of_itself_is_not_asked(changed):
    """The root has it as well, and has been looked at."""
    place = changed(lambda root: None)
    described = json.loads((place / "x" / "zarr.json").read_text())
    described["codecs"] = [{"name": "own"}]
    (place / "x" / "zarr.json").write_text(json.dumps(described))
    expected = np.outer(AXES["q"], AXES["r"])
    np.testing.assert_array_equal(jqd.open_sweep(place).x, expected)


@pytest.mark.parametrize(
    "mark",
    [[], {"sha256": []}, {"sha256": {"y": "0"}}, "x",
     {"sha256": {"x": "0", "status": "0"}, "failures": []},
     {"sha256": {"x": "0", "status": "0"}, "failures": {"one": "x"}}],
)  # fmt: skip
def test_a_hostile_mark_is_damage(changed, mark):
    place = changed(lambda root: None)
    (place / "commits" / "0000001.json").write_text(json.dumps(mark))
    opened = Store(place)
    assert opened.failures([1]) == {}
    assert opened.damage() == {1: "its commit mark cannot be read"}


def test_marks_and_leases_of_no_chunk_do_not_count(changed):
    place = changed(lambda root: None)
    (place / "commits" / "0000009.json").write_text("{}")
    for name, text in {
        "0000000.1": "[]", "0000001.failed": "[]", "0000009.failed": "{}",
        "0000002.99999999999": "{}", f"{'9' * 100}.1": "{}",
    }.items():  # fmt: skip
        (place / "leases").mkdir(exist_ok=True)
        (place / "leases" / name).write_text(text)
    opened = Store(place)
    assert opened.committed() == list(range(3))
    assert given_up(opened) == {1: "no reason can be read"}
    (lease,) = running(opened)
    assert (lease["host"], lease["pid"]) == ("?", "?")


def test_more_chunks_than_can_be_numbered_are_refused(store):
    axes = {"q": np.arange(4000.0), "r": np.arange(4000.0)}
    with pytest.raises(ValueError, match=r"^Argument `chunk` must leave at most 1000"):
        jqd.sweep(
            lambda q, r: {"x": q}, axes, store=store, tile=1, chunk=1, progress=False
        )
    assert not store.exists()
