"""The tables of docs/scaling.md and docs/workers.md are those of the models."""

import importlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import jqd
from jqd.sweeps import Store
from jqd.sweeps.claims import Claims
from jqd.sweeps.objects import Objects

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def model():
    """The folder lies in the repository, not in the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs" / "_ext"))
        yield importlib.import_module("scaling_model")


@pytest.mark.parametrize("table", ["strong", "weak", "layouts"])
def test_tables_of_the_document(model, table):
    text = (ROOT / "docs" / "scaling.md").read_text()
    assert getattr(model, table)() in text
    # other rates give other tables
    assert getattr(model, table)(model.H100) not in text


def test_bytes_and_seconds_by_hand(model):
    """1024³ in complex64 on 64 GPUs: blocks of 2^27 bytes."""
    step = model.Step(1024, 8, 64)
    assert step.block == 2**27
    assert step.sent == pytest.approx(2 * 2**27 * 63 / 64)
    # 12 + 6 passes, and 4 copies of 2, at 0.8 of 4.8 TB/s
    assert step.local == pytest.approx(26 * 2**27 / 3.84e12)
    # 7/8 of each block to other nodes at 35 GB/s, two starts and 63 partners twice
    assert step.exchange == pytest.approx(2 * 2**27 * 7 / 8 / 35e9 + 40e-6 + 126e-6)
    # a measured transform in place of 12 passes
    measured = replace(step, machine=model.Machine(pair=1e-11))
    assert measured.local == pytest.approx(2**27 * (1e-11 + 14 / 3.84e12))
    pencils = replace(step, layout=model.PENCILS)
    assert pencils.sent == pytest.approx(2 * 2**27 * (7 / 8 + 7 / 8))
    assert pencils.local == pytest.approx(34 * 2**27 / 3.84e12)


def test_one_gpu_exchanges_nothing(model):
    one = model.Step(512, 8, 1)
    assert one.exchange == one.sent == 0
    assert one.efficiency == 1
    assert model.Step(512, 8, 8).efficiency < 1


def test_what_does_not_fit(model):
    assert not model.Step(4096, 16, 8).fits
    # more slabs than rows
    assert not model.Step(512, 8, 1024).fits
    assert model.Step(512, 8, 1024, model.PENCILS).fits
    assert model.best(512, 8, 1024).layout == model.PENCILS


@pytest.fixture(scope="module")
def workers():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs" / "_ext"))
        yield importlib.import_module("scaling_workers")


@pytest.mark.slow
@pytest.mark.parametrize("table", ["growth", "losses"])
def test_tables_of_the_simulated_workers(workers, table):
    text = (ROOT / "docs" / "workers.md").read_text()
    assert getattr(workers, table)() in text


def test_a_worker_alone_takes_its_time(workers):
    sweep = workers.Sweep(1, 12, spread=0.0, starts=0.0, store=workers.FOLDER)
    run = workers.Run(sweep)
    # 12 chunks of 10 s, and some ms of requests before the first
    assert run.seconds == pytest.approx(120, abs=0.1)
    assert run.efficiency == pytest.approx(1, abs=1e-3)
    assert (run.misses, run.waited) == (0, 0)


def test_a_simulated_worker_asks_for_what_a_real_one_asks_for(
    workers, tmp_path, monkeypatch
):
    store = _three_results(tmp_path / "s", chunks=12)
    asked = Counter()
    kinds = {"put_new": "write", "get": "read", "changed": "read", "list": "list"}
    for name, kind in kinds.items():
        real = getattr(Objects, name)

        def call(self, *rest, real=real, kind=kind):
            asked[kind] += 1
            return real(self, *rest)

        monkeypatch.setattr(Objects, name, call)
    delete = Objects.delete

    def removing(self, keys):
        keys = list(keys)
        asked["write"] += len(keys)
        delete(self, keys)

    monkeypatch.setattr(Objects, "delete", removing)
    with Claims(store) as worker:
        for chunk in worker.free():
            results = {name: np.zeros(8) for name in "abc"}
            results["status"] = np.zeros(8, np.int32)
            store.commit(chunk, results, {}, "cpu")
            asked["write"] += len(results)  # by zarr
            worker.release(chunk)
        found = dict(asked)
    quick = workers.Sweep(1, 12, seconds=0.1, starts=0.0, store=workers.FOLDER)
    assert found == dict(workers.Run(quick).requests)


def test_workers_share_the_time_and_a_lost_one_costs_its_lease(workers):
    base = workers.Sweep(10, 200, spread=0.0, starts=0.0, store=workers.FOLDER)
    assert workers.Run(base).seconds == pytest.approx(200, rel=0.06)
    lost = workers.Run(replace(base, lost=0.1))
    # nine do the rest; a chunk of the lost one may wait for the end of its lease
    assert 200 * 10 / 10 < lost.seconds < 200 * 10 / 9 + base.lease + 30
    quick = workers.Run(replace(base, lost=0.1, lease=4.0))
    assert quick.seconds < lost.seconds + 1
    slow = replace(base, store=workers.Store("far", 1.0, 1.0))
    assert workers.Run(slow).efficiency < workers.Run(base).efficiency


def _three_results(place, chunks):
    """A store of which nothing is done."""
    axes = {"q": np.arange(8.0 * chunks)}
    jqd.sweep(
        lambda q: {"a": q, "b": q, "c": q}, axes, store=place, tile=8, chunk=8,
        progress=False,
    )  # fmt: skip
    store = Store(place)
    store.withdraw(range(chunks))
    store.objects.delete(["leases/finished"])
    return store
