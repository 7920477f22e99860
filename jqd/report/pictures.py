"""Figures as parts of an HTML file: SVG without scripts and without links."""

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

# A larger SVG is shown as its PNG; size limit of all figures of a page.
MOST_SVG, MOST_BYTES = 300_000, 2_600_000
# Limits on the nesting of parts of an SVG, and on the number drawn, where each use of
# a part counts: a browser takes as long for each.
MOST_NESTED, MOST_PARTS = 100, 500_000
# Largest size of a file that is read.
MOST_READ = 20_000_000
PNG = b"\x89PNG\r\n\x1a\n"

_TAGS = re.compile(
    "svg|g|path|defs|clipPath|use|rect|line|circle|ellipse|polygon|polyline|text|tspan|"
    "linearGradient|radialGradient|stop|image|pattern|mask"
)
_ATTRIBUTES = re.compile(
    "id|d|[xyr][12]?|[cdr][xy]|width|height|points|offset|transform|style|viewBox|"
    "preserveAspectRatio|clip-path|clip-rule|clipPathUnits|(fill|stroke|stop)(-\\w+)?|"
    "opacity|gradientUnits|gradientTransform|patternUnits|font-(size|family)|"
    "text-anchor|href"
)
_FUNCTIONS = frozenset(("matrix", "translate", "scale", "rotate", "rgb", "url"))
_CALL = re.compile(r"([\w-]+)\s*\(")
_NAMED = re.compile(r"url\(\s*['\"]?#([^'\")\s]+)")
_OWN = re.compile(r"url\(\s*#")
_IMAGE = "data:image/png;base64,"

# What a figure of a command shows, by the name of its file.
ALTS = {
    "fit": "The data and the fitted law, over time or whatever else the rows of the "
    "record are over.",
    "residuals": "The residuals, data less fitted law, over time.",
    "loss": "The loss over free constants, where the starts of the search began and "
    "which of them reached the best fit.",
    "density": "Densities over position at several times: the data as dots, the "
    "recovered law as a line.",
    "trace": "Draws of each constant one after the other, a line for each chain, and "
    "their histograms.",
    "corner": "Draws of each constant and of each pair, beside the normal "
    "approximation at the fit.",
    "copies": "Sampled ensembles beside the mean-field law over time, and the "
    "fidelity that finite numbers lose.",
    "cards": "The figure of each property beside its floor on logarithmic axes; "
    "verdicts by colour and shape.",
    "laws": "Each law beside the first: the probability of rows left out, summed over "
    "time, and ln B at each width of the priors.",
    "sensitivity": "What one more shot at each time would add, above the shares of the "
    "shots.",
    "sweep": "The first result of the sweep over its axes.",
}


class Picture(NamedTuple):
    """A figure of a page.

    Attributes:
        name: name of its file, without the suffix.
        alt: description in words.
        markup: HTML; empty where it is too large for the page, or damaged.
    """

    name: str
    alt: str
    markup: str


def pictures(files: Iterable[Path], drawn: Mapping[str, str]) -> list[Picture]:
    """Figures in the order given, each as SVG if that is short enough, else as PNG.

    Args:
        files: .svg and .png; two with the same name are one figure.
        drawn: further figures, SVG by name.
    """
    names = dict.fromkeys(path.with_suffix("") for path in files)
    found, room = [], MOST_BYTES
    for number, path in enumerate(names):
        found.append(
            Picture(path.name, alt_of(path.name), _markup(path, f"f{number}-"))
        )
    for name, text in drawn.items():
        alt = alt_of(name)
        found.append(Picture(name, alt, clean_svg(text, alt, f"{name}-")))
    for i, one in enumerate(found):
        size = len(one.markup.encode())
        if size > room:
            found[i] = one._replace(markup="")
        else:
            room -= size
    return found


def alt_of(name: str) -> str:
    """The description of a figure in words."""
    last = name.rpartition("_")[2]
    return ALTS.get(name) or ALTS.get(last) or f"Figure “{name}” of this run."


def _markup(path: Path, prefix: str) -> str:
    """Of the SVG with this name, else of the PNG, else nothing."""
    alt = alt_of(path.name)
    svg, png = path.with_name(f"{path.name}.svg"), path.with_name(f"{path.name}.png")
    if svg.is_file() and svg.stat().st_size <= MOST_READ:
        text = clean_svg(svg.read_text(encoding="utf-8", errors="replace"), alt, prefix)
        if text and (len(text) <= MOST_SVG or not png.is_file()):
            return text
    if png.is_file() and png.stat().st_size <= MOST_READ:
        data = png.read_bytes()
        if data.startswith(PNG):
            code = base64.b64encode(data).decode()
            return f'<img alt="{escape(alt)}" src="{_IMAGE}{code}">'
    return ""


def clean_svg(text: str, alt: str, prefix: str = "") -> str:
    """An SVG as a part of an HTML page, reduced to its shapes.

    Scripts, styles of the whole page, links and all that loads from elsewhere are left
    out. Names of parts get a prefix, so that figures do not share any.

    Returns:
        The markup; "" if the text is not SVG, or nests or repeats its parts so often
        that a browser would not finish drawing it.
    """
    try:
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError, RecursionError):
        return ""
    if _local(root.tag) != "svg" or "viewBox" not in root.attrib:
        return ""
    box = escape(root.attrib["viewBox"])
    if not _is_drawable(root):
        return ""
    inner = "".join(part for child in root for part in _clean(child, prefix))
    return f'<svg viewBox="{box}" role="img" aria-label="{escape(alt)}">{inner}</svg>'


def _is_drawable(root: ET.Element) -> bool:
    """Whether parts are nested, and shown again by others, a bearable number of times.

    A part that is shown by `use`, or paints or clips another, counts each time, with
    all that it shows in turn.
    """
    waiting, named = [(root, 1)], {}
    while waiting:
        node, depth = waiting.pop()
        if depth > MOST_NESTED:
            return False
        named.setdefault(node.get("id"), node)
        waiting += [(child, depth + 1) for child in node]
    # each part comes after all parts that it shows; `begun` are those still waiting
    counts: dict[ET.Element, int] = {}
    stack, begun = [root], set()
    while stack:
        node = stack[-1]
        if node in counts:
            stack.pop()
            continue
        parts = [*node, *(named[name] for name in _shown(node) if name in named)]
        new = [part for part in parts if part not in counts]
        if not new:
            counts[node] = 1 + sum(counts[part] for part in parts)
            if counts[node] > MOST_PARTS:
                return False
            begun.discard(node)
            stack.pop()
            continue
        begun.add(node)
        if begun.intersection(new):  # a part that shows itself
            return False
        stack += new
    return True


def _shown(node: ET.Element) -> Iterator[str]:
    """Names of the parts that a part shows, paints or clips with."""
    for key, value in node.attrib.items():
        if _local(key) == "href" and value.startswith("#"):
            yield value[1:]
        yield from _NAMED.findall(value)


def _clean(node: ET.Element, prefix: str) -> Iterator[str]:
    tag = _local(node.tag)
    if not _TAGS.fullmatch(tag):
        return
    yield f"<{tag}"
    for key, value in node.attrib.items():
        name = _local(key)
        if _ATTRIBUTES.fullmatch(name) and _is_harmless(name, value):
            yield f' {name}="{escape(_renamed(name, value, prefix))}"'
    yield ">"
    if tag in ("text", "tspan"):
        yield escape(node.text or "")
    for child in node:
        yield from _clean(child, prefix)
        if tag in ("text", "tspan"):
            yield escape(child.tail or "")
    yield f"</{tag}>"


def _is_harmless(name: str, value: str) -> bool:
    """Whether a value refers to nothing but parts of the same figure."""
    if name == "href":
        return value.startswith(("#", _IMAGE))
    calls = _CALL.findall(value)
    return (
        "\\" not in value
        and "//" not in value
        and _FUNCTIONS.issuperset(calls)
        and calls.count("url") == len(_OWN.findall(value))
    )


def _renamed(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return prefix + value
    if name == "href" and value.startswith("#"):
        return f"#{prefix}{value[1:]}"
    return _OWN.sub(f"url(#{prefix}", value)


def _local(tag: object) -> str:
    """A name without its namespace; "" of comments and the like."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
