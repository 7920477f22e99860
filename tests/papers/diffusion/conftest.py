"""How tests of the diffusion paper name their equation and compare."""

import numpy as np
import pytest


def equation(number):
    return pytest.mark.equation("diffusion", number)


def close(found, expected, tolerance=1e-12):
    return np.allclose(found, expected, rtol=0, atol=tolerance)
