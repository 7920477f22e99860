"""How much memory a call needs."""

import contextlib
import ctypes
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jax

T = TypeVar("T")
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def meaning() -> str:
    """What `metered` gives on this machine, in words."""
    if jax.default_backend() != "cpu":
        return "temporaries and results of the compiled program, as XLA reports them"
    if _peak() is None:
        return "not measured: the system does not tell peaks of resident memory"
    return "peak of resident memory in a warm call, beyond that before it"


def metered(program: Any, call: Callable[[], T]) -> tuple[T, float | None]:
    """Run `call`, which runs `program`, and say how many MiB it needed.

    Args:
        program: a function without arguments; on a GPU only what is a `partial` of a
            jitted function can be asked for its memory.
        call: what is run.

    Returns:
        The result of the call, and MiB or None.
    """
    if jax.default_backend() != "cpu":
        return call(), compiled_memory(program)
    before = _peak()
    result = call()
    after = _peak(reset=False)
    if before is None or after is None:
        return result, None
    return result, max(after - before, 0.0)


def compiled(program: Any) -> Any | None:
    """What XLA made of a `partial` of a jitted function; None of anything else."""
    if not isinstance(program, partial) or not hasattr(program.func, "lower"):
        return None
    return program.func.lower(*program.args, **program.keywords).compile()


class Sizes(NamedTuple):
    """Bytes of a compiled program, as XLA states them; NaN where it does not."""

    temporaries: float
    results: float
    arguments: float


def sizes(program: Any) -> Sizes:
    """Those of what `compile` gives."""
    kinds = ("temp", "output", "argument")
    found = program.memory_analysis()
    return Sizes(*(getattr(found, f"{k}_size_in_bytes", math.nan) for k in kinds))


def compiled_memory(program: Any) -> float | None:
    """MiB of temporaries and results of a `partial` of a jitted function."""
    found = compiled(program)
    if found is None:
        return None
    temporaries, results, _ = sizes(found)
    size = (temporaries + results) / 2**20
    return None if math.isnan(size) else size


def _peak(reset: bool = True) -> float | None:
    """Peak of resident memory since the last reset, MiB; Linux only."""
    try:
        if reset:
            # memory that was freed but kept for reuse would hide what a call takes
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).malloc_trim(0)
            _RESET.write_text("5")
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None
