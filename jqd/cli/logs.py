"""What a command tells of its way: `--verbose` on the screen, `--log` in a file."""

import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from .._redaction import without_secrets
from .._version import __version__

# Workers of one sweep may share a file: each line says whose it is.
FORM = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_log = logging.getLogger(__name__)
_JQD = logging.getLogger("jqd")


class _Redacted(logging.Formatter):
    """Lines without the secrets of addresses: logs are kept, and shown to others."""

    def format(self, record: logging.LogRecord) -> str:
        """A line, with a traceback if there is one."""
        return without_secrets(super().format(record))


def begin_log(words: Sequence[str], *, verbose: bool, file: Path | None) -> None:
    """Let jqd's loggers speak until `end_log`.

    Args:
        verbose: whether to write to standard error.
        file: to which lines are added, or None.

    Raises:
        OutputError: the file cannot be written.
    """
    end_log()
    handlers: list[logging.Handler] = []
    if file is not None:
        try:
            handlers.append(logging.FileHandler(file, encoding="utf-8"))
        except OSError as error:
            from .._files import OutputError  # which imports JAX

            raise OutputError(
                f"Argument `--log` must be a file that can be written, but {file} "
                f"cannot: {error.strerror}."
            ) from error
    if verbose:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(_Redacted(FORM))
        _JQD.addHandler(handler)
    if handlers:
        _JQD.setLevel(logging.INFO)
        _log.info("jqd %s: jqd %s", __version__, shlex.join(words))


def end_log(code: int | None = None) -> None:
    """Say how the command ended, and close what `begin_log` opened."""
    if code is not None:
        _log.info("exit code %d", code)
    for handler in list(_JQD.handlers):
        if not isinstance(handler, logging.NullHandler):
            _JQD.removeHandler(handler)
            handler.close()
    _JQD.setLevel(logging.NOTSET)
