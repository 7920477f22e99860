"""The promises that no single module can keep."""

import ast
import graphlib
import os
import re
import shutil
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


WITHOUT = """
import sys
from importlib import import_module
from pkgutil import walk_packages
rooms, libraries = (words.split(",") for words in sys.argv[1:])
sys.modules |= dict.fromkeys(libraries)  # as if they were not installed
for room in map(import_module, rooms):
    for module in walk_packages(room.__path__, room.__name__ + "."):
        import_module(module.name)
"""
CONTRACTS = [
    contract
    for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
    if contract["type"] == "forbidden"
]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c["name"])
def test_what_a_contract_lets_pass_is_imported_by_who_asks_for_it(contract):
    names = [",".join(contract[f"{k}_modules"]) for k in ("source", "forbidden")]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *names], capture_output=True, text=True,
        cwd=ROOT, env={**os.environ, "JAX_PLATFORMS": "cpu"},
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
    for extra in ("test", "bench", "docs"):
        wanted += project["optional-dependencies"][extra]
    names = {re.split(r"[\[<>=]", entry)[0].lower() for entry in wanted}
    assert names <= pinned, f"not in constraints.txt: {sorted(names - pinned)}"


def imported(module: str, path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules of jqd that one imports when it runs, inside functions, too."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found, nodes = set(), [ast.parse(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(part for part in (above, node.module) if part)
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else base for name in names}
    return (found & modules.keys()) - {module}


def first_cycle(root: Path) -> list[str]:
    """Modules that import each other, in turn, the `__init__` of folders among them."""
    files = sorted(root.rglob("*.py"))
    parts = [path.relative_to(root.parent).with_suffix("").parts for path in files]
    names = [".".join(p[:-1] if p[-1] == "__init__" else p) for p in parts]
    modules = dict(zip(names, files, strict=True))
    graph = {name: imported(name, path, modules) for name, path in modules.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_itself_by_way_of_others(tmp_path):
    """Also by way of a folder's `__init__`, which the contract on imports passes by."""
    assert first_cycle(ROOT / "jqd") == []
    # Negative control: a law that looks its forms up in the folder that holds it.
    folder = tmp_path / "jqd" / "laws"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("from .laws import Law\n")
    (folder / "__init__.py").write_text("from .law import Law\nFORMS = {}\n")
    law = "class Law:\n    def __init__(self):\n        from . import FORMS\n"
    (folder / "law.py").write_text(law)
    assert set(first_cycle(tmp_path / "jqd")) == {"jqd.laws", "jqd.laws.law"}
    (folder / "law.py").write_text(law.replace("from . import FORMS", "pass"))
    assert first_cycle(tmp_path / "jqd") == []


@pytest.mark.parametrize(
    "name", ["pyproject.toml", "constraints.txt", "Makefile", ".ci/run"]
)
def test_the_set_up_names_no_host(name):
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|index-url|find-links|trusted-host", text)
    assert not re.search(r"(?<![.\w])/(root|home|work|tmp|opt)/", text)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(("version", "known"), [("0.10.2", True), ("0.11.2", False)])
def test_the_quick_compiler_has_no_flag_that_jaxlib_does_not_know(
    tmp_path, version, known
):
    """Such a flag ends every test at once."""
    folder = tmp_path / f"jaxlib-{version}.dist-info"
    folder.mkdir()
    text = f"Metadata-Version: 2.1\nName: jaxlib\nVersion: {version}\n"
    (folder / "METADATA").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    environment.pop("MAKEFLAGS", None)  # of a `make test` that runs this
    words = ["make", "--dry-run", "test", "COMPILER=fast"]
    done = subprocess.run(
        [*words, f"BIN={Path(sys.executable).parent}"],
        capture_output=True, text=True, cwd=ROOT, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "--xla_backend_optimization_level=0" in done.stdout
    assert ("--xla_cpu_use_fusion_emitters=false" in done.stdout) == known
