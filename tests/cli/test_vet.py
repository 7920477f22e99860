"""`jqd vet`: a card, cards side by side, JSON, bad input in one line."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from jqd import constants, report
from jqd.cli import main
from jqd.cli.vet import _laws

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


def test_the_folder_is_not_overwritten(capsys, tmp_path):
    words = ["vet", LAWS, "--quick", "--rows", "norm", "--out", str(tmp_path / "run")]
    for folder in ("run", "run-2"):
        assert main(words) == 0
        assert folder in capsys.readouterr().out.replace("\n", "")
        files = {file.name for file in (tmp_path / folder).glob("[!.]*")}
        assert files == {"summary.json", "cards.png", "cards.svg"}
    found = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert list(found["laws"]) == LAWS.split(",")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["copying[q]"], "`LAWS` must give q a value, as in copying[q=0.4]"),
        (["bohm"], "`LAWS` must name laws out of beretta, copying"),
        (["loss[gamma=0.1]"], "`LAWS` must not name loss"),
        (["gisin[x=1]"], "`LAWS` must name constants of gisin"),
        (
            ["diffusion", "--set", "friction=1"],
            "`--set` must set constants of diffusion, out of D, but 'friction' was",
        ),
        (["madelung", "--set", "D=1"], "out of none, but 'D' was given"),
        (["csl[lam=1]", "--set", "lam=1"], "`--set` must not set 'lam', which stands"),
        (["all", "--set", "D=1"], "`LAWS` must be one law beside `--set`, but 'all'"),
        (["schrodinger", "--rows", "beauty"], "`--rows` must be one of norm"),
        (["schrodinger", "--time", "-1"], "`--time` must be positive"),
        (["schrodinger", "--steps", "0"], "`--steps` must be a positive integer"),
        (["schrodinger", "--hamiltonian", "nowhere.npy"], "nowhere.npy"),
        (["schrodinger", "--hamiltonian", "one.npy"], "must have two levels or more"),
        (
            ["own.py:make"],
            "`LAWS` must name what makes a jqd.Law, but own.py:make makes",
        ),
    ],
)
def test_bad_input(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("one.npy", np.eye(1))
    Path("own.py").write_text("def make(H):\n    return 3\n")
    assert main(["vet", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_laws_on_their_own_ground_take_values_by_set():
    """As they do in brackets: on a ring, of a mode, and with two constants."""
    for word, given in {
        "diffusion": {"D": 0.45}, "csl": {"lam": 0.1, "r_C": 0.5}, "husimi": {"C": 0.9},
    }.items():  # fmt: skip
        texts = [f"{name}={value}" for name, value in given.items()]
        (set_so,) = _laws(word, None, texts).values()
        (in_brackets,) = _laws(f"{word}[{','.join(texts)}]", None, []).values()
        assert type(set_so) is type(in_brackets)
        for name, value in given.items():
            assert constants.pack(set_so, name).item() == value
            assert constants.pack(in_brackets, name).item() == value


def test_a_run_that_fails_leaves_no_folder(tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["vet", "schrodinger", "--time", "-1", "--out", str(out)]) == 2
    assert "`--time` must be positive" in capsys.readouterr().err
    assert not out.exists()


def test_a_card_whose_figure_fails_is_kept(tmp_path, capsys, monkeypatch):
    def broken(cards):
        raise RuntimeError("no font")

    monkeypatch.setattr(report, "figure_cards", broken)
    words = ["schrodinger", "--quick", "--rows", "norm", "--out", str(tmp_path / "run")]
    assert main(["vet", *words]) == 0
    assert (tmp_path / "run" / "summary.json").exists()
    assert "There are no figures: RuntimeError: no font" in capsys.readouterr().err


OWN = """
import jax
import jax.numpy as jnp
import jqd


class Cubic(jqd.Law):
    H: jax.Array = jqd.fixed()
    g: jax.Array = jqd.free(quantum=0.0)

    def prepare(self, psi):
        return jnp.asarray(psi, complex)

    def vector_field(self, t, psi, args=None):
        return -1j * (self.H @ psi + self.g * self.density(psi) * psi)

    def density(self, psi):
        return jnp.abs(psi) ** 2

    def yardstick(self):
        return jqd.Schrodinger(self.H)
"""


def test_a_law_of_ones_own_beside_that_of_the_library(tmp_path, monkeypatch, printed):
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    rows = ["--rows", "quantum mechanics,homogeneity,gauge", "--quick", "--json"]
    assert main(["vet", "own.py:Cubic[g=0.3],gross_pitaevskii[g=0.3]", *rows]) == 0
    own, ours = (card["rows"] for card in printed("vet")["laws"].values())
    for row in ("quantum mechanics", "homogeneity"):
        assert own[row]["figure"] == pytest.approx(ours[row]["figure"], rel=1e-12)
    # it does not say what it is beside another H
    assert own["gauge"]["verdict"] == "not applicable"
    assert ours["gauge"]["verdict"] == "holds"


def test_an_interrupt_prints_the_cards_that_are_done(monkeypatch, capsys):
    module = importlib.import_module("jqd.cli.vet")
    follow, seen = module.vet_law, []

    def once(law, **options):
        if seen:
            raise KeyboardInterrupt
        seen.append(law)
        return follow(law, **options)

    monkeypatch.setattr(module, "vet_law", once)
    assert main(["vet", LAWS, "--quick", "--rows", "norm"]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("schrodinger, t = 2")
    assert captured.err.strip().endswith("Error: interrupted")
