"""Experiments that ask for what cannot be end with one line and exit code 2."""

import pytest

from jqd.cli import main

HEAD = '''"""Claim: none. Source: none. Verdict: none."""

import jax
import jax.numpy as jnp
import jqd

LINE = jqd.Grid((-8.0, 8.0), 32)
PLANE = jqd.Grid([(-8.0, 8.0)] * 2, (16, 16))
PACKET = LINE.normalise(jnp.exp(-LINE.x**2 / 2) + 0j)
WAVE = PLANE.normalise(jnp.exp(-sum(x**2 for x in PLANE.coordinates) / 2) + 0j)


def flat(x):
    return 0 * x


def low(x, y):
    return 0 * x * y


def turning(x):
    return jnp.cos(x), jnp.sin(x), 0 * x


def run(context):
'''
SPIN = """
    law = jqd.Pauli(LINE, flat, turning)
    psi = jnp.stack([PACKET, 0 * PACKET])
    jqd.evolve(law, psi, [0.0, 1.0], method=jqd.Fixed(jqd.steppers.{stepper}, 4))
"""
CASES = {
    "turning-srkn11": (SPIN.format(stepper="srkn11"), "`stepper` must keep its order"),
    "turning-chin": (SPIN.format(stepper="chin4a"), "`stepper` must keep its order"),
    "seam": (
        """
    law = jqd.ConservativeDiffusion(
        PLANE, low, 0.5, vector_potential=lambda x, y: (-y / 2, x / 2)
    )
    psi = jnp.ones_like(WAVE) / 16
    jqd.evolve(law, law.prepare(psi), [0.0, 1.0])
""",
        "`psi` must have no weight at a seam",
    ),
    "one-axis": (
        "    jqd.Particles(a=(0, 1.0), b=(0, 2.0))\n",
        "`b` must have axes of its own",
    ),
    "outside": (
        """
    law = jqd.Schrodinger.on_grid(LINE, flat)
    key = jax.random.key(0)
    jqd.ensembles.nelson(law, PACKET, [0.0, 1.0], key, x0=jnp.array([[9.5]]))
""",
        "`x0` must lie inside of the box",
    ),
    "frozen": (
        """
    law = jqd.Schrodinger.on_grid(PLANE, low, mass=(1.0, jnp.inf))
    key = jax.random.key(0)
    jqd.ensembles.nelson(law, WAVE, [0.0, 1.0], key, paths=4, nu=(0.5, 0.5))
""",
        "`nu` must be 0 along an axis of infinite mass",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_line_and_exit_code_2(case, tmp_path, monkeypatch, capsys):
    body, message = CASES[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asks.py").write_text(HEAD + body)
    assert main(["run", "asks.py"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len([line for line in said if line.startswith("Error: ")]) == 1
    assert message in " ".join(said)
    assert "Traceback" not in " ".join(said)
