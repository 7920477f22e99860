"""A law of one's own through the commands: vetted, simulated, recovered, designed."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.linalg import expm

import jqd
from jqd.cli import main
from jqd.records import load_record
from jqd.report import load_law

OWN = """
import jax
import jax.numpy as jnp
import jqd
from jqd.laws import SelfPotential, read_quantum


class Quintic(SelfPotential):
    g: jax.Array = jqd.free(quantum=0.0, span=(-1, 1))
    s: jax.Array = jqd.fixed()

    def __init__(self, H, g=0.0, s=1.0):
        self.quantum = read_quantum(H)
        self.g, self.s = jqd.constants.scalars(g=g, s=s)

    def self_potential(self, rho):
        return self.g * self.s * rho**2

    def self_energy(self, rho):
        return self.g * self.s * jnp.sum(rho**3) / 3


class Alone(jqd.Law):
    H: jax.Array
    g: jax.Array = jqd.free(quantum=0.0)

    def prepare(self, psi):
        return jnp.asarray(psi, complex)

    def vector_field(self, t, psi, args=None):
        return -1j * (self.H @ psi + self.g * self.density(psi) * psi)

    def density(self, psi):
        return jnp.abs(psi) ** 2

    def yardstick(self):
        return jqd.Schrodinger(self.H)


class Mute(Alone.__mro__[1]):
    H: jax.Array
    g: jax.Array

    def __init__(self, H, g=0.0):
        self.H, self.g = H, jqd.constants.constant(g)

    prepare, density = Alone.prepare, Alone.density

    def vector_field(self, t, psi, args=None):
        return -1j * (self.H @ psi + self.h * psi)


def watched(H, gamma=0.0):
    return jqd.laws.Collapse(H, jnp.arange(3.0), gamma)


class Walk(Mute.__mro__[1]):
    H: jax.Array
    prepare, density, vector_field = Alone.prepare, Alone.density, Mute.vector_field

    def chance(self):
        return jqd.laws.Chance(jqd.laws.StepNoise(()))
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A law in a file, three levels, a state of no special phases."""
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    np.save("H.npy", np.array([[0.0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]]))
    np.save("psi.npy", np.sqrt([0.5, 0.3, 0.2]) * np.exp([0, 0.7j, -0.4j]))
    return ["--hamiltonian", "H.npy", "--state", "psi.npy"]


@pytest.mark.slow
def test_from_a_simulation_to_its_constants(files, printed):
    """The commands that are printed go on where the last one ended."""
    law = ["law", "own.py:Quintic", "--set", "g=0.4", "--set", "s=1.5", *files]
    words = ["design", *law, "--times", "0.5:4:8", "--shots", "1e5", "--json"]
    assert main([*words, "--out", "plan.toml"]) == 0
    planned = printed("design law")
    assert list(planned["constants"]) == ["g"]
    assert "own.py:Quintic --set g=0.4 --set s=1.5" in planned["simulate"]
    first, *words = shlex.split(planned["simulate"])
    assert (first, main([*words, "--json"])) == ("jqd", 0)
    made = printed("simulate law")
    assert made["constants"] == {"g": 0.4, "s": 1.5}
    assert "law own.py:Quintic --set s=1.5 --data" in made["recover"]
    assert "--free g" in made["recover"]
    first, *words = shlex.split(made["recover"])
    words += ["--starts", "1", "--start", "g=0.3", "--quick", "--json"]
    assert main([*words, "--out", "results"]) == 0
    found = printed("recover law")
    assert (found["law"], list(found["constants"])) == ("Quintic", ["g"])
    g = found["constants"]["g"]
    # one seed: beyond 4 standard errors once in 1e4 times
    assert abs(g["value"] - 0.4) < 4 * g["stderr"]
    # as was planned, to the scatter of weights that counts give themselves
    assert g["stderr"] == pytest.approx(planned["constants"]["g"]["known"], rel=0.1)


@pytest.mark.slow
def test_a_fit_frees_what_is_declared_and_not_the_hamiltonian(files, printed):
    law = load_law("own.py", "Alone")(np.load("H.npy"), g=0.3)
    psi, ts = np.load("psi.npy"), np.linspace(0, 2, 9)
    run = jqd.evolve(law, law.prepare(psi), ts, observe="density")
    np.savez("p.npz", t=ts, p=np.asarray(run.values))
    words = ["recover", "law", "own.py:Alone", "--data", "p.npz", *files, "--json"]
    assert main([*words, "--starts", "1", "--start", "g=0.1", "--quick"]) == 0
    (name, found), *none = printed("recover law")["constants"].items()
    assert (name, none) == ("g", [])
    # both runs have relative errors of 1e-8 or less, slopes of p in g are some 0.1
    assert abs(found["value"] - 0.3) < 1e-6


@pytest.mark.slow
def test_a_sweep_over_a_constant(files, printed):
    words = ["sweep", "law", "own.py:Quintic", "--vary", "g=0:0.4:3", *files]
    words += ["--times", "0:2:5", "--set", "s=1.5", "--out", "s.zarr", "--json"]
    assert main(words) == 0
    assert printed("sweep law")["status"] == {"ok": 3}
    found = xr.open_zarr("s.zarr")
    assert found.populations.dims == ("g", "t", "class")
    assert found.attrs["constants"]["law"] == "own.py:Quintic --set s=1.5"
    law = load_law("own.py", "Quintic")(np.load("H.npy"), g=0.4, s=1.5)
    run = jqd.evolve(law, law.prepare(np.load("psi.npy")), found.t.values,
                     observe="density")  # fmt: skip
    # the same program, but for a batch: rounding, and steps of relative error 1e-8
    np.testing.assert_allclose(found.populations[-1], run.values, atol=1e-7)
    assert float(found.distance[0].max()) < 1e-7 < float(found.distance[-1].max())
    # a store of another law is not gone on with
    assert main([*words[:-5], "--set", "s=1", *words[-3:]]) == 2


def test_values_in_brackets_and_by_set_are_the_same(files, printed):
    rows = ["--rows", "quantum mechanics", "--quick", "--json", *files[:2]]
    cards = []
    for words in (["own.py:Quintic[g=0.4,s=2]"],
                  ["own.py:Quintic[g=0.4]", "--set", "s=2"]):  # fmt: skip
        assert main(["vet", *words, *rows]) == 0
        cards += printed("vet")["laws"].values()
    assert cards[0] == cards[1]
    assert cards[0]["rows"]["quantum mechanics"]["verdict"] == "fails"


@pytest.mark.slow
def test_a_law_of_the_library_by_its_name(files, printed):
    words = ["simulate", "law", "gisin[lam=0.1]", *files, "--times", "0:2:5"]
    assert main([*words, "--out", "n.csv", "--json"]) == 0
    found = printed("simulate law")
    assert found["constants"] == {"lam": 0.1}
    assert "recover law gisin --data n.csv" in found["recover"]


@pytest.mark.slow
def test_a_random_law_is_followed_by_its_mean(files, printed):
    words = ["simulate", "law", "own.py:watched", "--set", "gamma=0.4", *files]
    words += ["--times", "0:2:5", "--shots", "1000000", "--out", "n.npz", "--json"]
    assert main(words) == 0
    found = printed("simulate law")
    assert found["law"] == "Dephasing"
    assert found["constants"] == {"gamma": 0.4}
    # Lindblad's equation, by the exponential of its matrix
    H, psi, one = np.load("H.npy"), np.load("psi.npy"), np.eye(3)
    gap = np.subtract.outer(np.arange(3), np.arange(3))
    L = -1j * (np.kron(H, one) - np.kron(one, H)) - 0.2 * np.diag(gap.ravel() ** 2)
    rho = expm(2 * L) @ np.outer(psi, psi.conj()).ravel()
    exact = np.real(np.diag(rho.reshape(3, 3)))
    shares = load_record("n.npz").values[-1] / 1e6
    # 4 standard errors of a million shots; without decoherence they are off by 0.1
    assert np.all(np.abs(shares - exact) < 4 * np.sqrt(exact / 1e6))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("recover law own.py", 2, "own.py:Quintic or own.py:Alone or own.py:Mute or"),
        ("recover law own.py:Nobody", 2, "but 'Nobody' is none of these"),
        ("recover law nofile.py", 2, "nofile.py is not there"),
        ("recover law empty.py", 2, "must name a law of empty.py, but that defines no"),
        ("recover law syntax.py", 2, "valid Python, but syntax.py:1"),
        ("recover law fails.py", 1, "fails.py:1: ZeroDivisionError"),
        ("recover law stops.py", 1, "Error: interrupted"),
        ("recover law exits.py", 1, "exits.py:1: SystemExit"),
        ("recover law float.py", 2, "`g` of float.py:Own is a Python float: keep jqd"),
        ("recover law half.py", 2, "half.py:Own leaves `vector_field` abstract"),
        ("recover law own.py:Quintic[x=1]", 2, "out of g, s, but 'x' was given"),
        ("recover law own.py:Quintic --set g", 2, "`--set` must look like g=0.3"),
        (
            "recover law own.py:Quintic --set g=1",
            2,
            "out of g, hbar: none that is decl",
        ),
        ("recover law own.py:Mute", 2, "out of H, g: none that is declared with"),
        ("recover law own.py:Quintic[g] --set g=1", 2, "stands in the brackets"),
        ("recover law own.py:Quintic --set g=1 --free g", 2, "which has a value, but"),
        ("recover law own.py:Quintic --free s", 2, "'s'"),
        ("recover law own.py:Quintic --start s=1", 2, "constants that are free (g)"),
        ("recover law own.py:Quintic --data p.csv", 2, "no --hamiltonian and no"),
        ("recover law schrodinger", 2, "`--free` must name constants of schrodinger"),
        ("recover law own.py:Quintic,gisin", 2, "must be one law of a matrix"),
        ("recover law husimi[C]", 2, "must be one law of a matrix"),
        (
            "recover law own.py:Walk",
            2,
            "must have a mean law if it is random, but Walk",
        ),
        ("simulate law own.py:Quintic[g] --out a.csv", 2, "must give g a value"),
        (
            "simulate law own.py:Mute --out a.csv",
            1,
            "own.py:50: AttributeError: 'Mute'",
        ),
        (
            "simulate law own.py:Quintic --out a.csv --state p",
            2,
            "--hamiltonian is mis",
        ),
        ("design law own.py:Quintic --free x", 2, "'x'"),
        ("sweep law own.py:Quintic --vary g --out s", 2, "`--vary` must look like"),
        ("sweep law own.py:Quintic --vary g=0:1 --out s", 2, "but '0:1' was given"),
        ("sweep law own.py:Quintic --vary g=0:1:0 --out s", 2, "but 'g=0:1:0' was"),
        (
            "sweep law own.py:Quintic --vary s=1 --out s",
            2,
            "one of g, hbar, but is 's'",
        ),
        ("sweep law own.py:Alone --vary H=1 --out s", 2, "of one entry, but H has 32"),
        ("sweep law own.py:Quintic[g=1] --vary g=1 --out s", 2, "'g' is not one"),
        (
            "vet own.py:Alone[g=1] --rows separability",
            2,
            "does not apply to own.py:Alo",
        ),
        ("vet own.py:Quintic,gisin --set g=1", 2, "must be one law beside `--set`"),
        ("vet own.py:Mute --rows norm", 2, "has no `yardstick()`"),
    ],
)
def test_what_cannot_be_is_one_line(words, code, said, files, complaint):
    for name, text in {
        "empty": "",
        "syntax": "class Own(:",
        "fails": "1 / 0",
        "stops": "raise KeyboardInterrupt",
        "exits": "raise SystemExit",
        "half": "import jqd\nclass Own(jqd.Law):\n    def prepare(self, psi): ...\n"
        "    def density(self, psi): ...\n",
        "float": OWN[: OWN.index("class Mute")].replace("Alone", "Own")
        .replace("g: jax.Array = jqd.free(quantum=0.0)", "g: float = 0.3")
        .replace("class Quintic(SelfPotential)", "class Quintic"),
    }.items():  # fmt: skip
        Path(f"{name}.py").write_text(text)
    assert said in complaint(*words.split(), code=code, blank=True)
    assert not Path("a.csv").exists()
