"""Files of the user: names of their modules, which laws count, what is refused."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.report import load_law
from jqd.report.user_code import ExperimentError, load_module, user_line
from jqd.report.user_laws import make_law

H = jnp.array([[0.3, 0.5], [0.5, -0.3]])

HEAD = """
import equinox as eqx
import jax
import jax.numpy as jnp
import jqd
from jqd.laws import GrossPitaevskii, SelfPotential, read_quantum
"""

# A law of one's own but for its fields and constructor.
BODY = """
    def prepare(self, psi):
        return jnp.asarray(psi, complex)

    def vector_field(self, t, psi, args=None):
        return -1j * (self.H @ psi + self.g * self.density(psi) * psi)

    def density(self, psi):
        return jnp.abs(psi) ** 2
"""
CUBIC = (
    "\n\nclass Cubic(jqd.Law):\n    H: jax.Array = jqd.fixed()\n"
    "    g: jax.Array = jqd.free(quantum=0.0)\n" + BODY
)
HALF = (
    "\n\nclass Half(SelfPotential):\n"
    "    g: jax.Array = jqd.free(quantum=0.0)\n\n"
    "    def __init__(self, H, g=0.2):\n"
    "        self.quantum = read_quantum(H)\n"
    "        (self.g,) = jqd.constants.scalars(g=g)\n\n"
    "    def self_potential(self, rho):\n        return self.g * rho\n"
)
OPEN = (
    "\n\nfrom jqd.laws.linear import LinearLaw\n\n\nclass Open(LinearLaw):\n    pass\n"
)
CLOSED = (
    "\n\nclass Closed(Open):\n    hamiltonian: object\n    hbar: jax.Array\n\n"
    "    def __init__(self, H):\n        quantum = jqd.Schrodinger(H)\n"
    "        self.hamiltonian, self.hbar = quantum.hamiltonian, quantum.hbar\n"
)
WHOLE = "\n\nclass Whole(Half):\n    def self_energy(self, rho):\n        return 0.0\n"


@pytest.fixture
def write(tmp_path):
    def file(text, name="law.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEAD + text)
        return path

    return file


# -- modules -----------------------------------------------------------------------


def test_files_of_one_name_do_not_collide(write):
    one, other = write("x = 1", "a/law.py"), write("x = 2", "b/law.py")
    first, second = load_module(one), load_module(other)
    assert (first.x, second.x) == (1, 2)
    assert first.__name__ != second.__name__
    assert sys.modules[first.__name__] is first


def test_a_file_has_one_name_by_whatever_path_and_in_every_process(write, monkeypatch):
    path = write("x = 1", "my-law.v2.py")
    name = load_module(path).__name__
    monkeypatch.chdir(path.parent)
    assert load_module(path.name).__name__ == name
    link = path.parent / "link"
    link.symlink_to(path.parent)
    assert load_module(link / path.name).__name__ == name
    code = f"from jqd.report.user_code import load_module as m; m({str(path)!r})"
    code = f"{code.replace('; m', '; print(m')}.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(jqd.__file__).parents[1])},
    )  # fmt: skip
    assert done.stdout.strip() == name
    # what pickles a class of it by name needs one without dots or dashes
    assert re.fullmatch(r"jqd_user_my_law_v2_[0-9a-f]{16}", name)


def test_a_file_is_loaded_as_it_stands(write):
    path = write("x = 1")
    assert load_module(path).x == 1
    assert load_module(write("x = 2")).x == 2


@pytest.mark.parametrize("text", ["x = 1 / 0", "raise KeyboardInterrupt", "def f(:"])
def test_half_of_a_module_is_none(write, text):
    name = load_module(write("x = 1")).__name__
    kept = sys.modules[name]
    with pytest.raises((ExperimentError, KeyboardInterrupt, ValueError)):
        load_module(write(text))
    assert sys.modules[name] is kept


def test_a_file_that_exits_has_failed(write):
    with pytest.raises(ExperimentError, match=r"law\.py:7: SystemExit: 0"):
        load_module(write("raise SystemExit(0)"))


def test_the_line_of_the_user_is_found_in_any_error(write):
    module = load_module(write("def f():\n    return 1 / 0"))
    with pytest.raises(ZeroDivisionError) as caught:
        module.f()
    assert user_line(caught.value).endswith("law.py:8")
    assert user_line(ValueError("elsewhere")) is None


# -- which laws count --------------------------------------------------------------


def test_the_one_law_needs_no_name(write):
    path = write(CUBIC)
    assert load_law(path).__name__ == "Cubic"
    assert load_law(path, "Cubic").__module__.startswith("jqd_user_law_")


def test_an_abstract_law_of_ones_own_may_stand_between(write):
    path = write(HALF + WHOLE)
    assert load_law(path).__name__ == "Whole"
    # what it has by custom is not overwritten with that of quantum mechanics
    law = make_law(path, None, H, {})
    assert float(law.g) == pytest.approx(0.2)


def test_a_law_built_on_one_whose_hamiltonian_is_open(write):
    path = write(OPEN + CLOSED)
    law = make_law(path, None, H, {})
    assert type(law).__name__ == "Closed"
    np.testing.assert_allclose(law.hamiltonian.matrix, H)


def test_a_law_that_a_function_makes(write):
    path = write("def make(H, g=0.1):\n    return GrossPitaevskii(H, g)\n")
    law = make_law(path, "make", H, {"g": 0.4})
    assert float(law.g) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", None, "must name a law of law.py, but that defines none"),
        ("", "GrossPitaevskii", "none ('GrossPitaevskii' is imported there)"),
        (CUBIC, "GrossPitaevskii", "law.py:Cubic, but 'GrossPitaevskii' is imported"),
        (CUBIC, "Law", "must be law.py:Cubic, but 'Law' is none of these"),
        (CUBIC + HALF + WHOLE, None, "law.py:Cubic or law.py:Whole, but no name was"),
        (HALF, None, "methods and fields, but law.py:Half leaves `self_energy` abs"),
        (OPEN, None, "methods and fields, but law.py:Open leaves `hamiltonian` abs"),
        (HALF, "Half", "law.py:Half leaves `self_energy` abstract"),
        (
            CUBIC + "\n\nclass More(Cubic):\n    pass\n",
            "More",
            "must be law.py:Cubic, but 'More' is built on Cubic, which leaves nothing",
        ),
        ("def make(H):\n    return 3\n", "make", "law.py:make makes a int"),
        ("class Law(jqd.Motion):\n    pass\n", "Law", "'Law' is none of these"),
    ],
)
def test_what_is_no_law_is_refused(write, text, name, said):
    path = write(text)
    with pytest.raises(ValueError, match="Argument `LAWS` must") as caught:
        make_law(path, name, H, {}, "LAWS")
    assert said in str(caught.value)


# -- what is made ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "kind", "cure"),
    [
        ("H: jax.Array\n    g: float = 0.3", "`g` of law.py:Own is a Python float", 1),
        ("H: jax.Array\n    g: int = 3", "`g` of law.py:Own is a Python int", 1),
        ("H: jax.Array\n    g: dict", "`g['a']` of law.py:Own is a Python float", 1),
        ("H: jax.Array\n    g: str = 'x'", "`g` of law.py:Own is a Python str", 0),
        ("H: jax.Array\n    g: bool = True", "`g` of law.py:Own is a Python bool", 0),
    ],
)
def test_python_numbers_are_no_constants(write, fields, kind, cure):
    init = ""
    if "dict" in fields:
        init = (
            "\n    def __init__(self, H):\n"
            "        self.H, self.g = H, {'a': 0.3}\n"
        )  # fmt: skip
    path = write(f"\n\nclass Own(jqd.Law):\n    {fields}\n{init}{BODY}")
    with pytest.raises(ValueError, match="whose constants are arrays") as caught:
        make_law(path, None, H, {})
    assert kind in str(caught.value)
    cures = ("equinox.field(static=True)", "jqd.constants.constant(value)")
    assert cures[cure] in str(caught.value)


def test_static_sizes_and_given_values_are_fine(write):
    fields = "H: jax.Array\n    g: jax.Array\n    n: int = eqx.field(static=True)\n"
    init = "\n    def __init__(self, H, g, n=3):\n        self.H, self.g, self.n = "
    init += "H, g, n\n"
    path = write(f"\n\nclass Own(jqd.Law):\n    {fields}{init}{BODY}")
    law = make_law(path, None, H, {"g": 0.3})
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(law))
    # it declares none: its arrays are constants, of which none is free by custom
    assert jqd.constants.names(law) == ("H", "g")
    assert jqd.constants.declared(law) == ()


def test_declared_constants_are_those_with_free(write):
    path = write(CUBIC.replace("    H: jax.Array = jqd.fixed()", "    H: jax.Array"))
    law = make_law(path, None, H, {})
    assert jqd.constants.names(law) == ("H", "g")
    assert jqd.constants.declared(law) == ("g",)
    # those of parts count, the Hamiltonian of Schrödinger's law does not
    assert jqd.constants.declared(jqd.laws.GrossPitaevskii(H)) == ("g",)
    assert jqd.constants.declared(jqd.Schrodinger(H)) == ()


@pytest.mark.parametrize(
    ("init", "values", "error", "said"),
    [
        ("self", {}, ValueError, "takes a Hamiltonian first"),
        ("self, H, s", {}, ValueError, "missing a required argument: 's'"),
        ("self, H, s=1.0", {"x": 1.0}, ValueError, "out of s, but 'x' was given"),
        ("self, H, s=-1.0", {}, ValueError, "law.py:12: ValueError: s is negative"),
        ("self, H, s=0.0", {}, ExperimentError, "law.py:14: RuntimeError: s is 0"),
    ],
)
def test_constructors(write, init, values, error, said):
    text = (
        "\n\nclass Own(jqd.Law):\n    H: jax.Array\n"
        f"    def __init__({init}):\n"
        "        if s < 0: raise ValueError('s is negative')\n"
        "        self.H = H\n"
        "        if s == 0: raise RuntimeError('s is 0')\n"
    )
    with pytest.raises(error) as caught:
        make_law(write(text + BODY), None, H, values)
    assert said in str(caught.value)


def test_a_loaded_law_runs(write):
    """Three levels, g = .3, t = 4, as SciPy's DOP853 has it at rtol 1e-12."""
    matrix = jnp.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]])
    law = make_law(write(CUBIC), "Cubic", matrix, {"g": 0.3})
    psi = jnp.sqrt(jnp.array([0.5, 0.3, 0.2])) + 0j
    run = jqd.evolve(law, law.prepare(psi), jnp.array([0.0, 4.0]), observe="density")
    # eight digits; a run of relative errors of 1e-8
    expected = [0.45907554, 0.33481954, 0.20610491]
    np.testing.assert_allclose(run.values[-1], expected, atol=2e-8)
