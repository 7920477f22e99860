"""Every set-up has each verb, or `jqd` says why it has not; `jqd laws` lists laws."""

import jax.numpy as jnp
import numpy as np
import pytest
import typer

from jqd import constants, laws
from jqd.cli import app, main
from jqd.cli.law_words import (
    PHASE_SPACE,
    POPULATIONS,
    Wanted,
    law_of_populations,
)
from jqd.cli.laws import command_for
from jqd.cli.setups import REASONS, SETUPS, VERBS
from jqd.cli.vet_laws import KNOWN

GROUPS = ("simulate", "recover", "design", "sweep", "sample")
# of `jqd sweep`, beside its set-ups
OF_SWEEPS = {"run", "work", "status"}


@pytest.fixture(scope="module")
def commands():
    return dict(typer.main.get_command(app).commands)


def test_every_cell_is_a_command_or_a_reason(commands):
    for verb in VERBS:
        for setup in SETUPS:
            there = command_for(verb, setup, commands) is not None
            assert there != (setup in REASONS.get(verb, {})), (verb, setup)
    assert command_for("design", "copying", commands) == "design copying"
    assert command_for("posterior", "law", commands) == "recover law --posterior"
    assert command_for("compare", "law", commands) == "compare --laws FILE.py:NAME"


def test_the_table_has_every_command_of_a_verb(commands):
    """A new set-up is a row, and says of each verb why it does not take it."""
    registered = {name for verb in GROUPS for name in commands[verb].commands}
    assert registered - OF_SWEEPS == set(SETUPS)
    assert {*GROUPS, "posterior", "compare"} == set(VERBS)
    # what begins with `jqd recover` is nobody's refusal
    assert set(REASONS) == set(VERBS) - {"recover"}


CELLS = [
    (verb, setup, why) for verb, whys in REASONS.items() for setup, why in whys.items()
]


def asked(verb, setup):
    """The command that one would try."""
    return {
        "posterior": ["recover", setup, "--posterior"],
        "compare": ["compare", "--laws", f"schrodinger,{setup}[x]"],
    }.get(verb, [verb, setup])


@pytest.mark.parametrize(("verb", "setup", "why"), CELLS)
def test_a_cell_without_a_command_says_why(verb, setup, why, capsys):
    assert main(asked(verb, setup)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ")
    assert err.rstrip().endswith(f": {why}.")


def test_other_words_keep_their_errors(capsys):
    """A typing error is no set-up, and a file of a sweep no refusal."""
    assert main(["recover", "towr"]) == 2
    assert "Did you mean 'tower'?" in capsys.readouterr().err
    assert main(["sweep", "no_such_file.py", "--out", "nowhere.zarr"]) == 2
    assert "There is no `jqd" not in capsys.readouterr().err
    assert main(["vet", "tower"]) == 2
    assert "jqd compare" not in capsys.readouterr().err


@pytest.mark.parametrize("name", POPULATIONS)
def test_a_law_by_its_name_has_the_constants_that_are_given(name):
    """Those that are not given are those of quantum mechanics."""
    H = jnp.diag(jnp.arange(3.0))
    given = dict(zip(POPULATIONS[name], (0.2, 0.3), strict=False))
    made = law_of_populations(Wanted(name, (), given), H)
    for one, value in given.items():
        np.testing.assert_array_equal(constants.pack(made, one), value)
    made = law_of_populations(Wanted(name, (), {}), H)
    for one in given:
        quantum = constants.quantum_values(made)[one]
        np.testing.assert_array_equal(constants.pack(made, one), quantum)


def test_laws_are_listed(printed):
    assert main(["laws", "--json"]) == 0
    found = {row["name"]: row for row in printed("laws")["laws"]}
    assert set(found) == {*POPULATIONS, *PHASE_SPACE, *KNOWN}
    # the values at which each is quantum mechanics, by hand
    quantum = {name: row["constants"] for name, row in found.items()}
    assert quantum["copying"] == {"q": 0.5, "r": -0.5}
    assert quantum["husimi"]["C"] == 1.0
    assert quantum["schrodinger"] == {}
    assert quantum["csl"] == {"lam": 0.0, "r_C": None}
    one = ("logarithmic", "gross_pitaevskii", "weinberg", "gisin", "beretta")
    for name in (*one, "dephasing", "qmupl"):
        assert list(quantum[name].values()) == [0.0]
    # hbar/2m with hbar = m = 1
    np.testing.assert_allclose(quantum["diffusion"]["D"], 0.5, rtol=1e-12)
    for row in found.values():
        room, _, name = row["python"].rpartition(".")
        assert room == "jqd.laws"
        assert callable(getattr(laws, name))
    assert found["csl"]["python"] == "jqd.laws.CSL"  # a function
    assert found["husimi"]["python"] == "jqd.laws.HusimiFokkerPlanck"
    assert found["copying"]["commands"] == [
        "recover copying", "recover law", "compare", "vet",
    ]  # fmt: skip
    assert found["loss"]["commands"] == ["compare"]


def test_laws_are_printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["laws"]) == 0
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    (line,) = [one for one in out.splitlines() if one.startswith("copying ")]
    assert "q = 0.5, r = -0.5" in line
    assert "CopyDynamics" in line
    assert "FILE.py:NAME" in out
