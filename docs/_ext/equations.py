"""A page for the equations of each paper, made from the registry before a build."""

import html
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

from katex_math import render
from pages import write
from public_names import rooms
from tex_difference import marked

from jqd.papers import registry
from jqd.papers.citations import PAPERS

# Where a release's files can be read, such as .../blob/v0.2.0/; tests are named else.
SOURCE = os.environ.get("JQD_SOURCE_URL", "")
LEFT_OUT = re.compile(
    r' xmlns="http://www.w3.org/1998/Math/MathML"|<annotation.*?</annotation>',
    re.DOTALL,
)
TITLES = {
    "copying": "Copies",
    "diffusion": "Conservative diffusion",
    "husimi": "Husimi functions",
    "thermalization": "Thermalization",
}


def anchor(paper: str, number: str) -> str:
    """The stable end of the address of an entry."""
    return f"{paper}-{number}".replace(" ", "-")


def formula(label: str, tex: str) -> str:
    # MathML alone: with KaTeX's boxes a page would be ten times as long. Within HTML it
    # needs no name space, and browsers do not show the TeX that comes along.
    shown = LEFT_OUT.sub("", render(tex, True, "mathml"))
    return f"<figure><figcaption>{label}</figcaption><div>{shown}</div></figure>"


def formulas(entry: registry.Equation) -> str:
    """The printed formula above the right one, differences underlined."""
    if not (entry.tex and entry.printed_tex):
        return formula("Formula", entry.tex) if entry.tex else ""
    printed, right = marked(entry.printed_tex, entry.tex)
    return (
        '<div class="pair">'
        f"{formula('In print', printed)}{formula('Right', right)}</div>"
    )


def row(paper: str, entry: registry.Equation) -> str:
    e, name = html.escape, anchor(paper, entry.number)
    printed = f'<p class="printed">In print: {e(entry.printed)}</p>'
    tests = (test_link(test, f"tests/papers/{paper}/") for test in entry.tests)
    # `api:` is turned into an address once all pages are read.
    room, _, last = e(entry.function).rpartition(".")
    code = f"<code>{room}.<wbr>{last}</code>"
    function = entry.function and f'<a href="api:{e(entry.function)}">{code}</a>'
    small = (f"<small>{test}</small>" for test in tests)
    where = "<br>".join(filter(None, (function, *small)))
    return (
        f'<tr id="{e(name)}" data-verdict="{entry.verdict}" '
        f'data-section="{e(entry.section)}">'
        f'<th scope="row"><a href="#{e(name)}">{e(entry.number)}</a></th>'
        f'<td><span class="verdict">{entry.verdict}</span><br>'
        f"<small>{e(entry.section)}</small></td>"
        f"<td><p>{e(entry.statement)}</p>{printed * bool(entry.printed)}"
        f"{formulas(entry)}"
        f'<p class="where">{where}</p></td></tr>'
    )


def test_link(test: str, folder: str) -> str:
    """A test, its file without the folder that the page names."""
    file, _, name = map(html.escape, test.partition("::"))
    text = f"<code>{file.removeprefix(folder)}::<wbr>{name}</code>"
    return f'<a href="{SOURCE}{file}">{text}</a>' if SOURCE else text


def controls(entries: list[registry.Equation]) -> str:
    """The filter, which shows itself only where scripts run."""
    counts = Counter(e.verdict for e in entries)
    boxes = "".join(
        f'<label><input type="checkbox" name="verdict" value="{v}" checked> '
        f"{v} ({counts[v]})</label> "
        for v in registry.VERDICTS
        if counts[v]
    )
    options = "".join(
        f"<option>{html.escape(section)}</option>"
        for section in dict.fromkeys(e.section for e in entries)
    )
    return (
        f'<form class="ledger-filter" hidden><fieldset><legend>Show</legend>{boxes}'
        '<label>Section <select name="section"><option value="">all</option>'
        f"{options}</select></label> "
        '<label>Search <input type="search" name="text"></label></fieldset>'
        f'<output aria-live="polite">{len(entries)} of {len(entries)}</output></form>'
    )


def page(paper: str) -> str:
    entries = registry.load(paper)
    rows = "".join(row(paper, entry) for entry in entries)
    heads = ("No.", "Verdict", "Statement, function and tests")
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return f"""# {TITLES[paper]}: equations and claims

{PAPERS[paper].text} `jqd equations {paper} --json` has the same for programs. Where the
printed formula and the right one differ, what differs is underlined. Files of tests lie
in `tests/papers/{paper}`; where no function of jqd is named, the test computes the
formula as well. See [what the verdicts mean](index.md#verdicts).

```{{raw}} html
{controls(entries)}
<table class="ledger"><thead><tr>{cells}</tr></thead><tbody>
{rows}
</tbody></table>
```
"""


def summary() -> str:
    """Verdicts by paper, and the pages."""
    counts = {p: Counter(e.verdict for e in registry.load(p)) for p in TITLES}
    all_of_them = sum(counts.values(), Counter())
    lines = [
        f"| [{TITLES[p]}]({p}.md) | "
        + " | ".join(str(c[v]) for v in registry.VERDICTS)
        + f" | {c.total()} |"
        for p, c in counts.items()
    ]
    lines.append(
        "| all | "
        + " | ".join(str(all_of_them[v]) for v in registry.VERDICTS)
        + f" | {all_of_them.total()} |"
    )
    head = " | ".join(("paper", *registry.VERDICTS, "all"))
    toctree = "\n".join(registry.papers())
    return f"""# Equations of four papers

Each numbered equation, and each claim that can be tested, of the papers whose laws jqd
holds: {all_of_them.total()} entries, each with its verdict, the function that computes
it where jqd has one, and the tests that decide it.

| {head} |
|---|{"---|" * (len(registry.VERDICTS) + 1)}
{chr(10).join(lines)}

(verdicts)=
## What the verdicts mean

holds
: It is true as printed, as far as its test shows.

corrected
: What is meant is true, and what is printed is not: a sign, a factor, a missing term.
  The printed formula stays reachable, so that the test shows the difference.

refuted
: It is not true; the entry says what is.

not computable
: No number could decide it.

open
: A number could decide it, and none has so far.

From the command line: `jqd equations copying --verdict corrected`.

```{{toctree}}
:hidden:

{toctree}
```
"""


def make(app):
    unknown = set(registry.papers()) ^ set(TITLES)
    if unknown:
        raise ValueError(f"Papers without a title, or titles without one: {unknown}.")
    pages = {f"{paper}.md": page(paper) for paper in registry.papers()}
    write(Path(app.srcdir) / "equations", {"index.md": summary(), **pages})


def link_functions(app, pagename, templatename, context, doctree):
    """Addresses of the functions, now that all pages are known."""
    if pagename.startswith("equations/"):
        context["body"] = re.sub(
            r'<a href="api:([^"]+)">(.*?)</a>',
            lambda found: linked(app, pagename, found[1], found[2]),
            context["body"],
        )


@cache
def homes() -> dict[str, str]:
    """Where each public name is described, by all the paths that lead to it."""
    return {name.path: name.home for names in rooms().values() for name in names}


def linked(app, pagename: str, name: str, text: str) -> str:
    """A link to what describes a function or method, or its class, if it is public."""
    known = app.env.domains["py"].objects
    owner, _, last = name.rpartition(".")
    for path in (homes().get(name), f"{homes().get(owner)}.{last}", homes().get(owner)):
        if path in known:
            found = known[path]
            to = app.builder.get_relative_uri(pagename, found.docname)
            return f'<a href="{to}#{found.node_id}">{text}</a>'
    return text


def setup(app):
    app.connect("builder-inited", make)
    app.connect("html-page-context", link_functions)
    return {"parallel_read_safe": True}
