"""Individuals that represent a state, and arguments that are refused."""

import re

import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import problems
from jqd.ensembles.copying import individuals, population
from jqd.ensembles.copying.crowd.rates import order_parameters

GOLDEN, PSI = problems.golden()


def test_population(key):
    """Largest remainders: 7 · (.5, .3, .2) = (3.5, 2.1, 1.4)."""
    beable, phase = population(PSI, 7)
    assert np.bincount(beable).tolist() == [4, 2, 1]
    np.testing.assert_allclose(phase, np.array([0, 0.5, -0.8])[beable], atol=1e-12)
    beable, phase = population(PSI, 20_000, key, 0.3)
    apart = np.asarray(phase) - np.array([0, 0.5, -0.8])[beable]
    assert np.std(apart) == pytest.approx(0.3, rel=4 / np.sqrt(2 * 20_000))
    unit = jnp.exp(1j * phase)
    order = order_parameters(unit, beable, jnp.bincount(beable, length=3) * 1.0)
    # a normal spread leaves exp(-σ²/2); the smallest class has 4000
    np.testing.assert_allclose(abs(order), np.exp(-0.045), atol=4 * 0.3 / 4000**0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"law": jqd.Schrodinger(np.eye(3))}, "`law` must be of type CopyDynamics"),
        ({"beables": np.zeros((2, 2), int)}, "Argument `beables` must be a vector of"),
        ({"beables": np.zeros(4)}, "Argument `beables` must be a vector of whole"),
        ({"beables": np.array([0, 1])}, "at least one individual for each of the 3"),
        ({"beables": np.array([0, 1, 2, 3])}, "Argument `beables` must be in 0 .. 2"),
        ({"beables": np.array([0, 1, 2, -1])}, "Argument `beables` must be in 0 .. 2"),
        ({"phases": np.zeros(3)}, "Argument `phases` must have shape (4,)"),
        ({"phases": np.zeros(4) * 1j}, "Argument `phases` must be real"),
        ({"phases": [0, 0, 0, np.inf]}, "Argument `phases` must be finite"),
        ({"ts": [1.0, 0.0]}, "Argument `ts` must increase strictly"),
        ({"key": 0}, "Argument `key` must be one key"),
        ({"method": "euler"}, "Argument `method` must be one of"),
        ({"step": 0.0}, "Argument `step` must be positive"),
        ({"trajectories": 0}, "Argument `trajectories` must be at least 1"),
        ({"first": -1}, "Argument `first` must be at least 0"),
        ({"first": 2**32}, "Argument `first` must leave trajectory numbers"),
        ({"max_steps": 0.5}, "Argument `max_steps` must be a whole number"),
        ({"max_steps": 10**30}, "Argument `max_steps` must be at most"),
        ({"trajectories": 10**14}, "Argument `trajectories` must fit into memory"),
        ({"observe": 3}, "Argument `observe` must be a function"),
    ],
)
def test_input(key, change, message):
    arguments = {
        "law": GOLDEN, "beables": np.array([0, 1, 2, 0]), "phases": np.zeros(4),
        "ts": [0.0, 1.0], "key": key,
    } | change  # fmt: skip
    with pytest.raises(ValueError, match=re.escape(message)):
        individuals(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PSI, 2), "Argument `copies` must be at least the 3 classes"),
        ((PSI, 0), "Argument `copies` must be at least 1"),
        ((PSI, 10**13), "Argument `copies` must fit into memory"),
        ((PSI, 10**20), "Argument `copies` must be at most"),
        ((PSI, 2.5), "Argument `copies` must be a whole number"),
        ((2 * PSI, 10), "Argument `psi0` must be normalised"),
        ((np.sqrt([0.99, 0.01]), 10), "leaves class 1 (density 0.01) empty"),
        ((PSI, 10, None, 0.1), "Argument `key` must be given"),
        ((PSI, 10, None, -0.1), "Argument `spread` must not be negative"),
    ],
)
def test_input_of_population(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        population(*arguments)
