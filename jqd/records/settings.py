"""Settings of an experiment: measurement times, and shots at each of them."""

import tomllib
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np

from .. import _checks
from .contents import Contents
from .file import File, naming
from .formats import TOML, Format, Kind
from .parts import Part, described
from .reading import existing, format_of
from .record import between, spaced

# Synthetic data are drawn with shots as floats.
MOST_SHOTS = 2.0**53


@described
class Settings(NamedTuple):
    """Measurement times of an experiment, and the shots at each of them."""

    ts: Annotated[
        np.ndarray, Part("t", "times, increasing from 0 on, that of the state")
    ]
    shots: Annotated[np.ndarray, "number of shots at each of them, whole numbers"]
    law: Annotated[
        str, "`copying`, `husimi` or `diffusion`, that of the command; else any"
    ] = ""
    free: Annotated[str, "constants to recover, with commas between"] = ""
    nuisance: Annotated[str, "their priors, as `--nuisance` takes them"] = ""


# What files may hold as text.
_WORDS = tuple(Settings._field_defaults)


def load_settings(path: str | Path) -> Settings:
    """Load settings from a TOML file; docs/files.md lists its contents.

    Args:
        path: the file, .toml.

    Raises:
        ValueError: unreadable file, a missing part, times that do not increase from 0
            on, shots that are not positive integers.
    """
    file = existing(path, SETTINGS)
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
    format_of(SETTINGS, file, file.path.suffix)
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


def _show(plan: Settings) -> Contents:
    lines = {"times": spaced(plan.ts), "shots": f"{between(plan.shots)} at each time"}
    own = {name: getattr(plan, name) for name in _WORDS}
    lines |= {name: text for name, text in own.items() if text}
    return Contents("settings", lines, ("t", plan.ts), {"shots": plan.shots})


SETTINGS = Kind(
    "settings", "settings",
    "`--settings` of `jqd simulate copying`, `husimi`, `diffusion`",
    (Format("settings", TOML, "`t = [0.5, 2.0]` / `shots = [300, 700]`", Settings),),
    load_settings, Settings, _show,
)  # fmt: skip
