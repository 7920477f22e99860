"""Experiments on what an apparatus does, small, and the figures of their claims."""

import pytest


@pytest.fixture
def run(run_quick):
    return lambda name: run_quick(name, ".csv")
