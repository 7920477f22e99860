"""`jqd info`."""

from typing import Any

import jax
from rich.console import Console

from .._files import provenance, to_json
from ..report.tables import summary_table
from .cache import cache_folder, cache_size, who_else_writes
from .options import AsJson


def info(
    as_json: AsJson = False,
) -> int:
    """Print versions, devices, precision and where compiled code is kept."""
    facts: dict[str, Any] = provenance()
    facts["devices"] = [str(device) for device in jax.devices()]
    folder = cache_folder()
    facts["cache"] = None if folder is None else str(folder)
    if folder is not None:
        facts["cache_entries"], facts["cache_bytes"] = cache_size(folder)
        facts["cache_refused"] = who_else_writes(folder)
    if as_json:
        print(to_json(facts))
    else:
        Console().print(summary_table(facts, "jqd on this machine"))
    return 0
