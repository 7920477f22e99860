"""Programs that are kept give the same bits, and are made anew where in doubt."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.recover.kept import (
    Kept,
    fetch_programs,
    keep_programs,
    side_by_side,
    stop_keeping,
)

ROOT = Path(__file__).resolve().parent.parent.parent
A = jnp.arange(9.0).reshape(3, 3) / 7 + jnp.eye(3)


class Pair(eqx.Module):
    """Results with a static field, as trajectories have them."""

    factor: jax.Array
    trace: jax.Array
    name: str = eqx.field(static=True)


class Setting(eqx.Module):
    """A static value that a program is made for."""

    value: Any = eqx.field(static=True)


class Traced:
    """A function that calls LAPACK, as new as after a start, and how often it was
    traced."""

    def __init__(self):
        self.count = 0

        def factorise(setting, matrix):
            self.count += 1
            scale = setting if not isinstance(setting, Setting) else 2.0
            return Pair(jnp.linalg.qr(scale * matrix)[1], jnp.trace(matrix), "pair")

        self.call = Kept(factorise)


@pytest.fixture
def folder(tmp_path):
    keep_programs(tmp_path, "a processor")
    yield tmp_path
    stop_keeping()


def files(folder):
    return sorted(folder.glob("program-factorise-*-cache"))


def same(one, other):
    assert one.name == other.name
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_what_is_there_is_not_traced(folder):
    setting = Setting(("known", 1))
    first, second, plain = Traced(), Traced(), Traced()
    made = first.call(setting, A)
    assert (first.count, len(files(folder))) == (1, 0)  # a class of this file: unknown
    made = first.call(2.0, A)
    assert len(files(folder)) == 1
    same(second.call(2.0, A), made)
    assert second.count == 0
    # other values of what is traced are the same program; other shapes are not
    same(second.call(2.0, 2 * A), first.call(2.0, 2 * A))
    assert second.count == 0
    second.call(2.0, A[:2, :2])
    assert (second.count, len(files(folder))) == (1, 2)
    stop_keeping()
    same(plain.call(2.0, A), made)
    assert plain.count == 1


def test_another_processor_has_its_own(folder):
    Traced().call(2.0, A)
    keep_programs(folder, "another processor")
    other = Traced()
    other.call(2.0, A)
    assert (other.count, len(files(folder))) == (1, 2)


def test_a_static_value_is_part_of_the_program(folder):
    calls = []

    def power(names, x):
        calls.append(names)
        return x ** len(names)

    for n in (2, 3, 2):
        names = {str(i): None for i in range(n)}  # keys of a dict are structure
        np.testing.assert_array_equal(Kept(power)(names, A), np.asarray(A**n))
    assert len(calls) == 2


def test_a_damaged_file_is_replaced(folder):
    made = Traced().call(2.0, A)
    (path,) = files(folder)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole[:-1] + b"?"):
        path.write_bytes(damaged)
        again = Traced()
        same(again.call(2.0, A), made)
        assert again.count == 1
        assert path.stat().st_size > len(whole) // 2
        last = Traced()
        same(last.call(2.0, A), made)
        assert last.count == 0


def test_calls_into_python_are_not_kept(folder):
    seen = []

    def told(x):
        jax.debug.callback(lambda value: seen.append(float(value)), x[0])
        return 2 * x

    for _ in range(2):
        Kept(told)(jnp.arange(3.0))
    jax.effects_barrier()
    assert seen == [0.0, 0.0]
    assert not list(folder.iterdir())


def test_under_a_trace_it_is_the_function(folder):
    square = Kept(lambda x: x**2)
    np.testing.assert_array_equal(jax.vmap(square)(jnp.arange(3.0)), [0.0, 1.0, 4.0])
    assert jax.jit(jax.grad(square))(3.0) == 6.0
    assert not list(folder.iterdir())


def test_programs_of_the_last_time_come_beforehand(folder):
    made = Traced().call(2.0, A)
    stop_keeping("a-task")
    (name,) = (folder / "programs-a-task").read_text().split()
    keep_programs(folder, "a processor")
    fetch_programs("a-task")
    fetch_programs("a-task-nobody-knows")
    again = Traced()
    same(again.call(2.0, A), made)
    assert again.count == 0
    assert [path.name for path in files(folder)] == [name]


@pytest.mark.parametrize("processors", [1, 2, 3, 64])
def test_a_batch_in_parts_is_the_batch(folder, monkeypatch, processors):
    del folder
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    x = np.random.default_rng(0).normal(size=(48, 3))
    sizes = []

    def norm(scale, part):
        sizes.append(len(part["x"]))
        return {"norm": np.sqrt(np.sum(scale * part["x"] ** 2, axis=1))}

    found = side_by_side(partial(norm, 2.0), {"x": x})
    # parts of one size, of 8 members at least
    parts = {1: 1, 2: 2, 3: 3, 64: 6}[processors]
    assert sizes == [48 // parts] * parts
    np.testing.assert_array_equal(found["norm"], norm(2.0, {"x": x})["norm"])


@pytest.mark.slow
def test_the_second_start_of_a_fit_makes_nothing(tmp_path):
    """In processes of their own: the same result, and no program more."""
    code = "import sys; from jqd.cli import main; sys.exit(main())"
    words = ["recover", "copying", "--quick", "--json", "--out", str(tmp_path / "out")]
    outcomes, programs = [], []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True,
            check=False, env=os.environ
            | {"PYTHONPATH": str(ROOT), "JQD_CACHE": str(tmp_path / "cache")},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        result.pop("seconds")
        outcomes.append(result)
        programs.append(
            {p.name: p.stat().st_mtime_ns for p in tmp_path.glob("cache/program-*")}
        )
    assert outcomes[0] == outcomes[1]
    assert programs[0] == programs[1]
    assert len(programs[0]) > 10
