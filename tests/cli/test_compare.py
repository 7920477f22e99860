"""`jqd compare`: the table, JSON, bad input in one line."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import qutip

import jqd
from jqd.cli import main
from jqd.cli.compare import _compared, _fitted
from jqd.cli.compare_laws import (
    own_priors,
    studies_of_populations,
    studies_on_phase_space,
)
from jqd.cli.law_words import parse_laws
from jqd.inference import Normal
from jqd.problems import DATA

KERR = DATA / "kerr_husimi.npz"


@pytest.fixture
def files(tmp_path):
    """Two classes that turn into each other, as counts of 1000."""
    ts = np.linspace(0, 2, 11)
    p = 0.5 + 0.3 * np.cos(ts)  # H = σ_x/2 from p = .8, phases equal: Bloch's z
    first = np.round(1000 * p).astype(int)
    rows = [f"{t},{a},{1000 - a}" for t, a in zip(ts, first, strict=True)]
    (tmp_path / "counts.csv").write_text("\n".join(["t,n0,n1", *rows]) + "\n")
    np.save(tmp_path / "H.npy", np.array([[0.0, 0.5], [0.5, 0.0]]))
    np.save(tmp_path / "psi.npy", np.sqrt([0.8, 0.2]))
    return [
        "compare", "--data", str(tmp_path / "counts.csv"),
        "--hamiltonian", str(tmp_path / "H.npy"), "--state", str(tmp_path / "psi.npy"),
        "--noise", "multinomial",
    ]  # fmt: skip


@pytest.fixture
def once(monkeypatch):
    """The command compares once, and prints that as often as it is called."""
    found = []

    def compared(*arguments):
        found.extend([] if found else [_compared(*arguments)])
        return found[0]

    monkeypatch.setattr("jqd.cli.compare._compared", compared)


@pytest.mark.slow
@pytest.mark.usefixtures("once")
def test_two_fixed_laws(files, capsys, printed):
    words = [*files, "--laws", "schrodinger,copying[q=0.3]", "--folds", "2"]
    assert main(words) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "schrodinger" in out
    assert "The record prefers schrodinger" in out
    assert main([*words, "--json"]) == 0
    result = printed("compare")
    quantum, other = result["laws"]
    assert quantum["name"] == "schrodinger"
    assert quantum["p_value"] > 0.99  # counts rounded from exact ones
    assert other["log_bayes"][1] == pytest.approx(
        other["log_likelihood"] - quantum["log_likelihood"]
    )
    assert other["log_bayes"][1] < -5


@pytest.mark.slow
@pytest.mark.usefixtures("once")
def test_draws_beside_the_fits(files, capsys, printed):
    words = [*files, "--laws", "schrodinger,copying[q]", "--folds", "2", "--starts"]
    words += ["2", "--posterior", "--sampler", "smc", "--draws", "200"]
    assert main([*words, "--json"]) == 0
    quantum, copying = printed("compare")["laws"]
    assert quantum["drawn"]["posterior"] is None
    assert quantum["drawn"]["loo_difference"] == 0
    drawn, fitted = copying["drawn"]["posterior"], copying["stderr"]["q"]
    assert drawn["status"] == "converged"
    # four errors of an sd
    assert drawn["constants"]["q"]["sd"] == pytest.approx(
        fitted, rel=4 / (2 * drawn["constants"]["q"]["ess"]) ** 0.5
    )
    first = quantum["log_evidence"]
    assert drawn["log_evidence"] - first == pytest.approx(
        copying["log_bayes"][1], abs=0.3
    )
    assert main(words) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Draws from posteriors" in out
    assert "LOO: each row predicted by draws" in out


@pytest.mark.slow
def test_the_built_in_counts(printed):
    """Drawn from quantum mechanics: no other law is preferred."""
    words = ["compare", "--laws", "schrodinger,dephasing[gamma],copying[q]"]
    assert main([*words, "--starts", "2", "--folds", "2", "--json"]) == 0
    result = printed("compare")
    quantum, dephasing, copying = result["laws"]
    assert all(law["p_value"] > 1e-3 for law in result["laws"])
    assert max(dephasing["log_bayes"] + copying["log_bayes"]) < 0
    assert abs(copying["constants"]["q"] - 0.5) < 4 * copying["stderr"]["q"]
    assert quantum["parameters"] == 0


def test_an_unknown_sampler_is_refused(files, capsys):
    assert main([*files, "--posterior", "--sampler", "gibbs"]) == 2
    assert "`--sampler` must be one of nuts, smc" in capsys.readouterr().err


def test_words_of_laws():
    found = parse_laws("schrodinger, copying[q,r=-0.4],dephasing[gamma]")
    assert list(found) == ["schrodinger", "copying[q,r=-0.4]", "dephasing[gamma]"]
    assert found["copying[q,r=-0.4]"].free == ("q",)
    assert found["copying[q,r=-0.4]"].values == {"r": -0.4}


OWN = """
import jax.numpy as jnp
import jqd
from jaxtyping import Array


class Cubic(jqd.Law):
    H: Array = jqd.fixed()
    g: Array = jqd.free(quantum=0.0)

    def prepare(self, psi):
        return jnp.asarray(psi, complex)

    def vector_field(self, t, psi, args=None):
        return -1j * (self.H @ psi + self.g * self.density(psi) * psi)

    def density(self, psi):
        return jnp.abs(psi) ** 2


def number(H):
    return 3


def broken(H):
    return H / none
"""


@pytest.mark.slow
def test_a_law_of_ones_own(files, tmp_path, printed, capsys):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    laws = f"schrodinger,{file}:Cubic,{file}:Cubic[g=0.6]"
    words = [*files, "--folds", "2", "--out", str(tmp_path / "out"), "--json"]
    assert main([*words, "--laws", laws]) == 0
    quantum, same, other = printed("compare")["laws"]
    assert [same["name"], other["name"]] == ["own.py:Cubic", "own.py:Cubic[g=0.6]"]
    # g = 0 is quantum mechanics, by another stepper
    assert same["log_likelihood"] == pytest.approx(quantum["log_likelihood"], abs=1e-4)
    assert other["log_likelihood"] < quantum["log_likelihood"] - 5
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"laws.png", "laws.svg", "summary.json"}
    for name, said in (
        ("number", "must name what makes a jqd.Law"),
        ("broken", "own.py:26: NameError"),
        ("nobody", "own.py:Cubic, but 'nobody' is none of these"),
        ("Cubic[h]", "'h'"),
    ):
        capsys.readouterr()
        assert main([*words, "--laws", f"{file}:{name}"]) in (1, 2)
        captured = capsys.readouterr()
        assert said in captured.err.replace("\n", " ")


@pytest.mark.slow
def test_laws_on_phase_space(tmp_path, printed):
    """A Kerr oscillator that loses quanta, by QuTiP: quantum mechanics with loss."""
    ts, x, a = np.array([0.8, 1.0, 1.2, 1.4]), np.linspace(-2, 2, 7), qutip.destroy(24)
    rho0 = qutip.coherent_dm(24, 1.2 + 0.5j, method="analytic")
    H, loss = 0.5 * a.dag() ** 2 * a**2, [np.sqrt(0.1) * a]
    run = qutip.mesolve(H, rho0, np.r_[0, ts], loss, options={"rtol": 1e-9})
    maps = np.array([qutip.qfunc(rho, x, x, g=2) for rho in run.states[1:]])
    maps += 1e-3 * np.random.default_rng(0).normal(size=maps.shape)
    file = tmp_path / "map.npz"
    np.savez(file, t=ts, x=x, y=x, g=2, husimi=maps, alpha0=1.2 + 0.5j, sigma=1e-3,
             t0=0.0, U=1.0)  # fmt: skip
    laws = "schrodinger,loss[gamma],husimi[C]"
    words = ["compare", "--data", str(file), "--laws", laws, "--starts", "1", "--json"]
    # of the coherent state 1e-12 lies above 18 levels, next to errors of 1e-3
    assert main([*words, "--folds", "2", "--levels", "20"]) == 0
    result = printed("compare")
    quantum, loss, husimi = result["laws"]
    assert min(loss["log_bayes"]) > 5
    assert loss["constants"]["gamma"] == pytest.approx(
        0.1, abs=4 * loss["stderr"]["gamma"]
    )
    assert quantum["p_value"] < 1e-3
    assert husimi["log_bayes"][1] < loss["log_bayes"][1]
    assert "prefers loss[gamma]" in result["verdict"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("--laws copying[q],husimi[C]", "copying is of populations and husimi of"),
        ("--laws husimi[C]", "`--state` must not be given for laws of phase space"),
        ("--laws schrodinger --sigma 0.1", "`--sigma` must not be given for laws of"),
        ("--laws nobody.py:Law", "must be a Python file, but nobody.py is not there"),
        ("--laws bohm", "`--laws` must name laws out of beretta, copying, dephasing,"),
        ("--laws copying[q,q]", "`--laws` must name constants of copying, each once"),
        ("--laws schrodinger[q]", "out of none, but 'schrodinger[q]'"),
        ("--laws copying[q=x]", "`--laws` must give numbers to constants"),
        ("--laws copying[q],copying[q]", "each law once, but 'copying[q]' comes twice"),
        ("--laws copying[q]x", "but 'copying[q]x' was given"),
        ("--noise none", "for counts, but is 'none'"),
        ("--levels 9", "`--levels` must not be given for laws of populations"),
        ("--points 600", "`--points` must not be given for laws of populations"),
        ("--folds 12", "`--folds` must be at most the number of rows, 11"),
        ("--nuisance nobody=0.1+-0.1", "'nobody'"),
    ],
)
def test_bad_words_are_one_line_and_exit_code_2(words, part, files, complaint):
    given = files[:-2] if "--noise" in words else files
    assert part in complaint(*given, *words.split())


def test_priors_of_constants_that_others_have_are_left_out(capsys):
    """g and b are of one law each, V of none; the readout is of what shows them."""
    H = np.diag([0.0, 1.0])
    laws = {
        "one": jqd.laws.GrossPitaevskii(H, 0.1), "other": jqd.laws.Logarithmic(H, 0.1),
    }  # fmt: skip
    priors = dict.fromkeys(["g", "readout", "b", "V"], Normal(0.1, 0.1))
    assert list(own_priors("one", laws, priors, ("readout",))) == ["g", "readout", "V"]
    said = "one has no constant b, and is compared without it.\n"
    assert capsys.readouterr().err == said
    assert list(own_priors("other", laws, priors)) == ["readout", "b", "V"]


@pytest.mark.slow
def test_a_law_goes_without_the_priors_of_constants_that_others_have(files, capsys):
    """b and eps are of one law each, readout errors of what shows all of them."""
    data, H, psi0 = (Path(files[k]) for k in (2, 4, 6))
    wanted = parse_laws("schrodinger,logarithmic,weinberg[eps=0.1]")
    nuisance = "b=0.1+-0.05,readout=0.02+-0.01,eps=0.1+-0.1"
    found = studies_of_populations(
        wanted, data, str(H), psi0, "multinomial", nuisance
    ).studies
    assert {name: study.nuisances for name, study in found.items()} == {
        "schrodinger": ("readout",),
        "logarithmic": ("b", "readout"),
        "weinberg[eps=0.1]": ("readout", "eps"),
    }
    said = capsys.readouterr().err
    for law, name in (("schrodinger", "b"), ("schrodinger", "eps"),
                      ("logarithmic", "eps"), ("weinberg[eps=0.1]", "b")):  # fmt: skip
        assert f"{law} has no constant {name}, and is compared without it.\n" in said
    assert said.count("\n") == 4


@pytest.mark.slow
def test_a_rate_of_loss_is_told_of_laws_with_a_bath_alone(capsys):
    wanted = parse_laws("schrodinger,loss[gamma=0.1]")
    found = studies_on_phase_space(
        wanted, KERR, None, ["U=1"], 1e-3, "gamma=0.1+-0.02,U=1+-0.1", 20, 60
    )
    assert found["schrodinger"].nuisances == ("U",)
    assert found["loss[gamma=0.1]"].nuisances == ("gamma", "U")
    assert "schrodinger has no constant gamma" in capsys.readouterr().err


def test_values_without_errors_prefer_nothing(capsys):
    assert main(["compare", "--noise", "none"]) == 2
    assert "has values without errors" in capsys.readouterr().err


def test_files_belong_together(files, capsys):
    assert main(files[:3]) == 2
    assert "must be given together" in capsys.readouterr().err


def test_constants_are_printed_with_the_errors_that_hold():
    row = SimpleNamespace(
        name="copying", constants={"q": 0.52312, "r": -0.51234, "b": 0.1},
        stderr={"q": 0.016}, inwards={"b": 0.0123},
    )  # fmt: skip
    assert _fitted(row) == [
        ("copying", "q", "0.523", "1.6e-02"), ("copying", "r", "-0.512", "none"),
        # at its bound, as `jqd recover` has it
        ("copying", "b", "0.100", "1.2e-02 inwards"),
    ]  # fmt: skip
