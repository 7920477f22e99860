"""The table of bounds, a row each, and what may be stated of it."""

import math
from pathlib import Path

import numpy as np
import pytest

import jqd
from jqd.inference.bounds import constants
from jqd.inference.bounds.entries import published
from jqd.inference.bounds.mappings import (
    copies_of_infidelity,
    diffusion_of_inverse_alpha,
    exponent_of_infidelity,
)
from jqd.inference.bounds.table import NOT_READ, table_of
from jqd.inference.bounds.words import outward

ROWS = {
    # entry, constant: estimate, its standard error, limit, whether it takes part
    ("calcium_gate", "q"): (2.5893e-4, None, 3.106e-4, True),
    ("calcium_gate", "r"): (None, None, None, False),
    ("calcium_gate", "N"): (2.87e7, None, 1.95e7, True),
    ("ytterbium_coherence", "N"): (2.791e13, None, 2.323e13, False),
    ("photon_singles", "q"): (0.02347, None, 0.05245, False),
    ("photon_singles", "r"): (0.01272, None, 0.02843, False),
    ("superconducting_bell", "q"): (None, None, None, False),
    ("superconducting_bell", "r"): (None, None, None, False),
    ("rubidium_recoil", "D"): (-5.84e-10, 2.71e-10, 1.116e-9, True),
    ("caesium_recoil", "D"): (1.751e-9, 4.51e-10, 2.635e-9, True),
    ("neutron_recoil", "D"): (-1.8e-7, 0.76e-7, 3.29e-7, False),
    ("kerr_revival", "C"): (None, None, None, False),
    # as printed
    ("neutron_fresnel", "logarithmic.b"): (None, None, 3.3e-15, True),
    ("beryllium_frequency", "weinberg.eps"): (None, None, 2.4e-20, False),
    ("mercury_frequency", "weinberg.eps"): (None, None, 1.58e-20, False),
    ("lisa_pathfinder_csl", "csl.lam"): (None, None, 2.96e-8, False),
    ("csl_2024", "csl.lam"): (None, None, 8.3e-11, True),
    ("majorana_csl", "csl.lam"): (None, None, 4.94e-15, False),
    ("xenonnt_csl", "csl.lam"): (None, None, 3.7e-17, False),
    ("gravity_collapse", "diosi_penrose.R0"): (None, None, 5.4e-11, False),
    ("lisa_pathfinder_diosi_penrose", "diosi_penrose.R0"): (
        None,
        None,
        4.01e-14,
        False,
    ),
    ("majorana_diosi_penrose", "diosi_penrose.R0"): (None, None, 2.54e-10, False),
    ("xenonnt_diosi_penrose", "diosi_penrose.R0"): (None, None, 4.5e-10, False),
    ("nonlinear_field", "kaplan_rajendran.eps"): (None, None, 5.4e-12, True),
    ("radio_frequency_field", "kaplan_rajendran.eps"): (None, None, 1.15e-12, True),
}
SILENT = "confidence not stated"
PRINTED = {
    # bound in words, confidence, a word of what it assumes
    "neutron_fresnel": ("b < 3.3e-15 eV", SILENT, "one-particle"),
    "beryllium_frequency": ("|eps| < 2.4e-20 eV", SILENT, "eps n a^2"),
    "mercury_frequency": ("|eps| < 1.58e-20 eV", SILENT, "eps n a^2"),
    "lisa_pathfinder_csl": ("lambda <= 2.96e-08 s^-1", SILENT, "white noise"),
    "csl_2024": ("lambda <= 8.3e-11 s^-1", SILENT, "r_C = 1e-7 m"),
    "majorana_csl": ("lambda <= 4.94e-15 s^-1", SILENT, "couples to mass"),
    "xenonnt_csl": ("lambda < 3.7e-17 s^-1", "95 %", "couples to mass"),
    "gravity_collapse": ("R0 > 5.4e-11 m", "95 %", "smeared"),
    "lisa_pathfinder_diosi_penrose": ("R0 > 4.01e-14 m", SILENT, "smeared"),
    "majorana_diosi_penrose": ("R0 > 2.54e-10 m", "95 %", "white noise"),
    "xenonnt_diosi_penrose": ("R0 > 4.5e-10 m", "95 %", "8 pi"),
    "nonlinear_field": ("eps_gamma < 5.4e-12", SILENT, "dilute"),
    "radio_frequency_field": ("eps_gamma < 1.15e-12", "90 %", "side by side"),
}


def near(value):
    # the three digits that the table of published numbers has
    return value if value is None else pytest.approx(value, rel=5e-3)


def test_every_row():
    rows = jqd.bounds().rows
    assert {(r.published.name, r.claim.constant) for r in rows} == set(ROWS)
    assert len(rows) == len(ROWS)
    for row in rows:
        estimate, sd, limit, part = ROWS[row.published.name, row.claim.constant]
        assert row.estimate == near(estimate)
        assert row.sd == near(sd)
        assert row.limit == near(limit)
        assert row.takes_part is part


def test_exponents_of_an_infidelity():
    assert exponent_of_infidelity(1.5e-7, 0) == pytest.approx(2.5893e-4, rel=1e-3)
    assert exponent_of_infidelity(2.3e-7, 0) == pytest.approx(3.206e-4, rel=1e-3)
    assert exponent_of_infidelity(1.5e-7, 1) is None


def test_copies_of_an_infidelity():
    for infidelity in (1.5e-7, 2.158e-7, 1e-3, 0.08):
        N = copies_of_infidelity(infidelity)
        assert math.log(N) / (4 * N) == pytest.approx(infidelity, rel=1e-12)
        # the larger of the two numbers that lose so much
        assert N > 3
    # (ln N)/4N is 1/4e at most
    assert copies_of_infidelity(0.0921) is None
    assert copies_of_infidelity(2.158e-7) == pytest.approx(1.9e7, rel=0.05)


def test_diffusion_of_alpha_is_first_order():
    """α² ∝ D: exactly (1/α_ref)²/(1/α)² - 1, here to 1e-10 of itself."""
    one, other = 137.035999206, 137.035999166
    exact = (np.longdouble(other) / np.longdouble(one)) ** 2 - 1
    # the difference of the numbers keeps seven digits
    assert diffusion_of_inverse_alpha(one, other) == pytest.approx(
        float(exact), rel=1e-6
    )


def test_rubidium_and_caesium_disagree_and_the_weaker_is_stated():
    found = jqd.bounds("D")
    (stated,) = found.stated("D")
    assert stated.published.name == "caesium_recoil"
    (sentence,) = found.statements
    assert sentence.startswith("D: |D/D_QM - 1| < 2.7e-09 (95 %)")
    assert "5.5 standard deviations apart and are not combined" in sentence
    assert "1.2e-09 from 1/alpha from h/m of Rb" in sentence


def test_what_was_not_read_stands_apart_and_is_not_stated():
    found = jqd.bounds()
    unread = [row for row in found.rows if not row.read]
    assert found.rows[-len(unread) :] == tuple(unread)
    numbers = {row.published.name for row in unread if not row.printed}
    assert numbers == {
        "neutron_recoil",
        "kerr_revival",
        "photon_singles",
        "superconducting_bell",
        "ytterbium_coherence",
    }
    assert all(str(row).endswith(NOT_READ) for row in unread)
    assert not any("of the neutron" in sentence for sentence in found.statements)
    # a tighter number that was not read changes nothing
    entries = dict(published())
    tight = entries["neutron_recoil"]._replace(
        number=entries["neutron_mass"].number, sd=1e-20
    )
    entries["neutron_recoil"] = tight
    assert table_of(entries, "D").statements == jqd.bounds("D").statements
    # nor does a number that was read, compared with one that was not
    entries["neutron_recoil"] = tight._replace(read_in_text=True)
    assert table_of(entries, "D").statements == jqd.bounds("D").statements
    # read as well, it is stated beside the others: its assumptions are not theirs
    mass = entries["neutron_mass"]
    entries["neutron_mass"] = mass._replace(read_in_text=True)
    assert len(table_of(entries, "D").statements) == 2


def test_no_bound_is_said_with_its_reason():
    (told,) = jqd.bounds("r").statements
    assert told.startswith("r: no bound: resonant pi/2")
    assert "two maximally entangled qubits send no signal" in told
    # a number that was not read bounds r in the table alone
    assert NOT_READ in told
    assert jqd.bounds("r").stated("r") == ()
    assert "U C alone" in jqd.bounds("C").statements[0]
    assert jqd.bounds("C").stated("C") == ()


def test_a_number_without_error_bounds_nothing():
    entries = dict(published())
    entries["rubidium_recoil"] = entries["rubidium_recoil"]._replace(sd=None)
    rows = {r.published.name: r for r in table_of(entries, "D").rows}
    assert rows["rubidium_recoil"].limit is None
    assert not rows["rubidium_recoil"].takes_part


def test_words():
    told = str(jqd.bounds())
    for part in (
        "All of the error is attributed to the constant",
        "assumed that no other error cancels",
        "No bound on q, r, N, D or C from experiments was known to us before.",
        "are as printed in their sources",
        "95 %, one-sided, order of magnitude only",
        "[M. C. Smith et al., arXiv:2412.04421 (2024)]",
    ):
        assert part in told
    assert len(jqd.bounds("q").rows) == 3
    assert "D/D_QM" not in str(jqd.bounds("q"))
    own, rivals = constants()[:5], constants()[5:]
    assert own == ("q", "r", "N", "D", "C")
    assert all("." in name for name in rivals)
    assert "as printed" not in str(jqd.bounds("q"))
    assert "All of the error" not in str(jqd.bounds("logarithmic.b"))


def test_limits_are_as_printed_with_what_they_assume():
    rows = {row.published.name: row for row in jqd.bounds().rows if row.printed}
    assert set(rows) == set(PRINTED)
    for name, (told, level, assumed) in PRINTED.items():
        row = rows[name]
        assert (row.told, row.level) == (told, level)
        assert assumed in row.assumed
        assert row.published.source in str(row)
        # what is in no sentence is in the row
        assert (assumed in str(row)) is not row.read


def test_limits_of_the_same_assumptions_each_stand_for_themselves():
    entries = {
        name: entry._replace(read_in_text=True) for name, entry in published().items()
    }
    found = table_of(entries, "diosi_penrose.R0")
    assert found.rows[0].claim.assumptions == found.rows[1].claim.assumptions
    assert {row.limit for row in found.stated("diosi_penrose.R0")} == {
        5.4e-11,
        4.01e-14,
        2.54e-10,
        4.5e-10,
    }
    assert len(found.statements) == 4
    assert not any("apart" in sentence for sentence in found.statements)


def test_limits_in_other_units_than_those_of_their_sources():
    """λ/r_C² times r_C² for r_C of a tenth of a micrometre; h times a frequency."""
    entries = published()
    assert entries["majorana_csl"].number == pytest.approx(0.494 * 1e-7**2)
    assert entries["xenonnt_csl"].number == pytest.approx(3.7e-3 * 1e-7**2)
    # 6.62607015e-34 J s x 3.8e-6 Hz / 1.602176634e-19 J = 1.5716e-20, rounded up
    exact = 6.62607015e-34 * 3.8e-6 / 1.602176634e-19
    assert exact < entries["mercury_frequency"].number < 1.01 * exact


def test_a_constant_that_nothing_can_bound():
    found = jqd.bounds("doebner_goldin.D")
    assert found.rows == found.notes == ()
    (sentence,) = found.statements
    assert sentence.startswith("doebner_goldin.D: no bound: on the linearisable line")
    # nor where the files say nothing
    (sentence,) = table_of({}, "csl.lam").statements
    assert sentence == "csl.lam: no bound: no published number speaks of it."


def test_limits_are_rounded_to_their_safe_side():
    assert outward(2.631e-9, "<") == "2.7e-09"
    assert outward(1.95e7, ">") == "1.9e+07"
    assert outward(2.5e-4, "<") == "0.00025"
    assert outward(284817.0, ">", 4) == "2.848e+05"


@pytest.mark.parametrize("wrong", ["z", ""])
def test_an_unknown_constant_is_refused_with_those_there_are(wrong):
    with pytest.raises(ValueError, match=r"`constant` must be one of q, r, N, D, C"):
        jqd.bounds(wrong)


@pytest.mark.parametrize("wrong", [3, ["q"]])
def test_what_is_no_name_is_refused(wrong):
    with pytest.raises(ValueError, match=r"`constant` must be the name of a constant"):
        jqd.bounds(wrong)


def test_the_page_of_docs_has_these_figures():
    root = Path(__file__).resolve().parents[3]
    page = (root / "docs" / "bounds.md").read_text(encoding="utf-8")
    for figure, row in (("3.2e-4", "q"), ("1.9e7", "N"), ("2.7e-9", "D")):
        assert f"{float(figure):.2g}" in jqd.bounds(row).statements[0]
        assert figure in page
    for row in jqd.bounds().rows:
        if row.published.name in ("ytterbium_coherence", "photon_singles"):
            told = row.told.replace("e+", "e").replace("|", "\\|")
            (line,) = (x for x in page.splitlines() if x.endswith(f" {told} | no |"))
            assert line.startswith(f"| {row.claim.constant} | ")
        if row.printed:
            marks = f"| `{row.claim.constant}` | ", row.published.source
            (line,) = (x for x in page.splitlines() if all(m in x for m in marks))
            assert line.endswith("| yes |" if row.read else "| no |")
