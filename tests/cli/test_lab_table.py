"""A qubit's table from a laboratory, through the commands as it is typed."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import jqd
from jqd.cli import main
from jqd.cli.compare_laws import studies_of_populations
from jqd.cli.copy_nodes import _offer, _quantum, first_node, node_met
from jqd.cli.law_words import parse_laws
from jqd.cli.lifetimes import NoBath, in_bath
from jqd.cli.options import parse_bath, parse_columns, with_errors
from jqd.cli.recover_copying import instrument_of, with_scatter
from jqd.instruments import Confusion, DirichletMultinomial, Multinomial
from jqd.laws import Harmonics

RABI = 2 * np.pi
H = np.array([[0, RABI / 2], [RABI / 2, 0]])
SHOTS = 500
# Population below which the copy law ends.
EMPTY = 1e-10
TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorials" / "rabi.md"


def table(folder, psi0, flip=0.0, fading=0.0, ts=None, draw=None):
    """Files of a driven qubit, and the words that hand them over.

    p of |1⟩ by cos(Ωt/2) - i σ_x sin(Ωt/2), drawn to 1/2 by flips and fading.
    """
    ts = np.linspace(0, 1, 11) if ts is None else ts
    cos, sin = np.cos(RABI * ts / 2), np.sin(RABI * ts / 2)
    p = np.abs(psi0[1] * cos - 1j * psi0[0] * sin) ** 2
    p = 0.5 + (p - 0.5) * (1 - 2 * flip) * np.exp(-fading * ts)
    ones = np.round(SHOTS * p) if draw is None else draw.binomial(SHOTS, p)
    rows = [f"3 May,{t!r},{n:.0f}" for t, n in zip(ts.tolist(), ones, strict=True)]
    (folder / "rabi.csv").write_text("\n".join(["day,time_us,ones", *rows]) + "\n")
    for name, array in {"H": H, "psi0": np.reshape(psi0, (2, 1))}.items():
        lines = [",".join(f"{z!r}".strip("()") for z in row) for row in array.tolist()]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return [
        "--data", str(folder / "rabi.csv"), "--columns", "t=time_us,n1=ones",
        "--shots", str(SHOTS), "--hamiltonian", str(folder / "H.csv"),
        "--state", str(folder / "psi0.csv"),
    ]  # fmt: skip


def complaint(capsys):
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.slow
def test_a_bound_beside_flips_and_fading(tmp_path, printed):
    """500 shots with flips of .02 and contrast that fades at .05."""
    psi0 = np.sqrt([0.8, 0.2]) * np.exp([0, 0.6j])
    files = table(
        tmp_path, psi0, 0.02, 0.05, np.linspace(0, 6, 49), np.random.default_rng(3)
    )
    words = ["recover", "law", "weinberg", *files, "--start", "eps=0.1", "--starts"]
    words += ["2", "--nuisance", "flip=0.02+-0.005,fading=0.05+-0.013"]
    out = ["--json", "--out", str(tmp_path / "run")]
    assert main([*words, *out]) == 0
    constants = printed("recover law")["constants"]
    for name, true in {"eps": 0.0, "flip": 0.02, "fading": 0.05}.items():
        found = constants[name]
        # one seed: beyond 4 standard errors once in 1e4 times
        assert abs(found["value"] - true) < 4 * found["stderr"]


@pytest.mark.parametrize("command", [["copying"], ["law", "copying"]])
def test_a_start_with_an_empty_class_is_refused_and_another_offered(
    tmp_path, capsys, command
):
    files = table(tmp_path, np.array([1.0, 0.0]))
    words = ["recover", *command, *files, "--out", str(tmp_path / "run")]
    assert main(words) == 2
    said = complaint(capsys)
    for part in (
        "`--state` must leave no class empty",
        "class 1 is empty at t = 0, a node",
        "such as the amplitudes 0.89442719,0.4472136, from which",
    ):
        assert part in said
    assert not (tmp_path / "run").exists()


def test_a_comparison_leaves_copies_with_a_node_out(tmp_path, capsys):
    files = table(tmp_path, np.array([1.0, 0.0]))
    words = ["compare", *files, "--folds", "2", "--starts", "1"]
    assert main([*words, "--laws", "schrodinger,copying[q]"]) == 0
    said = capsys.readouterr()
    assert "copying[q] is left out: by quantum mechanics class 1 is empty" in said.err
    printed = " ".join(said.out.split())
    assert "stands alone" in printed
    assert "Laws left out" in printed
    assert main([*words, "--laws", "copying[q],copying[q,r]"]) == 2
    assert "`--laws` must name a law without nodes" in capsys.readouterr().err


@pytest.mark.parametrize("unit", [1.0, 1e-9])
def test_nodes_are_found_between_the_looks(unit):
    """ψ₁ = i (.6 cos Ωt/2 - .8 sin Ωt/2) is 0 at tan Ωt/2 = .75; real starts keep p
    between .5 -+ .3 of z = .6."""
    node = 2 * np.arctan(0.75) / RABI * unit
    at, when = first_node(H / unit, np.array([0.8, 0.6j]), 5 * unit, EMPTY)
    assert (at, when) == (1, pytest.approx(node, rel=1e-6))
    assert first_node(H / unit, np.array([0.8, 0.6j]), 0.9 * node, EMPTY) is None
    filled = np.sqrt([0.8, 0.2])
    assert first_node(H / unit, filled, 500 * unit, EMPTY) is None


def test_a_class_that_stays_empty_is_no_node():
    apart = np.zeros((3, 3))
    apart[:2, :2] = H
    assert first_node(apart, np.sqrt([0.8, 0.2, 0]), 5.0, EMPTY) is None


def test_an_offered_start_keeps_what_is_said_of_it():
    """The least of (3, 2, 1)/√14 over 20001 times is .0202, between coarser looks."""
    chain = np.array([[0, 1, 0], [1, 0.5, 1], [0, 1, 0]])
    said = float(re.search(r"keeps (\S+) or more", _offer(chain, 3.0))[1])
    levels, basis = np.linalg.eigh(chain)
    start = basis.T @ np.array([3, 2, 1]) / np.sqrt(14)
    turns = np.exp(-1j * np.outer(levels, np.linspace(0, 3, 20001)))
    least = (np.abs(basis @ (turns * start[:, None])) ** 2).min()
    # 1e-3 of the digits and .003 of |ψ| between looks: .019
    assert 0.8 * least < said <= least


def test_only_exponents_of_copies_are_kept_from_nodes():
    record = jqd.Record([0.0, 0.5], [[9, 1], [5, 5]], Multinomial())
    psi0 = np.array([1.0, 0.0])
    copies = jqd.CopyDynamics.from_hamiltonian(H)
    assert "class 1 is empty at t = 0" in node_met(copies, psi0, record, ("q",))
    assert node_met(copies, psi0, record, ("omega",)) == ""
    beside = Harmonics((2,), 0.1 * np.abs(H)[None], np.zeros((1, 2, 2)))
    omega, R, delta = copies.omega, copies.R, copies.delta
    other = jqd.CopyDynamics(omega, R, delta, harmonics=beside)
    assert node_met(other, psi0, record, ("q",)) == ""
    assert node_met(jqd.Schrodinger(H), psi0, record, ("q",)) == ""


def test_nodes_are_looked_for_in_the_hamiltonian_of_the_law():
    """Phases of couplings as the law has them: nodes of H* are others."""
    h = np.array([[0.3, 0.5j, 0.2], [-0.5j, -0.1, 0.4 + 0.1j], [0.2, 0.4 - 0.1j, 0.0]])
    law = jqd.CopyDynamics.from_hamiltonian(h, hbar=2.0)
    np.testing.assert_allclose(_quantum(law), h / 2, atol=1e-15)


@pytest.fixture
def tutorial(tmp_path, monkeypatch):
    """Its files, in a folder; its commands, and the output that it shows."""
    text = TUTORIAL.read_text("utf-8")
    # the first cell without options
    (cell,) = re.findall(r"```\{code-cell\} ipython3\n(?!:)(.*?)```", text, re.S)[:1]
    monkeypatch.chdir(tmp_path)
    exec(cell, {})
    commands, shown = (
        re.findall(rf"```{language}\n(.*?)```", text, re.S)
        for language in ("sh", "text")
    )
    return [shlex.split(one)[1:] for one in commands], shown


def test_the_tutorial_shows_a_file_and_is_refused_at_a_node(tutorial, capsys):
    (show, refused, *_), (following, refusal, *_) = tutorial
    assert main(show) == 0
    said = capsys.readouterr().out
    assert "500 at each time" in said
    assert said.endswith(following)
    assert main(refused) == 2
    assert complaint(capsys) == refusal


@pytest.mark.slow
def test_the_tutorial_s_bounds(tutorial, capsys):
    """Errors of linear least squares about quantum mechanics, of another program."""
    (_, _, copying, weinberg, _), (_, _, fading, *answers, _) = tutorial
    jumps = "T1 enters Weinberg as jumps of the density operator"
    for words, name, stderr, answer, bath in (
        (copying, "q", 0.0023, answers[0], fading),
        (weinberg, "eps", 0.0065, answers[1], jumps),
    ):
        assert main([*words, "--json"]) == 0
        said = capsys.readouterr()
        assert bath in said.err
        summary = json.loads(said.out)
        folder = Path(words[words.index("--out") + 1])
        kept = json.loads((folder / "summary.json").read_text())
        assert [one["said"] for one in kept["answers"]] == [answer.strip()]
        assert summary["answers"] == kept["answers"]
        found = summary["constants"][name]
        # a standard error from there, and two digits
        assert found["stderr"] == pytest.approx(stderr, rel=0.1)
        assert abs(found["value"] - found["reference"]) < 4 * found["stderr"]


def test_what_a_law_has_of_its_own_is_not_the_instrument_s():
    record = jqd.Record([0.5, 1.0], [[9, 1], [5, 5]], Multinomial(), t0=0.25)
    law = jqd.Schrodinger(H)
    assert instrument_of(law, record, {}) == "density"
    shown = instrument_of(law, record, {"flip": jqd.Normal(0.02, 0.01)}, ("fading",))
    assert isinstance(shown, Confusion)
    assert float(shown.since) == 0.25
    assert float(shown.flip) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("priors", "rate", "relative"),
    [
        ({"T1": jqd.Normal(20, 1), "T2": jqd.Normal(15, 2)}, 7 / 120,
         np.hypot(1 / 20**2, 2 / 15**2) / (7 / 60)),
        ({"T1": jqd.Normal(20, 1)}, 3 / 80, 1 / 20),
        ({"T1": jqd.LogNormal(20, 0.1)}, 3 / 80, 0.1),
    ],
)  # fmt: skip
def test_lifetimes_on_resonance_are_a_rate(priors, rate, relative, capsys):
    """(1/T1 + 1/T2)/2 and its error, by hand."""
    flip, law = {"flip": jqd.Normal(0.02, 0.01)}, jqd.laws.Gisin(H)
    found = in_bath(law, flip, H, priors)
    assert found.law is law
    assert list(found.priors) == ["flip", "fading"]
    assert found.fading == pytest.approx(rate)
    assert float(found.priors["fading"].median) == pytest.approx(rate)
    assert float(found.priors["fading"].sd) == pytest.approx(relative)
    found.announce()
    said = capsys.readouterr().err
    enter = "T1 and T2 enter" if len(priors) > 1 else "T1 enters"
    assert f"{enter} as fading = (1/T1 + 1/T2)/2 = {rate:.4g}, known to" in said
    assert "For this law that is an approximation" in said
    assert "leaves out terms of the size 1/(Omega T1) = 0.008" in said  # 1/(2 pi 20)


def test_a_lifetime_that_is_known_is_a_rate_without_a_prior():
    found = in_bath(jqd.laws.Gisin(H), {}, H, {"T1": 20.0})
    assert found.priors == {}
    assert found.fading == pytest.approx(3 / 80)
    assert "= 0.0375. For this law" in found.words
    record = jqd.Record([0.5, 1.0], [[9, 1], [5, 5]], Multinomial(), t0=0.25)
    shown = instrument_of(found.law, record, {}, (), found.fading)
    assert float(shown.fading) == pytest.approx(3 / 80)


@pytest.mark.parametrize(
    ("law", "size", "words"),
    [
        (jqd.Schrodinger(H + np.diag([0, 1.0])), 2, "level 1 decays to level 0"),
        (jqd.laws.Dephasing(np.ones((3, 3)), np.eye(3), 0.1), 3, "level k decays"),
        (jqd.laws.Weinberg(np.ones((3, 3)), 0.1), 3, "takes the populations"),
    ],
)
def test_lifetimes_of_a_law_with_a_density_operator_are_jumps(law, size, words):
    """Off resonance and of more levels as well; the priors are those of the times."""
    given = parse_bath("T1=20+-1,T2=15")
    found = in_bath(law, {"flip": jqd.Normal(0.02, 0.01)}, np.eye(size), given)
    assert isinstance(found.law, jqd.laws.Decay)
    assert (float(found.law.T1), float(found.law.T2)) == (20, 15)
    assert list(found.priors) == ["flip", "T1"]
    assert found.fading is None
    assert words in found.words
    assert in_bath(law, {}, np.eye(size), {}).law is law


def test_lifetimes_enter_below_an_average_over_runs():
    """Quantum mechanics with a detuning that scatters: jumps in each of its runs."""
    turn = jqd.pulse(lambda t, delta: delta + 0 * t, delta=0.3)
    quantum = jqd.Schrodinger(jqd.driven(H, (np.diag([0.5, -0.5]), turn)))
    law = jqd.laws.RandomConstant(quantum, "delta", 0.1, nodes=5)
    found = in_bath(law, {}, H, parse_bath("T1=20+-1,T2=15"))
    assert isinstance(found.law.law, jqd.laws.Decay)
    assert (found.law.name, float(found.law.sd), found.law.nodes) == ("delta", 0.1, 5)
    assert list(found.priors) == ["T1"]
    assert (found.fading, "jumps of the density" in found.words) == (None, True)


@pytest.mark.parametrize(
    ("text", "matrix", "part"),
    [
        ("T1=5+-1,T2=15+-2", H, "no longer than 2 T1, but gives 15 and 5"),
        ("T1=-5+-1", H, "give T1 as a positive time"),
        ("T1=uniform(5,9)", H, "give T1 as a time with its error"),
        ("T1=5+-1", H + np.diag([0, 1.0]), "driven on resonance"),
        ("T1=5+-1", np.diag([1.0, 1.0]), "driven on resonance"),
        ("T1=5+-1", np.ones((3, 3)), "driven on resonance"),
    ],
)
def test_lifetimes_that_say_no_rate(text, matrix, part):
    with pytest.raises(ValueError, match=f"`--bath` must .*{part}"):
        in_bath(jqd.laws.Gisin(H), {}, matrix, parse_bath(text))


def test_lifetimes_are_no_prior_of_what_a_law_calls_fading():
    law, given = jqd.laws.Gisin(H), {"T1": jqd.Normal(20, 1)}
    named = {"instrument.fading": jqd.Normal(0.1, 0.1)}
    with pytest.raises(ValueError, match="must not be given beside fading"):
        in_bath(law, named, H, given)
    with pytest.raises(ValueError, match="`--nuisance` must not name T1, but does"):
        in_bath(law, given, H, {})
    with pytest.raises(NoBath, match="Decay has a constant T1 of its own"):
        in_bath(jqd.laws.Decay(H, 20.0), {}, H, given)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("T2=15+-2", "must not name T2 without T1"),
        ("T3=15+-2", "must name T1 and T2, each once"),
        ("T1=15,T1=20", "must name T1 and T2, each once"),
        ("T1=long", "must look like T1=20+-1,T2=15+-2"),
        ("T1", "must look like T1=20+-1,T2=15+-2"),
        ("T1=20+-0", "a positive width, but '0' was given"),
    ],
)
def test_baths_that_are_none(text, part):
    with pytest.raises(ValueError, match=re.escape(part)):
        parse_bath(text)


def test_a_simulated_lifetime_gets_an_error_of_a_tenth():
    assert with_errors("T1=20,T2=lognormal(15,0.1)") == (
        "T1=20+-2,T2=lognormal(15,0.1)"
    )
    assert parse_bath("T1=2.5e-5")["T1"] == 2.5e-5


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--bath", "T1=uniform(5,9)"], "which needs an error: give T1=MEAN+-SD"),
        (["--bath", "T1=5+-1", "--nuisance", "fading=0.1+-0.1"], "a rate of fading."),
    ],
)
def test_a_bath_that_one_law_cannot_take_leaves_the_others(tmp_path, more, why):
    """On resonance, where quantum mechanics takes both as jumps."""
    files = table(tmp_path, np.sqrt([0.8, 0.2]))
    paths = dict(zip(files[::2], files[1::2], strict=True))
    bath = dict(zip(more[::2], more[1::2], strict=True))
    found = studies_of_populations(
        parse_laws("schrodinger,gisin[lam]"), Path(paths["--data"]),
        paths["--hamiltonian"], Path(paths["--state"]), "auto",
        bath.get("--nuisance", ""), columns=paths["--columns"], shots=SHOTS,
        bath=bath["--bath"],
    )  # fmt: skip
    assert list(found.studies) == ["schrodinger"]
    assert "T1" in found.studies["schrodinger"].nuisances
    assert list(found.left_out) == ["gisin[lam]"]
    assert found.left_out["gisin[lam]"].startswith("Gisin has no density operator")
    assert why in found.left_out["gisin[lam]"]


@pytest.mark.slow
def test_a_bath_goes_from_a_simulation_through_a_comparison(tmp_path, capsys):
    """Off resonance: quantum mechanics takes T1, Gisin's law is left out."""
    np.save(tmp_path / "H.npy", H + np.diag([0.0, 1.0]))
    np.save(tmp_path / "psi0.npy", np.sqrt([0.8, 0.2]))
    out = tmp_path / "n.csv"
    words = ["--hamiltonian", str(tmp_path / "H.npy"), "--state"]
    words += [str(tmp_path / "psi0.npy"), "--bath", "T1=4"]
    made = ["simulate", "law", "schrodinger", *words, "--times", "0:3:13"]
    assert main([*made, "--out", str(out), "--json"]) == 0
    said = capsys.readouterr()
    assert "T1 enters Schrodinger as jumps" in said.err
    assert json.loads(said.out)["constants"] == {"T1": 4.0}
    command = json.loads(said.out)["recover"]
    assert command.endswith("--bath T1=4+-0.4")
    # quantum mechanics has no constant that `recover` could find
    first, verb, *rest = shlex.split(command)
    assert (first, verb) == ("jqd", "compare")
    laws = ["--laws", "schrodinger,gisin[lam]", "--folds", "2", "--starts", "1"]
    assert main([verb, *rest, *laws, "--json"]) == 0
    said = capsys.readouterr()
    assert "gisin[lam] is left out: Gisin has no density operator" in said.err
    compared = json.loads(said.out)
    assert list(compared["left_out"]) == ["gisin[lam]"]
    (law,) = compared["laws"]
    # 13 rows of 1000 shots: beyond 4 standard errors once in 1e4 times
    assert abs(law["constants"]["T1"] - 4) < 4 * law["stderr"]["T1"]
    # beyond once in 1e4 records; without T1 it is below 1e-100
    assert law["p_value"] > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "free", "start", "enter", "beside"),
    [
        (
            ["copying", "--set", "q=0.48"],
            "q",
            0.5,
            "fading = (1/T1 + 1/T2)/2 = 0.075",
            {"fading": 0.075},
        ),
        (
            ["law", "weinberg[eps=0.2]"],
            "eps",
            0.1,
            "jumps of the density operator",
            {"T1": 15, "T2": 12},
        ),
    ],
)
def test_a_bath_goes_from_a_simulation_through_a_fit(
    tmp_path, capsys, law, free, start, enter, beside
):
    """On resonance copies take a rate of (1/15 + 1/12)/2, in data and fit."""
    np.save(tmp_path / "H.npy", H)
    np.save(tmp_path / "psi0.npy", np.sqrt([0.8, 0.2]) * np.exp([0, 0.6j]))
    words = ["--hamiltonian", str(tmp_path / "H.npy"), "--state"]
    words += [str(tmp_path / "psi0.npy"), "--bath", "T1=15,T2=12", "--shots", "4000"]
    words += ["--times", "0:6:49", "--out", str(tmp_path / "n.csv"), "--json"]
    assert main(["simulate", *law, *words]) == 0
    said = capsys.readouterr()
    assert enter in said.err
    made = json.loads(said.out)
    assert (made["constants"]["T1"], made["constants"]["T2"]) == (15.0, 12.0)
    first, *command = shlex.split(made["recover"])
    assert (first, command[-1]) == ("jqd", "T1=15+-1.5,T2=12+-1.2")
    more = ["--start", f"{free}={start}", "--starts", "1", "--json"]
    more += [] if law[0] == "law" else ["--free", free]
    assert main([*command, *more, "--out", str(tmp_path / "run")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["status"] == "converged"
    for name, true in ({free: made["constants"][free]} | beside).items():
        found = result["constants"][name]
        # one seed: beyond 4 standard errors once in 1e4 times
        assert abs(found["value"] - true) < 4 * found["stderr"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("--bath T2=20+-1", "must not name T2 without T1"),
        ("--nuisance T1=20+-1", "`--nuisance` must not name T1, but does"),
        ("--nuisance flip=1.5+-0.1", "`--nuisance flip` must be in [0, 1]"),
        ("--nuisance fading=-1+-0.1", "`--nuisance fading` must not be negative"),
        ("--columns t=time_us,n1", "have one column 'n1', but rabi.csv has day,time"),
        ("--columns t=time_us,n1=", "`--columns` must look like t=time_us,n1=ones"),
        ("--columns t=time_us,t=ones", "`--columns` must look like t=time_us,n1=ones"),
        ("--columns t=time_us,k=ones", "`--columns` must name the columns of t, n0"),
        ("--shots 100", "hold no more counts than shots, but rabi.csv has"),
    ],
)
def test_words_that_cannot_be(tmp_path, capsys, words, part):
    files = table(tmp_path, np.sqrt([0.8, 0.2]))
    option, value = words.split()
    if option in files:
        at = files.index(option)
        del files[at : at + 2]
    out = ["--out", str(tmp_path / "run")]
    assert main(["recover", "law", "weinberg", *files, option, value, *out]) == 2
    assert part in complaint(capsys)


@pytest.mark.parametrize("option", ["--columns t=a,n1=b", "--shots 5"])
def test_they_need_a_file(capsys, option):
    assert main(["recover", "copying", *option.split()]) == 2
    assert f"`{option.split()[0]}` must be given only with --data" in complaint(capsys)


def test_columns_by_their_own_names():
    assert parse_columns("t,n1=ones") == {"t": "t", "n1": "ones"}
    assert parse_columns(" ") is None


def test_counts_that_scatter_more_have_a_prior_of_it():
    record = jqd.Record([0.5, 1.0], [[9, 1], [5, 5]], Multinomial(), t0=0.25)
    assert with_scatter(record, {"flip": jqd.Normal(0.02, 0.01)}, ()) is record
    # a constant of the law, of the same name
    assert with_scatter(record, {"rho": jqd.Normal(0.02, 0.01)}, ("rho",)) is record
    found = with_scatter(record, {"rho": jqd.Uniform(0, 0.1)}, ("q",))
    assert isinstance(found.noise, DirichletMultinomial)
    assert float(found.noise.rho) == pytest.approx(0.05)
    assert float(found.t0) == 0.25
    shares = jqd.Record([0.5, 1.0], [[0.9, 0.1], [0.5, 0.5]], jqd.Gaussian(0.01))
    with pytest.raises(ValueError, match="must not name rho but for counts of shots"):
        with_scatter(shares, {"rho": jqd.Uniform(0, 0.1)}, ())


def test_rows_that_are_added_are_alike_beside_a_correlation(tmp_path):
    """A sum of rows of N shots has 1 + (N - 1) rho times the variance, however many
    they are: no rho of the sums says that of two rows here and one there."""
    prior, file = {"rho": jqd.Uniform(0, 0.1)}, tmp_path / "n.csv"
    file.write_text("t,ones,n\n0.5,1,8\n1,5,8\n0.5,2,8\n")
    words = "t,n1=ones,shots=n"
    record = jqd.records.load_record(file, columns=parse_columns(words))
    np.testing.assert_array_equal(record.values, [[13, 3], [3, 5]])
    with pytest.raises(ValueError, match=r"unlike numbers of rows.*n.csv has 1 to 2"):
        with_scatter(record, prior, (), file, words)
    # without a correlation, and of two rows each, it does not matter
    assert with_scatter(record, {}, (), file, words) is record
    file.write_text(file.read_text() + "1,4,8\n")
    record = jqd.records.load_record(file, columns=parse_columns(words))
    found = with_scatter(record, prior, (), file, words)
    assert isinstance(found.noise, DirichletMultinomial)
    np.testing.assert_array_equal(found.values, [[13, 3], [7, 9]])


def test_clusters_stay_apart_beside_a_correlation(tmp_path):
    """Of unlike numbers, two at one time and one at another: rho is of each."""
    prior, file = {"rho": jqd.Uniform(0, 0.1)}, tmp_path / "n.csv"
    file.write_text("t,ones,n,shot\n0.5,1,8,1\n1,5,8,1\n0.5,2,6,2\n")
    words = "t,n1=ones,shots=n,cluster=shot"
    record = jqd.records.load_record(file, columns=parse_columns(words))
    found = with_scatter(record, prior, (), file, words)
    assert isinstance(found, jqd.records.Clusters)
    assert isinstance(found.noise, DirichletMultinomial)
    np.testing.assert_array_equal(found.values, [[7, 1], [4, 2], [3, 5]])
    np.testing.assert_array_equal(found.ts, [0.5, 0.5, 1])
