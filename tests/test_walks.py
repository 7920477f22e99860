"""How often four everyday calls change file on their way through jqd.

Who reads the code follows such a walk. It may not grow by a tenth unnoticed: the
figures below are those of the code as it stands, and fall when it gets simpler.
"""

import collections
import importlib
import pkgutil
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.cli import main
from jqd.laws.husimi import Exact, HusimiFokkerPlanck
from jqd.states import coherent, phase_grid

ROOT = str(Path(jqd.__file__).parent) + "/"
H = np.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
PSI0 = np.sqrt([0.5, 0.3, 0.2]) + 0j
TS = np.linspace(0.0, 4.0, 11)

# Files of jqd that are entered, and how often a call leads from one to another.
WALKS = {
    "copying": (21, 226), "husimi": (32, 392), "sweep": (39, 392), "record": (83, 1406),
}  # fmt: skip


class Walk:
    """The files of jqd that are entered while it is open, in order."""

    def __enter__(self):
        self.files = []
        sys.setprofile(self._called)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def _called(self, frame, event, _):
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(ROOT):
            name = name[len(ROOT) :]
            if not self.files or self.files[-1] != name:
                self.files.append(name)

    @property
    def size(self):
        return len(set(self.files)), len(self.files)

    def busiest(self):
        """Between which files it goes most often, for who looks for a shorter one."""
        pairs = zip(self.files, self.files[1:], strict=False)
        return collections.Counter(pairs).most_common(8)


@pytest.fixture(scope="module", autouse=True)
def everything_is_imported():
    """Class bodies of what is imported on the way would count as calls."""
    for found in pkgutil.walk_packages(jqd.__path__, "jqd."):
        if ".data." not in found.name:
            try:
                importlib.import_module(found.name)
            except ImportError:  # of what an extra brings
                continue


def evolved(q, r):
    law = jqd.CopyDynamics.from_hamiltonian(H, q=q, r=r)
    method = jqd.Fixed(jqd.steppers.rk4, 4)
    return jqd.evolve(law, law.prepare(PSI0), TS, method=method, observe="density")


def copying(tmp_path):
    """A ψ through the copy law to its density."""
    with Walk() as walk:
        evolved(0.4, -0.6)
    return walk


def husimi(tmp_path):
    """A ket through the Husimi law to its density."""
    line = jnp.linspace(-4, 4, 9)
    ket = coherent(1.2 + 0.5j, 40)
    with Walk() as walk:
        law = HusimiFokkerPlanck(
            "0.5*U*ad^2*a^2 + delta*ad*a", C=0.9, points=phase_grid(line, line),
            form=Exact(64), U=1.0, delta=0.3,
        )  # fmt: skip
        jqd.evolve(law, law.prepare(ket), np.linspace(0, 3, 7), observe="density")
    return walk


def sweep(tmp_path):
    """A point through a sweep."""

    def point(q, r):
        run = evolved(q, r)
        return {"last": run.values[-1], "status": run.status}

    axes = {"q": np.linspace(0.3, 0.7, 3), "r": np.linspace(-0.7, -0.3, 3)}
    with Walk() as walk:
        jqd.sweep(point, axes, store=tmp_path / "x.zarr")
    return walk


def record(tmp_path):
    """A file through `jqd recover copying` to summary.json."""
    exact = jqd.evolve(jqd.Schrodinger(H), PSI0, TS, observe="density").values
    np.save(tmp_path / "H.npy", H)
    np.save(tmp_path / "psi0.npy", PSI0)
    rows = np.column_stack([TS, exact])
    file = tmp_path / "p.csv"
    np.savetxt(file, rows, "%.17g", ",", header="t,p0,p1,p2", comments="")
    words = ["recover", "copying", "--data", str(file), "--starts", "2", "--quick"]
    words += ["--hamiltonian", str(tmp_path / "H.npy")]
    words += ["--state", str(tmp_path / "psi0.npy"), "--out", str(tmp_path / "out")]
    with Walk() as walk:
        code = main(words)
    assert code == 0
    return walk


@pytest.mark.parametrize(
    "way", [copying, husimi, sweep, pytest.param(record, marks=pytest.mark.slow)]
)
def test_no_walk_grows_by_a_tenth(way, tmp_path):
    # what is computed once, such as tables of ladder operators, is not of the walk
    folders = tmp_path / "first", tmp_path / "second"
    for folder in folders:
        folder.mkdir()
    way(folders[0])
    # what was traced before would be passed by
    jax.clear_caches()
    walk = way(folders[1])
    files, changes = WALKS[way.__name__]
    found = walk.size
    assert found[0] <= 1.1 * files, f"{found}: {sorted(set(walk.files))}"
    assert found[1] <= 1.1 * changes, f"{found}, most often {walk.busiest()}"
