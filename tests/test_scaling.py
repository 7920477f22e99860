"""The tables of docs/scaling.md are those of the model."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def model():
    """The folder lies in the repository, not in the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield importlib.import_module("benchmarks.scaling_model")


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
