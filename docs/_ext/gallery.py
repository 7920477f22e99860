"""Pages of all experiments, from their docstrings, which are read and not run."""

import ast
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import NamedTuple

from docstrings import is_boxed, paragraphs
from linear_tex import tex
from pages import write

from jqd.papers import registry

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
KEYS = ("Claim", "Source", "Verdict", "Result", "Control", "Context")
HEAD = re.compile(rf"^({'|'.join(KEYS)})\b([^:\n]*):\s*", re.MULTILINE)


class Experiment(NamedTuple):
    """What the docstring of an experiment says.

    Attributes:
        path: from the root of the repository on.
        claim: its first sentence or two.
        verdict: what came out, empty where the claim says it.
        text: the docstring.
        functions: dotted names of jqd that the file imports.
    """

    path: Path
    claim: str
    verdict: str
    text: str
    functions: frozenset[str]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def command(self) -> str:
        path = shlex.quote(self.path.as_posix())
        if self.path.parent.name == "sweeps":
            return f"jqd sweep {path} --out results/{self.name}.zarr"
        return f"jqd run {path}"


def experiments() -> dict[str, Experiment]:
    """All experiments of the repository by name."""
    folder = ROOT / "experiments"
    files = sorted([*folder.glob("*.py"), *folder.glob("sweeps/*.py")])
    return {file.stem: read(file) for file in files}


def read(file: Path) -> Experiment:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    text = ast.get_docstring(tree) or ""
    parts = {head[1]: one_line(text[head.end() :]) for head in HEAD.finditer(text)}
    claim = parts["Claim"]
    verdict = parts.get("Verdict", parts.get("Result", ""))
    return Experiment(
        file.relative_to(ROOT),
        claim[0].upper() + claim[1:],
        verdict and verdict[0].upper() + verdict[1:],
        text,
        frozenset(imported(tree)),
    )


def one_line(text: str) -> str:
    """A paragraph, or what of it comes before the next key."""
    text = HEAD.split(text)[0]
    return " ".join(text.split("\n\n")[0].split())


def imported(tree: ast.Module):
    """Dotted names of jqd that a file imports, and attributes of `jqd` in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jqd"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and ast.unparse(node).startswith("jqd."):
            yield ast.unparse(node)


def groups() -> list[dict]:
    """Papers and their questions, as gallery.toml has them."""
    text = (DOCS / "gallery.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["paper"]


def placed() -> list[str]:
    """Names of the experiments in the order of the gallery."""
    return [n for p in groups() for q in p["question"] for n in q["experiments"]]


def thumbs() -> dict[str, dict]:
    """What `make thumbs` noted of each picture."""
    return json.loads((DOCS / "thumbs" / "thumbs.json").read_text())


def markdown(text: str) -> str:
    """A docstring as Markdown: equations as formulas, keys in bold.

    Where an equation is mostly words, or is not understood, it is shown as it stands.
    """
    out = []
    for block in paragraphs(text.splitlines()):
        if HEAD.match(block[0]) or not is_boxed(block):
            plain = escape("\n".join(block))
            out.append(HEAD.sub(lambda m: f"**{m[1]}{m[2]}:** ", plain))
        elif formula := tex(block):
            out.append(f"```{{math}}\n{formula}\n```")
        else:
            least = min(len(line) - len(line.lstrip()) for line in block)
            lines = "\n".join(line[least:] for line in block)
            out.append(f"```text\n{lines}\n```")
    return "\n\n".join(out)


def escape(text: str) -> str:
    """Characters that Markdown would read as markup; `code` stays."""
    parts = re.split(r"(`[^`]*`)", text)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"([\\*_|<>\[\]$])", r"\\\1", parts[i])
    return "".join(parts)


def entries_of(experiment: Experiment) -> list[tuple[str, registry.Equation]]:
    """Entries of the registry whose function the experiment uses."""
    return [
        (paper, entry)
        for paper in registry.papers()
        for entry in registry.load(paper)
        if entry.function in experiment.functions
    ]


def entry_link(paper: str, number: str) -> str:
    """A link to an entry of the registry, whose row is HTML: MyST knows none of it."""
    address = f"../equations/{paper}.html#{paper}-{number}".replace(" ", "-")
    return f'<a href="{address}">{paper} {number}</a>'


def picture(experiment: Experiment) -> str:
    """The figure, with the claim as its words."""
    return f"![Figure of: {escape(experiment.claim)}](../thumbs/{experiment.name}.webp)"


def page(experiment: Experiment, seen: dict | None) -> str:
    lines = [f"# {experiment.title}", markdown(experiment.text)]
    if seen:
        kind = "a quick run" if seen["quick"] else "the full run"
        took = f"{seen['seconds']:.0f} s"
        lines += [
            picture(experiment),
            f"*Figure `{seen['figure']}` of {kind}, which took {took}.*",
        ]
    lines += ["## Run it", f"```sh\n{experiment.command}\n```"]
    if experiment.path.parent.name != "sweeps":
        lines.append("With `--quick` it takes less time, and its numbers are coarser.")
    lines.append(f"Source: `{experiment.path.as_posix()}`.")
    entries = entries_of(experiment)
    if entries:
        rows = [
            f"- {entry_link(paper, entry.number)}, {entry.verdict}: "
            f"{escape(entry.statement)}"
            for paper, entry in entries
        ]
        lines += ["## Equations that it computes", "\n".join(rows)]
    return "\n\n".join(lines) + "\n"


def tile(experiment: Experiment, seen: dict | None) -> str:
    link = f"**[{experiment.title}]({experiment.name}.md)**"
    parts = [picture(experiment)] * bool(seen) + [link, escape(experiment.claim)]
    return "- " + "\n\n  ".join(parts)


def which_runs(pictures: dict[str, dict]) -> str:
    """Whether pictures are of full runs, in a sentence."""
    quick = sum(seen["quick"] for seen in pictures.values())
    return (
        f"{quick} of {len(pictures)} pictures are of quick runs, whose numbers are "
        "coarser than those in the text."
    )


def index(found: dict[str, Experiment], pictures: dict[str, dict]) -> str:
    lines = [
        "# Gallery",
        f"{len(found)} experiments, each one claim, put to the test by one short file. "
        f"A page has what came out. {which_runs(pictures)}",
    ]
    for paper in groups():
        lines.append(f"## {paper['title']}")
        if "paper" in paper:
            name = paper["paper"]
            lines.append(f"All of its [equations and claims](../equations/{name}.md).")
        for question in paper["question"]:
            tiles = [tile(found[n], pictures.get(n)) for n in question["experiments"]]
            lines.append(f"### {question['title']}")
            lines.append(":::{container} tiles\n" + "\n".join(tiles) + "\n:::")
    listed = "\n".join(placed())
    lines.append(f"```{{toctree}}\n:hidden:\n\n{listed}\n```")
    return "\n\n".join(lines) + "\n"


def make(app):
    found, pictures = experiments(), thumbs()
    if sorted(placed()) != sorted(found):
        raise ValueError(
            "gallery.toml must name each experiment once, but for "
            f"{set(placed()) ^ set(found) or 'one that it names twice'}."
        )
    pages = {f"{n}.md": page(one, pictures.get(n)) for n, one in found.items()}
    write(Path(app.srcdir) / "gallery", {"index.md": index(found, pictures), **pages})


def setup(app):
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True}
