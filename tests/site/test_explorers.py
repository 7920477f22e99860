"""The explorers' functions have jqd's numbers, in node."""

import json
import re
import subprocess
from pathlib import Path

import explorer_numbers
import numpy as np
import pytest
from katex_math import node

EXPLORERS = Path(__file__).resolve().parents[2] / "docs" / "_static" / "explorers"
# Sums of a few hundred terms in another order, and exponentials of another library.
ROUNDING = 1e-12
PROGRAM = """
const fs = require("fs"), vm = require("vm");
global.window = globalThis;
const [folder, numbers] = process.argv.slice(1);
for (const name of ["copying", "husimi", "slits", "design", "cards"])
  vm.runInThisContext(fs.readFileSync(`${folder}/${name}.js`, "utf8"));
const N = JSON.parse(fs.readFileSync(numbers)), { H, psi0, evolve } = jqdCopying;
const cards = JSON.parse(fs.readFileSync(`${folder}/../../cards.json`)).laws;
const list = (rows) => rows.map((row) => (row ? [...row] : null));
console.log(JSON.stringify({
  copying: N.copying.map((c) => {
    const run = evolve(H, psi0, c.q, c.r, c.T, c.saves, c.substeps, true);
    const slopes = (s) => run.derivatives.map((d) => d && d[s]);
    return { rows: run.rows, dq: slopes(0), dr: slopes(1), node: run.node };
  }),
  husimi: N.husimi.map((k) =>
    list(jqdHusimi.polar(k.radii, k.count, k.t, k.C, 1, -4, k.alpha0))),
  slits: N.slits.map((s) => jqdSlits.pattern(s.x, s.t, s.D, s.d, 0.3, s.eta)),
  design: N.design.filter((d) => d.F).map((d) => {
    const F = jqdDesign.looks(evolve(H, psi0, d.q, d.r, 6, 61, 8, true), d.epsilon);
    const errors = d.pairs.map(({ looks: [i, j] }) =>
      jqdDesign.pair(F[i], F[j], d.shots, d.sd));
    return { F: list(F), errors };
  }),
  spacing: jqdSlits.spacing(5, 0.5, 3, 0.3),
  cards: Object.fromEntries(Object.entries(cards).map(([name, card]) => [name, {
    margins: Object.values(card.rows).map(jqdCards.margin),
    words: Object.values(card.rows).map(jqdCards.words),
    count: jqdCards.count(card),
  }])),
  differences: jqdCards.differences(
    cards["schrodinger"], cards["gross_pitaevskii[g=0.3]"]),
}));
"""


def run(folder=EXPLORERS):
    done = subprocess.run(
        [node(), "-e", PROGRAM, str(folder), str(explorer_numbers.NUMBERS)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def due(site):
    return json.loads(explorer_numbers.NUMBERS.read_text())


@pytest.fixture(scope="module")
def found(due):
    return run()


def array(rows):
    """Rows as numbers, a missing row or number as NaN."""
    width = max(len(row) for row in rows if row is not None)
    return np.array([[np.nan] * width if r is None else r for r in rows], float)


def assert_alike(got, want, *, after=None, scale=1.0):
    got, want = array(got), array(want)
    if after is not None:  # slopes of rows that were not reached are of no use
        got, want = got[: after + 1], want[: after + 1]
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_allclose(got, want, rtol=0, atol=ROUNDING * scale)


def test_the_numbers_are_of_this_jqd(due):
    assert due["state"] == explorer_numbers.state()


def test_copies(found, due):
    nodes = 0
    for got, want in zip(found["copying"], due["copying"], strict=True):
        assert_alike(got["rows"], want["rows"])
        reached = sum(row is not None for row in got["rows"]) - 1
        for slope in ("dq", "dr"):
            assert_alike(got[slope], want[slope], after=reached)
        assert (got["node"] is None) == (want["node"] is None)
        if want["node"] is not None:
            assert got["node"] == pytest.approx(want["node"], abs=ROUNDING)
            nodes += 1
    assert 2 <= nodes < len(due["copying"])


def test_husimi_functions(found, due):
    for got, want in zip(found["husimi"], due["husimi"], strict=True):
        assert_alike(got, want["values"])


def test_two_slits(found, due):
    for got, want in zip(found["slits"], due["slits"], strict=True):
        assert_alike([got], [want["P"]])
    # λL/d of the far field: h t/(m d) = 2π ħ t/d, and the packet's own width
    assert found["spacing"] == pytest.approx(2 * np.pi * 5 / 3, rel=0.01)


def test_designs(found, due):
    *designs, fisher = due["design"]
    for got, want in zip(found["design"], designs, strict=True):
        assert_alike(got["F"], want["F"], scale=np.abs(want["F"]).max())
        for errors, pair in zip(got["errors"], want["pairs"], strict=True):
            # the matrix that is inverted has a condition of 1e4
            assert errors == pytest.approx(pair["errors"], rel=1e4 * ROUNDING)
    # `jqd.fisher` halves the steps until derivatives settle to 1e-4, and an error is
    # what is left where two of them nearly cancel
    first = found["design"][0]["errors"][0][:2]
    assert designs[0]["pairs"][0]["looks"] == fisher["looks"]
    assert first == pytest.approx(fisher["fisher"], rel=1e-3)


# Rows whose verdict is no matter of floors.
OWN_RULE = ("stability", "identifiability")


def test_cards(found):
    from collections import Counter

    stored = json.loads((EXPLORERS.parents[1] / "cards.json").read_text())["laws"]
    for name, card in stored.items():
        rows, got = card["rows"].values(), found["cards"][name]
        assert got["count"] == Counter(row["verdict"] for row in rows)
        for row, margin, words in zip(rows, got["margins"], got["words"], strict=True):
            assert words.startswith(row["verdict"])
            if row["figure"] and row["floor"]:
                decades = np.log10(abs(row["figure"]) / row["floor"])
                assert margin == pytest.approx(decades, abs=ROUNDING)
                if row["verdict"] == "holds" and row["name"] not in OWN_RULE:
                    assert margin <= 1 + ROUNDING  # within 10 floors
            else:
                assert margin is None
            if row["verdict"] == "fails" and row["figure"] is not None:
                told = float(words.removeprefix("fails, "))
                assert told == pytest.approx(row["figure"], rel=0.05)
    assert {"homogeneity", "superposition"} <= set(found["differences"])
    assert "norm" not in found["differences"]


MUTATIONS = [
    ("copying.js", "re += plus * Br + minus * cr", "re += plus * Br - minus * cr"),
    ("copying.js", "(q - 0.5) * dL", "(q + 0.5) * dL"),
    ("copying.js", "2 * s * Math.log(cosine) <= 0", "2 * s * Math.log(cosine) >= 0"),
    ("husimi.js", "radius * (s / C - s)", "radius * (s / C + s)"),
    ("slits.js", "+ 2 * eta * both", "- 2 * eta * both"),
    ("design.js", "all - p[b]", "all + p[b]"),
    (
        "cards.js",
        "Math.abs(row.figure) / row.floor",
        "row.floor / Math.abs(row.figure)",
    ),
]


@pytest.mark.parametrize(
    ("name", "right", "wrong"), MUTATIONS, ids=lambda m: str(m)[:30]
)
def test_a_wrong_sign_shows(name, right, wrong, due, tmp_path):
    """The tests above fail where a law in a page has one sign wrong."""
    folder = tmp_path / "_static" / "explorers"
    folder.mkdir(parents=True)
    (tmp_path / "cards.json").write_text(
        (EXPLORERS.parents[1] / "cards.json").read_text()
    )
    for script in EXPLORERS.glob("*.js"):
        text = script.read_text("utf-8")
        if script.name == name:
            assert text.count(right) == 1
            text = text.replace(right, wrong)
        (folder / script.name).write_text(text, "utf-8")
    got = run(folder)
    checks = (test_copies, test_husimi_functions, test_two_slits, test_designs)
    failed = []
    for check in checks:
        try:
            check(got, due)
        except AssertionError:
            failed.append(check.__name__)
    try:
        test_cards(got)
    except AssertionError:
        failed.append("test_cards")
    assert failed


def test_scripts_are_classic():
    """Modules do not load from file://."""
    for script in EXPLORERS.glob("*.js"):
        text = script.read_text("utf-8")
        assert '"use strict"' in text
        assert not re.search(r"^\s*(import|export)\b", text, re.M)
