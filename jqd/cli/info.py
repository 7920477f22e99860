"""`jqd info`."""

from typing import Any

import jax
from rich.console import Console

from ..report.store import provenance, to_json
from ..report.tables import summary_table
from .options import AsJson


def info(
    as_json: AsJson = False,
) -> int:
    """Print versions, devices and precision."""
    facts: dict[str, Any] = provenance()
    facts["devices"] = [str(device) for device in jax.devices()]
    if as_json:
        print(to_json(facts))
    else:
        Console().print(summary_table(facts, "jqd on this machine"))
    return 0
