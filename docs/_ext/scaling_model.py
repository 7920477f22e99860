"""A model on paper of the split step on many GPUs: the tables of docs/scaling.md.

python docs/_ext/scaling_model.py prints them. Rates are nominal unless said otherwise;
put measured ones into `Machine` to have the tables anew.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SLABS, PENCILS = "slabs", "pencils"
# Passes over a block, each of so many bytes a byte of the block: six transforms along
# one axis and two products with a factor, and what the exchanges add on each device,
# a transposition and the unpacking of what came, forward and backward.
TRANSFORMS, PRODUCTS, COPY = 6 * 2, 2 * 3, 2
EXCHANGES = {SLABS: 2, PENCILS: 4}
# blocks that a step needs: state, two factors, the spectrum, what is sent and what
# comes, and the workspace of the FFT (XLA on a CPU: 5 to 6.5 without the last)
BLOCKS = 8
# of a GPU's memory, beside what the runtime and its buffers take
FREE = 0.9


@dataclass(frozen=True)
class Machine:
    """GPUs in nodes.

    Attributes:
        memory: bytes of one GPU.
        bandwidth: of its memory, bytes a second.
        node: GPUs in a node.
        inner: what a GPU sends to its node, bytes a second each way.
        outer: what a GPU sends to other nodes, bytes a second each way.
        memory_share, inner_share, outer_share: share of each nominal rate that is
            reached; assumed, not measured.
        start: seconds of an exchange of nothing.
        message: seconds for each partner of an exchange.
        pair: measured seconds of a forward and inverse transform, for each byte of the
            block; None for passes at the rate of the memory.
    """

    memory: float = 141e9
    bandwidth: float = 4.8e12
    node: int = 8
    inner: float = 450e9
    outer: float = 50e9
    memory_share: float = 0.8
    inner_share: float = 0.8
    outer_share: float = 0.7
    start: float = 20e-6
    message: float = 1e-6
    pair: float | None = None


H200 = Machine()
H100 = Machine(memory=80e9, bandwidth=3.35e12)


@dataclass(frozen=True)
class Step:
    """One Strang step of a wave function on a cube.

    Attributes:
        points: along each axis.
        item: bytes of a number, 8 or 16.
        gpus: over how many it is spread.
        layout: `SLABS` or `PENCILS` (in the node along the second axis of the mesh).
        machine: the rates.
    """

    points: int
    item: int
    gpus: int
    layout: str = SLABS
    machine: Machine = H200

    @property
    def block(self) -> float:
        """Bytes of one GPU's part of the state."""
        return self.points**3 * self.item / self.gpus

    @property
    def needs(self) -> float:
        """Bytes that a step needs on each GPU."""
        return BLOCKS * self.block

    @property
    def fits(self) -> bool:
        """Whether the layout divides the grid and the memory holds it."""
        rows = self.gpus if self.layout == SLABS else self.gpus // self.machine.node
        divides = self.points % max(rows, self.machine.node, 1) == 0
        room = FREE * self.machine.memory
        return divides and rows <= self.points and self.needs <= room

    @property
    def sent(self) -> float:
        """Bytes that each GPU sends in a step, in its node and beyond."""
        return sum(self._sent())

    def _sent(self) -> tuple[float, float]:
        node, gpus = min(self.machine.node, self.gpus), self.gpus
        if gpus == 1:
            return 0.0, 0.0
        if self.layout == SLABS:
            return 2 * self.block * (node - 1) / gpus, 2 * self.block * (
                1 - node / gpus
            )
        rows = gpus // node
        return 2 * self.block * (1 - 1 / node), 2 * self.block * (1 - 1 / rows)

    @property
    def local(self) -> float:
        """Seconds of transforms, products and copies on each GPU."""
        copies = 0 if self.gpus == 1 else 2 * EXCHANGES[self.layout] * COPY
        rate = self.machine.bandwidth * self.machine.memory_share
        pair = TRANSFORMS / rate if self.machine.pair is None else self.machine.pair
        return self.block * (pair + (PRODUCTS + copies) / rate)

    @property
    def exchange(self) -> float:
        """Seconds of the exchanges, which no work of the same step can hide."""
        machine = self.machine
        if self.gpus == 1:
            return 0.0
        inner, outer = self._sent()
        inner /= machine.inner * machine.inner_share
        outer /= machine.outer * machine.outer_share
        if self.layout == SLABS:
            # one exchange uses both ways at once
            partners, sending = 2 * (self.gpus - 1), max(inner, outer)
        else:
            rows = self.gpus // machine.node
            partners, sending = 2 * (machine.node + rows - 2), inner + outer
        return (
            sending
            + EXCHANGES[self.layout] * machine.start
            + partners * machine.message
        )

    @property
    def seconds(self) -> float:
        """Seconds of a step."""
        return self.local + self.exchange

    @property
    def efficiency(self) -> float:
        """Share of the time that would be well spent: one GPU's, divided, over this."""
        one = Step(self.points, self.item, 1, self.layout, self.machine)
        return one.local / self.gpus / self.seconds


def best(points: int, item: int, gpus: int, machine: Machine = H200) -> Step:
    """The faster layout of those that fit, or slabs."""
    steps = [Step(points, item, gpus, layout, machine) for layout in EXCHANGES]
    return min(steps, key=lambda step: (not step.fits, step.seconds))


def strong(machine: Machine = H200) -> str:
    """A table of one grid on more and more GPUs."""
    rows = [
        best(points, item, gpus, machine)
        for points in (1024, 2048, 4096)
        for item in (8, 16)
        for gpus in (8, 64, 1024)
    ]
    return _table(rows)


def weak(machine: Machine = H200) -> str:
    """A table of 512^3 points on each GPU."""
    return _table([
        best(points, 8, gpus, machine)
        for points, gpus in ((512, 1), (1024, 8), (2048, 64), (4096, 512), (8192, 4096))
    ])  # fmt: skip


def layouts(machine: Machine = H200) -> str:
    """A table of both layouts on the same GPUs."""
    return _table([
        Step(points, 8, gpus, layout, machine)
        for points, gpus in ((1024, 8), (1024, 64), (1024, 1024), (4096, 1024))
        for layout in EXCHANGES
    ])  # fmt: skip


HEADER = (
    "grid", "dtype", "GPUs", "layout", "GB per GPU", "sent, GB", "local, ms",
    "exchange, ms", "step, ms", "efficiency",
)  # fmt: skip
RULE = "|---|---|--:|---|--:|--:|--:|--:|--:|--:|"


def _table(steps: list[Step]) -> str:
    lines = []
    for step in steps:
        dtype = {8: "c64", 16: "c128"}[step.item]
        line = [f"{step.points}^3", dtype, str(step.gpus)]
        if step.fits:
            line.append("" if step.gpus == 1 else step.layout)
            figures = (
                step.needs / 1e9, step.sent / 1e9, step.local * 1e3,
                step.exchange * 1e3, step.seconds * 1e3,
            )  # fmt: skip
            line += [*map(two_digits, figures), f"{step.efficiency:.0%}"]
        else:
            line += ["does not fit", two_digits(step.needs / 1e9), *5 * [""]]
        lines.append(line)
    return table(HEADER, RULE, lines)


def table(header: Sequence[str], rule: str, lines: list[list[str]]) -> str:
    """Markdown; `rule` is the line below the header."""
    head, *body = [f"| {' | '.join(line)} |" for line in (header, *lines)]
    return "\n".join([head, rule, *body])


def two_digits(value: float) -> str:
    """Two significant digits, without an exponent."""
    if value == 0:
        return "0"
    digits = max(1 - math.floor(math.log10(abs(value))), 0)
    return f"{round(value, 1 - math.floor(math.log10(abs(value)))):.{digits}f}"


if __name__ == "__main__":
    for title, made in (("strong", strong), ("weak", weak), ("layouts", layouts)):
        print(f"\n{title}\n\n{made()}")
