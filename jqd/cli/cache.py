"""Compiled code that the command keeps between starts, in the user's cache folder.

JAX writes and reads the entries; its keys hold the program, the versions, the options
and the kind of device. Any number of processes may share the folder: an entry that one
of them finds half-written costs it a compilation, as a missing one would. What lies
there is run, so a folder into which anybody else could put something is not used.
"""

import contextlib
import os
import re
import stat
import sys
import warnings
from pathlib import Path
from typing import Any

import jax

from .._files import processor

OFF = ("0", "f", "false", "n", "no", "none", "off")
# Beyond this, the entries that were not used for longest go.
MOST_BYTES = 2**29
_UNREADABLE = r"Error reading persistent compilation cache entry for '(.+?)'"
_UNWRITTEN = r"Error writing persistent compilation cache entry"


def cache_folder() -> Path | None:
    """Where compiled code is kept, or None if it is not.

    `JQD_CACHE` names a folder, or `off`. By default it lies in `XDG_CACHE_HOME` or
    `~/.cache`, one for each kind of processor, since machines may share a home. A
    folder in `JAX_COMPILATION_CACHE_DIR` is the user's own and JAX's to keep.
    """
    wish = os.environ.get("JQD_CACHE", "")
    if wish.lower() in OFF:
        return None
    if own := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return Path(own)
    if wish:
        return Path(wish)
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # the user has no home
        return None
    return Path(home) / "jqd" / f"compiled-{processor()}"


def use_cache() -> None:
    """Keep what this process compiles; without a word where that cannot be.

    A folder that others could write is left alone, and standard error says so.
    """
    folder = cache_folder()
    risk = None if folder is None else who_else_writes(folder)
    if risk is not None:
        print(f"Warning: compiled code is not kept, since {risk}.", file=sys.stderr)
    if folder is None or risk is not None:
        jax.config.update("jax_enable_compilation_cache", False)
        return
    # The hundred smallest programs of a start take as long as the largest one.
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        if not _is_usable(folder):
            return
        _forget_oldest(folder)
        jax.config.update("jax_compilation_cache_dir", str(folder))
    _mend_quietly(folder)


def who_else_writes(folder: Path) -> str | None:
    """Why somebody else could have written what lies in a folder, or None.

    The folder and its entries must be the user's own, and neither they nor a folder
    above them may be another's to change; above, a folder may be everybody's if it has
    the sticky bit, as /tmp has. So must every link on the way, and where it leads to;
    an entry is no link.

    Args:
        folder: need not exist; then what is above it counts.
    """
    if not hasattr(os, "getuid"):  # no owners and modes to look at
        return None
    user = os.getuid()
    with contextlib.suppress(OSError):  # what cannot be looked at cannot be read
        for place in _on_the_way(folder.absolute()):
            state = place.lstat()
            owners = (user,) if place == folder.resolve() else (user, 0)
            if state.st_uid not in owners:
                return f"{place} belongs to another user"
            shared = len(owners) > 1 and state.st_mode & stat.S_ISVTX
            if _others_write(state) and not shared:
                return f"group or others may write {place}"
        # whom the folder lets in: others cannot reach its entries, whatever their mode
        reach = folder.stat().st_mode if folder.exists() else 0
        for path in folder.glob("*-cache"):
            state = path.lstat()
            if stat.S_ISLNK(state.st_mode):
                return f"{path} is a link"
            if state.st_uid != user:
                return f"{path} belongs to another user"
            # the bit of writing is that of searching, times two
            if _others_write(state, (reach & (stat.S_IXGRP | stat.S_IXOTH)) << 1):
                return f"group or others may write {path}"
    return None


def _others_write(
    state: os.stat_result, bits: int = stat.S_IWGRP | stat.S_IWOTH
) -> bool:
    """Whether the mode of a file or folder lets others write; a link has no mode."""
    others = state.st_mode & bits
    return bool(others) and not stat.S_ISLNK(state.st_mode)


def _on_the_way(path: Path) -> list[Path]:
    """What is there of a path and of all above it, with each link and its target."""
    found, waiting = [], [path, path.resolve()]
    while waiting:
        place = waiting.pop()
        if place in found:
            continue
        found.append(place)
        if place.is_symlink():
            target = place.parent.resolve() / place.readlink()
            waiting.append(Path(os.path.normpath(target)))
        waiting.append(place.parent)
    return [place for place in found if os.path.lexists(place)]


def cache_size(folder: Path) -> tuple[int, int]:
    """Number of entries and their bytes; (0, 0) where there is no folder."""
    sizes = [size for _, size, _ in _entries(folder)]
    return len(sizes), sum(sizes)


def _is_usable(folder: Path) -> bool:
    """Whether the folder can be written; it is made if need be, for the user alone."""
    try:
        # what lies here is run: nobody else may put anything in
        for place in (*reversed(folder.parents), folder):
            if not place.exists():
                place.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK)


def _entries(folder: Path) -> list[tuple[float, int, Path]]:
    """Time of the last use, size and path of each entry."""
    found = []
    with contextlib.suppress(OSError):  # another process may just remove one
        for path in folder.glob("*-cache"):
            state = path.stat()
            found.append((max(state.st_atime, state.st_mtime), state.st_size, path))
    return found


def _forget_oldest(folder: Path) -> None:
    """Keep the folder within its bound; JAX's own bound needs one more package."""
    kept = 0
    for _, size, path in sorted(_entries(folder), reverse=True):
        kept += size
        if kept > MOST_BYTES:
            _remove(path)


def _mend_quietly(folder: Path) -> None:
    """Drop an entry that cannot be read, so that it is written anew.

    A process that was killed, or a full disk, may leave half an entry. JAX would warn
    at each later start and never replace it.
    """
    warnings.filterwarnings("always", message=_UNREADABLE, category=UserWarning)
    warnings.filterwarnings("ignore", message=_UNWRITTEN, category=UserWarning)
    show = warnings.showwarning

    def mend_or_show(message: Any, *args: Any, **options: Any) -> None:
        unreadable = re.match(_UNREADABLE, str(message))
        if unreadable is None:
            return show(message, *args, **options)
        for path in folder.glob(f"{unreadable[1]}-*-cache"):
            _remove(path)

    warnings.showwarning = mend_or_show


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
