"""Exact evolution of a state under a Hamiltonian given as a matrix."""

from typing import Any

from jaxtyping import Array, ArrayLike, Complex

from jqd import _checks
from jqd.interop import as_array
from jqd.steppers.eigenbasis import unitary_orbit


def propagate(
    hamiltonian: Any,
    psi0: Any,
    ts: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "nt n"]:
    """Exact states of a quantum system with a constant Hamiltonian.

    psi(t) = exp(-i H (t - ts[0]) / ħ) psi0

    The function works under jit, vmap and grad (checks of values are then skipped);
    derivatives also hold for degenerate spectra, see `unitary_orbit`.

    Args:
        hamiltonian: (n, n) Hermitian matrix or (n,) real diagonal, unit of energy;
            an array or an operator of QuTiP or dynamiqs.
        psi0: (n,) normalised state at ts[0]; an array, or a ket of QuTiP or dynamiqs.
        ts: (nt,) strictly increasing times; ts[0] need not be 0.
        hbar: ħ, scalar.

    Returns:
        (nt, n) complex128 states, the first of which is psi0.

    Raises:
        ValueError: an argument has a wrong shape or value, or 64-bit floats are off.
    """
    _checks.require_x64("`exact.matrices.propagate`")
    hamiltonian = as_array(hamiltonian, "hamiltonian")
    psi0 = as_array(psi0, "psi0")
    _checks.check_finite(hamiltonian, "hamiltonian")
    _checks.check_hermitian(hamiltonian, "hamiltonian")
    _checks.check_state(psi0, "psi0", size=hamiltonian.shape[0], weight=1.0)
    _checks.check_times(ts, "ts")
    _checks.check_positive(hbar, "hbar", ())
    hamiltonian, psi0, ts = map(_checks.widen, (hamiltonian, psi0, ts))
    return unitary_orbit(hamiltonian, psi0, ts - ts[0], hbar)
