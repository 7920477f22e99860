"""Execute the tutorials before a build, one a processor; the build finds them done.

    python docs/_ext/notebooks.py

A notebook is executed where its code changed. The cache does not see that jqd did:
where that, or this file, is not what it was all are executed anew.
"""

import hashlib
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

# XLA ends at once where it does not know a flag: from jaxlib 0.11 on this one is gone.
EMITTERS = "--xla_cpu_use_fusion_emitters=false "
KNOWN = EMITTERS * version("jaxlib").startswith("0.10.")
# Before jax is imported by anything: what kernels inherit. One thread each, programs
# of all notebooks in one cache, and no more optimisation than tests have.
BUILD = Path(__file__).parents[1] / "_build"
os.environ |= {
    "JAX_COMPILATION_CACHE_DIR": str(BUILD / "compiled"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": KNOWN
    + "--xla_backend_optimization_level=0 --xla_cpu_multi_thread_eigen=false",
}

from jupyter_cache import get_cache  # noqa: E402
from jupyter_cache.executors import load_executor  # noqa: E402

from jqd._revision import sources  # noqa: E402

TUTORIALS = Path(__file__).parents[1] / "tutorials"
TIMEOUT = 600  # seconds a cell, on a machine that does other things


def state() -> str:
    """What notebooks depend on beside their own text."""
    return f"{sources()} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"


def main() -> int:
    cache = get_cache(BUILD / "notebooks")
    mark = BUILD / "notebooks" / "state.txt"
    if not mark.exists() or mark.read_text() != state():
        cache.clear_cache()
        cache = get_cache(BUILD / "notebooks")
    names = [path for path in sorted(TUTORIALS.glob("*.md")) if path.stem != "index"]
    for path in names:
        reader = {"name": "myst_nb_md", "type": "plugin"}
        cache.add_nb_to_project(str(path), read_data=reader)
    start = time.monotonic()
    executor = load_executor("local-parallel", cache)
    done = executor.run_and_cache(timeout=TIMEOUT)
    for uri in (*done.excepted, *done.errored):
        print(f"{uri} failed:\n{cache.get_project_record(uri).traceback}")
    if done.excepted or done.errored:
        return 1
    mark.write_text(state())
    seconds = time.monotonic() - start
    print(f"{len(done.succeeded)} of {len(names)} tutorials executed, {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
