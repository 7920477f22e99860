"""Processes that share a sweep, by `jax.distributed`."""

import atexit
import contextlib
import re

import jax
import numpy as np

# Whether all processes have come to the end of a sweep, and none has begun another.
_together = False


class Lost(RuntimeError):
    """Another process of the run is gone."""


def connect(hosts: str) -> None:
    """Join the other processes of a run, before anything is computed.

    Args:
        hosts: "auto" where SLURM, MPI or Kubernetes say who is who, else
            "ADDRESS:PORT,PROCESSES,INDEX" with the address of process 0.

    Raises:
        ValueError: neither of these, or nobody is found there.
    """
    rule = (
        "Argument `--hosts` must be 'auto' (under SLURM, MPI or Kubernetes) or "
        "ADDRESS:PORT,PROCESSES,INDEX"
    )
    match = re.fullmatch(r"([^,\s]+:\d+),(\d+),(\d+)", hosts)
    if hosts != "auto" and match is None:
        raise ValueError(f"{rule}, but is {hosts!r}.")
    if match and int(match[3]) >= int(match[2]):
        raise ValueError(f"{rule} with INDEX < PROCESSES, but is {hosts!r}.")
    # the others go on where one is lost
    jax.config.update("jax_enable_recoverability", True)
    try:
        if match is None:
            jax.distributed.initialize()
        else:
            jax.distributed.initialize(match[1], int(match[2]), int(match[3]))
    except (RuntimeError, ValueError) as error:
        line = str(error).splitlines()[0]
        raise ValueError(f"{rule}, but {hosts!r} leads nowhere: {line}") from error
    atexit.register(_leave)


def _leave() -> None:
    """Let process 0 be the last to go: JAX aborts those whose process 0 is gone.

    Only after a sweep that all have ended: a process that failed on the way must not
    wait for others that wait for it.
    """
    if not _together or jax.process_count() == 1:
        return
    # one that is lost by now is not waited for
    with contextlib.suppress(RuntimeError, ValueError):
        if is_first():
            from jax.experimental import multihost_utils

            # until each of the others has shut down, or is gone
            with multihost_utils.live_devices(jax.devices()):
                pass
        jax.distributed.shutdown()


def agreed(committed: list[int], chunks: int) -> list[int]:
    """What process 0 found committed, so that all divide the same work.

    Args:
        committed: numbers of chunks that this process found.
        chunks: number of chunks.

    Returns:
        The numbers that process 0 found.
    """
    if jax.process_count() == 1:
        return committed
    from jax.experimental import multihost_utils

    done = np.zeros(chunks, np.uint8)
    done[committed] = 1
    return np.flatnonzero(multihost_utils.broadcast_one_to_all(done)).tolist()


def wait_for_all(what: str) -> None:
    """Wait until every process is here; "end" where a sweep is over."""
    global _together
    _together = False
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        try:
            multihost_utils.sync_global_devices(f"jqd.sweep {what}")
        except (RuntimeError, ValueError) as error:
            raise Lost(str(error).splitlines()[0]) from error
    _together = what == "end"


def is_first() -> bool:
    """Whether this is process 0, or the only one."""
    return jax.process_index() == 0
