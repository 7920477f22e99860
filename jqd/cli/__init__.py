"""The command `jqd`."""

import gc

# nothing that is imported is garbage; to look for some takes a fifth of the time
_collects = gc.isenabled()
gc.disable()

from ._app import app as app  # noqa: E402
from ._app import main as main  # noqa: E402

if _collects:
    gc.enable()
