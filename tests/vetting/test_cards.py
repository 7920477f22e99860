"""The card of every law of the library, as `jqd vet all` stored it in docs/."""

import json
import re
from pathlib import Path

import pytest

import jqd
from jqd.cli.vet import _laws
from jqd.vetting import ROWS

DOCS = Path(__file__).parents[2] / "docs"
STORED = json.loads((DOCS / "cards.json").read_text(encoding="utf-8"))["laws"]
SHORT = {"holds": "holds", "fails": "fails", "not applicable": "-", "not decided": "?"}


def test_every_law_has_a_card_and_no_row_is_left_open():
    assert list(STORED) == list(_laws("all", None, ()))
    for card in STORED.values():
        assert tuple(card["rows"]) == ROWS
        for row in card["rows"].values():
            # what ended the law does so with any steps
            ended = row["figure"] is None and "the law ended" in row["note"]
            assert row["verdict"] != "not decided" or ended


def test_the_tables_of_the_docs_are_these_cards():
    text = (DOCS / "vet.md").read_text(encoding="utf-8")
    shown = set()
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.M):
        lines = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in block.splitlines()
        ]
        if lines[0][0] != "property":
            continue
        laws = [cell.strip("`") for cell in lines[0][1:]]
        shown |= set(laws)
        assert [line[0] for line in lines[2:]] == list(ROWS)
        for name, *cells in lines[2:]:
            for law, cell in zip(laws, cells, strict=True):
                row = STORED[law]["rows"][name]
                told = SHORT[row["verdict"]]
                if told == "fails" and row["figure"] is not None:
                    told += f" {row['figure']:.2g}"
                assert cell == told, (law, name)
    assert shown == set(STORED)


def test_the_table_of_signals_is_that_of_these_cards():
    """The laws that have a card; what is said of families is derived elsewhere."""
    text = (DOCS / "guide" / "no_signals.md").read_text(encoding="utf-8")
    header = "| law | Hamiltonian | rotation | measurement |"
    table = text[text.index(header) :].partition("\n\n")[0]
    shown = {}
    for line in table.splitlines()[2:]:
        law, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        shown[law.strip("`")] = cells[:3]
    names = ["signal by a distant " + of for of in ("Hamiltonian", "rotation")]
    names.append("signal by a distant measurement")
    known = {law: STORED[law]["rows"] for law in shown if law in STORED}
    assert len(known) == len(shown) - 1
    for law, rows in known.items():
        for name, cell in zip(names, shown[law], strict=True):
            row = rows[name]
            told = SHORT[row["verdict"]]
            figure = "" if row["figure"] is None else f" {row['figure']:.2g}"
            assert cell == told + (figure if told == "fails" else "")
        # what a measurement needs: products stay, and superposition fails
        assert rows["separability"]["verdict"] == "holds"
        assert rows["superposition"]["verdict"] == "fails"


def test_what_fails_of_laws_that_are_known():
    """Dephasing superposes whatever it loses; a cubic term is no sum over parts."""
    always = {"norm", "gradients", "nodes", "identifiability"}
    holds = {
        "gross_pitaevskii[g=0.3]": {"energy"},
        "gisin[lam=0.1]": {"stationary states", "separability"},
        "dephasing[gamma=0.1]": {"superposition", "mimicked by decoherence"},
        "logarithmic[b=0.2]": {"composability", "homogeneity", "time reversal"},
    }
    fails = {
        "gross_pitaevskii[g=0.3]": {"homogeneity", "separability", "composability"},
        "gisin[lam=0.1]": {"time reversal", "mimicked by decoherence"},
        "dephasing[gamma=0.1]": {"time reversal"},
        "logarithmic[b=0.2]": set(),
    }
    for name, own in holds.items():
        said = {row: one["verdict"] for row, one in STORED[name]["rows"].items()}
        assert {said[row] for row in always | own} == {"holds"}
        assert {said[row] for row in fails[name]} <= {"fails"}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(STORED))
def test_each_law_is_as_its_card_says(name, monkeypatch):
    """Verdicts again, with one search for each worst case, of a fifth of its rounds.

    What fails does so by many floors, at the first kets already; what holds has been
    searched for the card.
    """
    monkeypatch.setattr("jqd.vetting.search.ROUNDS", 8)
    (law,) = _laws(name, None, ()).values()
    card = jqd.vet(law, tries=1)
    found = {row.name: str(row.verdict) for row in card.rows.values()}
    rows = STORED[name]["rows"]
    assert found == {row: stored["verdict"] for row, stored in rows.items()}
    # figures that need no search are the same, to what halved steps change
    for row in ("quantum mechanics", "signal by a distant Hamiltonian", "energy"):
        figure, floor = rows[row]["figure"], rows[row]["floor"]
        if figure is not None:
            assert card.rows[row].figure == pytest.approx(figure, abs=10 * floor)
