"""Quantum mechanics seen with one error of the apparatus, and who does not know it.

Populations of three levels, and vacua of a displaced Kerr oscillator; ħ = 1.
"""

import numpy as np

import jqd
from jqd.inference import hamiltonian_priors
from jqd.instruments import Confusion, Displaced
from jqd.laws.husimi import Bath, DisplacedThermal, Exact
from jqd.problems import golden

from .problems import displacements

CONTROL = "no error"
# Three levels: 50 times to T = 5, 20000 shots at each.
TS, SHOTS = np.arange(1, 51) * 0.1, 20000
RATE = 0.01  # of relaxation and dephasing, 1/time: 5 % within T
# Kerr oscillator, U = 1: three times, 10^6 shots over 121 displacements.
KERR_TS, KERR_SHOTS = np.array([0.2, 0.5, 1.0]), 10**6
V, EPS, ALPHA, LEVELS = 0.98, 0.01, 1.2, 16
SYMBOL, VALUES = "0.5*U*ad^2*a^2 + delta*ad*a", {"U": 1.0, "delta": 2.0}

# -- three levels --------------------------------------------------------------------


def unit(row, column):
    return np.zeros((3, 3)) + np.eye(3)[:, [row]] * np.eye(3)[[column]]


def three_level_truths():
    """Populations, (T, 3), of quantum mechanics with one error each, or none."""
    law, psi = golden()
    H = np.asarray(law.hamiltonian())
    coupled = np.where(np.eye(3, dtype=bool), 1.0, 1.01)
    first = 1 + 0.01 * (unit(0, 1) + unit(1, 0))
    fall = {f"fall{b}": jqd.laws.Jump(unit(0, b), RATE) for b in (1, 2)}
    lose = {f"phase{b}": jqd.laws.Jump(unit(b, b), RATE) for b in range(3)}

    def seen(truth, readout=0.0):
        see = Confusion(readout=readout, noise=jqd.instruments.NoNoise())
        return np.asarray(jqd.simulate(truth, psi, TS, see, t0=0.0).values)

    return {
        "relaxation, 5 %": seen(jqd.Lindblad(H, fall)),
        "dephasing, 5 %": seen(jqd.Lindblad(H, lose)),
        "readout, 1 %": seen(jqd.Schrodinger(H), 0.01),
        "all couplings +1 %": seen(jqd.Schrodinger(H * coupled)),
        "one coupling +1 %": seen(jqd.Schrodinger(H * first)),
        "one energy +0.01": seen(jqd.Schrodinger(H + 0.01 * unit(1, 1))),
        CONTROL: seen(jqd.Schrodinger(H)),
    }


def three_level_studies():
    """The pure law, and with priors of each real parameter of H and of the readout."""
    law, psi = golden()
    record = jqd.Record(TS, np.full((TS.size, 3), SHOTS // 3), jqd.Multinomial(), t0=0)
    options = {"psi0": psi, "free": ("q", "r"), "instrument": Confusion()}
    priors = {**hamiltonian_priors(law, 0.01), "readout": jqd.HalfNormal(0.02)}
    return {
        "pure law": jqd.Study(law, record, **options),
        "H, readout": jqd.Study(law, record, nuisances=priors, **options),
    }


# -- Kerr oscillator -----------------------------------------------------------------


def kerr(bath=None, levels=LEVELS):
    return jqd.HusimiFokkerPlanck(SYMBOL, form=Exact(levels), bath=bath, **VALUES)


def kerr_start(alpha=ALPHA, n0=0.0, levels=LEVELS):
    return DisplacedThermal(alpha, n0, levels=levels, orders=6)


def kerr_truths():
    """Probabilities of the vacuum, (T, 121), of quantum mechanics with one error, or
    none."""

    def seen(bath=None, start=None, **wrong):
        see = {"V": V, "eps": EPS, "noise": jqd.instruments.NoNoise()} | wrong
        see, start = Displaced(displacements(), **see), start or kerr_start()
        run = jqd.simulate(kerr(bath), start, KERR_TS, see, t0=0.0)
        return np.asarray(run.values)

    return {
        "loss, 5 %": seen(Bath(0.05)),
        "loss, 0.1 thermal quanta": seen(Bath(0.05, 0.1)),
        "dephasing, 5 %": seen(Bath(dephasing=0.05)),
        "displacements +1 %": seen(scale=1.01),
        "start +1 %": seen(start=kerr_start(1.01 * ALPHA)),
        "visibility -0.01": seen(V=V - 0.01),
        "offset +0.01": seen(eps=EPS + 0.01),
        "start, 0.01 thermal quanta": seen(start=kerr_start(n0=0.01)),
        CONTROL: seen(),
    }


def shots_each():
    """Shots of one displacement at one time."""
    return round(KERR_SHOTS / (KERR_TS.size * displacements().size))


def kerr_studies():
    """C alone; with the oscillator; with the instrument; with loss and dephasing."""
    each = shots_each()
    counts = np.full((KERR_TS.size, displacements().size), each // 2)
    record = jqd.Record(KERR_TS, counts, jqd.Binomial(each), t0=0.0)
    oscillator = ("C", "U", "delta", "alpha")
    everything = (*oscillator, "eps")
    priors = {
        "n0": jqd.HalfNormal(0.005),
        "scale": jqd.LogNormal(1.0, 0.005),
        "V": jqd.Normal(V, 0.005),
    }
    opened = priors | {"gamma": jqd.HalfNormal(0.1), "dephasing": jqd.HalfNormal(0.1)}

    def study(free, nuisances=None, levels=LEVELS, **bath):
        return jqd.Study(
            kerr(levels=levels, **bath), record, psi0=kerr_start(levels=levels),
            free=free, nuisances=nuisances,
            instrument=Displaced(displacements(), V=V, eps=EPS),
        )  # fmt: skip

    return {
        "C alone": study(("C",)),
        "oscillator": study(oscillator),
        "instrument": study(everything, priors),
        # 13 levels hold all but 1e-8 of the initial state, and cost half of 16 as a
        # matrix
        "loss, dephasing": study(
            everything, opened, levels=13, bath=Bath(0.02, dephasing=0.02)
        ),
    }
