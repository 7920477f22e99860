"""What a page says, read back from its HTML."""

import math
from collections.abc import Mapping
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Its text, its numbers and its tags; asserts that tags close as they opened."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.numbers, self.cells, self.links, self.ids = [], [], [], [], []
        self.open, self.words, self.style = [], "", ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        self.links += [attrs[k] for k in ("href", "src") if k in attrs]
        self.ids += [attrs["id"]] if "id" in attrs else []
        if tag == "data":
            self.numbers.append([float(attrs["value"]), ""])
        if tag == "td":
            self.cells.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            self.style += data
            return
        self.words += data
        if "data" in self.open:
            self.numbers[-1][1] += data
        elif "td" in self.open:
            self.cells[-1] += data


def numbers_in(value):
    """Every number of a nested summary."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return set()
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return {float(value)}
    return set().union(*map(numbers_in, value))


def check_numbers(page, stored):
    """Each number that is shown is stored, and shown as it is rounded."""
    assert page.numbers
    for value, text in page.numbers:
        assert value in stored, (value, text)
        mantissa, _, power = text.partition("e")
        decimals = len(mantissa.partition(".")[2])
        # half of the last digit that is shown, and rounding
        last = 10.0 ** (int(power or 0) - decimals)
        assert abs(float(text) - value) <= last * (0.5 + 1e-9), (value, text)
    for cell in page.cells:  # nothing is shown beside them
        try:
            number = float(cell)
        except ValueError:
            continue
        assert not math.isfinite(number), cell


def check_alone(text, page):
    """One file, with nothing that acts or comes from elsewhere."""
    assert not {"script", "iframe", "object", "embed", "link", "form"} & {
        tag for tag, _ in page.tags
    }
    assert not [k for _, attrs in page.tags for k in attrs if k.startswith("on")]
    assert "url(" not in page.style
    assert "@import" not in page.style
    licence = "https://www.apache.org/licenses/LICENSE-2.0"
    assert text.count("http:") == 0
    assert text.count("https:") == text.count(licence) == 1
    own = [f"#{one}" for one in page.ids]
    for link in page.links:
        inside = link.startswith("data:image/png;base64,") or link in own
        assert inside or link == licence, link
    assert len(page.ids) == len(set(page.ids))
    assert len(text.encode()) <= 3e6
    # what a figure shows is said in words
    for tag, attrs in page.tags:
        if tag in ("img", "svg"):
            assert attrs.get("alt") or attrs.get("aria-label")
    html = dict(page.tags)["html"]
    assert html["lang"] == "en"
    assert sum(tag == "h1" for tag, _ in page.tags) == 1
