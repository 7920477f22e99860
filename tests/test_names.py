"""`import jqd` is quick, and still shows all that it has."""

import re
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest

import jqd

ROOT = Path(__file__).parents[1]
# What `jqd` lists: a new public name belongs into a room, or is a decision made here.
ROOMS = """
constants ensembles exact inference instruments interop laws matter records spaces
states statistics steppers vetting
"""
FRONT = """
evolve Fixed Adaptive Propagator Trajectory ground_state Status
Law Motion free fixed parts
Schrodinger CopyDynamics HusimiFokkerPlanck ConservativeDiffusion Madelung
PhaseAlignment Lindblad Pauli
Grid Particles Symbol parse_hamiltonian pulse driven
Record Scan load simulate
Study recover fit posterior compare design fisher evidence bounds vet linearity
sweep open_sweep Points
Normal LogNormal HalfNormal Uniform
Gaussian Correlated Multinomial Binomial
total_variation fidelity expectation Moments Occupations
progress
"""
MOVED = vars(jqd)["_MOVED"]


def test_the_front_page_is_what_was_decided():
    assert sorted(jqd.__all__) == sorted((ROOMS + FRONT).split())


def test_names_that_moved_work_and_name_their_room():
    """They are not listed, and warn each time, where they are written."""
    assert len(MOVED) > 50
    assert not {*MOVED} & {*jqd.__all__, *dir(jqd)}
    for name, room in MOVED.items():
        says = rf"^jqd\.{name} is now jqd\.{room}\.{name};"
        for _ in range(2):
            with pytest.warns(DeprecationWarning, match=says) as caught:
                found = getattr(jqd, name)
            assert caught[0].filename == __file__
        assert found is getattr(import_module(f"jqd.{room}"), name)


def test_names_of_the_front_page_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in jqd.__all__:
            getattr(jqd, name)


def test_a_name_that_moved_is_where_its_warning_says():
    """In a Python of its own: here other tests have imported the rooms."""
    places = [f"jqd.{room}.{name}" for name, room in MOVED.items()]
    code = f"import jqd\nfor place in {places!r}:\n    eval(place)"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


def test_pages_use_no_name_that_moved():
    old = re.compile(rf"(?<![\w.])jqd\.({'|'.join(MOVED)})\b")
    by_import = re.compile(rf"from jqd import [^\n]*\b({'|'.join(MOVED)})\b")
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for folder in ("docs/_ext", "jqd", "experiments", "benchmarks"):
        pages += (ROOT / folder).rglob("*.py")
    found = [
        f"{page.relative_to(ROOT)}: {match[0]}"
        for page in pages
        if "_build" not in page.parts
        for rule in (old, by_import)
        for match in rule.finditer(page.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_names_are_listed_and_found():
    assert {"evolve", "recover", "CopyDynamics", "states", "__version__"} <= {*dir(jqd)}
    for name in jqd.__all__:
        assert getattr(jqd, name) is not None
    assert jqd.evolve is jqd.evolution.evolve
    assert jqd.CopyDynamics is jqd.laws.copying.CopyDynamics


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="module 'jqd' has no attribute 'evole'"):
        _ = jqd.evole
    with pytest.raises(ImportError, match="cannot import name 'evole' from 'jqd'"):
        from jqd import evole  # noqa: F401


def test_jax_waits_until_it_is_needed():
    code = (
        "import sys, jqd; assert 'jax' not in sys.modules; "
        "from jqd import evolve; assert 'jax' in sys.modules and jqd.evolve is evolve"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
