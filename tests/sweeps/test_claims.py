"""Leases: who has a chunk, for how long, and what becomes of those who are lost."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

import jqd
from jqd.sweeps import Store, leases
from jqd.sweeps.claims import Claims
from jqd.sweeps.leases import given_up, running, take_back
from jqd.sweeps.work import work

from .conftest import values

CHUNKS = 12
AXES = {"q": np.arange(8.0 * CHUNKS)}
OPTIONS = {"tile": 8, "chunk": 8, "progress": False}


def point(q):
    return {"x": 2 * q}


def results(chunk):
    """What `point` gives."""
    q = AXES["q"][8 * chunk : 8 * chunk + 8]
    return {"x": 2 * q, "status": np.zeros(8, np.int32)}


@pytest.fixture
def begun(store):
    """From the seconds of a lease to a store of twelve chunks, none of them done."""

    def begin(lease=60.0, place=store):
        jqd.sweep(point, AXES, store=place, lease=lease, **OPTIONS)
        opened = Store(place)
        opened.withdraw(range(CHUNKS))
        return opened

    return begin


def age(store, chunk, seconds, generation=1):
    """Let a lease have been written so long ago."""
    file = store.objects.folder / leases.key(chunk, generation)
    file.parent.mkdir(exist_ok=True)
    if not file.exists():
        file.write_text(json.dumps({"host": "away", "pid": 7 + generation}))
    os.utime(file, (time.time() - seconds,) * 2)


def finish(store, worker, chunk):
    store.commit(chunk, results(chunk), {}, "cpu")
    worker.release(chunk)


def test_a_worker_takes_all_from_somewhere_on_ascending(begun):
    store, starts = begun(), set()
    for _ in range(20):
        with Claims(store) as worker:  # who gives back what it holds, in the end
            taken = list(worker.free())
            at = taken.index(0)
            assert taken[at:] + taken[:at] == list(range(CHUNKS))
            starts.add(taken[0])
    # of twelve places, each as likely: all twenty alike has the chance 12^-19
    assert len(starts) > 1


def test_two_workers_never_have_the_same_chunk(begun):
    store = begun()
    with Claims(store) as one, Claims(store) as two:
        mine, yours = one.free(), two.free()
        taken = [next(mine) for _ in range(4)] + [next(yours) for _ in range(4)]
        taken += [*mine, *yours]
        assert sorted(taken) == list(range(CHUNKS))
        assert {c["chunk"] for c in running(store)} == set(range(CHUNKS))
        assert {c["pid"] for c in running(store)} == {os.getpid()}
    assert running(store) == []  # given back, in order


def test_what_is_done_is_not_taken_and_seen_at_the_last_moment(begun):
    store = begun()
    with Claims(store) as worker:
        free = worker.free()
        first = next(free)
        # another worker does all the others, whose leases are gone as well
        for chunk in set(range(CHUNKS)) - {first}:
            store.commit(chunk, results(chunk), {}, "cpu")
        assert list(free) == []
        finish(store, worker, first)
        assert worker.all_done()
    assert running(store) == []


@pytest.mark.slow
def test_a_lease_lasts_as_long_as_it_is_written_anew(begun):
    """Four times a lease's time go by; nobody else gets the chunk."""
    store = begun(lease=1.0)
    with Claims(store) as one, Claims(store) as two:
        held = list(one.free())
        assert len(held) == CHUNKS
        until = time.monotonic() + 4.0
        while time.monotonic() < until:
            two.wait()
            assert list(two.free()) == []
        assert {lease["generation"] for lease in running(store)} == {1}


@pytest.mark.slow
def test_the_chunk_of_a_lost_worker_is_taken_within_one_and_a_half_times_a_lease(
    begun, tmp_path
):
    lease = 4.0  # half of it is more than a loaded machine lets a process wait
    store = begun(lease)
    for chunk in range(1, CHUNKS):
        store.commit(chunk, results(chunk), {}, "cpu")
    age(store, 0, 0.0)  # it is written, and its worker is lost at that moment
    lost = time.monotonic()
    with Claims(store) as worker:
        while not (taken := list(worker.free())):
            worker.wait()
        took = time.monotonic() - lost
        assert taken == [0]
        assert worker.held == {0: 2}
    assert lease <= took <= 1.5 * lease
    print(f"taken over after {took / lease:.2f} leases")


def test_a_lease_of_the_future_is_over_when_it_does_not_change(begun):
    """A clock was set back, or somebody wrote any time: nobody else knows the chunk."""
    lease = 0.6
    store = begun(lease)
    for chunk in range(1, CHUNKS):
        store.commit(chunk, results(chunk), {}, "cpu")
    age(store, 0, -1e6)
    began = time.monotonic()
    with Claims(store) as worker:
        assert list(worker.free()) == []
        while not (taken := list(worker.free())):
            assert time.monotonic() - began < 20 * lease
            worker.wait()
        assert taken == [0]
        assert time.monotonic() - began > lease


def test_chunks_of_lost_workers_are_computed_alone(begun):
    """Whatever ends the next worker as well is then the chunk that it has."""
    store = begun()
    for chunk in (3, 4):
        age(store, chunk, 61.0)
    with Claims(store) as worker:
        free = worker.free()
        assert next(free) == 3
        assert list(free) == []
        finish(store, worker, 3)
        free = worker.free()
        assert next(free) == 4
        assert list(free) == []
        # with others in hand it waits for another time
        finish(store, worker, 4)
        free = worker.free()
        other = next(free)
        third = next(c for c in range(CHUNKS) if c not in (3, 4, other))
        age(store, third, 61.0)
        worker.look()
        assert list(free) == []
        finish(store, worker, other)
        assert next(worker.free()) == third


def test_a_chunk_that_cost_three_workers_is_given_up_with_its_reason(begun):
    store = begun()
    for generation in (1, 2, 3):
        age(store, 5, 61.0, generation)
    with Claims(store) as worker:
        taken = list(worker.free())
        assert sorted(taken) == sorted(set(range(CHUNKS)) - {5})
        for chunk in taken:
            finish(store, worker, chunk)
        assert worker.all_done()
    assert given_up(store) == {
        5: "each of 3 workers that computed it was lost (away 8, away 9, away 10)"
    }
    # nobody else tries it ...
    with Claims(store) as other:
        assert other.all_done()
        assert list(other.free()) == []
    # ... before that is asked for, and then as if for the first time
    take_back(store)
    assert given_up(store) == {}
    with Claims(store) as other:
        assert list(other.free()) == [5]
        assert other.held == {5: 1}


def test_three_lost_workers_that_had_finished_are_no_failure(begun):
    store = begun()
    store.commit(5, results(5), {}, "cpu")
    for generation in (1, 2, 3):
        age(store, 5, 61.0, generation)
    with Claims(store) as worker:
        assert len(list(worker.free())) == CHUNKS - 1
    assert given_up(store) == {}


def test_a_warning_says_that_a_chunk_was_given_up(begun, store):
    opened = begun()
    for generation in (1, 2, 3):
        age(opened, 5, 61.0, generation)
    from jqd.sweeps.run import FailedChunk

    with pytest.warns(FailedChunk, match=r"^Chunk 5 of .* each of 3 workers that"):
        dataset = jqd.sweep(point, AXES, store=store, **OPTIONS)
    assert np.flatnonzero(dataset.status == -1).tolist() == list(range(40, 48))
    whole = jqd.sweep(point, AXES, store=store, retry_failed=True, **OPTIONS)
    assert (whole.status == 0).all()


def test_a_worker_whose_clock_is_an_hour_off_takes_nothing_from_others(
    begun, monkeypatch
):
    store, real = begun(lease=30.0), time.time
    with Claims(store) as one:
        held = list(one.free())
        for off in (3600, -3600):
            monkeypatch.setattr(time, "time", lambda off=off: real() + off)
            with Claims(store) as two:
                assert list(two.free()) == []
                two.tidy()
        monkeypatch.undo()
        assert len(running(store)) == len(held) == CHUNKS


def test_leases_of_other_lengths_are_refused(begun, store):
    begun(lease=60.0)
    with pytest.raises(ValueError, match="its leases last 60 s, not 5 s"):
        jqd.sweep(point, AXES, store=store, lease=5.0, **OPTIONS)
    with pytest.raises(ValueError, match="Argument `lease` must be positive"):
        jqd.sweep(point, AXES, store=store, lease=0.0, **OPTIONS)


def test_few_looks_cost_few_requests(begun, monkeypatch):
    """Beyond one list at its start, a worker asks for each chunk alone."""
    store = begun()
    lists = []
    real = type(store.objects).list
    monkeypatch.setattr(
        type(store.objects), "list",
        lambda self, folder: lists.append(folder) or real(self, folder),
    )  # fmt: skip
    with Claims(store) as worker:
        for chunk in worker.free():
            finish(store, worker, chunk)
    # at the start leases and commits, and once more leases, when none is left
    assert lists == ["leases", "commits", "leases"]


def test_a_worker_that_joins_reads_no_data(begun, store, monkeypatch):
    from jqd.sweeps import Store as Opened

    begun()
    jqd.sweep(point, AXES, store=store, **OPTIONS)
    opened, read = Opened(store), []
    opened.withdraw([2])
    monkeypatch.setattr(Opened, "damage", lambda self: read.append(1) or {})
    monkeypatch.setattr(
        Opened, "_damage_of", lambda self, chunk: pytest.fail("data were read")
    )
    whole = jqd.sweep(point, AXES, store=store, **OPTIONS)
    assert read == [1]  # once, by who found nothing left to be done
    assert values(whole)


def test_a_worker_that_meets_another_goes_elsewhere(begun, monkeypatch):
    """Three chunks in a row that were taken meanwhile, and it looks anew."""
    store = begun()
    with Claims(store) as one, Claims(store) as two:
        order = list(one._queue)
        two._queue = one._queue.copy()
        mine = one.free()
        for _ in range(6):
            next(mine)
        looks = []
        look = Claims.look
        monkeypatch.setattr(Claims, "look", lambda self: looks.append(1) or look(self))
        assert next(two.free()) in order[6:]
        assert looks == [1]


def test_only_one_checks_at_the_end(begun, store, monkeypatch):
    opened = begun()
    with Claims(opened) as one, Claims(opened) as two:
        with one.check() as mine, two.check() as yours:
            assert mine
            assert not yours
        with two.check() as yours:
            assert yours


def test_what_killed_workers_left_is_removed_at_the_end(begun, store):
    opened = begun()
    age(opened, 4, 61.0)
    clock = store / "leases" / "clock.0123"
    clock.write_text("")
    os.utime(clock, (0, 0))
    jqd.sweep(point, AXES, store=store, **OPTIONS)
    assert os.listdir(store / "leases") == ["finished"]


def test_a_worker_that_waits_looks_less_and_less_often(begun, monkeypatch):
    slept = []
    store = begun(lease=16.0)
    with Claims(store) as one, Claims(store) as two:
        assert list(one.free())
        monkeypatch.setattr(time, "sleep", slept.append)
        for _ in range(7):
            two.wait()
    # never longer than an eighth of a lease
    assert slept == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_a_worker_that_waits_leaves_when_another_has_checked_all(begun):
    store = begun()
    with Claims(store) as one:
        held = list(one.free())
        with Claims(store) as two:
            two.wait()
            assert not two.finished
            for chunk in held:
                finish(store, one, chunk)
            with one.check() as mine:
                assert mine
                one.tidy()
            two.wait()
            assert two.finished
    # who comes later looks for itself, whatever stands there
    store.withdraw([3])
    with Claims(store) as late:
        assert not late.finished
        assert not late.all_done()
        assert list(late.free()) == [3]
        assert "finished" not in store.objects.list("leases")


def test_a_chunk_that_is_lost_before_the_check_is_computed_again(begun):
    store, done = begun(), []

    def compute(chunks):
        for chunk in chunks:
            done.append(chunk)
            yield chunk, results(chunk), {}
        if len(done) == CHUNKS:
            store.withdraw([3])

    work(store, compute, "cpu", show=False)
    assert sorted(done[:CHUNKS]) == list(range(CHUNKS))
    assert done[CHUNKS:] == [3]
    assert store.committed() == list(range(CHUNKS))


def test_a_worker_waits_for_the_check_of_another(begun, monkeypatch):
    """And does not leave before it is over."""
    store, slept = begun(), []
    with Claims(store) as one:
        for chunk in one.free():
            finish(store, one, chunk)
        check = one.check()
        assert check.__enter__()

        def sleep(seconds):
            slept.append(seconds)
            if len(slept) == 3:
                one.tidy()
                check.__exit__(None, None, None)

        monkeypatch.setattr("jqd.sweeps.claims.time.sleep", sleep)
        work(store, lambda chunks: iter(()), "cpu", show=False)
    assert len(slept) == 3


@pytest.mark.slow
def test_to_join_a_store_of_ten_gigabytes_reads_next_to_nothing(tmp_path):
    """Ten thousand chunks of a mebibyte, all of them one file under many names."""
    count, points = 10_000, 2**17
    noise = np.random.default_rng(0).normal(size=points)

    def point(q):
        return {"x": 2 * q}

    place = tmp_path / "s"
    small = {"q": np.arange(float(points))}
    jqd.sweep(point, small, store=tmp_path / "one", chunk=points, progress=False)
    one = Store(tmp_path / "one")
    one.withdraw([0])
    results = {"x": noise, "status": np.zeros(points, np.int32)}
    one.commit(0, results, {}, "cpu")
    root = json.loads((tmp_path / "one" / "zarr.json").read_text())
    manifest = root["attributes"]["sweep"]
    manifest["shape"] = manifest["axes"]["q"]["shape"] = [count * points]
    place.mkdir()
    (place / "zarr.json").write_text(json.dumps(root))
    for name in ("x", "status", "commits"):
        folder = place / name if name == "commits" else place / name / "c"
        folder.mkdir(parents=True)
    for name in ("x", "status"):
        for i in range(count):
            os.link(tmp_path / "one" / name / "c" / "0", place / name / "c" / str(i))
    mark = tmp_path / "one" / "commits" / "0000000.json"
    for i in range(count - 1):
        os.link(mark, place / "commits" / f"{i:07d}.json")
    size = sum(f.stat().st_size for f in (place / "x" / "c").iterdir())
    assert size > 9.5e9

    def read():
        lines = Path("/proc/self/io").read_text().splitlines()
        return int(lines[0].split()[1])

    before, began = read(), time.monotonic()
    with Claims(Store(place)) as worker:
        assert next(worker.free()) == count - 1
        took, had = time.monotonic() - began, read() - before
    print(f"joined in {took:.2f} s, {had / 1e6:.2f} MB read")
    assert took < 5
    assert had < 20e6
