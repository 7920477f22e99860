"""A finished recovery, for tests of what is done with one."""

from types import SimpleNamespace

import numpy as np
import pytest

import jqd


@pytest.fixture(autouse=True)
def figures_a_journal_takes(journal):
    """All that a test here saves."""


@pytest.fixture
def recovery():
    num_starts = 5
    q = SimpleNamespace(
        name="q",
        digits="0.50012",
        value=0.50012,
        stderr=1e-4,
        reference=0.5,
        step_bias=2e-10,
        deviation=1.2e-4,
        sigmas=1.2,
        known=None,
        alone=None,
        pull=None,
        at_bound=0,
    )
    coupling = SimpleNamespace(
        name="R[0,1]",
        digits="-0.400",
        value=-0.4,
        stderr=0.02,
        reference=None,
        step_bias=1e-9,
        deviation=None,
        sigmas=None,
        known=None,
        alone=None,
        pull=None,
        at_bound=0,
    )
    rng = np.random.default_rng(0)
    agree = np.arange(num_starts) > 0
    return SimpleNamespace(
        law_name="CopyDynamics",
        study=SimpleNamespace(data=None),
        law=jqd.CopyDynamics.from_hamiltonian(np.ones((2, 2))),
        constants={"q": q, "R[0,1]": coupling},
        covariance=np.diag([1e-8, 4e-4]),
        singular_values=np.array([1e4, 50.0]),
        null_directions=np.zeros((0, 2)),
        starts=rng.uniform(size=(num_starts, 2)),
        ends=rng.uniform(size=(num_starts, 2)),
        agree=agree,
        agreeing_starts=agree.mean(),
        history=np.exp(-np.arange(12.0)) * np.ones((num_starts, 1)),
        held_out=0.0123,
        held_out_start=0.3,
        held_out_rows=3,
        chi2_per_dof=None,
        p_value=None,
        scatter_too_small=False,
        runs=None,
        pattern=None,
        pulled=(),
        errors_hold=True,
        status="converged",
        message="4 of 5 starts agree",
    )
