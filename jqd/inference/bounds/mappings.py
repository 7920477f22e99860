"""What published numbers bound: by functions, by name, or as printed.

A function takes the number and its reference, both floats, and returns the bounded
quantity, such as |q - 1/2|, or None where the number gives no bound. Limits on
constants of rival laws are taken as printed; these constants are named LAW.CONSTANT.
"""

import math
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

# G of `cardinal_infidelity` for q and for r: 2/3 (2G)^2 with Catalan's G, and none.
CARDINAL = (2 / 3 * (2 * 0.915965594177219) ** 2, 0.0)
# Relative change of A's counts between B's settings for each unit of q - 1/2 and of
# r + 1/2, to first order and without their signs: a pair |HH> + 0.26 |VV> whose axes
# are turned by 10 degrees against H and V, analysers that are half-wave plates, A at
# -25.2 degrees, B at -3.8 or at 25.2. The test of this module works them out.
SIGNAL = (0.24781, 0.45724)
# Sine of the angle between the axes of precession and of the beables. Nothing measured
# says what it is.
TILT = 0.1


class Link(NamedTuple):
    """How a published number bounds a constant.

    Attributes:
        constant: name of the constant.
        symbol: the bounded quantity.
        sense: "<" for a bound from above, ">" from below.
        value: function of a number and its reference that gives it; None for no bound.
        needs_reference: whether the number is compared with another one.
        reason: why there is no bound; else the basis of the mapping.
        unit: SI or eV, of the bounded quantity; "1" for a pure number.
    """

    constant: str
    symbol: str
    sense: Literal["<", ">"]
    value: Callable[[float, float], float | None]
    needs_reference: bool
    reason: str
    unit: str = "1"


def exponent_of_infidelity(infidelity: float, index: int) -> float | None:
    """Largest |q - 1/2| (index 0) or |r + 1/2| (1) that an infidelity of a gate allows.

    1 - F = G_jj δ_j² of `cardinal_infidelity`
    """
    response = CARDINAL[index]
    return math.sqrt(infidelity / response) if response else None


def copies_of_infidelity(infidelity: float) -> float | None:
    """Smallest N that is compatible with an infidelity of a π/2 pulse from a pole.

    N (1 - F) = ¼ ln N: ¼ ∫ |J| (1/ρ_a + 1/ρ_b) dt, cut off where a density is 1/N.
    The result is None for an infidelity that is too large for any N.
    """
    least = 1 / (4 * infidelity)  # below it, the loss falls with fewer copies
    if least <= math.e:
        return None
    copies = 4 * least
    for _ in range(20):  # Newton, on a convex function from beyond its zero
        copies -= (copies - least * math.log(copies)) / (1 - least / copies)
    return copies


def period_loss(tilt: float) -> float:
    """Λ that a superposition of equal weights loses in one period of its precession.

    Λ = ¼ ∮ |dρ|/(ρ(1 - ρ)) = ln[(1 + s)/(1 - s)],  ρ from (1 - s)/2 to (1 + s)/2

    s = sin θ, with θ the angle between the axis of precession and that of the beables.
    """
    return 2 * math.atanh(tilt)


def copies_of_precession(infidelity: float) -> float:
    """Smallest N that is compatible with an infidelity in one period of precession."""
    return period_loss(TILT) / infidelity


def exponent_of_signal(signal: float, index: int) -> float:
    """Largest |q - 1/2| (index 0) or |r + 1/2| (1) that a signal from B to A allows.

    n_A(b)/n_A(b') - 1 = S_q (q - 1/2) + S_r (r + 1/2), of which one term is taken
    """
    return signal / SIGNAL[index]


def diffusion_of_inverse_alpha(inverse_alpha: float, reference: float) -> float:
    """D/D_QM - 1 of an atom against the electron: α² ∝ h/m = 4πD.

    D/D_QM - 1 = -2 (1/α - 1/α_ref)/(1/α_ref), to first order
    """
    return -2 * (inverse_alpha - reference) / reference


def diffusion_of_action(action_over_mass: float, reference: float) -> float:
    """D/D_QM - 1 from h/m = 4πD against h/m of a known mass."""
    return (action_over_mass - reference) / reference


# The state and local Hamiltonians are invariant under i σ_y K on both sides, which
# flips both outcomes: densities of (a, b) and of the flipped pair stay equal.
MAXIMAL = (
    "two maximally entangled qubits send no signal for any q and r: each outcome of A "
    "has the share 1/2, whatever Hamiltonian each of them chooses"
)

MAPPINGS: Mapping[str, Link] = {
    "q_of_half_pi_pulses": Link(
        "q", "|q - 1/2|", "<", lambda x, _: exponent_of_infidelity(x, 0), False,
        "resonant pi/2 pulses turn too little from a pole and too far from the "
        "equator where q is above 1/2, so that no angle of theirs hides it",
    ),
    "r_of_half_pi_pulses": Link(
        "r", "|r + 1/2|", "<", lambda x, _: exponent_of_infidelity(x, 1), False,
        "resonant pi/2 pulses on the six cardinal states do not depend on r: a "
        "benchmark by Clifford gates is blind to it",
    ),
    "copies_of_pulse_from_pole": Link(
        "N", "N", ">", lambda x, _: copies_of_infidelity(x), False,
        "N copies lose ln(N)/(4N) of fidelity in a pi/2 pulse from a pole",
    ),
    "copies_of_precession": Link(
        "N", "N", ">", lambda x, _: copies_of_precession(x), False,
        "N copies lose ln[(1 + s)/(1 - s)]/N of fidelity in each period of a "
        "precession about an axis whose angle with that of the beables has the sine s",
    ),
    "q_of_partial_pair": Link(
        "q", "|q - 1/2|", "<", lambda x, _: exponent_of_signal(x, 0), False,
        "in a pair that is not maximally entangled the counts of A change with the "
        "setting of B in proportion to q - 1/2",
    ),
    "r_of_partial_pair": Link(
        "r", "|r + 1/2|", "<", lambda x, _: exponent_of_signal(x, 1), False,
        "in a pair that is not maximally entangled the counts of A change with the "
        "setting of B in proportion to r + 1/2",
    ),
    "q_of_maximal_pair": Link(
        "q", "|q - 1/2|", "<", lambda *_: None, False, MAXIMAL,
    ),
    "r_of_maximal_pair": Link(
        "r", "|r + 1/2|", "<", lambda *_: None, False, MAXIMAL,
    ),
    "D_of_inverse_alpha": Link(
        "D", "|D/D_QM - 1|", "<", diffusion_of_inverse_alpha, True,
        "h/m is 4 pi D, and the square of alpha is proportional to it",
    ),
    "D_of_action_over_mass": Link(
        "D", "|D/D_QM - 1|", "<", diffusion_of_action, True, "h/m is 4 pi D",
    ),
    "C_of_revival_time": Link(
        "C", "|C - 1|", "<", lambda *_: None, False,
        "the time of a revival gives U C alone, and U is not known otherwise",
    ),
}  # fmt: skip


def _printed(
    constant: str, symbol: str, sense: Literal["<", ">"], unit: str = "1"
) -> Link:
    """A constant whose limits are printed; a limit alone estimates nothing."""
    reason = "the limit is taken as printed"
    return Link(constant, symbol, sense, lambda *_: None, False, reason, unit)


PRINTED: Mapping[str, Link] = {
    link.constant: link
    for link in (
        _printed("logarithmic.b", "b", "<", "eV"),
        _printed("weinberg.eps", "|eps|", "<", "eV"),
        _printed("csl.lam", "lambda", "<", "s^-1"),
        _printed("diosi_penrose.R0", "R0", ">", "m"),
        _printed("kaplan_rajendran.eps", "eps_gamma", "<"),
    )
}

# Constants of which no number can speak, or none is known to.
SILENT: Mapping[str, str] = {
    "doebner_goldin.D": "on the linearisable line densities are those of quantum "
    "mechanics for any D, so that none can exist there, and off it none is known to us",
}
