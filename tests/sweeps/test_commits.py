"""Commits: whole or not, the first one stays, another result is loud."""

import hashlib
import json
import shutil

import numpy as np
import pytest

import jqd
from jqd._files import OutputError
from jqd.sweeps import Store, SweepError
from jqd.sweeps.objects import Objects
from jqd.sweeps.work import work

from .conftest import ask, bits, values

AXES = {"q": np.arange(24.0)}


def point(q):
    return {"x": 2 * q, "pair": q * np.arange(2.0)}


def run(store, function=point, axes=AXES, **options):
    options = {"tile": 8, "chunk": 8, "progress": False} | options
    return jqd.sweep(function, axes, store=store, **options)


def results(factor=2.0):
    """What `point` gives for the second chunk."""
    q = AXES["q"][8:16]
    return {
        "x": factor * q,
        "pair": q[:, None] * np.arange(2.0),
        "status": np.zeros(8, np.int32),
    }


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path):
    """A sweep that is done, in a folder and in a bucket."""
    kind = request.param
    place = request.getfixturevalue("bucket") if kind == "bucket" else tmp_path / "s"
    run(place)
    return place


def test_a_second_commit_of_equal_values_is_silent(place):
    opened = Store(place)
    before = opened.objects.changed("commits/0000001.json")
    opened.commit(1, results(), {}, "another device")
    assert opened.objects.changed("commits/0000001.json") == before
    assert opened.damage() == {}


def test_a_second_commit_of_other_values_is_loud_and_the_first_one_stays(place):
    opened, before = Store(place), values(jqd.open_sweep(place))
    with pytest.raises(
        SweepError, match=r"chunk 1 of .* twice, with other values of x"
    ):
        opened.commit(1, results(factor=3.0), {}, "cpu")
    assert opened.damage() == {}
    assert values(jqd.open_sweep(place)) == before


@pytest.mark.parametrize("factor", [2.0, 3.0])
def test_of_two_who_commit_at_the_same_moment_one_is_the_first(
    place, factor, monkeypatch
):
    """The mark appears between the look for it and the attempt to write it."""
    opened, other = Store(place), Store(place)
    opened.withdraw([1])
    put_new = Objects.put_new

    def late(self, key, data):
        monkeypatch.setattr(Objects, "put_new", put_new)
        other.commit(1, results(), {}, "cpu")
        return put_new(self, key, data)

    monkeypatch.setattr(Objects, "put_new", late)
    if factor == 2.0:
        opened.commit(1, results(factor), {}, "cpu")
    else:
        with pytest.raises(SweepError, match="computed twice"):
            opened.commit(1, results(factor), {}, "cpu")
    # the values of the first lie there, or the chunk is taken as not done
    assert opened.damage() == {}
    assert opened.has(1)


def test_where_values_of_two_are_mixed_nobody_has_committed(tmp_path, monkeypatch):
    """The first commits while the second, with other values, has half written."""
    run(tmp_path / "s")
    opened, other = Store(tmp_path / "s"), Store(tmp_path / "s")
    opened.withdraw([1])
    settle = Objects.settle

    def late(self, keys):
        monkeypatch.setattr(Objects, "settle", settle)
        mark = other.objects.get("commits/0000000.json")
        sha = json.loads(mark)
        sha["sha256"]["x"] = "of the first"
        other.objects.put("commits/0000001.json", json.dumps(sha).encode())
        settle(self, keys)

    monkeypatch.setattr(Objects, "settle", late)
    with pytest.raises(SweepError, match="computed twice"):
        opened.commit(1, results(), {}, "cpu")
    assert not opened.has(1)
    run(tmp_path / "s")
    assert Store(tmp_path / "s").damage() == {}


def test_half_a_mark_is_no_commit(tmp_path):
    run(tmp_path / "s")
    before = bits(tmp_path / "s")
    (tmp_path / "s" / "commits" / "0000001.json").write_text('{"sha256": {')
    Store(tmp_path / "s").commit(
        1, results(), {}, Store(tmp_path / "s").manifest["device"]
    )
    assert bits(tmp_path / "s") == before


def test_a_mark_holds_digests_of_decoded_arrays_and_the_device(tmp_path):
    run(tmp_path / "s")
    mark = json.loads((tmp_path / "s" / "commits" / "0000001.json").read_text())
    x = results()["x"]
    expected = hashlib.sha256(b"(8,) <f8" + x.tobytes()).hexdigest()
    assert mark["sha256"]["x"] == expected
    assert mark["device"] == Store(tmp_path / "s").manifest["device"]
    assert set(mark) == {"sha256", "failures", "device"}


def test_nan_of_any_kind_is_kept_and_checked(tmp_path):
    """Their bits differ, but not what NumPy says of them."""

    def odd(q):
        return {"x": np.float64("nan") * q, "status": np.int32(0) * np.int32(1)}

    with np.errstate(invalid="ignore"):
        run(tmp_path / "s", odd)
    opened = Store(tmp_path / "s")
    x = np.full(8, np.nan)
    x.view(np.uint64)[3] ^= 1 << 63
    same = {"x": x, "status": results()["status"]}
    with pytest.raises(SweepError, match=r"other values of .*x"):
        opened.commit(1, same, {}, "cpu")


def test_a_worker_that_gets_another_result_ends_with_a_word(tmp_path, capsys):
    """Its lease ran out, another worker was faster, and the results differ."""
    run(tmp_path / "s")
    opened = Store(tmp_path / "s")
    before = bits(tmp_path / "s")
    opened.objects.delete(["commits/0000001.json"])

    def others(chunks):
        for chunk in chunks:
            other = Store(tmp_path / "s")
            other.commit(chunk, results(), {}, other.manifest["device"])
            yield chunk, results(factor=3.0), {}

    with pytest.raises(SweepError, match=r"chunk 1 of .* not give the same result"):
        work(opened, others, "cpu", show=False)
    after = bits(tmp_path / "s")
    after.pop("leases/finished", None), before.pop("leases/finished")
    assert after == before


@pytest.mark.parametrize("mixed", [False, True])
def test_another_kind_of_device_takes_part_only_if_asked_for(place, mixed, monkeypatch):
    opened = Store(place)
    opened.withdraw([1])
    monkeypatch.setattr("jqd.sweeps.manifest.device_kind", lambda device: "other")
    monkeypatch.setattr("jqd.sweeps.run.device_kind", lambda device: "other")
    if not mixed:
        with pytest.raises(ValueError, match=r"its device is cpu .*, not other"):
            run(place)
        return
    run(place, mixed=True)
    marks = [json.loads(opened.objects.get(f"commits/{i:07d}.json")) for i in range(3)]
    kinds = [mark["device"] for mark in marks]
    assert kinds == [opened.manifest["device"], "other", opened.manifest["device"]]


def test_a_bucket_has_the_bits_of_a_folder(bucket, tmp_path):
    there, here = run(bucket), run(tmp_path / "s")
    assert values(there) == values(here)
    keys = set(Objects(bucket).keys())
    assert keys == set(bits(tmp_path / "s")) | {"zarr.json"}


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_what_vanishes_while_it_is_written_is_one_line(
    kind, tmp_path, request, monkeypatch
):
    place, done, commit = tmp_path / "s", [], Store.commit
    if kind == "bucket":
        place, service = map(request.getfixturevalue, ("bucket", "service"))

    def vanish(self, *rest):
        if len(done) == 1:
            if kind == "folder":
                shutil.rmtree(self.objects.folder)
            else:
                ask(service, "POST", "moto-api/reset")
        done.append(rest)
        commit(self, *rest)

    monkeypatch.setattr(Store, "commit", vanish)
    with pytest.raises(OutputError) as info:
        run(place)
    text = str(info.value)
    assert text.startswith("Argument `store` must ")
    assert ("no longer there" if kind == "folder" else "NoSuchBucket") in text
    assert "\n" not in text
    # it is not made anew, with half of what was in it
    assert not (tmp_path / "s" / "zarr.json").exists()
