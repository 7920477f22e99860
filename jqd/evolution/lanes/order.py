"""The order in which a kernel does operations: few numbers are to be held at a time."""

from collections.abc import Iterable, Sequence

import numpy as np

from .numbers import Node, Real

# A thread has 255 words of 32 bits, and for the rest goes to memory. Below some more
# than these the compiler is best left with the order of the source: on an H200 a step
# of 10⁵ members of the copy law took 57 us in it and 69 us in the frugal one with four
# classes in float64, but 1370 and 260 us with six.
WORDS = 300


def in_order(wanted: Sequence[Real]) -> tuple[list[Node], list[Node]]:
    """The nodes that some need, each after its operands.

    Returns:
        Those that do not vary, and those that do.
    """
    needed = _frugal(wanted)
    varying = [node for node in needed if node.varies]
    both = [*wanted, *(x for node in varying for x in node.operands)]
    still = _frugal([x for x in both if isinstance(x, Node) and not x.varies])
    written = sorted(varying, key=lambda node: node.place)
    return still, written if most_held(written, wanted) <= WORDS else varying


def most_held(order: Sequence[Node], wanted: Iterable[Real]) -> int:
    """Most words of 32 bits held at a time, if nodes are made in this order."""
    last = {id(x): i for i, node in enumerate(order) for x in _nodes(node.operands)}
    last |= {id(x): len(order) for x in _nodes(wanted)}
    size = {id(node): -(-np.dtype(node.dtype).itemsize // 4) for node in order}
    held, most = 0, 0
    for i, node in enumerate(order):
        held += size[id(node)]
        most = max(most, held)
        done = (x for x in (node, *_nodes(node.operands)) if last.get(id(x)) == i)
        held -= sum(size.get(id(x), 0) for x in done)
    return most


def _frugal(wanted: Sequence[Real]) -> list[Node]:
    """One wanted number after another, so that none waits for what another needs.

    What takes no room of its own, as the last to need one of its operands, follows as
    soon as it can.
    """
    deep = _depth_first(wanted)
    users: dict[int, list[Node]] = {}
    uses = {id(x): 1 for x in _nodes(wanted)}
    for node in deep:
        for x in _nodes(node.operands):
            users.setdefault(id(x), []).append(node)
            uses[id(x)] = uses.get(id(x), 0) + 1
    found, made = [], set()

    def is_free(node):
        operands = _nodes(node.operands)
        ready = all(id(x) in made for x in operands) and id(node) not in made
        return ready and any(uses[id(x)] == 1 for x in operands)

    for first in deep:
        stack = [first]
        while stack:
            node = stack.pop()
            if id(node) in made:
                continue
            made.add(id(node))
            found.append(node)
            operands = _nodes(node.operands)
            for x in operands:
                uses[id(x)] -= 1
            near = (user for x in (node, *operands) for user in users.get(id(x), ()))
            stack += [user for user in near if is_free(user)]
    return found


def _depth_first(wanted: Iterable[Real]) -> list[Node]:
    found, seen = [], set()
    for last in wanted:
        stack = [(last, False)]
        while stack:
            node, after = stack.pop()
            if after:
                found.append(node)
            elif isinstance(node, Node) and id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack += [(x, False) for x in reversed(node.operands)]
    return found


def _nodes(numbers: Iterable[Real]) -> list[Node]:
    """Those that are not known, each of them once."""
    return list({id(x): x for x in numbers if isinstance(x, Node)}.values())
