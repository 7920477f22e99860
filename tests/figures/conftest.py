import pytest


@pytest.fixture(autouse=True)
def figures_a_journal_takes(journal):
    """All that a test here saves."""
