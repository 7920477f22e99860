"""Settings of an experiment: measurement times, and shots at each of them."""

import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import _checks
from .._files import atomic_file
from .file import File, naming
from .reading import existing, format_of
from .writing import check_new

# Synthetic data are drawn with shots as floats.
MOST_SHOTS = 2.0**53
_WORDS = ("law", "free", "nuisance")


class Settings(NamedTuple):
    """Measurement times of an experiment, and the shots at each of them.

    Attributes:
        ts: times, (T,), from 0 on, strictly increasing.
        shots: number of shots at each of them, (T,), integers of at least 1.
        law: the law to measure, by its name in `jqd simulate`; "" for any.
        free: constants to recover, separated by commas, or "".
        nuisance: priors of the nuisances fitted as well, as in `--nuisance`, or "".
    """

    ts: np.ndarray
    shots: np.ndarray
    law: str = ""
    free: str = ""
    nuisance: str = ""


def load_settings(path: str | Path) -> Settings:
    """Load settings from a TOML file; `formats.KINDS["settings"]` lists its contents.

    Args:
        path: the file, .toml.

    Raises:
        ValueError: unreadable file, a missing part, times that do not increase from 0
            on, shots that are not positive integers.
    """
    file = existing(path, "settings")
    try:
        held = tomllib.loads(file.path.read_text(encoding="utf-8"))
        numbers = {
            name: np.asarray(value)
            for name, value in held.items()
            if name not in _WORDS
        }
    except (ValueError, OSError, RecursionError) as error:
        raise file.broken(error) from None
    file = File(file.path, file.argument, {
        name: array for name, array in numbers.items() if array.dtype.kind in "iuf"
    })  # fmt: skip
    format_of("settings", file, file.path.suffix)
    file.check_finite()
    for name in _WORDS:
        if not isinstance(held.get(name, ""), str):
            raise file.complaint(f"hold `{name}` as text", f"has {held[name]!r}")
    words = {name: held.get(name, "") for name in _WORDS}
    return Settings(*_looks(file), **words)


def _looks(file: File) -> tuple[np.ndarray, np.ndarray]:
    """Times and shots, checked."""
    ts, shots = (np.atleast_1d(file.real(name)) for name in ("t", "shots"))
    with naming(file.path):
        _checks.check_times(ts, "t")
    if ts[0] < 0:
        raise file.complaint(
            "hold times from 0 on, that of the state", f"begins at {ts[0]:g}"
        )
    if shots.shape != ts.shape:
        raise file.complaint(
            "hold one number of `shots` per time", f"has {shots.size} for {ts.size}"
        )
    bad = (shots != np.round(shots)) | (shots < 1) | (shots > MOST_SHOTS)
    if bad.any():
        raise file.complaint(
            "hold whole numbers from 1 on as `shots`", f"has {shots[bad][0]:g}"
        )
    return ts, shots.astype(int)


def write_settings(path: str | Path, settings: Settings) -> Path:
    """Write settings, for `load_settings`.

    Args:
        path: a new file: .toml.
        settings: times with shots.

    Returns:
        The path.

    Raises:
        ValueError: an existing file, another suffix, or settings that `load_settings`
            refuses.
    """
    check_new(path, "settings")
    held: dict[str, Any] = {
        name: getattr(settings, name) for name in _WORDS if getattr(settings, name)
    }
    held |= {"t": settings.ts, "shots": settings.shots}
    # numbers, text and lists of numbers are written alike in JSON and in TOML
    lines = [
        f"{name} = {json.dumps(np.asarray(value).tolist(), allow_nan=False)}"
        for name, value in held.items()
    ]
    with atomic_file(path, "path") as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        load_settings(draft)
    return Path(path)
