"""`jqd show`: what is read in a file, and the next command."""

import json

import numpy as np
import pytest

import jqd
from jqd.cli import main

TS = np.array([0.0, 0.5, 1.0])
KET = np.array([0.6, 0.8j])
LINE = np.linspace(-3, 3, 25)
# |⟨α|0⟩|²/π in QuTiP's convention with g = 2, where α = x + iy
VACUUM = np.exp(-(LINE[None, :] ** 2) - LINE[:, None] ** 2) / np.pi
X = np.linspace(-8, 8, 65)[:-1]
PACKET = np.exp(-(X**2)) / np.sqrt(np.pi)
TABLE = np.array([[1, 4, 8], [2, 4, 7], [1, 5, 8]])
RABI = "time_us,ones\n0,0\n0.5,230\n1,488\n"


def written(folder, name, held):
    path = folder / name
    if isinstance(held, str | bytes):
        path.write_bytes(held if isinstance(held, bytes) else held.encode())
    elif isinstance(held, dict):
        np.savez(path, **held)
    else:
        np.save(path, held)
    return path


def test_a_table_of_a_laboratory(tmp_path, printed):
    path = written(tmp_path, "rabi.csv", RABI)
    words = ["--columns", "t=time_us,n1=ones", "--shots", "500"]
    assert main(["show", str(path), *words, "--json"]) == 0
    found = printed("show")
    assert found["data"] == "counts"
    assert found["facts"]["times"] == "3 from 0 to 1, 0.5 apart"
    assert found["facts"]["shots"] == "500 at each time"
    # ones 0, 230, 488 of 500
    ones, zeros = found["columns"]["n1"], found["columns"]["n0"]
    assert ones == {"smallest": 0, "mean": pytest.approx(718 / 3), "largest": 488}
    assert zeros == {"smallest": 12, "mean": pytest.approx(782 / 3), "largest": 500}
    typed = f"--data {path} {' '.join(words)} "
    laws = "--hamiltonian HAMILTONIAN.npy --state PSI0.npy"
    assert found["next"] == [f"jqd {c} {typed}{laws}" for c in
                             ("recover copying", "compare")]  # fmt: skip
    assert [one.partition(":")[0] for one in found["missing"]] == [
        "--hamiltonian", "--state",
    ]  # fmt: skip


def test_what_lies_beside_is_in_the_command(tmp_path, printed):
    """Hamiltonian and state as `jqd simulate` writes them; shares without errors."""
    path = written(tmp_path, "p.csv", "t,p1\n0,0.1\n1,0.75\n")
    for name, array in {"hamiltonian": np.eye(2), "psi0": KET}.items():
        np.save(tmp_path / f"p_{name}.npy", array)
    assert main(["show", str(path), "--json"]) == 0
    found = printed("show")
    beside = f"{tmp_path}/p_hamiltonian.npy --state {tmp_path}/p_psi0.npy"
    assert found["next"] == [
        f"jqd recover copying --data {path} --hamiltonian {beside}"
    ]
    (missing,) = found["missing"]
    assert missing.startswith("errors of the values")
    assert missing.endswith("or by --noise gaussian:SIGMA or --shots")
    assert found["columns"]["p0"]["largest"] == 0.9
    # which no archive takes
    path = written(tmp_path, "p.npz", {"t": [0.0, 1], "p": [[0.9, 0.1], [0.25, 0.75]]})
    assert main(["show", str(path), "--json"]) == 0
    assert printed("show")["missing"][-1].endswith("or by --noise gaussian:SIGMA")


SCAN = """t,n0,n1,pulse[1].start
2.0,3,7,1.0
2.0,4,6,0.25
"""


def test_a_table_of_settings_names_them(tmp_path, printed):
    path = written(tmp_path, "scan.csv", SCAN)
    assert main(["show", str(path), "--json", "--out", str(tmp_path / "seen")]) == 0
    found = printed("show")
    assert found["data"] == "counts in rows of settings"
    assert found["facts"]["setting pulse[1].start"] == "0.25 to 1"
    assert found["facts"]["rows"] == "2, each a run of its own"
    assert found["facts"]["times"] == "2"
    # times are equal: drawn over the number of the row
    assert found["along"] == "row"
    assert list(found["columns"]) == ["n0", "n1"]
    laws = "--hamiltonian HAMILTONIAN.npy --state PSI0.npy"
    assert found["next"] == [f"jqd recover law LAW --data {path} {laws}"]
    assert found["missing"][-1] == "LAW: a law that has the constants pulse[1].start"


CASES = {
    "H.npy": (np.array([[0, 1], [1, 0.5]]), "energy over ħ",
              # 1/4 -+ sqrt(17)/4
              (-0.780776, 0.25, 1.280776),
              "recover copying --data DATA --hamiltonian {} --state PSI0.npy"),
    "psi.npy": (KET, "|ψ|²", (0.36, 0.5, 0.64),
                "recover copying --data DATA --hamiltonian HAMILTONIAN.npy --state {}"),
    "f.csv": ("t,f\n0,0\n1,0.5\n2,0.5\n3,0\n", "f", (0, 0.25, 0.5),
              "recover husimi --data DATA --hamiltonian OPERATOR --pulse drive={}"),
    "s.npz": ({"t": [0.0, 1.0], "samples": [[1 + 1j, 3 + 1j], [0, 2]], "psi0": KET},
              "mean of Re α", (1, 1.5, 2),
              # too few to show how their moments scatter
              "recover husimi --data {} --hamiltonian OPERATOR --loss likelihood"),
    "m.npz": ({"t": [0.0, 1.0], "moments": [[1 + 2j], [0]], "orders": [[1, 0]],
               "alpha0": 1.0},
              "Im of (1, 0)", (0, 1, 2),
              "recover husimi --data {} --hamiltonian OPERATOR"),
    # beyond 3 lie 2 erfc(3) = 4e-5 of it
    "q.npz": ({"t": [0.0, 1.0], "x": LINE, "y": LINE, "husimi": [VACUUM, VACUUM],
               "alpha0": 0.0, "g": 2.0},
              "integral of Q", (1, 1, 1),
              "recover husimi --data {} --hamiltonian OPERATOR"),
    "d.npz": ({"t": [0.0], "x": X, "potential": X**2, "density": PACKET[None],
               "psi0": np.sqrt(PACKET)},
              "t = 0", (0, 0.0625, np.pi**-0.5),
              "recover diffusion --data {}"),
    # no state, from which a fit begins
    "dE.npz": ({"t": [1.0], "x": X, "potential": X**2, "density": PACKET[None],
                "levels": [1.0]},
               "t = 1", (0, 0.0625, np.pi**-0.5),
               "recover diffusion --data {} --estimator spectrum"),
    "E.npz": ({"x": X, "potential": X**2, "levels": [1.0, 1.5, 2.0]}, "energy",
              (1, 1.5, 2), "recover diffusion --data {} --estimator spectrum"),
    "a.npz": ({"t": TS, "x": np.outer(TS, [1, 2]), "x0": [0.0, 1.0], "v0": [0.0, 0]},
              "x of atom 1", (0, 1, 2), "recover springs --data {}"),
    "E.csv": ("E,nbar\n1,2.5\n2,1.5\n3,1\n4,0.6\n", "nbar", (0.6, 1.4, 2.5),
              "recover statistics --data {}"),
    # three constants and the scatter are too many
    "E3.csv": ("E,nbar\n1,2\n2,1.5\n3,1\n", "nbar", (1, 1.5, 2),
               "recover statistics --data {} --free g --start T=NUMBER,mu=NUMBER"),
    # of which a single row is that of the state, unless told
    "one.csv": ("t,n0,n1\n3,90,10\n", "n1", (10, 10, 10),
                "recover copying --data {} --t0 T0 --hamiltonian HAMILTONIAN.npy "
                "--state PSI0.npy"),
    # nor is a time of several clusters
    "c.csv": ("t,cluster,n0,n1\n3,1,90,10\n3,2,80,20\n", "n1", (10, 15, 20),
              "recover copying --data {} --t0 T0 --hamiltonian HAMILTONIAN.npy "
              "--state PSI0.npy"),
    # 3, 1, 2, 2 particles: half of the states hold two, a quarter each the others
    "n.csv": ("n0,n1\n3,1\n2,2\n", "share of states", (1 / 4, 1 / 3, 1 / 2),
              "recover statistics --data {}"),
    # of so many numbers up to the largest there is no list
    "many.csv": ("n0,n1\n3e14,1\n2,2\n", "share of states", (1 / 4, 1 / 3, 1 / 2),
                 "recover statistics --data {}"),
    "light.csv": ("omega,n\n1,3\n1,0\n", "n", (0, 1.5, 3),
                  "recover temperature --data {}"),
    "thermal.csv": ("omega,nbar,sigma\n1,0.6,0.1\n2,0.2,0.1\n", "nbar", (0.2, 0.4, 0.6),
                    "recover temperature --data {}"),
    # 8 and 7 of 10
    "tables.npz": ({"counts": [TABLE, TABLE - 1], "shots": 10,
                    "wait_us": [0, 5]}, "largest share", (0.7, 0.75, 0.8),
                   "linear {}"),
    "plan.toml": ("t = [0.5, 2.0]\nshots = [300, 700]\n", "shots", (300, 500, 700),
                  "simulate copying --settings {} --out {}"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_kind_is_shown(name, tmp_path, printed):
    held, column, numbers, command = CASES[name]
    path = written(tmp_path, name, held)
    assert main(["show", str(path), "--json"]) == 0
    found = printed("show")
    record = path.with_name(f"{path.stem}_record.npz")
    assert found["next"][0] == "jqd " + command.format(path, record)
    shown = found["columns"][column]
    # six digits of the eigenvalues, and what lies beyond the grid
    assert [*shown.values()] == pytest.approx(numbers, abs=1e-4)


def test_tables_whose_shots_are_told(tmp_path, printed):
    """As an archive without shots; as text, whose shots `jqd linear` needs."""
    path = written(tmp_path, "bare.npz", {"counts": TABLE})
    assert main(["show", str(path), "--shots", "20", "--json"]) == 0
    found = printed("show")
    assert found["facts"]["shots"] == "20 of each cell"
    assert found["facts"]["tables"] == "1 of 3 preparations by 3 measurements"
    assert found["columns"]["largest share"]["mean"] == 0.4
    assert found["next"] == [f"jqd linear {path} --shots 20"]
    path = written(tmp_path, "table.csv", "1,4,8\n2,4,7\n1,5,8\n")
    assert main(["show", str(path), "--json"]) == 0
    found = printed("show")
    assert found["next"] == [f"jqd linear {path} --shots SHOTS"]
    assert found["missing"] == ["--shots: of each cell"]


def test_means_of_samples_have_errors(tmp_path, printed):
    """Of 1 and 3: sqrt(2 / 1 / 2); the imaginary parts are alike, or 0 and 0."""
    path = written(tmp_path, "s.npz", CASES["s.npz"][0])
    assert main(["show", str(path), "--json"]) == 0
    assert printed("show")["facts"]["errors of the means"] == "0 to 1"


@pytest.mark.parametrize("name", ["q.npz", "thermal.csv", "light.csv", "H.npy"])
def test_the_picture_and_where_it_is(name, tmp_path, capsys):
    """A map, errors, rows of a single frequency, levels."""
    path, out = written(tmp_path, name, CASES[name][0]), tmp_path / "seen"
    assert main(["show", str(path), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"Written: {out / 'data.png'}\n" in said
    assert (out / "data.svg").stat().st_size > 0
    assert "provenance" in json.loads((out / "summary.json").read_text())
    assert main(["show", str(path), "--out", str(out), "--json"]) == 0
    assert (tmp_path / "seen-2" / "data.png").is_file()


def test_what_a_person_reads_is_a_table(tmp_path, capsys):
    path = written(tmp_path, "counts.csv", "t,n0,n1\n0,90,10\n0.5,60,40\n2,50,50\n")
    assert main(["show", str(path)]) == 0
    said = capsys.readouterr().out
    lines = said.splitlines()
    facts = [line.strip().split(None, 1) for line in lines]
    assert ["times", "3 from 0 to 2, 0.5 to 1.5 apart"] in facts
    assert ["shots", "100 at each time"] in facts
    assert "not in the file" in said
    assert f"Next: jqd recover copying --data {path} " in said
    assert all(len(line) <= 80 for line in lines if not line.startswith("Next: "))


def test_times_that_are_not_shown_are_counted(tmp_path, printed):
    held = {"x": X, "potential": X**2 / 2, "density": np.tile(PACKET, (7, 1))}
    held |= {"t": np.arange(7.0), "x0": 0.0, "s0": 0.7, "p0": 0.0}
    path = written(tmp_path, "d.npz", held)
    assert main(["show", str(path), "--json"]) == 0
    found = printed("show")
    assert found["facts"]["columns shown"] == "those of 6 of the 7 times"
    assert len(found["columns"]) == 6


@pytest.mark.parametrize(
    ("name", "held", "label", "said"),
    [
        ("H.csv", "1,2\n3,4\n", "Hermitian",
         "no: entry [0, 1] differs from the conjugate of entry [1, 0] by 1."),
        # a table without a header
        ("t.csv", "0,0.9,0.1\n1,0.5,0.5\n", "Hermitian", "no: its shape is (2, 3)."),
        ("psi.npy", np.array([100, 0], np.int8), "squared norm", "10000"),
    ],
)  # fmt: skip
def test_what_is_no_hamiltonian_and_no_state_says_so(
    name, held, label, said, tmp_path, printed
):
    """No command takes it as one."""
    assert main(["show", str(written(tmp_path, name, held)), "--json"]) == 0
    found = printed("show")
    assert found["facts"][label] == said
    assert (found["missing"], found["next"]) == ([], [])


@pytest.mark.parametrize("kind", ["<f2", ">f8", "g"])
def test_numbers_of_other_lengths_and_orders(kind, tmp_path, printed):
    """Short, long and foreign floats: levels of [[0, 1], [1, 0]]."""
    path = written(tmp_path, "H.npy", np.array([[0, 1], [1, 0]], kind))
    assert main(["show", str(path), "--json"]) == 0
    found = printed("show")
    assert found["facts"]["Hermitian"] == "yes"
    assert [*found["columns"]["energy over ħ"].values()] == pytest.approx([-1, 0, 1])


@pytest.mark.parametrize(
    ("law", "words"),
    [("husimi", ["husimi"]), ("law", ["law", "LAW"]), ("another", None)],
)
def test_settings_are_for_the_law_that_they_name(law, words, tmp_path, printed):
    text = f't = [0.5, 2.0]\nshots = [300, 700]\nlaw = "{law}"\n'
    path = written(tmp_path, "plan.toml", text)
    assert main(["show", str(path), "--json"]) == 0
    found = printed("show")
    assert found["facts"]["law"] == law
    said = [command.partition(" --settings")[0] for command in found["next"]]
    assert said == ([] if words is None else [" ".join(["jqd", "simulate", *words])])


def test_samples_that_no_fit_takes_name_what_they_lack(tmp_path, printed):
    """Too few for moments, and not as many at each time: 17 tell 16 moments."""
    held = CASES["s.npz"][0] | {"shots": [2, 1]}
    assert main(["show", str(written(tmp_path, "s.npz", held)), "--json"]) == 0
    found = printed("show")
    assert found["next"] == []
    assert found["missing"] == ["samples: 17 or more at each time, or as many at all"]
    held |= {"samples": np.tile(held["samples"], 9), "shots": [18, 17]}
    path = written(tmp_path, "many.npz", held)
    assert main(["show", str(path), "--json"]) == 0
    (command,) = printed("show")["next"]
    assert command == f"jqd recover husimi --data {path} --hamiltonian OPERATOR"


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("rabi.csv", RABI),
        ("p.csv", "t,p0,p1\n0,0.9,0.1\n".encode("utf-16")),
        ("p.csv", ",t,p0,p1\n0,0,0.9,0.1\n"),
        ("p.csv", "t;p0;p1\n0;0,9;0,1\n"),
        ("p.csv", "t,p0,p1\n0,0.9,0.3\n"),
        ("n.csv", "t,n1\n0,3\n1,4\n"),
        ("p.npy", b"no array"),
        ("p.txt", "1"),
        ("psi.npy", np.zeros(0)),
        ("H.npy", np.zeros((2, 2, 2))),
        ("n.csv", "n0,n1\n1e25,1\n"),
        ("n.csv", "t,n0,n1\n0,5.5,3\n"),
        ("light.csv", "omega,n\n1,2\n2,-3\n"),
        ("light.csv", "omega,nbar\n-1,2\n2,3\n"),
    ],
)
def test_a_refusal_is_that_of_loading(name, held, tmp_path, capsys):
    """In its words, about the argument as it was typed."""
    path = written(tmp_path, name, held)
    with pytest.raises(ValueError, match="Argument `") as refused:
        jqd.load(path)
    assert main(["show", str(path), "--out", str(tmp_path / "seen")]) == 2
    said = capsys.readouterr()
    _, name, words = str(refused.value).split(" ", 2)
    # arrays have their names in the file
    name = name if name in ("`n`", "`omega`") else "`FILE`"
    words = words.replace("`columns`", "`--columns`").replace("`shots`", "`--shots`")
    assert (said.out, said.err) == ("", f"Error: Argument {name} {words}\n")
    assert not (tmp_path / "seen").exists()


def test_columns_that_are_left_out_are_named_as_such(tmp_path, capsys):
    path = written(tmp_path, "rabi.csv", "t [us],n0,n1\n0,3,4\n")
    assert main(["show", str(path), "--columns", "t=t [us]"]) == 2
    said = "has t; columns that are not named by `--columns` are left out."
    assert said in capsys.readouterr().err


def test_bits_are_no_counts(tmp_path, capsys):
    path = written(tmp_path, "bits.csv", "t,state,count\n0,0110,37\n1,1101,12\n")
    words = ["--columns", "t=t,n1=state", "--shots", "2000"]
    assert main(["show", str(path), *words]) == 2
    assert "has outcomes bit by bit in 'state'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "summary.json"])
def test_results_are_for_another_command(name, tmp_path, capsys):
    found = {"law": "Schrodinger", "status": "converged", "provenance": {}}
    (tmp_path / "summary.json").write_text(json.dumps(found))
    assert main(["show", str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: Argument `FILE` must be data")
    assert f"`jqd report {tmp_path}` shows" in said


def test_its_own_results_are_offered_to_no_command(tmp_path, capsys):
    """`jqd report` shows fits and the like, and refuses them."""
    path, out = written(tmp_path, "H.npy", np.eye(2)), tmp_path / "seen"
    assert main(["show", str(path), "--out", str(out)]) == 0
    assert f"Written: {out / 'summary.json'}\n" in capsys.readouterr().out
    assert main(["show", str(out)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: Argument `FILE` must be a file ending in ")
    assert "jqd report" not in said
