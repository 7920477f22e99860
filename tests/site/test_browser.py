"""The built site in Chromium, from its folder: no server, no network."""

import json
import os
import re
import shutil
from pathlib import Path

import explorer_numbers
import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "docs" / "_build" / "html"
AXE = ROOT / "docs" / "_build" / "axe.min.js"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium"
# Nothing of the browser's own reaches for a network that may not be there.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAGES = sorted(p.relative_to(BUILT).as_posix() for p in BUILT.rglob("*.html"))
# Pages of sources are one template: every twentieth.
SOURCES = [p for p in PAGES if p.startswith("_modules/")]
LOOKED_AT = [p for p in PAGES if p not in SOURCES] + SOURCES[::20]
WIDTHS = (360, 1280)
TEN = (
    "index.html", "start.html", "trust.html", "laws/copying.html", "cards.html",
    "explorers/copying.html", "explorers/cards.html", "gallery/index.html",
    "equations/copying.html", "tutorials/copying.html", "api/jqd.evolve.html",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"there is no {CHROMIUM} here; CHROMIUM=PATH names another browser")
    with sync_playwright() as play:
        # The system's: none is downloaded.
        started = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


def watched(context):
    """A page that notes what goes wrong, and what it asks others for."""
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    page.on("console", lambda m: m.type == "error" and page.complaints.append(m.text))
    # whoever goes on to the next page stops what the last one still asks for
    page.on(
        "requestfailed",
        lambda r: (
            r.failure == "net::ERR_ABORTED"
            or page.complaints.append(f"failed: {r.url}")
        ),
    )
    page.on(
        "request",
        lambda r: (
            r.url.startswith(("file:", "data:", "blob:"))
            or page.complaints.append(f"request to {r.url}")
        ),
    )
    return page


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield watched(context)
    context.close()


@pytest.fixture(scope="module")
def shared(browser):
    """One page for what only looks."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield watched(context)
    context.close()


def go(page, name, end=""):
    page.goto(f"{BUILT.as_uri()}/{name}{end}")


def too_wide(page):
    return page.evaluate(
        "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
        " - document.documentElement.clientWidth"
    )


@pytest.mark.parametrize("name", LOOKED_AT)
def test_page_is_sound(shared, name):
    shared.complaints.clear()
    for width in WIDTHS:
        shared.set_viewport_size({"width": width, "height": 800})
        if width == WIDTHS[0]:
            go(shared, name)
        assert too_wide(shared) <= 0, f"{too_wide(shared)} px too wide at {width} px"
    assert shared.complaints == []
    assert shared.locator("img:not([alt]), img[alt='']").count() == 0
    for control in shared.locator("article input, article select").all():
        named = control.evaluate("e => e.labels.length > 0 || !!e.ariaLabel")
        assert named, control.evaluate("e => e.outerHTML")


def test_the_look_can_fail(page, tmp_path):
    """Negative control: what is wrong with a page is seen."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        '<!doctype html><link rel="stylesheet" href="https://font.invalid/a.css">'
        '<img src="a.png"><div style="width: 2000px">wide</div>'
        "<script>throw new Error('thrown')</script>"
    )
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(bad.as_uri())
    assert any("font.invalid" in said for said in page.complaints)
    assert any("thrown" in said for said in page.complaints)
    assert any("a.png" in said for said in page.complaints)
    assert too_wide(page) > 0
    assert page.locator("img:not([alt]), img[alt='']").count() == 1


# -- explorers -------------------------------------------------------------------------


def said(page):
    return page.locator(".explorer output").inner_text()


def test_explorers_have_jqds_numbers_here_too(page):
    """Chromium's exponentials are not those of node."""
    due = json.loads(explorer_numbers.NUMBERS.read_text())
    go(page, "explorers/design.html")
    one = due["copying"][1]
    rows = page.evaluate(
        "c => jqdCopying.evolve(jqdCopying.H, jqdCopying.psi0, c.q, c.r, c.T, c.saves,"
        " c.substeps).rows",
        one,
    )
    assert rows[-1] == pytest.approx(one["rows"][-1], abs=1e-12)
    pair = due["design"][0]["pairs"][0]
    errors = page.evaluate(
        "([d, i, j]) => { const F = jqdDesign.looks(jqdCopying.evolve(jqdCopying.H,"
        " jqdCopying.psi0, d.q, d.r, 6, 61, 8, true), d.epsilon);"
        " return jqdDesign.pair(F[i], F[j], d.shots, d.sd); }",
        [due["design"][0], *pair["looks"]],
    )
    # the matrix that is inverted has a condition of 1e4
    assert errors == pytest.approx(pair["errors"], rel=1e-8)
    go(page, "explorers/husimi.html")
    for want in due["husimi"]:
        rows = page.evaluate(
            "k => jqdHusimi.polar(k.radii, k.count, k.t, k.C, 1, -4, k.alpha0)"
            ".map(r => [...r])",
            want,
        )
        for got, row in zip(rows, want["values"], strict=True):
            assert got == pytest.approx(row, abs=1e-12)
    go(page, "explorers/slits.html")
    for want in due["slits"]:
        got = page.evaluate(
            "s => jqdSlits.pattern(s.x, s.t, s.D, s.d, 0.3, s.eta)", want
        )
        assert got == pytest.approx(want["P"], abs=1e-12)


def test_node_alarm_by_keyboard(page):
    go(page, "explorers/copying.html")
    assert "no node" in said(page)
    page.locator(".explorer [name=r]").focus()
    page.keyboard.press("End")  # r = 1/2: q + r > 0
    assert "NODE at t = " in said(page)
    assert page.locator(".explorer.alarm").count() == 1
    page.locator(".explorer [name=q]").focus()
    page.keyboard.press("Home")
    page.locator(".explorer [name=r]").focus()
    page.keyboard.press("Home")
    assert "no node" in said(page)


def test_quantum_mechanics_is_told_from_other_constants(page):
    go(page, "explorers/husimi.html")
    assert "C = 1.00, Ut = 1.00 π: quantum mechanics; nowhere negative." in said(page)
    page.locator("[name=C]").fill("1.3")
    assert "not quantum mechanics" in said(page)
    assert "negative in places" in said(page)
    go(page, "explorers/slits.html")
    assert "total variation from quantum mechanics 0.000" in said(page)
    page.locator("[name=eta]").fill("0")
    assert "total variation from quantum mechanics 0.000" not in said(page)


NEGATIVE = """() => {
  const pen = document.querySelector(".explorer canvas").getContext("2d");
  const at = pen.getImageData(50, 12, 390, 390).data, found = {plain: 0, dark: 0};
  for (let k = 0; k < at.length; k += 4) if (at[k] > at[k + 2] && at[k + 2] < 245)
    found[(255 - at[k]) / (255 - at[k + 2]) > 0.4 ? "dark" : "plain"] += 1;
  return found;
}"""


def test_a_negative_density_shows_without_colour(page):
    """Dark stripes, a quarter of its width: shades of (90, 40, 0) on (213, 94, 0)."""
    go(page, "explorers/husimi.html")
    assert page.evaluate(NEGATIVE) == {"plain": 0, "dark": 0}
    page.locator("[name=C]").fill("1.3")
    found = page.evaluate(NEGATIVE)
    assert found["plain"] > 100
    # whole stripes, cut off by the edges of the region
    assert found["dark"] / found["plain"] == pytest.approx(1 / 3, rel=0.5)


def test_kerr_redraws_quickly(page):
    """As it is dragged; a loaded machine has its best of twenty."""
    go(page, "explorers/husimi.html")
    times = []
    for step in range(20):
        page.locator("[name=t]").fill(str(0.05 * step))
        times.append(float(page.locator("#husimi-explorer").get_attribute("data-ms")))
    assert min(times) <= 50


def test_design_surface_answers_to_its_controls(page):
    go(page, "explorers/design.html")
    first = said(page)
    number = r"leave an error of (\w) of (\S+); the best pair, .*?, (\S+)\.$"
    constant, here, best = re.search(number, first).groups()
    assert constant == "q"
    assert float(here) >= float(best)
    page.locator("[name=shots]").fill("6")
    fewer = float(re.search(number, said(page))[3])
    # 100 times the shots, and a calibration that stays
    assert float(best) / 10 <= fewer < float(best)
    page.locator("[name=wanted]").select_option("r")
    assert re.search(number, said(page))[1] == "r"


def test_cards_of_two_laws(page):
    go(page, "explorers/cards.html", "#gisin[lam=0.1]")
    assert page.locator("[name=law]").input_value() == "gisin[lam=0.1]"
    assert said(page).startswith("gisin[lam=0.1]: ")
    page.locator("[name=beside]").select_option("schrodinger")
    differ = int(re.search(r"differ in (\d+) rows", said(page))[1])
    page.locator("[name=only]").check()
    assert page.locator(".explorer tbody tr").count() == differ > 0


def test_every_control_is_reached_by_keyboard(page):
    for name in ("copying", "husimi", "slits", "design", "cards"):
        go(page, f"explorers/{name}.html")
        controls = page.locator(".explorer input, .explorer select")
        wanted = [c.get_attribute("name") for c in controls.all()]
        controls.first.focus()
        reached = [wanted[0]]
        for _ in wanted[1:]:
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.name"))
        assert reached == wanted
        output = page.locator(".explorer output")
        assert output.get_attribute("aria-live") == "polite"
        assert len(output.inner_text()) > 20
        for picture in page.locator(".explorer canvas, .explorer .plot").all():
            if picture.get_attribute("role"):
                assert len(picture.get_attribute("aria-label")) > 20


# -- equations -------------------------------------------------------------------------


def test_ledger_filter(page):
    go(page, "equations/copying.html")
    rows = page.locator("table.ledger tbody tr")
    every = rows.count()
    for box in page.locator("[name=verdict]").all():
        box.set_checked(box.get_attribute("value") == "corrected")
    corrected = page.locator("table.ledger tbody tr:visible")
    count = page.locator("tr[data-verdict=corrected]").count()
    assert corrected.count() == count > 0
    form = page.locator("form.ledger-filter output")
    assert form.inner_text() == f"{count} of {every}"
    section = "3.4 open issues"
    page.locator("[name=section]").select_option(section)
    of_section = page.locator(
        f"tr[data-verdict=corrected][data-section='{section}']"
    ).count()
    assert corrected.count() == of_section
    assert 0 < of_section < count
    page.locator("[name=text]").fill("no such words")
    assert corrected.count() == 0


def test_equations_and_menus_work_without_script(browser):
    context = browser.new_context(java_script_enabled=False)
    page = watched(context)
    go(page, "equations/copying.html")
    rows = page.locator("table.ledger tbody tr")
    assert page.locator("table.ledger tbody tr:visible").count() == rows.count() > 100
    assert page.locator("form.ledger-filter").is_hidden()
    # an anchor that others cite
    assert page.locator("#copying-39").is_visible()
    go(page, "explorers/copying.html")
    assert "needs JavaScript" in page.locator(".explorer").inner_text()
    context.close()


# -- colours and reading aids ----------------------------------------------------------


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_no_barrier_on_ten_pages(browser, mode):
    """Serious and critical findings of axe-core, contrast among them."""
    if not AXE.exists():
        pytest.skip("axe-core is not there: `make docs-test` fetches it by npm")
    context = browser.new_context(
        color_scheme=mode, viewport={"width": 1280, "height": 900}
    )
    page, found = watched(context), {}
    for name in TEN:
        go(page, name)
        page.add_script_tag(path=AXE)
        run = page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations"
            ".filter(v => ['serious', 'critical'].includes(v.impact)).map(v => [v.id,"
            " v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))]))"
        )
        if run:
            found[name] = run
    context.close()
    assert found == {}


def test_pictures_are_white_cards_and_wide_ones_scroll(browser):
    """Their ink is dark; on a telephone they keep 44rem, and the page its width."""
    context = browser.new_context(
        color_scheme="dark", viewport={"width": 360, "height": 800}
    )
    page = watched(context)
    go(page, "index.html")
    picture = page.locator("article p > img[src*=first]")
    look = "e => [getComputedStyle(e).backgroundColor, e.offsetWidth, e.naturalWidth]"
    ground, wide, natural = picture.evaluate(look)
    assert ground == "rgb(255, 255, 255)"
    rem = page.evaluate(
        "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    )
    assert wide == pytest.approx(min(44 * rem, natural), abs=10)
    box = picture.locator("xpath=..")
    assert box.evaluate("e => e.scrollWidth > e.clientWidth && e.tabIndex === 0")
    assert too_wide(page) <= 0
    context.close()


def test_modes_differ_and_can_be_read(browser):
    """The background is light in one mode and dark in the other; text stands off it."""
    for mode, sign in (("light", 1), ("dark", -1)):
        context = browser.new_context(color_scheme=mode)
        page = watched(context)
        go(page, "laws/copying.html")
        back, ink = page.evaluate(
            "['backgroundColor', 'color'].map(k => getComputedStyle(document.body)[k])"
        )
        light = [sum(map(int, re.findall(r"\d+", c)[:3])) for c in (back, ink)]
        assert sign * (light[0] - light[1]) > 300
        context.close()
