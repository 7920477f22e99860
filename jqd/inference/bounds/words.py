"""Limits and confidence levels in words."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Literal


def outward(value: float, sense: Literal["<", ">"], digits: int = 2) -> str:
    """A limit, rounded so that it claims no more than it should.

    Args:
        value: positive.
        sense: "<" for an upper limit, rounded up; ">" for a lower one.
    """
    rounding = ROUND_CEILING if sense == "<" else ROUND_FLOOR
    kept = Context(prec=digits, rounding=rounding).create_decimal(repr(value))
    return f"{float(kept):.{digits}g}"


def percent(level: float) -> str:
    """A confidence, as in "95 %"; below 1 never "100 %"."""
    digits = 6 if level >= 1 else max(6, math.ceil(-math.log10(1 - level)))
    return f"{100 * level:.{digits}g} %"


def with_unit(number: str, unit: str) -> str:
    """A number with its unit; "1" is not shown."""
    return number if unit == "1" else f"{number} {unit}"
