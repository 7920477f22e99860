"""Two GPUs, described so that XLA compiles for them where there is none."""

from typing import Any, NamedTuple

import numpy as np
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from .xla_text import Rates

SMALLER = ", 24 GB"
TARGET = """gpu_device_info {{
  threads_per_block_limit: 1024 threads_per_warp: 32 fpus_per_core: 128
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  thread_dim_limit_x: 1024 thread_dim_limit_y: 1024 thread_dim_limit_z: 64
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
  shared_memory_per_block: 49152 shared_memory_per_core: {shared}
  shared_memory_per_block_optin: {most_shared} threads_per_core_limit: {threads}
  core_count: {cores} clock_rate_ghz: {clock} l2_cache_size: {cache}
  memory_bandwidth: {bandwidth} device_memory_size: {memory}
  cuda_compute_capability {{ major: {major} minor: {minor} }}
  device_vendor: "NVIDIA Corporation" name: "{name}" driver_version: "13.0.0"
  runtime_version: "12.8.0" compile_time_toolkit_version: "12.8.0"
  dnn_version: "9.10.0"
}}
platform_name: "CUDA" dnn_version_info {{ major: 9 minor: 10 }}
runtime_version {{ major: 12 minor: 8 }} device_description_str: "{name}"
"""


class Card(NamedTuple):
    """A GPU as its maker and XLA describe it.

    Attributes:
        clock: GHz.
        bandwidth: bytes a second.
        memory, cache, shared, most_shared: bytes.
        double: operations of float64 over those of float32.
    """

    name: str
    cores: int
    clock: float
    bandwidth: int
    memory: int
    cache: int
    shared: int
    most_shared: int
    threads: int
    major: int
    minor: int
    double: float

    @property
    def rates(self) -> Rates:
        """128 units a core, each with a product and a sum in a cycle."""
        single = 2 * 128 * self.cores * self.clock * 1e9
        return Rates(self.bandwidth, single, single * self.double)

    def place(self) -> NamedSharding:
        """Where programs for this card are placed: a device that cannot run them."""
        try:
            found = topologies.get_topology_desc(
                platform="cuda", topology="1x1x1",
                target_config=TARGET.format(**self._asdict()),
            )  # fmt: skip
        except Exception as error:
            raise RuntimeError(
                "No program is compiled for a GPU without JAX's CUDA plugin, which "
                "`make gpu-programs` installs."
            ) from error
        return on(found.devices[0])


# figures of the maker, by the ends of the columns
CARDS = {
    "": Card(
        "NVIDIA H100 80GB HBM3", 132, 1.98, 3352320000000, 84942979072, 52428800,
        233472, 232448, 2048, 9, 0, 1 / 2,
    ),
    SMALLER: Card(
        "NVIDIA GeForce RTX 4090", 128, 2.52, 1008096000000, 25757220864, 75497472,
        102400, 101376, 1536, 8, 9, 1 / 64,
    ),
}  # fmt: skip


def on(device: Any) -> NamedSharding:
    """Whole arrays on this device."""
    return NamedSharding(Mesh(np.array([device]), ("x",)), PartitionSpec())
