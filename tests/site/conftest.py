"""The site as `make docs` built it, and what builds it."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(
    0, str(ROOT / "docs" / "_ext")
)  # what makes pages also says what is due

BUILT = ROOT / "docs" / "_build" / "html"


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.site)


@pytest.fixture(scope="session")
def site():
    """The folder of the pages."""
    if not (BUILT / "index.html").exists():
        pytest.fail("There is no site: run `make docs` first.")
    return BUILT
