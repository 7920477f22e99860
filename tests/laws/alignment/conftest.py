"""Set-ups that the tests of alignment share."""

import jax
import numpy as np
import pytest

from jqd.laws.alignment import PhaseAlignment

BEABLE = np.array([0, 2, 1, 0, 0, 1, 2, 0, 1, 2, 0, 0])


@pytest.fixture(scope="session")
def law_of():
    """The law of twelve individuals in three classes with golden's couplings."""
    from jqd.problems import golden

    copying, _ = golden()

    def make(f=0.7, **options):
        return PhaseAlignment(
            BEABLE, copying.omega, copying.R, copying.delta, f, **options
        )

    return make


@pytest.fixture(scope="session")
def pair():
    """Classes of 12 and 8, equal frequencies, R = 1, held at x = π/2: Ω = ω = 0."""
    R, delta = np.array([[0.0, 1], [1, 0]]), np.array([[0, 1], [-1, 0]]) * np.pi / 2

    def make(f, **options):
        return PhaseAlignment.of_occupation([12, 8], [0, 0], R, delta, f, **options)

    return make


@pytest.fixture(scope="session")
def flow():
    """A law's state after many of its own steps."""

    def end(law, state, time, steps):
        def one(state, _):
            return law.step(0.0, state, time / steps), None

        return jax.lax.scan(one, state, None, length=steps)[0]

    return end
