"""What a Zarr store may ask for, before anything of it is decoded.

The metadata of an array names the codecs that undo its coding. One of them unpickles,
and whoever installs a package may add others: what is read is read by those listed
here, and by nothing else.
"""

import json
import os
from pathlib import Path
from typing import Any

# Names in the metadata of version 2 and, some after `numcodecs.`, of version 3.
CODECS = frozenset((
    "bytes", "transpose", "sharding_indexed",
    "zlib", "gzip", "bz2", "lzma", "blosc", "zstd", "lz4", "pcodec", "zfpy",
    "delta", "fixedscaleoffset", "quantize", "bitround", "shuffle", "packbits",
    "astype", "crc32", "crc32c", "adler32", "fletcher32", "jenkins_lookup3",
    "vlen-utf8", "vlen-bytes",
))  # fmt: skip
_METADATA = ("zarr.json", ".zarray", ".zgroup", ".zmetadata")
# Of a file with metadata that is read at all.
MOST_METADATA = 50_000_000


def unfit_folder(folder: Path) -> str | None:
    """Why a store in a folder is not to be opened, or None.

    Args:
        folder: of the store; its links must stay inside of it.

    Raises:
        OSError: it cannot be listed.
    """
    inside = folder.resolve()
    waiting = [inside]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.is_symlink() and not _within(path, inside):
                    return f"its {entry.name} is a link to something outside of it"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif not entry.is_file() and not entry.is_symlink():
                    return f"its {entry.name} is no file"
                elif entry.name in _METADATA:
                    reason = _unfit_file(path)
                    if reason is not None:
                        return reason
    return None


def _within(link: Path, folder: Path) -> bool:
    try:
        return link.resolve().is_relative_to(folder)
    except (OSError, RuntimeError):  # a ring of links
        return False


def _unfit_file(path: Path) -> str | None:
    if path.stat().st_size > MOST_METADATA:
        return f"its {path.name} has more than {MOST_METADATA} bytes"
    return unfit_metadata(path.read_bytes())


def unfit_metadata(text: bytes) -> str | None:
    """Why an array or group with these metadata is not to be opened, or None.

    Args:
        text: JSON of .zarray, .zmetadata or zarr.json; what is none is for others to
            refuse, who cannot read it either.
    """
    try:
        waiting = [json.loads(text)]
    except RecursionError:
        return "its metadata are nested too deeply"
    except ValueError:
        return None
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        if not isinstance(one, dict):
            continue
        # attributes are the user's; an array may have their name, but no such number
        described = isinstance(one.get("zarr_format"), int)
        waiting += [
            value
            for key, value in one.items()
            if not (described and key == "attributes") and key[-7:] != ".zattrs"
        ]
        for name in _codecs(one):
            if name.removeprefix("numcodecs.") not in CODECS:
                return f"an array of it is coded by {name!r}, which is never run"
    return None


def _codecs(described: dict[str, Any]) -> list[str]:
    """Names of the codecs that one object of metadata asks for."""
    found = []
    keys = ("codecs", "index_codecs", "filters", "compressor", "storage_transformers")
    for key in keys:
        held = described.get(key)
        for one in held if isinstance(held, list) else [held]:
            name = one
            if isinstance(one, dict):
                name = one.get("name", one.get("id"))
            if isinstance(name, str):
                found.append(name)
            elif one is not None:
                found.append(f"something without a name ({type(one).__name__})")
    return found
