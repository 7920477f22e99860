"""`jqd info`."""

from typing import Any

import jax

from .._files import provenance
from ..report.tables import summary_table
from .cache import cache_folder, cache_size, who_else_writes
from .options import AsJson
from .session import conclude


def info(as_json: AsJson = False) -> int:
    """Print versions, devices, precision and the folder of compiled code."""
    facts: dict[str, Any] = provenance()
    del facts["command"]  # this one
    facts["devices"] = [str(device) for device in jax.devices()]
    folder = cache_folder()
    facts["cache"] = None if folder is None else str(folder)
    if folder is not None:
        facts["cache_entries"], facts["cache_bytes"] = cache_size(folder)
        facts["cache_refused"] = who_else_writes(folder)
    table = summary_table(facts, "jqd on this machine")
    return conclude(facts, [table], as_json=as_json)
