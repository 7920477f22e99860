"""`import jqd` is quick, and still shows all that it has."""

import subprocess
import sys

import pytest

import jqd


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
