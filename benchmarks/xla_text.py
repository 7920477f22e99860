"""Kernels and bytes of a compiled program, from XLA's text; a model of their time."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

# seconds of a kernel beside its bytes, and of a turn that asks the host to go on
LAUNCH, TURN = 2e-6, 10e-6
WIDTH = {
    "pred": 1, "s8": 1, "u8": 1, "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8,
    "f64": 8, "c64": 8, "c128": 16,
}  # fmt: skip
KERNELS = {
    "fusion", "custom-call", "fft", "dot", "sort", "copy", "scatter", "gather",
    "reduce", "cholesky", "triangular-solve", "transpose", "concatenate", "slice",
    "dynamic-slice", "dynamic-update-slice", "broadcast", "iota", "pad", "convert",
}  # fmt: skip


class Body(NamedTuple):
    """Kernels of a program or of a turn of a loop.

    Attributes:
        trips: turns, 1 of a program; None where the compiler does not know.
        kernels: by kind.
        moved: bytes that they read and write.
        loops: within it.
    """

    trips: int | None
    kernels: Counter[str]
    moved: int
    loops: tuple["Body", ...]

    def total(self, rate: float) -> float:
        """Modelled seconds of all turns; NaN where their number is not known."""
        return (math.nan if self.trips is None else self.trips) * self.turn(rate)

    def turn(self, rate: float) -> float:
        """Modelled seconds of one."""
        alone = self.moved / rate + LAUNCH * sum(self.kernels.values())
        unknown = TURN if self.trips is None else 0.0
        return alone + unknown + sum(loop.total(rate) for loop in self.loops)


def parsed(text: str) -> Body:
    """The kernels of a compiled program, from XLA's text of it."""
    known = _computations(text)
    entry = next(name for name, (first, _) in known.items() if first)
    return _body(known, entry, 1)


def _computations(text: str) -> dict[str, tuple[bool, list[tuple[str, ...]]]]:
    found, name = {}, None
    for line in text.splitlines():
        head = re.match(r"^(ENTRY\s+)?%?([\w.\-]+)\s*\(.*\)\s*->\s*.*\{\s*$", line)
        if head:
            name = head[2]
            found[name] = (bool(head[1]), [])
        elif line.startswith("}"):
            name = None
        elif name:
            op = re.match(
                r"^\s+(?:ROOT\s+)?%?([\w.\-]+)\s*=\s*(\(.*?\)|\S+)\s+([\w\-]+)\((.*)$",
                line,
            )
            if op:
                found[name][1].append(op.groups())
    return found


def _body(known: dict[str, Any], name: str, trips: int | None) -> Body:
    kernels, inside, moved = Counter(), [], 0
    shapes = {one: shape for one, shape, _, _ in known[name][1]}
    for _, shape, op, rest in known[name][1]:
        if op == "while":
            body = re.search(r"body=%?([\w.\-]+)", rest)
            turns = re.search(r'"known_trip_count":\{"n":"(\d+)"', rest)
            inside.append(_body(known, body[1], int(turns[1]) if turns else None))
        elif op in ("call", "async-start"):
            called = re.search(r"(?:to_apply|calls)=%?([\w.\-]+)", rest)
            if called:
                inner = _body(known, called[1], 1)
                kernels += inner.kernels
                moved += inner.moved
                inside += inner.loops
        elif op == "conditional":
            # the costlier branch; the host is asked which it is
            names = re.findall(
                r"(?:branch_computations=\{|_computation=|, )%([\w.\-]+)", rest
            )
            branches = [_body(known, one, 1) for one in names if one in known]
            inner = max(branches, key=lambda one: least_seconds(one, 1e12))
            kernels += inner.kernels + Counter(conditional=1)
            moved += inner.moved
            inside += inner.loops
        elif op in KERNELS:
            target = re.search(r'custom_call_target="([^"]+)"', rest)
            kernels[target[1] if target else op] += 1
            operands = re.findall(r"%([\w.\-]+)", rest.split("), ")[0])
            read = sum(_bytes(shapes.get(operand, "")) for operand in operands)
            moved += _bytes(shape) + read
    return Body(trips, kernels, moved, tuple(inside))


def _bytes(shape: str) -> int:
    return sum(
        WIDTH.get(kind, 0) * math.prod(int(n) for n in dims.split(",") if n)
        for kind, dims in re.findall(r"(\w+)\[([\d,]*)\]", shape)
    )


def loops(body: Body) -> Iterator[Body]:
    """All loops within, the inner ones too."""
    for loop in body.loops:
        yield loop
        yield from loops(loop)


def least_seconds(body: Body, rate: float) -> float:
    """Modelled seconds of a loop, one turn of it where its length is not known."""
    turn = body.moved / rate + LAUNCH * sum(body.kernels.values())
    inner = sum(least_seconds(loop, rate) for loop in body.loops)
    return (body.trips or 1) * (turn + inner)


def total_of(body: Body, value: Callable[[Body], float]) -> Any:
    """Of a turn with all turns of its loops, one of those of unknown length."""
    return value(body) + sum(
        (one.trips or 1) * total_of(one, value) for one in body.loops
    )


def unknown(body: Body) -> int:
    """How many of its loops have a length that the compiler does not know."""
    return sum(loop.trips is None for loop in loops(body))
