"""The reference by topic: a page a name of `jqd`, a page a room for the rest."""

from collections.abc import Iterable
from pathlib import Path

from docstrings import escape, is_equation, restructured
from pages import write
from public_names import Name, kind, load, rooms, summary

# Title, sentence, and the rooms whose names belong there, by their first words.
TOPICS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "evolving": (
        "Evolving",
        "A motion, a state and times in; values, errors and a status out.",
        ("jqd.evolution", "jqd.steppers", "jqd.status", "jqd.observe"),
    ),
    "laws": (
        "Laws",
        "Motions that predict probabilities for a quantum state.",
        ("jqd.laws", "jqd.constants"),
    ),
    "exact": (
        "Exact evolution",
        "The reference: closed forms and propagators that know of no law.",
        ("jqd.exact",),
    ),
    "spaces": (
        "Spaces and states",
        "Grids, matrices, symbols, pulses, and states on them.",
        ("jqd.spaces", "jqd.states"),
    ),
    "individuals": (
        "Individuals",
        "Systems that copy each other, guided paths, times of arrival.",
        ("jqd.ensembles",),
    ),
    "matter": (
        "Matter",
        "Solids, gases, packets, photons, towers, temperature, statistics.",
        ("jqd.matter", "jqd.statistics"),
    ),
    "records": (
        "Records and instruments",
        "How data come in, and what stands between them and a law.",
        ("jqd.records", "jqd.instruments", "jqd.interop"),
    ),
    "inference": (
        "Inference",
        "Constants from records: fits, posteriors, comparisons, designs, bounds.",
        ("jqd.inference",),
    ),
    "vetting": (
        "Report cards",
        "What kind of theory a law is.",
        ("jqd.vetting",),
    ),
    "sweeps": (
        "Sweeps",
        "One function at many points, on all devices, resumable.",
        ("jqd.sweeps",),
    ),
    "report": (
        "Reports and set-ups",
        "Tables, figures and files; named problems; the command line.",
        ("jqd.report", "jqd.problems", "jqd.cli"),
    ),
    "readings": (
        "Readings",
        "Formulas of the papers that experiments share: what a law or a state says.",
        ("jqd.readings",),
    ),
}


# Rooms of classes with many members: a page each, lest the room's is too long.
EACH = (
    "jqd.inference",
    "jqd.laws",
    "jqd.laws.husimi",
    "jqd.laws.diffusion",
    "jqd.matter.packets",
    "jqd.ensembles",
)


def topic_of(room: str) -> str:
    """The topic of a room, that of its longest known beginning."""
    fitting = [
        (len(start), topic)
        for topic, (*_, starts) in TOPICS.items()
        for start in starts
        if f"{room}.".startswith(f"{start}.")
    ]
    if not fitting:
        raise ValueError(f"{room} belongs to no topic: see TOPICS in api_pages.py.")
    return max(fitting)[1]


def described(name: Name) -> str:
    """The directive that describes a name."""
    what = kind(name.value)
    options = {"autoclass": "   :members:\n", "autodata": "   :no-value:\n"}
    return f".. {what}:: {name.path}\n{options.get(what, '')}"


def heading(text: str, line: str = "=") -> str:
    return f"{text}\n{line * len(text)}\n"


def of_one(name: Name) -> str:
    return f"{heading(name.name)}\n{described(name)}"


def item(name: Name) -> str:
    """A link and the first line of the docstring."""
    text = summary(name.value)
    text = f"``{text}``" if text and is_equation([text]) else escape(text)
    return f"- :py:obj:`{name.path} <{name.home}>`" + (f": {text}" if text else "")


def with_a_page(found: dict[str, list[Name]], room: str) -> list[Name]:
    """Names of a room that have a page each, but for one that a room has already."""
    return [
        name
        for name in found[room]
        if room in EACH and name.home == name.path and name.path not in found
    ]


def of_room(found: dict[str, list[Name]], room: str) -> str:
    """Names that have no page of their own in full, the others as links."""
    text = (load(room).__doc__ or "").strip()
    elsewhere = [name for name in found[room] if name.home != name.path]
    apart = with_a_page(found, room)
    parts = [heading(room), "\n".join(restructured(text.splitlines()))]
    if apart:
        parts += ["\n".join(map(item, apart)), toctree(name.path for name in apart)]
    parts += [
        described(name)
        for name in found[room]
        if name not in apart and name not in elsewhere
    ]
    if elsewhere:
        parts += ["Described elsewhere:", "\n".join(map(item, elsewhere))]
    return "\n\n".join(parts) + "\n"


def toctree(pages: Iterable[str]) -> str:
    listed = "\n".join(f"   {page}" for page in pages)
    return f".. toctree::\n   :hidden:\n\n{listed}"


def escape_all(text: str) -> str:
    return "\n".join(map(escape, text.splitlines()))


def of_topic(topic: str, found: dict[str, list[Name]], top: list[Name]) -> str:
    title, sentence, _ = TOPICS[topic]
    lines = [heading(title), sentence]
    if top:
        lines += [heading("In jqd", "-"), "\n".join(map(item, top))]
    pages = [name.path for name in top]
    for room, names in found.items():
        pages.append(room)
        # A row of links is read faster than 50 lines.
        links = ", ".join(f":py:obj:`{n.name} <{n.home}>`" for n in names)
        first = (load(room).__doc__ or "").strip().split("\n\n")[0]
        lines += [heading(room, "-"), escape_all(first), links + "."]
        lines.append(f"All of it: :doc:`{room}`.")
    return "\n\n".join([*lines, toctree(pages)]) + "\n"


def index() -> str:
    topics = [f"- :doc:`{topic}`: {said[1]}" for topic, said in TOPICS.items()]
    return f"""{heading("Reference")}
Every public name of jqd, by topic. Names of ``jqd`` itself have a page each; those of
its rooms stand on the page of their room.

{chr(10).join(topics)}

{toctree(TOPICS)}
"""


def make(app):
    found = rooms()
    top = found.pop("jqd")
    # A name of `jqd` belongs where its own room is.
    inner = {id(n.value): room for room, names in found.items() for n in names}
    by_topic: dict[str, list[Name]] = {topic: [] for topic in TOPICS}
    for name in top:
        room = inner.get(id(name.value)) or getattr(name.value, "__module__", "jqd")
        by_topic[topic_of(room)].append(name)
    pages = {"index.rst": index()}
    pages |= {f"{name.path}.rst": of_one(name) for name in top}
    pages |= {
        f"{name.path}.rst": of_one(name)
        for room in EACH
        for name in with_a_page(found, room)
    }
    pages |= {f"{room}.rst": of_room(found, room) for room in found}
    for topic in TOPICS:
        here = {room: names for room, names in found.items() if topic_of(room) == topic}
        pages[f"{topic}.rst"] = of_topic(topic, here, by_topic[topic])
    write(Path(app.srcdir) / "api", pages)


def setup(app):
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True}
