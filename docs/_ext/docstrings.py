"""jqd's docstrings as reStructuredText, before napoleon reads them."""

import re
from collections.abc import Iterator, Sequence

from docutils import nodes
from sphinx.domains.python import PyXRefRole

SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Examples?|Notes?):$")
CODE = re.compile(r"(`[^`]*`)")
LONG_WORD = re.compile(r"\b[a-z]{4,}\b")
RELATION = re.compile(r"[=≤≥∝≈⇔→<>]")
ARRAY_LIKE = "Array | ndarray | bool | number | bool | int | float | complex"
ELSEWHERE = re.compile(r"(?<!\w)~?((jax\.)?jaxlib\._jax|jaxtyping|numpy)\.")
LIST_ITEM = re.compile(r"\s*([*-]|\d\.) ")
# A word in lower case names too many things to be made a link by itself.
TELLING = re.compile(r"[A-Z_.\d]")
# `law, data, psi0,` of a list of arguments that goes on in the next line.
NAMES = re.compile(r"\s+(\w+, )*\w+,")


def is_equation(lines: Sequence[str]) -> bool:
    """Every line relates two sides, the last has no full stop, words are few."""
    return not lines[-1].rstrip().endswith((".", ":", ";")) and all(
        RELATION.search(line) and len(LONG_WORD.findall(CODE.sub("", line))) < 3
        for line in lines
    )


def escape(line: str) -> str:
    """|ψ|², ψ* and (*batch, T) are no markup; `code` stays, a list's star too."""
    item = LIST_ITEM.match(line)
    head, line = (item[0], line[item.end() :]) if item else ("", line)
    parts = CODE.split(line)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"([|*])", r"\\\1", parts[i])
        parts[i] = re.sub(r"(\w)_(?=\W|$)", r"\1\\_", parts[i])
    return head + "".join(parts)


def paragraphs(lines: Sequence[str]) -> Iterator[list[str]]:
    """Blocks of lines between empty ones."""
    block: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []


def is_boxed(block: Sequence[str]) -> bool:
    """Whether a paragraph is shown as it stands: an equation, or what is indented."""
    if block[0].lstrip().startswith(">>>") or LIST_ITEM.match(block[0]):
        return False
    return is_equation(block) or all(line.startswith("   ") for line in block)


def restructured(lines: Sequence[str]) -> list[str]:
    """A docstring of jqd as reStructuredText with Google's sections."""
    head = next((i for i, x in enumerate(lines) if SECTION.match(x)), len(lines))
    out: list[str] = []
    for block in paragraphs(lines[:head]):
        if is_boxed(block):
            least = min(len(line) - len(line.lstrip()) for line in block)
            out += [".. code-block:: text", "   :class: equation", ""]
            out += ["   " + line[least:] for line in block] + [""]
        else:
            out += [escape(line) for line in block] + [""]
    rest = iter(lines[head:])
    for line in rest:
        while NAMES.fullmatch(line):
            line = f"{line} {next(rest, '').strip()}"
        # napoleon would read "The trajectory: values .." as a type.
        out.append(":returns:" if line == "Returns:" else escape(line))
    return out


def process(app, what, name, obj, options, lines):
    if what == "data" and not type(obj).__module__.startswith("jqd"):
        lines.clear()  # of a dict, say: Python's own words on dicts
    # What classes inherit from other packages stays as it is.
    elif name.startswith("jqd"):
        lines[:] = restructured(lines)
        if what in ("attribute", "property", "data"):
            # napoleon would read what comes before a colon as a type.
            lines.insert(0, "")


def code(name, raw, text, line, inliner, options=None, content=()):
    """Text in one backtick: a link where it names something, else code."""
    made, messages = PyXRefRole()("py:obj", raw, text, line, inliner)
    for node in made:
        node["code"] = True
    return made, messages


def resolve(app, env, node, contnode):
    """A name without its path, if there is one such; code that names nothing."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].removeprefix("~").removesuffix("()")
    homes = homes_of(env).get(target, set()) if TELLING.search(target) else set()
    if len(homes) == 1:
        ((docname, anchor),) = homes
        to = app.builder.get_relative_uri(node["refdoc"], docname)
        link = nodes.reference("", "", contnode, internal=True)
        link["refuri"] = f"{to}#{anchor}"
        return link
    return contnode if node.get("code") else None


def homes_of(env) -> dict[str, set[tuple[str, str]]]:
    """Where classes and functions are described, by the ends of their paths."""
    known = env.domains["py"].objects
    if getattr(env, "jqd_homes", (0,))[0] != len(known):
        found: dict[str, set[tuple[str, str]]] = {}
        for path, entry in known.items():
            if entry.objtype in ("class", "function", "exception", "data"):
                parts = path.split(".")
                for i in range(len(parts)):
                    end = ".".join(parts[i:])
                    found.setdefault(end, set()).add((entry.docname, entry.node_id))
        env.jqd_homes = len(known), found
    return env.jqd_homes[1]


def shorten(app, domain, objtype, content):
    """Float[Array, "M M"] and ArrayLike, not what they expand to."""
    for signature in app.env.current_document.autodoc_annotations.values():
        for name, text in signature.items():
            text = re.sub(
                r"(?<!\w)~?((jax\.)?jaxlib\._jax|jaxtyping|numpy)\.", "", text
            )
            signature[name] = text.replace(ARRAY_LIKE, "ArrayLike")


def setup(app):
    app.connect("autodoc-process-docstring", process, priority=400)  # napoleon: 500
    app.connect("object-description-transform", shorten, priority=400)
    app.connect("missing-reference", resolve)
    app.add_role("code-of-jqd", code)
    return {"parallel_read_safe": True}
