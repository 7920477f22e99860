"""What every test shares: float64, no silent broadcasting, a key, the shared data."""

import os
from pathlib import Path

# Before jax or matplotlib is imported. The CPU, because the workers of a parallel
# run would each claim most of a GPU's memory; set JAX_PLATFORMS to test on one.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["MPLBACKEND"] = "Agg"
# The command keeps compiled code in the user's cache folder; its tests do not.
os.environ["JQD_CACHE"] = "off"

import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="module")
def forget_compiled_code():
    """What one file compiled serves no other, and would fill the memory by the end."""
    yield
    jax.clear_caches()


@pytest.fixture
def key():
    return jax.random.key(20260101)


@pytest.fixture(scope="session")
def shared_data():
    """Data that other programs computed; the folder lies beside the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/data beside the repository")
    return folder


@pytest.fixture
def run_quick(tmp_path):
    """Run an experiment, small: its summary, once it has said ok and left its files."""
    from jqd.report.experiment import run_experiment

    def run(name, *also):
        file = ROOT / "experiments" / f"{name}.py"
        summary, folder = run_experiment(file, tmp_path / name, quick=True)
        assert summary["status"] == "ok"
        suffixes = {file.suffix for file in folder.iterdir()}
        assert {".png", ".svg", ".zarr", ".json", *also} <= suffixes
        return summary

    return run
