"""The registry of the thermalization paper has its equations, claims and misprints."""

import pytest

from jqd.papers import registry

ENTRIES = {entry.number: entry for entry in registry.load("thermalization")}


def test_numbered_equations_come_first():
    numbers = list(ENTRIES)
    assert numbers[:3] == ["1", "2", "3"]
    rest = [n.split("-")[0] for n in numbers[3:]]
    # claims, then misprints, then what fits can tell
    assert rest == sorted(rest)
    assert set(rest) == {"claim", "erratum", "fit"}


@pytest.mark.parametrize(
    ("letter", "last"), [("A", 10), ("B", 5), ("C", 10)], ids=["solid", "gas", "tower"]
)
def test_claims_are_all_there(letter, last):
    for n in range(1, last + 1):
        assert f"claim-{letter}{n}" in ENTRIES


def test_misprints_are_corrected():
    errata = [e for number, e in ENTRIES.items() if number.startswith("erratum-")]
    assert len(errata) == 18
    assert all(entry.verdict == "corrected" for entry in errata)
