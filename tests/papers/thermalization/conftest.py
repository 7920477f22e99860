"""How tests of the thermalization paper name their equation."""

import pytest


def equation(number):
    return pytest.mark.equation("thermalization", number)
