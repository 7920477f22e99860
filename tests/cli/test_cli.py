import json
import subprocess
import sys
from importlib.resources import files

import jax
import jsonschema
import pytest
import typer

import jqd
from jqd.cli import app, main
from jqd.cli.listing import by_options
from jqd.cli.options import parse_free, parse_noise, parse_start
from jqd.report import json_schema

GOOD = "def run(context):\n    print('noise')\n    return {'value': 0.5}\n"


@pytest.fixture
def jqd_command(capsys):
    """Run `jqd` with these words: exit code, standard output, standard error."""

    def call(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def one_line(text, part):
    assert text.startswith("Error: ")
    assert text.count("\n") == 1
    assert part in text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Argument `psi0` must be `x`.", "Argument `--state` must be `x`."),
        ("Argument `psi[0]` must be 1.", "Argument `--state[0]` must be 1."),
        ("Argument `nuisances` must", "Argument `nuisances` must"),  # not in the head
        ("Argument `nuisances` must be.", "Argument `--nuisance` must be."),
        ("Argument `readout` must be.", "Argument `--nuisance readout` must be."),
        ("Arguments `H` and `data` must be.", "Arguments `--hamiltonian` and `--data`"),
        # of the file, where the user typed none
        ("Argument `sigma` must be.", "Argument `sigma` must be."),
        ("Argument `sigma` must be given.", "Argument `--sigma` must be given."),
        ("Argument `t0` must be.", "Argument `--t0` must be."),
        ("Argument `store` must be.", "Argument `store` must be."),
        ("Argument `omega` must be.", "Argument `omega` must be."),
        (
            "Argument `data` must be (`state`).",
            "Argument `--data` must be (`--state`).",
        ),
        ("see Argument `data` must be.", "see Argument `data` must be."),
    ],
)
def test_messages_name_what_was_typed(said, shown):
    known = ["--state", "--nuisance", "--hamiltonian", "--data", "--sigma", "--t0"]
    known += ["--store"]
    assert by_options(said, known, ["recover", "law", "--t0=1"]).startswith(shown)


def test_a_store_is_named_as_the_command_takes_it():
    said, known = "Argument `store` must be.", ["--out"]
    for store in ("--out", "STORE"):
        shown = by_options(said, known, ["sweep"], store)
        assert shown == f"Argument `{store}` must be."
    assert by_options(said, known, ["run"]) == said


def test_info(jqd_command):
    code, out, _ = jqd_command("info")
    assert code == 0
    assert jqd.__version__ in out
    assert "float64" in out


def test_info_as_json(printed):
    assert main(["info", "--json"]) == 0
    facts = printed("info")
    assert facts["jax"] == jax.__version__
    assert facts["devices"]


def test_version_and_help(jqd_command):
    assert jqd_command("--version") == (0, f"{jqd.__version__}\n", "")
    code, out, _ = jqd_command("--help")
    assert code == 0
    for name in ("info", "equations", "run", "recover"):
        assert name in out
    assert jqd_command("recover", "copying", "--help")[0] == 0
    code, out, err = jqd_command()
    assert (code, err) == (2, "")
    assert "recover" in out


def test_completion(capsys, monkeypatch, tmp_path):
    """What `jqd --install-completion` puts into the shell's files, and how it asks."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    with pytest.raises(SystemExit, match="0"):
        main(["--install-completion"])
    (script,) = tmp_path.rglob("jqd.sh")
    assert "_JQD_COMPLETE=complete_bash" in script.read_text()
    for words, found in {
        "jqd rec": "recover",
        "jqd recover sta": "statistics",
        "jqd recover tower --ph": "--photons",
    }.items():
        monkeypatch.setenv("_JQD_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main([])
        assert capsys.readouterr().out.split() == [found]


def test_equations(jqd_command, printed):
    assert main(["equations", "copying", "--json"]) == 0
    entries = printed("equations")["copying"]
    keys = "number statement verdict section function printed printed_tex tex tests"
    assert list(entries[0]) == keys.split()
    # all of several tests
    (rates,) = (e for e in entries if e["number"] == "39")
    assert len(rates["tests"]) == 4
    code, out, _ = jqd_command("equations", "copying", "--verdict", "corrected")
    assert code == 0
    wrong = [e for e in entries if e["verdict"] == "corrected"]
    assert out.startswith(f"copying: {len(wrong)} corrected\n")
    assert all(f"\n{e['number']}  corrected\n" in out for e in wrong)
    # each names its test, and the function where it is one of jqd's
    alone = sum(not e["function"] for e in wrong)
    assert out.count("computed and decided by") == alone > 0
    (nodes,) = (e for e in entries if e["number"] == "40")
    together = "".join(out.split())
    assert ",".join(nodes["tests"]) in together
    assert out.count(" decided by") == len(wrong)
    assert "  holds" not in out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["equations", "cooking"], "copying"),
        (["equations", "--verdict", "wrong"], "holds, corrected"),
        (["info", "--jsn"], "--jsn"),
        (["fly"], "fly"),
        (["run"], "FILE"),
        (["run", "nothing.py"], "nothing.py is not there"),
        (["recover", "copying", "--starts", "0"], "--starts"),
        (["recover", "copying", "--data", "x.csv"], "no --hamiltonian and no --state"),
        (["recover", "copying", "--free", "q,z"], "'z'"),
        (["recover", "copying", "--start", "z=1"], "'z'"),
        (["recover", "copying", "--noise", "loud"], "'loud'"),
        (["recover", "copying", "--starts", "1.5e0"], "--starts"),
        (["recover", "copying", "--seed", "nan"], "--seed"),
    ],
)
def test_bad_words_are_one_line_and_exit_code_2(jqd_command, words, part):
    code, out, err = jqd_command(*words)
    assert (code, out) == (2, "")
    one_line(err, part)


def test_every_whole_number_may_be_written_with_an_exponent():
    context = typer.main.get_command(app).make_context("jqd", ["info"])
    waiting, taken = [typer.main.get_command(app)], set()
    while waiting:
        command = waiting.pop()
        inner = getattr(command, "commands", {})
        waiting += [inner[name] for name in inner]
        for one in command.params:
            if one.type_descriptor.annotation is int:
                taken.add(one.name)
                assert one.process_value(context, "2e3") == 2000
                # all digits, where a float has not as many
                assert one.process_value(context, f"{2**53 + 1}") == 2**53 + 1
    assert {"shots", "seed", "starts", "levels", "folds", "steps", "n_max"} <= taken


def test_run_prints_a_table_and_numbers_a_second_run(jqd_command, tmp_path):
    path = tmp_path / "half.py"
    path.write_text(GOOD)
    code, out, _ = jqd_command("run", path, "--out", tmp_path / "out")
    assert code == 0
    assert "0.5" in out
    code, out, _ = jqd_command("run", path, "--out", tmp_path / "out")
    assert code == 0
    assert out.endswith("out-2\n")
    assert (tmp_path / "out" / "summary.json").exists()
    assert (tmp_path / "out-2" / "summary.json").exists()


def test_run_as_json_prints_nothing_else(jqd_command, tmp_path):
    path = tmp_path / "half.py"
    path.write_text(GOOD)
    code, out, err = jqd_command("run", path, "--json", "--out", tmp_path / "out")
    assert code == 0
    result = json.loads(out)
    jsonschema.validate(result, json_schema("run"))
    assert result["value"] == 0.5
    assert "noise" in err


def commands_with_json(command, words=()):
    """The words of each command that has the option `--json`."""
    for name, sub in getattr(command, "commands", {}).items():
        yield from commands_with_json(sub, (*words, name))
    if any("--json" in parameter.opts for parameter in command.params):
        yield " ".join(words)


def test_every_json_has_a_schema():
    """Each is sound and tells this command from others; `printed` checks against it."""
    commands = set(commands_with_json(typer.main.get_command(app)))
    text = files("jqd.report").joinpath("schema.json").read_text(encoding="utf-8")
    assert commands == set(json.loads(text)["commands"])
    for command in commands:
        schema = json_schema(command)
        jsonschema.Draft202012Validator.check_schema(schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"status": 3}, schema)
    with pytest.raises(ValueError, match="must be one of info, equations"):
        json_schema("fly")


def test_run_without_success_is_exit_code_1(jqd_command, tmp_path):
    path = tmp_path / "half.py"
    path.write_text("def run(context):\n    return {'status': 'not converged'}\n")
    code, out, err = jqd_command("run", path, "--out", tmp_path / "out")
    assert (code, err) == (1, "")
    assert "not converged" in out


def test_run_of_a_failing_experiment(jqd_command, tmp_path):
    path = tmp_path / "half.py"
    path.write_text("def run(context):\n    return 1 / 0\n")
    words = ("run", path, "--out", tmp_path / "out")
    code, out, err = jqd_command(*words)
    assert (code, out) == (1, "")
    one_line(err, "half.py:2: ZeroDivisionError")
    code, _, err = jqd_command(*words, "--traceback")
    assert code == 1
    assert "Traceback" in err
    assert "return 1 / 0" in err


REFUSED = """import jax, jax.numpy as jnp
import jqd
grid = jqd.Grid([(-5.0, 5.0)] * 2, (16, 16))
law = jqd.Schrodinger.on_grid(grid, lambda x, y: x**2, mass=[1.0, jnp.inf])
psi = jnp.full(grid.shape, 0.1 + 0j)
def run(context):
    {}
"""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("jqd.Grid((1.0, 0.0), 8)", "`bounds` must have lower < upper"),
        (
            "jqd.Particles(a=(0, 1.0), b=(0, 2.0))",
            "`b` must have axes of its own, but axis 0 is that of `a`",
        ),
        (
            "jqd.ensembles.nelson(law, psi, [0.0, 1.0], jax.random.key(0), nu=0.5)",
            "`nu` must be 0 along an axis of infinite mass",
        ),
        (
            "jqd.ensembles.bohm(law, psi, [0.0, 1.0], x0=[[0.0, 7.0]])",
            "`x0` must lie inside of the box",
        ),
        ("jqd.laws.GRW(law, 0.1)", "`quantum` must be of one mass"),
        ("jqd.laws.DoebnerGoldin(law)", "`quantum` must be of one mass"),
        ("jqd.vet(law)", "`law` must depart from a matrix, a particle of one mass"),
    ],
)
def test_what_jqd_refuses_in_an_experiment_is_bad_input(
    jqd_command, tmp_path, line, message
):
    path = tmp_path / "half.py"
    path.write_text(REFUSED.format(line))
    code, out, err = jqd_command("run", path, "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    one_line(err, f"half.py:7: ValueError: Argument {message}")


FIELDS = """
import jax, jax.numpy as jnp
import jqd
from jqd.ensembles import nelson

LINE = jqd.Grid((0.0, 6.0), 16)
PLANE = jqd.Grid([(-4.0, 4.0)] * 2, (16, 16))
SPIN = jnp.stack([jnp.ones(16), jnp.zeros(16)]) / 6**0.5


def turning(stepper):
    law = jqd.Pauli(LINE, lambda x: 0 * x, lambda x: (jnp.sin(x), jnp.cos(x), 0.0))
    jqd.evolve(law, law.prepare(SPIN), [0.0, 1.0], method=jqd.Fixed(stepper))


def paths():
    law = jqd.Pauli(LINE, lambda x: 0 * x, lambda x: (jnp.sin(x), jnp.cos(x), 0.0))
    nelson(law, SPIN, [0.0, 1.0], jax.random.key(0), stepper=jqd.steppers.srkn11)


def seam(A, *, psi=None):
    law = jqd.Schrodinger.on_grid(
        PLANE, lambda x, y: 0 * x * y, vector_potential=A
    )
    law.prepare(psi)


def run(context):
    CALL
"""


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (
            "turning(jqd.steppers.srkn11)",
            "`stepper` must keep its order, but `srkn11` would",
        ),
        (
            "turning(jqd.steppers.chin4a)",
            "`stepper` must keep its order, but `chin4a` would",
        ),
        ("paths()", "`stepper` must keep its order, but `srkn11` would"),
        (
            "seam(lambda x, y: (x * y, 0 * y))",
            "`vector_potential` must be periodic across the seam of the box",
        ),
        (
            "seam(lambda x, y: (-y, 0 * x), psi=jnp.full((16, 16), 1 / 8))",
            "`psi` must have no weight at a seam of the box",
        ),
    ],
)
def test_fields_that_are_refused_are_bad_input(jqd_command, tmp_path, call, part):
    path = tmp_path / "fields.py"
    path.write_text(FIELDS.replace("CALL", call))
    code, out, err = jqd_command("run", path, "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    one_line(err, part)


def test_an_interrupt_is_one_line_and_exit_code_1(jqd_command, tmp_path):
    path = tmp_path / "half.py"
    path.write_text("def run(context):\n    raise KeyboardInterrupt\n")
    code, _, err = jqd_command("run", path, "--out", tmp_path / "out")
    assert code == 1
    one_line(err, "interrupted; no file was finished in")


def test_an_unwritable_folder_is_exit_code_2(jqd_command, tmp_path):
    path = tmp_path / "half.py"
    path.write_text(GOOD)
    code, out, err = jqd_command("run", path, "--out", path)
    assert (code, out) == (2, "")
    one_line(err, "`--out` must be a writable folder")
    assert path.read_text() == GOOD


@pytest.mark.parametrize("setting", ["0", "false", "False"])
def test_without_float64_nothing_runs(jqd_command, monkeypatch, setting):
    monkeypatch.setenv("JAX_ENABLE_X64", setting)
    code, out, err = jqd_command("info")
    assert (code, out) == (2, "")
    one_line(err, "JAX_ENABLE_X64")


def test_the_process_turns_float64_on():
    # The tests have it on already; a process of its own begins without.
    words = ["-c", "import sys; from jqd.cli import main; sys.exit(main())", "info"]
    done = subprocess.run(
        [sys.executable, *words, "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["precision"] == "float64"
    assert done.stderr == ""


def test_free_constants_are_read():
    assert parse_free("q, r", ("q", "r", "R")) == ("q", "r")
    for text, part in (("z", "q, r"), ("", "''"), ("q,", "''"), ("q,q", "twice")):
        with pytest.raises(ValueError, match=part):
            parse_free(text, ("q", "r"))


def test_starts_are_read():
    assert parse_start("", ("q",)) == {}
    assert parse_start("q=0.2, r=-1.1", ("q", "r")) == {"q": 0.2, "r": -1.1}
    assert parse_start("R[0,1]=3,q=1", ("q", "R")) == {"R[0,1]": 3.0, "q": 1.0}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("q", "must look like"),
        ("q=0.2,", "must look like"),
        ("z=1", r"\(q, r\), but 'z'"),
        ("q=1,q=2", "twice"),
        ("q=one", "must give q a number, but 'one'"),
        ("r=nan", "must give r a number, but 'nan'"),
    ],
)
def test_bad_starts_are_refused(text, part):
    with pytest.raises(ValueError, match=part):
        parse_start(text, ("q", "r"))


def test_noise_is_read():
    assert parse_noise("auto") == ("auto", None)
    assert parse_noise("gaussian") == ("gaussian", None)
    assert parse_noise("gaussian:0.01") == ("gaussian", 0.01)
    for text in ("loud", "none:1", "gaussian:", "gaussian:-1", "gaussian:inf"):
        with pytest.raises(ValueError, match="--noise"):
            parse_noise(text)
