"""Kernels and bytes of a compiled program, from XLA's text; a model of their time."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

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
# what a call of a library may write on beside its results: most of it stays untouched
WORKSPACE = re.compile(r"[su]8\[\d+\]")
# operations of float32 or float64 that an instruction counts as, for each number
COST = (
    dict.fromkeys(("add", "subtract", "multiply", "maximum", "minimum", "negate"), 1)
    | dict.fromkeys(("abs", "compare", "select", "reduce"), 1)
    | dict.fromkeys(("divide", "sqrt", "rsqrt"), 8)
    | dict.fromkeys(("exponential", "exponential-minus-one", "log", "log-plus-one"), 24)
    | dict.fromkeys(("power", "sine", "cosine", "tan", "tanh", "atan2", "erf"), 24)
)
# of a complex number, over those of a real one
COMPLEX = 4
# Kernels of `jqd.evolution.lanes` say their turns and operations in a turn. A product
# is not fused with a sum there, so that each takes the time of both.
LANES = "__gpu$xla.gpu.triton"
IN_LANES = re.compile(r"\blanes_(\d+)x(\d+)")


class Rates(NamedTuple):
    """What a device does in a second: bytes, operations of float32 and of float64."""

    bytes: float
    single: float = math.inf
    double: float = math.inf


class Body(NamedTuple):
    """Kernels of a program or of a turn of a loop.

    Attributes:
        trips: turns, 1 of a program; None where the compiler does not know.
        kernels: by kind.
        moved: bytes that they read and write.
        loops: within it.
        single, double: operations of float32 and of float64, by `COST`.
    """

    trips: int | None
    kernels: Counter[str]
    moved: int
    loops: tuple["Body", ...]
    single: float = 0.0
    double: float = 0.0

    def seconds(self, rates: Rates) -> float:
        """Modelled seconds of all turns; of one where their number is not known."""
        counted = self.single / rates.single + self.double / rates.double
        alone = max(self.moved / rates.bytes, counted)
        alone += LAUNCH * sum(self.kernels.values())
        turn = alone + sum(loop.seconds(rates) for loop in self.loops)
        return TURN + turn if self.trips is None else self.trips * turn


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
    kernels, inside, moved, counted = Counter(), [], 0, np.zeros(2)
    shapes = {one: shape for one, shape, _, _ in known[name][1]}
    for _, shape, op, rest in known[name][1]:
        parts = []
        if op == "while":
            body = re.search(r"body=%?([\w.\-]+)", rest)
            turns = re.search(r'"known_trip_count":\{"n":"(\d+)"', rest)
            inside.append(_body(known, body[1], int(turns[1]) if turns else None))
        elif op in ("call", "async-start"):
            called = _called(rest)
            parts = [_body(known, called, 1)] if called else []
        elif op == "conditional":
            # the costlier branch; the host is asked which it is
            names = re.findall(
                r"(?:branch_computations=\{|_computation=|, )%([\w.\-]+)", rest
            )
            branches = [_body(known, one, 1) for one in names if one in known]
            parts = [max(branches, key=lambda one: one.seconds(Rates(1e12)))]
            kernels["conditional"] += 1
        elif op in KERNELS:
            target = re.search(r'custom_call_target="([^"]+)"', rest)
            kernels[target[1] if target else op] += 1
            operands = re.findall(r"%([\w.\-]+)", rest.split("), ")[0])
            read = sum(_bytes(shapes.get(operand, "")) for operand in operands)
            moved += _bytes(WORKSPACE.sub("", shape) if target else shape) + read
            counted += _operations(known, shapes, shape, op, rest)
        for part in parts:
            kernels += part.kernels
            moved += part.moved
            inside += part.loops
            counted += part.single, part.double
    return Body(trips, kernels, moved, tuple(inside), *map(float, counted))


def _called(rest: str) -> str | None:
    found = re.search(r"(?:to_apply|calls)=%?([\w.\-]+)", rest)
    return found[1] if found else None


def _operations(
    known: dict[str, Any], shapes: dict[str, str], shape: str, op: str, rest: str
) -> np.ndarray:
    """Operations of an instruction, (single, double); of a fusion those within it."""
    if op == "fusion":
        _, inside = known.get(_called(rest), (False, []))
        within = {one[0]: one[1] for one in inside}
        each = (_operations(known, within, *one[1:]) for one in inside)
        return sum(each, np.zeros(2))
    if op == "reduce":  # as many as it takes in
        first = re.search(r"%([\w.\-]+)", rest)
        shape = shapes.get(first[1], shape) if first else shape
    parts = re.search(r"(\w+)\[([\d,]*)\]", shape)
    cost = COST.get(op, 0)
    lanes = IN_LANES.search(rest) if op == "custom-call" else None
    if lanes:  # the first result has a row for each member
        members = re.search(r"\w+\[(\d+)", shape)
        found = 2 * int(lanes[1]) * int(lanes[2]) * int(members[1] if members else 0)
        return np.array([0, found] if "f64[" in shape else [found, 0])
    if op == "fft":
        length = re.search(r"fft_length=\{([\d,]+)\}", rest)
        cost = 5 * math.log2(_product(length[1])) if length else 0
    if parts is None or not cost:
        return np.zeros(2)
    kind, many = parts[1], cost * _product(parts[2])
    if kind in ("c64", "c128") and op != "fft":
        many *= COMPLEX
    return np.array([0, many] if kind in ("f64", "c128") else [many, 0])


def _product(numbers: str) -> int:
    return math.prod(int(n) for n in numbers.split(",") if n)


def _bytes(shape: str) -> int:
    return sum(
        WIDTH.get(kind, 0) * _product(dims)
        for kind, dims in re.findall(r"(\w+)\[([\d,]*)\]", shape)
    )


def loops(body: Body) -> Iterator[Body]:
    """All loops within, the inner ones too."""
    for loop in body.loops:
        yield loop
        yield from loops(loop)


def total_of(body: Body, value: Callable[[Body], float]) -> Any:
    """Of a turn with all turns of its loops, one of those of unknown length."""
    return value(body) + sum(
        (one.trips or 1) * total_of(one, value) for one in body.loops
    )


def library_calls(body: Body) -> int:
    """Calls of cuFFT, cuBLAS, cuSOLVER and the like, without those of its loops."""
    ours = KERNELS - {"fft", "custom-call"} | {"conditional", LANES}
    return sum(many for kind, many in body.kernels.items() if kind not in ours)


def largest_constant(text: str) -> int:
    """Bytes of the largest array that stands in a program."""
    return max(map(_bytes, re.findall(r"= (\S+) constant\(", text)), default=0)


def unknown(body: Body) -> int:
    """How many of its loops have a length that the compiler does not know."""
    return sum(loop.trips is None for loop in loops(body))
