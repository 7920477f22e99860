"""Every law is lowered for GPUs and TPUs, on a machine that has none.

StableHLO is made for these platforms by the JAX at hand; nothing is compiled for them.
"""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from benchmarks.set_ups import (
    CASES,
    ENSEMBLES,
    UNDIFFERENTIATED,
    gradient,
    program,
    traced_for_a_gpu,
)

ROOT = Path(__file__).resolve().parent.parent
PRECISIONS = {"float64": False, "float32": True}
# in seconds: of adaptive steps and of neighbours, where gradients take five
LONG = {"CopyDynamics, adaptive", "AtomMotion, list of neighbours"}
GRADIENTS = [
    pytest.param(name, kind, marks=[pytest.mark.slow] if name in LONG else [])
    for name in CASES
    if name not in UNDIFFERENTIATED
    for kind in PRECISIONS
]


@pytest.fixture(autouse=True, scope="module")
def forms_of_a_gpu():
    with traced_for_a_gpu():
        yield


def lowered(traced, single=False):
    """The text of a program for GPUs, and in single precision for TPUs."""
    platforms = ("cuda", "rocm", "tpu") if single else ("cuda", "rocm")
    return traced.lower(lowering_platforms=platforms).as_text()


# Single precision has one platform more, and is what a constant of 64 bits would widen.
@pytest.mark.parametrize(
    "kind", [pytest.param("float64", marks=pytest.mark.slow), "float32"]
)
@pytest.mark.parametrize("name", CASES)
def test_runs_are_lowered_and_keep_their_precision(name, kind):
    """Results of a state in single precision are single, as are its steps' carries."""
    single = PRECISIONS[kind]
    one = program(name, single=single)
    traced = jax.jit(one.run).trace(one.law, one.state)
    kinds = {str(leaf.dtype) for leaf in jax.tree.leaves(traced.out_info)}
    wide = {"float64", "complex128"}
    assert kinds & ({"float32", "complex64"} if single else wide)
    assert not (single and kinds & wide)
    assert "stablehlo" in lowered(traced, single)


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "kind"), GRADIENTS)
def test_gradients_are_lowered(name, kind):
    """By all constants and the state."""
    single = PRECISIONS[kind]
    one = program(name, differentiated=True, single=single)
    slope, moving, still = gradient(one.run, one.law, one.state)
    traced = jax.jit(lambda moving: slope(moving, still)).trace(moving)
    assert "stablehlo" in lowered(traced, single)


@pytest.mark.parametrize("kind", PRECISIONS)
@pytest.mark.parametrize("name", ENSEMBLES)
def test_ensembles_are_lowered(name, kind):
    single = PRECISIONS[kind]
    sample, given = ENSEMBLES[name](jnp.float32 if single else jnp.float64)
    assert "stablehlo" in lowered(jax.jit(sample).trace(given), single)


def test_what_no_gpu_has_is_seen():
    """LAPACK's Hessenberg form has a rule for processors alone."""
    traced = jax.jit(jax.lax.linalg.hessenberg).trace(jnp.eye(3))
    with pytest.raises(NotImplementedError, match="hessenberg"):
        lowered(traced)


def test_calls_of_python_are_seen_while_a_program_is_traced():
    with traced_for_a_gpu() as asked:
        assert jax.default_backend() == "gpu"
        shape = jax.ShapeDtypeStruct((), jnp.float64)
        ask = jax.jit(lambda x: jax.pure_callback(abs, shape, x) + x)
        assert ask(2.0) == 2.0  # zero in place of the answer
        assert asked == [abs]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lowers_by_the_oldest_jax_that_is_allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = (re.fullmatch(r"jax>=([\d.]+)", one) for one in project["dependencies"])
    (oldest,) = (match[1] for match in found if match)
    environment = {**os.environ}
    environment.pop("MAKEFLAGS", None)  # of a `make test` that runs this
    environment.pop("JAX", None)
    done = subprocess.run(
        ["make", "--dry-run", "lowering"],
        capture_output=True, text=True, cwd=ROOT, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f".venv-jax-{oldest}/bin/python -m pytest" in done.stdout
