"""The promises that no single module can keep."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import jqd

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

IMPORT_CHECK = """
import sys
import jax
before = dict(jax.config.values)
import jqd
assert all(hasattr(jqd, name) for name in jqd.__all__)  # nothing waits any more
changed = {k: v for k, v in jax.config.values.items() if before.get(k, v) != v}
assert "jax_enable_x64" in before and not changed, changed
reporting = {"matplotlib", "xarray", "zarr", "typer", "rich", "pandas", "PIL"}
# these take as long to import as all of jqd, and are asked for by few functions
solvers = {"diffrax", "optimistix", "lineax", "optax", "scipy", "qutip", "dynamiqs"}
heavy = (reporting | solvers) & set(sys.modules)
assert not heavy, heavy
# only possible before a device is in use; so is joining other hosts
jax.config.update("jax_num_cpu_devices", 3)
assert jax.device_count("cpu") == 3
"""


def test_import_leaves_jax_alone_and_loads_no_slow_library():
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    environment.pop("XLA_FLAGS", None)  # the number of devices may be set there too
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_CHECK], capture_output=True, text=True, cwd=ROOT,
        env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_version_is_written_once():
    assert "version" in PYPROJECT["project"]["dynamic"]
    assert PYPROJECT["tool"]["hatch"]["version"]["path"] == "jqd/_version.py"
    written = (ROOT / "jqd" / "_version.py").read_text()
    assert written == f'__version__ = "{jqd.__version__}"\n'
    # The folder can also be used uninstalled (PYTHONPATH=.): then nothing to compare.
    if any(d.metadata["Name"] == "jqd" for d in metadata.distributions()):
        assert metadata.version("jqd") == jqd.__version__


def test_every_dependency_is_pinned():
    pinned = {
        re.split("==", line)[0].lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    project = PYPROJECT["project"]
    wanted = [*project["dependencies"]]
    for extra in ("test", "bench"):
        wanted += project["optional-dependencies"][extra]
    names = {re.split(r"[\[<>=]", entry)[0].lower() for entry in wanted}
    assert names <= pinned, f"not in constraints.txt: {sorted(names - pinned)}"


@pytest.mark.parametrize(
    "name", ["pyproject.toml", "constraints.txt", "Makefile", ".ci/run"]
)
def test_the_set_up_names_no_host(name):
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|index-url|find-links|trusted-host", text)
    assert not re.search(r"(?<![.\w])/(root|home|work|tmp|opt)/", text)
