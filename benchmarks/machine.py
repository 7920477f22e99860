"""What a result file says about the machine and the programs."""

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

import jax

from jqd._revision import revision

from . import memory

PROGRAMS = (
    "jqd", "jax", "jaxlib", "numpy", "scipy", "qutip", "dynamiqs", "diffrax", "torch",
    "pyfftw", "jax-cuda12-plugin",
)  # fmt: skip


def describe() -> dict[str, Any]:
    """Date, device, cores, load, precision and versions."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": device(),
        "platform": jax.default_backend(),
        "cores": cores(),
        "load": load(),
        "python": platform.python_version(),
        "precision": "float64 and complex128, where a row does not say otherwise",
        "memory": memory.meaning(),
        "versions": {name: version(name) for name in PROGRAMS},
        "jqd_revision": revision(),
        "benchmarks": {},
    }  # fmt: skip


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory() -> float:
    """Bytes that a program may take: of the device, or of this machine."""
    stats = jax.devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * float(line.split()[1])
    except OSError:
        pass
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def device() -> str:
    """Kind of the GPU or TPU, or the model of the processor."""
    if jax.default_backend() != "cpu":
        return jax.devices()[0].device_kind
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def load() -> float | None:
    """Load average of the last minute, where the system tells it."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def version(name: str) -> str:
    """Version of a program."""
    if name == "jqd":
        import jqd

        return jqd.__version__
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
