"""What every test shares: float64, no silent broadcasting, programs, a key, data."""

import os
import shutil
import tempfile
from pathlib import Path

# Before jax or matplotlib is imported. The CPU, because the workers of a parallel
# run would each claim most of a GPU's memory; set JAX_PLATFORMS to test on one.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["MPLBACKEND"] = "Agg"

import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

ROOT = Path(__file__).resolve().parent.parent


# A worker forgets what it compiled when it has grown to this, in bytes.
MOST_MEMORY = 3 * 2**30


def pytest_configure(config):
    """Workers, and commands that tests start, share what they compile in a run."""
    if not hasattr(config, "workerinput"):  # the process that starts the workers
        os.environ["JQD_CACHE"] = tempfile.mkdtemp(prefix="jqd-tests-")
    jax.config.update("jax_compilation_cache_dir", os.environ["JQD_CACHE"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop("JQD_CACHE"), ignore_errors=True)


@pytest.fixture(autouse=True, scope="module")
def forget_compiled_code():
    """Before it fills the memory."""
    yield
    pages = Path("/proc/self/statm")
    used = int(pages.read_text().split()[1]) * 4096 if pages.exists() else MOST_MEMORY
    if used >= MOST_MEMORY:
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
