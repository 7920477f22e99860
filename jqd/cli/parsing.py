"""Reading the options that have a small grammar."""

import math
import re
from collections.abc import Sequence

NOISE = ("auto", "none", "gaussian", "multinomial", "ensemble")
# A comma, but not the one in R[0,1].
_COMMA = re.compile(r",(?![^\[]*\])")


def parse_names(text: str) -> tuple[str, ...]:
    """Read names with commas between them.

    Args:
        text: e.g. `C,U`.

    Returns:
        The names, in the order given.

    Raises:
        ValueError: if there is none or one comes twice.
    """
    names = tuple(part.strip() for part in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise ValueError(
            "Argument `--free` must name each constant once, with commas between, but "
            f"{text!r} was given."
        )
    return names


def parse_free(text: str, valid: Sequence[str]) -> tuple[str, ...]:
    """Read the option `--free`.

    Args:
        text: names with commas between them, e.g. `q,r`.
        valid: the constants of the law.

    Returns:
        The names, in the order given.

    Raises:
        ValueError: if a name is unknown or comes twice, or there is none.
    """
    names = tuple(part.strip() for part in text.split(","))
    unknown = [name for name in names if name not in valid]
    rule = f"Argument `--free` must name constants out of {', '.join(valid)}, but"
    if unknown:
        raise ValueError(f"{rule} {unknown[0]!r} was given.")
    if len(set(names)) < len(names):
        raise ValueError(f"{rule} one is named twice in {text!r}.")
    return names


def parse_start(text: str, free: Sequence[str]) -> dict[str, float]:
    """Read the option `--start`.

    Args:
        text: e.g. `q=0.2,r=-1.1`, or `R[0,1]=0.3` for an entry of an array; may be
            empty.
        free: the constants that are to be recovered.

    Returns:
        The values by name.

    Raises:
        ValueError: if a name is not one of `free` or comes twice, or a value is no
            finite number.
    """
    parts = _COMMA.split(text) if text.strip() else []
    values = _assignments(parts, "start", "q=0.2,r=-1.1")
    for name in values:
        if name.partition("[")[0] not in free:
            raise ValueError(
                "Argument `--start` must set constants that are free "
                f"({', '.join(free)}), but {name!r} was given."
            )
    return values


def parse_set(texts: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """Read the option `--set`, which may come more than once.

    Args:
        texts: each like `U=0.63`.
        names: the parameters that can be set.

    Returns:
        The values by name.

    Raises:
        ValueError: as of `parse_start`.
    """
    values = _assignments(texts, "set", "U=0.63")
    for name in values:
        if name not in names:
            raise ValueError(
                "Argument `--set` must set parameters that --hamiltonian names "
                f"({', '.join(names) or 'none'}), but {name!r} was given."
            )
    return values


def parse_noise(text: str) -> tuple[str, float | None]:
    """Read the option `--noise`.

    Args:
        text: one of `NOISE`, or `gaussian:SIGMA`.

    Returns:
        The noise model, and its standard error if one was given.

    Raises:
        ValueError: if the model is unknown or sigma is not positive.
    """
    kind, colon, number = text.partition(":")
    if kind not in NOISE or (colon and kind != "gaussian"):
        raise ValueError(
            f"Argument `--noise` must be one of {', '.join(NOISE)} or gaussian:SIGMA, "
            f"but {text!r} was given."
        )
    if not colon:
        return kind, None
    rule = "`--noise` must have a positive number as SIGMA"
    sigma = _number(number, rule)
    if sigma <= 0:
        raise ValueError(f"Argument {rule}, but {number!r} was given.")
    return kind, sigma


def check_word(name: str, value: str, known: Sequence[str]) -> None:
    """Raise ValueError unless the option `--name` is one of the words it knows."""
    if value not in known:
        raise ValueError(
            f"Argument `--{name}` must be one of {', '.join(known)}, but {value!r} "
            "was given."
        )


def check_sigma(sigma: float | None) -> None:
    """Raise ValueError for a standard error that is not positive."""
    if sigma is not None and not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"Argument `--sigma` must be positive, but is {sigma}.")


def _assignments(parts: Sequence[str], option: str, example: str) -> dict[str, float]:
    values: dict[str, float] = {}
    for part in parts:
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ValueError(
                f"Argument `--{option}` must look like {example}, but "
                f"{part.strip()!r} was given."
            )
        if name in values:
            raise ValueError(
                f"Argument `--{option}` must set a constant once, but {name!r} comes "
                "twice."
            )
        values[name] = _number(number, f"`--{option}` must give {name} a number")
    return values


def _number(text: str, rule: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"Argument {rule}, but {text!r} was given.")
    return value
