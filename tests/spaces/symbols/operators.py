"""Operators of QuTiP at the ħ of these tests."""

import numpy as np
import qutip

HBAR = 0.7


def destroy(levels, modes=1):
    """Annihilation operators of QuTiP, α̂_i = √ħ a_i."""
    ones = [qutip.qeye(levels)] * modes
    return [
        np.sqrt(HBAR)
        * qutip.tensor(*ones[:i], qutip.destroy(levels), *ones[i + 1 :]).full()
        for i in range(modes)
    ]
