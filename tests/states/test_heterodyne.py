"""Heterodyne outcomes have the moments and the margins of the Husimi function."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.states import (
    Ensemble,
    antinormal_moment,
    cat,
    coherent,
    sample_husimi,
    squeezed,
)

SHOTS, LEVELS = 8000, 40
ORDERS = [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2), (4, 0)]
# of as many levels as the others, so that one program draws them all
NUMBERS = jnp.zeros(LEVELS, complex).at[:4].set(jnp.array([0.5, 0.5j, -0.5, 0.5]))
STATES = {
    "coherent": coherent(1.2 + 0.5j, LEVELS),
    "squeezed": squeezed(0.5, LEVELS, displacement=0.4j, angle=0.3),
    "numbers": NUMBERS,
    "cat": cat(jnp.array([1.5, -1.5 + 1j]), jnp.array([1.0, 1j]), LEVELS),
    "mixed": Ensemble(
        jnp.stack([NUMBERS, NUMBERS[::-1]]), jnp.array([0.75, 0.25])
    ),
}  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize("name", STATES)
def test_moments_are_those_of_the_state(name):
    state = STATES[name]
    alpha = np.asarray(sample_husimi(jax.random.key(11), state, SHOTS, hbar=0.5))
    for m, n in ORDERS:
        each = alpha**m * np.conj(alpha) ** n
        exact = complex(antinormal_moment(state, m, n, hbar=0.5))
        for seen, known in ((each.real, exact.real), (each.imag, exact.imag)):
            # 4 standard errors of a mean, of 60 that are looked at; rounding of numbers
            # that are real
            assert abs(seen.mean() - known) < 4 * seen.std() / SHOTS**0.5 + 1e-12


def test_number_states_have_gamma_radii_and_any_angle():
    """|α|² of |n> is the sum of n + 1 exponential numbers."""
    alpha = sample_husimi(jax.random.key(2), jnp.eye(LEVELS)[5] + 0j, SHOTS)
    squares = np.abs(np.asarray(alpha)) ** 2
    # 4 standard errors: variance n + 1, fourth central moment 3 (n + 1)² + 6 (n + 1)
    assert abs(squares.mean() - 6) < 4 * (6 / SHOTS) ** 0.5
    assert abs(squares.var() - 6) < 4 * ((3 * 36 + 36 - 36) / SHOTS) ** 0.5
    angles = np.sort(np.angle(np.asarray(alpha))) / (2 * np.pi) + 0.5
    apart = np.abs(angles - (np.arange(SHOTS) + 0.5) / SHOTS).max()
    # Kolmogorov's distance is beyond 1.95/√N in one case of a thousand
    assert apart < 1.95 / SHOTS**0.5


def test_two_opposite_states_are_told_apart():
    """The circle of |α| = 2 is entered where the cat is, not opposite to it."""
    alpha = sample_husimi(jax.random.key(3), coherent(3.0, LEVELS), SHOTS)
    assert np.asarray(alpha).real.min() > 0  # 3 is 4.2 standard deviations from 0


def test_the_same_key_gives_the_same_outcomes_and_jit_too():
    draw = jax.jit(lambda key: sample_husimi(key, NUMBERS, 7))
    once, again = draw(jax.random.key(5)), draw(jax.random.key(5))
    assert jnp.all(once == again)
    assert not jnp.any(once == draw(jax.random.key(6)))
    # equal to the run without jit up to rounding: the polynomial's slope is of order 1
    np.testing.assert_allclose(
        once, sample_husimi(jax.random.key(5), NUMBERS, 7), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"shots": 0}, "`shots` must be a whole number from 1 on, but is 0"),
        ({"shots": True}, "`shots` must be a whole number"),
        ({"hbar": 0.0}, "`hbar` must be positive"),
        (
            {"state": Ensemble(jnp.stack([NUMBERS] * 2), jnp.array([1.5, -0.5]))},
            "weights that are not negative.*-0.5",
        ),
        ({"state": jnp.eye(2)[:, :, None] + 0j}, "`state` must"),
    ],
)
def test_refusals(words, message):
    given = {"state": NUMBERS, "shots": 5} | words
    state, shots = given.pop("state"), given.pop("shots")
    with pytest.raises(ValueError, match=message):
        sample_husimi(jax.random.key(0), state, shots, **given)
