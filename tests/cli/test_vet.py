"""`jqd vet`: a card, cards side by side, JSON, bad input in one line."""

import numpy as np
import pytest

from jqd.cli import main

LAWS = "schrodinger,gisin[lam=0.1]"


def test_a_card(capsys, tmp_path):
    path = tmp_path / "H.npy"
    np.save(path, np.array([[0.3, 0.5], [0.5, -0.3]]))
    words = ["gross_pitaevskii[g=0.3]", "--hamiltonian", str(path), "--quick"]
    rows = "norm,composability,signal by a distant measurement"
    assert main(["vet", *words, "--rows", rows]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].startswith("gross_pitaevskii[g=0.3], t = 2")
    assert "of 8 products" in " ".join(out.split())
    assert out.count("fails") == 2


def test_cards_side_by_side(capsys, printed):
    words = ["vet", LAWS, "--quick", "--rows", "norm,time reversal,gauge"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    (norm,) = (line.split("┃")[0] for line in lines if line.startswith("norm"))
    assert norm.count("holds") == 2
    (reversal,) = (line for line in lines if line.startswith("time reversal"))
    assert "fails 0." in reversal
    assert main([*words, "--json"]) == 0
    found = printed("vet")["laws"]
    assert list(found) == LAWS.split(",")
    row = found["gisin[lam=0.1]"]["rows"]["time reversal"]
    assert row["verdict"] == "fails"
    assert row["figure"] > 100 * row["floor"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["copying[q]"], "`LAWS` must give q a value, as in copying[q=0.4]"),
        (["bohm"], "`LAWS` must name laws out of beretta, copying"),
        (["husimi[C=0.9]"], "`LAWS` must be of a matrix"),
        (["gisin[x=1]"], "`LAWS` must name constants of gisin"),
        (["schrodinger", "--rows", "beauty"], "`--rows` must be one of norm"),
        (["schrodinger", "--time", "-1"], "`time` must be positive"),
        (["schrodinger", "--steps", "0"], "`steps` must be a positive integer"),
        (["schrodinger", "--hamiltonian", "nowhere.npy"], "nowhere.npy"),
    ],
)
def test_bad_input(words, said, capsys):
    assert main(["vet", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
