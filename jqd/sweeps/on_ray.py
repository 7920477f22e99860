"""Ray as an engine: one long-lived actor a GPU, which takes chunks like any worker."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import _checks
from .engines import LOOK, call_quietly


@dataclass(frozen=True)
class Ray:
    """Workers on a Ray cluster, or on this machine.

    Ray places the workers, gives each its GPUs and restarts it where it, or its
    machine, is lost. Ray carries no data and makes no decisions: the store records
    which chunks are done. All machines must reach the store and the function's file.

    Attributes:
        address: address of the cluster, as `ray.init` takes it; None for that of the
            environment, or for this machine.
        workers: number of workers; None for one per GPU, or per machine without GPUs.
        gpus: GPUs of each worker; None for one where the cluster has any, else none.
        restarts: how often a worker may be restarted.
    """

    address: str | None = None
    workers: int | None = None
    gpus: float | None = None
    restarts: int = 20

    def __post_init__(self) -> None:
        if self.workers is not None:
            _checks.whole_number(self.workers, "workers", 1)

    def run(
        self, target: str, arguments: tuple[Any, ...], look: Callable[[], bool]
    ) -> list[tuple[int, str]]:
        """See `Engine`."""
        try:
            import ray  # pyright: ignore[reportMissingImports]
            from ray.exceptions import RayActorError  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise ValueError(
                "Argument `engine` must not be Ray where Ray is missing, but is: pip "
                "install 'jqd[engine]'."
            ) from None
        mine, ended, actors = not ray.is_initialized(), [], []
        try:
            try:
                ray.init(
                    self.address, ignore_reinit_error=True, log_to_driver=False,
                    logging_level=logging.ERROR,
                )  # fmt: skip
                actors = self._actors(ray)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise ValueError(
                    "Argument `engine` must lead to a cluster of Ray, but "
                    f"{str(error).strip().splitlines()[0]} (RAY_AUTH_MODE and "
                    "RAY_AUTH_TOKEN must be alike here and on all its nodes)."
                ) from None
            begun = {actor: actor.begin.remote() for actor in actors}
            work = {a.work.remote(target, arguments): begun[a] for a in actors}
            waiting = list(work)
            while waiting:
                ready, waiting = ray.wait(waiting, timeout=LOOK)
                for each in ready:
                    try:
                        ended.append(ray.get(each))
                    except RayActorError:
                        ended.append((1, ""))  # lost too often
                here = [work[each] for each in waiting]
                # do not wait for a worker for which there is no room yet
                if look() and not (here and ray.wait(here, timeout=0)[0]):
                    break
            return ended
        finally:
            for actor in actors:
                ray.kill(actor)
            if mine:
                ray.shutdown()

    def _actors(self, ray: Any) -> list[Any]:
        have = ray.cluster_resources()
        gpus = min(have.get("GPU", 0), 1) if self.gpus is None else self.gpus
        nodes = sum(node["Alive"] for node in ray.nodes())
        many = int(have.get("GPU", 0) / gpus) if gpus else nodes
        workers = self.workers or max(many, 1)
        cpus = 1 if gpus else have.get("CPU", 1) / workers
        # JAX is imported after Ray has set the GPUs that a worker sees
        kind = ray.remote(
            num_gpus=gpus, num_cpus=cpus, max_restarts=self.restarts,
            max_task_retries=self.restarts,
            runtime_env={"env_vars": {"NPROC": str(max(int(cpus), 1))}},
        )(Worker)  # fmt: skip
        return [kind.remote() for _ in range(workers)]


class Worker:
    """A Ray process that works on a sweep."""

    def begin(self) -> None:
        """Do nothing: a call that returns shows that the worker is running."""

    def work(self, target: str, arguments: tuple[Any, ...]) -> tuple[int, str]:
        """Take chunks until none is left."""
        return call_quietly(target, arguments)
