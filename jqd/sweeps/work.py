"""The loop of one worker: take, compute and commit chunks until none is left."""

import logging
import warnings
from collections.abc import Callable, Iterator

import numpy as np

from .._files import Interrupted
from .claims import Claims
from .progress import Progress, how_far
from .store import Store

# Number of a chunk, arrays by name with `status`, and messages of points that raised.
_log = logging.getLogger(__name__)
Chunk = tuple[int, dict[str, np.ndarray], dict[int, str]]


class DamagedChunk(UserWarning):
    """A committed chunk is damaged, and is computed again."""


def work(
    store: Store,
    compute: Callable[[Iterator[int]], Iterator[Chunk]],
    device: str,
    *,
    show: bool,
) -> None:
    """Compute the missing chunks, beside any number of other workers.

    Args:
        store: the store.
        compute: takes numbers of chunks, on demand, and returns the chunks in the same
            order.
        device: kind of device that computes.
        show: whether to show the progress of all workers.

    Raises:
        Interrupted: the user stopped it; what was committed stays.
    """
    with Claims(store) as claims, Progress(store, claims.done, show=show) as bar:
        try:
            while not (
                claims.finished or (claims.all_done() and _is_sound(store, claims))
            ):
                idle = True
                for chunk, results, failures in compute(claims.free()):
                    store.commit(chunk, results, failures, device)
                    claims.release(chunk)
                    _log.info("chunk %d is committed", chunk)
                    bar.look()
                    idle = False
                if idle:
                    claims.wait()
                    bar.look()
        except KeyboardInterrupt as error:
            raise Interrupted(
                f"{how_far(store)}; the same call goes on from there"
            ) from error


def _is_sound(store: Store, claims: Claims) -> bool:
    """Whether all is there and what was committed; what is not is computed again.

    One worker looks for all of them: the data of a sweep may be large. Until it has
    found all sound, the others wait, or take over where it is lost.
    """
    with claims.check() as mine:
        if not mine:
            return False
        # whoever withdrew them, or removed them, since this worker saw them committed
        gone = claims.done.difference(store.committed())
        damage = store.damage()
        store.withdraw(damage)
        claims.forget(gone | damage.keys())
        for chunk in gone:
            _log.warning("chunk %d is not committed any more", chunk)
        for chunk, reason in damage.items():
            text = f"Chunk {chunk} of {store.place} is damaged ({reason})"
            warnings.warn(f"{text}: computed again.", DamagedChunk, stacklevel=5)
        sound = not (gone or damage)
        if sound:
            claims.tidy()
    return sound
