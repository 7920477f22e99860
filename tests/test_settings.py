"""Sizes, switches and words: what is taken for one, and what is said of the rest."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import inference, laws, states, statistics
from jqd._words import did_you_mean
from jqd.cli import main
from jqd.cli.options import check_word
from jqd.laws import husimi
from jqd.matter import tower
from jqd.steppers import rk4

H = np.diag([0.0, 1.0])
LAW = jqd.Schrodinger(H)
UP = jnp.array([1.0 + 0j, 0.0])
COPIES = jqd.CopyDynamics.from_hamiltonian(np.array([[0.0, 0.3], [0.3, 0.0]]))
TS = np.array([0.0, 0.1])
KEY = jax.random.key(0)

# a size of NumPy's, which equinox takes for an array unless it is read
WHOLE = {
    "substeps": lambda n: jqd.Fixed(None, n).substeps,
    "lattice": lambda n: jqd.Fixed(None, 1, lattice=n).lattice,
    "terms": lambda n: jqd.Propagator(n).terms,
    "max_steps": lambda n: jqd.Adaptive(max_steps=n).max_steps,
    "exact": lambda n: husimi.Exact(n, husimi.Series(n)).levels,
    "fock": lambda n: husimi.Fock([n, n], orders=n).levels[1],
    "terms of a step": lambda n: husimi.Levels(n, n).terms,
    "quanta": lambda n: husimi.Sectors(n).quanta,
    "search": lambda n: inference.Search(steps=n).steps,
    "polish": lambda n: inference.Polish(max_steps=n).max_steps,
    "weinberg": lambda n: jqd.laws.Weinberg(np.eye(4), 0.1, levels=n).levels,
}


@pytest.mark.parametrize("name", WHOLE)
def test_numbers_of_numpy_are_whole_numbers(name):
    """A warning of equinox would be an error here."""
    made = WHOLE[name](np.int64(4))
    assert made == 4
    assert type(made) is int


def test_runs_with_numbers_of_numpy():
    by = {
        n: jqd.evolve(LAW, UP, TS, method=jqd.Fixed(rk4, n)) for n in (4, np.int64(4))
    }
    assert by[np.int64(4)].values.shape == (2, 2)
    assert states.coherent(0.3, np.int32(9)).shape == (9,)
    assert tower.harmonic_ladder(np.int64(4), 1.0).energies.shape == (4,)


FLAGS = {
    "literal": lambda flag: jqd.CopyDynamics.from_hamiltonian(H, literal=flag),
    "estimate_error": lambda flag: jqd.Fixed(rk4, 1, estimate_error=flag),
    "heed_alarms": lambda flag: jqd.Fixed(rk4, 1, heed_alarms=flag),
    "estimate_error of Adaptive": lambda flag: jqd.Adaptive(estimate_error=flag),
    "keep_paths": lambda flag: jqd.evolve(LAW, UP, TS, keep_paths=flag),
    "exponential": lambda flag: husimi.Fock(3, exponential=flag),
    "draw": lambda flag: jqd.laws.Collapse(H, [1.0, -1.0], gamma=0.5, draw=flag),
    "periodic": lambda flag: jqd.laws.ClassicalDiffusion(
        jqd.Grid((0.0, 1.0), 8), 0.1, periodic=flag
    ),
    "printed": lambda flag: jqd.ensembles.copying.sample(
        COPIES, UP, TS, KEY, copies=10, printed=flag
    ),
    "shared": lambda flag: statistics.sample_occupations(KEY, 2, 3, 1.0, shared=flag),
}


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("given", ["no", 0, 1.0, None])
def test_only_true_and_false_are_switches(name, given):
    says = f"`{name.split()[0]}` must be True or False, but is {given!r}"
    with pytest.raises(ValueError, match=says):
        FLAGS[name](given)


def test_switches_of_numpy():
    assert jqd.Fixed(rk4, 1, estimate_error=np.False_).estimate_error is False
    assert laws.Collapse(H, [1.0, -1.0], gamma=0.5, draw=np.True_).draw is True


# -- words -----------------------------------------------------------------------------


def test_the_nearest_word_is_asked_for():
    known = ("Schrodinger", "copying", "dephasing", 3)
    assert did_you_mean("schroedinger", known) == "; did you mean 'Schrodinger'?"
    assert did_you_mean("dephase", known) == "; did you mean 'dephasing'?"
    assert did_you_mean("x", known) == "."
    assert did_you_mean(None, known) == "."


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: jqd.evolve(LAW, UP, TS, observe="densty"), "density"),
        (lambda: jqd.simulate(LAW, UP, TS, instrument="densty"), "density"),
        (lambda: jqd.spaces.named_pulse("gausian"), "gaussian"),
        (lambda: jqd.constants.pack(COPIES, "omga"), "omega"),
        (lambda: jqd.constants.check_name(COPIES, "omga", "free"), "omega"),
        (lambda: jqd.bounds("weinburg.eps"), "weinberg.eps"),
        (lambda: check_word("form", "hef", ("auto", "heff")), "heff"),
    ],
)
def test_a_word_that_was_mistyped(call, meant):
    with pytest.raises(ValueError, match=f"; did you mean '{meant}'?"):
        call()


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("compare --laws schrodinger,weinburg", "weinberg"),
        ("compare --laws schrodinger,copying[qq]", "q"),
        ("recover copying --free omga", "omega"),
        ("recover copying --noise gausian", "gaussian"),
        ("recover tower --start omgea=1", "omega"),
        ("simulate statistics --set gg=1 --out draws.csv", "g"),
        ("sweep law weinberg --set esp=0.1 --vary eps=0,1 --out eps.zarr", "eps"),
        ("cite madelun", "Madelung"),
        ("bounds --constant weinburg.eps", "weinberg.eps"),
        ("equations --verdict correct", "corrected"),
        ("recover copying --hamltonian H.npy", "--hamiltonian"),
        ("recver copying", "recover"),
    ],
)
def test_a_word_that_was_mistyped_in_the_shell(words, meant, capsys):
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    near = f"Possible options: {meant})", f"id you mean '{meant}'?"
    assert any(words in said for words in near), said


# -- the name that was typed -----------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: jqd.simulate(LAW, UP, TS, instrument="x"), "`instrument` must be one"),
        (
            lambda: jqd.simulate(LAW, UP, TS, shots=100),
            "`shots` must be left out where",
        ),
        (lambda: jqd.Madelung(jqd.Grid((0.0, 1.0), 8), None), "`V` must be a number"),
        (
            lambda: jqd.Schrodinger(H).prepare(lambda t: UP),
            "`psi` must be an array of numbers, constant in time",
        ),
    ],
)
def test_complaints_name_what_was_typed(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_a_state_in_a_file_is_called_by_its_key(tmp_path):
    phase_space, density = tmp_path / "h.npz", tmp_path / "d.npz"
    np.savez(
        phase_space, t=[0.0, 1.0], husimi=np.ones((2, 1)), points=[0j], psi0=[1.0, 1.0]
    )
    x = np.arange(8.0)
    np.savez(
        density, t=[0.0, 1.0], density=np.ones((2, 8)) / 8, x=x, potential=0 * x,
        psi0=np.ones(8),
    )  # fmt: skip
    for load, file, norm in (
        (jqd.records.load_phase_space, phase_space, 2),
        (jqd.records.load_density, density, 8),
    ):  # fmt: skip
        says = f"a normalised `psi0`, but {file.name} has one of squared norm {norm}"
        with pytest.raises(ValueError, match=says):
            load(file)


def test_names_of_the_package_are_its_own():
    assert not {"Any", "import_module", "cache", "TYPE_CHECKING"} & {*dir(jqd)}
