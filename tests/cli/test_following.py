"""Set-ups whose law is followed: any verb takes them, by one function."""

import json
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest
import typer
from scipy.linalg import expm

from jqd.cli import app
from jqd.cli.followed_classes import Copies, OneLaw
from jqd.cli.followed_mode import OneMode
from jqd.cli.followed_positions import DoubleWell
from jqd.cli.following import Asked, SetUp
from jqd.cli.options import MODEL
from jqd.cli.recover_tower import Tower
from jqd.cli.setups import command_of, verb_of
from jqd.cli.simulation import rows

H = np.array([[0.0, 0.5], [0.5, 0.3]])
PSI = np.sqrt([0.8, 0.2]) * np.exp([0, 0.7j])


@dataclass(frozen=True)
class Factor:
    """What the verb of these tests takes beside."""

    factor: Annotated[float, MODEL.option(help="Number to multiply by.")] = 1.0


def watch(*, setup: SetUp, factor: Factor) -> int:
    """Print what is seen on average."""
    setup = setup.chosen()
    setup.check(Asked())
    ts = setup.looked("simulate")
    made = setup.followed(ts, Asked())
    seen = factor.factor * np.asarray(rows(made.run(ts), ts))
    print(json.dumps({"name": made.name, "seen": seen.tolist()}))
    return 0


def command(setup):
    times = setup.times_of("simulate", "Times")
    return command_of(watch, setup, "Watch.", times=times)


watch_app = verb_of(
    "watch",
    help="Watch a law.",
    commands={
        command(one): one.NAME for one in (Copies, OneLaw, DoubleWell, OneMode, Tower)
    },
)


@pytest.fixture
def watched(tmp_path, monkeypatch, capsys):
    """What the verb prints of a set-up, beside files of two classes."""
    monkeypatch.chdir(tmp_path)
    np.save("H.npy", H)
    np.save("psi.npy", PSI)

    def run(*words):
        group = typer.main.get_command(watch_app)
        assert group.main([*words], "watch", standalone_mode=False) == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize(
    ("words", "name"),
    [(["copying"], "CopyDynamics"), (["law", "schrodinger"], "Schrodinger")],
)
def test_a_verb_takes_a_law_of_a_matrix(words, name, watched):
    files = ["--hamiltonian", "H.npy", "--state", "psi.npy", "--times", "0,0.5,2"]
    found = watched(*words, *files, "--factor", "2")
    assert found["name"] == name
    exact = [np.abs(expm(-1j * H * t) @ PSI) ** 2 for t in (0.0, 0.5, 2.0)]
    # steps of the copy law, to a relative error of 1e-6 or better
    np.testing.assert_allclose(found["seen"], 2 * np.stack(exact), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["diffusion"], "ConservativeDiffusion"),
        (["tower", "--levels", "8", "--photons", "5"], "RandomTower"),
    ],
)
def test_a_verb_takes_what_has_no_matrix(words, name, watched):
    """Shares of positions, and of numbers of photons, add up to one."""
    found = watched(*words, "--times", "0,0.2")
    assert found["name"] == name
    np.testing.assert_allclose(np.sum(found["seen"], axis=1), 1, atol=1e-6)


def options(verb, setup):
    """The options of a command, with their helps."""
    found = typer.main.get_command(app).commands[verb].commands[setup].params
    return {name: one.help for one in found for name in one.opts}


@pytest.mark.parametrize("setup", ["copying", "law"])
def test_a_field_is_an_option_where_a_command_makes_it_one(setup):
    drawn, planned = options("simulate", setup), options("design", setup)
    alone = {"--readout", "--rho", "--settings", "--seed"}
    assert alone <= {*drawn}
    assert not alone & {*planned}
    both = {"--hamiltonian", "--state", "--set", "--bath"}
    assert both <= {*drawn} & {*planned}
    assert all(drawn[name] == planned[name] for name in both)
    assert drawn["--times"].startswith("Measurement times: ")
    assert planned["--times"].startswith("Candidate times: ")


def test_times_are_in_the_unit_of_the_hamiltonian(tmp_path):
    """Levels 1.04e6 apart: 1e-6 is the power of ten next to the inverse."""
    file, state = tmp_path / "H.npy", tmp_path / "psi.npy"
    np.save(file, 1e6 * H)
    np.save(state, PSI)
    here = Copies(hamiltonian=file, state=state)
    assert here.span("simulate") == "0:6e-06:61"
    assert here.span("design") == "1e-07:6e-06:60"
    # those of other set-ups are as they stand
    assert OneMode().span("simulate") == "0.2,0.5,1"
    np.testing.assert_array_equal(DoubleWell(times="1,2").looked("design"), [1, 2])
