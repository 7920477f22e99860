"""What every test shares: float64, no silent broadcasting, programs, a key, data."""

import ctypes
import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path

# Before jax or matplotlib is imported. The CPU, because the workers of a parallel
# run would each claim most of a GPU's memory; set JAX_PLATFORMS to test on one.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["MPLBACKEND"] = "Agg"

import jax
import pytest

# A suite in the background ignores interrupts, and so would commands that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Most of what JAX traces stays: to look for garbage in it takes a tenth of the time.
gc.set_threshold(100_000, 20, 20)

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

ROOT = Path(__file__).resolve().parent.parent


# A worker forgets what it compiled when it has grown to this, in bytes.
MOST_MEMORY = 3 * 2**30


def pytest_configure(config):
    """Workers, and commands that tests start, share what they compile in a run."""
    if not hasattr(config, "workerinput"):  # the process that starts the workers
        os.environ["JQD_CACHE"] = tempfile.mkdtemp(prefix="jqd-tests-")
        config.pluginmanager.register(Failures(config))
    jax.config.update("jax_compilation_cache_dir", os.environ["JQD_CACHE"])
    # To keep a program takes longer than to compile a short one, and few are met again.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)


class Failures:
    """Failed tests at once, and why: a long run may be stopped before its end."""

    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            crash = getattr(report.longrepr, "reprcrash", None)
            why = getattr(crash, "message", str(report.longrepr))
            terminal.write_line(f"\nFAILED {report.nodeid}\n{why[:2000]}", red=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of the cases of a `sampled` test two of three are slow."""
    seen = {}
    for item in items:
        if item.get_closest_marker("sampled"):
            function = item.nodeid.partition("[")[0]
            seen[function] = seen.get(function, -1) + 1
            if seen[function] % 3:
                item.add_marker(pytest.mark.slow)


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
        # else glibc keeps what it was given back, and every module forgets all again
        getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)(0)


# Values that make no sense for one argument or another, and what refuses which: a
# `number`; a `real` one; one alone (`scalar`, or complex, `amplitude`); not below zero
# as well (`rate`); above zero (`positive`, or an array of these, `length`).
NONSENSE = {
    "text": "1.0",
    "object": object(),
    "ragged": [[1.0], [1.0, 2.0]],
    "nan": float("nan"),
    "inf": float("inf"),
    "imaginary": 1.0 + 1.0j,
    "vector": [1.0, 0.5, 0.25, 1.0, 0.5],
    "none": None,
    "negative": -1.0,
    "zero": 0.0,
}
GROUPS = {"number": "text object ragged nan inf"}
GROUPS["real"] = GROUPS["number"] + " imaginary"
GROUPS["amplitude"] = GROUPS["number"] + " vector"
GROUPS["scalar"] = GROUPS["real"] + " vector"
GROUPS["rate"] = GROUPS["scalar"] + " negative"
GROUPS["positive"] = GROUPS["rate"] + " zero"
GROUPS["length"] = GROUPS["real"] + " negative zero"


@pytest.fixture(scope="session")
def complaints():
    """What is wrong with how a call refuses nonsense in one argument, by its kind."""

    def answer(call, arguments):
        try:
            return f"took it: {str(call(**arguments))[:80]}"
        except ValueError as error:
            return str(error)
        except Exception as error:  # anything else is what is looked for
            return f"{type(error).__name__}: {str(error)[:80]}"

    def find(call, good, argument, kinds):
        kinds = " ".join(GROUPS.get(kind, kind) for kind in kinds.split()).split()
        said = {k: answer(call, good | {argument: NONSENSE[k]}) for k in kinds}
        start = f"Argument `{argument}` must"
        return {k: text for k, text in said.items() if not text.startswith(start)}

    return find


@pytest.fixture
def key():
    return jax.random.key(20260101)


@pytest.fixture(scope="session")
def shared_data():
    """Record that other programs computed; the folder lies beside the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/data beside the repository")
    return folder


@pytest.fixture
def journal(monkeypatch):
    """Every figure that the test saves is one that a journal would take."""
    from jqd import report
    from jqd.figures import style
    from jqd.figures.flaws import flaws

    save, found = style.save_figures, {}

    def save_and_look(figures, folder):
        paths = save(figures, folder)
        for name, figure in figures.items():
            found[f"{folder}/{name}"] = flaws(figure)
        return paths

    for module in (style, report):
        monkeypatch.setattr(module, "save_figures", save_and_look)
    yield found
    wrong = [f"{name}: {one}" for name, said in found.items() for one in said]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def run_quick(tmp_path, journal):
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


@pytest.fixture(scope="session")
def qubit():
    """Makes the law of a qubit, H = σ_x/2, whose σ_z is measured; and its start."""
    import jax.numpy as jnp

    from jqd.laws import Collapse

    def make(draw=True, gamma=0.5):
        H = jnp.array([[0.0, 0.5], [0.5, 0.0]])
        return Collapse(H, jnp.array([1.0, -1.0]), gamma, draw=draw)

    return make, jnp.array([jnp.cos(0.4), jnp.sin(0.4) * jnp.exp(0.3j)])


@pytest.fixture(scope="session")
def lattice_hamiltonian():
    """H_ab = (ħ²/2m) (Σ_c w_ac δ_ab - w_ab) + V_a δ_ab on a line, or on a graph."""
    import jax.numpy as jnp
    import numpy as np

    from jqd.spaces import Graph
    from jqd.spaces.resolution import SECOND_DIFFERENCES

    def matrix(space, V, *, mass=1.0, hbar=1.0, order=8, periodic=False):
        scale = hbar**2 / (2 * mass)
        (n,) = space.shape
        if isinstance(space, Graph):
            links = [*zip(space.pairs, np.asarray(space.weights), strict=True)]
        else:
            links = [
                ((a, (a + j) % n), weight / space.spacing[0] ** 2)
                for j, weight in enumerate(SECOND_DIFFERENCES[order], start=1)
                for a in range(n if periodic else n - j)
            ]
        kinetic = np.zeros((n, n))
        for (a, b), weight in links:
            kinetic[[a, b], [a, b]] += weight
            kinetic[[a, b], [b, a]] -= weight
        return scale * jnp.asarray(kinetic) + jnp.diag(V)

    return matrix


@pytest.fixture
def compiled():
    """Programs that are compiled during a test; JAX has no way to stop listening."""
    heard, listening = [], [True]

    def listen(event, seconds, **more):
        if listening and event.endswith("backend_compile_duration"):
            heard.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield heard
    listening.clear()
