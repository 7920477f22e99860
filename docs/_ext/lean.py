"""What keeps pages small, and mends the markup of the theme and of Sphinx.

Small: folded menus, and less markup of sources.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

# Spaces, punctuation and names have the colour of the text: no need to mark them, and
# unmarked a long word of code may break where a telephone ends.
PLAIN = re.compile(r'<span class="(?:w|p|n|pre)">([^<]*)</span>')
# In sources operators, numbers and Python's own names as well.
PLAIN_SOURCE = re.compile(
    r'<span class="(?:w|p|n|o|ow|mi|mf|nb|nn|bp|si|sa)">([^<]*)</span>'
)
# The icons of the theme that no page of ours shows, and indentation of its template.
ICON = re.compile(r'\s*<symbol id="svg-(?:pencil|eye)".*?</symbol>', re.DOTALL)
# Captions of the menu have a role, but no level, and the two asides no names.
UNNAMED = {
    '<p class="caption" role="heading">': ' aria-level="2"',
    '<aside class="sidebar-drawer">': ' aria-label="Menu"',
    '<aside class="toc-drawer">': ' aria-label="On this page"',
}
# A parameter a line is a list, and no list of definitions without a term.
PARAMETERS = re.compile(r'(class="sig-paren">\(</span>\s*)<dl>(.*?)</dl>', re.DOTALL)
AS_IT_STANDS = re.compile(r"(<pre.*?</pre>|<script.*?</script>)", re.DOTALL)


def fold(app, pagename, templatename, context, doctree):
    """The menu with its own branch unfolded, not the whole tree on each page."""
    if toctree := context.get("toctree"):

        def folded(**options: Any) -> str:
            if pagename.startswith("_modules/"):
                return ""  # of sources, which link to what describes them
            # Two levels: the names of a topic stand on its page.
            return toctree(**options | {"collapse": True, "maxdepth": 2})

        context["toctree"] = folded


def mend(app, pagename, templatename, context, doctree):
    """Links from sources to names, which stand under the path of another room there.

    viewcode takes it that a module is described in one place.
    """
    if pagename.startswith("_modules/"):
        ends = ends_of(app.env)

        def mended(found: re.Match) -> str:
            parts = found[2].split(".")
            tails = (".".join(parts[i:]) for i in range(len(parts)))
            known = (ends.get((found[1], tail)) for tail in tails)
            anchor = next((one for one in known if one), found[2])
            return f'api/{found[1]}.html#{anchor}"'

        link = r'api/([\w.]+)\.html#([\w.]+)"'
        context["body"] = re.sub(link, mended, context["body"])


@cache
def ends_of(env) -> dict[tuple[str, str], str]:
    """Anchors by page and end of path."""
    return {
        (
            entry.docname.removeprefix("api/"),
            ".".join(path.split(".")[i:]),
        ): entry.node_id
        for path, entry in env.domains["py"].objects.items()
        for i in range(path.count(".") + 1)
    }


def thin(app, error):
    """Pages without what does not show: a third of what there are of sources."""
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            marks = PLAIN_SOURCE if "_modules" in path.parts else PLAIN
            if (short := thinned(text, marks)) != text:
                path.write_text(short, encoding="utf-8")


def thinned(text: str, marks: re.Pattern) -> str:
    for tag, more in UNNAMED.items():
        text = text.replace(tag, tag[:-1] + more + ">")
    text = PARAMETERS.sub(listed, text)
    while (plain := marks.sub(r"\1", text)) != text:  # one may stand in another
        text = plain
    parts = AS_IT_STANDS.split(ICON.sub("", text))
    parts[::2] = [re.sub(r"\s*\n\s*", "\n", part) for part in parts[::2]]
    return "".join(parts)


def listed(found: re.Match) -> str:
    lines = re.sub(r"<(/?)dd>", r"<\1li>", found[2])
    return f'{found[1]}<ul class="parameters">{lines}</ul>'


def setup(app):
    app.connect("html-page-context", fold, priority=400)  # before furo asks for it
    app.connect("html-page-context", mend)
    app.connect("build-finished", thin)
    return {"parallel_read_safe": True}
