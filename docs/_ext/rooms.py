"""The rooms of jqd, from its sources: what lives in each, and what it imports.

Files are read and not run, by the library that checks the contract. `picture` is the
import graph without the arrows that follow from others, `table` the sentence of each
room and how large it is.
"""

import ast
import functools
import html
import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "jqd"
# Of the picture, in units of a letter's width.
WIDE, HIGH, GAP, MARGIN = 118, 26, 14, 8


@functools.cache
def layers() -> list[list[str]]:
    """Rooms from the highest layer to the lowest, as the contract has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(
        c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers"
    )
    names = (line.replace("(", "").replace(")", "") for line in contract["layers"])
    each = (
        [room.strip().removeprefix("jqd.") for room in line.split("|")]
        for line in names
    )
    return [named for line in each if (named := [r for r in line if r[0] != "_"])]


@functools.cache
def imports() -> dict[str, set[str]]:
    """Which other rooms each room imports when it is imported or used."""
    graph = grimp.build_graph("jqd", cache_dir=None)
    rooms = {f"jqd.{room}" for layer in layers() for room in layer}
    for room in rooms:
        graph.squash_module(room)
    found = {room: graph.find_modules_directly_imported_by(room) for room in rooms}
    return {
        room.removeprefix("jqd."): {
            other.removeprefix("jqd.") for other in (others & rooms) - {room}
        }
        for room, others in found.items()
    }


def files(room: str) -> list[Path]:
    """Its files, of which a folder's `__init__` is the first."""
    folder = SOURCES / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [SOURCES / f"{room}.py"]


def drawn() -> list[tuple[str, str]]:
    """Arrows from a room to one that it imports, but for what another way shows."""
    graph = imports()

    @functools.cache
    def below(room: str) -> frozenset[str]:
        return frozenset().union(*({r} | below(r) for r in graph[room]))

    return sorted(
        (room, other)
        for room, others in graph.items()
        for other in others
        if not any(other in below(way) for way in others - {other})
    )


def sentence(room: str) -> str:
    """The first paragraph of a room's docstring."""
    file = SOURCES / room
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(said.split("\n\n")[0].split())


def table() -> str:
    """What lives in each room, from the highest layer to the lowest."""
    lines = ["| room | what lives there | lines |", "|---|---|---|"]
    for room in (room for layer in layers() for room in layer):
        size = sum(len(f.read_text(encoding="utf-8").splitlines()) for f in files(room))
        said = sentence(room).replace("|", r"\|")
        lines.append(f"| `jqd.{room}` | {said} | {size} |")
    return "\n".join(lines)


def picture() -> str:
    """The rooms as boxes, a layer a row, and arrows down to what each imports."""
    place, rows = {}, layers()
    across = (max(map(len, rows)) + 2.5) * (WIDE + GAP) + 2 * MARGIN
    for i, row in enumerate(rows):
        # rows alternate about the middle, so that arrows find a way
        shift = (i % 5 - 2) * (WIDE + GAP) * 0.62
        left = across / 2 + shift - (len(row) * (WIDE + GAP) - GAP) / 2
        for k, room in enumerate(row):
            place[room] = left + k * (WIDE + GAP), MARGIN + i * (HIGH + 2 * GAP)
    high = MARGIN * 2 + len(rows) * (HIGH + 2 * GAP) - 2 * GAP
    lines = [
        f'<svg class="rooms" viewBox="0 0 {across:.0f} {high:.0f}" role="img" '
        'aria-label="The rooms of jqd, each above those that it imports">'
    ]
    for room, other in drawn():
        (x0, y0), (x1, y1) = place[room], place[other]
        x0, y0, x1 = x0 + WIDE / 2, y0 + HIGH, x1 + WIDE / 2
        bend = (y1 - y0) / 2
        lines.append(
            f'<path d="M{x0:.0f},{y0:.0f} C{x0:.0f},{y0 + bend:.0f} '
            f'{x1:.0f},{y1 - bend:.0f} {x1:.0f},{y1:.0f}"/>'
        )
    for room, (x, y) in place.items():
        lines.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDE}" height="{HIGH}" rx="4"/>'
            f'<text x="{x + WIDE / 2:.0f}" y="{y + 17:.0f}">{html.escape(room)}</text>'
        )
    return "\n".join(["```{raw} html", *lines, "</svg>", "```"])
