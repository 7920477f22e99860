"""The built pages: links, words for pictures, nothing from elsewhere, sizes."""

import hashlib
import html
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
TAG = re.compile(r"<(\w+)((?:\s+[\w:-]+(?:=\"[^\"]*\"|='[^']*'|=[^\s>]+)?)*)\s*/?>")
ATTRIBUTE = re.compile(r"([\w:-]+)=(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))")
# What a browser fetches by itself; links that a reader follows may lead elsewhere.
FETCHED = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "use": "href",
}
SHEETS_ADDRESS = re.compile(r"(?:@import\s+(?:url\(\s*)?|url\(\s*)['\"]?([^'\")\s;]+)")
ELSEWHERE = re.compile(r"^(https?:)?//")


def pages(site):
    return sorted(site.rglob("*.html"))


def tags(text):
    """Name and attributes of each tag, code and scripts left out."""
    text = re.sub(r"<(script|style)\b([^>]*)>.*?</\1>", r"<\1\2>", text, flags=re.S)
    for tag in TAG.finditer(text):
        found = ATTRIBUTE.findall(tag[2])
        yield tag[1], {k: html.unescape(a or b or c) for k, a, b, c in found}


def broken_links(site):
    """Links within the site that lead nowhere, with their pages."""
    anchors = {
        page: {v for _, at in tags(page.read_text("utf-8")) for k, v in at.items()
               if k in ("id", "name")}
        for page in pages(site)
    }  # fmt: skip
    for page in anchors:
        for name, at in tags(page.read_text("utf-8")):
            link = at.get("href") if name in ("a", "link", "use") else at.get("src")
            if not link or re.match(r"[a-z]+:|//", link):
                continue
            path, anchor = urldefrag(link)
            path = unquote(path.partition("?")[0])
            to = (page.parent / path).resolve() if path else page
            to = to / "index.html" if to.is_dir() else to
            # Script makes rows of the page of cards from its address.
            made = to.name == "cards.html" and to.parent.name == "explorers"
            known = unquote(anchor) in anchors.get(to, anchor)
            if not to.exists() or (anchor and not made and not known):
                yield f"{page.relative_to(site)}: {link}"


def without_words(site):
    """Pictures without alternative text, with their pages."""
    for page in pages(site):
        for name, at in tags(page.read_text("utf-8")):
            bare = name == "img" and not at.get("alt", "").strip()
            generic = re.fullmatch(r"[\w/.-]+\.(png|svg|webp)", at.get("alt", ""))
            if bare or (name == "img" and generic):
                yield f"{page.relative_to(site)}: {at.get('src')}"


def foreign(site):
    """Whatever a page or a style sheet would fetch from elsewhere."""
    for page in pages(site):
        for name, at in tags(page.read_text("utf-8")):
            address = at.get(FETCHED.get(name, ""), "")
            only_told = name == "link" and at.get("rel") in ("canonical", "author")
            if ELSEWHERE.match(address) and not only_told:
                yield f"{page.relative_to(site)}: {address}"
    for sheet in [*site.rglob("*.css"), *pages(site)]:
        styles = sheet.read_text("utf-8")
        if sheet.suffix == ".html":
            styles = " ".join(re.findall(r"<style.*?</style>", styles, re.S))
        for address in SHEETS_ADDRESS.findall(styles):
            if ELSEWHERE.match(address):
                yield f"{sheet.relative_to(site)}: {address}"


def test_no_link_is_broken(site):
    assert list(broken_links(site)) == []


def test_every_picture_has_words(site):
    assert list(without_words(site)) == []


def test_nothing_is_fetched_from_elsewhere(site):
    assert list(foreign(site)) == []


@pytest.mark.parametrize(
    ("check", "bad"),
    [
        (broken_links, '<a href="nowhere.html">x</a>'),
        (broken_links, '<a href="#nowhere">x</a>'),
        (without_words, '<img src="a.png">'),
        (without_words, '<img src="a.png" alt="_images/a.png">'),
        (foreign, '<script src="https://example.org/a.js"></script>'),
        (foreign, '<link rel="stylesheet" href="//example.org/font.css">'),
        (foreign, '<style>@import url("https://example.org/a.css");</style>'),
        (foreign, "<style>@import '//example.org/a.css';</style>"),
        (foreign, "<style>@font-face { src: url(https://example.org/a) }</style>"),
    ],
)
def test_the_checks_can_fail(check, bad, tmp_path):
    """Negative controls: a page is sound, and is not with one thing wrong."""
    page = tmp_path / "index.html"
    sound = '<h1 id="top">x</h1><a href="#top">y</a><img src="a.png" alt="A dot">'
    (tmp_path / "a.png").touch()
    page.write_text(sound)
    assert list(check(tmp_path)) == []
    page.write_text(sound + bad)
    assert len(list(check(tmp_path))) == 1


def test_pages_are_small(site):
    sizes = {p.relative_to(site): p.stat().st_size for p in pages(site)}
    sources = {p for p in sizes if p.parts[0] == "_modules"}
    assert {p: n for p, n in sizes.items() if n > 150_000 and p not in sources} == {}
    everything = sum(p.stat().st_size for p in site.rglob("*") if p.is_file())
    assert everything <= 26_000_000


def test_explorers_load_little_script(site):
    for page in (site / "explorers").glob("*.html"):
        text = page.read_text("utf-8")
        own = re.findall(
            r'<script src="\.\./(_static/(?:explorers|vendor)/[^"]+)"', text
        )
        size = sum((site / path).stat().st_size for path in own)
        assert size <= 80_000, (page.name, size)
        assert own or page.name == "index.html"


def test_pages_say_their_language_and_have_one_heading(site):
    for page in pages(site):
        text = page.read_text("utf-8")
        assert '<html class="no-js" lang="en"' in text, page
        found = len(re.findall(r"<h1\b", text))
        assert found == 1 or page.name == "search.html", (page, found)


def test_pages_have_the_logo_and_its_icon(site):
    for page in pages(site):
        found = list(tags(page.read_text("utf-8")))
        icons = [at["href"] for name, at in found if "icon" in at.get("rel", "")]
        logos = [at["src"] for name, at in found if at.get("class") == "sidebar-logo"]
        assert len(icons) == len(logos) == 1, page
        for address in icons + logos:
            file = page.parent / address.partition("?")[0]
            assert file.read_bytes() == (DOCS / "_static" / "logo.svg").read_bytes()


def test_headings_of_tables_say_what_they_head(site):
    """Docutils writes `<th class="head">`, within `<thead>`; ours say their scope."""
    for page in pages(site):
        text = page.read_text("utf-8")
        for table in re.findall(r"<table class=\"ledger\".*?</table>", text, re.S):
            heads = re.findall(r"<th\b([^>]*)>", table)
            assert heads
            assert all("scope=" in head for head in heads), page


def test_what_is_vendored_is_what_was_fetched():
    vendor = DOCS / "_static" / "vendor"
    lines = (vendor / "SHA256SUMS").read_text().splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)
    files = {p for p in vendor.rglob("*") if p.is_file() and p.name != "SHA256SUMS"}
    files |= {DOCS / "_ext" / "katex.min.js"}
    assert {p.relative_to(DOCS).as_posix() for p in files} == set(listed)
    for name, digest in listed.items():
        content = (DOCS / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, name
        assert len(content) < 1_000_000
    for name in ("katex", "uplot"):
        assert "MIT" in (vendor / name / "LICENSE").read_text()


def test_katex_runs_by_the_node_of_a_wheel(monkeypatch):
    """As on a machine without node of its own."""
    import katex_math

    monkeypatch.setattr(shutil, "which", lambda name: None)
    katex_math.render.cache_clear()
    katex_math._process.cache_clear()
    try:
        assert katex_math.node() == katex_math.wheel_node()
        assert "<math" in katex_math.render(r"\frac{1}{2}", False)
        with pytest.raises(Exception, match="KaTeX"):
            katex_math.render(r"\frac{1}", False)
    finally:
        katex_math._process().kill()
        katex_math._process.cache_clear()
        katex_math.render.cache_clear()
