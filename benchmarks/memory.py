"""How much memory a call needs."""

import contextlib
import ctypes
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

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


def compiled_memory(program: Any) -> float | None:
    """MiB of temporaries and results of a `partial` of a jitted function."""
    if not isinstance(program, partial) or not hasattr(program.func, "lower"):
        return None
    compiled = program.func.lower(*program.args, **program.keywords).compile()
    analysis = compiled.memory_analysis()
    if analysis is None:
        return None
    size = analysis.temp_size_in_bytes + analysis.output_size_in_bytes
    return size / 2**20


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
